.PHONY: mutants lock-mutants

# Modules below workflow/inference_energy that are changed, one after the other, each noticed by the
# tests of its name; or one MODULE, with the TESTS that have to notice.
MODULES ?= energy/equation.py energy/fleet.py energy/exact.py energy/mixtures.py energy/monte_carlo.py \
  claims/judge.py claims/selectors.py comparison/compare.py comparison/attribution.py \
  deployments/runs.py deployments/power.py readers/consistency.py readers/client_totals.py rounding.py
MODULE ?= $(MODULES)
TESTS ?=

.venv-mutants/.installed: requirements.lock envs/mutants.lock
	@echo "Installing the packages of requirements.lock and envs/mutants.lock into .venv-mutants ..."
	@$(PYTHON) -m venv --clear .venv-mutants
	@.venv-mutants/bin/python -m pip install -qq --disable-pip-version-check --require-hashes \
	  -r envs/mutants.lock
	@touch $@

mutants: .venv-mutants/.installed ## change MODULE line by line, list what no test notices, note the score
	@for module in $(MODULE); do envs/mutants.sh $$module $(TESTS) || exit 1; done

lock-mutants: ## renew the lock of mutation testing (needs uv)
	uv pip compile pyproject.toml --group mutants -c requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --quiet -o envs/mutants.lock

.PHONY: mutants lock-mutants

# Modules below workflow/inference_energy that are changed, and the tests that have to notice.
MUTATED ?= energy/equation.py energy/fleet.py
NOTICING ?= tests/library/energy/test_equation.py tests/library/energy/test_fleet.py

.venv-mutants/.installed: requirements.lock envs/mutants.lock
	@echo "Installing the packages of requirements.lock and envs/mutants.lock into .venv-mutants ..."
	@$(PYTHON) -m venv --clear .venv-mutants
	@.venv-mutants/bin/python -m pip install -qq --disable-pip-version-check --require-hashes \
	  -r envs/mutants.lock
	@touch $@

mutants: .venv-mutants/.installed ## change MUTATED line by line, list what NOTICING does not notice
	envs/mutants.sh "$(MUTATED)" "$(NOTICING)"

lock-mutants: ## renew the lock of mutation testing (needs uv)
	uv pip compile pyproject.toml --group mutants -c requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --quiet -o envs/mutants.lock

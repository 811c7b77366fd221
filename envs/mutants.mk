.PHONY: mutants lock-mutants

# Modules below workflow/inference_energy that are changed, each noticed by the tests of its name; or
# one or several as MODULE, with the TESTS that have to notice.
MODULES ?= rounding.py agreement.py config.py documents.py names.py paper/estimate.py \
  $(addprefix energy/,equation.py fleet.py exact.py mixtures.py monte_carlo.py) \
  $(addprefix method/,distributions.py lengths.py quadrature.py build.py files.py serving.py setup.py \
    boundary.py differences.py materials.py provenance.py wording.py plausible.py datasheets.py) \
  $(addprefix laws/,base.py log_linear.py at_load.py serving.py mixed.py additive.py fitting.py hardware.py \
    hierarchical.py load_scores.py pooled.py rows.py peak.py separate.py varied.py engines.py shared_fits.py \
    spreads.py registry.py cross_validation.py training.py) \
  $(addprefix power/,gpu.py node.py utilisation.py ways.py measured.py scores.py wall.py shares.py) \
  $(addprefix claims/,judge.py selectors.py computed.py findings.py headline.py asked.py wording.py) \
  $(addprefix comparison/,compare.py attribution.py changes.py sides.py snapshots.py medians.py whatif.py) \
  $(addprefix deployments/,runs.py power.py law.py build.py answers.py files.py) \
  $(addprefix readers/,client_totals.py vllm.py sglang.py guidellm.py inference_perf.py inferencex.py \
    mlenergy.py mlperf.py aiperf.py project.py consistency.py common.py) \
  $(addprefix evidence/,boundaries.py blackwell.py concurrency.py coverage.py decomposition.py estimates.py law.py \
    lengths.py load.py production.py token_energy.py verdicts.py) \
  $(addprefix peers/,own.py own_node.py rows.py score.py) \
  $(addprefix stress/,records.py window.py lateness.py timeline.py benchmark.py settings.py tables.py impact.py \
    checks.py forecast.py own_node.py plan.py freshness.py results.py power.py)
MODULE ?= $(MODULES)
export TESTS ?=

.venv-mutants/.installed: requirements.lock envs/mutants.lock
	@echo "Installing the packages of requirements.lock and envs/mutants.lock into .venv-mutants ..."
	@$(PYTHON) -m venv --clear .venv-mutants
	@.venv-mutants/bin/python -m pip install -qq --disable-pip-version-check --require-hashes \
	  -r envs/mutants.lock
	@touch $@

mutants: .venv-mutants/.installed ## change MODULE line by line, list what no test notices, note the score
	@envs/mutants.sh $(MODULE)

lock-mutants: ## renew the lock of mutation testing (needs uv)
	uv pip compile pyproject.toml --group mutants -c requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --quiet -o envs/mutants.lock

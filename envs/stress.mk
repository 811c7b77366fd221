.PHONY: stress-env test-stress lock-stress

stress-env: .venv-stress/.installed ## install AIPerf into .venv-stress

.venv-stress/.installed: envs/stress.lock
	@echo "Installing the packages of envs/stress.lock into .venv-stress ..."
	@$(PYTHON) -m venv --clear .venv-stress
	@.venv-stress/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/stress.lock
	@touch $@

.venv-stress/.engine: envs/stress-test.lock .venv-stress/.installed
	@echo "Adding the engine of envs/stress-test.lock ..."
	@.venv-stress/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/stress-test.lock
	@touch $@

# Other clients of which the tests read real results. Older AIPerf runs on the packages of the pinned one; inference-perf
# needs Python 3.12, and its test is skipped where that does not run (pyenv has names of Pythons that are not chosen).
OLDER := $(basename $(notdir $(wildcard envs/clients/aiperf-*.lock)))
CLIENTS := $(OLDER) $(if $(shell python3.12 --version 2>/dev/null),inference-perf)

.venv-stress/clients/aiperf-%/.installed: envs/clients/aiperf-%.lock .venv-stress/.engine
	@.venv-stress/bin/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade --require-hashes \
	  --target $(@D) -r $<
	@touch $@

.venv-stress/clients/inference-perf/.installed: envs/clients/inference-perf.lock .venv-stress/.engine
	@echo "Installing the packages of $< ..."
	@python3.12 -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

test-stress: $(ENV) $(CLIENTS:%=.venv-stress/clients/%/.installed) ## try the stress test on a real engine on the CPU
	pytest -m stress tests/stress

lock-stress: ## renew the locks of the stress test (needs uv)
	uv pip compile --group stress --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --quiet -o envs/stress.lock
	uv pip compile --group stress-test -c envs/stress.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --quiet -o envs/stress-test.lock
	for client in $(OLDER); do echo $$client | sed s/-/==/ | uv pip compile - --no-deps --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o envs/clients/$$client.lock || exit 1; done
	echo inference-perf==0.7.0 | uv pip compile - --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet -o envs/clients/inference-perf.lock

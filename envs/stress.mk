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

test-stress: $(ENV) .venv-stress/.engine ## try the stress test on a real engine on the CPU
	pytest -m stress tests/stress

lock-stress: ## renew the locks of the stress test (needs uv)
	uv pip compile --group stress --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --quiet -o envs/stress.lock
	uv pip compile --group stress-test -c envs/stress.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --quiet -o envs/stress-test.lock

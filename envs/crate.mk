.PHONY: crate check-crate check-package lock-crate

.venv-crate/.installed: envs/crate.lock
	@echo "Installing the packages of envs/crate.lock into .venv-crate ..."
	@$(PYTHON) -m venv --clear .venv-crate
	@.venv-crate/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/crate.lock
	@touch $@

crate: .venv-crate/.installed ## renew ro-crate-metadata.json, the run as a Workflow Run RO-Crate
	.venv-crate/bin/python envs/crate.py .

check-crate: .venv-crate/.installed ## validate ro-crate-metadata.json against its profiles, offline
	.venv-crate/bin/python envs/check_crate.py .

check-package: .venv-crate/.installed ## validate datapackage.json and its tables with Frictionless
	.venv-crate/bin/python envs/check_package.py datapackage.json

lock-crate: ## renew the lock of what writes and validates the RO-Crate and the data package (needs uv)
	uv pip compile --group crate --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --quiet -o envs/crate.lock

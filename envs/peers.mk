.PHONY: peers-env peers lock-peers

peers-env: .venv-peers/.installed ## install EcoLogits and AIConfigurator into .venv-peers

.venv-peers/.installed: envs/peers.lock
	@echo "Installing the packages of envs/peers.lock into .venv-peers ..."
	@$(PYTHON) -m venv --clear .venv-peers
	@.venv-peers/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/peers.lock
	@touch $@

peers: $(ENV) .venv-peers/.installed ## ask EcoLogits and AIConfigurator again, compare, renew their committed answers
	snakemake peers
	cp build/peers/answers.csv data/published/peers.csv

lock-peers: ## renew the lock of EcoLogits and AIConfigurator (needs uv)
	uv pip compile --group peers --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --quiet -o envs/peers.lock

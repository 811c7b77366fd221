.PHONY: slurm-env test-slurm lock-slurm

slurm-env: .venv-slurm/.installed ## install Snakemake's executor for SLURM into .venv-slurm

.venv-slurm/.installed: requirements.lock envs/slurm.lock
	@echo "Installing the packages of requirements.lock and envs/slurm.lock into .venv-slurm ..."
	@$(PYTHON) -m venv --clear .venv-slurm
	@.venv-slurm/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv-slurm/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/slurm.lock
	@touch $@

# Debian's packages are installed only if asked: make test-slurm INSTALL=yes
test-slurm: .venv-slurm/.installed ## run requests on a one-node SLURM on this machine
	@command -v slurmctld slurmd munged >/dev/null || [ "$(INSTALL)" = yes ] || { \
	  echo "SLURM is not installed: make test-slurm INSTALL=yes (as root: apt-get install slurm-wlm munge)" >&2; exit 1; }
	@command -v slurmctld slurmd munged >/dev/null || \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge; }
	PATH=$(CURDIR)/.venv-slurm/bin:$$PATH pytest -m slurm tests/cluster

lock-slurm: ## renew the lock of the executor for SLURM (needs uv)
	uv pip compile --group slurm -c requirements.lock --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --quiet -o envs/slurm.lock

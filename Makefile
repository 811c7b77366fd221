.DEFAULT_GOAL := all
SHELL := /bin/bash
PYTHON ?= python3
ENV := .venv/.installed
LOWEST := .venv-lowest/.installed

# Jobs of the run start jupytext and jupyter by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Threads of the numeric libraries slow down small matrices, the more so beside other processes.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: all env lint test fuzz bench bench-requests report provenance audit whatif changes checksums archive readme licences
.PHONY: vulnerabilities lock lock-lowest clean help

all: $(ENV) ## set up the environment and reproduce every table and figure (default)
	snakemake --forceall all audit build/report.html

env: $(ENV) ## set up the environment in .venv from requirements.lock

$(ENV): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; '$(PYTHON)' is not. Try: make PYTHON=python3.12" >&2; exit 1; }
	@test ! -L .venv \
	  || { echo ".venv is a link, and what it leads to would be emptied; remove it" >&2; exit 1; }
	@echo "Installing the packages of requirements.lock into .venv ..."
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

lint: $(ENV) ## check style of code and workflow, and types
	ruff check
	ruff format --check
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

$(LOWEST): envs/lowest.lock $(ENV)
	@echo "Installing the oldest versions of envs/lowest.lock into .venv-lowest ..."
	@rm -rf .venv-lowest
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes \
	  --target .venv-lowest -r envs/lowest.lock
	@touch $@

test: lint $(LOWEST) ## check style and types, then run all tests, a process per core
	pytest -n logical --maxprocesses 4 --no-loadscope-reorder

# Cases that make fuzz tries.
CASES ?= 300000

fuzz: $(ENV) ## try 300,000 damaged files of every kind, write benchmarks/fuzz.md; go on if stopped
	PAGE=benchmarks/fuzz.md PYTHONPATH=workflow:tests python -m fuzz.run $(CASES)

report: $(ENV) ## write the page build/report.html; of the results only what is out of date is made
	snakemake build/report.html

provenance: $(ENV) ## write Snakemake's own report, how each file was made: build/provenance.html
	snakemake all audit
	snakemake all audit --report build/provenance.html

bench: $(ENV) bench-requests ## measure the speed, write benchmarks/results.md and requests.md
	PYTHONPATH=workflow python benchmarks/run.py

bench-requests: $(ENV) ## measure request logs up to 1e9 rows (10 GB of disk), write benchmarks/requests.md
	PYTHONPATH=workflow:tests python benchmarks/requests.py
	PYTHONPATH=workflow python benchmarks/costs.py

audit: $(ENV) ## ask how much the answer depends on choices and inputs (minutes)
	snakemake audit

whatif: $(ENV) ## say what a change of an assumption does: make whatif [METHOD=FILE] [BASE=NAME]
	snakemake whatif $(if $(METHOD)$(BASE),--config) $(if $(METHOD),method="$(METHOD)") $(if $(BASE),base="$(BASE)")

changes: $(ENV) ## compare the results with the committed ones
	snakemake changes

checksums: $(ENV) ## accept the files of data/ as they are: renew data/SHA256SUMS
	PYTHONPATH=workflow python -m inference_energy.reuse.checksums

archive: $(ENV) ## pack the committed files into one zip for a deposit, with its checksum
	PYTHONPATH=workflow python -m inference_energy.reuse.archive

readme: $(ENV) ## renew the numbers of the README and the keys of config/README.md
	snakemake build/README.md build/config/README.md
	cp build/README.md README.md
	cp build/config/README.md config/README.md

licences: $(ENV) ## list the licence of every package that is installed, and refuse unknown ones
	python .ci/licences.py

vulnerabilities: ## look up the known vulnerabilities of requirements.lock (needs a network)
	$(PYTHON) -m venv --clear .venv-vulnerabilities
	.venv-vulnerabilities/bin/python -m pip install -qq --disable-pip-version-check pip-audit==2.10.1
	.venv-vulnerabilities/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "uv is not installed: https://docs.astral.sh/uv/" >&2; exit 1; }
	uv pip compile pyproject.toml --group test --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --quiet -o requirements.lock

lock-lowest: ## renew the lock of the oldest numeric libraries (needs uv)
	uv pip compile --group lowest --universal --python-version 3.11 --generate-hashes --no-deps \
	  --no-emit-index-url --no-annotate --quiet -o envs/lowest.lock

clean: ## remove logs, caches and the report; keep results, figures and .venv
	rm -rf build logs .snakemake .hypothesis .mypy_cache .pytest_cache .ruff_cache

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

-include envs/browser.mk
-include envs/crate.mk
-include envs/stress.mk
-include envs/slurm.mk
-include envs/peers.mk
-include envs/matrix.mk
-include envs/mutants.mk
-include envs/gpu.mk

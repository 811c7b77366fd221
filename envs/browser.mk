.PHONY: test-browser lock-browser

.venv-browser/.installed: requirements.lock envs/browser.lock
	@echo "Installing the packages of requirements.lock and envs/browser.lock into .venv-browser ..."
	@$(PYTHON) -m venv --clear .venv-browser
	@.venv-browser/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv-browser/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/browser.lock
	@touch $@

# Debian's package is installed only if asked: make test-browser INSTALL=yes
test-browser: .venv-browser/.installed ## try the pages in a headless Chromium
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || [ "$(INSTALL)" = yes ] || { \
	  echo "Chromium is not installed: make test-browser INSTALL=yes (as root: apt-get install chromium), or CHROMIUM=PATH" >&2; exit 1; }
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }
	PATH=$(CURDIR)/.venv-browser/bin:$$PATH snakemake build/report.html
	PATH=$(CURDIR)/.venv-browser/bin:$$PATH pytest -m browser tests/explorer

lock-browser: ## renew the lock of the browser's driver (needs uv)
	uv pip compile --group browser -c requirements.lock --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --quiet -o envs/browser.lock

.PHONY: matrix

# Python 3.11 to 3.14, at both bounds of numpy, pandas and scipy.
MATRIX ?= 3.11:lowest-direct 3.12:highest 3.13:lowest-direct 3.14:highest

# Files that are made and compared; all, unless named.
FILES ?=

matrix: ## run with other versions of Python and libraries, compare the bytes (needs uv; an hour)
	@command -v uv >/dev/null || { echo "uv is not installed: https://docs.astral.sh/uv/" >&2; exit 1; }
	@failed=; for pair in $(MATRIX); do envs/matrix.sh $${pair%%:*} $${pair##*:} $(FILES) || failed=1; done; test -z "$$failed"

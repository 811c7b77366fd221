.PHONY: gpu-kit lock-gpu

# The Python of the GPU machine, and what `pip freeze` says there: HAVE=freeze.txt
GPU_PYTHON ?= python3.12
PLAN ?= envs/gpu/plan.yaml
HAVE ?=

gpu-kit: ## pack a stress test for a GPU machine without a network into build/gpu-kit (HAVE=its pip freeze)
	@$(GPU_PYTHON) --version >/dev/null 2>&1 || { echo "$(GPU_PYTHON) is missing: name the GPU machine's Python, GPU_PYTHON=..." >&2; exit 1; }
	@$(GPU_PYTHON) -m venv --clear .venv-gpu
	@.venv-gpu/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/gpu/pack.lock
	.venv-gpu/bin/python envs/gpu/pack.py $(PLAN) build/gpu-kit $(HAVE)

lock-gpu: ## renew the locks of the engines and of the packer (needs uv)
	for engine in vllm transformers pack; do \
	  uv pip compile envs/gpu/$$engine.in --python-version 3.12 --python-platform x86_64-manylinux_2_28 \
	    --generate-hashes --no-emit-index-url --no-annotate --quiet -o envs/gpu/$$engine.lock || exit 1; done

"""The deployments that ship as examples, answered."""

import json

import pytest
from inference_energy.deployments import build, files
from inference_energy.readers import detect_and_read
from library.deployments.made_up import SCHEMAS
from repository import METHOD_FILES, ROOT, read_yaml


@pytest.fixture(scope="module", params=["8xh100-llama-405b", "8xb200-deepseek-r1"])
def example(request):
    """An example that ships: its method, benchmark file content and answer."""
    path = f"config/deployments/{request.param}.yaml"
    content = read_yaml(path)
    method = files.resolve(content, request.param, path, METHOD_FILES, SCHEMAS)
    section = method["deployment"]
    file = ROOT / "config/deployments" / section["benchmarks"]
    found = build.build(method, detect_and_read(file, section["facts"]), path)
    return request.param, method, list(content), json.loads(file.read_text(encoding="utf-8")), found

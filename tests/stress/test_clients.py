"""Clients of other versions and makers against the engine: what is read is their own summary.

The clients of GuideLLM, SGLang and vLLM import torch, which brings gigabytes of CUDA: results of
theirs are among the fixtures.
"""

import json
import os

import pytest
from inference_energy.readers import detect_and_read
from inference_energy.stress.client import STARTS
from library.readers.said import ONE, SAID, check_said
from processes import run
from repository import ROOT
from stress.conftest import KEY, PYTHON
from stress.telemetry import Telemetry

pytestmark = pytest.mark.stress

CLIENTS = ROOT / ".venv-stress/clients"
REQUESTS = 20


@pytest.mark.parametrize("version", ["0.8.0", "0.9.0", "0.10.0", "0.11.0", "0.12.0"])
def test_older_aiperf(engine, tmp_path, version):
    address, tokenizer = engine
    command = [PYTHON, "-m", "aiperf", "profile", "-m", "tiny", "--url", address[: -len("/v1")]]
    command += ["--endpoint-type", "chat", "--streaming", "--tokenizer", tokenizer]
    command += ["--isl", "40", "--isl-stddev", "0", "--osl", "60", "--osl-stddev", "0"]
    command += ["--concurrency", "2", "--request-count", str(REQUESTS), "--random-seed", "7"]
    command += ["--extra-inputs", "ignore_eos:true", "--no-server-metrics", "--ui", "none"]
    command += ["--api-key", KEY, "--output-artifact-dir", tmp_path / "out"]
    with Telemetry(1, utilisation=90) as telemetry:
        command += ["--gpu-telemetry", telemetry.url]
        environment = STARTS | os.environ | {"PYTHONPATH": str(CLIENTS / f"aiperf-{version}")}
        done = run(command, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    row = detect_and_read(tmp_path / "out/profile_export_aiperf.json", ONE).iloc[0]
    assert (row["client_version"], row["completed"]) == (version, REQUESTS)
    said = (tmp_path / "out/profile_export_aiperf.csv").read_text(encoding="utf-8")
    check_said(row, said, SAID[f"aiperf/{version}.json"][1])


def test_inference_perf(engine, tmp_path):
    python = CLIENTS / "inference-perf/bin/python"
    if not python.exists():
        pytest.skip("inference-perf needs Python 3.12")
    address, tokenizer = engine
    fixed = {"std_dev": 0, "total_count": 2 * REQUESTS}
    lengths = {
        f"{name}_distribution": {"min": tokens, "max": tokens, "mean": tokens} | fixed
        for name, tokens in (("input", 40), ("output", 60))
    }
    stage = {"num_requests": REQUESTS, "concurrency_level": 2}
    server = {"type": "vllm", "model_name": "tiny", "base_url": address[: -len("/v1")]}
    config = {
        "api": {"type": "completion", "streaming": True},
        "data": {"type": "random"} | lengths,
        "load": {"type": "concurrent", "stages": [stage], "num_workers": 1},
        "server": server | {"ignore_eos": True, "api_key": KEY},
        "tokenizer": {"pretrained_model_name_or_path": str(tokenizer)},
        "report": {"request_lifecycle": {"summary": True}},
        "storage": {"local_storage": {"path": str(tmp_path / "out")}},
    }
    # JSON is YAML
    (tmp_path / "config.yml").write_text(json.dumps(config), encoding="utf-8")
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "80"}
    command = [python.with_name("inference-perf"), "-c", tmp_path / "config.yml"]
    done = run(command, env=offline, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    row = detect_and_read(tmp_path / "out/summary_lifecycle_metrics.json", ONE).iloc[0]
    assert row["completed"] == REQUESTS
    check_said(row, done.stdout + done.stderr, SAID["inference-perf/real.json"][1])

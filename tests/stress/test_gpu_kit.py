"""The kit for a GPU machine without a network, from packing to what it brings back."""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from processes import run
from repository import ROOT, read_yaml
from stress.conftest import free_port

pytestmark = pytest.mark.stress

LENGTHS = [30, 2200]
LOADS = [2, 4]
WITHOUT_NETWORK = {"PIP_NO_INDEX": "1", "PIP_INDEX_URL": "http://127.0.0.1:9/", "no_proxy": "*"}


@pytest.fixture
def plan(tmp_path):
    """A plan whose engine is a stand-in, after one that does not start."""
    port, telemetry = free_port(), free_port()
    stand_in = {
        "engine": "vLLM",
        "command": [sys.executable, str(ROOT / "tests/stress/gpu_machine.py"), "{port}"],
        "port": port,
        "start_seconds": 120,
        "settings": {"extra_inputs": {}},
    }
    stand_in["command"].append(str(telemetry))
    broken = stand_in | {"command": [sys.executable, "-c", "raise SystemExit(7)"]}
    settings = {
        "output_tokens": LENGTHS,
        "input_tokens": 40,
        "concurrency": LOADS[::-1],
        "repetitions": 1,
        # of the longest, 22 s at a time, two at once need a window of 33 s, and four a single wave
        "rounds": 0.1,
        "window": 20,
        "power": f"http://127.0.0.1:{telemetry}/metrics",
        "gpus": 1,
    }
    facts = {"gpu": "H200-SXM-141GB", "n_gpus": 1, "tensor_parallel": 1, "precision": "BF16"}
    test = {"name": "tried", "model": "Llama 3.1 8B", "engines": ["broken", "stand-in"]}
    plan = {
        "python": None,
        "part_mib": 40,
        "back_mib": 1,
        "engines": {"broken": broken, "stand-in": stand_in},
        "tests": [test | {"facts": facts, "settings": settings}],
        "models": read_yaml("envs/gpu/plan.yaml")["models"],
    }
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(plan))
    return path


def test_kit_measures_offline_and_brings_back_tables_telemetry_and_records(plan, tmp_path):
    kit, work = tmp_path / "kit", tmp_path / "there"
    packed = run([sys.executable, ROOT / "envs/gpu/pack.py", plan, kit])
    assert packed.returncode == 0, packed.stderr
    parts = sorted(kit.glob("part-*"))
    assert len(parts) > 1 and all(part.stat().st_size <= 40 * 2**20 for part in parts)

    last = parts[-1].read_bytes()
    parts[-1].write_bytes(last[:-1])
    environment = os.environ | WITHOUT_NETWORK | {"PYTHON": sys.executable}
    command = ["sh", kit / "run.sh", work, "120"]
    damaged = run(command, env=environment)
    assert damaged.returncode and parts[-1].name in damaged.stderr + damaged.stdout
    assert not (work / "kit").exists()
    parts[-1].write_bytes(last)

    done = run(command, env=environment)
    assert done.returncode == 0, done.stderr
    check_back(work / "back", tmp_path / "home")
    again = run(command, env=environment)
    assert again.returncode == 0 and "starting" not in again.stderr


def check_back(back, home):
    """What was brought back is whole, and holds the tables, telemetry, records and report."""
    assert run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=back).returncode == 0
    home.mkdir()
    for name in ("part", "requests"):
        unpacked = run(["sh", "-c", f"cat {back}/{name}-* | tar -xJ -C {home}"])
        assert unpacked.returncode == 0 and not unpacked.stderr
    results = home / "results"
    outcome = json.loads((results / "outcome.json").read_text())["tried"]
    assert outcome.startswith("finished; broken: ended with code 7 before it answered")
    assert (results / "packages.txt").read_text() and (results / "machine.json").exists()
    folder = results / "tried"
    assert set(pd.read_csv(folder / "cells.csv")["status"]) == {"measured"}
    power = pd.read_csv(folder / "power.csv")
    assert (power["energy_wh"] > 0).all()
    cells = sorted(zip(power["concurrency"], power["output_tokens"], strict=True))
    assert cells == [(load, length) for load in LOADS for length in LENGTHS]
    predicted = pd.read_csv(folder / "predicted.csv")
    assert set(predicted["prediction"]) == {"law with load", "revised"}
    for cell in folder.glob("out*"):
        assert (cell / "profile_export.jsonl").exists()
        assert (cell / "gpu_telemetry_export.jsonl").exists()
    page = (folder / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 3 and Path(folder / "broken.log").exists()

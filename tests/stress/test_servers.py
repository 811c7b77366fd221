"""The stress test with AIPerf against servers that behave as real ones do on a bad day."""

import os
from pathlib import Path

import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.stress.runner import StressTest, prepare
from repository import ROOT, read_yaml
from stress.make_engine import write_tokenizer
from stress.servers import Server

pytestmark = pytest.mark.stress

AIPERF = Path(os.environ.get("STRESS_PYTHON", ROOT / ".venv-stress/bin/python")).parent / "aiperf"
DEFAULTS = read_yaml("config/stress.yaml")
CANARY = "sk-canary-8c20d4"


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Run one cell against a server, with AIPerf itself."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    write_tokenizer(tmp_path / "tokenizer")

    def run(mode, broken_share=0.0, **changes):
        with Server(mode, gap=0.005, broken_share=broken_share) as server:
            settings = {
                "endpoint": server.url,
                "model": "m",
                "tokenizer": str(tmp_path / "tokenizer"),
                "aiperf": str(AIPERF),
                "output_tokens": [60],
                "input_tokens": 40,
                "concurrency": [1],
                "repetitions": 1,
                "window": 8,
                "rounds": 1,
                "power": "none",
                "extra_inputs": {},
            } | changes
            test = StressTest(prepare(DEFAULTS | settings), tmp_path / "test", 13.0)
            test.run()
        return tmp_path / "test"

    return run


def findings(folder):
    return pd.read_csv(folder / "findings.csv").set_index("kind")["message"]


def test_key_that_a_server_echoes_in_its_errors_is_not_kept(start):
    folder = start("echo", error_limit=1, concurrency=[2])
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
    records = next(folder.glob("out*")) / "profile_export.jsonl"
    assert b"[redacted]" in records.read_bytes(), "AIPerf keeps what the server says"
    assert "HTTP 500" in findings(folder)["errors"]


def test_answers_in_one_piece_are_remarked(start):
    folder = start("buffered")
    # once by the first request, once by the cell
    remarks = findings(folder)[["buffered"]]
    assert len(remarks) == 2 and remarks.str.contains("a proxy before the server").all()
    # a busy machine may refuse the cell for another reason
    table = pd.read_csv(folder / "findings.csv")
    assert table[table["kind"] == "buffered"]["refuses"].isna().all()


def test_streams_that_break_off_are_charged_to_the_others(start):
    folder = start("good", broken_share=0.1, error_limit=0.3)
    message = findings(folder)["errors"]
    assert "answer broken off" in message or "Error" in message
    assert "energy is charged to the answers that were delivered" in message
    cells = pd.read_csv(folder / "cells.csv")
    assert cells["status"].item() == "measured"
    assert cells["failed"].item() > 0


def test_server_that_is_not_there_is_told_at_once(start):
    with pytest.raises(InputError, match="no server answers"):
        start("good", endpoint="http://127.0.0.1:9/v1")

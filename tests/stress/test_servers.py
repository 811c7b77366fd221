"""The stress test with AIPerf against servers that behave as real ones do on a bad day."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.stress import client
from inference_energy.stress.runner import StressTest, prepare
from repository import ROOT, read_yaml
from stress.conftest import GAP
from stress.make_engine import write_tokenizer
from stress.servers import Server
from stress.telemetry import Telemetry

pytestmark = pytest.mark.stress

AIPERF = Path(os.environ.get("STRESS_PYTHON", ROOT / ".venv-stress/bin/python")).parent / "aiperf"
DEFAULTS = read_yaml("config/stress.yaml")
# as long as those of large services: AIPerf's tables cut it off
CANARY = "sk-canary-" + "".join(str(number) for number in range(1000, 1040))
NONE = {}
# times that a machine may be too busy for a whole cell, one after another
TRIES = 5


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Run one cell against a server, with AIPerf itself."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    write_tokenizer(tmp_path / "tokenizer")

    def run(mode, behaviour=NONE, **changes):
        with Server(mode, **({"gap": GAP} | behaviour)) as server:
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
            folder = tmp_path / "test"
            test = StressTest(prepare(DEFAULTS | settings), folder, 13.0)
            # the server's port changes from run to run, and with it the identity of the test
            (folder / "settings.json").unlink()
            test.run()
        return folder

    return run


def often_read(cell, address):
    """Whether AIPerf read an exporter twice a second; on a busy machine it may miss one of four."""
    lines = (cell / "gpu_telemetry_export.jsonl").read_text().splitlines()
    return sum(json.loads(line)["telemetry_source_url"] == address for line in lines) >= 40


def findings(folder):
    return pd.read_csv(folder / "findings.csv").set_index("kind")["message"]


def test_key_that_a_server_echoes_in_its_errors_is_not_kept(start):
    folder = start("echo", error_limit=1, concurrency=[2])
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if CANARY[:24].encode() in path.read_bytes()]
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
    folder = start("good", {"broken_share": 0.1}, error_limit=0.3)
    message = findings(folder)["errors"]
    assert "answer broken off" in message or "Error" in message
    assert "energy is charged to the answers that were delivered" in message
    # a busy machine may refuse the cell for another reason
    table = pd.read_csv(folder / "findings.csv")
    assert table[table["kind"] == "errors"]["refuses"].isna().all()
    assert pd.read_csv(folder / "cells.csv")["failed"].item() > 0


def test_slow_server_gets_a_window_of_its_own_length(start):
    """60 tokens in 3 s, the first after another second: four rounds are longer than the window."""
    slow = {"gap": 0.05, "first": 1.0}
    folder = start("good", slow, rounds=4, window=3)
    cells = pd.read_csv(folder / "cells.csv")
    assert cells["status"].item() == "measured"
    assert cells["window_s"].item() > 8
    assert cells["ttft_p50_s"].item() > 1


def test_hanging_server_ends_a_cell_and_not_the_test(start):
    """Asked once before all and by the pilot; one request of the first cell is never answered."""
    folder = start("good", {"hangs": (8,)}, request_timeout=10, repetitions=2)
    cells = pd.read_csv(folder / "cells.csv").set_index("repetition")["status"]
    assert list(cells.sort_index()) == ["refused", "measured"]
    (message,) = findings(folder)[["errors"]]
    assert "imeout" in message


def test_server_that_floods_ends_a_cell_before_the_memory_does(start, monkeypatch):
    """A request of the first cell is answered with 1.5 GB, of which AIPerf makes many times that.

    Asked as often before as a server that hangs.
    """
    monkeypatch.setattr(client, "MOST_MEMORY", 3e9)
    folder = start("good", {"floods": (8,)}, repetitions=2)
    cells = pd.read_csv(folder / "cells.csv").set_index("repetition")["status"]
    assert list(cells.sort_index()) == ["refused", "measured"]
    (message,) = findings(folder)[["failed"]]
    assert "more than 3 GB of memory" in message


def test_server_that_slows_down_is_not_steady(start):
    folder = start("good", {"gap": GAP / 2, "slower": 0.0005})
    assert set(pd.read_csv(folder / "cells.csv")["status"]) == {"refused"}
    assert "the token rate of the second half" in findings(folder)["not steady"]


def test_meters_that_are_dead_or_stale_are_told_and_one_lost_reading_is_forgiven(start):
    """One run that four exporters watch, judged by each of them in turn."""
    with (
        Telemetry(1) as good,
        Telemetry(2, dead=True) as dead,
        Telemetry(1, refresh=5.0) as stale,
        Telemetry(1, lost=range(60, 61)) as gap,
    ):
        meters = {"good": good, "dead": dead, "stale": stale, "gap": gap}
        for _ in range(TRIES):
            folder = start("good", window=20, power=[meter.url for meter in meters.values()])
            (cell,) = folder.glob("out*")
            if all(often_read(cell, meter.url) for meter in (good, dead, gap)):
                break
            shutil.rmtree(cell)
        seen = {}
        for name, meter in meters.items():
            folder = start("good", window=20, power=meter.url)
            power = pd.read_csv(folder / "power.csv")
            seen[name] = (power["energy_wh"].notna().all() and len(power) == 1, findings(folder))
            assert list(power["clock_mhz"]) == [1755]
    assert {name: measured for name, (measured, _) in seen.items()} == {
        "good": True,
        "dead": False,
        "stale": False,
        "gap": True,
    }
    assert "gpu 1: reads 0 W" in seen["dead"][1].str.cat(sep=" ")
    assert "DCGM_EXPORTER_INTERVAL" in seen["stale"][1].str.cat(sep=" ")


def test_server_that_is_not_there_is_told_at_once(start):
    with pytest.raises(InputError, match="no server answers"):
        start("good", endpoint="http://127.0.0.1:9/v1")

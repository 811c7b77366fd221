"""The stress test against a real engine on the CPU, with AIPerf, on the loopback interface."""

import itertools
import json
import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from processes import HANGS, PIPE, SNAKEMAKE, STDOUT, start, stop, wait_for
from repository import ROOT
from stress.conftest import KEY as CANARY
from stress.conftest import PYTHON
from stress.telemetry import MOST_W, STEEPEST, Telemetry, energy

pytestmark = pytest.mark.stress

SHORT, LONG = 30, 450
GPUS = 2
CLOCK, IDLE_W, LOAD_W = 40.0, 500.0, 2000.0
METER_STEP = 0.1
# times that a machine may be too busy for a steady cell, one after another
TRIES = 5


@pytest.fixture
def stress(engine, tmp_path):
    """Start the rule in an empty copy of the project, with the engine's settings."""
    address, tokenizer = engine
    for name in ("config", "data", "profiles", "workflow"):
        (tmp_path / name).symlink_to(ROOT / name)

    def call(name, key=CANARY, **settings):
        settings = {
            "endpoint": address,
            "model": "tiny",
            "name": name,
            "tokenizer": str(tokenizer),
            "aiperf": str(PYTHON.parent / "aiperf"),
            "output_tokens": [SHORT, LONG],
            "input_tokens": 40,
            "concurrency": [2],
            "repetitions": 3,
            # a busy machine may cut half of it, and 20 readings must be left
            "window": 20,
            "rounds": 1,
            "power": "none",
        } | settings
        command = [*SNAKEMAKE, "-s", ROOT / "Snakefile", "stress"]
        # JSON is YAML on one line
        command += ["--directory", tmp_path, "--config", f"stress={json.dumps(settings)}"]
        environment = os.environ | {"OPENAI_API_KEY": key}
        streams = {"stdout": PIPE, "stderr": STDOUT, "text": True}
        return start(command, env=environment, start_new_session=True, **streams)

    return call, tmp_path


def finish(process):
    """Output of a run that must end well."""
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 0, output
    return output


def still_running(folder):
    """Processes that were started for a test in `folder`."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    return [line for line in lines if str(folder).encode() in line]


def read_requests(folder, phase="profiling"):
    """Start and end of the requests of a cell [s], straight from AIPerf's records."""
    lines = (folder / "profile_export.jsonl").read_text().splitlines()
    stamps = [json.loads(line)["metadata"] for line in lines]
    return [
        (stamp["request_start_ns"] / 1e9, stamp["request_end_ns"] / 1e9)
        for stamp in stamps
        if stamp["benchmark_phase"] == phase
    ]


def read_samples(folder):
    """Time [s] and counter [mJ] of the first GPU in AIPerf's own telemetry of a cell."""
    lines = (folder / "gpu_telemetry_export.jsonl").read_text().splitlines()
    samples = [json.loads(line) for line in lines]
    return [
        (sample["timestamp_ns"] / 1e9, sample["telemetry_data"]["nvidia_energy_consumption"] * 1e9)
        for sample in samples
        if sample["gpu_index"] == 0
    ]


def reach(telemetry, folder):
    """How far a cell's energy may be from its closed form [J], by what the client's clock shows.

    A client stamps a sample after the counter was read, the later the busier it is, and between
    two samples the counter is taken for straight. Both are told by the samples themselves.
    """
    samples = read_samples(folder)
    late = max(stamp - telemetry.served[round(count)] for stamp, count in samples)
    gap = max(np.diff([stamp for stamp, _ in samples]))
    return GPUS * (late * MOST_W + 2 * gap**2 / 8 * STEEPEST)


def run_again_what_is_refused(call, results, settings):
    """Run the cells anew that a busy machine made unsteady or too slow, as an operator does."""
    for _ in range(TRIES):
        findings = pd.read_csv(results / "findings.csv")
        refused = set(findings.dropna(subset=["refuses"])["cell"]) - {"all"}
        if not refused:
            return
        for cell in refused:
            shutil.rmtree(results / cell)
        (results / "finished.json").unlink()
        finish(call(results.name, **settings))


def check_energy(results, telemetry):
    """Energies against their closed form; queries counted by the time of each in the window.

    The count by tokens differs from it where a request waits at an edge of the window: by fewer
    requests than are in flight, because the two edges count against each other.
    """
    cells = pd.read_csv(results / "cells.csv").set_index("cell")
    power = pd.read_csv(results / "power.csv").set_index("cell")
    assert set(cells["status"]) == {"measured"} and len(power) == len(cells) == 6
    for name, cell in cells.iterrows():
        begin = pd.Timestamp(cell["window_start"]).timestamp()
        end = begin + cell["window_s"]
        true = sum(energy(gpu, begin, end) for gpu in range(GPUS))
        assert power.loc[name, "energy_j"] == pytest.approx(
            true, abs=reach(telemetry, results / name)
        )
        queries = sum(
            max(min(last, end) - max(first, begin), 0) / (last - first)
            for first, last in read_requests(results / name)
        )
        charged = power.loc[name, "energy_j"] / 3600 / power.loc[name, "energy_wh"]
        assert charged == pytest.approx(queries, abs=cell["concurrency"])
        assert cell["delivered_tokens_min"] == cell["delivered_tokens_max"] == cell["output_tokens"]
    ratio = pd.read_csv(results / "ratio.csv").iloc[0]
    logs = np.log(power["energy_wh"]).groupby(power["output_tokens"]).mean()
    assert ratio["longest"] / ratio["shortest"] == LONG / SHORT
    assert ratio["measured"] == pytest.approx(np.exp(logs[LONG] - logs[SHORT]), rel=1e-3)
    assert ratio["low"] < ratio["measured"] < ratio["high"]
    assert ratio["published"] == 13


def check_meter(results, call, settings):
    """A wall meter's file, named after the test, its clock ahead: aligned and integrated."""
    cells = pd.read_csv(results / "cells.csv").set_index("cell")
    # a meter sees warm-ups and pilots too
    phases = itertools.product(results.glob("*-conc*"), ("warmup", "profiling"))
    runs = filter(None, itertools.starmap(read_requests, phases))
    loads = [(min(run)[0], max(end for _, end in run)) for run in runs]
    first, last = min(loads)[0], max(end for _, end in loads)
    times = np.arange(first - 10, last + 10, METER_STEP)
    busy = [any(start <= time <= end for start, end in loads) for time in times]
    # no meter reads the same twice for long
    noise = 0.01 * (np.arange(len(times)) % 7)
    watts = IDLE_W + LOAD_W * np.array(busy) + noise
    rows = [f"{time + CLOCK},{power}" for time, power in zip(times, watts, strict=True)]
    meter = results.parent / "wall.csv"
    meter.write_text("\n".join(["time,power_w", *rows]) + "\n")
    power = [settings["power"], str(meter)]
    output = finish(call("both", **settings | {"power": power}))
    assert output.count("finished before") == len(cells)
    node = pd.read_csv(results / "power.csv").query("scope == 'node'").set_index("cell")
    for name, cell in cells.iterrows():
        true = (IDLE_W + LOAD_W) * cell["window_s"]
        assert node.loc[name, "energy_j"] == pytest.approx(true, abs=2 * METER_STEP * LOAD_W)
    findings = pd.read_csv(results / "findings.csv")
    # on a busy machine the other source may be found late too
    clocks = findings[findings["kind"] == "clock"]["message"]
    message = clocks[clocks.str.contains(meter.name, regex=False)].item()
    assert float(re.search(r"clock off by ([+-][\d.]+) s from", message)[1]) == pytest.approx(
        CLOCK, abs=2 * METER_STEP
    )


def test_energy_of_short_and_long_queries_after_an_interruption(stress):
    call, folder = stress
    results = folder / "build/stress/both"
    with Telemetry(GPUS) as telemetry:
        settings = {"power": telemetry.url, "gpus": GPUS}
        first = call("both", **settings)
        wait_for((results / "report.md").exists, first)
        stop(first, signal.SIGINT)
        assert not (results / "finished.json").exists()
        assert not still_running(results)
        kept = {path: path.stat().st_mtime_ns for path in results.glob("out*/cell.json")}
        assert kept
        output = finish(call("both", **settings))
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        assert output.count("finished before") == len(kept)
        run_again_what_is_refused(call, results, settings)
        check_energy(results, telemetry)
        check_meter(results, call, settings)

    assert "busy before" not in (results / "findings.csv").read_text()
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 20
    assert not [path for path in written if CANARY.encode() in path.read_bytes()]
    assert CANARY not in output


def test_server_that_stops_early_is_refused_before_anything_is_measured(stress):
    call, folder = stress
    process = call("early", extra_inputs={}, output_tokens=[300, 1500])
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode
    assert "missed the 1500 output tokens asked for" in output
    assert not list((folder / "build/stress/early").glob("out*"))


def test_wrong_key_is_named_and_not_shown(stress):
    call, _ = stress
    process = call("locked", key="sk-wrong-5b7d2e")
    output, _ = process.communicate(timeout=HANGS)
    assert process.returncode
    assert "HTTP 401: it wants another key" in output
    assert "sk-wrong-5b7d2e" not in output

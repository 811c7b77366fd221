"""What a kit brought back becomes rows of the project's own stress tests."""

import json
import shutil
import sys

import pandas as pd
import pytest
from inference_energy.tables import load_schema
from repository import ROOT, read

sys.path.insert(0, str(ROOT / "envs/gpu"))
import tables

OWN = ROOT / "data/measured/own_node"
NAME, CELL = "tried", "out00300-conc0002-rep01"
BEGUN = pd.Timestamp("2026-11-29T12:00:00Z")
IDLE, LOADED = 124.5, 600.0
FIRST, LAST = 20, 50
"""Seconds between which two requests are in flight; the window is from 25 to 45."""


def record(begun, phase, start, end):
    times = {"request_start_ns": start, "request_end_ns": end}
    times = {key: (begun.value + round(1e9 * value)) for key, value in times.items()}
    metadata = times | {"benchmark_phase": phase, "was_cancelled": False}
    values = {"time_to_first_token": 100.0, "request_latency": 1e3 * (end - start)}
    values |= {"input_sequence_length": 500, "output_sequence_length": 300}
    return {"metadata": metadata, "metrics": {key: {"value": v} for key, v in values.items()}}


def write_test(folder, begun=BEGUN, cell=CELL):
    """Write the folder of a test of one cell whose power was logged once a second."""
    (folder / cell).mkdir(parents=True)
    measured = read("data/measured/own_node/cells.csv", "own_node").iloc[:1]
    start = (begun + pd.Timedelta(25, "s")).isoformat(timespec="milliseconds")
    cells = measured.assign(cell=cell, concurrency=2, status="measured", window_start=start)
    cells = cells.assign(window_s=20.0, window_tokens=20 * cells["throughput_tps"])
    power = cells.assign(scope="gpu", source="nvml", power_w=LOADED, energy_j=20 * LOADED)
    power = power.assign(idle_w=None, energy_wh=1.0, energy_above_idle_wh=1.0, clock_mhz=None)
    for name, frame in {"cells": cells, "power": power}.items():
        columns = list(load_schema(f"stress_{name}")["properties"])
        frame[columns].to_csv(folder / f"{name}.csv", index=False)
    findings = [("all", "repetitions", "one"), (cell, "chunks", "two a chunk"), (cell, "b", "c")]
    pd.DataFrame(findings, columns=["cell", "kind", "message"]).to_csv(folder / "findings.csv")
    pd.DataFrame({"client_version": ["0.13.0"]}).to_csv(folder / "benchmark.csv")
    facts = {"model": "Llama 3.1 8B", "gpu": "H200-SXM-141GB", "n_gpus": 1}
    facts |= {"tensor_parallel": 1, "precision": "BF16", "engine": "vLLM"}
    (folder / "stated.json").write_text(json.dumps({"facts": facts}))
    lines = [record(begun, "profiling", FIRST, LAST), record(begun, "warmup", FIRST, LAST - 10)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / cell / "profile_export.jsonl").write_text(text)
    log = ["timestamp, index, power.draw.instant [W], power.draw.average [W], utilization.gpu [%]"]
    log[0] += ", memory.used [MiB], clocks.current.sm [MHz], temperature.gpu"
    for second in range(70):
        moment = begun + pd.Timedelta(second + 0.5, "s")
        loaded = FIRST < second + 0.5 < LAST
        # the model is still being loaded when the log begins
        watts = LOADED if loaded else IDLE + 100 * (second == 0)
        state = f"0, {watts:.2f} W, {watts:.2f} W, {100 * loaded} %, 1000 MiB"
        state += f", {1500 + second if loaded else 1980} MHz, 40"
        log.append(f"{moment:%Y/%m/%d %H:%M:%S}.{moment.microsecond // 1000:03d}, {state}")
    (folder / "nvidia-smi-1.csv").write_text("\n".join(log) + "\n")
    return folder


@pytest.fixture
def back(tmp_path):
    return write_test(tmp_path / "back")


@pytest.fixture
def out(tmp_path, monkeypatch):
    shutil.copytree(OWN, tmp_path / "own")
    monkeypatch.setattr(tables, "OUT", tmp_path / "own")
    return tmp_path / "own"


def test_rows_hold_what_was_logged_and_replace_those_of_their_test_alone(back, out):
    before = {
        name: (out / f"{name}.csv").read_text().splitlines() for name in ("cells", "timeline")
    }
    for _ in range(2):
        tables.main(NAME, "own-node-h200", str(back))
    for name, lines in before.items():
        kept = [line for line in (out / f"{name}.csv").read_text().splitlines() if NAME not in line]
        assert kept == lines
    (row,) = read(out / "cells.csv", "own_node").query("test == @NAME").to_dict("records")
    assert row["log_energy_j"] == row["energy_j"] == 20 * LOADED
    # of the seconds 25 to 44
    assert row["clock_mhz"] == 1500 + (25 + 44) / 2
    assert row["idle_power_w"] == IDLE
    assert row["remark"] == "chunks: two a chunk; b: c"
    assert (row["engine_version"], row["source_id"]) == ("0.22.1", "own-node-h200")
    course = read(out / "timeline.csv", "own_node_timeline").query("test == @NAME")
    assert len(course) == 70 and course["time"].iloc[0] == "2026-11-29T12:00:00Z"
    assert list(course["requests"]) == [0] * 20 + [2] * 20 + [1] * 10 + [0] * 20
    assert set(course["memory_gb"]) == {1.04858}


def test_tests_of_one_server_become_one_test(back, out, tmp_path):
    again = "out00300-conc0002-rep02"
    second = write_test(tmp_path / "second", BEGUN + pd.Timedelta(1, "h"), again)
    tables.main(NAME, "own-node-h200", str(back), str(second))
    own = read(out / "cells.csv", "own_node").query("test == @NAME")
    assert sorted(own["cell"]) == [CELL, again]
    assert set(own["idle_power_w"]) == {IDLE} and set(own["log_energy_j"]) == {20 * LOADED}
    course = read(out / "timeline.csv", "own_node_timeline").query("test == @NAME")
    assert len(course) == 140


def no_log(folder):
    (folder / "nvidia-smi-1.csv").unlink()


def log_of_two(folder):
    path = folder / "nvidia-smi-1.csv"
    head, *lines = path.read_text().splitlines(keepends=True)
    path.write_text(head + "".join(line + line.replace(", 0, ", ", 1, ", 1) for line in lines))


def log_that_ends_early(folder):
    path = folder / "nvidia-smi-1.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:36]))


def line_cut_off(folder):
    path = folder / "nvidia-smi-1.csv"
    path.write_text(path.read_text()[:-40])


def no_requests(folder):
    (folder / CELL / "profile_export.jsonl").unlink()


def no_table(folder):
    (folder / "power.csv").unlink()


def empty_table(folder):
    (folder / "findings.csv").write_text("")


def of(file, old, new, count=1):
    """A change of a file of the folder."""

    def changed(folder):
        path = folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))

    return changed


def whole(file, data):
    """What is in the place of a file of the folder."""
    return lambda folder: (folder / file).write_bytes(data)


LOG, REQUESTS = "nvidia-smi-1.csv", f"{CELL}/profile_export.jsonl"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (no_log, "no log of nvidia-smi"),
        (log_of_two, "GPUs 0, 1; allowed is one"),
        (log_that_ends_early, "holds 10 of the 20 s"),
        (line_cut_off, "nvidia-smi-1.csv"),
        (no_requests, f"no list of requests of {CELL}"),
        (no_table, "power.csv"),
        (empty_table, "findings.csv"),
        (whole("stated.json", b'{"facts":'), "damaged (JSONDecodeError"),
        (whole("stated.json", b"\xff"), "damaged (UnicodeDecodeError"),
        (whole("stated.json", b"[" * 100_000), "damaged (RecursionError"),
        (whole("stated.json", b"[]"), "damaged (TypeError"),
        (of("stated.json", '"gpu"', '"gpus"'), "damaged (KeyError: 'gpu')"),
        (of("stated.json", '"n_gpus": 1', '"n_gpus": 8'), "n_gpus is 8; allowed is 1"),
        (of("stated.json", '"vLLM"', '"../../x"'), "engine is '../../x'; allowed is one of envs"),
        (of("stated.json", '"vLLM"', '"pack"'), "engine is 'pack'; allowed is one of envs/gpu"),
        (of("stated.json", '"vLLM"', "5"), "damaged (TypeError"),
        (of("stated.json", "3.1 8B", "3.1\\u200b 8B"), 'spelling of tables, "Llama 3.1 8B"'),
        (of("cells.csv", "cell,", "sell,"), "damaged (KeyError: 'cell')"),
        (whole("cells.csv", b"\xff,1\n"), "damaged (UnicodeDecodeError"),
        (of("cells.csv", "2026-11-29T12:00:25", "soon"), "damaged (DateParseError"),
        (of("cells.csv", "2026-11-29T12:00:25.000+00:00", ""), "damaged (ValueError"),
        (of("power.csv", CELL, "other"), f"no power of {CELL}"),
        (whole("benchmark.csv", b"client_version\n"), "damaged (IndexError"),
        (of(LOG, " index", " place"), "damaged (KeyError: ' index')"),
        (of(LOG, "600.00 W", "600.00 mW"), "'600.00 mW' is no number of W"),
        (of(LOG, "600.00 W", "nan W"), "'nan W' is no number of W"),
        (of(LOG, "1000 MiB", "1 GiB"), "'1 GiB' is no number of MiB"),
        (of(LOG, "600.00 W", "-600.00 W"), 'column "power_w": value "-600"'),
        (whole(REQUESTS, b""), "0 of 0 lines are damaged"),
        (of(REQUESTS, "{", "", 1), "1 of 2 lines are damaged"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_message_and_nothing_is_written(back, out, damage, told):
    damage(back)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(SystemExit) as refused:
        tables.main(NAME, "own-node-h200", str(back))
    assert told in str(refused.value) and "\n" not in str(refused.value)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_test_without_cells_does_not_take_those_that_are_there(back, out):
    for name in ("cells", "power"):
        path = back / f"{name}.csv"
        path.write_text(path.read_text().splitlines(keepends=True)[0])
    before = (out / "cells.csv").read_bytes()
    with pytest.raises(SystemExit, match="no cell with its power: unpack all parts again"):
        tables.main("h200-llama-3.1-8b", "own-node-h200", str(back))
    assert (out / "cells.csv").read_bytes() == before


def test_tests_of_two_servers_are_not_one_test(back, out, tmp_path):
    second = write_test(tmp_path / "second", BEGUN + pd.Timedelta(1, "h"), "other")
    stated = json.loads((second / "stated.json").read_text())
    stated["facts"]["precision"] = "FP8"
    (second / "stated.json").write_text(json.dumps(stated))
    with pytest.raises(SystemExit, match="FP8"):
        tables.main(NAME, "own-node-h200", str(back), str(second))


def test_a_source_that_is_not_listed_is_refused_and_nothing_is_written(back, out):
    before = (out / "cells.csv").read_bytes()
    with pytest.raises(SystemExit, match="SOURCE_ID is nobody; allowed is a source_id of data/so"):
        tables.main(NAME, "nobody", str(back))
    assert (out / "cells.csv").read_bytes() == before


def test_the_committed_rows_are_of_packages_that_the_kit_holds():
    cells = read("data/measured/own_node/cells.csv", "own_node")
    for engine, version in zip(cells["engine"], cells["engine_version"], strict=True):
        assert tables.engine_version(engine) == version

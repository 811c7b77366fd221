"""The run of a stress test, without a server."""

import json
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.lock import Lock
from inference_energy.meters import prometheus
from inference_energy.screen import SHELL_SIGNAL
from inference_energy.stress import runner
from inference_energy.stress.probe import Answered
from inference_energy.stress.settings import RUNS
from library.stress.made_up import CANARY, DEFAULTS, NODE, SMALL, read, samples
from library.test_web import HEAD, drip, server
from processes import HANGS, PIPE, start
from repository import ROOT
from stress.client import IDLE_W, LOAD_W

POWER = "nvidia_power_usage"
SOON = 10.0
"""Time within which a test ends that is told to; an answer is waited for by 120. [s]"""
LIBRARY = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}


def test_the_default_lengths_span_the_factor():
    lengths = runner.prepare(NODE)["lengths"]
    assert lengths[-1] / lengths[0] == DEFAULTS["factor"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "http://user:secret@host/v1"),
        ("concurrency", [0]),
        ("repetitions", "three"),
        ("name", "../elsewhere"),
        ("unknown", 1),
    ],
)
def test_bad_settings_are_refused(key, value):
    with pytest.raises(InputError, match=r"config/stress\.yaml"):
        runner.prepare(NODE | {key: value})


@pytest.mark.parametrize("end", ["\n", "\r\nX-A: b", " ", "\x00", "\u201d", "\u00e4"])
def test_a_key_that_no_header_can_carry_is_told_and_not_shown(monkeypatch, end):
    monkeypatch.setattr(runner.os, "environ", {runner.KEY: CANARY + end})
    with pytest.raises(InputError, match="OPENAI_API_KEY: holds blanks") as caught:
        runner.prepare(NODE)
    assert CANARY not in str(caught.value)


def test_missing_aiperf_is_answered_with_the_remedy():
    with pytest.raises(InputError, match="make stress-env"):
        runner.find_aiperf("/nowhere/aiperf")


def test_cells_of_two_tests_are_not_mixed(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "find_aiperf", lambda given: "aiperf")
    settings = runner.prepare(NODE | {"power": "none"})
    runner.StressTest(settings, tmp_path, 13.0)
    runner.StressTest(settings | {"power": ["rapl"]}, tmp_path, 13.0)
    for key, value in (("model", "other"), ("tokenizer", "other"), ("legacy_max_tokens", True)):
        with pytest.raises(InputError, match=rf"other settings \({key}\)"):
            runner.StressTest(settings | {key: value}, tmp_path, 13.0)


def test_a_test_that_an_earlier_version_began_goes_on(tmp_path, monkeypatch):
    """It did not note the tokenizer, nor which field holds the length."""
    monkeypatch.setattr(runner, "find_aiperf", lambda given: "aiperf")
    settings = runner.prepare(NODE | {"power": "none"})
    runner.StressTest(settings, tmp_path, 13.0)
    noted = json.loads((tmp_path / "settings.json").read_text())
    for key in runner.NOTED_SINCE:
        del noted[key]
    (tmp_path / "settings.json").write_text(json.dumps(noted))
    runner.StressTest(settings | {"tokenizer": "other"}, tmp_path, 13.0)
    del noted["seed"]
    (tmp_path / "settings.json").write_text(json.dumps(noted))
    with pytest.raises(InputError, match=r"other settings \(seed\)"):
        runner.StressTest(settings, tmp_path, 13.0)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_test_in_the_background_is_stopped_like_one_in_the_foreground(told):
    """A background job of a script is started with SIGINT ignored."""
    told_by_flag = (
        "from inference_energy.stress import runner; runner.stop_when_told();"
        "print('ready', flush=True); runner.STOP.wait(); print('stopped')"
    )
    ignoring = f"trap '' INT; exec {sys.executable} -c \"{told_by_flag}\""
    process = start(["sh", "-c", ignoring], stdout=PIPE, text=True, env=LIBRARY)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(told)
    assert process.communicate(timeout=HANGS)[0] == "stopped\n"


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_drips_does_not_keep_a_test_that_is_told_to_stop(tmp_path, told):
    """It would be waited for by two minutes, and then be said not to answer."""
    program = (
        "import json, pathlib, sys; from inference_energy.stress import runner;"
        "runner.find_aiperf = str; runner.stop_when_told();"
        "settings = runner.prepare(json.loads(sys.argv[1]));"
        "runner.StressTest(settings, pathlib.Path(sys.argv[2]), 13.0).run()"
    )
    asked = threading.Event()

    def answer(connection):
        asked.set()
        drip(connection, HEAD)

    with server(answer) as address:
        settings = json.dumps(NODE | {"endpoint": address, "power": "none"})
        command = [sys.executable, "-c", program, settings, str(tmp_path)]
        process = start(command, stderr=PIPE, text=True, env=LIBRARY)
        assert asked.wait(HANGS)
        process.send_signal(told)
        began = time.monotonic()
        said = process.communicate(timeout=HANGS)[1]
        assert time.monotonic() - began < SOON
    assert "stopped; what was measured is kept" in said and "Traceback" not in said
    assert process.returncode == SHELL_SIGNAL + signal.SIGINT and "sent nothing" not in said


def test_failed_cell_is_refused_and_the_test_goes_on(stress, capsys):
    name = "out00300-conc0002-rep01"
    folder = stress({"fails": [name]})
    cells = read(folder, "cells").set_index("cell")["status"]
    assert cells[name] == "refused" and (cells.drop(name) == "measured").all()
    findings = read(folder, "findings").query("cell == @name")
    assert "AIPerf failed (exit code 1)" in findings["message"].item()
    stress()
    assert set(read(folder, "cells")["status"]) == {"measured"}
    assert capsys.readouterr().err.count("finished before") == 1


@pytest.mark.parametrize(
    ("log", "said", "remedy"),
    [
        ("\x1b[31mERROR\x1b[0m  Failed to load tokenizer 'm'\n\nbye\n", "tokenizer 'm'", True),
        ("INFO fine\nError: port in use\n", "saying: Error: port in use; its log", False),
        ("ERROR all failed\n│ Error: Unknown │\n│ error details. │\n", "ERROR all failed;", False),
        ("╭─ Tokenizer Load Error ─╮\n│ no such │\n╰──╯\n", "Tokenizer Load Error no such (", True),
        (
            "│ old error │\n╭─ Error ─╮\n│ amdsmi not │\n│ installed. │\n│ e.dev/error │\n",
            "saying: Error amdsmi not installed. e.dev/error; its log",
            False,
        ),
        ("", "(exit code 1); its log", False),
    ],
)
def test_what_the_client_said_last_is_told(tmp_path, log, said, remedy):
    (tmp_path / "aiperf.log").write_text(log)
    (problem,) = runner._problems(tmp_path, 1, 60.0)
    assert said in problem
    assert ("tokenizer: NAME or FOLDER" in problem) == remedy


def test_hanging_server_ends_a_cell_not_the_test(stress, monkeypatch):
    name, wait = "out04500-conc0002-rep01", runner.client.run

    def soon(command, folder, environment, deadline, *rest):
        assert deadline > 120
        return wait(command, folder, environment, 2.0 if folder.name == name else deadline, *rest)

    monkeypatch.setattr(runner.client, "run", soon)
    folder = stress({"hangs": [name]})
    cells = read(folder, "cells").set_index("cell")["status"]
    assert cells[name] == "refused" and (cells.drop(name) == "measured").all()
    findings = read(folder, "findings").query("cell == @name and kind == 'failed'")
    assert "look whether the server hangs" in findings["message"].item()


def test_client_that_grows_ends_a_cell_not_the_test(stress, monkeypatch):
    """As one does whose server answers without end."""
    name = "out00300-conc0002-rep01"
    monkeypatch.setattr(runner.client, "MOST_MEMORY", 2e8)
    folder = stress({"grows": [name]})
    cells = read(folder, "cells").set_index("cell")["status"]
    assert cells[name] == "refused" and (cells.drop(name) == "measured").all()
    findings = read(folder, "findings").query("cell == @name and kind == 'failed'")
    # with what each of 2 x 300 tokens may take
    assert "more than 0.205 GB of memory" in findings["message"].item()
    assert "look at what the server answers" in findings["message"].item()
    stress()
    assert set(read(folder, "cells")["status"]) == {"measured"}


def test_a_pilot_that_hangs_refuses_the_cells_of_its_load_not_the_test(stress, monkeypatch):
    limits, wait = {}, runner.client.run

    def soon(command, folder, environment, deadline, *rest):
        limits[folder.name] = deadline
        deadline = 2.0 if folder.name == "pilot-conc0004" else deadline
        return wait(command, folder, environment, deadline, *rest)

    monkeypatch.setattr(runner.client, "run", soon)
    monkeypatch.setattr(runner, "probe", lambda *arguments: Answered([], None))
    loads = {"concurrency": [2, 4]}
    folder = stress({"hangs": ["pilot-conc0004"]}, **loads)
    cells = read(folder, "cells").set_index("concurrency")["status"]
    assert (cells[2] == "measured").all() and (cells[4] == "refused").all()
    findings = read(folder, "findings").query("kind == 'failed'")["message"]
    assert len(findings) == 2 and findings.str.contains("pilot: 4 x 4500 tokens: .* hangs").all()
    # the pilot of the lower load tells how long that of the higher one may take
    assert limits["pilot-conc0004"] < 0.6 * limits["pilot-conc0002"]
    stress(**loads)
    assert set(read(folder, "cells")["status"]) == {"measured"}


def test_power_at_rest_before_the_pilot_is_idle_power(stress):
    """AIPerf reads a GPU once before a run: two cells and a pilot have three such readings."""
    folder = stress()
    paths = [*folder.glob("out*/gpu_telemetry_export.jsonl")]
    assert len(paths) == 2
    for path in paths:
        lines = path.read_text().splitlines(keepends=True)
        loaded = [line for line in lines if json.loads(line)["telemetry_data"][POWER] > LOAD_W / 2]
        path.write_text("".join(loaded))
    idle = read(stress(), "power")["idle_w"]
    assert idle.to_numpy() == pytest.approx(2 * IDLE_W, rel=1e-3)


def test_a_meter_without_a_reading_in_the_pilot_ends_the_test(stress):
    """The cells of hours would have no energy; its remedy is followed by the same command."""
    with pytest.raises(InputError, match="power: nvml: AIPerf has no reading of a GPU") as caught:
        stress({"unwatched": ["pilot-conc0002"]})
    assert "nvidia-smi" in str(caught.value)
    assert set(read(stress(), "power")["energy_j"].notna()) == {True}


def test_a_test_that_gets_a_meter_later_needs_none_in_its_pilot(stress):
    stress({"unwatched": ["pilot-conc0002"]}, power="none")
    folder = stress()
    assert set(read(folder, "cells")["status"]) == {"measured"}


def test_an_answer_that_breaks_off_in_a_pilot_is_a_failed_request(stress):
    """Below the limit it is none of an early end, above it the other loads are measured."""
    loads = {"concurrency": [2, 4]}
    folder = stress({"breaks": ["pilot-conc0004"]}, **loads)
    cells = read(folder, "cells").set_index("concurrency")["status"]
    assert (cells[2] == "measured").all() and (cells[4] == "refused").all()
    findings = read(folder, "findings").query("kind == 'failed'")["message"]
    assert findings.str.contains("4 requests at once: 25 % of the answers missed the 4500").all()
    stress({"breaks": ["pilot-conc0004"]}, error_limit=0.3, **loads)
    assert set(read(folder, "cells")["status"]) == {"measured"}


def test_a_pilot_of_early_ends_alone_ends_the_test_at_once(stress):
    """Half of the answers are too short: so are those of the loads that follow."""
    with pytest.raises(InputError, match="2 requests at once: 50 % of the answers missed"):
        stress({"breaks": ["pilot-conc0002"]}, concurrency=[2, 4])


def test_a_test_of_which_no_pilot_is_answered_tells_each(stress, monkeypatch):
    deadlines, wait = [], runner.client.run

    def noted(command, folder, environment, deadline, *rest):
        deadlines.append(deadline)
        return wait(command, folder, environment, deadline, *rest)

    monkeypatch.setattr(runner.client, "run", noted)
    monkeypatch.setattr(runner, "probe", lambda *arguments: Answered([], 0.001))
    with pytest.raises(InputError) as refused:
        stress({"fails": ["pilot-conc0002", "pilot-conc0004"]}, concurrency=[2, 4])
    assert ["2 x 4500" in p or "4 x 4500" in p for p in refused.value.problems] == [True, True]
    # ten times 4,500 tokens of 1 ms, 2 and 4 one after another: 90 and 180 s for a request
    assert deadlines == pytest.approx([300 + 2 * 90, 300 + 2 * 180])


def gone(times):
    """Stand in for the quick check of a server that is gone for some questions."""
    left = iter(range(times))

    def probe(*arguments):
        if next(left, None) is not None:
            raise InputError("no server answers")
        return []

    return probe


def test_a_silent_server_is_told_before_patience_is_over(monkeypatch, capsys):
    silent = threading.Event()

    def probe(*arguments):
        silent.wait(HANGS)
        return ["remark"]

    def say(message):
        print(message)
        silent.set()

    monkeypatch.setattr(runner, "probe", probe)
    monkeypatch.setattr(runner, "say", say)
    monkeypatch.setattr(runner, "SILENT", 0.1)
    assert runner._asked({}, None) == ["remark"]
    assert "the server hangs, or still loads its model" in capsys.readouterr().out


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A test in a folder, whose client is not run."""
    monkeypatch.setattr(runner, "find_aiperf", lambda given: "aiperf")
    monkeypatch.setattr(runner, "PAUSE", 0.0)
    return runner.StressTest(runner.prepare(NODE | SMALL | {"power": "none"}), tmp_path, 13.0)


def test_a_server_that_restarts_is_waited_for(alone, monkeypatch, capsys):
    monkeypatch.setattr(runner, "probe", gone(3))
    alone._await_server()
    assert capsys.readouterr().err.count("waiting for the server") == 3
    monkeypatch.setattr(runner, "RECOVERY", -1.0)
    monkeypatch.setattr(runner, "probe", gone(3))
    with pytest.raises(InputError, match="no server answers"):
        alone._await_server()


@pytest.mark.parametrize("how", ["fails", "errors"])
def test_a_server_is_waited_for_after_each_cell_that_it_failed_but_the_last(
    stress, monkeypatch, how
):
    """Whether the client ends with it, or tells it of its last requests."""
    asked = []

    def probe(*arguments):
        asked.append(arguments)
        return Answered([], None)

    monkeypatch.setattr(runner, "probe", probe)
    cells = [f"out{length:05d}-conc0002-rep01" for length in (300, 4500)]
    folder = stress({how: cells})
    assert set(read(folder, "cells")["status"]) == {"refused"}
    # before all, and between the two
    assert len(asked) == 2


def test_facts_that_give_no_prediction_are_told_before_the_test(alone, monkeypatch, capsys):
    """A mistake in them would else show in the report, hours later."""
    monkeypatch.setattr(runner, "_asked", gone(2))
    alone.forecast = alone.forecast._replace(reason="gpu nope: is no GPU")
    with pytest.raises(InputError, match="no server answers"):
        alone.run()
    assert "no prediction of the law and methods: gpu nope" in capsys.readouterr().err
    alone.settings["facts"] = {}
    with pytest.raises(InputError):
        alone.run()
    assert "no prediction" not in capsys.readouterr().err


def test_a_prediction_without_a_name_is_the_stated_one(tmp_path, monkeypatch):
    """The report read: Predicted: 15 (predicted)."""
    monkeypatch.setattr(runner, "find_aiperf", lambda given: "aiperf")
    (tmp_path / "mine.csv").write_text("output_tokens,energy_wh\n300,0.2\n4500,3.0\n")
    settings = NODE | SMALL | {"power": "none", "prediction": str(tmp_path / "mine.csv")}
    test = runner.StressTest(runner.prepare(settings), tmp_path / "test", 13.0)
    assert test.predictions == {"stated": {300: 0.2, 4500: 3.0}}


def test_a_test_does_not_go_on_without_its_meter(tmp_path):
    ended = start(["true"])
    ended.wait()
    (tmp_path / "power-ipmi.log").write_text("no power reading\n")
    with pytest.raises(InputError, match="power: ipmi: cannot be read: no power reading: look"):
        runner._check_samplers({"ipmi": ended}, tmp_path)


def test_a_meter_that_cannot_be_read_ends_the_test_before_its_pilot(tmp_path, monkeypatch):
    """The pilot of a slow server takes minutes."""
    monkeypatch.setattr(runner, "find_aiperf", lambda given: "aiperf")
    monkeypatch.setattr(runner, "_asked", lambda *arguments: ([], None))
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = runner.prepare(NODE | SMALL | {"power": "ipmi", "gpus": None})
    with pytest.raises(InputError, match=r"cannot be read: ipmitool: .* install it"):
        runner.StressTest(settings, tmp_path, 13.0).run()
    assert not list(tmp_path.glob("pilot*"))


def test_a_prometheus_that_is_gone_ends_no_test_and_is_asked_again(stress, monkeypatch):
    asked, gone = [], set(range(2, 99))

    def fetch(address, scope, start, end):
        asked.append(scope)
        if len(asked) in gone:
            raise InputError(f"{address}: Prometheus does not answer")
        return samples(np.arange(start, end), 400.0)

    monkeypatch.setattr(prometheus, "fetch", fetch)
    with pytest.raises(InputError, match="Prometheus does not answer; start again to ask it"):
        stress(power="prometheus:http://p:9090", gpus=1, facts={})
    gone.clear()
    folder = stress(power="prometheus:http://p:9090", gpus=1, facts={})
    assert set(read(folder, "cells")["status"]) == {"measured"}
    assert read(folder, "power")["energy_j"].notna().all()
    assert "no answer" not in set(read(folder, "findings")["kind"])


def test_a_log_that_turns_bad_ends_no_test_and_is_read_again(stress, tmp_path, monkeypatch):
    """Hours of cells may follow, of which other meters tell; the log can be mended afterwards."""
    log, check = tmp_path / "wall.csv", runner.check_power_sources
    rows = [f"{1_800_000_000 + time},{1500 + 0.01 * (time % 7):.2f}" for time in range(400)]
    good = "\n".join(["time,power_w", *rows, ""])
    log.write_text(good)

    def turns_bad(*arguments):
        check(*arguments)
        log.write_text(good + "the device is lost\n")

    monkeypatch.setattr(runner, "check_power_sources", turns_bad)
    power = ["nvml", f"node:{log}"]
    with pytest.raises(InputError, match=r"wall\.csv: row 402, .*; start again to read it"):
        stress(power=power, meter_offset=0)
    cells, found = (read(tmp_path / "test", name) for name in ("cells", "power"))
    assert len(cells) == 2 and set(cells["status"]) == {"measured"}
    assert set(found["scope"]) == {"gpu"} and found["energy_j"].notna().all()
    assert (tmp_path / "test/report.html").exists()
    log.write_text(good)
    found = read(stress(power=power, meter_offset=0), "power")
    assert found.query("scope == 'node'")["energy_j"].notna().sum() == 2


def test_two_runs_of_one_test_are_kept_apart(alone, monkeypatch):
    monkeypatch.setattr(alone, "_run", lambda: None)
    other = Lock(alone.folder, RUNS)
    with pytest.raises(InputError, match=r"Another run works .*; or give this test another name"):
        alone.run()
    other.close()
    alone.run()
    alone.run()


def test_time_to_go_is_that_of_the_cells_that_are_left(alone):
    short, long = ({"window": window, "latency": 2.0} for window in (60.0, 600.0))
    alone.cells["concurrency"] = [1, 8]
    pilots = {1: short, 8: long}
    unknown = 2 * (2.0 + runner.OVERHEAD)
    assert alone._seconds_left(pilots, 1) == pytest.approx(660 + unknown)
    # a cell that failed is not tried again before the next start
    assert alone._seconds_left(pilots, 2) == pytest.approx(600 + unknown / 2)
    first = alone.folder / alone.cells["cell"][0]
    first.mkdir()
    mark = {"prompts": 9, "seconds": 95.0, "stop": {"duration": 60.0}}
    (first / "cell.json").write_text(json.dumps(mark))
    # the client takes 35 s beside the window
    assert alone._seconds_left(pilots, 1) == pytest.approx(635)
    # a cell can end long before its window does, as at its last request, and none ends before now
    (first / "cell.json").write_text(json.dumps(mark | {"stop": {"duration": 300.0}}))
    assert alone._seconds_left(pilots, 1) == pytest.approx(395)
    pilots[8]["window"] = 100.0
    assert alone._seconds_left(pilots, 1) == 0


def test_cell_whose_requests_failed_is_told_and_tried_again(stress, capsys):
    name = "out00300-conc0002-rep01"
    folder = stress({"errors": [name]})
    (told,) = (line for line in capsys.readouterr().err.splitlines() if "not used" in line)
    assert f"{name}: cell not used: 100.0 % of the requests failed" in told
    cells = read(folder, "cells").set_index("cell")["status"]
    assert cells[name] == "refused"
    stress()
    assert set(read(folder, "cells")["status"]) == {"measured"}
    stress({"errors": [name]}, mode="error")
    assert set(read(folder, "cells")["status"]) == {"measured"}, "all is finished: nobody is asked"


def test_a_cell_without_telemetry_loses_its_energy_alone(stress):
    """An exporter that is gone for a while: AIPerf writes no file of the cells meanwhile."""
    name = "out00300-conc0002-rep01"
    folder = stress({"unwatched": [name]})
    assert set(read(folder, "cells")["status"]) == {"measured"}
    energy = read(folder, "power").set_index("cell")["energy_wh"]
    assert np.isnan(energy[name]) and energy.drop(name).notna().all()
    refused = read(folder, "findings").query("refuses == 'energy'")
    assert set(refused["cell"]) == {name}


@pytest.mark.parametrize("mark", ["", "[]", "{}", '{"prompts": 9, "stop": 1}', "[" * 100_000])
def test_a_cell_whose_mark_is_damaged_is_run_again(stress, mark):
    folder = stress()
    for name in ("pilot-conc0002", "out00300-conc0002-rep01"):
        (folder / name / "cell.json").write_text(mark)
    stress()
    assert set(read(folder, "cells")["status"]) == {"measured"}
    again = [json.loads(path.read_text()) for path in folder.glob("*/cell.json")]
    assert len(again) == 3 and all(mark["prompts"] > 0 for mark in again)


def test_key_that_a_server_echoes_is_not_kept(stress):
    folder = stress({"echo": f"Bearer {CANARY}"}, mode="echo")
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if path.name != "behaviour.json"]
    assert len(kept) > 20
    assert not [path for path in kept if CANARY.encode() in path.read_bytes()]
    assert b"[redacted]" in (folder / "out00300-conc0002-rep01/profile_export.jsonl").read_bytes()

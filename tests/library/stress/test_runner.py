"""The run of a stress test, without a server."""

import os
import signal
import sys

import pytest
from inference_energy.errors import InputError
from inference_energy.stress import runner
from processes import HANGS, PIPE, start
from repository import ROOT, read_yaml

DEFAULTS = read_yaml("config/stress.yaml")
LIBRARY = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
NODE = DEFAULTS | {"endpoint": "http://127.0.0.1:1/v1", "model": "m"}


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


def test_missing_aiperf_is_answered_with_the_remedy():
    with pytest.raises(InputError, match="make stress-env"):
        runner.find_aiperf("/nowhere/aiperf")


def test_this_machine_is_not_measured_for_another():
    remote = NODE | {"endpoint": "http://192.0.2.1:8000/v1", "power": ["rapl"]}
    with pytest.raises(InputError, match="would measure this machine"):
        runner.find_sources(remote)
    assert runner.find_sources(NODE | {"power": ["rapl"]}) == [("rapl", "")]


def test_cells_of_two_tests_are_not_mixed(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "find_aiperf", lambda given: "aiperf")
    settings = runner.prepare(NODE | {"power": "none"})
    runner.StressTest(settings, tmp_path, 13.0)
    runner.StressTest(settings | {"power": ["rapl"]}, tmp_path, 13.0)
    with pytest.raises(InputError, match=r"other settings \(model\)"):
        runner.StressTest(settings | {"model": "other"}, tmp_path, 13.0)


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

"""A run that is told to stop: its end, and its words."""

import os
import signal
import sys
from threading import Event, Lock, Thread

import pytest
from inference_energy import stopping
from inference_energy.stopping import SIGNALS, before, heed, kept_words, removed_words, words
from processes import HANGS, PIPE, run, start
from repository import ROOT

LIBRARY = {"cwd": ROOT / "workflow", "text": True, "stdout": PIPE, "stderr": PIPE}


def test_how_far_a_run_came_is_told_with_what_goes_on():
    goes_on = "Stopped after 12 of 66 steps: what they made is kept, and the same command goes on"
    assert words(12, 66).startswith(goes_on)
    forced = words(12, 66, "--force")
    assert "without --force the same command goes on from there; with it, it begins" in forced
    assert "make" not in forced
    assert "without --forceall (which `make` gives)" in words(12, 66, "--forceall")


@pytest.mark.parametrize("said", [kept_words, removed_words])
def test_some_files_are_named_and_the_others_counted(said):
    assert said([]) == []
    (line,) = said(["a", "b", "c"])
    assert ": a, b, c. " in line
    (line,) = said(list("abcde"))
    assert ": a, b, c and 2 more. " in line


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("raise KeyboardInterrupt", before()),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", before()),
        ("raise OSError('x')", "OSError: x"),
    ],
)
def test_who_stops_a_run_between_its_steps_is_shown_no_traceback(raised, told):
    asked = f"from inference_energy.stopping import end_quietly; end_quietly(); {raised}"
    ended = run([sys.executable, "-c", asked], cwd=ROOT / "workflow")
    assert ended.returncode != 0
    assert ended.stderr.endswith(f"{told}\n")
    assert ("Traceback" in ended.stderr) == ("OSError" in raised)


@pytest.fixture
def signals(monkeypatch):
    """Handlers of a process in the foreground; as they were afterwards, and no run is told then."""
    monkeypatch.setattr(stopping, "_TOLD", Event())
    were = {number: signal.getsignal(number) for number in SIGNALS}
    handlers = dict(zip(SIGNALS, (signal.default_int_handler, signal.SIG_DFL), strict=True))
    for number, handler in handlers.items():
        signal.signal(number, handler)
    yield handlers
    for number, handler in were.items():
        signal.signal(number, handler)


def test_a_run_that_is_told_to_end_while_it_holds_its_lock_ends_once_it_gives_it_back(
    signals, capsys
):
    lock, ended = Lock(), Event()

    def end():
        with lock:
            ended.set()

    # with steps of its own this process would interrupt what other tests have started
    heed(end, local=False)
    with lock:
        # a handler that waited here would wait for ever
        os.kill(os.getpid(), signal.SIGTERM)
        assert not ended.wait(0.1)
    assert ended.wait(30)
    assert stopping.told()
    assert capsys.readouterr().err == "Stopping; no further step begins.\n"


def test_interrupts_end_the_steps_of_a_cluster_as_snakemake_ends_them(signals):
    heed(lambda: None, local=False)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_what_a_run_in_the_background_ignores_it_goes_on_to_ignore(signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    heed(lambda: None, local=True)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_a_run_in_a_thread_leaves_the_signals_to_who_runs_it(signals):
    thread = Thread(target=heed, args=(print, True))
    thread.start()
    thread.join()
    assert {number: signal.getsignal(number) for number in SIGNALS} == signals


STEPS = """\
import subprocess, sys
from threading import Event
from inference_energy.stopping import heed

ended = Event()
heed(ended.set, local=True)
sleep = ["sleep", "10000"]
step = subprocess.Popen(["sh", "-c", "sleep 10000; true"])
other = subprocess.Popen(sleep, start_new_session=True)
print("begun", flush=True)
print(step.wait(), other.poll(), ended.is_set())
other.kill()
"""


@pytest.mark.parametrize("told", SIGNALS)
def test_a_run_that_is_told_alone_tells_its_steps_and_what_they_started(told):
    """But what is in a session of its own, as no terminal would."""
    alone = start([sys.executable, "-c", STEPS], **LIBRARY)
    assert alone.stdout.readline() == "begun\n"
    alone.send_signal(told)
    try:
        said = alone.communicate(timeout=HANGS)[0]
    finally:
        alone.kill()
    assert said == f"{-signal.SIGINT} None True\n"

"""Children of the tests can be interrupted, even where the tests themselves cannot be."""

import signal
import sys

import pytest
from processes import DEVNULL, PIPE, SNAKEMAKE, STDOUT, run, snakemake, start, stop, wait_for

# Tells when it is there, then waits: again and again, as a signal that comes just before one long
# sleep would be seen behind it.
CODE = """
import time
print("there", flush=True)
while True:
    time.sleep(0.05)
"""
WAITING = [sys.executable, "-c", CODE]


@pytest.fixture(params=[signal.SIG_DFL, signal.SIG_IGN], ids=["foreground", "background"])
def job(request):
    """Let the tests have the signals of a foreground or of a background job."""
    before = {told: signal.getsignal(told) for told in (signal.SIGINT, signal.SIGQUIT)}
    try:
        for told in before:
            signal.signal(told, request.param)
        yield
    finally:
        for told, handler in before.items():
            signal.signal(told, handler)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_a_child_is_stopped_by_every_signal(job, told):
    process = start(WAITING, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True)
    assert process.stdout.readline() == "there\n"
    stop(process, told)
    assert process.returncode == -told


def test_a_child_that_runs_to_its_end_can_be_interrupted_too(job):
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert run([sys.executable, "-c", code]).stdout == "True\n"


def test_waiting_ends_with_the_process():
    process = start([sys.executable, "-c", "exit('no port')"], stderr=PIPE, text=True)
    with pytest.raises(AssertionError, match="ended with 1:\nno port"):
        wait_for(lambda: False, process)


SHOWING = """
import os, signal, sys
print(os.getcwd(), sys.argv, sys.path[0], signal.getsignal(signal.SIGINT), sys.stdin.read(), config)
print(sorted(os.environ.get(name, "") for name in ("WORD", "PYTHONPATH")), file=sys.stderr)
sys.path.insert(0, "mine")
raise WorkflowError("no rule")
"""


def test_a_copied_run_of_snakemake_is_like_one_that_is_started(tmp_path, monkeypatch):
    """Also the second copy, in another folder, of which the first has left nothing."""
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Snakefile").write_text(SHOWING)
        copied = snakemake(folder, "--cores", 1, "--config", f"name={name}", WORD=name)
        assert f"['', '{name}']" in copied.stdout and "no rule" in copied.stdout
    asked = ["--cores", "1", "--config", f"name={name}"]
    monkeypatch.setenv("WORD", name)
    monkeypatch.delenv("PYTHONPATH")
    started = run([*SNAKEMAKE, *asked], cwd=folder, stderr=STDOUT, stdin=DEVNULL)
    assert (copied.returncode, copied.stdout) == (started.returncode, started.stdout)

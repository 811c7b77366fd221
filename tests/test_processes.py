"""Children of the tests can be interrupted, even where the tests themselves cannot be."""

import signal
import sys

import pytest
from processes import PIPE, run, start, stop, wait_for

# tells when it is there, then waits
WAITING = [sys.executable, "-c", "import time; print('there', flush=True); time.sleep(1e6)"]


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

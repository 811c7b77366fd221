"""An interrupt ends a query of DuckDB, which by itself can go on, and stays an interrupt."""

import signal
import sys

import pytest
from inference_energy.requests.interrupts import interruptible
from inference_energy.requests.log import connect
from processes import HANGS, PIPE, start
from repository import ROOT

JOB = """
import signal, sys, threading
sys.path.insert(0, sys.argv[1])
from inference_energy.requests.interrupts import interruptible
from inference_energy.requests.log import connect

ENDLESS = "SELECT sum(a.range * b.range) FROM range(1000000000) AS a, range(1000000000) AS b"

def interrupt(connection):
    while connection.query_progress() < 0:
        pass
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

{before}
was = signal.getsignal(signal.SIGINT)
try:
    with interruptible(lambda: connect(threads=2)) as connection:
        {within}
except KeyboardInterrupt as error:
    assert error.__suppress_context__
    print("interrupted")
assert signal.getsignal(signal.SIGINT) is was
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
assert signal.set_wakeup_fd(-1) == -1
"""
WITHIN = {
    "before": "",
    "within": "threading.Thread(target=interrupt, args=[connection]).start();"
    " connection.execute(ENDLESS)",
}
# as one that meets DuckDB about to begin: its handler is done, and the query is yet to come
BETWEEN = {
    "before": "signal.signal(signal.SIGINT, lambda *told: None)",
    "within": "signal.raise_signal(signal.SIGINT); connection.execute(ENDLESS)",
}


def begin(parts):
    """Start the job with its parts."""
    command = [sys.executable, "-c", JOB.format(**parts), ROOT / "workflow"]
    return start(command, stdout=PIPE, stderr=PIPE, text=True)


@pytest.mark.parametrize("parts", [WITHIN, BETWEEN], ids=["within", "between"])
def test_an_interrupt_ends_a_query(parts):
    job = begin(parts)
    try:
        assert job.communicate(timeout=HANGS) == ("interrupted\n", "")
    finally:
        job.kill()


def test_an_interrupt_that_is_ignored_stays_so():
    """A background job of a script is started with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible(connect) as connection:
            signal.raise_signal(signal.SIGINT)
            assert connection.execute("SELECT 7").fetchall() == [(7,)]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

"""Let a signal end a query: DuckDB notices SIGINT by itself in some, and goes on with others."""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import duckdb

TOLD = signal.SIGINT, signal.SIGTERM
"""Signals that end a query; a cluster sends the second one to a job that it takes back."""

EVERY = 0.1
"""Time between two interrupts: one that comes before a query begins is lost. [s]"""


@contextmanager
def interruptible(
    opening: Callable[[], duckdb.DuckDBPyConnection],
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection, have SIGINT and SIGTERM end whatever query it is in, and close it.

    For the main thread. One that is ignored stays so; after the first one others are, until the
    connection is closed.

    Parameters
    ----------
    opening : callable
        Opens the connection.

    Yields
    ------
    duckdb.DuckDBPyConnection

    Raises
    ------
    KeyboardInterrupt
        If SIGINT came, in place of the error that DuckDB makes of it.
    SystemExit
        If SIGTERM did, so that what the job has on disk for itself is removed.
    """
    came = 0
    before = {told: signal.getsignal(told) for told in TOLD}
    bell, listener = socket.socketpair()
    bell.setblocking(False)
    ended = threading.Event()

    def note(told: int, frame: FrameType | None) -> None:
        nonlocal came
        first, came = not came, came or told
        # an error of DuckDB's that is under way ends every context; raised now, this would end one
        if not first or isinstance(sys.exception(), duckdb.Error):
            return
        was = before[signal.Signals(told)]
        if callable(was):
            was(told, frame)
        else:
            raise _end(told)

    def listen() -> None:
        # a handler in Python waits until the query ends, the byte that a signal writes does not
        while (told := listener.recv(1)) and told[0] not in TOLD:
            pass
        while told and not ended.is_set():
            connection.interrupt()
            ended.wait(EVERY)

    woken = signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
    for told, was in before.items():
        if was is not signal.SIG_IGN:
            signal.signal(told, note)
    try:
        with opening() as connection:
            thread = threading.Thread(target=listen, daemon=True)
            thread.start()
            try:
                yield connection
            finally:
                ended.set()
                signal.set_wakeup_fd(woken)
                bell.close()
                thread.join()
    except Exception:
        if came:
            raise _end(came) from None
        raise
    finally:
        signal.set_wakeup_fd(woken)
        bell.close()
        for told, was in before.items():
            signal.signal(told, was)
        listener.close()


def _end(told: int) -> KeyboardInterrupt | SystemExit:
    """What a signal raises."""
    return KeyboardInterrupt() if told == signal.SIGINT else SystemExit(128 + told)

"""Let SIGINT end a query: DuckDB notices it by itself in some, and goes on with others."""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import duckdb

EVERY = 0.1
"""Time between two interrupts: one that comes before a query begins is lost. [s]"""


@contextmanager
def interruptible(
    opening: Callable[[], duckdb.DuckDBPyConnection],
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection, have SIGINT end whatever query it is in, and close it.

    For the main thread. A SIGINT that is ignored stays so; after the first one others are, until
    the connection is closed.

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
    """
    came = False
    before = signal.getsignal(signal.SIGINT)
    bell, listener = socket.socketpair()
    bell.setblocking(False)
    ended = threading.Event()

    def note(told: int, frame: FrameType | None) -> None:
        nonlocal came
        first, came = not came, True
        # an error of DuckDB's that is under way ends every context; raised now, this would end one
        if first and callable(before) and not isinstance(sys.exception(), duckdb.Error):
            before(told, frame)

    def listen() -> None:
        # a handler in Python waits until the query ends, the byte that a signal writes does not
        while (told := listener.recv(1)) and told[0] != signal.SIGINT:
            pass
        while told and not ended.is_set():
            connection.interrupt()
            ended.wait(EVERY)

    woken = signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
    if callable(before):
        signal.signal(signal.SIGINT, note)
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
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.set_wakeup_fd(woken)
        bell.close()
        signal.signal(signal.SIGINT, before)
        listener.close()

"""How far a job is that reads a log."""

import sys
import threading
from contextlib import contextmanager

EVERY = 10.0
"""Time between two lines. [s]"""


@contextmanager
def telling(within):
    """Say every few seconds how far a job is, also while it reads one large unit.

    Parameters
    ----------
    within : callable
        Gives what of the next unit is read, below zero where nobody knows. [%]

    Yields
    ------
    callable
        To be told what is read, how many units of it are, and of how many; the last one is said
        at once.
    """
    ended, now = threading.Event(), []

    def line():
        what, number, count = now
        share = within() if number < count else -1.0
        part = f", {share:.0f} % of the next" if share >= 0 else ""
        print(f"{what}: {number} of {count} read{part}", file=sys.stderr)

    def say(what, number, count):
        now[:] = what, number, count
        if number == count:
            line()

    def repeat():
        while not ended.wait(EVERY):
            if now and now[1] < now[2]:
                line()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield say
    finally:
        ended.set()
        thread.join()

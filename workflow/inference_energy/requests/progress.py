"""How far a job is that reads a log."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 10.0
"""Time between two lines. [s]"""


@contextmanager
def telling(within: Callable[[], float]) -> Iterator[Callable[[str, int, int], None]]:
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
    ended = threading.Event()
    now: tuple[str, int, int] | None = None

    def line(what: str, number: int, count: int) -> None:
        share = within() if number < count else -1.0
        part = f", {share:.0f} % of the next" if share >= 0 else ""
        print(f"{what}: {number} of {count} read{part}", file=sys.stderr)

    def say(what: str, number: int, count: int) -> None:
        nonlocal now
        now = what, number, count
        if number == count:
            line(what, number, count)

    def repeat() -> None:
        while not ended.wait(EVERY):
            last = now
            if last and last[1] < last[2]:
                line(*last)

    # a job that is interrupted at any place ends at once
    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield say
    finally:
        ended.set()
        thread.join()

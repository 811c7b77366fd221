"""How far a job is that reads a log."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 10.0
"""Time between two lines. [s]"""


@contextmanager
def telling(within: Callable[[], float]) -> Iterator[Callable[..., None]]:
    """Say every few seconds how far a job is, also while it reads one large unit.

    Parameters
    ----------
    within : callable
        Gives what of the present query is done, below zero where nobody knows. [%]

    Yields
    ------
    callable
        To be told what is done; if it is units that are read, how many of them are, and of how
        many, and what is done of the next one. The last unit is said at once.
    """
    ended = threading.Event()
    now: tuple[str, int, int, str] | None = None

    def line(what: str, number: int, count: int, step: str) -> None:
        share = within()
        done = f"{share:.0f} %" if share >= 0 else ""
        if not count:
            print(f"{what}{done and f' ({done})'}", file=sys.stderr)
            return
        part = f", {done} of the next" if done else ""
        if step:
            part = f", the next at {step}{done and f' ({done})'}"
        read = f"{what}: {number} of {count} read"
        print(read + (part if number < count else ""), file=sys.stderr)

    def say(what: str, number: int = 0, count: int = 0, step: str = "") -> None:
        nonlocal now
        now = what, number, count, step
        if count and number == count:
            line(*now)

    def repeat() -> None:
        while not ended.wait(EVERY):
            last = now
            if last and (not last[2] or last[1] < last[2]):
                line(*last)

    # a job that is interrupted at any place ends at once
    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield say
    finally:
        ended.set()
        thread.join()

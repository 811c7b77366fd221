"""Fuzz every file that a user supplies, and count time, memory and outcome of each target.

``python -m fuzz.run CASES [FIRST [TARGET ...]]`` in tests/; a case is the same whenever its number
is. A file that ends in anything but an answer or InputError, in a hang or beyond 1 GB is kept in
build/fuzz.
"""

import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from fuzz.targets import TARGETS
from inference_energy.errors import InputError
from repository import ROOT

HANG_S, MOST_BYTES = 10, 2**30
"""Processor time that a case may take [s], as a busy machine is no hang, and memory of all."""

WAIT_S = 300
"""Time after which a case hangs however little of the processor it takes. [s]"""
KEPT = ROOT / "build" / "fuzz"
GOOD = ("accepted", "refused")
ROW = "{:<14} {:>7} {:>8} {:>7} {:>5} {:>9} {:>9} {:>7}"


class HangError(BaseException):
    """A case took longer than HANG_S or WAIT_S."""


def hang(*arguments):
    """Interrupt a case that hangs."""
    raise HangError


def bound(processor, wait):
    """Have what runs interrupted after so much processor time and time [s]; zero: no more."""
    for timer, ended, seconds in (
        (signal.ITIMER_PROF, signal.SIGPROF, processor),
        (signal.ITIMER_REAL, signal.SIGALRM, wait),
    ):
        signal.signal(ended, hang)
        signal.setitimer(timer, seconds)


def case(target, number, folder):
    """Outcome of one case: accepted, refused, or what went wrong and where."""
    draw = random.Random(f"{target.__name__} {number}")
    bound(HANG_S, WAIT_S)
    try:
        return target(draw, folder)
    except InputError as error:
        return "refused" if str(error).strip() else "refused without a word"
    except HangError as error:
        return f"hang {_place(error)}"
    except Exception as error:
        return f"{type(error).__name__} {_place(error)}: {str(error)[:100]}"
    finally:
        bound(0, 0)


def _place(error):
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"at {Path(frame.filename).name}:{frame.lineno}"


def fuzz(target, cases, first=0, kept=None):
    """Run a target's cases.

    Parameters
    ----------
    target : callable
        One of ``targets.TARGETS``.
    cases, first : int
        How many, and the number of the first.
    kept : Path, optional
        Where the files of the first case of each wrong outcome are kept.

    Returns
    -------
    outcomes : Counter
        Of the cases.
    slowest : float
        Longest processor time of one. [s]
    """
    outcomes, slowest = Counter(), 0.0
    for number in range(first, first + cases):
        with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
            started = time.process_time()
            outcome = case(target, number, Path(name))
            slowest = max(slowest, time.process_time() - started)
            if kept and outcome not in GOOD and outcome not in outcomes:
                shutil.copytree(name, kept / f"{target.__name__}-{number}", dirs_exist_ok=True)
                print(f"  {target.__name__} {number}: {outcome}", flush=True)
        outcomes[outcome] += 1
    return outcomes, slowest


def share(target, cases):
    """Cases of a target of so many of all targets."""
    return -(-cases * TARGETS[target] // sum(TARGETS.values()))


def main(cases, first=0, only=()):
    """Fuzz all targets in their shares; exit code 1 if anything went wrong."""
    total = 0
    print(ROW.format("target", "cases", *GOOD, "wrong", "slowest", "memory", "time"))
    for target in TARGETS:
        if only and target.__name__ not in only:
            continue
        began, count = time.monotonic(), share(target, cases)
        outcomes, slowest = fuzz(target, count, first, KEPT)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        wrong = count - sum(outcomes[good] for good in GOOD) + (memory > MOST_BYTES)
        total += wrong
        cells = [target.__name__, count, *(outcomes[good] for good in GOOD), wrong]
        cells += [f"{slowest:.2f} s", f"{memory / 2**20:.0f} MB"]
        print(ROW.format(*cells, f"{time.monotonic() - began:.0f} s"), flush=True)
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int((sys.argv[2:3] or [0])[0]), sys.argv[3:]))

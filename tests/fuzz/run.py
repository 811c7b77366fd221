"""Fuzz every file that a user supplies, and count time, memory and outcome of each target.

``python -m fuzz.run CASES [TARGET ...]`` in tests/; PROCESSES names how many run beside each other,
as many as there are cores unless it is set. A case is the same whenever its number is, so a run
that was stopped goes on where it was, unless code or data changed. A file that ends in anything but
an answer or InputError, in a hang or beyond 1 GB is kept in build/fuzz. What all targets did is
written to the page in PAGE, if that is set.
"""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import contextmanager, suppress
from multiprocessing import Pool
from pathlib import Path

from fuzz.targets import TARGETS
from inference_energy.errors import InputError
from inference_energy.text import markdown_table
from repository import ROOT

HANG_S, MOST_BYTES = 10, 2**30
"""Processor time that a case may take [s], as a busy machine is no hang, and memory: that one may
take beside what is held, and all together [bytes]."""

WAIT_S = 300
"""Time after which a case hangs however little of the processor it takes. [s]"""
DATA = Path("/proc/self/statm")
"""Pages of this process, those of its data in the sixth place."""
KEPT = ROOT / "build" / "fuzz"
CHUNK = 500
"""Cases that are counted, and noted, at once."""
GOOD = ("accepted", "refused")
HEADER = ["target", "cases", *GOOD, "wrong", "slowest case [s]", "memory [MB]", "time [s]"]
PAGE = """\
# Fuzzing

`make fuzz` damages files of every kind that a user supplies, as an accident or bad faith would, and
gives them to the library (tests/fuzz). Right is a refusal in a sentence, or an answer that is
finite, within bounds and what the file says. Wrong is all else: a traceback, a hang above {hang} s,
more than 1 GB, another answer. Times are those of the processor. What was wrong is mended, with a
test of its own, before the page is committed; the counts stay as they were.

{table}

{wrong}

Code, tests, config/ and data/ together had the SHA-256 {state}.
"""


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


@contextmanager
def at_most(size):
    """Refuse memory beyond so much more than there is [bytes], where the system counts it."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        held = int(DATA.read_text().split()[5]) * resource.getpagesize()
    except OSError:
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (held + size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def case(target, number, folder):
    """Outcome of one case: accepted, refused, or what went wrong and where."""
    draw = random.Random(f"{target.__name__} {number}")
    bound(HANG_S, WAIT_S)
    try:
        with at_most(MOST_BYTES):
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
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        for number in range(first, first + cases):
            started = time.process_time()
            outcome = case(target, number, folder)
            slowest = max(slowest, time.process_time() - started)
            if kept and outcome not in GOOD and outcome not in outcomes:
                shutil.copytree(name, kept / f"{target.__name__}-{number}", dirs_exist_ok=True)
                print(f"  {target.__name__} {number}: {outcome}", flush=True)
            outcomes[outcome] += 1
            empty(folder)
    return outcomes, slowest


def empty(folder):
    """Remove what a case wrote."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def share(target, cases):
    """Cases of a target of so many of all targets."""
    return -(-cases * TARGETS[target] // sum(TARGETS.values()))


def chunks(cases, only=()):
    """Targets by name, first case and number of cases of every chunk; all targets advance alike."""
    found = []
    for target in TARGETS:
        total = share(target, cases)
        if not only or target.__name__ in only:
            starts = range(0, total, CHUNK)
            found += [(n / total, target.__name__, n, min(CHUNK, total - n)) for n in starts]
    return [tuple(chunk) for _, *chunk in sorted(found)]


def count(chunk):
    """Outcomes of a chunk, its processor time [s], and the memory of the process [bytes]."""
    name, first, cases = chunk
    began = time.process_time()
    target = next(target for target in TARGETS if target.__name__ == name)
    outcomes, slowest = fuzz(target, cases, first, KEPT)
    return {
        "chunk": list(chunk),
        "outcomes": outcomes,
        "slowest": slowest,
        "time": time.process_time() - began,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def state():
    """Checksum of all that a case depends on: the code, and what it reads."""
    folders = ("workflow/inference_energy", "workflow/schemas", "tests", "config", "data")
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*"))
    found = hashlib.sha256()
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return found.hexdigest()


def noted(file):
    """Chunks that a run before this one counted, by themselves; half a line is left out."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        with suppress(ValueError):
            counted = json.loads(line)
            found[tuple(counted["chunk"])] = counted
    return found


def row(name, found):
    """Cells of the table for the chunks of a target, and the outcomes that are wrong."""
    cases, outcomes = sum(each["chunk"][2] for each in found), Counter()
    for each in found:
        outcomes.update(each["outcomes"])
    memory = max(each["memory"] for each in found)
    good = [outcomes.pop(outcome, 0) for outcome in GOOD]
    if memory > MOST_BYTES:
        outcomes["memory"] += 1
    cells = [name, cases, *good, outcomes.total(), f"{max(each['slowest'] for each in found):.2f}"]
    return [*cells, f"{memory / 2**20:.0f}", f"{sum(each['time'] for each in found):.0f}"], outcomes


def page(table, wrong, checksum):
    """Page of what was counted.

    Parameters
    ----------
    table : str
        Markdown table of all targets.
    wrong : dict of str to Counter
        Outcomes that are wrong, by target.
    checksum : str
        State of code and data.
    """
    listed = [f"- {name}: {what}" for name, found in wrong.items() for what in found]
    told = "\n".join(["Wrong were:", "", *listed]) if listed else "Nothing went wrong."
    return PAGE.format(hang=HANG_S, table=table, wrong=told, state=checksum)


def main(cases, only=()):
    """Fuzz all targets in their shares; exit code 1 if anything went wrong."""
    KEPT.mkdir(parents=True, exist_ok=True)
    checksum = state()
    file = KEPT / f"counted-{checksum[:12]}.jsonl"
    asked = chunks(cases, only)
    known = noted(file)
    file.write_text("".join(f"{json.dumps(each)}\n" for each in known.values()), encoding="utf-8")
    left = [chunk for chunk in asked if chunk not in known]
    processes = int(os.environ.get("PROCESSES") or os.cpu_count() or 1)
    print(f"{len(asked) - len(left)} of {len(asked)} chunks of {CHUNK} cases were counted before")
    with Pool(processes) as pool, open(file, "a", encoding="utf-8") as notes:
        for found in pool.imap_unordered(count, left):
            known[tuple(found["chunk"])] = found
            print(json.dumps(found), file=notes, flush=True)
    rows, wrong = [], {}
    for name in dict.fromkeys(chunk[0] for chunk in asked):
        cells, wrong[name] = row(name, [known[chunk] for chunk in asked if chunk[0] == name])
        rows.append(cells)
    table = markdown_table(HEADER, rows)
    print(table)
    if os.environ.get("PAGE"):
        Path(os.environ["PAGE"]).write_text(page(table, wrong, checksum), encoding="utf-8")
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))

"""Which tests one process runs where several do (pytest-xdist).

Tests of one shared copy of the repository stay together, of the figures that tests/redraw.py draws
again, of one room of the library, or of one file, so that nothing costly is made twice and no two
edit the same copy.
"""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ("done", "fresh")
"""Fixtures that are copies of the repository, the one that takes longest first."""
DRAWN = "drawn"
"""Group of the files of tests that draw figures again: each figure is drawn but once."""
FIRST = (*SHARED, "workflow", DRAWN, "library")
"""What the names of groups begin with, those first that take longest."""


@cache
def _arguments(path):
    """Names of the arguments of every function of a file of tests, and of the fixtures of all."""
    texts = [
        Path(path).read_text(encoding="utf-8")
        for path in (Path(__file__).parent / "conftest.py", path)
    ]
    found = [each for text in texts for each in re.findall(r"^def (\w+)\(([^)]*)", text, re.M)]
    return {name: set(re.findall(r"\w+", arguments)) for name, arguments in found}


@cache
def _draws(path):
    """Whether a file of tests draws the figures again."""
    text = Path(path).read_text(encoding="utf-8")
    return re.search(r"^(?:from|import) redraw\b", text, re.M) is not None


def group_of(nodeid):
    """Name of the group of a test.

    Parameters
    ----------
    nodeid : str
        As ``tests/folder/test_file.py::test_name[parameters]``.
    """
    file, _, test = nodeid.partition("::")
    arguments = _arguments(ROOT / file)
    used, new = set(), {test.partition("[")[0]}
    while new:
        used |= new
        new = {name for known in new for name in arguments.get(known, ())} - used
    room = DRAWN if _draws(ROOT / file) else "/".join(Path(file).parts[1:3])
    return next((name for name in SHARED if name in used), room)


def place_of(nodeid):
    """Place of a test's group among all: how early it begins."""
    first = group_of(nodeid).partition("/")[0]
    return FIRST.index(first) if first in FIRST else len(FIRST)

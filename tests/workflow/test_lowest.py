"""A second environment: the oldest numeric libraries that are allowed write the same bytes."""

import os
import re
import sys
import time
import tomllib
from pathlib import Path

from processes import git, run, snakemake
from repository import ROOT, copy_to

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOWEST = ROOT / ".venv-lowest"
PIN = re.compile(r"(\w+)==([\d.]+)(?!.*>=)")
"""A pin for Python below 3.14."""
LOW = re.compile(r"(\w+)>=([\d.]+)")
MADE = ["results/comparison/oviedo2026..revised.csv"]
"""Stands on a method with the paper's law, one with that which knows load, and their verdicts."""


def test_the_lowest_versions_are_the_lower_ends_of_the_ranges():
    group = PROJECT["dependency-groups"]["lowest"]
    older = dict(each.groups() for line in group if (each := PIN.match(line)))
    ranged = [line for line in PROJECT["project"]["dependencies"] if ">=" in line]
    lower = dict(LOW.match(line).groups() for line in ranged)
    assert older == {name: f"{low}.0" for name, low in lower.items()}


def test_a_forced_run_with_the_lowest_versions_writes_the_same_bytes(tmp_path):
    """Two methods and their comparison; `make matrix` makes all, and with other Pythons."""
    assert LOWEST.is_dir(), "the oldest versions are missing: make .venv-lowest/.installed"
    environment = {"PYTHONPATH": str(LOWEST)}
    asked = "import numpy, pandas, scipy; print(numpy.__file__, pandas.__file__, scipy.__file__)"
    used = run([sys.executable, "-c", asked], env=os.environ | environment).stdout.split()
    assert [LOWEST in Path(name).parents for name in used] == [True] * 3
    folder = copy_to(tmp_path)
    before = time.time()
    forced = snakemake(folder, "--forceall", *MADE, **environment)
    assert forced.returncode == 0, forced.stdout
    assert git(folder, "status", "--short") == ""
    assert [name for name in MADE if (folder / name).stat().st_mtime < before] == []

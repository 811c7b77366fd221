"""Every package that is installed has a licence that may be used, and so has every source."""

import runpy
import sys

import pytest
from processes import run
from repository import ROOT, read

SCRIPT = ROOT / ".ci" / "licences.py"
problem_of = runpy.run_path(str(SCRIPT))["problem_of"]


def test_every_installed_package_of_the_lock_may_be_used():
    done = run([sys.executable, SCRIPT])
    assert done.returncode == 0, done.stderr
    assert "snakemake 9" in done.stdout
    assert "none stated" not in done.stdout


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("", "states no licence"),
        ("GNU Affero General Public License v3", "not allowed"),
        ("AGPL-3.0-only", "not allowed"),
        ("BSD License; GPL-3.0", "not allowed"),
        ("MIT AND LGPL-3.0-only", "not allowed"),
        ("House licence", "not known"),
        ("MIT AND Elastic-2.0", "not known"),
    ],
)
def test_a_licence_that_may_not_be_used_is_told(licence, words):
    assert words in problem_of("some", licence)
    assert problem_of("some", "MIT License") == problem_of("some", "Apache Software License") == ""


def test_rows_that_are_copied_in_number_have_a_licence():
    sources = read("data/sources.csv", "sources").set_index("source_id")["licence"]
    tables = {
        "throughput": sorted((ROOT / "data" / "throughput").glob("*.csv")),
        "request_lengths": [ROOT / "data" / "request_lengths.csv"],
        "mlenergy": [ROOT / "data" / "measured" / "mlenergy_v3.csv"],
        "mlperf": [ROOT / "data" / "measured" / "mlperf_throughput.csv"],
    }
    for schema, paths in tables.items():
        for path in paths:
            counts = read(path, schema)["source_id"].value_counts()
            many = counts[counts > 10].index
            assert not [name for name in many if sources[name].startswith("facts only")]

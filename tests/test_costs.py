"""What docs/cluster.md says of costs is what was measured, as is benchmarks/requests.md."""

import json
import runpy

from repository import ROOT

COSTS = runpy.run_path(str(ROOT / "benchmarks" / "costs.py"))


def read(name):
    """Text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_page_of_request_logs_is_what_was_kept():
    """No number of it is typed, and one that is measured anew is on it."""
    page = runpy.run_path(str(ROOT / "benchmarks" / "requests.py"))["page"]
    kept = json.loads(read("benchmarks/requests.json"))
    assert read("benchmarks/requests.md") == page(kept)
    kept["rows"][0]["own"]["time"] = 4321
    assert "| 4321 s |" in page(kept)


def test_the_page_says_what_was_measured():
    page, measured = read("docs/cluster.md"), read("benchmarks/requests.md")
    assert page == COSTS["renewed"](page, measured), (
        "run PYTHONPATH=workflow python benchmarks/costs.py"
    )


def test_another_measurement_changes_the_page():
    page, measured = read("docs/cluster.md"), read("benchmarks/requests.md")
    (row,) = [
        line for line in measured.splitlines() if line.startswith("| lengths and model | 1e+09")
    ]
    cells = row.split("|")
    other = measured.replace(row, "|".join([*cells[:3], " 4321 s ", *cells[4:]]))
    assert "A billion requests of Parquet (models and lengths) took 4321 s" in COSTS["renewed"](
        page, other
    )

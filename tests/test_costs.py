"""What the pages of the benchmarks and docs/cluster.md say is what was measured."""

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
    row = next(row for row in kept["rows"] if row["log"] == "lengths and model")
    row["own"]["time"] = 4321
    assert "| 4321 s |" in page(kept)


def test_the_page_of_the_run_says_which_promises_are_missed():
    page = runpy.run_path(str(ROOT / "benchmarks" / "run.py"))["page"]
    whatif = {
        "one": 5.0,
        "draft": 5.1,
        "several": 6.0,
        "many": 4.0,
        "loaded": 4.0,
        "row": 5.2,
        "row again": 5.0,
    }
    called = {"dot product": 2e-6, "one-row table": 1e-5}
    measured = {"exact": 0.1, "per_sample": 1e-7, "called": called, "rules": {"all": (1, 2.0)}}
    text = page(runs=[90.0, 91.25], dry=2.0, whatif=whatif, **measured)
    ends = [line.split("|")[-2].strip() for line in text.splitlines() if line[:2] == "| "]
    run, tried, whole, called = ends[2:3], ends[4:17:2], ends[17:18], ends[19:21]
    assert (run, tried, whole, called) == (
        ["missed"],
        ["met", "missed", "missed", "met", "met", "missed", "met"],
        ["met"],
        ["", "met"],
    )
    assert "The forced run is made 2 times, in 90.0, 91.2 s," in text
    assert read("benchmarks/results.md").splitlines()[:6] == text.splitlines()[:6]


def test_the_readme_says_the_time_of_a_run_that_was_measured():
    row = "| forced run with audit, two cores | "
    (line,) = [line for line in read("benchmarks/results.md").splitlines() if line.startswith(row)]
    seconds = line.removeprefix(row).partition(" s ")[0]
    words = " ".join(read("README.md").split())
    assert f"the whole run with its audit {seconds} seconds on two idle cores" in words


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

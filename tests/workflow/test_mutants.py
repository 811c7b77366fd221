"""The score of a module's tests is noted in its line of the table."""

import runpy

from repository import ROOT

NOTES = runpy.run_path(str(ROOT / "envs" / "mutants.py"))
PAGE = (ROOT / "benchmarks" / "mutants.md").read_text(encoding="utf-8")
FOUND = {"killed": 7, "timeout": 1, "segfault": 0, "survived": 1, "no_tests": 1, "skipped": 2}


def test_a_change_that_does_not_end_is_noticed_and_one_without_a_test_is_not():
    line = NOTES["row"]("a/b.py", FOUND | {"total": 12})
    assert line == "| `a/b.py` | 10 | 8 | 1 | 1 | 80.0 % |"


def test_a_module_has_one_line_and_all_else_stays():
    for line in ("| `a/b.py` | 2 | 1 | 1 | 0 | 50.0 % |", "| `z.py` | 1 | 1 | 0 | 0 | 100.0 % |"):
        page = NOTES["noted"](PAGE, line)
        assert NOTES["noted"](page, line) == page
        assert set(page.splitlines()) == {*PAGE.splitlines(), line}
        modules = [row for row in page.splitlines() if row.startswith("| `")]
        assert modules == sorted(modules)
    other = NOTES["noted"](page, "| `z.py` | 1 | 0 | 1 | 0 | 0.0 % |")
    assert other.count("`z.py`") == 1

"""The score of a module's tests is noted in its line of the table."""

import runpy

from repository import ROOT

NOTES = runpy.run_path(str(ROOT / "envs" / "mutants.py"))
PAGE = (ROOT / "benchmarks" / "mutants.md").read_text(encoding="utf-8")
RESULTS = """\
    inference_energy.a.b.x_one__mutmut_1: killed
    inference_energy.a.b.xǁClassǁtwo__mutmut_1: timeout
    inference_energy.a.b.x_one__mutmut_2: survived
    inference_energy.a.b.x_one__mutmut_3: no tests
    inference_energy.a.b.x_one__mutmut_4: skipped
    inference_energy.a.b.x_one__mutmut_5: suspicious
    inference_energy.a.bc.x_one__mutmut_1: killed
"""


def test_a_change_that_does_not_end_is_noticed_and_one_without_a_test_is_not():
    assert NOTES["row"]("a/b.py", RESULTS) == "| `a/b.py` | 5 | 2 | 2 | 1 | 40.0 % |"
    assert NOTES["row"]("a/bc.py", RESULTS) == "| `a/bc.py` | 1 | 1 | 0 | 0 | 100.0 % |"


def test_a_module_has_one_line_and_all_else_stays():
    for line in ("| `a/b.py` | 2 | 1 | 1 | 0 | 50.0 % |", "| `z.py` | 1 | 1 | 0 | 0 | 100.0 % |"):
        page = NOTES["noted"](PAGE, line)
        assert NOTES["noted"](page, line) == page
        assert set(page.splitlines()) == {*PAGE.splitlines(), line}
        modules = [row for row in page.splitlines() if row.startswith("| `")]
        assert modules == sorted(modules)
    other = NOTES["noted"](page, "| `z.py` | 1 | 0 | 1 | 0 | 0.0 % |")
    assert other.count("`z.py`") == 1

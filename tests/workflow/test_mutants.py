"""Changes of a module are tried by its tests, and their score is noted in its line of the table."""

import ast
import os
import runpy
import sys

import pytest
from processes import run
from repository import ROOT

NOTES = runpy.run_path(str(ROOT / "envs" / "mutants.py"))
TRIALS = runpy.run_path(str(ROOT / "envs" / "trials.py"))
PAGE = (ROOT / "benchmarks" / "mutants.md").read_text(encoding="utf-8")
RESULTS = """\
    inference_energy.a.b.x_one__mutmut_1: killed
    inference_energy.a.b.xǁClassǁtwo__mutmut_1: timeout
    inference_energy.a.b.x_one__mutmut_2: survived
    inference_energy.a.b.x_one__mutmut_3: no tests
    inference_energy.a.bc.x_one__mutmut_1: killed
"""


def test_a_change_that_does_not_end_is_noticed_and_one_without_a_test_is_not():
    assert NOTES["row"]("a/b.py", "1a", RESULTS) == "| `a/b.py` | 4 | 2 | 1 | 1 | 50.0 % | 1a |"
    assert NOTES["row"]("a/bc.py", "2b", RESULTS) == "| `a/bc.py` | 1 | 1 | 0 | 0 | 100.0 % | 2b |"


def test_a_module_has_one_line_and_all_else_stays():
    for line in ("| `a/b.py` | 2 | 1 | 1 | 0 | 50.0 % |", "| `z.py` | 1 | 1 | 0 | 0 | 100.0 % |"):
        page = NOTES["noted"](PAGE, line)
        assert NOTES["noted"](page, line) == page
        assert set(page.splitlines()) == {*PAGE.splitlines(), line}
        modules = [row for row in page.splitlines() if row.startswith("| `")]
        assert modules == sorted(modules)
    other = NOTES["noted"](page, "| `z.py` | 1 | 0 | 1 | 0 | 0.0 % |")
    assert other.count("`z.py`") == 1


LIBRARY = ROOT / "workflow" / "inference_energy"
ROOMS = [
    *("claims", "comparison", "deployments", "energy", "evidence", "laws", "method", "paper"),
    *("peers", "power", "readers", "stress"),
]
NOT_CHANGED = {
    # draw and lay out
    *("figures", "page", "readme", "ending", "whatif_figure", "whatif_page"),
    # ask servers and meters, and start processes
    *("client", "collect", "power_sources", "probe", "runner", "sampler"),
}


@pytest.fixture(scope="module")
def modules():
    """Modules that `make mutants` changes when none is named."""
    asked = "--eval=told: ; @echo $(MODULES)"
    return run(["make", "-s", asked, "told"], cwd=ROOT, check=True).stdout.split()


def test_every_module_that_computes_is_changed_and_each_line_is_of_one_that_is(modules):
    assert len(modules) == len({*modules})
    assert [name for name in modules if not (LIBRARY / name).is_file()] == []
    own = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")}
    assert own - {*modules} == set()
    computing = {
        path.relative_to(LIBRARY).as_posix()
        for room in ROOMS
        for path in (LIBRARY / room).glob("*.py")
        if path.stem not in {"__init__", *NOT_CHANGED}
    }
    assert computing - {*modules} == set()


def test_every_function_of_a_body_is_changed_whatever_decorates_it(modules):
    """Mutmut changes plain ones, and of those with one decorator methods of a class."""
    left = []
    for name in modules:
        plain, _ = TRIALS["decorated_last"]((LIBRARY / name).read_text(encoding="utf-8"))
        module = ast.parse(plain)
        owners = [module, *(node for node in module.body if isinstance(node, ast.ClassDef))]
        for node in (node for owner in owners for node in owner.body):
            words = set(map(ast.unparse, getattr(node, "decorator_list", [])))
            if isinstance(node, ast.FunctionDef) and "abstractmethod" not in words:
                left += [(name, node.name)] if words - {"classmethod", "staticmethod"} else []
    assert left == []


CHANGED = """\
import os

reached = set()


def double(number):
    reached.add("made_up.x_double")
    change = os.environ["MUTANT_UNDER_TEST"]
    while change == "made_up.x_double__mutmut_3":
        pass
    return number * (3 if change == "made_up.x_double__mutmut_1" else 2)
"""
TESTS = """\
import made_up


def test_of_nothing():
    assert True


def test_double():
    assert made_up.double(2) == 4
"""
TRIED = """\
import sys

import made_up
import trials

trials.SLACK_SECONDS = 0.5
functions = ["double"] * 3 + ["other"]
names = [f"made_up.x_{name}__mutmut_{number}" for number, name in enumerate(functions, 1)]
sys.exit(trials.tried(names, made_up.reached, "results.txt", ["test_made_up.py"]))
"""


@pytest.fixture
def trial(tmp_path):
    """Function that tries changes of a module whose test is given; the run and its results."""
    (tmp_path / "made_up.py").write_text(CHANGED)
    (tmp_path / "run.py").write_text(TRIED)

    def tried(tests):
        (tmp_path / "test_made_up.py").write_text(tests)
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'envs'}{os.pathsep}{tmp_path}"}
        done = run([sys.executable, "run.py"], cwd=tmp_path, env=environment)
        return done, tmp_path / "results.txt"

    return tried


def test_a_change_is_noticed_or_survives_or_does_not_end_or_is_not_reached(trial):
    done, results = trial(TESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert results.read_text().splitlines() == [
        "    made_up.x_double__mutmut_1: killed",
        "    made_up.x_double__mutmut_2: survived",
        "    made_up.x_double__mutmut_3: timeout",
        "    made_up.x_other__mutmut_4: no tests",
    ]


def test_a_run_that_was_stopped_tries_what_it_has_not(trial):
    trial(TESTS)[1].write_text("    made_up.x_double__mutmut_2: as it was\n")
    lines = trial(TESTS)[1].read_text().splitlines()
    assert lines[0] == "    made_up.x_double__mutmut_2: as it was"
    assert [line.split("_")[-1] for line in lines[1:]] == ["1: killed", "3: timeout", "4: no tests"]


def test_nothing_is_noticed_by_tests_that_fail_without_a_change(trial):
    done, results = trial(TESTS.replace("== 4", "== 5"))
    assert done.returncode != 0 and not results.exists()
    assert "test_made_up.py::test_double fails without a change" in done.stdout


def test_a_change_that_every_test_reaches_and_none_notices_survives(trial):
    _, results = trial(TESTS.replace("assert True", "made_up.double(2)"))
    assert "double__mutmut_2: survived" in results.read_text()


WARNING = """\
import warnings

import made_up
import pytest


@pytest.mark.filterwarnings("error")
def test_double():
    if made_up.double(2) != 4:
        warnings.warn("twice is not double")
"""


def test_a_change_that_warns_is_noticed_by_a_test_that_takes_warnings_for_errors(trial):
    assert "double__mutmut_1: killed" in trial(WARNING)[1].read_text()


DECORATED = """\
from functools import cached_property, lru_cache


@lru_cache(maxsize=2)
def one():
    return []


class Two:
    @cached_property
    def three(self):
        return []

    @property
    def four(self):
        return []

    @classmethod
    def five(cls):
        return cls
"""


def test_functions_are_cached_again_when_they_have_been_changed():
    plain, again = TRIALS["decorated_last"](DECORATED)
    assert [line.strip() for line in plain.splitlines() if "@" in line] == ["@classmethod"]
    assert len(plain.splitlines()) == len(DECORATED.splitlines())
    held = {}
    exec(plain + again, held)
    assert held["one"]() is held["one"]()
    two = held["Two"]()
    assert two.three is two.three and two.five() is held["Two"]
    assert two.four == [] and two.four is not two.four

"""Which tests one process runs."""

import pytest
from groups import group_of, place_of


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("workflow/test_run.py::test_nothing_runs_twice", "done"),
        ("workflow/test_run.py::test_every_rule_says_what_it_does", "workflow/test_run.py"),
        ("workflow/test_run.py::test_lint_is_clean", "fresh"),
        # by way of another fixture, of the file and of all
        ("workflow/test_deployments_rule.py::test_a_stress_tests_files_become_a_report", "done"),
        ("workflow/test_run.py::test_a_forced_run_has_these_jobs", "fresh"),
        (
            "workflow/test_profile.py::test_failing_rule_shows_its_sentence_and_its_log[a::b]",
            "workflow/test_profile.py",
        ),
        ("library/laws/test_mixed.py::test_x", "library/laws"),
        ("library/test_text.py::test_x[1]", "library/test_text.py"),
        ("library/paper/test_figures.py::test_x", "drawn"),
        ("test_legibility.py::test_x[figures/oviedo2026/1a]", "drawn"),
        ("test_tree.py::test_x", "test_tree.py"),
    ],
)
def test_tests_that_share_something_are_together(test, group):
    assert group_of(f"tests/{test}") == group


def test_tests_that_take_longest_begin():
    names = ["library/laws/test_mixed.py", "test_tree.py", "workflow/test_profile.py"]
    names += ["workflow/test_run.py::test_lint_is_clean"]
    names += ["workflow/test_run.py::test_nothing_runs_twice"]
    in_order = sorted((f"tests/{name}" for name in names), key=place_of)
    assert in_order == [f"tests/{names[n]}" for n in (4, 3, 2, 0, 1)]

"""What the files of the audit may not say."""

from copy import deepcopy

import pytest
from inference_energy.robustness.files import option_problems, range_problems
from library.robustness.small import BASE, CONFIG, SCHEMAS


def test_the_projects_options_and_ranges_are_right():
    assert option_problems(CONFIG["choices"], BASE, SCHEMAS[1]) == []


def test_an_option_that_is_not_there_is_named_with_the_nearest():
    choices = deepcopy(CONFIG["choices"])
    choices["pue"]["published"] = "codes"
    (problem,) = option_problems(choices, BASE, SCHEMAS[1])
    assert "choices.pue.published: value codes: unknown option" in problem
    assert "did you mean code?" in problem


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.4), (-1, 0.5), (0.5, 2), (0.5, 0.5)])
def test_a_range_outside_what_is_allowed_is_named(low, high):
    (problem,) = range_problems({"x": {"low": low, "high": high, "allowed": [0, 1]}})
    assert problem.startswith("config/sensitivity.yaml: key inputs.x: value low")
    assert range_problems({"x": {"low": 0.4, "high": 0.9, "allowed": [0, 1]}}) == []

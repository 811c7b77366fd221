"""The exception that a user's input causes."""

import pytest
from inference_energy.errors import InputError


@pytest.mark.parametrize(
    ("problems", "listed"),
    [("one", ["one"]), (["one", "two"], ["one", "two"]), (("one", "two"), ["one", "two"])],
)
def test_the_message_lists_every_problem_on_its_line(problems, listed):
    error = InputError(problems)
    assert error.problems == listed
    assert str(error).splitlines() == listed

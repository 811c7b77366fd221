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


@pytest.mark.parametrize(
    "letter",
    [
        *("\x1b", "\0", "\r", "\x07", "\x9b", "\u2028", "\u202e", "\ud800"),
        # that show nothing
        *("\u200b", "\xad", "\u2060", "\ufeff", "\u3164", "\u2800", "\ufe0f", "\U000e0061"),
    ],
)
def test_a_message_shows_what_would_steer_a_terminal_or_that_no_log_can_hold(letter):
    (problem,) = InputError(f"value a{letter}[31m: wrong").problems
    assert problem == f"value a{letter!a}[31m: wrong".replace("'", "")
    assert problem.isascii()


def test_a_message_keeps_its_letters_and_its_lines():
    said = "value Ü\xa0日本:\nwrong"
    assert InputError(said).problems == [said]

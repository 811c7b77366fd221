"""Equations of the library in the words of JavaScript."""

import pytest
from inference_energy import units
from inference_energy.energy.equation import (
    charged_tokens,
    coupled_utilisation,
    node_energy,
    node_seconds,
)
from inference_energy.explorer.translated import TRANSLATED, in_javascript, script
from repository import ROOT

PAGE = ROOT / "docs" / "explorer" / "index.html"


def test_an_equation_comes_with_its_defaults_and_steps():
    assert in_javascript(node_energy) == (
        "const node_energy = (seconds, node_power, power_utilisation = 1.0, boundary = 1.0) => {\n"
        "  const power = drawn_power(node_power, power_utilisation, boundary);\n"
        "  return (seconds * (power * SECONDS_TO_WH_PER_KW));\n"
        "};"
    )


def test_an_argument_that_is_not_given_is_null():
    assert in_javascript(charged_tokens).splitlines()[1:] == [
        "  if (input_tokens_per_output_token === null) { return output_tokens; }",
        "  const charged = (input_tokens / input_tokens_per_output_token);",
        "  return (output_tokens + charged);",
        "};",
    ]


def test_what_a_type_checker_is_told_is_left_out():
    assert "  const seconds = (tokens / throughput);\n  return seconds;" in in_javascript(
        node_seconds
    )


def test_functions_of_numpy_are_those_of_javascript():
    assert "(slope * Math.min((throughput / peak), 1.0))" in in_javascript(coupled_utilisation)


def power(base, exponent):
    """Raise."""
    return base**exponent


def looped(values):
    """Count."""
    for value in values:
        print(value)


def named(value):
    """Call with a name."""
    return power(value, exponent=2)


def empty(value):
    """Return nothing."""
    return


class Named:
    """No function."""


@pytest.mark.parametrize("function", [power, looped, named, empty, Named])
def test_what_has_no_translation_is_refused(function):
    with pytest.raises(ValueError, match="not translated"):
        in_javascript(function)


def test_the_page_has_every_equation_and_unit_once():
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(script()) == 1
    for function in TRANSLATED:
        assert text.count(f"const {function.__name__} = (") == 1
        assert f"library.{function.__name__}(" in text
    assert text.count(repr(units.SECONDS_TO_WH_PER_KW)) == 1

"""No source is shown as if it stated a value that it did not state."""

import pytest
from inference_energy.method.files import merge
from inference_energy.method.provenance import with_true_sources
from inference_energy.method.wording import quantity_text
from repository import METHODS

PAPER = METHODS["oviedo2026"]
BY_PAPER = PAPER["node_power"]["default"]["source"]
MARKED = f"{BY_PAPER} (stated for 10.2 kW)"


def power(value, source=BY_PAPER):
    """The paper's method with another node power."""
    quantity = {"value": value, "unit": "kW", "source": source}
    return merge(PAPER, {"node_power": {"default": quantity}})


def sources_after(method, before):
    """Source of the node power, and the warnings, of a method that was written before."""
    marked, warnings = with_true_sources(method, before, "config/methods/oviedo2026.yaml")
    return marked["node_power"]["default"]["source"], warnings


def test_nothing_is_said_of_what_was_not_changed():
    for method in METHODS.values():
        assert with_true_sources(method, method, "here") == (method, [])


def test_a_source_that_was_left_beside_another_value_says_which_it_states():
    source, (warning,) = sources_after(power(10.14), PAPER)
    assert source == MARKED
    assert warning == (
        "config/methods/oviedo2026.yaml: key node_power.default: value 10.14 kW: its source states"
        " 10.2 kW; say who states the new value, or source: assumption"
    )


@pytest.mark.parametrize(("now", "source"), [(10.14, MARKED), (9.0, MARKED), (10.2, BY_PAPER)])
def test_the_mark_stays_until_the_value_is_the_stated_one_again(now, source):
    """The method as committed says it of 10.14 kW."""
    assert sources_after(power(now), power(10.14, MARKED))[0] == source


@pytest.mark.parametrize("source", ["assumption", "a datasheet"])
def test_a_source_of_its_own_is_shown_as_it_is(source):
    for before in (PAPER, power(10.14, MARKED)):
        assert sources_after(power(10.14, source), before) == (source, [])


def test_a_change_of_one_key_of_a_section_marks_its_source():
    method = merge(PAPER, {"blend": {"models": 2}})
    marked, (warning,) = with_true_sources(method, PAPER, "here")
    assert "(stated for models 3, trim" in marked["blend"]["source"]
    assert "key blend: value models 2, trim" in warning


def test_a_range_is_written_in_the_digits_that_tell_it_from_the_other():
    old, new = ({"distribution": "log-normal", "p5": 1.05, "p95": p} for p in (1.6, 1.601))
    assert (quantity_text(old, new), quantity_text(new, old)) == ("1.05-1.600", "1.05-1.601")
    assert quantity_text(old, {}) == "1.05-1.60"

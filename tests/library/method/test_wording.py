"""Settings in words."""

import pytest
from inference_energy.method.wording import change_text, differing_keys, quantity_text, words

RANGE = {"distribution": "log-normal", "p5": 0.401, "p95": 0.912, "unit": "1", "source": "one"}
FIXED = {"distribution": "fixed", "value": 0.6, "unit": "1", "source": "another"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("pue", "PUE"),
        ("node_power.default", "node power"),
        ("regimes.long.input_tokens", "long input tokens"),
        ("pue + power_utilisation", "PUE + power utilisation"),
    ],
)
def test_a_path_is_said_in_words(path, said):
    assert words(path) == said


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ({}, "none"),
        (FIXED, "0.6"),
        (RANGE, "0.401-0.912"),
        ({"factors": [1.1, 1.2]}, "1.1 x 1.2"),
        ({"kinds": {"vLLM": 1.0}, "unit": "1"}, "vLLM 1"),
        ({"trim": [[0.05, 0.95]], "shares": "equal"}, "trim 0.05 to 0.95, shares equal"),
    ],
)
def test_a_quantity_is_said_in_words(quantity, said):
    assert quantity_text(quantity, {}) == said


def test_a_change_names_the_one_key_that_changed():
    assert differing_keys(RANGE, RANGE | {"source": "two", "unit": "2"}) == []
    assert change_text("power utilisation", RANGE, FIXED) == (
        "power utilisation",
        "0.401-0.912",
        "0.6",
    )
    old, new = {"models": 3, "shares": "equal"}, {"models": 5, "shares": "equal"}
    assert change_text("blend", old, new) == ("blend models", "3", "5")

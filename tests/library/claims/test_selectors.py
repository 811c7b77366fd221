"""Selectors of one number of the results."""

import pandas as pd
import pytest
from inference_energy.claims.selectors import evaluate
from inference_energy.errors import InputError
from library.claims.made_up import results


def test_selectors_and_ratios():
    found = results(published=0.5)
    assert evaluate("energy[subject=a; statistic=p50]", found, "published") == 0.5
    assert evaluate("energy[subject=a; statistic=p50]", found, "exact") == 0.34
    ratio = "estimate[id=iea] / energy[subject=a; statistic=p50]"
    assert evaluate(ratio, found, "published") == pytest.approx(3.4)
    assert evaluate("setting[n.missing]", found, "exact") is None
    assert evaluate(ratio, results(published=0.0), "published") is None


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("energy", "table[key=value; ...]"),
        ("power[subject=a]", "unknown table power; allowed are energy"),
        ("energy[model=a]", "unknown column model; allowed are engine"),
        ("energy[ ]", "table[key=value"),
        ("enregy[subject=a]", "did you mean energy?"),
        ("energy[sbuject=a]", "did you mean subject?"),
    ],
)
def test_a_malformed_selector_is_refused(selector, words):
    with pytest.raises(InputError) as caught:
        evaluate(selector, results(), "exact")
    assert words in str(caught.value)
    assert "correct the selector" in str(caught.value)


def test_a_selector_of_several_lines_is_refused():
    both = results()
    both.tables["energy"] = pd.concat([both.tables["energy"]] * 2)
    with pytest.raises(InputError, match="selects 2 lines"):
        evaluate("energy[subject=a]", both, "exact")

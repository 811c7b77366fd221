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


def test_what_a_method_states_is_found_by_its_path():
    found = results()
    assert evaluate("setting[n.value]", found, "exact") == 15
    assert evaluate("setting[n.value.deeper]", found, "exact") is None
    assert evaluate("estimate[id=none]", found, "exact") is None
    assert evaluate("energy[subject=b]", found, "exact") is None
    for nothing in (None, "", float("nan"), 3):
        assert evaluate(nothing, found, "exact") is None


def test_a_value_may_hold_the_sign_that_parts_it_from_its_column():
    found = results()
    found.published["estimate"]["a=b=c"] = 4.0
    assert evaluate("estimate[id=a=b=c]", found, "exact") == 4


def test_a_ratio_is_of_the_first_to_the_others_in_turn():
    found = results(exact=0.5)
    assert evaluate("setting[n.value] / energy[subject=a]", found, "exact") == 30
    several = "setting[n.value] / energy[subject=a] / estimate[id=iea]"
    assert evaluate(several, found, "exact") == pytest.approx(30 / 1.7)
    assert evaluate("energy[subject=b] / setting[n.value]", found, "exact") is None
    zero = results(exact=0.0)
    assert evaluate("energy[subject=a] / setting[n.value]", zero, "exact") == 0


def test_a_table_without_engines_answers_for_all():
    found = results()
    found.tables["energy"] = found.tables["energy"].drop(columns="engine").iloc[:1]
    assert evaluate("energy[subject=a]", found, "exact") == 0.34
    assert isinstance(evaluate("energy[subject=a]", found, "exact"), float)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (
            "energy[a=b=c",
            "claim quantity 'energy[a=b=c': allowed is table[key=value; ...] or the ratio of two"
            " joined by ' / '; correct the selector",
        ),
        (
            "powers[subject=a]",
            "claim quantity 'powers[subject=a]': unknown table powers; allowed are energy,"
            " estimate, setting; correct the selector",
        ),
        (
            "energy[subject=a; stat=p50]",
            "claim quantity 'energy[subject=a; stat=p50]': unknown column stat; allowed are engine,"
            " subject, statistic, value; correct the selector; did you mean statistic?",
        ),
    ],
)
def test_a_refusal_is_one_sentence_with_the_remedy(selector, message):
    with pytest.raises(InputError) as caught:
        evaluate(selector, results(), "exact")
    assert str(caught.value) == message


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
    with pytest.raises(InputError) as caught:
        evaluate("energy[subject=a]", both, "exact")
    assert str(caught.value) == (
        "claim quantity 'energy[subject=a]': selects 2 lines; allowed is one; name more columns"
    )

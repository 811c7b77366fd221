"""Rounding is no result: it is cut, not ranked, and no ratio is formed over it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.rounding import (
    cut,
    half_step,
    largest_first,
    ranking,
    ratio,
    relative,
    significant,
)
from inference_energy.tables import format_number
from repository import ROOT, result_tables

NOISES = st.floats(-1e-15, 1e-15)


@pytest.mark.parametrize(
    ("value", "scale", "kept"),
    [(1e-13, 1.0, 0.0), (-9e-13, 1.0, 0.0), (1e-11, 1.0, 1e-11), (2e-11, 695.0, 0.0), (0, 0, 0)],
)
def test_what_is_below_its_scale_is_zero(value, scale, kept):
    assert cut(value, scale) == kept


def test_arrays_are_cut_element_by_element_and_missing_stays_missing():
    found = cut(np.array([1e-14, 0.5, np.nan]), 1.0)
    assert found[:2].tolist() == [0.0, 0.5]
    assert np.isnan(found[2])


def test_on_the_scale_of_one_what_reaches_a_millionth_of_a_millionth_stays():
    assert cut(1e-12) == 1e-12
    assert cut(1.5e-12) == 1.5e-12
    assert cut(-0.9e-12) == 0.0
    assert cut([1e-12, 1e-13], -1.0).tolist() == [1e-12, 0.0]
    assert isinstance(cut("0.5"), float)


def test_what_decides_a_rank_are_nine_digits():
    stated = [1.23456789449, -0.00123456789449, 98765432149.9, 1e-300, 0.0, np.inf, -np.inf]
    kept = [1.23456789, -0.00123456789, 98765432100.0, 1e-300, 0.0, np.inf, -np.inf]
    assert ranking(stated) == pytest.approx(kept, rel=1e-13)
    assert np.isnan(ranking(np.nan))
    assert ranking(1.234567896) != ranking(1.234567894)
    assert ranking(1.23456789) != ranking(1.23456790)
    assert isinstance(ranking("2"), float)


def test_a_number_keeps_the_digits_that_are_asked_for():
    kept = significant([10.5644, -0.00345525, 405.0, 0.0], 4)
    assert kept == pytest.approx([10.56, -0.003455, 405.0, 0.0], rel=1e-13)
    assert significant(99999.0, 4) == 100000.0
    assert np.isnan(significant(np.nan, 4))


def test_ties_but_for_rounding_are_in_the_order_of_their_names():
    values = {"b": 1.0, "a": 1.0 + 1e-12, "d": 0.0, "c": 2.0, "e": -3.0}
    assert largest_first(values) == ["c", "a", "b", "d", "e"]


def test_a_change_is_cut_on_the_scale_of_the_larger_number():
    assert relative(2000.0, 2000.0 + 1e-9) == 0.0
    assert relative(1e-6 * (1 + 1e-9), 1e-6) == pytest.approx(1e-9, rel=1e-6)
    assert relative(-1.0, 1.0) == -2.0
    assert np.isnan(ratio(1.0, 1e-12))
    assert ratio(1.0, -2e-12) == -5e11


def test_no_ratio_over_rounding():
    assert ratio(3.0, 2.0) == 1.5
    assert np.isnan(ratio(695.0, 2e-11))
    assert np.isnan(ratio(1.0, 0.0))
    assert relative(0.1 + 0.2, 0.3) == 0.0
    assert relative(1.5, 1.0) == 0.5
    assert np.isnan(relative(1.0, 1e-14))


@given(st.decimals(min_value="1e-5", max_value=10**4, places=7), NOISES)
def test_rounding_does_not_show_in_a_written_number(stated, noise):
    """A number of few digits can end on the edge between two of six digits."""
    value = float(stated)
    assert format_number(value * (1 + noise)) == format_number(value)


@given(st.decimals(min_value="1e-3", max_value=10**4, places=4), NOISES)
def test_rounding_does_not_show_in_a_rank(stated, noise):
    assert ranking(float(stated) * (1 + noise)) == ranking(float(stated))


@pytest.mark.parametrize("path", result_tables(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_committed_result_is_rounding(path):
    """Of all results, the coefficients of the attention come closest to zero, at 1e-10."""
    for line in path.read_text(encoding="utf-8").splitlines():
        for cell in line.split(","):
            try:
                value = float(cell)
            except ValueError:
                continue
            assert value == 0 or not 0 < abs(value) < 1e-10, line
            assert abs(value) < 1e13 or "ratio" not in line, line


def test_half_a_step_is_half_of_the_last_digit():
    assert [half_step(decimals) for decimals in (0, 1, 3)] == [0.5, 0.05, 0.0005]


@given(st.floats(-100, 100), st.integers(0, 6))
def test_what_is_printed_is_off_by_half_a_step_at_most(value, decimals):
    assert abs(float(f"{value:.{decimals}f}") - value) <= half_step(decimals) * (1 + 1e-6)

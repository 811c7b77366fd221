"""Log-normal factors: properties and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.method.distributions import ONE, Z95, LogNormal
from scipy import stats

percentiles = st.tuples(st.floats(1e-3, 1e3), st.floats(1.001, 100)).map(
    lambda pair: (pair[0], pair[0] * pair[1])
)


@given(percentiles, st.floats(1.2, 2.0))
def test_percentiles_come_back(pair, z):
    factor = LogNormal.from_percentiles(*pair, z)
    assert factor.quantile(stats.norm.cdf([-z, z])) == pytest.approx(pair, rel=1e-12)


def test_the_paper_rounds_the_normal_quantile():
    factor = LogNormal.from_percentiles(0.4, 0.9)
    assert factor.sigma == pytest.approx(np.log(0.9 / 0.4) / (2 * 1.645), rel=1e-15)
    assert pytest.approx(stats.norm.ppf(0.95), abs=5e-4) == Z95


@pytest.mark.parametrize("pair", [(0.9, 0.4), (0.5, 0.5), (0, 1), (-1, 1), (np.nan, 1)])
def test_percentiles_out_of_order_are_refused(pair):
    with pytest.raises(ValueError, match="P5 < P95"):
        LogNormal.from_percentiles(*pair)


@given(percentiles, st.integers(-2, 3))
def test_moments_of_a_factor_are_those_of_scipy(pair, order):
    factor = LogNormal.from_percentiles(*pair)
    power = stats.lognorm(s=abs(order) * factor.sigma, scale=np.exp(order * factor.mu))
    expected = power.mean() if order and factor.sigma else np.exp(order * factor.mu)
    assert factor.moment(order) == pytest.approx(expected, rel=1e-9)


@given(percentiles, percentiles, st.sampled_from([-1, 1, 2]))
def test_moments_of_independent_factors_multiply(first, second, order):
    a, b = LogNormal.from_percentiles(*first), LogNormal.from_percentiles(*second)
    assert (a * b).moment(order) == pytest.approx(a.moment(order) * b.moment(order), rel=1e-9)


@given(st.floats(1e-3, 1e3))
def test_a_fixed_factor_has_one_value_and_draws_nothing(value):
    factor, random = LogNormal.fixed(value), np.random.RandomState(1)
    before = random.get_state()[2]
    assert factor.sample(random, 3) == pytest.approx([value] * 3)
    assert random.get_state()[2] == before
    assert factor.quantile([0.1, 0.9]) == pytest.approx([value] * 2)


@given(percentiles)
def test_one_changes_no_factor(pair):
    factor = LogNormal.from_percentiles(*pair)
    assert factor * ONE == factor
    assert ONE * factor == factor


def test_a_factor_is_drawn_as_the_generator_draws_it():
    factor = LogNormal(0.4, 0.3)
    drawn = factor.sample(np.random.RandomState(1), 5)
    assert list(drawn) == list(np.random.RandomState(1).lognormal(0.4, 0.3, 5))


def test_quantiles_are_as_exact_as_floats_are():
    factor, levels = LogNormal(0.4, 0.3), np.float32([0.25, 0.75])
    np.testing.assert_array_equal(factor.quantile(levels), factor.quantile(levels.astype(float)))

"""Log-normal factors and output tokens: properties and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.method.distributions import Z95, LogNormal, OutputTokens
from scipy import stats

TRACE = tuple(np.round(stats.lognorm(s=1.2, scale=200).ppf(np.linspace(0, 0.999, 400))))
FAMILIES = {
    "exponential": ("exponential", (300.0,)),
    "exponential, long": ("exponential", (5000.0,)),
    "exponential, short": ("exponential", (0.3,)),
    "log-normal": ("log-normal", (300.0, 1.0)),
    "log-normal, wide": ("log-normal", (5000.0, 2.0)),
    "gamma": ("gamma", (300.0, 0.4)),
    "gamma, narrow": ("gamma", (5000.0, 30.0)),
    "empirical": ("empirical", TRACE),
}


@pytest.fixture(scope="module", params=FAMILIES)
def tokens(request):
    return OutputTokens(*FAMILIES[request.param])


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


def test_weights_sum_to_one_and_lengths_rise_from_zero(tokens):
    lengths, weights = tokens.support
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert (weights >= 0).all()
    assert lengths[0] == 0
    assert (np.diff(lengths) > 0).all()


def test_probability_of_a_length_is_that_of_the_lengths_rounded_to_it(tokens):
    lengths, weights = tokens.support
    for place in (1, 5, len(lengths) // 50):
        k = lengths[place]
        assert weights[place] == pytest.approx(
            tokens.cdf(k + 0.5) - tokens.cdf(k - 0.5), rel=1e-7, abs=1e-13
        )


@pytest.mark.parametrize("median", [0.5, 20.0, 300.0, 5000.0])
def test_rounded_exponential_has_its_closed_form(median):
    # P(L >= k) = exp(-r (k - 1/2)) for k >= 1, so that with q = exp(-r) and s = exp(-r/2)
    # E L = s / (1 - q) and E L^2 = s (1 + q) / (1 - q)^2
    rate = np.log(2) / median
    q, s = np.exp(-rate), np.exp(-rate / 2)
    mean = s / -np.expm1(-rate)
    square = s * (1 + q) / np.expm1(-rate) ** 2
    expected = (mean, np.sqrt(square - mean**2))
    assert OutputTokens("exponential", (median,)).mean_and_std() == pytest.approx(
        expected, rel=1e-9
    )


@pytest.mark.parametrize("name", ["exponential", "log-normal", "gamma", "gamma, narrow"])
def test_median_is_the_stated_one(name):
    family, parameters = FAMILIES[name]
    # the median of whole numbers is within half a token of the continuous one
    assert abs(OutputTokens(family, parameters).quantile(0.5) - parameters[0]) <= 0.5


def test_quantiles_invert_the_distribution_function(tokens):
    lengths, weights = tokens.support
    cumulative = np.cumsum(weights)
    for level in (1e-6, 0.05, 0.5, 0.95, 1 - 1e-9, 1.0):
        place = np.searchsorted(lengths, tokens.quantile(level))
        assert cumulative[place] >= level - 1e-12
        assert place == 0 or cumulative[place - 1] < level


def test_trace_quantiles_come_back():
    tokens = OutputTokens("empirical", TRACE)
    levels = np.linspace(0, 1, len(TRACE))[1:-1]
    assert np.abs(tokens.quantile(levels) - TRACE[1:-1]).max() <= 1


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.log1p(x),
        lambda x: np.sqrt(x),
        lambda x: x**1.3 / (1 + x / 5e3) ** 2,
        lambda x: stats.norm.cdf((np.log(np.maximum(x, 1e-6)) - np.log(400)) / 0.28),
    ],
)
def test_nodes_integrate_smooth_functions_as_the_support_does(tokens, function):
    lengths, weights = tokens.support
    nodes, node_weights = tokens.nodes()
    assert len(nodes) < max(1500, len(lengths) / 10)
    full = weights @ function(lengths)
    assert node_weights @ function(nodes) == pytest.approx(full, rel=1e-10)


@pytest.mark.parametrize("kink", [0.2, 17.3, 400.5, 4000.0, 1e12])
def test_nodes_integrate_across_a_kink_that_they_are_told(tokens, kink):
    lengths, weights = tokens.support
    nodes, node_weights = tokens.nodes((kink, np.inf))
    full = weights @ np.minimum(lengths, kink)
    assert node_weights @ np.minimum(nodes, kink) == pytest.approx(full, rel=1e-10)


def test_samples_follow_the_distribution(tokens):
    sample = tokens.sample(np.random.RandomState(7), 20_000)
    assert (sample == np.round(sample)).all()
    lengths, weights = tokens.support
    cumulative = np.cumsum(weights)
    for level in (0.1, 0.5, 0.9):
        length = tokens.quantile(level)
        share = cumulative[np.searchsorted(lengths, length, side="right") - 1]
        # a count is binomial: four standard errors
        error = 4 * np.sqrt(share * (1 - share) / len(sample))
        assert np.mean(sample <= length) == pytest.approx(share, abs=error)


def test_exponential_consumes_the_generator_as_the_released_code_does():
    ours, theirs = np.random.RandomState(42), np.random.RandomState(42)
    sample = OutputTokens("exponential", (300.0,)).sample(ours, 1000)
    assert (sample == np.round(theirs.exponential(300 / np.log(2), 1000))).all()
    assert ours.random_sample() == theirs.random_sample()

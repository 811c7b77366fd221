"""Families of output tokens: every one answers alike, each has its closed form."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.errors import InputError
from inference_energy.method import lengths as method_lengths
from inference_energy.method.build import output_tokens
from inference_energy.method.lengths import (
    FAMILIES,
    EmpiricalLengths,
    ExponentialLengths,
    FixedLength,
    GammaLengths,
    LogNormalLengths,
    RoundedLengths,
)
from scipy import stats

ROOT = Path(__file__).parents[3]
TRACE = tuple(np.round(stats.lognorm(s=1.2, scale=200).ppf(np.linspace(0, 0.999, 400))))
LENGTHS = {
    "exponential": ExponentialLengths(300.0),
    "exponential, long": ExponentialLengths(5000.0),
    "exponential, short": ExponentialLengths(0.3),
    "log-normal": LogNormalLengths(300.0, 1.0),
    "log-normal, wide": LogNormalLengths(5000.0, 2.0),
    "gamma": GammaLengths(300.0, 0.4),
    "gamma, narrow": GammaLengths(5000.0, 30.0),
    "empirical": EmpiricalLengths(TRACE),
}


@pytest.fixture(scope="module", params=LENGTHS)
def tokens(request):
    return LENGTHS[request.param]


def test_every_family_of_the_registry_is_allowed_in_a_method_file_and_tested_here():
    schema = yaml.safe_load((ROOT / "workflow/schemas/method.schema.yaml").read_text("utf-8"))
    allowed = schema["$defs"]["output_tokens"]["properties"]["distribution"]["enum"]
    assert sorted(FAMILIES) == sorted(allowed)
    assert set(FAMILIES.values()) == {type(tokens) for tokens in LENGTHS.values()}


@pytest.mark.parametrize(
    ("quantity", "built"),
    [
        ({"distribution": "exponential", "median": 300}, ExponentialLengths(300)),
        (
            {"distribution": "log-normal", "median": 300, "sigma": 1.5, "minimum": 2},
            LogNormalLengths(300, 1.5, minimum=2),
        ),
        ({"distribution": "gamma", "median": 300, "shape": 2}, GammaLengths(300, 2)),
        ({"distribution": "empirical", "trace": "ours"}, EmpiricalLengths((1.0, 2.0, 5.0))),
        (
            {"distribution": "empirical", "trace": "ours", "median": 20, "minimum": 1},
            EmpiricalLengths((10.0, 20.0, 50.0), minimum=1),
        ),
    ],
)
def test_a_section_of_the_method_file_is_built_as_its_family(quantity, built):
    stated = quantity | {"unit": "tokens", "source": "meter"}
    assert output_tokens(stated, {"ours": np.array([1, 2, 5])}) == built


@pytest.mark.parametrize(("traces", "allowed"), [({}, "none"), ({"theirs": [1, 2]}, "theirs")])
def test_an_unknown_trace_is_refused_with_those_that_are_known(traces, allowed):
    with pytest.raises(InputError, match=f"value ours: unknown trace; allowed are {allowed}"):
        output_tokens({"distribution": "empirical", "trace": "ours"}, traces)


def test_a_new_family_is_a_class_and_a_line_of_the_registry(monkeypatch):
    @dataclass(frozen=True)
    class Uniform(RoundedLengths):
        low: float
        high: float

        def cdf(self, length):
            return np.clip((np.asarray(length) - self.low) / (self.high - self.low), 0, 1)

        def survival(self, length):
            return 1 - self.cdf(length)

        def exceeded_by(self, share):
            return self.high - np.asarray(share) * (self.high - self.low)

        def scaled(self, factor):
            return replace(self, low=factor * self.low, high=factor * self.high)

    monkeypatch.setitem(method_lengths.FAMILIES, "uniform", Uniform)
    tokens = output_tokens({"distribution": "uniform", "low": 10.5, "high": 20.5}, {})
    lengths, weights = tokens.support
    assert list(lengths[weights > 1e-9]) == list(range(11, 21))
    assert weights[weights > 1e-9] == pytest.approx(0.1)
    assert tokens.mean_and_std() == pytest.approx((15.5, np.sqrt(99 / 12)))
    assert tokens.with_median(31).median_length() == pytest.approx(31)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_scaled_lengths_are_so_many_times_as_long(tokens, factor):
    longer, levels = tokens.scaled(factor), np.array([0.1, 0.5, 0.9])
    assert longer.exceeded_by(levels) == pytest.approx(factor * tokens.exceeded_by(levels))
    assert longer.median_length() == pytest.approx(factor * tokens.median_length())
    assert replace(tokens, minimum=10).scaled(factor).minimum == 10 * factor


def test_another_median_keeps_the_shape_and_the_minimum(tokens):
    moved = replace(tokens, minimum=3).with_median(700)
    assert moved.median_length() == pytest.approx(700)
    assert moved.minimum == 3
    ratio = moved.exceeded_by(0.1) / moved.exceeded_by(0.6)
    assert ratio == pytest.approx(tokens.exceeded_by(0.1) / tokens.exceeded_by(0.6), rel=1e-6)


@given(st.floats(1e-6, 1 - 1e-6))
def test_survival_completes_the_distribution_function_and_is_inverted(share):
    # equal quantiles of a trace have no inverse
    distinct = EmpiricalLengths(tuple(np.linspace(1, 1000, 51)))
    for tokens in (*(LENGTHS[name] for name in LENGTHS if name != "empirical"), distinct):
        length = tokens.exceeded_by(share)
        assert tokens.survival(length) == pytest.approx(share, abs=1e-9)
        assert tokens.cdf(length) + tokens.survival(length) == pytest.approx(1, abs=1e-12)


def test_a_fixed_length_has_no_spread_and_draws_nothing():
    tokens, random = FixedLength(300), np.random.RandomState(1)
    before = random.get_state()[2]
    assert list(tokens.sample(random, 3)) == [300.0] * 3
    assert random.get_state()[2] == before
    assert tokens.nodes((7.0,), 0.1) == tokens.support
    assert tokens.mean_and_std() == (300.0, 0.0)
    assert tokens.quantile([0.01, 0.99]) == pytest.approx([300.0] * 2)
    assert tokens.scaled(2).median_length() == tokens.with_median(600).median_length() == 600


@pytest.mark.parametrize("minimum", [1, 5])
def test_shorter_queries_than_the_minimum_do_not_occur(tokens, minimum):
    at_least = replace(tokens, minimum=minimum)
    lengths, weights = at_least.support
    assert lengths[0] >= minimum
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert (at_least.sample(np.random.RandomState(3), 200) >= minimum).all()


@pytest.mark.parametrize("median", [0.5, 20.0, 300.0, 5000.0])
def test_rounded_exponential_has_its_closed_form(median):
    # P(L >= k) = exp(-r (k - 1/2)) for k >= 1, so that with q = exp(-r) and s = exp(-r/2)
    # E L = s / (1 - q) and E L^2 = s (1 + q) / (1 - q)^2
    rate = np.log(2) / median
    q, s = np.exp(-rate), np.exp(-rate / 2)
    mean = s / -np.expm1(-rate)
    square = s * (1 + q) / np.expm1(-rate) ** 2
    expected = (mean, np.sqrt(square - mean**2))
    assert ExponentialLengths(median).mean_and_std() == pytest.approx(expected, rel=1e-9)


def test_median_of_whole_numbers_is_within_half_a_token_of_the_continuous_one(tokens):
    assert abs(tokens.quantile(0.5) - tokens.median_length()) <= 0.5


def test_quantiles_invert_the_distribution_function(tokens):
    lengths, weights = tokens.support
    cumulative = np.cumsum(weights)
    for level in (1e-6, 0.05, 0.5, 0.95, 1 - 1e-9, 1.0):
        place = np.searchsorted(lengths, tokens.quantile(level))
        assert cumulative[place] >= level - 1e-12
        assert place == 0 or cumulative[place - 1] < level


def test_trace_quantiles_come_back():
    tokens = EmpiricalLengths(TRACE)
    levels = np.linspace(0, 1, len(TRACE))[1:-1]
    assert np.abs(tokens.quantile(levels) - TRACE[1:-1]).max() <= 1


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
    sample = ExponentialLengths(300.0).sample(ours, 1000)
    assert (sample == np.round(theirs.exponential(300 / np.log(2), 1000))).all()
    assert ours.random_sample() == theirs.random_sample()


@pytest.mark.parametrize("every", [ExponentialLengths(3.0), GammaLengths(3.0, 2.0)])
def test_without_short_queries_the_others_keep_their_proportions(every):
    some = replace(every, minimum=2)
    lengths, weights = every.support
    kept = lengths >= 2
    np.testing.assert_array_equal(some.support[0], lengths[kept])
    np.testing.assert_allclose(some.support[1], weights[kept] / weights[kept].sum(), rtol=1e-12)
    sample = some.sample(np.random.RandomState(1), 1000)
    assert sample.min() == 2
    nodes, node_weights = some.nodes()
    assert node_weights @ nodes == pytest.approx(some.support[1] @ some.support[0], rel=1e-9)


@pytest.mark.parametrize("minimum", [1, 100, 300, 299])
def test_where_most_lengths_reach_the_minimum_the_released_codes_draws_stay(minimum):
    lengths = ExponentialLengths(300.0, minimum=minimum)
    generator = np.random.RandomState(42)
    expected = np.round(generator.exponential(300 / np.log(2), 2000))
    while (short := expected < minimum).any():
        expected[short] = np.round(generator.exponential(300 / np.log(2), int(short.sum())))
    same = lengths.survival(minimum - 0.5) >= 0.5
    drawn = lengths.sample(np.random.RandomState(42), 2000)
    assert np.array_equal(drawn, expected) is bool(same)


@pytest.mark.parametrize("minimum", [301, 4500, 5900])
@pytest.mark.parametrize(
    "family",
    [ExponentialLengths(300.0), LogNormalLengths(300.0, 1.0), GammaLengths(300.0, 0.4)],
)
def test_lengths_that_few_queries_have_are_drawn_directly_and_as_the_exact_engine_has_them(
    family, minimum
):
    lengths = replace(family, minimum=minimum)
    drawn = lengths.sample(np.random.RandomState(1), 200_000)
    assert drawn.min() >= minimum
    mean, std = lengths.mean_and_std()
    assert drawn.mean() == pytest.approx(mean, abs=5 * std / np.sqrt(len(drawn)))
    for level in (0.05, 0.5, 0.95):
        share = (drawn <= lengths.quantile(level)).mean()
        assert share == pytest.approx(level, abs=0.01)


def test_a_truncated_exponential_has_its_closed_form():
    mean, _ = ExponentialLengths(300.0, minimum=4500).mean_and_std()
    # without memory: what is beyond the minimum is a rounded exponential again
    assert mean == pytest.approx(4500 + 1 / np.expm1(np.log(2) / 300), rel=1e-8)


def test_a_minimum_that_no_query_of_a_trace_has_is_refused():
    quantity = {"distribution": "empirical", "trace": "ours", "minimum": 6}
    with pytest.raises(InputError, match="no query of the trace ours is so long"):
        output_tokens(quantity, {"ours": (1.0, 2.0, 5.0)})

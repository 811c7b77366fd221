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
    LogTLengths,
    ParetoLengths,
    RoundedLengths,
    UniformLengths,
)
from scipy import optimize, stats

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
    "uniform": UniformLengths(20.0, 580.5),
    "uniform, narrow": UniformLengths(4990.2, 5009.8),
    "pareto": ParetoLengths(300.0, 128_000.0, 1.2),
    "pareto, heavy": ParetoLengths(5000.0, 1e7, 0.5),
    "pareto, cut": ParetoLengths(300.0, 330.0, 5.0),
    "log-t": LogTLengths(300.0, 128_000.0, 0.9, 5.0),
    "log-t, heavy": LogTLengths(5000.0, 1e7, 1.5, 3.0),
    "log-t, cut": LogTLengths(300.0, 700.0, 0.8, 5.0),
    "empirical": EmpiricalLengths(TRACE),
}


def of_scipy(tokens):
    """Distribution function and quantiles before rounding, as scipy has them."""
    match tokens:
        case ExponentialLengths():
            ours = stats.expon(scale=tokens.median / np.log(2))
        case LogNormalLengths():
            ours = stats.lognorm(s=tokens.sigma, scale=tokens.median)
        case GammaLengths():
            ours = stats.gamma(
                tokens.shape, scale=tokens.median / stats.gamma(tokens.shape).median()
            )
        case UniformLengths():
            ours = stats.uniform(tokens.shortest, tokens.maximum - tokens.shortest)
        case ParetoLengths():
            shortest = optimize.brentq(
                lambda x: _pareto(tokens, x).median() - tokens.median,
                tokens.median / 2 ** (1 / tokens.exponent),
                tokens.median,
            )
            ours = _pareto(tokens, shortest)
        case LogTLengths():
            return _log_t(tokens)
    return ours.cdf, ours.ppf


def _pareto(tokens, shortest):
    return stats.truncpareto(tokens.exponent, tokens.maximum / shortest, scale=shortest)


def _log_t(tokens):
    top, middle = np.log([tokens.maximum, tokens.median])

    def around(location):
        return stats.t(tokens.degrees_of_freedom, location, tokens.sigma)

    location = optimize.brentq(
        lambda x: around(x).cdf(middle) / around(x).cdf(top) - 0.5, middle, top
    )
    kept = around(location).cdf(top)
    return (
        lambda length: around(location).cdf(np.log(length)) / kept,
        lambda level: np.exp(around(location).ppf(level * kept)),
    )


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
        ({"distribution": "uniform", "shortest": 100, "maximum": 500}, UniformLengths(100, 500)),
        (
            {"distribution": "pareto", "median": 300, "exponent": 2, "maximum": 8192},
            ParetoLengths(300, 8192, 2),
        ),
        (
            {
                "distribution": "log-t",
                "median": 300,
                "sigma": 1,
                "degrees_of_freedom": 3,
                "maximum": 8192,
                "minimum": 1,
            },
            LogTLengths(300, 8192, 1, 3, minimum=1),
        ),
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


@pytest.mark.parametrize(
    ("traces", "allowed"),
    [
        ({}, "none, as no trace table was given; correct the name$"),
        ({"theirs": [1, 2], "our": [1, 2]}, r"our, theirs; correct the name; did you mean our\?"),
    ],
)
def test_an_unknown_trace_is_refused_with_those_that_are_known(traces, allowed):
    with pytest.raises(InputError, match=f"value ours: unknown trace; allowed are {allowed}"):
        output_tokens({"distribution": "empirical", "trace": "ours"}, traces)


def test_a_new_family_is_a_class_and_a_line_of_the_registry(monkeypatch):
    @dataclass(frozen=True)
    class Weibull(RoundedLengths):
        scale: float
        power: float

        def cdf(self, length):
            return 1 - self.survival(length)

        def survival(self, length):
            return np.exp(-((np.maximum(length, 0) / self.scale) ** self.power))

        def exceeded_by(self, share):
            return self.scale * (-np.log(share)) ** (1 / self.power)

        def scaled(self, factor):
            return replace(self, scale=factor * self.scale)

    monkeypatch.setitem(method_lengths.FAMILIES, "weibull", Weibull)
    tokens = output_tokens({"distribution": "weibull", "scale": 20 / np.log(2), "power": 1}, {})
    lengths, weights = tokens.support
    exponential_lengths, exponential_weights = ExponentialLengths(20.0).support
    assert list(lengths) == list(exponential_lengths)
    assert weights == pytest.approx(exponential_weights, abs=1e-15)
    assert tokens.with_median(31).median_length() == pytest.approx(31)


@pytest.mark.parametrize("name", [name for name in LENGTHS if name != "empirical"])
def test_lengths_before_rounding_are_scipys(name):
    tokens = LENGTHS[name]
    cdf, quantile = of_scipy(tokens)
    levels = np.array([1e-6, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1 - 1e-6])
    assert quantile(0.5) == pytest.approx(tokens.median_length(), rel=1e-9)
    assert tokens.exceeded_by(1 - levels) == pytest.approx(quantile(levels), rel=1e-7)
    assert tokens.cdf(quantile(levels)) == pytest.approx(levels, abs=1e-9)
    lengths = tokens.median_length() * np.array([0.5, 0.99, 1.0, 1.01, 2.0])
    assert tokens.cdf(lengths) == pytest.approx(cdf(lengths), abs=1e-9)


@pytest.mark.parametrize(
    "tokens", [tokens for tokens in LENGTHS.values() if hasattr(tokens, "maximum")]
)
def test_no_query_is_longer_than_the_maximum_and_none_is_put_there(tokens):
    assert tokens.survival(tokens.maximum) == tokens.survival(2 * tokens.maximum) == 0
    assert tokens.cdf(2 * tokens.maximum) == pytest.approx(1, abs=1e-12)
    assert tokens.cdf(tokens.maximum) == pytest.approx(1, abs=1e-12)
    assert tokens.exceeded_by(0.0) == pytest.approx(tokens.maximum, rel=1e-12)
    lengths, weights = tokens.support
    assert lengths[weights > 0].max() <= np.round(tokens.maximum) * (1 + 1e-5)
    assert tokens.sample(np.random.RandomState(5), 2000).max() <= np.round(tokens.maximum)
    step = tokens.survival(tokens.maximum * (1 - 1e-9))
    assert step < 1e-5


def test_whole_numbers_between_whole_ends_of_a_uniform_are_equally_frequent():
    lengths, weights = UniformLengths(10.0, 20.0).support
    assert list(lengths[weights > 0]) == list(range(10, 21))
    assert weights[weights > 0] == pytest.approx([0.05, *[0.1] * 9, 0.05])


def test_a_log_t_of_many_degrees_of_freedom_is_a_log_normal():
    log_t, log_normal = LogTLengths(300.0, 1e7, 0.8, 1e6), LogNormalLengths(300.0, 0.8)
    levels = np.array([0.01, 0.3, 0.5, 0.9, 0.99])
    assert log_t.exceeded_by(levels) == pytest.approx(log_normal.exceeded_by(levels), rel=1e-4)


def test_the_mean_of_a_pareto_has_its_closed_form():
    median, maximum, exponent = 5000.0, 100_000.0, 1.5
    cut = (maximum / median) ** -exponent
    shortest = median * (2 - cut) ** (-1 / exponent)
    # integral of L dF over its truncated density
    mean = (exponent / (exponent - 1)) * shortest
    mean *= 1 - (shortest / maximum) ** (exponent - 1)
    mean /= 1 - (shortest / maximum) ** exponent
    tokens = ParetoLengths(median, maximum, exponent)
    assert tokens.mean_and_std()[0] == pytest.approx(mean, rel=1e-7)


@given(st.floats(1, 1e5), st.floats(0.001, 5), st.floats(1, 1000), st.floats(1.0, 1e3))
def test_every_log_t_that_is_no_problem_has_its_median(median, sigma, degrees, reach):
    tokens = LogTLengths(median, median * reach, sigma, degrees)
    if not list(tokens.problems()):
        assert tokens.cdf(median) == pytest.approx(0.5, abs=1e-9)
        for factor in (0.1, 1.7):
            moved = tokens.scaled(factor)
            assert moved.cdf(factor * median) == pytest.approx(0.5, abs=1e-9)


@given(st.floats(1, 1e5), st.floats(0.2, 20), st.floats(1e-3, 1e4))
def test_every_pareto_has_its_median(median, exponent, above):
    tokens = ParetoLengths(median, median * (1 + above), exponent)
    assert tokens.cdf(median) == pytest.approx(0.5, abs=1e-9)
    assert tokens.cdf(tokens.exceeded_by(1.0)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_scaled_lengths_are_so_many_times_as_long(tokens, factor):
    longer, levels = tokens.scaled(factor), np.array([0.1, 0.5, 0.9])
    assert longer.exceeded_by(levels) == pytest.approx(factor * tokens.exceeded_by(levels))
    assert longer.median_length() == pytest.approx(factor * tokens.median_length())
    # lengths from 9.5 on are rounded to the minimum
    assert replace(tokens, minimum=10).scaled(factor).minimum == int(9.5 * factor + 0.5)


@pytest.mark.parametrize("factor", [0.1, 1.0, 2.5, 15.0])
def test_scaled_lengths_are_those_of_the_same_queries(tokens, factor):
    """Those that reach the minimum, rounded, before: none is lost by rounding it once more."""
    least = replace(tokens, minimum=2)
    scaled = least.scaled(factor)
    assert scaled.minimum - 0.5 <= factor * 1.5 < scaled.minimum + 0.5
    assert scaled.survival(scaled.minimum - 0.5) >= least.survival(1.5) - 1e-12
    rare = UniformLengths(0.0, 50_000.7, minimum=50_001).scaled(factor)
    lengths, weights = rare.support
    assert weights.sum() == pytest.approx(1)
    assert lengths[0] >= rare.minimum


def test_another_median_keeps_the_shape_and_the_minimum(tokens):
    moved = replace(tokens, minimum=3).with_median(700)
    assert moved.median_length() == pytest.approx(700)
    assert moved.minimum == 3
    ratio = moved.exceeded_by(0.1) / moved.exceeded_by(0.6)
    assert ratio == pytest.approx(tokens.exceeded_by(0.1) / tokens.exceeded_by(0.6), rel=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_half_of_the_queries_that_occur_are_longer_than_their_median(tokens, share):
    least = replace(tokens, minimum=int(tokens.exceeded_by(share)))
    occurring = float(least.survival(least.minimum - 0.5))
    assert least.survival(least.median_occurring()) == pytest.approx(occurring / 2, rel=1e-6)
    assert tokens.median_occurring() == pytest.approx(tokens.median_length())


def test_the_median_is_the_stated_one_to_the_last_digit_where_all_queries_occur():
    tokens = GammaLengths(300.0, 0.4)
    assert tokens.reach == 1 and tokens.exceeded_by(0.5) != 300
    assert tokens.median_occurring() == 300


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


def test_queries_beyond_the_context_are_a_share_of_those_that_reach_the_minimum():
    for minimum in (0, 5_000_000, 9_999_999):
        beyond = ExponentialLengths(1e6, minimum=minimum).beyond_context
        assert beyond == pytest.approx(2 ** -((1e7 - max(minimum - 0.5, 0)) / 1e6))
    assert ExponentialLengths(1e6, minimum=20_000_000).beyond_context == 1
    assert ExponentialLengths(1.0, minimum=20_000_000).beyond_context == 0


def test_of_one_length_all_queries_or_none_are_longer():
    assert FixedLength(100.0).median_occurring() == 100
    assert [FixedLength(100.0).share_above(length) for length in (99, 100)] == [1, 0]


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
    [
        ExponentialLengths(300.0),
        LogNormalLengths(300.0, 1.0),
        GammaLengths(300.0, 0.4),
        UniformLengths(0.0, 6000.0),
        ParetoLengths(300.0, 32_768.0, 1.2),
        LogTLengths(300.0, 32_768.0, 1.0, 3.0),
    ],
)
def test_lengths_that_few_queries_have_are_drawn_directly_and_as_the_exact_engine_has_them(
    family, minimum
):
    lengths = replace(family, minimum=minimum)
    drawn = lengths.sample(np.random.RandomState(1), 200_000)
    assert drawn.min() >= minimum
    mean, std = lengths.mean_and_std()
    assert drawn.mean() == pytest.approx(mean, abs=5 * std / np.sqrt(len(drawn)))
    every, weights = lengths.support
    for level in (0.05, 0.5, 0.95):
        length = lengths.quantile(level)
        share = weights[every <= length].sum()
        assert share >= level - 1e-9
        assert (drawn <= length).mean() == pytest.approx(share, abs=0.005)


def test_a_truncated_exponential_has_its_closed_form():
    mean, _ = ExponentialLengths(300.0, minimum=4500).mean_and_std()
    # without memory: what is beyond the minimum is a rounded exponential again
    assert mean == pytest.approx(4500 + 1 / np.expm1(np.log(2) / 300), rel=1e-8)


@pytest.mark.parametrize("median", [9e6, 1e7])
def test_a_trace_that_is_scaled_beyond_any_context_is_refused(median):
    quantity = {"distribution": "empirical", "trace": "ours", "median": median}
    with pytest.raises(InputError, match=r"output_tokens\.median: value .* longer than 1e\+07"):
        output_tokens(quantity, {"ours": (1.0, 2.0, 5.0)})
    quantity["median"] = 300
    assert output_tokens(quantity, {"ours": (1.0, 2.0, 5.0)}).median_length() == 300


def test_a_minimum_that_no_query_of_a_trace_has_is_refused():
    quantity = {"distribution": "empirical", "trace": "ours", "minimum": 6}
    with pytest.raises(InputError) as refused:
        output_tokens(quantity, {"ours": (1.0, 2.0, 5.0)})
    assert str(refused.value) == (
        "key output_tokens.minimum: value 6: no query of the trace ours is so long; allowed is at"
        " most 5; lower it"
    )
    # five tokens and a half are rounded to it
    assert output_tokens(quantity, {"ours": (1.0, 2.0, 5.6)}).minimum == 6


@pytest.mark.parametrize("name", [name for name in LENGTHS if "exponential" not in name])
def test_lengths_are_as_exact_as_floats_are(name):
    tokens, shares = LENGTHS[name], np.float32([0.25, 0.6])
    exact = tokens.exceeded_by(shares.astype(float))
    np.testing.assert_array_equal(tokens.exceeded_by(shares), exact)
    if isinstance(tokens, UniformLengths | EmpiricalLengths):
        lengths = exact.astype(np.float32)
        for answer in (tokens.cdf, tokens.survival):
            np.testing.assert_array_equal(answer(lengths), answer(lengths.astype(float)))


def test_no_query_is_shorter_than_nothing(tokens):
    with np.errstate(divide="raise", invalid="raise"):
        for length in (0.0, -1.0) if tokens.cdf(0.0) == 0 else (-1.0,):
            assert tokens.cdf(length) == 0
            assert tokens.survival(length) == pytest.approx(1, abs=1e-15)


def test_a_median_that_is_stated_is_kept_to_the_last_digit():
    for tokens in LENGTHS.values():
        if hasattr(tokens, "median"):
            assert all(tokens.with_median(m).median == m for m in range(1, 300))


def test_kinks_of_a_law_split_the_quadrature_where_they_are_finite():
    tokens = ExponentialLengths(300.0)
    split, weights = tokens.nodes((np.inf, 700.0))
    assert list(split) == list(tokens.nodes((700.0,))[0])
    assert len(split) != len(tokens.nodes()[0]) or list(split) != list(tokens.nodes()[0])
    assert weights.sum() == pytest.approx(1)


LEAST_LOG_T = 300 * np.exp(0.5 * stats.t(3).ppf(0.8))


@pytest.mark.parametrize(
    ("tokens", "problem"),
    [
        (
            UniformLengths(5, 5),
            "5: allowed is above shortest, which is 5; raise it or lower shortest",
        ),
        (
            UniformLengths(0.5, 1),
            "1: allowed is at least 1.5, for a median of at least one token; raise it",
        ),
        (UniformLengths(0.5, 1.5), None),
        (
            ParetoLengths(300, 300, 1.2),
            "300: allowed is above the median, which is 300; raise it or lower the median",
        ),
        (
            # as near as floats are, so that all lengths would be one, or none a number
            ParetoLengths(300, np.nextafter(300.0, 301.0), 0.2),
            "300: allowed is above the median, which is 300; raise it or lower the median",
        ),
        (
            ParetoLengths(300, 300 * (1 + method_lengths.NEAREST), 0.2),
            "300: allowed is above the median, which is 300; raise it or lower the median",
        ),
        (ParetoLengths(300, 300.01, 0.2), None),
        (ParetoLengths(300, 301, 1.2), None),
        (
            LogTLengths(300, LEAST_LOG_T - 1, 0.5, 3),
            f"{LEAST_LOG_T - 1:g}: allowed is at least {np.ceil(LEAST_LOG_T):g}, which a share of"
            " 0.2 of the queries of this median would exceed without it; raise it, or lower the"
            " median or sigma",
        ),
        (LogTLengths(300, LEAST_LOG_T + 1, 0.5, 3), None),
    ],
)
def test_what_a_maximum_cannot_be_is_told_in_full(tokens, problem):
    assert list(tokens.problems()) == ([f"maximum: value {problem}"] if problem else [])

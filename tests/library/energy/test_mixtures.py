"""Mixtures, trimmed blends and multipliers against closed forms, sampling and integration."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.energy import mixtures as module
from inference_energy.energy.mixtures import (
    CERTAIN,
    DENSITY_PANELS,
    LEGENDRE_NODES,
    MANY,
    ROOT_TOLERANCE,
    SHARP_BELOW,
    TAIL,
    Around,
    DividedBlend,
    Energy,
    Mixture,
    TrimmedBlend,
    bivariate_normal,
)
from inference_energy.method.distributions import LogNormal
from library.energy.mixtures import HALVES, mixtures, single
from scipy import integrate, stats
from scipy.special import ndtr

LEVELS = (1e-4, 0.05, 0.25, 0.5, 0.75, 0.95, 0.9999)


@given(mixtures(), st.floats(0.21, 0.9999))
def test_quantile_inverts_the_distribution_function(mixture, level):
    energy = mixture.quantile(level)
    density = mixture.log_density(np.log([energy]))[0]
    # an error of 1e-9 in E moves the level by 1e-9 times the density of ln E
    assert abs(mixture.cdf(energy) - level) <= 1e-9 * density + 1e-15


def test_a_search_ends_where_its_steps_are_too_small_to_tell(monkeypatch):
    # lengths such as the paper's; a search that misses its end goes on by halves, forty times
    lengths = np.geomspace(1, 5000, 200)
    calls, known = [], Mixture._around
    monkeypatch.setattr(Mixture, "_around", lambda self, u: calls.append(u) or known(self, u))
    for scale in np.geomspace(0.1, 10, 50):
        factor = LogNormal(float(np.log(scale)), 0.3)
        mixture = Mixture.of_energies(lengths**1.1, np.full(200, 1 / 200), factor)
        for level in (0.05, 0.25, 0.5, 0.75, 0.95):
            calls.clear()
            mixture.quantile(level)
            assert 0 < len(calls) <= 5


@given(st.floats(-3, 3), st.just(0.0) | st.floats(1e-6, 2), st.floats(0.001, 0.999))
def test_a_single_log_normal_has_its_closed_form(mu, sigma, level):
    mixture = single(mu, sigma)
    expected = np.exp(mu + sigma * stats.norm.ppf(level))
    assert mixture.quantile(level) == pytest.approx(expected, rel=1e-9)
    assert mixture.mean() == pytest.approx(np.exp(mu + sigma**2 / 2), rel=1e-12)
    variance = np.expm1(sigma**2) * np.exp(2 * mu + sigma**2)
    assert mixture.std() ** 2 == pytest.approx(variance, rel=1e-9, abs=1e-24)


@given(mixtures(), st.floats(-1, 2), st.floats(0, 1), st.sampled_from([0.3, 0.5, 0.9]))
def test_a_multiplier_adds_to_every_component(mixture, mu, sigma, level):
    divided = mixture.divided_by(LogNormal(mu, sigma))
    assert divided.mean() == pytest.approx(mixture.mean() * np.exp(-mu + sigma**2 / 2), rel=1e-12)
    fixed = mixture.divided_by(LogNormal(mu, 0.0))
    assert fixed.quantile(level) == pytest.approx(mixture.quantile(level) * np.exp(-mu), rel=1e-9)


@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(0, 0.999))
def test_bivariate_normal_is_that_of_scipy(h, k, rho):
    expected = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([h, k])
    assert bivariate_normal(h, k, rho) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("h", "k"), [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (2, -2), (0, 8), (8, 0)]
)
def test_bivariate_normal_of_independent_variables_is_the_product(h, k):
    with np.errstate(over="raise"):
        found = bivariate_normal(h, k, 0.0)
    assert found == pytest.approx(ndtr(h) * ndtr(k), abs=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rho", [-1.0, 1.0, 1 - 1e-17])
@pytest.mark.parametrize(("h", "k"), [(0.5, 1.5), (-0.5, 0.5), (0.7, 0.7), (0.0, 0.0), (-1.0, 1.0)])
def test_bivariate_normal_of_one_variable_and_itself_is_that_of_the_lesser(h, k, rho):
    expected = max(ndtr(h) + ndtr(k) - 1, 0) if rho < 0 else ndtr(min(h, k))
    assert bivariate_normal(h, k, rho) == pytest.approx(expected, abs=1e-15)


def test_bivariate_normal_is_as_exact_as_floats_are():
    single_precision = np.float32([[0.5, -1.25], [2.0, 0.75], [0.25, 0.5]])
    expected = bivariate_normal(*single_precision.astype(float))
    np.testing.assert_array_equal(bivariate_normal(*single_precision), expected)


@given(mixtures(), mixtures(), st.sampled_from([(0.05, 0.95), (0.1, 0.6), (0.0, 0.9), (0.25, 1.0)]))
def test_trimmed_moments_are_the_integral_of_the_quantile_function(first, second, levels):
    blend = TrimmedBlend((first, second), *levels, HALVES)
    lower, upper = levels
    expected = 0.0
    for part in blend.parts:
        start = np.log(part.quantile(max(lower, part.zero_mass + 1e-12)))
        edges = np.linspace(start, np.log(part.quantile(upper)), 301)
        for left, right in pairwise(edges):
            expected += integrate.fixed_quad(
                lambda u, part=part: np.exp(u) * part.log_density(u), left, right, n=10
            )[0]
    expected /= 2 * (upper - lower)
    assert blend.mean() == pytest.approx(expected, rel=1e-8)


@given(mixtures(), mixtures(), st.floats(0.001, 0.999))
def test_trimmed_quantile_inverts_its_distribution_function(first, second, level):
    blend = TrimmedBlend((first, second), 0.05, 0.9, HALVES)
    energy = blend.quantile(level)
    if energy == 0:
        assert level <= blend.zero_mass
    else:
        step = 1e-9 * energy
        assert blend.cdf(energy - step) - 1e-12 <= level <= blend.cdf(energy + step) + 1e-12


@pytest.mark.parametrize("level", [*LEVELS, 1.0])
def test_a_quantile_of_very_many_log_normals_is_found_as_of_few(monkeypatch, level):
    random = np.random.default_rng(0)
    weights = np.append(random.dirichlet(np.ones(19999)), -0.001)
    many = Mixture(
        random.normal(-1, 1, 20000),
        0.98 / weights.sum() * weights,
        random.uniform(0.1, 0.5, 20000),
        0.02,
    )
    blend = TrimmedBlend((many, many.divided_by(LogNormal(0.3, 0.2))), 0.05, 0.95)
    assert many._merged() and len(many._merged().weights) < 5000
    found = many.quantile(level), blend.quantile(level)
    monkeypatch.setattr(Mixture, "_merged", lambda self: None)
    monkeypatch.setattr(TrimmedBlend, "_merged", lambda self: None)
    assert found == pytest.approx((many.quantile(level), blend.quantile(level)), rel=1e-9)


def test_a_trimmed_blend_lies_between_its_bounds():
    blend = TrimmedBlend((single(0, 1), single(1, 0.5)), 0.1, 0.8, HALVES)
    lowest, highest = np.array(blend.bounds).T
    assert blend.quantile(0.0) <= blend.quantile(1e-9) == pytest.approx(lowest.min(), rel=1e-6)
    assert blend.quantile(1.0) == pytest.approx(highest.max(), rel=1e-12)
    # a step that the lower bound cuts is at once a third of what is kept
    steps = Mixture(np.log([1.0, 3.0]), np.array([0.4, 0.6]), np.zeros(2))
    assert TrimmedBlend((steps,), 0.2, 0.8).quantile(0.1) == pytest.approx(1, rel=1e-9)


@given(mixtures(), mixtures(), st.floats(0.001, 1), st.sampled_from([0.25, 0.5, 0.95]))
def test_an_untrimmed_blend_over_a_multiplier_has_its_closed_form(first, second, sigma, level):
    multiplier = LogNormal(0.7, sigma)
    closed = Mixture.pooled((first, second), [0.5, 0.5]).divided_by(multiplier)
    divided = TrimmedBlend((first, second), 0.0, 1.0, HALVES).divided_by(multiplier)
    assert divided.cdf(closed.quantile(level)) == pytest.approx(level, abs=1e-9)
    assert divided.mean() == pytest.approx(closed.mean(), rel=1e-9)


def sampled(blend, multiplier, n, random):
    """Shares of a large stratified sample of a blend over a multiplier, as a function of ln E."""
    energies = []
    for part in blend.parts:
        levels = blend.lower + (np.arange(n) + random.random_sample(n)) / n * (
            blend.upper - blend.lower
        )
        grid = np.geomspace(*(np.exp(b) for b in part._log_bounds()), 4001)
        shares = [part.cdf(e) for e in grid]
        u = np.interp(levels, shares, np.log(grid))
        energies.append(np.where(levels <= part.zero_mass, -np.inf, u))
    u = np.concatenate(energies)
    return u - np.log(multiplier.sample(random, len(u)))


@pytest.mark.parametrize("zero", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("sigma", [1.0, 0.3, 0.06, 0.04, 0.01])
def test_a_trimmed_blend_over_a_multiplier_is_what_sampling_gives(sigma, zero):
    weights = (1 - zero) * np.array([0.3, 0.3, 0.4])
    first = Mixture(np.array([-1.0, 0.0, 0.4]), weights, np.full(3, sigma), zero)
    blend = TrimmedBlend((first, single(0.5, sigma)), 0.14, 0.86, HALVES)
    multiplier = LogNormal(0.6, 0.2)
    n = 40_000
    u = sampled(blend, multiplier, n, np.random.RandomState(3))
    divided = blend.divided_by(multiplier)
    for level in (0.25, 0.5, 0.75):
        energy = divided.quantile(level)
        # a count of 2 n samples is binomial at most: four standard errors
        error = 4 * np.sqrt(level * (1 - level) / (2 * n))
        assert np.mean(u <= np.log(energy)) == pytest.approx(level, abs=error)
    assert divided.mean() == pytest.approx(
        np.exp(u).mean(), abs=4 * np.exp(u).std() / np.sqrt(2 * n)
    )


@pytest.mark.parametrize("level", LEVELS)
def test_sums_of_bivariate_normals_and_quadrature_agree(monkeypatch, level):
    parts = (
        single(0.0, 0.1),
        Mixture(np.array([0.2, 1.0]), np.array([0.5, 0.4]), np.full(2, 0.1), 0.1),
    )
    multiplier = LogNormal(0.5, 0.3)
    by_quadrature = TrimmedBlend(parts, 0.14, 0.86, HALVES).divided_by(multiplier).quantile(level)
    monkeypatch.setattr("inference_energy.energy.mixtures.SHARP_BELOW", 0.2)
    by_sums = TrimmedBlend(parts, 0.14, 0.86, HALVES).divided_by(multiplier).quantile(level)
    assert by_sums == pytest.approx(by_quadrature, rel=1e-9)


def test_moments_of_a_part_of_a_step_are_those_of_the_part_alone():
    steps = Mixture(np.log([1.0, 3.0]), np.array([0.4, 0.4]), np.zeros(2), zero_mass=0.2)
    for order in (1, 2):
        assert steps.moment_below(order, 0.6, 1.0) == pytest.approx(0.4)
        assert steps.moment_below(order, 0.7, 3.0) == pytest.approx(0.4 + 0.1 * 3**order)
        assert steps.moment_below(order, 1.0, 3.0) == pytest.approx(0.4 + 0.4 * 3**order)
    assert steps.moment_below(1, 0.1, 0.0) == 0


@given(mixtures())
def test_a_description_holds_both_moments_and_five_percentiles(mixture):
    found = mixture.describe()
    assert list(found) == ["mean", "std", "p5", "p25", "p50", "p75", "p95"]
    assert found["mean"] == mixture.moment(1)
    # the difference of the moments is what the sum over the parts is
    assert Energy.std(mixture) == pytest.approx(found["std"], rel=1e-6)
    assert found["std"] ** 2 == pytest.approx(mixture.moment(2) - found["mean"] ** 2, rel=1e-6)
    for percent in (5, 25, 50, 75, 95):
        assert found[f"p{percent}"] == mixture.quantile(percent / 100)


def test_a_part_whose_kept_queries_need_nothing_has_no_range():
    free = Mixture(np.array([0.0]), np.array([0.02]), np.array([0.3]), zero_mass=0.98)
    blend = TrimmedBlend((free, single(1.0, 0.2)), 0.05, 0.95, HALVES)
    low, high = blend.log_range(0)
    assert low == high < 0
    assert blend.zero_mass == 0.5
    small = TrimmedBlend((single(-3.0, 0.2),), 0.05, 0.95).log_range(0)
    assert small == pytest.approx(-3 + 0.2 * stats.norm.ppf([0.05, 0.95]))
    assert blend.log_range(1) == pytest.approx(
        (1 - 0.2 * stats.norm.ppf(0.95), 1 + 0.2 * stats.norm.ppf(0.95))
    )


def shapes():
    """A mixture, a blend of it that is trimmed, and that over a multiplier."""
    weights = 0.9 * np.array([0.3, 0.3, 0.4])
    first = Mixture(np.array([-1.0, 0.0, 0.4]), weights, np.array([0.3, 0.2, 0.4]), 0.1)
    blend = TrimmedBlend((first, single(0.5, 0.3)), 0.14, 0.86, (0.3, 0.7))
    return first, blend, blend.divided_by(LogNormal(0.4, 0.2))


def sharp_blends():
    """Trimmed blends over a multiplier, of which either has next to no spread."""
    locations, weights = np.linspace(-1.5, 1.5, 61), np.full(61, 1 / 61)
    narrow = Mixture(locations, weights, np.full(61, 0.03))
    mixed = Mixture(locations, 0.8 * weights, np.repeat([0.0, 0.04], [30, 31]), 0.2)
    # the upper end is within one of its steps
    cut = Mixture(locations, weights, np.repeat([0.04, 0.0], [30, 31]))
    for parts in ((narrow, narrow), (narrow, single(0.5, 0.3)), (mixed, narrow), (cut, narrow)):
        yield TrimmedBlend(parts, 0.14, 0.86, (0.3, 0.7)).divided_by(LogNormal(0.4, 0.2))
    yield shapes()[1].divided_by(LogNormal(0.4, 0.04))


@pytest.mark.parametrize("place", range(5))
def test_the_slope_of_what_is_sharp_is_the_derivative(place):
    made = list(sharp_blends())[place]
    assert any(made._sharp)
    step = 1e-5
    for at in np.linspace(-2.0, 1.2, 33):
        found, after, before = (made._around(at + away) for away in (0, step, -step))
        assert found.slope > 0
        rise, turn = after.value - before.value, after.slope - before.slope
        assert found.slope == pytest.approx(rise / (2 * step), rel=1e-6, abs=1e-9)
        assert found.bend == pytest.approx(turn / (2 * step), rel=1e-6, abs=1e-7)


def test_a_quantile_of_what_is_sharp_asks_a_few_times(monkeypatch):
    random = np.random.default_rng(0)
    many = Mixture(random.normal(-1, 1, 5000), np.full(5000, 2e-4), np.full(5000, 0.01))
    blend = TrimmedBlend((many, many), 0.05, 0.95).divided_by(LogNormal(0.4, 0.2))
    asked, known = [], DividedBlend._around
    monkeypatch.setattr(
        DividedBlend,
        "_around",
        lambda self, u: asked.append(self is blend) or known(self, u),
    )
    for level in LEVELS[1:-1]:
        asked.clear()
        found = blend.quantile(level)
        assert 1 <= asked.count(True) <= 2
        assert len(asked) <= 8
        assert blend.cdf(found) == pytest.approx(level, abs=1e-11)


@pytest.mark.parametrize("place", range(3))
def test_the_slope_that_steers_a_search_is_the_derivative(place):
    made = shapes()[place]
    kinks = np.ravel([made.log_range(part) for part in (0, 1)]) if place == 1 else np.array([9.0])
    step, nonzero = 1e-5, 0
    for at in np.linspace(-1.5, 1.5, 31):
        if abs(kinks - at).min() < 2 * step:
            continue
        found = made._around(at)
        assert found.value == pytest.approx(made._cdf_log(at), abs=1e-14)
        rise = made._cdf_log(at + step) - made._cdf_log(at - step)
        assert found.slope == pytest.approx(rise / (2 * step), rel=1e-6, abs=1e-9)
        turn = made._around(at + step).slope - made._around(at - step).slope
        assert found.bend == pytest.approx(turn / (2 * step), rel=1e-6, abs=1e-8)
        nonzero += found.slope > 0
    assert nonzero > 20
    # at the very end of what is kept nothing is added
    for levels, share in (((0.5, 1.0), 0), ((0.0, 0.5), 1)):
        assert TrimmedBlend((single(0.0, 1.0),), *levels)._around(0.0) == (share, 0, 0, 0)
    sharp = Mixture(np.zeros(1), np.ones(1), np.zeros(1))
    assert sharp._around(0.0) is None
    assert TrimmedBlend((sharp, sharp), 0.1, 0.9)._around(0.0) is None


def test_a_search_has_room_up_to_the_next_kink():
    first, blend, divided = shapes()
    assert first._around(0.0).room == divided._around(0.0).room == np.inf
    for kink in np.ravel([blend.log_range(part) for part in (0, 1)]):
        for away in (-1e-4, 1e-4):
            assert blend._around(kink + away).room == pytest.approx(0.5e-4, rel=1e-3)


@pytest.mark.parametrize("level", [0.3, 0.5, 0.9])
def test_the_search_of_a_lone_log_normal_begins_at_its_end(level):
    lone = Mixture(np.array([0.7]), np.array([0.8]), np.array([0.4]), 0.2)
    for made in (single(0.7, 0.4), lone, TrimmedBlend((lone, lone), 0.25, 0.9)):
        assert made._guess(level) == pytest.approx(np.log(made.quantile(level)), abs=1e-9)
    blend = shapes()[1]
    divided = blend.divided_by(LogNormal(0.4, 0.2))
    assert divided._guess(level) == pytest.approx(blend._guess(level) - 0.4)


def test_no_query_lies_outside_the_bounds_of_a_search():
    for made in shapes():
        low, high = made._log_bounds()
        assert made._cdf_log(low) == pytest.approx(made.zero_mass, abs=1e-14)
        assert made._cdf_log(high) == pytest.approx(1, abs=1e-14)
    assert stats.norm.logsf(np.log(single(0.0, 1.0).quantile(1.0))) < np.log(1e-32)
    assert single(0.0, 1.0)._log_bounds() == (-13, 13)
    _, blend, divided = shapes()
    low, high = blend._log_bounds()
    assert divided._log_bounds() == pytest.approx((low - 0.4 - 12 * 0.2, high - 0.4 + 12 * 0.2))
    assert single(2.0, 0.5)._log_bounds() == (-5, 9)


def test_a_quantile_of_very_many_log_normals_asks_them_a_few_times(monkeypatch):
    random = np.random.default_rng(0)
    many = Mixture(random.normal(-1, 1, 5000), np.full(5000, 2e-4), random.uniform(0.1, 0.5, 5000))
    asked = []
    for name in ("_cdf_log", "_around"):
        known = getattr(Mixture, name)
        monkeypatch.setattr(
            Mixture, name, lambda self, u, of=known: asked.append(len(self.weights)) or of(self, u)
        )
    for level in LEVELS[1:-1]:
        asked.clear()
        many.quantile(level)
        assert 1 <= asked.count(5000) <= 2


@pytest.mark.parametrize("location", [0.2, 20.2])
@pytest.mark.parametrize("guess", [-100.0, -12.0, 12.0, 100.0])
def test_a_search_that_begins_far_away_is_halved_into_the_bounds(monkeypatch, guess, location):
    calls, known = [], Mixture._around
    monkeypatch.setattr(Mixture, "_guess", lambda self, level: location + guess)
    monkeypatch.setattr(Mixture, "_around", lambda self, u: calls.append(u) or known(self, u))
    found = single(location, 1.0).quantile(0.6)
    assert found == pytest.approx(np.exp(location + stats.norm.ppf(0.6)), rel=1e-12)
    assert len(calls) <= 9
    assert np.abs(np.array(calls) - location).max() <= 13 + 1e-9


def test_a_close_search_gives_up_where_nothing_rises_or_it_leads_away():
    lone = single(0.2, 1.0)
    assert lone._close_root(0.5, 40.0) is None
    assert lone._close_root(0.6, 0.2) is None
    assert lone._close_root(0.50002, 0.2) == pytest.approx(lone.quantile(0.50002), rel=1e-12)
    sharp = Mixture(np.zeros(1), np.ones(1), np.zeros(1))
    assert sharp._close_root(0.5, 0.0) is None


@pytest.mark.parametrize("sigma", [0.02, 0.3, 2.0])
def test_a_last_step_leaves_no_more_than_the_tolerance(sigma):
    # four log-normals far apart, next to one another, and one in the tail of another
    for places in ([0.0, 3.0, 6.0, 9.0], [0.0, 0.1, 0.3, 0.4], [0.0, 0.0, 0.0, 5.0]):
        made = Mixture(sigma * np.array(places), np.full(4, 0.25), np.array([1, 1.2, 1, 2]) * sigma)
        for level in (1e-6, *LEVELS):
            root = np.log(made.quantile(level))
            for away in (-0.99, 0.99):
                start = root + away * made._settled
                assert start + made._around(start).step(level) == pytest.approx(root, abs=2e-12)


def test_a_guess_of_an_end_is_far_out_but_finite():
    far = 0.4 * stats.norm.isf(1e-9)
    assert single(0.7, 0.4)._guess(1.0) == pytest.approx(0.7 + far)
    assert single(0.7, 0.4)._guess(0.0) == pytest.approx(0.7 - far)


def test_steps_count_from_where_they_are_and_some_may_be_spread():
    steps = Mixture(np.log([1.0, 3.0]), np.array([0.4, 0.4]), np.zeros(2), zero_mass=0.2)
    for energy, share in ((0.9, 0.2), (1.0, 0.6), (2.9, 0.6), (3.0, 1.0)):
        assert steps.cdf(energy) == pytest.approx(share, abs=1e-15)
    assert steps.quantile(0.2) == 0
    with pytest.raises(ValueError, match=r"^a distribution with steps has no density$"):
        steps.log_density(0.0)
    both = Mixture(np.array([0.0, 1.0]), np.array([0.3, 0.7]), np.array([0.0, 0.5]))
    for at in (-0.2, 0.0, 0.2, 1.3):
        expected = 0.3 * (at >= 0) + 0.7 * stats.norm.cdf((at - 1) / 0.5)
        assert both.cdf(np.exp(at)) == pytest.approx(expected, abs=1e-15)


def test_very_many_log_normals_are_not_merged_where_one_is_a_step():
    spreads = np.full(5000, 0.3)
    assert Mixture(np.zeros(5000), np.full(5000, 2e-4), spreads)._merged()
    spreads[7] = 0.0
    assert Mixture(np.zeros(5000), np.full(5000, 2e-4), spreads)._merged() is None


@pytest.mark.parametrize("sigma", [1e-7, 1e-10, 1e-16])
def test_log_normals_far_narrower_than_what_they_span_are_not_merged(sigma):
    places = np.linspace(-10, 0, MANY)
    many = Mixture(places, np.full(MANY, 1 / MANY), np.full(MANY, sigma))
    # a cell for each of a billion spreads would take gigabytes
    assert many._merged() is None
    assert many.quantile(0.5) == pytest.approx(np.exp(places[MANY // 2 - 1]), rel=1e-2)


@pytest.mark.parametrize(("most", "merged"), [(1e-4, True), (1e-3, False)])
def test_log_normals_are_merged_in_no_more_cells_than_both_axes_have_together(most, merged):
    """Of places a third of a million; of spreads one, or 47 where they rise tenfold."""
    sigmas = np.geomspace(1e-4, most, MANY)
    many = Mixture(np.linspace(-10, 0, MANY), np.full(MANY, 1 / MANY), sigmas)
    assert (many._merged() is not None) == merged


@pytest.mark.parametrize("at", [0.3, 34 / 7, np.log(1e6)])
def test_one_energy_has_no_spread_at_any_size(at):
    tenths = Mixture(np.full(10, at), np.full(10, 0.1), np.zeros(10))
    assert tenths.std() == Energy.std(tenths) == 0


@pytest.mark.parametrize(("sigma", "steps"), [(1e-7, False), (3e-8, True), (3e-17, True)])
def test_a_spread_that_no_digit_of_a_result_shows_is_none(sigma, steps):
    energy, shares = np.array([1.0, 2.0]), np.array([0.5, 0.5])
    mixture = Mixture.of_energies(energy, shares, LogNormal(0.0, sigma))
    assert (mixture.steps_between(0.0, 1.0) is not None) == steps
    assert mixture.sigmas.tolist() == [0.0 if steps else sigma] * 2
    wide = Mixture.of_energies(energy, shares, LogNormal(0.0, sigma), np.array([0.0, 0.1]))
    assert wide.sigmas == pytest.approx([sigma, 0.1])


def test_energies_become_locations_and_their_errors_add_to_the_spread():
    energy, weights = np.array([0.0, 0.5, 3.0]), np.array([0.2, 0.3, 0.5])
    for error, sigmas in (
        (0.0, [0.3, 0.3]),
        (np.array([9.0, 0.4, 1.6]), [0.5, np.hypot(0.3, 1.6)]),
    ):
        made = Mixture.of_energies(energy, weights, LogNormal(0.4, 0.3), error)
        assert made.locations == pytest.approx(np.log([0.5, 3.0]) + 0.4)
        assert made.sigmas == pytest.approx(sigmas)
        assert (list(made.weights), made.zero_mass) == ([0.3, 0.5], 0.2)
    assert list(Mixture.of_energies(energy, weights, LogNormal(0.4, 0.3)).sigmas) == [0.3, 0.3]


def test_a_fixed_multiplier_moves_a_trimmed_blend_as_a_whole():
    _, blend, _ = shapes()
    moved = blend.divided_by(LogNormal(0.4, 0.0))
    assert isinstance(moved, TrimmedBlend)
    for level in (0.05, 0.5, 0.9):
        assert moved.quantile(level) == pytest.approx(blend.quantile(level) * np.exp(-0.4))
    assert moved.mean() == pytest.approx(blend.mean() * np.exp(-0.4))


def test_a_share_is_that_of_one_model():
    pair = (single(0.0, 1.0), single(1.0, 1.0))
    with pytest.raises(ValueError, match="zip"):
        Mixture.pooled(pair, [1.0])
    blend = TrimmedBlend(pair, 0.1, 0.9, (1.0,))
    for made in (blend, DividedBlend(blend, LogNormal(0.0, 0.2))):
        with pytest.raises(ValueError, match="zip"):
            made._around(0.0)


def test_steps_over_a_multiplier_are_as_many_log_normals():
    """Kept are a fifth of one step and two fifths of the other, cut in two."""
    steps = Mixture(np.log([1.0, 3.0]), np.array([0.4, 0.6]), np.zeros(2))
    divided = TrimmedBlend((steps,), 0.2, 0.8).divided_by(LogNormal(0.4, 0.2))
    for at in (-0.6, -0.3, 0.5, 0.8):
        # a quantile is known to 1e-12 of ln E
        z = (at + 0.4 - np.log([1.0, 3.0])) / 0.2
        assert divided.cdf(np.exp(at)) == pytest.approx(ndtr(z) @ [1 / 3, 2 / 3], abs=1e-12)


def test_very_many_steps_are_counted_without_a_sum_over_them(monkeypatch):
    """A fixed PUE and a utilisation that the throughput gives leave one energy a length."""
    asked, known = [], Mixture._standardised
    monkeypatch.setattr(Mixture, "_standardised", lambda *a: asked.append(1) or known(*a))
    random = np.random.RandomState(5)
    weights = random.random_sample(20_000)
    parts = tuple(
        Mixture(random.normal(at, 1, 20_000), 0.9 * weights / weights.sum(), np.zeros(20_000), 0.1)
        for at in (0.0, 1.0)
    )
    blend = TrimmedBlend(parts, 0.14, 0.86, HALVES)
    sharp = DividedBlend(blend, LogNormal(0.4, 0.2))
    expected = [(sharp.cdf(at), sharp.zero_mass, sharp.mean()) for at in (0.1, 1.0, 3.0)]
    asked.clear()
    divided = blend.divided_by(LogNormal(0.4, 0.2))
    found = [(divided.cdf(at), divided.zero_mass, divided.mean()) for at in (0.1, 1.0, 3.0)]
    assert np.ravel(found) == pytest.approx(np.ravel(expected), abs=1e-11)
    assert divided.cdf(divided.quantile(0.4)) == pytest.approx(0.4, abs=1e-11)
    assert divided.std() == pytest.approx(sharp.std(), rel=1e-9)
    assert len(asked) < 25
    asked.clear()
    for level in (0.05, 0.5, 0.95):
        energy = blend.quantile(level)
        assert blend.cdf(energy * (1 - 1e-9)) <= level <= blend.cdf(energy * (1 + 1e-9))
    assert not asked


def test_a_step_is_halleys_near_the_level_and_newtons_far_from_it():
    assert Around(0.0, 1.0, 0.5).step(1.0) == 0.8
    for bend in (1.0, 1.5, -1.0, -1.5):
        assert Around(0.0, 1.0, bend).step(1.0) == 1


@pytest.mark.parametrize("sigma", [0.25, 1.0, 4.0])
def test_a_last_step_in_the_farthest_tail_leaves_just_the_tolerance(sigma):
    made, root = single(0.0, sigma), -CERTAIN * sigma
    start = root - made._settled
    left = start - root + made._around(start).step(float(ndtr(-CERTAIN)))
    assert abs(left) == pytest.approx(ROOT_TOLERANCE, rel=4e-3, abs=0)


def test_only_a_step_below_that_which_settles_ends_a_search():
    made = single(0.0, 1.0)
    found = made._around(0.0)
    assert not made._ends(found, made._settled)
    assert made._ends(found, np.nextafter(made._settled, 0))


def test_levels_as_near_to_an_end_as_the_tail_are_sought_without_slopes(monkeypatch):
    monkeypatch.setattr(Mixture, "_around", None)
    for level in (TAIL / 2, TAIL, 1 - TAIL, 1 - TAIL / 2):
        found = np.log(single(0.0, 1.0).quantile(level))
        assert found == pytest.approx(stats.norm.ppf(level), rel=1e-6)


def test_a_level_that_is_met_all_along_a_gap_is_where_the_gap_begins():
    apart = Mixture(np.array([-10.0, 10.0]), np.full(2, 0.5), np.full(2, 0.01))
    # forty standard deviations away a bell is zero as a float
    assert np.log(apart.quantile(0.5)) == pytest.approx(-10, abs=0.4)


def test_the_spread_of_a_guess_is_that_within_the_parts_and_between_them():
    made = Mixture(np.array([0.0, 2.0]), np.array([0.25, 0.75]), np.full(2, 0.5))
    assert made._guess(0.5) == pytest.approx(1.5)
    assert made._guess(ndtr(1.0)) == pytest.approx(1.5 + 1)


def test_a_merged_search_replaces_the_first_steps_of_a_skewed_distribution(monkeypatch):
    places = np.random.default_rng(0).exponential(2, 5000) - 2
    many = Mixture(places, np.full(5000, 0.9 / 5000), np.full(5000, 0.1), 0.1)
    asked, known = [], Mixture._around
    monkeypatch.setattr(
        Mixture, "_around", lambda self, u: asked.append(len(self.weights)) or known(self, u)
    )
    for level in (0.2, 0.3, 0.9):
        asked.clear()
        many.quantile(level)
        assert 1 <= asked.count(5000) <= 2


def test_the_end_of_very_many_log_normals_is_their_own():
    many = Mixture(np.linspace(0, 1, 4096), np.full(4096, 1 / 4096), np.full(4096, 0.5))
    assert many._merged()
    assert many.quantile(1.0) == np.exp(1 + 12 * 0.5 + 1)


def test_a_blend_of_very_many_log_normals_keeps_its_shares_when_they_are_merged():
    enough, fewer = (Mixture(np.zeros(n), np.full(n, 1 / n), np.ones(n)) for n in (MANY, MANY - 1))
    assert fewer._merged() is None
    assert TrimmedBlend((enough, fewer), 0.1, 0.9, (0.2, 0.8))._merged().weights == (0.2, 0.8)


def test_equal_steps_are_counted_in_the_order_that_they_came_in():
    weights = np.arange(1, 101) / 5050
    steps = Mixture(np.tile([1.0, 0.0], 50), weights, np.zeros(100))
    ordered = np.append(weights[1::2], weights[::2])
    np.testing.assert_array_equal(steps._steps[1][1:], np.cumsum(ordered))


def test_queries_of_zero_energy_that_are_kept_stay_so():
    steps = Mixture(np.log([1.0, 3.0]), np.array([0.4, 0.4]), np.zeros(2), zero_mass=0.2)
    kept = steps.steps_between(0.1, 0.9)
    assert kept.zero_mass == pytest.approx(0.125)
    assert kept.weights == pytest.approx([0.5, 0.375])


def test_a_model_is_sharp_below_the_least_spread_that_quadrature_meets():
    for sigma, sharp in ((SHARP_BELOW, False), (np.nextafter(SHARP_BELOW, 0), True)):
        blend = TrimmedBlend((single(0.0, sigma),), 0.1, 0.9)
        assert DividedBlend(blend, LogNormal(0.0, 0.2))._sharp == [sharp]


@pytest.mark.parametrize(
    "parts",
    [
        (single(0.0, 0.01), single(1.0, 0.3)),
        (Mixture(np.array([-20.0, 20.0]), np.full(2, 0.5), np.full(2, 0.06)),),
    ],
    ids=["a sharp model before a wide one", "narrow bells far apart"],
)
def test_a_quotient_has_its_closed_form_with(parts):
    multiplier = LogNormal(0.4, 0.2)
    shares = (1 / len(parts),) * len(parts)
    closed = Mixture.pooled(parts, shares).divided_by(multiplier)
    divided = DividedBlend(TrimmedBlend(parts, 0.0, 1.0, shares), multiplier)
    for level in (0.1, 0.3, 0.7, 0.9):
        assert divided.cdf(closed.quantile(level)) == pytest.approx(level, abs=1e-9)


def test_a_range_narrower_than_a_panel_has_the_least_number_of_nodes():
    blend = TrimmedBlend((single(0.0, 1.0),), 0.45, 0.55)
    points, weights = DividedBlend(blend, LogNormal(0.0, 1.0))._density_nodes
    assert len(points) == len(weights) == DENSITY_PANELS * len(LEGENDRE_NODES)


def test_no_bivariate_normal_is_asked_of_a_part_that_certainly_lies_on_one_side(monkeypatch):
    asked = []
    monkeypatch.setattr(
        module, "bivariate_normal", lambda h, *a: asked.extend(h) or bivariate_normal(h, *a)
    )
    # kept are two thirds of a step and half a bell; both bounds are on one side of the step
    made = Mixture(np.array([-1.0, 0.0]), np.array([0.3, 0.7]), np.array([0.0, 0.04]))
    divided = DividedBlend(TrimmedBlend((made,), 0.1, 0.65), LogNormal(0.0, 0.2))
    half = 1 / 4 + np.arcsin(0.04 / np.hypot(0.04, 0.2)) / (2 * np.pi)
    expected = (0.2 * ndtr(1 / 0.2) + 0.7 * half) / 0.55
    assert divided.cdf(1.0) == pytest.approx(expected, abs=1e-10)
    assert asked == pytest.approx([0.0], abs=1e-9)

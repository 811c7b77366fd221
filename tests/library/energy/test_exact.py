"""The engine without sampling against closed forms, brute force and numerical integration."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.energy import exact
from inference_energy.energy.equation import charged_tokens, coupled_utilisation
from inference_energy.energy.mixtures import Mixture, TrimmedBlend, bivariate_normal
from inference_energy.laws.log_linear import LogLinear
from inference_energy.method.boundary import SERVER, accelerator
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import ExponentialLengths, LogNormalLengths
from inference_energy.method.setup import Blend, Coupling, fixed_regime
from inference_energy.units import SECONDS_TO_WH_PER_KW
from scipy import integrate, stats
from scipy.special import ndtr

HALVES = (0.5, 0.5)
LEVELS = (1e-4, 0.05, 0.25, 0.5, 0.75, 0.95, 0.9999)


def single(mu, sigma):
    """One log-normal as a mixture."""
    return Mixture(np.array([mu]), np.array([1.0]), np.array([sigma]))


@st.composite
def mixtures(draw, least_sigma=0.06):
    """Mixture of a few log-normals, some with queries of zero energy."""
    n = draw(st.integers(1, 4))
    locations = draw(st.lists(st.floats(-3, 3), min_size=n, max_size=n))
    weights = np.array(draw(st.lists(st.floats(0.1, 1), min_size=n, max_size=n)))
    sigma = draw(st.floats(least_sigma, 1.5))
    zero = draw(st.sampled_from([0.0, 0.03, 0.2]))
    weights *= (1 - zero) / weights.sum()
    return Mixture(np.array(locations), weights, np.full(n, sigma), zero)


@given(mixtures(), st.floats(0.21, 0.9999))
def test_quantile_inverts_the_distribution_function(mixture, level):
    energy = mixture.quantile(level)
    density = mixture.log_density(np.log([energy]))[0]
    # an error of 1e-9 in E moves the level by 1e-9 times the density of ln E
    assert abs(mixture.cdf(energy) - level) <= 1e-9 * density + 1e-15


@given(st.floats(-3, 3), st.just(0.0) | st.floats(1e-6, 2), st.floats(0.001, 0.999))
def test_a_single_log_normal_has_its_closed_form(mu, sigma, level):
    mixture = single(mu, sigma)
    expected = np.exp(mu + sigma * stats.norm.ppf(level))
    assert mixture.quantile(level) == pytest.approx(expected, rel=1e-9)
    assert mixture.mean() == pytest.approx(np.exp(mu + sigma**2 / 2), rel=1e-12)
    variance = np.expm1(sigma**2) * np.exp(2 * mu + sigma**2)
    assert mixture.std() ** 2 == pytest.approx(variance, rel=1e-6, abs=1e-12)


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


@pytest.mark.parametrize(("h", "k"), [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (2, -2)])
def test_bivariate_normal_of_independent_variables_is_the_product(h, k):
    assert bivariate_normal(h, k, 0.0) == pytest.approx(ndtr(h) * ndtr(k), abs=1e-15)


def brute_force(setup, regime, model, energy):
    """Distribution function and mean, summed over every number of tokens one by one."""
    lengths, weights = regime.output_tokens.support
    speed = model.law.predict(regime.input_tokens, lengths)
    charged = charged_tokens(lengths, regime.input_tokens, setup.input_tokens_per_output_token)
    scale = charged / speed * model.node_power * SECONDS_TO_WH_PER_KW
    factor = setup.pue
    if isinstance(setup.power_utilisation, Coupling):
        coupling = setup.power_utilisation
        scale *= coupled_utilisation(speed, model.peak, coupling.intercept, coupling.slope)
    else:
        factor = factor * setup.power_utilisation
    with np.errstate(divide="ignore"):
        share = np.array(
            [ndtr((np.log(e / scale) - factor.mu) / factor.sigma) @ weights for e in energy]
        )
    return share, weights @ scale * factor.moment(1)


VARIANTS = {
    "published": lambda setup: setup,
    "coupled": lambda setup: replace(setup, power_utilisation=Coupling(0.24, 0.56)),
    "input charged": lambda setup: replace(setup, input_tokens_per_output_token=30.0),
    "little spread": lambda setup: replace(
        setup, pue=LogNormal(0.2, 0.01), power_utilisation=LogNormal(-0.5, 0.02)
    ),
    "spread at the limit of the quadrature": lambda setup: replace(
        setup, pue=LogNormal(0.2, 0.03), power_utilisation=LogNormal(-0.5, 0.0401)
    ),
    "heavy tail": lambda setup: replace(
        setup,
        regimes={
            name: replace(regime, output_tokens=LogNormalLengths(3000.0, 2.0))
            for name, regime in setup.regimes.items()
        },
    ),
    "kink outside the lengths": lambda setup: replace(
        setup,
        models=tuple(
            replace(model, law=LogLinear(8.0, -0.1, 0.01, 1e6, 3)) for model in setup.models
        ),
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["traditional", "long"])
def test_every_model_is_the_sum_over_all_numbers_of_tokens(paper, variant, name):
    setup = VARIANTS[variant](paper)
    regime = setup.regimes[name]
    for model in setup.models:
        energy = exact.model_energy(setup, regime, model)
        points = [energy.quantile(level) for level in (0.05, 0.5, 0.95)]
        share, mean = brute_force(setup, regime, model, points)
        assert share == pytest.approx([0.05, 0.5, 0.95], abs=1e-9)
        assert energy.mean() == pytest.approx(mean, rel=1e-9)


def test_the_mean_energy_of_a_constant_throughput_is_the_product_of_means(paper):
    model = next(model for model in paper.models if model.law.name == "peak")
    regime = paper.regimes["long"]
    energy = exact.model_energy(paper, regime, model)
    tokens, _ = regime.output_tokens.mean_and_std()
    factors = paper.pue.moment(1) * paper.power_utilisation.moment(1)
    expected = tokens / model.law.peak * model.node_power / 3.6 * factors
    assert energy.mean() == pytest.approx(expected, rel=1e-10)


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


def test_a_trimmed_blend_lies_between_its_bounds():
    blend = TrimmedBlend((single(0, 1), single(1, 0.5)), 0.1, 0.8, HALVES)
    lowest, highest = np.array(blend.bounds).T
    assert blend.quantile(0.0) <= blend.quantile(1e-9) == pytest.approx(lowest.min(), rel=1e-6)
    assert blend.quantile(1.0) == pytest.approx(highest.max(), rel=1e-12)


def test_trimming_twice_keeps_the_levels_of_both():
    assert Blend(3, ((0.05, 0.95), (0.1, 0.9))).levels == pytest.approx((0.14, 0.86))
    assert Blend(3, ()).levels == (0.0, 1.0)


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


def fixed(setup):
    """The method with a fixed power utilisation and PUE, so that only the tokens vary."""
    return replace(setup, power_utilisation=LogNormal.fixed(0.6), pue=LogNormal.fixed(1.3))


def kept_steps(setup, regime, name):
    """Energies of the steps of a model and the weight that trimming leaves of each."""
    model = next(model for model in setup.models if model.name == name)
    lengths, weights = regime.output_tokens.support
    speed = model.law.predict(regime.input_tokens, lengths)
    energy = lengths / speed * model.node_power * 0.6 * 1.3 / 3.6
    order = np.argsort(energy, kind="stable")
    edges = np.clip(np.concatenate([[0], np.cumsum(weights[order])]), *setup.blend.levels)
    return energy[order], np.diff(edges) / np.diff(setup.blend.levels)


def test_fixed_factors_leave_the_steps_of_the_tokens(paper):
    setup = fixed(paper)
    regime = setup.regimes["traditional"]
    models, names = exact.regime_energy(setup, regime)
    steps = [kept_steps(setup, regime, name) for name in names]
    energy = np.concatenate([e for e, _ in steps])
    weights = np.concatenate([w for _, w in steps]) / len(names)
    order = np.argsort(energy)
    cumulative = np.cumsum(weights[order])
    blend = exact.blend_energy(setup, models, names)
    for level in (0.25, 0.5, 0.75):
        expected = energy[order][np.searchsorted(cumulative, level)]
        assert blend.quantile(level) == pytest.approx(expected, rel=1e-9)
    mean = weights @ energy
    assert blend.mean() == pytest.approx(mean, rel=1e-9)
    assert blend.std() == pytest.approx(np.sqrt(weights @ (energy - mean) ** 2), rel=1e-9)
    for factor in setup.pathways.values():
        divided = blend.divided_by(factor)
        median = divided.quantile(0.5)
        with np.errstate(divide="ignore"):
            share = ndtr((np.log(median) - np.log(energy) + factor.mu) / factor.sigma) @ weights
        assert share == pytest.approx(0.5, abs=1e-9)
        assert divided.mean() == pytest.approx(mean * factor.moment(-1), rel=1e-9)


def test_fixed_multipliers_scale_the_blend(paper):
    setup = replace(paper, pathways={"hardware": LogNormal.fixed(2), "model": LogNormal.fixed(4)})
    models, names = exact.regime_energy(setup, setup.regimes["traditional"])
    blend = exact.blend_energy(setup, models, names)
    medians = {
        pathway: energy.quantile(0.5)
        for pathway, energy in exact.with_pathways(setup, blend).items()
    }
    assert medians["hardware"] == pytest.approx(medians["baseline"] / 2, rel=1e-9)
    assert medians["combined"] == pytest.approx(medians["baseline"] / 8, rel=1e-9)


def test_more_queries_of_zero_tokens_than_trimming_takes(paper):
    short = replace(paper.regimes["traditional"], output_tokens=ExponentialLengths(1.0))
    models, names = exact.regime_energy(paper, short)
    zero = models[next(iter(names))].zero_mass
    assert zero == pytest.approx(-np.expm1(-np.log(2) / 2), rel=1e-12)
    blend = exact.blend_energy(paper, models, names)
    lower, upper = paper.blend.levels
    assert blend.zero_mass == pytest.approx((zero - lower) / (upper - lower), rel=1e-12)
    for energy in exact.with_pathways(paper, blend).values():
        assert energy.quantile(blend.zero_mass / 2) == 0
        assert energy.cdf(energy.quantile(0.9)) == pytest.approx(0.9, abs=1e-9)
        assert 0 < energy.quantile(0.5) < energy.mean()


def test_log_density_integrates_to_one_and_steps_have_none(paper):
    model = exact.model_energy(paper, paper.regimes["long"], paper.models[0])
    low, high = model._log_bounds()
    total = sum(
        integrate.fixed_quad(model.log_density, a, a + (high - low) / 200, n=16)[0]
        for a in np.linspace(low, high, 201)[:-1]
    )
    assert total == pytest.approx(1 - model.zero_mass, abs=1e-9)
    with pytest.raises(ValueError, match="no density"):
        single(0.0, 0.0).log_density([0.0])


def test_the_fleets_mean_is_the_pools_times_the_queries(paper):
    regime = paper.regimes["traditional"]
    models, names = exact.regime_energy(paper, regime)
    mean = np.mean([models[name].mean() for name in names])
    fleet = exact.fleet_energy(paper, regime)
    expected = mean * paper.fleet.queries_per_day * paper.fleet.overhead["traditional"] * 1e-9
    assert fleet["baseline"]["mean"] == pytest.approx(expected, rel=1e-12)
    saving = paper.fleet.improvement["traditional"].moment(-1)
    assert fleet["improved"]["mean"] == pytest.approx(expected * saving, rel=1e-12)
    assert fleet["baseline"]["p5"] < fleet["baseline"]["p50"] < fleet["baseline"]["p95"]


LOADS = {name: VARIANTS[name] for name in ("published", "coupled", "input charged")}


@pytest.mark.parametrize("variant", LOADS)
@pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
def test_queries_of_one_length_have_a_closed_form(paper, variant, level):
    setup = LOADS[variant](paper)
    for model in setup.models:
        regime = fixed_regime(700, 1200)
        energy = exact.fixed_energy(setup, model, 700, 1200)
        expected = exact.model_energy(setup, regime, model).quantile(level)
        assert energy.quantile(level) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("variant", LOADS)
def test_power_over_the_node_time_is_the_energy(paper, variant):
    setup = LOADS[variant](paper)
    model = setup.models[0]
    power = exact.serving_power(setup, model, 700, 1200)
    throughput = float(model.law.predict(700, 1200))
    energy = exact.time_energy(setup, model, 90.0, throughput)
    assert energy.mu == pytest.approx(power.mu + np.log(90 / 3.6), abs=1e-12)
    assert energy.sigma == power.sigma
    doubtful = exact.time_energy(setup, model, 90.0, throughput, error=0.3)
    assert doubtful.sigma == pytest.approx(np.hypot(power.sigma, 0.3))


def test_another_boundary_changes_what_is_counted_and_nothing_else(paper):
    regime, model = paper.regimes["traditional"], paper.models[0]
    share = LogNormal.from_percentiles(0.5, 0.7)
    whole = exact.model_energy(replace(paper, boundary=SERVER), regime, model)
    part = exact.model_energy(replace(paper, boundary=accelerator(share)), regime, model)
    facility = exact.model_energy(paper, regime, model)
    assert facility.mean() == pytest.approx(whole.mean() * paper.pue.moment(1), rel=1e-9)
    assert part.mean() == pytest.approx(whole.mean() * share.moment(1), rel=1e-9)

"""The engine without sampling against brute force and numerical integration."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.energy import exact, monte_carlo
from inference_energy.energy.equation import charged_tokens, coupled_utilisation
from inference_energy.laws.base import Share
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.pooled import Pooled
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import (
    ExponentialLengths,
    LogNormalLengths,
    LogTLengths,
    ParetoLengths,
    UniformLengths,
)
from inference_energy.method.setup import Coupling
from inference_energy.units import SECONDS_TO_WH_PER_KW
from library.energy.mixtures import single
from scipy import integrate
from scipy.special import ndtr


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


def answering(tokens):
    """The method with such output tokens in every regime."""

    def changed(setup):
        regimes = {
            name: replace(regime, output_tokens=tokens) for name, regime in setup.regimes.items()
        }
        return replace(setup, regimes=regimes)

    return changed


FAMILIES = {
    "uniform": answering(UniformLengths(0.0, 600.0)),
    "pareto": answering(ParetoLengths(300.0, 128_000.0, 1.2)),
    "log-t": answering(LogTLengths(300.0, 128_000.0, 0.9, 3.0)),
    "log-t, a Cauchy": answering(LogTLengths(10.0, 10_000.0, 1.5, 1.0, minimum=1)),
}
VARIANTS = FAMILIES | {
    "published": lambda setup: setup,
    "coupled": lambda setup: replace(setup, power_utilisation=Coupling(0.24, 0.56)),
    "input charged": lambda setup: replace(setup, input_tokens_per_output_token=30.0),
    "little spread": lambda setup: replace(
        setup, pue=LogNormal(0.2, 0.01), power_utilisation=LogNormal(-0.5, 0.02)
    ),
    "spread at the limit of the quadrature": lambda setup: replace(
        setup, pue=LogNormal(0.2, 0.03), power_utilisation=LogNormal(-0.5, 0.0401)
    ),
    "heavy tail": answering(LogNormalLengths(3000.0, 2.0)),
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


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_finite_energies_no_spread_beyond_a_hundred_means_and_none_without_answer(
    paper, family
):
    setup = FAMILIES[family](paper)
    regime = setup.regimes["traditional"]
    lengths, weights = regime.output_tokens.support
    models, members = exact.regime_energy(setup, regime)
    blend = exact.blend_energy(setup, models, members)
    for energy in (*models.values(), *exact.with_pathways(setup, blend).values()):
        quantiles = [energy.quantile(level) for level in (0.05, 0.5, 0.95)]
        assert np.isfinite(quantiles).all()
        assert 0 < energy.std() <= 100 * energy.mean() < np.inf
    empty = weights[lengths == 0].sum()
    for energy in models.values():
        assert energy.zero_mass == pytest.approx(empty, abs=1e-12)


def test_the_mean_energy_of_a_constant_throughput_is_the_product_of_means(paper):
    model = next(model for model in paper.models if model.law.name == "peak")
    regime = paper.regimes["long"]
    energy = exact.model_energy(paper, regime, model)
    tokens, _ = regime.output_tokens.mean_and_std()
    factors = paper.pue.moment(1) * paper.power_utilisation.moment(1)
    expected = tokens / model.law.peak * model.node_power / 3.6 * factors
    assert energy.mean() == pytest.approx(expected, rel=1e-10)


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


def test_a_model_served_in_several_ways_is_their_mixture(paper):
    """Each way alone, at its own power, weighted; and the draws agree with the integral."""
    regime, model = paper.regimes["long"], paper.models[0]
    ways = [Share(1.0, 0.5, model.law), Share(3.0, 2.0, model.law.scaled(0.4))]
    served = replace(model, law=Pooled.of(ways))
    energy = exact.model_energy(paper, regime, served)
    alone = [
        exact.model_energy(
            paper, regime, replace(model, law=way.law, node_power=way.power * model.node_power)
        )
        for way in ways
    ]
    assert energy.mean() == pytest.approx(0.25 * alone[0].mean() + 0.75 * alone[1].mean())
    for level in (0.05, 0.5, 0.95):
        at = energy.quantile(level)
        assert 0.25 * alone[0].cdf(at) + 0.75 * alone[1].cdf(at) == pytest.approx(level, abs=1e-9)
    many = replace(paper.monte_carlo, samples=40_000)
    setup = replace(paper, models=(served,), monte_carlo=many, blend=replace(paper.blend, models=1))
    drawn = monte_carlo.simulate(setup, regime, monte_carlo.generator(setup)).energy[model.name]
    assert np.mean(drawn < energy.quantile(0.5)) == pytest.approx(0.5, abs=0.01)
    assert np.mean(drawn) == pytest.approx(energy.mean(), rel=0.03)


def test_percentiles_of_quadrature_are_where_the_shares_first_reach_them():
    """Its weights may be negative, so that their sums fall: a search by halves finds either."""
    values, weights = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.46, -0.02, 0.06])
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        found = exact._weighted(values[order], weights[order])
        assert [found[f"p{p}"] for p in (5, 50, 75, 95)] == [1, 1, 2, 2]

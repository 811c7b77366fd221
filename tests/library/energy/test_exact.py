"""The engine without sampling against brute force and numerical integration."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_energy.energy import exact, monte_carlo
from inference_energy.energy.equation import charged_tokens, coupled_utilisation
from inference_energy.energy.mixtures import Mixture, TrimmedBlend
from inference_energy.laws.base import Share
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import (
    ExponentialLengths,
    LogNormalLengths,
    LogTLengths,
    ParetoLengths,
    UniformLengths,
)
from inference_energy.method.setup import Blend, Coupling, fixed_regime
from inference_energy.units import SECONDS_TO_WH_PER_KW
from library.energy.by_hand import A_SECOND, INPUT, PUE, VARIED, by_hand, regime, served
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


@given(st.floats(1, 1e5), st.one_of(st.none(), st.floats(0.1, 1e6)))
@settings(max_examples=30, deadline=None)
def test_no_answer_costs_more_for_having_no_token(paper, length, charge):
    tokens = np.array([0.0, 1.0])
    charged = charged_tokens(tokens, length, charge)
    for model in paper.models:
        none, one = charged / model.law.predict(length, tokens)
        assert none <= one


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


def test_a_second_of_the_node_is_charged_for_the_tokens_of_a_query():
    setup = by_hand()
    energies = [exact.model_energy(setup, regime(), model) for model in setup.models]
    assert [energy.quantile(0.5) for energy in energies] == pytest.approx(
        [3 * A_SECOND, 1.5 * A_SECOND, 6 * A_SECOND]
    )
    assert [energy.std() for energy in energies] == [0.0, 0.0, 0.0]
    charged = exact.model_energy(
        by_hand(input_tokens_per_output_token=10.0), regime(), setup.models[0]
    )
    assert charged.mean() == pytest.approx((3 + INPUT / 10 / 100) * A_SECOND)


def test_what_is_not_known_spreads_the_energy_and_the_error_of_the_law_if_it_counts():
    setup = by_hand(power_utilisation=LogNormal(np.log(0.5), 0.3), pue=LogNormal(np.log(1.2), 0.4))
    law = Peak(100.0, 1, residual_sigma=1.2)
    for uncertain, sigma in ((False, 0.5), (True, 1.3)):
        model = served("a", 100, law=law, uncertain=uncertain)
        energy = exact.model_energy(setup, regime(), model)
        assert energy.quantile(0.5) == pytest.approx(3 * A_SECOND)
        assert energy.quantile(ndtr(1.0)) == pytest.approx(3 * A_SECOND * np.exp(sigma))
        alone = exact.fixed_energy(setup, model, INPUT, 300.0)
        assert (np.exp(alone.mu), alone.sigma) == pytest.approx((3 * A_SECOND, sigma))


def test_an_utilisation_that_follows_the_throughput_is_known():
    setup = by_hand(power_utilisation=Coupling(0.2, 0.4), pue=LogNormal(np.log(PUE), 0.3))
    model = served("a", 100, peak=400.0)
    assert exact.uncertain_factor(setup) == setup.pue
    # a quarter of the largest throughput: 0.2 + 0.4 / 4
    assert exact.known_utilisation(setup, model, 100.0) == pytest.approx(0.3)
    assert exact.known_utilisation(by_hand(), model, 100.0) == 1.0
    time = exact.time_energy(setup, model, 5.0, 100.0)
    assert (np.exp(time.mu), time.sigma) == pytest.approx((5 * 0.3 * PUE, 0.3))
    assert exact.time_energy(setup, model, 5.0, 100.0, 0.4).sigma == pytest.approx(0.5)
    charged = replace(setup, input_tokens_per_output_token=10.0)
    alone = exact.fixed_energy(charged, model, INPUT, 300.0)
    assert np.exp(alone.mu) == pytest.approx(4 * 0.3 * PUE)
    assert exact.model_energy(charged, fixed_regime(INPUT, 300.0), model).quantile(
        0.5
    ) == pytest.approx(4 * 0.3 * PUE)


class Sloped(Peak):
    """A law whose throughput and error both lengths change."""

    def predict(self, input_tokens, output_tokens):
        return self.peak * 1000 / input_tokens * output_tokens / 300

    def sigma(self, input_tokens, output_tokens):
        return 0.3 * 1000 / input_tokens * output_tokens / 300


def test_a_query_of_given_lengths_is_served_at_their_throughput_and_with_their_error():
    model = served("a", 100, law=Sloped(100.0, 1), uncertain=True, peak=400.0)
    alone = exact.fixed_energy(by_hand(), model, 500.0, 600.0)
    assert (np.exp(alone.mu), alone.sigma) == pytest.approx((600 / 400 * A_SECOND, 1.2))
    coupled = by_hand(power_utilisation=Coupling(0.2, 0.4))
    for lengths, share in (((500.0, 300.0), 0.5), ((1000.0, 600.0), 0.5), ((2000.0, 300.0), 0.125)):
        energy = exact.fixed_energy(coupled, model, *lengths)
        seconds = lengths[1] / model.law.predict(*lengths)
        power = 3.6 * (0.2 + 0.4 * share) * PUE
        assert np.exp(energy.mu) == pytest.approx(power * seconds / 3.6)


def test_energy_per_token_is_that_of_the_queries_with_an_answer():
    setup, model = by_hand(), served("a", 100)
    per_token = exact.energy_per_output_token(setup, regime(VARIED), model)
    assert per_token.zero_mass == 0
    assert per_token.weights.sum() == pytest.approx(1)
    assert (per_token.mean(), per_token.std()) == pytest.approx((A_SECOND / 100, 0))
    charged = replace(setup, input_tokens_per_output_token=1000.0)
    # (L + 1) / L for one to four tokens, of 2, 2, 2 and 1 in 7 answers
    expected = (2 * 2 + 2 * 3 / 2 + 2 * 4 / 3 + 5 / 4) / 7 * A_SECOND / 100
    per_token = exact.energy_per_output_token(charged, regime(VARIED), model)
    assert per_token.mean() == pytest.approx(expected)
    law = Peak(100.0, 1, residual_sigma=0.3)
    uncertain = served("a", 100, law=law, uncertain=True)
    per_token = exact.energy_per_output_token(setup, regime(VARIED), uncertain)
    assert per_token.quantile(ndtr(1.0)) == pytest.approx(A_SECOND / 100 * np.exp(0.3))


def test_the_blend_is_of_the_largest_medians_in_their_shares():
    setup = by_hand()
    models, members = exact.regime_energy(setup, regime())
    assert list(models) == ["a", "b", "c"]
    assert members == {"c": 0.5, "a": 0.5}
    shared = by_hand(blend=Blend(2, (), "parameters", "parameters"))
    models, members = exact.regime_energy(shared, regime())
    assert list(members) == ["a", "b"]
    assert members == pytest.approx({"a": 70 / 470, "b": 400 / 470})
    pooled = exact.blend_energy(shared, models, members)
    assert isinstance(pooled, Mixture)
    assert pooled.mean() == pytest.approx((3 * 70 + 1.5 * 400) / 470 * A_SECOND)
    models, members = exact.regime_energy(setup, regime())
    assert isinstance(exact.blend_energy(setup, models, members), TrimmedBlend)
    assert isinstance(exact.blend_energy(setup, models, members, trim=False), Mixture)
    for trim in ((0.0, 0.9), (0.1, 1.0)):
        half = exact.blend_energy(by_hand(blend=Blend(2, (trim,))), models, members)
        assert (half.lower, half.upper, half.shares) == (*trim, (0.5, 0.5))


def test_pathways_divide_the_blend_one_by_one_and_together():
    setup = by_hand()
    blend = exact.blend_energy(setup, *exact.regime_energy(setup, regime()))
    means = {name: energy.mean() for name, energy in exact.with_pathways(setup, blend).items()}
    baseline = (3 + 6) / 2 * A_SECOND
    expected = {"baseline": 1, "hardware": 2, "model": 5, "combined": 10}
    assert means == pytest.approx({name: baseline / by for name, by in expected.items()})


def test_a_day_of_the_fleet_is_normal_about_its_mean():
    setup = by_hand()
    day = exact.fleet_energy(setup, regime(name="long"))
    # of half the queries 3, of half 6 seconds: 4.5 with a standard deviation of 1.5
    mean, std = (1e8 * 1.5 / 1e9 * A_SECOND * of for of in (4.5, 1.5 / 1e4))
    for pathway, by in (("baseline", 1), ("improved", 10)):
        low, high = ((mean + side * 1.645 * std) / by for side in (-1, 1))
        expected = {"mean": mean / by, "p5": low, "p50": mean / by, "p95": high}
        assert day[pathway] == pytest.approx(expected, rel=1e-12)
    assert list(day) == ["baseline", "improved"]


def test_the_fleets_of_several_methods_are_told_by_regime_of_each():
    """The day of half as many queries, of all answered in the way of one regime."""
    half = replace(by_hand().fleet, queries_per_day=5e7)
    one = by_hand(fleet=half, regimes={"long": regime(name="long")})
    days = exact.fleets_energies([by_hand(), one])
    means = [{name: day["baseline"]["mean"] for name, day in of.items()} for of in days]
    # 0.1 GWh for each Wh of a query, 4.5 seconds, and what the regime charges above it
    full = 1e8 / 1e9 * 4.5 * A_SECOND
    assert means == [
        pytest.approx({"traditional": 1.1 * full, "long": 1.5 * full}),
        pytest.approx({"long": 1.5 * full / 2}),
    ]
    assert [day["improved"]["mean"] for day in days[0].values()] == pytest.approx(
        [1.1 * full / 4, 1.5 * full / 10]
    )


def brute_statistics(values, weights):
    """Mean, standard deviation and percentiles of values that are few."""
    order = np.argsort(values)
    mean = np.average(values, weights=weights)
    found = {"mean": mean, "std": np.sqrt(np.average((values - mean) ** 2, weights=weights))}
    levels = np.cumsum(weights[order])
    return found | {
        f"p{p}": values[order][np.argmax(levels >= p / 100 - 1e-12)] for p in (5, 25, 50, 75, 95)
    }


def test_statistics_of_the_tokens_and_of_the_throughput_over_them():
    lengths, weights = np.arange(5.0), np.array([1, 2, 2, 2, 1]) / 8
    found = exact.token_statistics(regime(VARIED))
    assert found == pytest.approx(brute_statistics(lengths, weights))
    for lengths_of in (UniformLengths(0.0, 600.0), ExponentialLengths(300.0)):
        found = exact.token_statistics(regime(lengths_of))
        assert found == pytest.approx(brute_statistics(*lengths_of.support))
    law = LogLinear(5.0, 0.0, -0.5, 1e6, 3)
    model = served("a", 1, law=law)
    speeds = law.predict(INPUT, lengths)
    found = exact.throughput_statistics(regime(VARIED), model)
    assert found == pytest.approx(brute_statistics(speeds, weights))
    ways = Pooled.of([Share(3.0, 1.0, law), Share(1.0, 1.0, law.scaled(0.5))])
    found = exact.throughput_statistics(regime(VARIED), replace(model, law=ways))
    both = np.concatenate([speeds, speeds / 2]), np.concatenate([0.75 * weights, 0.25 * weights])
    assert found == pytest.approx(brute_statistics(*both))


def test_of_many_ways_few_lengths_stand_for_all():
    many = regime(UniformLengths(0.0, 1e5))
    law = Peak(100.0, 1)
    lengths, weights = exact._all_lengths(many, served("a", 100))
    assert len(lengths) == 100_001 and weights.sum() == pytest.approx(1)
    ways = served("a", 100, law=Pooled.of([Share(1.0, 1.0, law)] * 2))
    lengths, weights = exact._all_lengths(many, ways)
    assert len(lengths) < 2000 and weights.sum() == pytest.approx(1)
    assert len(lengths) == len(many.output_tokens.nodes((), exact.FINE_PANEL)[0])
    assert len(lengths) > len(many.output_tokens.nodes()[0])
    assert weights @ lengths == pytest.approx(5e4)


def test_what_is_left_of_equal_numbers_is_no_spread():
    found = exact._weighted(np.array([1e6, 1e6 + 1e-9]), np.array([0.5, 0.5]))
    assert found["std"] == 0


def test_what_lies_beyond_the_measured_lengths_by_queries_and_by_time():
    """One token at 1000 tokens/s, four at 500, and two or three were measured."""
    law = LogLinear(np.log(1000), 0.0, -0.5, 1e6, 3)
    for domain, outside in (((2.0, 3.0), [0, 1, 4]), ((0.0, 4.0), []), ((1.0, np.inf), [0])):
        measured = {"input_tokens": (0.0, np.inf), "output_tokens": domain}
        found = exact.extrapolation(
            regime(VARIED), served("a", 1, law=replace(law, domain=measured))
        )
        lengths, weights = np.arange(1.0, 5), np.array([2, 2, 2, 1]) / 8
        time = weights * lengths**1.5
        held = weights * lengths * np.clip(lengths, *domain) ** 0.5
        out = np.isin(lengths, outside)
        share = (0 in outside) / 8 + weights[out].sum()
        assert found == pytest.approx(
            {
                "queries": share,
                "node time": time[out].sum() / time.sum(),
                "held": held.sum() / time.sum(),
            },
            rel=1e-5,
        )
    elsewhere = {"input_tokens": (0.0, INPUT - 1), "output_tokens": (0.0, np.inf)}
    found = exact.extrapolation(regime(VARIED), served("a", 1, law=replace(law, domain=elsewhere)))
    assert found == pytest.approx({"queries": 1, "node time": 1, "held": 1})


@pytest.mark.parametrize("median", [3.0, 30.0, 200.0, 400.0, 700.0])
def test_all_and_none_of_the_queries_lie_beyond_exactly(median):
    """Not but for a rounding error of their weights, which would be told as less than all."""
    of, model = regime(ExponentialLengths(median)), served("a", 1)
    for inputs, expected in (((0.0, INPUT - 1), 1.0), ((0.0, INPUT), 0.0)):
        domain = {"input_tokens": inputs, "output_tokens": (0.0, np.inf)}
        found = exact.extrapolation(of, replace(model, law=replace(model.law, domain=domain)))
        assert [found["queries"], found["node time"]] == [expected, expected]


class Settling(Peak):
    """A law whose error is the smaller the longer the answer."""

    def sigma(self, input_tokens, output_tokens):
        return 0.3 * np.divide(1.0, output_tokens)


@pytest.mark.parametrize(
    ("law", "longest", "least"),
    [
        (Sloped(100.0, 1), 600.0, 0.001),
        (Settling(100.0, 1), 600.0, 0.0005),
        (Settling(1.0, 1), 1.0, 0.3),
    ],
)
def test_the_least_error_is_sought_from_one_token_to_the_longest_answer(law, longest, least):
    model = served("a", 100, law=law, uncertain=True)
    found = exact._least_error(by_hand(), regime(UniformLengths(0.0, longest)), model)
    assert found == pytest.approx(least)


def test_the_blend_is_chosen_by_medians_however_wide_the_others_are():
    wide = served("wide", 100, law=Peak(100.0, 1, residual_sigma=3.0), uncertain=True)
    setup = by_hand(models=(wide, served("slow", 50)), blend=Blend(1, ((0.1, 0.9),)))
    assert exact.regime_energy(setup, regime())[1] == {"slow": 1.0}


@pytest.mark.parametrize(("sigma", "every"), [(0.00999, True), (0.01, False)])
def test_below_a_spread_of_a_hundredth_every_length_is_used(sigma, every):
    many = regime(UniformLengths(0.0, 1e5))
    setup = by_hand(pue=LogNormal(np.log(PUE), sigma))
    energy = exact.model_energy(setup, many, served("a", 100))
    # all but the length of no token, which needs no energy
    assert (len(energy.weights) == 100_000) == every
    # either has the mean of all: 500 s of the node
    assert energy.mean() == pytest.approx(500 * A_SECOND * np.exp(sigma**2 / 2), rel=1e-9)


@pytest.mark.parametrize(("error", "most", "near"), [(0.2, 3_000, 1e-6), (0.0, 20_000, 1e-3)])
def test_of_many_ways_few_lengths_stand_for_all_where_no_factor_spreads_them(
    monkeypatch, error, most, near
):
    many = regime(LogNormalLengths(3000.0, 0.6))
    law = Peak(100.0, 1, residual_sigma=error)
    ways = Pooled.of([Share(1.0, 1.0, law), Share(1.0, 1.0, law.scaled(0.3))])
    model = served("a", 100, law=ways, uncertain=True)
    setup = by_hand(
        pue=LogNormal.fixed(PUE), power_utilisation=Coupling(intercept=0.24, slope=0.56)
    )
    few = exact.model_energy(setup, many, model)
    assert len(few.weights) < most
    monkeypatch.setattr(exact, "_all_lengths", lambda kind, *_: kind.output_tokens.support)
    every = exact.model_energy(setup, many, model)
    assert len(every.weights) > 5 * len(few.weights)
    levels = np.linspace(0.05, 0.95, 19)
    assert [few.quantile(level) for level in levels] == pytest.approx(
        [every.quantile(level) for level in levels], rel=near
    )


def test_panels_are_as_narrow_as_the_least_error_of_the_law_asks():
    lengths = regime(UniformLengths(0.0, 600.0))
    law = Peak(100.0, 1, residual_sigma=0.3)
    for model, setup, least in (
        (served("a", 100, law=law), by_hand(), 0.0),
        (served("a", 100, law=law, uncertain=True), by_hand(), 0.3),
        (
            served("a", 100, law=law, uncertain=True),
            by_hand(power_utilisation=Coupling(0.2, 0.4)),
            0.0,
        ),
    ):
        assert exact._least_error(setup, lengths, model) == least
    ways = Pooled.of([Share(1.0, 1.0, law), Share(1.0, 1.0, replace(law, residual_sigma=0.2))])
    served_so = served("a", 100, law=ways, uncertain=True)
    assert exact._least_error(by_hand(), lengths, served_so) == 0.2

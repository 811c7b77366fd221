"""The seeded Monte Carlo scatters around the engine without sampling as statistics says."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.energy import exact as energy_exact
from inference_energy.energy import monte_carlo
from inference_energy.energy.monte_carlo import Samples
from inference_energy.laws.base import Share
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import ExponentialLengths
from inference_energy.method.setup import Blend, Coupling
from library.energy.by_hand import A_SECOND, PUE, UTILISATION, by_hand, regime, served
from scipy import stats


def test_trimming_keeps_the_bounds():
    kept = monte_carlo.trimmed(np.arange(1, 102.0), [(0.05, 0.95), (0.1, 0.9)])
    assert (kept[0], kept[-1], len(kept)) == (15, 87, 73)
    kept = monte_carlo.trimmed(np.arange(1001.0), [(0.05, 0.95)])
    assert (kept[0], kept[-1], len(kept)) == (50, 950, 901)


def test_the_first_draw_is_that_of_a_fresh_stream_however_often_it_is_asked_for(paper):
    regime, random = paper.regimes["long"], monte_carlo.generator(paper)
    expected = monte_carlo.simulate(paper, regime, random)
    following = random.random(3)
    for _ in range(2):
        samples, rest = monte_carlo.first_draw(paper, regime)
        for name, energy in expected.energy.items():
            np.testing.assert_array_equal(samples.energy[name], energy)
        np.testing.assert_array_equal(rest.random(3), following)


SEEDS = range(100, 120)


@pytest.mark.parametrize("name", ["traditional", "long"])
def test_the_engines_agree_within_the_standard_error(paper, name):
    """Standardise what 20 seeds give for independent models; z has mean 0 and variance 1.

    A sample's quantile at level p has the standard error sqrt(p (1 - p) / n) / f, which is the
    same as saying that the share of samples below the exact quantile is binomial. Five models
    and 20 seeds are 100 independent z for each statistic: their mean is within 4 / sqrt(100) of
    0, and the sum of their squares is chi-squared with 100 degrees of freedom.
    """
    regime = paper.regimes[name]
    exact = {model.name: energy_exact.model_energy(paper, regime, model) for model in paper.models}
    n = paper.monte_carlo.samples
    z = {level: [] for level in (0.25, 0.5, 0.75)} | {"mean": []}
    quantiles = {
        m: {level: e.quantile(level) for level in (0.25, 0.5, 0.75)} for m, e in exact.items()
    }
    for seed in SEEDS:
        samples = monte_carlo.simulate(paper, regime, np.random.RandomState(seed))
        for model, sample in samples.energy.items():
            for level, energy in quantiles[model].items():
                error = np.sqrt(level * (1 - level) / n)
                z[level].append((np.mean(sample <= energy) - level) / error)
            error = exact[model].std() / np.sqrt(n)
            z["mean"].append((sample.mean() - exact[model].mean()) / error)
    low, high = stats.chi2(len(z["mean"])).ppf([1e-4, 1 - 1e-4])
    for statistic, scores in z.items():
        assert abs(np.mean(scores)) < 4 / np.sqrt(len(scores)), statistic
        assert low < np.sum(np.square(scores)) < high, statistic


@pytest.mark.parametrize("name", ["traditional", "long"])
def test_the_engines_agree_on_blend_and_pathways(paper, name):
    """The share of the blend below its exact median, over seeds.

    Trimming at sample quantiles only lessens the scatter of a share near the median, so that the
    binomial standard error bounds it; 20 seeds divide it by sqrt(20).
    """
    regime = paper.regimes[name]
    models, names = energy_exact.regime_energy(paper, regime)
    exact = energy_exact.with_pathways(paper, energy_exact.blend_energy(paper, models, names))
    medians = {pathway: energy.quantile(0.5) for pathway, energy in exact.items()}
    shares = {pathway: [] for pathway in medians}
    for seed in SEEDS:
        random = np.random.RandomState(seed)
        samples = monte_carlo.simulate(paper, regime, random)
        assert samples.blend == names
        blend = monte_carlo.frontier_blend(samples, paper.blend.trim)
        for pathway, sample in monte_carlo.with_pathways(paper, blend, random).items():
            shares[pathway].append(np.mean(sample <= medians[pathway]))
    # the trim bounds move with the sample of the whole model, which has n, not 0.72 n values
    n = 3 * paper.monte_carlo.samples * (paper.blend.levels[1] - paper.blend.levels[0]) ** 2
    error = 0.5 / np.sqrt(n) / np.sqrt(len(SEEDS))
    for pathway, found in shares.items():
        assert abs(np.mean(found) - 0.5) < 4 * error, pathway


def drawn(setup, of=None):
    """Samples of a method by hand, from its own seed."""
    return monte_carlo.simulate(setup, of or regime(), monte_carlo.generator(setup))


def fleet_day(setup, *regimes):
    (day,) = monte_carlo.fleets_energies([replace(setup, regimes={of.name: of for of in regimes})])
    return day


def test_a_second_of_the_node_is_charged_for_every_query():
    setup = by_hand()
    found = drawn(setup)
    for name, seconds in (("a", 3), ("b", 1.5), ("c", 6)):
        assert found.tokens[name].tolist() == [300.0] * 40
        assert found.throughput[name] == pytest.approx(np.full(40, 300 / seconds))
        assert found.energy[name] == pytest.approx(np.full(40, seconds * A_SECOND))
    assert found.blend == {"c": 0.5, "a": 0.5}
    assert list(found.blend) == ["c", "a"]
    charged = drawn(by_hand(input_tokens_per_output_token=10.0))
    assert charged.energy["a"] == pytest.approx(np.full(40, 4 * A_SECOND))
    by_size = drawn(by_hand(blend=Blend(1, (), "parameters")))
    assert by_size.blend == {"b": 1.0}


def test_lengths_utilisation_pue_and_error_are_drawn_in_this_order_for_each_model():
    law = Peak(100.0, 1, residual_sigma=0.2)
    setup = by_hand(
        models=(served("a", 100), served("b", 100, law=law, uncertain=True)),
        power_utilisation=LogNormal(-0.5, 0.3),
        pue=LogNormal(0.2, 0.1),
    )
    lengths = ExponentialLengths(200.0)
    found = drawn(setup, regime(lengths))
    random = np.random.RandomState(7)
    for name, error in (("a", 0.0), ("b", 0.2)):
        tokens = lengths.sample(random, 40)
        utilisation, pue = random.lognormal(-0.5, 0.3, 40), random.lognormal(0.2, 0.1, 40)
        speed = 100 * random.lognormal(0.0, error, 40) if error else np.full(40, 100.0)
        assert found.tokens[name].tolist() == tokens.tolist()
        assert found.throughput[name] == pytest.approx(speed)
        assert found.energy[name] == pytest.approx(tokens / speed * utilisation * pue)


def test_an_utilisation_that_follows_the_throughput_is_not_drawn():
    setup = by_hand(
        models=(served("a", 100, peak=400.0),),
        power_utilisation=Coupling(0.2, 0.4),
        blend=Blend(1, ()),
    )
    assert drawn(setup).energy["a"] == pytest.approx(np.full(40, 3 * 0.3 * PUE))


def test_queries_of_a_model_with_several_ways_are_served_in_their_shares():
    """Half as fast at twice the power, by a quarter of the queries."""
    slow = Peak(50.0, 1, residual_sigma=0.2)
    ways = Pooled.of([Share(3.0, 1.0, Peak(100.0, 1)), Share(1.0, 2.0, slow)])
    model = served("a", 100, law=ways)
    setup = by_hand(models=(model,), blend=Blend(1, ()))
    setup = replace(setup, monte_carlo=replace(setup.monte_carlo, samples=4000))
    found = drawn(setup)
    is_slow = found.throughput["a"] == 50
    assert set(found.throughput["a"]) == {50.0, 100.0}
    assert is_slow.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 4000))
    assert found.energy["a"] == pytest.approx(np.where(is_slow, 12, 3) * A_SECOND)
    uncertain = drawn(replace(setup, models=(replace(model, uncertain=True),))).throughput["a"]
    assert uncertain[~is_slow].tolist() == [100.0] * int((~is_slow).sum())
    assert np.std(np.log(uncertain[is_slow] / 50)) == pytest.approx(0.2, rel=0.1)
    # 1000 tokens of input
    laws = [LogLinear(np.log(speed), -1 / 3, 0.0, 1e6, 5) for speed in (1000.0, 2000.0)]
    ways = Pooled.of([Share(1.0, 1.0, law) for law in laws])
    found = drawn(replace(setup, models=(served("a", 100, law=ways),)))
    assert np.unique(found.throughput["a"].round(9)) == pytest.approx([100, 200])


def test_the_smaller_share_gives_the_first_samples_in_proportion():
    values = {"a": np.arange(10.0), "b": np.arange(100, 110.0)}
    samples = Samples({}, {}, values, {"a": 0.75, "b": 0.25})
    assert monte_carlo.frontier_blend(samples, ()).tolist() == [*range(10), 100, 101, 102]
    cut = monte_carlo.frontier_blend(samples, [(0.1, 0.9)])
    assert cut.tolist() == [*range(1, 9), 101, 102, 103]


def test_every_pathway_has_its_own_draws_and_together_they_are_a_product():
    setup = by_hand(pathways={"hardware": LogNormal(0.5, 0.2), "model": LogNormal.fixed(5.0)})
    blend = np.arange(1, 6.0)
    found = monte_carlo.with_pathways(setup, blend, np.random.RandomState(3))
    hardware = np.random.RandomState(3).lognormal(0.5, 0.2, 5)
    assert list(found) == ["baseline", "hardware", "model", "combined"]
    assert found["baseline"].tolist() == blend.tolist()
    assert found["hardware"] == pytest.approx(blend / hardware)
    assert found["model"] == pytest.approx(blend / 5)
    assert found["combined"] == pytest.approx(blend / hardware / 5)


def test_a_sample_is_described_by_its_own_moments():
    found = monte_carlo.describe(np.array([1.0, 2, 3, 4, 10]))
    assert found == pytest.approx(
        {"n": 5, "mean": 4, "std": np.sqrt(10), "p5": 1.2, "p25": 2, "p50": 3, "p75": 4, "p95": 8.8}
    )
    # what is left of equal numbers is rounding on their scale
    assert monte_carlo.describe(np.array([1e6, 1e6 + 1e-9]))["std"] == 0.0


def test_a_day_of_the_fleet_has_the_means_of_resampled_pools():
    """Both pathways have the same resamples, and no length changes: half of 3, half of 6 Wh."""
    setup = by_hand(pue=LogNormal.fixed(1 / UTILISATION))
    day = fleet_day(setup, regime())["traditional"]
    gwh = 1e8 * 1.1 / 1e9
    random, sums = np.random.RandomState(7), []
    for _ in range(30):
        sums.append(random.choice(np.repeat([6.0, 3.0], 40), 80, replace=True).mean())
    expected = dict(zip(("p5", "p50", "p95"), np.percentile(sums, (5, 50, 95)) * gwh, strict=True))
    assert day["baseline"] == pytest.approx(expected)
    improved = {name: value / 4 for name, value in expected.items()}
    assert day["improved"] == pytest.approx(improved)
    assert list(day) == ["baseline", "improved"]


def test_regimes_of_a_fleet_are_resampled_as_if_each_were_alone():
    """Of the three regimes two have pools of 45 samples, and one, with d in its blend, of 42."""
    d = served("d", 1, 200.0, law=LogLinear(0.0, 0.0, 1.0, 1e6, 5))
    blend = Blend(2, ((0.1, 0.9),), shares="parameters")
    setup = by_hand(pue=LogNormal(0.2, 0.3), blend=blend)
    setup = replace(setup, models=(*setup.models, d))
    improvement = dict.fromkeys(("traditional", "long", "short"), LogNormal(0.5, 0.4))
    overhead = {"traditional": 1.1, "long": 1.5, "short": 1.2}
    fleet = replace(setup.fleet, improvement=improvement, overhead=overhead)
    setup = replace(setup, fleet=fleet)
    regimes = [regime(), regime(600.0, "long"), regime(30.0, "short")]
    sizes = [len(monte_carlo.frontier_blend(drawn(setup, of), ())) for of in regimes]
    assert sizes == [45, 45, 42]
    together = fleet_day(setup, *regimes)
    assert list(together) == ["traditional", "long", "short"]
    for of in regimes:
        assert fleet_day(setup, of) == {of.name: together[of.name]}
    other = replace(setup, monte_carlo=replace(setup.monte_carlo, seed=8, bootstrap=20))
    setups = [replace(one, regimes={of.name: of for of in regimes}) for one in (setup, other)]
    assert monte_carlo.fleets_energies(setups) == [together, fleet_day(other, *regimes)]


def test_the_pool_of_a_fleet_is_that_of_the_seed():
    setup = by_hand(pue=LogNormal(0.2, 0.3))
    pool = monte_carlo.frontier_blend(drawn(setup), ())
    random = np.random.RandomState(7)
    means = [random.choice(pool, 80, replace=True).mean() for _ in range(30)]
    day = fleet_day(setup, regime())["traditional"]
    assert day["baseline"]["p50"] == pytest.approx(np.median(means) * 1e8 * 1.1 / 1e9)


def test_the_improvement_of_a_fleet_is_drawn_after_the_lengths_of_a_figure():
    """One model whose queries all need one Wh: a bootstrap of nothing but the improvement."""
    improvement = LogNormal(0.5, 0.4)
    setup = by_hand(models=(served("a", 300),), pue=LogNormal.fixed(2.0), blend=Blend(1, ()))
    fleet = replace(setup.fleet, improvement={"traditional": improvement})
    day = fleet_day(replace(setup, fleet=fleet), regime())["traditional"]
    random = np.random.RandomState(7)
    random.exponential(size=40)
    one = 1 / improvement.sample(random, 40)
    random = np.random.RandomState(7)
    means = [random.choice(one, 40, replace=True).mean() for _ in range(30)]
    assert day["improved"]["p50"] == pytest.approx(np.median(means) * 1e8 * 1.1 / 1e9)
    assert list(day["baseline"].values()) == pytest.approx([1e8 * 1.1 / 1e9] * 3)

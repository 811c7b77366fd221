"""The seeded Monte Carlo scatters around the engine without sampling as statistics says."""

import numpy as np
import pytest
from inference_energy.energy import exact as energy_exact
from inference_energy.energy import monte_carlo
from scipy import stats


def test_trimming_keeps_the_bounds():
    kept = monte_carlo.trimmed(np.arange(1, 102.0), [(0.05, 0.95), (0.1, 0.9)])
    assert (kept[0], kept[-1], len(kept)) == (15, 87, 73)


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

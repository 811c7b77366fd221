"""The seeded Monte Carlo: the paper's printed numbers, and an independent script's to 9 digits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inference_energy.energy import exact as energy_exact
from inference_energy.energy import monte_carlo
from inference_energy.method.files import resolve
from inference_energy.paper import estimate
from library.energy import reference
from scipy import stats

TABLE = Path(__file__).resolve().parents[3] / "data" / "throughput" / "oviedo.csv"
METHODS = ("oviedo2025", "oviedo2026")


@pytest.fixture(scope="module", params=METHODS)
def both(request, setups, files):
    """A method's expected numbers and its tables."""
    method, setup = request.param, setups[request.param]
    engines = ["published"]
    return {
        "method": method,
        "expected": reference.run(TABLE, method),
        "energy": estimate.energy_per_query(setup, engines),
        "tokens": estimate.output_tokens(setup, engines),
        "fleet": estimate.fleet(setup, engines),
        "sensitivity": estimate.sensitivity(
            setup, resolve(method, files)["sensitivities"], engines
        ),
    }


def value(table, **where):
    """The one value of a table at a place."""
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    assert len(table) == 1, where
    return float(table["value"].iloc[0])


def expected_of(both, kind):
    found = {key[1:]: number for key, number in both["expected"].items() if key[0] == kind}
    assert found
    return found


def test_energy_is_that_of_the_sequential_script(both):
    expected = expected_of(both, "energy")
    assert len(expected) == len(both["energy"])
    for (regime, subject, pathway, statistic), number in expected.items():
        where = {"regime": regime, "subject": subject, "pathway": pathway, "statistic": statistic}
        assert value(both["energy"], **where) == pytest.approx(number, rel=1e-10), where


def test_output_tokens_are_those_of_the_sequential_script(both):
    for (regime, statistic), number in expected_of(both, "tokens").items():
        found = value(both["tokens"], regime=regime, statistic=statistic)
        assert found == pytest.approx(number, rel=1e-12)


def test_fleet_is_that_of_the_sequential_script(both):
    for (regime, pathway, statistic), number in expected_of(both, "fleet").items():
        where = {"scenario": regime, "pathway": pathway, "statistic": statistic}
        assert value(both["fleet"], **where) == pytest.approx(number, rel=1e-10), where


def test_sensitivities_are_those_of_the_sequential_script(both):
    table = both["sensitivity"][both["sensitivity"]["subject"] == "frontier blend"]
    lengths = expected_of(both, "input_tokens")
    coupled = expected_of(both, "power_utilisation_coupling")
    assert len(lengths) + len(coupled) == len(table)
    for (regime, length, pathway, statistic), number in lengths.items():
        where = {"analysis": "input_tokens", "setting": str(length), "regime": regime}
        where |= {"pathway": pathway, "statistic": statistic}
        assert value(table, **where) == pytest.approx(number, rel=1e-10), where
    for (regime, pathway, statistic), number in coupled.items():
        where = {"analysis": "power_utilisation_coupling", "regime": regime}
        where |= {"pathway": pathway, "statistic": statistic}
        assert value(table, **where) == pytest.approx(number, rel=1e-10), where


PRINTED = [
    ("oviedo2025", "traditional", (0.341, 0.182, 0.665)),
    ("oviedo2025", "long", (4.320, 2.382, 7.782)),
]


@pytest.mark.parametrize(("method", "regime", "numbers"), PRINTED)
def test_first_versions_blend(setups, method, regime, numbers):
    table = estimate.energy_per_query(setups[method], ["published"])
    where = {"regime": regime, "subject": "frontier blend", "pathway": "baseline"}
    found = [value(table, **where, statistic=p) for p in ("p50", "p25", "p75")]
    assert [round(v, 3) for v in found] == list(numbers)


def test_second_versions_medians_and_token_quartiles(both):
    if both["method"] != "oviedo2026":
        pytest.skip("numbers of the second version")
    where = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}
    assert round(value(both["energy"], **where, regime="traditional"), 2) == 0.31
    assert round(value(both["energy"], **where, regime="long"), 2) == 3.91
    tokens = [
        value(both["tokens"], regime=regime, statistic=p)
        for regime in ("traditional", "long")
        for p in ("p25", "p75")
    ]
    assert [round(v) for v in tokens] == [129, 618, 2040, 9717]


def test_first_versions_fleet(both):
    if both["method"] != "oviedo2025":
        pytest.skip("numbers of the first version")
    places = [("traditional", "baseline"), ("mixed", "baseline"), ("mixed", "improved")]
    found = [value(both["fleet"], scenario=s, pathway=p, statistic="p50") for s, p in places]
    assert [round(v, 2) for v in found] == [0.81, 1.89, 0.88]


def test_input_length_matters_more_than_coupled_utilisation(both):
    if both["method"] != "oviedo2026":
        pytest.skip("numbers of the second version")
    table = both["sensitivity"]
    where = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}
    by_length = [
        value(table, **where, analysis="input_tokens", setting=length, regime="traditional")
        for length in ("500", "1000", "5000")
    ]
    assert [round(v, 2) for v in by_length] == [0.33, 0.50, 2.15]
    change = {}
    for regime in ("traditional", "long"):
        coupled = value(table, **where, analysis="power_utilisation_coupling", regime=regime)
        change[regime] = coupled / value(both["energy"], **where, regime=regime) - 1
        if regime == "long":
            assert round(coupled, 2) == 4.71
    assert {k: round(100 * v, 1) for k, v in change.items()} == {"traditional": 3.5, "long": 20.6}


def test_a_70b_model_enters_the_blend_of_long_prompts(paper, both):
    regime = paper.regimes["traditional"]
    names = {
        length: set(
            energy_exact.regime_energy(
                replace(paper, input_tokens_per_output_token=30.0),
                replace(regime, input_tokens=length),
            )[1]
        )
        for length in (500.0, 1000.0, 5000.0)
    }
    assert [("Llama 3.1 70B" in names[length]) for length in names] == [False, True, True]
    for length, expected in names.items():
        assert set(both["expected"]["blend", "traditional", int(length)]) == expected


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

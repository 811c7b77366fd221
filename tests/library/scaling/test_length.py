"""Test-time scaling follows from Eq. 1: closed forms, limits and monotone directions."""

from dataclasses import replace

import numpy as np
import pytest
from inference_energy.energy import exact
from inference_energy.energy.equation import query_energy
from inference_energy.errors import InputError
from inference_energy.laws.additive import Additive
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.method import setup as method_setup
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import ExponentialLengths
from inference_energy.method.setup import (
    UNTRIMMED,
    Blend,
    Fleet,
    MonteCarlo,
    Regime,
    ServedModel,
    Setup,
)
from inference_energy.scaling import agents, crossing
from inference_energy.scaling import length as scaling_length

DOMAIN = {"input_tokens": (100.0, 5000.0), "output_tokens": (100.0, 2000.0)}
UTILISATION = LogNormal.from_percentiles(0.4, 0.9)
PUE = LogNormal.from_percentiles(1.05, 1.6)
ADDITIVE = Additive(np.array([1e-4, 2e-5, 1e-9, 3e-8, 5e-8]), 5, DOMAIN)


def make_setup(*laws):
    """A method with one model per law and the paper's factors."""
    models = tuple(
        ServedModel(f"model {i}", replace(law, domain=DOMAIN), 10.0, 1000.0)
        for i, law in enumerate(laws)
    )
    return Setup(
        models=models,
        power_utilisation=UTILISATION,
        pue=PUE,
        regimes={
            name: Regime(name, ExponentialLengths(median), 500.0)
            for name, median in {"traditional": 300, "long": 5000}.items()
        },
        input_tokens_per_output_token=None,
        blend=Blend(len(models), ((0.05, 0.95), (0.1, 0.9))),
        pathways={},
        fleet=Fleet(
            1e9,
            0.1,
            {"traditional": 1.3, "long": 1.2},
            {name: LogNormal.from_percentiles(1.5, 3.5) for name in ("traditional", "long")},
        ),
        monte_carlo=MonteCarlo(42, 100, 10, {}),
    )


@pytest.fixture
def flat():
    """A method whose throughput does not depend on the lengths."""
    return make_setup(Peak(1000.0, 1))


def test_energy_at_a_length_is_equation_1(flat):
    table = scaling_length.energy_by_length(flat, [200.0])
    value = table.set_index(["subject", "statistic"])["value"]
    middle = query_energy(200, 1000, 10, np.exp(UTILISATION.mu), np.exp(PUE.mu))
    assert value["model 0", "p50"] == pytest.approx(middle, rel=1e-9)
    mean = query_energy(200, 1000, 10, UTILISATION.moment(1), PUE.moment(1))
    assert value["model 0", "mean"] == pytest.approx(mean, rel=1e-9)


def test_energy_grows_with_length_and_is_marked_outside_the_laws_lengths():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 4000.0, 4), ADDITIVE)
    table = scaling_length.energy_by_length(setup, [10, 100, 2000, 10_000, 1_000_000])
    for _, rows in table[table["statistic"] == "p50"].groupby("subject"):
        assert (np.diff(rows["value"]) > 0).all()
        assert list(rows["extrapolated"]) == ["yes", "no", "no", "yes", "yes"]


def test_mean_over_median_has_its_closed_form_where_throughput_is_flat(flat):
    """Mean of a rounded exponential, times that of the log-normals, over the solved median."""
    table = scaling_length.cost_of_length(flat, 15.0)
    found = table.set_index(["compared", "subject", "statistic", "quantity"])["value"]
    rate = np.log(2) / 5000
    # sum over k of k P(round(L) = k) for an exponential L
    tokens = np.exp(-rate / 2) / (1 - np.exp(-rate))
    mean = query_energy(tokens, 1000, 10, UTILISATION.moment(1), PUE.moment(1))
    assert found["long", "model 0", "mean", "energy compared"] == pytest.approx(mean, rel=1e-6)
    energy = exact.model_energy(flat, flat.regimes["long"], flat.models[0])
    assert energy.cdf(found["long", "model 0", "p50", "energy compared"]) == pytest.approx(0.5)
    skew = found["long", "model 0", "mean over median", "energy compared"]
    assert skew == pytest.approx(mean / energy.quantile(0.5), rel=1e-6)
    assert skew > 1


def test_the_factors_of_the_ratio_multiply_to_it():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 600.0, 4), Peak(900.0, 2), ADDITIVE)
    table = scaling_length.cost_of_length(setup, 15.0)
    cells = table[table["statistic"] != "mean over median"]
    wide = cells.set_index(["compared", "subject", "statistic", "quantity"])["value"].unstack()
    product = wide["tokens ratio"] * wide["throughput factor"] * wide["cap factor"]
    np.testing.assert_allclose(product, wide["energy ratio"], rtol=1e-12)
    flat_model = wide.xs("model 1", level="subject")
    np.testing.assert_allclose(flat_model["cap factor"], 1)
    capped = wide.xs("model 0", level="subject")["cap factor"]
    assert (capped > 1).any()


def test_flat_throughput_leaves_the_ratio_of_tokens(flat):
    table = scaling_length.cost_of_length(flat, 15.0)
    means = table[(table["statistic"] == "mean") & (table["subject"] == UNTRIMMED)]
    for _, rows in means.groupby("compared"):
        value = rows.set_index("quantity")["value"]
        assert value["energy ratio"] == pytest.approx(value["tokens ratio"], rel=1e-9)


@pytest.mark.parametrize("law", [LogLinear(7.0, -0.3, 0.2, 4000.0, 4), Peak(900.0, 2), ADDITIVE])
def test_a_step_without_cache_is_a_query(law):
    seconds = agents.step_seconds(law, 1000.0, 0.0, 300.0)
    assert seconds == pytest.approx(300 / law.predict(1000.0, 300.0), rel=1e-12)


@pytest.mark.parametrize("law", [LogLinear(7.0, -0.3, 0.2, 4000.0, 4), ADDITIVE])
def test_cached_input_never_costs_more(law):
    cached = np.linspace(0, 9000, 10)
    seconds = agents.step_seconds(law, 10_000.0, cached, 300.0)
    assert (np.diff(seconds) <= 0).all()


def test_the_cache_of_an_additive_law_saves_computing_not_reading():
    full, none = agents.step_seconds(ADDITIVE, 8000.0, np.array([8000.0, 0.0]), 200.0)
    d, p, q, r, c = ADDITIVE.coefficients
    assert none - full == pytest.approx(p * 8000 + q * 8000**2, rel=1e-12)
    assert full == pytest.approx(200 * (d + r * 8200 + c * 8100), rel=1e-12)


def test_one_step_of_an_agent_is_a_query(flat):
    task = agents.Task("one", 1, 500.0, 1.0, 200.0, 1.0, 0.0)
    for model in make_setup(ADDITIVE, Peak(1000.0, 1)).models:
        energy, _ = agents.task_energy(flat, model, task, prefix_caching=True)
        query = exact.model_energy(flat, method_setup.fixed_regime(500, 200), model)
        assert energy.quantile(0.5) == pytest.approx(query.quantile(0.5), rel=1e-9)


def test_samples_multiply_without_cache_and_share_the_prompt_with_it(flat):
    task = agents.Task("several", 3, 5000.0, 100.0, 200.0, 1.0, 0.0)
    model = make_setup(ADDITIVE).models[0]
    one = agents.task_energy(flat, model, task, False, 1)[0].moment(1)
    assert agents.task_energy(flat, model, task, False, 8)[0].moment(1) == pytest.approx(8 * one)
    shared = agents.task_energy(flat, model, task, True, 1)[0].moment(1)
    eight = agents.task_energy(flat, model, task, True, 8)[0].moment(1)
    assert shared < eight < 8 * shared


def test_context_grows_by_what_is_added_and_written():
    task = agents.Task("grows", 4, 1000.0, 200.0, 50.0, 1.0, 0.0)
    np.testing.assert_allclose(task.contexts, [1000, 1250, 1500, 1750])
    # all but the new input of each step is in the cache
    np.testing.assert_allclose(task.contexts - task.cached(True), [1000, 200, 200, 200])
    assert not task.cached(False).any()


def test_an_observed_task_has_the_means_of_its_trace():
    totals = {
        "sessions": 10,
        "steps": 500,
        "input_tokens": 500 * 40_000,
        "cached_tokens": 500 * 36_000,
        "output_tokens": 500 * 400,
    }
    task = agents.observed_task("trace", totals, 10_000, 5.0)
    assert task.steps == 50
    assert task.contexts.mean() == pytest.approx(40_000)
    assert task.cached(True).mean() == pytest.approx(36_000)
    assert task.step_output == 400


def test_a_trace_with_a_shorter_mean_than_the_first_input_is_refused():
    totals = {
        "sessions": 1,
        "steps": 10,
        "input_tokens": 1e5,
        "cached_tokens": 0,
        "output_tokens": 1e3,
    }
    with pytest.raises(InputError, match="first_input_tokens = 20000"):
        agents.observed_task("trace", totals, 20_000, 0.0)


def test_a_shifted_mixture_of_queries_is_twice_the_baseline():
    double = crossing.doubling(0.5, 8.0)
    assert double["added"] * 8.0 == pytest.approx(0.5)
    share = double["replaced"]
    assert (1 - share) * 0.5 + share * 8.0 == pytest.approx(2 * 0.5)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_an_intervention_brings_the_fleet_back_to_the_baseline(share):
    need = crossing.intervention(0.5, 8.0, share)
    assert ((1 - share) * 0.5 + share * 8.0) / need["all"] == pytest.approx(0.5)
    assert (1 - share) * 0.5 + share * 8.0 / need["long"] == pytest.approx(0.5)


def test_crossing_points_use_the_fleets_own_means(flat):
    config = {
        "long_shares": {"values": [0.1]},
        "years": {"values": [1, 5]},
        "demand_growth": {"values": [0.5]},
        "efficiency": {"values": [2]},
        "rebound": {"values": [0, 1]},
    }
    table = crossing.crossing(flat, config)
    mean = table[(table["basis"] == "mean") & (table["analysis"] == "intervention")]
    fleet = mean[mean["quantity"] == "fleet"].set_index("long_share")["value"]
    days = {r: exact.fleet_energy(flat, flat.regimes[r])["baseline"] for r in flat.regimes}
    assert fleet[0.0] == pytest.approx(days["traditional"]["mean"])
    mixed = 0.9 * days["traditional"]["mean"] + 0.1 * days["long"]["mean"]
    assert fleet[0.1] == pytest.approx(mixed)
    growth = table[(table["analysis"] == "growth") & (table["quantity"] == "fleet")]
    assert growth.loc[growth["years"] == 0, "value"].to_numpy() == pytest.approx(mixed)


def test_without_rebound_efficiency_counts_in_full_and_with_all_of_it_not_at_all():
    assert crossing.fleet_over_start(3, 0.5, 2.0, 0) == pytest.approx((1.5 / 2) ** 3)
    assert crossing.fleet_over_start(3, 0.5, 2.0, 1) == pytest.approx(1.5**3)
    assert crossing.fleet_over_start(3, 0.5, 2.0, 1.5) > 1.5**3
    even = crossing.break_even_rebound(0.5, 2.0)
    assert crossing.fleet_over_start(7, 0.5, 2.0, even) == pytest.approx(1)


def test_an_uncapped_law_is_never_slower():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 600.0, 4))
    free = scaling_length.uncapped(setup).models[0].law
    lengths = np.geomspace(1, 1e6, 30)
    capped = setup.models[0].law.predict(500, lengths)
    assert (free.predict(500, lengths) >= capped).all()
    assert replace(free, peak=600.0) == setup.models[0].law

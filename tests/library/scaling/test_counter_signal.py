"""The inversion and Eq. 1 undo each other, and the counter-signal's table is consistent."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.errors import InputError
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.method.setup import UNTRIMMED
from inference_energy.scaling import counter_signal
from inference_energy.tables import read_table
from library.scaling.made_up import ADDITIVE, make_setup
from repository import ROOT

CLAIM = (600.0, 6300.0)
CONFIG = {
    "wall_minutes": {"value": 80},
    "chain_tokens": {"values": [10_000, 100_000]},
    "utilisation": {"values": [1, 0.1]},
    "large_model": {"value": 200},
    "query_shares": {"values": [1e-4, 0.01]},
}
COUNTS = pd.DataFrame(
    {
        "id": ["one", "many"],
        "subject": ["a query", "a task"],
        "total_tokens": [10_000.0, 6e6],
        "total_calls": [1, 600],
        "units": [1, 100],
    }
)
MEASURED = pd.DataFrame(
    {
        "model_id": ["large", "large", "small"],
        "task": ["gpqa", "gpqa", "chat"],
        "params_total_b": [400, 400, 8],
        "inter_token_latency_ms": [20.0, 50.0, 5.0],
        "energy_per_token_j": [2.0, 8.0, 0.1],
    }
)
RATES = counter_signal.decode_rates(MEASURED, 200)
positive = st.floats(0.01, 1e4)


@given(st.floats(0.01, 100), positive, positive, st.floats(0.01, 1), positive)
def test_the_needed_factor_gives_back_the_energy(chain, chains, replicas, utilisation, overhead):
    energy = counter_signal.problem_energy(chain, chains, replicas, utilisation, overhead)
    factor = counter_signal.needed_factor(energy, chain)
    assert factor == pytest.approx(chains * replicas * overhead / utilisation)
    assert counter_signal.problem_energy(chain, factor) == pytest.approx(energy)


@pytest.mark.parametrize("law", [LogLinear(7.0, -0.3, 0.2, 4000.0, 4), Peak(900.0, 2), ADDITIVE])
@pytest.mark.parametrize("energy", CLAIM)
def test_the_length_of_one_chain_round_trips_through_equation_1(law, energy):
    chains = counter_signal._Chains(make_setup(law))
    length = counter_signal.chain_length(energy, lambda n: chains.energy("model 0", n))
    assert chains.energy("model 0", length) == pytest.approx(energy, rel=1e-9)


def test_a_length_that_cannot_be_reached_is_infinite():
    assert counter_signal.chain_length(1.0, lambda tokens: 1e-20 * tokens) == np.inf


def test_every_combination_in_the_table_gives_the_claim():
    setup = make_setup(LogLinear(7.0, -0.3, 0.2, 4000.0, 4), ADDITIVE)
    table = counter_signal.counter_signal(setup, "test", CONFIG, CLAIM, COUNTS, RATES)
    chains = counter_signal._Chains(setup)
    rows = table[table["quantity"] == "chains in parallel"]
    rows = rows[rows["setting"].str.contains("utilisation")]
    assert len(rows) == 3 * 2 * 2 * 2
    for row in rows.itertuples():
        tokens, utilisation = row.setting.split(" tokens each, utilisation ")
        one = chains.energy(row.subject, float(tokens))
        energy = counter_signal.problem_energy(one, row.value, utilisation=float(utilisation))
        assert energy == pytest.approx(row.energy_wh, rel=1e-9)


def test_a_published_count_needs_the_factor_between_it_and_the_claim():
    table = counter_signal.counter_signal(
        make_setup(ADDITIVE), "test", CONFIG, CLAIM, COUNTS, RATES
    )
    one = table[(table["setting"] == "many") & (table["subject"] == "model 0")]
    energy = one.loc[one["quantity"] == "energy at a published count", "value"].item()
    chains = counter_signal._Chains(make_setup(ADDITIVE))
    # six calls of 10,000 tokens
    assert energy == pytest.approx(6 * chains.energy("model 0", 10_000))
    factors = one[one["quantity"] == "factor to the claim from a published count"]
    np.testing.assert_allclose(factors["value"] * energy, factors["energy_wh"])


@pytest.mark.parametrize("charge", [None, 30])
def test_a_dedicated_node_draws_its_utilised_power_with_pue(charge):
    setup = replace(make_setup(Peak(1000.0, 1)), input_tokens_per_output_token=charge)
    table = counter_signal.counter_signal(setup, "test", CONFIG, CLAIM, COUNTS, RATES)
    nodes = table[table["quantity"] == "dedicated nodes"].set_index("energy_wh")["value"]
    power = 10_000 * np.exp(setup.power_utilisation.mu + setup.pue.mu)
    assert nodes[600.0] == pytest.approx(600 / (power * 80 / 60), rel=1e-9)


def test_rare_problems_move_the_mean_and_not_the_median():
    table = counter_signal.counter_signal(
        make_setup(ADDITIVE), "test", CONFIG, CLAIM, COUNTS, RATES
    )
    own = table[(table["subject"] == UNTRIMMED) & (table["energy_wh"] == 6300.0)]
    value = own.set_index(["quantity", "setting"])["value"]
    before = table.set_index(["quantity", "setting"])["value"]
    base = before["median without such problems", "traditional"]
    rare = "share 0.01 of the queries"
    assert value["median with such problems", rare] < 1.05 * base
    assert value["mean with such problems", rare] > 10 * base


def test_decode_rates_are_those_of_large_models():
    assert RATES["max"] == pytest.approx(50)
    assert RATES["min"] == pytest.approx(20)


def test_tokens_for_the_claim_follow_from_the_energy_per_token():
    table = counter_signal.measured_signal(MEASURED, CONFIG, CLAIM, COUNTS)
    rows = table[table["quantity"] == "tokens of all chains, accelerators only"]
    best = rows[(rows["setting"] == "best") & (rows["energy_wh"] == 600)]
    assert best["value"].item() * 2.0 == pytest.approx(600 * 3600)
    made = table[table["quantity"] == "tokens of a chain in 80 min"].set_index("setting")["value"]
    assert made["max"] == pytest.approx(50 * 80 * 60)


def test_a_claim_without_both_ends_is_refused():
    estimates = pd.DataFrame(
        {"id": ["a"], "low_wh": [600.0], "high_wh": [np.nan], "verification": ["not found"]}
    )
    for name in ("a", "b"):
        with pytest.raises(InputError, match=r"counter_signal\.estimate"):
            counter_signal.claimed_energy(estimates, name)


def test_the_tokens_of_a_call_are_held_against_the_context_of_its_model():
    """900,000 of one call of DeepSeek-R1, whose context is 163,840, made 493 Wh of 6.99."""
    counts = read_table(ROOT / "data/published/token_counts.csv", "token_counts")
    models = read_table(ROOT / "data/models.csv", "models")
    counter_signal.check_counts(counts, models)
    row = counts["id"] == "r1-gpqa"
    for calls in (1, 2):
        many = counts.assign(total_calls=counts["total_calls"].mask(row, calls))
        most = 4 * 163_840 * calls
        fits = many.assign(total_tokens=many["total_tokens"].mask(row, most))
        counter_signal.check_counts(fits, models)
        over = many.assign(total_tokens=many["total_tokens"].mask(row, most + 4))
        with pytest.raises(InputError) as error:
            counter_signal.check_counts(over, models)
        (told,) = error.value.problems
        assert told.startswith("data/published/token_counts.csv, id r1-gpqa: columns")
        assert (
            f"values {most + 4}, {calls}: " in told and "the context of DeepSeek-R1, 163840" in told
        )
        assert "allowed is at most 4 times" in told

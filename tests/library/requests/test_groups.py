"""Energy of hours and tenants."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from inference_energy.requests import answers, groups
from inference_energy.requests.counts import SUMS
from library.requests.grouped import charged


@pytest.mark.parametrize("name", ["hours", "tenants"])
def test_sums_are_the_same_to_the_bit_however_groups_are_added_up(answered, name):
    serving, counts, table = answered
    whole = charged(serving, counts, table, name)
    assert whole["n"].sum() == counts[name]["n"].sum()
    random, sums = np.random.default_rng(3), list(SUMS)
    some, rest = counts[name].copy(), counts[name].copy()
    some[sums] = random.integers(0, rest[sums] + 1)
    rest[sums] -= some[sums]
    split = pd.concat([some, rest]).sample(frac=1, random_state=3)
    found = charged(serving, counts | {name: split}, table, name)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)


def test_an_hour_of_which_every_request_is_taken_away_is_none(answered):
    """As one that has duplicates alone."""
    serving, counts, table = answered
    hours = counts["hours"]
    gone = hours[hours["hour"] == hours["hour"].min()]
    less = gone.assign(**{name: -gone[name] for name in SUMS})
    found = charged(serving, counts | {"hours": pd.concat([hours, less])}, table, "hours")
    assert set(found["hour"]) == set(hours["hour"]) - set(gone["hour"])


def test_a_group_is_charged_by_the_rates_of_its_cell(answered):
    serving, counts, table = answered
    of_cells, hours = answers.rates(serving, counts["lengths"], table), counts["hours"]
    own = hours.assign(model=hours["model"].fillna("")).join(of_cells, on=of_cells.index.names)
    computed = own["input"] - own["cached"]
    found = charged(serving, counts, table, "hours")
    for name in answers.SUMMED:
        energy = own["n"] * own[f"{name}_rest"] + computed * own[f"{name}_prefill"]
        energy += own["cached"] * own[f"{name}_cached"] + own["output"] * own[f"{name}_decode"]
        expected = energy.groupby(own["hour"]).sum().to_numpy()
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)


def test_rates_of_no_energy_are_none(answered):
    serving, counts, table = answered
    none = 0.0 * answers.rates(serving, counts["lengths"], table)
    with duckdb.connect() as connection:
        connection.register("hours", counts["hours"])
        found = groups.charged(connection, "hours", none)
    assert not found[list(answers.SUMMED)].to_numpy().any()

"""Coefficients against runs with prefill and decode apart."""

import numpy as np
import pytest
from inference_energy.coefficients.disaggregated import (
    ALLOWED,
    ENGINES,
    ROLES,
    Prefill,
    compare,
)
from inference_energy.laws.at_load import AtLoadFit
from inference_energy.power.ways import fit_gpu_power
from repository import read


@pytest.fixture(scope="module")
def compared():
    path = "results/validation/coefficients_disaggregated.csv"
    return read(path, "coefficients_disaggregated")


def test_every_disaggregated_run_is_compared_in_both_roles(compared, hardware):
    runs = hardware["inferencex"].query("disaggregated == 'yes'").set_index("id")
    assert set(runs["engine"]) <= set(ENGINES)
    for role, column in zip(
        ROLES, ("prefill_energy_per_input_token_j", "decode_energy_per_output_token_j"), strict=True
    ):
        own = compared[compared["role"] == role].set_index("id")
        assert own["measured_j"].to_dict() == runs[column].astype(float).to_dict()


def test_the_factor_and_its_verdict_follow_from_the_energies(compared):
    over = compared["predicted_j"] / compared["measured_j"]
    np.testing.assert_allclose(compared["factor"], np.maximum(over, 1 / over), rtol=1e-4)
    assert (compared["within"].eq("yes") == (compared["factor"] <= ALLOWED)).all()


def test_the_committed_comparison_is_that_of_the_library(compared, hardware, rows):
    few = hardware | {"inferencex": hardware["inferencex"].query("id in (440437, 440864)")}
    again = compare(AtLoadFit.fit(rows), fit_gpu_power(hardware), few)
    known = compared.set_index(["id", "role"])
    for column in ("predicted_j", "attention_share", "at_work", "working_w"):
        for row in again.set_index(["id", "role"]).itertuples():
            expected = known.loc[row.Index, column]
            assert getattr(row, column) == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_only_prefill_waits(compared):
    prefill, decode = (compared[compared["role"] == role] for role in ROLES)
    assert decode[["attention_share", "at_work", "working_w", "working_j"]].isna().all(axis=None)
    assert prefill["attention_share"].between(0, 0.5).all()
    waits = prefill["at_work"] < 1
    assert waits.any()
    assert (prefill["predicted_j"] > prefill["working_j"])[waits].all()


def test_prefill_that_waits_by_hand():
    # a query comes every 2 s, its input takes 0.5 s on each of the GPUs
    pool = Prefill(4.0, 32.0, 8.0, 16.0, working_w=900.0, idle_w=100.0)
    assert pool.at_work == pytest.approx(0.25)
    assert pool.work == pytest.approx(4 * 900)
    assert pool.energy == pytest.approx(8 * 2 * (0.25 * 900 + 0.75 * 100))
    # of 4,800 J, 3,200 go with the time of prefill, and 1,600 with that between queries
    assert pool.sigma(0.3, 0.3) == pytest.approx(0.3 * np.hypot(3200, 1600) / 4800)


def test_prefill_that_decode_waits_for_does_not_wait():
    pool = Prefill(8.0, 8.0, 4.0, 16.0, working_w=900.0, idle_w=100.0)
    assert pool.at_work == 1
    assert pool.energy == pool.work
    assert pool.sigma(0.3, 0.5) == 0.3

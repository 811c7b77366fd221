"""Coefficients against runs with prefill and decode apart."""

import numpy as np
import pytest
from inference_energy.coefficients.disaggregated import (
    ALLOWED,
    ENGINES,
    ROLES,
    compare,
    kept_entries,
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
    for column in ("predicted_j", "attention_share", "kept_j"):
        for row in again.set_index(["id", "role"]).itertuples():
            expected = known.loc[row.Index, column]
            assert getattr(row, column) == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_less_attention_takes_off_its_share_of_prefill(compared):
    prefill, decode = (compared[compared["role"] == role] for role in ROLES)
    assert decode[["attention_share", "kept_j"]].isna().all(axis=None)
    least = prefill["predicted_j"] * (1 - prefill["attention_share"])
    assert (prefill["kept_j"] > least).all()
    assert (prefill["kept_j"] < prefill["predicted_j"]).all()


def test_a_cache_of_every_token_keeps_all_and_a_compressed_one_some(hardware):
    models = hardware["models"].set_index("model")
    assert kept_entries(models.loc["DeepSeek-R1"]) == 1
    # an entry of 512 values per 4 tokens in half of the layers, and per 128 in the others
    assert kept_entries(models.loc["DeepSeek-V4-Pro"]) == pytest.approx(
        (1 / 4 + 1 / 128) / 2, rel=0.05
    )

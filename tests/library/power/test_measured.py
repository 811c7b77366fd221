"""Measured runs as rows."""

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.power.measured import check_roles, from_inferencex, rows
from repository import read


def test_energy_per_token_is_power_over_throughput(runs):
    energy = runs["gpu_power_w"] * runs["gpus"].astype(float) / runs["throughput_tps"]
    np.testing.assert_allclose(energy, runs["energy_per_token_j"], rtol=0.01)


def test_disaggregated_runs_are_no_rows(inferencex):
    whole = from_inferencex(inferencex)
    assert len(whole) == (inferencex["disaggregated"] == "no").sum()
    assert len(rows(read("data/measured/mlenergy_v3.csv", "mlenergy"), inferencex)) == 530


def test_committed_roles_agree(inferencex):
    check_roles(inferencex, "here.csv")


def test_joules_of_one_role_are_refused(inferencex):
    """0.685 J per token was read where 2.296 J was right."""
    i = inferencex.index[inferencex["disaggregated"] == "yes"][0]
    wrong = inferencex.copy()
    wrong.loc[i, "energy_per_output_token_j"] *= 0.685 / 2.296
    with pytest.raises(InputError) as error:
        check_roles(wrong, "here.csv")
    (problem,) = error.value.problems
    assert problem.startswith(f"here.csv: id {wrong.loc[i, 'id']}: decode GPUs take ")
    assert problem.endswith("correct or leave out")

"""Errors on left-out groups."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.power.gpu import GpuPower
from inference_energy.power.scores import (
    MEASURED,
    PREDICTED,
    SPLITS,
    failures,
    laws_without,
    left_out,
    scores,
)
from library.power.conftest import IDLE
from repository import read


@pytest.fixture(scope="module")
def some(runs):
    """A few groups of every kind."""
    few = runs["network"].isin(["Qwen3 8B", "Nemotron Nano 9B v2", "Qwen3 30B A3B"])
    return runs[few | (runs["source_id"] == "inferencex-power")]


def predictions(rows):
    """Power of every run by laws that have not seen its group."""
    loaded = rows.assign(load=GpuPower.fit(rows, IDLE).load(rows))
    return left_out(loaded, laws_without(rows, IDLE))


def test_every_run_is_predicted_once_per_split(some):
    found = predictions(some)
    swept = (some["source_id"] == "mlenergy-v3").sum()
    counts = found["left_out"].value_counts()
    assert counts.to_dict() == dict.fromkeys(SPLITS, swept) | {"source": len(some) - swept}


def test_the_power_of_a_group_that_is_left_out_changes_nothing(some):
    changed = some.copy()
    other = changed["network"] == "Qwen3 8B"
    changed.loc[other, "gpu_power_w"] *= 0.7
    before, after = (predictions(rows) for rows in (some, changed))
    own = (before["left_out"] == "model") & (before["model"] == "Qwen/Qwen3-8B")
    np.testing.assert_array_equal(before.loc[own, "predicted_w"], after.loc[own, "predicted_w"])
    rest = before["left_out"] == "GPU"
    assert (before.loc[rest, "predicted_w"] != after.loc[rest, "predicted_w"]).all()


def test_a_model_is_left_out_with_those_of_its_architecture(some, runs):
    """Llama 3.3 70B is Llama 3.1 70B trained further: it would give away what the other draws."""
    twins = ["Llama 3.1 70B", "Llama 3.3 70B"]
    every = pd.concat([some, runs[runs["network"].isin(twins)]])
    changed = every.copy()
    changed.loc[changed["network"] == twins[1], "gpu_power_w"] *= 0.7
    before, after = (predictions(rows) for rows in (every, changed))
    own = before["left_out"].eq("model") & before["model"].str.contains("Llama-3.1-70B")
    assert own.any()
    np.testing.assert_array_equal(before.loc[own, "predicted_w"], after.loc[own, "predicted_w"])


def test_scores_by_hand():
    predicted = pd.DataFrame(
        {
            "left_out": "task",
            "architecture": "moe",
            "measured_w": [100.0, 200.0],
            "predicted_w": [110.0, 200.0],
            "p5_w": [90.0, 210.0],
            "p25_w": [105.0, 190.0],
            "p75_w": [115.0, 210.0],
            "p95_w": [120.0, 220.0],
        }
    )
    found = scores(predicted, "power", "w").set_index(["architecture", "statistic"])["value"]
    assert found["all", "median_factor"] == pytest.approx(np.sqrt(1.1))
    assert found["all", "coverage_50"] == 50
    assert found["all", "coverage_90"] == 50
    widths = np.log([120 / 90, 220 / 210])
    assert found["moe", "interval_score"] == pytest.approx(
        (widths.sum() + 20 * np.log(210 / 200)) / 2
    )


@pytest.mark.parametrize(("quantity", "unit"), [(MEASURED, "w"), (PREDICTED, "j")])
def test_committed_scores_are_those_of_the_committed_predictions(quantity, unit):
    predicted = read("results/validation/power_predictions.csv", "power_predictions")
    committed = read("results/validation/power_scores.csv", "power_scores")
    own = committed[committed["quantity"] == quantity]
    again = scores(predicted[predicted[f"measured_{unit}"].notna()], quantity, unit)
    keys = ["left_out", "architecture", "statistic"]
    both = own.merge(again, on=keys, validate="one_to_one")
    assert len(both) == len(own) == len(again)
    np.testing.assert_allclose(both["value_x"], both["value_y"], rtol=1e-4)


def test_the_worst_kind_of_run_comes_first_and_every_run_counts():
    predicted = read("results/validation/power_predictions.csv", "power_predictions")
    found = failures(predicted)
    assert found["n"].sum() == 515
    assert found["median_factor"].is_monotonic_decreasing
    spoilt = found.iloc[-1]
    own = predicted["gpu"].eq(spoilt["gpu"]) & predicted["task"].eq(spoilt["task"])
    own &= predicted["gpus"].eq(1) == spoilt["single"]
    worse = predicted.assign(predicted_j=predicted["predicted_j"].where(~own, 1e6))
    assert (
        failures(worse).iloc[0][["gpu", "single", "task"]].equals(spoilt[["gpu", "single", "task"]])
    )

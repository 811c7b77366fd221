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
    with_energy,
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


def test_each_group_is_left_out_by_a_law_of_its_own(some):
    """Of the source with most runs group by group, the other source whole."""
    laws = laws_without(some, IDLE)
    swept = some[some["source_id"] == "mlenergy-v3"]
    columns = {"architecture": "architecture", "task": "task", "GPU": "gpu", "model": "alike"}
    groups = [(split, name) for split, of in columns.items() for name in swept[of].unique()]
    assert list(laws) == [*groups, ("source", "inferencex-power")]
    without = {(split, name): (some[columns[split]] != name).sum() for split, name in groups}
    without["source", "inferencex-power"] = len(swept)
    assert {key: law.n_runs for key, law in laws.items()} == without
    assert {law.idle_share for law in laws.values()} == {IDLE}


def test_a_prediction_stands_beside_its_run_and_what_was_measured(some):
    found = predictions(some)
    assert found.index.tolist() == list(range(len(found)))
    law = GpuPower.fit(some[some["source_id"] == "mlenergy-v3"], IDLE)
    own = some[some["source_id"] == "inferencex-power"]
    power, load = law.predict(own), GpuPower.fit(some, IDLE).load(own)
    columns = ["source_id", "run", "model", "architecture", "task", "gpu", "gpus", "concurrency"]
    expected = own[columns].assign(
        load=load,
        measured_w=own["gpu_power_w"],
        predicted_w=power["gpu_power_w"],
        **{name: power[name] for name in ("p5_w", "p25_w", "p75_w", "p95_w")},
        left_out="source",
    )
    there = found[found["left_out"] == "source"].reset_index(drop=True)
    pd.testing.assert_frame_equal(there, expected.reset_index(drop=True))


def test_energy_is_that_of_the_same_run_and_split():
    """A run whose throughput is not predicted keeps its line, without an energy."""
    power = pd.DataFrame(
        {
            "source_id": ["a", "a", "b"],
            "run": [1, 2, 1],
            "left_out": ["model", "model", "source"],
            "predicted_w": [500.0, 600.0, 700.0],
        }
    )
    energy = power.iloc[[2, 0]].drop(columns="predicted_w").assign(throughput_off=[1.5, 0.5], n=7)
    names = ["measured_j", "predicted_j", "p5_j", "p25_j", "p75_j", "p95_j"]
    energy = energy.assign(**{name: [2.0 + i, 1.0 + i] for i, name in enumerate(names)})
    found = with_energy(power, energy)
    expected = power.assign(
        throughput_off=[0.5, np.nan, 1.5],
        **{name: [1.0 + i, np.nan, 2.0 + i] for i, name in enumerate(names)},
    )
    pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(pd.errors.MergeError):
        with_energy(power, pd.concat([energy, energy]))


def test_failures_by_hand():
    """Of each kind medians of the ratios, and of how far off they are in either direction."""
    kinds = pd.DataFrame(
        {
            "left_out": [*5 * ["model"], "GPU", "model"],
            "gpu": [*5 * ["B200"], "B200", "B200"],
            "gpus": [1, 1, 1, 1, 8, 1, 1],
            "task": "chat",
            "throughput_off": [1.0, 2.0, 3.0, 10.0, 1.5, 9.0, 9.0],
            "measured_j": 2.0,
            "predicted_j": [1.0, 4.0, 16.0, 2.0, 1.0, 9.0, np.nan],
        }
    )
    found = failures(kinds)
    # ln of the factors: ln 2 times 0, 1, 1 and 3; the 90 % quantile is at 2.7 of 0 to 3
    expected = pd.DataFrame(
        {
            "gpu": "B200",
            "single": [False, True],
            "task": "chat",
            "n": [1, 4],
            "throughput_off": [1.5, 2.5],
            "energy_off": [0.5, 1.5],
            "median_factor": [2.0, 2.0],
            "p90_factor": [2.0, 2 ** (1 + 0.7 * 2)],
        }
    )
    pd.testing.assert_frame_equal(found.sort_values("n", ignore_index=True), expected)


def test_scores_by_hand_in_full():
    """Of every split and of each architecture in it; at the very end of an interval is inside."""
    factors = pd.DataFrame(
        {
            "left_out": ["task", "task", "task", "GPU"],
            "architecture": ["moe", "dense", "moe", "moe"],
            "measured_j": [2.0, 2.0, 2.0, 2.0],
            "predicted_j": [1.0, 2.0, 8.0, 2.0],
            "p5_j": [0.5, 2.0, 2.0, 4.0],
            "p25_j": [0.8, 2.0, 4.0, 4.0],
            "p75_j": [2.0, 2.0, 16.0, 4.0],
            "p95_j": [2.0, 2.0, 32.0, 8.0],
        }
    )
    found = scores(factors, "energy", "j")
    names = ["median_factor", "p90_factor", "bias", "coverage_50", "coverage_90", "interval_score"]
    octave = np.log(2)
    expected = {
        ("task", "all", 3): [2, 2**1.8, 1, 100 * 2 / 3, 100, (2 + 0 + 4) / 3 * octave],
        ("task", "dense", 1): [1, 1, 1, 100, 100, 0],
        ("task", "moe", 2): [2**1.5, 2**1.9, 2**0.5, 50, 100, 3 * octave],
        # an octave below the interval costs twenty more
        ("GPU", "all", 1): [1, 1, 1, 0, 0, 21 * octave],
        ("GPU", "moe", 1): [1, 1, 1, 0, 0, 21 * octave],
    }
    units = dict(zip(names, ["1", "1", "1", "%", "%", "ln"], strict=True))
    lines = [
        ("energy", split, architecture, name, value, units[name], n)
        for (split, architecture, n), values in expected.items()
        for name, value in zip(names, values, strict=True)
    ]
    columns = ["quantity", "left_out", "architecture", "statistic", "value", "unit", "n"]
    pd.testing.assert_frame_equal(found, pd.DataFrame(lines, columns=columns))


def test_a_measurement_above_the_interval_costs_as_one_below():
    above = {"measured_w": 8.0, "predicted_w": 2.0, "p5_w": 1.0, "p25_w": 2.0, "p75_w": 2.0}
    rows = pd.DataFrame([above | {"p95_w": 4.0, "left_out": "task", "architecture": "moe"}])
    found = scores(rows, "power", "w").set_index(["architecture", "statistic"])["value"]
    assert found["all", "interval_score"] == pytest.approx((2 + 20) * np.log(2))
    assert found["all", "bias"] == pytest.approx(1 / 4)
    assert found["all", "coverage_90"] == 0

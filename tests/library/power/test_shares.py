"""Shares of its maximum power that a node draws."""

import pandas as pd
import pytest
from inference_energy.power.node import find_node, node_power
from inference_energy.power.shares import node_shares, sweeps
from repository import read

MAXIMUM = pd.DataFrame({"gpu": ["B200", "H100-SXM-80GB"], "gpus": 8, "power_kw": [14.0, 10.0]})


def a_run(concurrency, watts, joules, **changed):
    """A row of the predictions, whose percentiles are so many times the power."""
    run = {
        "source_id": "source",
        "run": concurrency,
        "model": "m",
        "architecture": "dense",
        "task": "chat",
        "gpu": "H100-SXM-80GB",
        "gpus": 8,
        "concurrency": float(concurrency),
        "left_out": "model",
        "measured_w": watts,
        "measured_j": joules,
    }
    drawn = {"predicted_w": 1.1 * watts, "p5_w": 0.9 * watts, "p95_w": 1.3 * watts}
    return run | drawn | changed


RUNS = pd.DataFrame(
    [
        a_run(16, 400.0, 2.0),
        a_run(64, 500.0, 1.0),
        a_run(256, 550.0, 1.2),
        a_run(8, 300.0, 1.0, gpu="B200"),
        a_run(64, 500.0, 1.0, left_out="task"),
        a_run(64, 500.0, 1.0, gpus=4),
        a_run(64, 500.0, 1.0, gpu="A100-SXM-80GB"),
    ]
)


def test_a_share_is_that_of_the_node_with_such_gpus(nodes, gpus):
    found = node_shares(RUNS, nodes, gpus, MAXIMUM)
    assert list(found["concurrency"]) == [16, 64, 256, 8]
    for place, line in enumerate(found.to_dict("records")):
        run, node = RUNS.iloc[place], find_node(line["gpu"], nodes, gpus)
        full = {"B200": 14.0, "H100-SXM-80GB": 10.0}[line["gpu"]]
        drawn = {
            "share": "measured_w",
            "predicted_share": "predicted_w",
            "p5_share": "p5_w",
            "p95_share": "p95_w",
        }
        for name, column in drawn.items():
            assert line[name] == pytest.approx(float(node_power(run[column], node)) / 1000 / full)
        assert line["node_power_kw"] == pytest.approx(line["share"] * full)


def test_the_best_is_the_least_energy_of_a_sweep(nodes, gpus):
    found = node_shares(RUNS, nodes, gpus, MAXIMUM)
    assert list(found["best"]) == ["no", "yes", "no", "yes"]


def test_a_sweep_is_told_at_its_ends(nodes, gpus):
    found = node_shares(RUNS, nodes, gpus, MAXIMUM)
    told = sweeps(found).set_index("gpu")
    line = told.loc["H100-SXM-80GB"]
    assert (line["concurrency_least"], line["concurrency_best"]) == (16, 64)
    assert (line["share_least"], line["share_best"]) == tuple(found["share"][:2])
    assert line["predicted_share_best"] == found["predicted_share"][1]
    assert told.loc["B200", "concurrency_least"] == told.loc["B200", "concurrency_best"] == 8


def test_the_committed_shares_are_those_of_the_committed_predictions(nodes, gpus):
    """Eight H100 near their best draw half to 0.7 of their maximum, as docs/power.md says."""
    shares = read("results/validation/power_shares.csv", "power_shares")
    runs = read("results/validation/power_predictions.csv", "power_predictions")
    again = node_shares(runs, nodes, gpus, read("data/node_power.csv", "node_power"))
    keys = ["gpu", "model", "task", "concurrency"]
    merged = shares.merge(again, on=keys, suffixes=("", "_again"))
    assert len(merged) == len(shares) == len(again)
    for name in ("share", "predicted_share", "p5_share", "p95_share"):
        assert merged[name].tolist() == pytest.approx(merged[f"{name}_again"].tolist(), rel=1e-4)
    best = shares[shares["best"].eq("yes") & shares["gpu"].eq("H100-SXM-80GB")]
    assert 0.5 < best["share"].min() < best["share"].max() < 0.71

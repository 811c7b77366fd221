"""How often measured and stated energies lie in the predicted ranges."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.evidence import coverage
from inference_energy.method.distributions import LogNormal
from repository import read


def test_coverage_follows_from_the_lines(predicted, settings):
    table = coverage.coverage(predicted, settings["nominal_coverage"])
    for row in table[table["model"] == "all"].to_dict("records"):
        if row["set"] == coverage.EVERYTHING:
            continue
        lines = predicted[(predicted["set"] == row["set"]) & (predicted["basis"] == row["basis"])]
        lines = lines[lines["counted"] == "yes"]
        inside = (lines["measured_wh"] >= lines["predicted_p5_wh"]) & (
            lines["measured_wh"] <= lines["predicted_p95_wh"]
        )
        assert row["p5_p95_coverage"] == inside.mean()
        assert np.log(row["bias"]) == pytest.approx(
            np.log(lines["predicted_p50_wh"] / lines["measured_wh"]).mean()
        )


def test_the_papers_list_is_complete(predicted):
    lines = predicted[predicted["set"] == coverage.PAPERS_LIST]
    assert (lines["basis"] == coverage.QUERIES).sum() == 5


def test_measured_runs_cost_more_at_the_facility(predicted, runs):
    lines = predicted[predicted["id"].str.startswith("mlenergy_v3.")]
    row = lines["id"].str.rsplit(".").str[-1].astype(int)
    accelerator = runs.set_index("row")["energy_per_request_j"][row].to_numpy() / 3600
    assert (lines["measured_p5_wh"].to_numpy() > accelerator).all()
    assert (lines["measured_p95_wh"] > lines["measured_wh"]).all()


def test_shared_runs_of_two_accuracy_targets_count_once(wall_power):
    full = {"H200-SXM-141GB": 10.2, "B200": 14.3}
    used = coverage.wall_utilisation(wall_power, full, LogNormal.from_percentiles(0.4, 0.9))
    assert not used.duplicated(["system", "scenario", "power_utilisation"]).any()
    assert used["power_utilisation"].between(0, 1).all()
    assert (used["idle_utilisation"] < used["power_utilisation"]).all()


def test_blackwell_pairs_differ_in_the_gpu_alone(runs):
    benchmarks = read("data/throughput/trtllm.csv", "throughput")
    table = coverage.blackwell(benchmarks, runs)
    same = runs.assign(gpu="B200")
    swapped = coverage.blackwell(
        benchmarks[benchmarks["gpu"] != "B200"],
        pd.concat([same, runs.assign(gpu="H100-SXM-80GB")]).drop_duplicates(
            [
                "gpu",
                "task",
                "model_id",
                "precision",
                "gpus",
                "tensor_parallel",
                "expert_parallel",
                "concurrency_limit",
            ]
        ),
    )
    assert swapped["throughput_ratio"].to_numpy() == pytest.approx(1)
    assert not table.duplicated(["source_id", "model", "setting", "precision"]).any()

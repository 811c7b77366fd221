"""Files of InferenceX."""

import numpy as np
import pytest
from inference_energy.readers import detect_and_read, inferencex
from library.readers.files import FIXTURES, load, put, recognised, refusal


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(inferencex) == {"inferencex"}


def test_inferencex_per_gpu_figures_are_multiplied_by_their_gpus():
    raw = load("inferencex/agg_single.json")
    row = detect_and_read(FIXTURES / "inferencex/agg_single.json").iloc[0]
    assert row["throughput_tps"] == raw["output_tput_per_gpu"] * raw["tp"]
    assert row["gpu_power_w"] == raw["avg_power_w"] * raw["tp"]
    assert row["energy_per_output_token_j"] == pytest.approx(
        row["gpu_power_w"] / row["throughput_tps"]
    )
    assert row["ttft_p50_s"] == raw["median_ttft"], "latencies are in seconds already"
    assert (row["gpu"], row["precision"]) == ("H200-SXM-141GB", "FP8")


def test_inferencex_output_of_a_split_deployment_is_per_decode_gpu():
    raw = load("inferencex/agg_disaggregated.json")
    row = detect_and_read(FIXTURES / "inferencex/agg_disaggregated.json").iloc[0]
    assert row["n_gpus"] == raw["num_prefill_gpu"] + raw["num_decode_gpu"]
    assert row["throughput_tps"] == raw["output_tput_per_gpu"] * raw["num_decode_gpu"]
    assert row["status"] == "marked: power: power_valid is 0, left empty"
    assert np.isnan(row["gpu_power_w"])


def test_inferencex_older_aggregate_multiplies_its_power_per_gpu(tmp_path):
    raw = load("inferencex/agg_single.json")
    for key in ("power_valid", "avg_total_gpu_power_w", "total_gpu_energy_j"):
        raw.pop(key)
    assert detect_and_read(put(tmp_path, raw)).iloc[0]["gpu_power_w"] == 8 * raw["avg_power_w"]


def test_a_missing_key_is_named(tmp_path):
    raw = load("inferencex/agg_single.json")
    del raw["output_tput_per_gpu"]
    assert '"output_tput_per_gpu" is missing' in refusal(put(tmp_path, raw))


def split_run(tmp_path, **energy):
    """Row of a disaggregated run with these keys about energy."""
    raw = load("inferencex/agg_disaggregated.json") | {"power_valid": 1} | energy
    return detect_and_read(put(tmp_path, raw)).iloc[0]


def test_joules_of_one_role_are_not_read_as_those_of_the_run(tmp_path):
    """Before version 2 of the power schema: 0.3 J per token where 1 J is right."""
    raw = load("inferencex/agg_disaggregated.json")
    throughput = raw["output_tput_per_gpu"] * raw["num_decode_gpu"]
    power = 1.0 * throughput
    row = split_run(tmp_path, avg_total_gpu_power_w=power, joules_per_output_token=0.3)
    assert row["gpu_power_w"] == power
    assert np.isnan(row["energy_per_output_token_j"])
    assert row["gpu_power_w"] / row["throughput_tps"] == pytest.approx(1.0)
    assert row["status"] == "ok"


def test_joules_of_all_gpus_are_read(tmp_path):
    row = split_run(tmp_path, joules_per_output_token=2.296, power_metric_schema_version=2)
    assert row["energy_per_output_token_j"] == 2.296


def test_a_run_with_joules_of_one_role_alone_says_so(tmp_path):
    row = split_run(tmp_path, joules_per_output_token=0.685)
    assert np.isnan(row["energy_per_output_token_j"])
    assert row["status"].startswith("marked: power: joules_per_output_token is of one role before ")

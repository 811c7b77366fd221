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

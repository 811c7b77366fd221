"""B200 over H100, per GPU and each at its best."""

import pandas as pd
import pytest
from inference_energy.evidence import blackwell
from inference_energy.evidence.boundaries import HOPPER
from repository import read

BENCHMARKS = read("data/throughput/trtllm.csv", "throughput")


def test_measured_pairs_take_the_best_of_each_gpu(runs):
    table = blackwell.compare(BENCHMARKS, runs)
    assert not table.duplicated(["source_id", "model", "setting", "precision"]).any()
    measured = table[table["energy_ratio"].notna()]
    chat = runs[
        (runs["model_id"] == "meta-llama/Llama-3.1-70B-Instruct") & (runs["task"] == "chat")
    ]
    best = (chat["throughput_tps"] / chat["gpus"]).groupby(chat["gpu"]).max()
    ratio = measured.set_index("model")["throughput_ratio"]["meta-llama/Llama-3.1-70B-Instruct"]
    assert ratio == pytest.approx(best["B200"] / best[HOPPER])


def test_a_second_copy_of_the_same_gpu_has_a_ratio_of_one(runs):
    hopper = runs[runs["gpu"] == HOPPER]
    twins = pd.concat([hopper, hopper.assign(gpu="B200")], ignore_index=True)
    table = blackwell.compare(BENCHMARKS.iloc[:0], twins)
    assert len(table) == hopper.groupby(blackwell.SAME_MODEL).ngroups
    assert table["throughput_ratio"].to_numpy() == pytest.approx(1)
    assert table["energy_ratio"].to_numpy() == pytest.approx(1)

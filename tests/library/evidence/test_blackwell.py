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


def test_pairs_of_vendor_tables_are_of_the_same_model_lengths_and_gpus_by_hand():
    row = {"source_id": "a", "model": "m", "tensor_parallel": 4, "input_tokens": 500.0}
    row |= {"output_tokens": 1500.5, "precision": "FP8", "gpu": HOPPER, "throughput_tps": 200.0}
    other = row | {"gpu": "B200", "precision": "FP4", "throughput_tps": 500.0}
    benchmarks = pd.DataFrame(
        [
            row,
            other,
            other | {"source_id": "b"},
            other | {"model": "n"},
            other | {"tensor_parallel": 8},
            other | {"input_tokens": 501.0},
            other | {"output_tokens": 1500.0},
            other | {"gpu": "H200-SXM-141GB"},
        ]
    )
    runs = read("data/measured/mlenergy_v3.csv", "mlenergy").head(0)
    (pair,) = blackwell.compare(benchmarks, runs).to_dict("records")
    assert pd.isna(pair.pop("energy_ratio"))
    assert pair == {
        "source_id": "a",
        "model": "m",
        "setting": "500/1500.5 tokens, 4 GPUs",
        "precision": "FP4 over FP8",
        "throughput_ratio": 2.5,
    }


def test_each_gpu_has_its_best_run_whatever_its_load_by_hand():
    run = {"source_id": "a", "task": "chat", "model_id": "m", "precision": "FP8", "gpu": HOPPER}
    run |= {"gpus": 4, "concurrency_limit": 64, "throughput_tps": 400.0, "energy_per_token_j": 6.0}
    runs = pd.DataFrame(
        [
            run,
            # more in all, and less of each
            run | {"gpus": 8, "throughput_tps": 720.0, "energy_per_token_j": 1.0},
            run | {"gpu": "B200", "gpus": 2, "concurrency_limit": 8, "throughput_tps": 100.0},
            run
            | {"gpu": "B200", "gpus": 2, "concurrency_limit": 256, "throughput_tps": 500.0}
            | {"energy_per_token_j": 2.0},
            *(run | {name: "other", "gpu": "B200"} for name in ("source_id", "task", "model_id")),
        ],
        index=[5, 4, 3, 2, 9, 8, 7],
    )
    found = blackwell.compare(BENCHMARKS.head(0), runs)
    assert found.to_dict("records") == [
        {
            "source_id": "a",
            "model": "m",
            "setting": "chat, 2 over 4 GPUs, 256 over 64 sequences",
            "precision": "FP8 over FP8",
            "throughput_ratio": 2.5,
            "energy_ratio": 3.0,
        }
    ]
    both = blackwell.compare(BENCHMARKS, runs)
    assert both.index.tolist() == list(range(len(both))) and both["model"].iloc[-1] == "m"

"""What a load asks of a GPU."""

import pandas as pd
import pytest
from inference_energy.power.utilisation import UTILISATION, add_utilisation, names

DENSE = {
    "model": "meta-llama/Llama-3.1-70B-Instruct",
    "gpu": "H100-SXM-80GB",
    "gpus": 4,
    "attention_copies": 1,
    "precision": "FP8",
    "batch": 10.0,
    "input_tokens": 1000.0,
    "output_tokens": 500.0,
    "throughput_tps": 100.0,
}
MIXTURE = DENSE | {"model": "Mixtral 8x7B", "gpus": 2, "batch": 1.0}


def asked(models, table, **changed):
    row = DENSE | changed
    return add_utilisation(pd.DataFrame([row]), models, table).iloc[0]


def test_a_dense_model_by_hand(models, gpus):
    """70.55 G parameters of one byte, ten steps per second, on four GPUs of 3.35 TB/s."""
    found = asked(models, gpus)
    weights = 70.55e9 * 10 / (4 * 3.35e12)
    # 8 heads of the cache are parted among 4 GPUs; 2 x 80 layers x 8 x 128 values of 2 bytes
    cache = 327_680 * (1000 + 250) * 100 / (4 * 3.35e12)
    assert found["memory"] == pytest.approx(weights + cache, rel=1e-3)
    assert found["experts"] == 0
    assert found["compute"] == pytest.approx(2 * 70.55e9 * 3 * 100 / (4 * 1979e12), rel=1e-3)
    assert (found["network"], found["architecture"]) == ("Llama 3.1 70B", "dense")
    assert found["tdp_w"] == 700


def test_one_request_of_a_mixture_reads_the_experts_of_one_token(models, gpus):
    found = asked(models, gpus, **MIXTURE)
    routed = (46.7e9 - 12.88e9) / (1 - 2 / 8)
    assert found["experts"] == pytest.approx(routed * 2 / 8 * 100 / (2 * 3.35e12), rel=0.01)
    assert found["architecture"] == "moe"


def test_many_requests_touch_all_experts_once_a_step(models, gpus):
    few, many = (asked(models, gpus, **MIXTURE | {"batch": b}) for b in (100.0, 1000.0))
    assert many["experts"] == pytest.approx(few["experts"] / 10, rel=1e-6)


def test_copies_of_the_attention_read_its_weights_each(models, gpus):
    one = asked(models, gpus, **MIXTURE | {"input_tokens": 0.0, "output_tokens": 1e-6})
    two = asked(
        models,
        gpus,
        **MIXTURE | {"attention_copies": 2, "input_tokens": 0.0, "output_tokens": 1e-6},
    )
    assert two["memory"] == pytest.approx(2 * one["memory"], rel=1e-3)
    assert two["experts"] == one["experts"]


def test_a_latent_cache_is_on_every_gpu_of_a_group(models, gpus):
    row = {"model": "DeepSeek-R1", "input_tokens": 1e6}
    four, eight = (asked(models, gpus, gpus=n, **row) for n in (4, 8))
    assert eight["memory"] == pytest.approx(four["memory"], rel=0.01)


def test_utilisation_grows_with_throughput(models, gpus):
    one, two = (asked(models, gpus, throughput_tps=tps) for tps in (100.0, 200.0))
    for name in ("memory", "compute"):
        assert two[name] == pytest.approx(2 * one[name])


def test_a_hybrid_is_told_from_a_dense_model(models, gpus):
    assert (
        asked(models, gpus, model="nvidia/NVIDIA-Nemotron-Nano-9B-v2")["architecture"] == "hybrid"
    )


def test_rows_keep_their_order_and_index(models, gpus):
    rows = pd.DataFrame([DENSE, MIXTURE, DENSE], index=[5, 3, 9])
    found = add_utilisation(rows, models, gpus)
    assert list(found.index) == [5, 3, 9]
    assert found.loc[5, UTILISATION].equals(found.loc[9, UTILISATION])


def test_a_model_is_found_by_name_and_alias(models):
    known = names(models)
    assert known["qwen3 8b"] == known["qwen/qwen3-8b"] == "Qwen3 8B"


def test_architectures_are_those_of_the_measured_runs(runs):
    from repository import read

    stated = read("data/measured/mlenergy_v3.csv", "mlenergy")["architecture"]
    assert list(runs["architecture"][: len(stated)]) == list(stated)

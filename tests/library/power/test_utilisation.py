"""What a load asks of a GPU."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.power.utilisation import (
    UTILISATION,
    add_utilisation,
    alike,
    names,
    of_another,
)
from library.laws import made_up

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


def test_a_cell_without_aliases_names_no_model():
    models = pd.DataFrame(
        {"model": ["One A", "Two"], "aliases": ["org/one; ONE-a ;", None]}, index=[4, 2]
    )
    known = {"one a": "One A", "org/one": "One A", "one-a": "One A", "two": "Two"}
    assert names(models) == known


MODEL = made_up.MODEL | {"model": "Made up", "aliases": "mu", "attention": "gqa"}
GPU = {
    "gpu": "M1",
    "tdp_w": 500,
    "bandwidth_tb_s": 3.0,
    "dense_tflops_16bit": 1000.0,
    "dense_tflops_8bit": 1900.0,
    "dense_tflops_4bit": np.nan,
}
ROW = {
    "model": "MU",
    "gpu": "M1",
    "gpus": 8,
    "attention_copies": 2,
    "precision": "FP8",
    "batch": 5.0,
    "input_tokens": 3000.0,
    "output_tokens": 500.0,
    "throughput_tps": 60.0,
}


@pytest.mark.parametrize(
    ("model", "row", "bytes_of", "holders", "context", "rate"),
    [
        # a group of four GPUs holds four heads once
        ({}, {}, (1, 1), 1, 3250, 1900),
        # without a rate of four bits that of eight; the weights outside of the experts have 16
        ({}, {"precision": "FP4"}, (2, 0.5625), 1, 3250, 1900),
        ({}, {"precision": "INT4"}, (2, 0.5), 1, 3250, 1000),
        ({}, {"precision": "BF16"}, (2, 2), 1, 3250, 1000),
        ({"kv_heads": 2.0}, {}, (1, 1), 2, 3250, 1900),
        ({"kv_heads": 16.0}, {}, (1, 1), 1, 3250, 1900),
        ({"attention": "mla"}, {}, (1, 1), 4, 3250, 1900),
        ({"attention": "sparse"}, {}, (1, 1), 4, 2048, 1900),
        ({"attention": "sparse"}, {"input_tokens": 100.0}, (1, 1), 4, 350, 1900),
        ({"context_share": 0.25}, {}, (1, 1), 1, 812.5, 1900),
    ],
)
def test_a_mixture_by_hand(model, row, bytes_of, holders, context, rate):
    """Equation (1): of 100 G parameters 30 are active, and 4 of 64 experts for every token."""
    found = asked(pd.DataFrame([MODEL | model]), pd.DataFrame([GPU]), **ROW | row)
    of_all, of_experts = bytes_of
    share = 4 / 64
    routed = 70e9 / (1 - share)
    steps = 60 / 5
    read = (100e9 - routed) * of_all * 2 * steps + 7000 * holders * context * 60
    touched = 1 - (1 - share) ** 5
    n_in = row.get("input_tokens", 3000)
    expected = {
        "memory": read / (8 * 3e12),
        "experts": routed * of_experts * touched * steps / (8 * 3e12),
        "compute": 2 * 30e9 * (1 + n_in / 500) * 60 / (8 * rate * 1e12),
    }
    assert found[UTILISATION].to_dict() == pytest.approx(expected, rel=1e-12)
    assert (found["network"], found["architecture"], found["tdp_w"]) == ("Made up", "moe", 500.0)


@pytest.mark.parametrize("change", [{"architecture": "dense"}, {"experts": np.nan}])
def test_weights_of_a_model_without_known_experts_are_all_read(change):
    models, gpus = pd.DataFrame([MODEL | change]), pd.DataFrame([GPU])
    found = asked(models, gpus, **ROW | {"precision": "FP4"})
    read = 100e9 * 0.5625 * 2 * 12 + 7000 * 3250 * 60
    assert found["memory"] == pytest.approx(read / (8 * 3e12), rel=1e-12)
    assert found["experts"] == 0


def test_every_deployment_is_asked_for_what_it_is_and_columns_are_made_anew():
    """Rows of two deployments in turn, one of a model and a GPU that the tables lack."""
    other = {"model": "Newcomer 10B", "gpu": "M1-NVL", "gpus": 1, "attention_copies": 1}
    rows = pd.DataFrame([ROW, ROW | other, ROW | {"batch": 50.0}, ROW | other], index=[8, 3, 1, 2])
    models, gpus = pd.DataFrame([MODEL]), pd.DataFrame([GPU])
    found = add_utilisation(rows, models, gpus)
    columns = ["network", "alike", "architecture", "tdp_w"]
    assert list(found.columns) == [*rows.columns, *UTILISATION, *columns]
    assert found["network"].tolist() == ["Made up", "Newcomer 10B", "Made up", "Newcomer 10B"]
    assert found["alike"].tolist()[1::2] == ["Newcomer 10B"] * 2
    assert found["alike"].nunique() == 2
    assert found["compute"].tolist()[::2] == [found.loc[8, "compute"]] * 2
    assert found.loc[3, "compute"] == pytest.approx(2 * 10e9 * 7 * 60 / 1900e12)
    assert set(found[[*UTILISATION, "tdp_w"]].dtypes) == {np.dtype(float)}
    pd.testing.assert_frame_equal(add_utilisation(found, models, gpus), found)
    faster = pd.DataFrame([GPU, GPU | {"gpu": "M2", "bandwidth_tb_s": 6.0, "tdp_w": 900}])
    found = add_utilisation(rows.assign(gpu=["M1", "M2", "M2", "M1"]), models, faster)
    assert found["tdp_w"].tolist() == [500, 900, 900, 500]
    assert found.loc[2, "memory"] == pytest.approx(2 * found.loc[3, "memory"])


def test_a_model_is_told_from_others_whatever_its_name(models):
    known = models.set_index("model")["aliases"].dropna()
    model, alias = known.index[0], known.iloc[0].split(";")[0]
    named = pd.Series([model, alias, alias.upper(), "Newcomer 10B"])
    assert of_another(named, model, models).tolist() == [False, False, False, True]
    assert of_another(named, "Newcomer 10B", models).tolist() == [True, True, True, False]


def test_models_of_one_architecture_and_size_are_alike():
    table = [MODEL, MODEL | {"model": "Twin"}, MODEL | {"model": "Odd", "layers": 11.0}]
    asked_for = pd.Series(["Twin", "Made up", "Odd", "Unheard of"], index=[3, 2, 1, 0])
    one, two, odd, unknown = alike(asked_for, pd.DataFrame(table))
    assert one == two and len({one, odd, unknown}) == 3
    assert unknown == "Unheard of"


def test_experts_of_an_unknown_model_are_never_more_than_all_of_it(models, gpus):
    """The nearest known mixture may use a larger share of its experts than the model can."""
    unknown = MIXTURE | {"model": "Zorro", "params_total_b": 5000.0, "params_active_b": 10.0}
    found = asked(models, gpus, **unknown)
    assert found["architecture"] == "moe"
    assert (found[UTILISATION].astype(float) >= 0).all()
    assert found["experts"] <= 5000e9 * 100 / (2 * 3.35e12)

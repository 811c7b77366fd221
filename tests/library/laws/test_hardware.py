"""Serving times from the tables of models and GPUs, and what stands in for an unknown one."""

import pandas as pd
import pytest
from inference_energy.laws.hardware import (
    add_serving_times,
    find_gpu,
    find_model,
    goes_by,
    gpu_named,
    over_context,
    serving_times,
)


def row(**changes):
    base = {"model": "Llama 3.1 70B", "gpu": "H100-SXM-80GB", "tensor_parallel": 4}
    return pd.Series({**base, "precision": "FP8", **changes})


def test_kv_cache_follows_from_the_heads(models):
    plain = models[models["attention"] == "gqa"]
    values = 2 * plain["layers"] * plain["kv_heads"] * plain["head_dim"]
    assert (plain["kv_bytes_per_token_8bit"] == values).all()
    assert (models["kv_bytes_per_token_16bit"] == 2 * models["kv_bytes_per_token_8bit"]).all()


def test_dense_models_use_all_parameters(models):
    dense = models["architecture"] == "dense"
    assert ((models["params_active_b"] == models["params_total_b"]) == dense).all()


def test_every_model_and_gpu_of_the_vendor_table_is_known(vendor, models, gpus):
    assert set(vendor["model"]) <= set(models["model"])
    assert set(vendor["gpu"]) <= set(gpus["gpu"])


def test_times_by_hand(models, gpus):
    times = serving_times(row(), models, gpus)
    assert times["compute"] == pytest.approx(2 * 70.55e9 / (4 * 1979e12))
    assert times["weights"] == pytest.approx(70.55e9 / (4 * 3.35e12))
    assert times["context"] == pytest.approx(2 * 80 * 8 * 128 / (4 * 3.35e12))
    assert times["link"] == pytest.approx(2 * 80 * 8192 * 2 * 2 * 3 / 4 / 450e9)
    assert times["cache"] == pytest.approx((0.9 * 4 * 80 * 2**30 - 70.55e9) / (2 * 80 * 8 * 128))


def test_one_gpu_needs_no_all_reduce(models, gpus):
    assert serving_times(row(tensor_parallel=1), models, gpus)["link"] == 0


def test_cache_is_never_empty(models, gpus):
    assert serving_times(row(tensor_parallel=1, precision="FP16"), models, gpus)["cache"] > 0


def test_pipeline_stages_add_gpus_but_no_all_reduce(models, gpus):
    wide = serving_times(row(tensor_parallel=1, pipeline_parallel=4), models, gpus)
    assert wide["link"] == 0
    assert wide["weights"] == serving_times(row(), models, gpus)["weights"]


@pytest.mark.parametrize(
    ("name", "total", "active"),
    [("Newcomer 30B-A3B", 30, 3), ("Newcomer 8x7B", 56, 56), ("newcomer-1.5b", 1.5, 1.5)],
)
def test_parameters_of_an_unknown_model_come_from_its_name(models, name, total, active):
    found = find_model(row(model=name), models)
    assert not found["known"]
    assert (found["params_total_b"], found["params_active_b"]) == (total, active)


def test_stated_parameters_come_before_the_name(models):
    found = find_model(row(model="Newcomer 70B", params_total_b=400, params_active_b=17), models)
    assert (found["params_total_b"], found["params_active_b"]) == (400, 17)
    assert found["layers"] == models.set_index("model").loc["Llama 4 Maverick", "layers"]


def test_an_unknown_model_resembles_one_that_has_experts_as_it_has_or_has_not(models):
    moe = models[models["architecture"] == "moe"]
    for total in moe["params_total_b"]:
        given = {"model": "Newcomer", "params_total_b": total}
        dense = find_model(row(**given), models)
        assert dense["architecture"] != "moe"
        active = moe.set_index("params_total_b").loc[[total], "params_active_b"].iloc[0]
        found = find_model(row(**given, params_active_b=active), models)
        alike = moe.loc[moe["params_total_b"] == total, "layers"]
        assert found["architecture"] == "moe" and found["layers"] in set(alike)
    # in a table of mixtures alone it is the nearest of them
    assert find_model(row(**given), moe)["architecture"] == "moe"


def test_spelling_does_not_make_a_model_unknown(models, gpus):
    assert find_model(row(model="llama-3.1-70b"), models)["known"]
    assert find_gpu(row(gpu="h200 sxm 141GB"), gpus)["known"]


def test_an_unknown_gpu_resembles_its_family(models, gpus):
    found = find_gpu(row(gpu="B200-NVL"), gpus)
    assert not found["known"]
    assert found["bandwidth_tb_s"] == gpus.set_index("gpu").loc["B200", "bandwidth_tb_s"]
    strange = serving_times(row(model="Newcomer", gpu="Unheard-of"), models, gpus)
    assert all(value > 0 for value in strange.values())


def test_times_are_appended_to_every_row(models, gpus):
    rows = pd.DataFrame([row(), row(precision="FP16"), row()], index=[7, 3, 5])
    found = add_serving_times(rows, models, gpus)
    assert list(found.index) == [7, 3, 5]
    assert found.loc[3, "weights"] == 2 * found.loc[7, "weights"] == 2 * found.loc[5, "weights"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", "Llama 3.3 70B"),
        ("llama-3.3-70b-instruct-fp8", "Llama 3.3 70B"),
        ("RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8-dynamic", "Llama 3.1 70B"),
        ("Llama-3_1-8B-Instruct-NVFP4", "Llama 3.1 8B"),
        ("DSR1", "DeepSeek-R1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "Llama 3.1 8B"),
        ("gpt-oss-120b-mxfp4", "GPT-OSS 120B"),
        ("nvidia/DeepSeek-R1-0528-FP4-V2", "DeepSeek-R1"),
        ("nvidia/DeepSeek-R1-0528-NVFP4-v2", "DeepSeek-R1"),
        ("amd/DeepSeek-R1-0528-MXFP4-Preview", "DeepSeek-R1"),
    ],
)
def test_models_go_by_their_names_in_the_wild(models, name, model):
    assert list(models["model"][goes_by(models, name)]) == [model]


def test_every_name_and_alias_is_of_one_model(models):
    for _, known in models.iterrows():
        names = [known["model"], *(known["aliases"] or "").split("; ")]
        for name in filter(None, names):
            for spelling in (name, name.lower(), name.rpartition("/")[2]):
                assert list(models["model"][goes_by(models, spelling)]) == [known["model"]]
    assert not goes_by(models, "Llama 9 70B").any()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("H100", "H100-SXM-80GB"),
        ("h100_sxm", "H100-SXM-80GB"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM-80GB"),
        ("H100 NVL", "H100-NVL-94GB"),
        ("H200 141GB HBM3", "H200-SXM-141GB"),
        ("NVIDIA A100-SXM4-80GB", "A100-SXM-80GB"),
        ("NVIDIA B200", "B200"),
        ("b200-sxm", "B200"),
        ("gb200", "GB200"),
        ("GB200 NVL72", "GB200"),
        ("HGX H100", "H100-SXM-80GB"),
        ("NVIDIA DGX B200", "B200"),
        ("GH200", "GH200-96GB"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000-96GB"),
        ("H100 PCIe", "H100-PCIe-80GB"),
        ("NVIDIA H100 PCIe", "H100-PCIe-80GB"),
        ("GB300 NVL72", "GB300"),
        ("AMD Instinct MI300X", "MI300X"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("mi325x 256GB", "MI325X"),
        ("AMD Instinct MI355X 288GB HBM3e", "MI355X"),
        ("MI350X", None),
        ("A100 PCIe", None),
        ("A100", None),
        ("GH200 480GB", None),
        ("L40", None),
        ("H1", None),
        ("", None),
    ],
)
def test_a_gpu_is_known_in_any_spelling_that_says_enough(gpus, name, meant):
    assert list(gpus.loc[gpu_named(gpus, name), "gpu"]) == [meant] * (meant is not None)


def test_tokens_are_held_against_the_context_of_the_model(models):
    names = ["Llama 3.1 70B", "meta-llama/Llama-2-70b-hf", "House model 70B"]
    rows = pd.DataFrame({"model": names, "input_tokens": 131072.0, "output_tokens": 8192.0})
    assert over_context(rows, models)[:2].tolist() == [139264 / 131072, 139264 / 4096]
    assert pd.isna(over_context(rows, models)[2])
    untold = models.assign(context_tokens=pd.NA)
    assert over_context(rows, untold).isna().all()
    assert over_context(rows, models.drop(columns="context_tokens")).isna().all()


def test_what_the_vendors_measured_is_within_the_context_of_their_models(vendor, models):
    assert over_context(vendor, models).max() < 1

"""Serving times from the tables of models and GPUs, and what stands in for an unknown one."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.hardware import (
    MOST_MEASURED,
    MOST_TOKENS,
    SERVING_TIMES,
    USUAL_FASTEST,
    USUAL_HELD,
    add_serving_times,
    against_hardware,
    at_a_reading,
    drawn_like,
    fastest_request,
    find_gpu,
    find_model,
    goes_by,
    gpu_named,
    listed_name,
    longest_context,
    longest_contexts,
    other_names,
    over_context,
    serving_times,
    shares,
    unlinked,
    weights_held,
)
from inference_energy.laws.rows import copy_gpus
from repository import ROOT, read


def row(**changes):
    base = {"model": "Llama 3.1 70B", "gpu": "H100-SXM-80GB", "tensor_parallel": 4}
    return pd.Series({**base, "precision": "FP8", **changes})


MODEL = {
    "model": "Made up",
    "aliases": "mu; made-2",
    "params_total_b": 40.0,
    "params_active_b": 10.0,
    "layers": 20.0,
    "hidden_size": 1000.0,
    "attention_heads": 16.0,
    "head_dim": 50.0,
    "kv_bytes_per_token_8bit": 3000.0,
    "kv_bytes_per_token_16bit": 7000.0,
}
GPU = {
    "gpu": "M1",
    "memory_gb": 30.0,
    "bandwidth_tb_s": 3.0,
    "link_gb_s": 500.0,
    "dense_tflops_16bit": 100.0,
    "dense_tflops_8bit": 190.0,
    "dense_tflops_4bit": np.nan,
}


def made_up(**changes):
    """A row of the made-up model and GPU, and their tables with an index of its own."""
    of = {"model": "Made up", "gpu": "M1", "tensor_parallel": 4, "pipeline_parallel": np.nan}
    tables = pd.DataFrame([MODEL], index=[7]), pd.DataFrame([GPU], index=[9])
    return pd.Series(of | {"precision": "FP8"} | changes), *tables


@pytest.mark.parametrize(
    ("changes", "gpus", "rate", "weight", "cache"),
    [
        ({}, 4, 190, 1.0, 3000),
        ({"precision": "FP4"}, 4, 190, 0.5625, 3000),
        ({"precision": "INT4"}, 4, 100, 0.5, 7000),
        ({"precision": "BF16", "pipeline_parallel": 3.0}, 12, 100, 2.0, 7000),
        ({"precision": "FP16", "tensor_parallel": 2}, 2, 100, 2.0, 7000),
    ],
)
def test_every_time_of_a_made_up_model_by_hand(changes, gpus, rate, weight, cache):
    of, *tables = made_up(**changes)
    group = changes.get("tensor_parallel", 4)
    memory = gpus * 30 * 2**30
    room = max(0.9 * memory - 40e9 * weight, 0.02 * memory)
    expected = {
        "compute": 2 * 10e9 / (gpus * rate * 1e12),
        "link": 2 * 20 * 1000 * 2 * 2 * (group - 1) / group / 500e9,
        "attention": 2 * 20 * 16 * 50 / (gpus * 100e12),
        "weights": 40e9 * weight / (gpus * 3e12),
        "layers": 20,
        "context": cache / (gpus * 3e12),
        "cache": room / cache,
    }
    assert serving_times(of, *tables) == pytest.approx(expected, rel=1e-12)


def test_a_chip_without_a_link_serves_alone_and_is_refused_among_several():
    of, models, gpus = made_up(tensor_parallel=1)
    gpus = gpus.assign(link_gb_s=np.nan)
    assert serving_times(of, models, gpus)["link"] == 0
    alone, several = pd.DataFrame([of]), pd.DataFrame([of, made_up(tensor_parallel=2)[0]])
    assert add_serving_times(alone, models, gpus)["link"].eq(0).all()
    assert unlinked(several, gpus).tolist() == [False, True]
    with pytest.raises(InputError) as caught:
        add_serving_times(several, models, gpus)
    (told,) = caught.value.problems
    assert told.startswith("data/gpus.csv, row M1, column link_gb_s: is empty, and a copy of Made")
    assert "is on 2 x M1" in told
    assert "state its link [GB/s in one direction], or correct the layout" in told


def test_rows_are_held_against_what_their_gpus_compute_read_and_hold():
    """By hand: of two copies, or on two nodes, each has half of the tokens or of the room."""
    of, *tables = made_up(input_tokens=300.0, output_tokens=100.0, throughput_tps=500.0)
    rows = pd.DataFrame([of, of, of], index=[3, 1, 2]).assign(concurrency=[4.0, 2.0, 0.5])
    rows["attention_data_parallel"] = pd.array([pd.NA, 2, pd.NA], dtype="Int64")
    rows["nodes"] = pd.array([pd.NA, pd.NA, 2], dtype="Int64")
    times = serving_times(of, *tables)
    one = [500 * times["compute"] * 400 / 100, 500 * times["weights"], 400 / times["cache"]]
    expected = np.array([one, [one[0] / 2, one[1] / 2, one[2]], [*one[:2], one[2] / 2]])
    # 10e9 active weights of one byte, from four GPUs of 3 TB/s or twice as many
    reading = 10e9 / (4 * 3e12)
    fast = [500 * reading / 4, 500 * reading / 2 / 2, 500 * reading / 2 / 0.5]
    # columns of an earlier run are made anew
    for given in (rows, rows.assign(**dict.fromkeys(SERVING_TIMES, 1.0))):
        found = against_hardware(given, *tables)
        assert list(found.index) == [3, 1, 2]
        np.testing.assert_allclose(found[["peak", "slow", "full"]], expected, rtol=1e-12)
        np.testing.assert_allclose(found["fast"], fast, rtol=1e-12)
        np.testing.assert_allclose(found["reading"], reading / np.array([1, 2, 2]), rtol=1e-12)
        assert found["at_once"].tolist() == [4, 2, 0.5]


def test_a_step_reads_the_experts_of_all_its_requests():
    """By hand: 40e9 weights, 10e9 of one token; a quarter of the experts of each, 40e9 in all."""
    of, *tables = made_up(input_tokens=300.0, output_tokens=100.0, throughput_tps=500.0)
    models = tables[0].assign(experts=8.0, experts_active=2.0)
    rows = pd.DataFrame([of] * 3, index=[3, 1, 2]).assign(concurrency=[1.0, 2.0, 1000.0])
    rows["attention_data_parallel"] = rows["nodes"] = rows["requests"] = np.nan
    found = against_hardware(rows, models, tables[1])
    read = np.array([10e9, (1 - 0.75**2) * 40e9, 40e9]) / (4 * 3e12)
    assert found["step"].tolist() == pytest.approx(read)
    assert found["batch"].tolist() == pytest.approx(500 * read / [1, 2, 1000])
    assert found["fast"].tolist() == pytest.approx(500 * read[0] / np.array([1, 2, 1000]))
    # of experts that nobody knows, as many are read as of one token; of a dense model all
    unknown = against_hardware(rows, models.assign(experts=np.nan), tables[1])
    assert unknown["step"].tolist() == pytest.approx([read[0]] * 3)
    dense = against_hardware(rows, models.assign(params_active_b=40.0), tables[1])
    assert dense["step"].tolist() == pytest.approx([read[2]] * 3)


def test_without_a_concurrency_as_many_are_served_at_once_as_fit_or_are_asked_in_all():
    """By hand: a request takes its input and, on average, half of its output."""
    of, *tables = made_up(input_tokens=3e6, output_tokens=1e6, throughput_tps=500.0)
    rows = pd.DataFrame([of] * 5, index=[3, 1, 2, 5, 4]).assign(nodes=np.nan)
    cache = serving_times(of, *tables)["cache"]
    rows["attention_data_parallel"] = [np.nan, 2, np.nan, np.nan, np.nan]
    rows["requests"] = [np.nan, np.nan, 5, np.nan, 5]
    rows["concurrency"] = [np.nan, np.nan, np.nan, 9, 9]
    fit = 2 * cache / 3.5e6
    assert fit > 9
    found = against_hardware(rows, *tables)["at_once"]
    assert found.tolist() == pytest.approx([fit, 2 * fit, 5, 9, 5])
    # of a cache that does not hold one nothing is known
    for more, fit in ((0, 2 * cache / (cache - 50)), (1, np.inf)):
        long = rows.iloc[:1].assign(input_tokens=cache - 100 + more, output_tokens=100.0)
        assert against_hardware(long, *tables)["at_once"].tolist() == pytest.approx([fit])


def test_layers_that_keep_a_part_of_the_tokens_leave_room_for_more_requests():
    of, *tables = made_up(input_tokens=3e6, output_tokens=1e6, throughput_tps=500.0)
    few = MODEL | {"model": "Few layers", "aliases": None, "params_active_b": 40.0}
    models = pd.DataFrame([MODEL | {"context_share": np.nan}, few | {"context_share": 0.25}])
    rows = pd.DataFrame([of, of, of], index=[3, 1, 2]).assign(nodes=np.nan)
    rows["model"] = ["Few layers", "Made up", "few-layers"]
    rows["attention_data_parallel"] = rows["concurrency"] = rows["requests"] = np.nan
    read = shares(rows, models)
    assert read.index.tolist() == [3, 1, 2]
    assert read.to_numpy().tolist() == [[1, 0.25], [0.25, 1], [1, 0.25]]
    fit = 2 * serving_times(of, *tables)["cache"] / 3.5e6
    found = against_hardware(rows, models, tables[1])["at_once"]
    assert found.tolist() == pytest.approx([4 * fit, fit, 4 * fit])
    # a table of models that does not tell, as one has that was made before
    assert shares(rows, models.drop(columns="context_share"))["kept"].tolist() == [1, 1, 1]


def test_what_the_fastest_counts_is_said_in_requests_and_milliseconds():
    assert at_a_reading(12.0, 0.0012345) == (
        "tokens of each of 12 requests at once while the GPUs read the active weights from their"
        " memory, for at least 1.23 ms"
    )


def test_what_one_request_gets_at_most_is_by_its_active_weights_and_all_gpus(models, gpus):
    """By hand: 405.85e9 weights of one byte over eight GPUs of 3.35 TB/s are read in 15.1 ms."""
    dense = row(model="Llama 3.1 405B", n_gpus=8, pipeline_parallel=2)
    assert fastest_request(dense, models, gpus) == pytest.approx(8 * 8 * 3.35e12 / 405.85e9)
    # of a mixture a token reads its own experts, of which any of the GPUs may have some
    mixture = row(model="DeepSeek-R1", gpu="B200", n_gpus=8, tensor_parallel=1)
    assert fastest_request(mixture, models, gpus) == pytest.approx(8 * 8 * 8e12 / 37e9)
    for unknown in ({"model": "M"}, {"gpu": "X1"}):
        assert fastest_request(row(n_gpus=8, **unknown), models, gpus) == np.inf


def test_weights_are_held_against_the_memory_of_all_gpus_by_hand(models, gpus):
    kinds = [("Llama 3.1 70B", "FP8", 70.55e9), ("GPT-OSS 120B", "FP4", 116.83e9 * 0.5625)]
    rows = pd.DataFrame(
        [{"model": model, "gpu": "H100-SXM-80GB", "precision": form} for model, form, _ in kinds],
        index=[5, 2],
    )
    found = weights_held(rows, pd.Series([1, 2], rows.index), models, gpus)
    weights = np.array([of for *_, of in kinds])
    np.testing.assert_allclose(found["held"], weights / (np.array([1, 2]) * 80 * 2**30))
    assert found["params_total_b"].tolist() == [70.55, 116.83]
    assert found["memory_gb"].tolist() == [80, 80]
    assert found["listed"].all()
    stated = rows.assign(model="Zorro", params_total_b=100.0)
    unknown = weights_held(stated, pd.Series([1, 2], rows.index), models, gpus)
    assert unknown["params_total_b"].tolist() == [100, 100]
    assert not unknown["listed"].any()


def test_no_measured_row_is_fuller_of_weights_than_is_said(models, gpus):
    tables = [read(path, "throughput") for path in sorted(ROOT.glob("data/throughput/*.csv"))]
    rows = pd.concat(tables, ignore_index=True).dropna(subset=["input_tokens", "output_tokens"])
    count = copy_gpus(rows) * rows["nodes"].astype(float).fillna(1)
    fullest = weights_held(rows, count, models, gpus)["held"].max()
    assert fullest == pytest.approx(0.87, abs=0.005)
    assert fullest < USUAL_HELD


def test_no_measured_row_comes_nearer_to_what_is_read_than_is_said(models, gpus):
    """The highest, by hand: row 113 of the measured runs."""
    rows = read("data/measured/mlenergy_v3.csv", "mlenergy")
    told = rows["model"].fillna(rows["model_id"])
    rows = rows.assign(model=told, input_tokens=300.0, attention_data_parallel=np.nan, nodes=np.nan)
    rows["tensor_parallel"] = rows["gpus"]
    fast = against_hardware(rows, models, gpus)["fast"]
    highest = rows.loc[fast.idxmax()]
    assert highest["row"] == 113
    by_hand = 312.005 * 2 * 32.76e9 / 3.35e12 / 7.98547
    assert fast.max() == pytest.approx(by_hand)
    tables = [read(path, "throughput") for path in sorted(ROOT.glob("data/throughput/*.csv"))]
    known = [against_hardware(table, models, gpus)["fast"] for table in tables]
    assert max(map(max, known)) < by_hand < USUAL_FASTEST


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


def test_an_unknown_model_keeps_its_name():
    _, models, _ = made_up()
    found = find_model(row(model="Newcomer 8B"), models)
    assert found["model"] == "Newcomer 8B" and found["layers"] == 20


@pytest.mark.parametrize(
    ("name", "names", "drawn"),
    [
        ("LIama-3.1-8B", ["GLM-5", "Llama 3.1 8B"], "Llama 3.1 8B"),
        ("llama 3.1 8b", ["GLM-5", "Llama 3.1 8B"], None),
        # known as it stands, whatever else it is drawn like
        ("LIama-3.1-8B", ["Llama 3.1 8B", "liama 3.1 8b"], None),
        ("GLM-S", ["GLM-5", "Llama 3.1 8B"], None),
        ("org/GPT-0SS-l20B-fp8", ["gpt-oss-120b"], "gpt-oss-120b"),
    ],
)
def test_a_name_is_drawn_like_one_that_it_is_not(name, names, drawn):
    assert drawn_like(name, names) == drawn


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("made_up", [True, False]),
        ("MU", [True, False]),
        ("made 2", [True, False]),
        ("org/mu-fp8", [True, False]),
        ("Bare", [False, True]),
        ("made", [False, False]),
        # names without a Latin letter or digit, or of a format alone, are no model's
        ("", [False, False]),
        ("\u6a21\u578b", [False, False]),
        ("fp8", [False, False]),
    ],
)
def test_a_model_goes_by_its_name_and_its_aliases_alone(name, known):
    models = pd.DataFrame([MODEL, MODEL | {"model": "Bare", "aliases": None}], index=[4, 2])
    found = goes_by(models, name)
    pd.testing.assert_series_equal(found, pd.Series(known, [4, 2]))
    named_alone = goes_by(models.drop(columns="aliases"), name)
    assert named_alone.tolist() == [name == "made_up", known[1]]


def test_a_model_has_the_names_of_its_row_and_a_name_that_no_table_has_is_itself():
    models = pd.DataFrame([MODEL, MODEL | {"model": "Bare", "aliases": None}], index=[4, 2])
    gpus = pd.DataFrame([GPU, GPU | {"gpu": "H100-SXM-80GB"}], index=[3, 1])
    assert other_names(models, "org/MADE-2") == ["Made up", "mu", "made-2"]
    assert other_names(models, "bare") == ["Bare"]
    assert other_names(models, "Newcomer") == []
    for name, listed in (("org/mu-fp8", "Made up"), ("BARE", "Bare"), ("h100", "h100")):
        assert listed_name("model", name, {"models": models}) == listed
    for name, listed in (("h100", "H100-SXM-80GB"), ("m1", "M1"), ("bare", "bare")):
        assert listed_name("gpu", name, {"gpus": gpus}) == listed


def test_no_model_of_an_empty_table_goes_by_a_name():
    models = pd.DataFrame([MODEL])[:0]
    assert goes_by(models, "mu").dtype == bool and models[goes_by(models, "mu")].empty


def test_spelling_does_not_make_a_model_unknown(models, gpus):
    assert find_model(row(model="llama-3.1-70b"), models)["known"]
    assert find_gpu(row(gpu="h200 sxm 141GB"), gpus)["known"]


def test_an_unknown_gpu_resembles_its_family(models, gpus):
    found = find_gpu(row(gpu="B200-NVL"), gpus)
    assert not found["known"]
    assert found["bandwidth_tb_s"] == gpus.set_index("gpu").loc["B200", "bandwidth_tb_s"]
    strange = serving_times(row(model="Newcomer", gpu="Unheard-of"), models, gpus)
    assert all(value > 0 for value in strange.values())


def test_a_family_of_several_forms_is_stood_for_by_its_first(gpus):
    found = find_gpu(row(gpu="H100-CNX"), gpus)
    first = next(name for name in gpus["gpu"] if name.startswith("H100-"))
    assert (found["known"], found["gpu"]) == (False, first)
    strange = find_gpu(row(gpu="Unheard-of"), gpus)
    assert strange["bandwidth_tb_s"] == gpus["bandwidth_tb_s"].median()


def test_rows_without_stages_and_of_other_parameters_have_times_of_their_own():
    of, *tables = made_up()
    of["params_total_b"], of["params_active_b"] = 80.0, 40.0
    newcomer = of.drop(["pipeline_parallel"])
    newcomer["model"] = "Newcomer"
    larger = newcomer.copy()
    larger["params_active_b"] = 80.0
    staged = newcomer.copy()
    staged["pipeline_parallel"] = 2.0
    rows = pd.DataFrame([newcomer, larger, staged, newcomer])
    found = add_serving_times(rows, *tables)
    assert set(found[SERVING_TIMES].dtypes) == {np.dtype(float)}
    once = 2 * 40e9 / (4 * 190e12)
    assert found["compute"].tolist() == pytest.approx([once, 2 * once, once / 2, once])


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
        ("H200 130GB", "H200-SXM-141GB"),
        ("H200 125GB", None),
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


def test_a_gpu_is_known_whatever_the_numbers_of_the_rows(gpus):
    numbered = gpus.set_index(np.arange(len(gpus))[::-1] * 2)
    for name in (*gpus["gpu"], "H100", "gb200 nvl72", "H200 141GB HBM3"):
        expected = gpus.loc[gpu_named(gpus, name), "gpu"].tolist()
        assert numbered.loc[gpu_named(numbered, name), "gpu"].tolist() == expected
        assert len(expected) == 1


def test_a_gpu_is_known_by_its_whole_name_before_what_that_says():
    """H100 alone would mean the board for nodes of eight."""
    gpus = pd.DataFrame([GPU | {"gpu": name} for name in ("Chip", "H100-SXM-80GB", "H100")])
    for name in ("chip", "h100 sxm 80gb", "h100"):
        (found,) = gpus.loc[gpu_named(gpus, name), "gpu"].str.lower()
        assert found == name.replace(" ", "-")


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


def test_what_is_found_again_is_of_the_table_as_it_is():
    asked = row(model="Made up", gpu="M1")
    for find, facts, column in ((find_model, MODEL, "layers"), (find_gpu, GPU, "memory_gb")):
        table = pd.DataFrame([facts])
        answer = find(asked, table)
        answer[column] = -1.0
        assert find(asked, table)[column] == facts[column]
        table[column] += 1
        assert find(asked, table)[column] == facts[column] + 1


def test_the_fastest_of_all_measured_runs_is_what_is_said_of_it():
    """MOST_MEASURED, from every committed table that states a throughput and its GPUs."""
    steady, wall, own = (
        read(f"data/measured/{path}.csv", schema)
        for path, schema in (
            ("mlenergy_v3", "mlenergy"),
            ("mlperf_wall_power", "wall_power"),
            ("own_node/cells", "own_node"),
        )
    )
    each = [
        steady["throughput_tps"] / steady["gpus"],
        wall["throughput_tps"] / wall["gpus"],
        own["throughput_tps"] / own["n_gpus"],
    ]
    for path in sorted((ROOT / "data/throughput").glob("*.csv")):
        rows = read(path, "throughput")
        each.append(rows["throughput_tps"] / copy_gpus(rows))
    fastest = steady.loc[each[0].idxmax()]
    assert (fastest["model_id"], fastest["gpu"]) == ("openai/gpt-oss-20b", "B200")
    most = max(per_gpu.max() for per_gpu in each)
    assert most == each[0].max() <= MOST_MEASURED < most + 1
    assert 40 * most < MOST_TOKENS


def test_contexts_of_many_names_are_those_of_each():
    models = read("data/models.csv", "models")
    names = [*models["model"], *models["aliases"].dropna().str.split("; ").explode(), "ours", ""]
    names += [f"elsewhere/{name}-FP8" for name in names]
    each = {name: longest_context(name, models) for name in names}
    assert longest_contexts(names, models) == {n: c for n, c in each.items() if not np.isnan(c)}

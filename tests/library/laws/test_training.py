"""The rows that the law with load is fitted to, and a user's."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.at_load import AS_MANY_AS_FIT, STEADY, describe
from inference_energy.laws.load_scores import bounds
from inference_energy.laws.serving import TRAITS
from inference_energy.laws.training import (
    STEADY_TABLE,
    THROUGHPUT_TABLES,
    LoadFit,
    as_published,
    beyond,
    committed,
    counted_once,
    fit_committed,
    left_out,
    over_nodes,
    parts_heads,
    read_throughput,
    steady_rows,
    training_rows,
)
from inference_energy.tables import write_table
from repository import ROOT, read

ROW = {
    "model": "meta-llama/Llama-3.1-70B-Instruct",
    "gpu": "H100-SXM-80GB",
    "tensor_parallel": 8,
    "precision": "FP8",
    "input_tokens": 1000,
    "output_tokens": 500,
    "throughput_tps": 1500.0,
    "concurrency": 16,
    "source_id": "mine",
}


@pytest.fixture(scope="module")
def tables():
    return [read(path, "throughput") for path in THROUGHPUT_TABLES]


@pytest.fixture(scope="module")
def steady():
    return read(STEADY_TABLE, "mlenergy")


@pytest.fixture(scope="module")
def training(tables, steady, hardware):
    return training_rows(tables, steady, hardware)


@pytest.fixture(scope="module")
def fitted(training):
    return LoadFit.fit(training)


@pytest.fixture
def user(tmp_path, hardware, training):
    """Read rows that are ``ROW`` but for some cells."""

    def read_changed(*changes):
        path = tmp_path / "mine.csv"
        pd.DataFrame([ROW | change for change in changes]).to_csv(path, index=False)
        return read_throughput(path, hardware, training)

    return read_changed


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("own.yaml", "extends: base\ndeployment: {}\n", "deployments --config deployments=FILE"),
        ("run.json", '{"output_throughput": 900.0}\n', "under deployment.benchmarks of a"),
        ("log.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n1,2,3\n", "requests --config log="),
        ("log.jsonl", '{"usage": {"prompt_tokens": 3}}\n', "requests --config log=FILE"),
    ],
)
def test_a_file_of_another_kind_is_told_the_key_that_takes_it(
    tmp_path, hardware, training, name, text, key
):
    """It was told to add nine columns."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as told:
        read_throughput(tmp_path / name, hardware, training)
    assert f"{name}: is no throughput table, which has the columns gpu," in str(told.value)
    assert key in str(told.value) and "add the column" not in str(told.value)


def test_a_table_that_lacks_a_column_is_told_so(tmp_path, hardware, training):
    (tmp_path / "mine.csv").write_text("model,gpu\na,b\n")
    with pytest.raises(InputError, match="add the column"):
        read_throughput(tmp_path / "mine.csv", hardware, training)
    with pytest.raises(InputError, match=r"none\.csv"):
        read_throughput(tmp_path / "none.csv", hardware, training)


def problems_of(user, *changes):
    with pytest.raises(InputError) as error:
        user(*changes)
    return error.value.problems


def test_a_measurement_counts_once_and_no_guess_counts(training, tables, steady):
    assert not training["confidence"].eq("low").any()
    assert training[["input_tokens", "output_tokens"]].notna().all(axis=None)
    assert len(training) < sum(map(len, tables)) + len(steady)
    assert training["protocol"].eq(STEADY).sum() == len(steady)


def test_the_law_of_the_committed_rows_describes_them(tables, steady, hardware, training):
    predicted, sigma = fit_committed(tables, steady, hardware).predict(training)
    away = (predicted / training["throughput_tps"]).clip(lower=0.01)
    assert ((away < 1.2) & (away > 1 / 1.2)).mean() > 0.85
    assert (sigma < 0.5).all()


def test_models_go_by_their_names_in_the_wild(user):
    names = ["llama-3.1-70b", "Llama-3.1-70B-Instruct-FP8", "nvidia/Llama-3.1-70B-Instruct-FP8"]
    rows = user(*({"model": name} for name in names))
    assert len(set(rows["network"])) == 1
    assert list(rows["model_as_given"]) == names
    assert set(rows["model"]) == {"Llama 3.1 70B"}


def test_what_is_not_known_is_refused_all_at_once(user):
    one, two, three = problems_of(
        user, {}, {"model": "Llama 9 70B"}, {"gpu": "A100"}, {"input_tokens": None}
    )
    assert 'mine.csv, line 3, column "model": value "Llama 9 70B"; allowed are' in one
    assert "did you mean Llama 3" in one
    assert 'mine.csv, line 4, column "gpu": value "A100"; allowed are names of' in two
    assert "did you mean A100-SXM-40GB or A100-SXM-80GB?" in two
    assert 'mine.csv, line 5, column "input_tokens"' in three
    assert len(problems_of(user, {"model": "Llama 9 70B"})) == 1


def test_gpus_go_by_their_names_in_the_wild_and_rows_keep_their_order(user):
    names = ["B200", "h100_sxm", "NVIDIA H100 80GB HBM3", "H100", "h200", "A100 40GB", "b200-sxm"]
    rows = user(*({"gpu": name, "tensor_parallel": 8, "precision": "BF16"} for name in names))
    assert list(rows["gpu_as_given"]) == names
    assert list(rows["gpu"]) == [
        "B200",
        *3 * ["H100-SXM-80GB"],
        "H200-SXM-141GB",
        "A100-SXM-40GB",
        "B200",
    ]
    assert list(rows["line"]) == [2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("change", [{"model": "My own"}, {"gpu": "TPU v9"}])
def test_a_table_in_which_nothing_is_known_is_refused_in_words(user, change):
    with pytest.raises(InputError) as caught:
        user(change, change | {"output_tokens": 900})
    ((column, value),) = change.items()
    (problem,) = caught.value.problems
    assert f'lines 2, 3, column "{column}": value "{value}"; allowed are names' in problem


def test_a_name_a_layout_and_a_cell_that_are_wrong_are_refused_together(user):
    name, layout = problems_of(user, {"model": "Llama 9 70B"}, {"expert_parallel": 16})
    assert 'line 2, column "model"' in name
    assert 'line 3, column "expert_parallel"' in layout
    cell, name, gpu = problems_of(user, {"precision": "FP3"}, {"model": "Nobody"}, {"gpu": "H1"})
    assert 'line 2, column "precision"' in cell
    assert 'line 3, column "model": value "Nobody"' in name
    assert 'line 4, column "gpu": value "H1"' in gpu


def test_layouts_that_count_each_gpu_twice_are_read_as_they_are(user, training):
    shapes = [(64, 1, 8), (1, 64, 8), (4, 4, 16), (2, 2, 4), (16, 1, 4)]
    plain = [(8, 1, 8), (4, 1, 2), (8, 1, 1), (16, 1, 16), (2, 8, 4), (4, 4, 8)]
    names = ["tensor_parallel", "attention_data_parallel", "expert_parallel"]
    rows = [
        dict(zip(names, shape, strict=True)) | {"gpu": "B200", "model": "MiniMax M2.5"}
        for shape in shapes + plain
    ]
    theirs = user(*(row | {"source_id": "aiconfigurator-held-back"} for row in rows))
    read = list(theirs[names].itertuples(index=False, name=None))
    assert read == [(8, 1, 8), (1, 8, 8), (4, 1, 4), (2, 1, 2), (4, 1, 4), *plain]
    assert list(counted_once(theirs)) == 5 * [True] + 6 * [False]
    assert list(theirs["tensor_parallel_as_given"]) == [shape[0] for shape in shapes + plain]
    # two groups of two may be what anybody else means, and four of four; nodes tell for sure
    mine = user(*rows)
    assert list(counted_once(mine)) == [True, True, False, False, True, *6 * [False]]
    assert not counted_once(user(*(row | {"nodes": 8} for row in rows))).any()


def test_layouts_of_several_stages_are_read_as_they_are_written(user):
    """Those that count each GPU twice have one, so that n^2 is of others by chance."""
    names = ["tensor_parallel", "pipeline_parallel", "attention_data_parallel", "expert_parallel"]
    shapes = [(16, 4, 1, 8), (1, 2, 1, 2), (1, 4, 1, 4), (2, 2, 2, 8)]
    rows = [dict(zip(names, shape, strict=True)) for shape in shapes]
    for source in ("mine", "aiconfigurator-mine"):
        of = {"gpu": "B200", "model": "MiniMax M2.5", "source_id": source}
        read = user(*(row | of for row in rows))
        assert list(read[names].itertuples(index=False, name=None)) == shapes
        assert not counted_once(read).any()


def test_a_layout_in_the_flags_of_an_engine_is_read_as_it_is(user):
    names = ["tensor_parallel", "attention_data_parallel", "expert_parallel"]
    flags = dict.fromkeys(names, 8) | {"gpu": "B200", "model": "DeepSeek-R1"}
    row, few = user(flags, flags | dict.fromkeys(names, 2) | {"model": "MiniMax M2.5"}).iloc
    assert [row[name] for name in names] == [1, 8, 8]
    assert [row[f"{name}_as_given"] for name in names] == [8, 8, 8]
    # two groups of two with the experts over the two of each may be what is meant
    assert [few[name] for name in names] == [2, 2, 2]
    rows = user(flags, flags | {"source_id": "aiconfigurator-mine"}, flags | {"nodes": 8})
    assert list(counted_once(rows)) == [True, True, False]
    # the nodes that 16 GPUs need cannot hold 256, so that stating them changes nothing
    wide = flags | dict.fromkeys(names, 16)
    two, plain = user(wide | {"nodes": 2}, wide).iloc
    assert [two[name] for name in names] == [plain[name] for name in names] == [1, 16, 16]
    (problem,) = problems_of(user, wide | {"nodes": 3})
    assert "for the 256 GPUs of the copy" in problem


def test_every_copy_on_too_few_nodes_is_told_how_many_it_needs(user):
    few = {"nodes": 1, "gpu": "B200", "model": "MiniMax M2.5"}
    one, two = problems_of(user, few | {"tensor_parallel": 16}, few | {"tensor_parallel": 32})
    assert "line 2" in one
    assert "at least 2 of at most 8 x B200 for the 16 GPUs" in one
    assert "line 3" in two
    assert "at least 4 of at most 8 x B200 for the 32 GPUs" in two


def test_what_nobody_measured_is_named(user, training, hardware):
    rows = user(
        {"engine": "TensorRT-LLM"},
        {"engine": "vllm", "gpu": "L40S", "precision": "INT8"},
        {"engine": "vLLM", "concurrency": 1e5},
        {"engine": "vLLM", "model": "Nemotron Super 49B", "output_tokens": 5e5},
        {"engine": "vLLM", "tensor_parallel": 16},
        {"engine": "vLLM", "tensor_parallel": 4, "pipeline_parallel": 2},
        {},
        # only the vendor's engine was measured with as many requests as fit
        {"engine": "TensorRT-LLM", "concurrency": None},
        {"engine": "vLLM", "concurrency": None},
        {"concurrency": None},
        # its finite runs are of five models, of FP8, and of FP4 on B200
        {"engine": "TensorRT-LLM", "concurrency": None, "gpu": "B200"},
        {"engine": "TensorRT-LLM", "concurrency": None, "model": "Llama 3.1 8B"},
        {"engine": "TensorRT-LLM", "gpu": "B200"},
    )
    named = ["", "GPU; format", "load", "model; output; context", "GPUs", "pipeline", "engine"]
    named += ["", "all at once", "engine", "all at once", "all at once", ""]
    assert list(beyond(rows, training, hardware["models"])) == named


PAGE = " ".join((ROOT / "docs/load.md").read_text(encoding="utf-8").split())


def held(rows, fit):
    """Predicted over measured of rows, and how many are in their 90 % interval."""
    predicted, sigma = fit.predict(rows)
    low, high = bounds(predicted, sigma, 90)
    measured = rows["throughput_tps"].to_numpy(float)
    return predicted / measured, int(((measured >= low) & (measured <= high)).sum())


def test_a_format_that_was_measured_at_a_load_alone_is_less_certain_all_at_once(training):
    """Left out, the finite runs in FP4 are further off than what is known at a load lets expect."""
    out = training["protocol"].eq(AS_MANY_AS_FIT) & training["precision"].eq("FP4")
    assert set(zip(training[out]["model"], training[out]["gpu"], strict=True)) == {
        ("Llama 3.1 405B", "B200")
    }
    ratio, inside = held(training[out], LoadFit.fit(training[~out]))
    assert inside > len(ratio) / 2
    assert (
        f"Llama 3.1 405B on B200 is predicted {ratio.min():.2f} to {ratio.max():.2f} times too"
        f" fast, and {inside} of {len(ratio)} rows are in their 90 % interval"
    ) in PAGE


def test_the_page_says_how_far_off_finite_runs_are_that_nothing_is_fitted_to(
    training, fitted, hardware
):
    of = read("data/mlperf_benchmarks.csv", "mlperf_benchmarks").set_index("benchmark")
    of = of[(of["source_id"] == "mlperf-v5.1") | (of.index == "mixtral-8x7b")]
    # the runs with the stricter accuracy target of a benchmark are the same ones
    of = of[(of["gpus"] == 1) & ~of.index.str.endswith("99.9")]
    boards = {"NVIDIA B200-SXM-180GB": "B200", "NVIDIA B300-SXM-270GB": "B300"}
    runs = read("data/measured/mlperf_throughput.csv", "mlperf")
    runs = runs[runs["division"].eq("closed") & runs["scenario"].eq("Offline")]
    runs = runs[runs["precision"].eq("FP4") & runs["accelerator"].isin(list(boards))]
    runs = runs[runs["benchmark"].isin(of.index) & runs["software"].str.contains("TensorRT")]
    benchmark = of.loc[runs["benchmark"]].reset_index(drop=True)
    runs = runs.reset_index(drop=True)
    rows = pd.DataFrame(
        {
            "model": benchmark["model"],
            "gpu": runs["accelerator"].map(boards),
            "tensor_parallel": 1,
            "precision": "FP4",
            "engine": "TensorRT-LLM",
            "input_tokens": benchmark["input_tokens"],
            "output_tokens": runs["output_tokens"].fillna(benchmark["output_tokens"]),
            "throughput_tps": runs["throughput_tps"] / runs["accelerators"],
            "source_id": runs["source_id"],
        }
    )
    rows = as_published(describe(rows, **hardware), training)
    ratio, inside = held(rows, fitted)
    ends = pd.Series(ratio).groupby(rows["model"].to_numpy()).agg(["min", "max"])
    told = {
        name: f"{low:.1f} to {high:.1f}" if low < high else f"{low:.1f}"
        for name, low, high in ends.itertuples()
    }
    assert (
        f"Llama 2 70B comes out {told['Llama 2 70B']} times too fast, Llama 3.1 8B"
        f" {told['Llama 3.1 8B']} times and Mixtral 8x7B {told['Mixtral 8x7B']} times; {inside} of"
        f" {len(rows)} are in their 90 % interval"
    ) in PAGE


@pytest.mark.parametrize(
    "change",
    [
        {"concurrency": 1e6},
        {"concurrency": 0.5},
        {"requests": 1},
        {"engine": "nobody's", "engine_version": "0.1"},
        {"gpu": "B300"},
        {"gpu": "GB200", "precision": "FP4"},
        {"model": "Llama 4 Scout", "input_tokens": 4e6, "output_tokens": 4e6},
        {"input_tokens": 1, "output_tokens": 1},
        {"tensor_parallel": 2, "pipeline_parallel": 4},
        {"tensor_parallel": 1024},
        {"expert_parallel": 8},
        {"model": "Falcon 180B"},
        {"model": "DeepSeek-V4-Pro", "gpu": "B200", "precision": "FP4"},
    ],
)
def test_what_nobody_measured_is_predicted_with_its_interval(user, fitted, change):
    predicted, sigma = fitted.predict(user(change))
    assert np.isfinite(predicted).all()
    assert (predicted > 0).all()
    assert ((sigma > 0.2) & (sigma < 2)).all()


def test_what_a_node_cannot_have_is_refused_all_at_once(user):
    one, two, three, four = problems_of(
        user,
        {"precision": "FP4"},
        {"expert_parallel": 16},
        {"tensor_parallel": 1, "precision": "BF16"},
        # 671 GB of 687, of which an engine does not use all and needs some for its cache
        {"model": "DeepSeek-R1", "tensor_parallel": 8},
    )
    assert 'line 2, column "precision": value "FP4"; allowed on H100-SXM-80GB' in one
    assert 'line 3, column "expert_parallel": value "16"; allowed is at most' in two
    assert 'line 4, column "tensor_parallel": value "1"' in three
    assert "does not fit the memory of 1 x H100-SXM-80GB" in three
    assert "DeepSeek-R1 in FP8 does not fit the memory of 8 x H100-SXM-80GB" in four
    # four bits that are only stored are served on such GPUs
    assert len(user({"model": "gpt-oss-120b", "precision": "FP4"})) == 1


@pytest.mark.parametrize("gpu", ["GB300", "H100 PCIe", "mi300x", "MI325X", "AMD Instinct MI355X"])
def test_gpus_that_nobody_measured_are_predicted_with_a_wider_interval(
    user, fitted, training, hardware, gpu
):
    rows = user(*({"engine": "vLLM", "precision": "BF16", "gpu": name} for name in ("H100", gpu)))
    assert beyond(rows, training, hardware["models"])[1] == "GPU; format"
    predicted, (known, wide) = fitted.predict(rows)
    assert ((predicted > 0) & np.isfinite(predicted)).all()
    assert wide > known


def test_layouts_that_part_nothing_evenly_are_refused_on_a_node_and_named_beyond(
    user, training, hardware
):
    one, two, three, four = problems_of(
        user,
        {},
        {"tensor_parallel": 3},
        # 24 heads, but 8 of the cache
        {"model": "Llama 3.2 3B", "tensor_parallel": 3},
        {"model": "DeepSeek-R1", "gpu": "H200", "expert_parallel": 3},
        {"model": "Qwen2.5 7B"},
    )
    assert (
        'line 3, column "tensor_parallel": value "3"; allowed are 1, 2, 4, 8: engines part' in one
    )
    assert "64 attention heads of Llama 3.1 70B and its 8 of keys" in one
    assert 'line 4, column "tensor_parallel": value "3"; allowed are 1, 2, 4, 8' in two
    assert 'line 6, column "tensor_parallel": value "8"; allowed are 1, 2, 4: engines' in three
    assert 'line 5, column "expert_parallel": value "3"; allowed are 1, 2, 4, 8' in four
    # of more nodes than one, sources add up GPUs of all kinds
    rows = user({"tensor_parallel": 12}, {"tensor_parallel": 16}, {"engine": "vLLM"})
    assert list(beyond(rows, training, hardware["models"])) == [
        "engine; GPUs; layout",
        "engine; GPUs",
        "",
    ]


def test_a_request_that_no_cache_holds_and_stages_without_layers_are_refused(user):
    stages, long = problems_of(
        user,
        {},
        {"tensor_parallel": 1, "input_tokens": 130000, "throughput_tps": 5},
        {"model": "Llama 3.1 8B", "tensor_parallel": 1, "pipeline_parallel": 64},
    )
    assert 'line 3, column "input_tokens": value "130000"; allowed are at most 2 times' in long
    assert "of input and output, which the cache of 1 x H100-SXM-80GB holds beside" in long
    assert (
        'line 4, column "pipeline_parallel": value "64"; allowed are at most the 32 layers'
        in stages
    )


def test_a_layout_of_experts_is_named_where_a_model_has_none(user, training, hardware):
    rows = user({"expert_parallel": 8}, {"tensor_parallel": 1, "attention_data_parallel": 8})
    assert list(beyond(rows, training, hardware["models"])) == 2 * ["engine; layout"]


def test_a_wrong_cell_hides_nothing_else_that_is_wrong(user):
    found = problems_of(
        user,
        {"throughput_tps": -1, "model": "Llama 9 70B"},
        {"model": "Llama 3.1 405B", "tensor_parallel": 2},
        {"input_tokens": None},
        {"expert_parallel": 16},
        {"throughput_tps": 1e8},
    )
    assert [problem.split(", ", 1)[1].split(": ")[0] for problem in found] == [
        'line 2, column "throughput_tps"',
        'line 2, column "model"',
        'line 4, column "input_tokens"',
        'line 5, column "expert_parallel"',
        'line 3, column "tensor_parallel"',
        'line 6, column "throughput_tps"',
    ]


def test_throughputs_that_no_hardware_gives_are_refused_with_the_bound(user):
    fast, slow = problems_of(
        user, {"throughput_tps": 1e8}, {}, {"throughput_tps": 0.002}, {"throughput_tps": 9e7}
    )
    assert 'lines 2, 5, column "throughput_tps": value "1e+08"; allowed is at most 2 times' in fast
    assert 'line 4, column "throughput_tps": value "0.002"; allowed is at least 0.001' in slow


def test_lengths_beyond_the_context_of_the_model_are_refused_with_the_bound(user):
    (long,) = problems_of(user, {"model": "Llama 3 8B", "input_tokens": 40000}, {})
    assert 'line 2, column "input_tokens": value "40000"; allowed are at most 4 times the' in long
    assert "8192 tokens of input and output" in long


def test_a_row_of_the_committed_tables_is_known_again(hardware, training, tables, tmp_path):
    path = tmp_path / "copy.csv"
    write_table(tables[0].iloc[:40], path, "throughput")
    rows = read_throughput(path, hardware, training)
    usable = rows["confidence"].ne("low")
    assert committed(rows, training)[usable].all()
    changed = rows.assign(throughput_tps=1.3 * rows["throughput_tps"])
    assert not committed(changed, training).any()


def test_a_configuration_is_known_again_by_every_name_of_its_model(
    hardware, training, fitted, tables, tmp_path
):
    known = tables[0][tables[0]["confidence"].eq("high")].iloc[::100]
    asked = []
    for case in (str, str.lower):
        named = known.assign(model=known["model"].map(case))
        write_table(named, tmp_path / "named.csv", "throughput")
        asked.append(read_throughput(tmp_path / "named.csv", hardware, training))
    of_names, of_others = map(fitted.predict, asked)
    np.testing.assert_array_equal(of_others, of_names)


def test_rows_of_the_vendors_page_need_not_say_what_it_says_of_all(user, training):
    lengths = {"input_tokens": 1000, "output_tokens": 2000, "concurrency": None}
    page = user(*({"source_id": s} | lengths for s in ("trtllm-9.9", "trtllm-0.19", "mine")))
    told = as_published(page, training)
    assert list(told["engine"].fillna("")) == ["TensorRT-LLM", "TensorRT-LLM", ""]
    assert list(told["engine_version"].fillna("")) == ["9.9", "0.19", ""]
    assert list(told["requests"].fillna(0)) == [1500, 1500, 0]
    stated = user({"source_id": "trtllm-9.9", "engine": "vLLM", "requests": 7} | lengths)
    told = as_published(stated, training)
    assert (told["engine"].item(), told["requests"].item()) == ("vLLM", 7)
    # whoever gives the vendor's engine as many as fit does as the vendor's page does
    own = [{"engine": engine} | lengths for engine in ("tensorrt_llm", "vLLM")]
    told = as_published(user(*own), training)
    assert list(told["requests"].fillna(0)) == [1500, 0]
    assert list(told["engine"]) == ["tensorrt_llm", "vLLM"]
    # a load that a client keeps up is nobody's page
    assert as_published(user({"source_id": "trtllm-9.9"}), training)["engine"].isna().all()


def told_of(user, *changes):
    """Problems without the name of the file."""
    return [problem.split(", ", 1)[1] for problem in problems_of(user, *changes)]


def test_runs_of_the_second_table_as_rows():
    run = {
        "row": 3,
        "task": "chat",
        "model_id": "org/Model-14B",
        "model": None,
        "gpu": "B200",
        "gpus": 4,
        "tensor_parallel": 1,
        "expert_parallel": 4,
        "precision": "BF16",
        "concurrency": 15.5,
        "concurrency_limit": 16,
        "output_tokens": 700.0,
        "throughput_tps": 600.0,
        "source_id": "mlenergy-v3",
    }
    (row,) = steady_rows(pd.DataFrame([run])).to_dict("records")
    assert row == {
        "gpu": "B200",
        "precision": "BF16",
        "expert_parallel": 4,
        "output_tokens": 700.0,
        "concurrency": 15.5,
        "throughput_tps": 600.0,
        "source_id": "mlenergy-v3",
        "model": "org/Model-14B",
        "tensor_parallel": 4,
        "engine": "vLLM",
        "engine_version": "0.11.1",
        "input_tokens": 300.0,
        "source_version": "chat",
        "protocol": STEADY,
    }


def test_a_row_without_lengths_leaves_out_itself_alone(tables, steady, hardware, training):
    """And one with three digits like another of the same is that measurement again."""
    some = tables[0].iloc[:20]
    bare = some.iloc[:2].assign(input_tokens=np.nan, output_tokens=[1.0, np.nan])
    again = some.iloc[2:4].assign(throughput_tps=1.0001 * some["throughput_tps"], source_id="mine")
    other = some.iloc[2:4].assign(throughput_tps=1.02 * some["throughput_tps"])
    rows = training_rows([some, bare, again], steady, hardware)
    expected = training_rows([some], steady, hardware)
    assert rows.index.tolist() == list(range(len(rows)))
    pd.testing.assert_frame_equal(rows[expected.columns], expected)
    assert "index" not in training
    assert len(training_rows([some, other], steady, hardware)) == len(expected) + 2


def test_rows_that_were_read_are_numbered_and_have_no_other_columns(user, hardware):
    rows = user({}, {"concurrency": 4})
    assert rows.index.tolist() == [0, 1]
    assert "index" not in rows
    assert not counted_once(rows).any()


def test_what_is_said_of_names_in_full(user, hardware):
    models = "allowed are names and aliases of data/models.csv; "
    gpus = f"allowed are names of data/gpus.csv: {', '.join(hardware['gpus']['gpu'])}; "
    assert told_of(
        user,
        {"model": "Nobody"},
        {"model": "Llama 9 70B"},
        {"model": "Llama 3."},
        {"gpu": "Z9"},
        {"gpu": "H300-SXM-141GB"},
        {"gpu": "A100"},
        {"model": "Nobody", "gpu": "Z9"},
    ) == [
        f'lines 2, 8, column "model": value "Nobody"; {models}add a row for it there',
        f'line 3, column "model": value "Llama 9 70B"; {models}did you mean Llama 3 70B? else add'
        " a row for it there",
        f'line 4, column "model": value "Llama 3."; {models}did you mean Llama 3.1 405B or Llama'
        " 3.1 70B? else add a row for it there",
        f'lines 5, 8, column "gpu": value "Z9"; {gpus}add a row for it there',
        f'line 6, column "gpu": value "H300-SXM-141GB"; {gpus}did you mean H200-SXM-141GB? else add'
        " a row for it there",
        f'line 7, column "gpu": value "A100"; {gpus}did you mean A100-SXM-40GB or A100-SXM-80GB?'
        " else add a row for it there",
    ]


@pytest.mark.parametrize("change", [{"model": "Zorro"}, {"gpu": "TPU v9"}])
def test_of_a_row_with_an_unknown_name_nothing_else_is_said(user, change):
    assert len(told_of(user, change | {"throughput_tps": 9e7}, {})) == 1


def test_an_alias_of_two_words_is_offered(tmp_path, hardware, training):
    """Aliases are parted by semicolons."""
    models = hardware["models"].copy()
    models.loc[models["model"] == "Qwen3 8B", "aliases"] = "qwen tiny; house model nine"
    path = tmp_path / "mine.csv"
    pd.DataFrame([ROW | {"model": "house model nin"}]).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"did you mean house model nine\? else"):
        read_throughput(path, hardware | {"models": models}, training)


def test_what_is_said_of_lengths_that_every_row_lacks(user):
    reason = (
        'value ""; allowed is a number above 0 [tokens]; a throughput is predicted for given'
        " lengths: fill the cells or remove the rows"
    )
    assert told_of(user, {"input_tokens": None}, {"input_tokens": None, "concurrency": 8}) == [
        f'lines 2, 3, column "input_tokens": {reason}'
    ]
    assert told_of(user, {"output_tokens": None}) == [f'line 2, column "output_tokens": {reason}']


def test_rows_that_lack_a_length_are_left_out_and_told(user, tmp_path):
    """With all that would be asked of them: the others are answered as without them."""
    lacking = {"input_tokens": None, "precision": "FP16", "tensor_parallel": 1}
    changes = (lacking, {}, {"output_tokens": None, "concurrency": 8}, {"concurrency": 8})
    rows = user(*changes)
    assert rows["line"].tolist() == [3, 5]
    reason = (
        'value "": left out, as a throughput is predicted for given lengths; fill the cells to have'
        " it predicted"
    )
    assert left_out(tmp_path / "mine.csv") == [
        f'line 2, column "input_tokens": {reason}',
        f'line 4, column "output_tokens": {reason}',
    ]
    alone = user(changes[1], changes[3])
    pd.testing.assert_frame_equal(rows.drop(columns="line"), alone.drop(columns="line"))
    assert left_out(tmp_path / "mine.csv") == []


def test_what_is_said_of_formats_and_layouts_in_full(user):
    formats = (
        "does not compute in 4 bit, are FP8, FP16, BF16, INT8 and INT4, and FP4 of models measured"
        " so (not {}); state the format of the weights as served"
    )
    room = "allowed are as many GPUs as hold the weights; correct the layout or the format"
    one = {"tensor_parallel": 1, "model": "Llama 3.1 8B"}
    assert told_of(
        user,
        {"precision": "FP4"},
        {"precision": "FP4", "gpu": "A100 40GB"} | one,
        {"precision": "FP4", "concurrency": 8},
        {"expert_parallel": 16},
        {"expert_parallel": 9, "tensor_parallel": 4, "pipeline_parallel": 2},
        {"expert_parallel": 8, "tensor_parallel": 4, "pipeline_parallel": 2},
        {"tensor_parallel": 1, "precision": "BF16"},
        {"tensor_parallel": 1, "precision": "FP16"},
        {"model": "DeepSeek-R1", "tensor_parallel": 4, "pipeline_parallel": 2},
        {"model": "DeepSeek-R1", "tensor_parallel": 2, "concurrency": 8},
        {"expert_parallel": 16, "concurrency": 2},
    ) == [
        'lines 2, 4, column "precision": value "FP4"; allowed on H100-SXM-80GB, which '
        + formats.format("Llama 3.1 70B"),
        'line 3, column "precision": value "FP4"; allowed on A100-SXM-40GB, which '
        + formats.format("Llama 3.1 8B"),
        *(
            f'{lines}, column "expert_parallel": value "{value}"; allowed is at most the GPUs of'
            " the copy, tensor_parallel x pipeline_parallel x attention_data_parallel; correct the"
            " layout"
            for lines, value in (("lines 5, 12", 16), ("line 6", 9))
        ),
        'line 8, column "tensor_parallel": value "1"; Llama 3.1 70B in BF16 does not fit the memory'
        f" of 1 x H100-SXM-80GB; {room}",
        'line 9, column "tensor_parallel": value "1"; Llama 3.1 70B in FP16 does not fit the memory'
        f" of 1 x H100-SXM-80GB; {room}",
        'lines 10, 11, column "tensor_parallel": value "4"; DeepSeek-R1 in FP8 does not fit the'
        f" memory of 2 x H100-SXM-80GB; {room}",
    ]


def test_a_copy_that_one_node_does_not_hold_is_read_as_on_all_that_are_stated(user):
    """Tables that count the GPUs of a node, as the paper's does, state the nodes beside them."""
    row = {"model": "DeepSeek-R1", "tensor_parallel": 8}
    held = {"tensor_parallel": 8, "nodes": 2}
    read = user(row | {"nodes": 2}, {"tensor_parallel": 16, "nodes": 2}, held, ROW)
    assert list(read["tensor_parallel"]) == [16, 16, 8, 8]
    assert list(read["tensor_parallel_as_given"]) == [8, 16, 8, 8]
    assert list(over_nodes(read)) == [True, False, False, False]
    assert not counted_once(read).any()
    assert (read["filled"] <= 1).all()
    # as the same GPUs, counted together
    whole = user(row | {"tensor_parallel": 16, "nodes": 2})
    traits = [name for name in TRAITS if name in read]
    assert whole.loc[0, traits].equals(read.loc[0, traits])
    for few in ({}, {"nodes": 1}, {"nodes": 2, "tensor_parallel": 2}):
        (told,) = problems_of(user, row | few)
        assert "DeepSeek-R1 in FP8 does not fit the memory of" in told


def test_a_copy_on_more_gpus_than_its_nodes_have_is_refused(user):
    nodes = (
        "allowed are at least {} of at most {} for the {} GPUs of the copy, tensor_parallel x"
        " pipeline_parallel x attention_data_parallel; correct the layout or the nodes, or leave"
        " the cell empty"
    )
    copies = {"model": "DeepSeek-R1", "gpu": "H200", "attention_data_parallel": 3}
    assert told_of(
        user,
        {"tensor_parallel": 16, "nodes": 1},
        {"tensor_parallel": 8, "pipeline_parallel": 2, "nodes": 1},
        copies | {"nodes": 2},
        {"tensor_parallel": 32, "nodes": 3},
    ) == [
        f'lines 2, 3, column "nodes": value "1"; {nodes.format(2, "8 x H100-SXM-80GB", 16)}',
        f'line 4, column "nodes": value "2"; {nodes.format(3, "8 x H200-SXM-141GB", 24)}',
        f'line 5, column "nodes": value "3"; {nodes.format(4, "8 x H100-SXM-80GB", 32)}',
    ]
    kept = user(
        {"tensor_parallel": 16},
        {"tensor_parallel": 16, "nodes": 2},
        {"tensor_parallel": 8, "nodes": 1},
        copies | {"nodes": 3},
        {"tensor_parallel": 16, "nodes": 1, "gpu": "A100-SXM-40GB"},
        {"tensor_parallel": 64, "nodes": 1, "gpu": "GB200"},
    )
    assert len(kept) == 6


def test_what_is_said_of_layouts_that_part_nothing_evenly_in_full(user):
    heads = "allowed are {}: engines part the {} evenly; correct the layout"
    llama = heads.format(
        "1, 2, 4, 8", "64 attention heads of Llama 3.1 70B and its 8 of keys and values"
    )
    glm = heads.format(
        "1, 2, 4, 8", "96 attention heads of GLM-4.5 Air and its 8 of keys and values"
    )
    qwen = heads.format("1, 2, 4", "28 attention heads of Qwen2.5 7B and its 4 of keys and values")
    stages = {"model": "Llama 3.1 8B", "tensor_parallel": 1}
    mixture = {"model": "DeepSeek-R1", "gpu": "H200"}
    assert told_of(
        user,
        {"tensor_parallel": 3},
        {"tensor_parallel": 6},
        {"tensor_parallel": 3, "concurrency": 8},
        {"model": "Qwen2.5 7B"},
        stages | {"pipeline_parallel": 64},
        stages | {"pipeline_parallel": 33},
        stages | {"pipeline_parallel": 32},
        mixture | {"expert_parallel": 3},
        mixture | {"expert_parallel": 3, "concurrency": 8},
        mixture | {"expert_parallel": 5},
        mixture | {"expert_parallel": 4},
        {
            "tensor_parallel": 6,
            "pipeline_parallel": 1,
            "expert_parallel": 4,
            "model": "GLM-4.5 Air",
        },
        {"tensor_parallel": 12},
    ) == [
        f'lines 2, 4, column "tensor_parallel": value "3"; {llama}',
        f'line 3, column "tensor_parallel": value "6"; {llama}',
        f'line 5, column "tensor_parallel": value "8"; {qwen}',
        f'line 13, column "tensor_parallel": value "6"; {glm}',
        'lines 6, 7, column "pipeline_parallel": value "64"; allowed are at most the 32 layers of'
        " Llama 3.1 8B; correct the layout",
        'line 13, column "expert_parallel": value "4"; allowed are 1, 2, 3, 6, which part the 6'
        " GPUs of the copy evenly; correct the layout",
        'lines 9, 10, column "expert_parallel": value "3"; allowed are 1, 2, 4, 8, which part the 8'
        " GPUs of the copy evenly; correct the layout",
        'line 11, column "expert_parallel": value "5"; allowed are 1, 2, 4, 8, which part the 8'
        " GPUs of the copy evenly; correct the layout",
    ]


def test_heads_are_parted_evenly_or_copied(models):
    """24 heads and 8 of the cache: on 16 GPUs 24 are not parted, on 12 the 8 are not copied."""
    gpus = [1, 2, 3, 4, 8, 12, 16, 24, 48]
    rows = pd.DataFrame({"model": "Llama 3.2 3B", "tensor_parallel": gpus})
    even = parts_heads(rows, models)
    assert [n for n, parted in zip(gpus, even, strict=True) if parted] == [1, 2, 4, 8, 24]


def test_what_is_said_of_throughputs_and_lengths_in_full(user):
    fast = (
        "allowed is at most 2 times what the datasheets of their GPUs allow for the matrix products"
        " of input and output; compare it, the lengths and the GPUs with their source"
    )
    slow = (
        "allowed is at least 0.001 of what one request alone gets, for which the GPUs read every"
        " weight for every token; compare it, the lengths and the GPUs with their source"
    )
    room = (
        "allowed are at most 2 times 41256 tokens of input and output, which the cache of 1 x"
        " H100-SXM-80GB holds beside the weights of Llama 3.1 70B; correct the lengths, the layout"
        " or the format"
    )
    context = (
        "allowed are at most 4 times the context of Llama 3 8B, 8192 tokens of input and output;"
        " compare the lengths and the model with their source"
    )
    one = {"tensor_parallel": 1, "throughput_tps": 5}
    small = {"model": "Llama 3 8B", "throughput_tps": 50}
    assert told_of(
        user,
        {"throughput_tps": 1e8},
        {"throughput_tps": 0.002},
        one | {"input_tokens": 130000},
        one | {"input_tokens": 82013},
        one | {"input_tokens": 82011},
        small | {"input_tokens": 5, "output_tokens": 40000},
        small | {"input_tokens": 5, "output_tokens": 4 * 8192 - 5},
        small | {"input_tokens": 40000, "output_tokens": 5},
        {"throughput_tps": 9e7},
    ) == [
        f'lines 2, 10, column "throughput_tps": value "1e+08"; {fast}',
        f'line 3, column "throughput_tps": value "0.002"; {slow}',
        f'lines 4, 5, column "input_tokens": value "130000"; {room}',
        f'lines 7, 9, column "output_tokens": value "40000"; {context}',
    ]
    (told,) = told_of(user, one | {"input_tokens": 5, "output_tokens": 130000})
    assert told == f'line 2, column "output_tokens": value "130000"; {room}'
    (told,) = told_of(user, small | {"input_tokens": 20000, "output_tokens": 20000})
    assert told == f'line 2, column "input_tokens": value "20000"; {context}'


def test_throughputs_beyond_what_few_requests_get_are_refused(user):
    """By hand: 70.55e9 weights of one byte from eight GPUs of 3.35 TB/s, for four at once."""
    reading = 70.55e9 / (8 * 3.35e12)
    few = {"concurrency": 4, "throughput_tps": 8.01 * 4 / reading}
    assert told_of(user, few, few | {"throughput_tps": 7.99 * 4 / reading}) == [
        f'line 2, column "throughput_tps": value "{8.01 * 4 / reading:g}"; allowed are at most'
        f" {8 * 4 / reading:.6g} tokens/s, 8 tokens of each of 4 requests at once while the GPUs"
        " read the active weights from their memory, for at least 2.63 ms; compare it, concurrency,"
        " precision and the GPUs with their source"
    ]


def test_requests_of_a_page_are_those_of_the_nearest_lengths(user, training):
    """Near in the logarithms of both lengths together."""
    runs = training[training["requests"].notna()]
    for _, run in runs.drop_duplicates(["input_tokens", "output_tokens"]).iterrows():
        near = {"input_tokens": 1.01 * run["input_tokens"]}
        near |= {"output_tokens": 0.99 * run["output_tokens"], "concurrency": None}
        (told,) = as_published(user(near | {"source_id": "trtllm-v9.9"}), training).iloc
        assert told["requests"] == run["requests"]
        assert told["engine_version"] == "9.9"
    assert len(set(runs["requests"])) > 1


def test_a_row_is_known_again_by_three_digits_of_its_throughput(training):
    some = training.iloc[:50]
    assert committed(some, training).all()
    near = some.assign(throughput_tps=some["throughput_tps"].map("{:.3g}".format).astype(float))
    assert committed(near, training).all()
    assert committed(near.assign(protocol="another"), training).all()
    for column in ("gpu", "precision", "engine", "engine_version"):
        assert not committed(near.assign(**{column: "another"}), training).any()


def test_beyond_are_loads_and_lengths_outside_those_of_the_model(user, training, hardware):
    """At the ends of its range nothing is; of a model that nobody measured all rows count."""
    known = user({"engine": "vLLM"})["network"].item()
    new = {"model": "Qwen2.5 72B", "engine": "vLLM"}
    assert user(new)["network"].item() not in set(training["network"])
    of, every = training[training["network"].eq(known)]["input_tokens"], training["concurrency"]
    rows = user(
        {"engine": "vLLM", "input_tokens": of.min()},
        {"engine": "vLLM", "input_tokens": of.max()},
        {"engine": "vLLM", "input_tokens": of.min() - 1},
        {"engine": "vLLM", "input_tokens": of.max() + 1},
        new | {"input_tokens": training["input_tokens"].min(), "concurrency": every.min()},
        new | {"concurrency": every.max() + 1},
        new | {"input_tokens": training["input_tokens"].min() / 2},
    )
    found = beyond(rows, training, hardware["models"])
    assert list(found) == ["", "", "input", "input", "model", "model; load", "model; input"]
    assert found.index.tolist() == list(range(7))


def test_layouts_that_no_engine_runs_are_beyond(user, training, hardware):
    """Experts that GPUs do not part evenly, and copies or experts of a model that has none."""
    mixture = {"model": "DeepSeek-R1", "gpu": "H200", "tensor_parallel": 16}
    rows = user(
        mixture | {"expert_parallel": 6},
        mixture | {"expert_parallel": 8},
        mixture | {"tensor_parallel": 8, "attention_data_parallel": 2},
        {"attention_data_parallel": 2},
        {"expert_parallel": 8},
        {"tensor_parallel": 12},
        {},
    )
    named = [set(told.split("; ")) for told in beyond(rows, training, hardware["models"])]
    assert ["layout" in told for told in named] == [True, False, False, True, True, True, False]


def test_beyond_the_context_is_longer_than_the_publisher_states(user, training, hardware):
    """8,192 tokens of Llama 3 8B."""
    of = {"model": "Llama 3 8B", "throughput_tps": 50, "output_tokens": 192}
    rows = user(of | {"input_tokens": 8000}, of | {"input_tokens": 8001})
    told = beyond(rows, training, hardware["models"])
    assert ["context" in each for each in told] == [False, True]


@pytest.mark.parametrize(
    ("column", "name"),
    [("output_tokens", "output"), ("concurrency", "load"), ("tensor_parallel", "GPUs")],
)
def test_the_ends_of_what_was_measured_of_a_model_are_not_beyond(
    user, training, hardware, column, name
):
    known = user({"engine": "vLLM"})["network"].item()
    of = training[training["network"].eq(known)]
    assert of["pipeline_parallel"].fillna(1).eq(1).all()
    assert of["attention_data_parallel"].fillna(1).eq(1).all()
    finite = of[column].astype(float).replace(np.inf, np.nan).dropna()
    low, high = int(finite.min()), int(finite.max())
    double = 2 if column == "tensor_parallel" else 1.5
    asked = [{column: value, "throughput_tps": 1000} for value in (low, high, double * high)]
    asked[0] |= {"gpu": "B200"} if column == "tensor_parallel" else {}
    rows = user(*({"engine": "vLLM"} | each for each in asked))
    told = [each.split("; ") for each in beyond(rows, training, hardware["models"])]
    assert [name in each for each in told] == [False, False, True]


def test_experts_over_no_more_gpus_than_the_copy_has_are_not_named_with_others(user):
    """As many as others spread them over, who have fewer."""
    (told,) = told_of(
        user, {"expert_parallel": 16}, {"expert_parallel": 16, "tensor_parallel": 16}, {}
    )
    assert told.startswith('line 2, column "expert_parallel": value "16"; allowed is at most')


def test_what_is_wrong_with_several_models_is_said_in_the_order_of_the_table(user):
    one, small = {"tensor_parallel": 1, "throughput_tps": 5}, {"throughput_tps": 50}
    stages = {"tensor_parallel": 1, "pipeline_parallel": 96}
    told = told_of(
        user,
        stages | {"model": "Qwen3 8B"},
        stages | {"model": "Llama 3.1 8B"},
        one | {"model": "Qwen2.5 72B", "input_tokens": 130000},
        one | {"input_tokens": 130000, "output_tokens": 130000},
        small | {"model": "Mistral 7B", "input_tokens": 150000},
        small | {"model": "Llama 3 8B", "input_tokens": 40000},
    )
    places = [each.split(": value")[0] for each in told]
    assert places == [
        'line 2, column "pipeline_parallel"',
        'line 3, column "pipeline_parallel"',
        'line 4, column "input_tokens"',
        # of lengths that are the same the input is named
        'line 5, column "input_tokens"',
        'line 6, column "input_tokens"',
        'line 7, column "input_tokens"',
    ]
    assert ["layers of" in each for each in told] == [True, True, False, False, False, False]
    assert ["the cache of" in each for each in told] == [False, False, True, True, False, False]
    assert ["the context of" in each for each in told] == [False, False, False, False, True, True]


def test_rows_may_be_some_of_a_table(user, training, hardware):
    """What is filled in, and what is said of them, goes by their index."""
    lengths = {"input_tokens": 1000, "output_tokens": 2000, "concurrency": None}
    rows = user(
        {"source_id": "mine"},
        {"source_id": "trtllm-9.9"} | lengths,
        {"source_id": "trtllm-9.9", "input_tokens": 128, "output_tokens": 128, "concurrency": None},
    )
    whole = as_published(rows, training)
    assert len(set(whole["requests"].dropna())) == 2
    pd.testing.assert_frame_equal(as_published(rows.iloc[1:], training), whole.iloc[1:])
    told = beyond(whole, training, hardware["models"])
    assert len(set(told)) > 1
    some = beyond(whole.iloc[1:], training, hardware["models"])
    pd.testing.assert_series_equal(some, told.iloc[1:])


def test_beyond_without_loads_are_the_lengths_still(user, training, hardware):
    rows = user({"engine": "vLLM"}, {"engine": "vLLM", "output_tokens": 5e5, "concurrency": 1e5})
    told = beyond(rows, training, hardware["models"])
    bare = beyond(rows.drop(columns="concurrency"), training, hardware["models"])
    assert list(told) == ["", "load; output; context"]
    assert list(bare) == ["", "output; context"]


def test_the_load_of_a_run_is_at_most_its_requests(user, training, hardware):
    """More are never served at once, whatever the client would have kept."""
    of = {"engine": "vLLM", "throughput_tps": 50}
    rows = user(
        of | {"concurrency": 1},
        of | {"concurrency": 64, "requests": 1},
        of | {"concurrency": None, "requests": 1},
        of | {"concurrency": 64, "requests": 64},
        of | {"concurrency": 1e6, "requests": 64},
    )
    told = beyond(rows, training, hardware["models"])
    assert ["load" in each.split("; ") for each in told] == [True, True, True, False, False]


def test_experts_of_a_model_that_has_none_are_beyond_on_two_gpus(user, training, hardware):
    rows = user({"engine": "vLLM", "expert_parallel": 2}, {"engine": "vLLM", "expert_parallel": 1})
    assert list(beyond(rows, training, hardware["models"])) == ["layout", ""]

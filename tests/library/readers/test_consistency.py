"""A file is checked against itself, and against what hardware can do."""

import json
import re
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.laws.hardware import FASTEST, USUAL_FASTEST
from inference_energy.method.boundary import Meter
from inference_energy.readers import consistency, detect_and_read
from inference_energy.readers.common import Run
from inference_energy.tables import read_table, write_table
from library.readers.files import ALONE, FILES, FIXTURES, NODE, PAIR, load, put, refusal
from repository import ROOT

GPU = {"gpu": "H100-SXM-80GB"}
PERF = {**NODE, "model": "m", "pipeline_parallel": 1}
GENAI = "genai-perf/profile_export_genai_perf.json"
PERF_FILE = "inference-perf/summary_lifecycle_metrics.json"
GUIDE, GUIDE_TIMES = "guidellm/real.json", "benchmarks.0.metrics"
GUIDED = SGLANG = {**NODE, "model": "m"}
# Fixture, its facts, path of a number that the file states a second way, start of the mark.
REDUNDANT = [
    ("aiperf/dcgm.json", PAIR | GPU, "nvidia_total_gpu_energy.avg", "power: gpu_energy_j"),
    (
        "aiperf/dcgm.json",
        PAIR | GPU,
        "nvidia_energy_per_output_token.avg",
        "power: energy_per_output_token_j",
    ),
    ("aiperf/cpu.json", NODE, "request_throughput.avg", "throughput_tps"),
    ("aiperf/cpu.json", NODE, "output_token_throughput.avg", "throughput_tps"),
    ("aiperf/cpu.json", NODE, "benchmark_duration.avg", "request_throughput"),
    ("aiperf/cpu.json", NODE, "total_osl.avg", "total_osl"),
    ("aiperf/cpu.json", NODE, "total_isl.avg", "total_isl"),
    ("aiperf/cpu.json", NODE, "input_token_throughput.avg", "input_token_throughput"),
    ("aiperf/cpu.json", NODE, "total_token_throughput.avg", "total_token_throughput"),
    ("inferencex/agg_single.json", {}, "isl", "input_tput_per_gpu"),
    ("inferencex/agg_single.json", {}, "avg_total_gpu_power_w", "power: avg_total_gpu_power_w"),
    (
        "inferencex/agg_single.json",
        {},
        "joules_per_output_token",
        "power: energy_per_output_token_j",
    ),
    ("inferencex/agg_single.json", {}, "tput_per_gpu", "tput_per_gpu"),
    *(
        (
            "inferencex/agg_single.json",
            {},
            f"joules_per_{name}",
            "power: joules_per_successful_query",
        )
        for name in ("successful_query", "input_token", "total_token")
    ),
    (
        "mlenergy/task.json",
        {},
        "configurations.1.energy_per_request_joules",
        "power: energy_per_request_joules",
    ),
    ("inferencex/agg_disaggregated.json", {}, "input_tput_per_gpu", "tput_per_gpu"),
    ("mlenergy/task.json", {}, "configurations.1.avg_power_watts", "power: energy_per_output"),
    ("vllm/single.json", NODE, "output_throughput", "output_throughput"),
    ("vllm/single.json", NODE, "total_token_throughput", "total_token_throughput"),
    ("vllm/single.json", NODE, "request_throughput", "throughput_tps"),
    ("sglang/older.jsonl", {**NODE, "model": "m"}, "input_throughput", "input_throughput"),
    ("sglang/older.jsonl", {**NODE, "model": "m"}, "duration", "output_throughput"),
    (
        "guidellm/benchmarks.json",
        {**NODE, "model": "m"},
        "benchmarks.0.metrics.output_tokens_per_second.successful.mean",
        "throughput_tps",
    ),
    ("guidellm/benchmarks.json", {**NODE, "model": "m"}, "benchmarks.0.duration", "request_th"),
    (
        "inference-perf/summary_lifecycle_metrics.json",
        PERF,
        "successes.throughput.requests_per_sec",
        "throughput_tps",
    ),
    *(
        ("inference-perf/summary_lifecycle_metrics.json", PERF, f"successes.{path}", name)
        for path, name in (
            ("prompt_tokens.mean", "input_tokens_per_sec"),
            ("throughput.input_tokens_per_sec", "input_tokens_per_sec"),
            ("throughput.total_tokens_per_sec", "total_tokens_per_sec"),
        )
    ),
    (
        "inference-perf/summary_lifecycle_metrics.json",
        PERF,
        "benchmark_time_seconds",
        "request_throughput",
    ),
]


def scaled(record, path, factor):
    """Copy of a record with the number at a path times a factor."""
    record = deepcopy(record)
    *folder, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    place = record
    for step in folder:
        place = place[step]
    place[last] *= factor
    return record


def marks(frame):
    return [m for status in frame["status"] for m in status.removeprefix("marked: ").split("; ")]


@pytest.mark.parametrize(("name", "facts", "path", "start"), REDUNDANT)
@pytest.mark.parametrize("factor", [1.3, 0.7])
def test_a_number_that_the_rest_of_its_file_contradicts_is_marked(
    tmp_path, name, facts, path, start, factor
):
    raw = load(name)
    before = marks(detect_and_read(put(tmp_path, raw), facts))
    assert not any(mark.startswith(start) for mark in before)
    after = marks(detect_and_read(put(tmp_path, scaled(raw, path, factor)), facts))
    assert any(mark.startswith(start) and " where " in mark for mark in after), after


@pytest.mark.parametrize(
    ("name", "facts", "path", "factor", "mark"),
    [
        ("vllm/real.json", NODE, "max_concurrency", 10, "concurrency 20 where"),
        ("vllm/real.json", NODE, "max_concurrency", 0.5, "concurrency 1 where request rate x mean"),
        ("vllm/real.json", NODE, "mean_e2el_ms", 3, "concurrency 2 where request rate x mean"),
        ("vllm/single.json", NODE, "mean_ttft_ms", 0.001, "ttft_p50_s 0.2105 s where the mean"),
        ("vllm/single.json", NODE, "p99_e2el_ms", 1000, "e2e_p99_s"),
        ("inferencex/agg_single.json", {}, "p99_itl", 1000, "itl_p99_s 45 s where the mean is"),
        ("inferencex/agg_single.json", {}, "conc", 1 / 3, "concurrency 21.3333 where request"),
        ("vllm/real.json", NODE, "p50_e2el_ms", 1 / 3, "e2e_p50_s"),
        ("vllm/real.json", NODE, "mean_ttft_ms", 10, "ttft_p50_s"),
        ("inferencex/agg_single.json", {}, "mean_ttft", 3, "ttft_p50_s 0.35 s where the mean is"),
        ("aiperf/0.12.0.json", ALONE, "request_latency.p50", 1 / 3, "e2e_p50_s"),
        (
            GUIDE,
            GUIDED,
            f"{GUIDE_TIMES}.request_latency.successful.percentiles.p50",
            0.2,
            "e2e_p50_s",
        ),
        ("sglang/real.jsonl", SGLANG, "mean_itl_ms", 0.001, "itl_p50_s"),
        (GENAI, NODE, "request_latency.min", 1000, "mean of e2e_s"),
        (GENAI, NODE, "request_latency.max", 0.001, "mean of e2e_s"),
        (GENAI, NODE, "time_to_first_token.avg", 1000, "mean of ttft_s"),
        (PERF_FILE, PERF, "successes.latency.request_latency.max", 0.1, "mean of e2e_s"),
        (PERF_FILE, PERF, "successes.latency.request_latency.mean", 1000, "mean of e2e_s"),
        (GUIDE, GUIDED, f"{GUIDE_TIMES}.request_latency.successful.max", 0.1, "mean of e2e_s"),
        (GUIDE, GUIDED, f"{GUIDE_TIMES}.request_latency.successful.min", 10, "mean of e2e_s"),
        ("aiperf/0.12.0.json", ALONE, "request_latency.p50", 10, "concurrency 2 where"),
        ("inferencex/agg_single.json", {}, "conc", 10, "concurrency 640 where"),
        ("inferencex/agg_single.json", {}, "conc", 5, ""),
        (
            "inferencex/agg_single.json",
            {},
            "total_gpu_energy_j",
            10,
            "power: gpu_energy_j 1.32e+07",
        ),
        (
            "inferencex/agg_single.json",
            {},
            "total_gpu_energy_j",
            0.1,
            "power: gpu_energy_j 132000 J",
        ),
        ("inferencex/agg_single.json", {}, "total_gpu_energy_j", 5, ""),
        ("vllm/single.json", NODE, "num_prompts", 10, "4608 of 5120 requests neither"),
        (GENAI, NODE, "input_sequence_length.avg", 10, "input_sequence_length: mean of 5000"),
        (GENAI, NODE, "input_sequence_length.avg", 0.5, "input_sequence_length: mean of 250"),
        (GENAI, NODE, "input_sequence_length.avg", 1.3, ""),
        (GENAI, NODE, "output_sequence_length.max", 0.5, "output_sequence_length: mean of 300"),
        ("mlenergy/task.json", {}, "configurations.1.max_num_seqs", 10, "concurrency 80 where"),
        ("mlenergy/task.json", {}, "configurations.1.max_num_seqs", 0.5, "concurrency 4 where"),
        ("mlenergy/task.json", {}, "configurations.1.avg_batch_size", 10, "concurrency 8 where"),
    ],
)
def test_a_number_that_is_ten_times_too_large_is_marked_where_others_bound_it(
    tmp_path, name, facts, path, factor, mark
):
    found = marks(detect_and_read(put(tmp_path, scaled(load(name), path, factor)), facts))
    assert any(text.startswith(mark) for text in found) if mark else found == ["ok"], found


@pytest.mark.parametrize(("name", "client", "facts"), FILES)
def test_files_as_their_clients_write_them_agree_with_themselves(name, client, facts):
    status = detect_and_read(FIXTURES / name, facts)["status"]
    assert not status.str.contains(" where ").any()


def test_eight_gpus_at_five_megawatts_are_refused(tmp_path):
    raw = load("inferencex/agg_single.json")
    for key in ("avg_power_w", "avg_total_gpu_power_w", "total_gpu_energy_j"):
        raw[key] *= 5e6 / 4400
    raw["joules_per_output_token"] *= 5e6 / 4400
    message = refusal(put(tmp_path, raw))
    assert "gpu_power_w is 5e+06 W, 625000 W for each of 8 GPUs" in message
    assert "a H200-SXM-141GB draws (TDP 700 W in data/gpus.csv)" in message


@pytest.mark.parametrize(
    ("facts", "allowed"),
    [
        ({"gpu_power_w": 8 * 770}, True),
        ({"gpu_power_w": 8 * 771}, False),
        ({"gpu_power_w": 8 * 4999, "gpu": "a new one"}, True),
        ({"gpu_power_w": 8 * 5000, "gpu": "a new one"}, True),
        ({"gpu_power_w": 8 * 5001, "gpu": "a new one"}, False),
        ({"node_power_w": 8 * 8000, "gpu": "a new one"}, True),
        ({"node_power_w": 8 * 2100}, True),
        ({"node_power_w": 8 * 3771}, False),
        # a hundredth of 8 x 700 W is the least that a node draws beside them
        ({"node_power_w": 5000, "gpu_power_w": 4944}, True),
        ({"node_power_w": 5000, "gpu_power_w": 4945}, False),
        ({"node_power_w": 5000, "gpu_power_w": 5000}, False),
        ({"node_power_w": 5000, "gpu_power_w": 5101}, False),
        # of a GPU that no table rates, a hundredth of what it draws
        ({"node_power_w": 5000, "gpu_power_w": 4950, "gpu": "a new one"}, True),
        ({"node_power_w": 5000, "gpu_power_w": 4951, "gpu": "a new one"}, False),
        # two hundredths of 8 x 700 W; kW typed for W
        ({"gpu_power_w": 111}, False),
        # whichever way a listed GPU is spelt
        *(
            ({"gpu": name, "gpu_power_w": 8 * watts}, watts < 771)
            for name in ("h100-sxm-80gb", "H100", "NVIDIA H100 80GB HBM3")
            for watts in (770, 771)
        ),
        ({"gpu_power_w": 5.6}, False),
        ({"node_power_w": 10.2}, False),
        ({"gpu_power_w": 0.5, "gpu": "a new one"}, False),
        ({"gpu_power_w": 8, "gpu": "a new one"}, True),
    ],
)
def test_stated_power_stays_within_what_the_hardware_draws(facts, allowed):
    path = FIXTURES / "vllm/single.json"
    if allowed:
        assert detect_and_read(path, NODE | facts)["status"].tolist() == ["ok"]
    else:
        message = refusal(path, NODE | facts)
        assert "allowed are" in message


def test_power_of_an_accelerator_that_the_table_lacks_is_read_once_its_row_is_there(
    tmp_path, monkeypatch
):
    """A wafer of 23 kW was refused without a word on how it could be answered."""
    path, facts = FIXTURES / "vllm/single.json", NODE | {"gpu": "Wafer", "node_power_w": 184000}
    columns = "gpu, memory_gb, bandwidth_tb_s, dense_tflops_16bit"
    message = refusal(path, facts)
    assert f"or, if a Wafer draws that, add its row to data/gpus.csv ({columns}, " in message
    assert "link_gb_s is empty of a chip that is used alone" in message
    lines = (ROOT / "data/gpus.csv").read_text().splitlines()
    wafer = "Wafer,460,60,12500,,,,23000,datasheet,no"
    (tmp_path / "gpus.csv").write_text("\n".join([*lines, wafer]) + "\n")
    at = {consistency.GPUS: str(tmp_path / "gpus.csv")}
    monkeypatch.setattr(consistency, "provided", lambda name: at.get(name, str(ROOT / name)))
    assert detect_and_read(path, facts)["status"].tolist() == ["ok"]
    # of a GPU that is listed its datasheet holds
    assert "add its row" not in refusal(path, NODE | {"node_power_w": 184000} | GPU)


ENERGY = {"throughput_tps": 1280.0, "energy_per_output_token_j": 3.125}


@pytest.mark.parametrize("boundary", [None, "accelerator", "node"])
@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1, None),
        (1000, ["4e+06 W, 500000 W for each of 8 GPUs", "at most "]),
        (0.001, ["4 W, 0.5 W for each of 8 GPUs", "at least 112 W", "looks like kilojoules"]),
    ],
)
def test_the_power_of_an_energy_without_one_stays_within_the_hardware(boundary, factor, words):
    """3.125 J at 1280 tokens/s are 4 kW; in mJ they were 4 MW."""
    row = ENERGY | {"power_boundary": boundary, "gpu": "H100-SXM-80GB", "n_gpus": 8}
    row["energy_per_output_token_j"] *= factor
    for client in ("project", "mlenergy"):
        run = checked(**row, client=client)
        assert run.marks == []
        if words is None:
            assert run.problems == []
        else:
            (problem,) = run.problems
            assert "energy_per_output_token_j x throughput_tps is" in problem
            assert [word for word in words if word not in problem] == []


@pytest.mark.parametrize(
    ("powers", "mark"),
    [
        ({"gpu_power_w": 4000.0}, None),
        ({"gpu_power_w": 3000.0}, "2.34375"),
        ({"gpu_power_w": 4000.0, "power_boundary": "accelerator"}, None),
        ({"node_power_w": 4000.0, "power_boundary": "node"}, None),
        ({"node_power_w": 8000.0, "power_boundary": "node"}, "6.25"),
        # without a boundary the energy is that of either
        ({"node_power_w": 4000.0, "gpu_power_w": 3000.0}, None),
        ({"node_power_w": 6000.0, "gpu_power_w": 4000.0}, None),
        ({"node_power_w": 6000.0, "gpu_power_w": 3000.0}, "2.34375"),
    ],
)
def test_a_tables_energy_per_token_is_held_against_the_power_of_its_boundary(powers, mark):
    text = "power: energy_per_output_token_j 3.125 J where power / throughput is"
    marks = [f"{text} {mark}"] if mark else []
    assert checked(**ENERGY, **powers, client="project").marks == marks


@pytest.mark.parametrize(
    ("facts", "mark"),
    [
        # 600 W of one GPU typed for that of eight, and 1.275 kW of one's share of a node
        ({"gpu_power_w": 600}, "gpu_power_w 600 W where 8 x H100-SXM-80GB take 840 or more"),
        ({"gpu_power_w": 840}, None),
        ({"node_power_w": 1275}, "node_power_w 1275 W where 8 x H100-SXM-80GB take 1400 or more"),
        ({"node_power_w": 1400}, None),
        ({"node_power_w": 16801}, "node_power_w 16801 W where nodes of 8 x H100-SXM-80GB take 168"),
        ({"node_power_w": 16800}, None),
        ({"gpu_power_w": 600, "gpu": "a new one"}, None),
    ],
)
def test_power_that_serving_gpus_do_not_take_is_marked(facts, mark):
    (status,) = detect_and_read(FIXTURES / "vllm/single.json", NODE | facts)["status"]
    assert status.startswith(f"marked: power: {mark}") if mark else status == "ok", status


def test_a_node_of_one_gpu_may_take_most_of_its_power_beside_it():
    row = {"gpu": "H100-SXM-80GB", "n_gpus": 1, "node_power_w": 2500.0}
    assert checked(**row).marks == checked(**row).problems == []


def test_a_throughput_in_thousands_of_tokens_is_marked():
    of = {"model": "Llama 3.1 70B", "precision": "FP8"} | NODE
    for throughput, marked in ((1.28, True), (3.7, True), (3.9, False)):
        marks = checked(**of, throughput_tps=throughput).marks
        told = f"throughput_tps {throughput} tokens/s where one request alone gets 380 on 8 x H100"
        assert [mark.removesuffix("-SXM-80GB") for mark in marks] == [told] * marked


def test_watts_that_look_like_kilowatts_are_told_so():
    message = refusal(FIXTURES / "vllm/single.json", NODE | {"gpu_power_w": 5.6})
    assert "gpu_power_w is 5.6 W, 0.7 W for each of 8 GPUs" in message
    assert "at least 112 W" in message
    assert "looks like kilowatts" in message


@pytest.mark.parametrize(("tokens", "allowed"), [(8e6, True), (8.1e6, False)])
def test_a_throughput_beyond_any_gpu_is_refused(tokens, allowed):
    run = Run("run.json", "vllm", row={"throughput_tps": tokens, "n_gpus": 8})
    consistency.check_run(run)
    assert (run.problems == []) is allowed


def quicker(record, factor):
    """Copy of a result of vLLM's client that was done in so much less time."""
    rates = ("output_throughput", "total_token_throughput", "request_throughput")
    return (
        record
        | {key: record[key] * factor for key in rates}
        | {"duration": record["duration"] / factor}
    )


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1, None),
        (1000, ["11.4 times", "datasheets of 8 x H100-SXM-80GB", "at most 2"]),
        (1e-9, ["of what one request alone gets", "at least 0.001"]),
    ],
)
def test_a_throughput_is_held_against_the_datasheets_of_its_gpus(tmp_path, factor, words):
    """Every number of the file is consistent with the others."""
    path = put(tmp_path, quicker(load("vllm/single.json"), factor))
    if words is None:
        assert detect_and_read(path, NODE)["status"].tolist() == ["ok"]
    else:
        message = refusal(path, NODE)
        assert "throughput_tps is" in message
        assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("compute", "weights", "inputs", "marks", "problem"),
    [
        (consistency.PEAK / 4, consistency.SLOWEST / 4, None, 1, None),
        (consistency.PEAK / 4, consistency.SLOW / 4, None, 0, None),
        (
            consistency.PEAK / 3,
            1.0,
            None,
            0,
            "throughput_tps is 4 tokens/s of M, 2.67 times what the datasheets of 8 x X allow for"
            " the matrix products of its output; allowed is at most 2",
        ),
        (
            0.1,
            consistency.SLOWEST / 5,
            None,
            0,
            "throughput_tps is 4 tokens/s of M, 0.0008 of what one request alone gets on 8 x X;"
            " allowed is at least 0.001",
        ),
        # as much input as output halves what can be computed
        (consistency.PEAK / 8, 1.0, 100.0, 0, None),
        (consistency.PEAK / 7, 1.0, 100.0, 1, None),
        (consistency.PEAK / 4, 1.0, 100.0, 1, None),
    ],
)
def test_a_throughput_is_held_against_the_least_times_of_its_gpus(
    monkeypatch, compute, weights, inputs, marks, problem
):
    monkeypatch.setattr(consistency, "_serving_times", lambda *_: (compute, weights, 0, 1))
    of = {"model": "M", "gpu": "X", "n_gpus": 8, "precision": "FP8", "output_tokens": 100.0}
    run = checked(**of, throughput_tps=4.0, input_tokens=inputs)
    assert len(run.marks) == marks
    again = Run("f", "vllm", row=run.row, marks=list(run.marks))
    consistency.check_run(again)
    assert again.marks == run.marks
    remedy = "correct the file, n_gpus, gpu, model or precision"
    assert run.problems == ([f"f: {problem}; {remedy}"] if problem else [])


@pytest.mark.parametrize(
    ("model", "precision", "gpus", "mark", "problem"),
    [
        ("Llama 3.1 405B", "BF16", 1, None, "9.45 times the memory of 1 x H100-SXM-80GB"),
        ("DeepSeek-R1", "FP8", 1, None, "7.81 times the memory of 1 x H100-SXM-80GB"),
        ("DeepSeek-R1", "FP8", 8, "n_gpus 8 where the weights of DeepSeek-R1 in FP8 fill 0.976", 0),
        ("Llama 3.1 405B", "FP8", 8, None, None),
        ("house", "BF16", 1, None, None),
    ],
)
def test_weights_are_held_against_the_memory_of_all_gpus(model, precision, gpus, mark, problem):
    """By hand: 405.85e9 weights of two bytes, or 671e9 of one, of 80 x 2^30 bytes each."""
    run = checked(model=model, gpu="H100-SXM-80GB", n_gpus=gpus, precision=precision)
    assert [told[: len(mark or "")] for told in run.marks] == ([mark] if mark else [])
    assert [problem in told for told in run.problems if problem] == ([True] if problem else [])
    assert len(run.problems) == bool(problem)


@pytest.mark.parametrize(
    ("model", "gpu", "precision", "marked"),
    [
        ("DeepSeek-R1", "H100-SXM-80GB", "FP4", True),
        ("house", "h100 sxm 80gb", "FP4", True),
        ("DeepSeek-R1", "H100-SXM-80GB", "FP8", False),
        ("DeepSeek-R1", "H100-SXM-80GB", "INT4", False),
        ("DeepSeek-R1", "B200", "FP4", False),
        ("openai/gpt-oss-120b", "H100-SXM-80GB", "FP4", False),
        ("GPT-OSS 120B", "H100-SXM-80GB", "FP4", False),
        ("GPT-OSS 120B", "A100-SXM-80GB", "FP4", True),
        ("DeepSeek-R1", "Another", "FP4", False),
    ],
)
def test_a_format_that_a_gpu_does_not_compute_in_is_marked(model, gpu, precision, marked):
    run = checked(model=model, gpu=gpu, n_gpus=8, precision=precision)
    told = [mark for mark in run.marks if mark.startswith("precision")]
    assert len(told) == marked and not run.problems
    assert all(f"precision FP4 on {gpu}, which does not compute in 4 bit" in mark for mark in told)


def test_weights_that_gpus_cannot_hold_are_refused_of_tables_and_clients(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "model,gpu,tensor_parallel,precision,input_tokens,output_tokens,concurrency,"
        "throughput_tps,source_id\n"
        "Llama 3.1 405B,H100-SXM-80GB,1,BF16,1000,300,32,100,own\n"
    )
    told = refusal(path)
    assert "mine.csv, line 2: n_gpus is 1; the weights of Llama 3.1 405B in BF16" in told
    facts = NODE | {"model": "Llama 3.1 405B", "n_gpus": 4, "tensor_parallel": 4}
    path = put(tmp_path, load("vllm/single.json") | {"model_id": "prod"})
    assert "1.18 times the memory of 4 x H100" in refusal(path, facts)
    assert "2.36 times the memory of 4 x H100" in refusal(path, facts | {"precision": "BF16"})


@pytest.mark.parametrize(
    ("throughput", "others", "mark", "problem"),
    [
        # 3000 tokens/s typed in thousands: 0.012 tokens/s of each request
        (3.0, {}, "throughput_tps 3 tokens/s where 8 x H100-SXM-80GB give 256 requests at", None),
        (1.7, {}, None, "throughput_tps is 1.7 tokens/s of Llama 3.1 405B, 0.000478 of what 8 x"),
        (30.0, {}, "throughput_tps 30 tokens/s where 8 x H100-SXM-80GB give 256 requests at", None),
        (3000.0, {}, None, None),
        # by their rate and time 10 were in flight
        (30.0, {"e2e_p50_s": 100.0, "concurrency": 32.0}, None, None),
        (30.0, {"concurrency": None}, None, None),
        # of longer requests fewer fit
        (30.0, {"input_tokens": 1e5}, None, None),
    ],
)
def test_a_throughput_is_held_against_that_of_all_requests_at_once(
    throughput, others, mark, problem
):
    """By hand: 256 requests at once get 256 tokens in 15.1 ms of reading and 57 ms of products."""
    of = {"model": "Llama 3.1 405B", "input_tokens": 1000.0, "output_tokens": 300.0} | NODE
    run = checked(**of | {"concurrency": 256.0} | others, throughput_tps=throughput)
    told = [text for text in run.marks if text.startswith("throughput_tps")]
    assert [text[: len(mark or "")] for text in told] == ([mark] if mark else [])
    assert [problem in text for text in run.problems if problem] == ([True] if problem else [])
    assert len(run.problems) == bool(problem)


def test_the_slowest_row_at_load_is_as_documented(monkeypatch):
    """The bound that marks is a third of it, the one that refuses a sixtieth."""
    rows = read_table(ROOT / "data" / "throughput" / "at_load.csv", "throughput")
    one_copy = rows[rows["attention_data_parallel"] == 1]
    names = ["model", "gpu", "precision", "input_tokens", "output_tokens", "concurrency"]
    rows = one_copy.assign(n_gpus=one_copy["tensor_parallel"])
    rows = rows[[*names, "n_gpus", "throughput_tps"]].dropna()
    assert len(rows) > 1000
    for bound, too_slow in ((0.029, False), (0.031, True)):
        monkeypatch.setattr(consistency, "SLOW_AT_LOAD", bound)
        told = [text for row in rows.to_dict("records") for text in checked(**row).problems]
        assert any("requests at once; allowed is at least" in text for text in told) is too_slow


READ = "while the GPUs read the active weights from their memory, for at least 15.1 ms"


@pytest.mark.parametrize(
    ("throughput", "mark", "problem"),
    [
        (1056, None, None),
        (
            1060,
            "throughput_tps 1060 tokens/s where 8 x H100-SXM-80GB give 16 requests at once no more"
            " than 1056.55 without speculation",
            None,
        ),
        (
            8918.58,
            None,
            "throughput_tps is 8918.58 tokens/s of Llama 3.1 405B on 8 x H100-SXM-80GB, 8.44 tokens"
            f" of each of 16 requests at once {READ}; allowed is at most 8, more than speculation"
            " gives; correct the file, concurrency, n_gpus, gpu, model or precision",
        ),
    ],
)
def test_few_requests_get_no_more_than_their_gpus_read(throughput, mark, problem):
    """By hand: 405.85e9 weights of one byte from eight GPUs of 3.35 TB/s each, of 16 requests."""
    of = {"model": "Llama 3.1 405B", "precision": "FP8", "concurrency": 16.0} | NODE
    run = checked(**of, throughput_tps=throughput)
    assert run.marks == ([mark] if mark else [])
    assert run.problems == ([f"f: {problem}"] if problem else [])


def test_the_bounds_of_what_few_requests_get_are_documented():
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if "while the GPUs read the active" in line)
    assert f"more than {USUAL_FASTEST:g} token of each request at once" in line
    assert f"(refused beyond {FASTEST:g})" in line


def test_the_runs_of_a_deployment_are_held_against_what_few_requests_get(tmp_path):
    """Twenty times as fast for a twentieth of the energy, of which nothing contradicts another."""
    name = "config/deployments/data/mlenergy-v3-llama-3.1-405b-8xh100.json"
    record = json.loads((ROOT / name).read_text())
    facts = {"model": "Llama 3.1 405B", "source_id": "mlenergy-v3"}
    assert set(detect_and_read(put(tmp_path, record), facts)["status"]) == {"ok"}
    less = ("energy_per_token_joules", "energy_per_request_joules", "median_itl_ms")
    record["configurations"] = [
        run
        | {key: run[key] / 20 for key in less}
        | {"output_throughput_tokens_per_sec": run["output_throughput_tokens_per_sec"] * 20}
        for run in record["configurations"]
    ]
    told = refusal(put(tmp_path, record), facts)
    assert "8.83 tokens of each of 8 requests at once while the GPUs read the active" in told
    assert "8.44 tokens of each of 16 requests at once while the GPUs read the active" in told


@pytest.mark.parametrize(
    ("lengths", "factor", "refused"),
    [
        ({"input_tokens": 6e4, "output_tokens": 6e4}, 1.001, True),
        # more may fit where requests share an input, so that it is not marked either
        ({"input_tokens": 6e4, "output_tokens": 6e4}, 0.999, False),
        ({"input_tokens": 6e3, "output_tokens": 6e3}, 1.001, False),
        # without both lengths nothing says how many fit
        ({"output_tokens": 6e4}, 1.001, False),
        ({"input_tokens": 6e4}, 1.001, False),
    ],
)
@pytest.mark.parametrize(
    ("model", "weights", "token"),
    [
        ("Llama 3.1 405B", 405.85e9, 258048),
        # every other layer keeps a window alone
        ("GPT-OSS 120B", 5.13e9, 36864 * 0.5),
    ],
)
def test_runs_without_a_concurrency_are_held_against_the_requests_that_fit(
    model, weights, token, lengths, factor, refused
):
    """By hand: twice what GPUs hold beside the weights, and 8 times how often they read these."""
    gpus = 8 if "Llama" in model else 2
    total = weights if "Llama" in model else 116.83e9
    at_once = 2 * (0.9 * gpus * 80 * 2**30 - total) / token / 90000
    of = {"model": model, "precision": "FP8", "gpu": "H100-SXM-80GB", "n_gpus": gpus}
    throughput = factor * 8 * at_once * gpus * 3.35e12 / weights
    run = checked(**of, **lengths, throughput_tps=throughput)
    told = f"tokens of each of {at_once:.6g} requests at once while the GPUs read the active"
    assert [told in problem for problem in run.problems] == [True] * refused
    assert not [mark for mark in run.marks if "speculation" in mark]


def test_input_beyond_what_the_gpus_compute_is_marked_as_it_may_have_been_cached():
    of = {"model": "Llama 3.1 70B", "precision": "FP8", "output_tokens": 100.0} | NODE
    run = Run("f", "project", row=of | {"throughput_tps": 5e4, "input_tokens": 1e4})
    consistency.check_run(run)
    (mark,) = run.marks
    rate = 2 * 8 * 1979e12 / (2 * 70.55e9) / (1 + 100)
    assert mark == (
        "throughput_tps 50000 tokens/s where 8 x H100-SXM-80GB compute no more than"
        f" {rate:.6g} with all of the input"
    )
    for lacking in ("model", "gpu", "precision", "n_gpus"):
        row = {name: value for name, value in run.row.items() if name != lacking}
        unlisted = {lacking: "house"} if lacking in ("model", "gpu") else {}
        other = Run("f", "project", row=row | unlisted)
        consistency.check_run(other)
        assert other.marks == other.problems == []
    run = Run("f", "project", row=of | {"throughput_tps": 5e4, "input_tokens": 1e2})
    consistency.check_run(run)
    assert run.marks == run.problems == []


@pytest.mark.parametrize(
    ("changed", "mark"),
    [
        ({"ttft_p50_s": 2.0, "ttft_p99_s": 1.0}, "ttft_p99_s 1 s where ttft_p50_s is 2 s"),
        ({"itl_p90_s": 0.2, "itl_p95_s": 0.1}, "itl_p95_s 0.1 s where itl_p90_s is 0.2 s"),
        ({"ttft_p50_s": 9.0, "e2e_p50_s": 3.0}, "e2e_p50_s 3 s where ttft_p50_s is 9 s"),
        ({"e2e_p50_s": 150.0, "duration_s": 100.0}, "e2e_p50_s 150 s where duration_s is 100 s"),
        # milliseconds beside seconds
        (
            {"ttft_p50_s": 0.2, "ttft_p99_s": 450.0, "duration_s": 100.0},
            "ttft_p99_s 450 s where du",
        ),
        (
            {"e2e_p50_s": 3.0, "e2e_p99_s": 4000.0, "duration_s": 100.0},
            "e2e_p99_s 4000 s where dur",
        ),
        (
            {"itl_p50_s": 0.02, "itl_p99_s": 30.0, "e2e_p99_s": 9.0},
            "itl_p99_s 30 s where e2e_p99_s",
        ),
        (
            {"itl_p50_s": 0.02, "itl_p99_s": 150.0, "duration_s": 100.0},
            "itl_p99_s 150 s where dura",
        ),
        ({"itl_p50_s": 5.0, "e2e_p50_s": 3.0}, None),
        # milliseconds typed as seconds of a time between tokens: 300 of them make up the request
        (
            {"itl_p50_s": 2e-5, "ttft_p50_s": 1.0, "e2e_p50_s": 7.0, "output_tokens": 300.0},
            "itl_p50_s 2e-05 s where time after the first token / output length is 0.02 s",
        ),
        (
            {"itl_p50_s": 1e-5, "concurrency": 64.0, "throughput_tps": 3200.0},
            "itl_p50_s 1e-05 s where concurrency / throughput is 0.02 s",
        ),
        ({"itl_p50_s": 4e-4, "concurrency": 64.0, "throughput_tps": 3200.0}, None),
        (
            {"itl_p50_s": 3.9e-4, "concurrency": 64.0, "throughput_tps": 3200.0},
            "itl_p50_s 0.00039 s where concurrency / throughput is 0.02 s",
        ),
        ({"itl_p50_s": 1.0, "concurrency": 64.0, "throughput_tps": 3200.0}, None),
        (
            {"itl_p50_s": 1.1, "concurrency": 64.0, "throughput_tps": 3200.0},
            "itl_p50_s 1.1 s where concurrency / throughput is 0.02 s",
        ),
        # the time after the first token goes before the concurrency, of which it is at most
        (
            {"itl_p50_s": 1e-4, "ttft_p50_s": 0.1, "e2e_p50_s": 1.1, "output_tokens": 1000.0}
            | {"concurrency": 20.0, "throughput_tps": 3200.0},
            None,
        ),
        *(
            ({"itl_p50_s": 1e-5, "concurrency": 64.0, "throughput_tps": 3200.0} | lacking, None)
            for lacking in (
                {"itl_p50_s": None},
                {"itl_p50_s": 0.0},
                {"concurrency": None},
                {"throughput_tps": None},
            )
        ),
        # two hundredths are allowed
        ({"ttft_p50_s": 51.0, "ttft_p99_s": 50.0}, None),
        ({"ttft_p50_s": 1.0, "ttft_p90_s": 1.0, "e2e_p50_s": 1.0, "duration_s": 1.0}, None),
    ],
)
def test_times_that_are_out_of_order_are_marked(changed, mark):
    run = Run("f", "project", row=changed)
    consistency.check_run(run)
    assert [text[: len(mark or "")] for text in run.marks] == ([mark] if mark else [])


def test_more_requests_done_than_sent_are_marked(tmp_path):
    raw = load("vllm/single.json")
    path = put(tmp_path, raw | {"num_prompts": raw["completed"] - 1})
    (status,) = detect_and_read(path, NODE)["status"]
    assert status == f"marked: {raw['completed']} requests completed where 511 were sent"


def test_a_node_stated_beside_the_gpus_energy_is_no_contradiction():
    facts = {**PAIR, **GPU, "node_power_w": 1500}
    assert detect_and_read(FIXTURES / "aiperf/dcgm.json", facts)["status"].tolist() == ["ok"]


def test_requests_at_the_ends_of_a_window_are_allowed_for():
    run = Run("f", "guidellm", row={"request_throughput": 1.0, "completed": 100, "duration_s": 95})
    consistency.check_run(run)
    assert len(run.marks) == 1
    run.marks, run.edges = [], 0.05
    consistency.check_run(run)
    assert run.marks == []


def test_a_mark_stays_one_when_the_table_is_read_again(tmp_path):
    raw = scaled(load("aiperf/dcgm.json"), "nvidia_total_gpu_energy.avg", 1.5)
    frame = detect_and_read(put(tmp_path, raw), PAIR | GPU)
    assert len(marks(frame)) == 1
    write_table(frame, tmp_path / "table.csv", "benchmark")
    again = detect_and_read(tmp_path / "table.csv")
    assert again["status"].tolist() == frame["status"].tolist()


def checked(**row):
    """Run of a client with these columns, after its check."""
    run = Run("f", row.pop("client", "vllm"), row=row)
    consistency.check_run(run)
    return run


def test_numbers_that_agree_within_two_per_cent_are_not_marked():
    for stated, marked in ((102.0, False), (102.1, True), (98.1, False), (97.9, True)):
        run = Run("f", "vllm")
        consistency.agree(run, "energy", stated, 100.0, "power x time", "J")
        words = [f"energy {stated:g} J where power x time is 100"]
        assert run.marks == (words if marked else [])
    for stated, expected in ((None, 1.0), (1.0, None), (0, 1.0), (1.0, 0)):
        consistency.agree(run, "other", stated, expected, "x", "J")
    consistency.agree(run, "energy", 1.0, 2.0, "again", "J")
    consistency.agree(run, "slack", 103.0, 100.0, "x", "J", 0.02)
    assert run.marks == ["energy 97.9 J where power x time is 100"]


def test_energy_is_power_times_time_and_over_throughput():
    row = {"gpu_power_w": 800.0, "throughput_tps": 600.0, "duration_s": 10.0}
    assert checked(**row, gpu_energy_j=9000.0).marks == [
        "power: gpu_energy_j 9000 J where power x time is 8000"
    ]
    per_token = {"energy_per_output_token_j": 2.0}
    assert checked(**row, **per_token).marks == [
        "power: energy_per_output_token_j 2 J where power / throughput is 1.33333"
    ]
    assert checked(**row, **per_token, client="mlperf").marks == []
    for missing in ("gpu_power_w", "throughput_tps"):
        assert checked(**row | per_token | {missing: None}).marks == []
    assert checked(**row | {"gpu_energy_j": 9000.0, "duration_s": None}).marks == []


def test_requests_agree_with_their_rate_and_tokens_with_their_lengths():
    row = {"request_throughput": 2.0, "output_tokens": 300.0, "throughput_tps": 600.0}
    row |= {"completed": 20, "duration_s": 10.0}
    assert checked(**row).marks == []
    assert checked(**row | {"throughput_tps": 700.0}).marks == [
        "throughput_tps 700 tokens/s where request rate x output length is 600"
    ]
    assert checked(**row | {"completed": 30}).marks == [
        "request_throughput 2 requests/s where completed requests / duration is 3"
    ]
    both = row | {"throughput_tps": 700.0, "completed": 30}
    assert checked(**both, client="project").marks == checked(**both).marks
    assert len(checked(**both).marks) == 2


@pytest.mark.parametrize("name", ["input_tokens", "output_tokens"])
def test_lengths_of_less_than_a_token_are_refused(name):
    assert checked(**{name: 1.0}).problems == []
    assert checked(**{name: 0.5}).problems == [
        f"f: {name} is 0.5; allowed is at least 1, as a request has a token or more; correct the"
        " file"
    ]


@pytest.mark.parametrize("name", ["input_tokens", "output_tokens"])
def test_lengths_beyond_any_context_are_refused(name):
    assert checked(**{name: 1e7}).problems == []
    assert checked(**{name: 1.1e7}).problems == [
        f"f: {name} is 1.1e+07; allowed are at most 1e+07, the longest context of a model; correct"
        " the file"
    ]


def test_a_longest_output_beyond_any_context_is_refused():
    """A request of 1e17 tokens beside a mean of 300 passed."""
    for longest, told in ((1e7, []), (1e17, ["1e+17"])):
        run = Run("f", "aiperf", row={"output_tokens": 300.0}, output_range=(1.0, longest))
        consistency.check_run(run)
        assert run.problems == [
            f"f: output_tokens of the longest request is {tokens}; allowed are at most 1e+07, the"
            " longest context of a model; correct the file"
            for tokens in told
        ]


@pytest.mark.parametrize(
    ("tokens", "mark", "problem"),
    [
        (32000, [], ""),
        (
            130304,
            ["tokens 130304 + 768 where the context of M is 32768"],
            "",
        ),
        (33000, ["tokens 33000 + 768 where the context of M is 32768"], ""),
        (
            131000,
            [],
            "input_tokens and output_tokens are 131768 tokens; allowed are at most 4 times the"
            " context of M, 32768 tokens (data/models.csv); correct the file or model",
        ),
    ],
)
def test_lengths_are_held_against_the_context_of_the_model(tokens, mark, problem):
    name = "Mistral 7B"
    run = Run("run", "vllm", row={"model": name, "input_tokens": tokens, "output_tokens": 768})
    for _ in range(2):  # a table that is read again holds its marks
        consistency.check_run(run)
        assert run.marks == [text.replace("M", name) for text in mark]
        run.problems = run.problems[:1]
    assert run.problems == ([f"run: {problem.replace('M', name)}"] if problem else [])
    own = Run("run", "vllm", row=run.row | {"model": "house"})
    consistency.check_run(own)
    assert own.marks == own.problems == []


def test_a_length_alone_is_held_against_the_context_too():
    assert checked(model="Mistral 7B", input_tokens=32768.0).marks == []
    assert checked(model="Mistral 7B", output_tokens=32769.0).marks == [
        "tokens 0 + 32769 where the context of Mistral 7B is 32768"
    ]


def test_a_throughput_beyond_any_gpu_says_what_is_allowed():
    assert checked(throughput_tps=9e6, n_gpus=8).problems == [
        "f: throughput_tps is 9e+06 tokens/s with 8 GPUs; allowed are at most 1e+06 tokens/s per"
        " GPU; correct the file or n_gpus"
    ]
    assert checked(throughput_tps=9e6).problems == []


@pytest.mark.parametrize("name", ["n_gpus", "tensor_parallel", "pipeline_parallel"])
def test_more_gpus_than_one_run_has_are_refused(name):
    assert checked(**{name: 10_000}).problems == []
    assert checked(**{name: 10_001}).problems == [
        f"f: {name} is 10001; allowed are at most 10000, as one run is served by one to some"
        " hundred GPUs; correct the file or the facts"
    ]


def test_power_beyond_what_the_gpus_draw_says_what_is_allowed():
    of = {"gpu": "H100-SXM-80GB", "n_gpus": 8}
    assert checked(**of, gpu_power_w=7000.0).problems == [
        "f: gpu_power_w is 7000 W, 875 W for each of 8 GPUs; allowed are at most 6160 W, by what a"
        " H100-SXM-80GB draws (TDP 700 W in data/gpus.csv); correct the unit, n_gpus or gpu"
    ]
    assert checked(n_gpus=8, node_power_w=4.0).problems == [
        "f: node_power_w is 4 W, 0.5 W for each of 8 GPUs; allowed are at least 8 W, by what one"
        " accelerator draws; it looks like kilowatts; correct the unit, n_gpus or gpu"
    ]
    assert checked(**of, gpu_power_w=5000.0, node_power_w=4000.0).problems == [
        "f: gpu_power_w is 5000 W and node_power_w 4000 W, 1000 W less; allowed are at least 5056"
        " W at the node, whose CPUs, memory, fans and power supplies draw at least 0.01 times the"
        " rated power of its GPUs beside them; correct one of them, or leave node_power_w out where"
        " it was measured at the GPUs"
    ]
    assert checked(gpu="H100-SXM-80GB", gpu_power_w=7e6).problems == []
    assert checked(**of, gpu_power_w=0.0).problems == []


@pytest.mark.parametrize(
    ("powers", "beyond"),
    [
        ({"gpu_power_w": 4200.0, "node_power_w": 4200.0}, "node_power_w 4200 W, 0 W more;"),
        ({"gpu_power_w": 4200.0, "node_power_w": 4250.0}, "node_power_w 4250 W, 50 W more;"),
        ({"gpu_power_w": 4200.0, "node_power_w": 4256.0}, None),
        # 2000 tokens/s of 2.1 J
        (
            {"gpu_power_w": 4200.0, "power_boundary": "node"},
            "energy_per_output_token_j x throughput_tps 4200 W, 0 W more;",
        ),
        ({"node_power_w": 4200.0, "power_boundary": "accelerator"}, "node_power_w 4200 W, 0 W"),
        # nobody says that it is of the GPUs
        ({"node_power_w": 4200.0}, None),
    ],
)
def test_what_the_wall_gives_beyond_the_gpus_is_a_hosts(powers, beyond):
    """A node that draws what its eight H100 do halved an answer in silence."""
    run = {"gpu": "H100-SXM-80GB", "n_gpus": 8, "throughput_tps": 2000.0} | powers
    problems = checked(energy_per_output_token_j=2.1, client="project", **run).problems
    assert [beyond in problem for problem in problems] == [True] * bool(beyond), problems


@pytest.mark.parametrize("time", [{"duration_s": 10.0}, {"completed": 20, "request_throughput": 2}])
def test_an_energy_without_power_is_held_against_what_the_gpus_draw(time):
    of = {"gpu": "H100-SXM-80GB", "n_gpus": 8, **time}
    assert checked(**of, gpu_energy_j=5e7).problems == [
        "f: gpu_energy_j / duration is 5e+06 W, 625000 W for each of 8 GPUs; allowed are at most"
        " 6160 W, by what a H100-SXM-80GB draws (TDP 700 W in data/gpus.csv); correct the unit,"
        " n_gpus or gpu"
    ]
    assert checked(**of, gpu_energy_j=50.0).problems == [
        "f: gpu_energy_j / duration is 5 W, 0.625 W for each of 8 GPUs; allowed are at least 112 W,"
        " by what a H100-SXM-80GB draws (TDP 700 W in data/gpus.csv); it looks like kilojoules;"
        " correct the unit, n_gpus or gpu"
    ]
    right = checked(**of, gpu_energy_j=5e4, throughput_tps=1000.0, energy_per_output_token_j=5.0)
    assert right.problems == right.marks == []
    wrong = checked(**of, gpu_energy_j=5e4, throughput_tps=1000.0, energy_per_output_token_j=2.0)
    assert wrong.marks == ["power: energy_per_output_token_j 2 J where power / throughput is 5"]
    idle = checked(**of, gpu_energy_j=5e3)
    assert [mark.startswith("power: gpu_energy_j / duration 500 W") for mark in idle.marks] == [
        True
    ]
    assert checked(**of | dict.fromkeys(time), gpu_energy_j=5e7).problems == []


def test_the_energy_alone_of_an_export_is_held_against_its_gpus(tmp_path):
    raw = load("aiperf/dcgm.json")
    kept = {name: value for name, value in raw.items() if "_gpu_power" not in name}
    kept["nvidia_total_gpu_energy"] = {"unit": "MJ", "avg": 53.0}
    assert "W for each of 2 GPUs" in refusal(put(tmp_path, kept), PAIR | GPU)


def test_percentiles_of_every_time_rise():
    for time in ("ttft", "itl", "e2e"):
        for low, high in (("p50", "p90"), ("p90", "p95"), ("p95", "p99"), ("p50", "p99")):
            row = {f"{time}_{low}_s": 2.0, f"{time}_{high}_s": 1.0}
            assert checked(**row).marks == [f"{time}_{high}_s 1 s where {time}_{low}_s is 2 s"]
            assert checked(**row | {f"{time}_{high}_s": 1.97}).marks == []
    for percent in ("p50", "p90", "p95", "p99"):
        row = {f"ttft_{percent}_s": 2.0, f"e2e_{percent}_s": 1.0}
        assert checked(**row).marks == [f"e2e_{percent}_s 1 s where ttft_{percent}_s is 2 s"]


def test_input_tokens_are_held_against_rate_and_length_and_both_kinds_against_their_sum():
    row = {"request_throughput": 2.0, "input_tokens": 500.0, "throughput_tps": 600.0}
    run = Run("f", "aiperf", row=row)
    consistency.check_inputs(run, 1000.0, 1600.0, ("a", "b"))
    assert run.marks == []
    consistency.check_inputs(run, 1100.0, 1600.0, ("a", "b"))
    assert run.marks == [
        "a 1100 tokens/s where request rate x input length is 1000",
        "b 1600 tokens/s where input + output is 1700",
    ]


def test_input_tokens_per_second_are_held_against_their_rate_and_the_sum():
    names = ("input_tput", "total_tput")

    def marked(inputs=200.0, both=800.0, edges=0.0, **row):
        known = {"request_throughput": 2.0, "input_tokens": 100.0, "throughput_tps": 600.0}
        run = Run("f", "vllm", row=known | row)
        run.edges = edges
        consistency.check_inputs(run, inputs, both, names)
        return run.marks

    assert marked() == []
    far = "input_tput 210 tokens/s where request rate x input length is 200"
    assert marked(210.0, 810.0) == [far]
    assert marked(210.0, 810.0, edges=0.05) == []
    for lacking in ("request_throughput", "input_tokens"):
        assert marked(210.0, 810.0, **{lacking: None}) == []
    assert marked(both=900.0) == ["total_tput 900 tokens/s where input + output is 800"]
    assert marked(both=900.0, throughput_tps=None) == []
    assert marked(inputs=None, both=900.0) == []


def test_what_is_off_by_just_what_is_allowed_is_not_marked(monkeypatch):
    monkeypatch.setattr(consistency, "TOLERANCE", 0.5)
    for stated, marks in ((64.0, 0), (63.0, 1)):
        run = Run("f", "vllm")
        consistency.agree(run, "energy", stated, 128.0, "x", "J")
        assert len(run.marks) == marks


@pytest.mark.parametrize(
    ("told", "mark"),
    [
        ({"mean": 1.0}, None),
        ({"mean": 0.5}, None),
        ({"mean": 0.48}, "e2e_p50_s 1 s where the mean is 0.48 s"),
        ({"least": 1.01, "most": 9.9}, None),
        ({"least": 1.03}, "e2e_p50_s 1 s where the shortest is 1.03 s"),
        ({"most": 9.7}, "e2e_p99_s 10 s where the longest is 9.7 s"),
        ({"mean": 5.0, "least": 1.0, "most": 20.0}, None),
        ({"mean": 2.0, "deviation": 0.97}, None),
        (
            {"mean": 2.0, "deviation": 0.9},
            "e2e_p50_s 1 s where the mean is 2 s, with a standard deviation of 0.9 s",
        ),
        ({"mean": 21.0, "most": 20.0}, "mean of e2e_s 21 s where the longest is 20 s"),
        ({"mean": 0.9, "least": 1.0}, "mean of e2e_s 0.9 s where the shortest is 1 s"),
        ({}, None),
    ],
)
def test_a_mean_and_the_ends_of_a_time_fit_its_percentiles(told, mark):
    run = Run("f", "vllm", row={"e2e_p50_s": 1.0, "e2e_p99_s": 10.0})
    run.put_spread("e2e", **told)
    consistency.check_run(run)
    assert run.marks == ([mark] if mark else [])


@pytest.mark.parametrize(
    ("mean", "deviation", "marks"),
    [(2.0, 0.97, 0), (2.0, 0.9, 1), (0.5, 0.5, 0), (0.5, 0.45, 1), (1.02, 0.0, 0), (1.03, 0.0, 1)],
)
def test_a_median_is_within_a_standard_deviation_of_the_mean(mean, deviation, marks):
    run = Run("f", "vllm", row={"e2e_p50_s": 1.0})
    run.put_spread("e2e", mean=mean, deviation=deviation)
    consistency.check_run(run)
    told = f"where the mean is {mean:g} s, with a standard deviation of {deviation:g} s"
    assert run.marks == [f"e2e_p50_s 1 s {told}"] * marks


def spread(values, ddof=0, **changes):
    """Marks of a run whose latencies are these values, but for what is changed."""
    names = {f"e2e_{p}_s": float(p[1:]) for p in consistency.PERCENTILES}
    row = {name: float(np.percentile(values, percent)) for name, percent in names.items()}
    run = Run("f", "vllm", row={name: changes.get(name, row[name]) for name in row})
    run.put_spread("e2e", mean=float(np.mean(values)), deviation=float(np.std(values, ddof=ddof)))
    consistency.check_run(run)
    return run.marks


@given(
    values=st.lists(st.floats(0.001, 1e4), min_size=2, max_size=300),
    copies=st.integers(1, 50),
    ddof=st.sampled_from([0, 1]),
)
def test_no_times_are_further_from_their_mean_than_their_deviation_allows(values, copies, ddof):
    assert spread(np.repeat(values, copies), ddof) == []


@pytest.mark.parametrize("percent", [50, 90, 95, 99])
@pytest.mark.parametrize("above", [True, False])
def test_a_percentile_is_as_far_from_the_mean_as_the_deviation_allows(monkeypatch, percent, above):
    """Two values alone reach the bound; without a tolerance nothing beyond them passes."""
    monkeypatch.setattr(consistency, "TOLERANCE", 1e-9)
    # of a hundred times, those that begin at this percentile, or all up to it, are alike
    few = 100 - percent if above else percent
    values = np.sort(np.where(np.arange(100) < few, 1.0 + above, 2.0 - above))
    name = f"e2e_p{percent}_s"
    extreme = 2.0 if above else 1.0
    assert spread(values, **{name: extreme}) == []
    beyond = extreme * (1 + 1e-6) if above else extreme * (1 - 1e-6)
    others = {f"e2e_p{other}_s": None for other in (50, 90, 95, 99)}
    (mark,) = spread(values, **others | {name: beyond})
    assert mark.startswith(f"{name} {beyond:.6g} s where the mean is")


@pytest.mark.parametrize(
    ("name", "facts", "key", "times"),
    [
        ("vllm/real.json", NODE, "p99_ttft_ms", 10),
        ("vllm/real.json", NODE, "p99_e2el_ms", 10),
        ("sglang/real.jsonl", SGLANG, "p99_e2e_latency_ms", 3),
        ("inferencex/agg_single.json", {}, "p99_e2el", 3),
    ],
)
def test_a_percentile_that_mean_and_deviation_contradict_is_marked(
    tmp_path, name, facts, key, times
):
    """It came back `ok` in files that tell no longest time."""
    record = load(name)
    path = put(tmp_path, record | {key: times * record[key]})
    (status,) = detect_and_read(path, facts)["status"]
    assert status.startswith("marked: ") and "with a standard deviation of" in status


@pytest.mark.parametrize(("edges", "mean", "mark"), [(0, 55, 0), (0, 56, 1), (0.5, 79, 0)])
def test_no_more_are_in_flight_than_the_concurrency(edges, mean, mark):
    row = {"concurrency": 100.0, "request_throughput": 2.0}
    run = Run("f", "vllm", row=row, edges=edges)
    run.put_spread("e2e", mean=float(mean))
    told = f"concurrency 100 where request rate x mean time is {2 * mean}"
    for _ in range(2):  # a table that is read again holds its marks
        consistency.check_run(run)
        assert run.marks == [told] * mark


@pytest.mark.parametrize(
    ("row", "marks"),
    [
        ({"concurrency": 12.0}, []),
        ({"concurrency": 12.1}, ["concurrency 12.1 where request rate x median time is 2"]),
        ({"concurrency": 1.0}, []),
        ({"concurrency": 0.99}, ["concurrency 0.99 where request rate x median time is 2"]),
        ({"concurrency": None}, []),
        ({"concurrency": 100.0, "e2e_p50_s": None}, []),
        ({"concurrency": 100.0, "throughput_tps": None}, []),
        ({"concurrency": 100.0, "output_tokens": None}, []),
        # the rate that is stated goes before that of the tokens
        (
            {"concurrency": 100.0, "request_throughput": 2.0, "throughput_tps": 600.0},
            ["concurrency 100 where request rate x median time is 4"],
        ),
    ],
)
def test_requests_in_flight_are_held_against_the_concurrency(row, marks):
    known = {"e2e_p50_s": 2.0, "output_tokens": 300.0, "throughput_tps": 300.0}
    for client in ("vllm", "project"):
        run = Run("f", client, row=known | row)
        consistency.check_run(run)
        assert [mark for mark in run.marks if mark.startswith("concurrency")] == marks


TOO_MANY = "concurrency 128 where request rate x"
LEAST, HALF = "least mean time by TTFT and TPOT", "half mean time by TTFT and TPOT"
MOST = "most mean time by TTFT and TPOT"


@pytest.mark.parametrize(
    ("of", "speed", "times", "mark"),
    [
        # 0.4 s + (20 ms - 2 x 1 ms) x 299 tokens are 5.782 s, of 60 requests/s 347 at once
        ("vllm", 60, {}, f"{TOO_MANY} {LEAST} is 346.92"),
        ("sglang", 60, {}, f"{TOO_MANY} {LEAST} is 346.92"),
        ("inferencex", 60, {}, f"{TOO_MANY} {LEAST} is 346.92"),
        ("vllm", 22, {}, None),
        # 0.4 s + (20 ms + 2 x 1 ms) x 299 tokens are 6.978 s: a sixth of 128 at 3.06 requests/s
        ("vllm", 3.1, {}, None),
        ("vllm", 3, {}, f"{TOO_MANY} {MOST} is 20.934"),
        ("vllm", 3, {"std_tpot": 2}, None),
        ("vllm", 3, {"std_tpot": None}, None),
        ("vllm", 24.5, {}, f"{TOO_MANY} {LEAST} is 141.659"),
        # without a deviation, of which the mean over tokens may be less
        ("vllm", 60, {"std_tpot": None}, f"{TOO_MANY} {HALF} is 191.4"),
        ("vllm", 44, {"std_tpot": None}, None),
        # short answers may be those of slow tokens
        ("vllm", 60, {"std_tpot": 9}, None),
        # a step of speculation yields several tokens
        ("vllm", 60, {"mean_tpot": 7, "median_itl": 19.5, "mean_itl": 20}, None),
        # the whole time goes first
        ("vllm", 60, {"mean_e2el": 2_130, "median_e2el": 2_100}, None),
        ("vllm", 60, {"mean_ttft": None}, f"{TOO_MANY} {LEAST} is 322.92"),
    ],
)
def test_more_in_flight_than_the_times_of_tokens_allow_are_marked(tmp_path, of, speed, times, mark):
    """Of a file without whole times 383 requests of 128 at once were `ok`."""
    told = {"mean_ttft": 400, "median_ttft": 350, "mean_tpot": 20, "std_tpot": 1} | times
    told = {name: value for name, value in told.items() if value is not None}
    totals = {
        "duration": 2000 / speed,
        "completed": 2000,
        "max_concurrency": 128,
        "request_throughput": speed,
        "output_throughput": 300 * speed,
        "total_input_tokens": 1_000_000,
        "total_output_tokens": 600_000,
    }
    if of == "inferencex":
        record = load("inferencex/agg_single.json")
        whole = [
            name for name in record if re.search("tpot|itl|e2el|ttft|joules|power|energy", name)
        ]
        record = {name: record[name] for name in record.keys() - set(whole)}
        record |= {name: value / 1000 for name, value in told.items()}
        record |= {"conc": 128, "isl": 500, "osl": 300, "output_tput_per_gpu": 300 * speed / 8}
        record |= {"input_tput_per_gpu": 500 * speed / 8, "tput_per_gpu": 800 * speed / 8}
    else:
        own = {"vllm": {"model_id": "m"}, "sglang": {"dataset_name": "sharegpt"}}[of]
        record = own | totals | {f"{name}_ms": value for name, value in told.items()}
    facts = {} if of == "inferencex" else NODE | {"model": "m", "pipeline_parallel": 1}
    found = marks(detect_and_read(put(tmp_path, record), facts))
    assert [text for text in found if text.startswith("concurrency")] == ([mark] if mark else [])


@pytest.mark.parametrize(
    ("row", "mark"),
    [
        # (0.35 s + 20 ms x 299) / 2 are 3.165 s
        ({}, 189.9),
        ({"throughput_tps": 13_300.0}, None),
        ({"throughput_tps": 13_400.0}, 141.37),
        ({"e2e_p50_s": 2.1}, None),
        ({"itl_p50_s": None}, None),
        ({"output_tokens": None, "request_throughput": 60.0}, None),
        ({"ttft_p50_s": None}, 179.4),
        ({"concurrency": 200.0}, None),
    ],
)
def test_more_in_flight_than_median_times_of_tokens_allow_are_marked(row, mark):
    known = {"output_tokens": 300.0, "throughput_tps": 18_000.0, "concurrency": 128.0}
    run = Run("f", "project", row=known | {"ttft_p50_s": 0.35, "itl_p50_s": 0.02} | row)
    consistency.check_run(run)
    words = f"{TOO_MANY} half the time by median TTFT and ITL without speculation is"
    found = [text for text in run.marks if text.startswith("concurrency")]
    assert found == ([f"{words} {mark:.6g}"] if mark else [])


def test_lengths_are_as_far_apart_as_is_documented():
    measured = read_table(ROOT / "data/measured/output_lengths.csv", "output_lengths")
    most = (measured["std"] / measured["mean"]).max()
    assert most == pytest.approx(1.42, abs=0.005)
    assert most < consistency.LENGTHS_APART
    # medians of runs of such lengths say no more than their concurrency
    runs = read_table(ROOT / "data/measured/mlenergy_v3.csv", "mlenergy")
    seconds = runs["inter_token_latency_ms"] / 1000
    at_once = runs["throughput_tps"] * seconds / runs["concurrency_limit"]
    assert at_once.max() < consistency.IN_FLIGHT[1] * consistency.MOST_IN_FLIGHT


@pytest.mark.parametrize(
    ("facts", "listed"),
    [
        ({"model": "LIama 3.1 8B"}, "Llama 3.1 8B of data/models.csv"),
        ({"model": "meta-llama/LIama-3.1-8B-Instruct"}, "Llama 3.1 8B of data/models.csv"),
        ({"model": "LIama 4 Scout 17B 16E"}, "Llama 4 Scout 17B 16E of data/models.csv"),
        ({"gpu": "H1OO-SXM-80GB"}, "H100-SXM-80GB of data/gpus.csv"),
        ({"model": "llama-3.1-70b"}, None),
        ({"model": "house model", "gpu": "a new one"}, None),
    ],
)
def test_a_name_that_only_looks_like_a_listed_one_is_refused(facts, listed):
    path = FIXTURES / "vllm/single.json"
    if listed is None:
        assert len(detect_and_read(path, NODE | facts)) == 1
    else:
        (column,) = facts
        assert f"{column} is {facts[column]}, which only looks like {listed}" in refusal(
            path, NODE | facts
        )


@pytest.mark.parametrize(("key", "most"), [("tensor_parallel", 576), ("pipeline_parallel", 128)])
def test_a_model_that_is_split_over_thousands_of_gpus_is_marked(key, most):
    assert checked(**{key: most}).marks == []
    assert checked(**{key: 8000}).marks == [
        f"{key} 8000 where models are split over at most {most}"
    ]


@pytest.mark.parametrize("key", ["tp_size", "pp_size"])
def test_a_thousand_times_the_gpus_of_sglang_are_marked(tmp_path, key):
    line, *_ = (FIXTURES / "sglang/runs.jsonl").read_text(encoding="utf-8").splitlines()
    raw = json.loads(line)
    raw["server_info"][key] *= 1000
    (status,) = detect_and_read(put(tmp_path, raw), {"gpu": "H200-SXM-141GB"})["status"]
    assert "where models are split over at most" in status


H100 = {"gpu": "H100-SXM-80GB", "n_gpus": 8}
MARKED = [
    ({"tensor_parallel": 600}, "tensor_parallel 600 where models are split"),
    ({**H100, "gpu_power_w": 500.0}, "power: gpu_power_w 500 W where 8 x H100"),
    ({**H100, "node_power_w": 18000.0}, "power: node_power_w 18000 W where nodes of"),
    (
        {"itl_p50_s": 9.0, "concurrency": 8.0, "throughput_tps": 800.0},
        "itl_p50_s 9 s where concurrency / throughput is 0.01",
    ),
    (
        {"concurrency": 99.0, "request_throughput": 2.0, "e2e_p50_s": 1.0},
        "concurrency 99 where request rate x median time is 2",
    ),
]


@pytest.mark.parametrize(("row", "start"), MARKED)
def test_a_table_that_is_read_again_holds_its_marks_once(row, start):
    run = checked(**row)
    (mark,) = run.marks
    assert mark.startswith(start)
    consistency.check_run(run)
    assert run.marks == [mark]


def test_power_that_is_doubted_already_is_not_doubted_again():
    mark = "power: gpu_energy_j 5000 J where the sum of its GPUs is 6000"
    row = {**H100, "gpu_energy_j": 5e3, "duration_s": 10.0}
    assert checked(**row).marks[0].startswith("power: gpu_energy_j / duration 500 W where")
    run = Run("f", "aiperf", row=row, marks=[mark])
    consistency.check_run(run)
    assert run.marks == [mark]


@pytest.mark.parametrize(
    ("mean", "low", "high", "marks"),
    [
        (4.0, 6.0, 2.0, []),
        (4.0, 6.5, None, ["isl: mean of 4 tokens where the shortest has 6.5"]),
        (4.0, None, 1.5, ["isl: mean of 4 tokens where the longest has 1.5"]),
        (4.0, 3.0, 5.0, []),
        (None, 6.0, 1.0, []),
    ],
)
def test_a_mean_length_is_held_against_the_shortest_and_the_longest(
    monkeypatch, mean, low, high, marks
):
    monkeypatch.setattr(consistency, "TOLERANCE", 0.5)
    run = Run("f", "aiperf")
    consistency.check_mean(run, "isl", mean, low, high)
    assert run.marks == marks


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"e2e_p50_s": 3.0}, {"mean": 1.0}),
        ({"e2e_p50_s": 2.0}, {"mean": 4.0, "deviation": 0.0}),
        ({"e2e_p50_s": 2.0}, {"least": 3.0}),
        ({"e2e_p50_s": 3.0}, {"most": 2.0}),
        # 1.1 times as many in flight
        ({"concurrency": 10.0, "request_throughput": 2.0}, {"mean": 5.5}),
    ],
)
def test_a_time_that_is_off_by_just_what_is_allowed_is_not_marked(monkeypatch, row, told):
    monkeypatch.setattr(consistency, "TOLERANCE", 0.5)

    def marked(factor):
        run = Run("f", "vllm", row=row | {name: factor * row[name] for name in list(row)[-1:]})
        run.put_spread("e2e", **told)
        consistency.check_run(run)
        return len(run.marks)

    assert marked(1) == 0
    assert [marked(0.99), marked(1.01)].count(1) == 1


def test_a_time_to_the_first_token_alone_says_nothing_of_the_gaps():
    assert checked(itl_p50_s=9.0, ttft_p50_s=1.0, output_tokens=300.0).marks == []


def test_edges_of_a_run_widen_what_its_throughput_may_be_off():
    row = {"throughput_tps": 630.0, "request_throughput": 2.0, "output_tokens": 300.0}
    for edges, marked in ((0.05, False), (0.0, True)):
        run = Run("f", "vllm", row=row, edges=edges)
        consistency.check_run(run)
        assert bool(run.marks) == marked


def test_an_energy_of_the_node_is_held_against_what_nodes_draw():
    """Twelve kilowatts are too much for eight such GPUs, and not for the node that has them."""
    energy = {"energy_per_output_token_j": 12.0, "throughput_tps": 1000.0}
    of_gpus = checked(**H100, **energy)
    assert [problem.split(",")[0] for problem in of_gpus.problems] == [
        "f: energy_per_output_token_j x throughput_tps is 12000 W"
    ]
    of_node = checked(**H100, **energy, power_boundary=Meter.NODE)
    assert of_node.problems == []


def test_an_energy_beside_a_power_is_held_against_that_alone():
    for energy in (
        {"energy_per_output_token_j": 1e6, "throughput_tps": 1000.0},
        {"gpu_energy_j": 1e9, "duration_s": 10.0},
    ):
        run = checked(**H100, gpu_power_w=4000.0, **energy)
        assert (run.problems, len(run.marks)) == ([], 1)


@pytest.mark.parametrize(
    ("boundary", "energy", "marks"),
    [
        (None, 3.0, []),
        (None, 2.95, []),
        (Meter.NODE, 2.95, []),
        (
            Meter.ACCELERATOR,
            3.0,
            ["power: energy_per_output_token_j 3 J where power / throughput is 2"],
        ),
    ],
)
def test_an_energy_of_a_table_is_the_nodes_where_it_agrees_and_none_is_said(
    boundary, energy, marks
):
    row = {"node_power_w": 6000.0, "gpu_power_w": 4000.0, "throughput_tps": 2000.0}
    row |= {"energy_per_output_token_j": energy, "power_boundary": boundary}
    assert checked(client="project", **row).marks == marks


@pytest.mark.parametrize("of", [{"model": "Zorro"}, {"gpu": "Z900"}])
def test_what_no_table_lists_is_held_against_the_fastest_of_all(of):
    """One H100 with a million tokens per second of a model that nobody knows came back ok."""
    known = {"model": "Llama 3.1 8B", "gpu": "H100-SXM-80GB", "n_gpus": 2, "precision": "FP8"}
    assert checked(**known | of, throughput_tps=44_406.0).marks == []
    (mark,) = checked(**known | of, throughput_tps=44_407.0).marks
    assert mark == (
        "throughput_tps 44407 tokens/s where the fastest run of any model and GPU has 44406, and"
        " data/models.csv or data/gpus.csv lacks this one"
    )
    run = checked(**known | of, throughput_tps=2_000_001.0)
    (problem,) = run.problems
    assert "allowed are at most 1e+06 tokens/s per GPU" in problem


@pytest.mark.parametrize(
    ("column", "found", "stated", "told"),
    [
        ("model", "meta-llama/Llama-3.1-8B-Instruct", "Llama 3.1 8B", None),
        ("model", "Llama-3.3-70B-Instruct", "Llama 3.1 70B", None),
        ("model", "prod", "Llama 3.1 8B", None),
        ("model", "team-70b", "Llama 3.1 70B", None),
        ("model", "my-8x7b", "Mixtral 8x7B", None),
        ("model", "team-17b", "Llama 4 Scout", None),
        ("model", "deepseek-ai/DeepSeek-R1", "our tune", None),
        ("model", "team-70b", "our tune", None),
        ("model", "team-70b", "Llama 3.1 8B", False),
        ("model", "team-8b", "our 70B", False),
        (
            "model",
            "deepseek-ai/DeepSeek-R1",
            "Llama 3.1 8B",
            "which is DeepSeek-R1 of data/models.csv, but Llama 3.1 8B in the facts, which is Llama"
            " 3.1 8B; allowed is one of them; correct the fact, or the name in the file",
        ),
        ("gpu", "NVIDIA H100 80GB HBM3", "H100-SXM-80GB", None),
        ("gpu", "NVIDIA H200 NVL", "H200-SXM-141GB", None),
        ("gpu", "NVIDIA B200", "H100", "which is B200 of data/gpus.csv, but H100 in the facts"),
        ("source_id", "a", "b", None),
        ("model", ["a", "list"], "Llama 3.1 8B", None),
        ("model", None, "Llama 3.1 8B", None),
    ],
)
def test_a_name_in_the_facts_is_no_other_thing_than_in_the_file(column, found, stated, told):
    """Runs of DeepSeek-R1 were answered for as Llama 3.1 8B where the facts said so."""
    run = Run("f", "vllm")
    consistency.check_renamed(run, column, found, stated)
    marks = [f"model {stated} where the file names {found}"] if told is False else []
    assert run.marks == marks
    if not isinstance(told, str):
        assert run.problems == []
        return
    (problem,) = run.problems
    assert problem.startswith(f"f: {column} is {found} in the file, {told}")


def test_a_run_that_the_facts_rename_is_held_to_what_its_file_names():
    """Any name that no table has freed a run from every bound of its model or GPU."""
    renamed = detect_and_read(FIXTURES / "vllm/single.json", NODE | {"model": "our chat"})
    assert renamed["model"].tolist() == ["our chat"] and renamed["status"].tolist() == ["ok"]
    run = Run("f", "vllm", row={"model": "our chat", "input_tokens": 10**6, "output_tokens": 300})
    consistency.check_renamed(run, "model", "deepseek-ai/DeepSeek-R1", "our chat")
    assert run.held_as == {"model": "deepseek-ai/DeepSeek-R1"}
    consistency.check_run(run)
    (problem,) = run.problems
    assert "at most 4 times the context of deepseek-ai/DeepSeek-R1, 163840 tokens" in problem
    assert run.row["model"] == "our chat"


def test_a_file_of_another_model_than_the_facts_name_is_refused():
    facts = NODE | {"model": "Llama 3.1 405B"}
    message = refusal(FIXTURES / "vllm/single.json", facts)
    assert "; allowed is one of them; correct the fact" in message

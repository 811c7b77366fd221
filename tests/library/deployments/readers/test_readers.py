"""Benchmark files of every client, and bad ones, into the benchmark table."""

import json
import shutil
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_energy.deployments.readers import aiperf, detect, detect_and_read, mlperf, read_facts
from inference_energy.deployments.readers.common import Run, parse_json
from inference_energy.errors import InputError
from inference_energy.tables import load_schema, read_table, write_table

FIXTURES = Path(__file__).parents[3] / "fixtures" / "benchmarks"
NODE = {"gpu": "H100-SXM-80GB", "n_gpus": 8, "tensor_parallel": 8, "precision": "FP8"}
PAIR = {**NODE, "n_gpus": 2, "tensor_parallel": 2}
MLPERF = {**NODE, "model": "Llama 2 70B", "gpu": "H200-SXM-141GB"}

# File, client, facts that it needs.
FILES = [
    ("aiperf/cpu.json", "aiperf", NODE),
    ("aiperf/dcgm.json", "aiperf", PAIR),
    ("genai-perf/profile_export_genai_perf.json", "genai-perf", NODE),
    ("vllm/single.json", "vllm", NODE),
    ("vllm/appended.json", "vllm", NODE),
    ("vllm/detailed.json", "vllm", NODE),
    ("vllm/older.json", "vllm", NODE),
    ("sglang/runs.jsonl", "sglang", {"gpu": "H200-SXM-141GB"}),
    ("sglang/older.jsonl", "sglang", {**NODE, "model": "DeepSeek-R1"}),
    ("mlenergy/task.json", "mlenergy", {}),
    ("inferencex/agg_single.json", "inferencex", {}),
    ("inferencex/agg_disaggregated.json", "inferencex", {}),
    ("mlperf/offline", "mlperf", MLPERF),
    ("mlperf/server", "mlperf", MLPERF),
    ("project/throughput.csv", "project", {}),
]


def load(name):
    """Raw keys of a JSON fixture of one object."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def put(folder, record, name="run.json"):
    """Write a file for the readers; text as it is, anything else as JSON."""
    path = folder / name
    path.write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
    return path


def refusal(path, facts=None):
    """Message with which a file is refused."""
    with pytest.raises(InputError) as caught:
        detect_and_read(path, facts)
    return str(caught.value)


@pytest.mark.parametrize(("name", "client", "facts"), FILES)
def test_every_format_is_told_from_its_content(tmp_path, name, client, facts):
    source = FIXTURES / name
    if source.is_dir():
        copy = shutil.copytree(source, tmp_path / "anything.csv")
        for number, file in enumerate(sorted(copy.iterdir())):
            file.rename(copy / f"{number}.txt")
    else:
        copy = shutil.copy(source, tmp_path / "anything.xyz")
    assert detect(copy) == client
    frame = detect_and_read(copy, facts)
    assert set(frame["client"]) == {client}


@pytest.mark.parametrize(("name", "client", "facts"), FILES)
def test_table_holds_its_schema_and_survives_a_round_trip(tmp_path, name, client, facts):
    frame = detect_and_read(FIXTURES / name, facts)
    assert list(frame.columns) == list(load_schema("benchmark")["properties"])
    write_table(frame, tmp_path / "once.csv", "benchmark")
    again = detect_and_read(tmp_path / "once.csv")
    write_table(again, tmp_path / "twice.csv", "benchmark")
    assert (tmp_path / "once.csv").read_text() == (tmp_path / "twice.csv").read_text()
    assert set(again["client"]) == {client}
    expected = read_table(tmp_path / "once.csv", "benchmark")
    pd.testing.assert_frame_equal(again, expected, check_dtype=True)


def test_vllm_units_lengths_and_the_infinite_rate():
    raw = load("vllm/single.json")
    assert raw["request_rate"] == "inf"
    row = detect_and_read(FIXTURES / "vllm/single.json", NODE).iloc[0]
    assert row["throughput_tps"] == raw["output_throughput"]
    assert row["input_tokens"] * raw["completed"] == raw["total_input_tokens"]
    assert row["output_tokens"] * raw["completed"] == raw["total_output_tokens"]
    assert row["ttft_p50_s"] * 1000 == pytest.approx(raw["median_ttft_ms"])
    assert row["e2e_p99_s"] * 1000 == pytest.approx(raw["p99_e2el_ms"])
    assert np.isnan(row["ttft_p95_s"]), "the client did not report the 95th percentile"
    assert row["status"] == "ok"
    assert row["concurrency"] == raw["max_concurrency"]


def test_vllm_appended_runs_are_rows_and_failures_are_marked():
    frame = detect_and_read(FIXTURES / "vllm/appended.json", NODE)
    assert list(frame["run"]) == [1, 2, 3]
    assert list(frame["concurrency"]) == [16, 64, 256]
    assert list(frame["status"]) == ["ok", "ok", "marked: 8 requests failed"]
    assert len(set(frame["sha256"])) == 1


def test_vllm_older_file_counts_what_is_missing_as_failed():
    raw = load("vllm/older.json")
    assert "request_goodput:" in raw
    assert "failed" not in raw
    row = detect_and_read(FIXTURES / "vllm/older.json", NODE).iloc[0]
    assert row["failed"] == raw["num_prompts"] - raw["completed"]
    assert row["status"] == f"marked: {row['failed']} requests failed"


def test_vllm_detailed_lengths_are_those_of_successful_requests():
    raw = load("vllm/detailed.json")
    assert min(raw["output_lens"]) == 0, "failed requests are in the lists too"
    row = detect_and_read(FIXTURES / "vllm/detailed.json", NODE).iloc[0]
    assert row["output_tokens"] == raw["total_output_tokens"] / raw["completed"]
    assert row["input_tokens"] == raw["total_input_tokens"] / raw["completed"]


def test_vllm_successful_requests_without_output_are_marked(tmp_path):
    raw = load("vllm/detailed.json")
    raw |= {"errors": [""] * 6, "completed": 6, "failed": 0, "total_output_tokens": 1200}
    raw |= {"total_input_tokens": 3000, "output_throughput": 100.0}
    row = detect_and_read(put(tmp_path, raw), {**NODE, "requested_output_tokens": 300}).iloc[0]
    assert row["output_tokens"] == 200
    assert "2 requests ended without output" in row["status"]
    assert "mean output length 200 tokens where 300 were asked for" in row["status"]
    assert "output lengths from 0 to 300" in row["status"]


@pytest.mark.parametrize("name", ["vllm/single.json", "sglang/older.jsonl"])
@pytest.mark.parametrize("key", ["completed", "output_throughput"])
def test_runs_without_a_result_are_refused(tmp_path, name, key):
    facts = {**NODE, "model": "m"}
    message = refusal(put(tmp_path, load(name) | {key: 0}), facts)
    assert f'"{key}" is 0' in message
    assert "run.json" in message
    assert message.count("\n") == 0


def test_vllm_metadata_states_facts_and_the_file_may_not_contradict_them(tmp_path):
    raw = load("vllm/single.json")
    raw |= {"gpu": "B200", "n_gpus": "8", "tensor_parallel_size": "4", "precision": "nvfp4"}
    path = put(tmp_path, raw)
    row = detect_and_read(path, {"pipeline_parallel": 2}).iloc[0]
    assert (row["gpu"], row["n_gpus"], row["tensor_parallel"]) == ("B200", 8, 4)
    assert row["precision"] == "FP4"
    message = refusal(path, {"pipeline_parallel": 2, "n_gpus": 4})
    assert "n_gpus is 8 in the file but 4 in the facts" in message


def test_throughput_that_disagrees_with_its_totals_is_marked(tmp_path):
    raw = load("vllm/single.json")
    path = put(tmp_path, raw | {"output_throughput": raw["output_throughput"] * 1.1})
    assert "output_throughput" in detect_and_read(path, NODE).iloc[0]["status"]


def test_sglang_reads_the_server_and_shares_gpus_between_attention_copies():
    frame = detect_and_read(FIXTURES / "sglang/runs.jsonl", {"gpu": "H200-SXM-141GB"})
    assert list(frame["concurrency"]) == [64, 128]
    row = frame.iloc[0]
    assert (row["n_gpus"], row["tensor_parallel"], row["pipeline_parallel"]) == (8, 8, 1)
    assert (row["precision"], row["client_version"]) == ("FP8", "0.5.23")
    assert row["model"] == "deepseek-ai/DeepSeek-R1"
    assert row["e2e_p95_s"] == pytest.approx(39.65)


def test_sglang_copies_without_shared_attention_take_their_own_gpus(tmp_path):
    raw = json.loads((FIXTURES / "sglang/runs.jsonl").read_text().splitlines()[0])
    raw["server_info"] |= {"enable_dp_attention": False, "tp_size": 2, "dp_size": 4}
    row = detect_and_read(put(tmp_path, raw), {"gpu": "B200"}).iloc[0]
    assert (row["n_gpus"], row["tensor_parallel"]) == (8, 2)


@pytest.mark.parametrize(
    ("dataset", "ratio", "marked"),
    [
        ("random", 1.0, True),
        ("random-ids", 1.0, True),
        ("random", 0.5, False),
        ("sharegpt", 1.0, False),
    ],
)
def test_sglang_length_asked_for_counts_only_for_fixed_random_prompts(
    tmp_path, dataset, ratio, marked
):
    raw = load("sglang/older.jsonl") | {"dataset_name": dataset, "random_range_ratio": ratio}
    raw["random_output_len"] = 2000
    status = detect_and_read(put(tmp_path, raw), {**NODE, "model": "m"}).iloc[0]["status"]
    assert ("where 2000 were asked for" in status) is marked


def test_aiperf_without_telemetry_leaves_energy_empty_not_zero():
    row = detect_and_read(FIXTURES / "aiperf/cpu.json", NODE).iloc[0]
    measured = ["gpu_power_w", "node_power_w", "gpu_energy_j", "energy_per_output_token_j"]
    assert row[measured].isna().all()
    assert row["power_boundary"] is None
    assert (row["status"], row["client_version"]) == ("ok", "0.13.0")
    assert (row["model"], row["concurrency"], row["output_tokens"]) == ("tiny", 1, 480)


def test_aiperf_energy_is_in_joules_and_agrees_with_its_parts():
    raw = load("aiperf/dcgm.json")
    assert raw["nvidia_energy_per_output_token"]["unit"] == "mJ/token"
    row = detect_and_read(FIXTURES / "aiperf/dcgm.json", {**PAIR, "gpu": "H100-SXM-80GB"}).iloc[0]
    per_token = raw["nvidia_total_gpu_energy"]["avg"] / raw["total_osl"]["avg"]
    assert row["energy_per_output_token_j"] == pytest.approx(per_token, rel=1e-6)
    assert row["gpu_energy_j"] == raw["nvidia_total_gpu_energy"]["avg"]
    assert row["gpu_power_w"] == raw["nvidia_total_gpu_power"]["avg"]
    assert row["power_boundary"] == "accelerator"
    assert row["gpu"] == "H100-SXM-80GB"


def test_aiperf_energy_that_misses_gpus_is_left_empty_and_marked():
    row = detect_and_read(FIXTURES / "aiperf/dcgm.json", NODE).iloc[0]
    assert row["status"] == (
        "marked: power: telemetry covers 2 GPUs but 8 served the run, left empty"
    )
    assert row[["gpu_power_w", "gpu_energy_j", "energy_per_output_token_j"]].isna().all()


def test_zero_energy_means_not_measured(tmp_path):
    raw = load("aiperf/dcgm.json")
    for key in raw:
        if key.startswith("nvidia_"):
            raw[key]["avg"] = 0
    row = detect_and_read(put(tmp_path, raw), PAIR).iloc[0]
    assert row[["gpu_power_w", "gpu_energy_j", "energy_per_output_token_j"]].isna().all()
    assert row["power_boundary"] is None


def test_aiperf_counter_above_the_gauge_is_marked(tmp_path):
    raw = load("aiperf/dcgm.json")
    raw["nvidia_average_gpu_power"]["avg"] = raw["nvidia_total_gpu_power"]["avg"] * 1.25
    assert (
        "power: energy counter gives" in detect_and_read(put(tmp_path, raw), PAIR).iloc[0]["status"]
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"was_cancelled": True}, "run was cancelled"),
        (
            {"is_complete": False, "incomplete_reason": "records stalled; gave up"},
            "run is not complete (records stalled, gave up)",
        ),
        ({"error_request_count": {"unit": "requests", "avg": 3.0}}, "3 requests failed"),
        ({"error_summary": [{"error_details": {}, "count": 2}]}, "2 requests failed"),
        (
            {"osl_mismatch_count": {"unit": "requests", "avg": 4.0}},
            "4 requests missed the output length asked for",
        ),
        (
            {"output_sequence_length": {"unit": "tokens", "avg": 480.0, "min": 478, "max": 482}},
            "output lengths from 478 to 482 tokens where 480 were asked for",
        ),
        (
            {"output_sequence_length": {"unit": "tokens", "avg": 90.0, "min": 90, "max": 90}},
            "mean output length 90 tokens where 480 were asked for",
        ),
    ],
)
def test_aiperf_runs_to_doubt_are_marked(tmp_path, change, reason):
    row = detect_and_read(put(tmp_path, load("aiperf/cpu.json") | change), NODE).iloc[0]
    assert row["status"] == f"marked: {reason}"


def test_aiperf_varied_lengths_that_were_asked_for_are_not_marked(tmp_path):
    raw = load("aiperf/cpu.json")
    raw["input_config"]["datasets"][0]["prompts"]["osl"] = {"mean": 480.0, "stddev": 20.0}
    raw["output_sequence_length"] |= {"avg": 485.0, "min": 440.0, "max": 520.0}
    assert detect_and_read(put(tmp_path, raw), NODE).iloc[0]["status"] == "ok"


@pytest.mark.parametrize(("asked", "marked"), [(300, False), (-1, False), (400, True)])
def test_genai_perf_length_asked_for_is_checked(tmp_path, asked, marked):
    raw = load("genai-perf/profile_export_genai_perf.json")
    raw["input_config"]["output_tokens_mean"] = asked
    row = detect_and_read(put(tmp_path, raw), NODE).iloc[0]
    assert ("where 400 were asked for" in row["status"]) is marked
    assert (row["model"], row["concurrency"], row["completed"]) == ("llama-3.1-8b", 8, 60)


def test_aiperf_without_completed_requests_is_refused(tmp_path):
    raw = load("aiperf/cpu.json") | {"request_count": {"unit": "requests", "avg": 0.0}}
    assert '"request_count" is 0' in refusal(put(tmp_path, raw), NODE)


def test_unknown_unit_is_refused(tmp_path):
    raw = load("aiperf/dcgm.json")
    raw["nvidia_energy_per_output_token"]["unit"] = "kcal/token"
    message = refusal(put(tmp_path, raw), PAIR)
    assert '"nvidia_energy_per_output_token" has unit "kcal/token"' in message
    assert "mJ/token, J/token" in message


@given(
    seconds=st.floats(1e-6, 1e4),
    unit=st.sampled_from(sorted(aiperf.TIME)),
)
def test_a_latency_is_the_same_in_any_unit(seconds, unit):
    raw = load("aiperf/cpu.json")
    raw["time_to_first_token"] = {"unit": unit, "p50": seconds / aiperf.TIME[unit]}
    run = Run("run.json", "aiperf", raw=raw)
    aiperf.read(run)
    assert run.problems == []
    assert run.row["ttft_p50_s"] == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "units", [aiperf.POWER, aiperf.ENERGY, aiperf.ENERGY_PER_TOKEN, aiperf.TIME]
)
def test_unit_factors_agree_with_their_prefixes(units):
    prefixes = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "M": 1e6}
    base = next(unit for unit, factor in units.items() if factor == 1)
    for unit, factor in units.items():
        if unit.endswith(base) and unit != base:
            assert factor == prefixes[unit.removesuffix(base)]


def test_mlenergy_power_over_throughput_is_energy_and_input_stays_empty():
    frame = detect_and_read(FIXTURES / "mlenergy/task.json")
    energy = frame["gpu_power_w"] / frame["throughput_tps"]
    np.testing.assert_allclose(energy, frame["energy_per_output_token_j"], rtol=1e-4)
    assert frame["input_tokens"].isna().all()
    assert list(frame["gpu"]) == ["B200", "H100-SXM-80GB"]
    assert list(frame["precision"]) == ["BF16", "BF16"]
    assert list(frame["n_gpus"]) == [1, 8]
    assert list(frame["pipeline_parallel"]) == [1, 1], "experts account for the eight GPUs"


def test_mlenergy_energy_of_another_run_is_marked(tmp_path):
    raw = load("mlenergy/task.json")
    raw["configurations"][1]["energy_per_token_joules"] *= 2
    frame = detect_and_read(put(tmp_path, raw))
    assert frame["status"][0] == "ok"
    assert frame["status"][1].startswith("marked: power: energy_per_token_joules")


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


def test_mlperf_power_is_the_mean_inside_the_window():
    row = detect_and_read(FIXTURES / "mlperf/offline", MLPERF).iloc[0]
    # Thirty samples alternate between 5,900 and 6,100 W; the idle ones outside do not count.
    assert row["node_power_w"] == 6000
    assert row["energy_per_output_token_j"] == pytest.approx(6000 / 29000)
    assert (row["power_boundary"], row["status"]) == ("node", "ok")
    assert (row["duration_s"], row["output_tokens"]) == (30, 290)
    assert (row["client_version"], row["source_file"]) == ("5.1.1", "offline")
    assert np.isnan(row["e2e_p50_s"]), "Offline latencies count the whole queue"


def test_mlperf_invalid_server_run_is_marked_and_has_no_power():
    row = detect_and_read(FIXTURES / "mlperf/server", MLPERF).iloc[0]
    assert row["status"] == "marked: LoadGen's result is INVALID"
    assert row["ttft_p99_s"] == pytest.approx(1.760966679)
    assert row["throughput_tps"] == 29500
    assert np.isnan(row["node_power_w"])


def test_mlperf_meter_in_another_time_zone_is_refused_until_its_offset_is_stated(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    meter = folder / "spl.txt"
    meter.write_text(meter.read_text().replace("07-31-2025 02:", "07-30-2025 19:"))
    message = refusal(folder, MLPERF)
    assert "'meter_clock_offset_s: 25200'" in message
    row = detect_and_read(folder, {**MLPERF, "meter_clock_offset_s": 25200}).iloc[0]
    assert row["node_power_w"] == 6000


def test_mlperf_gap_in_the_power_log_is_marked(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    meter = folder / "spl.txt"
    lines = meter.read_text().splitlines()
    meter.write_text("\n".join(lines[:20] + lines[30:]))
    status = detect_and_read(folder, MLPERF).iloc[0]["status"]
    assert status == "marked: power: no sample of the meter for 11 s of 30 s"


def test_mlperf_cut_off_logs_name_the_line(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    detail = folder / "mlperf_log_detail.txt"
    text = detail.read_text()
    detail.write_text(text[: text.index('"power_end"') + 20])
    assert "mlperf_log_detail.txt has a line that is cut off" in refusal(folder, MLPERF)


@given(
    watts=st.floats(1, 2e4),
    shift=st.floats(-1e5, 1e5),
    n=st.integers(5, 100),
)
def test_constant_power_is_its_own_mean_wherever_the_clock_stands(watts, shift, n):
    times = np.arange(n) + shift
    mean, gap = mlperf.mean_watts(times, np.full(n, watts), times[1], times[-2])
    assert mean == pytest.approx(watts)
    assert gap == pytest.approx(1)


def test_invalid_meter_readings_do_not_count():
    mean, gap = mlperf.mean_watts([0, 1, 2, 3, 4], [10, 20, -1, 30, 10], 1, 3)
    assert (mean, gap) == (25, 2)


def test_project_throughput_table_becomes_runs_of_its_tensor_groups():
    frame = detect_and_read(FIXTURES / "project/throughput.csv")
    assert list(frame["n_gpus"]) == list(frame["tensor_parallel"]) == [1, 2]
    assert set(frame["source_id"]) == {"trtllm-0.17"}
    assert frame["energy_per_output_token_j"].isna().all()


def test_project_table_with_a_bad_cell_is_refused_as_such(tmp_path):
    text = (FIXTURES / "project/throughput.csv").read_text().replace("4020.75", "fast")
    message = refusal(put(tmp_path, text, "mine.csv"))
    assert 'mine.csv, row 2, column "throughput_tps": value "fast"' in message


def test_facts_come_from_the_folder_and_the_file_which_goes_first(tmp_path):
    path = put(tmp_path, load("vllm/single.json"), "one.json")
    put(tmp_path, "gpu: B200\nn_gpus: 8\ntensor_parallel: 8\nprecision: FP8\n", "facts.yaml")
    put(tmp_path, "\ufeffprecision: FP4\nmodel: Llama 3.1 70B\n", "one.facts.yaml")
    put(tmp_path, "precision: INT8\n", "other.facts.yaml")
    assert read_facts(path)["precision"] == "FP4"
    row = detect_and_read(path).iloc[0]
    assert (row["gpu"], row["precision"], row["model"]) == ("B200", "FP4", "Llama 3.1 70B")
    assert row["source_id"] == "one"


def test_all_missing_facts_are_asked_for_at_once_by_name():
    path = FIXTURES / "vllm/appended.json"
    message = refusal(path)
    for name in ("gpu", "n_gpus", "tensor_parallel", "precision"):
        assert f"'{name}: ...' to {path.with_name('appended.facts.yaml')}" in message
    assert message.count("\n") == 3


def test_stages_are_asked_for_only_if_the_gpus_leave_a_choice():
    path = FIXTURES / "vllm/single.json"
    message = refusal(path, {**NODE, "tensor_parallel": 4})
    assert "pipeline_parallel is neither" in message
    assert message.count("\n") == 0
    row = detect_and_read(path, {**NODE, "tensor_parallel": 4, "pipeline_parallel": 1}).iloc[0]
    assert (row["n_gpus"], row["tensor_parallel"]) == (8, 4)


def test_a_model_on_more_gpus_than_there_are_is_refused():
    message = refusal(FIXTURES / "vllm/single.json", {**NODE, "n_gpus": 4, "pipeline_parallel": 1})
    assert "tensor_parallel x pipeline_parallel is 8 but n_gpus is 4" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n_gpu: 8", 'key "n_gpu": unknown'),
        ("n_gpus: eight", 'key "n_gpus": value "eight"; allowed is an integer of at least 1'),
        ("n_gpus: true", 'key "n_gpus": value true'),
        ("precision: fp8", "allowed is one of FP4, FP8"),
        ("- gpu", "a mapping with model, gpu"),
        ("gpu: [", "is not YAML"),
    ],
)
def test_bad_facts_are_refused(tmp_path, text, expected):
    path = put(tmp_path, load("vllm/single.json"))
    put(tmp_path, text, "run.facts.yaml")
    message = refusal(path)
    assert expected in message
    assert "run.facts.yaml" in message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hello there", 'begins with "hello there", which is no known format'),
        (b"a,b\n1,2\n", "no known format"),
        (b"\xff\xfe{\x00", "is not UTF-8"),
        (b"[]", "holds no run"),
        (b"[1]", "value 1: is 1; a JSON object is needed"),
        (b'{"a": 1}', "object 1: is of no known format, its keys are a"),
        (b"{}", "its keys are none"),
    ],
)
def test_files_that_are_no_benchmark_are_refused(tmp_path, data, expected):
    path = tmp_path / "file.json"
    path.write_bytes(data)
    message = refusal(path, NODE)
    assert expected in message
    assert str(path) in message


def test_a_missing_file_and_a_folder_of_something_else_are_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.json")
    assert "is a folder without an MLPerf summary" in refusal(tmp_path)


def test_a_byte_order_mark_does_not_matter(tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(b"\xef\xbb\xbf" + (FIXTURES / "vllm/single.json").read_bytes())
    plain = detect_and_read(FIXTURES / "vllm/single.json", NODE)
    marked = detect_and_read(path, NODE)
    same = plain.columns.difference(["source_file", "source_id", "sha256"])
    pd.testing.assert_frame_equal(plain[same], marked[same])


def test_cut_off_json_tells_the_line_and_what_was_whole(tmp_path):
    text = (FIXTURES / "vllm/appended.json").read_text()
    message = refusal(put(tmp_path, text[:-200]), NODE)
    assert "line 3" in message
    assert "2 whole objects stand before it" in message


@pytest.mark.parametrize("value", ["fast", -1, True, [1]])
def test_values_that_are_no_numbers_are_named(tmp_path, value):
    message = refusal(put(tmp_path, load("vllm/single.json") | {"duration": value}), NODE)
    assert f'"duration" is {json.dumps(value)}' in message
    assert message.count("\n") == 0


def test_a_missing_key_is_named(tmp_path):
    raw = load("inferencex/agg_single.json")
    del raw["output_tput_per_gpu"]
    assert '"output_tput_per_gpu" is missing' in refusal(put(tmp_path, raw))


def places(value, path=()):
    """Paths of all values inside a JSON value; of a list only its first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for key, item in inside:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_but_never_fails_otherwise(data, tmp_path_factory):
    files = [(name, facts) for name, _, facts in FILES if name.endswith("json")]
    name, facts = data.draw(st.sampled_from(files))
    raw = parse_json(name, (FIXTURES / name).read_text(encoding="utf-8"))
    *folder, key = data.draw(st.sampled_from(list(places(raw))))
    junk = st.sampled_from([None, "x", -1, 0, 1.5, True, [], {}, ["a"], {"a": 1}, 1e999])
    reduce(lambda value, step: value[step], folder, raw)[key] = data.draw(junk)
    try:
        frame = detect_and_read(put(tmp_path_factory.getbasetemp(), raw, "damaged.json"), facts)
    except InputError as refused:
        assert "damaged.json" in str(refused)
    else:
        assert (frame["throughput_tps"] > 0).all()


@pytest.mark.parametrize("latency", ["ttft", "itl", "e2e"])
def test_percentiles_rise(latency):
    row = detect_and_read(FIXTURES / "aiperf/dcgm.json", PAIR).iloc[0]
    values = [row[f"{latency}_{percentile}_s"] for percentile in ("p50", "p90", "p95", "p99")]
    assert values == sorted(values)
    assert len(set(values)) == 4

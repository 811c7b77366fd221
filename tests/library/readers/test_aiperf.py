"""Files of AIPerf and GenAI-Perf, with energy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.deployments.runs import marks
from inference_energy.readers import aiperf, detect_and_read
from inference_energy.readers.common import Run
from library.readers.files import FIXTURES, NODE, PAIR, load, put, recognised, refusal


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(aiperf) == {"aiperf", "genai-perf"}


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
    # a change of one number alone also contradicts the others
    kept = [mark for mark in marks(row["status"]) if " where request" not in mark]
    assert [mark for mark in kept if not mark.startswith("total_osl")] == [reason]


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


@pytest.mark.parametrize("latency", ["ttft", "itl", "e2e"])
def test_percentiles_rise(latency):
    row = detect_and_read(FIXTURES / "aiperf/dcgm.json", PAIR).iloc[0]
    values = [row[f"{latency}_{percentile}_s"] for percentile in ("p50", "p90", "p95", "p99")]
    assert values == sorted(values)
    assert len(set(values)) == 4

"""The stress test's logic without a server: plan, windows, lengths, meters, intervals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.errors import InputError
from inference_energy.stress import checks, tables
from inference_energy.stress import plan as stress_plan
from inference_energy.stress import window as stress_window
from inference_energy.stress.power import (
    SAMPLE_COLUMNS,
    check_idle,
    clock_offset,
    meter_energy,
    meter_samples,
    power_sources,
    telemetry_samples,
    total_energy,
)

NOON = 1_800_000_000.0


def record(start, ttft, gap, tokens, phase="profiling", error=None, **metrics):
    """One line of profile_export.jsonl, as AIPerf 0.13 writes it; times in s."""
    latency = ttft + gap * (tokens - 1)
    values = {
        "time_to_first_token": 1e3 * ttft,
        "inter_token_latency": 1e3 * gap,
        "request_latency": 1e3 * latency,
        "input_sequence_length": 500,
        "output_sequence_length": tokens,
        "inter_chunk_latency": [1e3 * gap] * (tokens - 1),
    } | metrics
    line = {
        "metadata": {
            "request_start_ns": round((NOON + start) * 1e9),
            "request_end_ns": round((NOON + start + latency) * 1e9),
            "benchmark_phase": phase,
            "was_cancelled": False,
        },
        "metrics": {name: {"value": value} for name, value in values.items()},
    }
    if error:
        line |= {"metrics": {}, "error": error}
    return line


def closed_loop(concurrency, rounds, ttft=0.5, gap=0.01, tokens=101, **changes):
    """Requests of a client that keeps `concurrency` in flight, one round after another."""
    latency = ttft + gap * (tokens - 1)
    return stress_plan.requests_of(
        record(latency * number + 0.01 * lane, ttft, gap, tokens, **changes)
        for number in range(rounds)
        for lane in range(concurrency)
    )


def samples(times, power=None, energy=None, meter="gpu 0", utilisation=np.nan):
    frame = pd.DataFrame({"time_s": np.asarray(times, float), "meter": meter})
    frame["power_w"] = np.nan if power is None else power
    frame["energy_j"] = np.nan if energy is None else energy
    frame["utilisation"] = utilisation
    return frame[SAMPLE_COLUMNS]


def kinds(findings):
    return [(finding.kind, finding.refuses) for finding in findings]


# plan


def test_ladder_spans_the_factor_in_equal_ratios():
    lengths = stress_plan.ladder(300, 15, 5)
    assert (lengths[0], lengths[-1], len(lengths)) == (300, 4500, 5)
    assert np.ptp(np.diff(np.log(lengths))) < 0.01
    assert stress_plan.ladder(300, 5000 / 300, 2) == [300, 5000]


def test_plan_holds_every_cell_once_in_an_order_of_its_own_per_repetition():
    plan = stress_plan.plan([300, 1500, 4500], [1, 8], 3, seed=1)
    assert plan["cell"].is_unique and plan["seed"].is_unique
    blocks = [
        list(map(tuple, b[["output_tokens", "concurrency"]].to_numpy().tolist()))
        for _, b in plan.groupby("repetition")
    ]
    assert all(sorted(block) == sorted(blocks[0]) and len(block) == 6 for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1
    pd.testing.assert_frame_equal(plan, stress_plan.plan([300, 1500, 4500], [1, 8], 3, seed=1))
    assert list(plan["cell"]) != list(
        stress_plan.plan([300, 1500, 4500], [1, 8], 3, seed=2)["cell"]
    )


def test_windows_are_equal_in_time_and_long_enough_for_the_longest_query():
    assert stress_plan.window_seconds(60, 3, longest_latency=5.0) == 60
    assert stress_plan.window_seconds(60, 3, longest_latency=90.0) == 270


def test_prompts_outlast_the_window():
    prompts = stress_plan.prompts_needed(60.0, 8, 300, 0.02)
    sent = 8 * 60.0 / (0.02 * 300)
    assert 2 * sent < prompts < 4 * sent


def test_key_is_named_but_never_written():
    settings = {
        "endpoint": "http://host/v1",
        "model": "m",
        "tokenizer": None,
        "input_tokens": 500,
        "request_timeout": 60,
        "legacy_max_tokens": False,
        "telemetry": {"enabled": False},
        "extra_inputs": {"ignore_eos": True, "min_tokens": "{output_tokens}"},
        "with_key": True,
    }
    config = stress_plan.aiperf_config(settings, "out", 4500, 8, 3, 100, {"duration": 60.0})
    endpoint = config["benchmark"]["endpoint"]
    assert endpoint["apiKey"] == "${OPENAI_API_KEY}"
    assert endpoint["extra"] == {"ignore_eos": True, "min_tokens": 4500}
    assert config["benchmark"]["dataset"]["prompts"] == {"isl": 500, "osl": 4500}
    settings["with_key"] = False
    keyless = stress_plan.aiperf_config(settings, "out", 4500, 8, 3, 100, {"duration": 60.0})
    assert "apiKey" not in keyless["benchmark"]["endpoint"]


# what the server delivered


def test_warm_up_requests_are_left_out():
    lines = [record(0, 0.5, 0.01, 101, phase="warmup"), record(2, 0.5, 0.01, 101)]
    requests = stress_plan.requests_of(lines)
    assert len(requests) == 1
    assert requests.loc[0, "latency_s"] == pytest.approx(1.5)


def test_full_load_leaves_out_build_up_and_drain():
    requests = closed_loop(concurrency=4, rounds=5)
    start, end = stress_window.full_load(requests, 4)
    assert start == pytest.approx(NOON + 0.03)
    assert end == pytest.approx(NOON + 5 * 1.5)
    assert stress_window.full_load(requests, 21) is None


@given(st.floats(0, 20), st.floats(0, 20), st.floats(0, 20))
def test_tokens_of_windows_add_up(a, b, c):
    requests = closed_loop(concurrency=3, rounds=4)
    first, second, third = sorted(NOON + x for x in (a, b, c))
    whole = stress_window.tokens_between(requests, first, third)
    parts = stress_window.tokens_between(requests, first, second)
    parts += stress_window.tokens_between(requests, second, third)
    assert whole == pytest.approx(parts, abs=1e-3)
    everything = stress_window.tokens_between(requests, NOON - 1, NOON + 100)
    assert everything == pytest.approx(3 * 4 * 101)


def test_answers_in_one_piece_count_in_full():
    at_once = stress_plan.requests_of(record(n, 0.5, 0.0, 101) for n in range(4))
    assert stress_window.tokens_between(at_once, NOON, NOON + 10) == 4 * 101
    assert stress_window.tokens_between(at_once, NOON + 1, NOON + 3) == 2 * 101


def test_throughput_follows_littles_law():
    requests = closed_loop(concurrency=4, rounds=20)
    window, findings = stress_window.steady_window(requests, 4)
    row = tables.performance(requests, window)
    assert row["throughput_tps"] == pytest.approx(4 * 101 / 1.5, rel=0.02)
    assert row["prefill_share"] == pytest.approx(0.5 / 1.5)
    assert row["latency_p50_s"] == pytest.approx(1.5)
    assert findings == []


def test_slow_start_is_cut_and_the_rest_is_steady():
    slow = [record(3.0 * n, 0.0, 0.03, 101) for n in range(3)]
    fast = [record(9.0 + 1.0 * n, 0.0, 0.01, 101) for n in range(60)]
    requests = stress_plan.requests_of(slow + fast)
    window, findings = stress_window.steady_window(requests, 1)
    assert NOON + 9.0 <= window[0] < NOON + 20
    assert findings == []


def test_drift_is_reported():
    lines, start = [], 0.0
    for number in range(60):
        gap = 0.01 * (1 + number / 60)
        lines.append(record(start, 0.0, gap, 101))
        start += gap * 100
    _, findings = stress_window.steady_window(stress_plan.requests_of(lines), 1)
    assert kinds(findings) == [("not steady", "")]


def test_load_that_was_never_reached_refuses_the_cell():
    window, findings = stress_window.steady_window(closed_loop(concurrency=2, rounds=1), 8)
    assert window is None
    assert kinds(findings) == [("load", "all")]


def test_delivered_lengths_that_are_exact_pass():
    assert checks.check_lengths(closed_loop(2, 3), 101, 0.02) == []


def test_server_that_stops_early_is_refused():
    findings = checks.check_lengths(closed_loop(2, 3), 4500, 0.02)
    assert kinds(findings) == [("length", "all")]
    assert "delivered 101 to 101" in findings[0].message


def test_empty_answers_are_refused():
    lines = [record(n, 0.5, 0.01, 101) for n in range(9)]
    lines.append(record(9, 0.5, 0.0, 1, output_sequence_length=0))
    findings = checks.check_lengths(stress_plan.requests_of(lines), 101, 0.02)
    assert ("zero-length output", "all") in kinds(findings)


def test_reasoning_that_is_not_shown_is_counted_by_the_server():
    requests = closed_loop(1, 3, tokens=101, usage_completion_tokens=401)
    findings = checks.check_lengths(requests, 401, 0.02)
    assert kinds(findings) == [("hidden tokens", "")]
    assert (requests["output_tokens"] == 401).all()


def test_several_tokens_a_chunk_are_reported():
    chunky = closed_loop(1, 3, inter_chunk_latency=[40.0] * 24)
    assert kinds(checks.check_stream(chunky)) == [("chunks", "")]
    assert checks.check_stream(closed_loop(1, 3)) == []


@pytest.mark.parametrize(("failures", "refuses"), [(1, ""), (5, "all")])
def test_failed_requests_are_named_and_refused_above_the_limit(failures, refuses):
    lines = [record(n, 0.5, 0.01, 101) for n in range(100 - failures)]
    lines += [record(100, 0.1, 0.0, 1, error={"code": 429, "type": "TooMany"})] * failures
    findings = checks.check_errors(stress_plan.requests_of(lines), 0.02)
    assert kinds(findings) == [("errors", refuses)]
    assert f"{failures} x HTTP 429" in findings[0].message
    assert "rate limit" in findings[0].message


def test_server_errors_and_broken_streams_are_told_apart():
    lines = [record(0, 0.1, 0.0, 1, error={"code": 503, "type": "x"})]
    lines += [record(0, 0.1, 0.0, 1, error={"code": None, "type": "ClientPayloadError"})] * 2
    message = checks.check_errors(stress_plan.requests_of(lines), 0.5)[0].message
    assert "(2 x ClientPayloadError, 1 x HTTP 503)" in message


def test_no_answer_at_all_is_refused():
    assert kinds(checks.check_errors(stress_plan.requests_of([]), 0.5)) == [("errors", "all")]


def test_failed_requests_deliver_no_tokens():
    failed = stress_plan.requests_of([record(0, 0.1, 0.0, 1, error={"code": 500, "type": "x"})])
    assert stress_window.tokens_between(failed, NOON - 1, NOON + 9) == 0


def test_inputs_from_a_cache_are_reported():
    cached = closed_loop(1, 6, usage_prompt_cache_read_tokens=400)
    assert kinds(checks.check_cache(cached, 10)) == [("prefix cache", "")]
    again = [record(2 * n, 0.5 if n < 3 else 0.05, 0.01, 101) for n in range(9)]
    assert kinds(checks.check_cache(stress_plan.requests_of(again), 3)) == [
        ("repeated prompts", ""),
        ("prefix cache", ""),
    ]
    assert checks.check_cache(closed_loop(1, 6), 6) == []


# power


def test_constant_power_gives_power_times_time():
    times = NOON + np.arange(0, 100, 0.5)
    energy, findings = meter_energy(samples(times, power=300.0), NOON + 10.1, NOON + 70.4)
    assert energy == pytest.approx(300 * 60.3)
    assert findings == []


def test_counter_is_used_over_the_same_window():
    times = NOON + np.arange(0, 100, 0.5)
    both = samples(times, power=310.0, energy=7.0 + 300 * (times - NOON))
    energy, _ = meter_energy(both, NOON + 10.1, NOON + 70.4)
    assert energy == pytest.approx(300 * 60.3)


@given(st.floats(5, 45), st.floats(46, 95), st.floats(5, 95))
def test_energy_of_windows_adds_up(start, end, middle):
    times = np.arange(0, 100, 0.5)
    wavy = samples(times, power=300 + 100 * np.sin(times))
    whole = meter_energy(wavy, start, end)[0]
    middle = float(np.clip(middle, start + 0.01, end - 0.01))
    parts = meter_energy(wavy, start, middle)[0] + meter_energy(wavy, middle, end)[0]
    assert whole == pytest.approx(parts)


def test_gap_is_told_and_a_large_one_refuses_the_energy():
    times = np.arange(0, 101.0)
    short = samples(times[(times < 50) | (times > 52)], power=300.0)
    energy, findings = meter_energy(short, 5, 95)
    assert energy == pytest.approx(300 * 90)
    assert kinds(findings) == [("telemetry gap", "")]
    long = samples(times[(times < 40) | (times > 60)], power=300.0)
    energy, findings = meter_energy(long, 5, 95)
    assert np.isnan(energy)
    assert kinds(findings) == [("telemetry gap", ""), ("telemetry", "energy")]


def test_counter_survives_a_gap_inside_the_window_but_not_at_its_edge():
    times = np.arange(0, 101.0)
    times = times[(times < 40) | (times > 60)]
    counted = samples(times, energy=300 * times)
    assert meter_energy(counted, 5, 95)[0] == pytest.approx(300 * 90)
    assert np.isnan(meter_energy(counted, 5, 50)[0])


def test_meter_that_stops_or_starts_inside_the_window_is_refused():
    stopped = samples(np.arange(0, 50.0), power=300.0)
    assert np.isnan(meter_energy(stopped, 5, 95)[0])
    assert np.isnan(meter_energy(stopped, 60, 95)[0])


def test_counter_that_contradicts_power_is_refused():
    times = np.arange(0, 101.0)
    stuck = samples(times, power=300.0, energy=5.0)
    energy, findings = meter_energy(stuck, 5, 95)
    assert np.isnan(energy)
    assert kinds(findings) == [("counter against power", "energy")]


def test_counter_that_was_reset_falls_back_to_power():
    times = np.arange(0, 101.0)
    reset = samples(times, power=300.0, energy=300 * np.where(times < 50, times, times - 50))
    energy, findings = meter_energy(reset, 5, 95)
    assert energy == pytest.approx(300 * 90)
    assert kinds(findings) == [("counter reset", "")]


def eight(missing=()):
    times = np.arange(0, 101.0)
    return pd.concat(
        [samples(times, 300.0, meter=f"gpu {n}") for n in range(8) if n not in missing]
    )


def test_eight_gpus_add_up_and_a_missing_one_refuses_the_energy():
    assert total_energy(eight(), 5, 95, 8)[0] == pytest.approx(8 * 300 * 90)
    for expected in (8, [f"gpu {n}" for n in range(8)]):
        energy, findings = total_energy(eight(missing=[3]), 5, 95, expected)
        assert np.isnan(energy)
        assert kinds(findings) == [("meter missing", "energy")]
    assert "gpu 3" in findings[0].message


def test_gpu_that_falls_silent_refuses_the_sum():
    times = np.arange(0, 40.0)
    falling = pd.concat([eight(missing=[3]), samples(times, 300.0, meter="gpu 3")])
    assert np.isnan(total_energy(falling, 5, 95, 8)[0])


def test_only_the_gpus_of_the_endpoint_are_charged():
    assert total_energy(eight(), 5, 95, ["gpu 0", "gpu 1"])[0] == pytest.approx(2 * 300 * 90)
    energy, findings = total_energy(eight(), 5, 95, 4)
    assert np.isnan(energy)
    assert kinds(findings) == [("meters not told apart", "energy")]


def test_no_meter_is_not_zero():
    energy, findings = total_energy(samples([], power=0.0), 5, 95)
    assert np.isnan(energy)
    assert kinds(findings) == [("telemetry", "energy")]


def test_gpus_that_others_use_are_reported():
    times = np.arange(0, 100.0)
    window = (20.0, 90.0)
    busy = samples(times, power=300.0, utilisation=0.4)
    assert kinds(check_idle(busy, 10.0, window)) == [("shared", "")]
    idle = samples(times, power=300.0, utilisation=np.where(times < 10, 0.0, 0.97))
    assert check_idle(idle, 10.0, window) == []
    wall = samples(times, power=np.where(times < 10, 2000.0, 2500.0), meter="node")
    assert kinds(check_idle(wall, 10.0, window)) == [("shared", "")]
    rested = samples(times, power=np.where(times < 10, 500.0, 2500.0), meter="node")
    assert check_idle(rested, 10.0, window) == []


@pytest.mark.parametrize("offset", [-37.0, 0.0, 12.0])
def test_clock_offset_is_found_from_load_and_power(offset):
    random = np.random.default_rng(0)
    starts = np.concatenate([np.arange(10.0, 70.0), np.arange(100.0, 130.0), [180.0]])
    ends = starts + 1.0
    ends[-1] = 240.0
    times = np.arange(-50.0, 350.0)
    load = [((starts <= t) & (ends > t)).sum() for t in times - offset]
    power = 500 + 2000 * np.array(load) + random.normal(0, 50, len(times))
    found, correlation, step = clock_offset(starts, ends, samples(times, power=power))
    assert abs(found - offset) <= step
    assert correlation > 0.9


def test_clock_offset_is_not_made_up_from_flat_power():
    starts = np.arange(10.0, 70.0)
    flat = samples(np.arange(0.0, 100.0), power=np.random.default_rng(1).normal(500, 5, 100))
    assert np.isnan(clock_offset(starts, starts + 1, flat)[0])


def test_meter_file_is_read_with_its_zone():
    table = pd.DataFrame({"time": ["2026-01-31T12:00:00+01:00", "1769857201"], "power_w": "500"})
    read = meter_samples(table, "wall.csv")
    assert list(read["time_s"]) == [1769857200, 1769857201]
    assert read["energy_j"].isna().all()


def test_bad_rows_of_a_meter_file_are_all_named():
    table = pd.DataFrame(
        {"time": ["2026-01-31 12:00:00", "later", "1769857201"], "power_w": ["1", "2", "-3"]}
    )
    with pytest.raises(InputError) as caught:
        meter_samples(table, "wall.csv")
    assert len(caught.value.problems) == 3
    assert "row 2, column time" in caught.value.problems[0]
    assert "row 4, column power_w: '-3'" in caught.value.problems[2]
    with pytest.raises(InputError, match="needed are time and power_w"):
        meter_samples(pd.DataFrame({"t": ["1"]}), "wall.csv")


def test_telemetry_is_read_in_joules_from_the_named_exporter_only():
    line = {
        "timestamp_ns": 1_000_000_000,
        "gpu_index": 0,
        "hostname": "node",
        "platform": "nvidia",
        "telemetry_source_url": "http://a/metrics",
        "telemetry_data": {"nvidia_power_usage": 300.0, "nvidia_energy_consumption": 2.5},
    }
    other = line | {"telemetry_source_url": "http://b/metrics"}
    read = telemetry_samples([line, other], {"http://a/metrics"})
    assert len(read) == 1
    assert read.loc[0, "energy_j"] == 2.5e6
    assert read.loc[0, "meter"] == "gpu 0"
    assert telemetry_samples([]).empty


def test_power_sources_are_told_apart():
    assert power_sources("none") == []
    assert power_sources(["http://h:9400/metrics", "wall.csv"]) == [
        ("dcgm", "http://h:9400/metrics"),
        ("file", "wall.csv"),
    ]
    with pytest.raises(InputError) as caught:
        power_sources(["nvml", "zeus", "wattmeter"])
    assert len(caught.value.problems) == 2


# answers


@given(st.floats(1, 1e6), st.floats(1, 1e5), st.floats(1.1, 10))
def test_energy_per_query_is_linear_in_energy_and_length(energy, tokens, factor):
    one = tables.energy_per_query(energy, tokens, 300)
    assert tables.energy_per_query(factor * energy, tokens, 300) == pytest.approx(factor * one)
    assert tables.energy_per_query(energy, tokens, factor * 300) == pytest.approx(factor * one)
    assert np.isnan(tables.energy_per_query(np.nan, tokens, 300))


def test_energy_per_query_by_hand():
    assert tables.energy_per_query(3600.0, 600, 300) == 0.5


def test_mean_interval_by_hand():
    mean, low, high, count = tables.mean_interval([1.0, 2.0, 4.0])
    assert (mean, count) == (pytest.approx(2.0), 3)
    assert np.log(high / mean) == pytest.approx(4.302653 * np.log(2) / np.sqrt(3))
    assert low * high == pytest.approx(mean**2)
    assert np.isnan(tables.mean_interval([1.0])[1])
    assert tables.mean_interval([np.nan])[3] == 0


def test_intervals_of_the_ratio_hold_the_true_ratio_as_often_as_stated():
    random = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        short, long = random.lognormal(0, 0.1, 3), random.lognormal(np.log(13), 0.05, 3)
        _, low, high = tables.ratio_interval(long, short)
        held += low <= 13 <= high
    assert 0.92 <= held / 400 <= 0.99


def test_ratio_without_repetitions_has_no_interval():
    ratio, low, high = tables.ratio_interval([13.0], [1.0, 1.0])
    assert ratio == 13.0
    assert np.isnan(low) and np.isnan(high)
    assert np.isnan(tables.ratio_interval([np.nan], [1.0])[0])


def energies(long):
    rows = [
        ("gpu", 8, length, repetition, value * (1 + 0.01 * repetition))
        for length, value in ((300, 0.3), (1200, 1.1), (4500, long))
        for repetition in (-1, 0, 1)
    ]
    return pd.DataFrame(
        rows, columns=["scope", "concurrency", "output_tokens", "repetition", "energy_wh"]
    )


@pytest.mark.parametrize(
    ("long", "verdict"),
    [(3.9, "within the interval"), (4.5, "published is lower"), (3.0, "published is higher")],
)
def test_measured_ratio_is_set_against_published_and_predicted(long, verdict):
    table = tables.ratio_table(energies(long), 13.0, {300: 0.25, 4500: 5.0})
    row = table.iloc[0]
    assert (row["shortest"], row["longest"]) == (300, 4500)
    assert row["measured"] == pytest.approx(long / 0.3)
    assert row["predicted"] == pytest.approx(20)
    assert row["verdict"] == verdict


def test_a_prediction_at_other_lengths_is_interpolated_but_never_extrapolated():
    # E = L**1.2 is straight in the logarithms, so any two lengths give the ratio exactly
    between = tables.ratio_table(energies(3.9), 13.0, {n: n**1.2 for n in (100, 1000, 5000)})
    assert between.iloc[0]["predicted"] == pytest.approx(15**1.2)
    beyond = tables.ratio_table(energies(3.9), 13.0, {n: n**1.2 for n in (100, 1000, 4000)})
    assert np.isnan(beyond.iloc[0]["predicted"])


def test_interval_that_cannot_tell_long_from_short_gives_no_verdict():
    assert tables.ratio_verdict(13.0, 9.0, 0.1, 800.0).startswith("not told")


def test_refused_energy_leaves_no_ratio():
    table = tables.ratio_table(energies(np.nan), 13.0)
    assert table.iloc[0]["verdict"] == "not measured"
    energy = tables.energy_table(energies(np.nan))
    longest = energy[energy["output_tokens"] == 4500].set_index("statistic")["value"]
    assert longest["n"] == 0 and np.isnan(longest["mean"])

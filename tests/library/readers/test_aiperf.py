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
            {
                "error_request_count": {"unit": "requests", "avg": 2000.0},
                "error_summary": [{"count": 1}, {"count": 1}],
            },
            "2000 requests failed, 2 by error_summary",
        ),
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


def metric(unit, **statistics):
    return {"unit": unit, **statistics}


NAMES = ("time_to_first_token", "inter_token_latency", "request_latency")
PERCENTILES = ("p50", "p90", "p95", "p99")
EXPORT = {
    "aiperf_version": "0.13.0",
    "request_count": metric("requests", avg=20.0),
    "benchmark_duration": metric("sec", avg=10.0),
    "request_throughput": metric("requests/sec", avg=2.0),
    "output_token_throughput": metric("tokens/sec", avg=600.0),
    "input_sequence_length": metric("tokens", avg=500.0),
    "output_sequence_length": metric("tokens", avg=300.0, min=290.0, max=310.0),
    "total_isl": metric("tokens", avg=10000.0),
    "total_osl": metric("tokens", avg=6000.0),
} | {
    name: metric("ms", **{p: 4000.0 * place + 1000 * k for k, p in enumerate(PERCENTILES)})
    for place, name in enumerate(NAMES)
}


def exported(**changes):
    """What becomes of an export without the keys whose value is None."""
    changed = (EXPORT | changes).items()
    return read_alone_as(aiperf, {key: value for key, value in changed if value is not None})


def read_alone_as(reader, raw):
    run = Run("run.json", reader.client(raw), raw=raw)
    reader.read(run)
    return run


def test_every_metric_is_a_column_in_its_unit():
    run = exported()
    names = [f"{t}_{p}_s" for t in ("ttft", "itl", "e2e") for p in PERCENTILES]
    assert run.row == pytest.approx(
        {
            "client_version": "0.13.0",
            "completed": 20,
            "failed": 0,
            "duration_s": 10,
            "request_throughput": 2,
            "throughput_tps": 600,
            "input_tokens": 500,
            "output_tokens": 300,
        }
        | {name: float(place) for place, name in enumerate(names)}
    )
    assert (run.marks, run.problems, run.output_range) == ([], [], (290, 310))
    assert (run.asked_output, run.metered_gpus) == (None, None)


def test_the_mean_and_the_ends_of_every_time_are_kept_in_seconds():
    times = {
        name: metric("ms", avg=2000.0 + k, std=500.0, min=1000.0, max=9000.0)
        for k, name in enumerate(NAMES)
    }
    assert exported(**times).spreads == {
        name: pytest.approx({"mean": 2 + k / 1000, "deviation": 0.5, "least": 1, "most": 9})
        for k, name in enumerate(("ttft", "itl", "e2e"))
    }


def test_totals_are_held_against_the_requests_times_their_lengths():
    for name, total in (("total_isl", 10000), ("total_osl", 6000)):
        run = exported(**{name: metric("tokens", avg=2.0 * total)})
        assert run.marks == [f"{name} {2 * total} tokens where requests x mean length is {total}"]
    assert exported(input_sequence_length=None, total_isl=metric("tokens", avg=1.0)).marks == []
    rates = {"input_token_throughput": 1000.0, "total_token_throughput": 1600.0}
    stated = {name: metric("tokens/sec", avg=rate) for name, rate in rates.items()}
    assert exported(**stated).marks == []
    for name, rate in rates.items():
        marks = exported(**stated | {name: metric("tokens/sec", avg=2 * rate)}).marks
        assert marks[0].startswith(f"{name} {2 * rate:g} tokens/s where ")


@pytest.mark.parametrize("name", ["input_sequence_length", "output_sequence_length"])
def test_a_mean_length_lies_between_the_shortest_and_the_longest(name):
    for mean, low, high, told in (
        (300.0, 295.0, 305.0, []),
        # as rounded
        (300.0, 306.0, 294.0, []),
        (300.0, 307.0, None, [f"{name}: mean of 300 tokens where the shortest has 307"]),
        (300.0, None, 293.0, [f"{name}: mean of 300 tokens where the longest has 293"]),
    ):
        ends = {end: length for end, length in (("min", low), ("max", high)) if length}
        run = exported(total_isl=None, **{name: metric("tokens", avg=mean, **ends)})
        assert (run.marks, run.problems) == (told, [])
    (problem,) = exported(input_sequence_length=metric("x", avg=1.0, min=2.0)).problems
    assert problem.startswith('run.json: "input_sequence_length" has unit "x"; ')


def test_an_export_without_output_is_refused_with_its_reason():
    assert exported(output_token_throughput=None).problems == [
        'run.json: "output_token_throughput" is missing; no output tokens were counted; give AIPerf'
        " a tokenizer and an endpoint that generates text, and run it again"
    ]
    assert exported(output_token_throughput=5).problems[0] == (
        'run.json: "output_token_throughput" is not an object with a unit; give the export as'
        " AIPerf wrote it"
    )
    assert exported(output_token_throughput=metric("x", avg=5.0)).problems[0] == (
        'run.json: "output_token_throughput" has unit "x"; allowed are tokens/sec, tokens/s; check'
        " the version of the client"
    )
    for counts in (
        {"request_count": metric("requests", avg=0.0)},
        {"request_count": None, "request_throughput": None},
    ):
        run = exported(**counts)
        assert run.problems == [
            'run.json: "request_count" is 0; no request succeeded; find out why, and run it again'
        ]
        assert list(run.row) == ["client_version"]
    assert exported(request_count=None).problems == []


def test_failed_requests_are_the_larger_of_count_and_list():
    listed = [{"count": 2}, {"count": 3}, "x", {}]
    for count, found in ((None, 5), (4.0, 5), (9.0, 9)):
        counted = None if count is None else metric("requests", avg=count)
        run = exported(error_request_count=counted, error_summary=listed)
        other = "" if found == 5 else ", 5 by error_summary"
        assert (run.row["failed"], run.marks) == (found, [f"{found} requests failed{other}"])
    assert exported(error_summary="many").row["failed"] == 0
    (problem,) = exported(error_summary=[{"count": -1}]).problems
    assert problem.startswith('run.json: "error_summary.count" is -1; ')


def test_runs_that_ended_early_say_why():
    assert exported(is_complete=False).marks == ["run is not complete (no reason given)"]
    assert exported(is_complete=True, was_cancelled=False).marks == []
    ends = {"avg": 300.0, "min": 0.0, "max": 310.0}
    run = exported(output_sequence_length=metric("tokens", **ends))
    assert run.marks == ["at least one request ended without output"]
    for end in ("min", "max"):
        length = metric("tokens", **{name: v for name, v in ends.items() if name != end})
        assert exported(output_sequence_length=length).output_range is None


CONFIGS = [
    # AIPerf 0.12 and 0.13
    {
        "models": {"items": [{"name": "m"}]},
        "phases": [{"exclude_from_results": True, "concurrency": 1}, {"concurrency": 8}],
        "datasets": [{"prompts": {"osl": {"mean": 300.0, "stddev": 5.0}}}],
    },
    # 0.8 to 0.11
    {
        "endpoint": {"model_names": ["m"]},
        "loadgen": {"concurrency": 8},
        "input": {"prompt": {"output_tokens": {"mean": 300.0, "stddev": 5.0}}},
    },
    {"model_names": ["m"], "concurrency": 8, "input": {"output_tokens": {"value": 300.0}}},
    # GenAI-Perf
    {
        "model": "m",
        "perf_analyzer": {"stimulus": {"concurrency": 8}},
        "output_tokens_mean": 300,
        "output_tokens_stddev": 5.0,
    },
]


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_what_was_asked_for_is_read_in_every_form(config):
    run = exported(input_config=config)
    assert (run.row["model"], run.row["concurrency"]) == ("m", 8)
    assert run.asked_output == 300
    assert run.asked_spread == (0 if "input" in config and "model_names" in config else 5)


@pytest.mark.parametrize(("key", "name"), [("mean", "output length"), ("stddev", "stddev")])
def test_a_length_asked_for_that_is_no_number_is_named(key, name):
    asked = {"datasets": [{"prompts": {"osl": {key: -1}}}]}
    (problem,) = exported(input_config=asked).problems
    assert problem.startswith(f'run.json: "input_config: {name}" is -1; ')


def test_what_is_not_told_apart_is_not_known():
    two = {"model_names": ["m", "n"], "phases": [{"concurrency": 1}, {"concurrency": 8}]}
    for config in (two, {"concurrency": True}, {"concurrency": "8"}, "x", {"model": None}):
        run = exported(input_config=config)
        assert "model" not in run.row and "concurrency" not in run.row
    assert exported(input_config={"output_tokens_mean": -1}).asked_output is None
    assert exported(input_config={"datasets": [{"prompts": {"osl": 300}}]}).asked_output is None


def total(prefix, power=None, average=None, energy=None):
    """Totals over all GPUs as the export has them."""
    found = {"power": power, "energy": energy}
    metrics = {
        f"{prefix}total_gpu_{name}": metric("W" if name == "power" else "J", avg=value)
        for name, value in found.items()
        if value is not None
    }
    if average is not None:
        metrics[f"{prefix}average_gpu_power"] = metric("W", avg=average)
    return metrics


def energies(run):
    names = ("gpu_power_w", "gpu_energy_j", "energy_per_output_token_j")
    return [run.row.get(name) for name in names]


@pytest.mark.parametrize("prefix", ["nvidia_", "amd_", ""])
def test_totals_of_one_vendor_are_those_of_the_run(prefix):
    run = exported(**total(prefix, 800.0, 805.0, 8000.0))
    assert (energies(run), run.marks, run.metered_gpus) == ([800, 8000, None], [], None)
    per_token = {f"{prefix}energy_per_output_token": metric("mJ/token", avg=1333.0)}
    assert energies(exported(**total(prefix, 800.0), **per_token)) == [800, None, 1.333]
    assert energies(exported(**total(prefix, None, 805.0, 8000.0))) == [805, 8000, None]
    assert energies(exported(**total(prefix, 800.0))) == [800, None, None]


def test_totals_of_two_vendors_are_left_empty():
    run = exported(**total("nvidia_", 800.0, energy=8000.0), **total("amd_", 800.0, energy=8000.0))
    assert energies(run) == [None, None, None]
    assert run.marks == ["power: telemetry covers GPUs of two vendors, left empty"]


def test_a_counter_that_covers_more_than_the_window_is_marked():
    assert exported(**total("", 800.0, 816.0, 8000.0)).marks == []
    assert exported(**total("", 800.0, 820.0, 8000.0)).marks == [
        "power: energy counter gives 820 W where the power gauge gives 800 W, so the energy of this"
        " short window is too high"
    ]


@pytest.mark.parametrize(("average", "marked"), [(721.0, False), (719.0, True)])
def test_a_counter_that_covers_less_than_the_window_is_marked_from_a_tenth_on(average, marked):
    told = f"power: gpu_power_w 800 W where average_gpu_power is {average:g}"
    assert exported(**total("", 800.0, average)).marks == [told] * marked


@pytest.mark.parametrize("factor", [0.91, 0.89, 1.1, 1.12])
def test_totals_are_held_against_the_sums_of_their_boards(factor):
    boards = telemetry(board("x", 400.0, 0.004), board("y", 400.0, 0.004))
    run = exported(**total("", 800.0 * factor, energy=8000.0 * factor), **boards)
    told = [
        f"power: gpu_power_w {800 * factor:g} W where the sum of its GPUs is 800",
        f"power: gpu_energy_j {8000 * factor:g} J where the sum of its GPUs is 8000",
    ]
    assert run.marks == told * (factor in (0.89, 1.12))


STATED = {
    "energy_per_request": metric("joules/request", avg=400.0),
    "energy_per_total_token": metric("mJ/token", avg=500.0),
    "output_tokens_per_joule": metric("tokens/J", avg=0.75),
}


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("energy_per_request", "energy_per_request x requests is 8240"),
        ("energy_per_total_token", "energy_per_total_token x all tokens is 8240"),
        ("output_tokens_per_joule", "output tokens / output_tokens_per_joule is 7766.99"),
    ],
)
def test_energy_is_held_against_that_of_a_request_of_a_token_and_the_tokens_of_a_joule(
    name, formula
):
    known = total("nvidia_", energy=8000.0)
    known |= {f"nvidia_{other}": value for other, value in STATED.items()}
    assert exported(**known).marks == []
    value = STATED[name]
    known[f"nvidia_{name}"] = value | {"avg": 1.03 * value["avg"]}
    assert exported(**known).marks == [f"power: gpu_energy_j 8000 J where {formula}"]
    for lacking in ("request_count", "output_sequence_length"):
        assert exported(**known | {lacking: None}).marks == []
    inputs_matter = name == "energy_per_total_token"
    assert len(exported(**known | {"input_sequence_length": None}).marks) == (not inputs_matter)


def telemetry(*gpus):
    """GPUs of an export, each under two endpoints."""
    named = {f"gpu_{place}": gpu for place, gpu in enumerate(gpus)}
    endpoints = {"a": {"gpus": named}, "b": {"gpus": named}, "c": None}
    return {"telemetry_data": {"endpoints": endpoints}}


def board(uuid, power=None, energy=None, name="NVIDIA H200"):
    metrics = {} if power is None else {"gpu_power_usage": metric("W", avg=power)}
    metrics |= {} if energy is None else {"energy_consumption": metric("MJ", avg=energy)}
    return {"gpu_uuid": uuid, "gpu_name": name, "metrics": metrics}


def test_boards_are_added_up_where_there_are_no_totals_each_once():
    run = exported(**telemetry(board("x", 400.0, 0.004), board("y", 410.0, 0.0041)))
    assert energies(run) == pytest.approx([810, 8100, None])
    assert (run.metered_gpus, run.row["gpu"], run.marks) == (2, "H200-SXM-141GB", [])
    # a megajoule over ten seconds
    counter = exported(**telemetry(board("x", None, 0.004), board("y", None, 0.0041)))
    assert energies(counter) == pytest.approx([810, 8100, None])
    lacking = exported(**telemetry(board("x", 400.0), board("y", None, 0.004)))
    assert energies(lacking) == [None, None, None]
    assert lacking.metered_gpus == 2
    assert "gpu" not in exported(**telemetry(board("x", 1.0), board("y", 1.0, name="B"))).row
    assert exported(**telemetry(board("x"))).metered_gpus is None
    # through two exporters that name it in their own ways
    seen = telemetry(board("x", 400.0))["telemetry_data"]["endpoints"]
    seen["b"] = {"gpus": {"other": board("x", 400.0)}}
    assert exported(telemetry_data={"endpoints": seen}).metered_gpus == 1
    (problem,) = exported(**telemetry(board("x", -1.0))).problems
    assert problem.startswith('run.json: "gpu_power_usage.avg" is -1.0; ')
    high = exported(**telemetry(board("x", 400.0, 0.005)))
    assert high.marks[0].startswith("power: energy counter gives 500 W where the power gauge gives")


@pytest.mark.parametrize(
    ("stated", "told"), [(721.0, 0), (719.0, 1), (816.0, 0), (817.0, 1), (800.0, 0)]
)
def test_a_counter_is_a_tenth_below_the_gauge_at_most(stated, told):
    assert len(exported(**total("", 800.0, stated)).marks) == told


@pytest.mark.parametrize(("parts", "told"), [(721.0, 0), (719.0, 1), (888.0, 0), (890.0, 1)])
def test_the_sum_of_the_boards_is_a_tenth_off_at_most(parts, told):
    power = exported(**total("", 800.0), **telemetry(board("x", 400.0), board("y", parts - 400)))
    mark = f"power: gpu_power_w 800 W where the sum of its GPUs is {parts:g}"
    assert power.marks == [mark] * told
    boards = telemetry(board("x", None, 0.004), board("y", None, parts / 1e5 - 0.004))
    energy = exported(**total("", None, energy=8000.0), **boards)
    mark = f"power: gpu_energy_j 8000 J where the sum of its GPUs is {10 * parts:g}"
    assert energy.marks == [mark] * told


@pytest.mark.parametrize("factor", [1 / 3, 1000])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nvidia_average_gpu_power", "gpu_power_w 646.045 W where average_gpu_power"),
        ("nvidia_energy_per_request", "gpu_energy_j 6936.1 J where energy_per_request x requests"),
        (
            "nvidia_energy_per_total_token",
            "gpu_energy_j 6936.1 J where energy_per_total_token x all tokens",
        ),
        (
            "nvidia_output_tokens_per_joule",
            "gpu_energy_j 6936.1 J where output tokens / output_tokens_per_joule",
        ),
        ("power_usage", "gpu_power_w 646.045 W where the sum of its GPUs"),
        ("energy_consumption", "gpu_energy_j 6936.1 J where the sum of its GPUs"),
        ("total_output_tokens", "total_output_tokens {:.6g} tokens where requests x mean length"),
    ],
)
def test_every_statement_of_power_and_energy_is_held_against_the_others(
    tmp_path, name, told, factor
):
    raw = load("aiperf/dcgm.json")
    gpus = raw["telemetry_data"]["endpoints"]
    boards = [gpu["metrics"] for each in gpus.values() for gpu in each["gpus"].values()]
    for metrics in [raw, *boards]:
        for key, value in metrics.items():
            if key == name or (metrics is not raw and key.endswith(name)):
                value["avg"] *= factor
    row = detect_and_read(put(tmp_path, raw), {**PAIR, "gpu": "H100-SXM-80GB"}).iloc[0]
    told = told.format(8640 * factor)
    found = marks(row["status"])
    high = "power: energy counter gives 656163 W"
    assert any(mark.startswith((f"power: {told} is ", f"{told} is ", high)) for mark in found)


def test_a_statement_in_another_unit_is_held_against_none(tmp_path):
    raw = load("aiperf/dcgm.json")
    raw["nvidia_energy_per_request"] = metric("Wh/request", avg=0.107)
    raw["nvidia_output_tokens_per_joule"] = metric("tokens/J", avg=0.0)
    row = detect_and_read(put(tmp_path, raw), {**PAIR, "gpu": "H100-SXM-80GB"}).iloc[0]
    assert row["status"] == "ok"


def test_boards_tell_the_gpu_and_their_number_beside_totals_too():
    run = exported(**total("", 800.0), **telemetry(board("x", 1.0), board("y", 1.0)))
    assert (energies(run)[0], run.metered_gpus, run.row["gpu"]) == (800, 2, "H200-SXM-141GB")


@pytest.mark.parametrize(
    ("record", "client"),
    [
        ({"aiperf_version": "1"}, "aiperf"),
        ({"request_throughput": {"unit": "requests/sec"}}, "genai-perf"),
        ({"request_throughput": 5.0}, None),
        ({"request_throughput": {}}, None),
        ({}, None),
    ],
)
def test_its_version_or_its_units_tell_an_export(record, client):
    assert aiperf.recognise(record) is (client is not None)
    assert client is None or aiperf.client(record) == client

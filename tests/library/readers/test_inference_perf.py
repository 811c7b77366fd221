"""Files of inference-perf."""

import pytest
from inference_energy.readers import detect_and_read, inference_perf
from library.readers.files import (
    FIXTURES,
    NODE,
    load,
    put,
    read_alone,
    recognised,
    refusal,
    with_value,
)

FILE = "inference-perf/summary_lifecycle_metrics.json"


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(inference_perf) == {"inference-perf"}


def test_inference_perf_is_read_in_its_own_units():
    raw = load(FILE)["successes"]
    row = detect_and_read(FIXTURES / FILE, {**NODE, "model": "m"}).iloc[0]
    assert row["throughput_tps"] == raw["throughput"]["output_tokens_per_sec"]
    assert row["throughput_tps"] * row["duration_s"] == raw["output_tokens"]["total"]
    assert (row["input_tokens"], row["output_tokens"], row["concurrency"]) == (500, 300, 8)
    assert row["e2e_p99_s"] == raw["latency"]["request_latency"]["p99"]
    assert row["ttft_p50_s"] == raw["latency"]["time_to_first_token"]["median"]
    assert row["status"] == "marked: 2 requests failed"


def test_inference_perf_without_a_good_request_is_refused(tmp_path):
    record = load(FILE)
    record["successes"]["count"] = 0
    assert "no request succeeded" in refusal(put(tmp_path, record), {**NODE, "model": "m"})


TIMES = ("time_to_first_token", "inter_token_latency", "request_latency")
STATISTICS = ("median", "p90", "p95", "p99")
SUMMARY = {
    "load_summary": {"concurrency": 4},
    "benchmark_time_seconds": 10.0,
    "successes": {
        "count": 20,
        "throughput": {"output_tokens_per_sec": 600.0, "requests_per_sec": 2.0},
        "prompt_tokens": {"mean": 500.0},
        "output_tokens": {"mean": 300.0, "min": 290, "max": 310},
        "latency": {
            time: {name: 4.0 * place + number for number, name in enumerate(STATISTICS)}
            for place, time in enumerate(TIMES)
        },
    },
    "failures": {"count": 3},
}


def test_every_statistic_is_a_column():
    run = read_alone(inference_perf, SUMMARY)
    names = [f"{t}_{p}_s" for t in ("ttft", "itl", "e2e") for p in ("p50", "p90", "p95", "p99")]
    assert run.row == {
        "throughput_tps": 600,
        "completed": 20,
        "duration_s": 10,
        "request_throughput": 2,
        "concurrency": 4,
        "input_tokens": 500,
        "output_tokens": 300,
        "failed": 3,
    } | {name: float(place) for place, name in enumerate(names)}
    assert (run.output_range, run.edges) == ((290, 310), 4 / 20)
    assert (run.marks, run.problems) == (["3 requests failed"], [])


def test_the_mean_and_the_ends_of_every_time_are_kept():
    latency = {
        time: {"mean": 2.0 + place, "min": 1.0, "max": 9.0} for place, time in enumerate(TIMES)
    }
    del latency[TIMES[0]]["max"]
    run = read_alone(
        inference_perf, SUMMARY | {"successes": SUMMARY["successes"] | {"latency": latency}}
    )
    assert run.spreads == {
        "ttft": {"mean": 2.0, "least": 1.0},
        "itl": {"mean": 3.0, "least": 1.0, "most": 9.0},
        "e2e": {"mean": 4.0, "least": 1.0, "most": 9.0},
    }
    latency[TIMES[1]] = {"min": -1.0}
    wrong = SUMMARY | {"successes": SUMMARY["successes"] | {"latency": latency}}
    (problem,) = read_alone(inference_perf, wrong).problems
    assert problem.startswith('run.json: "inter_token_latency.min" is -1.0; ')


def test_older_names_of_the_lengths_are_read_where_the_new_are_not_there():
    successes = SUMMARY["successes"] | {"prompt_tokens": None, "output_tokens": {}}
    successes |= {"prompt_len": {"mean": 5.0}, "output_len": {"mean": 7.0, "min": 7}}
    run = read_alone(inference_perf, SUMMARY | {"successes": successes})
    assert (run.row["input_tokens"], run.row["output_tokens"]) == (5, 7)
    assert run.output_range is None


def test_what_a_summary_leaves_out_is_not_known():
    bare = {"load_summary": None, "failures": None}
    bare["successes"] = {"count": 2, "throughput": {"output_tokens_per_sec": 6.0}}
    run = read_alone(inference_perf, bare)
    assert run.row == {"throughput_tps": 6, "completed": 2}
    assert (run.edges, run.output_range, run.marks, run.problems) == (0, None, [], [])
    ends = {"output_tokens": {"mean": 5.0, "min": None, "max": 7}}
    found = read_alone(inference_perf, bare | {"successes": bare["successes"] | ends})
    assert found.output_range is None


def test_a_run_of_nothing_is_refused_with_its_reason():
    def told(**changes):
        return read_alone(
            inference_perf, SUMMARY | {"successes": SUMMARY["successes"] | changes}
        ).problems

    for count in (0, None):
        assert told(count=count) == [
            'run.json: "successes.count" is 0; no request succeeded; find out why, and run it again'
        ]
    for rate in ({}, None, {"output_tokens_per_sec": 0}):
        assert told(throughput=rate) == [
            'run.json: "successes.throughput.output_tokens_per_sec" is 0 or missing; a run that'
            " gave output tokens is needed; check the tokenizer and run it again"
        ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("successes.throughput.output_tokens_per_sec", None),
        ("successes.throughput.requests_per_sec", "requests_per_sec"),
        ("successes.count", None),
        ("benchmark_time_seconds", None),
        ("load_summary.concurrency", None),
        ("successes.prompt_tokens.mean", "prompt_tokens"),
        ("successes.output_tokens.mean", "output_tokens"),
        ("successes.output_tokens.min", "output_tokens.min"),
        ("successes.output_tokens.max", "output_tokens.max"),
        ("successes.latency.inter_token_latency.p95", "inter_token_latency.p95"),
        ("failures.count", None),
        ("load_summary.count", None),
        ("successes.throughput.input_tokens_per_sec", "input_tokens_per_sec"),
    ],
)
def test_a_number_that_is_none_is_told_by_its_place(path, name):
    problems = read_alone(inference_perf, with_value(SUMMARY, path, -1)).problems
    assert problems[0].startswith(f'run.json: "{name or path}" is -1; a number of at least 0')


@pytest.mark.parametrize(
    ("sent", "mark"),
    [
        (23, []),
        (20, ["20 requests completed and 3 failed where 20 were sent"]),
        (24, ["1 of 24 requests neither completed nor failed"]),
    ],
)
def test_requests_of_the_load_are_those_that_succeeded_or_failed(sent, mark):
    run = read_alone(inference_perf, with_value(SUMMARY, "load_summary.count", sent))
    assert run.marks == [*mark, "3 requests failed"]
    bare = with_value(SUMMARY, "load_summary.count", 20) | {"failures": None}
    assert read_alone(inference_perf, bare).marks == []


def test_input_rates_are_held_against_lengths_and_their_sum():
    rates = {"input_tokens_per_sec": 1500.0, "total_tokens_per_sec": 1600.0}
    throughput = SUMMARY["successes"]["throughput"] | rates
    marks = read_alone(
        inference_perf, with_value(SUMMARY, "successes.throughput", throughput)
    ).marks
    assert marks == [
        "input_tokens_per_sec 1500 tokens/s where request rate x input length is 1000",
        "total_tokens_per_sec 1600 tokens/s where input + output is 2100",
        "3 requests failed",
    ]

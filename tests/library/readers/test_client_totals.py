"""Totals that vLLM's and SGLang's clients report alike."""

import pytest
from inference_energy.readers import client_totals, detect_and_read, vllm
from inference_energy.readers.common import Run
from library.readers.files import FIXTURES, NODE, load, put, read_alone, refusal


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


def test_throughput_that_disagrees_with_its_totals_is_marked(tmp_path):
    raw = load("vllm/single.json")
    path = put(tmp_path, raw | {"output_throughput": raw["output_throughput"] * 1.1})
    assert "output_throughput" in detect_and_read(path, NODE).iloc[0]["status"]


@pytest.mark.parametrize(("failed", "marks"), [(0, []), (3, ["3 requests failed"]), (None, [])])
def test_failed_requests_mark_the_run(failed, marks):
    run = Run("run.json", "vllm")
    client_totals.mark_failed(run, failed)
    assert run.marks == marks


LATENCIES = {
    f"{statistic}_{time}_ms": 1000.0 * place
    for place, (time, statistic) in enumerate(
        (time, statistic)
        for time in ("ttft", "itl", "e2el")
        for statistic in ("median", "p90", "p95", "p99")
    )
}
TOTALS = {
    "model_id": "m",
    "duration": 10.0,
    "completed": 20,
    "failed": 0,
    "total_input_tokens": 10000,
    "total_output_tokens": 6000,
    "request_throughput": 2.0,
    "output_throughput": 600.0,
    "input_throughput": 1000.0,
    "total_token_throughput": 1600.0,
    "max_concurrency": 4,
}


def totals(**changes):
    """Run of twenty requests in ten seconds, of 500 and 300 tokens each."""
    return read_alone(vllm, TOTALS | changes)


def test_totals_are_columns_in_the_units_of_the_table():
    run = totals(**LATENCIES)
    names = [f"{t}_{p}_s" for t in ("ttft", "itl", "e2e") for p in ("p50", "p90", "p95", "p99")]
    assert run.row == pytest.approx(
        {
            "model": "m",
            "duration_s": 10,
            "completed": 20,
            "throughput_tps": 600,
            "request_throughput": 2,
            "concurrency": 4,
            "input_tokens": 500,
            "output_tokens": 300,
            "failed": 0,
        }
        | {name: float(place) for place, name in enumerate(names)}
    )
    assert (run.marks, run.problems, run.output_range) == ([], [], None)
    assert totals(p50_ttft_ms=7000, median_ttft_ms=1.0).row["ttft_p50_s"] == 7


def test_the_mean_and_the_deviation_of_every_time_are_kept_in_seconds():
    times = {
        f"mean_{time}_ms": 2000.0 + k for k, time in enumerate(("ttft", "itl", "e2el", "tpot"))
    }
    assert totals(**times, std_ttft_ms=500.0, std_itl_ms=500.0).spreads == {
        "ttft": pytest.approx({"mean": 2.0, "deviation": 0.5}),
        "itl": pytest.approx({"mean": 2.001, "deviation": 0.5}),
        "e2e": pytest.approx({"mean": 2.002}),
        "tpot": pytest.approx({"mean": 2.003}),
    }


@pytest.mark.parametrize(
    ("name", "formula", "value"),
    [
        ("output_throughput", "total_output_tokens / duration is 600", 600.0),
        ("input_throughput", "total_input_tokens / duration is 1000", 1000.0),
        ("total_throughput", "all tokens / duration is 1600", 1600.0),
        ("total_token_throughput", "all tokens / duration is 1600", 1600.0),
    ],
)
def test_every_throughput_is_held_against_its_tokens(name, formula, value):
    run = totals(**{name: 1.5 * value})
    assert run.marks == [f"{name} {1.5 * value:g} tokens/s where {formula}"]
    assert totals(**{name: 1.019 * value}).marks == []


def test_what_no_total_is_stated_for_is_not_checked():
    for missing in ("total_input_tokens", "total_output_tokens"):
        run = totals(**{missing: None}, total_token_throughput=5.0)
        assert run.marks == [] and run.problems == []
    assert "duration_s" not in totals(duration=None).row
    assert totals(duration=0).marks == []


def test_a_run_of_nothing_is_refused_with_its_reason():
    assert totals(completed=0).problems == [
        'run.json: "completed" is 0; no request succeeded; find out why, and run it again'
    ]
    assert totals(output_throughput=0).problems == [
        'run.json: "output_throughput" is 0; a run that gave output tokens is needed; requests'
        " ended without output, so check the server and run it again"
    ]
    for key in ("duration", "completed", "output_throughput"):
        raw = {name: value for name, value in TOTALS.items() if name != key}
        assert read_alone(vllm, raw).problems == [
            f'run.json: "{key}" is missing; it is needed; run the client again and keep its file'
        ]


@pytest.mark.parametrize(("value", "said"), [(float("nan"), "NaN"), (None, "missing")])
def test_a_needed_number_that_says_nothing_is_told_as_it_stands(value, said):
    assert totals(completed=value).problems == [
        f'run.json: "completed" is {said}; it is needed; run the client again and keep its file'
    ]


def lists(inputs, outputs, **changes):
    """Run with the lengths of every request."""
    return totals(input_lens=inputs, output_lens=outputs, **changes)


@pytest.mark.parametrize(("client", "name"), [("vllm", "real.json"), ("sglang", "real.jsonl")])
@pytest.mark.parametrize("kind", ["input", "output"])
def test_a_total_is_held_against_the_lengths_of_the_requests(tmp_path, client, name, kind):
    raw = load(f"{client}/{name}")
    lengths = raw[f"{kind}_lens"]
    total, lengths[0] = sum(lengths), 1000 * lengths[0]
    status = detect_and_read(put(tmp_path, raw), {**NODE, "model": "m"})["status"][0]
    told = f"total_{kind}_tokens {total} tokens where the sum of {kind}_lens is {sum(lengths)}"
    assert told in status


def test_lengths_are_the_means_of_the_requests_that_succeeded():
    """By their errors, by their number, and else by having an output."""
    inputs, outputs = [100, 200, 600], [10, 0, 50]
    for changes, means, ends, marks in (
        ({"errors": ["", "", ""]}, (300, 20), (0, 50), ["1 requests ended without output"]),
        ({"errors": ["", "no", ""]}, (350, 30), (10, 50), []),
        ({"completed": 3}, (300, 20), (0, 50), ["1 requests ended without output"]),
        ({"completed": 2}, (350, 30), (10, 50), []),
        ({"completed": 2, "errors": ["", ""]}, (350, 30), (10, 50), []),
        ({"completed": 2, "errors": "none"}, (350, 30), (10, 50), []),
    ):
        told = {"total_input_tokens": None, "total_output_tokens": None}
        run = lists(inputs, outputs, **told | changes)
        assert (run.row["input_tokens"], run.row["output_tokens"]) == means
        assert run.output_range == ends
        assert run.marks == marks
    one = lists([1, 5], [1, 0], completed=1, total_input_tokens=None, total_output_tokens=None)
    assert (one.row["input_tokens"], one.row["output_tokens"]) == (1, 1)


def test_lists_that_tell_nothing_leave_the_totals():
    for inputs, outputs in ([], [1]), ([1], []), ([1, 2], [1]), (None, [1]), ([1], None):
        run = lists(inputs, outputs)
        assert (run.row["input_tokens"], run.row["output_tokens"]) == (500, 300)
        assert run.output_range is None
    zeros = lists([0, 0], [3, 3], completed=2)
    assert (zeros.row["input_tokens"], zeros.row["output_tokens"]) == (5000, 3)
    nothing = totals(total_input_tokens=0)
    assert "input_tokens" not in nothing.row


@pytest.mark.parametrize("key", ["input_lens", "output_lens"])
@pytest.mark.parametrize("junk", ["abc", {"a": 1}, [True], ["1"], [-1], [1e7 + 1], [1e17], [None]])
def test_lists_of_something_else_are_refused(key, junk):
    run = lists(**({"inputs": [5], "outputs": [3]} | {key.replace("_lens", "s"): junk}))
    assert run.problems == [
        f'run.json: "{key}" holds something else than token counts of at most 1e+07, the longest'
        " context of a model; run the client again"
    ]
    assert totals(**{key: junk}).problems == run.problems
    assert lists([0], [10**7], completed=1).problems == []


@pytest.mark.parametrize(
    ("completed", "failed", "sent", "marks"),
    [
        (8, 2, 10, []),
        (10, 0, 10, []),
        (11, 0, 10, ["11 requests completed where 10 were sent"]),
        (8, 3, 10, ["8 requests completed and 3 failed where 10 were sent"]),
        (7, 2, 10, ["1 of 10 requests neither completed nor failed"]),
    ],
)
def test_what_completed_and_failed_is_what_was_sent(completed, failed, sent, marks):
    run = Run("run.json", "vllm")
    client_totals.check_sent(run, completed, failed, sent)
    assert run.marks == marks

"""Reports of GuideLLM."""

import json

import pytest
from inference_energy.readers import detect_and_read, guidellm
from library.readers.files import FIXTURES, NODE, put, read_alone, recognised, with_value


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(guidellm) == {"guidellm"}


def test_benchmarks_of_a_report_are_runs_in_seconds():
    frame = detect_and_read(FIXTURES / "guidellm/benchmarks.json", {**NODE, "model": "m"})
    assert list(frame["concurrency"]) == [2, 8]
    assert list(frame["run"]) == [1, 2]
    assert set(frame["client_version"]) == {"0.8.1"}
    row = frame.iloc[0]
    assert row["throughput_tps"] * row["duration_s"] == pytest.approx(100 * row["output_tokens"])
    assert (row["ttft_p50_s"], row["itl_p50_s"]) == (0.25, 0.01)
    assert (row["e2e_p50_s"], row["e2e_p99_s"]) == (3.25, pytest.approx(4.55))
    assert list(frame["status"]) == ["ok", "marked: 3 requests failed"]


@pytest.mark.parametrize("name", ["prompt_token_count", "output_token_count"])
def test_a_mean_length_is_held_against_the_sum_of_the_lengths(tmp_path, name):
    report = json.loads((FIXTURES / "guidellm/real.json").read_text("utf-8"))
    length = report["benchmarks"][0]["metrics"][name]["successful"]
    mean, length["mean"] = length["mean"], 3 * length["mean"]
    frame = detect_and_read(put(tmp_path, report), {**NODE, "model": "m"})
    told = f"{name} {3 * mean:g} tokens where total_sum / count is {mean:g}"
    assert told in frame["status"][0]


@pytest.mark.parametrize("key", ["total_sum", "count"])
def test_a_mean_length_without_its_sum_or_count_is_taken_as_it_is(tmp_path, key):
    report = json.loads((FIXTURES / "guidellm/real.json").read_text("utf-8"))
    length = report["benchmarks"][0]["metrics"]["output_token_count"]["successful"]
    del length[key]
    frame = detect_and_read(put(tmp_path, report), {**NODE, "model": "m"})
    assert frame["output_tokens"][0] == length["mean"]


@pytest.mark.parametrize(
    ("strategy", "concurrency"),
    [
        # as GuideLLM 0.8.1 wrote them in a sweep against llama.cpp
        ({"type_": "synchronous", "worker_count": 1, "max_concurrency": 1}, [1]),
        # where requests come by a rate, its own limit of the client says nothing of the load
        ({"type_": "constant", "worker_count": 10, "max_concurrency": 512, "rate": 11.9}, []),
        ({"type_": "throughput", "worker_count": 10, "max_concurrency": 512}, []),
    ],
)
def test_requests_one_after_another_are_one_at_once(tmp_path, strategy, concurrency):
    report = json.loads((FIXTURES / "guidellm/real.json").read_text("utf-8"))
    report["benchmarks"][0]["config"]["strategy"] = strategy
    frame = detect_and_read(put(tmp_path, report), {**NODE, "model": "m"})
    assert list(frame["concurrency"].dropna()) == concurrency


@pytest.mark.parametrize("version", ["", " ", "\t\n"])
def test_a_version_of_no_letters_is_not_known(tmp_path, version):
    """A table that is written has no other cell for it than an empty one."""
    report = json.loads((FIXTURES / "guidellm/benchmarks.json").read_text("utf-8"))
    report["metadata"]["guidellm_version"] = version
    path = tmp_path / "run.json"
    path.write_text(json.dumps(report), "utf-8")
    assert detect_and_read(path, {**NODE, "model": "m"})["client_version"].isna().all()


NAMES = ("time_to_first_token_ms", "inter_token_latency_ms", "request_latency")
PERCENTILES = ("p50", "p90", "p95", "p99")


def successful(**values):
    return {"successful": values}


BENCHMARK = {
    "scheduler_metrics": {"requests_made": {"successful": 20, "errored": 3}},
    "duration": 10.0,
    "config": {"strategy": {"streams": 4}},
    "metrics": {
        "output_tokens_per_second": successful(mean=600.0),
        "requests_per_second": successful(mean=2.0),
        "prompt_token_count": successful(mean=500.0),
        "output_token_count": successful(mean=300.0, min=290, max=310),
    }
    | {
        name: successful(
            percentiles={p: 4000.0 * place + 1000 * k for k, p in enumerate(PERCENTILES)}
        )
        for place, name in enumerate(NAMES)
    },
}


def test_every_statistic_is_a_column_and_times_of_a_request_are_seconds_already():
    run = read_alone(guidellm, BENCHMARK)
    names = [f"{t}_{p}_s" for t in ("ttft", "itl", "e2e") for p in PERCENTILES]
    times = {name: float(place) for place, name in enumerate(names)}
    times |= {name: 1000 * value for name, value in times.items() if name.startswith("e2e")}
    assert run.row == pytest.approx(
        {
            "throughput_tps": 600,
            "completed": 20,
            "duration_s": 10,
            "request_throughput": 2,
            "concurrency": 4,
            "input_tokens": 500,
            "output_tokens": 300,
            "failed": 3,
        }
        | times
    )
    assert (run.output_range, run.edges) == ((290, 310), 4 / 20)
    assert (run.marks, run.problems) == (["3 requests failed"], [])


def test_the_mean_the_deviation_and_the_ends_of_every_time_are_kept_in_seconds():
    told = {"mean": 2000.0, "std_dev": 500.0, "min": 1000.0, "max": 9000.0}
    metrics = BENCHMARK["metrics"] | {name: successful(**told) for name in NAMES}
    seconds = {"mean": 2.0, "deviation": 0.5, "least": 1.0, "most": 9.0}
    assert read_alone(guidellm, BENCHMARK | {"metrics": metrics}).spreads == {
        "ttft": pytest.approx(seconds),
        "itl": pytest.approx(seconds),
        "e2e": pytest.approx({name: 1000 * value for name, value in seconds.items()}),
    }


def test_what_a_benchmark_leaves_out_is_not_known():
    bare = {"metrics": {"output_tokens_per_second": successful(mean=6.0)}}
    bare["scheduler_metrics"] = {"requests_made": {"successful": 2}}
    run = read_alone(guidellm, bare)
    assert run.row == {"throughput_tps": 6, "completed": 2}
    assert (run.edges, run.output_range, run.marks, run.problems) == (0, None, [], [])
    for ends in ({"min": 1}, {"max": 1}):
        lengths = {"output_token_count": successful(mean=5.0, **ends)}
        found = read_alone(guidellm, bare | {"metrics": bare["metrics"] | lengths})
        assert found.output_range is None


def test_a_benchmark_of_nothing_is_refused_with_its_reason():
    none = {"scheduler_metrics": {"requests_made": {"successful": 0}}}
    assert read_alone(guidellm, BENCHMARK | none).problems == [
        'run.json: "requests_made.successful" is 0; no request succeeded; run it again'
    ]
    for rate in (successful(mean=0), {}, None):
        metrics = BENCHMARK["metrics"] | {"output_tokens_per_second": rate}
        assert read_alone(guidellm, BENCHMARK | {"metrics": metrics}).problems == [
            'run.json: "output_tokens_per_second" is 0 or missing; a run that gave output tokens is'
            " needed; check the tokenizer and run it again"
        ]
    wrong = {"scheduler_metrics": {"requests_made": {"successful": -1}}}
    assert '"requests_made.successful" is -1' in read_alone(guidellm, BENCHMARK | wrong).problems[0]


@pytest.mark.parametrize(
    "record",
    [{}, {"benchmarks": {}}, {"benchmarks": []}, {"benchmarks": [1]}, {"benchmarks": [{}]}],
)
def test_what_only_looks_like_a_report_is_none(record):
    assert guidellm.recognise(record) is False
    assert guidellm.recognise({"benchmarks": [BENCHMARK]}) is True


def test_runs_are_named_by_their_place_in_the_report():
    report = {"benchmarks": [BENCHMARK, 5], "metadata": {"guidellm_version": "0.8"}}
    runs = guidellm.split("a.json", report)
    assert [run.where for run in runs] == ["a.json, benchmark 1", "a.json, benchmark 2"]
    assert [run.row for run in runs] == [{"client_version": "0.8"}] * 2
    assert (runs[0].raw, runs[1].raw, runs[0].client) == (BENCHMARK, {}, "guidellm")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("scheduler_metrics.requests_made.successful", "requests_made.successful"),
        ("scheduler_metrics.requests_made.errored", "requests_made.errored"),
        ("duration", "duration"),
        ("config.strategy.streams", "config.strategy.streams"),
        *(
            (f"metrics.{metric}.successful.{statistic}", f"metrics.{metric}.{statistic}")
            for metric, statistic in (
                ("output_tokens_per_second", "mean"),
                ("requests_per_second", "mean"),
                ("prompt_token_count", "mean"),
                ("output_token_count", "min"),
            )
        ),
        (
            "metrics.request_latency.successful.percentiles.p90",
            "metrics.request_latency.p90",
        ),
    ],
)
def test_a_number_that_is_none_is_told_by_its_place(path, name):
    problems = read_alone(guidellm, with_value(BENCHMARK, path, -1)).problems
    assert problems[0].startswith(f'run.json: "{name}" is -1; a number of at least 0')


def test_requests_that_were_made_are_those_that_succeeded_failed_or_were_left():
    for made, mark in (
        ({"total": 25, "incomplete": 2}, None),
        ({"total": 23}, None),
        (
            {"total": 23, "errored": 3000},
            "20 requests completed and 3000 failed where 23 were sent",
        ),
        ({"total": 25}, "2 of 25 requests neither completed nor failed"),
    ):
        requests = BENCHMARK["scheduler_metrics"]["requests_made"] | made
        record = BENCHMARK | {"scheduler_metrics": {"requests_made": requests}}
        marks = read_alone(guidellm, record).marks
        assert marks == ([mark] if mark else []) + [f"{requests['errored']} requests failed"]

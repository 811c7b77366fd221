"""Files of vLLM's client."""

import numpy as np
import pytest
from inference_energy.readers import detect_and_read, vllm
from library.readers.files import FIXTURES, NODE, load, put, read_alone, recognised, refusal


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(vllm) == {"vllm"}
    # an aggregate of InferenceX keeps keys of the client's result
    assert not vllm.recognise(load("vllm/single.json") | {"hw": "h200"})


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


def test_vllm_metadata_states_facts_and_the_file_may_not_contradict_them(tmp_path):
    raw = load("vllm/single.json")
    raw |= {"gpu": "B200", "n_gpus": "8", "tensor_parallel_size": "4", "precision": "nvfp4"}
    path = put(tmp_path, raw)
    row = detect_and_read(path, {"pipeline_parallel": 2}).iloc[0]
    assert (row["gpu"], row["n_gpus"], row["tensor_parallel"]) == ("B200", 8, 4)
    assert row["precision"] == "FP4"
    message = refusal(path, {"pipeline_parallel": 2, "n_gpus": 4})
    assert "n_gpus is 8 in the file but 4 in the facts" in message


def test_what_was_sent_and_did_not_succeed_failed_unless_the_client_counts_it():
    totals = {"model_id": "m", "duration": 1, "output_throughput": 5.0, "total_output_tokens": 5}
    for counts, failed, marks in (
        ({"completed": 8, "num_prompts": 10}, 2, ["2 requests failed"]),
        (
            {"completed": 8, "num_prompts": 10, "failed": 1},
            1,
            ["1 of 10 requests neither completed nor failed", "1 requests failed"],
        ),
        ({"completed": 8, "num_prompts": 8}, 0, []),
        ({"completed": 8, "num_prompts": 10.0}, None, []),
        ({"completed": 8.0, "num_prompts": 10}, None, []),
        ({"completed": 8}, None, []),
        (
            {"completed": 8, "num_prompts": 10, "failed": 2000},
            2000,
            ["8 requests completed and 2000 failed where 10 were sent", "2000 requests failed"],
        ),
        (
            {"completed": 8, "num_prompts": 7},
            0,
            ["8 requests completed where 7 were sent"],
        ),
    ):
        run = read_alone(vllm, totals | counts)
        assert run.row.get("failed") == failed
        assert run.marks == marks


def test_metadata_of_both_spellings_are_facts_and_only_whole_numbers_count():
    raw = load("vllm/single.json")
    for key, column in (
        ("gpu", "gpu"),
        ("n_gpus", "n_gpus"),
        ("tensor_parallel", "tensor_parallel"),
        ("tensor_parallel_size", "tensor_parallel"),
        ("pipeline_parallel", "pipeline_parallel"),
        ("pipeline_parallel_size", "pipeline_parallel"),
    ):
        assert read_alone(vllm, raw | {key: "16"}).row[column] == ("16" if key == "gpu" else 16)
    for text in ("1e1", "+8", "8.0", "0x8", "8" * 10, ""):
        assert read_alone(vllm, raw | {"n_gpus": text}).problems == [
            f'run.json: metadata "n_gpus" is "{text}"; a whole number is allowed; state it in the'
            " facts"
        ]
    assert '"' + "8" * 40 + '"' in read_alone(vllm, raw | {"n_gpus": "8" * 60}).problems[0]
    assert "precision" not in read_alone(vllm, raw).row

"""Totals that vLLM's and SGLang's clients report alike."""

import pytest
from inference_energy.readers import client_totals, detect_and_read
from inference_energy.readers.common import Run
from library.readers.files import FIXTURES, NODE, load, put, refusal


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

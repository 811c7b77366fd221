"""Files of inference-perf."""

from inference_energy.readers import detect_and_read, inference_perf
from library.readers.files import FIXTURES, NODE, load, put, recognised, refusal

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

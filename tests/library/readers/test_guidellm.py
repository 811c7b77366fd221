"""Reports of GuideLLM."""

import pytest
from inference_energy.readers import detect_and_read, guidellm
from library.readers.files import FIXTURES, NODE, recognised


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

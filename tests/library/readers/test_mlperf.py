"""Logs of MLPerf, with the power of a meter."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.readers import detect_and_read, mlperf
from library.readers.files import FIXTURES, MLPERF, refusal


def test_mlperf_power_is_the_mean_inside_the_window():
    row = detect_and_read(FIXTURES / "mlperf/offline", MLPERF).iloc[0]
    # Thirty samples alternate between 5,900 and 6,100 W; the idle ones outside do not count.
    assert row["node_power_w"] == 6000
    assert row["energy_per_output_token_j"] == pytest.approx(6000 / 29000)
    assert (row["power_boundary"], row["status"]) == ("node", "ok")
    assert (row["duration_s"], row["output_tokens"]) == (30, 290)
    assert (row["client_version"], row["source_file"]) == ("5.1.1", "offline")
    assert np.isnan(row["e2e_p50_s"]), "Offline latencies count the whole queue"


def test_mlperf_invalid_server_run_is_marked_and_has_no_power():
    row = detect_and_read(FIXTURES / "mlperf/server", MLPERF).iloc[0]
    assert row["status"] == "marked: LoadGen's result is INVALID"
    assert row["ttft_p99_s"] == pytest.approx(1.760966679)
    assert row["throughput_tps"] == 29500
    assert np.isnan(row["node_power_w"])


def test_mlperf_meter_in_another_time_zone_is_refused_until_its_offset_is_stated(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    meter = folder / "spl.txt"
    meter.write_text(meter.read_text().replace("07-31-2025 02:", "07-30-2025 19:"))
    message = refusal(folder, MLPERF)
    assert "'meter_clock_offset_s: 25200'" in message
    row = detect_and_read(folder, {**MLPERF, "meter_clock_offset_s": 25200}).iloc[0]
    assert row["node_power_w"] == 6000


def test_mlperf_gap_in_the_power_log_is_marked(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    meter = folder / "spl.txt"
    lines = meter.read_text().splitlines()
    meter.write_text("\n".join(lines[:20] + lines[30:]))
    status = detect_and_read(folder, MLPERF).iloc[0]["status"]
    assert status == "marked: power: no sample of the meter for 11 s of 30 s"


def test_mlperf_cut_off_logs_name_the_line(tmp_path):
    folder = shutil.copytree(FIXTURES / "mlperf/offline", tmp_path / "run_1")
    detail = folder / "mlperf_log_detail.txt"
    text = detail.read_text()
    detail.write_text(text[: text.index('"power_end"') + 20])
    assert "mlperf_log_detail.txt has a line that is cut off" in refusal(folder, MLPERF)


@given(
    watts=st.floats(1, 2e4),
    shift=st.floats(-1e5, 1e5),
    n=st.integers(5, 100),
)
def test_constant_power_is_its_own_mean_wherever_the_clock_stands(watts, shift, n):
    times = np.arange(n) + shift
    mean, gap = mlperf.mean_watts(times, np.full(n, watts), times[1], times[-2])
    assert mean == pytest.approx(watts)
    assert gap == pytest.approx(1)


def test_invalid_meter_readings_do_not_count():
    mean, gap = mlperf.mean_watts([0, 1, 2, 3, 4], [10, 20, -1, 30, 10], 1, 3)
    assert (mean, gap) == (25, 2)

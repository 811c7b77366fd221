"""Requests in flight against a sweep over starts and ends."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.requests.counts import FLIGHT_BIN
from inference_energy.requests.flight import in_flight, load, load_by_hour


def sweep(start, end, low, high):
    """Mean number of requests in flight between two times, request by request."""
    return np.clip(np.minimum(end, high) - np.maximum(start, low), 0, None).sum() / (high - low)


@pytest.fixture
def log(tmp_path, count):
    """Starts and ends of 300 requests [us], and their counts."""
    random = np.random.default_rng(5)
    start = np.sort(random.integers(0, 3600 * 2, 300) * 10**6 + random.integers(0, 10**6, 300))
    end = start + (random.exponential(60, 300) * 1e6).astype(int)
    frame = pd.DataFrame({"input_tokens": 1, "output_tokens": 1, "start": start, "end": end})
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], unit="us")
    frame.to_parquet(tmp_path / "log.parquet")
    return start, end, count(tmp_path / "log.parquet")["flight"]


def test_every_bin_has_the_mean_of_a_sweep(log):
    start, end, flight = log
    bins = in_flight(flight)
    for time, mean in zip(bins["time"], bins["mean"], strict=True):
        expected = sweep(start, end, time * FLIGHT_BIN, (time + 1) * FLIGHT_BIN)
        assert mean == pytest.approx(expected, abs=1e-9)


def test_hours_and_all_of_it_are_means_of_bins(log):
    start, end, flight = log
    bins = in_flight(flight)
    hour = 3600 * 10**6
    by_hour = load_by_hour(bins)
    for place in (0, 1):
        expected = sweep(start, end, place * hour, (place + 1) * hour)
        assert by_hour[place] == pytest.approx(expected)
    (row,) = load(bins).to_dict("records")
    assert row["mean"] <= row["seen_by_request"] <= row["largest"]

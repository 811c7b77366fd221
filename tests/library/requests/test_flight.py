"""Requests in flight against a sweep over starts and ends."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.requests.counts import FLIGHT_BIN
from inference_energy.requests.flight import in_flight, load, load_by_hour, unevenness


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
    runs = in_flight(flight)
    for _, time, bins, mean, *_ in runs.itertuples(index=False):
        expected = sweep(start, end, time * FLIGHT_BIN, (time + bins) * FLIGHT_BIN)
        assert mean == pytest.approx(expected, abs=1e-9)
    assert (np.diff(runs["time"]) == runs["bins"][:-1]).all()


def test_hours_and_all_of_it_are_means_of_bins(log):
    start, end, flight = log
    runs = in_flight(flight)
    hour = 3600 * 10**6
    for place, mean in enumerate(load_by_hour(runs, range(5))):
        assert mean == pytest.approx(sweep(start, end, place * hour, (place + 1) * hour))
    (row,) = load(runs).to_dict("records")
    assert row["mean"] <= row["seen_by_request"] <= row["largest"]


def test_a_request_sees_others_as_a_sweep_over_all_moments_does(tmp_path, count):
    """Answers of seconds, of which a few are in flight: within ten seconds they come and go."""
    random = np.random.default_rng(6)
    start = np.sort(random.integers(0, 3600 * 4 * 10**6, 10_000))
    end = start + (random.exponential(3, 10_000) * 1e6).astype(int)
    frame = pd.DataFrame({"input_tokens": 1, "output_tokens": 1, "start": start, "end": end})
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], unit="us")
    frame.to_parquet(tmp_path / "log.parquet")
    (row,) = load(in_flight(count(tmp_path / "log.parquet")["flight"])).to_dict("records")
    moments = np.concatenate([start, end])
    order = np.argsort(moments)
    level = np.cumsum(np.repeat([1, -1], len(start))[order])[:-1]
    lasted = np.diff(moments[order])
    expected = (level**2 @ lasted) / (level @ lasted)
    assert expected > 3
    assert row["seen_by_request"] == pytest.approx(expected, rel=0.01)


def seen(start, end, tmp_path, count, **options):
    """What a request sees by the counts of a log of these times [us], and by a sweep over all."""
    frame = pd.DataFrame({"input_tokens": 1, "output_tokens": 1, "start": start, "end": end})
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], unit="us")
    frame.to_parquet(tmp_path / "log.parquet")
    counts = count(tmp_path / "log.parquet", **options)
    runs = in_flight(counts["flight"])
    found = load(runs, unevenness(runs, counts["moments"].sort_values("time")))
    moments = np.concatenate([start, end])
    order = np.argsort(moments, kind="stable")
    level = np.cumsum(np.repeat([1, -1], len(start))[order])[:-1]
    lasted = np.diff(moments[order])
    return found["seen_by_request"].item(), (level**2 @ lasted) / (level @ lasted)


SECOND = 10**6


@pytest.mark.parametrize("parts", [1, 3])
def test_calls_that_wait_for_each_other_are_seen_alone(tmp_path, count, parts):
    """One client that sends its next request when it has the answer, of two seconds."""
    start = np.arange(3000) * 2 * SECOND
    found, expected = seen(start, start + 1_900_000, tmp_path, count, parts=parts)
    assert found == expected == 1


def test_calls_of_one_batch_are_seen_together(tmp_path, count):
    """Sixty-four requests at once, of two seconds, every minute."""
    start = np.repeat(np.arange(100) * 60 * SECOND + 9 * SECOND, 64)
    found, expected = seen(start, start + 2 * SECOND, tmp_path, count)
    assert found == pytest.approx(expected, rel=1e-12) and expected == 64


def test_bins_that_are_kept_moment_by_moment_tell_of_the_others(tmp_path, count):
    """Batches of another size every ten minutes between calls that wait for each other."""
    random = np.random.default_rng(7)
    alone = np.arange(40_000) * 2 * SECOND
    batches = np.repeat(np.arange(130) * 600 * SECOND, random.integers(2, 60, 130))
    start = np.concatenate([alone, batches + 5 * SECOND])
    end = start + (random.uniform(0.5, 1.9, len(start)) * SECOND).astype(int)
    found, expected = seen(start, end, tmp_path, count, one_in=8)
    assert found == pytest.approx(expected, rel=0.15)
    exact, _ = seen(start, end, tmp_path, count)
    assert exact == pytest.approx(expected, rel=1e-12)


def test_without_moments_requests_come_and_go_without_regard_to_each_other(log):
    _, _, flight = log
    none = pd.DataFrame({"model": [None], "time": 0, "change": 0}).iloc[:0]
    uneven = unevenness(in_flight(flight), none)
    assert len(uneven) and (uneven == 1).all()


def test_models_together_are_each_as_uneven_as_alone(tmp_path, count):
    """Batches, calls that wait for each other, and a model of which no moments are known."""
    batches = np.repeat(np.arange(100) * 60 * SECOND + 9 * SECOND, 64)
    alone = np.arange(3000) * 2 * SECOND
    frame = pd.DataFrame({"input_tokens": 1, "output_tokens": 1}, index=range(9400))
    frame["start"] = pd.to_datetime(np.concatenate([batches, alone]), unit="us")
    frame["end"] = frame["start"] + pd.Timedelta(1.9, "s")
    frame["model"] = np.repeat(["b", "a", "c"], [6400, 1500, 1500])
    frame.to_parquet(tmp_path / "log.parquet")
    counts = count(tmp_path / "log.parquet")
    runs = in_flight(counts["flight"])
    moments = counts["moments"].query("model != 'c'")
    together = pd.Series(unevenness(runs, moments)).groupby(runs["model"]).agg(["min", "max"])
    assert (together["min"] == together["max"]).all() and together.loc["c", "max"] == 1
    for model in "ab":
        own, some = (one[one["model"] == model] for one in (runs, moments))
        assert unevenness(own, some)[0] == pytest.approx(together.loc[model, "max"], rel=1e-12)
    seen_of = load(runs, unevenness(runs, moments)).set_index("model")["seen_by_request"]
    assert seen_of["b"] == pytest.approx(64) and seen_of["a"] == 1


def test_centuries_between_requests_take_no_memory():
    century = 100 * 365 * 24 * 360
    flight = pd.DataFrame(
        {
            "model": "ours",
            "time": [0, 1, 20 * century, 20 * century + 1],
            "change": [1, -1, 1, -1],
            "remaining": [FLIGHT_BIN, -FLIGHT_BIN, FLIGHT_BIN, -FLIGHT_BIN],
            "own": 0,
        }
    )
    runs = in_flight(flight)
    assert runs["mean"].tolist() == [1, 0, 0, 1, 0]
    assert runs["bins"].sum() == 20 * century + 2
    (row,) = load(runs).to_dict("records")
    assert row["seen_by_request"] == row["largest"] == 1
    assert load_by_hour(runs, [0, 1]).tolist() == [1 / 360, 0]


def test_a_request_sees_at_least_itself_and_a_log_can_be_without_any():
    short = {"model": [None, None], "time": [0, 0], "change": [1, -1], "remaining": [500, 0]}
    short["own"] = [0, 0]
    assert load(in_flight(pd.DataFrame(short)))["seen_by_request"].tolist() == [1.0]
    nothing = in_flight(pd.DataFrame(short).iloc[:0])
    assert not len(load(nothing)) and load_by_hour(nothing, [5]).tolist() == [0]

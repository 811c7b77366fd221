"""Power and state of the meters over a whole test."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.stress import timeline
from library.stress.made_up import NOON, closed_loop, samples


def test_meters_of_a_scope_add_up_and_requests_are_counted():
    requests = closed_loop(2, 5)
    times = np.arange(NOON, NOON + 9, 0.5)
    both = [samples(times, power=power, meter=f"gpu {power}") for power in (300.0, 500.0)]
    table = timeline.timeline_table({"gpu": pd.concat(both)}, requests)
    assert list(table) == timeline.COLUMNS
    assert table["power_w"].to_numpy() == pytest.approx(np.full(9, 800))
    assert table["time"].is_monotonic_increasing
    assert (table["requests"].iloc[0], table["requests"].iloc[-1]) == (2, 0)


def test_a_long_test_keeps_to_its_points():
    requests = pd.DataFrame({"start_s": [NOON], "end_s": [NOON + 20_000]})
    frame = samples(np.arange(NOON, NOON + 20_000, 5), power=300.0)
    table = timeline.timeline_table({"gpu": frame}, requests)
    assert timeline.MOST_POINTS / 2 < len(table) <= timeline.MOST_POINTS + 1


def test_meters_that_are_read_in_turn_add_up_at_all_times():
    """Two outlets, each read every 4 s, 2 s after the other."""
    requests = pd.DataFrame({"start_s": [NOON], "end_s": [NOON + 40]})
    both = [
        samples(np.arange(NOON + late, NOON + 40, 4), power=power, meter=f"outlet {late}")
        for late, power in ((0, 400.0), (2, 500.0))
    ]
    table = timeline.timeline_table({"node": pd.concat(both)}, requests)
    power = table["power_w"].dropna().to_numpy()
    assert power == pytest.approx(np.full(35, 900))


@pytest.mark.parametrize("counts", [False, True])
def test_between_cells_nobody_measured_and_no_request_is_counted(counts):
    requests = pd.DataFrame({"start_s": [NOON, NOON + 50], "end_s": [NOON + 10, NOON + 60]})
    times = np.concatenate([np.arange(NOON, NOON + 10), np.arange(NOON + 48, NOON + 62)])
    told = {"energy": 700.0 * times} if counts else {"power": 700.0}
    table = timeline.timeline_table({"gpu": samples(times, **told)}, requests)
    assert len(table) == 62
    power = table["power_w"].dropna()
    assert power.to_numpy() == pytest.approx(700)
    # the mean between two counts is of the stretch before the second, and nobody knows since when
    # the first was there
    first, last = (1, -1) if counts else (0, None)
    assert power.index.tolist() == [*[*range(10)][first:last], *[*range(48, 62)][:last]]
    assert table["requests"].to_numpy().nonzero()[0].tolist() == [*range(10), *range(50, 60)]


def test_without_requests_there_is_no_timeline():
    assert timeline.timeline_table({}, closed_loop(1, 1).iloc[:0]).empty


def test_stretches_begin_and_end_with_what_is_told():
    """Samples from a minute before the first request to a minute after the last are of the test."""
    requests = pd.DataFrame({"start_s": [NOON + 100.0], "end_s": [NOON + 104.0]})
    frame = samples(np.arange(NOON, NOON + 200), power=300.0)
    table = timeline.timeline_table({"gpu": frame}, requests)
    assert (table["time"].iloc[0], table["time"].iloc[-1]) == told(NOON + 40, NOON + 164)
    assert len(table) == 125 and set(table["scope"]) == {"gpu"}
    # a request is in flight in stretches whose middle it spans
    assert table["requests"].to_numpy().nonzero()[0].tolist() == [60, 61, 62, 63]
    few = samples(np.arange(NOON + 101, NOON + 103), power=300.0)
    table = timeline.timeline_table({"gpu": few}, requests)
    assert (table["time"].iloc[0], table["time"].iloc[-1]) == told(NOON + 100, NOON + 104)
    assert table["power_w"].notna().to_numpy().nonzero()[0].tolist() == [1, 2]


def told(*times):
    """Times as the table has them."""
    return tuple(pd.to_datetime(list(times), unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_a_scope_without_samples_near_the_test_is_left_out():
    requests = pd.DataFrame({"start_s": [NOON], "end_s": [NOON + 4.0]})
    far, near = samples(np.arange(NOON + 900, NOON + 910)), samples(np.arange(NOON, NOON + 4))
    scopes = {"node": far, "gpu": near, "host": near}
    table = timeline.timeline_table(scopes, requests)
    assert list(dict.fromkeys(table["scope"])) == ["gpu", "host"]
    assert table.index.tolist() == list(range(len(table)))
    assert list(timeline.timeline_table({"node": far}, requests)) == timeline.COLUMNS


def test_memory_adds_up_and_utilisation_and_clock_are_means():
    requests = pd.DataFrame({"start_s": [NOON], "end_s": [NOON + 6.0]})
    times = np.arange(NOON, NOON + 7)
    meters = [
        samples(times, meter=f"gpu {k}").assign(
            utilisation=0.2 + 0.4 * k, memory_gb=30.0 + 10 * k, clock_mhz=1000.0 + 500 * k
        )
        for k in range(2)
    ]
    table = timeline.timeline_table({"gpu": pd.concat(meters)}, requests)
    assert table["utilisation"].to_numpy() == pytest.approx(np.full(7, 0.4))
    assert table["memory_gb"].to_numpy() == pytest.approx(np.full(7, 70.0))
    assert table["clock_mhz"].to_numpy() == pytest.approx(np.full(7, 1250.0))


def test_a_sum_is_not_told_where_one_meter_is_silent():
    requests = pd.DataFrame({"start_s": [NOON], "end_s": [NOON + 30.0]})
    whole = samples(np.arange(NOON, NOON + 31), power=300.0, meter="a")
    cut = samples(np.r_[NOON : NOON + 10, NOON + 14 : NOON + 31], power=500.0, meter="b")
    table = timeline.timeline_table({"gpu": pd.concat([whole, cut])}, requests)
    silent = table["power_w"].isna().to_numpy().nonzero()[0].tolist()
    assert silent == [10, 11, 12, 13]
    assert table["power_w"].dropna().to_numpy() == pytest.approx(800.0)


def test_readings_are_straight_between_two():
    requests = pd.DataFrame({"start_s": [NOON], "end_s": [NOON + 9.0]})
    times = np.arange(NOON, NOON + 10, 3)
    frame = samples(times).assign(power_w=[100.0, 400.0, 400.0, 100.0])
    table = timeline.timeline_table({"gpu": frame}, requests)
    assert table["power_w"].to_numpy() == pytest.approx(
        [100, 200, 300, 400, 400, 400, 400, 300, 200, 100]
    )

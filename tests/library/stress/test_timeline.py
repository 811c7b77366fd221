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

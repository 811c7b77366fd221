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


def test_without_requests_there_is_no_timeline():
    assert timeline.timeline_table({}, closed_loop(1, 1).iloc[:0]).empty

"""Counters of energy that rise in steps."""

import re

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import mean_powers
from inference_energy.meters.counters import step, too_coarse


def counter(unit, decimals, watts, hours=1.0, every=1):
    """Readings of a counter in a unit [J] with so many decimals."""
    seconds = np.arange(0, hours * 3600, every)
    counts = (100 + seconds * watts / unit).round(decimals) * unit
    return pd.DataFrame(
        {"time_s": seconds, "meter": "a", "power_w": float("nan"), "energy_j": counts}
    )


KWH = 3_600_000
"""A kilowatt-hour. [J]"""


@pytest.mark.parametrize(
    ("decimals", "watts", "start", "end", "share", "least"),
    [
        # 20,000 W, 0 W and 6,102 W were printed of 6,500 W
        (0, 6500, 180, 360, "rises by 1 kWh in the run", "11,077"),
        (0, 6500, 360, 540, "does not rise in the run", "11,077"),
        (0, 6500, 0, 3540, "rises by 6 kWh in the run", "11,077"),
        # and 0 to 3,000 W of 1,200 W
        (1, 1200, 10, 130, "does not rise in the run", "6,000"),
        (1, 1200, 60, 180, "rises by 0.1 kWh in the run", "6,000"),
        (1, 1200, 300, 600, "rises by 0.1 kWh in the run", "6,000"),
        (2, 6500, 180, 280, "rises by 0.19 kWh in the run", "110.8"),
    ],
)
def test_a_counter_in_steps_that_a_run_does_not_drown_is_refused(
    decimals, watts, start, end, share, least
):
    with pytest.raises(InputError) as caught:
        mean_powers(counter(KWH, decimals, watts), start, end)
    text = str(caught.value)
    assert text.startswith("meters a: ") and share in text, text
    assert f"in steps of {10.0**-decimals:g} kWh" in text, text
    assert "allowed are steps of at most 0.05 of what it rises by" in text
    seconds = float(re.search("a run of at least ([0-9,.]+) s", text)[1].replace(",", ""))
    # the mean over the log is itself known to a step
    assert seconds == pytest.approx(float(least.replace(",", "")), rel=0.1)


@pytest.mark.parametrize(
    ("decimals", "watts", "end", "every"),
    [(2, 6500, 180, 1), (3, 1200, 120, 1), (6, 1200, 180, 60), (1, 6500, 5400, 600)],
)
def test_a_counter_in_steps_that_a_run_drowns_is_read(decimals, watts, end, every):
    readings = counter(KWH, decimals, watts, hours=2, every=every)
    assert mean_powers(readings, 0, end)["a"] == pytest.approx(watts, rel=0.05)


def test_a_counter_that_is_written_seldom_counts_in_what_it_rises_by():
    """By hand: 59 rises of 390 kJ in 3599 s are 6393 W, of which a run takes 20 of them."""
    readings = counter(1, 0, 6500)
    readings["energy_j"] = readings["energy_j"].where(readings["time_s"] % 60 == 0).ffill()
    with pytest.raises(InputError, match=r"in steps of 0\.1083 kWh; .* at least 1,220 s"):
        mean_powers(readings, 180, 360)
    assert mean_powers(readings, 0, 1800)["a"] == pytest.approx(6500, rel=0.05)


def test_a_counter_that_never_rises_is_no_power():
    readings = counter(KWH, 0, 0)
    told = "meters a: the counter does not rise in the run, nor in the log; allowed is one that"
    assert too_coarse("a", readings, readings[:9]).startswith(told)


def test_the_step_of_a_counter_is_that_of_its_digits():
    fine = 1e6 + np.array([0.0, 7.3, 14.1, 21.9, 28.4])
    assert step(fine, fine) == pytest.approx(0.3)
    whole = np.array([5.0, 7.0, 9.0, 12.0])
    assert step(whole, whole) == 1
    # an even load rises by the same again and again, which is no step unless it waits for it
    even = np.arange(0.0, 50, 10)
    assert step(even, even) == 0
    assert step(np.repeat(even, 2), np.repeat(even, 2)) == 10
    # a reset is no rise
    assert step(np.array([5.0, 7.0, 0.0, 3.0]), np.array([0.0, 3.0])) == 1

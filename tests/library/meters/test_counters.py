"""Counters of energy that rise in steps."""

import re

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import mean_powers
from inference_energy.meters.counters import is_of_intervals, leaps, step, too_coarse
from library.meters.files import NOON, read, refusal


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


def written(counts, column="energy_j", every=1.0, digits=0):
    """Text of a table of a counter."""
    rows = [f"{NOON + every * at},{count:.{digits}f}" for at, count in enumerate(counts)]
    return "\n".join([f"time,{column}", *rows, ""])


SECONDS = np.arange(3600)
COUNTS = 1e9 + np.cumsum(3000.0 + 3500 * (np.sin(SECONDS / 200) > 0))
"""A counter of a node of 3.0 and 6.5 kW. [J]"""


@pytest.mark.parametrize(
    ("last", "by", "column", "unit"),
    [(3600, 2e7, "energy_j", 1), (3600, 2e7, "energy_kwh", KWH), (1801, 2e9, "energy_j", 1)],
)
def test_a_counter_rises_at_once_by_no_more_than_a_device_draws(tmp_path, last, by, column, unit):
    """10,389 W of 4,832 W; a single wrong count was to be in millijoules."""
    counts = COUNTS + by * ((SECONDS >= 1800) & (last > SECONDS))
    told = refusal(tmp_path, written(counts / unit, column, digits=0 if unit == 1 else 6))
    assert f"row 1802: the counter of meter.log rises by {by + 6500:.4g} J in 1 s, and at " in told
    assert " W else (1 such row); allowed are the 150,000 W that one node draws at most" in told
    assert "leave its row out; if the counter was set to another count, cut the log there" in told
    assert "millijoules" not in told


def test_a_counter_of_a_gpu_is_held_to_what_a_gpu_draws(tmp_path):
    """One of eight GPUs of 600 W rose by 3 MJ in a second: 5,634 W of 4,800 W."""
    text = written(600.0 * SECONDS + 3e6 * (SECONDS >= 2000))
    assert "the 3,000 W that one gpu draws" in refusal(tmp_path, text, "gpu")
    small = written(600.0 * SECONDS + 4000 * (SECONDS >= 2000))
    assert len(read(tmp_path, small, "gpu")) == 3600
    # a count of zero among others
    lost = np.where(SECONDS == 99, 0, 1e6 + 600.0 * SECONDS)
    assert "row 102: the counter of" in refusal(tmp_path, written(lost), "gpu")


@pytest.mark.parametrize("watts", [400, 6500, 120_000])
@pytest.mark.parametrize("every", [1, 10, 60])
@pytest.mark.parametrize("decimals", [0, 1, 2, 3])
def test_a_counter_of_large_steps_rises_honestly(tmp_path, watts, every, decimals):
    counts = 12345 + np.arange(1200) * every * watts / KWH
    if len(np.unique(counts.round(decimals))) > 1:
        text = written(counts.round(decimals), "energy_kwh", every, decimals)
        assert len(read(tmp_path, text)) == 1200


@pytest.mark.parametrize("every", [7, 60, 300])
def test_a_counter_that_is_counted_anew_now_and_then_rises_honestly(tmp_path, every):
    """One that an exporter keeps, is set back, is late for a while, and a count out of order."""
    # the log begins when the first count is old
    counts = 20 * COUNTS[SECONDS // every * every][3:]
    assert len(read(tmp_path, written(counts))) == 3597
    counts[1900:] -= counts[1900]
    assert len(read(tmp_path, written(counts))) == 3597
    counts[2500:3100] = counts[2499]
    assert len(read(tmp_path, written(counts))) == 3597
    turned = COUNTS.copy()
    turned[[50, 51]] = turned[[51, 50]]
    assert len(read(tmp_path, written(turned))) == 3600


def test_only_what_rises_too_fast_is_a_leap():
    times = np.arange(6.0)
    # by hand: 100 W for two seconds, as the count before may be a second old, and a step of 1 J
    for rise, places in ((201, []), (203, [3])):
        counts = np.array([0.0, 1, 3, 3 + rise, 4 + rise, 6 + rise])
        assert leaps(times, counts, 100).tolist() == places
    # or as old as it usually gets, three seconds, and what it rises by at once, 10 J
    for rise, places in ((610, []), (611, [6])):
        late = np.repeat([0.0, 9, 9 + rise, 19 + rise], 3)
        assert leaps(np.arange(12.0), late, 100).tolist() == places
    assert leaps(times, np.zeros(6), 100).tolist() == []


def test_energies_of_intervals_are_no_counter(tmp_path):
    """Watt hours of each second were to be kilowatt hours."""
    energies = (6500 + np.random.default_rng(1).normal(0, 20, 600)) / 3600
    told = refusal(tmp_path, written(energies, "energy_wh", digits=4))
    assert "the energy of meter.log goes up and down from one reading to the next" in told
    assert "add them up, or give the power, each over its time, as power_w" in told
    assert "kilowatt" not in told
    assert is_of_intervals(energies)
    # a counter that is full now and then
    assert not is_of_intervals(np.arange(0, 600 * 13_000.0, 13_000) % 65_536)
    assert not is_of_intervals(np.array([5.0, 4, 3, 2]))

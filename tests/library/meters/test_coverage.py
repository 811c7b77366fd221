"""How much of a run the readings of a meter cover, and the mean power over it."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import mean_powers
from inference_energy.meters.coverage import (
    coverage,
    integral,
    longest_wait,
    mean_over_run,
    of_run,
)

SECONDS = np.arange(600.0)


def log(times, **readings):
    """Readings of a meter."""
    none = dict.fromkeys(("power_w", "energy_j"), np.nan)
    return pd.DataFrame({"time_s": times, "meter": "a"} | none | readings)


def test_what_lies_between_readings_is_covered_but_for_gaps():
    times = np.array([0.0, 1, 2, 6, 7])
    assert longest_wait(times) == 3
    whole = np.diff(times) <= longest_wait(times)
    assert coverage(times, whole, 0, 7) == pytest.approx(3 / 7)
    assert coverage(times, whole, 1.5, 2.5) == 0.5
    # before the first and after the last reading as long as is no gap
    assert of_run(times, -3, 10) == pytest.approx(9 / 13)
    assert of_run(times, -3, 10, counts=times) == 1
    # but for where a counter falls, from 2 to 6 s
    assert of_run(times, -3, 10, counts=times % 5) == pytest.approx(9 / 13)
    assert of_run(times[:1], 0, 1) == 0
    assert of_run(times[:2], 0, 1) == 1


@pytest.mark.parametrize(("start", "end"), [(50, 60), (40, 50), (40, 60)])
def test_of_a_run_in_a_gap_its_own_readings_are_told(start, end):
    times = np.array([0.0, 1, 2, 50, 100, 101, 102])
    power = np.array([1.0, 1, 1, 7, 1, 1, 1])
    assert of_run(times, start, end) == 0
    assert mean_over_run(times, power, start, end) == 7


@pytest.mark.parametrize(
    ("times", "start", "end", "share"),
    [
        (SECONDS[:122], 120, 4800, "0.1 %"),
        (SECONDS[:124], 118, 480, "2.2 %"),
        (SECONDS[:200], 120, 480, "22.8 %"),
        (SECONDS[470:], 120, 482, "4.1 %"),
        (SECONDS[(SECONDS <= 200) | (SECONDS >= 400)], 120, 480, "44.4 %"),
    ],
)
def test_a_log_that_leaves_out_some_of_the_run_is_refused(times, start, end, share):
    """Two seconds of a run of 78 minutes gave the power at idle."""
    told = f"^meter a: its readings cover {share} of the run from {start} to {end} s; allowed are"
    with pytest.raises(InputError, match=told + " 95 % or more"):
        mean_powers(log(times, power_w=500.0), start, end)


def test_a_gpu_that_tells_nothing_any_longer_is_refused():
    """Its readings before were taken for its mean: nvidia-smi writes [Unknown Error] then."""
    both = [log(SECONDS, power_w=500.0, meter=name) for name in "ab"]
    both[1].loc[SECONDS > 200, "power_w"] = np.nan
    with pytest.raises(InputError, match=r"^meter b: its readings cover 23.1 % of the run"):
        mean_powers(pd.concat(both), 120, 480)


def test_a_counter_that_is_not_read_to_the_end_of_the_run_is_refused():
    times = SECONDS[::10]
    counts = log(times, energy_j=500 * times)
    assert mean_powers(counts, 125, 475).to_dict() == {"a": 500}
    with pytest.raises(InputError, match=r"^meter a: its readings cover 13.9 % of the run"):
        mean_powers(counts[counts["time_s"] < 145], 120, 480)
    # what it counted while it was not read is known
    assert mean_powers(counts[~counts["time_s"].between(200, 400)], 120, 480).to_dict() == {
        "a": pytest.approx(500)
    }


@pytest.mark.parametrize(
    ("watts", "every", "full"),
    [(200, 300, 262_143.32885), (6500, 2, 65_536), (6500, 600, 6500 * 3600)],
)
def test_what_a_counter_that_falls_has_counted_is_not_known(watts, every, full):
    """The falls were no power, and their time counted: 158 W of 200, 5,213 and 5,532 of 6,500."""
    times = np.arange(0.0, 14_401, every)
    counts = log(times, energy_j=watts * times % full)
    with pytest.raises(
        InputError, match=r"^meter a: its counter falls \d+ times, first at"
    ) as told:
        mean_powers(counts, 0, 14_400)
    assert "of the run from 0 to 14400 s; allowed are 95 % or more" in str(told.value)
    assert "read it more often, or record a power" in str(told.value)
    # without the time in which it fell once
    once = log(SECONDS, energy_j=watts * SECONDS % (300 * watts))
    assert mean_powers(once, 0, 599).to_dict() == {"a": pytest.approx(watts)}


@pytest.mark.parametrize(
    ("early", "late", "powers", "mean"),
    [(5, 2, (3000, 10_000), 6500), (2, 5, (3000, 10_000), 6500), (2, 5, (150, 650), 400)],
)
def test_a_reading_counts_for_the_time_around_it(early, late, powers, mean):
    """A logger that was started again with other steps made 8,020 W of 6,500 W."""
    times = np.concatenate([np.arange(0, 1800, early), np.arange(1800, 3600, late)])
    power = np.where(times < 1800, *powers)
    # between the last reading of the one and the first of the other it goes evenly
    assert mean_powers(log(times, power_w=power), 0, 3600)["a"] == pytest.approx(mean, rel=1e-3)


def test_a_meter_that_tells_changes_is_not_that_of_its_busy_time():
    """Read every second at work and every three seconds without: 7,333 W for 6,000 W, by hand."""
    times = np.concatenate(
        [np.r_[at : at + 60 : 1, at + 60 : at + 120 : 3] for at in range(0, 720, 120)]
    )
    power = np.where(times % 120 < 60, 8000.0, 4000.0)
    assert mean_powers(log(times, power_w=power), 0, 720)["a"] == pytest.approx(6000, rel=0.01)
    assert power.mean() == 7000


def test_a_run_begins_and_ends_between_readings():
    """By hand: of a power that goes from 0 to 10 W in ten seconds, 4 to 6 s are 5 W."""
    times = np.array([0.0, 10, 20, 30])
    power = np.array([0.0, 10, 10, 40])
    assert mean_over_run(times, power, 4, 16) == pytest.approx((6 * 7 + 6 * 10) / 12)
    # before the first and after the last it is what these are
    assert mean_over_run(times, power, -10, 10) == pytest.approx(2.5)
    assert mean_over_run(times, power, 20, 40) == pytest.approx(32.5)
    # a gap is left out
    apart = np.array([0.0, 1, 2, 9, 10])
    told = mean_over_run(apart, np.array([5.0, 5, 5, 9, 9]), 0, 10)
    assert told == pytest.approx((2 * 5 + 1 * 9) / 3)
    assert integral(times, power, np.diff(times) > 0, 5, 15) == pytest.approx(5 * 7.5 + 5 * 10)
    # of which share of the run such a reading tells is for ``of_run`` to say
    assert mean_over_run(np.array([5.0]), np.array([7.0]), 0, 10) == 7


@pytest.mark.parametrize("every", [1, 5, 30])
def test_a_meter_that_is_read_now_and_then_throughout_is_used(every):
    times = SECONDS[::every] + np.random.default_rng(1).uniform(0, every / 2, 600 // every)
    assert mean_powers(log(times, power_w=500.0), 120, 480).to_dict() == {"a": pytest.approx(500)}
    # some readings are lost
    lost = times[np.arange(len(times)) % 5 != 2]
    assert mean_powers(log(lost, power_w=500.0), 120, 480).to_dict() == {"a": pytest.approx(500)}


@pytest.mark.parametrize(
    "waits",
    [
        np.where(np.arange(360) % 12 == 11, 31, 10),
        10 * np.random.default_rng(0).lognormal(0, 0.6, 360),
        np.repeat([1, 30, 1], [600, 30, 600]),
    ],
)
def test_a_logger_that_is_late_now_and_then_covers_its_run(waits):
    """A BMC that is busy now and then was to cover 78 %, and one that reads seldom at idle 57 %."""
    times = np.cumsum(waits)
    power = 10_000 + np.random.default_rng(2).normal(0, 100, len(times))
    told = mean_powers(log(times, power_w=power), times[0], times[-1])
    assert told["a"] == pytest.approx(10_000, rel=0.01)
    # the same waits in a run of a minute or two are gaps
    late = int(waits.argmax())
    with pytest.raises(InputError, match="as long as usual, and 2 % of the run or longer"):
        mean_powers(log(times, power_w=power), times[late - 1] - 5, times[late] + 5)


def test_a_run_that_ends_before_it_begins_is_refused():
    with pytest.raises(InputError, match=r"^the run ends at 120 s, and begins at 480 s; allowed"):
        mean_powers(log(SECONDS, power_w=500.0), 480, 120)

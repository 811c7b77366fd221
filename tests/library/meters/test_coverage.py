"""How much of a run the readings of a meter cover."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.meters import mean_powers
from inference_energy.meters.coverage import coverage, longest_wait, of_run

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
    assert of_run(times, -3, 10, counts=True) == 1
    assert of_run(times[:1], 0, 1) == 0


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


@pytest.mark.parametrize("every", [1, 5, 30])
def test_a_meter_that_is_read_now_and_then_throughout_is_used(every):
    times = SECONDS[::every] + np.random.default_rng(1).uniform(0, every / 2, 600 // every)
    assert mean_powers(log(times, power_w=500.0), 120, 480).to_dict() == {"a": 500}
    # some readings are lost
    lost = times[np.arange(len(times)) % 5 != 2]
    assert mean_powers(log(lost, power_w=500.0), 120, 480).to_dict() == {"a": 500}


def test_a_run_that_ends_before_it_begins_is_refused():
    with pytest.raises(InputError, match=r"^the run ends at 120 s, and begins at 480 s; allowed"):
        mean_powers(log(SECONDS, power_w=500.0), 480, 120)

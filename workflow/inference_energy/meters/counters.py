"""Counters of energy: their steps, which a run must drown, and the power read beside them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.meters.coverage import longest_wait
from inference_energy.text import percent
from inference_energy.units import J_PER_WH, WH_PER_KWH, joules, mean_power

Array = NDArray[np.float64]

LARGEST_STEP = 0.05
"""Step of a counter over what it rises by in a run, at most [1]: the energy is known to one step,
and meters are right within some per cent."""

SAMPLED = 0.25
"""Share by which a counter and power may differ beyond what the power does between two readings:
of the power of some GPUs a quarter of each tenth of a second is measured, and meters are right
within some per cent."""

FEWEST = 4
"""Counts from which power is held against them, as a rise or two may be of a counter's step; falls
that are more than resets. [1]"""

FALLS = 0.25
"""Share of changes of a counter that are falls, from which it is none: one of 16 bits in joules at
6.5 kW, read every two seconds, is full at every fifth reading. [1]"""

NOISE = 1e-6
"""Rises that differ by less, over the largest, are the same: decimals are no sums of powers of two.
[1]"""

J_PER_KWH = WH_PER_KWH * J_PER_WH


def step(counts: Array, in_run: Array) -> float:
    """Step to which a counter's energy over a run is known [J]; zero where none shows.

    A counter of few digits rises by multiples of its step. One that stands still between readings
    was not counted anew, and is known to what it rises by at once.

    Parameters
    ----------
    counts, in_run : array
        Its counts in the order of time, of the log and of the run. [J]
    """
    rises = np.unique(_rises(counts))
    fresh = _rises(in_run)
    stands = len(in_run) - 1 > len(fresh)
    apart = np.diff(rises)
    apart = apart[apart > NOISE * rises[-1:].max(initial=0.0)]
    # one rise that is always the same may be an even load
    steps = [rises.min(), *apart] if len(rises) and (len(apart) or stands) else []
    digits = float(min(steps, default=0.0))
    return max(digits, float(np.median(fresh))) if stands and len(fresh) else digits


def _rises(counts: Array) -> Array:
    rises = np.diff(counts)
    return rises[rises > 0]


def leaps(times: Array, counts: Array, most: float) -> NDArray[np.intp]:
    """Places of counts that are higher than the ones before by more than a power brings in between.

    A count may be as old as the reading before it, or as it usually gets, and is off by one step.

    Parameters
    ----------
    times, counts : array
        Readings of the counter, in the order of time. [s], [J]
    most : float
        Most that one device draws. [W]
    """
    fresh = np.flatnonzero(np.concatenate([[True], np.diff(counts) != 0]))
    if len(fresh) < 2:
        return fresh[:0]
    at, before = times[fresh], times[np.maximum(fresh - 1, 0)]
    ages = np.maximum(at - before, np.median(np.diff(at)))
    drawn = joules(np.full(len(at) - 1, most), np.diff(at) + ages[:-1])
    return fresh[1:][np.diff(counts[fresh]) - step(counts, counts) > drawn]


def is_of_intervals(counts: Array) -> bool:
    """Whether readings go up and down, as energies of the time since the reading before do.

    Parameters
    ----------
    counts : array
        Readings of what is called a counter, in the order of time. [J]
    """
    changes = np.diff(counts)
    falls, all_of_them = np.count_nonzero(changes < 0), np.count_nonzero(changes)
    return bool(falls >= FEWEST and falls > FALLS * all_of_them)


def too_coarse(meter: str, log: pd.DataFrame, run: pd.DataFrame) -> str:
    """What to say of a counter whose steps a run does not drown; empty if it does.

    Parameters
    ----------
    meter : str
        Its name.
    log, run : DataFrame
        Its readings in the log, and in the run: time_s and energy_j, in the order of time.
    """
    counts, in_run = log["energy_j"].to_numpy(), run["energy_j"].to_numpy()
    risen, size = float(_rises(in_run).sum()), step(counts, in_run)
    if risen and size <= LARGEST_STEP * risen:
        return ""
    told = f"rises by {risen / J_PER_KWH:.4g} kWh" if risen else "does not rise"
    place = f"meters {meter}: the counter {told} in the run"
    span = float(np.ptp(log["time_s"].to_numpy()))
    usual = mean_power(float(_rises(counts).sum()), span)
    if not usual:
        return f"{place}, nor in the log; allowed is one that counts; look what it reads"
    least = size / (LARGEST_STEP * usual)
    return (
        f"{place}, in steps of {size / J_PER_KWH:.4g} kWh; allowed are steps of at most"
        f" {LARGEST_STEP:g} of what it rises by, as it is known to one step; take a run of at least"
        f" {least:,.0f} s at the mean power of the log, {usual:.4g} W, or a meter that tells power"
        " or counts in smaller steps"
    )


def contradiction(meter: str, power: pd.DataFrame, counts: pd.DataFrame) -> str:
    """What to say of a meter whose power is not that at which it counts; empty if it may be.

    Between two readings the power was that of one of them, or between them; where it was not read
    it may have been any. A counter that stands still says nothing.

    Parameters
    ----------
    meter : str
        Its name.
    power, counts : DataFrame
        Its readings: time_s with power_w, and with energy_j, in the order of time.
    """
    at, read = power["time_s"].to_numpy(), power["power_w"].to_numpy()
    then, energy = counts["time_s"].to_numpy(), counts["energy_j"].to_numpy()
    if len(at) < 2 or len(then) < FEWEST or not read.any() or is_of_intervals(energy):
        return ""
    waits = np.diff(at)
    silent = waits > longest_wait(at)

    def summed(parts: Array) -> Array:
        return np.diff(np.interp(then, at, np.concatenate([[0.0], parts.cumsum()])))

    known = (then[:-1] >= at[0]) & (then[1:] <= at[-1]) & (np.diff(energy) >= 0)
    known &= summed(np.where(silent, waits, 0.0)) == 0
    risen = float(np.diff(energy)[known].sum())
    if not risen:
        return ""
    least, most = (
        float(summed(joules(side(read[:-1], read[1:]), waits))[known].sum())
        for side in (np.minimum, np.maximum)
    )
    # at each end of what is known it may be ahead or behind by a step
    pieces = 1 + np.count_nonzero(np.diff(known.astype(int)))
    slack = pieces * step(energy, energy)
    if (1 - SAMPLED) * least - slack <= risen <= (1 + SAMPLED) * most + slack:
        return ""
    span = float(np.diff(then)[known].sum())
    middle = mean_power((least + most) / 2, span)
    return (
        f"{meter} reads {middle:.4g} W in the mean of {span:.4g} s, in which its counter rises by"
        f" {mean_power(risen, span):.4g} W; allowed is a difference of {percent(SAMPLED)} beside"
        " that between neighbouring readings; look in which units the two are, or leave the wrong"
        " one out"
    )

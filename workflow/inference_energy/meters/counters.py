"""Counters of energy that rise in steps, which a run must drown."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.units import J_PER_WH, WH_PER_KWH, mean_power

Array = NDArray[np.float64]

LARGEST_STEP = 0.05
"""Step of a counter over what it rises by in a run, at most [1]: the energy is known to one step,
and meters are right within some per cent."""

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

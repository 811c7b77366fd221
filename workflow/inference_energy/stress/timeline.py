"""Power and state of the meters over the whole test."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from inference_energy.meters.coverage import GAP_FACTOR
from inference_energy.stress.freshness import Array
from inference_energy.stress.power import told_power

MOST_POINTS = 2000
COLUMNS = ["scope", "time", "power_w", "utilisation", "memory_gb", "clock_mhz", "requests"]
READINGS, ADDED = COLUMNS[2:-1], ("power_w", "memory_gb")
"""What the meters of a scope tell, and which of it is added up."""


def timeline_table(samples: Mapping[str, pd.DataFrame], requests: pd.DataFrame) -> pd.DataFrame:
    """Means of short stretches of time, all meters of a scope together.

    Parameters
    ----------
    samples : dict of str to DataFrame
        Samples of each scope, on the client's clock.
    requests : DataFrame
        All requests of the test: start_s, end_s [s].

    Returns
    -------
    DataFrame
        scope, time (UTC), power_w [W] and memory_gb [GB] added up, utilisation [1] and clock_mhz
        [MHz] means of the meters, requests in flight. Empty where a meter gave no reading for
        longer than three times as long as usual: nobody measures between the cells. Of meters that
        count alone, power is the mean between two counts.
    """
    if requests.empty:
        return pd.DataFrame(columns=COLUMNS)
    first, last = requests["start_s"].min(), requests["end_s"].max()
    step = max(1.0, np.ceil((last - first) / MOST_POINTS))
    starts, ends = np.sort(requests["start_s"]), np.sort(requests["end_s"])
    frames = []
    for scope, frame in samples.items():
        near = frame[frame["time_s"].between(first - 60, last + 60)]
        if near.empty:
            continue
        begin, end = min(first, near["time_s"].min()), max(last, near["time_s"].max())
        grid = np.arange(np.floor(begin / step), np.floor(end / step) + 1) * step
        both = _together(_without_gaps(told_power(near)), grid, step)
        middle = grid + step / 2
        both["requests"] = np.searchsorted(starts, middle, "right") - np.searchsorted(
            ends, middle, "right"
        )
        both["time"] = pd.to_datetime(grid, unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ")
        frames.append(both.assign(scope=scope)[COLUMNS])
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)


def _without_gaps(told: pd.DataFrame) -> pd.DataFrame:
    """Samples without the means over times that are longer than usual, as between the cells."""
    spans = told["span_s"].where(told["span_s"] > 0)
    usual = spans.groupby(told["meter"]).transform("median").fillna(0.0)
    return told[told["span_s"] <= GAP_FACTOR * usual]


def _together(samples: pd.DataFrame, grid: Array, step: float) -> pd.DataFrame:
    """Readings of all meters of a scope in each stretch; no sum where one of them is unknown."""
    stretches = samples.assign(time_s=np.floor(samples["time_s"] / step) * step)
    columns = {}
    for name in READINGS:
        told = stretches.pivot_table(index="time_s", columns="meter", values=name)
        meters = told.apply(_straight, grid=grid, step=step)
        columns[name] = (
            meters.sum(axis=1, min_count=max(meters.shape[1], 1))
            if name in ADDED
            else meters.mean(axis=1)
        )
    return pd.DataFrame(columns).reindex(grid).reset_index(drop=True)


def _straight(readings: pd.Series, grid: Array, step: float) -> pd.Series:
    """One meter's readings at the times of a grid [s], straight between two unless in a gap."""
    readings = readings.dropna()
    times = readings.index.to_numpy()
    gaps = np.diff(times)
    limit = GAP_FACTOR * max(step, np.median(gaps)) if len(gaps) else 0.0
    after = np.searchsorted(times, grid).clip(0, len(times) - 1)
    before = (np.searchsorted(times, grid, "right") - 1).clip(0)
    whole = (times[before] <= grid) & (grid <= times[after])
    whole &= times[after] - times[before] <= limit
    return pd.Series(np.where(whole, np.interp(grid, times, readings), np.nan), index=grid)

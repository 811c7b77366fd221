"""How fast a meter follows the load: its true refresh, its averaging, its clock.

A meter may repeat an old reading (a DCGM exporter refreshes every 30 s unless told otherwise),
give a mean over the last minute, or keep another time; each biases the energy of a short window,
and none shows in a single sample.
"""

from collections.abc import Iterable
from copy import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from inference_energy.meters.stuck import HANGS, repeats
from inference_energy.stress.plan import Finding

Array = NDArray[np.float64]

FRESH_READINGS = 20
"""So many readings a window must hold: its ends are then known to a twentieth each."""


ROOM = 1.1
"""So many times the shortest window is advised: one begins between two readings, and may be cut."""


LEAST_CORRELATION = 0.7


CLEARLY_BETTER = 0.8
"""A delay or an average is believed where it leaves at most this share of the variance."""


AVERAGES = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Times over which meters are known to average [s]."""


MOST_SAMPLES, FEW_SAMPLES = 4000, 1000
"""Samples that are correlated, and of them for each stretch that is far off."""


STEPS, FEW_STEPS = 240, 60
"""Shifts that are tried to each side of a stretch of the log, and of one that is far off."""


ENOUGH = 0.8
"""Share of the samples around the test that another stretch of the log must hold to be its own."""


FURTHEST = 3700.0
"""Largest offset of a log's clock that is looked for: an hour of summer time, and more [s]."""


class Clock(NamedTuple):
    """How a meter's readings follow the load.

    Parameters
    ----------
    offset : float
        How far the meter is ahead of the client, delay included [s]; NaN where it cannot be told.
    averaging : float
        Time over which it averages [s]; zero for none.
    correlation : float
        Of its power and the load, with both taken into account.
    step : float
        Time between its samples [s]: the offset is known no better.
    """

    offset: float
    averaging: float
    correlation: float
    step: float


def refresh(times: ArrayLike, values: ArrayLike) -> float:
    """Mean time between two different readings [s]; NaN with fewer than two changes."""
    changed = np.asarray(times, float)[1:][np.diff(values) != 0]
    return float((changed[-1] - changed[0]) / (len(changed) - 1)) if len(changed) > 1 else np.nan


def check_freshness(
    name: str, times: Array, values: Array, start: float, end: float
) -> list[Finding]:
    """Findings on a meter that gives too few new readings in a window.

    Parameters
    ----------
    name : str
        The meter.
    times, values : array
        Its readings [s], power or counter.
    start, end : float
        The window [s].

    Returns
    -------
    list of Finding
        Refuses the energy with fewer than :data:`FRESH_READINGS` changes, or of a meter that hung.
    """
    within = (times >= start) & (times <= end)
    fresh = int(np.sum(np.diff(values[within]) != 0)) + int(within.any())
    if fresh >= FRESH_READINGS:
        return _check_hanging(name, times[within], values[within], end - start)
    every = refresh(times[within], values[within])
    every = every if np.isfinite(every) else refresh(times, values)
    told, wanted = "", ""
    if np.isfinite(every):
        told = f", a new one every {every:.3g} s"
        wanted = f" or set the window to {enough(every):.0f} s"
    return [
        Finding(
            "stale",
            "energy",
            f"{name}: {fresh} fresh readings in the window of {end - start:.0f} s{told}; "
            f"{FRESH_READINGS} are needed: shorten the meter's own interval (of a DCGM exporter by "
            "DCGM_EXPORTER_INTERVAL=1000, in ms, of Prometheus by scrape_interval: 1s)"
            f"{wanted}; one that rounds to steps which the power does not leave looks the same: use"
            " a finer one",
        )
    ]


def _check_hanging(name: str, times: Array, values: Array, window: float) -> list[Finding]:
    """Findings on a meter that repeats one reading for a part of a window [s].

    :func:`~inference_energy.meters.stuck.repeats` says what chance explains.
    """
    found = repeats(values)
    longest = int(np.argmax(found.last - found.first))
    first, last = found.first[longest], found.last[longest]
    stretch = times[last] - times[first]
    every = (window - stretch) / max(len(found.first) - 1, 1)
    if last - first <= HANGS * found.by_chance or stretch * FRESH_READINGS <= window:
        return []
    return [
        Finding(
            "hangs",
            "energy",
            f"{name}: reads the same for {stretch:.3g} s of the window of {window:.0f} s, though it"
            f" else gives a new reading every {every:.2g} s: look after the meter and repeat the"
            " cell",
        )
    ]


def check_averaging(name: str, averaging: float, window: float) -> list[Finding]:
    """Findings on a meter that gives means over more than a twentieth of a window [s]."""
    if averaging * FRESH_READINGS <= window:
        return []
    return [
        Finding(
            "averaged",
            "energy",
            f"{name}: its power is a mean over about {averaging:.0f} s, so that a window of "
            f"{window:.0f} s holds power from before it: choose its instantaneous power, or set "
            f"the window to {enough(averaging):.0f} s",
        )
    ]


def enough(every: float) -> float:
    """Window that holds enough readings that are so far apart [s]."""
    return float(np.ceil(round(ROOM * FRESH_READINGS * every, 6)))


def clock_offset(
    starts: Array,
    ends: Array,
    samples: pd.DataFrame,
    longest: float = 120.0,
    own_clock: bool = False,
    furthest: float = 0.0,
) -> Clock:
    """How far a meter is ahead of the client, and how long it averages, from load and power.

    The logarithm of the requests in flight, delayed and averaged, is correlated with power at the
    times of the samples; the delay and average with the largest correlation count. Where they are
    not correlated, the power may be the same under every load: then whether any is in flight.

    Parameters
    ----------
    starts, ends : array
        Start and end of every request of the whole test, on the client's clock [s].
    samples : DataFrame
        Samples of one meter with power, on its own clock; span_s, if it is there, is the time
        around each over which its power is a mean, as it is between two counts [s].
    longest : float
        Largest offset looked for [s].
    own_clock : bool
        Whether the client stamped the samples: then they can only be late.
    furthest : float
        Offset up to which one is looked for that explains the power better than any up to `longest`
        [s]: a clock that nobody set would else be taken for right where cells are alike.

    Returns
    -------
    Clock
    """
    samples = samples.dropna(subset=["power_w"]).drop_duplicates("time_s").sort_values("time_s")
    if not len(starts):
        return Clock(np.nan, 0.0, np.nan, np.nan)
    by_load = _Load(starts, ends)
    clocks = {}
    for load in (by_load, by_load.any()):
        clocks[load] = found = _clock(load, samples, longest, own_clock)
        if found.correlation >= LEAST_CORRELATION:
            clocks = {load: found}
            break
    told = [_beyond(load, samples, longest, own_clock, furthest, clocks[load]) for load in clocks]
    return max(told, key=lambda clock: np.nan_to_num(clock.correlation, nan=-1.0))


def _beyond(
    load: "_Load",
    samples: pd.DataFrame,
    longest: float,
    own_clock: bool,
    furthest: float,
    found: Clock,
) -> Clock:
    """The clock that was found, or one further off than `longest` that is clearly better."""
    far = _far_offset(load, samples, longest, furthest, found.correlation)
    if not far:
        return found
    moved = _clock(load, samples.assign(time_s=samples["time_s"] - far), longest, own_clock)
    return moved._replace(offset=moved.offset + far)


def _clock(load: "_Load", samples: pd.DataFrame, longest: float, own_clock: bool) -> Clock:
    """Offset up to `longest`, and average, of samples in the order of time."""
    near = _near(load, samples, longest)
    if len(near) < 3:
        return Clock(np.nan, 0.0, np.nan, np.nan)
    readings, step = _readings(near, MOST_SAMPLES)
    # finer than the samples: between two shifts an edge of the load would look like an average
    grid = longest / STEPS
    step = max(step, grid)
    shifts = np.arange(0 if own_clock else -np.ceil(longest / grid), longest / grid + 1) * grid
    plain = _best(load, readings, shifts, 0.0)
    at_zero = _best(load, readings, [0.0], 0.0)
    found = Clock(plain[1], 0.0, plain[0], step)
    for averaging in (seconds for seconds in AVERAGES if seconds >= 2 * step):
        correlation, shift = _best(load, readings, shifts, averaging)
        if _clearly_better(correlation, found.correlation):
            found = Clock(shift, averaging, correlation, step)
    if not found.correlation >= LEAST_CORRELATION:
        return Clock(np.nan, 0.0, found.correlation, step)
    if own_clock and not _clearly_better(found.correlation, at_zero[0]):
        return Clock(0.0, 0.0, at_zero[0], step)
    return found


def _far_offset(
    load: "_Load", samples: pd.DataFrame, longest: float, furthest: float, correlation: float
) -> float:
    """An offset beyond `longest` that explains the power clearly better [s]; zero for none.

    A stretch of the log in which there are far fewer samples than around the test tells nothing.
    """
    best, offset = max(np.nan_to_num(correlation), 0.0), 0.0
    least = max(ENOUGH * len(_near(load, samples, longest)), 3)
    for centre in np.arange(2 * longest, furthest + longest, 2 * longest):
        for far in (centre, -centre):
            moved = samples.assign(time_s=samples["time_s"] - far)
            near = _near(load, moved, longest)
            if len(near) < least:
                continue
            readings, step = _readings(near, FEW_SAMPLES)
            shifts = np.arange(-longest, longest, max(step, longest / FEW_STEPS))
            new, shift = _best(load, readings, shifts, 0.0)
            if new >= LEAST_CORRELATION and _clearly_better(new, best):
                best, offset = new, far + shift
    return offset


def _near(load: "_Load", samples: pd.DataFrame, longest: float) -> pd.DataFrame:
    """Samples around the test."""
    return samples[samples["time_s"].between(load.times[0] - longest, load.times[-1] + longest)]


class _Readings(NamedTuple):
    """Powers [W], the times over which they are means [s], and the ends of these times [s]."""

    ends: Array
    spans: Array
    power: Array


def _readings(samples: pd.DataFrame, most: int) -> tuple[_Readings, float]:
    """About `most` readings of samples, and the usual step of all of them [s]."""
    step = float(np.median(np.diff(samples["time_s"])))
    samples = samples.iloc[:: len(samples) // most + 1]
    times, power = samples["time_s"].to_numpy(float), samples["power_w"].to_numpy(float)
    spans = samples["span_s"].to_numpy(float) if "span_s" in samples else np.zeros(len(samples))
    return _Readings(times + spans / 2, spans, power), step


def _clearly_better(new: float, old: float) -> bool:
    return 1 - new**2 < CLEARLY_BETTER * (1 - old**2)


def _best(
    load: "_Load", readings: _Readings, shifts: Iterable[float], averaging: float
) -> tuple[float, float]:
    """Largest correlation of power with the averaged load, and its shift [s]."""
    best = (-1.0, np.nan)
    for shift in shifts:
        expected = load.mean(readings.ends - shift, readings.spans + averaging)
        if expected.std() == 0 or readings.power.std() == 0:
            continue
        correlation = float(np.corrcoef(expected, readings.power)[0, 1])
        best = max(best, (correlation, float(shift)))
    return best


class _Load:
    """Logarithm of one plus the requests in flight, over time, or whether there is any."""

    def __init__(self, starts: Array, ends: Array) -> None:
        events = np.concatenate([starts, ends])
        order = np.argsort(events, kind="stable")
        changes = np.concatenate([np.ones(len(starts)), -np.ones(len(ends))])[order]
        self.times = events[order]
        self._take(np.log1p(np.maximum(np.cumsum(changes), 0)))

    def _take(self, values: Array) -> None:
        self.values = values
        self.sums = np.concatenate([[0.0], np.cumsum(values[:-1] * np.diff(self.times))])

    def any(self) -> "_Load":
        """One while any request is in flight, zero else."""
        found = copy(self)
        found._take((self.values > 0).astype(float))
        return found

    def mean(self, times: Array, seconds: Array) -> Array:
        """Mean over the seconds before each time; the load at it where they are none."""
        if not seconds.any():
            last = np.searchsorted(self.times, times, "right") - 1
            return np.where(last < 0, 0.0, self.values[np.maximum(last, 0)])
        until = np.interp(times, self.times, self.sums)
        return (until - np.interp(times - seconds, self.times, self.sums)) / seconds

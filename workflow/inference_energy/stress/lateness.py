"""How late a meter shows that a load begins and ends, whatever its last digits do.

A meter may give an old reading with a little noise on it, so that no two samples are the same. In a
steady load that looks like a fresh one. Where the load begins or ends it does not: the old power
stays, for a time that is another one at each edge, up to that between two true readings.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from inference_energy.stress.freshness import FRESH_READINGS, Array, enough
from inference_energy.stress.plan import Finding

PAUSE = 3.0
"""Shortest time without a request after which a load begins anew [s]."""


FULL = 0.8
"""Share of a load's most requests in flight at which it is reached, and up to which it lasts."""


AROUND = 130.0
"""Time before the first load and after the last in which its edge is looked for [s]."""


CLEAR, LEAST = 8.0, 0.05
"""A step of power is one if it is so many times the noise, and this share of the power: of a
smaller one the energy is hardly wrong."""


KEPT = 0.25
"""Share of a step by which a power moves at most that did not see the load change."""


FEW = 3
"""Readings next to an edge that tell the power there, and in which a step is taken."""


SPREAD = 0.6745 * np.sqrt(2)
"""Median size of the difference of two readings over their standard deviation."""


MISSED = 0.25
"""Share of the edges that a meter may miss."""


MANY = 5
"""Edges of which one, as of a server that works before its first answer, may be an exception."""


class _Edge(NamedTuple):
    """When a load begins or ends, and where its neighbours are.

    Parameters
    ----------
    rises : bool
        Whether it begins.
    size : int
        Most requests in flight.
    first, last : float
        Between these the requests in flight come, or go [s].
    since, until : float
        Between these no other load begins or ends [s].
    """

    rises: bool
    size: int
    first: float
    last: float
    since: float
    until: float


class Lateness(NamedTuple):
    """How a meter shows the edges of the load.

    Parameters
    ----------
    spread : float
        Up to how much later it shows one than another [s].
    edges, missed : int
        Edges that it shows or misses, and of these the latter, where it shows others as large.
    """

    spread: float
    edges: int
    missed: int


FOLLOWS = Lateness(0.0, 0, 0)


def lateness(samples: pd.DataFrame, starts: Array, ends: Array) -> dict[str, Lateness]:
    """How late each meter shows the edges of the load.

    Parameters
    ----------
    samples : DataFrame
        Samples of all meters, on the client's clock.
    starts, ends : array
        Start and end of every request of the whole test [s].

    Returns
    -------
    dict of str to Lateness
        By meter.
    """
    edges = _edges(starts, ends)
    read = samples[samples["power_w"] > 0].drop_duplicates(["meter", "time_s"])
    found = {}
    for meter, group in read.sort_values("time_s").groupby("meter"):
        times, power = group["time_s"].to_numpy(float), group["power_w"].to_numpy(float)
        found[str(meter)] = _lateness([_shown(edge, times, power) for edge in edges], times)
    return found


def check_lateness(name: str, late: Lateness, window: float) -> list[Finding]:
    """Findings on a meter that does not follow the load to a twentieth of a window [s]."""
    told, wanted = "", ""
    if late.missed > max(MISSED * late.edges, 1):
        told = (
            f"does not show {late.missed} of {late.edges} times that a load begins or ends, though "
            "it shows others"
        )
    elif late.spread * FRESH_READINGS > window:
        told = f"shows that a load begins or ends up to {late.spread:.3g} s later than another time"
        wanted = f", or set the window to {enough(late.spread):.0f} s"
    if not told:
        return []
    message = (
        f"{name}: {told}: so does a meter that is renewed as seldom, whatever its last digits do; "
        f"{FRESH_READINGS} fresh readings are needed in the window of {window:.0f} s: shorten its "
        f"own interval, or that of the program that repeats its readings{wanted}"
    )
    return [Finding("stale", "energy", message)]


class _Shown(NamedTuple):
    """How an edge shows in a meter's power.

    Parameters
    ----------
    size : int
        Most requests in flight of its load.
    late : float
        How long after it power steps, below zero before it; NaN for no clear step of its own [s].
    step, change : float
        How much power steps, and changes from before the edge to after it [W]; NaN for unknown.
    """

    size: int
    late: float
    step: float
    change: float


def _lateness(shown: Sequence[_Shown], times: Array) -> Lateness:
    clear = [edge for edge in shown if np.isfinite(edge.late)]
    if len(clear) < 2:
        return FOLLOWS
    late = np.array([edge.late for edge in clear])
    if len(late) >= MANY:
        late = np.delete(late, np.argmax(np.abs(late - np.median(late))))
    missed = 0
    for edge in shown:
        alike = [other.step for other in clear if other.size <= edge.size]
        if alike and np.isnan(edge.late) and edge.change < KEPT * np.median(alike):
            missed += 1
    # known to a step of the log; of n times drawn from one span, n + 1 parts of it are between them
    spread = max(float(np.ptp(late) - np.median(np.diff(times))), 0.0)
    spread *= (len(clear) + 1) / (len(late) - 1)
    return Lateness(spread, len(clear) + missed, missed)


def _edges(starts: Array, ends: Array) -> list[_Edge]:
    """Edges of the loads between pauses."""
    order = np.argsort(starts)
    starts, latest = starts[order], np.maximum.accumulate(ends[order])
    begin = np.flatnonzero(np.concatenate([[True], starts[1:] - latest[:-1] >= PAUSE]))
    loads = [
        _load(starts[first:after], ends[order][first:after])
        for first, after in zip(begin, [*begin[1:], len(starts)], strict=True)
    ]
    edges = []
    for number, (size, begins, full, fades, over) in enumerate(loads):
        since = loads[number - 1][-1] if number else begins - AROUND
        until = loads[number + 1][1] if number + 1 < len(loads) else over + AROUND
        edges.append(_Edge(True, size, begins, full, since, over))
        edges.append(_Edge(False, size, fades, over, begins, until))
    return edges


def _load(starts: Array, ends: Array) -> tuple[int, float, float, float, float]:
    """Most requests in flight of a load; when it begins, is reached, is held last, is over [s]."""
    times = np.concatenate([starts, ends])
    order = np.argsort(times, kind="stable")
    changes = np.concatenate([np.ones(len(starts)), -np.ones(len(ends))])[order]
    times, in_flight = times[order], np.cumsum(changes)
    most = int(in_flight.max())
    full = np.flatnonzero(in_flight >= FULL * most)
    return most, times[0], times[full[0]], times[full[-1] + 1], times[-1]


def _shown(edge: _Edge, times: Array, power: Array) -> _Shown:
    near = (times > edge.since) & (times < edge.until)
    times, power = times[near], power[near]
    before, beyond = times <= edge.first, times >= edge.last
    if min(before.sum(), beyond.sum()) < FEW:
        return _Shown(edge.size, np.nan, np.nan, np.nan)
    change = float(abs(np.median(power[beyond]) - np.median(power[before])))
    after = _step(power if edge.rises else -power)
    late, held, old = 0.0, np.zeros(len(times), bool), power[:0]
    if times[after - 1] > edge.last:
        late = times[after - 1] - edge.last
        held, old = (times > edge.last) & (times <= times[after - 1]), power[before][-FEW:]
    elif times[after] < edge.first:
        late = times[after] - edge.first
        held, old = (times < edge.first) & (times >= times[after]), power[beyond][:FEW]
    width = max(int(held.sum()), FEW)
    sides = np.median(power[max(after - width, 0) : after]), np.median(power[after : after + width])
    step = float(abs(sides[1] - sides[0]))
    noise = np.median(np.abs(np.diff(power))) / SPREAD
    at_once = abs(power[min(after + 1, len(power) - 1)] - power[max(after - 2, 0)])
    clear = step >= max(CLEAR * noise, LEAST * max(sides)) and at_once >= step / 2
    if not clear or (held.any() and abs(np.median(power[held]) - np.median(old)) > KEPT * step):
        return _Shown(edge.size, np.nan, np.nan, change)
    return _Shown(edge.size, late, step, change)


def _step(power: Array) -> int:
    """Place after the largest step up: where two means explain power best."""
    count = np.arange(1, len(power))
    below = np.cumsum(power)[:-1] / count
    above = (power.sum() - below * count) / (len(power) - count)
    rise = np.maximum(above - below, 0)
    return int(np.argmax(count * (len(power) - count) * rise**2)) + 1

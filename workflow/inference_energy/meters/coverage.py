"""How much of a run the readings of a meter cover, and the mean power over it."""

import numpy as np
from numpy.typing import NDArray

from inference_energy.units import mean_power

Array = NDArray[np.float64]

GAP_FACTOR = 3.0
"""Time between two readings over the usual one, above which the meter was silent. [1]"""

SHORT_SHARE = 0.02
"""Share of a run that a time between two readings has at most that is no gap, however long it is
beside others: a logger that reads a run fifty times tells its mean, and one that reads it more
often in between no less. [1]"""

LEAST_COVERAGE = 0.95
"""Share of a run that readings cover at least: what is missing may then have had twice the power
without moving the mean by more than meters differ."""


def longest_wait(times: Array) -> float:
    """Longest time between two readings that is no gap [s].

    Parameters
    ----------
    times : array
        Of two readings or more, in their order. [s]
    """
    return GAP_FACTOR * float(np.median(np.diff(times)))


def coverage(times: Array, whole: NDArray[np.bool_], start: float, end: float) -> float:
    """Share of a time that lies between readings. [1]

    Parameters
    ----------
    times : array
        Of the readings, in their order. [s]
    whole : array of bool
        Whether the time between each two is no gap.
    start, end : float
        Of what is to be covered. [s]
    """
    overlap = np.clip(np.minimum(times[1:], end) - np.maximum(times[:-1], start), 0, None)
    return float(overlap[whole].sum()) / (end - start)


def of_run(times: Array, start: float, end: float, counts: Array | None = None) -> float:
    """Share of a run that a meter's readings tell of. [1]

    The first and the last reading tell of the time before and after them that is no gap. A counter
    goes on where it is not read, and tells nothing of the time in which it falls.

    Parameters
    ----------
    times : array
        Of the readings, in their order. [s]
    start, end : float
        Of the run. [s]
    counts : array, optional
        What is read, of a counter. [J]
    """
    if len(times) < 2:
        return 0.0
    reaching, whole = _reaching(times, start, end)
    if counts is not None:
        whole[1:-1] = np.diff(counts) >= 0
    return coverage(reaching, whole, start, end)


def _reaching(times: Array, start: float, end: float) -> tuple[Array, NDArray[np.bool_]]:
    """Times of readings, with one before and one after them, and whether no gap is between two."""
    limit = longest_wait(times)
    reaching = np.concatenate([[times[0] - limit], times, [times[-1] + limit]])
    most = max(limit, SHORT_SHARE * (end - start))
    return reaching, np.concatenate([[True], np.diff(times) <= most, [True]])


def integral(
    times: Array, power: Array, whole: NDArray[np.bool_], start: float, end: float
) -> float:
    """Trapezoids of power over a time, gaps left out [J].

    Parameters
    ----------
    times, power : array
        Readings, in the order of time. [s], [W]
    whole : array of bool
        Whether the time between each two is no gap.
    start, end : float
        Of the time. [s]
    """
    left, right = np.maximum(times[:-1], start), np.minimum(times[1:], end)
    inside = whole & (right > left)
    left, right = left[inside], right[inside]
    heights = np.interp(left, times, power) + np.interp(right, times, power)
    return float(np.sum((right - left) * heights / 2))


def mean_over_run(times: Array, power: Array, start: float, end: float) -> float:
    """Mean over a run of a power that is read now and then [W].

    A reading counts for the time around it: loggers that are started again, or tell changes, read
    at uneven steps. Gaps are left out, and what the first and last reading tell of is as for
    ``of_run``; of a run that lies in gaps but for readings alone, these are told.

    Parameters
    ----------
    times, power : array
        Readings, of the log rather than the run, in the order of time; one or more of the run.
        [s], [W]
    start, end : float
        Of the run. [s]
    """
    share = of_run(times, start, end)
    if not share:
        return float(power[(times >= start) & (times <= end)].mean())
    reaching, whole = _reaching(times, start, end)
    held = np.concatenate([power[:1], power, power[-1:]])
    return mean_power(integral(reaching, held, whole, start, end), share * (end - start))

"""How much of a run the readings of a meter cover."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GAP_FACTOR = 3.0
"""Time between two readings over the usual one, above which the meter was silent. [1]"""

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


def of_run(times: Array, start: float, end: float, counts: bool = False) -> float:
    """Share of a run that a meter's readings tell of. [1]

    The first and the last reading tell of the time before and after them that is no gap. A counter
    goes on where it is not read.

    Parameters
    ----------
    times : array
        Of the readings, in their order. [s]
    start, end : float
        Of the run. [s]
    counts : bool
        Whether they are those of a counter.
    """
    if len(times) < 2:
        return 0.0
    limit = longest_wait(times)
    whole = (np.diff(times) <= limit) | counts
    reaching = np.concatenate([[times[0] - limit], times, [times[-1] + limit]])
    return coverage(reaching, np.concatenate([[True], whole, [True]]), start, end)

"""The steady window of a cell."""

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.stress.freshness import Array
from inference_energy.stress.plan import (
    DRIFT_LIMIT,
    FEW_QUERIES,
    LEAST_KEPT,
    LEAST_QUERIES,
    SLICES,
    STEADY_TOLERANCE,
    Finding,
)
from inference_energy.units import MICRO


def full_load(requests: pd.DataFrame, concurrency: int) -> tuple[float, float] | None:
    """Start and end of the time in which `concurrency` requests were in flight [s].

    From the start of the last of the first `concurrency` requests to the first end after the last
    start: before, the load is still being built up; after, it drains. Times are known to a
    microsecond: an end at a start is not after it.

    Returns
    -------
    (float, float) or None
        None when so many were never in flight.
    """
    starts = np.sort(requests["start_s"].to_numpy())
    if len(starts) < concurrency:
        return None
    ends = requests["end_s"].to_numpy()
    start, end = starts[concurrency - 1], min(ends[ends > starts[-1] + MICRO], default=-np.inf)
    return (start, end) if end > start else None


def _delivered(requests: pd.DataFrame) -> pd.DataFrame:
    """Requests that delivered tokens."""
    return requests[~requests["failed"] & (requests["output_tokens"] > 0)]


def tokens_between(requests: pd.DataFrame, start: float, end: float) -> float:
    """Output tokens that were produced between two times.

    The first token of a request counts when it arrives, the others evenly from then to its end.
    Those of an answer that comes in one piece (a proxy may hold it back) were produced at times
    that nobody saw: they count evenly over the whole request. Failed requests produce none.
    """
    done = _delivered(requests)
    first, last = done["first_token_s"].to_numpy(), done["end_s"].to_numpy()
    first = np.where(first < last, first, done["start_s"].to_numpy())
    arrived = (first >= start) & (first < end)
    span = last - first
    within = np.clip(end, first, last) - np.clip(start, first, last)
    share = np.where(span > 0, within / np.where(span > 0, span, 1), arrived)
    return float(np.sum((done["output_tokens"].to_numpy() - 1) * share + arrived))


def work_between(requests: pd.DataFrame, start: float, end: float) -> float:
    """Output tokens whose share of their request's whole time lies between two times.

    Requests in step with each other, or one after the other, have their prefills at once: their
    tokens come in waves, which are no drift. Evenly over its request, a token of a steady server
    makes a steady rate.
    """
    done = _delivered(requests)
    done = done[done["end_s"] > done["start_s"]]
    begun, ended = done["start_s"].to_numpy(), done["end_s"].to_numpy()
    within = np.clip(np.minimum(ended, end) - np.maximum(begun, start), 0, None)
    return float(np.sum(done["output_tokens"].to_numpy() * within / (ended - begun)))


def truncation(rates: ArrayLike) -> int:
    """Number of leading slices that belong to the warm-up, by the MSER rule.

    The cut that leaves the mean of the rest with the smallest standard error, searched over the
    first half. References: White (1997), *Simulation* 69(6), 323-334.
    """
    rates = np.asarray(rates, float)
    scores = [rates[cut:].var() / (len(rates) - cut) for cut in range(len(rates) // 2 + 1)]
    return int(np.argmin(scores))


def steady_window(
    requests: pd.DataFrame, concurrency: int
) -> tuple[tuple[float, float] | None, list[Finding]]:
    """The part of a cell in which load and token rate were steady.

    Returns
    -------
    window : (float, float) or None
        Start and end [s].
    findings : list of Finding
    """
    window = full_load(requests, concurrency)
    if window is None:
        return None, [
            Finding(
                "load",
                "all",
                f"{concurrency} requests were never in flight at once: raise the window, or lower "
                "the concurrency to what the server takes",
            )
        ]
    start, end = window
    edges = np.linspace(start, end, SLICES + 1)
    rates = np.array([work_between(requests, *pair) for pair in pairwise(edges)])
    cut = truncation(rates)
    rest = rates[cut:]
    # a cut at its limit found a drift, no warm-up; of few queries, one that was slow
    if (
        0 < cut < SLICES // 2
        and _queries(requests, rates.sum()) >= FEW_QUERIES
        and rest.mean() > 0
        and abs(rates[:cut].mean() / rest.mean() - 1) > STEADY_TOLERANCE
    ):
        start = edges[cut]
    else:
        rest = rates
    return (start, end), [
        *_check_cut(rest.sum(), rates.sum()),
        *_check_drift(rest),
        *_check_count(requests, rest.sum()),
        *_check_prefills(requests, start, end),
    ]


def _queries(requests: pd.DataFrame, tokens: float) -> float:
    """How many mean queries so many tokens are; none where all answers are empty."""
    mean = requests["output_tokens"].mean()
    return round(tokens / mean, 6) if mean > 0 else 0.0


def _check_cut(kept: float, tokens: float) -> list[Finding]:
    """Findings on a warm-up that holds most of the cell's tokens."""
    if kept >= LEAST_KEPT * tokens:
        return []
    return [
        Finding(
            "warm-up",
            "all",
            f"only {kept:.0f} of {tokens:.0f} tokens are left after the warm-up is cut: lengthen "
            "the window (window, rounds)",
        )
    ]


def _check_drift(rates: Array) -> list[Finding]:
    """Findings on a token rate that differs between the halves of the window."""
    middle = len(rates) // 2
    late, early = rates[middle:].mean(), rates[:middle].mean()
    drift = late / early - 1 if early > 0 else np.inf
    if abs(drift) <= STEADY_TOLERANCE:
        return []
    refuses = "all" if abs(drift) > DRIFT_LIMIT else ""
    return [
        Finding(
            "not steady",
            refuses,
            f"the token rate of the second half is {1 + drift:.2f} times that of the first: "
            "lengthen the window, or look for other load",
        )
    ]


def _check_count(requests: pd.DataFrame, tokens: float) -> list[Finding]:
    """Findings on a window that holds few queries."""
    queries = _queries(requests, tokens)
    if queries >= FEW_QUERIES:
        return []
    return [
        Finding(
            "few queries",
            "all" if queries < LEAST_QUERIES else "",
            f"the window holds {queries:.1f} queries: one more or less decides; lengthen it "
            "(window, rounds)",
        )
    ]


def _check_prefills(requests: pd.DataFrame, start: float, end: float) -> list[Finding]:
    """Findings on a window that holds more or fewer prefills than queries' worth of tokens.

    Requests in step have their prefills at once: a window that ends among them has paid for tokens
    that come after it. Of answers in one piece nobody saw when the prefill ended.
    """
    done = _delivered(requests)
    done = done[done["first_token_s"] < done["end_s"]]
    prefills = int(done["first_token_s"].between(start, end, inclusive="left").sum())
    queries = _queries(done, tokens_between(done, start, end))
    if queries == 0 or abs(prefills / queries - 1) <= STEADY_TOLERANCE:
        return []
    return [
        Finding(
            "prefills",
            "",
            f"the window holds {prefills} prefills for {queries:.1f} queries' worth of tokens, and "
            "the energy of a query that of as many: lengthen it (window, rounds)",
        )
    ]

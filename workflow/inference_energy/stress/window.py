"""The steady window of a cell."""

from itertools import pairwise

import numpy as np

from inference_energy.stress.plan import SLICES, STEADY_TOLERANCE, Finding


def full_load(requests, concurrency):
    """Start and end of the time in which `concurrency` requests were in flight [s].

    From the start of the last of the first `concurrency` requests to the first end after the last
    start: before, the load is still being built up; after, it drains.

    Returns
    -------
    (float, float) or None
        None when so many were never in flight.
    """
    starts = np.sort(requests["start_s"].to_numpy())
    if len(starts) < concurrency:
        return None
    ends = requests["end_s"].to_numpy()
    start, end = starts[concurrency - 1], ends[ends > starts[-1]].min()
    return (start, end) if end > start else None


def tokens_between(requests, start, end):
    """Output tokens that were produced between two times.

    The first token of a request counts when it arrives, the others evenly from then to its end; an
    answer that comes in one piece counts when it comes. Failed requests produce none.
    """
    done = requests[~requests["failed"] & (requests["output_tokens"] > 0)]
    first, last = done["first_token_s"].to_numpy(), done["end_s"].to_numpy()
    arrived = (first >= start) & (first < end)
    span = last - first
    within = np.clip(end, first, last) - np.clip(start, first, last)
    share = np.where(span > 0, within / np.where(span > 0, span, 1), arrived)
    return float(np.sum((done["output_tokens"].to_numpy() - 1) * share + arrived))


def truncation(rates):
    """Number of leading slices that belong to the warm-up, by the MSER rule.

    The cut that leaves the mean of the rest with the smallest standard error, searched over the
    first half. References: White (1997), *Simulation* 69(6), 323-334.
    """
    rates = np.asarray(rates, float)
    scores = [rates[cut:].var() / (len(rates) - cut) for cut in range(len(rates) // 2 + 1)]
    return int(np.argmin(scores))


def steady_window(requests, concurrency):
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
    rates = np.array([tokens_between(requests, *pair) for pair in pairwise(edges)])
    cut = truncation(rates)
    rest = rates[cut:]
    if cut and rest.mean() > 0 and abs(rates[:cut].mean() / rest.mean() - 1) > STEADY_TOLERANCE:
        start = edges[cut]
    else:
        rest = rates
    middle = len(rest) // 2
    late, early = rest[middle:].mean(), rest[:middle].mean()
    findings = []
    if early > 0 and abs(late / early - 1) > STEADY_TOLERANCE:
        findings.append(
            Finding(
                "not steady",
                "",
                f"the token rate of the second half is {late / early:.2f} times that of the first: "
                "lengthen the window, or look for other load",
            )
        )
    return (start, end), findings

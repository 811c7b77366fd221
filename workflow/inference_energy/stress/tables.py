"""Tables of the stress test."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from inference_energy.stress.freshness import Array
from inference_energy.stress.impact import at_length
from inference_energy.stress.plan import LEAST_REPETITIONS
from inference_energy.stress.window import tokens_between
from inference_energy.text import grouped
from inference_energy.units import J_PER_WH, PERCENT

LENGTHS, NEAR = (15.0, 5000 / 300), 1.05
"""Tokens of the paper's long query over those of its typical one, as its text and as its medians
say, and how many times as far apart others may be that its ratio of energies is held against."""


def performance(requests: pd.DataFrame, window: tuple[float, float]) -> dict[str, Any]:
    """Throughput and latencies of one cell over its steady window.

    Returns
    -------
    dict
        window_start (UTC), window_s [s], requests, failed, delivered tokens (mean, min, max),
        tokens in the window, throughput_tps [tokens/s], percentiles of ttft, itl and latency [s],
        prefill_share: the share of a query's time before its first token (waiting and prefill).
    """
    start, end = window
    done = requests[~requests["failed"]]
    inside = done[(done["end_s"] > start) & (done["start_s"] < end)]
    tokens = tokens_between(requests, start, end)
    lengths = done["output_tokens"]
    row = {
        "window_start": pd.Timestamp(start, unit="s", tz="UTC").isoformat(timespec="milliseconds"),
        "window_s": end - start,
        "requests": len(requests),
        "failed": int(requests["failed"].sum()),
        "delivered_tokens": lengths.mean(),
        "delivered_tokens_min": lengths.min(),
        "delivered_tokens_max": lengths.max(),
        "input_tokens": done["input_tokens"].mean(),
        "window_tokens": tokens,
        "throughput_tps": tokens / (end - start),
        "prefill_share": inside["ttft_s"].sum() / inside["latency_s"].sum(),
    }
    for name in ("ttft", "itl", "latency"):
        for percent in (50, 90, 99):
            row[f"{name}_p{percent}_s"] = inside[f"{name}_s"].quantile(percent / PERCENT)
    return row


def energy_per_query(energy: float, window_tokens: float, delivered_tokens: float) -> float:
    """Energy of one query [Wh]: the window's energy, shared by the tokens produced in it.

    Parameters
    ----------
    energy : float
        Energy of the window [J]; NaN where not measured.
    window_tokens, delivered_tokens : float
        Output tokens of the window, and of one query.
    """
    in_wh = energy / J_PER_WH
    return in_wh * delivered_tokens / window_tokens


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float, int]:
    """Geometric mean of repetitions and its interval.

    The t interval of the logs: energies are positive, and so are the bounds.

    Returns
    -------
    (float, float, float, int)
        Mean, low, high, number of values; the interval is NaN with fewer than three.
    """
    logs = _logs(values)
    count = len(logs)
    if count == 0:
        return np.nan, np.nan, np.nan, 0
    mean = logs.mean()
    if count < LEAST_REPETITIONS:
        return float(np.exp(mean)), np.nan, np.nan, count
    half = stats.t.ppf((1 + level) / 2, count - 1) * stats.sem(logs)
    middle, low, high = (float(x) for x in np.exp([mean, mean - half, mean + half]))
    return middle, low, high, count


def _logs(values: ArrayLike) -> Array:
    """Logarithms of the values that were measured."""
    values = np.asarray(values, float)
    return np.log(values[values > 0])


def ratio_interval(
    long: ArrayLike, short: ArrayLike, level: float = 0.95
) -> tuple[float, float, float]:
    """Ratio of two groups of repetitions and its interval.

    Ratio of geometric means; the interval is Welch's t interval of the difference of the logs, for
    unequal spreads and small groups.

    Returns
    -------
    (float, float, float)
        Ratio, low, high; the interval is NaN when a group has fewer than three values.
    """
    logs = [_logs(group) for group in (long, short)]
    if min(len(group) for group in logs) == 0:
        return np.nan, np.nan, np.nan
    ratio = float(np.exp(logs[0].mean() - logs[1].mean()))
    if min(len(group) for group in logs) < LEAST_REPETITIONS:
        return ratio, np.nan, np.nan
    if max(group.std() for group in logs) == 0:
        return ratio, ratio, ratio
    interval = stats.ttest_ind(*logs, equal_var=False).confidence_interval(level)
    return ratio, float(np.exp(interval.low)), float(np.exp(interval.high))


def energy_table(cells: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Energy per query by length and concurrency, with intervals.

    Parameters
    ----------
    cells : DataFrame
        output_tokens, concurrency, repetition, scope, energy_wh; one row a cell and scope.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        scope, concurrency, output_tokens, statistic (mean, low, high, n), value, unit.
    """
    rows = []
    for keys, group in cells.groupby(["scope", "concurrency", "output_tokens"]):
        mean, low, high, count = mean_interval(group["energy_wh"], level)
        for statistic, value, unit in (
            ("mean", mean, "Wh"),
            ("low", low, "Wh"),
            ("high", high, "Wh"),
            ("n", count, "cells"),
        ):
            rows.append((*keys, statistic, value, unit))
    columns = ["scope", "concurrency", "output_tokens", "statistic", "value", "unit"]
    return pd.DataFrame(rows, columns=columns)


def ratio_table(
    cells: pd.DataFrame,
    published: float,
    prediction: Mapping[float, float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Energy of the longest query over that of the shortest, against published and predicted.

    Parameters
    ----------
    cells : DataFrame
        As for `energy_table`.
    published : float
        The paper's ratio.
    prediction : dict, optional
        The node's own predicted energy per query [Wh] by output tokens; between two lengths it is
        interpolated in the logarithms, beyond them there is none.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        scope, concurrency, shortest, longest [tokens], measured, low, high, published, predicted,
        verdict: of the published ratio against the measured interval.
    """
    columns = ["scope", "concurrency", "shortest", "longest", "measured", "low", "high"]
    columns += ["published", "predicted", "verdict"]
    rows = []
    for keys, group in cells.groupby(["scope", "concurrency"]):
        shortest, longest = group["output_tokens"].min(), group["output_tokens"].max()
        if shortest == longest:
            continue
        by_length = group.set_index("output_tokens")["energy_wh"]
        ratio, low, high = ratio_interval(
            by_length.loc[[longest]], by_length.loc[[shortest]], level
        )
        ends = [at_length(prediction or {}, length) for length in (longest, shortest)]
        predicted = ends[0] / ends[1]
        counts = [int(by_length.loc[[length]].count()) for length in (longest, shortest)]
        verdict = ratio_verdict(published, ratio, low, high, counts, longest / shortest)
        rows.append((*keys, shortest, longest, ratio, low, high, published, predicted, verdict))
    return pd.DataFrame(rows, columns=columns)


def ratio_verdict(
    published: float,
    ratio: float,
    low: float,
    high: float,
    counts: Sequence[int],
    factor: float = LENGTHS[0],
) -> str:
    """Where a published ratio stands against a measured interval.

    `counts` are the energies of the longest and of the shortest query that it comes from, and
    `factor` is the tokens of the longest over those of the shortest.
    """
    if np.isnan(ratio):
        return "not measured"
    least, most = LENGTHS
    if not least / NEAR <= factor <= most * NEAR:
        return (
            f"not told: of {grouped(factor)} times the tokens, the paper's is of {least:g} to "
            f"{grouped(most)} times"
        )
    if np.isnan(low):
        longest, shortest = counts
        return (
            f"no interval: {LEAST_REPETITIONS} repetitions are needed, the longest has {longest} "
            f"with energy and the shortest {shortest}"
        )
    if low <= 1:
        return "not told: the interval holds 1, repeat the cells"
    if low <= published <= high:
        return "within the interval"
    return "published is higher" if published > high else "published is lower"

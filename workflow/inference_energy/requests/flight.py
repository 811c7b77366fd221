"""Load, measured from the log itself: requests in flight over time."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.requests.counts import FLIGHT_BIN
from inference_energy.units import MICROSECONDS_PER_HOUR

BINS_PER_HOUR = MICROSECONDS_PER_HOUR // FLIGHT_BIN


def in_flight(flight: pd.DataFrame) -> pd.DataFrame:
    """Mean number of requests in flight over time, by model.

    Parameters
    ----------
    flight : DataFrame
        model, time (bin), change (starts less ends), remaining (for each of them the time that is
        left of its bin). [1, FLIGHT_BIN, requests, us]

    Returns
    -------
    DataFrame
        model, time (first bin), bins (how many alike), mean (requests), without gaps from the first
        change of each model to its last: no longer than twice the changes, however far apart.
    """
    columns = ["model", "time", "bins", "mean"]
    tables = [pd.DataFrame(columns=columns).astype({"time": "int64", "bins": "int64"})]
    for model, rows in flight.groupby("model", dropna=False, sort=True):
        sums = rows.groupby("time", sort=True)[["change", "remaining"]].sum()
        time = sums.index.to_numpy()
        level = np.cumsum(sums["change"].to_numpy(float))
        mean = level - sums["change"].to_numpy() + sums["remaining"].to_numpy() / FLIGHT_BIN
        gap = np.diff(time, append=time[-1] + 1) - 1
        one = {
            "model": model,
            "time": np.stack([time, time + 1], axis=1).ravel(),
            "bins": np.stack([np.ones_like(gap), gap], axis=1).ravel(),
            "mean": np.stack([mean, level], axis=1).ravel(),
        }
        tables.append(pd.DataFrame(one).query("bins > 0"))
    return pd.concat(tables[1:] or tables, ignore_index=True)


def load(runs: pd.DataFrame) -> pd.DataFrame:
    """Requests in flight over the log, by model.

    Parameters
    ----------
    runs : DataFrame
        As from ``in_flight``.

    Returns
    -------
    DataFrame
        model, mean over time, mean as a request sees it (each moment counts as often as there are
        requests; at least the request itself), largest mean of a bin. [requests]
    """
    rows = []
    for model, one in runs.groupby("model", dropna=False, sort=True):
        mean, bins = one["mean"].to_numpy(), one["bins"].to_numpy()
        time = float(mean @ bins)
        seen = max(float(mean**2 @ bins) / time, 1.0) if time else 1.0
        rows.append((model, time / float(bins.sum()), seen, float(mean.max())))
    found = pd.DataFrame(rows, columns=["model", "mean", "seen_by_request", "largest"])
    # of requests that all lack a model pandas would make the column one of numbers
    return found.astype({"model": object})


def load_by_hour(runs: pd.DataFrame, hours: pd.Series) -> NDArray[np.float64]:
    """Mean requests in flight of all models in some hours.

    Parameters
    ----------
    runs : DataFrame
        As from ``in_flight``.
    hours : array_like
        Hours since 1970.

    Returns
    -------
    ndarray
        [requests]
    """
    ends = np.add.outer(np.asarray(hours), [0, 1]) * BINS_PER_HOUR
    total = np.zeros(len(ends))
    for _, one in runs.groupby("model", dropna=False, sort=True):
        times = np.append(one["time"], one["time"].iloc[-1] + one["bins"].iloc[-1])
        passed = np.concatenate([[0.0], np.cumsum(one["mean"] * one["bins"])])
        total += np.diff(np.interp(ends, times, passed), axis=1)[:, 0]
    return total / BINS_PER_HOUR

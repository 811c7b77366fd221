"""Load, measured from the log itself: requests in flight over time."""

import numpy as np
import pandas as pd

from inference_energy.requests.counts import FLIGHT_BIN
from inference_energy.units import MICROSECONDS_PER_HOUR


def in_flight(flight):
    """Mean number of requests in flight in every bin of time, by model.

    Parameters
    ----------
    flight : DataFrame
        model, time (bin), change (starts less ends), remaining (for each of them the time that is
        left of its bin). [1, FLIGHT_BIN, requests, us]

    Returns
    -------
    DataFrame
        model, time, mean (requests); every bin from the first to the last of each model.
    """
    tables = []
    for model, rows in flight.groupby("model", dropna=False, sort=True):
        first, last = int(rows["time"].min()), int(rows["time"].max())
        place = rows["time"].to_numpy() - first
        change, remaining = np.zeros((2, last - first + 1))
        np.add.at(change, place, rows["change"])
        np.add.at(remaining, place, rows["remaining"])
        before = np.concatenate([[0.0], np.cumsum(change)[:-1]])
        mean = before + remaining / FLIGHT_BIN
        tables.append(
            pd.DataFrame({"model": model, "time": np.arange(first, last + 1), "mean": mean})
        )
    return pd.concat(tables, ignore_index=True)


def load(bins):
    """Requests in flight over the log, by model.

    Returns
    -------
    DataFrame
        model, mean over time, mean as a request sees it (each moment counts as often as there are
        requests), largest mean of a bin. [requests]
    """
    rows = []
    for model, one in bins.groupby("model", dropna=False, sort=True):
        mean = one["mean"].to_numpy()
        seen = float(mean @ mean / mean.sum()) if mean.any() else 0.0
        rows.append((model, float(mean.mean()), seen, float(mean.max())))
    return pd.DataFrame(rows, columns=["model", "mean", "seen_by_request", "largest"])


def load_by_hour(bins):
    """Mean requests in flight of all models by hour since 1970, a Series."""
    bins_per_hour = MICROSECONDS_PER_HOUR // FLIGHT_BIN
    return bins.groupby(bins["time"] // bins_per_hour)["mean"].sum() / bins_per_hour

"""Load, measured from the log itself: requests in flight over time."""

from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.requests.counts import FLIGHT_BIN, TABLES
from inference_energy.units import MICROSECONDS_PER_HOUR

BINS_PER_HOUR = MICROSECONDS_PER_HOUR // FLIGHT_BIN


def changes(
    connection: duckdb.DuckDBPyConnection, owners: Mapping[str | None, int]
) -> Iterator[tuple[int, pd.DataFrame]]:
    """Changes of what is in flight on the copies of one owner after another.

    All together would take memory in proportion to models times time.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the changes as a table or view of ``counts.TABLES``, ``flight``.
    owners : mapping of str or None to int
        Whose copies, by a number, answer each of the log's models.

    Yields
    ------
    int, DataFrame
        Owner, and its changes, as ``in_flight`` takes them, without the model.
    """
    names = {"name": [name or "" for name in owners], "owner": [*owners.values()]}
    connection.register("owner_names", pd.DataFrame(names).astype({"name": str}))
    sums = ", ".join(f"sum({column})::BIGINT AS {column}" for column in TABLES["flight"][1])
    # sorted, so that each owner is a few blocks of the table
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE owned AS SELECT owner, time, {sums} FROM flight"
        " JOIN owner_names ON coalesce(model, '') = name GROUP BY ALL ORDER BY owner, time"
    )
    connection.unregister("owner_names")
    for (owner,) in connection.execute("SELECT DISTINCT owner FROM owned ORDER BY ALL").fetchall():
        own = "SELECT * EXCLUDE (owner) FROM owned WHERE owner = ? ORDER BY time"
        yield owner, connection.execute(own, [owner]).df()
    connection.execute("DROP TABLE owned")


def in_flight(flight: pd.DataFrame) -> pd.DataFrame:
    """Mean number of requests in flight over time, by model.

    Parameters
    ----------
    flight : DataFrame
        model, time (bin), change (starts less ends), remaining (for each of them the time that is
        left of its bin), own (for each the time t in flight in that bin, less t**2 / FLIGHT_BIN).
        [1, FLIGHT_BIN, requests, us, us]

    Returns
    -------
    DataFrame
        model, time (first bin), bins (how many alike), mean (requests), own (requests; of all bins
        together), without gaps from the first change of each model to its last: no longer than
        twice the changes, however far apart.
    """
    keys, changes = ["model", "time"], ["change", "remaining", "own"]
    sums = flight.groupby(keys, dropna=False, sort=True)[changes].sum().reset_index()
    of_model = sums.groupby("model", dropna=False, sort=False)
    level = of_model["change"].cumsum()
    gap = (-of_model["time"].diff(-1) - 1).fillna(0).astype("int64")
    mean = level - sums["change"] + sums["remaining"] / FLIGHT_BIN
    changing = sums[keys].assign(bins=1, mean=mean, own=sums["own"] / FLIGHT_BIN)
    steady = changing.assign(time=sums["time"] + 1, bins=gap, mean=level.astype(float), own=0.0)
    runs = pd.concat([changing, steady]).sort_index(kind="stable")
    return runs[runs["bins"] > 0].reset_index(drop=True)


def load(runs: pd.DataFrame) -> pd.DataFrame:
    """Requests in flight over the log, by model.

    Of two requests that are in flight for a part of a bin, nobody knows whether they meet; as where
    neither knows of the other, they do for the product of their parts. Only a request itself is
    always there while it is, which the bin's mean does not say and ``own`` adds.

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
    mean, bins = runs["mean"], runs["bins"]
    squares = mean**2 * bins + runs["own"]
    by_model = runs.assign(time=mean * bins, square=squares).groupby("model", dropna=False)
    sums = by_model[["time", "bins", "square"]].sum()
    found = pd.DataFrame(
        {
            "mean": sums["time"] / sums["bins"],
            "seen_by_request": (sums["square"] / sums["time"]).clip(lower=1.0).fillna(1.0),
            "largest": by_model["mean"].max(),
        }
    ).reset_index()
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

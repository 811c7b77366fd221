"""Load, measured from the log itself: requests in flight over time."""

from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.requests.counts import FLIGHT_BIN, TABLES
from inference_energy.units import MICROSECONDS_PER_HOUR

BINS_PER_HOUR = MICROSECONDS_PER_HOUR // FLIGHT_BIN

CHANGES = ("flight", "moments")
"""Tables of counts of what is in flight: by bin, and of some bins moment by moment."""


def changes(
    connection: duckdb.DuckDBPyConnection, owners: Mapping[str | None, int]
) -> Iterator[tuple[int, pd.DataFrame, pd.DataFrame]]:
    """Changes of what is in flight on the copies of one owner after another.

    All together would take memory in proportion to models times time.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the changes as tables or views of ``counts.TABLES``, ``flight`` and ``moments``.
    owners : mapping of str or None to int
        Whose copies, by a number, answer each of the log's models.

    Yields
    ------
    int, DataFrame, DataFrame
        Owner, and its changes: as ``in_flight`` takes them, and as ``unevenness`` does, without the
        model.
    """
    names = {"name": [name or "" for name in owners], "owner": [*owners.values()]}
    connection.register("owner_names", pd.DataFrame(names).astype({"name": str}))
    for table in CHANGES:
        sums = ", ".join(f"sum({column})::BIGINT AS {column}" for column in TABLES[table][1])
        # sorted, so that each owner is a few blocks of the table
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE owned_{table} AS SELECT owner, time, {sums} FROM {table}"
            " JOIN owner_names ON coalesce(model, '') = name GROUP BY ALL ORDER BY owner, time"
        )
    connection.unregister("owner_names")
    found = connection.execute("SELECT DISTINCT owner FROM owned_flight ORDER BY ALL").fetchall()
    for (owner,) in found:
        of_owner = "SELECT * EXCLUDE (owner) FROM owned_{} WHERE owner = ? ORDER BY time"
        own, moments = (connection.execute(of_owner.format(t), [owner]).df() for t in CHANGES)
        yield owner, own, moments
    for table in CHANGES:
        connection.execute(f"DROP TABLE owned_{table}")


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
        together), steady (nothing changes within them), without gaps from the first change of each
        model to its last: no longer than twice the changes, however far apart.
    """
    keys, changes = ["model", "time"], ["change", "remaining", "own"]
    sums = flight.groupby(keys, dropna=False, sort=True)[changes].sum().reset_index()
    of_model = sums.groupby("model", dropna=False, sort=False)
    level = of_model["change"].cumsum()
    gap = (-of_model["time"].diff(-1) - 1).fillna(0).astype("int64")
    mean = level - sums["change"] + sums["remaining"] / FLIGHT_BIN
    changing = sums[keys].assign(bins=1, mean=mean, own=sums["own"] / FLIGHT_BIN, steady=False)
    steady = changing.assign(
        time=sums["time"] + 1, bins=gap, mean=level.astype(float), own=0.0, steady=True
    )
    runs = pd.concat([changing, steady]).sort_index(kind="stable")
    return runs[runs["bins"] > 0].reset_index(drop=True)


def unevenness(runs: pd.DataFrame, moments: pd.DataFrame) -> float:
    """Mean square of the requests in flight in some bins, over what their means say of it.

    Of two requests that are in flight for a part of a bin, its mean does not say whether they meet:
    calls that wait for each other never do, those of one batch always. Where neither knows of the
    other, they do for the product of their parts; how far that is off is seen in the bins whose
    changes are known moment by moment.

    Parameters
    ----------
    runs : DataFrame
        As from ``in_flight``, of one model.
    moments : DataFrame
        time (rising) and change of all that changes in some of the bins. [us, requests]

    Returns
    -------
    float
        1 if there are no moments. [1]
    """
    bins, left = moments["time"] // FLIGHT_BIN, FLIGHT_BIN - moments["time"] % FLIGHT_BIN
    known = runs[runs["time"].isin(bins) & ~runs["steady"]].set_index("time")
    told = known["mean"] ** 2 + known["own"]
    if not told.sum():
        return 1.0
    in_bins = (moments["change"] * left).groupby(bins).sum() / FLIGHT_BIN
    before = (known["mean"] - in_bins).round()
    level = moments["change"].groupby(bins).cumsum() + bins.map(before)
    rise = level**2 - (level - moments["change"]) ** 2
    squares = before**2 + (rise * left).groupby(bins).sum() / FLIGHT_BIN
    return float(squares.sum() / told.sum())


def load(runs: pd.DataFrame, uneven: float = 1.0) -> pd.DataFrame:
    """Requests in flight over the log, by model.

    Parameters
    ----------
    runs : DataFrame
        As from ``in_flight``.
    uneven : float
        As from ``unevenness``. [1]

    Returns
    -------
    DataFrame
        model, mean over time, mean as a request sees it (each moment counts as often as there are
        requests; at least the request itself), largest mean of a bin. [requests]
    """
    mean, bins = runs["mean"], runs["bins"]
    squares = (mean**2 * bins + runs["own"]) * np.where(runs["steady"], 1.0, uneven)
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

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

MOST_CHANGES = 2**16
"""Changes that are gone through at once, but for those of one owner that has more."""


def changes(
    connection: duckdb.DuckDBPyConnection, owners: Mapping[str | None, int]
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Changes of what is in flight on the copies of some owners after others.

    All together would take memory in proportion to models times time, and one by one of thousands
    of models a minute and more.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the changes as tables or views of ``counts.TABLES``, ``flight`` and ``moments``.
    owners : mapping of str or None to int
        Whose copies, by a number, answer each of the log's models.

    Yields
    ------
    DataFrame, DataFrame
        Changes of some owners, as ``in_flight`` takes them and as ``unevenness`` does, the owner
        for the model.
    """
    names = {"name": [name or "" for name in owners], "owner": [*owners.values()]}
    connection.register("owner_names", pd.DataFrame(names).astype({"name": str}))
    for table in CHANGES:
        sums = ", ".join(f"sum({column})::BIGINT AS {column}" for column in TABLES[table][1])
        # sorted, so that some owners are a few blocks of the table
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE owned_{table} AS SELECT owner AS model, time, {sums}"
            f" FROM {table} JOIN owner_names ON coalesce(model, '') = name GROUP BY ALL"
            " ORDER BY owner, time"
        )
    connection.unregister("owner_names")
    rows = " UNION ALL ".join(f"SELECT model FROM owned_{table}" for table in CHANGES)
    sizes = connection.execute(
        f"SELECT model, count(*) AS rows FROM ({rows}) GROUP BY ALL ORDER BY ALL"
    ).df()
    together = sizes["model"].groupby(sizes["rows"].cumsum() // MOST_CHANGES)
    for ends in together.agg(["min", "max"]).to_numpy().tolist():
        some = "FROM owned_{} WHERE model BETWEEN ? AND ? ORDER BY model, time"
        own, moments = (connection.execute(some.format(table), ends).df() for table in CHANGES)
        yield own, moments
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


def unevenness(runs: pd.DataFrame, moments: pd.DataFrame) -> NDArray[np.float64]:
    """Mean square of the requests in flight in some bins, over what their means say of it.

    Of two requests that are in flight for a part of a bin, its mean does not say whether they meet:
    calls that wait for each other never do, those of one batch always. Where neither knows of the
    other, they do for the product of their parts; how far that is off is seen in the bins whose
    changes are known moment by moment.

    Parameters
    ----------
    runs : DataFrame
        As from ``in_flight``.
    moments : DataFrame
        model, time (rising for each) and change of all that changes in some of the bins. [us,
        requests]

    Returns
    -------
    ndarray
        Of the model of each of ``runs``; 1 if it has no moments. [1]
    """
    keys, model = ["model", "time"], pd.factorize(runs["model"], use_na_sentinel=False)[0]
    bins = runs.assign(number=model)[~runs["steady"]]
    left = FLIGHT_BIN - moments["time"] % FLIGHT_BIN
    found = moments.assign(time=moments["time"] // FLIGHT_BIN, left=left).merge(bins, on=keys)
    found["risen"] = found["change"] * found["left"]
    of_bin = found.groupby(keys, dropna=False, sort=False)
    before = (found["mean"] - of_bin["risen"].transform("sum") / FLIGHT_BIN).round()
    level = of_bin["change"].cumsum() + before
    rise = level**2 - (level - found["change"]) ** 2
    # what is of a bin counts with its first moment
    first = ~found.duplicated(keys)
    squares = before**2 * first + rise * found["left"] / FLIGHT_BIN
    told = (found["mean"] ** 2 + found["own"]) * first
    count = model.max(initial=-1) + 1
    met, by_chance = (np.bincount(found["number"], each, count) for each in (squares, told))
    return np.divide(met, by_chance, out=np.ones(count), where=by_chance > 0)[model]


def load(runs: pd.DataFrame, uneven: NDArray[np.float64] | float = 1.0) -> pd.DataFrame:
    """Requests in flight over the log, by model.

    Parameters
    ----------
    runs : DataFrame
        As from ``in_flight``.
    uneven : array_like
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

"""What a log's counts say: energy by hour, model, tenant and percentile, and what it is made of."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from inference_energy.energy.exact import blend_energy, model_energy, regime_energy
from inference_energy.errors import InputError
from inference_energy.laws.base import Array
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Setup, fixed_regime
from inference_energy.requests.counters import STATISTICS, of_counters
from inference_energy.requests.counts import (
    CACHED_BITS,
    CELLS,
    EXAMPLES,
    FINE_BITS,
    FOLLOWED,
    KINDS,
    LAST,
    RUNNING_TOTAL,
    WIDE_BITS,
)
from inference_energy.requests.energies import (
    BLEND,
    PARTS,
    Serving,
    by_part,
    coarse,
    distribution,
    energies,
    of_sums,
    steps,
    summed,
    total,
)
from inference_energy.requests.flight import changes, in_flight, load, load_by_hour, unevenness
from inference_energy.requests.formats import printable, shown, shown_model
from inference_energy.units import MICROSECONDS_PER_SECOND, PERCENT, SECONDS_PER_HOUR

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9)
STEP = 2.0**-3
"""Part of a mean length over which a slope is taken, to either side. [1]"""

SUMMED = ("middle", "error", "mean")
"""Sums of ``energies.summed``."""

LARGEST = 1000
TENANTS = 1000
"""Tenants that are told one by one; the others are one row together."""

MOST_SHOWN = 10**15
"""Numbers of tokens of examples are shown as no more, nor as less below zero: far from any that
counts, and tables take none that a float cannot tell from the next."""

TOKENS = ("input", "cached", "output", "reasoning")
ALL, NOT_STATED = "all", "not stated"
NO_LOAD = pd.DataFrame(columns=["model", "mean", "seen_by_request", "largest"])
LOAD_ENERGIES = ("energy_wh_p50", "energy_wh_at_best", "load_share")


def hour_text(hour: float) -> str:
    """Write an hour since 1970 as a time (UTC)."""
    return datetime.fromtimestamp(int(hour) * SECONDS_PER_HOUR, UTC).strftime("%Y-%m-%dT%H:00Z")


def time_text(microseconds: float | None) -> str:
    """Write microseconds since 1970 to the second (UTC); empty where there is no time."""
    if microseconds is None or pd.isna(microseconds):
        return ""
    seconds = int(microseconds) // MICROSECONDS_PER_SECOND
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(
    serving: Serving, requests: pd.DataFrame, table: pd.DataFrame, whole: float
) -> dict[str, Any]:
    """Columns that say requests, tokens and energy of some of the requests."""
    answer = total(serving.factor, table)
    share = answer["p50"] / whole if whole else np.nan
    tokens = {f"{name}_tokens": int(requests[name].sum()) for name in TOKENS}
    energy = {f"energy_wh_{k}": v for k, v in answer.items()}
    return {"requests": int(requests["n"].sum())} | tokens | energy | {"energy_share": share}


def by_model(serving: Serving, lengths: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Requests, tokens and energy of each of the log's models, and of all; a DataFrame."""
    whole = total(serving.factor, table)["p50"]
    told = model_names(lengths["model"])
    rows = [{"model": ALL, "charged_as": ""} | _row(serving, lengths, table, whole)]
    for model, one in lengths.groupby("model", dropna=False, sort=True):
        name = _text(model)
        own = table.loc[one.index]
        charged = {"model": told[name], "charged_as": serving.members(name)[1]}
        rows.append(charged | _row(serving, one, own, whole))
    return _ranked(pd.DataFrame(rows))


def rates(serving: Serving, lengths: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Energy of the requests of each coarse cell of lengths, in proportion to their tokens.

    The mean energy of a cell's requests, and how it rises with what is computed, cached and
    answered there. It is what groups of requests are charged by: together they have the energy of
    all, and each is off only by how far the law is from a plane within a cell.

    Parameters
    ----------
    serving : Serving
        What serves the log.
    lengths, table : DataFrame
        Counts, and their energies.

    Returns
    -------
    DataFrame
        By model (empty text if not stated) and coarse cell, for each of the sums of
        ``energies.summed``: energy of a token more by what it is, of ``PARTS``, and what a request
        has besides, ``rest``, as ``groups.charged`` takes them. [Wh]
    """
    keyed = _coarsened(lengths)
    sums = lengths[["n", "input", "cached", "output"]].assign(**summed(table))
    cells = sums.groupby([keyed[name] for name in CELLS], sort=True).sum()
    n, tokens = cells["n"], dict(zip(PARTS, _by_part(cells), strict=True))
    found = {part: _slope(serving, cells, part) for part in PARTS}
    risen = sum(slope * tokens[part] for part, slope in found.items())
    found["rest"] = (cells["middle"] - risen) / n
    columns: dict[str, pd.Series] = {}
    for name in SUMMED:
        ratio = (cells[name] / cells["middle"]).where(cells["middle"] > 0, 1.0)
        columns |= {f"{name}_{part}": rate * ratio for part, rate in found.items()}
    return pd.DataFrame(columns, index=cells.index)


def _by_part(rows: pd.DataFrame) -> tuple[Array, Array, Array]:
    return by_part(*(rows[name].to_numpy(float) for name in ("input", "cached", "output")))


def _slope(serving: Serving, cells: pd.DataFrame, part: str) -> pd.Series:
    """Energy of a token more of what ``part`` is for, at the mean lengths of cells. [Wh]"""
    tokens = _by_part(cells)[PARTS.index(part)]
    columns = {"prefill": ["input"], "cached": ["input", "cached"], "decode": ["output"]}[part]
    plain = cells.reset_index()
    plain["model"] = plain["model"].replace("", None)
    up, down = (
        energies(serving, plain.assign(**{name: plain[name] + off for name in columns}))
        for off in (tokens * STEP, -tokens * STEP)
    )
    more = 2 * STEP * tokens / cells["n"]
    rise = pd.Series(up["energy"].to_numpy() - down["energy"].to_numpy(), cells.index)
    return (rise / more.where(more > 0)).fillna(0.0)


def _coarsened(lengths: pd.DataFrame) -> pd.DataFrame:
    """Models and coarse cells of rows; a missing model is empty text."""
    cached = lengths["cached_cell"] > 0
    of_both = ("input_cell", "output_cell")
    cells = {name: coarse(lengths[name].to_numpy(float), cached) for name in of_both}
    named = {"model": lengths["model"].fillna(""), "cached_cell": cached.astype(np.int64)}
    return pd.DataFrame(named | cells)


def by_group(serving: Serving, sums: pd.DataFrame, whole: float) -> pd.DataFrame:
    """Requests, tokens and energy of each hour or tenant.

    Parameters
    ----------
    serving : Serving
        What serves the log.
    sums : DataFrame
        As from ``groups.charged``, by the rates of ``rates``.
    whole : float
        Median energy of the log. [Wh]

    Returns
    -------
    DataFrame
        One row per row of ``sums``, in its order.
    """
    totals = of_sums(serving.factor, *(sums[name].to_numpy() for name in SUMMED))
    told = {"n": "requests"} | {name: f"{name}_tokens" for name in TOKENS}
    found = sums.drop(columns=[*SUMMED]).rename(columns=told)
    found = found.assign(**{f"energy_wh_{name}": values for name, values in totals.items()})
    share = found["energy_wh_p50"] / whole if whole else np.nan
    return found.assign(energy_share=share)


def by_hour(
    serving: Serving,
    sums: pd.DataFrame,
    whole: float,
    flying: pd.Series | None = None,
) -> pd.DataFrame:
    """Energy of every hour, and the requests in flight where ``measured_loads`` knows them."""
    table = by_group(serving, sums, whole)
    table["in_flight"] = np.nan if flying is None else table["hour"].map(flying)
    return table.assign(hour=table["hour"].map(hour_text))


def by_tenant(serving: Serving, sums: pd.DataFrame, whole: float, named: bool) -> pd.DataFrame:
    """Energy of every tenant, the largest first and numbered unless ``named``."""
    table = by_group(serving, sums, whole)
    order = ["energy_wh_p50", "requests", "tenant"]
    table = table.sort_values(order, ascending=[False, False, True], ignore_index=True)
    stated = table["tenant"] != ""
    names = "tenant " + stated.cumsum().astype(str)
    if named:
        told = {name: _own(printable(name), "tenant", NOT_STATED) for name in table["tenant"]}
        names = _apart(told).set_axis(table.index)
    table["tenant"] = names.where(stated, NOT_STATED)
    rest = table.iloc[TENANTS:]
    if len(rest):
        together = {"tenant": f"{len(rest)} others"} | rest.drop(columns="tenant").sum().to_dict()
        table = pd.concat([table.iloc[:TENANTS], pd.DataFrame([together])], ignore_index=True)
    return _ranked(table)


def percentiles(serving: Serving, found: pd.DataFrame) -> pd.DataFrame:
    """Energy of the request at each percentile of requests, and what is above it.

    Parameters
    ----------
    serving : Serving
        What serves the log.
    found : DataFrame
        As from ``energies.steps``.

    Returns
    -------
    DataFrame
        percentile; energy_wh_p5, p50 and p95 of that request over the factors; energy_wh_all, the
        percentile over requests and factors together, as the paper states its own; and
        energy_share_above, the part of the log's energy that larger requests need.
    """
    weight = found["weight"].to_numpy()
    energy = weight * found["energy"].to_numpy()
    share = np.cumsum(weight) / weight.sum()
    everything = distribution(serving.factor, found)
    rows = []
    for percentile in PERCENTILES:
        place = min(int(np.searchsorted(share, percentile / PERCENT - 1e-12)), len(share) - 1)
        shared = serving.factor * LogNormal(0.0, float(found["error"].iloc[place]))
        quantiles = found["energy"].iloc[place] * shared.quantile(np.array([0.05, 0.5, 0.95]))
        above = energy[place + 1 :].sum() / energy.sum() if energy.any() else np.nan
        rows.append(
            (percentile, *quantiles, everything.quantile(percentile / PERCENT), float(above))
        )
    names = ["energy_wh_p5", "energy_wh_p50", "energy_wh_p95", "energy_wh_all"]
    return pd.DataFrame(rows, columns=["percentile", *names, "energy_share_above"])


def parts(serving: Serving, lengths: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Energy of computing input, of reading what is cached, of answering; by model and in all."""
    rows = []
    told = model_names(lengths["model"])
    groups = [(ALL, table)]
    for model, one in lengths.groupby("model", dropna=False, sort=True):
        own = table.loc[one.index]
        groups.append((told[_text(model)], own))
    for model, own in groups:
        whole = total(serving.factor, own)["p50"]
        for part in PARTS:
            answer = total(serving.factor, own, part)
            energy = {f"energy_wh_{k}": v for k, v in answer.items()}
            share = answer["p50"] / whole if whole else np.nan
            rows.append({"model": model, "part": part} | energy | {"energy_share": share})
    return _ranked(pd.DataFrame(rows))


def long_against_rest(
    serving: Serving, lengths: pd.DataFrame, table: pd.DataFrame, long_from: float
) -> pd.DataFrame:
    """Requests of at least ``long_from`` output tokens, and the rest: energy, shares, means."""
    mean = lengths["output"] / lengths["n"]
    whole, count = total(serving.factor, table)["p50"], lengths["n"].sum()
    rows = []
    for name, chosen in (("long", mean >= long_from), ("rest", mean < long_from)):
        one = lengths[chosen]
        own = table.loc[one.index]
        row = {"requests_of": name} | _row(serving, one, own, whole)
        n = row["requests"]
        row |= {"request_share": n / count, "per_request_wh_mean": np.nan}
        if n:
            row["per_request_wh_mean"] = row["energy_wh_mean"] / n
        rows.append(row)
    return pd.DataFrame(rows)


def medians(
    serving: Serving,
    reference: Setup,
    reference_name: str,
    lengths: pd.DataFrame,
    found: pd.DataFrame,
    regime: str = "traditional",
) -> pd.DataFrame:
    """The paper's median query beside the log's own.

    Parameters
    ----------
    serving : Serving
        What serves the log.
    reference : Setup
        The method whose query is set beside it.
    reference_name : str
        Its name.
    lengths, found : DataFrame
        Counts, and their energies as from ``energies.steps``.
    regime : str
        The reference's kind of query.

    Returns
    -------
    DataFrame
        query, served_by, input_tokens, output_tokens, energy_wh_p5, energy_wh_p50, energy_wh_p95;
        lengths are empty where they are a distribution.
    """
    models, members = regime_energy(reference, reference.regimes[regime])
    kind = reference.regimes[regime]
    tokens = float(kind.output_tokens.quantile(0.5))
    same = fixed_regime(kind.input_tokens, tokens)
    fixed = {m.name: model_energy(reference, same, m) for m in reference.models}
    frontier = f"{BLEND}, {reference_name}"
    rows = [
        (
            "paper, median of its queries",
            frontier,
            np.nan,
            np.nan,
            blend_energy(reference, models, members),
        ),
        (
            "paper, a query of the median length",
            frontier,
            kind.input_tokens,
            tokens,
            blend_energy(reference, fixed, members, trim=False),
        ),
        ("log, median of its queries", "log", np.nan, np.nan, distribution(serving.factor, found)),
    ]
    middle = {name: _weighted_median(lengths, name) for name in ("input", "cached", "output")}
    one = pd.DataFrame([{"model": None, "n": 1} | middle])
    parts_of = [one.assign(model=m, n=n) for m, n in _by_weight(lengths)]
    at_median = pd.concat(parts_of, ignore_index=True)
    for name in middle:
        at_median[name] = middle[name] * at_median["n"]
    query = distribution(serving.factor, steps(serving, at_median))
    rows.append(
        ("log, a query of the median lengths", "log", middle["input"], middle["output"], query)
    )
    names = ["query", "served_by", "input_tokens", "output_tokens"]
    names += ["energy_wh_p5", "energy_wh_p50", "energy_wh_p95"]
    quantiles = [[row[4].quantile(level) for level in (0.05, 0.5, 0.95)] for row in rows]
    values = [(*row[:4], *own) for row, own in zip(rows, quantiles, strict=True)]
    return _ranked(pd.DataFrame(values, columns=names))


def _by_weight(lengths: pd.DataFrame) -> Iterator[tuple[str | None, float]]:
    for model, one in lengths.groupby("model", dropna=False, sort=True):
        yield _text(model), one["n"].sum()


def _weighted_median(lengths: pd.DataFrame, name: str) -> float:
    value = (lengths[name] / lengths["n"]).to_numpy()
    order = np.argsort(value, kind="stable")
    cumulative = np.cumsum(lengths["n"].to_numpy()[order])
    return float(value[order[np.searchsorted(cumulative, cumulative[-1] / 2)]])


def kinds(counted: pd.DataFrame, rises: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of every kind and the rule for them, a DataFrame.

    Parameters
    ----------
    counted, rises : DataFrame
        As the tables ``kinds`` and ``rises``; without the latter there are no counters.
    """
    found = counted.set_index("kind")["n"].to_dict()
    if not found.get(LAST):
        found["no last page"] = found.get(FOLLOWED, 0)
    if rises is not None:
        followed = rises.set_index("within")[[*STATISTICS]].itertuples(name=None)
        found[RUNNING_TOTAL] = of_counters({key: tuple(own) for key, *own in followed})
    rows = [("rows", int(found.get("rows", 0)), "all rows that could be read")]
    rows += [(kind, int(found.get(kind, 0)), rule) for kind, rule in KINDS.items()]
    return _ranked(pd.DataFrame(rows, columns=["kind", "rows", "rule"]))


def file_names(files: Iterable[str]) -> pd.Series:
    """Names of files without what can be personal, as their folders; equal ones are numbered."""
    return _apart({file: shown(Path(file).name) for file in files})


def model_names(models: pd.Series) -> dict[str | None, str]:
    """Names of models, None among them, without what can be personal; equal ones are numbered, and
    those that stand for other rows of a table are told to be of a model.
    """
    names = sorted(filter(None, map(_text, pd.unique(models))))
    told = _apart({name: _own(shown_model(name), "model", ALL, NOT_STATED) for name in names})
    return {str(name): text for name, text in told.items()} | {None: NOT_STATED}


def _own(name: str, what: str, *rows: str) -> str:
    """Name that is told to be of ``what`` where it stands for one of the other ``rows``."""
    return f"{name} ({what})" if name in rows else name


def _apart(names: Mapping[str, str]) -> pd.Series:
    """Number equal names, a Series; ``names`` by what they are of."""
    given = pd.Series(names, dtype=object)
    number, count = given.groupby(given).cumcount() + 1, given.groupby(given).transform("size")
    numbered = given + " (" + number.astype(str) + " of " + count.astype(str) + ")"
    return given.where(count == 1, numbered)


def examples(
    found: pd.DataFrame, files: Iterable[str], told: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Examples of rows that are not as they should be; a DataFrame.

    Parameters
    ----------
    found : DataFrame
        As the table ``examples``.
    files : iterable of str
        Files of the log, in order.
    told : DataFrame, optional
        As from ``kinds``: what one file seems to be and the whole log is not has no example.
    """
    if told is not None:
        found = found[found["kind"].isin(told.loc[told["rows"] > 0, "kind"])]
    first = found.sort_values(["kind", "file", "row"]).groupby("kind").head(EXAMPLES)
    tokens = {
        f"{name}_tokens": first[name].astype(float).clip(-MOST_SHOWN, MOST_SHOWN)
        for name in ("input", "cached", "output")
    }
    times = {"start": first["start"].map(time_text), "end": first["finish"].map(time_text)}
    return pd.DataFrame(
        {
            "kind": first["kind"],
            "file": first["file"].map(file_names(files)),
            "row": first["row"] + 1,
        }
        | times
        | tokens
    )


def check_any(lengths: pd.DataFrame, counted: pd.DataFrame, form: str) -> None:
    """Refuse a log of which no request counts, or none has a token; ``form`` is its format's name.

    Raises
    ------
    InputError
        With how many rows there are of each kind.
    """
    if len(lengths) and not lengths[["input", "output"]].any(axis=None):
        raise InputError(
            f"key log: all {lengths['n'].sum()} requests have 0 input and 0 output tokens, read by"
            f" the format {form}; allowed is a log of which some have more; name the columns that"
            " have them by another format; see docs/requests.md"
        )
    if len(lengths):
        return
    found = ", ".join(
        f"{kind}: {n}" for kind, n in zip(counted["kind"], counted["n"], strict=True) if n
    )
    # whoever writes all columns with three decimals loses every row
    tokens = counted.loc[counted["kind"] == "no tokens", "n"].sum()
    remedy = (
        "write tokens as whole numbers without decimals (1.000 can be one or a thousand), or name"
        " another format; "
    )
    raise InputError(
        f"key log: no row counts, read by the format {form} ({found or 'the log is empty'});"
        f" {remedy if tokens else ''}see docs/requests.md"
    )


def free(lengths: pd.DataFrame, table: pd.DataFrame, title: str) -> int:
    """Requests that have input and need nothing, as laws of the output alone have it.

    Parameters
    ----------
    lengths : DataFrame
        As the table of the counts.
    table : DataFrame
        As from ``energies``.
    title : str
        The log and what it is charged by.

    Raises
    ------
    InputError
        If no request needs anything.
    """
    count = int(lengths.loc[(table["energy"] == 0) & (lengths["input"] > 0), "n"].sum())
    if len(lengths) and not table["energy"].any():
        raise InputError(
            f"key log: all {lengths['n'].sum()} requests have 0 output tokens, and"
            f" {lengths['input'].sum()} input tokens, which the throughput law of {title} charges"
            " nothing for; allowed is a log of which some have output, or a method whose law"
            " charges input, as method=revised; take that for embeddings and the like, or name the"
            " column of the output tokens under columns of a format; see docs/requests.md"
        )
    return count


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(rank=range(1, len(table) + 1))


def candidates(
    serving: Serving, lengths: pd.DataFrame, table: pd.DataFrame, count: int = LARGEST
) -> pd.DataFrame:
    """Cells that can hold any of the ``count`` requests of the largest energy.

    A request needs no less and no more than one at some corner of its cell: a law rises or falls
    with a length. The corners are looked at of cells of which the mean is not far too small.
    """
    mean = table["energy"].to_numpy()
    bits = [(*FINE_BITS.values(),), (*WIDE_BITS.values(), CACHED_BITS)]
    # the largest and the least of a cell's lengths differ by twice this, and its mean is between
    width = 2 * sum(2.0**-b for b in bits[bool(lengths["cached"].any())])
    near = mean >= reached(mean, lengths["n"].to_numpy(), count) * (1 - width)
    found = lengths[near]
    corners = [energies(serving, one, None)["energy"].to_numpy() for one in _corners(found)]
    least, most = np.min(corners, axis=0), np.max(corners, axis=0)
    return found[most >= reached(least, found["n"].to_numpy(), count)]


def reached(energy: Array, n: np.ndarray, count: int) -> float:
    """Energy that ``count`` requests reach, or all if they are fewer: rows of ``n`` requests, each
    of so much ``energy``. [Wh]
    """
    order = np.argsort(-energy, kind="stable")
    enough = int(np.searchsorted(np.cumsum(n[order]), count))
    return float(energy[order[min(enough, len(order) - 1)]])


def _corners(lengths: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Requests of the least and the largest lengths of cells, as ``lengths`` without the rest."""
    wide = lengths["cached_cell"] > 0
    ends: dict[str, float | Array] = {"cached": 2.0**-CACHED_BITS}
    ends |= {
        name: np.where(wide, 2.0 ** -WIDE_BITS[name], 2.0 ** -FINE_BITS[name]) for name in FINE_BITS
    }
    for signs in product((-1, 1), repeat=len(ends)):
        one = {
            name: lengths[f"{name}_cell"] * (1 + sign * end)
            for sign, (name, end) in zip(signs, ends.items(), strict=True)
        }
        one["input"] = one["input"] + one["cached"]
        yield pd.DataFrame({"model": lengths["model"], "n": 1} | one)


def measured_loads(
    serving: Serving,
    connection: duckdb.DuckDBPyConnection,
    models: Iterable[str | None],
    hours: pd.Series,
) -> tuple[pd.Series, pd.DataFrame]:
    """Measure requests in flight; names of the log that are one model share its copies.

    Parameters
    ----------
    serving : Serving
        What serves the log.
    connection : duckdb.DuckDBPyConnection
        As for ``flight.changes``.
    models : iterable of str or None
        Models of the log.
    hours : Series
        Hours since 1970 that are asked for.

    Returns
    -------
    Series, DataFrame
        Mean requests in flight of all models by hour; as from ``flight.load``, by the log's models.
    """
    copies = {name: serving.copies(name) for name in map(_text, models)}
    number = {by: place for place, by in enumerate(dict.fromkeys(copies.values()))}
    owners = {name: number[by] for name, by in copies.items()}
    flying, found = np.zeros(len(hours)), [NO_LOAD]
    for own, moments in changes(connection, owners):
        runs = in_flight(own)
        flying += load_by_hour(runs, hours)
        found.append(load(runs, unevenness(runs, moments)))
    of_copies = pd.concat(found[1:] or found).rename(columns={"model": "owner"})
    names = pd.DataFrame({"model": [*owners], "owner": [*owners.values()]}, dtype=object)
    measured = names.merge(of_copies, on="owner").drop(columns="owner")
    return pd.Series(flying, hours.tolist()), measured


def loads(
    asked: Mapping[str, Any], models: Iterable[str | None], measured: pd.DataFrame | None = None
) -> dict[str | None, float]:
    """Requests in flight on a copy of each of the log's models.

    Parameters
    ----------
    asked : dict
        ``load`` (a number, ``measured``, or None for what the laws were built for) and ``copies``
        of a model that share the log's requests.
    models : iterable of str or None
        Models of the log.
    measured : DataFrame, optional
        As from ``measured_loads``.

    Returns
    -------
    dict of str to float
        [requests]
    """
    if asked["load"] is None:
        return {}
    if asked["load"] != "measured":
        return dict.fromkeys(map(_text, models), asked["load"])
    assert measured is not None, "where that is the load"
    seen = zip(map(_text, measured["model"]), measured["seen_by_request"], strict=True)
    return {model: max(one / asked["copies"], 1.0) for model, one in seen}


def load_table(
    serving: Serving,
    lengths: pd.DataFrame,
    table: pd.DataFrame,
    measured: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Load of every model of the log, and what of its energy the load is.

    Parameters
    ----------
    serving : Serving
        What serves the log, at its load.
    lengths, table : DataFrame
        Counts, and their energies.
    measured : DataFrame, optional
        As from ``measured_loads``.

    Returns
    -------
    DataFrame
        model; mean, seen_by_request and largest of those in flight, where they are measured;
        on_a_copy, the load that the energy is at, and energy_wh_p50, energy_wh_at_best and
        load_share, what of the energy is that the load is not the best one; empty where the law
        does not know the load or none is given.
    """
    at_best = energies(serving.at(dict.fromkeys(serving.load, np.inf)), lengths)
    columns = ["mean", "seen_by_request", "largest"]
    told = model_names(lengths["model"])
    found = {}
    if measured is not None:
        values = measured[columns].to_dict("records")
        found = dict(zip(map(_text, measured["model"]), values, strict=True))
    rows = []
    for model, one in lengths.groupby("model", dropna=False, sort=True):
        name = _text(model)
        row = {"model": told[name]} | found.get(name, dict.fromkeys(columns, np.nan))
        row |= dict.fromkeys(("on_a_copy", *LOAD_ENERGIES), np.nan)
        if name in serving.load and serving.knows_load(name):
            own = [total(serving.factor, t.loc[one.index]) for t in (table, at_best)]
            now, best = (answer["p50"] for answer in own)
            share = 1 - best / now if now else 0.0
            if np.isfinite(serving.load[name]):
                row["on_a_copy"] = serving.load[name]
            row |= dict(zip(LOAD_ENERGIES, (now, best, share), strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def _text(model: object) -> str | None:
    return model if isinstance(model, str) else None

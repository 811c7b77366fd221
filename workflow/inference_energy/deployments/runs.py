"""Which of an operator's benchmark runs count."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.documents import near
from inference_energy.errors import InputError
from inference_energy.laws.rows import SAME_SHAPE

SELECTORS = ("gpu", "precision", "n_gpus", "tensor_parallel")
"""Keys of the section that choose one configuration, and the columns that make one."""

SAME_RUN = ["source_file", "sha256", "run"]
"""Columns that tell one run of a client from another."""

ROUNDED = 1e-5
"""A table is written with six digits, so that its cells differ this much (relative) from a file."""


def join_runs(tables: Sequence[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """Put the runs of all files into one table, once each.

    Parameters
    ----------
    tables : sequence of (str, DataFrame)
        Path and benchmark table of each file.

    Returns
    -------
    DataFrame
        Their rows; of those of one run the first.

    Raises
    ------
    InputError
        If rows of one run differ: each such row and its columns.
    """
    runs = pd.concat([table for _, table in tables])
    paths = [path for path, table in tables for _ in range(len(table))]
    first: dict[tuple[Any, ...], int] = {}
    problems = []
    for index, each in enumerate(map(tuple, runs[SAME_RUN].to_numpy())):
        kept = first.setdefault(each, index)
        if kept == index:
            continue
        one, other = runs.iloc[kept], runs.iloc[index]
        differ = [name for name in runs.columns if not _same(one[name], other[name])]
        if differ:
            columns = ", ".join(f"{n} ({_told(one[n])} and {_told(other[n])})" for n in differ)
            problems.append(
                f"{paths[kept]} and {paths[index]}: hold run {other['run']} of"
                f" {other['source_file']} (sha256 {other['sha256']:.8}) with another {columns};"
                " allowed is one run once, or the same in all cells; leave one of them out, or"
                " correct source_file, sha256 or run"
            )
    if problems:
        raise InputError(problems)
    return runs.drop_duplicates(SAME_RUN, ignore_index=True)


def _same(one: Any, other: Any) -> bool:
    if pd.isna(one) or pd.isna(other):
        return bool(pd.isna(one) and pd.isna(other))
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=ROUNDED)
    return bool(one == other)


def _told(value: Any) -> str:
    return "empty" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else str(value)


SHOWN = 3
"""Runs that are named where there may be many."""


def select_runs(runs: pd.DataFrame, section: Mapping[str, Any], where: str) -> pd.DataFrame:
    """Say of every run whether it counts: one model, one configuration, one concurrency.

    Parameters
    ----------
    runs : DataFrame
        Benchmark table of all files.
    section : dict
        Section ``deployment``.
    where : str
        The deployment file, for messages.

    Returns
    -------
    DataFrame
        ``runs`` with the column ``use``: yes, or why not.

    Raises
    ------
    InputError
        If no run is left, or runs of several configurations or concurrencies.
    """
    use = pd.Series("yes", runs.index)
    use[runs["model"] != section["model"]] = "other model"
    if not (use == "yes").any():
        names = sorted(set(runs["model"]))
        raise InputError(
            f"{where}: key deployment.model: value {section['model']}: is in none of the benchmark"
            f" files; allowed are {', '.join(names)}; correct the name, or state the model as a"
            f" fact of the files{near(section['model'], names)}"
        )
    for key in (key for key in SELECTORS if key in section):
        open_runs = use == "yes"
        use[open_runs & (runs[key] != section[key])] = "other configuration"
        if not (use == "yes").any():
            found = runs.loc[open_runs, key].dropna()
            if found.empty:
                raise InputError(_not_stated(where, key, f"{section[key]}"))
            # of numbers none is nearer to what was meant
            meant = near(section[key], sorted(set(found))) if isinstance(section[key], str) else ""
            raise InputError(
                f"{where}: key deployment.{key}: value {section[key]}: no such run of"
                f" {section['model']}; allowed are {_listed(found)}; correct the value{meant}"
            )
    configurations = runs.loc[use == "yes", list(SELECTORS)].drop_duplicates()
    if len(configurations) > 1:
        several = [key for key in SELECTORS if len(set(configurations[key])) > 1]
        values = [f"{key} ({_listed(configurations[key])})" for key in several]
        raise InputError(
            f"{where}: section deployment: the runs of {section['model']} differ in"
            f" {', '.join(values)}; allowed is one configuration; state {' and '.join(several)}"
        )
    _select_concurrency(runs, use, section, where)
    if not section.get("accept_marked"):
        marked = runs["status"].map(
            lambda status: any(not m.startswith("power") for m in marks(status))
        )
        chosen = use == "yes"
        if (marked | ~chosen).all():
            reasons = sorted(set(runs.loc[chosen, "status"]))
            raise InputError(
                f"{where}: section deployment: every run that fits is {'; '.join(reasons)};"
                " allowed are runs that went well; repeat them, or state accept_marked: true"
            )
        use[chosen & marked] = "marked"
    return runs.assign(use=use)


def _select_concurrency(
    runs: pd.DataFrame, use: pd.Series, section: Mapping[str, Any], where: str
) -> None:
    open_runs = use == "yes"
    found = runs.loc[open_runs, "concurrency"]
    if "concurrency" in section:
        asked = section["concurrency"]["value"]
        use[open_runs & (runs["concurrency"] != asked)] = "other concurrency"
        if not (use == "yes").any():
            if found.isna().all():
                raise InputError(_not_stated(where, "concurrency", f"{asked:g}"))
            raise InputError(
                f"{where}: key deployment.concurrency: value {asked:g}: no run at it; allowed are"
                f" {_listed(found.dropna())}; correct the value, or measure there;"
                " docs/deployments.md says how to extrapolate to it"
            )
    elif len(found.drop_duplicates()) > 1:
        raise InputError(
            f"{where}: section deployment: the runs were made at several concurrencies"
            f" ({_listed(found)}); allowed is one; state concurrency, the one that you operate"
        )


def _not_stated(where: str, key: str, value: str) -> str:
    """Say that runs are chosen by what none of them states."""
    return (
        f"{where}: key deployment.{key}: value {value}: no run states its {key}; allowed is what"
        f" runs state; state it of the files as {key} in deployment.facts, or take the key out"
    )


def _listed(values: pd.Series) -> str:
    known = sorted(set(values.dropna())) + (["not known"] if values.isna().any() else [])
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in known)


def marks(status: str) -> list[str]:
    """Reasons that a run's status states, as a list."""
    return [] if status == "ok" else status.removeprefix("marked: ").split("; ")


def named(runs: pd.DataFrame) -> list[str]:
    """Runs in words, by their number and file."""
    pairs = zip(runs["run"], runs["source_file"], strict=True)
    return [f"run {run} of {file}" for run, file in pairs]


def first_named(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def unusual_choice(runs: pd.DataFrame, where: str) -> tuple[str, ...]:
    """Tell runs that are left out for their marks, as the law may be another without them.

    Parameters
    ----------
    runs : DataFrame
        As from :func:`select_runs`.
    where : str
        The deployment file, for messages.
    """
    left_out = runs[runs["use"] == "marked"]
    return tuple(
        f"{where}: key deployment.benchmarks: unusual; {first_named(named(own))}"
        f" {'is' if len(own) == 1 else 'are'} left out, as {str(status).removeprefix('marked: ')};"
        " correct what is wrong, repeat the run, or state accept_marked: true, with which it counts"
        for status, own in left_out.groupby("status", sort=False)
    )


def distinct_shapes(runs: pd.DataFrame) -> pd.DataFrame:
    """Average runs of the same lengths.

    Parameters
    ----------
    runs : DataFrame
        Runs of one configuration and concurrency.

    Returns
    -------
    DataFrame
        One row per shape, with the mean lengths and the throughput that the runs have together
        (tokens over time: the harmonic mean); other columns as in its first run. Lengths that
        differ by less than SAME_SHAPE are the same.
    """
    lengths = runs[["input_tokens", "output_tokens"]].to_numpy()
    first: list[np.ndarray] = []
    number: list[int] = []
    for own in lengths:
        close = [np.allclose(own, other, rtol=SAME_SHAPE, equal_nan=True) for other in first]
        number.append(close.index(True) if any(close) else len(first))
        if not any(close):
            first.append(own)
    rows = []
    for _, alike in runs.groupby(np.array(number)):
        row = alike.iloc[0].copy()
        row[["input_tokens", "output_tokens"]] = alike[["input_tokens", "output_tokens"]].mean()
        row["throughput_tps"] = 1 / (1 / alike["throughput_tps"]).mean()
        rows.append(row)
    return pd.DataFrame(rows).astype(runs.dtypes)

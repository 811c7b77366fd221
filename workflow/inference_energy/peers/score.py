"""How far every predictor is from the measured runs."""

from collections.abc import Collection
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.errors import InputError

QUANTITIES = {"energy_per_token_j": "energy per token", "throughput_tps": "throughput"}

VARIANT = ["predictor", "told", "left_out"]
"""Columns that make a predictor as it was asked."""

ANSWERED, SHARED, METHODS = "answered", "shared", "shared with the methods"
"""Runs that count: all that a predictor answers, or those that others answer as well."""

TOLD, LENGTHS = "everything", "lengths"
"""What a predictor was told that knows what the measurement states, and one that could know the
load but was left its own."""

LOADS = [4, 16, 64, 256]
"""Upper ends of the ranges of concurrency; the last one is open. [requests]"""

TWICE = 2.0

FURTHEST = 50.0
"""Predicted over measured, and its inverse, that are allowed at most [1]. EcoLogits, which knows no
load, is off by up to 37 times, and AIConfigurator as shipped by 32; a sixtieth, a thousandth and
their inverses of most answers are beyond, an eighth only of all together."""


def load_range(concurrency: pd.Series) -> pd.Series:
    """Range of LOADS that each concurrency [requests] lies in, as text."""
    names = [f"{low + 1}-{high}" for low, high in pairwise([0, *LOADS])]
    names.append(f"above {LOADS[-1]}")
    return pd.cut(concurrency.round(), [0, *LOADS, np.inf], labels=names).astype(str)


def long_form(table: pd.DataFrame, **variant: Any) -> pd.DataFrame:
    """One line per run and quantity of a table with both, without those that are empty."""
    values = table.melt("id", list(QUANTITIES), "quantity", "predicted").dropna()
    return values.assign(predicted=values["predicted"].astype(float), **variant)


def check_answers(rows: pd.DataFrame, answers: pd.DataFrame, where: str) -> None:
    """Refuse answers that are so far from the measured runs as no estimator is, but another unit.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    answers : DataFrame
        Table of schema ``peer_answers``.
    where : str
        Its file, for messages.

    Raises
    ------
    InputError
        With id, column and both values of the first, and how many more there are of each column.
    """
    both = answers.merge(rows[["id", *QUANTITIES]], on="id", suffixes=("", "_measured"))
    problems = []
    for name in QUANTITIES:
        times = both[name] / both[f"{name}_measured"]
        far = both[(times > FURTHEST) | (times < 1 / FURTHEST)]
        if far.empty:
            continue
        first, more = far.iloc[0], len(far) - 1
        problems.append(
            f"{where}, id {first['id']}, {first['predictor']} told {first['told']}, column"
            f' "{name}": value {first[name]:.6g} where {first[f"{name}_measured"]:.6g} was'
            f" measured; allowed are answers {FURTHEST:g} times off at most, as none of the"
            " packages is further off"
            f" than 37 times; {f'{more} more rows are so; ' if more else ''}correct the unit"
        )
    if problems:
        raise InputError(problems)


def scores(rows: pd.DataFrame, predictions: pd.DataFrame, methods: Collection[str]) -> pd.DataFrame:
    """Errors of every predictor, for all runs and by class, load and source.

    The factor of a run is predicted over measured or its inverse, whichever is above 1. ``shared``
    are the runs that EcoLogits, AIConfigurator and the laws answer, told; ``shared with the
    methods`` those of them that the methods answer too, told.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    predictions : DataFrame
        Columns VARIANT, id, quantity, predicted.
    methods : list of str
        Predictors that are methods.

    Returns
    -------
    DataFrame
        quantity, rows, by, part, VARIANT, n, median_factor, p90_factor [1], within_two [1], bias
        (geometric mean of predicted over measured) [1].
    """
    measured = rows.melt("id", list(QUANTITIES), "quantity", "measured").dropna()
    parts = rows.assign(load=load_range(rows["concurrency"]))
    parts = parts[["id", "architecture", "load", "source_id"]]
    table = predictions.merge(measured, on=["id", "quantity"]).merge(parts, on="id")
    table["log_ratio"] = np.log(table["predicted"] / table["measured"])
    found = []
    for quantity, of_quantity in table.groupby("quantity", sort=False):
        for name, chosen in _chosen(of_quantity, methods).items():
            for by, column in (
                ("all", None),
                ("class", "architecture"),
                ("load", "load"),
                ("source", "source_id"),
            ):
                part = chosen[column] if column else pd.Series("all", chosen.index)
                for key, lines in chosen.groupby([part, *VARIANT], sort=False):
                    where = dict(zip(["part", *VARIANT], key, strict=True))
                    found.append(
                        {"quantity": QUANTITIES[str(quantity)], "rows": name, "by": by}
                        | where
                        | _errors(lines["log_ratio"])
                    )
    return pd.DataFrame(found)


def _chosen(lines: pd.DataFrame, methods: Collection[str]) -> dict[str, pd.DataFrame]:
    """Lines of each set of runs."""
    is_method = lines["predictor"].isin(methods)
    told = lines["told"] == TOLD
    compared = _everywhere(lines[told & ~is_method])
    methods = compared & _everywhere(lines[told & is_method])
    sets = {ANSWERED: None, SHARED: compared, METHODS: methods}
    return {
        name: lines if ids is None else lines[lines["id"].isin(ids)] for name, ids in sets.items()
    }


def _everywhere(lines: pd.DataFrame) -> set[str]:
    """Runs that all predictors of the lines answer."""
    ids = [set(own["id"]) for _, own in lines.groupby(VARIANT)]
    return set.intersection(*ids) if ids else set()


def _errors(log_ratio: pd.Series) -> dict[str, float]:
    size = log_ratio.abs()
    return {
        "n": len(size),
        "median_factor": float(np.exp(size.median())),
        "p90_factor": float(np.exp(size.quantile(0.9))),
        "within_two": float((size <= np.log(TWICE)).mean()),
        "bias": float(np.exp(log_ratio.mean())),
    }

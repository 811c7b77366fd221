"""Which benchmark rows count, and which are of one configuration."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.laws.base import Array, Domain, everywhere

CONFIGURATION = [
    "source_id",
    "source_version",
    "model",
    "gpu",
    "nodes",
    "tensor_parallel",
    "pipeline_parallel",
    "attention_data_parallel",
    "expert_parallel",
    "precision",
    "engine",
    "engine_version",
    "concurrency",
]
"""Columns that make a configuration, as far as a table has them."""

SAME_SHAPE = 0.05
"""Mean lengths that differ by less [1] are one shape: repetitions do not hit a length exactly."""


def configuration_columns(rows: pd.DataFrame) -> list[str]:
    """Columns of ``rows`` that make a configuration."""
    return [column for column in CONFIGURATION if column in rows]


def configuration_number(rows: pd.DataFrame) -> NDArray[np.integer[Any]]:
    """Consecutive number of the configuration of every row, in order of first appearance."""
    return rows.groupby(configuration_columns(rows), dropna=False, sort=False).ngroup().to_numpy()


def copy_gpus(rows: pd.DataFrame) -> pd.Series:
    """GPUs that share one copy of the model, of every row."""
    gpus = rows["tensor_parallel"]
    for column in ("pipeline_parallel", "attention_data_parallel"):
        if column in rows:
            gpus = gpus * rows[column].fillna(1)
    return gpus


def load_of(rows: pd.DataFrame) -> tuple[Array, Array]:
    """Concurrency and requests of the rows, infinite where they do not state them."""

    def given(column: str) -> Array:
        if column not in rows:
            return np.full((len(rows),), np.inf)
        return rows[column].to_numpy(np.float64, na_value=np.inf)

    return given("concurrency"), given("requests")


def length_range(rows: pd.DataFrame) -> Domain:
    """Smallest and largest lengths [tokens] of ``rows``; any length where no row states one."""
    domain = everywhere()
    for column in domain:
        known = rows[column].dropna()
        if len(known):
            domain[column] = (float(known.min()), float(known.max()))
    return domain


def usable_rows(table: pd.DataFrame, benchmarks: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of a benchmark table that a method uses.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``throughput``.
    benchmarks : dict
        The method's section: ``precision`` (list) and optionally ``models``, ``gpus``, ``sources``
        (lists of what is kept), ``exclude_sources``, ``exclude_confidence``.

    Returns
    -------
    DataFrame
        In the table's order; rows without both lengths are left out.
    """
    keep = table["precision"].isin(benchmarks["precision"])
    keep &= table["input_tokens"].notna() & table["output_tokens"].notna()
    columns = {"models": "model", "gpus": "gpu", "sources": "source_id"}
    for key, column in columns.items():
        if key in benchmarks:
            keep &= table[column].isin(benchmarks[key])
    for key, column in {"exclude_sources": "source_id", "exclude_confidence": "confidence"}.items():
        keep &= ~table[column].isin(benchmarks.get(key, []))
    return table[keep]

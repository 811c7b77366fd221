"""The requests of the largest energy, one by one."""

import os
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd

from inference_energy.method.distributions import LogNormal
from inference_energy.requests.answers import LARGEST, reached, time_text
from inference_energy.requests.counts import CELLS, FINE_BITS, WIDE_BITS
from inference_energy.requests.energies import WAYS_BITS, Serving, energies
from inference_energy.requests.formats import bare_name, literal

ORDER = ["energy", "start", "model", "input", "output"]

PRICED: dict[tuple[int, ...] | None, float] = {WAYS_BITS: 2.0**-5, (9, 8, 10): 2.0**-9, None: 0.0}
"""Significant binary digits of the lengths that many ways are asked for, of ever fewer rows, and
how far off a row's energy can be then [1], eight times what was seen; at last every row by itself.
"""


def choose(
    connection: duckdb.DuckDBPyConnection,
    cells_wanted: pd.DataFrame,
    surplus: str | os.PathLike[str] | None = None,
) -> list[dict[str, int]]:
    """Put the cells that can hold the largest requests where ``collect`` finds them.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Any.
    cells_wanted : DataFrame
        As from ``answers.candidates``.
    surplus : path-like, optional
        Parquet file of the rows that do not count, as their id was there before: file and row.

    Returns
    -------
    list of dict of str to int
        Least lengths, by the octave of the output: no row that reaches none of them is in such a
        cell, which spares most rows a closer look. [tokens]
    """
    wanted = cells_wanted[list(CELLS)].reset_index(drop=True)
    wanted["model"] = wanted["model"].fillna("")
    connection.register("wanted_frame", wanted)
    connection.execute("CREATE OR REPLACE TEMP TABLE wanted AS FROM wanted_frame")
    known = f"read_parquet({literal(surplus)})" if surplus else "(SELECT '' AS file, -1 AS row)"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW surplus AS FROM {known}")
    octave = np.frexp(wanted["output_cell"])[1]
    least = wanted.groupby(octave)[[f"{name}_cell" for name in FINE_BITS]].min()
    return [
        {
            f"mean_{name}": int(row[f"{name}_cell"] * (1 - 2.0 ** -WIDE_BITS[name]))
            for name in FINE_BITS
        }
        for row in least.to_dict("records")
    ]


def collect(
    connection: duckdb.DuckDBPyConnection,
    serving: Serving,
    least: Sequence[Mapping[str, int]],
    file: str = "",
    found: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Add the largest requests of the view ``counted`` to those found before.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After ``choose``.
    serving : Serving
        What serves the log.
    least : list of dict of str to int
        As from ``choose``.
    file : str
        File whose rows the view has.
    found : DataFrame, optional
        The largest ones so far.

    Returns
    -------
    DataFrame
        The ``LARGEST`` requests of the largest energy, the earliest of equal ones.
    """
    columns = f"start, {bare_name('model')} AS model, tenant, n, input, cached, output"
    long_enough = _long_enough(least)
    key = ", ".join([f"coalesce({bare_name('model')}, '')", *list(CELLS)[1:]])
    rows = connection.execute(
        f"SELECT {columns} FROM counted WHERE {long_enough} AND ({key}) IN (FROM wanted)"
        f" AND row NOT IN (SELECT row FROM surplus WHERE file = {literal(file)})"
    ).df()
    for bits, off in PRICED.items() if len(rows) else ():
        table = energies(serving, rows, bits)
        rows = rows.assign(energy=table["energy"], error=table["error"])
        enough = _reached_by(_joined(found, rows)) * (1 - 2 * off)
        rows = rows[rows["energy"] >= enough]
    rows = _joined(found, rows)
    if not len(rows):
        return rows
    rows = rows.sort_values(ORDER, ascending=[False, True, True, True, True], ignore_index=True)
    # a row that stands for several requests is as many of the largest ones
    before = np.cumsum(rows["n"]) - rows["n"]
    return rows[before < LARGEST].head(LARGEST)


def _joined(found: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that were found before and others."""
    return pd.concat([part for part in (found, rows) if part is not None and len(part)] or [rows])


def _reached_by(rows: pd.DataFrame) -> float:
    """Energy that the largest requests reach. [Wh]"""
    return reached(rows["energy"].to_numpy(), rows["n"].to_numpy(), LARGEST)


def _long_enough(least: Sequence[Mapping[str, int]]) -> str:
    """SQL of whether a row reaches any of some lengths, as ``choose`` gives them.

    By the output, whose octaves rise, the least input is a step: of a choice between all of them
    DuckDB would hold every row against each.
    """
    inputs = np.minimum.accumulate([one["mean_input"] for one in least])
    steps = [(one["mean_output"], reached) for one, reached in zip(least, inputs, strict=True)]
    cases = "".join(
        f" WHEN mean_output >= {output} THEN {reached}" for output, reached in steps[::-1]
    )
    return f"mean_output >= {steps[0][0]} AND mean_input >= CASE{cases} END"


def table(found: pd.DataFrame, serving: Serving, names: Mapping[str | None, str]) -> pd.DataFrame:
    """Table of the largest requests with P5, P50 and P95 of each; tenants are left out.

    ``names`` of models are as from ``answers.model_names``.
    """
    energy = found["energy"].to_numpy()
    quantiles = {}
    for name, level in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95)):
        shared = [serving.factor * LogNormal(0.0, float(e)) for e in found["error"]]
        quantiles[f"energy_wh_{name}"] = energy * [s.quantile(level) for s in shared]
    per = found[["input", "cached", "output"]].div(found["n"], axis=0)
    columns = {
        "rank": range(1, len(found) + 1),
        "time": found["start"].map(time_text),
        "model": [names[m if isinstance(m, str) else None] for m in found["model"]],
        "requests": found["n"],
        "input_tokens": per["input"],
        "cached_tokens": per["cached"],
        "output_tokens": per["output"],
    }
    return pd.DataFrame(columns | quantiles)

"""Energy of a log's hours and tenants, which can be as many groups of lengths as requests.

DuckDB adds the energies up as whole numbers, so that neither the order of the groups nor which of
them were added up before changes a result.
"""

import duckdb
import numpy as np
import pandas as pd

from inference_energy.requests.counts import CELLS, NAMES, SUMS, TABLES

RATE_BITS = 60
"""Binary digits of the largest rate as a whole number; smaller ones have fewer."""

PER = {"rest": "n", "prefill": "input - cached", "cached": "cached", "decode": "output"}
"""SQL of what each part of the energy of a cell's requests is in proportion to."""


def charged(
    connection: duckdb.DuckDBPyConnection, name: str, of_cells: pd.DataFrame
) -> pd.DataFrame:
    """Requests, tokens and energy by hour or tenant.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the groups as a table or view of ``counts.TABLES``.
    name : str
        Its name.
    of_cells : DataFrame
        By model (empty text if not stated) and cell: rates, a column ``{sum}_{part}`` for every sum
        and every part of ``PER``. [Wh]

    Returns
    -------
    DataFrame
        Sorted by hour or tenant, empty text if not stated: this, ``counts.SUMS`` and the sums.
    """
    key = next(iter(TABLES[name][0]))
    scale = 2.0 ** (RATE_BITS - int(np.frexp(np.abs(of_cells.to_numpy()).max(initial=0.0))[1]))
    connection.register("whole_rates", (of_cells * scale).round().astype(np.int64).reset_index())
    rates = [f"{column}::HUGEINT AS {column}" for column in of_cells]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rates AS SELECT {', '.join([*CELLS, *rates])}"
        " FROM whole_rates"
    )
    connection.unregister("whole_rates")
    summed = [f"sum({column})::BIGINT AS {column}" for column in SUMS]
    for one in dict.fromkeys(str(column).rpartition("_")[0] for column in of_cells):
        terms = [f"({per}) * {one}_{part}" for part, per in PER.items()]
        summed.append(f"sum({' + '.join(terms)})::DOUBLE / {scale!r} AS {one}")
    stated = f"coalesce(own.{key}, '')" if key in NAMES else f"own.{key}"
    cells = " AND ".join(f"own.{cell} = rates.{cell}" for cell in CELLS if cell != "model")
    return connection.execute(
        f"SELECT {stated} AS {key}, {', '.join(summed)} FROM {name} AS own JOIN rates"
        f" ON coalesce(own.model, '') = rates.model AND {cells}"
        " GROUP BY ALL HAVING sum(n) <> 0 ORDER BY ALL"
    ).df()

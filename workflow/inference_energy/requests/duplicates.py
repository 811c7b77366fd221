"""Requests that a log holds more than once."""

import os
from collections.abc import Callable, Sequence

import duckdb

from inference_energy.requests.counts import EXAMPLES, add_alike, add_counts, counted_view
from inference_energy.requests.expansion import refuse_expansion
from inference_energy.requests.formats import literal
from inference_energy.requests.log import Log, Unit, requests_view, values_of

ORDER = (
    "start, mean_input, mean_output, mean_cached, finish, model, tenant, n, reasoning, file, row"
)
"""Which of the rows of a request counts: the earliest, so that the order of rows and files does not
matter; of rows that are alike in all that is counted the first one, so that no order of threads
does."""

LENGTHS = "mean_input, mean_cached, mean_output"

REPEATS = {
    "duplicate": (f"id, {LENGTHS}", ORDER),
    "earlier state": (
        "id, start, mean_input",
        f"mean_output DESC, finish DESC NULLS LAST, {ORDER}",
    ),
}
"""Kinds of rows that do not count beside another of their id: what they have in common with it, and
which one of those that are left of the kinds above counts. A row with which a stream begins has
the start and input of the row with which it ends, and fewer tokens of output."""

SHARED = "shared id"
"""Kind of rows whose id is another request's, as a session's, or of a counter that begins anew in
every file."""


def count_duplicates(
    connection: duckdb.DuckDBPyConnection,
    log: Log,
    units: Sequence[Unit],
    longest: float,
    folder: str | os.PathLike[str],
    say: Callable[[str, int, int], object] = lambda *_: None,
    long_from: float | None = None,
    one_in: int = 1,
) -> None:
    """Add the rows that say of a request what another of its id does to the tables of counts, from
    where they are taken, and count those of an id that are other requests.

    Ids are compared by hash, so that a billion of them need eight bytes each, and then as they are.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of ``counts.create_tables``.
    log : Log
        The log, whose format has an id.
    units : list of Unit
        All of it.
    longest : int
        Tokens above which a row is absurd. [tokens]
    folder : path-like
        Where text is put before it is counted.
    say : callable
        Told before and after each unit what for, how many are read, and of how many.
    long_from : float, optional
        As for ``counts.count_unit``. [tokens]
    one_in : int
        As for ``counts.count_unit``.
    """
    connection.execute("CREATE TEMP TABLE hashes (hash UBIGINT)")
    stated: set[str] = set()
    say("ids", 0, len(units))
    for number, unit in enumerate(units, 1):
        if log.kind != "parquet":
            refuse_expansion(unit.file)
        with values_of(unit.file):
            stated |= _counted(connection, log, unit, longest, folder, long_from)
            hashes = "SELECT hash(id) FROM counted WHERE id IS NOT NULL"
            connection.execute(f"INSERT INTO hashes {hashes}")
        say("ids", number, len(units))
    connection.execute(
        "CREATE TEMP TABLE repeated AS SELECT hash FROM hashes GROUP BY hash HAVING count(*) > 1;"
        " DROP TABLE hashes; CREATE TEMP TABLE rows AS SELECT *, '' AS file FROM counted LIMIT 0"
    )
    if connection.execute("SELECT count(*) FROM repeated").fetchall()[0][0]:
        for number, unit in enumerate(units, 1):
            _counted(connection, log, unit, longest, folder, long_from)
            connection.execute(
                "INSERT INTO rows SELECT *, ? FROM counted WHERE hash(id) IN (FROM repeated)",
                [unit.file],
            )
            say("rows of repeated ids", number, len(units))
    connection.execute("CREATE TEMP TABLE surplus AS SELECT * FROM rows LIMIT 0")
    for kind, (alike, order) in REPEATS.items():
        _set_apart(connection, kind, f"PARTITION BY {alike} ORDER BY {order}")
        connection.execute("INSERT INTO surplus FROM apart")
    connection.execute("CREATE OR REPLACE TEMP VIEW counted AS FROM surplus")
    if "start" in stated and "requests" not in stated:
        add_alike(connection, one_in)
    add_counts(connection, stated, long_from, one_in=one_in)
    _set_apart(connection, SHARED, f"PARTITION BY id ORDER BY {ORDER}")


def _set_apart(connection: duckdb.DuckDBPyConnection, kind: str, window: str) -> None:
    """Move all but the first of each window from the table ``rows`` to ``apart``, and count them as
    of a kind.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE ranked AS"
        f" SELECT *, row_number() OVER ({window}) AS rank FROM rows;"
        " CREATE OR REPLACE TEMP TABLE apart AS SELECT * EXCLUDE rank FROM ranked WHERE rank > 1;"
        " CREATE OR REPLACE TEMP TABLE rows AS SELECT * EXCLUDE rank FROM ranked WHERE rank = 1;"
        " DROP TABLE ranked"
    )
    connection.execute("INSERT INTO kinds SELECT ?, count(*) FROM apart", [kind])
    connection.execute(
        "INSERT INTO examples (kind, file, row, start, finish, input, cached, output)"
        " SELECT ?, file, row, start, finish, input, cached, output"
        f" FROM apart ORDER BY file, row LIMIT {EXAMPLES}",
        [kind],
    )


def write_surplus(connection: duckdb.DuckDBPyConnection, path: str | os.PathLike[str]) -> None:
    """Write which rows do not count beside another of their id: file and row, as Parquet."""
    rows = "SELECT file, row FROM surplus ORDER BY ALL"
    connection.execute(f"COPY ({rows}) TO {literal(path)} (FORMAT parquet)")


def _counted(
    connection: duckdb.DuckDBPyConnection,
    log: Log,
    unit: Unit,
    longest: float,
    folder: str | os.PathLike[str],
    long_from: float | None,
) -> set[str]:
    stated, *_ = requests_view(log, unit, connection, folder)
    connection.execute(counted_view(longest, stated, long_from=long_from))
    return stated

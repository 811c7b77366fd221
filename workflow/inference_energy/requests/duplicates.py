"""Requests that a log holds more than once."""

import os
from collections.abc import Callable, Sequence

import duckdb

from inference_energy.errors import InputError
from inference_energy.requests.counters import LEAST_SHARE
from inference_energy.requests.counts import EXAMPLES, add_alike, add_counts, counted_view
from inference_energy.requests.expansion import refuse_expansion
from inference_energy.requests.formats import literal
from inference_energy.requests.log import Log, Unit, requests_view, values_of
from inference_energy.requests.sums import first_row
from inference_energy.requests.usable import is_much
from inference_energy.units import MICROSECONDS_PER_SECOND

ORDER = (
    "start, mean_input, mean_output, mean_cached, finish, model, tenant, n, reasoning, file, row"
)
"""Which of the rows of a request counts: the earliest, so that the order of rows and files does not
matter; of rows that are alike in all that is counted the first one, so that no order of threads
does."""

LENGTHS = "mean_input, mean_cached, mean_output"

STREAM = "id, start, mean_input"
"""What the rows of a stream that is logged while it goes on have in common."""

REPEATS = {
    "duplicate": (f"id, {LENGTHS}, CASE WHEN NOT at_once THEN start END", ORDER),
    "earlier state": (STREAM, f"mean_output DESC, finish DESC NULLS LAST, {ORDER}"),
}
"""Kinds of rows that do not count beside another of their id: what they have in common with it, and
which one of those that are left of the kinds above counts. A row with which a stream begins has
the start and input of the row with which it ends, and fewer tokens of output."""

AT_ONCE = MICROSECONDS_PER_SECOND
"""Time from the first to the last start of the rows of an id, below which they are of one request,
whatever their starts, as hops of a gateway log it (300 ms at most) or one of two exports writes
whole seconds. Ids of sessions and users come again later, with equal lengths too. [us]"""

SHARED = "shared id"
"""Kind of rows whose id is another request's, as a session's, or of a counter that begins anew in
every file."""

ROUNDED = "rounded id"
"""Kind of rows whose id tells no requests apart, and is not used."""

IS_ROUNDED = "contains(id, '+') AND regexp_full_match(id, '[0-9]([.,][0-9]+)?[eE][+][0-9]+')"
"""SQL of an id that is a number of which digits are lost, as a spreadsheet writes 19 of them."""


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
    Ids that are rounded are counted and not compared.

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

    Raises
    ------
    InputError
        If many rows look like states of requests that are in no order.
    """
    connection.execute("CREATE TEMP TABLE hashes (hash UBIGINT)")
    stated: set[str] = set()
    say("ids", 0, len(units))
    for number, unit in enumerate(units, 1):
        if log.kind != "parquet":
            refuse_expansion(unit.file)
        with values_of(unit.file):
            stated |= _counted(connection, log, unit, longest, folder, long_from)
            hashed = f"CASE WHEN NOT ({IS_ROUNDED}) THEN hash(id) END"
            hashes = f"SELECT {hashed} FROM counted WHERE id IS NOT NULL"
            connection.execute(f"INSERT INTO hashes {hashes}")
        say("ids", number, len(units))
    ids, hashed = connection.execute("SELECT count(*), count(hash) FROM hashes").fetchall()[0]
    connection.execute(
        "CREATE TEMP TABLE repeated AS"
        " SELECT hash FROM hashes GROUP BY hash HAVING count(hash) > 1;"
        " DROP TABLE hashes; CREATE TEMP TABLE rows AS SELECT *, '' AS file FROM counted LIMIT 0"
    )
    if ids > hashed or connection.execute("SELECT count(*) FROM repeated").fetchall()[0][0]:
        for number, unit in enumerate(units, 1):
            _counted(connection, log, unit, longest, folder, long_from)
            connection.execute(
                "INSERT INTO rows SELECT *, ? FROM counted WHERE hash(id) IN (FROM repeated)",
                [unit.file],
            )
            if ids > hashed:
                _tell_rounded(connection, unit)
            say("rows of repeated ids", number, len(units))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE rows AS SELECT *,"
        f" coalesce(max(start) OVER own - min(start) OVER own, 0) < {AT_ONCE} AS at_once"
        " FROM rows WINDOW own AS (PARTITION BY id);"
        " CREATE TEMP TABLE surplus AS SELECT * FROM rows LIMIT 0"
    )
    for kind, (alike, order) in REPEATS.items():
        if kind == "earlier state":
            _refuse_mixed(connection, ids)
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
    _tell(connection, kind, "apart")


def _tell(connection: duckdb.DuckDBPyConnection, kind: str, rows: str) -> None:
    """Count rows, of a query or a table in SQL, as of a kind, and keep examples."""
    connection.execute(f"INSERT INTO kinds SELECT ?, count(*) FROM {rows}", [kind])
    connection.execute(
        "INSERT INTO examples (kind, file, row, start, finish, input, cached, output)"
        " SELECT ?, file, row, start, finish, input, cached, output"
        f" FROM {rows} ORDER BY file, row LIMIT {EXAMPLES}",
        [kind],
    )


def _tell_rounded(connection: duckdb.DuckDBPyConnection, unit: Unit) -> None:
    """Count the rows of a unit whose ids are rounded."""
    rows = f"(SELECT *, {literal(unit.file)} AS file FROM counted WHERE {IS_ROUNDED})"
    _tell(connection, ROUNDED, rows)


def _refuse_mixed(connection: duckdb.DuckDBPyConnection, count: int) -> None:
    """Refuse a log of ``count`` rows with ids of which many look like states, but their output
    falls as well as it rises from row to row, as that of several answers to one prompt does.

    A stream is written while it goes on, and read from its first row or its last.
    """
    followed = (
        "SELECT file, row, mean_output - lag(mean_output) OVER"
        f" (PARTITION BY {STREAM} ORDER BY file, row) AS more FROM rows"
    )
    rises, falls, fallen = connection.execute(
        "SELECT count(*) FILTER (more > 0), count(*) FILTER (more < 0),"
        f" min((file, row)) FILTER (more < 0) FROM ({followed})"
    ).fetchall()[0]
    pairs = rises + falls
    if not is_much(pairs, count) or max(rises, falls) >= LEAST_SHARE * pairs:
        return
    file, row = fallen
    raise InputError(
        f"{file}, row {row + first_row(file)}: the id, start and input of a row above, and other"
        f" output; of {pairs} such rows {rises} have more than the row above and {falls} less, as"
        " several answers to one prompt (n) have, which are computed all, and not as states of a"
        " stream, of which one is the request; allowed are rows of which the last of an id, or the"
        " first, has the most output; of answers take the column of ids out, so that each row"
        " counts, and state as cached what input is not computed again; of states keep the one of"
        " the most output"
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

"""Rows that seem to tell of one request again where no id says so: states of a stream that goes on,
and hops of a gateway.

What is kept of a row adds up over parts of a log, whatever the parts, and is told of a log only
where chance cannot make it. Of rows that begin together by chance few have the same input: less
than a tenth of those that do is what the inputs of the log, drawn at random, give. Requests of the
same lengths in the same ten seconds are as many by chance as a Poisson distribution has them: where
nine of ten of those that are alone or two are two, nine are the mean and few are two, so that most
rows being two of a kind, and near each other, is none.
"""

import duckdb

from inference_energy.units import MICROSECONDS_PER_HOUR, MICROSECONDS_PER_SECOND, MILLI

STATES, HOPS = "perhaps an earlier state", "perhaps another hop"
"""Kinds of rows that only the whole log shows."""

MILLISECOND = int(MILLI * MICROSECONDS_PER_SECOND)
"""[us]"""

COARSE_START, LEAST_FINE = 10 * MILLISECOND, 0.5
"""Of a log that is fine enough to tell requests apart by their starts, at least so many [1] are no
multiples of this [us]: of starts in ms nine of ten."""

LONGEST_TOLD = MICROSECONDS_PER_HOUR // 4
"""A request that takes longer is in neither table, so that sums of squares stay whole. [us]"""

LEAST_STATES = 0.05
"""Share of the rows that are earlier states, from which on they are told [1]."""

BY_CHANCE = 10.0
"""Starts of several rows with one input, over those that chance has, from which on they are
states. [1]"""

HOP = 50
"""Time by which starts, and durations, of two hops differ at most. [ms]"""

LEAST_PAIRED, LEAST_APART = 0.9, 0.5
"""Share of pairs of hops among rows whose lengths are those of no other or of one other row of the
same ten seconds, and of such rows among all, from which on they are told. [1]"""

LEAST_HOPS = 10
"""Pairs from which on they are told: of a few requests two are sent together for once."""

TABLES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "states": (
        {"hash": "UBIGINT", "input": "BIGINT"},
        ("n", "fine", "output", "lasted", "product"),
    ),
    "hops": ({"hash": "UBIGINT"}, ("n", "start", "start_square", "lasted", "lasted_square")),
}
"""Tables of counts as ``counts.TABLES`` has them: rows of one start by their inputs, how many of
them start at no coarse time, with sums of output [tokens], duration [ms] and their product; rows of
one input and output by the bin of time of their start, with sums of the time of the start in the
bin, of the duration [ms] and of their squares."""


def add_retold(connection: duckdb.DuckDBPyConnection, kept: str, bin_length: int) -> None:
    """Add rows of the view ``counted`` to the tables.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view and the tables.
    kept : str
        SQL of whether a row's bin of time is one that is looked at.
    bin_length : int
        Time of a bin. [us]
    """
    rows = (
        f"(SELECT *, (finish - start) // {MILLISECOND} AS lasted,"
        f" start % {bin_length} // {MILLISECOND} AS begun FROM counted"
        f" WHERE {kept} AND finish - start BETWEEN 0 AND {LONGEST_TOLD})"
    )
    connection.execute(
        "INSERT INTO states SELECT hash(start, model, tenant, session), input, count(*),"
        f" count(*) FILTER (start % {COARSE_START} <> 0), sum(output), sum(lasted),"
        f" sum(output * lasted) FROM {rows} WHERE id IS NULL GROUP BY ALL"
    )
    connection.execute(
        f"INSERT INTO hops SELECT hash(start // {bin_length}, input, output), count(*),"
        " sum(begun), sum(begun * begun), sum(lasted), sum(lasted * lasted)"
        f" FROM {rows} GROUP BY ALL"
    )


def count_retold(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count the rows of the whole log that its tables tell, by kind; 0 where chance may make them.

    Which of the rows of a stream, and which hop, is the request cannot be said of all logs, so that
    every row counts: these are the rows above one for each request.
    """
    return {STATES: _states(connection), HOPS: _hops(connection)}


def _states(connection: duckdb.DuckDBPyConnection) -> int:
    """Rows above one of starts that have one input, whose output rises with the time it took."""
    summed = (
        "SELECT hash, input, sum(n) AS n, sum(fine) AS fine,"
        " sum(n) * sum(product) > sum(output) * sum(lasted) AS rises"
        " FROM states GROUP BY ALL HAVING sum(n) > 0"
    )
    starts = (
        "SELECT sum(n) AS n, sum(fine) AS fine, count(*) = 1 AND bool_and(rises) AS one"
        f" FROM ({summed}) GROUP BY hash"
    )
    rows, fine, several, found, more = connection.execute(
        "SELECT coalesce(sum(n), 0), coalesce(sum(fine), 0), count(*) FILTER (n > 1),"
        " count(*) FILTER (n > 1 AND one), coalesce(sum(n - 1) FILTER (one), 0)"
        f" FROM ({starts})"
    ).fetchall()[0]
    # pairs of starts, whatever the time between them, and those of them that have one input
    groups, alike = connection.execute(
        "SELECT coalesce(sum(n), 0), coalesce(sum(n * (n - 1)), 0) FROM"
        f" (SELECT input, count(*) AS n FROM ({summed}) GROUP BY input)"
    ).fetchall()[0]
    is_fine, are_many = fine >= LEAST_FINE * rows, more >= LEAST_STATES * rows
    is_no_chance = found * groups * (groups - 1) > BY_CHANCE * several * alike
    return int(more) if is_fine and are_many and is_no_chance else 0


def _hops(connection: duckdb.DuckDBPyConnection) -> int:
    """Rows that are the second of a pair of the same lengths a few ms apart."""
    names = ", ".join(f"sum({name}) AS {name}" for name in TABLES["hops"][1])
    apart = [f"(2 * {name}_square - {name} * {name})" for name in ("start", "lasted")]
    # two that are the same are told as that
    near = f"n = 2 AND greatest({', '.join(apart)}) BETWEEN 1 AND {HOP * HOP}"
    rows, few, pairs = connection.execute(
        f"SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (n <= 2), 0), count(*) FILTER ({near})"
        f" FROM (SELECT {names} FROM hops GROUP BY hash)"
    ).fetchall()[0]
    is_told = pairs >= LEAST_HOPS and 2 * pairs >= LEAST_PAIRED * few and few >= LEAST_APART * rows
    return int(pairs) if is_told else 0

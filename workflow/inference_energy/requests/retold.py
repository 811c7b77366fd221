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

REPEATED = ("earlier state", "shared id")
"""Kinds of rows of which a log has some if its ids are those of requests or sessions, not of rows,
so that rows of several ids are several requests."""

BY_CHANCE = 10.0
"""Starts of several rows with one input, and pairs of rows of the same lengths, over those that
chance has, from which on they are states, and hops. [1]"""

HOP = 300
"""Time by which starts, and durations, of two hops differ at most: the way to the other side of the
earth and back. [ms]"""

LEAST_HOPS, LEAST_PAIRED = 10, 0.05
"""Pairs, and their share of the rows [1], from which on they are told: of a few requests two are
sent together for once. Of rows of one length at random times in ten seconds, m in the mean,
m / 2 x exp(-m) x 2 x HOP / 10 s are pairs, 0.011 at most."""

TABLES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "states": (
        {"hash": "UBIGINT", "input": "BIGINT", "named": "BOOLEAN"},
        ("n", "fine", "output", "lasted", "product"),
    ),
    "hops": (
        {"bin": "BIGINT", "hash": "UBIGINT"},
        ("n", "start", "start_square", "lasted", "lasted_square"),
    ),
}
"""Tables of counts as ``counts.TABLES`` has them: rows of one start by their inputs and whether
they have an id, how many of them start at no coarse time, with sums of output [tokens], duration
[ms] and their product; rows of one input and output by the bin of time of their start, with sums of
the time of the start in the bin, of the duration [ms] and of their squares."""


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
        "INSERT INTO states SELECT hash(start, model, tenant, session), input, id IS NOT NULL,"
        f" count(*), count(*) FILTER (start % {COARSE_START} <> 0), sum(output), sum(lasted),"
        f" sum(output * lasted) FROM {rows} GROUP BY ALL"
    )
    connection.execute(
        f"INSERT INTO hops SELECT start // {bin_length}, hash(input, output), count(*),"
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
    marks = ", ".join("?" for _ in REPEATED)
    repeated = f"SELECT coalesce(sum(n), 0) FROM kinds WHERE kind IN ({marks})"
    is_of_requests = connection.execute(repeated, REPEATED).fetchall()[0][0] > 0
    looked_at = "NOT named" if is_of_requests else "true"
    summed = (
        "SELECT hash, input, sum(n) AS n, sum(fine) AS fine,"
        " sum(n) * sum(product) > sum(output) * sum(lasted) AS rises"
        f" FROM states WHERE {looked_at} GROUP BY ALL HAVING sum(n) > 0"
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
    summed = f"SELECT bin, hash, {names} FROM hops GROUP BY ALL HAVING sum(n) > 0"
    rows, pairs, alike = connection.execute(
        f"SELECT coalesce(sum(n), 0), count(*) FILTER ({near}), coalesce(sum(n * n), 0)"
        f" FROM ({summed})"
    ).fetchall()[0]
    # rows that begin together, and those of the same lengths at any time, each times the others
    together, same = (
        connection.execute(
            "SELECT coalesce(sum(n * n), 0)"
            f" FROM (SELECT sum(n) AS n FROM ({summed}) GROUP BY {key})"
        ).fetchall()[0][0]
        for key in ("bin", "hash")
    )
    apart_alike, apart_any = same - alike, rows * rows - together
    is_no_chance = 2 * pairs * apart_any > BY_CHANCE * (together - rows) * apart_alike
    is_told = pairs >= max(LEAST_HOPS, LEAST_PAIRED * rows) and is_no_chance
    return int(pairs) if is_told else 0

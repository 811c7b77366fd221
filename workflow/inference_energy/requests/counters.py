"""Tokens of a counter, which each row has the total of so far, told from tokens of a request.

Of a counter the output tokens rise from row to row. Of requests by themselves they rise as often as
they fall: in a random order of n different numbers one is followed by a larger one (n - 1) / 2
times in the mean, with a variance of (n + 1) / 12 (Eulerian numbers; Graham, Knuth and Patashnik,
Concrete Mathematics, 6.2). Input tokens tell nothing: a conversation's rise, as each request has
all before.
"""

from collections.abc import Collection, Mapping
from math import sqrt

import duckdb

from inference_energy.requests.formats import bare_name

WHOLE = "log"
"""What stands for no column: all rows are one order."""

WITHIN = ("session", "tenant", "model")
"""Columns of a requests view of whose values each may have a counter of its own."""

STATISTICS = ("rises", "falls", "usual", "orders")
"""What is counted: rows of more and of fewer output tokens than the one before, those of so many
more as an answer has, and orders of two rows and more."""

FIRST_ROWS = 2**17
"""Rows of a file, or of a unit of it, that are looked at."""

LEAST_ANSWER = 8
"""Tokens by which half of the rises at least are of a counter: the median answers of published logs
are 13 tokens and more (Azure's of code completion), and rows that are sorted by length are closer
as soon as there are hundreds. [tokens]"""

LEAST_SHARE = 0.8
"""Rises among rises and falls [1]: sessions of five rows one after the other have four of five, and
requests by themselves half."""

DEVIATIONS = 5.0
"""Standard deviations of a random order by which rises are more than half, which no log of requests
comes to by chance; rows of one counter are at least eleven, sessions of two rows twenty-five."""


def count_rises(
    connection: duckdb.DuckDBPyConnection, stated: Collection[str], examples: int
) -> tuple[dict[str, tuple[int, ...]], list[int]]:
    """Count how output tokens go on from row to row, in the order in which requests end.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the view ``counted`` of a unit.
    stated : set of str
        Columns that the log has.
    examples : int
        How many rows are named.

    Returns
    -------
    counts, places : dict of str to tuple of int, list of int
        ``STATISTICS`` by the column within whose values rows follow each other, and the numbers of
        the first rows that rise where they are of a counter.
    """
    times = [name for name in ("finish", "start") if name in stated]
    order = f"coalesce({', '.join(times)}) NULLS LAST, row" if times else "row"
    keys = [key for key in WITHIN if key in stated]
    columns = ", ".join(
        ["row", "start", "finish", "mean_input", "mean_output"]
        + [f"{bare_name(key)} AS {key}" for key in keys]
    )
    first = f"SELECT {columns} FROM counted"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE first_rows AS {first} LIMIT {FIRST_ROWS}")
    above = {name: f"lag({name}) OVER rows_so_far" for name in ("start", "mean_input")}
    # answers to one prompt, and states of one, end the later the longer they are
    is_again = " AND ".join(f"coalesce({name} = {lag}, FALSE)" for name, lag in above.items())
    more = f"CASE WHEN NOT ({is_again}) THEN mean_output - lag(mean_output) OVER rows_so_far END"
    counts: dict[str, tuple[int, ...]] = {}
    places: list[int] = []
    for key in (*keys, WHOLE):
        within, where = ("", "") if key == WHOLE else (f"PARTITION BY {key}", f"{key} IS NOT NULL")
        followed = (
            f"SELECT row, {more} AS more,"
            " row_number() OVER rows_so_far AS place FROM first_rows"
            f"{f' WHERE {where}' if where else ''}"
            f" WINDOW rows_so_far AS ({within} ORDER BY {order})"
        )
        *found, rising = connection.execute(
            f"SELECT count(*) FILTER (more > 0), count(*) FILTER (more < 0),"
            f" count(*) FILTER (more >= {LEAST_ANSWER}), count(*) FILTER (place = 2),"
            f" min(row, {examples}) FILTER (more > 0) FROM ({followed})"
        ).fetchall()[0]
        counts[key] = tuple(map(int, found))
        places = places or (rising if is_counter(*counts[key]) else [])
    connection.execute("DROP TABLE first_rows")
    return counts, places


def is_counter(rises: int, falls: int, usual: int, orders: int) -> bool:
    """Whether output tokens go on as those of a counter do; parameters are ``STATISTICS``."""
    pairs = rises + falls
    # an order of n rows has n - 1 pairs
    spread = sqrt((pairs + 2 * orders) / 12)
    return (
        pairs > 0
        and rises >= LEAST_SHARE * pairs
        and rises - pairs / 2 >= DEVIATIONS * spread
        and 2 * usual >= rises
    )


def of_counters(found: Mapping[str, tuple[int, ...]]) -> int:
    """Rows of a log whose output tokens rise as those of a counter do, by the column within which
    they do so first; 0 where none does.

    Parameters
    ----------
    found : dict of str to tuple of int
        As from ``count_rises``, of the whole log.
    """
    told = [found[key][0] for key in (*WITHIN, WHOLE) if key in found and is_counter(*found[key])]
    return told[0] if told else 0

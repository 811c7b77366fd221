"""Counting the requests of a log: every table here is a sum of counts over rows.

Counts of parts of a log add up to those of the whole, whatever the parts, so that a log can be
split and gathered with the same bytes. Lengths are grouped: up to ``2**bits`` tokens exactly, above
that in cells of ``bits`` significant binary digits, of which the sums of the lengths are kept too.
An energy at a cell's mean lengths differs from the mean energy of the cell by the square of the
cell's relative width over 24, times the law's curvature, 3e-6 at 7 digits. Over the whole log how
far lengths are from their cells is therefore kept with its square, which gives the mean energy to
third order, so that cells can be few. Requests with cached input have three lengths, of which as
fine cells would be nearly as many as requests: theirs are wider, and of the input that is computed,
not of all input: its energy is nearly in proportion to it, and would differ within a cell of input
that is nearly all cached. Of cached input, whose energy is in proportion, the mean is enough.

No cell of answers has both long ones and others: the number of that in which long ones begin is
moved to their side of the edge, so that they are counted exactly.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

import duckdb

from inference_energy.errors import InputError
from inference_energy.laws.hardware import FASTEST
from inference_energy.requests.contexts import over_context
from inference_energy.requests.counters import STATISTICS, count_rises
from inference_energy.requests.expansion import refuse_expansion
from inference_energy.requests.formats import (
    COLUMNS,
    NO_NUMBER,
    THIS_CENTURY,
    TOKENS,
    UNREAD,
    bare_name,
    literal,
)
from inference_energy.requests.log import PAGES, Log, Unit, requests_view, values_of
from inference_energy.requests.retold import HOPS, STATES, add_retold, count_retold
from inference_energy.requests.retold import TABLES as RETOLD
from inference_energy.requests.sums import refuse_sums
from inference_energy.units import (
    KILO,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_HOUR,
    MICROSECONDS_PER_SECOND,
)

if TYPE_CHECKING:
    import pandas as pd

FINE_BITS, WIDE_BITS = {"input": 4, "output": 6}, {"input": 3, "output": 4}
"""Significant binary digits of lengths over the whole log, without and with cached input (then of
what is computed of the input)."""

CACHED_BITS, COARSE_BITS = 2, 3
"""The same of cached lengths, and by hour or tenant (whose energies are then those of the fine
cells together)."""

OFFSETS = 1024
"""Steps, of which as many are a cell, by which a length is told to be off its cell."""

COARSE_STEPS = {False: 4, True: 2}
"""Coarse cells of an octave, by whether there is cached input."""

FLIGHT_BIN = 10_000_000
"""Time over which requests in flight are averaged. [us]"""

STARTED = f"least({FLIGHT_BIN} - start % {FLIGHT_BIN}, finish - start)"
ENDED = (
    f"CASE WHEN finish // {FLIGHT_BIN} > start // {FLIGHT_BIN} THEN finish % {FLIGHT_BIN}"
    " ELSE 0 END"
)
"""SQL of the time that a request is in flight in the bin of its start, and in that of its end if it
is another one. [us]"""

LONGEST_FLIGHT = MICROSECONDS_PER_DAY
"""A request that takes longer is in no load. [us]"""

IN_LOAD = f"finish - start BETWEEN 0 AND {LONGEST_FLIGHT}"
"""SQL of what a request in the load fulfils."""

AT_ONCE = f"finish = start AND output > 0 AND start % {MICROSECONDS_PER_SECOND} <> 0"
"""SQL of an answer that takes no time. Of times in whole seconds it can: those that are cut off
together, and those that are cut off apart, have the right load in the mean."""

NO_LOAD = "not in the load"
"""Kind of rows that the load says nothing of, whichever of their times is why."""

PLACES, SPREADING, CYCLE = 2**32, 2_654_435_761, 2**31
"""Places over which bins are spread by their multiples of an odd number near the golden ratio of
them (Knuth, The Art of Computer Programming, vol. 3, 6.4), and bins after which these begin anew,
so that none turns over."""

MOST_RATE, LEAST_RATE = 5000.0, 1.0
"""Output tokens of one request a second, above which its times are in doubt, and input and output
tokens together, below which they are [tokens/s]. Of the runs of data/throughput one request has 8
to 366 output tokens a second, on wafers some thousands: a thousandth of a time is told of any, and
a thousandfold of all but the fastest or those of long inputs."""

USUAL_RATE = 400.0
"""Output tokens of one request a second, above which a server is none that was measured on GPUs
[tokens/s]: of the runs of data/throughput one request has 366 at most, of DeepSeek-R1 on eight B200
368 were announced. Small models and wafers give more, and what is no time of the answer alone less,
so that it is told only where most requests have more."""

EARLY = tuple(int(moment / KILO) for moment in THIS_CENTURY)
"""Moments of this century that are taken for a thousandth of them: 12 January to 17 February 1970,
of seconds that are read as milliseconds, or these as microseconds. [us]"""

QUARTER = MICROSECONDS_PER_HOUR // 4
"""Time by which time zones differ. [us]"""

FARTHEST_ZONE = 26 * MICROSECONDS_PER_HOUR
"""Time by which they differ at most, from UTC-12 to UTC+14. [us]"""

TOO_SLOW = (
    f"{IN_LOAD} AND output > 0 AND input::DOUBLE + output"
    f" < {LEAST_RATE!r} * (finish - start) / {MICROSECONDS_PER_SECOND:.1f}"
)
"""SQL of what a request of too few tokens a second fulfils."""

HOUR = f"(start // {MICROSECONDS_PER_HOUR})::INTEGER"
"""SQL of the hour since 1970 of a start."""

MOST_REQUESTS = 10**9
"""Requests of a row above which it is absurd; below, sums of tokens and times stay whole."""

MOST_TOKENS = 10**13
"""Tokens of a row of many requests above which it is absurd, so that sums of rows stay whole."""

MOST_ROWS = 2**22
"""Rows of a table of counts from which on they are added up between units."""

FIRST_ROWS, ALIKE = 2**17, 4
"""Rows of which the lengths are compared, and how many of them have to have the same ones in the
mean for rows to be put together by their lengths before their cells are computed."""

EXAMPLES = 3
"""Examples of every kind of row that are kept of a file's unit."""

RUNNING_TOTAL = "running total"
"""Kind of rows that only the whole log shows."""

SAME = "same in all cells"
"""Kind of rows, whatever their ids, that only the whole log shows."""

FASTER_SERVED = "faster than the deployment"
"""Kind of requests, not of rows: which GPUs answer them is known when they are counted."""

FASTER = "faster than measured"
"""Kind of rows whose output may be no answer alone, where most are of it."""

HOLDS_INPUT = "output holds input"
"""Kind of requests, not of rows, that only all lengths show."""

OVER_SERVED = "over the deployment's context"
"""Kind of requests, not of rows: which model answers them is known when they are counted."""

KINDS = {
    "no tokens": "input or output tokens are missing or no number; the row does not count",
    "unreadable tokens": "input or output tokens are given and no whole number, as 1,234; of no"
    " tokens as well, the row does not count",
    "negative": "a number of tokens is below zero; the row does not count",
    "absurd": "more tokens than any context holds, or a billion requests or 10 trillion tokens; the"
    " row does not count",
    "no requests": "a row of a usage export without a whole number of requests; it does not count",
    "part of a token": "a row of a usage export with fewer input or output tokens than requests,"
    " and some; a request that has any has a whole one; the row does not count",
    SAME: "times (to a fraction of a second), names and tokens of another row of no or another id;"
    " the row counts (of a log of more than 64 MB some of the ten seconds are seen, and stand for"
    " all)",
    STATES: "start (to a millisecond), names and input of another row, neither with an id, that has"
    " more output tokens and ends later, where that is not by chance, as where rows are written"
    " while a stream goes on; the row counts (of a log of more than 64 MB as of the same in all"
    " cells)",
    HOPS: "input and output of another row that starts and takes as long to 50 ms, where nine of"
    " ten rows are such pairs, as where two hops of a gateway each log a request; the row counts"
    " (of a log of more than 64 MB as of the same in all cells)",
    "answered elsewhere": "no model answered, but the proxy's own cache, or it is an agent's or a"
    " tool's span, whose calls of models have their own; the row does not count",
    "duplicate": "the id, start and lengths of another row, or of an id whose rows all start within"
    " a second, or have no time, its lengths; the earliest of them counts, the others do not",
    "earlier state": "the id, start and input of another row that has more output tokens, as where"
    " a stream begins; the row does not count",
    "shared id": "an id that another row has, of another time or other lengths, as that of a"
    " session or of a request that is sent again; the row counts",
    "rounded id": "an id as 1.77236E+18, as a spreadsheet writes long numbers, which several"
    " requests have: it is not used; the row counts",
    "several": "a row of several of the kinds above, once for each further one: those kinds"
    " together, less this, are the rows that do not count",
    "unreadable": "no row of the file's columns, as all lines of an open quote, or no JSON"
    " object, or one with a key twice or without the lists of its format; it does not count",
    "no last page": "pages that say that another follows, and none of the log is the last one;"
    " they count, and what follows is missing",
    "no number": "cached or reasoning tokens are stated and no whole number; the row counts, with"
    " none of them",
    "cached above input": "more cached than input tokens; all input counts as cached",
    "reasoning above output": "more reasoning than output tokens; all output counts as reasoning",
    "other total": "total tokens are stated and are not input and output together; the row counts"
    " by these",
    "over context": "input and output, of a row of many requests their mean, are more than the"
    " context of the row's model in data/models.csv, of no known model than the largest there; the"
    " row counts",
    RUNNING_TOTAL: "output tokens rise from row to row, of the log, a model, a tenant or a session,"
    " by as many as answers have, as those of a counter do (of a file the first 131,072 rows, in"
    " the order in which they end); the row counts",
    HOLDS_INPUT: "of a log whose requests nearly all have more output than input, and whose outputs"
    " less inputs vary by far less than outputs do, as totals of both are: those with more output;"
    " they count",
    OVER_SERVED: "requests of no known model whose input and output, by the mean of requests of"
    " their lengths, are more than the context of the deployment's model; they count",
    "no input": "no input tokens; the row counts, its energy is the law's at no input",
    "no output": "no output tokens; the row counts, its energy is the law's at no output",
    "no time": "the start is missing or no time; the row counts, but in no hour and no load",
    "no end": "the end is missing or no time; the row counts, but not in the load",
    "unreadable time": "a start or an end is given and no time, as 01.03.2026 10:00; of no time or"
    " no end as well, the row counts",
    "ends before start": "the end is before the start; the row counts, but not in the load",
    "no duration": "ends at the fraction of a second at which it starts, and has output tokens; the"
    " row counts, but not in the load",
    "too long": "ends more than a day after it starts; the row counts, but not in the load",
    NO_LOAD: "of a log of starts and ends: rows that count and are of any of the six kinds above;"
    " the load lacks them",
    "too fast": f"more than {MOST_RATE:,.0f} output tokens a second from start to end, which no"
    " server gives one request; the row counts",
    FASTER: f"more than {USUAL_RATE:,.0f} output tokens a second from start to end, and not too"
    " fast, which no run on GPUs that the project knows gives one request; the row counts",
    FASTER_SERVED: "more output tokens a second from start to end than the deployment's GPUs give"
    f" one request, {FASTEST:g} while they read the active weights once; they count",
    "too slow": f"fewer than {LEAST_RATE:g} token of input and output a second from start to end;"
    " the row counts",
    "early 1970": "starts between 12 January and 17 February 1970, as times in seconds do that are"
    " read as milliseconds; the row counts",
    "late key": "a start, an end, a tenant or an id, and none of the log's first objects has such a"
    " key; the row counts, but no table is by it",
    "out of order": "starts before the row above it in its file, where both have a start; the row"
    " counts, order does not matter",
}
"""Kinds of rows that are told, and the rule for each."""

APART = "quarters of an hour from start to end: "
"""What is counted beside the kinds of rows, with a number behind it, of requests that are too slow
or end before they start."""

RATES, RATE_STEPS, LEAST_TOLD_RATE = "eighths of an octave of output tokens a second: ", 8, 64
"""What is counted beside the kinds of rows, with a number behind it, of requests by their output
tokens a second; steps of an octave; and the least that are counted so [tokens/s]: GPUs that read
all of their memory eight times a second, half as often as the slowest of data/gpus.csv, may give
one request as many of any model that they hold."""

FOLLOWED, LAST = "pages that others follow", "last pages"
"""What is counted beside the kinds of rows, of pages that say whether they are the last."""

NOT_COUNTED = (
    "answered elsewhere",
    "no tokens",
    "negative",
    "absurd",
    "no requests",
    "part of a token",
)
"""Kinds that a row shows by itself and that do not count."""

PART_OF_A_TOKEN = " OR ".join(
    f"coalesce({name} > 0 AND {name} < requests, FALSE)" for name in ("input", "output")
)
"""SQL of rows of fewer tokens than requests, as where a header is that of another column. Rows of
none stay: failed requests have no output."""

OTHER_TOTAL = "coalesce(total <> input::HUGEINT + output, FALSE)"
"""SQL of rows that contradict themselves, as where cached or reasoning tokens are no part of input
and output, or a column is that of another."""

SUMS = ("n", "input", "cached", "output", "reasoning")
"""Requests, and sums of their tokens."""

MOMENTS = tuple(f"{of}_offset{power}" for of in ("input", "output") for power in ("", "_square"))
"""Sums of how far lengths are off their cells, and of its square; of cached requests what is
computed of the input. [1 / OFFSETS of a cell]"""

CELLS = {"model": "VARCHAR"} | dict.fromkeys(("input_cell", "cached_cell", "output_cell"), "BIGINT")
COARSE_CELLS = {key: "VARCHAR" if key == "model" else "UTINYINT" for key in CELLS}
"""Cells of lengths, and the coarse ones of hours and tenants, which can be so many that their width
decides whether they are in memory or spill to disk."""

TABLES = {
    "lengths": (CELLS, (*SUMS, *MOMENTS)),
    "hours": ({"hour": "INTEGER"} | COARSE_CELLS, SUMS),
    "tenants": ({"tenant": "VARCHAR"} | COARSE_CELLS, SUMS),
    "flight": ({"model": "VARCHAR", "time": "BIGINT"}, ("change", "remaining", "own")),
    "moments": ({"model": "VARCHAR", "time": "BIGINT"}, ("change",)),
    "alike": ({"hash": "UBIGINT"}, ("n",)),
    **RETOLD,
    "rises": ({"within": "VARCHAR"}, STATISTICS),
    "kinds": ({"kind": "VARCHAR"}, ("n",)),
}
"""Tables of counts: the types of their keys, and what is summed."""

ONCE = ("lengths", "hours", "tenants")
"""Tables to which a unit adds every group once, as far as its names are apart."""

NAMES = ("model", "tenant")
"""Keys that are names."""

OPTIONAL = ("cached", "reasoning")
"""Tokens without which a row counts."""

LOOKED_FOR = {"start", "finish", "tenant", "id"}
"""Columns that decide before a log is read what is asked of it."""

NONE = "0::BIGINT"
"""SQL of a number of tokens that a log does not have."""

PAIRS = "SELECT *, lag(start) OVER () AS previous FROM requests"
"""SQL of the rows of the view ``requests``, each with the start of the one above."""

ENDS = ("min", "max")
"""Functions of SQL of the extremes of a value."""

MOST_PLACED = 2**16
"""Names, at most, by whose places rows are sorted and handed over, all names with every chunk."""

FEW_NAMES = 64
"""Names, at most, that are looked for in a list: in which DuckDB looks each value of a Parquet
dictionary up once, and each row in an enumeration."""

MOST_PLACES = 2**62
"""Places of groups, at most, that are numbered by one number."""

LISTS = {
    "examples": {"kind": "VARCHAR", "file": "VARCHAR"}
    | dict.fromkeys(("row", "start", "finish", "input", "cached", "output"), "BIGINT")
    | dict.fromkeys(UNREAD.values(), "VARCHAR"),
    "units": {"file": "VARCHAR"} | dict.fromkeys(("first", "first_start", "last_start"), "BIGINT"),
}
"""Tables that are put together as they are: columns and types."""


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty tables of counts."""
    schemas = {name: keys | dict.fromkeys(sums, "BIGINT") for name, (keys, sums) in TABLES.items()}
    for name, types in (schemas | LISTS).items():
        columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")


def sum_tables(connection: duckdb.DuckDBPyConnection, names: Iterable[str] = TABLES) -> None:
    """Add up rows of the same keys, in place, of the tables of these names.

    Cells from which every request was taken away are left out.

    Raises
    ------
    InputError
        If the tokens of all rows are more than a whole number holds.
    """
    try:
        _sum_tables(connection, names)
        totals = ", ".join(f"sum({name})::BIGINT" for name in SUMS)
        connection.execute(f"SELECT {totals} FROM lengths").fetchall()
    except duckdb.ConversionException:
        raise InputError(
            f"key log: its rows have more than {2**63 - 1:.1e} tokens together, which nobody has"
            " computed; correct the rows of the most tokens or leave them out"
        ) from None


def _sum_tables(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    for name in names:
        types, sums = TABLES[name]
        summed = ", ".join(f"sum({column})::BIGINT AS {column}" for column in sums)
        with _groups_of_few(connection, name):
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS"
                f" SELECT {', '.join(types)}, {summed} FROM {name} GROUP BY ALL"
                + (" HAVING sum(n) <> 0" if CELLS.keys() <= types.keys() else "")
            )


@contextmanager
def _groups_of_few(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """Keep no array of far more groups than a table has rows: to fill it takes half a second."""
    asked = f"SELECT current_setting('perfect_ht_threshold'), (SELECT count(*) FROM {name})"
    digits, rows = connection.execute(asked).fetchall()[0]
    connection.execute(f"SET perfect_ht_threshold={min(digits, rows.bit_length() + 2)}")
    try:
        yield
    finally:
        connection.execute(f"SET perfect_ht_threshold={digits}")


def sum_when_large(connection: duckdb.DuckDBPyConnection, limit: int) -> int:
    """Add up rows of the same keys if a table has more than ``limit`` rows; return the next limit.

    Every unit adds its own groups, which without it would take disk in proportion to the log.
    """
    if _most_rows(connection) <= limit:
        return limit
    sum_tables(connection)
    return max(MOST_ROWS, 2 * _most_rows(connection))


def _most_rows(connection: duckdb.DuckDBPyConnection) -> int:
    sizes = ", ".join(f"(SELECT count(*) FROM {name})" for name in TABLES)
    return max(connection.execute(f"SELECT {sizes}").fetchall()[0])


def write_tables(
    connection: duckdb.DuckDBPyConnection, paths: Mapping[str, str | os.PathLike[str]]
) -> None:
    """Write tables of counts as Parquet; ``paths`` by table."""
    for name, path in paths.items():
        connection.execute(f"COPY (FROM {name}) TO {literal(path)} (FORMAT parquet)")


def read_tables(
    connection: duckdb.DuckDBPyConnection,
    paths: Mapping[str, Iterable[str | os.PathLike[str]]],
    sign: int = 1,
) -> None:
    """Add written tables of counts to those of ``connection``, or subtract them.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of ``create_tables``.
    paths : dict of str to list of path-like
        Files by table.
    sign : {1, -1}
        What their sums are multiplied by.
    """
    for name, files in paths.items():
        connection.execute(f"INSERT INTO {name} {_written(name, files, sign)}")


def view_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    files: Iterable[str | os.PathLike[str]],
    less: Iterable[str | os.PathLike[str]] = (),
) -> None:
    """Make a view of written tables of counts in place of that of ``connection``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of ``create_tables``.
    name : str
        The table's.
    files, less : list of path-like
        Those whose rows are added, and those whose rows are subtracted.
    """
    signed = [_written(name, some, sign) for some, sign in ((files, 1), (less, -1)) if some]
    rows = " UNION ALL ".join(signed)
    connection.execute(f"DROP TABLE {name}; CREATE TEMP VIEW {name} AS {rows}")


def _written(name: str, files: Iterable[str | os.PathLike[str]], sign: int) -> str:
    """SQL of the rows of written tables of counts, their sums multiplied by ``sign``."""
    keys, sums = TABLES[name] if name in TABLES else (LISTS[name], ())
    columns = [*keys, *(f"{sign} * {column} AS {column}" for column in sums)]
    return f"SELECT {', '.join(columns)} FROM read_parquet([{', '.join(map(literal, files))}])"


def frames(
    connection: duckdb.DuckDBPyConnection, names: Iterable[str] = (*TABLES, *LISTS)
) -> dict[str, "pd.DataFrame"]:
    """Tables of counts of these names as a dict of DataFrames, the rows of each sorted.

    Names, where there are few, are compared and handed over by their places: texts of a million
    rows take as long as all that is computed of them.
    """
    return {
        name: _named(connection.execute(f"{_placed(connection, name)} ORDER BY ALL").df())
        for name in names
    }


def _placed(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """SQL of a table's rows, names by their places in their order, where they are few."""
    placed = []
    for key in filter(TABLES.get(name, ({},))[0].__contains__, NAMES):
        names = f"SELECT DISTINCT {key} FROM {name} WHERE {key} IS NOT NULL"
        count = connection.execute(f"SELECT count(*) FROM ({names})").fetchall()[0][0]
        if count <= MOST_PLACED:
            connection.execute(f"CREATE OR REPLACE TYPE {key}_place AS ENUM ({names} ORDER BY ALL)")
            placed.append(f"{key}::{key}_place AS {key}")
    replaced = f" REPLACE ({', '.join(placed)})" if placed else ""
    return f"SELECT *{replaced} FROM {name}"


def _named(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The rows with names for their places."""
    return frame.astype({key: object for key in NAMES if key in frame})


def count_units(
    connection: duckdb.DuckDBPyConnection,
    log: Log,
    units: Sequence[Unit],
    longest: float,
    folder: str | os.PathLike[str],
    known: Collection[str] = COLUMNS,
    long_from: float | None = None,
    say: Callable[..., object] = lambda *_: None,
    one_in: int = 1,
    models: "pd.DataFrame | None" = None,
) -> None:
    """Count units into the tables of ``create_tables``, and add the tables up.

    Parameters are those of ``count_unit``, and ``say``, which is told how many units are counted
    and what is done of the next one, if any.

    Raises
    ------
    InputError
        As ``count_unit`` and ``sum_tables`` do.
    """
    limit = MOST_ROWS
    for number, unit in enumerate(units):
        limit = sum_when_large(connection, limit)
        told = partial(say, number)
        count_unit(connection, log, unit, longest, folder, known, long_from, told, one_in, models)
        say(number + 1)
    # a unit has every group once; of ten million they would take as long to add up as to count
    once = len(units) == 1 and _are_names_apart(connection)
    sum_tables(connection, [name for name in TABLES if not (once and name in ONCE)])


def _are_names_apart(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether no two names of the last unit are one without their blanks, or none."""
    apart = " AND ".join(f"(SELECT count(*) = count(DISTINCT bare) FROM {k}_names)" for k in NAMES)
    return bool(connection.execute(f"SELECT {apart}").fetchall()[0][0])


def count_unit(
    connection: duckdb.DuckDBPyConnection,
    log: Log,
    unit: Unit,
    longest: float,
    folder: str | os.PathLike[str],
    known: Collection[str] = COLUMNS,
    long_from: float | None = None,
    say: Callable[[str], object] = str,
    one_in: int = 1,
    models: "pd.DataFrame | None" = None,
) -> None:
    """Add the counts of a unit to the tables.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables of ``create_tables``.
    log : Log
        The log.
    unit : Unit
        The part of it to count.
    longest : int
        Tokens above which a row is absurd. [tokens]
    folder : path-like
        Where text is put before it is counted.
    known : collection of str
        Columns that the whole log was found to have before it was read.
    long_from : float, optional
        Output tokens of which a cell is of long answers or of none. [tokens]
    say : callable
        Told what is done next.
    one_in : int
        Of so many bins of time one is kept moment by moment, to tell how requests meet in a bin.
    models : DataFrame, optional
        Table of schema ``models``, whose contexts rows are held against.

    Raises
    ------
    InputError
        If a file cannot be read, holds a value that does not fit its type, a row that is computed
        over others, or one of several contexts of its model.
    """
    with values_of(unit.file):
        _count_unit(connection, log, unit, longest, folder, known, long_from, say, one_in, models)


def _count_unit(
    connection: duckdb.DuckDBPyConnection,
    log: Log,
    unit: Unit,
    longest: float,
    folder: str | os.PathLike[str],
    known: Collection[str],
    long_from: float | None,
    say: Callable[[str], object],
    one_in: int,
    models: "pd.DataFrame | None",
) -> None:
    say("rows")
    if log.kind != "parquet":
        refuse_expansion(unit.file)
    stated, unreadable, first = requests_view(log, unit, connection, folder)
    refuse_sums(connection, unit, longest, stated)
    passed = _passed(connection, stated)
    kinds = _count_kinds(connection, unit, longest, stated, passed, unreadable)
    if "more" in log.form:
        (pages,) = connection.execute(f"SELECT getvariable('{PAGES}')").fetchall()[0]
        connection.executemany(
            "INSERT INTO kinds VALUES (?, ?)", [*zip((FOLLOWED, LAST), pages, strict=True)]
        )
    for row in first[:EXAMPLES]:
        sql = "INSERT INTO examples (kind, file, row) VALUES ('unreadable', ?, ?)"
        connection.execute(sql, [unit.file, row])
    if late := sorted((stated & LOOKED_FOR) - set(known)):
        _count_late(connection, unit, late)
    if "start" in stated:
        _count_order(connection, unit, passed)
    connection.execute(counted_view(longest, stated, long_from, kinds))
    if models is not None:
        count, places = over_context(connection, log, unit, models, EXAMPLES)
        connection.execute("INSERT INTO kinds VALUES ('over context', ?)", [count])
        _keep_examples(connection, unit, "over context", places)
    if {"too slow", "ends before start"} & kinds:
        connection.execute(
            f"INSERT INTO kinds SELECT '{APART}' || floor((finish - start) / {QUARTER})::BIGINT,"
            f" count(*) FROM counted WHERE {TOO_SLOW}"
            f" OR finish - start BETWEEN {-FARTHEST_ZONE} AND -1 GROUP BY ALL"
        )
    if {"start", "finish"} <= stated and "requests" not in stated:
        _count_rates(connection)
    if "start" in stated and "requests" not in stated:
        add_alike(connection, one_in)
    rises, places = count_rises(connection, stated, EXAMPLES)
    rows = [(key, *counted) for key, counted in rises.items()]
    connection.executemany("INSERT INTO rises VALUES (?, ?, ?, ?, ?)", rows)
    _keep_examples(connection, unit, RUNNING_TOTAL, places)
    add_counts(connection, stated, long_from, say, one_in)


def _count_rates(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the requests of the view ``counted`` by their output tokens a second."""
    seconds = f"((finish - start) / {MICROSECONDS_PER_SECOND:.1f})"
    connection.execute(
        f"INSERT INTO kinds SELECT '{RATES}' || floor({RATE_STEPS} * log2(output / {seconds}))"
        "::BIGINT, count(*) FROM counted WHERE finish > start"
        f" AND output >= {LEAST_TOLD_RATE} * {seconds} GROUP BY ALL"
    )


def add_counts(
    connection: duckdb.DuckDBPyConnection,
    stated: set[str],
    long_from: float | None = None,
    say: Callable[[str], object] = str,
    one_in: int = 1,
) -> None:
    """Add the lengths of the view ``counted``, made with ``long_from``, to the tables; ``say`` is
    told which, ``one_in`` is as for ``count_unit``.
    """
    coarse = {name: _coarse(name) for name in _cells(stated)}
    hour = {"hour": HOUR} if "start" in stated else {}
    names = _number_names(connection)
    if "tenant" in stated:
        small = {f"coarse_{name}": sql for name, sql in coarse.items()}
        _number(connection, stated, hour | small | names)
        for name in ("lengths", "tenants", *(["hours"] if hour else [])):
            say(name)
            _add_numbered(connection, name, stated, long_from)
        # its memory is wanted for the groups
        connection.execute("DROP TABLE numbered")
    else:
        say("lengths")
        keys = dict.fromkeys(CELLS, NONE) | {"model": names["model"]}
        fine = keys | {name: name for name in _cells(stated)}
        rows, of = "counted", stated
        if "requests" not in stated and _are_alike(connection):
            rows, of = (
                _celled(_counted_alike(names["model"], stated), stated, long_from),
                stated | {"requests"},
            )
            fine["model"] = "model"
        _add_groups(connection, "lengths", rows, fine, of)
        if hour:
            say("hours")
            where = "WHERE start IS NOT NULL"
            _add_groups(connection, "hours", "counted", hour | keys | coarse, stated, where)
    if {"start", "finish"} <= stated:
        say("load")
        for time, sign, part in (("start", 1, STARTED), ("finish", -1, ENDED)):
            sql = f"SELECT {names['model']} AS model, {_changes(time, sign, part)} GROUP BY ALL"
            connection.execute(
                f"INSERT INTO flight SELECT bare, changes.* EXCLUDE (model) FROM ({sql}) AS changes"
                " LEFT JOIN model_names ON number = model"
            )
        _add_moments(connection, names["model"], one_in)


def _is_kept(time: str, one_in: int) -> str:
    """SQL of whether a time is in one of the bins of time, one in so many, that are kept."""
    place = f"// {FLIGHT_BIN} % {CYCLE} * {SPREADING} % {PLACES}"
    return f"{time} {place} < {PLACES // one_in}"


def add_alike(connection: duckdb.DuckDBPyConnection, one_in: int) -> None:
    """Add the rows of the view ``counted`` by what they say but for their ids, and by what tells
    states and hops, of the bins of time that are kept; ``one_in`` is as for ``count_unit``.

    Under two ids a request is where each hop of a gateway logs it. In the same whole second many
    requests of few lengths are alike by chance.
    """
    said = "start, finish, model, tenant, session, input, cached, output, reasoning"
    # where rows have ids and no end, requests of few lengths may be sent together
    parted = f"CASE WHEN id IS NULL THEN start ELSE finish END % {MICROSECONDS_PER_SECOND} <> 0"
    where = f"{parted} AND {_is_kept('start', one_in)}"
    connection.execute(
        f"INSERT INTO alike SELECT hash({said}), count(*) FROM counted WHERE {where} GROUP BY ALL"
    )
    add_retold(connection, _is_kept("start", one_in), FLIGHT_BIN)


def _add_moments(connection: duckdb.DuckDBPyConnection, model: str, one_in: int) -> None:
    """Add the starts and ends of one in so many bins of time to the tables, as they are."""
    ends = {"start": 1, "finish": -1}
    kept = {time: _is_kept(time, one_in) for time in ends}
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE kept AS SELECT {model} AS model, start, finish, n"
        f" FROM counted WHERE {IN_LOAD} AND ({' OR '.join(kept.values())})"
    )
    for time, sign in ends.items():
        changes = (
            f"SELECT model, {time} AS time, sum({sign} * n)::BIGINT AS change FROM kept"
            f" WHERE {kept[time]} GROUP BY ALL"
        )
        connection.execute(
            f"INSERT INTO moments SELECT bare, time, change FROM ({changes})"
            " LEFT JOIN model_names ON number = model"
        )
    connection.execute("DROP TABLE kept")


def _are_alike(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether many rows of the view ``counted`` have the same lengths; the first ones tell."""
    lengths = f"SELECT mean_input, mean_cached, mean_output FROM counted LIMIT {FIRST_ROWS}"
    count, different = connection.execute(
        f"SELECT sum(n), count(*) FROM (SELECT *, count(*) AS n FROM ({lengths}) GROUP BY ALL)"
    ).fetchall()[0]
    return ALIKE * different < (count or 0)


def _counted_alike(model: str, stated: set[str]) -> str:
    """SQL of the rows of the view ``counted``, those of one model and the same lengths as one."""
    lengths = [name for name in ("input", "cached", "output") if name in stated]
    means = ", ".join(f"mean_{name}" for name in lengths)
    sums = ", ".join(f"n * mean_{name} AS {name}" for name in lengths)
    reasoning = ", sum(reasoning) AS reasoning" if "reasoning" in stated else ""
    groups = f"SELECT model, {means}, count(*) AS n{reasoning} FROM counted GROUP BY ALL"
    return f"(SELECT * REPLACE ({model} AS model), {sums} FROM ({groups}))"


def _cells(stated: set[str]) -> list[str]:
    """Names of the cells of lengths that a log has."""
    return [
        name for name in CELLS if name != "model" and (name != "cached_cell" or "cached" in stated)
    ]


def _number_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Number the names of the view ``counted`` from 1; return SQL of each key's number by key.

    0 is none.
    """
    numbers = {}
    for key in NAMES:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {key}_names AS"
            f" SELECT name, {bare_name('name')} AS bare, row_number() OVER () AS number"
            f" FROM (SELECT DISTINCT {key} AS name FROM counted) WHERE name IS NOT NULL"
        )
        numbers[key] = f"coalesce({_number_of(connection, key)}, 0)::INTEGER"
    return numbers


def _number_of(connection: duckdb.DuckDBPyConnection, key: str) -> str:
    """SQL of the number of a name of ``key``, of those that are numbered."""
    count = f"SELECT count(*) FROM {key}_names"
    if connection.execute(count).fetchall()[0][0] <= FEW_NAMES:
        names = f"SELECT list(name ORDER BY number) FROM {key}_names"
        connection.execute(f"SET VARIABLE {key}_list = ({names})::VARCHAR[]")
        return f"list_position(getvariable('{key}_list'), {key})"
    connection.execute(
        f"CREATE OR REPLACE TYPE {key}_name AS ENUM (SELECT name FROM {key}_names ORDER BY number)"
    )
    return f"enum_code({key}::{key}_name) + 1"


def _number(connection: duckdb.DuckDBPyConnection, stated: set[str], keys: dict[str, str]) -> None:
    """Put the view ``counted`` into the table ``numbered``, with small ``keys``.

    Three groups of one read cost less than three reads, two do not.
    """
    lengths = {name: name for name in SUMS[1:] if name in stated}
    if "requests" in stated:
        lengths["n"] = "n"
    else:
        lengths = {name: f"{name}::INTEGER" for name in lengths}
    columns = ", ".join(f"{sql} AS {name}" for name, sql in (lengths | keys).items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE numbered AS SELECT {columns} FROM counted")


def _add_numbered(
    connection: duckdb.DuckDBPyConnection, name: str, stated: set[str], long_from: float | None
) -> None:
    """Group the table ``numbered`` for a table of counts.

    The keys are one number together, dense from 0: of few DuckDB finds the group by its place in an
    array instead of a hash, and of many a hash of one number is less than one of several.
    """
    found = dict.fromkeys(TABLES[name][0], NONE)
    own = [key for key in found if key not in CELLS or key in ("model", *_cells(stated))]
    if name == "lengths":
        mean = "{} / n" if "requests" in stated else "{}"
        rows, keys = _celled("numbered", stated, long_from, mean), {key: key for key in own}
    else:
        rows, keys = (
            "numbered",
            {key: f"coarse_{key}" if key in _cells(stated) else key for key in own},
        )
    extremes = [
        f"SELECT {', '.join(f'{of}({sql})' for sql in keys.values())} FROM {rows}" for of in ENDS
    ]
    if name == "lengths" and not {"cached", "requests"} & stated:
        # cells rise with the lengths, so that those of the extremes are enough
        lengths = [
            ", ".join(f"{of}({key}) AS {key}" for key in ("model", *FINE_BITS)) for of in ENDS
        ]
        ends = [
            _celled(f"(SELECT {one} FROM numbered)", stated, long_from, mean) for one in lengths
        ]
        extremes = [f"SELECT {', '.join(keys)} FROM {one}" for one in ends]
    least, most = (connection.execute(sql).fetchall()[0] for sql in extremes)
    if None in least:
        return
    place, stride = "0::BIGINT", 1
    for (key, sql), first, last in zip(keys.items(), least, most, strict=True):
        place += f" + ({sql}::BIGINT - {first}) * {stride}"
        found[key] = f"place // {stride} % {last - first + 1} + {first}"
        stride *= last - first + 1
    where = f"WHERE {next(iter(keys.values()))} IS NOT NULL"
    if stride > MOST_PLACES:
        _add_groups(connection, name, rows, dict.fromkeys(found, NONE) | keys, stated, where)
    else:
        _add_groups(connection, name, rows, {"place": place}, stated, where, found)


def _add_groups(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    rows: str,
    keys: dict[str, str],
    stated: set[str],
    where: str = "",
    found: dict[str, str] | None = None,
) -> None:
    """Group ``rows`` by SQL of ``keys`` into a table; ``found`` is SQL of the table's keys of them.

    Constants, else keys for DuckDB too, come after, and names for their numbers, where rows are
    few.
    """
    sums = _sums(stated, TABLES[name][1])
    columns = keys | sums
    asked = ", ".join(f"{sql} AS {column}" for column, sql in columns.items() if sql != NONE)
    filled = {column: NONE if sql == NONE else column for column, sql in columns.items()}
    filled = (found or {key: filled[key] for key in keys}) | {key: filled[key] for key in sums}
    named = ""
    for key in filter(filled.__contains__, NAMES):
        named += f" LEFT JOIN {key}_names ON {key}_names.number = {filled[key]}"
        filled[key] = f"{key}_names.bare"
    connection.execute(
        f"INSERT INTO {name} SELECT {', '.join(filled.values())} FROM"
        f" (SELECT {asked} FROM {rows} {where} GROUP BY ALL) AS groups{named}"
    )


def counted_view(
    longest: float,
    stated: set[str],
    long_from: float | None = None,
    kinds: Collection[str] = KINDS,
) -> str:
    """SQL of the view ``counted``: the rows that count, each with its lengths per request.

    ``long_from`` is as for :func:`count_unit`; ``kinds`` are those of which there can be rows.
    """
    conditions = {k: sql for k, sql in _conditions(longest, stated).items() if k in kinds}
    n, mean, where = "1", "{}", f" WHERE {_counting(conditions)}"
    if "requests" in stated:
        n, mean = "coalesce(requests, 1)", "{} / coalesce(requests, 1)"
    parts = {}
    for name, whole in {"cached": "input", "reasoning": "output"}.items():
        parts[name] = f"coalesce({name}, 0)" if name in stated else NONE
        if {"no number", f"{name} above {whole}"} & conditions.keys() and name in stated:
            parts[name] = f"greatest(least({parts[name]}, {whole}), 0)"
    lengths = {"mean_input": "input", "mean_cached": parts["cached"], "mean_output": "output"}
    means = ", ".join(f"{mean.format(sql)} AS {name}" for name, sql in lengths.items())
    rows = (
        f"(SELECT start, finish, model, tenant, id, session, row, {n} AS n, input,"
        f" {parts['cached']} AS cached, output, {parts['reasoning']} AS reasoning, {means}"
        f" FROM requests{where})"
    )
    return f"CREATE OR REPLACE TEMP VIEW counted AS FROM {_celled(rows, stated, long_from)}"


def cell(column: str, bits: int) -> str:
    """SQL of a length rounded to ``bits`` significant binary digits (Veltkamp's splitting)."""
    return _cell(f"({column})::DOUBLE", _spread(bits))


def _cell(value: str, spread: str) -> str:
    return f"({value} * {spread} - ({value} * {spread} - {value}))::BIGINT"


def _beside(at: str, length: str, long_from: float) -> str:
    """SQL of a cell, moved to the side of ``long_from`` that its length is on. [tokens]"""
    edge, is_long = ceil(long_from), f"{length} >= {float(long_from)!r}"
    return (
        f"CASE WHEN ({is_long}) = ({at} >= {edge}) THEN {at}"
        f" WHEN {is_long} THEN {edge} ELSE {edge - 1} END"
    )


def _spread(bits: int) -> str:
    return f"{_factor(bits)}::DOUBLE"


def _factor(bits: int) -> int:
    return 2 ** (53 - bits) + 1


def _celled(rows: str, stated: set[str], long_from: float | None, mean: str = "mean_{}") -> str:
    """SQL of rows with the cells of their lengths, and how far they are off them.

    ``mean``: SQL of a mean length. What is asked for is computed step by step: DuckDB would not see
    that all of it begins alike.
    """
    cached, spreads = NONE, {name: _spread(bits) for name, bits in FINE_BITS.items()}
    lengths = {name: mean.format(name) for name in FINE_BITS}
    if "cached" in stated:
        cached = cell(mean.format("cached"), CACHED_BITS)
        lengths["input"] += f" - {mean.format('cached')}"
        for name, spread in spreads.items():
            more = _factor(WIDE_BITS[name]) - _factor(FINE_BITS[name])
            # a sum of two numbers, both exact, takes half as long as a choice
            spreads[name] = f"{spread} + (cached_cell > 0)::DOUBLE * {more}::DOUBLE"
    steps = [{"cached_cell": cached}, {}, {}, {}, {}]
    for name, length in lengths.items():
        own, spread, at, cell_of = (f"{name}_{of}" for of in ("length", "spread", "at", "cell"))
        steps[0][own], steps[1][spread] = f"({length})::DOUBLE", spreads[name]
        steps[2][at], steps[3][cell_of] = _cell(own, spread), at
        if name == "output" and long_from is not None:
            steps[3][cell_of] = _beside(at, own, long_from)
        off = f"({own} - {cell_of}) * ({OFFSETS} / greatest({cell_of}, 1))"
        steps[4][f"{name}_offset"] = f"({off})::INTEGER"
    for step in steps:
        columns = ", ".join(f"{sql} AS {name}" for name, sql in step.items())
        rows = f"(SELECT *, {columns} FROM {rows})"
    return rows


def _coarse(name: str) -> str:
    """SQL of the number of the coarse cell that a fine one lies in: below 128, one for each.

    Of cached input it is only whether there is any: hours and tenants times three lengths would be
    nearly as many groups as requests.
    """
    if name == "cached_cell":
        return "(cached_cell > 0)::UTINYINT"
    steps = f"CASE WHEN cached_cell > 0 THEN {COARSE_STEPS[True]} ELSE {COARSE_STEPS[False]} END"
    return f"floor({steps} * log2(2 * {cell(name, COARSE_BITS)} + 1))::UTINYINT"


def _sums(stated: set[str], names: Iterable[str]) -> dict[str, str]:
    """SQL of sums by name; what a log does not have is not added up."""
    summed = {name: name for name in SUMS[1:] if name in stated}
    for name in FINE_BITS:
        offset = f"{name}_offset"
        summed |= {offset: offset, f"{offset}_square": f"{offset} * {offset}"}
    # of one request no file has as many as it takes for a sum to turn over
    n, form = "count(*)", "sum_no_overflow(({})::INTEGER)::BIGINT"
    if "requests" in stated:
        n, form = "sum(n)::BIGINT", "sum({})::BIGINT"
        summed |= {name: f"n * {summed[name]}" for name in MOMENTS}
    found = {name: form.format(summed[name]) if name in summed else NONE for name in names}
    return found | {"n": n}


def _changes(time: str, sign: int, part: str) -> str:
    """SQL of requests that come into flight or leave it by bin, and what is left of the bin.

    Last comes what requests see of themselves above what the bin's mean says of them: in flight for
    a ``part`` of a bin, a request is one for that time, and in the mean part / bin.
    """
    return (
        f"{time} // {FLIGHT_BIN} AS time, sum({sign} * n)::BIGINT,"
        f" sum({sign} * n * ({FLIGHT_BIN} - {time} % {FLIGHT_BIN}))::BIGINT,"
        f" sum(n * (({part}) * ({FLIGHT_BIN} - ({part})) // {FLIGHT_BIN}))::BIGINT"
        f" FROM counted WHERE {IN_LOAD}"
    )


def _conditions(longest: float, stated: set[str]) -> dict[str, str]:
    """SQL of the kinds of rows that a single row shows, of the columns that a log has."""
    tokens = [name for name in TOKENS if name in stated]
    optional = [name for name in tokens if name in OPTIONAL]
    below_zero = dict.fromkeys(tokens, "{} < 0")
    below_zero |= dict.fromkeys(optional, f"{{0}} < 0 AND {{0}} <> {NO_NUMBER}")
    negative = " OR ".join(f"coalesce({sql.format(n)}, FALSE)" for n, sql in below_zero.items())
    no_number = " OR ".join(f"coalesce({name} = {NO_NUMBER}, FALSE)" for name in optional)
    absurd = f"coalesce(greatest(input, output) > {longest}, FALSE)"
    no_tokens, no_requests = "input IS NULL OR output IS NULL", "coalesce(requests <= 0, FALSE)"
    if "requests" in stated:
        per_row = f"{float(longest)} * greatest(coalesce(requests, 1), 1)"
        too_many = f"coalesce(requests > {MOST_REQUESTS}, FALSE)"
        most = f"least({MOST_TOKENS}, {per_row})"
        absurd = f"{too_many} OR coalesce(greatest(input, output) > {most}, FALSE)"
        nothing = "coalesce(requests, input, output) IS NULL"
        no_requests = f"{no_requests} OR {nothing}"
        no_tokens = f"({no_tokens}) AND NOT {nothing}"
    conditions = {
        "answered elsewhere": ("elsewhere", "elsewhere"),
        "no tokens": ("input", no_tokens),
        "unreadable tokens": ("input", _any_said("input", "output")),
        "negative": ("input", negative),
        "absurd": ("input", absurd),
        "no requests": ("requests", no_requests),
        "part of a token": ("requests", PART_OF_A_TOKEN),
        "no input": ("input", "coalesce(input = 0 AND output >= 0, FALSE)"),
        "no output": ("output", "coalesce(output = 0 AND input >= 0, FALSE)"),
        "no number": (next(iter(optional), None), no_number),
        "cached above input": ("cached", "coalesce(cached > input AND input >= 0, FALSE)"),
        "reasoning above output": (
            "reasoning",
            "coalesce(reasoning > output AND output >= 0, FALSE)",
        ),
        "other total": ("total", OTHER_TOTAL),
        "no time": ("start", "start IS NULL"),
        "no end": ("finish", "finish IS NULL"),
        "unreadable time": (
            "start",
            _any_said(*(name for name in ("start", "finish") if name in stated)),
        ),
        "ends before start": ("finish", "coalesce(finish < start, FALSE)"),
        "no duration": ("finish", f"coalesce({AT_ONCE}, FALSE)"),
        "too long": ("finish", f"coalesce(finish - start > {LONGEST_FLIGHT}, FALSE)"),
    }
    if "requests" not in stated:
        seconds = f"(finish - start) / {MICROSECONDS_PER_SECOND:.1f}"
        fast = f"finish > start AND output > {MOST_RATE!r} * {seconds}"
        conditions["too fast"] = ("finish", f"coalesce({fast}, FALSE)")
        faster = f"finish > start AND output > {USUAL_RATE!r} * {seconds} AND NOT ({fast})"
        conditions[FASTER] = ("finish", f"coalesce({faster}, FALSE)")
        conditions["too slow"] = ("finish", f"coalesce({TOO_SLOW}, FALSE)")
    if {"start", "finish"} <= stated:
        in_load = f"{IN_LOAD} AND NOT ({AT_ONCE})"
        conditions[NO_LOAD] = ("finish", f"NOT coalesce({in_load}, FALSE)")
    first, last = EARLY
    conditions["early 1970"] = ("start", f"coalesce(start BETWEEN {first} AND {last}, FALSE)")
    return {kind: sql for kind, (column, sql) in conditions.items() if column in stated}


def _any_said(*names: str) -> str:
    """SQL of rows of which a cell of any of these columns says what cannot be read."""
    return " OR ".join(f"{UNREAD[name]} IS NOT NULL" for name in names)


def _not_counted(conditions: Mapping[str, str]) -> list[str]:
    return [f"({conditions[kind]})" for kind in NOT_COUNTED if kind in conditions]


def _counting(conditions: Mapping[str, str]) -> str:
    """SQL of the rows that count, by the conditions of the kinds of which there can be rows."""
    bad = _not_counted(conditions)
    return f"NOT ({' OR '.join(bad)})" if bad else "TRUE"


def _passed(connection: duckdb.DuckDBPyConnection, stated: set[str]) -> dict[str, Any]:
    """What one pass over times and marks of the view ``requests`` finds, by name."""
    asked = {"rows": "count(*)"}
    if "elsewhere" in stated:
        asked["elsewhere"] = "bool_or(elsewhere)"
    if "finish" in stated:
        asked["ends"] = "count(finish)"
    if "start" in stated:
        asked |= {"starts": "count(start)", "earlier": "count(*) FILTER (start < previous)"}
        # by their numbers: several threads give rows in any order
        asked |= {"first": "arg_min_null(start, row)", "last": "arg_max_null(start, row)"}
    rows = f"FROM ({PAIRS})" if "start" in stated else "FROM requests"
    found = connection.execute(f"SELECT {', '.join(asked.values())} {rows}").fetchall()[0]
    return dict(zip(asked, found, strict=True))


def _count_kinds(
    connection: duckdb.DuckDBPyConnection,
    unit: Unit,
    longest: float,
    stated: set[str],
    passed: Mapping[str, Any],
    unreadable: int,
) -> set[str]:
    """Count the kinds of rows, keep examples; return those that there are, but ``no output``."""
    possible = _screen(connection, longest, stated, passed)
    conditions = {k: sql for k, sql in _conditions(longest, stated).items() if k in possible}
    # the requests of all units are counted, when duplicates are known
    no_output = conditions.pop("no output", None)
    if no_output:
        where = f"({no_output}) AND {_counting(conditions)}"
        sql = f"SELECT row FROM requests WHERE {where} ORDER BY row LIMIT {EXAMPLES}"
        places = [row for (row,) in connection.execute(sql).fetchall()]
        _keep_examples(connection, unit, "no output", places)
    for kind in {"no input", "too fast", FASTER, "too slow", NO_LOAD} & conditions.keys():
        conditions[kind] += f" AND {_counting(conditions)}"
    found = ()
    if conditions:
        counts = ", ".join(
            f"count(*) FILTER ({sql}), min(row, {EXAMPLES}) FILTER ({sql})"
            for sql in conditions.values()
        )
        # a row of several kinds that do not count is dropped once
        bad = [f"{sql}::BIGINT" for sql in _not_counted(conditions)]
        surplus = f"greatest({' + '.join(bad)} - 1, 0)" if len(bad) > 1 else "0"
        several = f"{surplus} > 0"
        counts += f", coalesce(sum({surplus}), 0)::BIGINT, min(row, {EXAMPLES}) FILTER ({several})"
        # most rows are of no kind, and held against all of them once
        some = " OR ".join(f"({sql})" for sql in conditions.values())
        found = connection.execute(f"SELECT {counts} FROM requests WHERE {some}").fetchall()[0]
    told = [*conditions, "several"] if conditions else []
    numbers: dict[str, int] = dict(zip(told, found[::2], strict=True))
    lines = {"rows": passed["rows"], "unreadable": unreadable} | numbers
    connection.executemany("INSERT INTO kinds VALUES (?, ?)", [*lines.items()])
    for kind, places in zip(told, found[1::2], strict=True):
        _keep_examples(connection, unit, kind, places)
    return {kind for kind, number in numbers.items() if number}


def _screen(
    connection: duckdb.DuckDBPyConnection,
    longest: float,
    stated: set[str],
    passed: Mapping[str, Any],
) -> set[str]:
    """Kinds of rows that the unit's times and the extremes of its tokens do not rule out."""
    if not passed["rows"]:
        return set()
    tokens = [name for name in TOKENS if name in stated]
    extremes = [f"{f}({name})" for f in ("count", "min", "max") for name in tokens]
    rows, *found = connection.execute(
        f"SELECT count(*), {', '.join(extremes)} FROM nearby"
    ).fetchall()[0]
    known, least, most = (
        dict(zip(tokens, found[place::][: len(tokens)], strict=True))
        for place in range(0, len(found), len(tokens))
    )
    possible = {
        "answered elsewhere": passed.get("elsewhere"),
        "no tokens": min(known["input"], known["output"]) < rows,
        "unreadable tokens": min(known["input"], known["output"]) < rows,
        "negative": any(value is not None and value < 0 for value in least.values()),
        "no number": NO_NUMBER in least.values(),
        "absurd": "requests" in stated or max(most["input"] or 0, most["output"] or 0) > longest,
        "no input": least["input"] is not None and least["input"] <= 0,
        "no output": least["output"] is not None and least["output"] <= 0,
        "no time": passed.get("starts", 0) < passed["rows"],
        "no end": passed.get("ends", 0) < passed["rows"],
        "unreadable time": min(passed.get(of, 0) for of in ("starts", "ends")) < passed["rows"],
    }
    always = {
        "no requests",
        "part of a token",
        "cached above input",
        "reasoning above output",
        "other total",
        "ends before start",
        "no duration",
        "too long",
        NO_LOAD,
        "too fast",
        FASTER,
        "too slow",
        "early 1970",
    }
    return always | {kind for kind, is_possible in possible.items() if is_possible}


def _keep_examples(
    connection: duckdb.DuckDBPyConnection, unit: Unit, kind: str, places: Sequence[int]
) -> None:
    if places:
        connection.execute(
            "INSERT INTO examples SELECT ?, ?, row, start, finish, input,"
            f" nullif(cached, {NO_NUMBER}), output, {', '.join(UNREAD.values())}"
            f" FROM requests WHERE row IN ({', '.join(map(str, places))})",
            [kind, unit.file],
        )


def _count_late(connection: duckdb.DuckDBPyConnection, unit: Unit, late: Sequence[str]) -> None:
    """Count rows that have one of the columns that the log seemed not to have."""
    some = " OR ".join(f"{name} IS NOT NULL" for name in late)
    count, places = connection.execute(
        f"SELECT count(*), min(row, {EXAMPLES}) FROM requests WHERE {some}"
    ).fetchall()[0]
    connection.execute("INSERT INTO kinds VALUES ('late key', ?)", [count])
    _keep_examples(connection, unit, "late key", places)


def _count_order(
    connection: duckdb.DuckDBPyConnection, unit: Unit, passed: Mapping[str, Any]
) -> None:
    """Count rows that start before the one above, and keep what the file's next unit must know."""
    count = passed["earlier"]
    connection.execute("INSERT INTO kinds VALUES ('out of order', ?)", [count])
    connection.execute(
        "INSERT INTO units VALUES (?, ?, ?, ?)",
        [unit.file, unit.first, passed["first"], passed["last"]],
    )
    if count:
        earliest = f"SELECT min(row, {EXAMPLES}) FROM ({PAIRS}) WHERE start < previous"
        _keep_examples(
            connection, unit, "out of order", connection.execute(earliest).fetchall()[0][0]
        )


def count_no_output(connection: duckdb.DuckDBPyConnection) -> None:
    """Count the requests without output tokens, which have a cell of their own."""
    count = "SELECT coalesce(sum(n), 0) FROM lengths WHERE output_cell = 0 AND output = 0"
    connection.execute(f"INSERT INTO kinds SELECT 'no output', ({count})")


def count_alike(connection: duckdb.DuckDBPyConnection, one_in: int = 1) -> None:
    """Count the rows that are the same as another, or tell of its request again, which can be in
    any unit; ``one_in`` is as for ``count_unit``.
    """
    # of rows that do not count, as earlier states, none is left
    sums = "SELECT sum(n) AS n FROM alike GROUP BY hash HAVING sum(n) > 1"
    count = f"SELECT {one_in} * coalesce(sum(n - 1), 0)::BIGINT FROM ({sums})"
    connection.execute(f"INSERT INTO kinds VALUES (?, ({count}))", [SAME])
    rows = [(kind, one_in * number) for kind, number in count_retold(connection).items()]
    connection.executemany("INSERT INTO kinds VALUES (?, ?)", rows)


def count_order_between_units(connection: duckdb.DuckDBPyConnection) -> None:
    """Count the first rows of units that start before the last row of the file's unit above."""
    pairs = (
        "(SELECT first_start, lag(last_start) OVER (PARTITION BY file ORDER BY first) AS previous"
        " FROM units)"
    )
    count = f"SELECT count(*) FILTER (first_start < previous) FROM {pairs}"
    connection.execute(f"INSERT INTO kinds SELECT 'out of order', ({count})")

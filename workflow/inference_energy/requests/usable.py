"""What of a log cannot be used: told from the first row on, and above a share refused.

A total that lacks rows is too low by their share, and a load that is measured without them as well:
the energy of a request rises by no more than the load falls.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.errors import InputError
from inference_energy.requests.counts import (
    APART,
    NO_LOAD,
    NOT_COUNTED,
    QUARTER,
    RATE_STEPS,
    RATES,
)
from inference_energy.requests.formats import UNREAD, printable
from inference_energy.requests.sums import first_row
from inference_energy.text import percent
from inference_energy.units import MICROSECONDS_PER_HOUR, MICROSECONDS_PER_SECOND

MOST = 0.1
"""Share of rows that cannot be used, above which a log is refused [1]. What it moves the energy by
at most is a fraction of what the law leaves open (P5 to P95 of a log charged by `revised`: 0.64 to
1.57 of its median); beyond, the answer would be that of the other rows, whose load is another."""

LEAST_ZONE = 2
"""Quarters of an hour, at least, by which two time zones differ (Adelaide and Brisbane)."""

HALF = 0.5
"""Share of a log above which what its requests have in common is of all of it. [1]"""

NEARLY_ALL, LEAST_LENGTHS = 0.95, 20
"""Share of a log's requests that has more output than input, and pairs of lengths (cells), at
least, of which it is told that outputs may hold the inputs [1]: of fewer, as of a benchmark's, any
lengths are usual."""

MOST_LEFT = 0.5
"""Variance that outputs have left without the inputs, over theirs, at most [1]. A total of input
and answer loses that of the inputs; an answer that does not follow its input gains it."""

LOST = (*NOT_COUNTED, "duplicate", "earlier state", "unreadable")
"""Kinds of rows that do not count."""

WRONG = ("unreadable", "unreadable tokens", "negative", "absurd", "part of a token")
"""Those of which something is given that cannot be. A request that failed has no tokens, a bucket
without requests none of them, and a row that is there twice is right once."""

UNTIMED = ("unreadable time", "ends before start", "no duration", "too long")
"""Kinds of rows whose times are given and cannot be used for the load."""

MISSING = ("no time", "no end")
"""Kinds of rows that lack a time, or have one that cannot be read."""

TOKENS_ALLOWED = (
    "allowed are whole numbers of tokens, without separators of thousands or decimals, in at least"
    f" {percent(1 - MOST)} of the rows; write them so, take out the rows that are no requests, or"
    " name the columns of the tokens by another format (format=NAME or a file of your own)"
)
TIMES_ALLOWED = (
    "allowed are dates and times as 2026-03-01T10:00:00Z, or numbers in the unit that `time` of the"
    f" format says, and ends after starts, in at least {percent(1 - MOST)} of the rows, as the"
    " throughput law knows the load, which is measured by them; write the times so, name their"
    " columns and unit by another format (format=NAME or a file of your own), state the requests in"
    " flight on a copy of a model (load=32, or load=best), or take the column of ends out"
)

CELLS = {"unreadable tokens": ("input", "output"), "unreadable time": ("start", "finish")}
"""Columns of which a row of these kinds has one that cannot be read."""

WHAT = {
    "unreadable tokens": "is no whole number",
    "negative": "is below zero",
    "absurd": "is more than any context holds",
    "part of a token": "is less than the row's requests",
    "unreadable": "is no row of the file's columns, or no JSON object",
    "unreadable time": "is no time",
    "no time": "is missing",
    "no end": "is missing",
    "ends before start": "is before the start, as where two columns or time zones are exchanged",
    "no duration": "is the start, though there are output tokens",
    "too long": "is more than a day after the start",
}
"""What is wrong with the value of a row of each kind."""


def rows_of(counted: pd.DataFrame) -> dict[str, int]:
    """Rows of each kind, as int, of the table ``kinds`` of the counts or of the answer."""
    number = "n" if "n" in counted else "rows"
    return {str(k): int(n) for k, n in zip(counted["kind"], counted[number], strict=True)}


def all_rows(kinds: Mapping[str, int]) -> int:
    """Rows of a log, those that cannot be read among them; ``kinds`` as from ``rows_of``."""
    return kinds.get("rows", 0) + kinds.get("unreadable", 0)


def lost(kinds: Mapping[str, int]) -> tuple[int, dict[str, int]]:
    """How many rows do not count, and those of each kind that there are.

    A row of several kinds is one of them all; ``kinds`` as from ``rows_of``.
    """
    found = {kind: kinds[kind] for kind in LOST if kinds.get(kind)}
    return sum(found.values()) - kinds.get("several", 0), found


def is_much(count: int, rows: int) -> bool:
    """Whether so many of the rows of a log are more than ``MOST``."""
    return count > MOST * rows


def untimed(kinds: Mapping[str, int], is_load_asked: bool) -> tuple[int, dict[str, int]]:
    """How many rows the load lacks, and those of each kind that there are.

    Parameters
    ----------
    kinds : dict of str to int
        As from ``rows_of``.
    is_load_asked : bool
        Whether the load moves the energy; where it does not, rows that lack a time are as they can
        be.
    """
    asked = (*UNTIMED, *MISSING) if is_load_asked else UNTIMED
    found = {kind: kinds[kind] for kind in asked if kinds.get(kind)}
    count = kinds.get(NO_LOAD, 0) if is_load_asked else 0
    return max(count, *found.values()) if found else 0, found


def holding_input(lengths: pd.DataFrame) -> int:
    """Requests with more output than input, of a log whose outputs seem to hold the inputs; 0 if
    they do not.

    ``lengths`` is as the table of the counts: of each cell the sums of tokens of ``n`` requests.
    """
    n = lengths["n"].to_numpy(float)
    asked, output = (lengths[name].to_numpy(float) / n for name in ("input", "output"))
    is_more = (output > asked) & (asked > 0)
    if len(n) < LEAST_LENGTHS or n[is_more].sum() < NEARLY_ALL * n.sum():
        return 0

    def variance(values: NDArray[np.float64]) -> float:
        return float(np.average((values - np.average(values, weights=n)) ** 2, weights=n))

    if variance(output - asked) > MOST_LEFT * variance(output):
        return 0
    return int(n[is_more].sum())


def faster_than(counted: pd.DataFrame, fastest: float) -> int:
    """Requests of which each has more output tokens a second than ``fastest``; of those that are
    counted together with slower ones none.

    ``counted`` is as the table ``kinds`` of the counts.
    """
    kinds = rows_of(counted)
    rates = {int(kind[len(RATES) :]): n for kind, n in kinds.items() if kind.startswith(RATES)}
    return sum(n for step, n in rates.items() if step >= RATE_STEPS * np.log2(fastest))


def zone_hours(counted: pd.DataFrame) -> float:
    """Hours, in quarters, by which ends seem to be in another time zone than starts; 0 if they do
    not.

    Of requests that take less than a quarter of an hour all ends are as many whole ones off;
    ``counted`` is as the table ``kinds`` of the counts.
    """
    kinds = rows_of(counted)
    apart = {int(kind[len(APART) :]): n for kind, n in kinds.items() if kind.startswith(APART)}
    quarters = max(apart, key=lambda one: (apart[one], one), default=0)
    if abs(quarters) < LEAST_ZONE or apart[quarters] <= HALF * kinds.get("rows", 0):
        return 0.0
    return quarters * QUARTER / MICROSECONDS_PER_HOUR


def refuse_lost(
    counted: pd.DataFrame, examples: pd.DataFrame, column: Callable[[str, str], str]
) -> None:
    """Refuse a log of which more than ``MOST`` of the rows are of the kinds ``WRONG``.

    Parameters
    ----------
    counted, examples : DataFrame
        As the tables ``kinds`` and ``examples`` of the counts.
    column : callable
        Tells what a file calls a column of a requests view.

    Raises
    ------
    InputError
        With row, column and value of one of each kind.
    """
    kinds = rows_of(counted)
    found = {kind: kinds[kind] for kind in WRONG if kinds.get(kind)}
    rows = all_rows(kinds)
    # a row of several kinds is one
    wrong = max(sum(found.values()) - kinds.get("several", 0), *found.values(), 0)
    if is_much(wrong, rows):
        raise InputError(_problems(found, rows, examples, column, TOKENS_ALLOWED))


def refuse_untimed(
    counted: pd.DataFrame, examples: pd.DataFrame, column: Callable[[str, str], str]
) -> None:
    """Refuse a log whose load lacks more than ``MOST`` of the rows that count, unless none has a
    start or none an end: of those the load is not measured.

    Parameters are those of ``refuse_lost``.

    Raises
    ------
    InputError
        With row, column and value of one of each kind.
    """
    kinds = rows_of(counted)
    rows = kinds.get("rows", 0)
    timed = rows - lost(kinds)[0] + kinds.get("unreadable", 0)
    _, found = untimed(kinds, True)
    is_none = any(kinds.get(kind) == rows for kind in MISSING) and not set(found) & set(UNTIMED)
    if kinds.get(NO_LOAD, 0) > MOST * timed and not is_none:
        # what cannot be read is missing too
        least = kinds.get("unreadable time", 0)
        told = {kind: n for kind, n in found.items() if kind not in MISSING or n > least}
        hours = zone_hours(counted)
        zones = f"most ends are {abs(hours):g} hours too early, as of another time zone; "
        allowed = f"{zones if hours < 0 else ''}{TIMES_ALLOWED}"
        raise InputError(_problems(told, rows, examples, column, allowed))


def _problems(
    found: Mapping[str, int],
    rows: int,
    examples: pd.DataFrame,
    column: Callable[[str, str], str],
    allowed: str,
) -> list[str]:
    """A sentence for each kind of rows, by its first example; the last says what is allowed."""
    told = []
    first = examples.sort_values(["kind", "file", "row"]).drop_duplicates("kind")
    by_kind: dict[Any, Any] = first.set_index("kind").to_dict("index")
    for kind, count in found.items():
        if kind not in by_kind:
            continue
        row = by_kind[kind]
        of, value = _cell(kind, row)
        where = f"{row['file']}, row {row['row'] + first_row(row['file'])}"
        cell = f": column {column(row['file'], of)}: value {value}" if of else ""
        share = f"({kind}: {count} of {rows} rows)"
        told.append(f"{where}{cell}: {WHAT[kind]} {share}; {allowed}")
    return told


def _cell(kind: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """Column of a requests view that an example of a kind is told by, and what the cell says; none
    of a line that has no cells.
    """
    tokens = {name: row[name] for name in ("input", "cached", "output") if pd.notna(row[name])}
    if kind in CELLS:
        said = [name for name in CELLS[kind] if isinstance(row[UNREAD[name]], str)]
        return said[0], repr(printable(row[UNREAD[said[0]]]))
    if kind in MISSING:
        return ("start" if kind == "no time" else "finish"), "''"
    if kind in UNTIMED:
        return "finish", _time_text(row["finish"])
    if kind == "unreadable" or not tokens:
        return "", ""
    extreme = max if kind == "absurd" else min
    name = extreme(tokens, key=tokens.__getitem__)
    return name, f"{tokens[name]:.0f}"


def _time_text(microseconds: float) -> str:
    """Write microseconds since 1970 to the millisecond (UTC)."""
    at = datetime.fromtimestamp(microseconds / MICROSECONDS_PER_SECOND, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

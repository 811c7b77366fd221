"""Rows of a log that are no request, but computed over the others, as exports of tables add."""

import duckdb
import numpy as np
from numpy.typing import NDArray

from inference_energy.errors import InputError
from inference_energy.requests.formats import BLANKS, literal
from inference_energy.requests.log import Unit

WORDS = (
    *("total", "totals", "grand total", "subtotal", "sum", "sums", "all", "overall"),
    *("average", "mean", "gesamt", "summe", "insgesamt", "somme"),
)
"""Names, in any case, of what is computed over rows; a colon or an asterisk around them is none."""

TOLD = ("start", "model", "tenant", "id")
"""Columns of a requests view by which a request is told from others."""

AROUND = f"{BLANKS}:*"
"""Characters around such a word that are not part of it."""

MOST_TOLD = 3
"""Rows that are named."""

FIRST_ROWS = 2**17
"""Rows of a file, or of a unit of it, among which sums of those above are looked for."""

LEAST_SUMMED = 3
"""Rows that a sum of those above is of at least: that a row has both tokens of two above together,
as requests of a few tokens do, tells nothing."""

LEAST_SUMS = 2
"""Sums, one after the other from the first row on, that are none by chance: of lengths of hundreds
of tokens one is in a row of ten thousand or more."""

MOST_SUMMED = 10**12
"""Tokens of a row above which it is none of those that are added up, so that sums stay whole."""


def refuse_sums(
    connection: duckdb.DuckDBPyConnection, unit: Unit, longest: float, stated: set[str]
) -> None:
    """Refuse a unit of the view ``requests`` with a row that is computed over others.

    That is a row of such a name and of no time; or of such a name, or without a start, a model or
    an id that others have, whose input and output tokens are the sums of all others; or one of
    several, whatever their names, whose tokens are the sums of the rows above since the one before.
    More tokens than ``longest`` are absurd, and told as that.

    Raises
    ------
    InputError
        With row, column and value.
    """
    found = dict(_named(connection, stated)) | dict(_summed(connection, longest, stated))
    found |= dict(_subtotals(connection, unit))
    if not found:
        return
    first = first_row(unit.file)
    raise InputError(
        [
            f"{unit.file}, row {row + first}: {what}; allowed are requests alone, as a row that is"
            " computed over others would count their tokens again; take the row out"
            for row, what in sorted(found.items())[:MOST_TOLD]
        ]
    )


def first_row(file: str) -> int:
    """Number, as a message tells it, of the first row of a file: that of a table is below its
    header.
    """
    return 2 if ".csv" in file or ".tsv" in file else 1


def _word(name: str) -> str:
    """SQL of whether a name is that of what is computed over rows."""
    return f"lower(trim({name}, {literal(AROUND)})) IN ({', '.join(map(literal, WORDS))})"


def _named(connection: duckdb.DuckDBPyConnection, stated: set[str]) -> list[tuple[int, str]]:
    """Rows of such a name and of no time; a tenant alone may be called so."""
    timed = "start" in stated
    where = "start IS NULL" if timed else "TRUE"
    found = []
    for name in filter(stated.__contains__, TOLD[1:] if timed else ("model", "id")):
        sql = (
            f"SELECT row, {name} FROM requests WHERE {where} AND {_word(name)}"
            f" AND coalesce(input, output) IS NOT NULL ORDER BY row LIMIT {MOST_TOLD}"
        )
        rows = connection.execute(sql).fetchall()
        found += [(row, f"column {name}: value {value!r}") for row, value in rows]
    return found


def _summed(
    connection: duckdb.DuckDBPyConnection, longest: float, stated: set[str]
) -> list[tuple[int, str]]:
    """The row whose tokens are the sums of all others, if it is not told as requests are."""
    most = connection.execute("SELECT max(input), max(output) FROM nearby").fetchall()[0]
    if None in most or ("requests" not in stated and max(most) > longest):
        return []
    told = [name for name in TOLD if name in stated]
    word = " OR ".join(f"coalesce({_word(name)}, FALSE)" for name in told if name != "start")
    lacking = " OR ".join(f"{name} IS NULL" for name in told if name != "tenant")
    # a sum is the largest of all, of which there are few
    found = connection.execute(
        f"SELECT row, {word or 'FALSE'}, {lacking or not told} FROM requests"
        f" WHERE input = {most[0]} AND output = {most[1]} ORDER BY 2 DESC, 3 DESC, row LIMIT 1"
    ).fetchall()
    if not found or not any(found[0][1:]):
        return []
    row, has_word, _ = found[0]
    *sums, others = connection.execute(
        "SELECT sum(input), sum(output), count(*) FILTER (input > 0 OR output > 0) FROM requests"
        f" WHERE row <> {row}"
    ).fetchall()[0]
    # of one row any copy is the sum, of two three rows of no name would have to be so by chance
    if (*sums,) != most or others < (1 if has_word else 2):
        return []
    values = f"values {most[0]} and {most[1]}"
    return [(row, f"columns of input and output tokens: {values} are the sums of all other rows")]


def _subtotals(connection: duckdb.DuckDBPyConnection, unit: Unit) -> list[tuple[int, str]]:
    """Rows whose tokens are the sums of those above since the one before, as subtotals are."""
    within = f"BETWEEN 0 AND {MOST_SUMMED}"
    rows = connection.execute(
        f"SELECT row, input, output FROM requests WHERE row < {unit.first + FIRST_ROWS}"
        f" AND input {within} AND output {within} ORDER BY row"
    ).df()
    tokens = rows[["input", "output"]].to_numpy(np.int64)
    places = _sums_so_far(tokens)
    if len(places) < LEAST_SUMS:
        return []
    what = "are the sums of the rows above since the last such row"
    return [
        (row, f"columns of input and output tokens: values {one} and {two} {what}")
        for row, one, two in rows.iloc[places].astype(int).itertuples(index=False, name=None)
    ]


def _sums_so_far(tokens: NDArray[np.int64]) -> list[int]:
    """Places, ``MOST_TOLD`` at most, of rows that are the sum of those since the last such."""
    places: list[int] = []
    first = 0
    while len(places) < MOST_TOLD:
        above = np.cumsum(tokens[first:], axis=0)[:-1]
        is_sum = (above == tokens[first + 1 :]).all(axis=1) & above.all(axis=1)
        is_sum[: LEAST_SUMMED - 1] = False
        found = np.flatnonzero(is_sum)
        if not len(found):
            break
        places.append(first + 1 + int(found[0]))
        first = places[-1] + 1
    return places

"""Rows of a log that are no request, but computed over the others, as exports of tables add."""

import duckdb

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


def refuse_sums(
    connection: duckdb.DuckDBPyConnection, unit: Unit, longest: float, stated: set[str]
) -> None:
    """Refuse a unit of the view ``requests`` with a row that is computed over others.

    That is a row of such a name and of no time, or of such a name, or without a start, a model or
    an id that others have, whose input and output tokens are the sums of all others. More tokens
    than ``longest`` are absurd, and told as that.

    Raises
    ------
    InputError
        With row, column and value.
    """
    found = dict(_named(connection, stated)) | dict(_summed(connection, longest, stated))
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

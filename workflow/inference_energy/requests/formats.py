"""Which column of a log is which, as SQL.

A *requests view* has the columns of ``COLUMNS`` whatever the log calls them: times in microseconds
since 1970 (UTC), tokens as whole numbers, null where the log does not say or says no number.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from inference_energy.documents import CONTROL, shows
from inference_energy.errors import InputError
from inference_energy.secrecy import looks_secret
from inference_energy.units import KILO, MEGA, MILLI

Column = str | list[str] | dict[str, Any]
"""How a format names a column: by its name, the path of its key, an attribute, or a choice."""

Found = tuple[str, str]
"""SQL of a column, and its type."""

COLUMNS = {
    "start": "BIGINT",
    "finish": "BIGINT",
    "model": "VARCHAR",
    "tenant": "VARCHAR",
    "id": "VARCHAR",
    "session": "VARCHAR",
    "input": "BIGINT",
    "cached": "BIGINT",
    "output": "BIGINT",
    "reasoning": "BIGINT",
    "total": "BIGINT",
    "requests": "BIGINT",
    "elsewhere": "BOOLEAN",
}
"""Columns of a requests view and their types."""

UNREAD = {name: f"unread_{name}" for name in ("start", "finish", "input", "output")}
"""Columns of a requests view that have what a cell says which is no time, or no number of tokens;
by the column that is null for it."""

TOKENS = ("input", "output", "cached", "reasoning")
"""Columns of a requests view that are numbers of tokens."""

MICROSECONDS = {"s": MEGA, "ms": KILO, "us": 1.0, "ns": MILLI}
"""Microseconds in a unit of time."""

LATEST = 253_402_300_799_999_999
"""Last moment of the year 9999; what is not between 1970 and it is no time. [us]"""

THIS_CENTURY = (978_307_200e6, 4_102_444_800e6)
"""Between which a number is a time, in whichever unit, where a log's format has times as text. [us]
"""

BLANKS = " \t\r\n\f\v\u00a0"
"""Characters around a name that are not part of it."""

NOTHING = ("", "\\N", "NULL", "null", "None", "NaN", "nan", "<NA>")
"""Names that say nothing, as databases and pandas write what is missing."""

REPLACED = "?"
"""Stands for what no figure or page can hold."""

HIDDEN = "what looks like a key"
"""Stands for a name that results would pass on."""

LOCAL = r"(?<![^\s@/=])[^\s@/=]+"
"""What stands before the @ of an address, looked for from its start alone: a name that goes on and
on is gone through once."""

LONGEST_NAME = 200
"""Characters of a name that results show."""

LONGEST_SAID = 60
"""Characters that are kept of a cell that is no time or no number."""

MOST = 2.0**62
"""Numbers of tokens are taken for no more, nor for less below zero: far from any that counts."""

NO_NUMBER = -(2**63 - 1)
"""Cached, reasoning or total tokens that a log states, and not as a whole number."""

TIMESTAMP_TZ = "TIMESTAMP WITH TIME ZONE"

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")


ZEROS = ("0.0", "-0.0")
"""Zero, as DuckDB writes a number of JSON that is not whole, and what is read as zero."""

TINY = r"\s*:\s*-?(0\.0{300,}[1-9]|[0.]*[1-9][0-9.]*[eE]-)"
"""What stands behind a key of JSON whose number can be read as zero and is none, as RE2 has it."""

VALUES = ("intValue", "stringValue", "doubleValue")
"""Keys under which an attribute of OpenTelemetry has its value."""

USUAL_KEYS, FIRST_ROWS, FEW_LISTS = "usual_keys", 1000, 8
"""Variable of DuckDB that has lists of keys; objects whose lists are noted, and lists at most."""

APART = (
    ("input", "output", "cached", "reasoning", "total", "requests"),
    ("start", "end", "duration"),
)
"""Columns of a format that are numbers of different things."""

KINDS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}
"""Kinds of files by their ending, without that of a compression."""

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""Compressions by the ending of a file."""


def format_problems(form: Mapping[str, Any], where: str) -> list[str]:
    """Say what a format of a log cannot mean.

    Parameters
    ----------
    form : dict
        Format, as requests.schema.yaml allows it.
    where : str
        The file and its key, as messages name them.

    Returns
    -------
    list of str
        A duration without a unit, and columns that are taken for two things, one sentence each.
    """
    columns, problems = form["columns"], []
    if "duration" in columns and form.get("duration_unit", form["time"]) == "text":
        problems.append(
            f"{where}: key columns.duration: value {columns['duration']}: is a number in the unit"
            f" of key time, which is text; allowed are {', '.join(MICROSECONDS)}; state the unit of"
            " the duration as duration_unit, or the column of the end instead"
        )
    for names in APART:
        for one, other in combinations([name for name in names if name in columns], 2):
            both = [c for c in _choices(columns[one]) if c in _choices(columns[other])]
            problems += [
                f"{where}: keys columns.{one} and columns.{other}: value {column}: stands in both;"
                " allowed is a column of its own for each; correct one, or take it out"
                for column in both
            ]
    return problems


def _choices(column: Column) -> list[Column]:
    """Columns of which a format takes the first that is there."""
    return column["first"] if isinstance(column, dict) and "first" in column else [column]


def shown(name: str) -> str:
    """Name of a file or folder as results write it: without the value of a Hive folder, or an
    address, which can be somebody's.
    """
    return printable(re.sub(rf"(?<==).+|{LOCAL}@[^\s@/]+", "...", name))


def shown_model(name: str) -> str:
    """Name of a model as results write it: without an address, which can be somebody's; a version
    after an @ stays.
    """
    return printable(re.sub(rf"{LOCAL}@[^\s@/=]+\.[^\W\d]{{2,}}", "...", name))


def printable(name: str) -> str:
    """Name as a cell of a table, a page and a figure can hold it: single blanks for all that
    separates, a question mark for each control character and for a name of which nothing shows,
    and the first 200 characters of a longer one. What looks like a secret is none.

    Examples
    --------
    >>> printable("two\\n lines"), printable("\\x1b[31mred"), printable("\\u200b")
    ('two lines', '?[31mred', '?')
    """
    # what begins within the characters that are shown, without going through a name of millions
    if looks_secret(name[: 2 * LONGEST_NAME]):
        return HIDDEN
    plain = CONTROL.sub(REPLACED, " ".join(name.split()))
    short = plain if len(plain) <= LONGEST_NAME else f"{plain[:LONGEST_NAME]}..."
    return short if shows(short) else REPLACED


def quoted(name: str) -> str:
    """Write a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


class LogColumns:
    """Columns of a log that can be addressed: of a table, or keys of a JSON object.

    Parameters
    ----------
    types : dict of str to str, optional
        SQL type of every column; for JSON the keys that were seen, none if they are not known.
    json : str, optional
        Column that holds the JSON object of a row. Its values are then those that ``taken`` takes.
    """

    def __init__(self, types: Mapping[str, str] | None, json: str | None = None) -> None:
        self.types, self.is_known, self.json = types or {}, types is not None, json
        self.paths: list[str] = []
        self.inside: dict[str, list[str]] = {}

    def find(self, column: Column) -> Found | None:
        """SQL of a column and its type, or None where the log has no such column."""
        if isinstance(column, dict) and "first" in column:
            found = [f for f in map(self.find, column["first"]) if f]
            texts = [_some(f"({sql})::VARCHAR") for sql, _ in found]
            return (f"coalesce({', '.join(texts)})", "VARCHAR") if texts else None
        if isinstance(column, dict):
            return self._attribute(column["attribute"])
        path = [column] if isinstance(column, str) else column
        name = self._own(path[0])
        if name is None:
            return None
        if self.json:
            value = self._value(path)
            if len(path) > 1:
                # an object can be written as a text
                text = f"json_extract_string({self._value(path[:1])}, {_json_path(path[1:])})"
                value = f"coalesce({value}, TRY({text}))"
            return value, "VARCHAR"
        sql, kind = quoted(name), self.types[name]
        if len(path) == 1 and kind == "BLOB":
            # some writers of Parquet do not say that bytes are a text
            return f"coalesce(TRY(decode({sql})), ({sql})::VARCHAR)", "VARCHAR"
        if len(path) == 1:
            return sql, kind
        number = _place(self.inside.setdefault(name, []), _json_path(path[1:]))
        return f"{_inside(name)}[{number}]", "VARCHAR"

    def _own(self, name: str) -> str | None:
        """Name that the log has for a column, whose case does not matter but of keys of JSON."""
        if not self.is_known or name in self.types:
            return name
        alike = (
            () if self.json else (own for own in self.types if own.casefold() == name.casefold())
        )
        return next(iter(alike), None)

    def _attribute(self, name: str) -> Found | None:
        if not self.json or (self.is_known and "attributes" not in self.types):
            return None
        named = f"lambda x: json_extract_string(x, '$.key') = {literal(name)}"
        same = f"list_filter(attributes, {named})"
        value = f"json_extract({same}[1], '$.value')"
        texts = ", ".join(f"json_extract_string({value}, '$.{kind}')" for kind in VALUES)
        return f"coalesce({texts})", "VARCHAR"

    def _value(self, path: Sequence[str]) -> str:
        return f"found[{_place(self.paths, _json_path(path))}]"

    def opened(self, rows: str) -> str:
        """SQL of a table's rows, and of what was asked for inside of its columns, once each: every
        call of a function of JSON keeps what it reads of two thousand rows in memory of its own.

        Parameters
        ----------
        rows : str
            SQL of the table.
        """
        lists = ""
        for name, paths in self.inside.items():
            texts = dict.fromkeys(("VARCHAR", "JSON"), "{}") | {"BLOB": "decode({})"}
            value = texts.get(self.types[name], "to_json({})").format(quoted(name))
            found = f"json_extract_string({value}, [{', '.join(paths)}])"
            lists += f", TRY({found}) AS {_inside(name)}"
        return f"(SELECT *{lists} FROM {rows})" if lists else rows

    def usual_keys(self, rows: str) -> str:
        """SQL that notes the keys of the first of ``rows``, as ``taken`` takes them, for it: to
        hold most objects against these is less than to look for a key that is there twice.
        """
        keys = f"json_keys({self.json})"
        first = f"SELECT {self.json} FROM {rows} LIMIT {FIRST_ROWS}"
        unlike = f"SELECT DISTINCT {keys} AS keys FROM ({first})"
        # what is no object has no keys
        once = (
            f"SELECT keys FROM ({unlike}) WHERE list_unique(keys) = len(keys) AND len(keys) > 0"
            f" LIMIT {FEW_LISTS}"
        )
        return f"SET VARIABLE {USUAL_KEYS} = (SELECT list(keys) FROM ({once}))"

    def taken(self, rows: str) -> str:
        """SQL of rows of JSON objects with all values that were asked for, in one pass over each.

        Parameters
        ----------
        rows : str
            SQL of a table with the column ``json``, and ``said``, the text of its object.
        """
        paths = f"[{', '.join(self.paths)}]::VARCHAR[]"
        keys = f"json_keys({self.json})"
        # of a key that is there twice nobody can say which value is meant
        clear = (
            f"CASE WHEN list_contains(getvariable('{USUAL_KEYS}'), {keys}) THEN TRUE"
            f" ELSE list_unique({keys}) = len({keys}) AND json_type({self.json}) = 'OBJECT' END"
        )
        found = f"json_extract_string({self.json}, {paths})"
        return (
            f"(SELECT CASE WHEN {clear} THEN {found} END AS found,"
            f" json_extract({self.json}, '$.attributes[*]') AS attributes, said FROM {rows})"
        )


def _place(paths: list[str], path: str) -> int:
    """Place of a path in a list, from 1, to which it is added where it is not there."""
    if path not in paths:
        paths.append(path)
    return paths.index(path) + 1


def _says_more(sql: str) -> str:
    """SQL of whether the text of a number is that of another than zero."""
    return f"regexp_matches({sql}, '^[-+0.]*[1-9]')"


def _underflows(key: str) -> str:
    """SQL of whether a number behind a key of the object is said as another than zero, but so near
    to it that DuckDB can have it as zero.
    """
    name = re.escape(json.dumps(key, ensure_ascii=False))
    return f"regexp_matches(said, {literal(name + TINY)})"


def _inside(name: str) -> str:
    """Name of the list of what was asked for inside of a table's column."""
    return quoted(f"inside of {name}")


def _json_path(path: Sequence[str]) -> str:
    steps = "".join('."' + step.replace('"', '\\"') + '"' for step in path)
    return literal("$" + steps)


def matches(known: LogColumns, form: Mapping[str, Any]) -> bool:
    """Whether a log has what a format cannot do without: input and output, or the list of them."""
    if "unnest" in form:
        return bool(known.json) and form["unnest"][0] in known.types
    return all(known.find(form["columns"][name]) for name in ("input", "output"))


def has_own(form: Mapping[str, Any]) -> bool:
    """Whether a format's tokens are columns of their own: what is inside of one may be missing."""
    tokens = [form["columns"][name] for name in ("input", "output")]
    firsts = [one["first"] if isinstance(one, dict) and "first" in one else [one] for one in tokens]
    return not any(isinstance(way, list) for ways in firsts for way in ways)


def wanted(form: Mapping[str, Any]) -> tuple[list[str], set[str]]:
    """Keys of an object, and names of attributes of OpenTelemetry, that a format's columns need."""
    columns = [*form["columns"].values()]
    if "answered_elsewhere" in form:
        columns.append(form["answered_elsewhere"]["column"])
    keys: set[str] = set()
    attributes: set[str] = set()
    while columns:
        column = columns.pop()
        if isinstance(column, dict) and "first" in column:
            columns += column["first"]
        elif isinstance(column, dict):
            attributes.add(column["attribute"])
        else:
            keys.add(column if isinstance(column, str) else column[0])
    return sorted(keys | ({"attributes"} if attributes else set())), attributes


def are_whole(known: LogColumns, form: Mapping[str, Any]) -> bool:
    """Whether all numbers of tokens that a log has are whole by their type."""
    found = [known.find(form["columns"][name]) for name in TOKENS if name in form["columns"]]
    return all(kind in WHOLE for _, kind in filter(None, found))


def select(known: LogColumns, form: Mapping[str, Any], file: str = "format") -> str:
    """SQL of a requests view's columns, in the order of ``COLUMNS``, and of the cells of those that
    ``UNREAD`` names, as ``requests_rows`` takes them; ``file`` is for messages.

    They are columns of the rows of ``known.taken`` or ``known.opened``.

    Raises
    ------
    InputError
        If the log lacks the columns of input or output tokens.
    """
    columns, time = form["columns"], form["time"]
    found = {name: known.find(column) for name, column in columns.items()}
    missing = [name for name in ("input", "output") if not found[name]]
    if missing:
        raise InputError(
            [
                f"{file}: column {columns[name]!r} for {name} tokens: not in the log; it has"
                f" {', '.join(sorted(known.types)) or 'none'}; correct the format's columns"
                for name in missing
            ]
        )
    sql = {
        name: _tokens(found.get(name), _last_keys(columns.get(name)) if known.json else ())
        for name in COLUMNS
        if COLUMNS[name] == "BIGINT"
    }
    for name in ("cached", "reasoning", "total"):
        at = found.get(name)
        if at and at[1] not in WHOLE:
            said = _some(f"trim(({at[0]})::VARCHAR)")
            no_number = f"CASE WHEN {said} IS NOT NULL THEN {NO_NUMBER} END"
            sql[name] = f"coalesce({sql[name]}, {no_number})"
    if found.get("requests"):
        # a number of requests that is none is not one request, as a missing one is
        text = _text(found["requests"])
        sql["requests"] = f"CASE WHEN {text} IS NOT NULL THEN coalesce({sql['requests']}, 0) END"
    sql |= {name: _text(found.get(name)) for name in ("model", "tenant", "id", "session")}
    # names are held against what says nothing where they are counted, far fewer of them
    sql["id"] = _some(sql["id"])
    sql |= {"start": _time(found.get("start"), time), "finish": _time(found.get("end"), time)}
    lasted = found.get("duration")
    if not found.get("end") and lasted and found.get("start"):
        duration = (
            f"TRY_CAST({lasted[0]} AS DOUBLE) * {MICROSECONDS[form.get('duration_unit', time)]}"
        )
        sql["finish"] = _known(f"TRY_CAST({sql['start']} + {duration} AS BIGINT)")
    sql["elsewhere"] = "FALSE"
    if "answered_elsewhere" in form:
        mark = known.find(form["answered_elsewhere"]["column"])
        values = ", ".join(literal(v.lower()) for v in form["answered_elsewhere"]["values"])
        sql["elsewhere"] = (
            f"coalesce(lower(({mark[0]})::VARCHAR) IN ({values}), FALSE)" if mark else "FALSE"
        )
    cells = {name: found.get(name) for name in ("start", "input", "output")}
    cells["finish"] = found.get("end")
    if lasted and not cells["finish"]:
        # of a number the start is missing
        no_number = f"CASE WHEN TRY_CAST({lasted[0]} AS DOUBLE) IS NULL THEN {lasted[0]} END"
        cells["finish"] = no_number, lasted[1]
    for name, unread in UNREAD.items():
        cell = cells[name]
        # what is whole by its type is a number, or missing
        sql[unread] = cell[0] if cell and cell[1] not in WHOLE else "NULL::VARCHAR"
    return ", ".join(f"{sql[name]} AS {name}" for name in (*COLUMNS, *UNREAD.values()))


def requests_rows(columns: str, rows: str) -> str:
    """SQL of the rows of a requests view; ``columns`` as from ``select``, of ``rows``.

    What a cell says is written out where it is no time or number alone.
    """
    unread = ", ".join(
        f"CASE WHEN {name} IS NULL THEN {_said(cell)} END AS {cell}"
        for name, cell in UNREAD.items()
    )
    return f"SELECT * REPLACE ({unread}) FROM (SELECT {columns} FROM {rows})"


def _said(sql: str) -> str:
    """SQL of the first characters of what a cell says, null where it says nothing."""
    return _some(f"left(trim(({sql})::VARCHAR, {literal(BLANKS)}), {LONGEST_SAID})")


def stated(known: LogColumns, form: Mapping[str, Any]) -> set[str]:
    """Names of a requests view's columns that the log has."""
    names = {name for name, column in form["columns"].items() if known.find(column)}
    if "answered_elsewhere" in form and known.find(form["answered_elsewhere"]["column"]):
        names.add("elsewhere")
    return {"finish" if name in ("end", "duration") else name for name in names}


def bare_name(sql: str) -> str:
    """SQL of a name without the blanks around it; null if nothing is left, or what says nothing."""
    return _some(f"trim({sql}, {literal(BLANKS)})")


def _some(sql: str) -> str:
    """SQL of a text, null for one that says nothing."""
    return f"CASE WHEN {sql} NOT IN ({', '.join(map(literal, NOTHING))}) THEN {sql} END"


def _last_keys(column: Column | None) -> list[str]:
    """Keys of JSON under which a column's value may stand, of a path the last."""
    choices = [] if column is None else _choices(column)
    keys: list[str] = []
    for way in choices:
        if isinstance(way, dict):
            keys += VALUES
        else:
            keys.append(way if isinstance(way, str) else way[-1])
    return list(dict.fromkeys(keys))


def _tokens(found: Found | None, keys: Sequence[str] = ()) -> str:
    """SQL of a number of tokens; ``keys`` are those of JSON under which it stands."""
    if not found:
        return "NULL::BIGINT"
    sql, kind = found
    if kind in WHOLE:
        return f"({sql})::BIGINT"
    if kind == "BOOLEAN":
        # yes is no number, which DuckDB would take for one token
        return "NULL::BIGINT"
    number = f"TRY_CAST({sql} AS DOUBLE)"
    # DuckDB would round the 1.234 of who writes thousands so to one token
    whole = f"isfinite({number}) AND {number} = floor({number})"
    if kind == "VARCHAR":
        # one with three decimals, or a thousand
        whole += f" AND NOT (contains({sql}, '.000') AND NOT contains({sql}, '.0000'))"
        # of cases that come one after the other only zeros are matched, which are few
        is_zero = f"NOT {_says_more(sql)}"
        if keys:
            tiny = " OR ".join(map(_underflows, keys))
            zeros = ", ".join(map(literal, ZEROS))
            is_zero += f" AND NOT CASE WHEN {sql} IN ({zeros}) THEN {tiny} ELSE FALSE END"
        whole += f" AND CASE WHEN {number} = 0 THEN {is_zero} ELSE TRUE END"
    return f"CASE WHEN {whole} THEN greatest(least({number}, {MOST}), -{MOST})::BIGINT END"


def _text(found: Found | None) -> str:
    return f"nullif(({found[0]})::VARCHAR, '')" if found else "NULL::VARCHAR"


def _time(found: Found | None, unit: str) -> str:
    if not found:
        return "NULL::BIGINT"
    sql, kind = found
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        at = f"TRY_CAST({sql} AS TIMESTAMP)" if kind != TIMESTAMP_TZ else sql
        return _known(f"epoch_us({at})")
    if unit == "text":
        text = f"epoch_us(TRY_CAST(({sql})::VARCHAR AS TIMESTAMPTZ))"
        return _known(f"coalesce({text}, {_since_1970(sql)})")
    return _known(f"TRY_CAST(TRY_CAST({sql} AS DOUBLE) * {MICROSECONDS[unit]} AS BIGINT)")


def _since_1970(sql: str) -> str:
    """SQL of a number as a time of this century: that it is one says which unit it has."""
    number, first, last = f"TRY_CAST({sql} AS DOUBLE)", *THIS_CENTURY
    units = "".join(
        f" WHEN {number} * {unit} BETWEEN {first} AND {last} THEN ({number} * {unit})::BIGINT"
        for unit in MICROSECONDS.values()
    )
    return f"CASE{units} END"


def _known(time: str) -> str:
    """SQL of a time that is one, else null."""
    return f"CASE WHEN {time} BETWEEN 0 AND {LATEST} THEN {time} END"

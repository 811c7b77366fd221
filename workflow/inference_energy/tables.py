"""Reading, checking and writing tables against the schemas in workflow/schemas/tables.

A schema is the JSON Schema (draft 2020-12, in YAML) of one row. An empty cell is null, so a
column that may be empty says so in its type. Annotations of this project: ``unit`` of a
property, ``x-enum`` (place of the ``enum`` in another schema, as ``file#/key/key``), ``x-key``
(columns that identify a row), ``x-sort`` (order of the rows), ``x-reason`` (of a bound),
``x-name`` (the column holds names, in one spelling, :func:`spelling`), ``x-also`` (what others call
the column, in small letters), ``x-user`` (only the table made of a user's has the column, the
committed one has not), ``x-empty`` (when the table may have no rows) and those of
:mod:`inference_energy.agreement`; the order of the properties is the order of the columns.
"""

import csv
import difflib
import errno
import glob
import io
import math
import os
import re
import stat
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema_rs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy import documents
from inference_energy.agreement import broken
from inference_energy.documents import Schema
from inference_energy.errors import InputError
from inference_energy.project import AnyPath, read_at_most

# Tables here have some thousand short texts: Arrow's arrays are slower with them than Python's own.
pd.set_option("mode.string_storage", "python")

SCHEMAS = Path(__file__).parent.parent / "schemas" / "tables"
PROBLEMS_SHOWN = 20
SAME_SHOWN = 5
ROWS_SHOWN = 3
VALUE_SHOWN = 80

NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}
"""Errors of a disk that is full, or where nothing may be written."""


STALE = 600
"""No file takes so long to write [s]: a part of one that is older is a killed run's."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Beyond this, floats no longer tell integers apart; it also keeps infinity out.
LARGEST = 2**53
# Read at once a file takes several times its size, and a run should do with 1 GB.
LARGEST_FILE = 2**27
# Parsed JSON of so many takes about 0.5 GB, and a table of so many cells.
MOST_OBJECTS, MOST_VALUES = 2_000_000, 10_000_000
MOST_CELLS = 10_000_000
# A spreadsheet would run a text that begins so; reading takes away the quote that is put before it.
FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠].", re.DOTALL)
THOUSANDS = re.compile(r"[+-]?\d{1,3}([, '\u00a0\u202f]\d{3})+(\.\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d+")
NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
# Letters of other alphabets that are drawn like Latin ones: Cyrillic, Greek and Armenian, then
# Cherokee, Lisu and Coptic, and four variants.
ALIKE = str.maketrans(
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u0566\u0570\u0575\u0578\u057d\u0581\u0585"
    "\u13a0\u13a2\u13aa\u13ab\u13ac\u13b3\u13b7\u13bb\u13c0\u13c3\u13ce\u13d2\u13d9\u13da"
    "\u13de\u13df\u13e2\u13e6\u13f4\ua4d0\ua4d1\ua4d3\ua4d4\ua4d6\ua4d7\ua4d9\ua4da\ua4dc"
    "\ua4dd\ua4df\ua4e0\ua4e1\ua4e2\ua4e3\ua4e6\ua4e7\ua4ea\ua4eb\ua4ec\ua4ee\ua4f0\ua4f2"
    "\ua4f3\ua4f4\u2c80\u2c82\u2c88\u2c8e\u2c92\u2c94\u2c98\u2c9a\u2c9e\u2ca2\u2ca4\u2ca6"
    "\u2ca8\u2cac\u0251\u0261\u0131\u04cf",
    "ABESIJKMHOPCTYXaeopcyxsijhdqwABEZHIKMNOPTYXaikvopuqhjnugo"
    "DTAJEWMHGZ4RVSLCPKBBPDTGKJCZFMNLSRVHWXYAEIOUABEHIKMNOPCTYXagil",
)
LATIN = re.compile("[A-Za-z]")
# Hyphens, dashes and the minus sign, which are drawn like the hyphen of a keyboard.
DASHES = re.compile("[\u02d7\u058a\u2010-\u2015\u2043\u2212]")
UNWRITABLE = frozenset("\n\r\0")
MISSING_WORDS = {"n/a", "na", "none", "null", "-", "--", "?", "unknown", "nan"}

"""JSON Schema of one row of a table, or of one of its columns."""


@cache
def load_schema(name: str) -> Schema:
    """Load the schema of one table, the same object for all who ask, which none may change.

    Parameters
    ----------
    name : str
        File name, in one of the folders of workflow/schemas/tables, without ``.schema.yaml``.

    Returns
    -------
    dict
        JSON Schema of one row of the table.
    """
    schema: Schema = documents.read(schema_path(name))
    for column in schema["properties"].values():
        if "x-enum" in column:
            column["enum"] = _values_at(column.pop("x-enum"))
    return schema


def _values_at(place: str) -> list[Any]:
    """Values that another schema allows, by its file and the path in it."""
    file, keys = place.split("#/")
    values = documents.read_schema(file.removesuffix(".schema.yaml"))
    for key in keys.split("/"):
        values = values[key]
    return list(values)


def schema_path(name: str) -> Path:
    """Path of a table's schema: one folder per topic, names unique across them."""
    return next(SCHEMAS.glob(f"*/{name}.schema.yaml"))


def schema_names() -> list[str]:
    """Names of all tables that have a schema, sorted."""
    return sorted(
        path.name.removesuffix(".schema.yaml") for path in SCHEMAS.glob("*/*.schema.yaml")
    )


def read_table(path: AnyPath, schema: str | Schema) -> pd.DataFrame:
    """Read a CSV table and check every cell against its schema.

    A byte order mark and CRLF line ends are accepted. Rows are numbered as in the file, the
    header being row 1.

    Parameters
    ----------
    path : str or path-like
        UTF-8 CSV file with a header.
    schema : str or dict
        Name of the table's schema, or a schema.

    Returns
    -------
    pandas.DataFrame
        Every column of the schema in its order, also optional ones that the file lacks. Numbers
        are float64 (empty = NaN), integers Int64 (empty = NA), text object (empty = None).

    Raises
    ------
    InputError
        One message with all problems: file, row, column, value, what is allowed, the remedy.
    """
    typed, _, _, problems = read_marked(path, schema)
    refuse(problems)
    return typed


def read_marked(
    path: AnyPath, schema: str | Schema
) -> tuple[pd.DataFrame, NDArray[np.int_], NDArray[np.bool_], list[str]]:
    """Read a CSV table that is to be refused with whatever else is wrong in it.

    Parameters
    ----------
    path, schema
        As for :func:`read_table`.

    Returns
    -------
    typed : DataFrame
        As from :func:`read_table`, without the values of cells that are refused.
    numbers : ndarray of int
        Number of each row in the file.
    sound : ndarray of bool
        Whether a row has all that is required and no cell of it is refused.
    problems : list of str
        What :func:`read_table` refuses.

    Raises
    ------
    InputError
        If the file is no table.
    """
    spec = schema if isinstance(schema, dict) else load_schema(schema)
    text = _read_text(path)
    header, rows, columns, problems = _scan(path, text)
    problems += _check_header(path, header, spec)
    problems = problems or _no_rows(path, rows, spec)
    first: dict[str, list[str]] = {}
    for name, column in zip(header, columns, strict=True):
        first.setdefault(name, column)
    for name in filter(_is_free_text(spec), first):
        first[name] = [
            text[1:] if text.startswith("'") and _is_formula(text) else text for text in first[name]
        ]
    cells = pd.DataFrame(first, dtype=object)
    typed, bad, cell_problems = _check_cells(path, cells, rows, spec)
    problems += cell_problems + row_problems(path, typed, rows, spec)
    if set(_required(spec, "x-key")) <= set(cells.columns):
        problems += _check_key(path, typed[~bad], rows[~bad], spec)
    complete = set(_required(spec)) <= set(cells.columns)
    return typed, rows, ~bad & complete, problems


def write_table(frame: pd.DataFrame, path: AnyPath, schema: str) -> None:
    """Write a table: checked, sorted, six significant digits, UTF-8, LF, all or nothing.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of the schema, in any order; optional ones may be absent.
    path : str or path-like
        File to replace; its folder is made if needed.
    schema : str
        Name of the table's schema.

    Raises
    ------
    InputError
        Unknown or missing columns, cells and rows that :func:`read_table` would refuse, none where
        it needs one, rows with the same key. The file at `path` is then as it was.
    """
    spec = load_schema(schema)
    refuse(_check_header(path, list(frame.columns), spec))
    frame = _sorted(frame[[name for name in spec["properties"] if name in frame.columns]], spec)
    written = {name: [_cell(value) for value in frame[name]] for name in frame.columns}
    cells = pd.DataFrame(written, dtype=object)
    rows = np.arange(2, len(frame) + 2)
    refuse(_no_rows(path, rows, spec))
    typed, bad, problems = _check_cells(path, cells, rows, spec)
    problems += row_problems(path, typed, rows, spec)
    refuse(problems + _check_key(path, typed[~bad], rows[~bad], spec))
    for name in filter(_is_free_text(spec), cells.columns):
        cells[name] = list(map(guarded, cells[name]))
    write_text(path, cells.to_csv(index=False, lineterminator="\n"))


def write_text(path: AnyPath, text: str) -> None:
    """Write UTF-8 text with LF line ends; `path` holds the old or the new text, never a part.

    The text goes to a hidden file of its own in the same folder, which then takes the place of
    `path`. What a killed run left there is removed.

    Raises
    ------
    InputError
        A disk that is full, or a folder where nothing may be written. The file is then as it was.
    """
    path = Path(path)
    try:
        _write(path, text)
    except OSError as error:
        if error.errno not in NOT_WRITTEN:
            raise
        raise InputError(
            f"{path}: cannot be written ({error.strerror}): make room, or give a folder where files"
            " may be written, and start again"
        ) from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE:
                left.unlink()
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def format_number(x: float | None) -> str:
    """Six significant digits, without an exponent unless the number is very large or small.

    Examples
    --------
    >>> format_number(0.3123456789), format_number(1e9), format_number(float("nan"))
    ('0.312346', '1000000000', '')
    """
    if x is None or pd.isna(x):
        return ""
    # a number that is stated to seven digits would else be rounded by its last bit
    digits = f"{float(f'{x:.12g}'):.6g}"
    if float(digits) == 0:
        return "0"
    if "e" in digits and -6 <= math.floor(math.log10(abs(x))) < 15:
        return f"{Decimal(digits):f}"
    return digits


def describe_tables(names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Describe tables from their schemas.

    Parameters
    ----------
    names : list of str, optional
        Schemas to describe, in this order; all of them by default.

    Returns
    -------
    list of dict
        Of each table its title, anchor of a heading of that title, description, key, and columns:
        name, allowed, unit, meaning, and is_users: whether only the table made of a user's has it.
    """
    return [_described(load_schema(name)) for name in names or schema_names()]


def _described(spec: Schema) -> dict[str, Any]:
    columns = [
        {
            "name": name,
            "allowed": allowed(column, with_unit=False),
            "unit": column.get("unit"),
            "meaning": " ".join(column["description"].split()),
            "is_users": column.get("x-user", False),
        }
        for name, column in spec["properties"].items()
    ]
    return {
        "title": spec["title"],
        "anchor": re.sub(r"[^\w -]", "", spec["title"].lower()).replace(" ", "-"),
        "description": spec["description"].strip(),
        "key": spec["x-key"],
        "columns": columns,
    }


def refuse(problems: list[str]) -> None:
    """Raise InputError if there are problems, with the first PROBLEMS_SHOWN of them."""
    if len(problems) > PROBLEMS_SHOWN:
        more = f"... and {len(problems) - PROBLEMS_SHOWN} more problems"
        problems = [*problems[:PROBLEMS_SHOWN], more]
    if problems:
        raise InputError(problems)


def _others(count: int, place: str, what: str) -> list[str]:
    """The problem that stands for those of one kind that are not listed."""
    return [f"{place}: {count - SAME_SHOWN} more {what}"] if count > SAME_SHOWN else []


def read_bytes(path: AnyPath) -> bytes:
    """Read a file, or say why it cannot be read."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is no file; allowed is a file; give one")
        data = b"" if found.st_size > LARGEST_FILE else read_at_most(path, LARGEST_FILE)
        if max(found.st_size, len(data)) > LARGEST_FILE:
            size = f"{found.st_size:.6g}" if found.st_size else f"more than {LARGEST_FILE}"
            raise InputError(
                f"{path}: is {size} bytes; allowed are at most {LARGEST_FILE}; leave "
                "out what is recorded for every request, or split it"
            )
        return data
    except FileNotFoundError:
        told = f"{path}: no such file; check the path and the file's name"
        raise InputError(told + documents.near_path(path)) from None
    except (OSError, ValueError) as error:
        # a path with a NUL is a ValueError
        reason = getattr(error, "strerror", error)
        raise InputError(
            f"{path!s:.200}: cannot be read ({reason}); give a readable file"
        ) from None


def decode(path: AnyPath, data: bytes, remedy: str = "save the file again as UTF-8") -> str:
    """Text of UTF-8 bytes, without a byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {row}: byte 0x{data[error.start]:02x} is not UTF-8; "
            f"only UTF-8 text is allowed; {remedy}"
        ) from None


def refuse_crowded(path: AnyPath, text: str) -> None:
    """Refuse JSON that would take gigabytes once it is parsed."""
    objects, values = text.count("{") + text.count("["), text.count(",")
    if objects > MOST_OBJECTS or values > MOST_VALUES:
        raise InputError(
            f"{path}: holds {objects} lists and objects and {values} values, more than the "
            f"{MOST_OBJECTS} and {MOST_VALUES} that are allowed; leave out what is recorded for "
            "every request"
        )


def _read_text(path: AnyPath) -> str:
    text = decode(path, read_bytes(path), "save the file as CSV UTF-8")
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            f"{path}, line {row}: holds a NUL byte; only text is allowed; "
            "export the table again as CSV UTF-8"
        )
    cells = text.count(",") + text.count("\n") + text.count("\r")
    if cells > MOST_CELLS:
        raise InputError(
            f"{path}: holds {cells} commas and line ends, more than the {MOST_CELLS} that are "
            "allowed; leave out rows or split the table"
        )
    if not text.strip():
        raise InputError(f"{path}: is empty; a header and at least one row are needed")
    return text


def _scan(
    path: AnyPath, text: str
) -> tuple[list[str], NDArray[np.int_], list[list[str]], list[str]]:
    """Header, row numbers and columns of the well-formed rows, and structural problems."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    rows: list[int] = []
    columns: list[list[str]] = []
    ragged: list[tuple[int, int]] = []
    once: dict[str, str] = {}
    line = 0
    try:
        for fields in reader:
            first, line = line + 1, reader.line_num
            if line > first:
                raise InputError(
                    f"{path}, line {first}: a quoted cell runs over to line {line}; line breaks in "
                    "cells are not allowed; put the cell on one line and close its quotes"
                )
            if header and len(fields) == len(header):
                rows.append(line)
                for column, cell in zip(columns, fields, strict=True):
                    column.append(once.setdefault(cell, cell))
            elif not header:
                header, columns = fields, [[] for _ in fields]
            elif fields:
                ragged.append((line, len(fields)))
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num}: is not CSV ({error}); put a cell in double quotes "
            "only as a whole, and double the quotes inside it"
        ) from None
    separator = re.search("[;\t]", header[0])
    if len(header) == 1 and separator:
        raise InputError(
            f"{path}, line 1: cells are separated by {separator[0]!r}; only commas are allowed; "
            "export the table as comma-separated CSV"
        )
    problems = [
        f"{path}, line {row}: has {count} cells, the header has {len(header)}; every row needs one "
        "cell per column; write numbers without thousands separators and decimal commas, and put "
        "text with a comma in double quotes"
        for row, count in ragged[:SAME_SHOWN]
    ]
    problems += _others(len(ragged), str(path), "rows with a wrong number of cells")
    return header, np.array(rows, dtype=int), columns, problems


def _check_header(path: AnyPath, header: list[str], spec: Schema) -> list[str]:
    columns, counts = list(spec["properties"]), Counter(header)
    unused = [column for column in columns if column not in counts]
    also = {name: c for c in unused for name in spec["properties"][c].get("x-also", ())}
    problems: list[str] = []
    allowed, required, meant = ", ".join(columns), ", ".join(_required(spec)), set()
    for name, count in counts.items():
        if count > 1:
            problems.append(
                f'{path}, line 1, column "{name}": appears {count} times; '
                "each column is allowed once; remove or rename the others"
            )
        if name not in columns:
            # what is not shown offers no remedy: to look for the nearest takes a millisecond
            shown = len(problems) < PROBLEMS_SHOWN
            near = also.get(name.strip().lower()) or (_nearest(name, unused) if shown else None)
            remedy = f'did you mean "{near}"?' if near else "remove the column"
            told = "" if near else f"allowed are {allowed}; "
            problems.append(f'{path}, line 1, column "{name}": unknown; {told}{remedy}')
            meant.add(near)
            allowed = allowed if near else "the same"
    for name in _required(spec):
        if name not in counts and name not in meant:
            problems.append(
                f'{path}, line 1, column "{name}": missing; required are {required}; add the column'
            )
            required = "the same"
    return problems


def _check_cells(
    path: AnyPath, cells: pd.DataFrame, rows: NDArray[np.int_], spec: Schema
) -> tuple[pd.DataFrame, NDArray[np.bool_], list[str]]:
    """Typed frame of all the schema's columns, mask of rows with a refused cell, problems."""
    typed, problems, bad = {}, [], np.zeros(len(cells), dtype=bool)
    for name, column in spec["properties"].items():
        if name in cells:
            codes, uniques = pd.factorize(cells[name].to_numpy(dtype=object))
        else:
            codes, uniques = np.zeros(len(cells), dtype=int), [""]
        numeric = _is_numeric(column)
        values = [_parse(text, numeric) for text in uniques]
        refused = _refused(uniques, values, column) if name in cells else []
        for code in refused[:SAME_SHOWN]:
            problems.append(
                f'{path}, {name_rows(rows[codes == code])}, column "{name}": '
                f'value "{_shown(uniques[code])}"; allowed is {allowed(column)}{reason(column)}; '
                f"{_remedy(uniques[code], values[code], column)}"
            )
        problems += _others(len(refused), f'{path}, column "{name}"', "refused values")
        for code in refused:
            values[code] = None
        if refused:
            bad |= np.isin(codes, refused)
        once = make_column(values, column)
        typed[name] = pd.Series(once.array.take(codes), dtype=once.dtype)
    return pd.DataFrame(typed), bad, problems


def row_problems(
    path: AnyPath, typed: pd.DataFrame, rows: NDArray[np.int_], spec: Schema
) -> list[str]:
    """Problems of rows whose cells cannot all be right, :mod:`inference_energy.agreement`.

    Parameters
    ----------
    path : path-like
        File, for the messages.
    typed : DataFrame
        Its columns as numbers.
    rows : array of int
        Number of each row in the file.
    spec : dict
        Schema of a row.
    """
    problems = []
    for columns, places, sentences in broken(typed, spec):
        problems += [
            f"{path}, line {row}, {columns}: {sentence}"
            for row, sentence in zip(rows[places], sentences[:SAME_SHOWN], strict=False)
        ]
        problems += _others(len(places), f"{path}, {columns}", "rows that break the same rule")
    return problems


def _types(column: Schema) -> list[str]:
    kinds = column.get("type", "string")
    return [kinds] if isinstance(kinds, str) else kinds


def _is_numeric(column: Schema) -> bool:
    return bool({"number", "integer"} & set(_types(column)))


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet would run a text; a number it would not."""
    return FORMULA.match(text) is not None and not NUMBER.fullmatch(text)


def guarded(value: Any) -> Any:
    """Give a cell's value, a text that a spreadsheet would run behind a quote."""
    return f"'{value}" if isinstance(value, str) and _is_formula(value) else value


def _is_free_text(spec: Schema) -> Callable[[str], bool]:
    """Whether a column of a schema holds text that is not one of a few choices."""
    columns = spec["properties"]

    def holds(name: str) -> bool:
        return name in columns and not _is_numeric(columns[name]) and "enum" not in columns[name]

    return holds


def _may_be_empty(column: Schema) -> bool:
    return None in column["enum"] if "enum" in column else "null" in _types(column)


def _parse(text: str, numeric: bool) -> float | str | None:
    """Value of a cell as JSON has it; a number that cannot be read stays text."""
    if text == "":
        return None
    if numeric and NUMBER.fullmatch(text):
        value = float(text)
        return text if abs(value) > LARGEST or documents.underflows(text, value) else value
    return text


def _refused(
    texts: Iterable[str], values: Iterable[float | str | None], column: Schema
) -> list[int]:
    """Positions of the values that the column's schema refuses or that no cell can hold."""
    is_valid = jsonschema_rs.Draft202012Validator(column).is_valid
    return [
        code
        for code, (text, value) in enumerate(zip(texts, values, strict=True))
        # what was read as a number has nothing in it but digits, signs and a point
        if not (isinstance(value, float) or holds_text(text, column)) or not is_valid(value)
    ]


def holds_text(text: str, column: Schema) -> bool:
    """Whether a cell of a column can hold a text, whatever its schema says of values."""
    return (
        _is_writable(text)
        and text == text.strip()
        and (text == "" or documents.shows(text))
        and ("x-name" not in column or text == spelling(text))
    )


def reason(column: Schema) -> str:
    """Why a column has its bounds, for a message."""
    return f", as {column['x-reason']}" if "x-reason" in column else ""


def _shown(text: str) -> str:
    """Write a cell's text for a message: cut if it is long, on one line."""
    short = text if len(text) <= VALUE_SHOWN else f"{text[: VALUE_SHOWN - 3]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def _is_writable(text: str) -> bool:
    """Whether a cell can hold a text: one line of UTF-8, not longer than CSV readers take."""
    if len(guarded(text)) > csv.field_size_limit() or not UNWRITABLE.isdisjoint(text):
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def spelling(name: str) -> str:
    """Name in the one spelling that tables have: NFKC, single blanks, nothing invisible.

    Letters of other alphabets that are drawn like Latin ones are taken for them beside Latin
    letters, and where all letters are such; digits of every script are 0 to 9, and every dash is
    the hyphen of a keyboard.

    Examples
    --------
    >>> spelling("Llama\\u200b 3.1\\xa08B"), spelling("ｍ"), spelling("Ll\\u0430ma")
    ('Llama 3.1 8B', 'm', 'Llama')
    >>> spelling("\\u041e\\u0420\\u0422-30") == "OPT-30", spelling("Сайга")
    (True, 'Сайга')
    """
    plain = documents.INVISIBLE.sub("", unicodedata.normalize("NFKC", name))
    latin = plain.translate(ALIKE)
    is_another = any(letter.isalpha() and not letter.isascii() for letter in latin)
    plain = latin if LATIN.search(plain) or not is_another else plain
    plain = DASHES.sub("-", plain)
    plain = "".join(str(unicodedata.decimal(c, c)) for c in plain)
    return " ".join("".join(c for c in plain if unicodedata.category(c)[0] != "C").split())


def _remedy(text: str, value: float | str | None, column: Schema) -> str:
    numeric = _is_numeric(column)
    if text == "":
        return "fill the cell or remove the row"
    if text != text.strip():
        return "remove the blanks around the value"
    if not _is_writable(text):
        return "write one line of text, short enough for a cell"
    if not documents.shows(text):
        return "write something that shows"
    if "x-name" in column and text != spelling(text):
        return f'write it as "{spelling(text)}", without what is invisible or looks like others'
    if numeric and THOUSANDS.fullmatch(text):
        return "write the number without thousands separators"
    if numeric and DECIMAL_COMMA.fullmatch(text):
        return "write the number with a decimal point instead of a comma"
    if numeric and (NOT_FINITE.fullmatch(text) or text.lower() in MISSING_WORDS):
        if _may_be_empty(column):
            return "leave the cell empty if the value is unknown"
        return "give a finite number or remove the row"
    if numeric and NUMBER.fullmatch(text) and documents.underflows(text, float(text)):
        return f"write 0, or a number that is at least {documents.LEAST_NUMBER} away from it"
    if numeric and isinstance(value, str):
        return "write a plain number such as 1234.5, without unit or other text"
    if numeric:
        return "correct the value or remove the row"
    return _near(text, [item for item in column.get("enum", []) if item]) or "correct the value"


def _near(word: str, choices: Sequence[str]) -> str:
    near = _nearest(word, choices)
    return f'did you mean "{near}"?' if near else ""


def _nearest(word: str, choices: Sequence[str]) -> str | None:
    """Choice that a word is near to, in whatever case."""
    folded = {choice.lower(): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(word.strip().lower(), folded, n=1)
    return folded[near[0]] if near else None


def allowed(column: Schema, with_unit: bool = True) -> str:
    """Say what the schema of a column allows in it."""
    kinds = _types(column)
    if "enum" in column:
        text = "one of " + ", ".join(item for item in column["enum"] if item is not None)
    elif "number" in kinds or "integer" in kinds:
        text = "an integer" if "integer" in kinds else "a number"
        limits = {"exclusiveMinimum": "above", "minimum": "of at least"}
        limits |= {"exclusiveMaximum": "below", "maximum": "of at most"}
        bounds = [f"{word} {column[key]}" for key, word in limits.items() if key in column]
        text = " ".join([text, " and ".join(bounds)]).strip()
        if with_unit and "unit" in column:
            text += f" [{column['unit']}]"
    else:
        text = f"text like {column['pattern']}" if "pattern" in column else "text"
    return f"{text}, or empty" if _may_be_empty(column) else text


def name_rows(numbers: NDArray[np.int_]) -> str:
    """Name rows by their lines in the file: the first ROWS_SHOWN, and how many more.

    Not by a column ``row`` that the table may have.
    """
    shown = ", ".join(str(number) for number in numbers[:ROWS_SHOWN])
    more = f" and {len(numbers) - ROWS_SHOWN} more" if len(numbers) > ROWS_SHOWN else ""
    return f"{'line' if len(numbers) == 1 else 'lines'} {shown}{more}"


def make_column(values: list[Any], column: Schema) -> pd.Series:
    """Put values, None where there is none, into a column of the type that its schema has."""
    kinds = _types(column)
    kind = float if "number" in kinds else "Int64" if "integer" in kinds else object
    return pd.Series(values, dtype=kind)


def _required(spec: Schema, part: str = "required") -> list[str]:
    required = spec["required"]
    return [name for name in spec[part] if name in required]


def _no_rows(path: AnyPath, rows: NDArray[np.int_], spec: Schema) -> list[str]:
    if len(rows) or "x-empty" in spec:
        return []
    return [f"{path}: has a header but no rows; add at least one row below the header"]


def _check_key(
    path: AnyPath, typed: pd.DataFrame, rows: NDArray[np.int_], spec: Schema
) -> list[str]:
    key = typed[spec["x-key"]]
    repeated = key.duplicated(keep=False).to_numpy()
    if not repeated.any():
        return []
    key, rows = key[repeated], rows[repeated]
    groups = key.groupby(spec["x-key"], dropna=False, sort=False).ngroup().to_numpy()
    count = len(set(groups))
    problems = []
    for group in range(min(count, SAME_SHOWN)):
        same = groups == group
        named = {name: _cell(value) for name, value in key[same].iloc[0].items()}
        values = ", ".join(f"{name}={text}" for name, text in named.items() if text)
        problems.append(
            f"{path}, {name_rows(rows[same])}: the same row again ({values}); "
            f"each combination of {', '.join(spec['x-key'])} is allowed once; keep one of the rows"
        )
    return problems + _others(count, str(path), "repeated rows")


def _sorted(frame: pd.DataFrame, spec: Schema) -> pd.DataFrame:
    def rank(column: pd.Series) -> pd.Series:
        choices = spec["properties"][column.name].get("enum")
        if choices is None:
            return column
        return column.map({choice: place for place, choice in enumerate(choices)})

    by = [name for name in spec["x-sort"] if name in frame.columns]
    return frame.sort_values(by, key=rank, kind="stable", ignore_index=True)


def _cell(value: Any) -> str:
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, np.integer)):
        return str(value)
    return format_number(value)

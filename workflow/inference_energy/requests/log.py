"""The files of a log, what they hold, and how they are split into units of work."""

import csv
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from inference_energy.errors import InputError
from inference_energy.requests.formats import Source, literal, matches, select, stated

KINDS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}
"""Kinds of files by their ending, without that of a compression."""

COMPRESSIONS = (".gz", ".zst")

UNIT_ROWS = 2**23
"""Rows of a unit of a Parquet file: the unit that is read, counted and reported at once."""

LONGEST_LINE = 2**26
"""Bytes of the longest line, or JSON object, that is read."""


@dataclass(frozen=True)
class Log:
    """A log on disk.

    Parameters
    ----------
    files : tuple of str
        Its files, sorted.
    kind : str
        parquet, csv or json.
    form : dict
        Format, as in config/requests.yaml.
    """

    files: tuple
    kind: str
    form: dict


@dataclass(frozen=True)
class Unit:
    """A part of a log: a file, or a range of its rows (the last one counts, none is the end)."""

    file: str
    first: int = 0
    last: int | None = None


def connect(memory_mb=700, threads=1, folder="."):
    """Open a DuckDB that keeps to so much memory and spills into ``folder``."""
    connection = duckdb.connect()
    connection.execute(
        f"SET memory_limit='{int(memory_mb)}MB'; SET threads={int(threads)};"
        f" SET temp_directory={literal(folder)}; SET TimeZone='UTC';"
        " SET enable_progress_bar=false"
    )
    return connection


def find_files(path):
    """Files of a log: one file, or those below a folder; hidden ones and markers do not count.

    Raises
    ------
    InputError
        If there is none, a link leads to no file, or they are of several kinds or of one that is
        not read.
    """
    place = Path(path)
    is_file = os.path.isfile(path)
    found = [place] if is_file else sorted(place.rglob("*")) if os.path.isdir(path) else []
    found = [p for p in found if p == place or not p.name.startswith((".", "_"))]
    files = [p for p in found if p.is_file()]
    astray = [p.as_posix() for p in found if p.is_symlink() and not p.is_file()]
    if astray and not is_file:
        raise InputError(
            f"key log: value {path}: links {', '.join(astray)} lead to no file, and folders are not"
            " followed; name a folder of files, or take the links out"
        )
    allowed = f"allowed are {', '.join(KINDS)}, plain or with {' or '.join(COMPRESSIONS)}"
    if not files:
        raise InputError(f"key log: value {path}: no such file or an empty folder; {allowed}")
    kinds = {_ending(p) for p in files}
    if len({KINDS.get(ending) for ending in kinds}) > 1 or not kinds <= set(KINDS):
        raise InputError(
            f"key log: value {path}: holds files that end in {', '.join(sorted(kinds))};"
            f" {allowed}, and one kind in a log; name a folder of one kind"
        )
    return [p.as_posix() for p in files]


def _ending(path):
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in COMPRESSIONS]
    return suffixes[-1] if suffixes else ""


def open_log(path, formats, form=None):
    """Find a log's files and its format.

    Parameters
    ----------
    path : str
        File or folder.
    formats : dict of str to dict
        Formats of config/requests.yaml by name.
    form : dict, optional
        The format, where it is stated.

    Raises
    ------
    InputError
        If no format fits.
    """
    files = find_files(path)
    kind = KINDS[_ending(Path(files[0]))]
    if form is None:
        source = describe(connect(), files[0], kind)
        fitting = [f for f in formats.values() if matches(source, f)]
        form = max(fitting, key=lambda f: len(stated(source, f)), default=None)
        if form is None:
            raise InputError(
                f"key log: value {path}: no format of config/requests.yaml has its columns,"
                f" {', '.join(sorted(source.types)) or 'none'}; allowed are {', '.join(formats)};"
                " name one with --config format=NAME, or a file of your own in its place"
            )
    return Log(tuple(files), kind, form)


def columns_of_any(log):
    """Columns of a requests view that any file of a log has, a set.

    Raises
    ------
    InputError
        If a file cannot be read, or lacks input or output tokens.
    """
    connection, found, problems = connect(), set(), []
    for file in log.files:
        try:
            source = _of_items(describe(connection, file, log.kind), log.form)
            select(source, log.form, file)
            found |= stated(source, log.form)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return found


def _of_items(source, form):
    """Columns of the requests inside a file's objects: not known before all are read."""
    return Source(None, "item") if "unnest" in form else source


def _name(file):
    """SQL of a file's name, in which DuckDB finds no pattern."""
    return literal(re.sub(r"[*?\[]", r"[\g<0>]", file))


def describe(connection, file, kind):
    """Columns of a file, a Source."""
    if kind == "parquet":
        try:
            rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({_name(file)})")
        except duckdb.Error as error:
            raise InputError(
                f"{file}: {_first_line(error)}; give a readable Parquet file"
            ) from None
        return Source({name: kind for name, kind, *_ in rows.fetchall()})
    if kind == "csv":
        return Source(dict.fromkeys(_header(connection, file), "VARCHAR"))
    return Source(dict.fromkeys(_keys(connection, file), "JSON"), "json")


def _first_line(error):
    return str(error).splitlines()[0]


def _lines(connection, file, count):
    """First lines of a text file, however it is compressed."""
    try:
        rows = connection.execute(
            f"SELECT line FROM read_csv({_name(file)}, auto_detect=false, header=false,"
            " columns={'line': 'VARCHAR'}, delim='\x01', quote='', escape='',"
            f" max_line_size={LONGEST_LINE}, buffer_size={2 * LONGEST_LINE}, ignore_errors=true)"
            f" LIMIT {count}"
        ).fetchall()
    except duckdb.Error as error:
        raise InputError(f"{file}: {_first_line(error)}; give a readable text file") from None
    return [line or "" for (line,) in rows]


def _header(connection, file):
    lines = _lines(connection, file, 1)
    header = (
        next(csv.reader([lines[0].lstrip("\ufeff")], delimiter=_delimiter(file)), [])
        if lines
        else []
    )
    if not header:
        raise InputError(f"{file}: is empty; a header and rows are needed")
    # pandas writes its index under no name
    header = [name or f"column {number}" for number, name in enumerate(header, 1)]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise InputError(
            f"{file}, row 1: column {', '.join(repeated)}: appears more than once; rename"
        )
    return header


def _delimiter(file):
    return "\t" if _ending(Path(file)) == ".tsv" else ","


def _objects(file, lines):
    """SQL of the JSON objects of a file: one per line, or as they come."""
    options = f"maximum_object_size={LONGEST_LINE}"
    if lines:
        return f"read_ndjson_objects({_name(file)}, ignore_errors=true, {options})"
    return f"read_json_objects({_name(file)}, {options})"


def _by_line(connection, file):
    """Whether every line of a JSON file is an object of its own."""
    first = next((line for line in _lines(connection, file, 1)), "")
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return not first.lstrip().startswith(("{", "["))


def _keys(connection, file):
    sql = f"SELECT json FROM {_objects(file, _by_line(connection, file))} LIMIT 100"
    try:
        rows = connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise InputError(f"{file}: {_first_line(error)}; give JSON objects, one per line") from None
    objects = [json.loads(text) for (text,) in rows if text]
    keys = {key for one in objects if isinstance(one, dict) for key in one}
    if not keys:
        raise InputError(f"{file}: holds no JSON objects; give one object per line")
    return sorted(keys)


def units(log, connection):
    """Split a log into units, the same ones however they are then shared out."""
    if log.kind != "parquet":
        return [Unit(file) for file in log.files]
    found = []
    for file in log.files:
        try:
            sql = f"SELECT num_rows FROM parquet_file_metadata({_name(file)})"
            rows = connection.execute(sql).fetchall()[0][0]
        except duckdb.Error as error:
            raise InputError(
                f"{file}: {_first_line(error)}; give a readable Parquet file"
            ) from None
        found += [
            Unit(file, first, min(first + UNIT_ROWS, rows) - 1)
            for first in range(0, rows, UNIT_ROWS)
        ]
    return found


def share(items, part, parts):
    """Items of the ``part``-th of ``parts`` shares, counted from 1."""
    return items[len(items) * (part - 1) // parts : len(items) * part // parts]


def requests_view(log, unit, connection, folder):
    """Make the view ``requests`` of a unit, with the number of each row in its file from 0.

    Text is read once, into a Parquet file in ``folder``.

    Returns
    -------
    stated, unreadable : set of str, int
        Columns that the log has, and lines that are not rows.
    """
    source = describe(connection, unit.file, log.kind)
    if log.kind == "parquet":
        rows = f"FROM read_parquet({_name(unit.file)}, file_row_number=true)"
        within = f"WHERE file_row_number BETWEEN {unit.first} AND {unit.last}"
        columns = f"{select(source, log.form, unit.file)}, file_row_number AS row"
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW requests AS SELECT {columns} {rows} {within}"
        )
        return stated(source, log.form), 0
    if log.kind == "csv":
        rows, source = _csv_rows(unit.file, source)
    else:
        rows, source = _json_rows(connection, unit.file, source, log.form)
    path = literal(Path(folder) / "requests.parquet")
    try:
        connection.execute(
            f"COPY (SELECT {select(source, log.form, unit.file)} {rows}) TO {path} (FORMAT parquet)"
        )
    except duckdb.Error as error:
        raise InputError(
            f"{unit.file}: {_first_line(error)}; mend the file or leave it out"
        ) from None
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW requests AS SELECT * EXCLUDE file_row_number,"
        f" file_row_number AS row FROM read_parquet({path}, file_row_number=true)"
    )
    return stated(source, log.form), _rejected(connection)


def _csv_rows(file, source):
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in source.types)
    return (
        f"FROM read_csv({_name(file)}, auto_detect=false, header=true, columns={{{columns}}},"
        f" delim={literal(_delimiter(file))}, quote='\"', escape='\"', store_rejects=true,"
        f" rejects_limit=0, max_line_size={LONGEST_LINE}, buffer_size={2 * LONGEST_LINE})"
    ), source


def _json_rows(connection, file, source, form):
    rows = f"(SELECT json AS item FROM {_objects(file, _by_line(connection, file))})"
    if "unnest" not in form:
        return f"FROM {rows}", Source(source.types, "item")
    for name in form["unnest"]:
        # an item also has what stands beside its list, as a bucket's time
        beside = f"json_merge_patch(item, {literal(json.dumps({name: None}))})"
        items = f"unnest(json_extract(item, {literal(f'$.{name}[*]')}))"
        pairs = f"(SELECT {beside} AS beside, {items} AS inner_item FROM {rows})"
        rows = f"(SELECT json_merge_patch(beside, inner_item) AS item FROM {pairs})"
    return f"FROM {rows}", Source(None, "item")


def _rejected(connection):
    """Number of lines that the last CSV file lost, all that an open quote runs over, and forget."""
    tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    if "reject_errors" not in tables:
        return 0
    text = "rtrim(csv_line, chr(10) || chr(13))"
    lines = f"SELECT max(length({text}) - length(replace({text}, chr(10), '')) + 1) AS lines"
    sql = f"SELECT sum(lines)::BIGINT FROM ({lines} FROM reject_errors GROUP BY line)"
    count = connection.execute(sql).fetchall()[0][0] or 0
    connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return count

"""The files of a log, what they hold, and how they are split into units of work."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import duckdb
import pyarrow as pa

from inference_energy.documents import near_path, underflows
from inference_energy.errors import InputError
from inference_energy.project import is_plain, path_problems
from inference_energy.requests.expansion import refuse_expansion
from inference_energy.requests.formats import (
    COLUMNS,
    COMPRESSIONS,
    KINDS,
    UNREAD,
    LogColumns,
    are_whole,
    has_own,
    literal,
    matches,
    quoted,
    requests_rows,
    select,
    stated,
    wanted,
)

UNIT_ROWS = 5 * 2**21
"""Rows of a unit of a Parquet file: the unit that is read, counted and reported at once."""

DELIMITERS = (",", ";", "\t", "|")
"""What can be between the columns of a table; the one that splits its header into most is."""

MOST_FILES = 100_000
"""Files and folders below that of a log: ten years of hours."""

ARRAY_DIGITS = 22
"""Binary digits of the number of groups, at most, of which DuckDB keeps an array instead of a hash:
of all threads together, a third of a gigabyte."""

OF_THROUGHPUT = "throughput_tps"
"""Column of a throughput table, whose lengths of inputs and outputs are not those of requests."""

LONGEST_LINE = 2**26
"""Bytes of the longest line, or JSON object, that is read."""

FIRST_OBJECTS, LEAST_OBJECTS = 10_000, 100
"""JSON objects of a log, shared among its files, by whose keys it is known, and the least of a
file."""

ROW_NUMBER = "file_row_number"
"""Column that DuckDB's reader of Parquet adds."""

FIRST_BYTES = 4 * LONGEST_LINE
"""Text at most in which these objects are looked for."""

CHUNK = 2**24
"""Bytes of a text that are written anew at once."""

LONGEST_TOLD = 9_990
"""Bytes of a rejected line from which on the reader of tables may have cut it, as at 10,000."""

FIRST_LINES = 10
"""Lines of a JSON file by which it is known whether every one is an object of its own."""

NOTHING = 100
"""Bytes that a compressed file of nothing stays below."""

TABLE_LOGS = ("_delta_log", ".hoodie")
"""Folders of tables that keep replaced files beside those that count."""

PAGES = "pages"
"""Variable of DuckDB that has how many pages of a file say that another follows, and that none."""

NO_OBJECT = "-"
"""Line in place of what should be a JSON object and is none."""

TWICE = "\0"
"""Key that marks an object of which nobody can say which value of a key is meant."""

Item = TypeVar("Item")

NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""Value of a folder's column that is none."""


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
    name : str
        The format's name, for messages.
    """

    files: tuple[str, ...]
    kind: str
    form: Mapping[str, Any]
    name: str = ""


@dataclass(frozen=True)
class Unit:
    """A part of a log: a file, or a range of its rows (the last one counts, none is the end)."""

    file: str
    first: int = 0
    last: int | None = None


def connect(
    memory_mb: float = 700, threads: int = 1, folder: str | os.PathLike[str] = "."
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB that keeps to so much memory and spills into ``folder``."""
    connection = duckdb.connect()
    # a thread has an array of its own
    digits = max(0, ARRAY_DIGITS - int(threads - 1).bit_length())
    # type_pushdown would let the reader of tables refuse rows whose cells TRY_CAST takes for null
    connection.execute(
        f"SET memory_limit='{int(memory_mb)}MB'; SET threads={int(threads)};"
        f" SET temp_directory={literal(folder)}; SET TimeZone='UTC';"
        f" SET perfect_ht_threshold={digits}; SET enable_progress_bar=true;"
        " SET enable_progress_bar_print=false; SET disabled_optimizers='type_pushdown'"
    )
    return connection


def find_files(path: str | os.PathLike[str]) -> list[str]:
    """Files of a log: one file, or those below a folder; hidden and empty ones do not count.

    Raises
    ------
    InputError
        If there is none, a link leads to no file, they are of several kinds or of one that is not
        read, or a table's log says which of them count.
    """
    place = Path(path)
    is_file = os.path.isfile(path)
    found = [place] if is_file else _below(place) if os.path.isdir(path) else []
    logs = sorted(p.as_posix() for p in found if p.name in TABLE_LOGS and p.is_dir())
    if logs:
        raise InputError(
            f"key log: value {path}: {logs[0]} says which of the files count, and it is not read;"
            " write the table's rows as plain Parquet files, and name their folder"
        )
    found = [p for p in found if p == place or not _is_hidden(p.relative_to(place))]
    if unnamed := [
        problem for p in found if not is_plain(p) for problem in path_problems(p, "key log")
    ]:
        raise InputError(unnamed)
    files = [p for p in found if p.is_file() and (p == place or not _is_empty(p))]
    astray = [p.as_posix() for p in found if p.is_symlink() and not p.is_file()]
    if astray and not is_file:
        raise InputError(
            f"key log: value {path}: links {', '.join(astray)} lead to no file, and folders are not"
            " followed; name a folder of files, or take the links out"
        )
    allowed = f"allowed are {', '.join(KINDS)}, plain or with {' or '.join(COMPRESSIONS)}"
    if not files:
        remedy = _remedy(str(path))
        raise InputError(
            f"key log: value {path}: no such file or an empty folder; {allowed}; {remedy}"
        )
    kinds = {_ending(p) for p in files}
    if len({KINDS.get(ending) for ending in kinds}) > 1 or not kinds <= set(KINDS):
        raise InputError(
            f"key log: value {path}: holds files that end in {', '.join(sorted(kinds))};"
            f" {allowed}, and one kind in a log; name a folder of one kind"
        )
    return [p.as_posix() for p in files]


def _remedy(path: str) -> str:
    """What to do about a path that leads nowhere."""
    if "://" in path:
        return "copy the log to a folder of this machine, or mount its bucket there, and name that"
    if re.search(r"[*?\[,]", path):
        return "lists and patterns are not followed; name the folder of the files"
    if path.startswith("~"):
        return "~ is a shell's word for a folder; write it out"
    return f"correct the path{near_path(path)}"


def left_out(path: str | os.PathLike[str]) -> list[str]:
    """Files below a log's folder that are of a kind that is read, and hidden."""
    place = Path(path)
    found = _below(place) if place.is_dir() else []
    return [p.as_posix() for p in found if p.is_file() and _is_left_out(p, place)]


def _is_left_out(path: Path, folder: Path) -> bool:
    return _ending(path) in KINDS and _is_hidden(path.relative_to(folder))


def _is_hidden(path: Path) -> bool:
    """Whether a path goes through what is no part of a log, as an editor's checkpoints."""
    return any(step.startswith((".", "_")) for step in path.parts)


def _is_empty(path: Path) -> bool:
    """Whether a file is one of nothing, as of an hour without requests."""
    size = path.stat().st_size
    if size >= NOTHING or path.suffix.lower() not in COMPRESSIONS:
        return size == 0
    try:
        with opened(path.as_posix()) as text:
            return not text.peek(1)
    except InputError:
        # told where it is read
        return False


def _below(folder: Path) -> list[Path]:
    """All that a folder holds, sorted."""
    try:
        found = list(islice(folder.rglob("*"), MOST_FILES + 1))
    except OSError as error:
        raise InputError(
            f"key log: value {folder}: changed while it was listed ({error.filename}:"
            f" {error.strerror}); allowed is a folder of logs that is at rest; name it"
        ) from None
    if len(found) > MOST_FILES:
        raise InputError(
            f"key log: value {folder}: holds more than {MOST_FILES} files; allowed is a folder of"
            " logs alone; name it, or join its files"
        )
    return sorted(found)


def _ending(path: Path) -> str:
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in COMPRESSIONS]
    return suffixes[-1] if suffixes else ""


def open_log(
    path: str | os.PathLike[str],
    formats: Mapping[str, dict[str, Any]],
    form: dict[str, Any] | None = None,
) -> Log:
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
        If no format fits, or the first file is blanks without end.
    """
    files = find_files(path)
    kind = KINDS[_ending(Path(files[0]))]
    if kind != "parquet":
        refuse_expansion(files[0], FIRST_BYTES)
    if form is None:
        known = describe(connect(), files[0], kind, FIRST_OBJECTS)
        if OF_THROUGHPUT in known.types:
            raise InputError(
                f"key log: value {path}: has the column {OF_THROUGHPUT}, and so is a throughput"
                " table; allowed is a log of requests; say benchmarks=FILE of snakemake laws"
                " instead, or name its format with --config format=NAME"
            )
        fitting = [f for f in formats.values() if matches(known, f)]
        seen = {id(f): _seen_items(files[0], f) if "unnest" in f else known for f in fitting}
        form = max(fitting, key=lambda f: (has_own(f), len(stated(seen[id(f)], f))), default=None)
        if form is None:
            raise InputError(
                f"key log: value {path}: no format of config/requests.yaml has its columns,"
                f" {', '.join(sorted(known.types)) or 'none'}; allowed are {', '.join(formats)};"
                " name one with --config format=NAME, or a file of your own in its place"
            )
    return Log(tuple(files), kind, form)


def columns_of_any(log: Log) -> set[str]:
    """Columns of a requests view that any file of a log has, a set.

    Raises
    ------
    InputError
        If a file cannot be read, or lacks input or output tokens.
    """
    connection = connect()
    found: set[str] = set()
    problems: list[str] = []
    objects = max(FIRST_OBJECTS // len(log.files), LEAST_OBJECTS)
    for file in log.files:
        try:
            known = _of_items(describe(connection, file, log.kind, objects), log.form)
            select(known, log.form, file)
            found |= stated(known, log.form)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return found


def _of_items(known: LogColumns, form: Mapping[str, Any]) -> LogColumns:
    """Columns of the requests inside a file's objects: not known before all are read."""
    return LogColumns(None, "item") if "unnest" in form else known


def _seen_items(file: str, form: Mapping[str, Any]) -> LogColumns:
    """Columns of the first requests inside the first objects of a file that hold any."""
    found = (_items(value, form["unnest"], {}) for value in _values(connect(), file))
    requests = filter(None, chain.from_iterable(islice(found, FIRST_LINES)))
    keys = {key for request in islice(requests, FIRST_LINES) for key in request}
    return LogColumns(dict.fromkeys(sorted(keys), "JSON"), "item")


def _name(file: str) -> str:
    """SQL of a file's name, in which DuckDB finds no pattern."""
    return literal(re.sub(r"[*?\[]", r"[\g<0>]", file))


def describe(
    connection: duckdb.DuckDBPyConnection, file: str, kind: str, objects: int = LEAST_OBJECTS
) -> LogColumns:
    """Columns of a file, as LogColumns; those of JSON are the keys of its first ``objects``."""
    if kind == "parquet":
        try:
            rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({_name(file)})")
            types = {name: kind for name, kind, *_ in rows.fetchall()}
            sql = f"SELECT name, num_children FROM parquet_schema({_name(file)})"
            own = _top(connection.execute(sql).fetchall())
        except duckdb.Error as error:
            raise InputError(
                f"{file}: {_first_line(error)}; give a readable Parquet file"
            ) from None
        # DuckDB would give all but the first another name
        if repeated := _repeated(own):
            raise InputError(f"{file}: column {repeated}: appears more than once; rename")
        for name in types:
            if name.casefold() == ROW_NUMBER:
                raise InputError(f"{file}: column {name}: is the reader's own name; rename it")
        return LogColumns(types)
    if kind == "csv":
        columns = [*_header(file)[0], *folder_columns(file)]
        return LogColumns(dict.fromkeys(columns, "VARCHAR"))
    keys = [*_keys(connection, file, objects), *folder_columns(file)]
    return LogColumns(dict.fromkeys(keys, "JSON"), "json")


def _top(schema: Sequence[tuple[str, int | None]]) -> list[str]:
    """Names of a table's columns, without what is inside of them, of the elements of its schema:
    each with the number of those inside of it, which come next.
    """
    found, left = [], [0]
    for name, inside in schema:
        if len(left) == 2:
            found.append(name)
        left[-1] -= 1
        left.append(inside or 0)
        while len(left) > 1 and not left[-1]:
            left.pop()
    return found


def _repeated(names: Collection[str]) -> str:
    """Names that are there more than once, whatever the case of their letters; "" for none."""
    counts = Counter(map(str.casefold, names))
    return ", ".join(sorted({name for name in names if counts[name.casefold()] > 1}))


def folder_columns(file: str) -> dict[str, str | None]:
    """Columns that the names of a file's folders say, as Hive writes them and Parquet is read."""
    steps = [step.split("=", 1) for step in Path(file).parts[:-1] if "=" in step]
    return {unquote(name): None if v == NO_PARTITION else unquote(v) for name, v in steps}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


@contextmanager
def values_of(file: str) -> Iterator[None]:
    """Tell a value that does not fit its type, or damage, as DuckDB meets it, by its file."""
    try:
        yield
    except duckdb.ConversionException as error:
        raise InputError(
            f"{file}: {_first_line(error)}; correct the value or leave its row out"
        ) from None
    except duckdb.Error as error:
        # damage has no class of its own, and often none at all
        if type(error) not in (duckdb.Error, duckdb.InvalidInputException):
            raise
        raise InputError(
            f"{file}: {_first_line(error)}; write the file anew or leave it out"
        ) from None


def _first_line_of(file: str) -> str:
    """First line of a text file, however it is compressed and whichever ends its lines have.

    Raises
    ------
    InputError
        If the file cannot be read, or the line is no text in UTF-8.
    """
    with opened(file) as text:
        line = re.split(rb"[\r\n]", next(_text_lines(text), b""), maxsplit=1)[0]
    if b"\0" not in line:
        try:
            return line.decode()
        except UnicodeDecodeError:
            pass
    raise InputError(
        f"{file}, row 1: is no text in UTF-8; write the file anew, or end its name in"
        f" {' or '.join(COMPRESSIONS)} if it is compressed"
    )


def _header(file: str) -> tuple[list[str], str]:
    """Names of a table's columns, and what is between them.

    Raises
    ------
    InputError
        If the file has no header, is no text in UTF-8, or a name appears more than once, whatever
        the case of its letters.
    """
    line = _first_line_of(file)
    between = ["\t"] if _ending(Path(file)) == ".tsv" else DELIMITERS
    rows = [_split(line.lstrip("\ufeff"), one) for one in between]
    header = max(rows, key=len)
    if not header:
        if line.strip():
            raise InputError(f"{file}, row 1: is no header; name the columns there")
        raise InputError(f"{file}, row 1: is empty; name the columns there")
    # pandas writes its index under no name
    names = [name.strip() or f"column {number}" for number, name in enumerate(header, 1)]
    if repeated := _repeated(names):
        raise InputError(f"{file}, row 1: column {repeated}: appears more than once; rename")
    return names, between[rows.index(header)]


def _split(line: str, delimiter: str) -> list[str]:
    """Cells of a line; none where one is longer than a table's ever is."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _objects(file: str, lines: bool) -> str:
    """SQL of the JSON objects of a file: one per line, or as they come."""
    options = f"maximum_object_size={LONGEST_LINE}"
    if lines:
        return f"read_ndjson_objects({_name(file)}, ignore_errors=true, {options})"
    return f"read_json_objects({_name(file)}, {options})"


def _by_line(file: str) -> bool:
    """Whether every line of a JSON file is an object of its own; some may be broken."""
    with opened(file) as text:
        lines = _text_lines(text)
        first = next(lines, b"")
        if not first.lstrip().startswith((b"{", b"[")) or _is_object(first):
            return True
        firsts = [first, *islice(lines, FIRST_LINES - 1)]
        return 2 * sum(map(_is_object, firsts)) >= len(firsts)


@contextmanager
def opened(file: str) -> Iterator[io.BufferedReader]:
    """Bytes of a text file, however it is compressed."""
    try:
        with pa.input_stream(file, COMPRESSIONS.get(Path(file).suffix.lower())) as stream:
            yield io.BufferedReader(stream)
    except OSError as error:
        raise InputError(f"{file}: {_first_line(error)}; give a readable text file") from None


def _text_lines(text: io.BufferedReader) -> Iterator[bytes]:
    """Lines of a text as they come, of one that is too long its beginning."""
    while line := text.readline(LONGEST_LINE):
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
            rest = text.readline(LONGEST_LINE)
        yield line


def _is_object(line: bytes) -> bool:
    return isinstance(_parsed(line), dict)


def _parsed(text: str | bytes) -> object:
    """Value of a JSON text; None for what is no JSON."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_float)
    except (TypeError, ValueError, RecursionError):
        return None


def _float(text: str) -> float | str:
    """Number of a JSON text that is not whole; its text where it would be read as zero and is none,
    so that it is no number later.
    """
    value = float(text)
    return text if underflows(text, value) else value


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Object of a JSON text, marked if it has a key twice."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else found | {TWICE: True}


def _keys(connection: duckdb.DuckDBPyConnection, file: str, objects: int) -> list[str]:
    if _by_line(file):
        keys = _keys_of_lines(file, objects)
    else:
        first = f"SELECT json FROM {_objects(file, False)} LIMIT {objects}"
        sql = f"SELECT DISTINCT unnest(json_keys(json)) FROM ({first})"
        kinds = f"SELECT DISTINCT json_type(json) FROM ({first})"
        try:
            keys = {key for (key,) in connection.execute(sql).fetchall()}
            if not keys and connection.execute(kinds).fetchall() == [("ARRAY",)]:
                raise InputError(
                    f"{file}: holds several lists, one after the other or inside of one another;"
                    " allowed is one list of JSON objects, or an object per line; join the lists,"
                    " as jq -c '.[]' does"
                )
        except duckdb.Error as error:
            raise InputError(
                f"{file}: {_first_line(error)}; give JSON objects, one per line"
            ) from None
    if not keys:
        raise InputError(f"{file}: holds no JSON objects; give one object per line")
    return sorted(keys)


def _keys_of_lines(file: str, objects: int) -> set[str]:
    """Keys of the first lines of a file, whose lines can be megabytes."""
    keys: set[str] = set()
    seen = 0
    with opened(file) as text:
        for line in islice(_text_lines(text), objects):
            value, seen = _parsed(line), seen + len(line)
            keys |= value.keys() if isinstance(value, dict) else set()
            if seen > FIRST_BYTES:
                break
    # an escape can be of half a character, which nothing can be told by
    return {key.encode(errors="replace").decode() for key in keys - {TWICE}}


def units(log: Log, connection: duckdb.DuckDBPyConnection) -> list[Unit]:
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


def share(items: Sequence[Item], part: int, parts: int) -> Sequence[Item]:
    """Items of the ``part``-th of ``parts`` shares, counted from 1."""
    return items[len(items) * (part - 1) // parts : len(items) * part // parts]


def requests_view(
    log: Log, unit: Unit, connection: duckdb.DuckDBPyConnection, folder: str | os.PathLike[str]
) -> tuple[set[str], int, list[int]]:
    """Make the view ``requests`` of a unit, with the number of each row in its file from 0.

    Text is read once, into a Parquet file in ``folder``. The view ``nearby`` has the rows of the
    unit too, and those of its whole file where a Parquet file states the extremes of its tokens.

    Returns
    -------
    stated, unreadable, first : set of str, int, list of int
        Columns that the log has, lines that are not rows, and the first of these, the line below a
        header being 0.
    """
    known = describe(connection, unit.file, log.kind)
    if log.kind == "parquet":
        within = f"WHERE file_row_number BETWEEN {unit.first} AND {unit.last}"
        columns = f"{select(known, log.form, unit.file)}, file_row_number AS row"
        rows = known.opened(f"read_parquet({_name(unit.file)}, file_row_number=true)")
        own = requests_rows(columns, f"{rows} {within}")
        connection.execute(f"CREATE OR REPLACE TEMP VIEW requests AS {own}")
        whole = f"AS SELECT {columns} FROM {rows}"
        nearby = whole if are_whole(known, log.form) else "AS FROM requests"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW nearby {nearby}")
        return stated(known, log.form), 0, []
    if log.kind == "csv":
        columns = select(known, log.form, unit.file)
        rows = known.opened(_csv_rows(unit.file))
    else:
        # a key that the first objects lack can still come
        items = LogColumns(None, "item")
        columns = f"{select(items, log.form, unit.file)}, found IS NOT NULL AS readable"
        objects = _json_rows(connection, unit.file, log.form, folder)
        rows = items.taken(objects)
    path, source = literal(Path(folder) / "requests.parquet"), Path(unit.file)
    try:
        try:
            if log.kind == "json":
                connection.execute(items.usual_keys(objects))
            connection.execute(f"COPY ({requests_rows(columns, rows)}) TO {path} (FORMAT parquet)")
        except duckdb.InvalidInputException:
            if log.kind != "csv":
                raise
            # lines end in two ways, as of who joins files, and DuckDB reads one of them
            source = Path(folder) / "alike.csv"
            _end_lines_alike(unit.file, source)
            rows = known.opened(_csv_rows(unit.file, source.as_posix()))
            connection.execute(f"COPY ({requests_rows(columns, rows)}) TO {path} (FORMAT parquet)")
        except duckdb.OutOfMemoryException:
            if log.kind == "csv" or "unnest" in log.form:
                raise
            # lines are long, as of who logs prompts, and DuckDB takes two thousand at once
            rows = items.taken(_flat_rows(connection, unit.file, log.form, folder))
            connection.execute(f"COPY ({requests_rows(columns, rows)}) TO {path} (FORMAT parquet)")
    except duckdb.Error as error:
        raise InputError(
            f"{unit.file}: {_first_line(error)}; mend the file or leave it out"
        ) from None
    rows = f"FROM read_parquet({path}, file_row_number=true)"
    readable = "" if log.kind == "csv" else "WHERE readable"
    columns = ", ".join([*COLUMNS, *UNREAD.values()])
    sql = f"SELECT {columns}, file_row_number AS row {rows} {readable}"
    for view in ("requests", "nearby"):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {sql}")
    if log.kind == "csv":
        rejected = _rejected(connection, unit.file, source.as_posix())
        if source != Path(unit.file):
            source.unlink()
        return stated(known, log.form), *rejected
    sql = f"SELECT file_row_number {rows} WHERE NOT readable ORDER BY ALL"
    unreadable = [row for (row,) in connection.execute(sql).fetchall()]
    found = stated(_of_items(known, log.form), log.form) | _columns_with_values(connection)
    return found, len(unreadable), unreadable


def _columns_with_values(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Columns of the view ``requests`` of which any row has a value."""
    counts = ", ".join(f"count({name})" for name in COLUMNS if name != "elsewhere")
    found = connection.execute(f"SELECT {counts}, bool_or(elsewhere) FROM requests").fetchall()[0]
    return {name for name, some in zip(COLUMNS, found, strict=True) if some}


def _csv_rows(file: str, source: str | None = None) -> str:
    """SQL of a table's rows; ``source`` is the file that they are read from, if another."""
    header, delimiter = _header(file)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    beside = "".join(
        f", {'NULL' if value is None else literal(value)} AS {quoted(name)}"
        for name, value in folder_columns(file).items()
        if name not in header
    )
    return (
        f"(SELECT *{beside} FROM"
        f" read_csv({_name(source or file)}, auto_detect=false, header=true, columns={{{columns}}},"
        f" delim={literal(delimiter)}, quote='\"', escape='\"', store_rejects=true,"
        f" rejects_limit=0, max_line_size={LONGEST_LINE}, buffer_size={2 * LONGEST_LINE}))"
    )


def _end_lines_alike(file: str, target: Path) -> None:
    """Write a text file anew, plain and with lines that all end in a line feed."""
    with opened(file) as text, open(target, "wb") as alike:
        while some := text.read(CHUNK):
            # of two characters that end a line a chunk can have the first
            while some.endswith(b"\r") and (more := text.read(1)):
                some += more
            alike.write(some.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


def _json_rows(
    connection: duckdb.DuckDBPyConnection,
    file: str,
    form: Mapping[str, Any],
    folder: str | os.PathLike[str],
) -> str:
    """SQL of a file's objects, or what their lists hold; null for a line without them."""
    if "unnest" in form:
        return _flat_rows(connection, file, form, folder)
    item, columns = "json", folder_columns(file)
    if columns:
        patched = f"json_merge_patch({literal(json.dumps(columns))}, json)"
        item = f"CASE WHEN json IS NOT NULL THEN {patched} END"
    return f"(SELECT {item} AS item, json AS said FROM {_objects(file, _by_line(file))})"


def _flat_rows(
    connection: duckdb.DuckDBPyConnection,
    file: str,
    form: Mapping[str, Any],
    folder: str | os.PathLike[str],
) -> str:
    """As ``_json_rows``, of objects parsed one by one: their lines can be megabytes."""
    items = Path(folder) / "items.jsonl"
    _write_items(connection, file, form, items)
    return f"(SELECT json AS item, json AS said FROM {_objects(items.as_posix(), True)})"


def _write_items(
    connection: duckdb.DuckDBPyConnection, file: str, form: Mapping[str, Any], target: Path
) -> None:
    """Write a file's objects, or what their lists hold, one per line: what the format asks for."""
    keys, attributes = wanted(form)
    names, columns = form.get("unnest", ()), folder_columns(file)
    pages = [0, 0]
    with open(target, "w", encoding="utf-8") as lines:
        for value in _values(connection, file):
            more = _is_followed(value, form.get("more"))
            if more is not None:
                pages[not more] += 1
            for item in _items(value, names, columns):
                lines.write(_line(item, keys, attributes) + "\n")
    connection.execute(f"SET VARIABLE {PAGES} = {pages}")


def _is_followed(value: object, more: str | Mapping[str, str] | None) -> bool | None:
    """Whether a page says that another follows, by a format's ``more``; None if it does not say."""
    if more is None or not isinstance(value, dict):
        return None
    if isinstance(more, str):
        said = value.get(more)
        return said if isinstance(said, bool) else None
    page, last = value.get(more["page"]), value.get(more["pages"])
    return page < last if isinstance(page, int) and isinstance(last, int) else None


def _values(connection: duckdb.DuckDBPyConnection, file: str) -> Iterator[object]:
    """Values of a JSON file, one by one; None for a line that is no JSON."""
    if _by_line(file):
        with opened(file) as text:
            yield from (_parsed(line) for line in _text_lines(text) if line.strip())
        return
    try:
        rows = connection.execute(f"SELECT json FROM {_objects(file, False)}")
        while row := rows.fetchone():
            yield _parsed(row[0])
    except duckdb.Error as error:
        raise InputError(f"{file}: {_first_line(error)}; mend the file or leave it out") from None


def _items(
    value: object, names: Sequence[str], beside: dict[str, Any], depth: int = 0
) -> Iterator[dict[str, object] | None]:
    """What the lists below a value hold, each with what stands beside its list, as a bucket's time.

    None is for what is no object, or lacks its list and has something else; lists of lists may lack
    some that are empty or null.
    """
    if not isinstance(value, dict) or TWICE in value:
        yield None
        return
    joined = beside | value
    if depth == len(names):
        yield joined
        return
    listed = joined.pop(names[depth], None)
    if listed is None and depth and (not value or names[depth] in value):
        return
    if not isinstance(listed, list):
        yield None
        return
    for one in listed:
        yield from _items(one, names, joined, depth + 1)


def _line(
    item: Mapping[str, object] | None, keys: Collection[str], attributes: Collection[str]
) -> str:
    """JSON of an item's ``keys``, and of its list of attributes those named; none for no item."""
    if item is None:
        return NO_OBJECT
    found = {key: item[key] for key in keys if key in item}
    if attributes and isinstance(listed := found.get("attributes"), list):
        named = [one for one in listed if isinstance(one, dict) and one.get("key") in attributes]
        found["attributes"] = named
    return json.dumps(found)


def _rejected(
    connection: duckdb.DuckDBPyConnection, file: str, source: str
) -> tuple[int, list[int]]:
    """Number of lines that the last CSV file lost, all that an open quote runs over; the first.

    ``source`` is what was read of ``file``.
    """
    tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    if "reject_errors" not in tables:
        return 0, []
    # of a line that ends in two characters the second one stands before the next line
    text = "trim(csv_line, chr(10) || chr(13))"
    several = (
        f"bool_or(error_type = 'UNQUOTED VALUE' OR contains({text}, chr(10))"
        f" OR strlen(csv_line) >= {LONGEST_TOLD})"
    )
    sql = f"SELECT line_byte_position, {several} FROM reject_errors GROUP BY ALL ORDER BY ALL"
    found = connection.execute(sql).fetchall()
    count, first = len(found), _lines_at(source, [position for position, _ in found[:FIRST_LINES]])
    if any(is_several for _, is_several in found):
        count = _lines(source) - 1 - _lines_read(connection, file, source)
    connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return count, first


def _lines_at(file: str, positions: Collection[int]) -> list[int]:
    """Numbers of the lines of a text file, that below the first being 0, which have some bytes."""
    found, end, number = [], 0, -1
    with opened(file) as text:
        # every byte is a character, and ends of lines are left as they are
        lines = io.TextIOWrapper(text, "latin-1", newline="")
        for position in positions:
            while end <= position and (line := next(lines, "")):
                end, number = end + len(line), number + 1
            found.append(number - 1)
    return found


def _lines(file: str) -> int:
    """Number of lines of a text file that are not empty, whichever ends they have."""
    with opened(file) as text:
        return sum(line != "\n" for line in io.TextIOWrapper(text, "latin-1"))


def _lines_read(connection: duckdb.DuckDBPyConnection, file: str, source: str) -> int:
    """Number of lines, not empty, of the rows that are read of a table."""
    cells = "regexp_replace(concat_ws(',', *COLUMNS(*)), '\\r\\n?', chr(10), 'g')"
    # the first and the last line of a row have at least a quote
    within = "len(list_filter(lines[2:-2], lambda line: line = ''))"
    sql = f"SELECT string_split({cells}, chr(10)) AS lines FROM {_csv_rows(file, source)}"
    found = connection.execute(f"SELECT coalesce(sum(len(lines) - {within}), 0) FROM ({sql})")
    return int(found.fetchall()[0][0])

"""Names in config/ that a table of data/ or a folder of config/ defines, held against it.

A schema says so with ``x-names``, or ``x-patterns`` where a name may stand for several: a table and
its column (``data/gpus.csv#gpu``), the folder of files that are named (``config/methods``), a
column of the throughput tables that the document itself names (``#gpu``), or several of these.
``;`` parts several names in a cell. What ``x-besides`` matches is no part of a name.
"""

import csv
import io
import os
import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache

from inference_energy.documents import Schema, near, resolved
from inference_energy.errors import InputError
from inference_energy.project import listed, provided
from inference_energy.tables import decode, read_bytes


def name_problems(
    content: object,
    schema: Schema,
    where: str,
    tables: Sequence[str] = (),
    others: Collection[str] = (),
) -> list[str]:
    """Problems of names that nothing has, one sentence each.

    Parameters
    ----------
    content : object
        Document, right by its schema.
    schema : dict
        Its JSON Schema.
    where : str
        File, for the messages.
    tables : tuple of str
        Paths of the throughput tables that the document names.
    others : collection of str
        Names that are defined elsewhere, as a deployment's model by its benchmark files.
    """
    problems = []
    for path, stated, node in _named(content, schema, schema, ""):
        alike = "x-patterns" in node
        homes = node["x-patterns" if alike else "x-names"]
        homes = [homes] if isinstance(homes, str) else homes
        known = [names_of(home, tables) for home in homes]
        names = list(dict.fromkeys(name for of in known if of for name in of))
        name = re.sub(node.get("x-besides", r"(?!)"), "", stated)
        has = any(fnmatchcase(each, name) for each in names) if alike else name in names
        if None not in known and not has and name not in others:
            allowed = " and ".join(_words(home) for home in homes)
            problems.append(
                f"{where}: key {path}: value {stated}: no such name; allowed are {allowed}; correct"
                f" it{near(name, names)}"
            )
    return problems


def _words(home: str) -> str:
    """What a home has, in words."""
    place, _, column = home.partition("#")
    if not column:
        return f"the files of {place}"
    several = column if column.endswith("s") else f"{column}s"
    return f"the {several} of {place or 'its throughput tables'}"


def _named(
    value: object, node: Schema, schema: Schema, path: str
) -> Iterator[tuple[str, str, Schema]]:
    """Path, name and part of the schema of every name that is stated."""
    node = resolved(node, schema)
    if {"x-names", "x-patterns"} & set(node) and isinstance(value, str):
        yield path, value, node
    parts, known = [], node.get("properties", {})
    if isinstance(value, dict):
        others = node.get("additionalProperties")
        parts = [(key, part, known.get(key, others)) for key, part in value.items()]
        parts += [(key, key, node.get("propertyNames")) for key in value]
    elif isinstance(value, list):
        parts = [(place, part, node.get("items")) for place, part in enumerate(value)]
    for key, part, of in parts:
        if isinstance(of, dict):
            yield from _named(part, of, schema, f"{path}.{key}" if path else str(key))


def names_of(home: str, tables: Sequence[str] = ()) -> list[str] | None:
    """Names that a home has; none if it cannot be read, which is told where it is checked.

    Parameters
    ----------
    home : str
        As a schema's ``x-names`` has it.
    tables : sequence of str
        Throughput tables of which a column is meant where ``home`` names no table.
    """
    place, _, column = home.partition("#")
    if not column:
        return list(listed(place))
    names: list[str] = []
    for path in [provided(place)] if place else tables:
        cells = column_of(path, column)
        if cells is None:
            return None
        names += [name.strip() for cell in cells for name in cell.split(";")]
    return names


def column_of(path: str, column: str) -> list[str] | None:
    """Values of a column of a table; none if it cannot be read."""
    try:
        stat = os.stat(path)
        return _read(path, column, stat.st_mtime_ns, stat.st_size)
    except (OSError, ValueError, csv.Error, InputError):
        return None


@cache
def _read(path: str, column: str, modified: int, size: int) -> list[str]:
    """Values of a column of a table, read once while the file is as it was."""
    text = decode(path, read_bytes(path))
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    place = header.index(column)
    if any(len(row) not in (0, len(header)) for row in rows):
        raise ValueError("rows of several lengths")
    return list(dict.fromkeys(row[place] for row in rows if row))

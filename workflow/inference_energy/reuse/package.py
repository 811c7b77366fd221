"""The tables of data/ and results/ as a Frictionless data package, from their schemas."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from inference_energy.documents import Schema
from inference_energy.tables import load_schema

PROFILES = "https://datapackage.org/profiles/2.0"
PLACEHOLDER = re.compile("<([^>]+)>")
CONSTRAINTS = ("minimum", "exclusiveMinimum", "maximum", "pattern")


def pattern_of(name: str, methods: Iterable[str]) -> re.Pattern[str]:
    """Regular expression of a file's name in a title, such as ``<method>/claims.csv``."""
    parts = PLACEHOLDER.split(name)
    wanted = {"method": "|".join(map(re.escape, methods))}
    # the names of placeholders are at the odd places
    for place in range(1, len(parts), 2):
        parts[place] = f"(?:{wanted.get(parts[place], '[^/]+?')})"
    parts[::2] = map(re.escape, parts[::2])
    return re.compile("".join(parts))


def schema_of(path: str, titles: Mapping[str, str], methods: Collection[str]) -> str:
    """Schema of a result table.

    Parameters
    ----------
    path : str
        Table, below the folder of results.
    titles : dict of str to str
        Title of every schema of results, by its name: files below that folder.
    methods : sequence of str
        Names of methods.

    Raises
    ------
    KeyError
        If no title, or more than one, names the table.
    """
    found = [
        schema
        for schema, title in titles.items()
        if any(pattern_of(name, methods).fullmatch(path) for name in title.split(", "))
    ]
    if len(found) != 1:
        raise KeyError(f"{path}: {len(found)} schemas name it")
    return found[0]


def field(name: str, column: Schema) -> dict[str, Any]:
    """Table Schema of one column, from its JSON Schema."""
    types = column.get("type", "string")
    types = [types] if isinstance(types, str) else types
    kind = next(each for each in types if each != "null")
    values = [value for value in column.get("enum", []) if value is not None]
    constraints = {key: column[key] for key in CONSTRAINTS if key in column}
    if values:
        constraints["enum"] = values
    if "pattern" in constraints:
        constraints["pattern"] = _whole(constraints["pattern"])
    if "null" not in types and None not in column.get("enum", []):
        constraints["required"] = True
    described = {"name": name, "type": kind, "description": " ".join(column["description"].split())}
    unit = {"unit": column["unit"]} if "unit" in column else {}
    return described | unit | ({"constraints": constraints} if constraints else {})


def _whole(pattern: str) -> str:
    """Pattern that a whole cell has, as packages want it; one of JSON Schema is searched for."""
    start = "" if pattern.startswith("^") else ".*"
    return start + pattern + ("" if pattern.endswith("$") else ".*")


def columns_to_be(schema: str) -> list[str]:
    """Columns of a table of results that is not there: all but those of users' tables alone."""
    columns = load_schema(schema)["properties"]
    return [name for name, column in columns.items() if not column.get("x-user")]


def resource(
    path: str, schema: str, columns: Iterable[str], stored: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One table of the package.

    Parameters
    ----------
    path : str
        Table, below the package.
    schema : str
        Name of its schema.
    columns : list of str
        Columns that the file has: optional ones may be absent.
    stored : dict, optional
        ``bytes`` and ``hash`` of the file.
    """
    spec = load_schema(schema)
    name = re.sub(r"[^a-z0-9._-]+", "-", path.removesuffix(".csv").lower())
    return {
        "name": name,
        "path": path,
        "$schema": f"{PROFILES}/dataresource.json",
        "type": "table",
        "title": spec["title"],
        "description": " ".join(spec["description"].split()),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        **(stored or {}),
        "schema": {
            "fields": [field(column, spec["properties"][column]) for column in columns],
            "missingValues": [""],
        },
    }


def package(resources: list[dict[str, Any]], sources: pd.DataFrame, version: str) -> dict[str, Any]:
    """Describe the package.

    Parameters
    ----------
    resources : list of dict
        As from :func:`resource`.
    sources : DataFrame
        Table of schema ``sources``.
    version : str
        Version of the project.
    """
    rows: Iterator[Any] = sources.astype(object).where(sources.notna(), None).itertuples()
    return {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": "inference-energy",
        "title": "Energy of AI inference: benchmarks, published figures and recomputed results",
        "description": (
            "Inputs and results of a reproducible replication of arXiv:2509.20241. data/ keeps the"
            " licences of its sources (data/sources.csv); results/ is written by the workflow."
        ),
        "version": version,
        "licenses": [
            {
                "name": "MIT",
                "title": "MIT License; the data keep the licences of their sources",
                "path": "https://opensource.org/license/mit",
            }
        ],
        "sources": [
            {"title": f"{row.producer or 'unknown'}: {row.title}"}
            | ({"path": row.url} if row.url and row.url.startswith("http") else {})
            for row in rows
        ],
        "resources": resources,
    }

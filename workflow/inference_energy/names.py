"""Names in config/ that a table of data/ or a folder of config/ defines, held against it.

A schema says so with ``x-names``: a table and its column (``data/gpus.csv#gpu``), or the folder of
files that are named (``config/methods``).
"""

import csv
from fnmatch import fnmatchcase

from inference_energy.documents import near, resolved
from inference_energy.project import listed, provided


def name_problems(content, schema, where):
    """Problems of names that nothing has, one sentence each.

    Parameters
    ----------
    content : object
        Document, right by its schema.
    schema : dict
        Its JSON Schema.
    where : str
        File, for the messages.
    """
    problems = []
    for path, name, home in _named(content, schema, schema, ""):
        known = _known(home)
        if known is not None and not any(fnmatchcase(each, name) for each in known):
            place, _, column = home.partition("#")
            allowed = f"the {column}s of {place}" if column else f"the files of {place}"
            problems.append(
                f"{where}: key {path}: value {name}: no such name; allowed are {allowed}; correct"
                f" it{near(name, known)}"
            )
    return problems


def _named(value, node, schema, path):
    """Path, name and home of every name that is stated."""
    node = resolved(node, schema)
    if "x-names" in node and isinstance(value, str):
        yield path, value, node["x-names"]
    parts, known = [], node.get("properties", {})
    if isinstance(value, dict):
        others = node.get("additionalProperties")
        parts = [(key, part, known.get(key, others)) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(place, part, node.get("items")) for place, part in enumerate(value)]
    for key, part, of in parts:
        if isinstance(of, dict):
            yield from _named(part, of, schema, f"{path}.{key}" if path else str(key))


def _known(home):
    """Names that a home has; none if it cannot be read, which is told where it is checked."""
    place, _, column = home.partition("#")
    if not column:
        return list(listed(place))
    try:
        with open(provided(place), encoding="utf-8-sig", newline="") as file:
            return list(dict.fromkeys(row[column] for row in csv.DictReader(file)))
    except (OSError, ValueError, KeyError, csv.Error):
        return None

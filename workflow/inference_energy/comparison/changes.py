"""What moved in results, figures and data against a git revision.

Numbers are compared as numbers, rows by the key columns of their schema, SVG figures as drawings,
so that a reordered row, a rewritten number or a rewritten drawing counts as unchanged.
"""

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import copysign, inf, isnan
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imread

from inference_energy.comparison.snapshots import TYPES
from inference_energy.documents import Schema, parse
from inference_energy.method.differences import differences, plain_differences
from inference_energy.rounding import cut, relative
from inference_energy.tables import NUMBER, load_schema, schema_names

SVG_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


SVG_REFERENCE = re.compile(r"#([\w.:-]+)")


Row = dict[str, str]
"""Cells of a row by column, as they are written."""


@dataclass(frozen=True)
class Moved:
    """One value that differs: row by its keys, column, texts before and after."""

    keys: Row
    column: str
    before: str
    after: str

    @property
    def relative(self) -> float | None:
        """Relative change; infinite from zero, None between texts and empty cells."""
        if not (_is_number(self.before) and _is_number(self.after)):
            return None
        before, after = float(self.before), float(self.after)
        change = relative(after, before)
        return inf if isnan(change) else copysign(1, before) * change


@dataclass
class TableChange:
    """Rows of one table: added and removed (dicts), altered values, number of equal rows."""

    path: str
    added: list[Row] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    unchanged: int = 0

    @property
    def rows(self) -> int:
        """Number of rows, old and new."""
        return len(self.added) + len(self.removed) + self.altered + self.unchanged

    @property
    def altered(self) -> int:
        """Number of rows with a value that differs."""
        return len({tuple(moved.keys.items()) for moved in self.moved})

    @property
    def whole(self) -> str | None:
        """What the whole table is: new, gone, or None."""
        if self.added and len(self.added) == self.rows:
            return "new"
        return "gone" if self.removed and len(self.removed) == self.rows else None

    @property
    def any(self) -> bool:
        """Whether a row differs."""
        return bool(self.added or self.removed or self.moved)


Figure = tuple[str, bytes | None, bytes | None]
"""Path of a figure, and what it was and is; none: there is no such file."""


@dataclass
class Changes:
    """Everything that differs between two snapshots of the repository."""

    tables: list[TableChange]
    figures: list[Figure]
    settings: dict[str, list[dict[Hashable, Any]]]
    texts: list[str]
    unchanged_files: int

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(any(t.any for t in self.tables) or self.figures or self.settings or self.texts)


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None


def _same(before: str, after: str) -> bool:
    if _is_number(before) and _is_number(after):
        return bool(cut(float(before)) == cut(float(after)))
    return before == after


def _rows(content: bytes) -> list[Row]:
    text = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    return [row for row in csv.DictReader(io.StringIO(text)) if any(row.values())]


def _canonical(text: str) -> str:
    return repr(float(text)) if _is_number(text) else text


@cache
def _schemas() -> list[Schema]:
    return [load_schema(name) for name in schema_names()]


def key_columns(header: Iterable[str]) -> list[str]:
    """Key columns of a table, by the schema that its header fits; none fits: all columns."""
    columns = set(header)
    fitting = [
        [column for column in schema["x-key"] if column in columns]
        for schema in _schemas()
        if set(schema["required"]) <= columns <= set(schema["properties"])
    ]
    return min(fitting, key=len) if fitting else sorted(columns)


def compare_tables(path: str, before: bytes | None, after: bytes | None) -> TableChange:
    """Compare a CSV table row by row.

    Parameters
    ----------
    path : str
        Where the table is.
    before, after : bytes or None
        Its contents; None: there is no such file.

    Returns
    -------
    TableChange
    """
    olds, news = (_rows(content) if content else [] for content in (before, after))
    header = [set(rows[0]) for rows in (olds, news) if rows]
    shared = set.intersection(*header) if header else set()
    keys = [column for column in key_columns(header[-1]) if column in shared] if header else []

    def by_key(
        rows: Iterable[Row], columns: Collection[str]
    ) -> tuple[dict[tuple[Any, ...], Row], bool]:
        found: dict[tuple[Any, ...], Row] = {}
        seen: Counter[tuple[str, ...]] = Counter()
        for row in rows:
            key = tuple(_canonical(row[column]) for column in columns)
            found[(*key, seen[key])] = row
            seen[key] += 1
        return found, not seen or max(seen.values()) == 1

    (old, unique_old), (new, unique_new) = by_key(olds, keys), by_key(news, keys)
    if not (unique_old and unique_new):
        keys = sorted(shared)
        old, new = by_key(olds, keys)[0], by_key(news, keys)[0]
    change = TableChange(path)
    change.removed = [row for key, row in old.items() if key not in new]
    change.added = [row for key, row in new.items() if key not in old]
    for key, row in new.items():
        if key not in old:
            continue
        columns = [c for c in dict.fromkeys([*old[key], *row]) if c not in keys]
        differing = [
            Moved({k: row[k] for k in keys}, c, old[key].get(c) or "", row.get(c) or "")
            for c in columns
            if not _same(old[key].get(c) or "", row.get(c) or "")
        ]
        change.moved += differing
        change.unchanged += not differing
    return change


def canonical_svg(content: bytes) -> str:
    """Write an SVG drawing so that equal drawings are equal text.

    Comments, metadata, blanks, names of elements and the spelling of numbers do not show.

    Raises
    ------
    ET.ParseError
        If the content is not XML.
    """
    root = ET.fromstring(content)
    names: dict[str, str] = {}
    for element in root.iter():
        for child in list(element):
            if child.tag.endswith("}metadata") or child.tag.endswith("}title"):
                element.remove(child)
    for element in root.iter():
        if "id" in element.attrib:
            names[element.attrib["id"]] = f"i{len(names)}"
    used = {
        reference
        for element in root.iter()
        for value in element.attrib.values()
        for reference in SVG_REFERENCE.findall(value)
    }
    for element in root.iter():
        identity = element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            value = SVG_REFERENCE.sub(lambda m: "#" + names.get(m[1], m[1]), value)
            if "#" not in value:
                value = SVG_NUMBER.sub(lambda m: f"{float(m[0]):g}", value)
            element.attrib[key] = " ".join(value.split())
        if identity is not None and identity in used:
            element.attrib["id"] = names[identity]
        element.text = " ".join((element.text or "").split())
        element.tail = None
    return ET.canonicalize(ET.tostring(root))


def same_figure(suffix: str, before: bytes, after: bytes) -> bool:
    """Whether two files of a figure show the same drawing."""
    if before == after:
        return True
    if suffix == ".svg":
        try:
            return canonical_svg(before) == canonical_svg(after)
        except ET.ParseError:
            return False
    old, new = (imread(io.BytesIO(content)) for content in (before, after))
    return old.shape == new.shape and bool(np.array_equal(old, new))


def compare_snapshots(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Changes:
    """Compare two snapshots.

    Parameters
    ----------
    before, after : dict of str to bytes
        Content by path.

    Returns
    -------
    Changes
        Of figures that exist as SVG and PNG only the SVG counts.
    """
    changes = Changes([], [], {}, [], 0)
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        suffix = Path(path).suffix
        if suffix == ".csv":
            changes.tables.append(compare_tables(path, old, new))
        elif suffix in TYPES:
            twin = str(Path(path).with_suffix(".svg"))
            if suffix == ".png" and (twin in before or twin in after):
                continue
            if old is None or new is None or not same_figure(suffix, old, new):
                changes.figures.append((path, old, new))
            else:
                changes.unchanged_files += 1
        elif path.endswith("/stated.yaml"):
            # what method.yaml beside it has too
            continue
        elif path.endswith("/method.yaml"):
            was, now = (parse(content.decode(), path) if content else {} for content in (old, new))
            changed = _plain(was, now) if old and new else []
            changed += differences(was, now).to_dict("records")
            if changed:
                changes.settings[path] = changed
            else:
                changes.unchanged_files += 1
        elif _text_lines(old) != _text_lines(new):
            changes.texts.append(path)
        else:
            changes.unchanged_files += 1
    return changes


def _plain(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict]:
    """Keys that are no quantity, and differ, as lines of :func:`.differences`."""
    return [
        {"setting": key, "path": key, "base": old, "head": new, "unit": None}
        | {"base_source": None, "head_source": None}
        for key, (old, new) in plain_differences(was, now).items()
    ]


def _text_lines(content: bytes | None) -> list[str] | None:
    if content is None:
        return None
    lines = content.decode(errors="replace").splitlines()
    return [" ".join(line.split()) for line in lines if line.strip()]

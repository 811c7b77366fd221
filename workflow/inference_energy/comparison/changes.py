"""What moved in results, figures and data against a git revision.

Numbers are compared as numbers, rows by the key columns of their schema, SVG figures as drawings,
so that a reordered row, a rewritten number or a rewritten drawing counts as unchanged.
"""

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from math import copysign, inf, isnan
from pathlib import Path

import numpy as np
from matplotlib.image import imread

from inference_energy.comparison.page import TYPES
from inference_energy.documents import parse
from inference_energy.method.differences import differences
from inference_energy.rounding import cut, relative
from inference_energy.tables import NUMBER, load_schema, schema_names

SVG_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


SVG_REFERENCE = re.compile(r"#([\w.:-]+)")


@dataclass(frozen=True)
class Moved:
    """One value that differs: row by its keys, column, texts before and after."""

    keys: dict
    column: str
    before: str
    after: str

    @property
    def relative(self):
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
    added: list = field(default_factory=list)
    removed: list = field(default_factory=list)
    moved: list = field(default_factory=list)
    unchanged: int = 0

    @property
    def rows(self):
        """Number of rows, old and new."""
        return len(self.added) + len(self.removed) + self.altered + self.unchanged

    @property
    def altered(self):
        """Number of rows with a value that differs."""
        return len({tuple(moved.keys.items()) for moved in self.moved})

    @property
    def whole(self):
        """What the whole table is: new, gone, or None."""
        if self.added and len(self.added) == self.rows:
            return "new"
        return "gone" if self.removed and len(self.removed) == self.rows else None

    @property
    def any(self):
        """Whether a row differs."""
        return bool(self.added or self.removed or self.moved)


@dataclass
class Changes:
    """Everything that differs between two snapshots of the repository."""

    tables: list
    figures: list
    settings: dict
    texts: list
    unchanged_files: int

    @property
    def any(self):
        """Whether anything differs."""
        return bool(any(t.any for t in self.tables) or self.figures or self.settings or self.texts)


def _is_number(text):
    return NUMBER.fullmatch(text) is not None


def _same(before, after):
    if _is_number(before) and _is_number(after):
        return bool(cut(float(before)) == cut(float(after)))
    return before == after


def _rows(content):
    text = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    return [row for row in csv.DictReader(io.StringIO(text)) if any(row.values())]


def _canonical(text):
    return repr(float(text)) if _is_number(text) else text


@cache
def _schemas():
    return [load_schema(name) for name in schema_names()]


def key_columns(header):
    """Key columns of a table, by the schema that its header fits; none fits: all columns."""
    header = set(header)
    fitting = [
        [column for column in schema["x-key"] if column in header]
        for schema in _schemas()
        if set(schema["required"]) <= header <= set(schema["properties"])
    ]
    return min(fitting, key=len) if fitting else sorted(header)


def compare_tables(path, before, after):
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

    def by_key(rows, columns):
        found, seen = {}, Counter()
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


def canonical_svg(content):
    """Write an SVG drawing so that equal drawings are equal text.

    Comments, metadata, blanks, names of elements and the spelling of numbers do not show.

    Raises
    ------
    ET.ParseError
        If the content is not XML.
    """
    root = ET.fromstring(content)
    names = {}
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
        if identity in used:
            element.attrib["id"] = names[identity]
        element.text = " ".join((element.text or "").split())
        element.tail = None
    return ET.canonicalize(ET.tostring(root, encoding="unicode"))


def same_figure(suffix, before, after):
    """Whether two files of a figure show the same drawing."""
    if before == after:
        return True
    if suffix == ".svg":
        try:
            return canonical_svg(before) == canonical_svg(after)
        except ET.ParseError:
            return False
    images = [imread(io.BytesIO(content), format="png") for content in (before, after)]
    return images[0].shape == images[1].shape and bool(np.array_equal(*images))


def compare_snapshots(before, after):
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
    tables, figures, settings, texts, unchanged = [], [], {}, [], 0
    for path in sorted(before | after):
        old, new = before.get(path), after.get(path)
        suffix = Path(path).suffix
        if suffix == ".csv":
            tables.append(compare_tables(path, old, new))
        elif suffix in TYPES:
            twin = str(Path(path).with_suffix(".svg"))
            if suffix == ".png" and (twin in before or twin in after):
                continue
            if None in (old, new) or not same_figure(suffix, old, new):
                figures.append((path, old, new))
            else:
                unchanged += 1
        elif path.endswith("/method.yaml"):
            methods = [parse(content.decode(), path) if content else {} for content in (old, new)]
            changed = differences(*methods).to_dict("records")
            if changed:
                settings[path] = changed
            else:
                unchanged += 1
        elif _text_lines(old) != _text_lines(new):
            texts.append(path)
        else:
            unchanged += 1
    return Changes(tables, figures, settings, texts, unchanged)


def _text_lines(content):
    if content is None:
        return None
    lines = content.decode("utf-8", errors="replace").splitlines()
    return [" ".join(line.split()) for line in lines if line.strip()]

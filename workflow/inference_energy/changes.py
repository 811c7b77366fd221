"""What moved in results, figures and data against a git revision.

Numbers are compared as numbers, rows by the key columns of their schema, SVG figures as drawings,
so that a reordered row, a rewritten number or a rewritten drawing counts as unchanged.
"""

import base64
import csv
import html
import io
import re
import subprocess
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from math import inf
from pathlib import Path

import numpy as np
import yaml
from matplotlib.image import imread

from inference_energy.compare import differences
from inference_energy.errors import InputError
from inference_energy.report import markdown_table
from inference_energy.tables import NUMBER, load_schema, schema_names

FOLDERS = ("results", "figures", "data")
SVG_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
SVG_REFERENCE = re.compile(r"#([\w.:-]+)")
HEADLINE = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}
TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


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
        return (after - before) / abs(before) if before else inf


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
        altered = {tuple(moved.keys.items()) for moved in self.moved}
        return len(self.added) + len(self.removed) + len(altered) + self.unchanged

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


def _git(root, *arguments):
    try:
        run = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError("git is not installed; changes need it; install git") from None
    return run.returncode, run.stdout, run.stderr.decode(errors="replace").strip()


def snapshot_of_revision(root, revision):
    """Files of results, figures and data as a git revision has them.

    Parameters
    ----------
    root : path-like
        The repository's folder.
    revision : str
        Anything that git resolves to a commit.

    Returns
    -------
    files : dict of str to bytes
        Content by path.
    commit : str
        Abbreviated commit.

    Raises
    ------
    InputError
        If the folder is no git checkout, the revision is unknown, or it has no results.
    """
    if _git(root, "rev-parse", "--is-inside-work-tree")[0]:
        raise InputError(
            f"{root}: is not a git checkout; changes are told against a git revision; clone the"
            " repository or run git init and commit"
        )
    code, commit, _ = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if code:
        raise InputError(
            f"key since: value {revision!r}: unknown revision; allowed are commits, branches and"
            " tags of this checkout such as HEAD~1; correct it, or fetch it if the clone is shallow"
        )
    commit = commit.decode().strip()
    _, names, _ = _git(root, "ls-tree", "--name-only", commit, "--", *FOLDERS)
    present = names.decode().split()
    short = _git(root, "rev-parse", "--short", commit)[1].decode().strip()
    if "results" not in present:
        raise InputError(
            f"key since: value {revision!r}: commit {short} has no results folder; allowed is a"
            " revision with committed results; choose a later one"
        )
    code, archive, message = _git(root, "archive", "--format=tar", commit, "--", *present)
    if code:
        raise InputError(f"key since: value {revision!r}: git cannot read it ({message})")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}, short


def snapshot_of_folder(root):
    """Files of results, figures and data as they are now, ignored ones left out.

    Parameters
    ----------
    root : path-like
        The repository's folder, a git checkout.

    Returns
    -------
    dict of str to bytes
    """
    _, names, _ = _git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *FOLDERS
    )
    paths = sorted({name for name in names.decode().split("\0") if name})
    return {
        path: (Path(root) / path).read_bytes() for path in paths if (Path(root) / path).is_file()
    }


def _is_number(text):
    return NUMBER.fullmatch(text) is not None


def _same(before, after):
    if _is_number(before) and _is_number(after):
        return float(before) == float(after)
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
            methods = [yaml.safe_load(content) if content else {} for content in (old, new)]
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


def _percent(relative):
    if relative is None:
        return ""
    return "from zero" if relative == inf else f"{100 * relative:+.3g} %"


def _size(moved):
    return -inf if moved.relative is None else abs(moved.relative)


def _name(keys):
    return ", ".join(f"{k}={v}" for k, v in keys.items() if v)


def _count(number, one, many):
    return f"{number} {one if number == 1 else many}"


def changes_page(changes, since, commit, shown=10):
    """Changes as a Markdown page fit for a pull request.

    Parameters
    ----------
    changes : Changes
        What differs.
    since, commit : str
        The revision as asked for, and its commit.
    shown : int
        Values shown per table; the largest relative change comes first.

    Returns
    -------
    str
        Headline, claims, settings, tables, data, figures; what did not move is counted.
    """
    results = [t for t in changes.tables if t.path.startswith("results/")]
    data = [t for t in changes.tables if t.path.startswith("data/")]
    figures = f"{_count(len(changes.figures), 'figure', 'figures')} moved"
    parts = [f"# Changes since {since} ({commit})", ""]
    if not changes.any:
        rows = sum(t.unchanged for t in results)
        parts.append(
            f"Nothing moved: {_count(rows, 'line', 'lines')} of"
            f" {_count(len(results), 'table', 'tables')},"
            f" {_count(sum(t.unchanged for t in data), 'row', 'rows')} of data and"
            f" {_count(changes.unchanged_files, 'other file', 'other files')} are as they were."
        )
        return "\n".join(parts) + "\n"
    parts += ["## Headline", "", *_headline(results), "", "## Claims", "", *_claims(results)]
    if changes.settings:
        parts += ["", "## Settings", ""]
        rows = [
            [path.split("/")[1], s["path"], s["base"] or "", s["head"] or "", s["unit"] or ""]
            for path, lines in changes.settings.items()
            for s in lines
        ]
        parts.append(markdown_table(["method", "setting", "before", "after", "unit"], rows))
    parts += ["", "## Tables", ""]
    moving = sorted(
        (t for t in results if t.any), key=lambda t: -max(map(_size, t.moved), default=-inf)
    )
    still = [t for t in results if not t.any]
    for table in moving:
        parts += _table_part(table, shown)
    parts += [f"{_count(len(still), 'table', 'tables')} of results did not move."]
    parts += ["", "## Data", ""]
    for table in data:
        if table.any:
            parts += _table_part(table, shown)
    parts.append(
        f"{_count(sum(not t.any for t in data), 'table', 'tables')} of data did not change."
    )
    parts += ["", "## Figures", "", f"{figures}." if not changes.figures else f"{figures}:", ""]
    parts += [f"- {path}{_presence(old, new)}" for path, old, new in changes.figures]
    if changes.texts:
        parts += ["", "## Other files", "", *[f"- {path}" for path in changes.texts]]
    return "\n".join(parts).rstrip() + "\n"


def _presence(old, new):
    return " (new)" if old is None else " (gone)" if new is None else ""


def _headline(results):
    rows = [
        [
            table.path.split("/")[1],
            moved.keys["regime"],
            moved.keys["engine"],
            moved.before,
            moved.after,
            _percent(moved.relative),
        ]
        for table in results
        if table.path.endswith("/energy_per_query.csv")
        for moved in table.moved
        if moved.column == "value" and HEADLINE.items() <= moved.keys.items()
    ]
    if not rows:
        return ["The median of the frontier blend did not move."]
    header = ["method", "regime", "engine", "before [Wh]", "after [Wh]", "change"]
    return [markdown_table(header, rows)]


def _claims(results):
    tables = [t for t in results if t.path.endswith("/claims.csv")]
    flipped = [
        [table.path.split("/")[1], moved.keys["claim"], moved.before, moved.after]
        for table in tables
        for moved in table.moved
        if moved.column == "verdict" and moved.keys.get("engine", "") in ("", "published")
    ]
    judged = sum(t.unchanged for t in tables) + sum(
        len({tuple(m.keys.items()) for m in t.moved}) for t in tables
    )
    if not flipped:
        return [f"No verdict flipped; {_count(judged, 'line', 'lines')} of claims compared."]
    return [markdown_table(["method", "claim", "before", "after"], flipped)]


def _table_part(table, shown):
    for word, lines in (("new", table.added), ("gone", table.removed)):
        if lines and len(lines) == table.rows:
            return [f"### {table.path}: {word}, {_count(len(lines), 'row', 'rows')}", ""]
    rows = len({tuple(m.keys.items()) for m in table.moved})
    parts = [
        f"### {table.path}: {len(table.added)} added, {len(table.removed)} removed, {rows} altered,"
        f" {table.unchanged} unchanged",
        "",
    ]
    ordered = sorted(table.moved, key=_size, reverse=True)
    if ordered:
        parts.append(
            markdown_table(
                ["row", "column", "before", "after", "change"],
                [
                    [_name(m.keys), m.column, m.before, m.after, _percent(m.relative)]
                    for m in ordered[:shown]
                ],
            )
        )
        parts.append("")
    if len(ordered) > shown:
        parts += [f"and {len(ordered) - shown} more values.", ""]
    for word, lines in (("added", table.added), ("removed", table.removed)):
        parts += [f"- {word}: {_name(row)}" for row in lines[:shown]]
        if len(lines) > shown:
            parts.append(f"- {word}: and {len(lines) - shown} more")
        if lines:
            parts.append("")
    return parts


def figures_page(changes, since, commit):
    """Before and after of every figure that moved, side by side, as one self-contained page.

    Returns
    -------
    str
        HTML with the figures inside.
    """
    title = html.escape(f"Figures that moved since {since} ({commit})")
    body = [f"<h1>{title}</h1>"]
    if not changes.figures:
        body.append("<p>No figure moved.</p>")
    for path, old, new in changes.figures:
        cells = "".join(
            f"<figure><figcaption>{word}</figcaption>{_image(path, content)}</figure>"
            for word, content in (("before", old), ("after", new))
        )
        body.append(f"<h2>{html.escape(path)}</h2><div>{cells}</div>")
    style = (
        "body{font-family:sans-serif;margin:2em}div{display:flex;gap:1em}"
        "figure{flex:1;margin:0}img{width:100%;border:1px solid #ccc;background:#fff}"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{style}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _image(path, content):
    if content is None:
        return "<p>does not exist</p>"
    kind = TYPES[Path(path).suffix]
    data = base64.b64encode(content).decode()
    return f'<img alt="{html.escape(path)}" src="data:{kind};base64,{data}">'

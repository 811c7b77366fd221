"""The two sides of a question: a method as it is now, and what it is held against."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from inference_energy import documents
from inference_energy.comparison.snapshots import committed_files
from inference_energy.errors import InputError
from inference_energy.method.files import check, lineage, method_path, resolve
from inference_energy.method.materials import Materials
from inference_energy.method.plausible import KNOWN
from inference_energy.text import MOST_DIGITS, is_missing, short, told_apart

METHODS, DATA = "config/methods", "data"
NOW = "now"

PUBLISHED = {
    "data/published/claims.csv": "claims_published",
    "data/published/estimates.csv": "estimates",
    "data/published/references.csv": "references",
}
"""Tables that verdicts follow from, and no number of a method, with their schemas."""

HELD_AGAINST = tuple(f"{DATA}/{name}.csv" for name in KNOWN)
"""Tables that say what is unusual of a method, whether or not a number of it follows from them."""

ALIKE = 2
"""Cells in which two rows may differ and be one that was changed, though its key was too."""

MOST_ROWS = 12
"""Rows of a table that are told."""

REWRITTEN = "rewritten"
"""Change of a table that is another file with the same rows."""


@dataclass(frozen=True)
class Side:
    """A method, and which state of the data it is built from.

    Parameters
    ----------
    name : str
        What the side is called on the page.
    method : dict
        Resolved method; ``data`` says which state of the data it is built from, ``published``
        which state of the published numbers it is held against.
    files : dict of str to bytes, optional
        Tables of data/ that differ from the folder's, by path; none of a method as it is now.
    edited : tuple of str
        Files that the last commit has otherwise: of the new side the tables of data/ that both are
        answered with as they are now, and where both are one file that and those that it extends;
        of the other one its own file and those that it extends, where it is taken as it is now.
    """

    name: str
    method: dict
    files: Mapping[str, bytes] | None = None
    edited: tuple[str, ...] = ()

    @property
    def is_committed(self) -> bool:
        """Whether it is the new side's own method, as the last commit has it."""
        return self.files is not None


@dataclass(frozen=True)
class States:
    """Gives a method the tables that it is built from, as the state of data/ has them.

    Parameters
    ----------
    of : mapping of str to Materials
        By the value of a method's ``data``.
    """

    of: Mapping[str, Materials]

    def __call__(self, method: Mapping[str, Any]) -> dict[str, Any]:
        """Keyword arguments of ``build`` for a resolved method."""
        return self.of[method["data"]["value"]](method)


class _Methods(Mapping[str, Any]):
    """Content of method files by name, each read when it is asked for: others may be broken."""

    def __init__(self, read: Mapping[str, Callable[[], Any]]) -> None:
        self._read, self._known = read, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._read[name]()
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._read

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)

    def with_file(self, name: str, path: Path) -> "_Methods":
        """These and one more, which goes before one that is so called."""
        return _Methods({**self._read, name: partial(documents.read, path)})


def find_sides(
    root: Path, asked: str, base: str | None, schema: dict, tables: Callable[[dict], list[str]]
) -> tuple[Side, Side]:
    """Find the method that is asked for, and what to hold it against.

    Without ``base``, a method that is committed and has changed since (itself, a parent, a table
    that it uses, or the published numbers) is held against its committed state; any other against
    the method that it extends.

    Parameters
    ----------
    root : Path
        The repository's folder.
    asked : str
        Method file, or the name of a method; empty: the one of config/methods that is new or has
        changed since the last commit.
    base : str, optional
        Method file or name to hold it against.
    schema : dict
        JSON Schema of a resolved method.
    tables : callable
        Resolved method to the paths of the tables of data/ that it is built from.

    Returns
    -------
    base, head : Side

    Raises
    ------
    InputError
        If a file is missing or unsound, none is asked for and not one has changed or the one that
        has states the same, or the method extends none and has not changed.
    """
    now = _methods_now(root)
    unnamed = not asked
    asked = asked or _only_changed(root, now, tables)
    head = _side(root, asked, now, schema, "key method")
    committed, commit = committed_files(root, (METHODS, DATA))
    asked_with = dict.fromkeys([*tables(head.method), *PUBLISHED, *HELD_AGAINST])
    moved = _moved(root, committed, asked_with)
    both = replace(head, edited=tuple(moved))
    name, path = _find(root, asked, now, "key method")
    if base is not None:
        other = _other(root, base, now, schema, "key base", committed, head)
        if (root / _find(root, base, now, "key base")[1]).resolve() == (root / path).resolve():
            # one file, and so those that it extends, stand on both sides
            return replace(other, edited=()), replace(both, edited=(*other.edited, *moved))
        return other, both
    called = _called(root, name, path, now)
    # a draft elsewhere is not the method that has its name
    if called == name:
        before = _committed(head, committed, commit, schema, tables, root)
        if before is not None:
            same = tuple(path for path in moved if path not in (before.files or {}))
            return before, replace(head, edited=same)
    if unnamed and path in committed:
        raise InputError(
            f"{path}: is another text, and states what commit {commit} has; allowed is a change of"
            f" a value; change one, or say method={name} to hold it against what it extends"
        )
    parent = now.with_file(called, root / path)[called].get("extends")
    if parent is None:
        why, allowed = "no commit says what it was before an edit", "a file that git has"
        if commit:
            why = f"nothing that it says has changed since commit {commit}"
            if others := _moved(root, committed, [p for p in committed if p.startswith(DATA)]):
                why += f", and of data/ only {', '.join(others)}, from which it takes no number"
            allowed = "a changed method"
        raise InputError(
            f"key method: value {asked}: extends no method, and {why}; allowed is {allowed}, or"
            " base=NAME; name a base"
        )
    return _other(root, parent, now, schema, f"{asked}: key extends", committed, head), both


def _methods_now(root: Path) -> _Methods:
    paths = sorted((root / METHODS).glob("*.yaml"))
    return _Methods({path.stem: partial(documents.read, path) for path in paths})


def _only_changed(root: Path, now: _Methods, tables: Callable[[dict], list[str]]) -> str:
    """Name of the only method file that is new, or not as the last commit has it."""
    committed, commit = committed_files(root, (METHODS, DATA))
    changed = [
        name
        for name in now
        if committed.get(method_path(name)) != (root / method_path(name)).read_bytes()
    ]
    if commit and len(changed) == 1:
        return changed[0]
    since = " no commit says which has changed;"
    if commit:
        since = f" changed since commit {commit} are {', '.join(changed) or 'none'};"
    if moved := _moved(root, committed, [p for p in committed if p.startswith(DATA)]):
        used = {path for name in now for path in _used(name, now, tables)}.union(PUBLISHED)
        of = {
            "which any of them may use": [path for path in moved if path in used],
            "from which none of them takes a number": [path for path in moved if path not in used],
        }
        since += "".join(f" of data/, {w}, {', '.join(paths)};" for w, paths in of.items() if paths)
    raise InputError(
        f"key method: names no method;{since} allowed are {', '.join(sorted(now))} or the path of"
        " a method file; say snakemake whatif --config method=NAME, or make whatif METHOD=NAME"
    )


def _used(name: str, now: _Methods, tables: Callable[[dict], list[str]]) -> list[str]:
    """Tables that a method is built from; none of one that is broken."""
    with suppress(InputError):
        return tables(resolve(name, now))
    return []


def _find(root: Path, asked: str, now: _Methods, key: str) -> tuple[str, str]:
    """Name and path of a method that is given by name or by file."""
    if asked in now:
        return asked, method_path(asked)
    # not the path's own is_file(), which raises where a name is too long
    if not os.path.isfile(root / asked):
        raise InputError(
            f"{key}: value {asked}: no such method or file; allowed are"
            f" {', '.join(sorted(now))} or the path of a method file; correct it"
        )
    return Path(asked).stem, asked


def _called(root: Path, name: str, path: str, now: _Methods) -> str:
    """What a file is called among the methods: its name, or its path if another has that name."""
    elsewhere = (root / path).resolve() != (root / method_path(name)).resolve()
    return path if name in now and elsewhere else name


def _other(
    root: Path,
    asked: str,
    now: _Methods,
    schema: dict,
    key: str,
    committed: Mapping[str, bytes],
    head: Side,
) -> Side:
    """What a method is held against, which has the name of its file where both have one name."""
    side = _side(root, asked, now, schema, key, committed)
    if side.name != head.name:
        return side
    return replace(side, name=_find(root, asked, now, key)[1])


def _side(
    root: Path,
    asked: str,
    now: _Methods,
    schema: dict,
    key: str,
    committed: Mapping[str, bytes] | None = None,
) -> Side:
    """A method as it is now; which of its files are not as committed, if that is given."""
    name, path = _find(root, asked, now, key)
    called = _called(root, name, path, now)
    files = now.with_file(called, root / path)
    stated = files[called]
    method = resolve(called, files, key, path)
    method |= {identity: stated.get(identity, name) for identity in ("id", "title")}
    check(method, schema, name, path, stated)
    known = committed or {}
    own = [path, *map(method_path, lineage(called, files)[1:])]
    edited = tuple(p for p in own if p in known and _bytes(root / p) != known[p])
    return Side(name, method | {"data": {"value": NOW}, "published": NOW}, edited=edited)


def _committed(
    head: Side,
    committed: Mapping[str, bytes],
    commit: str,
    schema: dict,
    tables: Callable[[dict], list[str]],
    root: Path,
) -> Side | None:
    """The committed state of a method, if it differs from the one of now."""
    files = _Methods(
        {
            PurePosixPath(path).stem: partial(
                documents.parse,
                content.decode(errors="replace"),
                f"{path} as committed ({commit})",
            )
            for path, content in committed.items()
            if path.startswith(METHODS)
        }
    )
    if head.name not in files:
        return None
    method = resolve(head.name, files)
    check(method, schema, head.name)
    moved = _moved(root, committed, tables(method))
    judging = _moved(root, committed, PUBLISHED)
    data, published = (commit if paths else NOW for paths in (moved, judging))
    method = method | {"data": {"value": data}, "published": published}
    if method == head.method:
        return None
    other = {path: committed[path] for path in (*moved, *judging)}
    return Side(f"{head.name} as committed ({commit})", method, other)


def _moved(root: Path, committed: Mapping[str, bytes], paths: Iterable[str]) -> list[str]:
    """Those of some files of the last commit that are not as it has them."""
    return [p for p in paths if p in committed and _bytes(root / p) != committed[p]]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def changed_rows(
    before: Mapping[str, pd.DataFrame],
    after: Mapping[str, pd.DataFrame],
    key: Mapping[str, list],
    shown_by: str = "git diff {}",
) -> list[dict]:
    """Rows in which the tables of two sides differ.

    Parameters
    ----------
    before, after : dict of str to DataFrame
        Tables by path, of files that differ.
    key : dict of str to list of str
        Key columns of each table.
    shown_by : str
        Command that shows all rows, with the path in braces.

    Returns
    -------
    list of dict
        table, change (added | removed | changed | more | rewritten), row: of a row that is new or
        gone all that it says, of one that changed its key and what changed; of a table with more
        than MOST_ROWS such rows, how many more there are, of one with none that; brief: the same
        with the first cell of the key alone. Rows of a change are in the order of the table.
    """
    lines = []
    for path in before:
        old, new = _only(before[path], after[path])
        pairs = _pairs(old, new, [name for name in key[path] if name in after[path]])
        first = key[path][:1]
        gone = [old[i] for i in sorted(set(old) - {i for i, _ in pairs})]
        come = [new[j] for j in sorted(set(new) - {j for _, j in pairs})]
        found = [
            (change, _told(row), _told({name: row[name] for name in first if name in row}))
            for change, rows in (("added", come), ("removed", gone))
            for row in rows
        ]
        # between those that are added and removed
        found[len(come) : len(come)] = [
            (
                "changed",
                _change_of(old[i], new[j], key[path]),
                _change_of(old[i], new[j], first),
            )
            for i, j in sorted(pairs, key=lambda pair: pair[1])
        ]
        lines += [
            {"table": path, "change": change, "row": row, "brief": brief}
            for change, row, brief in found[:MOST_ROWS]
        ]
        if not found:
            same = "the same rows in another order or spelling"
            lines.append({"table": path, "change": REWRITTEN, "row": same, "brief": same})
        if len(found) > MOST_ROWS:
            rest = f"{len(found) - MOST_ROWS} more; {shown_by.format(path)} shows them"
            lines.append({"table": path, "change": "more", "row": rest, "brief": rest})
    return lines


def rows_of_copy(
    before: tuple[str, pd.DataFrame], after: tuple[str, pd.DataFrame], key: list
) -> list[dict]:
    """Rows in which a table differs from the one that it is a copy of, as :func:`changed_rows`.

    Parameters
    ----------
    before, after : tuple of str and DataFrame
        Path and content of the table of either side.
    key : list of str
        Key columns.

    Returns
    -------
    list of dict
        None of a table that is no copy, as less than half of its rows or of the other's are alike.
    """
    (path, old), (own, new) = before, after
    alone = _only(old, new)
    alike = [len(table) - len(rows) for table, rows in zip((old, new), alone, strict=True)]
    if not any(alone) or 2 * min(alike) < max(len(old), len(new)):
        return []
    return changed_rows({own: old}, {own: new}, {own: key}, f"git diff --no-index {path} {{}}")


def _only(before: pd.DataFrame, after: pd.DataFrame) -> tuple[dict[int, dict], dict[int, dict]]:
    """Rows that one of two tables has alone, by their place, as the cells that are not empty."""
    on = [name for name in before if name in after]
    old, new = (t.assign(**{p: range(len(t))}) for t, p in ((before, "old"), (after, "new")))
    both = old.merge(new, how="outer", on=on, indicator="side")
    sides = []
    for side, place in (("left_only", "old"), ("right_only", "new")):
        rows = both[both["side"] == side].sort_values(place)
        cells = rows.drop(columns=["side", "old", "new"]).to_dict("records")
        of_row = [{c: v for c, v in row.items() if not is_missing(v)} for row in cells]
        sides.append(dict(zip(rows[place].astype(int).tolist(), of_row, strict=True)))
    return sides[0], sides[1]


def _pairs(old: dict[int, dict], new: dict[int, dict], key: list) -> list[tuple[int, int]]:
    """Rows that are one, changed: of the same key, or with at most ALIKE cells that differ."""
    pairs: list[tuple[int, int]] = []
    names = sorted({name for row in (*old.values(), *new.values()) for name in row})
    # rows that differ in so few cells are the same in one of these parts, so that not all are tried
    parts = [names[k :: ALIKE + 1] for k in range(ALIKE + 1)]
    for within, most in (([key], len(names)), (parts, ALIKE)):
        known = {i for i, _ in pairs}, {j for _, j in pairs}
        places: dict[tuple, set[int]] = {}
        for j in new.keys() - known[1]:
            for cells in _cells_of(new[j], within):
                places.setdefault(cells, set()).add(j)
        for i in sorted(old.keys() - known[0]):
            near = {j for cells in _cells_of(old[i], within) for j in places.get(cells, ())}
            fitting = [j for j in near - known[1] if len(_differing(old[i], new[j])) <= most]
            if fitting:
                pairs.append((i, min(fitting)))
                known[1].add(min(fitting))
    return pairs


def _cells_of(row: dict, parts: list[list]) -> list[tuple]:
    return [(k, *map(row.get, names)) for k, names in enumerate(parts)]


def _differing(one: dict, other: dict) -> list:
    return [name for name in one | other if one.get(name) != other.get(name)]


def _change_of(old: dict, new: dict, key: list) -> str:
    names = _differing(old, new)
    same = _told({name: new[name] for name in key if name in new and name not in names})
    cells = (f"{n} {' -> '.join(_cells(old.get(n), new.get(n)))}" for n in names)
    return f"{same}: {', '.join(cells)}"


def _told(row: dict) -> str:
    return ", ".join(map(_cell, row.values()))


def _cells(old: Any, new: Any) -> tuple[str, str]:
    if isinstance(old, float) and isinstance(new, float):
        return told_apart(old, new, short, MOST_DIGITS)
    return _cell(old), _cell(new)


def _cell(value: Any) -> str:
    if value is None:
        return "none"
    return short(value, MOST_DIGITS) if isinstance(value, float) else str(value)

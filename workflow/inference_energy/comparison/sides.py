"""The two sides of a question: a method as it is now, and what it is held against."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from inference_energy import documents
from inference_energy.comparison.snapshots import committed_files
from inference_energy.errors import InputError
from inference_energy.method.files import check, method_path, resolve

METHODS, DATA = "config/methods", "data"
NOW = "now"


@dataclass(frozen=True)
class Side:
    """A method, and which state of the data it is built from.

    Parameters
    ----------
    name : str
        What the side is called on the page.
    method : dict
        Resolved method; ``data`` says which state of the data it is built from.
    files : dict of str to bytes, optional
        Tables of data/ that differ from the folder's, by path; none for the state of now.
    """

    name: str
    method: dict
    files: Mapping[str, bytes] | None = None


def find_sides(
    root: Path, asked: str, base: str | None, schema: dict, tables: Callable[[dict], list[str]]
) -> tuple[Side, Side]:
    """Find the method that is asked for, and what to hold it against.

    Without ``base``, a method that is committed and has changed since (itself, a parent, or a table
    that it uses) is held against its committed state; any other against the method that it extends.

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
        If a file is missing or unsound, none is asked for and not one has changed, or the method
        extends none and has not changed.
    """
    now = _methods_now(root)
    asked = asked or _only_changed(root, now)
    head = _side(root, asked, now, schema, "key method")
    if base is not None:
        return _side(root, base, now, schema, "key base"), head
    committed, commit = committed_files(root, (METHODS, DATA))
    before = _committed(head, committed, commit, schema, tables, root)
    if before is not None:
        return before, head
    parent = _read(root, asked, now, "key method")[1].get("extends")
    if parent is None:
        raise InputError(
            f"key method: value {asked}: extends no method and has not changed since commit"
            f" {commit or 'none'}; allowed is a changed method, or base=NAME; name a base"
        )
    return _side(root, parent, now, schema, f"{asked}: key extends"), head


def _methods_now(root: Path) -> dict[str, Any]:
    return {path.stem: documents.read(path) for path in sorted((root / METHODS).glob("*.yaml"))}


def _only_changed(root: Path, now: dict[str, Any]) -> str:
    """Name of the only method file that is new, or not as the last commit has it."""
    committed, commit = committed_files(root, (METHODS,))
    changed = [
        name
        for name in now
        if committed.get(method_path(name)) != (root / method_path(name)).read_bytes()
    ]
    if commit and len(changed) == 1:
        return changed[0]
    since = f" changed since commit {commit} are {', '.join(changed) or 'none'};" if commit else ""
    raise InputError(
        f"key method: names no method;{since} allowed are {', '.join(sorted(now))} or the path of"
        " a method file; say snakemake whatif --config method=NAME, or make whatif METHOD=NAME"
    )


def _read(root: Path, asked: str, now: dict[str, Any], key: str) -> tuple[str, dict, str]:
    """Name, content and path of a method that is given by name or by file."""
    if asked in now:
        return asked, now[asked], method_path(asked)
    path = root / asked
    if not path.is_file():
        raise InputError(
            f"{key}: value {asked}: no such method or file; allowed are"
            f" {', '.join(sorted(now))} or the path of a method file; correct it"
        )
    return path.stem, documents.read(path), asked


def _side(root: Path, asked: str, now: dict[str, Any], schema: dict, key: str) -> Side:
    name, own, path = _read(root, asked, now, key)
    files = now | {name: own}
    method = resolve(name, files, key, path)
    check(method, schema, name, path, own)
    return Side(name, method | {"data": {"value": NOW}})


def _committed(
    head: Side,
    committed: Mapping[str, bytes],
    commit: str,
    schema: dict,
    tables: Callable[[dict], list[str]],
    root: Path,
) -> Side | None:
    """The committed state of a method, if it differs from the one of now."""
    files = {
        PurePosixPath(path).stem: documents.parse(content.decode("utf-8", errors="replace"), path)
        for path, content in committed.items()
        if path.startswith(METHODS)
    }
    if head.name not in files:
        return None
    method = resolve(head.name, files)
    check(method, schema, head.name)
    used = [path for path in tables(method) if path in committed]
    moved = {p: committed[p] for p in used if (root / p).read_bytes() != committed[p]}
    state = commit if moved else NOW
    method = method | {"data": {"value": state}}
    if method == head.method:
        return None
    return Side(f"{head.name} as committed ({commit})", method, moved)


def changed_rows(
    before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame], key: Mapping[str, list]
) -> list[dict]:
    """Rows in which the tables of two sides differ.

    Parameters
    ----------
    before, after : dict of str to DataFrame
        Tables by path.
    key : dict of str to list of str
        Key columns of each table.

    Returns
    -------
    list of dict
        table, change (added | removed | changed), row (its key and numbers, in words).
    """
    lines = []
    for path in before:
        columns = list(after[path].columns)
        both = before[path].merge(after[path], how="outer", indicator="side")
        only = both[both["side"] != "both"]
        names = key[path]
        twice = only.duplicated(names, keep=False)
        for row, is_changed in zip(only.to_dict("records"), twice, strict=True):
            if is_changed and row["side"] == "left_only":
                continue
            change = {"left_only": "removed", "right_only": "added"}[row["side"]]
            words = ", ".join(f"{row[c]}" for c in columns if pd.notna(row[c]))
            lines.append(
                {"table": path, "change": "changed" if is_changed else change, "row": words}
            )
    return lines

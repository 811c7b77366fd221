"""Sources that are shown beside the values that they state, and beside no others."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from inference_energy.documents import Line
from inference_energy.method.differences import Path, differing, quantities
from inference_energy.method.files import WHOLE, sources_apart
from inference_energy.method.wording import OF_THE_SOURCE, quantity_text
from inference_energy.text import with_unit

ASSUMPTION = "assumption"
"""Source of a value that nobody has stated."""


def with_true_sources(
    method: Mapping[str, Any], before: Mapping[str, Any], files: Mapping[str, Any], new: int = 0
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Say of every source that was left when its value was changed which value it states.

    Parameters
    ----------
    method : mapping
        Resolved method.
    before : mapping
        The same method as it was last written by this function, or the nearest that it extends
        and that was written.
    files : mapping
        Content of the files that the method is made of, its own first.
    new : int
        How many of these, its own first, ``before`` was not made of. What they state is new, and
        so is its source.

    Returns
    -------
    method : dict
        With ``source_states`` beside such sources: the value before. It stays until the file states
        another source, or that value again.
    warnings : list of (str, str)
        For each source that is so marked, the file that states it, and a sentence.
    """
    marked, warnings = deepcopy(dict(method)), []
    added = set(list(files)[:new])
    olds = dict(quantities(before))
    moved = {path for paths in differing(before, method).values() for path in paths}
    for path, quantity in quantities(marked):
        old, source = olds.get(path, {}), quantity.get("source")
        stated = old.get(OF_THE_SOURCE)
        left = source is not None and not is_assumption(source) and source == old.get("source")
        file = _stating(path, files)
        if not left or not (stated or path in moved) or file in added:
            continue
        was = _without_assumed(old, quantity)
        stated, value = stated or _value(was, quantity), _value(quantity, was)
        if stated != value:
            # of the copy, whose quantities are dicts
            quantity[OF_THE_SOURCE] = stated  # type: ignore[index]
            warnings.append((file, _warning(file, path, value, stated)))
    return marked, warnings


def with_copied_sources(
    method: Mapping[str, Any], above: Mapping[str, Mapping[str, Any]], files: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Say of every source that a file has from a method that it extends which value it states.

    A source that goes with another value there was left unchanged, though the file does not say so;
    if it goes with the same value in any of them, it states it.

    Parameters
    ----------
    method : mapping
        Resolved method, as from :func:`with_true_sources`.
    above : mapping
        Methods that it extends, likewise marked, the nearest first, by their files.
    files : mapping
        Content of the files that the method is made of, its own first.

    Returns
    -------
    method, warnings
        As from :func:`with_true_sources`.
    """
    marked, warnings = deepcopy(dict(method)), []
    places, olds = list(files), {file: dict(quantities(of)) for file, of in above.items()}
    for path, quantity in quantities(marked):
        source, file = quantity.get("source"), _stating(path, files)
        if OF_THE_SOURCE in quantity or not source or is_assumption(source):
            continue
        further = places[places.index(file) + 1 :]
        known = [olds[place].get(path, {}) for place in further if place in olds]
        alike = [
            _without_assumed(old, quantity)
            for old in known
            if _plain(old.get("source", "")) == _plain(source)
        ]
        stated = [(old.get(OF_THE_SOURCE) or _value(old, quantity), old) for old in alike]
        if stated and all(text != _value(quantity, old) for text, old in stated):
            text, old = stated[0]
            # of the copy, whose quantities are dicts
            quantity[OF_THE_SOURCE] = text  # type: ignore[index]
            warnings.append((file, _warning(file, path, _value(quantity, old), text)))
    return marked, warnings


def is_assumption(source: Any) -> bool:
    """Whether a source says that nobody has stated the value."""
    return _plain(source) == ASSUMPTION


def _without_assumed(old: Mapping[str, Any], quantity: Mapping[str, Any]) -> Mapping[str, Any]:
    """A group as it was, but for what is an assumption: that has no source to be left."""
    assumed = _assumed(quantity)
    kept = {key: value for key, value in old.items() if key not in assumed}
    return kept | {key: quantity[key] for key in assumed}


def _assumed(group: Mapping[str, Any]) -> list[str]:
    """Keys of a group that are assumptions, where others have a source."""
    return [key for key, source in sources_apart(group).items() if is_assumption(source)]


def _plain(source: Any) -> str:
    """Source without what two spellings of it may differ in."""
    return " ".join(str(source).split()).casefold()


def _warning(file: str, path: Path, value: str, stated: str) -> str:
    return (
        f"{file}: key {'.'.join(path)}: value {value or 'as committed'}: its source states"
        f" {stated}; say who states the new value, or source: {ASSUMPTION}"
    )


def with_marks_of(
    parent: Mapping[str, Any],
    before: Mapping[str, Any],
    method: Mapping[str, Any],
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """Say of keys that a group inherits which values the source states that the parent left.

    Beside keys of an own source they have the parent's, which is none that the group had before.

    Parameters
    ----------
    parent, before : mapping
        Parent as from :func:`with_true_sources`, and as it was last written.
    method : mapping
        Resolved method that extends it, likewise marked.
    own : mapping
        What the method's file states.

    Returns
    -------
    dict
        The method with ``source_states`` beside such sources too.
    """
    marked = deepcopy(dict(method))
    above, olds = dict(quantities(parent)), dict(quantities(before))
    for path, quantity in quantities(marked):
        inherited, old = above.get(path, {}), olds.get(path, {})
        left = OF_THE_SOURCE in inherited and inherited.get("source") == old.get("source")
        if not left or OF_THE_SOURCE in quantity:
            continue
        moved = [
            key
            for key in quantity.keys() - {"source", *_assumed(inherited)}
            if quantity[key] == inherited.get(key) != old.get(key) and not _has(own, (*path, key))
        ]
        if moved:
            others = {key: value for key, value in quantity.items() if key not in moved}
            was = others | {key: old[key] for key in moved if key in old}
            quantity[OF_THE_SOURCE] = _value(was, quantity)  # type: ignore[index]
    return marked


def _stating(path: Path, files: Mapping[str, Any]) -> str:
    """First of the files that states what stands at a path, or the first of all."""
    return next((file for file, content in files.items() if _has(content, path)), next(iter(files)))


def _has(tree: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True


def stated_alone(method: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Part of a resolved method that its own file states; a group of which it states a key, whole.

    What the file removes is there as None.

    Parameters
    ----------
    method : mapping
        Resolved method, or a part of it.
    own : mapping
        What the file states there.
    """
    alone: dict[str, Any] = {}
    for key, value in method.items():
        if key not in own:
            continue
        is_group = isinstance(value, dict) and isinstance(own[key], Mapping)
        if is_group and not any(k in value for k in (*WHOLE, "source")):
            alone[key] = stated_alone(value, own[key])
        else:
            gone = _gone(value, own[key]) if is_group else {}
            alone[key] = value | gone if gone else value
    return alone | _gone(method, own)


def _gone(group: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, None]:
    """Keys that a file gives as None and that what it became does not have."""
    return {key: None for key, value in own.items() if value is None and key not in group}


def as_stated(written: Mapping[str, Any]) -> dict[str, Any]:
    """Give a method as its files state it, without what the run wrote beside that.

    Parameters
    ----------
    written : mapping
        Resolved method as results/<method>/method.yaml has it.
    """
    return {key: _unmarked(value) for key, value in written.items() if key != "warnings"}


def _unmarked(tree: Any) -> Any:
    if not isinstance(tree, Mapping):
        return tree
    return {key: _unmarked(value) for key, value in tree.items() if key != OF_THE_SOURCE}


def on_one_line(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Give a method each quantity of which, with its source, is one line of YAML.

    A changed line of a diff then says of what it is, and one changed quantity is one line.

    Parameters
    ----------
    tree : mapping
        Resolved method, or a part of it.
    """
    if "source" in tree:
        return Line(tree)
    return {k: on_one_line(v) if isinstance(v, dict) else v for k, v in tree.items()}


def _value(quantity: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    text = quantity_text(quantity, other)
    return with_unit(text, quantity.get("unit", "1")) if text else ""

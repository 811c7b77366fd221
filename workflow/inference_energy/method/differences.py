"""What differs between two methods, setting by setting."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from inference_energy.method.files import WHOLE
from inference_energy.method.wording import DEFAULTS, OF_THE_SOURCE
from inference_energy.tables import format_number

Path = tuple[str, ...]
"""Keys that lead to a quantity of a method."""

PLAIN = ("title", "kind", "claims", "published")
"""Keys of a method that are words, and no quantity; all but the title decide its verdicts.
``published`` is the state of the published numbers, where two are held side by side."""


SEVERAL = ("benchmarks", "blend")
"""Sections with one source whose keys are choices of their own."""


def quantities(
    tree: Mapping[str, Any], path: Path = ()
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield (path as a tuple of keys, mapping) of every quantity of a resolved method."""
    if any(key in tree for key in (*WHOLE, "source")):
        yield path, tree
        return
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from quantities(value, (*path, key))


def _leaves(tree: Mapping[str, Any], path: Path = ()) -> dict[Path, Any]:
    """Path to value of everything in a quantity but its source, and what is as if left out."""
    leaves: dict[Path, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            leaves |= _leaves(value, (*path, key))
        elif key not in ("source", OF_THE_SOURCE) and (
            key not in DEFAULTS or value != DEFAULTS[key]
        ):
            text = isinstance(value, list) and all(isinstance(item, str) for item in value)
            leaves[(*path, key)] = sorted(value) if text else value
    return leaves


def differing(base: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Settings in which two resolved methods differ.

    Parameters
    ----------
    base, head : dict
        Resolved methods.

    Returns
    -------
    dict of str to list of tuple
        Section of the method file to the paths of its quantities that differ; a quantity counts
        once, whether one of its numbers differs or all do. Sources alone are no difference.
    """
    olds, news = dict(quantities(base)), dict(quantities(head))
    settings: dict[str, list[Path]] = {}
    for path in olds | news:
        if _leaves(olds.get(path, {})) != _leaves(news.get(path, {})):
            settings.setdefault(path[0], []).append(path)
    return settings


def choices(base: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Settings in which two resolved methods differ, each choice of a section by itself.

    Parameters
    ----------
    base, head : dict
        Resolved methods.

    Returns
    -------
    dict of str to list of tuple
        As from :func:`differing`, with the paths of the keys that differ in sections of SEVERAL,
        where several do.
    """
    settings = differing(base, head)
    for name in SEVERAL:
        if settings.get(name) == [(name,)] and name in base and name in head:
            old, new = _leaves(base[name]), _leaves(head[name])
            moved = [leaf for leaf in old | new if old.get(leaf) != new.get(leaf)]
            keys = dict.fromkeys(key for key, *_ in moved)
            settings[name] = [(name, key) for key in keys] if len(keys) > 1 else settings[name]
    return settings


def differences(base: Mapping[str, Any], head: Mapping[str, Any]) -> pd.DataFrame:
    """Every value in which two resolved methods differ.

    Returns
    -------
    DataFrame
        setting, path (dotted), base, head (text, empty where not stated), unit, base_source,
        head_source.
    """
    olds, news = dict(quantities(base)), dict(quantities(head))
    lines = []
    for setting, paths in differing(base, head).items():
        for path in paths:
            old, new = olds.get(path, {}), news.get(path, {})
            before, after = _leaves(old), _leaves(new)
            lines += [
                {
                    "setting": setting,
                    "path": ".".join((*path, *leaf)),
                    "base": _text(before.get(leaf), after.get(leaf)),
                    "head": _text(after.get(leaf), before.get(leaf)),
                    "unit": new.get("unit", old.get("unit")),
                    "base_source": old.get("source"),
                    "head_source": new.get("source"),
                }
                for leaf in before | after
                if before.get(leaf) != after.get(leaf) and leaf[-1] != "unit"
            ]
    columns = ["setting", "path", "base", "head", "unit", "base_source", "head_source"]
    return pd.DataFrame(lines, columns=columns, dtype=object)


def plain_differences(base: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, tuple]:
    """Both values of every key of two methods that is no quantity and differs, None where absent.

    A method's ``id`` is its file's name, and counts as none.
    """
    values = {key: (base.get(key), head.get(key)) for key in PLAIN}
    return {key: (old, new) for key, (old, new) in values.items() if old != new}


def _text(value: Any, other: Any) -> str | None:
    """A value as text; a number in six digits, or in all where another is the same in six."""
    if value is None:
        return None
    if not _is_number(value):
        return value if isinstance(value, str) else json.dumps(value)
    text = format_number(value)
    alike = _is_number(other) and value != other and text == format_number(other)
    return repr(value) if alike else text


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def with_settings(
    base: Mapping[str, Any], head: Mapping[str, Any], paths: Iterable[Path]
) -> dict[str, Any]:
    """Return the base method with the quantities at ``paths`` as the head states them.

    The quantities themselves are shared with both, for many mixtures are made of them.
    """
    mixed = dict(base)
    for path in paths:
        place, source, within = mixed, head, []
        for key in path[:-1]:
            within.append((place, key, key in source))
            place[key] = place = dict(place.get(key, {}))
            source = source.get(key, {})
        if path[-1] in source:
            place[path[-1]] = source[path[-1]]
        else:
            place.pop(path[-1], None)
            # a section of which nothing is left, and that the head does not have, goes too
            for parent, key, stays in reversed(within):
                if not parent[key] and not stays:
                    del parent[key]
    return mixed

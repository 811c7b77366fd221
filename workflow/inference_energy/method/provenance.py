"""Sources that are shown beside the values that they state, and beside no others."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from inference_energy.method.differences import differing, quantities
from inference_energy.method.wording import quantity_text
from inference_energy.text import with_unit

ASSUMPTION = "assumption"
"""Source of a value that nobody has stated."""

STATED_FOR = " (stated for {})"
"""What stands behind a source whose value was changed without it."""


def with_true_sources(
    method: Mapping[str, Any], before: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[str]]:
    """Say of every source that was left when its value was changed which value it states.

    Parameters
    ----------
    method : mapping
        Resolved method.
    before : mapping
        The same method as it was last written, sources marked as by this function.
    where : str
        File of the method, for the messages.

    Returns
    -------
    method : dict
        With `` (stated for VALUE)`` behind such sources. The mark stays until the file states
        another source, or that value again.
    warnings : list of str
        One sentence for each source that is marked.
    """
    marked, warnings = deepcopy(dict(method)), []
    olds = dict(quantities(before))
    moved = {path for paths in differing(before, method).values() for path in paths}
    for path, quantity in quantities(marked):
        old = olds.get(path, {})
        source, known = quantity.get("source"), old.get("source")
        if source is None or known is None or source == ASSUMPTION:
            continue
        head, tail = STATED_FOR.split("{}")
        bare, _, stated = known.partition(head)
        if bare != source or not (stated or path in moved):
            continue
        stated = stated.removesuffix(tail) or _value(old)
        if stated != _value(quantity):
            # of the copy, whose quantities are dicts
            quantity["source"] = source + STATED_FOR.format(stated)  # type: ignore[index]
            warnings.append(
                f"{where}: key {'.'.join(path)}: value {_value(quantity)}: its source states"
                f" {stated}; say who states the new value, or source: {ASSUMPTION}"
            )
    return marked, warnings


def _value(quantity: Mapping[str, Any]) -> str:
    return with_unit(quantity_text(quantity, {}), quantity.get("unit", "1"))

"""Where a claim's number is found among a method's results."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.documents import near
from inference_energy.errors import InputError

SELECTOR = re.compile(r"(?P<table>\w+)\[(?P<where>[^\]]*)\]")


@dataclass(frozen=True)
class Results:
    """What a claim can be looked up in.

    Parameters
    ----------
    method : dict
        Resolved method, for ``setting[dotted.path]``.
    tables : dict of str to DataFrame
        Result tables by name; those with a column ``engine`` are asked for one engine.
    published : dict of str to dict
        Published numbers by kind (``estimate``, ``reference``), each id or quantity to value.
    """

    method: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    published: Mapping[str, dict[str, float]]
    _texts: dict[str, dict[str, np.ndarray]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def texts(self, table: str) -> dict[str, np.ndarray]:
        """Columns of a table as text, which a selector compares with."""
        if table not in self._texts:
            frame = self.tables[table]
            self._texts[table] = {str(c): frame[c].astype(str).to_numpy(object) for c in frame}
        return self._texts[table]


def evaluate(quantity: object, results: Results, engine: str) -> float | None:
    """Evaluate a selector, or the ratio of two.

    Parameters
    ----------
    quantity : str or None
        Selector; none or empty cannot be evaluated.
    results : Results
        Where to look.
    engine : str
        Engine whose lines count.

    Returns
    -------
    float or None
        None where the method or engine has no such number, and for a ratio to zero.

    Raises
    ------
    InputError
        If the selector is malformed or names a table that is not there.
    """
    if not isinstance(quantity, str) or not quantity:
        return None
    values = [_select(part.strip(), results, engine) for part in quantity.split(" / ")]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or 0 in known[1:]:
        return None
    result = known[0]
    for value in known[1:]:
        result /= value
    return result


def parts_of(selector: str) -> tuple[str, dict[str, str]]:
    """Table of a selector, and what it wants of it, as a dict by column; a setting wants none.

    Raises
    ------
    InputError
        If the selector is malformed.
    """
    match = SELECTOR.fullmatch(selector)
    if match and match["table"] == "setting":
        return "setting", {}
    pairs = [pair.split("=", 1) for pair in re.split(r";\s*", match["where"])] if match else []
    if not match or any(len(pair) < 2 for pair in pairs):
        raise InputError(
            f"claim quantity {selector!r}: allowed is table[key=value; ...] or the ratio of two"
            " joined by ' / '; correct the selector"
        )
    return match["table"], dict(pairs)


def keys_of(selector: str) -> list[str]:
    """Keys of a ``setting[dotted.path]``, from the outermost."""
    return selector.partition("[")[2].removesuffix("]").split(".")


def _select(selector: str, results: Results, engine: str) -> float | None:
    table, wanted = parts_of(selector)
    if table == "setting":
        value: Any = results.method
        for key in keys_of(selector):
            value = value.get(key) if isinstance(value, dict) else None
        return value
    if table in results.published:
        return results.published[table].get(next(iter(wanted.values())))
    if table not in results.tables:
        known = sorted([*results.tables, *results.published, "setting"])
        raise InputError(
            f"claim quantity {selector!r}: unknown table {table}; allowed are {', '.join(known)};"
            f" correct the selector{near(table, known)}"
        )
    frame, texts = results.tables[table], results.texts(table)
    for name in wanted:
        if name not in frame:
            raise InputError(
                f"claim quantity {selector!r}: unknown column {name}; allowed are"
                f" {', '.join(frame.columns)}; correct the selector{near(name, frame.columns)}"
            )
    if "engine" in frame:
        wanted["engine"] = engine
    found = np.flatnonzero(np.all([texts[c] == value for c, value in wanted.items()], axis=0))
    if len(found) > 1:
        raise InputError(
            f"claim quantity {selector!r}: selects {len(found)} lines; allowed is one;"
            " name more columns"
        )
    return float(frame["value"].iloc[found[0]]) if len(found) else None

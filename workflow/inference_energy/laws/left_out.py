"""Where fits that must not see a part of the rows start from: fits that have not seen it either."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

Part = TypeVar("Part", bound=Hashable)
Found = TypeVar("Found")

GROUPS = 3
"""Starts, each without as many of the parts."""

FEWEST = 8
"""Parts below which fits from nothing take less time than those to start from as well."""


def starts(parts: Sequence[Part], fit: Callable[[Sequence[Part]], Found]) -> dict[Part, Found]:
    """Something to start from for the fit without each part.

    A fit to all rows would know what the others must not: where a fit has several ends, it decides
    to which they come.

    Parameters
    ----------
    parts : sequence
        Names of the parts that are left out one at a time.
    fit : callable
        Takes several names, gives a fit without any of them.

    Returns
    -------
    dict
        By part, a fit without it and every third of the others; empty if there are few.
    """
    if len(parts) < FEWEST:
        return {}
    groups = [parts[k::GROUPS] for k in range(GROUPS)]
    return {part: found for group in groups for found in [fit(group)] for part in group}

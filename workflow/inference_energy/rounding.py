"""What is rounding and what is a result.

The last digits of a computed number depend on the version of the numeric libraries. They are cut
where a number is made, so that they are never printed, ranked, or divided by.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

NOISE = 1e-12
"""A number below this part of its scale is zero but for rounding. [1]"""

RANKING_DIGITS = 9
"""Significant digits that decide an order; what agrees in them is a tie."""


def cut(value: ArrayLike, scale: ArrayLike = 1.0) -> NDArray[np.float64]:
    """Give numbers, zero in place of those that are rounding on their scale.

    Parameters
    ----------
    value, scale : array_like
        Numbers, and the size of what they are computed from, in the same unit.
    """
    value = np.asarray(value, float)
    return np.where(np.abs(value) < NOISE * np.abs(scale), 0.0, value)[()]


def half_step(decimals: int) -> float:
    """By how much a number may differ from what is printed of it to so many decimals."""
    return float(0.5 * 10.0**-decimals)


def ratio(new: float, old: float) -> float:
    """Ratio of two numbers; NaN where the one below is zero but for rounding."""
    return new / old if abs(old) > NOISE * abs(new) else np.nan


def relative(new: float, old: float) -> float:
    """Relative change from old to new [1]: zero where they differ by rounding."""
    return ratio(float(cut(new - old, max(abs(new), abs(old)))), old)


def significant(values: ArrayLike, digits: int) -> NDArray[np.float64]:
    """Give numbers rounded to so many significant digits."""
    values = np.asarray(values, float)
    size = np.abs(values)
    known = (size > 0) & np.isfinite(size)
    exponent = np.floor(np.log10(np.where(known, size, 1.0)))
    unit = 10.0 ** (exponent - digits + 1)
    return np.where(known, np.round(values / unit) * unit, values)[()]


def ranking(values: ArrayLike) -> NDArray[np.float64]:
    """Give numbers to as many digits as may decide an order."""
    return significant(values, RANKING_DIGITS)


def largest_first(values: Mapping[Any, float]) -> list[Any]:
    """Names in the order of their numbers, the largest first; ties by name, nothing left out."""
    return sorted(values.keys(), key=lambda name: (-float(ranking(values[name])), name))

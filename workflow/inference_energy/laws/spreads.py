"""Standard deviations that are estimated with the values that scatter by them.

    s^2 = (n_0 s_0^2 + sum_i t_i x_i^2) / (n_0 + sum_i (1 - t_i V_i / s^2))                     (1)

x_i are the most probable values, V_i their variances, t_i their weights, s_0 the prior standard
deviation, which counts as n_0 values. The fixed point is that of expectation maximisation, whose
step moves by as little as the data say of the x; (1) leaves out what they do not say, and comes
there in fewer (D. MacKay (1992), Neural Computation 4, 415). Steps are combined on their way, by
Anderson acceleration (D. Anderson (1965), Journal of the ACM 12, 547):

    x' = g(x) - sum_j c_j (g(x_j) - g(x_j-1)),   f(x) = g(x) - x
    c minimises |f(x) - sum_j c_j (f(x_j) - f(x_j-1))|                                          (2)

g is a step, the x_j are the places before. It is a secant method: where steps shrink they tell
where they end. Where they grow, away from a place that is no stable end, they are lengthened.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from inference_energy.errors import InputError
from inference_energy.laws.base import Array

MEMORY, INDEPENDENT = 5, 1e-8
"""Differences in equation (2) at most, and their singular values, relative, that count. [1]"""

NEAR = 0.05
"""Change, root mean square, from which on equation (2) is used: before, steps are too uneven."""

SHRINKING, ONWARDS = 0.9, 0.9
"""Ratio of a change to the one before below which steps shrink, and cosine of the angle between
both from which on they go the same way. [1]"""

LONGER, LONGEST = 2.0, 8.0
"""Factor by which such steps that do not shrink are lengthened, one after the other, and the
largest one in all. [1]"""


def renewed(square: ArrayLike, known: ArrayLike, prior: ArrayLike, weight: float) -> Array:
    """Standard deviations by equation (1).

    Parameters
    ----------
    square : array_like
        Sums of t x^2.
    known : array_like
        Sums of 1 - t V / s^2. Where they are below zero, no fixed point is near.
    prior : array_like
        s_0, which all broadcast with.
    weight : float
        n_0. [1]
    """
    total = np.asarray(square) + weight * np.square(prior)
    found: Array = np.sqrt(total / (weight + np.maximum(known, 0.0)))
    return found


def fixed_point(step: Callable[[Array], Array], start: Array, tolerance: float, most: int) -> Array:
    """Where steps lead, with equation (2).

    Parameters
    ----------
    step : callable
        Takes and gives numbers of which equal changes count alike, shape (n,).
    start : ndarray, shape (n,)
        Where to begin.
    tolerance : float
        Change, root mean square, at which they end.
    most : int
        Steps at most.

    Returns
    -------
    ndarray, shape (n,)
        What the last step gave.

    Raises
    ------
    InputError
        If they have not come to an end by then: what they would lead to is not known.
    """
    before: list[tuple[Array, Array]] = []
    here, stretch = start, 1.0
    last, last_size = np.zeros_like(start), 0.0
    for _ in range(most):
        given = step(here)
        change = given - here
        size = float(np.sqrt(np.mean(change**2)))
        if size < tolerance:
            return given
        shrinks = size < SHRINKING * last_size
        kept = before if shrinks and last_size < NEAR else []
        before = [*kept, (given, change)][-MEMORY - 1 :]
        if not shrinks and np.mean(change * last) > ONWARDS * size * last_size:
            stretch = min(LONGER * stretch, LONGEST)
            here = here + stretch * change
        else:
            stretch = 1.0
            here = given - _correction(before)
        last, last_size = change, size
    raise InputError(
        f"measured rows: a fit to them has not come to an end after {most} steps, the last one"
        f" changed it by {last_size:.2g} (root mean square); allowed is {tolerance:g}; look for"
        " rows of one configuration that contradict each other, and leave the wrong ones out"
    )


def _correction(before: list[tuple[Array, Array]]) -> Array | float:
    """What equation (2) takes off the last place of those that were given, with their changes."""
    if len(before) < 2:
        return 0.0
    places, changes = np.diff(np.array(before), axis=0).swapaxes(0, 1)
    weights = np.linalg.lstsq(changes.T, before[-1][1], rcond=INDEPENDENT)[0]
    correction: Array = weights @ places
    return correction

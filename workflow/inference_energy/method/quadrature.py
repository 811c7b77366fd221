"""Sums over all numbers of output tokens, one by one or by few nodes."""

from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.polynomial.chebyshev import chebvander

# Up to this length every whole number of tokens is a support point of its own; beyond it, cells
# of relative width CELL stand for the numbers inside them (their error is below CELL**2).
EVERY_TOKEN_UP_TO, CELL = 2**18, 2e-5

# The same for smooth functions of ln L, to about SMOOTH_CELL**2 / 24.
SMOOTH_ABOVE, SMOOTH_CELL = 2**15, 2e-5

LONGEST = 1e9
"""Support points end here. [tokens]"""

SINGLY_UP_TO, PANEL_NODES = 32, 12
"""Lengths up to which there are no panels [tokens], and nodes of a panel."""

ANGLES = (2 * np.arange(PANEL_NODES) + 1) * np.pi / (2 * PANEL_NODES)
"""Of the Chebyshev nodes of the first kind, which are their cosines."""

ORDERS = np.arange(PANEL_NODES)[:, None]
TO_NODES = np.where(ORDERS == 0, 1, 2) * np.cos(ORDERS * ANGLES) / PANEL_NODES
"""From sums over Chebyshev polynomials, by order, to the nodes' weights: their sums over the nodes
are those sums."""


class Rounded(Protocol):
    """A length rounded to whole tokens, as far as sums over it ask."""

    @property
    def minimum(self) -> int:
        """Shorter queries do not occur. [tokens]"""

    @property
    def longest(self) -> float:
        """Length before rounding that next to no query exceeds. [tokens]"""

    def survival(self, length: np.ndarray) -> np.ndarray:
        """Share of the queries that are longer before rounding. [1]"""

    def __hash__(self) -> int:
        """Equal lengths share what was computed for one of them."""


@lru_cache(maxsize=64)
def support(
    tokens: Rounded, every_up_to: int = EVERY_TOKEN_UP_TO, cell: float = CELL
) -> tuple[np.ndarray, np.ndarray]:
    """Lengths that can occur and their probabilities, two arrays of shape (n,). [tokens, 1]

    ``P(L = k) = S(k - 1/2) - S(k + 1/2)``, over ``P(L >= minimum)``, with the survival function S.

    Parameters
    ----------
    tokens : Rounded
        Distribution.
    every_up_to : int
        Longer lengths are cells. [tokens]
    cell : float
        Relative width of the cells. [1]
    """
    longest = int(min(np.ceil(tokens.longest), LONGEST)) + 1
    edges = _edges(tokens.minimum, every_up_to, cell)
    edges = edges[: np.searchsorted(edges, longest) + 1]
    survival = tokens.survival(edges - 0.5)
    survival[0] = 1.0
    weights = (survival[:-1] - survival[1:])[np.searchsorted(edges, tokens.minimum) :]
    lengths = _lengths(tokens.minimum, every_up_to, cell)[: len(weights)]
    return lengths, weights / weights.sum()


# few minima occur, and every length is of one grid, so that its logarithms and polynomials are
# asked for again and again
@lru_cache(maxsize=8)
def _edges(minimum: int, every_up_to: int, cell: float) -> np.ndarray:
    """Edges of the support points less a half, as far as any distribution reaches. [tokens]"""
    n = int(np.ceil(np.log((LONGEST + 1) / every_up_to) / cell))
    cells = np.round(every_up_to * np.exp(cell * np.arange(n + 1)))
    # in order already: to sort half a million takes most of the time
    cells = cells[np.append(True, cells[1:] > cells[:-1])]
    if minimum > every_up_to:
        # a cell that holds the minimum would be counted whole or not at all
        cells = np.union1d(cells, float(minimum))
    return np.concatenate([np.arange(every_up_to), cells])


@lru_cache(maxsize=8)
def _lengths(minimum: int, every_up_to: int, cell: float) -> np.ndarray:
    """Support points from the minimum on, as far as any distribution reaches. [tokens]"""
    edges = _edges(minimum, every_up_to, cell)
    return ((edges[:-1] + edges[1:] - 1) / 2)[np.searchsorted(edges, minimum) :]


@lru_cache(maxsize=128)
def _polynomials(minimum: int, start: int, stop: int) -> tuple[float, float, np.ndarray]:
    """Middle and half the width, in ln L, of the points ``start:stop``; polynomials there."""
    x = np.log(_lengths(minimum, SMOOTH_ABOVE, SMOOTH_CELL)[start:stop])
    centre, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    return centre, half, chebvander((x - centre) / half, PANEL_NODES // 2)


@lru_cache(maxsize=4096)
def _panel(tokens: Rounded, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the support points ``start:stop``."""
    lengths, weights = support(tokens, SMOOTH_ABOVE, SMOOTH_CELL)
    lengths, weights = lengths[start:stop], weights[start:stop]
    if stop - start <= PANEL_NODES:
        return lengths, weights
    centre, half, polynomials = _polynomials(tokens.minimum, start, stop)
    sums = weights @ polynomials
    # T_{m+k} = 2 T_m T_k - T_{m-k} spares the orders above the middle one, m
    products = (weights * polynomials[:, -1]) @ polynomials[:, 1:-1]
    sums = np.append(sums, 2 * products - sums[-2:0:-1])
    return np.exp(centre + half * np.cos(ANGLES)), sums @ TO_NODES


@lru_cache(maxsize=256)
def nodes(
    tokens: Rounded, breaks: tuple[float, ...], width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights that integrate a smooth function of ln L, shape (m,), m << n.

    Short lengths are kept one by one. Longer ones are grouped into panels of equal width in
    ln L; each panel carries Chebyshev nodes whose weights integrate the interpolating polynomial
    exactly against the rounded distribution.

    Parameters
    ----------
    tokens : Rounded
        Distribution.
    breaks : tuple of float
        Lengths at which the function has a kink: ends of panels. [tokens]
    width : float
        Width of a panel in ln L, over which the function must be smooth. [1]
    """
    lengths, weights = support(tokens, SMOOTH_ABOVE, SMOOTH_CELL)
    panels = np.log(max(lengths[-1] / SINGLY_UP_TO, 1)) / width
    edges = SINGLY_UP_TO * np.exp(width * np.arange(panels + 1))
    edges = np.unique(np.concatenate([np.arange(SINGLY_UP_TO), edges, np.asarray(breaks)]))
    places = np.unique(np.append(np.searchsorted(lengths, edges), len(lengths)))
    # the first ones stand for themselves: together
    wide = np.append(np.diff(places) > PANEL_NODES, True)
    places = places[np.argmax(wide) :]
    parts = [(lengths[: places[0]], weights[: places[0]])]
    parts += [_panel(tokens, int(a), int(b)) for a, b in pairwise(places)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

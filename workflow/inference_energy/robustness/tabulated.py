"""Many mixtures of log-normals at once: tables of their distribution functions.

A multiverse asks thousands of blends of the same few mixtures for their percentiles. Each mixture's
distribution function of ln E is tabulated once, with its first two derivatives, and interpolated by
quintics; the percentiles of every blend are then found together. What the tables give is what root
finding on the mixtures themselves gives to a few parts in 1e7.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray
from scipy.special import ndtr

from inference_energy.energy.equation import Array
from inference_energy.energy.mixtures import Mixture
from inference_energy.method.distributions import LogNormal

STEP_PER_SIGMA, LONGEST_STEP = 0.45, 0.15
"""Step of a table in ln E, per spread of the mixture [1] and at most [1]."""
REACH = 6.5
"""Spreads beyond the outermost log-normals at which a table ends. [1]"""
SOLVED, SMOOTH = 1e-12, 1e-4
"""Steps [ln Wh] after which a search ends; where there are no kinks and the second derivative is
known, the next one would be about the cube of such a step."""
ITERATIONS = 100

# quintic on [0, 1] from value, slope and curvature at 0, then at 1; rows: powers 0 to 5
HERMITE = np.array(
    [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0.5, 0, 0, 0],
        [-10, -6, -1.5, 10, -4, 0.5],
        [15, 8, 1.5, -15, 7, -1],
        [-6, -3, -0.5, 6, -3, 0.5],
    ]
)


def solve(
    function: Callable[[Array], tuple[Array, ...]],
    target: Array,
    lower: Array,
    upper: Array,
    settled: float = SOLVED,
) -> Array:
    """Solve ``F(u) = target`` for many increasing functions, by steps kept in brackets.

    They are Newton's, or Halley's where the second derivative is known and little. Steps that do
    not halve give way to the middle of the bracket, for they may lead to and fro.

    Parameters
    ----------
    function : callable
        Takes u, gives F and its derivative, or its first two, all of the shape of ``target``.
    target, lower, upper : ndarray
        Value sought and bracket of the solution.
    settled : float
        Largest step that ends the search.

    Returns
    -------
    ndarray
    """
    lower, upper = (np.array(np.broadcast_to(a, np.shape(target))) for a in (lower, upper))
    u, before = (lower + upper) / 2, upper - lower
    for _ in range(ITERATIONS):
        value, slope, *bends = function(u)
        below = value < target
        lower, upper = np.where(below, u, lower), np.where(below, upper, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = u - (value - target) / slope
            for bend in bends:
                bent = (new - u) * bend / slope
                new = np.where(np.abs(bent) < 1, u + (new - u) / (1 + bent / 2), new)
        step = np.abs(new - u)
        fits = (new >= lower) & (new <= upper) & (step <= before / 2)
        new = np.where(fits | (step < settled), new, (lower + upper) / 2)
        u, before = new, np.abs(new - u)
        if np.max(before, initial=0.0) < settled:
            break
    return u


@dataclass(frozen=True, eq=False)
class Tables:
    """Distribution functions of ln E of many mixtures.

    Parameters
    ----------
    start, step : ndarray, shape (n,)
        First ln E of each table and the distance between two. [ln Wh]
    quintics : ndarray, shape (n, cells, 6)
        Coefficients in the place within the cell.
    edges : ndarray, shape (n, cells + 1)
        Values at the cells' ends.
    """

    start: np.ndarray
    step: np.ndarray
    quintics: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, mixtures: Sequence[Mixture]) -> Self:
        """Tabulate mixtures of log-normals that all have a spread above zero."""
        narrow, wide = (np.array([f(m.sigmas) for m in mixtures]) for f in (np.min, np.max))
        start = np.array([m.locations.min() for m in mixtures]) - REACH * wide
        stop = np.array([m.locations.max() for m in mixtures]) + REACH * wide
        step = np.minimum(STEP_PER_SIGMA * narrow, LONGEST_STEP)
        cells = int(np.ceil(((stop - start) / step).max()))
        step = (stop - start) / cells
        values = np.stack(
            [
                _distribution(m, a + h * np.arange(cells + 1), h)
                for m, a, h in zip(mixtures, start, step, strict=True)
            ]
        )
        ends = np.concatenate([values[:, :-1], values[:, 1:]], axis=-1)
        return cls(start, step, ends @ HERMITE.T, values[:, :, 0])

    def __call__(self, table: NDArray[np.int_], log_energy: Array) -> tuple[Array, Array]:
        """Distribution function and density of ln E, broadcast; ``table`` are numbers of tables."""
        place = (log_energy - self.start[table]) / self.step[table]
        cell = np.clip(place, 0, self.quintics.shape[1] - 1).astype(int)
        # beyond a table its distribution function keeps the value of the end
        x = np.clip(place - cell, 0, 1)
        c = np.moveaxis(self.quintics[table, cell], -1, 0)
        value = ((((c[5] * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0]
        slope = (((5 * c[5] * x + 4 * c[4]) * x + 3 * c[3]) * x + 2 * c[2]) * x + c[1]
        return value, slope / self.step[table]

    def quantiles(self, levels: Array) -> Array:
        """Quantiles of ln E of every table, shape (n, len(levels)); minus infinity at zero energy.

        Parameters
        ----------
        levels : ndarray, shape (m,)
            Levels. [1]
        """
        cells = np.stack([np.searchsorted(row, levels) for row in self.edges])
        cells = np.clip(cells, 1, self.quintics.shape[1])
        table = np.arange(len(self.start))[:, None]
        upper = self.start[:, None] + cells * self.step[:, None]
        found = solve(
            lambda u: self(table, u),
            np.broadcast_to(levels, cells.shape),
            upper - self.step[:, None],
            upper,
        )
        return np.where(levels <= self.edges[:, :1], -np.inf, found)


SIDE = 5
"""Ends of steps on either side that tell the integral over a step: to 1e-11, with STEP_PER_SIGMA
between them."""


def _rule() -> tuple[Array, Array]:
    """Weights of a function and of its slope at the ends on one side of a step, the nearest first.

    They integrate over the step every polynomial that as many numbers determine, as do those of the
    function and its slope, with the opposite sign, on the other side.
    """
    places = (np.arange(SIDE) + 0.5) / SIDE
    even = [Chebyshev.basis(2 * order) for order in range(2 * SIDE)]
    sums = [np.append(2 * p(places), -2 * p.deriv()(places) / SIDE) for p in even]
    whole = [SIDE * (p.integ()(places[0]) - p.integ()(-places[0])) for p in even]
    weights = np.linalg.solve(sums, whole)
    return weights[:SIDE], weights[SIDE:]


OF_FUNCTION, OF_SLOPE = _rule()


def _rises(slope: Array, curvature: Array) -> Array:
    """Rise of a function over each step, from its first two derivatives at the ends, per step.

    They are next to nothing beyond the first and the last end.
    """
    n = len(slope) - 1
    padded = np.zeros((2, n + 2 * SIDE - 1))
    padded[:, SIDE - 1 : SIDE + n] = slope, curvature
    slope, curvature = padded
    rises = np.zeros(n)
    for i, (of_slope, of_curvature) in enumerate(zip(OF_FUNCTION, OF_SLOPE, strict=True)):
        left = slice(SIDE - 1 - i, SIDE - 1 - i + n)
        right = slice(SIDE + i, SIDE + i + n)
        rises += of_slope * (slope[left] + slope[right])
        rises += of_curvature * (curvature[left] - curvature[right])
    return rises


def _distribution(mixture: Mixture, log_energy: Array, step: float) -> Array:
    """Value, slope and curvature (per step and step squared) at each ln E, shape (n, 3).

    The values are sums of the rises that the slopes make, as an exponential takes a fraction of the
    time of a normal distribution function.
    """
    order = np.argsort(mixture.locations)
    locations, weights, sigmas = (
        a[order] for a in (mixture.locations, mixture.weights, mixture.sigmas)
    )
    reach = (REACH + 1) * sigmas.max()
    # log-normals far away do not count
    first = np.searchsorted(locations, log_energy - reach)
    stop = np.searchsorted(locations, log_energy + reach)
    inverse = 1 / sigmas
    heights = weights * step * inverse / np.sqrt(2 * np.pi)
    falls = -heights * step * inverse
    answer = np.empty((len(log_energy), 3))
    parts = len(log_energy) // 32 + 1
    size, longer = divmod(len(log_energy), parts)
    ends = [size * part + min(part, longer) for part in range(parts + 1)]
    for rows in map(slice, ends, ends[1:]):
        a, b = first[rows.start], stop[rows.stop - 1]
        z = (log_energy[rows, None] - locations[a:b]) * inverse[a:b]
        bell = np.exp(-0.5 * z * z)
        answer[rows, 1] = bell @ heights[a:b]
        answer[rows, 2] = (bell * z) @ falls[a:b]
    lowest = mixture.zero_mass + weights @ ndtr((log_energy[0] - locations) * inverse)
    rises = _rises(answer[:, 1], answer[:, 2])
    answer[:, 0] = lowest + np.append(0.0, np.cumsum(rises))
    return answer


LEVER_ACCURACY = 1e-3
"""Relative accuracy of the medians after a lever: levers are published to two digits. [1]"""

CELLS, CUT = 144, 1e-4
"""Cells of ln E that stand for a member before a lever, and levels beyond which they do not go."""


@dataclass(frozen=True, eq=False)
class Blends:
    """Blends of tabulated mixtures, n blends of k members each.

    Parameters
    ----------
    tables : Tables
    member : ndarray of int, shape (n, k)
        Numbers of the tables.
    shift : ndarray, shape (n, k)
        What is added to ln E of each member. [ln Wh]
    share : ndarray, shape (n, k)
        Shares, which add up to one. [1]
    lower, upper : ndarray, shape (n,)
        Quantile levels between which each member is kept. [1]
    """

    tables: Tables
    member: np.ndarray
    shift: np.ndarray
    share: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def _part_quantiles(self, levels: Array) -> Array:
        """Quantiles of ln E of the members, trimmed, without shift; shape (n, k, levels)."""
        trims, which = np.unique(np.stack([self.lower, self.upper]), axis=1, return_inverse=True)
        low, high = trims[0][:, None], trims[1][:, None]
        inner = (low + (high - low) * levels).ravel()
        quantiles = self.tables.quantiles(inner).reshape(-1, len(trims[0]), len(levels))
        return quantiles[self.member, which.ravel()[:, None]]

    def quantiles(self, levels: Array) -> Array:
        """Quantiles of E, shape (n, levels). [Wh]"""
        levels = np.asarray(levels, float)
        parts = self._part_quantiles(levels) + self.shift[..., None]
        # a blend's quantile lies between those of its members
        held = np.where(self.share[..., None] > 0, parts, np.nan)
        lowest, highest = np.nanmin(held, axis=1), np.nanmax(held, axis=1)
        start = self.tables.start[self.member] + self.shift
        lowest = np.maximum(lowest, start.min(axis=1, keepdims=True))
        target = np.broadcast_to(levels, lowest.shape)
        kept = (self.upper - self.lower)[:, None, None]

        def blend(u: Array) -> tuple[Array, Array]:
            value, slope = self.tables(self.member[:, None], u[..., None] - self.shift[:, None])
            inside = (value - self.lower[:, None, None]) / kept
            between = (inside > 0) & (inside < 1)
            share = self.share[:, None]
            return (share * np.clip(inside, 0, 1)).sum(-1), (share * between * slope / kept).sum(-1)

        return np.exp(solve(blend, target, lowest, highest))

    def _cells(self) -> tuple[Array, Array, Array]:
        """Middles, weights and width of cells of ln E of each member, trimmed, without shift."""
        ends = self._part_quantiles(np.array([CUT, 1 - CUT]))
        low, high = np.maximum(ends[..., 0], self.tables.start[self.member]), ends[..., 1]
        edges = np.linspace(low, high, CELLS + 1, axis=-1)
        value, _ = self.tables(self.member[..., None], edges)
        lower, upper = self.lower[:, None, None], self.upper[:, None, None]
        value = np.clip((value - lower) / (upper - lower), 0, 1)
        value[..., 0], value[..., -1] = 0, 1
        return (edges[..., 1:] + edges[..., :-1]) / 2, np.diff(value), (high - low) / CELLS

    def medians_divided_by(self, multipliers: Sequence[LogNormal], medians: Array) -> Array:
        """Medians of E / M for independent log-normals M, shape (n, multipliers). [Wh]

        ``P(ln E - ln M <= x)`` is the mean of ``Phi((x - ln E + mu) / sigma)`` over the queries.
        Cells of ln E stand for them, their own spread added to sigma, to LEVER_ACCURACY.

        Parameters
        ----------
        multipliers : list of LogNormal
            With a spread.
        medians : ndarray, shape (n,)
            Medians of E. [Wh]
        """
        mu = np.array([m.mu for m in multipliers])[:, None]
        sigma = np.array([m.sigma for m in multipliers])[:, None]
        centres, weight, width = self._cells()
        energies = (centres + self.shift[..., None])[:, None]
        weight = self.share[..., None] * weight
        inverse = 1 / np.sqrt(sigma[..., None] ** 2 + (width**2 / 12)[:, None, :, None])
        heights = weight[:, None] * inverse / np.sqrt(2 * np.pi)
        shifted = energies - mu[..., None]

        def divided(x: Array) -> tuple[Array, Array, Array]:
            z = (x[..., None, None] - shifted) * inverse
            below = np.einsum("nlkc,nkc->nl", ndtr(z), weight)
            bells = np.exp(-0.5 * z * z) * heights
            slope = np.einsum("nlkc->nl", bells)
            bells *= z
            bend = -np.einsum("nlkc,nlk->nl", bells, inverse[..., 0])
            return below, slope, bend

        centre = np.log(medians)[:, None] - mu[:, 0]
        reach = 8 * sigma[:, 0]
        target = np.full(centre.shape, 0.5)
        return np.exp(solve(divided, target, centre - reach, centre + reach, SMOOTH))

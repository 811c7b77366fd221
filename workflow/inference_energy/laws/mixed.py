"""Fit of a time that is a sum of parts, with factors that groups of rows share.

    ln t_i = ln sum_j exp(a_ij + b_j + sum_d M_jd (sum_l u_l[g_il, d] + v[c_i, d]))
             + sum_k x_ik w[c_i, k]                                                            (1)

a is the logarithm of part j at known rates; b that of its factor, shared by all rows, with a Normal
prior; u deviation d of the row's group at level l, and v that of the row's configuration, drawn
from Student's t about zero; M says which parts a deviation moves; w is the configuration's slope
along known covariates x of the row, drawn in the same way, so that the law is the less sure the
further a row is from those that are measured. The most probable values are found by Gauss-Newton
steps, of which the v and w are eliminated (Schur complement: they touch only the rows of their
configuration). With every step the weights of Student's t, for residuals and for deviations, the
scatter of each kind of row, and the standard deviations of all deviations, which are drawn towards
those given, are renewed (expectation maximisation). Nothing is drawn at random.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from inference_energy.laws.base import Array

Integers = NDArray[np.int64]
Deviations = tuple[Integers, Array]
"""Numbers of deviations, and their standard deviations."""
Start = tuple[Array, Array, Array, "Structure"]
"""Values, deviations of the configurations, scatter and spreads to start from."""

TAIL = 4.0
"""Degrees of freedom of Student's t, so that a misprint or an odd stack does not bend the fit."""

SPREAD_GROUPS = 10.0
"""Groups that the prior standard deviation of a level's deviations counts as."""

SCATTER, SCATTER_ROWS = 0.05, 20.0
"""Prior scatter of ln t within a configuration, and how many rows it counts as."""

STEPS, TOLERANCE, SHORTEST = 25, 2e-3, 1e-3
"""Steps at most, change of the shared factors and of ln scatter at which they end, and shortest
part of a step."""

BLOCK = 8
"""Rows of one configuration that are multiplied at once."""


@dataclass(frozen=True)
class Structure:
    """What equation (1) consists of.

    Parameters
    ----------
    median, spread : ndarray
        Of the priors of b, by part. [ln]
    moves : ndarray
        M, parts by deviations. [0 or 1]
    levels : tuple of Deviations
        Deviations that each level has.
    own : Deviations
        Deviations that a configuration has.
    along : ndarray
        Standard deviations of its slopes w, by covariate.
    """

    median: Array
    spread: Array
    moves: Array
    levels: tuple[Deviations, ...]
    own: Deviations
    along: Array

    @property
    def own_spread(self) -> Array:
        """Standard deviations of v, then of w."""
        return np.concatenate([self.own[1], self.along])


@dataclass(frozen=True)
class Rows:
    """Where the rows of a fit stand: their groups and configurations.

    Parameters
    ----------
    structure : Structure
        Of the fit.
    groups : ndarray of int
        Number of the row's group, rows by levels.
    own : ndarray of int
        Number of the row's configuration.
    along : ndarray
        Covariates x, rows by covariates.
    """

    structure: Structure
    groups: Integers
    own: Integers
    along: Array

    @cached_property
    def count(self) -> int:
        """Configurations."""
        return int(self.own.max()) + 1

    @cached_property
    def offsets(self) -> Integers:
        """Place of each level's first value, and the number of all values."""
        sizes = [
            (int(group.max()) + 1) * len(moved)
            for group, (moved, _) in zip(self.groups.T, self.structure.levels, strict=True)
        ]
        return len(self.structure.median) + np.cumsum([0, *sizes])

    def spread(self, structure: Structure) -> Array:
        """Standard deviations of all u."""
        return np.concatenate(
            [
                np.tile(sd, int(group.max()) + 1)
                for group, (_, sd) in zip(self.groups.T, structure.levels, strict=True)
            ]
        )

    def respread(self, square: Array, own_square: Array) -> Structure:
        """Structure with the standard deviations that the weighted squares of u and v have."""
        first = self.offsets - len(self.structure.median)
        levels = []
        for (moved, sd), begin, end in zip(
            self.structure.levels, first[:-1], first[1:], strict=True
        ):
            of_groups = square[begin:end].reshape(-1, len(sd))
            levels.append((moved, _spread(of_groups, sd)))
        moved, sd = self.structure.own
        of_own = _spread(own_square, self.structure.own_spread)
        own, along = (moved, of_own[: len(sd)]), of_own[len(sd) :]
        return replace(self.structure, levels=tuple(levels), own=own, along=along)

    @cached_property
    def columns(self) -> Integers:
        """Places of the values that move a configuration's rows, configurations by values."""
        head = self._order[self._first[:-1]]
        found = [np.tile(np.arange(len(self.structure.median)), (self.count, 1))]
        for level, (moved, _) in enumerate(self.structure.levels):
            first = self.offsets[level] + self.groups[head, level] * len(moved)
            found.append(first[:, None] + np.arange(len(moved)))
        return np.concatenate(found, axis=1)

    @cached_property
    def moved(self) -> Integers:
        """Deviation behind each of ``columns`` beyond the shared factors."""
        return np.concatenate([np.asarray(moved, int) for moved, _ in self.structure.levels])

    @cached_property
    def _order(self) -> Integers:
        return np.argsort(self.own, kind="stable")

    @cached_property
    def _first(self) -> Integers:
        return np.searchsorted(self.own[self._order], np.arange(self.count + 1))

    @cached_property
    def _blocks(self) -> tuple[Integers, Integers, Integers]:
        """First block of each configuration, configuration of each block, place of each row."""
        blocks = -(-np.diff(self._first) // BLOCK)
        first = np.cumsum([0, *blocks[:-1]])
        place = np.arange(len(self.own)) - self._first[self.own[self._order]]
        places = np.empty((2, len(self.own)), int)
        places[:, self._order] = first[self.own[self._order]] + place // BLOCK, place % BLOCK
        return first, np.repeat(np.arange(self.count), blocks), places

    @property
    def block_own(self) -> Integers:
        """Configuration of each block."""
        return self._blocks[1]

    def blocks(self, by_row: Array) -> Array:
        """Values by row in blocks of one configuration, filled up with zeros."""
        filled = np.zeros((len(self.block_own), BLOCK, *by_row.shape[1:]))
        filled[tuple(self._blocks[2])] = by_row
        return filled

    def by_row(self, blocks: Array) -> Array:
        """What ``blocks`` made, by row again."""
        return blocks[tuple(self._blocks[2])]

    def by_own(self, blocks: Array) -> Array:
        """Sum over the blocks of each configuration."""
        first, own, _ = self._blocks
        total, count = blocks[first], np.bincount(own)
        for k in range(1, int(count.max())):
            more = count > k
            total[more] += blocks[first[more] + k]
        return total

    def deviations(self, values: Array, own: Array) -> Array:
        """Sum over levels and configuration of equation (1), rows by deviations."""
        total = np.zeros((self.count, self.structure.moves.shape[1]))
        for i, moved in enumerate(self.moved):
            total[:, moved] += values[self.columns[:, len(self.structure.median) + i]]
        total[:, self.structure.own[0]] += own[:, : len(self.structure.own[0])]
        return total[self.own]

    @cached_property
    def _pairs(self) -> Integers:
        """Places of pairs of ``columns`` in a matrix of all values by all values, laid flat."""
        return self.columns[:, :, None] * self.offsets[-1] + self.columns[:, None, :]

    def drift(self, own: Array) -> Array:
        """Change of ln t of every row along its covariates."""
        return np.asarray((self.along * own[self.own, len(self.structure.own[0]) :]).sum(axis=1))

    def matrix(self, by_own: Array) -> Array:
        """Sum of the configurations' matrices over ``columns``, all values by all values."""
        size = self.offsets[-1]
        total = np.bincount(self._pairs.ravel(), by_own.ravel(), minlength=size**2)
        return np.asarray(total, np.float64).reshape(size, size)

    def local(self, matrix: Array) -> Array:
        """Part of a matrix of all values by all values that each configuration's rows see."""
        return matrix.ravel().take(self._pairs)

    def vector(self, by_own: Array) -> Array:
        """Sum of the configurations' vectors over ``columns``, by value."""
        size = self.offsets[-1]
        total = np.bincount(self.columns.ravel(), by_own.ravel(), minlength=size)
        return np.asarray(total, np.float64)


@dataclass(frozen=True)
class Mixed:
    """A fit of equation (1).

    Parameters
    ----------
    structure : Structure
        Of the equation.
    offsets : ndarray of int
        Place of each level's first value.
    columns : ndarray of int
        Places of the values that move a configuration's rows, configurations by values.
    values, covariance : ndarray
        b and all u, and their covariance. [ln]
    own, own_covariance, own_gain : ndarray
        v and w of each configuration, their covariance given the values, and their change per
        change of the values ``columns``.
    scatter : ndarray
        Scale of Student's t of each kind of row. [ln]
    """

    structure: Structure
    offsets: Integers
    columns: Integers
    values: Array
    covariance: Array
    own: Array
    own_covariance: Array
    own_gain: Array
    scatter: Array

    def start(self, groups: list[Integers], own: Integers) -> tuple[Array, Array]:
        """Values, and deviations of the configurations, to start a fit to other rows from.

        Parameters
        ----------
        groups : list of ndarray of int
            For each level the number here of every group there; negative if there is none.
        own : ndarray of int
            The same of the configurations.
        """
        values = [self.values[: len(self.structure.median)]]
        for level, known in enumerate(groups):
            here = self.values[self.places(level, known)]
            values.append(np.where(known[:, None] >= 0, here, 0.0).ravel())
        deviations = np.where(own[:, None] >= 0, self.own[own], 0.0)
        return np.concatenate(values), deviations

    def places(self, level: int, group: Integers) -> Integers:
        """Places of the values of groups of a level, groups by deviations."""
        n = len(self.structure.levels[level][0])
        return self.offsets[level] + group[:, None] * n + np.arange(n)

    def of(self, groups: Integers, own: int) -> tuple[Array, Array]:
        """Mean and covariance of the logarithms of one configuration's factors, and of its slopes.

        By part, and then by covariate.

        Parameters
        ----------
        groups : ndarray of int
            Number of its group at every level; negative if it was not in the fit, and so drawn.
        own : int
            Its number; negative if it was not in the fit.
        """
        s = self.structure
        n, size = len(s.median), len(s.median) + len(s.along)
        own_slope = np.zeros((size, len(s.own_spread)))
        own_slope[:n, : len(s.own[0])] = s.moves[:, s.own[0]]
        own_slope[n:, len(s.own[0]) :] = np.eye(len(s.along))
        places, slopes = [np.arange(n)], [np.eye(size, n)]
        drawn = np.zeros((size, size))
        for level, (moved, sd) in enumerate(s.levels):
            by_part = np.zeros((size, len(sd)))
            by_part[:n] = s.moves[:, moved]
            if groups[level] < 0:
                drawn += (by_part * np.square(sd)) @ by_part.T
                continue
            places.append(self.places(level, groups[level : level + 1])[0])
            slopes.append(by_part)
        place, slope = np.concatenate(places), np.concatenate(slopes, axis=1)
        mean = slope @ self.values[place]
        if own < 0:
            drawn += (own_slope * np.square(s.own_spread)) @ own_slope.T
        else:
            mean = mean + own_slope @ self.own[own]
            drawn += own_slope @ self.own_covariance[own] @ own_slope.T
            slope = slope + own_slope @ self.own_gain[own]
        return mean, slope @ self.covariance[np.ix_(place, place)] @ slope.T + drawn


def log_sum(log_parts: Array, factors: Array) -> tuple[Array, Array]:
    """Logarithm of the sum of parts times factors over the last axis, and the parts' shares."""
    logs = log_parts + factors
    largest = logs.max(axis=-1, keepdims=True)
    parts = np.exp(logs - largest)
    total = parts.sum(axis=-1, keepdims=True)
    return (largest + np.log(total))[..., 0], parts / total


def fit(
    log_parts: Array,
    log_time: Array,
    rows: Rows,
    kind: Integers,
    start: Start | None = None,
    steps: int = STEPS,
) -> Mixed:
    """Fit equation (1).

    Parameters
    ----------
    log_parts : ndarray
        a, rows by parts; minus infinity where a row does not have the part.
    log_time : ndarray
        ln t of the rows.
    rows : Rows
        Where they stand.
    kind : ndarray of int
        Kind of the rows, each with a scatter of its own.
    start : Start, optional
        Where to start, of ``Mixed.start``; the centre of the priors unless given.
    steps : int
        Steps at most.
    """
    s, n = rows.structure, len(rows.structure.median)
    centre = np.concatenate([s.median, np.zeros(rows.offsets[-1] - n)])
    none = np.zeros((rows.count, len(s.own_spread)))
    values, own, scatter, s = start or (centre, none, np.full(int(kind.max()) + 1, SCATTER), s)
    spread, own_spread = rows.spread(s), s.own_spread
    weight, tail, own_tail = np.ones(len(log_time)), np.ones(len(spread)), np.ones(own.shape)

    def predict(values: Array, own: Array) -> tuple[Array, Array]:
        log_fit, share = log_sum(log_parts, values[:n] + rows.deviations(values, own) @ s.moves.T)
        return log_fit + rows.drift(own), share

    log_fit, share = predict(values, own)
    for _ in range(steps):
        precision = np.concatenate([1 / s.spread**2, tail / spread**2])
        own_precision = own_tail / own_spread**2
        scale = weight / scatter[kind] ** 2

        def misfit(
            error: Array,
            values: Array,
            own: Array,
            given: tuple[Array, ...] = (scale, precision, own_precision),
        ) -> float:
            away = values - centre
            squares = (error**2, away**2, own**2)
            return float(sum((w * x).sum() for w, x in zip(given, squares, strict=True)))

        step = _step(
            rows, share, log_fit - log_time, scale, values - centre, own, precision, own_precision
        )
        now, length = misfit(log_fit - log_time, values, own), 1.0
        while True:
            new, new_own = values + length * step.values, own + length * step.own
            log_fit, share = predict(new, new_own)
            if length < SHORTEST or misfit(log_fit - log_time, new, new_own) <= now:
                break
            length /= 2
        values, own = new, new_own
        variance, own_variance = _variances(rows, share, step)
        square = (log_fit - log_time) ** 2 + variance
        u_square, v_square = values[n:] ** 2 + np.diag(step.covariance)[n:], own**2 + own_variance
        tail, own_tail = _weight(u_square / spread**2), _weight(v_square / own_spread**2)
        s = rows.respread(tail * u_square, own_tail * v_square)
        spread, own_spread = rows.spread(s), s.own_spread
        weight = _weight(square / scatter[kind] ** 2)
        total = np.bincount(kind, weight * square) + SCATTER_ROWS * SCATTER**2
        renewed = np.sqrt(total / (np.bincount(kind) + SCATTER_ROWS))
        moved = np.abs(length * step.values[:n]).max()
        done = max(np.abs(np.log(renewed / scatter)).max(), moved) < TOLERANCE
        scatter = renewed
        if done:
            break
    return Mixed(
        s,
        rows.offsets[:-1],
        rows.columns,
        values,
        step.covariance,
        own,
        step.own_covariance,
        -step.gain,
        scatter,
    )


def _spread(square: Array, prior: Array) -> Array:
    """Standard deviation of groups [rows of square], drawn towards that of the prior."""
    total = square.sum(axis=0) + SPREAD_GROUPS * np.square(prior)
    return np.asarray(np.sqrt(total / (len(square) + SPREAD_GROUPS)), np.float64)


def _weight(square: Array) -> Array:
    """Weight of a value that is Student's t, by its square in units of its scale."""
    return (TAIL + 1) / (TAIL + square)


@dataclass(frozen=True)
class _Step:
    """A Gauss-Newton step, and the covariance at its start."""

    values: Array
    own: Array
    covariance: Array
    own_covariance: Array
    gain: Array


def _slopes(rows: Rows, share: Array) -> tuple[Array, Array]:
    """Change of ln t per change of the values of ``columns``, and of the v, in blocks."""
    moved = share @ rows.structure.moves
    by_value = np.concatenate([share, moved[:, rows.moved]], axis=1)
    by_own = np.concatenate([moved[:, rows.structure.own[0]], rows.along], axis=1)
    return rows.blocks(by_value), rows.blocks(by_own)


def _step(
    rows: Rows,
    share: Array,
    error: Array,
    scale: Array,
    away: Array,
    own: Array,
    precision: Array,
    own_precision: Array,
) -> _Step:
    slope, own_slope = _slopes(rows, share)
    both, k = np.concatenate([slope, own_slope], axis=2), slope.shape[2]
    weighted = (rows.blocks(scale)[:, :, None] * both).transpose(0, 2, 1)
    square = rows.by_own(weighted @ both)
    gradient = rows.by_own((weighted @ rows.blocks(error)[:, :, None])[:, :, 0])
    own_square = square[:, k:, k:] + own_precision[:, :, None] * np.eye(own.shape[1])
    own_covariance = np.linalg.inv(own_square)
    gain = own_covariance @ square[:, k:, :k]
    own_gradient = gradient[:, k:] + own_precision * own
    matrix = rows.matrix(square[:, :k, :k] - square[:, :k, k:] @ gain) + np.diag(precision)
    reduced = gradient[:, :k] - np.einsum("cdk,cd->ck", gain, own_gradient)
    factor = scipy.linalg.cho_factor(matrix, lower=True, check_finite=False)
    values = -scipy.linalg.cho_solve(
        factor, rows.vector(reduced) + precision * away, check_finite=False
    )
    own_step = -np.einsum("cde,ce->cd", own_covariance, own_gradient)
    own_step -= np.einsum("cdk,ck->cd", gain, values[rows.columns])
    of_own = np.asarray(own_covariance, np.float64)
    return _Step(values, own_step, _inverse(factor[0]), of_own, gain)


def _inverse(factor: Array) -> Array:
    """Inverse of the matrix of which this is the lower Cholesky factor."""
    lower, _ = scipy.linalg.lapack.dpotri(factor, lower=1)
    inverse = np.tril(lower)
    return inverse + np.tril(inverse, -1).T


def _variances(rows: Rows, share: Array, step: _Step) -> tuple[Array, Array]:
    """Variance of ln t of every row, and of every v, from the fit's parameters."""
    of = rows.block_own
    local = rows.local(step.covariance)
    slope, own_slope = _slopes(rows, share)
    slope = slope - own_slope @ step.gain[of]
    variance = ((slope @ local[of]) * slope).sum(axis=2)
    variance += ((own_slope @ step.own_covariance[of]) * own_slope).sum(axis=2)
    own_variance = np.diagonal(step.own_covariance, axis1=1, axis2=2)
    return rows.by_row(variance), own_variance + ((step.gain @ local) * step.gain).sum(axis=2)

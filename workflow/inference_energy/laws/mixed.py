"""Fit of a time that is a sum of parts, with factors that groups of rows share.

    ln t_i = ln (G_i^2 + H_i^2)^(1/2) + sum_k x_ik w[c_i, k],    G_i, H_i =
             sum_j exp(a_ij + b_j + sum_d M_jd (sum_l u_l[g_il, d] + v[c_i, d]))               (1)

G is the sum over most parts j, H that over those that pass meanwhile: of two equal times 1.41 times
either shows, of unequal ones little more than the longer. a is the logarithm of part j at known
rates; b that of its factor, shared by all rows, with a Normal prior; u deviation d of the row's
group at level l, and v that of the row's configuration, drawn about zero, from a Normal
distribution at the first levels and from Student's t at the others; M says which parts a deviation
moves; w is the configuration's slope along known covariates x of the row, drawn as v is, so that
the law is the less sure the further a row is from those that are measured. The most probable values
are found by Gauss-Newton steps, of which the v and w are eliminated (Schur complement: they touch
only the rows of their configuration), then the u of groups that lie in those of one level. With
every step the weights of Student's t, for residuals and for deviations, are renewed, and by them
the scatter of each kind of row and the standard deviations of all deviations, which are drawn
towards those given (``laws.spreads``). Nothing is drawn at random.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from inference_energy.laws.base import Array
from inference_energy.laws.shared_fits import shared
from inference_energy.laws.spreads import fixed_point, renewed

Integers = NDArray[np.int64]
Deviations = tuple[Integers, Array]
"""Numbers of deviations, and their standard deviations."""
TAIL = 4.0
"""Degrees of freedom of Student's t, so that a misprint or an odd stack does not bend the fit."""

SPREAD_GROUPS = 10.0
"""Groups that the prior standard deviation of a level's deviations counts as."""

SCATTER, SCATTER_ROWS = 0.05, 20.0
"""Prior scatter of ln t within a configuration, and how many rows it counts as."""

STEPS, TOLERANCE, SHORTEST = 200, 1e-3, 1e-3
"""Steps at most, change at which they end (root mean square over all that is fitted, in standard
deviations and logarithms), and shortest part of a step. Where all but single configurations have
come to an end, those may still go from being odd as a whole to being odd in some rows: on models
that are left out of the fit, predictions move by 0.01 to 1.4 % until nothing moves at all."""


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
    hidden : ndarray of bool
        Parts that make H of equation (1).
    normal : int
        Levels whose deviations are Normal, the first ones: what is odd is put down to groups of the
        others, whose deviations are Student's t.
    """

    median: Array
    spread: Array
    moves: Array
    levels: tuple[Deviations, ...]
    own: Deviations
    along: Array
    hidden: NDArray[np.bool_]
    normal: int = 0

    @property
    def own_spread(self) -> Array:
        """Standard deviations of v, then of w."""
        return np.concatenate([self.own[1], self.along])

    @property
    def spreads(self) -> Array:
        """Standard deviations of all deviations: level by level, then of v and w."""
        return np.concatenate([*(sd for _, sd in self.levels), self.own_spread])

    def with_spreads(self, spreads: Array) -> "Structure":
        """The same with other ``spreads``."""
        sizes = [len(sd) for _, sd in self.levels] + [len(self.own[1])]
        *levels, own, along = np.split(spreads, np.cumsum(sizes))
        named = zip(self.levels, levels, strict=True)
        return replace(
            self,
            levels=tuple((moved, sd) for (moved, _), sd in named),
            own=(self.own[0], own),
            along=along,
        )


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
        Number of the row's configuration. Rows of one stand side by side, in the order of these
        numbers, which is that of how many rows it has.
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

    @cached_property
    def _drawn(self) -> Integers:
        """Place of every u's standard deviation in ``Structure.spreads``."""
        first, found = 0, []
        for group, (moved, _) in zip(self.groups.T, self.structure.levels, strict=True):
            found.append(np.tile(first + np.arange(len(moved)), int(group.max()) + 1))
            first += len(moved)
        return np.concatenate(found)

    def spread(self, spreads: Array) -> Array:
        """Standard deviations of all u, from what ``Structure.spreads`` gives."""
        return spreads[self._drawn]

    def by_spread(self, of_values: Array, of_own: Array) -> Array:
        """Sums over what has one standard deviation, in the order of ``Structure.spreads``."""
        return np.concatenate([np.bincount(self._drawn, of_values), of_own.sum(axis=0)])

    @cached_property
    def _groups_of_own(self) -> Integers:
        """Groups of every configuration."""
        return self.groups[self._first[:-1]]

    @cached_property
    def columns(self) -> Integers:
        """Places of the values that move a configuration's rows, configurations by values."""
        found = [np.tile(np.arange(len(self.structure.median)), (self.count, 1))]
        for level, (moved, _) in enumerate(self.structure.levels):
            first = self.offsets[level] + self._groups_of_own[:, level] * len(moved)
            found.append(first[:, None] + np.arange(len(moved)))
        return np.concatenate(found, axis=1)

    @cached_property
    def features(self) -> Integers:
        """Part or, after the parts, deviation behind each of ``columns``.

        A row's ln t changes with all values of one feature alike, whatever level they are of.
        """
        parts = len(self.structure.median)
        moved = [parts + moved for moved, _ in self.structure.levels]
        return np.concatenate([np.arange(parts), *moved])

    @cached_property
    def own_features(self) -> Integers:
        """The same behind the v, and behind the w the covariates, which come after."""
        parts, deviations = self.structure.moves.shape
        slopes = parts + deviations + np.arange(len(self.structure.along))
        return np.concatenate([parts + self.structure.own[0], slopes])

    @cached_property
    def _seen(self) -> Array:
        """Which of ``columns`` is of which feature, 0 or 1."""
        return np.eye(sum(self.structure.moves.shape))[self.features]

    @cached_property
    def nested(self) -> int:
        """First level in whose groups the groups of all later levels lie."""
        levels = range(len(self.structure.levels))
        return next(k for k in levels if all(self._lies_in(later, k) for later in levels[k:]))

    def _lies_in(self, level: int, other: int) -> bool:
        groups, others = self._groups_of_own[:, [level, other]].T
        both = groups * (int(others.max()) + 1) + others
        return len(np.unique(both)) == len(np.unique(groups))

    @cached_property
    def clusters(self) -> list[tuple[Integers, Integers]]:
        """Values of each group of ``nested`` and of the groups in it, and those of other levels.

        No row is of two clusters, so that the former can be eliminated one cluster at a time.
        """
        of, first = self._groups_of_own[:, self.nested], self.offsets[self.nested]
        found = [np.unique(self.columns[of == k]) for k in range(int(of.max()) + 1)]
        return [(places[places >= first], places[places < first]) for places in found]

    @cached_property
    def cluster(self) -> Integers:
        """Cluster that every value is an own one of, and -1 of values of other levels."""
        found = np.full(int(self.offsets[-1]), -1)
        for k, (own, _) in enumerate(self.clusters):
            found[own] = k
        return found

    @cached_property
    def seen_pairs(self) -> list[Integers]:
        """Places of pairs of each cluster's values of other levels, in a matrix of those levels."""
        size = int(self.offsets[self.nested])
        return [seen[:, None] * size + seen for _, seen in self.clusters]

    @cached_property
    def blocks(self) -> list[slice]:
        """Place of each cluster's matrix, laid flat: its own values by those it sees, then own."""
        sizes = [len(own) * (len(own) + len(seen)) for own, seen in self.clusters]
        ends = np.cumsum([0, *sizes])
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]

    @cached_property
    def _first_own(self) -> int:
        """First of ``columns`` that is of a cluster's own values."""
        return int((self.columns[0] < self.offsets[self.nested]).sum())

    @cached_property
    def _tops(self) -> tuple[Integers, Integers]:
        """First of configurations that share all groups before ``nested``; of each, which share."""
        before = self._groups_of_own[:, : self.nested]
        _, first, of = np.unique(before, axis=0, return_index=True, return_inverse=True)
        return first, of

    @cached_property
    def _sum_by_top(self) -> scipy.sparse.csr_array:
        """Sums over these configurations, 0 or 1."""
        first, of = self._tops
        one = np.ones(self.count), (of, np.arange(self.count))
        return scipy.sparse.csr_array(one, shape=(len(first), self.count))

    @cached_property
    def _top_pairs(self) -> Integers:
        """Places of pairs of ``columns`` in a matrix of the levels before ``nested``, laid flat.

        The first of a pair is no part: pairs of parts have one place in all configurations.
        """
        of_top = self.columns[self._tops[0], : self._first_own]
        first = of_top[:, len(self.structure.median) :]
        return np.asarray(first[:, :, None] * self.offsets[self.nested] + of_top[:, None, :])

    @cached_property
    def _own_pairs(self) -> Integers:
        """Places of pairs of ``columns``, the first of them a cluster's own, in ``blocks``."""
        of, columns = self._groups_of_own[:, self.nested], self.columns
        found = np.empty((*columns[:, self._first_own :].shape, columns.shape[1]), np.int64)
        for k, ((own, seen), block) in enumerate(zip(self.clusters, self.blocks, strict=True)):
            both = np.concatenate([seen, own])
            place = np.searchsorted(both, columns[of == k])
            row = place[:, self._first_own :, None] - len(seen)
            found[of == k] = block.start + row * len(both) + place[:, None, :]
        return found

    @cached_property
    def _first(self) -> Integers:
        """Place of each configuration's first row, and the number of all."""
        return np.searchsorted(self.own, np.arange(self.count + 1))

    @cached_property
    def _alike(self) -> list[tuple[slice, slice, int]]:
        """Rows, and configurations, of all configurations with one number of rows, and that."""
        size = np.diff(self._first)
        ends = [*np.flatnonzero(np.diff(size, prepend=0)).tolist(), self.count]
        return [
            (slice(int(self._first[a]), int(self._first[b])), slice(a, b), int(size[a]))
            for a, b in pairwise(ends)
        ]

    def sums(self, left: Array, right: Array) -> Array:
        """Sums over the rows of each configuration: left times right."""
        found = np.empty((self.count, left.shape[1], right.shape[1]))
        for rows, own, size in self._alike:
            first, second = (a[rows].reshape(-1, size, a.shape[1]) for a in (left, right))
            np.matmul(first.transpose(0, 2, 1), second, out=found[own])
        return found

    def times(self, by_row: Array, by_own: Array) -> Array:
        """Every row's vector times the matrix of its configuration."""
        found = np.empty((len(by_row), by_own.shape[2]))
        for rows, own, size in self._alike:
            left, given = (a[rows].reshape(-1, size, a.shape[1]) for a in (by_row, found))
            np.matmul(left, by_own[own], out=given)
        return found

    def seen(self, values: Array) -> Array:
        """Sum of the values behind every feature, configurations by features."""
        return values[self.columns] @ self._seen

    def deviations(self, values: Array, own: Array) -> Array:
        """Sum over levels and configuration of equation (1), configurations by deviations."""
        total = self.seen(values)[:, len(self.structure.median) :]
        total[:, self.structure.own[0]] += own[:, : len(self.structure.own[0])]
        return total

    def drift(self, own: Array) -> Array:
        """Change of ln t of every row along its covariates."""
        return np.asarray((self.along * own[self.own, len(self.structure.own[0]) :]).sum(axis=1))

    @cached_property
    def _pairs_of_features(self) -> tuple[Integers, Integers]:
        """Places of the features of ``_top_pairs`` and of ``_own_pairs``, deviations by all."""
        parts, own, of = len(self.structure.median), self._first_own, self.features
        first = (of - parts)[:, None] * sum(self.structure.moves.shape)
        return (first[parts:own] + of[:own]).ravel(), (first[own:] + of).ravel()

    def matrices(self, of_parts: Array, by_own: Array) -> tuple[Array, Array]:
        """Sum of the configurations' matrices over features, values by values.

        Of the levels before ``nested``, whose upper half is not filled, and in ``blocks``. Given
        are the sum over parts by parts, and of each configuration the deviations by all features.
        """
        size, flat = int(self.offsets[self.nested]), by_own.reshape(self.count, -1)
        of_top, of_own = self._pairs_of_features

        def summed(by: Array, places: Integers, features: Integers, stop: int) -> Array:
            weights = by.take(features, axis=1).ravel()
            return np.asarray(np.bincount(places.ravel(), weights, minlength=stop), np.float64)

        top = summed(self._sum_by_top @ flat, self._top_pairs, of_top, size * size)
        top = top.reshape(size, size)
        top[: len(of_parts), : len(of_parts)] = of_parts
        return top, summed(flat, self._own_pairs, of_own, self.blocks[-1].stop)

    def vector(self, of_parts: Array, by_own: Array) -> Array:
        """Sum of the configurations' vectors over features, by value; given as to ``matrices``."""
        n = len(of_parts)
        spread = by_own[:, self.features[n:] - n]
        total = np.bincount(self.columns[:, n:].ravel(), spread.ravel())
        total[:n] = of_parts
        return np.asarray(total, np.float64)

    def seen_covariance(self, top: Array, in_blocks: Array) -> Array:
        """Covariance of what ``seen`` gives, from the values' before ``nested``, and own.

        Of deviations with all features, by configuration: that of parts with parts is the values'.
        """
        parts, own, of = len(self.structure.median), self._first_own, self._tops[1]
        of_top, of_own = self._seen[parts:own, parts:], self._seen[own:, parts:]
        by_top = of_top.T @ top.take(self._top_pairs)
        by_own = of_own.T @ in_blocks.take(self._own_pairs)
        across = by_own[:, :, parts:own] @ of_top
        found = np.empty((self.count, of_top.shape[1], sum(self.structure.moves.shape)))
        np.add(by_top[of, :, :parts], by_own[:, :, :parts], out=found[:, :, :parts])
        np.add(across, across.transpose(0, 2, 1), out=found[:, :, parts:])
        found[:, :, parts:] += (by_top[:, :, parts:] @ of_top)[of] + by_own[:, :, own:] @ of_own
        return found


@dataclass(frozen=True)
class Mixed:
    """A fit of equation (1).

    Parameters
    ----------
    structure : Structure
        Of the equation.
    offsets : ndarray of int
        Place of each level's first value.
    values : ndarray
        b and all u. [ln]
    covariance : callable
        Gives their covariance at ascending places, but for that of u which no row has together.
    own, own_covariance, own_gain : ndarray
        v and w of each configuration, their covariance given the values, and their change per
        change of the values that move its rows.
    scatter : ndarray
        Scale of Student's t of each kind of row. [ln]
    state : State
        All that the last step gave.
    """

    structure: Structure
    offsets: Integers
    values: Array
    covariance: Callable[[Integers], Array]
    own: Array
    own_covariance: Array
    own_gain: Array
    scatter: Array
    state: "State"

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
            places.append(self.places(level, groups[[level]])[0])
            slopes.append(by_part)
        place, slope = np.concatenate(places), np.concatenate(slopes, axis=1)
        mean = slope @ self.values[place]
        if own < 0:
            drawn += (own_slope * np.square(s.own_spread)) @ own_slope.T
        else:
            mean = mean + own_slope @ self.own[own]
            drawn += own_slope @ self.own_covariance[own] @ own_slope.T
            slope = slope + own_slope @ self.own_gain[own]
        return mean, slope @ self.covariance(place) @ slope.T + drawn


def time_of(parts: Array, hidden: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Logarithm of the time of parts over the last axis, and the parts' shares.

    Parameters
    ----------
    parts : ndarray
        Times, parts last, of which at least one is above zero. [s]
    hidden : ndarray of bool
        Parts that pass while the others do, H of equation (1).

    Returns
    -------
    log_time : ndarray
        ln of (G^2 + H^2)^(1/2).
    share : ndarray
        Change of log_time per change of each part's logarithm; they sum to one.
    """
    both = parts @ np.stack([~hidden, hidden], axis=-1).astype(float)
    time = np.hypot(both[..., 0], both[..., 1])
    by_kind = both / time[..., None] / time[..., None]
    return np.log(time), parts * by_kind.take(hidden.astype(int), axis=-1)


@dataclass(frozen=True)
class State:
    """What a step renews: values, deviations, weights of Student's t, spreads and scatter."""

    values: Array
    own: Array
    weight: Array
    tail: Array
    own_tail: Array
    spreads: Array
    scatter: Array


@dataclass(frozen=True)
class _Problem:
    """Rows to which equation (1) is fitted, as of ``fit``."""

    parts: Array
    log_time: Array
    rows: Rows
    kind: Integers

    def given(self) -> Iterator[NDArray[Any]]:
        """All that the fit depends on besides where it begins."""
        rows, s = self.rows, self.rows.structure
        yield from (self.parts, self.log_time, self.kind, rows.groups, rows.own, rows.along)
        yield from (s.median, s.spread, s.moves, s.along, s.hidden, np.array(s.normal), *s.own)
        for level in s.levels:
            yield from level

    @cached_property
    def centre(self) -> Array:
        """Centre of the priors of the values."""
        s, size = self.rows.structure, int(self.rows.offsets[-1])
        return np.concatenate([s.median, np.zeros(size - len(s.median))])

    @cached_property
    def _units(self) -> State:
        """Prior standard deviations of values and deviations; the others are logarithms."""
        s, rows = self.rows.structure, self.rows
        return State(
            np.concatenate([s.spread, rows.spread(s.spreads)]),
            np.tile(s.own_spread, (rows.count, 1)),
            np.ones(len(self.log_time)),
            np.ones(len(self.centre) - len(s.median)),
            np.ones((rows.count, len(s.own_spread))),
            np.ones(len(s.spreads)),
            np.ones(int(self.kind.max()) + 1),
        )

    def flat(self, state: State) -> Array:
        """All that a step renews, one number after the other, in units that count alike."""
        values, own, *positive = vars(state).values()
        parts = [values / self._units.values, own / self._units.own, *map(np.log, positive)]
        return np.concatenate([part.ravel() for part in parts])

    def state(self, flat: Array) -> State:
        """What ``flat`` was made of."""
        units = list(vars(self._units).values())
        split = np.split(flat, np.cumsum([unit.size for unit in units[:-1]]))
        values, own, *logs = (
            part.reshape(unit.shape) for part, unit in zip(split, units, strict=True)
        )
        return State(values * units[0], own * units[1], *map(np.exp, logs))

    def start(self) -> State:
        """Where the steps begin: at the centre of the priors, so that no other rows tell of it."""
        units, s = self._units, self.rows.structure
        none, scatter = np.zeros(units.own.shape), np.full(units.scatter.shape, SCATTER)
        return replace(units, values=self.centre, own=none, spreads=s.spreads, scatter=scatter)

    def predict(self, values: Array, own: Array) -> tuple[Array, Array]:
        """Logarithm of t of the rows, and the parts' shares of t."""
        s, n = self.rows.structure, len(self.rows.structure.median)
        factors = values[:n] + self.rows.deviations(values, own) @ s.moves.T
        log_fit, share = time_of(self.parts * np.exp(factors)[self.rows.own], s.hidden)
        return log_fit + self.rows.drift(own), share

    def newton(self, state: State, log_fit: Array, share: Array) -> "_Step":
        """Gauss-Newton step from what ``predict`` gives, with the weights that it takes."""
        spread, own_spread = self.rows.spread(state.spreads), state.spreads[-state.own.shape[1] :]
        return _step(
            self.rows,
            share,
            log_fit - self.log_time,
            state.weight / state.scatter[self.kind] ** 2,
            state.values - self.centre,
            state.own,
            np.concatenate([1 / self.rows.structure.spread**2, state.tail / spread**2]),
            state.own_tail / own_spread**2,
        )

    def misfit(self, step: "_Step", log_fit: Array, values: Array, own: Array) -> float:
        """What a step is to lower: squares by the weights of the step."""
        squares = ((log_fit - self.log_time) ** 2, (values - self.centre) ** 2, own**2)
        weights = (step.scale, step.precision, step.own_precision)
        return float(sum((w * x).sum() for w, x in zip(weights, squares, strict=True)))

    def renewed(self, state: State) -> State:
        """State after a step: shortened until the misfit falls; then weights and spreads."""
        rows, n = self.rows, len(self.rows.structure.median)
        log_fit, share = self.predict(state.values, state.own)
        step, length = self.newton(state, log_fit, share), 1.0
        now = self.misfit(step, log_fit, state.values, state.own)
        while True:
            values, own = state.values + length * step.values, state.own + length * step.own
            log_fit, share = self.predict(values, own)
            if length < SHORTEST or self.misfit(step, log_fit, values, own) <= now:
                break
            length /= 2
        in_blocks = step.solved.in_blocks(rows)
        variance, own_variance = _variances(rows, share, step, in_blocks)
        value_variance = step.solved.variance(rows, in_blocks)[n:]
        spread = rows.spread(state.spreads)
        own_spread, scatter = state.spreads[-own.shape[1] :], state.scatter[self.kind]
        error = log_fit - self.log_time
        weight = _weight(np.hypot(error, np.sqrt(variance)) / scatter)
        tail = _weight(np.hypot(values[n:], np.sqrt(value_variance)) / spread)
        tail[: rows.offsets[rows.structure.normal] - n] = 1.0
        own_tail = _weight(np.hypot(own, np.sqrt(own_variance)) / own_spread)
        spreads = renewed(
            rows.by_spread(tail * values[n:] ** 2, own_tail * own**2),
            rows.by_spread(
                1 - tail * value_variance / spread**2, 1 - own_tail * own_variance / own_spread**2
            ),
            rows.structure.spreads,
            SPREAD_GROUPS,
        )
        known = np.bincount(self.kind, 1 - weight * variance / scatter**2)
        scatter = renewed(np.bincount(self.kind, weight * error**2), known, SCATTER, SCATTER_ROWS)
        return State(values, own, weight, tail, own_tail, spreads, scatter)


def fit(
    parts: Array,
    log_time: Array,
    rows: Rows,
    kind: Integers,
    steps: int = STEPS,
    start: State | None = None,
) -> Mixed:
    """Fit equation (1).

    Parameters
    ----------
    parts : ndarray
        exp(a), rows by parts; zero where a row does not have the part. [s]
    log_time : ndarray
        ln t of the rows.
    rows : Rows
        Where they stand; here in any order, and the configurations too.
    kind : ndarray of int
        Kind of the rows, each with a scatter of its own.
    steps : int
        Steps at most.
    start : State, optional
        Where to begin: that of a fit to the same rows with other prior spreads.
    """
    number = np.argsort(np.argsort(np.bincount(rows.own), kind="stable"))
    own = number[rows.own]
    order = np.argsort(own, kind="stable")
    rows = replace(rows, groups=rows.groups[order], own=own[order], along=rows.along[order])
    problem = _Problem(parts[order], log_time[order], rows, kind[order])
    first = problem.flat(start or problem.start())
    found = problem.state(
        shared(
            [first, np.array(steps), *problem.given()],
            lambda: fixed_point(
                lambda flat: problem.flat(problem.renewed(problem.state(flat))),
                first,
                TOLERANCE,
                steps,
            ),
        )
    )
    step = problem.newton(found, *problem.predict(found.values, found.own))
    return Mixed(
        rows.structure.with_spreads(found.spreads),
        rows.offsets[:-1],
        found.values,
        partial(step.solved.covariance, rows),
        found.own[number],
        step.own_covariance[number],
        -step.gain[number][:, :, rows.features],
        found.scatter,
        found,
    )


def _weight(away: Array) -> Array:
    """Weight of a value that is Student's t, by its distance in units of its scale."""
    return (TAIL + 1) / (TAIL + away**2)


@dataclass(frozen=True)
class _Solved:
    """Solution of the normal equations of the values, and what their covariance follows from.

    Parameters
    ----------
    solution : ndarray
        By value.
    top : ndarray
        Covariance of the values of levels before ``Rows.nested``.
    inverses, gains : list of ndarray
        Of every cluster: covariance of its own values given the others, and their change per change
        of those that it sees.
    """

    solution: Array
    top: Array
    inverses: list[Array]
    gains: list[Array]

    def in_blocks(self, rows: Rows) -> Array:
        """Covariance of each cluster's own values, in ``Rows.blocks``."""
        found = np.empty(rows.blocks[-1].stop)
        for block, pairs, inverse, gain in zip(
            rows.blocks, rows.seen_pairs, self.inverses, self.gains, strict=True
        ):
            local, n = found[block].reshape(len(inverse), -1), len(pairs)
            side = np.matmul(gain, self.top.take(pairs), out=local[:, :n])
            np.add(inverse, side @ gain.T, out=local[:, n:])
        return found

    def variance(self, rows: Rows, in_blocks: Array) -> Array:
        """Variance of every value, from what :meth:`in_blocks` gives."""
        found = np.empty(int(rows.offsets[-1]))
        found[: len(self.top)] = np.diag(self.top)
        for block, (own, seen) in zip(rows.blocks, rows.clusters, strict=True):
            found[own] = in_blocks[block][len(seen) :: len(seen) + len(own) + 1]
        return found

    def covariance(self, rows: Rows, places: Integers) -> Array:
        """Covariance of the values at ascending places, zero between clusters."""
        found = np.zeros((len(places),) * 2)
        top, cluster = places[places < len(self.top)], rows.cluster[places]
        n = len(top)
        found[:n, :n] = self.top[top[:, None], top]
        for k in set(cluster[n:].tolist()):
            (own, seen), here = rows.clusters[k], np.flatnonzero(cluster == k)
            at = np.searchsorted(own, places[here])
            gain = self.gains[k][at]
            side = gain @ self.top.take(seen, axis=0)
            found[here, :n], found[:n, here] = side[:, top], side[:, top].T
            inner = self.inverses[k][at[:, None], at] + side[:, seen] @ gain.T
            found[here[:, None], here] = inner
        return found


@dataclass(frozen=True)
class _Step:
    """A Gauss-Newton step, the covariance at its start, and the weights of the misfit."""

    values: Array
    own: Array
    solved: _Solved
    own_covariance: Array
    gain: Array
    scale: Array
    precision: Array
    own_precision: Array


def _slopes(rows: Rows, share: Array) -> Array:
    """Change of ln t per change of every feature."""
    return np.concatenate([share, share @ rows.structure.moves, rows.along], axis=1)


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
    slope = _slopes(rows, share)
    weighted, of_own = scale[:, None] * slope, rows.own_features
    parts, k = share.shape[1], sum(rows.structure.moves.shape)
    # of deviations and covariates; of parts the sum over all rows is enough
    square = rows.sums(weighted[:, parts:], np.column_stack([slope, error]))
    own_square = square[:, of_own[:, None] - parts, of_own]
    own_square += own_precision[:, :, None] * np.eye(own.shape[1])
    own_covariance = np.asarray(np.linalg.inv(own_square), np.float64)
    across = square[:, of_own - parts, :k]
    gain = own_covariance @ across
    own_gradient = square[:, of_own - parts, -1] + own_precision * own
    by_own = square[:, : k - parts, :k] - across[:, :, parts:].transpose(0, 2, 1) @ gain
    gradient = square[:, : k - parts, -1] - (own_gradient[:, None] @ gain[:, :, parts:])[:, 0]
    across_parts, gain_parts = (a[:, :, :parts].reshape(-1, parts) for a in (across, gain))
    of_parts = weighted[:, :parts].T @ share - across_parts.T @ gain_parts
    of_parts_gradient = error @ weighted[:, :parts] - own_gradient.ravel() @ gain_parts
    pull = -(rows.vector(of_parts_gradient, gradient) + precision * away)
    matrices = rows.matrices(of_parts, by_own)
    solved = _solve(*matrices, precision, pull, rows)
    own_step = -(own_covariance @ own_gradient[:, :, None])[:, :, 0]
    own_step -= (gain @ rows.seen(solved.solution)[:, :, None])[:, :, 0]
    return _Step(
        solved.solution, own_step, solved, own_covariance, gain, scale, precision, own_precision
    )


def _solve(top: Array, in_blocks: Array, precision: Array, vector: Array, rows: Rows) -> _Solved:
    """Solve for the values: each cluster's own are eliminated by itself.

    The matrix is what ``Rows.matrices`` gives, which is overwritten, with the precision on its
    diagonal.
    """
    n = len(top)
    top.ravel()[:: n + 1] += precision[:n]
    right, inverses, gains = vector[:n].copy(), [], []
    for block, pairs, (own, seen) in zip(rows.blocks, rows.seen_pairs, rows.clusters, strict=True):
        k = len(seen)
        in_blocks[block][k :: k + len(own) + 1] += precision[own]
        local = in_blocks[block].reshape(len(own), -1)
        across, inverse = local[:, :k], _inverse(local[:, k:])
        gain = -inverse @ across
        top.ravel()[pairs] += across.T @ gain
        right[seen] += gain.T @ vector[own]
        inverses.append(inverse)
        gains.append(gain)
    covariance, solution = _inverse(top), np.empty(vector.shape)
    solution[:n] = covariance @ right
    for (own, seen), inverse, gain in zip(rows.clusters, inverses, gains, strict=True):
        solution[own] = inverse @ vector[own] + gain @ solution[seen]
    return _Solved(solution, covariance, inverses, gains)


def _inverse(matrix: Array) -> Array:
    """Inverse of a symmetric, positive definite matrix, of which the lower half is read."""
    # in LAPACK's order of columns the lower half is the upper one
    factor, failed = scipy.linalg.lapack.dpotrf(matrix.T, lower=0)
    if failed:
        raise np.linalg.LinAlgError("matrix of the normal equations is not positive definite")
    half, _ = scipy.linalg.lapack.dpotri(factor, lower=0, overwrite_c=1)
    inverse = half + half.T
    inverse.ravel()[:: len(inverse) + 1] /= 2
    return np.asarray(inverse, np.float64)


def _variances(rows: Rows, share: Array, step: _Step, in_blocks: Array) -> tuple[Array, Array]:
    """Variance of ln t of every row, and of every v, from the fit's parameters."""
    slope, top = _slopes(rows, share), step.solved.top
    seen = rows.seen_covariance(top, in_blocks)
    parts, n = share.shape[1], seen.shape[2]
    # v and w are what the gain makes of the values, and what varies given these
    of_own = slope.take(rows.own_features, axis=1)
    both = rows.times(of_own, np.concatenate([step.gain, step.own_covariance], axis=2))
    of_seen = slope[:, :n] - both[:, :n]

    def of_values(of: Array, by_deviation: Array) -> Array:
        side = 2 * by_deviation[..., :parts] + of[..., :parts] @ top[:parts, :parts]
        moved = np.vecdot(by_deviation[..., parts:], of[..., parts:])
        return np.asarray(np.vecdot(side, of[..., :parts]) + moved)

    variance = of_values(of_seen, rows.times(of_seen[:, parts:], seen))
    variance += np.vecdot(both[:, n:], of_own)
    own = np.diagonal(step.own_covariance, axis1=1, axis2=2)
    return variance, own + of_values(step.gain, step.gain[:, :, parts:] @ seen)

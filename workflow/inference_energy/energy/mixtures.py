"""Energy distributions without sampling (engine ``exact``).

Given the number of output tokens, the energy of a query is log-normal; the number of tokens is
discrete. The energy of a model is therefore a weighted sum of log-normals whose percentiles are
found by root finding. Trimming cuts that distribution at two of its own quantiles, and a
log-normal multiplier convolves it in ln E.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

# scipy.optimize takes long to import, and few quantiles need it
import scipy
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, owens_t

from inference_energy.method.distributions import LogNormal
from inference_energy.rounding import cut
from inference_energy.units import PERCENT

LEGENDRE_NODES, LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(16)
DENSITY_PANELS = 24
PANEL_SIGMAS = 2
ROOT_TOLERANCE = 1e-12

SHARP_BELOW = 0.05
"""With less spread than this [1] the number of tokens shows as steps, which no quadrature meets."""

UNSEEN = 1e-7
"""Spread below which results, of six digits, are those of a fixed value, whose steps are counted in
a thousandth of the time. [1]"""

MANY, MERGED, ALIKE, NEAR = 3000, 0.3, 0.05, 2e-4
"""From so many log-normals on, those that are closer than a part of their spread, and alike in it,
are merged to find where a quantile is, to so much of ln E; it is then sought there in all. [1]"""

MOST_CELLS = 2**22
"""Cells that they are merged in at most: of log-normals far narrower than what they span nearly
every one would have its own, and an empty one takes as much memory."""

CLOSE_STEPS = 4
"""Steps that such a search takes at most; one or two do, unless a trimmed model begins there."""

STEPS = 50
"""Steps at most, before the search goes on without slopes; four do, but at a kink."""

TAIL = 1e-9
"""Levels from either end that a first guess of a quantile keeps to. [1]"""

CERTAIN = 9.0
"""Standard deviations [1] beyond which a normal variable does not lie (1e-19)."""


def bivariate_normal(h: ArrayLike, k: ArrayLike, correlation: ArrayLike) -> np.ndarray:
    """Probability that two standard normals of a correlation are below h and k, broadcast.

    By Owen's T function (Owen 1956, Annals of Mathematical Statistics 27, 1075).
    """
    h, k, rho = np.broadcast_arrays(*(np.asarray(a, float) for a in (h, k, correlation)))
    # a limit from above stands for zero, where the slopes below are 0/0
    h, k = (np.where(a == 0, np.finfo(float).tiny, a) for a in (h, k))
    # two variables that are one: the limit, where the slopes below are again 0/0
    spread = np.maximum(np.sqrt(1 - rho**2), np.finfo(float).eps)
    with np.errstate(over="ignore"):
        at_h = owens_t(h, (k - rho * h) / (h * spread))
        at_k = owens_t(k, (h - rho * k) / (k * spread))
    opposite = (h < 0) != (k < 0)
    return (ndtr(h) + ndtr(k) - opposite) / 2 - at_h - at_k


class Around(NamedTuple):
    """A distribution function of ln E around a place.

    Parameters
    ----------
    value : float
        Share of the queries whose ln E is at most the place. [1]
    slope, bend : float
        First and second derivative. [1 per ln Wh, per its square]
    room : float
        How far from the place there is no kink, where that is next to nothing. [ln Wh]
    """

    value: float
    slope: float
    bend: float
    room: float = np.inf

    def step(self, level: float) -> float:
        """Step to where the function is ``level``; infinite if nothing rises. [ln Wh]

        It is Halley's, which leaves its cube where Newton's leaves its square. Far from there, as
        in a tail, it is Newton's, which leads out of a bracket sooner.
        """
        if not self.slope > 0:
            return np.inf
        newton = (level - self.value) / self.slope
        bent = newton * self.bend / self.slope
        return newton / (1 + bent / 2) if abs(bent) < 1 else newton


def _settled_at(sigma: float) -> float:
    """Step of Halley's that leaves ROOT_TOLERANCE of it, of log-normals of a least spread [1].

    It leaves its cube times ``(a**2 - 2 a') / 12``, with the slope a of the log density and its
    own. The first is at most ``CERTAIN / sigma``, and the second falls by no more than
    ``1 / sigma**2`` and rises by no more than the square of the first.
    """
    return float(np.cbrt(12 * ROOT_TOLERANCE * sigma**2 / (CERTAIN**2 + 2)))


class Energy(ABC):
    """What every energy distribution answers; subclasses give cdf, slope, bounds and moments."""

    @property
    @abstractmethod
    def zero_mass(self) -> float:
        """Share of the queries that need no energy. [1]"""

    @abstractmethod
    def moment(self, order: int) -> float:
        """Raw moment of the energy. [Wh**order]"""

    @abstractmethod
    def _cdf_log(self, log_energy: float) -> float:
        """Share of queries whose ln E is at most ``log_energy`` [ln Wh]."""

    @abstractmethod
    def _log_bounds(self) -> tuple[float, float]:
        """Lowest and highest ln E that quantiles are sought between. [ln Wh]"""

    @abstractmethod
    def _around(self, log_energy: float) -> Around | None:
        """``_cdf_log`` and its derivatives; none where those are not known."""

    @abstractmethod
    def _guess(self, level: float) -> float:
        """Place near which the logarithm of a quantile may be. [ln Wh]"""

    @property
    @abstractmethod
    def _settled(self) -> float:
        """A step below which its result is the root to ROOT_TOLERANCE, but at a kink. [ln Wh]"""

    def _merged(self) -> "Energy | None":
        """A much smaller distribution that is nearly this one, if there is one."""
        return None

    def quantile(self, level: float) -> float:
        """Energy [Wh] below which a share ``level`` of the queries lies, to 1e-9 relative.

        At level 1 of an unbounded distribution: a bound that no query exceeds (1e-32).
        """
        if level <= self.zero_mass:
            return 0.0
        merged = self._merged()
        if merged and level < 1 and (near := merged.quantile(level)) > 0:
            root = self._close_root(level, float(np.log(near)))
            if root is not None:
                return root
        return float(np.exp(self._root(level)))

    def _close_root(self, level: float, start: float) -> float | None:
        """Quantile [Wh] from a place close to its logarithm; none if steps lead away from it."""
        here = start
        for _ in range(CLOSE_STEPS):
            found = self._around(here)
            if found is None:
                return None
            step = found.step(level)
            here += step
            if not abs(here - start) <= NEAR:
                return None
            if self._ends(found, step):
                return float(np.exp(here))
        return None

    def _ends(self, found: Around, step: float) -> bool:
        """Whether a step [ln Wh] from a place leads to the root, as far as can be told."""
        return abs(step) < max(ROOT_TOLERANCE, min(self._settled, found.room))

    def _root(self, level: float) -> float:
        """Logarithm of a quantile. [ln Wh]"""
        lower, upper = lowest, highest = self._log_bounds()
        # nearer to the ends the steps of a level of one would end where no digit changes
        inner = self.zero_mass + TAIL < level < 1 - TAIL
        here = float(np.clip(self._guess(level), lower, upper))
        for _ in range(STEPS if inner else 0):
            found = self._around(here)
            if found is None:
                break
            step = found.step(level)
            # before the bracket is asked: a step too small to tell lies on its end
            if self._ends(found, step):
                return here + step
            lower, upper = (here, upper) if found.value < level else (lower, here)
            here = here + step if lower < here + step < upper else (lower + upper) / 2
        if self._cdf_log(lowest) >= level:
            return lowest
        if self._cdf_log(highest) <= level:
            return highest
        return float(
            scipy.optimize.brentq(
                lambda u: self._cdf_log(u) - level, lower, upper, xtol=ROOT_TOLERANCE
            )
        )

    def cdf(self, energy: float) -> float:
        """Share of queries that need at most ``energy`` [Wh], a positive number."""
        return float(self._cdf_log(np.log(energy)))

    def std(self) -> float:
        """Standard deviation. [Wh]"""
        square = self.moment(1) ** 2
        return float(np.sqrt(max(float(cut(self.moment(2) - square, square)), 0.0)))

    def mean(self) -> float:
        """Mean. [Wh]"""
        return self.moment(1)

    def describe(self) -> dict[str, float]:
        """Mean, std, p5, p25, p50, p75 and p95 [Wh] as a dict."""
        percentiles = {f"p{p}": self.quantile(p / PERCENT) for p in (5, 25, 50, 75, 95)}
        return {"mean": self.mean(), "std": self.std()} | percentiles


@dataclass(frozen=True, eq=False)
class Mixture(Energy):
    """A weighted sum of log-normals, and queries of zero energy.

    Parameters
    ----------
    locations, weights, sigmas : ndarray, shape (n,)
        Mean of ln E [ln Wh], weight [1] and standard deviation of ln E [1] of each log-normal.
    zero_mass : float
        Share of queries that need no energy; weights and it add up to one.
    small : bool
        Whether it stands for a larger one, and has nothing to merge.
    """

    locations: np.ndarray
    weights: np.ndarray
    sigmas: np.ndarray
    zero_mass: float = 0.0
    small: bool = False

    @classmethod
    def of_energies(
        cls, energy: np.ndarray, weights: np.ndarray, factor: LogNormal, error: ArrayLike = 0.0
    ) -> "Mixture":
        """Build from the energy of each number of tokens and what is uncertain about it.

        Parameters
        ----------
        energy : ndarray, shape (n,)
            Energy of each number of tokens with the uncertain factors at one. [Wh]
        weights : ndarray, shape (n,)
            Probability of each number of tokens. [1]
        factor : LogNormal
            Product of the uncertain factors (power utilisation, PUE). [1]
        error : float or ndarray, shape (n,)
            Standard deviation of ln throughput at each number of tokens. [1]
        """
        used = energy > 0
        locations = np.log(energy[used]) + factor.mu
        sigmas = np.broadcast_to(np.hypot(factor.sigma, error), energy.shape)[used]
        if np.all(sigmas < UNSEEN):
            sigmas = np.zeros_like(sigmas)
        return cls(locations, weights[used], sigmas, float(weights[~used].sum()))

    @classmethod
    def pooled(cls, parts: Sequence["Mixture"], shares: Sequence[float]) -> "Mixture":
        """Pool several mixtures with the given shares, which add up to one."""
        shared = list(zip(parts, shares, strict=True))
        return cls(
            np.concatenate([p.locations for p in parts]),
            np.concatenate([p.weights * s for p, s in shared]),
            np.concatenate([p.sigmas for p in parts]),
            float(sum(p.zero_mass * s for p, s in shared)),
        )

    @cached_property
    def _small(self) -> "Mixture | None":
        if len(self.locations) < MANY or self.sigmas.min() == 0 or self.small:
            return None
        some = self.weights > 0
        place, share, sigma = self.locations[some], self.weights[some], self.sigmas[some]
        cells = place / (MERGED * sigma.min()), np.log(sigma) / ALIKE
        apart = [np.floor(of) - np.floor(of.min()) for of in cells]
        if not (apart[0].max() + 1) * (apart[1].max() + 1) <= MOST_CELLS:
            return None
        cell = [of.astype(int) for of in apart]
        group = cell[0] * (cell[1].max() + 1) + cell[1]
        sums = [np.bincount(group, share * of) for of in (1.0, place, sigma**2 + place**2)]
        weights, first, second = (of[sums[0] > 0] for of in sums)
        locations = first / weights
        spreads = np.sqrt(second / weights - locations**2)
        # a quadrature has some negative weights, of which no mean is made
        return Mixture(
            np.concatenate([locations, self.locations[~some]]),
            np.concatenate([weights, self.weights[~some]]),
            np.concatenate([spreads, self.sigmas[~some]]),
            self.zero_mass,
            small=True,
        )

    def _merged(self) -> "Mixture | None":
        return self._small

    @cached_property
    def _least_sigma(self) -> float:
        return float(self.sigmas.min())

    @property
    def _settled(self) -> float:
        return _settled_at(self._least_sigma)

    @cached_property
    def _heights(self) -> np.ndarray:
        """Density of each log-normal at its location. [1 per ln Wh]"""
        return self.weights / self.sigmas / np.sqrt(2 * np.pi)

    @cached_property
    def _falls(self) -> np.ndarray:
        """Slope of that density a standard deviation below, without its bell. [1 per (ln Wh)^2]"""
        return self._heights / self.sigmas

    @cached_property
    def _log_moments(self) -> tuple[float, float]:
        """Mean and standard deviation of ln E, zero energies apart. [ln Wh]"""
        share = self.weights / self.weights.sum()
        mean = float(share @ self.locations)
        square = share @ (self.sigmas**2 + (self.locations - mean) ** 2)
        return mean, float(np.sqrt(max(square, 0.0)))

    def _guess(self, level: float) -> float:
        mean, spread = self._log_moments
        share = (level - self.zero_mass) / (1 - self.zero_mass)
        return mean + spread * float(ndtri(np.clip(share, TAIL, 1 - TAIL)))

    def _around(self, log_energy: float) -> Around | None:
        if self._least_sigma == 0:
            return None
        z = (log_energy - self.locations) / self.sigmas
        value = self.zero_mass + self.weights @ ndtr(z)
        bells = np.exp(-0.5 * z * z)
        return Around(
            float(value), float(self._heights @ bells), float(-(self._falls @ (bells * z)))
        )

    def _standardised(self, log_energy: float) -> np.ndarray:
        difference = log_energy - self.locations
        # a factor without spread makes a step at each location
        step = np.where(difference >= 0, CERTAIN, -CERTAIN)
        return np.divide(difference, self.sigmas, out=step, where=self.sigmas > 0)

    @cached_property
    def _steps(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Energies of steps in order [ln Wh], and the share of the queries below each and above
        all, shapes (n,) and (n + 1,) [1]; none where a part has spread.
        """
        if self.sigmas.any():
            return None
        order = np.argsort(self.locations, kind="stable")
        below = self.zero_mass + np.append(0.0, np.cumsum(self.weights[order]))
        return self.locations[order], below

    def _cdf_log(self, log_energy: float) -> float:
        if self._steps is not None:
            locations, below = self._steps
            return float(below[np.searchsorted(locations, log_energy, side="right")])
        return float(self.zero_mass + self.weights @ ndtr(self._standardised(log_energy)))

    def steps_between(self, lower: float, upper: float) -> "Mixture | None":
        """Queries between two quantile levels alone, of steps; none where a part has spread.

        Parameters
        ----------
        lower, upper : float
            Levels; a step that one of them crosses is kept in part. [1]
        """
        if self._steps is None:
            return None
        locations, below = self._steps
        kept = (np.clip(below, lower, upper) - lower) / (upper - lower)
        return Mixture(locations, np.diff(kept), np.zeros(len(locations)), float(kept[0]))

    def log_density(self, log_energy: ArrayLike) -> np.ndarray:
        """Density of ln E at an array of ln E [ln Wh], same shape; zero energies apart.

        Raises
        ------
        ValueError
            If a log-normal has no spread.
        """
        if self.sigmas.min() == 0:
            raise ValueError("a distribution with steps has no density")
        z = (np.asarray(log_energy)[..., None] - self.locations) / self.sigmas
        return np.exp(-0.5 * z**2) @ (self.weights / self.sigmas) / np.sqrt(2 * np.pi)

    def _log_bounds(self) -> tuple[float, float]:
        return (
            float((self.locations - 12 * self.sigmas).min()) - 1,
            float((self.locations + 12 * self.sigmas).max()) + 1,
        )

    def moment(self, order: int) -> float:
        """Raw moment of the energy. [Wh**order]"""
        exponent = order * self.locations + 0.5 * (order * self.sigmas) ** 2
        return float(self.weights @ np.exp(exponent))

    def std(self) -> float:
        """Standard deviation, without a difference of large moments. [Wh]"""
        means, whole = np.exp(self.locations + 0.5 * self.sigmas**2), self.mean()
        within = means**2 * np.expm1(self.sigmas**2)
        variance = self.weights @ (within + (means - whole) ** 2) + self.zero_mass * whole**2
        return float(cut(np.sqrt(variance), whole))

    def moment_below(self, order: int, level: float, energy: float) -> float:
        """Raw moment of the share ``level`` of queries with the least energy. [Wh**order]

        Parameters
        ----------
        order : int
            Order of the moment.
        level : float
            Share of the queries.
        energy : float
            Quantile at ``level``. [Wh]
        """
        if energy == 0:
            return 0.0
        if level == 1:
            return self.moment(order)
        standardised = self._standardised(np.log(energy))
        shift = order * self.sigmas
        exponent = order * self.locations + 0.5 * shift**2
        moment = self.weights @ (np.exp(exponent) * ndtr(standardised - shift))
        # where a step crosses the level, only a part of the step lies below it
        rest = level - self.zero_mass - self.weights @ ndtr(standardised)
        return float(moment + rest * energy**order)

    def divided_by(self, multiplier: LogNormal) -> "Mixture":
        """Distribution of E / M for an independent log-normal M."""
        return Mixture(
            self.locations - multiplier.mu,
            self.weights,
            np.hypot(self.sigmas, multiplier.sigma),
            self.zero_mass,
        )


@dataclass(frozen=True, eq=False)
class TrimmedBlend(Energy):
    """Shares of several models, each trimmed between two of its own quantiles.

    Parameters
    ----------
    parts : tuple of Mixture
        The models.
    lower, upper : float
        Quantile levels between which each model is kept.
    shares : tuple of float, optional
        Share of each model, which add up to one; equal if not given.
    """

    parts: tuple[Mixture, ...]
    lower: float
    upper: float
    shares: tuple[float, ...] | None = None

    @cached_property
    def bounds(self) -> list[tuple[float, float]]:
        """Lowest and highest energy [Wh] kept of each model, list of pairs."""
        return [(p.quantile(self.lower), p.quantile(self.upper)) for p in self.parts]

    @property
    def weights(self) -> tuple[float, ...]:
        """Share of each model. [1]"""
        return self.shares or (1 / len(self.parts),) * len(self.parts)

    @cached_property
    def _small(self) -> "TrimmedBlend | None":
        parts = tuple(part._merged() or part for part in self.parts)
        if parts == self.parts:
            return None
        return TrimmedBlend(parts, self.lower, self.upper, self.shares)

    def _merged(self) -> "TrimmedBlend | None":
        return self._small

    @property
    def _kept(self) -> float:
        return self.upper - self.lower

    @property
    def zero_mass(self) -> float:
        """Share of queries that need no energy after trimming."""
        zero = [np.clip((p.zero_mass - self.lower) / self._kept, 0, 1) for p in self.parts]
        return float(np.dot(self.weights, zero))

    def _cdf_log(self, log_energy: float) -> float:
        inside = [(p._cdf_log(log_energy) - self.lower) / self._kept for p in self.parts]
        return float(np.dot(self.weights, np.clip(inside, 0, 1)))

    @cached_property
    def _settled(self) -> float:
        return min(part._settled for part in self.parts)

    def _around(self, log_energy: float) -> Around | None:
        value = slope = bend = 0.0
        room = np.inf
        for part, share in zip(self.parts, self.weights, strict=True):
            found = part._around(log_energy)
            if found is None:
                return None
            inside = (found.value - self.lower) / self._kept
            value += share * min(max(inside, 0.0), 1.0)
            if 0 < inside < 1:
                slope += share * found.slope / self._kept
                bend += share * found.bend / self._kept
            if found.slope > 0:
                # where a model begins or ends; half of it, as its slope is another there
                to_end = min(abs(inside), abs(1 - inside)) * self._kept / found.slope
                room = min(room, to_end / 2)
        return Around(value, slope, bend, room)

    def _guess(self, level: float) -> float:
        inner = self.lower + level * self._kept
        return float(np.dot(self.weights, [part._guess(inner) for part in self.parts]))

    def log_range(self, place: int) -> tuple[float, float]:
        """Lowest and highest ln E [ln Wh] of a kept part, queries of zero energy apart."""
        part, (lower, upper) = self.parts[place], self.bounds[place]
        return (
            float(np.log(lower)) if lower > 0 else part._log_bounds()[0],
            float(np.log(upper)) if upper > 0 else part._log_bounds()[0],
        )

    def _log_bounds(self) -> tuple[float, float]:
        ranges = [self.log_range(place) for place in range(len(self.parts))]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def moment(self, order: int) -> float:
        """Raw moment of the energy. [Wh**order]"""
        moments = [
            part.moment_below(order, self.upper, high) - part.moment_below(order, self.lower, low)
            for part, (low, high) in zip(self.parts, self.bounds, strict=True)
        ]
        return float(np.dot(self.weights, moments)) / self._kept

    @cached_property
    def _kept_steps(self) -> Mixture | None:
        """The kept queries of all models, where each model is steps."""
        parts = [part.steps_between(self.lower, self.upper) for part in self.parts]
        known = [part for part in parts if part is not None]
        return Mixture.pooled(known, self.weights) if len(known) == len(parts) else None

    def divided_by(self, multiplier: LogNormal) -> "Energy":
        """Distribution of E / M for an independent log-normal M."""
        if multiplier.sigma == 0:
            # a fixed multiplier moves every model and its bounds alike
            parts = tuple(p.divided_by(multiplier) for p in self.parts)
            return TrimmedBlend(parts, self.lower, self.upper, self.shares)
        if self._kept_steps is not None:
            # a step over a log-normal is one, and sums of those are searched by their slope
            return self._kept_steps.divided_by(multiplier)
        return DividedBlend(self, multiplier)


@dataclass(frozen=True)
class _End:
    """Queries of a model below an end of what is kept of it, over a log-normal.

    Parameters
    ----------
    weights, locations, sigmas : ndarray, shape (n,)
        Of those log-normals that reach below the end.
    spreads : ndarray, shape (n,)
        Standard deviations of ln E, plus that of the multiplier. [1]
    near : ndarray, shape (m,)
        Places of those that the end cuts.
    h : ndarray, shape (m,)
        Where it cuts them, standardised. [1]
    rest : float
        Share of a step at the end that lies below it. [1]
    end, sigma : float
        ln E of the end [ln Wh], and standard deviation of the multiplier's logarithm [1].
    """

    weights: np.ndarray
    locations: np.ndarray
    sigmas: np.ndarray
    spreads: np.ndarray
    near: np.ndarray
    h: np.ndarray
    rest: float
    end: float
    sigma: float

    @classmethod
    def of(cls, part: Mixture, level: float, end: float, sigma: float) -> "_End":
        """Of the share ``level`` of a model's queries, up to ``end`` [ln Wh]."""
        h = part._standardised(end)
        some = h > -CERTAIN
        rest = float(level - part.zero_mass - part.weights @ ndtr(h))
        sigmas, near = part.sigmas[some], np.flatnonzero(h[some] < CERTAIN)
        spreads = np.hypot(sigmas, sigma)
        return cls(
            part.weights[some],
            part.locations[some],
            sigmas,
            spreads,
            near,
            h[some][near],
            rest,
            end,
            sigma,
        )

    def around(self, log_energy: float) -> np.ndarray:
        """Share of them that the multiplier takes below ``log_energy``, and its two derivatives.

        Of Phi2(h, k; r) the first along k is ``phi(k) Phi((h - r k) / (1 - r**2)**0.5)``.
        """
        near, cut_sigmas = self.near, self.sigmas[self.near]
        k = (log_energy - self.locations) / self.spreads
        share, inner, outer = ndtr(k), np.ones_like(k), np.zeros_like(k)
        share[near] = bivariate_normal(self.h, k[near], cut_sigmas / self.spreads[near])
        # (1 - r**2)**0.5 is the multiplier's part of the spread
        across = (self.h * self.spreads[near] - cut_sigmas * k[near]) / self.sigma
        inner[near] = ndtr(across)
        outer[near] = _bell(across) * cut_sigmas / self.sigma
        slopes = self.weights * _bell(k) / self.spreads
        b = (log_energy - self.end) / self.sigma
        slope = self.rest * _bell(b) / self.sigma
        return np.array(
            [
                self.weights @ share + self.rest * ndtr(b),
                slopes @ inner + slope,
                -((slopes / self.spreads) @ (k * inner + outer)) - slope * b / self.sigma,
            ]
        )


def _bell(z: ArrayLike) -> np.ndarray:
    """Density of the standard normal. [1]"""
    return np.asarray(np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi))


@dataclass(frozen=True, eq=False)
class DividedBlend(Energy):
    """A trimmed blend over an independent log-normal multiplier.

    ``P(E / M <= x)`` is the integral over the blend's density of ln E of the probability that
    ln M is at least ``ln E - ln x``, by Gauss-Legendre quadrature on each model's kept range.
    Where the model or the multiplier has next to no spread, it is a sum of bivariate normals.
    """

    blend: TrimmedBlend
    multiplier: LogNormal

    @property
    def zero_mass(self) -> float:
        """Share of queries that need no energy."""
        return self.blend.zero_mass

    @cached_property
    def _small(self) -> "DividedBlend | None":
        small = self.blend._merged()
        return None if small is None else DividedBlend(small, self.multiplier)

    def _merged(self) -> "DividedBlend | None":
        return self._small if any(self._sharp) else None

    @cached_property
    def _sharp(self) -> list[bool]:
        return [self._least_spread(part) < SHARP_BELOW for part in self.blend.parts]

    def _least_spread(self, part: Mixture) -> float:
        return min(part.sigmas.min(), self.multiplier.sigma)

    @cached_property
    def _density_nodes(self) -> tuple[np.ndarray, np.ndarray]:
        points, weights = [np.empty(0)], [np.empty(0)]
        for place, (part, share) in enumerate(
            zip(self.blend.parts, self.blend.weights, strict=True)
        ):
            if self._sharp[place]:
                continue
            start, stop = self.blend.log_range(place)
            panels = (
                int((stop - start) / (PANEL_SIGMAS * self._least_spread(part))) + DENSITY_PANELS
            )
            edges = np.linspace(start, stop, panels + 1)
            half = np.diff(edges)[:, None] / 2
            u = (edges[:-1, None] + half * (1 + LEGENDRE_NODES)).ravel()
            points.append(u)
            weights.append(share * (half * LEGENDRE_WEIGHTS).ravel() * part.log_density(u))
        return np.concatenate(points), np.concatenate(weights)

    @cached_property
    def _cuts(self) -> list[tuple[float, _End]]:
        """Of every sharp model what lies below its upper end, and with a minus below its lower."""
        blend, found = self.blend, []
        for sharp, part, share, (low, high) in zip(
            self._sharp, blend.parts, blend.weights, blend.bounds, strict=True
        ):
            for factor, level, energy in ((share, blend.upper, high), (-share, blend.lower, low)):
                if sharp and energy > 0:
                    found.append(
                        (factor, _End.of(part, level, float(np.log(energy)), self.multiplier.sigma))
                    )
        return found

    def _cdf_log(self, log_energy: float) -> float:
        return self._around(log_energy).value

    @property
    def _settled(self) -> float:
        return _settled_at(self.multiplier.sigma)

    def _around(self, log_energy: float) -> Around:
        points, weights = self._density_nodes
        sigma, kept = self.multiplier.sigma, self.blend._kept
        z = (log_energy - points + self.multiplier.mu) / sigma
        bells = weights * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) / sigma
        found = np.array([weights @ ndtr(z), bells.sum(), -(bells @ z) / sigma])
        for factor, end in self._cuts:
            found += factor * end.around(log_energy + self.multiplier.mu)
        value, slope, bend = (found / kept).tolist()
        return Around(self.zero_mass + value, slope, bend)

    def _guess(self, level: float) -> float:
        return self.blend._guess(level) - self.multiplier.mu

    def _log_bounds(self) -> tuple[float, float]:
        lower, upper = self.blend._log_bounds()
        spread = 12 * self.multiplier.sigma
        return lower - self.multiplier.mu - spread, upper - self.multiplier.mu + spread

    def moment(self, order: int) -> float:
        """Raw moment of the energy. [Wh**order]"""
        return self.blend.moment(order) * self.multiplier.moment(-order)

"""Energy distributions without sampling (engine ``exact``).

Given the number of output tokens, the energy of a query is log-normal; the number of tokens is
discrete. The energy of a model is therefore a weighted sum of log-normals whose percentiles are
found by root finding. Trimming cuts that distribution at two of its own quantiles, and a
log-normal multiplier convolves it in ln E.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

LEGENDRE_NODES, LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(16)
DENSITY_PANELS = 24
ROOT_TOLERANCE = 1e-12


class _Energy:
    """What every energy distribution answers; subclasses give cdf, bounds and moments."""

    def quantile(self, level):
        """Energy [Wh] below which a share ``level`` of the queries lies, to 1e-9 relative."""
        if level <= self.zero_mass:
            return 0.0
        lower, upper = self._log_bounds()
        return float(
            np.exp(brentq(lambda u: self._cdf_log(u) - level, lower, upper, xtol=ROOT_TOLERANCE))
        )

    def cdf(self, energy):
        """Share of queries that need at most ``energy`` [Wh], a positive number."""
        return float(self._cdf_log(np.log(energy)))

    def std(self):
        """Standard deviation. [Wh]"""
        return float(np.sqrt(max(self.moment(2) - self.moment(1) ** 2, 0.0)))

    def mean(self):
        """Mean. [Wh]"""
        return self.moment(1)

    def describe(self):
        """Mean, std, p5, p25, p50, p75 and p95 [Wh] as a dict."""
        percentiles = {f"p{p}": self.quantile(p / 100) for p in (5, 25, 50, 75, 95)}
        return {"mean": self.mean(), "std": self.std()} | percentiles


@dataclass(frozen=True, eq=False)
class Mixture(_Energy):
    """A weighted sum of log-normals, and queries of zero energy.

    Parameters
    ----------
    locations, weights, sigmas : ndarray, shape (n,)
        Mean of ln E [ln Wh], weight [1] and standard deviation of ln E [1] of each log-normal.
    zero_mass : float
        Share of queries that need no energy; weights and it add up to one.
    """

    locations: np.ndarray
    weights: np.ndarray
    sigmas: np.ndarray
    zero_mass: float = 0.0

    @classmethod
    def of_tokens(cls, charged_over_throughput, weights, factor, scale, error=0.0):
        """Build from the seconds of node time that each number of tokens takes.

        Parameters
        ----------
        charged_over_throughput : ndarray, shape (n,)
            Charged tokens over throughput. [s]
        weights : ndarray, shape (n,)
            Probability of each number of tokens. [1]
        factor : LogNormal
            Product of the uncertain factors (power utilisation, PUE). [1]
        scale : float or ndarray, shape (n,)
            Wh per second of node time before the factors. [Wh/s]
        error : float or ndarray, shape (n,)
            Standard deviation of ln throughput at each number of tokens. [1]
        """
        energy = charged_over_throughput * scale
        used = energy > 0
        locations = np.log(energy[used]) + factor.mu
        sigmas = np.broadcast_to(np.hypot(factor.sigma, error), energy.shape)[used]
        return cls(locations, weights[used], sigmas, float(weights[~used].sum()))

    @classmethod
    def pooled(cls, parts, shares):
        """Pool several mixtures with the given shares, which add up to one."""
        return cls(
            np.concatenate([p.locations for p in parts]),
            np.concatenate([p.weights * s for p, s in zip(parts, shares, strict=True)]),
            np.concatenate([p.sigmas for p in parts]),
            float(sum(p.zero_mass * s for p, s in zip(parts, shares, strict=True))),
        )

    def _standardised(self, log_energy):
        difference = log_energy - self.locations
        if self.sigmas.min() > 0:
            return difference / self.sigmas
        # a factor without spread makes a step at each location
        step = np.where(difference >= 0, np.inf, -np.inf)
        return np.divide(difference, self.sigmas, out=step, where=self.sigmas > 0)

    def _cdf_log(self, log_energy):
        return self.zero_mass + self.weights @ ndtr(self._standardised(log_energy))

    def log_density(self, log_energy):
        """Density of ln E at an array of ln E [ln Wh], same shape; zero energies apart."""
        z = (np.asarray(log_energy)[..., None] - self.locations) / self.sigmas
        return np.exp(-0.5 * z**2) @ (self.weights / self.sigmas) / np.sqrt(2 * np.pi)

    def _log_bounds(self):
        return (
            float((self.locations - 12 * self.sigmas).min()) - 1,
            float((self.locations + 12 * self.sigmas).max()) + 1,
        )

    def moment(self, order):
        """Raw moment of the energy. [Wh**order]"""
        exponent = order * self.locations + 0.5 * (order * self.sigmas) ** 2
        return float(self.weights @ np.exp(exponent))

    def partial_moment(self, order, lower, upper):
        """Raw moment of the part of the distribution in (lower, upper] [Wh]."""
        shift = order * self.sigmas
        inside = ndtr(self._standardised(np.log(upper)) - shift)
        if lower > 0:
            inside = inside - ndtr(self._standardised(np.log(lower)) - shift)
        exponent = order * self.locations + 0.5 * shift**2
        return float(self.weights @ (np.exp(exponent) * inside))

    def divided_by(self, multiplier):
        """Distribution of E / M for an independent log-normal M."""
        return Mixture(
            self.locations - multiplier.mu,
            self.weights,
            np.hypot(self.sigmas, multiplier.sigma),
            self.zero_mass,
        )


@dataclass(frozen=True, eq=False)
class TrimmedBlend(_Energy):
    """Shares of several models, each trimmed between two of its own quantiles.

    Parameters
    ----------
    parts : tuple of Mixture
        The models.
    lower, upper : float
        Quantile levels between which each model is kept.
    shares : tuple of float
        Share of each model; they add up to one.
    """

    parts: tuple
    lower: float
    upper: float
    shares: tuple

    @cached_property
    def bounds(self):
        """Lowest and highest energy [Wh] kept of each model, list of pairs."""
        return [(p.quantile(self.lower), p.quantile(self.upper)) for p in self.parts]

    @property
    def _kept(self):
        return self.upper - self.lower

    @property
    def zero_mass(self):
        """Share of queries that need no energy after trimming."""
        zero = [np.clip((p.zero_mass - self.lower) / self._kept, 0, 1) for p in self.parts]
        return float(np.dot(self.shares, zero))

    def _cdf_log(self, log_energy):
        inside = [(p._cdf_log(log_energy) - self.lower) / self._kept for p in self.parts]
        return float(np.dot(self.shares, np.clip(inside, 0, 1)))

    def _log_bounds(self):
        lowest = [b[0] for b in self.bounds if b[0] > 0]
        lower = np.log(min(lowest)) if len(lowest) == len(self.parts) else -200.0
        return lower - 1, float(np.log(max(b[1] for b in self.bounds))) + 1

    def moment(self, order):
        """Raw moment of the energy. [Wh**order]"""
        moments = [
            p.partial_moment(order, *b) for p, b in zip(self.parts, self.bounds, strict=True)
        ]
        return float(np.dot(self.shares, moments)) / self._kept

    def divided_by(self, multiplier):
        """Distribution of E / M for an independent log-normal M."""
        return DividedBlend(self, multiplier)


@dataclass(frozen=True, eq=False)
class DividedBlend(_Energy):
    """A trimmed blend over an independent log-normal multiplier.

    ``P(E / M <= x)`` is the integral over the blend's density of ln E of the probability that
    ln M is at least ``ln E - ln x``, by Gauss-Legendre quadrature on each model's kept range.
    """

    blend: TrimmedBlend
    multiplier: object

    @property
    def zero_mass(self):
        """Share of queries that need no energy."""
        return self.blend.zero_mass

    @cached_property
    def _density_nodes(self):
        points, weights = [], []
        for part, share, (low, high) in zip(
            self.blend.parts, self.blend.shares, self.blend.bounds, strict=True
        ):
            start = np.log(low) if low > 0 else part._log_bounds()[0]
            edges = np.linspace(start, np.log(high), DENSITY_PANELS + 1)
            half = np.diff(edges)[:, None] / 2
            u = (edges[:-1, None] + half * (1 + LEGENDRE_NODES)).ravel()
            points.append(u)
            weights.append(share * (half * LEGENDRE_WEIGHTS).ravel() * part.log_density(u))
        return np.concatenate(points), np.concatenate(weights) / self.blend._kept

    def _cdf_log(self, log_energy):
        points, weights = self._density_nodes
        z = (log_energy - points + self.multiplier.mu) / self.multiplier.sigma
        return self.zero_mass + float(weights @ ndtr(z))

    def _log_bounds(self):
        lower, upper = self.blend._log_bounds()
        spread = 12 * self.multiplier.sigma
        return lower - self.multiplier.mu - spread, upper - self.multiplier.mu + spread

    def moment(self, order):
        """Raw moment of the energy. [Wh**order]"""
        return self.blend.moment(order) * self.multiplier.moment(-order)

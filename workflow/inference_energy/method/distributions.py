"""Distributions of the method's uncertain inputs: log-normal factors and output tokens.

A factor (power utilisation, PUE, a pathway's multiplier) is log-normal or fixed. The number of
output tokens of a query is a continuous distribution rounded to whole tokens. Each can be
sampled from NumPy's legacy generator, as the released code does, and each knows its exact
distribution, which the engine without sampling needs.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv, ndtr, ndtri

Z95 = 1.645
"""95th percentile of the standard normal as the paper rounds it."""


# Up to this length every whole number of tokens is a support point of its own; beyond it, cells
# of relative width CELL stand for the numbers inside them (their error is below CELL**2).
EVERY_TOKEN_UP_TO = 2**18


CELL = 2e-5


TAIL = 1e-14


LONGEST = 1e9


# The same for the quadrature of smooth functions of ln L, to about SMOOTH_CELL**2 / 24.
SMOOTH_ABOVE = 2**15


SMOOTH_CELL = 2e-5


@dataclass(frozen=True)
class LogNormal:
    """A log-normal factor; ``sigma = 0`` is a fixed value.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation of the factor's natural logarithm. [1]
    """

    mu: float
    sigma: float

    @classmethod
    def from_percentiles(cls, p5, p95, z=Z95):
        """Set the factor from its 5th and 95th percentile (PAPER section "method").

        ``sigma = ln(p95 / p5) / (2 z)``, ``mu = ln(p5) + z sigma``, arXiv:2509.20241.

        Raises
        ------
        ValueError
            If not ``0 < p5 < p95``.
        """
        if not 0 < p5 < p95:
            raise ValueError(f"a log-normal needs 0 < P5 < P95, not {p5} and {p95}")
        sigma = np.log(p95 / p5) / (2 * z)
        return cls(float(np.log(p5) + z * sigma), float(sigma))

    @classmethod
    def fixed(cls, value):
        """Set the factor to one value [same unit as the factor]."""
        return cls(float(np.log(value)), 0.0)

    def sample(self, generator, n):
        """Draw ``n`` values from a ``numpy.random.RandomState``; a fixed factor draws none."""
        if self.sigma == 0:
            return np.full(n, np.exp(self.mu))
        return generator.lognormal(self.mu, self.sigma, n)

    def moment(self, order):
        """Raw moment of real ``order``: ``exp(order mu + order**2 sigma**2 / 2)``."""
        return float(np.exp(order * self.mu + 0.5 * order**2 * self.sigma**2))

    def quantile(self, level):
        """Quantile at ``level`` (array of probabilities), same shape as ``level``."""
        return np.exp(self.mu + self.sigma * ndtri(level))

    def __mul__(self, other):
        """Return the product with an independent factor, which is log-normal too."""
        return LogNormal(self.mu + other.mu, float(np.hypot(self.sigma, other.sigma)))


ONE = LogNormal.fixed(1.0)
"""The factor that changes nothing."""


@dataclass(frozen=True)
class OutputTokens:
    """Output tokens of a query: a continuous length, rounded half to even.

    Parameters
    ----------
    family : {"exponential", "log-normal", "gamma", "empirical"}
    parameters : tuple of float
        exponential: median; log-normal: median, sigma of the logarithm; gamma: median, shape;
        empirical: the quantiles of a trace at evenly spaced levels from 0 to 1. [tokens]
    minimum : int
        Shorter queries do not occur: the distribution is that of the others. [tokens]
    """

    family: str
    parameters: tuple
    minimum: int = 0

    @cached_property
    def _scale(self):
        """Length that scales the family. [tokens]"""
        median = self.parameters[0]
        if self.family == "exponential":
            return median / np.log(2)
        return median if self.family == "log-normal" else median / gammaincinv(self.shape, 0.5)

    @property
    def shape(self):
        """Sigma of a log-normal's logarithm, or shape of a gamma. [1]"""
        return self.parameters[1]

    @cached_property
    def _trace(self):
        quantiles = np.maximum.accumulate(np.asarray(self.parameters, float))
        # np.interp needs rising lengths: ties of a trace get a rise far below one token
        return quantiles + np.arange(len(quantiles)) * 1e-9, np.linspace(0, 1, len(quantiles))

    def cdf(self, length):
        """Distribution function of the length before rounding, at ``length`` [tokens]."""
        if self.family == "empirical":
            return np.interp(length, *self._trace, left=0.0, right=1.0)
        x = np.maximum(length, 0) / self._scale
        if self.family == "exponential":
            return -np.expm1(-x)
        return ndtr(self._normal(x)) if self.family == "log-normal" else gammainc(self.shape, x)

    def _survival(self, length):
        if self.family == "empirical":
            return 1 - self.cdf(length)
        x = np.maximum(length, 0) / self._scale
        if self.family == "exponential":
            return np.exp(-x)
        return ndtr(-self._normal(x)) if self.family == "log-normal" else gammaincc(self.shape, x)

    def _normal(self, x):
        with np.errstate(divide="ignore"):
            return np.log(x) / self.shape

    def _exceeded_by(self, share):
        """Length before rounding that a share of the queries exceeds. [tokens]"""
        if self.family == "exponential":
            return -self._scale * np.log(share)
        if self.family == "log-normal":
            return self._scale * np.exp(-self.shape * ndtri(share))
        return self._scale * gammainccinv(self.shape, share)

    def sample(self, generator, n):
        """Draw ``n`` whole numbers of tokens from a ``numpy.random.RandomState``.

        An exponential consumes the generator exactly as the released code does. Queries below
        the minimum are drawn again.
        """
        lengths = self._draw(generator, n)
        while (short := lengths < self.minimum).any():
            lengths[short] = self._draw(generator, int(short.sum()))
        return lengths

    def _draw(self, generator, n):
        if self.family == "exponential":
            lengths = generator.exponential(self.parameters[0] / np.log(2), n)
        elif self.family == "empirical":
            lengths = np.interp(generator.random_sample(n), *self._trace[::-1])
        else:
            lengths = self._exceeded_by(1 - generator.random_sample(n))
        return np.round(lengths)

    @property
    def support(self):
        """Lengths that can occur and their probabilities, two arrays of shape (n,).

        ``P(L = k) = F(k + 1/2) - F(k - 1/2)``, over ``P(L >= minimum)``. Lengths beyond
        ``EVERY_TOKEN_UP_TO`` are cells.
        """
        return _support(self, EVERY_TOKEN_UP_TO, CELL)

    def nodes(self, breaks=(), width=0.125):
        """Quadrature of any smooth function of ln L: lengths and weights, shape (m,), m << n.

        Short lengths are kept one by one. Longer ones are grouped into panels of equal width in
        ln L; each panel carries Chebyshev nodes whose weights integrate the interpolating
        polynomial exactly against the rounded distribution.

        Parameters
        ----------
        breaks : sequence of float
            Lengths at which the function has a kink (a capped throughput): ends of panels. [tokens]
        width : float
            Width of a panel in ln L, over which the function must be smooth. [1]
        """
        return _nodes(self, tuple(sorted(float(b) for b in breaks if np.isfinite(b))), width)

    def quantile(self, level):
        """Smallest number of tokens whose distribution function reaches ``level``."""
        lengths, weights = self.support
        place = np.searchsorted(np.cumsum(weights), np.asarray(level) - 1e-15)
        # the weights' sum may miss one by a rounding error
        return lengths[np.minimum(place, len(lengths) - 1)]

    def mean_and_std(self):
        """Mean and standard deviation of the rounded length [tokens]."""
        lengths, weights = self.support
        mean = float(weights @ lengths)
        return mean, float(np.sqrt(weights @ (lengths - mean) ** 2))


@lru_cache(maxsize=64)
def _support(tokens, every_up_to, cell):
    empirical = tokens.family == "empirical"
    longest = tokens._trace[0][-1] if empirical else tokens._exceeded_by(TAIL)
    longest = int(min(np.ceil(longest), LONGEST)) + 1
    edges = np.arange(min(longest, every_up_to) + 1, dtype=float)
    if longest > every_up_to:
        n = int(np.ceil(np.log(longest / edges[-1]) / cell))
        cells = np.unique(np.round(np.geomspace(edges[-1], longest, n + 1)))
        edges = np.concatenate([edges[:-1], cells])
    survival = tokens._survival(edges - 0.5)
    survival[0] = 1.0
    weights = survival[:-1] - survival[1:]
    lengths = (edges[:-1] + edges[1:] - 1) / 2
    occur = lengths >= tokens.minimum
    return lengths[occur], weights[occur] / weights[occur].sum()


SINGLY_UP_TO = 32


PANEL_NODES = 12


@lru_cache(maxsize=4096)
def _panel(tokens, start, stop):
    """Nodes and weights of the support points ``start:stop``."""
    lengths, weights = _support(tokens, SMOOTH_ABOVE, SMOOTH_CELL)
    lengths, weights = lengths[start:stop], weights[start:stop]
    if stop - start <= PANEL_NODES:
        return lengths, weights
    x = np.log(lengths)
    angles = (2 * np.arange(PANEL_NODES) + 1) * np.pi / (2 * PANEL_NODES)
    unit = np.cos(angles)
    centre, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    # barycentric form of the Lagrange polynomials at Chebyshev nodes of the first kind
    barycentric = np.sin(angles) * (-1.0) ** np.arange(PANEL_NODES)
    distance = ((x - centre) / half)[:, None] - unit
    hit = distance == 0
    distance[hit] = 1e-300
    lagrange = barycentric / distance
    lagrange /= lagrange.sum(axis=1, keepdims=True)
    return np.exp(centre + half * unit), weights @ lagrange


@lru_cache(maxsize=256)
def _nodes(tokens, breaks, width):
    lengths, _ = _support(tokens, SMOOTH_ABOVE, SMOOTH_CELL)
    panels = max(int(np.log(max(lengths[-1], 1) / SINGLY_UP_TO) / width) + 2, 1)
    edges = SINGLY_UP_TO * np.exp(width * np.arange(panels + 1))
    edges = np.unique(np.concatenate([np.arange(SINGLY_UP_TO), edges, np.asarray(breaks)]))
    places = np.unique(np.append(np.searchsorted(lengths, edges), [0, len(lengths)]))
    parts = [_panel(tokens, int(a), int(b)) for a, b in pairwise(places)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


@dataclass(frozen=True)
class FixedLength:
    """Output tokens of a query that always has the same number of them.

    Parameters
    ----------
    tokens : float
        Output tokens. [tokens]
    """

    tokens: float

    @property
    def support(self):
        """The length and its probability, two arrays of one."""
        return np.array([float(self.tokens)]), np.ones(1)

    def nodes(self, breaks=(), width=None):
        """Return the support: one length needs no quadrature."""
        return self.support

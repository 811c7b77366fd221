"""Log-normal factors: power utilisation, PUE, a pathway's multiplier.

Each can be sampled from NumPy's legacy generator, as the released code does, and knows its exact
distribution, which the engine without sampling needs.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Self

import numpy as np

# its parts are loaded where they are first used: every run reads this module before it plans
import scipy
from numpy.typing import ArrayLike, NDArray

Z95 = 1.645
"""95th percentile of the standard normal as the paper rounds it."""

NORMAL_95 = NormalDist().inv_cdf(0.95)
"""95th percentile of the standard normal, not rounded."""


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
    def from_percentiles(cls, p5: float, p95: float, z: float = Z95) -> Self:
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
    def fixed(cls, value: float) -> Self:
        """Set the factor to one value [same unit as the factor]."""
        return cls(float(np.log(value)), 0.0)

    def sample(self, generator: np.random.RandomState, n: int) -> np.ndarray:
        """Draw ``n`` values from a ``numpy.random.RandomState``; a fixed factor draws none."""
        if self.sigma == 0:
            return np.full(n, np.exp(self.mu))
        return generator.lognormal(self.mu, self.sigma, n)

    def moment(self, order: float) -> float:
        """Raw moment of real ``order``: ``exp(order mu + order**2 sigma**2 / 2)``."""
        return float(np.exp(order * self.mu + 0.5 * order**2 * self.sigma**2))

    def quantile(self, level: ArrayLike) -> NDArray[np.floating[Any]]:
        """Quantile at ``level`` (array of probabilities), same shape as ``level``."""
        return np.exp(self.mu + self.sigma * scipy.special.ndtri(np.asarray(level, float)))

    def __mul__(self, other: "LogNormal") -> "LogNormal":
        """Return the product with an independent factor, which is log-normal too."""
        return LogNormal(self.mu + other.mu, float(np.hypot(self.sigma, other.sigma)))


ONE = LogNormal.fixed(1.0)
"""The factor that changes nothing."""

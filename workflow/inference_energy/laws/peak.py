"""A throughput that does not depend on the lengths."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.laws.base import (
    Array,
    Domain,
    Law,
    at_lengths,
    everywhere,
    left_out_sigma,
    shapes_and_throughput,
)
from inference_energy.laws.rows import length_range


@dataclass(frozen=True)
class Peak(Law):
    """The largest throughput seen, whatever the lengths (arXiv:2509.20241, models with two rows).

    Parameters
    ----------
    peak : float
        Throughput. [tokens/s]
    n_rows : int
        Rows it was taken from.
    domain : Domain
        Lengths of these rows. [tokens]
    residual_sigma : float
        Root mean square of ln(predicted/actual), left out where possible. [ln(tokens/s)]
    """

    peak: float
    n_rows: int
    domain: Domain = field(default_factory=everywhere)
    residual_sigma: float = 0.0
    name = "peak"
    minimum_rows: ClassVar[int] = 1

    @classmethod
    def fit(cls, rows: pd.DataFrame) -> Self:
        """Take the largest throughput_tps of ``rows``."""
        law = cls._largest(*shapes_and_throughput(rows))
        sigma = left_out_sigma(cls._largest, cls.minimum_rows, rows)
        return replace(law, domain=length_range(rows), residual_sigma=sigma)

    @classmethod
    def _largest(cls, n_in: Array, n_out: Array, tps: Array) -> Self:
        return cls(float(tps.max()), len(tps))

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s], in the broadcast shape of the lengths."""
        return at_lengths(self.peak, input_tokens, output_tokens)

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput, the same at all lengths [tokens]."""
        return at_lengths(self.residual_sigma, input_tokens, output_tokens)

    def closed_form(self) -> dict[str, Any]:
        """The throughput and its error."""
        return {"kind": "peak", "peak": self.peak, "sigma": float(self.residual_sigma)}

    def scaled(self, factor: float) -> Self:
        """Law of ``factor`` [1] times the throughput."""
        return replace(self, peak=self.peak * factor)

    def terms(self) -> list[tuple[str, float, str]]:
        """Coefficients as (term, value, unit)."""
        return [("peak", self.peak, "tokens/s"), ("n_rows", self.n_rows, "rows")]

"""A throughput law of times that add up: an output token's time is a sum of physical parts.

All requests are queued at once and served with in-flight batching. A group of GPUs then spends,
per output token,

    1/TPS = d + p L_in/L_out + q L_in^2/L_out + r (L_in + L_out) + c (L_in + L_out/2)      (1)

d  computing the token, and its share of a step when the batch is as large as allowed, by the
   software's own limit or a stated concurrency
p  computing the input tokens, q their attention, both shared by the output tokens
r  its share of a step when memory limits the batch: requests reserve L_in + L_out tokens of cache
c  reading the KV cache, on average half of the output long
"""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from inference_energy.laws.base import (
    LENGTH_FLOOR,
    Array,
    Domain,
    Law,
    everywhere,
    left_out_sigma,
    shapes_and_throughput,
)
from inference_energy.laws.rows import length_range

COEFFICIENTS = {
    "output_token": "s",
    "input_token": "s",
    "input_attention": "s/token",
    "reserved_token": "s/token",
    "context_token": "s/token",
}
"""Coefficients d, p, q, r, c of equation (1) and their units."""

FITTED = [0, 1, 4]
"""Places of those that rows of one configuration determine: d, p, c; the others are zero then."""


def shape_terms(input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
    """Factors of d, p, q, r, c in equation (1).

    Parameters
    ----------
    input_tokens, output_tokens : array_like
        Lengths, broadcast together. [tokens]

    Returns
    -------
    ndarray
        Of the broadcast shape, with a last axis of five.
    """
    lengths = np.broadcast_arrays(input_tokens, np.maximum(output_tokens, LENGTH_FLOOR))
    n_in, n_out = (np.asarray(length, float) for length in lengths)
    ratio = n_in / n_out
    parts = [np.ones_like(n_in), ratio, ratio * n_in, n_in + n_out, n_in + n_out / 2]
    return np.stack(parts, axis=-1)


@dataclass(frozen=True)
class Additive(Law):
    """Equation (1) for one configuration.

    Parameters
    ----------
    coefficients : ndarray
        d, p, q, r, c. [s, s, s/token, s/token, s/token]
    n_rows : int
        Rows of the configuration that the law has seen.
    domain : Domain
        Lengths of the rows that the law was fitted to. [tokens]
    residual_sigma : float
        Root mean square of ln(predicted/actual), left out where possible. [ln(tokens/s)]
    log_covariance : ndarray
        Covariance of the logarithms of the coefficients, five by five.
    noise : float
        Standard deviation of single measurements. [ln(tokens/s)]
    name : str
        ``additive`` or ``hierarchical``.
    """

    coefficients: Array
    n_rows: int
    domain: Domain = field(default_factory=everywhere)
    residual_sigma: float = np.nan
    log_covariance: Array = field(default_factory=lambda: np.zeros((5, 5)))
    noise: float = 0.0
    name: str = "additive"
    minimum_rows: ClassVar[int] = 3

    @classmethod
    def fit(cls, rows: pd.DataFrame) -> Self:
        """Fit d, p, c >= 0 (q = r = 0) to the rows of one configuration.

        Least squares on the relative error of 1/TPS. Columns input_tokens, output_tokens,
        throughput_tps; three rows or more determine it.
        """
        law = cls._least_squares(*shapes_and_throughput(rows))
        sigma = left_out_sigma(cls._least_squares, cls.minimum_rows, rows)
        return replace(law, domain=length_range(rows), residual_sigma=sigma, noise=sigma)

    @classmethod
    def has_spare(cls, rows: pd.DataFrame) -> bool:
        """Whether rows of one configuration tell d, p, c apart, with one to spare for the error."""
        shapes = shape_terms(rows["input_tokens"], rows["output_tokens"])[:, FITTED]
        rank = np.linalg.matrix_rank(shapes / shapes.max(axis=0))
        return bool(len(rows) > cls.minimum_rows and rank == len(FITTED))

    @classmethod
    def _least_squares(cls, n_in: Array, n_out: Array, tps: Array) -> Self:
        relative = shape_terms(n_in, n_out)[:, FITTED] * tps[:, None]
        scale = relative.max(axis=0)
        found = scipy.optimize.nnls(relative / scale, np.ones(len(tps)))[0] / scale
        return cls(np.array([found[0], found[1], 0.0, 0.0, found[2]]), len(tps))

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] at the lengths [tokens], broadcast together."""
        return 1 / (shape_terms(input_tokens, output_tokens) @ self.coefficients)

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput at the lengths [tokens], a new measurement's."""
        parts = shape_terms(input_tokens, output_tokens) * self.coefficients
        share = parts / parts.sum(axis=-1, keepdims=True)
        variance = np.einsum("...i,ij,...j->...", share, self.log_covariance, share)
        return np.sqrt(variance + self.noise**2)

    def seconds(
        self,
        input_tokens: ArrayLike,
        output_tokens: ArrayLike,
        cached_tokens: ArrayLike = 0.0,
    ) -> Array:
        """Node time [s] of a query, some of whose input [tokens] is found in the cache.

        Computed input and its attention, ``q (L_in^2 - cached^2)``, are charged for what is not
        cached; the cache that is reserved and read is that of the whole input.
        """
        lengths = np.broadcast_arrays(input_tokens, cached_tokens)
        context, cached = (np.asarray(length, float) for length in lengths)
        output = np.maximum(output_tokens, LENGTH_FLOOR)
        terms = shape_terms(context, output)
        terms[..., 1] = (context - cached) / output
        terms[..., 2] = (context**2 - cached**2) / output
        return output * (terms @ self.coefficients)

    def closed_form(self) -> dict[str, Any]:
        """Coefficients of equation (1), covariance of their logarithms, and scatter."""
        return {
            "kind": "additive",
            "coefficients": list(map(float, self.coefficients)),
            "covariance": [list(map(float, row)) for row in self.log_covariance],
            "noise": float(self.noise),
        }

    def scaled(self, factor: float) -> Self:
        """Law of ``factor`` [1] times the throughput: every part takes so much less time."""
        return replace(self, coefficients=self.coefficients / factor)

    def terms(self) -> list[tuple[str, float, str]]:
        """Coefficients as (term, value, unit)."""
        values = zip(COEFFICIENTS, self.coefficients, COEFFICIENTS.values(), strict=True)
        return [(term, float(value), unit) for term, value, unit in values] + [
            ("residual_sigma", self.residual_sigma, "ln(tokens/s)"),
            ("n_rows", self.n_rows, "rows"),
        ]

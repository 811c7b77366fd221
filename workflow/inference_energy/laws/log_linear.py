"""The paper's throughput law: a power of either length, capped."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.laws.base import (
    LENGTH_FLOOR,
    Array,
    Domain,
    Law,
    at_lengths,
    everywhere,
    left_out_sigma,
    shapes_and_throughput,
)
from inference_energy.laws.rows import SAME_SHAPE, length_range
from inference_energy.rounding import cut

RELEASED_FLOOR = 1e-6
"""The released code floors lengths here before the logarithm: an answer of no tokens then has a
throughput 1 to 50 times below that of one token. [tokens]"""


@dataclass(frozen=True)
class LogLinear(Law):
    """``ln TPS = c + a ln L_in + b ln L_out``, capped at the largest throughput seen.

    The paper's law (arXiv:2509.20241): ordinary least squares over a model's benchmark rows.

    Parameters
    ----------
    intercept, input_exponent, output_exponent : float
        Coefficients c, a, b. [ln(tokens/s), 1, 1]
    peak : float
        Cap. [tokens/s]
    n_rows : int
        Rows the law was fitted to.
    domain : Domain
        Lengths of these rows. [tokens]
    residual_sigma : float
        Root mean square of ln(predicted/actual), left out where possible. [ln(tokens/s)]
    floor : float
        Shorter lengths have the throughput of this one. [tokens]
    """

    intercept: float
    input_exponent: float
    output_exponent: float
    peak: float
    n_rows: int
    domain: Domain = field(default_factory=everywhere)
    residual_sigma: float = 0.0
    floor: float = LENGTH_FLOOR
    name = "log-linear"
    minimum_rows: ClassVar[int] = 3

    @classmethod
    def fit(cls, rows: pd.DataFrame) -> Self:
        """Fit to ``rows`` with columns input_tokens, output_tokens, throughput_tps.

        A length that does not vary has the exponent zero: nothing is known about it.
        """
        law = cls._least_squares(*shapes_and_throughput(rows))
        sigma = left_out_sigma(cls._least_squares, cls.minimum_rows, rows)
        return replace(law, domain=length_range(rows), residual_sigma=sigma)

    @classmethod
    def _least_squares(cls, n_in: Array, n_out: Array, tps: Array) -> Self:
        columns = [np.log(n_in), np.log(n_out)]
        varies = [np.ptp(column) > SAME_SHAPE for column in columns]
        known = [column for column, vary in zip(columns, varies, strict=True) if vary]
        design = np.column_stack([np.ones(len(tps)), *known])
        found = np.linalg.lstsq(design, np.log(tps), rcond=None)[0]
        coefficients = np.zeros(3)
        coefficients[[True, *varies]] = found
        intercept, input_exponent, output_exponent = map(float, coefficients)
        return cls(intercept, input_exponent, output_exponent, float(tps.max()), len(tps))

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] at the lengths [tokens], broadcast together."""
        log_input = np.log(np.maximum(input_tokens, self.floor))
        log_output = np.log(np.maximum(output_tokens, self.floor))
        log_tps = (
            self.intercept + self.input_exponent * log_input + self.output_exponent * log_output
        )
        return np.minimum(np.exp(log_tps), self.peak)

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput, the same at all lengths [tokens]."""
        return at_lengths(self.residual_sigma, input_tokens, output_tokens)

    def kinks(self, input_tokens: float) -> tuple[float, ...]:
        """Output lengths [tokens] at which the cap sets in, for one input length."""
        if self.output_exponent == 0:
            return ()
        level = np.log(self.peak) - self.intercept
        level -= self.input_exponent * np.log(max(input_tokens, self.floor))
        with np.errstate(over="ignore"):
            return (float(np.exp(level / self.output_exponent)),)

    def uncapped(self) -> Self:
        """Law that may exceed the largest throughput measured."""
        return replace(self, peak=np.inf)

    def released(self) -> Self:
        """Law with the shortest length of the released code."""
        return replace(self, floor=RELEASED_FLOOR)

    def closed_form(self) -> dict[str, Any]:
        """Intercept, exponents, shortest length, cap and error."""
        return {
            "kind": "log-linear",
            "intercept": self.intercept,
            "exponents": [self.input_exponent, self.output_exponent],
            "floor": self.floor,
            "peak": self.peak,
            "sigma": float(cut(self.residual_sigma)),
        }

    def scaled(self, factor: float) -> Self:
        """Law of ``factor`` [1] times the throughput, and as high a cap."""
        intercept = self.intercept + float(np.log(factor))
        return replace(self, intercept=intercept, peak=self.peak * factor)

    def terms(self) -> list[tuple[str, float, str]]:
        """Coefficients as (term, value, unit)."""
        return [
            ("intercept", self.intercept, "ln(tokens/s)"),
            ("input_exponent", self.input_exponent, "1"),
            ("output_exponent", self.output_exponent, "1"),
            ("peak", self.peak, "tokens/s"),
            ("n_rows", self.n_rows, "rows"),
        ]

"""Throughput laws: output tokens per second of a node as a function of the query's lengths."""

from dataclasses import dataclass, field

import numpy as np

LENGTH_FLOOR = 1e-6
"""Lengths are floored here before a logarithm: a query of no output tokens is possible. [tokens]"""


@dataclass(frozen=True)
class LogLinear:
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
    """

    intercept: float
    input_exponent: float
    output_exponent: float
    peak: float
    n_rows: int
    floor: float = field(default=LENGTH_FLOOR)
    name = "log-linear"

    @classmethod
    def fit(cls, rows):
        """Fit to ``rows`` with columns input_tokens, output_tokens, throughput_tps."""
        design = np.column_stack(
            [np.ones(len(rows)), np.log(rows["input_tokens"]), np.log(rows["output_tokens"])]
        )
        coefficients = np.linalg.lstsq(design, np.log(rows["throughput_tps"]), rcond=None)[0]
        return cls(*map(float, coefficients), float(rows["throughput_tps"].max()), len(rows))

    def predict(self, input_tokens, output_tokens):
        """Throughput [tokens/s] at the lengths [tokens], broadcast together."""
        log_input = np.log(np.maximum(input_tokens, self.floor))
        log_output = np.log(np.maximum(output_tokens, self.floor))
        log_tps = (
            self.intercept + self.input_exponent * log_input + self.output_exponent * log_output
        )
        return np.minimum(np.exp(log_tps), self.peak)

    def kinks(self, input_tokens):
        """Output lengths [tokens] at which the cap sets in, for one input length."""
        if self.output_exponent == 0:
            return ()
        level = np.log(self.peak) - self.intercept
        level -= self.input_exponent * np.log(max(input_tokens, self.floor))
        with np.errstate(over="ignore"):
            return (float(np.exp(level / self.output_exponent)),)

    def terms(self):
        """Coefficients as (term, value, unit)."""
        return [
            ("intercept", self.intercept, "ln(tokens/s)"),
            ("input_exponent", self.input_exponent, "1"),
            ("output_exponent", self.output_exponent, "1"),
            ("peak", self.peak, "tokens/s"),
            ("n_rows", self.n_rows, "rows"),
        ]


@dataclass(frozen=True)
class Peak:
    """The largest throughput seen, whatever the lengths (arXiv:2509.20241, models with two rows).

    Parameters
    ----------
    peak : float
        Throughput. [tokens/s]
    n_rows : int
        Rows it was taken from.
    """

    peak: float
    n_rows: int
    name = "peak"

    @classmethod
    def fit(cls, rows):
        """Take the largest throughput_tps of ``rows``."""
        return cls(float(rows["throughput_tps"].max()), len(rows))

    def predict(self, input_tokens, output_tokens):
        """Throughput [tokens/s], in the broadcast shape of the lengths."""
        shape = np.broadcast_shapes(np.shape(input_tokens), np.shape(output_tokens))
        return np.full(shape, self.peak)

    def kinks(self, input_tokens):
        """Return no kinks: the law is constant."""
        return ()

    def terms(self):
        """Coefficients as (term, value, unit)."""
        return [("peak", self.peak, "tokens/s"), ("n_rows", self.n_rows, "rows")]

"""A throughput law of times that add up, for one configuration."""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import nnls

from inference_energy.laws.log_linear import LENGTH_FLOOR

CONFIGURATION = [
    "source_id",
    "source_version",
    "model",
    "gpu",
    "nodes",
    "tensor_parallel",
    "pipeline_parallel",
    "precision",
    "concurrency",
]
"""Columns that make a configuration, as far as a table has them."""


COEFFICIENTS = {
    "output_token": "s",
    "input_token": "s",
    "input_attention": "s/token",
    "reserved_token": "s/token",
    "context_token": "s/token",
}
"""Coefficients d, p, q, r, c of equation (1) and their units."""


def configuration_columns(rows):
    """Columns of ``rows`` that make a configuration."""
    return [column for column in CONFIGURATION if column in rows]


def configuration_number(rows):
    """Consecutive number of the configuration of every row, in order of first appearance."""
    return rows.groupby(configuration_columns(rows), dropna=False, sort=False).ngroup().to_numpy()


def shape_terms(input_tokens, output_tokens):
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


def length_range(rows):
    """Smallest and largest input and output length [tokens] of ``rows``."""
    columns = ["input_tokens", "output_tokens"]
    return {c: (float(rows[c].min()), float(rows[c].max())) for c in columns}


def outside(domain, input_tokens, output_tokens):
    """Whether lengths [tokens] lie outside the ``length_range`` that a law was fitted to."""
    lengths = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    beyond = [
        (np.asarray(length) < domain[name][0]) | (np.asarray(length) > domain[name][1])
        for name, length in lengths.items()
    ]
    return np.logical_or(*beyond)


def leave_one_out_sigma(fit, rows):
    """Root mean square of ln(predicted/actual), every row predicted from the others.

    Parameters
    ----------
    fit : callable
        Makes a law, with ``minimum_rows``, from rows.
    rows : DataFrame
        Rows of one configuration. With no row to spare the fit's own residuals are used.

    Returns
    -------
    float
        [ln(tokens/s)]
    """
    spare = len(rows) > fit.minimum_rows
    errors = []
    for index in rows.index:
        law = fit(rows.drop(index) if spare else rows)
        row = rows.loc[index]
        predicted = law.predict(row["input_tokens"], row["output_tokens"])
        errors.append(np.log(predicted / row["throughput_tps"]))
    return float(np.sqrt(np.mean(np.square(errors))))


@dataclass(frozen=True)
class Additive:
    """Equation (1) for one configuration.

    Parameters
    ----------
    coefficients : ndarray
        d, p, q, r, c. [s, s, s/token, s/token, s/token]
    n_rows : int
        Rows of the configuration that the law has seen.
    domain : dict
        ``length_range`` of the rows that the law was fitted to.
    residual_sigma : float
        Root mean square of ln(predicted/actual), left out where possible. [ln(tokens/s)]
    log_covariance : ndarray
        Covariance of the logarithms of the coefficients, five by five.
    noise : float
        Standard deviation of single measurements. [ln(tokens/s)]
    name : str
        ``additive`` or ``hierarchical``.
    """

    coefficients: np.ndarray
    n_rows: int
    domain: dict
    residual_sigma: float = np.nan
    log_covariance: np.ndarray = field(default_factory=lambda: np.zeros((5, 5)))
    noise: float = 0.0
    name: str = "additive"

    @classmethod
    def fit(cls, rows):
        """Fit d, p, c >= 0 (q = r = 0) to the rows of one configuration.

        Least squares on the relative error of 1/TPS. Columns input_tokens, output_tokens,
        throughput_tps; three rows or more determine it.
        """
        law = _fit_additive(rows)
        sigma = leave_one_out_sigma(_fit_additive, rows)
        return cls(law.coefficients, law.n_rows, law.domain, sigma, noise=sigma)

    def predict(self, input_tokens, output_tokens):
        """Throughput [tokens/s] at the lengths [tokens], broadcast together."""
        return 1 / (shape_terms(input_tokens, output_tokens) @ self.coefficients)

    def sigma(self, input_tokens, output_tokens):
        """Standard deviation of ln throughput at the lengths [tokens], a new measurement's."""
        parts = shape_terms(input_tokens, output_tokens) * self.coefficients
        share = parts / parts.sum(axis=-1, keepdims=True)
        variance = np.einsum("...i,ij,...j->...", share, self.log_covariance, share)
        return np.sqrt(variance + self.noise**2)

    def extrapolates(self, input_tokens, output_tokens):
        """Whether the lengths [tokens] are outside the range that the law was fitted to."""
        return outside(self.domain, input_tokens, output_tokens)

    def kinks(self, input_tokens):
        """Return no kinks: the law is smooth."""
        return ()

    def terms(self):
        """Coefficients as (term, value, unit)."""
        values = zip(COEFFICIENTS, self.coefficients, COEFFICIENTS.values(), strict=True)
        return [(term, float(value), unit) for term, value, unit in values] + [
            ("residual_sigma", self.residual_sigma, "ln(tokens/s)"),
            ("n_rows", self.n_rows, "rows"),
        ]


def _fit_additive(rows):
    terms = shape_terms(rows["input_tokens"], rows["output_tokens"])[:, [0, 1, 4]]
    relative = terms * rows["throughput_tps"].to_numpy(float)[:, None]
    scale = relative.max(axis=0)
    found = nnls(relative / scale, np.ones(len(rows)))[0] / scale
    coefficients = np.array([found[0], found[1], 0.0, 0.0, found[2]])
    return Additive(coefficients, len(rows), length_range(rows))


_fit_additive.minimum_rows = 3

"""Equation (1) of ``laws.additive`` for many configurations at once.

Every coefficient is what the hardware needs at its peak rates, times a factor shared by all
configurations, times a deviation of the configuration that is drawn towards 1.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from inference_energy.errors import InputError
from inference_energy.laws.additive import COEFFICIENTS, Additive, shape_terms
from inference_energy.laws.base import Array, Domain
from inference_energy.laws.hardware import SERVING_TIMES
from inference_energy.laws.rows import configuration_number, length_range

SHARED = {
    "compute": 1.5,
    "link": 1.5,
    "decode": 1.0,
    "attention": 1.5,
    "weights": 0.5,
    "launch": 1e-4,
    "request": 1e-3,
    "context": 1.5,
}
"""Factors shared by all configurations, with the medians of their priors: peak over achieved rate
of matrix products, all-reduce, attention, weight and cache reading [1]; an output token's cost over
an input token's [1]; fixed time of a layer in a step [s]; one over the largest batch [1]."""


SHARED_SD = 0.5
"""Prior standard deviation of the logarithm of a shared factor."""


DEVIATIONS = ["all", "input", "output", "step", "context"]
"""Deviations of a configuration: of everything, and of single parts."""


DEVIATION_SD, DEVIATION_COUNT = 0.4, 4.0
"""Prior standard deviation of ln deviations, and how many configurations it counts as: wide, so
that mixtures of experts, which are served differently, are not forced to resemble dense models."""


NOISE, NOISE_COUNT = 0.03, 50.0
"""Prior scatter of ln throughput within a configuration, and how many rows it counts as: nearly
equal shapes of a vendor's table differ by a few percent."""


TAIL = 5.0
"""Degrees of freedom of Student's t for the scatter, so that a misprint does not bend the fit."""


ROUNDS, STEPS, TOLERANCE = 15, 20, 1e-6
"""Rounds of variance estimation, Gauss-Newton steps in each, and step at which they stop."""


PARTS = [
    (0, "compute", "compute decode", "all output"),
    (0, "link", "link decode", "all output"),
    (0, "weights", "weights request", "all step"),
    (0, "layers", "launch request", "all step"),
    (0, "weights_served", "weights", "all step"),
    (0, "layers_served", "launch", "all step"),
    (1, "compute", "compute", "all input"),
    (1, "link", "link", "all input"),
    (2, "attention", "attention", "all input"),
    (3, "weights_reserved", "weights", "all step"),
    (3, "layers_reserved", "launch", "all step"),
    (4, "context", "context", "all context"),
]
"""Summands of equation (1): coefficient, serving time, shared factors, deviations."""


COEFFICIENT = np.array([part[0] for part in PARTS])


LOADINGS = np.array(
    [
        [name in part[2].split() for name in SHARED]
        + [name in part[3].split() for name in DEVIATIONS]
        for part in PARTS
    ],
    dtype=float,
)


MOST_CONFIGURATIONS = 150
"""Configurations that are fitted at once: matrices are dense in their deviations, so time grows
with their cube."""


def _log_peak(rows: pd.DataFrame) -> Array:
    """Logarithm of every part at peak rates, rows by parts; minus infinity where it is absent."""
    times = {name: rows[name].to_numpy(float) for name in SERVING_TIMES}
    served = np.full(len(rows), np.inf)
    if "concurrency" in rows:
        served = rows["concurrency"].astype(float).fillna(np.inf).to_numpy()
    with np.errstate(divide="ignore"):
        for name in ("weights", "layers"):
            times[f"{name}_reserved"] = times[name] / times["cache"]
            times[f"{name}_served"] = times[name] / served
        return np.log(np.stack([times[part[1]] for part in PARTS], axis=1))


def _log_shape(rows: pd.DataFrame) -> Array:
    """Logarithm of every part's dependence on the lengths, rows by parts."""
    return np.log(shape_terms(rows["input_tokens"], rows["output_tokens"])[:, COEFFICIENT])


def _posterior(
    log_parts: Array,
    log_time: Array,
    number: NDArray[np.integer[Any]],
    count: int,
    prior: tuple[Array, NDArray[np.floating[Any]]],
    noise: float,
    sd: Array,
    weight: Array,
    start: Array | None = None,
) -> tuple[Array, Array, Array, Array]:
    """Most probable factors and deviations, by Gauss-Newton with halved steps.

    Parameters
    ----------
    log_parts : ndarray
        Logarithm of the summands at peak rates, rows by parts.
    log_time : ndarray
        ln(1/TPS) of the rows.
    number, count : ndarray of int, int
        Configuration of the rows; how many there are.
    prior : tuple of ndarray
        Mean and precision matrix of the logarithms of the shared factors.
    noise, sd, weight : float, ndarray, ndarray
        Scatter, standard deviation of the deviations, weight of the rows.
    start : ndarray, optional
        Parameters to start from; the prior's centre if not given.

    Returns
    -------
    tuple
        Parameters (shared, then deviations by configuration), covariance, Jacobian, residuals.
    """
    mean, precision = prior
    n_shared, n_dev = len(SHARED), len(DEVIATIONS)
    size = n_shared + n_dev * count
    columns = np.column_stack(
        [
            np.tile(np.arange(n_shared), (len(number), 1)),
            n_shared + number[:, None] * n_dev + np.arange(n_dev),
        ]
    )
    penalty = np.zeros((size, size))
    penalty[:n_shared, :n_shared] = precision
    penalty[range(n_shared, size), range(n_shared, size)] = np.tile(1 / sd**2, count)
    centre = np.concatenate([mean, np.zeros(size - n_shared)])
    scale = weight / noise**2
    root = np.sqrt(scale)

    def residuals(parameters: Array) -> tuple[Array, Array]:
        logs = log_parts + parameters[columns] @ LOADINGS.T
        largest = logs.max(axis=1, keepdims=True)
        parts = np.exp(logs - largest)
        total = parts.sum(axis=1, keepdims=True)
        return (largest + np.log(total))[:, 0] - log_time, parts / total

    def objective(parameters: Array, error: Array) -> float:
        away = parameters - centre
        return (scale * error**2).sum() + away @ penalty @ away

    parameters = centre if start is None else start
    error, share = residuals(parameters)
    for _ in range(STEPS):
        jacobian = np.zeros((len(number), size))
        np.put_along_axis(jacobian, columns, share @ LOADINGS, axis=1)
        # of a matrix and itself NumPy makes one half of the product
        half = jacobian * root[:, None]
        pull = half.T @ (root * error) + penalty @ (parameters - centre)
        factor = scipy.linalg.cho_factor(half.T @ half + penalty)
        step = -scipy.linalg.cho_solve(factor, pull)
        now, length, before = objective(parameters, error), 1.0, error
        error, share = residuals(parameters + length * step)
        while objective(parameters + length * step, error) > now and length > TOLERANCE:
            length /= 2
            error, share = residuals(parameters + length * step)
        parameters = parameters + length * step
        if np.abs(step).max() < TOLERANCE:
            break
    # the Jacobian is that before the last step, and so are these
    return parameters, scipy.linalg.cho_solve(factor, np.eye(size)), jacobian, before


@dataclass(frozen=True)
class Hierarchical:
    """Equation (1) for many configurations at once, with partial pooling.

    Coefficient j of configuration k is the sum, over its PARTS, of the time at peak rates times the
    part's shared factors times the configuration's deviations. ln deviations are Normal(0, sd) and
    the residuals of ln throughput Student's t; sd and scatter are estimated with the rest
    (empirical Bayes), so a table decides itself how much its configurations have in common.

    Parameters
    ----------
    shared : ndarray
        ln of the factors of SHARED.
    shared_covariance : ndarray
        Their covariance.
    sd : ndarray
        Standard deviations of the ln DEVIATIONS.
    noise : float
        Scale of Student's t for the scatter within a configuration. [ln(tokens/s)]
    domain : Domain
        Lengths of all rows. [tokens]
    shapes : ndarray
        Lengths of all rows. [tokens]
    laws : list of Additive
        Laws of the configurations, in order of first appearance.
    """

    shared: Array
    shared_covariance: Array
    sd: Array
    noise: float
    domain: Domain
    shapes: Array
    laws: list[Additive]
    name = "hierarchical"

    @classmethod
    def fit(cls, rows: pd.DataFrame) -> Self:
        """Fit to any number of configurations.

        Parameters
        ----------
        rows : DataFrame
            Schema ``throughput``, with both lengths, after ``hardware.add_serving_times``.

        Raises
        ------
        InputError
            If there are more than MOST_CONFIGURATIONS.
        """
        number = configuration_number(rows)
        if number.max() >= MOST_CONFIGURATIONS:
            raise InputError(
                f"throughput_law.name: value {cls.name}: is fitted to {number.max() + 1}"
                f" configurations at once; allowed are at most {MOST_CONFIGURATIONS}, as its time"
                " grows with their cube; leave out models, GPUs or sources (key benchmarks), or"
                " name another law"
            )
        log_peak = _log_peak(rows)
        log_parts = log_peak + _log_shape(rows)
        log_time = -np.log(rows["throughput_tps"].to_numpy(float))
        n_shared, n_dev, n_conf = len(SHARED), len(DEVIATIONS), number.max() + 1
        prior = np.log(list(SHARED.values())), np.eye(n_shared) / SHARED_SD**2
        noise, sd = NOISE, np.full(n_dev, DEVIATION_SD)
        weight, found = np.ones(len(rows)), None
        for _ in range(ROUNDS):
            found, covariance, jacobian, error = _posterior(
                log_parts, log_time, number, n_conf, prior, noise, sd, weight, found
            )
            spread = found[n_shared:] ** 2 + np.diag(covariance)[n_shared:]
            total = DEVIATION_COUNT * DEVIATION_SD**2 + spread.reshape(n_conf, n_dev).sum(axis=0)
            sd = np.sqrt(total / (DEVIATION_COUNT + n_conf))
            predicted = ((jacobian @ covariance) * jacobian).sum(axis=1)
            square = error**2 + predicted
            weight = (TAIL + 1) / (TAIL + square / noise**2)
            total = NOISE_COUNT * NOISE**2 + (weight * square).sum()
            noise = float(np.sqrt(total / (NOISE_COUNT + len(rows))))
        found, covariance, jacobian, error = _posterior(
            log_parts, log_time, number, n_conf, prior, noise, sd, weight, found
        )
        leverage = ((jacobian @ covariance) * jacobian).sum(axis=1) * weight / noise**2
        left_out = error / (1 - leverage)
        pooled = cls(
            shared=found[:n_shared],
            shared_covariance=covariance[:n_shared, :n_shared],
            sd=sd,
            noise=noise,
            domain=length_range(rows),
            shapes=rows[["input_tokens", "output_tokens"]].to_numpy(float),
            laws=[],
        )
        for k in range(n_conf):
            of_k = number == k
            own = np.r_[:n_shared, n_shared + k * n_dev : n_shared + (k + 1) * n_dev]
            sigma = float(np.sqrt(np.mean(left_out[of_k] ** 2)))
            own_covariance = covariance[np.ix_(own, own)]
            pooled.laws.append(
                pooled._law(log_peak[of_k][0], found[own], own_covariance, of_k.sum(), sigma)
            )
        return pooled

    def condition(self, rows: pd.DataFrame) -> Additive:
        """Law of a configuration that was not in the fit, from the rows measured of it.

        Parameters
        ----------
        rows : DataFrame
            One or more rows of one configuration, as for ``fit``; only those with throughput_tps
            count as measured, so one row without it gives the law of an unmeasured configuration.

        Returns
        -------
        Additive
            Its ``residual_sigma`` is the expected one at the shapes of the fit.
        """
        log_peak = _log_peak(rows)
        known = rows["throughput_tps"].notna().to_numpy()
        count = known.sum()
        if not count:
            found = np.concatenate([self.shared, np.zeros(len(DEVIATIONS))])
            covariance = scipy.linalg.block_diag(self.shared_covariance, np.diag(self.sd**2))
            return self._law(log_peak[0], found, covariance, count)
        found, covariance, _, _ = _posterior(
            (log_peak + _log_shape(rows))[known],
            -np.log(rows["throughput_tps"].to_numpy(float)[known]),
            np.zeros(count, int),
            1,
            (self.shared, np.linalg.inv(self.shared_covariance)),
            self.noise,
            self.sd,
            np.ones(count),
        )
        return self._law(log_peak[0], found, covariance, count)

    def _law(
        self,
        log_peak: Array,
        parameters: Array,
        covariance: Array,
        n_rows: int,
        residual_sigma: float | None = None,
    ) -> Additive:
        """Collect the parts of one configuration into the coefficients of equation (1)."""
        parts = np.exp(log_peak + LOADINGS @ parameters)
        member = np.arange(len(COEFFICIENTS))[:, None] == COEFFICIENT
        coefficients = member @ parts
        gradient = (member * parts / coefficients[:, None]) @ LOADINGS
        law = Additive(
            coefficients=coefficients,
            n_rows=int(n_rows),
            domain=self.domain,
            log_covariance=gradient @ covariance @ gradient.T,
            noise=self.noise * np.sqrt(TAIL / (TAIL - 2)),
            name=self.name,
        )
        if residual_sigma is None:
            residual_sigma = float(np.sqrt(np.mean(law.sigma(*self.shapes.T) ** 2)))
        return replace(law, residual_sigma=residual_sigma)

    def terms(self) -> list[tuple[str, float, str]]:
        """Shared factors, spread of the deviations and scatter as (term, value, unit)."""
        units = {"launch": "s", "request": "1/requests"}
        factors = zip(SHARED, np.exp(self.shared), strict=True)
        return [
            *[(f"shared_{name}", float(v), units.get(name, "1")) for name, v in factors],
            *[
                (f"deviation_{name}", float(v), "ln")
                for name, v in zip(DEVIATIONS, self.sd, strict=True)
            ],
            ("noise", self.noise, "ln(tokens/s)"),
            ("n_configurations", len(self.laws), "configurations"),
        ]

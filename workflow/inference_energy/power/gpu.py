"""GPU power as a function of load.

    P = P_idle + (P_tdp - P_idle) (1 - exp(-v^g e^d)),   v = sum_j a_j u_j                       (1)

u_j are the shares of bandwidth and compute that the load asks for (``power.utilisation``). P rises
from idle, first steeply, and never passes the rated power; a limit set lower cuts it off. With

    z = ln(-ln(1 - (P - P_idle)/(P_tdp - P_idle))) = g ln v + d + scatter                        (2)

d is the sum of deviations of the GPU, architecture, task, model, configuration and workload (a task
on a configuration), each Normal(0, sd) with an sd of its level; scatter is Student's t. sd and
scatter are estimated with the rest (``laws.spreads``), so a group that is not in the fit has d = 0
and the level's sd as error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from inference_energy.laws.base import Array
from inference_energy.laws.spreads import fixed_point, renewed
from inference_energy.power.utilisation import UTILISATION, add_utilisation
from inference_energy.units import PERCENT

PRIOR = {"exponent": (0.5, 0.3), "memory": (1.0, 0.5), "experts": (1.0, 0.5), "compute": (8.0, 0.7)}
"""g and a_j of equation (1): median and standard deviation of ln. Matrix products draw full power
far below their peak rate, so the factor of their share is many times that of the bandwidth's."""

LEVELS = {
    "gpu": (["gpu"], 0.15),
    "architecture": (["architecture"], 0.25),
    "task": (["task"], 0.1),
    "model": (["network"], 0.3),
    "configuration": (["network", "precision", "gpu", "gpus"], 0.2),
    "workload": (["network", "precision", "gpu", "gpus", "task"], 0.2),
}
"""Levels of deviations: columns that make a group, and prior sd of z. Two GPUs or tasks cannot tell
how much such groups differ, so those sd stay close to the prior. All were set while the errors on
left-out groups were looked at. With half and with twice of all of them the median factors of what
is left out change by less than 0.01, while the 90 % intervals hold 83 to 91 % and 96 to 99 % of the
runs, the 50 % intervals 39 to 47 % and 57 to 67 %; of the two finest levels alone, 89 to 93 % and
93 to 95 %, and 43 to 51 % and 49 to 55 %."""

LEVEL_COUNT = 3.0
"""How many groups the prior sd of a level counts as."""

SCATTER, TAIL = 0.3, 5.0
"""Scatter of z to start from, and degrees of freedom of its Student's t."""

STEPS, TOLERANCE, LONGEST = 200, 1e-6, 1.0
"""Steps at most, change at which they end (root mean square over all that is fitted, in standard
deviations and logarithms), and longest Gauss-Newton step of the shared parameters."""

LEAST, MOST = 1e-6, 1 - 1e-6
"""Range of the share of power between idle and rated that equation (2) is taken at."""


@dataclass(frozen=True)
class GpuPower:
    """Equation (1), fitted.

    Parameters
    ----------
    idle_share : float
        P_idle over P_tdp. [1]
    values : ndarray
        ln of the parameters of PRIOR, then the deviations, level by level.
    covariance : ndarray
        Their covariance.
    sd : dict of str to float
        Standard deviation of the deviations of each level. [z]
    scatter : float
        Scale of Student's t. [z]
    groups : dict of str to Index
        Groups of each level in the fit.
    n_runs : int
        Runs in the fit.
    """

    idle_share: float
    values: Array
    covariance: Array
    sd: dict[str, float]
    scatter: float
    groups: dict[str, pd.Index]
    n_runs: int

    @classmethod
    def fit(cls, rows: pd.DataFrame, idle_share: float) -> Self:
        """Fit to measured runs.

        Parameters
        ----------
        rows : DataFrame
            Columns of ``add_utilisation``, and gpu_power_w [W per GPU] and task.
        idle_share : float
            P_idle over P_tdp. [1]
        """
        keys = {level: _keys(rows, columns) for level, (columns, _) in LEVELS.items()}
        groups = {level: key.unique() for level, key in keys.items()}
        member = _membership(keys, groups)
        measured = _from_power(rows["gpu_power_w"] / rows["tdp_w"], idle_share)
        log_load, sizes = _log_load(rows), [len(found) for found in groups.values()]
        centre = np.concatenate(
            [np.log([median for median, _ in PRIOR.values()]), np.zeros(member.shape[1])]
        )
        prior_sd = np.array([prior for _, prior in LEVELS.values()])
        units = _precision(prior_sd, sizes) ** -0.5
        cuts = np.cumsum([len(centre), len(LEVELS), 1])

        def state(flat: Array) -> tuple[Array, ...]:
            values, *logs = np.split(flat, cuts)
            return values * units, *map(np.exp, logs)

        def newton(values: Array, sd: Array, scatter: Array, weight: Array) -> tuple[Array, Array]:
            precision, scale = _precision(sd, sizes), weight / scatter**2
            error, jacobian = _residual(values, log_load, member, measured)
            # of a matrix and itself NumPy makes one half of the product
            half = np.sqrt(scale)[:, None] * jacobian
            information = half.T @ half + np.diag(precision)
            covariance = np.asarray(np.linalg.inv(information), float)
            step = covariance @ (jacobian.T @ (scale * error) - precision * (values - centre))
            return step * min(1, LONGEST / np.abs(step[: len(PRIOR)]).max()), covariance

        def renew(flat: Array) -> Array:
            values, sd, scatter, weight = state(flat)
            step, covariance = newton(values, sd, scatter, weight)
            values = values + step
            error, jacobian = _residual(values, log_load, member, measured)
            variance = _variance(jacobian, covariance)
            weight = (TAIL + 1) / (TAIL + (error**2 + variance) / scatter**2)
            known = 1 - np.diag(covariance) * _precision(sd, sizes)
            sd = renewed(
                _by_level(values**2, sizes), _by_level(known, sizes), prior_sd, LEVEL_COUNT
            )
            free = (1 - weight * variance / scatter**2).sum()
            scatter = np.sqrt((weight * error**2).sum(keepdims=True) / max(free, 1.0))
            return np.concatenate([values / units, np.log(sd), np.log(scatter), np.log(weight)])

        start = [centre / units, np.log(prior_sd), np.log([SCATTER]), np.zeros(len(rows))]
        found = fixed_point(renew, np.concatenate(start), TOLERANCE, STEPS)
        values, sd, scatter, weight = state(found)
        _, covariance = newton(values, sd, scatter, weight)
        spreads = dict(zip(LEVELS, map(float, sd), strict=True))
        return cls(idle_share, values, covariance, spreads, float(scatter[0]), groups, len(rows))

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Power of one GPU under the load of every row.

        Parameters
        ----------
        rows : DataFrame
            Columns of ``add_utilisation``, task, and optionally power_limit_w [W], where a limit
            below the rated power is set.

        Returns
        -------
        DataFrame
            ``gpu_power_w``, the median [W]; ``log_sd``, standard deviation of its logarithm [1];
            ``p5_w``, ``p25_w``, ``p75_w``, ``p95_w`` [W]; ``slope``, change of ln power with
            ln throughput at the same batch [1].
        """
        keys = {level: _keys(rows, columns) for level, (columns, _) in LEVELS.items()}
        member = _membership(keys, self.groups)
        minus, jacobian = _residual(self.values, _log_load(rows), member, np.zeros(len(rows)))
        z, variance = -minus, _variance(jacobian, self.covariance)
        for level, key in keys.items():
            variance = variance + np.where(key.isin(self.groups[level]), 0, self.sd[level] ** 2)
        total = np.sqrt(variance + self.scatter**2 * TAIL / (TAIL - 2))
        power = self._power(z, rows)
        share = (power / rows["tdp_w"] - self.idle_share) / (1 - self.idle_share)
        free = power < rows.get("power_limit_w", pd.Series(np.inf, rows.index)).fillna(np.inf)
        change = np.where(free, np.exp(z) * (1 - share) * (1 - self.idle_share), 0.0)
        change = change * rows["tdp_w"] / power
        found = {"gpu_power_w": power, "log_sd": change * total}
        for percent in (5, 25, 75, 95):
            at = z + scipy.special.ndtri(percent / PERCENT) * total
            found[f"p{percent}_w"] = self._power(at, rows)
        return pd.DataFrame(found | {"slope": change * np.exp(self.values[0])})

    def load(self, rows: pd.DataFrame) -> Array:
        """Load of every row, v of equation (1). [1]"""
        return np.exp(logsumexp(_log_load(rows) + self.values[1 : len(PRIOR)], axis=1))

    def _power(self, z: Array, rows: pd.DataFrame) -> "pd.Series[float]":
        share = self.idle_share + (1 - self.idle_share) * -np.expm1(-np.exp(z))
        power = share * rows["tdp_w"]
        if "power_limit_w" in rows:
            power = np.minimum(power, rows["power_limit_w"].fillna(np.inf))
        return power

    def terms(self) -> list[tuple[str, float, str]]:
        """Parameters, spreads and scatter as (term, value, unit)."""
        shared = zip(PRIOR, np.exp(self.values), strict=False)
        return [
            ("idle_share", self.idle_share, "1"),
            *[(name, float(value), "1") for name, value in shared],
            *[(f"deviation_{level}", value, "z") for level, value in self.sd.items()],
            ("scatter", self.scatter, "z"),
            ("n_runs", self.n_runs, "runs"),
        ]


def gpu_power(
    law: GpuPower,
    models: pd.DataFrame,
    gpus: pd.DataFrame,
    *,
    model: str,
    gpu: str,
    count: int,
    precision: str,
    throughput: ArrayLike,
    batch: ArrayLike,
    input_tokens: float,
    output_tokens: float,
    attention_copies: int = 1,
    power_limit: float = np.nan,
) -> pd.DataFrame:
    """Power of one GPU of a group that serves a model.

    Parameters
    ----------
    law : GpuPower
        Fitted law.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    model, gpu, precision : str
        As in those tables and in the throughput tables.
    count : int
        GPUs of the group.
    throughput : array_like
        Output tokens per second of the group. [tokens/s]
    batch : array_like
        Requests served at once.
    input_tokens, output_tokens : float
        Lengths. [tokens]
    attention_copies : int
        Copies of the attention in the group (attention data parallelism).
    power_limit : float
        Limit of a GPU's power, where it is below the rated one. [W]

    Returns
    -------
    DataFrame
        As of ``GpuPower.predict``, a row per value of ``throughput`` and ``batch``.
    """
    tokens, served = np.broadcast_arrays(np.atleast_1d(throughput), np.atleast_1d(batch))
    rows = pd.DataFrame({"throughput_tps": tokens, "batch": served}).assign(
        model=model,
        gpu=gpu,
        gpus=count,
        precision=precision,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        attention_copies=attention_copies,
        power_limit_w=power_limit,
        task="",
    )
    return law.predict(add_utilisation(rows, models, gpus))


def _keys(rows: pd.DataFrame, columns: list[str]) -> pd.Index:
    # a table that has gaps elsewhere counts its GPUs as 8.0
    counted = rows.assign(gpus=rows["gpus"].astype(float).map("{:g}".format))
    texts = [map(str, counted[column].tolist()) for column in columns]
    return pd.Index(list(map("|".join, zip(*texts, strict=True))))


def _membership(keys: Mapping[str, pd.Index], groups: Mapping[str, pd.Index]) -> Array:
    """Which deviations move which row, rows by deviations; none of a group outside the fit."""
    return np.concatenate(
        [
            (groups[level].get_indexer(key)[:, None] == np.arange(len(groups[level]))).astype(float)
            for level, key in keys.items()
        ],
        axis=1,
    )


def _log_load(rows: pd.DataFrame) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(rows[UTILISATION].to_numpy(float))


def _from_power(share: "pd.Series[float]", idle_share: float) -> Array:
    """Equation (2) of power over rated power."""
    between = np.clip((share - idle_share) / (1 - idle_share), LEAST, MOST)
    return np.log(-np.log1p(-between)).to_numpy(float)


def _residual(
    values: Array, log_load: Array, member: Array, measured: Array
) -> tuple[Array, Array]:
    """Measured minus fitted z, and the derivative of the fitted z."""
    n_shared = len(PRIOR)
    logs = log_load + values[1:n_shared]
    largest = logs.max(axis=1, keepdims=True)
    parts = np.exp(logs - largest)
    total = parts.sum(axis=1, keepdims=True)
    exponent, log_v = np.exp(values[0]), (largest + np.log(total))[:, 0]
    jacobian = np.column_stack([exponent * log_v, exponent * parts / total, member])
    return measured - exponent * log_v - member @ values[n_shared:], jacobian


def _precision(sd: Array, sizes: Sequence[int]) -> Array:
    """Of the priors: of the shared parameters, and of the deviations of levels of these sizes."""
    prior = [1 / spread**2 for _, spread in PRIOR.values()]
    return np.concatenate([prior, np.repeat(sd**-2.0, sizes)])


def _by_level(values: Array, sizes: Sequence[int]) -> Array:
    """Sum over the deviations of each level."""
    parts = np.split(values[len(PRIOR) :], np.cumsum(sizes)[:-1])
    return np.array([part.sum() for part in parts])


def _variance(jacobian: Array, covariance: Array) -> Array:
    return ((jacobian @ covariance) * jacobian).sum(axis=1)

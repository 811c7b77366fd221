"""Errors of the power law, and of energy per token, on runs that it has not seen."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from inference_energy.power.gpu import GpuPower
from inference_energy.units import PERCENT

SPLITS = {"architecture": "architecture", "task": "task", "GPU": "gpu", "model": "alike"}
"""What is left out, and the column that says so; a model with all of its architecture and size."""

ALL = "all"
"""Architecture of a score over all runs."""

MEASURED, PREDICTED = "energy, throughput measured", "energy, throughput predicted"
"""Quantities: the errors of the first are those of power."""

INTERVALS = {50: ("p25", "p75"), 90: ("p5", "p95")}
"""Two-sided intervals [%] and their ends."""

INTERVAL_SCORE = 90
"""Interval that the interval score is of. [%]"""


def laws_without(rows: pd.DataFrame, idle_share: float) -> dict[tuple[str, str], GpuPower]:
    """Laws fitted to all runs but those of a group.

    Parameters
    ----------
    rows : DataFrame
        Columns of ``measured`` and of ``add_utilisation``; runs of several sources. Those of
        ML.ENERGY are left out group by group, with the runs of the other sources in the fit unless
        they belong to the group; the other sources are left out whole.
    idle_share : float
        P_idle over P_tdp. [1]

    Returns
    -------
    dict
        By what is left out, of SPLITS or source, and by the group's name.
    """
    swept = _swept(rows)
    columns = {split: (column, swept) for split, column in SPLITS.items()}
    columns["source"] = ("source_id", ~swept)
    return {
        (split, value): GpuPower.fit(rows[rows[column] != value], idle_share)
        for split, (column, of) in columns.items()
        for value in rows.loc[of, column].unique()
    }


def _swept(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Whether a run is of the source with the most."""
    return rows["source_id"] == rows["source_id"].mode()[0]


def left_out(rows: pd.DataFrame, laws: Mapping[tuple[str, str], GpuPower]) -> pd.DataFrame:
    """Power that the law predicts for runs of groups that it was not fitted to.

    Parameters
    ----------
    rows : DataFrame
        As for :func:`laws_without`, with ``load`` [1] of the law fitted to all.
    laws : mapping
        What that returns.

    Returns
    -------
    DataFrame
        Schema ``power_predictions``: a row per run and split.
    """
    swept, parts = _swept(rows), []
    for (split, value), law in laws.items():
        own = rows[SPLITS.get(split, "source_id")] == value
        own &= swept if split in SPLITS else ~swept
        parts.append(_predicted(law, rows[own]).assign(left_out=split))
    return pd.concat(parts, ignore_index=True)


def _predicted(law: GpuPower, rows: pd.DataFrame) -> pd.DataFrame:
    """Predicted power of the rows, beside what was measured."""
    found = law.predict(rows)
    columns = ["source_id", "run", "model", "architecture", "task", "gpu", "gpus"]
    columns += ["concurrency", "load"]
    return rows[columns].join(
        pd.DataFrame(
            {
                "measured_w": rows["gpu_power_w"],
                "predicted_w": found["gpu_power_w"],
                **{name: found[name] for name in ("p5_w", "p25_w", "p75_w", "p95_w")},
            }
        )
    )


def with_energy(predictions: pd.DataFrame, both: pd.DataFrame) -> pd.DataFrame:
    """Append the energy per token of the runs whose throughput is predicted too.

    Parameters
    ----------
    predictions : DataFrame
        From :func:`left_out`.
    both : DataFrame
        From ``evidence.token_energy.left_out``.
    """
    keys = ["source_id", "run", "left_out"]
    ends = [f"{name}_j" for name in ("measured", "predicted", "p5", "p25", "p75", "p95")]
    added = both[[*keys, "throughput_off", *ends]]
    return predictions.merge(added, on=keys, how="left", validate="1:1")


def failures(predictions: pd.DataFrame) -> pd.DataFrame:
    """Errors of energy, both predicted and the model left out, by kind of run, the worst first.

    Parameters
    ----------
    predictions : DataFrame
        Schema ``power_predictions``.

    Returns
    -------
    DataFrame
        gpu, single (whether the run is on one GPU), task, n; medians of predicted over measured
        throughput_off and energy_off, and median and P90 factor of energy. [1]
    """
    own = predictions[predictions["left_out"].eq("model") & predictions["predicted_j"].notna()]
    error = pd.Series(
        np.log(own["predicted_j"].astype(float) / own["measured_j"].astype(float)), own.index
    )
    kinds = own.assign(single=own["gpus"].eq(1), energy_off=np.exp(error), off=error.abs())
    lines = kinds.groupby(["gpu", "single", "task"]).agg(
        n=("off", "size"),
        throughput_off=("throughput_off", "median"),
        energy_off=("energy_off", "median"),
        median_factor=("off", "median"),
        p90_factor=("off", lambda errors: errors.quantile(0.9)),
    )
    factors = ["median_factor", "p90_factor"]
    lines[factors] = np.exp(lines[factors])
    return lines.sort_values("median_factor", ascending=False).reset_index()


def scores(predictions: pd.DataFrame, quantity: str, unit: str) -> pd.DataFrame:
    """Errors by split, of all runs and of each architecture.

    Parameters
    ----------
    predictions : DataFrame
        Columns left_out, architecture, and measured, predicted, p5, p25, p75, p95 followed by
        ``_`` and ``unit``.
    quantity : str
        What was predicted.
    unit : str
        Ending of the columns.

    Returns
    -------
    DataFrame
        Schema ``power_scores``.
    """
    lines = []
    for split, runs in predictions.groupby("left_out", sort=False):
        parts = {ALL: runs, **dict(list(runs.groupby("architecture")))}
        for architecture, part in parts.items():
            values = _errors(part, unit)
            lines += [
                (quantity, split, architecture, name, value, of, len(part))
                for name, (value, of) in values.items()
            ]
    columns = ["quantity", "left_out", "architecture", "statistic", "value", "unit", "n"]
    return pd.DataFrame(lines, columns=columns)


def _errors(runs: pd.DataFrame, unit: str) -> dict[str, tuple[float, str]]:
    """Median and P90 factor, bias, coverage and interval score, each with its unit."""
    log = {
        name: pd.Series(np.log(runs[f"{name}_{unit}"].astype(float)), runs.index)
        for name in ("measured", "predicted", "p5", "p25", "p75", "p95")
    }
    error = log["predicted"] - log["measured"]
    found = {
        "median_factor": (np.exp(error.abs().median()), "1"),
        "p90_factor": (np.exp(error.abs().quantile(0.9)), "1"),
        "bias": (np.exp(error.median()), "1"),
    }
    for percent, ends in INTERVALS.items():
        low, high = (log[end] for end in ends)
        inside = (log["measured"] >= low) & (log["measured"] <= high)
        found[f"coverage_{percent}"] = (PERCENT * inside.mean(), "%")
    low, high = (log[end] for end in INTERVALS[INTERVAL_SCORE])
    outside = np.maximum(low - log["measured"], 0) + np.maximum(log["measured"] - high, 0)
    miss = 2 / (1 - INTERVAL_SCORE / PERCENT)
    found["interval_score"] = ((high - low + miss * outside).mean(), "ln")
    return found

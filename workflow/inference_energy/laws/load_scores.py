"""How well the law with load predicts what was left out of its fit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from inference_energy.laws.at_load import AS_MANY_AS_FIT, DEPLOYMENT, AtLoadFit, keys
from inference_energy.laws.base import Array, Fit
from inference_energy.laws.registry import LAWS
from inference_energy.laws.rows import configuration_number
from inference_energy.laws.serving import TRAITS
from inference_energy.units import PERCENT

SPLITS: dict[str, list[str]] = {
    "shape": ["shape"],
    "configuration": [
        "network",
        "gpu",
        "tensor_parallel",
        "pipeline_parallel",
        "attention_data_parallel",
        "expert_parallel",
        "precision",
        "engine",
        "engine_version",
    ],
    "model": ["network"],
    "GPU": ["gpu"],
    "engine": ["engine"],
    "version": ["source_id", "engine", "engine_version"],
    "source": ["source_id"],
}
"""What is left out together: rows that are the same in these columns."""

FOLDS = {"shape": 8, "configuration": 8, "version": 12}
"""Fits of a split that leaves out several groups at once."""

SCALES = {"at-load": 1.0, "at-load, half the spreads": 0.5, "at-load, twice the spreads": 2.0}
"""Factors on the law's prior standard deviations, set by hand, and the names that tell. [1]"""

SCALED = ("configuration", "model")
"""Splits that are asked how much these matter."""

BEFORE = "hierarchical"
"""Law of methods that did not know load, to stand beside the one that does."""

CENTRAL = (50, 90)
"""Intervals whose coverage is told. [%]"""

ELSEWHERE = "measured elsewhere"
"""Stands for a class: rows of a source left out whose deployment others measured, any version."""


def bounds(predicted: ArrayLike, sigma: ArrayLike, percent: float) -> tuple[Array, Array]:
    """Ends of the central interval of a prediction, log-normal. [tokens/s]

    Parameters
    ----------
    predicted, sigma : array_like
        Throughput [tokens/s] and standard deviation of its logarithm.
    percent : float
        Share of measurements that the interval should hold. [%]
    """
    away = ndtri(0.5 + percent / 200) * np.asarray(sigma)
    middle = np.asarray(predicted)
    return middle * np.exp(-away), middle * np.exp(away)


def leave_out(
    rows: pd.DataFrame,
    split: str,
    scales: Sequence[float] = (1.0,),
    apply: Callable[..., Iterable] = map,
) -> list[tuple[Array, Array]]:
    """Predict every row by a fit to the rows that differ from it in what is left out.

    Every fit starts from nothing, or from one that has not seen the same rows: one that started
    from the fit to all rows could end where the rows left out have drawn that.

    Parameters
    ----------
    rows : DataFrame
        ``training.training_rows``.
    split : str
        Of SPLITS.
    scales : sequence of float
        As of ``AtLoadFit.fits``.
    apply : callable
        Applies a function to every fold, as ``map``, or that of a pool of processes.

    Returns
    -------
    list of tuple of ndarray
        By scale, predicted throughput [tokens/s] and standard deviation of its logarithm.
    """
    told = rows.assign(shape=_shapes(rows)) if "shape" in SPLITS[split] else rows
    columns = [name for name in SPLITS[split] if name in told]
    number = told.groupby(columns, dropna=False, sort=False).ngroup().to_numpy()
    fold = number % FOLDS.get(split, number.max() + 1)
    answers = np.empty((len(scales), 2, len(rows)))
    outs = [fold == out for out in np.unique(fold)]
    for out, found in zip(outs, apply(partial(_without, rows, scales), outs), strict=True):
        answers[:, :, out] = found
    return [(predicted, sigma) for predicted, sigma in answers]


def _without(rows: pd.DataFrame, scales: Sequence[float], out: NDArray[np.bool_]) -> Array:
    seen, asked = rows[~out], rows[out]
    return np.array([fit.predict(asked) for fit in AtLoadFit.fits(seen, scales)])


def _shapes(rows: pd.DataFrame) -> pd.Series:
    """Lengths to within a factor of 1.6 or so: nearly equal shapes are left out together."""
    lengths = rows[["input_tokens", "output_tokens"]].to_numpy(float)
    near = pd.DataFrame(np.round(2 * np.log(lengths)).astype(int), rows.index)
    return near.astype(str).agg(" ".join, axis=1)


def unseen_sources(rows: pd.DataFrame, fit: Fit) -> tuple[Array, Array]:
    """Predict rows by a pooled law fitted to other sources, which is told each row's load.

    Returns
    -------
    tuple of ndarray
        As of ``leave_out``.
    """
    predicted, sigma = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    # such a law needs numbers alone, and text is slow to take row by row
    told = rows.select_dtypes("number").assign(throughput_tps=np.nan)
    lengths = rows[["input_tokens", "output_tokens"]].to_numpy(float)
    number = pd.Series(configuration_number(rows))
    for own in number.groupby(number).indices.values():
        law = fit.condition(told.iloc[own[0] : own[0] + 1])
        if law is not None:
            n_in, n_out = lengths[own].T
            predicted[own], sigma[own] = law.predict(n_in, n_out), law.sigma(n_in, n_out)
    return predicted, sigma


def _interval_score(measured: Array, predicted: Array, sigma: Array) -> float:
    """Mean width of the 90 % interval of ln throughput, and 20 times how far rows lie outside."""
    low, high = (np.log(end) for end in bounds(predicted, sigma, 90))
    away = np.maximum(low - np.log(measured), 0) + np.maximum(np.log(measured) - high, 0)
    return float(np.mean(high - low + 20 * away))


def statistics(
    measured: ArrayLike, predicted: ArrayLike, sigma: ArrayLike
) -> list[tuple[str, float, str]]:
    """How far predictions are off, as (statistic, value, unit).

    Factors are predicted over measured throughput or its inverse, whichever is above 1; the bias
    is the median of predicted over measured; the interval score is that of T. Gneiting and
    A. Raftery (2007) for the central 90 % of ln throughput.
    """
    measured, predicted, sigma = (np.asarray(x, float) for x in (measured, predicted, sigma))
    ratio = predicted / measured
    away = np.exp(np.abs(np.log(ratio)))
    found = [
        ("median_factor", np.median(away), "1"),
        ("p90_factor", np.percentile(away, 90), "1"),
        ("bias", np.median(ratio), "1"),
        ("mean_absolute_error", PERCENT * np.abs(ratio - 1).mean(), "%"),
        ("p90_absolute_error", PERCENT * np.percentile(np.abs(ratio - 1), 90), "%"),
        ("interval_score", _interval_score(measured, predicted, sigma), "ln(tokens/s)"),
    ]
    for percent in CENTRAL:
        low, high = bounds(predicted, sigma, percent)
        inside = (measured >= low) & (measured <= high)
        found.append((f"coverage_{percent}", PERCENT * inside.mean(), "%"))
    return [(name, float(value), unit) for name, value, unit in found]


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, str, Array]]:
    """Sources and classes of models: name of each, and where its rows are."""
    classes = {"dense": rows["mixture"].eq(0), "mixture": rows["mixture"].eq(1)}
    for source in ["all", *sorted(rows["source_id"].unique())]:
        of_source = rows["source_id"].eq(source) | (source == "all")
        for name, of_class in {"all": of_source, **classes}.items():
            inside = (of_source & of_class).to_numpy()
            if inside.any():
                yield source, name, inside


def score(rows: pd.DataFrame, split: str, law: str, predicted: Array, sigma: Array) -> pd.DataFrame:
    """Statistics by source and class of model.

    Returns
    -------
    DataFrame
        Columns of schema ``load_scores``.
    """
    measured = rows["throughput_tps"].to_numpy(float)
    lines = [
        (split, law, source, kind, name, value, unit, int(inside.sum()))
        for source, kind, inside in _groups(rows)
        for name, value, unit in statistics(measured[inside], predicted[inside], sigma[inside])
    ]
    columns = ["left_out", "law", "source", "class", "statistic", "value", "unit", "n"]
    return pd.DataFrame(lines, columns=columns)


def measured_elsewhere(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether rows of another source are of the deployment of each row, in whatever version."""
    deployment = keys(rows, DEPLOYMENT)
    sources = rows["source_id"].groupby(deployment.to_numpy()).nunique()
    return sources.reindex(deployment).to_numpy() > 1


def score_load(
    rows: pd.DataFrame,
    before: str,
    hardware: Mapping[str, pd.DataFrame],
    apply: Callable[..., Iterable] = map,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the law with load on everything left out, and another law on sources it has not seen.

    Parameters
    ----------
    rows : DataFrame
        ``training.training_rows``.
    before : str
        Name of the other law, which is fitted to the vendor's finite runs and told the load of all
        other rows.
    hardware : mapping of str to DataFrame
        Tables that it needs, by name.
    apply : callable
        As of ``leave_out``.

    Returns
    -------
    tuple of DataFrame
        Tables of schemas ``load_scores`` and ``load_predictions``; the latter has the rows with
        the model left out.
    """
    scores, left_out = [], pd.DataFrame()
    for split in SPLITS:
        asked = SCALES if split in SCALED else {"at-load": SCALES["at-load"]}
        found = leave_out(rows, split, tuple(asked.values()), apply)
        for law, (predicted, sigma) in zip(asked, found, strict=True):
            scores.append(score(rows, split, law, predicted, sigma))
        if split == "model":
            left_out = predictions(rows, *found[0])
        if split == "source":
            again = measured_elsewhere(rows)
            lines = score(rows[again], split, "at-load", *(answer[again] for answer in found[0]))
            scores.append(lines[lines["class"].eq("all")].assign(**{"class": ELSEWHERE}))
    known = rows["protocol"].eq(AS_MANY_AS_FIT)
    kind, others = LAWS[before], rows[~known]
    prepared = kind.prepare(rows.drop(columns=TRAITS), hardware)
    answers = unseen_sources(prepared[~known], kind.fit_many(prepared[known]))
    scores.append(score(others, "source", before, *answers))
    return pd.concat(scores, ignore_index=True), left_out


def predictions(rows: pd.DataFrame, predicted: Array, sigma: Array) -> pd.DataFrame:
    """Rows with what is measured, predicted, and the ends of the central 90 % [tokens/s], class."""
    low, high = bounds(predicted, sigma, 90)
    return rows.assign(
        measured=rows["throughput_tps"],
        predicted=predicted,
        p5=low,
        p95=high,
        sigma=sigma,
        kind=np.where(rows["mixture"].eq(1), "mixture", "dense"),
    ).rename(columns={"kind": "class"})

"""Output lengths: the method's distribution beside traces and measured models."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy

from inference_energy.energy import exact
from inference_energy.energy.equation import Array
from inference_energy.energy.mixtures import Mixture, TrimmedBlend
from inference_energy.method.lengths import EmpiricalLengths, RoundedLengths
from inference_energy.method.setup import Regime, Setup
from inference_energy.units import PERCENT

LEVELS = np.linspace(0, 1, 201)
MEASURED_LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
FLATTEST, STEEPEST = 0.01, 100.0
"""Powers of the tail beyond P95: the maximum at once, the maximum at the very end."""

APART, APART_OF_ALL = 2.5, 1.25
"""Times that a mean length may be off that of the runs' table, and the median over a task's models
of that ratio [1]. Both are of the same requests, of which the runs count those of their steady
state: in those the answers that are cut at the limit count by as much as half, so that two models
of chat are at 1.8 and 1.5 times. Of the other 28 none is more than 2 % off, the medians 1 %."""
LEAST_MODELS = 3
"""Models of whose ratios a median is taken: of two either may be wrong."""

TABLE, RUNS = "data/measured/output_lengths.csv", "data/measured/mlenergy_v3.csv"


def problems(measured: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """Say which lengths contradict each other, or the runs that had them.

    Parameters
    ----------
    measured : DataFrame
        Table of schema ``output_lengths``.
    runs : DataFrame
        Table of schema ``mlenergy``.
    """
    found = []
    of_runs = runs.groupby(["task", "model_id"])["output_tokens"].median().rename("of_runs")
    joined = measured.join(of_runs, on=["task", "model_id"], how="inner")
    joined["ratio"] = joined["mean"] / joined["of_runs"]
    for task, own in joined.groupby("task"):
        middle = float(own["ratio"].median())
        if len(own) >= LEAST_MODELS and not 1 / APART_OF_ALL <= middle <= APART_OF_ALL:
            found.append(
                f'{TABLE}: task {task}: column "mean": the values of its {len(own)} models are'
                f" {middle:.3g} times output_tokens of {RUNS}, in the median; allowed is"
                f" {1 / APART_OF_ALL:g} to {APART_OF_ALL:g}, as both are of the same requests;"
                " correct the unit of the one that is wrong"
            )
            continue
        for row in own[~own["ratio"].between(1 / APART, APART)].to_dict("records"):
            found.append(
                f'{TABLE}: task {task}, model_id {row["model_id"]}: column "mean": value'
                f" {row['mean']:g}; allowed is {row['of_runs'] / APART:.4g} to"
                f" {row['of_runs'] * APART:.4g}, {1 / APART:g} to {APART:g} times output_tokens of"
                f" {RUNS}, as both are of the same requests; correct the one that is wrong"
            )
    for row in measured.to_dict("records"):
        low, high = _mean_between(row)
        if not low <= row["mean"] <= high:
            found.append(
                f'{TABLE}: task {row["task"]}, model_id {row["model_id"]}: column "mean": value'
                f" {row['mean']:g}; allowed is {low:.4g} to {high:.4g}, which percentiles and"
                " maximum leave, within a bin_width; correct the one that is wrong"
            )
    return found


def _mean_between(row: Mapping[Any, Any]) -> tuple[float, float]:
    """Least and largest mean [tokens] of lengths that have the percentiles and maximum of a row."""
    known = [float(row[f"p{level * PERCENT:.0f}"]) for level in MEASURED_LEVELS]
    shares = np.diff([0.0, *MEASURED_LEVELS, 1.0])
    # percentiles of a histogram are known to a bin
    slack = float(row["bin_width"])
    return (
        float(shares @ [0.0, *known]) - slack,
        float(shares @ [*known, float(row["max"])]) + slack,
    )


def quantile_curves(traces: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of output tokens of every trace and measured model at ``LEVELS``.

    A measured model has seven percentiles, a mean and a maximum. Between the percentiles ln
    length is linear in the level, below P5 length is; beyond P95 it rises to the maximum as that
    power of the level which gives the mean.

    Parameters
    ----------
    traces : DataFrame
        Table of schema ``request_lengths``.
    measured : DataFrame
        Table of schema ``output_lengths``.

    Returns
    -------
    DataFrame
        series, source_id, kind (trace | chat | gpqa), level [1], output_tokens [tokens].
    """
    frames = []
    for name, trace in traces.groupby("trace"):
        trace = trace.sort_values("quantile")
        lengths = np.interp(LEVELS, trace["quantile"], trace["output_tokens"])
        frames.append(_curve(name, trace["source_id"].iloc[0], "trace", lengths))
    for row in measured.to_dict("records"):
        frames.append(_curve(row["model_id"], row["source_id"], row["task"], _lengths(row)))
    return pd.concat(frames, ignore_index=True)


def _lengths(row: Mapping[Any, Any]) -> Array:
    """Quantiles at ``LEVELS`` from the percentiles, mean and maximum of a measured model."""
    known = np.array([row[f"p{level * PERCENT:.0f}"] for level in MEASURED_LEVELS], float)
    first, last = MEASURED_LEVELS[0], MEASURED_LEVELS[-1]
    body = np.exp(np.interp(LEVELS, MEASURED_LEVELS, np.log(known)))
    body *= np.minimum(LEVELS / first, 1)
    beyond = np.clip(np.round((LEVELS - last) / (1 - last), 9), 0, 1)

    def curve(power: float) -> Array:
        return body + (row["max"] - row["p95"]) * beyond**power

    def excess(power: float) -> float:
        return np.trapezoid(curve(power), LEVELS) - row["mean"]

    # a mean that no tail gives (percentiles of a histogram are rounded) takes the nearest tail
    if excess(STEEPEST) >= 0:
        return curve(STEEPEST)
    return (
        curve(FLATTEST)
        if excess(FLATTEST) <= 0
        else curve(scipy.optimize.brentq(excess, FLATTEST, STEEPEST))
    )


def _curve(
    series: str | Hashable, source: Any, kind: str | Hashable, lengths: Array
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "series": series,
            "source_id": source,
            "kind": kind,
            "level": LEVELS,
            "output_tokens": lengths,
        }
    )


def shown(setup: Setup, curves: pd.DataFrame, step: int = 10) -> pd.DataFrame:
    """Every ``step``-th quantile of the observed lengths, and the method's own beside them.

    Returns
    -------
    DataFrame
        Columns of :func:`quantile_curves`; the method's regimes have kind ``method`` and no
        source, as the method file names it.
    """
    kept = LEVELS[::step]
    own = [
        _curve(name, None, "method", np.append(regime.output_tokens.quantile(LEVELS[:-1]), np.nan))
        for name, regime in setup.regimes.items()
    ]
    table = pd.concat([curves, *own], ignore_index=True).dropna(subset=["output_tokens"])
    return table[np.isin(table["level"], kept)]


def compare(setup: Setup, curves: pd.DataFrame) -> pd.DataFrame:
    """What each observed length distribution would do in place of each regime's.

    Parameters
    ----------
    setup : Setup
        The method.
    curves : DataFrame
        From :func:`quantile_curves`.

    Returns
    -------
    DataFrame
        Per regime and series: the Kolmogorov distance to the regime's distribution as it is and
        after scaling to the series' median [1], medians and means of the lengths [tokens], and
        median and mean of the blend's energy over the method's own [1], and whether
        the new median lies in the method's own interquartile range.
    """
    lines = []
    for name, regime in setup.regimes.items():
        tokens = regime.output_tokens
        # those of a method are distributed, of a single query alone they are not
        assert isinstance(tokens, RoundedLengths)
        own_mean, _ = tokens.mean_and_std()
        own_median = float(tokens.quantile(0.5))
        base = _blend(setup, regime)
        for (series, kind, source), curve in curves.groupby(
            ["series", "kind", "source_id"], sort=False
        ):
            lengths = curve["output_tokens"].to_numpy()
            observed = EmpiricalLengths(tuple(lengths))
            blend = _blend(setup, replace(regime, output_tokens=observed))
            mean, _ = observed.mean_and_std()
            median = float(observed.quantile(0.5))
            lines.append(
                {
                    "regime": name,
                    "series": series,
                    "kind": kind,
                    "source_id": source,
                    "distance": _distance(tokens, lengths),
                    "distance_shape": _distance(tokens, lengths * own_median / max(median, 1.0)),
                    "median_tokens": median,
                    "mean_tokens": mean,
                    "median_tokens_ratio": median / own_median,
                    "mean_tokens_ratio": mean / own_mean,
                    "median_energy_ratio": blend.quantile(0.5) / base.quantile(0.5),
                    "mean_energy_ratio": blend.mean() / base.mean(),
                    "inside_iqr": "yes" if 0.25 <= base.cdf(blend.quantile(0.5)) <= 0.75 else "no",
                }
            )
    return pd.DataFrame(lines)


def _blend(setup: Setup, regime: Regime) -> Mixture | TrimmedBlend:
    models, names = exact.regime_energy(setup, regime)
    return exact.blend_energy(setup, models, names)


def _distance(tokens: RoundedLengths, quantiles: Array) -> float:
    """Largest difference between a distribution function and that of evenly spaced quantiles."""
    # a length that occurs at several levels is reached at the highest and left at the lowest
    above = tokens.cdf(quantiles + 0.5)
    highest = np.searchsorted(quantiles, quantiles, side="right") - 1
    return float(np.abs(above - LEVELS[highest]).max())

"""The method's predictions against measurements: intervals, bias, coverage, verdicts."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

# scipy.stats takes as long to import as pandas, and most jobs that import this do not call it
import scipy

from inference_energy.energy.mixtures import Energy, Mixture
from inference_energy.evidence.boundaries import HOPPER, Conversion
from inference_energy.evidence.concurrency import best_deployments
from inference_energy.evidence.estimates import (
    LIKE,
    REGIME,
    Own,
    energy_at,
    why_not_usable,
    with_central,
)
from inference_energy.evidence.load import Load
from inference_energy.laws.training import STEADY_INPUT
from inference_energy.method.boundary import COMPARABLE, Place
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Setup
from inference_energy.text import are_few
from inference_energy.units import J_PER_WH, PERCENT, W_PER_KW

QUERIES = "all queries"
PAPERS_LIST, PUBLIC, PROVIDERS = "the paper's list", "public, production scale", "providers"
BEST, SWEEP, OTHER = "ML.ENERGY H100, best", "ML.ENERGY H100, sweep", "ML.ENERGY B200, best"
EVERYTHING = "all production scale"
COUNTED = (PUBLIC, PROVIDERS, BEST)
"""Sets that make up all figures at production scale; the paper's list repeats some of them."""
LEVEL = 0.9
"""Level of the interval of a share of figures. [1]"""

NOT_TESTABLE = "not testable"
"""Verdict where the figures are too few, or cannot show the whole of an effect."""

MEAN, MEDIAN = "mean", "median"
"""What a figure is over the queries that it stands for."""

MEASURED_BY = "mlenergy-v3"
"""Source whose runs are taken from the measurements, not from what was published about them."""


def _inside(value: float, lower: float, upper: float) -> str:
    return "yes" if lower <= value <= upper else "no"


def _line(
    group: str,
    basis: str,
    measured: float,
    interval: tuple[float, float],
    predicted: Energy | LogNormal,
    **where: Any,
) -> dict[str, Any]:
    # at fixed lengths the spread is of what is not known, and not over queries
    quantiles = {f"p{p}": float(predicted.quantile(p / PERCENT)) for p in (5, 25, 50, 75, 95)}
    mean = quantiles["p50"] if isinstance(predicted, LogNormal) else predicted.mean()
    counterpart = quantiles["p50"] if where["statistic"] == MEDIAN else mean
    return where | {
        "set": group,
        "basis": basis,
        "measured_wh": measured,
        "measured_p5_wh": interval[0],
        "measured_p95_wh": interval[1],
        **{f"predicted_{name}_wh": value for name, value in quantiles.items()},
        "predicted_mean_wh": mean,
        "predicted_over_measured": quantiles["p50"] / measured,
        "counterpart_over_measured": counterpart / measured,
        "inside_iqr": _inside(measured, quantiles["p25"], quantiles["p75"]),
        "inside_p5_p95": _inside(measured, quantiles["p5"], quantiles["p95"]),
    }


def _nearest_regime(setup: Setup, output_tokens: float) -> str:
    """Name of the regime whose median length is nearest in ln; traditional if none is stated."""
    if np.isnan(output_tokens):
        return REGIME
    medians = {name: r.output_tokens.quantile(0.5) for name, r in setup.regimes.items()}
    return min(medians, key=lambda name: abs(np.log(output_tokens / medians[name])))


def predictions(
    setup: Setup,
    own: Own,
    estimates: pd.DataFrame,
    runs: pd.DataFrame,
    convert: Conversion,
    unseen: Mapping[str, Setup] | None = None,
    medians: Collection[str] = (),
) -> pd.DataFrame:
    """Set the method beside every figure at production scale and every measured run.

    On the basis "all queries" the published figure is set against the distribution over the
    regime's queries at the facility, as the paper does; on "like for like" the method is evaluated
    at the figure's own boundary and, where stated, lengths: that of a measured run is its
    accelerators, and a method that knows load is asked at its load, GPU and format, too, and has
    seen nothing of its model. Only on "all queries" are measured runs brought to the facility, with
    the power of their node and PUE; machines that idle count on neither side. A mean per request is
    set against the method's mean, a median against its median.

    Parameters
    ----------
    setup : Setup
        The method.
    own : Own
        Its own queries.
    estimates : DataFrame
        Table of schema ``estimates``.
    runs : DataFrame
        Table of schema ``mlenergy``.
    convert : Conversion
        Conversion between boundaries.
    unseen : dict of str to Setup, optional
        From ``load.unseen``.
    medians : collection of str
        Figures that are medians over queries.

    Returns
    -------
    DataFrame
        One line per set, basis and figure. Energies in Wh.
    """
    lines = _published(setup, own, estimates, convert, medians)
    return pd.DataFrame(lines + _measured(setup, own.models, runs, convert, unseen or {}))


def _published(
    setup: Setup,
    own: Own,
    estimates: pd.DataFrame,
    convert: Conversion,
    medians: Collection[str],
) -> list[dict[str, Any]]:
    regimes = own.models
    estimates = with_central(estimates)
    estimates = estimates[why_not_usable(estimates).isna()]
    provider = estimates["method"].isin(["provider telemetry", "provider statement"])
    stated = provider & estimates["production_scale"].isin(["yes", "claimed"])
    production = (estimates["production_scale"] == "yes") & estimates["role"].isna()
    production &= estimates["source_id"] != MEASURED_BY
    groups = {
        PAPERS_LIST: estimates["role"] == "production",
        PUBLIC: production & estimates["model"].isin(regimes[REGIME]),
        PROVIDERS: stated,
    }
    lines = []
    for group, chosen in groups.items():
        for estimate in estimates[chosen].to_dict("records"):
            model, output_tokens = estimate["model"], estimate["output_tokens"]
            regime = _nearest_regime(setup, output_tokens)
            where = {name: estimate[name] for name in ("id", "source_id", "subject", "boundary")}
            where |= {"precision": estimate["precision"], "concurrency": estimate["concurrency"]}
            where |= {"output_tokens": output_tokens, "model": model or "frontier blend"}
            # one figure of an origin counts, except in the list that the paper gives
            counts = group == PAPERS_LIST or estimate["id"] == estimate["origin"]
            where["counted"] = "yes" if counts else "no"
            where["statistic"] = MEDIAN if estimate["id"] in medians else MEAN
            measured = estimate["central_wh"]
            interval = estimate["low_wh"], estimate["high_wh"]
            known = model in regimes[regime]
            energy: Energy | LogNormal = (
                regimes[regime][model] if known else own.blend[Place.FACILITY]
            )
            lines.append(_line(group, QUERIES, measured, interval, energy, **where))
            if estimate["boundary"] not in COMPARABLE:
                continue
            if known and not np.isnan(output_tokens):
                input_tokens = estimate["input_tokens"]
                if np.isnan(input_tokens):
                    input_tokens = setup.regimes[regime].input_tokens
                energy = energy_at(
                    setup, model, input_tokens, output_tokens, estimate["boundary"], convert
                )
            elif group == PROVIDERS:
                energy = own.blend[estimate["boundary"]]
            else:
                continue
            lines.append(_line(group, LIKE, measured, interval, energy, **where))
    return lines


def _measured(
    setup: Setup,
    regimes: Mapping[str, Mapping[str, Mixture]],
    runs: pd.DataFrame,
    convert: Conversion,
    unseen: Mapping[str, Setup],
) -> list[dict[str, Any]]:
    runs = runs[runs["model"].isin(regimes[REGIME])]
    sweeps = best_deployments(runs)
    lowest = sweeps.groupby(["task", "model_id", "gpu"])["energy_per_token_j"].idxmin()
    best = set(sweeps.loc[lowest, "row"])
    lines = []
    for run in runs.to_dict("records"):
        hopper = run["gpu"] == HOPPER
        groups = [SWEEP] if hopper else []
        groups += [BEST if hopper else OTHER] if run["row"] in best else []
        if not groups:
            continue
        regime = _nearest_regime(setup, run["output_tokens"])
        facility = convert.facility_from_run(
            run["energy_per_request_j"] / J_PER_WH,
            run["accelerator_power_w"],
            run["gpu"],
            run["gpus"],
        )
        where = {name: run[name] for name in ("source_id", "model", "precision", "concurrency")}
        where |= {"id": f"mlenergy_v3.{run['row']}", "subject": run["model_id"]}
        where |= {"output_tokens": run["output_tokens"], "counted": "yes"}
        where |= {"statistic": MEAN}
        load = Load(run["concurrency"], run["gpu"], run["precision"], run["gpus"])
        alike = energy_at(
            unseen.get(run["model"], setup),
            run["model"],
            STEADY_INPUT,
            run["output_tokens"],
            Place.ACCELERATOR,
            convert,
            load,
        )
        low, middle, high = (float(facility.quantile(q)) for q in (0.05, 0.5, 0.95))
        own = run["energy_per_request_j"] / J_PER_WH
        for group in groups:
            at_facility = where | {"boundary": Place.FACILITY}
            energy = regimes[regime][run["model"]]
            lines.append(_line(group, QUERIES, middle, (low, high), energy, **at_facility))
            of_gpus = where | {"boundary": Place.ACCELERATOR}
            lines.append(_line(group, LIKE, own, (own, own), alike, **of_gpus))
    return lines


def coverage(table: pd.DataFrame, nominal: Mapping[str, float]) -> pd.DataFrame:
    """Bias and coverage per set and basis, for all figures and per model.

    Parameters
    ----------
    table : DataFrame
        From :func:`predictions`.
    nominal : dict
        ``iqr`` and ``p5_p95``: the shares that the ranges should hold. [1]

    Returns
    -------
    DataFrame
        set, basis, model, n, sources, bias (geometric mean of predicted over measured, mean over
        mean or median over median) [1], coverage of both ranges [1], verdict.
    """
    table = table[table["counted"] == "yes"]
    together = table[table["set"].isin(COUNTED)].assign(set=EVERYTHING)
    lines = []
    for (group, basis), part in pd.concat([table, together]).groupby(["set", "basis"], sort=False):
        parts = {"all": part, **dict(list(part.groupby("model")))}
        for model, figures in parts.items():
            inside = {name: figures[f"inside_{name}"] == "yes" for name in nominal}
            lines.append(
                {
                    "set": group,
                    "basis": basis,
                    "model": model,
                    "n": len(figures),
                    "sources": figures["source_id"].nunique(),
                    "bias": scipy.stats.gmean(figures["counterpart_over_measured"]),
                    **{f"{name}_coverage": held.mean() for name, held in inside.items()},
                    "verdict": _verdict(inside, nominal),
                }
            )
    return pd.DataFrame(lines)


def _verdict(inside: Mapping[str, pd.Series], nominal: Mapping[str, float]) -> str:
    """Consistent where both ranges hold the share that they should, neither less nor more."""
    if are_few(len(next(iter(inside.values())))):
        return NOT_TESTABLE
    fits = [_fits(inside[name], share) for name, share in nominal.items()]
    return "holds" if all(fits) else "holds in part" if any(fits) else "does not hold"


def _fits(inside: pd.Series, share: float) -> bool:
    """Whether a share lies in the interval of that which a range holds (Clopper-Pearson)."""
    test = scipy.stats.binomtest(int(inside.sum()), len(inside)).proportion_ci(LEVEL)
    return bool(test.low <= share <= test.high)


def wall_utilisation(
    wall_power: pd.DataFrame, maximum: Mapping[str, float], utilisation: LogNormal
) -> pd.DataFrame:
    """Power utilisation of whole nodes at the wall, against the method's.

    Parameters
    ----------
    wall_power : DataFrame
        Table of schema ``wall_power``; runs shared by two accuracy targets are taken once.
    maximum : dict of str to float
        Maximum power of a node, by GPU. [kW]
    utilisation : LogNormal
        The method's power utilisation. [1]

    Returns
    -------
    DataFrame
        Per run: utilisation and idle utilisation [1], its level in the method's distribution [1].
    """
    same = ["source_id", "system", "scenario", "throughput_tps", "wall_power_w"]
    table = wall_power.drop_duplicates(same)
    full = table["gpu"].map(maximum) * W_PER_KW
    share = table["wall_power_w"] / full
    return table[["source_id", "system", "gpu", "benchmark", "scenario"]].assign(
        power_utilisation=share,
        idle_utilisation=table["idle_power_w"] / full,
        level=scipy.stats.norm.cdf((np.log(share) - utilisation.mu) / utilisation.sigma),
    )

"""Public estimates of the energy per query beside the method, like with like.

Three readings of "overstates by 4-20x": the paper's three figures against its medians of the same
models, all public estimates against the headline, and every estimate against the method evaluated
at the estimate's own model, lengths and boundary.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from inference_energy.energy import exact
from inference_energy.energy.mixtures import Mixture, TrimmedBlend
from inference_energy.errors import InputError
from inference_energy.evidence.boundaries import Conversion, at_boundary
from inference_energy.evidence.load import Load, at_load
from inference_energy.method.boundary import COMPARABLE, Place
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import ServedModel, Setup, extrapolates
from inference_energy.text import rounded

Band = tuple[float, float]
"""Lower and upper end of a range of ratios. [1]"""

REGIME = "traditional"
PAPER, ABSTRACT, LIKE = "as the paper does it", "as the abstract says it", "like for like"


def _served(setup: Setup, name: str) -> ServedModel:
    served = {m.name: m for m in setup.models}
    if name not in served:
        raise InputError(
            f"model {name!r}: no throughput law; allowed are {', '.join(sorted(served))};"
            " leave the estimate out of the comparison"
        )
    return served[name]


def energy_at(
    setup: Setup,
    model: str,
    input_tokens: float,
    output_tokens: float,
    boundary: str,
    convert: Conversion,
    load: Load | None = None,
) -> LogNormal:
    """Energy of a query of given lengths at a boundary (Eq. 1 of arXiv:2509.20241).

    Parameters
    ----------
    setup : Setup
        The method.
    model : str
        Model with a throughput law.
    input_tokens, output_tokens : float
        Lengths of the query. [tokens]
    boundary : {"accelerator", "server", "facility"}
        What the energy includes.
    convert : Conversion
        Parameters of the conversion.
    load : Load, optional
        How the query was served; methods that know no load leave it out of account.

    Returns
    -------
    LogNormal
        [Wh]

    Raises
    ------
    InputError
        If the method has no law for the model, or no conversion to the boundary.
    """
    served = at_load(_served(setup, model), load, convert.gpus_per_node)
    if served.law.knows_accelerators:
        # the spread of their power is that of this model at this load, not of all queries
        counted = at_boundary(replace(setup, models=(served,)), boundary, convert)
        return exact.fixed_energy(counted, counted.models[0], input_tokens, output_tokens)
    counted = at_boundary(setup, boundary, convert)
    return exact.fixed_energy(counted, served, input_tokens, output_tokens)


def headline(
    setup: Setup, boundary: str, convert: Conversion, regime: str = REGIME
) -> Mixture | TrimmedBlend:
    """Distribution of the frontier blend's energy per query at a boundary. [Wh]"""
    setup = at_boundary(setup, boundary, convert)
    models, names = exact.regime_energy(setup, setup.regimes[regime])
    return exact.blend_energy(setup, models, names)


class Own(NamedTuple):
    """Distributions of the energy of a method's own queries, each computed once. [Wh]

    Parameters
    ----------
    models : dict of str to dict of str to Mixture
        By regime and model, at the facility.
    blend : dict of str to Mixture or TrimmedBlend
        Of the frontier blend's ordinary queries, by boundary.
    """

    models: dict[str, dict[str, Mixture]]
    blend: dict[str, Mixture | TrimmedBlend]


def own_queries(setup: Setup, convert: Conversion) -> Own:
    """Compute the energies of a method's own queries, an :class:`Own`."""
    models = {name: exact.regime_energy(setup, of)[0] for name, of in setup.regimes.items()}
    return Own(models, {place: headline(setup, place, convert) for place in COMPARABLE})


def with_central(estimates: pd.DataFrame) -> pd.DataFrame:
    """Add ``central_wh``: the value, or the geometric mean of the range. [Wh]"""
    middle = pd.Series(np.sqrt(estimates["low_wh"] * estimates["high_wh"]))
    return estimates.assign(central_wh=estimates["value_wh"].fillna(middle))


def why_not_usable(estimates: pd.DataFrame) -> pd.Series:
    """Reason for which an estimate enters no result, by row; none for a usable one."""
    checks = {
        "searched for and not found": estimates["verification"] == "not found",
        "no energy per query published": estimates["central_wh"].isna(),
        "the paper's own result": estimates["role"] == "own result",
        "not a text query": estimates["query"] != "text",
    }
    reasons = pd.Series(None, index=estimates.index, dtype=object)
    for reason, applies in checks.items():
        reasons[applies & reasons.isna()] = reason
    return reasons


def why_not_like_for_like(estimates: pd.DataFrame, models: Collection[str]) -> pd.Series:
    """Reason for which a usable estimate cannot be compared like with like, by row."""
    checks = {
        "no law: the model is not in the method's benchmark table": ~estimates["model"].isin(
            models
        ),
        "no number of output tokens stated": estimates["output_tokens"].isna(),
        "boundary unknown or a life cycle": ~estimates["boundary"].isin(COMPARABLE),
    }
    reasons = why_not_usable(estimates)
    for reason, applies in checks.items():
        reasons[applies & reasons.isna()] = reason
    return reasons


def _yes(condition: bool) -> str:
    return "yes" if condition else "no"


def place(ratio: float, band: Band) -> str:
    """Say whether a ratio, rounded to a whole number as the band is printed, is in the band."""
    whole = rounded(ratio, 0)
    return "below" if whole < band[0] else "above" if whole > band[1] else "inside"


def _line(
    estimate: Mapping[Any, Any], reading: str, reference: str, reference_wh: float, band: Band
) -> dict[str, Any]:
    ratio = estimate["central_wh"] / reference_wh
    copied = ["id", "origin", "author", "year", "subject", "model", "method", "production_scale"]
    copied += ["boundary", "input_tokens", "output_tokens", "verification", "source_id"]
    return {name: estimate[name] for name in copied} | {
        "reading": reading,
        "estimate_wh": estimate["central_wh"],
        "low_wh": estimate["low_wh"],
        "high_wh": estimate["high_wh"],
        "reference": reference,
        "reference_wh": reference_wh,
        "ratio": ratio,
        "place": place(ratio, band),
        "input_assumed": None,
        "inside_benchmarks": None,
    }


def overestimates(
    setup: Setup, own: Own, estimates: pd.DataFrame, convert: Conversion, band: Band
) -> pd.DataFrame:
    """Ratio of every public estimate to the method, in three readings.

    Parameters
    ----------
    setup : Setup
        The method.
    own : Own
        Its own queries.
    estimates : DataFrame
        Table of schema ``estimates``.
    convert : Conversion
        Conversion between boundaries.
    band : tuple of float
        Lower and upper end of the stated range of ratios. [1]

    Returns
    -------
    DataFrame
        One line per reading and estimate. ``counted`` is yes for one estimate of each origin,
        ``input_assumed`` where the method's own input length was taken.
    """
    estimates = with_central(estimates)
    usable = estimates[why_not_usable(estimates).isna()]
    regime = setup.regimes[REGIME]
    served = {m.name: m for m in setup.models}
    medians = {name: energy.quantile(0.5) for name, energy in own.models[REGIME].items()}
    blend = own.blend[Place.FACILITY].quantile(0.5)
    lines = []
    for estimate in usable.to_dict("records"):
        model = estimate["model"]
        if estimate["role"] == "non-production" and model in medians:
            text = f"median of {model}, {REGIME}"
            lines.append(_line(estimate, PAPER, text, medians[model], band))
        text = f"median of the frontier blend, {REGIME}"
        lines.append(_line(estimate, ABSTRACT, text, blend, band))
    comparable = estimates[why_not_like_for_like(estimates, list(medians)).isna()]
    for estimate in comparable.to_dict("records"):
        model, output_tokens = estimate["model"], estimate["output_tokens"]
        assumed = np.isnan(estimate["input_tokens"])
        input_tokens = regime.input_tokens if assumed else estimate["input_tokens"]
        energy = energy_at(setup, model, input_tokens, output_tokens, estimate["boundary"], convert)
        text = f"{model}, {input_tokens:g}/{output_tokens:g} tokens, {estimate['boundary']}"
        lines.append(
            _line(estimate, LIKE, text, float(energy.quantile(0.5)), band)
            | {
                "input_tokens": input_tokens,
                "input_assumed": _yes(assumed),
                "inside_benchmarks": _yes(
                    not extrapolates(served[model], input_tokens, output_tokens)
                ),
            }
        )
    table = pd.DataFrame(lines)
    # one estimate of an origin counts: the origin itself where it is there, else the first
    order = table.assign(derived=table["id"] != table["origin"]).sort_values(
        ["derived", "id"], kind="stable"
    )
    first = order.drop_duplicates(["reading", "origin"]).index
    return table.assign(counted=[_yes(i in first) for i in table.index])


def not_comparable(setup: Setup, estimates: pd.DataFrame) -> pd.DataFrame:
    """Estimates that are not compared like with like, and why: id, source_id, reason."""
    estimates = with_central(estimates)
    reasons = why_not_like_for_like(estimates, [m.name for m in setup.models])
    return estimates.assign(reason=reasons)[reasons.notna()][["id", "source_id", "reason"]]


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """Shares of the counted estimates below, inside and above the band.

    Parameters
    ----------
    table : DataFrame
        From :func:`overestimates`.

    Returns
    -------
    DataFrame
        Per reading and group (all, how obtained, year, scale): number, shares [1], smallest,
        median and largest ratio [1].
    """
    lines = []
    scale = table["production_scale"].fillna("unknown")
    shown = np.where(scale == "yes", "shown", "not shown")
    groups = {
        "all": pd.Series("all", index=table.index),
        "how obtained": table["method"],
        "year": table["year"].astype(str),
        "production scale": pd.Series(shown, index=table.index),
        "boundary": table["boundary"],
    }
    if (table["reading"] == LIKE).any():
        groups["lengths"] = table["inside_benchmarks"].map(
            {"yes": "inside the benchmarks", "no": "outside the benchmarks"}
        )
    counted = table["counted"] == "yes"
    for kind, group in groups.items():
        for (reading, name), part in table[counted].groupby(["reading", group[counted]]):
            ratio = part["ratio"]
            lines.append(
                {
                    "reading": reading,
                    "kind": kind,
                    "group": name,
                    "n": len(part),
                    **{p: (part["place"] == p).mean() for p in ("below", "inside", "above")},
                    "smallest": ratio.min(),
                    "median": ratio.median(),
                    "largest": ratio.max(),
                }
            )
    return pd.DataFrame(lines)


def breakdown(own: Own, parts: Mapping[str, Any]) -> pd.DataFrame:
    """Split the headline into parts and set it beside a provider's split of one prompt.

    Parameters
    ----------
    own : Own
        The method's own queries.
    parts : dict
        ``provider_breakdown`` of config/evidence.yaml. [Wh]

    Returns
    -------
    DataFrame
        part, provider_wh, method_wh [Wh] (differences of the medians at the boundaries; the
        method has no idle machines), source_id.
    """
    accelerator, server, facility = (own.blend[place].quantile(0.5) for place in COMPARABLE)
    method = {
        "accelerators": accelerator,
        "host": server - accelerator,
        "idle": 0.0,
        "overhead": facility - server,
    }
    return pd.DataFrame(
        {
            "part": list(method),
            "provider_wh": [parts[part] for part in method],
            "method_wh": list(method.values()),
            "source_id": parts["sources"][0],
        }
    )

"""Page of the comparison with other estimators: who is nearest to the measured runs."""

import pandas as pd

from inference_energy.peers.own import OF_ONE_LOAD
from inference_energy.peers.score import METHODS, QUANTITIES, SHARED, TOLD, VARIANT
from inference_energy.templates import render

NAMES = {"aiconfigurator": "AIConfigurator", "ecologits": "EcoLogits"}
"""Packages as their makers write them."""

PACKAGES = list(NAMES)


def page(rows, answers, scored, power, share):
    """Write the comparison for a reader.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    answers : DataFrame
        Table of schema ``peer_answers``.
    scored : DataFrame
        Table of schema ``peers``.
    power : str
        Method whose power the law's GPUs draw.
    share : float
        That power over the rated one. [1]
    """
    whole = scored[scored["by"] == "all"]
    return render(
        "peers/peers.md.jinja",
        counts=rows["table"].value_counts().to_dict(),
        versions=answers.groupby("predictor")["version"].first().to_dict(),
        refusals=_refusals(answers),
        quantities=[
            {"name": name, "sets": [_set(whole, name, chosen) for chosen in (SHARED, METHODS)]}
            for name in QUANTITIES.values()
        ],
        answered=_lines(whole[whole["rows"] == "answered"]),
        by={
            name: [_parts(scored, name, by) for by in ("class", "load", "source")]
            for name in QUANTITIES.values()
        },
        laws=list(pd.unique(scored.loc[scored["left_out"] != "nothing", "predictor"])),
        of_one_load=OF_ONE_LOAD,
        power=power,
        share=share,
    )


def label(line):
    """Name of a predictor as it was asked."""
    name = NAMES.get(line["predictor"], line["predictor"])
    if line["predictor"] in PACKAGES:
        return f"{name}, told {line['told']}"
    if line["left_out"] == "nothing":
        return name
    return f"{name} law, {line['left_out']} left out"


def _lines(table):
    return [line | {"label": label(line)} for line in table.to_dict("records")]


def _set(whole, quantity, chosen):
    """Runs that count, the predictors from the nearest on, and the nearest by median and P90."""
    table = whole[(whole["quantity"] == quantity) & (whole["rows"] == chosen)]
    lines = _lines(table.sort_values(["median_factor", "p90_factor"]))
    return {
        "rows": chosen,
        "lines": lines,
        "nearest": {
            statistic: min(lines, key=lambda line: line[statistic], default=None)
            for statistic in ("median_factor", "p90_factor")
        },
    }


def _parts(scored, quantity, by):
    """Median and P90 by part, of the predictors that were told, on the shared runs."""
    table = scored[(scored["quantity"] == quantity) & (scored["by"] == by)]
    table = table[(table["rows"] == SHARED) & (table["told"] == TOLD)]
    parts = list(pd.unique(table["part"]))
    if by == "load":
        parts.sort(key=lambda part: float(part.removeprefix("above ").split("-")[0]))
    predictors = []
    for _, own in table.groupby(VARIANT, sort=False):
        cells = {line["part"]: line for line in own.to_dict("records")}
        if all(part in cells for part in parts):
            predictors.append({"label": label(own.iloc[0]), "cells": [cells[p] for p in parts]})
    sizes = [int(table.loc[table["part"] == part, "n"].max()) for part in parts]
    return {"by": by, "parts": list(zip(parts, sizes, strict=True)), "predictors": predictors}


def _refusals(answers):
    """Runs per package, told everything, that it predicts nothing for, by what it says."""
    # of InferenceX's runs the energy alone was measured, and none of them models a power
    told = answers[(answers["told"] == TOLD) & ~answers["id"].str.startswith("inferencex.")]
    empty = told[told["throughput_tps"].isna()]
    # what an error's text is about stands in brackets or quotes; its kind is enough here
    reason = empty["note"].str.replace(r"[('].*", "", regex=True).str.strip(" :")
    counts = empty.assign(reason=reason).groupby(["predictor", "reason"]).size()
    return [
        {"package": NAMES[package], "reason": why, "runs": runs}
        for (package, why), runs in counts.items()
    ]

"""Pages of the comparison with other estimators: who is nearest to the measured runs."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from inference_energy.peers.own import ASKED, OF_ONE_LOAD
from inference_energy.peers.score import (
    LENGTHS,
    METHODS,
    QUANTITIES,
    SHARED,
    TOLD,
    VARIANT,
)
from inference_energy.templates import render

Line = Mapping[Hashable, Any]
"""Line of the table of schema ``peers``, by column."""

CONFIGURATOR = "aiconfigurator"
"""Package that predicts throughput and no power."""

NAMES = {CONFIGURATOR: "AIConfigurator", "ecologits": "EcoLogits"}
"""Packages as their makers write them."""

PACKAGES = list(NAMES)

STATISTICS = {"median_factor": "by the median", "p90_factor": "by the 90th percentile"}
"""Statistics by which the nearest is named, in words."""

DIVISIONS = [
    (SHARED, "load"),
    (METHODS, "load"),
    (SHARED, "class"),
]
"""Runs that count and how they are divided, a table each."""


def page(rows: pd.DataFrame, answers: pd.DataFrame, scored: pd.DataFrame) -> str:
    """Write the comparison for a reader.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    answers : DataFrame
        Table of schema ``peer_answers``.
    scored : DataFrame
        Table of schema ``peers``.
    """
    return render(
        "peers/peers.md.jinja",
        counts=rows["table"].value_counts().to_dict(),
        versions=answers.groupby("predictor")["version"].first().to_dict(),
        quantities=_quantities(scored),
        laws=[name for name in pd.unique(scored["predictor"]) if name in ASKED],
        of_one_load=OF_ONE_LOAD,
        told_load=sorted(set(scored.loc[scored["told"] == LENGTHS, "predictor"])),
    )


def each(answers: pd.DataFrame, scored: pd.DataFrame) -> str:
    """Write the tables behind :func:`page`, by load and class."""
    return render(
        "peers/peers_each.md.jinja",
        quantities=_quantities(scored),
        by={
            name: [_parts(scored, name, *chosen) for chosen in DIVISIONS]
            for name in QUANTITIES.values()
        },
        refusals=_refusals(answers),
    )


def _quantities(scored: pd.DataFrame) -> list[dict[str, Any]]:
    whole = scored[scored["by"] == "all"]
    return [
        {"name": name, "sets": [_set(whole, name, chosen) for chosen in (SHARED, METHODS)]}
        for name in QUANTITIES.values()
    ]


def label(line: Line) -> str:
    """Name of a predictor as it was asked."""
    predictor = str(line["predictor"])
    name = NAMES.get(predictor, predictor)
    if line["predictor"] in PACKAGES:
        lent = "" if line["left_out"] == "nothing" else " with our power law"
        return f"{name}{lent}, told {line['told']}"
    if line["predictor"] in ASKED:
        return f"{name} law, {line['left_out']} left out"
    at = {(TOLD, "model"): ", told the load", (LENGTHS, "nothing"): ", told no load"}
    return name + at.get((line["told"], line["left_out"]), "")


def _lines(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return [line | {"label": label(line)} for line in table.to_dict("records")]


def _set(whole: pd.DataFrame, quantity: str, chosen: str) -> dict[str, Any]:
    """Runs that count, the predictors from the nearest on, and the nearest by median and P90."""
    table = whole[(whole["quantity"] == quantity) & (whole["rows"] == chosen)]
    lines = _lines(table.sort_values(["median_factor", "p90_factor"]))
    return {
        "rows": chosen,
        "lines": lines,
        "nearest": {
            statistic: min(lines, key=lambda line: line[statistic], default=None)
            for statistic in STATISTICS
        },
        "methods": [_beside(line, lines) for line in lines if _is_told_load(line)],
    }


def _is_told_load(line: Line) -> bool:
    """Whether a predictor is a method that was told the load of each run."""
    is_method = line["predictor"] not in {*PACKAGES, *ASKED}
    return is_method and (line["told"], line["left_out"]) == (TOLD, "model")


def _beside(own: Line, lines: Sequence[Line]) -> dict[str, Any]:
    """A method and the nearest other method or package on the same runs, by each statistic."""
    no_law = [line for line in lines if line["predictor"] not in {own["predictor"], *ASKED}]
    others = [line for line in no_law if line["n"] == own["n"]]
    found = {name: min(others, key=lambda line: line[name], default=None) for name in STATISTICS}
    return {
        "line": own,
        "by": [
            {"words": STATISTICS[name], "own": own[name], "value": other[name]}
            | {"label": other["label"], "nearer": own[name] < other[name]}
            for name, other in found.items()
            if other
        ],
    }


def _parts(scored: pd.DataFrame, quantity: str, chosen: str, by: str) -> dict[str, Any]:
    """Median and P90 by part, of the told predictors that answer all the runs, and the nearest."""
    table = scored[(scored["quantity"] == quantity) & (scored["by"] == by)]
    table = table[(table["rows"] == chosen) & (table["told"] == TOLD)]
    sizes = table.groupby("part", sort=False)["n"].max()
    if by == "load":
        start = sizes.index.str.removeprefix("above ").str.split("-").str[0].astype(float)
        sizes = sizes.iloc[start.argsort()]
    predictors: list[dict[str, Any]] = []
    for _, own in table.groupby(VARIANT, sort=False):
        if own.set_index("part")["n"].reindex(sizes.index).equals(sizes):
            cells = {line["part"]: line for line in own.to_dict("records")}
            predictors.append(
                {"label": label(own.iloc[0].to_dict()), "cells": [cells[p] for p in sizes.index]}
            )
    nearest = [
        min(predictors, key=lambda one: one["cells"][i]["median_factor"], default={"label": ""})
        for i in range(len(sizes))
    ]
    return {
        "rows": chosen,
        "by": by,
        "parts": list(sizes.items()),
        "predictors": predictors,
        "nearest": [one["label"] for one in nearest],
    }


def _refusals(answers: pd.DataFrame) -> list[dict[str, Any]]:
    """Runs per package, told everything, that it predicts nothing for, by what it says."""
    # of InferenceX's runs the energy alone was measured, and none of them models a power
    told = answers[(answers["told"] == TOLD) & ~answers["id"].str.startswith("inferencex.")]
    empty = told[told["throughput_tps"].isna()]
    # what an error's text is about stands in brackets or quotes; its kind is enough here
    reason = empty["note"].str.replace(r"[('].*", "", regex=True).str.strip(" :")
    counts = empty.assign(reason=reason).groupby(["predictor", "reason"]).size()
    counted: Iterable[tuple[Any, int]] = counts.items()
    return [
        {"package": NAMES[package], "reason": why, "runs": runs} for (package, why), runs in counted
    ]

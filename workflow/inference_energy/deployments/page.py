"""Numbers for the report of a deployment, picked from its tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.deployments.build import Deployment
from inference_energy.deployments.runs import first_named, marks
from inference_energy.templates import render

METERED = ("node power", "accelerator power")
"""Facts that come from a meter, or are stated in its place."""


def report(
    title: str, deployment: Deployment, tables: Mapping[str, pd.DataFrame], reference: str
) -> str:
    """Write the report in Markdown.

    Parameters
    ----------
    title : str
        Title of the deployment.
    deployment : Deployment
        As from ``deployments.build``.
    tables : dict of str to DataFrame
        Its tables ``energy_per_query``, ``energy_per_million_tokens``, ``per_day``, ``limits`` and
        ``assumptions``.
    reference : str
        Name of the method that the frontier blend is of.

    Returns
    -------
    str
        Its figures are energy.png and measured.png beside it.
    """
    energy, runs, power = tables["energy_per_query"], deployment.runs, deployment.power
    own = energy["subject"] == deployment.model.name
    used = runs[runs["use"] == "yes"]
    facts = tables["assumptions"]
    metered = facts.loc[facts["fact"].isin(METERED), "basis"]
    return render(
        "deployments/report.md.jinja",
        title=title,
        reference=reference,
        model=deployment.model.name,
        run=used.iloc[0].to_dict(),
        basis=deployment.basis,
        regimes=list(deployment.regimes),
        own=_by_regime(energy[own]),
        blend=_by_regime(energy[~own]),
        blend_name=energy.loc[~own, "subject"].iloc[0],
        per_million=_by_regime(tables["energy_per_million_tokens"]),
        day=_day(tables["per_day"]),
        limits=_by_regime(tables["limits"], "quantity"),
        power={
            "boundary": power.boundary,
            "accelerators": power.accelerators,
            "median": float(np.exp(power.factor.mu)),
            "doubted": power.doubted,
            "part": part_of_runs(power.runs, len(used)),
            "stated": "stated" in metered.tolist(),
        },
        unlisted=deployment.unlisted,
        dropped=_marked(runs[runs["use"] == "marked"]),
        kept=_marked(used[used["status"] != "ok"]),
        runs=used.sort_values(["output_tokens", "input_tokens"]).to_dict("records"),
        assumptions=facts.to_dict("records"),
    )


def part_of_runs(names: Sequence[str], count: int) -> str:
    """Which runs a power is of, in words, where it is not of all of so many."""
    return f"{len(names)} of {count} runs, {first_named(names)}" if len(names) < count else ""


def _by_regime(table: pd.DataFrame, column: str = "statistic") -> dict[str, dict[str, float]]:
    """Values of each regime by statistic or quantity."""
    groups = table.groupby("regime")
    return {str(regime): dict(rows.set_index(column)["value"]) for regime, rows in groups}


def _day(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Means of a day by regime, and the unit and, where they are told, P5 and P95 of the whole."""
    day: dict[str, dict[str, Any]] = {}
    rows: Iterator[Any] = table.itertuples()
    for row in rows:
        line = day.setdefault(row.quantity, {"unit": row.unit})
        line[row.regime if row.statistic == "mean" else row.statistic] = row.value
    return day


def _marked(runs: pd.DataFrame) -> dict[str, Any]:
    """Count of runs with a mark, and the reasons."""
    return {"count": len(runs), "reasons": sorted({m for s in runs["status"] for m in marks(s)})}

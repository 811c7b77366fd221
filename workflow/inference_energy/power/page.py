"""Page of the laws of power."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from inference_energy.power.scores import ALL, SPLITS, failures
from inference_energy.power.shares import sweeps
from inference_energy.power.wall import ALLOWED
from inference_energy.templates import render

GOALS = {"median_factor": 1.15, "p90_factor": 1.6, "coverage_50": 50, "coverage_90": 90}
"""What the errors are held against: at most the factors, within COVERAGE_OFF of the coverages."""

COVERAGE_OFF = 5
"""Allowed difference of a coverage from its nominal value. [%]"""


def page(
    law: pd.DataFrame,
    scores: pd.DataFrame,
    predictions: pd.DataFrame,
    meters: pd.DataFrame,
    shares: pd.DataFrame,
    unusual: Sequence[str] = (),
) -> str:
    """Laws of GPU and node power, their errors, and every meter, as a Markdown page.

    Parameters
    ----------
    law, scores, predictions, meters, shares : DataFrame
        Tables of schemas ``power_law``, ``power_scores``, ``power_predictions``, ``power_wall`` and
        ``power_shares``.
    unusual : sequence of str
        What is unusual of the runs, and of the GPUs and nodes, a sentence each.
    """
    keys = ["quantity", "left_out", "architecture"]
    errors = [
        dict(zip(keys, key, strict=True))
        | {str(name): value for name, value in lines.set_index("statistic")["value"].items()}
        | {"n": int(lines["n"].iloc[0])}
        for key, lines in scores.groupby(keys, sort=False)
    ]
    whole = [line for line in errors if line["architecture"] == ALL]
    held = [line for line in whole if line["left_out"] in SPLITS]
    free = meters[meters["gpu_power_limit_w"].isna()]
    return render(
        "power/power.md.jinja",
        law=law.set_index("term")["value"].to_dict(),
        whole=whole,
        parts=[line for line in errors if line["architecture"] != ALL],
        failures=failures(predictions).to_dict("records"),
        missed=[line | {"by": by} for line in held if (by := _missed(line))],
        goals=GOALS,
        off=COVERAGE_OFF,
        meters=meters.to_dict("records"),
        limited=len(meters) - len(free),
        inside=int(free["measured_w"].between(free["p5_w"], free["p95_w"]).sum()),
        outside=meters[meters["within"] == "no"].to_dict("records"),
        water=meters[meters["cooling"] == "water"],
        allowed=ALLOWED,
        sweeps=sweeps(shares).to_dict("records"),
        nodes=[_node(gpu, own) for gpu, own in shares.groupby("gpu")],
        unusual=unusual,
    )


def _node(gpu: Hashable, shares: pd.DataFrame) -> dict[str, Any]:
    """What is said of all runs on nodes of one GPU, of schema ``power_shares``."""
    best, off = shares[shares["best"] == "yes"], shares["predicted_share"] / shares["share"]
    inside = shares["share"].between(shares["p5_share"], shares["p95_share"])
    return {
        "gpu": gpu,
        "maximum": float((shares["node_power_kw"] / shares["share"]).median()),
        "count": len(best),
        "runs": len(shares),
        "inside": int(inside.sum()),
        **{name: (best[name].min(), best[name].max()) for name in ("share", "predicted_share")},
        "off": (off.min(), off.median(), off.max()),
    }


def _missed(line: Mapping[str, Any]) -> list[str]:
    """Names of the GOALS that a line of the errors does not reach."""
    return [
        name
        for name, goal in GOALS.items()
        if (
            abs(line[name] - goal) > COVERAGE_OFF
            if name.startswith("coverage")
            else line[name] > goal
        )
    ]

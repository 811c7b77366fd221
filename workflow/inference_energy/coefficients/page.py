"""Pages that say how to use the coefficients and how to cite them, and how they were checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.coefficients.disaggregated import ALLOWED, BUSY, ROLES
from inference_energy.coefficients.lengths import AGENT, USES, factor_column
from inference_energy.coefficients.lengths import ALLOWED as OFF
from inference_energy.coefficients.rows import TIERS
from inference_energy.coefficients.table import FORMATS, LOADS, QUERY
from inference_energy.energy.equation import facility_energy
from inference_energy.templates import render
from inference_energy.units import MEGA

EXAMPLE: dict[str, Any] = {
    "model": "Llama 3.1 70B",
    "gpu": "H100-SXM-80GB",
    "format": "FP8",
    "load": "64",
    "computed": 1200,
    "cached": 800,
    "output": 400,
    "pue": 1.2,
}
"""Row and query of the worked example: lengths [tokens] and PUE [1]."""

SHOWN = ("Llama 3.1 8B", "Llama 3.1 70B", "Qwen3 235B A22B", "DeepSeek-R1")
"""Models of the page's table, at the loads FEW and BEST on the GPU of GPU in FP8."""

GPU, FEW, BEST = "H200-SXM-141GB", "8", "best"


AGENT_GPU = "H200-SXM-141GB"
"""GPU of the page's table of agents."""

PAPER_SHARE = 1 / 30
"""Output tokens that the paper charges for an input token. [1]"""


def pages(
    table: pd.DataFrame,
    compared: pd.DataFrame,
    agents: pd.DataFrame,
    call: Mapping[str, float],
    longest: float,
    fewest: float,
    metered: Sequence[str],
    unusual: Sequence[str] = (),
) -> tuple[str, str]:
    """Write both pages as Markdown: how to use the coefficients, and how their parts hold.

    Parameters
    ----------
    table, compared, agents : DataFrame
        Schemas ``coefficients``, ``coefficients_disaggregated`` and ``coefficients_agents``.
    call : mapping of str to float
        Lengths of the agents' mean call. [tokens]
    longest : float
        Longest input that the law of throughput is fitted to. [tokens]
    fewest : float
        Fewest requests at once in a copy of a model that it is fitted to. [requests]
    metered : sequence of str
        GPUs whose power the law of power is fitted to.
    unusual : sequence of str
        What is unusual of the agents' calls.
    """
    values = {
        "query": QUERY,
        "formats": FORMATS,
        "loads": list(LOADS),
        "tiers": TIERS,
        "gpu": GPU,
        "paper_share": PAPER_SHARE,
        "allowed": ALLOWED,
        "busy": BUSY,
        "off": OFF,
        "agent_gpu": AGENT_GPU,
        "call": call,
        "longest": longest,
        "fewest": fewest,
        "beyond": [load for load in LOADS if load != BEST and float(load) < fewest],
        "metered": sorted(set(metered)),
        "unmetered": sorted(set(table["gpu"]) - set(metered)),
        "lengths": _lengths(table, call),
        "unusual": unusual,
        **_worked(table),
        **_known(table),
        **_checked(compared),
        **_of_agents(agents, table, call),
    }
    use = render("coefficients/coefficients.md.jinja", **values)
    return use, render("coefficients/coefficients_checked.md.jinja", **values)


def _worked(table: pd.DataFrame) -> dict[str, Any]:
    """The worked example: its row, the energy of each part at the node, and all at the wall."""
    keys = ["model", "gpu", "format", "load"]
    row = table.set_index(keys).loc[tuple(EXAMPLE[key] for key in keys)]
    kinds = {"computed": "input", "cached": "cached", "output": "output"}
    parts = {name: row[f"{kind}_wh"] * EXAMPLE[name] / MEGA for name, kind in kinds.items()}
    outer = {
        end: facility_energy(
            sum(row[f"{kind}_{end}_wh"] * EXAMPLE[name] / MEGA for name, kind in kinds.items()),
            EXAMPLE["pue"],
        )
        for end in ("p5", "p95")
    }
    return {
        "example": EXAMPLE,
        "row": row.to_dict(),
        "parts": parts,
        "total": facility_energy(sum(parts.values()), EXAMPLE["pue"]),
        "outer": outer,
    }


def _known(table: pd.DataFrame) -> dict[str, Any]:
    """What the coefficients are known for, those that are shown, and how their kinds compare."""
    few = table[table["gpu"].eq(GPU) & table["format"].eq("FP8") & table["load"].isin((FEW, BEST))]
    kinds = table.drop_duplicates(["model", "gpu", "format"])
    input_share = table["input_wh"] / table["output_wh"]
    return {
        "n": len(table),
        "models": table["model"].nunique(),
        "measured": table.loc[table["tier"].ne("C"), "model"].nunique(),
        "counts": kinds["tier"].value_counts().to_dict(),
        "best": table.loc[table["load"] == BEST, "requests"].describe().to_dict(),
        "shown": few[few["model"].isin(SHOWN)].to_dict("records"),
        "shares": input_share.groupby(table["load"]).median().to_dict(),
        "above": {
            kind: _above(table, kind, next_kind)
            for kind, next_kind in (("input", "output"), ("cached", "input"))
        },
    }


def _checked(compared: pd.DataFrame) -> dict[str, Any]:
    """What was predicted of nodes that do one part of the work, beside what was measured."""
    return {
        "compared": compared.to_dict("records"),
        "verdicts": {role: _verdict(compared[compared["role"] == role]) for role in ROLES},
        "ratios": _ratios(compared),
        "waiting": _waiting(compared[compared["role"] == "prefill"]),
    }


def _of_agents(
    agents: pd.DataFrame, table: pd.DataFrame, call: Mapping[str, float]
) -> dict[str, Any]:
    """Agents' calls, what the coefficients make of them, and how far lengths are extrapolated."""
    shares = agents.groupby("load")["extrapolated_share"]
    return {
        "agents": agents[agents["gpu"] == AGENT_GPU].to_dict("records"),
        "over": _over_formula(agents, table, call),
        "extrapolated": shares.agg(["min", "max"]).T.to_dict(),
    }


def _above(table: pd.DataFrame, kind: str, other: str) -> dict[str, Any]:
    """Rows in which a token of a kind costs more than one of another, their models and loads."""
    rows = table[table[f"{kind}_wh"] > table[f"{other}_wh"]]
    loads = [load for load in LOADS if rows["load"].eq(load).any()]
    return {"rows": len(rows), "models": rows["model"].nunique(), "loads": loads}


def _lengths(table: pd.DataFrame, call: Mapping[str, float]) -> list[dict[str, Any]]:
    """How far the formula is from the laws at every use's lengths, by load."""
    found = []
    for use, query in (USES | {AGENT: call}).items():
        known = table.set_index("load")[factor_column(use)].dropna()
        inside = known.between(1 / OFF, OFF)
        ranges = known.groupby(level=0).agg(["median", "min", "max"])
        found.append(
            {
                "use": use,
                "query": query,
                "held": len(known),
                "inside": inside.mean(),
                "at": ranges.assign(inside=inside.groupby(level=0).mean()).to_dict("index"),
            }
        )
    return found


def _verdict(own: pd.DataFrame) -> dict[str, Any]:
    """How far predictions of a role are from the measurements."""
    over = own["predicted_j"] / own["measured_j"]
    inside = own["measured_j"].between(own["p5_j"], own["p95_j"])
    sets = {"busy": own["busy"] == "yes", "waiting": own["busy"] == "no"}
    return {
        "n": len(own),
        "within": int((own["within"] == "yes").sum()),
        "inside": int(inside.sum()),
        "median": own["factor"].median(),
        "worst": own["factor"].max(),
        "outside": own.loc[own["within"] == "no", "id"].tolist(),
        "groups": {
            name: {"n": int(of.sum()), "low": over[of].min(), "high": over[of].max()}
            for name, of in sets.items()
        },
    }


def _waiting(prefill: pd.DataFrame) -> dict[str, Any]:
    """How much the GPUs of prefill work, and what would be missed if they did not wait."""
    over = prefill["working_j"] / prefill["measured_j"]
    off = np.maximum(over, 1 / over)
    return {
        "attention": (prefill["attention_share"].min(), prefill["attention_share"].max()),
        "work": (prefill["at_work"].min(), prefill["at_work"].max()),
        "within": int((off <= ALLOWED).sum()),
        "worst": off.max(),
        "n": len(prefill),
    }


def _ratios(compared: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Smallest and largest energy of an input token over that of an output token, of all runs."""
    role = {name: own.set_index("id") for name, own in compared.groupby("role")}
    found = {}
    for kind in ("measured", "predicted"):
        ratio = role["prefill"][f"{kind}_j"] / role["decode"][f"{kind}_j"]
        found[kind] = (ratio.min(), ratio.max())
    return found


def _over_formula(
    agents: pd.DataFrame, table: pd.DataFrame, call: Mapping[str, float]
) -> dict[str, float]:
    """Smallest and largest energy of a call over what the coefficients make of its tokens."""
    both = agents.merge(table, on=["model", "gpu", "format", "load"], suffixes=("", "_per_million"))
    computed = call["input_tokens"] - call["cached_tokens"]
    formula = (
        both["input_wh"] * computed
        + both["cached_wh_per_million"] * call["cached_tokens"]
        + both["output_wh"] * call["output_tokens"]
    ) / MEGA
    over = both["total_wh"] / formula
    return {"low": over.min(), "high": over.max()}

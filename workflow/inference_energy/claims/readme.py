"""The README's numbers: blocks written from result tables, between markers."""

import re
from collections.abc import Hashable, Mapping
from fnmatch import fnmatch
from typing import Any

import pandas as pd

from inference_energy.claims.judge import AS_DRAWN, HOLDS, deciding, is_scored
from inference_energy.errors import InputError
from inference_energy.templates import render

MARKER = "<!-- {edge}: {name} -->"

PAPER = [
    (
        "Figure 1a, per-model energy",
        "draw_method",
        "1a",
        ["*-llama-3.1-405b-*", "*-mixtral-8x22b-*"],
    ),
    (
        "Figure 1b, blend and pathways",
        "draw_method",
        "1b",
        ["median-traditional", "p?5-traditional", "lever-*-traditional"],
    ),
    ("Figure 2a, long queries", "draw_method", "2a", ["*-deepseek-r1-*"]),
    (
        "Figure 2b, long queries, pathways",
        "draw_method",
        "2b",
        ["median-long", "p?5-long", "lever-*-long", "ratio-*"],
    ),
    ("Figure 3a, fleet", "draw_method", "3a", ["fleet-baseline"]),
    ("Figure 3b, fleet with long queries", "draw_method", "3b", ["fleet-mixed*", "web-search"]),
    ("Supplement, output tokens", "draw_method", "s1", ["tokens-*"]),
    ("Supplement, pathway histograms", "draw_method", "s2", []),
    ("Supplement, input length", "draw_method", "s3", []),
    ("Supplement, coupled utilisation", "draw_method", "s4", []),
    ("Comparison table, 4-20x", "judge_claims", None, ["overestimate-*"]),
]
"""Figures and tables of the paper: rule, file, and patterns of the claims they carry."""


def headline(
    tables: Mapping[str, Mapping[str, pd.DataFrame]], longer: str, halving: Mapping[str, str]
) -> str:
    """One line per method: medians, IQRs, their ratio at equal tokens, fleet, claims that hold.

    Parameters
    ----------
    tables : dict of str to dict of str to DataFrame
        Tables energy_per_query, fleet, test_time, claims, extrapolation, uncertainty and classes of
        each method.
    longer : str
        Queries of test_time whose ratio to traditional ones is comparable, such as ``15 times``.
    halving : dict of str to str
        By method, what would halve the spread of a traditional query if it were known.

    Returns
    -------
    str
        Markdown table; energies are those of the published engine, the ratio is exact. Below it,
        of methods that know load, the whole range, of dense models and mixtures of experts too, and
        what it comes from, exact.
    """
    methods = [{"name": name} | _headline(longer, **of) for name, of in tables.items()]
    return render("claims/headline.md.jinja", methods=methods, longer=longer, halving=halving)


def _headline(
    longer: str,
    energy_per_query: pd.DataFrame,
    fleet: pd.DataFrame,
    test_time: pd.DataFrame,
    claims: pd.DataFrame,
    extrapolation: pd.DataFrame,
    uncertainty: pd.DataFrame,
    classes: pd.DataFrame,
) -> dict[str, Any]:
    """Energies [Wh], their ratio, fleet [GWh/day], claims, shares beyond any measurement [1]."""
    blend = energy_per_query.query("subject == 'frontier blend' and pathway == 'baseline'")
    drawn = blend[blend["engine"] == "published"]
    energy = drawn.pivot_table("value", "regime", "statistic")
    ratio = test_time[
        (test_time["compared"] == longer)
        & (test_time["subject"] == "frontier blend")
        & (test_time["statistic"] == "p50")
        & (test_time["quantity"] == "energy ratio")
    ]
    beyond = extrapolation[extrapolation["statistic"] == "queries"].groupby("regime")["value"].max()
    every = classes["architecture"] == "all"
    days = fleet.set_index(["engine", "scenario", "pathway", "statistic"])["value"]
    return {
        "traditional": energy.loc["traditional"],
        "long": energy.loc["long"],
        "ratio": ratio["value"].item(),
        "fleet": days["published", "mixed", "baseline", "p50"],
        "beyond": beyond[["traditional", "long"]],
        "scored": is_scored(claims),
        "whole": classes[every].set_index("regime"),
        "sources": _sources(uncertainty),
        "sides": classes[~every & (classes["regime"] == "traditional")].to_dict("records"),
    } | _holding(deciding(claims))


def _sources(uncertainty: pd.DataFrame) -> dict[Hashable, float]:
    """Shares of the spread of a traditional query [1], largest first; none if load has none."""
    own = uncertainty[uncertainty["regime"] == "traditional"].set_index("source")["share"]
    return own.sort_values(ascending=False).to_dict() if own["load"] else {}


def _holding(lines: pd.DataFrame) -> dict[str, int]:
    """How many claims there are, how many hold, and how many of these as the seeded draw alone."""
    verdicts = lines["verdict"]
    holding, drawn = verdicts.isin(HOLDS).sum(), (verdicts == AS_DRAWN).sum()
    return {"claims": len(lines), "holding": holding, "drawn": drawn}


def paper_table(claims: pd.DataFrame, method: str) -> str:
    """Each figure and table of the paper: the rule that makes it, the file, and its status.

    Parameters
    ----------
    claims : DataFrame
        Claims table of the method.
    method : str
        Method whose files are named.

    Returns
    -------
    str
        Markdown table.
    """
    lines = deciding(claims)
    rows = []
    for title, rule, figure, patterns in PAPER:
        mine = lines[[any(fnmatch(c, p) for p in patterns) for c in lines["claim"]]]
        file = f"figures/{method}/{figure}.svg" if figure else f"results/{method}/claims.csv"
        rows.append({"title": title, "rule": rule, "file": file} | _holding(mine))
    return render("claims/paper.md.jinja", rows=rows)


def splice(text: str, blocks: Mapping[str, str]) -> str:
    """Replace what stands between the markers of each block.

    Parameters
    ----------
    text : str
        Document with a line ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->`` for each block.
    blocks : dict of str to str
        Name to Markdown, whole lines.

    Raises
    ------
    InputError
        If a block has no markers in the text.
    """
    for name, block in blocks.items():
        begin, end = (re.escape(MARKER.format(edge=edge, name=name)) for edge in ("begin", "end"))
        pattern = re.compile(f"({begin}\n).*?({end})", re.DOTALL)
        found = pattern.search(text)
        if not found:
            raise InputError(
                f"README.md: no markers of the block {name}; allowed is one pair of lines"
                f" {MARKER.format(edge='begin', name=name)} and its end; restore them"
            )
        text = text[: found.end(1)] + block + text[found.start(2) :]
    return text

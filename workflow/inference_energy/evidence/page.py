"""Numbers for the pages of public evidence, picked from the result tables."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.evidence.coverage import MEASURED_BY, NOT_TESTABLE
from inference_energy.evidence.decomposition import (
    BY_LAW,
    CLOSE,
    FACTORS,
    OF_A_SERVICE,
    STEADY_SOURCE,
    explained,
)
from inference_energy.evidence.estimates import LIKE
from inference_energy.evidence.verdicts import Tables, how_judged
from inference_energy.templates import render
from inference_energy.text import FEW

ONE_TO_MANY = ("caravaca_405b_b1", "caravaca_405b_b100")
"""Estimates of one study that differ in the load alone."""

NOT_FOUND = "not found"
"""Verification of an estimate that was searched for in vain."""

POSSIBLE = ("holds", "holds in part", "does not hold", NOT_TESTABLE)
"""Verdicts on a line of evidence, best first."""

RUN = "mlenergy_v3."
"""Begin of the identifiers of measured runs."""


def page(
    verdicts: Tables,
    predicted: Tables,
    tables: Tables,
    estimates: pd.DataFrame,
    metered: pd.DataFrame,
    reported: str,
) -> str:
    """Write the page of conclusions.

    Parameters
    ----------
    verdicts : dict of str to DataFrame
        Table ``evidence_verdicts`` of each method.
    predicted : dict of str to DataFrame
        Table ``predicted`` of each method.
    tables : dict of str to DataFrame
        The other tables of the method whose details are shown, by schema name.
    estimates : DataFrame
        Table of schema ``estimates``.
    metered : DataFrame
        Table of schema ``inferencex``: runs whose loads begin below those of the sweeps.
    reported : str
        That method.

    Returns
    -------
    str
        Markdown.
    """
    known = estimates[estimates["verification"] != NOT_FOUND]
    near = closeness(predicted)
    gpus = tables["concurrency"]["gpus"]
    return render(
        "evidence/evidence.md.jinja",
        reported=reported,
        close=CLOSE,
        found=len(known),
        origins=known["origin"].nunique(),
        possible=POSSIBLE,
        verdicts=_verdicts(verdicts, reported),
        closeness=near.to_dict("records"),
        closest=near["method"].iloc[near["median"].argmin()] if len(near) else "",
        runs=int(near["n"].max()) if len(near) else 0,
        **_factors(tables),
        sweeps=_sweeps(tables["concurrency"]),
        copy={"least": int(gpus.min()), "most": int(gpus.max())},
        metered=_metered(metered),
        caravaca=_one_to_many(tables["decomposition"]),
    )


def each(
    verdicts: Tables,
    tables: Tables,
    estimates: pd.DataFrame,
    settings: Mapping[str, Any],
    reported: str,
) -> str:
    """Write the page of every line of evidence.

    Parameters as for :func:`page`, and ``settings``, the content of config/evidence.yaml.
    """
    coverage, production = tables["coverage"], tables["production"]
    of_all = production[production["part"] == "all nodes"]
    of_all = of_all.assign(inside=of_all["measured"].between(of_all["p5"], of_all["p95"]))
    return render(
        "evidence/evidence_each.md.jinja",
        reported=reported,
        methods=list(verdicts),
        judged=how_judged(settings["nominal_coverage"]),
        few=FEW,
        close=CLOSE,
        missing=estimates[estimates["verification"] == NOT_FOUND].to_dict("records"),
        verdicts=_verdicts(verdicts, reported),
        **_overestimates(tables),
        **_factors(tables),
        coverage=coverage[coverage["model"] == "all"].to_dict("records"),
        breakdown=tables["breakdown"].to_dict("records"),
        blackwell=_blackwell(tables["blackwell"]),
        production=of_all.to_dict("records"),
        provider=of_all.iloc[0].to_dict(),
        stated=settings["production"],
    )


def remainders(tables: Tables, settings: Mapping[str, Any], reported: str) -> str:
    """Write the page of what the factors leave; parameters as for :func:`page`."""
    return render(
        "evidence/remainders.md.jinja",
        reported=reported,
        close=CLOSE,
        reasoning=settings["reasoning_tokens"],
        **_factors(tables),
    )


def closeness(predicted: Tables) -> pd.DataFrame:
    """How near the methods are to the measured runs that all of them serve, like for like.

    Parameters
    ----------
    predicted : dict of str to DataFrame
        Table ``predicted`` of each method.

    Returns
    -------
    DataFrame
        method, n, sources, median and p90 of the factor between predicted and measured, shares of
        the runs in P25-P75 (iqr) and in P5-P95 (p5_p95). [1]
    """
    own = {}
    for name, table in predicted.items():
        runs = table[(table["basis"] == LIKE) & (table["source_id"] == MEASURED_BY)]
        own[name] = runs[runs["id"].str.startswith(RUN)].drop_duplicates("id").set_index("id")
    shared = sorted(set.intersection(*(set(runs.index) for runs in own.values())))
    lines = []
    for name, runs in own.items():
        factor = np.exp(np.abs(np.log(runs.loc[shared, "predicted_over_measured"])))
        inside = runs.loc[shared, ["inside_iqr", "inside_p5_p95"]] == "yes"
        iqr, wide = inside.mean()
        ends = {"median": factor.median(), "p90": factor.quantile(0.9)}
        of = {"n": len(shared), "sources": runs.loc[shared, "source_id"].nunique()}
        lines.append({"method": name} | of | ends | {"iqr": iqr, "p5_p95": wide})
    return pd.DataFrame(lines) if shared else pd.DataFrame(columns=["method", "median", "n"])


def _one_to_many(table: pd.DataFrame) -> dict[str, float | None]:
    """Energy at one request over that at many, of the study that has both, and by the law."""
    pair = table[table["id"].isin(ONE_TO_MANY)].set_index(["id", "factor"])
    if pair.empty:
        return {"measured": None, "law": None}
    one, many = (pair.loc[name] for name in ONE_TO_MANY)
    by_law = [np.prod(of["value"].loc[list(BY_LAW)].to_numpy(float)) for of in (one, many)]
    return {
        "measured": one["ratio"].iloc[0] / many["ratio"].iloc[0],
        "law": by_law[0] / by_law[1],
    }


def _metered(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Energy per token at the fewest requests over the least, of each node with both roles."""
    both = runs[runs["disaggregated"] == "no"]
    found = []
    for key, own in both.groupby(["model", "gpus", "gpu"]):
        energy = own.groupby("concurrency")["energy_per_output_token_j"].mean()
        found.append(
            dict(zip(("model", "gpus", "gpu"), key, strict=True))
            | {
                "fewest": energy.index.min(),
                "most": energy.index.max(),
                "best": energy.idxmin(),
                "ratio": energy.iloc[0] / energy.min(),
            }
        )
    return found


def _sweeps(table: pd.DataFrame) -> list[dict[str, Any]]:
    """What the sweeps on each GPU show, and what the law says of one sequence."""
    return [
        {
            "gpu": gpu,
            "n": len(own),
            "measured": own["ratio"].median(),
            "alone": own["ratio_from_one"].median(),
            "least": own["ratio_from_one_p5"].min(),
            "most": own["ratio_from_one_p95"].max(),
        }
        for gpu, own in table.groupby("gpu")
    ]


def _verdicts(verdicts: Tables, reported: str) -> dict[str, list[dict[Hashable, Any]]]:
    """Evidence on each statement, with the verdicts of all methods."""
    keys = ["question", "group"]
    methods = [table.set_index(keys)["verdict"] for table in verdicts.values()]
    questions: dict[str, list[dict[Hashable, Any]]] = {}
    for row in verdicts[reported].to_dict("records"):
        row["by_method"] = [m.get((row["question"], row["group"]), "") for m in methods]
        questions.setdefault(row["question"], []).append(row)
    return questions


def _overestimates(tables: Tables) -> dict[str, Any]:
    """What the comparison like for like assumes and leaves out."""
    ratios = tables["overestimates"]
    like = ratios[ratios["reading"] == LIKE]
    return {
        "assumed": int((like["input_assumed"] == "yes").sum()),
        "outside": int((like["inside_benchmarks"] == "no").sum()),
        "left_out": dict(tables["not_comparable"]["reason"].value_counts()),
    }


def _factors(tables: Tables) -> dict[str, Any]:
    """Medians of the factors like for like, by how estimates were obtained."""
    table, ratios = tables["decomposition"], tables["overestimates"]
    like = ratios[(ratios["reading"] == LIKE) & (ratios["counted"] == "yes")]
    near = explained(table, set(like["id"]))
    own = table[table["id"].isin(near.index)]
    lines = [
        {
            "method": method,
            "n": part["id"].nunique(),
            "factors": part.groupby("factor")["value"].median()[list(FACTORS)].tolist(),
            "explained": int(near[part["id"].unique()].sum()),
        }
        for method, part in own.groupby("method")
    ]
    alone = explained(table, set(like["id"]), OF_A_SERVICE)
    total = {"n": int(near.sum()), "of": len(near), "alone": int(alone.sum())}
    total["seen"] = int((like["source_id"] == STEADY_SOURCE).sum())
    misses = own[own["step"].notna()].sort_values(["step", "id"])
    return {
        "factors": list(FACTORS),
        "median_factors": lines,
        "explained": total,
        "misses": misses.to_dict("records"),
        "steps": misses["step"].value_counts().to_dict(),
        "followed": int((np.abs(np.log(misses["left"])) <= np.log(CLOSE)).sum()),
    }


def _blackwell(table: pd.DataFrame) -> Sequence[tuple[Hashable, dict[str, Any]]]:
    """Ratios of B200 to H100 by source."""
    rows = []
    for source, pairs in table.groupby("source_id"):
        ends = pairs["throughput_ratio"].agg(["min", "median", "max"])
        ratios = dict(zip(("smallest", "median", "largest"), ends, strict=True))
        energy = pairs["energy_ratio"].median()
        rows.append((source, ratios | {"pairs": len(pairs), "energy": energy}))
    return rows

"""Numbers for the page of conclusions from public evidence, picked from the result tables."""

from inference_energy.evidence.decomposition import FACTORS
from inference_energy.evidence.estimates import LIKE, PAPER
from inference_energy.evidence.verdicts import MOSTLY, NEARLY_ALL
from inference_energy.templates import render
from inference_energy.text import FEW

AGGREGATES = ["min", "median", "max", "count"]


def page(verdicts, tables, estimates, settings, reported):
    """Write the page.

    Parameters
    ----------
    verdicts : dict of str to DataFrame
        Table ``evidence_verdicts`` of each method.
    tables : dict of str to DataFrame
        The other tables of the method whose details are shown, by schema name.
    estimates : DataFrame
        Table of schema ``estimates``.
    settings : dict
        Content of config/evidence.yaml.
    reported : str
        That method.

    Returns
    -------
    str
        Markdown.
    """
    searched = estimates["verification"] == "not found"
    measured = tables["concurrency"]
    return render(
        "evidence.md.jinja",
        reported=reported,
        methods=list(verdicts),
        nearly_all=NEARLY_ALL,
        mostly=MOSTLY,
        few=FEW,
        nominal=settings["nominal_coverage"],
        band=settings["overestimate_band"],
        found=int((~searched).sum()),
        origins=estimates.loc[~searched, "origin"].nunique(),
        missing=list(estimates.loc[searched, "id"]),
        verdicts=_verdicts(verdicts, reported),
        **_overestimates(tables),
        **_factors(tables),
        concurrency=measured[measured["model"].notna()].to_dict("records"),
        coverage=tables["coverage"].to_dict("records"),
        breakdown=tables["breakdown"].to_dict("records"),
        wall=dict(tables["wall_utilisation"]["power_utilisation"].agg(AGGREGATES)),
        blackwell=_blackwell(tables["blackwell"]),
        lengths=_fitting(tables["length_effects"]),
    )


def _verdicts(verdicts, reported):
    """Evidence on each statement, with the verdicts of all methods."""
    keys = ["question", "group"]
    methods = [table.set_index(keys)["verdict"] for table in verdicts.values()]
    questions = {}
    for row in verdicts[reported].to_dict("records"):
        row["by_method"] = [m.get((row["question"], row["group"]), "") for m in methods]
        questions.setdefault(row["question"], []).append(row)
    return questions


def _overestimates(tables):
    """Shares of the estimates in the stated range, and what was left out of them."""
    shares, ratios = tables["overestimate_shares"], tables["overestimates"]
    kinds = ["all", "how obtained", "year", "production scale"]
    like = ratios[ratios["reading"] == LIKE]
    return {
        "shares": shares[shares["kind"].isin(kinds)].to_dict("records"),
        "assumed": int((like["input_assumed"] == "yes").sum()),
        "outside": int((like["inside_benchmarks"] == "no").sum()),
        "left_out": dict(tables["not_comparable"]["reason"].value_counts()),
    }


def _factors(tables):
    """Factors of the ratios of the paper's estimates, and medians over those of stated lengths."""
    table, ratios = tables["decomposition"], tables["overestimates"]
    own = table["id"].isin(ratios.loc[ratios["reading"] == PAPER, "id"])
    stated = table.loc[(table["factor"] == "lengths") & (table["known"] == "yes"), "id"]
    others = table[table["id"].isin(stated) & ~own]
    options = {"columns": "factor", "values": "value", "aggfunc": "median"}
    return {
        "factors": list(FACTORS),
        "paper_factors": _rows(table[own].pivot_table(index=["id", "ratio"], **options)),
        "median_factors": _rows(others.pivot_table(index="method", **options)),
    }


def _rows(wide):
    """Key and factors of each row of a table with a column per factor."""
    wide = wide.reindex(columns=list(FACTORS))
    return list(zip(wide.index, wide.to_numpy().tolist(), strict=True))


def _blackwell(table):
    """Ratios of B200 to H100 by source."""
    rows = []
    for source, pairs in table.groupby("source_id"):
        ends = pairs["throughput_ratio"].agg(["min", "median", "max"])
        ratios = dict(zip(("smallest", "median", "largest"), ends, strict=True))
        energy = pairs["energy_ratio"].median()
        rows.append((source, ratios | {"pairs": len(pairs), "energy": energy}))
    return rows


def _fitting(table):
    """Observed lengths beside the regime that they belong to."""
    regime = table["kind"].eq("gpqa").map({True: "long", False: "traditional"})
    return table[table["regime"] == regime].to_dict("records")

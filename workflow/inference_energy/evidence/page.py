"""The page of conclusions from public evidence, written from the result tables."""

import pandas as pd

from inference_energy.evidence.coverage import LIKE, QUERIES
from inference_energy.evidence.decomposition import FACTORS
from inference_energy.evidence.estimates import ABSTRACT, PAPER
from inference_energy.evidence.verdicts import MOSTLY, NEARLY_ALL

QUESTIONS = {
    "overestimates": "Do public estimates overstate as stated?",
    "concurrency": "Does concurrency explain it?",
    "consistency": "Are the estimates consistent with production-scale measurements?",
    "power utilisation": "Do nodes draw the share of their maximum power that the method assumes?",
    "blackwell": "Has Blackwell the stated multiple of the throughput of H100?",
    "output lengths": "Do the medians stand with observed output lengths?",
}


def _number(value):
    if pd.isna(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _percent(share):
    return f"{share:.0%}".replace("%", " %")


def _table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return [
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    ]


def _frame(table, columns):
    """Markdown of some columns of a table: column to (heading, how it is written)."""
    rows = [
        [write(row[column]) for column, (_, write) in columns.items()]
        for row in table.to_dict("records")
    ]
    return _table([heading for heading, _ in columns.values()], rows)


def _text(value):
    return "" if value is None or pd.isna(value) else value


def _figure(name, method, caption):
    folder = f"{method}/" if method else ""
    return [f"![{caption}](../figures/validation/{folder}{name}.svg)", "", f"*{caption}*", ""]


def _span(row):
    ends = f"{_number(row['low'])} to {_number(row['high'])}, median {_number(row['middle'])}"
    return f"{_percent(row['share'])} of {row['n']}; {row['what']} {ends}"


def _short(table):
    """One line per statement: every piece of evidence and what it says."""
    return [
        f"- {heading} "
        + "; ".join(
            f"{row['group']}: **{row['verdict']}**"
            for row in table[table["question"] == question].to_dict("records")
        )
        for question, heading in QUESTIONS.items()
        if (table["question"] == question).any()
    ]


def _verdicts(verdicts, reported):
    """One table per statement: evidence in rows, methods in columns."""
    first = verdicts[reported]
    others = {name: table.set_index(["question", "group"]) for name, table in verdicts.items()}
    lines = []
    for question, heading in QUESTIONS.items():
        rows = []
        for row in first[first["question"] == question].to_dict("records"):
            same = [table["verdict"].get((question, row["group"]), "") for table in others.values()]
            rows.append([row["group"], row["statement"], _span(row), *same])
        header = ["evidence", "statement", f"share that complies, values (`{reported}`)"]
        header += [f"`{name}`" for name in verdicts]
        lines += [f"### {heading}", "", *_table(header, rows), ""]
    return lines


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
    found = estimates[estimates["verification"] != "not found"]
    missing = estimates[estimates["verification"] == "not found"]
    nominal = settings["nominal_coverage"]
    lines = [
        "# Public evidence",
        "",
        "Written by the workflow from results/validation; every row of those tables names its"
        " source in data/sources.csv. A statement about several figures holds if at least"
        f" {_percent(NEARLY_ALL)} of them comply, in part if at least {_percent(MOSTLY)} do."
        f" Consistency holds if P25-P75 has at least {_percent(nominal['iqr'])} of the figures and"
        f" P5-P95 at least {_percent(nominal['p5_p95'])}, in part if one of them has.",
        "",
        f"{len(found)} estimates of {found['origin'].nunique()} origins are listed in"
        f" data/published/estimates.csv. {len(missing)} more were searched for and not found"
        f" ({', '.join(missing['id'])}) and enter nothing.",
        "",
        f"## In short (`{reported}`)",
        "",
        *_short(verdicts[reported]),
        "",
        "## Verdicts",
        "",
        *_verdicts(verdicts, reported),
        *_overestimates(tables, reported),
        *_concurrency(tables["concurrency"], settings["overestimate_band"]),
        *_measured(tables, reported),
        *_lengths(tables["length_effects"], reported),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _overestimates(tables, reported):
    shares, ratios = tables["overestimate_shares"], tables["overestimates"]
    kinds = shares[shares["kind"].isin(["all", "how obtained", "year", "production scale"])]
    columns = {
        "reading": ("reading", _text),
        "kind": ("by", _text),
        "group": ("group", _text),
        "n": ("n", str),
        "below": ("below", _percent),
        "inside": ("inside", _percent),
        "above": ("above", _percent),
        "median": ("median ratio", _number),
    }
    reasons = tables["not_comparable"]["reason"].value_counts()
    assumed = ratios[(ratios["reading"] == LIKE) & (ratios["input_assumed"] == "yes")]
    outside = ratios[(ratios["reading"] == LIKE) & (ratios["inside_benchmarks"] == "no")]
    factors = tables["decomposition"]
    three = set(ratios.loc[ratios["reading"] == PAPER, "id"])
    stated = factors[(factors["factor"] == "tokens") & (factors["known"] == "yes")]["id"]
    chosen = factors[factors["id"].isin(three | set(stated))]
    by_kind = (
        chosen[~chosen["id"].isin(three)]
        .pivot_table(index="method", columns="factor", values="value", aggfunc="median")
        .reindex(columns=list(FACTORS))
    )
    own = (
        chosen[chosen["id"].isin(three)]
        .pivot_table(index=["id", "ratio"], columns="factor", values="value")
        .reindex(columns=list(FACTORS))
    )
    return [
        f"## Overestimates (`{reported}`)",
        "",
        "Ratio of an estimate to the method, rounded to a whole number, against the stated range."
        " One estimate of each origin counts.",
        "",
        *_frame(kinds, columns),
        "",
        *_figure("overestimates_paper", reported, f"Ratios {PAPER}"),
        *_figure("overestimates_abstract", reported, f"Ratios {ABSTRACT}: every study"),
        *_figure("overestimates_like_for_like", reported, "Ratios like for like"),
        f"Like for like, {len(assumed)} estimates state no input length and are set against the"
        f" method's own; {len(outside)} lie outside the lengths that the method's benchmarks"
        " cover. Left out:",
        "",
        *(f"- {reason}: {count}" for reason, count in reasons.items()),
        "",
        "### What the ratios are made of",
        "",
        "The factors of an estimate multiply to its ratio. What is not known is in the remainder."
        " Concurrency is measured, from the best configuration to the stated one, and down to the"
        " smallest batch that was measured.",
        "",
        *_table(
            ["estimate of the paper's list", "ratio", *FACTORS],
            [[name, _number(ratio), *map(_number, row)] for (name, ratio), row in own.iterrows()],
        ),
        "",
        *_table(
            ["median of estimates with stated lengths", *FACTORS],
            [[kind, *map(_number, row)] for kind, row in by_kind.iterrows()],
        ),
        "",
        *_figure("decomposition", reported, "Factors of each ratio"),
    ]


def _concurrency(table, band):
    columns = {
        "model_id": ("model", _text),
        "task": ("task", _text),
        "precision": ("format", _text),
        "gpu": ("GPU", _text),
        "smallest_batch": ("smallest batch", _number),
        "ratio": ("energy over best", _number),
        "near_best_batch": ("near best from", _number),
        "explained_lower": (f"of ln {band['lower']:g}", _percent),
        "explained_upper": (f"of ln {band['upper']:g}", _percent),
    }
    models = table[table["model"].notna()]
    return [
        "## Concurrency",
        "",
        "GPU energy per output token of the smallest batch over the best configuration, at one"
        " deployment. Models of the method; the others are in results/validation/concurrency.csv.",
        "",
        *_frame(models, columns),
        "",
        *_figure("concurrency", None, "Energy per token against concurrency"),
    ]


def _measured(tables, reported):
    columns = {
        "set": ("figures", _text),
        "basis": ("basis", _text),
        "model": ("model", _text),
        "n": ("n", str),
        "bias": ("predicted over measured", _number),
        "iqr_coverage": ("within P25-P75", _percent),
        "p5_p95_coverage": ("within P5-P95", _percent),
        "verdict": ("verdict", _text),
    }
    parts = {
        "part": ("part", _text),
        "provider_wh": ("Google, median prompt [Wh]", _number),
        "method_wh": ("method, headline [Wh]", _number),
    }
    wall = tables["wall_utilisation"]["power_utilisation"]
    pairs = tables["blackwell"].groupby("source_id")
    return [
        f"## Measured against predicted (`{reported}`)",
        "",
        f'Basis "{QUERIES}": the published figure against the method over its own queries, as the'
        f' paper does. "{LIKE}": at the figure\'s boundary and lengths; measured runs are brought'
        " to the facility with the host power, idle share and PUE of config/evidence.yaml. Input"
        " lengths of the runs are not published; the method's own stand for them.",
        "",
        *_frame(tables["coverage"], columns),
        "",
        *_figure("predicted", reported, "Predicted against measured energy"),
        *_frame(tables["breakdown"], parts),
        "",
        f"Whole nodes draw {wall.min():.2f} to {wall.max():.2f} of their maximum power at the"
        f" wall, median {wall.median():.2f}, over {len(wall)} runs.",
        "",
        *_figure("wall_utilisation", reported, "Power of whole nodes at the wall"),
        "Throughput of B200 over H100:",
        "",
        *_table(
            ["source", "pairs", "throughput, smallest", "median", "largest", "energy, median"],
            [
                [
                    name,
                    len(rows),
                    *map(_number, rows["throughput_ratio"].quantile([0, 0.5, 1])),
                    _number(rows["energy_ratio"].median()),
                ]
                for name, rows in pairs
            ],
        ),
        "",
    ]


def _lengths(table, reported):
    columns = {
        "regime": ("regime", _text),
        "kind": ("kind", _text),
        "series": ("lengths of", _text),
        "distance": ("distance", _number),
        "distance_shape": ("of shape alone", _number),
        "median_tokens": ("median [tokens]", _number),
        "median_energy_ratio": ("median energy, ratio", _number),
        "mean_energy_ratio": ("mean energy, ratio", _number),
    }
    fitting = ((table["regime"] == "traditional") & (table["kind"] != "gpqa")) | (
        (table["regime"] == "long") & (table["kind"] == "gpqa")
    )
    return [
        f"## Output lengths (`{reported}`)",
        "",
        "Kolmogorov distance to the method's lengths, as they are and after scaling to its median,"
        " and the blend's energy with the observed lengths over the method's own.",
        "",
        *_frame(table[fitting], columns),
        "",
        *_figure("length_quantiles", reported, "Quantiles of output lengths"),
    ]

"""The audit's tables in words: multiverse, sensitivity, what-if."""

from inference_energy.text import markdown_table

HEADLINE = (
    "energy_per_query[regime={regime}; subject=frontier blend; pathway=baseline; statistic=p50]"
)
"""Column of the multiverse's full table that holds the headline median of a regime. [Wh]"""


def places(specifications, medians):
    """Share of the specifications that lie below each method's median.

    Parameters
    ----------
    specifications : DataFrame
        Full table of the multiverse, with the columns HEADLINE.
    medians : dict of str to dict of str to float
        Exact median by method and regime. [Wh]

    Returns
    -------
    dict of str to dict of str to float
        The same keys. [1]
    """
    return {
        name: {
            regime: float((specifications[HEADLINE.format(regime=regime)] < median).mean())
            for regime, median in of.items()
        }
        for name, of in medians.items()
    }


def _percent(share):
    return f"{100 * share:.1f} %"


def _placed(medians, ranks):
    rows = [
        [f"`{name}`"]
        + [
            text
            for regime, median in of.items()
            for text in (f"{median:.3g}", _percent(ranks[name][regime]))
        ]
        for name, of in medians.items()
    ]
    header = ["method"]
    for regime in next(iter(medians.values())):
        header += [f"{regime} median [Wh]", "specifications below it"]
    return markdown_table(header, rows)


def audit_page(count, distribution, claims, variance, indices, what_if, medians, ranks):
    """How much the answer depends on choices and inputs, as a Markdown page.

    Parameters
    ----------
    count : int
        Specifications of the multiverse.
    distribution, claims, variance : DataFrame
        Tables of schemas ``multiverse_distribution``, ``multiverse_claims``,
        ``multiverse_variance``.
    indices, what_if : DataFrame
        Tables of schemas ``sobol_indices`` and ``what_if``.
    medians, ranks : dict
        As for and from :func:`places`.

    Returns
    -------
    str
    """
    spread = distribution[distribution["quantity"] == "p50"]
    spread = spread.pivot_table(index="statistic", columns="regime", values="value", sort=False)
    regimes = list(spread.columns)
    steps = ["p5", "p25", "p50", "p75", "p95"]
    effects = variance.pivot_table(index="choice", columns=["regime", "effect"], values="value")
    effects = effects.loc[
        effects.xs("total", axis=1, level=1).max(axis=1).sort_values().index[::-1]
    ]
    total = indices[indices["index"] == "total"]
    outputs = list(dict.fromkeys(total["output"]))
    by_input = total.pivot_table(index="input", columns="output", values=["value", "low", "high"])
    by_input = by_input.loc[by_input["value"].max(axis=1).sort_values().index[::-1]]
    headline = what_if[what_if["output"] == "median traditional"]
    parts = [
        "# How much the answer depends on choices and inputs",
        "",
        f"{count:,} specifications: every combination of the defensible options of"
        " [config/multiverse.yaml](../../config/multiverse.yaml), through the exact engine.",
        "",
        "## The headline median over the specifications",
        "",
        markdown_table(
            ["regime", *(f"{step} [Wh]" for step in steps)],
            [[r, *(f"{spread.loc[step, r]:.3g}" for step in steps)] for r in regimes],
        ),
        "",
        _placed(medians, ranks),
        "",
        "## What explains the spread",
        "",
        "Share of the variance of the logarithm of the median that goes with each choice: alone"
        " (main), and with all its interactions (total).",
        "",
        markdown_table(
            ["choice", *(f"{r}, {e}" for r in regimes for e in ("main", "total"))],
            [
                [choice.replace("_", " ")]
                + [_percent(line[r, e]) for r in regimes for e in ("main", "total")]
                for choice, line in effects.iterrows()
            ],
        ),
        "",
        "## In how many specifications each claim holds",
        "",
        markdown_table(
            ["claim", "published", "unit", "specifications in which it holds", "P5 to P95 of them"],
            [
                [
                    *(c["claim"], c["published"], c["unit"], _percent(c["share"])),
                    f"{c['p5']:.3g} to {c['p95']:.3g}",
                ]
                for c in claims.sort_values("share", ascending=False).to_dict("records")
            ],
        ),
        "",
        "## Continuous inputs",
        "",
        "Total Sobol index (95 % interval) over the ranges of"
        " [config/sensitivity.yaml](../../config/sensitivity.yaml).",
        "",
        markdown_table(
            ["input", *outputs],
            [
                [name.replace("_", " ")]
                + [
                    f"{line['value', o]:.2f} ({line['low', o]:.2f} to {line['high', o]:.2f})"
                    if line["value", o] == line["value", o]
                    else ""
                    for o in outputs
                ]
                for name, line in by_input.iterrows()
            ],
        ),
        "",
        "Value that each input needs, alone, to halve or double the traditional median:",
        "",
        markdown_table(
            ["input", "base", "to halve", "to double", "unit"],
            [
                [name.replace("_", " "), f"{of['base'].iloc[0]:.4g}"]
                + [_needed(of[of["factor"] == factor].to_dict("records")) for factor in (0.5, 2)]
                + [of["unit"].iloc[0]]
                for name, of in headline.groupby("input", sort=False)
            ],
        ),
    ]
    return "\n".join(parts) + "\n"


def _needed(lines):
    needed = [line["needed"] for line in lines if line["needed"] == line["needed"]]
    return f"{needed[0]:.4g}" if needed else "cannot"

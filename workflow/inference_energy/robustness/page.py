"""The audit's tables in words: multiverse, sensitivity, what-if."""

from inference_energy.rounding import largest_first
from inference_energy.templates import render

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
    total = indices[indices["index"] == "total"]
    return render(
        "robustness.md.jinja",
        specifications=count,
        spread=_spread(distribution),
        medians=medians,
        ranks=ranks,
        placed=list(next(iter(medians.values()))),
        effects=_effects(variance),
        claims=claims.sort_values(["share", "claim"], ascending=[False, True]).to_dict("records"),
        outputs=list(total["output"].unique()),
        indices=_indices(total),
        needed=_needed(what_if[what_if["output"] == "median traditional"]),
    )


def _spread(distribution):
    """Statistics of the headline median by regime. [Wh]"""
    medians = distribution[distribution["quantity"] == "p50"]
    return {
        regime: lines.set_index("statistic")["value"].to_dict()
        for regime, lines in medians.groupby("regime", sort=False)
    }


def _effects(variance):
    """Shares of the variance by choice, then by regime and effect, the largest total first. [1]"""
    shares = variance.pivot_table(index="choice", columns=["regime", "effect"], values="value")
    largest = shares.xs("total", axis=1, level="effect").max(axis=1)
    return {_words(choice): shares.loc[choice].to_dict() for choice in largest_first(largest)}


def _indices(total):
    """Total index and its interval by input, then by output, the largest index first. [1]"""
    known = total.dropna(subset=["value"])
    largest = largest_first(known.groupby("input")["value"].max())
    by_input = known.set_index("output").groupby("input")[["value", "low", "high"]]
    return {_words(name): by_input.get_group(name).to_dict("index") for name in largest}


def _needed(what_if):
    """Base value of each input, and what it must be to halve or double the output."""
    rows = {}
    for name, lines in what_if.groupby("input", sort=False):
        needed = lines.set_index("factor")["needed"]
        rows[_words(name)] = {
            "base": lines["base"].iloc[0],
            "halve": needed[0.5],
            "double": needed[2],
            "unit": lines["unit"].iloc[0],
        }
    return rows


def _words(name):
    return name.replace("_", " ")

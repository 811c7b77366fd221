"""The audit's tables in words: multiverse, sensitivity, needed values."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from inference_energy.claims.wording import words
from inference_energy.robustness.choices import JOINED
from inference_energy.robustness.files import named_options
from inference_energy.rounding import largest_first
from inference_energy.templates import render

HEADLINE = (
    "energy_per_query[regime={regime}; subject=frontier blend; pathway=baseline; statistic=p50]"
)
"""Column of the multiverse's full table that holds the headline median of a regime. [Wh]"""

MEDIAN = " median"
"""End of the quantities of findings that are the headline median of the regime before it."""


def places(
    specifications: pd.DataFrame, medians: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Share of the results that lie below each method's median.

    Parameters
    ----------
    specifications : DataFrame
        Full table of the multiverse, with the columns HEADLINE and ``weight``.
    medians : dict of str to dict of str to float
        Exact median by method and regime. [Wh]

    Returns
    -------
    dict of str to dict of str to float
        The same keys. [1]
    """
    weight = specifications["weight"] / specifications["weight"].sum()
    return {
        name: {
            regime: float(weight[specifications[HEADLINE.format(regime=regime)] < median].sum())
            for regime, median in of.items()
        }
        for name, of in medians.items()
    }


def multiverse_page(
    counts: Mapping[str, int],
    config: Mapping[str, Any],
    published: pd.DataFrame,
    distribution: pd.DataFrame,
    claims: pd.DataFrame,
    variance: pd.DataFrame,
    indices: pd.DataFrame,
    needed: pd.DataFrame,
    cases: pd.DataFrame,
    findings: pd.DataFrame,
    medians: Mapping[str, Mapping[str, float]],
    ranks: Mapping[str, Mapping[str, float]],
) -> str:
    """How much the answer depends on choices and inputs, as a Markdown page.

    Parameters
    ----------
    counts : dict of str to int
        ``combinations`` of all options, ``specifications`` that are not refused, ``distinct``
        results among them, and ``most`` specifications that give one result.
    config : dict
        config/multiverse.yaml, as from ``files.on_base``.
    published : DataFrame
        Table of schema ``claims_published``.
    distribution, claims, variance : DataFrame
        Tables of schemas ``multiverse_distribution``, ``multiverse_claims``,
        ``multiverse_variance``.
    indices, needed, cases : DataFrame
        Tables of schemas ``sobol_indices``, ``needed_values`` and ``stress_cases``.
    findings : DataFrame
        Table of schema ``findings``; those that are named after a choice that the base has no use
        for, as load-8, say what it does to a method that has.
    medians, ranks : dict
        As for and from :func:`places`.

    Returns
    -------
    str
    """
    total = indices[indices["index"] == "total"]
    return render(
        "robustness/multiverse.md.jinja",
        counts=counts,
        refused=_refused(config),
        left_out=config["left_out"],
        earlier=config["earlier"],
        base=config["base"],
        cases=_cases(cases),
        spread=_spread(distribution),
        elsewhere=_elsewhere(config["left_out"], findings),
        medians=medians,
        ranks=ranks,
        placed=list(next(iter(medians.values()))),
        effects=_effects(variance, config["choices"]),
        claims=_claims(claims, published),
        outputs=list(total["output"].unique()),
        indices=_indices(total),
        needed=_needed(needed[needed["output"] == "median traditional"]),
    )


def _refused(config: Mapping[str, Any]) -> list[dict[str, str]]:
    """Combinations of options that are refused, in words, and why."""
    choices = config["choices"]
    return [
        {
            "options": " with ".join(
                f"{choices[name]['title'].lower()} "
                + " or ".join(choices[name]["options"][o]["label"] for o in named_options(options))
                for name, options in rule["when"].items()
            ),
            "because": rule["because"],
        }
        for rule in config["refused"]
    ]


def _claims(claims: pd.DataFrame, published: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Claims, those that hold most often first, and whether each restates an input and holds."""
    restated = published.dropna(subset=["input"])["claim"]
    ordered = claims.sort_values(["share", "claim"], ascending=[False, True])
    given = ordered["claim"].isin(restated) & (ordered["base"] == "holds")
    told = {"claim": ordered["claim"].map(words), "unit": ordered["unit"].replace("1", "")}
    return ordered.assign(given=given, **told).to_dict("records")


def _cases(cases: pd.DataFrame) -> dict[Hashable, dict[Hashable, float]]:
    """Quartiles and ratio of the median of each stress case, by label and regime."""
    return {
        key: lines.set_index("statistic")["value"].to_dict()
        | {"ratio": lines.set_index("statistic")["ratio"]["p50"]}
        for key, lines in cases.groupby(["label", "regime"], sort=False)
    }


def _spread(distribution: pd.DataFrame) -> dict[Hashable, dict[Hashable, float]]:
    """Statistics of the headline median by regime. [Wh]"""
    medians = distribution[distribution["quantity"] == "p50"]
    return {
        regime: lines.set_index("statistic")["value"].to_dict()
        for regime, lines in medians.groupby("regime", sort=False)
    }


def _elsewhere(
    left_out: Sequence[Mapping[str, Any]], findings: pd.DataFrame
) -> list[dict[str, Any]]:
    """Headline medians by regime of choices that are left out, of methods that have them. [Wh]"""
    medians = findings[findings["quantity"].str.endswith(MEDIAN)]
    medians = medians.assign(regime=medians["quantity"].str.removesuffix(MEDIAN))
    found = []
    for rule in left_out:
        for choice, title in zip(rule.get("choices", []), rule["titles"], strict=False):
            own = medians[medians["finding"].str.startswith(f"{choice}-")]
            for method, lines in own.groupby("method", sort=False):
                after = lines.pivot_table("after", "alternative", "regime", sort=False)
                after = after.sort_values(str(after.columns[0]), ascending=False)
                found.append(
                    {
                        "title": title,
                        "method": method,
                        "before": lines.groupby("regime")["before"].first().to_dict(),
                        "after": after.to_dict("index"),
                        "times": (after.max() / after.min()).to_dict(),
                    }
                )
    return found


def _effects(
    variance: pd.DataFrame, choices: Mapping[str, Any]
) -> dict[str, dict[Hashable, float]]:
    """Shares of the variance by choice, then by regime and effect, the largest total first. [1]"""
    shares = variance.pivot_table(index="choice", columns=["regime", "effect"], values="value")
    total = pd.DataFrame(shares.xs("total", axis=1, level="effect"))
    largest = total.max(axis=1).to_dict()
    return {
        JOINED.join(choices[name]["title"] for name in names.split(JOINED)): shares.loc[
            names
        ].to_dict()
        for names in largest_first(largest)
    }


def _indices(total: pd.DataFrame) -> dict[str, dict[Hashable, Any]]:
    """Total index and its interval by input, then by output, the largest index first. [1]"""
    known = total.dropna(subset=["value"])
    largest = largest_first(known.groupby("input")["value"].max().to_dict())
    by_input = known.set_index("output").groupby("input")[["value", "low", "high"]]
    return {_words(name): by_input.get_group(name).to_dict("index") for name in largest}


def _needed(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Base value of each input, and what it must be to halve or double the output."""
    rows = {}
    for name, lines in table.groupby("input", sort=False):
        needed = lines.set_index("factor")["needed"]
        rows[_words(str(name))] = {
            "base": lines["base"].iloc[0],
            "halve": needed[0.5],
            "double": needed[2],
            "unit": lines["unit"].iloc[0],
        }
    return rows


def _words(name: str) -> str:
    return name.replace("_", " ")

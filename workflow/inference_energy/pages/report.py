"""The report: the answer, the paper's figures in their order, and all that was asked beyond."""

import base64
from collections.abc import Hashable, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from PIL import Image

from inference_energy.claims.judge import counts, deciding
from inference_energy.claims.readme import PAPER
from inference_energy.claims.wording import place, words
from inference_energy.drawing import COLUMN, PAGE, RESOLUTION, alternative, described
from inference_energy.evidence.verdicts import how_judged
from inference_energy.pages import facts

RATIOS = "overestimates_paper"
"""Figure of the paper's comparison table, which has no figure of its own."""

TOTAL = "total"
"""Sobol index of an input alone and with all others."""


def picture(path: str | Path) -> dict[str, Any]:
    """Put a figure into a page.

    Parameters
    ----------
    path : str or Path
        SVG of the figure, beside its PNG: a browser shows the texts of an SVG in fonts that it has,
        and cuts off those that are wider.

    Returns
    -------
    dict of str to object
        ``finding``: its title; ``alternative``: its numbers in short, ``described``: all of them;
        ``data``: the PNG, in base64; ``wide``: whether it takes more than a column; ``path``.
    """
    drawn = Path(path).with_suffix(".png")
    with Image.open(drawn) as image:
        width = image.width / RESOLUTION
    drawing = ElementTree.fromstring(Path(path).read_bytes())
    title = drawing.find("{http://www.w3.org/2000/svg}title")
    assert title is not None  # every figure that ``drawing.save`` wrote has one
    return {
        "finding": title.text,
        "alternative": alternative(path),
        "described": described(path),
        "data": base64.b64encode(drawn.read_bytes()).decode("ascii"),
        "wide": width > (COLUMN + PAGE) / 2,
        "path": Path(path).as_posix(),
    }


def claim_lines(
    claims: pd.DataFrame, patterns: Sequence[str] = ("*",)
) -> list[dict[Hashable, Any]]:
    """Claims that fit patterns, in words and in the order of the paper.

    Parameters
    ----------
    claims : DataFrame
        Table of schema ``claims``.
    patterns : sequence of str
        Of the claims' names.

    Returns
    -------
    list of dict
        The deciding line of each, with ``words`` and ``exact``, the number without sampling.
    """
    exact = claims[claims["engine"] == "exact"].set_index("claim")["computed"]
    lines = deciding(claims)
    lines = lines[[any(fnmatch(c, pattern) for pattern in patterns) for c in lines["claim"]]]
    told = lines.assign(words=lines["claim"].map(words), exact=lines["claim"].map(exact))
    return sorted(told.to_dict("records"), key=lambda line: place(line["claim"]))


def paper_figures(
    pictures: Mapping[str, Mapping[str, Any]], claims: pd.DataFrame
) -> list[dict[str, Any]]:
    """The paper's figures in its order, each with the claims that it carries.

    Parameters
    ----------
    pictures : dict of str to dict
        As from :func:`picture`, by the name of the figure.
    claims : DataFrame
        Table of schema ``claims``.
    """
    return [
        {
            "title": title,
            "name": figure or RATIOS,
            "picture": pictures[figure or RATIOS],
            "claims": claim_lines(claims, patterns),
        }
        for title, _, figure, patterns in PAPER
    ]


def weak_points(findings: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Findings with what they change: the traditional median, or else what they move most.

    Parameters
    ----------
    findings : DataFrame
        Table of schema ``findings``.

    Returns
    -------
    list of dict
        A row of the table for each, largest effect on that median first.
    """
    change = findings["change_percent"]
    on_median = (findings["quantity"] == "traditional median") & (findings["engine"] == "exact")
    first = findings.assign(other=~(on_median & (change != 0)), moved=-change.abs())
    first = first.sort_values(["rank", "other", "moved"], kind="stable")
    return first.drop_duplicates("rank")[[*findings.columns]].to_dict("records")


def strongest(sobol: pd.DataFrame, output: str, shown: int = 5) -> list[dict[Hashable, Any]]:
    """Inputs that explain most of an output's variance, alone or together, largest first.

    Parameters
    ----------
    sobol : DataFrame
        Table of schema ``sobol_indices``.
    output : str
        Such as ``median traditional``.
    shown : int
        How many.
    """
    rows = sobol[(sobol["output"] == output) & (sobol["index"] == TOTAL)]
    return rows.sort_values("value", ascending=False).head(shown).to_dict("records")


def spread_of_choices(distribution: pd.DataFrame) -> dict[Hashable, dict[Hashable, float]]:
    """Median over all combinations of choices, by regime: its percentiles, and the paper's place.

    Parameters
    ----------
    distribution : DataFrame
        Table of schema ``multiverse_distribution``.
    """
    rows = distribution[distribution["quantity"] == "p50"]
    return {
        regime: of.set_index("statistic")["value"].to_dict()
        for regime, of in rows.groupby("regime")
    }


def gather(
    methods: Mapping[str, Mapping[str, Any]],
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    shared: Mapping[str, Any],
    pictures: Mapping[str, Mapping[str, Mapping[str, Any]]],
    deployments: Sequence[Mapping[str, Any]],
    drawn: Iterable[str],
    longer: float,
    nominal: Mapping[str, float],
) -> dict[str, Any]:
    """Collect everything that the template of the report puts in.

    Parameters
    ----------
    methods : dict of str to dict
        ``oviedo2026`` and ``revised``, resolved.
    tables : dict of str to dict of str to DataFrame
        Tables of these methods, by name.
    shared : dict of str to DataFrame
        Tables of no method, by name.
    pictures : dict of str to dict of str to dict
        Group, then figure, as from :func:`picture`.
    deployments : list of dict
        Title, table ``energy`` and picture of each example.
    drawn : iterable of str
        Paths of all figures of the run; those that are not among ``pictures`` are linked.
    longer : float
        How many times the output tokens of compared queries are. [1]
    nominal : dict of str to float
        As for :func:`.how_judged`.

    Returns
    -------
    dict
        Values of the template.
    """
    paper, own = (tables[name] for name in methods)
    versions = {name: counts(table) for name, table in shared["claims"].items()}
    return {
        "paper": methods["oviedo2026"],
        "own": methods["revised"],
        "energy": facts.energies(paper["energy_per_query"]),
        "energy_own": facts.energies(own["energy_per_query"]),
        "days": facts.fleet(paper["fleet"], "published"),
        "days_own": facts.fleet(own["fleet"], "published"),
        "longer": longer,
        "ratio": facts.length_ratio(paper["test_time"], f"{longer:g} times"),
        "ratio_own": facts.length_ratio(own["test_time"], f"{longer:g} times"),
        "verdicts": facts.verdicts(paper["claims"]),
        "versions": versions,
        "failing": [
            line
            for line in claim_lines(paper["claims"])
            if line["verdict"] in ("not reproduced", "not testable")
        ],
        "changes": facts.changes(shared["findings"], ["input-5000", "pue-text-and-code"]),
        "loads": facts.load_ratios(shared["concurrency"]),
        "figures": paper_figures(pictures["paper"], paper["claims"]),
        "pictures": pictures,
        "weak": weak_points(shared["findings"]),
        "evidence": {
            name: of["evidence_verdicts"].to_dict("records") for name, of in tables.items()
        },
        "judged": how_judged(nominal),
        "choices": spread_of_choices(shared["multiverse_distribution"]),
        "strongest": strongest(shared["sobol_indices"], "median traditional"),
        "deployments": deployments,
        "others": _by_folder(
            set(drawn) - {of["path"] for group in pictures.values() for of in group.values()}
        ),
    }


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """Paths [str] by their folder, both in order."""
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        found.setdefault(path.rpartition("/")[0], []).append(path)
    return found

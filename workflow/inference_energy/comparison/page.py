"""Pages of two compared methods and of two revisions."""

import base64
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np

from inference_energy.rounding import ranking
from inference_energy.templates import render

SHOWN_ABOVE = 5e-5
"""Interactions below this are in the table only: as a factor they print as one. [ln]"""

HEADLINE = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}

PUBLISHED = (None, "", "published")
"""Engines whose lines of a claims table carry the verdict."""

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def comparison_page(table, base, head, shown=10):
    """Comparison of two methods as a Markdown page.

    Parameters
    ----------
    table : DataFrame
        The comparison table.
    base, head : str
        Names of the methods.
    shown : int
        Results shown per table.
    """
    table = table.astype(object).where(table.notna(), None)
    kinds = {kind: lines.to_dict("records") for kind, lines in table.groupby("kind")}
    headlines = kinds.get("headline", [])
    entries = [*kinds.get("attribution", []), *kinds.get("part", [])]
    return render(
        "comparison/comparison.md.jinja",
        base=base,
        head=head,
        shown=shown,
        headlines=[line | {"change": np.expm1(line["value"])} for line in headlines],
        shares=[share for line in headlines for share in _shares(line, entries)],
        interactions=_interactions(kinds.get("interaction", [])),
        settings=kinds.get("setting", []),
        verdicts=kinds.get("verdict", []),
        tables=_tables(kinds.get("unchanged", []), kinds.get("result", [])),
    )


def _shares(headline, entries):
    """Factors by which each setting, and then each part of one, moves a headline. [1]"""
    logs = {}
    for entry in entries:
        if entry["subject"] == headline["subject"]:
            setting = logs.setdefault((entry["kind"], entry["item"]), {})
            setting[entry["statistic"]] = entry["value"]
    total = headline["value"]
    return [
        {
            "headline": headline["subject"],
            "setting": item,
            "part": kind == "part",
            "alone": np.exp(by["from base"]),
            "last": np.exp(by["from head"]),
            "shapley": np.exp(by["shapley"]),
            "of_change": by["shapley"] / total if abs(total) > SHOWN_ABOVE else None,
        }
        for (kind, item), by in logs.items()
    ]


def _interactions(lines):
    """Pairs of settings that act together, as factors. [1]"""
    return [
        line | {"factor": np.exp(line["value"])}
        for line in lines
        if abs(line["value"]) > SHOWN_ABOVE
    ]


def _tables(unchanged, results):
    """Lines of every result table that move, the largest ratio first, and how many do not."""
    return [
        {
            "name": line["subject"],
            "unchanged": line["value"],
            "moved": sorted(
                (result for result in results if result["subject"] == line["subject"]),
                key=_moved_by,
            ),
        }
        for line in unchanged
    ]


def _moved_by(result):
    """Sort key of a result: the largest ratio first, those of one size by name."""
    size = ranking(abs(np.log(result["value"]))) if result["value"] else inf
    return (-size, result["item"], result["statistic"])


def changes_page(changes, since, commit, shown=10):
    """Changes as a Markdown page fit for a pull request.

    Parameters
    ----------
    changes : Changes
        What differs.
    since, commit : str
        The revision as asked for, and its commit.
    shown : int
        Values shown per table; the largest relative change comes first.

    Returns
    -------
    str
        Headline, claims, settings, tables, data, figures; what did not move is counted.
    """
    results = [table for table in changes.tables if table.path.startswith("results/")]
    data = [table for table in changes.tables if table.path.startswith("data/")]
    medians = _moved(results, "energy_per_query", "value")
    verdicts = _moved(results, "claims", "verdict")
    claims = [table for table in results if table.path.endswith("/claims.csv")]
    return render(
        "comparison/changes.md.jinja",
        since=since,
        commit=commit,
        shown=shown,
        any=changes.any,
        headline=[value for value in medians if HEADLINE.items() <= value[1].keys.items()],
        flipped=[value for value in verdicts if value[1].keys.get("engine") in PUBLISHED],
        judged=sum(table.unchanged + table.altered for table in claims),
        settings=changes.settings,
        results=sorted(
            map(_largest_first, results),
            key=lambda table: min(map(_size, table.moved), default=inf),
        ),
        data=[_largest_first(table) for table in data],
        figures=changes.figures,
        texts=changes.texts,
        unchanged_files=changes.unchanged_files,
    )


def _largest_first(table):
    return replace(table, moved=sorted(table.moved, key=_size))


def _size(moved):
    """Sort key of a value: the largest relative change first, texts last."""
    return inf if moved.relative is None else -abs(moved.relative)


def _moved(tables, name, column):
    """Values of a column that moved in a result table of every method, each with the method."""
    return [
        (table.path.split("/")[1], moved)
        for table in tables
        if table.path.endswith(f"/{name}.csv")
        for moved in table.moved
        if moved.column == column
    ]


def figures_page(changes, since, commit):
    """Before and after of every figure that moved, side by side, as one self-contained page.

    Returns
    -------
    str
        HTML with the figures inside.
    """
    figures = [
        {"path": path, "before": _embedded(path, before), "after": _embedded(path, after)}
        for path, before, after in changes.figures
    ]
    return render("comparison/changes.html.jinja", since=since, commit=commit, figures=figures)


def _embedded(path, content):
    """Write a figure as an address that holds it; None if there is no figure."""
    if content is None:
        return None
    data = base64.b64encode(content).decode("ascii")
    return f"data:{TYPES[Path(path).suffix]};base64,{data}"

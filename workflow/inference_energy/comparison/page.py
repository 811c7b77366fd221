"""Pages of two compared methods and of two revisions."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from inference_energy.claims.wording import words
from inference_energy.comparison.snapshots import TYPES
from inference_energy.rounding import ranking
from inference_energy.templates import render

if TYPE_CHECKING:
    from inference_energy.comparison.changes import Changes, Moved, TableChange

Line = dict[Any, Any]
"""Line of a table by column."""

PRINTS_AS_ONE = 5e-5
"""Below this a factor prints as one. [ln]"""

SHOWN_ABOVE = 0.01
"""Interactions below this are in the table only. [ln]"""

UNSCORED = "not scored"
"""Verdict on all that a method computes which is not the paper's."""

HEADLINE = {"subject": "frontier blend", "pathway": "baseline", "statistic": "p50"}

PUBLISHED = (None, "", "published")
"""Engines whose lines of a claims table carry the verdict."""


def comparison_page(table: pd.DataFrame, base: str, head: str, shown: int = 5) -> str:
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
    settings, verdicts = kinds.get("setting", []), kinds.get("verdict", [])
    unscored = [
        name
        for name, side in ((base, "base"), (head, "head"))
        if UNSCORED in [line[side] for line in verdicts]
    ]
    return render(
        "comparison/comparison.md.jinja",
        base=base,
        head=head,
        shown=shown,
        headlines=[line | {"change": np.expm1(line["value"])} for line in headlines],
        shares=_shares(headlines, [*kinds.get("attribution", []), *kinds.get("part", [])]),
        interactions=_interactions(kinds.get("interaction", [])),
        settings=settings,
        sources=_sources(settings),
        verdicts=[line | {"item": words(line["item"])} for line in verdicts],
        unscored=unscored,
        tables=_tables(kinds.get("unchanged", []), kinds.get("result", [])),
    )


def _shares(headlines: Sequence[Line], entries: Iterable[Line]) -> list[Line]:
    """Factors [1] by which each setting, and then each part of one, moves every headline."""
    logs = {
        (entry["kind"], entry["item"], entry["subject"]): entry["value"]
        for entry in entries
        if entry["statistic"] == "shapley"
    }
    cancels = {
        line["subject"]
        for line in headlines
        for (_, _, subject), log in logs.items()
        if subject == line["subject"] and log * line["value"] < 0 and abs(log) > PRINTS_AS_ONE
    }
    return [
        {
            "setting": item,
            "part": kind == "part",
            "by": [
                _share(logs.get((kind, item, line["subject"])), line, line["subject"] in cancels)
                for line in headlines
            ],
        }
        for kind, item in dict.fromkeys((kind, item) for kind, item, _ in logs)
    ]


def _share(log: float | None, headline: Line, cancels: bool) -> dict[str, float | None] | None:
    """Factor, and its share of the change; none of a headline that is not there or not moved.

    Where settings move a headline both ways, shares of what is left say nothing of any.
    """
    if log is None or abs(log) < PRINTS_AS_ONE:
        return None
    total = headline["value"]
    moved = abs(total) > PRINTS_AS_ONE
    return {"factor": np.exp(log), "of_change": log / total if moved and not cancels else None}


def _sources(settings: Iterable[Line]) -> list[Line]:
    """Settings that have their values from the same sources."""
    found: dict[tuple[str | None, str | None], dict[str, None]] = {}
    for line in settings:
        pair = line["base_source"], line["head_source"]
        section = line["item"].rpartition(".")[0] or line["item"]
        if any(pair):
            found.setdefault(pair, {})[section] = None
    return [{"settings": list(names), "base": b, "head": h} for (b, h), names in found.items()]


def _interactions(lines: Iterable[Line]) -> list[Line]:
    """Pairs of settings that act together, as factors. [1]"""
    return [
        line | {"factor": np.exp(line["value"])}
        for line in lines
        if abs(line["value"]) > SHOWN_ABOVE
    ]


def _tables(unchanged: Iterable[Line], results: Sequence[Line]) -> list[Line]:
    """Lines of every result table that move, of those in both the largest first; and the others."""
    return [
        {
            "name": line["subject"],
            "unchanged": line["value"],
            "moved": moved,
            "both": sorted(both, key=_moved_by),
            "medians": sorted((r for r in both if r["statistic"] == "p50"), key=_moved_by),
        }
        for line in unchanged
        for moved in [[result for result in results if result["subject"] == line["subject"]]]
        for both in [[result for result in moved if result["value"]]]
    ]


def _moved_by(result: Line) -> tuple[float, str, str]:
    """Sort key of a result: the largest ratio first, those of one size by name."""
    size = ranking(abs(np.log(result["value"])))
    return (-float(size), result["item"], result["statistic"])


def changes_page(changes: "Changes", since: str, commit: str, shown: int = 10) -> str:
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
    whole = _whole_methods(results)
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
        came_or_went=[line for method in whole.items() for line in _medians_of(*method)],
        flipped=[value for value in verdicts if value[1].keys.get("engine") in PUBLISHED],
        judged=sum(table.unchanged + table.altered for table in claims),
        whole={method: table.whole for method, table in whole.items()},
        settings={
            method: lines
            for method, lines in ((path.split("/")[1], s) for path, s in changes.settings.items())
            if method not in whole
        },
        results=sorted(
            map(_largest_first, results),
            key=lambda table: min(map(_size, table.moved), default=inf),
        ),
        data=[_largest_first(table) for table in data],
        figures=changes.figures,
        texts=changes.texts,
        unchanged_files=changes.unchanged_files,
    )


def _largest_first(table: "TableChange") -> "TableChange":
    return replace(table, moved=sorted(table.moved, key=_size))


def _size(moved: "Moved") -> float:
    """Sort key of a value: the largest relative change first, texts last."""
    return inf if moved.relative is None else -abs(moved.relative)


def _moved(tables: Iterable["TableChange"], name: str, column: str) -> list[tuple[str, "Moved"]]:
    """Values of a column that moved in a result table of every method, each with the method."""
    return [
        (table.path.split("/")[1], moved)
        for table in tables
        if table.path.endswith(f"/{name}.csv")
        for moved in table.moved
        if moved.column == column
    ]


def _whole_methods(tables: Iterable["TableChange"]) -> dict[str, "TableChange"]:
    """Energies of each method that came or went as a whole, by its name."""
    return {
        method: table
        for table in tables
        for _, method, *file in [table.path.split("/")]
        if file == ["energy_per_query.csv"] and table.whole
    }


def _medians_of(method: str, table: "TableChange") -> Iterator[Line]:
    """Medians of the blend of a method that came or went as a whole."""
    for before, after, rows in (("", "value", table.added), ("value", "", table.removed)):
        for row in rows:
            if HEADLINE.items() <= row.items():
                ends = {"before": row.get(before, ""), "after": row.get(after, "")}
                yield row | ends | {"method": method, "whole": table.whole}


def figures_page(changes: "Changes", since: str, commit: str) -> str:
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


def _embedded(path: str, content: bytes | None) -> str | None:
    """Write a figure as an address that holds it; None if there is no figure."""
    if content is None:
        return None
    data = base64.b64encode(content).decode("ascii")
    return f"data:{TYPES[Path(path).suffix]};base64,{data}"

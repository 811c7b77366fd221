"""Pages of the claims and of the findings."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from inference_energy.claims.findings import Effect, rank
from inference_energy.claims.judge import (
    DECIDED,
    VERDICTS,
    WITHOUT,
    counts,
    deciding,
    distance,
    is_scored,
)
from inference_energy.claims.wording import place, words
from inference_energy.templates import render
from inference_energy.text import is_missing, short, with_unit


def claims_page(tables: Mapping[str, pd.DataFrame], titles: Mapping[str, str]) -> str:
    """Verdicts on all methods as a Markdown page: counts, and what does not reproduce.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Claims table of each method.
    titles : dict of str to str
        Title of each method.

    Returns
    -------
    str
        It links to the page of each method, of :func:`method_claims_page`.
    """
    methods = [_method(name, table, titles[name]) for name, table in tables.items()]
    verdicts = [verdict for verdict in VERDICTS if verdict != "not scored"]
    return render("claims/claims.md.jinja", verdicts=verdicts, methods=methods)


def method_claims_page(name: str, table: pd.DataFrame, title: str) -> str:
    """Every claim under one method, whose claims table and title are given, as a Markdown page."""
    return render("claims/method_claims.md.jinja", method=_method(name, table, title))


def _method(name: str, table: pd.DataFrame, title: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "version": table["source"].iloc[0],
        "counts": counts(table),
        "scored": is_scored(table),
        "claims": _claims(table),
        "failing": [line | {"distance": distance(line)} for line in _failing(table)],
    }


def _claims(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Lines that carry a verdict, as the paper makes them, with the exact engine's number."""
    exact = table[table["engine"] == "exact"].set_index("claim")["computed"]
    lines = deciding(table).sort_values("claim", key=lambda names: names.map(place))
    told = lines.assign(
        exact=lines["claim"].map(exact),
        words=lines["claim"].map(words),
        unit=lines["unit"].where(lines["unit"] != "1", ""),
    )
    return told.to_dict("records")


def _failing(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return [line for line in _claims(table) if line["verdict"] == "not reproduced"]


def console_summary(tables: Mapping[str, pd.DataFrame], kinds: Mapping[str, str]) -> str:
    """Few lines: how many claims reproduce, and which of a paper's own method do not."""
    lines = []
    for name, table in tables.items():
        tally = ", ".join(f"{n} {verdict}" for verdict, n in counts(table).items() if n)
        if is_scored(table):
            lines.append(f"{name}: {len(deciding(table))} claims: {tally}")
        for line in _failing(table) if kinds[name] == "paper" else []:
            unit = line["unit"] or "1"
            published = with_unit(line["published"], unit)
            computed = with_unit(short(line["computed"]), unit)
            # the number on the screen may round to the published one
            decided = None if is_missing(line["note"]) else DECIDED.search(line["note"])
            why = f", {WITHOUT} {with_unit(decided[1], unit)}" if decided else ""
            lines.append(
                f"  not reproduced: {line['claim']}: published {published}, computed"
                f" {computed}{why}"
            )
    return "\n".join([*lines, "Details: results/claims.md"])


def findings_page(
    findings: Iterable[dict[str, Any]],
    computed: Mapping[str, Mapping[str, Effect]],
    explanations: Mapping[str, str],
    left_out: Mapping[str, str],
) -> tuple[str, str]:
    """Findings as two Markdown pages, largest effect on the headline first.

    Parameters
    ----------
    findings : list of dict
        Entries of config/findings.yaml.
    computed : dict of str to dict of str to Effect
        Effects by finding.
    explanations : dict of str to str
        Paragraph of each finding.
    left_out : dict of str to str
        Why, of each finding that is not computed.

    Returns
    -------
    tuple of str
        The overview, and the findings one by one.
    """
    known = {finding["id"]: finding for finding in findings}
    rows = [
        {"engine": "exact"}
        | known[name]
        | {
            "explanation": explanations[name],
            "effects": list(computed[name].values()),
            "headline": computed[name].get("traditional"),
        }
        for name in rank(computed)
    ]
    names = ("claims/findings.md.jinja", "claims/findings_each.md.jinja")
    overview, each = (render(name, findings=rows, left_out=left_out) for name in names)
    return overview, each

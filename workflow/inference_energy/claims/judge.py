"""Published numbers against computed ones: selectors, verdicts, caveats.

A claim's ``quantity`` selects a number from the result tables, or the ratio of two::

    energy_per_query[regime=long; subject=frontier blend; pathway=baseline; statistic=p50]
    setting[regimes.long.output_tokens.median] / setting[regimes.traditional.output_tokens.median]
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fnmatch import fnmatch
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.claims.findings import written
from inference_energy.claims.selectors import Results, evaluate
from inference_energy.laws.base import Array
from inference_energy.text import is_missing, number, rounded

VERDICTS = (
    "reproduced",
    "reproduced with caveat",
    "reproduced as the seeded draw",
    "by construction",
    "borderline",
    "not reproduced",
    "not testable",
    "not scored",
)
"""As the seeded draw: the draw gives the printed number, and the engine without sampling another.
By construction: the number restates an input of the method. Borderline: the seeded draw misses
the printed number and the engine without sampling gives it. Not scored: the method is none of the
paper's, so the table says what the claim would read under it."""

HOLDS = ("reproduced", "reproduced with caveat", "reproduced as the seeded draw")
"""Verdicts that count as reproduced."""

CAVEAT, AS_DRAWN = HOLDS[1:]
"""Those that are told apart where such verdicts are counted together."""

LEAST_DIGITS, MOST_DIGITS = 4, 17
"""Significant digits of a computed number; as many as a float has."""

WITHOUT = "decided without sampling:"
DECIDED = re.compile(rf"{WITHOUT} ([^;]+)")
"""How the note begins of a claim of which the seeded draw says otherwise, and the number in it."""


def holds(claim: Mapping[str, Any], computed: float) -> bool:
    """Whether a computed number holds; parameters and rule as for :func:`holds_in`."""
    return bool(holds_in(claim, np.asarray(computed, float)))


def holds_in(claim: Mapping[str, Any], computed: Array) -> NDArray[np.bool_]:
    """Whether computed numbers, rounded as printed, are the printed one or in its range.

    A number is rounded as it is written in decimal, half away from zero, as
    :func:`~inference_energy.text.rounded` does it. NaN does not hold.

    Parameters
    ----------
    claim : mapping
        ``relation`` (equal | within | at most), ``value``, ``upper``, ``decimals``.
    computed : ndarray
        Computed numbers, in the claim's unit.

    Returns
    -------
    ndarray of bool
        Of the shape of ``computed``.
    """
    relation, decimals = claim["relation"], int(claim["decimals"])
    lower = Decimal(str(claim["value"]))
    upper = Decimal(str(claim["upper"])) if relation == "within" else lower
    hold = _rounds_below(computed, _grid(upper, decimals, ROUND_FLOOR, steps=1), decimals)
    if relation != "at most":
        least = _grid(lower, decimals, ROUND_CEILING)
        hold &= ~_rounds_below(computed, least, decimals)
    return hold


def deciding_digits(claim: Mapping[str, Any], values: Iterable[float | None]) -> int:
    """Least significant digits, of four or more, in which numbers hold as they do unrounded.

    Parameters
    ----------
    claim : mapping
        As for :func:`holds_in`.
    values : iterable of float or None
        Computed numbers, in the claim's unit.
    """
    known = np.array([value for value in values if not is_missing(value)], float)
    told = range(LEAST_DIGITS, MOST_DIGITS)
    as_told = (np.array([float(f"{v:.{n}g}") for v in known]) for n in told)
    return next(
        (
            n
            for n, rounded in zip(told, as_told, strict=True)
            if (holds_in(claim, rounded) == holds_in(claim, known)).all()
        ),
        MOST_DIGITS,
    )


def _grid(value: Decimal, decimals: int, rounding: str, steps: int = 0) -> Decimal:
    """Printable number next to a Decimal, and so many steps above it."""
    step = Decimal(1).scaleb(-decimals)
    return value.quantize(step, rounding=rounding) + steps * step


def _rounds_below(computed: Array, printed: Decimal, decimals: int) -> NDArray[np.bool_]:
    """Whether numbers, rounded half away from zero, are below a printable one.

    A float is above another exactly where its decimal form is, so the half-way number decides.
    """
    half = float(printed - Decimal(5).scaleb(-decimals - 1))
    return computed < half if printed > 0 else computed <= half


def printed(claim: Mapping[str, Any]) -> str:
    """Write the published number or range as the paper prints it."""
    decimals = int(claim["decimals"])
    value = f"{claim['value']:.{decimals}f}"
    if claim["relation"] == "within":
        return f"{claim['value']:.15g}-{claim['upper']:.15g}"
    return f"at most {value}" if claim["relation"] == "at most" else value


def caveats(
    claim: Mapping[str, Any],
    computed: float,
    results: Results,
    alternatives: Mapping[str, Results],
    findings: Iterable[Mapping[str, Any]],
) -> list[tuple[bool, str]]:
    """Sentences that qualify a claim, from the findings that name it.

    A finding with an override qualifies a claim if the number, moved by the ratio that the exact
    engine gives for the override, prints differently. A finding without one only explains.

    Parameters
    ----------
    claim : mapping
        Row of the published claims.
    computed : float
        The claim's number from the published engine.
    results : Results
        The method's own results.
    alternatives : dict of str to Results
        Results of the exact engine under each finding's override, by finding id.
    findings : list of dict
        ``id``, ``claims`` (patterns of claim ids), ``alternative`` and optionally ``override``,
        ``version`` (of the paper, both unless stated), ``values`` (name to selector) with ``note``
        (format string).

    Returns
    -------
    list of (bool, str)
        Whether the sentence is a caveat (True) or an explanation, and the sentence.
    """
    sentences = []
    for finding in findings:
        if not any(fnmatch(claim["claim"], pattern) for pattern in finding.get("claims", [])):
            continue
        if finding.get("version", claim["version"]) != claim["version"]:
            continue
        if finding["id"] in alternatives:
            before = evaluate(claim["quantity"], results, "exact")
            after = evaluate(claim["quantity"], alternatives[finding["id"]], "exact")
            if before is None or after is None:
                continue
            moved = computed * after / before
            decimals = claim["decimals"]
            if rounded(moved, decimals) != rounded(computed, decimals):
                text = f"{finding['alternative']}: {after:.4g} instead of {before:.4g} (exact)"
                sentences.append((True, text))
        elif "note" in finding:
            values = {
                name: evaluate(selector, results, "published")
                for name, selector in finding.get("values", {}).items()
            }
            if None not in values.values():
                of_claim = {"computed": computed, "published": claim["value"]}
                text = written(finding, "note", values | of_claim)
                sentences.append((finding.get("caveat", False), text))
    return sentences


def decide(claim: Mapping[str, Any], numbers: Mapping[str, float]) -> tuple[str, str]:
    """Whether a claim holds, and what the two engines' disagreement adds to the verdict.

    A printed number is one draw's, so the seeded engine decides on it. A range is a statement about
    the method, so the engine without sampling decides, where both were run.

    Parameters
    ----------
    claim : mapping
        Row of the published claims.
    numbers : dict of str to float
        Computed number by engine.

    Returns
    -------
    verdict, remark : str
        reproduced, reproduced as the seeded draw, borderline or not reproduced; a sentence or
        nothing.
    """
    drawn = numbers["published" if "published" in numbers else "exact"]
    exact = numbers.get("exact", drawn)
    as_drawn, as_exact = holds(claim, drawn), holds(claim, exact)
    verdict = "reproduced" if as_exact else "not reproduced"
    if as_drawn == as_exact:
        return verdict, ""
    of_draw, of_exact = (number(n, deciding_digits(claim, [n])) for n in (drawn, exact))
    if claim["relation"] != "equal":
        return verdict, f"{WITHOUT} {of_exact}; the seeded draw gives {of_draw}"
    if as_drawn:
        return AS_DRAWN, f"without sampling {of_exact}"
    return "borderline", f"the seeded draw gives {of_draw}; without sampling {of_exact}"


def judge(
    claims: pd.DataFrame,
    version: str,
    results: Results,
    alternatives: Mapping[str, Results],
    findings: Sequence[Mapping[str, Any]],
    engines: Sequence[str],
    scored: bool = True,
) -> pd.DataFrame:
    """Verdict on every claim of one version of the paper.

    Parameters
    ----------
    claims : DataFrame
        Published claims of all versions.
    version : str
        Version whose claims the method is held against.
    results, alternatives, findings
        As for :func:`caveats`.
    engines : list of str
        Engines to evaluate; the published one's lines carry the verdict, the others' stand beside.
    scored : bool
        Whether the method is the paper's, so that its claims are judged.

    Returns
    -------
    DataFrame
        Columns of the claims table.
    """
    lines = []
    of_version: list[dict[Any, Any]] = claims[claims["version"] == version].to_dict("records")
    for claim in of_version:
        computed = {engine: evaluate(claim["quantity"], results, engine) for engine in engines}
        numbers = {engine: value for engine, value in computed.items() if value is not None}
        if not numbers:
            lines.append(_line(claim, None, None, "not testable", [claim["statement"]]))
        for engine, value in numbers.items():
            # the exact engine's line says how the claim reads without sampling
            of_line = numbers if engine == "published" else {engine: value}
            verdict, remarks = _verdict(claim, value, of_line, results, alternatives, findings)
            if not scored:
                # of a number that the method was given it says nothing that it would hold
                restates = verdict == "by construction"
                remarks = [f"{verdict}: {remarks[0]}"] if restates else []
                verdict = "not scored"
            lines.append(_line(claim, engine, value, verdict, remarks))
    return pd.DataFrame(lines)


def _verdict(
    claim: Mapping[str, Any],
    value: float,
    numbers: Mapping[str, float],
    results: Results,
    alternatives: Mapping[str, Results],
    findings: Sequence[Mapping[str, Any]],
) -> tuple[str, list[str]]:
    verdict, remark = decide(claim, numbers)
    sentences = caveats(claim, value, results, alternatives, findings)
    remarks = [*filter(None, [remark]), *(text for _, text in sentences)]
    if verdict in HOLDS and isinstance(claim.get("input"), str):
        return "by construction", [f"restates the method's own {claim['input']}", *remarks]
    if verdict == "reproduced" and any(is_caveat for is_caveat, _ in sentences):
        verdict = CAVEAT
    return verdict, remarks


def _line(
    claim: Mapping[str, Any],
    engine: str | None,
    computed: float | None,
    verdict: str,
    remarks: Sequence[str],
) -> dict[str, Any]:
    return {
        "claim": claim["claim"],
        "source": claim["version"],
        "quantity": claim["quantity"],
        "published": printed(claim),
        "computed": computed,
        "unit": claim["unit"],
        "engine": engine,
        "verdict": verdict,
        "note": "; ".join(remarks) or None,
    }


def deciding(table: pd.DataFrame) -> pd.DataFrame:
    """Lines of a claims table that carry the verdict: one per claim."""
    return table[table["engine"].isna() | (table["engine"] == "published")]


def is_scored(table: pd.DataFrame) -> bool:
    """Whether a claims table is that of a method of the paper's."""
    return not (table["verdict"] == "not scored").any()


def distance(claim_line: Mapping[str, Any]) -> float:
    """How far a computed number is from the published number or range, as a ratio text."""
    bounds = [float(b) for b in re.findall(r"\d+\.?\d*", claim_line["published"])]
    computed = claim_line["computed"]
    nearest = min(bounds, key=lambda b: abs(computed - b))
    return computed / nearest if nearest else float("inf")


def changed_verdicts(table: pd.DataFrame, expected: dict[str, str]) -> list[str]:
    """Claims whose verdict is not the expected one.

    Parameters
    ----------
    table : DataFrame
        Claims table of one method.
    expected : dict of str to str
        Claim to verdict.

    Returns
    -------
    list of str
        One sentence per claim that changed, is new, or is gone.
    """
    found = dict(zip(deciding(table)["claim"], deciding(table)["verdict"], strict=True))
    return [
        f"claim {claim}: verdict {found.get(claim, 'missing')}, expected"
        f" {expected.get(claim, 'none')}"
        for claim in sorted(found | expected)
        if found.get(claim) != expected.get(claim)
    ]


def counts(table: pd.DataFrame) -> dict[str, int]:
    """Count of each verdict, as a dict in the order of VERDICTS."""
    verdicts = deciding(table)["verdict"]
    return {verdict: int((verdicts == verdict).sum()) for verdict in VERDICTS}

"""The what-if page: rows of its tables, and notes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from inference_energy.comparison.whatif import LACKING, Answer, Published, both, is_scored, listed
from inference_energy.method.differences import differing
from inference_energy.method.files import LEFT_UNCHANGED
from inference_energy.method.provenance import is_assumption
from inference_energy.method.wording import LABELS
from inference_energy.power.node import find_node
from inference_energy.rounding import relative
from inference_energy.text import (
    counted,
    factor,
    fixed,
    is_missing,
    number,
    percent,
    short,
    told_apart,
    with_unit,
)

UNCHANGED = "unchanged"

NAMED_CLAIMS = 6
"""Claims that a note names at most."""

PARTS_OF_A_CLAIM = {
    "published number": ("value", "upper", "unit"),
    "threshold": ("relation", "decimals"),
    "words": ("quantity", "where", "known_by", "input", "statement"),
}
"""Columns of the published claims, by what an edit of them is called."""


def headline_rows(lines: list[dict]) -> list[list[str]]:
    """Rows of the headlines: quantity, old, new, factor."""
    return [
        [
            line["quantity"],
            *(with_unit(text, line["unit"]) for text in both(line["old"], line["new"])),
            UNCHANGED if line["factor"] == 1 else _times(line["factor"]),
        ]
        for line in lines
    ]


def _times(value: float) -> str:
    """Write a factor in three decimals, or as many as tell it from 1, one of another size in three
    digits.
    """
    if is_missing(value) or not relative(value, 1.0):
        return factor(value, ".3f", "none")
    if 0.1 <= value < 10:
        return f"x {told_apart(value, 1.0, fixed)[0]}"
    return f"x {number(value)}"


def setting_rows(settings: list[dict]) -> list[list[str]]:
    """Rows of the settings: setting, old, new, unit, sources of both values.

    One source of both is marked: of two values that differ it may state one only.
    """
    return [
        [s["name"], s["old"], s["new"], "" if s["unit"] == "1" else s["unit"], _sources(s)]
        for s in settings
    ]


def _sources(setting: dict) -> str:
    """Sources of the old value and of the new one, once where they are the same."""
    sources = [setting["old_source"], setting["new_source"]]
    if not any(sources):
        return ""
    old, new = (str(source or "none") for source in sources)
    if is_assumption(old) and is_assumption(new):
        return new
    if old == new:
        return f"{new} (the source of both values, of which it may state one)"
    # a source that one side left is named on the other
    left = LEFT_UNCHANGED.removesuffix(": ")
    if new == f"{LEFT_UNCHANGED}{old}":
        new = left
    elif old == f"{LEFT_UNCHANGED}{new}":
        old = left
    return f"{old} -> {new}"


def unused_notes(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[str]:
    """Say of a setting that differs that neither side uses it."""
    by_load = [m["power_utilisation"]["distribution"] == "by-load" for m in (base, head)]
    if not all(by_load) or "node_power" not in differing(base, head):
        return []
    return [
        "Node power moves no number: with a power utilisation by-load a node is charged what it"
        " draws at its load, by the law of power, and no share of its maximum."
    ]


def node_notes(
    served: Sequence[str], before: pd.DataFrame, after: pd.DataFrame, gpus: pd.DataFrame
) -> list[str]:
    """Say which GPUs are charged by another node, as a row of data/nodes.csv has come or gone.

    Parameters
    ----------
    served : sequence of str
        GPUs that a method's models are on.
    before, after : DataFrame
        Table of schema ``nodes`` of both sides.
    gpus : DataFrame
        Table of schema ``gpus``.
    """
    moved: dict[tuple[str, str], list[str]] = {}
    for gpu in served:
        old, new = (_charged_by(gpu, nodes, gpus) for nodes in (before, after))
        if old != new:
            moved.setdefault((old, new), []).append(gpu)
    return [
        f"{listed(names)}: charged by {new}, in place of {old}."
        for (old, new), names in moved.items()
    ]


def _charged_by(gpu: str, nodes: pd.DataFrame, gpus: pd.DataFrame) -> str:
    """Node of a GPU, and why it is that where it is another GPU's."""
    node = find_node(gpu, nodes, gpus)
    nearest = " of data/nodes.csv, whose GPU has the nearest rated power there"
    return f"{node['node']}{nearest if node['gpu'] != gpu else ''}"


def share_rows(shares: list[dict]) -> list[list[str]]:
    """Header and rows of the Shapley factors: setting, and each headline that one of them moves;
    nothing if none moves any.
    """
    headlines = [
        name
        for name in (shares[0] if shares else {})
        if name != "setting" and any(_moves(share[name]) for share in shares)
    ]
    if not headlines:
        return []
    rows = [[s["setting"], *(_times(s[name]) for name in headlines)] for s in shares]
    return [["setting", *headlines], *rows]


def _moves(factor: float) -> bool:
    """Whether a factor is not one, or is none, as of a median that is zero."""
    return is_missing(factor) or bool(relative(factor, 1.0))


def claim_rows(claims: list[dict]) -> list[list[str]]:
    """Rows of the claims: claim, published, old, new, both exactly, verdict before and after.

    The numbers have the four digits of results/claims.md, or as many more as tell on which side
    of the paper's rounding a number lies, and the old one from the new. A side that lacks a claim
    has no number of it.
    """

    def written(claim: dict, values: Sequence[float | None]) -> list[str]:
        if LACKING in (claim["before"], claim["after"]):
            verdicts = (claim["before"], claim["after"])
            return [
                LACKING if verdict == LACKING else short(value, claim["digits"], missing="none")
                for verdict, value in zip(verdicts, values, strict=True)
            ]
        if any(map(is_missing, values)):
            return [short(value, claim["digits"], missing="none") for value in values]
        return list(both(*values, short, claim["digits"]))

    return [
        [
            c["claim"],
            with_unit(c["published"], c["unit"]),
            *written(c, (c["old"], c["new"])),
            " -> ".join(t for t in dict.fromkeys(written(c, c["exact"])) if t != LACKING),
            c["before"],
            c["after"],
        ]
        for c in claims
    ]


def judged_notes(
    base: Answer,
    head: Answer,
    settings: Sequence[dict],
    published: Published,
    before: Published | None = None,
) -> list[str]:
    """Say how far the verdicts of two sides that are judged otherwise can be held side by side, and
    which claims differ.

    Parameters
    ----------
    base, head : Answer
        Both sides.
    settings : list of dict
        From :func:`.changed_settings`.
    published, before : Published
        As for :func:`.flipped_claims`.
    """
    versions = [a.side.method["claims"] for a in (base, head)]
    held = zip((before or published, published), versions, strict=True)
    tables = [against.of(version).set_index("claim") for against, version in held]
    of = [set(table.index) for table in tables]
    states = ("", "") if versions[0] != versions[1] else (" as committed", " as it is now")
    notes = []
    for mine, other in ((0, 1), (1, 0)):
        if alone := [claim for claim in tables[mine].index if claim not in of[other]]:
            told = f"{counted(len(alone), 'claim', 'claims')} of {versions[mine]}{states[mine]}"
            notes.append(f"Without a verdict on both sides: {told} alone: {_few(alone)}.")
    edited = [
        f"{claim} ({listed(differing)})"
        for claim in tables[1].index
        if claim in of[0] and (differing := _edited(*(table.loc[claim] for table in tables)))
    ]
    if edited:
        notes.append(f"Stated otherwise by {versions[1]}{states[1]}: {_few(edited)}.")
    unscored = [i for i, answer in enumerate((base, head)) if not is_scored(answer)]
    if len(unscored) == 1 and LABELS["kind"] in [setting["setting"] for setting in settings]:
        (i,) = unscored
        notes.append(
            f"As {('it was', 'it is')[i]} none of the paper's methods, no claim of {versions[i]}"
            f" {('had', 'has')[i]} a verdict then: the {len(of[i])} only say whether they would"
            " hold."
        )
    return notes


def _edited(old: pd.Series, new: pd.Series) -> list[str]:
    """What of a published claim differs between two versions."""
    return [
        name
        for name, keys in PARTS_OF_A_CLAIM.items()
        if any(
            old[key] != new[key] and not (pd.isna(old[key]) and pd.isna(new[key])) for key in keys
        )
    ]


def _few(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    more = len(names) - NAMED_CLAIMS
    return ", ".join(names[:NAMED_CLAIMS]) + (f" and {more} more" if more > 0 else "")


def drawn_notes(claims: Sequence[dict]) -> list[str]:
    """Say how many of the verdicts that changed, of :func:`.flipped_claims`, the draw decides."""
    drawn = sum(claim["drawn"] for claim in claims)
    if not drawn:
        return []
    return [
        f"The draw alone changes {drawn} of the {counted(len(claims), 'verdict', 'verdicts')}:"
        " without sampling the number is as it was, and two draws of it lie on both sides of the"
        " boundary, which is so within the error of sampling. Where the draw alone misses, a claim"
        " is borderline; where it alone holds, reproduced as that draw only."
    ]


def engine_note(base: Answer, head: Answer, regime: str = "traditional") -> str:
    """Say whose numbers the claims are compared with, and how they differ from the medians."""
    drawn, exact = (
        " -> ".join(dict.fromkeys(both(*(a.median(regime, engine) for a in (base, head)))))
        for engine in ("published", "exact")
    )
    note = (
        "A claim is compared with the seeded draw, as the paper computed its numbers: the draw's"
        f" {regime} median is {drawn} Wh, the exact one above {exact} Wh. Where the number without"
        " sampling stays, only the draw has moved: another seed or number of draws, a factor that"
        " became fixed, or another number of models takes other random numbers. Caveats that"
        " other choices would give a verdict are not looked for here; results/METHOD/claims.md has"
        " them after a run."
    )
    if is_scored(base) and is_scored(head):
        return note
    return f"{note} A method that is not the paper's is not scored by its claims."


def member_parts(
    members: Mapping[str, list[dict]], ranked_by: str, shares: str = "equal"
) -> dict[str, dict]:
    """What is said of the blend of each regime: text, title of what ranks, and rows.

    Rows are of the models that are in the blend on a side, and of the first that is left out now.
    """
    rank = "parameters [B]" if ranked_by == "parameters" else "median [Wh]"
    why = f"the largest by {rank.split()[0]}"
    if shares == "median model":
        why = f"the middle one by median of {why}"
    parts = {}
    for regime, rows in members.items():
        names = ", ".join(row["model"] for row in rows if row["after"])
        same = all(bool(row["before"]) == bool(row["after"]) for row in rows)
        shared = all(row["before"] == row["after"] for row in rows)
        text = "as before" if shared else "as before, in other shares"
        text = text if same else why
        inside = [row for row in rows if row["before"] or row["after"]]
        inside += [row for row in rows if row not in inside and row["first_out"][1]]
        parts[regime] = {
            "text": f"{regime.capitalize()} queries: {names}; {text}.",
            "rank": rank,
            "rows": [_member(row) for row in inside],
        }
    return parts


def _member(row: dict) -> list[str]:
    shares = dict.fromkeys(percent(row[side]) for side in ("before", "after"))
    ranks = [row[side] for side in ("old", "new")]
    lone = ("none" if is_missing(rank) else number(rank) for rank in ranks)
    told = lone if any(map(is_missing, ranks)) else both(*ranks)
    return [row["model"], " -> ".join(shares), " -> ".join(dict.fromkeys(told)), _note(row)]


def _note(row: dict) -> str:
    """What is said of a model: its place, and its law if that is another one."""
    old, new = row["laws"]
    law = f"law {old} -> {new}" if None not in (old, new) and old != new else ""
    return "; ".join(filter(None, (_place(row), law)))


def _place(row: dict) -> str:
    was_out, is_out = row["first_out"]
    if not row["before"] and not row["after"]:
        return "first left out" if was_out else "first left out now"
    if bool(row["before"]) == bool(row["after"]):
        return ""
    if row["after"]:
        return "enters, was first left out" if was_out else "enters"
    if is_missing(row["new"]):
        return "leaves, as the method has no law of it"
    return "leaves, first left out now" if is_out else "leaves"

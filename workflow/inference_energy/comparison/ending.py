"""What a run says last: the energies, what moved against the last commit, and where to look."""

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from inference_energy.claims.headline import QUOTED
from inference_energy.comparison.snapshots import changed_files, committed_files
from inference_energy.rounding import largest_first, relative
from inference_energy.text import interval, number, percent, told_apart, with_unit

HEADLINE = "results/headline.csv"
SHOWN = 8
"""Numbers that moved, and are shown."""
SMALL = 0.0005
"""Change that one decimal of a per cent does not show. [1]"""


def ending(root: Path) -> list[str]:
    """Lines for the end of a run in a folder; none before there is a headline.

    Parameters
    ----------
    root : Path
        Folder with results/.
    """
    if not (root / HEADLINE).exists():
        return []
    now = pd.read_csv(root / HEADLINE)
    files, commit = committed_files(root, (HEADLINE,))
    before = pd.read_csv(io.BytesIO(files[HEADLINE])) if HEADLINE in files else None
    lines = ["", "Energy per query of the frontier blend, median (IQR):", *_energies(now)]
    if before is None:
        lines.append(f"No commit has {HEADLINE}, so nothing is said of what moved.")
    else:
        lines += _moved(before, now, commit, _other_tables(root))
    return [
        *lines,
        *_left_out(now),
        "Look at results/claims.md (verdicts), results/audit/findings.md (weak points) and"
        " results/headline.csv; `make changes` shows all that moved.",
    ]


def ending_of_part(
    root: Path, asked: Collection[str], outputs: Collection[str], made: Collection[str]
) -> list[str]:
    """Lines for the end of a run that was asked for files, not for all results.

    Parameters
    ----------
    root : Path
        Folder with results/.
    asked, outputs, made : collection of str
        What the run was asked for; the files that it holds against what they are made from; and
        those of them that it made.

    Returns
    -------
    list of str
        Those of :func:`ending` where the headline is among the outputs, and so as new as all else.
        Where files of the results were made without it, that it was not renewed. Else none.
    """
    if HEADLINE in outputs:
        return ending(root)
    of_results = [
        file for file in asked if file.startswith(("results/", "figures/", "build/report"))
    ]
    if set(of_results) & set(made):
        return [
            f"{HEADLINE} is no part of this run, so that no energy is told here; `snakemake"
            f" {HEADLINE}` renews it and tells them, `make changes` shows all that moved."
        ]
    return []


def broken_off(root: Path, start: float) -> list[str]:
    """Lines for the end of a run that failed: its numbers, if it came so far, and what to do.

    Parameters
    ----------
    root : Path
        Folder with results/.
    start : float
        When the run began, seconds since the epoch.
    """
    headline = root / HEADLINE
    if headline.exists() and headline.stat().st_mtime >= start:
        return [*ending(root), "The run failed above: what comes after that step was not renewed."]
    old = f": it is that of an earlier run, which `snakemake {HEADLINE}` renews"
    return [
        f"The run failed above and has not made {HEADLINE}{old if headline.exists() else ''}.",
        "Mend it and run again: steps that are done are not repeated.",
    ]


def _left_out(now: pd.DataFrame) -> list[str]:
    """Methods of which the headline has not all that is quoted, and where the rest is."""
    counts = now["method"].value_counts()
    names = ", ".join(sorted(counts[counts < len(QUOTED)].index))
    told = "has not every quantity; results/METHOD/fleet.csv and claims.csv do"
    return [f"Of {names} {HEADLINE} {told}."] if names else []


def _with_equal_tokens(table: pd.DataFrame) -> pd.DataFrame:
    """The numbers, and ratios at equal tokens as lines of their own."""
    if "at_equal_tokens" not in table:
        return table
    ratios = table[table["at_equal_tokens"].notna()]
    names = ratios["quantity"] + ", at equal tokens"
    lines = ratios.assign(quantity=names, value=ratios["at_equal_tokens"])
    return pd.concat([table, lines], ignore_index=True)


def _energies(now: pd.DataFrame) -> list[str]:
    """Energies of every method, and its fleet."""
    lines = []
    for method, own in now.groupby("method", sort=False):
        values = own.set_index("quantity")
        parts = [
            f"{interval(line['value'], line['lower'], line['upper'])} Wh {str(name).split()[0]}"
            for name, line in values.sort_index(ascending=False).to_dict("index").items()
            if str(name).endswith("query, median")
        ]
        if "fleet, with long queries" in values.index:
            fleet = float(values["value"]["fleet, with long queries"])
            parts.append(f"fleet {number(fleet)} GWh/day")
        lines.append(f"  {method}: {', '.join(parts)}")
    return lines


def _other_tables(root: Path) -> dict[str, list[str]]:
    """Tables beside the headline that have other numbers than in the last commit, by folder."""
    paths = [path for path in changed_files(root, "results") if path.endswith(".csv")]
    paths = [path for path in paths if path != HEADLINE and (root / path).exists()]
    committed, _ = committed_files(root, tuple(paths)) if paths else ({}, "")
    found: dict[str, list[str]] = {}
    for path in paths:
        old, new = (
            pd.read_csv(io.BytesIO(content)).select_dtypes("number").astype(float)
            for content in (committed[path], (root / path).read_bytes())
        )
        if not old.equals(new):
            _, *folders, name = Path(path).with_suffix("").parts
            found.setdefault("/".join(folders) or "results", []).append(name)
    return found


def _cut(parts: Sequence[str], mark: str) -> list[str]:
    """The first parts, and how many more there are after a mark."""
    more = len(parts) - SHOWN
    return [*parts[:SHOWN], *([f"{mark}and {more} more"] if more > 0 else [])]


def _moved(
    before: pd.DataFrame, now: pd.DataFrame, commit: str, others: Mapping[str, Sequence[str]]
) -> list[str]:
    """Methods that the last commit does not have, numbers of the headline that it has otherwise,
    the one that moved most first, and other tables of what the headline says nothing of.
    """
    before, now = map(_with_equal_tokens, (before, now))
    both = before.merge(now, on=["method", "quantity", "unit"], suffixes=("_old", "_new"))
    moved = both[both["value_old"] != both["value_new"]].reset_index(drop=True).to_dict("records")
    changes = {i: relative(line["value_new"], line["value_old"]) for i, line in enumerate(moved)}
    new = [m for m in now["method"].unique() if m not in set(before["method"])]
    lines = [f"  {method}: new" for method in new]
    for i in largest_first({i: abs(change) for i, change in changes.items()}):
        old, value = told_apart(moved[i]["value_old"], moved[i]["value_new"])
        change = percent(changes[i], "+.1f" if abs(changes[i]) >= SMALL else "+.1g")
        lines.append(
            f"  {moved[i]['method']}: {moved[i]['quantity']} {old} ->"
            f" {with_unit(value, moved[i]['unit'])} ({change})"
        )
    told = {line["method"] for line in moved}
    # what the headline tells of a method needs no list of the tables that say it at length
    silent = {folder: names for folder, names in others.items() if folder not in told}
    tables = [f"  {folder}: {', '.join(_cut(names, ''))}" for folder, names in silent.items()]
    if not lines and not tables:
        return [f"Against commit {commit} no number of results/ moved."]
    said = (
        [f"Against commit {commit}, of the headline's numbers:", *_cut(lines, "  ")]
        if lines
        else [f"Against commit {commit} no number of the headline moved."]
    )
    if tables:
        said += ["Beside it numbers of other tables of results/ moved:", *_cut(tables, "  ")]
    methods = [folder for folder in silent if folder in set(now["method"])]
    if methods:
        said.append(f"`snakemake whatif --config method={methods[0]}` tells which and why.")
    return said

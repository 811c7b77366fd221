"""Figure of the claims: published against computed; frames in, matplotlib Figure out."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from inference_energy.claims.judge import HOLDS, counts, decide, deciding
from inference_energy.claims.wording import place, words
from inference_energy.drawing import (
    BLACK,
    DARK_GREY,
    GREY,
    PAGE,
    SETTINGS,
    VERDICT_MARKS,
    frame,
    headline,
    log_axis,
    log_range,
    new_figure,
)
from inference_energy.rounding import half_step
from inference_energy.text import apart, number

ROW = 0.155
"""Height of a claim [in]."""

PALE = "#E3E3E3"
"""Colour of what marks stand on."""
PRINTED: dict[str, Any] = {"facecolor": PALE, "edgecolor": GREY, "linewidth": 0.8}
TALL = 0.76
"""Height of a published range, more than a mark's, in rows."""
EXACT: dict[str, Any] = {"color": BLACK, "linestyle": "", "marker": "|", "markersize": 5}


def published_interval(claim: Mapping[str, Any]) -> tuple[float, float, float]:
    """Computed values that print as the published one or lie in its range, in terms of it.

    Parameters
    ----------
    claim : mapping
        ``relation`` (equal | within | at most), ``value``, ``upper``, ``decimals``.

    Returns
    -------
    (float, float, float)
        Reference that ratios are taken to (the value; of a range its geometric mean), lower and
        upper end of the interval as ratios to it.
    """
    half = half_step(claim["decimals"])
    low = 0 if claim["relation"] == "at most" else claim["value"]
    high = claim["upper"] if claim["relation"] == "within" else claim["value"]
    reference = np.sqrt(low * high) or high
    return reference, max(low - half, 0) / reference, (high + half) / reference


@rc_context(SETTINGS)
def claims_chart(claims: pd.DataFrame, published: pd.DataFrame) -> Figure:
    """Computed over published, for every claim of the version that a method is compared with.

    Parameters
    ----------
    claims : DataFrame
        Claims table of one method.
    published : DataFrame
        The published claims of all versions.
    """
    lines = deciding(claims)
    lines = lines.sort_values("claim", key=lambda names: names.map(place))
    version = lines["source"].iloc[0]
    printed = published[published["version"] == version].set_index("claim")
    exact = claims[claims["engine"] == "exact"].set_index("claim")["computed"]
    intervals = [published_interval(printed.loc[claim]) for claim in lines["claim"]]
    references = [reference for reference, _, _ in intervals]
    ratios = lines["computed"].to_numpy() / references
    ends = [end for _, *both in intervals for end in both]
    low, high = log_range([x for x in (*ends, *ratios) if x > 0], margin=1.1)

    figure = new_figure(PAGE, ROW * len(lines) + 1.3)
    axis = frame(figure, 2.45, 0.75, 1.85, 0.5)
    log_axis(axis, "Computed / published", low, high)
    axis.set_ylim(0.6 - len(lines), 0.6)
    axis.set_yticks([-i for i in range(len(lines))], lines["claim"].map(words))
    axis.tick_params(axis="y", length=0)
    axis.axvline(1, color=BLACK, linewidth=0.6, zorder=0.8)
    columns = {"claim": (-0.02, "right"), "published": (1.22, "right")}
    columns |= {"computed": (1.48, "right"), "unit": (1.52, "left")}

    def write(column: str, y: float, text: str, colour: str) -> None:
        x, side = columns[column]
        place: dict[str, Any] = {
            "ha": side,
            "va": "center_baseline",
            "transform": axis.get_yaxis_transform(),
        }
        axis.text(x, y, text, color=colour, **place)

    for column in columns:
        write(column, 1.1, column, DARK_GREY)
    for i, line in enumerate(lines.to_dict("records")):
        reference, start, end = intervals[i]
        start = max(start, low)
        axis.barh(-i, end - start, left=start, height=TALL, **PRINTED)
        testable = line["verdict"] != "not testable"
        if testable:
            colour, marker = VERDICT_MARKS[line["verdict"]]
            axis.plot([ratios[i]], [-i], marker, color=colour, markersize=4, zorder=4)
        if line["claim"] in exact:
            axis.plot([exact[line["claim"]] / reference], [-i], zorder=5, **EXACT)
        computed = number(line["computed"], 4) if testable else line["verdict"]
        write("published", -i, apart(line["published"]).replace("-", "–"), BLACK)
        write("computed", -i, computed, BLACK if testable else GREY)
        write("unit", -i, "" if line["unit"] == "1" else line["unit"], BLACK)

    tally = counts(claims)
    _keys(figure, tally)
    headline(figure, _finding(tally, len(lines), holding(claims, printed), version))
    return figure


def _keys(figure: Figure, tally: Mapping[str, int]) -> None:
    """Add the keys of the verdicts that there are, with their numbers, and of the marks."""
    verdicts = [
        Line2D([], [], linestyle="", color=colour, marker=marker, label=f"{tally[name]} {key}")
        for name, (colour, marker) in VERDICT_MARKS.items()
        # as in results/claims.md, so that all have room in one line
        for key in [name.removeprefix("reproduced ")]
        if tally[name]
    ]
    marks = [
        Patch(label="published range, or values that print as published", **PRINTED),
        Line2D([], [], label="exact engine", **EXACT),
    ]
    for handles, bottom in ((verdicts, 0.16), (marks, 0)):
        figure.legend(
            handles=handles,
            loc="lower center",
            ncols=len(handles),
            columnspacing=1.2,
            bbox_to_anchor=(0.5, bottom / figure.get_figheight()),
        )


def holding(claims: pd.DataFrame, printed: pd.DataFrame) -> tuple[int, int]:
    """Count the claims that would hold, and apart those that restate the method's own input.

    Parameters
    ----------
    claims : DataFrame
        Claims table of one method, scored or not.
    printed : DataFrame
        The published claims of the version that it is held against, by claim.
    """
    stated: Mapping[Any, dict[Any, Any]] = printed.to_dict("index")
    numbers: dict[Any, dict[str, float]] = {}
    for line in claims.dropna(subset="computed").to_dict("records"):
        numbers.setdefault(line["claim"], {})[line["engine"]] = line["computed"]
    held = Counter(
        isinstance(stated[claim]["input"], str)
        for claim, computed in numbers.items()
        if decide(stated[claim], computed)[0] in HOLDS
    )
    return held[False], held[True]


def _finding(tally: Mapping[str, int], total: int, holding: tuple[int, int], version: str) -> str:
    """Say how many claims are reproduced; of a method that is not scored, how many would hold."""
    testable = f"{total - tally['not testable']} testable claims of {version}"
    if tally["not scored"]:
        hold, restate = holding
        apart = f", and {restate} by construction" if restate else ""
        return f"Under another method {hold} of {testable} would hold{apart}"
    parts = {"reproduced": sum(tally[name] for name in HOLDS)}
    parts |= {name: tally[name] for name in ("by construction", "borderline", "not reproduced")}
    words = [f"{n} {'is' if n == 1 else 'are'} {name}" for name, n in parts.items() if n]
    return f"Of {testable}, {', '.join(words)}"

"""Figure of a comparison: how each setting carries the headline from base to head."""

import textwrap
from collections.abc import Sequence
from itertools import compress

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from inference_energy.drawing import (
    DARK_GREY,
    MAGENTA,
    PAGE,
    SETTINGS,
    TEAL,
    area,
    frame,
    headline,
    legend,
    new_figure,
    panel_title,
)
from inference_energy.rounding import largest_first
from inference_energy.text import number, percent

ENDS, UP, DOWN = DARK_GREY, MAGENTA, TEAL
"""Colours of the two methods, and of a setting that raises or lowers the energy."""

LEFT, RIGHT, BELOW, ABOVE, GAP, ROW = 2.2, 0.08, 0.42, 0.7, 0.2, 0.26
"""Distances around the panels, and height of a bar's row [in]."""

Bar = tuple[str, float, float, bool]
"""Label, start, stop [Wh], and whether it is a part of the setting above it."""

LONGEST = 44
"""Letters of a line of a setting."""


def setting_order(table: pd.DataFrame) -> list[str]:
    """Settings of a comparison, the largest Shapley share on any headline first, ties by name."""
    shares = table[(table["kind"] == "attribution") & (table["statistic"] == "shapley")]
    largest = shares["value"].abs().groupby(shares["item"], sort=False).max()
    return largest_first(largest.to_dict())


def steps(table: pd.DataFrame, headline: str) -> list[Bar]:
    """Bars of one headline's waterfall, from base to head.

    Parameters
    ----------
    table : DataFrame
        Comparison table.
    headline : str
        Headline to draw.

    Returns
    -------
    list of tuple
        label, start, stop [Wh], whether the bar is a part of the setting above it. Settings come
        in the order of ``setting_order``; each multiplies what the ones before it left.
    """
    own = table[table["subject"] == headline]
    (end,) = own[own["kind"] == "headline"].to_dict("records")
    shares = own[own["statistic"] == "shapley"]
    of_settings = shares[shares["kind"] == "attribution"].set_index("item")["value"]
    parts = shares[shares["kind"] == "part"].sort_values("item", kind="stable")
    level = float(end["base"])
    bars: list[Bar] = []
    for setting in setting_order(table):
        share = of_settings[setting]
        bars.append((setting, level, level * np.exp(share), False))
        within = level
        for part, portion in zip(parts["item"], parts["value"], strict=True):
            if part.startswith(f"{setting}."):
                label = part.removeprefix(f"{setting}.")
                bars.append((label, within, within * np.exp(portion), True))
                within *= np.exp(portion)
        level *= np.exp(share)
    return [("base", 0.0, float(end["base"]), False), *bars, ("head", 0.0, level, False)]


UNMOVED = "1.000"
"""Factor of a setting that moves nothing."""

WORDS = {
    "default": "other models",
    "pue": "PUE",
    "benchmarks": "benchmark rows",
    "regimes": "query lengths",
    "serving": "hardware",
}
"""Settings whose names do not say what they are."""


def words(label: str, is_part: bool = False) -> str:
    """Setting in words, a part after the setting that it belongs to."""
    told = [
        " ".join(WORDS.get(word, word.replace("_", " ")) for word in name.split("."))
        for name in label.split(" + ")
    ]
    text = ", ".join(told)
    text = text.removeprefix("models ") if is_part else text
    return f"of which {text}" if is_part else f"{text[0].upper()}{text[1:]}"


def _moving(panels: Sequence[Sequence[Bar]]) -> list[list[Bar]]:
    """Bars that move any panel's headline as far as the written factor shows, and their ends."""
    kept = [
        any(bar[0] in ("base", "head") or f"{bar[2] / bar[1]:.3f}" != UNMOVED for bar in bars)
        for bars in zip(*panels, strict=True)
    ]
    return [list(compress(bars, kept)) for bars in panels]


def _finding(base: str, head: str, panels: Sequence[Sequence[Bar]], regimes: Sequence[str]) -> str:
    changes = [
        f"{percent(bars[-1][2] / bars[0][2] - 1, '+.1f')} ({regime})".replace("-", "−")
        for bars, regime in zip(panels, regimes, strict=True)
    ]
    return f"From {base} to {head}, the median changes by {' and '.join(changes)}"


@rc_context(SETTINGS)
def draw(
    table: pd.DataFrame, base: str, head: str, regimes: Sequence[str] = ("traditional", "long")
) -> Figure:
    """Draw one waterfall per regime.

    Parameters
    ----------
    table : DataFrame
        Comparison table.
    base, head : str
        Names of the methods.
    regimes : tuple of str
        Regimes whose medians are drawn, one panel each.

    Returns
    -------
    Figure
    """
    panels = _moving([steps(table, f"{regime} median") for regime in regimes])
    rows = max(len(bars) for bars in panels)
    figure = new_figure(PAGE, BELOW + ABOVE + ROW * rows)
    headline(figure, _finding(base, head, panels, regimes))
    width = (PAGE - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    names, drawn = {"base": base, "head": head}, set()
    for i, (regime, bars) in enumerate(zip(regimes, panels, strict=True)):
        left = LEFT + i * (width + GAP)
        axis = frame(figure, left, BELOW, PAGE - left - width, ABOVE)
        for place, (label, start, stop, is_part) in enumerate(bars):
            colour = ENDS if label in names else UP if stop > start else DOWN
            text = f"{number(stop)} Wh" if label in names else f"× {stop / start:.3f}"
            moved = text != f"× {UNMOVED}"
            if moved:
                drawn.add(colour)
                look = area(colour, 0.5 if is_part else 1.0)
                axis.barh(place, stop - start, left=start, height=0.4 if is_part else 0.7, **look)
            axis.annotate(
                text if moved else "no change",
                (max(start, stop), place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
            )
        panel_title(axis, i, f"Median, {regime} queries")
        axis.set_xlabel("Energy per query, without sampling [Wh]")
        axis.set_xlim(0, 1.3 * max(max(start, stop) for _, start, stop, _ in bars))
        axis.set_ylim(rows - 0.4, -0.6)
        labels = [names.get(label) or words(label, part) for label, _, _, part in bars]
        labels = [textwrap.fill(label, LONGEST) for label in labels]
        axis.set_yticks(range(len(bars)), labels, linespacing=1.1)
        axis.tick_params(axis="y", length=0, labelleft=i == 0)
    keys = {
        "a method": ENDS,
        "a setting that raises the energy": UP,
        "a setting that lowers the energy": DOWN,
    }
    handles = [Patch(color=colour, label=name) for name, colour in keys.items() if colour in drawn]
    legend(figure, handles, 0.1, 0.3, handlelength=1.2, columnspacing=1.4)
    return figure

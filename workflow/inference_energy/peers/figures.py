"""Figure: how far every predictor is from the measured runs, by load."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from inference_energy.drawing import (
    BLACK,
    DARK_GREY,
    GREY,
    MAGENTA,
    OLIVE,
    PAGE,
    SETTINGS,
    TEAL,
    frame,
    headline,
    new_figure,
    panel_title,
    tell,
)
from inference_energy.peers.page import CONFIGURATOR, label
from inference_energy.peers.score import QUANTITIES, SHARED, TOLD

HEIGHT, LEFT, RIGHT, BELOW, ABOVE, GAP = 3.15, 0.5, 0.12, 0.42, 1.0, 0.35
"""Height of the figure and distances around its panels [in]."""

MARKS = [
    (OLIVE, "o"),
    (DARK_GREY, "s"),
    (MAGENTA, "X"),
    (MAGENTA, "D"),
    (TEAL, "^"),
    (TEAL, "v"),
    (BLACK, "P"),
    (GREY, "*"),
]
"""Colour and marker of each predictor, in the order of their names."""

TICKS = (1, 1.2, 1.5, 2, 3, 5, 10, 20)


@rc_context(SETTINGS)
def factor_by_load(scored: pd.DataFrame) -> Figure:
    """Median factor, and a line up to P90, by load; a panel per quantity.

    Parameters
    ----------
    scored : DataFrame
        Table of schema ``peers``.

    Returns
    -------
    Figure
    """
    shown = scored[(scored["by"] == "load") & (scored["rows"] == SHARED)]
    shown = shown[shown["told"] == TOLD]
    # its energy and its throughput are in panels of their own, and one predictor's
    alone = shown["predictor"] == CONFIGURATOR
    shown = shown.assign(left_out=shown["left_out"].where(~alone, "nothing"))
    shown = shown.assign(label=[label(line) for line in shown.to_dict("records")])
    shown = shown.assign(start=shown["part"].str.extract(r"(\d+)")[0].astype(float))
    marks = dict(zip(sorted(shown["label"].unique()), MARKS, strict=False))
    figure = new_figure(PAGE, HEIGHT)
    width = (PAGE - LEFT - RIGHT - GAP) / 2
    handles = {}
    for i, quantity in enumerate(QUANTITIES.values()):
        own = shown[shown["quantity"] == quantity]
        left = LEFT + i * (width + GAP)
        axis = frame(figure, left, BELOW, PAGE - left - width, ABOVE)
        parts = own.sort_values("start").drop_duplicates("part")
        place = {part: k for k, part in enumerate(parts["part"])}
        names = [name for name in marks if name in set(own["label"])]
        for k, name in enumerate(names):
            colour, marker = marks[name]
            lines = own[own["label"] == name].sort_values("start")
            x = lines["part"].map(place) + 0.8 / max(len(names), 6) * (k - (len(names) - 1) / 2)
            axis.vlines(x, lines["median_factor"], lines["p90_factor"], color=colour, linewidth=0.9)
            (handles[name],) = axis.plot(
                x, lines["median_factor"], marker, color=colour, markersize=4.2, label=name
            )
        axis.set_yscale("log")
        axis.set_ylim(0.97, max(2.2, own["p90_factor"].max() * 1.1) if len(own) else 2.2)
        ticks = [tick for tick in TICKS if tick < axis.get_ylim()[1]]
        axis.set_yticks(ticks, [f"× {tick:g}" for tick in ticks])
        axis.set_yticks([], minor=True)
        axis.set_xticks(np.arange(len(place)), [part.replace("-", "–") for part in place])
        nearest = own.loc[own.groupby("part")["median_factor"].idxmin()].sort_values("start")
        told = [
            f"{line['part']}: {line['label']} × {line['median_factor']:.2f}"
            for line in nearest.to_dict("records")
        ]
        tell(axis, f"Nearest by load: {'; '.join(told)}")
        axis.set_xlabel("Requests served at once")
        axis.axhline(1, color=DARK_GREY, linewidth=0.6)
        axis.grid(axis="y")
        panel_title(axis, i, quantity.capitalize())
        axis.set_ylabel("Off by a factor of: median, line to P90" if i == 0 else "")
    medians = shown.groupby("label")["median_factor"].median()
    ends = [
        f"× {medians[name]:.2f} ({name})"
        for name in (medians.index[int(medians.argmin())], medians.index[int(medians.argmax())])
    ]
    headline(figure, f"Median over loads: predictors are off by {' to '.join(ends)}")
    figure.legend(
        handles=[handles[name] for name in sorted(handles)],
        loc="upper left",
        bbox_to_anchor=(LEFT / PAGE, 1 - 0.3 / HEIGHT),
        ncols=3,
        borderaxespad=0,
    )
    return figure

"""Figure: what throughput laws predict for shapes that they have not seen."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from inference_energy import drawing
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
    log_range,
    log_ticks,
    new_figure,
    note,
    tell,
)
from inference_energy.laws.at_load import AS_MANY_AS_FIT, AT_A_LOAD, STEADY
from inference_energy.laws.engines import engine_name
from inference_energy.laws.registry import LAWS
from inference_energy.text import extent, number, share_of
from inference_energy.units import PERCENT

DECIMALS = 4
"""Decimals of log10 that points are placed by: crowded ones move with the last digits."""

HEIGHT, LEFT, BELOW, ABOVE, GAP = 2.85, 0.55, 0.42, 0.75, 0.12
"""Height of the figure and distances around its panels [in]."""


@rc_context(SETTINGS)
def predicted_over_measured(predictions: pd.DataFrame) -> Figure:
    """Predicted over measured throughput, a panel per law.

    Parameters
    ----------
    predictions : DataFrame
        Columns of the schema ``law_predictions``.

    Returns
    -------
    Figure
    """
    marks = {name: kind.mark for name, kind in LAWS.items() if kind.mark is not None}
    drawn = [law for law in marks if law in set(predictions["law"])]
    figure = new_figure(PAGE, HEIGHT)
    width = (PAGE - LEFT - GAP * len(drawn)) / max(len(drawn), 1)
    # takes as long to import as all the rest, and only this figure needs it
    import seaborn as sns

    shown = predictions[predictions["law"].isin(drawn)]
    if shown.empty:
        figure.text(0.5, 0.5, "no shape of the table could be left out", ha="center")
        return figure
    ratios = shown["predicted_tps"] / shown["throughput_tps"]
    shapes = np.unique(shown["output_tokens"] / shown["input_tokens"])
    errors = PERCENT * (ratios - 1).abs().groupby(shown["law"]).mean()
    low, high = np.minimum(0.45, ratios.min() / 1.1), np.maximum(2.2, ratios.max() * 1.1)
    places = np.log10(ratios).round(DECIMALS)
    for i, law in enumerate(drawn):
        rows = shown[shown["law"] == law]
        left = LEFT + i * (width + GAP)
        axis = frame(figure, left, BELOW, PAGE - left - width, ABOVE)
        colour, marker = marks[law]
        axis.axhspan(-np.log10(1.1), np.log10(1.1), color=DARK_GREY, alpha=0.15, linewidth=0)
        axis.axhline(0, color=DARK_GREY, linewidth=0.6)
        sns.swarmplot(
            x=(rows["output_tokens"] / rows["input_tokens"]).map("{:.3g}".format),
            y=places[rows.index],
            order=[f"{shape:.3g}" for shape in shapes],
            marker=marker,
            color=getattr(drawing, colour),
            size=2.4,
            linewidth=0,
            warn_thresh=1,
            ax=axis,
        )
        axis.set_ylim(*np.log10([low, high]))
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10) if low <= t <= high]
        labels = [f"{t:g}" for t in ticks] if i == 0 else [""] * len(ticks)
        axis.set_yticks(np.log10(ticks), labels)
        axis.set_ylabel("Predicted over measured throughput" if i == 0 else "")
        axis.set_xlabel("Output over input tokens")
        axis.grid(axis="y")
        drawing.panel_title(axis, i, f"{law}, mean error {number(errors[law], 2)} %")
        by_shape = ratios[rows.index].groupby(rows["output_tokens"] / rows["input_tokens"])
        ends = [f"{extent(own)} at {shape:.3g}" for shape, own in by_shape]
        tell(axis, f"{len(rows)} shapes left out; ratio by output over input: {', '.join(ends)}")
    best, worst = str(errors.idxmin()), str(errors.idxmax())
    told = f"{number(errors[best], 2)} %, the {worst} law by {number(errors[worst], 2)} %"
    headline(figure, f"With several shapes left out, the {best} law is off by {told}")
    key = [Patch(color=DARK_GREY, alpha=0.15, label="within a factor of 1.1")]
    legend(figure, key, LEFT, 0.34)
    return figure


CLASSES = {"dense": (TEAL, "o"), "mixture of experts": (MAGENTA, "X")}
"""Colour and marker of each class of models."""

PANELS_IN_A_ROW, PANEL, ROOM = 3, 1.75, 0.62
"""Panels beside each other; height of one, and room above it for its title [in]."""

SIDE, TOP, WITHIN = 0.66, 0.2, 1.5
"""Width of the vertical axis and height of the key [in]; factor about the diagonal in grey."""


MEASURED = {
    AT_A_LOAD: "a client keeps so many requests in flight",
    AS_MANY_AS_FIT: "all requests are given at once",
    STEADY: "only while the load is kept up",
}
"""Ways of measuring, in words."""


@rc_context(SETTINGS)
def predicted_at_load(predictions: pd.DataFrame, of: str) -> Figure:
    """Predicted against measured throughput, a panel per engine and way of measuring.

    Parameters
    ----------
    predictions : DataFrame
        Columns of the schema ``load_predictions``.
    of : str
        What was predicted, in words.

    Returns
    -------
    Figure
    """
    engine = predictions["engine"].map(engine_name, na_action="ignore")
    engine = engine.fillna("engine not stated")
    panel = engine + ", " + predictions["protocol"]
    titles = sorted(panel.unique())
    lines = -(-len(titles) // PANELS_IN_A_ROW)
    top = TOP if len(titles) % PANELS_IN_A_ROW == 0 else 0.0
    base = BELOW + drawing.NOTE_LINE
    figure = new_figure(PAGE, top + lines * (PANEL + ROOM) + base)
    ways = [f"{way}: {MEASURED[way]}" for way in MEASURED if way in set(predictions["protocol"])]
    note(figure, [f"{'; '.join(ways)}.".capitalize()])
    width = (PAGE - SIDE - GAP) / PANELS_IN_A_ROW
    ends = log_range(predictions[["measured", "predicted"]].to_numpy().ravel(), 1.4)
    ratio = predictions["predicted"] / predictions["measured"]
    away = pd.Series(np.exp(np.abs(np.log(ratio.to_numpy(float)))), predictions.index)
    factor = f"{away.median():.2f}"
    headline(figure, f"Half of the throughputs of {of} are within a factor of {factor}")
    for i, title in enumerate(titles):
        line, place = divmod(i, PANELS_IN_A_ROW)
        left, above = SIDE + place * width, top + ROOM + line * (PANEL + ROOM)
        below = base + (lines - 1 - line) * (PANEL + ROOM)
        axis = frame(figure, left, below, PAGE - left - width + GAP, above)
        lowest = i + PANELS_IN_A_ROW >= len(titles)
        _against(axis, predictions[panel == title], ends)
        axis.set_ylabel("Predicted [tokens/s]" if place == 0 else "")
        axis.set_xlabel("Measured [tokens/s]" if lowest else "")
        if place:
            axis.set_yticklabels([])
        own = away[panel == title]
        within = share_of(float((own <= WITHIN).mean()), len(own))
        tell(axis, f"{within} runs are within a factor of {WITHIN:g}")
        told = f"{title}\nmedian off by × {away[panel == title].median():.2f}"
        drawing.panel_title(axis, i, told, fontsize=7)
    handles: list[Artist] = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4, label=name)
        for name, (colour, marker) in CLASSES.items()
        if _of_class(predictions, name).any()
    ]
    handles.append(Patch(color=DARK_GREY, alpha=0.15, label=f"within a factor of {WITHIN:g}"))
    # in the place of a panel that the last line has not, else above all panels
    last = len(titles) % PANELS_IN_A_ROW
    if last:
        above = top + ROOM + (lines - 1) * (PANEL + ROOM)
        legend(figure, handles, SIDE + last * width + GAP, above, ncols=1)
    else:
        legend(figure, handles, SIDE, 0.34)
    return figure


def _of_class(rows: pd.DataFrame, name: str) -> pd.Series:
    """Whether models are of a class, named in full."""
    return rows["class"].eq(name.partition(" ")[0])


def _against(axis: Axes, rows: pd.DataFrame, ends: tuple[float, float]) -> None:
    """Points of one panel, the diagonal, and the band about it."""
    diagonal = np.array(ends)
    axis.fill_between(
        diagonal, diagonal / WITHIN, diagonal * WITHIN, color=DARK_GREY, alpha=0.15, linewidth=0
    )
    axis.plot(diagonal, diagonal, color=DARK_GREY, linewidth=0.6)
    for name, (colour, marker) in CLASSES.items():
        own = rows[_of_class(rows, name)]
        look = area(colour, 0.5) | {"linewidth": 0.3}
        axis.scatter(own["measured"], own["predicted"], s=7, marker=marker, **look)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(ends)
    axis.set_ylim(ends)
    log_ticks(axis.xaxis)
    log_ticks(axis.yaxis)
    axis.grid()

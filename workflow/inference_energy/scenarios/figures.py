"""Maps of the energy of a query: a field over two inputs, a line over one."""

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from inference_energy.drawing import (
    BLACK,
    PAGE,
    SETTINGS,
    TEAL,
    frame,
    headline,
    legend,
    log_axis,
    log_range,
    log_ticks,
    new_figure,
    panel_title,
)
from inference_energy.text import grouped, number

INPUTS = {
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "power_utilisation": "Power utilisation",
    "pue": "PUE",
    "node_power": "Maximum power of the node [kW]",
    "load": "Requests at once on the node",
}
"""Inputs in words."""

PANEL, COLUMNS = 2.25, 2
"""Height of a panel [in], and most panels side by side."""

LEFT, GAP, ABOVE, BELOW = 0.65, 0.15, 0.6, 0.45
"""Space for the labels of the rows, right of every panel, above the first and below each [in]."""

TOLD = 0.2
"""Space above for the key of what lies beyond the measurements [in]."""

BETWEEN = 0.3
"""Space for the titles of further rows of panels [in]."""

WIDE, HIGH, LETTER = 0.27, 0.125, 0.06
"""Least width and height of a cell that has its number, and width of a letter [in]."""

KEY = 0.75
"""Space for the colours of cells without numbers [in]."""

PALE = 0.62
"""Share of the range of energies below which a cell is so pale that its number is black. [1]"""


BEYOND = "beyond the lengths or loads that a model of the blend was measured at"
"""What is hatched in a field and dotted on a line."""

HATCH: dict[str, Any] = {"facecolor": "none", "edgecolor": TEAL, "hatch": "////", "linewidth": 0}
"""Look of cells beyond what was measured, over their grey."""


@rc_context(SETTINGS)
def energy_map(table: pd.DataFrame) -> Figure:
    """Median energy over the inputs of one map, a panel for each method.

    Cells beyond what a model was measured at are hatched, a line is dotted there.

    Parameters
    ----------
    table : DataFrame
        Rows of one map of the table of schema ``scenarios_maps``.
    """
    rows = table[table["statistic"] == "p50"]
    least, most = rows["value"].min(), rows["value"].max()
    flat = bool(rows["y"].isna().all())
    names = rows.iloc[0][["x_input"] if flat else ["x_input", "y_input"]]
    over = " and ".join(name.replace("_", " ").replace("pue", "PUE") for name in names)
    methods = list(rows.groupby("method", sort=False))
    columns = min(len(methods), COLUMNS)
    lines = -(-len(methods) // columns)
    each = PANEL + BELOW + BETWEEN
    is_beyond = bool(rows["extrapolated"].eq("yes").any())
    above = ABOVE + (TOLD if is_beyond else 0)
    height = above + lines * each - BETWEEN
    figure = new_figure(PAGE, height)
    headline(figure, f"A query's median is {number(least, 2)} to {number(most, 2)} Wh over {over}")
    numbered = flat or _numbers_fit(rows, (PAGE - LEFT) / columns - GAP)
    width = (PAGE - LEFT - (0 if numbered else KEY)) / columns
    for place, (method, of_method) in enumerate(methods):
        left, top = LEFT + width * (place % columns), above + each * (place // columns)
        right = PAGE - left - width + GAP
        axis = frame(figure, left, height - top - PANEL, right, top)
        panel_title(axis, place, str(method))
        if flat:
            _line(axis, of_method, table)
        else:
            _field(axis, of_method, (least, most), width - GAP, numbered)
        if place % columns:
            axis.set_ylabel("")
            axis.tick_params(labelleft=False)
    if is_beyond:
        line = Line2D([], [], color=TEAL, linestyle=":", label=BEYOND)
        legend(figure, [line if flat else Patch(label=BEYOND, **HATCH)], LEFT, 0.36)
    if not numbered:
        key = frame(figure, PAGE - KEY + GAP, height - above - PANEL, 0.45, above)
        figure.colorbar(figure.axes[0].images[0], cax=key)
        log_ticks(key.yaxis)
        key.set_title("Wh", fontweight="normal")
    return figure


def _numbers_fit(rows: pd.DataFrame, width: float) -> bool:
    """Whether the cells of a panel of a width [in] are large enough for their numbers."""
    return width / rows["x"].nunique() >= WIDE and PANEL / rows["y"].nunique() >= HIGH


def _field(
    axis: Axes, rows: pd.DataFrame, ends: tuple[float, float], width: float, numbered: bool
) -> None:
    """Cells of the energy, coloured by its logarithm, with the number in each that holds it."""
    cells = rows.pivot_table("value", "y", "x")
    image = axis.imshow(cells, origin="lower", aspect="auto", cmap="Greys", norm=LogNorm(*ends))
    beyond = rows["extrapolated"].eq("yes")
    if beyond.any():
        places = zip(
            cells.columns.get_indexer(pd.Index(rows.loc[beyond, "x"])),
            cells.index.get_indexer(pd.Index(rows.loc[beyond, "y"])),
            strict=True,
        )
        patches = [Rectangle((x - 0.5, y - 0.5), 1, 1) for x, y in places]
        axis.add_collection(PatchCollection(patches, **HATCH))
    middle = ends[0] * (ends[1] / ends[0]) ** PALE
    for (y, x), value in np.ndenumerate(cells.to_numpy() if numbered else np.empty((0, 0))):
        colour = BLACK if value < middle else "white"
        ground = {"facecolor": image.to_rgba(value), "edgecolor": "none", "pad": 0.4}
        axis.text(x, y, number(value, 2), ha="center", va="center", color=colour, bbox=ground)
    below, beside = ([grouped(float(value)) for value in at] for at in (cells.columns, cells.index))
    # a blank between two labels
    apart = LETTER * (max(map(len, below)) + 1)
    for part, name, told, least in (
        (axis.xaxis, "x_input", below, apart * len(below) / width),
        (axis.yaxis, "y_input", beside, HIGH * len(beside) / PANEL),
    ):
        step = max(ceil(least), 1)
        part.set_ticks(range(0, len(told), step), told[::step])
        part.set_label_text(INPUTS[rows[name].iloc[0]])


def _line(axis: Axes, rows: pd.DataFrame, table: pd.DataFrame) -> None:
    """Median as a line, P5 to P95 as a band."""
    of_method = table[table["method"] == rows["method"].iloc[0]]
    values = of_method.pivot_table("value", "x", "statistic")
    axis.fill_between(values.index, values["p5"], values["p95"], color=TEAL, alpha=0.2, linewidth=0)
    seen = rows.loc[rows["extrapolated"] == "no", "x"].sort_values()
    axis.plot(seen, values["p50"][seen], color=TEAL)
    if len(seen) < len(values):
        axis.plot(values.index, values["p50"], color=TEAL, linestyle=":")
    log_axis(axis, INPUTS[rows["x_input"].iloc[0]], values.index.min(), values.index.max())
    axis.set_yscale("log")
    axis.set_ylim(log_range(table["value"]))
    log_ticks(axis.yaxis)
    axis.set_ylabel("Energy per query [Wh]: median, P5–P95")
    axis.grid(axis="y")

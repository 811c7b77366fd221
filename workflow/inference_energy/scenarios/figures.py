"""Maps of the energy of a query: a field over two inputs, a line over one."""

from math import log10

import numpy as np
from matplotlib import rc_context

from inference_energy.drawing import (
    BLACK,
    PAGE,
    SETTINGS,
    TEAL,
    frame,
    headline,
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

HEIGHT = 3.3
"""Of a figure [in]."""

LEFT, GAP = 0.65, 0.15
"""Space for the labels of the rows, and right of every panel [in]."""

PALE = 0.68
"""Share of the range of energies below which a cell is so pale that its number is black. [1]"""


@rc_context(SETTINGS)
def energy_map(table):
    """Median energy over the inputs of one map, a panel for each method.

    Parameters
    ----------
    table : DataFrame
        Rows of one map of the table of schema ``scenarios_maps``.
    """
    rows = table[table["statistic"] == "p50"]
    figure = new_figure(PAGE, HEIGHT)
    least, most = rows["value"].min(), rows["value"].max()
    flat = rows["y"].isna().all()
    names = rows.iloc[0][["x_input"] if flat else ["x_input", "y_input"]]
    over = " and ".join(name.replace("_", " ").replace("pue", "PUE") for name in names)
    headline(figure, f"A query's median is {number(least, 2)} to {number(most, 2)} Wh over {over}")
    draw = _line if flat else _field
    methods = list(rows.groupby("method", sort=False))
    width = (PAGE - LEFT) / len(methods)
    for place, (method, of_method) in enumerate(methods):
        left = LEFT + width * place
        axis = frame(figure, left, 0.45, PAGE - left - width + GAP, 0.6)
        panel_title(axis, place, method)
        draw(axis, of_method, table, (least, most))
        if place:
            axis.set_ylabel("")
            axis.tick_params(labelleft=False)
    return figure


def _field(axis, rows, table, ends):
    """Cells of the energy, coloured by its logarithm, with the number in each."""
    cells = rows.pivot_table("value", "y", "x")
    logs = np.log10(cells.to_numpy())
    low, high = map(log10, ends)
    axis.imshow(logs, origin="lower", aspect="auto", cmap="Greys", vmin=low, vmax=high)
    for y, line in enumerate(cells.to_numpy()):
        for x, value in enumerate(line):
            pale = log10(value) < low + PALE * (high - low)
            text = number(value, 2)
            axis.text(x, y, text, ha="center", va="center", color=BLACK if pale else "white")
    for ticks, labels, values in (
        (axis.set_xticks, axis.set_xlabel, ("x_input", cells.columns)),
        (axis.set_yticks, axis.set_ylabel, ("y_input", cells.index)),
    ):
        name, at = values
        ticks(range(len(at)), [grouped(float(value)) for value in at])
        labels(INPUTS[rows[name].iloc[0]])


def _line(axis, rows, table, ends):
    """Median as a line, P5 to P95 as a band."""
    of_method = table[table["method"] == rows["method"].iloc[0]]
    values = of_method.pivot_table("value", "x", "statistic")
    axis.fill_between(values.index, values["p5"], values["p95"], color=TEAL, alpha=0.2, linewidth=0)
    axis.plot(values.index, values["p50"], color=TEAL)
    log_axis(axis, INPUTS[rows["x_input"].iloc[0]], values.index.min(), values.index.max())
    axis.set_yscale("log")
    axis.set_ylim(log_range(table["value"]))
    log_ticks(axis.yaxis)
    axis.set_ylabel("Energy per query [Wh]: median, P5–P95")
    axis.grid(axis="y")

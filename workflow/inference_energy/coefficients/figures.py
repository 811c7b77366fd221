"""Figure: energy per output token against load."""

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inference_energy.coefficients.table import LOADS
from inference_energy.drawing import (
    DARK_GREY,
    PAGE,
    SETTINGS,
    frame,
    headline,
    legend,
    log_range,
    log_ticks,
    model_colour,
    new_figure,
    panel_title,
    tell,
)
from inference_energy.text import extent, number

MARKS = {
    model: (model_colour(model), marker)
    for model, marker in {
        "Llama 3.1 8B": "o",
        "Llama 3.1 70B": "^",
        "Qwen3 235B A22B": "D",
        "DeepSeek-R1": "s",
    }.items()
}
"""Colour and marker of the models that are drawn."""

GPUS = {"H100-SXM-80GB": "8 × H100", "H200-SXM-141GB": "8 × H200", "B200": "8 × B200"}
"""Nodes that are drawn, a panel each."""

FORMAT = "FP8"
"""Format of the weights that is drawn."""

HEIGHT, LEFT, RIGHT, BELOW, ABOVE, GAP = 3.0, 0.62, 0.08, 0.42, 0.8, 0.16
"""Height of the figure, and distances around its panels and between them [in]."""

STEP = 0.13
"""Distance of two models at one load, loads being 1 apart."""


@rc_context(SETTINGS)
def by_load(table: pd.DataFrame) -> Figure:
    """Energy per million output tokens against load, medians and 90 % intervals.

    Parameters
    ----------
    table : DataFrame
        Schema ``coefficients``.

    Returns
    -------
    Figure
    """
    figure = new_figure(PAGE, HEIGHT)
    shown = table[table["model"].isin(MARKS) & table["gpu"].isin(GPUS) & table["format"].eq(FORMAT)]
    low, high = log_range([*shown["output_p5_wh"], *shown["output_p95_wh"]])
    width = (PAGE - LEFT - RIGHT - GAP * (len(GPUS) - 1)) / len(GPUS)
    for column, (gpu, title) in enumerate(GPUS.items()):
        left = LEFT + column * (width + GAP)
        axis = frame(figure, left, BELOW, PAGE - left - width, ABOVE)
        for order, (model, (colour, marker)) in enumerate(MARKS.items()):
            own = shown[shown["gpu"].eq(gpu) & shown["model"].eq(model)].set_index("load")
            own = own.reindex(list(LOADS))
            x = np.arange(len(LOADS)) + STEP * (order - (len(MARKS) - 1) / 2)
            axis.vlines(x, own["output_p5_wh"], own["output_p95_wh"], color=colour, linewidth=0.9)
            axis.plot(x, own["output_wh"], color=colour, linewidth=0.6, alpha=0.5)
            axis.plot(x, own["output_wh"], marker, color=colour, markersize=3.6)
        axis.set_yscale("log")
        axis.set_ylim(low, high)
        log_ticks(axis.yaxis)
        axis.set_xticks(range(len(LOADS)), list(LOADS))
        axis.set_xlabel("Requests at once on the node")
        panel_title(axis, column, f"{title}, {FORMAT}")
        drawn = shown[shown["gpu"].eq(gpu)].groupby("model", sort=False)["output_wh"]
        told = [f"{model} {extent(energy)}" for model, energy in drawn]
        tell(axis, f"Wh per million output tokens, best load to one request: {', '.join(told)}")
        axis.grid(axis="y")
        if column:
            axis.tick_params(labelleft=False)
        else:
            axis.set_ylabel("Energy [Wh per million output tokens]")
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3.6, linewidth=0.6, label=model)
        for model, (colour, marker) in MARKS.items()
    ]
    handles.append(Line2D([], [], color=DARK_GREY, linewidth=0.9, label="90 % interval"))
    legend(figure, handles, LEFT, 0.32, columnspacing=1.6, handlelength=1.6)
    by_node = shown.pivot_table("output_wh", ["model", "gpu"], "load")
    alone, *_, best = LOADS
    least, most = (by_node[alone] / by_node[best]).agg(["min", "max"])
    times = f"{number(least, 2)} to {number(most, 2)} times the energy"
    headline(figure, f"An output token of a request alone takes {times} of one at the best load")
    return figure

"""Figures: GPU power against load, and power at the wall, predicted and measured."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import ndtri

from inference_energy.drawing import (
    COLUMN,
    DARK_GREY,
    GREY,
    LIGHT_GREY,
    MAGENTA,
    MODEL_COLOURS,
    OLIVE,
    ON_WHITE,
    PAGE,
    SETTINGS,
    TEAL,
    frame,
    headline,
    legend,
    log_axis,
    log_range,
    new_figure,
    panel_title,
    tell,
)
from inference_energy.laws.base import Array
from inference_energy.power.gpu import LEVELS, TAIL
from inference_energy.text import extent, percent
from inference_energy.units import PERCENT, W_PER_KW

MARKS = {"dense": (TEAL, "o"), "hybrid": (OLIVE, "^"), "moe": (MAGENTA, "s")}
"""Colour and marker of each architecture."""

SHOWN = {"dense": "dense", "hybrid": "hybrid", "moe": "mixture of experts"}

SPLIT = "model"
"""What was left out of the predictions that are drawn."""

HEIGHT, LEFT, RIGHT, BELOW, ABOVE, GAP = 4.7, 0.5, 0.1, 0.42, 0.7, 0.62
"""Height of the figure of loads and distances around its panels [in]."""

WALL_HEIGHT = 3.5
"""Height of the figure of meters [in]."""

BENCHMARKS = {
    "gptj": ("GPT-J 6B", "v", GREY),
    "llama2-70b": ("Llama 2 70B", "o", GREY),
    "mixtral": ("Mixtral 8x7B", "s", GREY),
    "llama3.1-405b": ("Llama 3.1 405B", "D", MODEL_COLOURS["Llama 3.1 405B"]),
    "llama3.1-8b": ("Llama 3.1 8B", "^", MODEL_COLOURS["Llama 3.1 8B"]),
}
"""Name, marker and colour of the metered benchmarks, by the beginning of their names."""

LOAD = "Load (weighted shares of bandwidth and compute)"
"""What the law of GPU power depends on: equation (1) of :mod:`.gpu`."""

NOTE = 2.75
"""Width of the words beside the points of one kind of node [kW of the axis]."""


@rc_context(SETTINGS)
def power_by_load(predictions: pd.DataFrame, law: pd.DataFrame, rated: pd.Series) -> Figure:
    """Power of a GPU against requests per GPU, and against the load that the law knows.

    Above, measured runs, and as lines the median of what the law predicts for models that it has
    not seen. Below, the same runs against the load, with the law of a group that it has not seen
    and its 90 % interval.

    Parameters
    ----------
    predictions : DataFrame
        Schema ``power_predictions``.
    law : DataFrame
        Schema ``power_law``.
    rated : Series
        Rated power by GPU. [W]

    Returns
    -------
    Figure
    """
    runs = predictions[predictions["left_out"] == SPLIT]
    figure = new_figure(PAGE, HEIGHT)
    gpus = sorted(runs["gpu"].unique(), key=lambda gpu: rated[gpu])
    width = (PAGE - (LEFT + RIGHT) * len(gpus)) / len(gpus)
    height = (HEIGHT - ABOVE - BELOW - GAP) / 2
    headline(figure, _typical_error(runs))
    per_gpu = runs["concurrency"] / runs["gpus"].astype(float)
    for column, gpu in enumerate(gpus):
        left = LEFT + column * (width + LEFT + RIGHT)
        right = PAGE - left - width
        own = runs[runs["gpu"] == gpu]
        upper = frame(figure, left, BELOW + height + GAP, right, ABOVE)
        lower = frame(figure, left, BELOW, right, ABOVE + height + GAP)
        told = [
            f"{SHOWN[kind]} {extent(watts)} W ({len(watts)} runs)"
            for kind, watts in own.groupby("architecture")["measured_w"]
        ]
        tell(upper, f"Measured, of {rated[gpu]:,.0f} W rated: {', '.join(told)}")
        _scatter(upper, per_gpu[own.index], own)
        for architecture, (colour, _) in MARKS.items():
            part = own[own["architecture"] == architecture]
            line = part["predicted_w"].groupby(_octave(per_gpu[part.index])).median()
            upper.plot(line.index, line, color=colour, linewidth=1.4)
        log_axis(upper, "Requests at once per GPU", *log_range(per_gpu))
        load = np.geomspace(*log_range(runs["load"]), 100)
        middle, low, high = _curve(law, load, rated[gpu])
        lower.fill_between(load, low, high, color=LIGHT_GREY, alpha=0.5, linewidth=0)
        lower.plot(load, middle, color=DARK_GREY, linewidth=1.4)
        _scatter(lower, own["load"], own)
        log_axis(lower, LOAD, load[0], load[-1])
        for axis in (upper, lower):
            axis.set_ylim(0, 1.05 * rated[gpu])
            axis.axhline(rated[gpu], color=DARK_GREY, linewidth=0.6, linestyle=":")
            axis.set_ylabel("Power of a GPU [W]")
            axis.yaxis.set_major_formatter("{x:,.0f}")
        panel_title(upper, column, f"{gpu}, by requests")
        panel_title(lower, len(gpus) + column, f"{gpu}, by load")
    handles: list[Artist] = [
        Line2D([], [], color=colour, marker=marker, markersize=3.5, label=SHOWN[name])
        for name, (colour, marker) in MARKS.items()
    ]
    handles += [
        Line2D([], [], color=DARK_GREY, label="lines: law, median"),
        Patch(color=LIGHT_GREY, alpha=0.5, label="90 % interval"),
        Line2D([], [], color=DARK_GREY, linewidth=0.6, linestyle=":", label="rated"),
    ]
    legend(figure, handles, LEFT, 0.32, columnspacing=1.4, handlelength=1.6)
    return figure


def _typical_error(runs: pd.DataFrame) -> str:
    """Say how far the power of GPUs is predicted for models that the law has not seen."""
    error = (runs["predicted_w"] / runs["measured_w"] - 1).abs().median()
    share = percent(error, ".1f")
    return f"The power of half of the runs is predicted within {share}, their models left out"


def _scatter(axis: Axes, x: pd.Series, runs: pd.DataFrame) -> None:
    for architecture, (colour, marker) in MARKS.items():
        part = runs[runs["architecture"] == architecture]
        axis.plot(
            x[part.index],
            part["measured_w"],
            marker,
            markersize=2.6,
            markerfacecolor=to_rgba(colour, 0.5),
            markeredgecolor=colour,
            markeredgewidth=0.3,
        )


def _octave(values: pd.Series) -> pd.Series:
    """Nearest power of two."""
    return 2.0 ** np.round(np.log2(values))


def _curve(law: pd.DataFrame, load: Array, rated: float) -> Iterator[Array]:
    """Power at a load of a configuration of an unseen group, median and 90 % interval. [W]"""
    terms = law.set_index("term")["value"]
    spread = [terms[f"deviation_{level}"] for level in LEVELS]
    total = np.sqrt(np.sum(np.square(spread)) + terms["scatter"] ** 2 * TAIL / (TAIL - 2))
    for level in (0.5, 0.05, 0.95):
        z = terms["exponent"] * np.log(load) + ndtri(level) * total
        yield rated * (terms["idle_share"] - (1 - terms["idle_share"]) * np.expm1(-np.exp(z)))


@rc_context(SETTINGS)
def power_at_wall(meters: pd.DataFrame, allowed: float) -> Figure:
    """Predicted against measured power at the wall.

    Parameters
    ----------
    meters : DataFrame
        Schema ``power_wall``.
    allowed : float
        Error up to which a prediction counts as right. [%]

    Returns
    -------
    Figure
    """
    figure = new_figure(COLUMN, WALL_HEIGHT)
    axis = frame(figure, 0.5, BELOW, 0.1, 0.76)
    error = (meters["predicted_w"] / meters["measured_w"] - 1).abs()
    headline(figure, f"Power at the wall is predicted within {percent(error.max(), '.1f')}")
    away = meters["predicted_w"] / meters["measured_w"] - 1
    told = f"{percent(away.min(), '+.1f')} to {percent(away.max(), '+.1f')}"
    tell(axis, f"{len(meters)} meters; predictions are off by {told}")
    values = meters[["measured_w", "predicted_w", "p5_w", "p95_w"]].to_numpy(float) / W_PER_KW
    ends = np.array([values.min() - 0.5, values.max() + 0.5])
    within = allowed / PERCENT
    axis.fill_between(
        ends, ends * (1 - within), ends * (1 + within), color=DARK_GREY, alpha=0.15, linewidth=0
    )
    axis.plot(ends, ends, color=DARK_GREY, linewidth=0.6)
    handles: list[Artist] = []
    for start, (label, marker, colour) in BENCHMARKS.items():
        rows = values[meters["benchmark"].str.startswith(start).to_numpy()]
        if len(rows) == 0:
            continue
        axis.plot(rows[:, [0, 0]].T, rows[:, 2:].T, color=colour, linewidth=0.9)
        axis.plot(
            rows[:, 0],
            rows[:, 1],
            marker,
            color=colour,
            markersize=4,
            markeredgecolor="white",
            markeredgewidth=0.4,
        )
        handles.append(
            Line2D([], [], color=colour, marker=marker, linewidth=0, markersize=4, label=label)
        )
    handles.append(Patch(color=DARK_GREY, alpha=0.15, label=f"within {allowed:g} %"))
    axis.set_xlim(*ends)
    axis.set_ylim(*ends)
    for _, own in meters.groupby(["gpu", "gpu_power_limit_w"], dropna=False):
        gpu, limit = own["gpu"].iloc[0].partition("-")[0], own["gpu_power_limit_w"].iloc[0]
        limited = "full power limit" if pd.isna(limit) else f"limit of {limit:g} W"
        y = own["predicted_w"].max() / W_PER_KW
        right = y / (1 - within) + 0.2
        beside = (right, "left") if right + NOTE < ends[1] else (y / (1 + within) - 0.3, "right")
        look: dict[str, Any] = {"va": "center", "color": DARK_GREY, "bbox": ON_WHITE}
        axis.text(beside[0], y, f"{gpu}, {limited}", ha=beside[1], **look)
    axis.set_xlabel("Measured at the wall [kW]")
    axis.set_ylabel("Predicted, with P5–P95 [kW]")
    axis.grid()
    legend(figure, handles, 0.1, 0.34, ncols=3, columnspacing=1.0, handletextpad=0.4)
    return figure

"""Figures of a deployment's report."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from inference_energy.deployments.build import Deployment
from inference_energy.deployments.runs import SAME_SHAPE
from inference_energy.drawing import ABOVE as ABOVE_ROWS
from inference_energy.drawing import (
    BLACK,
    DARK_GREY,
    LIGHT_GREY,
    MODEL_COLOURS,
    ON_WHITE_LEGEND,
    PAGE,
    REGIME_COLOURS,
    SETTINGS,
    TEAL,
    frame,
    headline,
    log_axis,
    log_range,
    log_ticks,
    new_figure,
    panel_title,
    rows_axis,
    rows_height,
    spread,
)
from inference_energy.text import count, extent, interval, number
from inference_energy.units import MEGA, WH_PER_KWH

Tokens = Mapping[str, Mapping[str, float]]
"""Statistics p5, p50, p95 of the output tokens of each regime. [tokens]"""

HEIGHT, LEFT, BELOW, ABOVE, GAP, RIGHT = 3.1, 0.62, 0.42, 0.54, 0.7, 0.12
"""Height of the figure of what was measured, and distances around its panels [in]."""

TITLE = 0.1
"""Room for the finding above rows [in]."""

STRIP = 0.42
"""Height of the strip of query lengths under a panel [in]."""

LENGTHS, TITLED = 0.6, 0.62
"""Height of a panel of lengths alone, and room for the axis and titles above it [in]."""


@rc_context(SETTINGS)
def energy_beside_paper(table: pd.DataFrame) -> Figure:
    """Energy per query of a deployment and of the paper's frontier blend.

    Parameters
    ----------
    table : DataFrame
        Columns of the energy_per_query table.

    Returns
    -------
    Figure
    """
    wide = table.pivot_table(index=["regime", "subject"], columns="statistic", values="value")
    subjects = list(dict.fromkeys(table["subject"]))
    keys = [(regime, subject) for regime in REGIME_COLOURS for subject in subjects]
    rows = [
        (f"{regime}: {subject}", interval(*wide.loc[(regime, subject), ["p50", "p25", "p75"]]))
        for regime, subject in keys
    ]
    figure = new_figure(PAGE, rows_height(len(rows)) + TITLE)
    header = ("regime: model or blend", "median (IQR) [Wh]")
    axis = rows_axis(figure, rows, header, above=ABOVE_ROWS + TITLE)
    ratios = [
        f"{number(wide.loc[(regime, subjects[0]), 'p50'] / wide.loc[(regime, other), 'p50'], 2)}"
        f" times ({regime})"
        for other in subjects[1:]
        for regime in REGIME_COLOURS
    ]
    headline(figure, f"A query on {subjects[0]} needs {' and '.join(ratios)} the paper's energy")
    low, high = log_range([*wide["p5"], *wide["p95"]])
    log_axis(axis, "Energy per query [Wh]: dot median, bar IQR, line P5 to P95", low, high)
    own = _own_colour(subjects[0])
    for i, key in enumerate(keys):
        spread(axis, -0.12 - i, wide.loc[key], own if key[1] == subjects[0] else DARK_GREY)
    return figure


@rc_context(SETTINGS)
def measured(deployment: Deployment, tokens: Tokens) -> Figure:
    """What was measured, against the queries that are asked about.

    A panel of throughput over output length with the law, dashed outside the measured lengths, and
    the lengths of the queries below it. Where several concurrencies were measured, another of
    energy per token over concurrency. Where the runs at them have one length, so that the law is
    the one number measured, throughput too is over concurrency, and lengths have a panel alone.

    Parameters
    ----------
    deployment : Deployment
        As from ``deployments.build``.
    tokens : dict of str to dict
        Statistics p5, p50, p95 of the output tokens of each regime. [tokens]

    Returns
    -------
    Figure
    """
    runs = deployment.runs
    sweep = runs[runs["use"].isin(["yes", "other concurrency"]) & runs["concurrency"].notna()]
    two = len(sweep["concurrency"].unique()) > 1
    lengths = _lengths_of(runs)
    alone = two and lengths.max() <= lengths.min() * (1 + SAME_SHAPE)
    below = LENGTHS + TITLED if alone else 0.0
    figure = new_figure(PAGE, HEIGHT + below)
    headline(figure, _finding(deployment, sweep, two))
    width = (PAGE - LEFT - RIGHT - GAP) / 2 if two else PAGE - LEFT - RIGHT
    colour = _own_colour(deployment.model.name)
    frames = (LEFT, PAGE - LEFT - width), (LEFT + width + GAP, RIGHT)
    if alone:
        first = frame(figure, frames[0][0], BELOW + below, frames[0][1], ABOVE)
        _over_load(first, sweep, sweep["throughput_tps"], colour)
        first.set_ylabel("Throughput [tokens/s]")
        panel_title(first, 0, "Throughput at other loads")
    else:
        _throughput(figure, deployment, tokens, frames[0][1])
    if two:
        second = frame(figure, frames[1][0], BELOW + below, frames[1][1], ABOVE)
        per_million = sweep["energy_wh"] / sweep["output_tokens"] * MEGA / WH_PER_KWH
        _over_load(second, sweep, per_million, colour)
        second.set_ylabel("Energy per million output tokens [kWh]")
        second.legend(loc="upper right", borderaxespad=0, **ON_WHITE_LEGEND)
        panel_title(second, 1, "Energy at other loads")
    if alone:
        strip = frame(figure, LEFT, BELOW, RIGHT, HEIGHT + below - BELOW - LENGTHS)
        _strip(strip, {"measured": lengths, **tokens}, *_range_of(lengths, tokens))
        panel_title(strip, 2, "Lengths: what was measured, and the queries")
    return figure


def _lengths_of(runs: pd.DataFrame) -> pd.Series:
    """Output tokens of the runs that count."""
    return runs.loc[runs["use"] == "yes", "output_tokens"].dropna()


def _range_of(lengths: pd.Series, tokens: Tokens) -> tuple[float, float]:
    """Ends of an axis of lengths: the measured ones, and those of the queries."""
    ends = [t[p] for t in tokens.values() for p in ("p5", "p95")]
    return log_range([max(length, 1) for length in (*lengths, *ends)], 1.5)


def _own_colour(model: str) -> str:
    """Colour of a deployment's model, also of one that has none in other figures."""
    return MODEL_COLOURS.get(model, TEAL)


def _finding(deployment: Deployment, sweep: pd.DataFrame, two: bool) -> str:
    """Say how fast a deployment answers, and what it would need at the lowest load measured."""
    used = deployment.runs[deployment.runs["use"] == "yes"]
    found = f"This deployment writes {extent(used['throughput_tps'], 3)} tokens/s"
    if not two:
        return found
    per_token = sweep["energy_wh"] / sweep["output_tokens"]
    lowest = sweep["concurrency"].argmin()
    ratio = per_token.iloc[lowest] / per_token[sweep["use"] == "yes"].mean()
    load = count(sweep["concurrency"].iloc[lowest])
    return f"{found}; at {load} requests at once a token needs {number(ratio, 2)} times the energy"


def _throughput(figure: Figure, deployment: Deployment, tokens: Tokens, right: float) -> None:
    used = deployment.runs[deployment.runs["use"] == "yes"]
    axis = frame(figure, LEFT, BELOW + STRIP, right, ABOVE)
    strip = frame(figure, LEFT, BELOW, right, HEIGHT - BELOW - STRIP + 0.04)
    low, high = _range_of(_lengths_of(deployment.runs), tokens)
    lengths = np.geomspace(low, high, 400)
    inputs = deployment.shapes["input_tokens"].mean()
    regime = next(iter(deployment.regimes.values()))
    fixed = regime.input_tokens if np.isnan(inputs) else inputs
    speed = deployment.model.throughput(fixed, lengths)
    smallest, largest = deployment.model.domain["output_tokens"]
    inside = (lengths >= smallest) & (lengths <= largest)
    colour = _own_colour(deployment.model.name)
    axis.plot(lengths, speed, "--", color=colour, linewidth=1, label="law, extrapolated")
    if inside.sum() > 1:
        axis.plot(lengths[inside], speed[inside], color=colour, linewidth=1.6, label="law")
    axis.plot(
        used["output_tokens"],
        used["throughput_tps"],
        "o",
        color=BLACK,
        markersize=4,
        label="measured",
    )
    axis.set_ylim(0, 1.35 * max(speed.max(), used["throughput_tps"].max()))
    axis.set_ylabel("Throughput [tokens/s]")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: count(y)))
    axis.grid(axis="y")
    axis.legend(
        loc="upper right",
        ncols=3,
        handlelength=1.6,
        columnspacing=1,
        borderaxespad=0,
        **ON_WHITE_LEGEND,
    )
    panel_title(axis, 0, _title(inputs, *deployment.model.domain["input_tokens"]))
    log_axis(axis, "", low, high)
    axis.tick_params(axis="x", labelbottom=False)
    _strip(strip, tokens, low, high)


def _strip(axis: Axes, rows: Mapping[str, Any], low: float, high: float) -> None:
    """Draw lengths, a row each: P5 to P95 and median of queries, or the lengths of runs."""
    log_axis(axis, "Output tokens (bars: P5 to P95 of the queries)", low, high)
    axis.set_ylim(-0.5, len(rows) - 0.5)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.tick_params(axis="y", length=0, pad=2)
    axis.spines["left"].set_visible(False)
    for place, (name, row) in enumerate(rows.items()):
        if name not in REGIME_COLOURS:
            axis.plot(row, [place] * len(row), "o", color=BLACK, markersize=4)
            continue
        axis.plot([row["p5"], row["p95"]], [place] * 2, color=REGIME_COLOURS[name], linewidth=4)
        axis.plot(row["p50"], place, "o", color="white", markeredgecolor=BLACK, markersize=4)


def _title(inputs: float, smallest: float, largest: float) -> str:
    if np.isnan(inputs):
        return "Throughput at unknown input length"
    law = "" if largest <= smallest * (1 + SAME_SHAPE) else ", law"
    return f"Throughput{law} at {count(inputs)} input tokens"


def _over_load(axis: Axes, sweep: pd.DataFrame, values: pd.Series, colour: str) -> None:
    """Draw what the runs at every load gave, those of the deployment in its colour."""
    axis.plot(sweep["concurrency"], values, "o", color=LIGHT_GREY, markeredgecolor=DARK_GREY)
    own = sweep["use"] == "yes"
    axis.plot(sweep["concurrency"][own], values[own], "o", color=colour, label="this deployment")
    axis.set_yscale("log")
    axis.set_ylim(*log_range(values, 1.4))
    log_ticks(axis.yaxis, (1, 2, 5))
    axis.grid(axis="y")
    log_axis(axis, "Requests at once", *log_range(sweep["concurrency"], 1.4))

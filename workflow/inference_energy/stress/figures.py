"""Figures of the stress test."""

from collections.abc import Hashable, Iterator, Mapping
from itertools import cycle
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from inference_energy.drawing import (
    BLACK,
    DARK_GREY,
    GREY,
    LIGHT_GREY,
    MAGENTA,
    OLIVE,
    PAGE,
    SETTINGS,
    TEAL,
    log_ticks,
)
from inference_energy.stress.forecast import LAW
from inference_energy.units import SECONDS_PER_MINUTE

KEYS = ["concurrency", "output_tokens"]
TITLES = {
    "energy": "Energy of a query and throughput by output length",
    "latency": "Latencies by output length",
    "timeline": "Power and load over the test",
}
"""Of each figure, which the alternative text begins with."""

NAMES = tuple(TITLES)
LATENCIES = {
    "ttft": "first token [s]",
    "itl": "between tokens [s]",
    "latency": "query [s]",
}
COLOURS = (TEAL, MAGENTA, OLIVE, GREY, BLACK, DARK_GREY)
MARKERS: dict[Hashable, str] = {"gpu": "o", "cpu": "^", "node": "s"}
NAMED: dict[Hashable, str] = {"gpu": "GPUs", "cpu": "CPU packages", "node": "node"}
OF_LAW, OTHERS = "+", "x12*d"
"""Marks of predictions: of the law with load, and of the others in turn."""

PERCENTILES: dict[int, tuple[Literal["-", "--", ":"], str]] = {
    50: ("-", "o"),
    90: ("--", "^"),
    99: (":", "s"),
}
"""Line and mark of each percentile: of one length there is no line."""

HEADROOM = 1.08
"""Top of an axis over what it shows, so that its edge cuts no mark."""

MOST_TICKS = 6
"""Steps between the ticks of a latency."""

STATES = {
    "power_w": "power [W]",
    "utilisation": "utilisation",
    "memory_gb": "memory [GB]",
    "clock_mhz": "clock [MHz]",
    "requests": "requests in flight",
}


def draw(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Draw all figures.

    Parameters
    ----------
    tables : dict of str to DataFrame
        The tables cells, power, energy, ratio, predicted and timeline of a stress test, and
        forecasts, the predicted ratios.

    Returns
    -------
    dict of str to Figure
        By name; `NAMES`.
    """
    with rc_context(SETTINGS):
        figures = {
            "energy": _energy(tables),
            "latency": _latency(tables["cells"]),
            "timeline": _timeline(tables["timeline"], tables["power"]),
        }
        for name, figure in figures.items():
            figure.set_label(TITLES[name])
            if any(axes.lines for axes in figure.axes):
                # laid out once, whatever the resolution of the files that it is saved to
                figure.draw_without_rendering()
                figure.set_layout_engine("none")
    return figures


def _energy(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Energy per query where measured, throughput, and the ratios of longest to shortest."""
    figure = Figure(figsize=(PAGE, 2.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    colours = _colours(tables["cells"])
    _energies(left, tables, colours)
    for concurrency, mean in _means(tables["cells"]):
        style: dict[str, Any] = {"color": colours[concurrency], "marker": "o", "markersize": 3}
        middle.plot(mean.index, mean["throughput_tps"], **style)
    _say_nothing(middle, "no cell is used")
    middle.set(xlabel="output tokens", ylabel="output tokens/s")
    _from_zero(middle)
    _ratios(right, tables, colours)
    drawn = [scope for scope in MARKERS if scope in set(tables["energy"]["scope"])]
    handles = [Line2D([], [], color=c, label=f"{n} at once") for n, c in colours.items()]
    handles += [
        Line2D([], [], color=DARK_GREY, marker=MARKERS[scope], linestyle="", label=NAMED[scope])
        for scope in drawn
    ]
    if len(tables["predicted"]):
        handles.append(Line2D([], [], color=DARK_GREY, linestyle="--", label=LAW))
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure


def _energies(
    axis: Axes, tables: Mapping[str, pd.DataFrame], colours: Mapping[Hashable, str]
) -> None:
    """Energy per query against output tokens, measured and by the law."""
    for (scope, concurrency), group in tables["energy"].groupby(["scope", "concurrency"]):
        wide = group.pivot_table(index="output_tokens", columns="statistic", values="value")
        if "mean" not in wide:
            continue
        error = None
        if "low" in wide:
            error = [wide["mean"] - wide["low"], wide["high"] - wide["mean"]]
        style: dict[str, Any] = {
            "marker": MARKERS[scope],
            "markersize": 4,
            "capsize": 2,
            "linewidth": 0.8,
        }
        axis.errorbar(wide.index, wide["mean"], error, color=colours[concurrency], **style)
        law = tables["predicted"].query(
            "prediction == @LAW and scope == @scope and concurrency == @concurrency"
        )
        # of one length a line shows nothing
        look: dict[str, Any] = {"color": colours[concurrency], "marker": "_", "markersize": 8}
        axis.plot(law["output_tokens"], law["predicted"], "--", **look)
    if not axis.containers:
        axis.text(0.5, 0.5, "energy not measured", ha="center", transform=axis.transAxes)
    else:
        axis.set(xscale="log", yscale="log")
        log_ticks(axis.xaxis, (1, 3))
        low, high = np.log10(axis.get_ylim())
        if high - low < 1:
            # without a power of ten in it an axis has no number
            axis.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
        log_ticks(axis.yaxis)
    axis.set(xlabel="output tokens", ylabel="energy per query [Wh]")


def _ratios(
    axis: Axes, tables: Mapping[str, pd.DataFrame], colours: Mapping[Hashable, str]
) -> None:
    """Energy of the longest over that of the shortest query, beside the paper's and the laws'."""
    ratios = tables["ratio"].dropna(subset=["measured"])
    if ratios.empty:
        axis.text(0.5, 0.5, "no ratio measured", ha="center", transform=axis.transAxes)
        axis.set_axis_off()
        return
    places = {concurrency: place for place, concurrency in enumerate(colours)}
    scopes = list(dict.fromkeys(ratios["scope"]))
    lines: Iterator[Any] = ratios.itertuples()
    for line in lines:
        place = places[line.concurrency] + 0.15 * (scopes.index(line.scope) - (len(scopes) - 1) / 2)
        bounds = [[line.measured - line.low], [line.high - line.measured]]
        error = None if pd.isna(line.low) else bounds
        style: dict[str, Any] = {"marker": MARKERS[line.scope], "markersize": 4, "capsize": 2}
        axis.errorbar(place, line.measured, error, color=colours[line.concurrency], **style)
    others = cycle(OTHERS)
    for name, own in tables["forecasts"].groupby("prediction", sort=False):
        widest = own.drop_duplicates("concurrency", keep="last")
        at = widest["concurrency"].map(places)
        mark = OF_LAW if name == LAW else next(others)
        axis.plot(at + 0.3, widest["ratio"], mark, color=DARK_GREY, markersize=4, label=name)
    axis.axhline(ratios["published"].iloc[0], color=GREY, linewidth=0.8, label="paper")
    axis.set_xticks(list(places.values()), [str(n) for n in places])
    axis.set(xlabel="requests at once", ylabel="longest over shortest")
    tops = [ratios["high"].max(), ratios["measured"].max(), ratios["published"].max()]
    axis.set_ylim(0, 1.15 * np.nanmax([*tops, *tables["forecasts"]["ratio"]]))
    axis.set_xlim(-0.5, len(places) - 0.4)
    axis.legend(loc="lower right")


def _colours(cells: pd.DataFrame) -> dict[Hashable, str]:
    """Colour of every concurrency."""
    return dict(zip(sorted(set(cells["concurrency"])), cycle(COLOURS), strict=False))


def _latency(cells: pd.DataFrame) -> Figure:
    """Percentiles of the latencies against output tokens."""
    figure = Figure(figsize=(PAGE, 2.6), layout="constrained")
    colours = _colours(cells)
    for axis, (name, label) in zip(figure.subplots(1, 3), LATENCIES.items(), strict=True):
        for concurrency, mean in _means(cells):
            for percent, (style, mark) in PERCENTILES.items():
                axis.plot(
                    mean.index,
                    mean[f"{name}_p{percent}_s"],
                    style,
                    color=colours[concurrency],
                    marker=mark,
                    markersize=3,
                )
        _say_nothing(axis, "no cell is used")
        axis.set(xlabel="output tokens", ylabel=label)
        _from_zero(axis)
        # their number must not hang on the room that the legend leaves: the label would move again
        axis.yaxis.set_major_locator(MaxNLocator(MOST_TICKS, steps=[1, 2, 5, 10]))
    handles = [Line2D([], [], color=c, label=f"{n} at once") for n, c in colours.items()]
    handles += [
        Line2D([], [], color=DARK_GREY, ls=style, marker=mark, ms=3, label=f"p{percent}")
        for percent, (style, mark) in PERCENTILES.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    return figure


def _timeline(timeline: pd.DataFrame, power: pd.DataFrame) -> Figure:
    """What the meters showed over time, and the power between requests."""
    shown = [name for name in STATES if timeline[name].notna().any()]
    figure = Figure(figsize=(PAGE, 0.5 + 1.1 * max(len(shown), 1)), layout="constrained")
    axes = figure.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False)[:, 0]
    times = pd.to_datetime(timeline["time"])
    idle = power.groupby("scope")["idle_w"].mean()
    for axis, name in zip(axes, shown, strict=False):
        for number, (scope, group) in enumerate(timeline.groupby("scope")):
            minutes = (times[group.index] - times.min()).dt.total_seconds() / SECONDS_PER_MINUTE
            if name == "requests":
                axis.fill_between(minutes, group[name], step="mid", color=LIGHT_GREY)
                break
            style: dict[str, Any] = {"color": COLOURS[number], "linewidth": 0.7}
            if group[name].notna().any():
                axis.plot(minutes, group[name], label=NAMED[scope], **style)
            if name == "power_w" and np.isfinite(idle.get(scope, np.nan)):
                label = f"{NAMED[scope]}, idle"
                axis.axhline(idle[scope], linestyle=":", label=label, **style)
        axis.set(ylabel=STATES[name])
        _from_zero(axis)
    if not shown:
        axes[0].text(0.5, 0.5, "power not measured", ha="center", transform=axes[0].transAxes)
    elif "power_w" in shown:
        handles, labels = axes[shown.index("power_w")].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=6)
    axes[-1].set(xlabel="time [min]")
    return figure


def _means(cells: pd.DataFrame) -> Iterator[tuple[Hashable, pd.DataFrame]]:
    """Means of the repetitions by output tokens, for each concurrency."""
    used = cells[cells["status"] == "measured"]
    for concurrency, group in used.groupby("concurrency"):
        yield concurrency, group.groupby("output_tokens").mean(numeric_only=True)


def _from_zero(axis: Axes) -> None:
    """Begin an axis at zero, and end it above what it shows."""
    axis.set_ylim(0, HEADROOM * max(axis.dataLim.y1, 0) or None)


def _say_nothing(axis: Axes, nothing: str) -> None:
    if not axis.lines:
        axis.text(0.5, 0.5, nothing, ha="center", transform=axis.transAxes)

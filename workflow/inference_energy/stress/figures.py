"""Figures of the stress test."""

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from inference_energy.drawing import LIGHT_GREY, PAGE, SETTINGS
from inference_energy.units import SECONDS_PER_MINUTE

KEYS = ["concurrency", "output_tokens"]
NAMES = ("energy", "latency", "timeline")
LATENCIES = {
    "ttft": "first token [s]",
    "itl": "between tokens [s]",
    "latency": "query [s]",
}
PERCENTILES = {50: "-", 90: "--", 99: ":"}
STATES = {
    "power_w": "power [W]",
    "utilisation": "utilisation",
    "memory_gb": "memory [GB]",
    "clock_mhz": "clock [MHz]",
    "requests": "requests in flight",
}


def draw(cells, energy, timeline):
    """Draw all figures.

    Parameters
    ----------
    cells, energy, timeline : DataFrame
        The tables stress_cells, stress_energy and stress_timeline.

    Returns
    -------
    dict of str to Figure
        By name; `NAMES`.
    """
    with rc_context(SETTINGS):
        return {
            "energy": _energy(cells, energy),
            "latency": _latency(cells),
            "timeline": _timeline(timeline),
        }


def _energy(cells, energy):
    """Energy per query where measured, and throughput, against output tokens."""
    figure = Figure(figsize=(PAGE, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (scope, concurrency), group in energy.groupby(["scope", "concurrency"]):
        wide = group.pivot_table(index="output_tokens", columns="statistic", values="value")
        if "mean" not in wide:
            continue
        error = None
        if "low" in wide:
            error = [wide["mean"] - wide["low"], wide["high"] - wide["mean"]]
        label = f"{scope}, {concurrency} at once"
        left.errorbar(wide.index, wide["mean"], error, marker="o", capsize=3, label=label)
    _legend(left, "energy not measured")
    left.set(xlabel="output tokens", ylabel="energy per query [Wh]", ylim=(0, None))
    for concurrency, mean in _means(cells):
        label = f"{concurrency} at once"
        right.plot(mean.index, mean["throughput_tps"], marker="o", label=label)
    _legend(right, "no cell is used")
    right.set(xlabel="output tokens", ylabel="output tokens/s", ylim=(0, None))
    return figure


def _latency(cells):
    """Percentiles of the latencies against output tokens."""
    figure = Figure(figsize=(PAGE, 2.6), layout="constrained")
    for axis, (name, label) in zip(figure.subplots(1, 3), LATENCIES.items(), strict=True):
        for number, (concurrency, mean) in enumerate(_means(cells)):
            for percent, style in PERCENTILES.items():
                axis.plot(
                    mean.index,
                    mean[f"{name}_p{percent}_s"],
                    style,
                    color=f"C{number}",
                    marker="o",
                    markersize=3,
                    label=f"{concurrency} at once, p{percent}",
                )
        axis.set(xlabel="output tokens", ylabel=label, ylim=(0, None))
        if name == "latency":
            _legend(axis, "no cell is used")
    return figure


def _timeline(timeline):
    """What the meters showed over time."""
    shown = [name for name in STATES if timeline[name].notna().any()]
    figure = Figure(figsize=(PAGE, 0.5 + 1.1 * max(len(shown), 1)), layout="constrained")
    axes = figure.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False)[:, 0]
    times = pd.to_datetime(timeline["time"])
    for axis, name in zip(axes, shown, strict=False):
        for scope, group in timeline.groupby("scope"):
            minutes = (times[group.index] - times.min()).dt.total_seconds() / SECONDS_PER_MINUTE
            if name == "requests":
                axis.fill_between(minutes, group[name], step="mid", color=LIGHT_GREY)
                break
            if group[name].notna().any():
                axis.plot(minutes, group[name], linewidth=0.7, label=scope)
        axis.set(ylabel=STATES[name], ylim=(0, None))
        if name == "power_w":
            axis.legend(loc="upper right")
    if not shown:
        axes[0].text(0.5, 0.5, "power not measured", ha="center", transform=axes[0].transAxes)
    axes[-1].set(xlabel="time [min]")
    return figure


def _means(cells):
    """Means of the repetitions by output tokens, for each concurrency."""
    used = cells[cells["status"] == "measured"]
    for concurrency, group in used.groupby("concurrency"):
        yield concurrency, group.groupby("output_tokens").mean(numeric_only=True)


def _legend(axis, nothing):
    if axis.lines or axis.containers:
        axis.legend()
    else:
        axis.text(0.5, 0.5, nothing, ha="center", transform=axis.transAxes)

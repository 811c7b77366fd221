"""Figures of a log's page."""

from datetime import datetime
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from inference_energy.drawing import (
    BLACK,
    GREY,
    MAGENTA,
    OLIVE,
    ON_WHITE_LEGEND,
    PAGE,
    SETTINGS,
    TEAL,
    area,
    frame,
    headline,
    log_axis,
    new_figure,
    panel_title,
)
from inference_energy.laws.base import Array
from inference_energy.requests.energies import PARTS, Serving
from inference_energy.text import (
    WH_PER_UNIT,
    compact,
    counted,
    energy,
    energy_unit,
    extent,
    percent,
    short,
)
from inference_energy.units import HOURS_PER_DAY, SECONDS_PER_HOUR

LEFT, RIGHT, BELOW, ABOVE, GAP = 0.62, 0.14, 0.42, 0.54, 0.72
"""Distances around panels. [in]"""

HEIGHT, PANEL, BAR = 2.9, 1.5, 0.24
"""Height of a figure of one row of panels, of a panel over hours, and of a bar. [in]"""

KEYS, NAMES = 0.5, 2.3
"""Room of the keys above bars, and of names beside them. [in]"""

BINS_PER_DECADE, UNSEEN = 12, 0.001
"""Bins of a decade of energy, and share of the smallest requests that may lie outside of them."""

MODELS_SHOWN, LONGEST_NAME = 8, 24

ROOM = 0.15
"""Share below which a text does not fit under its point, and above one less it not over it."""

SURELY_ALL = 0.995
"""Share that two digits write as all."""

DAYS_FROM = 72
"""Hours from which an axis counts days."""

KEYS_FREE = 1.6
"""Height of the densities' axis, with the keys, over that of the densities. [1]"""

PART_COLOURS = dict(zip(PARTS, (GREY, OLIVE, TEAL), strict=True))

IN_WORDS = dict(zip(PARTS, ("computes input", "reads cached input", "writes output"), strict=True))
"""What the energy of each part does."""

PERCENT = FuncFormatter(lambda share, _: percent(share, "g"))
COMPACT = FuncFormatter(lambda value, _: compact(value))


@rc_context(SETTINGS)
def distribution(
    serving: Serving, found: pd.DataFrame, medians: pd.DataFrame, largest: int
) -> Figure:
    """Energy of a request, and how much of the log's energy its largest requests need.

    Parameters
    ----------
    serving : Serving
        What serves the log.
    found : DataFrame
        As from ``energies.steps``.
    medians : DataFrame
        As from ``answers.medians``.
    largest : int
        Requests of which the share of the energy is marked.

    Returns
    -------
    Figure
    """
    energy = found["energy"].to_numpy() * serving.factor.quantile(0.5)
    weight = found["weight"].to_numpy()
    figure = new_figure(PAGE, HEIGHT)
    width = (PAGE - LEFT - RIGHT - GAP) / 2
    _densities(frame(figure, LEFT, BELOW, PAGE - LEFT - width, ABOVE), energy, weight, medians)
    shares = frame(figure, PAGE - RIGHT - width, BELOW, RIGHT, ABOVE)
    marked, share = _shares(shares, energy, weight, largest)
    requests = counted(marked, "request needs", "requests need")
    headline(figure, f"The largest {requests} {share} of the energy")
    return figure


def _densities(axis: Axes, energy: Array, weight: Array, medians: pd.DataFrame) -> None:
    some = energy > 0
    marks = medians.set_index("query")["energy_wh_p50"]
    lines = [("log", BLACK, "-"), ("paper", MAGENTA, "--")]
    medians_of = {name: marks[f"{name}, median of its queries"] for name, *_ in lines}
    seen = some & (np.cumsum(weight) >= UNSEEN * weight.sum())
    values = [*energy[seen], *(value for value in medians_of.values() if value > 0)]
    ends = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)) + 1e-9)
    edges = np.logspace(*ends, round((ends[1] - ends[0]) * BINS_PER_DECADE) + 1)
    for name, of_bin, look in (
        ("requests", weight, area(GREY, 0.5) | {"fill": True}),
        ("energy", weight * energy, {"color": TEAL, "linewidth": 1.2}),
    ):
        shares = np.histogram(energy[some], edges, weights=of_bin[some])[0]
        axis.stairs(shares / max(of_bin.sum(), 1e-300), edges, label=f"share of {name}", **look)
    for name, colour, style in lines:
        label = f"median, {name}: {short(medians_of[name], 3)} Wh"
        axis.axvline(
            medians_of[name],
            color=colour,
            linestyle=style,
            linewidth=1,
            label=label,
            ymax=1 / KEYS_FREE,
        )
    log_axis(axis, "Energy of a request [Wh]", edges[0], edges[-1])
    top = KEYS_FREE * axis.get_ylim()[1]
    axis.set_ylim(0, top)
    axis.set_yticks([tick for tick in axis.get_yticks() if 0 <= tick <= min(top, 1)])
    axis.yaxis.set_major_formatter(PERCENT)
    axis.legend(loc="upper left", borderaxespad=0.2, handlelength=1.6, **ON_WHITE_LEGEND)
    panel_title(axis, 0, "Energy of a request")


def _shares(axis: Axes, energy: Array, weight: Array, largest: int) -> tuple[int, str]:
    order = np.argsort(-energy, kind="stable")
    requests = np.cumsum(weight[order])
    share = np.cumsum((weight * energy)[order])
    share = share / share[-1] if share[-1] else np.ones(len(share))
    # a step of ln E holds many requests of nearly the same energy: a straight line within it
    requests, share = np.append(0.0, requests), np.append(0.0, share)
    first, last = 1.0, max(requests[-1], 10.0)
    places = np.geomspace(first, last, 400)
    axis.plot(places, np.interp(places, requests, share), color=TEAL, linewidth=1.4)
    marked = min(largest, requests[-1])
    at = float(np.interp(marked, requests, share))
    axis.plot(marked, at, "o", color=BLACK, markersize=4, zorder=4, clip_on=False)
    # the line rises: it leaves room below to the right of a point, and above to the left
    right: dict[str, Any] = {"xytext": (6, -4), "ha": "left", "va": "top"}
    high = at > 1 - ROOM
    left: dict[str, Any] = {
        "xytext": (-6, -8 if high else 4),
        "ha": "right",
        "va": "top" if high else "bottom",
    }
    told = percent(at, ".2g" if at < SURELY_ALL else ".0f")
    axis.annotate(
        f"the {compact(marked)} largest: {told}",
        (marked, at),
        textcoords="offset points",
        **(right if marked < np.sqrt(first * last) and at > ROOM else left),
    )
    log_axis(axis, "Largest requests", first, last)
    axis.xaxis.set_major_formatter(COMPACT)
    axis.set_ylim(0, 1)
    axis.yaxis.set_major_formatter(PERCENT)
    axis.grid(axis="y")
    panel_title(axis, 1, "What the largest need")
    return round(marked), told


@rc_context(SETTINGS)
def parts(table: pd.DataFrame) -> Figure:
    """What the energy of the log and of its models is made of.

    Parameters
    ----------
    table : DataFrame
        As from ``answers.parts``.

    Returns
    -------
    Figure
    """
    wide = table.pivot_table(index="model", columns="part", values="energy_wh_p50", sort=False)
    wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    wide = wide.loc[["all", *wide.index.drop("all")]].iloc[: MODELS_SHOWN + 1]
    figure = new_figure(PAGE, BELOW + KEYS + BAR * len(wide))
    axis = frame(figure, NAMES, BELOW, RIGHT + 0.9, KEYS)
    everything = cast(pd.Series, wide.loc["all"])
    of_all = everything / max(everything.sum(), 1e-300)
    headline(figure, f"{percent(of_all.max())} of the energy {IN_WORDS[str(of_all.idxmax())]}")
    before = np.zeros(len(wide))
    rows = -np.arange(len(wide))
    for part, colour in PART_COLOURS.items():
        width = (wide[part] / wide.sum(axis=1).where(wide.sum(axis=1) > 0, 1)).to_numpy()
        axis.barh(rows, width, 0.7, left=before, color=colour, label=part)
        before += width
    for row, whole in zip(rows, wide.sum(axis=1), strict=True):
        axis.annotate(energy(whole), (1, row), (6, 0), textcoords="offset points", va="center")
    axis.set_yticks(rows, [_short_name(name) for name in wide.index])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(rows[-1] - 0.5, 0.5)
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(PERCENT)
    axis.set_xlabel("Share of the energy")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    return figure


def _short_name(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


@rc_context(SETTINGS)
def hours(table: pd.DataFrame) -> Figure:
    """Energy of every hour, and where they are known the requests in flight.

    Parameters
    ----------
    table : DataFrame
        As from ``answers.by_hour``; without an hour the figure says so.

    Returns
    -------
    Figure
    """
    if not len(table):
        figure = new_figure(PAGE, ABOVE)
        headline(figure, "No request says its hour")
        return figure
    known = table["in_flight"].notna().any()
    height = BELOW + ABOVE + PANEL * (1 + known)
    figure = new_figure(PAGE, height)
    begin = [datetime.strptime(text, "%Y-%m-%dT%H:%MZ") for text in table["hour"]]
    since = np.array([(time - begin[0]).total_seconds() / SECONDS_PER_HOUR for time in begin])
    time, scale = ("Days", HOURS_PER_DAY) if since[-1] >= DAYS_FROM else ("Hours", 1)
    axis = frame(figure, LEFT, BELOW + PANEL * known, RIGHT, ABOVE)
    unit = energy_unit(table["energy_wh_p50"].max())
    values = [table[f"energy_wh_{p}"].to_numpy() / WH_PER_UNIT[unit] for p in ("p5", "p50", "p95")]
    (place, low), (_, middle), (_, high) = (_held(since, value) for value in values)
    axis.fill_between(
        place / scale, low, high, color=TEAL, alpha=0.3, linewidth=0, label="P5 to P95"
    )
    axis.plot(place / scale, middle, color=TEAL, linewidth=1.1, label="median")
    axis.set_ylabel(f"Energy [{unit} per hour]")
    axis.set_ylim(0, 1.25 * max(high.max(), 1e-300))
    axis.legend(loc="upper right", ncols=2, borderaxespad=0.2)
    ends = extent([value for value in values[1] if value > 0])
    headline(figure, f"An hour with requests needs {ends} {unit}")
    panel_title(axis, 0, "Energy of every hour")
    panels = [axis]
    if known:
        panels.append(frame(figure, LEFT, BELOW, RIGHT, height - BELOW - PANEL + 0.32))
        flying = _held(since, table["in_flight"].fillna(0.0).to_numpy())[1]
        panels[1].fill_between(place / scale, 0, flying, color=OLIVE, alpha=0.5, linewidth=0)
        panel_title(panels[1], 1, "Requests in flight")
        panels[1].set_ylabel("Requests")
        panels[1].set_ylim(bottom=0)
        axis.tick_params(axis="x", labelbottom=False)
    for panel in panels:
        panel.set_xlim(0, (since[-1] + 1) / scale)
        panel.yaxis.set_major_formatter(COMPACT)
        panel.grid(axis="y")
    panels[-1].set_xlabel(f"{time} since {table['hour'].iloc[0]}")
    return figure


def _held(hour: Array, value: Array) -> tuple[Array, Array]:
    """Points of a line that holds a value over its hour and is zero between hours apart."""
    gap = np.append(np.diff(hour) > 1, False)
    places = np.stack([hour, hour + 1, hour + 1, np.append(hour[1:], hour[-1] + 1)], axis=1)
    values = np.stack([value, value, np.zeros(len(hour)), np.zeros(len(hour))], axis=1)
    kept = np.stack([np.ones(len(hour), bool)] * 2 + [gap] * 2, axis=1)
    return places[kept], values[kept]

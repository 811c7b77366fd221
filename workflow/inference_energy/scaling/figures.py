"""Figures of test-time scaling, of water and carbon, and of the counter-signal."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from inference_energy.drawing import (
    BLACK,
    DARK_GREY,
    LIGHT_GREY,
    MAGENTA,
    ON_WHITE,
    PAGE,
    PATHWAY_COLOURS,
    REGIME_COLOURS,
    SETTINGS,
    TEAL,
    area,
    frame,
    headline,
    log_axis,
    log_range,
    log_ticks,
    model_colour,
    new_figure,
    panel_title,
    spread,
    tell,
)
from inference_energy.method.setup import UNTRIMMED
from inference_energy.rounding import largest_first
from inference_energy.scaling.counter_signal import per_unit
from inference_energy.text import extent, grouped, number, percent
from inference_energy.units import PERCENT, WH_PER_KWH

MARKERS = "osD^vP"


def _log_y(axis: Axes, label: str, low: float, high: float) -> None:
    axis.set_yscale("log")
    axis.set_ylim(low, high)
    axis.set_ylabel(label)
    log_ticks(axis.yaxis)
    axis.grid(axis="y")


def _tokens_axis(axis: Axes, label: str, low: float, high: float) -> None:
    log_axis(axis, label, low, high)


def _by_length(axis: Axes, lengths: pd.DataFrame) -> None:
    """Energy over output tokens of every model; dotted where the law extrapolates."""
    medians = lengths[(lengths["statistic"] == "p50") & (lengths["subject"] != UNTRIMMED)]
    last = largest_first(medians.groupby("subject")["value"].last().to_dict())
    for i, name in enumerate(last):
        rows = medians[medians["subject"] == name].sort_values("output_tokens")
        colour, marker = model_colour(name), MARKERS[i % len(MARKERS)]
        known = (rows["extrapolated"] == "no").to_numpy()
        axis.plot(rows["output_tokens"], rows["value"], ":", color=colour, linewidth=1)
        inside = rows["value"].where(known)
        axis.plot(rows["output_tokens"], inside, color=colour, linewidth=1.8)
        axis.plot(
            rows["output_tokens"],
            rows["value"],
            marker,
            color=colour,
            markersize=2.6,
            markerfacecolor="white",
            markeredgewidth=0.7,
        )
    handles = [
        Line2D(
            [],
            [],
            color=model_colour(name),
            marker=MARKERS[i % len(MARKERS)],
            markersize=3,
            markerfacecolor="white",
            label=name,
        )
        for i, name in enumerate(last)
    ]
    handles.append(Line2D([], [], color=BLACK, linestyle=":", label="beyond the law's lengths"))
    axis.legend(handles=handles, loc="upper left", handlelength=1.8, borderaxespad=0.2)
    ends = medians["output_tokens"].agg(["min", "max"])
    told = [f"{name} {extent(medians.loc[medians['subject'] == name, 'value'])}" for name in last]
    tell(axis, f"From {extent(ends, 3)} output tokens, Wh: {', '.join(told)}")
    low, high = log_range(medians["value"], 1)
    _log_y(axis, "Median energy per query [Wh]", low / 2, high * 3)
    _tokens_axis(axis, "Output tokens of the query", *log_range(medians["output_tokens"], 1.3))


@rc_context(SETTINGS)
def scaling(lengths: pd.DataFrame, crossing: pd.DataFrame) -> Figure:
    """Energy against output tokens, and a fleet's day against the share of long queries.

    Parameters
    ----------
    lengths, crossing : DataFrame
        Tables scaling and crossing.
    """
    figure = new_figure(PAGE, 3.1)
    left = frame(figure, 0.8, 0.42, 3.27, 0.46)
    panel_title(left, 0, "Energy by length")
    _by_length(left, lengths)
    right = frame(figure, 4.12, 0.42, 0.12, 0.46)
    panel_title(right, 1, "A fleet's day")
    chosen = crossing[(crossing["analysis"] == "intervention") & (crossing["basis"] == "mean")]
    styles = {"fleet": ("baseline", "o"), "fleet improved": ("improved", "s")}
    for quantity, (label, marker) in styles.items():
        rows = chosen[chosen["quantity"] == quantity].sort_values("long_share")
        share, colour = PERCENT * rows["long_share"], PATHWAY_COLOURS[label]
        right.plot(share, rows["value"], marker=marker, color=colour, markersize=3.5, label=label)
    fleet = chosen[chosen["quantity"] == "fleet"].set_index("long_share")["value"]
    base, some = fleet.loc[0], fleet.index[fleet.index > 0].min()
    most = fleet.index.max()
    few, many = (f"by {number(fleet.loc[share] / base)}" for share in (some, most))
    shares = f"{percent(some, 'g')} long queries multiply a fleet's energy {few}"
    headline(figure, f"{shares}, {percent(most, 'g')} {many}")
    right.axhline(base, color=DARK_GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    right.annotate(
        f"no long queries: {number(base, 2)}",
        (51, base),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=DARK_GREY,
        bbox=ON_WHITE,
    )
    days = [
        f"{grouped(value)} at {percent(share, 'g')}"
        for share, value in zip(fleet.index, fleet, strict=True)
    ]
    tell(right, f"GWh/day, baseline by share of long queries: {', '.join(days)}")
    right.set_ylim(0, fleet.max() * 1.12)
    right.set_xlim(-1, 52)
    right.set_xlabel("Share of long queries [%]")
    right.set_ylabel("Energy [GWh/day]")
    right.grid(axis="y")
    right.legend(loc="upper left", borderaxespad=0.2)
    return figure


@rc_context(SETTINGS)
def footprint(table: pd.DataFrame) -> Figure:
    """Water and operational carbon of all queries over the sourced ranges, boundaries apart.

    Parameters
    ----------
    table : DataFrame
        Table footprint.
    """
    figure = new_figure(PAGE, 2.15)
    chosen = table[
        (table["setting"] == "range") & (table["per"] == "query") & (table["subject"] == UNTRIMMED)
    ]
    medians = chosen[chosen["statistic"] == "p50"].set_index(["boundary", "regime"])["value"]
    on_site, carbon = medians["on-site water"], medians["operational carbon"]
    regimes = [regime for regime in REGIME_COLOURS if regime in on_site]
    found = ", ".join(
        f"{number(on_site[regime], 2)} mL and {number(carbon[regime], 2)} g CO₂ ({regime})"
        for regime in regimes
    )
    headline(figure, f"Medians of a query's water on site and carbon: {found}")
    panels = [
        ("Water", ["on-site water", "generation water"], "Water per query [mL]", 1.2, 2.78),
        ("Carbon", ["operational carbon"], "Carbon per query [g CO₂]", 4.8, 0.14),
    ]
    for place, (title, boundaries, label, start, end) in enumerate(panels):
        axis = frame(figure, start, 0.42, end, 0.46)
        panel_title(axis, place, title)
        names: list[str] = []
        told: list[str] = []
        ends: list[float] = []
        for boundary in boundaries:
            for regime in REGIME_COLOURS:
                rows = chosen[(chosen["boundary"] == boundary) & (chosen["regime"] == regime)]
                values = rows.set_index("statistic")["value"]
                y = -len(names)
                spread(axis, y, values, REGIME_COLOURS[regime])
                axis.plot(values["mean"], y, "|", color=BLACK, markersize=8, zorder=5)
                ends += [values["p5"], values["p95"]]
                of = boundary.replace("operational carbon", "grid")
                names.append(f"{of},\n{regime}")
                p5, p50, p95 = (number(values[level], 2) for level in ("p5", "p50", "p95"))
                told.append(f"{of}, {regime} {p50} ({p5}–{p95})")
        axis.set_yticks(-np.arange(len(names)), names)
        axis.set_ylim(0.6 - len(names), 0.6)
        axis.tick_params(axis="y", length=0)
        log_axis(axis, label, *log_range(ends, 1.4))
        tell(axis, f"Median (P5–P95): {'. '.join(told)}")
    figure.axes[0].annotate(
        "dot median, bar IQR, line P5–P95, tick mean",
        (1, 1),
        xytext=(0, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        color=DARK_GREY,
    )
    return figure


def _band(
    axis: Axes,
    lengths: pd.DataFrame,
    claim: tuple[float, float],
    factor: float,
    style: Mapping[str, Any],
) -> None:
    """Fill the chains that give the claim at each length, for a factor on the energy of a chain."""
    rows = lengths[(lengths["subject"] == UNTRIMMED) & (lengths["statistic"] == "p50")]
    rows = rows.sort_values("output_tokens")
    low, high = (energy / (rows["value"] * factor) for energy in claim)
    axis.fill_between(rows["output_tokens"], low, high, **style)


@rc_context(SETTINGS)
def counter_signal(
    lengths: Mapping[str, pd.DataFrame],
    table: pd.DataFrame,
    counts: pd.DataFrame,
    claim: tuple[float, float],
    utilisation: Sequence[float],
) -> Figure:
    """Map of chains and tokens per chain that give the claimed energy.

    Parameters
    ----------
    lengths : dict of str to DataFrame
        Method to its scaling table, one panel each, at most two.
    table : DataFrame
        Table counter_signal of all methods and measurements.
    counts : DataFrame
        Table of schema ``token_counts``, one mark each.
    claim : tuple of float
        Ends of the claim. [Wh]
    utilisation : sequence of float
        Shares of the full throughput, one band each, at most two. [1]
    """
    figure = new_figure(PAGE, 4.05)
    wall = table[table["quantity"].str.startswith("tokens of a chain in")]
    seen = table[table["quantity"] == "longest output that the laws have seen"]
    longest = seen.set_index("basis")["value"]
    reached = wall.set_index("setting")["value"]
    styles = [area(MAGENTA, 0.45), area(TEAL, 0.55)]
    bands = list(zip(utilisation, styles, strict=False))
    marks: list[tuple[dict[Hashable, Any], dict[str, Any]]] = []
    for marker, row in zip(MARKERS, per_unit(counts).to_dict("records"), strict=False):
        alone = row["unit_of_use"] == "session"
        look: dict[str, Any] = {
            "color": BLACK,
            "markersize": 5,
            "markerfacecolor": "white" if alone else BLACK,
        }
        label = f"{row['subject']} (in sequence)" if alone else row["subject"]
        marks.append((row, look | {"marker": marker, "linestyle": "", "label": label}))
    lines: dict[str, dict[str, Any]] = {
        "median": {"color": DARK_GREY, "linewidth": 0.9, "linestyle": (0, (4, 2))},
        "seen": {"color": BLACK, "linewidth": 0.9, "linestyle": ":"},
    }
    for place, (name, rows) in enumerate(lengths.items()):
        left = 0.72 + 3.2 * place
        axis = frame(figure, left, 0.42, PAGE - left - 2.6, 1.34)
        panel_title(axis, place, name)
        axis.axvspan(reached["min"], reached["max"], color=LIGHT_GREY, alpha=0.4, linewidth=0)
        for share, style in bands:
            _band(axis, rows, claim, 1 / share, style)
        axis.axvline(reached["median"], **lines["median"])
        axis.axvline(longest[name], **lines["seen"])
        for row, look in marks:
            axis.plot(row["call_tokens"], row["calls"], zorder=5, **look)
        points = [
            f"{look['label']} {grouped(row['calls'])} of {grouped(row['call_tokens'])} tokens"
            for row, look in marks
        ]
        tell(axis, f"Chains: {'; '.join(points)}")
        _tokens_axis(axis, "Output tokens of each chain", 100, 1e6)
        _log_y(axis, "Chains (answers made side by side)" if place == 0 else "", 0.5, 2e5)
    minutes = wall["quantity"].iloc[0].partition("tokens of ")[2]
    handles: list[Artist] = [
        Patch(**style, label=f"claim at {percent(share, 'g')} of full throughput")
        for share, style in bands
    ]
    handles += [
        Patch(color=LIGHT_GREY, alpha=0.6, label=f"{minutes}, measured rates"),
        Line2D([], [], **lines["median"], label="its median"),
        Line2D([], [], **lines["seen"], label="longest output that the laws have seen"),
    ]
    handles += [Line2D([], [], **look) for _, look in marks]
    low, high = (f"{energy / WH_PER_KWH:g}" for energy in claim)
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0, 0.945), ncols=2, columnspacing=2
    )
    headline(
        figure, f"Claim: {low}–{high} kWh for one problem; no source for it was found", left=0.09
    )
    return figure

"""Figures of the method beside public estimates and measurements: frames in, Figure out.

Every point carries the identifier of its row (``point:<id>:<place>``) into the SVG file, so that
it can be followed to its source.
"""

import re
from collections.abc import Mapping, Sequence
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
    COLUMN,
    DARK_GREY,
    GREY,
    MAGENTA,
    MODEL_COLOURS,
    OLIVE,
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
    no_side,
    panel_title,
    tell,
)
from inference_energy.evidence.concurrency import DEPLOYMENT, best_deployments
from inference_energy.evidence.coverage import (
    BEST,
    OTHER,
    PAPERS_LIST,
    PROVIDERS,
    PUBLIC,
    QUERIES,
    SWEEP,
)
from inference_energy.evidence.decomposition import FACTORS
from inference_energy.evidence.estimates import ABSTRACT, LIKE
from inference_energy.method.distributions import LogNormal
from inference_energy.power.figures import BENCHMARKS
from inference_energy.rounding import half_step
from inference_energy.text import count, extent, number

BAND = "#ECECEC"
NOTHING = "no estimate can be compared"
HALF = (PAGE - 0.12) / 2
"""From a panel to the next [in]."""
PITCH = 0.155
"""Height of a row [in]."""
SCALES: dict[str | None, tuple[str, str, str]] = {
    "yes": (TEAL, "o", "at production scale"),
    "claimed": (OLIVE, "s", "scale claimed or assumed"),
    "no": (MAGENTA, "^", "not at production scale"),
    None: (GREY, "D", "scale not known"),
}
FACTOR_COLOURS = {
    "lengths": (TEAL, ""),
    "boundary": (BLACK, ""),
    "method": (DARK_GREY, ""),
    "load": (MAGENTA, ""),
    "hardware": (OLIVE, ""),
    "format": (GREY, ""),
    "reasoning": (TEAL, "////"),
    "host": (MAGENTA, "////"),
    "remainder": (GREY, "////"),
}
RATIO: dict[str, Any] = {
    "color": "white",
    "markeredgecolor": BLACK,
    "marker": "D",
    "linestyle": "",
    "markersize": 3,
}
"""Mark of a ratio, which shows on every colour of a factor."""
OWN = {
    name: (MODEL_COLOURS[name], dashes)
    for name, dashes in (("Llama 3.1 405B", "-"), ("Llama 3.1 70B", "--"), ("DeepSeek-R1", "-."))
}
"""Lines of the method's models."""
SPACING: dict[str, Any] = {"columnspacing": 1.2, "handlelength": 1.2, "handletextpad": 0.5}
SETS = {
    SWEEP: (GREY, "o", 2.2),
    BEST: (TEAL, "o", 4.5),
    OTHER: (BLACK, "D", 4.0),
    PUBLIC: (OLIVE, "s", 4.0),
    PROVIDERS: (DARK_GREY, "^", 4.8),
    PAPERS_LIST: (MAGENTA, "v", 4.8),
}


def point_id(row_id: str | int, place: int | str = 0) -> str:
    """Identifier of a plotted point in the SVG file."""
    return f"point:{row_id}:{place}"


def _length(value: float) -> str:
    return count(value, missing="?")


def _lengths(row: Mapping[str, Any] | pd.Series) -> str:
    return f"{_length(row['input_tokens'])}/{_length(row['output_tokens'])}"


def _ratio(value: float) -> str:
    return number(value, 2) if value < 100 else count(value)


def _rows_axis(
    title: str, rows: int, left: float, right: float, above: float = 0.66, width: float = PAGE
) -> tuple[Figure, Axes]:
    """Axes of rows from the top down, left and right of which there is room for texts [in]."""
    figure = new_figure(width, 0.42 + PITCH * max(rows, 1) + above)
    axis = frame(figure, left, 0.42, right, above)
    axis.set_ylim(max(rows, 1) - 0.5, -0.5)
    no_side(axis)
    headline(figure, title)
    return figure, axis


def _write(axis: Axes, y: float, texts: Sequence[str], colour: str = BLACK) -> None:
    """Write a row's texts: at the left edge, beside the axes, at the right edge."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    page, place = figure.get_figwidth(), axis.get_position()
    left, width = place.x0 * page, place.width * page
    ends = (0.1 - left, -0.08, page - left - 0.06)
    for x, text, side in zip(ends, texts, ("left", "right", "right"), strict=True):
        axis.text(
            x / width,
            y,
            text,
            ha=side,
            va="center_baseline",
            color=colour,
            transform=axis.get_yaxis_transform(),
        )


def _dot(axis: Axes, x: float, y: float, look: tuple[str, str, float], gid: str) -> None:
    """Draw one figure that leads to its source."""
    colour, marker, size = look
    axis.plot(
        [x],
        [y],
        marker,
        color=colour,
        markersize=size,
        markeredgewidth=0.4,
        markeredgecolor="white",
        gid=gid,
        zorder=3,
    )


def _key(label: str, colour: str, marker: str, size: float) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, linestyle="", markersize=size, label=label)


def _line_key(label: str, colour: str, dashes: Any = "-", width: float = 1.3) -> Line2D:
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=width, label=label)


def _panel(figure: Figure, place: int, above: float) -> Axes:
    """Axes of the left or right one of two panels."""
    return frame(figure, 0.6 + HALF * place, 0.42, 0.12 + HALF * (1 - place), above)


def _rows(table: pd.DataFrame, reading: str) -> list[tuple[str, str, pd.DataFrame]]:
    """Rows of a forest plot, from the top: (left text, middle text, frame of its points)."""
    rows: list[tuple[str, str, pd.DataFrame]] = []
    if reading == ABSTRACT:
        studies = table.groupby(["author", "year"], sort=False)
        for (author, year), points in sorted(studies, key=lambda s: -s[1]["ratio"].median()):
            rows.append((f"{author}, {year}", str(len(points)), points))
        return rows
    for _, point in table.sort_values(["ratio", "id"], ascending=False).groupby(
        ["ratio", "id"], sort=False
    ):
        row = point.iloc[0]
        text = row["model"]
        if reading == LIKE:
            text = f"{row['subject']}, {_lengths(row)}, {row['boundary']}"
        rows.append((f"{row['author']}, {row['year']}", text, point))
    return rows


@rc_context(SETTINGS)
def forest(table: pd.DataFrame, reading: str, band: tuple[float, float]) -> Figure:
    """Ratio of public estimates to the method, one row per estimate or study.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``overestimates``; only counted estimates are drawn.
    reading : str
        Reading that is drawn.
    band : tuple of float
        Stated range of ratios. [1]
    """
    table = table[(table["reading"] == reading) & (table["counted"] == "yes")]
    rows = _rows(table, reading)
    figure, axis = _rows_axis(_share_in_band(table, reading, band), len(rows), 3.95, 0.62)
    own = table[["low_wh", "high_wh"]].div(table["reference_wh"], axis=0).to_numpy(float)
    ends = own[~np.isnan(own)]
    log_axis(axis, "Estimate over method (ratio)", *log_range([1.0, *band, *table["ratio"], *ends]))
    # what rounds into the band counts as within it
    axis.axvspan(band[0] - half_step(0), band[1] + half_step(0), color=BAND, linewidth=0, zorder=0)
    axis.axvline(1, color=DARK_GREY, linewidth=0.7)
    middle = {ABSTRACT: "estimates", LIKE: "subject, tokens in/out, boundary"}.get(reading, "model")
    _write(axis, -1, ("source", middle, "ratio"), DARK_GREY)
    if not rows:
        _write(axis, 0, (NOTHING, "", ""))
    for i, (author, text, points) in enumerate(rows):
        ratio = points["ratio"]
        both = [ratio.min(), ratio.max()] if len(points) > 1 else [ratio.iloc[0]]
        _write(axis, i, (author, text, "–".join(_ratio(end) for end in both)))
        _estimates(axis, i, points)
    present = set(table["production_scale"].dropna())
    handles: list[Artist] = [
        _key(label, colour, marker, 4)
        for scale, (colour, marker, label) in SCALES.items()
        if scale in present
    ]
    handles.append(Patch(color=BAND, label=f"rounds to {band[0]:g}–{band[1]:g} times"))
    legend(figure, handles, 0.1, 0.26, **SPACING)
    return figure


def _share_in_band(table: pd.DataFrame, reading: str, band: tuple[float, float]) -> str:
    """Say how many of the estimates are as many times the method's as the paper says."""
    inside = int((table["place"] == "inside").sum())
    times = f"{band[0]:g}–{band[1]:g} times the method's"
    return f"{inside} of {len(table)} public estimates round to {times}, {reading}"


def _estimates(axis: Axes, y: int, points: pd.DataFrame) -> None:
    """Ratios of a row's estimates with their own ranges."""
    for point in points.to_dict("records"):
        if not np.isnan(point["low_wh"]):
            ends = [point[end] / point["reference_wh"] for end in ("low_wh", "high_wh")]
            axis.plot(ends, [y, y], color=DARK_GREY, linewidth=0.8, zorder=2)
        scale = point["production_scale"]
        colour, marker, _ = SCALES[scale if isinstance(scale, str) else None]
        _dot(axis, point["ratio"], y, (colour, marker, 3.8), point_id(point["id"]))


@rc_context(SETTINGS)
def decomposition(
    table: pd.DataFrame, overestimates: pd.DataFrame, band: tuple[float, float]
) -> Figure:
    """Factors of the ratio of each estimate for which the method has a law and stated lengths.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``decomposition``.
    overestimates : DataFrame
        Table of schema ``overestimates``, for names.
    band : tuple of float
        Stated range of ratios. [1]
    """
    names = overestimates.drop_duplicates("id").set_index("id")
    known = table[(table["factor"] == "lengths") & (table["known"] == "yes")]
    ratios = known.sort_values(["ratio", "id"], ascending=False).set_index("id")["ratio"]
    values = table.pivot_table(index="id", columns="factor", values="value")
    away = values.loc[ratios.index, list(FACTORS)].map(np.log).abs()
    largest = away.idxmax(axis="columns")
    first, cases = largest.mode().iloc[0] if len(largest) else "none", len(ratios)
    told = f"Why estimates differ: the largest factor is {first} in {(largest == first).sum()}"
    figure, axis = _rows_axis(f"{told} of {cases}", cases, 3.75, 0.52)
    ends = [1.0, *band]
    for i, (name, ratio) in enumerate(zip(ratios.index, ratios, strict=True)):
        ends += _bars(axis, i, values.loc[name])
        axis.plot([ratio], [i], gid=point_id(name), zorder=4, **RATIO)
        row = names.loc[name]
        middle = f"{row['subject']}, {_lengths(row)}"
        _write(axis, i, (f"{row['author']}, {row['year']}", middle, _ratio(ratio)))
    if ratios.empty:
        _write(axis, 0, (NOTHING, "", ""))
    log_axis(axis, "Factor over the method's traditional median", *log_range(ends))
    axis.axvline(1, color=BLACK, linewidth=0.7, zorder=3)
    for end in band:
        axis.axvline(end, color=DARK_GREY, linewidth=0.6, linestyle=":", zorder=0)
    _write(axis, -1, ("source", "subject, tokens in/out (?: not stated)", "ratio"), DARK_GREY)
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=factor)
        for factor, (colour, hatch) in FACTOR_COLOURS.items()
    ]
    stated = _line_key(f"stated: {band[0]:g} and {band[1]:g}", DARK_GREY, ":", 0.8)
    keys = [*handles, Line2D([], [], label="ratio", **RATIO), stated]
    legend(figure, keys, 0.1, 0.26, **SPACING | {"columnspacing": 0.6, "handlelength": 0.9})
    return figure


def _bars(axis: Axes, y: int, values: pd.Series) -> tuple[float, float]:
    """Bars of the factors, those above one to the right; the ends of both rows of bars."""
    above = below = 1.0
    for factor in FACTORS:
        value = values[factor]
        start = above if value >= 1 else below
        colour, hatch = FACTOR_COLOURS[factor]
        axis.barh(
            y,
            start * value - start,
            left=start,
            height=0.72,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.3,
        )
        above, below = (start * value, below) if value >= 1 else (above, start * value)
    return above, below


@rc_context(SETTINGS)
def predicted(table: pd.DataFrame) -> Figure:
    """Predicted against measured energy, both bases, with intervals.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``predicted``.
    """
    figure = new_figure(PAGE, 3.95)
    like = table[(table["basis"] == LIKE) & (table["set"] != SWEEP)]
    ratio = (like["predicted_p50_wh"] / like["measured_wh"]).to_numpy(float)
    off = float(np.exp(np.median(np.abs(np.log(ratio)))))
    headline(
        figure, f"Like for like, predictions are off by a factor of {number(off)} in the median"
    )
    values = table.filter(regex=r"^(measured|predicted_p)\w*_wh$").to_numpy(float)
    span = log_range(values[~np.isnan(values)])
    titles = {QUERIES: "All queries, as the paper does it", LIKE: "Like for like"}
    for k, (basis, title) in enumerate(titles.items()):
        axis = _panel(figure, k, 0.88)
        axis.set_yscale("log")
        log_axis(axis, "Measured or stated [Wh]", *span)
        axis.set_ylim(*span)
        log_ticks(axis.xaxis)
        log_ticks(axis.yaxis)
        axis.grid(True, axis="y")
        axis.plot(span, span, color=DARK_GREY, linewidth=0.7, zorder=1)
        panel_title(axis, k, title)
        if k == 0:
            axis.set_ylabel("Predicted, median and P5–P95 [Wh]")
        own = table[table["basis"] == basis]
        ratios = (own["predicted_p50_wh"] / own["measured_wh"]).groupby(own["set"])
        told = [f"{group} {extent(ratio)} ({len(ratio)} points)" for group, ratio in ratios]
        tell(axis, f"Predicted over measured: {', '.join(told)}")
        _predictions(axis, k, own)
    handles = [_key(group, colour, marker, 4.2) for group, (colour, marker, _) in SETS.items()]
    legend(figure, handles, 0.6, 0.3, ncols=3, handletextpad=0.4)
    return figure


def _predictions(axis: Axes, place: int, table: pd.DataFrame) -> None:
    """Points of a panel with the intervals that are known, of all sets but the sweep."""
    for number_of_set, (group, look) in enumerate(SETS.items()):
        for row in table[table["set"] == group].to_dict("records"):
            x, y = row["measured_wh"], row["predicted_p50_wh"]
            thin: dict[str, Any] = {"color": look[0], "linewidth": 0.5, "alpha": 0.9, "zorder": 2}
            if group != SWEEP:
                axis.plot([x, x], [row["predicted_p5_wh"], row["predicted_p95_wh"]], **thin)
            if not np.isnan(row["measured_p5_wh"]) and group != SWEEP:
                axis.plot([row["measured_p5_wh"], row["measured_p95_wh"]], [y, y], **thin)
            _dot(axis, x, y, look, point_id(row["id"], f"{place}{number_of_set}"))


@rc_context(SETTINGS)
def wall_utilisation(table: pd.DataFrame, utilisation: LogNormal) -> Figure:
    """Power utilisation of whole nodes at the wall beside the method's distribution.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``wall_utilisation``.
    utilisation : LogNormal
        The method's. [1]
    """
    table = table.sort_values(["gpu", "benchmark", "scenario"], ascending=[False, True, True])
    shares = table["power_utilisation"]
    title = f"Nodes draw {number(shares.min(), 2)}–{number(shares.max(), 2)} of their maximum power"
    figure, axis = _rows_axis(title, len(table), 1.85, 0.12, above=0.52, width=COLUMN)
    axis.set_xlim(0, 1)
    axis.set_xlabel("Share of maximum node power")
    axis.grid(axis="x")
    p5, p50, p95 = (float(utilisation.quantile(level)) for level in (0.05, 0.5, 0.95))
    axis.axvspan(p5, p95, color=BAND, zorder=0)
    axis.axvline(p50, color=DARK_GREY, linewidth=0.7)
    idle: dict[str, Any] = {
        "color": "white",
        "markeredgecolor": BLACK,
        "marker": "o",
        "linestyle": "",
    }
    told = []
    for i, row in enumerate(table.to_dict("records")):
        text = f"{row['gpu'].split('-')[0]}, {_task(row['benchmark'])}, {row['scenario'].lower()}"
        _write(axis, i, ("", text, ""))
        axis.plot([row["idle_utilisation"]], [i], markersize=3.4, markeredgewidth=0.8, **idle)
        place = f"{row['source_id']}/{row['system']}/{row['benchmark']}/{row['scenario']}"
        at_load = row["power_utilisation"]
        told.append(f"{text} {number(row['idle_utilisation'], 2)} to {number(at_load, 2)}")
        axis.plot([at_load], [i], "o", color=BLACK, markersize=3.8, gid=point_id(place))
    tell(axis, f"From idle to the run: {'. '.join(told)}")
    handles = [
        _key("run", BLACK, "o", 4),
        Line2D([], [], markersize=3.6, label="idle before it", **idle),
        Patch(color=BAND, label="method, P5–P95"),
        _line_key("its median", DARK_GREY, width=0.7),
    ]
    spacing: dict[str, Any] = {"columnspacing": 1.0, "handletextpad": 0.4, "handlelength": 1.2}
    legend(figure, handles, 0.1, 0.26, **spacing)
    return figure


def _task(benchmark: str) -> str:
    """A benchmark of MLPerf in words: its model, and the accuracy that answers must keep."""
    start = next((start for start in BENCHMARKS if benchmark.startswith(start)), None)
    if start is None:
        return benchmark
    accuracy = re.search(r"-(99(\.9)?)$", benchmark)
    return BENCHMARKS[start][0] + (f" ({accuracy[1]} %)" if accuracy else "")


TRACES = {
    "azure-2023-code": "Azure 2023, code",
    "azure-2023-conv": "Azure 2023, chat",
    "mooncake-conversation": "Mooncake, chat",
}
"""Traces in words."""

KINDS = {
    "method": "the method",
    "trace": "traces",
    "chat": "ML.ENERGY's models",
    "gpqa": "ML.ENERGY's models",
}
"""Kinds of series in words."""


@rc_context(SETTINGS)
def length_quantiles(table: pd.DataFrame) -> Figure:
    """Quantiles of output lengths: the method's regimes beside traces and measured models.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``length_quantiles``.
    """
    figure = new_figure(PAGE, 3.3)
    traces = sorted(set(table.loc[table["kind"] == "trace", "series"]))
    looks = dict(zip(traces, ((OLIVE, "-"), (TEAL, "--"), (MAGENTA, "-.")), strict=False))
    panels = {"traditional": ("trace", "chat"), "long": ("gpqa",)}
    for k, (regime, kinds) in enumerate(panels.items()):
        axis = _panel(figure, k, 0.76)
        axis.set_yscale("log")
        axis.set_xlim(0, 1)
        axis.set_xlabel("Share of queries that are shorter")
        panel_title(axis, k, f"{regime.capitalize()} queries")
        axis.grid(True, axis="y")
        if k == 0:
            axis.set_ylabel("Output tokens")
        drawn = table[table["kind"].isin(kinds) | (table["series"] == regime)]
        drawn = drawn[(drawn["output_tokens"] > 0) & (drawn["level"] > 0)]
        middle = drawn[np.isclose(drawn["level"], 0.5)].groupby("kind")["output_tokens"]
        told = [f"{KINDS[str(kind)]} {extent(lengths, 3)}" for kind, lengths in middle]
        tell(axis, f"Median output tokens: {', '.join(told)}")
        _quantiles(axis, k, drawn, looks)
        low = drawn.loc[drawn["level"] >= 0.05, "output_tokens"].min()
        axis.set_ylim(low / 1.3, drawn["output_tokens"].max() * 1.3)
        log_ticks(axis.yaxis)
    handles = [
        _line_key("method", BLACK, width=1.8),
        *(_line_key(TRACES.get(str(series), str(series)), *look) for series, look in looks.items()),
        _line_key("ML.ENERGY, per model", GREY, width=0.8),
    ]
    spacing: dict[str, Any] = {"columnspacing": 1.2, "handletextpad": 0.5, "handlelength": 2.2}
    legend(figure, handles, 0.6, 0.32, ncols=5, **spacing)
    headline(figure, _longest_median(table))
    return figure


def _longest_median(table: pd.DataFrame) -> str:
    """Say how the median lengths of the measured models of each regime compare to the method's."""
    middle = table[np.isclose(table["level"], 0.5)]
    told = []
    for regime, kind in (("traditional", "chat"), ("long", "gpqa")):
        own = middle.loc[middle["series"] == regime, "output_tokens"].mean()
        seen = middle.loc[middle["kind"] == kind, "output_tokens"]
        if seen.size:
            told.append(f"{number(seen.median() / own, 2)} times ({regime})")
    if not told:
        return "Output lengths"
    return f"Measured models' median answers are {' and '.join(told)} as long as the method's"


def _quantiles(
    axis: Axes, place: int, drawn: pd.DataFrame, looks: Mapping[str, tuple[str, str]]
) -> None:
    """A line for the method, each trace and each model."""
    for (kind, series), curve in drawn.groupby(["kind", "series"]):
        line: dict[str, Any] = {"color": GREY, "linewidth": 0.6, "zorder": 1}
        if kind == "method":
            line = {"color": BLACK, "linewidth": 1.8, "zorder": 4}
        elif kind == "trace":
            colour, dashes = looks[str(series)]
            line = {"color": colour, "linewidth": 1.3, "linestyle": dashes, "zorder": 3}
        gid = point_id(f"{kind}/{series}", place)
        axis.plot(curve["level"], curve["output_tokens"], gid=gid, **line)


@rc_context(SETTINGS)
def concurrency(runs: pd.DataFrame, band: tuple[float, float], near_best: float) -> Figure:
    """Energy per token over the best against concurrency, per model and GPU.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``mlenergy``.
    band : tuple of float
        Stated range of ratios. [1]
    near_best : float
        Energy over the best that counts as near it. [1]
    """
    figure = new_figure(PAGE, 3.7)
    sweeps = best_deployments(runs)
    energies = sweeps.groupby(DEPLOYMENT)["energy_per_token_j"].agg(["min", "max"])
    worst = (energies["max"] / energies["min"]).median()
    headline(
        figure,
        f"At the lowest load a token takes {number(worst)} times the energy of the best (median)",
    )
    for k, gpu in enumerate(("H100-SXM-80GB", "B200")):
        axis = _panel(figure, k, 0.82)
        axis.set_yscale("log")
        log_axis(axis, "Sequences served at once", 6, 5000)
        axis.grid(True, axis="y")
        axis.axhspan(*band, color=BAND, zorder=0)
        axis.axhline(near_best, color=DARK_GREY, linewidth=0.7, linestyle=":")
        axis.set_ylim(0.9, 40)
        log_ticks(axis.yaxis, (1, 2, 4))
        own = energies[energies.index.get_level_values("gpu") == gpu]
        panel_title(axis, k, f"{gpu}: {len(own)} lines, by model, format and GPUs")
        told = extent(own["max"] / own["min"])
        tell(axis, f"{len(own)} deployments; the lowest load takes {told} times the best")
        if k == 0:
            axis.set_ylabel("GPU energy per output token over the best")
        _sweeps(axis, k, sweeps[sweeps["gpu"] == gpu])
    handles = [
        *(_line_key(name, *look) for name, look in OWN.items()),
        _line_key("other models", GREY, width=0.8),
        Patch(color=BAND, label=f"{band[0]:g}–{band[1]:g} times"),
        _line_key(f"{near_best:g} times the best", DARK_GREY, ":", width=0.8),
    ]
    legend(figure, handles, 0.6, 0.34, columnspacing=1.2, handletextpad=0.5)
    return figure


def _sweeps(axis: Axes, place: int, sweeps: pd.DataFrame) -> None:
    """A line for each deployment, those of the method's models in colour."""
    for key, sweep in sweeps.groupby(DEPLOYMENT):
        colour, dashes = OWN.get(sweep["model"].iloc[0], (GREY, "-"))
        own = colour != GREY
        energy = sweep["energy_per_token_j"]
        axis.plot(
            sweep["concurrency"],
            energy / energy.min(),
            color=colour,
            linestyle=dashes,
            linewidth=1.3 if own else 0.5,
            zorder=3 if own else 1,
            gid=point_id("/".join(map(str, key[:4])), place),
        )

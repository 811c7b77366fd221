"""Figures of the method beside public estimates and measurements: frames in, Figure out.

Every point carries the identifier of its row (``point:<id>:<place>``) into the SVG file, so that
it can be followed to its source.
"""

import numpy as np
from matplotlib import rc_context
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from inference_energy.drawing import (
    BLACK,
    BLUE,
    COLUMN,
    DARK_GREY,
    GREEN,
    GREY,
    LIGHT_GREY,
    ORANGE,
    PAGE,
    PURPLE,
    SETTINGS,
    SKY,
    VERMILION,
    frame,
    log_axis,
    log_range,
    new_figure,
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
from inference_energy.text import number

BAND = "#ECECEC"
NOTHING = "no estimate can be compared"
PITCH = 0.155
"""Height of a row [in]."""
SCALES = {
    "yes": (GREEN, "o", "at production scale"),
    "claimed": (ORANGE, "s", "scale claimed or assumed"),
    "no": (VERMILION, "^", "not at production scale"),
    None: (GREY, "D", "scale not known"),
}
FACTOR_COLOURS = {
    "tokens": (BLUE, ""),
    "boundary": (SKY, ""),
    "precision": (PURPLE, ""),
    "concurrency": (ORANGE, ""),
    "power": (GREEN, ""),
    "remainder": (LIGHT_GREY, "////"),
}
SETS = {
    SWEEP: (LIGHT_GREY, "o", 2.2),
    BEST: (GREEN, "o", 4.5),
    OTHER: (SKY, "D", 4.0),
    PUBLIC: (ORANGE, "s", 4.0),
    PROVIDERS: (PURPLE, "^", 4.8),
    PAPERS_LIST: (VERMILION, "v", 4.8),
}


def point_id(row_id, place=0):
    """Identifier of a plotted point in the SVG file."""
    return f"point:{row_id}:{place}"


def _plain(axis):
    axis.set_major_locator(LogLocator(numticks=30))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=100))
    axis.set_minor_formatter(NullFormatter())


def _length(value):
    return "?" if np.isnan(value) else f"{value:,.0f}"


def _rows(table, reading):
    """Rows of a forest plot, from the top: (left text, middle text, frame of its points)."""
    rows = []
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
            lengths = f"{_length(row['input_tokens'])}/{_length(row['output_tokens'])}"
            text = f"{row['subject']}, {lengths}, {row['boundary']}"
        rows.append((f"{row['author']}, {row['year']}", text, point))
    return rows


@rc_context(SETTINGS)
def forest(table, reading, band):
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
    bottom, top, left, right = 0.42, 0.66, 3.95, 0.62
    count = max(len(rows), 1)
    figure = new_figure(PAGE, bottom + PITCH * count + top)
    axis = frame(figure, left, bottom, right, top)
    ends = table[["low_wh", "high_wh"]].div(table["reference_wh"], axis=0).stack()
    ratios = [1.0, *band, *table["ratio"], *ends]
    span = log_range(ratios)
    log_axis(axis, "Estimate over method [1]", *span)
    axis.set_ylim(count - 0.5, -0.5)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.axvspan(*band, color=BAND, zorder=0)
    axis.axvline(1, color=DARK_GREY, linewidth=0.7)
    width = PAGE - left - right
    axis.set_title(f"Public estimates over the method, {reading}", x=(0.1 - left) / width, pad=35)
    middle = {ABSTRACT: "estimates", LIKE: "subject, tokens in/out, boundary"}.get(reading, "model")
    _texts(axis, -1, ("source", middle, "ratio"), (left, width, right), DARK_GREY)
    if not rows:
        _texts(axis, 0, (NOTHING, "", ""), (left, width, right))
    for i, (author, text, points) in enumerate(rows):
        ratio = points["ratio"]
        ends = [ratio.min(), ratio.max()] if len(points) > 1 else [ratio.iloc[0]]
        said = "–".join(_ratio(end) for end in ends)
        _texts(axis, i, (author, text, said), (left, width, right))
        for point in points.to_dict("records"):
            if not np.isnan(point["low_wh"]):
                ends = [point[end] / point["reference_wh"] for end in ("low_wh", "high_wh")]
                axis.plot(ends, [i, i], color=DARK_GREY, linewidth=0.8, zorder=2)
            scale = point["production_scale"]
            colour, marker, _ = SCALES.get(scale if isinstance(scale, str) else None)
            axis.plot(
                [point["ratio"]],
                [i],
                marker,
                color=colour,
                markersize=3.8,
                markeredgewidth=0.4,
                markeredgecolor="white",
                gid=point_id(point["id"]),
                zorder=3,
            )
    present = set(table["production_scale"].dropna())
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4, label=label)
        for scale, (colour, marker, label) in SCALES.items()
        if scale in present
    ]
    handles.append(Patch(color=BAND, label=f"{band[0]:g}–{band[1]:g} times"))
    _legend(figure, handles, top)
    return figure


def _texts(axis, y, texts, spaces, colour=BLACK):
    """Write a row's texts: at the left edge, beside the axes, at the right edge."""
    left, width, right = spaces
    places = ((0.1 - left) / width, -0.08 / width, 1 + (right - 0.06) / width)
    for x, text, side in zip(places, texts, ("left", "right", "right"), strict=True):
        axis.text(
            x,
            y,
            text,
            ha=side,
            va="center_baseline",
            color=colour,
            transform=axis.get_yaxis_transform(),
        )


def _ratio(value):
    return number(value, 2) if value < 100 else f"{value:,.0f}"


def _legend(figure, handles, top, inset=0.26):
    """One line of keys below the title."""
    height = figure.get_size_inches()[1]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.1 / PAGE, 1 - inset / height),
        ncols=len(handles),
        borderaxespad=0,
        columnspacing=1.2,
        handlelength=1.2,
        handletextpad=0.5,
    )


@rc_context(SETTINGS)
def decomposition(table, overestimates, band):
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
    known = table[(table["factor"] == "tokens") & (table["known"] == "yes")]
    ids = known.sort_values(["ratio", "id"], ascending=False)["id"]
    values = table.pivot_table(index="id", columns="factor", values="value")
    bottom, top, left, right = 0.42, 0.66, 3.75, 0.52
    count = max(len(ids), 1)
    figure = new_figure(PAGE, bottom + PITCH * count + top)
    axis = frame(figure, left, bottom, right, top)
    width = PAGE - left - right
    ends = [1.0, *band]
    for i, name in enumerate(ids):
        positive = negative = 1.0
        for factor in FACTORS:
            value = values.loc[name, factor]
            start = positive if value >= 1 else negative
            colour, hatch = FACTOR_COLOURS[factor]
            axis.barh(
                i,
                start * value - start,
                left=start,
                height=0.72,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.3,
            )
            positive, negative = (
                (start * value, negative) if value >= 1 else (positive, start * value)
            )
        ends += [positive, negative]
        ratio = known.set_index("id").loc[name, "ratio"]
        axis.plot([ratio], [i], "D", color=BLACK, markersize=2.8, gid=point_id(name), zorder=4)
        row = names.loc[name]
        lengths = f"{_length(row['input_tokens'])}/{_length(row['output_tokens'])}"
        texts = (f"{row['author']}, {row['year']}", f"{row['subject']}, {lengths}", _ratio(ratio))
        _texts(axis, i, texts, (left, width, right))
    if ids.empty:
        _texts(axis, 0, (NOTHING, "", ""), (left, width, right))
    log_axis(axis, "Factor over the method's traditional median [1]", *log_range(ends))
    axis.set_ylim(count - 0.5, -0.5)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.axvline(1, color=BLACK, linewidth=0.7, zorder=3)
    for end in band:
        axis.axvline(end, color=DARK_GREY, linewidth=0.6, linestyle=":", zorder=0)
    axis.set_title("What the ratios are made of", x=(0.1 - left) / width, pad=35)
    _texts(axis, -1, ("source", "subject, tokens in/out", "ratio"), (left, width, right), DARK_GREY)
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=factor)
        for factor, (colour, hatch) in FACTOR_COLOURS.items()
    ]
    handles.append(
        Line2D([], [], color=BLACK, marker="D", linestyle="", markersize=3, label="ratio")
    )
    _legend(figure, handles, top)
    return figure


@rc_context(SETTINGS)
def predicted(table):
    """Predicted against measured energy, both bases, with intervals.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``predicted``.
    """
    height = 3.75
    figure = new_figure(PAGE, height)
    values = table.filter(regex=r"^(measured|predicted_p)\w*_wh$")
    span = log_range(values.stack())
    titles = {QUERIES: "All queries, as the paper does it", LIKE: "Like for like"}
    for k, (basis, title) in enumerate(titles.items()):
        axis = frame(figure, 0.6 + 3.45 * k, 0.42, 0.12 + 3.45 * (1 - k), 0.68)
        axis.set_yscale("log")
        log_axis(axis, "Measured or stated [Wh]", *span)
        axis.set_ylim(*span)
        _plain(axis.xaxis)
        _plain(axis.yaxis)
        axis.grid(True, axis="y")
        axis.plot(span, span, color=DARK_GREY, linewidth=0.7, zorder=1)
        axis.set_title(title)
        if k == 0:
            axis.set_ylabel("Predicted, median and P5–P95 [Wh]")
        for group, (colour, marker, size) in SETS.items():
            rows = table[(table["set"] == group) & (table["basis"] == basis)]
            for row in rows.to_dict("records"):
                x = row["measured_wh"]
                thin = {"color": colour, "linewidth": 0.5, "alpha": 0.9}
                if group != SWEEP:
                    ends = [row["predicted_p5_wh"], row["predicted_p95_wh"]]
                    axis.plot([x, x], ends, zorder=2, **thin)
                if not np.isnan(row["measured_p5_wh"]) and group != SWEEP:
                    ends = [row["measured_p5_wh"], row["measured_p95_wh"]]
                    axis.plot(ends, [row["predicted_p50_wh"]] * 2, zorder=2, **thin)
                axis.plot(
                    [x],
                    [row["predicted_p50_wh"]],
                    marker,
                    color=colour,
                    markersize=size,
                    markeredgecolor="white",
                    markeredgewidth=0.4,
                    gid=point_id(row["id"], f"{k}{list(SETS).index(group)}"),
                    zorder=3,
                )
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4.2, label=group)
        for group, (colour, marker, _) in SETS.items()
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.6 / PAGE, 1 - 0.08 / height),
        ncols=3,
        borderaxespad=0,
        handletextpad=0.4,
    )
    return figure


@rc_context(SETTINGS)
def wall_utilisation(table, utilisation):
    """Power utilisation of whole nodes at the wall beside the method's distribution.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``wall_utilisation``.
    utilisation : LogNormal
        The method's. [1]
    """
    table = table.sort_values(["gpu", "benchmark", "scenario"], ascending=[False, True, True])
    bottom, top, left = 0.42, 0.52, 1.85
    figure = new_figure(COLUMN, bottom + PITCH * len(table) + top)
    axis = frame(figure, left, bottom, 0.12, top)
    axis.set_xlim(0, 1)
    axis.set_xlabel("Share of maximum node power [1]")
    axis.set_ylim(len(table) - 0.5, -0.5)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x")
    p5, p50, p95 = (utilisation.quantile(level) for level in (0.05, 0.5, 0.95))
    axis.axvspan(p5, p95, color=BAND, zorder=0)
    axis.axvline(p50, color=DARK_GREY, linewidth=0.7)
    width = COLUMN - left - 0.12
    axis.set_title("Power of whole nodes at the wall", x=(0.1 - left) / width, pad=24)
    for i, row in enumerate(table.to_dict("records")):
        text = f"{row['gpu'].split('-')[0]}, {row['benchmark']}, {row['scenario']}"
        axis.text(
            -0.08 / width,
            i,
            text,
            ha="right",
            va="center_baseline",
            transform=axis.get_yaxis_transform(),
        )
        place = f"{row['source_id']}/{row['system']}/{row['benchmark']}/{row['scenario']}"
        axis.plot(
            [row["idle_utilisation"]],
            [i],
            "o",
            color="white",
            markeredgecolor=BLUE,
            markersize=3.4,
            markeredgewidth=0.8,
        )
        axis.plot(
            [row["power_utilisation"]], [i], "o", color=BLUE, markersize=3.8, gid=point_id(place)
        )
    handles = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", markersize=4, label="run"),
        Line2D(
            [],
            [],
            color="white",
            markeredgecolor=BLUE,
            marker="o",
            linestyle="",
            markersize=3.6,
            label="before it",
        ),
        Patch(color=BAND, label="method, P5–P95"),
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        ncols=3,
        borderaxespad=0,
        bbox_to_anchor=(0.1 / COLUMN, 1 - 0.26 / figure.get_size_inches()[1]),
        columnspacing=1.0,
        handletextpad=0.4,
        handlelength=1.2,
    )
    return figure


@rc_context(SETTINGS)
def length_quantiles(table):
    """Quantiles of output lengths: the method's regimes beside traces and measured models.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``length_quantiles``.
    """
    height = 3.1
    figure = new_figure(PAGE, height)
    panels = {"traditional": ("trace", "chat"), "long": ("gpqa",)}
    looks = dict(
        zip(
            sorted(set(table.loc[table["kind"] == "trace", "series"])),
            ((ORANGE, "-"), (GREEN, "--"), (BLUE, "-.")),
            strict=False,
        )
    )
    for k, (regime, kinds) in enumerate(panels.items()):
        axis = frame(figure, 0.6 + 3.45 * k, 0.42, 0.12 + 3.45 * (1 - k), 0.56)
        axis.set_yscale("log")
        axis.set_xlim(0, 1)
        axis.set_xlabel("Share of queries that are shorter [1]")
        axis.set_title(f"{regime.capitalize()} queries")
        axis.grid(True, axis="y")
        if k == 0:
            axis.set_ylabel("Output tokens")
        drawn = table[table["kind"].isin(kinds) | (table["series"] == regime)]
        drawn = drawn[(drawn["output_tokens"] > 0) & (drawn["level"] > 0)]
        for (kind, series), curve in drawn.groupby(["kind", "series"]):
            line = {"color": LIGHT_GREY, "linewidth": 0.8, "zorder": 1}
            if kind == "method":
                line = {"color": BLACK, "linewidth": 1.8, "zorder": 4}
            elif kind == "trace":
                colour, dashes = looks[series]
                line = {"color": colour, "linewidth": 1.3, "linestyle": dashes, "zorder": 3}
            axis.plot(
                curve["level"], curve["output_tokens"], gid=point_id(f"{kind}/{series}", k), **line
            )
        low = drawn.loc[drawn["level"] >= 0.05, "output_tokens"].min()
        axis.set_ylim(low / 1.3, drawn["output_tokens"].max() * 1.3)
        _plain(axis.yaxis)
    handles = [Line2D([], [], color=BLACK, linewidth=1.8, label="method")]
    handles += [
        Line2D([], [], color=colour, linestyle=dashes, linewidth=1.3, label=series)
        for series, (colour, dashes) in looks.items()
    ]
    label = "ML.ENERGY, per model"
    handles.append(Line2D([], [], color=LIGHT_GREY, linewidth=0.8, label=label))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.6 / PAGE, 1 - 0.08 / height),
        ncols=5,
        borderaxespad=0,
        columnspacing=1.2,
        handletextpad=0.5,
        handlelength=2.2,
    )
    return figure


@rc_context(SETTINGS)
def concurrency(runs, band, near_best):
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
    figure = new_figure(PAGE, 3.5)
    looks = {
        "Llama 3.1 405B": (VERMILION, "-"),
        "Llama 3.1 70B": (BLUE, "--"),
        "DeepSeek-R1": (GREEN, "-."),
    }
    sweeps = best_deployments(runs)
    for k, gpu in enumerate(("H100-SXM-80GB", "B200")):
        axis = frame(figure, 0.6 + 3.45 * k, 0.42, 0.12 + 3.45 * (1 - k), 0.62)
        axis.set_yscale("log")
        log_axis(axis, "Sequences served at once", 6, 5000)
        axis.grid(True, axis="y")
        axis.axhspan(*band, color=BAND, zorder=0)
        axis.axhline(near_best, color=DARK_GREY, linewidth=0.7, linestyle=":")
        axis.set_ylim(0.9, 40)
        _plain(axis.yaxis)
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 4), numticks=30))
        axis.set_title(gpu)
        if k == 0:
            axis.set_ylabel("GPU energy per output token over the best [1]")
        for key, sweep in sweeps[sweeps["gpu"] == gpu].groupby(DEPLOYMENT):
            colour, dashes = looks.get(sweep["model"].iloc[0], (LIGHT_GREY, "-"))
            own = colour != LIGHT_GREY
            energy = sweep["energy_per_token_j"]
            axis.plot(
                sweep["concurrency"],
                energy / energy.min(),
                color=colour,
                linestyle=dashes,
                linewidth=1.3 if own else 0.7,
                zorder=3 if own else 1,
                gid=point_id("/".join(map(str, key[:4])), k),
            )
    handles = [
        Line2D([], [], color=colour, linestyle=dashes, linewidth=1.3, label=name)
        for name, (colour, dashes) in looks.items()
    ]
    handles += [
        Line2D([], [], color=LIGHT_GREY, linewidth=0.8, label="other models"),
        Patch(color=BAND, label=f"{band[0]:g}–{band[1]:g} times"),
        Line2D(
            [],
            [],
            color=DARK_GREY,
            linestyle=":",
            linewidth=0.8,
            label=f"{near_best:g} times the best",
        ),
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        ncols=6,
        borderaxespad=0,
        bbox_to_anchor=(0.6 / PAGE, 1 - 0.1 / 3.5),
        columnspacing=1.2,
        handletextpad=0.5,
    )
    return figure

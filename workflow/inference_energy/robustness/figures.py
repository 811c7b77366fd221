"""Figures of the audit: specification curve and tornado."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter

from inference_energy import drawing, text
from inference_energy.robustness.choices import JOINED
from inference_energy.robustness.uncertainty import TOGETHER
from inference_energy.rounding import largest_first
from inference_energy.units import PERCENT

LINE = 0.135
"""Height of a row of the dashboard or the tornado [in]."""

TITLE = 0.2
"""Room for a finding above panels [in]."""

EXPLAINED = """One option of every choice below gives
one median. The line has all of them,
sorted; the rows say how often an option
is taken where the line is.

Bold: the options of {base}.
Var.: share of the variance of ln(median)
that a choice explains, alone or together
with others (they add up to over 100 %)."""
"""How the specification curve is read."""

LINKED = "\n*: counted together, as some of\ntheir options exclude each other."
"""What the star says of shares of the variance."""


@rc_context(drawing.SETTINGS)
def specification_curve(
    curve: pd.DataFrame,
    distribution: pd.DataFrame,
    variance: pd.DataFrame,
    choices: Mapping[str, Any],
    base: str,
) -> Figure:
    """Sorted medians of both regimes above a dashboard of the options taken.

    Parameters
    ----------
    curve, distribution, variance : DataFrame
        Tables specification_curve, multiverse_distribution and multiverse_variance.
    choices : dict
        Choice to ``title``, ``of_base`` and ``options`` with ``label``.
    base : str
        The base method, as from :func:`name_of`.

    Returns
    -------
    Figure
    """
    rows = [(c, o) for c, choice in choices.items() for o in choice["options"]]
    # a gap above every choice
    places = np.cumsum(
        [1.0 + 0.55 * (o == next(iter(choices[c]["options"]))) for c, o in rows]
    ).tolist()
    height = LINE * (places[-1] + 1)
    figure = drawing.new_figure(drawing.PAGE, 1.9 + height + 0.95 + TITLE)
    drawing.headline(figure, _ranks(distribution, base))
    y = 1 - (0.62 + TITLE) / figure.get_figheight()
    explained = EXPLAINED.format(base=base) + LINKED * any(
        JOINED in name for name in variance["choice"]
    )
    figure.text(0.2 / drawing.PAGE, y, explained, va="top", linespacing=1.35)
    left, gap, bottom = 2.62, 0.42, 0.52
    width = (drawing.PAGE - left - 0.42 - gap) / 2
    for column, regime in enumerate(["traditional", "long"]):
        x = left + column * (width + gap)
        right = drawing.PAGE - x - width
        mine = curve[curve["regime"] == regime]
        statistics = distribution[
            (distribution["regime"] == regime) & (distribution["quantity"] == "p50")
        ].set_index("statistic")["value"]
        top = drawing.frame(figure, x, bottom + height + 0.12, right, 0.3 + TITLE)
        dashboard = drawing.frame(figure, x, bottom, right, 2.2 + 0.23 + TITLE)
        _draw_curve(top, mine, statistics, regime, base)
        image = _draw_dashboard(dashboard, mine, rows, places)
        shares = variance[(variance["regime"] == regime) & (variance["effect"] == "total")]
        _label_variance(dashboard, shares.set_index("choice")["value"], rows, places)
        if column == 0:
            top.set_ylabel("Energy per query [Wh]")
            _label_options(dashboard, choices, rows, places)
        dashboard.set_xlabel("Medians, lowest to highest [%]")
    key = drawing.frame(figure, 0.2, 0.33, drawing.PAGE - 1.4, figure.get_size_inches()[1] - 0.43)
    bar = figure.colorbar(image, cax=key, orientation="horizontal")
    bar.set_ticks([0, 0.5, 1], labels=["0", "50", "100 %"])
    bar.set_label("Share with the option", labelpad=1)
    return figure


def name_of(method: Mapping[str, Any]) -> str:
    """Method as the subject of a figure's sentences: the paper, or its name."""
    return "the paper" if method["kind"] == "paper" else method["id"]


def _ranks(distribution: pd.DataFrame, base: str) -> str:
    """Say where the medians of the base stand among those of all choices."""
    ranks = distribution[
        (distribution["quantity"] == "p50") & (distribution["statistic"] == "published_rank")
    ]
    told = [
        f"{text.percent(share)} ({regime})"
        for regime, share in zip(ranks["regime"], ranks["value"], strict=True)
    ]
    owner = base[0].upper() + base[1:] if base == "the paper" else base
    return f"{owner}'s medians are higher than {' and '.join(told)} of all medians"


def _draw_curve(
    axis: Axes, mine: pd.DataFrame, statistics: pd.Series, regime: str, base: str
) -> None:
    bins = mine.drop_duplicates("bin").sort_values("bin")
    x = (bins["bin"] - 0.5) / len(bins) * PERCENT
    colour = drawing.REGIME_COLOURS[regime]
    axis.fill_between(x, bins["p25"], bins["p75"], **drawing.area(colour, 0.3))
    axis.plot(x, bins["p50"], color=colour, linewidth=1.6)
    axis.set_yscale("log")
    axis.set_xlim(0, 100)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axis.yaxis.set_minor_formatter(FuncFormatter(lambda v, _: _two_or_five(v)))
    axis.tick_params(labelbottom=False)
    axis.grid(axis="y")
    drawing.panel_title(axis, int(regime == "long"), regime.capitalize())
    level = statistics["published_rank"]
    rank = PERCENT * level
    axis.plot([rank], [statistics["published"]], "o", color=drawing.BLACK, markersize=4, zorder=5)
    axis.annotate(
        f"{base}'s, {text.number(statistics['published'])} Wh\nhigher than {text.percent(level)}",
        (rank, statistics["published"]),
        xytext=(0.97, 0.06),
        textcoords="axes fraction",
        ha="right",
        va="bottom",
        arrowprops={"arrowstyle": "-", "linewidth": 0.6, "shrinkB": 3},
    )
    axis.text(
        0.03,
        0.95,
        "line: median; band: IQR\nof the group's queries",
        transform=axis.transAxes,
        va="top",
        color=drawing.DARK_GREY,
    )


def _two_or_five(value: float) -> str:
    """Write a tick between powers of ten where its first digit is 2 or 5."""
    return f"{value:g}" if f"{value:e}"[0] in "25" else ""


def _draw_dashboard(
    axis: Axes, mine: pd.DataFrame, rows: Sequence[tuple[str, str]], places: Sequence[float]
) -> AxesImage:
    shares = mine.pivot_table("share", ["choice", "option"], "bin")
    for row, place in zip(rows, places, strict=True):
        image = axis.imshow(
            shares.loc[[row]].to_numpy(),
            cmap="Greys",
            vmin=0,
            vmax=1,
            aspect="auto",
            interpolation="nearest",
            extent=(0, 100, place + 0.44, place - 0.44),
        )
    axis.set_xlim(0, 100)
    axis.set_ylim(places[-1] + 0.6, places[0] - 0.6)
    axis.set_yticks([])
    return image


def _label_options(
    axis: Axes, choices: Mapping[str, Any], rows: Sequence[tuple[str, str]], places: Sequence[float]
) -> None:
    across = axis.get_yaxis_transform()
    for (choice, option), place in zip(rows, places, strict=True):
        own = option == choices[choice]["of_base"]
        axis.text(
            -0.03,
            place,
            choices[choice]["options"][option]["label"],
            transform=across,
            ha="right",
            va="center_baseline",
            weight="bold" if own else "normal",
        )
        if option == next(iter(choices[choice]["options"])):
            axis.text(
                -1.45,
                place,
                choices[choice]["title"],
                transform=across,
                ha="left",
                va="center_baseline",
                color=drawing.DARK_GREY,
            )


def _label_variance(
    axis: Axes, shares: pd.Series, rows: Sequence[tuple[str, str]], places: Sequence[float]
) -> None:
    across = axis.get_yaxis_transform()
    axis.text(
        1.03,
        places[0] - 1.0,
        "Var.",
        transform=across,
        va="center_baseline",
        color=drawing.DARK_GREY,
    )
    factors = {name: factor for factor in shares.index for name in factor.split(JOINED)}
    seen = set()
    for (choice, _), place in zip(rows, places, strict=True):
        if choice not in seen:
            value, star = shares[factors[choice]], "*" * (factors[choice] != choice)
            share = _share(value)
            axis.text(1.03, place, share + star, transform=across, va="center_baseline")
        seen.add(choice)


SOBOL = "Sobol: total index, the share of the variance that an input explains, alone or together."
"""What the numbers beside the bars are."""


LOW, HIGH = drawing.TEAL, drawing.OLIVE
"""Colours of the ends of an input."""


@rc_context(drawing.SETTINGS)
def tornado(table: pd.DataFrame, indices: pd.DataFrame, inputs: Mapping[str, Any]) -> Figure:
    """Medians and fleet total at both ends of each input's range, with total Sobol indices.

    Parameters
    ----------
    table, indices : DataFrame
        Tables tornado and sobol_indices.
    inputs : dict
        Input to ``title``.

    Returns
    -------
    Figure
    """
    outputs = {
        "median traditional": ("Median, traditional", "Energy per query [Wh]"),
        "median long": ("Median, long", "Energy per query [Wh]"),
        "fleet mixed": ("Fleet, some queries long", "Energy [GWh/day]"),
    }
    total = indices[indices["index"] == "total"]
    seen = total[total["output"].isin(outputs)].groupby("input")["value"].max()
    shown = largest_first(seen[seen > 0].to_dict())
    figure = drawing.new_figure(drawing.PAGE, 0.185 * len(shown) + 1.12 + TITLE + 0.2)
    drawing.note(figure, [SOBOL])
    ends = table[table["output"] == "median traditional"].set_index(["input", "end"])["value"]
    index = total[total["output"] == "median traditional"].set_index("input")["value"]
    first = index.index[int(index.argmax())]
    low, high = sorted(float(ends[first, end]) for end in ("low", "high"))
    span = text.span(low, high, joint=" to ")
    of = inputs[first]["title"].removesuffix(", traditional")
    drawing.headline(
        figure,
        f"The traditional median moves most with {text.within(of)}: {span} Wh",
    )
    left, gap, tail = 1.72, 0.5, 0.48
    width = (drawing.PAGE - left - tail - 2 * gap) / 3
    for column, (output, (title, unit)) in enumerate(outputs.items()):
        x = left + column * (width + gap)
        axis = drawing.frame(figure, x, 0.6, drawing.PAGE - x - width, 0.5 + TITLE)
        mine = table[table["output"] == output].set_index(["input", "end"])["value"].loc[shown]
        shares = total[total["output"] == output].set_index("input")["value"]
        _draw_bars(axis, mine, shares, shown)
        drawing.log_axis(axis, unit, *drawing.log_range(mine))
        axis.set_yticks(range(len(shown)), [inputs[name]["title"] for name in shown])
        axis.tick_params(axis="y", length=0, labelleft=column == 0)
        drawing.panel_title(axis, column, title, pad=14)
        drawing.tell(axis, f"From the low to the high end: {'. '.join(_ends(mine, inputs))}")
        axis.text(1.02, 1.03, "Sobol", transform=axis.transAxes, color=drawing.DARK_GREY)
        if column == 0:
            words = {"low": LOW, "and": drawing.DARK_GREY, "high": HIGH}
            words["end"] = drawing.DARK_GREY
            for place, (word, colour) in zip((0, 0.16, 0.33, 0.53), words.items(), strict=True):
                weight = "bold" if word in ("low", "high") else "normal"
                where: dict[str, Any] = {"transform": axis.transAxes, "color": colour}
                axis.text(place, 1.03, word, weight=weight, **where)
    return figure


def _ends(values: pd.Series, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Inputs in words, each with the results at both ends of its range, where they differ."""
    for name in values.index.unique("input"):
        low, high = (text.number(values[name, end]) for end in ("low", "high"))
        if low != high:
            yield f"{inputs[name]['title']} {low} to {high}"


def _draw_bars(axis: Axes, values: pd.Series, shares: pd.Series, shown: Sequence[str]) -> None:
    across = axis.get_yaxis_transform()
    for place, name in enumerate(shown):
        base = values[name, "base"]
        for end, colour in (("low", LOW), ("high", HIGH)):
            ends = [base, values[name, end]]
            axis.plot(ends, [place] * 2, color=colour, linewidth=6, solid_capstyle="butt")
        if shares[name] > 0:
            axis.text(1.02, place, f"{shares[name]:.2f}", transform=across, va="center_baseline")
    axis.axvline(base, color=drawing.BLACK, linewidth=0.8)
    axis.set_ylim(len(shown) - 0.5, -0.5)


JOINT = "several together"
"""How a figure calls what comes from no source alone."""

BAR = 0.165
"""Height of a bar's row [in]."""


@rc_context(drawing.SETTINGS)
def variance_shares(parts: pd.DataFrame) -> Figure:
    """Shares of the variance of ln E by what they come from, a panel per regime.

    Parameters
    ----------
    parts : DataFrame
        Schema ``uncertainty``.

    Returns
    -------
    Figure
    """
    shares = parts.pivot_table("share", "source", "regime")
    order = largest_first(shares.max(axis=1).to_dict())
    shares = shares.loc[order, list(parts["regime"].unique())]
    # what comes from several sources together is no source
    shares = shares.loc[[*shares.index.drop(TOGETHER), TOGETHER]]
    some = (shares > 0).any(axis=1)
    shares = shares[some] if some.any() else shares
    figure = drawing.new_figure(drawing.PAGE, 0.42 + BAR * len(shares) + 0.46)
    drawing.headline(figure, _largest_source(shares))
    left, gap, right = 1.05, 0.3, 0.35
    width = (drawing.PAGE - left - right - gap * (len(shares.columns) - 1)) / len(shares.columns)
    for place, (regime, values) in enumerate(zip(shares.columns, shares.to_numpy().T, strict=True)):
        x = left + place * (width + gap)
        axis = drawing.frame(figure, x, 0.42, drawing.PAGE - x - width, 0.46)
        drawing.panel_title(axis, place, f"{regime.capitalize()} queries")
        axis.barh(range(len(values)), values, 0.7, color=drawing.REGIME_COLOURS[regime])
        for row, share in enumerate(values):
            near: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
            axis.annotate(_share(share), (max(share, 0), row), (3, 0), **near)
        axis.set_yticks(range(len(values)), shares.index.str.replace(TOGETHER, JOINT))
        axis.tick_params(axis="y", length=0, labelleft=place == 0)
        axis.set_ylim(len(values) - 0.5, -0.5)
        axis.set_xlim(min(0, shares.min().min()), shares.max().max() or 1)
        # from which bars go, also to the left
        axis.spines["left"].set_visible(False)
        axis.axvline(0, color=drawing.BLACK, linewidth=0.6)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: text.percent(share)))
        axis.set_xlabel("Share of the variance of ln(energy per query)")
        axis.grid(axis="x")
    return figure


def _share(value: float) -> str:
    """Share in per cent, with a minus sign; of less than a half, that it is below one."""
    return text.percent(value).replace("-", "−") if abs(value) >= 0.005 else "<1 %"


def _largest_source(shares: pd.DataFrame) -> str:
    """Say which part of the spread of a query's energy is the largest, by regime that has one."""
    shares = shares.loc[:, (shares > 0).any()]
    if shares.empty:
        return "No query has a spread"
    told = [f"{text.percent(values.max())} ({regime})" for regime, values in shares.items()]
    largest = shares.idxmax()
    if len(largest.unique()) == 1:
        parts = f"{largest.iloc[0]}, {' and '.join(told)}"
    else:
        parts = "; ".join(f"{name}, {of}" for name, of in zip(largest, told, strict=True))
    return f"Largest part of a query's spread: {parts}"

"""The paper's figures, from the result tables: frames in, matplotlib Figure out.

Numbers written in a figure are those of the seeded Monte Carlo, which the paper prints; the
outlines of the violins are the exact densities. Sizes and colours are in :mod:`.style`.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from inference_energy.drawing import (
    ABOVE,
    BELOW,
    BLACK,
    COLUMN,
    DARK_GREY,
    GREY,
    NOTE_LINE,
    ON_WHITE,
    PAGE,
    PATHWAY_COLOURS,
    REGIME_COLOURS,
    SETTINGS,
    area,
    frame,
    headline,
    legend,
    log_axis,
    log_range,
    model_colour,
    new_figure,
    note,
    panel_title,
    printed,
    rows_axis,
    rows_height,
    spread,
    violin,
)
from inference_energy.energy.equation import node_energy
from inference_energy.method.setup import TRIMMED
from inference_energy.rounding import half_step
from inference_energy.text import count, interval, number, percent
from inference_energy.units import GIGA, KW_PER_MW, PERCENT, SECONDS_PER_DAY, WH_PER_GWH

Claims = Mapping[str, Mapping[Hashable, Any]]
"""Numbers that the paper prints: selector of the quantity to its claim."""

Row = tuple[str, str, pd.DataFrame, pd.Series, str, Sequence[float]]
"""Of violins: left text, right text, density, values, colour, and median and IQR of the paper."""

PATHWAYS = {
    "baseline": "Baseline",
    "hardware": "Hardware and datacenter",
    "model": "Model",
    "serving": "Serving platform",
    "combined": "All three combined",
}


LEVERS = {
    "baseline": "Baseline",
    "hardware": "Hardware",
    "model": "Model",
    "serving": "Serving",
    "combined": "All three",
}
"""The pathways where there is room for a word."""


REGIMES = {"traditional": "Traditional queries", "long": "Long queries"}


ENERGY = "Energy per query [Wh]"


def statistics(table: pd.DataFrame, **where: str) -> pd.Series:
    """Statistics of one subject from a result table in its long form, by the published engine.

    Returns
    -------
    Series
        Values by statistic: p5, p25, p50, ...
    """
    for column, value in {"engine": "published", **where}.items():
        table = table[table[column] == value]
    return table.set_index("statistic")["value"]


def regime_title(regime: str, method: Mapping[str, Any]) -> str:
    """Name of a regime with the median of its lengths, or the kind of their distribution."""
    lengths = method["regimes"][regime]["output_tokens"]
    if "median" in lengths:
        return f"{REGIMES[regime]} (median {lengths['median']:,g} output tokens)"
    return f"{REGIMES[regime]} ({lengths['distribution']} lengths)"


MARKS = "Dot: median; bar: IQR; shape: exact density, cut at P5 and P95."
"""What the marks of the violins are."""

PRINTED = "Diamond and line below: the paper's median and IQR."
"""What the marks below a violin are, where the paper prints its numbers."""

SPREADS = "Dot: median; bar: IQR; line: P5–P95."
"""What the marks of a spread are."""

STEPS = "Steps: each model is trimmed before the models are pooled."
"""Why the density of a trimmed blend has steps."""

MOST_LENGTHS = 4
"""Input lengths that a page holds side by side."""

TITLE = 0.14
"""Room for a finding above rows [in]."""


def printed_numbers(
    published: pd.DataFrame, method: Mapping[str, Any]
) -> dict[str, dict[Hashable, Any]]:
    """Numbers that the paper prints, of the version that a method is held against.

    Parameters
    ----------
    published : DataFrame
        The published claims of all versions.
    method : dict
        Resolved method.

    Returns
    -------
    dict of str to dict
        Selector of the quantity to its claim.
    """
    own = published[published["version"] == method.get("claims")]
    return {claim["quantity"]: claim for claim in own.to_dict("records")}


def _selector(regime: str, subject: str, pathway: str, statistic: str) -> str:
    where = f"regime={regime}; subject={subject}; pathway={pathway}; statistic={statistic}"
    return f"energy_per_query[{where}]"


def _printed_quartiles(numbers: Claims, regime: str, subject: str) -> tuple[Sequence[float], str]:
    """Median and IQR that the paper prints, and their text; nothing where it prints no median."""
    selectors = [_selector(regime, subject, "baseline", p) for p in ("p50", "p25", "p75")]
    claims = [numbers[selector] for selector in selectors if selector in numbers]
    if len(claims) < len(selectors):
        return (np.nan, np.nan, np.nan), ""
    middle, low, high = (f"{claim['value']:.{claim['decimals']}f}" for claim in claims)
    return tuple(claim["value"] for claim in claims), f"{middle} ({low}–{high})"


def _printed_lever(numbers: Claims, regime: str, pathway: str) -> str:
    """Reduction of the median that the paper prints for a lever, as text."""
    pair = [_selector(regime, TRIMMED, name, "p50") for name in ("baseline", pathway)]
    claim = numbers.get(" / ".join(pair))
    if claim is None:
        return ""
    if claim["relation"] == "at most":
        return f", paper up to {claim['value']:g}"
    return f", paper {claim['value']:g}–{claim['upper']:g}"


def _violins(
    finding: str,
    title: str,
    left: str,
    rows: Sequence[Row],
    span: Sequence[float],
    notes: Sequence[str] = (),
) -> Figure:
    """Figure of labelled violins, with a title of the left texts and further notes.

    Rows are (left text, right text, density, values, colour, median and IQR of the paper).
    """
    compared = not all(np.isnan(row[-1][0]) for row in rows)
    header = (left, f"median (IQR) [Wh]{': paper | computed' if compared else ''}")
    notes = [MARKS, *([PRINTED] if compared else []), *notes]
    below = BELOW + NOTE_LINE * len(notes)
    figure = new_figure(COLUMN, rows_height(len(rows)) + TITLE + NOTE_LINE * len(notes))
    axis = rows_axis(figure, [row[:2] for row in rows], header, above=ABOVE + TITLE, below=below)
    headline(figure, finding, left=0.18)
    axis.set_title(title, pad=15, fontweight="normal")
    note(figure, notes, left=0.18)
    # the paper's mark of the last row stands off the axis
    axis.set_ylim(axis.get_ylim()[0] - 0.07, axis.get_ylim()[1])
    scale = 0.25 / max(row[2]["density"].max() for row in rows)
    log_axis(axis, ENERGY, *span)
    for i, (_, _, density, values, colour, paper) in enumerate(rows):
        violin(axis, -i - 0.12, density, values, scale, colour)
        printed(axis, -i - 0.43, paper)
    return figure


@rc_context(SETTINGS)
def energy_by_model(
    energy: pd.DataFrame,
    densities: pd.DataFrame,
    method: Mapping[str, Any],
    blend: pd.DataFrame,
    regime: str,
    published: pd.DataFrame,
) -> Figure:
    """Energy per query of each model (figures 1a and 2a).

    Parameters
    ----------
    energy, densities : DataFrame
        Tables energy_per_query [Wh] and densities.
    method : dict
        Resolved method.
    blend : DataFrame
        Table blend, who is in the frontier blend.
    regime : str
        traditional or long.
    published : DataFrame
        The published claims of all versions.
    """
    numbers = printed_numbers(published, method)
    blended = set(blend.loc[blend[f"{regime}_share"] > 0, "model"])
    chosen = densities[(densities["regime"] == regime) & (densities["subject"] != TRIMMED)]
    models = {
        str(name): (
            density,
            statistics(energy, regime=regime, subject=str(name), pathway="baseline"),
        )
        for name, density in chosen.groupby("subject")
    }
    by_median = sorted(models, key=lambda name: -models[name][1]["p50"])
    rows = []
    for name in by_median:
        density, values = models[name]
        paper, told = _printed_quartiles(numbers, regime, name)
        computed = interval(*values[["p50", "p25", "p75"]])
        rows.append(
            (
                f"{name} *" if name in blended else name,
                f"{told} | {computed}" if told else computed,
                density,
                values,
                model_colour(name),
                paper,
            )
        )
    span = log_range(chosen["energy_wh"])
    ends = [number(models[name][1]["p50"], 2) for name in (by_median[-1], by_median[0])]
    finding = f"A {regime} query's median is {ends[0]} to {ends[1]} Wh by model"
    return _violins(finding, regime_title(regime, method), "* in the frontier blend", rows, span)


@rc_context(SETTINGS)
def energy_by_pathway(
    energy: pd.DataFrame,
    densities: pd.DataFrame,
    method: Mapping[str, Any],
    regime: str,
    published: pd.DataFrame,
) -> Figure:
    """Energy per query of the frontier blend under each pathway (figures 1b and 2b).

    Parameters are those of :func:`energy_by_model`.
    """
    chosen = densities[(densities["regime"] == regime) & (densities["subject"] == TRIMMED)]
    numbers = printed_numbers(published, method)
    rows, cuts = [], {}
    baseline = statistics(energy, regime=regime, subject=TRIMMED, pathway="baseline")["p50"]
    for pathway in PATHWAYS:
        values = statistics(energy, regime=regime, subject=TRIMMED, pathway=pathway)
        cuts[pathway] = number(baseline / values["p50"])
        lever = f" ÷ {cuts[pathway]}{_printed_lever(numbers, regime, pathway)}"
        paper: Sequence[float] = (np.nan, np.nan, np.nan)
        told = ""
        if pathway == "baseline":
            paper, told = _printed_quartiles(numbers, regime, TRIMMED)
            lever = ""
        computed = interval(*values[["p50", "p25", "p75"]])
        rows.append(
            (
                f"{LEVERS[pathway]}{lever}",
                f"{told} | {computed}" if told else computed,
                chosen[chosen["pathway"] == pathway],
                values,
                PATHWAY_COLOURS[pathway],
                paper,
            )
        )
    span = log_range(chosen["energy_wh"])
    finding = f"The levers together cut a query's energy {cuts['combined']} times"
    if regime == "long":
        short = statistics(energy, regime="traditional", subject=TRIMMED, pathway="baseline")
        finding = f"Long queries cost {number(baseline / short['p50'])} times as much"
    title = f"Frontier blend, {regime_title(regime, method).lower()}"
    notes = [STEPS] if method["blend"]["trim"] else []
    return _violins(finding, title, "Lever ÷ cut of the median", rows, span, notes)


@rc_context(SETTINGS)
def token_distributions(histograms: pd.DataFrame, tokens: pd.DataFrame) -> Figure:
    """Output tokens per query: sampled, and by the distribution itself (figure s1).

    Parameters
    ----------
    histograms, tokens : DataFrame
        Tables histograms and output_tokens [tokens].
    """
    figure = new_figure(PAGE, 2.5 + NOTE_LINE)
    note(figure, [SPREADS])
    typical = [count(statistics(tokens, regime=regime)["p50"]) for regime in REGIMES]
    told = f"{typical[0]} (traditional) and {typical[1]} tokens (long)"
    headline(figure, f"Half of the answers are longer than {told}")
    for place, regime in enumerate(REGIMES):
        axis = frame(figure, 0.5 + 3.42 * place, 0.4 + NOTE_LINE, 3.6 - 3.42 * place, 0.48)
        panel_title(axis, place, REGIMES[regime])
        bins = histograms[
            (histograms["quantity"] == "output tokens") & (histograms["regime"] == regime)
        ]
        edges = np.append(bins["lower"], bins["upper"].iloc[-1])
        share = PERCENT * bins["count"] / statistics(tokens, regime=regime)["n"]
        axis.stairs(share, edges, fill=True, **area(REGIME_COLOURS[regime], 0.6))
        axis.set_xlim(0, edges[-1])
        axis.set_ylim(0, share.max() * 1.75)
        axis.set_xlabel("Output tokens per query")
        axis.set_ylabel(f"Queries per bin of {count(np.diff(edges).mean())} tokens [%]")
        axis.locator_params(axis="x", nbins=6)
        axis.xaxis.set_major_formatter("{x:,.0f}")
        engines = {"published": "sampled", "exact": "exact"}
        present = [engine for engine in engines if (tokens["engine"] == engine).any()]
        for line, engine in enumerate(present):
            values = statistics(tokens, regime=regime, engine=engine)
            y = share.max() * (1.5 - 0.3 * line)
            spread(axis, y, values, BLACK)
            middle, lower, upper = values[["p50", "p25", "p75"]]
            text = interval(middle, lower, upper, write=count)
            axis.annotate(
                f"{engines[engine]}: median (IQR) {text}",
                (values["p5"], y),
                xytext=(0, 4),
                textcoords="offset points",
            )
    return figure


def _sampling_error(energy: pd.DataFrame) -> str:
    """Say how far sampled medians of the blend are from the exact ones."""
    blend = energy[(energy["subject"] == TRIMMED) & (energy["statistic"] == "p50")]
    by_engine = blend.pivot_table("value", ["regime", "pathway"], "engine")
    largest = (by_engine["published"] / by_engine["exact"] - 1).abs().max()
    return f"Sampled medians (dashed) are within {percent(largest, '.2g')} of the exact ones"


@rc_context(SETTINGS)
def pathway_histograms(
    histograms: pd.DataFrame,
    energy: pd.DataFrame,
    densities: pd.DataFrame,
    method: Mapping[str, Any],
) -> Figure:
    """Sampled energies of the frontier blend under each pathway, over the exact density (s2).

    Parameters
    ----------
    histograms, energy, densities : DataFrame
        Tables histograms, energy_per_query [Wh] and densities.
    method : dict
        Resolved method.
    """
    total = 4.95
    figure = new_figure(PAGE, total)
    headline(figure, _sampling_error(energy))
    exact = densities[densities["subject"] == TRIMMED]
    samples = histograms[histograms["quantity"] == "energy"]
    height = 0.76
    tallest = exact["density"].max()
    for column, regime in enumerate(REGIMES):
        here = samples[samples["regime"] == regime]
        for row, (pathway, name) in enumerate(PATHWAYS.items()):
            last = row == len(PATHWAYS) - 1
            top = 0.55 + row * (height + 0.01)
            left = 0.5 + 3.42 * column
            axis = frame(figure, left, total - top - height + 0.06, 4.02 - left, top)
            values = statistics(energy, regime=regime, subject=TRIMMED, pathway=pathway)
            bins = here[here["series"] == pathway]
            edges = np.append(bins["lower"], bins["upper"].iloc[-1])
            share = bins["count"] / values["n"] / np.diff(np.log(edges))
            axis.stairs(share, edges, fill=True, **area(PATHWAY_COLOURS[pathway], 0.55))
            curve = exact[(exact["regime"] == regime) & (exact["pathway"] == pathway)]
            axis.plot(curve["energy_wh"], curve["density"], color=BLACK, linewidth=0.8)
            median = [values["p50"]] * 2
            axis.plot(
                median,
                [0, 1.2 * curve["density"].max()],
                color=BLACK,
                linewidth=0.6,
                linestyle="--",
            )
            log_axis(
                axis, ENERGY if last else "", *log_range([*here["lower"], *here["upper"]], 1.1)
            )
            axis.tick_params(labelbottom=last)
            axis.set_ylim(0, 1.7 * tallest)
            axis.locator_params(axis="y", nbins=3)
            text = interval(*values[["p50", "p25", "p75"]])
            style: dict[str, Any] = {"transform": axis.transAxes, "va": "top", "bbox": ON_WHITE}
            axis.text(0.01, 0.97, name, **style)
            axis.text(0.99, 0.97, text, ha="right", **style)
            if row == 0:
                panel_title(axis, column, regime_title(regime, method))
    figure.text(
        0.13 / PAGE,
        0.5,
        "Share of queries per unit of ln(energy)",
        rotation="vertical",
        ha="center",
        va="center",
    )
    told = "Bars: sampled queries; line: exact density, cut at P5 and P95."
    note(figure, [f"{told} Numbers: sampled median (IQR) [Wh]."], left=0.5)
    return figure


DASHES = ("-", (0, (3, 2)))
"""Line styles of the references, in the order of :func:`fleet_references`."""


def fleet_references(references: pd.DataFrame) -> dict[str, float]:
    """Reference lines of the fleet figures.

    Parameters
    ----------
    references : DataFrame
        Table of reference values.

    Returns
    -------
    dict of str to float
        Label to energy of a day [GWh/day].
    """
    value = dict(zip(references["quantity"], references["value"], strict=True))
    power, share = value["datacenter power"], value["datacenter utilisation"]
    datacenter = node_energy(SECONDS_PER_DAY, power * KW_PER_MW, share) / WH_PER_GWH
    search = value["web search"]
    at = f"{power:g} MW datacenter at {percent(share, 'g')}"
    return {
        f"{at}: {number(datacenter)} GWh/day": datacenter,
        f"web search, {value['web search per query']:g} Wh each: {number(search)} GWh/day": search,
    }


NAMES, NUMBERS, KEYS, FLEET_ROW = 0.72, 1.2, 0.62, 0.5
"""Room for names, for numbers and for keys, and height of a row of a fleet figure [in]."""

BOOTSTRAP = [
    "Whisker: P5–P95 of a bootstrap of the mean, sampling error alone.",
    "Diamond and line: what the paper prints, and what rounds to it.",
]
"""What the marks of the fleet figures are."""


def _fleet_figure(
    finding: str,
    rows: Sequence[Any],
    references: pd.DataFrame,
    method: Mapping[str, Any],
    keys: Sequence[Any],
    exact: Sequence[float],
) -> Figure:
    """Figure of bars on GWh/day from zero, and references that cross nothing but bars.

    Rows are (name, text, values, parts of the bar, their colours, claim of the paper or None);
    ``exact`` is what the bars are without sampling, or nothing [GWh/day].
    """
    lines = fleet_references(references)
    notes = list(BOOTSTRAP)
    if exact:
        told = ", ".join(map(number, exact))
        notes.append(f"Bars: seeded draws; without sampling {told} GWh.")
    below = BELOW + NOTE_LINE * len(notes)
    above = KEYS + (NOTE_LINE if keys else 0)
    figure = new_figure(COLUMN, above + FLEET_ROW * len(rows) + below)
    headline(figure, finding)
    note(figure, notes)
    axis = frame(figure, NAMES, below, NUMBERS, above)
    axis.set_ylim(0.5 - len(rows), 0.5)
    axis.set_yticks([-i for i in range(len(rows))], [row[0] for row in rows])
    axis.tick_params(axis="y", length=0)
    claims = (row[5] for row in rows if row[5] is not None)
    ends = [claim["value"] + half_step(claim["decimals"]) for claim in claims]
    axis.set_xlim(0, 1.05 * max(*(row[2]["p95"] for row in rows), *lines.values(), *ends))
    queries = method["fleet"]["queries_per_day"]["value"] / GIGA
    axis.set_xlabel(f"Energy of {queries:,g} billion queries [GWh/day]")
    axis.locator_params(axis="x", nbins=5)
    axis.grid(axis="x")
    handles = [
        axis.axvline(x, color=BLACK, linewidth=0.9, linestyle=dashes, label=label)
        for (label, x), dashes in zip(lines.items(), DASHES, strict=True)
    ]
    legend(figure, [*handles], 0.1, 0.29, ncols=1, labelspacing=0.15, handlelength=1.8)
    if keys:
        legend(figure, keys, 0.1, 0.57, labelspacing=0.15, handlelength=1.8)
    for i, (_, text, values, parts, colours, claim) in enumerate(rows):
        start = 0
        for width, colour in zip(parts, colours, strict=True):
            axis.barh(0.06 - i, width, left=start, height=0.4, **area(colour, 0.75))
            start += width
        axis.plot(values[["p5", "p95"]], [0.06 - i] * 2, color=BLACK, linewidth=2, zorder=3)
        told = ""
        if claim is not None:
            half = half_step(claim["decimals"])
            middle = claim["value"]
            printed(axis, -i - 0.28, (middle, middle - half, middle + half))
            told = f"\npaper {middle:.{claim['decimals']}f}"
        place: dict[str, Any] = {
            "transform": axis.get_yaxis_transform(),
            "va": "center",
            "linespacing": 1.1,
        }
        axis.text(1.05, -i, f"{text}{told}", **place)
    return figure


def _without_sampling(fleet: pd.DataFrame, chosen: Sequence[tuple[str, str]]) -> list[float]:
    """Energies of a day by scenario and pathway, where the exact engine has run. [GWh/day]"""
    if "exact" not in set(fleet["engine"]):
        return []
    return [
        statistics(fleet, engine="exact", scenario=scenario, pathway=pathway)["p50"]
        for scenario, pathway in chosen
    ]


def _printed_fleet(
    published: pd.DataFrame, method: Mapping[str, Any], scenario: str, pathway: str
) -> dict[Hashable, Any] | None:
    """Claim of the paper on a fleet's median, or None."""
    selector = f"fleet[scenario={scenario}; pathway={pathway}; statistic=p50]"
    return printed_numbers(published, method).get(selector)


@rc_context(SETTINGS)
def fleet_baseline(
    fleet: pd.DataFrame,
    references: pd.DataFrame,
    method: Mapping[str, Any],
    published: pd.DataFrame,
) -> Figure:
    """A day of traditional queries, baseline and improved (figure 3a).

    Parameters
    ----------
    fleet, references : DataFrame
        Table fleet [GWh/day] and the reference values.
    method : dict
        Resolved method.
    published : DataFrame
        The published claims of all versions.
    """
    rows = []
    for name, pathway in (("Baseline", "baseline"), ("Improved", "improved")):
        values = statistics(fleet, scenario="traditional", pathway=pathway)
        claim = _printed_fleet(published, method, "traditional", pathway)
        text = f"{number(values['p50'])}\n({number(values['p5'])}–{number(values['p95'])})"
        colours = [PATHWAY_COLOURS[pathway]]
        rows.append((name, text, values, [values["p50"]], colours, claim))
    saved = percent(1 - rows[1][2]["p50"] / rows[0][2]["p50"])
    finding = f"Improvements save {saved} of a fleet's energy"
    exact = _without_sampling(fleet, [("traditional", "baseline"), ("traditional", "improved")])
    return _fleet_figure(finding, rows, references, method, [], exact)


@rc_context(SETTINGS)
def fleet_mixed(
    fleet: pd.DataFrame,
    references: pd.DataFrame,
    method: Mapping[str, Any],
    published: pd.DataFrame,
) -> Figure:
    """A day of queries of which some are long: baseline, mixed, mixed and improved (figure 3b).

    Parameters are those of :func:`fleet_baseline`. The mixed bars are stacked of the traditional
    and the long queries' parts.
    """
    share = method["fleet"]["long_share"]["value"]
    long_queries = f"{percent(share, 'g')} long"
    rows = []
    drawn = (
        ("No long", "traditional", "baseline", 0),
        (long_queries, "mixed", "baseline", share),
        (f"{long_queries},\nimproved", "mixed", "improved", share),
    )
    for name, scenario, pathway, long in drawn:
        values = statistics(fleet, scenario=scenario, pathway=pathway)
        stack = [
            part * statistics(fleet, scenario=regime, pathway=pathway)["p50"]
            for regime, part in (("traditional", 1 - long), ("long", long))
        ]
        parts = " + ".join(number(part) for part in stack) + "\n= " if long else ""
        text = parts + interval(*values[["p50", "p5", "p95"]])
        claim = _printed_fleet(published, method, scenario, pathway)
        rows.append((name, text, values, stack, REGIME_COLOURS.values(), claim))
    times = number(rows[1][2]["p50"] / rows[0][2]["p50"])
    finding = f"{long_queries} queries multiply a fleet's energy by {times}"
    keys = [
        Patch(**area(colour, 0.75), label=f"{regime} queries")
        for regime, colour in REGIME_COLOURS.items()
    ]
    exact = _without_sampling(fleet, [row[1:3] for row in drawn])
    return _fleet_figure(finding, rows, references, method, keys, exact)


@rc_context(SETTINGS)
def input_length(sensitivity: pd.DataFrame) -> Figure:
    """Energy per query of the frontier blend at other input lengths, both regimes (figure s3).

    Parameters
    ----------
    sensitivity : DataFrame
        Table sensitivity [Wh].
    """
    lines = sensitivity[
        (sensitivity["analysis"] == "input_tokens") & (sensitivity["subject"] == TRIMMED)
    ]
    span = log_range(lines.loc[lines["statistic"].isin(["p5", "p95"]), "value"])
    known = sorted(lines["setting"].unique(), key=float)
    places = np.linspace(0, len(known) - 1, min(len(known), MOST_LENGTHS)).round().astype(int)
    lengths = [known[place] for place in places]
    height, gap = 3.3, 0.12
    width = (PAGE - 1.45 - gap * len(lengths)) / len(lengths)
    figure = new_figure(PAGE, height)
    for place, length in enumerate(lengths):
        left = 1.45 + place * (width + gap)
        axis = frame(figure, left, 0.62, PAGE - left - width, 0.48)
        panel_title(axis, place, f"{float(length):,g} input tokens")
        axis.set_ylim(0.5 - len(PATHWAYS), 0.5)
        axis.set_yticks([-i for i in range(len(PATHWAYS))], PATHWAYS.values() if not place else [])
        axis.tick_params(axis="y", length=0)
        log_axis(axis, ENERGY, *span)
        for i, pathway in enumerate(PATHWAYS):
            for regime, y in (("traditional", -i + 0.17), ("long", -i - 0.17)):
                values = statistics(lines, setting=length, regime=regime, pathway=pathway)
                spread(axis, y, values, REGIME_COLOURS[regime])
                axis.annotate(
                    number(values["p50"]),
                    (values["p50"], y),
                    xytext=(0, 3.5),
                    textcoords="offset points",
                    ha="center",
                )
    figure.text(0.12 / PAGE, 1 - 0.4 / height, "Frontier blend", color=DARK_GREY)
    ends = [
        [statistics(lines, setting=n, regime=r, pathway="baseline")["p50"] for r in REGIMES]
        for n in (lengths[0], lengths[-1])
    ]
    times = " and ".join(number(long / short) for short, long in zip(*ends, strict=True))
    tokens = [f"{float(n):,g}" for n in (lengths[0], lengths[-1])]
    told = f"{tokens[1]} instead of {tokens[0]} input tokens, both charged, take {times} times"
    headline(figure, f"{told} the energy (traditional and long)")
    keys = [Patch(color=REGIME_COLOURS[regime], label=name) for regime, name in REGIMES.items()]
    figure.legend(handles=keys, loc="lower center", ncols=len(keys))
    some = f"{len(lengths)} of {len(known)} input lengths are drawn; sensitivity.csv has all."
    note(figure, [*([some] if len(lengths) < len(known) else []), SPREADS])
    return figure


@rc_context(SETTINGS)
def utilisation_coupling(energy: pd.DataFrame, sensitivity: pd.DataFrame) -> Figure:
    """Energy per query with power utilisation tied to throughput, both regimes (figure s4).

    Parameters
    ----------
    energy, sensitivity : DataFrame
        Tables energy_per_query and sensitivity [Wh].
    """
    coupled = sensitivity[sensitivity["analysis"] == "power_utilisation_coupling"]
    models = sorted(
        set(energy["subject"]) - {s for s in energy["subject"] if s.startswith(TRIMMED)}
    )
    rows = [(name, name, "baseline") for name in models]
    rows += [(f"Blend: {name.lower()}", TRIMMED, pathway) for pathway, name in PATHWAYS.items()]
    header = ("grey: independent; colour: coupled", "median [Wh]")
    figure = new_figure(PAGE, rows_height(len(rows)) + TITLE)
    rises = [
        percent(
            statistics(coupled, regime=r, subject=TRIMMED, pathway="baseline")["p50"]
            / statistics(energy, regime=r, subject=TRIMMED, pathway="baseline")["p50"]
            - 1,
            "+.1f",
        ).replace("-", "−")
        for r in REGIMES
    ]
    told = "Power tied to throughput changes the blend's median by"
    headline(figure, f"{told} {rises[0]} (traditional) and {rises[1]} (long)", left=0.18)
    for place, regime in enumerate(REGIMES):
        pairs = [
            tuple(
                statistics(table, regime=regime, subject=subject, pathway=pathway)
                for table in (energy, coupled)
            )
            for _, subject, pathway in rows
        ]
        texts = [
            (
                name,
                f"{number(free['p50'])} → {number(tied['p50'])}"
                f" ({percent(tied['p50'] / free['p50'] - 1, '+.1f')})".replace("-", "−"),
            )
            for (name, _, _), (free, tied) in zip(rows, pairs, strict=True)
        ]
        left = 0.18 + place * 3.42
        axis = rows_axis(figure, texts, header, left, 3.54 - 3.42 * place, above=ABOVE + TITLE)
        panel_title(axis, place, REGIMES[regime], pad=14)
        ends = [values[p] for pair in pairs for values in pair for p in ("p5", "p95")]
        log_axis(axis, f"{ENERGY}: dot median, bar IQR, line P5–P95", *log_range(ends))
        for i, (free, tied) in enumerate(pairs):
            spread(axis, -i - 0.02, free, GREY)
            spread(axis, -i - 0.24, tied, REGIME_COLOURS[regime])
    return figure

"""Figures of the fleet and of the sensitivities: frames in, matplotlib Figure out."""

from matplotlib import rc_context
from matplotlib.patches import Patch

from inference_energy.estimate import TRIMMED
from inference_energy.figures import ENERGY, PATHWAYS, REGIMES, statistics
from inference_energy.style import (
    ABOVE,
    BLACK,
    COLUMN,
    DARK_GREY,
    GREY,
    LARGE,
    PAGE,
    PATHWAY_COLOURS,
    REGIME_COLOURS,
    SETTINGS,
    frame,
    interval,
    log_axis,
    log_range,
    new_figure,
    number,
    rows_axis,
    rows_height,
    spread,
)

LEGEND = 0.33
"""Room for the legend of a fleet figure [in]."""

HOURS_PER_DAY = 24

DASHES = ("-", (0, (3, 2)))
"""Line styles of the references, in the order of :func:`fleet_references`."""


def fleet_references(references):
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
    datacenter = power * share * HOURS_PER_DAY / 1000
    search = value["web search"]
    return {
        f"{power:g} MW datacenter at {100 * share:g} %: {number(datacenter)} GWh/day": datacenter,
        f"web search, {value['web search per query']:g} Wh each: {number(search)} GWh/day": search,
    }


def _fleet_axis(rows, header, references, method, keys):
    """Figure and axes of labelled rows on GWh/day from zero.

    The reference lines are explained above the rows, beside the keys of the bars' colours.
    """
    lines = fleet_references(references)
    above = ABOVE + LEGEND
    figure = new_figure(COLUMN, rows_height(len(rows)) + LEGEND)
    texts = [(name, text) for name, text, _ in rows]
    axis = rows_axis(figure, texts, ("", header), above=above)
    axis.set_xlim(0, 1.05 * max(*(values["p95"] for _, _, values in rows), *lines.values()))
    axis.set_xlabel("Energy of a day's queries [GWh/day]")
    axis.grid(axis="x")
    queries = method["fleet"]["queries_per_day"]["value"]
    axis.set_title(f"{queries / 1e9:,g} billion queries a day", pad=14 + 72 * LEGEND)
    handles = [
        axis.axvline(x, color=BLACK, linewidth=0.9, linestyle=dashes, label=label)
        for (label, x), dashes in zip(lines.items(), DASHES, strict=True)
    ]
    height = axis.get_position().height * figure.get_figheight()
    axis.legend(
        handles=[*handles, *keys],
        ncols=2 if keys else 1,
        loc="lower left",
        bbox_to_anchor=(0, 1 + 0.19 / height),
        borderaxespad=0,
        borderpad=0,
        handlelength=1.8,
        columnspacing=1,
    )
    return figure, axis


def _ends(axis, y, values):
    """P5 to P95 across the end of a bar."""
    axis.plot(values[["p5", "p95"]], [y, y], color=BLACK, linewidth=2, zorder=3)


@rc_context(SETTINGS)
def fleet_baseline(fleet, references, method):
    """A day of traditional queries, baseline and improved (figure 3a).

    Parameters
    ----------
    fleet, references : DataFrame
        Table fleet [GWh/day] and the reference values.
    method : dict
        Resolved method.
    """
    rows, colours = [], (PATHWAY_COLOURS["baseline"], PATHWAY_COLOURS["serving"])
    for name, pathway in (("Traditional", "baseline"), ("Traditional, improved", "improved")):
        values = statistics(fleet, scenario="traditional", pathway=pathway)
        rows.append((name, interval(*values[["p50", "p5", "p95"]]), values))
    figure, axis = _fleet_axis(rows, "median (P5–P95) [GWh/day]", references, method, [])
    for i, ((_, _, values), colour) in enumerate(zip(rows, colours, strict=True)):
        axis.barh(-i - 0.12, values["p50"], height=0.4, color=colour, alpha=0.75)
        _ends(axis, -i - 0.12, values)
    return figure


@rc_context(SETTINGS)
def fleet_mixed(fleet, references, method):
    """A day of queries of which some are long: baseline, mixed, mixed and improved (figure 3b).

    Parameters are those of :func:`fleet_baseline`. The mixed bars are stacked of the traditional
    and the long queries' parts.
    """
    share = method["fleet"]["long_share"]["value"]
    rows, stacks = [], []
    for name, scenario, pathway, long in (
        ("All traditional", "traditional", "baseline", 0),
        (f"{100 * share:g} % long", "mixed", "baseline", share),
        (f"{100 * share:g} % long, improved", "mixed", "improved", share),
    ):
        values = statistics(fleet, scenario=scenario, pathway=pathway)
        stack = [
            part * statistics(fleet, scenario=regime, pathway=pathway)["p50"]
            for regime, part in (("traditional", 1 - long), ("long", long))
        ]
        parts = " + ".join(number(part) for part in stack) + " = " if long else ""
        rows.append((name, parts + interval(*values[["p50", "p5", "p95"]]), values))
        stacks.append(stack)
    keys = [
        Patch(color=colour, alpha=0.75, label=regime) for regime, colour in REGIME_COLOURS.items()
    ]
    header = "traditional + long = median (P5–P95) [GWh/day]"
    figure, axis = _fleet_axis(rows, header, references, method, keys)
    for i, ((_, _, values), stack) in enumerate(zip(rows, stacks, strict=True)):
        start = 0
        for width, colour in zip(stack, REGIME_COLOURS.values(), strict=True):
            axis.barh(-i - 0.12, width, left=start, height=0.4, color=colour, alpha=0.75)
            start += width
        _ends(axis, -i - 0.12, values)
    return figure


@rc_context(SETTINGS)
def input_length(sensitivity):
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
    lengths = sorted(lines["setting"].unique(), key=float)
    height, gap = 3.1, 0.12
    width = (PAGE - 1.45 - gap * len(lengths)) / len(lengths)
    figure = new_figure(PAGE, height)
    for place, length in enumerate(lengths):
        left = 1.45 + place * (width + gap)
        axis = frame(figure, left, 0.62, PAGE - left - width, 0.28)
        axis.set_title(f"{float(length):,g} input tokens")
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
    heading = {"fontsize": LARGE, "color": DARK_GREY}
    figure.text(0.12 / PAGE, 1 - 0.2 / height, "Frontier blend", **heading)
    keys = [Patch(color=REGIME_COLOURS[regime], label=name) for regime, name in REGIMES.items()]
    figure.legend(handles=keys, loc="lower center", ncols=len(keys))
    return figure


@rc_context(SETTINGS)
def utilisation_coupling(energy, sensitivity):
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
    figure = new_figure(PAGE, rows_height(len(rows)))
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
                f" ({100 * (tied['p50'] / free['p50'] - 1):+.1f} %)".replace("-", "−"),
            )
            for (name, _, _), (free, tied) in zip(rows, pairs, strict=True)
        ]
        left = 0.18 + place * 3.5
        axis = rows_axis(figure, texts, header, left, 3.62 - 3.5 * place)
        axis.set_title(REGIMES[regime], pad=14)
        ends = [values[p] for pair in pairs for values in pair for p in ("p5", "p95")]
        log_axis(axis, ENERGY, *log_range(ends))
        for i, (free, tied) in enumerate(pairs):
            spread(axis, -i - 0.02, free, GREY)
            spread(axis, -i - 0.24, tied, REGIME_COLOURS[regime])
    return figure

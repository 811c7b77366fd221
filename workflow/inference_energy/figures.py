"""The paper's figures, from the result tables: frames in, matplotlib Figure out.

Numbers written in a figure are those of the seeded Monte Carlo, which the paper prints; the
outlines of the violins are the exact densities. Sizes and colours are in :mod:`.style`.
"""

import numpy as np
from matplotlib import rc_context

from inference_energy.estimate import TRIMMED
from inference_energy.style import (
    BLACK,
    BLUE,
    COLUMN,
    GREY,
    ON_WHITE,
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
    violin,
)

PATHWAYS = {
    "baseline": "Baseline",
    "hardware": "Hardware and datacenter",
    "model": "Model",
    "serving": "Serving platform",
    "combined": "All three combined",
}
REGIMES = {"traditional": "Traditional queries", "long": "Long queries"}
ENERGY = "Energy per query [Wh]"


def statistics(table, **where):
    """Statistics of one subject from a result table in its long form, by the published engine.

    Returns
    -------
    Series
        Values by statistic: p5, p25, p50, ...
    """
    for column, value in {"engine": "published", **where}.items():
        table = table[table[column] == value]
    return table.set_index("statistic")["value"]


def regime_title(regime, method):
    """Name of a regime with the median of its lengths, or the kind of their distribution."""
    lengths = method["regimes"][regime]["output_tokens"]
    if "median" in lengths:
        return f"{REGIMES[regime]} (median {lengths['median']:,g} output tokens)"
    return f"{REGIMES[regime]} ({lengths['distribution']} lengths)"


def _violins(title, header, rows, span):
    """Figure of labelled violins: rows of (left text, right text, density, values, colour)."""
    figure = new_figure(COLUMN, rows_height(len(rows)))
    axis = rows_axis(figure, [row[:2] for row in rows], header)
    axis.set_title(title, pad=14)
    scale = 0.27 / max(density["density"].max() for _, _, density, _, _ in rows)
    log_axis(axis, ENERGY, *span)
    for i, (_, _, density, values, colour) in enumerate(rows):
        violin(axis, -i - 0.14, density, values, scale, colour)
    return figure


@rc_context(SETTINGS)
def energy_by_model(energy, densities, method, regime):
    """Energy per query of each model (figures 1a and 2a).

    Parameters
    ----------
    energy, densities : DataFrame
        Tables energy_per_query [Wh] and densities.
    method : dict
        Resolved method.
    regime : str
        traditional or long.
    """
    chosen = densities[(densities["regime"] == regime) & (densities["subject"] != TRIMMED)]
    models = {
        name: (density, statistics(energy, regime=regime, subject=name, pathway="baseline"))
        for name, density in chosen.groupby("subject")
    }
    by_median = sorted(models, key=lambda name: -models[name][1]["p50"])
    rows = []
    for place, name in enumerate(by_median):
        density, values = models[name]
        blended = place < method["blend"]["models"]
        rows.append(
            (
                f"{name} *" if blended else name,
                interval(*values[["p50", "p25", "p75"]]),
                density,
                values,
                BLUE if blended else GREY,
            )
        )
    span = log_range(chosen["energy_wh"])
    header = ("* in the frontier blend", "median (IQR) [Wh]")
    return _violins(regime_title(regime, method), header, rows, span)


@rc_context(SETTINGS)
def energy_by_pathway(energy, densities, method, regime):
    """Energy per query of the frontier blend under each pathway (figures 1b and 2b).

    Parameters are those of :func:`energy_by_model`.
    """
    chosen = densities[(densities["regime"] == regime) & (densities["subject"] == TRIMMED)]
    rows, baseline = [], None
    for pathway, name in PATHWAYS.items():
        values = statistics(energy, regime=regime, subject=TRIMMED, pathway=pathway)
        baseline = baseline or values["p50"]
        reduction = "" if pathway == "baseline" else f", ÷ {number(baseline / values['p50'])}"
        rows.append(
            (
                f"{name}{reduction}",
                interval(*values[["p50", "p25", "p75"]]),
                chosen[chosen["pathway"] == pathway],
                values,
                PATHWAY_COLOURS[pathway],
            )
        )
    span = log_range(chosen["energy_wh"])
    header = ("Frontier blend, ÷ reduction of the median", "median (IQR) [Wh]")
    return _violins(regime_title(regime, method), header, rows, span)


@rc_context(SETTINGS)
def token_distributions(histograms, tokens):
    """Output tokens per query: sampled, and by the distribution itself (figure s1).

    Parameters
    ----------
    histograms, tokens : DataFrame
        Tables histograms and output_tokens [tokens].
    """
    figure = new_figure(PAGE, 2.3)
    for place, regime in enumerate(REGIMES):
        axis = frame(figure, 0.5 + 3.5 * place, 0.4, 3.7 - 3.5 * place, 0.28)
        axis.set_title(REGIMES[regime])
        bins = histograms[
            (histograms["quantity"] == "output tokens") & (histograms["regime"] == regime)
        ]
        edges = np.append(bins["lower"], bins["upper"].iloc[-1])
        share = 100 * bins["count"] / statistics(tokens, regime=regime)["n"]
        axis.stairs(share, edges, fill=True, color=REGIME_COLOURS[regime], alpha=0.6)
        axis.set_xlim(0, edges[-1])
        axis.set_ylim(0, share.max() * 1.75)
        axis.set_xlabel("Output tokens per query")
        axis.set_ylabel(f"Queries per bin of {np.diff(edges).mean():,.0f} tokens [%]")
        axis.locator_params(axis="x", nbins=6)
        axis.xaxis.set_major_formatter("{x:,.0f}")
        engines = {"published": "sampled", "exact": "exact"}
        present = [engine for engine in engines if (tokens["engine"] == engine).any()]
        for line, engine in enumerate(present):
            values = statistics(tokens, regime=regime, engine=engine)
            y = share.max() * (1.5 - 0.3 * line)
            spread(axis, y, values, BLACK)
            text = interval(*values[["p50", "p25", "p75"]], write="{:,.0f}".format)
            axis.annotate(
                f"{engines[engine]}: median (IQR) {text}",
                (values["p5"], y),
                xytext=(0, 4),
                textcoords="offset points",
            )
    return figure


@rc_context(SETTINGS)
def pathway_histograms(histograms, energy, densities, method):
    """Sampled energies of the frontier blend under each pathway, over the exact density (s2).

    Parameters
    ----------
    histograms, energy, densities : DataFrame
        Tables histograms, energy_per_query [Wh] and densities.
    method : dict
        Resolved method.
    """
    figure = new_figure(PAGE, 4.6)
    exact = densities[densities["subject"] == TRIMMED]
    samples = histograms[histograms["quantity"] == "energy"]
    height = 0.76
    tallest = exact["density"].max()
    for column, regime in enumerate(REGIMES):
        here = samples[samples["regime"] == regime]
        for row, (pathway, name) in enumerate(PATHWAYS.items()):
            last = row == len(PATHWAYS) - 1
            top = 0.35 + row * (height + 0.01)
            axis = frame(
                figure, 0.5 + 3.5 * column, 4.6 - top - height + 0.06, 3.62 - 3.5 * column, top
            )
            values = statistics(energy, regime=regime, subject=TRIMMED, pathway=pathway)
            bins = here[here["series"] == pathway]
            edges = np.append(bins["lower"], bins["upper"].iloc[-1])
            share = bins["count"] / values["n"] / np.diff(np.log(edges))
            axis.stairs(share, edges, fill=True, color=PATHWAY_COLOURS[pathway], alpha=0.55)
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
            style = {"transform": axis.transAxes, "va": "top", "bbox": ON_WHITE}
            axis.text(0.01, 0.97, name, **style)
            axis.text(0.99, 0.97, text, ha="right", **style)
            if row == 0:
                axis.set_title(regime_title(regime, method))
    figure.text(
        0.13 / PAGE,
        0.5,
        "Share of queries per unit of ln(energy)",
        rotation="vertical",
        ha="center",
        va="center",
    )
    return figure

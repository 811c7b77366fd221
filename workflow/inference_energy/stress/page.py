"""Numbers for the stress test's report, picked from its tables."""

from inference_energy.templates import render

KEYS = ["scope", "concurrency", "output_tokens"]


def report(settings, cells, power, energy, ratios, findings, sources):
    """Write the report of a stress test, finished or not.

    Parameters
    ----------
    settings : dict
        As in config/stress.yaml.
    cells, power, energy, ratios, findings : DataFrame
        The tables stress_cells, stress_power, stress_energy, stress_ratio and stress_findings.
    sources : list of str
        Power sources that were asked; empty when none was found.

    Returns
    -------
    str
        Markdown.
    """
    used = cells[cells["status"] == "measured"]
    lengths = cells.groupby("output_tokens")
    return render(
        "stress.md.jinja",
        settings=settings,
        sources=sources,
        cells=len(cells),
        used=len(used),
        measured=list(dict.fromkeys(energy["scope"])),
        energy=_energy(energy),
        ratios=ratios.to_dict("records"),
        power=_records(power.groupby(KEYS)[["power_w", "utilisation"]].mean()),
        performance=_records(used.groupby(KEYS[1:]).mean(numeric_only=True)),
        delivered=_records(
            lengths.agg(
                mean=("delivered_tokens", "mean"),
                low=("delivered_tokens_min", "min"),
                high=("delivered_tokens_max", "max"),
            )
        ),
        findings=findings.to_dict("records"),
    )


def _energy(table):
    """Mean, bounds and count of each cell that has an energy."""
    wide = table.pivot_table(index=KEYS, columns="statistic", values="value", dropna=False)
    return _records(wide.reindex(columns=["mean", "low", "high", "n"]).dropna(subset=["mean"]))


def _records(table):
    return table.reset_index().to_dict("records")

"""The stress test's report, in Markdown, from its tables."""

import numpy as np
import pandas as pd

SCOPES = {
    "gpu": "the GPUs",
    "cpu": "the CPU packages and their memory",
    "node": "the whole node",
}


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
    parts = [
        f"# Stress test of {settings['model']}",
        f"Endpoint {settings['endpoint']}. {len(cells)} of {settings['planned']} cells were run, "
        f"{len(used)} are used. Input {settings['input_tokens']} tokens; output "
        f"{', '.join(str(length) for length in settings['lengths'])} tokens.",
        "## Energy of a query",
        _energy(energy, sources),
    ]
    if len(energy):
        parts += [
            "## The longest query against the shortest",
            _ratios(ratios, settings["confidence"]),
            "## Power",
            _power(power),
        ]
    parts += [
        "## Throughput and latency",
        _performance(used),
        "## Lengths delivered",
        _lengths(cells),
        "## Findings",
        _findings(findings),
    ]
    return "\n\n".join(parts) + "\n"


def number(value, digits=3):
    """A number for a table: significant digits without an exponent, a dash where there is none."""
    if pd.isna(value):
        return "–"
    return f"{float(f'{value:.{digits}g}'):,.10g}"


def markdown(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _energy(energy, sources):
    if not sources:
        return (
            "Power source: none found. Energy was not measured; throughput and latency follow. "
            "Name a source with `power=` (docs/stress.md) to measure it."
        )
    asked = f"Power source: {', '.join(sources)}."
    if energy.empty:
        return f"{asked} No cell has a usable energy: see the findings."
    keys = ["scope", "concurrency", "output_tokens"]
    wide = energy.pivot_table(index=keys, columns="statistic", values="value", dropna=False)
    wide = wide.reindex(columns=["mean", "low", "high", "n"]).dropna(subset=["mean"])
    rows = [
        (*keys, number(row["mean"]), _interval(row["low"], row["high"]), number(row["n"]))
        for keys, row in wide.iterrows()
    ]
    scopes = ", ".join(f"`{scope}`: {SCOPES[scope]}" for scope in dict.fromkeys(energy["scope"]))
    header = ["scope", "concurrency", "output tokens", "Wh a query", "interval", "cells"]
    return (
        f"{asked} At the meter, without PUE ({scopes}); the window's energy is shared by the "
        f"output tokens produced in it.\n\n{markdown(header, rows)}"
    )


def _interval(low, high):
    return "–" if pd.isna(low) else f"{number(low)} to {number(high)}"


def _ratios(ratios, confidence):
    rows = [
        (
            row["scope"],
            row["concurrency"],
            f"{row['longest']}/{row['shortest']} = {number(row['longest'] / row['shortest'])}",
            number(row["measured"]),
            _interval(row["low"], row["high"]),
            number(row["published"]),
            number(row["predicted"]),
            row["verdict"],
        )
        for row in ratios.to_dict("records")
    ]
    header = ["scope", "concurrency", "tokens", "energy", f"{confidence:.0%} interval"]
    header += ["published", "predicted", "the published ratio"]
    return markdown(header, rows) if rows else "Needs the shortest and the longest length."


def _power(power):
    rows = [
        (*keys, number(mean["power_w"]), number(mean["utilisation"]))
        for keys, mean in power.groupby(["scope", "concurrency", "output_tokens"])[
            ["power_w", "utilisation"]
        ]
        .mean()
        .iterrows()
    ]
    return markdown(["scope", "concurrency", "output tokens", "W", "GPU utilisation"], rows)


def _performance(cells):
    if cells.empty:
        return "No cell is used: see the findings."
    rows = []
    for keys, group in cells.groupby(["concurrency", "output_tokens"]):
        mean = group.select_dtypes(np.number).mean()
        rows.append(
            (
                *keys,
                number(mean["throughput_tps"]),
                *(
                    f"{number(mean[f'{name}_p50_s'])} / {number(mean[f'{name}_p99_s'])}"
                    for name in ("ttft", "itl", "latency")
                ),
                f"{mean['prefill_share']:.1%}",
                number(mean["window_s"]),
            )
        )
    header = ["concurrency", "output tokens", "tokens/s", "first token [s]", "between tokens [s]"]
    header += ["query [s]", "before the first token", "window [s]"]
    text = "Means of the repetitions; latencies as median / 99th percentile."
    return f"{text}\n\n{markdown(header, rows)}"


def _lengths(cells):
    rows = []
    for length, group in cells.groupby("output_tokens"):
        low, high = group["delivered_tokens_min"].min(), group["delivered_tokens_max"].max()
        rows.append((length, number(group["delivered_tokens"].mean(), 6), f"{low:g} to {high:g}"))
    return markdown(["asked", "delivered, mean", "range"], rows)


def _findings(findings):
    if findings.empty:
        return "None."
    effect = {"all": "cell not used", "energy": "energy not used"}
    rows = [
        (row["cell"], row["kind"], effect.get(row["refuses"], "remark"), row["message"])
        for row in findings.to_dict("records")
    ]
    return markdown(["cell", "kind", "effect", "what and remedy"], rows)

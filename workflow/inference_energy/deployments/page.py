"""The report of a deployment: one list of blocks, written as Markdown and as HTML."""

import base64
from html import escape

import numpy as np
import pandas as pd

from inference_energy.deployments.runs import marks
from inference_energy.text import interval, number

STYLE = (
    "body{font:15px/1.45 sans-serif;max-width:52rem;margin:1.5rem auto;padding:0 1rem;color:#111}"
    "h1{font-size:1.35rem}h2{font-size:1.05rem;margin:1.2rem 0 .3rem}img{width:100%}"
    "table{border-collapse:collapse;font-size:13px}"
    "td,th{padding:.15rem .6rem .15rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ddd}"
)
PERCENTILES = ("p5", "p25", "p50", "p75", "p95")
RUNS_SHOWN = 10


def blocks(title, deployment, tables, reference):
    """Write the report as blocks.

    Parameters
    ----------
    title : str
        Title of the deployment.
    deployment : Deployment
        As from ``deployments.build``.
    tables : dict of str to DataFrame
        Its tables ``energy_per_query``, ``energy_per_million_tokens``, ``per_day``, ``limits`` and
        ``assumptions``.
    reference : str
        Name of the method that the frontier blend is of.

    Returns
    -------
    list of tuple
        (kind, content): heading, subheading, paragraph, list, table (header and rows) or figure
        (name and description).
    """
    model = deployment.model.name
    energy = _wide(tables["energy_per_query"], ["regime", "subject"])
    blend = next(s for s in tables["energy_per_query"]["subject"] if s != model)
    tokens = _wide(tables["energy_per_million_tokens"], ["regime"])
    regimes = list(deployment.regimes)
    return [
        ("heading", title),
        ("paragraph", summary(deployment, tables)),
        ("subheading", "Energy per query [Wh]"),
        (
            "table",
            [
                "regime",
                *(p.upper() for p in PERCENTILES),
                "mean",
                f"{blend}: median (IQR)",
                "ratio of medians",
            ],
            [
                [
                    name,
                    *(number(energy.loc[(name, model), s]) for s in (*PERCENTILES, "mean")),
                    interval(*energy.loc[(name, blend), ["p50", "p25", "p75"]]),
                    f"{energy.loc[(name, model), 'p50'] / energy.loc[(name, blend), 'p50']:.2f}",
                ]
                for name in regimes
            ],
        ),
        (
            "paragraph",
            "Energy is that of the facility: accelerators, host and PUE. The frontier blend is the"
            f" paper's main estimate as {reference} computes it, trimmed as the paper trims it; the"
            " deployment's range is not trimmed.",
        ),
        ("figure", ("energy", "Energy per query of the deployment beside the paper's blend")),
        ("subheading", "Energy per million output tokens [kWh]"),
        (
            "table",
            ["regime", *(p.upper() for p in PERCENTILES), "all tokens together"],
            [
                [name, *(number(tokens.loc[name, s]) for s in (*PERCENTILES, "overall"))]
                for name in regimes
            ],
        ),
        ("subheading", "A day at the stated traffic"),
        ("table", *_day(tables["per_day"])),
        ("subheading", "What limits the answer"),
        ("list", _limits(deployment, tables["limits"])),
        ("figure", ("measured", "Measured runs and law against the lengths of the queries")),
        ("subheading", "At the measured lengths"),
        ("table", *_runs(deployment.runs)),
        ("subheading", "Facts behind the answer"),
        (
            "table",
            ["fact", "value", "basis", "source"],
            tables["assumptions"].sort_values("fact", key=_lower).to_numpy().tolist(),
        ),
    ]


def _lower(texts):
    return texts.str.lower()


def _wide(table, index):
    return table.pivot_table(index=index, columns="statistic", values="value")


def summary(deployment, tables):
    """Answer in a few sentences."""
    model = deployment.model.name
    energy = _wide(tables["energy_per_query"], ["subject", "regime"]).loc[model]
    answers = " and ".join(
        f"a {name} query takes {interval(*row[['p50', 'p25', 'p75']])} Wh"
        for name, row in energy.loc[list(deployment.regimes)].iterrows()
    )
    day = tables["per_day"].set_index(["quantity", "regime", "statistic"])
    parts = [
        f"{number(day.loc[(q, 'all', 'mean'), 'value'])} {_unit(day, q)}"
        for q in ("energy", "cost", "carbon")
    ]
    first = deployment.runs[deployment.runs["use"] == "yes"].iloc[0]
    return (
        f"{model} on {first['n_gpus']} x {first['gpu']} in {first['precision']}: {answers} (median,"
        f" IQR). The stated traffic takes {parts[0]}, {parts[1]} and {parts[2]}. {deployment.basis}"
    )


def _unit(day, quantity):
    return day.loc[(quantity, "all", "mean"), "unit"]


def _day(table):
    regimes = ["traditional", "long", "all"]
    lines = []
    for quantity in ("queries", "output tokens", "nodes", "energy", "cost", "carbon"):
        rows = table[table["quantity"] == quantity].set_index(["regime", "statistic"])["value"]
        unit = table.loc[table["quantity"] == quantity, "unit"].iloc[0]
        cells = [_amount(rows[name, "mean"]) for name in regimes]
        if ("all", "p5") in rows:
            cells[-1] += f" ({_amount(rows['all', 'p5'])}–{_amount(rows['all', 'p95'])})"
        name = "nodes, busy all day" if quantity == "nodes" else f"{quantity} [{unit}]"
        lines.append([name, *cells])
    return ["", *regimes[:-1], "all (P5–P95)"], lines


def _amount(value):
    if value == round(value):
        return f"{value:,.0f}"
    return number(value) if value < 1000 else f"{float(f'{value:.4g}'):,.0f}"


def _limits(deployment, table):
    measured = table[table["regime"] == "measured"].set_index("quantity")["value"]
    used = deployment.runs[deployment.runs["use"] == "yes"]
    lengths = {
        name: _range(measured[f"{name}, smallest"], measured[f"{name}, largest"])
        for name in ("input tokens", "output tokens")
    }
    lines = [
        f"Measured: {measured['runs used']:.0f} of {measured['runs in the files']:.0f} runs,"
        f" shapes: {measured['shapes']:.0f}; input {lengths['input tokens']}, output"
        f" {lengths['output tokens']}. {deployment.basis}"
    ]
    for name in deployment.regimes:
        own = table[table["regime"] == name].set_index("quantity")["value"]
        over = own["p95 of output tokens over the longest measured"]
        line = (
            f"{name.capitalize()} queries have {own['output tokens, p5']:,.0f} to"
            f" {own['output tokens, p95']:,.0f} output tokens (P5–P95)"
            f" and {own['input tokens']:,.0f} input tokens;"
            f" {_percent(own['queries outside the measured lengths'])} of them, with"
            f" {_percent(own['node time outside the measured lengths'])} of the node time, lie"
            " outside the measured lengths"
        )
        if over == over:
            line += f"; P95 is {number(over, 2)} times the longest measured output"
        held = own["node time if held at the nearest measured length"]
        if abs(held - 1) > 0.005:
            line += (
                "; at the throughput of the nearest measured length their node time would be"
                f" {held:.2f} times that of the law"
            )
        lines.append(line + ".")
    lines.append(_power_limit(deployment))
    concurrency = measured["concurrency"]
    load = (
        "an unlimited or unknown number of requests"
        if concurrency != concurrency
        else f"{concurrency:g} requests"
    )
    lines.append(
        f"Every node is taken to serve {load} at once whenever it runs; idle hours are not charged."
    )
    dropped = deployment.runs[deployment.runs["use"] == "marked"]
    if len(dropped):
        lines.append(f"Not used: {len(dropped)} runs, as their {_reasons(dropped)}.")
    kept = used[used["status"] != "ok"]
    if len(kept):
        lines.append(f"Used with a mark: {len(kept)} runs, as their {_reasons(kept)}.")
    return lines


def _reasons(runs):
    return "; ".join(sorted({mark for status in runs["status"] for mark in marks(status)}))


def _power_limit(deployment):
    kilowatt = number(float(np.exp(deployment.power.factor.mu)))
    if deployment.power.boundary == "node":
        return f"Power was measured at the node: {kilowatt} kW."
    if deployment.power.boundary == "accelerator":
        return (
            f"Power was measured at the accelerators, {number(deployment.power.accelerators)} kW;"
            f" with the stated host power it is {kilowatt} kW."
        )
    return (
        f"Power was not measured: {kilowatt} kW is the method's node power times its utilisation"
        " (median)."
    )


def _range(low, high):
    if low != low:
        return "not told by the files"
    return (
        f"{low:,.0f} tokens"
        if f"{low:.0f}" == f"{high:.0f}"
        else f"{low:,.0f} to {high:,.0f} tokens"
    )


def _percent(share):
    text = f"{100 * share:.0f} %"
    return "more than 99 %" if text == "100 %" and share < 1 else text


def _runs(runs):
    used = runs[runs["use"] == "yes"].sort_values(["output_tokens", "input_tokens"])
    header = [
        "input tokens",
        "output tokens",
        "requests at once",
        "tokens/s",
        "power [kW]",
        "energy per query [Wh]",
        "file",
    ]
    columns = [
        "input_tokens",
        "output_tokens",
        "concurrency",
        "throughput_tps",
        "power_kw",
        "energy_wh",
    ]
    rows = [
        ["–" if pd.isna(value) else _amount(value) for value in row[:-1]] + [row[-1]]
        for row in used[[*columns, "source_file"]].head(RUNS_SHOWN).to_numpy(object).tolist()
    ]
    if len(used) > RUNS_SHOWN:
        rows.append([f"and {len(used) - RUNS_SHOWN} more in runs.csv", *[""] * len(columns)])
    return header, rows


def to_markdown(parts):
    """Markdown of the blocks; figures are the PNG files beside it."""
    return "\n\n".join(_markdown(*part) for part in parts) + "\n"


def _markdown(kind, *content):
    if kind == "table":
        header, rows = content
        lines = [header, ["---"] * len(header), *rows]
        clean = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
        return "\n".join(f"| {' | '.join(line)} |" for line in clean)
    if kind == "list":
        return "\n".join(f"- {item}" for item in content[0])
    if kind == "figure":
        name, description = content[0]
        return f"![{description}]({name}.png)"
    return {"heading": "# ", "subheading": "## ", "paragraph": ""}[kind] + content[0]


def to_html(parts, images):
    """Self-contained HTML of the blocks.

    Parameters
    ----------
    parts : list of tuple
        As from ``blocks``.
    images : dict of str to bytes
        SVG of each figure.
    """
    title = escape(parts[0][1])
    body = "\n".join(_html(images, *part) for part in parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _html(images, kind, *content):
    if kind == "table":
        header, rows = content
        head = _row("th", header)
        return f"<table>{head}{''.join(_row('td', row) for row in rows)}</table>"
    if kind == "list":
        return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in content[0])}</ul>"
    if kind == "figure":
        name, description = content[0]
        data = base64.b64encode(images[name]).decode("ascii")
        return f'<img alt="{escape(description)}" src="data:image/svg+xml;base64,{data}">'
    tag = {"heading": "h1", "subheading": "h2", "paragraph": "p"}[kind]
    return f"<{tag}>{escape(content[0])}</{tag}>"


def _row(tag, cells):
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

"""The coefficients as a JSON document for other programs."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from inference_energy.coefficients.rows import TIERS
from inference_energy.coefficients.table import LOADS, QUERY
from inference_energy.tables import format_number

SCHEMA_VERSION = "1.0"
"""Of the document: the first number rises where a program must change to read it."""

TOKENS = {
    "input": "input tokens that are computed",
    "cached": "input tokens that are found in the cache",
    "output": "output tokens",
}
"""Kinds of tokens, by the beginning of their columns."""


def document(table: pd.DataFrame, project: Mapping[str, Any]) -> str:
    """Write the coefficients as JSON: what they are, then one line each.

    Parameters
    ----------
    table : DataFrame
        Schema ``coefficients``.
    project : mapping
        Section ``project`` of pyproject.toml.
    """
    head = {
        "title": "Energy of AI inference per million tokens",
        "schema_version": SCHEMA_VERSION,
        "version": project["version"],
        "licence": project["license"],
        "cite": f"{project['name']} {project['version']}, as in CITATION.cff; name the row",
        "documentation": "docs/coefficients.md",
        "unit": "Wh per million tokens",
        "boundary": "node of eight GPUs: GPUs, host, fans and power supply; without PUE",
        "formula": (
            "Wh = PUE * (input.median * computed_input_tokens + cached.median * cached_input_tokens"
            " + output.median * output_tokens) / 1e6"
        ),
        "query": QUERY,
        "tokens": TOKENS,
        "loads_in_requests": {
            name: "as many as fit" if name == "best" else f"{name} at once on the node"
            for name in LOADS
        },
        "tiers": TIERS,
        "rows": "results/coefficients_rows.csv",
    }
    # what follows the last brace of the head
    start = json.dumps(head, indent=2)[: -len("\n}")]
    lines = ",\n".join(f"    {json.dumps(_entry(row))}" for row in table.to_dict("records"))
    return f'{start},\n  "coefficients": [\n{lines}\n  ]\n}}\n'


def _entry(row):
    """One coefficient of every kind of tokens, with the digits of the table."""
    known = {name: row[name] for name in ("model", "gpu", "format", "load", "tier", "n_rows")}
    ends = {"median": "", "p5": "_p5", "p95": "_p95"}
    energies = {
        kind: {name: float(format_number(row[f"{kind}{end}_wh"])) for name, end in ends.items()}
        for kind in TOKENS
    }
    return known | {"node_kw": float(format_number(row["node_kw"]))} | energies

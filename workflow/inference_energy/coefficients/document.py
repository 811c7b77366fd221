"""The coefficients as a JSON document for other programs, and the schema that it keeps."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from inference_energy.coefficients.lengths import AGENT, USES, factor_column
from inference_energy.coefficients.rows import TIERS
from inference_energy.coefficients.table import LOADS, QUERY
from inference_energy.tables import format_number

SCHEMA_VERSION = "1.2"
"""Of the document: the first number rises where a program must change to read it."""

TOKENS = {
    "input": "input tokens that are computed",
    "cached": "input tokens that are found in the cache",
    "output": "output tokens",
}
"""Kinds of tokens, by the beginning of their columns."""

SCHEMA = "coefficients.schema.json"
"""File beside the document that has its schema."""

ENDS = {"median": "", "p5": "_p5", "p95": "_p95"}
"""What is given of an energy, by name, and the ends of its columns."""


def document(table: pd.DataFrame, project: Mapping[str, Any], call: Mapping[str, float]) -> str:
    """Write the coefficients as JSON: what they are, then one line each.

    Parameters
    ----------
    table : DataFrame
        Schema ``coefficients``.
    project : mapping
        Section ``project`` of pyproject.toml.
    call : mapping of str to float
        Lengths of the agents' mean call. [tokens]
    """
    head = {
        "$schema": SCHEMA,
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
        "factor": (
            "multiply Wh with factor[use] where the lengths are like those of factor_lengths[use],"
            " not of query; null: the model's context or the cache holds no such request"
        ),
        "factor_lengths": USES | {AGENT: dict(call)},
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


def schema(columns: Mapping[str, Any]) -> str:
    """Write the JSON Schema of the document.

    What it requires stays while the first number of SCHEMA_VERSION does; more may come.

    Parameters
    ----------
    columns : mapping
        Schema ``coefficients`` of the table, whose descriptions and limits it has.
    """
    of = columns["properties"]
    told = ("description", "type", "enum", "minimum", "exclusiveMinimum", "unit")
    known = {
        name: {key: of[name][key] for key in told if key in of[name]}
        for name in ("model", "gpu", "format", "load", "tier", "n_rows", "node_kw", "requests")
    }
    energy = {"type": "number", "exclusiveMinimum": 0, "unit": "Wh per million tokens"}
    known |= {
        kind: {
            "description": text,
            "type": "object",
            "required": list(ENDS),
            "properties": dict.fromkeys(ENDS, energy),
        }
        for kind, text in TOKENS.items()
    }
    required = [name for name in known if name != "requests"]
    known["factor"] = {
        "description": "Energy of the laws over that of the formula, by factor_lengths.",
        "type": "object",
        "properties": {
            use: {"type": ["number", "null"], "exclusiveMinimum": 0} for use in (*USES, AGENT)
        },
    }
    row = {"type": "object", "required": required, "properties": known}
    texts = ("version", "licence", "cite", "unit", "boundary", "formula")
    head: dict[str, Any] = {name: {"type": "string"} for name in texts}
    head["schema_version"] = {"type": "string", "pattern": f"^{SCHEMA_VERSION.split('.')[0]}[.]"}
    head["tiers"] = {"type": "object", "required": list(TIERS)}
    head["coefficients"] = {"type": "array", "items": row}
    document = {
        "$schema": columns["$schema"],
        "title": "results/coefficients.json",
        "description": columns["description"],
        "type": "object",
        "required": list(head),
        "properties": head,
    }
    return json.dumps(document, indent=2) + "\n"


def _entry(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """One coefficient of every kind of tokens, with the digits of the table."""
    known = {name: row[name] for name in ("model", "gpu", "format", "load", "tier", "n_rows")}
    energies = {
        kind: {name: float(format_number(row[f"{kind}{end}_wh"])) for name, end in ENDS.items()}
        for kind in TOKENS
    }
    factors = {use: row[factor_column(use)] for use in (*USES, AGENT)}
    return (
        known
        | {name: float(format_number(row[name])) for name in ("node_kw", "requests")}
        | energies
        | {
            "factor": {
                use: None if pd.isna(x) else float(format_number(x)) for use, x in factors.items()
            }
        }
    )

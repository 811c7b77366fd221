"""Verdict on every claim of the paper for one method."""

from pathlib import Path

import yaml
from inference_energy import estimate
from inference_energy.claims import Evidence, judge
from inference_energy.methods import build, merge
from inference_energy.tables import read_table, write_table
from logged import run
from setups import read_sources

TABLES = ("energy_per_query", "output_tokens", "fleet", "sensitivity")


def exact_evidence(method, sources, figures):
    """Results of the exact engine for a method that has not been run."""
    setup = build(method, **sources)
    tables = {
        "energy_per_query": estimate.energy_per_query(setup, ["exact"]),
        "output_tokens": estimate.output_tokens(setup, ["exact"]),
        "fleet": estimate.fleet(setup, ["exact"]),
    }
    return Evidence(method, tables, figures)


def main(snakemake):
    """Judge and write."""
    read = snakemake.input
    method, sources = read_sources(read)
    findings = yaml.safe_load(Path(read.findings).read_text(encoding="utf-8"))
    estimates = read_table(read.estimates, "estimates")
    references = read_table(read.references, "references")
    figures = {
        "estimate": dict(zip(estimates["id"], estimates["value_wh"], strict=True)),
        "reference": dict(zip(references["quantity"], references["value"], strict=True)),
    }
    tables = {name: read_table(getattr(read, name), name) for name in TABLES}
    alternatives = {
        finding["id"]: exact_evidence(merge(method, finding["override"]), sources, figures)
        for finding in findings
        if "override" in finding
    }
    table = judge(
        read_table(read.claims, "claims_published"),
        method["claims"],
        Evidence(method, tables, figures),
        alternatives,
        findings,
        snakemake.params.engines,
    )
    write_table(table, snakemake.output[0], "claims")


if __name__ == "__main__":
    run(main, snakemake)

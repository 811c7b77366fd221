"""Write the report, one page with everything in it."""

from pathlib import Path

from _logged import run
from inference_energy import documents
from inference_energy.pages import report
from inference_energy.tables import read_table, write_text
from inference_energy.templates import render

OF_METHODS = ("energy_per_query", "fleet", "test_time", "claims", "evidence_verdicts")
SHARED = ("findings", "concurrency", "multiverse_distribution", "sobol_indices")


def example(title, table, figure):
    """Energies of a deployment's queries [Wh], and its figure."""
    energy = read_table(table, "energy_per_query")
    own = energy[~energy["subject"].str.startswith("frontier blend")]
    pairs = own.set_index(["regime", "statistic"])["value"]
    regimes = {regime: pairs[regime].to_dict() for regime in ("traditional", "long")}
    return {"title": title, "energy": regimes, "picture": report.picture(figure)}


def main(snakemake):
    """Read the tables and figures of the run, gather, render."""
    read, params = snakemake.input, snakemake.params
    tables = {
        name: {table: read_table(read[table][place], table) for table in OF_METHODS}
        for place, name in enumerate(params.methods)
    }
    shared = {name: read_table(read[name], name) for name in SHARED}
    shared["claims"] = {
        name: read_table(path, "claims")
        for name, path in zip(params.papers, read.all_claims, strict=True)
    }
    pictures = {
        group: {Path(path).stem: report.picture(path) for path in read[f"{group}_figures"]}
        for group in ("paper", "own", "evidence", "audit")
    }
    deployments = [
        example(title, table, figure)
        for title, table, figure in zip(
            params.deployments, read.deployment_tables, read.deployment_figures, strict=True
        )
    ]
    longer = documents.read(read.scaling)["longer"]["factor"]
    nominal = documents.read(read.evidence)["nominal_coverage"]
    values = report.gather(
        params.methods, tables, shared, pictures, deployments, params.drawn, longer, nominal
    )
    write_text(snakemake.output[0], render("pages/report.html.jinja", **values))


if __name__ == "__main__":
    run(main, snakemake)

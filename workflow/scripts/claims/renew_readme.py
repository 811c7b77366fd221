"""Write the README with its numbers renewed, beside the one in the repository."""

from pathlib import Path

from _logged import run
from inference_energy import documents
from inference_energy.claims.readme import headline, paper_table, splice
from inference_energy.reports import told
from inference_energy.robustness.uncertainty import named_to_halve
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Read the tables of all methods and renew the blocks."""
    tables = {
        method: {table: read_table(path, table) for table, path in paths.items()}
        for method, paths in snakemake.params.tables.items()
    }
    paper = snakemake.params.paper
    scaling = documents.read(snakemake.input.scaling)
    longer = f"{scaling['longer']['factor']:g} times"
    spreads = {method: of["uncertainty"] for method, of in tables.items()}
    halving = {
        method: named_to_halve(parts[parts["regime"] == "traditional"])
        for method, parts in spreads.items()
    }
    blocks = {
        "headline": headline(tables, longer, halving),
        "paper": paper_table(tables[paper]["claims"], paper),
    }
    text = Path(snakemake.input.readme).read_text(encoding="utf-8")
    write_text(snakemake.output[0], told(splice(text, blocks), "."))


if __name__ == "__main__":
    run(main, snakemake)

"""Write docs/evidence.md from the tables of public evidence."""

from pathlib import Path

from _logged import run
from inference_energy.evidence.page import page
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Read the tables, write the page."""
    read = snakemake.input
    verdicts = {
        name: read_table(path, "evidence_verdicts")
        for name, path in zip(snakemake.params.methods, read.verdicts, strict=True)
    }
    paths = [*read.tables, read.concurrency, read.blackwell]
    tables = {Path(path).stem: read_table(path, Path(path).stem) for path in paths}
    estimates = read_table(read.estimates, "estimates")
    text = page(
        verdicts, tables, estimates, snakemake.params.settings, snakemake.params.reported[0]
    )
    write_text(snakemake.output[0], text)


if __name__ == "__main__":
    run(main, snakemake)

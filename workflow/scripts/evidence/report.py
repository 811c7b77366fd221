"""Write docs/evidence.md, every line of evidence, and what the factors leave."""

from pathlib import Path

from _logged import run
from inference_energy.evidence.page import each, page, remainders
from inference_energy.reports import told
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Read the tables, write the pages."""
    read = snakemake.input
    names = snakemake.params.methods
    verdicts, predicted = (
        {name: read_table(path, table) for name, path in zip(names, paths, strict=True)}
        for table, paths in (
            ("evidence_verdicts", read.verdicts),
            ("predicted", read.predicted),
        )
    )
    paths = [*read.tables, read.concurrency, read.blackwell, read.production]
    tables = {Path(path).stem: read_table(path, Path(path).stem) for path in paths}
    estimates = read_table(read.estimates, "estimates")
    metered = read_table(read.metered, "inferencex")
    reported = snakemake.params.reported[0]
    settings = snakemake.params.settings
    text = page(verdicts, predicted, tables, estimates, metered, reported)
    write_text(snakemake.output.page, told(text, Path(snakemake.output.page).parent))
    write_text(snakemake.output.each, each(verdicts, tables, estimates, settings, reported))
    write_text(snakemake.output.remainders, remainders(tables, settings, reported))


if __name__ == "__main__":
    run(main, snakemake)

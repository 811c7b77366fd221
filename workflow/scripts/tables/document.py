"""Write results/README.md: what every table holds, from its schema."""

from _logged import run
from inference_energy.tables import describe_tables, write_text
from inference_energy.templates import render


def main(snakemake):
    """Write the page."""
    tables = sorted(describe_tables(snakemake.params.names), key=lambda table: table["title"])
    write_text(snakemake.output[0], render("tables/tables.md.jinja", tables=tables))


if __name__ == "__main__":
    run(main, snakemake)

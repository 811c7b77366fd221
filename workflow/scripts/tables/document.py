"""Write results/README.md: what every table holds, from its schema."""

from _logged import run
from inference_energy.tables import describe_tables, write_text
from inference_energy.templates import render


def main(snakemake):
    """Write the page."""
    page = render("tables.md.jinja", tables=describe_tables(snakemake.params.names))
    write_text(snakemake.output[0], page)


if __name__ == "__main__":
    run(main, snakemake)

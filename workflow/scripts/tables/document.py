"""Write results/README.md: what every table holds, from its schema."""

from _logged import run
from inference_energy.tables import document_schemas, write_text

HEAD = """# Tables of this folder

Written from the schemas in `workflow/schemas/tables/`. The tables are long: one number per line,
sorted, six significant digits, empty where a column does not apply. Each method has a folder.

"""


def main(snakemake):
    """Write the page."""
    write_text(snakemake.output[0], HEAD + document_schemas(snakemake.params.names))


if __name__ == "__main__":
    run(main, snakemake)

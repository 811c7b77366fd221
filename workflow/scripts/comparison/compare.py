"""Compare two methods: settings, headline, verdicts and results."""

from _logged import run
from _setups import read_materials
from inference_energy import documents
from inference_energy.comparison.compare import comparison
from inference_energy.comparison.medians import ExactMedians
from inference_energy.comparison.page import comparison_page
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Read both methods' results, write the table and the page."""
    read, names = snakemake.input, snakemake.wildcards
    base, head = (documents.read(path) for path in (read.base, read.head))
    results_base, results_head = (
        {
            schema: read_table(path, schema)
            for schema, path in zip(snakemake.params.schemas, paths, strict=True)
        }
        for paths in (read.results_base, read.results_head)
    )
    write_table(
        comparison(base, head, results_base, results_head, ExactMedians(read_materials(read))),
        snakemake.output.table,
        "comparison",
    )
    table = read_table(snakemake.output.table, "comparison")
    write_text(snakemake.output.page, comparison_page(table, names.base, names.head))


if __name__ == "__main__":
    run(main, snakemake)

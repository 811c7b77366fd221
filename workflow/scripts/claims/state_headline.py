"""Write results/headline.csv from the tables of all methods."""

from _logged import run
from inference_energy import documents
from inference_energy.claims.headline import headline, together
from inference_energy.claims.selectors import Results
from inference_energy.tables import read_table, write_table

TABLES = ("energy_per_query", "fleet", "test_time")


def main(snakemake):
    """Read the tables of every method and write the headline."""
    read, methods = snakemake.input, snakemake.params.methods
    of = {
        table: dict(zip(methods, (read_table(path, table) for path in read[table]), strict=True))
        for table in (*TABLES, "claims")
    }
    factor = documents.read(read.scaling)["longer"]["factor"]
    published = read_table(read.published, "claims_published")
    lines = [
        headline(
            name,
            Results(method, {table: of[table][name] for table in TABLES}, {}),
            of["claims"][name],
            published,
            f"{factor:g} times",
        )
        for name, method in methods.items()
    ]
    write_table(together(lines, methods), snakemake.output[0], "headline")


if __name__ == "__main__":
    run(main, snakemake)

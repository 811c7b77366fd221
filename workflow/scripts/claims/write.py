"""Write results/claims.md from the claims tables of all methods."""

from _logged import run
from inference_energy.claims.page import claims_page
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Read the verdicts, write the page."""
    methods = snakemake.params.methods
    tables = {
        name: read_table(path, "claims")
        for name, path in zip(methods, snakemake.input.claims, strict=True)
    }
    titles = {name: method["title"] for name, method in methods.items()}
    write_text(snakemake.output[0], claims_page(tables, titles))


if __name__ == "__main__":
    run(main, snakemake)

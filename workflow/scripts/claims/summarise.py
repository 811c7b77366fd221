"""Write results/claims.md from the claims of all methods."""

from _logged import run
from inference_energy.claims.page import claims_page
from inference_energy.tables import read_table, write_text


def main(snakemake):
    """Read the verdicts on every method and write the page."""
    titles, paths = snakemake.params.titles, snakemake.input.claims
    claims = {name: read_table(path, "claims") for name, path in zip(titles, paths, strict=True)}
    write_text(snakemake.output.page, claims_page(claims, titles))


if __name__ == "__main__":
    run(main, snakemake)

"""Figure of the claims held against one method."""

from _logged import run
from inference_energy.claims.figures import claims_chart
from inference_energy.drawing import save_all
from inference_energy.tables import read_table


def main(snakemake):
    """Draw and save."""
    claims = read_table(snakemake.input.claims, "claims")
    published = read_table(snakemake.input.published, "claims_published")
    save_all({"claims": claims_chart(claims, published)}, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

"""Figures of the energy per query of one method."""

from _logged import run
from inference_energy.drawing import save_all
from inference_energy.paper import figures
from inference_energy.tables import read_table


def main(snakemake):
    """Draw and save."""
    read, method = snakemake.input, snakemake.params.method
    energy = read_table(read.energy, "energy_per_query")
    tokens = read_table(read.tokens, "output_tokens")
    densities = read_table(read.densities, "densities")
    published = read_table(read.published, "claims_published")
    histograms = read_table(read.histograms, "histograms")
    shown = (energy, densities, method)
    drawn = {
        "s1": figures.token_distributions(histograms, tokens),
        "s2": figures.pathway_histograms(histograms, energy, densities, method),
    }
    for number, regime in (("1", "traditional"), ("2", "long")):
        drawn[f"{number}a"] = figures.energy_by_model(*shown, regime, published)
        drawn[f"{number}b"] = figures.energy_by_pathway(*shown, regime, published)
    save_all(drawn, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

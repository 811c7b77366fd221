"""The paper's figures of one method: energy per query, fleet and sensitivities."""

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
    histograms = read_table(read.histograms, "histograms")
    fleet = read_table(read.fleet, "fleet")
    sensitivity = read_table(read.sensitivity, "sensitivity")
    references = read_table(read.references, "references")
    published = read_table(read.published, "claims_published")
    of_queries = (energy, densities, method)
    of_fleet = (fleet, references, method, published)
    drawn = {
        "3a": figures.fleet_baseline(*of_fleet),
        "3b": figures.fleet_mixed(*of_fleet),
        "s1": figures.token_distributions(histograms, tokens),
        "s2": figures.pathway_histograms(histograms, energy, densities, method),
        "s3": figures.input_length(sensitivity),
        "s4": figures.utilisation_coupling(energy, sensitivity),
    }
    for number, regime in (("1", "traditional"), ("2", "long")):
        drawn[f"{number}a"] = figures.energy_by_model(*of_queries, regime, published)
        drawn[f"{number}b"] = figures.energy_by_pathway(*of_queries, regime, published)
    save_all(drawn, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

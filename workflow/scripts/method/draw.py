"""The paper's figures, of one method."""

from _logged import run
from inference_energy.drawing import save_all
from inference_energy.paper import figures
from inference_energy.tables import read_table

TABLES = {
    "energy": "energy_per_query",
    "tokens": "output_tokens",
    "densities": "densities",
    "blend": "blend",
    "histograms": "histograms",
    "fleet": "fleet",
    "sensitivity": "sensitivity",
    "references": "references",
    "published": "claims_published",
}


def main(snakemake):
    """Draw and save."""
    method = snakemake.params.method
    read = {name: read_table(snakemake.input[name], schema) for name, schema in TABLES.items()}
    energy, published = read["energy"], read["published"]
    of_queries = (energy, read["densities"], method)
    of_fleet = (read["fleet"], read["references"], method, published)
    drawn = {
        "3a": figures.fleet_baseline(*of_fleet),
        "3b": figures.fleet_mixed(*of_fleet),
        "s1": figures.token_distributions(read["histograms"], read["tokens"]),
        "s2": figures.pathway_histograms(read["histograms"], *of_queries),
        "s3": figures.input_length(read["sensitivity"]),
        "s4": figures.utilisation_coupling(energy, read["sensitivity"]),
    }
    for number, regime in (("1", "traditional"), ("2", "long")):
        drawn[f"{number}a"] = figures.energy_by_model(*of_queries, read["blend"], regime, published)
        drawn[f"{number}b"] = figures.energy_by_pathway(*of_queries, regime, published)
    save_all(drawn, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

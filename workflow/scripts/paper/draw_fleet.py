"""Figures of the fleet and the sensitivities of one method."""

from _logged import run
from inference_energy.drawing import save_all
from inference_energy.paper import figures
from inference_energy.tables import read_table


def main(snakemake):
    """Draw and save."""
    read, method = snakemake.input, snakemake.params.method
    energy = read_table(read.energy, "energy_per_query")
    fleet = read_table(read.fleet, "fleet")
    sensitivity = read_table(read.sensitivity, "sensitivity")
    references = read_table(read.references, "references")
    published = read_table(read.published, "claims_published")
    shown = (fleet, references, method, published)
    drawn = {
        "3a": figures.fleet_baseline(*shown),
        "3b": figures.fleet_mixed(*shown),
        "s3": figures.input_length(sensitivity),
        "s4": figures.utilisation_coupling(energy, sensitivity),
    }
    save_all(drawn, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

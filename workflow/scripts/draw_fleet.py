"""Figures of the fleet and the sensitivities of one method."""

from inference_energy import figures_fleet
from inference_energy.style import save_all
from inference_energy.tables import read_table
from logged import run


def main(snakemake):
    """Draw and save."""
    read, method = snakemake.input, snakemake.params.method
    energy = read_table(read.energy, "energy_per_query")
    fleet = read_table(read.fleet, "fleet")
    sensitivity = read_table(read.sensitivity, "sensitivity")
    references = read_table(read.references, "references")
    drawn = {
        "3a": figures_fleet.fleet_baseline(fleet, references, method),
        "3b": figures_fleet.fleet_mixed(fleet, references, method),
        "s3": figures_fleet.input_length(sensitivity),
        "s4": figures_fleet.utilisation_coupling(energy, sensitivity),
    }
    save_all(drawn, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

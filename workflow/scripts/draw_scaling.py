"""Figures of test-time scaling, water and carbon of one method."""

from inference_energy import figures_scaling
from inference_energy.style import save_all
from inference_energy.tables import read_table
from logged import run


def main(snakemake):
    """Draw and save."""
    read = snakemake.input
    lengths = read_table(read.scaling, "scaling")
    crossing = read_table(read.crossing, "crossing")
    footprint = read_table(read.footprint, "footprint")
    drawn = {
        "scaling": figures_scaling.scaling(lengths, crossing),
        "footprint": figures_scaling.footprint(footprint),
    }
    save_all(drawn, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

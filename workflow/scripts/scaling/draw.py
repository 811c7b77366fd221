"""Figures of test-time scaling, water and carbon of one method."""

from _logged import run
from inference_energy.drawing import save_all
from inference_energy.scaling import figures
from inference_energy.tables import read_table


def main(snakemake):
    """Draw and save."""
    read = snakemake.input
    lengths = read_table(read.scaling, "scaling")
    crossing = read_table(read.crossing, "crossing")
    footprint = read_table(read.footprint, "footprint")
    drawn = {
        "scaling": figures.scaling(lengths, crossing),
        "footprint": figures.footprint(footprint),
    }
    save_all(drawn, snakemake.output)


if __name__ == "__main__":
    run(main, snakemake)

"""Specification curve and tornado."""

from _logged import run
from inference_energy import documents, drawing
from inference_energy.robustness import figures
from inference_energy.tables import read_table


def main(snakemake):
    """Draw and write."""
    read, write = snakemake.input, snakemake.output
    choices, inputs = (documents.read(path) for path in (read.choices, read.inputs))
    curve = figures.specification_curve(
        read_table(read.curve, "specification_curve"),
        read_table(read.distribution, "multiverse_distribution"),
        read_table(read.variance, "multiverse_variance"),
        choices["choices"],
    )
    tornado = figures.tornado(
        read_table(read.tornado, "tornado"),
        read_table(read.indices, "sobol_indices"),
        inputs["inputs"],
    )
    drawing.save_all({"specification_curve": curve, "tornado": tornado}, write)


if __name__ == "__main__":
    run(main, snakemake)

"""Specification curve and tornado."""

from _logged import run
from inference_energy import documents, drawing
from inference_energy.method.provenance import as_stated
from inference_energy.robustness import figures
from inference_energy.robustness.files import on_base
from inference_energy.tables import read_table


def main(snakemake):
    """Draw and write."""
    read, write = snakemake.input, snakemake.output
    choices, base, schema, inputs = map(
        documents.read, (read.choices, read.method, read.method_schema, read.inputs)
    )
    base = as_stated(base)
    curve = figures.specification_curve(
        read_table(read.curve, "specification_curve"),
        read_table(read.distribution, "multiverse_distribution"),
        read_table(read.variance, "multiverse_variance"),
        on_base(choices, base, schema)["choices"],
        figures.name_of(base),
    )
    tornado = figures.tornado(
        read_table(read.tornado, "tornado"),
        read_table(read.indices, "sobol_indices"),
        inputs["inputs"],
    )
    drawing.save_all({"specification_curve": curve, "tornado": tornado}, write)


if __name__ == "__main__":
    run(main, snakemake)

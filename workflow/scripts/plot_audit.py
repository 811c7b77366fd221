"""Specification curve and tornado."""

from pathlib import Path

import yaml
from inference_energy import audit_figures, style
from inference_energy.tables import read_table
from logged import run


def main(snakemake):
    """Draw and write."""
    read, write = snakemake.input, snakemake.output
    choices, inputs = (
        yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        for path in (read.choices, read.inputs)
    )
    curve = audit_figures.specification_curve(
        read_table(read.curve, "specification_curve"),
        read_table(read.distribution, "multiverse_distribution"),
        read_table(read.variance, "multiverse_variance"),
        choices["choices"],
    )
    tornado = audit_figures.tornado(
        read_table(read.tornado, "tornado"),
        read_table(read.indices, "sobol_indices"),
        inputs["inputs"],
    )
    style.save_all({"specification_curve": curve, "tornado": tornado}, write)


if __name__ == "__main__":
    run(main, snakemake)

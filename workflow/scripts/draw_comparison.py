"""Draw the waterfall of a comparison."""

from pathlib import Path

import matplotlib as mpl
from inference_energy import waterfall
from inference_energy.tables import read_table
from logged import run


def main(snakemake):
    """Read the comparison, write the figure as SVG and PNG."""
    mpl.rcParams["svg.hashsalt"] = "inference-energy"
    table = read_table(snakemake.input.table, "comparison")
    figure = waterfall.draw(table, snakemake.wildcards.base, snakemake.wildcards.head)
    Path(snakemake.output.svg).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(snakemake.output.svg, metadata={"Date": None})
    figure.savefig(snakemake.output.png, dpi=150)


if __name__ == "__main__":
    run(main, snakemake)

"""Draw the waterfall of a comparison."""

from inference_energy import waterfall
from inference_energy.style import save
from inference_energy.tables import read_table
from logged import run


def main(snakemake):
    """Read the comparison, write the figure as SVG and PNG."""
    table = read_table(snakemake.input.table, "comparison")
    figure = waterfall.draw(table, snakemake.wildcards.base, snakemake.wildcards.head)
    for path in (snakemake.output.svg, snakemake.output.png):
        save(figure, path)


if __name__ == "__main__":
    run(main, snakemake)

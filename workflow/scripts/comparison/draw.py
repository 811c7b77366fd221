"""Draw the waterfall of a comparison."""

from _logged import run
from inference_energy.comparison import figures
from inference_energy.drawing import save
from inference_energy.tables import read_table


def main(snakemake):
    """Read the comparison, write the figure as SVG and PNG."""
    table = read_table(snakemake.input.table, "comparison")
    figure = figures.draw(table, snakemake.wildcards.base, snakemake.wildcards.head)
    for path in (snakemake.output.svg, snakemake.output.png):
        save(figure, path)


if __name__ == "__main__":
    run(main, snakemake)

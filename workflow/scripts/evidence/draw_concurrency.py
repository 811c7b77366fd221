"""Draw measured energy per token against concurrency."""

from _logged import run
from inference_energy.drawing import SETTINGS, save
from inference_energy.evidence.figures import concurrency
from inference_energy.tables import read_table
from matplotlib import rc_context


def main(snakemake):
    """Draw and write."""
    settings = snakemake.params.settings
    band = (settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"])
    figure = concurrency(read_table(snakemake.input.runs, "mlenergy"), band, settings["near_best"])
    with rc_context(SETTINGS):
        for path in snakemake.output:
            save(figure, path)


if __name__ == "__main__":
    run(main, snakemake)

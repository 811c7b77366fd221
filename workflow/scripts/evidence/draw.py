"""Draw the comparison of one method with public estimates and measurements."""

from pathlib import Path

from _logged import run
from _setups import read_setup
from inference_energy.drawing import SETTINGS, save
from inference_energy.evidence import figures as evidence_figures
from inference_energy.evidence.estimates import ABSTRACT, LIKE, PAPER
from inference_energy.tables import read_table
from matplotlib import rc_context


def main(snakemake):
    """Read the tables, draw and write."""
    read, settings = snakemake.input, snakemake.params.settings
    names = ("overestimates", "decomposition", "predicted", "wall_utilisation", "length_quantiles")
    tables = {name: read_table(read[name], name) for name in names}
    _, setup = read_setup(read)
    band = (settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"])
    ratios = tables["overestimates"]
    figures = {
        "overestimates_paper": evidence_figures.forest(ratios, PAPER, band),
        "overestimates_abstract": evidence_figures.forest(ratios, ABSTRACT, band),
        "overestimates_like_for_like": evidence_figures.forest(ratios, LIKE, band),
        "decomposition": evidence_figures.decomposition(tables["decomposition"], ratios, band),
        "predicted": evidence_figures.predicted(tables["predicted"]),
        "wall_utilisation": evidence_figures.wall_utilisation(
            tables["wall_utilisation"], setup.power_utilisation
        ),
        "length_quantiles": evidence_figures.length_quantiles(tables["length_quantiles"]),
    }
    with rc_context(SETTINGS):
        for path in map(Path, snakemake.output):
            save(figures[path.stem], path)


if __name__ == "__main__":
    run(main, snakemake)

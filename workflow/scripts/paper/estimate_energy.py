"""Throughput laws, energy per query, throughput and output tokens of one method."""

from _logged import run
from _setups import read_setup
from inference_energy.paper import estimate
from inference_energy.tables import write_table


def main(snakemake):
    """Estimate and write."""
    _, setup = read_setup(snakemake.input)
    engines, output = snakemake.params.engines, snakemake.output
    write_table(estimate.throughput_laws(setup), output.laws, "throughput_laws")
    write_table(estimate.energy_per_query(setup, engines), output.energy, "energy_per_query")
    write_table(estimate.throughput(setup, engines), output.throughput, "throughput_results")
    write_table(estimate.output_tokens(setup, engines), output.tokens, "output_tokens")
    write_table(estimate.extrapolation(setup), output.extrapolation, "extrapolation")
    write_table(estimate.members(estimate.blend(setup)), output.blend, "blend")
    write_table(estimate.densities(setup), output.densities, "densities")
    write_table(estimate.histograms(setup), output.histograms, "histograms")


if __name__ == "__main__":
    run(main, snakemake)

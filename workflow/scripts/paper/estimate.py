"""What the paper shows of one method: laws, energy per query, a fleet's day, sensitivities."""

from _logged import run
from _setups import read_setup
from inference_energy.paper import estimate
from inference_energy.tables import write_table


def main(snakemake):
    """Estimate and write."""
    method, setup = read_setup(snakemake.input)
    engines, output = snakemake.params.engines, snakemake.output
    write_table(estimate.throughput_laws(setup), output.laws, "throughput_laws")
    write_table(estimate.energy_per_query(setup, engines), output.energy, "energy_per_query")
    write_table(estimate.throughput(setup, engines), output.throughput, "throughput_results")
    write_table(estimate.output_tokens(setup, engines), output.tokens, "output_tokens")
    write_table(estimate.extrapolation(setup), output.extrapolation, "extrapolation")
    write_table(estimate.members(estimate.blend(setup)), output.blend, "blend")
    write_table(estimate.densities(setup), output.densities, "densities")
    write_table(estimate.histograms(setup), output.histograms, "histograms")
    write_table(estimate.fleet(setup, engines), output.fleet, "fleet")
    varied = estimate.sensitivity(setup, method["sensitivities"], engines)
    write_table(varied, output.sensitivity, "sensitivity")


if __name__ == "__main__":
    run(main, snakemake)

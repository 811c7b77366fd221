"""Fleet energy and sensitivities of one method."""

from _logged import run
from _setups import read_setup
from inference_energy.paper import estimate
from inference_energy.tables import write_table


def main(snakemake):
    """Estimate and write."""
    method, setup = read_setup(snakemake.input)
    engines, output = snakemake.params.engines, snakemake.output
    write_table(estimate.fleet(setup, engines), output.fleet, "fleet")
    table = estimate.sensitivity(setup, method["sensitivities"], engines)
    write_table(table, output.sensitivity, "sensitivity")


if __name__ == "__main__":
    run(main, snakemake)

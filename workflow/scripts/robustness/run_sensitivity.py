"""Sobol indices, tornado and needed values of the continuous inputs."""

from _logged import run
from _setups import read_setup
from inference_energy import documents
from inference_energy.robustness import sensitivity
from inference_energy.tables import write_table


def main(snakemake):
    """Compute and write."""
    read, write = snakemake.input, snakemake.output
    config, schema = (documents.read(path) for path in (read.config, read.config_schema))
    sensitivity.check_inputs(config, schema)
    _, setup = read_setup(read)
    inputs = sensitivity.known_inputs(setup, config["inputs"])
    sensitivity.check_base(setup, inputs)
    setup = sensitivity.quick(setup, inputs)
    indices = sensitivity.sobol_indices(setup, config | {"inputs": inputs}, snakemake.threads)
    write_table(indices, write.indices, "sobol_indices")
    write_table(sensitivity.tornado(setup, inputs), write.tornado, "tornado")
    write_table(sensitivity.needed_values(setup, inputs), write.needed, "needed_values")


if __name__ == "__main__":
    run(main, snakemake)

"""Reading the tables that the law that knows load is fitted to."""

from inference_energy.laws.training import training_rows
from inference_energy.tables import read_table


def read_training(inputs):
    """Rows of the fit, and the tables of models and GPUs, from a rule's inputs."""
    hardware = {name: read_table(inputs[name], name) for name in ("models", "gpus")}
    tables = [read_table(path, "throughput") for path in inputs.throughput]
    return training_rows(tables, read_table(inputs.steady, "mlenergy"), hardware), hardware

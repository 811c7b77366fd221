"""Read the tables of the laws with load and fit them."""

from inference_energy.evidence.law import LoadLaws
from inference_energy.tables import read_table

HARDWARE = ("models", "gpus", "nodes", "mlenergy", "inferencex", "wall_power")


def read_laws(inputs):
    """Return the LoadLaws; ``inputs`` has law_throughput (paths) and law_<table> of HARDWARE."""
    hardware = {name: read_table(inputs[f"law_{name}"], name) for name in HARDWARE}
    return LoadLaws.fit(
        [read_table(path, "throughput") for path in inputs.law_throughput], hardware
    )

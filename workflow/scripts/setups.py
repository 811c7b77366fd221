"""Read what every estimate starts from: a resolved method and its benchmark table."""

from pathlib import Path

import yaml
from inference_energy.methods import build
from inference_energy.tables import read_table


def read_setup(inputs):
    """Return the resolved method (dict) and the Setup built from it.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``method`` (YAML) and ``benchmarks`` (throughput table).
    """
    method = yaml.safe_load(Path(inputs.method).read_text(encoding="utf-8"))
    return method, build(method, read_table(inputs.benchmarks, "throughput"))

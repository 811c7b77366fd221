"""Read what every estimate starts from: a resolved method, benchmarks and request lengths."""

from pathlib import Path

import yaml
from inference_energy.methods import build, output_traces
from inference_energy.tables import read_table


def read_setup(inputs):
    """Return the resolved method (dict) and the Setup built from it.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``method`` (YAML), ``benchmarks`` (throughput table) and ``lengths`` (request lengths).
    """
    method = yaml.safe_load(Path(inputs.method).read_text(encoding="utf-8"))
    traces = output_traces(read_table(inputs.lengths, "request_lengths"))
    return method, build(method, read_table(inputs.benchmarks, "throughput"), traces)

"""Read what every estimate starts from: a resolved method and the tables that it uses."""

from pathlib import Path

import pandas as pd
import yaml
from inference_energy.methods import build
from inference_energy.tables import read_table


def read_traces(path):
    """Return the quantiles of output tokens of each trace."""
    traces = read_table(path, "request_lengths").sort_values("quantile")
    return {name: tuple(rows["output_tokens"]) for name, rows in traces.groupby("trace")}


def read_sources(inputs):
    """Return the resolved method (dict) and the tables to build it from, as keyword arguments.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``method`` (YAML), ``benchmarks`` (throughput tables), and where the method uses them
        ``traces``, ``models`` and ``gpus``.
    """
    method = yaml.safe_load(Path(inputs.method).read_text(encoding="utf-8"))
    tables = [read_table(path, "throughput") for path in inputs.benchmarks]
    table = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    sources = {"table": table.drop_duplicates(ignore_index=True)}
    if getattr(inputs, "traces", None):
        sources["traces"] = read_traces(inputs.traces)
    if getattr(inputs, "models", None):
        hardware = (inputs.models, "models"), (inputs.gpus, "gpus")
        sources["hardware"] = tuple(read_table(*table) for table in hardware)
    return method, sources


def read_setup(inputs):
    """Return the resolved method (dict) and the Setup built from it; ``inputs`` as above."""
    method, sources = read_sources(inputs)
    return method, build(method, **sources)

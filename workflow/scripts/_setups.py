"""Read what every estimate starts from: a resolved method and the tables that it uses."""

import pandas as pd
from inference_energy import documents
from inference_energy.method.build import build
from inference_energy.method.sources import tables_of
from inference_energy.tables import read_table


def read_all_sources(inputs):
    """Return a function of a resolved method to what it is built from, as keyword arguments.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``benchmarks`` (every throughput table that a method can name), ``traces``, ``models`` and
        ``gpus``.
    """
    tables = {path: read_table(path, "throughput") for path in inputs.benchmarks}
    shared = read_shared(inputs)

    def sources(method):
        return {"table": _joined([tables[path] for path in tables_of(method)])} | shared

    return sources


def _joined(tables):
    table = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    return table.drop_duplicates(ignore_index=True)


def read_shared(inputs):
    """Return the tables that methods share, as keyword arguments; ``inputs`` as above."""
    sources = {}
    if getattr(inputs, "traces", None):
        traces = read_table(inputs.traces, "request_lengths").sort_values("quantile")
        sources["traces"] = {
            name: tuple(rows["output_tokens"]) for name, rows in traces.groupby("trace")
        }
    if getattr(inputs, "models", None):
        hardware = (inputs.models, "models"), (inputs.gpus, "gpus")
        sources["hardware"] = tuple(read_table(*table) for table in hardware)
    return sources


def read_sources(inputs):
    """Return the resolved method (dict) and the tables to build it from, as keyword arguments.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``method`` (YAML), ``benchmarks`` (throughput tables), and where the method uses them
        ``traces``, ``models`` and ``gpus``.
    """
    method = documents.read(inputs.method)
    table = _joined([read_table(path, "throughput") for path in inputs.benchmarks])
    return method, {"table": table} | read_shared(inputs)


def read_setup(inputs):
    """Return the resolved method (dict) and the Setup built from it; ``inputs`` as above."""
    method, sources = read_sources(inputs)
    return method, build(method, **sources)

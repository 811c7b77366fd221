"""Read what every estimate starts from: a resolved method and the tables that it uses."""

from inference_energy import documents
from inference_energy.laws.registry import needed_tables, serving_tables
from inference_energy.method.build import build
from inference_energy.method.materials import SERVING, Materials
from inference_energy.tables import read_table


def read_materials(inputs, paths=None, instead=None):
    """Return the Materials of every method that can be built from the inputs.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``throughput_tables`` (every one that a method can name), and where a method uses them
        ``traces`` and the tables that laws need.
    paths : iterable of str, optional
        Throughput tables to read instead of all.
    instead : dict of str to path, optional
        Files to read in place of some of these, by path.
    """
    instead, paths = instead or {}, inputs.throughput_tables if paths is None else paths
    tables = {path: read_table(instead.get(path, path), "throughput") for path in paths}
    return Materials(tables, read_shared(inputs, instead))


def read_shared(inputs, instead=None):
    """Return the tables that methods share, as keyword arguments; parameters as above."""
    materials, instead = {}, instead or {}
    if getattr(inputs, "traces", None):
        materials["traces"] = read_traces(instead.get(inputs.traces, inputs.traces))
    given = {name: getattr(inputs, name, None) for name in needed_tables()}
    given |= {name: getattr(inputs, SERVING + name, None) for name in serving_tables()}
    hardware = {n: read_table(instead.get(path, path), n) for n, path in given.items() if path}
    return materials | ({"hardware": hardware} if hardware else {})


def read_traces(path):
    """Return the quantiles of output tokens of each trace, by its name. [tokens]"""
    traces = read_table(path, "request_lengths").sort_values("quantile")
    return {name: tuple(rows["output_tokens"]) for name, rows in traces.groupby("trace")}


def read_method(inputs):
    """Return the resolved method (dict) and the tables to build it from, as keyword arguments.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``method`` (YAML), and as above.
    """
    method = documents.read(inputs.method)
    return method, read_materials(inputs)(method)


def read_setup(inputs):
    """Return the resolved method (dict) and the Setup built from it; ``inputs`` as above."""
    method, materials = read_method(inputs)
    return method, build(method, **materials)

"""Ways to serve a model: layouts on nodes, with engines, at loads; throughput and power of each."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from inference_energy.laws.at_load import AT_A_LOAD, describe
from inference_energy.laws.base import LoadedFit, joined
from inference_energy.laws.rows import copy_gpus
from inference_energy.laws.serving import served_batch
from inference_energy.power import measured, node
from inference_energy.power.gpu import GpuPower
from inference_energy.power.utilisation import add_utilisation
from inference_energy.units import W_PER_KW

Hardware = Mapping[str, pd.DataFrame]
"""Tables models, gpus, nodes, mlenergy, inferencex and wall_power."""

LAYOUT = ["tensor_parallel", "attention_data_parallel", "expert_parallel"]
"""GPUs of a copy that share its tensors, that have attention of their own, and that its experts are
spread over."""


LENGTHS = ["input_tokens", "output_tokens"]
"""Columns of a query's lengths. [tokens]"""


def layouts(gpus: int) -> pd.DataFrame:
    """Ways to lay copies of a model out on the GPUs of a node, columns LAYOUT. [GPUs]"""
    sizes = [2**k for k in range(gpus.bit_length()) if gpus % 2**k == 0]
    found = [(size, 1, 1) for size in sizes]
    found += [(size, 1, size) for size in sizes if size > 1]
    found += [(1, size, size) for size in sizes if size > 1]
    return pd.DataFrame(found, columns=LAYOUT)


def fitting(
    kinds: pd.DataFrame, gpus: int, lengths: tuple[float, float], hardware: Hardware
) -> pd.DataFrame:
    """Every layout of every kind of serving whose GPUs hold the weights.

    Parameters
    ----------
    kinds : DataFrame
        model, gpu, precision, engine (empty: not stated), and any other column.
    gpus : int
        GPUs of a node.
    lengths : tuple of float
        Input and output tokens at which layouts are compared. [tokens]
    hardware : mapping of str to DataFrame
        Tables models and gpus at least.

    Returns
    -------
    DataFrame
        Rows of schema ``throughput`` without a throughput, after ``at_load.describe``, with
        ``kind``, the number of the row of ``kinds``, and ``copies`` of the model on the node.
    """
    rows = kinds.reset_index(names="kind").merge(layouts(gpus), how="cross")
    rows = rows.assign(
        copies=gpus / copy_gpus(rows),
        engine_version=None,
        source_id="",
        source_version="",
        protocol=AT_A_LOAD,
        input_tokens=float(lengths[0]),
        output_tokens=float(lengths[1]),
        throughput_tps=np.nan,
    )
    rows = describe(rows, hardware["models"], hardware["gpus"])
    return rows[rows["filled"] < 1].reset_index(drop=True)


def best_layouts(
    fit: LoadedFit,
    rows: pd.DataFrame,
    loads: ArrayLike,
    lengths: Sequence[tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Layout with the highest throughput of every kind at every load.

    Parameters
    ----------
    fit : LoadedFit
        Throughput law.
    rows : DataFrame
        From :func:`fitting`.
    loads : array_like
        Requests that a node is given at once; infinite for as many as fit. [requests]
    lengths : sequence of tuple of float, optional
        Input and output tokens to compare at, each for itself, instead of those of the rows.

    Returns
    -------
    DataFrame
        A row per kind, load and pair of lengths, with ``load``, ``law`` (of the node at the load),
        ``speed`` [tokens/s] and ``batch`` [requests] of the node at the lengths of the row.
    """
    laws, found = fit.laws_of(rows), []
    copies, room = rows["copies"].to_numpy(float), rows["cache_tokens"].to_numpy(float)
    tables, alike = [rows], _alike(rows)
    if lengths is not None:
        tables = [rows.assign(input_tokens=n_in, output_tokens=n_out) for n_in, n_out in lengths]
        alike = [np.arange(len(rows))]
    together = [(own, joined([laws[k] for k in own])) for own in alike]
    speed = np.empty(len(rows))
    for load in np.atleast_1d(np.asarray(loads, float)):
        each = load / copies
        for table in tables:
            n_in, n_out = table[LENGTHS].to_numpy(float).T
            for own, of_copy in together:
                rates, _ = of_copy.at(each[own]).rates(n_in[own[0]], n_out[own[0]])
                speed[own] = copies[own] * rates
            batch = copies * served_batch({"cache_tokens": room}, n_in, n_out, each)
            loaded = table.assign(place=np.arange(len(rows)), speed=speed, batch=batch, load=load)
            best = loaded.loc[loaded.groupby("kind")["speed"].idxmax()]
            law = [laws[k].at(each[k]).scaled(copies[k]) for k in best.pop("place")]
            found.append(best.assign(law=pd.Series(law, best.index, dtype=object)))
    return pd.concat(found, ignore_index=True)


def _alike(rows: pd.DataFrame) -> list[NDArray[np.int64]]:
    """Places of the rows of each pair of lengths."""
    return [np.asarray(own) for own in rows.groupby(LENGTHS).indices.values()]


def measured_runs(hardware: Hardware) -> pd.DataFrame:
    """Runs that the law of GPU power is fitted to, after ``add_utilisation``.

    Raises
    ------
    InputError
        If models or GPUs are none that the runs can have been made with.
    """
    runs = measured.rows(hardware["mlenergy"], hardware["inferencex"])
    models, gpus = hardware["models"], hardware["gpus"]
    runs = add_utilisation(runs, models, gpus)
    measured.check_hardware(runs, models, gpus)
    return runs


def fit_gpu_power(hardware: Hardware, runs: pd.DataFrame | None = None) -> GpuPower:
    """Fit the law of GPU power to all :func:`measured_runs`, which may be given."""
    idle = node.idle_share(hardware["wall_power"], hardware["nodes"], hardware["gpus"])
    return GpuPower.fit(measured_runs(hardware) if runs is None else runs, idle)


def node_kw(
    law: GpuPower, ways: pd.DataFrame, gpus: int, hardware: Hardware, percentiles: Sequence[int]
) -> pd.DataFrame:
    """Power of the node of every way.

    Parameters
    ----------
    law : GpuPower
        From :func:`fit_gpu_power`.
    ways : DataFrame
        From :func:`best_layouts`.
    gpus : int
        GPUs of the node.
    hardware : mapping of str to DataFrame
        Tables models, gpus and nodes.
    percentiles : sequence of int
        Of 5, 25, 75, 95.

    Returns
    -------
    DataFrame
        node_kw, the median, p5_kw and so on, and gpu_kw, gpu_p5_kw and so on of all its GPUs. [kW]
    """
    rows = ways[["model", "gpu", "precision", "batch", "input_tokens", "output_tokens"]].assign(
        gpus=gpus,
        attention_copies=ways["copies"] * ways["attention_data_parallel"],
        throughput_tps=ways["speed"],
        task="",
    )
    models, kinds = hardware["models"], hardware["gpus"]
    of_gpu = law.predict(add_utilisation(rows, models, kinds))
    columns = ["gpu_power_w", *(f"p{percent}_w" for percent in percentiles)]
    ends = [f"p{percent}_kw" for percent in percentiles]
    names = ["node_kw", *ends]
    found = pd.DataFrame(index=ways.index, columns=names, dtype=float)
    for gpu, own in of_gpu.groupby(ways["gpu"]):
        around = node.find_node(gpu, hardware["nodes"], kinds)
        found.loc[own.index] = node.node_power(own[columns].to_numpy(), around, gpus) / W_PER_KW
    of_all = gpus * of_gpu[columns].set_axis(["gpu_kw", *(f"gpu_{end}" for end in ends)], axis=1)
    return found.join(of_all / W_PER_KW)

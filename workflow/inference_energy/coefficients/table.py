"""Energy per token by what the token is, model, GPU, format and load.

A query of L_c computed and L_k cached input tokens and L_out output tokens takes the energy

    E = c_in L_c + c_cached L_k + c_out L_out,                                                  (1)
    c_in = P T_prefill / L_c,  c_cached = P T_cached / L_k,  c_out = P T_decode / L_out

T: node time of the query by what it is spent on (``Law.parts``), P: power of the node at
that load (``power.ways``), all at the lengths of QUERY, where (1) is exact.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.coefficients.rows import add_tiers
from inference_energy.energy.equation import node_energy
from inference_energy.laws.base import Array, Law, joined
from inference_energy.laws.serving import add_traits
from inference_energy.laws.training import LoadFit
from inference_energy.method.distributions import NORMAL_95
from inference_energy.power.gpu import GpuPower
from inference_energy.power.ways import Hardware, best_layouts, fitting, node_kw
from inference_energy.units import MEGA

LOADS = {"1": 1.0, "8": 8.0, "64": 64.0, "256": 256.0, "best": np.inf}
"""Requests that a node is given at once; best: as many as fit. [requests]"""

FORMATS = {
    "A100-SXM-80GB": ("BF16",),
    "H100-SXM-80GB": ("BF16", "FP8"),
    "H200-SXM-141GB": ("BF16", "FP8"),
    "B200": ("BF16", "FP8", "FP4"),
    "B300": ("BF16", "FP8", "FP4"),
}
"""Formats in which GPUs of nodes of eight compute matrix products (data/gpus.csv)."""

GPUS = 8
"""GPUs of a node."""

ENGINES = ("vLLM", "SGLang", "TensorRT-LLM")
"""Serving software that was measured; a coefficient is their geometric mean, in equal parts."""

QUERY = {"input_tokens": 2000.0, "cached_tokens": 1000.0, "output_tokens": 500.0}
"""Lengths that the coefficients are taken at; the cached tokens are part of the input. [tokens]"""

KEYS = ["model", "gpu", "format", "load"]
"""Columns that tell coefficients apart."""


def networks(models: pd.DataFrame, gpus: pd.DataFrame) -> pd.Series:
    """Network by model: the same text for models of one architecture and size.

    Parameters
    ----------
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    """
    rows = models[["model"]].assign(gpu=gpus["gpu"].iloc[0], tensor_parallel=1, precision="BF16")
    return add_traits(rows, models, gpus).set_index("model")["network"]


def kinds(models: pd.DataFrame, gpus: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Every model on every GPU of FORMATS in every format that it computes or was measured in.

    A format that a GPU computes in more bits, such as FP4 on H100, is a model's on all of them if
    it was measured on one.

    Parameters
    ----------
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    rows : DataFrame
        Rows that the law is fitted to.

    Returns
    -------
    DataFrame
        model, gpu, precision and engine, each with all ENGINES.
    """
    own = ["model", "gpu", "precision"]
    pairs = [(gpu, of) for gpu, formats in FORMATS.items() for of in formats]
    computed = models[["model"]].merge(pd.DataFrame(pairs, columns=own[1:]), how="cross")
    measured = networks(models, gpus).reset_index().merge(rows[["network", *own[1:]]])
    measured = measured[measured["gpu"].isin(list(FORMATS))]
    # a format that the GPU does not compute is one that the weights are kept in, on any GPU
    native = pd.MultiIndex.from_tuples(pairs)
    kept = measured[~pd.MultiIndex.from_frame(measured[own[1:]]).isin(native)]
    kept = kept[["model", "precision"]].merge(pd.DataFrame({"gpu": list(FORMATS)}), how="cross")
    every = pd.concat([computed, measured[own], kept[own]]).drop_duplicates(ignore_index=True)
    return every.merge(pd.DataFrame({"engine": ENGINES}), how="cross")


def loaded_nodes(
    fit: LoadFit,
    power: GpuPower,
    every: pd.DataFrame,
    hardware: Hardware,
    queries: Sequence[Mapping[str, float]] = (QUERY,),
) -> list[pd.DataFrame]:
    """Best layout of every kind that fits a node, at every load, with the power of the node.

    Parameters
    ----------
    fit, power : LoadFit, GpuPower
        Laws of throughput and of GPU power.
    every : DataFrame
        From :func:`kinds`.
    hardware : mapping of str to DataFrame
        As for ``power.ways``.
    queries : sequence of mapping
        Lengths that layouts are compared and powers are taken at, nothing being cached, each for
        itself. [tokens]

    Returns
    -------
    list of DataFrame
        By query, from ``ways.best_layouts``, with the columns of ``ways.node_kw`` and ``at``, the
        load's name.
    """
    lengths = [(query["input_tokens"], query["output_tokens"]) for query in queries]
    rows = fitting(every, GPUS, lengths[0], hardware)
    ways = best_layouts(fit, rows, list(LOADS.values()), list(dict.fromkeys(lengths)))
    names = {value: name for name, value in LOADS.items()}
    drawn = node_kw(power, ways, GPUS, hardware, (5, 95))
    nodes = ways.join(drawn).assign(at=ways["load"].map(names))
    return [
        nodes[nodes["input_tokens"].eq(n_in) & nodes["output_tokens"].eq(n_out)].reset_index(
            drop=True
        )
        for n_in, n_out in lengths
    ]


def coefficients(nodes: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Equation (1), with P5 and P95 from the errors of both laws and the spread of the engines.

    Parameters
    ----------
    nodes : DataFrame
        From :func:`loaded_nodes`.
    rows : DataFrame
        From ``rows.located_rows``.

    Returns
    -------
    DataFrame
        Schema ``coefficients``.
    """
    tokens = by_kind(QUERY)
    parts, sigma = node_parts(nodes["law"], QUERY)
    energies = {
        f"{kind}_wh": node_energy(pd.Series(parts[:, place], nodes.index), nodes["node_kw"])
        * (MEGA / count)
        for place, (kind, count) in enumerate(tokens.items())
    }
    spreads = dict(zip(energies, sigma.T, strict=True))
    keys = ["model", "network", "gpu", "precision", "at"]
    batch = nodes.groupby(keys, sort=False)["batch"].mean().rename("requests")
    found = over_engines(nodes, keys, energies, spreads).join(batch).reset_index()
    found = add_tiers(found, rows).drop(columns="network")
    return found.rename(columns={"precision": "format", "at": "load"})


def by_kind(query: Mapping[str, float]) -> dict[str, float]:
    """Tokens of a query, as QUERY has them, by the kind that a coefficient is of. [tokens]"""
    cached = query["cached_tokens"]
    return {
        "input": query["input_tokens"] - cached,
        "cached": cached,
        "output": query["output_tokens"],
    }


def formula_wh(table: pd.DataFrame, query: Mapping[str, float]) -> pd.Series:
    """Equation (1) with every row of the coefficients. [Wh]

    Parameters
    ----------
    table : DataFrame
        Columns input_wh, cached_wh and output_wh.
    query : mapping of str to float
        Lengths as QUERY has them. [tokens]
    """
    energies = [table[f"{kind}_wh"] * n / MEGA for kind, n in by_kind(query).items()]
    return pd.concat(energies, axis=1).sum(axis=1)


def node_parts(laws: Iterable[Law], query: Mapping[str, float]) -> tuple[Array, Array]:
    """Node time of a query's prefill, cached input and decode, and sd of their logarithms.

    Parameters
    ----------
    laws : iterable of Law
        Laws of nodes.
    query : mapping of str to float
        Lengths as QUERY has them. [tokens]

    Returns
    -------
    seconds, sigma : ndarray
        Laws by 3. [s, 1]
    """
    return joined(list(laws)).parts(*query.values())


def over_engines(
    nodes: pd.DataFrame,
    keys: list[str],
    energies: Mapping[str, ArrayLike],
    sigma: Mapping[str, ArrayLike],
) -> pd.DataFrame:
    """Geometric means over the engines, with P5 and P95.

    Parameters
    ----------
    nodes : DataFrame
        From :func:`loaded_nodes`.
    keys : list of str
        Columns that tell apart what is not an engine.
    energies : mapping of str to array_like
        Energies by name, which ends in ``_wh``. [Wh]
    sigma : mapping of str to array_like
        Standard deviations of their logarithms from the law of throughput. [1]

    Returns
    -------
    DataFrame
        ``node_kw`` [kW], and each energy with its ``_p5_wh`` and ``_p95_wh`` [Wh]: errors of the
        two laws, taken as independent, and the spread of the engines.
    """
    kw = np.log(nodes["node_kw"])
    away = {"p5": np.log(nodes["p5_kw"]) - kw, "p95": np.log(nodes["p95_kw"]) - kw}
    by = [nodes[key] for key in keys]
    found = {"node_kw": np.exp(kw.groupby(by, sort=False).mean())}
    for name, energy in energies.items():
        with np.errstate(divide="ignore"):
            log = pd.Series(np.log(np.asarray(energy, float)), nodes.index).groupby(by, sort=False)
        found[name] = np.exp(log.mean())
        for end, power in away.items():
            own = np.asarray(sigma[name]) ** 2 + (power / NORMAL_95) ** 2
            total = np.sqrt(own.groupby(by, sort=False).mean() + log.var(ddof=0))
            sign = -1 if end == "p5" else 1
            factor = np.exp(sign * NORMAL_95 * total)
            found[f"{name.removesuffix('_wh')}_{end}_wh"] = found[name] * factor
    return pd.DataFrame(found)

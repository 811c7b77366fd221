"""Models on the nodes and at the loads that a method says: throughput and power of each."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.at_load import AT_A_LOAD, AtLoad, AtLoadFit, describe
from inference_energy.laws.base import Share
from inference_energy.laws.benchmarks import training_rows
from inference_energy.laws.fitting import Served
from inference_energy.laws.hardware import USABLE_MEMORY
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.rows import usable_rows
from inference_energy.method.distributions import LogNormal
from inference_energy.power import measured, node
from inference_energy.power.gpu import GpuPower
from inference_energy.power.utilisation import add_utilisation
from inference_energy.units import W_PER_KW

LOADS, REACH = 12, 3.0
"""Loads that stand for a log-normal load (Gauss-Legendre quadrature of the logarithm), and standard
deviations that they reach to. [1]"""

FILTERS = ("sources", "exclude_sources", "exclude_confidence")
"""Keys of a method's benchmarks that say what the laws learn from; the others, what is served."""

LAYOUT = ["tensor_parallel", "attention_data_parallel", "expert_parallel"]
"""GPUs of a copy that share its tensors, that have attention of their own, and that its experts are
spread over."""

Hardware = Mapping[str, pd.DataFrame]


def node_power(method: Mapping[str, Any], model: str) -> float:
    """Maximum power of a model's node. [kW]"""
    power = method["node_power"]
    return float(power.get("models", {}).get(model, power["default"])["value"])


def loads(quantity: Mapping[str, Any], z: float) -> tuple[np.ndarray, np.ndarray]:
    """Loads that stand for a distribution, and their weights.

    Parameters
    ----------
    quantity : mapping
        Section ``serving.load`` of a method.
    z : float
        The standard normal's 95 % quantile.

    Returns
    -------
    loads, weights : ndarray
        [requests, 1]
    """
    if quantity["distribution"] == "fixed":
        return np.array([float(quantity["value"])]), np.ones(1)
    spread = LogNormal.from_percentiles(quantity["p5"], quantity["p95"], z)
    points, weights = np.polynomial.legendre.leggauss(LOADS)
    weights = weights * np.exp(-((REACH * points) ** 2) / 2)
    return np.exp(spread.mu + spread.sigma * REACH * points), weights / weights.sum()


def layouts(gpus: int) -> pd.DataFrame:
    """Ways to lay copies of a model out on the GPUs of a node, columns LAYOUT. [GPUs]"""
    sizes = [2**k for k in range(gpus.bit_length()) if gpus % 2**k == 0]
    found = [(size, 1, 1) for size in sizes]
    found += [(size, 1, size) for size in sizes if size > 1]
    found += [(1, size, size) for size in sizes if size > 1]
    return pd.DataFrame(found, columns=LAYOUT)


def fit_serving(
    method: Mapping[str, Any], table: pd.DataFrame, hardware: Hardware
) -> dict[str, Served]:
    """Laws of a method's models at its load on its nodes.

    On every node and at every load the operator takes the layout with the highest throughput at
    the reference lengths, of those whose GPUs hold the weights.

    Parameters
    ----------
    method : mapping
        Resolved method with the section ``serving``.
    table : DataFrame
        Its throughput tables, schema ``throughput``.
    hardware : mapping of str to DataFrame
        Tables models, gpus, nodes, mlenergy, inferencex and wall_power.

    Returns
    -------
    dict of str to Served
        In the order of benchmarks.models. A share's power is relative to that which the model's
        node power and the utilisation make, which all models have in common.

    Raises
    ------
    InputError
        If no node holds a model.
    """
    known = {name: hardware[name] for name in ("models", "gpus")}
    chosen = {k: v for k, v in method["benchmarks"].items() if k in FILTERS}
    every = chosen | {"precision": list(table["precision"].unique())}
    rows = training_rows([usable_rows(table, every)], hardware["mlenergy"], known)
    _refuse_unknown(method, {"gpu": hardware["gpus"]["gpu"], "engine": rows["engine"]})
    fit = AtLoadFit.fit(rows)
    candidates = describe(_candidates(method), **known)
    candidates = candidates[candidates["filled"] < USABLE_MEMORY].reset_index(drop=True)
    _refuse_homeless(method, candidates)
    ways = _best(method, candidates, fit.laws_of(candidates))
    ways = ways.join(_power(method, ways, hardware))
    utilisation = _utilisation(method, ways)
    served = {}
    for model in method["benchmarks"]["models"]:
        own = ways[ways["model"] == model]
        typical = node_power(method, model) * np.exp(utilisation.mu)
        shares = [
            Share(
                weight=way.weight,
                power=way.node_kw / typical,
                law=way.law,
                node=f"{way.gpu} {way.precision}",
                engine=way.engine,
                load=way.load,
                copies=way.copies,
            )
            for way in own.itertuples()
        ]
        of_model = rows[rows["network"] == own["network"].iloc[0]]
        law = replace(Pooled.of(shares), n_rows=len(of_model))
        served[model] = Served(law, of_model, utilisation=(utilisation.mu, utilisation.sigma))
    return served


def _candidates(method: Mapping[str, Any]) -> pd.DataFrame:
    """Every layout of every model on every node, as rows without throughput."""
    law = method["throughput_law"]
    nodes = pd.DataFrame(method["serving"]["nodes"])[["gpu", "precision", "share"]]
    engines = pd.DataFrame(method["serving"]["engines"])[["engine", "share"]]
    models = pd.DataFrame({"model": method["benchmarks"]["models"]})
    rows = models.merge(nodes.reset_index(names="node"), how="cross")
    rows = rows.merge(engines, how="cross", suffixes=("", "_engine"))
    rows["share"] = rows["share"] * rows.pop("share_engine")
    return rows.merge(layouts(law["gpus_per_node"]), how="cross").assign(
        engine_version=None,
        source_id="",
        source_version="",
        protocol=AT_A_LOAD,
        input_tokens=float(law["reference"]["input_tokens"]),
        output_tokens=float(law["reference"]["output_tokens"]),
        throughput_tps=np.nan,
    )


def _refuse_unknown(method: Mapping[str, Any], known: Mapping[str, pd.Series]) -> None:
    problems = []
    for key, entries in {"gpu": "nodes", "engine": "engines"}.items():
        names = sorted(known[key].dropna().unique())
        for place, entry in enumerate(method["serving"][entries]):
            if entry[key] not in names:
                near = get_close_matches(entry[key], names, n=1)
                problems.append(
                    f"config/methods/{method['id']}.yaml: key serving.{entries}[{place}].{key}:"
                    f" value {entry[key]}: allowed are {', '.join(names)};"
                    f" {f'did you mean {near[0]}?' if near else 'name one of them'}"
                )
    if problems:
        raise InputError(problems)


def _refuse_homeless(method: Mapping[str, Any], candidates: pd.DataFrame) -> None:
    nowhere = [m for m in method["benchmarks"]["models"] if m not in set(candidates["model"])]
    if nowhere:
        raise InputError(
            f"config/methods/{method['id']}.yaml: key serving.nodes: no node holds the weights of"
            f" {', '.join(nowhere)}; allowed are nodes of which one holds every model of"
            " benchmarks.models; add a larger node or leave the model out"
        )


def _best(method: Mapping[str, Any], candidates: pd.DataFrame, laws: list[AtLoad]) -> pd.DataFrame:
    """Best layout of every model, node and engine at every load, with its law and weight."""
    gpus = method["throughput_law"]["gpus_per_node"]
    reference = candidates[["input_tokens", "output_tokens"]].to_numpy()
    copies = gpus / (candidates["tensor_parallel"] * candidates["attention_data_parallel"])
    points, weights = loads(method["serving"]["load"], method["monte_carlo"]["normal_quantile_95"])
    found = []
    for load, weight in zip(points, weights, strict=True):
        at = [law.at(load / n).scaled(n) for law, n in zip(laws, copies, strict=True)]
        speed = [float(law.predict(*of)) for law, of in zip(at, reference, strict=True)]
        batch = [
            n * float(law.batch(*of)) for law, of, n in zip(at, reference, copies, strict=True)
        ]
        loaded = candidates.assign(
            law=at,
            speed=speed,
            batch=batch,
            copies=copies,
            load=load,
            weight=weight * candidates["share"],
        )
        found.append(loaded.loc[loaded.groupby(["model", "node", "engine"])["speed"].idxmax()])
    return pd.concat(found, ignore_index=True)


def _power(method: Mapping[str, Any], ways: pd.DataFrame, hardware: Hardware) -> pd.DataFrame:
    """Power of the node of every way, columns node_kw, its median, and p5, p95. [kW]"""
    models, gpus, nodes = (hardware[name] for name in ("models", "gpus", "nodes"))
    runs = measured.rows(hardware["mlenergy"], hardware["inferencex"])
    idle = node.idle_share(hardware["wall_power"], nodes, gpus)
    law = GpuPower.fit(add_utilisation(runs, models, gpus), idle)
    count = method["throughput_law"]["gpus_per_node"]
    rows = ways[["model", "gpu", "precision", "batch", "input_tokens", "output_tokens"]].assign(
        gpus=count,
        attention_copies=ways["copies"] * ways["attention_data_parallel"],
        throughput_tps=ways["speed"],
        task="",
    )
    of_gpu = law.predict(add_utilisation(rows, models, gpus))
    found = pd.DataFrame(index=ways.index, columns=["node_kw", "p5", "p95"], dtype=float)
    for gpu, own in of_gpu.groupby(ways["gpu"]):
        around = node.find_node(gpu, nodes, gpus)
        watts = node.node_power(own[["gpu_power_w", "p5_w", "p95_w"]].to_numpy(), around, count)
        found.loc[own.index] = watts / W_PER_KW
    return found


def _utilisation(method: Mapping[str, Any], ways: pd.DataFrame) -> LogNormal:
    """Share of the node's maximum power that is drawn: mean of its logarithm over all queries, and
    mean spread of what is uncertain about it.
    """
    rated = method["node_power"]["default"]["value"]
    z = method["monte_carlo"]["normal_quantile_95"]
    weights = ways["weight"] / ways.groupby("model")["weight"].transform("sum")
    mu = np.average(np.log(ways["node_kw"] / rated), weights=weights)
    sigma = np.log(ways["p95"] / ways["p5"]) / (2 * z)
    return LogNormal(float(mu), float(np.sqrt(np.average(sigma**2, weights=weights))))

"""Models on the nodes and at the loads that a method says: throughput and power of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Self, cast

import numpy as np
import pandas as pd

from inference_energy.documents import near
from inference_energy.errors import InputError
from inference_energy.laws.base import Law, LoadedFit, Share
from inference_energy.laws.fitting import Served
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.registry import LAWS
from inference_energy.laws.rows import usable_rows
from inference_energy.laws.training import training_rows
from inference_energy.method.distributions import LogNormal
from inference_energy.power.gpu import GpuPower
from inference_energy.power.utilisation import of_another
from inference_energy.power.ways import (
    Hardware,
    best_layouts,
    fit_gpu_power,
    fitting,
    measured_runs,
    node_kw,
)

LOADS, REACH = 12, 3.0
"""Loads that stand for a log-normal load (Gauss-Legendre quadrature of the logarithm), and standard
deviations that they reach to. [1]"""

FILTERS = ("sources", "exclude_sources", "exclude_confidence")
"""Keys of a method's benchmarks that say what the laws learn from; the others, what is served."""


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


@dataclass(frozen=True)
class Servers:
    """Laws of throughput and power, fitted, and the loads at which a method serves.

    Parameters
    ----------
    method : mapping
        Resolved method with the section ``serving``.
    hardware : mapping of str to DataFrame
        Tables models, gpus, nodes, mlenergy, inferencex and wall_power.
    rows, runs : DataFrame
        Rows behind the law of throughput, and runs behind that of power.
    throughput, power : LoadedFit, GpuPower
        The laws.
    """

    method: Mapping[str, Any]
    hardware: Hardware
    rows: pd.DataFrame
    runs: pd.DataFrame
    throughput: LoadedFit
    power: GpuPower

    @classmethod
    def fit(cls, method: Mapping[str, Any], table: pd.DataFrame, hardware: Hardware) -> Self:
        """Fit the laws to a method's throughput tables, schema ``throughput``.

        The last fit is kept: methods that differ in what they serve alone have it in common.
        """
        chosen = {k: v for k, v in method["benchmarks"].items() if k in FILTERS}
        law, every = method["throughput_law"]["name"], table["precision"].unique()
        key = (law, str(chosen), *map(_content, [table, *hardware.values()]))
        if key not in _fitted:
            known = {name: hardware[name] for name in ("models", "gpus")}
            usable = usable_rows(table, chosen | {"precision": list(every)})
            rows = training_rows([usable], hardware["mlenergy"], known)
            throughput = cast(LoadedFit, LAWS[law].fit_many(rows))
            runs = measured_runs(hardware)
            _fitted.clear()
            _fitted[key] = rows, runs, throughput, fit_gpu_power(hardware, runs)
        rows, runs, throughput, power = _fitted[key]
        _refuse_unknown(method, {"gpu": hardware["gpus"]["gpu"], "engine": rows["engine"]})
        return cls(method, hardware, rows, runs, throughput, power)

    def without(self, model: str) -> Self:
        """The same with laws that have seen no row of a model's network, whatever its name."""
        rows, runs = (
            table[of_another(table["model"], model, self.hardware["models"])]
            for table in (self.rows, self.runs)
        )
        rows = rows.reset_index(drop=True)
        throughput = LAWS[self.method["throughput_law"]["name"]].fit_many(rows)
        power = GpuPower.fit(runs, self.power.idle_share)
        return replace(
            self, rows=rows, runs=runs, throughput=cast(LoadedFit, throughput), power=power
        )

    def laws(self) -> dict[str, Served]:
        """Laws of the method's models, as of :func:`fit_serving`."""
        candidates = self.candidates(_kinds(self.method))
        _refuse_homeless(self.method, candidates)
        ways = self.ways(candidates)
        utilisation = _utilisation(self.method, ways)
        models = self.method["benchmarks"]["models"]
        return {model: self.served(ways[ways["model"] == model], utilisation) for model in models}

    def candidates(self, kinds: pd.DataFrame) -> pd.DataFrame:
        """Layouts of model, gpu, precision, engine and share, whose GPUs hold the weights."""
        law = self.method["throughput_law"]
        lengths = law["reference"]["input_tokens"], law["reference"]["output_tokens"]
        return fitting(kinds, law["gpus_per_node"], lengths, self.hardware)

    def ways(self, candidates: pd.DataFrame) -> pd.DataFrame:
        """Fastest layout of every kind at every load, its weight [1] and ``node_kw`` [kW].

        ``sigma`` is the standard deviation of the logarithm of the node's power [1], ``beyond``
        that by which the GPUs' exceeds it. [1]
        """
        z = self.method["monte_carlo"]["normal_quantile_95"]
        points, weights = loads(self.method["serving"]["load"], z)
        ways = best_layouts(self.throughput, candidates, points)
        ways["weight"] = ways["share"] * ways["load"].map(dict(zip(points, weights, strict=True)))
        gpus = self.method["throughput_law"]["gpus_per_node"]
        ways = ways.join(node_kw(self.power, ways, gpus, self.hardware, (5, 95)))
        sigma = np.log(ways["p95_kw"] / ways["p5_kw"]) / (2 * z)
        of_gpus = np.log(ways["gpu_p95_kw"] / ways["gpu_p5_kw"]) / (2 * z)
        return ways.assign(sigma=sigma, beyond=np.sqrt(np.maximum(of_gpus**2 - sigma**2, 0)))

    def served(self, ways: pd.DataFrame, utilisation: LogNormal) -> Served:
        """Law of one model's ways, their power relative to what the utilisation [1] makes."""
        first = ways.iloc[0]
        typical = node_power(self.method, first["model"]) * np.exp(utilisation.mu)
        told = ways["gpu"] + " " + ways["precision"], ways["engine"], ways["load"], ways["copies"]
        power, of_gpus = ways["node_kw"] / typical, (ways["gpu_kw"] / typical, ways["beyond"])
        shares = [
            Share(*way)
            for way in zip(ways["weight"], power, ways["law"], *told, *of_gpus, strict=True)
        ]
        behind = self.rows[self.rows["network"] == first["network"]]
        law = replace(Pooled.of(shares), n_rows=len(behind))
        return Served(law, behind, utilisation=(utilisation.mu, utilisation.sigma))


def on_node(law: Law, node: str) -> Law:
    """Law of a model's ways to be served that are on one kind of node.

    Parameters
    ----------
    law : Law
        Of ``fit_serving``.
    node : str
        GPU and format of the weights, as in the law's shares.

    Raises
    ------
    ValueError
        If none of its ways is on such a node.
    """
    own = Pooled.of(law.shares()).on([node])
    if own is None:
        nodes = ", ".join(dict.fromkeys(way.node for way in law.shares()))
        raise ValueError(f"{node}: none of the ways is on it: {nodes}")
    return own


_fitted: dict[tuple, tuple[pd.DataFrame, pd.DataFrame, LoadedFit, GpuPower]] = {}


def _content(table: pd.DataFrame) -> bytes:
    """What tells a table from another one, as a digest of its cells."""
    return sha256(pd.util.hash_pandas_object(table).to_numpy().tobytes()).digest()


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
    return Servers.fit(method, table, hardware).laws()


def serve_elsewhere(
    method: Mapping[str, Any],
    table: pd.DataFrame,
    hardware: Hardware,
    kinds: pd.DataFrame,
    utilisation: tuple[float, float],
) -> dict[tuple[str, str, str], Served]:
    """Laws of any models, each on one kind of node alone, at a method's load and with its engines.

    Parameters
    ----------
    method, table, hardware
        As of :func:`fit_serving`.
    kinds : DataFrame
        model, gpu, precision.
    utilisation : tuple of float
        That of the method's own models, from :func:`fit_serving`. [1]

    Returns
    -------
    dict of tuple to Served
        By model, GPU and format; without nodes that do not hold the model. The rows are those of
        the model on that GPU in that format.
    """
    servers = Servers.fit(method, table, hardware)
    shares = method["serving"]["engines"]["kinds"]
    engines = pd.DataFrame(shares.items(), columns=["engine", "share"])
    own = ["model", "gpu", "precision"]
    ways = servers.ways(servers.candidates(kinds[own].merge(engines, how="cross")))
    found = {}
    for _, some in ways.groupby(own, sort=False):
        served = servers.served(some, LogNormal(*utilisation))
        model, gpu, precision = map(str, some.iloc[0][own])
        here = served.rows["gpu"].eq(gpu) & served.rows["precision"].eq(precision)
        found[model, gpu, precision] = replace(served, rows=served.rows[here])
    return found


def served_gpus(method: Mapping[str, Any]) -> list[str]:
    """GPUs of the nodes that a resolved method says its models are served on."""
    return list(dict.fromkeys(_kinds(method)["gpu"]))


def _kinds(method: Mapping[str, Any]) -> pd.DataFrame:
    """Every model on every node with every engine, with its share of the model's queries."""
    kinds = {name: method["serving"][name]["kinds"] for name in ("nodes", "engines")}
    rows = [
        (model, *node.rsplit(" ", 1), engine, of_node * of_engine)
        for model in method["benchmarks"]["models"]
        for node, of_node in kinds["nodes"].items()
        for engine, of_engine in kinds["engines"].items()
    ]
    return pd.DataFrame(rows, columns=["model", "gpu", "precision", "engine", "share"])


def _refuse_unknown(method: Mapping[str, Any], known: Mapping[str, pd.Series]) -> None:
    problems = []
    for key, entries in {"gpu": "nodes", "engine": "engines"}.items():
        names = sorted(known[key].dropna().unique())
        for entry in method["serving"][entries]["kinds"]:
            name = entry.rsplit(" ", 1)[0] if key == "gpu" else entry
            if name not in names:
                problems.append(
                    f"config/methods/{method['id']}.yaml: key serving.{entries}.kinds: value"
                    f" {entry}: no {key} of that name; allowed are {', '.join(names)};"
                    f" name one of them{near(name, names)}"
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


def _utilisation(method: Mapping[str, Any], ways: pd.DataFrame) -> LogNormal:
    """Share of the node's maximum power that is drawn: mean of its logarithm over all queries, and
    mean spread of what is uncertain about it.
    """
    rated = method["node_power"]["default"]["value"]
    weights = ways["weight"] / ways.groupby("model")["weight"].transform("sum")
    mu = np.average(np.log(ways["node_kw"] / rated), weights=weights)
    return LogNormal(float(mu), float(np.sqrt(np.average(ways["sigma"] ** 2, weights=weights))))

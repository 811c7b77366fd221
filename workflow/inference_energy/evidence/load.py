"""A method that knows load, at the load and on the hardware of a measurement.

It is asked as if nothing of the measured model were known to it: every row of the model's network
is left out of the fits of throughput and of power.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from inference_energy.evidence.law import ENGINE
from inference_energy.laws.base import LoadedFit
from inference_energy.laws.left_out import starts
from inference_energy.laws.pooled import Pooled
from inference_energy.laws.serving import NETWORK
from inference_energy.method.build import build, fit_suitable
from inference_energy.method.serving import fit_throughput
from inference_energy.method.setup import ServedModel, Setup
from inference_energy.power.utilisation import names

LOADS = {"distribution": "log-normal", "p5": 8.0, "p95": 512.0}
"""Loads of a node at which layouts are chosen and power is known; others lie between. [requests]"""


class Load(NamedTuple):
    """What a measurement says of how it was served: on how many GPUs, and so on."""

    concurrency: float
    gpu: str
    precision: str
    gpus: float
    engine: str = ENGINE


def at_load(model: ServedModel, load: Load | None, gpus_per_node: int) -> ServedModel:
    """Model of a method on the hardware and at the load of a measurement.

    Parameters
    ----------
    model : ServedModel
        Its law may know no load; the model is then returned as it is.
    load : Load, optional
        Without one, too. A part of a node has its part of the node's requests.
    gpus_per_node : int
        GPUs of the method's nodes.
    """
    law = model.law
    if load is None or not law.knows_load:
        return model
    node = f"{load.gpu} {load.precision}"
    own = [way for way in law.shares() if way.node == node and way.engine == load.engine]
    if not own:
        return model
    return replace(model, law=Pooled.of(own).at(load.concurrency * gpus_per_node / load.gpus))


def of_steady(runs: pd.DataFrame) -> pd.DataFrame:
    """Kinds of a table of schema ``mlenergy``, as for :func:`unseen`."""
    return runs[["model", "gpu", "precision"]].dropna().assign(engine=ENGINE)


def unseen_starts(
    method: Mapping[str, Any], sources: Mapping[str, Any], models: Sequence[str]
) -> dict[str, LoadedFit]:
    """Throughput laws for the fits of :func:`unseen` to start from, by model: ``laws.left_out``."""

    def fit(group: Sequence[str]) -> LoadedFit:
        rest = _without(group, sources)
        return fit_throughput(method, rest["table"], rest["hardware"])[0]

    return starts(models, fit) if "serving" in method else {}


def unseen(
    method: Mapping[str, Any],
    sources: Mapping[str, Any],
    kinds: pd.DataFrame,
    known: Mapping[str, LoadedFit] | None = None,
) -> dict[str, Setup]:
    """A method that knows load, for each of its models, without what was measured of it.

    Parameters
    ----------
    method : mapping
        Resolved method.
    sources : mapping
        Keyword arguments of ``build``.
    kinds : DataFrame
        model, gpu, precision and engine of the measurements.
    known : mapping of str to LoadedFit, optional
        From :func:`unseen_starts`, where they are known already.

    Returns
    -------
    dict of str to Setup
        By model that was measured, on the nodes and engines of ``kinds``; none of a method that
        knows no load.
    """
    if "serving" not in method:
        return {}
    serving = {
        "nodes": {"kinds": dict.fromkeys(kinds["gpu"] + " " + kinds["precision"], 1.0)},
        "engines": {"kinds": dict.fromkeys(kinds["engine"], 1.0)},
        "load": LOADS,
    }
    measured = set(kinds["model"])
    asked, found = [m for m in method["benchmarks"]["models"] if m in measured], {}
    known = unseen_starts(method, sources, asked) if known is None else known
    for model in asked:
        own = {
            "serving": serving,
            "benchmarks": method["benchmarks"] | {"models": [model]},
            "blend": method["blend"] | {"models": 1},
        }
        apart, rest = {**method, **own}, _without([model], sources)
        laws = fit_suitable(apart, rest["table"], rest["hardware"], known.get(model))
        found[model] = build(apart, **rest, laws=laws)
    return found


def _without(models, sources):
    """Sources without the rows of some models' networks, whatever their names in them."""
    hardware = sources["hardware"]
    known = hardware["models"].set_index("model")[NETWORK].map(str).agg(" ".join, axis=1)
    spelt = names(hardware["models"])

    def others(table, column="model"):
        own = table[column].map(lambda name: spelt.get(str(name).lower(), name)).map(known)
        return table[~own.isin(known[list(models)])].reset_index(drop=True)

    seen = {
        "mlenergy": others(hardware["mlenergy"], "model_id"),
        "inferencex": others(hardware["inferencex"]),
    }
    return {**sources, "table": others(sources["table"]), "hardware": {**hardware, **seen}}

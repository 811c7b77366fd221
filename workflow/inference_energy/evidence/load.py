"""A method that knows load, at the load and on the hardware of a measurement.

It is asked as if nothing of the measured model were known to it: every row of the model's network
is left out of the fits of throughput and of power.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from inference_energy.evidence.law import ENGINE
from inference_energy.laws.pooled import Pooled
from inference_energy.method.build import build
from inference_energy.method.serving import Servers
from inference_energy.method.setup import ServedModel, Setup
from inference_energy.power.utilisation import of_another

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


def unseen(
    method: Mapping[str, Any], materials: Mapping[str, Any], kinds: pd.DataFrame
) -> dict[str, Setup]:
    """A method that knows load, for each of its models, without what was measured of it.

    Parameters
    ----------
    method : mapping
        Resolved method.
    materials : mapping
        Keyword arguments of ``build``.
    kinds : DataFrame
        model, gpu, precision and engine of the measurements.

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
    table, hardware = materials["table"], materials["hardware"]
    found = {}
    for model in method["benchmarks"]["models"]:
        if model not in set(kinds["model"]):
            continue
        asked = {
            **method,
            "serving": serving,
            "benchmarks": method["benchmarks"] | {"models": [model]},
            "blend": method["blend"] | {"models": 1},
        }
        laws = Servers.fit(asked, table, hardware).without(model).laws()
        others = table[of_another(table["model"], model, hardware["models"])]
        found[model] = build(asked, **{**materials, "table": others}, laws=laws)
    return found

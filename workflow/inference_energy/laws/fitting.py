"""Which law describes the node that serves a model: one configuration, or rows of several."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.base import Law
from inference_energy.laws.registry import LAWS, Kind
from inference_energy.laws.rows import configuration_number, copy_gpus, usable_rows

Hardware = Mapping[str, pd.DataFrame]
"""Tables of data/ that laws need, by name."""


@dataclass(frozen=True)
class Served:
    """A model's law on one node and the rows behind it.

    Parameters
    ----------
    law : Law
        Throughput of the node.
    rows : DataFrame
        Rows that the law was fitted to; for a law of many configurations those of its own.
    replicas : float
        Copies of the model on the node.
    utilisation : tuple of float, optional
        Mean and standard deviation of the logarithm of the share of the node's power that is
        drawn [1], where it is known with the law; the same for all models of a method.
    """

    law: Law
    rows: pd.DataFrame
    replicas: float = 1.0
    utilisation: tuple[float, float] | None = None


def fit_models(
    rows: pd.DataFrame, law: Mapping[str, Any], hardware: Hardware | None = None
) -> dict[str, Served]:
    """Fit one law per model, in the order in which the released code draws the models.

    All rows of a model count as rows of its node.

    Parameters
    ----------
    rows : DataFrame
        Usable rows of all models.
    law : mapping
        ``name``, ``minimum_rows`` (for the law), ``fallback`` (law for models with fewer rows) and
        ``fallback_minimum_rows``; models with fewer still are left out.
    hardware : mapping of str to DataFrame, optional
        Tables that the laws need, by name.

    Returns
    -------
    dict of str to Served
        Models with enough rows first, in order of first appearance, then the fallback's.
    """
    counts = rows["model"].value_counts()
    order = list(pd.unique(rows["model"]))
    enough = [m for m in order if counts[m] >= law["minimum_rows"]]
    few = [m for m in order if law["fallback_minimum_rows"] <= counts[m] < law["minimum_rows"]]
    served = {}
    for names, kind in ((enough, law["name"]), (few, law["fallback"])):
        for name in names:
            own = rows[rows["model"] == name]
            served[name] = Served(_fit_one(kind, own, hardware or {}), own)
    return served


def _fit_one(name: str, rows: pd.DataFrame, hardware: Hardware) -> Law:
    kind = LAWS[name]
    if kind.fit_one is None:
        raise InputError(
            f"key throughput_law.name: value {name}: learns from many configurations; allowed only"
            " with gpus_per_node and reference, by which the best is chosen; state them"
        )
    return kind.fit_one(kind.prepare(rows, hardware))


def fit_configurations(
    rows: pd.DataFrame,
    background: pd.DataFrame,
    kind: Kind,
    hardware: Hardware,
    gpus_per_node: int,
    reference: tuple[float, float],
) -> dict[str, Served]:
    """Fit a law to all configurations and keep the best one of each model.

    A node of ``gpus_per_node`` GPUs holds as many copies of a model as its parallelism allows. An
    operator takes the configuration with the highest throughput of the node.

    Parameters
    ----------
    rows : DataFrame
        Usable rows among which the configurations are chosen.
    background : DataFrame
        Rows of all configurations that the law may learn from, ``rows`` among them.
    kind : Kind
        The law, of the registry.
    hardware : mapping of str to DataFrame
        Tables that the law needs, by name.
    gpus_per_node : int
        GPUs of a node.
    reference : tuple of float
        Input and output length at which configurations are compared. [tokens]

    Returns
    -------
    dict of str to Served
        In order of first appearance of the models in ``rows``; without those of which no
        configuration has enough rows.
    """
    background = background.reset_index(names="index")
    number = configuration_number(background)
    fit = kind.fit_many(kind.prepare(background, hardware))
    best: dict[str, Served] = {}
    for k, law in enumerate(fit.laws):
        own = background[number == k]
        if law is None or not own["index"].isin(rows.index).all():
            continue
        model, width = own["model"].iloc[0], copy_gpus(own).iloc[0]
        copies = gpus_per_node // width if width <= gpus_per_node else gpus_per_node / width
        node = law.scaled(float(copies))
        known = best.get(model)
        if known is None or node.predict(*reference) > known.law.predict(*reference):
            best[model] = Served(node, own, float(copies))
    return {name: best[name] for name in pd.unique(rows["model"]) if name in best}


def fit_laws(
    method: Mapping[str, Any], table: pd.DataFrame, hardware: Hardware | None = None
) -> dict[str, Served]:
    """Fit the throughput laws of a method: model to law; parameters as for :func:`build`."""
    rows = usable_rows(table, method["benchmarks"])
    law = method["throughput_law"]
    if "gpus_per_node" not in law:
        return fit_models(rows, law, hardware)
    wider = {k: v for k, v in method["benchmarks"].items() if k not in ("models", "gpus")}
    background = usable_rows(table, wider)
    reference = (law["reference"]["input_tokens"], law["reference"]["output_tokens"])
    kind = LAWS[law["name"]]
    return fit_configurations(
        rows, background, kind, hardware or {}, law["gpus_per_node"], reference
    )


def unsuitable_rows(law: Mapping[str, Any], served: Mapping[str, Served]) -> Iterator[str]:
    """Say of which models the rows do not suit the law, and what to do, one sentence each.

    Parameters
    ----------
    law : mapping
        The method's section ``throughput_law``.
    served : mapping of str to Served
        Laws fitted as it says.
    """
    for model, of in served.items():
        if len(of.law.shares()) > 1:
            continue
        widths = sorted(set(copy_gpus(of.rows))) if "tensor_parallel" in of.rows else []
        if len(widths) > 1:
            *most, last = (f"{width:g}" for width in widths)
            yield (
                f"key throughput_law: value {law['name']}: the rows of {model} are of copies on"
                f" {', '.join(most)} and {last} GPUs, which are no rows of one node; allowed are"
                " rows of copies of one size; state gpus_per_node and reference to fit every"
                " configuration by itself, or choose rows under benchmarks"
            )
        kind = LAWS[of.law.name]
        if law.get("error") == "included" and of.law.n_rows <= kind.minimum_rows:
            yield (
                f"key throughput_law.error: value included: {model} has no row beyond the"
                f" {kind.minimum_rows} that determine a {of.law.name} law, and so none to tell its"
                f" error; allowed is included with {kind.minimum_rows + 1} rows or more; leave the"
                " model out or state ignored"
            )

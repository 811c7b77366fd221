"""Which law describes the node that serves a model: one configuration, or rows of several."""

from dataclasses import dataclass, replace

import pandas as pd

from inference_energy.laws.additive import Additive, configuration_number, length_range
from inference_energy.laws.hardware import add_serving_times
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.laws.log_linear import LogLinear, Peak
from inference_energy.laws.rows import usable_rows

LAWS = {
    "log-linear": (LogLinear.fit, 3),
    "peak": (Peak.fit, 1),
    "additive": (Additive.fit, 3),
}
"""Laws fitted to one model's rows: how to fit, and the fewest rows that determine them."""


@dataclass(frozen=True)
class Served:
    """A model's law on one node and the rows behind it.

    Parameters
    ----------
    law : object
        Throughput of the node, with ``predict``.
    rows : DataFrame
        Rows that the law was fitted to; for a hierarchical law those of its configuration.
    domain : dict
        Range of the lengths that the law has seen. [tokens]
    replicas : float
        Copies of the model on the node.
    """

    law: object
    rows: pd.DataFrame
    domain: dict
    replicas: float = 1.0


def fit_models(rows, law):
    """Fit one law per model, in the order in which the released code draws the models.

    Parameters
    ----------
    rows : DataFrame
        Usable rows of all models.
    law : dict
        ``name``, ``minimum_rows`` (for the law), ``fallback`` (law for models with fewer rows) and
        ``fallback_minimum_rows``; models with fewer still are left out.

    Returns
    -------
    dict of str to Served
        Models with enough rows first, in order of first appearance, then the fallback's.
    """
    counts = rows["model"].value_counts(sort=False)
    order = list(pd.unique(rows["model"]))
    enough = [m for m in order if counts[m] >= law["minimum_rows"]]
    few = [m for m in order if law["fallback_minimum_rows"] <= counts[m] < law["minimum_rows"]]
    served = {}
    for names, kind in ((enough, law["name"]), (few, law["fallback"])):
        for name in names:
            own = rows[rows["model"] == name]
            served[name] = Served(LAWS[kind][0](own), own, length_range(own))
    return served


def fit_configurations(rows, background, models, gpus, gpus_per_node, reference):
    """Fit the hierarchical law to all configurations and keep the best one of each model.

    A node of ``gpus_per_node`` GPUs holds as many copies of a model as its parallelism allows. An
    operator takes the configuration with the highest throughput of the node.

    Parameters
    ----------
    rows : DataFrame
        Usable rows among which the configurations are chosen.
    background : DataFrame
        Rows of all configurations that the law learns from, ``rows`` among them.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    gpus_per_node : int
        GPUs of a node.
    reference : tuple of float
        Input and output length at which configurations are compared. [tokens]

    Returns
    -------
    dict of str to Served
        In order of first appearance of the models in ``rows``.
    """
    background = background.reset_index(names="index")
    number = configuration_number(background)
    pooled = Hierarchical.fit(add_serving_times(background, models, gpus))
    best = {}
    for k, law in enumerate(pooled.laws):
        own = background[number == k]
        if not own["index"].isin(rows.index).all():
            continue
        row = own.iloc[0]
        stages = row.get("pipeline_parallel")
        width = row["tensor_parallel"] * (stages if pd.notna(stages) else 1)
        copies = max(gpus_per_node // width, 1) if width <= gpus_per_node else gpus_per_node / width
        node = replace(law, coefficients=law.coefficients / copies)
        known = best.get(row["model"])
        if known is None or node.predict(*reference) > known.law.predict(*reference):
            best[row["model"]] = Served(node, own, pooled.domain, float(copies))
    return {name: best[name] for name in pd.unique(rows["model"]) if name in best}


def fit_laws(method, table, hardware=None):
    """Fit the throughput laws of a method: model to law; parameters as for :func:`build`."""
    rows = usable_rows(table, method["benchmarks"])
    law = method["throughput_law"]
    if law["name"] != "hierarchical":
        return fit_models(rows, law)
    wider = {k: v for k, v in method["benchmarks"].items() if k not in ("models", "gpus")}
    background = usable_rows(table, wider)
    reference = (law["reference"]["input_tokens"], law["reference"]["output_tokens"])
    return fit_configurations(rows, background, *hardware, law["gpus_per_node"], reference)

"""Every node that a method can say something about: model, GPU, number format, load."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.laws.base import Law
from inference_energy.laws.fitting import Hardware, Served
from inference_energy.laws.registry import AT_ONE_LOAD, LAWS
from inference_energy.laws.rows import configuration_number, copy_gpus, usable_rows
from inference_energy.method.build import node_power
from inference_energy.method.serving import on_node

AT_LOAD = [
    "model",
    "gpu",
    "tensor_parallel",
    "pipeline_parallel",
    "attention_data_parallel",
    "expert_parallel",
    "precision",
    "concurrency",
]
"""Columns that make a configuration at one load."""

Kind = tuple[str, str, str]
"""Model, GPU and number format."""

MIXED = "several"
"""What a node is called whose law was fitted to rows of several GPUs or formats."""


@dataclass(frozen=True)
class Configuration:
    """A model on one kind of node.

    Parameters
    ----------
    model, gpu, precision : str
        What is served, on which GPUs, in which number format.
    load : float
        Requests served at once on the node; NaN at the load of the benchmarks, which keep the node
        full or do not state it. [requests]
    law : Law
        Throughput of the node.
    node_power : float
        Maximum power of the node. [kW]
    rows : DataFrame
        Benchmark rows of this configuration that the law has seen.
    """

    model: str
    gpu: str
    precision: str
    load: float
    law: Law
    node_power: float
    rows: pd.DataFrame

    @property
    def key(self) -> tuple[str, str, str, float]:
        """What is picked: model, GPU, number format, load."""
        return self.model, self.gpu, self.precision, self.load


Best = dict[tuple[str, str, str, float | str], Configuration]
"""Fastest configuration by model, GPU, format and load ("full" if it is not stated)."""


def configurations(
    method: Mapping[str, Any],
    table: pd.DataFrame,
    hardware: Hardware,
    nodes: pd.DataFrame,
    at_load: pd.DataFrame,
    served: Mapping[str, Served],
    elsewhere: Mapping[Kind, Served] | None = None,
) -> list[Configuration]:
    """Return the configurations that a method's throughput law knows.

    A law fitted to the rows of each model knows the node behind these rows. A law of many
    configurations knows every GPU and format of its table, and what was measured at a stated load
    is taken beside it: one law for each configuration and load. Of the ways to divide a
    model among GPUs the one with the highest throughput of the node is kept. A method that states
    how its models are served knows them on all its nodes together, and on each kind, at any load;
    and what its laws say of other models and nodes.

    Parameters
    ----------
    method : dict
        Resolved method.
    table : DataFrame
        Throughput table that it names.
    hardware : mapping of str to DataFrame
        Tables that its law needs.
    nodes : DataFrame
        Table of schema ``nodes``: maximum power by GPU.
    at_load : DataFrame
        Throughput at stated loads, schema ``throughput``.
    served : dict of str to Served
        Laws of the method's models, from ``method.build.fit_suitable``.
    elsewhere : dict of tuple to Served, optional
        Laws of models that are not the method's, or not on its nodes, by model, GPU and format,
        from ``method.serving.serve_elsewhere``.

    Returns
    -------
    list of Configuration
        By model, GPU, format and load.
    """
    known = nodes.set_index("gpu")["power_kw"]
    if "serving" in method:
        found = _on_nodes(method, served)
        found += _elsewhere(method, elsewhere or {}, {each.key[:3] for each in found})
    elif "gpus_per_node" not in method["throughput_law"]:
        found = _of_models(method, served)
    else:
        pooled = _of_nodes(method, table, hardware, known)
        found = pooled + _at_load(method, at_load, known, {each.model for each in pooled})
    return sorted(found, key=lambda each: (*each.key[:3], np.nan_to_num(each.load)))


def kinds_of(coefficients: pd.DataFrame) -> pd.DataFrame:
    """Models, GPUs and formats whose coefficients are published, measured or not.

    Parameters
    ----------
    coefficients : DataFrame
        Table of schema ``coefficients``.

    Returns
    -------
    DataFrame
        model, gpu, precision.
    """
    rows = coefficients.rename(columns={"format": "precision"})
    return rows[["model", "gpu", "precision"]].drop_duplicates(ignore_index=True)


def _of_models(method: Mapping[str, Any], served: Mapping[str, Served]) -> list[Configuration]:
    return [
        Configuration(
            model,
            _only(each.rows["gpu"]),
            _only(each.rows["precision"]),
            np.nan,
            each.law,
            node_power(method, model),
            each.rows,
        )
        for model, each in served.items()
    ]


def _on_nodes(method: Mapping[str, Any], served: Mapping[str, Served]) -> list[Configuration]:
    """Every model on all nodes of the method together, and on each kind that holds it."""
    found = []
    for model, each in served.items():
        power, rows = node_power(method, model), each.rows
        found.append(Configuration(model, MIXED, MIXED, np.nan, each.law, power, rows))
        for node in dict.fromkeys(way.node for way in each.law.shares()):
            gpu, precision = node.rsplit(" ", 1)
            own = rows[rows["gpu"].eq(gpu) & rows["precision"].eq(precision)]
            law = on_node(each.law, node)
            found.append(Configuration(model, gpu, precision, np.nan, law, power, own))
    return found


def _elsewhere(
    method: Mapping[str, Any], elsewhere: Mapping[Kind, Served], known: Collection[Kind]
) -> list[Configuration]:
    """Models and nodes that are not the method's, as it would serve them."""
    return [
        Configuration(*key, np.nan, each.law, node_power(method, key[0]), each.rows)
        for key, each in elsewhere.items()
        if key not in known
    ]


def _of_nodes(
    method: Mapping[str, Any], table: pd.DataFrame, hardware: Hardware, known: pd.Series
) -> list[Configuration]:
    """Every GPU and format of a pooled law; formats that it was not fitted to are conditioned."""
    settings, section = method["throughput_law"], method["benchmarks"]
    kind = LAWS[settings["name"]]
    wider = {k: v for k, v in section.items() if k not in ("models", "gpus")}
    fitted = usable_rows(table, wider)
    others = usable_rows(table, wider | {"precision": sorted(set(table["precision"]))})
    others = others.drop(fitted.index)
    fit = kind.fit_many(kind.prepare(fitted.reset_index(drop=True), hardware))
    groups = [(law, rows) for law, rows in zip(fit.laws, _split(fitted), strict=True) if law]
    for rows in _split(others):
        law = fit.condition(kind.prepare(rows.reset_index(drop=True), hardware))
        if law is not None:
            groups.append((law, rows))
    best: Best = {}
    for law, rows in groups:
        gpus = float(copy_gpus(rows).iloc[0])
        _keep(best, _on_node(method, known, law, rows, gpus, np.nan), settings["reference"])
    return list(best.values())


def _at_load(
    method: Mapping[str, Any], at_load: pd.DataFrame, known: pd.Series, models: Collection[str]
) -> list[Configuration]:
    """Every load at which the shapes measured determine a law and tell its error."""
    settings, fit = method["throughput_law"], AT_ONE_LOAD.fit_one
    assert fit is not None
    best: Best = {}
    for key, rows in at_load.groupby(AT_LOAD, dropna=False, sort=False):
        where: dict[str, Any] = dict(zip(AT_LOAD, key, strict=True))
        # a run that is listed twice would hide the error of the law
        rows = rows.drop_duplicates(["input_tokens", "output_tokens", "throughput_tps"])
        if where["model"] not in models or not AT_ONE_LOAD.tells_error(rows):
            continue
        _keep(
            best,
            _on_node(method, known, fit(rows), rows, copy_gpus(rows).iloc[0], where["concurrency"]),
            settings["reference"],
        )
    return list(best.values())


def _on_node(
    method: Mapping[str, Any],
    known: pd.Series,
    law: Law,
    rows: pd.DataFrame,
    gpus: float,
    load: float,
) -> Configuration | None:
    """Configuration of a node full of copies; none if they do not fit or its power is unknown."""
    model, gpu = rows["model"].iloc[0], rows["gpu"].iloc[0]
    size = method["throughput_law"]["gpus_per_node"]
    own = method["benchmarks"].get("gpus", [])
    if (gpu not in known and gpu not in own) or gpus > size:
        return None
    copies = float(size // gpus)
    power = node_power(method, model) if gpu in own else float(known[gpu])
    return Configuration(
        model, gpu, rows["precision"].iloc[0], load * copies, law.scaled(copies), power, rows
    )


def _keep(best: Best, found: Configuration | None, reference: Mapping[str, float]) -> None:
    """Keep a configuration if it is the first or the fastest of its kind."""
    if found is None:
        return
    lengths = reference["input_tokens"], reference["output_tokens"]
    key = (*found.key[:3], "full" if np.isnan(found.load) else found.load)
    if key not in best or found.law.predict(*lengths) > best[key].law.predict(*lengths):
        best[key] = found


def _split(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Rows of each configuration."""
    numbers = configuration_number(rows)
    return [rows[numbers == k] for k in range(numbers.max() + 1)] if len(rows) else []


def _only(column: pd.Series) -> str:
    """Return the one value of a column, or that there are several."""
    values = column.unique()
    return str(values[0]) if len(values) == 1 else MIXED


def as_table(found: Mapping[str, Collection[Configuration]]) -> pd.DataFrame:
    """Laws of configurations as a table, one number per line.

    Parameters
    ----------
    found : dict of str to list of Configuration
        Configurations of each method.

    Returns
    -------
    DataFrame
        Columns of the configurations table.
    """
    lines = [
        (method, each.model, each.gpu, each.precision, each.load, each.law.name, *term)
        for method, of_method in found.items()
        for each in of_method
        for term in [*each.law.terms(), ("node_power", each.node_power, "kW")]
    ]
    columns = ["method", "model", "gpu", "precision", "load", "law", "term", "value", "unit"]
    return pd.DataFrame(lines, columns=columns)


def lines_of(table: pd.DataFrame) -> dict[tuple[Any, ...], tuple[int, int]]:
    """First and last line of each configuration in the file of its table.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``configurations``, as read.

    Returns
    -------
    dict of tuple to tuple of int
        By method, model, GPU, format and load (0 at the load of the benchmarks).
    """
    columns = ["method", "model", "gpu", "precision", "load"]
    places = table.assign(load=table["load"].fillna(0), line=table.index + 2)
    spans = places.groupby(columns)["line"].agg(["min", "max"])
    return {key: (int(low), int(high)) for key, low, high in spans.itertuples()}

"""What the methods and the laws of this project predict for the runs.

A law never sees the run that it predicts: a fit is made anew without the run's configuration, or
without its model. So is the power law that turns a throughput into energy, and a method that knows
load when it is told the load.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.energy.equation import Array, energy_of_each
from inference_energy.evidence.boundaries import Conversion
from inference_energy.evidence.estimates import energy_at
from inference_energy.evidence.load import Load, at_load, unseen
from inference_energy.evidence.token_energy import energy_per_token
from inference_energy.laws.registry import LAWS, Kind
from inference_energy.laws.rows import copy_gpus
from inference_energy.method.setup import Setup
from inference_energy.power import node
from inference_energy.power.gpu import GpuPower
from inference_energy.power.utilisation import names
from inference_energy.power.ways import Hardware, measured_runs

ASKED = [name for name, kind in LAWS.items() if kind.pooled]
"""Laws that predict configurations which they have not seen."""

OF_ONE_LOAD = tuple(name for name in ASKED if not LAWS[name].knows_load)
"""Laws to which each load is a configuration: they learn from the vendor tables alone, where every
configuration has one, and know neither layout nor engine. The others learn from all training rows.
"""

CONFIGURATION, MODEL = "configuration", "model"
"""What is left out of a law's fit."""

FOLDS = 5
"""Parts that configurations are left out in, so that the fits stay few; models are left out singly.
"""

NETWORK = ["params_total_b", "layers", "hidden_size", "experts"]
"""Columns of ``models`` by which two names are one network, which is left out as a whole."""

SERVED = ["model", "gpu", "gpus", "precision", "concurrency"]
"""Columns of the runs that one law describes."""

LAYOUT = ["tensor_parallel", "attention_data_parallel", "expert_parallel"]
STACK = ["engine", "engine_version", "protocol", "source_id"]
"""Further such columns of a law that knows layouts and engines."""

PREDICTED = ["id", "throughput_tps", "energy_per_token_j"]


def of_method(rows: pd.DataFrame, setup: Setup, convert: Conversion) -> pd.DataFrame:
    """Predictions of a method that is told no load, of the models that it has a law for.

    A run's GPUs have their share of its node of eight, whatever GPUs that has.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    setup : Setup
        The method.
    convert : Conversion
        Conversion of its energy to the GPUs alone.

    Returns
    -------
    DataFrame
        id, throughput_tps [tokens/s], energy_per_token_j [J].
    """
    served = {model.name: model for model in setup.models}
    found = []
    for row in rows[rows["method_model"].isin(served)].to_dict("records"):
        name, lengths = row["method_model"], (row["input_tokens"], row["output_tokens"])
        share = row["gpus"] / convert.gpus_per_node
        energy = energy_at(setup, name, *lengths, "accelerator", convert).quantile(0.5)
        found.append(
            {
                "id": row["id"],
                "throughput_tps": share * float(served[name].law.predict(*lengths)),
                "energy_per_token_j": energy_of_each(energy, row["output_tokens"]),
            }
        )
    return pd.DataFrame(found, columns=PREDICTED)


def of_method_at_load(
    rows: pd.DataFrame, method: Mapping[str, Any], materials: Mapping[str, Any], convert: Conversion
) -> pd.DataFrame:
    """Predictions of a method that knows load, told the run's load, GPUs, format and engine.

    It needs no throughput of a model, so it is also asked for the models whose energy was measured
    and that its own estimate leaves out. The layout is its own choice.

    Parameters
    ----------
    rows, convert : DataFrame, Conversion
        As for :func:`of_method`.
    method : mapping
        Resolved method.
    materials : mapping
        Keyword arguments of ``build``.

    Returns
    -------
    DataFrame
        As of :func:`of_method`; no row of a method that knows no load.
    """
    found: list[tuple[str, float, float]] = []
    if "serving" not in method:
        return pd.DataFrame(found, columns=PREDICTED)
    known = rows["model"].isin(method["benchmarks"]["models"])
    asked = rows[known | rows["energy_per_token_j"].notna()]
    for name, own in asked.groupby("model"):
        model = str(name)
        alone = {**method, "benchmarks": method["benchmarks"] | {"models": [model]}}
        setup = unseen(alone, materials, own)[model]
        for row in own.to_dict("records"):
            load = Load(*(row[name] for name in Load._fields))
            served = at_load(setup.models[0], load, convert.gpus_per_node)
            if served is setup.models[0]:
                continue
            lengths = (row["input_tokens"], row["output_tokens"])
            (way,) = served.law.shares()
            energy = energy_at(setup, model, *lengths, "accelerator", convert, load).quantile(0.5)
            speed = float(way.law.predict(*lengths)) * row["gpus"] / convert.gpus_per_node
            found.append((row["id"], speed, energy_of_each(energy, row["output_tokens"])))
    return pd.DataFrame(found, columns=PREDICTED)


def of_law(
    name: str, rows: pd.DataFrame, learnt: pd.DataFrame, hardware: Hardware
) -> dict[str, pd.Series]:
    """Throughput of every run by a law, told its load, without its configuration and its model.

    Parameters
    ----------
    name : str
        One of ASKED.
    rows : DataFrame
        From :func:`peers.rows.rows`.
    learnt : DataFrame
        Rows that the law learns from, schema ``throughput``, after its ``prepare``.
    hardware : dict of str to DataFrame
        Tables ``models`` and ``gpus``.

    Returns
    -------
    dict of str to Series
        By what of the run the law has not seen in any fit. [tokens/s]
    """
    kind, served = LAWS[name], SERVED
    if name in OF_ONE_LOAD:
        tested = rows.drop(columns=[*LAYOUT, *STACK]).assign(tensor_parallel=rows["gpus"])
    else:
        tested, served = rows, [*SERVED, *LAYOUT, *STACK]
    tested = kind.prepare(tested.assign(throughput_tps=np.nan), hardware)
    place = pd.Series(np.arange(len(tested)), tested.index)
    fits, found = {}, {}
    for left_out in (CONFIGURATION, MODEL):
        own, hidden = _hidden(tested, learnt, hardware["models"], left_out)
        predicted = np.full(len(rows), np.nan)
        for k, part in tested.groupby(own, sort=False):
            if hidden[k] not in fits:
                fits[hidden[k]] = kind.fit_many(learnt.drop(hidden[k]).reset_index(drop=True))
            predicted[place[part.index]] = _predicted(kind, fits[hidden[k]], part, served)
        found[left_out] = pd.Series(predicted, rows.index)
    return found


def _predicted(kind: Kind, fit: Any, rows: pd.DataFrame, served: list[str]) -> Array:
    """Throughput of rows by a fit, rows that are the same in ``served`` by one law. [tokens/s]"""
    alike = rows.groupby(served, sort=False, dropna=False).ngroup().to_numpy()
    first = rows[~pd.Series(alike).duplicated().to_numpy()]
    if kind.knows_load:
        laws = fit.laws_of(first)
    else:
        # all that it needs are numbers, and text is slow to take row by row
        told = first.select_dtypes("number")
        laws = [fit.condition(told.iloc[[k]]) for k in range(len(first))]
    lengths = rows[["input_tokens", "output_tokens"]].to_numpy(float)
    predicted = np.empty(len(rows))
    for k, law in enumerate(laws):
        predicted[alike == k] = law.predict(*lengths[alike == k].T)
    return predicted


class PowerLaws:
    """Laws of GPU power that have not seen some of the measured runs, each fitted once.

    Parameters
    ----------
    hardware : dict of str to DataFrame
        Tables ``models``, ``gpus``, ``nodes``, ``mlenergy``, ``inferencex`` and ``wall_power``.
    """

    def __init__(self, hardware: Hardware) -> None:
        self.models, self.gpus = hardware["models"], hardware["gpus"]
        self.runs = measured_runs(hardware)
        self.idle = node.idle_share(hardware["wall_power"], hardware["nodes"], self.gpus)
        self.fits: dict[frozenset[int], GpuPower] = {}

    def without(self, hidden: frozenset[int]) -> GpuPower:
        """Law that has not seen some of ``runs``, a frozenset of their index."""
        if hidden not in self.fits:
            self.fits[hidden] = GpuPower.fit(self.runs.drop(hidden), self.idle)
        return self.fits[hidden]


def law_energy(
    rows: pd.DataFrame, throughput: pd.Series, left_out: str, laws: PowerLaws
) -> pd.Series:
    """Energy per output token of the GPUs at a throughput, by the law of GPU power.

    The law is fitted anew without what is left out, and knows the load, not the task.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    throughput : Series
        Predicted for the runs, by their index; empty where nothing is. [tokens/s]
    left_out : {"configuration", "model"}
        What of a run the law of power has not seen.
    laws : PowerLaws
        Where the laws are taken from.

    Returns
    -------
    Series
        Of the runs whose energy was measured and that have a throughput. [J]
    """
    models, gpus = laws.models, laws.gpus
    asked = rows[rows["energy_per_token_j"].notna()].join(throughput.rename("speed"))
    asked = asked[asked["speed"].notna()].assign(task="", batch=lambda t: t["concurrency"])
    asked = asked.rename(columns={"attention_data_parallel": "attention_copies"})
    described = laws.runs.assign(model=laws.runs["network"])
    tested, learnt = (_laid_out(table) for table in (asked, described))
    own, hidden = _hidden(tested, learnt, models, left_out)
    found = pd.Series(np.nan, asked.index)
    for k, alike in asked.groupby(own):
        law = laws.without(hidden[k])
        energy = energy_per_token(law, alike, alike["speed"], 0.0, models, gpus)
        found[alike.index] = energy["predicted_j"]
    return found


def _laid_out(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the law of power with the layout by which configurations are told."""
    return runs.assign(
        attention_data_parallel=runs["attention_copies"],
        tensor_parallel=runs["gpus"] / runs["attention_copies"],
    )


def _hidden(
    tested: pd.DataFrame, learnt: pd.DataFrame, models: pd.DataFrame, left_out: str
) -> tuple[pd.Series, dict[float, frozenset[int]]]:
    """Part that every tested row is left out in, and the learnt rows that no fit for it sees."""
    own, others = (_group(table, models, left_out) for table in (tested, learnt))
    groups = others.unique()
    parts = len(groups) if left_out == MODEL else FOLDS
    part = dict(zip(groups, np.arange(len(groups)) % parts, strict=True))
    own, others = own.map(part).fillna(-1), others.map(part)
    return own, {k: frozenset(others.index[others == k]) for k in own.unique()}


def _group(rows: pd.DataFrame, models: pd.DataFrame, left_out: str) -> pd.Series:
    """Name of what is left out with every row, whatever engine has served it."""
    known = models.set_index("model")[NETWORK].map(str).agg(" ".join, axis=1)
    spelt = names(models)
    model = rows["model"].map(lambda name: spelt.get(str(name).lower(), name))
    network = model.map(known).fillna(model)
    if left_out == MODEL:
        return network
    gpus = copy_gpus(rows).astype(float).map("{:g}".format)
    others = pd.DataFrame({"gpu": rows["gpu"], "gpus": gpus, "precision": rows["precision"]})
    return network.str.cat(others, sep=" ")

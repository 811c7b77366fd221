"""What the methods and the law of this project predict for the runs.

The law never sees the run that it predicts: a fit is made anew without the run's configuration, or
without its model.
"""

import numpy as np
import pandas as pd

from inference_energy.energy.equation import token_energy
from inference_energy.evidence.estimates import accelerator_power, energy_at
from inference_energy.laws.registry import LAWS
from inference_energy.units import J_PER_WH

ASKED = [name for name, kind in LAWS.items() if kind.pooled]
"""Laws that predict configurations which they have not seen."""

OF_ONE_LOAD = tuple(name for name in ASKED if not LAWS[name].knows_load)
"""Laws to which each load is a configuration: they learn from the vendor tables alone, where every
configuration has one, and know neither layout nor engine."""

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

REFERENCE = "H100-SXM-80GB"
"""GPU of the nodes whose power a method states."""


def of_method(rows, setup, convert):
    """Predictions of a method, of the models that it has a law for.

    It knows no load, and its node has eight GPUs of one kind: a run's GPUs have their share of it.

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
                "energy_per_token_j": energy * J_PER_WH / row["output_tokens"],
            }
        )
    return pd.DataFrame(found, columns=["id", "throughput_tps", "energy_per_token_j"])


def of_law(name, rows, vendor, hardware):
    """Throughput of every run by a law, told its load, without its configuration and its model.

    Parameters
    ----------
    name : str
        One of ASKED.
    rows : DataFrame
        From :func:`peers.rows.rows`.
    vendor : DataFrame
        The vendor tables, schema ``throughput``; a law that knows loads learns from the runs too.
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
        learnt = vendor
    else:
        tested, served = rows, [*SERVED, *LAYOUT, *STACK]
        learnt = pd.concat([vendor, rows[rows["throughput_tps"].notna()]], ignore_index=True)
    tested = kind.prepare(tested.assign(throughput_tps=np.nan), hardware)
    learnt = kind.prepare(learnt, hardware)
    fits = {frozenset(): kind.fit_many(learnt)}
    found, done = {}, {}
    for left_out in (CONFIGURATION, MODEL):
        own, others = (_group(table, hardware["models"], left_out) for table in (tested, learnt))
        names = others.unique()
        parts = len(names) if left_out == MODEL else FOLDS
        part = dict(zip(names, np.arange(len(names)) % parts, strict=True))
        own, others = own.map(part).fillna(-1), others.map(part)
        hidden = {k: frozenset(others.index[others == k]) for k in own.unique()}
        predicted = pd.Series(np.nan, rows.index)
        for (k, *one), alike in tested.groupby([own, *served], sort=False, dropna=False):
            if hidden[k] not in fits:
                fits[hidden[k]] = kind.fit_many(learnt.drop(hidden[k]).reset_index(drop=True))
            # many runs are of models that nothing is learnt from: one prediction serves both
            same = (hidden[k], *one)
            if same not in done:
                law = fits[hidden[k]].condition(alike.iloc[:1])
                lengths = (alike[f"{name}_tokens"].to_numpy(float) for name in ("input", "output"))
                done[same] = law.predict(*lengths)
            predicted[alike.index] = done[same]
        found[left_out] = predicted
    return found


def _group(rows, models, left_out):
    """Name of what is left out with every row, whatever engine has served it."""
    known = models.set_index("model")[NETWORK].map(str).agg(" ".join, axis=1)
    network = rows["model"].map(known).fillna(rows["model"])
    if left_out == MODEL:
        return network
    copies = rows["attention_data_parallel"].fillna(1) if "attention_data_parallel" in rows else 1
    gpus = (rows["tensor_parallel"] * copies).astype(float).map("{:g}".format)
    return network.str.cat([rows["gpu"], gpus, rows["precision"]], sep=" ")


def rated_share(setup, convert, gpus):
    """Share of their rated power that the GPUs of a method draw, whatever the load. [1]"""
    shown = setup.models[0].name
    drawn = accelerator_power(setup, shown, 1000.0, 1000.0, convert)
    return drawn / gpus.set_index("gpu")["tdp_w"][REFERENCE]


def law_energy(rows, throughput, share, gpus):
    """Energy per output token [J] of the runs at a throughput, their GPUs at a share of their rate.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    throughput : Series
        Of every run. [tokens/s]
    share : float
        Power drawn over rated power. [1]
    gpus : DataFrame
        Table of schema ``gpus``.
    """
    rated = rows["gpu"].map(gpus.set_index("gpu")["tdp_w"]).astype(float) * rows["gpus"]
    return token_energy(share * rated, throughput)

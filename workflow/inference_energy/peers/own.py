"""What the methods and the law of this project predict for the runs.

The law never sees the run that it predicts: a fit is made anew without the run's configuration, or
without its model.
"""

import numpy as np
import pandas as pd

from inference_energy.energy.equation import token_energy
from inference_energy.evidence.estimates import accelerator_power, energy_at
from inference_energy.laws.hardware import DEPLOYMENT
from inference_energy.laws.registry import LAWS
from inference_energy.units import J_PER_WH

LAW = "hierarchical"
"""Law that is told the load: of the registry, and the one that ``revised`` names."""

CONFIGURATION, MODEL = "configuration", "model"
"""What is left out of a law's fit."""

FOLDS = 5
"""Parts that configurations or models are left out in, so that the fits stay few."""

NETWORK = ["params_total_b", "layers", "hidden_size", "experts"]
"""Columns of ``models`` by which two names are one network, which is left out as a whole."""

SERVED = ["model", "gpu", "gpus", "precision", "concurrency"]
"""Columns of the runs that one law describes."""

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


def of_law(rows, background, hardware):
    """Throughput of every run by the law, told its load, without its configuration and its model.

    Parameters
    ----------
    rows : DataFrame
        From :func:`peers.rows.rows`.
    background : DataFrame
        Rows that the law learns from, schema ``throughput``, with both lengths.
    hardware : dict of str to DataFrame
        Tables ``models`` and ``gpus``.

    Returns
    -------
    dict of str to Series
        By what of the run the law has not seen in any fit. [tokens/s]
    """
    kind = LAWS[LAW]
    tested = rows.assign(tensor_parallel=rows["gpus"], throughput_tps=np.nan)
    tested, known = kind.prepare(tested, hardware), kind.prepare(background, hardware)
    fits = {frozenset(): kind.fit_many(known)}
    found, done = {}, {}
    for left_out in (CONFIGURATION, MODEL):
        own, others = (_group(table, hardware["models"], left_out) for table in (tested, known))
        names = others.unique()
        fold = dict(zip(names, np.arange(len(names)) % FOLDS, strict=True))
        own, others = own.map(fold).fillna(-1), others.map(fold)
        predicted = pd.Series(np.nan, rows.index)
        for key, alike in tested.groupby([own, *SERVED], sort=False):
            hidden = frozenset(others.index[others == key[0]])
            if hidden not in fits:
                fits[hidden] = kind.fit_many(known.drop(hidden))
            # most runs are of models that the tables do not have: one prediction serves both
            if (hidden, key[1:]) not in done:
                law = fits[hidden].condition(alike.iloc[:1])
                lengths = (alike[f"{name}_tokens"].to_numpy(float) for name in ("input", "output"))
                done[hidden, key[1:]] = law.predict(*lengths)
            predicted[alike.index] = done[hidden, key[1:]]
        found[left_out] = predicted
    return found


def _group(rows, models, left_out):
    """Name of what is left out with every row."""
    known = models.set_index("model")[NETWORK].map(str).agg(" ".join, axis=1)
    network = rows["model"].map(known).fillna(rows["model"])
    if left_out == MODEL:
        return network
    return network.str.cat([rows[name].astype(str) for name in DEPLOYMENT[1:3]], sep=" ").str.cat(
        rows["precision"], sep=" "
    )


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

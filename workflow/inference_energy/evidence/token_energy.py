"""Energy per output token of a load, with power and throughput both predicted.

    E = n P(TPS) / TPS                                                                         (1)

A throughput that is predicted too high asks for more power too, so of its error only the share
1 - d ln P / d ln TPS is left in E.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtri

from inference_energy.energy.equation import Array, token_energy
from inference_energy.laws.at_load import describe
from inference_energy.laws.serving import TRAITS, served_batch
from inference_energy.laws.training import LoadFit, steady_rows
from inference_energy.power.gpu import GpuPower
from inference_energy.power.scores import SPLITS
from inference_energy.power.utilisation import add_utilisation, alike, architecture, names
from inference_energy.units import PERCENT


def energy_per_token(
    law: GpuPower,
    rows: pd.DataFrame,
    throughput: Array | pd.Series,
    log_sd: Array | float,
    models: pd.DataFrame,
    gpus: pd.DataFrame,
) -> pd.DataFrame:
    """Energy of the GPUs per output token, equation (1).

    Parameters
    ----------
    law : GpuPower
        Power with load.
    rows : DataFrame
        Loads, columns as for ``add_utilisation`` but for throughput_tps, and task.
    throughput : ndarray or Series
        Median of the throughput of all GPUs of each row. [tokens/s]
    log_sd : ndarray or float
        Standard deviation of its logarithm. [1]
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        ``predicted_j``, ``p5_j``, ``p25_j``, ``p75_j``, ``p95_j`` [J] and ``log_sd`` [1].
    """
    loads = add_utilisation(rows.assign(throughput_tps=throughput), models, gpus)
    power = law.predict(loads)
    speed = pd.Series(np.asarray(throughput, float), rows.index)
    energy = token_energy(power["gpu_power_w"] * rows["gpus"].astype(float), speed)
    spread = np.hypot(power["log_sd"], (1 - power["slope"]) * log_sd)
    ends = {f"p{p}_j": energy * np.exp(ndtri(p / PERCENT) * spread) for p in (5, 25, 75, 95)}
    return pd.DataFrame({"predicted_j": energy, **ends, "log_sd": spread})


def left_out(
    rows: pd.DataFrame,
    laws: Mapping[tuple[str, str], GpuPower],
    steady: pd.DataFrame,
    training: pd.DataFrame,
    models: pd.DataFrame,
    gpus: pd.DataFrame,
) -> pd.DataFrame:
    """Energy per token of runs whose group neither law was fitted to.

    Parameters
    ----------
    rows : DataFrame
        Rows that the law of power is fitted to, with the columns of ``add_utilisation``.
    laws : mapping
        Of ``scores.laws_without``: the law of power without each group.
    steady : DataFrame
        Table of schema ``mlenergy``, whose runs are predicted at their limit of concurrency.
    training : DataFrame
        ``laws.training.training_rows``, which the law of throughput is fitted to.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        As of ``energy_per_token``, with source_id, run, architecture, left_out, measured_j [J], and
        throughput_off, predicted over measured throughput [1].
    """
    swept = rows[rows["source_id"] == steady["source_id"].iloc[0]]
    served = describe(
        steady_rows(steady).assign(concurrency=steady["concurrency_limit"]), models, gpus
    ).set_axis(swept.index)
    lengths = served["input_tokens"], served["output_tokens"]
    batch = served_batch({name: served[name] for name in TRAITS}, *lengths, served["concurrency"])
    loads = swept.assign(batch=batch)
    known = names(models)
    network = training["model"].map(lambda name: known.get(str(name).lower(), name))
    groups = pd.DataFrame(
        {
            "alike": alike(network, models),
            "architecture": network.map(models.set_index("model").apply(architecture, axis=1)),
            "task": training["source_version"],
            "gpu": training["gpu"],
        }
    )
    parts = []
    for split, column in SPLITS.items():
        for value in swept[column].unique():
            own = swept[column] == value
            fitted = LoadFit.fit(training[groups[column] != value])
            throughput, log_sd = fitted.predict(served[own])
            law = laws[split, value]
            found = energy_per_token(law, loads[own], throughput, log_sd, models, gpus)
            parts.append(
                swept.loc[own, ["source_id", "run", "architecture"]]
                .assign(
                    left_out=split,
                    measured_j=swept.loc[own, "energy_per_token_j"],
                    throughput_off=throughput / swept.loc[own, "throughput_tps"],
                )
                .join(found)
            )
    return pd.concat(parts, ignore_index=True)

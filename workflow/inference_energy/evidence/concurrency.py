"""Energy per output token against the number of sequences served at once."""

import numpy as np
import pandas as pd

DEPLOYMENT = ["task", "model_id", "precision", "gpu", "gpus", "tensor_parallel", "expert_parallel"]
SUBJECT = ["task", "model_id", "precision", "gpu"]


def best_deployments(runs):
    """Runs of the deployment with the lowest energy per token of each model, task and GPU.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``mlenergy``.

    Returns
    -------
    DataFrame
        The sweep of that deployment, by rising concurrency.
    """
    best = runs.loc[runs.groupby(SUBJECT)["energy_per_token_j"].idxmin(), DEPLOYMENT]
    return runs.merge(best, on=DEPLOYMENT).sort_values([*DEPLOYMENT, "concurrency"])


def summarise(runs, band, near_best):
    """What concurrency alone does to the energy per token of each model and GPU.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``mlenergy``.
    band : tuple of float
        Lower and upper end of the range of ratios to be explained. [1]
    near_best : float
        Energy per token over the best that counts as near it. [1]

    Returns
    -------
    DataFrame
        Per task, model, precision and GPU: energy per token at the smallest batch and at the best
        [J], their ratio [1], the lowest concurrency near the best [requests], the part of ln of
        each end of the band that the ratio makes up [1].
    """
    lines = []
    for key, sweep in best_deployments(runs).groupby(DEPLOYMENT, sort=False):
        energy, load = sweep["energy_per_token_j"], sweep["concurrency"]
        best = energy.min()
        ratio = energy.iloc[0] / best
        lines.append(
            dict(zip(DEPLOYMENT, key, strict=True))
            | {
                "model": sweep["model"].iloc[0],
                "source_id": sweep["source_id"].iloc[0],
                "runs": len(sweep),
                "smallest_batch": load.iloc[0],
                "energy_smallest_batch_j": energy.iloc[0],
                "best_batch": load[energy.idxmin()],
                "energy_best_j": best,
                "ratio": ratio,
                "near_best_batch": load[energy <= near_best * best].min(),
                "explained_lower": np.log(ratio) / np.log(band[0]),
                "explained_upper": np.log(ratio) / np.log(band[1]),
            }
        )
    return pd.DataFrame(lines)


def concurrency_factor(runs, model, precision, concurrency):
    """Energy per token at a concurrency over that of the best one, measured for the model.

    The sweep on the H100 is used where there is one, and that of the same precision. Between
    runs ln E is interpolated in ln concurrency; below the smallest batch measured the factor
    stays that of the smallest.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``mlenergy``.
    model : str
        Model in the spelling of the throughput tables.
    precision : str or None
        Number format of the weights, if known.
    concurrency : float
        Requests served at once.

    Returns
    -------
    tuple of (float or None, str)
        Factor [1], none if the model was not measured, and where it was measured.
    """
    sweeps = best_deployments(runs[runs["model"] == model])
    if sweeps.empty:
        return None, "this model was not measured"
    order = sweeps.assign(
        other_gpu=sweeps["gpu"] != "H100-SXM-80GB", other_precision=sweeps["precision"] != precision
    ).sort_values(["other_gpu", "other_precision", "model_id"], kind="stable")
    chosen = order.iloc[0]
    sweep = order[(order[DEPLOYMENT] == chosen[DEPLOYMENT]).all(axis=1)].sort_values("concurrency")
    load, energy = np.log(sweep["concurrency"]), np.log(sweep["energy_per_token_j"])
    factor = np.exp(np.interp(np.log(concurrency), load, energy) - energy.min())
    where = f"{concurrency:g} sequences: {chosen['model_id']} {chosen['precision']}"
    where += f" on {chosen['gpus']}x {chosen['gpu']}"
    smallest = sweep["concurrency_limit"].min()
    if concurrency < smallest:
        where += f", measured down to {smallest:g}"
    return float(factor), where


def precision_ratios(runs):
    """Energy per token in BF16 over FP8 for models measured in both.

    The best deployment of each precision on the same GPU, task and concurrency limit.

    Returns
    -------
    DataFrame
        family, task, gpu, concurrency_limit, ratio [1].
    """
    keys = ["family", "task", "gpu", "concurrency_limit"]
    named = runs.assign(family=runs["model_id"].str.removesuffix("-FP8"))
    both = named.pivot_table(
        index=keys, columns="precision", values="energy_per_token_j", aggfunc="min"
    )[["BF16", "FP8"]].dropna()
    return (both["BF16"] / both["FP8"]).rename("ratio").reset_index()

"""Share of its maximum power that a node draws, its GPUs metered or predicted."""

import pandas as pd

from inference_energy.power.node import find_node, node_power
from inference_energy.units import W_PER_KW

SWEEP = ["gpu", "model", "task"]
"""Columns that runs have in common which differ in load alone."""


def node_shares(
    predictions: pd.DataFrame, nodes: pd.DataFrame, gpus: pd.DataFrame, maximum: pd.DataFrame
) -> pd.DataFrame:
    """Equation (1) of ``power.node`` for every run on all GPUs of a node of known maximum power.

    Parameters
    ----------
    predictions : DataFrame
        Table of schema ``power_predictions``. Of a GPU the prediction without its model counts.
    nodes, gpus, maximum : DataFrame
        Tables of schemas ``nodes``, ``gpus`` and ``node_power``.

    Returns
    -------
    DataFrame
        Schema ``power_shares``.
    """
    full = maximum[["gpu", "gpus", "power_kw"]]
    runs = predictions[predictions["left_out"] == "model"].merge(full, on=["gpu", "gpus"])
    least = runs.groupby(SWEEP)["measured_j"].transform("min")
    names = ["measured", "predicted", "p5", "p95"]
    drawn = pd.DataFrame(index=runs.index, columns=names, dtype=float)
    for gpu, own in runs.groupby("gpu"):
        watts = own[[f"{name}_w" for name in names]].to_numpy(float)
        drawn.loc[own.index] = node_power(watts, find_node(str(gpu), nodes, gpus)) / W_PER_KW
    share = drawn.div(runs["power_kw"], axis=0)
    return runs[["source_id", "model", "architecture", "task", "gpu", "concurrency"]].assign(
        best=runs["measured_j"].eq(least).map({True: "yes", False: "no"}),
        node_power_kw=drawn["measured"],
        share=share["measured"],
        predicted_share=share["predicted"],
        p5_share=share["p5"],
        p95_share=share["p95"],
    )


def sweeps(shares: pd.DataFrame) -> pd.DataFrame:
    """Every sweep at its smallest load and where a token takes the least energy.

    Parameters
    ----------
    shares : DataFrame
        Schema ``power_shares``.

    Returns
    -------
    DataFrame
        The columns SWEEP, and concurrency [requests], share and predicted_share [1] with ``_least``
        and ``_best``.
    """
    first = shares.loc[shares.groupby(SWEEP)["concurrency"].idxmin()]
    best = shares[shares["best"] == "yes"]
    columns = [*SWEEP, "concurrency", "share", "predicted_share"]
    return first[columns].merge(best[columns], on=SWEEP, suffixes=("_least", "_best"))

"""Power at the wall of whole nodes, predicted and measured."""

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.base import Array
from inference_energy.laws.hardware import serving_times
from inference_energy.power.gpu import GpuPower
from inference_energy.power.measured import LEAST_DRAWN
from inference_energy.power.node import (
    find_node,
    gpu_power_at,
    idle_share,
    metered_node,
    node_power,
)
from inference_energy.power.utilisation import add_utilisation
from inference_energy.units import PERCENT

ALLOWED = 5.0
"""Error of a prediction at the wall up to which it counts as right. [%]"""

USUAL_LIMIT = 0.5
"""Limit of a GPU's power over its rated power that is usual at least, the least of those in
data/mlperf_benchmarks.csv. Drivers let it be lowered to about 0.3. [1]"""

LARGEST_BATCH = 1024.0
"""Requests that a GPU serves at once at most, where the KV cache would hold more."""

INPUT_SCALES = (0.5, 2.0)
"""Factors of the input tokens, which are assumed for most benchmarks, that a prediction is repeated
with."""


def served(wall: pd.DataFrame, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """What each metered node served, as rows for ``add_utilisation`` but for the batch.

    Parameters
    ----------
    wall, benchmarks : DataFrame
        Tables of schemas ``wall_power`` and ``mlperf_benchmarks``.

    Raises
    ------
    InputError
        If a benchmark is not described.
    """
    rows = wall.merge(
        benchmarks.rename(columns={"gpus": "copy_gpus", "gpu_power_limit_w": "power_limit_w"}),
        on=["source_id", "benchmark"],
        how="left",
        validate="many_to_one",
    )
    missing = rows[rows["model"].isna()]
    if len(missing):
        raise InputError(
            [
                f"data/mlperf_benchmarks.csv: no row of {row['source_id']}, {row['benchmark']};"
                " every run of data/measured/mlperf_wall_power.csv needs one; add it"
                for _, row in missing.drop_duplicates(["source_id", "benchmark"]).iterrows()
            ]
        )
    copies = rows["gpus"] / rows["copy_gpus"]
    return rows.assign(
        throughput_tps=rows["throughput_tps"] / copies,
        node_gpus=rows["gpus"],
        gpus=rows["copy_gpus"],
        attention_copies=1,
        task=rows["benchmark"],
    )


def unusual_limits(wall: pd.DataFrame, benchmarks: pd.DataFrame, gpus: pd.DataFrame) -> list[str]:
    """Hold limits of GPUs' power against the rated power of the GPUs that they are of.

    Parameters
    ----------
    wall, benchmarks, gpus : DataFrame
        Tables of schemas ``wall_power``, ``mlperf_benchmarks`` and ``gpus``.

    Returns
    -------
    list of str
        What is possible but unusual, a sentence a benchmark and GPU.

    Raises
    ------
    InputError
        With every limit above the rated power, or below what a GPU at work draws.
    """
    rated = gpus.set_index("gpu")["tdp_w"].astype(float)
    rows = served(wall, benchmarks).drop_duplicates(["source_id", "benchmark", "gpu"])
    rows = rows.assign(tdp_w=rows["gpu"].map(rated))
    share = rows["power_limit_w"].astype(float) / rows["tdp_w"]
    wrong, low = (share < LEAST_DRAWN) | (share > 1), share < USUAL_LIMIT

    def said(row: pd.Series, word: str, least: float) -> str:
        most = row["tdp_w"]
        return (
            f"data/mlperf_benchmarks.csv: {row['source_id']}, {row['benchmark']}: column"
            f' "gpu_power_limit_w": value {row["power_limit_w"]:g}: {word} is {least * most:g} to'
            f" {most:g} for {row['gpu']}, {least:g} to 1 times tdp_w of data/gpus.csv"
        )

    if wrong.any():
        raise InputError(
            f"{said(row, 'allowed', LEAST_DRAWN)}, as a limit is within what a GPU at work draws"
            " and its rated power; correct the one that is wrong, or empty the cell"
            for _, row in rows[wrong].iterrows()
        )
    return [said(row, "unusual; usual", USUAL_LIMIT) for _, row in rows[low].iterrows()]


def _batch(row: pd.Series, models: pd.DataFrame, gpus: pd.DataFrame) -> float:
    """Requests that the KV cache holds, at most LARGEST_BATCH."""
    fits = serving_times(row.rename({"gpus": "tensor_parallel"}), models, gpus)["cache"]
    return min(fits / (row["input_tokens"] + row["output_tokens"]), LARGEST_BATCH)


def check(
    wall: pd.DataFrame,
    benchmarks: pd.DataFrame,
    runs: pd.DataFrame,
    models: pd.DataFrame,
    gpus: pd.DataFrame,
    nodes: pd.DataFrame,
) -> pd.DataFrame:
    """Predict every meter from the throughput of its run.

    The law of GPU power is fitted to ``runs`` and to the idle readings of the meters of other GPUs
    than the one predicted, never to a meter under load; the law of the node is not fitted.

    Parameters
    ----------
    wall, benchmarks : DataFrame
        Tables of schemas ``wall_power`` and ``mlperf_benchmarks``.
    runs : DataFrame
        Rows that the law is fitted to, with the columns of ``add_utilisation``.
    models, gpus, nodes : DataFrame
        Tables of those schemas.

    Returns
    -------
    DataFrame
        Schema ``power_wall``.
    """
    rows = served(wall, benchmarks)
    scaled = {scale: _with_utilisation(rows, scale, models, gpus) for scale in (1.0, *INPUT_SCALES)}
    laws = {}
    for gpu in rows["gpu"].unique():
        others = wall[wall["gpu"] != gpu]
        laws[gpu] = GpuPower.fit(runs, idle_share(others if len(others) else wall, nodes, gpus))
    parts = []
    for (gpu, cooling), own in rows.groupby(["gpu", "cooling"], sort=False):
        in_air = find_node(str(gpu), nodes, gpus)
        node = metered_node(str(gpu), str(cooling), nodes, gpus)
        count, meter = own["node_gpus"].astype(float), own["wall_power_w"]
        power = {scale: laws[gpu].predict(table.loc[own.index]) for scale, table in scaled.items()}
        middle = {scale: found["gpu_power_w"] for scale, found in power.items()}
        p5, p95 = (node_power(power[1.0][name], node, count) for name in ("p5_w", "p95_w"))
        error, half, double = (
            _error(node_power(watts, node, count), meter) for watts in middle.values()
        )
        keys = ["source_id", "system", "benchmark", "scenario", "gpu", "cooling"]
        parts.append(
            own[keys].assign(
                gpu_power_limit_w=own["power_limit_w"],
                gpu_power_w=middle[1.0],
                gpu_power_at_wall_w=[gpu_power_at(watts, node) for watts in meter],
                measured_w=meter,
                predicted_w=node_power(middle[1.0], node, count),
                p5_w=p5,
                p95_w=p95,
                error_percent=error,
                error_half_input_percent=half,
                error_double_input_percent=double,
                error_air_percent=_error(node_power(middle[1.0], in_air, count), meter),
                within=np.where(np.abs(error) <= ALLOWED, "yes", "no"),
            )
        )
    return pd.concat(parts, ignore_index=True)


def _with_utilisation(
    rows: pd.DataFrame, scale: float, models: pd.DataFrame, gpus: pd.DataFrame
) -> pd.DataFrame:
    """Rows with so many times the input tokens, and what they ask of the GPU."""
    rows = rows.assign(input_tokens=scale * rows["input_tokens"])
    rows["batch"] = [_batch(row, models, gpus) for _, row in rows.iterrows()]
    return add_utilisation(rows, models, gpus)


def _error(predicted: Array, measured: pd.Series) -> Array:
    return PERCENT * (predicted / measured.to_numpy(float) - 1)

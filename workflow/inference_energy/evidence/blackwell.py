"""Throughput and energy of B200 over H100: vendor tables, and each GPU at its best as measured."""

import numpy as np
import pandas as pd

from inference_energy.evidence.boundaries import HOPPER

BLACKWELL = "B200"
SAME_MODEL = ["source_id", "task", "model_id", "precision"]


def compare(benchmarks: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Ratio of B200 to H100 for the same model.

    The vendor tables are compared at the same lengths and number of GPUs. Of the measured runs
    each GPU has its best, the one with the highest throughput per GPU, whatever the load and the
    number of GPUs: a larger memory holds a larger batch, which is part of what a GPU can do.

    Parameters
    ----------
    benchmarks : DataFrame
        Table of schema ``throughput``.
    runs : DataFrame
        Table of schema ``mlenergy``.

    Returns
    -------
    DataFrame
        source_id, model, setting, precision, throughput_ratio (B200 over H100, per GPU) [1],
        energy_ratio (accelerators, H100 over B200, per token; empty if not measured) [1].
    """
    return pd.concat([_vendor(benchmarks), _measured(runs)], ignore_index=True)


def _vendor(benchmarks: pd.DataFrame) -> pd.DataFrame:
    b200, h100 = (benchmarks[benchmarks["gpu"] == gpu] for gpu in (BLACKWELL, HOPPER))
    key = ["source_id", "model", "tensor_parallel", "input_tokens", "output_tokens"]
    pair = b200.merge(h100, on=key, suffixes=("", "_h100"))
    shapes = zip(pair["input_tokens"], pair["output_tokens"], pair["tensor_parallel"], strict=True)
    return pd.DataFrame(
        {
            "source_id": pair["source_id"],
            "model": pair["model"],
            "setting": [f"{i:g}/{o:g} tokens, {t} GPUs" for i, o, t in shapes],
            "precision": pair["precision"] + " over " + pair["precision_h100"],
            "throughput_ratio": pair["throughput_tps"] / pair["throughput_tps_h100"],
            "energy_ratio": np.nan,
        }
    )


def _measured(runs: pd.DataFrame) -> pd.DataFrame:
    runs = runs.assign(per_gpu=runs["throughput_tps"] / runs["gpus"])
    best = runs.loc[runs.groupby([*SAME_MODEL, "gpu"])["per_gpu"].idxmax()]
    b200, h100 = (best[best["gpu"] == gpu] for gpu in (BLACKWELL, HOPPER))
    pair = b200.merge(h100, on=SAME_MODEL, suffixes=("", "_h100"))
    names = ["task", "gpus", "gpus_h100", "concurrency_limit", "concurrency_limit_h100"]
    settings = pair[names].itertuples(index=False, name=None)
    return pd.DataFrame(
        {
            "source_id": pair["source_id"],
            "model": pair["model_id"],
            "setting": [
                f"{task}, {n} over {m} GPUs, {c:g} over {d:g} sequences"
                for task, n, m, c, d in settings
            ],
            "precision": pair["precision"] + " over " + pair["precision"],
            "throughput_ratio": pair["per_gpu"] / pair["per_gpu_h100"],
            "energy_ratio": pair["energy_per_token_j_h100"] / pair["energy_per_token_j"],
        }
    )

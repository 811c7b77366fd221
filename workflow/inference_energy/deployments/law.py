"""The throughput law of an operator's node."""

from dataclasses import replace

import numpy as np
import pandas as pd

from inference_energy.deployments.runs import SAME_SHAPE, distinct_shapes
from inference_energy.laws.fitting import LAWS
from inference_energy.laws.hardware import (
    USABLE_MEMORY,
    WEIGHT_BYTES,
    add_serving_times,
    find_gpu,
    find_model,
)
from inference_energy.laws.hierarchical import Hierarchical
from inference_energy.laws.log_linear import LogLinear, Peak


def fit_log_linear(runs):
    """Fit the paper's law; a length that does not vary gets the exponent zero.

    As ``LogLinear.fit`` where both lengths vary; a ladder of output lengths at one input length
    says nothing about the input.
    """
    logs = np.log(runs[["input_tokens", "output_tokens"]].to_numpy(float))
    target = np.log(runs["throughput_tps"].to_numpy(float))
    varies = np.ptp(logs, axis=0) > SAME_SHAPE
    centred = (logs - logs.mean(axis=0)) * varies
    exponents = np.linalg.lstsq(centred, target - target.mean(), rcond=None)[0]
    intercept = target.mean() - logs.mean(axis=0) @ exponents
    peak = float(runs["throughput_tps"].max())
    return LogLinear(float(intercept), *map(float, exponents), peak, len(runs))


def fit_law(runs, settings, background=None, hardware=None):
    """Choose and fit the law that so many measured shapes allow.

    Parameters
    ----------
    runs : DataFrame
        Runs of one configuration and concurrency.
    settings : dict
        The method's section ``throughput_law``. ``hierarchical`` starts from the vendor table and
        learns from every run; other laws need their minimum of shapes, else the fallback's, else
        the largest throughput of a shape stands for all lengths.
    background : DataFrame, optional
        Rows that the hierarchical law starts from, schema ``throughput``.
    hardware : tuple of DataFrame, optional
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    law : object
        Throughput of all GPUs of the runs.
    basis : str
        How it came about, one sentence.
    """
    lengths = runs[["input_tokens", "output_tokens"]].notna()
    known = runs[lengths.all(axis=1)]
    if known.empty:
        unknown = " and ".join(
            name.replace("_tokens", "") for name in lengths if not lengths[name].all()
        )
        return Peak.fit(distinct_shapes(runs)), (
            f"The benchmark files do not tell the {unknown} length: the throughput is held at the"
            " measured one, whatever the lengths."
        )
    shapes = distinct_shapes(known)
    count = f"{len(shapes)} measured shape{'' if len(shapes) == 1 else 's'}"
    if settings["name"] == "hierarchical":
        return _condition(known, background, hardware), (
            f"The vendor's table, conditioned on {count} of this configuration (hierarchical law)."
        )
    fits = {kind: fit for kind, (fit, _) in LAWS.items()} | {"log-linear": fit_log_linear}
    for key, minimum in (("name", "minimum_rows"), ("fallback", "fallback_minimum_rows")):
        kind = settings[key]
        if len(shapes) >= max(settings[minimum], LAWS[kind][1]) and kind != "peak":
            return fits[kind](known), f"The {kind} law, fitted to {count}."
    return Peak.fit(shapes), (
        f"The largest throughput of {count}, whatever the lengths: too few for a law of lengths."
    )


def _condition(runs, background, hardware):
    """Throughput of all copies of the model from the law of one copy."""
    row = runs.iloc[0]
    stages = row["pipeline_parallel"] if pd.notna(row["pipeline_parallel"]) else 1
    copies = row["n_gpus"] // (row["tensor_parallel"] * stages)
    weights = find_model(row, hardware[0])["params_total_b"] * WEIGHT_BYTES[row["precision"]]
    memory = USABLE_MEMORY * find_gpu(row, hardware[1])["memory_gb"] * row["n_gpus"] / copies
    tensor_parallel = row["tensor_parallel"]
    if weights > memory:
        # experts are spread over GPUs that tensor_parallel does not count
        tensor_parallel, copies = row["n_gpus"] // stages, 1
    one = runs.assign(
        tensor_parallel=int(tensor_parallel),
        concurrency=runs["concurrency"] / copies,
        throughput_tps=runs["throughput_tps"] / copies,
    )
    pooled = Hierarchical.fit(add_serving_times(background, *hardware))
    law = pooled.condition(add_serving_times(one, *hardware))
    return replace(law, coefficients=law.coefficients / float(copies))

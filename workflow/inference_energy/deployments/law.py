"""The throughput law of an operator's node."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from inference_energy.deployments.runs import distinct_shapes
from inference_energy.laws.base import Law
from inference_energy.laws.fitting import Hardware
from inference_energy.laws.hardware import USABLE_MEMORY, WEIGHT_BYTES, find_gpu, find_model
from inference_energy.laws.registry import LAWS, WITHOUT_LENGTHS, Kind
from inference_energy.laws.rows import copy_gpus


def fit_law(
    runs: pd.DataFrame,
    settings: Mapping[str, Any],
    background: pd.DataFrame | None = None,
    hardware: Hardware | None = None,
) -> tuple[Law, str]:
    """Choose and fit the law that so many measured shapes allow.

    Parameters
    ----------
    runs : DataFrame
        Runs of one configuration and concurrency.
    settings : dict
        The method's section ``throughput_law``. A law that learns from many configurations starts
        from the method's throughput tables; other laws need their minimum of shapes, else the
        fallback's, else the largest throughput of a shape stands for all lengths.
    background : DataFrame, optional
        Rows that a law of many configurations starts from, schema ``throughput``.
    hardware : mapping of str to DataFrame, optional
        Tables that the law needs, by name; ``models`` and ``gpus`` for a law of many
        configurations.

    Returns
    -------
    law : Law
        Throughput of all GPUs of the runs.
    basis : str
        How it came about, one sentence.
    """
    lengths = runs[["input_tokens", "output_tokens"]].notna()
    known = runs[lengths.all(axis=1)]
    if known.empty:
        unknown = " and ".join(
            str(name).replace("_tokens", "") for name in lengths if not lengths[name].all()
        )
        return _of_any_length(distinct_shapes(runs)), (
            f"The benchmark files do not tell the {unknown} length: the throughput is held at the"
            " measured one, whatever the lengths."
        )
    shapes = distinct_shapes(known)
    count = f"{len(shapes)} measured shape{'' if len(shapes) == 1 else 's'}"
    name = settings["name"]
    if LAWS[name].pooled:
        if background is None:
            raise TypeError(f"the {name} law starts from the rows of other configurations")
        return _condition(LAWS[name], known, background, hardware or {}), (
            f"The method's throughput tables, conditioned on {count} of this configuration"
            f" ({name} law)."
        )
    for key, minimum in (("name", "minimum_rows"), ("fallback", "fallback_minimum_rows")):
        kind = LAWS.get(settings.get(key, ""))
        fewest = settings.get(minimum, 0)
        if (
            kind
            and kind.fit_one
            and kind.by_length
            and len(shapes) >= max(fewest, kind.minimum_rows)
        ):
            law = kind.fit_one(kind.prepare(known, hardware or {}))
            return law, f"The {settings[key]} law, fitted to {count}."
    return _of_any_length(shapes), (
        f"The largest throughput of {count}, whatever the lengths: too few for a law of lengths."
    )


def _of_any_length(shapes: pd.DataFrame) -> Law:
    """Law of the largest throughput, whatever the lengths."""
    fit = WITHOUT_LENGTHS.fit_one
    assert fit is not None
    return fit(shapes)


def one_copy(runs: pd.DataFrame, hardware: Hardware) -> tuple[pd.DataFrame, int]:
    """Runs as of one copy of the model, which serves its part of the requests.

    Parameters
    ----------
    runs : DataFrame
        Runs of one configuration, in the columns of schema ``benchmark``.
    hardware : mapping of str to DataFrame
        Tables ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        The runs with tensor_parallel, concurrency and throughput [tokens/s] of a copy.
    int
        How many copies the GPUs of the runs hold.
    """
    row = runs.iloc[0]
    stages = row["pipeline_parallel"] if pd.notna(row["pipeline_parallel"]) else 1
    copies = row["n_gpus"] // copy_gpus(runs).iloc[0]
    weights = find_model(row, hardware["models"])["params_total_b"] * WEIGHT_BYTES[row["precision"]]
    memory = USABLE_MEMORY * find_gpu(row, hardware["gpus"])["memory_gb"] * row["n_gpus"] / copies
    tensor_parallel = row["tensor_parallel"]
    if weights > memory:
        # experts are spread over GPUs that tensor_parallel does not count
        tensor_parallel, copies = row["n_gpus"] // stages, 1
    one = runs.assign(
        tensor_parallel=int(tensor_parallel),
        concurrency=runs["concurrency"] / copies,
        throughput_tps=runs["throughput_tps"] / copies,
    )
    return one, int(copies)


def _condition(kind: Kind, runs: pd.DataFrame, background: pd.DataFrame, hardware: Hardware) -> Law:
    """Throughput of all copies of the model from the law of one copy."""
    one, copies = one_copy(runs, hardware)
    fit = kind.fit_many(kind.prepare(background, hardware))
    law = fit.condition(kind.prepare(one, hardware))
    # rows of any configuration can be conditioned on
    assert law is not None
    return law.scaled(float(copies))

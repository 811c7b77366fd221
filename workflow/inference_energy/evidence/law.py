"""Energy of the GPUs per output token by the laws of throughput and power, at any load."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from inference_energy.evidence.token_energy import energy_per_token
from inference_energy.laws.at_load import AT_A_LOAD, describe
from inference_energy.laws.base import Law
from inference_energy.laws.rows import copy_gpus
from inference_energy.laws.serving import TRAITS, served_batch
from inference_energy.laws.training import (
    STEADY_ENGINE,
    STEADY_INPUT,
    LoadFit,
    fit_committed,
    steady_rows,
)
from inference_energy.power.gpu import GpuPower
from inference_energy.power.ways import fit_gpu_power

ENGINE = STEADY_ENGINE[0]
"""Serving software of the measurements here whose power is known."""


@dataclass(frozen=True)
class LoadLaws:
    """Throughput and power with load, fitted to all that is committed.

    Parameters
    ----------
    throughput : LoadFit
        Law of throughput.
    power : GpuPower
        Law of GPU power.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    """

    throughput: LoadFit
    power: GpuPower
    models: pd.DataFrame
    gpus: pd.DataFrame

    @classmethod
    def fit(cls, tables: Iterable[pd.DataFrame], hardware: Mapping[str, pd.DataFrame]) -> Self:
        """Fit to throughput tables and the tables of ``power.ways.Hardware``."""
        known = {name: hardware[name] for name in ("models", "gpus")}
        fit = fit_committed(tables, hardware["mlenergy"], known)
        return cls(fit, fit_gpu_power(hardware), **known)

    def with_gpu(self, name: str, like: str, **facts: float) -> Self:
        """The laws with one more GPU, like another one but for some of its facts."""
        twin = self.gpus[self.gpus["gpu"] == like].assign(gpu=name, **facts)
        return replace(self, gpus=pd.concat([self.gpus, twin], ignore_index=True))

    def law_of(self, row: Mapping[str, object]) -> Law:
        """Law of throughput of one row as for :meth:`energy`."""
        return self.throughput.laws_of(describe(pd.DataFrame([row]), self.models, self.gpus))[0]

    def energy(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Energy of all GPUs of a deployment per output token.

        Parameters
        ----------
        rows : DataFrame
            Columns of schema ``throughput`` with layout, engine, lengths and concurrency.

        Returns
        -------
        DataFrame
            As of ``token_energy.energy_per_token``, [J] and, log_sd, [1].
        """
        served = describe(rows.reset_index(drop=True), self.models, self.gpus)
        throughput, log_sd = self.throughput.predict(served)
        lengths = served["input_tokens"], served["output_tokens"]
        traits = {name: served[name] for name in TRAITS}
        copies = served["attention_data_parallel"].astype(float)
        pipeline = served.get("pipeline_parallel", 1)
        batch = served_batch(traits, *lengths, served["concurrency"])
        loads = served.assign(
            gpus=copy_gpus(served),
            attention_copies=copies,
            # of a pipeline each stage has a part of it at once
            batch=np.maximum(batch / pipeline, np.minimum(batch, 1.0)),
            task="",
        )
        return energy_per_token(self.power, loads, throughput, log_sd, self.models, self.gpus)


def of_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of a table of schema ``mlenergy`` as rows for :meth:`LoadLaws.energy`."""
    return steady_rows(runs).assign(attention_data_parallel=1)


def row(
    model: str,
    gpu: str,
    gpus: int,
    precision: str,
    concurrency: float,
    input_tokens: float = STEADY_INPUT,
    output_tokens: float = STEADY_INPUT,
    engine: str = "",
) -> dict[str, object]:
    """Row for :meth:`LoadLaws.energy`: tensor-parallel in a node, pipeline-parallel over nodes."""
    nodes = -(-gpus // 8)
    return {
        "model": model,
        "gpu": gpu,
        "precision": precision,
        "tensor_parallel": gpus // nodes,
        "pipeline_parallel": nodes,
        "attention_data_parallel": 1,
        "expert_parallel": 1,
        "engine": engine,
        "engine_version": "",
        "source_id": "",
        "source_version": "",
        "protocol": AT_A_LOAD,
        "input_tokens": float(input_tokens),
        "output_tokens": float(output_tokens),
        "concurrency": concurrency,
    }

"""Coefficients against runs whose prefill and decode are on GPUs of their own.

Such a run meters the energy of an input token and of an output token apart, at the GPUs. They are
predicted for the GPUs alone: the node time of prefill or decode at the run's lengths, engine and
load, times the power of a node's GPUs.

GPUs of prefill alone do nothing but matrix products, and wait whenever the decode GPUs take no
more. With t and T the GPU time of a query's prefill and decode as predicted, on n and m GPUs,

    u = min(1, (m / T) / (n / t)),    E = (t P_t + (t / u - t) P_0) / L_in                     (1)

u: share of the time that they work; P_t: power of a GPU that computes input only, P_0: of an idle
one.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.coefficients.table import GPUS, node_parts
from inference_energy.energy.equation import token_energy
from inference_energy.laws.at_load import AtLoad
from inference_energy.laws.base import Array
from inference_energy.laws.serving import PARTS, part_seconds
from inference_energy.laws.training import LoadFit
from inference_energy.method.distributions import NORMAL_95
from inference_energy.power.gpu import GpuPower
from inference_energy.power.utilisation import add_utilisation
from inference_energy.power.ways import Hardware, best_layouts, fitting
from inference_energy.units import joules

ALLOWED = 1.3
"""Factor up to which a prediction counts as right. [1]"""

BUSY = 0.75
"""Share of their rated power above which the GPUs of a role count as busy. [1]"""

ENGINES = {"dynamo-vllm": "vLLM", "dynamo-sglang": "SGLang"}
"""Serving software by the names of the runs."""

ROLES = ("prefill", "decode")


def compare(fit: LoadFit, power: GpuPower, hardware: Hardware) -> pd.DataFrame:
    """Measured and predicted energy per token of every role of every disaggregated run.

    Parameters
    ----------
    fit, power : LoadFit, GpuPower
        Laws of throughput and of GPU power.
    hardware : mapping of str to DataFrame
        As for ``power.ways``; the runs are in table inferencex.

    Returns
    -------
    DataFrame
        Schema ``coefficients_disaggregated``.
    """
    runs = hardware["inferencex"].query("disaggregated == 'yes'")
    return pd.concat(
        [_run(run, fit, power, hardware) for _, run in runs.iterrows()], ignore_index=True
    )


def _lengths(run: pd.Series) -> dict[str, float]:
    """Lengths of a run's query, from its energies per query and per token. [tokens]"""
    energy = run["energy_per_query_j"]
    return {
        "input_tokens": energy / run["energy_per_input_token_j"],
        "cached_tokens": 0.0,
        "output_tokens": energy / run["energy_per_output_token_j"],
    }


def _served(
    run: pd.Series, tokens: Array, load: float, fit: LoadFit, hardware: Hardware
) -> tuple[dict[Hashable, Any], pd.DataFrame]:
    """How a node serves the run's queries, and what that asks of its GPUs, one row."""
    kind = pd.DataFrame([run[["model", "gpu", "precision"]]]).assign(engine=ENGINES[run["engine"]])
    layouts = fitting(kind.reset_index(drop=True), GPUS, tuple(tokens), hardware)
    (way,) = best_layouts(fit, layouts, load).to_dict("records")
    served = pd.DataFrame([way]).assign(
        gpus=GPUS,
        attention_copies=way["copies"] * way["attention_data_parallel"],
        throughput_tps=way["speed"],
        task="",
    )
    return way, add_utilisation(served, hardware["models"], hardware["gpus"])


def _run(run: pd.Series, fit: LoadFit, power: GpuPower, hardware: Hardware) -> pd.DataFrame:
    """Both roles of a run."""
    query = _lengths(run)
    tokens = np.array([query["input_tokens"], query["output_tokens"]])
    load = run["concurrency"] * GPUS / run["decode_gpus"]
    way, loaded = _served(run, tokens, load, fit, hardware)
    drawn = power.predict(loaded).iloc[0]
    # prefill without output, so that no host's time hides what it takes by itself
    each = [node_parts([way["law"]], query | {"output_tokens": n}) for n in (0.0, tokens[1])]
    seconds, sigma = (
        np.array([of_prefill[0, 0], of_both[0, 2]])
        for of_prefill, of_both in zip(*each, strict=True)
    )
    measured = [run["prefill_energy_per_input_token_j"], run["decode_energy_per_output_token_j"]]
    own = [run[f"{role}_power_w"] for role in ROLES]
    rated = hardware["gpus"].set_index("gpu")["tdp_w"].astype(float)[run["gpu"]]
    busy = power.predict(prefill_only(loaded, tokens, seconds[0])).iloc[0]
    prefill_s, decode_s = GPUS * seconds
    pool = Prefill(
        prefill_s,
        decode_s,
        run["prefill_gpus"],
        run["decode_gpus"],
        busy["gpu_power_w"],
        power.idle_share * rated,
    )
    predicted = np.array(
        [
            pool.energy / tokens[0],
            token_energy(GPUS * drawn["gpu_power_w"], tokens[1] / seconds[1]),
        ]
    )
    sigma = np.hypot([pool.sigma(*sigma), sigma[1]], [busy["log_sd"], drawn["log_sd"]])
    factor = np.exp(np.abs(np.log(predicted / np.array(measured, float))))
    known = ["id", "model", "engine", "speculative", "concurrency", "prefill_gpus", "decode_gpus"]
    share = attention_share(way["law"], query)
    return pd.DataFrame(
        {name: run[name] for name in known}
        | {
            "role": ROLES,
            "load": load,
            "gpu_power_w": own,
            "busy": ["yes" if watts > BUSY * rated else "no" for watts in own],
            "measured_j": measured,
            "predicted_j": predicted,
            "p5_j": predicted * np.exp(-NORMAL_95 * sigma),
            "p95_j": predicted * np.exp(NORMAL_95 * sigma),
            "factor": factor,
            "within": ["yes" if off <= ALLOWED else "no" for off in factor],
            "attention_share": [share, None],
            "at_work": [pool.at_work, None],
            "working_w": [pool.working_w, None],
            "working_j": [pool.work / tokens[0], None],
        }
    )


def attention_share(law: AtLoad, query: Mapping[str, float]) -> float:
    """Share of attention in the predicted time of a query's prefill. [1]

    Parameters
    ----------
    law : AtLoad
        Law of a node.
    query : mapping of str to float
        Lengths as ``table.QUERY`` has them. [tokens]
    """
    lengths = query["input_tokens"], query["output_tokens"], query["cached_tokens"]
    parts = part_seconds(law.traits, *lengths, law.concurrency, law.requests)
    seconds = dict(zip(PARTS, parts * np.exp(law.log_factors), strict=True))
    prefill = sum(value for name, value in seconds.items() if name.startswith("prefill"))
    return float((seconds["prefill_attention"] + seconds["prefill_selected"]) / prefill)


def prefill_only(loaded: pd.DataFrame, tokens: Array, seconds: float) -> pd.DataFrame:
    """What a node that does both is asked for, as if it did nothing but prefill.

    Parameters
    ----------
    loaded : DataFrame
        One row, after ``power.utilisation.add_utilisation``.
    tokens : ndarray
        Input and output tokens of a query.
    seconds : float
        Node time of its prefill. [s]
    """
    both = tokens[1] / loaded["throughput_tps"]
    computed = loaded["compute"] * both / seconds * tokens[0] / tokens.sum()
    return loaded.assign(memory=0.0, experts=0.0, compute=computed)


@dataclass(frozen=True)
class Prefill:
    """GPUs that compute the input of queries whose output others compute: equation (1).

    Parameters
    ----------
    prefill_s, decode_s : float
        GPU time of a query's prefill and decode, t and T. [s]
    gpus, decode_gpus : float
        GPUs of the two, n and m.
    working_w, idle_w : float
        Power of a GPU at work, and of one that waits. [W]
    """

    prefill_s: float
    decode_s: float
    gpus: float
    decode_gpus: float
    working_w: float
    idle_w: float

    @property
    def at_work(self) -> float:
        """Share of the time at work, u. [1]"""
        return float(min(1.0, self.decode_gpus * self.prefill_s / self.decode_s / self.gpus))

    @property
    def work(self) -> float:
        """Energy of a query at work. [J]"""
        return self._while_computing(self.working_w)

    @property
    def energy(self) -> float:
        """Energy of a query, waiting included. [J]"""
        return self.work + (1 / self.at_work - 1) * self._while_computing(self.idle_w)

    def _while_computing(self, power: float) -> float:
        """Energy [J] at a power [W] for as long as the prefill of a query takes."""
        return float(joules(power, self.prefill_s))

    def sigma(self, prefill: float, decode: float) -> float:
        """Standard deviation of ln energy [1] from those of the two times, taken as independent."""
        if self.at_work == 1:
            return prefill
        at_work = self._while_computing(self.working_w - self.idle_w) / self.energy
        return float(np.hypot(at_work * prefill, (1 - at_work) * decode))

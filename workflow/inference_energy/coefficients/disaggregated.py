"""Coefficients against runs whose prefill and decode are on GPUs of their own.

Such a run meters the energy of an input token and of an output token apart, at the GPUs. They are
predicted as coefficients are, for the GPUs alone: the node time of prefill or decode at the run's
lengths, engine and load, times the power of a node's GPUs that do both.

GPUs of prefill alone wait whenever the decode GPUs cannot take more. How much, and what they would
have to draw while they wait for the prediction to be right, is given besides:

    u = (P / E) t,    P_w = (P - u P_t) / (1 - u)                                              (1)

P, E: measured power of a GPU and energy per input token; t, P_t: predicted GPU time per input token
and power of a GPU at work.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from inference_energy.coefficients.table import GPUS, node_parts
from inference_energy.energy.equation import token_energy
from inference_energy.laws.at_load import AtLoad
from inference_energy.laws.serving import PARTS, part_seconds
from inference_energy.laws.training import LoadFit
from inference_energy.method.distributions import NORMAL_95
from inference_energy.power.gpu import GpuPower
from inference_energy.power.utilisation import add_utilisation
from inference_energy.power.ways import Hardware, best_layouts, fitting

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


def _run(run, fit, power, hardware):
    energy = run["energy_per_query_j"]
    query = {
        "input_tokens": energy / run["energy_per_input_token_j"],
        "cached_tokens": 0.0,
        "output_tokens": energy / run["energy_per_output_token_j"],
    }
    tokens = np.array([query["input_tokens"], query["output_tokens"]])
    kind = pd.DataFrame([run[["model", "gpu", "precision"]]]).assign(engine=ENGINES[run["engine"]])
    load = run["concurrency"] * GPUS / run["decode_gpus"]
    layouts = fitting(kind.reset_index(drop=True), GPUS, tuple(tokens), hardware)
    (way,) = best_layouts(fit, layouts, load).to_dict("records")
    served = pd.DataFrame([way]).assign(
        gpus=GPUS,
        attention_copies=way["copies"] * way["attention_data_parallel"],
        throughput_tps=way["speed"],
        task="",
    )
    drawn = power.predict(add_utilisation(served, hardware["models"], hardware["gpus"])).iloc[0]
    (seconds,), (sigma,) = node_parts([way["law"]], query)
    measured = [run["prefill_energy_per_input_token_j"], run["decode_energy_per_output_token_j"]]
    own = [run[f"{role}_power_w"] for role in ROLES]
    predicted = token_energy(GPUS * drawn["gpu_power_w"], tokens / seconds[[0, 2]])
    sigma = np.hypot(sigma[[0, 2]], drawn["log_sd"])
    factor = np.exp(np.abs(np.log(predicted / np.array(measured, float))))
    known = ["id", "model", "engine", "speculative", "concurrency", "prefill_gpus", "decode_gpus"]
    share = attention_share(way["law"], query)
    at_work = own[0] / measured[0] * predicted[0] / drawn["gpu_power_w"]
    rated = hardware["gpus"].set_index("gpu")["tdp_w"].astype(float)[run["gpu"]]
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
            "at_work": [at_work, None],
            "waiting_w": [waiting_power(own[0], at_work, drawn["gpu_power_w"]), None],
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


def waiting_power(mean: float, at_work: float, working: float) -> float | None:
    """Power of a GPU while it waits, equation (1); none where it does not wait. [W]

    Parameters
    ----------
    mean : float
        Measured power of a GPU. [W]
    at_work : float
        Share of the time at work. [1]
    working : float
        Its power at work. [W]
    """
    return (mean - at_work * working) / (1 - at_work) if at_work < 1 else None

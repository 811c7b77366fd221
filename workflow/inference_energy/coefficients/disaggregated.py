"""Coefficients against runs whose prefill and decode are on GPUs of their own.

Such a run meters the energy of an input token and of an output token apart, at the GPUs. They are
predicted as coefficients are, for the GPUs alone: the node time of prefill or decode at the run's
lengths, engine and load, times the power of a node's GPUs that do both.

The throughput law lets every computed token attend to all before it. What prefill would be if it
attended only to the entries that the model's cache keeps of them is given besides:

    kept = k / (2 n d),    E' = E (1 - a (1 - kept))                                           (1)

k: bytes of the cache per token at 16 bit; n layers with entries of d values that all heads share;
a: share of attention in the predicted time.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from inference_energy.coefficients.table import GPUS, node_parts
from inference_energy.energy.equation import token_energy
from inference_energy.laws.at_load import AtLoad
from inference_energy.laws.benchmarks import LoadFit
from inference_energy.laws.hardware import find_model
from inference_energy.laws.serving import ASSUMED_BYTES, PARTS, part_seconds
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
    kept = kept_entries(find_model(run, hardware["models"]))
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
            "kept_j": [predicted[0] * (1 - share * (1 - kept)), None],
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
    return float(seconds["prefill_attention"] / prefill)


def kept_entries(model: pd.Series) -> float:
    """Entries of the cache per token of the context, equation (1). [1]

    Parameters
    ----------
    model : Series
        Row of schema ``models``. Where the heads do not share one entry, one per token is taken: a
        latent cache is small for another reason.
    """
    if model["kv_heads"] != 1:
        return 1.0
    whole = ASSUMED_BYTES * model["layers"] * model["head_dim"]
    return float(min(1.0, model["kv_bytes_per_token_16bit"] / whole))

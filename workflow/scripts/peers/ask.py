"""Ask EcoLogits and AIConfigurator for the rows of a table; run by the Python of .venv-peers.

    python ask.py ROWS.csv ANSWERS.csv

Of the library it imports Eq. 1 and the units alone, which need NumPy; that environment has it.
"""

import csv
import logging
import sys
from functools import cache
from importlib.metadata import version

from aiconfigurator.cli.api import cli_estimate
from aiconfigurator.sdk.perf_database import get_latest_database_version
from ecologits.impacts.llm import compute_llm_impacts_dag
from ecologits.tracers.utils import PROVIDER_CONFIG_MAP
from inference_energy.energy.equation import energy_of_each, token_energy
from inference_energy.units import WH_PER_KWH

ANSWER = ("id", "predictor", "told", "version", "throughput_tps", "energy_per_token_j", "note")

NO_MIX = dict.fromkeys(("adpe", "pe", "gwp", "wue"), 0.0)
"""Impacts per kWh, which do not matter to the energy."""

CHECKPOINTS = {
    ("DeepSeek-R1", "FP4"): ("nvidia/DeepSeek-V3.1-NVFP4", None),
    ("DeepSeek-R1", "FP8"): ("deepseek-ai/DeepSeek-R1", None),
    ("DeepSeek-V3", "FP4"): ("nvidia/DeepSeek-V3.1-NVFP4", None),
    ("DeepSeek-V3", "FP8"): ("deepseek-ai/DeepSeek-V3", None),
    ("DeepSeek-V3.1", "FP4"): ("nvidia/DeepSeek-V3.1-NVFP4", None),
    ("DeepSeek-V3.1", "FP8"): ("deepseek-ai/DeepSeek-V3", None),
    ("DeepSeek-V4-Pro", "FP4"): ("deepseek-ai/DeepSeek-V4-Pro", None),
    ("GLM-5", "FP4"): ("nvidia/GLM-5-NVFP4", None),
    ("GLM-5", "FP8"): ("zai-org/GLM-5-FP8", None),
    ("GPT-OSS 120B", "FP4"): ("openai/gpt-oss-120b", None),
    ("GPT-OSS 20B", "FP4"): ("openai/gpt-oss-20b", None),
    ("Kimi K2.5", "FP4"): ("nvidia/Kimi-K2.5-NVFP4", None),
    ("Kimi K2.5", "INT4"): ("moonshotai/Kimi-K2.5", None),
    ("Llama 3.1 405B", "BF16"): ("meta-llama/Meta-Llama-3.1-405B", None),
    ("Llama 3.1 405B", "FP8"): ("meta-llama/Meta-Llama-3.1-405B", "fp8"),
    ("Llama 3.1 70B", "BF16"): ("meta-llama/Meta-Llama-3.1-70B", None),
    ("Llama 3.1 70B", "FP4"): ("meta-llama/Meta-Llama-3.1-70B", "nvfp4"),
    ("Llama 3.1 70B", "FP8"): ("nvidia/Llama-3.1-70B-Instruct-FP8", None),
    ("Llama 3.1 8B", "BF16"): ("meta-llama/Meta-Llama-3.1-8B", None),
    ("Llama 3.1 8B", "FP8"): ("meta-llama/Meta-Llama-3.1-8B", "fp8"),
    ("Llama 3.3 70B", "BF16"): ("meta-llama/Meta-Llama-3.1-70B", None),
    ("Llama 4 Maverick", "FP8"): ("meta-llama/Llama-4-Maverick-17B-128E-Instruct", "fp8"),
    ("Llama 4 Scout", "BF16"): ("meta-llama/Llama-4-Scout-17B-16E-Instruct", None),
    ("MiniMax M2.5", "FP4"): ("nvidia/MiniMax-M2.5-NVFP4", None),
    ("MiniMax M2.5", "FP8"): ("MiniMaxAI/MiniMax-M2.5", None),
    ("Qwen3 235B A22B", "BF16"): ("Qwen/Qwen3-235B-A22B", None),
    ("Qwen3 235B A22B", "FP8"): ("Qwen/Qwen3-235B-A22B-FP8", None),
    ("Qwen3 30B A3B", "BF16"): ("Qwen/Qwen3-30B-A3B", None),
    ("Qwen3 32B", "BF16"): ("Qwen/Qwen3-32B", None),
    ("Qwen3 8B", "BF16"): ("Qwen/Qwen3-8B", None),
    ("Qwen3.5 397B A17B", "BF16"): ("Qwen/Qwen3.5-397B-A17B", None),
    ("Qwen3.5 397B A17B", "FP4"): ("nvidia/Qwen3.5-397B-A17B-NVFP4", None),
    ("Qwen3.5 397B A17B", "FP8"): ("Qwen/Qwen3.5-397B-A17B", "fp8_block"),
}
"""Checkpoint of AIConfigurator with the architecture of a model, by number format of the weights,
and the format to state where no checkpoint has it; of other models the package knows nothing."""

SYSTEMS = {
    "B200": "b200_sxm",
    "B300": "b300_sxm",
    "GB200": "gb200",
    "H100-SXM-80GB": "h100_sxm",
    "H200-SXM-141GB": "h200_sxm",
}

BACKENDS = {"TensorRT-LLM": "trtllm", "vLLM": "vllm", "SGLang": "sglang"}


NOTHING, BOUNDARY, EVERYTHING = "nothing", "boundary", "everything"
"""What a package is told: as shipped; that GPUs alone count; all that the measurement states."""


def ecologits(row, told):
    """EcoLogits on a row: throughput [tokens/s], energy per output token [J], what to note.

    As shipped it chooses the GPUs and takes its own batch, and its energy is the facility's. Told
    the boundary, it counts no server and a PUE of 1; told everything, it has the GPUs and the batch
    of the row as well.
    """
    total, active = float(row["params_total_b"]), float(row["params_active_b"])
    tokens = float(row["output_tokens"])
    known = {"datacenter_pue": _middle(PROVIDER_CONFIG_MAP["huggingface_hub"].datacenter_pue)}
    if told != NOTHING:
        known = {"datacenter_pue": 1.0, "server_power": 0.0}
    if told == EVERYTHING:
        # by the memory of each it counts 1.2 x the weights in so many; a bit more against rounding
        each = 1.2 * total * 16 / 8 / float(row["gpus"]) * (1 + 1e-9)
        known |= {"gpu_memory": each, "batch_size": max(round(float(row["concurrency"])), 1)}
    states = compute_llm_impacts_dag(
        model_active_parameter_count=active,
        model_total_parameter_count=total,
        output_token_count=tokens,
        request_latency=float("inf"),
        datacenter_wue=0.0,
        **{f"if_electricity_mix_{name}": value for name, value in NO_MIX.items()},
        **known,
    )
    energy = energy_of_each(_middle(states["request_energy"]) * WH_PER_KWH, tokens)
    throughput = states["batch_size"] * tokens / states["generation_latency"]
    off = told == EVERYTHING and states["gpu_required_count"] != float(row["gpus"])
    return throughput, energy, "counts GPUs in powers of two" if off else ""


def _middle(value):
    return (value.min + value.max) / 2 if hasattr(value, "min") else value


def aiconfigurator(row, told):
    """AIConfigurator on a row: throughput [tokens/s], energy per output token [J], what to note.

    As shipped it has model, format, GPUs and lengths of the row, and its own engine and batch. Told
    everything, it has the row's engine, layout and concurrency as well.
    """
    checkpoint = CHECKPOINTS.get((row["model"], row["precision"]))
    if checkpoint is None:
        return None, None, "model not known to the package"
    gpus, dense = int(float(row["gpus"])), row["architecture"] == "dense"
    tensor, copies, spread, batch, backend = gpus, 1, gpus, 128, "trtllm"
    if told == EVERYTHING:
        copies = int(float(row["attention_data_parallel"]))
        tensor, spread = gpus // copies, int(float(row["expert_parallel"]))
        batch = max(round(float(row["concurrency"]) / copies), 1)
        backend = BACKENDS[row["engine"]]
    experts = {} if dense else {"moe_tp_size": gpus // spread, "moe_ep_size": spread}
    return _estimate(
        *checkpoint,
        SYSTEMS[row["gpu"]],
        backend,
        max(round(float(row["input_tokens"])), 1),
        max(round(float(row["output_tokens"])), 2),
        batch,
        tensor,
        copies,
        tuple(experts.items()),
    )


@cache
def _latest(system, backend):
    return get_latest_database_version(system=system, backend=backend)


@cache
def _estimate(path, weights, system, backend, isl, osl, batch, tensor, copies, experts):
    stated = dict(experts)
    if weights:
        stated |= {"gemm_quant_mode": weights}
        stated |= {"moe_quant_mode": weights} if experts else {}
    try:
        found = cli_estimate(
            path,
            system,
            backend_name=backend,
            backend_version=_latest(system, backend),
            isl=isl,
            osl=osl,
            batch_size=batch,
            tp_size=tensor,
            attention_dp_size=copies,
            **stated,
        )
    except Exception as error:  # whatever it cannot predict it says in errors of many kinds
        reason = " ".join(str(error).split())
        if reason.startswith("OOM"):
            return None, None, "does not fit the memory, it says"
        return None, None, f"{type(error).__name__}: {reason[:90]}"
    note = "more requests than its cache holds" if found.kv_cache_warning else ""
    throughput = found.tokens_per_second
    power = found.power_w and found.power_w * found.num_total_gpus
    return throughput, token_energy(power, throughput) if power else None, note


PEERS = {
    "aiconfigurator": (aiconfigurator, (NOTHING, EVERYTHING)),
    "ecologits": (ecologits, (NOTHING, BOUNDARY, EVERYTHING)),
}
"""Packages by name, and what each is told; AIConfigurator counts the GPUs alone anyway."""


def answers(rows):
    """Answers of both peers to every row, as shipped and told, as dicts of ANSWER."""
    for predictor, (ask, ways) in PEERS.items():
        for told in ways:
            # the boundary decides on energy alone
            asked = [row for row in rows if told != BOUNDARY or row["energy_per_token_j"]]
            for row in asked:
                throughput, energy, note = ask(row, told)
                measured = row["throughput_tps"] and told != BOUNDARY
                yield {
                    "id": row["id"],
                    "predictor": predictor,
                    "told": told,
                    "version": version(predictor),
                    "throughput_tps": throughput if measured else None,
                    "energy_per_token_j": energy if row["energy_per_token_j"] else None,
                    "note": note,
                }


def main(source, target):
    """Read the rows, write the answers."""
    logging.disable(logging.CRITICAL)
    with open(source, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(target, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ANSWER)
        writer.writeheader()
        writer.writerows(answers(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Energy of a call of production agents, from a trace's means, through both laws."""

import math
from collections.abc import Iterator, Mapping

import pandas as pd

from inference_energy.coefficients.table import ENGINES, loaded_nodes, node_parts, over_engines
from inference_energy.energy.equation import node_energy
from inference_energy.laws.hardware import LONGEST, USUAL_LONGEST, longest_context
from inference_energy.laws.training import LoadFit
from inference_energy.power.gpu import GpuPower
from inference_energy.power.ways import Hardware
from inference_energy.text import percent

MODELS = {
    "GPT-OSS 120B": "FP4",
    "Llama 3.1 70B": "FP8",
    "Qwen3 235B A22B": "FP8",
    "DeepSeek-R1": "FP8",
}
"""Models that stand for those of the trace, which it does not name, and the format of the weights:
FP8, or that of which the publisher has no other."""

NODES = ("H200-SXM-141GB", "B200")
"""GPUs of the nodes."""


TRACE = "data/agent_tokens.csv: quantity"
"""Beginning of a sentence about a row."""

OF_A_CALL = (
    "prompt_tokens_per_call",
    "uncached_prompt_tokens_per_call",
    "cached_share_of_prompt",
    "completion_tokens_per_call",
)
"""Quantities of the mean call."""

WITHIN = 0.01
"""Share by which a count may be off what others make it: they are written with three digits. [1]"""


def held(trace: pd.DataFrame, models: pd.DataFrame) -> Iterator[tuple[bool, str]]:
    """Hold the mean call of a trace against itself and the contexts of the models that answer it.

    Parameters
    ----------
    trace : DataFrame
        Table of schema ``agent_tokens``.
    models : DataFrame
        Table of schema ``models``.

    Yields
    ------
    (bool, str)
        Whether it cannot be (or is only unusual), and a sentence.
    """
    counts = trace["quantity"].value_counts()
    if wrong := [name for name in OF_A_CALL if counts.get(name, 0) != 1]:
        for name in wrong:
            yield (
                True,
                f"{TRACE} {name}: stands there {counts.get(name, 0)} times; allowed is once, of the"
                " one trace whose mean call is computed; add it, or leave the other out",
            )
        return
    value = trace.set_index("quantity")["value"].astype(float)
    prompt, fresh = value["prompt_tokens_per_call"], value["uncached_prompt_tokens_per_call"]
    expected = (1 - value["cached_share_of_prompt"]) * prompt
    # the share is of the prompt, and so is what its digits may be off
    if abs(fresh - expected) > WITHIN * prompt:
        yield (
            True,
            f'{TRACE} uncached_prompt_tokens_per_call: column "value": value {fresh:g}; allowed is'
            f" {expected:.6g}, what cached_share_of_prompt leaves of prompt_tokens_per_call, within"
            f" {percent(WITHIN)} of the latter; correct the one that is wrong",
        )
    contexts = {name: longest_context(name, models) for name in MODELS}
    known = {name: context for name, context in contexts.items() if not math.isnan(context)}
    model, context = min(known.items(), key=lambda item: item[1], default=("", math.inf))
    tokens = prompt + value["completion_tokens_per_call"]
    for word, most, is_problem in (("", LONGEST, True), ("unusual; ", USUAL_LONGEST, False)):
        if tokens > most * context:
            may = "allowed" if is_problem else "usual"
            remedy = "; write the tokens of one call" if is_problem else ""
            yield (
                is_problem,
                f'{TRACE} prompt_tokens_per_call: column "value": value {prompt:g}: {word}with the'
                f" completion it is {tokens / context:.3g} times the context of {model},"
                f" {context:g} tokens (context_tokens of data/models.csv), which stands for the"
                f" models of the trace; {may} is at most {most:g} times{remedy}",
            )
            return


def mean_call(trace: pd.DataFrame) -> dict[str, float]:
    """Lengths of the mean call of a trace; the cached tokens are part of the input. [tokens]

    Parameters
    ----------
    trace : DataFrame
        Table of schema ``agent_tokens``.
    """
    value = trace.set_index("quantity")["value"].astype(float)
    prompt = value["prompt_tokens_per_call"]
    return {
        "input_tokens": prompt,
        "cached_tokens": prompt - value["uncached_prompt_tokens_per_call"],
        "output_tokens": value["completion_tokens_per_call"],
    }


def calls(
    fit: LoadFit, power: GpuPower, call: Mapping[str, float], hardware: Hardware
) -> pd.DataFrame:
    """Energy of a call by what it is spent on, and how much of it no measurement bears out.

    No run that the law is fitted to has cached input, so all that the cached part of the context
    adds is extrapolated: attention to it, reading it with every output token, and the requests that
    no longer fit beside it.

    Parameters
    ----------
    fit, power : LoadFit, GpuPower
        Laws of throughput and of GPU power.
    call : mapping of str to float
        From :func:`mean_call`.
    hardware : mapping of str to DataFrame
        As for ``power.ways``.

    Returns
    -------
    DataFrame
        Schema ``coefficients_agents``; the three parts are taken as wrong together, which makes
        the interval of the whole wide.
    """
    every = pd.DataFrame(MODELS.items(), columns=["model", "precision"])
    every = every.merge(pd.DataFrame({"gpu": NODES}), how="cross")
    every = every.merge(pd.DataFrame({"engine": ENGINES}), how="cross")
    (nodes,) = loaded_nodes(fit, power, every, hardware, [call])
    seconds, sigma = node_parts(nodes["law"], call)
    fresh = dict(call) | {
        "input_tokens": call["input_tokens"] - call["cached_tokens"],
        "cached_tokens": 0.0,
    }
    known, _ = node_parts(nodes["law"], fresh)
    wh = node_energy(1.0, nodes["node_kw"].to_numpy(float))
    total = wh * seconds.sum(axis=1)
    together = (seconds * sigma).sum(axis=1) / seconds.sum(axis=1)
    keys = ["model", "gpu", "precision", "at"]
    names = ("prefill", "cached", "decode")
    energies = {f"{name}_wh": wh * seconds[:, place] for place, name in enumerate(names)}
    energies["known_wh"] = wh * known.sum(axis=1)
    spreads = dict.fromkeys(energies, together)
    parts = over_engines(nodes, keys, energies, spreads)
    whole = over_engines(nodes, keys, {"total_wh": total}, {"total_wh": together})
    found = whole.join(parts[list(energies)])
    # parts add up to the whole for every engine, but not their geometric means
    scale = found["total_wh"] / found[[f"{name}_wh" for name in names]].sum(axis=1)
    for name in names:
        found[f"{name}_wh"] *= scale
    found["extrapolated_share"] = 1 - found.pop("known_wh") / found["total_wh"]
    batch = nodes.groupby(keys, sort=False)["batch"].mean().rename("requests")
    renamed = {"precision": "format", "at": "load"}
    return found.join(batch).reset_index().rename(columns=renamed)

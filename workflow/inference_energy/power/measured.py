"""Measured runs, as rows for the power law."""

from collections.abc import Iterator

import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.hardware import (
    HELD,
    LONGEST,
    USUAL_LONGEST,
    longest_context,
    over_context,
    weights_held,
)
from inference_energy.text import counted, percent
from inference_energy.units import rate

INPUT_TOKENS = 300.0
"""Input tokens of ML.ENERGY's runs, which its table does not give. Between 100 and 900 the median
factors of its groups that are left out change by less than 0.02, that of InferenceX by 0.04; with
900 the 90 % interval of a task that is left out holds 80 % of the runs instead of 91 %."""

NOMINAL = 0.9
"""Mean over nominal length of InferenceX's requests."""

AGREEMENT = 0.02
"""Difference at which the energies of the two roles of a disaggregated run do not add up to the
run's, relative."""

RATED = 1.05
"""Mean power of a run's GPUs over their rated power [1]: a GPU holds itself to that, and meters are
right within some per cent. Most of what is measured is 0.99."""

LEAST_DRAWN = 0.15
"""Mean power of a serving run's GPUs over their rated power that is allowed at least [1]: idle they
draw 0.13 (``node.idle_share``, by meters at the wall), and a GPU that decodes reads its weights
without pause. The least of what is measured is 0.29, of one small model with eight requests on a
B200."""

USUAL_DRAWN = 0.29
"""Mean power of GPUs at work over their rated power that is usual at least: the least of what is
measured. [1]"""

USUAL_DRAWN_OF_NODE = 0.33
"""Mean power of a node at work over the rated power of its GPUs that is usual at least: what the
thriftiest of data/measured/mlperf_wall_power.csv draws at the wall before a run. [1]"""

COLUMNS = [
    "source_id",
    "run",
    "task",
    "model",
    "precision",
    "gpu",
    "gpus",
    "attention_copies",
    "concurrency",
    "batch",
    "input_tokens",
    "output_tokens",
    "throughput_tps",
    "gpu_power_w",
    "energy_per_token_j",
]
"""Columns of the rows."""


def from_mlenergy(runs: pd.DataFrame) -> pd.DataFrame:
    """Rows of ML.ENERGY.

    Their experts are spread over all GPUs, or their tensors are; the attention of either is taken
    to be tensor-parallel.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``mlenergy``.
    """
    return runs.assign(
        run=runs["row"],
        model=runs["model_id"],
        attention_copies=1,
        concurrency=runs["concurrency_limit"],
        batch=runs["concurrency"],
        input_tokens=INPUT_TOKENS,
        gpu_power_w=runs["accelerator_power_w"] / runs["gpus"],
    )[COLUMNS]


def from_inferencex(runs: pd.DataFrame) -> pd.DataFrame:
    """Rows of InferenceX whose GPUs do both prefill and decode.

    Throughput is power over energy per output token, which only holds where that energy is of all
    GPUs.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``inferencex``, checked by ``check_roles``.
    """
    whole = runs[runs["disaggregated"] == "no"]
    energy = whole["energy_per_output_token_j"]
    return whole.assign(
        run=whole["id"],
        task="fixed lengths",
        attention_copies=1,
        batch=whole["concurrency"],
        input_tokens=NOMINAL * whole["input_tokens"],
        output_tokens=NOMINAL * whole["output_tokens"],
        throughput_tps=rate(whole["accelerator_power_w"] * whole["gpus"], energy),
        gpu_power_w=whole["accelerator_power_w"],
        energy_per_token_j=energy,
    )[COLUMNS]


def rows(mlenergy: pd.DataFrame, inferencex: pd.DataFrame) -> pd.DataFrame:
    """Rows of both sources.

    Parameters
    ----------
    mlenergy, inferencex : DataFrame
        Tables of those schemas.
    """
    parts = [from_mlenergy(mlenergy), from_inferencex(inferencex)]
    numbers = ["throughput_tps", "gpu_power_w", "energy_per_token_j"]
    return pd.concat(parts, ignore_index=True).astype(dict.fromkeys(numbers, float))


def check_hardware(runs: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame) -> None:
    """Refuse GPUs and models that the runs measured on them contradict.

    Parameters
    ----------
    runs : DataFrame
        Of :func:`rows`, after ``add_utilisation``.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Raises
    ------
    InputError
        With every GPU that draws more than its rated power, or less than it does without work, and
        every model that its GPUs do not hold, or whose context does not hold its requests.
    """
    problems = []
    for gpu, own in runs.groupby("gpu", sort=False):
        most = own.nlargest(1, "gpu_power_w").iloc[0]
        if most["gpu_power_w"] > RATED * most["tdp_w"]:
            problems.append(
                f"data/gpus.csv: gpu {gpu}: column tdp_w: value {most['tdp_w']:g}; allowed is at"
                f" least {most['gpu_power_w'] / RATED:.6g}, as run {most['run']} of"
                f" {most['source_id']} ({most['model']}) measured {most['gpu_power_w']:.6g} W of"
                " each, and a GPU holds itself to its rated power; correct it, or the run"
            )
        least, of_gpu = own.nsmallest(1, "gpu_power_w").iloc[0], LEAST_DRAWN * most["tdp_w"]
        few = int((own["gpu_power_w"] < of_gpu).sum())
        if few:
            problems.append(
                f"{least['source_id']}: run {least['run']} ({least['model']}): measured power of"
                f" {least['gpu_power_w']:.6g} W of each {gpu}; allowed is at least {of_gpu:.6g},"
                f" {percent(LEAST_DRAWN)} of tdp_w of data/gpus.csv, as one without work draws near"
                f" that; {counted(few, 'run is', 'runs are')} below; correct the power and the"
                " energies of the run, or tdp_w"
            )
    held = weights_held(runs, runs["gpus"], models, gpus)
    over = runs.join(held)[held["held"] > HELD]
    for _, own in over.groupby(["network", "gpu"], sort=False):
        most = own.nlargest(1, "held").iloc[0]
        problems.append(
            f"data/models.csv: model {most['network']}: column params_total_b: value"
            f" {most['params_total_b']:g}; allowed is at most"
            f" {most['params_total_b'] * HELD / most['held']:.6g}, as run {most['run']} of"
            f" {most['source_id']} was in {most['precision']} on {most['gpus']:g} x {most['gpu']}"
            f" of {most['memory_gb']:g} GB (memory_gb of data/gpus.csv); correct the one that is"
            " wrong, or the run"
        )
    problems += [
        f"{place}; allowed is at least {tokens / LONGEST:.6g}, as requests of {run} have"
        f" {tokens:.6g} tokens, and servers stretch a context by up to {LONGEST:g} times; correct"
        " it, or the run"
        for place, tokens, run in _beyond_context(runs, models, LONGEST)
    ]
    if problems:
        raise InputError(problems)


def _beyond_context(
    runs: pd.DataFrame, models: pd.DataFrame, most: float
) -> Iterator[tuple[str, float, str]]:
    """Of each model with requests longer than so many contexts: place, tokens, and the run."""
    rows = runs.assign(over=over_context(runs.assign(model=runs["network"]), models))
    for network, own in rows[rows["over"] > most].groupby("network", sort=False):
        longest = own.nlargest(1, "over").iloc[0]
        tokens = longest["input_tokens"] + longest["output_tokens"]
        context = longest_context(str(network), models)
        yield (
            f"data/models.csv: model {network}: column context_tokens: value {context:g}",
            float(tokens),
            f"run {longest['run']} of {longest['source_id']} ({longest['model']})",
        )


def unusual_context(runs: pd.DataFrame, models: pd.DataFrame) -> list[str]:
    """Tell models of which runs had requests longer than the context that their publisher states.

    Parameters
    ----------
    runs, models : DataFrame
        As for :func:`check_hardware`, which refuses what no server stretches a context to.

    Returns
    -------
    list of str
        One sentence a model.
    """
    return [
        f"{place}: unusual; requests of {run} have {tokens:.6g} tokens; usual is at least so many"
        for place, tokens, run in _beyond_context(runs, models, USUAL_LONGEST)
    ]


def unusual_power(runs: pd.DataFrame) -> list[str]:
    """Tell GPUs of which runs draw less than any that was measured at work.

    Parameters
    ----------
    runs : DataFrame
        As for :func:`check_hardware`, which refuses what GPUs do not draw.

    Returns
    -------
    list of str
        One sentence a GPU.
    """
    told = []
    for gpu, own in runs.groupby("gpu", sort=False):
        low = own[own["gpu_power_w"] < USUAL_DRAWN * own["tdp_w"]]
        if low.empty:
            continue
        least = low.nsmallest(1, "gpu_power_w").iloc[0]
        told.append(
            f"{least['source_id']}: run {least['run']} ({least['model']}): unusual; measured power"
            f" of {least['gpu_power_w']:.6g} W of each {gpu},"
            f" {least['gpu_power_w'] / least['tdp_w']:.3g} of tdp_w of data/gpus.csv; usual is at"
            f" least {USUAL_DRAWN:g}; {counted(len(low), 'run is', 'runs are')} below"
        )
    return told


def check_roles(runs: pd.DataFrame, where: str) -> None:
    """Refuse disaggregated runs whose energies per token are those of one role.

    Before version 2 of its power schema, InferenceX gave energies of one role as if they were
    those of all GPUs. What the prefill and the decode GPUs take per query must add up to the run's
    energy per query, and in the proportion of their powers.

    Parameters
    ----------
    runs : DataFrame
        Table of schema ``inferencex``.
    where : str
        The table, for messages.

    Raises
    ------
    InputError
        With every run that does not add up.
    """
    split = runs[runs["disaggregated"] == "yes"]
    query = split["energy_per_query_j"]
    n_in = query / split["energy_per_input_token_j"]
    n_out = query / split["energy_per_output_token_j"]
    prefill = split["prefill_energy_per_input_token_j"] * n_in
    decode = split["decode_energy_per_output_token_j"] * n_out
    power = split["accelerator_power_w"] * split["gpus"]
    parts = {
        "prefill": (prefill, split["prefill_power_w"] * split["prefill_gpus"].astype(float)),
        "decode": (decode, split["decode_power_w"] * split["decode_gpus"].astype(float)),
    }
    problems = []
    for role, (energy, drawn) in parts.items():
        expected = query * drawn / power
        off = (energy / expected - 1).abs() > AGREEMENT
        problems += [
            f"{where}: id {split.loc[i, 'id']}: {role} GPUs take {energy[i]:.4g} J of a query;"
            f" their share of the power says {expected[i]:.4g} J (within {percent(AGREEMENT)} is"
            " allowed); energies of one role were read as those of the run: correct or leave out"
            for i in split.index[off]
        ]
    if problems:
        raise InputError(problems)

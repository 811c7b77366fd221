"""What a model and its GPUs imply for serving: time per step, memory for the KV cache."""

import pickle
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.laws.rows import copy_gpus, load_of
from inference_energy.units import BYTES_PER_GIB, GIGA, MILLI, TERA

WEIGHT_BYTES = {"FP4": 0.5625, "INT4": 0.5, "FP8": 1.0, "INT8": 1.0, "FP16": 2.0, "BF16": 2.0}
"""Bytes per weight; FP4 with one 8-bit scale per 16 weights (NVFP4)."""

COMPUTE_RATE = {
    "FP4": ("dense_tflops_4bit", "dense_tflops_8bit", "dense_tflops_16bit"),
    "FP8": ("dense_tflops_8bit", "dense_tflops_16bit"),
    "INT8": ("dense_tflops_8bit", "dense_tflops_16bit"),
    "INT4": ("dense_tflops_16bit",),
    "FP16": ("dense_tflops_16bit",),
    "BF16": ("dense_tflops_16bit",),
}
"""Rate of the matrix products, the first that the GPU has; INT4 stores weights only."""

SERVING_TIMES = ["compute", "link", "attention", "weights", "layers", "context", "cache"]
"""Columns of ``add_serving_times``."""

DEPLOYMENT = ["model", "gpu", "tensor_parallel", "pipeline_parallel", "precision"]
"""Columns that ``serving_times`` depends on, besides parameter counts."""

EIGHT_BIT_CACHE = ("FP4", "FP8", "INT8")
"""Precisions served with an 8-bit KV cache, as in the vendor's tables."""

USABLE_MEMORY = 0.9
"""Share of the GPU memory for weights and KV cache (the serving software's default)."""

LEAST_CACHE = 0.02
"""Share of the GPU memory left for the KV cache where the weights would take all of it."""

NAME_PARTS = re.compile(r"(?:(\d+)x)?(\d+(?:\.\d+)?)B(?:[ -]?A(\d+(?:\.\d+)?)B)?", re.IGNORECASE)


PUBLISHED_AS = re.compile(
    r"[-_ ]?(nvfp4|mxfp4|fp4|fp8|fp16|bf16|int4|int8|w4a16|w8a8|awq|gptq|dynamic)"
    r"([-_ ](v\d|preview))?$"
    r"|[-_ ]?(instruct|chat|it|hf)$"
)
"""Ends of a model's name that say in which format, and edition of it, or for what use, its weights
are published."""

DRAWN_ALIKE = str.maketrans({"i": "l", "1": "l", "|": "l", "0": "o"})
"""Letters and digits that are taken for each other: a capital i is drawn as an l."""


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@lru_cache(maxsize=4096)
def bare_name(name: str) -> str:
    """Key of a model's name without the publisher before it and PUBLISHED_AS behind it."""
    name, before = name.lower().rpartition("/")[2].removeprefix("meta-"), ""
    while name != before:
        name, before = PUBLISHED_AS.sub("", name), name
    return _key(name)


def drawn_like(name: str, names: Iterable[str]) -> str | None:
    """Name of those given that this one is drawn like and is not; none if it is one of them.

    Examples
    --------
    >>> drawn_like("LIama-3.1-8B", ["Llama 3.1 8B"]), drawn_like("llama 3.1 8b", ["Llama 3.1 8B"])
    ('Llama 3.1 8B', None)
    """
    bare, known = bare_name(name), {bare_name(each): each for each in names}
    if bare in known:
        return None
    alike = [
        each
        for key, each in known.items()
        if key.translate(DRAWN_ALIKE) == bare.translate(DRAWN_ALIKE)
    ]
    return alike[0] if alike else None


def goes_by(models: pd.DataFrame, name: str) -> pd.Series:
    """Models whose name or one of whose aliases is this one.

    Case, blanks and dashes do not matter; nor, unless a name is the same with them, do the
    publisher before a name and the format of the weights behind it.

    Parameters
    ----------
    models : DataFrame
        Table of schema ``models``.
    name : str
        As a benchmark table has it.

    Returns
    -------
    Series of bool
    """
    aliases = models["aliases"].fillna("") if "aliases" in models else ""
    names = tuple(models["model"] + ";" + aliases)
    for key, keys in zip((_key, bare_name), _keys_of(names), strict=True):
        found = pd.Series([key(str(name)) in known for known in keys], models.index, dtype=bool)
        if found.any():
            break
    return found


def other_names(models: pd.DataFrame, name: str) -> list[str]:
    """Names and aliases of the models that ``goes_by`` finds; parameters as there."""
    rows = models[goes_by(models, name)]
    return [*rows["model"], *rows["aliases"].dropna().str.split("; ").explode()]


# every row of a benchmark table asks for the same models
@lru_cache(maxsize=16)
def _keys_of(names: tuple[str, ...]) -> tuple[list[frozenset[str]], list[frozenset[str]]]:
    """By _key and by bare_name, the keys of every entry of names that semicolons part."""
    # an empty cell, and a name without a Latin letter or digit, name no model
    exact, plain = (
        [frozenset(map(key, each.split(";"))) - {""} for each in names] for key in (_key, bare_name)
    )
    return exact, plain


def numbers_in_name(name: str) -> tuple[float, float]:
    """Total and active parameters [billions] that a name such as 8x7B or 30B-A3B states."""
    match = NAME_PARTS.search(str(name))
    if match is None:
        return np.nan, np.nan
    total = float(match[2]) * float(match[1] or 1)
    return total, float(match[3] or total)


OF_A_MODEL = ["model", "params_total_b", "params_active_b"]
"""Columns of a benchmark row by which its model is found."""

Finder = Callable[[pd.Series, pd.DataFrame], pd.Series]
"""Finds a row's model or GPU in a table."""

MOST_FOUND = 4096
"""Answers of a finder that are kept of one table."""


@lru_cache(maxsize=16)
def _found(finder: str, table: bytes) -> dict[str, pd.Series]:
    """What a finder has found in a table of this content, by what it was asked."""
    return {}


def _remembers(columns: list[str]) -> Callable[[Finder], Finder]:
    """Make a finder that goes by these columns look once for what many tables ask for again."""

    def remembering(find: Finder) -> Finder:
        @wraps(find)
        def finder(row: pd.Series, table: pd.DataFrame) -> pd.Series:
            # a pickle tells a table from others in a tenth of the time of a search in it
            known = _found(find.__name__, pickle.dumps(table))
            asked = repr([row.get(column) for column in columns])
            if asked not in known:
                if len(known) >= MOST_FOUND:
                    known.clear()
                known[asked] = find(row, table)
            return known[asked].copy()

        return finder

    return remembering


@_remembers(OF_A_MODEL)
def find_model(row: pd.Series, models: pd.DataFrame) -> pd.Series:
    """Architecture of the model of a benchmark row.

    A model that is not in the table gets the architecture of the known model with the nearest
    total number of parameters, of those of which all are active if all of its own are, and of the
    others if not; and its own parameter counts: from the row's params_total_b and params_active_b,
    else from its name, else those of the middle of the table.

    Parameters
    ----------
    row : Series
        Benchmark row, schema ``throughput``.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    Series
        Row of ``models``, completed as above; ``known`` says whether the table has the model.
    """
    same = goes_by(models, row["model"]).to_numpy()
    if same.any():
        return pd.concat([models.iloc[int(same.argmax())], pd.Series({"known": True})])
    total, active = numbers_in_name(row["model"])
    if pd.notna(row.get("params_total_b")):
        total = active = row["params_total_b"]
    if np.isnan(total):
        total = active = models["params_total_b"].median()
    if pd.notna(row.get("params_active_b")):
        active = row["params_active_b"]
    alike = models[(models["params_active_b"] < models["params_total_b"]) == (active < total)]
    alike = models if alike.empty else alike
    distance = np.log(alike["params_total_b"].to_numpy(float) / total)
    found = alike.iloc[int(np.abs(distance).argmin())].copy()
    found["model"], found["params_total_b"], found["params_active_b"] = row["model"], total, active
    return pd.concat([found, pd.Series({"known": False})])


BOARD = "sxm"
"""Form of the GPUs of nodes of eight, which a name without a form means."""

FORMS = ("sxm", "pcie", "nvl")
"""Forms that boards of one family have."""

GPU_NAME = re.compile(
    r"(?:nvidia |amd )?(?:instinct )?(?:[hd]gx )?((?:rtx pro |rtx )?[a-z]{0,2}\d+[a-z]?)\b"
    rf"(?: tensor core| gpu)*(?: ({'|'.join(FORMS)})\d?)?(?: nvl\d\d| oam)?"
    r"(?: blackwell)?(?: server| workstation| edition)*"
    r"(?: (\d+) ?gb)?(?: hbm\d[a-z]?)?"
)
"""Family, form and memory [GB] in a GPU's name, in lower case with blanks for all dashes; board
(HGX, DGX, OAM) and rack (NVL72) say nothing of the GPU."""


def gpu_named(gpus: pd.DataFrame, name: str) -> pd.Series:
    """GPUs that this name means, in whichever spelling: H100, h100_sxm, NVIDIA H100 80GB HBM3.

    A name without a form is that of the board for nodes of eight, if the family has one.

    Parameters
    ----------
    gpus : DataFrame
        Table of schema ``gpus``.
    name : str
        As a benchmark table or a driver has it.

    Returns
    -------
    Series of bool
        All false if the name says too little, or something that the table does not have.
    """
    same = gpus["gpu"].map(_key) == _key(str(name))
    family, form, memory = _said(str(name))
    if same.any() or family is None:
        return same
    families, forms, _ = zip(*map(_said, gpus["gpu"]), strict=True)
    alike = pd.Series(families, gpus.index) == family
    of_form = alike & (pd.Series(forms, gpus.index) == (form or BOARD))
    # a family that comes in one form does not say which
    if of_form.any() or form not in (None, BOARD):
        alike = of_form
    if memory is not None:
        # drivers say how much a program can use, datasheets a little more
        alike &= np.isclose(gpus["memory_gb"].astype(float), float(memory), rtol=0.1)
    return alike if alike.sum() == 1 else same


def _said(name: str) -> tuple[str | None, str | None, str | None]:
    """Family, form and memory that a GPU's name states, none of what it does not."""
    found = GPU_NAME.fullmatch(re.sub(r"[^a-z0-9]+", " ", name.lower()).strip())
    return (found[1], found[2], found[3]) if found else (None, None, None)


def listed_name(column: str, name: str, hardware: Mapping[str, pd.DataFrame]) -> str:
    """Name of a model or GPU as its table has it; itself if it has not.

    Parameters
    ----------
    column : str
        model or gpu.
    name : str
        In whichever spelling.
    hardware : mapping of str to DataFrame
        Tables ``models`` and ``gpus``; that of the column is enough.
    """
    table = hardware[f"{column}s"]
    goes = {"model": goes_by, "gpu": gpu_named}[column](table, name)
    return next(iter(table.loc[goes, column]), name)


@_remembers(["gpu"])
def find_gpu(row: pd.Series, gpus: pd.DataFrame) -> pd.Series:
    """Data of the GPU of a benchmark row.

    A GPU that is not in the table gets the first entry whose name begins with the same word
    (A100), else the median of every column.

    Parameters
    ----------
    row : Series
        Benchmark row, schema ``throughput``.
    gpus : DataFrame
        Table of schema ``gpus``.

    Returns
    -------
    Series
        Row of ``gpus``; ``known`` says whether the table has the GPU.
    """
    same = gpus[gpu_named(gpus, row["gpu"])]
    if len(same):
        return pd.concat([same.iloc[0], pd.Series({"known": True})])
    family = re.split(r"[ -]", str(row["gpu"]))[0].lower()
    alike = gpus[gpus["gpu"].str.lower().str.split("-").str[0] == family]
    found = alike.iloc[0] if len(alike) else gpus.median(numeric_only=True)
    return pd.concat([found, pd.Series({"known": False})])


def serving_times(row: pd.Series, models: pd.DataFrame, gpus: pd.DataFrame) -> dict[str, float]:
    """Times at the hardware's peak rates, and the room for the KV cache, of one configuration.

    Parameters
    ----------
    row : Series
        Benchmark row, schema ``throughput``; the lengths do not matter.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    dict of str to float
        ``compute``: matrix products of one token, 2 FLOPs per active parameter. [s]
        ``link``: two ring all-reduces per layer of one token's 16-bit activations; none of a GPU
        alone, and NaN of several without a link. [s]
        ``attention``: causal attention of one token per token of input. [s/token]
        ``weights``: reading all weights once. [s]
        ``layers``: layers of the model. [1]
        ``context``: reading one token of the KV cache. [s]
        ``cache``: tokens that fit into the KV cache. [tokens]
    """
    model, gpu = find_model(row, models), find_gpu(row, gpus)
    group = float(row["tensor_parallel"])
    stages = row.get("pipeline_parallel")
    n_gpus = group * (float(stages) if pd.notna(stages) else 1.0)
    rates = [gpu[c] for c in COMPUTE_RATE[row["precision"]] if pd.notna(gpu[c])]
    bits = "8bit" if row["precision"] in EIGHT_BIT_CACHE else "16bit"
    cache_bytes = model[f"kv_bytes_per_token_{bits}"]
    weight_bytes = model["params_total_b"] * GIGA * WEIGHT_BYTES[row["precision"]]
    memory = n_gpus * gpu["memory_gb"] * BYTES_PER_GIB
    bandwidth = n_gpus * gpu["bandwidth_tb_s"] * TERA
    reduced = 2 * model["layers"] * model["hidden_size"] * 2 * 2 * (group - 1) / group
    attention_flops = 2 * model["layers"] * model["attention_heads"] * model["head_dim"]
    return {
        "compute": 2 * GIGA * model["params_active_b"] / (n_gpus * rates[0] * TERA),
        "link": reduced / (gpu["link_gb_s"] * GIGA) if group > 1 else 0.0,
        "attention": attention_flops / (n_gpus * gpu["dense_tflops_16bit"] * TERA),
        "weights": weight_bytes / bandwidth,
        "layers": float(model["layers"]),
        "context": cache_bytes / bandwidth,
        "cache": max(USABLE_MEMORY * memory - weight_bytes, LEAST_CACHE * memory) / cache_bytes,
    }


def unlinked(rows: pd.DataFrame, gpus: pd.DataFrame) -> pd.Series:
    """Whether each row has a copy of its model on several of a GPU that has no link.

    Parameters
    ----------
    rows : DataFrame
        Layouts, of schema ``throughput``.
    gpus : DataFrame
        Table of schema ``gpus``.

    Returns
    -------
    Series of bool
    """
    known = {name: find_gpu(pd.Series({"gpu": name}), gpus) for name in pd.unique(rows["gpu"])}
    alone = [name for name, gpu in known.items() if pd.isna(gpu["link_gb_s"])]
    return rows["gpu"].isin(alone) & (copy_gpus(rows) > 1)


def links_that_lack(rows: pd.DataFrame, gpus: pd.DataFrame) -> list[str]:
    """Say which GPUs need a link that their table leaves empty, a sentence each.

    Parameters
    ----------
    rows, gpus : DataFrame
        As for :func:`unlinked`.
    """
    wrong = unlinked(rows, gpus)
    needed = rows.assign(needed=copy_gpus(rows))[wrong].drop_duplicates("gpu")
    return [
        f"data/gpus.csv, row {find_gpu(row, gpus)['gpu']}, column link_gb_s: is empty, and a copy"
        f" of {row['model']} is on {row['needed']:g} x {row['gpu']}, tensor_parallel x"
        " pipeline_parallel x attention_data_parallel; allowed is an empty cell of a chip that"
        " serves a model alone; state its link [GB/s in one direction], or correct the layout"
        for _, row in needed.iterrows()
    ]


def check_links(rows: pd.DataFrame, gpus: pd.DataFrame) -> None:
    """Refuse rows of which a copy is on several GPUs without a link; arguments as ``unlinked``."""
    problems = links_that_lack(rows, gpus)
    if problems:
        raise InputError(problems)


def add_serving_times(rows: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame) -> pd.DataFrame:
    """Append the ``serving_times`` of every row's configuration as columns.

    Parameters
    ----------
    rows : DataFrame
        Table of schema ``throughput``.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        Copy of ``rows`` with the columns SERVING_TIMES.

    Raises
    ------
    InputError
        As ``check_links``.
    """
    check_links(rows, gpus)
    known = dict.fromkeys([*DEPLOYMENT, *OF_A_MODEL])
    columns = [column for column in known if column in rows]
    times = pd.DataFrame(index=rows.index, columns=SERVING_TIMES, dtype=float)
    for _, alike in rows.groupby(columns, dropna=False, sort=False):
        found = serving_times(alike.iloc[0], models, gpus)
        times.loc[alike.index] = [found[name] for name in SERVING_TIMES]
    return rows.join(times)


Numbers = Any
"""Numbers or arrays of them."""

PEAK, USUAL_PEAK = 2.0, 1.0
"""Matrix products of input and output over what the GPUs' datasheets allow [1]. Up to twice is let
pass, for active parameters and rates are known no better, and caches save input."""
SLOWEST, USUAL_SLOWEST = 1e-3, 0.1
"""Throughput over that of one request alone, which reads every weight for every token [1]. The
slowest row of data/throughput is at 0.3."""
FASTEST, USUAL_FASTEST = 8.0, 1.0
"""Tokens that a request gets while its GPUs read the active weights once [1]. Every step reads at
least those, and of a mixture of experts all that its requests use: usual is held to these, and what
is allowed is not, as requests may agree on few experts. Beyond one token takes speculation, of
which each step yields a few. Most of what is measured is row 113 of data/measured/mlenergy_v3.csv,
at 0.75; in data/throughput it is 0.68 (Llama 3.1 70B on one H200, 4 at once), and 0.78 of what
requests use (DeepSeek-R1 on H200, 64 at once). Speculation makes that up to 6.5 times as fast, for
one request at a time (EAGLE-3, arXiv:2503.01840v3), which is 4.9: eight is more than any gives."""
MOST_TOKENS = 1_000_000.0
"""Output tokens per second of one GPU that are allowed of whichever model [tokens/s]: 45 times what
any measured run reached. Rows of a throughput table whose model is known are held against its own
size instead."""
MOST_MEASURED = 22_203.0
"""Output tokens per second of one GPU in the fastest of all measured runs, row 499 of
data/measured/mlenergy_v3.csv, GPT-OSS 20B on a B200 [tokens/s]. What a model that nobody knows can
reach is not known either, but more is unusual of any."""
FULLEST, USUAL_FULLEST = 2.0, 1.0
"""Tokens of a request over those whose cache fits beside the weights [1]. Up to twice is let pass,
for the format of a cache is not stated."""
HELD, USUAL_HELD = 1.0, USABLE_MEMORY
"""Weights over all memory of the GPUs that hold them [1]. Beyond it they lie in a processor's
memory, which no source of data/throughput does; the fullest there are at 0.87."""
LONGEST, USUAL_LONGEST = 4.0, 1.0
"""Tokens of a request over the context that a model's publisher states [1]. Servers stretch it, by
up to four times where publishers say how (YaRN of Qwen2.5 and Qwen3)."""


def against_hardware(rows: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame) -> pd.DataFrame:
    """Hold rows against what their GPUs compute, read and hold.

    Parameters
    ----------
    rows, models, gpus : DataFrame
        As for :func:`add_serving_times`; rows with both lengths and a throughput.

    Returns
    -------
    DataFrame
        ``peak``, ``slow``, ``fast``, ``full``: ratios that PEAK, SLOWEST, FASTEST and FULLEST
        bound [1]; ``at_once``, requests served at once, of rows without a concurrency as many as
        they can be; ``reading``, least time to read the active weights [s]; ``batch``, as ``fast``
        of the weights that so many requests use, experts taken at random, which USUAL_FASTEST
        bounds [1]; ``step``, least time to read these [s].
    """
    times = add_serving_times(rows.drop(columns=SERVING_TIMES, errors="ignore"), models, gpus)
    copies, nodes = (
        rows[name].astype(float).fillna(1.0) for name in ("attention_data_parallel", "nodes")
    )
    copy_tps = rows["throughput_tps"] / copies
    tokens = rows["input_tokens"] + rows["output_tokens"]
    room = times["cache"] * nodes
    of_model = shares(rows, models)
    cache = room * copies / of_model["kept"]
    fit = most_at_once(cache, rows["input_tokens"], rows["output_tokens"])
    concurrency, requests = load_of(rows)
    served = np.minimum(np.where(np.isinf(concurrency), fit, concurrency), requests)
    at_once = pd.Series(served, rows.index)
    # the experts of a mixture may be on all GPUs, so that all may read at the same time
    every = times["weights"] / (copies * nodes)
    reading, step = every * of_model["active"], every * read_in_a_step(rows, at_once, models)
    return pd.DataFrame(
        {
            "peak": copy_tps * times["compute"] * tokens / rows["output_tokens"],
            "slow": copy_tps * times["weights"],
            "fast": rows["throughput_tps"] * reading / at_once,
            "full": tokens / room,
            "at_once": at_once,
            "reading": reading,
            "batch": rows["throughput_tps"] * step / at_once,
            "step": step,
        }
    )


def touched(share: Numbers, batch: Numbers) -> Numbers:
    """Experts that a batch uses over all, each token taking its share of them at random [1]."""
    return 1 - (1 - share) ** np.maximum(batch, 1.0)


def routed_weights(total: Numbers, active: Numbers, share: Numbers) -> Numbers:
    """Weights of the experts of a mixture of which a token uses this share, in the given unit.

    Of a model that is taken for the nearest known, they may come to more than all of it.
    """
    return np.minimum((total - active) / (1 - share), total)


def read_in_a_step(rows: pd.DataFrame, at_once: pd.Series, models: pd.DataFrame) -> pd.Series:
    """What of its model a step of every row reads for all of its requests.

    Parameters
    ----------
    rows, models : DataFrame
        As for :func:`add_serving_times`.
    at_once : Series
        Requests served at once, of every row.

    Returns
    -------
    Series
        Weights read over all; of a mixture whose experts are not known those of one token. [1]
    """
    read = shares(rows, models)["active"]
    columns = [column for column in OF_A_MODEL if column in rows]
    for _, alike in rows.groupby(columns, dropna=False, sort=False):
        model = find_model(alike.iloc[0], models)
        total, active = float(model["params_total_b"]), float(model["params_active_b"])
        used, experts = (model.get(name, np.nan) for name in ("experts_active", "experts"))
        if not active < total or pd.isna(experts) or not used < experts:
            continue
        share = float(used / experts)
        routed = routed_weights(total, active, share)
        batch = at_once[alike.index].to_numpy(float)
        read[alike.index] = (total - routed + routed * touched(share, batch)) / total
    return read


def weights_held(
    rows: pd.DataFrame, count: pd.Series, models: pd.DataFrame, gpus: pd.DataFrame
) -> pd.DataFrame:
    """Hold the weights of every row's model against the memory of its GPUs.

    Parameters
    ----------
    rows : DataFrame
        With model, gpu, precision, and optionally the rest of OF_A_MODEL.
    count : Series
        GPUs that share the weights of one copy, of every row.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        ``held``, the ratio that HELD bounds [1]; ``params_total_b`` of the model [billions],
        ``listed``, whether ``models`` has it, and ``memory_gb`` of a GPU [units of 2^30 bytes].
    """
    columns = dict.fromkeys([*OF_A_MODEL, "gpu", "precision"])
    kinds = [column for column in columns if column in rows]
    kind = rows.groupby(kinds, dropna=False, sort=False).ngroup().to_numpy()
    _, first, kind = np.unique(kind, return_index=True, return_inverse=True)
    each = [row for _, row in rows.iloc[first].iterrows()]
    known = [find_model(row, models) for row in each]
    params = np.array([float(model["params_total_b"]) for model in known])
    memory = np.array([float(find_gpu(row, gpus)["memory_gb"]) for row in each])
    weight = np.array([WEIGHT_BYTES[row["precision"]] for row in each], dtype=float)
    filled = params * GIGA * weight / (memory * BYTES_PER_GIB)
    return pd.DataFrame(
        {
            "held": filled[kind] / count.astype(float),
            "params_total_b": params[kind],
            "memory_gb": memory[kind],
            "listed": np.array([bool(model["known"]) for model in known], dtype=bool)[kind],
        },
        rows.index,
    )


Tokens = TypeVar("Tokens", float, pd.Series)


def most_at_once(cache: Tokens, input_tokens: Tokens, output_tokens: Tokens) -> Tokens:
    """Requests that can be served at once, by the cache that they need on average.

    Without a limit where the cache does not hold one to its end, so that it is not what it seems.

    Parameters
    ----------
    cache : float or Series
        Tokens that fit into it, of layers that keep all; FULLEST times as many are let pass.
        [tokens]
    input_tokens, output_tokens : float or Series
        Lengths of one request. [tokens]

    Returns
    -------
    float or Series
        [requests]
    """
    unlimited: Any = np.where(cache < input_tokens + output_tokens, np.inf, 0.0)
    return FULLEST * cache / (input_tokens + output_tokens / 2) + unlimited


def fastest_request(row: pd.Series, models: pd.DataFrame, gpus: pd.DataFrame) -> float:
    """Output tokens a second that one request gets at most, as FASTEST has it.

    Parameters
    ----------
    row : Series
        model, gpu, precision and n_gpus, all of which may read the weights at the same time.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    float
        Infinite of a model or GPU that no table has. [tokens/s]
    """
    model, gpu = find_model(row, models), find_gpu(row, gpus)
    if not (model["known"] and gpu["known"]):
        return np.inf
    all_gpus = pd.Series(row.to_dict() | {"tensor_parallel": row["n_gpus"], "pipeline_parallel": 1})
    active = model["params_active_b"] / model["params_total_b"]
    return float(FASTEST / (serving_times(all_gpus, models, gpus)["weights"] * active))


def at_a_reading(at_once: float, reading: float, read: str = "the active weights") -> str:
    """Say in numbers what FASTEST counts, or USUAL_FASTEST of other weights than the active ones.

    Parameters
    ----------
    at_once : float
        Requests served at once.
    reading : float
        Least time to read them. [s]
    read : str
        What is read, in words.
    """
    return (
        f"tokens of each of {at_once:.6g} requests at once while the GPUs read {read} from their"
        f" memory, for at least {reading / MILLI:.3g} ms"
    )


BY_BATCH = "the weights that so many use, experts taken at random,"
"""What a step reads, in words."""


def shares(rows: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """What of its model a token of every row reads at least, as ``find_model`` has it.

    Parameters
    ----------
    rows, models : DataFrame
        As for :func:`add_serving_times`.

    Returns
    -------
    DataFrame
        ``active``, weights of one token over all: several of a mixture of experts read more [1];
        ``kept``, layers that keep the cache of all tokens over all layers [1].
    """
    columns = [column for column in OF_A_MODEL if column in rows]
    found = pd.DataFrame(np.nan, rows.index, ["active", "kept"])
    for _, alike in rows.groupby(columns, dropna=False, sort=False):
        model = find_model(alike.iloc[0], models)
        kept = model.get("context_share")
        active = model["params_active_b"] / model["params_total_b"]
        found.loc[alike.index] = active, 1.0 if pd.isna(kept) else kept
    return found


def over_context(rows: pd.DataFrame, models: pd.DataFrame) -> pd.Series:
    """Hold the tokens of a row's request against the context of its model.

    Parameters
    ----------
    rows : DataFrame
        With ``model`` and both lengths.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    Series
        Ratio that LONGEST bounds, NaN where the context is not known. [1]
    """
    contexts = {name: longest_context(name, models) for name in pd.unique(rows["model"])}
    return (rows["input_tokens"] + rows["output_tokens"]) / rows["model"].map(contexts)


def longest_context(name: str, models: pd.DataFrame) -> float:
    """Context that the publisher of a model states, NaN where it is not known. [tokens]"""
    same = models[goes_by(models, name)]
    tokens = same["context_tokens"].iloc[0] if len(same) and "context_tokens" in same else np.nan
    return np.nan if pd.isna(tokens) else float(tokens)


def longest_contexts(names: Iterable[str], models: pd.DataFrame) -> dict[str, float]:
    """Find the contexts that ``longest_context`` knows, of very many names at once.

    Parameters
    ----------
    names : iterable of str
        As a log has them.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    dict of str to float
        By name; without those that no model of a known context has. [tokens]
    """
    aliases = models["aliases"].fillna("")
    contexts = models["context_tokens"].astype(float)
    by_key: list[dict[str, float]] = [
        # of two models of one key the first counts
        {key: context for own, context in [*zip(keys, contexts, strict=True)][::-1] for key in own}
        for keys in _keys_of(tuple(models["model"] + ";" + aliases))
    ]
    exact, plain = by_key
    found = {
        name: exact.get(_key(name), plain.get(bare_name(name), np.nan))
        for name in dict.fromkeys(names)
    }
    return {name: context for name, context in found.items() if not np.isnan(context)}

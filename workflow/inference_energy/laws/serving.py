"""Node time of a query at the hardware's peak rates, part by part, and the batch that is served.

What a configuration implies (``TRAITS``), and the parts that follow from it for a query of L_in
input tokens, of which L_k are found in the cache, and L_out output tokens:

    T = ((sum_j f_j T_j)^2 + (f_h T_h)^2)^(1/2),    TPS = L_out / T                            (1)

- weights, read once per step and so once per output token of the batch: ``L_out D/B`` for what
  every token uses, ``L_out X t(B)/B`` for routed experts, of which a batch touches the share
  ``t(B) = 1 - (1 - k/E)^B``
- fixed time of a step, per layer: ``L_out n/B``, of any model, and besides for latent attention,
  an indexer, the reduction over GPUs and, with E experts, ``L_out n (log2 E)/(8 B)`` for routing
- an output token: ``L_out c`` for its matrix products, ``L_out c w/(1 + m/M)`` for those of narrow
  experts, which take M rows whatever the tokens ``m = B k/E`` that each has in a step,
  ``L_out l r(B)`` for the reductions over the link, ``L_out`` for scheduling and sampling, of
  which an engine that plans a step while the GPU computes another hides T_h behind all the rest
- the cache that an output token reads: ``L_out (L_in + L_out/2) k``, of which an indexer selects K
  tokens and itself reads ``i`` of all, ``L_out (min(L_in + L_out/2, K) k + (L_in + L_out/2) i)``;
  and the state that it reads and writes in a hybrid model: ``L_out s``
- prefill of the computed input, L_c = L_in - L_k: ``L_c c``, which mixtures of experts compute at
  another share of the peak than dense models, ``L_c c w``, ``L_c l``, attention to all tokens
  before one ``(L_in^2 - L_k^2) a``, or to the K that an indexer selects of them
  ``(G(L_in) - G(L_k)) a + (L_in^2 - L_k^2) x`` with ``G(L) = min(L, K) (2 L - min(L, K))``, and per
  query ``n``, 1 and 1/B

Of a finite run of requests that are all given at once, ``n`` and 1 are shared by those that begin
in one step, ``1 + B/L_out`` of them: where a client keeps the load they come one by one.

The batch B is the smooth minimum of the concurrency, the requests of the run, what the KV cache
holds and the engine's limit, which is higher in a finite run of requests that are all given at
once. A run of R requests ends with a batch that drains, the more of it the more requests came
before: 1/B becomes 1/B + (1 - B/R)/(2 R), as requests that are all served at once end at once. The
factors f_j are what a law is fitted for: peak over achieved rate [1] or a time [s]. A reduction
sends 2 (g-1)/g times the activations around a ring of g GPUs, or, of a small message, (g-1) times
from each to each: r is between them. Stages of a pipeline compute at once, each its own layers for
a part of the batch: they divide all times but those of weights, which each reads for every part,
and what they send each other is not counted.

Units: D, X [s/step]; n [layers]; c, l [s/token]; w [1]; k, i, a, x [s/token^2]; s [s/token];
K [tokens].
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from inference_energy.laws.base import LENGTH_FLOOR, Array
from inference_energy.laws.engines import overlaps
from inference_energy.laws.hardware import (
    EIGHT_BIT_CACHE,
    LEAST_CACHE,
    OF_A_MODEL,
    USABLE_MEMORY,
    WEIGHT_BYTES,
    Finder,
    check_links,
    find_gpu,
    find_model,
    routed_weights,
    touched,
)
from inference_energy.laws.rows import copy_gpus
from inference_energy.units import BYTES_PER_GIB, GIGA, TERA

TRAITS = [
    "dense_s",
    "experts_s",
    "expert_share",
    "mixture",
    "routing",
    "latent",
    "indexed",
    "four_bit",
    "several",
    "layers",
    "compute_s",
    "narrowness",
    "link_s",
    "group",
    "message_bytes",
    "attention_s",
    "index_s",
    "index_tokens",
    "cache_s",
    "index_cache_s",
    "cache_tokens",
    "state_s",
    "overlapped",
]
"""Columns of ``add_traits``, floats: seconds per step to read all dense weights and all experts;
share of the experts that a token uses; whether the model is a mixture of experts; log2 of their
number over ROUTED; whether it keeps a latent cache, selects tokens by an indexer, has 4-bit
weights, and is on several GPUs [0 or 1]; layers; seconds per token of matrix products; NARROW over
an expert's width on a GPU; seconds per token to send the activations over the link once per
reduction; GPUs of a reduction; bytes of a token's activations; seconds per token squared of
attention, and of an indexer; tokens that the indexer selects, infinite without one; seconds to read
a token of the cache, and of the indexer's; tokens that the cache holds; seconds to read and write
the state of a hybrid model; whether the engine hides the host's time (``engines.overlaps``)."""

PARTS = {
    "weights": (1.25, 0.15),
    "weights_4bit": (1.6, 0.25),
    "experts": (1.3, 0.2),
    "experts_4bit": (1.5, 0.25),
    "step": (4.5e-5, 0.3),
    "step_routing": (5e-5, 0.4),
    "step_latent": (2e-5, 0.5),
    "step_indexed": (3e-5, 0.5),
    "step_reduction": (1.2e-5, 0.5),
    "compute": (1.3, 0.2),
    "narrow": (4.0, 0.7),
    "link": (1.5, 0.2),
    "token": (1.2e-5, 0.7),
    "token_hidden": (1.2e-5, 0.7),
    "cache": (1.3, 0.25),
    "cache_latent": (0.4, 0.5),
    "state": (1.0, 0.7),
    "prefill_compute": (1.7, 0.25),
    "prefill_mixture": (2.5, 0.3),
    "prefill_narrow": (1.0, 0.6),
    "prefill_link": (2.0, 0.4),
    "prefill_attention": (2.0, 0.3),
    "prefill_selected": (3.0, 0.5),
    "prefill_step": (1e-5, 0.7),
    "prefill_request": (4e-4, 0.7),
    "prefill_latency": (0.1, 0.7),
}
"""Parts of equation (1), with median and standard deviation of the logarithm of their factors'
priors: steps [s/layer], token and prefill_request [s], prefill_latency [s], the others [1]."""

HIDDEN = np.array([name == "token_hidden" for name in PARTS])
"""Whether a part is hidden behind the others: T_h of equation (1)."""

SECONDS = ("step", "token", "prefill_step", "prefill_request", "prefill_latency")
"""Beginnings of the parts whose factors are times; the other factors have no unit."""

LARGEST_BATCH = 2048.0
"""Requests that an engine serves at once at most (its default is between 256 and 2048)."""

LARGEST_BUILT = 4096.0
"""The same in a finite run of requests that are all given at once: the vendor's benchmark builds an
engine for each model, node and lengths, for as many requests as fit, up to these
(tensorrt_llm/bench/build/tuning.py of NVIDIA/TensorRT-LLM)."""

SMOOTHNESS = 4.0
"""Exponent of the smooth minimum: two equal limits give 16 % less than either."""

DRAIN = 0.5
"""Share of a batch that is empty, on average, while a long run ends."""

NARROW = 512.0
"""Width of an expert on a GPU below which its matrix products lose half of their rate or more."""

EXPERT_ROWS = 16.0
"""Rows that an expert's matrix products take at least, whatever the tokens that it has in a step:
the height of a tile. Of 4, 8, 16 and 64, left-out errors prefer 4 to 16 about equally."""

ROUTED = 8.0
"""log2 of the number of experts at which the factor of routing is the time itself: 256 experts."""

SMALL_MESSAGE = 4e6
"""Bytes above which a reduction goes around in a ring rather than from each GPU to each."""

STATE_WIDTH, STATE_BYTES = 256.0, 4.0
"""Values of a layer's state per value of the residual stream, where some layers keep a state of
fixed size instead of a cache, and their bytes: twice as wide as it, 128 of each (Mamba-2)."""

INDEX_BYTES = 132.0
"""Bytes that an indexer keeps of a token in a layer: 128 values in 8 bit and their scale."""

ASSUMED_BYTES = 2.0
"""Bytes of an activation, and of a cache entry at 16 bit."""

NUMBERS = (
    "params_total_b",
    "params_active_b",
    "layers",
    "hidden_size",
    "attention_heads",
    "kv_heads",
    "head_dim",
    "experts",
    "experts_active",
    "kv_bytes_per_token_16bit",
    "context_share",
    "index_tokens",
    "index_width",
)
"""Columns of the schema ``models`` that traits follow from, numbers."""


NETWORK = ["params_total_b", "layers", "hidden_size", "attention_heads", "attention", "experts"]
"""Columns of the schema ``models`` by which models of one architecture and size are told."""


def add_traits(rows: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame) -> pd.DataFrame:
    """Append what the configuration of every row implies for serving, and its architecture.

    Parameters
    ----------
    rows : DataFrame
        Table of schema ``throughput``. Models and GPUs that are not in the tables are completed as
        ``hardware.find_model`` and ``find_gpu`` say.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        Copy of ``rows`` with the columns TRAITS; ``network``, the same text for models of the same
        architecture and size, whose throughput is the same; and ``filled``, what the weights
        take over the memory that an engine uses, USABLE_MEMORY. [1]

    Raises
    ------
    InputError
        As ``hardware.check_links``.
    """
    check_links(rows, gpus)

    def found(find: Finder, table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
        alike = rows.groupby([name for name in columns if name in rows], dropna=False, sort=False)
        each = pd.DataFrame([find(row, table) for _, row in alike.nth(0).iterrows()])
        return each.iloc[alike.ngroup().to_numpy()].set_axis(rows.index)

    model = found(find_model, models, OF_A_MODEL)
    network = [
        " ".join(map(str, values)) for values in zip(*(model[c] for c in NETWORK), strict=True)
    ]
    return rows.join(_traits(rows, model, found(find_gpu, gpus, ["gpu"])).assign(network=network))


def _floats(table: pd.DataFrame, *columns: str) -> list[Array]:
    return [np.asarray(pd.to_numeric(table[column]), np.float64) for column in columns]


def _traits(rows: pd.DataFrame, model: pd.DataFrame, gpu: pd.DataFrame) -> pd.DataFrame:
    of = _stated(rows, model, gpu)
    dense_bytes, expert_bytes = _weight_bytes(rows["precision"], of)
    usable = USABLE_MEMORY * of["memory"] * of["count"]
    free = np.maximum(usable - dense_bytes - expert_bytes, LEAST_CACHE * usable)
    found = {
        "dense_s": dense_bytes / (of["parted"] * of["bandwidth"]),
        "experts_s": expert_bytes / (of["parted"] * of["bandwidth"]),
        "latent": of["latent"],
        "indexed": (model["attention"] == "sparse").to_numpy(),
        "four_bit": of["four_bit"],
        "several": of["parted"] > 1,
        "layers": of["layers"],
        "group": of["group"],
        "overlapped": rows.get("engine", pd.Series(None, rows.index, object)).map(overlaps),
        **_of_products(of),
        **_of_context(rows["precision"], of, free),
    }
    traits = pd.DataFrame({name: found[name] for name in TRAITS}, index=rows.index).astype(float)
    return traits.assign(filled=(dense_bytes + expert_bytes) / usable)


def _stated(rows: pd.DataFrame, model: pd.DataFrame, gpu: pd.DataFrame) -> dict[str, np.ndarray]:
    """What is stated of every row, without prefixes of units: its model, GPU, layout and format."""
    of: dict[str, np.ndarray] = dict(zip(NUMBERS, _floats(model, *NUMBERS), strict=True))
    memory, bandwidth, link = _floats(gpu, "memory_gb", "bandwidth_tb_s", "link_gb_s")
    of |= {"memory": memory * BYTES_PER_GIB, "bandwidth": bandwidth * TERA, "link": link * GIGA}
    of["rate"] = _rates(rows["precision"], gpu)
    of["rate_8bit"] = _rates(rows["precision"].replace("FP4", "FP8"), gpu)
    of["rate_16bit"] = TERA * _floats(gpu, "dense_tflops_16bit")[0]
    count, copies, spread = layout(rows)
    stages = _given(rows, "pipeline_parallel")
    of |= {"count": count, "copies": copies, "spread": spread, "stages": stages}
    # a stage has its layers alone, so that their weights are parted over its own GPUs
    of["parted"] = count / stages
    of["group"] = of["parted"] / copies
    # a GPU alone sends nothing, and may have no link
    of["link"] = np.where(np.isnan(link) & (count == 1), np.inf, of["link"])
    of["latent"] = model["attention"].isin(["mla", "sparse"]).to_numpy()
    of["indexed"] = ~np.isnan(of["index_tokens"])
    of["hybrid"] = model["attention"].eq("hybrid").to_numpy()
    of["four_bit"] = rows["precision"].isin(["FP4", "INT4"]).to_numpy()
    total, of["active"] = (GIGA * of[name] for name in ("params_total_b", "params_active_b"))
    of["mixture"] = (model["architecture"] == "moe").to_numpy() & ~np.isnan(of["experts"])
    of["mixture"] &= of["active"] < total
    of["expert_share"] = np.where(of["mixture"], of["experts_active"] / of["experts"], 0.0)
    apart = routed_weights(total, of["active"], of["expert_share"])
    of["routed"] = np.where(of["mixture"], apart, 0.0)
    of["always"] = total - of["routed"]
    return of


def _weight_bytes(precision: pd.Series, of: Mapping[str, np.ndarray]) -> tuple[Array, Array]:
    """Bytes of the weights that every token uses, of all copies, and of the routed experts."""
    weight = precision.map(WEIGHT_BYTES).to_numpy(float)
    # of a mixture in 4 bit, only the routed experts are; the rest computes in 8 bit
    dense = of["always"] * np.where(of["mixture"] & of["four_bit"], 1.0, weight) * of["copies"]
    return dense, of["routed"] * weight


def _of_products(of: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Traits of the matrix products, and of the reductions of what they give."""
    always, active, mixture = of["always"], of["active"], of["mixture"]
    rate, count, layers, hidden = of["rate"], of["count"], of["layers"], of["hidden_size"]
    whole = of["routed"] / (3 * hidden * of["experts"] * layers)
    spread, parted = of["spread"], of["parted"]
    width = np.where(spread <= parted, whole * spread / parted, whole)
    with np.errstate(divide="ignore"):
        narrowness = np.where(mixture, NARROW / width, 0.0)
    dense = always / np.where(mixture, of["rate_8bit"], rate)
    return {
        "expert_share": of["expert_share"],
        "mixture": mixture,
        "routing": np.where(mixture, np.log2(of["experts"]) / ROUTED, 0.0),
        "compute_s": 2 * (dense + (active - always) / rate) / count,
        "narrowness": narrowness,
        "link_s": 2 * layers * hidden * ASSUMED_BYTES / of["link"] / of["copies"],
        "message_bytes": hidden * ASSUMED_BYTES / of["copies"],
    }


def _of_context(
    precision: pd.Series, of: Mapping[str, np.ndarray], free: Array
) -> dict[str, np.ndarray]:
    """Traits of attention and of what is kept of a query's tokens in the memory that is free."""
    layers, heads, width, count = of["layers"], of["attention_heads"], of["head_dim"], of["count"]
    indexed, cache_bytes = of["indexed"], of["kv_bytes_per_token_16bit"]
    share = of["context_share"]
    entry = cache_bytes * np.where(np.isnan(share), 1.0, share)
    entry = entry * np.where(precision.isin(EIGHT_BIT_CACHE), 0.5, 1.0)
    # a latent cache cannot be parted by heads: every GPU of a group has all of it
    heads_apart = np.where(of["latent"], 1.0, np.minimum(of["group"], of["kv_heads"]))
    parted = of["copies"] * heads_apart * of["stages"]
    # where heads share an entry, it may be of several tokens: entries per token
    entries = cache_bytes / (ASSUMED_BYTES * layers * width)
    entries = np.where(of["kv_heads"] == 1, entries, 1.0)
    # a query attends to the latent entries themselves, which are wider than a head
    pairs = np.where(indexed, cache_bytes * heads, 2 * layers * heads * width)
    index = np.where(indexed, 2 * layers * entries * of["index_width"], 0.0)
    state = 2 * layers * of["hidden_size"] * STATE_WIDTH * STATE_BYTES
    bandwidth = of["bandwidth"]
    return {
        "attention_s": pairs / (count * of["rate_16bit"]),
        "index_s": index / (count * of["rate"]),
        "index_tokens": np.where(indexed, of["index_tokens"], np.inf),
        "cache_s": entry / (parted * bandwidth),
        "index_cache_s": np.where(indexed, INDEX_BYTES * layers * entries, 0.0)
        / (parted * bandwidth),
        "cache_tokens": free * parted / count / entry,
        "state_s": np.where(of["hybrid"], state, 0.0) / (count * bandwidth),
    }


def _rates(precision: pd.Series, gpu: pd.DataFrame) -> Array:
    """Rate of the matrix products [FLOP/s]; FP4 on a GPU without it is computed in 8 bit."""
    sixteen, eight, four = _floats(
        gpu, "dense_tflops_16bit", "dense_tflops_8bit", "dense_tflops_4bit"
    )
    eight = np.where(np.isnan(eight), sixteen, eight)
    four = np.where(np.isnan(four), eight, four)
    is_four, is_eight = precision.eq("FP4"), precision.isin(["FP8", "INT8"])
    return TERA * np.select([is_four, is_eight], [four, eight], sixteen)


def layout(rows: pd.DataFrame) -> tuple[Array, Array, Array]:
    """GPUs, copies of the attention, and GPUs that the experts are spread over, of every row."""
    count = np.asarray(copy_gpus(rows), float)
    return count, _given(rows, "attention_data_parallel"), _given(rows, "expert_parallel")


def _given(rows: pd.DataFrame, column: str) -> Array:
    """A column of the layout, one where it is empty or is not there."""
    if column not in rows:
        return np.ones(len(rows))
    return np.asarray(pd.to_numeric(rows[column]).astype(float).fillna(1.0), np.float64)


def served_batch(
    traits: Mapping[str, ArrayLike],
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    concurrency: ArrayLike = np.inf,
    requests: ArrayLike = np.inf,
) -> Array:
    """Requests that are served at once.

    Parameters
    ----------
    traits : mapping of str to array_like
        TRAITS.
    input_tokens, output_tokens : array_like
        Lengths. [tokens]
    concurrency, requests : array_like
        Requests that wait for an answer at once, and of the whole run; infinite for as many as fit
        and for a run without end.
    """
    kept = np.asarray(input_tokens, float) + np.asarray(output_tokens, float)
    limits = [
        np.minimum(np.asarray(concurrency, float), requests),
        np.asarray(traits["cache_tokens"]) / np.maximum(kept, LENGTH_FLOOR),
        np.where(_at_once(concurrency, requests), LARGEST_BUILT, LARGEST_BATCH),
    ]
    return sum(np.power(limit, -SMOOTHNESS) for limit in limits) ** (-1 / SMOOTHNESS)


def _at_once(concurrency: ArrayLike, requests: ArrayLike) -> NDArray[np.bool_]:
    """Whether a run is finite and its requests are all given at once."""
    return np.asarray(np.isinf(concurrency) & np.isfinite(requests), bool)


def part_seconds(
    traits: Mapping[str, ArrayLike],
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    cached_tokens: ArrayLike = 0.0,
    concurrency: ArrayLike = np.inf,
    requests: ArrayLike = np.inf,
) -> Array:
    """Node time of a query at peak rates, by part: T_j of equation (1).

    Parameters
    ----------
    traits : mapping of str to array_like
        TRAITS; they and all others broadcast together.
    input_tokens, output_tokens, cached_tokens : array_like
        Lengths; cached tokens are part of the input. [tokens]
    concurrency, requests : array_like
        As for ``served_batch``.

    Returns
    -------
    ndarray
        Shape of the rest, then PARTS. [s], or what the part's factor turns into seconds
    """
    of = {name: np.asarray(value, float) for name, value in traits.items()}
    n_in, n_out = np.asarray(input_tokens, float), np.asarray(output_tokens, float)
    computed = n_in - np.asarray(cached_tokens, float)
    batch = served_batch(of, n_in, n_out, concurrency, requests)
    with_it = batch / np.maximum(n_out, LENGTH_FLOOR)
    begun = 1 + np.where(_at_once(concurrency, requests), with_it, 0.0)
    left = 1 / np.asarray(requests, float)
    per_request = 1 / batch + DRAIN * left * (1 - batch * left)
    parts = {
        **_step_seconds(of, batch, n_out * per_request),
        **_answer_seconds(of, batch, n_in, n_out),
        **_prefill_seconds(of, n_in, computed, begun),
        "prefill_latency": per_request,
    }
    shape = np.broadcast_shapes(*{np.shape(part) for part in parts.values()})
    found = np.empty((*shape, len(PARTS)))
    for place, name in enumerate(PARTS):
        found[..., place] = parts[name]
    return found


def _step_seconds(of: Mapping[str, Array], batch: Array, steps: Array) -> dict[str, Array]:
    """Parts that a step takes once for its batch; of so many steps a query bears the time."""
    share = touched(of["expert_share"], batch)
    dense, experts = steps * of["dense_s"], steps * share * of["experts_s"]
    four, layers = of["four_bit"], of["layers"]
    return {
        "weights": dense * (1 - four),
        "weights_4bit": dense * four,
        "experts": experts * (1 - four),
        "experts_4bit": experts * four,
        "step": steps * layers,
        "step_routing": steps * layers * of["routing"],
        "step_latent": steps * layers * of["latent"],
        "step_indexed": steps * layers * of["indexed"],
        "step_reduction": steps * layers * of["several"],
    }


def _answer_seconds(
    of: Mapping[str, Array], batch: Array, n_in: Array, n_out: Array
) -> dict[str, Array]:
    """Parts that every output token takes for itself."""
    compute = n_out * of["compute_s"]
    padded = 1 / (1 + batch * of["expert_share"] / EXPERT_ROWS)
    ring, each = _ring(of["group"]), of["group"] - 1
    small = 1 / (1 + (batch * of["message_bytes"] / SMALL_MESSAGE) ** 2)
    context = n_in + n_out / 2
    read = np.minimum(context, of["index_tokens"]) * of["cache_s"]
    cache = n_out * (read + context * of["index_cache_s"])
    return {
        "compute": compute,
        "narrow": compute * of["narrowness"] * padded,
        "link": n_out * of["link_s"] * (ring + (each - ring) * small),
        "token": n_out * (1 - of["overlapped"]),
        "token_hidden": n_out * of["overlapped"],
        "cache": cache * (1 - of["latent"]),
        "cache_latent": cache * of["latent"],
        "state": n_out * of["state_s"],
    }


def _prefill_seconds(
    of: Mapping[str, Array], n_in: Array, computed: Array, begun: Array
) -> dict[str, Array]:
    """Parts of the input but that of the batch; ``begun`` queries begin in one step.

    Tokens of the input, and those of them that are computed.
    """
    prefill = computed * of["compute_s"]
    pairs, selected = (
        _pairs(n_in, most) - _pairs(n_in - computed, most) for most in (np.inf, of["index_tokens"])
    )
    return {
        "prefill_compute": prefill * (1 - of["mixture"]),
        "prefill_mixture": prefill * of["mixture"],
        "prefill_narrow": prefill * of["narrowness"],
        "prefill_link": computed * of["link_s"] * _ring(of["group"]),
        "prefill_attention": pairs * of["attention_s"] * (1 - of["indexed"]),
        "prefill_selected": (selected * of["attention_s"] + pairs * of["index_s"]) * of["indexed"],
        "prefill_step": of["layers"] / begun,
        "prefill_request": 1 / begun,
    }


def _ring(group: Array) -> Array:
    """Times that a reduction around a ring of GPUs sends the activations. [1]"""
    return 2 * (group - 1) / group


def _pairs(tokens: Array, most: ArrayLike) -> Array:
    """Twice the pairs of a token and one of at most ``most`` before it; lengths in [tokens]."""
    near = np.minimum(tokens, most)
    return np.asarray(near * (2 * tokens - near), np.float64)

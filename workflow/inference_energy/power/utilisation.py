"""What a served load asks of a GPU, as shares of its peak rates.

For a batch B, throughput TPS of all n GPUs, and lengths L_in and L_out:

    u_memory  = (D TPS/B + k (L_in + L_out/2) TPS) / (n b)
    u_experts = X (1 - (1 - s)^B) TPS/B / (n b)                                               (1)
    u_compute = 2 A (1 + L_in/L_out) TPS / (n c)

D, X: bytes of the weights that every token uses, as often as there are copies of the attention, and
of all routed experts, of which a token uses the share s; k: bytes of the KV cache per token, as
often as the group of a copy holds it; A: active parameters; b, c: bandwidth and rate of a GPU.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from inference_energy.laws.base import Array
from inference_energy.laws.hardware import (
    COMPUTE_RATE,
    OF_A_MODEL,
    WEIGHT_BYTES,
    find_gpu,
    find_model,
)
from inference_energy.laws.serving import NETWORK
from inference_energy.units import GIGA, TERA

UTILISATION = ["memory", "experts", "compute"]
"""Columns of ``add_utilisation``: shares of the bandwidth for what every token uses and for routed
experts, and of the rate of the matrix products. [1]"""

LOAD = ["batch", "throughput_tps", "input_tokens", "output_tokens"]
"""Columns that differ between the rows of a deployment."""

ATTENTION_BYTES = 2.0
"""Bytes of a weight outside the routed experts, where those have 4 bit."""

SELECTED_TOKENS = 2048
"""Tokens of the context that an indexer selects (sparse attention)."""

REPLICATED = ("mla", "sparse")
"""Kinds of attention whose cache every GPU of a group holds whole."""


def add_utilisation(rows: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame) -> pd.DataFrame:
    """Append equation (1), the architecture of the model and the power of the GPU.

    Parameters
    ----------
    rows : DataFrame
        Columns model (a name or alias of ``models``), gpu, gpus, attention_copies, precision,
        batch [requests], input_tokens, output_tokens [tokens], throughput_tps [tokens/s]. A model
        or GPU that is not in the tables is completed as ``hardware.find_model`` and ``find_gpu``
        say.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        Copy of ``rows`` with the columns UTILISATION [1], ``network`` (the model as the table names
        it), ``alike`` (of :func:`alike`), ``architecture`` (dense, hybrid or moe) and ``tdp_w``
        [W].
    """
    load = {name: rows[name].to_numpy(float) for name in LOAD}
    found = {name: np.empty(len(rows)) for name in [*UTILISATION, "tdp_w"]}
    told = {name: np.empty(len(rows), object) for name in ("network", "architecture")}
    deployment = ["model", "gpu", "gpus", "attention_copies", "precision"]
    known_models: dict[str, pd.Series] = {}
    known_gpus: dict[str, pd.Series] = {}
    for own in rows.groupby(deployment).indices.values():
        first = rows.iloc[own[0]]
        stated, kind = str([first.get(name) for name in OF_A_MODEL]), str(first["gpu"])
        if stated not in known_models:
            known_models[stated] = find_model(first, models)
        if kind not in known_gpus:
            known_gpus[kind] = find_gpu(first, gpus)
        model, gpu = known_models[stated], known_gpus[kind]
        shares = _utilisation(first, {name: of[own] for name, of in load.items()}, model, gpu)
        for name, share in zip(UTILISATION, shares, strict=True):
            found[name][own] = share
        told["network"][own], told["architecture"][own] = model["model"], architecture(model)
        found["tdp_w"][own] = float(gpu["tdp_w"])
    columns = [*UTILISATION, "network", "alike", "architecture", "tdp_w"]
    added = found | {name: of.tolist() for name, of in told.items()}
    added["alike"] = alike(pd.Series(added["network"], dtype=object), models).tolist()
    kept = rows.drop(columns=[c for c in columns if c in rows])
    return kept.assign(**{name: added[name] for name in columns})


def architecture(model: pd.Series) -> str:
    """Architecture of a model of schema ``models``: dense, hybrid (few attention layers) or moe."""
    hybrid = model["architecture"] == "dense" and model["attention"] == "hybrid"
    return "hybrid" if hybrid else str(model["architecture"])


def alike(model: pd.Series, models: pd.DataFrame) -> pd.Series:
    """Text of every model, the same for those of one architecture and size.

    Parameters
    ----------
    model : Series of str
        Names as ``models`` has them; one that it has not stands for itself.
    models : DataFrame
        Table of schema ``models``.
    """
    cells = zip(models["model"], *(models[column] for column in NETWORK), strict=True)
    known = {name: " ".join(map(str, own)) for name, *own in cells}
    return model.map(lambda name: known.get(name, name))


def of_another(named: pd.Series, model: str, models: pd.DataFrame) -> "pd.Series[bool]":
    """Which names, aliases among them, mean no model of this one's architecture and size."""
    known = names(models)
    networks = named.map(lambda name: known.get(str(name).lower(), name))
    return alike(networks, models) != alike(pd.Series([model]), models).item()


def names(models: pd.DataFrame) -> dict[str, str]:
    """Model by its own name and by every alias, in lower case.

    Parameters
    ----------
    models : DataFrame
        Table of schema ``models``.
    """
    cells = zip(models["model"], models["aliases"].fillna(""), strict=True)
    known = [(name, each.strip().lower()) for name, of in cells for each in [name, *of.split(";")]]
    return {each: name for name, each in known if each}


def _utilisation(
    first: pd.Series, load: Mapping[str, Array], model: pd.Series, gpu: pd.Series
) -> tuple[Array, Array, Array]:
    """Equation (1) for the loads of one deployment, whose first row is given."""
    precision, count = first["precision"], float(first["gpus"])
    copies = float(first["attention_copies"])
    rate = TERA * next(gpu[c] for c in COMPUTE_RATE[precision] if pd.notna(gpu[c]))
    bandwidth = TERA * gpu["bandwidth_tb_s"]
    total, active = GIGA * model["params_total_b"], GIGA * model["params_active_b"]
    mixture = model["architecture"] == "moe" and pd.notna(model["experts"])
    share = model["experts_active"] / model["experts"] if mixture else 0.0
    # of a model that is taken for the nearest known, the experts may come to more than all of it
    routed = min((total - active) / (1 - share), total) if mixture else 0.0
    weight = WEIGHT_BYTES[precision]
    outside = ATTENTION_BYTES if mixture and precision in ("FP4", "INT4") else weight
    batch, tokens, input_tokens, output_tokens = (load[name] for name in LOAD)
    steps = tokens / batch
    context = input_tokens + output_tokens / 2
    if pd.notna(model["context_share"]):
        context = context * model["context_share"]
    if model["attention"] == "sparse":
        context = np.minimum(context, SELECTED_TOKENS)
    group = count / copies
    holders = group if model["attention"] in REPLICATED else group / min(group, model["kv_heads"])
    cache = model["kv_bytes_per_token_16bit"] * holders * context * tokens
    touched = 1 - (1 - share) ** batch
    prefill = 1 + input_tokens / output_tokens
    return (
        ((total - routed) * outside * copies * steps + cache) / (count * bandwidth),
        routed * weight * touched * steps / (count * bandwidth),
        2 * active * prefill * tokens / (count * rate),
    )

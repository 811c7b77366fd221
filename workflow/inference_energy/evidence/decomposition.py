"""The ratio of an estimate to the method as a product of factors.

    estimate / reference
        = lengths x boundary x method x load x hardware x format x reasoning x host x remainder

Lengths and boundary are the method's own, but for a server that the source makes of its GPUs by a
factor that it states. Method is what the laws of throughput and power have at these lengths, on a
node of H100 in FP8 at the method's load, over what the method has. Load, hardware and format are
ratios of GPU energy per token by the laws, one after the other: from there to the estimate's load,
then its GPUs and engine, then its format, which is that of the published weights where something
was measured and none is stated.

Reasoning and host are of estimates that multiply the time of an answer at an interface by a power.
That time holds the tokens that a model generates before its answer, which the stated output does
not: reasoning is all tokens over those of the answer. Host is what the source's other answers of
the same host, at other lengths, have over the laws (geometric mean); the answer itself is not among
them, so that it is predicted. The remainder is what the estimate then has over the laws, at all
that it states. A factor that is not known is 1 and its part of the ratio is in the remainder, which
closes the product exactly.

A remainder that is not small is followed up: what else can be computed that the factors do not
count, and which of it comes nearest to the remainder (``STEPS``).
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.energy.equation import energy_of_tokens
from inference_energy.evidence import law
from inference_energy.evidence.boundaries import HOPPER, Conversion
from inference_energy.evidence.estimates import (
    REGIME,
    Own,
    energy_at,
    why_not_usable,
    with_central,
)
from inference_energy.laws.at_load import STEADY
from inference_energy.laws.hardware import USABLE_MEMORY
from inference_energy.laws.serving import add_traits
from inference_energy.laws.training import STEADY_ENGINE, STEADY_INPUT
from inference_energy.method.boundary import COMPARABLE, Place
from inference_energy.method.distributions import NORMAL_95
from inference_energy.method.setup import Setup

Factor = tuple[float | None, str]
"""A factor, none where it is not known, and on what basis. [1]"""

Known = dict[str, Factor]
"""Factors by name."""

BY_LAW = ("load", "hardware", "format")

OF_A_SERVICE = ("reasoning", "host")

FACTORS = ("lengths", "boundary", "method", *BY_LAW, *OF_A_SERVICE, "remainder")

SERVICE = "API latency x power"
"""Way to obtain an estimate from the time of an answer at an interface."""

HOST = ["source_id", "subject"]
"""Columns that tell the host of such an estimate."""

CHAIN = ("start", *BY_LAW, "half")
"""Rows of the laws for an estimate: the reference at the lengths of the estimate, then with its
load, GPUs and format, and in BF16."""

HALF_PRECISION = {"FP16": "BF16"}
"""Formats that the laws know by another name of the same size."""

TRANSFORMERS = "transformers"
"""Software of some measurements, which is not made for serving."""

MEASURED = "measured"
"""Beginning of the ways to obtain an estimate that ran the weights, whose format is theirs."""

PUBLISHED, PUBLISHED_IN = "BF16", {"DeepSeek-R1": "FP8"}
"""Format in which weights are published, which a measurement that does not state one ran, and that
of models that differ (config.json of their repositories)."""

STEADY_SOURCE = "mlenergy-v3"
"""Source of the runs whose engine, version and protocol data/sources.csv states."""

LARGER = "H200-SXM-141GB"
"""GPU of the reference node for models whose weights a node of H100 does not hold."""

NODE = 8
"""GPUs of the reference node."""

COUNT = re.compile(r"(\d+)(?:x| GPUs)")
"""Number of GPUs in the hardware of an estimate."""

BATCHES = re.compile(r"max batch (\d+)\.\.(\d+)")
"""Batches in the hardware of an estimate that is a range over them."""

DOUBLED = re.compile(r"GPU x(\d+)")
"""What a source multiplies the energy of its GPUs by to have that of the server, in the note."""

CONFLICT = re.compile(r"\((.*conflict.*)\)")
"""Remark in the hardware of an estimate that it is not certain."""

STEPS = ("format", "range", "law", "software", "hardware")
"""Where a remainder can come from. format: not stated, and BF16 rather than FP8; range: the
estimate is one, and another point of it; law: inside the interval of the law; software: one that no
throughput is known of; hardware: the source contradicts itself. What the last two are worth cannot
be computed."""

NOT_COMPUTED = ("law", "software", "hardware")
"""Steps that leave the remainder as it is."""

CLOSE = 1.5
"""Factor within which a product counts as the ratio explained. [1]"""


def decompose(
    setup: Setup,
    own: Own,
    estimates: pd.DataFrame,
    laws: law.LoadLaws,
    convert: Conversion,
    reasoning: Mapping[str, float],
) -> pd.DataFrame:
    """Decompose the ratio of every usable estimate to the method.

    The reference is the method's traditional median for the estimate's model, or, if there is no
    law for it, that of the frontier blend.

    Parameters
    ----------
    setup : Setup
        The method.
    own : Own
        Its own queries.
    estimates : DataFrame
        Table of schema ``estimates``.
    laws : LoadLaws
        Throughput and power with load.
    convert : Conversion
        Conversion between boundaries.
    reasoning : mapping of str to float
        Tokens that a model generates before its answer, by model. [tokens]

    Returns
    -------
    DataFrame
        id, source_id, method, reference, reference_wh [Wh], ratio [1], factor, value [1], known
        (yes | no: in the remainder), basis, and of a remainder beyond CLOSE step, reason and left
        [1]: what it most likely is, and what remains then. The values of an estimate multiply to
        its ratio.
    """
    estimates = with_central(estimates)
    medians = {name: energy.quantile(0.5) for name, energy in own.models[REGIME].items()}
    blend = {place: energy.quantile(0.5) for place, energy in own.blend.items()}
    usable = estimates[why_not_usable(estimates).isna()]
    lent = usable[usable["model"].isin(medians)]
    share = blend[Place.ACCELERATOR] / blend[Place.FACILITY]
    served, more = _served(setup, lent, laws, {m: e * share for m, e in medians.items()})
    found = {}
    for estimate in usable.to_dict("records"):
        name, model = estimate["id"], estimate["model"]
        if model in medians:
            known = _of_model(setup, estimate, medians[model], convert) | served.get(name, {})
            known |= _off_the_laws(known)
            known["reasoning"] = _reasoning(estimate, reasoning)
            found[name] = _beside(estimate, model, medians[model], known)
        else:
            known = dict.fromkeys(FACTORS[:-1], (None, "no law for this model"))
            known["boundary"] = _boundary(estimate, blend)
            found[name] = _beside(estimate, "frontier blend", blend[Place.FACILITY], known)
    hosts = _hosts(lent, {name: _rest(of) for name, of in found.items()})
    lines = [
        line
        for name, of in found.items()
        for line in _lines(of, of["factors"] | hosts.get(name, {}), more.get(name, {}))
    ]
    return pd.DataFrame(lines)


def _beside(
    estimate: Mapping[Any, Any], subject: str, reference_wh: float, factors: Known
) -> dict[str, Any]:
    """Set an estimate beside the method's median for a subject."""
    return dict(estimate) | {
        "reference": f"{subject}, {REGIME}",
        "reference_wh": reference_wh,
        "ratio": estimate["central_wh"] / reference_wh,
        "factors": factors,
    }


def _lines(of: Mapping[Any, Any], known: Known, more: Known) -> list[dict[str, Any]]:
    """Lines of an estimate's factors, and of what they leave with what may explain it."""
    rest = _rest({**of, "factors": known})
    missing = [factor for factor, (value, _) in known.items() if value is None]
    followed = _follow(rest, more | _range(of, rest) | _remarks(of))
    known = known | {"remainder": (rest, ", ".join(["not explained", *missing]))}
    columns = ("id", "source_id", "method", "reference", "reference_wh", "ratio")
    return [
        {column: of[column] for column in columns}
        | {
            "factor": factor,
            "value": 1.0 if value is None else value,
            "known": "no" if value is None or factor == "remainder" else "yes",
            "basis": basis,
        }
        | (followed if factor == "remainder" else dict.fromkeys(("step", "reason", "left")))
        for factor, (value, basis) in known.items()
    ]


def _rest(of: Mapping[Any, Any]) -> float:
    """What the factors that are known leave of a ratio."""
    return of["ratio"] / np.prod([v for v, _ in of["factors"].values() if v is not None])


def explained(
    table: pd.DataFrame, ids: Collection[str], without: Collection[str] = ()
) -> pd.Series:
    """Estimates whose product of known factors is near their ratio.

    Parameters
    ----------
    table : DataFrame
        From :func:`decompose`.
    ids : collection of str
        Estimates that count.
    without : collection of str
        Factors that count as not known.

    Returns
    -------
    Series of bool
        By estimate: whether the remainder, or its inverse, is at most CLOSE.
    """
    left = table[table["factor"].isin(["remainder", *without]) & table["id"].isin(ids)]
    return np.abs(np.log(left.groupby("id")["value"].prod())) <= np.log(CLOSE)


def _follow(remainder: float, other: Known) -> dict[str, Any]:
    """Step of STEPS that is nearest to a remainder beyond CLOSE, why, and what is left then."""
    nothing = dict.fromkeys(("step", "reason", "left"))
    if _size(remainder) <= np.log(CLOSE):
        return nothing
    computed = {
        name: value
        for name, (value, _) in other.items()
        if value is not None and name not in NOT_COMPUTED
    }
    left = {name: remainder / value for name, value in computed.items()}
    step = min(left, key=lambda name: _size(left[name]), default=None)
    if step and _size(left[step]) <= np.log(CLOSE):
        return {"step": step, "reason": other[step][1], "left": left[step]}
    within, why = other.get("law", (None, ""))
    if within is not None and _size(remainder) <= np.log(within):
        return {"step": "law", "reason": why, "left": remainder}
    if step and _size(left[step]) < _size(remainder):
        return {"step": step, "reason": other[step][1], "left": left[step]}
    for name in ("software", "hardware"):
        if name in other:
            return {"step": name, "reason": other[name][1], "left": remainder}
    return nothing | {"step": "none found", "left": remainder}


def _size(factor: float) -> float:
    """Distance of a factor from one, either way. [ln]"""
    return float(abs(np.log(factor)))


def _reasoning(estimate: Mapping[Any, Any], reasoning: Mapping[str, float]) -> Factor:
    """Tokens that a service generates over those of its answer."""
    before = reasoning.get(estimate["model"])
    if estimate["method"] != SERVICE or before is None:
        return 1.0, "no tokens but those stated"
    if np.isnan(estimate["output_tokens"]):
        return None, "not stated"
    text = f"{before:g} tokens of reasoning (assumed), whose time the interface's holds"
    return 1 + before / estimate["output_tokens"], text


def _hosts(estimates: pd.DataFrame, rests: Mapping[str, float]) -> dict[str, Known]:
    """Factor of the host by estimate, from the rests that the others of the same host leave."""
    found: dict[str, Known] = {
        name: {"host": (1.0, "not at an interface")} for name in estimates["id"]
    }
    for _, alike in estimates[estimates["method"] == SERVICE].groupby(HOST):
        logs = np.log([rests[name] for name in alike["id"]])
        others = len(logs) - 1
        for name, log in zip(alike["id"], logs, strict=True):
            value = float(np.exp((logs.sum() - log) / others)) if others else None
            text = f"what it has over the laws at {others} other lengths" if others else "no other"
            found[name] = {"host": (value, text)}
    return found


def _range(estimate: Mapping[Any, Any], remainder: float) -> Known:
    """The point of an estimate's range that is nearest to the product, over its middle."""
    if np.isnan(estimate["low_wh"]):
        return {}
    low, high = (estimate[f"{end}_wh"] / estimate["central_wh"] for end in ("low", "high"))
    text = f"the estimate is a range, x{low:.3g} to x{high:.3g} of its middle"
    return {"range": (float(np.clip(remainder, low, high)), text)}


def _remarks(estimate: Mapping[Any, Any]) -> Known:
    """What the hardware of an estimate says that no factor can count."""
    given = str(estimate["hardware"] or "")
    found: Known = {}
    if TRANSFORMERS in given:
        found["software"] = (1.0, f"{TRANSFORMERS}, of which no throughput is known")
    if conflict := CONFLICT.search(given):
        found["hardware"] = (1.0, conflict[1])
    return found


def _boundary(estimate: Mapping[Any, Any], energies: Mapping[str, float]) -> Factor:
    """Factor from the facility to a boundary, from the method's energy at each.

    A server is the GPUs times what the source states, if it does.
    """
    boundary = estimate["boundary"]
    if boundary not in COMPARABLE:
        return None, f"boundary: {boundary}"
    doubled = DOUBLED.search(str(estimate["note"]))
    if boundary == Place.SERVER and doubled:
        gpus = energies[Place.ACCELERATOR] / energies[Place.FACILITY]
        return float(doubled[1]) * gpus, f"GPUs x{doubled[1]}, says the source, instead of facility"
    return energies[boundary] / energies[Place.FACILITY], f"{boundary} instead of facility"


def _off_the_laws(known: Known) -> Known:
    """What the laws have over the method at the estimate's lengths, from that over its median."""
    (value, text), (lengths, _) = known["method"], known["lengths"]
    if value is None or lengths is None:
        return {"method": (None, text)}
    return {"method": (value / lengths, f"the laws have x{value / lengths:.3g} of the method")}


def _of_model(
    setup: Setup, estimate: Mapping[Any, Any], reference_wh: float, convert: Conversion
) -> Known:
    """Lengths and boundary by the method, whose law knows the model: value or none, and basis."""
    known: Known = dict.fromkeys(FACTORS[:-1], (None, "not stated"))
    assumed = np.isnan(estimate["input_tokens"])
    own = setup.regimes[REGIME].input_tokens
    input_tokens = own if assumed else estimate["input_tokens"]
    stated = not np.isnan(estimate["output_tokens"])
    output_tokens = estimate["output_tokens"] if stated else own
    at = {
        b: energy_at(setup, estimate["model"], input_tokens, output_tokens, b, convert)
        for b in COMPARABLE
    }
    energies = {boundary: float(energy.quantile(0.5)) for boundary, energy in at.items()}
    known["boundary"] = _boundary(estimate, energies)
    if stated:
        lengths = f"{input_tokens:g}{' (assumed)' if assumed else ''}/{output_tokens:g} tokens"
        known["lengths"] = (
            energies[Place.FACILITY] / reference_wh,
            f"{lengths} by the method's law",
        )
    return known


def _served(
    setup: Setup, estimates: pd.DataFrame, laws: law.LoadLaws, references: Mapping[str, float]
) -> tuple[dict[str, Known], dict[str, Known]]:
    """Factors of the laws by estimate, for those that state their output, and further STEPS."""
    stated = estimates[estimates["output_tokens"].notna()].to_dict("records")
    chains = [_chain(setup, estimate, laws) for estimate in stated]
    if not chains:
        return {}, {}
    rows = pd.DataFrame([row for chain, _ in chains for row in chain])
    found = laws.energy(rows)
    steps = found["predicted_j"].to_numpy().reshape(len(chains), -1)
    log_sd = found["log_sd"].to_numpy().reshape(len(chains), -1)[:, CHAIN.index("format")]
    queries = energy_of_tokens(steps, rows["output_tokens"].to_numpy().reshape(steps.shape))
    factors: dict[str, Known] = {}
    more: dict[str, Known] = {}
    for estimate, own, query, sd, (_, texts) in zip(
        stated, steps, queries, log_sd, chains, strict=True
    ):
        at = dict(zip(CHAIN, own, strict=True))
        before = dict(zip(BY_LAW, CHAIN[CHAIN.index("start") :], strict=False))
        start = query[CHAIN.index("start")] / references[estimate["model"]]
        factors[estimate["id"]] = {"method": (float(start), "")} | {
            name: (float(at[name] / at[before[name]]) if known else None, text)
            for name, (known, text) in zip(BY_LAW, texts, strict=True)
        }
        within = float(np.exp(NORMAL_95 * sd))
        more[estimate["id"]] = {
            "law": (within, f"its 90 % interval is x{within:.3g} either way"),
        }
        if not texts[BY_LAW.index("format")][0]:
            value = at["half"] / at["format"]
            more[estimate["id"]]["format"] = (value, f"not stated; x{value:.3g} if BF16, not FP8")
    return factors, more


def _chain(
    setup: Setup, estimate: Mapping[Any, Any], laws: law.LoadLaws
) -> tuple[list[dict[str, object]], list[tuple[bool, str]]]:
    """Rows from the reference to the estimate, and whether and why each step is known."""
    model, given = estimate["model"], str(estimate["hardware"] or "")
    steady = estimate["source_id"] == STEADY_SOURCE
    n_in, n_out = estimate["input_tokens"], estimate["output_tokens"]
    if np.isnan(n_in):
        # the laws are fitted to these runs with their own assumption
        n_in = STEADY_INPUT if steady else setup.regimes[REGIME].input_tokens
    load, own_load = _loads(setup, estimate)
    reference = HOPPER
    start = law.row(model, reference, NODE, "FP8", load, n_in, n_out)
    if add_traits(pd.DataFrame([start]), laws.models, laws.gpus)["filled"].iloc[0] > USABLE_MEMORY:
        reference = LARGER
        start = law.row(model, reference, NODE, "FP8", load, n_in, n_out)
    stated = isinstance(estimate["precision"], str)
    known = stated or estimate["method"].startswith(MEASURED)
    assumed = PUBLISHED_IN.get(model, PUBLISHED) if known else "FP8"
    precision = estimate["precision"] if stated else assumed
    precision = HALF_PRECISION.get(precision, precision)
    found = COUNT.search(given)
    gpu = "B200" if "B200" in given else HOPPER if "H100" in given else reference
    count = int(found[1]) if found else NODE
    engine = TRANSFORMERS if TRANSFORMERS in given else law.ENGINE if found else ""
    served = law.row(model, gpu, count, "FP8", own_load, n_in, n_out, engine)
    if steady:
        version = dict(zip(("engine", "engine_version"), STEADY_ENGINE, strict=True))
        served |= {**version, "protocol": STEADY, "source_id": STEADY_SOURCE}
    chain = [
        start,
        start | {"concurrency": own_load},
        served,
        served | {"precision": precision},
        served | {"precision": HALF_PRECISION["FP16"]},
    ]
    unknown = "not stated"
    how = precision if stated else f"{precision}, as its weights are published,"
    amount = "as many as fit" if np.isinf(own_load) else f"{own_load:.4g} at once"
    return chain, [
        (True, f"{amount}, by the law"),
        (bool(found), f"{count} {gpu}, not {NODE} {reference}, by the law" if found else unknown),
        (known, f"{how} not FP8, by the law" if known else unknown),
    ]


def _loads(setup: Setup, estimate: Mapping[Any, Any]) -> tuple[float, float]:
    """Requests at once of the method's node, in the middle, and of the estimate."""
    served = {model.name: model for model in setup.models}[estimate["model"]].law
    own = np.inf
    if served.knows_load:
        own = float(np.exp(sum(way.weight * np.log(way.load) for way in served.shares())))
    stated = estimate["concurrency"]
    over = BATCHES.search(str(estimate["hardware"]))
    if np.isnan(stated) and over and not np.isnan(estimate["low_wh"]):
        # its middle is that of the range, and so is its load
        stated = np.sqrt(float(over[1]) * float(over[2]))
    return own, np.inf if np.isnan(stated) else float(stated)

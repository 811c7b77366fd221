"""The ratio of an estimate to the method as a product of factors.

    estimate / reference = lengths x boundary x load x hardware x format x remainder

Lengths and boundary are the method's own. Load, hardware and format are ratios of GPU energy per
token by the laws of throughput and power, one after the other: from a node of H100 in FP8 at the
method's load to the estimate's load, then its GPUs and engine, then its format. A factor that is
not known is 1 and its part of the ratio is in the remainder, which closes the product exactly.
"""

import re

import numpy as np
import pandas as pd

from inference_energy.energy import exact
from inference_energy.evidence import law
from inference_energy.evidence.coverage import HOPPER
from inference_energy.evidence.estimates import (
    REGIME,
    energy_at,
    headline,
    why_not_usable,
    with_central,
)
from inference_energy.laws.hardware import USABLE_MEMORY
from inference_energy.laws.serving import add_traits
from inference_energy.method.boundary import COMPARABLE, Place

FACTORS = ("lengths", "boundary", "load", "hardware", "format", "remainder")

BY_LAW = ("load", "hardware", "format")

HALF_PRECISION = {"FP16": "BF16"}
"""Formats that the laws know by another name of the same size."""

LARGER = "H200-SXM-141GB"
"""GPU of the reference node for models whose weights a node of H100 does not hold."""

NODE = 8
"""GPUs of the reference node."""

COUNT = re.compile(r"(\d+)(?:x| GPUs)")
"""Number of GPUs in the hardware of an estimate."""

CLOSE = 1.5
"""Factor within which a product counts as the ratio explained. [1]"""


def decompose(setup, estimates, laws, convert):
    """Decompose the ratio of every usable estimate to the method.

    The reference is the method's traditional median for the estimate's model, or, if there is no
    law for it, that of the frontier blend.

    Parameters
    ----------
    setup : Setup
        The method.
    estimates : DataFrame
        Table of schema ``estimates``.
    laws : Laws
        Throughput and power with load.
    convert : Conversion
        Conversion between boundaries.

    Returns
    -------
    DataFrame
        id, source_id, method, reference, reference_wh [Wh], ratio [1], factor, value [1], known
        (yes | no: in the remainder), basis. The values of an estimate multiply to its ratio.
    """
    estimates = with_central(estimates)
    regime = setup.regimes[REGIME]
    medians = {
        name: energy.quantile(0.5) for name, energy in exact.regime_energy(setup, regime)[0].items()
    }
    blend = {b: headline(setup, b, convert).quantile(0.5) for b in COMPARABLE}
    usable = estimates[why_not_usable(estimates).isna()]
    served = _served(setup, usable[usable["model"].isin(medians)], laws)
    lines = []
    for estimate in usable.to_dict("records"):
        model = estimate["model"]
        if model in medians:
            reference, reference_wh = f"{model}, {REGIME}", medians[model]
            known = _of_model(setup, estimate, reference_wh, convert)
            known |= served.get(estimate["id"], {})
        else:
            reference, reference_wh = f"frontier blend, {REGIME}", blend[Place.FACILITY]
            known = dict.fromkeys(FACTORS[:-1], (None, "no law for this model"))
            known["boundary"] = _boundary(estimate["boundary"], blend)
        ratio = estimate["central_wh"] / reference_wh
        product = np.prod([value for value, _ in known.values() if value is not None])
        missing = [name for name, (value, _) in known.items() if value is None]
        known["remainder"] = (ratio / product, ", ".join(["not explained", *missing]))
        lines += [
            {
                "id": estimate["id"],
                "source_id": estimate["source_id"],
                "method": estimate["method"],
                "reference": reference,
                "reference_wh": reference_wh,
                "ratio": ratio,
                "factor": name,
                "value": 1.0 if value is None else value,
                "known": "no" if value is None or name == "remainder" else "yes",
                "basis": basis,
            }
            for name, (value, basis) in known.items()
        ]
    return pd.DataFrame(lines)


def explained(table, ids):
    """Estimates whose product of known factors is near their ratio.

    Parameters
    ----------
    table : DataFrame
        From :func:`decompose`.
    ids : collection of str
        Estimates that count.

    Returns
    -------
    Series of bool
        By estimate: whether the remainder, or its inverse, is at most CLOSE.
    """
    rest = table[(table["factor"] == "remainder") & table["id"].isin(ids)].set_index("id")["value"]
    return np.abs(np.log(rest)) <= np.log(CLOSE)


def _boundary(boundary, energies):
    """Factor from the facility to a boundary, from the method's energy at each."""
    if boundary not in COMPARABLE:
        return None, f"boundary: {boundary}"
    return energies[boundary] / energies[Place.FACILITY], f"{boundary} instead of facility"


def _of_model(setup, estimate, reference_wh, convert):
    """Lengths and boundary by the method, whose law knows the model: value or none, and basis."""
    known = dict.fromkeys(FACTORS[:-1], (None, "not stated"))
    assumed = np.isnan(estimate["input_tokens"])
    own = setup.regimes[REGIME].input_tokens
    input_tokens = own if assumed else estimate["input_tokens"]
    stated = not np.isnan(estimate["output_tokens"])
    output_tokens = estimate["output_tokens"] if stated else own
    energies = {
        b: energy_at(setup, estimate["model"], input_tokens, output_tokens, b, convert).quantile(
            0.5
        )
        for b in COMPARABLE
    }
    known["boundary"] = _boundary(estimate["boundary"], energies)
    if stated:
        lengths = f"{input_tokens:g}{' (assumed)' if assumed else ''}/{output_tokens:g} tokens"
        known["lengths"] = (
            energies[Place.FACILITY] / reference_wh,
            f"{lengths} by the method's law",
        )
    return known


def _served(setup, estimates, laws):
    """Factors of the laws by estimate, for those that state their output."""
    stated = estimates[estimates["output_tokens"].notna()].to_dict("records")
    chains = [_chain(setup, estimate, laws) for estimate in stated]
    if not chains:
        return {}
    rows = [row for chain, _ in chains for row in chain]
    energy = laws.energy(pd.DataFrame(rows))["predicted_j"].to_numpy()
    steps = energy.reshape(len(chains), -1)
    ratios = steps[:, 1:] / steps[:, :-1]
    return {
        estimate["id"]: {
            name: (float(value) if known else None, text)
            for name, value, (known, text) in zip(BY_LAW, own, texts, strict=True)
        }
        for estimate, own, (_, texts) in zip(stated, ratios, chains, strict=True)
    }


def _chain(setup, estimate, laws):
    """Rows from the reference to the estimate, and whether and why each step is known."""
    model, given = estimate["model"], str(estimate["hardware"] or "")
    lengths = [estimate["input_tokens"], estimate["output_tokens"]]
    if np.isnan(lengths[0]):
        lengths[0] = setup.regimes[REGIME].input_tokens
    load, own_load = _loads(setup, estimate)
    node = [model, HOPPER, NODE]
    start = law.row(*node, "FP8", load, *lengths)
    if add_traits(pd.DataFrame([start]), laws.models, laws.gpus)["filled"].iloc[0] > USABLE_MEMORY:
        node[1] = LARGER
        start = law.row(*node, "FP8", load, *lengths)
    stated = isinstance(estimate["precision"], str)
    precision = estimate["precision"] if stated else "FP8"
    precision = HALF_PRECISION.get(precision, precision)
    found = COUNT.search(given)
    gpu = "B200" if "B200" in given else HOPPER if "H100" in given else node[1]
    count = int(found[1]) if found else NODE
    engine = "transformers" if "transformers" in given else law.ENGINE if found else ""
    chain = [
        start,
        start | {"concurrency": own_load},
        law.row(model, gpu, count, "FP8", own_load, *lengths, engine=engine),
        law.row(model, gpu, count, precision, own_load, *lengths, engine=engine),
    ]
    unknown = "not stated"
    amount = "as many as fit" if np.isinf(own_load) else f"{own_load:g} at once"
    return chain, [
        (True, f"{amount}, by the law"),
        (bool(found), f"{count} {gpu}, not {NODE} {node[1]}, by the law" if found else unknown),
        (stated, f"{precision}, not FP8, by the law" if stated else unknown),
    ]


def _loads(setup, estimate):
    """Requests at once of the method's node, in the middle, and of the estimate."""
    served = {model.name: model for model in setup.models}[estimate["model"]].law
    own = np.inf
    if served.knows_load:
        own = float(np.exp(sum(way.weight * np.log(way.load) for way in served.shares())))
    stated = estimate["concurrency"]
    return own, np.inf if np.isnan(stated) else float(stated)

"""The ratio of an estimate to the method as a product of factors.

    estimate / reference = tokens x boundary x precision x concurrency x power x remainder

A factor that is not known is 1 and its part of the ratio is in the remainder, which closes the
product exactly.
"""

import numpy as np
import pandas as pd

from inference_energy.energy import exact
from inference_energy.evidence.concurrency import concurrency_factor, precision_ratios
from inference_energy.evidence.estimates import (
    REGIME,
    accelerator_power,
    energy_at,
    headline,
    why_not_usable,
    with_central,
)
from inference_energy.method.boundary import COMPARABLE, Place

FACTORS = ("tokens", "boundary", "precision", "concurrency", "power", "remainder")
HALF_PRECISION = ("BF16", "FP16")


def decompose(setup, estimates, runs, convert):
    """Decompose the ratio of every usable estimate to the method.

    The reference is the method's traditional median for the estimate's model, or, if there is no
    law for it, that of the frontier blend.

    Parameters
    ----------
    setup : Setup
        The method.
    estimates : DataFrame
        Table of schema ``estimates``.
    runs : DataFrame
        Table of schema ``mlenergy``: concurrency and precision are measured there.
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
    precision = precision_ratios(runs)["ratio"]
    half = float(precision.median()), f"median of {len(precision)} measured BF16/FP8 pairs"
    lines = []
    for estimate in estimates[why_not_usable(estimates).isna()].to_dict("records"):
        model = estimate["model"]
        if model in medians:
            reference, reference_wh = f"{model}, {REGIME}", medians[model]
            known = _of_model(setup, estimate, reference_wh, runs, convert, half)
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


def _boundary(boundary, energies):
    """Factor from the facility to a boundary, from the method's energy at each."""
    if boundary not in COMPARABLE:
        return None, f"boundary: {boundary}"
    return energies[boundary] / energies[Place.FACILITY], f"{boundary} instead of facility"


def _of_model(setup, estimate, reference_wh, runs, convert, half):
    """Factors of an estimate whose model the method has a law for: value or none, and basis."""
    model, boundary = estimate["model"], estimate["boundary"]
    known = dict.fromkeys(FACTORS[:-1], (None, "not stated"))
    assumed = np.isnan(estimate["input_tokens"])
    own = setup.regimes[REGIME].input_tokens
    input_tokens = own if assumed else estimate["input_tokens"]
    stated = not np.isnan(estimate["output_tokens"])
    output_tokens = estimate["output_tokens"] if stated else own
    energies = {
        b: energy_at(setup, model, input_tokens, output_tokens, b, convert).quantile(0.5)
        for b in COMPARABLE
    }
    known["boundary"] = _boundary(boundary, energies)
    if stated:
        lengths = f"{input_tokens:g}{' (assumed)' if assumed else ''}/{output_tokens:g} tokens"
        known["tokens"] = (
            energies[Place.FACILITY] / reference_wh,
            f"{lengths} by the method's law",
        )
    if estimate["precision"] == "FP8":
        known["precision"] = (1.0, "FP8, as the method")
    elif estimate["precision"] in HALF_PRECISION:
        known["precision"] = (half[0], f"{estimate['precision']}: {half[1]}")
    if not np.isnan(estimate["concurrency"]):
        known["concurrency"] = concurrency_factor(
            runs, model, estimate["precision"], estimate["concurrency"]
        )
    if boundary == Place.ACCELERATOR and not np.isnan(estimate["accelerator_power_w"]):
        watts = accelerator_power(setup, model, input_tokens, output_tokens, convert)
        text = f"{estimate['accelerator_power_w']:.0f} W per accelerator instead of {watts:.0f} W"
        known["power"] = (estimate["accelerator_power_w"] / watts, text)
    return known

"""What the conversions between boundaries are made of, and the method at each.

An energy measured at the facility includes, where stated, the machines that are kept idle.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from inference_energy.errors import InputError
from inference_energy.method.boundary import Conversion
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Setup
from inference_energy.units import W_PER_KW


def conversion(settings: Mapping[str, Any], wall_power: pd.DataFrame) -> Conversion:
    """Build the conversions from config/evidence.yaml and the wall-power table.

    The accelerator share lies between two observations: a capped node, whose GPUs draw at most
    their limit, and a provider's breakdown by part.

    Parameters
    ----------
    settings : dict
        Checked content of config/evidence.yaml.
    wall_power : DataFrame
        Table of schema ``wall_power``.

    Raises
    ------
    InputError
        If the capped node is not in the table, or does not have the smaller share.
    """
    capped, parts = settings["capped_node"], settings["provider_breakdown"]
    found = wall_power
    for column in ("system", "benchmark", "scenario"):
        found = found[found[column] == capped[column]]
    if len(found) != 1:
        raise InputError(
            f"config/evidence.yaml: key capped_node: selects {len(found)} rows of"
            " data/measured/mlperf_wall_power.csv; allowed is one; correct system, benchmark,"
            " scenario"
        )
    run = found.iloc[0]
    lower = capped["gpu_limit"] * W_PER_KW * run["gpus"] / run["wall_power_w"]
    upper = parts["accelerators"] / (parts["accelerators"] + parts["host"])
    if not lower < upper < 1:
        raise InputError(
            f"config/evidence.yaml: keys capped_node, provider_breakdown: accelerator shares"
            f" {lower:.3g} and {upper:.3g}; allowed is the first below the second, both below 1;"
            " correct gpu_limit or the breakdown"
        )
    serving = parts["accelerators"] + parts["host"]
    return Conversion(
        LogNormal.from_percentiles(lower, upper),
        LogNormal.from_percentiles(settings["host_power"]["p5"], settings["host_power"]["p95"]),
        LogNormal.from_percentiles(settings["pue"]["p5"], settings["pue"]["p95"]),
        (serving + parts["idle"]) / serving,
        settings["gpus_per_node"],
    )


def at_boundary(setup: Setup, boundary: str, convert: Conversion) -> Setup:
    """Return the method (Setup) with its energy charged at another boundary.

    Raises
    ------
    InputError
        If there is no conversion to the boundary.
    """
    return replace(setup, boundary=convert.boundary(boundary))

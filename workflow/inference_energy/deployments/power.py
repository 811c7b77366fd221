"""Power of an operator's node, as measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.deployments.runs import marks
from inference_energy.energy.equation import steady_power
from inference_energy.errors import InputError
from inference_energy.method import build
from inference_energy.method.boundary import Meter
from inference_energy.method.distributions import Z95, LogNormal
from inference_energy.power.measured import USUAL_DRAWN, USUAL_DRAWN_OF_NODE
from inference_energy.readers.common import doubts_power
from inference_energy.text import counted
from inference_energy.units import W_PER_KW


@dataclass(frozen=True)
class ServingPower:
    """Power of all nodes that serve the runs.

    Parameters
    ----------
    factor : LogNormal
        Power. [kW]
    boundary : Meter
        What it was measured of.
    accelerators : float
        Measured power of the accelerators, where they alone were measured. [kW]
    doubted : bool
        Whether something was measured that does not count, as its marks doubt it.
    """

    factor: LogNormal
    boundary: Meter
    accelerators: float = np.nan
    doubted: bool = False


def measured_power(
    runs: pd.DataFrame, section: Mapping[str, Any], where: str, z: float = Z95
) -> ServingPower | None:
    """Power of the nodes from what was measured, or None.

    What a mark doubts does not count, unless marked runs are accepted. Measured at the node it
    counts as it is, or as its energy per token says. Measured at the accelerators, the host power
    of as many nodes as the GPUs fill is added. The spread over the runs is that of the factor; a
    sum of accelerator and host power is the log-normal with its P5 and P95.

    Parameters
    ----------
    runs : DataFrame
        Runs that count.
    section : dict
        Section ``deployment``.
    where : str
        The deployment file, for messages.
    z : float
        95th percentile of the standard normal.

    Raises
    ------
    InputError
        If only accelerators were measured and no host power is stated.
    """
    accepted = section.get("accept_marked", False)
    node = run_node_power(runs if accepted else _trusted(runs, Meter.NODE)).dropna()
    if len(node):
        return ServingPower(
            LogNormal(float(np.log(node).mean()), float(np.log(node).std(ddof=0))), Meter.NODE
        )
    own = runs if accepted else _trusted(runs, Meter.ACCELERATOR)
    accelerators = run_accelerator_power(own).dropna()
    if accelerators.empty:
        return None
    if "host_power" not in section:
        raise InputError(
            f"{where}: missing key deployment.host_power: power was measured at the accelerators"
            " only; allowed is the power of a node outside them in kW, with its source; state it"
        )
    nodes = float(runs["n_gpus"].iloc[0]) / section["gpus_per_node"]["value"]
    mean = float(np.exp(np.log(accelerators).mean()))
    host = build.factor(section["host_power"], z)
    total = LogNormal.fixed(mean + np.exp(host.mu) * nodes)
    if host.sigma > 0:
        low, high = (mean + np.exp(host.mu + side * z * host.sigma) * nodes for side in (-1, 1))
        total = LogNormal.from_percentiles(low, high, z)
    spread = float(np.log(accelerators).std(ddof=0)) * mean / np.exp(total.mu)
    return ServingPower(total * LogNormal(0.0, spread), Meter.ACCELERATOR, mean)


def unusual_power(runs: pd.DataFrame, gpus: pd.DataFrame, where: str) -> tuple[str, ...]:
    """Tell powers below any that was measured of GPUs and nodes at work.

    Parameters
    ----------
    runs : DataFrame
        Runs that count, their GPU by its name in ``gpus``.
    gpus : DataFrame
        Table of schema ``gpus``; of a GPU that it lacks nothing is said.
    where : str
        The deployment file, for messages.
    """
    rated = runs["gpu"].map(gpus.set_index("gpu")["tdp_w"].astype(float)) * runs["n_gpus"]
    told = []
    for column, power, usual in (
        ("gpu_power_w", run_accelerator_power, USUAL_DRAWN),
        ("node_power_w", run_node_power, USUAL_DRAWN_OF_NODE),
    ):
        share = W_PER_KW * power(runs) / rated
        low = share[share < usual]
        if low.empty:
            continue
        run = runs.loc[low.nsmallest(1).index].iloc[0]
        told.append(
            f"{where}: key deployment.benchmarks: unusual; {column} of {low.min():.3g} times the"
            f" rated power of {run['n_gpus']} x {run['gpu']} (data/gpus.csv) in run {run['run']} of"
            f" {run['source_file']}; usual at work is at least {usual:g};"
            f" {counted(len(low), 'run is', 'runs are')} below; compare its unit, n_gpus, and the"
            " time of the meter with that of the run"
        )
    return tuple(told)


def _trusted(runs: pd.DataFrame, boundary: Meter) -> pd.DataFrame:
    """Runs whose marks do not doubt their power at a boundary."""
    doubted = runs["status"].map(lambda s: any(doubts_power(m, boundary) for m in marks(s)))
    return runs[~doubted.astype(bool)]


def is_doubted(runs: pd.DataFrame) -> bool:
    """Whether a power stands in the runs, at either boundary, that their marks doubt."""
    powers = {Meter.NODE: run_node_power, Meter.ACCELERATOR: run_accelerator_power}
    return any(
        power(runs.drop(_trusted(runs, boundary).index)).notna().any()
        for boundary, power in powers.items()
    )


def run_node_power(runs: pd.DataFrame) -> pd.Series:
    """Power of all nodes of each run [kW], from their energy per token if not given."""
    per_token = runs["energy_per_output_token_j"].where(runs["power_boundary"] == Meter.NODE)
    power = steady_power(per_token, runs["throughput_tps"])
    return runs["node_power_w"].fillna(power) / W_PER_KW


def run_accelerator_power(runs: pd.DataFrame) -> pd.Series:
    """Power of all accelerators of each run [kW], from their energy per token if not given."""
    per_token = runs["energy_per_output_token_j"].where(runs["power_boundary"] == Meter.ACCELERATOR)
    power = steady_power(per_token, runs["throughput_tps"])
    return runs["gpu_power_w"].fillna(power) / W_PER_KW

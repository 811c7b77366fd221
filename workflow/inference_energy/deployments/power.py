"""Power of an operator's node, as measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.deployments.runs import first_named, marks, named
from inference_energy.energy.equation import steady_power
from inference_energy.errors import InputError
from inference_energy.method import build, datasheets
from inference_energy.method.boundary import Meter
from inference_energy.method.distributions import Z95, LogNormal
from inference_energy.power.measured import USUAL_DRAWN, USUAL_DRAWN_OF_NODE
from inference_energy.readers.common import doubts_power
from inference_energy.text import counted
from inference_energy.units import W_PER_KW

USUAL_HOST = datasheets.REST.usual[0], datasheets.AROUND.usual[1] - 1
"""Power of a node outside its GPUs over their thermal design power that is usual [1]: from the
least fixed part of a node to the most that its maximum has beside its GPUs."""

HOSTS_APART = 1.5
"""What meters leave to a host over what is stated of it, or the reverse, usually at most [1]: fans
and CPUs follow the load, and meters are right within some per cent of the whole."""


POWERS_APART = 2.5
"""Power of one run over that of another of the same concurrency, usually at most [1]: of the
configurations of data/measured/mlenergy_v3.csv it is 2.38 or less between tasks."""


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
    runs : tuple of str
        Runs whose power it is.
    """

    factor: LogNormal
    boundary: Meter
    accelerators: float = np.nan
    doubted: bool = False
    runs: tuple[str, ...] = ()


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
    node, accelerators = _counted(runs, section)
    if len(node):
        factor = LogNormal(float(np.log(node).mean()), float(np.log(node).std(ddof=0)))
        return ServingPower(factor, Meter.NODE, runs=_named(runs, node))
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
    return ServingPower(
        total * LogNormal(0.0, spread),
        Meter.ACCELERATOR,
        mean,
        runs=_named(runs, accelerators),
    )


def _counted(runs: pd.DataFrame, section: Mapping[str, Any]) -> tuple[pd.Series, pd.Series]:
    """Powers [kW] at the node and at the accelerators of runs, without those that are doubted."""
    own = {
        boundary: runs if section.get("accept_marked") else _trusted(runs, boundary)
        for boundary in (Meter.NODE, Meter.ACCELERATOR)
    }
    return (
        run_node_power(own[Meter.NODE]).dropna(),
        run_accelerator_power(own[Meter.ACCELERATOR]).dropna(),
    )


def _named(runs: pd.DataFrame, powers: pd.Series) -> tuple[str, ...]:
    """Runs that have a power, by number and file."""
    return tuple(named(runs.loc[powers.index]))


def unusual_hosts(
    runs: pd.DataFrame,
    section: Mapping[str, Any],
    hardware: Mapping[str, pd.DataFrame],
    where: str,
    z: float = Z95,
) -> tuple[str, ...]:
    """Tell what meters of the node and of the GPUs say of each other and of the stated host.

    Parameters
    ----------
    runs : DataFrame
        Runs that count, their GPU by its name in ``gpus``.
    section : dict
        Section ``deployment``.
    hardware : mapping of str to DataFrame
        Table ``gpus``, by its name; of a GPU that it lacks nothing is said.
    where : str
        The deployment file, for messages.
    z : float
        95th percentile of the standard normal.

    Returns
    -------
    tuple of str
        Sentences, with powers in kW.
    """
    node, accelerators = _counted(runs, section)
    if node.empty:
        return ()
    nodes = float(runs["n_gpus"].iloc[0]) / section["gpus_per_node"]["value"]
    stated = build.factor(section["host_power"], z) if "host_power" in section else None
    told, place = [], f"{where}: key deployment.benchmarks: unusual;"
    alone = accelerators.drop(node.index, errors="ignore")
    if len(alone):
        rest = node.min() - alone.max(), node.max() - alone.min()
        beside = f"leaves {_range(*rest)} to the host"
        if stated is not None:
            host = float(np.exp(stated.mu)) * nodes
            beside = f"with host_power is {_range(alone.min() + host, alone.max() + host)}"
        told.append(
            f"{place} node_power_w, {_range(node.min(), node.max())}, is known of"
            f" {first_named(_named(runs, node))} and charged to all runs, and of"
            f" {first_named(_named(runs, alone))} gpu_power_w alone,"
            f" {_range(alone.min(), alone.max())}, which {beside}; usual is one of the two in all"
            " runs; compare the meters"
        )
    hosts = (node - accelerators).dropna()
    if hosts.empty:
        return tuple(told)
    rated = runs["gpu"].map(hardware["gpus"].set_index("gpu")["tdp_w"])
    low, high = USUAL_HOST
    share = W_PER_KW * hosts / (rated * runs["n_gpus"])[hosts.index]
    far = share[(share < low) | (share > high)]
    if len(far):
        index, run = far.index[0], _named(runs, far)[0]
        told.append(
            f"{place} node_power_w less gpu_power_w of {run} is {hosts[index]:.4g} kW,"
            f" {far[index]:.3g} times the rated power of {runs.loc[index, 'n_gpus']} x"
            f" {runs.loc[index, 'gpu']} (data/gpus.csv); {counted(len(far), 'run is', 'runs are')}"
            f" so; usual is {low:g} to {high:g} times; compare the meters"
        )
    if stated is not None:
        left = float(hosts.mean()) / nodes
        ends = (float(np.exp(stated.mu + side * z * stated.sigma)) for side in (-1, 1))
        least, most = ends
        if not least / HOSTS_APART <= left <= most * HOSTS_APART:
            told.append(
                f"{where}: key deployment.host_power: unusual; {float(np.exp(stated.mu)):.4g} kW"
                " are stated and not used, as power was measured at the node; its meter and that"
                f" of the GPUs leave {left:.4g} kW a node; usual is at most {HOSTS_APART:g} times"
                " off; compare the meters"
            )
    return tuple(told)


def _range(low: float, high: float) -> str:
    """Powers in words [kW]."""
    return f"{low:.4g} kW" if f"{low:.4g}" == f"{high:.4g}" else f"{low:.4g} to {high:.4g} kW"


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
    rated = runs["gpu"].map(gpus.set_index("gpu")["tdp_w"]) * runs["n_gpus"]
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


def unlike_powers(runs: pd.DataFrame, section: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Tell powers of runs of one concurrency that are further apart than lengths make them.

    Parameters
    ----------
    runs : DataFrame
        Runs that count, of one configuration.
    section : dict
        Section ``deployment``.
    where : str
        The deployment file, for messages.

    Returns
    -------
    tuple of str
        A sentence for each concurrency and meter, with powers in kW.
    """
    told = []
    node, accelerators = _counted(runs, section)
    for column, powers in (("node_power_w", node), ("gpu_power_w", accelerators)):
        for concurrency, own in powers.groupby(runs["concurrency"]):
            low, high = own.min(), own.max()
            if high <= POWERS_APART * low:
                continue
            least, most = (_named(runs, own[own == end])[0] for end in (low, high))
            told.append(
                f"{where}: key deployment.benchmarks: unusual; {column} of {least} is {low:.4g} kW,"
                f" and of {most} {high:.4g} kW, {high / low:.3g} times as much, both with"
                f" concurrency {concurrency:g}; usual is at most {POWERS_APART:g} times, whatever"
                " the lengths; compare the digits and the unit, and the time of the meter with that"
                " of the runs"
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

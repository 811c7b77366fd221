"""Node power as a function of GPU power.

    P_node = P_dc / e(P_dc / P_psu),   P_dc = P_fixed + n P_gpu + P_fans                         (1)
    P_fans = P_full d / d_full,   d = d_0 + (d_full - d_0) (P_fixed + n P_gpu) / P_hot

P_fixed: processors, memory, network, drives; d: duty of the fans, d_full at a load of P_hot; e:
efficiency of the power supplies of capacity P_psu, between its points linear in the logarithm of
the load. Where water cools the GPUs, their heat does not reach the fans, and d is that of P_fixed
alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from inference_energy.errors import InputError
from inference_energy.laws.base import Array
from inference_energy.units import PERCENT, W_PER_KW

LOADS = np.array([0.05, 0.1, 0.2, 0.5, 1.0])
"""Shares of the supplies' capacity at which a table of nodes gives their efficiency."""

SMALL = 1e-4
"""Relative step of a slope."""

EFFICIENCIES = [f"psu_efficiency_{round(PERCENT * load)}" for load in LOADS]


def find_node(gpu: str, nodes: pd.DataFrame, gpus: pd.DataFrame) -> pd.Series:
    """Node of a GPU; without one in the table, that of the GPU with the nearest rated power.

    Parameters
    ----------
    gpu : str
        As in ``gpus``.
    nodes, gpus : DataFrame
        Tables of schemas ``nodes`` and ``gpus``.

    Raises
    ------
    InputError
        If neither table has the GPU.
    """
    same = nodes[nodes["gpu"] == gpu]
    if len(same):
        return same.iloc[0]
    rated = gpus.set_index("gpu")["tdp_w"].astype(float)
    if gpu not in rated:
        raise InputError(
            f"gpu {gpu!r}: no rated power; allowed are {', '.join(rated.index)}; add it to"
            " data/gpus.csv, or its node to data/nodes.csv"
        )
    far = np.abs(np.log(nodes["gpu"].map(rated).astype(float) / rated[gpu]))
    return nodes.iloc[int(far.argmin())]


def water_cooled(node: pd.Series) -> pd.Series:
    """The same node with its GPUs cooled by water: its fans run as for P_fixed alone.

    Parameters
    ----------
    node : Series
        Row of schema ``nodes``, whose GPUs are cooled by air.
    """
    duty = float(_duty(node["fixed_w"], node))
    fan_w = node["fan_full_w"] * duty / node["fan_full_duty"]
    changed = {"fan_full_w": fan_w, "fan_least_duty": duty, "fan_full_duty": duty}
    return pd.Series(node.to_dict() | changed)


def metered_node(gpu: str, cooling: str, nodes: pd.DataFrame, gpus: pd.DataFrame) -> pd.Series:
    """Node of a meter at the wall.

    Parameters
    ----------
    gpu, cooling : str
        Of a row of schema ``wall_power``.
    nodes, gpus : DataFrame
        As for :func:`find_node`.
    """
    node = find_node(gpu, nodes, gpus)
    return water_cooled(node) if cooling == "water" else node


def _duty(heat: Array | float, node: pd.Series | Mapping[str, Any]) -> np.ndarray:
    """Duty of the fans [1] at the heat [W] that they carry away."""
    load = np.minimum(heat / node["fan_full_load_w"], 1)
    return node["fan_least_duty"] + (node["fan_full_duty"] - node["fan_least_duty"]) * load


def node_power(
    gpu_power: ArrayLike, node: pd.Series | Mapping[str, Any], gpus: ArrayLike | None = None
) -> Array:
    """Power at the socket of a node, equation (1).

    Parameters
    ----------
    gpu_power : array_like
        Power of one GPU. [W]
    node : Series or mapping
        Row of schema ``nodes``.
    gpus : array_like, optional
        GPUs that serve; as many nodes as they fill are counted, also a part of one. All GPUs of
        one node if not given.

    Returns
    -------
    ndarray
        [W]
    """
    electronics = node["fixed_w"] + node["gpus"] * np.asarray(gpu_power, float)
    direct = electronics + node["fan_full_w"] * _duty(electronics, node) / node["fan_full_duty"]
    points = np.array([node[name] for name in EFFICIENCIES], float)
    efficiency = np.interp(np.log(direct / node["psu_w"]), np.log(LOADS), points)
    nodes = 1.0 if gpus is None else np.asarray(gpus, float) / node["gpus"]
    return direct / efficiency * nodes


def of_gpus(power: pd.DataFrame, node: pd.Series, gpus: float | None = None) -> pd.DataFrame:
    """Node power from predicted GPU power, with its uncertainty.

    Parameters
    ----------
    power : DataFrame
        As of ``gpu.GpuPower.predict`` or ``gpu.gpu_power``.
    node : Series
        Row of schema ``nodes``.
    gpus : float, optional
        GPUs that serve, as in ``node_power``.

    Returns
    -------
    DataFrame
        ``node_power_kw``, the median [kW], and ``log_sd``, standard deviation of its logarithm
        from that of the GPUs [1]; the node's own facts count as exact.
    """
    middle = node_power(power["gpu_power_w"], node, gpus)
    above = node_power(power["gpu_power_w"] * (1 + SMALL), node, gpus)
    slope = np.log(above / middle) / np.log1p(SMALL)
    return pd.DataFrame({"node_power_kw": middle / W_PER_KW, "log_sd": slope * power["log_sd"]})


def gpu_power_at(wall_power: float, node: pd.Series) -> float:
    """Power of one GPU that makes a node draw this much at the socket, equation (1) solved. [W]

    Parameters
    ----------
    wall_power : float
        [W]
    node : Series
        Row of schema ``nodes``.

    Raises
    ------
    InputError
        If the node draws more without its GPUs.
    """
    if wall_power < node_power(0.0, node):
        raise InputError(
            f"data/measured/mlperf_wall_power.csv: a meter of a node {node['node']!r}: value"
            f" {wall_power:g} W; allowed is at least {float(node_power(0.0, node)):.0f} W, which it"
            " draws without its GPUs by data/nodes.csv; correct the one that is wrong"
        )
    facts = {str(name): fact for name, fact in node.to_dict().items()}

    def excess(watts: float) -> float:
        return float(node_power(watts, facts)) - wall_power

    return float(scipy.optimize.brentq(excess, 0.0, wall_power))


def idle_share(wall: pd.DataFrame, nodes: pd.DataFrame, gpus: pd.DataFrame) -> float:
    """Power of an idle GPU over its rated power, from meters at the wall before a run.

    Parameters
    ----------
    wall : DataFrame
        Table of schema ``wall_power``.
    nodes, gpus : DataFrame
        Tables of schemas ``nodes`` and ``gpus``.

    Returns
    -------
    float
        Median over the GPUs, of each the median over its meters. [1]
    """
    rated = gpus.set_index("gpu")["tdp_w"]
    idle = [
        gpu_power_at(watts, metered_node(gpu, cooling, nodes, gpus)) / rated[gpu]
        for gpu, cooling, watts in wall[["gpu", "cooling", "idle_power_w"]].itertuples(index=False)
    ]
    return float(pd.Series(idle).groupby(wall["gpu"].to_numpy()).median().median())

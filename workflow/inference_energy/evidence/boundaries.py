"""Energies brought from one boundary to another, and a method at each.

What a node draws beside its accelerators is equation (1) of ``power.node``, everywhere: a run whose
accelerators were measured has the node that they make draw so much, and the accelerators of a
method have what its node leaves them. Machines that are kept idle count on neither side.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.method.boundary import (
    COMPARABLE,
    FACILITY,
    SERVER,
    Place,
    accelerator,
)
from inference_energy.method.datasheets import AROUND
from inference_energy.method.distributions import NORMAL_95, LogNormal
from inference_energy.method.setup import Coupling, Setup
from inference_energy.power.node import find_node, gpu_power_at, idle_share, node_power
from inference_energy.power.ways import Hardware
from inference_energy.units import W_PER_KW

HOPPER = "H100-SXM-80GB"
"""GPU of the node of a method that knows none."""

LEVELS = (0.05, 0.5, 0.95)
"""Of a node's power, at which that of its accelerators is found. [1]"""


@dataclass(frozen=True, eq=False)
class Conversion:
    """Parameters of the conversions between boundaries.

    Parameters
    ----------
    hardware : mapping of str to DataFrame
        Tables gpus, nodes and wall_power.
    pue : LogNormal
        Facility energy over IT energy. [1]
    gpus_per_node : int
        Accelerators of the node whose power a method charges.
    """

    hardware: Hardware
    pue: LogNormal
    gpus_per_node: int

    def node(self, gpu: str) -> pd.Series:
        """Row of schema ``nodes`` of a GPU."""
        return find_node(gpu, self.hardware["nodes"], self.hardware["gpus"])

    @cached_property
    def _idle_share(self) -> float:
        return idle_share(*(self.hardware[name] for name in ("wall_power", "nodes", "gpus")))

    def accelerator_share(self, setup: Setup) -> LogNormal:
        """Share of a node's energy that its accelerators take, from what it draws.

        The node is one of HOPPER, which draws the method's power times its utilisation, brought
        from ``gpus_per_node`` to the node's own GPUs; it draws no less than with idle GPUs and no
        more than with GPUs at their rated power. The share rises with what is drawn: it is that at
        the median, and as an independent factor it has the spread that the power of the
        accelerators has beyond that of the node.

        Parameters
        ----------
        setup : Setup
            The method. Of its models' nodes the smallest counts, as larger ones are several or
            parts of several; a utilisation that follows the throughput, as at the highest.

        Returns
        -------
        LogNormal
            [1]
        """
        node, used = self.node(HOPPER), setup.power_utilisation
        if isinstance(used, Coupling):
            used = LogNormal.fixed(used.intercept + used.slope)
        rated = float(self.hardware["gpus"].set_index("gpu")["tdp_w"][HOPPER])
        bounds = node_power([self._idle_share * rated, rated], node)
        least = min(model.node_power for model in setup.models)
        of_one = W_PER_KW * least * float(node["gpus"]) / self.gpus_per_node
        drawn = np.clip(of_one * used.quantile(LEVELS), *bounds)
        accelerators = [float(node["gpus"]) * gpu_power_at(float(watts), node) for watts in drawn]
        low, middle, high = np.log(accelerators)
        spread = (high - low) / (2 * NORMAL_95)
        beyond = np.sqrt(max(spread**2 - used.sigma**2, 0.0))
        return LogNormal(float(middle - np.log(drawn[1])), float(beyond))

    def facility_from_run(
        self, energy: float, accelerator_power: float, gpu: str, gpus: int
    ) -> LogNormal:
        """Facility energy of a run of which accelerator energy and power were measured.

        Parameters
        ----------
        energy : float
            Accelerator energy. [Wh]
        accelerator_power : float
            Power of all accelerators of the run. [W]
        gpu : str
            Their kind.
        gpus : int
            Their number; they carry their part of their node.

        Returns
        -------
        LogNormal
            The node's own facts count as exact, PUE is uncertain. [Wh]
        """
        whole = node_power(accelerator_power / gpus, self.node(gpu), gpus)
        server_over_accelerators = float(whole) / accelerator_power
        server = LogNormal.fixed(energy * server_over_accelerators)
        return server * FACILITY.over_node(self.pue)


def conversion(settings: Mapping[str, Any], hardware: Hardware) -> Conversion:
    """Build the conversions from config/evidence.yaml and the tables of the hardware.

    Parameters
    ----------
    settings : dict
        Checked content of config/evidence.yaml.
    hardware : mapping of str to DataFrame
        Tables gpus, nodes and wall_power.

    Raises
    ------
    InputError
        If nodes of so many GPUs do not have the maximum power that is stated.
    """
    problems = list(_size_problems(settings, hardware["gpus"].set_index("gpu")["tdp_w"]))
    if problems:
        raise InputError(problems)
    pue = LogNormal.from_percentiles(settings["pue"]["p5"], settings["pue"]["p95"])
    return Conversion(hardware, pue, settings["gpus_per_node"])


def _size_problems(settings: Mapping[str, Any], rated: pd.Series) -> Iterator[str]:
    """Maximum powers that are none of ``gpus_per_node`` GPUs of a rated power [W]."""
    count, (low, high) = settings["gpus_per_node"], AROUND.usual
    for gpu, stated in settings["maximum_node_power"].items():
        ratio = W_PER_KW * stated["value"] / (count * float(rated.get(gpu, np.nan)))
        if ratio < low or ratio > high:
            yield (
                f"config/evidence.yaml: key gpus_per_node: value {count}: maximum_node_power of"
                f" {gpu}, {stated['value']:g} kW, is {ratio:.3g} times the rated power of so many"
                f" (tdp_w of data/gpus.csv); allowed is {low:g} to {high:g}, as {AROUND.reason};"
                " correct the one that is wrong"
            )


# every figure that is set beside a method asks for it again
@lru_cache(maxsize=8)
def at_boundary(setup: Setup, boundary: str, convert: Conversion) -> Setup:
    """Return the method (Setup) with its energy charged at another boundary.

    The accelerators of a method whose laws say what they draw have that power, way by way, and its
    spread; those of another one have their share of its node.

    Raises
    ------
    InputError
        If there is no conversion to the boundary.
    """
    if boundary not in COMPARABLE:
        raise InputError(
            f"boundary {boundary!r}: no conversion; allowed are {', '.join(COMPARABLE)};"
            " leave the estimate out of the comparison"
        )
    if boundary != Place.ACCELERATOR:
        return replace(setup, boundary=FACILITY if boundary == Place.FACILITY else SERVER)
    if all(model.law.knows_accelerators for model in setup.models):
        models = (replace(model, law=model.law.of_accelerators()) for model in setup.models)
        variances = [
            sum(way.weight * way.beyond**2 for way in model.law.shares()) for model in setup.models
        ]
        beyond = LogNormal(0.0, float(np.sqrt(np.mean(variances))))
        return replace(setup, models=tuple(models), boundary=accelerator(beyond))
    return replace(setup, boundary=accelerator(convert.accelerator_share(setup)))

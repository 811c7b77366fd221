"""What an energy includes, and how to go from one boundary to another.

accelerator: GPU boards while they serve. server: the whole node while it serves; tables of
operators' runs call it node. facility: the node, what the datacentre adds to it and, where a
conversion says so, machines that are kept idle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from inference_energy.errors import InputError
from inference_energy.method.distributions import ONE, LogNormal


class Place(StrEnum):
    """Where an energy is counted, from the inside out; a place is its name in tables."""

    ACCELERATOR = "accelerator"
    SERVER = "server"
    FACILITY = "facility"


class Meter(StrEnum):
    """What a run's power was measured of, as tables of operators' runs name it."""

    ACCELERATOR = "accelerator"
    NODE = "node"
    NONE = "not measured"


COMPARABLE: Sequence[str] = tuple(Place)
"""Boundaries that energies can be brought to."""


@dataclass(frozen=True)
class Boundary:
    """Where the energy of a serving node is counted, and as what.

    Parameters
    ----------
    name : str
        A Place, or what else is counted there.
    with_pue : bool
        Whether what the datacentre adds counts.
    factor : LogNormal
        What each Wh there counts as: the accelerators' share of it [1], or an intensity
        [L/kWh, g/kWh].
    """

    name: str
    with_pue: bool
    factor: LogNormal = ONE

    def over_node(self, pue: LogNormal) -> LogNormal:
        """What is counted per Wh of the node: ``PUE f``, or ``f`` without the datacentre's part.

        Parameters
        ----------
        pue : LogNormal
            Facility energy over IT energy. [1]
        """
        return pue * self.factor if self.with_pue else self.factor


FACILITY = Boundary(Place.FACILITY, with_pue=True)
"""The boundary of Eq. 1 of arXiv:2509.20241."""

SERVER = Boundary(Place.SERVER, with_pue=False)


def accelerator(share: LogNormal) -> Boundary:
    """Return the boundary of the accelerators, from their share of the server's energy [1]."""
    return Boundary(Place.ACCELERATOR, with_pue=False, factor=share)


def server_from_accelerator(energy: float, accelerator_power: float, host_power: float) -> float:
    """Energy of the server from that of its accelerators: ``E (P_acc + P_host) / P_acc``.

    Parameters
    ----------
    energy : float
        Accelerator energy. [Wh]
    accelerator_power, host_power : float
        Power of the accelerators that serve and of their part of the host. [kW]

    Returns
    -------
    float
        [Wh]
    """
    return energy * (accelerator_power + host_power) / accelerator_power


@dataclass(frozen=True)
class Conversion:
    """Parameters of the conversions between boundaries.

    Parameters
    ----------
    accelerator_share : LogNormal
        Share of a serving node's energy that its accelerators take. [1]
    host_power : LogNormal
        Power of a node outside its accelerators. [kW]
    pue : LogNormal
        Facility energy over IT energy. [1]
    idle_factor : float
        Energy of serving and idle machines over that of the serving ones. [1]
    gpus_per_node : int
        Accelerators of that node.
    """

    accelerator_share: LogNormal
    host_power: LogNormal
    pue: LogNormal
    idle_factor: float
    gpus_per_node: int

    def boundary(self, name: str) -> Boundary:
        """Boundary of a name.

        Raises
        ------
        InputError
            If there is no conversion to it.
        """
        known = {b.name: b for b in (accelerator(self.accelerator_share), SERVER, FACILITY)}
        if name not in known:
            raise InputError(
                f"boundary {name!r}: no conversion; allowed are {', '.join(known)};"
                " leave the estimate out of the comparison"
            )
        return known[name]

    def facility_from_run(self, energy: float, accelerator_power: float, gpus: int) -> LogNormal:
        """Facility energy of a run of which accelerator energy and power were measured.

        Parameters
        ----------
        energy : float
            Accelerator energy. [Wh]
        accelerator_power : float
            Power of all accelerators of the run. [kW]
        gpus : int
            Their number; they carry their part of the node's host power.

        Returns
        -------
        LogNormal
            Host power and PUE are uncertain; the sum of accelerator and host power is represented
            by the log-normal with the same P5 and P95. [Wh]
        """
        part = gpus / self.gpus_per_node
        low, high = (
            server_from_accelerator(
                energy, accelerator_power, float(self.host_power.quantile(q)) * part
            )
            for q in (0.05, 0.95)
        )
        server = LogNormal.from_percentiles(low, high)
        return server * FACILITY.over_node(self.pue) * LogNormal.fixed(self.idle_factor)

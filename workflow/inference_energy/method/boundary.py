"""What an energy includes, and how to go from one boundary to another.

accelerator: GPU boards while they serve. server: the whole node while it serves; tables of
operators' runs call it node. facility: the node and what the datacentre adds to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

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


def accelerator(share: LogNormal = ONE) -> Boundary:
    """Return the boundary of the accelerators.

    Parameters
    ----------
    share : LogNormal
        Their share of the energy that is charged; one where it is theirs. [1]
    """
    return Boundary(Place.ACCELERATOR, with_pue=False, factor=share)

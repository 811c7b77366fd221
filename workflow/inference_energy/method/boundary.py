"""What an energy per query includes: accelerators, the server, or the facility."""

from dataclasses import dataclass

from inference_energy.method.distributions import ONE, LogNormal


@dataclass(frozen=True)
class Boundary:
    """Where the energy of a serving node is counted, and as what.

    Parameters
    ----------
    name : str
        accelerator: GPU boards while they serve; server: the whole node while it serves; facility:
        the node and what the datacentre adds to it.
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


FACILITY = Boundary("facility", with_pue=True)
"""The boundary of Eq. 1 of arXiv:2509.20241."""

SERVER = Boundary("server", with_pue=False)


def accelerator(share: LogNormal) -> Boundary:
    """Return the boundary of the accelerators, from their share of the server's energy [1]."""
    return Boundary("accelerator", with_pue=False, factor=share)

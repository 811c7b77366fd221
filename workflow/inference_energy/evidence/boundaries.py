"""From one boundary of an energy per query to another: what the conversions are made of.

An energy measured at the facility includes, where stated, the machines that are kept idle.
"""

from dataclasses import dataclass, replace

from inference_energy.errors import InputError
from inference_energy.method.boundary import FACILITY, SERVER, accelerator
from inference_energy.method.distributions import LogNormal
from inference_energy.units import W_PER_KW

COMPARABLE = ("accelerator", "server", "facility")


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


def conversion(settings, wall_power):
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
    run = wall_power
    for column in ("system", "benchmark", "scenario"):
        run = run[run[column] == capped[column]]
    if len(run) != 1:
        raise InputError(
            f"config/evidence.yaml: key capped_node: selects {len(run)} rows of"
            " data/measured/mlperf_wall_power.csv; allowed is one; correct system, benchmark,"
            " scenario"
        )
    run = run.iloc[0]
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


def server_from_accelerator(energy, accelerator_power, host_power):
    """Energy of the server from that of its accelerators: ``E (P_acc + P_host) / P_acc``.

    Parameters
    ----------
    energy : array_like
        Accelerator energy. [Wh]
    accelerator_power, host_power : array_like
        Power of the accelerators that serve and of their part of the host. [kW]

    Returns
    -------
    ndarray
        [Wh]
    """
    return energy * (accelerator_power + host_power) / accelerator_power


def facility_from_run(energy, accelerator_power, gpus, convert):
    """Facility energy of a run of which accelerator energy and power were measured.

    Parameters
    ----------
    energy : float
        Accelerator energy. [Wh]
    accelerator_power : float
        Power of all accelerators of the run. [kW]
    gpus : int
        Their number; they carry their part of the node's host power.
    convert : Conversion
        Parameters.

    Returns
    -------
    LogNormal
        Host power and PUE are uncertain; the sum of accelerator and host power is represented by
        the log-normal with the same P5 and P95. [Wh]
    """
    part = gpus / convert.gpus_per_node
    low, high = (
        server_from_accelerator(energy, accelerator_power, convert.host_power.quantile(q) * part)
        for q in (0.05, 0.95)
    )
    server = LogNormal.from_percentiles(low, high)
    return server * FACILITY.over_node(convert.pue) * LogNormal.fixed(convert.idle_factor)


def at_boundary(setup, boundary, convert):
    """Return the method (Setup) with its energy charged at another boundary.

    Raises
    ------
    InputError
        If there is no conversion to the boundary.
    """
    known = {b.name: b for b in (accelerator(convert.accelerator_share), SERVER, FACILITY)}
    if boundary not in known:
        raise InputError(
            f"boundary {boundary!r}: no conversion; allowed are {', '.join(known)};"
            " leave the estimate out of the comparison"
        )
    return replace(setup, boundary=known[boundary])

"""Eq. 1 of arXiv:2509.20241, once: energy from tokens, throughput, power and boundary.

Whatever turns node time and power into energy, or back, calls a function of this module. All of
them broadcast, over arrays and columns of tables alike.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inference_energy.units import J_PER_WH, SECONDS_TO_WH_PER_KW, Numbers

Array = NDArray[np.float64]


def charged_tokens(
    output_tokens: ArrayLike,
    input_tokens: ArrayLike,
    input_tokens_per_output_token: float | None = None,
) -> Array:
    """Tokens charged to a query.

    Parameters
    ----------
    output_tokens : array_like
        Output tokens. [tokens]
    input_tokens : array_like
        Input tokens. [tokens]
    input_tokens_per_output_token : float, optional
        Input tokens that cost as much as one output token; none: input is not charged. [1]

    Returns
    -------
    ndarray
        ``L_out + L_in / ratio`` (arXiv:2509.20241, input-length sensitivity). [tokens]
    """
    if input_tokens_per_output_token is None:
        return np.asarray(output_tokens, float)
    charged = np.asarray(input_tokens, float) / input_tokens_per_output_token
    return np.asarray(output_tokens, float) + charged


def node_seconds(tokens: Numbers | float, throughput: Numbers | float) -> Numbers:
    """Time of the node that tokens take: ``L / TPS``.

    Parameters
    ----------
    tokens : array_like
        Tokens that are charged. [tokens]
    throughput : array_like
        Output tokens per second of the node. [tokens/s]

    Returns
    -------
    array_like
        [s]
    """
    seconds: Any = tokens / throughput
    return seconds


def drawn_power(
    node_power: Numbers | float,
    power_utilisation: Numbers | float,
    boundary: Numbers | float = 1.0,
) -> Numbers:
    """Power that a serving node draws, counted at a boundary: ``f P_node PU``.

    Parameters
    ----------
    node_power : array_like
        Maximum power of the node. [kW]
    power_utilisation : array_like
        Share of it that is drawn in steady state. [1]
    boundary : array_like
        What is counted per unit of the node's energy: the PUE at the facility, 1 at the node. [1]

    Returns
    -------
    array_like
        [kW]
    """
    power: Any = boundary * node_power * power_utilisation
    return power


def node_energy(
    seconds: Numbers | float,
    node_power: Numbers | float,
    power_utilisation: Numbers | float = 1.0,
    boundary: Numbers | float = 1.0,
) -> Numbers:
    """Energy of a node over a time: ``f P_node PU t / 3.6``.

    Parameters
    ----------
    seconds : array_like
        Time that the node serves. [s]
    node_power, power_utilisation, boundary : array_like
        As in :func:`drawn_power`. [kW, 1, 1]

    Returns
    -------
    array_like
        [Wh]
    """
    power = drawn_power(node_power, power_utilisation, boundary)
    return seconds * (power * SECONDS_TO_WH_PER_KW)


def query_energy(
    charged: Numbers | float,
    throughput: Numbers | float,
    node_power: Numbers | float,
    power_utilisation: Numbers | float,
    boundary: Numbers | float = 1.0,
) -> Numbers:
    """Energy of one query (Eq. 1 of arXiv:2509.20241).

    ``E = PUE P_node PU L_eff / (3.6 TPS)``

    Parameters
    ----------
    charged, throughput : array_like
        Tokens charged to the query and output tokens per second of the node. [tokens, tokens/s]
    node_power, power_utilisation, boundary : array_like
        As in :func:`drawn_power`; the paper's boundary is the facility, its factor the PUE.
        [kW, 1, 1]

    Returns
    -------
    array_like
        [Wh]
    """
    seconds = node_seconds(charged, throughput)
    return node_energy(seconds, node_power, power_utilisation, boundary)


def facility_energy(energy: Numbers, pue: float) -> Numbers:
    """Energy that a facility uses for what a meter inside it measures: ``PUE E``.

    Parameters
    ----------
    energy : array_like
        Energy at the meter, in any unit.
    pue : float
        Facility energy over IT energy. [1]

    Returns
    -------
    array_like
        In the unit of the energy.
    """
    return pue * energy


def token_energy(power: Numbers, throughput: Numbers) -> Numbers:
    """Energy per output token at a steady power: ``P / TPS``.

    Parameters
    ----------
    power : array_like
        Power that is drawn. [W]
    throughput : array_like
        [tokens/s]

    Returns
    -------
    array_like
        [J/token]
    """
    return power / throughput


def steady_power(energy_per_token: Numbers, throughput: Numbers) -> Numbers:
    """Power [W] that gives an energy per output token [J/token], :func:`token_energy` inverted."""
    return energy_per_token * throughput


def energy_of_tokens(energy_per_token: Numbers, tokens: Numbers | float) -> Numbers:
    """Energy [Wh] of tokens that take so much each [J/token]: ``e L / 3600``."""
    energy: Any = energy_per_token * tokens / J_PER_WH
    return energy


def energy_of_each(energy: Numbers, tokens: Numbers | float) -> Numbers:
    """Energy of each of the tokens [J/token] that take an energy [Wh] together: ``3600 E / L``."""
    each: Any = energy * J_PER_WH / tokens
    return each


def tokens_for(energy: Numbers, energy_per_token: Numbers | float) -> Numbers:
    """Tokens that an energy [Wh] is enough for, at so much each [J/token]: ``3600 E / e``."""
    tokens: Any = energy * J_PER_WH / energy_per_token
    return tokens


def coupled_utilisation(
    throughput: ArrayLike, peak: ArrayLike, intercept: float, slope: float
) -> Array:
    """Power utilisation that follows the throughput (arXiv:2509.20241, supplement).

    ``PU = intercept + slope min(TPS / TPS_max, 1)``

    Parameters
    ----------
    throughput, peak : array_like
        Throughput and the model's largest benchmarked throughput. [tokens/s]
    intercept, slope : float
        Coefficients. [1]
    """
    return intercept + slope * np.minimum(np.asarray(throughput, float) / peak, 1.0)

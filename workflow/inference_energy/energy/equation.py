"""Energy of one query from throughput, node power, power utilisation and PUE."""

import numpy as np

from inference_energy.units import SECONDS_TO_WH_PER_KW


def charged_tokens(output_tokens, input_tokens, input_tokens_per_output_token=None):
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
    return np.asarray(output_tokens, float) + input_tokens / input_tokens_per_output_token


def query_energy(charged, throughput, node_power, power_utilisation, pue):
    """Energy of one query (Eq. 1 of arXiv:2509.20241).

    ``E = PUE P_node PU L_eff / (3.6 TPS)``

    Parameters
    ----------
    charged : array_like
        Tokens charged to the query. [tokens]
    throughput : array_like
        Output tokens per second of the node. [tokens/s]
    node_power : array_like
        Maximum power of the node. [kW]
    power_utilisation : array_like
        Share of it that is drawn in steady state. [1]
    pue : array_like
        Facility power over IT power. [1]

    Returns
    -------
    ndarray
        Energy. [Wh]
    """
    seconds = charged / throughput
    return pue * node_power * power_utilisation * seconds * SECONDS_TO_WH_PER_KW


def coupled_utilisation(throughput, peak, intercept, slope):
    """Power utilisation that follows the throughput (arXiv:2509.20241, supplement).

    ``PU = intercept + slope min(TPS / TPS_max, 1)``

    Parameters
    ----------
    throughput, peak : array_like
        Throughput and the model's largest benchmarked throughput. [tokens/s]
    intercept, slope : float
        Coefficients. [1]
    """
    return intercept + slope * np.minimum(np.asarray(throughput) / peak, 1.0)

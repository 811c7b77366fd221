"""Energy of a day of a fleet's queries."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from inference_energy.energy.equation import Array
from inference_energy.method.setup import Fleet
from inference_energy.units import WH_PER_GWH, Numbers


def daily(settings: Fleet, regime: str, energy: Numbers) -> Numbers:
    """Energy of a day of queries of one regime, the fleet's overhead included.

    Parameters
    ----------
    settings : Fleet
        Queries a day, overhead.
    regime : str
        Its name.
    energy : array_like
        Mean energy of a query. [Wh]

    Returns
    -------
    array_like
        [GWh/day]
    """
    return energy * settings.queries_per_day * settings.overhead[regime] / WH_PER_GWH


def mix(long_share: float, traditional: Numbers, long: Numbers) -> Numbers:
    """Mix two regimes by their queries: ``(1 - s) traditional + s long``, s the long share [1]."""
    return (1 - long_share) * traditional + long_share * long


def fleet(settings: Fleet, means: Mapping[str, ArrayLike]) -> dict[tuple[str, str], Array]:
    """Energy of a day's queries from the mean energy of a query.

    The median of so many queries' total is its mean (:func:`exact.fleet_energy`).

    Parameters
    ----------
    settings : Fleet
        Queries a day, overhead, improvement.
    means : dict of str to array_like
        Mean energy of a query of each regime, blend untrimmed. [Wh]

    Returns
    -------
    dict
        (scenario, pathway) to GWh/day.
    """
    answer = {}
    for name, mean in means.items():
        total = daily(settings, name, np.asarray(mean, float))
        answer[name, "baseline"] = total
        answer[name, "improved"] = total * settings.improvement[name].moment(-1)
    for pathway in ("baseline", "improved"):
        pair = answer["traditional", pathway], answer["long", pathway]
        answer["mixed", pathway] = mix(settings.long_share, *pair)
    return answer

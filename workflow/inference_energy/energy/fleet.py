"""Energy of a day of a fleet's queries."""

import numpy as np


def fleet(settings, means):
    """Energy of a day's queries from the mean energy of a query.

    The median of so many queries' total is its mean (:func:`analytic.fleet_energy`).

    Parameters
    ----------
    settings : methods.Fleet
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
        total = np.asarray(mean) * settings.queries_per_day * settings.overhead[name] * 1e-9
        answer[name, "baseline"] = total
        answer[name, "improved"] = total * settings.improvement[name].moment(-1)
    for pathway in ("baseline", "improved"):
        long = settings.long_share * answer["long", pathway]
        answer["mixed", pathway] = (1 - settings.long_share) * answer["traditional", pathway] + long
    return answer

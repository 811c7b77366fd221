"""Where a fleet with long queries crosses a reference."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.energy import exact
from inference_energy.energy.fleet import mix
from inference_energy.energy.mixtures import Energy
from inference_energy.method.setup import Fleet, Setup
from inference_energy.units import WH_PER_GWH

BASES: dict[str, Callable[[Energy], float]] = {
    "mean": Energy.mean,
    "median": lambda e: e.quantile(0.5),
}
"""What a fleet's query is taken to need."""

Line = dict[str, Any]


def doubling(traditional: float, long: float) -> dict[str, float]:
    """Long queries that double the energy of a fleet of traditional ones.

    Parameters
    ----------
    traditional, long : float
        Energy of a query. [Wh]

    Returns
    -------
    dict of str to float
        ``added``: long queries per traditional query that add as much energy;
        ``replaced``: share of queries that, turned long, add as much (above 1: none do). [1]
    """
    ratio = traditional / long
    return {"added": ratio, "replaced": ratio / (1 - ratio) if ratio < 1 else np.inf}


def intervention(traditional: float, long: float, share: float) -> dict[str, float]:
    """Savings that keep a fleet with a share of long queries at the baseline of none.

    Parameters
    ----------
    traditional, long : float
        Energy of a query. [Wh]
    share : float
        Share of long queries. [1]

    Returns
    -------
    dict of str to float
        Factors by which energy must fall: ``all`` queries, or the ``long`` ones alone, which does
        not depend on the share. [1]
    """
    return {"all": 1 + share * (long / traditional - 1), "long": long / traditional}


def fleet_over_start(
    years: ArrayLike, growth: ArrayLike, efficiency: ArrayLike, rebound: float
) -> Any:
    """Energy of a fleet over that at the start.

    ``((1 + growth) efficiency^(rebound - 1))^years``: each saving of ``efficiency`` raises demand
    by ``efficiency^rebound``.

    Parameters
    ----------
    years, growth, efficiency, rebound : array_like
        Years, growth of demand that efficiency does not cause [1/a], factor by which a query's
        energy falls [1/a], share of each saving (in logarithms) that is used for more queries [1].
    """
    return ((1 + np.asarray(growth)) * np.power(efficiency, rebound - 1.0)) ** np.asarray(years)


def break_even_rebound(growth: float, efficiency: float) -> float:
    """Rebound at which growth and efficiency cancel; below zero, growth alone is too fast. [1]"""
    return 1 - np.log1p(growth) / np.log(efficiency)


def crossing(setup: Setup, config: Mapping[str, Any]) -> pd.DataFrame:
    """Points at which long queries, interventions, growth and efficiency cross.

    Parameters
    ----------
    setup : Setup
        The method.
    config : dict
        Section ``crossing`` of config/scaling.yaml.

    Returns
    -------
    DataFrame
        Columns of the crossing table. Energies of a query include the fleet's overhead.
    """
    fleet = setup.fleet
    energy, improved = _energies(setup)
    lines: list[Line] = []
    for basis, by_regime in energy.items():
        shares = [0, *config["long_shares"]["values"]]
        lines += _doublings(basis, by_regime, fleet)
        lines += _interventions(basis, by_regime, improved[basis], shares, fleet)
    lines += _growths(_day(fleet.long_share, energy["mean"], fleet), config, fleet)
    return pd.DataFrame(lines)


def _energies(setup: Setup) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Energy of a query by mean or median and by regime, as it is and improved. [Wh]"""
    energy: dict[str, dict[str, float]] = {basis: {} for basis in BASES}
    improved: dict[str, dict[str, float]] = {basis: {} for basis in BASES}
    for name, regime in setup.regimes.items():
        models, members = exact.regime_energy(setup, regime)
        pool = exact.blend_energy(setup, models, members, trim=False)
        better = pool.divided_by(setup.fleet.improvement[name])
        for basis, of in BASES.items():
            overhead = setup.fleet.overhead[name]
            energy[basis][name] = of(pool) * overhead
            improved[basis][name] = of(better) * overhead
    return energy, improved


def _day(share: float, energy: Mapping[str, float], fleet: Fleet) -> float:
    """Energy of a fleet's day with a share of long queries. [GWh]"""
    query = mix(share, energy["traditional"], energy["long"])
    return query * fleet.queries_per_day / WH_PER_GWH


def _line(
    analysis: str, basis: str, quantity: str, value: float, unit: str, **where: float
) -> Line:
    """Line of the table; ``where`` says for which share, years and rates."""
    line: Line = dict.fromkeys(("long_share", "years", "growth", "efficiency", "rebound"), np.nan)
    line |= where
    return line | {
        "analysis": analysis,
        "basis": basis,
        "quantity": quantity,
        "value": value,
        "unit": unit,
    }


def _doublings(basis: str, energy: Mapping[str, float], fleet: Fleet) -> Iterator[Line]:
    """Long queries that double the fleet's energy."""
    double = doubling(energy["traditional"], energy["long"])
    added = double["added"] * fleet.queries_per_day
    yield _line("doubling", basis, "added long queries", added, "queries/day")
    if double["replaced"] <= 1:
        yield _line("doubling", basis, "long share by replacement", double["replaced"], "1")


def _interventions(
    basis: str,
    energy: Mapping[str, float],
    improved: Mapping[str, float],
    shares: Iterable[float],
    fleet: Fleet,
) -> Iterator[Line]:
    """The fleet's day at shares of long queries, and the savings that bring it back."""
    line = partial(_line, "intervention", basis)
    for share in shares:
        at = {"long_share": share}
        yield line("fleet", _day(share, energy, fleet), "GWh/day", **at)
        yield line("fleet improved", _day(share, improved, fleet), "GWh/day", **at)
        if share > 0:
            need = intervention(energy["traditional"], energy["long"], share)
            yield line("needed on all queries", need["all"], "1", **at)
            yield line("needed on long queries", need["long"], "1", **at)


def _growths(start: float, config: Mapping[str, Any], fleet: Fleet) -> Iterator[Line]:
    """The fleet's day [GWh] over the years, where it doubles, and what would hold it."""
    line = partial(_line, "growth", "mean")
    rates = (config[name]["values"] for name in ("demand_growth", "efficiency"))
    for growth, efficiency in product(*rates):
        at = {"long_share": fleet.long_share, "growth": growth, "efficiency": efficiency}
        if efficiency > 1:
            yield line("break-even rebound", break_even_rebound(growth, efficiency), "1", **at)
        for rebound in config["rebound"]["values"]:
            at["rebound"] = rebound
            rate = np.log(fleet_over_start(1, growth, efficiency, rebound))
            if rate > 0:
                yield line("doubling time", np.log(2) / rate, "a", **at)
            for years in [0, *config["years"]["values"]]:
                value = start * fleet_over_start(years, growth, efficiency, rebound)
                yield line("fleet", value, "GWh/day", years=years, **at)

"""Where a fleet with long queries crosses a reference."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.energy import exact
from inference_energy.energy.fleet import mix
from inference_energy.energy.mixtures import Mixture
from inference_energy.method.setup import Setup
from inference_energy.units import WH_PER_GWH


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
    fleet, energy, improved = setup.fleet, {}, {}
    for regime in setup.regimes.values():
        models, members = exact.regime_energy(setup, regime)
        pool = exact.blend_energy(setup, models, members, trim=False)
        better = pool.divided_by(fleet.improvement[regime.name])
        for basis, of in {"mean": Mixture.mean, "median": lambda e: e.quantile(0.5)}.items():
            overhead = fleet.overhead[regime.name]
            energy[basis, regime.name] = of(pool) * overhead
            improved[basis, regime.name] = of(better) * overhead
    lines = []

    def add(
        analysis: str, basis: str, quantity: str, value: float, unit: str, **where: float
    ) -> None:
        line: dict[str, Any] = dict.fromkeys(
            ("long_share", "years", "growth", "efficiency", "rebound"), np.nan
        )
        line |= where | {"analysis": analysis, "basis": basis}
        lines.append(line | {"quantity": quantity, "value": value, "unit": unit})

    def day(share: float, pair: tuple[float, float]) -> float:
        return mix(share, *pair) * fleet.queries_per_day / WH_PER_GWH

    for basis in ("mean", "median"):
        pair = energy[basis, "traditional"], energy[basis, "long"]
        spared = improved[basis, "traditional"], improved[basis, "long"]
        double = doubling(*pair)
        added = double["added"] * fleet.queries_per_day
        add("doubling", basis, "added long queries", added, "queries/day")
        if double["replaced"] <= 1:
            add("doubling", basis, "long share by replacement", double["replaced"], "1")
        for share in [0, *config["long_shares"]["values"]]:
            at = {"long_share": share}
            add("intervention", basis, "fleet", day(share, pair), "GWh/day", **at)
            add("intervention", basis, "fleet improved", day(share, spared), "GWh/day", **at)
            if share > 0:
                need = intervention(*pair, share)
                add("intervention", basis, "needed on all queries", need["all"], "1", **at)
                add("intervention", basis, "needed on long queries", need["long"], "1", **at)
    start = day(fleet.long_share, (energy["mean", "traditional"], energy["mean", "long"]))
    own = {"long_share": fleet.long_share}
    for growth in config["demand_growth"]["values"]:
        for efficiency in config["efficiency"]["values"]:
            at = own | {"growth": growth, "efficiency": efficiency}
            if efficiency > 1:
                even = break_even_rebound(growth, efficiency)
                add("growth", "mean", "break-even rebound", even, "1", **at)
            for rebound in config["rebound"]["values"]:
                at["rebound"] = rebound
                rate = np.log(fleet_over_start(1, growth, efficiency, rebound))
                if rate > 0:
                    add("growth", "mean", "doubling time", np.log(2) / rate, "a", **at)
                for years in [0, *config["years"]["values"]]:
                    value = start * fleet_over_start(years, growth, efficiency, rebound)
                    add("growth", "mean", "fleet", value, "GWh/day", years=years, **at)
    return pd.DataFrame(lines)

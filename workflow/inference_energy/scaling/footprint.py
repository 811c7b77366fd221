"""Water and operational carbon of a query and of a fleet's day.

The on-site water of a facility is reported per kWh of IT energy, the water and the carbon of
electricity per kWh that the facility draws:

    on-site water = E_IT WUE,  generation water = E_IT PUE EWIF,  carbon = E_IT PUE CI      (1)

with the energy of the IT equipment E_IT = E / PUE [Wh], WUE and EWIF [L/kWh, that is mL/Wh] and
CI [g/kWh] (Li, Yang, Islam and Ren, arXiv:2304.03271). Since a method's energy is a product of
log-normal factors and node time, so is each of them: it is an energy at a boundary of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.energy import exact
from inference_energy.energy.fleet import daily, mix
from inference_energy.energy.mixtures import Energy
from inference_energy.errors import InputError
from inference_energy.method.boundary import FACILITY, SERVER, Boundary
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import TRIMMED, UNTRIMMED, Setup
from inference_energy.units import KILO, MILLI

FOOTPRINTS = {
    "on_site_water": ("on-site water", SERVER, "mL", "m3/day"),
    "generation_water": ("generation water", FACILITY, "mL", "m3/day"),
    "operational_carbon": ("operational carbon", FACILITY, "g", "t/day"),
}
"""Section of config/footprint.yaml: name, boundary of its energy, unit per query and per day."""

STATISTICS = ["mean", "p5", "p25", "p50", "p75", "p95"]

PER_QUERY = {"mL": 1.0, "g": MILLI, "Wh": 1.0}
"""A Wh times a L/kWh is a mL, times a g/kWh a mg."""

PER_DAY = {"mL": KILO, "g": 1.0, "Wh": 1.0}
"""A GWh times a L/kWh is a thousand m3, times a g/kWh a t."""


def facts_by_name(
    facility: pd.DataFrame, names: Sequence[str], unit: str, path: str = "config/footprint.yaml"
) -> list[float]:
    """Values of facts, in the order of their names.

    Parameters
    ----------
    facility : DataFrame
        Table of schema ``facility``.
    names : sequence of str
        Facts.
    unit : str
        Unit that they must have.
    path : str
        File that names them, for what it says wrongly.

    Raises
    ------
    InputError
        Listing every fact that is missing or has another unit.
    """
    known = facility.set_index("fact")
    problems = [
        f"{path}: value {name}: allowed is a fact of data/facility.csv in {unit};"
        " correct the name or add the fact with its source"
        for name in names
        if name not in known.index or known.loc[name, "unit"] != unit
    ]
    if problems:
        raise InputError(problems)
    return [float(known["value"].loc[name]) for name in names]


def _energies(setup: Setup, boundary: Boundary) -> dict[tuple[str, str], Energy]:
    """Blends of every regime at a boundary."""
    changed = replace(setup, boundary=boundary)
    found: dict[tuple[str, str], Energy] = {}
    for regime in setup.regimes.values():
        models, members = exact.regime_energy(changed, regime)
        for subject, trim in ((TRIMMED, True), (UNTRIMMED, False)):
            found[regime.name, subject] = exact.blend_energy(changed, models, members, trim)
    return found


Statistics = dict[tuple[str, str], dict[str, float]]
"""Mean, std and percentiles by regime and subject. [Wh]"""


class _Described:
    """Energies of a method at boundaries, of which those that differ by a fixed factor share."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._known: dict[tuple[bool, float], Statistics] = {}

    def __call__(self, boundary: Boundary) -> Statistics:
        """Blends of every regime at a boundary."""
        spread = boundary.factor.sigma
        key = (boundary.with_pue, spread)
        if key not in self._known:
            around_one = replace(boundary, factor=LogNormal(0.0, spread))
            energies = _energies(self.setup, around_one)
            self._known[key] = {blend: energy.describe() for blend, energy in energies.items()}
        factor = float(np.exp(boundary.factor.mu))
        return {
            blend: {name: factor * value for name, value in statistics.items()}
            for blend, statistics in self._known[key].items()
        }


def _lines(
    described: _Described, boundary: Boundary, setting: str, unit: str, daily_unit: str
) -> list[tuple[Any, ...]]:
    fleet = described.setup.fleet
    lines, days = [], {}
    for (regime, subject), statistics in described(boundary).items():
        for statistic in STATISTICS:
            value = statistics[statistic] * PER_QUERY[unit]
            lines.append((boundary.name, setting, "query", regime, subject, statistic, value, unit))
        if subject == UNTRIMMED:
            days[regime] = daily(fleet, regime, statistics["mean"]) * PER_DAY[unit]
    days["mixed"] = mix(fleet.long_share, days["traditional"], days["long"])
    for regime, value in days.items():
        lines.append((boundary.name, setting, "day", regime, UNTRIMMED, "mean", value, daily_unit))
    return lines


def footprint(setup: Setup, config: Mapping[str, Any], facility: pd.DataFrame) -> pd.DataFrame:
    """Water and carbon of a query and of the fleet's day, boundary by boundary.

    Parameters
    ----------
    setup : Setup
        The method.
    config : dict
        config/footprint.yaml.
    facility : DataFrame
        Table of schema ``facility``.

    Returns
    -------
    DataFrame
        Columns of the footprint table. ``total water`` is the sum of the means with both ranges;
        percentiles of the two parts do not add.
    """
    lines, described = [], _Described(setup)
    for name, boundary in {"IT energy": SERVER, "facility energy": FACILITY}.items():
        lines += _lines(described, replace(boundary, name=name), "range", "Wh", "GWh/day")
    for key, (name, boundary, unit, daily_unit) in FOOTPRINTS.items():
        section = config[key]
        low, high = sorted(facts_by_name(facility, section["range"], section["unit"]))
        if not 0 < low < high:
            raise InputError(
                f"config/footprint.yaml: key {key}.range: values {low:g}, {high:g} of"
                f" {', '.join(section['range'])}: are P5 and P95 of a log-normal; allowed are two"
                " facts above zero that differ; name others"
            )
        intensities = {"range": LogNormal.from_percentiles(low, high)}
        values = facts_by_name(facility, section["settings"], section["unit"])
        named = zip(section["settings"], values, strict=True)
        # a facility that cools without water has none, of which the logarithm is -inf
        with np.errstate(divide="ignore"):
            intensities |= {setting: LogNormal.fixed(value) for setting, value in named}
        for setting, intensity in intensities.items():
            counted = replace(boundary, name=name, factor=intensity)
            lines += _lines(described, counted, setting, unit, daily_unit)
    columns = ["boundary", "setting", "per", "regime", "subject", "statistic", "value", "unit"]
    table = pd.DataFrame(lines, columns=columns)
    water = table["boundary"].isin(["on-site water", "generation water"])
    both = table[water & (table["setting"] == "range") & (table["statistic"] == "mean")]
    keys = [column for column in columns if column not in ("boundary", "value")]
    total = both.groupby(keys, as_index=False, sort=False)["value"].sum()
    return pd.concat([table, total.assign(boundary="total water")[columns]], ignore_index=True)


def blog_check(
    footprints: Mapping[str, pd.DataFrame], blog: Mapping[str, Any], facility: pd.DataFrame
) -> list[tuple[Any, ...]]:
    """What on-site water per IT energy the blog's upper end means, method by method.

    Parameters
    ----------
    footprints : dict of str to DataFrame
        Method to its footprint table.
    blog : dict
        Section ``checks.blog`` of config/footprint.yaml.
    facility : DataFrame
        Table of schema ``facility``.

    Returns
    -------
    list of tuple
        Lines of the water_checks table.
    """
    water = facility[(facility["quantity"] == "on-site water") & (facility["value"] > 0)]
    lines = []
    for method, table in footprints.items():
        cells = table[
            (table["per"] == "query")
            & (table["regime"] == "traditional")
            & (table["subject"] == TRIMMED)
            & (table["statistic"] == "p50")
            & (table["setting"] == "range")
        ].set_index("boundary")["value"]
        implied = blog["upper"] / cells["IT energy"]
        nearest = water.loc[(np.log(water["value"] / implied)).abs().idxmin()]
        note = f"nearest report: {nearest['subject']}, {nearest['value']:g} L/kWh"
        lines += [
            ("paper's blog", method, "published upper end", blog["upper"], "mL", None),
            ("paper's blog", method, "IT energy, median", cells["IT energy"], "Wh", None),
            ("paper's blog", method, "WUE that gives the upper end", implied, "L/kWh", note),
            (
                "paper's blog",
                method,
                "on-site water with that report",
                cells["IT energy"] * nearest["value"],
                "mL",
                "median energy times WUE",
            ),
            (
                "paper's blog",
                method,
                "with generation water, median",
                cells["generation water"] + cells["on-site water"],
                "mL",
                "the blog's range leaves the water of generation out; sum of two medians",
            ),
        ]
    return lines


def google_check(google: Mapping[str, Any], wue: float) -> list[tuple[Any, ...]]:
    """Google's water per median prompt from its own figures, and what their rounding allows.

    ``(energy - overhead) WUE`` (arXiv:2508.15734).

    Parameters
    ----------
    google : dict
        Section ``checks.google`` of config/footprint.yaml.
    wue : float
        Water on site per IT energy. [L/kWh]

    Returns
    -------
    list of tuple
        Lines of the water_checks table.
    """
    energy, overhead, water = (google[key] for key in ("energy", "overhead", "water"))
    it = energy["value"] - overhead["value"]
    slack = energy["half_step"] + overhead["half_step"]
    half = google["wue"]["half_step"]
    low, high = (it - slack) * (wue - half), (it + slack) * (wue + half)
    printed = water["value"] - water["half_step"], water["value"] + water["half_step"]
    agrees = low <= printed[1] and high >= printed[0]
    verdict = "the printed figure follows within" if agrees else "the printed figure is outside"
    values = {
        "published": (water["value"], None),
        "from the rounded figures": (it * wue, f"on-site only; rounds to {it * wue:.2f}"),
        "least that rounding allows": (low, None),
        "most that rounding allows": (high, f"{verdict} the rounding of the figures"),
    }
    return [
        ("Google's median prompt", "provider", quantity, value, "mL", note)
        for quantity, (value, note) in values.items()
    ]


def water_checks(
    footprints: Mapping[str, pd.DataFrame], config: Mapping[str, Any], facility: pd.DataFrame
) -> pd.DataFrame:
    """Both checks of published water, as the water_checks table."""
    google = config["checks"]["google"]
    (wue,) = facts_by_name(facility, [google["wue"]["fact"]], "L/kWh")
    lines = blog_check(footprints, config["checks"]["blog"], facility) + google_check(google, wue)
    return pd.DataFrame(lines, columns=["check", "method", "quantity", "value", "unit", "note"])

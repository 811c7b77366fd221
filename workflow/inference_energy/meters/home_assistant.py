"""Home Assistant: the history panel's CSV, and the JSON of its history API.

References: ``entity_id,state,last_changed`` as the panel's download writes it; GET
``/api/history/period``. A state is recorded when it changes, and lasts until then. The CSV states
no unit: an entity named after power is in W, after energy in kWh, Home Assistant's own units; where
a name holds both, the last of them counts.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from inference_energy.meters.common import ENERGY_UNITS, MISSING, POWER_UNITS, Samples, seconds
from inference_energy.units import J_PER_WH, MEGA

NAME = "Home Assistant's history"
MEGA_UNITS = {
    "MW": ("power_w", MEGA),
    "MJ": ("energy_j", MEGA),
    "MWh": ("energy_j", MEGA * J_PER_WH),
}
"""Of which milli is another unit."""


OTHER_POWERS = {"factor", "apparent", "reactive"}
OTHER_POWERS |= {"cost", "costs", "price", "prices", "tariff", "eur", "usd", "gbp", "chf"}
OTHER_POWERS |= {"co2", "co2e", "emission", "emissions", "percent", "percentage"}
OTHER_POWERS |= {"forecast", "predicted", "returned", "export", "exported"}
"""Words in a name that holds power or energy but tells none that is drawn in W or kWh: money, what
is emitted, shares, what is expected, and what is fed in."""


OTHER_KINDS = {"production", "carbon"}
"""The same behind the word power or energy; before it they name a meter."""


MEASURED = {"power", "energy", "total", "today", "daily", "consumption", "consumed", "active"}
"""Words in an entity's name that say what is measured, not by which meter."""


@dataclass
class Seen:
    """What the rows so far have told.

    Parameters
    ----------
    entity : str or None
        The last entity.
    units : dict of str to str or None
        Units by entity, none where none is stated.
    told_by : dict of tuple to str
        The first entity that tells a meter's column.
    refused : set of str
        Entities that tell it too, and those that tell neither power nor energy.
    gone : dict of str to list of float
        When a meter told no power any longer [s].
    """

    entity: str | None = None
    units: dict[str, str | None] = field(default_factory=dict)
    told_by: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    gone: dict[str, list[float]] = field(default_factory=dict)


def recognise(text: str) -> bool:
    """Whether a text is a history of Home Assistant."""
    start = text.lstrip()[:3000]
    first = (start.splitlines() or [""])[0].replace('"', "")
    return first.startswith("entity_id,state,last_changed") or (
        start[:1] == "[" and '"entity_id"' in start and '"last_changed"' in start
    )


def read(samples: Samples) -> None:
    """Read power [W] and counters [J] of each entity."""
    if samples.text.lstrip()[:1] == "[":
        rows = [(line, row) for line, states in samples.documents() for row in _states(states)]
    else:
        rows = list(samples.table(needed=("entity_id", "state", "last_changed")))
    samples.told_apart = True
    seen = Seen()
    for line, row in rows:
        with samples.parts_of(line):
            _read_state(samples, line, row, seen)
    by_name = sorted(entity for entity, unit in seen.units.items() if unit is None)
    if by_name and not samples.problems:
        samples.told.append(
            f"states no unit of {', '.join(by_name)}: read in W or kWh by the name alone; if one is"
            " in another unit, export the history by the API, which states it"
        )
    samples.hold(seen.gone)


def _read_state(samples: Samples, line: int, row: dict[str, Any], seen: Seen) -> None:
    # the history API names an entity in the first of its states alone
    entity = seen.entity = row.get("entity_id") or seen.entity
    if entity is None:
        raise LookupError("entity_id")
    stated = (row.get("attributes") or {}).get("unit_of_measurement")
    kind = _kind(entity, seen.units.setdefault(entity, stated))
    if kind is None:
        if entity not in seen.refused:
            seen.refused.add(entity)
            samples.refuse(
                line,
                f"entity {entity}: neither power nor energy that is drawn: name it so, or leave its"
                " rows out",
            )
        return
    column, factor = kind
    state = str(row["state"])
    meter = _meter(entity)
    if state.lower() in MISSING:
        # a time that cannot be read ends nothing
        with suppress(ValueError):
            seen.gone.setdefault(meter, []).append(seconds(row["last_changed"], samples.zone))
        return
    first = seen.told_by.setdefault((meter, column), entity)
    if first != entity:
        if entity not in seen.refused:
            seen.refused.add(entity)
            samples.refuse(line, f"{first} and {entity} both tell of {meter}: leave one out")
        return
    reading = {column: samples.number(line, "state", state, factor)}
    samples.add(line, row["last_changed"], meter, **reading)


def _states(states: Any) -> list[Any]:
    return states if isinstance(states, list) else [states]


def _meter(entity: str) -> str:
    """Meter of an entity: its name without what is measured."""
    words = entity.partition(".")[2].split("_")
    return "_".join(word for word in words if word not in MEASURED) or entity


def _kind(entity: str, unit: str | None) -> tuple[str, float] | None:
    """Column and factor of an entity."""
    if unit is not None:
        if unit in MEGA_UNITS:
            return MEGA_UNITS[unit]
        exact = unit.lower()
        if exact in POWER_UNITS:
            return "power_w", POWER_UNITS[exact]
        if exact in ENERGY_UNITS:
            return "energy_j", ENERGY_UNITS[exact]
        return None
    words = set(re.split(r"[._]", entity))
    if words & OTHER_POWERS:
        return None
    # before it stands the meter's name: sensor.power_strip_energy
    power, energy = entity.rfind("power"), entity.rfind("energy")
    if OTHER_KINDS & {*entity[max(power, energy) :].split("_")}:
        return None
    if power > energy:
        return "power_w", 1.0
    return ("energy_j", ENERGY_UNITS["kwh"]) if energy >= 0 else None

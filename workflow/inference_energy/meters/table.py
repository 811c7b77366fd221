"""A table of this project's: time and power or energy, in units that the columns name."""

import csv
import re
from collections import Counter

from inference_energy.errors import InputError
from inference_energy.meters.common import ENERGY_UNITS, POWER_UNITS, Samples, separator_of, unit_of

NAME = "a table with the columns time and power_w or energy_j"
TIMES = ("time", "timestamp", "datetime")
METER = "meter"
DEVICES = {"gpu", "device", "outlet", "plug", "socket", "channel", "sensor", "supply", "psu", "pdu"}
DEVICES |= {"host", "hostname", "node", "instance", "uuid", "index", "id"}
"""Columns that may name meters where no column does."""

SHOWN = 3

NEEDED = (
    "needed are time and power_w [W] or energy_j [J]; power_kw, power_mw (milliwatts), energy_wh "
    "and energy_kwh are known too, and meter where there are several"
)


def recognise(text: str) -> bool:
    """Whether a text is a table with a time."""
    header = text.splitlines()[:1]
    return bool(header) and re.search(rf"\b({'|'.join(TIMES)})\b", header[0].lower()) is not None


def read(samples: Samples) -> None:
    """Read power [W] and counters [J]."""
    header = samples.text.splitlines()[0]
    separator = separator_of(header)
    try:
        names = [name.strip() for name in next(csv.reader([header], delimiter=separator))]
    except csv.Error as error:
        raise InputError(f"{samples.path}: row 1, is not CSV ({error}): {NEEDED}") from None
    units: dict[str, tuple[str, float]] = {}
    unknown = []
    for name in names:
        for kind, known in (("power", POWER_UNITS), ("energy", ENERGY_UNITS)):
            if name.lower().startswith(kind):
                factor = unit_of(name, known)
                if factor is None:
                    unknown.append(name)
                else:
                    units[name] = (f"{kind}_{'w' if kind == 'power' else 'j'}", factor)
    time = next((name for name in names if name.lower() in TIMES), None)
    if time is None or not units or unknown:
        raise InputError(f"{samples.path}: columns {', '.join(names)}: {NEEDED}")
    for kind in ("power", "energy"):
        alike = [name for name, (column, _) in units.items() if column.startswith(kind)]
        if len(alike) > 1:
            samples.refuse(
                1,
                f"columns {', '.join(alike)}: which is the {kind}? leave one; of several meters "
                "give each reading a row of its own, with the column meter",
            )
    meter = next((name for name in names if name.lower() == METER), None)
    devices = [name for name in names if name.lower() in DEVICES and meter is None]
    told: dict[str, Counter[str]] = {name: Counter() for name in devices}
    for line, row in samples.table(separator):
        for name in devices:
            told[name][row[name]] += 1
        readings = {}
        for name, (column, factor) in units.items():
            readings[column] = samples.number(line, name, row[name], factor)
        samples.add(line, row[time], row[meter] if meter else None, **readings)
    for name, counts in told.items():
        # a number of its own for each row is no meter's
        if len(counts) > 1 and min(counts.values()) > 1:
            shown = ", ".join(sorted(counts)[:SHOWN])
            samples.refuse(
                1,
                f"column {name} names several meters ({shown}): call it {METER}, or leave out the "
                "rows of all but one",
            )

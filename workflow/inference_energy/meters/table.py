"""A table of this project's: time and power or energy, in units that the columns name."""

import csv
import re
from collections import Counter
from functools import lru_cache

from inference_energy.errors import InputError
from inference_energy.meters.common import (
    MISSING,
    UNITS,
    Samples,
    separator_of,
    unit_of,
)

NAME = "a table with the columns time and power_w or energy_j"
TIMES = ("time", "timestamp", "datetime")
METER = "meter"
DEVICES = {"gpu", "device", "outlet", "plug", "socket", "channel", "sensor", "supply", "psu", "pdu"}
DEVICES |= {"host", "hostname", "node", "instance", "uuid", "index", "id", "name", "number"}
DEVICES |= {"phase", "line", "feed", "server", "machine", "rack", "serial", "bus", "pci", "card"}
"""Words of columns that may name meters where no column does."""

KINDS = dict(UNITS.values())
WORD, NUMBER = re.compile("[a-z]+"), re.compile(r"[+-]?\.?\d")

THOUSANDS = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""1.600, which may be 1600 or 1.6."""

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
    besides: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for name in names:
        for kind, known in KINDS.items():
            factor = unit_of(name, known)
            if not name.lower().startswith(kind):
                besides[kind] += [name] if factor else []
            elif factor is None:
                unknown.append(name)
            else:
                units[name] = (f"{kind}_{'w' if kind == 'power' else 'j'}", factor)
    time = next((name for name in names if name.lower() in TIMES), None)
    if time is None or not units or unknown:
        raise InputError(f"{samples.path}: columns {', '.join(names)}: {NEEDED}")
    for kind in KINDS:
        alike = [name for name, (column, _) in units.items() if column.startswith(kind)]
        alike += besides[kind] if alike else []
        if len(alike) > 1:
            samples.refuse(
                1,
                f"columns {', '.join(alike)}: which is the {kind}? leave one; of several meters "
                "give each reading a row of its own, with the column meter",
            )
    samples.factors = dict(units.values())
    meter = next((name for name in names if name.lower() == METER), None)
    others = [name for name in names if name not in units and name != time and meter is None]
    told: dict[str, Counter[str]] = {name: Counter() for name in others}
    words = {name: set(WORD.findall(name.lower())) for name in others}
    devices = {name for name in others if words[name] and words[name] <= DEVICES}
    forms: dict[str, dict[str, str]] = {name: {} for name in units}
    for line, row in samples.table(separator):
        for name, found in forms.items():
            if row[name].lower() not in MISSING:
                found.setdefault(_form(row[name]), row[name])
        for name in others:
            text = row[name]
            if text.lower() not in MISSING and (name in devices or not NUMBER.match(text)):
                told[name][text] += 1
        readings = {}
        for name, (column, factor) in units.items():
            readings[column] = samples.number(line, name, row[name], factor)
        samples.add(line, row[time], row[meter] if meter else None, **readings)
    for name, found in forms.items():
        # who drops zeros behind a point writes 1.6 too
        if found.keys() == {"whole", "thousands"}:
            samples.refuse(
                1,
                f"column {name} holds {found['whole']} and {found['thousands']}, in which thousands"
                " seem to be parted: record numbers without such a separator, or with one number "
                "of decimals",
            )
    for name, counts in told.items():
        # a number of its own for each row is no meter's
        if len(counts) > 1 and min(counts.values()) > 1:
            samples.refuse(1, _several(name, sorted(counts)[:SHOWN], name in devices))


@lru_cache(maxsize=65536)
def _form(text: str) -> str:
    """How a number is written: whole, with what may part thousands, or otherwise."""
    if THOUSANDS.fullmatch(text):
        return "thousands"
    return "whole" if text.isdecimal() else "other"


def _several(name: str, texts: list[str], is_device: bool) -> str:
    """What is wrong with a column that tells rows apart, beside none of meters."""
    shown = ", ".join(texts)
    if is_device:
        return (
            f"column {name} names several meters ({shown}): call it {METER}, or leave out the rows "
            "of all but one"
        )
    return f"column {name} holds {shown}: if these are meters, call it {METER}; else leave it out"

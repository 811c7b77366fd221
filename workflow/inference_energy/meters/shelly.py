"""Shelly plugs and meters: JSON of their RPC, one object a reading, and the CSV of EMData.

References: the Gen2 API's NotifyStatus, sent when something changes, Switch.GetStatus (``apower``
[W], ``aenergy.total`` [Wh]), EM.GetStatus (``total_act_power`` [W]), Shelly.GetStatus
(``sys.unixtime``), the data.csv of EMData and EM1Data, whose rows hold the energy of the minute
that begins at ``timestamp`` [Wh]; and of the Gen1 API /status (``unixtime``), whose ``meters`` and
``emeters`` tell ``power`` [W]. Their counters are left out: in watt-minutes, or whole watt-hours.
"""

import re
from typing import Any, NamedTuple

from inference_energy.meters.common import Samples
from inference_energy.units import J_PER_WH, SECONDS_PER_MINUTE

NAME = "Shelly"
COMPONENT = re.compile(r"^(switch|pm1|em|em1|cover):\d+$")
POWERS = ("apower", "total_act_power", "act_power")
FIRST_GENERATION = ("meters", "emeters")


class Reading(NamedTuple):
    """Power [W] and counter [J] of a channel of a device."""

    line: int
    time: object
    device: str
    channel: str
    values: dict[str, float]


def recognise(text: str) -> bool:
    """Whether a text was written by a Shelly device."""
    start = text[:3000]
    if '"unixtime"' in start and re.search('"e?meters"', start):
        return True
    return bool(re.search(r'"(apower|total_act_power|act_power)"', start)) or start.startswith(
        ("timestamp,a_total_act_energy", "timestamp,total_act_energy")
    )


def read(samples: Samples) -> None:
    """Read power [W] and the counter [J] of each channel."""
    if samples.text.startswith("timestamp,"):
        _read_minutes(samples)
        return
    found: list[Reading] = []
    changes_alone = False
    for line, document in samples.documents():
        with samples.parts_of(line):
            found += _readings(samples, line, document)
            changes_alone |= "params" in document
    devices = {reading.device for reading in found}
    if "" in devices and len(devices) > 1:
        samples.refuse(
            1,
            f"tells of {', '.join(sorted(devices - {''}))} and of a device without src: are they "
            "one? record one of them",
        )
    for line, time, device, name, values in found:
        samples.add(line, time, f"{device} {name}" if len(devices) > 1 else name, **values)
    if changes_alone:
        samples.hold({})


def _readings(samples: Samples, line: int, document: dict[str, Any]) -> list[Reading]:
    """Readings of a document."""
    status = document.get("params") or document.get("result") or document
    time = status.get("ts") or (status.get("sys") or {}).get("unixtime") or document.get("ts")
    time = time or document.get("unixtime")
    if time is None:
        samples.refuse(
            line, "holds no time: record NotifyStatus or Shelly.GetStatus (Gen1: /status)"
        )
        return []
    found = []
    parts = {name: part for name, part in status.items() if COMPONENT.match(name)}
    for name, part in parts.items():
        power = next((part[key] for key in POWERS if key in part), None)
        total = (part.get("aenergy") or {}).get("total")
        if power is None and total is None:
            continue
        device = str(document.get("src") or "")
        values = {
            "power_w": samples.number(line, "power", power),
            "energy_j": samples.number(line, "aenergy.total", total, J_PER_WH),
        }
        found.append(Reading(line, time, device, name, values))
    device = str(document.get("mac") or "")
    for kind in FIRST_GENERATION:
        for number, part in enumerate(document.get(kind, [])):
            # a device that saw no power yet says so
            if part.get("is_valid", True):
                power = samples.number(line, "power", part.get("power"))
                found.append(Reading(line, time, device, f"{kind}:{number}", {"power_w": power}))
    return found


def _read_minutes(samples: Samples) -> None:
    for line, row in samples.table(needed=("timestamp",)):
        start = samples.number(line, "timestamp", row["timestamp"])
        phases = [name for name in row if name.endswith("total_act_energy")]
        energy = sum(samples.number(line, name, row[name], J_PER_WH) for name in phases)
        samples.spread(line, start, start + SECONDS_PER_MINUTE, energy)

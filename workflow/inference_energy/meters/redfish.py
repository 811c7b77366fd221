"""Redfish: readings of a management controller as JSON, one document after the other.

References: DMTF's schemas MetricReport (MetricValues with their own Timestamp), Power
(PowerControl.PowerConsumedWatts), EnvironmentMetrics (PowerWatts.Reading) and Sensor (Reading). The
last three state no time: it goes before the document on its line, or in a key ``time``. A report
also tells the power of parts (iDRAC: TotalCPUPower, TotalFanPower) and the node's at several places
(SystemInputPower, SystemOutputPower): the node's is that of its input, or what it consumes; nothing
is added to it. That of CPUs, and of memory, is their total, or the sum of the sockets'.
"""

import json
import re
from collections.abc import Iterator, Set
from typing import Any

from inference_energy.documents import json_number, json_object
from inference_energy.errors import InputError
from inference_energy.meters.common import Samples

NAME = "Redfish"
POWER_METRICS = re.compile(
    r"power.*(consum|watts|input)|(system|total|cpu|processor|memory).*power", re.IGNORECASE
)
NOT_METRICS = re.compile(
    r"(?i:avg|average|minimum|maximum|peak|cap|limit|energy|headroom|output)|Min|Max|(^|_)(min|max)"
)
PARTS = re.compile(
    r"cpu|processor|memory|dimm|fan|storage|drive|pcie|fpga|gpu|accelerator|psu|supply|switch|nic",
    re.IGNORECASE,
)
OF_CPU = (re.compile("cpu|processor", re.IGNORECASE), re.compile("memory|dimm", re.IGNORECASE))
NOT_OF_CPU = re.compile("gpu|accelerator|fpga", re.IGNORECASE)
TOTAL = re.compile("(total|system)", re.IGNORECASE)
PLACE = re.compile(r"/redfish/v1/(Chassis|Systems)/[^/#]+")
TIMED = re.compile(r"^([0-9][^{\s]*)\s*(?=\{)", re.MULTILINE)
"""A time before a document, on its line or on the one above."""

KEYS = ("PowerConsumedWatts", "MetricValues", "PowerWatts", "ReadingType")
"""Of which a log holds one at its start."""

Reading = tuple[int, object, str, str, object]
"""Line, time, place, name and power of a reading."""

RANKS = (re.compile("input", re.IGNORECASE), re.compile("consum", re.IGNORECASE))


def recognise(text: str) -> bool:
    """Whether a text holds answers of Redfish."""
    return any(f'"{key}"' in text[:5000] for key in KEYS)


def read(samples: Samples) -> None:
    """Read the power of the node, or of its CPUs and memory [W]."""
    if samples.scope == "gpu":
        raise InputError(
            f"{samples.path}: Redfish is read for the node and its CPUs: write node:{samples.path} "
            f"or cpu:{samples.path}"
        )
    found: list[Reading] = []
    for line, document in _documents(samples):
        with samples.parts_of(line):
            found += _readings(samples, line, document)
    told = {name for *_, name, _ in found}
    names = _of_cpu(told) if samples.scope == "cpu" else _of_node(samples, told)
    if told and not names:
        samples.refuse(
            1,
            f"tells the power of {', '.join(sorted(told))}, which is not the {samples.scope}'s: "
            "record that, or give the scope that it measures",
        )
    found = [reading for reading in found if reading[3] in names]
    places = sorted({place for _, _, place, *_ in found})
    if len(places) > 1:
        samples.refuse(1, f"tells the power at {', '.join(places)}: which is the node? leave one")
    for line, time, _, name, power in found:
        samples.add(line, time, name, power_w=samples.number(line, name, power))


def _documents(samples: Samples) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and value of each document, with the time before it as its key ``time``."""
    timed = TIMED.split(samples.text)
    if len(timed) == 1:
        yield from samples.documents()
        return
    if timed[0].strip():
        samples.refuse(1, "begins before the first time: write the time before each document")
    decoder = json.JSONDecoder(object_pairs_hook=json_object, parse_float=json_number)
    last = len(timed) // 2 if samples.cut_off else None
    for number, (time, text) in enumerate(zip(timed[1::2], timed[2::2], strict=True), start=1):
        try:
            document, end = decoder.raw_decode(text)
        except InputError as error:
            samples.refuse(number, f"{error}: copy the log again")
            continue
        except (ValueError, RecursionError) as error:
            if number != last:
                samples.refuse(number, f"is not complete JSON ({error}): copy the log again")
            continue
        if text[end:].strip():
            samples.refuse(number, "holds more than one document: write the time before each")
        yield number, document | {"time": time}


def _readings(samples: Samples, line: int, document: dict[str, Any]) -> list[Reading]:
    """Readings of a document."""
    found: list[Reading] = []
    place = str(document.get("@odata.id") or "")
    for value in document.get("MetricValues", []):
        name, path = _name(value)
        if POWER_METRICS.search(name) and not NOT_METRICS.search(name):
            time, at = value.get("Timestamp") or document.get("Timestamp"), PLACE.match(path)
            found.append((line, time, at[0] if at else place, name, value.get("MetricValue")))
    at = document.get("time") or document.get("Timestamp")
    for part in document.get("PowerControl", []):
        name = " ".join(str(part.get(key) or "") for key in ("Name", "PhysicalContext")).strip()
        name = name or str(part.get("MemberId") or "power")
        found.append((line, at, place, name, part.get("PowerConsumedWatts")))
    if "PowerWatts" in document:
        found.append((line, at, "", place or "power", document["PowerWatts"].get("Reading")))
    if document.get("ReadingType") == "Power":
        found.append((line, at, "", place or "power", document.get("Reading")))
    if any(time is None for _, time, *_ in found):
        samples.refuse(line, "states no time: write it before each document, or as key time")
        return []
    return found


def _name(value: dict[str, Any]) -> tuple[str, str]:
    """Name of a metric, which says of what part it is, and where it stands."""
    of_dell = ((value.get("Oem") or {}).get("Dell") or {}).get("ContextID")
    path = str(value.get("MetricProperty") or of_dell or "")
    name = str(value.get("MetricId") or path)
    return f"{name} of {path}" if name != path and PARTS.search(path) else name, path


def _of_cpu(names: Set[str]) -> Set[str]:
    """Names of the readings of CPUs and of memory: their totals, or else each one's own."""
    names = {name for name in names if not NOT_OF_CPU.search(name)}
    chosen: set[str] = set()
    for kind in OF_CPU:
        own = {name for name in names if kind.search(name)}
        chosen |= {name for name in own if TOTAL.match(name)} or own
    return chosen


def _of_node(samples: Samples, names: Set[str]) -> Set[str]:
    """Name of the reading that is the node's, which holds all others."""
    whole = sorted(name for name in names if not PARTS.search(name))
    for rank in RANKS:
        whole = [name for name in whole if rank.search(name)] or whole
    if len(whole) > 1:
        samples.refuse(1, f"tells the power of {', '.join(whole)}: which is the node? leave one")
    return set(whole)

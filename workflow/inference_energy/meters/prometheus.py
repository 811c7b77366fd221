"""Prometheus: the answer to a range query, from a file or asked for live.

References: the HTTP API's ``/api/v1/query_range``; names of NVIDIA's DCGM exporter, of
utkuozdemir/nvidia_gpu_exporter, of prometheus-community/ipmi_exporter, Scaphandre and Kepler.
"""

import re
import urllib.error
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import pandas as pd

from inference_energy.errors import InputError
from inference_energy.meters.common import Samples
from inference_energy.units import GB_PER_MIB, MICRO, MILLI
from inference_energy.web import asked, on_one_line

NAME = "a range query of Prometheus"
METRICS = {
    "gpu": {
        "DCGM_FI_DEV_POWER_USAGE": ("power_w", 1.0),
        "DCGM_FI_DEV_POWER_USAGE_INSTANT": ("power_w", 1.0),
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("energy_j", MILLI),
        "DCGM_FI_DEV_GPU_UTIL": ("utilisation", 0.01),
        "DCGM_FI_DEV_FB_USED": ("memory_gb", GB_PER_MIB),
        "DCGM_FI_DEV_SM_CLOCK": ("clock_mhz", 1.0),
        "nvidia_smi_power_draw_watts": ("power_w", 1.0),
        "nvidia_smi_utilization_gpu_ratio": ("utilisation", 1.0),
    },
    "cpu": {
        "node_rapl_package_joules_total": ("energy_j", 1.0),
        "node_rapl_dram_joules_total": ("energy_j", 1.0),
    },
    "node": {
        "ipmi_dcmi_power_consumption_watts": ("power_w", 1.0),
        "scaph_host_power_microwatts": ("power_w", MICRO),
        "kepler_node_platform_joules_total": ("energy_j", 1.0),
    },
}
AVERAGED, INSTANT = "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_POWER_USAGE_INSTANT"
"""Mean power of about a second, and that of the moment, which counts where an answer has both."""

LABELS = ("gpu", "GPU", "uuid", "UUID", "index", "path", "device")
UNITS = ("UUID", "uuid", "id")
"""Labels that tell devices of one name apart."""

MOST_POINTS = 10_000
TIMEOUT = 30.0
MOST_BYTES = 2**27
"""Longest answer: 10,000 points of a thousand GPUs. [bytes]"""


Device = tuple[str, str, str]
"""Host, device and unit."""

Told = dict[str, dict[Device, str]]
"""Metrics by exporter and by the device whose power or energy they tell."""


@dataclass
class Reading:
    """What a device reads at a time: by column and mode, from its first line."""

    line: int
    cells: dict[str, dict[str, float]] = field(default_factory=dict)


Rows = dict[tuple[Device, float], Reading]
"""Readings by device and Unix time [s]."""


def recognise(text: str) -> bool:
    """Whether a text is an answer of Prometheus."""
    told = ('"resultType"', '"errorType"')
    return bool(re.match(r'\s*\{\s*"status"', text)) and any(key in text[:2000] for key in told)


def read(samples: Samples) -> None:
    """Read every series whose metric is known; one sample per meter and time.

    Series of one device that differ in their mode (Kepler: dynamic, idle) are parts of one power,
    and are added.
    """
    rows: Rows = {}
    refused: set[tuple[str, str, str]] = set()
    told: Told = {}
    for line, answer in samples.documents():
        with samples.parts_of(line):
            _read_answer(samples, line, answer, rows, refused, told)
    _refuse_exporters(samples, told)
    hosts = {host for (host, *_), _ in rows}
    own = _several(device for device, _ in rows)
    for (host, device, unit), time, line, readings in _added(rows):
        meter = " ".join(part for part in (samples.scope, device) if part)
        meter = f"{meter} {unit}" if (host, device) in own else meter
        samples.add(line, time, f"{host} {meter}" if len(hosts) > 1 else meter, **readings)


def _several(devices: Iterable[Device]) -> set[tuple[str, str]]:
    """Host and device of those that stand for several units."""
    units: dict[tuple[str, str], set[str]] = {}
    for host, device, unit in devices:
        units.setdefault((host, device), set()).add(unit)
    return {key for key, found in units.items() if len(found) > 1}


def _added(rows: Rows) -> Iterator[tuple[Device, float, int, dict[str, float]]]:
    """Device, time, line and readings, the modes of each added, at the times that all have."""
    modes: dict[tuple[Device, str], set[str]] = {}
    for (device, _), row in rows.items():
        for column, cell in row.cells.items():
            modes.setdefault((device, column), set()).update(cell)
    for (device, time), row in rows.items():
        whole = {
            column: sum(cell.values())
            for column, cell in row.cells.items()
            if len(cell) == len(modes[device, column])
        }
        if whole:
            yield device, time, row.line, whole


def _read_answer(
    samples: Samples,
    line: int,
    answer: dict[str, Any],
    rows: Rows,
    refused: set[tuple[str, str, str]],
    told: Told,
) -> None:
    known = METRICS[samples.scope]
    data = answer.get("data") or {}
    if data.get("resultType") != "matrix":
        said = (
            f"the error {on_one_line(str(answer['error']))}"
            if "error" in answer
            else data.get("resultType", "nothing")
        )
        samples.refuse(line, f"holds {said}, no matrix: ask /api/v1/query_range")
        return
    instant = {_device(s["metric"]) for s in data["result"] if _name(s) == INSTANT}
    for series in data["result"]:
        if _name(series) == AVERAGED and _device(series["metric"]) in instant:
            continue
        labels = series["metric"]
        name = _name(series)
        if name not in known:
            samples.refuse(
                line,
                f"metric {name}: known for the {samples.scope} are {', '.join(known)}; query "
                "one of these, without a function around it",
            )
            continue
        host, device, unit = _device(labels)
        column, factor = known[name]
        if column in ("power_w", "energy_j"):
            told.setdefault(name.split("_")[0], {})[(host, device, unit)] = name
        part = name.split("_")[2] + " " if samples.scope == "cpu" else ""
        for time, value in series["values"]:
            row = rows.setdefault(((host, f"{part}{device}", unit), float(time)), Reading(line))
            number = samples.number(line, name, value, factor)
            cell, mode = row.cells.setdefault(column, {}), labels.get("mode", "")
            # no reading differs from none
            apart = abs(cell.get(mode, number) - number) > 0
            if apart and column in ("power_w", "energy_j"):
                _refuse_twice(samples, line, labels, (host, device, name), refused)
            cell[mode] = number


def _name(series: Mapping[str, Any]) -> str:
    return str(series["metric"].get("__name__"))


def _device(labels: Mapping[str, str]) -> Device:
    """Host, device and unit that labels name."""
    host = str(labels.get("Hostname") or labels.get("instance") or "")
    device = next((labels[label] for label in LABELS if label in labels), "")
    return host, device, " ".join(labels[label] for label in UNITS if label in labels)


def _refuse_exporters(samples: Samples, told: Told) -> None:
    """Refuse devices that count twice: told by two exporters, or by one under two addresses."""
    names = {
        exporter: ", ".join(sorted(set(devices.values()))) for exporter, devices in told.items()
    }
    if len({frozenset(devices) for devices in told.values()}) > 1:
        samples.refuse(
            1,
            f"tells of devices by {' and by '.join(names.values())}, and may count each twice: "
            "ask for those of one exporter",
        )
    hosts: dict[tuple[str, str, str], set[str]] = {}
    for exporter, devices in told.items():
        for host, device, unit in devices:
            hosts.setdefault((exporter, device, unit), set()).add(host)
    for (_, _, unit), found in hosts.items():
        if samples.scope == "gpu" and unit and len(found) > 1:
            samples.refuse(
                1,
                f"{unit} is told by {' and '.join(sorted(found))}, and would count twice: ask for "
                "one of them, by a label that tells them apart",
            )


def _refuse_twice(
    samples: Samples,
    line: int,
    labels: Mapping[str, str],
    key: tuple[str, str, str],
    refused: set[tuple[str, str, str]],
) -> None:
    """Refuse a series that tells another power of a device than one before it, once."""
    if key in refused:
        return
    refused.add(key)
    told = ", ".join(f'{label}="{text}"' for label, text in labels.items() if label != "__name__")
    samples.refuse(
        line,
        f"{labels['__name__']} of {{{told}}} differs from another series of the same device at "
        "one time: are they one? ask for one of them, by a label that tells them apart",
    )


def _answer(base: str, url: str) -> str:
    """Text of an answer; InputError where none comes or it is no JSON."""
    try:
        with asked(url, TIMEOUT, MOST_BYTES) as answer:
            said = answer.body()
        if said.lstrip()[:1] == b"{":
            return said.decode(errors="replace")
        problem = f"what answers is no Prometheus, as it is no JSON (it said: {on_one_line(said)})"
    except urllib.error.HTTPError as error:
        problem = f"Prometheus answers HTTP {error.code} (it said: {on_one_line(error.read())})"
    except TimeoutError:
        problem = f"Prometheus gives no whole answer within {TIMEOUT:g} s"
    except (OSError, HTTPException) as error:
        problem = f"Prometheus does not answer ({on_one_line(str(error))})"
    raise InputError(
        f"{base}: {problem}: check the address, or give its answer to a range query as a file"
    )


def fetch(address: str, scope: str, start: float, end: float, step: float = 1.0) -> pd.DataFrame:
    """Samples of a scope from a running Prometheus.

    Parameters
    ----------
    address : str
        ``http://HOST:9090``, followed by a selector ``{Hostname="node1"}`` where it watches
        several nodes.
    scope : str
        gpu, cpu or node.
    start, end : float
        Unix times [s].
    step : float
        Between samples [s].

    Raises
    ------
    InputError
        A server that does not answer or answers with an error.
    """
    base, brace, selector = address.partition("{")
    names = "|".join(METRICS[scope])
    more = f",{selector}" if brace else "}"
    query = f'{{__name__=~"{names}"{more}'
    answers = []
    while start < end:
        until = min(end, start + MOST_POINTS * step)
        form = {"query": query, "start": f"{start:.3f}", "end": f"{until:.3f}", "step": f"{step:g}"}
        url = f"{base.rstrip('/')}/api/v1/query_range?{urllib.parse.urlencode(form)}"
        answers.append(_answer(base, url))
        start = until + step
    samples = Samples(base, "\n".join(answers), scope)
    read(samples)
    if not samples.times and not samples.problems:
        raise InputError(f"{base}: no series for {query}: check that the exporter is scraped")
    return samples.frame()

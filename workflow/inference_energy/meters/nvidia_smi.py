"""nvidia-smi: ``--query-gpu=... --format=csv`` with or without units, and ``dmon -o DT``.

References: nvidia-smi(1). ``power.draw`` is a mean over a second on Ampere and later except GA100,
``power.draw.instant`` is not. Times are local and state no zone.
"""

import re
from collections.abc import Sequence

import numpy as np

from inference_energy.errors import InputError
from inference_energy.meters.common import MISSING, Samples, separator_of
from inference_energy.units import GB_PER_MIB

NAME = "nvidia-smi --query-gpu or dmon"
NAMES = ("index", "uuid", "pci.bus_id")
POWER = ("power.draw.instant", "power.draw", "power.draw.average")
OTHERS = {
    "utilisation": (("utilization.gpu",), 0.01),
    "memory_gb": (("memory.used",), GB_PER_MIB),
    "clock_mhz": (("clocks.current.sm", "clocks.sm", "clocks.gr", "clocks.current.graphics"), 1.0),
}
HEADLESS = re.compile(r"\s*\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{3}\s*[,;]")
DMON = {"pwr": ("power_w", 1.0), "sm": ("utilisation", 0.01), "fb": ("memory_gb", GB_PER_MIB)}
DMON |= {"pclk": ("clock_mhz", 1.0)}

USUAL_WAIT, WITHIN, IN_BURSTS = 0.95, 0.1, 0.3
"""Quantile of the times between rows that is the wait from one query to the next, of up to 16 GPUs;
share of it within which the rows of one query follow each other; share of rows that then do so."""


def recognise(text: str) -> bool:
    """Whether a text is a log of nvidia-smi."""
    return "power.draw" in text[:2000] or _is_dmon(text) or bool(HEADLESS.match(text))


def _is_dmon(text: str) -> bool:
    return re.search(r"^#\s*(Date[\s,]+)?(Time[\s,]+)?gpu[\s,]", text[:2000], re.M) is not None


def read(samples: Samples) -> None:
    """Read power [W], utilisation, memory [GB] and clock [MHz] of each GPU."""
    samples.only("gpu", "nvidia-smi")
    if _is_dmon(samples.text):
        _read_dmon(samples)
        return
    header = (samples.text.splitlines() or [""])[0]
    separator = separator_of(header)
    names = [name.strip() for name in header.split(separator)]
    columns = {re.sub(r" \[.*\]$", "", name): name for name in names}
    powers = [columns[name] for name in POWER if name in columns]
    if HEADLESS.match(header):
        raise InputError(
            f"{samples.path}: has no header: write the queried names before its first line, "
            "such as timestamp, index, power.draw [W], or record without noheader"
        )
    if not powers or "timestamp" not in columns:
        raise InputError(
            f"{samples.path}: columns {', '.join(names)}: needed are timestamp and power.draw: run "
            "nvidia-smi --query-gpu=timestamp,index,power.draw,utilization.gpu,memory.used,"
            "clocks.sm --format=csv -l 1"
        )
    gpu = next((columns[name] for name in NAMES if name in columns), None)
    power = _told(samples, powers, separator) if len(powers) > 1 else powers[0]
    others = {
        ours: (columns[name], factor)
        for ours, (theirs, factor) in OTHERS.items()
        if (name := next((name for name in theirs if name in columns), None))
    }
    for line, row in samples.table(separator):
        readings = {"power_w": samples.number(line, power, row[power])}
        for ours, (name, factor) in others.items():
            readings[ours] = samples.number(line, name, row[name], factor)
        meter = f"gpu {row[gpu]}" if gpu else "gpu 0"
        samples.add(line, row[columns["timestamp"]], meter, **readings)
    if not gpu and _in_bursts(samples.times):
        samples.refuse(
            1,
            f"has no column {NAMES[0]}, {NAMES[1]} or {NAMES[2]}, and its rows come several at a "
            "time, as of several GPUs, whose power would be taken for that of one: query the index "
            "too, or one GPU alone (-i 0)",
        )


def _told(samples: Samples, powers: Sequence[str], separator: str) -> str:
    """The first of several powers that any row tells; rows that are refused are so when read."""
    log = Samples(samples.path, samples.text, samples.scope)
    told = {
        name
        for _, row in log.table(separator)
        for name in powers
        if row[name].lower() not in MISSING
    }
    return next((name for name in powers if name in told), powers[0])


def _in_bursts(times: Sequence[float]) -> bool:
    """Whether readings come several at a time [s]: a query tells of all GPUs, one after another."""
    waits = np.diff(np.sort(times))
    return len(waits) > 1 and bool(
        np.mean(waits < WITHIN * np.quantile(waits, USUAL_WAIT)) > IN_BURSTS
    )


def _read_dmon(samples: Samples) -> None:
    """Read dmon's columns; its header comes again and again, in two lines."""
    names: list[str] = []
    for line, text in enumerate(samples.text.splitlines(), start=1):
        cells = text.replace(",", " ").replace("#", " ").split()
        if text.lstrip().startswith("#"):
            if "gpu" in [cell.lower() for cell in cells]:
                names = [cell.lower() for cell in cells]
            continue
        if not cells:
            continue
        if len(cells) != len(names):
            samples.refuse(
                line, f"has {len(cells)} cells, the header has {len(names)}: correct or remove it"
            )
            continue
        row = dict(zip(names, cells, strict=True))
        if "date" not in row or "time" not in row:
            raise InputError(
                f"{samples.path}: dmon wrote no date and time: record with nvidia-smi dmon -o DT"
            )
        day = row["date"]
        readings = {
            ours: samples.number(line, theirs, row[theirs], factor)
            for theirs, (ours, factor) in DMON.items()
            if theirs in row
        }
        date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        samples.add(line, f"{date} {row['time']}", f"gpu {row['gpu']}", **readings)

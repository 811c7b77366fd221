"""Zeus: the log file of ``ZeusMonitor``, and what ``python -m zeus.monitor power`` prints.

References: zeus/monitor/energy.py and zeus/monitor/__main__.py of Zeus 0.16. A window's energy
becomes its mean power: between windows nothing was measured. What is printed is a time on one line
and a dictionary on the next, or on several.
"""

import math
import re

from inference_energy.meters.common import Samples

NAME = "Zeus"
PRINTED = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\s+(\{[^{}]*\})", re.M)
GPU = re.compile(r"'GPU(\d+)': ([^,}]+)")


def recognise(text: str) -> bool:
    """Whether a text was written by Zeus."""
    start = text[:3000].lstrip()
    return start.startswith("start_time,window_name,elapsed_time") or bool(PRINTED.match(start))


def read(samples: Samples) -> None:
    """Read the power of each GPU [W]."""
    samples.only("gpu", "Zeus")
    if PRINTED.match(samples.text.lstrip()):
        _read_printed(samples)
        return
    before = -math.inf
    for line, row in samples.table(needed=("start_time", "elapsed_time")):
        start = samples.number(line, "start_time", row["start_time"])
        end = start + samples.number(line, "elapsed_time", row["elapsed_time"])
        if start < before:
            samples.refuse(line, "column start_time: windows overlap; give windows that do not")
        before = end
        for name in (name for name in row if name.endswith("_energy")):
            gpu = name.removeprefix("gpu").removesuffix("_energy")
            samples.spread(line, start, end, samples.number(line, name, row[name]), f"gpu {gpu}")


def _read_printed(samples: Samples) -> None:
    line, last = 1, 0
    for found in PRINTED.finditer(samples.text):
        line += samples.text.count("\n", last, found.start())
        last = found.start()
        for gpu, told in GPU.findall(found[2]):
            power = samples.number(line, f"GPU{gpu}", told.strip())
            samples.add(line, found[1], f"gpu {gpu}", power_w=power)

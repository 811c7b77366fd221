"""Zeus: the log file of ``ZeusMonitor``, and what ``python -m zeus.monitor power`` prints.

References: zeus/monitor/energy.py and zeus/monitor/__main__.py of Zeus 0.16. A window's energy
becomes its mean power: between windows nothing was measured.
"""

import re

NAME = "Zeus"
PRINTED = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (\{.*\})\s*$")
GPU = re.compile(r"'GPU(\d+)': ([^,}]+)")


def recognise(text):
    """Whether a text was written by Zeus."""
    first = (text.splitlines() or [""])[0]
    return first.startswith("start_time,window_name,elapsed_time") or bool(PRINTED.match(first))


def read(samples):
    """Read the power of each GPU [W]."""
    if PRINTED.match(samples.text.splitlines()[0]):
        for line, text in enumerate(samples.text.splitlines(), start=1):
            found = PRINTED.match(text)
            for gpu, power in GPU.findall(found[2]) if found else []:
                samples.add(line, found[1], f"gpu {gpu}", power_w=samples.number(line, gpu, power))
        return
    last = {}
    for line, row in samples.table(needed=("start_time", "elapsed_time")):
        start = samples.number(line, "start_time", row["start_time"])
        end = start + samples.number(line, "elapsed_time", row["elapsed_time"])
        if start < last.get("end", start):
            samples.refuse(line, "column start_time: windows overlap; give windows that do not")
        last["end"] = end
        for name in (name for name in row if name.endswith("_energy")):
            gpu = name.removeprefix("gpu").removesuffix("_energy")
            samples.spread(line, start, end, samples.number(line, name, row[name]), f"gpu {gpu}")

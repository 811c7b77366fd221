"""CodeCarbon: emissions.csv, a row per flush of a run, energies counted from its start [kWh].

References: codecarbon/output_methods/emissions_data.py and file.py of CodeCarbon 3.3. Times are
local, of the row's end. Rows of tasks hold the energy of the task alone. The GPUs are measured; a
CPU without RAPL is modelled, which the file does not say.
"""

from inference_energy.errors import InputError
from inference_energy.meters.common import LIKELY, Samples, seconds
from inference_energy.units import J_PER_WH, WH_PER_KWH

NAME = "CodeCarbon's emissions.csv"
COLUMNS = {"gpu": ("gpu_energy",), "cpu": ("cpu_energy", "ram_energy")}


def recognise(text: str) -> bool:
    """Whether a text is CodeCarbon's table."""
    return "codecarbon_version" in (text.splitlines() or [""])[0]


def read(samples: Samples) -> None:
    """Read the mean power between two flushes of a run [W]."""
    if samples.scope not in COLUMNS:
        raise InputError(
            f"{samples.path}: CodeCarbon measures GPUs and CPUs, not the {samples.scope}: write "
            f"gpu:{samples.path} or cpu:{samples.path}"
        )
    samples.limit = LIKELY["node"]  # it adds up all GPUs, or all CPUs
    before: dict[str, tuple[float, float]] = {}
    needed = ("timestamp", "duration", "run_id", *COLUMNS[samples.scope])
    for line, row in samples.table(needed=needed):
        try:
            end = seconds(row["timestamp"], samples.zone)
        except ValueError as error:
            samples.refuse(line, f"column timestamp: {row['timestamp'][:40]!r}: {error}")
            continue
        energy = sum(
            samples.number(line, name, row[name], WH_PER_KWH * J_PER_WH)
            for name in COLUMNS[samples.scope]
        )
        start = end - samples.number(line, "duration", row["duration"])
        of_run = "task_name" not in row
        last, counted = before.get(row["run_id"], (start, 0.0)) if of_run else (start, 0.0)
        samples.spread(line, last, end, energy - counted, samples.scope)
        before[row["run_id"]] = (end, energy)

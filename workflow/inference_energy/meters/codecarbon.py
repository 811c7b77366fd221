"""CodeCarbon: emissions.csv, a row per flush of a run, energies counted from its start [kWh].

References: codecarbon/output_methods/emissions_data.py and file.py of CodeCarbon 3.3. Times are
local, of the row's end. Rows of tasks hold the energy of the task alone. The GPUs are measured; a
CPU without RAPL is modelled, which the file does not say. A row that is appended lacks the cells of
which nothing is known, such as the region: they stand behind the energies, and before the PUE, by
which the energies were multiplied (emissions_tracker.py). Each task that starts sets the clock of
its run back (start_task), so that the run's own row has the energy of all tasks, and the time of
the last one: its memory tells, whose power is taken for constant (external/ram.py).
"""

import math
from collections.abc import Mapping

from inference_energy.errors import InputError
from inference_energy.meters.common import LIKELY, Samples, seconds
from inference_energy.units import J_PER_WH, WH_PER_KWH

NAME = "CodeCarbon's emissions.csv"
COLUMNS = {"gpu": ("gpu_energy",), "cpu": ("cpu_energy", "ram_energy")}
PARTS, SUM = ("cpu_energy", "gpu_energy", "ram_energy"), "energy_consumed"
PUE = "pue"
LONGER = 1.5
"""How much longer than its duration a run's memory may have taken its power: a pause between two
measurements makes it shorter alone."""


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
    latest: dict[str, float] = {}
    needed = ("timestamp", "duration", "run_id", *PARTS)
    header = [name.strip() for name in (samples.text.splitlines() or [""])[0].split(",")]
    for line, row in samples.table(needed=needed, shorter=True):
        if len(row) < len(header) and not _adds_up(samples, line, row):
            samples.refuse(
                line,
                f"column {SUM}: is not the sum of the energies before it: its cells are not those "
                "of the header; correct or remove it",
            )
            continue
        try:
            end = seconds(row["timestamp"], samples.zone, latest.get(row["run_id"]))
        except ValueError as error:
            samples.refuse(line, f"column timestamp: {row['timestamp'][:40]!r}: {error}")
            continue
        latest[row["run_id"]] = end
        raised = 1.0
        if PUE in header:
            # counted from the end, where no cell is left out
            behind = len(header) - header.index(PUE)
            stated = samples.number(line, PUE, next(iter([*row.values()][-behind:])))
            raised = stated if stated > 0 else 1.0
        energy = sum(_energy(samples, line, row, name) for name in COLUMNS[samples.scope]) / raised
        duration = samples.number(line, "duration", row["duration"])
        start = end - duration
        of_run = "task_name" not in row
        measured = _measured_seconds(samples, line, row) / raised
        if of_run and measured > LONGER * duration:
            samples.refuse(
                line,
                f"column duration: its memory took the energy of {measured:.3g} s in "
                f"{duration:.3g} s, as where CodeCarbon measures tasks: give the table of tasks "
                "that it writes beside this one",
            )
            continue
        last, counted = before.get(row["run_id"], (start, 0.0)) if of_run else (start, 0.0)
        samples.spread(line, last, end, energy - counted, samples.scope)
        before[row["run_id"]] = (end, energy)


def _adds_up(samples: Samples, line: int, row: Mapping[str, str]) -> bool:
    """Whether the energies of a row are where the header says, as their sum tells [kWh]."""
    if SUM not in row:
        return False
    *parts, whole = (samples.number(line, name, row[name]) for name in (*PARTS, SUM))
    return math.isclose(sum(parts), whole, rel_tol=1e-6)


def _energy(samples: Samples, line: int, row: Mapping[str, str], name: str) -> float:
    """Energy of a row [J]."""
    return samples.number(line, name, row[name], WH_PER_KWH * J_PER_WH)


def _measured_seconds(samples: Samples, line: int, row: Mapping[str, str]) -> float:
    """Time in which the memory of a machine took its energy [s]; zero where that is not told."""
    power = samples.number(line, "ram_power", row.get("ram_power"))
    # behind the energies, where a row may lack cells
    if "machine" not in row.values() or not power > 0:
        return 0.0
    return _energy(samples, line, row, "ram_energy") / power

"""Sample a meter of this machine once a second until stopped.

``python -m inference_energy.stress.sampler KIND FILE`` appends rows time (Unix seconds), meter,
power_w, energy_j to FILE; KIND is rapl, ipmi or zeus. A meter that cannot be read is an error,
never a zero.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from inference_energy.units import KILO, MEGA

POWERCAP = Path("/sys/class/powercap")
IPMI = ["ipmitool", "dcmi", "power", "reading"]
INTERVAL = 1.0

Readings = Sequence[tuple[str, str | float, str | float]]
"""A round of readings: meter, power [W] and energy [J], empty where it does not tell."""


def rapl_zones(root: Path) -> dict[str, Path]:
    """Folders of the zones that add up without overlap: every package and its memory."""
    zones = {}
    for folder in sorted(root.glob("intel-rapl:*")):
        name = (folder / "name").read_text(encoding="ascii").strip()
        if name.startswith("package") or name == "dram":
            parent = "" if name != "dram" else f"{folder.name.rsplit(':', 1)[0]} "
            zones[f"{parent}{name}"] = folder
    if not zones:
        sys.exit(f"no RAPL zone of a package under {root}")
    return zones


def rapl(root: Path = POWERCAP) -> Iterator[Readings]:
    """Yield rounds of RAPL counters, carried on over their wrap-around."""
    zones = rapl_zones(root)
    last: dict[str, int] = {}
    carried = dict.fromkeys(zones, 0)
    while True:
        readings = []
        for name, folder in zones.items():
            try:
                count = int((folder / "energy_uj").read_text())
                if count < last.get(name, 0):
                    carried[name] += int((folder / "max_energy_range_uj").read_text())
            except OSError as error:
                sys.exit(f"{error.filename}: {error.strerror}: give read permission")
            last[name] = count
            readings.append((name, "", (count + carried[name]) / MEGA))
        yield readings


def ipmi() -> Iterator[Readings]:
    """Yield the node's power as its management controller reports it.

    A controller that has told its power once may be silent now and then.
    """
    told = False
    while True:
        try:
            answer = subprocess.run(IPMI, capture_output=True, text=True)
        except OSError as error:
            sys.exit(f"{IPMI[0]}: {error.strerror}: install it, or name another source of power")
        found = re.search(r"Instantaneous power reading:\s+(\d+) Watts", answer.stdout)
        asleep = re.search(r"Power reading state is:\s+deactivated", answer.stdout)
        found = None if asleep else found
        if not found and not told:
            said = answer.stderr.strip() or ("it is not activated" if asleep else "nothing more")
            sys.exit(f"{' '.join(IPMI)}: no power reading in its answer; it said: {said}")
        told = True
        yield [("node", found[1], "")] if found else []


def zeus() -> Iterator[Readings]:
    """Yield the energy counters of the GPUs that Zeus finds."""
    try:
        from zeus.device import get_gpus
    except ImportError:
        sys.exit(f"Zeus is not installed beside AIPerf: {sys.executable} -m pip install zeus")
    gpus = get_gpus()
    if not len(gpus):
        sys.exit("Zeus finds no GPU")
    while True:
        yield [
            (f"gpu {gpu}", "", gpus.get_total_energy_consumption(gpu) / KILO)
            for gpu in range(len(gpus))
        ]


def cut_to_whole_rows(path: Path) -> bool:
    """Cut off what a full disk left of a row that was being written; whether any row is left."""
    if not path.exists():
        return False
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return whole > 0


def main(kind: str, path: str) -> None:
    """Append a round of readings to `path` once an interval."""
    rounds = {"rapl": rapl, "ipmi": ipmi, "zeus": zeus}[kind]()
    fresh = not cut_to_whole_rows(Path(path))
    with open(path, "a", encoding="ascii", newline="\n", buffering=1) as file:
        if fresh:
            file.write("time,meter,power_w,energy_j\n")
        for readings in rounds:
            now = time.time()
            file.writelines(
                f"{now:.6f},{meter},{power},{energy}\n" for meter, power, energy in readings
            )
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main(*sys.argv[1:])

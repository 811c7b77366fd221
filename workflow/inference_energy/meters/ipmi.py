"""IPMI: what ``ipmitool dcmi power reading`` or FreeIPMI's ``ipmi-dcmi`` prints, again and again.

References: ipmitool's lib/ipmi_dcmi.c ("Instantaneous power reading", "IPMI timestamp") and
FreeIPMI's ipmi-dcmi ("Current Power", "Time Stamp"). ipmitool 1.8.19 writes times by the locale
(lib/ipmi_time.c, ``%x %X %Z``): ``03/06/2025 07:40:35 UTC``, ``03/06/25 07:40:35 UTC`` where none
is set, as of a service, or ``10/08/2026 06:02:12 PM EDT    Sampling period``.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.meters.common import ALWAYS, IN_TURN, MONTHS, Samples, alternating
from inference_energy.meters.compare import full_registers

NAME = "ipmitool dcmi power reading"
NODE = "node"
"""What the one meter of such a log is called."""

POWER = re.compile(r"(?:Instantaneous power reading|Current Power)\s*:\s*(.*?)\s*$", re.I | re.M)
EXTREME = re.compile(r"(?:Minimum|Maximum)\b.*:\s*(\d+)\s*Watts", re.I)
TIME = re.compile(r"(?:IPMI timestamp|Time ?Stamp)\s*:\s*(.+?)(?:\s+Sampling period.*|\s*)$", re.I)
STATE = re.compile(r"Power (?:reading state is|Measurement)\s*:\s*(\w+)", re.I)
ACTIVE = {"activated", "active"}
ZONE = re.compile(r"\s+(?!UTC|GMT|AM|PM)[A-Z]{2,5}$")
"""An abbreviation of a zone, which may stand for several: the zone is stated beside the log."""

DATE = re.compile(r"^(\d\d)/(\d\d)/(20)?(\d\d)\b")
"""A date as ipmitool writes it, its month first unless that is no month."""

APART = 0.001
"""Time between readings of one second, in which nodes take turns, far below that second. [s]"""

BACK = 10.0
"""By more than so much no clock is set back while it is kept right. [s]"""


@dataclass
class Reading:
    """Line, power [W], time as written, and least and largest power since the node counts them."""

    line: int
    power: float
    moment: str = ""
    extremes: list[str] = field(default_factory=list)


Moments = dict[str, list[Reading]]
"""The readings of each time."""


def recognise(text: str) -> bool:
    """Whether a text is a log of DCMI power readings."""
    return bool(POWER.search(text[:5000]))


def read(samples: Samples) -> None:
    """Read the node's power [W]; every reading is followed by its time.

    The times are whole seconds: of several readings in one, the mean is taken.
    """
    samples.only("node", "IPMI")
    samples.unnamed = NODE
    readings = _readings(samples)
    moments: Moments = {}
    for reading in readings:
        moments.setdefault(reading.moment, []).append(reading)
    samples.problems += _several_nodes(samples, moments)
    times: dict[str, float] = {}
    for moment, same in moments.items():
        powers = [reading.power for reading in same if not np.isnan(reading.power)]
        mean = float(np.mean(powers)) if powers else np.nan
        samples.add(same[0].line, moment, NODE, power_w=mean)
        if samples.lines and samples.lines[-1] == same[0].line:
            times[moment] = samples.times[-1]
    _refuse_back(samples, readings, times)
    if not samples.times and not samples.problems:
        raise InputError(
            f"{samples.path}: holds readings without times: keep the line 'IPMI timestamp' of each"
        )


def _readings(samples: Samples) -> list[Reading]:
    """Readings in the order of the log; of a node that is not active they are none."""
    readings: list[Reading] = []
    for line, text in enumerate(samples.text.splitlines(), start=1):
        last = readings[-1] if readings else None
        if found := POWER.search(text):
            if last and not last.moment:
                samples.refuse(
                    line, "follows a reading without a time: keep the line 'IPMI timestamp' of each"
                )
            readings.append(Reading(line, samples.number(line, "power", found[1])))
        elif last and (time := TIME.search(text)) and not last.moment:
            moment = ZONE.sub("", time[1].replace(" - ", " "))
            last.moment = DATE.sub(_iso_date, moment)
        elif last and (extreme := EXTREME.search(text)):
            last.extremes.append(extreme[1])
        elif last and (state := STATE.search(text)) and state[1].lower() not in ACTIVE:
            last.power = np.nan
    return [reading for reading in readings if reading.moment]


def _iso_date(date: re.Match[str]) -> str:
    """A date with its year first: one of a wrong month is in a time far from the test's."""
    month, day = date[1], date[2]
    if int(month) > MONTHS:
        month, day = day, month
    return f"20{date[4]}-{month}-{day}"


def _refuse_back(samples: Samples, readings: list[Reading], times: dict[str, float]) -> None:
    """Refuse a log that goes back into its own time: of two nodes, or of a clock that was set."""
    known = [(reading, times[reading.moment]) for reading in readings if reading.moment in times]
    earliest = np.inf
    for (_, before), (reading, time) in pairwise(known):
        earliest = min(earliest, before)
        if earliest <= time < before - BACK:
            samples.refuse(
                reading.line,
                f"is {before - time:.0f} s before the reading above, in a time that the log has"
                " had: keep a log of each node, and its clock in UTC",
            )
            return


def _several_nodes(samples: Samples, moments: Moments) -> list[str]:
    """Problems of readings that a mean over a second would hide: turns, and full registers."""
    rows = [
        (NODE, second + APART * place, reading.power)
        for second, same in enumerate(moments.values())
        for place, reading in enumerate(same)
    ]
    lines = [reading.line for same in moments.values() for reading in same]
    frame = pd.DataFrame(rows, columns=["meter", "time_s", "power_w"]).assign(line=lines)
    if full := [f"{samples.path}: {told}" for told in full_registers(frame)]:
        return full
    extremes = [tuple(reading.extremes) for same in moments.values() for reading in same]
    if any(_in_turn(extremes, count) for count in IN_TURN):
        return [
            f"{samples.path}: the least and largest powers that its readings state take turns: two"
            " or more nodes in one file; keep a file of each"
        ]
    return alternating(samples, frame)


def _in_turn(extremes: list[tuple[str, ...]], count: int) -> bool:
    """Whether extremes come again after ``count`` of them and differ from those before."""
    if len(extremes) < 4 * count:
        return False
    turns = [
        extremes[place] == extremes[place - count] != extremes[place - 1]
        for place in range(count, len(extremes))
    ]
    return bool(np.mean(turns) > ALWAYS)

"""IPMI: what ``ipmitool dcmi power reading`` or FreeIPMI's ``ipmi-dcmi`` prints, again and again.

References: ipmitool's lib/ipmi_dcmi.c ("Instantaneous power reading", "IPMI timestamp") and
FreeIPMI's ipmi-dcmi ("Current Power", "Time Stamp"). ipmitool 1.8.19 writes times as
``03/06/2025 07:40:35 UTC`` or, by the locale, ``10/08/2026 06:02:12 PM EDT    Sampling period``.
"""

import re

import pandas as pd

from inference_energy.errors import InputError
from inference_energy.meters.common import Samples, alternating

NAME = "ipmitool dcmi power reading"
POWER = re.compile(r"(?:Instantaneous power reading|Current Power)\s*:\s*(\d+)\s*Watts", re.I)
TIME = re.compile(r"(?:IPMI timestamp|Time ?Stamp)\s*:\s*(.+?)(?:\s+Sampling period.*|\s*)$", re.I)
ZONE = re.compile(r"\s+(?!UTC|GMT|AM|PM)[A-Z]{2,5}$")
"""An abbreviation of a zone, which may stand for several: the zone is stated beside the log."""

Moments = dict[str, list[tuple[int, float]]]
"""Line and power [W] of the readings of each time."""

APART = 0.001
"""Time between readings of one second, in which nodes take turns, far below that second. [s]"""


def recognise(text: str) -> bool:
    """Whether a text is a log of DCMI power readings."""
    return bool(POWER.search(text[:5000]))


def read(samples: Samples) -> None:
    """Read the node's power [W]; every reading is followed by its time.

    The times are whole seconds: of several readings in one, the mean is taken.
    """
    samples.only("node", "IPMI")
    power: float | None = None
    moments: Moments = {}
    for line, text in enumerate(samples.text.splitlines(), start=1):
        found, time = POWER.search(text), TIME.search(text)
        if found:
            if power is not None:
                samples.refuse(
                    line, "follows a reading without a time: keep the line 'IPMI timestamp' of each"
                )
            power = float(found[1])
        if time and power is not None:
            moment = ZONE.sub("", time[1].replace(" - ", " "))
            moments.setdefault(moment, []).append((line, power))
            power = None
    samples.problems += _several_nodes(samples, moments)
    for moment, readings in moments.items():
        mean = sum(power for _, power in readings) / len(readings)
        samples.add(readings[0][0], moment, "node", power_w=mean)
    if not samples.rows and not samples.problems:
        raise InputError(
            f"{samples.path}: holds readings without times: keep the line 'IPMI timestamp' of each"
        )


def _several_nodes(samples: Samples, moments: Moments) -> list[str]:
    """Problems of readings that take turns within their seconds, which a mean would hide."""
    rows = [
        ("node", second + APART * place, power)
        for second, readings in enumerate(moments.values())
        for place, (_, power) in enumerate(readings)
    ]
    return alternating(samples, pd.DataFrame(rows, columns=["meter", "time_s", "power_w"]))

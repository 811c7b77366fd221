"""IPMI: what ``ipmitool dcmi power reading`` or FreeIPMI's ``ipmi-dcmi`` prints, again and again.

References: ipmitool's lib/ipmi_dcmi.c ("Instantaneous power reading", "IPMI timestamp") and
FreeIPMI's ipmi-dcmi ("Current Power", "Time Stamp").
"""

import re

from inference_energy.errors import InputError

NAME = "ipmitool dcmi power reading"
POWER = re.compile(r"(?:Instantaneous power reading|Current Power)\s*:\s*(\d+)\s*Watts", re.I)
TIME = re.compile(r"(?:IPMI timestamp|Time ?Stamp)\s*:\s*(.+?)\s*$", re.I)


def recognise(text):
    """Whether a text is a log of DCMI power readings."""
    return bool(POWER.search(text[:5000]))


def read(samples):
    """Read the node's power [W]; every reading is followed by its time."""
    power = None
    for line, text in enumerate(samples.text.splitlines(), start=1):
        found, time = POWER.search(text), TIME.search(text)
        if found:
            power = float(found[1])
        if time and power is not None:
            samples.add(line, time[1].replace(" - ", " "), "node", power_w=power)
            power = None
    if not samples.rows and not samples.problems:
        raise InputError(
            f"{samples.path}: holds readings without times: keep the line 'IPMI timestamp' of each"
        )

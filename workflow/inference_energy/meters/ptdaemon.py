"""SPEC's PTDaemon, as in the power logs of MLPerf: ``Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,...``."""

import re

from inference_energy.meters.common import Samples

NAME = "PTDaemon (spl.txt)"
LINE = re.compile(
    r"Time,(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d{4}) (?P<clock>[\d:.]+),Watts,(?P<watts>[^,]+)"
)


def recognise(text: str) -> bool:
    """Whether a text is a log of PTDaemon."""
    return bool(LINE.search(text[:5000]))


def read(samples: Samples) -> None:
    """Read the power of each channel's analyser [W]; a negative reading is none."""
    samples.only("node", "PTDaemon")
    for line, text in enumerate(samples.text.splitlines(), start=1):
        found = LINE.match(text)
        if not found:
            continue
        time = f"{found['year']}-{found['month']}-{found['day']} {found['clock']}"
        watts = found["watts"]
        power = samples.number(line, "Watts", None if watts.startswith("-") else watts)
        samples.add(line, time, power_w=power)

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
    lines = [
        (line, text, LINE.match(text))
        for line, text in enumerate(samples.text.splitlines(), start=1)
        if text.startswith("Time,")
    ]
    # what follows the watts tells that they are whole; a log without it has it in no line
    followed = any(found and found.end() < len(text) for _, text, found in lines)
    for line, text, found in lines:
        if not found or (followed and found.end() == len(text)):
            samples.refuse(line, f"is cut off: {text!r}; copy the log again")
            continue
        time = f"{found['year']}-{found['month']}-{found['day']} {found['clock']}"
        watts = found["watts"]
        power = samples.number(line, "Watts", None if watts.startswith("-") else watts)
        samples.add(line, time, power_w=power)

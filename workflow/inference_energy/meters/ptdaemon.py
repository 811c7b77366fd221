"""SPEC's PTDaemon, as in the power logs of MLPerf: ``Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,...``."""

import re

from inference_energy.meters.common import Samples

NAME = "PTDaemon (spl.txt)"
LINE = re.compile(
    r"Time,(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d{4}) (?P<clock>[\d:.]+),Watts,(?P<watts>[^,]+)"
)

START, WHOLE = "Time,", re.compile(r"Time,[^,]+,Watts,[^,]+")
"""How a line of the log begins, and how much of it has its time and its watts."""


def recognise(text: str) -> bool:
    """Whether a text is a log of PTDaemon."""
    return bool(LINE.search(text[:5000]))


def cut_off(text: str) -> dict[int, str]:
    """Lines of a log that end before or within their watts, by number.

    What follows the watts tells that they are whole; a log without it has it in no line.
    """
    lines = [
        (line, each, WHOLE.match(each))
        for line, each in enumerate(text.splitlines(), start=1)
        if each.startswith(START)
    ]
    longer = any(found and found.end() < len(each) for _, each, found in lines)
    return {
        line: each
        for line, each, found in lines
        if not found or (longer and found.end() == len(each))
    }


def read(samples: Samples) -> None:
    """Read the power of each channel's analyser [W]; a negative reading is none."""
    samples.only("node", "PTDaemon")
    cut = cut_off(samples.text)
    for line, text in enumerate(samples.text.splitlines(), start=1):
        if not text.startswith(START):
            continue
        found = LINE.match(text)
        if not found or line in cut:
            samples.refuse(line, f"is cut off: {text!r}; copy the log again")
            continue
        time = f"{found['year']}-{found['month']}-{found['day']} {found['clock']}"
        watts = found["watts"]
        power = samples.number(line, "Watts", None if watts.startswith("-") else watts)
        samples.add(line, time, power_w=power)

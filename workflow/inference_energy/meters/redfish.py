"""Redfish: readings of a management controller as JSON, one document after the other.

References: DMTF's schemas MetricReport (MetricValues with their own Timestamp), Power
(PowerControl.PowerConsumedWatts) and EnvironmentMetrics (PowerWatts.Reading). The last two state no
time: it goes before the document on its line, or in a key ``time``.
"""

import json
import re

NAME = "Redfish"
POWER_METRICS = re.compile(r"power.*(consum|watts|input)|(system|total).*power", re.IGNORECASE)
NOT_METRICS = re.compile(r"avg|average|min|max|peak|cap|limit|energy", re.IGNORECASE)


def recognise(text):
    """Whether a text holds answers of Redfish."""
    start = text[:5000]
    return any(key in start for key in ('"PowerConsumedWatts"', '"MetricValues"', '"PowerWatts"'))


def read(samples):
    """Read the power of each member [W]."""
    timed = re.findall(r"^([0-9][^{\s]*)\s*(\{.*\})\s*$", samples.text, re.M)
    if timed:
        for number, (time, text) in enumerate(timed, start=1):
            with samples.parts_of(number):
                _read(samples, number, _parsed(text) | {"time": time})
        return
    for line, document in samples.documents():
        with samples.parts_of(line):
            _read(samples, line, document)


def _parsed(text):
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested without end") from None


def _read(samples, line, document):
    for value in document.get("MetricValues", []):
        name = str(value.get("MetricId") or value.get("MetricProperty"))
        if POWER_METRICS.search(name) and not NOT_METRICS.search(name):
            time = value.get("Timestamp") or document.get("Timestamp")
            power = samples.number(line, name, value.get("MetricValue"))
            samples.add(line, time, name, power_w=power)
    found = {
        part.get("Name") or part.get("MemberId") or "power": part.get("PowerConsumedWatts")
        for part in document.get("PowerControl", [])
    }
    if "PowerWatts" in document:
        found["power"] = document["PowerWatts"].get("Reading")
    for name, power in found.items():
        time = document.get("time") or document.get("Timestamp")
        if time is None:
            samples.refuse(line, "states no time: write it before each document, or as key time")
            return
        samples.add(line, time, name, power_w=samples.number(line, name, power))

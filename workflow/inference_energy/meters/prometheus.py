"""Prometheus: the answer to a range query, from a file or asked for live.

References: the HTTP API's ``/api/v1/query_range``; names of NVIDIA's DCGM exporter, of
utkuozdemir/nvidia_gpu_exporter, of prometheus-community/ipmi_exporter, Scaphandre and Kepler.
"""

import re
import urllib.error
import urllib.parse
from http.client import HTTPException

from inference_energy.errors import InputError
from inference_energy.meters.common import Samples
from inference_energy.units import GB_PER_MIB, MICRO, MILLI
from inference_energy.web import asked

NAME = "a range query of Prometheus"
METRICS = {
    "gpu": {
        "DCGM_FI_DEV_POWER_USAGE": ("power_w", 1.0),
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("energy_j", MILLI),
        "DCGM_FI_DEV_GPU_UTIL": ("utilisation", 0.01),
        "DCGM_FI_DEV_FB_USED": ("memory_gb", GB_PER_MIB),
        "DCGM_FI_DEV_SM_CLOCK": ("clock_mhz", 1.0),
        "nvidia_smi_power_draw_watts": ("power_w", 1.0),
        "nvidia_smi_utilization_gpu_ratio": ("utilisation", 1.0),
    },
    "cpu": {
        "node_rapl_package_joules_total": ("energy_j", 1.0),
        "node_rapl_dram_joules_total": ("energy_j", 1.0),
    },
    "node": {
        "ipmi_dcmi_power_consumption_watts": ("power_w", 1.0),
        "scaph_host_power_microwatts": ("power_w", MICRO),
        "kepler_node_platform_joules_total": ("energy_j", 1.0),
    },
}
LABELS = ("gpu", "GPU", "uuid", "UUID", "index", "path", "device")
MOST_POINTS = 10_000
TIMEOUT = 30.0
MOST_BYTES = 2**27
"""Longest answer: 10,000 points of a thousand GPUs. [bytes]"""


def recognise(text):
    """Whether a text is an answer of Prometheus."""
    return bool(re.match(r'\s*\{\s*"status"', text)) and '"resultType"' in text[:2000]


def read(samples):
    """Read every series whose metric is known; one sample per meter and time."""
    known = METRICS[samples.scope]
    rows = {}
    several = set()
    for line, answer in samples.documents():
        with samples.parts_of(line):
            _read_answer(samples, line, answer, known, rows, several)
    for (host, device, time), row in rows.items():
        meter = f"{samples.scope} {device}".strip()
        line = row.pop("line")
        samples.add(line, time, f"{host} {meter}" if len(several) > 1 else meter, **row)


def _read_answer(samples, line, answer, known, rows, several):
    data = answer.get("data") or {}
    if data.get("resultType") != "matrix":
        kind = data.get("resultType", answer.get("error", "nothing"))
        samples.refuse(line, f"holds {kind}, no matrix: ask /api/v1/query_range")
        return
    for series in data["result"]:
        labels = series["metric"]
        name = labels.get("__name__")
        if name not in known:
            samples.refuse(
                line,
                f"metric {name}: known for the {samples.scope} are {', '.join(known)}; query "
                "one of these, without a function around it",
            )
            continue
        host = labels.get("Hostname") or labels.get("instance") or ""
        device = next((labels[label] for label in LABELS if label in labels), "")
        several.add(host)
        column, factor = known[name]
        part = name.split("_")[2] + " " if samples.scope == "cpu" else ""
        for time, value in series["values"]:
            key = (host, f"{part}{device}", float(time))
            rows.setdefault(key, {"line": line})[column] = samples.number(line, name, value, factor)


def fetch(address, scope, start, end, step=1.0):
    """Samples of a scope from a running Prometheus.

    Parameters
    ----------
    address : str
        ``http://HOST:9090``, followed by a selector ``{Hostname="node1"}`` where it watches
        several nodes.
    scope : str
        gpu, cpu or node.
    start, end : float
        Unix times [s].
    step : float
        Between samples [s].

    Raises
    ------
    InputError
        A server that does not answer or answers with an error.
    """
    base, brace, selector = address.partition("{")
    names = "|".join(METRICS[scope])
    more = f",{selector}" if brace else "}"
    query = f'{{__name__=~"{names}"{more}'
    answers = []
    while start < end:
        until = min(end, start + MOST_POINTS * step)
        form = {"query": query, "start": f"{start:.3f}", "end": f"{until:.3f}", "step": f"{step:g}"}
        url = f"{base.rstrip('/')}/api/v1/query_range?{urllib.parse.urlencode(form)}"
        try:
            with asked(url, TIMEOUT, MOST_BYTES) as answer:
                answers.append(answer.body().decode(errors="replace"))
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            raise InputError(f"{base}: HTTP {error.code} to {query}: {said}") from None
        except (OSError, HTTPException) as error:
            raise InputError(
                f"{base}: Prometheus does not answer ({error}): check the address, or give its "
                "answer to a range query as a file"
            ) from None
        start = until + step
    samples = Samples(base, "\n".join(answers), scope)
    read(samples)
    if not samples.rows and not samples.problems:
        raise InputError(f"{base}: no series for {query}: check that the exporter is scraped")
    return samples.frame()

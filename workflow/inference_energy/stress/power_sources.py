"""Where power comes from: the sources that a user names, and what each measures."""

import os
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from inference_energy.errors import InputError
from inference_energy.meters import prometheus, read_log
from inference_energy.project import read_at_most
from inference_energy.secrecy import STATED, looks_secret
from inference_energy.tables import write_text
from inference_energy.web import address_problem, asked

SCOPES = {
    "dcgm": "gpu",
    "nvml": "gpu",
    "amdsmi": "gpu",
    "zeus": "gpu",
    "rapl": "cpu",
    "ipmi": "node",
}
"""Kinds of source that measure one scope only."""


NAMES = ("gpu", "cpu", "node")
SAMPLED = ("zeus", "rapl", "ipmi")
"""Kinds that this project samples itself."""


COLLECTORS = {"nvml": "pynvml", "amdsmi": "amdsmi", "dcgm": "dcgm"}
"""Kinds that AIPerf samples, by its own names."""


CLOCK = "DCGM_FI_DEV_SM_CLOCK, gauge, SM clock frequency (in MHz)\n"
"""What AIPerf leaves out of an exporter's metrics, in the form of its file of metrics."""


POWERS = (b"DCGM_FI_DEV_POWER_USAGE", b"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")
"""Metrics of an exporter of which either tells the energy."""

MOST_BYTES = 2**24
"""Longest answer of an exporter. [bytes]"""


PATIENCE, SOON = 10.0, 2.0
"""Longest wait for an exporter that is named, and for one that is looked for [s]."""


HEADER = 2**20
"""Longest header of a log. [bytes]"""

LATELY = 600.0
"""Time around now for which a Prometheus is asked whether it has readings; its clock may be off.
[s]"""


ALLOWED = (
    "nvml, amdsmi, zeus, rapl, ipmi, the address of a DCGM exporter (http://HOST:9400/metrics), "
    "prometheus:http://HOST:9090, a power log (gpu:FILE, cpu:FILE or node:FILE), auto, or none"
)


class PowerSource(NamedTuple):
    """One source of power.

    Parameters
    ----------
    scope : str
        gpu, cpu or node.
    kind : str
        A key of :data:`SCOPES`, ``prometheus`` or ``file``.
    target : str
        Address or file; empty for this machine's own.
    """

    scope: str
    kind: str
    target: str = ""

    @property
    def named(self) -> str:
        """Its name for a reader."""
        return self.target or self.kind


def named_power_sources(
    setting: str | dict[str, str] | list[str | dict[str, str]],
) -> list[PowerSource]:
    """Power sources that a user names.

    Parameters
    ----------
    setting : str, dict, or list of these
        Words of :data:`ALLOWED`; a mapping of scope to file is the same as ``scope:FILE``.

    Returns
    -------
    list of PowerSource

    Raises
    ------
    InputError
        For a word that is none of these, a source that stands there twice, or sources of two kinds
        for one scope: their energies would be counted twice.
    """
    items = setting if isinstance(setting, list) else [setting]
    words = [word for item in items for word in _words(item) if word != "none"]
    power_sources, problems = [], []
    for word in words:
        source = _source(word)
        if source is None:
            problems.append(f"power: {_shown(word)}: allowed are {ALLOWED}")
        else:
            power_sources.append(source)
            problems += _address_problems(source)
    for scope in NAMES:
        kinds = {source.kind for source in power_sources if source.scope == scope}
        if len(kinds) > 1:
            named = ", ".join(sorted(kinds))
            problems.append(f"power: {named}: two kinds of source measure the {scope}; name one")
    own = [source._replace(target=os.path.normpath(source.target)) for source in power_sources]
    for source in sorted({source for source in own if own.count(source) > 1}):
        shown = source.target if source.kind == "file" else source.kind
        problems.append(f"power: {shown}: stands there twice, and would count twice; name it once")
    if problems:
        raise InputError(problems)
    return power_sources


def _words(item: str | dict[str, str]) -> list[str]:
    return [f"{scope}:{file}" for scope, file in item.items()] if isinstance(item, dict) else [item]


def _shown(word: str) -> str:
    """Write a word for a message; an address may hold a secret."""
    return "an address" if "//" in word or "@" in word else repr(word)


def _source(word: str) -> PowerSource | None:
    """Power source of a word; a file without a scope is a wall meter's."""
    if word in SCOPES and word != "dcgm":
        return PowerSource(SCOPES[word], word)
    if word.startswith(("http://", "https://")):
        return PowerSource("gpu", "dcgm", _exporter(word))
    scope, colon, target = word.partition(":")
    if not colon or scope not in NAMES:
        scope, target = "", word
    if target.startswith("prometheus:http"):
        return PowerSource(scope or "gpu", "prometheus", target.removeprefix("prometheus:"))
    if "://" in target or not target:
        return None
    if scope or "." in target:
        # no shell does so behind a scope
        return PowerSource(scope or "node", "file", os.path.expanduser(target))
    return None


def _exporter(address: str) -> str:
    """Address of an exporter's metrics, as AIPerf builds it and names its samples after."""
    address = address.rstrip("/")
    return address if address.endswith("/metrics") or "?" in address else f"{address}/metrics"


def _address_problems(source: PowerSource) -> list[str]:
    if source.kind not in ("dcgm", "prometheus"):
        return []
    address, _, selector = source.target.partition("{")
    problem = address_problem(address)
    if not problem and (STATED.search(selector) or looks_secret(selector)):
        problem = (
            "holds what looks like a key in its selector, which results would repeat; allowed are"
            " labels of its series; remove it"
        )
    return [f"power: the address of a source of the {source.scope} {problem}"] if problem else []


def is_local(endpoint: str) -> bool:
    """Whether the endpoint is on this machine."""
    host = urlsplit(endpoint).hostname or ""
    if host in ("localhost", socket.gethostname()):
        return True
    # a program can listen at this machine's own addresses alone
    with suppress(ValueError, OSError):
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        with socket.socket(family) as listener:
            listener.bind((host, 0))
        return True
    return False


def find_power_sources(settings: Mapping[str, Any]) -> list[PowerSource]:
    """Power sources: those named, or with `auto` those that answer."""
    local = is_local(settings["endpoint"])
    if settings["power"] != "auto":
        power_sources = named_power_sources(settings["power"])
        wrong = [source.kind for source in power_sources if not source.target and not local]
        if wrong:
            raise InputError(
                f"power: {', '.join(wrong)} would measure this machine, but the endpoint is on "
                f"{urlsplit(settings['endpoint']).hostname}: run the test there, or name its DCGM "
                "exporter or a meter's file"
            )
        absent = [
            source.target
            for source in power_sources
            if source.kind == "file" and not os.path.exists(source.target)
        ]
        if absent:
            raise InputError(f"power: {', '.join(absent)}: no such file")
        return power_sources
    host = urlsplit(settings["endpoint"]).hostname
    exporter = f"http://{f'[{host}]' if ':' in host else host}:9400/metrics"
    if b"DCGM_FI_DEV_POWER_USAGE" in _fetch(exporter, SOON):
        return [PowerSource("gpu", "dcgm", exporter)]
    power_sources = []
    if local and Path("/proc/driver/nvidia/version").exists():
        power_sources.append(PowerSource("gpu", "nvml"))
    zones = sorted(Path("/sys/class/powercap").glob("intel-rapl:*/energy_uj"))
    if local and zones and os.access(zones[0], os.R_OK):
        power_sources.append(PowerSource("cpu", "rapl"))
    if local and Path("/dev/ipmi0").exists() and shutil.which("ipmitool"):
        power_sources.append(PowerSource("node", "ipmi"))
    return power_sources


def check_power_sources(power_sources: Sequence[PowerSource], zone: str | None = None) -> None:
    """Refuse sources that cannot be read before the test begins, all at once.

    On a network they must have a reading; a log may get its first one later.

    Parameters
    ----------
    power_sources : list of PowerSource
        All sources.
    zone : str, optional
        As for :func:`~inference_energy.meters.read_log`.

    Raises
    ------
    InputError
        What cannot be read, and the remedy of each.
    """
    problems, now = [], time.time()
    for source in power_sources:
        if source.kind == "file":
            problems += _log_problems(source, zone)
        if source.kind == "dcgm":
            problems += _exporter_problems(source.target)
        if source.kind == "prometheus":
            try:
                prometheus.fetch(source.target, source.scope, now - LATELY, now + LATELY)
            except InputError as error:
                problems += [f"power: {problem}" for problem in error.problems]
    if problems:
        raise InputError(problems)


def _log_problems(source: PowerSource, zone: str | None) -> list[str]:
    """Why a log cannot be read; an empty list where it can, or holds a header at most."""
    path = Path(source.target)
    if not path.exists() or (path.is_file() and read_at_most(path, HEADER).count(b"\n") <= 1):
        return []
    try:
        read_log(path, source.scope, zone)
    except InputError as error:
        return [f"power: {problem}" for problem in error.problems]
    return []


def _exporter_problems(address: str) -> list[str]:
    """Why an exporter cannot tell the energy; an empty list when it can."""
    said = _fetch(address, PATIENCE)
    if b"DCGM_FI_DEV_" not in said:
        return [
            f"power: {address}: no DCGM exporter answers there: start it, correct the "
            "address, or give power: none to test without energy"
        ]
    if not any(name in said for name in POWERS):
        return [
            f"power: {address}: tells no power: add DCGM_FI_DEV_POWER_USAGE to the exporter's file "
            "of metrics, or name another source"
        ]
    return []


def _fetch(address: str, patience: float) -> bytes:
    try:
        with asked(address, patience, MOST_BYTES) as answer:
            return answer.body()
    except (OSError, HTTPException, InputError):
        return b""


def telemetry_section(power_sources: Sequence[PowerSource], metrics: Path) -> dict[str, Any]:
    """AIPerf's own section on GPU telemetry.

    Parameters
    ----------
    power_sources : list of PowerSource
        All sources.
    metrics : Path
        File of an exporter's further metrics, which is written where there is an exporter.
    """
    own = [source for source in power_sources if source.kind in COLLECTORS]
    if not own:
        return {"enabled": False}
    section = {"enabled": True, "collector": COLLECTORS[own[0].kind]}
    addresses = [source.target for source in own if source.kind == "dcgm"]
    if not addresses:
        return section
    write_text(metrics, CLOCK)
    return section | {"urls": addresses, "metricsFile": str(metrics)}

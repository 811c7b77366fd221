"""Settings of a stress test: those of config/stress.yaml, and those stated for a run."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from inference_energy.documents import read, read_schema, schema_problems, typed
from inference_energy.errors import InputError
from inference_energy.lock import Lock
from inference_energy.project import own, provided
from inference_energy.secrecy import SECRET, looks_secret
from inference_energy.tables import spelling
from inference_energy.web import address_problem

FILE = "config/stress.yaml"

KEY = "OPENAI_API_KEY"
"""Variable of the endpoint's key."""

NAMES = ("model", "gpu", "engine")
"""Facts that are names."""

RUNS, STARTS = "run.lock", "start.lock"
"""Locks of a test's folder: of the test itself, and of the command that starts it."""

LONGEST_NAME = 100
"""Letters of a folder's name: no file system takes names of files in it beyond 255."""


def form(settings: str) -> str:
    """Write settings, such as ``window: 30``, as they are stated on the command line."""
    return f"--config stress='{{{settings}}}'"


def merge(stated: Mapping[str, Any] | None) -> dict[str, Any]:
    """Settings of config/stress.yaml with others in their place.

    Parameters
    ----------
    stated : dict or None
        Key ``stress`` of the configuration; what the command line leaves as text is read.

    Returns
    -------
    dict
        All keys of the file, that of the run's folder before the project's; those stated.
    """
    files = [path for path in (own(FILE), provided(FILE)) if Path(path).exists()]
    settings: dict[str, Any] = {}
    for path in files:
        found = read(path)
        if not isinstance(found, dict):
            raise InputError(f"{path}: holds no keys; allowed are keys with values; restore it")
        settings |= found
    return settings | typed(stated or {}, read_schema("stress"))


def folder_name(settings: Mapping[str, Any]) -> str:
    """Name of the folder of a test's results: as stated, or the model's in plain letters."""
    name = str(settings.get("name") or settings.get("model"))
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".")[:LONGEST_NAME] or "-"


def lock(folder: str | Path, place: str | Path) -> Lock:
    """Lock a test's folder, as :class:`Lock`; its refusal tells how to run another test."""
    try:
        return Lock(folder, place)
    except InputError as error:
        remedy = f"or give this test another name ({form('name: NAME')})"
        raise InputError(f"{folder}: {error}; {remedy}") from None


def setting_problems(settings: dict[str, Any]) -> list[str]:
    """Problems of the settings of a test that is to run, one sentence each."""
    missing = [key for key in ("endpoint", "model") if settings.get(key) is None]
    least = form("endpoint: http://HOST:PORT/v1, model: NAME")
    found = [f"{FILE}: key {key}: is not stated; give at least {least}" for key in missing]
    settings, problem = without_wrong_endpoint(settings)
    found += [f"{FILE}: key endpoint: {problem}"] if problem else []
    found += schema_problems(settings, read_schema("stress"), FILE)
    found += _gpus(settings) + _names(settings) + _secrets(settings)
    return found + _zone(settings.get("meter_zone"))


def without_wrong_endpoint(settings: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Settings without an endpoint that is wrong, and what is wrong with it, or None.

    A message about its value would repeat a secret in it.
    """
    endpoint = settings.get("endpoint")
    problem = address_problem(endpoint) if isinstance(endpoint, str) else None
    return settings | {"endpoint": None} if problem else settings, problem


def key_problems(key: str | None) -> list[str]:
    """Problems of the endpoint's key, or None, without repeating it."""
    if not key or re.fullmatch(r"[!-~]+", key):
        return []
    return [
        f"{KEY}: holds blanks, line ends or letters beyond ASCII, which no header carries; allowed "
        f"is printable ASCII; set it again, such as by export {KEY}=$(cat FILE)"
    ]


def _gpus(settings: Mapping[str, Any]) -> list[str]:
    """Problem of two statements of how many GPUs there are; numbers in a list are of every node."""
    gpus, facts = settings.get("gpus"), settings.get("facts")
    number = facts.get("n_gpus") if isinstance(facts, dict) else None
    if not gpus or not isinstance(gpus, int | list) or not isinstance(number, int):
        return []
    if number % len(gpus) == 0 if isinstance(gpus, list) else gpus == number:
        return []
    return [
        f"{FILE}: key gpus: value {gpus!r}: the facts state n_gpus {number}; allowed is the same "
        "number, or the numbers of the GPUs of every node; correct one of them"
    ]


def _names(settings: Mapping[str, Any]) -> list[str]:
    """Names that are not in the spelling of tables: no table, or server, would know them."""
    facts = settings.get("facts")
    stated = facts if isinstance(facts, dict) else {}
    names = {f"facts.{key}": stated.get(key) for key in NAMES} | {"model": settings.get("model")}
    return [
        f"{FILE}: key {key}: value {name!a}: has letters that are invisible or only look like"
        f' others; allowed is the spelling of tables; write it as "{spelling(name)}"'
        for key, name in names.items()
        if isinstance(name, str) and name != spelling(name)
    ]


def _zone(name: object) -> list[str]:
    if not isinstance(name, str) or looks_secret(name):
        # told by the schema, without repeating it
        return []
    try:
        known = bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if known:
        return []
    return [
        f"{FILE}: key meter_zone: value {name!r}: is no zone; allowed are names of the IANA time "
        "zone database, such as Europe/Berlin or UTC; correct it"
    ]


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    found = [
        key
        for key, _ in _fields(settings, "")
        if key.startswith("extra_inputs.") and SECRET.search(key.rpartition(".")[2])
    ]
    return [
        f"{FILE}: key {key}: looks like a secret, which results would repeat; "
        "allowed are other fields; remove it, and set OPENAI_API_KEY where a key is needed"
        for key in found
    ]


def _fields(value: object, path: str) -> list[tuple[str, object]]:
    """Path and value of every field of a value, those within others too."""
    parts: Iterable[tuple[object, object]] = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        parts = enumerate(value)
    found: list[tuple[str, object]] = []
    for name, item in parts:
        found += [(f"{path}{name}", item), *_fields(item, f"{path}{name}.")]
    return found

"""What `snakemake requests` asks: a log, what it is charged by, and the files behind both."""

import csv
import os
import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

from inference_energy.deployments import files as deployments
from inference_energy.documents import near, near_path, read, read_schema, schema_problems
from inference_energy.errors import InputError
from inference_energy.lock import Lock
from inference_energy.method.materials import inputs_of_any, tables_of
from inference_energy.project import path_problems, provided
from inference_energy.requests import generate
from inference_energy.requests.formats import COMPRESSIONS, KINDS, format_problems, shown
from inference_energy.requests.log import columns_of_any, left_out, open_log
from inference_energy.requests.repeated import repeated_problems

PART_BYTES = 10**9
PART_FILES = 1000
PART_QUERIES = 125_000_000
"""A log is counted in parts of this size, or of so many files, so that a stopped run keeps what is
finished and a cluster shares the work."""

MOMENTS_BYTES = 2**26
"""Size of a log, up to which all starts and ends are kept as they are to measure its load; of a
larger one those of as many bins of time as so many bytes have."""

MEMORY_MB = 600
"""DuckDB's, of a job; with its interpreter and the answer's arrays two at once stay below 2 GB."""

DIGITS = 8
"""Digits by which the folders of two logs of one name differ."""

WITHOUT_LOG = (
    "key log: missing; allowed is a file, a folder or generate:METHOD:COUNT, as in"
    " snakemake requests --config log=PATH method=oviedo2026; state it"
)
LOCK = "run.lock"
"""Lock of a log's folder: another log can be read meanwhile."""

COUNTS = [
    *("lengths", "hours", "tenants", "flight", "moments", "alike", "states", "hops", "rises"),
    *("kinds", "examples", "units"),
]
TIMED = {"start", "finish"}
"""Columns of a log from which its load is measured."""
MOST_IN_FLIGHT = 1_000_000
"""Replicas serve one to some ten thousand requests at once."""

ASSUMPTIONS = "assumptions"
"""Table of what is behind a deployment that charges a log, as its own answer has it."""

FIGURES = ["distribution", "parts"]

TABLES: dict[str, set[str]] = {
    "by_model": set(),
    "percentiles": set(),
    "parts": set(),
    "long_requests": set(),
    "medians": set(),
    "largest": set(),
    "kinds": set(),
    "examples": set(),
    "by_hour": {"start"},
    "by_tenant": {"tenant"},
    "load": TIMED,
}
"""Tables of the answer, and the columns of a log that each needs; a stated load needs none."""


def asked_methods(config: Mapping[str, Any]) -> dict[str, str]:
    """Methods that the configuration's log needs, and the key that names each."""
    day = generate.parse(config["log"])
    asked = {deployments.REFERENCE: "key log"} | ({day[0]: "key log"} if day else {})
    return asked | ({config["method"]: "key method"} if "method" in config else {})


def load(
    config: Mapping[str, Any],
    settings: Mapping[str, Any],
    methods: Mapping[str, dict[str, Any]],
    paths: Mapping[str, str],
    broken: Collection[str] = (),
) -> dict[str, Any] | None:
    """Find out what is known of a log before anything runs.

    Parameters
    ----------
    config : dict
        The workflow's configuration, with the key ``log``.
    settings : dict
        config/requests.yaml.
    methods : dict of str to dict
        Resolved methods by name.
    paths : dict of str to str
        Files of all methods by name.
    broken : collection of str
        Methods whose problems are told elsewhere.

    Returns
    -------
    dict or None
        ``settings``; ``served``, what charges it: its resolved ``method``, of a deployment with
        all that ``deployments.files.load`` says; ``log``, what its jobs read it by; ``name``;
        ``stated``, the columns that it has; ``format``, the name of its format; ``left_out``,
        names of files that are hidden; ``parts``, into how many it is split; ``reference``,
        the method whose query stands beside it; ``load``: ``load`` (requests in flight, measured,
        or None) and ``copies`` of a model that share them; ``title``. None if a problem of a
        method, told elsewhere, is in the way.

    Raises
    ------
    InputError
        If the log, its format or what charges it is missing or wrong.
    """
    day = generate.parse(config["log"])
    served = _served(config, day, methods, paths, broken)
    if day and "format" in config:
        raise InputError(
            f"key format: value {config['format']}: is of a log on disk, and {config['log']} is"
            " drawn, with columns of its own; allowed is one of both; take one out"
        )
    known = _drawn(day, methods) if day else _stored(config, settings)
    reference = methods.get(deployments.REFERENCE)
    if not (served and known and reference):
        return None
    if "path" not in served and (problems := _model_problems(known, served["method"])):
        raise InputError(problems)
    log = config["log"] if day else shown(_name(config["log"]))
    title = f"{log}, {served['method']['title']}"
    return known | {
        "settings": settings,
        "served": served,
        "reference": reference,
        "title": title,
        "folder": f"build/requests/{known['name']}",
        "load": _load(config, known["stated"]),
    }


def _load(config: Mapping[str, Any], stated: set[str]) -> dict[str, Any]:
    """Load that the requests are charged at: stated, or measured where the log allows it."""
    load = config.get("load")
    if load is None and stated >= TIMED:
        load = "measured"
    if load == "measured" and not stated >= TIMED:
        raise InputError(
            "key load: value measured: the log lacks starts or ends; state the requests in flight"
        )
    if load == "best":
        load = inf
    elif load not in (None, "measured") and not _is_load(load):
        raise InputError(
            f"key load: value {load}: allowed are measured, best or requests in flight on a copy of"
            f" the model, from 1 to {MOST_IN_FLIGHT}; correct it"
        )
    return {"load": load, "copies": config.get("copies", 1)}


def _is_load(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 1 <= value <= MOST_IN_FLIGHT


def _served(
    config: Mapping[str, Any],
    day: tuple[str, int] | None,
    methods: Mapping[str, dict[str, Any]],
    paths: Mapping[str, str],
    broken: Collection[str],
) -> dict[str, Any] | None:
    """Method or deployment that charges the log, by the keys of the configuration."""
    if "deployment" in config:
        if "method" in config:
            raise InputError(
                "keys method and deployment: only one of them can charge the requests; take one out"
            )
        return deployments.read_deployment(config["deployment"], paths, broken, "deployment")
    name = config.get("method", day[0] if day else None)
    if name is None:
        raise InputError(
            f"key method: missing; allowed are {', '.join(paths)}, or deployment=FILE instead;"
            " state what the requests are charged by"
        )
    return {"method": methods[name]} if name in methods else None


def _drawn(day: tuple[str, int], methods: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """What is known of a day of a method's own queries."""
    name, count = day
    if name not in methods:
        return None
    return {
        "log": {"method": methods[name], "count": count},
        "name": f"{name}-{count}",
        "stated": generate.STATED,
        "format": "",
        "left_out": [],
        "parts": -(-count // PART_QUERIES),
    }


def _stored(config: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a log on disk."""
    log = open_log(config["log"], settings["formats"], _format(config.get("format"), settings))
    problems = [p for file in log.files for p in path_problems(file, "key log")]
    if problems and not path_problems(config["log"], ""):
        raise InputError(problems)
    where = f"key log: value {config['log']}"
    if problems := repeated_problems(log.files, log.kind, where):
        raise InputError(problems)
    size = sum(Path(file).stat().st_size for file in log.files)
    parts = max(1, round(size / PART_BYTES), round(len(log.files) / PART_FILES))
    form_name = _format_name(config, settings, log.form)
    return {
        "log": {
            "files": list(map(provided, log.files)),
            "kind": log.kind,
            "form": log.form,
            "format": form_name,
            "one_in": max(1, round(size / MOMENTS_BYTES)),
        },
        "name": folder_name(config["log"]),
        "stated": columns_of_any(log),
        "format": form_name,
        "left_out": [shown(Path(file).name) for file in left_out(config["log"])],
        "parts": parts if log.kind == "parquet" else min(parts, len(log.files)),
    }


def _model_problems(known: Mapping[str, Any], method: Mapping[str, Any]) -> list[str]:
    """Say which models of a format's the method cannot have: which of the others it has is known
    when its laws are fitted, and a log of a billion rows is counted before.
    """
    stated = known["log"].get("form", {}).get("models", {})
    tables = tables_of(method)
    # a table that is not there is told where it is asked for
    if not stated or not all(map(os.path.isfile, tables)):
        return []
    models = method["benchmarks"].get("models") or sorted({m for t in tables for m in _models(t)})
    return [
        f"key format: key models.{name}: value {model}: method {method['id']} has no benchmarks of"
        f" such a model; allowed is one that {', '.join(tables)} has, and the method takes; correct"
        " it, or take it out where the method's frontier blend is meant" + near(model, models)
        for name, model in stated.items()
        if model not in models
    ]


def _models(table: str) -> set[str]:
    """Models that a throughput table has rows of."""
    with open(table, encoding="utf-8", newline="") as text:
        return {row.get("model") or "" for row in csv.DictReader(text)}


def _name(path: str) -> str:
    """Name of a file or folder alone: the folders above can bear somebody's name."""
    return Path(os.path.abspath(path)).name


def folder_name(path: str) -> str:
    """Name of the folder of a log's answers: the log's own less the endings of its kind, and digits
    of where it is, so that logs of one name are apart.
    """
    bare = shown(_name(path))
    for endings in (COMPRESSIONS, KINDS):
        ending = next((e for e in endings if bare.lower().endswith(e)), "")
        bare = bare[: len(bare) - len(ending)]
    name = re.sub("[^A-Za-z0-9._-]", "-", bare).strip(".-") or "log"
    return f"{name}-{sha256(os.fsencode(_place(path))).hexdigest()[:DIGITS]}"


def _place(path: str) -> Path:
    """Path of a log, from the folder of the run where it is below that, which can be moved."""
    full, folder = Path(os.path.abspath(path)), Path.cwd()
    return full.relative_to(folder) if full.is_relative_to(folder) else full


def _format(name: str | None, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Format that the configuration names; none if the log decides."""
    if name is None or name in settings["formats"]:
        return settings["formats"].get(name)
    path = provided(name)
    if not os.path.isfile(path):
        raise InputError(
            f"key format: value {name}: no format and no file; allowed are"
            f" {', '.join(settings['formats'])}, or a YAML file with the keys of one; correct it"
            f"{near(name, settings['formats']) or near_path(name)}"
        )
    form, schema = read(path), read_schema("requests")
    wrapped = {"$ref": "#/$defs/format", "$defs": schema["$defs"]}
    problems = schema_problems(form, wrapped, path) or format_problems(form, path)
    if problems:
        raise InputError(problems)
    return form


def _format_name(
    config: Mapping[str, Any], settings: Mapping[str, Any], form: Mapping[str, Any]
) -> str:
    """Name of a log's format: as configured, or of the one that the log was found to have."""
    if "format" in config:
        return shown(_name(config["format"]))
    return next(name for name, one in settings["formats"].items() if one is form)


def tables(requests: Mapping[str, Any]) -> list[str]:
    """Names of the tables that a log's columns allow; ``requests`` as from :func:`load`."""
    names = [name for name, needed in TABLES.items() if needed <= requests["stated"]]
    if "load" not in names and requests["load"]["load"] is not None:
        names.append("load")
    return [*names, ASSUMPTIONS] if "path" in requests["served"] else names


def figures(requests: Mapping[str, Any]) -> list[str]:
    """Names of the figures that a log's columns allow."""
    return [*FIGURES, *(["hours"] if "start" in requests["stated"] else [])]


def inputs(requests: Mapping[str, Any]) -> dict[str, Any]:
    """Files that methods and a deployment are built from, by the names that scripts use."""
    served, log = requests["served"], requests["log"]
    own = [] if "path" in served else [served["method"]]
    drawn = [log["method"]] if "count" in log else []
    needed = inputs_of_any([requests["reference"], *own, *drawn])
    if "path" in served:
        found = deployments.inputs(served)
        needed["deployment"] = [found["file"], *found["files"]]
        needed["background"] = found.get("background", [])
    return needed


def day_inputs(requests: Mapping[str, Any]) -> dict[str, Any]:
    """Files that a day of queries is drawn from; a log on disk needs the contexts of models."""
    drawn = "count" in requests["log"]
    return inputs(requests) if drawn else {"models": provided("data/models.csv")}


def counting(requests: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that the counts depend on, so that a change of others leaves them as they are."""
    return {name: requests["settings"][name] for name in ("longest", "long_from")}


def answer_folder(requests: Mapping[str, Any]) -> str:
    """Folder of the answer: of the log, and of what charges it."""
    return f"{requests['folder']}/{requests['served']['method']['id']}"


def lock(requests: Mapping[str, Any]) -> Lock:
    """Lock a log's folder, as :class:`Lock`; its refusal says whose run is in the way."""
    try:
        return Lock(requests["folder"], LOCK)
    except InputError as error:
        raise InputError(f"{requests['folder']}: {error}") from None


def answers(requests: Mapping[str, Any]) -> list[str]:
    """First paragraph of the report if it is there, what is unusual of the deployment, and where
    the whole is, as lines.
    """
    page = Path(answer_folder(requests)) / "report.md"
    if not page.exists():
        return []
    first = page.read_text(encoding="utf-8").split("\n\n")[1]
    unusual = deployments.unusual_told(page.with_name(f"{ASSUMPTIONS}.csv"))
    return [first, *unusual, f"Report: {page}"]

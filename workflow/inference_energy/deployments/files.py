"""An operator's deployment file as a method, with the files that it names."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from glob import glob
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from inference_energy.documents import (
    Schema,
    collecting,
    near,
    near_path,
    read,
    read_schema,
    schema_problems,
    unusual,
)
from inference_energy.errors import InputError
from inference_energy.laws.registry import LAWS, named_laws
from inference_energy.method import files as method_files
from inference_energy.method.materials import inputs_of, law_tables
from inference_energy.project import listed, path_problems, provided, unreadable
from inference_energy.readers import detect_and_read, read_facts
from inference_energy.readers.common import facts_files
from inference_energy.readers.consistency import GPUS, HARDWARE, MEASURED, MODELS
from inference_energy.tables import read_table

EXAMPLES = [
    "config/deployments/8xh100-llama-405b.yaml",
    "config/deployments/8xb200-deepseek-r1.yaml",
]
"""Deployments that ship with the project; their results are committed."""
FOLDER = "config/deployments"
MOST_FILES = 10_000
"""Files in a folder of benchmarks: a run's logs are a few."""
DEEP = 2 * "*"
"""What a pattern has where folders of any depth are meant."""

MOST_SEARCHED = 100_000
"""Files and folders that a pattern looks through: those of some thousand runs."""
REFERENCE = "oviedo2026"
"""Method whose frontier blend stands beside every deployment."""
MARK = "cell.json"
"""File in every folder of a stress test that holds a client's run."""
POWERS = ("gpu_power_w", "node_power_w")
"""Facts that stand for a measurement."""
TABLES = [
    "throughput_laws",
    "energy_per_query",
    "energy_per_million_tokens",
    "energy_by_length",
    "per_day",
    "limits",
    "assumptions",
    "runs",
]


UNUSUAL = "unusual: "
"""What facts among the assumptions begin with that are warnings."""


def load(
    paths: Iterable[str],
    methods: Mapping[str, str],
    broken: Collection[str] = (),
    others: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Read deployments; all problems at once.

    Parameters
    ----------
    paths : iterable of str
        Deployment files, as they were asked for.
    methods : dict of str to str
        Files of all methods by name.
    broken : collection of str
        Methods whose problems are told elsewhere; what extends them is left out.
    others : dict of str to dict, optional
        Deployments that were read before, whose names are taken.

    Returns
    -------
    dict of str to dict
        With the others, by name: ``path``, ``folder`` of the results, resolved ``method``, keys
        ``stated`` in the file, ``benchmarks`` (files).
    """
    loaded = dict(others or {})
    problems: list[str] = []
    for path in dict.fromkeys(Path(path).as_posix() for path in paths):
        name = Path(path).stem
        if name in loaded:
            problems.append(
                f"key deployments: value {path}: has the name of {loaded[name]['path']}; allowed is"
                " another name; rename the file"
            )
            continue
        with collecting(problems):
            found = read_deployment(path, methods, broken)
            loaded |= {name: found} if found else {}
    if problems:
        raise InputError(problems)
    return loaded


OF_A_CLIENT = (
    "; if it is of a benchmark client, name it under deployment.benchmarks of a deployment's file,"
    " and say that one here"
)
"""Remedy for a file of no YAML in the place of a deployment's."""


def read_deployment(
    asked: str, methods: Mapping[str, str], broken: Collection[str], key: str = "deployments"
) -> dict[str, Any] | None:
    """Resolve and check one file, that a key names, and find its benchmarks; as :func:`load`."""
    path = provided(asked)
    if not os.path.exists(path):
        there = [name for name, file in listed(FOLDER).items() if os.path.exists(file)]
        known = [f"{FOLDER}/{name}.yaml" for name in there]
        such = next((f" such as {example}" for example in EXAMPLES if example in known), "")
        remedy = "correct the path" if asked not in EXAMPLES else "restore it, or name another"
        raise InputError(
            f"key {key}: value {path}: no such file; allowed is a deployment file{such};"
            f" {remedy}{near_path(asked, known)}"
        )
    own, name = read(path), Path(path).stem
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(
            f"key {key}: value {path}: allowed are letters, digits, '.', '_' and '-' in the file's"
            " name; rename the file"
        )
    extended = [own.get("extends")] if isinstance(own, dict) else []
    if any(name == method for name in extended for method in broken):
        return None
    files = method_files.read_methods(methods, extended)
    schemas = {part: read_schema(part) for part in ("method", "deployment", "facts")}
    method = resolve(own, name, path, files, schemas)
    base = "results" if asked in EXAMPLES else "build"
    return {
        "path": path,
        "folder": f"{base}/deployments/{name}",
        "method": method,
        "stated": list(own),
        "benchmarks": find_benchmarks(path, method["deployment"]["benchmarks"]),
    }


def find_benchmarks(path: str, named: str | list[str]) -> list[str]:
    """Files that a deployment file names, one or several, beside it or in the run's folder.

    Raises
    ------
    InputError
        Listing every name that no file has, or that cells of a stress test have.
    """
    found: list[str] = []
    problems: list[str] = []
    for name in [named] if isinstance(named, str) else named:
        folders = [Path(path).parent, Path()]
        paths = [(folder / name).as_posix() for folder in folders]
        if "*" in name:
            try:
                files = next(filter(None, map(_matching, paths)), [])
            except InputError as error:
                problems.append(f"{path}: key deployment.benchmarks: value {name}: {error}")
                continue
        else:
            files = next(([p] for p in paths if os.path.exists(p)), [])
        found += map(provided, files)
        # AIPerf writes the same once more in folders of its own below that of the cell
        above = [folder for file in files for folder in Path(file).parents]
        cells = [folder for folder in above if (folder / MARK).exists()]
        if cells:
            problems.append(
                f"{path}: key deployment.benchmarks: value {name}: holds cells of a stress test, "
                "whose client's files cover pilots, build-up and drain, without the node's power; "
                f"allowed is {(cells[0].parent / 'benchmark.csv').as_posix()}, which holds the "
                "steady windows; name it"
            )
        for file in files:
            try:
                inside = list(islice(Path(file).rglob("*"), MOST_FILES + 1))
            except OSError as error:
                problems.append(
                    f"{path}: key deployment.benchmarks: value {name}: {file} cannot be read"
                    f" ({error.strerror}); allowed is what can; make it readable, or name the"
                    " others"
                )
                continue
            if len(inside) > MOST_FILES:
                problems.append(
                    f"{path}: key deployment.benchmarks: value {name}: holds more than {MOST_FILES}"
                    " files; allowed is the folder of one run; name that"
                )
            found_inside = [Path(file), *inside[:MOST_FILES]]
            for each in found_inside:
                problems += path_problems(each, f"{path}: key deployment.benchmarks")
            problems += unreadable([*found_inside, *facts_files(file)])
        if not files:
            places = " and ".join(f"{d.as_posix()}/" for d in folders)
            problems.append(
                f"{path}: key deployment.benchmarks: value {name}: no such file, looked for in"
                f" {places}; allowed is a path from this file or from the repository; correct it"
                f"{next(filter(None, map(near_path, paths)), '')}"
            )
    if problems:
        raise InputError(problems)
    return found


def _matching(pattern: str) -> list[str]:
    """Files that a pattern names, sorted; an InputError where it would look through a whole disk,
    or through links in a circle, without end.
    """
    above = re.split(r"[*?[]", pattern)[0].rpartition("/")[0]
    root = above or ("/" if pattern.startswith("/") else ".")
    seen = 0
    for _, folders, files in os.walk(root, followlinks=True) if DEEP in pattern else ():
        seen += len(folders) + len(files)
        if seen > MOST_SEARCHED:
            raise InputError(
                f"{DEEP} looks through more than {MOST_SEARCHED} files and folders below {root}, or"
                f" through links in a circle; allowed is {DEEP} below the folder of the runs; name"
                " that"
            )
    return sorted(glob(pattern, recursive=True))


def inputs(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """Files that a deployment's answer starts from, by the names that its script uses."""
    method, paths = deployment["method"], []
    for path in map(Path, deployment["benchmarks"]):
        paths += [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        paths += [p for p in facts_files(path) if p.is_file()]
    needed = inputs_of(method)
    tables = needed.pop("throughput_tables")
    if any(LAWS[name].pooled for name in named_laws(method["throughput_law"])):
        needed |= {"background": tables} | law_tables(LAWS)
    return needed | {
        "gpus": provided(GPUS),
        "models": provided(MODELS),
        "formats": provided(MEASURED),
        "file": deployment["path"],
        "files": sorted({p.as_posix() for p in paths}),
        "reference": f"results/{REFERENCE}/energy_per_query.csv",
    }


def stated_facts(paths: Iterable[str], facts: Mapping[str, Any], where: str) -> dict[str, str]:
    """Where each fact of the benchmarks is stated, by its name; no power that a file tells itself.

    Parameters
    ----------
    paths : iterable of str
        Benchmark files.
    facts : dict
        Facts of the deployment file, which go before those beside the files.
    where : str
        The deployment file.
    """
    found: dict[str, str] = {}
    for path in paths:
        beside = [file for file in facts_files(path) if os.path.lexists(file)]
        names = {name: str(file) for file in beside for name in read(file)}
        names |= dict.fromkeys(facts, where)
        powers = [name for name in POWERS if name in names]
        if powers:
            others = {n: f for n, f in (read_facts(path) | dict(facts)).items() if n not in POWERS}
            alone = detect_and_read(path, others)
            names = {n: f for n, f in names.items() if n not in powers or alone[n].isna().any()}
        found |= names
    return found


def renamed(paths: Iterable[str], facts: Mapping[str, Any], where: str) -> list[str]:
    """Tell models and GPUs of tables that the facts call by a name which no table has.

    Parameters
    ----------
    paths : iterable of str
        Benchmark files.
    facts : dict
        Facts of the deployment file, which go before those beside the files.
    where : str
        The deployment file.

    Returns
    -------
    list of str
        A sentence for each file and name.
    """
    found = []
    for path in paths:
        stated = read_facts(path) | dict(facts)
        beside = [str(file) for file in facts_files(path) if os.path.lexists(file)]
        places = {name: f"{file}: key {name}" for file in beside for name in read(file)}
        places |= {name: f"{where}: key deployment.facts.{name}" for name in facts}
        for column, (table, goes_by, _) in HARDWARE.items():
            known = read_table(provided(table), f"{column}s")
            if column not in stated or goes_by(known, stated[column]).any():
                continue
            try:
                alone = detect_and_read(path, {n: f for n, f in stated.items() if n != column})
            except InputError:
                # the file does not name it
                continue
            # of the project's own tables the facts fill what is empty
            others = alone.loc[alone["client"] != "project", column]
            found += [
                f"{places[column]}: value {stated[column]}: unusual; {path} names {name}, which is"
                f" of {table}, and {stated[column]} is not: its runs are held to {name}, and the"
                f" answer knows nothing of {stated[column]}; usual is the name of the file"
                for name in sorted(others.dropna().unique())
                if goes_by(known, name).any()
            ]
    return found


def outputs(deployment: Mapping[str, Any]) -> list[str]:
    """Tables, figures and report of a deployment."""
    tables = [f"{table}.csv" for table in TABLES]
    figures = [f"{figure}.{kind}" for figure in ("energy", "measured") for kind in ("png", "svg")]
    files = [*tables, *figures, "report.md", "report.html"]
    return [f"{deployment['folder']}/{file}" for file in files]


def answers(deployments: Iterable[Mapping[str, Any]]) -> list[str]:
    """First paragraph of every report that is there, what is unusual of its deployment, and where
    the whole is, as lines.
    """
    lines = []
    for deployment in deployments:
        page = Path(deployment["folder"]) / "report.md"
        if page.exists():
            lines.append(page.read_text(encoding="utf-8").split("\n\n")[1])
            lines += unusual_told(page.with_name("assumptions.csv"))
            lines.append(f"Report: {page.with_suffix('.html')}")
    return lines


def unusual_told(path: Path) -> list[str]:
    """Warnings among the assumptions of an answer, as they were told; ``path`` may be missing."""
    if not path.exists():
        return []
    return unusual_among(read_table(path, "assumptions"))


def unusual_among(rows: pd.DataFrame) -> list[str]:
    """Warnings among assumptions, as they were told."""
    found = rows[rows["fact"].str.startswith(UNUSUAL)]
    return [
        f"{source}: key {fact.removeprefix(UNUSUAL)}: {value}"
        for fact, value, source in zip(found["fact"], found["value"], found["source"], strict=True)
    ]


def resolve(
    own: dict[str, Any], name: str, where: str, files: dict[str, Any], schemas: Mapping[str, Schema]
) -> dict[str, Any]:
    """Merge a deployment file with the method that it extends, and check all of it.

    Parameters
    ----------
    own : dict
        Content of the file.
    name : str
        Its name without ending.
    where : str
        The file, for messages.
    files : dict of str to dict
        Method files by name.
    schemas : dict of str to dict
        JSON Schemas ``method``, ``deployment`` and ``facts``.

    Returns
    -------
    dict
        Resolved method with the section ``deployment``, and with ``warnings`` if something about
        it is unusual.

    Raises
    ------
    InputError
        Listing every problem.
    """
    hint = "" if where.endswith((".yaml", ".yml")) else OF_A_CLIENT
    if not isinstance(own, dict):
        raise InputError(
            f"{where}: holds no keys; extends and deployment are needed; add them{hint}"
        )
    allowed = ", ".join(sorted(files))
    if name in files and "deployment" not in own:
        raise InputError(
            f"{where}: is a method; allowed is a deployment, which has the key deployment; say"
            f" method={name} of snakemake requests or whatif instead, or name a deployment's file"
        )
    if "extends" not in own:
        raise InputError(
            f"{where}: missing key extends; allowed are {allowed}; state the method to start from"
            f"{_misspelt('extends', own)}{hint}"
        )
    if name in files:
        raise InputError(
            f"{where}: value {name}: is the name of a method; allowed is any other; rename the file"
        )
    section = own.get("deployment")
    if "deployment" not in own:
        raise InputError(
            f"{where}: missing key deployment; see docs/deployments.md; state it"
            f"{_misspelt('deployment', own)}"
        )
    if not isinstance(section, dict):
        raise InputError(
            f"{where}: key deployment: value {section}: allowed are keys with values, as in"
            " docs/deployments.md; state them"
        )
    stated = {key: value for key, value in own.items() if key != "deployment"}
    method = method_files.resolve(name, files | {name: stated}, where=where)
    problems = schema_problems({"deployment": section}, _wrapped(schemas), where)
    problems += method_files.range_problems({"deployment": section}, where)
    own_models = [section["model"]] if isinstance(section.get("model"), str) else []
    try:
        method_files.check(method, schemas["method"], name, where, stated, own_models)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    unusual_here = [
        *unusual({"deployment": section}, _wrapped(schemas), where),
        *method_files.warnings(method, schemas["method"], where),
    ]
    kept = {"warnings": unusual_here} if unusual_here else {}
    return method | kept | {"deployment": section}


def _misspelt(key: str, own: Iterable[str]) -> str:
    """Keys of a file that may be meant to be one that it lacks."""
    hints = {stated: near(stated, [key]) for stated in own}
    return "".join(f"; key {stated} is unknown{hint}" for stated, hint in hints.items() if hint)


def _wrapped(schemas: Mapping[str, Schema]) -> Schema:
    """Schema of {deployment: section}, so that messages name keys as the file does."""
    section = dict(schemas["deployment"])
    definitions = section.pop("$defs")
    properties = section["properties"] | {"facts": schemas["facts"]}
    return {
        "properties": {"deployment": section | {"properties": properties}},
        "$defs": definitions,
    }

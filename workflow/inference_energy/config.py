"""Everything that config/ says, read and checked as a whole before any rule runs.

Every file that is there is checked; of methods and deployments those that are asked for, and what
they extend, and the others for a warning. What is wrong with a file is kept for the rules that need
it: a run ends on it where it asks for one of them.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from inference_energy.claims.asked import claim_problems, selector_problems
from inference_energy.claims.findings import override_problems, wording_problems
from inference_energy.deployments import files as deployments
from inference_energy.documents import (
    Schema,
    collecting,
    near,
    near_path,
    number_problems,
    order_problems,
    read,
    read_schema,
    repeated_keys,
    schema_problems,
)
from inference_energy.errors import InputError
from inference_energy.method.files import find_methods, read_methods, resolve_all
from inference_energy.method.materials import tables_of
from inference_energy.names import name_problems
from inference_energy.project import (
    AnyPath,
    is_plain,
    listed,
    own,
    path_problems,
    provided,
    unreadable,
)
from inference_energy.requests import files as requests_files
from inference_energy.requests.formats import format_problems
from inference_energy.robustness.files import (
    left_out_problems,
    on_base,
    option_problems,
    range_problems,
    rule_problems,
    unused_problems,
)
from inference_energy.scaling.settings import agent_problems
from inference_energy.scenarios.settings import repeated_problems
from inference_energy.stress import settings as stress_settings
from inference_energy.tables import read_bytes, read_table

WHERE = "config/config.yaml or --config"
NEEDED = ("findings", "evidence", "scaling", "footprint")
"""Files that the default run needs."""
NEEDED_BY = {
    "findings": "everything",
    "multiverse": "audit",
    "sensitivity": "audit",
    "requests": "requests",
    "scenarios": "scenarios",
    "stress": "stress",
}
"""What asks for the other files, `snakemake ...`."""
OTHERS = tuple(name for name in NEEDED_BY if name not in NEEDED)
OF_WHAT_IF = ("scaling",)
"""Files that a what-if needs, besides its methods."""
OF_ALL = (*NEEDED, "expected_verdicts", "methods", "deployments", "examples", "log", "base")
"""What the default run needs, by the names of ``Settings.wrong``."""
PATHS = ("benchmarks", "deployment", "deployments", "format", "log", "method")
"""Keys of the configuration that name files."""
KEYS_OF = {
    "changes": ("since",),
    "compare": ("base", "head"),
    "deployments": ("deployments",),
    "laws": ("benchmarks",),
    "requests": ("log", "method", "deployment", "format", "load", "copies"),
    "stress": ("stress",),
    "whatif": ("method", "base"),
}
"""Keys that a target asks its question by, `snakemake ... --config`; the others are every run's."""
VERDICTS = "config/expected_verdicts.csv"
BENCHMARKS = "data/throughput/trtllm.csv"


class Settings(NamedTuple):
    """What config/ says.

    Parameters
    ----------
    methods : dict of str to dict
        Every resolved method that can be built, by name.
    files : dict of str to object
        Content of the methods' own files, by name; None of those that are not needed.
    paths : dict of str to str
        Files of all methods, by name.
    documents : dict of str to object
        Content of every other file, by name without ending; empty where it is absent.
    deployments : dict of str to dict
        As from ``deployments.files.load``.
    named : list of str
        Names of all methods that something asks for, broken ones too.
    asked : list of str
        Names of the deployments that `snakemake deployments` answers for.
    requests : dict or None
        As from ``requests.files.load``; None without a log.
    wrong : dict of str to list of str
        Problems by what needs to be right: each of the ``documents``; ``expected_verdicts``;
        ``methods`` that something asks for; ``deployments`` of the configuration, and the
        ``examples``; the ``log`` and what charges it; ``base``, which nothing is compared with;
        what a ``whatif`` needs.
    unasked : list of str
        Problems of the methods and deployments that no one asks for.
    """

    methods: dict[str, dict[str, Any]]
    files: dict[str, Any]
    paths: dict[str, str]
    documents: dict[str, Any]
    deployments: dict[str, dict[str, Any]]
    named: list[str]
    asked: list[str]
    requests: dict[str, Any] | None
    wrong: dict[str, list[str]]
    unasked: list[str]

    def problems(self, *names: str) -> list[str]:
        """Problems of some of what can be ``wrong``, each once: several may name one method."""
        return list(dict.fromkeys(problem for name in names for problem in self.wrong[name]))


def load(config: dict[str, Any]) -> Settings:
    """Read and check everything.

    Parameters
    ----------
    config : dict
        The workflow's configuration: config/config.yaml, and what the command line or the workflow
        that uses this one as a module says instead.

    Returns
    -------
    Settings
        With the problems of all files, and what is right of them.

    Raises
    ------
    InputError
        If anything is wrong with the configuration itself, listing the problems of all files.
    """
    problems = config_problems(config)
    documents, wrong = read_documents()
    wrong |= {name: [] for name in ("expected_verdicts", "methods", "log", "whatif")}
    with collecting(wrong["expected_verdicts"]):
        read_table(provided(VERDICTS), "expected_verdicts")
    paths = find_methods()
    asked = asked_methods(config, documents)
    # a what-if reads its base itself, which may be a file, and tells what is wrong with the name
    unknown = {n: key for n, key in asked.items() if key == "key base" and n not in paths}
    if "head" not in config:
        asked = {name: key for name, key in asked.items() if name not in unknown}
    has_log = "log" in config and not problems
    if has_log:
        with collecting(wrong["log"]):
            asked |= requests_files.asked_methods(config)
    readable = _readable(asked, paths, wrong["methods"])
    files = read_methods(paths, readable)
    methods, unsound = resolve_all(readable, files, read_schema("method"))
    wrong["methods"] += unsound + claim_problems(methods)
    wrong["base"] = _lone_base(config) or resolve_all(unknown, files, read_schema("method"))[1]
    for name in ("multiverse", "sensitivity"):
        wrong[name] += _audit_problems(name, documents, paths, files, methods)
    wrong["findings"] += override_problems_of(documents, methods)
    broken = [name for name, content in files.items() if content and name not in methods]
    named = named_deployments(config)
    loaded, wrong["deployments"] = _deployments(named, paths, broken, {})
    # what they charge by is extended, or named, and told where methods are
    if len(loaded) < len(named):
        wrong["deployments"] += wrong["methods"]
    answered = [name for name in (Path(path).stem for path in named) if name in loaded]
    others = [path for path in deployments.EXAMPLES if path not in named]
    loaded, wrong["examples"] = _deployments(others, paths, broken, loaded)
    if any(Path(path).stem not in loaded for path in others):
        wrong["examples"] += wrong["methods"]
    requests = None
    if has_log:
        wrong["log"] += wrong["requests"]
        if documents["requests"] and not wrong["log"]:
            with collecting(wrong["log"]):
                requests = requests_files.load(
                    config, documents["requests"], methods, paths, broken
                )
        wrong["log"] += [] if requests else wrong["methods"]
    wrong["whatif"] += [problem for name in OF_WHAT_IF for problem in wrong[name]]
    # a what-if that names no method asks of any that has changed;
    # of one that nobody else asks for it reads everything itself
    if not config.get("method") or _asked_methods(config) & (set(asked) - set(methods)):
        wrong["whatif"] += wrong["methods"]
    documents |= {name: {} for name in OTHERS if wrong[name]}
    told = [problem for found in wrong.values() for problem in found]
    if problems:
        raise InputError(dict.fromkeys([*problems, *told]))
    unasked = [
        *_unasked_problems(paths, {*methods, *asked, *_asked_methods(config)}),
        *_unasked_deployments(loaded, paths, broken),
    ]
    return Settings(
        methods=methods,
        files=files,
        paths=paths,
        documents=documents,
        deployments=loaded,
        named=sorted({*methods, *asked}),
        asked=answered,
        requests=requests,
        wrong=wrong,
        unasked=[problem for problem in unasked if problem not in told],
    )


def _deployments(
    named: Sequence[str],
    methods: Mapping[str, str],
    broken: Collection[str],
    loaded: Mapping[str, dict[str, Any]],
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Those of the deployments that are right, with others; and what is wrong with the rest."""
    problems: list[str] = []
    for path in named:
        with collecting(problems):
            loaded = deployments.load([path], methods, broken, loaded)
    return dict(loaded), problems


def _readable(
    asked: Mapping[str, str], paths: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    """Methods that are YAML, with what they extend; the problems of the others are added."""
    kept = {}
    for name, key in asked.items():
        before = len(problems)
        with collecting(problems):
            read_methods(paths, [name])
        if len(problems) == before:
            kept[name] = key
    return kept


def _asked_methods(config: Mapping[str, Any]) -> set[str]:
    """Names of the methods of a what-if and of what they extend, whose problems end it."""
    asked = [str(config[key]) for key in ("method", "base") if config.get(key)]
    extended = set()
    for path in filter(os.path.isfile, asked):
        # what is wrong with a draft itself is told where it is read
        with suppress(InputError):
            draft = read(path)
            extended |= {str(draft.get("extends"))} if isinstance(draft, dict) else set()
    return {Path(path).stem for path in asked if not _is_elsewhere(path)} | extended


def _is_elsewhere(asked: str) -> bool:
    """Whether a method is given by a file that is not that of the method of its name."""
    own = find_methods().get(Path(asked).stem)
    return own is not None and os.path.isfile(asked) and not os.path.samefile(asked, own)


def _unasked_problems(paths: Mapping[str, str], methods: Collection[str]) -> list[str]:
    """Problems of the methods of config/methods but for these."""
    problems: list[str] = []
    for name in sorted(set(paths) - set(methods)):
        with collecting(problems):
            files = read_methods(paths, [name])
            problems += resolve_all({name: paths[name]}, files, read_schema("method"))[1]
    return problems


def _unasked_deployments(
    loaded: Mapping[str, dict[str, Any]], methods: Mapping[str, str], broken: Collection[str]
) -> list[str]:
    """Problems of the files of config/deployments that were not read."""
    problems: list[str] = []
    known = {deployment["path"] for deployment in loaded.values()}
    for path in listed(deployments.FOLDER).values():
        if path not in known:
            with collecting(problems):
                deployments.load([path], methods, broken)
    return problems


def _audit_problems(
    name: str,
    documents: Mapping[str, Any],
    paths: Mapping[str, str],
    files: dict[str, Any],
    methods: dict[str, Any],
) -> list[str]:
    """Problems of one of the audit's files and of its base, which joins the files and methods."""
    document = documents[name]
    problems: list[str] = []
    if not document:
        return problems
    base, schema = document["base"], read_schema("method")
    with collecting(problems):
        if base not in methods:
            found = read_methods(paths, [base])
            files |= {key: content for key, content in found.items() if files.get(key) is None}
            resolved, problems[:] = resolve_all(
                {base: f"config/{name}.yaml: key base"}, files, schema
            )
            methods |= resolved
        if base in methods and name == "multiverse":
            problems += left_out_problems(document)
            if not problems:
                fitted = on_base(document, methods[base], schema)
                problems += option_problems(fitted["choices"], methods[base], schema)
                problems += rule_problems(fitted, methods[base], schema)
                problems += unused_problems(document, methods[base], schema)
    return problems + (range_problems(document["inputs"]) if name == "sensitivity" else [])


def config_schema() -> Schema:
    """JSON Schema of the configuration, with the keys of the stress test below ``stress``."""
    schema, stress = read_schema("config"), read_schema("stress")
    stated = {key: value for key, value in stress.items() if key != "required"}
    described = stated | schema["properties"]["stress"]
    return schema | {"properties": schema["properties"] | {"stress": described}}


def read_stated(files: Sequence[AnyPath], arguments: Sequence[str]) -> list[dict[str, Any]]:
    """Content of the files of the configuration, of which Snakemake itself lets too much pass.

    Parameters
    ----------
    files : sequence of str or path-like
        config/config.yaml, and those of ``--configfile``.
    arguments : sequence of str
        Words of the command line, of which mappings are checked for keys that stand twice, paths
        for line ends, which Snakemake takes for blanks, and numbers for what Python alone reads.

    Raises
    ------
    InputError
        What :func:`documents.read` refuses, a file that holds no mapping, such keys, paths and
        numbers.
    """
    stated, problems = [read(file) for file in files], []
    for file, content in zip(files, stated, strict=True):
        problems += schema_problems(content, {"type": "object"}, file)
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in config_schema()["properties"]:
            problems += [
                f"--config {key}: key {twice}: stands there twice; allowed is once; remove one of"
                " them"
                for twice in repeated_keys(value)
            ]
            problems += [f"--config {key}: {problem}" for problem in number_problems(value)]
        if key in PATHS and not value.startswith("[") and not is_plain(value.strip()):
            problems += path_problems(value, f"--config {key}")
    if problems:
        raise InputError(problems)
    return stated


def config_problems(config: dict[str, Any]) -> list[str]:
    """Problems of the workflow's configuration, one sentence each."""
    stress = read_schema("stress")
    moved = [key for key in config if key in stress["properties"]]
    problems = [
        f"{WHERE}: key {key}: is a setting of the stress test; allowed is a key of stress; write"
        f" {stress_settings.form(f'{key}: ...')}"
        for key in moved
    ]
    kept = {key: value for key, value in config.items() if key not in moved}
    if "stress" in kept:
        given = {} if kept["stress"] is None else kept["stress"]
        kept["stress"] = stress_settings.typed(given, stress)
    if isinstance(kept.get("stress"), dict):
        kept["stress"], problem = stress_settings.without_wrong_endpoint(kept["stress"])
        problems += [f"{WHERE}: key stress.endpoint: {problem}"] if problem else []
    problems += schema_problems(kept, config_schema(), WHERE)
    for key in PATHS:
        for path in _names(kept.get(key)):
            problems += path_problems(path, f"{WHERE}: key {key}")
    table = kept.get("benchmarks")
    # not the path's own is_file(), which raises where a name is too long
    if isinstance(table, str) and not path_problems(table, ""):
        if os.path.isfile(table):
            # what it holds is a parameter of its rules
            with collecting(problems):
                read_bytes(table)
        else:
            wrong = "is a folder" if os.path.isdir(table) else "no such file"
            problems.append(
                f"{WHERE}: key benchmarks: value {table}: {wrong}; allowed is a throughput table"
                f" such as {BENCHMARKS}; correct the path{near_path(table, _vendor_tables())}"
            )
    if isinstance(kept.get("head"), str) and kept["head"] == kept.get("base"):
        problems.append(
            f"{WHERE}: key head: value {kept['head']}: is base too, and nothing would differ;"
            " allowed is another method; name one"
        )
    if not problems and "deployments" in kept and deployments.REFERENCE not in kept["methods"]:
        problems.append(
            f"{WHERE}: key methods: value {', '.join(kept['methods'])}: deployments are set beside"
            f" {deployments.REFERENCE}; allowed is a list that holds it; add it"
        )
    return problems


def misplaced_keys(stated: Collection[str], targets: Collection[str]) -> list[str]:
    """Problems of keys that none of a run's targets reads.

    Parameters
    ----------
    stated : collection of str
        Keys of the command line: a file of the configuration may hold those of other runs.
    targets : collection of str
        Of the run, none for everything; what a path makes may need any key.
    """
    if any(re.search(r"[^\w-]", target) for target in targets):
        return []
    read = [key for target in targets for key in KEYS_OF.get(target, ())]
    run = " ".join(["snakemake", *sorted(targets)])
    problems = []
    for key in sorted(set(stated) - set(read)):
        if of := [f"snakemake {target}" for target, keys in KEYS_OF.items() if key in keys]:
            allowed = f"allowed are {', '.join(read)}" if read else "it has no such keys"
            problems.append(
                f"--config: key {key}: is not read by {run}; {allowed}; state it with"
                f" {' or '.join(of)}, or take it out{near(key, read)}"
            )
    return problems


def _lone_base(config: Mapping[str, Any]) -> list[str]:
    """Problem of a base that nothing is compared with: only a what-if finds out what changed."""
    if "base" not in config or {"head", "method"} & set(config):
        return []
    return [
        f"{WHERE}: key base: value {config['base']}: names no method to compare it with; allowed is"
        " with head, or in a what-if; state head, or say snakemake whatif"
    ]


def _vendor_tables() -> list[str]:
    """Tables of data/throughput, of which a path may be meant to name one."""
    return [str(file) for file in sorted(Path(own(BENCHMARKS)).parent.glob("*.csv"))]


def table_problems(method: Mapping[str, Any], path: str) -> list[str]:
    """Problems of the tables of a method, of whose file this is the path: missing or unreadable."""
    return [
        f"{path}: key benchmarks.table: value {table}: no such file; allowed is a throughput table"
        f" such as {BENCHMARKS}; correct the path{near_path(table, _vendor_tables())}"
        for table in tables_of(method)
        if not os.path.exists(table)
    ] + unreadable(tables_of(method))


def read_documents() -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Content of the files of config/ by name, empty if wrong or absent; and their problems."""
    documents: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name in (*NEEDED, *OTHERS):
        documents[name], problems[name] = {}, []
        with collecting(problems[name]):
            path = provided(f"config/{name}.yaml")
            content = read(path)
            problems[name] += schema_problems(content, read_schema(name), path)
            if not problems[name]:
                problems[name] += name_problems(content, read_schema(name), path)
            # a finding's and a choice's ranges are those of a method, which is checked
            if not problems[name] and name not in ("findings", "multiverse"):
                problems[name] += order_problems(content, path)
            if not problems[name] and name == "requests":
                for form, stated in content["formats"].items():
                    problems[name] += format_problems(stated, f"{path}: key formats.{form}")
            if not problems[name] and name == "scaling":
                problems[name] += agent_problems(content, path)
            if not problems[name] and name == "scenarios":
                problems[name] += repeated_problems(content, path)
            documents[name] = {} if problems[name] else content
    return documents, problems


def asked_methods(config: Mapping[str, Any], documents: Mapping[str, Any]) -> dict[str, str]:
    """Methods that are asked for, and the keys that name each."""
    findings: dict[str, list[str]] = {}
    for finding in documents["findings"]:
        findings.setdefault(finding["method"], []).append(finding["id"])
    keys = {
        name: [f"config/findings.yaml: {', '.join(ids)}: key method"]
        for name, ids in findings.items()
    }
    for key in ("base", "head", "methods"):
        for name in dict.fromkeys(_names(config.get(key))):
            keys.setdefault(name, []).append(f"key {key}")
    return {name: " and ".join(of) for name, of in keys.items()}


def named_deployments(config: Mapping[str, Any]) -> list[str]:
    """Deployment files that `snakemake deployments` answers for."""
    stated = _names(config.get("deployments", deployments.EXAMPLES))
    return list(dict.fromkeys(Path(path).as_posix() for path in stated))


def override_problems_of(
    documents: Mapping[str, Any], methods: Mapping[str, dict[str, Any]]
) -> list[str]:
    """Problems of what findings make of their methods, and of names that stand there twice."""
    ids = [finding["id"] for finding in documents["findings"]]
    problems = [
        f"config/findings.yaml: key id: value {name}: stands there twice; allowed is once; rename"
        " one"
        for name in sorted(set(ids))
        if ids.count(name) > 1
    ]
    schema = read_schema("method")
    for finding in documents["findings"]:
        method = methods.get(finding["method"])
        problems += override_problems(finding, method, schema) + selector_problems(finding, method)
        problems += wording_problems(finding)
    return problems


def _names(value: object) -> list[str]:
    """Names that a key states, one or a list; what is no name is told elsewhere."""
    values = value if isinstance(value, list) else [value]
    return [name for name in values if isinstance(name, str)]

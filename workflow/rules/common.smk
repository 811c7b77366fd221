import ast
import os
import re
from functools import lru_cache

import yaml
from snakemake.exceptions import WorkflowError

from inference_energy.errors import InputError
from inference_energy.checks import schema_problems
from inference_energy.claims.findings import override_problems
from inference_energy.method.files import check, resolve
from inference_energy.tables import schema_path
from inference_energy.templates import sources

ROOT = Path(workflow.basedir)
LIBRARY = ROOT / "workflow" / "inference_energy"
SCRIPTS = ROOT / "workflow" / "scripts"
paths = [str(LIBRARY.parent), str(SCRIPTS), os.environ.get("PYTHONPATH", "")]
os.environ.update(PYTHONPATH=os.pathsep.join(paths).rstrip(os.pathsep))
# a job is one process on one core: threads of the numeric libraries would only compete
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# how a Python file names a template
TEMPLATE = re.compile(r"[\w/]+\.(md|html)\.jinja")

# what `rule all` makes; every included file adds its own
TARGETS = []

# every table of data/ and its schema
DATA_TABLES = [
    ("data/facility.csv", "facility"),
    ("data/gpus.csv", "gpus"),
    ("data/measured/mlenergy_v3.csv", "mlenergy"),
    ("data/measured/mlperf_wall_power.csv", "wall_power"),
    ("data/measured/output_lengths.csv", "output_lengths"),
    ("data/models.csv", "models"),
    ("data/published/claims.csv", "claims_published"),
    ("data/published/estimates.csv", "estimates"),
    ("data/published/references.csv", "references"),
    ("data/published/token_counts.csv", "token_counts"),
    ("data/request_lengths.csv", "request_lengths"),
    ("data/sources.csv", "sources"),
    ("data/throughput/deepseek_r1.csv", "throughput"),
    ("data/throughput/oviedo.csv", "throughput"),
    ("data/throughput/trtllm.csv", "throughput"),
]

# vendors' tables that a method's throughput laws can be held against
VENDOR_TABLES = ["data/throughput/deepseek_r1.csv", "data/throughput/trtllm.csv"]

# every figure of a method and its category in the report
FIGURE_CATEGORIES = {
    "1a": "Energy per query",
    "1b": "Energy per query",
    "2a": "Test-time scaling",
    "2b": "Test-time scaling",
    "3a": "Fleet",
    "3b": "Fleet",
    "s1": "Supplement",
    "s2": "Supplement",
    "s3": "Supplement",
    "s4": "Supplement",
    "scaling": "Test-time scaling",
    "footprint": "Water and carbon",
    "claims": "Claims",
}

METHOD_FILES = {path.stem: path for path in sorted(Path("config/methods").glob("*.yaml"))}


def read_yaml(path):
    """Read a YAML file of the repository; a syntax error names file and line."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}; correct the syntax") from None


def load_methods():
    """Check the configuration and resolve every method that is asked for; all problems at once."""
    problems = schema_problems(
        config, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), "config/config.yaml"
    )
    if problems:
        raise InputError(problems)
    files = {name: read_yaml(path) for name, path in METHOD_FILES.items()}
    schema = read_yaml(ROOT / "workflow/schemas/method.schema.yaml")
    asked = {name: "key methods" for name in config["methods"]}
    asked |= {config[key]: f"key {key}" for key in ("base", "head") if key in config}
    asked = {
        finding["method"]: f"config/findings.yaml: {finding['id']}: key method"
        for finding in FINDINGS
    } | asked
    methods = {}
    for name, asked_by in asked.items():
        try:
            methods[name] = resolve(name, files, asked_by)
            check(methods[name], schema, name)
        except InputError as error:
            problems += error.problems
    problems += [
        problem
        for finding in FINDINGS
        for problem in override_problems(finding, methods.get(finding["method"]), schema)
    ]
    if problems:
        raise InputError(problems)
    return methods


def load_findings():
    """Read the weak points of the method and check them against their schema."""
    findings = read_yaml("config/findings.yaml")
    schema = read_yaml(ROOT / "workflow/schemas/findings.schema.yaml")
    problems = schema_problems(findings, schema, "config/findings.yaml")
    if problems:
        raise InputError(problems)
    return findings


try:
    FINDINGS = load_findings()
    # ALL_METHODS can be built, METHODS of them are built by default
    ALL_METHODS = load_methods()
    METHODS = {name: ALL_METHODS[name] for name in config["methods"]}
except InputError as error:
    raise WorkflowError(str(error)) from None


# the order of pages for readers
PAPER_FIRST = sorted(METHODS, key=lambda name: (METHODS[name]["kind"] != "paper", name))


wildcard_constraints:
    method="|".join(map(re.escape, ALL_METHODS)),


def method_chain(wildcards):
    """Files that a method is made of: its own and those of its parents."""
    chain, name = [], wildcards.method
    while name is not None:
        chain.append(str(METHOD_FILES[name]))
        name = read_yaml(METHOD_FILES[name]).get("extends")
    return chain


def estimate_inputs(wildcards):
    """Files that an estimate starts from: the method and the tables that it uses."""
    method = ALL_METHODS[wildcards.method]
    tables = method["benchmarks"]["table"]
    inputs = {
        "method": f"results/{wildcards.method}/method.yaml",
        "benchmarks": [tables] if isinstance(tables, str) else tables,
    }
    if any("trace" in regime["output_tokens"] for regime in method["regimes"].values()):
        inputs["traces"] = "data/request_lengths.csv"
    if method["throughput_law"]["name"] == "hierarchical":
        inputs |= {"models": "data/models.csv", "gpus": "data/gpus.csv"}
    return inputs


def source_inputs(methods):
    """Files that methods, and mixtures of them, can be built from."""
    tables = [ALL_METHODS[name]["benchmarks"]["table"] for name in methods]
    return {
        "benchmarks": sorted(
            {path for table in tables for path in ([table] if isinstance(table, str) else table)}
        ),
        "traces": "data/request_lengths.csv",
        "models": "data/models.csv",
        "gpus": "data/gpus.csv",
    }


def schema_file(name):
    """Schema of a table, as an input."""
    return str(schema_path(name).relative_to(ROOT))


@lru_cache
def imported(path):
    """Library modules that a Python file imports, and the templates that any of them names."""
    found = set()
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Constant) and TEMPLATE.fullmatch(str(node.value)):
            found |= {f"workflow/templates/{name}" for name in sources(node.value)}
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            for folder in (LIBRARY.parent, SCRIPTS):
                place = folder.joinpath(*name.split("."))
                for file in (place.with_suffix(".py"), place / "__init__.py"):
                    if file.exists() and file != Path(path):
                        found |= {str(file.relative_to(ROOT))} | imported(file)
    return found


def code(script):
    """Library files and templates behind a script, as inputs: an edit re-runs the rule."""
    return sorted(imported(SCRIPTS / script))


def vector(name, topic):
    """SVG of a figure, shown in the report with the figure's caption."""
    return report(
        f"figures/{{method}}/{name}.svg",
        caption=f"../report/{topic}/{name}.rst",
        category=FIGURE_CATEGORIES[name],
        labels={"method": "{method}", "shows": f"figure {name}"},
    )


def figure_files(topic, *names):
    """SVG and PNG of some figures of a topic."""
    pictures = [f"figures/{{method}}/{name}.png" for name in names]
    return [vector(name, topic) for name in names] + pictures


def reported(path, topic, category):
    """Result table of a method, offered in the report with its caption."""
    name = Path(path).stem
    return report(
        path,
        caption=f"../report/{topic}/table_{name}.rst",
        category=category,
        labels={"method": "{method}", "shows": f"table {name}"},
    )


def audited(path, topic):
    """Figure or page of the audit, shown in the report with its caption."""
    name = Path(path).stem
    return report(
        path,
        caption=f"../report/{topic}/{name}.rst",
        category="Audit",
        labels={"method": "none", "shows": name.replace("_", " ")},
    )


def comparison_files(pairs):
    """Table, page and figure of each comparison."""
    return [
        f"{folder}/comparison/{pair}.{ending}"
        for pair in pairs
        for folder, ending in (
            ("results", "csv"),
            ("results", "md"),
            ("figures", "svg"),
            ("figures", "png"),
        )
    ]


def evidence_vector(path):
    """SVG of a figure of public evidence, shown in the report with its caption."""
    name = Path(path).name
    method = {"method": "{method}"} if "{method}" in path else {"method": "none"}
    return report(
        f"figures/validation/{path}.svg",
        caption=f"../report/evidence/{name}.rst",
        category="Public evidence",
        labels=method | {"shows": name.replace("_", " ")},
    )


def typed(value):
    """Numbers and truth values, which `--config` leaves as text inside lists and mappings."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    read = yaml.safe_load(value) if isinstance(value, str) else value
    return read if isinstance(read, int | float | None) else value


def stress_settings():
    """Settings of the stress test: the defaults, then `stress:`, then single keys."""
    defaults = read_yaml(ROOT / "config/stress.yaml")
    single = {key: config[key] for key in defaults if key in config}
    lists = {key: typed(item) for key, item in single.items() if not isinstance(item, str)}
    return defaults | typed(dict(config.get("stress") or {})) | single | lists


def print_claims():
    """Say on the screen how many claims reproduce, method by method."""
    from inference_energy.claims.page import console_summary
    from inference_energy.tables import read_table

    tables = {m: Path(f"results/{m}/claims.csv") for m in PAPER_FIRST}
    if all(path.exists() for path in tables.values()):
        kinds = {name: method["kind"] for name, method in METHODS.items()}
        print(console_summary({m: read_table(p, "claims") for m, p in tables.items()}, kinds))

import ast
import os
from functools import lru_cache

import yaml
from snakemake.exceptions import WorkflowError

from inference_energy.errors import InputError
from inference_energy.methods import check, resolve, schema_problems

ROOT = Path(workflow.basedir)
LIBRARY = ROOT / "workflow" / "inference_energy"
SCRIPTS = ROOT / "workflow" / "scripts"
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(LIBRARY.parent), str(SCRIPTS), os.environ.get("PYTHONPATH", "")]
).rstrip(os.pathsep)
# a job is one process on one core: threads of the numeric libraries would only compete
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# what `rule all` makes; every included file adds its own
TARGETS = []

# every table of data/ and its schema
DATA_TABLES = [
    ("data/gpus.csv", "gpus"),
    ("data/models.csv", "models"),
    ("data/published/claims.csv", "claims_published"),
    ("data/published/estimates.csv", "estimates"),
    ("data/published/references.csv", "references"),
    ("data/request_lengths.csv", "request_lengths"),
    ("data/sources.csv", "sources"),
    ("data/throughput/deepseek_r1.csv", "throughput"),
    ("data/throughput/oviedo.csv", "throughput"),
    ("data/throughput/trtllm.csv", "throughput"),
]

METHOD_FILES = {path.stem: path for path in sorted(Path("config/methods").glob("*.yaml"))}


def read_yaml(path):
    """Read a YAML file of the repository; a syntax error names file and line."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}; correct the syntax") from None


def load_methods():
    """Check the configuration and resolve the configured methods; all problems at once."""
    problems = schema_problems(
        config, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), "config/config.yaml"
    )
    if problems:
        raise InputError(problems)
    files = {name: read_yaml(path) for name, path in METHOD_FILES.items()}
    schema = read_yaml(ROOT / "workflow/schemas/method.schema.yaml")
    methods = {}
    for name in config["methods"]:
        try:
            methods[name] = resolve(name, files)
            check(methods[name], schema, name)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return methods


try:
    METHODS = load_methods()
except InputError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    method="[A-Za-z0-9][A-Za-z0-9._-]*",


def method_chain(wildcards):
    """Files that a method is made of: its own and those of its parents."""
    chain, name = [], wildcards.method
    while name is not None:
        chain.append(str(METHOD_FILES[name]))
        name = read_yaml(METHOD_FILES[name]).get("extends")
    return chain


def estimate_inputs(wildcards):
    """Files that an estimate starts from: the method and the tables that it uses."""
    method = METHODS[wildcards.method]
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


@lru_cache
def imported(path):
    """Library modules that a Python file imports, directly or through one another."""
    found = set()
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            for folder in (LIBRARY.parent, SCRIPTS):
                place = folder / name.replace(".", "/")
                for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
                    if file.exists() and file != Path(path):
                        found |= {str(file.relative_to(ROOT))} | imported(file)
    return found


def code(script):
    """Library files behind a script, as inputs: an edit there re-runs the rule."""
    return sorted(imported(SCRIPTS / script))


def print_claims():
    """Say on the screen how many claims reproduce, method by method."""
    from inference_energy.report import console_summary
    from inference_energy.tables import read_table

    tables = {m: Path(f"results/{m}/claims.csv") for m in METHODS}
    if all(path.exists() for path in tables.values()):
        kinds = {name: method["kind"] for name, method in METHODS.items()}
        print(console_summary({m: read_table(p, "claims") for m, p in tables.items()}, kinds))

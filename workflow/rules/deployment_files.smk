import re
from glob import glob

from inference_energy.deployments import files as deployment_files
from inference_energy.deployments.readers.common import facts_files

# ship with the project; their results are committed
DEPLOYMENT_EXAMPLES = [
    "config/deployments/8xh100-llama-405b.yaml",
    "config/deployments/8xb200-deepseek-r1.yaml",
]
# the method whose frontier blend stands beside every deployment
DEPLOYMENT_REFERENCE = "oviedo2026"
DEPLOYMENT_TABLES = [
    "throughput_laws",
    "energy_per_query",
    "energy_per_million_tokens",
    "energy_by_length",
    "per_day",
    "limits",
    "assumptions",
    "runs",
]


def find_benchmarks(path, section):
    """Benchmark files that a deployment names, beside it or in the repository, and what is missing."""
    named, found, problems = section["benchmarks"], [], []
    for name in [named] if isinstance(named, str) else named:
        folders = [Path(path).parent, Path()]
        paths = [(folder / name).as_posix() for folder in folders]
        if "*" in name:
            files = next(filter(None, (sorted(glob(p, recursive=True)) for p in paths)), [])
        else:
            files = next(([p] for p in paths if Path(p).exists()), [])
        found += files
        if not files:
            places = " and ".join(f"{d.as_posix()}/" for d in folders)
            problems.append(
                f"{path}: key deployment.benchmarks: value {name}: no such file, looked for in {places};"
                " allowed is a path from this file or from the repository; correct it"
            )
    return found, problems


def read_deployment(path, files, schemas):
    """Resolve and check one deployment file, and find its benchmark files."""
    if not Path(path).is_file():
        raise InputError(
            f"key deployments: value {path}: no such file; allowed is a deployment file such as"
            f" {DEPLOYMENT_EXAMPLES[0]}; correct the path"
        )
    own, name = read_yaml(path), Path(path).stem
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(
            f"key deployments: value {path}: allowed are letters, digits, '.', '_' and '-' in the"
            " file's name; rename the file"
        )
    method = deployment_files.resolve(own, name, path, files, schemas)
    benchmarks, problems = find_benchmarks(path, method["deployment"])
    if problems:
        raise InputError(problems)
    base = "results" if path in DEPLOYMENT_EXAMPLES else "build"
    return {
        "path": path,
        "folder": f"{base}/deployments/{name}",
        "method": method,
        "stated": list(own),
        "benchmarks": benchmarks,
    }


def load_deployments():
    """Read the configured deployments and the examples; all problems at once."""
    asked = config.get("deployments", DEPLOYMENT_EXAMPLES)
    asked = [Path(p).as_posix() for p in ([asked] if isinstance(asked, str) else asked)]
    files = {name: read_yaml(path) for name, path in METHOD_FILES.items()}
    names = ("method", "deployment", "facts")
    schemas = {n: read_yaml(ROOT / f"workflow/schemas/{n}.schema.yaml") for n in names}
    loaded, problems = {}, []
    for path in dict.fromkeys([*asked, *DEPLOYMENT_EXAMPLES]):
        name = Path(path).stem
        if name in loaded:
            problems.append(
                f"key deployments: value {path}: has the name of {loaded[name]['path']}; allowed is"
                " another name; rename the file"
            )
            continue
        try:
            loaded[name] = read_deployment(path, files, schemas)
        except InputError as error:
            problems += error.problems
    if "deployments" in config and DEPLOYMENT_REFERENCE not in METHODS:
        problems.append(
            f"key methods: value {', '.join(METHODS)}: deployments are set beside"
            f" {DEPLOYMENT_REFERENCE}; allowed is a list that holds it; add it"
        )
    if problems:
        raise InputError(problems)
    return loaded, [Path(path).stem for path in asked]


try:
    DEPLOYMENTS, DEPLOYMENTS_ASKED = load_deployments()
except InputError as error:
    raise WorkflowError(str(error)) from None


def deployment_inputs(wildcards):
    """Files that a deployment's answer starts from."""
    deployment = DEPLOYMENTS[wildcards.deployment]
    method = deployment["method"]
    paths = []
    for path in map(Path, deployment["benchmarks"]):
        paths += [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        paths += [p for p in facts_files(path) if p.is_file()]
    inputs = {
        "file": deployment["path"],
        "files": sorted({p.as_posix() for p in paths}),
        "reference": f"results/{DEPLOYMENT_REFERENCE}/energy_per_query.csv",
    }
    if any("trace" in regime["output_tokens"] for regime in method["regimes"].values()):
        inputs["traces"] = "data/request_lengths.csv"
    if method["throughput_law"]["name"] == "hierarchical":
        tables = method["benchmarks"]["table"]
        inputs["background"] = [tables] if isinstance(tables, str) else tables
        inputs |= {"models": "data/models.csv", "gpus": "data/gpus.csv"}
    return inputs


def deployment_outputs(name):
    """Tables, figures and report of a deployment."""
    tables = [f"{table}.csv" for table in DEPLOYMENT_TABLES]
    figures = [f"{figure}.{kind}" for figure in ("energy", "measured") for kind in ("png", "svg")]
    files = [*tables, *figures, "report.md", "report.html"]
    return [f"{DEPLOYMENTS[name]['folder']}/{file}" for file in files]


def print_deployments():
    """Say on the screen what was answered, and where the reports are."""
    for name in DEPLOYMENTS_ASKED:
        page = Path(DEPLOYMENTS[name]["folder"]) / "report.md"
        if page.exists():
            print(page.read_text(encoding="utf-8").split("\n\n")[1])
            print(f"Report: {page.with_suffix('.html')}")

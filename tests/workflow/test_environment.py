"""The declared, locked and used packages agree, and the entry points work."""

import ast
import os
import re
import shutil
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from processes import run
from repository import ROOT, read_yaml

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "matplotlib": "matplotlib-base",
    "nbconvert": "nbconvert-core",
}
# Run by the Pythons of .venv-browser, .venv-peers and .venv-stress, which have their own packages.
ELSEWHERE = {"ask.py", "browser.py", "make_engine.py", "sampler.py", "serve_engine.py"}


def normalise(name):
    """Spell a distribution name as PEP 503 does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked():
    """Return the lock's requirements, one logical line each."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def lock_versions():
    """Return {name: set of versions} of the lock."""
    versions = {}
    for line in locked():
        name, version = re.match(r"(\S+?)==(\S+)", line).groups()
        versions.setdefault(normalise(name), set()).add(version)
    return versions


LOCKED = lock_versions()


def parts(version):
    """Numbers of a version, for comparison."""
    return [int(part) for part in version.split(".")]


def pins(requirements):
    """Return {name: version}: of `name==version`, and of `name>=low,<high` what the lock holds."""
    found = {}
    for requirement in requirements:
        name, exact, low, high = RANGE.fullmatch(requirement).groups()
        if exact:
            found[name] = exact
            continue
        (found[name],) = LOCKED[normalise(name)]
        assert parts(low) <= parts(found[name]) < parts(high), requirement
    return found


RANGE = re.compile(r"([\w.-]+)(?:==(\S+)|>=([\d.]+),<([\d.]+))")
CORE = pins(PROJECT["project"]["dependencies"])
TEST = pins(PROJECT["dependency-groups"]["test"])


def imported(path):
    """Return the top-level names of the modules that a Python file or a Snakefile imports."""
    text = path.read_text()
    if path.suffix != ".py":
        text = "\n".join(re.findall(r"^(?:import|from) .*$", text, flags=re.MULTILINE))
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def undeclared(folder, declared):
    """Return (file, module) of every import below folder that no declared package provides."""
    files = [path for path in folder.rglob("*") if path.suffix in {".py", ".smk"}]
    files = [path for path in files if path.name not in ELSEWHERE]
    own = {path.stem for path in files} | {path.parent.name for path in files}
    # programs of the optional environments, which tests import
    own |= {path.stem for path in (ROOT / "envs").rglob("*.py")}
    provided = packages_distributions()
    return [
        (str(path.relative_to(ROOT)), module)
        for path in files
        for module in imported(path) - own - sys.stdlib_module_names - {"inference_energy"}
        if not declared & {normalise(name) for name in provided.get(module, [])}
    ]


def test_conda_environment_has_the_pins_of_pyproject():
    environment = read_yaml("environment.yml")
    dependencies = environment["dependencies"]
    assert f"python{PROJECT['project']['requires-python']}" in dependencies
    expected = {CONDA_NAMES.get(name, name): pin for name, pin in (CORE | TEST).items()}
    assert pins(line for line in dependencies if not line.startswith("python>")) == expected


def test_lock_has_the_pins_of_pyproject():
    expected = {normalise(name): {pin} for name, pin in (CORE | TEST).items()}
    assert {name: LOCKED.get(name) for name in expected} == expected


def test_pyproject_states_ranges_of_the_numeric_libraries():
    """Elsewhere they are tried by `make matrix`; a locked version outside its range is no pin."""
    ranged = [line for line in PROJECT["project"]["dependencies"] if "==" not in line]
    assert {RANGE.fullmatch(line)[1] for line in ranged} == {"numpy", "pandas", "scipy"}
    with pytest.raises(AssertionError):
        pins(["numpy>=1.0,<2.0"])
    with pytest.raises(AttributeError):
        pins(["numpy"])


def test_every_locked_requirement_has_a_hash():
    assert [line for line in locked() if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", line)] == []


def test_lock_names_no_index():
    text = (ROOT / "requirements.lock").read_text()
    assert re.findall(r"--(?:extra-)?index-url|--find-links|\w+://\S+", text) == []


def test_workflow_imports_only_declared_packages():
    assert undeclared(ROOT / "workflow", {normalise(name) for name in CORE}) == []


def test_tests_import_only_declared_packages():
    assert undeclared(ROOT / "tests", {normalise(name) for name in CORE | TEST}) == []


def test_undeclared_import_is_found():
    declared = {normalise(name) for name in CORE}
    found = {module for _, module in undeclared(ROOT / "tests", declared)}
    assert "pytest" in found


def test_ci_runs_make_test(tmp_path):
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$PWD: $*"\n')
    make.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = run([ROOT / ".ci" / "run"], cwd=tmp_path, env={"PATH": path})
    assert (done.returncode, done.stdout) == (0, f"{ROOT}: test\n")


@pytest.fixture
def make(tmp_path):
    """Run make on a copy of the Makefile in an empty folder."""
    for name in ("Makefile", "requirements.lock", "envs/lowest.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}

    def make(*arguments):
        return run(["make", *arguments], cwd=tmp_path, env=environment)

    return make


@pytest.mark.parametrize(
    ("target", "commands"),
    [
        ([], ["-m venv", "pip install", "--require-hashes", "snakemake --forceall"]),
        (["env"], ["-m venv", "pip install", "--require-hashes"]),
        (
            ["test"],
            [
                "-m venv",
                "ruff check",
                "ruff format --check",
                "snakefmt --check Snakefile workflow",
                "snakemake --lint",
                "--target .venv-lowest",
                "pytest",
            ],
        ),
        (["report"], ["pip install", "snakemake build/report.html"]),
        (["provenance"], ["snakemake all audit\n", "--report build/provenance.html"]),
    ],
)
def test_make_runs_from_nothing(make, target, commands):
    plan = make("--dry-run", *target).stdout
    positions = [plan.find(command) for command in commands]
    assert -1 not in positions, plan
    assert positions == sorted(positions), plan


def test_make_names_the_python_it_needs(make, tmp_path):
    done = make("env", "PYTHON=false")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_make_empties_no_environment_that_lies_elsewhere(make, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("")
    (tmp_path / ".venv").symlink_to(elsewhere)
    done = make("env")
    assert done.returncode != 0
    assert ".venv is a link" in done.stderr
    assert (elsewhere / "kept").exists()


def test_citation_names_the_software_and_the_paper():
    citation = read_yaml("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]
    assert {reference["doi"] for reference in citation["references"]} == {
        "10.1016/j.joule.2026.102430",
        "10.48550/arXiv.2509.20241",
    }
    for reference in citation["references"]:
        assert {"type", "title", "authors", "year"} <= set(reference)


@pytest.mark.parametrize(
    ("message", "allowed"),
    [
        ("Mend #12\n\nWhy.\n", True),
        (f"{'x' * 71}\n\nWhy.\n", True),
        ("Merge branch 'main'\n", True),
        (f"{'x' * 72}\n\nWhy.\n", False),
        ("No body\n", False),
        ("No blank line\nWhy.\n", False),
        ("No body\n\n# what git writes\n", False),
    ],
)
def test_a_hook_asks_a_commit_for_its_reason(message, allowed):
    hooks = read_yaml(".pre-commit-config.yaml")
    assert "commit-msg" in hooks["default_install_hook_types"]
    (hook,) = (of for of in hooks["repos"][0]["hooks"] if of["id"] == "commit-message")
    # as pre-commit searches files for a pattern that spans lines
    found = re.search(hook["entry"], message, re.MULTILINE | re.DOTALL)
    assert bool(found) == allowed


def test_make_help_lists_every_target():
    """Those with hyphens and those of envs/ too."""
    makefiles = [ROOT / "Makefile", *sorted((ROOT / "envs").glob("*.mk"))]
    phony = [
        line for path in makefiles for line in path.read_text().splitlines() if ".PHONY" in line
    ]
    expected = {target for line in phony for target in line.partition(":")[2].split()}
    listed = run(["make", "--silent", "help"], cwd=ROOT).stdout.splitlines()
    assert {line.split()[0] for line in listed} == expected

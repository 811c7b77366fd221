"""The repository's files, as tests read them, and a copy of them to run in."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import yaml
from inference_energy import documents
from inference_energy.laws.registry import needed_tables, serving_tables
from inference_energy.method.files import resolve
from inference_energy.method.materials import MEASURED, Materials, tables_of
from inference_energy.robustness.files import on_base
from inference_energy.tables import read_table
from processes import git

ROOT = Path(__file__).resolve().parents[1]


def read_yaml(path):
    """Content of a YAML file."""
    return yaml.load((ROOT / path).read_text(encoding="utf-8"), Loader=documents.BASE)


def read_schema(name):
    """JSON Schema of a document."""
    return read_yaml(f"workflow/schemas/{name}.schema.yaml")


def read(path, schema):
    """Table of a schema."""
    return read_table(ROOT / path, schema)


METHOD_FILES = {
    path.stem: read_yaml(path) for path in sorted((ROOT / "config" / "methods").glob("*.yaml"))
}
"""Content of every method file, by name."""

METHODS = {name: resolve(name, METHOD_FILES) for name in METHOD_FILES}
"""Every method with all that it inherits, by name."""


def read_multiverse(base=None):
    """config/multiverse.yaml on its base, or on another one."""
    config = read_yaml("config/multiverse.yaml")
    config["base"] = base or config["base"]
    return on_base(config, METHODS[config["base"]], read_schema("method"))


PAPER_TABLE = "data/throughput/oviedo.csv"


HARDWARE = ("models", "gpus", "nodes", "mlenergy", "inferencex", "wall_power")
"""Tables that the laws of throughput and of power with load are fitted to and asked with."""


def hardware_tables(names=HARDWARE):
    """Tables that laws need, by the names that the library knows them by."""
    return {name: read(MEASURED.get(name, f"data/{name}.csv"), name) for name in names}


def materials(methods):
    """Everything that resolved methods are built from."""
    traces = read("data/request_lengths.csv", "request_lengths").sort_values("quantile")
    paths = {path for method in methods for path in tables_of(method)}
    needed = sorted({*needed_tables(), *serving_tables()})
    return Materials(
        {path: read(path, "throughput") for path in sorted(paths)},
        {
            "traces": {
                name: tuple(rows["output_tokens"]) for name, rows in traces.groupby("trace")
            },
            "hardware": hardware_tables(needed),
        },
    )


def result_tables():
    """Tables of results/."""
    return sorted((ROOT / "results").rglob("*.csv"))


def files_of(folder):
    """Names of the files of a checkout: tracked, and new ones that git does not ignore."""
    listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = sorted(set(listed.split("\0")) - {""})
    return [name for name in names if (folder / name).is_symlink() or (folder / name).exists()]


def copy_to(folder):
    """Copy the repository's files, as they are now, into a new repository and commit them.

    The commit before that one holds nothing.
    """
    for name in files_of(ROOT):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "copy")
    return folder


@contextmanager
def edited(path, content):
    """Let a file of a copy hold something else, then what it held, as if never touched."""
    before, times = path.read_bytes(), path.stat()
    try:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

"""Pack what a stress test needs on a GPU machine that has no network.

``pack.py PLAN OUT [HAVE]``: the plan, the folder of the kit, and what ``pip freeze`` says on that
machine. Run it with the Python version that the machine has; wheels come from the locks, with their
hashes. What the machine has is not packed: of the engines, whatever its version there, as an engine
is built for the machine's own torch; of the rest, only in the version of the lock.
"""

import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from plan import read_plan
from random_model import write_tokenizer
from unattended import split

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

CLIENT = "envs/stress.lock"
RUNNER = "requirements.lock"
NEEDED = (
    *("numpy", "pandas", "scipy", "matplotlib", "pyarrow", "pillow", "pyyaml", "jinja2"),
    *("jsonschema-rs", "markdown-it-py", "markupsafe", "mdurl", "contourpy", "cycler"),
    *("fonttools", "kiwisolver", "packaging", "pyparsing", "python-dateutil"),
)
"""Of the project's packages those that the stress test imports."""

PROJECT = (
    "workflow",
    "config",
    "data",
    "results/revised/method.yaml",
    "envs/gpu",
    "pyproject.toml",
)
START = "run.sh"
"""The first file of a kit, by which it is known."""

LONGEST = 8192
"""Context that the tokenizer of a model states [tokens]."""


def main(plan_file, out, have_file=None):
    """Make the kit; an existing one is replaced."""
    plan = read_plan(plan_file, read(plan_file))
    check_python(plan.get("python"))
    have = read_have(read(have_file)) if have_file else {}
    out = Path(out)
    make_room(out)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        kit = Path(folder) / "kit"
        (kit / "wheels").mkdir(parents=True)
        lists = {"client": pick(CLIENT, have), "runner": pick(RUNNER, have, only=NEEDED)}
        for name, engine in plan["engines"].items():
            lock, skip = engine.get("lock"), engine.get("skip", [])
            lists[name] = pick(lock, dict.fromkeys(have), skip=skip) if lock else ""
        for name, lock in lists.items():
            print(f"Fetching the packages of {name} ...", file=sys.stderr, flush=True)
            trim_of = plan["engines"].get(name, {}).get("trim", {})
            wheels = fetch(lock, Path(folder) / name, kit / "wheels", trim_of)
            (kit / f"{name}.txt").write_text("\n".join(wheels) + "\n", encoding="utf-8")
        add_models(plan, kit)
        add_project(kit)
        (kit / "plan.json").write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
        whole = out / "whole"
        with tarfile.open(whole, "w") as archive:
            archive.add(kit, "kit")
    split(whole, out, plan["part_mib"])
    size = sum(path.stat().st_size for path in out.iterdir())
    parts = len(list(out.glob("part-*")))
    print(f"{out}: {parts} parts, {size / 2**20:.0f} MiB; there: sh run.sh", file=sys.stderr)


def make_room(out):
    """Replace a kit, also one that was not finished, and nothing else."""
    if (
        out.exists()
        and not (out / START).exists()
        and not (out.is_dir() and not any(out.iterdir()))
    ):
        sys.exit(f"{out}: holds something else than a kit; allowed is a kit or a new folder")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy2(HERE / START, out)


def read(path):
    """Text of a file that the user names."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{path}: cannot be read ({error}): correct PLAN=FILE or HAVE=FILE")


def check_python(wanted):
    """Refuse a Python for which the wheels of the GPU machine are not."""
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if wanted and wanted != mine:
        sys.exit(
            f"The plan says Python {wanted}, this is {mine}; allowed is the GPU machine's: give"
            f" GPU_PYTHON=python{wanted}, or correct the plan"
        )


def read_have(text):
    """Versions by name of what ``pip freeze`` lists; empty for one from a file or an address."""
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)(?: @ |==([^\s+;]+))", text)
    if not found:
        sys.exit("HAVE lists no package: give what `pip freeze` says on the GPU machine")
    return {plain(name): version for name, version in found}


def plain(name):
    """Name of a package as registries compare it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def pick(lock, have, only=None, skip=()):
    """Lines of a lock for what is to be packed.

    Parameters
    ----------
    lock : str
        Path below the project's folder.
    have : dict
        Versions that the machine has, by name; None for any version.
    only, skip : sequence of str
        Names that are packed alone, and patterns of those that are not.
    """
    text = (ROOT / lock).read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    picked = []
    for entry in re.split(r"\n(?=\S)", text):
        found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", entry)
        if not found:
            continue
        name, version = plain(found[1]), found[2]
        there = name in have and have[name] in (None, version)
        skipped = any(fnmatch.fnmatch(name, pattern) for pattern in skip)
        if not (there or skipped or (only and name not in only)):
            picked.append(entry)
    return "\n".join(picked)


def fetch(lock, folder, wheels, trim_of):
    """Put the wheels of a lock beside the others; their file names."""
    folder.mkdir()
    if not lock.strip():
        return []
    (folder / "lock").write_text(lock + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "-r", folder / "lock", "-w", folder]
    subprocess.run(command, check=True)
    found = sorted(folder.glob("*.whl"))
    for path in found:
        patterns = trim_of.get(plain(path.name.split("-")[0]), [])
        if patterns:
            trim(path, patterns)
        path.replace(wheels / path.name)
    return [path.name for path in found]


def trim(wheel, patterns):
    """Leave files of a wheel out, and their lines in its record."""

    def left_out(name):
        return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    whole = wheel.with_suffix(".whole")
    wheel.rename(whole)
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            if left_out(entry.filename):
                continue
            content = source.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                lines = content.decode().splitlines(keepends=True)
                kept = [line for line in lines if not left_out(line.rsplit(",", 2)[0])]
                content = "".join(kept).encode()
            target.writestr(entry, content, zipfile.ZIP_DEFLATED)
    whole.unlink()


def add_models(plan, kit):
    """Write config.json and a tokenizer for the model of every test."""
    for test in plan["tests"]:
        folder = kit / "models" / test["name"]
        folder.mkdir(parents=True)
        config = plan["models"][test["model"]]
        (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
        write_tokenizer(folder, config["vocab_size"], LONGEST)


def add_project(kit):
    """Copy the project's committed files that a test needs, and those of the kit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *PROJECT],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        target = kit / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    for name in ("unattended.py", "random_model.py"):
        shutil.copy2(HERE / name, kit)


if __name__ == "__main__":
    main(*sys.argv[1:])

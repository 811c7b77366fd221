"""`snakemake deployments`: one command from benchmark files to a report, one message otherwise."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
AIPERF = ROOT / "tests" / "fixtures" / "benchmarks" / "aiperf" / "dcgm.json"
FACTS = {
    "model": "Llama 3.1 70B",
    "gpu": "H100-SXM-80GB",
    "n_gpus": 2,
    "tensor_parallel": 2,
    "precision": "FP8",
}
USED = (
    "environment.yml",
    "README.md",
    "Snakefile",
    "config",
    "data",
    "profiles",
    "results",
    "workflow",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Copy of what the workflow uses, so that a run leaves no trace in the repository."""
    folder = tmp_path_factory.mktemp("project")
    for name in USED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy2(source, folder / name)
    return folder


def content(**section):
    """A deployment of AIPerf runs on two GPUs."""
    needed = {
        "model": FACTS["model"],
        "benchmarks": "cells/*/profile_export_aiperf.json",
        "facts": FACTS,
        "gpus_per_node": {"value": 8, "unit": "GPUs", "source": "a test"},
        "host_power": {"distribution": "fixed", "value": 2.2, "unit": "kW", "source": "a test"},
        "traffic": {
            "queries_per_day": {"value": 1000, "unit": "queries/day", "source": "a test"},
            "long_share": {"value": 0.1, "unit": "1", "source": "a test"},
        },
        "electricity_price": {"value": 0.1, "unit": "EUR/kWh", "source": "a test"},
        "grid_intensity": {"value": 40, "unit": "gCO2e/kWh", "source": "a test"},
    }
    return {"extends": "oviedo2026", "title": "A test", "deployment": needed | section}


def write(project, name, document):
    """Write a deployment file, and the AIPerf runs that it names, beside each other."""
    folder = project / "own"
    for name_of_cell in ("one", "two"):
        cell = folder / "cells" / name_of_cell
        cell.mkdir(parents=True, exist_ok=True)
        shutil.copy(AIPERF, cell / "profile_export_aiperf.json")
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return f"own/{name}.yaml"


def run(project, *arguments):
    """Run Snakemake; return code and everything on the screen."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def snakemake(project, deployments, *options):
    """Run only the rules of deployments."""
    return run(
        project,
        *("deployments", "--cores", "1", "--config", f"deployments={deployments}"),
        *("--allowed-rules", "deployments", "answer_deployment", *options),
    )


def test_a_stress_tests_files_become_a_report(project):
    path = write(project, "mine", content())
    code, text = snakemake(project, path)
    assert code == 0, text
    folder = project / "build" / "deployments" / "mine"
    assert "Report: build/deployments/mine/report.html" in text
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml;base64,") == 2
    runs = (folder / "runs.csv").read_text(encoding="utf-8")
    assert runs.count(",own/cells/") == 2
    code, text = snakemake(project, path)
    assert code == 0 and "Nothing to be done" in text


def test_what_is_wrong_with_several_files_is_told_at_once(project):
    paths = [
        write(project, "absent", content(benchmarks="nothing.json")),
        write(project, "misspelt", content(modle="x")),
        "own/none.yaml",
    ]
    code, text = snakemake(project, f"[{','.join(paths)}]")
    assert code != 0
    assert "own/absent.yaml: key deployment.benchmarks: value nothing.json: no such file" in text
    assert "own/misspelt.yaml: key deployment: unknown key modle" in text
    assert "own/none.yaml: no such file" in text
    assert "Traceback" not in text


def test_what_is_wrong_with_benchmarks_is_told_and_nothing_is_written(project):
    (project / "own").mkdir(exist_ok=True)
    (project / "own" / "odd.txt").write_text("hello\n", encoding="utf-8")
    wrong = {
        "odd": ({"benchmarks": "odd.txt"}, "own/odd.txt: begins with"),
        "factless": ({"facts": {"model": FACTS["model"]}}, "precision is neither in the file"),
        "renamed": ({"model": "Llama 3.1 70C"}, "did you mean Llama 3.1 70B"),
    }
    paths = [write(project, name, content(**section)) for name, (section, _) in wrong.items()]
    code, text = snakemake(project, f"[{','.join(paths)}]", "--keep-going")
    assert code != 0
    assert "Traceback" not in text
    for name, (_, words) in wrong.items():
        assert words in text
        folder = project / "build" / "deployments" / name
        assert not folder.exists() or not list(folder.iterdir())


def test_the_examples_are_part_of_everything(project):
    """`rule all` makes both, into the results that are committed."""
    code, text = run(project, "--dry-run", "--cores", "1", "--forceall", "--quiet", "rules")
    assert code == 0, text
    assert ["answer_deployment", "2"] in [line.split() for line in text.splitlines()]

"""The audit's rules: what is planned, what is written, what wrong questions answer."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "README.md",
    "environment.yml",
    "Snakefile",
    "config",
    "data",
    "figures",
    "profiles",
    "results",
    "tests",
    "workflow",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Return a copy of the repository with its results newer than everything else, committed."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "*.parquet")
    for name in PARTS:
        source = ROOT / name
        if source.is_symlink():
            (folder / name).symlink_to(source.readlink())
        elif source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored, copy_function=shutil.copy)
        elif source.exists():
            shutil.copy(source, folder)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "nothing")
    return folder


def git(folder, *arguments):
    identity = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "test"), ("EMAIL", "test@example.org"))
    }
    environment = os.environ | identity
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True)


def snakemake(folder, *arguments):
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return run.returncode, run.stdout + run.stderr


def planned(folder, *arguments):
    """Return the pairs of methods that a dry run would compare."""
    code, text = snakemake(folder, "--dry-run", "--forceall", *arguments)
    assert code == 0, text
    return sorted(set(re.findall(r"Comparing (\S+) with (\S+)", text)))


def test_every_configured_method_is_compared_with_the_next(checkout):
    methods = yaml.safe_load((checkout / "config/config.yaml").read_text())["methods"]
    pairs = sorted(pairwise(methods))
    assert planned(checkout) == pairs
    assert planned(checkout, "compare") == pairs


def test_a_pair_can_be_asked_for(checkout):
    arguments = ("compare", "--config", "base=oviedo2025", "head=oviedo2026-as-written")
    assert planned(checkout, *arguments) == [("oviedo2025", "oviedo2026-as-written")]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            ("base=oviedo2025", "head=oviedo206"),
            ["key head: value oviedo206: unknown", "did you mean"],
        ),
        (("base=nobody", "head=oviedo2026"), ["key base: value nobody", "allowed are oviedo2025"]),
        (("base=oviedo2025",), ["head"]),
    ],
)
def test_an_unknown_method_is_named(checkout, settings, words):
    code, text = snakemake(checkout, "--dry-run", "compare", "--config", *settings)
    assert code != 0
    for word in words:
        assert word in text
    assert "Traceback" not in text


def test_a_bad_finding_is_named_before_anything_runs(checkout):
    path = checkout / "config/findings.yaml"
    text = path.read_text()
    try:
        path.write_text(
            text.replace("p95: 1.4,", "p59: 1.4,").replace("method: oviedo2025", "method: v1")
        )
        code, answer = snakemake(checkout, "--dry-run")
    finally:
        path.write_text(text)
    assert code != 0
    assert "config/findings.yaml: pue-text-and-code: override" in answer
    assert "key method: value v1: unknown method" in answer


@pytest.fixture(scope="module")
def audited(checkout):
    """Return the copy with the audit's own files made and everything committed."""
    for name in ("results", "figures"):
        for path in sorted((checkout / name).rglob("*")):
            path.touch()
    code, text = snakemake(
        checkout,
        "results/comparison/oviedo2025..oviedo2026.md",
        "figures/comparison/oviedo2025..oviedo2026.svg",
        "results/audit/findings.md",
        "results/README.md",
    )
    assert code == 0, text
    git(checkout, "add", "results", "figures", "data")
    git(checkout, "commit", "-q", "-m", "results")
    return checkout


def test_node_power_is_the_whole_story(audited):
    page = (audited / "results/comparison/oviedo2025..oviedo2026.md").read_text()
    assert re.search(r"\| traditional median \| `node_power` \|.*\| 100.0 % \|", page)
    assert "act together" not in page


def test_every_finding_has_its_paragraph(audited):
    page = (audited / "results/audit/findings.md").read_text()
    ids = re.findall(r"^- id: (.*)$", (audited / "config/findings.yaml").read_text(), re.MULTILINE)
    assert sorted(re.findall(r"^## (.*)$", page, re.MULTILINE)) == sorted(ids)
    assert not re.search(r"\{|\bnan\b", page)


def test_the_tables_of_results_are_described(audited):
    page = (audited / "results/README.md").read_text()
    assert "## energy_per_query.csv" in page
    assert "## audit/findings.csv" in page
    assert "## sources.csv" not in page


def test_changes_are_written_for_an_uncommitted_tree(audited):
    table = audited / "data/sources.csv"
    table.write_text(table.read_text().replace("Energy and AI", "Energy and AI report"))
    code, text = snakemake(audited, "changes")
    assert code == 0, text
    page = (audited / "build/changes.md").read_text()
    assert page.startswith("# Changes since HEAD (")
    assert "The median of the frontier blend did not move." in page
    assert "| source_id=iea-2025 | title | Energy and AI | Energy and AI report |" in page
    assert "</html>" in (audited / "build/changes.html").read_text()


@pytest.mark.parametrize(
    ("since", "words"), [("nowhere", "unknown revision"), ("HEAD~1", "has no results folder")]
)
def test_a_revision_that_cannot_be_compared_is_named(audited, since, words):
    code, text = snakemake(audited, "changes", "--config", f"since={since}")
    assert code != 0
    assert f"value '{since}'" in text
    assert words in text
    assert "Traceback" not in text

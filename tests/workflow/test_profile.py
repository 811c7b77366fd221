"""The default profile, tried on a small workflow."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
SLOW = """
rule slow:
    output: "table.csv"
    message: "Write half a table, wait, write the rest."
    shell:
        "echo first > {output}; touch begun; "
        "while [ ! -e go ]; do sleep 0.1; done; echo last >> {output}"
"""
FAILING = """
rule failing:
    output: "table.csv"
    log: "failing.log"
    message: "Read a bad table."
    shell: "printf 'row %d: throughput_tps is negative' 3 > {log}; exit 1"
"""


@pytest.fixture
def workflow(tmp_path):
    """Return a folder with this project's profiles, where a Snakefile can be put."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path


def test_profiles_are_those_of_the_workflow_folder():
    assert (ROOT / "profiles").resolve() == ROOT / "workflow" / "profiles"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_stopped_run_does_not_block_the_next(workflow, stop):
    (workflow / "Snakefile").write_text(SLOW)
    run = subprocess.Popen(SNAKEMAKE, cwd=workflow, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not (workflow / "begun").exists():
            assert run.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        os.killpg(run.pid, stop)
        run.wait(timeout=60)
    (workflow / "go").touch()
    again = subprocess.run(SNAKEMAKE, cwd=workflow, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert (workflow / "table.csv").read_text() == "first\nlast\n"


def test_failing_rule_shows_its_sentence_and_its_log(workflow):
    (workflow / "Snakefile").write_text(FAILING)
    run = subprocess.run(SNAKEMAKE, cwd=workflow, capture_output=True, text=True)
    assert run.returncode != 0
    console = run.stdout + run.stderr
    assert "Read a bad table." in console
    assert "row 3: throughput_tps is negative" in console
    assert "Host:" not in console

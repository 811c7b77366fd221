"""The default profile, tried on a small workflow."""

import shutil
import signal

import pytest
from processes import SNAKEMAKE, snakemake, start, stop, wait_for
from repository import ROOT, read_yaml
from snakemake.cli import get_argument_parser

# bash goes on after an interrupt if its child ends well just then: no child before the long one
HALF = """
rule slow:
    output: "table.csv"
    message: "Write half a table, wait, write the rest."
    shell:
        "echo first > {output}; : > begun; "
        "[ -e go ] || exec sleep 100000; echo last >> {output}"
"""
WHOLE = """
rule slow:
    output: "table.csv"
    message: "Write half a table, wait, write the rest."
    shell:
        "echo first > part; : > begun; "
        "[ -e go ] || exec sleep 100000; echo last >> part; mv part {output}"
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


@pytest.mark.parametrize("name", ["default", "slurm", "kubernetes"])
def test_every_key_of_a_profile_is_an_option(name):
    """Snakemake takes a misspelt key for one of a plugin that is not there, and says nothing."""
    options = {o for action in get_argument_parser()._actions for o in action.option_strings}
    keys = read_yaml(f"workflow/profiles/{name}/config.yaml")
    assert {f"--{key}" for key in keys} <= options


def test_profiles_are_those_of_the_workflow_folder():
    assert (ROOT / "profiles").resolve() == ROOT / "workflow" / "profiles"


# told to stop just as it starts a job, Snakemake may take half a table for whole; the project's
# jobs write whole ones or none
@pytest.mark.parametrize(
    ("told", "rule"), [(signal.SIGINT, WHOLE), (signal.SIGTERM, WHOLE), (signal.SIGKILL, HALF)]
)
def test_stopped_run_does_not_block_the_next(workflow, told, rule):
    (workflow / "Snakefile").write_text(rule)
    run = start(SNAKEMAKE, cwd=workflow, start_new_session=True)
    marks = workflow / ".snakemake" / "incomplete"
    try:
        wait_for((workflow / "begun").exists, run)
        # Snakemake marks what a job makes after it has started the job
        wait_for(lambda: any(mark.is_file() and mark.read_text() for mark in marks.rglob("*")), run)
    finally:
        stop(run, told)
    (workflow / "go").touch()
    again = snakemake(workflow)
    assert again.returncode == 0, again.stdout
    assert (workflow / "table.csv").read_text() == "first\nlast\n"


def test_failing_rule_shows_its_sentence_and_its_log(workflow):
    (workflow / "Snakefile").write_text(FAILING)
    run = snakemake(workflow)
    assert run.returncode != 0
    assert "Read a bad table." in run.stdout
    assert "row 3: throughput_tps is negative" in run.stdout
    assert "Host:" not in run.stdout

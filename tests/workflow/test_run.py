"""The workflow itself, run on a copy of the repository's files."""

import ast
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from inference_energy import stopping
from inference_energy.claims.judge import is_scored
from inference_energy.lock import Lock
from inference_energy.reuse import checksums
from inference_energy.tables import read_table
from processes import (
    HANGS,
    PIPE,
    SNAKEMAKE,
    git,
    interrupted,
    one_message,
    snakemake,
    start,
    stop,
    wait_for,
)
from processes import run as run_to_end
from repository import ROOT, copy_to, edited, read_yaml
from snakemake.scheduling import job_scheduler

METHODS = read_yaml("config/config.yaml")["methods"]
PER_METHOD = {
    "draw_method",
    "estimate_footprint",
    "estimate_method",
    "estimate_scaling",
    "judge_claims",
    "resolve_method",
}
ONCE = {
    "all",
    "check_data",
    "check_verdicts",
    "compare_peers",
    "compute_findings",
    "describe_package",
    "document_results",
    "draw_concurrency",
    "draw_evidence",
    "evaluate_laws",
    "evaluate_power",
    "execute_notebooks",
    "renew_readme",
    "report_evidence",
    "state_headline",
    "summarise_claims",
    "summarise_measurements",
    "tell_own_node",
    "summarise_scaling",
    "tabulate_coefficients",
    "write_explorer",
    "write_pages",
}
PER_COMPARISON = {"compare_methods", "draw_comparison", "weigh_evidence"}
COMPARISONS = 3
RESULTS = {
    "throughput_laws": "throughput_laws",
    "energy_per_query": "energy_per_query",
    "throughput": "throughput_results",
    "output_tokens": "output_tokens",
    "densities": "densities",
    "histograms": "histograms",
    "fleet": "fleet",
    "sensitivity": "sensitivity",
    "claims": "claims",
    "scaling": "scaling",
    "test_time": "test_time",
    "agents": "agents",
    "crossing": "crossing",
    "footprint": "footprint",
    "counter_signal": "counter_signal",
}
# the tables of two rules, of which a run is stopped as soon as the first is there
STOPPED = ("throughput_laws", "energy_per_query", "throughput", "scaling", "claims")


def planned(output):
    """Jobs per rule that a dry run announces."""
    table = output.partition("Job stats:")[2].partition("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def dry_run(folder, *arguments):
    """Jobs per rule that would run."""
    run = snakemake(folder, "--dry-run", "--quiet", "host", *arguments)
    assert run.returncode == 0, run.stdout
    return planned(run.stdout)


def test_a_forced_run_has_these_jobs(forced_plan):
    expected = dict.fromkeys(PER_METHOD, len(METHODS)) | dict.fromkeys(ONCE, 1)
    expected |= dict.fromkeys(PER_COMPARISON, COMPARISONS) | {"answer_deployment": 2}
    assert planned(forced_plan) == expected


OWN = "deployments=config/deployments/8xb200-deepseek-r1.yaml"
OF_FOOTPRINT = "results/revised/footprint.csv figures/oviedo2026/footprint.svg"


@pytest.mark.parametrize(
    ("name", "without", "needing"),
    [
        ("evidence.yaml", ["compare", "docs/power.md"], ["docs/evidence.md", "all"]),
        (
            "findings.yaml",
            ["results/revised/energy_per_query.csv", "figures/revised/1a.svg", "laws deployments"],
            # what stands behind it is there already
            ["results/headline.csv", "compare --config base=revised head=oviedo2025"],
        ),
        (
            "methods/revised.yaml",
            ["compare --config base=oviedo2025 head=oviedo2026", "results/oviedo2025/claims.csv"],
            ["compare", "results/revised/energy_per_query.csv", "build/report.html"],
        ),
        (
            "deployments/8xh100-llama-405b.yaml",
            ["results/deployments/8xb200-deepseek-r1/runs.csv", f"deployments --config {OWN}"],
            ["results/deployments/8xh100-llama-405b/runs.csv", "deployments", "datapackage.json"],
        ),
        ("expected_verdicts.csv", ["results/headline.csv", "changes"], ["check_verdicts"]),
        ("sensitivity.yaml", ["everything"], ["figures/audit/tornado.svg", "audit laws"]),
        (
            "scaling.yaml",
            [
                f"deployments compare {OF_FOOTPRINT}",
                "results/deployments/8xb200-deepseek-r1/runs.csv results/oviedo2026/claims.md",
                "figures/oviedo2026/1b.svg results/claims.md",
            ],
            [
                "results/oviedo2026/test_time.csv",
                "results/headline.csv",
                "figures/revised/scaling.svg",
            ],
        ),
        (
            "footprint.yaml",
            ["deployments compare results/headline.csv", "figures/oviedo2026/scaling.svg"],
            [*OF_FOOTPRINT.split(), "results/audit/scaling.md"],
        ),
    ],
)
def test_a_broken_file_ends_the_runs_that_need_it_and_is_told_by_the_others(
    fresh, name, without, needing
):
    path = fresh / "config" / name
    with edited(path, "a: [\n"):
        for asked in without:
            run = snakemake(fresh, "--dry-run", *asked.split())
            assert run.returncode == 0, run.stdout
            told = re.findall(f"config/{name}.*", run.stdout)
            assert told and len(told) == len(set(told))
        for asked in needing:
            run = snakemake(fresh, "--dry-run", *asked.split())
            one_message(run, f"config/{name}")
            told = re.findall(f"config/{name}.*", run.stdout)
            assert len(told) == len(set(told))
            assert "File " not in run.stdout


def test_lint_is_clean(fresh):
    run = snakemake(fresh, "--lint")
    assert run.returncode == 0, run.stdout


def test_the_limiter_that_a_local_run_takes_away_is_the_one_that_snakemake_asks():
    """Snakemake would take any name, and the run be slow again without a word."""
    snakefile = (ROOT / "workflow" / "Snakefile").read_text()
    (name,) = re.findall(r"workflow\.scheduler\.(\w+) = None", snakefile)
    source = ast.parse(Path(job_scheduler.__file__).read_text())
    used = {
        (function.name == "__init__", type(node.ctx))
        for function in ast.walk(source)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == name
    }
    assert {(True, ast.Store), (False, ast.Load)} <= used


def test_every_rule_says_what_it_does():
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        rules = re.split(r"^ *rule (\w+):\n", path.read_text(), flags=re.MULTILINE)[1:]
        for name, body in zip(rules[::2], rules[1::2], strict=True):
            assert body.lstrip().startswith('"""'), name
            if re.search(r"^ +(script|shell|notebook):", body, re.MULTILINE):
                assert re.search(r"^ +message:", body, re.MULTILINE), name
                assert re.search(r"^ +log:", body, re.MULTILINE), name


def test_a_forced_run_reproduces_the_committed_results(done):
    folder, _ = done
    assert git(folder, "status", "--porcelain", "results", "figures", "README.md") == ""


def _works_in(process, folder):
    """Whether a process of /proc has a folder as its own."""
    try:
        return os.readlink(process / "cwd") == str(folder)
    except OSError:
        return False


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no copies are made here")
def test_jobs_are_copies_of_one_interpreter_that_ends_with_the_run(done):
    folder, _ = done
    noted = [line.split() for line in Path(f"{folder}.times").read_text().splitlines()]
    names = [name for name, _ in noted]
    assert names.count("imports") == 1
    assert (PER_METHOD | ONCE | PER_COMPARISON) - {"all"} <= set(names)
    times = {name: float(used) for name, used in noted}
    # a script that reads two tables takes less than what it imports
    assert times["check_verdicts"] < times["imports"] / 2
    hangs = time.monotonic() + HANGS
    while any(_works_in(process, folder) for process in Path("/proc").glob("[0-9]*")):
        assert time.monotonic() < hangs
        time.sleep(0.1)


def test_a_run_ends_with_the_counts_of_the_claims(done):
    folder, printed = done
    for method in METHODS:
        table = read_table(folder / "results" / method / "claims.csv", "claims")
        assert (f"{method}: {table['claim'].nunique()} claims:" in printed) == is_scored(table)


def test_a_run_that_makes_the_report_says_where_it_is(done):
    folder, _ = done
    report = "build/report.html"
    run = snakemake(folder, "--allowed-rules", "write_report", "--force", report)
    *_, before, last = run.stdout.splitlines()
    assert last == f"Read {report} first."
    assert before.startswith("results/headline.csv is no part of this run")
    whole = snakemake(folder, "results/headline.csv").stdout
    assert re.findall(r"(?m)^  revised: .* Wh traditional", whole)
    assert "is no part of this run" not in whole


def test_a_run_of_a_part_quotes_no_result_that_it_has_not_made(fresh):
    """It ended with the energies and verdicts of an earlier run, as if they were its own."""
    run = snakemake(fresh, "--until", "check_data", "--forcerun", "check_data")
    assert run.returncode == 0, run.stdout
    assert "[1 of 1" in run.stdout
    assert re.findall(" Wh| claims|Look at", run.stdout) == []


def test_nothing_runs_twice(done):
    assert dry_run(done[0]) == {}


WATCH = """
import os, sys
opened = os.open(os.environ["OPENED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def watch(event, arguments):
    if event == "open" and sys.orig_argv[1:3] == ["-m", "snakemake"]:
        os.write(opened, f"{arguments[0]}\\n".encode())
sys.addaudithook(watch)
"""


def test_the_checksum_of_an_input_is_taken_once_and_kept_with_every_output(done, tmp_path):
    """Of a job with three outputs, one of whose inputs the run itself does not read besides."""
    folder, _ = done
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    watched = {"PYTHONPATH": str(tmp_path), "OPENED": str(tmp_path / "opened")}
    outputs = [f"results/validation/{name}.csv" for name in ("concurrency", "blackwell")]
    command = [*SNAKEMAKE, "--force", *outputs, "results/validation/production.csv"]
    ran = run_to_end(command, cwd=folder, env=os.environ | watched)
    assert ran.returncode == 0, ran.stderr
    script = "workflow/scripts/_logged.py"
    assert (tmp_path / "opened").read_text().splitlines().count(script) == 1
    for output in outputs:
        name = base64.b64encode(output.encode()).decode()
        record = json.loads((folder / ".snakemake" / "metadata" / name).read_text())
        digest = hashlib.sha256((folder / script).read_bytes()).hexdigest()
        assert record["input_checksums"][script] == f"sha256:{digest}"


LIBRARY = ROOT / "workflow" / "inference_energy"
SCRIPTS = ROOT / "workflow" / "scripts"


@cache
def imported(path):
    """Files of the library and of scripts that a Python file imports itself."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    roots = (LIBRARY.parent, SCRIPTS)
    places = [folder.joinpath(*name.split(".")) for name in names for folder in roots]
    return {place.with_suffix(".py") for place in places if place.with_suffix(".py").exists()}


def importers(module):
    """Rules whose script imports a library module, followed through the library's own imports."""

    def reached(path, seen):
        for found in imported(path) - seen:
            seen |= {found}
            reached(found, seen)
        return seen

    rules = set()
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        found = re.findall(
            r"^ *rule (\w+):(?:(?!^ *rule ).)*?scripts/([\w/]+\.py)\"$",
            path.read_text(),
            re.M | re.S,
        )
        for rule, script in found:
            if LIBRARY / f"{module}.py" in reached(SCRIPTS / script, set()):
                rules.add(rule)
    return rules


@pytest.mark.parametrize("module", ["energy/monte_carlo", "claims/page", "tables"])
def test_an_edited_library_module_reruns_the_rules_that_import_it(done, module):
    folder, _ = done
    path = folder / "workflow" / "inference_energy" / f"{module}.py"
    with edited(path, path.read_bytes() + b"\n# edited\n"):
        run = snakemake(folder, "--dry-run", "--quiet", "host")
    reasons = dict(re.findall(r"^ {4}(\w[\w ]+):\n {8}(.*)$", run.stdout, re.MULTILINE))
    changed, behind = (
        set(reasons.get(reason, "").split(", ")) - {""}
        for reason in ("updated input files", "input files updated by another job")
    )
    own = importers(module) & (PER_METHOD | ONCE | PER_COMPARISON)
    assert changed
    assert changed <= own
    # a rule behind an edited one is counted there, even where its own files are edited too
    assert own <= changed | behind


def test_a_new_method_runs_alone_through_everything(done):
    folder, _ = done
    method = folder / "config" / "methods" / "mine.yaml"
    method.write_text(
        "extends: oviedo2026\nnode_power:\n  default: {value: 9.0, unit: kW, source: measured}\n"
    )
    try:
        config = ["--config", f"methods=[{','.join(METHODS)},mine]"]
        jobs = dry_run(folder, *config)
        assert {jobs[rule] for rule in PER_METHOD} == {1}
        run = snakemake(folder, *(f"results/mine/{name}.csv" for name in RESULTS), *config)
        assert run.returncode == 0, run.stdout
        for name, schema in RESULTS.items():
            read_table(folder / "results" / "mine" / f"{name}.csv", schema)
        assert git(folder, "status", "--porcelain", "results").split() == ["??", "results/mine/"]
    finally:
        method.unlink()
        shutil.rmtree(folder / "results" / "mine", ignore_errors=True)


def test_a_bad_method_is_refused_before_anything_runs(fresh):
    method = fresh / "config" / "methods" / "mine.yaml"
    method.write_text(
        "extends: oviedo2026\ncolour: blue\n"
        "pue: {distribution: log-normal, p5: 2, p95: 1, unit: '1', source: x}\n"
    )
    try:
        run = snakemake(fresh, "--config", "methods=[mine]")
    finally:
        method.unlink()
    one_message(run, "config/methods/mine.yaml", "unknown key colour", "p5 < p95")
    assert git(fresh, "status", "--porcelain") == ""


def test_a_bad_configuration_is_refused_before_anything_runs(fresh):
    run = snakemake(fresh, "--config", "methods=[oviedo2062]", "engines=[guess]")
    one_message(run, "did you mean oviedo2026?", "config/config.yaml", "guess")


def test_a_configuration_that_is_not_there_is_told_as_every_other_file(fresh):
    (fresh / "config" / "config.yaml").unlink()
    try:
        run = snakemake(fresh, "--dry-run")
    finally:
        git(fresh, "checkout", "--", "config")
    one_message(run, "config/config.yaml: no such file; restore it, or correct the name")
    assert "WorkflowError" not in run.stdout


def test_in_a_folder_with_braces_the_workflow_says_so(tmp_path):
    folder = copy_to(tmp_path / "a{b}")
    run = snakemake(folder, "--dry-run")
    one_message(run, f"folder of the workflow: value {folder}: braces")


@pytest.mark.parametrize("last", ["results/oviedo2026/blend.csv", "estimate_method"])
def test_a_file_that_until_takes_for_one_of_its_own_is_named(fresh, last):
    """Snakemake said that it has a bug, once it had made what comes before."""
    until = ["--until", "resolve_method"]
    run = snakemake(fresh, "--force", "--forcerun", "resolve_method", *until, last)
    one_message(run, f"--until: value {last}: needs resolve_method", "snakemake FILE --until RULE")
    assert "BUG" not in run.stdout and "[1 of" not in run.stdout
    run = snakemake(fresh, "--dry-run", "--force", "results/oviedo2026/blend.csv", *until)
    assert run.returncode == 0, run.stdout


def test_a_file_of_another_run_stops_nothing_but_that_one(fresh):
    target = "results/oviedo2026/method.yaml"
    settings = "stress={endpoint: http://localhost/v1, model: m}"
    with ExitStack() as stack:
        for name, content in (
            ("multiverse", "bass: 1\n"),
            ("sensitivity", "smples: 1\n"),
            ("stress", "[\n"),
        ):
            stack.enter_context(edited(fresh / "config" / f"{name}.yaml", content))
        assert snakemake(fresh, "--dry-run", target).returncode == 0
        audit = snakemake(fresh, "--dry-run", "audit")
        stress = snakemake(fresh, "--dry-run", "stress", "--config", settings)
    one_message(audit, "config/multiverse.yaml", "unknown key bass", "did you mean base?")
    one_message(audit, "config/sensitivity.yaml", "unknown key smples", "did you mean samples?")
    assert audit.stdout.count("unknown key bass") == audit.stdout.count("unknown key smples") == 1
    one_message(stress, "config/stress.yaml", "not YAML")


def test_a_second_run_says_so_at_once_and_changes_nothing(fresh):
    target = "results/oviedo2026/method.yaml"
    lock = Lock(fresh)
    try:
        run = snakemake(fresh, "--force", target)
        assert snakemake(fresh, "--dry-run", target).returncode == 0
    finally:
        lock.close()
    one_message(run, "Another run works in this folder", str(os.getpid()), "nothing was changed")
    assert "Snakefile" not in run.stdout
    assert git(fresh, "status", "--porcelain") == ""
    assert snakemake(fresh, "--force", target).returncode == 0
    git(fresh, "checkout", "--", ".")


def test_a_bad_table_gives_one_message_and_no_result(fresh):
    table = fresh / "data" / "throughput" / "oviedo.csv"
    bad = table.read_text().replace("3732.40", "-3732.40").replace("448.89", "n/a")
    results = fresh / "results" / "oviedo2026" / "energy_per_query.csv"
    committed = results.read_text()
    with edited(table, bad):
        checksums.write(fresh / "data")
        run = snakemake(fresh, "--force", str(results.relative_to(fresh)))
    one_message(run, "data/throughput/oviedo.csv", "line 5", "line 6", "-3732.4", "throughput_tps")
    assert not results.exists() or results.read_text() == committed
    git(fresh, "checkout", "--", ".")


def test_tables_that_contradict_each_other_are_told_with_the_check_of_data(fresh):
    table = fresh / "data" / "nodes.csv"
    with edited(table, table.read_text().replace("B200,B200,8,", "B200,B200,24,")):
        checksums.write(fresh / "data")
        run = snakemake(fresh, "--force", "build/data_checked.txt")
    one_message(run, 'data/nodes.csv: node HGX B200: column "psu_w": value 15750', "switch off")
    git(fresh, "checkout", "--", ".")


@pytest.mark.parametrize("target", ["all", "audit", "results/oviedo2026/fleet.csv"])
def test_a_changed_file_of_data_is_told_before_any_job(fresh, target):
    table = fresh / "data" / "throughput" / "oviedo.csv"
    with edited(table, table.read_text().replace("3732.40", "3732.50")):
        run = snakemake(fresh, target)
    one_message(run, "data/throughput/oviedo.csv: its SHA-256", "git", "make checksums")
    assert "[1 of" not in run.stdout
    assert git(fresh, "status", "--porcelain") == ""


@pytest.mark.parametrize("target", ["build/verdicts_checked.txt", "audit"])
def test_a_run_that_ends_with_the_energies_has_made_the_headline(fresh, target):
    """An edit of an assumption changes verdicts, which end a run, and its numbers are asked for
    all the same; an audit ended with those before the edit, and said that none had moved.
    """
    assert "state_headline" in dry_run(fresh, "--forceall", target)


def test_a_forced_run_has_a_line_a_step_on_the_screen_and_no_page(done):
    _, printed = done
    assert re.findall(r"^(?:#|\|).*$", printed, re.MULTILINE) == []


def test_a_changed_verdict_fails_the_run_and_names_the_claim(done):
    folder, _ = done
    expected = folder / "config" / "expected_verdicts.csv"
    line = "oviedo2026,ratio-energy,reproduced\n"
    before = expected.read_text()
    assert line in before
    with edited(expected, before.replace(line, "oviedo2026,ratio-energy,not reproduced\n")):
        run = snakemake(folder)
    one_message(
        run, "claim ratio-energy: verdict reproduced, expected not reproduced", "oviedo2026"
    )
    assert snakemake(folder).returncode == 0


@pytest.mark.parametrize(
    ("told", "alone"),
    [
        (signal.SIGINT, False),
        (signal.SIGINT, True),
        (signal.SIGTERM, False),
        (signal.SIGTERM, True),
        (signal.SIGKILL, False),
    ],
)
def test_a_stopped_run_leaves_whole_tables_and_the_next_one_finishes(done, told, alone):
    """And says so: it said that it failed, that it was to be mended, and began further steps."""
    folder, _ = done
    method = METHODS[0]
    targets = [f"results/{method}/{name}.csv" for name in STOPPED]
    for target in targets:
        (folder / target).unlink()
    code, said = interrupted(folder, told, alone, "[2 of", "--cores", "1", *targets)
    assert code
    if told != signal.SIGKILL:
        assert re.findall("Failed|Traceback|Mend|corrupted|failed", said) == [], said
        last = said.splitlines()[-1]
        total = int(re.search(r"\[2 of (\d+)", said)[1])
        # on a busy machine the second step may have ended before the signal came
        assert last in [stopping.words(n, total) for n in (1, 2)]
        assert said.count("Stopp") == 2
    for target, name in zip(targets, STOPPED, strict=True):
        if (folder / target).exists():
            read_table(folder / target, RESULTS[name])
    again = snakemake(folder, *targets)
    assert again.returncode == 0, again.stdout
    assert git(folder, "status", "--porcelain", "results") == ""


def test_a_forced_run_that_is_stopped_says_what_goes_on_and_what_begins_anew(done):
    folder, _ = done
    targets = [f"results/{method}/method.yaml" for method in METHODS]
    asked = ["--cores", "1", "--forceall", *targets]
    _, said = interrupted(folder, signal.SIGINT, False, "[2 of", *asked)
    total = int(re.search(r"\[2 of (\d+)", said)[1])
    assert said.splitlines()[-1] in [stopping.words(n, total, "--forceall") for n in (1, 2)]
    again = snakemake(folder, *targets)
    assert again.returncode == 0, again.stdout
    assert git(folder, "status", "--porcelain", "results") == ""


def test_what_a_failed_step_removed_and_git_brought_back_is_told(tmp_path):
    """Committed numbers were gone without a word, and stood beside an edited file as up to date."""
    folder, target = copy_to(tmp_path), "results/oviedo2025/agents.csv"
    scaling = folder / "config" / "scaling.yaml"
    right = scaling.read_text()
    with edited(scaling, right.replace("{value: 2.5, unit: kW", "{value: 0.25, unit: kW")):
        failed = snakemake(folder, target)
    assert "Removed for steps that did not end, though committed: figures/" in failed.stdout
    assert not (folder / target).exists()
    assert snakemake(folder, target).returncode == 0
    idle = snakemake(folder, target).stdout
    assert "Nothing to be done" in idle and "Written since" not in idle
    # git writes what it brings back now
    os.utime(folder / target)
    idle = snakemake(folder, target).stdout
    assert f"Written since the run that made them, as by git or by hand: {target}." in idle


TOLD_AS_A_STEP_ENDS = """\
import os
import signal
import sys

from snakemake.cli import main
from snakemake.scheduling.job_scheduler import JobScheduler

finish = JobScheduler._finish_jobs


def told(self):
    os.kill(os.getpid(), signal.SIGTERM)
    finish(self)


JobScheduler._finish_jobs = told
main(["--force", *sys.argv[1:]])
"""


def test_a_run_told_to_end_just_as_a_step_ends_does_not_wait_for_ever(done):
    """It holds the lock then that Snakemake's own handler of the signal waits for."""
    folder, _ = done
    target = "build/data_checked.txt"
    command = [sys.executable, "-c", TOLD_AS_A_STEP_ENDS, target]
    run = start(command, cwd=folder, stdout=PIPE, text=True, start_new_session=True)
    try:
        run.communicate(timeout=HANGS)
    finally:
        stop(run, signal.SIGKILL)
    assert run.returncode == 1
    again = snakemake(folder, target)
    assert again.returncode == 0, again.stdout


JOB = """\
import sys
from pathlib import Path
from time import sleep
from types import SimpleNamespace

from _logged import run
from _parallel import mapping


def work(path):
    Path(path).touch()
    sleep(10_000)


def main(snakemake):
    with mapping(2) as apply:
        list(apply(work, ["first", "second"]))


if __name__ == "__main__":
    run(main, SimpleNamespace(log=["job.log"], rule="job"))
"""


QUERY = """\
import threading
from pathlib import Path
from types import SimpleNamespace

from _logged import run
from _requests import opened


def main(snakemake):
    with opened(snakemake) as (connection, folder):
        def tell():
            while connection.query_progress() < 0:
                pass
            Path("begun").touch()

        threading.Thread(target=tell, daemon=True).start()
        large = "range(1000000000)"
        connection.execute(f"SELECT sum(a.range * b.range) FROM {large} AS a, {large} AS b")


if __name__ == "__main__":
    params = SimpleNamespace(memory_mb=100)
    resources = SimpleNamespace(tmpdir=".")
    asked = {"params": params, "resources": resources, "threads": 2}
    run(main, SimpleNamespace(log=["job.log"], rule="job", **asked))
"""


SAYS = """\
import sys
from types import SimpleNamespace

from _logged import run

run(lambda job: print("\\ud800ü", file=sys.stderr), SimpleNamespace(log=["job.log"], rule="job"))
"""


def test_a_job_that_says_half_a_character_has_it_in_its_log(tmp_path):
    """It ended in the traceback of a UnicodeEncodeError."""
    path = os.pathsep.join(map(str, (LIBRARY.parent, SCRIPTS)))
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": path}, "stderr": PIPE}
    job = start([sys.executable, "-c", SAYS], text=True, **options)
    assert job.communicate(timeout=HANGS)[1].strip() == "\\ud800ü"
    assert (job.returncode, (tmp_path / "job.log").read_text(encoding="utf-8")) == (0, "\\ud800ü\n")


@pytest.mark.parametrize(
    ("code", "begun", "told", "ended"),
    [
        (JOB, ["first", "second"], signal.SIGINT, -signal.SIGINT),
        (QUERY, ["begun"], signal.SIGINT, -signal.SIGINT),
        (QUERY, ["begun"], signal.SIGTERM, 128 + signal.SIGTERM),
    ],
)
def test_an_interrupted_job_shows_no_traceback(tmp_path, code, begun, told, ended):
    """And leaves nothing of its own: a cluster that takes a job back says so by SIGTERM."""
    (tmp_path / "job.py").write_text(code)
    path = os.pathsep.join(map(str, (LIBRARY.parent, SCRIPTS)))
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": path}, "stderr": PIPE}
    job = start([sys.executable, "job.py"], start_new_session=True, text=True, **options)
    wait_for(lambda: all((tmp_path / name).exists() for name in begun), job)
    os.killpg(job.pid, told)
    try:
        assert job.communicate(timeout=HANGS)[1] == ""
    finally:
        job.kill()
    assert job.returncode == ended
    assert (tmp_path / "job.log").read_text() == ""
    assert {path.name for path in tmp_path.iterdir()} == {"job.py", "job.log", *begun}

"""The audit's rules: what is planned, what is written, what wrong questions answer."""

import re
from contextlib import ExitStack

import pytest
import yaml
from inference_energy.reuse.package import pattern_of
from processes import HANGS, PIPE, SNAKEMAKE, STDOUT, git, one_message, snakemake, start
from repository import edited, read_yaml

METHODS = read_yaml("config/config.yaml")["methods"]


def compared(text):
    """Pairs of methods that a dry run would compare."""
    return sorted(set(re.findall(r"Comparing (\S+) with (\S+)", text)))


def planned(folder, *arguments):
    """Pairs of methods that a dry run of something would compare."""
    run = snakemake(folder, "--dry-run", "--forceall", *arguments)
    assert run.returncode == 0, run.stdout
    return compared(run.stdout)


def test_every_configured_method_is_compared_with_the_one_that_it_extends(fresh, forced_plan):
    parents = {name: read_yaml(f"config/methods/{name}.yaml").get("extends") for name in METHODS}
    pairs = sorted((parent, name) for name, parent in parents.items() if parent)
    assert len(pairs) == len(METHODS) - 1
    assert compared(forced_plan) == pairs
    assert planned(fresh, "compare") == pairs


def test_a_pair_can_be_asked_for(fresh):
    arguments = ("compare", "--config", "base=oviedo2025", "head=oviedo2026-as-written")
    assert planned(fresh, *arguments) == [("oviedo2025", "oviedo2026-as-written")]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            ("base=oviedo2025", "head=oviedo206"),
            ["key head: value oviedo206: unknown", "did you mean"],
        ),
        (("base=nobody", "head=oviedo2026"), ["key base: value nobody", "allowed are full-load"]),
        (("base=oviedo2025",), ["head"]),
    ],
)
def test_an_unknown_method_is_named(fresh, settings, words):
    run = snakemake(fresh, "--dry-run", "compare", "--config", *settings)
    one_message(run, *words)


def test_a_bad_finding_is_named_before_anything_runs(fresh):
    path = fresh / "config/findings.yaml"
    text = path.read_text()
    bad = text.replace("p95: 1.4,", "p59: 1.4,").replace("method: oviedo2025", "method: v1")
    with edited(path, bad):
        run = snakemake(fresh, "--dry-run")
    one_message(
        run,
        "config/findings.yaml: pue-text-and-code: override",
        "key method: value v1: unknown method",
    )
    assert run.stdout.count("unknown key p59") == 1, run.stdout


@pytest.mark.parametrize("target", ["audit", "everything"])
def test_a_wrong_base_of_both_files_of_the_audit_is_told_once(fresh, target):
    wrong = "extends: oviedo2026\nthroughput_lawz: {}\n"
    with ExitStack() as edits:
        for name in ("multiverse", "sensitivity"):
            path = fresh / f"config/{name}.yaml"
            text = path.read_text().replace("base: oviedo2026\n", "base: mine\n", 1)
            edits.enter_context(edited(path, text))
        mine = fresh / "config/methods/mine.yaml"
        edits.callback(mine.unlink)
        mine.write_text(wrong)
        run = snakemake(fresh, "--dry-run", target)
    assert run.stdout.count("unknown key throughput_lawz") == 1, run.stdout
    assert (run.returncode == 0) == (target == "everything")


def test_node_power_is_the_whole_story(done):
    page = (done[0] / "results/comparison/oviedo2026..oviedo2025.md").read_text()
    assert re.search(r"\| `node_power` \| [^|]*\(100.0 %\) \| [^|]*\(100.0 %\) \|", page)
    assert "Pairs" not in page


def test_every_finding_has_its_paragraph(done):
    page = (done[0] / "results/audit/findings_each.md").read_text()
    ids = [finding["id"] for finding in read_yaml("config/findings.yaml")]
    assert sorted(re.findall(r"^## (.*)$", page, re.MULTILINE)) == sorted(ids)
    assert not re.search(r"\{|\bnan\b", page)


def test_the_tables_of_results_are_described(done):
    page = (done[0] / "results/README.md").read_text()
    folder = done[0] / "results"
    tables = re.findall(r"^## `(.*)`$", page, re.MULTILINE)
    patterns = [pattern_of(name, METHODS) for title in tables for name in title.split(", ")]
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.csv")]
    # every table that there is has one heading, and every heading has a table
    assert [path for path in files if sum(bool(of.fullmatch(path)) for of in patterns) != 1] == []
    assert [of.pattern for of in patterns if not any(map(of.fullmatch, files))] == []
    assert re.findall(r"^\| \[`(.*)`\]", page, re.MULTILINE) == tables


def test_changes_are_written_for_an_uncommitted_tree(done):
    folder, _ = done
    # a table that few jobs read
    table = folder / "data/agent_tokens.csv"
    with edited(table, table.read_text().replace("Dataset2026.md", "Dataset.md", 1)):
        run = snakemake(folder, "changes")
    assert run.returncode == 0, run.stdout
    page = (folder / "build/changes.md").read_text()
    assert page.startswith("# Changes since HEAD (")
    assert "The median of the frontier blend did not move." in page
    row = "| source_id=copilot-2026, quantity=cached_prompt_tokens | locator |"
    assert f"{row} GitHubCopilotCodingAgentDataset2026.md | " in page
    assert "</html>" in (folder / "build/changes.html").read_text()


@pytest.mark.parametrize("told", [1, 3])
def test_changes_end_where_nobody_reads_on(done, told):
    """As with `snakemake changes | head`: the run waited for its job for ever."""
    folder, _ = done
    page = folder / "build/changes.md"
    page.unlink(missing_ok=True)
    process = start([*SNAKEMAKE, "changes"], cwd=folder, stdout=PIPE, stderr=STDOUT)
    for _ in range(told):
        process.stdout.readline()
    process.stdout.close()
    assert process.wait(HANGS) == 0
    assert page.exists()


@pytest.mark.parametrize(
    ("since", "words"), [("nowhere", "unknown revision"), ("HEAD~1", "has no results folder")]
)
def test_a_revision_that_cannot_be_compared_is_named(done, since, words):
    run = snakemake(done[0], "changes", "--config", f"since={since}")
    one_message(run, f"value '{since}'", words)
    # before minutes of making what would be compared
    assert "Comparing" not in run.stdout


AS_BASE = {"label": "as the base", "source": "a test"}
NODE = {"gpus_per_node": 8, "reference": {"input_tokens": 1000, "output_tokens": 1000}}
NODE["reference"]["unit"] = "tokens"


LAW = {"throughput_law": {"name": "additive", "source": "a test"} | NODE}
LOAD = {"distribution": "fixed", "value": 64, "unit": "requests", "source": "a test"}
OTHERWISE = {"full-load": ("law", LAW), "revised": ("load", {"serving": {"load": LOAD}})}
"""What of a method there is a choice of."""


def on_another_base(name, base):
    """A document of the audit with another method under it, and little to do."""
    document = read_yaml(f"config/{name}.yaml") | {"base": base}
    if name == "sensitivity":
        kept = ("power_utilisation_median", "throughput", "output_exponent")
        inputs = {key: document["inputs"][key] for key in kept}
        return document | {"samples": 16, "inputs": inputs}
    of, override = OTHERWISE[base]
    options = {"base": AS_BASE, "other": AS_BASE | {"override": override}}
    choice = {"title": "Other", "options": options}
    return {key: document[key] for key in ("base", "claims")} | {"choices": {of: choice}}


@pytest.mark.parametrize("base", OTHERWISE)
def test_the_audit_runs_on_every_law(done, base):
    folder, _ = done
    with ExitStack() as stack:
        for name in ("multiverse", "sensitivity"):
            text = yaml.safe_dump(on_another_base(name, base), sort_keys=False)
            stack.enter_context(edited(folder / f"config/{name}.yaml", text))
        # the copy is shared: a run that fails must leave it as it was, too
        stack.callback(git, folder, "checkout", "--quiet", "results", "figures")
        stack.callback(git, folder, "clean", "-fdq", "results", "figures")
        # but the scores at load, which know no base
        run = snakemake(folder, "results/audit/multiverse.md", "figures/audit/tornado.svg")
        assert run.returncode == 0, run.stdout
        lines = (folder / "results/audit/one_at_a_time.csv").read_text().splitlines()
        needed = (folder / "results/audit/needed_values.csv").read_text()
    assert sum(line.startswith(f"{OTHERWISE[base][0]},other,") for line in lines) == 6
    assert "\nmedian traditional,throughput,2,1,0.5," in needed
    (base,) = (line for line in lines if line.startswith(f"{OTHERWISE[base][0]},base,long,p50,"))
    assert base.endswith(",Wh,1")

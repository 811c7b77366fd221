"""The workflow as a module of another one, in a folder elsewhere, and as snakedeploy deploys it."""

import os
import shutil

import pandas as pd
import processes
import pytest
import yaml
from inference_energy.tables import read_table
from processes import SNAKEMAKE, STDOUT, git, one_message
from repository import ROOT, copy_to

OWN = """\
configfile: "config/config.yaml"


rule all:
    input:
        "{folder}results/mine/energy_per_query.csv",
        "{folder}results/faster/throughput_laws.csv",


module energy:
    snakefile:
        "{snakefile}"
    config:
        config["energy"]
{prefix}

use rule * from energy as energy_*
"""
# what snakedeploy 0.17.1 writes for --tag v1.0.0 (its template use_module.smk.jinja)
DEPLOYED = """\
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


# declare https://github.com/owner/inference-energy as a module
module inference_energy:
    snakefile:
        github("owner/inference-energy", path="workflow/Snakefile", tag="v1.0.0")
    config:
        config


# use all rules from https://github.com/owner/inference-energy
use rule * from inference_energy
"""
MINE = """\
extends: oviedo2026
node_power:
  default: {value: 5.1, unit: kW, source: half of a DGX H100}
"""
FASTER = """\
extends: oviedo2026
benchmarks: {table: data/throughput/faster.csv, source: made up}
"""


def snakemake(folder, *arguments, **environment):
    """Run Snakemake in a folder, its caches in there; the finished process with all it printed."""
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "GITHUB_TOKEN": ""}
    return processes.snakemake(folder, "--cores", "1", *arguments, **own, **environment)


def write(path, text):
    """Write a file, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def energies(table):
    """Exact median energy of a traditional query by model."""
    rows = table.query(
        "engine == 'exact' and regime == 'traditional' and pathway == 'baseline'"
        " and statistic == 'p50'"
    )
    return rows.set_index("subject")["value"]


def using(prefix=""):
    """A Snakefile that uses this workflow as a module."""
    stated = f'    prefix:\n        "{prefix}"\n' if prefix else ""
    folder = f"{prefix}/" if prefix else ""
    return OWN.format(snakefile=ROOT / "workflow/Snakefile", prefix=stated, folder=folder)


@pytest.fixture
def folder(tmp_path):
    """A workflow of its own that uses this one, with its own methods and one table of data."""
    write(tmp_path / "Snakefile", using())
    config = {"energy": {"methods": ["mine", "faster"], "engines": ["published", "exact"]}}
    write(tmp_path / "config/config.yaml", yaml.safe_dump(config))
    write(tmp_path / "config/methods/mine.yaml", MINE)
    write(tmp_path / "config/methods/faster.yaml", FASTER)
    rows = pd.read_csv(ROOT / "data/throughput/oviedo.csv", dtype=str)
    rows["throughput_tps"] = [str(2 * float(value)) for value in rows["throughput_tps"]]
    write(tmp_path / "data/throughput/faster.csv", rows.to_csv(index=False))
    return tmp_path


def test_another_workflow_runs_it_with_its_own_methods_and_data(folder):
    """With a prefix, which stands before what is made and not before what is given."""
    write(folder / "Snakefile", using("deep/energy"))
    made = folder / "deep/energy/results"
    run = snakemake(folder)
    assert run.returncode == 0, run.stdout
    mine = energies(read_table(made / "mine/energy_per_query.csv", "energy_per_query"))
    paper = energies(
        read_table(ROOT / "results/oviedo2026/energy_per_query.csv", "energy_per_query")
    )
    models = [model for model in paper.index if model not in ("DeepSeek-R1", *blends(paper))]
    # Eq. 1 is linear in the node power, and only the default power was changed, 10.2 to 5.1 kW
    assert (mine[models] / paper[models]).to_list() == pytest.approx([0.5] * len(models), rel=1e-5)
    assert mine["DeepSeek-R1"] == paper["DeepSeek-R1"]
    laws = [
        read_table(path / "throughput_laws.csv", "throughput_laws").query("term == 'peak'")
        for path in (made / "faster", ROOT / "results/oviedo2026")
    ]
    ratio = laws[0]["value"].to_numpy() / laws[1]["value"].to_numpy()
    assert ratio.tolist() == pytest.approx([2] * len(ratio), rel=1e-5)
    found = {path.name for path in folder.iterdir()}
    assert found == {*("Snakefile", "config", "data", "cache", "deep", ".snakemake")}
    assert {path.name for path in made.parent.iterdir()} == {"results", "figures", "logs"}
    again = snakemake(folder, "--dry-run")
    assert "Nothing to be done" in again.stdout


def blends(table):
    """Subjects that are no model."""
    return [subject for subject in table.index if "blend" in subject]


@pytest.mark.parametrize("prefix", ["", "deep/energy"])
def test_all_of_it_is_offered_below_one_rule_and_rule_all_stays_free(folder, prefix):
    write(folder / "Snakefile", using(prefix))
    deployment = ROOT / "config/deployments/8xh100-llama-405b.yaml"
    write(folder / "config/deployments/own.yaml", deployment.read_text(encoding="utf-8"))
    shutil.copytree(deployment.parent / "data", folder / "config/deployments/data")
    config = yaml.safe_load((folder / "config/config.yaml").read_text(encoding="utf-8"))
    config["energy"]["methods"].append("oviedo2026")
    config["energy"]["deployments"] = "config/deployments/own.yaml"
    write(folder / "config/config.yaml", yaml.safe_dump(config))
    run = snakemake(folder, "--dry-run", "energy_everything", "energy_deployments")
    assert run.returncode == 0, run.stdout
    assert "Answering for the deployment own" in run.stdout
    for rule in ("energy_draw_method", "energy_compare_methods", "energy_compute_findings"):
        assert rule in run.stdout
    # the README is the project's own
    assert "renew_readme" not in run.stdout


def test_a_wrong_configuration_of_the_caller_is_told_in_words(folder):
    config = {"energy": {"methods": ["mien"], "engines": ["published"], "engnes": 1}}
    write(folder / "config/config.yaml", yaml.safe_dump(config))
    run = snakemake(folder, "--dry-run")
    assert run.returncode != 0
    assert "did you mean mine?" in run.stdout
    assert "unknown key engnes" in run.stdout
    assert "Traceback" not in run.stdout


def test_a_what_if_is_refused_in_one_line(folder):
    run = snakemake(folder, "--dry-run", "energy_whatif")
    assert run.returncode != 0
    assert "whatif reads the repository of this project" in run.stdout
    assert "Traceback" not in run.stdout and "MissingInput" not in run.stdout


def test_a_missing_package_is_named_with_the_environment(folder):
    stub = "raise ModuleNotFoundError(name='jsonschema_rs')\n"
    write(folder / "stubs/jsonschema_rs.py", stub)
    # a process of its own, in which no package is loaded
    without = os.environ | {"PYTHONPATH": str(folder / "stubs")}
    command = [*SNAKEMAKE, "--cores", "1", "--dry-run"]
    run = processes.run(command, cwd=folder, env=without, stderr=STDOUT)
    one_message(run, "Package jsonschema_rs is missing where Snakemake runs", "environment.yml")


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """Environment in which github.com is a folder that holds this project's files as a tag."""
    base = tmp_path_factory.mktemp("host")
    git(copy_to(base / "owner" / "inference-energy"), "tag", "v1.0.0")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{base}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }


def test_what_snakedeploy_generates_runs(tmp_path, host):
    """Snakedeploy copies config/ and writes workflow/Snakefile; nothing else is there."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    write(tmp_path / "workflow/Snakefile", DEPLOYED)
    tables = ["results/oviedo2026/throughput_laws.csv", "results/oviedo2026/fleet.csv"]
    run = snakemake(tmp_path, *tables, **host)
    assert run.returncode == 0, run.stdout
    for table in tables:
        assert (tmp_path / table).read_bytes() == (ROOT / table).read_bytes()
    report = snakemake(tmp_path, "--report", "report.html", *tables, **host)
    assert report.returncode == 0, report.stdout
    everything = snakemake(tmp_path, "--dry-run", **host)
    assert "everything" in everything.stdout
    assert everything.returncode == 0, everything.stdout


def test_the_workflow_catalog_finds_what_it_asks_for():
    entry = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))
    assert set(entry) == {"usage"}
    assert set(entry["usage"]) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(entry["usage"]["mandatory-flags"]) == {"desc", "flags"}
    assert (ROOT / "workflow/Snakefile").is_file()
    assert (ROOT / "config/README.md").is_file()
    page = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in page and "workflow" in page

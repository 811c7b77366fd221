"""`snakemake deployments`: one command from benchmark files to a report, one message otherwise."""

import shutil

import pytest
import yaml
from processes import one_message, snakemake
from repository import ROOT

AIPERF = ROOT / "tests" / "fixtures" / "benchmarks" / "aiperf" / "dcgm.json"
FACTS = {
    "model": "Llama 3.1 8B",
    "gpu": "H100-SXM-80GB",
    "n_gpus": 2,
    "tensor_parallel": 2,
    "precision": "FP8",
}


@pytest.fixture(scope="module")
def project(done):
    """Copy of the repository with the deployments of these tests in folders of their own."""
    folder, _ = done
    yield folder
    for made in (folder / "own", *(folder / "build" / n for n in ("deployments", "requests"))):
        shutil.rmtree(made, ignore_errors=True)


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


def answer(project, deployments, *options):
    """Run the rules of deployments alone."""
    return snakemake(
        project,
        *("deployments", "--cores", "1", "--config", f"deployments={deployments}"),
        *("--allowed-rules", "deployments", "answer_deployment", *options),
    )


def test_a_stress_tests_files_become_a_report(project):
    path = write(project, "mine", content())
    run = answer(project, path)
    assert run.returncode == 0, run.stdout
    folder = project / "build" / "deployments" / "mine"
    assert "Report: build/deployments/mine/report.html" in run.stdout
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml;base64,") == 2
    runs = (folder / "runs.csv").read_text(encoding="utf-8")
    assert runs.count(",own/cells/") == 2
    again = answer(project, path)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout


def test_what_is_wrong_with_several_files_is_told_at_once(project):
    paths = [
        write(project, "absent", content(benchmarks="nothing.json")),
        write(project, "misspelt", content(modle="x")),
        "own/none.yaml",
    ]
    one_message(
        answer(project, f"[{','.join(paths)}]"),
        "own/absent.yaml: key deployment.benchmarks: value nothing.json: no such file",
        "own/misspelt.yaml: key deployment: unknown key modle",
        "own/none.yaml: no such file",
    )


def test_what_is_wrong_with_benchmarks_is_told_and_nothing_is_written(project):
    (project / "own").mkdir(exist_ok=True)
    (project / "own" / "odd.txt").write_text("hello\n", encoding="utf-8")
    wrong = {
        "odd": ({"benchmarks": "odd.txt"}, "own/odd.txt: begins with"),
        "factless": ({"facts": {"model": FACTS["model"]}}, "precision is neither in the file"),
        "renamed": ({"model": "Llama 3.1 8C"}, "did you mean Llama 3.1 8B"),
    }
    paths = [write(project, name, content(**section)) for name, (section, _) in wrong.items()]
    run = answer(project, f"[{','.join(paths)}]", "--keep-going")
    one_message(run, *(words for _, words in wrong.values()))
    for name in wrong:
        folder = project / "build" / "deployments" / name
        assert not folder.exists() or not list(folder.iterdir())


def test_a_deployment_that_is_right_is_answered_beside_others_that_are_not(project):
    wrong = {
        "a_misspelt": ({"modle": "x"}, "own/a_misspelt.yaml: key deployment: unknown key modle"),
        "a_renamed": ({"model": "Llama 3.1 8C"}, "did you mean Llama 3.1 8B"),
    }
    paths = [write(project, name, content(**section)) for name, (section, _) in wrong.items()]
    run = answer(project, f"[{','.join([*paths, write(project, 'right', content())])}]")
    one_message(run, *(words for _, words in wrong.values()))
    assert "Report: build/deployments/right/report.html" in run.stdout
    assert (project / "build/deployments/right/report.html").exists()
    # what is wrong with a file is told by a run that finds nothing else to do
    again = answer(project, f"[{paths[0]},own/right.yaml]")
    one_message(again, "unknown key modle", "Report: build/deployments/right/report.html")


def test_runs_that_are_unusual_in_two_ways_are_answered_with_both(project):
    path = write(project, "odd_ways", content(benchmarks="runs.csv", facts={}, gpu="B200"))
    columns = [*FACTS, "input_tokens", "output_tokens", "throughput_tps", "node_power_w"]
    columns += ["concurrency", "source_id", "status", "client", "source_file", "run", "sha256"]
    chosen = FACTS | {"gpu": "B200"}
    rows = [(1000, 1000, 3600, "ok"), (1000, 4000, 3500, "ok")]
    rows += [(2000, 2000, 3400, "marked: 3 requests failed")]
    rows += [(2000, 3000, 3400, "marked: run was cancelled")]
    lines = [
        (*chosen.values(), *row[:3], 1200, 64, "own", row[3], "vllm", "x.json", n, f"{n:064d}")
        for n, row in enumerate(rows, 1)
    ]
    table = "\n".join(",".join(map(str, line)) for line in [columns, *lines])
    (project / "own" / "runs.csv").write_text(table + "\n", encoding="utf-8")
    run = answer(project, path)
    assert run.returncode == 0, run.stdout
    told = ["left out, as 3 requests failed", "left out, as run was cancelled"]
    page = (project / "build/deployments/odd_ways/report.md").read_text(encoding="utf-8")
    assert [words for words in told if words not in run.stdout or words not in page] == []
    (project / "own" / "log.csv").write_text(
        "start,end,input_tokens,output_tokens\n"
        "2026-01-01T00:00:00Z,2026-01-01T00:00:20Z,1000,1500\n",
        encoding="utf-8",
    )
    asked = ("--cores", "1", "--config", "log=own/log.csv", f"deployment={path}")
    charged = snakemake(project, "requests", *asked)
    assert charged.returncode == 0, charged.stdout
    assert [words for words in told if words not in charged.stdout] == []

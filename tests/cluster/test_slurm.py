"""A log split on SLURM gives the bytes of a local run, even if jobs and the node are killed."""

import os
import shutil
import time

import numpy as np
import pandas as pd
import pytest
from cluster.one_node import one_node
from inference_energy.requests.files import folder_name
from processes import SNAKEMAKE, start
from repository import copy_to

pytestmark = pytest.mark.slurm

PARTS = 4
SPLIT = ("--set-scatter", f"requests={PARTS}")
REQUESTS = ("requests", "--config", "log=log", "method=oviedo2026")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Copy of the repository with a log of four files."""
    folder = copy_to(tmp_path_factory.mktemp("project"))
    (folder / "log").mkdir()
    random = np.random.default_rng(11)
    for number in range(PARTS):
        n = 50_000
        start = pd.to_datetime("2025-01-01") + pd.to_timedelta(random.uniform(0, 86400, n), "s")
        frame = {
            "start": start,
            "end": start + pd.to_timedelta(random.exponential(30, n), "s"),
            "model": random.choice(["Llama 3.1 405B", "ours"], n),
            "tenant": random.choice(["one", "two", "three"], n),
            "input_tokens": random.lognormal(6, 1, n).astype(int),
            "output_tokens": random.lognormal(5, 1, n).astype(int),
        }
        pd.DataFrame(frame).to_parquet(folder / "log" / f"{number}.parquet")
    return folder


def begin(project, *arguments):
    """Start Snakemake in the project; its screen goes to a file."""
    command = [*SNAKEMAKE, *REQUESTS, *arguments]
    with open(project / "screen.txt", "w", encoding="utf-8") as screen:
        return start(command, cwd=project, stdout=screen, stderr=screen)


def finish(run, project):
    """Wait for its end; return the bytes of every file of the answer."""
    code = run.wait()
    assert code == 0, (project / "screen.txt").read_text(encoding="utf-8")[-5000:]
    folder = project / "build" / "requests" / folder_name("log") / "oviedo2026"
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    assert "by_tenant.csv" in files and "load.csv" in files
    shutil.rmtree(project / "build" / "requests")
    return files


@pytest.fixture(scope="module")
def local(project):
    """Answer of one part, run here."""
    return finish(begin(project, "--cores", "1"), project)


@pytest.fixture
def cluster(tmp_path_factory):
    """A running SLURM."""
    folder = tmp_path_factory.mktemp("slurm")
    for path in (folder, *folder.parents[:3]):
        os.chmod(path, 0o755)
    with one_node(folder) as running:
        yield running


def on_slurm(project):
    """Start the same run on SLURM, in parts."""
    profile = ("--profile", "workflow/profiles/slurm", "--slurm-status-command", "squeue")
    return begin(project, *profile, *SPLIT)


def running_job(cluster, run):
    """Wait for a job that runs; return its number."""
    while run.poll() is None:
        jobs = cluster.ask("squeue", "--noheader", "--states", "RUNNING", "--format", "%i").split()
        if jobs:
            return jobs[0]
        time.sleep(0.2)
    raise AssertionError("the run ended before any job ran")


def test_parts_here_give_the_same_bytes(project, local):
    assert finish(begin(project, "--cores", "2", *SPLIT), project) == local


def test_slurm_gives_the_same_bytes(project, local, cluster):
    assert finish(on_slurm(project), project) == local


def test_a_killed_job_and_a_killed_node_change_nothing(project, local, cluster):
    run = on_slurm(project)
    job = running_job(cluster, run)
    cluster.ask("scancel", "--signal=KILL", "--full", job)
    running_job(cluster, run)
    cluster.kill_node()
    cluster.start_node()
    assert finish(run, project) == local
    assert "Trying to restart job" in (project / "screen.txt").read_text(encoding="utf-8")
    assert "due to node failure" in (cluster.folder / "slurmctld.log").read_text(encoding="utf-8")

"""`snakemake requests`: one command from a log to its energy, one message otherwise."""

import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from inference_energy.lock import Lock
from inference_energy.requests.files import LOCK, folder_name
from processes import SNAKEMAKE, snakemake, start, stop, wait_for
from repository import copy_to

FOLDER = Path("build", "requests", folder_name("log"), "oviedo2026")
ROWS = 3000


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Copy of the repository with a log of three files."""
    folder = copy_to(tmp_path_factory.mktemp("project"))
    (folder / "log").mkdir()
    random = np.random.default_rng(13)
    for number in range(3):
        start = pd.to_datetime("2025-01-01") + pd.to_timedelta(random.uniform(0, 9000, ROWS), "s")
        rows = pd.DataFrame(
            {
                "start": start,
                "end": start + pd.to_timedelta(random.exponential(30, ROWS), "s"),
                "model": random.choice(["Llama 3.1 405B", "ours"], ROWS),
                "tenant": random.choice(["ann@example.org", "bob@example.org"], ROWS),
                "id": [f"{number}-{row}" for row in range(ROWS)],
                "input_tokens": random.lognormal(6, 1, ROWS).astype(int) - 5,
                "output_tokens": random.lognormal(5, 1, ROWS).astype(int),
            }
        )
        pd.concat([rows, rows.head(10)]).to_parquet(folder / "log" / f"{number}.parquet")
    return folder


def requests(project, *arguments, config=("log=log", "method=oviedo2026")):
    """Run the rules of requests; return code and everything on the screen."""
    done = snakemake(project, "requests", *arguments, "--config", *config)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def answer(project):
    """Bytes of every file of the answer, and the screen."""
    code, text = requests(project)
    assert code == 0, text
    return {path.name: path.read_bytes() for path in (project / FOLDER).iterdir()}, text


def test_a_log_is_answered_and_said_on_the_screen(answer):
    files, text = answer
    assert "requests need **" in text
    assert f"Report: {FOLDER}/report.md" in text
    kinds = files["kinds.csv"].decode()
    assert f",duplicate,{3 * 10}," in kinds
    assert re.search(r"^\d+,rows,9030,", kinds, re.MULTILINE)


def test_the_page_has_its_figures_and_needs_no_other_file(answer):
    files = answer[0]
    names = set(re.findall(rb"\]\((\w+\.png)\)", files["report.md"]))
    assert names == {b"distribution.png", b"parts.png", b"hours.png"}
    assert {name.decode() for name in names} <= set(files)
    assert files["report.html"].count(b'src="data:image/svg+xml;base64,') == len(names)
    assert b'src="hours' not in files["report.html"]


def test_nothing_personal_is_written(answer):
    for name, content in answer[0].items():
        assert b"example.org" not in content, name
        assert not re.search(rb"\b[012]-\d+,", content), name


def test_parts_give_the_same_bytes(project, answer):
    code, text = requests(project, "--set-scatter", "requests=3", "--forceall")
    assert code == 0, text
    assert "3-of-3" in text
    assert {p.name: p.read_bytes() for p in (project / FOLDER).iterdir()} == answer[0]


def test_a_deployment_charges_the_counts_that_are_there(project, answer):
    path = "deployment=config/deployments/8xh100-llama-405b.yaml"
    code, text = requests(project, config=("log=log", path))
    assert code == 0, text
    assert "Counting part" not in text
    folder = project / FOLDER.parent / "8xh100-llama-405b"
    assert (folder / "report.md").exists() and (folder / "assumptions.csv").exists()


def test_what_is_unusual_of_a_deployment_is_told_on_the_screen(project, answer):
    example = (project / "config/deployments/8xh100-llama-405b.yaml").read_text(encoding="utf-8")
    mine = project / "config/deployments/mine.yaml"
    mine.write_text(example.replace("p5: 2.0\n", "p5: 0.2\n"), encoding="utf-8")
    code, text = requests(project, config=("log=log", f"deployment={mine.relative_to(project)}"))
    assert code == 0, text
    assert "config/deployments/mine.yaml: key deployment.host_power.p5: value 0.2: unusual" in text


def test_requests_that_the_deployments_gpus_cannot_serve_are_told_on_the_screen(project):
    """Eight H100 read 405 billion weights in FP8 in 15 ms: of one request 528 tokens a second."""
    rows = [f"2026-03-01T00:00:{n:02}.5Z,2026-03-01T00:00:{n + 1:02}.5Z,9,600" for n in range(50)]
    table = "\n".join(["start,end,input_tokens,output_tokens", *rows, ""])
    (project / "fast.csv").write_text(table, encoding="utf-8")
    path = "config/deployments/8xh100-llama-405b.yaml"
    code, text = requests(project, config=("log=fast.csv", f"deployment={path}"))
    assert code == 0, text
    assert "50 requests have more than 528 output tokens a second from start to end" in text
    code, text = requests(project, config=("log=fast.csv", "method=oviedo2026"))
    assert code == 0, text
    assert "50 requests have more than 400 output tokens a second from start to end" in text


def test_a_setting_of_the_answer_leaves_the_counts_as_they_are(project, answer):
    settings = project / "config" / "requests.yaml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("name_tenants: false", "name_tenants: true"))
    try:
        code, text = requests(project)
        named = (project / FOLDER / "by_tenant.csv").read_bytes()
    finally:
        settings.write_text(before)
    assert code == 0, text
    assert b"ann" in named and "Counting part" not in text


def test_a_generated_day_is_answered(project):
    code, text = requests(project, config=("log=generate:oviedo2026:1e4",))
    assert code == 0, text
    assert "The 10,000 requests need" in text


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ((), "key log: missing"),
        (("log=log", "method=oviedo2062"), "did you mean oviedo2026"),
        (("log=log", "method=oviedo2026", "format=azure"), "'ContextTokens' for input tokens"),
        (("log=generate:oviedo2026:none",), "whole number of queries"),
        (("log=generate:oviedo2062:1e4",), "did you mean oviedo2026"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(project, config, words):
    code, text = requests(project, config=config or ("methods=[oviedo2026]",))
    assert code != 0
    assert words in text
    assert "Traceback" not in text


@pytest.mark.parametrize("split", ["requests=0", "request=3"])
def test_a_split_into_nothing_or_of_nothing_is_refused(project, split):
    code, text = requests(project, "--set-scatter", split)
    assert code != 0 and "Traceback" not in text
    assert f"--set-scatter: value {split}: allowed is requests or multiverse" in text


def test_two_logs_are_read_at_once_but_not_one_twice(project, answer):
    """A run of the same log is refused; a run of another is not, and has its own job's logs."""
    held = Lock(project / FOLDER.parent, LOCK)
    code, text = requests(project, "--force")
    assert code != 0 and f"{FOLDER.parent}: Another run works in this folder" in text
    (project / "other.csv").write_text("input_tokens,output_tokens\n500,300\n")
    code, text = requests(project, config=("log=other.csv", "method=oviedo2026"))
    held.close()
    assert code == 0, text
    logs = project / "logs" / "requests"
    assert {(logs / folder_name(log) / "answer.log").exists() for log in ("log", "other.csv")} == {
        True
    }


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_keeps_the_parts_that_are_finished(project, answer, told):
    shutil.rmtree(project / FOLDER.parent)
    arguments = ("requests", "--cores", "1", "--set-scatter", "requests=3", "--config")
    config = ("log=log", "method=oviedo2026")
    parts = project / FOLDER.parent / "parts"
    screen = project / "screen.txt"
    with open(screen, "w", encoding="utf-8") as output:
        run = start(
            [*SNAKEMAKE, *arguments, *config],
            cwd=project,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            # the second part has begun once the first one is finished
            wait_for(lambda: len(counted(screen)) > 1, run)
        finally:
            stop(run, told)
    finished = counted(screen)[:1]
    kept = {p: p.read_bytes() for p in (parts / finished[0]).iterdir()}
    code, text = requests(project, "--set-scatter", "requests=3")
    assert code == 0, text
    assert not set(finished) & set(counted(text)) and counted(text)
    assert {path: path.read_bytes() for path in kept} == kept
    assert {p.name: p.read_bytes() for p in (project / FOLDER).iterdir()} == answer[0]


def counted(screen):
    """Parts that were begun to be counted, in order, by a screen's text or file."""
    text = screen.read_text(encoding="utf-8") if isinstance(screen, Path) else screen
    return re.findall(r"Counting part (\S+) of", text)

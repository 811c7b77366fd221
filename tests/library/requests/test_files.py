"""What is known of a log before anything runs."""

import gzip
import os
import re
from pathlib import Path

import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.method.files import find_methods
from inference_energy.requests import files
from inference_energy.tables import write_table
from repository import METHODS, ROOT

EXAMPLE = "config/deployments/8xh100-llama-405b.yaml"
DAY = {"log": "generate:revised:1e9"}


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    """Deployments name their files as from there."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def log(tmp_path):
    """A log with times of requests, without tenants or ends."""
    path = tmp_path / "my log.2025.csv"
    columns = {"start": "2025-01-01", "input_tokens": 5, "output_tokens": 7}
    pd.DataFrame([columns]).to_csv(path, index=False)
    return {"log": str(path)}


@pytest.fixture
def known(settings):
    """Load what is known of a log, all methods being there unless others are given."""
    return lambda config, methods=METHODS: files.load(config, settings, methods, find_methods())


def test_a_log_needs_the_methods_that_its_keys_name():
    assert files.asked_methods({"log": "a.csv"}) == {"oviedo2026": "key log"}
    asked = files.asked_methods(DAY | {"method": "mine"})
    assert asked == {"oviedo2026": "key log", "revised": "key log", "mine": "key method"}


def test_a_log_beside_its_packed_copy_is_refused(tmp_path, log, known):
    """Every request would count twice, and the answer would be twice the energy."""
    Path(f"{log['log']}.gz").write_bytes(gzip.compress(Path(log["log"]).read_bytes()))
    with pytest.raises(InputError, match=r"my log\.2025\.csv and .*my log\.2025\.csv\.gz"):
        known({"log": str(tmp_path), "method": "oviedo2026"})
    assert known(log | {"method": "oviedo2026"})["stated"] == {"start", "input", "output"}


def test_a_day_is_charged_by_its_own_method_and_split(known):
    day = known(DAY)
    assert day["served"] == {"method": METHODS["revised"]}
    assert day["parts"] * files.PART_QUERIES == day["log"]["count"] == 10**9
    assert files.day_inputs(day) == files.inputs(day)
    assert files.tables(day)[-1] == "by_hour"
    assert files.answer_folder(day) == "build/requests/revised-1000000000/revised"


@pytest.mark.parametrize(
    ("method", "model", "meant"),
    [
        ("oviedo2026", "Llama 3.1 405", "Llama 3.1 405B"),
        ("revised", "GLM 5", "GLM-5"),
        # its tables have it, and the method does not take it
        ("revised", "Llama 3.1 70B", "Llama 3.1 405B"),
    ],
)
def test_a_model_that_a_method_cannot_have_is_refused_before_the_log_is_counted(
    known, log, tmp_path, method, model, meant
):
    form = tmp_path / "mine.yaml"
    form.write_text(
        "source: ours\ntime: text\ncolumns: {input: input_tokens, output: output_tokens}\n"
        f"models: {{chat: {model}, code: DeepSeek-R1}}\n"
    )
    asked = log | {"method": method, "format": str(form)}
    with pytest.raises(InputError) as told:
        known(asked)
    (line,) = str(told.value).splitlines()
    assert line.startswith(f"key format: key models.chat: value {model}: method {method} has no")
    assert line.endswith(f"did you mean {meant}?")
    # a deployment has one model, whatever the log calls it
    assert known(log | {"deployment": EXAMPLE, "format": str(form)})


def test_a_log_on_disk_is_named_and_has_the_tables_of_its_columns(known, log):
    stored = known(log | {"method": "revised"})
    assert re.fullmatch("build/requests/my-log.2025-[0-9a-f]{8}", stored["folder"])
    # a folder can bear somebody's name
    assert Path(log["log"]).parent.name not in stored["title"]
    assert stored["stated"] == {"start", "input", "output"}
    assert set(files.TABLES) - set(files.tables(stored)) == {"by_tenant", "load"}
    assert files.day_inputs(stored) == {"models": "data/models.csv"}
    assert "data/throughput/oviedo.csv" in files.inputs(stored)["throughput_tables"]
    assert stored["parts"] == 1


def test_of_a_large_log_fewer_bins_are_kept_moment_by_moment(known, log, monkeypatch):
    stated = log | {"method": "revised"}
    assert known(stated)["log"]["one_in"] == 1
    monkeypatch.setattr(files, "MOMENTS_BYTES", Path(log["log"]).stat().st_size // 5)
    assert known(stated)["log"]["one_in"] == 5


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("log.2024-01.JSONL.gz", "log.2024-01"),
        (".hidden.parquet", "hidden"),
        ("--.csv", "log"),
        ("user=ann@example.org", "user"),
        ("ann@example.org.csv", "log"),
    ],
)
def test_answers_of_logs_have_folders_of_their_own_and_nobodys_name(name, folder):
    assert re.fullmatch(f"{re.escape(folder)}-[0-9a-f]{{8}}", files.folder_name(name))


@pytest.mark.parametrize(
    "places",
    [("one/log.csv", "two/log.csv"), ("my log.csv", "my-log.csv"), ("log.csv", "log.json")],
)
def test_logs_of_one_name_have_folders_of_their_own(known, tmp_path, places):
    folders = set()
    for place in places:
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        one = pd.DataFrame([{"input_tokens": 5, "output_tokens": 7}])
        one.to_csv(path) if path.suffix == ".csv" else one.to_json(path, orient="records")
        folders.add(known({"log": str(path), "method": "revised"})["folder"])
    assert len(folders) == 2


def test_a_log_has_one_folder_however_its_path_is_written(known, log, tmp_path):
    first = known(log | {"method": "revised"})["folder"]
    again = known({"log": f"{tmp_path}/../{tmp_path.name}/my log.2025.csv", "method": "revised"})
    assert again["folder"] == first


def test_a_log_named_after_somebody_is_not_shown_by_that_name(known, log, tmp_path):
    folder = tmp_path / "user=ann@example.org"
    folder.mkdir()
    Path(log["log"]).rename(folder / "a.csv")
    stored = known({"log": str(folder), "method": "revised"})
    assert stored["title"].startswith("user=..., ")
    inside = known({"log": f"{folder}/../{folder.name}/.", "method": "revised"})
    assert "ann" not in str([stored["folder"], inside["folder"], inside["title"]])


def test_the_load_is_stated_or_measured_where_starts_and_ends_are(known, log, tmp_path):
    served = {"method": "revised"}
    assert known(log | served)["load"] == {"load": None, "copies": 1}
    stated = known(log | served | {"load": 8, "copies": 2})
    assert stated["load"] == {"load": 8, "copies": 2}
    assert files.tables(stated)[-1] == "load"
    assert known(log | served | {"load": "best"})["load"]["load"] == float("inf")
    pd.read_csv(log["log"]).assign(end="2025-01-02").to_csv(tmp_path / "timed.csv")
    timed = known(served | {"log": str(tmp_path / "timed.csv")})
    assert timed["load"] == {"load": "measured", "copies": 1}
    assert files.tables(timed).count("load") == 1


def test_a_log_of_many_files_or_bytes_is_counted_in_parts(known, log, tmp_path, monkeypatch):
    folder = tmp_path / "hours"
    folder.mkdir()
    for hour in range(10):
        own = Path(log["log"]).read_text().replace("2025-01-01", f"2025-01-01T0{hour}:00:00Z")
        (folder / f"{hour}.csv").write_text(own)
    many = {"log": str(folder), "method": "revised"}
    assert known(many)["parts"] == 1
    monkeypatch.setattr(files, "PART_FILES", 3)
    assert known(many)["parts"] == 3
    monkeypatch.setattr(files, "PART_BYTES", 1)
    assert known(many)["parts"] == 10


def test_a_deployment_brings_its_benchmark_files(known, log):
    stored = known(log | {"deployment": EXAMPLE})
    needed = files.inputs(stored)
    assert needed["deployment"][0] == EXAMPLE
    assert set(stored["served"]["benchmarks"]) <= set(needed["deployment"])
    assert files.answer_folder(stored).endswith("/8xh100-llama-405b")
    assert files.tables(stored)[-1] == "assumptions"
    assert "assumptions" not in files.tables(known(log | {"method": "revised"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "key method: missing; allowed are .*revised"),
        ({"method": "revised", "deployment": EXAMPLE}, "only one of them"),
        ({"deployment": "none.yaml"}, "key deployment: value none.yaml: no such file"),
        ({"method": "revised", "format": "azur"}, r"value azur: no format .*did you mean azure"),
        (
            {"log": "generate:oviedo2026:1000", "format": "azur"},
            "key format: value azur: is of a log on disk, and generate:oviedo2026:1000 is drawn",
        ),
        ({"method": "revised", "format": EXAMPLE}, "unknown key extends"),
        ({"method": "revised", "log": "nothing"}, "no such file"),
        ({"method": "revised", "log": "x" * 5_000}, "no such file"),
        ({"deployment": "x" * 5_000}, "no such file"),
        ({"method": "revised", "format": "x" * 5_000}, "no format and no file"),
        ({"method": "revised", "load": "measured"}, "lacks starts or ends"),
        ({"method": "revised", "load": 0}, "key load: value 0: allowed are measured, best or"),
        ({"method": "revised", "load": 0.99}, "the model, from 1 to 1000000; correct it"),
        ({"method": "revised", "load": "full"}, "key load: value full: allowed are"),
        ({"method": "revised", "load": 1e9}, "key load: value 1000000000.0: allowed are"),
    ],
)
def test_what_is_wrong_is_refused(known, log, change, words):
    with pytest.raises(InputError, match=words):
        known(log | change)


def test_a_format_of_ones_own_is_held_against_itself(known, log, tmp_path):
    form = tmp_path / "mine.yaml"
    form.write_text(
        "source: a test\ntime: text\ncolumns: {start: start, duration: lasted,"
        " input: input_tokens, output: input_tokens}\n"
    )
    with pytest.raises(InputError) as caught:
        known(log | {"method": "revised", "format": str(form)})
    assert len(caught.value.problems) == 2
    assert all(problem.startswith(f"{form}: key") for problem in caught.value.problems)


def test_the_format_that_a_log_was_found_to_have_is_known(known, log, tmp_path):
    assert known(DAY)["format"] == ""
    config = log | {"method": "revised"}
    assert known(config)["format"] == known(config | {"format": "plain"})["format"] == "plain"
    form = tmp_path / "mine.yaml"
    form.write_text(
        "source: a test\ntime: text\ncolumns: {input: input_tokens, output: output_tokens}\n"
    )
    assert known(config | {"format": str(form)})["format"] == "mine.yaml"


@pytest.mark.parametrize("config", [DAY, {"method": "revised"}])
def test_a_method_whose_problems_are_told_elsewhere_stops_nothing(known, log, config):
    methods = {name: method for name, method in METHODS.items() if name != "revised"}
    assert known(log | config, methods) is None


def test_the_answer_on_the_screen_is_the_first_paragraph(known, tmp_path, monkeypatch):
    day = known(DAY)
    monkeypatch.chdir(tmp_path)
    assert files.answers(day) == []
    page = tmp_path / files.answer_folder(day) / "report.md"
    page.parent.mkdir(parents=True)
    page.write_text("# A title\n\nAn answer.\n\nMore.\n")
    assert files.answers(day) == ["An answer.", f"Report: {page.relative_to(tmp_path)}"]
    facts = [("PUE", "1.2", "stated", "a.yaml"), ("unusual: pue", "value 3", "stated", "a.yaml")]
    columns = ["fact", "value", "basis", "source"]
    table = page.with_name("assumptions.csv")
    write_table(pd.DataFrame(facts, columns=columns), table, "assumptions")
    assert files.answers(day)[1] == "a.yaml: key pue: value 3"


def test_files_with_braces_in_a_folder_are_told(known, tmp_path):
    for name in ("a{x}.csv", "b.csv", "c}.csv"):
        (tmp_path / name).write_text("input_tokens,output_tokens\n5,6\n")
    with pytest.raises(InputError) as refused:
        known({"log": str(tmp_path), "method": "revised"})
    first, second = refused.value.problems
    assert "a{x}.csv: braces stand for wildcards" in first
    assert "c}.csv: braces stand for wildcards" in second


def test_files_whose_names_are_no_text_are_told(known, tmp_path):
    for name in (os.fsdecode(b"\xff.csv"), "b.csv", "c\nd.csv"):
        (tmp_path / name).write_text("input_tokens,output_tokens\n5,6\n")
    with pytest.raises(InputError) as refused:
        known({"log": str(tmp_path), "method": "revised"})
    assert len(refused.value.problems) == 2
    assert all(problem.isprintable() for problem in refused.value.problems)


def test_files_that_are_left_out_are_known(known, tmp_path):
    for name in (
        "a.csv",
        "_b.csv",
        ".c.csv",
        "_sub/d.csv",
        "_SUCCESS",
        ".a.csv.crc",
        "_ann@x.y.csv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("input_tokens,output_tokens\n5,6\n")
    stored = known({"log": str(tmp_path), "method": "revised"})
    assert stored["left_out"] == [".c.csv", "...", "_b.csv", "d.csv"]
    assert known(DAY)["left_out"] == []

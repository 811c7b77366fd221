"""Files, units and shares of a log."""

import duckdb
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import log as requests_log
from inference_energy.requests.log import Unit, connect, find_files, open_log, share, units


def test_a_folder_is_its_files_in_order(tmp_path):
    for name in ("b.csv", "a.csv.gz", "_SUCCESS", ".hidden.csv", "day=2/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = [path.removeprefix(f"{tmp_path}/") for path in find_files(tmp_path)]
    assert found == ["a.csv.gz", "b.csv", "day=2/c.csv"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no such file or an empty folder"),
        (["a.csv", "b.parquet"], "one kind in a log"),
        (["a.xlsx"], "allowed are .parquet, .csv"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path, names, words):
    for name in names:
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=words):
        find_files(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"x,x\n1,2\n", "appears more than once"),
        ("a.csv", b"one,two\n1,2\n", "no format of config/requests.yaml has its columns, one, two"),
        ("a.jsonl", b"hello\n", "holds no JSON objects"),
        ("a.parquet", b"hello\n", "give a readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, settings, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        open_log(tmp_path / name, settings["formats"])


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 20])
def test_shares_are_everything_once(parts):
    items = list(range(11))
    shares = [share(items, part, parts) for part in range(1, parts + 1)]
    assert [item for own in shares for item in own] == items


def test_units_of_a_parquet_file_cover_its_rows(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(requests_log, "UNIT_ROWS", 40)
    path = tmp_path / "a.parquet"
    duckdb.sql(
        f"COPY (SELECT i AS input_tokens, i AS output_tokens FROM range(100) t(i)) TO '{path}'"
    )
    log = open_log(path, settings["formats"])
    file = path.as_posix()
    assert units(log, connect()) == [Unit(file, 0, 39), Unit(file, 40, 79), Unit(file, 80, 99)]

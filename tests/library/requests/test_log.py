"""Files, units and shares of a log."""

import gzip
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import log as requests_log
from inference_energy.requests.log import (
    Unit,
    columns_of_any,
    connect,
    find_files,
    open_log,
    share,
    units,
)


def test_a_folder_is_its_files_in_order(tmp_path):
    for name in ("b.csv", "a.csv.gz", "_SUCCESS", ".hidden.csv", "day=2/c.csv", ".ipynb/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = [path.removeprefix(f"{tmp_path}/") for path in find_files(tmp_path)]
    assert found == ["a.csv.gz", "b.csv", "day=2/c.csv"]


def test_hours_without_requests_are_empty_files(tmp_path, count):
    (tmp_path / "a.jsonl").write_text('{"input_tokens": 5, "output_tokens": 6}\n')
    (tmp_path / "b.jsonl").write_text("")
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b""))
    assert find_files(tmp_path) == [f"{tmp_path}/a.jsonl"]
    assert count(tmp_path)["lengths"]["n"].sum() == 1


def test_a_tables_replaced_files_are_not_taken_for_a_log(tmp_path):
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "a.parquet").write_text("x")
    with pytest.raises(InputError, match="_delta_log says which of the files count"):
        find_files(tmp_path)


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_folders_say_columns_as_hive_writes_them(tmp_path, count, kind):
    rows = "VALUES (1, 2, 'a/b', 'm'), (3, 4, NULL, 'n')"
    sql = f"SELECT * FROM ({rows}) t(input_tokens, output_tokens, tenant, model)"
    duckdb.sql(f"COPY ({sql}) TO '{tmp_path}/log' (FORMAT {kind}, PARTITION_BY (tenant, model))")
    tables = count(tmp_path / "log")
    assert tables["lengths"][["model", "input"]].to_numpy().tolist() == [["m", 1], ["n", 3]]
    assert tables["tenants"]["tenant"].fillna("").tolist() == ["a/b", ""]


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
    ("path", "remedy"),
    [
        ("s3://bucket/a.parquet", "copy the log to a folder of this machine, or mount its bucket"),
        ("https://host/a.csv", "copy the log to a folder"),
        ("logs/*.csv", "patterns are not followed; name the folder"),
        ("logs/2025-0[1-3].csv", "patterns are not followed"),
        ("~/logs", "write it out"),
        ("a.csv,b.csv", "name the folder of the files"),
        ("a.csv", "correct the path"),
    ],
)
def test_a_path_that_leads_nowhere_has_a_remedy(path, remedy):
    with pytest.raises(InputError) as refused:
        find_files(path)
    (problem,) = refused.value.problems
    assert problem.startswith(f"key log: value {path}: no such file") and remedy in problem


def test_a_folder_of_everything_is_no_log(tmp_path, monkeypatch):
    monkeypatch.setattr(requests_log, "MOST_FILES", 3)
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text("x")
    assert len(find_files(tmp_path)) == 3
    (tmp_path / "4.csv").write_text("x")
    with pytest.raises(InputError, match="holds more than 3 files; allowed is a folder of logs"):
        find_files(tmp_path)


def test_a_folder_that_changes_while_it_is_listed_is_refused(tmp_path, monkeypatch):
    def gone(folder, pattern):
        raise FileNotFoundError(2, "No such file or directory", str(folder / "gone"))

    monkeypatch.setattr(Path, "rglob", gone)
    with pytest.raises(InputError, match="changed while it was listed"):
        requests_log.find_files(str(tmp_path))


def test_links_that_lead_to_no_file_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "b.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(InputError, match=r"links .*/b.csv lead to no file"):
        find_files(tmp_path)


def test_a_file_is_read_by_its_name_and_not_by_a_pattern(tmp_path, count):
    for kind, options in (("parquet", ""), ("csv", ", HEADER")):
        for name in ("a*[1]?", "ab1c"):
            path = tmp_path / f"{name}.{kind}"
            sql = f"COPY (SELECT 5 AS input_tokens, 6 AS output_tokens) TO '{path}'"
            duckdb.sql(f"{sql} (FORMAT {kind}{options})")
        assert count(tmp_path / f"a*[1]?.{kind}")["lengths"]["n"].sum() == 1


def test_the_columns_of_a_log_are_those_of_any_file(tmp_path, settings):
    (tmp_path / "a.csv").write_text("input_tokens,output_tokens\n5,6\n")
    (tmp_path / "b.csv").write_text("input_tokens,output_tokens,id\n5,6,x\n")
    log = open_log(tmp_path, settings["formats"])
    assert columns_of_any(log) == {"input", "output", "id"}
    (tmp_path / "c.csv").write_text("input,output_tokens\n5,6\n")
    (tmp_path / "d.csv").write_text("\n")
    with pytest.raises(InputError) as refused:
        columns_of_any(open_log(tmp_path, settings["formats"]))
    first, second = refused.value.problems
    assert "c.csv: column 'input_tokens' for input tokens: not in the log" in first
    assert "d.csv, row 1: is empty" in second


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "row 1: is empty"),
        ("a.csv", b"\nx,y\n1,2\n", "row 1: is empty; name the columns there"),
        ("a.csv", gzip.compress(b"x,y\n1,2\n", mtime=0), "end its name in .gz or .zst"),
        ("a.csv", "x,\xe9\n1,2\n".encode("latin-1"), "row 1: is no text in UTF-8"),
        ("a.csv", b"x,X\n1,2\n", "column X, x: appears more than once"),
        ("a.csv", "x,y\n1,2\n".encode("utf-16"), "is no text in UTF-8"),
        ("a.csv", b"one,two\n1,2\n", "no format of config/requests.yaml has its columns, one, two"),
        ("a.csv", b"x" * 140_000 + b",y\n1,2\n", "row 1: is no header"),
        ("a.jsonl", b"hello\n", "holds no JSON objects"),
        ("a.jsonl", b'{"b": 1, "b": 2, "\\ud800": 3}\n', r"has its columns, \?, b;"),
        ("a.jsonl", b"[" * 100_000, "give JSON objects, one per line"),
        ("a.jsonl", b'{"a":' * 100_000, "give JSON objects, one per line"),
        ("a.parquet", b"hello\n", "give a readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, settings, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        open_log(tmp_path / name, settings["formats"])


@pytest.mark.parametrize("name", ["Model", "OUTPUT_TOKENS"])
def test_columns_of_parquet_are_not_told_apart_by_case(tmp_path, settings, name):
    """DuckDB names the second of them anew, so that a log would be read by the wrong one."""
    inside = {"x": 1, "X": 2, "model": "x"}
    one = {"model": ["a"], "input_tokens": [5], "output_tokens": [6], "usage": [inside], "x": [1]}
    pq.write_table(pa.table(one), tmp_path / "a.parquet")
    assert columns_of_any(open_log(tmp_path / "a.parquet", settings["formats"])) >= {"model"}
    pq.write_table(pa.table(one | {name: one[name.lower()]}), tmp_path / "a.parquet")
    words = f"a.parquet: column {name}, {name.lower()}: appears more than once; rename"
    with pytest.raises(InputError, match=words):
        open_log(tmp_path / "a.parquet", settings["formats"])


def test_bytes_of_parquet_are_texts_where_they_are_asked_for(tmp_path, count, kinds):
    """As of writers that do not say which bytes are text; some, as an id, may be none."""
    details = b'{"usage_object": {"prompt_tokens_details": {"cached_tokens": 100}}}'
    rows = {
        "request_id": [b"\xff\x01", b"\xff\x02", b"\xff\x02"],
        "model": ["Llama \u00e9".encode(), b"\xff", None],
        "prompt_tokens": [b"120", b"130", b"many"],
        "completion_tokens": [1, 1, 1],
        "metadata": [details, b"\xff", None],
    }
    pq.write_table(pa.table(rows), tmp_path / "log.parquet")
    tables = count(tmp_path / "log.parquet")
    assert kinds(tables) == {"rows": 3, "no tokens": 1, "unreadable tokens": 1}
    found = tables["lengths"].set_index("model")[["input", "cached"]].to_dict("index")
    assert found == {
        "Llama \u00e9": {"input": 120, "cached": 100},
        "\\xFF": {"input": 130, "cached": 0},
    }


def test_a_header_can_be_long(tmp_path, settings):
    """Longer than a cell can be, which it would be one of by another delimiter."""
    header = ["input_tokens", "output_tokens", *(f"column_{number:07}" for number in range(10_000))]
    (tmp_path / "a.csv").write_text(",".join(header) + "\n")
    assert columns_of_any(open_log(tmp_path / "a.csv", settings["formats"])) == {"input", "output"}


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


@pytest.mark.parametrize("kind", ["log.jsonl", "tenant=t/log.json"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_broken_line_is_told_wherever_it_is(tmp_path, count, kinds, place, kind):
    lines = ['{"input_tokens": 5, "output_tokens": 6}'] * 3
    lines.insert(place, '{"input_tokens": 5, "outp')
    (tmp_path / kind).parent.mkdir(exist_ok=True)
    (tmp_path / kind).write_text("\n".join(lines))
    tables = count(tmp_path / kind)
    assert kinds(tables) == {"rows": 3, "unreadable": 1}
    assert tables["examples"]["row"].tolist() == [place]


@pytest.mark.parametrize("text", ["[\n{}\n]", "[\n{},\n{}\n]", '{"data": [\n{}\n]}', "[{},\n{}]"])
def test_objects_of_a_document_are_not_taken_for_its_lines(tmp_path, text):
    (tmp_path / "log.json").write_text(text.replace("{}", '{"a": 1}'))
    assert not requests_log._by_line(f"{tmp_path}/log.json")


@pytest.mark.parametrize(
    "text", ["[{0}]\n[{0}]\n", "[{0},{0}][{0}]", "[\n{0}\n]\n[\n{0}\n]", "[[{0}]]"]
)
def test_several_lists_in_a_file_are_refused_as_that(tmp_path, settings, text):
    """It was said to hold no objects."""
    request = '{"input_tokens": 5, "output_tokens": 7}'
    (tmp_path / "log.json").write_text(text.replace("{0}", request))
    with pytest.raises(InputError, match=r"holds several lists, .* allowed is one list"):
        open_log(tmp_path / "log.json", settings["formats"])

"""A file that a log holds twice is refused, and one that only looks so is not."""

import gzip
import shutil

import pandas as pd
import pyarrow as pa
import pytest
from inference_energy.requests import repeated
from inference_energy.requests.formats import COMPRESSIONS
from inference_energy.requests.log import find_files
from inference_energy.requests.repeated import COMPARED, SHOWN, repeated_problems

HEADER = "input_tokens,output_tokens\n"


@pytest.fixture
def problems(tmp_path):
    """Problems of the files of a folder, as its log would be read."""
    return lambda kind="csv": repeated_problems(find_files(tmp_path), kind, "key log: value lg")


def packed(path):
    """A file as `gzip -k` leaves it beside the plain one."""
    target = path.with_name(f"{path.name}.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


def test_a_packed_file_beside_the_plain_one_is_refused(tmp_path, problems):
    (tmp_path / "a.csv").write_text(f"{HEADER}5,7\n")
    assert problems() == []
    packed(tmp_path / "a.csv")
    (told,) = problems()
    assert f"{tmp_path}/a.csv and {tmp_path}/a.csv.gz" in told
    assert told.startswith("key log: value lg: files of the same contents")
    assert "leave one of each two out" in told


def test_a_longer_file_is_known_by_its_beginning(tmp_path, problems):
    """Also one that was packed while it grew: its beginning counts twice."""
    lines = "12345,67890\n" * (COMPARED // 12 + 1)
    (tmp_path / "a.csv").write_text(HEADER + lines)
    packed(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text(HEADER + lines + "1,2\n")
    (told,) = problems()
    assert "a.csv.gz" in told


@pytest.mark.parametrize("name", ["a copy.csv", "below/b.csv"])
def test_a_copy_of_any_name_is_refused(tmp_path, problems, name):
    (tmp_path / "below").mkdir()
    (tmp_path / "a.csv").write_text(f"{HEADER}5,7\n")
    shutil.copy(tmp_path / "a.csv", tmp_path / name)
    (told,) = problems()
    assert f"{tmp_path}/a.csv" in told
    assert f"{tmp_path}/{name}" in told


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_packed_copy_of_any_name_is_refused(tmp_path, problems, kind):
    (tmp_path / "a.csv").write_text(f"{HEADER}5,7\n")
    (tmp_path / "of another name.csv").write_text(f"{HEADER}5,8\n")
    with pa.output_stream(tmp_path / f"b.csv.{kind}", COMPRESSIONS[f".{kind}"]) as packed:
        packed.write((tmp_path / "a.csv").read_bytes())
    (told,) = problems()
    assert told.count(f"{tmp_path}/a.csv and {tmp_path}/b.csv.{kind}") == 1
    assert "another" not in told
    # two that are packed in two ways
    (tmp_path / "a.csv").unlink()
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(f"{HEADER}5,7\n".encode(), mtime=1))
    (told,) = problems()
    assert f"{tmp_path}/b.csv.{kind} and {tmp_path}/c.csv.gz" in told


def test_packed_files_that_go_on_differently_are_no_copies(tmp_path, problems):
    lines = "12345,67890\n" * (COMPARED // 12 + 1)
    (tmp_path / "a.csv").write_text(HEADER + lines)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(f"{HEADER}{lines}1,2\n".encode()))
    (tmp_path / "c.csv.gz").write_bytes(b"\1")
    assert problems() == []


def test_files_of_one_size_are_told_apart_by_their_ends(tmp_path, problems):
    lines = "12345,67890\n" * (2 * COMPARED // 12)
    for name, last in {"a": 1, "b": 2}.items():
        (tmp_path / f"{name}.csv").write_text(f"{HEADER}{lines}5,{last}\n")
        (tmp_path / f"first {name}.csv").write_text(f"{HEADER}5,{last}\n{lines}")
    assert problems() == []


def test_rotated_files_of_one_name_are_no_copies(tmp_path, problems):
    (tmp_path / "a.csv").write_text(f"{HEADER}5,7\n")
    packed(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text(f"{HEADER}6,7\n")
    assert problems() == []


@pytest.mark.parametrize(
    ("kind", "text"), [("csv", HEADER), ("json", "[]\n"), ("json", '{"data": []}')]
)
def test_hours_without_requests_are_alike(tmp_path, problems, kind, text):
    for name in ("1", "2"):
        (tmp_path / f"{name}.{kind}").write_text(text)
    packed(tmp_path / f"1.{kind}")
    assert problems(kind) == []


def test_lines_of_requests_that_are_alike_are_refused(tmp_path, problems):
    for name in ("1", "2"):
        (tmp_path / f"{name}.jsonl").write_text('{"input_tokens": 5, "output_tokens": 7}\n')
    assert len(problems("json")) == 1


def test_parquet_of_rows_is_refused_and_of_none_is_not(tmp_path, problems):
    frame = pd.DataFrame({"input_tokens": [5], "output_tokens": [7]})
    for name in ("a", "b"):
        frame.head(0).to_parquet(tmp_path / f"{name}.parquet")
    assert problems("parquet") == []
    for name in ("a", "b"):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    assert len(problems("parquet")) == 1


def test_folders_that_are_columns_tell_files_apart(tmp_path, problems):
    for tenant in ("acme", "beta"):
        (tmp_path / f"tenant={tenant}").mkdir()
        (tmp_path / f"tenant={tenant}/a.csv").write_text(f"{HEADER}5,7\n")
    assert problems() == []


def test_of_many_pairs_some_are_named_and_the_others_counted(tmp_path, problems):
    for count in range(SHOWN + 2):
        (tmp_path / f"{count}.csv").write_text(f"{HEADER}5,{count}\n")
        packed(tmp_path / f"{count}.csv")
    (told,) = problems()
    assert told.count(" and /") == SHOWN
    assert "and 2 pairs more" in told


def test_a_damaged_file_is_told_where_it_is_read(tmp_path, problems):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv.gz").write_bytes(b"no gzip" * 20)
        (tmp_path / f"{name}.parquet").write_bytes(b"no Parquet" * 20)
    files = sorted(map(str, tmp_path.iterdir()))
    for kind in ("csv", "parquet"):
        assert repeated_problems([f for f in files if kind in f], kind, "key log") == []


def test_files_of_other_sizes_are_not_opened(tmp_path, problems, monkeypatch):
    def refuse(*args):
        raise AssertionError(args)

    monkeypatch.setattr(repeated, "open", refuse, raising=False)
    monkeypatch.setattr(repeated, "opened", refuse)
    for count in range(3):
        (tmp_path / f"{count}.csv").write_text(f"{HEADER}5,{10**count}\n")
    assert problems() == []

"""Files of the project, and of the folder of a run."""

import os
from pathlib import Path

import pytest
from inference_energy.project import (
    FOLDER,
    is_own,
    own,
    path_problems,
    provided,
    read_at_most,
    shown,
    unreadable,
)

TABLE = "data/gpus.csv"


def test_in_its_own_folder_paths_stay_as_given(monkeypatch):
    monkeypatch.chdir(FOLDER)
    assert is_own()
    assert (own(TABLE), provided(TABLE)) == (TABLE, TABLE)


def test_elsewhere_the_runs_file_goes_first(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert not is_own()
    assert provided(TABLE) == own(TABLE) == str(FOLDER / TABLE)
    (tmp_path / "data").mkdir()
    Path(TABLE).touch()
    # absolute, so that no prefix of a module is put before it
    assert (provided(TABLE), own(TABLE)) == (str(tmp_path / TABLE), str(FOLDER / TABLE))


def test_a_path_longer_than_the_system_allows_is_one_of_no_file():
    assert provided("x" * 5_000) == own("x" * 5_000)


def test_a_page_names_a_file_as_from_its_folder(monkeypatch, tmp_path):
    assert shown(FOLDER / TABLE) == TABLE
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / TABLE) == shown(FOLDER / TABLE) == TABLE
    assert shown("elsewhere/table.csv") == "elsewhere/table.csv"


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff"), "a\nb", "a\x07b", "a\u2028b"])
def test_a_path_that_no_page_can_hold_is_refused_in_words_that_can_be_printed(name):
    (problem,) = path_problems(f"runs/{name}.json", "key log")
    assert problem.isprintable() and problem.isascii()
    assert problem.startswith("key log: value 'runs/")


@pytest.mark.parametrize("name", ["<results>/a", "a<b_1>", "{a}"])
def test_a_path_that_stands_for_another_in_snakemake_is_refused(name):
    (problem,) = path_problems(f"runs/{name}.json", "key log")
    assert problem.startswith(f"key log: value runs/{name}.json: ")
    assert "rename the file or folder" in problem


@pytest.mark.parametrize("name", ["Ü b", "\u65e5\u672c", "a\xa0b", "<8192>", "a < b", "<A>", "<>"])
def test_a_path_of_other_letters_is_one_like_others(name):
    assert path_problems(f"runs/{name}.json", "key log") == []


def test_a_file_is_read_to_its_end_or_one_byte_further_than_allowed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a\nb" * 100_000)
    assert read_at_most(path, 300_000) == path.read_bytes()
    assert read_at_most(path, 299_999) == path.read_bytes()
    assert read_at_most(path, 9) == path.read_bytes()[:10]
    with pytest.raises(FileNotFoundError):
        read_at_most(tmp_path / "nowhere", 9)


def test_a_file_that_has_nothing_to_say_is_not_waited_for(tmp_path):
    """The system's own files have no size, and some of them wait for what comes next."""
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        read_at_most(tmp_path / "pipe", 9)
    os.close(writer)


def test_files_that_may_not_be_read_are_told(monkeypatch, tmp_path):
    files = [tmp_path / name for name in ("a", "b", "missing")]
    for file in files[:2]:
        file.touch()
    assert unreadable([tmp_path, *files]) == []
    # the tests may run as root, who may read everything
    monkeypatch.setattr(os, "access", lambda path, mode: path != files[1] and mode == os.R_OK)
    assert unreadable([tmp_path, *files]) == [
        f"{files[1]}: cannot be read (Permission denied); make it readable"
    ]

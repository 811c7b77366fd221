"""A changed, missing or new file of data/ is told before a run rests on it."""

import hashlib

import pytest
from inference_energy.errors import InputError
from inference_energy.reuse import checksums
from repository import ROOT


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.csv").write_text("x\n1\n")
    (tmp_path / "two.csv").write_text("x\n2\n")
    checksums.write(tmp_path)
    return tmp_path


def test_the_files_of_data_are_those_that_are_listed():
    assert list(checksums.problems(ROOT / "data")) == []


def test_the_form_is_that_of_sha256sum(folder):
    first = (folder / checksums.NAME).read_text().splitlines()[0]
    digest = hashlib.sha256((folder / "a" / "one.csv").read_bytes()).hexdigest()
    assert first == f"{digest}  a/one.csv"


def test_nothing_is_wrong_with_files_that_are_as_written(folder):
    assert list(checksums.problems(folder)) == []


def test_changed_missing_and_new_files_are_named_with_the_remedy(folder):
    (folder / "a" / "one.csv").write_text("x\n3\n")
    (folder / "two.csv").unlink()
    (folder / "three.csv").write_text("x\n")
    changed, new, missing = checksums.problems(folder)
    assert "one.csv" in changed and "has changed" in changed and "make checksums" in changed
    assert "three.csv" in new and "make checksums" in new
    assert "two.csv" in missing and "git" in missing


def test_lines_that_are_no_checksums_are_all_named(folder):
    (folder / checksums.NAME).write_text("abc  two.csv\n\n")
    with pytest.raises(InputError) as error:
        checksums.read_sums(folder)
    assert ["line 1" in error.value.problems[0], "line 2" in error.value.problems[1]] == [True] * 2
    assert list(checksums.problems(folder)) == error.value.problems


def test_a_list_that_is_missing_is_a_problem_with_its_remedy(folder):
    (folder / checksums.NAME).unlink()
    (told,) = checksums.problems(folder)
    assert checksums.NAME in told and "git" in told and "make checksums" in told


def test_what_make_checksums_accepts_is_accepted(folder):
    (folder / "a table.csv").write_text("x\n")
    checksums.write(folder)
    assert "a table.csv" in checksums.read_sums(folder)
    assert list(checksums.problems(folder)) == []


def test_hidden_files_of_editors_and_file_browsers_are_left_alone(folder):
    for name in (".DS_Store", "a/.one.csv.swp", ".ipynb_checkpoints/one-checkpoint.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x\n")
    assert list(checksums.problems(folder)) == []
    assert len(checksums.files(folder)) == 2

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


def test_a_line_that_is_no_checksum_is_named(folder):
    (folder / checksums.NAME).write_text("abc  two.csv\n")
    with pytest.raises(InputError, match="line 1"):
        checksums.read_sums(folder)

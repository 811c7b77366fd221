"""An archive holds what is committed, and its bytes depend on nothing else."""

import hashlib
import os
import stat
import zipfile

import pytest
from inference_energy.errors import InputError
from inference_energy.reuse.archive import committed, write_archive
from processes import git


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_text("x\n1\n")
    (folder / "link").symlink_to("data")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def test_it_holds_the_committed_files_with_their_rights(checkout, tmp_path):
    target = tmp_path / "out" / "project-1.zip"
    digest = write_archive(checkout, target)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == digest
    assert (tmp_path / "out" / "project-1.zip.sha256").read_text() == f"{digest}  project-1.zip\n"
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        assert archive.read("project-1/data/a.csv") == b"x\n1\n"
        assert archive.read("project-1/link") == b"data"
    assert list(modes) == ["project-1/data/a.csv", "project-1/link", "project-1/run"]
    assert stat.S_ISLNK(modes["project-1/link"])
    assert modes["project-1/run"] == stat.S_IFREG | 0o755


def test_the_same_files_give_the_same_bytes_at_another_time_and_place(checkout, tmp_path):
    first = write_archive(checkout, tmp_path / "one" / "p.zip")
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", str(checkout), str(again))
    os.utime(again / "run", (0, 0))
    git(again, "commit", "--quiet", "--allow-empty", "--message", "later")
    assert write_archive(again, tmp_path / "two" / "p.zip") == first


def test_what_is_not_committed_is_named_and_nothing_is_written(checkout, tmp_path):
    (checkout / "data" / "a.csv").write_text("x\n2\n")
    (checkout / "new").write_text("")
    with pytest.raises(InputError) as error:
        write_archive(checkout, tmp_path / "p.zip")
    assert len(error.value.problems) == 2
    assert "data/a.csv" in str(error.value) and "new" in str(error.value)
    assert not (tmp_path / "p.zip").exists()


def test_a_folder_without_commit_is_told(tmp_path):
    with pytest.raises(InputError, match="git says"):
        committed(tmp_path)

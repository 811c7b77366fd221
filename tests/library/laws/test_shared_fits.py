import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from inference_energy.laws import shared_fits
from inference_energy.laws.shared_fits import FOLDER, MOST, OWNER, kept, of_run, shared
from processes import PIPE, start
from repository import ROOT

GIVEN = np.arange(6.0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return tmp_path


def counted():
    """A fit that gives how often it was asked, with digits that no text would keep."""
    asked = []

    def fit():
        asked.append(None)
        return np.array([len(asked) + 0.1 + 0.2])

    return fit


def test_same_fit_is_done_once_to_the_last_digit(folder):
    fit = counted()
    first, second = (shared([GIVEN], fit) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert [path.suffix for path in folder.iterdir()] == [".npy"]


@pytest.mark.parametrize(
    "other",
    [
        [GIVEN + 1e-14 * (GIVEN == 5)],
        [GIVEN.reshape(2, 3)],
        [GIVEN.astype(int)],
        [GIVEN, GIVEN],
        [GIVEN[::-1]],
    ],
)
def test_another_fit_is_another_one(folder, other):
    fit = counted()
    assert shared([GIVEN], fit) != shared(other, fit)


@pytest.mark.parametrize("named", [None, "", "elsewhere"])
def test_without_the_folder_every_fit_is_done(tmp_path, monkeypatch, named):
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    if named is not None:
        monkeypatch.setenv(FOLDER, named)
    fit = counted()
    assert shared([GIVEN], fit) != shared([GIVEN], fit)
    assert not list(tmp_path.iterdir())


def test_a_fit_that_fails_leaves_nothing(folder):
    def fails():
        raise np.linalg.LinAlgError

    with pytest.raises(np.linalg.LinAlgError):
        shared([GIVEN], fails)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("cut", [0, 20, -1])
def test_a_kept_fit_that_was_cut_short_is_done_again(folder, cut):
    fit = counted()
    shared([GIVEN], fit)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    shared([GIVEN], fit)
    # of the second time that it was asked, and whole
    assert np.load(path) == np.array([2 + 0.1 + 0.2])


def test_fits_of_other_code_or_other_libraries_are_not_kept(tmp_path, monkeypatch):
    first = kept(tmp_path)
    (first / "fit.npy").touch()
    assert kept(tmp_path) == first
    assert (first / "fit.npy").exists()
    for name, other in (("version", lambda name: "0"), ("__file__", str(tmp_path / "law.py"))):
        with monkeypatch.context() as patched:
            patched.setattr(shared_fits, name, other)
            second = kept(tmp_path)
        assert list(tmp_path.iterdir()) == [second]
        assert second != first
        assert not list(second.iterdir())


def test_the_folder_of_kept_fits_is_made_where_there_is_none_and_may_hold_a_file(tmp_path):
    folder = tmp_path / "build" / "fits"
    own = kept(folder)
    assert own.is_dir()
    (folder / "of-the-system").touch()
    assert kept(folder) == own


def test_the_latest_of_very_many_fits_are_kept(tmp_path):
    folder = kept(tmp_path)
    for age in range(MOST + 3):
        path = folder / f"{age}.npy"
        path.touch()
        os.utime(path, (1e9 - age,) * 2)
    kept(tmp_path)
    assert {path.stem for path in folder.iterdir()} == {str(age) for age in range(MOST)}


def test_a_fit_is_written_beside_its_place_and_then_moved_there(folder, monkeypatch):
    """A move within a folder is whole or not at all."""
    moved, replace = [], os.replace

    def noted(source, path):
        moved.append((os.path.dirname(source), os.path.dirname(path)))
        replace(source, path)

    monkeypatch.setattr(os, "replace", noted)
    shared([GIVEN], counted())
    assert moved == [(str(folder), str(folder))]


def test_the_folder_of_a_run_that_was_killed_is_removed_by_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = (
        "import sys; from inference_energy.laws import shared_fits; held = shared_fits.of_run();"
        " print(held[0].name, flush=True); sys.stdin.read()"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT / "workflow")}
    pipes = {"stdin": PIPE, "stdout": PIPE, "text": True, "env": environment}
    run = start([sys.executable, "-c", program], **pipes)
    its = Path(run.stdout.readline().strip())
    (its / "a.npy").touch()
    # of something else
    (tmp_path / "fits-other").mkdir()
    own, owner = of_run()
    assert (its / "a.npy").exists()
    run.kill()
    run.communicate()
    assert its.exists()
    second, other = of_run()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("fits-other", Path(own.name).name, Path(second.name).name)
    }
    assert [path.name for path in Path(second.name).iterdir()] == [OWNER]
    for folder, file in ((own, owner), (second, other)):
        file.close()
        folder.cleanup()
    assert [path.name for path in tmp_path.iterdir()] == ["fits-other"]


def test_a_folder_without_locks_is_made_all_the_same(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError("no locks available")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shared_fits.fcntl, "flock", flock)
    folder, owner = of_run()
    with owner, folder:
        assert [path.name for path in Path(folder.name).iterdir()] == [OWNER]


def test_a_job_whose_folder_is_gone_goes_on(folder):
    def fit():
        folder.rmdir()
        return GIVEN

    assert shared([GIVEN], fit) is GIVEN

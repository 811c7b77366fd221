"""One run at a time in a folder, and none that is over blocks the next."""

import resource
import signal
import sys

import pytest
from inference_energy.errors import InputError
from inference_energy.lock import JOBS, LOCK, Lock, hold
from processes import start, stop, wait_for
from repository import ROOT

HOLDER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from inference_energy.lock import Lock
lock = Lock(sys.argv[2])
time.sleep(10**6)
"""


def test_a_second_run_is_told_who_works_there_until_the_first_ends(tmp_path):
    first = Lock(tmp_path)
    with pytest.raises(InputError, match=r"Another run works in this folder \(process \d+\)"):
        Lock(tmp_path)
    first.close()
    Lock(tmp_path).close()


def test_a_lock_that_holds_no_text_is_told_as_any_other(tmp_path):
    first = Lock(tmp_path)
    (tmp_path / LOCK).write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="Another run works in this folder"):
        Lock(tmp_path)
    first.close()


def test_a_folder_that_takes_no_file_is_told(tmp_path):
    (tmp_path / LOCK.parent).write_text("no folder")
    with pytest.raises(InputError, match=r"run\.lock: cannot be written \(File exists\)"):
        Lock(tmp_path)


def test_a_full_disk_is_told_and_the_lock_let_go(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(InputError, match=r"run\.lock: cannot be written \(File too large\)"):
            Lock(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    Lock(tmp_path).close()


@pytest.mark.parametrize("told", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_blocks_nothing(tmp_path, told):
    command = [sys.executable, "-c", HOLDER, ROOT / "workflow", tmp_path]
    holder = start(command, start_new_session=True)
    wait_for(lambda: (tmp_path / LOCK).exists() and (tmp_path / LOCK).read_text(), holder)
    with pytest.raises(InputError, match=f"process {holder.pid}"):
        Lock(tmp_path)
    stop(holder, told)
    Lock(tmp_path).close()


JOB = """
import sys, time
sys.path.insert(0, sys.argv[1])
from inference_energy.lock import hold
held = hold()
time.sleep(10**6)
"""


def test_a_job_that_outlives_its_killed_run_is_told_until_it_ends(tmp_path, monkeypatch):
    monkeypatch.delenv(JOBS, raising=False)
    run = Lock(tmp_path)
    jobs = [start([sys.executable, "-c", JOB, ROOT / "workflow"], start_new_session=True)]
    place = (tmp_path / LOCK).with_suffix(".jobs")
    wait_for(place.read_text, jobs[0])
    # jobs of one run do not wait for one another
    jobs.append(start([sys.executable, "-c", JOB, ROOT / "workflow"], start_new_session=True))
    wait_for(lambda: place.read_text().count("\n") == 2, jobs[1])
    run.close()
    told = rf"A job of a run that was killed still works in this folder \(process {jobs[1].pid}\)"
    for job in jobs:
        with pytest.raises(InputError, match=told):
            Lock(tmp_path)
        stop(job, signal.SIGKILL)
    Lock(tmp_path).close()
    assert place.read_text() == ""


def test_a_job_without_a_run_of_its_own_holds_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv(JOBS, raising=False)
    assert hold() is None
    monkeypatch.setenv(JOBS, str(tmp_path / "none" / "run.jobs"))
    assert hold() is None


def test_a_file_that_is_left_blocks_nothing(tmp_path):
    (tmp_path / LOCK).parent.mkdir()
    (tmp_path / LOCK).write_text("1234\n")
    Lock(tmp_path).close()


def test_where_the_system_has_no_locks_a_run_goes_on(tmp_path, monkeypatch):
    def none(*_):
        raise OSError("no locks available")

    monkeypatch.setattr("inference_energy.lock.fcntl.flock", none)
    Lock(tmp_path).close()

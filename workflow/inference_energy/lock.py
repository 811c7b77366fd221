"""One run at a time in a folder."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from inference_energy.errors import InputError

LOCK = Path(".snakemake", "run.lock")
JOBS = "ENERGY_RUN_JOBS"
"""Variable that names the file which the jobs of a run hold."""


class Lock:
    """A folder that one run works in, until it is closed or its process ends, however it ends.

    The system holds the lock, not the file's being there: what a killed run leaves blocks nothing.
    A job that outlives its killed run does, as it would write over what the next run makes.

    Parameters
    ----------
    folder : path-like
        The run's folder.
    place : path-like
        The lock's file within it.

    Raises
    ------
    InputError
        If another run works there, or a job of one that was killed, with its process; if the lock
        cannot be written.
    """

    def __init__(self, folder: str | Path, place: str | Path = LOCK) -> None:
        path = Path(folder, place)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = path.open("a+", encoding="utf-8", errors="replace")
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            self._take(path)
        except OSError as error:
            self.close()
            raise _unwritable(path, error) from None

    def _take(self, path: Path) -> None:
        jobs = path.with_suffix(".jobs")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _noted(self.file)
            self.file.close()
            raise InputError(
                f"Another run works in this folder (process {holder}); wait until it ends or stop"
                " it, then start this one again; nothing was changed"
            ) from None
        except OSError:
            # some network file systems have no locks
            return
        with jobs.open("a+", encoding="utf-8", errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _noted(file)
                self.file.close()
                raise InputError(
                    "A job of a run that was killed still works in this folder (process"
                    f" {holder}); wait until it ends or stop it, then start this one again;"
                    " nothing was changed"
                ) from None
            file.truncate(0)
        os.environ[JOBS] = str(jobs.absolute())
        self.file.truncate(0)
        self.file.write(f"{os.getpid()}\n")
        self.file.flush()

    def close(self) -> None:
        """Let the folder go."""
        with suppress(OSError):
            self.file.close()


def hold() -> IO[str] | None:
    """Let no other run into the folder of the run whose job this process is, while it lives.

    Returns
    -------
    file or None
        What holds it until it is closed; None where no run has a lock.
    """
    place = os.environ.get(JOBS)
    if not place:
        return None
    try:
        file = Path(place).open("a+", encoding="utf-8")  # noqa: SIM115
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # no locks there, or a run that starts at this moment
        return None
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _unwritable(path: Path, error: OSError) -> InputError:
    """Say that a lock cannot be written."""
    return InputError(
        f"{path}: cannot be written ({error.strerror}): make room, or give a folder where files may"
        " be written, and start again"
    )


def _noted(file: IO[str]) -> str:
    """Process that a locked file names, the last of several."""
    file.seek(0)
    return (file.read().split() or ["unknown"])[-1]

"""One run at a time in a folder."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from inference_energy.errors import InputError

LOCK = Path(".snakemake", "run.lock")


class Lock:
    """A folder that one run works in, until it is closed or its process ends, however it ends.

    The system holds the lock, not the file's being there: what a killed run leaves blocks nothing.

    Parameters
    ----------
    folder : path-like
        The run's folder.
    place : path-like
        The lock's file within it.

    Raises
    ------
    InputError
        If another run works there, with its process.
    """

    def __init__(self, folder: str | Path, place: str | Path = LOCK) -> None:
        path = Path(folder, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.seek(0)
            holder = self.file.read().strip() or "unknown"
            self.file.close()
            raise InputError(
                f"Another run works in this folder (process {holder}); wait until it ends or stop"
                " it, then start this one again; nothing was changed"
            ) from None
        except OSError:
            # some network file systems have no locks
            return
        self.file.truncate(0)
        self.file.write(f"{os.getpid()}\n")
        self.file.flush()

    def close(self) -> None:
        """Let the folder go."""
        with suppress(OSError):
            self.file.close()

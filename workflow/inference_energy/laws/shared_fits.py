"""Fits that several jobs of a run need, each done once.

Many tables ask for the law with load without one model, or fitted to all rows. Jobs are processes
of their own, so what a fit came to lies in a folder of the run, under a digest of all that it was
fitted to. The folder is as old as the run: nothing outlives it, a forced run does every fit anew.
A what-if alone, whose answer is waited for, finds the fits of those before it (:func:`kept`): most
questions change no law.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO

import numpy as np

from inference_energy.laws.base import Array

FOLDER = "INFERENCE_ENERGY_FITS"
"""Environment variable that names the folder. Without it, or where it names none, as on another
machine, every fit is done where it is asked for."""

LIBRARIES = ("numpy", "scipy")
"""Libraries that the last digits of a fit follow from."""

PREFIX, OWNER = "fits-", "owner"
"""How the name of a run's folder begins, and the file in it that the run holds while it lives."""

MOST = 64
"""Fits that are kept at most."""


def of_run() -> tuple[tempfile.TemporaryDirectory[str], IO[bytes]]:
    """Make the folder of this run, and remove those of runs that were killed.

    Returns
    -------
    TemporaryDirectory
        Removed with the run, if that ends by itself.
    file
        What tells other runs that this one lives, until it is closed or the process ends.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"):
        # of another user, of a run that lives, or gone meanwhile
        with suppress(OSError), left.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent)
    folder = tempfile.TemporaryDirectory(prefix=PREFIX)
    made = Path(folder.name, f"{OWNER}.new")
    owner = made.open("wb")
    # some network file systems have no locks: what lies there stays
    with suppress(OSError):
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # by this name it is never seen without its lock
    made.rename(made.with_name(OWNER))
    return folder, owner


def kept(folder: Path) -> Path:
    """Make the folder of fits that outlive a run, and remove what this code would not find.

    Fits of other code or other libraries, and all but the latest of very many.

    Parameters
    ----------
    folder : Path
        Where those of any code lie.

    Returns
    -------
    Path
        Where those of this code lie.
    """
    digest = sha256(" ".join(map(version, LIBRARIES)).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    own = folder / digest.hexdigest()
    own.mkdir(parents=True, exist_ok=True)
    for other in set(folder.iterdir()) - {own}:
        shutil.rmtree(other, ignore_errors=True)
    for old in sorted(own.iterdir(), key=lambda path: path.stat().st_mtime)[:-MOST]:
        old.unlink()
    return own.resolve()


def shared(given: Iterable[np.ndarray], fit: Callable[[], Array]) -> Array:
    """What a fit comes to, from another job if one has done the same.

    Parameters
    ----------
    given : iterable of ndarray
        All that the result depends on.
    fit : callable
        Gives the result, shape (n,).

    Returns
    -------
    ndarray, shape (n,)
    """
    folder = Path(os.environ.get(FOLDER) or os.devnull)
    if not folder.is_dir():
        return fit()
    digest = sha256()
    for array in given:
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    path = folder / f"{digest.hexdigest()}.npy"
    if path.exists():
        # what is kept may have been cut short with the machine
        with suppress(ValueError, EOFError):
            found: Array = np.load(path)
            return found
    found = fit()
    # whole or not at all: another job may read it at any time
    # the folder of a run that was killed, whose job this is, may be gone
    with suppress(FileNotFoundError):
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            np.save(file, found)
        os.replace(file.name, path)
    return found

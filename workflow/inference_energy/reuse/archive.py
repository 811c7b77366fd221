"""A deposit of the committed files: one zip whose checksum depends on them alone.

Files are stored, not compressed, in the order of their names, with one time and the rights that git
knows, so that every machine writes the same bytes.
"""

import hashlib
import io
import stat
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

from inference_energy.errors import InputError
from inference_energy.tables import write_text

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Time of every file: the earliest that a zip can hold."""

UNIX = 3
"""System that a zip says it was written on, wherever that was."""


def _git(folder: Path, *arguments: str) -> bytes:
    run = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    if run.returncode:
        raise InputError(
            f"{folder}: git says: {run.stderr.decode(errors='replace').strip()}; an archive is made"
            " of a git checkout with a commit"
        )
    return run.stdout


def committed(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the committed files of a checkout: name to rights and content.

    A symbolic link holds the path that it leads to.

    Raises
    ------
    InputError
        If a tracked file is changed, or a new one is neither committed nor ignored.
    """
    changed = _git(folder, "status", "--porcelain").decode().splitlines()
    if changed:
        raise InputError(
            f"{line[3:]}: differs from the last commit; an archive holds what is committed; commit"
            " it or put it away"
            for line in changed
        )
    found = {}
    with tarfile.open(fileobj=io.BytesIO(_git(folder, "archive", "HEAD"))) as packed:
        for member in packed:
            if member.issym():
                found[member.name] = stat.S_IFLNK | 0o777, member.linkname.encode()
            elif content := packed.extractfile(member):
                rights = 0o755 if member.mode & 0o100 else 0o644
                found[member.name] = stat.S_IFREG | rights, content.read()
    return dict(sorted(found.items()))


def write_archive(folder: Path, target: Path) -> str:
    """Write the committed files of a checkout into a zip, and its SHA-256 beside it.

    Parameters
    ----------
    folder : path
        Checkout in which nothing is uncommitted.
    target : path
        Zip; its name without ending is the folder that holds everything in it.

    Returns
    -------
    str
        SHA-256 of the zip.
    """
    held, files = io.BytesIO(), committed(folder)
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name, (mode, content) in files.items():
            entry = zipfile.ZipInfo(f"{target.stem}/{name}", EARLIEST)
            entry.create_system, entry.external_attr = UNIX, mode << 16
            archive.writestr(entry, content)
    digest = hashlib.sha256(held.getvalue()).hexdigest()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(held.getvalue())
    write_text(target.with_suffix(".zip.sha256"), f"{digest}  {target.name}\n")
    return digest


def main() -> None:
    """Archive the checkout that holds this file, named after the project's version."""
    folder = Path(__file__).absolute().parents[3]
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    target = folder / "build" / f"{project['name']}-{project['version']}.zip"
    try:
        digest = write_archive(folder, target)
    except InputError as error:
        sys.exit(str(error))
    print(f"{digest}  {target.relative_to(folder)}")


if __name__ == "__main__":
    main()

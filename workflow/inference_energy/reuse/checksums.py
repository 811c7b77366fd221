"""SHA-256 of every file of data/, in the form that ``sha256sum --check`` reads."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from inference_energy.errors import InputError
from inference_energy.project import AnyPath
from inference_energy.tables import read_bytes, write_text

NAME = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def digest(path: AnyPath) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def files(folder: AnyPath) -> dict[str, Path]:
    """Files of a folder that have a checksum, by name, sorted: all but hidden ones."""
    folder = Path(folder)
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    found = {path.relative_to(folder): path for path in sorted(paths)}
    # editors and file browsers leave hidden files beside those that they show
    return {
        name.as_posix(): path
        for name, path in found.items()
        if not any(part.startswith(".") for part in name.parts)
    }


def read_sums(folder: AnyPath) -> dict[str, str]:
    """Read the checksums of a folder.

    Returns
    -------
    dict of str to str
        File below the folder, SHA-256.

    Raises
    ------
    InputError
        If there is none, or lines are not a checksum and a name, all of them at once.
    """
    path = Path(folder) / NAME
    if not path.exists():
        raise InputError(
            f"{path}: is missing; restore it with git, or renew it with `make checksums`"
        )
    lines = read_bytes(path).decode("utf-8", "replace").splitlines()
    found, wrong = {}, []
    for number, line in enumerate(lines, start=1):
        match = LINE.fullmatch(line)
        if match is None:
            wrong.append(
                f"{path}, line {number}: allowed is a SHA-256, two blanks and a file of this"
                " folder; restore the file, or renew it with `make checksums`"
            )
        else:
            found[match[2]] = match[1]
    if wrong:
        raise InputError(wrong)
    return found


def problems(folder: AnyPath) -> Iterator[str]:
    """Say which files of a folder are not those that its checksums describe, one sentence each."""
    try:
        expected, there = read_sums(folder), files(folder)
    except InputError as error:
        yield from error.problems
        return
    remedy = "restore it with git, or accept it with `make checksums`"
    for name in sorted(set(expected) | set(there)):
        path = Path(folder) / name
        if name not in there:
            yield f"{path}: is missing, and {NAME} lists it; {remedy}"
        elif name not in expected:
            yield f"{path}: is not in {NAME}; remove it, or accept it with `make checksums`"
        elif digest(there[name]) != expected[name]:
            yield f"{path}: its SHA-256 is not that of {NAME}: the file has changed; {remedy}"


def write(folder: AnyPath) -> None:
    """Write the checksums of a folder."""
    lines = [f"{digest(path)}  {name}\n" for name, path in files(folder).items()]
    write_text(Path(folder) / NAME, "".join(lines))


if __name__ == "__main__":
    write("data")

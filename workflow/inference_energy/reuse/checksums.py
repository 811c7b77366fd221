"""SHA-256 of every file of data/, in the form that ``sha256sum --check`` reads."""

import hashlib
import re
from pathlib import Path

from inference_energy.errors import InputError
from inference_energy.tables import read_bytes, write_text

NAME = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


def digest(path):
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def files(folder):
    """Files of a folder that have a checksum, by name, sorted."""
    folder = Path(folder)
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path for path in sorted(paths)}


def read_sums(folder):
    """Read the checksums of a folder.

    Returns
    -------
    dict of str to str
        File below the folder, SHA-256.

    Raises
    ------
    InputError
        If a line is not a checksum and a name.
    """
    path = Path(folder) / NAME
    lines = read_bytes(path).decode("utf-8", "replace").splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    if None in found:
        raise InputError(
            f"{path}, line {found.index(None) + 1}: allowed is a SHA-256, two blanks and a file of"
            " this folder; restore the file, or renew it with `make checksums`"
        )
    return {match[2]: match[1] for match in found}


def problems(folder):
    """Say which files of a folder are not those that its checksums describe, one sentence each."""
    expected, there = read_sums(folder), files(folder)
    remedy = "restore it with git, or accept it with `make checksums`"
    for name in sorted(set(expected) | set(there)):
        path = Path(folder) / name
        if name not in there:
            yield f"{path}: is missing, and {NAME} lists it; {remedy}"
        elif name not in expected:
            yield f"{path}: is not in {NAME}; remove it, or accept it with `make checksums`"
        elif digest(there[name]) != expected[name]:
            yield f"{path}: its SHA-256 is not that of {NAME}: the file has changed; {remedy}"


def write(folder):
    """Write the checksums of a folder."""
    lines = [f"{digest(path)}  {name}\n" for name, path in files(folder).items()]
    write_text(Path(folder) / NAME, "".join(lines))


if __name__ == "__main__":
    write("data")

"""Where files are: those of the project, and those of the folder that a run works in.

They are the same folder unless another workflow uses this one as a module. A file that such a
workflow's folder lacks is then taken from the project. Paths are absolute then, so that the
``prefix`` of a module is put before what rules make, and not before what they start from.
"""

import errno
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

AnyPath = str | os.PathLike[str]

UNNAMED = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of Unicode's that no path may hold: control, half characters, ends of lines."""

PLACE = re.compile(r"<[a-z][a-z0-9_]*>")
"""What Snakemake writes in its place: `<results>` is results, others end it."""

FOLDER = Path(__file__).absolute().parents[2]


def is_own() -> bool:
    """Whether the run works in the project's own folder."""
    return os.path.samefile(os.curdir, FOLDER)


def own(path: AnyPath) -> str:
    """Path of one of the project's files: as given where that leads to it, else absolute."""
    return str(path) if is_own() else str(FOLDER / path)


def provided(path: AnyPath) -> str:
    """Path of the file in the folder of the run, or else of the project's file of that name.

    As given in the project's own folder, else absolute.
    """
    # not the path's own exists(), which raises where a name is too long
    return os.path.abspath(path) if os.path.exists(path) and not is_own() else own(path)


def read_at_most(path: AnyPath, most: int) -> bytes:
    """Read a file to its end, or one byte further than allowed.

    Parameters
    ----------
    path : str or path-like
        Of a file. Nothing else is waited for: a pipe without a writer is empty.
    most : int
        Longest that it may be. [bytes]

    Raises
    ------
    OSError
        No such file, not readable, or one of the system's that has nothing to say yet.
    """
    with open(path, "rb", opener=_at_once) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(min(size, most) + 1)
        # the system's own files have no size
        if data is not None and size < len(data) <= most:
            data += file.read(most + 1 - len(data)) or b""
    # what would wait says None
    if data is None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return data


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def unreadable(paths: Iterable[AnyPath]) -> list[str]:
    """Problems of files that are there and may not be read, where Snakemake ends in a traceback."""
    denied = (path for path in paths if os.path.isfile(path) and not os.access(path, os.R_OK))
    return [
        f"{path}: cannot be read ({os.strerror(errno.EACCES)}); make it readable" for path in denied
    ]


def listed(folder: str) -> dict[str, str]:
    """YAML files of a folder, of the project and of the run, by name without ending."""
    names = [p.name for place in (own(folder), folder) for p in sorted(Path(place).glob("*.yaml"))]
    return {Path(name).stem: provided(f"{folder}/{name}") for name in names}


def shown(path: AnyPath) -> str:
    """Write a path for a page: a file of the run or of the project as from its folder."""
    folders = [folder for folder in (Path.cwd(), FOLDER) if folder in Path(path).parents]
    return str(Path(path).relative_to(folders[0]) if folders else path)


def is_plain(path: AnyPath) -> bool:
    """Whether a path is one line of UTF-8, which pages and tables can hold."""
    # Python has half characters in place of bytes that are no UTF-8
    return UNNAMED.isdisjoint(map(unicodedata.category, str(path)))


def path_problems(path: AnyPath, where: str) -> list[str]:
    """Problem of a path that no page can hold, or that Snakemake takes for another one.

    ``where`` names its key.
    """
    if not is_plain(path):
        return [
            f"{where}: value {str(path)!a}: holds a line end, a control character or bytes that are"
            " not UTF-8; allowed is a path without them; rename the file or folder"
        ]
    meant = "braces stand for wildcards" if {"{", "}"} & set(str(path)) else None
    if PLACE.search(str(path)):
        meant = "a word in angle brackets stands for another path"
    if not meant:
        return []
    return [
        f"{where}: value {path}: {meant} in Snakemake; allowed is a path without them; rename the"
        " file or folder"
    ]

"""Results, figures and data of a git revision or of the working folder."""

import io
import subprocess
import tarfile
from pathlib import Path

from inference_energy.errors import InputError
from inference_energy.tables import AnyPath

FOLDERS = ("results", "figures", "data")

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
"""Media types of figures by ending."""


def _git(root: AnyPath, *arguments: str) -> tuple[int, bytes, str]:
    try:
        run = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError("git is not installed; changes need it; install git") from None
    return run.returncode, run.stdout, run.stderr.decode(errors="replace").strip()


def find_commit(root: AnyPath, revision: str) -> tuple[str, str, list[str]]:
    """Commit that changes can be told since.

    Parameters
    ----------
    root : path-like
        The repository's folder.
    revision : str
        Anything that git resolves to a commit.

    Returns
    -------
    commit, short : str
        In full, and abbreviated.
    present : list of str
        Those of FOLDERS that it has.

    Raises
    ------
    InputError
        If the folder is no git checkout, the revision is unknown, or it has no results.
    """
    if _git(root, "rev-parse")[0]:
        raise InputError(
            f"{root}: is not a git checkout; changes are told against a git revision; clone the"
            " repository or run git init and commit"
        )
    code, found, _ = _git(root, "rev-parse", "--verify", f"{revision}^{{commit}}")
    if code:
        raise InputError(
            f"key since: value {revision!r}: unknown revision; allowed are commits, branches and"
            " tags of this checkout such as HEAD~1; correct it, or fetch it if the clone is shallow"
        )
    commit = found.decode().strip()
    _, names, _ = _git(root, "ls-tree", "--name-only", commit, *FOLDERS)
    present = names.decode().split()
    short = _git(root, "rev-parse", "--short", commit)[1].decode().strip()
    if "results" not in present:
        raise InputError(
            f"key since: value {revision!r}: commit {short} has no results folder; allowed is a"
            " revision with committed results; choose a later one"
        )
    return commit, short, present


def snapshot_of_revision(root: AnyPath, revision: str) -> tuple[dict[str, bytes], str]:
    """Files of results, figures and data as a git revision has them.

    Parameters
    ----------
    root, revision
        As for :func:`find_commit`.

    Returns
    -------
    files : dict of str to bytes
        Content by path.
    commit : str
        Abbreviated commit.

    Raises
    ------
    InputError
        As :func:`find_commit`, or if git cannot read the files.
    """
    commit, short, present = find_commit(root, revision)
    code, archive, message = _git(root, "archive", commit, *present)
    if code:
        raise InputError(f"key since: value {revision!r}: git cannot read it ({message})")
    return _unpacked(archive), short


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """Content of the files of a tar archive by path."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


def snapshot_of_folder(root: AnyPath) -> dict[str, bytes]:
    """Files of results, figures and data as they are now, ignored ones left out.

    Parameters
    ----------
    root : path-like
        The repository's folder, a git checkout.

    Returns
    -------
    dict of str to bytes
    """
    _, names, _ = _git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *FOLDERS
    )
    paths = sorted({name for name in names.decode().split("\0") if name})
    return {
        path: (Path(root) / path).read_bytes() for path in paths if (Path(root) / path).is_file()
    }


def deleted_files(root: AnyPath) -> list[str]:
    """Paths of the files that git has and the folder lacks; none outside a git checkout.

    Parameters
    ----------
    root : path-like
        The repository's folder, or one in it, from which the paths go.
    """
    try:
        code, names, _ = _git(root, "ls-files", "-z", "--deleted")
    except InputError:
        # a copy without git has nothing to bring back
        return []
    return [] if code else [name for name in names.decode().split("\0") if name]


def changed_files(root: AnyPath, folder: str) -> list[str]:
    """Paths of the files of a folder that read otherwise than in the last commit, which has them.

    Parameters
    ----------
    root : path-like
        The repository's folder, or one in it, from which the paths go.
    folder : str
        Folder, relative to it.
    """
    which = ("--name-only", "-z", "--relative", "--diff-filter=M", "HEAD", "--", folder)
    code, names, _ = _git(root, "diff", *which)
    return [] if code else [name for name in names.decode().split("\0") if name]


def committed_file(root: AnyPath, path: AnyPath) -> str | None:
    """Text of a file [str] as the last commit has it; none where git has none."""
    try:
        code, content, _ = _git(root, "show", f"HEAD:./{path}")
    except InputError:
        # a copy without git has nothing to compare with
        return None
    return None if code else content.decode(errors="replace")


def committed_files(root: AnyPath, folders: tuple[str, ...]) -> tuple[dict[str, bytes], str]:
    """Files of some folders as the last commit has them.

    Parameters
    ----------
    root : path-like
        The repository's folder.
    folders : tuple of str
        Folders, relative to it.

    Returns
    -------
    files : dict of str to bytes
        Content by path; empty outside a git checkout or before the first commit.
    commit : str
        Abbreviated commit, empty where there is none.
    """
    code, short, _ = _git(root, "rev-parse", "--short", "HEAD")
    if code:
        return {}, ""
    archive = _git(root, "archive", "HEAD", *folders)[1]
    return _unpacked(archive), short.decode().strip()

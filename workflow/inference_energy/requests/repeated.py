"""Files of a log that are there twice, as a copy or packed beside the plain one."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import chain, combinations
from pathlib import Path

import pyarrow.parquet as pq

from inference_energy.errors import InputError
from inference_energy.requests.formats import COMPRESSIONS
from inference_energy.requests.log import folder_columns, opened

COMPARED = 2**20
"""Bytes, of the beginning and of the end, by which files are told to be the same: logs that differ
in between alone are of no one."""

GZIP_SIZE = 4
"""Last bytes of a file of gzip, which are the size of its text, modulo 2^32 (RFC 1952)."""

SHOWN = 3
"""Pairs that are named."""


def repeated_problems(files: Sequence[str], kind: str, where: str) -> list[str]:
    """Say which files of a log are there twice, whose requests would count twice.

    Parameters
    ----------
    files : list of str
        The log's, sorted.
    kind : str
        parquet, csv or json.
    where : str
        What a sentence begins with.

    Returns
    -------
    list of str
        None or one sentence. A file of a plain one's name that is packed has the same contents if
        they begin alike, of another name if they are of the same size unpacked too; others if they
        are of the same size, begin and end alike. Folders that are
        columns tell rows apart, and a file of no request repeats none.
    """
    found = _packed(files, kind), _copied(files, kind), _renamed(files, kind)
    if not (pairs := sorted(set(chain(*found)))):
        return []
    told = "; ".join(" and ".join(pair) for pair in pairs[:SHOWN])
    more = f"; and {len(pairs) - SHOWN} pairs more" if len(pairs) > SHOWN else ""
    return [
        f"{where}: files of the same contents, of which every request would count twice: {told}"
        f"{more}; allowed is each file once; leave one of each two out of the folder, or, if both"
        " are of requests of their own, join them to one file"
    ]


def _packed(files: Sequence[str], kind: str) -> Iterator[tuple[str, str]]:
    """Files of one name less the endings of compressions that begin alike."""
    named = defaultdict(list)
    for file in files:
        path = Path(file)
        named[path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path].append(file)
    for alike in named.values():
        begun = {file: _beginning(file) for file in alike} if len(alike) > 1 else {}
        for one, other in combinations(begun, 2):
            if begun[one] == begun[other] and _has_requests(one, kind):
                yield one, other


def _copied(files: Sequence[str], kind: str) -> Iterator[tuple[str, str]]:
    """Files of the same bytes."""
    sized = defaultdict(list)
    for file in files:
        sized[Path(file).stat().st_size].append(file)
    for size, alike in sized.items():
        first: dict[object, str] = {}
        for file in alike if len(alike) > 1 else ():
            marks = (_ends(file, size), *sorted(folder_columns(file).items()))
            other = first.setdefault(marks, file)
            if other != file and _has_requests(file, kind):
                yield other, file


def _renamed(files: Sequence[str], kind: str) -> Iterator[tuple[str, str]]:
    """Files of any name, one of them packed, of the same size unpacked that begin alike."""
    packed = {file for file in files if Path(file).suffix.lower() in COMPRESSIONS}
    sizes = {file: _unpacked_size(file) for file in (files if packed else ())}
    alike = Counter(sizes.values())
    begun: dict[object, list[str]] = defaultdict(list)
    for file, size in sizes.items():
        # a size that is not told may be any
        if (alike[size] == 1 and not alike[None]) or (text := _beginning(file)) is None:
            continue
        others = begun[sha256(text).digest(), *sorted(folder_columns(file).items())]
        for other in others:
            are_of_a_size = len({size, sizes[other]} - {None}) < 2
            if are_of_a_size and {file, other} & packed and _has_requests(file, kind):
                yield other, file
        others.append(file)


def _unpacked_size(file: str) -> int | None:
    """Bytes that a file has unpacked, as it says itself; None where it does not."""
    packing, size = Path(file).suffix.lower(), Path(file).stat().st_size
    if packing not in COMPRESSIONS:
        return size
    if packing != ".gz" or size < GZIP_SIZE:
        return None
    with open(file, "rb") as stream:
        stream.seek(-GZIP_SIZE, os.SEEK_END)
        return int.from_bytes(stream.read(GZIP_SIZE), "little")


def _ends(file: str, size: int) -> bytes:
    """Digest of a file's first and last bytes."""
    with open(file, "rb") as stream:
        digest = sha256(stream.read(COMPARED))
        stream.seek(max(0, size - COMPARED))
        digest.update(stream.read(COMPARED))
    return digest.digest()


def _beginning(file: str) -> bytes | None:
    """First bytes of a text, unpacked; none of one that is damaged, which is told later."""
    try:
        with opened(file) as text:
            return text.read(COMPARED)
    except InputError:
        return None


def _has_requests(file: str, kind: str) -> bool:
    """Whether a file may hold a request: a header alone, or an empty list, is an hour of none."""
    if kind == "parquet":
        try:
            return bool(pq.read_metadata(file).num_rows)
        except (OSError, ValueError):
            return False
    text = (_beginning(file) or b"").strip()
    # a request has a number
    return b"\n" in text if kind == "csv" else any(digit in text for digit in b"0123456789")

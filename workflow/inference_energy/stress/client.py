"""AIPerf as a process: started, watched, ended, and its files cleared of the key."""

import base64
import contextlib
import html
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeGuard

from inference_energy.units import BYTES_PER_KIB

POLL, PATIENCE = 0.2, 5.0
REPORT = 30.0
"""Between two lines of progress [s]."""


LOOK = 1.0
"""Between two looks at the memory of the client's processes [s]."""


MOST_MEMORY, MEMORY_OF_TOKEN = 16e9, 8e3
"""Memory that the client's processes may take together, and more for each token in flight. AIPerf
takes 0.1 GB a process, of which it starts 8 on two cores and 45 at most, and less than 1 kB a
token. [bytes]"""


MOST_SHARE = 0.5
"""Share of the memory of the machine, or of its container, that they may take at most."""


STARTING = 300.0
"""Longest time that AIPerf may take to start and to write, on a busy machine [s]."""


STARTS = {
    "AIPERF_SERVICE_REGISTRATION_TIMEOUT": f"{STARTING:.0f}",
    "AIPERF_SERVICE_REGISTRATION_MAX_ATTEMPTS": f"{STARTING:.0f}",
    "AIPERF_SERVICE_START_TIMEOUT": f"{STARTING:.0f}",
}
"""What lets AIPerf's processes take so long to start: it ends after 30 s else [s], or after ten
attempts, one a second."""


SHORTEST_KEY = 8
"""A shorter key is a word (EMPTY, none), and its letters are in every file."""


REDACTED = b"[redacted]"

PIECE, STRIDE = 12, 4
"""Letters of a key that are a piece of it wherever they stand, and how far apart those begin that
are looked for: one of fifteen is found whole."""

PLAIN = re.compile(r"[A-Za-z0-9._~-]+")
"""Letters that are written in one form alone."""

HELD = re.compile(rb"^(?:RssAnon|VmSwap):\s*(\d+) kB$", re.MULTILINE)
"""Counters of a process's own memory, and of that part of it which is swapped."""

LONGEST_FORM = 16
"""Bytes that a letter takes at most where it is written as another. [bytes]"""


class StoppedError(Exception):
    """The user interrupted the test."""


class GrownError(Exception):
    """The client took more memory than it may."""


def most_memory(tokens: float) -> float:
    """Memory that the client's processes may take together [bytes].

    Parameters
    ----------
    tokens : float
        Output tokens of the requests that are in flight at a time.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    given = min([machine, *_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])
    return min(MOST_MEMORY + MEMORY_OF_TOKEN * tokens, MOST_SHARE * given)


def _limits(told: Path, root: Path) -> Iterator[int]:
    """Limits of memory that a container or a queue sets this process, in control groups.

    Parameters
    ----------
    told : path-like
        File that says which groups the process is in, ``number:controllers:path`` a line.
    root : path-like
        Folder of the groups; of version 1 those of memory are below ``memory``.

    Yields
    ------
    int
        Limits of the group and of those above it. [bytes]
    """
    with suppress(OSError):
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                group = root / controllers / path.lstrip("/")
                # in a container the root is often the group itself, whose path is the host's
                for place in (group, *group.parents):
                    for name in ("memory.max", "memory.limit_in_bytes"):
                        with suppress(OSError, ValueError):
                            # `max` is none
                            yield int((place / name).read_bytes())


def environment(endpoint: str, exporters: Sequence[str]) -> dict[str, str]:
    """Environment for AIPerf, which asks the usual exporters too, and by IPv4 alone, unless told.

    It has the patience with its own start that a busy machine needs, unless the user sets another.

    Parameters
    ----------
    endpoint : str
        Address of the server.
    exporters : list of str
        Addresses of the exporters that are to be asked.
    """
    told = {"AIPERF_GPU_DEFAULT_DCGM_ENDPOINTS": json.dumps(exporters)}
    host = urllib.parse.urlsplit(endpoint).hostname
    with contextlib.suppress(OSError):
        families = {place[0] for place in socket.getaddrinfo(host, None)}
        if socket.AF_INET not in families:
            told["AIPERF_HTTP_IP_VERSION"] = "6"
    return STARTS | os.environ | told


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    deadline: float,
    most: float,
    stop: threading.Event,
    progress: Callable[[float], None],
) -> int | None:
    """Run a client until it ends.

    Parameters
    ----------
    command : list of str
        The client.
    folder : Path
        Where its log goes.
    environment : dict
        Its environment.
    deadline : float
        Time after which it is ended [s].
    most : float
        Memory beyond which it is ended, of all its processes [bytes].
    stop : threading.Event
        Set when the user interrupts.
    progress : callable
        Called with the elapsed time [s] every :data:`REPORT` seconds.

    Returns
    -------
    int or None
        Exit code; None when the deadline passed.

    Raises
    ------
    StoppedError
        When the user interrupted.
    GrownError
        When it took more memory: a server may answer without end.
    """
    began = told = looked = time.monotonic()
    with open(folder / "aiperf.log", "wb") as log:
        client = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        while client.poll() is None:
            now = time.monotonic()
            if stop.wait(POLL):
                end(client)
                raise StoppedError
            if now - began > deadline:
                end(client)
                return None
            if now - looked > LOOK:
                looked = now
                if memory(client.pid) > most:
                    # it would grow on while it ends by itself
                    end(client, signal.SIGKILL)
                    raise GrownError
            if now - told > REPORT:
                told = now
                progress(now - began)
    return client.returncode


def memory(group: int) -> float:
    """Memory that the processes of a group hold alone, with what of it is swapped [bytes].

    Read from the counters of each: to add up its pages would hold a large process up.
    """
    held = 0
    for process in Path("/proc").glob("[0-9]*"):
        # any may end meanwhile
        with contextlib.suppress(OSError):
            if int((process / "stat").read_bytes().rpartition(b")")[2].split()[2]) == group:
                counters = (process / "status").read_bytes()
                held += sum(int(kilobytes) for kilobytes in HELD.findall(counters))
    return float(held * BYTES_PER_KIB)


def end(client: subprocess.Popen[bytes], told: signal.Signals = signal.SIGTERM) -> None:
    """End a client and all its workers."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(client.pid, told)
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGKILL)
    client.wait()


def answered(folder: Path) -> int:
    """Number of requests that AIPerf has written down so far."""
    path = Path(folder) / "profile_export.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def redact(folder: Path, key: str | None) -> None:
    """Take a key out of every file of a folder: a server may echo it in an answer or an error.

    Parameters
    ----------
    folder : Path
        Files below it are rewritten where they hold the key, in any of the forms in which JSON,
        an address or a page writes it, or in base64, as a header may; a whole one also in letters
        of another case, in hexadecimal digits and in UTF-16.
    key : str or None
        The key; words shorter than :data:`SHORTEST_KEY` are no secret.
    """
    if not is_secret(key):
        return
    for path in sorted(Path(folder).rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        clean = without(key, content)
        if clean != content:
            path.write_bytes(clean)


def is_secret(key: str | None) -> TypeGuard[str]:
    """Whether a key is one that must not be shown."""
    return key is not None and len(key) >= SHORTEST_KEY


def without(key: str | None, content: bytes) -> bytes:
    """Bytes without a key in any of the forms in which it may be written, and without its pieces.

    A table of AIPerf's cuts a long key off, or parts it over lines.
    """
    if not is_secret(key):
        return content
    kept, at = [], 0
    spans = [*_spans(key, content, STRIDE)]
    spans += [span for form in _base64(key) for span in _spans(form, content, PIECE)]
    spans += _whole(key, content)
    for start, end in sorted(spans):
        if start >= at:
            kept += [content[at:start], REDACTED]
        at = max(at, end)
    return b"".join([*kept, content[at:]])


def _whole(key: str, content: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each place where a whole key is written in another case or encoding."""
    lowered = content.lower()
    encoded = [key.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")]
    for form in (*encoded, key.encode().hex().encode()):
        for found in re.finditer(re.escape(form.lower()), lowered):
            yield found.span()


def _base64(key: str) -> set[str]:
    """What every text that holds a key has of it in base64, by where among three bytes it begins.

    The letters at its ends are left out that hold bits of what is beside it.
    """
    forms = set()
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(key)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(before) + key.encode()).decode()[first:last])
    return forms


def _spans(text: str, content: bytes, stride: int) -> Iterator[tuple[int, int]]:
    """Start and end of each place where a text is written, or a piece of it, by :data:`STRIDE`."""
    letters = [_written(letter) for letter in text]
    length = min(PIECE, len(text))
    firsts = {*range(0, len(text) - length, stride), len(text) - length}
    for first in firsts:
        last = first + length
        # a search for plain letters is many times as fast as one for all forms
        if max(PLAIN.findall(text[first:last]), key=len, default="").encode() not in content:
            continue
        for found in re.finditer(b"".join(letters[first:last]), content):
            yield _extended(content, *found.span(), letters[:first], letters[last:])


def _extended(
    content: bytes, start: int, end: int, before: Sequence[bytes], after: Sequence[bytes]
) -> tuple[int, int]:
    """Start and end of a piece of a key, with the letters around it that are the key's too."""
    for letter in reversed(before):
        found = re.search(rb"(?:%b)\Z" % letter, content[max(start - LONGEST_FORM, 0) : start])
        if not found:
            break
        start -= len(found[0])
    for letter in after:
        found = re.match(letter, content[end : end + LONGEST_FORM])
        if not found:
            break
        end += len(found[0])
    return start, end


def _written(letter: str) -> bytes:
    """Pattern of a letter as JSON (also within JSON), an address or a page may write it."""
    plain = re.escape(letter.encode())
    if PLAIN.fullmatch(letter):
        return plain
    code = f"{ord(letter):02x}"
    forms = [rf"\\+u00{code}", f"%(25)?{code}", f"&#0*{ord(letter)};", f"&#x0*{code};"]
    forms += [html.escape(letter)] if html.escape(letter) != letter else []
    return rb"(?:\\*%b|(?i:%b))" % (plain, "|".join(forms).encode())

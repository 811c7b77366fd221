"""AIPerf as a process: started, watched, ended, and its files cleared of the key."""

import contextlib
import html
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

POLL, PATIENCE = 0.2, 5.0
REPORT = 30.0
"""Between two lines of progress [s]."""


STARTING = 300.0
"""Longest time that AIPerf may take to start and to write, on a busy machine [s]."""


SHORTEST_KEY = 8
"""A shorter key is a word (EMPTY, none), and its letters are in every file."""


REDACTED = b"[redacted]"


class StoppedError(Exception):
    """The user interrupted the test."""


def environment(endpoint, exporters):
    """Environment for AIPerf, which asks the usual exporters too, and by IPv4 alone, unless told.

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
    return os.environ | told


def run(command, folder, environment, deadline, stop, progress):
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
    """
    began = told = time.monotonic()
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
            if now - told > REPORT:
                told = now
                progress(now - began)
    return client.returncode


def end(client):
    """End a client and all its workers."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGKILL)
    client.wait()


def answered(folder):
    """Number of requests that AIPerf has written down so far."""
    path = Path(folder) / "profile_export.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def redact(folder, key):
    """Take a key out of every file of a folder: a server may echo it in an answer or an error.

    Parameters
    ----------
    folder : Path
        Files below it are rewritten where they hold the key, in any of the forms in which JSON,
        an address or a page writes it.
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


def is_secret(key):
    """Whether a key is one that must not be shown."""
    return bool(key) and len(key) >= SHORTEST_KEY


def without(key, content):
    """Bytes without a key, in any of the forms in which it may be written."""
    for form in _written_forms(key) if is_secret(key) else ():
        content = content.replace(form, REDACTED)
    return content


def _written_forms(key):
    """Ways to write a key, longest first: one may be part of another."""
    as_json = json.dumps(key)[1:-1]
    forms = {
        key,
        as_json,
        as_json.replace("/", "\\/"),
        as_json.translate({ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&"}),
        json.dumps(as_json)[1:-1],
        urllib.parse.quote(key),
        urllib.parse.quote(key, safe=""),
        html.escape(key),
    }
    return sorted((form.encode() for form in forms), key=len, reverse=True)

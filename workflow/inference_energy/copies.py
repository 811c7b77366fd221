"""Jobs as copies of one interpreter that has imported what they need.

To start Python and to import takes most of the time of most jobs. A run of many jobs starts one
process that imports what their scripts do, and each job becomes a copy of it, by fork: a process of
its own, with the streams, folder and environment of the one that asks for it (``copied``). That
process has one thread, and ends with the run, however that ends.
"""

import ctypes
import gc
import importlib
import marshal
import os
import resource
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from shlex import join

from inference_energy import copied
from inference_energy.job_times import note_time

FEW = 8
"""Jobs below which a run gains nothing by it."""

OPEN_FILES = 256
"""Files that may be open at once, below which no copies are made: a job takes two."""

SLOW = 2.0
"""Time after which who asks has asked, or starts for itself. [s]"""

END_WITH_PARENT = 1
"""Linux's number of the request that a process gets a signal when its parent has ended (prctl)."""

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Environment with which numeric libraries start no threads: a copy has none of them."""


def prefix() -> str:
    """What stands before the commands of a run, for bash."""
    # the first words are Snakemake's own; isolated and without packages, Python starts at once
    return f"set -euo pipefail; {join([sys.executable, '-I', '-S', copied.__file__])}"


def start(place: str, modules: Iterable[str]) -> "subprocess.Popen[bytes] | None":
    """Start the process that copies are taken of.

    It lives until its standard input is closed, as by its parent's end, and its copies have ended.

    Parameters
    ----------
    place : str
        Path of its socket, which is made.
    modules : iterable of str
        What it imports. What cannot be imported is left to the jobs, which say so.

    Returns
    -------
    Popen or None
        None where the system has no such sockets, tells of no process that it has ended, or lets
        few files be open: each job then starts for itself.
    """
    if not hasattr(os, "pidfd_open") or resource.getrlimit(resource.RLIMIT_NOFILE)[0] < OPEN_FILES:
        return None
    with socket.socket(socket.AF_UNIX) as listening:
        try:
            os.close(os.pidfd_open(os.getpid()))
            listening.bind(place)
        except OSError:
            return None
        listening.listen()
        number = listening.fileno()
        return subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(number), *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD | copied.KEPT,
            pass_fds=[number],
        )


class _Copies:
    """Makes a copy for everyone who asks, and tells each how theirs has ended.

    Parameters
    ----------
    listening : socket
        Where they ask.
    """

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self.events = selectors.DefaultSelector()
        self._await(listening, self._asked)
        self._await(sys.stdin, self._left)

    def serve(self) -> str:
        """Serve until the run and all copies have ended, and in a copy: path of its script."""
        while self.events.get_map():
            for key, _ in self.events.select():
                # what is told together may have been answered with what was told before it
                awaited = any(key is each for each in self.events.get_map().values())
                script = key.data() if awaited else None
                if script:
                    return str(script)
        return ""

    def _await(self, what: object, then: Callable[[], str | None]) -> None:
        self.events.register(what, selectors.EVENT_READ, then)  # type: ignore[arg-type]

    def _left(self) -> None:
        """Take no more questions: the run has ended."""
        self.events.unregister(sys.stdin)
        self.events.unregister(self.listening)
        self.listening.close()

    def _asked(self) -> str | None:
        asking, _ = self.listening.accept()
        asking.settimeout(SLOW)
        streams: list[int] = []
        try:
            size, streams, _, _ = socket.recv_fds(asking, copied.SIZE, len(copied.STREAMS))
            with asking.makefile("rb") as file:
                question = file.read(int.from_bytes(size, "big"))
            # who has ended meanwhile needs none, and its script may be gone
            gone = select.select([asking], [], [], 0)[0]
            copy = -1 if gone else os.fork()
        except OSError:
            # without a copy the one who asks does the work itself
            copy = -1
        if copy == 0:
            self._close()
            asking.close()
            return _become(streams, *marshal.loads(question))
        for stream in streams:
            os.close(stream)
        if copy < 0:
            asking.close()
            return None
        ended = os.pidfd_open(copy)
        self._await(asking, lambda: self._gone(asking, ended))
        self._await(ended, lambda: self._ended(asking, ended, copy))
        with suppress(OSError):
            asking.send(b"+")
        return None

    def _gone(self, asking: socket.socket, ended: int) -> None:
        """End the copy of one who has ended."""
        self.events.unregister(asking)
        signal.pidfd_send_signal(ended, signal.SIGTERM)

    def _ended(self, asking: socket.socket, ended: int, copy: int) -> None:
        self.events.unregister(ended)
        os.close(ended)
        if asking in self.events.get_map():
            self.events.unregister(asking)
        _, status = os.waitpid(copy, 0)
        with asking, suppress(OSError):
            asking.send(str(os.waitstatus_to_exitcode(status)).encode())

    def _close(self) -> None:
        """Let go, in a copy, what is no copy's."""
        for key in list(self.events.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
            elif isinstance(key.fileobj, int):
                os.close(key.fileobj)
        self.events.close()


def _become(
    streams: list[int], folder: str, arguments: list[str], environment: dict[str, str]
) -> str:
    """Be as a process that has just been started for a script; return the script's path."""
    # nobody else could end it then, and a later run may write what it writes
    ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    sys.path.insert(0, str(Path(arguments[0]).parent))
    return arguments[0]


if __name__ == "__main__":
    # a terminal interrupts the copies too, and the run, with which this process ends
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
    number, *modules = sys.argv[1:]
    for module in modules:
        with suppress(ImportError):
            importlib.import_module(module)
    note_time("imports")
    # what was imported stays, and no copy need look through it again
    gc.freeze()
    script = _Copies(socket.socket(fileno=int(number))).serve()
    if script:
        signal.signal(signal.SIGINT, interrupted)
        runpy.run_path(script, run_name="__main__")

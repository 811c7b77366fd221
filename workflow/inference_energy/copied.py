"""A Python command, run by a copy of an interpreter that has imported what it needs (``copies``).

Stands before every command of a run, so it starts at once: it imports no more than it must. It
ends as the copy does, and the copy with it. Where no copies are made it becomes that Python itself,
which runs the script and is as quiet when it is interrupted; any other command it becomes as it is.
"""

import marshal
import os
import signal
import socket
import sys
from types import TracebackType

SOCKET = "ENERGY_RUN_COPIES"
"""Variable that names the socket where copies are asked for."""

SIZE = 8
"""Bytes that say how long a question is."""

ALONE = "--alone"
"""What stands before a script and its arguments that no copy runs."""

STREAMS = [0, 1, 2]
"""Numbers of the streams that a copy is given."""

KEPT = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
"""Environment with which glibc keeps memory that is freed [bytes, at most]: arrays of a job come
and go, and each time new pages of the system would cost as much time as to fill them."""


def ask(command: list[str]) -> str:
    """How a command ended that a copy has run: its exit code, as ``subprocess`` counts it.

    Nothing if there is nobody to ask, or who was asked has gone before the copy was made.

    Parameters
    ----------
    command : list of str
        This Python, a script and its arguments.
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        # interrupted before there is a copy, it ends as one that no handler catches: without a word
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    question = marshal.dumps((os.getcwd(), command[1:], dict(os.environ)))
    try:
        # where one is closed, the socket would get its number, and be written to by the copy
        for stream in STREAMS:
            os.fstat(stream)
    except OSError:
        return ""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(os.environ[SOCKET])
            socket.send_fds(asked, [len(question).to_bytes(SIZE, "big")], STREAMS)
            asked.sendall(question)
            if not asked.recv(1):
                return ""
        except (KeyError, OSError):
            return ""
        # a terminal interrupts the copy as well, which then says how it ended
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return asked.recv(SIZE).decode() or str(-signal.SIGKILL)


def alone(script: list[str]) -> None:
    """Run a script; interrupted while it imports what it needs, it ends without a word.

    Parameters
    ----------
    script : list of str
        Its path and its arguments.
    """
    import runpy

    def ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = ended
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    sys.argv = script
    sys.path[0] = os.path.dirname(os.path.abspath(script[0]))
    runpy.run_path(script[0], run_name="__main__")


def main(command: list[str]) -> None:
    """Run a command and end as it does."""
    if command[0] == ALONE:
        alone(command[1:])
        return
    is_script = command[0] == sys.executable and not command[1].startswith("-")
    code = ask(command) if is_script else ""
    if not code:
        if is_script:
            # until it can be quiet it is not interrupted
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            command = [command[0], __file__, ALONE, *command[1:]]
            os.environ.update(KEPT)
        os.execvp(command[0], command)
    if int(code) < 0:
        if -int(code) != signal.SIGKILL:
            signal.signal(-int(code), signal.SIG_DFL)
        os.kill(os.getpid(), -int(code))
    sys.exit(int(code))


if __name__ == "__main__":
    main(sys.argv[1:])

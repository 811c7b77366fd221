"""A Python command, run by a copy of an interpreter that has imported what it needs (``copies``).

Stands before every command of a run, so it starts at once: it imports no more than it must. It
ends as the copy does, and the copy with it. Where no copies are made, and for any other command, it
becomes the command itself.
"""

import marshal
import os
import signal
import socket
import sys

SOCKET = "ENERGY_RUN_COPIES"
"""Variable that names the socket where copies are asked for."""

SIZE = 8
"""Bytes that say how long a question is."""

STREAMS = [0, 1, 2]
"""Numbers of the streams that a copy is given."""


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


def main(command: list[str]) -> None:
    """Run a command and end as it does."""
    code = ask(command) if command[0] == sys.executable else ""
    if not code:
        os.execvp(command[0], command)
    if int(code) < 0:
        if -int(code) != signal.SIGKILL:
            signal.signal(-int(code), signal.SIG_DFL)
        os.kill(os.getpid(), -int(code))
    sys.exit(int(code))


if __name__ == "__main__":
    main(sys.argv[1:])

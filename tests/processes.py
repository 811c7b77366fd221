"""Processes that tests start: always with the signals of a process started in the foreground.

A shell without job control starts a background job with SIGINT and SIGQUIT ignored (POSIX, Shell
Command Language, 2.11), and what is ignored is inherited. Where the tests are such a job, a
child of theirs could not be interrupted, and what it does when interrupted could not be tested.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

# the first and last are for those who start processes here
from subprocess import DEVNULL as DEVNULL
from subprocess import PIPE
from subprocess import STDOUT as STDOUT

HANGS = 1800
"""Longer than any process here takes on a machine ten times as busy: beyond it, it hangs. [s]"""

SNAKEMAKE = [sys.executable, "-m", "snakemake"]
READY = Path(__file__).with_name("ready.py")


def _default_signals():
    for ignored in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_DFL)


def start(command, **options):
    """Start a process that can be interrupted; options as of subprocess.Popen."""
    return subprocess.Popen(command, preexec_fn=_default_signals, **options)


def run(command, **options):
    """Run a process to its end; return it with its output as text in stdout and stderr."""
    streams = {"stdout": PIPE, "stderr": PIPE, "text": True}
    return subprocess.run(command, preexec_fn=_default_signals, **(streams | options))


@cache
def _ready():
    """Start the process that runs of Snakemake are copies of; it ends when this one does."""
    return start([sys.executable, READY], stdin=PIPE, stdout=PIPE, text=True, env=_environment())


def _environment():
    """Environment of a user who has this Python's programs, and no path of the library."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}


def snakemake(folder, *arguments, **environment):
    """Run snakemake in a folder as a user does; return it with all that it printed in stdout."""
    arguments = [str(argument) for argument in arguments]
    with tempfile.NamedTemporaryFile() as printed:
        asked = [str(folder), arguments, _environment() | environment, printed.name]
        ready = _ready()
        ready.stdin.write(f"{json.dumps(asked)}\n")
        ready.stdin.flush()
        code = int(ready.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, printed.read().decode())


def one_message(run, *words):
    """Check that a run failed with a message in which the words stand, and no traceback."""
    assert run.returncode != 0
    assert "Traceback" not in run.stdout
    assert [word for word in words if word not in run.stdout] == [], run.stdout


def git(folder, *arguments):
    """Run git in a folder and return what it prints."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    settings = ["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]
    done = run(["git", *identity, *settings, *arguments], cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(condition, process):
    """Wait until something is so; a process that ends before that is an error."""
    hangs = time.monotonic() + HANGS
    while True:
        # asked before: on a busy machine the process may end between the two
        ended = process.poll() is not None
        if condition():
            return
        if ended:
            said = "\n".join(filter(None, process.communicate()))
            raise AssertionError(f"ended with {process.returncode}:\n{said}")
        assert time.monotonic() < hangs
        time.sleep(0.02)


def stop(process, told):
    """Send a signal to a process and all that it started in its session, and wait for its end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, told)
    process.communicate(timeout=HANGS)


def interrupted(folder, told, alone, sign, *asked):
    """Send a run of snakemake a signal once it has said a sign, to all its processes or it alone.

    It returns its exit code and all that was on the screen.
    """
    streams = {"stdout": PIPE, "stderr": STDOUT, "text": True, "start_new_session": True}
    run = start([*SNAKEMAKE, *asked], cwd=folder, env=_environment(), **streams)
    said = ""
    try:
        while sign not in said:
            line = run.stdout.readline()
            assert line, said
            said += line
        (os.kill if alone else os.killpg)(run.pid, told)
        said += run.communicate(timeout=HANGS)[0]
    finally:
        stop(run, signal.SIGKILL)
    return run.returncode, said

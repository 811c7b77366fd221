"""Processes that tests start: always with the signals of a process started in the foreground.

A shell without job control starts a background job with SIGINT and SIGQUIT ignored (POSIX, Shell
Command Language, 2.11), and what is ignored is inherited. Where the tests are such a job, a
child of theirs could not be interrupted, and what it does when interrupted could not be tested.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, STDOUT

HANGS = 1800
"""Longer than any process here takes on a machine ten times as busy: beyond it, it hangs. [s]"""

SNAKEMAKE = [sys.executable, "-m", "snakemake"]


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


def snakemake(folder, *arguments):
    """Run snakemake in a folder as a user does; return it with all that it printed in stdout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path}
    return run([*SNAKEMAKE, *arguments], cwd=folder, env=environment, stderr=STDOUT)


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

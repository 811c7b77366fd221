"""What a run says on the screen: a line a step, an error once, nothing twice.

Snakemake's own log file under .snakemake/log keeps everything.
"""

import errno
import io
import logging
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import Any

from inference_energy import stopping
from inference_energy.units import SECONDS_PER_MINUTE

REASON_SHOWN = 100
"""Characters of a step's reason: it names what changed, not every file behind it."""

PLAIN = ("Forced execution", "Rules with a run or shell declaration but no output")
"""Reasons that a reader need not know."""

LOG_SHOWN = 40
"""Lines of a failed step's log."""

NOISE = (
    "Assuming unrestricted shared filesystem usage",
    "Using shell:",
    "Conda environments: ignored",
    "Select jobs to execute",
    "Provided cores:",
    "Rules claiming more threads",
    "Building DAG of jobs",
    "Exiting because a job execution failed",
    "Shutting down, this might take some time",
    # after every failed job
    "Will exit after finishing currently running jobs",
    "At least one job did not complete successfully",
    # after the answer, which stands last
    "Complete log(s):",
    "Elapsed time:",
    # who stops a run is told so by its own words (stopping)
    "Terminating processes on user request",
    "Cancelling snakemake on user request",
)
"""Beginnings of messages that tell a reader nothing."""

IDLE = "Nothing to be done"
"""Beginning of what Snakemake says where everything is there."""

INPUT_ERROR = re.compile(r"WorkflowError:\n(.*?)\nWildcards:", re.DOTALL)
"""What an input that cannot be used says, within Snakemake's words about its own function."""

ENDED = re.compile(r"died with <Signals\.(\w+): \d+>|returned non-zero exit status (\d+)")
"""How a command ended, as the error says that Snakemake makes of it: by a signal, or its code."""

SHELL_SIGNAL = 128
"""Code with which a shell ends whose command a signal has ended, less the signal's number."""

FULL = re.compile(rf"\[Errno (?:{errno.ENOSPC}|{errno.EDQUOT})\] ([^\n:)]+)")
"""What an error says of a disk that is full, or of one's share of it."""

READING_ERROR = re.compile(
    r'\AWorkflowError in file "[^"\n]+", line \d+:\n(.*?)'
    r'(?:\n  File "[^"\n]+", line \d+, in \S+)+\s*\Z',
    re.DOTALL,
)
"""What stops the reading of the workflow, or its start, with the lines that said so."""

COUNTED = ("run_info", "job_started", "job_finished", "progress", "resources_info", "shellcmd")
"""Events that a step's line stands for."""


class Screen(logging.Filter):
    """Counts steps and drops what tells nothing; :meth:`format` writes a record.

    Parameters
    ----------
    write : callable
        Snakemake's own way to write a record.
    dry : bool
        Whether nothing is run, so that the jobs of each rule are counted instead.
    last_words : callable
        Lines that a run ends with, for one that has nothing to do.
    first_words : callable
        Says what is to be said as soon as it is known what the run does, or ends it.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        write: Callable[[logging.LogRecord], str],
        dry: bool = False,
        last_words: Callable[[], list[str]] = list,
        first_words: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.write, self.dry, self.clock = write, dry, clock
        self.last_words, self.first_words = last_words, first_words
        self.total, self.started, self.done = 0, 0, 0
        self.ended = ""
        self.full = False
        self.failures: dict[tuple[str, ...], str] = {}
        self.start = clock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Take note of the run's progress; say whether the record is shown."""
        event = _event(record)
        if event == "run_info" or record.getMessage().startswith(IDLE):
            # a dry run counts its jobs twice
            words, self.first_words = self.first_words, lambda: None
            words()
        if event == "run_info":
            self.total = int(getattr(record, "stats", {}).get("total", 0))
        if event == "job_finished":
            self.done += 1
        if event == "error" and FULL.search(record.getMessage()):
            # of every step that ends on it, and of Snakemake's own notes
            known, self.full = self.full, True
            return not known
        if event == "error":
            # a failed job is told by its own record, which follows and does not say how it ended
            self.ended = _way_of_ending(record.getMessage())
            return "CalledProcessError" not in record.getMessage() and not _noise(record)
        if event == "job_error" and stopping.told(stopping.NOTICED):
            return False
        if event in COUNTED:
            return self.dry
        if event == "job_info":
            # a rule without a message only collects files
            return bool(getattr(record, "rule_msg", None))
        if event is None and record.levelno < logging.WARNING and stopping.told():
            # what Snakemake removes of the steps that were ended, which it calls failed
            return False
        return event is not None or not _noise(record)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        event = _event(record)
        if event == "job_info":
            return self._step(record.__dict__)
        if event == "job_error":
            ended, self.ended = self.ended, ""
            return self._failure(record.__dict__, ended)
        text = self.write(record)
        if event == "error" and (full := FULL.search(text)):
            return _no_room(full[1])
        if text.startswith(IDLE) and not self.dry:
            return "\n".join([text, *self.last_words()])
        told = INPUT_ERROR.search(text) or READING_ERROR.search(text)
        return dedent(told[1]) if told else text

    def _step(self, job: dict[str, Any]) -> str:
        self.started += 1
        reason = job["reason"]
        why = "" if reason.startswith(PLAIN) else f"\n    {shortened(reason)}"
        elapsed = self.clock() - self.start
        left = elapsed / self.done * (self.total - self.done) if self.done > 1 else None
        times = f", {_clock(elapsed)}" + (f", about {_clock(left)} to go" if left else "")
        step = f"{self.started} of {max(self.total, self.started)}{'' if self.dry else times}"
        return f"[{step}] {job['rule_msg']}{why}"

    def _failure(self, job: dict[str, Any], ended: str) -> str:
        """Say why a job failed; of several that failed on the same once, and then of which rule."""
        rule, reason = job["rule_name"], tuple(_reason(job, ended))
        place, shown = ", ".join(job["log"]) or "no log", reason
        if reason in self.failures:
            shown = (f"for the same reason as rule {self.failures[reason]}, above",)
        elif reason:
            self.failures[reason] = rule
        lines = [f"    {line}" for line in shown]
        return "\n".join([f"Failed: rule {rule} (see {place})", *lines])


class Lasting:
    """A stream that is written to, whether or not somebody reads it, as `head` does no longer.

    Snakemake's handler raises where it waits for a job, so that the run would wait for ever.

    Parameters
    ----------
    stream : text stream or None
        What is written to; None, as Python has it for a closed one, takes all and shows nothing.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = io.StringIO() if stream is None else stream

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        with suppress(BrokenPipeError):
            try:
                self.stream.write(text)
            except UnicodeEncodeError as error:
                # half a character, or one that the locale has no bytes for
                shown = text.encode(error.encoding, "backslashreplace")
                self.stream.write(shown.decode(error.encoding))
        return len(text)

    def flush(self) -> None:
        """Hand on what is written."""
        with suppress(BrokenPipeError):
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _event(record: logging.LogRecord) -> str | None:
    event = getattr(record, "event", None)
    return None if event is None else str(getattr(event, "value", event)).lower()


def _noise(record: logging.LogRecord) -> bool:
    message = record.getMessage().removeprefix("WorkflowError:").strip()
    return not message or message.startswith(NOISE)


def shortened(reason: str) -> str:
    """Write a reason with as many of its files as fit, and how many more there are.

    Examples
    --------
    >>> shortened("Missing output files: a, b")
    'Missing output files: a, b'
    """
    if len(reason) <= REASON_SHOWN:
        return reason
    files = reason.split(", ")
    shown = reason[:REASON_SHOWN].rpartition(", ")[0]
    if not shown:
        return reason[:REASON_SHOWN] + " ..."
    return f"{shown} and {len(files) - len(shown.split(', '))} more"


def _way_of_ending(message: str) -> str:
    """How a command ended that Snakemake's error is about: a signal's name, or a code."""
    found = ENDED.search(message)
    if not found:
        return ""
    name, code = found.groups()
    if code and int(code) > SHELL_SIGNAL:
        with suppress(ValueError):
            return signal.Signals(int(code) - SHELL_SIGNAL).name
    return name or code


def _reason(job: dict[str, Any], ended: str) -> list[str]:
    """Lines of what a failed job's log says: a defect by its last line; and what ended it."""
    said = []
    for path in job["log"]:
        if Path(path).is_file():
            said += Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [line for line in said if line.strip()]
    if any(line.startswith("Traceback (most recent call last)") for line in lines):
        full = FULL.search(lines[-1])
        lines = [_no_room(full[1])] if full else lines[-1:]
    if ended.isdigit() and not lines:
        lines = [f"ended with exit code {ended}, without a word"]
    elif ended == "SIGKILL":
        lines += [
            "ended by SIGKILL, as where the memory is full: make room, or run fewer steps at once"
        ]
    elif ended.startswith("SIG") and ended not in ("SIGINT", "SIGTERM"):
        lines += [f"ended by {ended}"]
    return lines[-LOG_SHOWN:]


def _no_room(reason: str) -> str:
    """Say which disk is full: of those that Snakemake itself writes to, the one with least room."""
    places = {Path.cwd(): "", Path(os.environ.get("TMPDIR") or tempfile.gettempdir()): "TMPDIR"}
    place = min(filter(Path.is_dir, places), key=lambda folder: shutil.disk_usage(folder).free)
    other = f", or name a folder on another disk by {places[place]}" if places[place] else ""
    return (
        f"{place}: the disk is full ({reason.strip()}): make room there{other}, and start again;"
        " what finished steps have made is kept"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), SECONDS_PER_MINUTE)
    return f"{minutes}:{rest:02d}"


def show(
    logger: logging.Logger,
    dry: bool,
    last_words: Callable[[], list[str]] = list,
    first_words: Callable[[], None] = lambda: None,
) -> None:
    """Write what Snakemake says to the screen in this module's way.

    Parameters
    ----------
    logger : Logger
        Snakemake's logger. Handlers that write to files keep their ways.
    dry : bool
        Whether nothing is run.
    last_words, first_words : callable
        As for :class:`Screen`.
    """
    # a log file on a full disk is told by what could not be done, not by a traceback a line
    logging.raiseExceptions = False
    for handler in logger.handlers:
        formatter = handler.formatter
        if isinstance(handler, logging.FileHandler) or formatter is None:
            continue
        if isinstance(formatter, _Formatter):
            continue
        if isinstance(handler, logging.StreamHandler):
            handler.stream = Lasting(handler.stream)
        screen = Screen(formatter.format, dry, last_words, first_words)
        # before Snakemake's own filter, which drops the records that count
        handler.filters.insert(0, screen)
        handler.setFormatter(_Formatter(screen))


class _Formatter(logging.Formatter):
    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self.screen = screen

    def format(self, record: logging.LogRecord) -> str:
        return self.screen.format(record)

"""A run that is told to stop, by Ctrl-C (SIGINT) or SIGTERM: how it ends, and what it says then."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

GRACE = 1.0
"""Time in which the steps end that were told when the run was, as a terminal tells all. [s]"""

NOTICED = 0.2
"""Time within which a run notices that it was told when one of its steps was, too. [s]"""

SHOWN = 3
"""Files that are named."""

_TOLD = Event()


def told(within: float = 0.0) -> bool:
    """Whether this run has been told to stop, or is within a time [s]."""
    return _TOLD.wait(within)


def words(done: int, total: int, forced: str = "") -> str:
    """Say how far a run came that was stopped, and what goes on from there.

    Parameters
    ----------
    done, total : int
        Steps that ended, and steps of the run.
    forced : str
        Option that has it make again what is there, as it would the next time.

    Examples
    --------
    >>> words(3, 9)
    'Stopped after 3 of 9 steps: what they made is kept, and the same command goes on from there.'
    """
    rest = "the same command goes on from there"
    if forced:
        given = " (which `make` gives)" if forced == "--forceall" else ""
        rest = f"without {forced}{given} {rest}; with it, it begins anew"
    return f"Stopped after {done} of {total} steps: what they made is kept, and {rest}."


def removed_words(missing: Sequence[str]) -> list[str]:
    """Say which committed files a run that ended early has removed, and what brings them back.

    Snakemake removes what a step makes before it begins, and where it fails.

    Parameters
    ----------
    missing : sequence of str
        Paths.
    """
    if not missing:
        return []
    return [
        f"Removed for steps that did not end, though committed: {_some(missing)}. A run that comes"
        " so far makes them anew; `git checkout -- FILE` brings back a committed one, which counts"
        " as up to date.",
    ]


def kept_words(changed: Sequence[str]) -> list[str]:
    """Say which files a run takes as they are, though it did not make them so.

    Parameters
    ----------
    changed : sequence of str
        Paths.
    """
    if not changed:
        return []
    return [
        f"Written since the run that made them, as by git or by hand: {_some(changed)}. They count"
        " as up to date, whatever config/ and data/ say now; `snakemake --force FILE` makes one"
        " anew, `snakemake --forceall` all.",
    ]


def _some(paths: Sequence[str]) -> str:
    """The first of many paths, and how many more there are."""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(paths[:SHOWN]) + more


def before() -> str:
    """Say that a run was stopped while it was planned."""
    return "Stopped before the first step: nothing was changed."


def end_quietly(said: Callable[[], str] = before) -> None:
    """Show who stops a run while no step works what it says, and no traceback.

    Parameters
    ----------
    said : callable
        Gives the run's words.
    """

    def ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print(said(), file=sys.stderr)
        else:
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = ended
    _on(signal.SIGTERM, signal.default_int_handler)


def heed(end: Callable[[], None], local: bool) -> None:
    """Let a run that is told to stop begin no more steps and end those that work.

    Steps of this machine are told as a terminal tells them, whoever told the run; those of a
    cluster end with SIGINT as Snakemake ends them, and with SIGTERM by themselves. Told twice by
    SIGINT, Snakemake waits for nothing but its steps.

    Parameters
    ----------
    end : callable
        Ends the run once no step works. It is called in a thread of its own: in the one that the
        signal interrupts it would wait for ever if that one holds the lock that the ending asks
        for, as it does whenever a step has just ended.
    local : bool
        Whether the steps are processes of this machine.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        _TOLD.set()
        if number == signal.SIGINT:
            _on(signal.SIGINT, signal.default_int_handler)
            if not local:
                raise KeyboardInterrupt
        Thread(target=_end, args=(end, local), daemon=True).start()

    for number in SIGNALS:
        _on(number, stop)


def _on(number: signal.Signals, handler: Callable[[int, FrameType | None], object]) -> None:
    """Handle a signal that is not ignored, as a shell's job in the background ignores SIGINT."""
    # a workflow that another program runs in a thread is told by that program
    with suppress(ValueError):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _end(end: Callable[[], None], local: bool) -> None:
    print("Stopping; no further step begins.", file=sys.stderr)
    end()
    if local:
        time.sleep(GRACE)
        _pass_on()


def _pass_on() -> None:
    """Tell the processes that this one started, and they in turn, as a terminal tells them."""
    # of a run that nobody stops, and of its jobs, nothing needs it
    import psutil

    own = os.getpgrp()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, ProcessLookupError):
            # a group of its own is ended by who started it, as no terminal would tell it
            if os.getpgid(process.pid) == own:
                process.send_signal(signal.SIGINT)

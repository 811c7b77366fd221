"""Processor time of the processes of a run, for the measurement of their sum."""

import os
import resource

PLACE = "JOB_TIMES"
"""Variable that names the file which they are appended to."""


def note_time(name: str) -> None:
    """Append the CPU time of this process and its children [s], where they are measured."""
    path = os.environ.get(PLACE)
    if not path:
        return
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    with open(path, "a", encoding="utf-8") as file:
        print(name, sum(u.ru_utime + u.ru_stime for u in used), file=file)

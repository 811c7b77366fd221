"""Phases of a three-phase feed that a log's meters name, and those that it lacks."""

import re
from collections.abc import Iterable

PHASES = 3

NAMED = re.compile(
    r"(?:^|(?<=[^a-z0-9]))(?P<word>(?:phase|ph)[ _-]?l?(?=[1-3abc]$)|l(?=\d+$))"
    r"(?P<number>\d+|[abc])$"
)
"""L1, phase_b or pdu-A Phase L2: what ends a name of one phase; what is numbered beyond the third,
or from zero, is none."""


def lacking(meters: Iterable[str]) -> tuple[str, str]:
    """What to say of a log that holds one phase alone, and of one that holds two, if it does.

    One phase is no node of a three-phase feed. Two may be all that there is, of a split one. Meters
    of several devices may each be on a phase of its own.

    Parameters
    ----------
    meters : iterable of str
        Names of all meters of a log.

    Returns
    -------
    tuple of str
        Why the log is refused, and what is told of it; empty if there is nothing.
    """
    found: dict[str, int] = {}
    numbered: set[str] = set()
    for meter in meters:
        name = NAMED.search(meter.lower())
        if name is None:
            continue
        letter = name["number"]
        number = "abc".index(letter) + 1 if letter in "abc" else int(letter)
        if 1 <= number <= PHASES:
            found[meter] = number
        else:
            numbered.add(name["word"])
    # nodes, or GPUs of that name, are counted on
    there = set(found.values())
    if numbered or not there or len(there) == PHASES:
        return "", ""
    gone = " and ".join(str(n) for n in range(1, PHASES + 1) if n not in there)
    named = ", ".join(sorted(found))
    if len(there) == 1:
        return (
            f"{named} is by its name one of {PHASES} phases, and the log holds none of phase"
            f" {gone}: a node draws from all of them; give the others too, or, if all of its power"
            " comes by this one, name the meter as what it is (node)"
        ), ""
    return "", (
        f"{named} are by their names two of {PHASES} phases, and the log holds none of phase"
        f" {gone}: the sum is of these alone; if the feed has a third phase, give it too"
    )

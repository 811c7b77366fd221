"""Meters of a log that are no power of their own: a whole beside its parts, limits, statistics."""

import re
from collections.abc import Collection, Iterator, Mapping, Set

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

LIMITS = {"limit", "limits", "budget", "cap", "nominal", "rated", "tdp", "threshold"}
LIMITS |= {"apparent", "reactive"}
"""Words of names for what a thing may draw, and for what is no power in watts."""

STATISTICS = {"average", "avg", "mean", "median", "maximum", "max", "minimum", "min", "peak"}
"""Words of names for a statistic of a power that is in the log, too, unless all bear that word."""

VOLT_AMPERES = {"va", "kva", "var", "kvar"}
"""Words that end names of what is no power in watts."""

TOTAL = {"total", "all", "sum", "overall"}

HOUSE = {"house", "home", "building"}
RACK = {"rack", "racks", "cabinet"}
FED = {"pdu", "pdus", "plug", "plugs", "outlet", "outlets"}
NODE = {"node", "nodes", "server", "servers", "host", "machine", "system", "sys", "chassis"}
NODE |= {"bmc", "ipmi", "computer"}
CHIPS = {"gpu", "gpus", "cpu", "cpus"}

KINDS = (HOUSE, RACK, FED, NODE, CHIPS)
"""Words of names for things, of which the last one of a name counts: a gpu_node is a node."""

HOLDS = (
    *((HOUSE, part) for part in KINDS[1:]),
    *((RACK, part) for part in KINDS[2:]),
    (NODE, CHIPS),
)
"""What holds what: the power of the one has that of the other in it, and more."""

LOST_TO_PARTS = 0.87
"""Power of parts over that of their whole, at least [1]: supplies and cables of a rack lose at most
0.15 of what its parts take."""

NEAR = 0.1
"""Share by which two meters of one power differ at most: each is right within some per cent."""

FOLLOWS, LEAST_READ = 0.8, 30
"""Correlation of the changes of a meter, from each reading to the next, with those of the sum of
the others, from which it is their whole: nodes at work on one load have their own; readings that
tell it at least."""

ITS_OWN, LEAST_CALM, LAGS = 0.3, 100, 5
"""Correlation of the changes of two meters below which each has its own, whichever of them is up to
so many readings late; changes that tell it at least: of a hundred of noise it is 0.1 or so."""

IN_IT, ERRORS = 0.5, 3.0
"""Watts by which a whole changes for each watt of its parts below which they are not in it, where
they would be with one [1]; standard errors by which it must be below."""

CROSSES = 0.05
"""Share of readings in which a highest power is below, or a lowest above, what it would be one of,
from which it is none: a meter may be late where the load comes and goes. [1]"""

HIGHEST, LOWEST = {"maximum", "max", "peak"}, {"minimum", "min"}

WORD, PIECE = re.compile(r"[a-z]+"), re.compile(r"[a-z]+|\d+")


Courses = Mapping[str, tuple[Array, Array]]
"""Times and powers that meters read. [s], [W]"""


def courses_of(frame: pd.DataFrame) -> Courses:
    """Times and powers of each meter of a log that reads power.

    Parameters
    ----------
    frame : DataFrame
        time_s, meter and power_w, sorted by meter and time.
    """
    known = frame.dropna(subset=["power_w"]).drop_duplicates(["meter", "time_s"])
    return {
        str(meter): (own["time_s"].to_numpy(), own["power_w"].to_numpy())
        for meter, own in known.groupby("meter")
    }


def apart(courses: Courses, one: str, other: str) -> bool:
    """Whether two meters, read at the same times, go up and down each by itself.

    Two meters of one power do so together, or one after the other. What was read at other times, or
    too seldom, tells nothing.

    Parameters
    ----------
    courses : dict of str to tuple of array
        As from ``courses_of``.
    one, other : str
        Two meters of the log.
    """
    if one not in courses or other not in courses:
        return False
    (times, first), (then, second) = courses[one], courses[other]
    return np.array_equal(times, then) and _apart(first, second)


def _apart(one: Array, other: Array) -> bool:
    found = [_together(first, second) for first, second in _shifted(one, other)]
    return bool(found) and all(
        changes >= LEAST_CALM and abs(together) < ITS_OWN for changes, together in found
    )


def _shifted(one: Array, other: Array) -> Iterator[tuple[Array, Array]]:
    """Two courses with one of them up to LAGS readings late; none of too few readings."""
    for lag in range(-LAGS, LAGS + 1):
        if len(one) > LAGS:
            first = one[max(lag, 0) :][: len(one) - abs(lag)]
            yield first, other[max(-lag, 0) :][: len(first)]


def not_in(courses: Courses, wholes: Collection[str], parts: Collection[str]) -> bool:
    """Whether some meters, read at the same times, cannot have the power of others in theirs.

    They go up and down by themselves, and not by what the others do. Parts that change little
    beside their whole tell nothing.

    Parameters
    ----------
    courses : dict of str to tuple of array
        As from ``courses_of``.
    wholes, parts : collection of str
        Meters of the log.
    """
    if not all(meter in courses for meter in (*wholes, *parts)):
        return False
    times = courses[next(iter(wholes))][0]
    if not all(np.array_equal(times, courses[meter][0]) for meter in (*wholes, *parts)):
        return False
    around, held = (np.sum([courses[m][1] for m in side], axis=0) for side in (wholes, parts))
    return _apart(around, held) and all(
        _in_it(first, second) < IN_IT for first, second in _shifted(around, held)
    )


def _in_it(whole: Array, part: Array) -> float:
    """Watts by which a whole changes at most for each watt of a part, within ERRORS. [1]"""
    first, second = _calm(whole, part)
    slope = float(np.cov(first, second)[0, 1] / np.var(second, ddof=1))
    error = float(np.std(first - slope * second) / np.std(second)) / np.sqrt(len(first))
    return slope + ERRORS * error


def _is_no_statistic(courses: Courses, meter: str, words: Set[str], others: list[str]) -> bool:
    """Whether a meter contradicts that it reads a statistic of what any other of the log does.

    A mean of some readings changes with each of them.
    """
    if not others or not all(apart(courses, meter, other) for other in others):
        return False
    _, own = courses[meter]
    lower = [np.mean(own < courses[other][1]) for other in others]
    higher = [np.mean(own > courses[other][1]) for other in others]
    of_mean = (
        not words & (HIGHEST | LOWEST)
        and min(_usual_change(own) / _usual_change(courses[other][1]) for other in others) >= IN_IT
    )
    return bool(
        of_mean
        or (words & HIGHEST and min(lower) > CROSSES)
        or (words & LOWEST and min(higher) > CROSSES)
    )


def _usual_change(power: Array) -> float:
    """Median change from one reading to the next; of those that are ``apart`` above zero. [W]"""
    return float(np.median(np.abs(np.diff(power))))


def told_by_name(powers: Mapping[str, float], scope: str, courses: Courses) -> Iterator[str]:
    """Meters that are by their names no power, or a whole whose parts are there, too.

    Parameters
    ----------
    powers : dict of str to float
        Of each meter. [W]
    scope : str
        gpu, cpu or node.
    courses : dict of str to tuple of array
        As from ``courses_of``.

    Yields
    ------
    str
        A sentence without the log.
    """
    words = {meter: WORD.findall(meter.lower()) for meter in powers}
    # a word that all bear tells none of them from the others
    alike = len({frozenset(STATISTICS & {*own}) for own in words.values()}) == 1
    for meter, own in words.items():
        others = [other for other in powers if other != meter]
        in_va = VOLT_AMPERES & {*own[-1:]} and not all(apart(courses, meter, o) for o in others)
        # what is set goes not up and down by itself
        is_set = LIMITS & {*own} and not (others and all(apart(courses, meter, o) for o in others))
        if is_set or in_va:
            yield f"{meter} is by its name no power that is drawn: leave it out, or rename it"
        elif (
            not alike
            and STATISTICS & {*own}
            and not _is_no_statistic(courses, meter, {*own}, others)
        ):
            yield (
                f"{meter} is by its name a statistic of a power that the log holds besides: leave"
                " it out, or rename it if it is a meter of its own"
            )
    if scope != "node":
        return
    for meter, own in words.items():
        others = [other for other in powers if not TOTAL & {*words[other]}]
        if TOTAL & {*own} and others:
            share = sum(powers[other] for other in others) / powers[meter] if powers[meter] else 0
            is_near = LOST_TO_PARTS <= share <= 1 / (1 - NEAR)
            if is_near and not not_in(courses, [meter], others):
                yield _beside([meter], others, powers)
    for whole, part in HOLDS:
        parts = {meter: _wholes_of(meter, whole, words) for meter in _of_kind(part, words)}
        parts = {meter: found for meter, found in parts.items() if found}
        wholes = sorted({name for found in parts.values() for name in found})
        held, around = (sum(powers[name] for name in side) for side in (parts, wholes))
        if 0 < held <= around / (1 - NEAR) and not not_in(courses, wholes, parts):
            yield _beside(wholes, sorted(parts), powers)


def _of_kind(kind: Set[str], words: Mapping[str, list[str]]) -> list[str]:
    """Meters that are by their names such things."""
    known = set().union(*KINDS)
    last = {meter: [word for word in own if word in known][-1:] for meter, own in words.items()}
    return [meter for meter, own in last.items() if kind & {*own}]


def _wholes_of(part: str, kind: Set[str], words: Mapping[str, list[str]]) -> list[str]:
    """Meters of a kind that hold a part by its name: if it names one of the kind, that one."""
    wholes = _of_kind(kind, words)
    return wholes if not kind & {*words[part]} else [one for one in wholes if names(part, one)]


def names(part: str, whole: str) -> bool:
    """Whether the name of a part holds that of a whole: node1_gpu0, but not node10_gpu0."""
    inner, outer = (PIECE.findall(name.lower()) for name in (whole, part))
    starts = range(len(outer) - len(inner) + 1)
    return any(outer[start : start + len(inner)] == inner for start in starts)


def _beside(wholes: list[str], parts: list[str], powers: Mapping[str, float]) -> str:
    whole, part = (sum(powers[name] for name in side) for side in (wholes, parts))
    return (
        f"{', '.join(wholes)} ({whole:.4g} W) and {', '.join(parts)} ({part:.4g} W) are by their"
        " names a whole and its parts: the same power would count twice; leave one side out, or"
        " rename those that are apart"
    )


def told_by_course(frame: pd.DataFrame) -> Iterator[str]:
    """Meters that follow the sum of all others in their changes, and read it but for losses.

    Parameters
    ----------
    frame : DataFrame
        time_s, meter and power_w, sorted by meter and time.

    Yields
    ------
    str
        A sentence without the log.
    """
    read = courses_of(frame)
    if len(read) <= 2:
        return
    whole = max(read, key=lambda meter: float(np.median(read[meter][1])))
    times, power = read[whole]
    others = [meter for meter in read if meter != whole]
    summed = np.sum([np.interp(times, *read[meter]) for meter in others], axis=0)
    share = float(np.median(summed)) / max(float(np.median(power)), np.finfo(float).tiny)
    if LOST_TO_PARTS <= share <= 1 / (1 - NEAR) and _alike(power, summed):
        yield (
            f"{whole} follows the sum of {', '.join(others)} from each reading to the next, which"
            f" is {share:.3g} times its power: a whole and its parts, less losses, would count"
            " twice; leave one side out"
        )


def _alike(one: Array, other: Array) -> bool:
    """Whether two powers change alike from one reading to the next, whatever the steps of load."""
    changes, together = _together(one, other)
    return changes >= LEAST_READ and together >= FOLLOWS


def _together(one: Array, other: Array) -> tuple[int, float]:
    """Changes of two powers but for steps of load, and the correlation of them; zero for none."""
    if len(one) < LEAST_READ:
        return 0, 0.0
    first, second = _calm(one, other[: len(one)])
    if len(first) < LEAST_READ or not (np.std(first) and np.std(second)):
        return 0, 0.0
    return len(first), float(np.corrcoef(first, second)[0, 1])


def _calm(one: Array, other: Array) -> tuple[Array, Array]:
    """Changes of two powers, read at the same times, but for steps of load, which both follow."""
    changes = [np.diff(power) for power in (one, other)]
    usual = [float(np.median(np.abs(change))) for change in changes]
    calm = np.all(
        [np.abs(change) <= 6 * size for change, size in zip(changes, usual, strict=True)], axis=0
    )
    first, second = (change[calm] for change in changes)
    return first, second

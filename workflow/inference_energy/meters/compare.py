"""Readings of a log held against one another: what no meter reads, and what would count twice."""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.meters.counters import contradiction
from inference_energy.meters.stuck import OUTLET, RANGE
from inference_energy.meters.wholes import (
    FED,
    NEAR,
    NODE,
    Courses,
    apart,
    courses_of,
    names,
    not_in,
    told_by_course,
    told_by_name,
)
from inference_energy.text import counted
from inference_energy.units import KILO, mean_power

Array = NDArray[np.float64]

FULL = tuple(float(2**bits - 1) for bits in (12, 15, 16))
"""What registers of 12, 15 and 16 bits hold where all are set, as of a sensor that did not answer.
[W]"""

CODES = {float(2**bits - few) for bits in range(12, 33) for few in (1, 2)} | {655.35, 655.34}
CODES |= {code / 10 for code in CODES if code >= 2**15 - 2}
CODES |= {(10.0**digits - 1) / unit for digits in range(4, 8) for unit in (1, 10, 100)}
CODES -= set(FULL)
"""What other registers hold of which all bits are set, or all but the last, in watts or tenths, and
of 16 bits in hundredths, and displays of which all digits are nines: no answer. [W]"""

ROUND_CODES = {float(2**bits) for bits in range(12, 33)}
ROUND_CODES |= {255.0 * scale for scale in (10, 100, 1000)}
"""What registers hold of which one bit is set, and bytes of which all are, in a larger unit: a
power may be so by chance, but hardly far from all others. [W]"""

LOW_CODES = {(2.0**bits - 1) / unit for bits in range(8, 12) for unit in (1, 10)}
"""What registers of 8 to 11 bits hold of which all are set, in watts or tenths: a node or GPU may
idle so, but hardly to the last digit each time and far from all others. [W]"""

FAR = 3.0
"""Such a code over all other powers, or below them, at least: nodes draw at work some two or three
times what they do at idle, and come by what lies between. [1]"""

AS_MUCH = 2.0
"""Readings in watts over those in kilowatts by thousand, where both are of like loads. [1]"""

VARIES, FOLLOWS = 0.05, 0.3
"""Share by which a power varies where another can be seen to follow it; least correlation then: an
outlet of a few watts does not follow one of as many kilowatts."""

LOST = 0.75
"""Power behind a power supply or UPS over that before it, at least [1]: the worst in use lose a
quarter at low load. In front of it and behind it one power is read twice."""

LAGS, ALIKE, DISTINCT = 5, 0.9, 10
"""Readings by which one meter is behind the other under another name at most; share of them that
are then the same; different ones among these, and turns up or down: whole watts of two idle devices
agree by chance, and loads that grow evenly."""

MOST_READ, MOST_METERS = 1000, 100
"""Readings of a meter, and meters, that are looked at."""

SIDES = ({"in", "input", "ac", "primary"}, {"out", "output", "dc", "secondary"})
"""Words of names for what goes into a thing and for what comes out."""

CHAIN = (
    {"utility", "mains", "grid", "wall", "feed", "feeds"},
    {"ups"},
    {"rpp", "busway"} | FED,
    {"psu", "psus", "supply", "supplies"},
    NODE,
)
"""Words of names for what feeds a node, one behind the other, and for the node."""

WORD, NUMBER = re.compile(r"[a-z]+"), re.compile(r"\d+")


def problems(frame: pd.DataFrame, scope: str, factors: Mapping[str, float]) -> Iterator[str]:
    """What is wrong with the readings of a log.

    Parameters
    ----------
    frame : DataFrame
        `SAMPLE_COLUMNS` and line, sorted by meter and time.
    scope : str
        gpu, cpu or node.
    factors : dict of str to float
        By which readings were multiplied, by sample column.

    Yields
    ------
    str
        A sentence without the log.
    """
    yield from full_registers(frame, factors.get("power_w", 1.0))
    yield from _codes(frame, factors.get("power_w", 1.0))
    yield from _apart(frame)
    yield from _in_other_units(frame)
    yield from _shifted(frame)
    yield from _against_counters(frame)


def counted_twice(frame: pd.DataFrame, scope: str) -> Iterator[str]:
    """Meters of which the power of one is in that of others, or is none.

    Parameters
    ----------
    frame, scope
        As for ``problems``.

    Yields
    ------
    str
        A sentence without the log.
    """
    powers = _powers(frame)
    courses = courses_of(frame)
    by_name = [*told_by_name(powers, scope, courses)]
    if scope == "node":
        by_name += _both_sides(powers, courses)
        # what a name told needs no other sign
        by_name = by_name or [*told_by_course(frame)]
    yield from by_name


def full_registers(frame: pd.DataFrame, factor: float = 1.0) -> Iterator[str]:
    """Readings that are a register of which all bits are set, beside none of about that power.

    Parameters
    ----------
    frame : DataFrame
        line, meter, and power_w, which was multiplied by the factor.
    factor : float
        From what the log holds to watts.

    Yields
    ------
    str
        A sentence a meter.
    """
    known = frame.dropna(subset=["power_w"])
    for meter, own in known.groupby("meter"):
        power = own["power_w"].to_numpy()
        read = power / factor
        full = np.isin(read.round(6), FULL) | np.isin(power.round(6), FULL)
        for value in np.unique(power[full]):
            near = np.abs(power - value) <= NEAR * value
            if (near & (power != value)).any():
                continue
            rows = own.loc[power == value, "line"]
            yield (
                f"row {rows.iloc[0]:.0f}: {value:g} W of {meter} is a register of which all bits"
                f" are set, as of a sensor that did not answer ({counted(len(rows), 'row', 'rows')}"
                " so, and none near it): leave such rows out"
            )


def _codes(frame: pd.DataFrame, factor: float) -> Iterator[str]:
    """Readings that are a code for an error: they come again to the last digit, beside none near.

    A load that comes again, as a short query does, has not the power of a code.
    """
    for meter, own in frame.dropna(subset=["power_w"]).groupby("meter"):
        power = own["power_w"].to_numpy()
        values, times = np.unique(power, return_counts=True)
        values = values[times > 1]
        sure, high, low = (
            np.isin(values.round(6), known) | np.isin((values / factor).round(6), known)
            for known in (sorted(CODES), sorted(ROUND_CODES), sorted(LOW_CODES))
        )
        for place in np.flatnonzero(sure | high | low):
            value = values[place]
            others = power[power != value]
            if not len(others):
                continue
            if sure[place]:
                told = not (np.abs(others - value) <= NEAR * value).any()
            elif high[place]:
                told = bool(value > FAR * others.max())
            else:
                # a meter that tells a few steps, or loads of no noise, comes again to any
                told = bool(others.min() > FAR * value) and len(np.unique(others)) >= DISTINCT
            if not told:
                continue
            rows = own.loc[power == value, "line"]
            yield (
                f"row {rows.iloc[0]:.0f}: {value:g} W of {meter} comes {len(rows)} times to the"
                " last digit, with no other reading near it, and is a code of meters for an error,"
                " as all nines or all bits of a register are: leave such rows out"
            )


def _apart(frame: pd.DataFrame) -> Iterator[str]:
    """Single readings between two that are far below, each further than a device's power ranges."""
    for meter, own in frame.dropna(subset=["power_w"]).groupby("meter"):
        power = own["power_w"].to_numpy()
        lone = np.zeros(len(power), dtype=bool)
        beside = np.maximum(power[:-2], power[2:])
        lone[1:-1] = (beside > 0) & (power[1:-1] > RANGE * beside)
        if lone.any() and power[lone].min() > max(RANGE * power[~lone].max(), OUTLET):
            row = own[lone].iloc[0]
            yield (
                f"row {row['line']:.0f}: {row['power_w']:g} W of {meter} lies alone more than"
                f" {RANGE:g} times above all others ({counted(int(lone.sum()), 'row', 'rows')} so),"
                f" and above the {OUTLET:g} W that a device of so little may draw: leave such rows"
                " out"
            )


def _in_other_units(frame: pd.DataFrame) -> Iterator[str]:
    """Readings of a meter, or of one beside others, that are those of the others in kilowatts."""
    known = frame[frame["power_w"] > 0]
    of_meters = {str(meter): own for meter, own in known.groupby("meter")}
    usual = {meter: float(own["power_w"].median()) for meter, own in of_meters.items()}
    for meter, own in of_meters.items():
        power = np.sort(own["power_w"].to_numpy())
        # beside a reading next to nothing any step is infinite, and the largest
        with np.errstate(over="ignore"):
            steps = power[1:] / power[:-1]
        if not len(steps) or steps.max() <= RANGE:
            continue
        low, high = power[: int(steps.argmax()) + 1], power[int(steps.argmax()) + 1 :]
        if _by_thousand(float(np.median(low)), float(np.median(high))):
            row = own[own["power_w"] <= low[-1]].iloc[0]
            yield (
                f"row {row['line']:.0f}: {meter} reads {low[0]:g} to {low[-1]:g} W in"
                f" {counted(len(low), 'row', 'rows')} and {high[0]:g} to {high[-1]:g} W in the"
                f" {len(high)} others, and nothing between, as where watts became kilowatts: record"
                " one unit, or, of a node that was off, cut the log to the time of the test"
            )
    if not usual:
        return
    most = max(usual, key=lambda meter: usual[meter])
    for meter, middle in usual.items():
        if _by_thousand(middle, usual[most]) and _may_follow(of_meters[meter], of_meters[most]):
            yield (
                f"{meter} reads {middle:g} W in the middle and {most} {usual[most]:g} W, about a"
                " thousand times as much, as where one is in kilowatts: record one unit, or leave"
                f" {meter} out if it feeds nothing"
            )


def _by_thousand(low: float, high: float) -> bool:
    """Whether a power is about that of another in the thousandfold unit."""
    return 1 / AS_MUCH <= KILO * low / high <= AS_MUCH


def _may_follow(own: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether a power goes up and down with another, or that is too even to tell."""
    low, high = other["power_w"].quantile([0.1, 0.9])
    if high - low <= VARIES * high:
        return True
    times = own["time_s"].to_numpy()
    beside = np.interp(times, other["time_s"].to_numpy(), other["power_w"].to_numpy())
    power = own["power_w"].to_numpy()
    # one that never moves follows nothing
    return bool(np.std(power) * np.std(beside) and np.corrcoef(power, beside)[0, 1] >= FOLLOWS)


def _against_counters(frame: pd.DataFrame) -> Iterator[str]:
    """Meters that read one power and count another."""
    for meter, own in frame.groupby("meter"):
        power, counts = (
            own.dropna(subset=[column]).drop_duplicates("time_s")
            for column in ("power_w", "energy_j")
        )
        told = contradiction(str(meter), power, counts)
        if told:
            yield told


def _shifted(frame: pd.DataFrame) -> Iterator[str]:
    """Meters of which one reads what the other does, at other times or some readings later.

    What reads the same at the same times is told by ``common``.
    """
    for column in ("power_w", "energy_j"):
        known = frame.dropna(subset=[column]).groupby("meter").head(MOST_READ)
        read = {
            str(meter): (own["time_s"].to_numpy(), own[column].to_numpy())
            for meter, own in known.groupby("meter")
            if own[column].nunique() >= DISTINCT
        }
        if len(read) > MOST_METERS:
            return
        for (one, (at, first)), (other, (then, second)) in combinations(read.items(), 2):
            lag = shift(first, second, column == "energy_j")
            if lag is None or (not lag and np.array_equal(at, then)):
                continue
            ahead, behind = (one, other) if lag >= 0 else (other, one)
            when = f"{counted(abs(lag), 'reading', 'readings')} later" if lag else "at other times"
            yield (
                f"{behind} reads what {ahead} does, {when}: one meter under two names would count"
                " twice; leave one out"
            )


def shift(one: Array, other: Array, counts: bool = False) -> int | None:
    """Readings by which one meter is behind another that reads the same.

    Parameters
    ----------
    one, other : array
        Readings of each, in the order of time.
    counts : bool
        Whether they are those of counters, of which the rises go up and down.

    Returns
    -------
    int
        Above zero where the other is behind, below it where it is ahead; None if there is none.
    """
    for lag in sorted(range(-LAGS, LAGS + 1), key=abs):
        first, second = (one, other) if lag >= 0 else (other, one)
        length = min(len(first), len(second) - abs(lag))
        if length < DISTINCT:
            continue
        behind = second[abs(lag) : abs(lag) + length]
        same = first[:length] == behind
        if same.mean() < ALIKE:
            continue
        ways = np.sign(np.diff(behind[same], n=2 if counts else 1))
        turns = np.count_nonzero(np.diff(ways[ways != 0]))
        if len(np.unique(behind[same])) >= DISTINCT <= turns:
            return lag
    return None


def _powers(frame: pd.DataFrame) -> dict[str, float]:
    """Power of each meter in the middle of a log, of a counter alone in the mean. [W]"""
    middle = frame.groupby("meter")["power_w"].median()
    counts = frame.dropna(subset=["energy_j"]).groupby("meter")[["energy_j", "time_s"]].agg(np.ptp)
    told = middle.fillna(mean_power(counts["energy_j"], counts["time_s"]))
    return {str(meter): float(power) for meter, power in told.dropna().items()}


def _both_sides(powers: Mapping[str, float], courses: Courses) -> Iterator[str]:
    """Meters in front of and behind one thing, by their names, that read about the same.

    Not two that go up and down each by itself: nodes may be called primary and secondary.
    """
    words = {meter: set(WORD.findall(meter.lower())) for meter in powers}
    kept = {
        meter: sorted([*own - SIDES[0] - SIDES[1], *NUMBER.findall(meter)])
        for meter, own in words.items()
    }
    for one, other in combinations(powers, 2):
        if kept[one] != kept[other] or apart(courses, one, other):
            continue
        for ahead, behind in ((one, other), (other, one)):
            if words[ahead] & SIDES[0] and words[behind] & SIDES[1]:
                yield from _told_twice([ahead], [behind], powers)
    places = {
        meter: next((place for place, kind in enumerate(CHAIN) if own & kind), None)
        for meter, own in words.items()
    }
    found = sorted({place for place in places.values() if place is not None})
    for first, then in combinations(found, 2):
        ahead_of, after = (
            [meter for meter, place in places.items() if place == at] for at in (first, then)
        )
        # the supplies of one node are in front of that node alone
        ahead_of = [
            meter
            for meter in ahead_of
            if not words[meter] & CHAIN[then] or any(names(meter, one) for one in after)
        ]
        if ahead_of and not not_in(courses, ahead_of, after):
            yield from _told_twice(ahead_of, after, powers)


def _told_twice(ahead: list[str], behind: list[str], powers: Mapping[str, float]) -> Iterator[str]:
    """What to say of meters in front of others, if these read what they do but for losses."""
    before, after = (sum(powers[meter] for meter in side) for side in (ahead, behind))
    # meters are right within some per cent
    if before > 0 and LOST <= after / before <= 1 / (1 - NEAR):
        yield (
            f"{', '.join(ahead)} and {', '.join(behind)} read {before:.4g} and {after:.4g} W, by"
            " their names in front of and behind one thing: the same power would count twice;"
            " leave one side out, or name meters of two feeds otherwise"
        )

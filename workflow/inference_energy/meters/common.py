"""What the readers of power logs share: times, numbers with units, and the checks of a log."""

import csv
import json
import math
import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import lru_cache
from itertools import combinations, pairwise
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.documents import LEAST_NUMBER, json_number, json_object, underflows
from inference_energy.errors import InputError
from inference_energy.meters import compare
from inference_energy.meters.counters import is_of_intervals, leaps
from inference_energy.meters.phases import lacking
from inference_energy.tables import PROBLEMS_SHOWN, refuse, refuse_crowded
from inference_energy.tables import spelling as plain_spelling
from inference_energy.text import counted
from inference_energy.units import (
    J_PER_WH,
    KILO,
    MICRO,
    MILLI,
    NANO,
    SECONDS_PER_HOUR,
    WH_PER_KWH,
    mean_power,
)

if TYPE_CHECKING:
    from _csv import Reader

Array = NDArray[np.float64]

SAMPLE_COLUMNS = [
    "time_s",
    "meter",
    "power_w",
    "energy_j",
    "utilisation",
    "memory_gb",
    "clock_mhz",
]
NUMBERS = SAMPLE_COLUMNS[2:]

BETWEEN = re.compile(r"[\s,]*")
READING = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?:W|Watts|%|MiB|MHz)?")

GROUPED = re.compile(r"\d{1,3}([., '’\u00a0\u202f]\d{3})+([.,]\d+)?")
"""1.600,5 and 1,600.5: with a separator of thousands."""

POWER_UNITS = {"w": 1.0, "watts": 1.0, "kw": KILO, "mw": MILLI, "uw": MICRO}
ENERGY_UNITS = {
    "j": 1.0,
    "kj": KILO,
    "mj": MILLI,
    "wh": J_PER_WH,
    "kwh": WH_PER_KWH * J_PER_WH,
}

UNITS = {"power_w": ("power", POWER_UNITS), "energy_j": ("energy", ENERGY_UNITS)}
"""Words that columns of a table begin with, and units that they may end in, by sample column."""

UNIT_NAMES = {
    "w": "watts",
    "kw": "kilowatts",
    "mw": "milliwatts",
    "uw": "microwatts",
    "j": "joules",
    "kj": "kilojoules",
    "mj": "millijoules",
    "wh": "watt hours",
    "kwh": "kilowatt hours",
}
"""Units, of which others are spellings."""

MISSING = {"", "-", "n/a", "[n/a]", "[not supported]", "not supported", "na", "nan", "unavailable"}
MISSING |= {"unknown", "none", "null", "[unknown error]", "[insufficient permissions]", "err!"}
MISSING |= {"[gpu requires reset]", "[gpu is lost]", "[unknown]"}
MISSING |= {"disabled", "deactivated", "no reading", "not available"}

LIKELY = {"gpu": 3_000.0, "cpu": 3_000.0, "node": 150_000.0}
"""No one meter of a scope draws more [W]: above it the file is in milliwatts."""


LEAST = {"gpu": 2.0, "cpu": 1.0, "node": 20.0}
"""No log of a scope stays below this all the time [W]: it is in a larger unit, or of nothing."""


DAY_FIRST = re.compile(r"\d\d?\.\d\d?\.\d{4}\b")
"""31.01.2026: where a date is written with points, its day comes first."""


DAY_OR_MONTH = re.compile(r"(\d\d?)([/-])(\d\d?)\2(\d+)\b")
"""31/01/2026 or 01/31/2026, by the country."""


MONTHS = 12


PLAIN = re.compile(r"\d{4}([-/])\d\d\1\d\d[ T]\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?(Z|[+-]\d\d:\d\d)?")
"""2026/01/31 12:00:00.123, and ISO 8601."""


TIME_OF_DAY = re.compile(r"[\d:.]*:[\d:.]*\s*([ap]\.?m\.?)?", re.IGNORECASE)
"""12:00:00, whose day nobody knows."""


HOUR = re.compile(r"(?<!\d)(\d\d?):\d\d")
"""Hour of a time that a person can read."""


ROUND = 12
"""Hours after which a clock without AM and PM begins anew: 12:59:59 is followed by 01:00:00."""


FIRST, LAST = 946_684_800.0, 4_102_444_800.0
"""Unix seconds of 2000 and 2100: a number between is a time in seconds, else in a smaller unit."""


HALF_FOLD = 900.0
"""Half of the shortest hour that comes twice, where clocks go back by 30 minutes: a local time that
is nearer than this to the reading before is not of the other one. [s]"""


LARGEST = 2**53
"""Largest reading, as in tables."""


MOST_READINGS = 1_000_000
"""Eight GPUs once a second for a day are 691,200."""


MOST_PROBLEMS = 10_000
"""Of so many, all of which could fill the memory, a log is given up."""


LONGEST_STRETCH = 604_800.0
"""Longest stretch of time with one reading of its energy [s]."""


SEPARATORS = ",;\t"
SHOWN = 300


HELD, OFTEN = 600.0, 0.1
"""A reading of a log that tells changes alone holds for so long at most, and is repeated after so
long at least [s]: readings in bursts would fill the memory."""


ALTERNATES = 3.0
"""Two readings in turn differ so many times as much as every second one: two meters."""


IN_TURN = range(2, 9)
"""Numbers of meters that are looked for in one file."""


WITHOUT_NAMES = ": two or more meters in one file need the column meter, or a file each"
UNDER_ONE_NAME = (
    ", as two or more meters under one name do: give each a name of its own, as of host and GPU, or"
    " a file"
)
OF_ONE = (
    "; of one meter whose load comes and goes with every second reading, record it at least twice"
    " as often, or write the mean of each two readings"
)
"""What helps meters that take turns, by whether the log names them, and a load that does: then a
level lasts for two readings, and is read."""


ALWAYS, UNEVEN = 0.9, 1.5
"""Share of readings of two meters in turn that go up after down; the longest wait over the shortest
in a round of several meters."""


LEVELS = 0.01
"""Share of the power by which they differ at least; a reading's last digit differs by less."""


LONG, QUARTERS, LAGS, PERSISTS = 100, 4, 20, 0.3
"""Readings of a log in each of whose quarters two meters in turn are looked for; readings apart
over which they still are in turn, and the least mean correlation. The power of one meter forgets
its ups and downs sooner."""


STEP = 12.0
"""A step of the load is so many times as high as the lower quarter of the differences between
neighbours: of noise the highest of a thousand is not."""


RARELY = 0.1
"""Share of a log's seconds below which those that hold two readings of a meter are its own: what
reads once a second, and writes whole seconds, is late or early by a few hundredths. Two such meters
have most seconds in common."""


LEAST_TWICE, LEAST_DISTINCT = 10, 3
"""Readings, and different ones among them, that two meters never have in common by chance."""


SAME = 1e-9
"""Share by which one reading differs in two logs, of watts and of kilowatts."""


LEAST_PART, SUM_TOLERANCE = 0.02, 0.01
"""Share of a total that a part of it has at least; by which the sum of its parts may differ."""


PARTS, VARIES = (2, 3), 0.05
"""Phases or feeds of which some of the other meters may be the parts of a total, whose power must
then vary by this share: constant powers add up by chance."""


TOTAL = re.compile(r"(?<![a-z])(all|total|sum)(?![a-z])", re.IGNORECASE)
"""What a meter of several GPUs is called."""


MOST_METERS, MOMENTS = 24, 200
"""Meters of which sums of some are looked for, and readings of a total that they are held to."""


UNLIKE_SUM = 4.0
"""Usual powers of all other meters over that of their total, at most [1], where loads take turns:
among more than `MOST_METERS` only what reads so much is held against the sum of the others."""


class Samples:
    """Readings of a log on their way into a frame.

    Parameters
    ----------
    path : str or path-like
        The log, for messages; its name names a meter that has none of its own.
    text : str
        Its content.
    scope : str
        gpu, cpu or node.
    zone : str or None
        Zone of times that state none.
    """

    def __init__(
        self, path: str | os.PathLike[str], text: str, scope: str, zone: str | None = None
    ) -> None:
        self.path, self.text, self.scope, self.zone = path, _whole_lines(text), scope, zone
        self.name = Path(path).name
        self.unnamed = spelling(self.name)
        """What a meter is called that the log does not name."""
        self.limit = LIKELY[scope]
        self.factors: dict[str, float] = {}
        """By which readings were multiplied, by sample column; none are in its unit."""
        self.told_apart = False
        """Whether a name of the log stands for one meter, so that readings in turn are its own."""
        self.repeats = False
        """Whether one power of the log stands for several readings, which are then the same."""
        self.cut_off = not text.endswith(("\n", "\r"))
        """Whether its program was still writing when the log was copied."""
        # in columns of plain numbers: a million dictionaries would be a gigabyte
        self.lines, self.times = array("q"), array("d")
        self.meters: list[str] = []
        self.latest: dict[str | None, float] = {}
        """Time of the reading before, by meter [s]."""
        self.said: dict[str | None, Any] = {}
        """That time as it is written."""
        self.readings = {name: array("d") for name in NUMBERS}
        self.problems: list[str] = []
        self.told: list[str] = []
        """What a reader must know of a log that is read."""

    def __len__(self) -> int:
        """Number of readings so far."""
        return len(self.times)

    def table(
        self, separator: str = ",", needed: Sequence[str] = (), shorter: bool = False
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """Line number and cells by column of a log with a header, blanks around cells dropped.

        Beside semicolons or tabs a comma is a decimal point.

        Parameters
        ----------
        separator : str
            Of cells.
        needed : sequence of str
            Columns without which the log is refused.
        shorter : bool
            Whether rows may lack cells behind those needed, of which any may be another column's.
        """
        lines = self.text.splitlines()
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        try:
            yield from self._rows(reader, needed, shorter)
        except csv.Error as error:
            self.refuse(reader.line_num, f"is not CSV ({error}): copy the log again")

    def _rows(
        self, reader: "Reader", needed: Sequence[str], shorter: bool
    ) -> Iterator[tuple[int, dict[str, str]]]:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in needed if name not in header]
        if missing:
            self.refuse(1, f"has no column {', '.join(missing)}: keep the header as it was written")
            return
        if len(set(header)) < len(header):
            self.refuse(1, "names a column twice: remove or rename one")
            return
        least = max(map(header.index, needed)) + 1 if shorter else len(header)
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            # a logger that is started again writes its header again
            if not any(cells) or cells == header:
                continue
            if not least <= len(cells) <= len(header):
                self.refuse(
                    reader.line_num,
                    f"has {len(cells)} cells, the header has {len(header)}: correct or remove it",
                )
                continue
            if reader.dialect.delimiter != ",":
                cells = [cell.replace(",", ".") for cell in cells]
            yield reader.line_num, dict(zip(header, cells, strict=not shorter))

    def documents(self) -> Iterator[tuple[int, Any]]:
        """Line number and value of each JSON document, one after the other."""
        decoder = json.JSONDecoder(object_pairs_hook=json_object, parse_float=json_number)
        text, position, line, counted, whole = self.text, 0, 1, 0, 0
        refuse_crowded(self.path, text)
        while (position := next(BETWEEN.finditer(text, position)).end()) < len(text):
            line, counted = line + text.count("\n", counted, position), position
            try:
                value, position = decoder.raw_decode(text, position)
            except json.JSONDecodeError as error:
                # its program was still writing the last line when the log was copied
                if whole and self.cut_off and "\n" not in text[position:]:
                    return
                self.refuse(line, f"is not complete JSON ({error.msg}): copy the log again")
                return
            except InputError as error:
                self.refuse(line, f"{error}: copy the log again")
                return
            except (ValueError, RecursionError):
                self.refuse(line, "has endless numbers or brackets: copy the log again")
                return
            whole += 1
            for item in value if isinstance(value, list) else [value]:
                yield line, item

    @contextmanager
    def parts_of(self, line: int) -> Iterator[None]:
        """Refuse a document whose parts are not what its tool writes, such as text for a list."""
        try:
            yield
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError):
            self.refuse(line, "is not what its tool writes: copy the log again")

    def refuse(self, line: int, reason: str) -> None:
        """Add a reason to refuse the log."""
        reason = reason if len(reason) <= SHOWN else f"{reason[:SHOWN]}..."
        self.problems.append(f"{self.path}: row {line}, {reason}")
        if len(self.problems) >= MOST_PROBLEMS:
            first = self.problems[:PROBLEMS_SHOWN]
            raise InputError([*first, f"... and at least {MOST_PROBLEMS - len(first)} more"])

    def only(self, scope: str, tool: str) -> None:
        """Refuse a scope that a tool does not measure, with the one that it does."""
        if self.scope != scope:
            raise InputError(
                f"{self.path}: {tool} measures the {scope}, not the {self.scope}: write "
                f"{scope}:{self.path}"
            )

    def number(self, line: int, column: str, value: object, factor: float = 1.0) -> float:
        """Reading times a factor to its unit, NaN where there is none; a bad one is a problem."""
        text = str(value).strip()
        number = None if value is None else reading(text)
        if number is None:
            return np.nan
        if underflows(text, number):
            self.refuse(
                line,
                f"column {column}: {text[:40]!r}: allowed are 0 and numbers from {LEAST_NUMBER}:"
                " correct it",
            )
            return np.nan
        if np.isnan(number) and GROUPED.fullmatch(text):
            self.refuse(
                line,
                f"column {column}: {text[:40]!r}: parts thousands, or has a decimal comma in a "
                "table of commas: record numbers with a decimal point and no other separator",
            )
            return np.nan
        if not 0 <= number <= LARGEST:
            self.refuse(
                line,
                f"column {column}: {text[:40]!r}: must be a finite number, zero or more, at most "
                f"{LARGEST}; leave out rows without a reading",
            )
            return np.nan
        if not number * factor <= LARGEST:
            self.refuse(line, f"column {column}: {text[:40]!r}: is beyond any meter: correct it")
            return np.nan
        return number * factor

    def add(self, line: int, time: Any, meter: str | None = None, **readings: float) -> None:
        """Add one sample; time as text or Unix time, readings in the units of `SAMPLE_COLUMNS`."""
        try:
            moment = seconds(time, self.zone, self.latest.get(meter))
        except ValueError as error:
            self.refuse(line, f"column time: {str(time)[:40]!r}: {error}")
            return
        if _begins_anew(self.said.get(meter), time, moment - self.latest.get(meter, moment)):
            self.refuse(
                line,
                f"column time: {str(time)[:40]!r}: is after {str(self.said[meter])[:40]!r}, as on a"
                f" clock of {ROUND} hours that states no AM or PM, of which nobody knows which half"
                " of a day is meant: record hours from 0 to 23, or with AM and PM",
            )
        self.latest[meter], self.said[meter] = moment, time
        if len(self) >= MOST_READINGS:
            raise InputError(
                f"{self.path}: row {line}: holds more than the {MOST_READINGS} readings that are "
                "allowed; cut the log to the time of the test"
            )
        self.lines.append(line)
        self.times.append(moment)
        self.meters.append(spelling(str(meter or self.name)))
        for name, column in self.readings.items():
            column.append(readings.get(name, np.nan))

    def spread(
        self, line: int, start: float, end: float, energy: float, meter: str | None = None
    ) -> None:
        """Add the mean power of a stretch of time whose energy alone is known, once a second."""
        if not end > start:
            return
        if end - start > LONGEST_STRETCH:
            self.refuse(
                line,
                f"is of {end - start:.6g} s; allowed for one reading are at most "
                f"{LONGEST_STRETCH:.0f} s; correct its times",
            )
            return
        self.repeats = True
        parts = max(2, math.ceil(end - start))
        for moment in start + (np.arange(parts) + 0.5) * (end - start) / parts:
            self.add(line, moment, meter, power_w=mean_power(energy, end - start))

    def hold(self, gone: Mapping[str, Sequence[float]]) -> None:
        """Repeat each power until the next, as the log tells changes alone.

        Parameters
        ----------
        gone : dict of str to list of float
            When a meter was not there any longer [s], by its name.
        """
        self.repeats = True
        by_meter: dict[str, list[tuple[float, int, float]]] = {}
        for line, time, meter, power in zip(
            self.lines, self.times, self.meters, self.readings["power_w"], strict=True
        ):
            if power >= 0:
                by_meter.setdefault(meter, []).append((time, line, power))
        for meter, rows in by_meter.items():
            rows.sort(key=itemgetter(0))
            waits = np.diff([time for time, _, _ in rows])
            usual = max(float(np.median(waits)), OFTEN) if len(waits) else np.inf
            ends = [*sorted(gone.get(meter, ())), np.inf]
            for (time, line, power), (after, _, _) in pairwise(rows):
                left = ends[bisect_right(ends, time)]
                until = min(after, time + HELD, left) - usual / 2
                for moment in np.arange(time + usual, max(until, time), usual):
                    self.add(line, moment, meter, power_w=power)

    def frame(self) -> pd.DataFrame:
        """Frame of all samples, checked.

        Its ``attrs`` are the scope, whether readings repeat, and what is told of it, if anything.
        """
        if not self.times and not self.problems:
            self.problems.append(f"{self.path}: no readings: check that the meter was logging")
        refuse(self.problems)
        frame = pd.DataFrame(
            {"line": self.lines, "time_s": self.times, "meter": self.meters, **self.readings}
        )
        if frame[["power_w", "energy_j"]].isna().all(axis=None):
            raise InputError(
                f"{self.path}: none of its {len(frame)} rows holds a reading of power or energy: "
                "look whether the device tells its power, or choose another source"
            )
        frame = frame.sort_values(["meter", "time_s"], kind="stable", ignore_index=True)
        refuse(
            [
                *_repeated(self, frame),
                *alternating(self, frame),
                *_twice(self, frame),
                *_units(self, frame),
                *(
                    f"{self.path}: {told}"
                    for told in compare.problems(frame, self.scope, self.factors)
                ),
            ]
        )
        twice = totals(frame, self.scope) or compare.counted_twice(frame, self.scope)
        alone, two = lacking(frame["meter"].unique()) if self.scope == "node" else ("", "")
        refuse([f"{self.path}: {problem}" for problem in (*twice, alone) if problem])
        # the first reading of each kind: power and counter may stand in rows of their own
        read = (
            frame.drop(columns="line")
            .groupby(["meter", "time_s"], as_index=False)
            .first()[SAMPLE_COLUMNS]
        )
        read.attrs = {"scope": self.scope, "repeats": self.repeats}
        if told := [*self.told, *([two] if two else [])]:
            read.attrs["told"] = [f"{self.path}: {text}" for text in told]
        return read


def no_samples() -> pd.DataFrame:
    """Frame of no samples, whose numbers are numbers: one among others must not change theirs."""
    return pd.DataFrame(columns=SAMPLE_COLUMNS).astype(dict.fromkeys(["time_s", *NUMBERS], float))


def _whole_lines(text: str) -> str:
    """Lines of a log without the last where that has no end, as its program was still writing it.

    Half of a number is one, too. A document is not of one line, and its end is in its brackets.
    """
    whole, end, _ = text.rpartition("\n")
    return whole + end if whole.strip() and text.lstrip()[:1] not in "[{" else text


@lru_cache(maxsize=65536)
def reading(text: str) -> float | None:
    """Number before a unit, NaN if it is none, None where a log says that there is no reading."""
    if text.lower() in MISSING:
        return None
    found = READING.fullmatch(text)
    return float(found[1]) if found else np.nan


@lru_cache(maxsize=4096)
def spelling(meter: str) -> str:
    """Name of a meter without what is invisible: else one meter would count twice."""
    return plain_spelling(meter)


def separator_of(header: str) -> str:
    """Separator of a table's cells, told from its header."""
    return max(SEPARATORS, key=header.count)


def seconds(time: Any, zone: str | None = None, near: float | None = None) -> float:
    """Unix seconds of a time: ISO 8601, or Unix time in s, ms, us or ns.

    A local time that comes twice, when summer time ends, is the one nearer to the Unix time `near`
    of the reading before; the first one where there is none.

    Raises
    ------
    ValueError
        Saying what is allowed.
    """
    allowed = "give ISO 8601 with its zone (2026-01-31T12:00:00Z) or Unix seconds"
    if not zone and isinstance(time, str) and PLAIN.fullmatch(time):
        # a fifth of the time of the general way; a day that there is not goes that way too
        with suppress(ValueError, OverflowError):
            moment = _nearer(datetime.fromisoformat(time.replace("/", "-")), near)
            if FIRST <= moment <= LAST:
                return moment
    try:
        number = float(time)
    except (TypeError, OverflowError):
        raise ValueError(allowed) from None
    except ValueError:
        text = str(time).strip()
        if unclear := _unclear(text):
            raise ValueError(f"{unclear}: {allowed}") from None
        try:
            by_day = DAY_FIRST.match(text) or _day_first(text)
            stamp = pd.to_datetime(text, dayfirst=True) if by_day else pd.Timestamp(text)
            if stamp.tzinfo is None and zone:
                # the one of summer time comes first
                two = [stamp.tz_localize(zone, ambiguous=summer) for summer in (True, False)]
                moment = _nearest([one.timestamp() for one in two], near)
            elif stamp.tzinfo:
                moment = stamp.timestamp()
            else:
                moment = _nearer(stamp.to_pydatetime(), near)
        except (ValueError, KeyError, OverflowError, TypeError, AttributeError):
            raise ValueError(allowed) from None
        if not FIRST <= moment <= LAST:
            raise ValueError(allowed) from None
        return moment
    for factor in (1.0, MILLI, MICRO, NANO):
        if FIRST <= number * factor <= LAST:
            return number * factor
    raise ValueError(allowed)


def _begins_anew(before: object, time: object, after: float) -> bool:
    """Whether a clock of 12 hours without AM and PM went from 12 to 1, ``after`` seconds later."""
    if not -ROUND <= after / SECONDS_PER_HOUR < 1 - ROUND:
        return False
    hours = [HOUR.search(str(one)) for one in (before, time)]
    return [int(hour[1]) for hour in hours if hour] == [ROUND, 1] and "m" not in str(time).lower()


def _nearer(time: datetime, near: float | None) -> float:
    """Unix seconds of a time that is this machine's unless it states its zone."""
    moment = time.timestamp()
    if near is None or abs(moment - near) < HALF_FOLD:
        return moment
    return _nearest([moment, time.replace(fold=1).timestamp()], near)


def _nearest(moments: Sequence[float], near: float | None) -> float:
    """The moment that is nearest to another, the first of several [s]."""
    return min(moments, key=lambda moment: abs(moment - near)) if near is not None else moments[0]


def _unclear(text: str) -> str:
    """What nobody knows of a time, if anything."""
    if TIME_OF_DAY.fullmatch(text):
        return "states no day"
    date = DAY_OR_MONTH.match(text)
    if date and len(date[4]) != len("2026"):
        return "does not state its year in four digits"
    if date and date[1] != date[3] and max(int(date[1]), int(date[3])) <= MONTHS:
        return "may have its day or its month first"
    return ""


def _day_first(text: str) -> bool:
    """Whether a date begins with a number that is no month."""
    date = DAY_OR_MONTH.match(text)
    return date is not None and int(date[1]) > MONTHS


def counted_power(samples: pd.DataFrame) -> pd.Series:
    """Mean power by which each meter's counter rose [W].

    What was drawn while it fell, as where it is full or set to zero, is not known: neither the fall
    counts nor its time.
    """
    counted = samples.dropna(subset=["energy_j"]).sort_values(["meter", "time_s"])
    steps = counted.groupby("meter")[["energy_j", "time_s"]].diff()
    rises = steps[steps["energy_j"] >= 0].groupby(counted["meter"]).sum()
    span = counted.groupby("meter")["time_s"].agg(np.ptp)
    return mean_power(rises["energy_j"], rises["time_s"]).where(span > 1).dropna()


def unit_of(column: str, units: Mapping[str, float]) -> float | None:
    """Factor of a column's unit by the end of its name (``power_kw``, ``power [W]``), or None.

    MW and MJ are mega, and unlikely: whether milli is meant is for the user to say.
    """
    found = re.search(r"[_ \[(.]([a-zA-Z]+)[\])]?$", column)
    if not found or found[1] in ("MW", "MJ"):
        return None
    return units.get(found[1].lower())


def _repeated(log: Samples, frame: pd.DataFrame) -> list[str]:
    """Two different readings of one meter at one time: several meters without a name."""
    same = frame[frame.duplicated(["meter", "time_s"], keep=False)]
    kinds = same.groupby(["meter", "time_s"])[["power_w", "energy_j"]].nunique()
    differing = kinds[(kinds > 1).any(axis=1)]
    own = [
        str(meter)
        for meter, times in differing.groupby("meter").size().items()
        if meter != log.unnamed and _is_late(frame[frame["meter"] == meter], times)
    ]
    differing = differing.drop(own, level="meter")
    if differing.empty:
        return []
    meter, time = differing.index[0]
    first = same[(same["meter"] == meter) & (same["time_s"] == time)]
    column = "power_w" if differing["power_w"].iloc[0] > 1 else "energy_j"
    values = first[column].dropna()
    lines = ", ".join(str(line) for line in first.loc[values.index, "line"])
    written = frame[frame["meter"] == meter].sort_values("line")
    back = written.loc[written["time_s"].diff() < 0, "line"]
    # of meters one after the other in a file all times come again, of a clock that was set a few
    set_back = len(back) == 1 and len(differing) < RARELY * len(written)
    clock = (
        f"; times go back once, at row {back.iloc[0]}, as where a clock was set: of one meter cut"
        " the log there"
        if set_back
        else ""
    )
    return [
        f"{log.path}: rows {lines}: {meter} reads "
        f"{' and '.join(f'{value:g}' for value in values)} at one time ({len(differing)} such "
        "times): two meters in one file need the column meter (of nvidia-smi: index), or a file "
        "each, and one that is read twice a second its name there, or times to a part of a second"
        f"{clock}"
    ]


def _is_late(group: pd.DataFrame, twice: int) -> bool:
    """Whether few seconds of a meter, that a log names, hold two readings, one after the other."""
    times = group["time_s"].drop_duplicates()
    return bool(
        (times % 1 == 0).all()
        and times.diff().median() == 1
        and group["line"].is_monotonic_increasing
        and twice < RARELY * len(times)
    )


def alternating(log: Samples, frame: pd.DataFrame) -> list[str]:
    """A meter whose readings take turns between levels: several meters of one name or none."""
    if log.told_apart:
        return []
    for meter, group in frame.groupby("meter"):
        group = group.dropna(subset=["power_w"])
        power, times = group["power_w"].to_numpy(), group["time_s"].to_numpy()
        count = next((n for n in IN_TURN if _in_turn(power, times, n)), None)
        count = count or (2 if _keep_turns(power) else None)
        if count:
            *first, last = (f"{level:g}" for level in power[:count])
            several = WITHOUT_NAMES if meter == log.unnamed else UNDER_ONE_NAME
            of_one = OF_ONE if count == 2 else ""
            return [
                f"{log.path}: {meter} reads {', '.join(first)} and {last} in turn{several}{of_one}"
            ]
    return []


def _in_turn(power: Array, times: Array, count: int) -> bool:
    """Whether readings repeat after `count` of them, and neighbours differ far more than that.

    A load may have such a beat too: of two, they must go up and down; of more, the meters are asked
    one soon after the other and then not for a while, as no single meter is.
    """
    if len(power) < 4 * count:
        return False
    near, again = np.abs(np.diff(power)), np.abs(power[count:] - power[:-count])
    levels = np.median(near)
    if levels <= max(ALTERNATES * np.median(again), LEVELS * np.median(power)):
        return False
    if count == 2:
        turns = np.sign(np.diff(power))
        return bool(np.mean(turns[1:] * turns[:-1] < 0) > ALWAYS)
    gaps = np.diff(times)
    waits = [np.median(gaps[first::count]) for first in range(count)]
    return bool(max(waits) > UNEVEN * min(waits))


def _keep_turns(power: Array) -> bool:
    """Whether readings lie above and below their neighbours in turn throughout, whatever the noise.

    A load may do so for a while, and two meters whose powers differ less than they vary from one
    reading to the next always do. Of a load that comes and goes every three or five readings those
    on the two sides of a step do, too: they tell nothing.
    """
    if len(power) < LONG:
        return False
    near = np.abs(np.diff(power))
    steps = near > STEP * max(float(np.quantile(near, 0.25)), LEVELS * float(np.median(power)))
    apart = power[1:-1] - (power[:-2] + power[2:]) / 2
    apart[steps[1:] | steps[:-1]] = 0.0
    usual = float(np.median(np.abs(apart)))
    # where the load comes or goes one reading is far off
    apart = np.clip(apart, -3 * usual, 3 * usual)
    if not usual or np.sqrt(PERSISTS) * np.std(apart) <= LEVELS * np.median(power):
        return False
    return min(_turns(quarter) for quarter in np.array_split(apart, QUARTERS)) > PERSISTS


def _turns(apart: Array) -> float:
    """Mean correlation of deviations with those of up to `LAGS` readings before, of other sign."""
    products = [
        (-1) ** lag * np.mean(apart[lag:] * apart[:-lag])
        for lag in range(1, min(LAGS, len(apart) - 1) + 1)
    ]
    square = float(np.mean(apart**2))
    return float(np.mean(products)) / square if square else 0.0


def _twice(log: Samples, frame: pd.DataFrame) -> Iterator[str]:
    """Problems of meters that read the same at all times: one that is told under two names."""
    known: dict[bytes, Hashable] = {}
    for meter, own in frame.groupby("meter"):
        readings = own[["time_s", "power_w", "energy_j"]].to_numpy()
        if len(own) < LEAST_TWICE or own[["power_w", "energy_j"]].nunique().max() < LEAST_DISTINCT:
            continue
        first = known.setdefault(readings.tobytes(), meter)
        if first != meter:
            yield (
                f"{log.path}: {first} and {meter} read the same at all of their {len(own)} times: "
                "one meter under two names would count twice; leave one out"
            )


def read_alike(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two meters read the same whenever both are read: one that is told under two names.

    One log may begin or end later, or hold fewer of the readings: it is copied while it grows.

    Parameters
    ----------
    one, other : DataFrame
        `SAMPLE_COLUMNS` of one meter each, in the order of time.
    """
    fewer, more = sorted((one, other), key=len)
    fewer = fewer[fewer["time_s"].between(more["time_s"].iloc[0], more["time_s"].iloc[-1])]
    fewer = fewer.iloc[:: len(fewer) // MOMENTS + 1]
    both = fewer.merge(more, on="time_s", suffixes=("", "_other"))
    for name in ("power_w", "energy_j"):
        first, second = both[[name, f"{name}_other"]].dropna().to_numpy(float).T
        if len(first) >= LEAST_TWICE and len(np.unique(first)) >= LEAST_DISTINCT:
            return np.allclose(first, second, rtol=SAME, atol=0)
    return False


def totals(frame: pd.DataFrame, scope: str) -> list[str]:
    """What to say of meters that read the sum of others: a total beside its phases counts twice.

    Parameters
    ----------
    frame : DataFrame
        `SAMPLE_COLUMNS` of all meters, each in the order of time.
    scope : str
        gpu, cpu or node.
    """
    found = _totals(frame, "power_w", scope) + _totals(frame, "energy_j", scope)
    return list(dict.fromkeys(found))


def _totals(frame: pd.DataFrame, column: str, scope: str) -> list[str]:
    """Problems of meters whose powers, or the rises of whose counters, are the sum of others'.

    Counts of GPUs that all work alike add up by chance, more than powers: theirs are told by the
    mean powers between counts.
    """
    as_power = column == "power_w" or scope == "gpu"
    readings = frame.dropna(subset=[column]).drop_duplicates(["meter", "time_s"])
    found = {
        str(meter): own.iloc[:: len(own) // MOMENTS + 1] for meter, own in readings.groupby("meter")
    }
    start = max((own["time_s"].iloc[0] for own in found.values()), default=0.0)

    def read(meter: str, times: Array) -> Array:
        at, values = found[meter]["time_s"].to_numpy(), found[meter][column].to_numpy()
        told = np.interp(times, at, values)
        if column == "power_w":
            return told
        return np.diff(told) / np.diff(times) if as_power else told - np.interp(start, at, values)

    def own_times(meter: str) -> Array:
        at = found[meter]["time_s"].to_numpy()
        return at[at >= start] if column == "energy_j" else at

    among: Collection[str] = found
    if len(found) > MOST_METERS:
        usual = {meter: float(np.median(read(meter, own_times(meter)))) for meter in found}
        least = sum(usual.values()) / (1 + UNLIKE_SUM)
        among = [meter for meter in found if usual[meter] >= least]
    problems = []
    for meter in among:
        times = own_times(meter)
        total = read(meter, times)
        # a counter of a few steps may rise as others do
        if len(np.unique(total)) < (1 if as_power else LEAST_TWICE):
            continue
        others = {other: read(other, times) for other in found if other != meter}
        part_of = LEAST_PART * np.median(total)
        known = {name: part for name, part in others.items() if np.median(part) > part_of}
        is_told = scope != "gpu" or bool(TOTAL.search(meter))
        parts = _parts(total, known, column == "power_w" and scope != "gpu", is_told)
        if not parts and len(found) > MOST_METERS:
            parts = _many_parts(total, others, is_told)
        if parts:
            more = len(parts) - MOST_METERS
            named = ", ".join(parts[:MOST_METERS]) + (f" and {more} more" if more > 0 else "")
            problems.append(
                f"{meter} reads the sum of {named}: it would count twice; leave the "
                "total or its parts out"
            )
    return problems


def _many_parts(total: Array, others: Mapping[str, Array], is_told: bool) -> tuple[str, ...]:
    """Names of all other meters of many, or of all but one, that add up to a total.

    Each of them may be less of it than `LEAST_PART`. Parameters are as for ``_parts``.
    """
    low, high = np.quantile(total, [0.1, 0.9])
    if not (high - low > VARIES * high or is_told):
        return ()
    beyond = np.sum([*others.values()], axis=0) - total
    most = SUM_TOLERANCE * float(np.median(total))
    if np.median(np.abs(beyond)) < most:
        return tuple(others)
    left = {name: float(np.median(np.abs(beyond - part))) for name, part in others.items()}
    apart = min(left, key=lambda name: left[name])
    return tuple(name for name in others if name != apart) if left[apart] < most else ()


def _parts(
    total: Array, others: Mapping[str, Array], of_phases: bool, is_told: bool
) -> tuple[str, ...]:
    """Names of all the other meters, or of two or three of them, that add up to a total.

    Parameters
    ----------
    total : array
        Its powers or rises.
    others : dict of str to array
        Those of the other meters.
    of_phases : bool
        Whether two or three of them may be its parts, where it varies.
    is_told : bool
        Whether it need not vary to be the sum of all: GPUs that work alike add up by chance.
    """
    low, high = np.quantile(total, [0.1, 0.9])
    varies = high - low > VARIES * high
    sets = [tuple(others)] if len(others) > 1 and (varies or is_told) else []
    if varies and of_phases and len(others) <= MOST_METERS:
        sets += [names for count in PARTS for names in combinations(others, count)]
    for names in sets:
        apart = np.abs(sum(others[name] for name in names) - total)
        if np.median(apart) < SUM_TOLERANCE * np.median(total):
            return names
    return ()


def _units(log: Samples, frame: pd.DataFrame) -> list[str]:
    """Powers, read or counted, that no device of the scope draws."""
    rates, found = counted_power(frame), []
    for meter, told in _no_counts(log, frame, rates):
        found.append(told)
        del rates[meter]
    for meter, rate in rates[rates > log.limit].items():
        found.append(
            f"{log.path}: {meter} counts {rate:.4g} J a second, more than one {log.scope} draws: "
            f"{_fitting(log, 'energy_j', rates.max())}"
        )
    largest, least = frame["power_w"].max(), LEAST[log.scope]
    if 0 < rates.max() < least:
        found.append(
            f"{log.path}: {rates.idxmax()} counts {rates.max():.4g} J a second, less than the "
            f"{least:g} W that one {log.scope} draws: "
            f"{_fitting(log, 'energy_j', rates.max())}"
        )
    if largest == 0 and not (rates > 0).any():
        found.append(
            f"{log.path}: reads 0 W in all of its rows: look whether the device tells its power, "
            "or choose another source"
        )
    if 0 < largest < least:
        found.append(
            f"{log.path}: {largest:g} W is the largest power, less than the {least:g} W that one"
            f" {log.scope} draws: {_fitting(log, 'power_w', largest)}"
        )
    high = frame[frame["power_w"] > log.limit]
    if len(high):
        row = high.iloc[0]
        found.append(
            f"{log.path}: row {row['line']:.0f}: {row['power_w']:g} W is more than one {log.scope} "
            f"draws ({len(high)} such rows): {_fitting(log, 'power_w', largest)}"
        )
    return found


def _no_counts(
    log: Samples, frame: pd.DataFrame, rates: pd.Series
) -> Iterator[tuple[Hashable, str]]:
    """Meters whose counter is none, or rises at once by more than a device draws, and the problem.

    Not those that would need another unit throughout.
    """
    for meter, own in frame.dropna(subset=["energy_j"]).groupby("meter"):
        if meter not in rates:
            continue
        own = own.drop_duplicates("time_s")
        times, counts = own["time_s"].to_numpy(), own["energy_j"].to_numpy()
        if is_of_intervals(counts):
            yield (
                meter,
                f"{log.path}: the energy of {meter} goes up and down from one reading to the next:"
                " needed is a counter, which only rises; if these are energies of the time since"
                " the reading before, add them up, or give the power, each over its time, as"
                " power_w",
            )
            continue
        high = leaps(times, counts, log.limit)
        rises = np.diff(counts).clip(min=0)
        others = np.delete(rises, high - 1)
        usual = mean_power(float(others.sum()), float(np.ptp(times)))
        one_unit = 2 * len(high) > np.count_nonzero(rises) or not 0 < usual <= log.limit
        if not len(high) or (rates[meter] > log.limit and one_unit):
            continue
        place = high[0]
        yield (
            meter,
            f"{log.path}: row {own['line'].iloc[place]:.0f}: the counter of {meter} rises by"
            f" {rises[place - 1]:.4g} J in {times[place] - times[place - 1]:.4g} s, and at"
            f" {usual:.4g} W else ({counted(len(high), 'such row', 'such rows')}); allowed are the"
            f" {log.limit:,.0f} W that one {log.scope} draws at most, and a step of the counter: if"
            " the count, or the one before it, is wrong, leave its row out; if the counter was set"
            " to another count, cut the log there",
        )


def _fitting(log: Samples, column: str, largest: float) -> str:
    """What to do about a column whose largest power [W] no device of the scope draws.

    Only units in which the readings are of such a device are offered, so that whoever names the
    column so is not refused again.
    """
    kind, units = UNITS[column]
    read = largest / log.factors.get(column, 1.0)
    least, most = LEAST[log.scope], log.limit
    fitting = [u for u in UNIT_NAMES if u in units and least <= read * units[u] <= most]
    if not fitting:
        return (
            f"it would be in any unit of {kind}; look what the meter reads, and give the {kind} of"
            f" one {log.scope}"
        )
    names = " or ".join(UNIT_NAMES[unit] for unit in fitting)
    columns = " or ".join(f"{kind}_{unit}" for unit in fitting)
    base = UNIT_NAMES[column.removeprefix(f"{kind}_")]
    other = "" if base in names.split(" or ") else f", or give {base}"
    return f"it looks like {names}; name the column {columns}{other}"

"""Numbers, ranges, shares and tables as a reader sees them: one function for each kind."""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from inference_energy.units import PERCENT, WH_PER_GWH, WH_PER_KWH, WH_PER_MWH


def number(value: float, digits: int = 3) -> str:
    """Write a number in so many significant digits, trailing zeros kept, thousands apart.

    Zero has none to keep.

    Examples
    --------
    >>> number(0.13), number(9717.2), number(0)
    ('0.130', '9,717', '0')
    """
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:,.{max(digits - 1 - exponent, 0)}f}"


MOST_DIGITS = 6
"""Significant digits of a table's numbers."""

EVERY_DIGIT = 17
"""Significant digits that tell any number apart from every other."""


def told_apart(
    one: float, other: float, write: Callable[[float, int], str] = number, digits: int = 3
) -> tuple[str, str]:
    """Write two numbers in as many digits as it takes to see that they differ.

    Parameters
    ----------
    one, other : float
        Numbers; of computed ones that differ by rounding alone the caller gives one twice.
    write : callable
        Number and digits to text, such as :func:`number` or :func:`short`.
    digits : int
        How many there are at least.

    Examples
    --------
    >>> told_apart(0.309, 0.308), told_apart(7.7512, 7.7501), told_apart(2.0, 2.0)
    (('0.309', '0.308'), ('7.751', '7.750'), ('2.00', '2.00'))
    >>> told_apart(10.2, 10.2000001, short, 6), told_apart(10.2, 10.200000000000001, short, 6)
    (('10.2', '10.2000001'), ('10.2', '10.200000000000001'))
    """
    texts = [(write(one, n), write(other, n)) for n in range(digits, EVERY_DIGIT)]
    # in every digit 10.2 would be 10.199999999999999
    texts += [(repr(one), repr(other))]
    return next((pair for pair in texts if pair[0] != pair[1]), texts[0])


def beyond(value: float, bound: float) -> str:
    """Write a number that is not its bound, in six digits or as many as it takes to see that.

    Examples
    --------
    >>> beyond(1.3, 1), beyond(1.0000004, 1), beyond(0.1 + 0.2, 0.3)
    ('1.3', '1.0000004', '0.30000000000000004')
    """
    texts = (f"{value:.{digits}g}" for digits in range(MOST_DIGITS, EVERY_DIGIT + 1))
    return next((text for text in texts if float(text) != bound), f"{value:g}")


def short(value: float | None, digits: int = 4, missing: str = "") -> str:
    """Write a number as :func:`grouped`, in at most so many significant digits.

    Examples
    --------
    >>> short(0.13), short(1234.56), short(float("nan")), short(None, missing="–")
    ('0.13', '1,235', '', '–')
    """
    return grouped(value, digits, missing)


def fixed(value: float | None, decimals: int, missing: str = "") -> str:
    """Write a number with so many decimals, thousands apart, and zero without.

    Examples
    --------
    >>> fixed(2.345, 1), fixed(0.0, 2), fixed(float("nan"), 1)
    ('2.3', '0', '')
    """
    return _written(value, lambda v: f"{v:,.{decimals}f}" if v else "0", missing)


def count(value: float | None, missing: str = "") -> str:
    """Write a number to the whole, thousands apart.

    Examples
    --------
    >>> count(1234.5), count(12)
    ('1,234', '12')
    """
    return _written(value, lambda v: f"{v:,.0f}", missing)


def grouped(value: float | None, digits: int = 3, missing: str = "") -> str:
    """Write a number rounded to so many significant digits, thousands apart, without exponent.

    Examples
    --------
    >>> grouped(1234567), grouped(0.5), grouped(float("nan"), missing="–")
    ('1,230,000', '0.5', '–')
    """
    return _written(value, lambda v: f"{Decimal(f'{v:.{digits}g}'):,f}", missing)


def compact(value: float | None, digits: int = 3, missing: str = "") -> str:
    """Write a number of any size: as :func:`count` from 1000 on, as :func:`short` below.

    Examples
    --------
    >>> compact(12345.6), compact(12.345), compact(float("nan"))
    ('12,346', '12.3', '')
    """
    return _written(value, lambda v: count(v) if abs(v) >= 1000 else short(v, digits), missing)


WH_PER_UNIT = {"GWh": WH_PER_GWH, "MWh": WH_PER_MWH, "kWh": WH_PER_KWH, "Wh": 1.0}


def energy_unit(wh: float) -> str:
    """Unit in which an energy [Wh] is at least one, Wh if there is none.

    Examples
    --------
    >>> energy_unit(0.3), energy_unit(1000), energy_unit(2e10)
    ('Wh', 'kWh', 'GWh')
    """
    return next((unit for unit, size in WH_PER_UNIT.items() if wh >= size), "Wh")


def energy(wh: float, like: float | None = None) -> str:
    """Write an energy [Wh] as :func:`compact`, in the unit of its size or of that ``like`` it.

    Examples
    --------
    >>> energy(0.0012), energy(1234.5), energy(0.9, like=1234.5)
    ('0.0012 Wh', '1.23 kWh', '0.0009 kWh')
    """
    unit = energy_unit(wh if like is None else like)
    return f"{compact(wh / WH_PER_UNIT[unit])} {unit}"


def apart(words: str | None, missing: str = "") -> str:
    """Set the thousands of a whole number that is given as text apart; other texts stay.

    Examples
    --------
    >>> apart("5000"), apart("0.31"), apart("1.05-1.60")
    ('5,000', '0.31', '1.05-1.60')
    """
    if words is None or is_missing(words):
        return missing
    return count(int(words)) if re.fullmatch(r"-?\d+", words) else words


def percent(share: float | None, form: str = ".0f", missing: str = "") -> str:
    """Write a share or a relative change [1] in per cent.

    Parameters
    ----------
    share : float
        Share. [1]
    form : str
        Format of the number before the sign: decimals (``.1f``), as short as it can be (``g``),
        with its sign (``+.1f``), or significant digits (``+.3g``).
    missing : str
        What is written where there is no share.

    Examples
    --------
    >>> percent(0.123), percent(0.1, "g"), percent(-0.0514, "+.1f"), percent(11.8, "+.3g")
    ('12 %', '10 %', '-5.1 %', '+1,180 %')
    """
    return _written(share, lambda s: f"{_no_exponent(PERCENT * s, form)} %", missing)


def _no_exponent(value: float, form: str) -> str:
    """A number in a form, a large one to the whole with thousands apart."""
    written, sign = f"{value:{form}}", "+" if form.startswith("+") else ""
    return f"{value:{sign},.0f}" if "e+" in written else written


FEW = 5
"""Figures, or sources, below which a share is not written in per cent."""


def are_few(n: int, sources: int = FEW) -> bool:
    """Whether so many figures, or the sources that they come from, are too few for a per cent.

    Examples
    --------
    >>> are_few(5), are_few(4), are_few(104, 4)
    (False, True, True)
    """
    return min(n, sources) < FEW


def share_of(share: float, n: int, sources: int = FEW) -> str:
    """Write a share of so many figures: counted if they, or their sources, are few.

    Parameters
    ----------
    share : float
        Share of the figures. [1]
    n, sources : int
        Figures, and sources that they come from.

    Examples
    --------
    >>> share_of(0.25, 24), share_of(1.0, 3), share_of(2 / 3, 3), share_of(0.0, 104, 1)
    ('25 % of 24', 'all 3', '2 of 3', 'none of 104')
    """
    if not are_few(n, sources):
        return f"{percent(share)} of {n}"
    complying = round(share * n)
    return f"all {n}" if complying == n else f"{complying or 'none'} of {n}"


def factor(value: float | None, form: str = ".4g", missing: str = "") -> str:
    """Write what something is multiplied by.

    Examples
    --------
    >>> factor(1.23456), factor(1.5, ".3f")
    ('x 1.235', 'x 1.500')
    """
    return _written(value, lambda v: f"x {v:{form}}", missing)


def interval(middle: float, low: float, high: float, write: Callable[[float], str] = number) -> str:
    """Write a middle and its range.

    Examples
    --------
    >>> interval(0.308, 0.165, 0.602)
    '0.308 (0.165–0.602)'
    """
    return f"{write(middle)} ({write(low)}–{write(high)})"


def span(low: float, high: float, write: Callable[[float], str] = number, joint: str = "-") -> str:
    """Write a range.

    Examples
    --------
    >>> span(4, 20, short), span(0.165, 0.602, joint=" to ")
    ('4-20', '0.165 to 0.602')
    """
    return f"{write(low)}{joint}{write(high)}"


def extent(values: Iterable[float], digits: int = 2) -> str:
    """Write the smallest and the largest of values, one where they print the same.

    Examples
    --------
    >>> extent([0.523, 1234.5, 3]), extent([7.0, 7.01]), extent([])
    ('0.52 to 1,200', '7', 'none')
    """
    given = list(values)
    if not given:
        return "none"
    ends = [grouped(end, digits) for end in (min(given), max(given))]
    return " to ".join(dict.fromkeys(ends))


def with_unit(text: str, unit: str) -> str:
    """Write a number's unit after it; a pure number (unit 1) has none.

    Examples
    --------
    >>> with_unit("0.31", "Wh"), with_unit("13", "1")
    ('0.31 Wh', '13')
    """
    return text if unit == "1" else f"{text} {unit}"


def counted(value: int, one: str, many: str) -> str:
    """Write a count and what is counted.

    Examples
    --------
    >>> counted(1, "row", "rows"), counted(0, "row", "rows")
    ('1 row', '0 rows')
    """
    return f"{value} {one if value == 1 else many}"


def within(words: str) -> str:
    """Words that begin a line as they stand within a sentence: an abbreviation keeps its capitals.

    Examples
    --------
    >>> within("Input tokens"), within("PUE, median")
    ('input tokens', 'PUE, median')
    """
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def yes(flag: bool) -> str:
    """Write a flag."""
    return "yes" if flag else "no"


def blank(value: Any, missing: str = "") -> Any:
    """Give a cell's content as it is, and a blank for a missing one."""
    return missing if is_missing(value) else value


def is_missing(value: Any) -> bool:
    """Whether a cell of a table is empty: None, NaN or NA."""
    return value is None or bool(pd.isna(value))


def _written(value: float | None, write: Callable[[float], str], missing: str) -> str:
    return missing if value is None or is_missing(value) else write(value)


def rounded(value: float, decimals: int) -> Decimal:
    """Round half up to the printed decimals, as a Decimal."""
    step = Decimal(1).scaleb(-int(decimals))
    return Decimal(repr(float(value))).quantize(step, rounding=ROUND_HALF_UP)


def markdown_row(cells: Iterable[Any]) -> str:
    """Write a row of a Markdown table; bars within a cell are escaped."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def markdown_table(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Write a Markdown table."""
    return "\n".join(map(markdown_row, [header, ["---"] * len(header), *rows]))

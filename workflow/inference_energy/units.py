"""SI prefixes, conversions between units, and what a watt is: nothing else writes them.

A conversion is named after both units: ``J_PER_WH`` joules are one watt-hour. A watt is a joule a
second, so that of power, energy and time each follows from the other two. These functions know
neither tokens nor nodes: rooms that Eq. 1 is built on, and those that read meters, call them too.
"""

import typing

if typing.TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Numbers = typing.TypeVar("Numbers", float, "NDArray[np.float64]", "pd.Series[float]")
"""A number, an array, or a column of a table; what comes back is of the same kind. Numbers go with
arrays and columns; that of numbers alone a number comes back, a type checker has to be told."""

NANO, MICRO, MILLI, KILO, MEGA, GIGA, TERA = 1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9, 1e12

HOURS_PER_DAY = 24
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 60 * SECONDS_PER_MINUTE
SECONDS_PER_DAY = HOURS_PER_DAY * SECONDS_PER_HOUR
MICROSECONDS_PER_SECOND = 1_000_000
MICROSECONDS_PER_HOUR = MICROSECONDS_PER_SECOND * SECONDS_PER_HOUR
MICROSECONDS_PER_DAY = MICROSECONDS_PER_SECOND * SECONDS_PER_DAY

PERCENT = 100
"""One is so many per cent."""

W_PER_KW = KW_PER_MW = KILO
MM_PER_INCH = 25.4
J_PER_WH = 3600.0
WH_PER_KWH = KILO
WH_PER_MWH = MEGA
WH_PER_GWH = GIGA
SECONDS_TO_WH_PER_KW = 1 / 3.6
"""One kW drawn for one second is this many Wh."""

G_PER_KG = KILO
MG_PER_G = 1 / MILLI

BYTES_PER_KIB, BYTES_PER_GIB = 2**10, 2**30
GB_PER_MIB = 2**20 / GIGA


def joules(power: Numbers, seconds: Numbers | float) -> Numbers:
    """Energy [J] that a mean power [W] makes of a time [s]: ``W s``."""
    return power * seconds


def mean_power(energy: Numbers, seconds: Numbers | float) -> Numbers:
    """Mean power [W] over a time [s] that took an energy [J]: ``J / s``."""
    return energy / seconds


def duration(energy: Numbers, power: Numbers | float) -> Numbers:
    """Time [s] in which a mean power [W] takes an energy [J]: ``J / W``."""
    return energy / power


def rate(power: Numbers, energy: Numbers | float) -> Numbers:
    """How many things a second, of an energy [J] each, a power [W] is enough for: ``W / J``."""
    return power / energy

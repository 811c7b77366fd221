"""SI prefixes and conversions between units: nothing else writes them.

A conversion is named after both units: ``J_PER_WH`` joules are one watt-hour.
"""

NANO, MICRO, MILLI, KILO, MEGA, GIGA, TERA = 1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9, 1e12

SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 60 * SECONDS_PER_MINUTE
SECONDS_PER_DAY = 24 * SECONDS_PER_HOUR
MICROSECONDS_PER_SECOND = 1_000_000
MICROSECONDS_PER_HOUR = MICROSECONDS_PER_SECOND * SECONDS_PER_HOUR
MICROSECONDS_PER_DAY = MICROSECONDS_PER_SECOND * SECONDS_PER_DAY

PERCENT = 100
"""One is so many per cent."""

W_PER_KW = KW_PER_MW = KILO
MM_PER_INCH = 25.4
J_PER_WH = 3600.0
WH_PER_KWH = KILO
WH_PER_GWH = GIGA
SECONDS_TO_WH_PER_KW = 1 / 3.6
"""One kW drawn for one second is this many Wh."""

G_PER_KG = KILO
MG_PER_G = 1 / MILLI

BYTES_PER_GIB = 2**30
GB_PER_MIB = 2**20 / GIGA

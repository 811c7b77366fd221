"""SI prefixes and conversions between units: nothing else writes them.

A conversion is named after both units: ``J_PER_WH`` joules are one watt-hour.
"""

NANO, MICRO, MILLI, KILO, MEGA, GIGA, TERA = 1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9, 1e12

SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 60 * SECONDS_PER_MINUTE
SECONDS_PER_DAY = 24 * SECONDS_PER_HOUR

W_PER_KW = KW_PER_MW = KILO
J_PER_WH = 3600.0
WH_PER_KWH = KILO
WH_PER_GWH = GIGA
SECONDS_TO_WH_PER_KW = 1 / 3.6
"""One kW drawn for one second is this many Wh."""

G_PER_KG = KILO

"""Conversions between units."""

SECONDS_TO_WH_PER_KW = 1 / 3.6
"""One kW drawn for one second is this many Wh."""


W_PER_KW = 1000.0


J_PER_WH = 3600.0

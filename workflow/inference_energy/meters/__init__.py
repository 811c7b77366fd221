"""Power logs that people have, read into one frame of samples.

A log's family is told from its content. Every family is a module with ``NAME``, ``recognise(text)``
and ``read(samples)``, which adds a log's readings to :class:`~.common.Samples`.
"""

import os
import re
import warnings
from collections.abc import Hashable, Mapping
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.errors import InputError
from inference_energy.meters import (
    codecarbon,
    home_assistant,
    ipmi,
    nvidia_smi,
    prometheus,
    ptdaemon,
    redfish,
    shelly,
    table,
    zeus,
)
from inference_energy.meters.common import SAMPLE_COLUMNS, Samples, counted_power
from inference_energy.meters.counters import too_coarse
from inference_energy.meters.coverage import (
    GAP_FACTOR,
    LEAST_COVERAGE,
    SHORT_SHARE,
    mean_over_run,
    of_run,
)
from inference_energy.meters.stuck import told_of_counter, told_of_power
from inference_energy.tables import decode, read_bytes
from inference_energy.text import counted as number_of
from inference_energy.text import percent

__all__ = ["SAMPLE_COLUMNS", "mean_powers", "read_log"]

Array = NDArray[np.float64]

MOST_LINES = 10_000_000
"""Ten of each of the readings that a log may hold; taken apart they need about 0.7 GB."""

START = 5000
"""Length of what is looked at of a log of no known family."""

FAMILIES = (
    nvidia_smi,
    zeus,
    codecarbon,
    prometheus,
    home_assistant,
    shelly,
    redfish,
    ipmi,
    ptdaemon,
    table,
)

NOT_READ = (
    (
        re.compile(r"^[^|\n]+\|.*\bWatts\s*(\||$)", re.MULTILINE),
        "is a list of sensors of ipmitool (sdr, sensor), without times: record ipmitool dcmi power "
        "reading, or a CSV with the columns time and power_w from it",
    ),
    (
        re.compile(r'"(PowerSupplies|LastPowerOutputWatts|PowerInputWatts)"'),
        "tells of power supplies of Redfish alone: record PowerControl of the chassis' Power, or "
        "its EnvironmentMetrics; else a CSV with the columns time, meter (the supply) and power_w",
    ),
)
"""What shows in the text of a log that is not read, and what it is."""


def read_log(path: str | os.PathLike[str], scope: str, zone: str | None = None) -> pd.DataFrame:
    """Read a power log of any known family.

    Parameters
    ----------
    path : str or path-like
        The log.
    scope : str
        What it measures: gpu, cpu or node.
    zone : str, optional
        IANA name of the zone of times that state none; this machine's unless given.

    Returns
    -------
    DataFrame
        `SAMPLE_COLUMNS`, sorted by meter and time.

    Warns
    -----
    UserWarning
        Two of three phases without the third; units that are known by a name alone.

    Raises
    ------
    InputError
        A log of no known family, or all its rows that cannot be used.
    """
    text = decode(path, read_bytes(path), "save the log again as UTF-8")
    lines = text.count("\n") + text.count("\r")
    if lines > MOST_LINES:
        raise InputError(
            f"{path}: holds {lines} lines, more than the {MOST_LINES} that are allowed; cut the log"
            " to the time of the test"
        )
    for family in FAMILIES:
        if family.recognise(text):
            samples = Samples(path, text, scope, zone)
            family.read(samples)
            frame = samples.frame()
            for told in frame.attrs.get("told", ()):
                warnings.warn(told, stacklevel=2)
            return frame
    for shown, problem in NOT_READ:
        if shown.search(text[:START]):
            raise InputError(f"{path}: {problem}")
    names = ", ".join(family.NAME for family in FAMILIES)
    start = (text.lstrip().splitlines() or [""])[0][:60]
    raise InputError(
        f'{path}: begins with "{start}", which is no known power log; known are {names}; give one '
        "of these, or a CSV with the columns time and power_w"
    )


def mean_powers(readings: pd.DataFrame, start: float, end: float) -> pd.Series:
    """Mean power of each meter of a log over a run; of one that tells no power, by its counter.

    Between two readings of power it goes evenly from the one to the other.

    Parameters
    ----------
    readings : DataFrame
        As from ``read_log``.
    start, end : float
        Of the run, in Unix time. [s]

    Returns
    -------
    Series
        By meter. [W]

    Raises
    ------
    InputError
        If a meter of the log has no reading of power, nor a counter that is read twice, in that
        time: a sum would be of the others alone. If a counter rises by less than some of its steps,
        or a meter was silent for more of the run than `LEAST_COVERAGE` leaves, or gave what it did
        not measure.
    """
    if not end > start:
        raise InputError(
            f"the run ends at {end:.15g} s, and begins at {start:.15g} s; allowed is an end after"
            " the start; correct its times"
        )
    run = readings[readings["time_s"].between(start, end)]
    read, counts = (_by_meter(readings, column) for column in ("power_w", "energy_j"))
    powers = _read_powers(read, start, end).reindex(sorted(readings["meter"].unique()))
    counted = counted_power(run).reindex(powers.index[powers.isna()]).dropna()
    coarse = [
        too_coarse(str(meter), counts[meter], _within(counts[meter], start, end))
        for meter in counted.index
    ]
    if any(coarse):
        raise InputError([problem for problem in coarse if problem])
    powers = powers.fillna(counted)
    lacking = powers.index[powers.isna()]
    if len(lacking):
        raise InputError(
            f"meters {', '.join(lacking)}: no power is known from {start:.15g} to {end:.15g} s;"
            f" allowed is a log in which each of its {len(powers)} meters has a reading of power in"
            " the run, or two of its counter; correct the times of the run, or take the rows of"
            " these meters out of the log, whose power is then not that of all"
        )
    # of each meter what its power is from, and in the run alone where it counts
    used = {
        meter: _within(counts[meter], start, end) if meter in counted else read[meter]
        for meter in powers.index
    }
    silent = [
        problem
        for meter, own in used.items()
        if (problem := _silent(str(meter), own, start, end, meter in counted))
    ]
    if silent:
        raise InputError(silent)
    unmeasured = [
        told_of_counter(str(meter), own["time_s"].to_numpy(), own["energy_j"].to_numpy())
        if meter in counted
        else told_of_power(
            str(meter),
            own["time_s"].to_numpy(float),
            own["power_w"].to_numpy(float),
            (start, end),
            alone=len(used) == 1,
            scope=readings.attrs.get("scope", "node"),
            repeats=readings.attrs.get("repeats", False),
            others=None if len(used) == 1 or len(counted) else partial(_others, read, meter),
        )
        for meter, own in used.items()
    ]
    if any(unmeasured):
        raise InputError([problem for problem in unmeasured if problem])
    return powers


def _by_meter(readings: pd.DataFrame, column: str) -> dict[Hashable, pd.DataFrame]:
    """Readings of a kind by meter, each in the order of time."""
    known = readings.dropna(subset=[column]).sort_values("time_s")
    return dict(iter(known.groupby("meter")))


def _others(read: Mapping[Hashable, pd.DataFrame], meter: Hashable, times: Array) -> Array:
    """Sum of what all meters but one read at some times [W]."""
    parts = [
        np.interp(times, own["time_s"].to_numpy(float), own["power_w"].to_numpy(float))
        for other, own in read.items()
        if other != meter
    ]
    return np.sum(parts, axis=0)


def _within(own: pd.DataFrame, start: float, end: float) -> pd.DataFrame:
    return own[own["time_s"].between(start, end)]


def _read_powers(read: Mapping[Hashable, pd.DataFrame], start: float, end: float) -> pd.Series:
    """Mean power of each meter that has a reading of it in the run [W]."""
    powers = {}
    for meter, own in read.items():
        times, power = own["time_s"].to_numpy(float), own["power_w"].to_numpy(float)
        if ((times >= start) & (times <= end)).any():
            powers[meter] = mean_over_run(times, power, start, end)
    return pd.Series(powers, dtype=float)


def _silent(meter: str, own: pd.DataFrame, start: float, end: float, counts: bool) -> str | None:
    """What to say of a meter whose readings leave out more of the run than is allowed."""
    times = own["time_s"].to_numpy()
    count = own["energy_j"].to_numpy() if counts else None
    share = of_run(times, start, end, count)
    if share >= LEAST_COVERAGE:
        return None
    falls = np.flatnonzero(np.diff(count) < 0) if count is not None else np.zeros(0)
    if len(falls):
        return (
            f"meter {meter}: its counter falls {number_of(len(falls), 'time', 'times')}, first at"
            f" {times[falls[0] + 1]:.15g} s, as one that is full or set to zero, and else covers"
            f" {percent(share, '.1f')} of the run from {start:.15g} to {end:.15g} s; allowed are"
            f" {percent(LEAST_COVERAGE)} or more, as nobody knows what was drawn while it fell;"
            " read it more often, or record a power, or a counter that goes on"
        )
    return (
        f"meter {meter}: its readings cover {percent(share, '.1f')} of the run from {start:.15g} to"
        f" {end:.15g} s; allowed are {percent(LEAST_COVERAGE)} or more, where a meter is silent if"
        f" it waits {GAP_FACTOR:g} times as long as usual, and {percent(SHORT_SHARE)} of the run or"
        " longer; correct the times of the run, or measure a run that is logged from start to end"
    )

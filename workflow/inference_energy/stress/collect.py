"""Samples of every source of power, on the client's clock."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.meters import prometheus, read_log
from inference_energy.meters.common import LIKELY, counted_power, no_samples, read_alike, totals
from inference_energy.stress.freshness import FURTHEST, LEAST_CORRELATION, clock_offset
from inference_energy.stress.plan import Finding, Measured
from inference_energy.stress.power import counted_means
from inference_energy.stress.power_sources import COLLECTORS, PowerSource

OTHER_CLOCKS = ("file", "prometheus")
"""Kinds of source whose times are not the client's: a log's may be any, Prometheus keeps time."""


AROUND = 130.0
"""Time before and after the test for which a source is asked [s]."""


AS_FRESH = 0.8
"""A counter that is renewed so many times as often as the power beside it tells the clock."""


STEPS = 5
"""So many steps of a counter lie between the counts that tell its clock: of a rise by one or two,
half is rounding."""


DISAGREES = 10.0
"""A stated offset further from the one that load and power tell is remarked [s]."""


def collect(
    power_sources: Sequence[PowerSource],
    cells: Mapping[str, Measured],
    folder: Path,
    settings: Mapping[str, Any],
    pilots: Sequence[pd.DataFrame] = (),
    pilot_samples: Sequence[pd.DataFrame] = (),
) -> tuple[pd.DataFrame | None, float, list[Finding]]:
    """Samples of the sources of one scope.

    Parameters
    ----------
    power_sources : list of PowerSource
        Of one scope.
    cells : dict
        Name to requests and, from AIPerf, samples of every cell.
    folder : Path
        Of the test, where this project's samplers write.
    settings : dict
        As in config/stress.yaml.
    pilots : sequence of DataFrame
        Requests of the pilots: they load the meters too.
    pilot_samples : sequence of DataFrame
        What AIPerf read beside them: it tells of the GPUs at rest too.

    Returns
    -------
    samples : DataFrame or None
        `SAMPLE_COLUMNS` on the client's clock; None where the clock cannot be told.
    averaging : float
        Time over which the slowest of them averages [s].
    findings : list of Finding
    """
    requests = pd.concat([*pilots, *(cell["requests"] for cell in cells.values())])
    found, findings, averaging = [], [], 0.0
    told: list[tuple[str, pd.DataFrame]] = []
    for source in _merged(power_sources):
        samples = _read(source, cells, folder, settings, requests, pilot_samples)
        if samples.empty:
            continue
        useless = _beyond(source, samples) + _powerless(source, samples)
        useless += _twice(source, samples, told)
        if useless:
            return None, 0.0, useless
        if len(power_sources) > 1 and source.kind in OTHER_CLOCKS:
            # two logs, or answers of Prometheus, may call a meter of each alike
            samples = samples.assign(meter=source.target + " " + samples["meter"])
        own_clock = source.kind not in OTHER_CLOCKS
        offset = None if own_clock else settings["meter_offset"]
        aligned, slow, more = _aligned(source, samples, requests, own_clock, offset)
        findings += [
            Finding("power log", "", text) for text in samples.attrs.get("told", ())
        ] + more
        if aligned is None:
            return None, 0.0, findings
        found.append(aligned)
        averaging = max(averaging, slow)
    if not found:
        return no_samples(), 0.0, findings
    samples = pd.concat(found, ignore_index=True)
    # within a log they are refused when it is read
    summed = totals(samples, power_sources[0].scope) if len(found) > 1 else []
    if summed:
        return None, 0.0, [Finding("counted twice", "energy", problem) for problem in summed]
    return samples, averaging, findings


def _merged(power_sources: Sequence[PowerSource]) -> Sequence[PowerSource]:
    """Sources that are read one by one: AIPerf's come in one file whatever their number."""
    return power_sources[:1] if power_sources[0].kind in COLLECTORS else power_sources


def _read(
    source: PowerSource,
    cells: Mapping[str, Measured],
    folder: Path,
    settings: Mapping[str, Any],
    requests: pd.DataFrame,
    pilot_samples: Sequence[pd.DataFrame],
) -> pd.DataFrame:
    if source.kind in COLLECTORS:
        readings = [*pilot_samples, *(cell["samples"] for cell in cells.values())]
        return pd.concat(readings, ignore_index=True)
    if source.kind == "prometheus":
        start, end = requests["start_s"].min() - AROUND, requests["end_s"].max() + AROUND
        return prometheus.fetch(source.target, source.scope, start, end)
    if source.kind == "file":
        return read_log(source.target, source.scope, settings["meter_zone"])
    path = folder / f"power-{source.kind}.csv"
    if not path.exists():
        return no_samples()
    return read_log(path, source.scope)


def _beyond(source: PowerSource, samples: pd.DataFrame) -> list[Finding]:
    """Findings on power, read or counted, that no meter of the scope can see; a log is checked."""
    if source.kind == "file":
        return []
    power = pd.concat([samples["power_w"], counted_power(samples)])
    if not (power > LIKELY[source.scope]).any():
        return []
    message = (
        f"{source.named}: {power.max():.4g} W is more than one {source.scope} draws: it looks like "
        "milliwatts or millijoules; give watts and joules"
    )
    return [Finding("units", "energy", message)]


def _powerless(source: PowerSource, samples: pd.DataFrame) -> list[Finding]:
    """Findings on a source that answers, but not with power."""
    if samples[["power_w", "energy_j"]].notna().any(axis=None):
        return []
    message = (
        f"{source.named}: tells neither power nor energy: look whether the device does, or name "
        "another source"
    )
    return [Finding("telemetry", "energy", message)]


def _twice(
    source: PowerSource, samples: pd.DataFrame, told: list[tuple[str, pd.DataFrame]]
) -> list[Finding]:
    """Findings on a log with a meter that reads the same as one of the logs told before."""
    own = [readings for _, readings in samples.groupby("meter")]
    alike = (name for name, known in told for readings in own if read_alike(known, readings))
    first = next(alike, None)
    told += [(source.named, readings) for readings in own]
    if first is None:
        return []
    message = (
        f"{source.named} reads the same as {first} whenever both are read: one log under two names "
        "would count twice; give the other node's, or leave one out"
    )
    return [Finding("counted twice", "energy", message)]


def _aligned(
    source: PowerSource,
    samples: pd.DataFrame,
    requests: pd.DataFrame,
    own_clock: bool,
    offset: float | None,
) -> tuple[pd.DataFrame | None, float, list[Finding]]:
    """Samples on the client's clock, the time over which they average, and findings."""
    is_log = source.kind == "file"
    outside = _outside(source, samples, requests) if offset is None and is_log else []
    if outside:
        return None, 0.0, outside
    clock = clock_offset(
        requests["start_s"].to_numpy(),
        requests["end_s"].to_numpy(),
        _liveliest(samples),
        own_clock=own_clock,
        furthest=FURTHEST if is_log else 0.0,
    )
    findings = []
    if offset is None and np.isnan(clock.offset) and not own_clock:
        message = (
            f"{source.named}: its clock cannot be told from load and power (correlation "
            f"{clock.correlation:.2f}): give meter_offset, its clock minus the client's in s"
        )
        if is_log:
            return None, 0.0, [Finding("clock", "energy", message)]
        findings.append(Finding("clock", "", f"{message}; it is taken for the client's"))
    if offset is None:
        offset = 0.0 if np.isnan(clock.offset) else clock.offset
        if abs(offset) > clock.step:
            late = "comes late by" if own_clock else "has a clock off by"
            message = (
                f"{source.named} {late} {offset:+.1f} s from the client's (by correlation "
                f"{clock.correlation:.2f} of load and power, known to {clock.step:.1f} s); "
                "corrected"
            )
            findings.append(Finding("clock", "", message))
    elif clock.correlation < LEAST_CORRELATION:
        message = (
            f"{source.named}: its power, with the meter_offset of {offset:+.1f} s or another, does "
            f"not follow the load (correlation {clock.correlation:.2f}): look whether it measures "
            "what the server runs on, and how it writes its numbers"
        )
        findings.append(Finding("clock", "", message))
    elif abs(clock.offset - offset) > max(DISAGREES, clock.step):
        message = (
            f"{source.named}: meter_offset is {offset:+.1f} s, but load and power tell "
            f"{clock.offset:+.1f} s (correlation {clock.correlation:.2f}): the stated one is used; "
            "correct it, or leave it out"
        )
        findings.append(Finding("clock", "", message))
    return samples.assign(time_s=samples["time_s"] - offset), clock.averaging, findings


def _outside(source: PowerSource, samples: pd.DataFrame, requests: pd.DataFrame) -> list[Finding]:
    """Findings on a log of another time than the test's."""
    start, end = samples["time_s"].min(), samples["time_s"].max()
    first, last = requests["start_s"].min(), requests["end_s"].max()
    if start < last + AROUND and end > first - AROUND:
        return []
    shown = [
        f"{pd.Timestamp(moment, unit='s', tz='UTC'):%Y-%m-%d %H:%M:%S}"
        for moment in (start, end, first, last)
    ]
    message = (
        f"{source.named} runs from {shown[0]} to {shown[1]} UTC, the test from {shown[2]} to "
        f"{shown[3]}: give the log of the test, the zone of its times (meter_zone), or its clock "
        "minus the client's in s (meter_offset)"
    )
    return [Finding("clock", "energy", message)]


def _liveliest(samples: pd.DataFrame) -> pd.DataFrame:
    """Readings above zero of the meter whose power varies most; rises of the counters instead.

    The latter where there is no power, or counters are as fresh: the energy is theirs then, and
    power beside them may be late, as a mean over some seconds is.
    """
    counts = _renewed(samples, "energy_j")
    if counts and counts >= AS_FRESH * _renewed(samples, "power_w"):
        samples = counted_means(_apart(samples))
    read = samples[samples["power_w"] > 0]
    samples = samples if read.empty else read
    spread = samples.groupby("meter")["power_w"].std().fillna(0)
    return samples[samples["meter"] == spread.idxmax()]


def _apart(samples: pd.DataFrame) -> pd.DataFrame:
    """Counts of each meter that are `STEPS` of its smallest rises apart, or as it is read."""
    counted = samples.dropna(subset=["energy_j"]).sort_values(["meter", "time_s"])
    rises = counted.groupby("meter")["energy_j"].diff().clip(lower=0)
    step = rises.where(rises > 0).groupby(counted["meter"]).transform("min")
    place = rises.fillna(0).groupby(counted["meter"]).cumsum() // (STEPS * step)
    return counted[place.groupby(counted["meter"]).diff() != 0]


def _renewed(samples: pd.DataFrame, column: str) -> int:
    """How often readings of a column differ from those before."""
    read = samples.dropna(subset=[column])
    return int((read.groupby("meter")[column].diff().fillna(0) != 0).sum())

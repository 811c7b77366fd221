"""Power and energy of a window from meters of any kind.

One frame for all meters: time_s (Unix seconds of the client's clock), meter, power_w, energy_j
(a counter that only rises), utilisation [0-1]; what a meter does not tell is empty.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.meters.common import NUMBERS, SAMPLE_COLUMNS, no_samples
from inference_energy.meters.coverage import (
    GAP_FACTOR,
    LEAST_COVERAGE,
    coverage,
    integral,
    longest_wait,
)
from inference_energy.stress.freshness import FRESH_READINGS, Array, check_freshness, refresh
from inference_energy.stress.lateness import FOLLOWS, Lateness, check_lateness
from inference_energy.stress.plan import Finding
from inference_energy.stress.settings import form
from inference_energy.text import percent
from inference_energy.units import MEGA, NANO, joules, mean_power

COUNTER_TOLERANCE = 0.05
EDGE_SHARE = 0.01
"""Share of a window's energy by which that of a gap at its edge may differ from as much time in
it."""

IDLE_UTILISATION = 0.05
IDLE_POWER_SHARE = 0.6
UNUSED, AT_WORK = 0.01, 1.1
"""Utilisation below which no request reaches a GPU, and its power over that at idle above which the
utilisation is wrong (MIG leaves it at zero)."""

LEAST_IDLE = 3
SETTLING = 3.0
OUT_OF_ORDER = 1.0
AT_ONCE = 2.0
"""A reading less before a request may be of it: clocks are known to half a second, NVML's power and
utilisation are means of up to a second. [s]"""

IDLE_REACH = 300.0

TELEMETRY = {
    "nvidia": {
        "power_w": ("nvidia_power_usage", 1.0),
        "energy_j": ("nvidia_energy_consumption", MEGA),
        "utilisation": ("nvidia_gpu_utilization", 0.01),
        "memory_gb": ("nvidia_memory_used", 1.0),
        "clock_mhz": ("nvidia_sm_clock", 1.0),
    },
    "amd": {
        "power_w": ("amd_power", 1.0),
        "energy_j": ("amd_energy_consumption", MEGA),
        "utilisation": ("amd_gfx_activity", 0.01),
        "memory_gb": ("amd_memory_used", 1.0),
    },
}
"""Where AIPerf's telemetry of each vendor has a column, and the factor to its unit."""


def telemetry_samples(
    records: Iterable[Mapping[str, Any]], addresses: Collection[str] = ()
) -> pd.DataFrame:
    """Samples of GPUs from the lines of AIPerf's gpu_telemetry_export.jsonl.

    Parameters
    ----------
    records : iterable of dict
        One a sample and GPU.
    addresses : collection of str
        Keep only what came from these exporters; AIPerf also asks the usual ports. Empty: keep all.

    Returns
    -------
    DataFrame
        `SAMPLE_COLUMNS`; meter is "gpu N", with the host in front when there are several, and the
        UUID behind where several GPUs of a host have one number.
    """
    rows = []
    for record in records:
        if addresses and record["telemetry_source_url"] not in addresses:
            continue
        data = record["telemetry_data"]
        names = TELEMETRY.get(record.get("platform", "nvidia"), {})
        rows.append(
            {
                "time_s": record["timestamp_ns"] * NANO,
                "host": record.get("hostname") or record["telemetry_source_url"],
                "gpu": record["gpu_index"],
                "uuid": record.get("gpu_uuid"),
            }
            | {
                ours: None if data.get(theirs) is None else data[theirs] * factor
                for ours, (theirs, factor) in names.items()
            }
        )
    if not rows:
        return no_samples()
    frame = pd.DataFrame(rows)
    frame = frame.reindex(columns=[*frame.columns.difference(NUMBERS), *NUMBERS])
    frame[NUMBERS] = frame[NUMBERS].astype(float)
    # a GPU that two addresses tell, of an exporter that names no host, is on one
    frame["host"] = frame.groupby("uuid")["host"].transform("first").fillna(frame["host"])
    meter = "gpu " + frame["gpu"].astype(str)
    # exporters of one GPU each all call theirs number 0
    several = frame.groupby(["host", "gpu"])["uuid"].transform("nunique") > 1
    meter = meter.mask(several, meter + " " + frame["uuid"].fillna("").astype(str))
    frame["meter"] = meter if len(set(frame["host"])) == 1 else frame["host"] + " " + meter
    return frame[SAMPLE_COLUMNS]


def meter_energy(
    samples: pd.DataFrame,
    start: float,
    end: float,
    longest_gap: float | None = None,
    late: Lateness = FOLLOWS,
) -> tuple[float, list[Finding]]:
    """Energy of one meter over a window.

    The counter is used where there is one, else the integral of power. Readings that are absent,
    and zeros among others, are left out, and nothing is interpolated across a gap in power. A meter
    that reads zero throughout is dead: no loaded device draws nothing.

    Parameters
    ----------
    samples : DataFrame
        Samples of one meter.
    start, end : float
        The window, on the meter's clock [s].
    longest_gap : float, optional
        Longest time between samples that is not a gap [s]; three times the usual one.
    late : Lateness, optional
        How late its power shows the edges of the load.

    Returns
    -------
    energy : float
        [J]; NaN when refused.
    findings : list of Finding
    """
    samples = samples.drop_duplicates("time_s").sort_values("time_s")
    name = samples["meter"].iloc[0]
    times = samples["time_s"].to_numpy(float)
    if len(times) < 2 or times[-1] <= start or times[0] >= end:
        return np.nan, _absent(name, samples, start, end)
    by_power, found, dead = _by_power(name, samples, start, end, longest_gap, late)
    by_counter, counted, still = _by_counter(name, samples, start, end)
    power_good, counter_good = (
        np.isfinite(energy) and not any(finding.refuses for finding in findings)
        for energy, findings in ((by_power, found), (by_counter, counted))
    )
    if power_good and still is not None and by_power > 2 * still:
        # it contradicts the power; alone it tells nothing
        by_counter, counter_good = 0.0, True
    if power_good and counter_good:
        if abs(by_counter - by_power) > COUNTER_TOLERANCE * by_power:
            message = (
                f"{name}: the counter says {by_counter:.4g} J, the integral of power "
                f"{by_power:.4g} J: find out which is wrong"
                if still is None
                else f"{name}: its counter stands still, the integral of power is {by_power:.4g} J:"
                " look after it, or leave it out of the log, as one that counts in larger steps"
            )
            return np.nan, [Finding("counter against power", "energy", message)]
        return by_counter, counted
    if counter_good:
        zero = Finding("dead meter", "", f"{name}: reads 0 W; its counter is used")
        return by_counter, counted + ([zero] if dead else [])
    if power_good:
        return by_power, found + [finding for finding in counted if not finding.refuses]
    return np.nan, found + counted + _not_measured(name, found + counted, dead, still)


def _absent(name: str, samples: pd.DataFrame, start: float, end: float) -> list[Finding]:
    """Why there is no sample in a window: the meter is slow, or it was silent."""
    for column in ("power_w", "energy_j"):
        read = samples.dropna(subset=[column])
        times, values = read["time_s"].to_numpy(float), read[column].to_numpy(float)
        if refresh(times, values) * FRESH_READINGS > end - start:
            return check_freshness(name, times, values, start, end)
    return [Finding("telemetry", "energy", f"{name}: no samples in the window")]


def _not_measured(
    name: str, known: Sequence[Finding], dead: bool, still: float | None
) -> list[Finding]:
    """Why a meter gives no energy, unless the findings known say so already."""
    if dead or still is not None:
        read = "0 W" if dead else "the same count"
        message = (
            f"{name}: reads {read} throughout the window, under load: its power is unknown; look "
            "after the meter, or leave it out where it carries no load (a supply on standby; a GPU "
            f"that the endpoint does not use, by {form('gpus: [0, 1]')})"
        )
        return [Finding("dead meter", "energy", message)]
    if any(finding.refuses for finding in known):
        return []
    return [Finding("telemetry", "energy", f"{name}: too little of the window was measured")]


def _by_power(
    name: str,
    samples: pd.DataFrame,
    start: float,
    end: float,
    longest_gap: float | None,
    late: Lateness,
) -> tuple[float, list[Finding], bool]:
    """Integral of power over the window [J], findings, and whether every reading is zero."""
    samples = samples.dropna(subset=["power_w"])
    inside = samples[samples["time_s"].between(start, end)]
    if len(inside) and (inside["power_w"] == 0).all():
        return np.nan, [], True
    samples = samples[samples["power_w"] > 0]
    times, power = samples["time_s"].to_numpy(float), samples["power_w"].to_numpy(float)
    if len(times) < 2:
        return np.nan, [], False
    usual = np.median(np.diff(times))
    limit = longest_gap or longest_wait(times)
    whole = np.diff(times) <= limit
    covered = coverage(times, whole, start, end)
    message = (
        f"{name}: {percent(1 - covered, '.1f')} of the window is without readings of power "
        f"(gaps above {limit:.2g} s)"
    )
    every = np.nanmax([usual, refresh(times, power)])
    if covered < LEAST_COVERAGE and every * FRESH_READINGS <= end - start:
        message += ": look why the meter was silent, and repeat the cell"
        return np.nan, [Finding("telemetry gap", "energy", message)], False
    findings = [Finding("telemetry gap", "", message)] if covered < 1 - 1e-9 else []
    stale = check_freshness(name, times, power, start, end)
    findings += stale or check_lateness(name, late, end - start)
    if covered < LEAST_COVERAGE:
        return np.nan, findings, False
    return integral(times, power, whole, start, end) / covered, findings, False


def _by_counter(
    name: str, samples: pd.DataFrame, start: float, end: float
) -> tuple[float, list[Finding], float | None]:
    """What a counter counted over the window [J], findings, and its step if it stood still [J].

    Between two fresh counts it rises evenly. The step of a counter that never rose is zero.
    """
    samples = samples.dropna(subset=["energy_j"])
    times, counter = samples["time_s"].to_numpy(float), samples["energy_j"].to_numpy(float)
    if len(times) < 2:
        return np.nan, [], None
    around = _between_resets(times, counter, start, end)
    if around is None:
        return np.nan, [Finding("counter reset", "", f"{name}: the energy counter fell")], None
    times, highest = times[around], np.maximum.accumulate(counter[around])
    steps = np.diff(highest)
    within = (times[1:] > start) & (times[1:] <= end)
    if not (steps[within] > 0).any():
        return np.nan, [], float(min(steps[steps > 0], default=0.0))
    fresh = np.flatnonzero(np.concatenate([[True], steps > 0]))
    at, counts = times[fresh], highest[fresh]
    first, last = max(start, at[0]), min(end, at[-1])
    covered = (last - first) / (end - start)
    if covered < LEAST_COVERAGE:
        return np.nan, [], None
    energy = float(np.subtract(*np.interp([last, first], at, counts)))
    usual = longest_wait(at) if len(at) > 1 else 0.0
    longest, whole = max((end - start) / FRESH_READINGS, usual), (last - first, energy)
    gaps = _check_edge(name, "start", _gap(at, counts, first), longest, whole)
    gaps += _check_edge(name, "end", _gap(at, counts, last), longest, whole)
    if gaps:
        return np.nan, gaps, None
    return energy / covered, check_freshness(name, at, counts, start, end), None


def _check_edge(
    name: str, edge: str, gap: tuple[float, float], longest: float, whole: tuple[float, float]
) -> list[Finding]:
    """Findings on a counter that was not read near an edge of the window.

    Where it rose in the gap as over the whole window, no other load was there: such a gap may be
    twice as long.

    Parameters
    ----------
    name, edge : str
        The meter, and which edge.
    gap, whole : (float, float)
        Time between the counts around the edge, and of the window [s], and the rises [J].
    longest : float
        Longest time that is no gap [s].
    """
    (seconds, rise), (window, energy) = gap, whole
    expected = float(joules(mean_power(energy, window), seconds))
    steady = abs(rise - expected) <= EDGE_SHARE * energy
    if seconds <= (2 if steady else 1) * longest:
        return []
    message = (
        f"{name}: no count for {seconds:.2g} s around the window's {edge}: how much of the energy "
        "is the window's is unknown; read the meter more often, or repeat the cell"
    )
    return [Finding("telemetry gap", "energy", message)]


def _between_resets(times: Array, counter: Array, start: float, end: float) -> slice | None:
    """Samples between the resets before and after a window; None where the counter fell within.

    A count that is lower than the one before by less than :data:`OUT_OF_ORDER` seconds bring, or by
    one step, is from a sample that was stamped out of order, and no reset.
    """
    steps = np.diff(counter)
    rises = steps[steps > 0]
    late = OUT_OF_ORDER * rises.sum() / (times[-1] - times[0])
    fallen = np.flatnonzero(-steps > max(late, min(rises, default=0.0))) + 1
    first = max(fallen[times[fallen] <= start], default=0)
    last = min(fallen[times[fallen - 1] >= end], default=len(times))
    return None if ((fallen > first) & (fallen < last)).any() else slice(first, last)


def _gap(times: Array, counts: Array, moment: float) -> tuple[float, float]:
    """Time between the readings around a moment [s] and the rise; none where it is one of them."""
    right = min(int(np.searchsorted(times, moment)), len(times) - 1)
    if times[right] == moment or right == 0:
        return 0.0, 0.0
    return times[right] - times[right - 1], counts[right] - counts[right - 1]


def total_energy(
    samples: pd.DataFrame,
    start: float,
    end: float,
    expected: list[str] | int | None = None,
    longest_gap: float | None = None,
    late: Mapping[str, Lateness] | None = None,
) -> tuple[float, list[Finding]]:
    """Energy of all meters of one kind over a window.

    Parameters
    ----------
    samples : DataFrame
        Samples of all meters.
    start, end, longest_gap : float
        As in `meter_energy` [s].
    expected : list of str or int, optional
        The meters, or how many, that the endpoint uses. With one missing the sum is refused.
    late : dict of str to Lateness, optional
        How late the power of each meter shows the edges of the load.

    Returns
    -------
    energy : float
        [J]; NaN when refused, or when there is no meter: not measured is not zero.
    findings : list of Finding
    """
    groups = {str(meter): group for meter, group in samples.groupby("meter")}
    findings = _check_meters(groups, expected)
    if isinstance(expected, list):
        groups = {meter: groups[meter] for meter in expected if meter in groups}
    energies = []
    for meter, group in groups.items():
        follows = (late or {}).get(meter, FOLLOWS)
        energy, found = meter_energy(group, start, end, longest_gap, follows)
        energies.append(energy)
        findings += found
    if not energies or any(finding.refuses for finding in findings):
        return np.nan, findings
    return float(np.sum(energies)), findings


def _check_meters(groups: Collection[str], expected: list[str] | int | None) -> list[Finding]:
    if not groups:
        return [Finding("telemetry", "energy", "no meter answered: energy is not measured")]
    if isinstance(expected, list):
        absent = [meter for meter in expected if meter not in groups]
        if absent:
            message = f"no samples of {', '.join(absent)}; there are some of {', '.join(groups)}"
            return [Finding("meter missing", "energy", message)]
    elif expected is not None and len(groups) != expected:
        seen = ", ".join(sorted(groups))
        return [
            Finding(
                "meter missing" if len(groups) < expected else "meters not told apart",
                "energy",
                f"{len(groups)} of {expected} expected meters ({seen}): "
                + (
                    "the energy of the others is unknown"
                    if len(groups) < expected
                    else f"name those that the endpoint uses ({form('gpus: [0, 1]')})"
                ),
            )
        ]
    return []


def counted_means(samples: pd.DataFrame) -> pd.DataFrame:
    """Mean power between two fresh counts of a meter [W], at the middle of that time.

    A count that was there before tells nothing of the power, and one that fell is of a counter that
    was reset, or out of order.

    Returns
    -------
    DataFrame
        The samples with a fresh count, with span_s, the time of the mean [s].
    """
    counted = samples.dropna(subset=["energy_j"]).sort_values(["meter", "time_s"])
    counted = counted[~(counted.groupby("meter")["energy_j"].diff() <= 0)]
    steps = counted.groupby("meter")[["energy_j", "time_s"]].diff()
    rises = steps["energy_j"].where(steps["energy_j"] > 0)
    span = steps["time_s"]
    return counted.assign(power_w=rises / span, time_s=counted["time_s"] - span / 2, span_s=span)


def told_power(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples, with rows of the mean power that meters counted which do not read it.

    A meter's first count may have been there long before it was read: over which time the next one
    rose, nobody knows.

    Returns
    -------
    DataFrame
        The columns of `samples`, and span_s, the time over which a power is a mean; zero for one
        that was read [s].
    """
    counts_only = samples.groupby("meter")["power_w"].transform("count") == 0
    means = counted_means(samples[counts_only])
    means = means[means.groupby("meter").cumcount() > 1].dropna(subset=["power_w"])
    read = samples.assign(span_s=0.0)
    if means.empty:
        return read
    means = means[["time_s", "meter", "power_w", "span_s"]]
    return pd.concat([read, means], ignore_index=True)


def check_idle(
    samples: pd.DataFrame, first_request: float, window: tuple[float, float], scope: str
) -> list[Finding]:
    """Findings on meters that were busy before the first request: another job shares them.

    Where utilisation is not told, only power can tell, and of GPUs alone: a node or its CPUs may
    draw most of what they do under a small load while nothing runs.

    Parameters
    ----------
    samples : DataFrame
        Samples of all meters.
    first_request : float
        [s]; samples more than :data:`AT_ONCE` before it show the node at rest.
    window : (float, float)
        The steady window, for the power under load.
    scope : str
        gpu, cpu or node.
    """
    samples = _standing(told_power(samples))
    before = samples[samples["time_s"] + samples["span_s"] / 2 < first_request - AT_ONCE]
    if before.empty:
        return []
    used = before.groupby("meter")["utilisation"].mean()
    busy = used[used > IDLE_UTILISATION]
    if len(busy):
        named = ", ".join(f"{meter} {percent(share)}" for meter, share in busy.items())
        return [
            Finding(
                "shared",
                "",
                f"busy before the first request ({named}): another job's energy is charged too",
            )
        ]
    if used.notna().any():
        return []
    inside = samples[samples["time_s"].between(*window)]
    idle, loaded = (_mean_powers(part).sum() for part in (before, inside))
    if not (loaded > 0 and idle > IDLE_POWER_SHARE * loaded):
        return []
    told = f"{idle:.0f} W before the first request against {loaded:.0f} W under load: the meter"
    if scope == "gpu":
        return [Finding("shared", "", f"{told} sees other work, or its clock is off")]
    message = f"{told} sees other work, or what draws most of its power at rest"
    return [Finding("at rest", "", message)]


def check_use(
    samples: pd.DataFrame, window: tuple[float, float], idle: float, power: float
) -> list[Finding]:
    """Findings on GPUs that no request reaches.

    Parameters
    ----------
    samples : DataFrame
        Samples of all GPUs that are charged.
    window : (float, float)
        The steady window [s].
    idle, power : float
        Power of all of them while no request is in flight, and in the window [W]; NaN where it is
        not known.

    Returns
    -------
    list of Finding
        Refuses the energy where none of them works: they are another machine's.
    """
    inside = samples[samples["time_s"].between(*window)]
    used = inside.groupby("meter")["utilisation"].mean()
    unused = used[used < UNUSED]
    if unused.empty or (len(unused) == len(used) and power > AT_WORK * idle):
        return []
    named = f"{', '.join(unused.index)}: at 0 % utilisation in the whole window"
    if len(unused) == len(used) and np.isfinite(idle):
        message = (
            f"{named}, {power:.0f} W under load against {idle:.0f} W idle: the server runs on other"
            " GPUs; name the source that sees these"
        )
        return [Finding("unused", "energy", message)]
    message = (
        f"{named}: idle power of GPUs that the endpoint does not use is charged too; name those "
        f"that it uses ({form('gpus: [0, 1]')})"
    )
    return [Finding("unused", "", message)]


def idle_power(samples: pd.DataFrame, starts: pd.Series, ends: pd.Series) -> float:
    """Power of all meters together while no request is in flight [W].

    Parameters
    ----------
    samples : DataFrame
        Samples of all meters of a scope.
    starts, ends : Series
        Of every request of the test, warm-ups and pilots too [s].

    Returns
    -------
    float
        NaN with fewer than :data:`LEAST_IDLE` samples of a meter, of which zeros are none; the
        first seconds after a request are left out, the power has not come down then, and
        :data:`AT_ONCE` before one. A mean counts where no request was in flight in all of its time.
    """
    samples = _standing(told_power(samples))
    begun, ended = np.sort(starts), np.sort(ends)
    times, reach = samples["time_s"].to_numpy(float), samples["span_s"].to_numpy(float) / 2
    done = np.searchsorted(ended, times - reach, "right")
    in_flight = np.searchsorted(begun, times + reach + AT_ONCE, "right") - done
    since = np.where(done == 0, np.inf, times - reach - ended[np.maximum(done - 1, 0)])
    near = (times > begun[0] - IDLE_REACH) & (times < ended[-1] + IDLE_REACH)
    quiet = samples[(in_flight <= 0) & (since > SETTLING) & near]
    counts = quiet.groupby("meter")["power_w"].count()
    if not len(counts) or counts.min() < LEAST_IDLE:
        return np.nan
    return float(_mean_powers(quiet).sum())


def _standing(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples of which zeros are none, with stands_s, the time around each that a power is of [s].

    Half of that to the reading before and after it, but for gaps; of a mean its own.
    """
    samples = samples.reset_index(drop=True)
    samples["power_w"] = samples["power_w"].where(samples["power_w"] > 0)
    read = samples.dropna(subset=["power_w"]).drop_duplicates(["meter", "time_s"])
    read = read.sort_values(["meter", "time_s"])
    waits = read.groupby("meter")["time_s"].diff()
    usual = waits.groupby(read["meter"]).transform("median")
    before = waits.clip(upper=GAP_FACTOR * usual).fillna(usual)
    after = before.groupby(read["meter"]).shift(-1).fillna(usual)
    # a reading alone is all that is known
    around = ((before + after) / 2).fillna(1.0)
    return samples.assign(stands_s=read["span_s"].where(read["span_s"] > 0, around))


def _mean_powers(samples: pd.DataFrame) -> pd.Series:
    """Mean power of each meter over the time for which its readings stand [W]."""
    energies = joules(samples["power_w"], samples["stands_s"]).groupby(samples["meter"]).sum()
    return mean_power(energies, samples["stands_s"].groupby(samples["meter"]).sum())

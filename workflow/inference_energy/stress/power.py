"""Power and energy of a window from meters of any kind.

One frame for all meters: time_s (Unix seconds of the client's clock), meter, power_w, energy_j
(a counter that only rises), utilisation [0-1]; what a meter does not tell is empty.
"""

import numpy as np
import pandas as pd

from inference_energy.errors import InputError
from inference_energy.stress.plan import Finding
from inference_energy.stress.settings import form
from inference_energy.units import MEGA, NANO

SAMPLE_COLUMNS = ["time_s", "meter", "power_w", "energy_j", "utilisation"]
GAP_FACTOR = 3.0
LEAST_COVERAGE = 0.95
COUNTER_TOLERANCE = 0.05
IDLE_UTILISATION = 0.05
IDLE_POWER_SHARE = 0.6
LEAST_CORRELATION = 0.7
GRID_POINTS = 20_000


SCOPES = {
    "dcgm": "gpu",
    "nvml": "gpu",
    "amdsmi": "gpu",
    "zeus": "gpu",
    "rapl": "cpu",
    "ipmi": "node",
    "file": "node",
}
SAMPLED = ("zeus", "rapl", "ipmi")


def power_sources(setting):
    """Kinds and targets of the power sources that a user names.

    Parameters
    ----------
    setting : str or list of str
        nvml, amdsmi, zeus, rapl, ipmi, the address of a DCGM exporter, a meter's CSV file, or none.

    Returns
    -------
    list of (str, str)
        Kind (a key of `SCOPES`) and target (address or file, else empty).

    Raises
    ------
    InputError
        For a word that is none of these, or two sources of one scope: their energies would be
        counted twice.
    """
    words = [setting] if isinstance(setting, str) else list(setting)
    words = [word for word in words if word != "none"]
    sources, problems = [], []
    for word in words:
        if word in SCOPES and word not in ("dcgm", "file"):
            sources.append((word, ""))
        elif word.startswith(("http://", "https://")):
            sources.append(("dcgm", word))
        elif word.endswith(".csv"):
            sources.append(("file", word))
        else:
            problems.append(
                f"power: {word!r}: allowed are nvml, amdsmi, zeus, rapl, ipmi, the address of a "
                "DCGM exporter (http://HOST:9400/metrics), a meter's .csv file, auto, or none"
            )
    scopes = [SCOPES[kind] for kind in dict(sources)]
    for scope in sorted({scope for scope in scopes if scopes.count(scope) > 1}):
        problems.append(f"power: {words}: two kinds of source measure the {scope}; name one")
    if problems:
        raise InputError(problems)
    return sources


def telemetry_samples(records, addresses=()):
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
        `SAMPLE_COLUMNS`; meter is "gpu N", with the host in front when there are several.
    """
    rows = []
    for record in records:
        if addresses and record["telemetry_source_url"] not in addresses:
            continue
        data, prefix = record["telemetry_data"], record.get("platform", "nvidia")
        counter = data.get(f"{prefix}_energy_consumption")
        used = data.get(f"{prefix}_gpu_utilization")
        rows.append(
            {
                "time_s": record["timestamp_ns"] * NANO,
                "host": record.get("hostname") or record["telemetry_source_url"],
                "gpu": record["gpu_index"],
                "power_w": data.get(f"{prefix}_power_usage"),
                "energy_j": None if counter is None else counter * MEGA,
                "utilisation": None if used is None else used / 100,
            }
        )
    if not rows:
        return pd.DataFrame(columns=SAMPLE_COLUMNS).astype({"time_s": float})
    frame = pd.DataFrame(rows)
    numbers = ["power_w", "energy_j", "utilisation"]
    frame[numbers] = frame[numbers].astype(float)
    meter = "gpu " + frame["gpu"].astype(str)
    frame["meter"] = meter if len(set(frame["host"])) == 1 else frame["host"] + " " + meter
    return frame[SAMPLE_COLUMNS]


def meter_samples(table, name):
    """Samples from a meter's own file.

    Parameters
    ----------
    table : DataFrame of str
        Columns time (ISO 8601 with its zone, or Unix seconds), power_w [W] or energy_j [J]
        (a counter) or both, and meter where there are several.
    name : str
        The file's name, for messages.

    Raises
    ------
    InputError
        Naming every row that cannot be used.
    """
    problems = []
    if "time" not in table or not {"power_w", "energy_j"} & set(table):
        raise InputError(
            f"{name}: columns {', '.join(table)}: needed are time and power_w [W] or energy_j [J]"
        )
    if table.empty:
        raise InputError(f"{name}: no rows: check that the meter was logging")
    times = [_seconds(text) for text in table["time"]]
    for number, (text, time) in enumerate(zip(table["time"], times, strict=True), start=2):
        if time is None:
            problems.append(
                f"{name}: row {number}, column time: {text!r}: give ISO 8601 with its zone "
                "(2026-01-31T12:00:00Z) or Unix seconds"
            )
    frame = pd.DataFrame({"time_s": times})
    frame["meter"] = table["meter"].to_numpy() if "meter" in table else name
    for column in ("power_w", "energy_j"):
        if column not in table:
            frame[column] = np.nan
            continue
        if (table[column] == "").all():
            frame[column] = np.nan
            continue
        values = pd.to_numeric(table[column], errors="coerce")
        for number in np.flatnonzero(~(values >= 0)):
            problems.append(
                f"{name}: row {number + 2}, column {column}: {table[column].iloc[number]!r}: must "
                "be a number, zero or more; leave out rows without a reading"
            )
        frame[column] = values.to_numpy(float)
    if problems:
        raise InputError(problems)
    frame["utilisation"] = np.nan
    frame["time_s"] = frame["time_s"].astype(float)
    return frame[SAMPLE_COLUMNS].sort_values(["meter", "time_s"], ignore_index=True)


def _seconds(text):
    """Unix seconds of a time stamp; None when it cannot be told."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        stamp = pd.Timestamp(text)
    except ValueError:
        return None
    return stamp.timestamp() if stamp.tzinfo else None


def meter_energy(samples, start, end, longest_gap=None):
    """Energy of one meter over a window.

    The counter is used where there is one, else the integral of power. Nothing is interpolated
    across a gap: a gap at the edge of the window, or too many, and the energy is refused.

    Parameters
    ----------
    samples : DataFrame
        Samples of one meter.
    start, end : float
        The window, on the meter's clock [s].
    longest_gap : float, optional
        Longest time between samples that is not a gap [s]; three times the usual one.

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
        return np.nan, [Finding("telemetry", "energy", f"{name}: no samples in the window")]
    limit = longest_gap or GAP_FACTOR * np.median(np.diff(times))
    near = slice(max(np.searchsorted(times, start) - 1, 0), np.searchsorted(times, end) + 1)
    samples, times = samples.iloc[near], times[near]
    steps = np.diff(times)
    whole = steps <= limit
    overlap = np.clip(np.minimum(times[1:], end) - np.maximum(times[:-1], start), 0, None)
    coverage = overlap[whole].sum() / (end - start)
    findings = []
    if coverage < 1 - 1e-9:
        findings.append(
            Finding(
                "telemetry gap",
                "",
                f"{name}: {1 - coverage:.1%} of the window is without samples "
                f"(gaps above {limit:.2g} s)",
            )
        )
    counter, power = samples["energy_j"].to_numpy(float), samples["power_w"].to_numpy(float)
    by_power = np.nan
    if np.isfinite(power).all() and coverage >= LEAST_COVERAGE:
        by_power = _integral(times, power, whole, start, end) / coverage
    by_counter = np.nan
    if np.isfinite(counter).all():
        if (np.diff(counter) < 0).any():
            findings.append(Finding("counter reset", "", f"{name}: the energy counter fell"))
        elif _covered(times, whole, start) and _covered(times, whole, end):
            by_counter = float(np.subtract(*np.interp([end, start], times, counter)))
    if np.isfinite(by_counter):
        if np.isfinite(by_power) and abs(by_counter - by_power) > COUNTER_TOLERANCE * by_power:
            findings.append(
                Finding(
                    "counter against power",
                    "energy",
                    f"{name}: the counter says {by_counter:.4g} J, the integral of power "
                    f"{by_power:.4g} J: find out which is wrong",
                )
            )
            return np.nan, findings
        return by_counter, findings
    if np.isfinite(by_power):
        return by_power, findings
    findings.append(
        Finding("telemetry", "energy", f"{name}: too little of the window was measured")
    )
    return np.nan, findings


def _covered(times, whole, moment):
    """Whether a moment lies between two samples that are close enough."""
    right = np.searchsorted(times, moment)
    if right < len(times) and times[right] == moment:
        return True
    return bool(0 < right < len(times) and whole[right - 1])


def _integral(times, power, whole, start, end):
    """Trapezoids of power over the window, gaps left out [J]."""
    left, right = np.maximum(times[:-1], start), np.minimum(times[1:], end)
    inside = whole & (right > left)
    left, right = left[inside], right[inside]
    heights = np.interp(left, times, power) + np.interp(right, times, power)
    return float(np.sum((right - left) * heights / 2))


def total_energy(samples, start, end, expected=None, longest_gap=None):
    """Energy of all meters of one kind over a window.

    Parameters
    ----------
    samples : DataFrame
        Samples of all meters.
    start, end, longest_gap : float
        As in `meter_energy` [s].
    expected : list of str or int, optional
        The meters, or how many, that the endpoint uses. With one missing the sum is refused.

    Returns
    -------
    energy : float
        [J]; NaN when refused, or when there is no meter: not measured is not zero.
    findings : list of Finding
    """
    groups = dict(list(samples.groupby("meter")))
    findings = _check_meters(groups, expected)
    if isinstance(expected, list):
        groups = {meter: groups[meter] for meter in expected if meter in groups}
    energies = []
    for group in groups.values():
        energy, found = meter_energy(group, start, end, longest_gap)
        energies.append(energy)
        findings += found
    if not energies or any(finding.refuses for finding in findings):
        return np.nan, findings
    return float(np.sum(energies)), findings


def _check_meters(groups, expected):
    if not groups:
        return [Finding("telemetry", "energy", "no meter answered: energy is not measured")]
    if isinstance(expected, list):
        absent = [meter for meter in expected if meter not in groups]
        if absent:
            return [Finding("meter missing", "energy", f"no samples of {', '.join(absent)}")]
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


def check_idle(samples, first_request, window):
    """Findings on GPUs that were busy before the first request: another job shares them.

    Parameters
    ----------
    samples : DataFrame
        Samples of all meters.
    first_request : float
        [s]; samples before it show the node at rest.
    window : (float, float)
        The steady window, for the power under load.
    """
    before = samples[samples["time_s"] < first_request]
    if before.empty:
        return []
    used = before.groupby("meter")["utilisation"].mean()
    busy = used[used > IDLE_UTILISATION]
    if len(busy):
        named = ", ".join(f"{meter} {share:.0%}" for meter, share in busy.items())
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
    idle, loaded = (part.groupby("meter")["power_w"].mean().sum() for part in (before, inside))
    if loaded > 0 and idle > IDLE_POWER_SHARE * loaded:
        return [
            Finding(
                "shared",
                "",
                f"{idle:.0f} W before the first request against {loaded:.0f} W under load: the "
                "meter sees other work, or its clock is off",
            )
        ]
    return []


def clock_offset(starts, ends, samples, longest=120.0):
    """How far a meter's clock is ahead of the client's, from load and power.

    The number of requests in flight and the power are put on a common grid, and shifted against
    each other; the shift with the largest correlation is the offset.

    Parameters
    ----------
    starts, ends : array
        Start and end of every request of the whole test, on the client's clock [s].
    samples : DataFrame
        Samples of one meter with power, on its own clock.
    longest : float
        Largest offset looked for [s].

    Returns
    -------
    offset : float
        [s], to be subtracted from the meter's times; NaN when it cannot be told.
    correlation : float
    step : float
        The grid's step [s]: the offset is known no better.
    """
    samples = samples.dropna(subset=["power_w"]).drop_duplicates("time_s").sort_values("time_s")
    if len(starts):
        near = samples["time_s"].between(np.min(starts) - longest, np.max(ends) + longest)
        samples = samples[near]
    times, power = samples["time_s"].to_numpy(float), samples["power_w"].to_numpy(float)
    if len(times) < 3 or not len(starts):
        return np.nan, np.nan, np.nan
    step = float(max(np.median(np.diff(times)), (times[-1] - times[0]) / GRID_POINTS))
    grid = np.arange(times[0], times[-1], step)
    measured = np.interp(grid, times, power)
    starts, ends = np.sort(starts), np.sort(ends)
    shifts = np.arange(-np.ceil(longest / step), np.ceil(longest / step) + 1) * step
    best, correlation = np.nan, -np.inf
    for shift in shifts:
        moment = grid - shift
        load = np.searchsorted(starts, moment, "right") - np.searchsorted(ends, moment, "right")
        if load.std() == 0 or measured.std() == 0:
            continue
        found = np.corrcoef(load, measured)[0, 1]
        if found > correlation:
            best, correlation = shift, found
    if not correlation >= LEAST_CORRELATION:
        return np.nan, correlation, step
    return float(best), float(correlation), step

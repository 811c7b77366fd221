"""MLPerf Inference: a folder with LoadGen's summary and detail logs, and a power meter's log.

The meter's log (spl.txt, written by SPEC PTDaemon) has wall power about once a second. Its mean
between power_begin and power_end of the detail log is the node power, as in MLPerf's own rules.
Both clocks write local time without a zone, so that a meter in another zone seems not to have
measured: the fact meter_clock_offset_s puts its clock right, it is never guessed.
"""

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from inference_energy.documents import json_number, json_object, underflows
from inference_energy.energy.equation import Array, token_energy
from inference_energy.errors import InputError
from inference_energy.meters import ptdaemon
from inference_energy.project import AnyPath
from inference_energy.readers.common import EMPTIED, PERCENTILES, Facts, Run, read_bytes, sha256
from inference_energy.readers.consistency import TOLERANCE, agree
from inference_energy.tables import NUMBER, decode
from inference_energy.units import MILLI, NANO, SECONDS_PER_DAY

CLIENT = "mlperf"
TIME_FORMAT = "%m-%d-%Y %H:%M:%S.%f"
HEAD_BYTES = 4096
QUARTER_HOUR = 900

Window = tuple[float, float]
"""Begin and end of what was measured, by a clock. [s]"""

# The meter samples at 1 Hz; MLPerf's power rules allow no larger gaps than a few samples.
LARGEST_GAP_S = 3.0

# MLPerf has a Server run issue samples for so long at least, unless its log states another time.
LEAST_SERVER_S = 600.0

# No meter of a node reads more [W].
MOST_WATTS = 1e6

SUMMARY_TITLE = "MLPerf Results Summary"
DETAIL_PREFIX = ":::MLLOG"
DETAIL, METER = "mlperf_log_detail.txt", "spl.txt"
"""Names of the logs, as MLPerf's submission checker knows them."""

METER_LINE = re.compile(
    r"^Time,([^,\r\n]+),Watts,([^,\r\n]+)(?:,Volts,([^,]+),Amps,([^,]+),PF,([^,\r\n]+))?",
    re.MULTILINE,
)

PHASES, SLACK = 3.0, 0.1
"""Power over the product of voltage, current and power factor, of which a meter of three phases
tells means [1]; and how much less or more it may be, since the product is one of means too."""
LATENCY_NAMES = {"ttft": "first token latency", "e2e": "latency"}
PERCENTILE_NAMES = dict(zip(PERCENTILES, ("50.00", "90.00", "95.00", "99.00"), strict=True))


def recognise(path: AnyPath) -> bool:
    """Whether `path` is a folder with LoadGen's summary, or that summary itself."""
    return _summary(path) is not None


def _summary(path: AnyPath) -> Path | None:
    path = Path(path)
    files = _logs(path) if path.is_dir() else [path]
    return next((file for file in files if SUMMARY_TITLE in _head(file)), None)


def _logs(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.txt")) if path.is_file()]


def _head(path: AnyPath) -> str:
    """Beginning of a file; of one that may not be read none."""
    with suppress(PermissionError), open(path, "rb") as file:
        return file.read(HEAD_BYTES).decode("utf-8", errors="replace")
    return ""


def _log(
    folder: Path, name: str, others: Sequence[Path], is_one: Callable[[str], object]
) -> Path | None:
    """Log of a name, whatever lies there, or else a file that begins like one."""
    if os.path.lexists(folder / name):
        return folder / name
    return next((file for file in others if is_one(_head(file))), None)


def _refuse_misnamed(run: Run, folder: Path) -> None:
    """Refuse logs whose names differ from MLPerf's in the case of letters."""
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name in (DETAIL, METER) and path.name != name:
            run.refuse(
                f"{path.name} is named unlike MLPerf's logs; allowed is {name}; rename it, or"
                " remove it"
            )


def read(path: AnyPath, facts: Facts) -> list[Run]:
    """Read a folder of LoadGen logs.

    Parameters
    ----------
    path : str or path-like
        Folder, or the summary in it.
    facts : dict
        Facts; meter_clock_offset_s is used here.

    Returns
    -------
    list of Run
        The one run of the folder, with its problems.
    """
    summary = _summary(path)
    assert summary is not None, "recognise() has found it"
    others = [file for file in _logs(summary.parent) if file != summary]
    data = {summary: read_bytes(summary)}
    run = Run(str(path), CLIENT, raw=_pairs(decode(summary, data[summary])))
    folder = summary.parent
    _refuse_misnamed(run, folder)
    detail = _log(folder, DETAIL, others, lambda head: DETAIL_PREFIX in head)
    meter = _log(folder, METER, others, METER_LINE.search)
    for file in filter(None, (detail, meter)):
        data[file] = read_bytes(file)
    _read_summary(run)
    window = None
    if detail is not None:
        window = _read_detail(run, detail, decode(detail, data[detail]))
    if meter is not None:
        offset = facts.get("meter_clock_offset_s", 0.0)
        _read_meter(run, meter, decode(meter, data[meter]), window, offset)
    run.put("sha256", sha256(b"".join(data.values())))
    return [run]


def _pairs(text: str) -> dict[str, str]:
    """Values of a summary by key; all of them, parted by " and ", where they differ."""
    pairs: dict[str, dict[str, None]] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            pairs.setdefault(key.strip(), {})[value.strip()] = None
    return {key: " and ".join(values) for key, values in pairs.items()}


def _number(text: str) -> float:
    # float() takes 1_000, inf and digits of other scripts too
    if not NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{text[:60]} is no plain number")
    value = float(text)
    if underflows(text.strip(), value):
        raise ValueError(f"{text[:60]} is nearer to 0 than any number that is read")
    return value


def _figure(run: Run, key: str) -> float | None:
    text = run.raw.get(key)
    if text is None:
        return None
    try:
        return run.checked(key, _number(text))
    except ValueError:
        run.refuse(f'"{key}" is "{text[:60]}"; a number is needed; copy the log again')
        return None


def _read_summary(run: Run) -> None:
    scenario = run.raw.get("Scenario")
    offline = scenario == "Offline"
    word = "" if offline else "Completed "
    tokens = f"{word}tokens per second".capitalize()
    samples = f"{word}samples per second".capitalize()
    throughput, rate = _figure(run, tokens), _figure(run, samples)
    if not throughput:
        run.refuse(
            f'"{tokens}" of scenario {scenario} is missing or 0; only benchmarks that count tokens '
            "can be used; give the log of a language model in the Offline or Server scenario"
        )
        return
    run.put("throughput_tps", throughput)
    if rate:
        run.put("request_throughput", rate)
        run.put("output_tokens", throughput / rate)
        _check_samples(run, rate, samples, offline)
    if not offline:
        for ours, theirs in LATENCY_NAMES.items():
            for percentile, name in PERCENTILE_NAMES.items():
                value = _figure(run, f"{name} percentile {theirs} (ns)")
                run.put(f"{ours}_{percentile}_s", value, NANO)
    _check_latencies(run, offline)
    if rate and not offline:
        _check_served(run, rate, samples)
    result = run.raw.get("Result is", "missing")
    if result != "VALID":
        run.marks.append(f"LoadGen's result is {result}")
    if run.raw.get("Mode", "PerformanceOnly") != "PerformanceOnly":
        run.marks.append(f"LoadGen's mode is {run.raw['Mode']}, not PerformanceOnly")


def _check_samples(run: Run, rate: float, name: str, offline: bool) -> None:
    """Samples per second against those of the one query and its time, or against those issued.

    LoadGen counts both from the start of the run: an Offline query ends with its last sample, and
    a server completes its last sample after it was issued.
    """
    if offline:
        count, last = _figure(run, "samples_per_query"), _figure(run, "Max latency (ns)")
        if count and last:
            formula = "samples_per_query / Max latency"
            agree(run, name, rate, count / (last * NANO), formula, "samples/s")
        return
    issued = _figure(run, "Scheduled samples per second")
    if issued and rate > issued * (1 + TOLERANCE):
        run.marks.append(f"{name} {rate:.6g} where {issued:.6g} were scheduled per second")


def _check_served(run: Run, rate: float, name: str) -> None:
    """Samples that a server completed per second against the fewest of those scheduled.

    A latency counts from when a sample was scheduled, so that the last one ends within the longest.
    """
    told = [run.row.get(f"e2e_{percentile}_s", 0.0) for percentile in PERCENTILES]
    longest = run.spreads["e2e"].get("most", max(told))
    issued, stated = _figure(run, "Scheduled samples per second"), _figure(run, "min_duration (ms)")
    lasted = LEAST_SERVER_S if stated is None else stated * MILLI
    is_whole = run.raw.get("Min duration satisfied", "Yes") == "Yes"
    if not (issued and lasted and longest and is_whole):
        return
    least = issued * lasted / (lasted + longest)
    if rate < least * (1 - TOLERANCE):
        run.marks.append(
            f"{name} {rate:.6g} where {issued:.6g} were scheduled per second for at least"
            f" {lasted:.6g} s, with latencies of up to {longest:.6g} s, so that at least"
            f" {least:.6g} are completed"
        )


def _check_latencies(run: Run, offline: bool) -> None:
    """Percentiles of the latency in their order and between its ends, its mean between these.

    An Offline sample's counts from the start of the only query: it is no request's time, so that
    no column holds it, and is checked here instead of with the columns.
    """
    least, mean, most = (_figure(run, f"{name} latency (ns)") for name in ("Min", "Mean", "Max"))
    if not offline:
        run.put_spread("e2e", NANO, mean=mean, least=least, most=most)
        return
    names = [f"{name} percentile latency" for name in PERCENTILE_NAMES.values()]
    inside = {name: _figure(run, f"{name} (ns)") for name in names}
    rising = [{"Min latency": least} | inside | {"Max latency": most}]
    rising += [{"Min latency": least, "Mean latency": mean, "Max latency": most}]
    for values in rising:
        known = [(name, value * NANO) for name, value in values.items() if value is not None]
        for (name, low), (other, high) in pairwise(known):
            if low > high * (1 + TOLERANCE):
                run.marks.append(f"{name} {low:.6g} s where {other} is {high:.6g} s")
                return


def _read_detail(run: Run, path: Path, text: str) -> Window | None:
    """Begin and end of the measured window, in seconds of LoadGen's clock."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        if not line.startswith(DETAIL_PREFIX):
            continue
        if not any(f'"{key}"' in line for key in ("power_begin", "power_end", "loadgen_version")):
            continue
        try:
            entry = json.loads(
                line.removeprefix(DETAIL_PREFIX),
                object_pairs_hook=json_object,
                parse_float=json_number,
            )
        except (InputError, ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
            run.refuse(
                f"{path.name} has a line that is cut off or no entry: {line[:60]}; copy the log "
                "again"
            )
            continue
        key, value = entry["key"], entry.get("value")
        if found.setdefault(key, value) != value:
            run.refuse(
                f'{path.name}, "{key}" is "{str(found[key])[:60]}" and later "{str(value)[:60]}";'
                " one run is needed; copy the log again, without that of another run"
            )
    version = found.get("loadgen_version")
    run.put_version(str(version or "").split(" ")[0])
    if "power_begin" not in found or "power_end" not in found:
        return None
    times = []
    for key in ("power_begin", "power_end"):
        try:
            times.append(_seconds(str(found[key])))
        except ValueError:
            run.refuse(
                f'{path.name}, "{key}" is "{str(found[key])[:60]}"; a time such as '
                "07-31-2024 02:42:40.512 is needed; copy the log again"
            )
    if len(times) < 2:
        return None
    if times[1] <= times[0]:
        run.refuse(f"{path.name}: power_end is not after power_begin; copy the log again")
        return None
    run.put("duration_s", times[1] - times[0])
    return times[0], times[1]


def _seconds(text: str) -> float:
    # The difference to a fixed day, because timestamp() would apply this machine's time zone.
    moment = datetime.strptime(text.strip(), TIME_FORMAT)
    return (moment - datetime(1970, 1, 1)).total_seconds()


def _watts(text: str) -> float:
    watts = _number(text)
    if not abs(watts) <= MOST_WATTS:
        raise ValueError(f"Watts is {text[:60]}; at most {MOST_WATTS:.6g} is allowed")
    return watts


def _product(electric: list[str]) -> float:
    """Voltage x current x power factor of a reading [W]; 0 where one of them was not read."""
    try:
        return math.prod(max(_number(text), 0.0) for text in electric) if all(electric) else 0.0
    except ValueError:
        return 0.0


def mean_watts(
    times: ArrayLike, watts: ArrayLike, begin: float, end: float
) -> tuple[float | None, float]:
    """Mean of power samples inside a window, and its weak points.

    Parameters
    ----------
    times : array of shape (n,)
        Times of the samples, ascending [s].
    watts : array of shape (n,)
        Power [W]; negative where the meter had no valid reading.
    begin, end : float
        Window, both ends included [s].

    Returns
    -------
    mean : float or None
        Arithmetic mean [W]; None without valid samples in the window.
    gap : float
        Longest time without a valid sample inside the window, its ends included [s].
    """
    times, watts = np.asarray(times, dtype=float), np.asarray(watts, dtype=float)
    inside = (times >= begin) & (times <= end) & (watts >= 0)
    if not inside.any():
        return None, end - begin
    edges = np.concatenate([[begin], times[inside], [end]])
    return float(watts[inside].mean()), float(np.diff(edges).max())


def _read_meter(run: Run, path: Path, text: str, window: Window | None, offset: float) -> None:
    if not METER_LINE.search(text):
        run.refuse(f"{path.name} has no reading of a meter; copy the log again, or remove it")
        return
    if window is None:
        run.marks.append(
            f"power: power log without power_begin and power_end in the detail log{EMPTIED}"
        )
        return
    if cut := ptdaemon.cut_off(text):
        first = next(iter(cut.values()))
        run.refuse(f"{path.name} has a line that is cut off: {first[:60]}; copy the log again")
        return
    try:
        samples = [
            (_seconds(time), _watts(watts), _product(electric))
            for time, watts, *electric in METER_LINE.findall(text)
        ]
    except ValueError as error:
        run.refuse(f"{path.name} has a line that cannot be read ({error}); copy the log again")
        return
    times, watts, products = np.array(sorted(samples)).T
    if (at_once := (np.diff(times) == 0) & (np.diff(watts) > 0)).any():
        low, high = watts[at_once.argmax() + np.array([0, 1])]
        run.refuse(
            f"{path.name} has {low:.6g} W and {high:.6g} W at one time; the readings of one meter"
            " are needed; keep those of the whole node"
        )
        return
    begin, end = window
    mean, gap = mean_watts(times + offset, watts, begin, end)
    if mean is None:
        run.refuse(_other_clock(path, times, window, offset))
        return
    run.put_energy("node_power_w", mean)
    inside = (times + offset >= begin) & (times + offset <= end) & (watts >= 0) & (products > 0)
    power, expected = watts[inside].sum(), products[inside].sum()
    if not (1 - SLACK) * expected <= power <= PHASES * (1 + SLACK) * expected:
        run.marks.append(
            f"power: node_power_w {mean:.6g} W where Volts x Amps x PF of {path.name} is"
            f" {products[inside].mean():.6g} W"
        )
    if mean and "throughput_tps" in run.row:
        run.put("energy_per_output_token_j", token_energy(mean, run.row["throughput_tps"]))
    if gap > LARGEST_GAP_S:
        run.marks.append(f"power: no sample of the meter for {gap:.6g} s of {end - begin:.6g} s")


def _other_clock(path: Path, times: Array, window: Window, offset: float) -> str:
    """Why no sample is inside the window, with the time zone that would put one there."""
    begin, end = window
    shifts = np.arange(-SECONDS_PER_DAY, SECONDS_PER_DAY + 1, QUARTER_HOUR)
    covering = shifts[(times[0] + shifts <= begin) & (times[-1] + shifts >= end)]
    nearest = covering[np.argsort(abs(covering))][:1]
    remedy = "".join(
        f"if the clocks stood in different time zones, state 'meter_clock_offset_s: {shift}' in "
        "the facts, otherwise "
        for shift in nearest
    )
    first, last = times[[0, -1]] + offset - begin
    return (
        f"{path.name} has no valid power sample between power_begin and power_end; the meter's "
        f"clock, with meter_clock_offset_s = {offset:.6g}, runs from {first:.6g} s "
        f"to {last:.6g} s after power_begin, the window lasts {end - begin:.6g} s; "
        f"{remedy}remove the power log"
    )

"""AIPerf profile_export_aiperf.json, and GenAI-Perf's export, which has the same form.

Each metric is an object with its unit, which decides the conversion.
"""

from collections.abc import Mapping
from typing import Any

from inference_energy.readers.common import PERCENTILES, TOLERANCE, Record, Run, keys_of
from inference_energy.readers.consistency import agree, check_inputs, check_mean
from inference_energy.units import MEGA, MICRO, MILLI, NANO, mean_power

LATENCY_NAMES = {
    "ttft": "time_to_first_token",
    "itl": "inter_token_latency",
    "e2e": "request_latency",
}
LENGTHS = {"input_tokens": "input_sequence_length", "output_tokens": "output_sequence_length"}
ENDS = ("min", "max")
PREFIXES = ("nvidia_", "amd_", "")
"""Of the totals over all GPUs: versions 0.10 and 0.11 name no vendor."""


POWER_NAMES = ("power_usage", "power")
ENERGY_NAMES = ("energy_consumption",)
"""How the metrics of one GPU are named at their ends."""

TIME = {"ns": NANO, "us": MICRO, "ms": MILLI, "s": 1.0, "sec": 1.0}
POWER = {"mW": MILLI, "W": 1.0}
ENERGY = {"mJ": MILLI, "J": 1.0, "MJ": MEGA}
ENERGY_PER_TOKEN = {"mJ/token": MILLI, "J/token": 1.0}
ENERGY_PER_REQUEST = {"joules/request": 1.0}
TOKENS_PER_ENERGY = {"tokens/J": 1.0}
TOKEN_RATE = {"tokens/sec": 1.0, "tokens/s": 1.0}
REQUEST_RATE = {"requests/sec": 1.0, "requests/s": 1.0}
COUNT = {"requests": 1.0, "count": 1.0}
TOKENS = {"tokens": 1.0}

OTHER_WINDOW = 0.08
"""Power of the boards, or by their counters, over the mean of the gauge, beyond the tolerance of
all statements: their readings begin and end a moment apart. [1]"""

# Names that NVML and DCGM give to GPUs.
GPUS = {
    "NVIDIA H100 80GB HBM3": "H100-SXM-80GB",
    "NVIDIA H200": "H200-SXM-141GB",
    "NVIDIA B200": "B200",
}


def recognise(record: Record) -> bool:
    """Whether a JSON object is an export of AIPerf or GenAI-Perf."""
    rate = record.get("request_throughput")
    return "aiperf_version" in record or (isinstance(rate, dict) and "unit" in rate)


def client(record: Record) -> str:
    """Name of the client that wrote the export."""
    return "aiperf" if "aiperf_version" in record else "genai-perf"


def read(run: Run) -> None:
    """Read one export into `run`."""
    run.put_version(run.raw.get("aiperf_version"))
    if not _read_counts(run):
        return
    run.put("duration_s", _metric(run, "benchmark_duration", TIME))
    run.put("request_throughput", _metric(run, "request_throughput", REQUEST_RATE))
    run.put("throughput_tps", _metric(run, "output_token_throughput", TOKEN_RATE))
    for column, name in LENGTHS.items():
        mean = _metric(run, name, TOKENS)
        run.put(column, mean)
        if mean is not None:
            check_mean(run, name, mean, *(_metric(run, name, TOKENS, end) for end in ENDS))
    for ours, theirs in LATENCY_NAMES.items():
        for percentile in PERCENTILES:
            run.put(f"{ours}_{percentile}_s", _metric(run, theirs, TIME, percentile))
        mean, deviation, least, most = (
            _metric(run, theirs, TIME, name) for name in ("avg", "std", *ENDS)
        )
        run.put_spread(ours, mean=mean, deviation=deviation, least=least, most=most)
    if "throughput_tps" not in run.row:
        run.refuse(
            '"output_token_throughput" is missing; no output tokens were counted; give AIPerf a '
            "tokenizer and an endpoint that generates text, and run it again"
        )
    _check_totals(run)
    _read_config(run)
    _read_output_range(run)
    _read_energy(run)


def _check_totals(run: Run) -> None:
    """Totals and rates of tokens against the mean lengths and rate of the completed requests."""
    completed = run.row.get("completed")
    for name, column in (
        ("total_isl", "input_tokens"),
        ("total_osl", "output_tokens"),
        ("total_output_tokens", "output_tokens"),
    ):
        length, total = run.row.get(column), _metric(run, name, TOKENS)
        if completed and length:
            agree(run, name, total, completed * length, "requests x mean length", "tokens")
    names = ("input_token_throughput", "total_token_throughput")
    inputs, both = (_metric(run, name, TOKEN_RATE) for name in names)
    check_inputs(run, inputs, both, names)


def _metric(run: Run, key: str, units: Mapping[str, float], statistic: str = "avg") -> float | None:
    """One statistic of a metric in the unit of the table; None if it is absent."""
    return _value(run, key, run.raw.get(key), units, statistic)


def _value(
    run: Run, key: str | None, metric: Any, units: Mapping[str, float], statistic: str
) -> float | None:
    """Statistic of a metric, whose key is for messages."""
    if metric is None:
        return None
    if not isinstance(metric, dict):
        run.refuse(f'"{key}" is not an object with a unit; give the export as AIPerf wrote it')
        return None
    value = run.checked(f"{key}.{statistic}", metric.get(statistic))
    if value is None:
        return None
    unit = str(metric.get("unit"))
    if unit not in units:
        run.refuse(
            f'"{key}" has unit "{unit}"; allowed are {", ".join(units)}; '
            "check the version of the client"
        )
        return None
    return value * units[unit]


def _read_counts(run: Run) -> bool:
    """Completed and failed requests; False if none was completed."""
    raw = run.raw
    completed = _metric(run, "request_count", COUNT)
    counted = _metric(run, "error_request_count", COUNT) or 0.0
    listed = sum(
        run.checked("error_summary.count", item.get("count")) or 0
        for item in _list(raw.get("error_summary"))
        if isinstance(item, dict)
    )
    failed = max(counted, listed)
    if completed == 0 or (completed is None and "request_throughput" not in raw):
        run.refuse('"request_count" is 0; no request succeeded; find out why, and run it again')
        return False
    run.put("completed", completed)
    run.put("failed", failed)
    if raw.get("was_cancelled"):
        run.marks.append("run was cancelled")
    if raw.get("is_complete") is False:
        reason = str(raw.get("incomplete_reason") or "no reason given").replace(";", ",")
        run.marks.append(f"run is not complete ({reason})")
    if failed:
        other = f", {listed:.0f} by error_summary" if listed and listed != failed else ""
        run.marks.append(f"{failed:.0f} requests failed{other}")
    return True


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(config: Record, *paths: tuple[str, ...]) -> Any:
    found = (_at(config, *path) for path in paths)
    return next((value for value in found if value is not None), None)


def _read_config(run: Run) -> None:
    """What was asked for: model, concurrency and output length, in today's and older forms."""
    config = run.raw.get("input_config")
    if not isinstance(config, dict):
        return
    model = _first(
        config,
        ("models", "items", "name"),
        ("endpoint", "model_names"),
        ("model",),
        ("model_names",),
    )
    if isinstance(model, list):
        model = model[0] if len(model) == 1 else None
    run.put("model", model)
    phases = [
        phase
        for phase in _list(config.get("phases"))
        if isinstance(phase, dict) and not phase.get("exclude_from_results")
    ]
    concurrency = _first(
        {**config, "phases": phases},
        ("phases", "concurrency"),
        ("loadgen", "concurrency"),
        ("perf_analyzer", "stimulus", "concurrency"),
        ("concurrency",),
    )
    if isinstance(concurrency, int | float) and not isinstance(concurrency, bool):
        run.put("concurrency", concurrency)
    asked = _first(
        config,
        ("datasets", "prompts", "osl"),
        ("input", "prompt", "output_tokens"),
        ("input", "output_tokens"),
    )
    # GenAI-Perf writes its options side by side; -1 means that no length was asked for.
    if asked is None and config.get("output_tokens_mean", -1) != -1:
        spread = config.get("output_tokens_stddev")
        asked = {"mean": config["output_tokens_mean"], "stddev": spread}
    if isinstance(asked, dict):
        mean = asked.get("value", asked.get("mean"))
        run.asked_output = run.checked("input_config: output length", mean)
        run.asked_spread = run.checked("input_config: stddev", asked.get("stddev")) or 0.0


def _read_output_range(run: Run) -> None:
    low, high = (_metric(run, LENGTHS["output_tokens"], TOKENS, end) for end in ENDS)
    if low is not None and high is not None:
        run.output_range = (low, high)
        if low == 0:
            run.marks.append("at least one request ended without output")
    missed = _metric(run, "osl_mismatch_count", COUNT)
    if missed:
        run.marks.append(f"{missed:.0f} requests missed the output length asked for")


def _read_energy(run: Run) -> None:
    gpus = _telemetry_gpus(run)
    prefixes = [name for name in PREFIXES if f"{name}total_gpu_energy" in run.raw]
    prefixes = prefixes or [name for name in PREFIXES if f"{name}total_gpu_power" in run.raw]
    if len(prefixes) > 1:
        run.drop_energy("telemetry covers GPUs of two vendors")
        return
    if prefixes:
        gauge, counter = _read_totals(run, prefixes[0])
        _check_parts(run, gpus)
        _check_energy(run, prefixes[0])
    elif gpus:
        gauge, counter = _read_gpus(run, gpus)
    else:
        return
    if gpus:
        run.metered_gpus = len(gpus)
        names = {str(gpu.get("gpu_name")) for gpu in gpus}
        if len(names) == 1:
            run.put("gpu", GPUS.get(next(iter(names))))
    # An energy counter that is read at the ends of a short window covers more than the window;
    # the mean of the power gauge does not, so the two part.
    if gauge and counter and counter > gauge * (1 + TOLERANCE):
        run.marks.append(
            f"power: energy counter gives {counter:.6g} W where the power gauge gives "
            f"{gauge:.6g} W, so the energy of this short window is too high"
        )
    elif gauge and counter:
        agree(
            run, "power: gpu_power_w", gauge, counter, "average_gpu_power", "W", slack=OTHER_WINDOW
        )


def _read_totals(run: Run, prefix: str) -> tuple[float | None, float | None]:
    """Totals of all GPUs; mean power by the gauge and by the counter [W]."""
    gauge = _metric(run, f"{prefix}total_gpu_power", POWER)
    counter = _metric(run, f"{prefix}average_gpu_power", POWER)
    run.put_energy("gpu_power_w", gauge or counter)
    run.put_energy("gpu_energy_j", _metric(run, f"{prefix}total_gpu_energy", ENERGY))
    run.put_energy(
        "energy_per_output_token_j",
        _metric(run, f"{prefix}energy_per_output_token", ENERGY_PER_TOKEN),
    )
    return gauge, counter


def _check_parts(run: Run, gpus: list[Record]) -> None:
    """Power and energy of all GPUs against the sums over those that the export lists."""
    for name, endings, units, unit in (
        ("gpu_power_w", POWER_NAMES, POWER, "W"),
        ("gpu_energy_j", ENERGY_NAMES, ENERGY, "J"),
    ):
        stated, parts = run.row.get(name), _sum(run, gpus, endings, units) if gpus else None
        agree(run, f"power: {name}", stated, parts, "the sum of its GPUs", unit, OTHER_WINDOW)


def _check_energy(run: Run, prefix: str) -> None:
    """Energy of the GPUs against that of a request, of a token, and the tokens of a joule."""
    values = run.row
    energy, completed, inputs, outputs = (
        values.get(name) for name in ("gpu_energy_j", "completed", "input_tokens", "output_tokens")
    )
    if not completed or not outputs:
        return
    request = _compared(run, f"{prefix}energy_per_request", ENERGY_PER_REQUEST)
    token = _compared(run, f"{prefix}energy_per_total_token", ENERGY_PER_TOKEN)
    joule = _compared(run, f"{prefix}output_tokens_per_joule", TOKENS_PER_ENERGY)
    for expected, formula in (
        (request and request * completed, "energy_per_request x requests"),
        (
            token and inputs and token * completed * (inputs + outputs),
            "energy_per_total_token x all tokens",
        ),
        (joule and completed * outputs / joule, "output tokens / output_tokens_per_joule"),
    ):
        agree(run, "power: gpu_energy_j", energy, expected, formula, "J")


def _compared(run: Run, key: str, units: Mapping[str, float]) -> float | None:
    """Mean of a metric that is used for nothing else; None in a unit that is not known."""
    return _metric(run, key, units) if _at(run.raw, key, "unit") in units else None


def _read_gpus(run: Run, gpus: list[Record]) -> tuple[float | None, float | None]:
    """Sums over the GPUs, where the export has none: versions 0.8 and 0.9."""
    gauge, energy = (
        _sum(run, gpus, endings, units)
        for endings, units in ((POWER_NAMES, POWER), (ENERGY_NAMES, ENERGY))
    )
    duration = run.row.get("duration_s")
    counter = mean_power(energy, duration) if energy and duration else None
    run.put_energy("gpu_power_w", gauge or counter)
    run.put_energy("gpu_energy_j", energy)
    return gauge, counter


def _sum(
    run: Run, gpus: list[Record], endings: tuple[str, ...], units: Mapping[str, float]
) -> float | None:
    """Sum of the means of a metric over GPUs; None where one of them lacks it."""
    total = 0.0
    for gpu in gpus:
        metrics = keys_of(_at(gpu, "metrics"))
        name = next((key for key in metrics if key.endswith(endings)), None)
        value = _value(run, name, metrics[name], units, "avg") if name else None
        if value is None:
            return None
        total += value
    return total


def _telemetry_gpus(run: Run) -> list[Record]:
    """Entries of the GPUs with power or energy samples."""
    gpus = {}
    for endpoint in keys_of(_at(run.raw, "telemetry_data", "endpoints")).values():
        for name, gpu in keys_of(_at(endpoint, "gpus")).items():
            metrics = keys_of(_at(gpu, "metrics"))
            if any(key.endswith(POWER_NAMES + ENERGY_NAMES) for key in metrics):
                # One GPU may be seen through two exporters; its UUID tells.
                gpus[str(gpu.get("gpu_uuid") or name)] = gpu
    return list(gpus.values())

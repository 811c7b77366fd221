"""Lines that AIPerf writes, one a request or sample; those that are damaged are counted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

from inference_energy.documents import is_unwritable, json_number, json_object
from inference_energy.errors import InputError
from inference_energy.meters.common import FIRST, LARGEST, LAST
from inference_energy.readers.consistency import MOST_LENGTH
from inference_energy.stress.plan import Finding
from inference_energy.stress.power import TELEMETRY
from inference_energy.units import MILLI, NANO

SUMMARY = "profile_export_aiperf.json"
"""AIPerf's summary of a run, in the run's folder."""

MOST = {
    "power_w": 1e6,
    "energy_j": LARGEST,
    "utilisation": 1.0,
    "memory_gb": 1e5,
    "clock_mhz": 1e5,
}
"""No GPU reads more, nor less than nothing: what is beyond is damaged."""

TIMES = ("time_to_first_token", "inter_token_latency", "request_latency")
"""Times of a request that are used. [ms]"""

TOKENS = (
    "input_sequence_length",
    "output_sequence_length",
    "usage_completion_tokens",
    "usage_prompt_cache_read_tokens",
)
"""Tokens of a request that are used, no more than the longest context of a model."""

SCALARS = (*TIMES, *TOKENS)
"""Metrics of a request that are used."""

LONGEST, APART = 86_400.0, 1.0
"""Longest request, as settings allow it, and by how much a time of one may exceed it, whose ends
another clock tells. [s]"""


def read_summary(path: Path) -> dict[str, Any]:
    """AIPerf's summary of a run; empty where it is absent or damaged."""
    try:
        summary = json.loads(
            path.read_bytes(), object_pairs_hook=json_object, parse_float=json_number
        )
    except (OSError, ValueError, RecursionError, InputError):
        return {}
    return summary if isinstance(summary, dict) else {}


def client_version(folder: Path) -> str | None:
    """Version of AIPerf that the summary of a run states; None where it states none."""
    version = read_summary(folder / SUMMARY).get("aiperf_version")
    return None if version is None else str(version)


def read_lines(path: Path, is_whole: Callable[[Any], bool]) -> tuple[list[dict[str, Any]], int]:
    """Objects of a file, one a line, and how many lines are damaged.

    Parameters
    ----------
    path : Path
        JSON lines; a file that is not there has none.
    is_whole : callable
        Whether an object can be used.

    Returns
    -------
    records : list of dict
        Those that can be used.
    damaged : int
        Lines that are no JSON, cut off, not whole, or have a key twice.
    """
    records: list[dict[str, Any]] = []
    damaged = 0
    if not path.exists():
        return records, damaged
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in filter(str.strip, file):
            try:
                record = json.loads(line, object_pairs_hook=json_object, parse_float=json_number)
                whole = is_whole(record)
            except (ValueError, RecursionError, InputError):
                whole = False
            if whole:
                records.append(record)
            else:
                damaged += 1
    return records, damaged


def check_damaged(name: str, damaged: int, whole: int, limit: float) -> list[Finding]:
    """Findings on damaged lines; above the share `limit` what they describe is refused."""
    if not damaged:
        return []
    share = damaged / (damaged + whole)
    message = (
        f"{damaged} of {damaged + whole} lines of {name} are damaged and left out: look whether "
        "the disk was full or AIPerf was ended"
    )
    return [Finding("damaged lines", "all" if share > limit else "", message)]


def is_request(record: object) -> bool:
    """Whether a line of profile_export.jsonl can be used: its times and numbers are such."""
    if not isinstance(record, dict):
        return False
    metadata = record.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("benchmark_phase"), str):
        return False
    start = metadata.get("request_start_ns") or metadata.get("credit_issued_ns")
    end = metadata.get("request_end_ns")
    if not _is_time(start) or not _is_time(end) or end < start:
        return False
    metrics, error = record.get("metrics") or {}, record.get("error") or {}
    if not isinstance(metrics, dict) or not isinstance(error, dict):
        return False
    gaps = metrics.get("inter_chunk_latency", {"value": []})
    most = (end - start) * NANO + APART
    return (
        most <= LONGEST + APART
        and all(_is_number(metrics.get(name)) for name in SCALARS if name in metrics)
        and all(metrics[name]["value"] * MILLI <= most for name in TIMES if name in metrics)
        and all(metrics[name]["value"] <= MOST_LENGTH for name in TOKENS if name in metrics)
        and isinstance(gaps, dict)
        and isinstance(gaps.get("value"), list)
        and (error.get("code") is None or _is_finite(error["code"]))
        and _is_text(error.get("type") or "")
    )


def is_sample(record: object) -> bool:
    """Whether a line of gpu_telemetry_export.jsonl can be used."""
    if not isinstance(record, dict):
        return False
    data = record.get("telemetry_data")
    return (
        isinstance(data, dict)
        and _is_time(record.get("timestamp_ns"))
        and _is_text(record.get("telemetry_source_url"))
        and _is_text(record.get("hostname") or "")
        and _is_text(record.get("gpu_uuid") or "")
        and (record.get("platform") is None or _is_text(record["platform"]))
        and _is_index(record.get("gpu_index"))
        and all(value is None or _is_finite(value) for value in data.values())
        and all(
            0 <= (data.get(theirs) or 0) * factor <= MOST[ours]
            for names in TELEMETRY.values()
            for ours, (theirs, factor) in names.items()
        )
    )


def _is_finite(value: object) -> TypeGuard[float]:
    # NaN is below nothing
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not is_unwritable(value)


def _is_number(metric: object) -> bool:
    return isinstance(metric, dict) and _is_finite(metric.get("value")) and metric["value"] >= 0


def _is_time(value: object) -> TypeGuard[float]:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and FIRST / NANO <= value <= LAST / NANO
    )

"""The token-scale stress test: plan, steady window, delivered lengths, intervals.

Times are Unix seconds of the client's clock. A *cell* is one run: one output length at one
concurrency, one repetition. Windows are equally long in time, never equal in requests: the energy
of short windows is over-counted, and equal requests would give the shortest queries the shortest.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd

from inference_energy.units import MILLI, NANO
from inference_energy.web import on_one_line

SLICES = 20


STEADY_TOLERANCE = 0.05


DRIFT_LIMIT = 0.20
"""A change of the token rate from the first to the second half above which a cell is refused."""


LEAST_KEPT = 0.5
"""Share of a cell's tokens that the steady window must keep."""


LEAST_QUERIES, FEW_QUERIES = 3, 10
"""Queries' worth of tokens that a window must hold, and below which it is remarked."""


LEAST_REPETITIONS = 3
"""Below it no interval is given: of two values it spans orders of magnitude."""


CHUNK_TOLERANCE = 1.2


BUFFERED_SHARE = 0.5


CACHE_SHARE = 0.05


TTFT_COLLAPSE = 0.5


class Finding(NamedTuple):
    """Something that a reader of the result must know.

    `refuses` is empty for a remark, "energy" where no energy is reported because of it, and "all"
    where the cell is not used at all.
    """

    kind: str
    refuses: str
    message: str


Cell = Mapping[Hashable, Any]
"""A cell of the plan: its columns, or for a pilot those that it has."""


class Measured(TypedDict):
    """What a finished cell tells without the others.

    Its columns of stress_cells; the steady window [s], or None; findings; all its requests, and
    AIPerf's samples of its GPUs; when the first request was sent [s].
    """

    row: dict[str, Any]
    window: tuple[float, float] | None
    findings: list[Finding]
    requests: pd.DataFrame
    samples: pd.DataFrame
    begun: float


def ladder(shortest: int, factor: float, steps: int) -> list[int]:
    """Output lengths from `shortest` to `factor` times it, in equal ratios.

    Parameters
    ----------
    shortest : int
        Output tokens of the typical query [tokens].
    factor : float
        Longest over shortest.
    steps : int
        Number of lengths, at least two.

    Returns
    -------
    list of int
        Ascending [tokens].
    """
    return sorted({round(length) for length in np.geomspace(shortest, shortest * factor, steps)})


def plan(
    lengths: Sequence[int], concurrencies: Sequence[int], repetitions: int, seed: int
) -> pd.DataFrame:
    """Cells in the order in which they are run.

    Every repetition is a block that holds each length at each concurrency once, in an order drawn
    anew, so that a slow drift (heat, other load) is not mistaken for an effect of length. Each cell
    has a seed of its own, whatever other cells the plan holds: prompts that came before would be
    answered from a prefix cache, also where a test goes on with more concurrencies.

    Returns
    -------
    DataFrame
        cell, output_tokens, concurrency, repetition, seed; one row a cell.
    """
    random = np.random.default_rng(seed)
    block = [(length, concurrency) for length in lengths for concurrency in concurrencies]
    rows = [
        (*block[position], repetition)
        for repetition in range(1, repetitions + 1)
        for position in random.permutation(len(block))
    ]
    cells = pd.DataFrame(rows, columns=["output_tokens", "concurrency", "repetition"])
    names = [
        f"out{length:05d}-conc{concurrency:04d}-rep{repetition:02d}"
        for length, concurrency, repetition in rows
    ]
    cells.insert(0, "cell", names)
    cells["seed"] = [prompt_seed(seed, *row) for row in rows]
    return cells


def prompt_seed(seed: int, length: int, concurrency: int, repetition: int = 0) -> int:
    """Seed of the prompts of a cell; repetition 0 is the pilot."""
    return int(np.random.SeedSequence([seed, length, concurrency, repetition]).generate_state(1)[0])


def window_seconds(
    shortest: float, rounds: float, longest_latency: float, concurrency: int
) -> float:
    """Length of every window of one concurrency [s].

    At least `rounds` of the longest query, and so many rounds that LEAST_QUERIES of them fit.
    """
    rounds = max(rounds, LEAST_QUERIES / concurrency)
    return float(max(shortest, rounds * longest_latency))


def prompts_needed(
    window: float, concurrency: int, output_tokens: int, token_seconds: float, margin: float = 3.0
) -> int:
    """Distinct prompts to prepare, so that none is sent twice within one window.

    Parameters
    ----------
    window : float
        [s]
    concurrency, output_tokens : int
        Requests in flight, and output tokens of each.
    token_seconds : float
        Latency of the longest query at this concurrency, per output token [s].
    margin : float
        Room for short queries, which take less per token than that where the server is less busy.
    """
    return int(np.ceil(margin * concurrency * (1 + window / (token_seconds * output_tokens))))


def extra_fields(settings: Mapping[str, Any], output_tokens: int) -> dict[str, Any]:
    """Fields that are sent with every request of a length [tokens]."""
    return {
        name: output_tokens if value == "{output_tokens}" else value
        for name, value in settings["extra_inputs"].items()
    }


def aiperf_config(
    settings: Mapping[str, Any],
    folder: str,
    output_tokens: int,
    concurrency: int,
    seed: int,
    prompts: int,
    stop: dict[str, float],
) -> dict[str, Any]:
    """Configuration of one AIPerf run.

    The endpoint's key is named, never written: AIPerf reads it from OPENAI_API_KEY.

    Parameters
    ----------
    settings : dict
        As in config/stress.yaml, with `with_key` and `telemetry` (AIPerf's own GPU telemetry
        section) decided by the caller.
    folder : str
        Where AIPerf writes.
    output_tokens, concurrency, seed, prompts : int
        Of this run.
    stop : dict
        AIPerf's stop condition, requests, or duration [s] and gracePeriod [s]; before a duration
        the server is warmed up with a query for each request in flight.

    Returns
    -------
    dict
        To be written as YAML.
    """
    endpoint = {
        "url": settings["endpoint"],
        "type": "chat",
        "streaming": True,
        "timeout": float(settings["request_timeout"]),
        "useLegacyMaxTokens": settings["legacy_max_tokens"],
        "extra": extra_fields(settings, output_tokens),
    }
    if settings["with_key"]:
        endpoint["apiKey"] = "${OPENAI_API_KEY}"
    load = {"type": "concurrency", "concurrency": concurrency}
    phases = [load | {"name": "profiling"} | stop]
    if "duration" in stop:
        warmup = {"name": "warmup", "requests": concurrency, "excludeFromResults": True}
        phases.insert(0, load | warmup)
    return {
        "schemaVersion": "2.0",
        "randomSeed": seed,
        "benchmark": {
            "model": settings["model"],
            "endpoint": endpoint,
            "tokenizer": {"name": settings["tokenizer"] or settings["model"]},
            "dataset": {
                "type": "synthetic",
                "entries": prompts,
                "prompts": {"isl": settings["input_tokens"], "osl": output_tokens},
            },
            "phases": phases,
            "gpuTelemetry": settings["telemetry"],
            "serverMetrics": {"enabled": False},
            "artifacts": {"dir": folder, "summary": ["json"], "records": ["jsonl"]},
        },
    }


def requests_of(records: Iterable[Mapping[str, Any]], phase: str = "profiling") -> pd.DataFrame:
    """Requests of one phase from the lines of AIPerf's profile_export.jsonl.

    Parameters
    ----------
    records : iterable of dict
        One a request.
    phase : str
        "profiling" or "warmup".

    Returns
    -------
    DataFrame
        start_s, first_token_s, end_s [s]; ttft_s, itl_s, latency_s [s]; input_tokens,
        output_tokens, hidden_tokens, cached_tokens, chunks; failed, code, error, and said, what
        came with it. Output tokens are the server's own count where the stream carries one, else
        the client's; hidden tokens are those that the server counts and the client never saw,
        below zero where the client's tokenizer counts more. Then the time between tokens is that
        of the server's count too; hidden tokens arrive at times that nobody saw.
    """
    rows = []
    for record in records:
        metadata, metrics = record["metadata"], record.get("metrics") or {}
        if metadata["benchmark_phase"] != phase:
            continue
        error = record.get("error") or {}

        def value(name: str, metrics: Mapping[str, Any] = metrics) -> float:
            return float(metrics[name]["value"]) if name in metrics else np.nan

        start = (metadata.get("request_start_ns") or metadata["credit_issued_ns"]) * NANO
        end = metadata["request_end_ns"] * NANO
        seen, counted = value("output_sequence_length"), value("usage_completion_tokens")
        recounted = (seen - 1) / (counted - 1) if 1 < counted < seen else 1.0
        gaps = metrics.get("inter_chunk_latency", {}).get("value")
        rows.append(
            {
                "start_s": start,
                "first_token_s": start + value("time_to_first_token") * MILLI,
                "end_s": end,
                "ttft_s": value("time_to_first_token") * MILLI,
                "itl_s": value("inter_token_latency") * MILLI * recounted,
                "latency_s": value("request_latency") * MILLI,
                "input_tokens": value("input_sequence_length"),
                "output_tokens": seen if np.isnan(counted) else counted,
                "hidden_tokens": counted - seen,
                "cached_tokens": value("usage_prompt_cache_read_tokens"),
                "chunks": np.nan if gaps is None else len(gaps) + 1.0,
                "failed": bool(error) or bool(metadata.get("was_cancelled")),
                "code": float(error.get("code") or "nan"),
                "error": error.get("type") or "",
                "said": _said(error.get("message")),
            }
        )
    frame = pd.DataFrame(rows, columns=REQUEST_COLUMNS)
    texts = ("failed", "error", "said")
    numbers = {name: float for name in REQUEST_COLUMNS if name not in texts}
    return frame.astype(numbers | {"failed": bool})


def _said(message: object) -> str:
    """What came with an error, on one line; nobody knows what a server sends."""
    return on_one_line(str(message)) if message else ""


REQUEST_COLUMNS = [
    "start_s",
    "first_token_s",
    "end_s",
    "ttft_s",
    "itl_s",
    "latency_s",
    "input_tokens",
    "output_tokens",
    "hidden_tokens",
    "cached_tokens",
    "chunks",
    "failed",
    "code",
    "error",
    "said",
]

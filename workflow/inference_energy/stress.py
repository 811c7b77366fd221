"""The token-scale stress test: plan, steady window, delivered lengths, intervals.

Times are Unix seconds of the client's clock. A *cell* is one run: one output length at one
concurrency, one repetition. Windows are equally long in time, never equal in requests: the energy
of short windows is over-counted, and equal requests would give the shortest queries the shortest.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

JOULES_PER_WH = 3600.0
SLICES = 20
STEADY_TOLERANCE = 0.05
CHUNK_TOLERANCE = 1.2
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


def ladder(shortest, factor, steps):
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


def plan(lengths, concurrencies, repetitions, seed):
    """Cells in the order in which they are run.

    Every repetition is a block that holds each length at each concurrency once, in an order drawn
    anew, so that a slow drift (heat, other load) is not mistaken for an effect of length. Each cell
    has a seed of its own: prompts that came before would be answered from a prefix cache.

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
    cells["seed"] = seed + 1 + np.arange(len(cells))
    return cells


def window_seconds(shortest, rounds, longest_latency):
    """Length of every window of one concurrency: at least `rounds` of the longest query [s]."""
    return max(float(shortest), rounds * longest_latency)


def prompts_needed(window, concurrency, output_tokens, token_seconds, margin=3.0):
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


def aiperf_config(settings, folder, output_tokens, concurrency, seed, prompts, stop):
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
        AIPerf's stop condition, requests or duration [s] and gracePeriod [s].

    Returns
    -------
    dict
        To be written as YAML.
    """
    extra = {
        name: output_tokens if value == "{output_tokens}" else value
        for name, value in settings["extra_inputs"].items()
    }
    endpoint = {
        "url": settings["endpoint"],
        "type": "chat",
        "streaming": True,
        "timeout": float(settings["request_timeout"]),
        "useLegacyMaxTokens": settings["legacy_max_tokens"],
        "extra": extra,
    }
    if settings["with_key"]:
        endpoint["apiKey"] = "${OPENAI_API_KEY}"
    load = {"type": "concurrency", "concurrency": concurrency}
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
            "phases": [
                load | {"name": "warmup", "requests": concurrency, "excludeFromResults": True},
                load | {"name": "profiling"} | stop,
            ],
            "gpuTelemetry": settings["telemetry"],
            "serverMetrics": {"enabled": False},
            "artifacts": {"dir": folder, "summary": ["json"], "records": ["jsonl"]},
        },
    }


def requests_of(records, phase="profiling"):
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
        output_tokens, hidden_tokens, cached_tokens, chunks; failed, code, error. Output tokens are
        the server's own count where the stream carries one, else the client's; hidden tokens are
        those that the server counts and the client never saw.
    """
    rows = []
    for record in records:
        metadata, metrics = record["metadata"], record.get("metrics") or {}
        if metadata["benchmark_phase"] != phase:
            continue
        error = record.get("error") or {}

        def value(name, metrics=metrics):
            return float(metrics[name]["value"]) if name in metrics else np.nan

        start = (metadata.get("request_start_ns") or metadata["credit_issued_ns"]) / 1e9
        end = metadata["request_end_ns"] / 1e9
        seen, counted = value("output_sequence_length"), value("usage_completion_tokens")
        gaps = metrics.get("inter_chunk_latency", {}).get("value")
        rows.append(
            {
                "start_s": start,
                "first_token_s": start + value("time_to_first_token") / 1e3,
                "end_s": end,
                "ttft_s": value("time_to_first_token") / 1e3,
                "itl_s": value("inter_token_latency") / 1e3,
                "latency_s": value("request_latency") / 1e3,
                "input_tokens": value("input_sequence_length"),
                "output_tokens": seen if np.isnan(counted) else counted,
                "hidden_tokens": counted - seen,
                "cached_tokens": value("usage_prompt_cache_read_tokens"),
                "chunks": np.nan if gaps is None else len(gaps) + 1.0,
                "failed": bool(error) or bool(metadata.get("was_cancelled")),
                "code": float(error.get("code") or "nan"),
                "error": error.get("type") or "",
            }
        )
    frame = pd.DataFrame(rows, columns=REQUEST_COLUMNS)
    frame["failed"] = frame["failed"].astype(bool)
    return frame


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
]


def full_load(requests, concurrency):
    """Start and end of the time in which `concurrency` requests were in flight [s].

    From the start of the last of the first `concurrency` requests to the first end after the last
    start: before, the load is still being built up; after, it drains.

    Returns
    -------
    (float, float) or None
        None when so many were never in flight.
    """
    starts = np.sort(requests["start_s"].to_numpy())
    if len(starts) < concurrency:
        return None
    ends = requests["end_s"].to_numpy()
    start, end = starts[concurrency - 1], ends[ends > starts[-1]].min()
    return (start, end) if end > start else None


def tokens_between(requests, start, end):
    """Output tokens that were produced between two times.

    The first token of a request counts when it arrives, the others evenly from then to its end; an
    answer that comes in one piece counts when it comes. Failed requests produce none.
    """
    done = requests[~requests["failed"] & (requests["output_tokens"] > 0)]
    first, last = done["first_token_s"].to_numpy(), done["end_s"].to_numpy()
    arrived = (first >= start) & (first < end)
    span = last - first
    within = np.clip(end, first, last) - np.clip(start, first, last)
    share = np.where(span > 0, within / np.where(span > 0, span, 1), arrived)
    return float(np.sum((done["output_tokens"].to_numpy() - 1) * share + arrived))


def truncation(rates):
    """Number of leading slices that belong to the warm-up, by the MSER rule.

    The cut that leaves the mean of the rest with the smallest standard error, searched over the
    first half. References: White (1997), *Simulation* 69(6), 323-334.
    """
    rates = np.asarray(rates, float)
    scores = [rates[cut:].var() / (len(rates) - cut) for cut in range(len(rates) // 2 + 1)]
    return int(np.argmin(scores))


def steady_window(requests, concurrency):
    """The part of a cell in which load and token rate were steady.

    Returns
    -------
    window : (float, float) or None
        Start and end [s].
    findings : list of Finding
    """
    window = full_load(requests, concurrency)
    if window is None:
        return None, [
            Finding(
                "load",
                "all",
                f"{concurrency} requests were never in flight at once: raise the window, or lower "
                "the concurrency to what the server takes",
            )
        ]
    start, end = window
    edges = np.linspace(start, end, SLICES + 1)
    rates = np.array([tokens_between(requests, *pair) for pair in pairwise(edges)])
    cut = truncation(rates)
    rest = rates[cut:]
    if cut and rest.mean() > 0 and abs(rates[:cut].mean() / rest.mean() - 1) > STEADY_TOLERANCE:
        start = edges[cut]
    else:
        rest = rates
    middle = len(rest) // 2
    late, early = rest[middle:].mean(), rest[:middle].mean()
    findings = []
    if early > 0 and abs(late / early - 1) > STEADY_TOLERANCE:
        findings.append(
            Finding(
                "not steady",
                "",
                f"the token rate of the second half is {late / early:.2f} times that of the first: "
                "lengthen the window, or look for other load",
            )
        )
    return (start, end), findings


def check_errors(requests, limit):
    """Findings on failed requests; above the share `limit` the cell is refused."""
    if requests.empty:
        return [Finding("errors", "all", "no request was answered")]
    failed = requests[requests["failed"]]
    if failed.empty:
        return []
    share = len(failed) / len(requests)
    kinds = failed["error"].where(failed["code"].isna(), failed["code"].map("HTTP {:.0f}".format))
    kinds = kinds.value_counts()
    named = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
    remedy = "look into the server's log"
    if (failed["code"] == 429).any():
        remedy = "lower the concurrency or raise the server's rate limit"
    refuses = "all" if share > limit else ""
    return [Finding("errors", refuses, f"{share:.1%} of the requests failed ({named}): {remedy}")]


def check_lengths(requests, asked, tolerance):
    """Findings on the lengths that the server really delivered.

    Parameters
    ----------
    requests : DataFrame
        From `requests_of`.
    asked : int
        Output tokens asked for.
    tolerance : float
        Share by which a delivered length may differ; a client that counts again with its own
        tokenizer can be off by a little.
    """
    done = requests[~requests["failed"]]
    if done.empty:
        return []
    lengths = done["output_tokens"].fillna(0)
    findings = []
    empty = int((lengths == 0).sum())
    if empty:
        findings.append(
            Finding(
                "zero-length output",
                "all",
                f"{empty} of {len(done)} answers were empty: they cost energy and deliver nothing",
            )
        )
    missed = (lengths - asked).abs() > tolerance * asked
    if missed.any():
        findings.append(
            Finding(
                "length",
                "all",
                f"{missed.mean():.0%} of the answers missed the {asked} output tokens asked for "
                f"(delivered {lengths.min():.0f} to {lengths.max():.0f}, mean {lengths.mean():.0f})"
                ": make the server ignore the end of sequence (extra_inputs), and check its limit",
            )
        )
    hidden = done["hidden_tokens"] > tolerance * done["output_tokens"]
    if hidden.any():
        findings.append(
            Finding(
                "hidden tokens",
                "",
                f"the server counted {done['hidden_tokens'].mean():.0f} tokens an answer that were "
                "not in the visible output (reasoning): they are charged, by the server's count",
            )
        )
    return findings


def check_stream(requests):
    """Findings on streams that carry several tokens in a chunk."""
    done = requests[~requests["failed"]]
    per_chunk = (done["output_tokens"] / done["chunks"]).mean()
    if not per_chunk > CHUNK_TOLERANCE:
        return []
    return [
        Finding(
            "chunks",
            "",
            f"{per_chunk:.1f} tokens a chunk: inter-token latencies are means of a request, their "
            "percentiles hide the pauses between chunks",
        )
    ]


def check_cache(requests, prompts):
    """Findings on inputs that cost nothing because they were computed before.

    Parameters
    ----------
    requests : DataFrame
        From `requests_of`.
    prompts : int
        Number of distinct prompts that were prepared for the cell.
    """
    done = requests[~requests["failed"]].sort_values("start_s")
    findings = []
    if len(requests) > prompts:
        findings.append(
            Finding(
                "repeated prompts",
                "",
                f"{len(requests)} requests from {prompts} distinct prompts: a prefix cache answers "
                "the repeated ones",
            )
        )
    cached = done["cached_tokens"].sum() / done["input_tokens"].sum() if len(done) else 0.0
    third = len(done) // 3
    if cached > CACHE_SHARE:
        findings.append(
            Finding("prefix cache", "", f"{cached:.0%} of the input tokens came from a cache")
        )
    elif third:
        early, late = done["ttft_s"][:third].median(), done["ttft_s"][-third:].median()
        if late < TTFT_COLLAPSE * early and len(requests) > prompts:
            findings.append(
                Finding(
                    "prefix cache",
                    "",
                    f"time to first token fell from {early:.3f} s to {late:.3f} s while prompts "
                    "came back: the inputs look cached, and their energy is missing",
                )
            )
    return findings


def performance(requests, window):
    """Throughput and latencies of one cell over its steady window.

    Returns
    -------
    dict
        window_start (UTC), window_s [s], requests, failed, delivered tokens (mean, min, max),
        tokens in the window, throughput_tps [tokens/s], percentiles of ttft, itl and latency [s],
        prefill_share: the share of a query's time before its first token (waiting and prefill).
    """
    start, end = window
    done = requests[~requests["failed"]]
    inside = done[(done["end_s"] > start) & (done["start_s"] < end)]
    tokens = tokens_between(requests, start, end)
    lengths = done["output_tokens"]
    row = {
        "window_start": pd.Timestamp(start, unit="s", tz="UTC").isoformat(timespec="milliseconds"),
        "window_s": end - start,
        "requests": len(requests),
        "failed": int(requests["failed"].sum()),
        "delivered_tokens": lengths.mean(),
        "delivered_tokens_min": lengths.min(),
        "delivered_tokens_max": lengths.max(),
        "input_tokens": done["input_tokens"].mean(),
        "window_tokens": tokens,
        "throughput_tps": tokens / (end - start),
        "prefill_share": inside["ttft_s"].sum() / inside["latency_s"].sum(),
    }
    for name in ("ttft", "itl", "latency"):
        for percent in (50, 90, 99):
            row[f"{name}_p{percent}_s"] = inside[f"{name}_s"].quantile(percent / 100)
    return row


def energy_per_query(energy, window_tokens, delivered_tokens):
    """Energy of one query [Wh]: the window's energy, shared by the tokens produced in it.

    Parameters
    ----------
    energy : float
        Energy of the window [J]; NaN where not measured.
    window_tokens, delivered_tokens : float
        Output tokens of the window, and of one query.
    """
    return energy / JOULES_PER_WH * delivered_tokens / window_tokens


def mean_interval(values, level=0.95):
    """Geometric mean of repetitions and its interval.

    The t interval of the logs: energies are positive, and so are the bounds.

    Returns
    -------
    (float, float, float, int)
        Mean, low, high, number of values; the interval is NaN with fewer than two.
    """
    logs = _logs(values)
    count = len(logs)
    if count == 0:
        return np.nan, np.nan, np.nan, 0
    mean = logs.mean()
    if count == 1:
        return float(np.exp(mean)), np.nan, np.nan, 1
    half = stats.t.ppf((1 + level) / 2, count - 1) * stats.sem(logs)
    return *(float(x) for x in np.exp([mean, mean - half, mean + half])), count


def _logs(values):
    """Logarithms of the values that were measured."""
    values = np.asarray(values, float)
    return np.log(values[values > 0])


def ratio_interval(long, short, level=0.95):
    """Ratio of two groups of repetitions and its interval.

    Ratio of geometric means; the interval is Welch's t interval of the difference of the logs, for
    unequal spreads and small groups.

    Returns
    -------
    (float, float, float)
        Ratio, low, high; the interval is NaN when a group has fewer than two values.
    """
    logs = [_logs(group) for group in (long, short)]
    if min(len(group) for group in logs) == 0:
        return np.nan, np.nan, np.nan
    ratio = float(np.exp(logs[0].mean() - logs[1].mean()))
    if min(len(group) for group in logs) == 1:
        return ratio, np.nan, np.nan
    if max(group.std() for group in logs) == 0:
        return ratio, ratio, ratio
    interval = stats.ttest_ind(*logs, equal_var=False).confidence_interval(level)
    return ratio, float(np.exp(interval.low)), float(np.exp(interval.high))


def energy_table(cells, level=0.95):
    """Energy per query by length and concurrency, with intervals.

    Parameters
    ----------
    cells : DataFrame
        output_tokens, concurrency, repetition, scope, energy_wh; one row a cell and scope.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        scope, concurrency, output_tokens, statistic (mean, low, high, n), value, unit.
    """
    rows = []
    for keys, group in cells.groupby(["scope", "concurrency", "output_tokens"]):
        mean, low, high, count = mean_interval(group["energy_wh"], level)
        for statistic, value, unit in (
            ("mean", mean, "Wh"),
            ("low", low, "Wh"),
            ("high", high, "Wh"),
            ("n", count, "cells"),
        ):
            rows.append((*keys, statistic, value, unit))
    columns = ["scope", "concurrency", "output_tokens", "statistic", "value", "unit"]
    return pd.DataFrame(rows, columns=columns)


def ratio_table(cells, published, prediction=None, level=0.95):
    """Energy of the longest query over that of the shortest, against published and predicted.

    Parameters
    ----------
    cells : DataFrame
        As for `energy_table`.
    published : float
        The paper's ratio.
    prediction : dict, optional
        The node's own predicted energy per query [Wh] by output tokens; between two lengths it is
        interpolated in the logarithms, beyond them there is none.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        scope, concurrency, shortest, longest [tokens], measured, low, high, published, predicted,
        verdict: of the published ratio against the measured interval.
    """
    columns = ["scope", "concurrency", "shortest", "longest", "measured", "low", "high"]
    columns += ["published", "predicted", "verdict"]
    known = sorted((prediction or {}).items())
    rows = []
    for keys, group in cells.groupby(["scope", "concurrency"]):
        shortest, longest = group["output_tokens"].min(), group["output_tokens"].max()
        if shortest == longest:
            continue
        by_length = group.set_index("output_tokens")["energy_wh"]
        ratio, low, high = ratio_interval(
            by_length.loc[[longest]], by_length.loc[[shortest]], level
        )
        predicted = np.nan
        if known and known[0][0] <= shortest and longest <= known[-1][0]:
            low_high = np.log([shortest, longest])
            predicted = np.exp(np.diff(np.interp(low_high, *np.log(known).T))[0])
        verdict = ratio_verdict(published, ratio, low, high)
        rows.append((*keys, shortest, longest, ratio, low, high, published, predicted, verdict))
    return pd.DataFrame(rows, columns=columns)


def ratio_verdict(published, ratio, low, high):
    """Where a published ratio stands against a measured interval."""
    if np.isnan(ratio):
        return "not measured"
    if np.isnan(low):
        return "no interval: repeat the cells"
    if low <= 1:
        return "not told: the interval holds 1, repeat the cells"
    if low <= published <= high:
        return "within the interval"
    return "published is higher" if published > high else "published is lower"

"""Whether a cell measured what it was asked to."""

import pandas as pd

from inference_energy.stress.plan import (
    BUFFERED_SHARE,
    CACHE_SHARE,
    CHUNK_TOLERANCE,
    DRIFT_LIMIT,
    TTFT_COLLAPSE,
    Finding,
)
from inference_energy.stress.probe import CONTEXT, CONTEXT_REMEDY, REMEDIES
from inference_energy.stress.settings import form
from inference_energy.text import percent

TOO_MANY = 429
"""Code of HTTP for a limit of the rate."""

MOST = 0.5
"""Share of a pilot's answers above which the others are no habit of the server."""


def check_errors(requests: pd.DataFrame, limit: float) -> list[Finding]:
    """Findings on failed requests; above the share `limit` the cell is refused.

    So it is where they took more than DRIFT_LIMIT of the requests' time: the load was another one.
    """
    if requests.empty:
        return [Finding("errors", "all", "no request was answered")]
    failed = requests[requests["failed"]]
    if failed.empty:
        return []
    share = len(failed) / len(requests)
    kinds = failed["error"].where(failed["code"].isna(), failed["code"].map("HTTP {:.0f}".format))
    kinds = kinds.value_counts()
    named = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
    said = _said(failed)
    remedy = _remedy(failed, said)
    spent = (requests["end_s"] - requests["start_s"]).groupby(requests["failed"]).sum()
    lost = spent[True] / spent.sum() if spent.sum() > 0 else 0.0
    refuses = "all" if share > limit or lost > max(DRIFT_LIMIT, limit) else ""
    message = f"{percent(share, '.1f')} of the requests failed ({named}): {remedy}"
    if refuses and share <= limit:
        message += (
            f"; they took {percent(lost, '.1f')} of the requests' time, so that fewer were served "
            "at once than asked for"
        )
    elif not refuses and lost > 0:
        message += (
            f"; {percent(lost, '.1f')} of the requests' time, whose energy is charged to the "
            "answers that were delivered"
        )
    return [Finding("errors", refuses, f"{message}. It said: {said}" if said else message)]


def _said(failed: pd.DataFrame) -> str:
    """What the server said with the most frequent code of HTTP; empty for no code."""
    code = failed["code"].mode()
    texts = failed[failed["code"].isin(code[:1]) & (failed["said"] != "")]["said"]
    return texts.mode().iloc[0] if len(texts) else ""


def _remedy(failed: pd.DataFrame, said: str) -> str:
    """What to do about failed requests."""
    if (failed["code"] == TOO_MANY).any():
        return "lower the concurrency or raise the server's rate limit"
    if failed["error"].astype(str).str.contains("Timeout").any():
        return (
            "look whether the server hangs, and lower the concurrency, or raise request_timeout, "
            "where it is only slow"
        )
    if failed["error"].astype(str).str.contains("Connector|Disconnected").any():
        return "the server went away: look into its log, and start it"
    if CONTEXT.search(said):
        return CONTEXT_REMEDY
    code = next(iter(failed["code"].mode()), 0)
    return REMEDIES.get(code, "look into the server's log")


def mark_broken(requests: pd.DataFrame, asked: int, tolerance: float, limit: float) -> pd.DataFrame:
    """Count as failed the few answers that broke off.

    A stream that breaks may end as a whole one does, only sooner. Where more than the share
    `limit` are short the server stops early, and nothing is changed.

    Parameters
    ----------
    requests : DataFrame
        From `requests_of`.
    asked : int
        Output tokens asked for.
    tolerance, limit : float
        Share by which a length may differ, and share of requests that may fail.

    Returns
    -------
    DataFrame
        The same requests; failed and error are changed.
    """
    failed = requests["failed"]
    short = ~failed & (requests["output_tokens"].fillna(0) < (1 - tolerance) * asked)
    if not short.any() or (failed | short).mean() > limit:
        return requests
    error = requests["error"].mask(short, "answer broken off")
    return requests.assign(failed=failed | short, error=error)


def are_whole(requests: pd.DataFrame, asked: int, tolerance: float) -> pd.Series:
    """Which requests delivered what was asked for, as for :func:`check_lengths`."""
    lengths = requests["output_tokens"].fillna(0)
    return ~requests["failed"] & ((lengths - asked).abs() <= tolerance * asked)


def check_lengths(requests: pd.DataFrame, asked: int, tolerance: float) -> list[Finding]:
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
    missed = ~are_whole(done, asked, tolerance)
    if missed.any():
        findings.append(
            Finding(
                "length",
                "all",
                f"{percent(missed.mean())} of the answers missed the {asked} output tokens asked"
                f" for (delivered {lengths.min():.0f} to {lengths.max():.0f}, mean"
                f" {lengths.mean():.0f}): {_length_remedy(lengths, asked, tolerance)}",
            )
        )
    hidden = done["hidden_tokens"] > tolerance * done["output_tokens"]
    if hidden.any():
        findings.append(
            Finding(
                "hidden tokens",
                "",
                f"the server counted {done['hidden_tokens'].mean():.0f} tokens an answer that were "
                "not in the visible output (reasoning): they are charged, by the server's count; "
                "the time to the first token is that to the first one shown",
            )
        )
    more = done["hidden_tokens"] < -tolerance * done["output_tokens"]
    if more.any():
        counted = done["output_tokens"].mean()
        findings.append(
            Finding(
                "tokenizer",
                "",
                f"the tokenizer counts {counted - done['hidden_tokens'].mean():.0f} tokens an "
                f"answer where the server counts {counted:.0f}: the server's count is used, but "
                "the prompts have another length than asked for; give the model's own (tokenizer)",
            )
        )
    return findings


def _length_remedy(lengths: pd.Series, asked: int, tolerance: float) -> str:
    """What to do about answers that are shorter, or longer, than asked for."""
    remedies = []
    if (lengths < (1 - tolerance) * asked).any():
        remedies.append(
            "make the server ignore the end of sequence (extra_inputs), check its limit, and its "
            "log for errors, which end streams early"
        )
    if (lengths > (1 + tolerance) * asked).any():
        remedies.append(
            f"tell the server the limit by its older name ({form('legacy_max_tokens: true')})"
        )
    return "; ".join(remedies)


def check_stream(requests: pd.DataFrame) -> list[Finding]:
    """Findings on streams that carry several tokens in a chunk, or all of them in one."""
    done = requests[~requests["failed"] & (requests["output_tokens"] > 1)]
    whole = done["chunks"].isna() | (done["chunks"] <= 1) | (done["ttft_s"] >= done["latency_s"])
    if len(done) and whole.mean() > BUFFERED_SHARE:
        return [
            Finding(
                "buffered",
                "",
                f"{percent(whole.mean())} of the answers came in one piece: a proxy before the"
                " server, or the server, holds the stream back; times to first token and between"
                " tokens mean nothing (nginx: proxy_buffering off)",
            )
        ]
    # tokens that are not shown come in no chunk
    shown = done["output_tokens"] - done["hidden_tokens"].fillna(0).clip(lower=0)
    per_chunk = (shown / done["chunks"]).mean()
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


def check_cache(requests: pd.DataFrame, prompts: int) -> list[Finding]:
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
            Finding("prefix cache", "", f"{percent(cached)} of the input tokens came from a cache")
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

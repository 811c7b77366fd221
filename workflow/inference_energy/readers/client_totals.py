"""What vLLM's and SGLang's clients report alike: totals of a run and latencies in ms."""

import math
from collections.abc import Mapping
from itertools import compress

from inference_energy.readers.common import PERCENTILES, Run
from inference_energy.readers.consistency import MOST_LENGTH, agree
from inference_energy.units import MILLI


def read_totals(run: Run, latency_names: Mapping[str, str]) -> None:
    """Read duration, counts, throughput, mean lengths and latencies into `run`.

    Parameters
    ----------
    run : Run
        Run whose keys are read.
    latency_names : dict
        The client's name of each of ttft, itl and e2e.
    """
    duration = run.needed("duration")
    completed = run.needed("completed")
    throughput = run.needed("output_throughput")
    if completed == 0:
        run.refuse('"completed" is 0; no request succeeded; find out why, and run it again')
        return
    if throughput == 0:
        run.refuse(
            '"output_throughput" is 0; a run that gave output tokens is needed; requests ended '
            "without output, so check the server and run it again"
        )
        return
    run.put("duration_s", duration)
    run.put("completed", completed)
    run.put("throughput_tps", throughput)
    run.put("request_throughput", run.number("request_throughput"))
    run.put("concurrency", run.number("max_concurrency"))
    _read_lengths(run, completed)
    _check_throughput(run, duration)
    for ours, theirs in latency_names.items():
        for percentile in PERCENTILES:
            value = run.number(f"{percentile}_{theirs}_ms")
            if percentile == "p50" and value is None:
                value = run.number(f"median_{theirs}_ms")
            run.put(f"{ours}_{percentile}_s", value, MILLI)
    # no column holds the time per output token
    for ours, theirs in {**latency_names, "tpot": "tpot"}.items():
        mean, deviation = (run.number(f"{name}_{theirs}_ms") for name in ("mean", "std"))
        run.put_spread(ours, MILLI, mean=mean, deviation=deviation)


def mark_failed(run: Run, failed: float | None) -> None:
    """Set the count of failed requests, and mark the run if there are any."""
    run.put("failed", failed)
    if failed:
        run.marks.append(f"{failed:.0f} requests failed")


def check_sent(run: Run, completed: float, failed: float, sent: float) -> None:
    """Mark the run unless the requests that completed and failed are those that were sent."""
    told = completed + failed
    if completed > sent:
        run.marks.append(f"{completed:.0f} requests completed where {sent:.0f} were sent")
    elif told > sent:
        run.marks.append(
            f"{completed:.0f} requests completed and {failed:.0f} failed where {sent:.0f} were sent"
        )
    elif told < sent:
        run.marks.append(f"{sent - told:.0f} of {sent:.0f} requests neither completed nor failed")


def _read_lengths(run: Run, completed: float | None) -> None:
    inputs, outputs = _successful(run)
    if outputs:
        run.output_range = (min(outputs), max(outputs))
        empty = outputs.count(0)
        if empty:
            run.marks.append(f"{empty} requests ended without output")
    for kind, lengths in (("input", inputs), ("output", outputs)):
        column, key = f"{kind}_tokens", f"total_{kind}_tokens"
        total = run.number(key)
        if lengths and sum(lengths) > 0:
            summed = math.fsum(lengths)
            run.put(column, summed / len(lengths))
            agree(run, key, total, summed, f"the sum of {kind}_lens", "tokens")
        elif total and completed:
            run.put(column, total / completed)


def _successful(run: Run) -> tuple[list[float], list[float]]:
    """Lengths of the requests that succeeded, from the lists of a detailed file."""
    inputs, outputs = run.raw.get("input_lens"), run.raw.get("output_lens")
    for key, lengths in (("input_lens", inputs), ("output_lens", outputs)):
        if lengths is None:
            continue
        if not isinstance(lengths, list) or any(
            isinstance(x, bool) or not isinstance(x, int | float) or not 0 <= x <= MOST_LENGTH
            for x in lengths
        ):
            run.refuse(
                f'"{key}" holds something else than token counts of at most {MOST_LENGTH:.6g}, the'
                " longest context of a model; run the client again"
            )
            return [], []
    if not inputs or not outputs or len(inputs) != len(outputs):
        return [], []
    errors = run.raw.get("errors")
    if isinstance(errors, list) and len(errors) == len(outputs):
        good = [not error for error in errors]
    elif len(outputs) == run.raw.get("completed"):
        good = [True] * len(outputs)
    else:
        good = [length > 0 for length in outputs]
    return list(compress(inputs, good)), list(compress(outputs, good))


def _check_throughput(run: Run, duration: float | None) -> None:
    """Every throughput against the total of its tokens over the duration."""
    inputs, outputs = run.number("total_input_tokens"), run.number("total_output_tokens")
    both = None if inputs is None or outputs is None else inputs + outputs
    for name, total, formula in (
        ("output_throughput", outputs, "total_output_tokens / duration"),
        ("input_throughput", inputs, "total_input_tokens / duration"),
        ("total_throughput", both, "all tokens / duration"),
        ("total_token_throughput", both, "all tokens / duration"),
    ):
        if duration and total:
            agree(run, name, run.number(name), total / duration, formula, "tokens/s")

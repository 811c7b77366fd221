"""GuideLLM: benchmarks.json, one benchmark of its report per run.

Keys as written by guidellm/benchmark/schemas of 0.8: times of a request in seconds, times to and
between tokens in ms. Rates and latencies are those of the requests that succeeded.
"""

from inference_energy.readers.client_totals import check_sent, mark_failed
from inference_energy.readers.common import PERCENTILES, Record, Run, keys_of
from inference_energy.readers.consistency import agree
from inference_energy.units import MILLI

CLIENT = "guidellm"
LATENCY_NAMES = {
    "ttft": ("time_to_first_token_ms", MILLI),
    "itl": ("inter_token_latency_ms", MILLI),
    "e2e": ("request_latency", 1.0),
}
LENGTHS = {"input_tokens": "prompt_token_count", "output_tokens": "output_token_count"}


def recognise(record: Record) -> bool:
    """Whether a JSON object is a report of GuideLLM."""
    benchmarks = record.get("benchmarks")
    return (
        isinstance(benchmarks, list)
        and bool(benchmarks)
        and isinstance(benchmarks[0], dict)
        and {"metrics", "scheduler_metrics"} <= benchmarks[0].keys()
    )


def split(where: str, record: Record) -> list[Run]:
    """Runs of a report, one a benchmark."""
    version = keys_of(record.get("metadata")).get("guidellm_version")
    runs = []
    for number, benchmark in enumerate(record["benchmarks"], start=1):
        run = Run(f"{where}, benchmark {number}", CLIENT, raw=keys_of(benchmark))
        run.put_version(version)
        runs.append(run)
    return runs


def read(run: Run) -> None:
    """Read one benchmark into `run`."""
    metrics = keys_of(run.raw.get("metrics"))
    made = keys_of(keys_of(run.raw.get("scheduler_metrics")).get("requests_made"))
    completed = run.checked("requests_made.successful", made.get("successful"))
    rate = _statistic(run, metrics, "output_tokens_per_second", "mean")
    if not completed:
        run.refuse('"requests_made.successful" is 0; no request succeeded; run it again')
        return
    if not rate:
        run.refuse(
            '"output_tokens_per_second" is 0 or missing; a run that gave output tokens is needed; '
            "check the tokenizer and run it again"
        )
        return
    run.put("throughput_tps", rate)
    run.put("completed", completed)
    run.put("duration_s", run.number("duration"))
    run.put("request_throughput", _statistic(run, metrics, "requests_per_second", "mean"))
    strategy = keys_of(keys_of(run.raw.get("config")).get("strategy"))
    # of the other strategies the largest number of requests is the client's own limit
    at_once = "max_concurrency" if strategy.get("type_") == "synchronous" else "streams"
    run.put("concurrency", run.checked(f"config.strategy.{at_once}", strategy.get(at_once)))
    run.edges = (run.row.get("concurrency") or 0) / completed
    for column, name in LENGTHS.items():
        mean, total, count = (
            _statistic(run, metrics, name, key) for key in ("mean", "total_sum", "count")
        )
        run.put(column, mean)
        if total and count:
            agree(run, name, mean, total / count, "total_sum / count", "tokens")
    low, high = (_statistic(run, metrics, "output_token_count", end) for end in ("min", "max"))
    if low is not None and high is not None:
        run.output_range = (low, high)
    for ours, (theirs, factor) in LATENCY_NAMES.items():
        for percentile in PERCENTILES:
            run.put(f"{ours}_{percentile}_s", _statistic(run, metrics, theirs, percentile), factor)
        mean, deviation, least, most = (
            _statistic(run, metrics, theirs, name) for name in ("mean", "std_dev", "min", "max")
        )
        run.put_spread(ours, factor, mean=mean, deviation=deviation, least=least, most=most)
    failed, left, sent = (
        run.checked(f"requests_made.{name}", made.get(name))
        for name in ("errored", "incomplete", "total")
    )
    if sent is not None:
        check_sent(run, completed, failed or 0, sent - (left or 0))
    mark_failed(run, failed)


def _statistic(run: Run, metrics: Record, name: str, statistic: str) -> float | None:
    """Statistic of a metric over the requests that succeeded; None where it is absent."""
    summary = keys_of(keys_of(metrics.get(name)).get("successful"))
    held = keys_of(summary.get("percentiles")) if statistic in PERCENTILES else summary
    return run.checked(f"metrics.{name}.{statistic}", held.get(statistic))

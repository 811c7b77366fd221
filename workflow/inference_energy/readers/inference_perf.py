"""inference-perf: summary_lifecycle_metrics.json, or the file of one stage.

Keys as written by inference_perf/reportgen/base.py of 0.7. Latencies are in seconds; a mean length
is of the requests that succeeded.
"""

from inference_energy.readers.client_totals import check_sent, mark_failed
from inference_energy.readers.common import PERCENTILES, Record, Run, keys_of
from inference_energy.readers.consistency import check_inputs

CLIENT = "inference-perf"
LATENCY_NAMES = {
    "ttft": "time_to_first_token",
    "itl": "inter_token_latency",
    "e2e": "request_latency",
}
LENGTHS = {
    "input_tokens": ("prompt_tokens", "prompt_len"),
    "output_tokens": ("output_tokens", "output_len"),
}


def recognise(record: Record) -> bool:
    """Whether a JSON object is a summary of inference-perf."""
    return {"load_summary", "successes", "failures"} <= record.keys()


def read(run: Run) -> None:
    """Read one summary into `run`."""
    successes = keys_of(run.raw["successes"])
    if not successes.get("count"):
        run.refuse('"successes.count" is 0; no request succeeded; find out why, and run it again')
        return
    throughput = keys_of(successes.get("throughput"))
    rate = run.checked(
        "successes.throughput.output_tokens_per_sec", throughput.get("output_tokens_per_sec")
    )
    if not rate:
        run.refuse(
            '"successes.throughput.output_tokens_per_sec" is 0 or missing; a run that gave output '
            "tokens is needed; check the tokenizer and run it again"
        )
        return
    run.put("throughput_tps", rate)
    run.put("completed", run.checked("successes.count", successes["count"]))
    run.put("duration_s", run.number("benchmark_time_seconds"))
    requests = run.checked("requests_per_sec", throughput.get("requests_per_sec"))
    run.put("request_throughput", requests)
    load = keys_of(run.raw["load_summary"])
    run.put("concurrency", run.checked("load_summary.concurrency", load.get("concurrency")))
    run.edges = (run.row.get("concurrency") or 0) / (run.row.get("completed") or 1)
    for column, names in LENGTHS.items():
        found = keys_of(next((successes[name] for name in names if successes.get(name)), None))
        run.put(column, run.checked(names[0], found.get("mean")))
        if column == "output_tokens" and {"min", "max"} <= found.keys():
            low, high = (run.checked(f"{names[0]}.{end}", found[end]) for end in ("min", "max"))
            if low is not None and high is not None:
                run.output_range = (low, high)
    names = ("input_tokens_per_sec", "total_tokens_per_sec")
    inputs, both = (run.checked(name, throughput.get(name)) for name in names)
    check_inputs(run, inputs, both, names)
    for ours, theirs in LATENCY_NAMES.items():
        summary = keys_of(keys_of(successes.get("latency")).get(theirs))
        for percentile in PERCENTILES:
            name = "median" if percentile == "p50" else percentile
            run.put(f"{ours}_{percentile}_s", run.checked(f"{theirs}.{name}", summary.get(name)))
        mean, least, most = (
            run.checked(f"{theirs}.{name}", summary.get(name)) for name in ("mean", "min", "max")
        )
        run.put_spread(ours, mean=mean, least=least, most=most)
    failed = run.checked("failures.count", keys_of(run.raw["failures"]).get("count"))
    sent = run.checked("load_summary.count", load.get("count"))
    if sent is not None and run.row.get("completed"):
        check_sent(run, run.row["completed"], failed or 0, sent)
    mark_failed(run, failed)

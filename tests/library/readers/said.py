"""What clients print of a run, by the columns of the benchmark table."""

import re

from library.readers.files import NODE

ONE = NODE | {"model": "m", "n_gpus": 1, "tensor_parallel": 1}
NUMBER, CELL = r"([\d.]+)", r"[^|]*\|"


def line(name):
    """Pattern of a line that ends with its number."""
    return rf"(?m)^{re.escape(name)}:\s+{NUMBER}\s*$"


def after(title, skipped):
    """Pattern of a cell in the row of a table of GuideLLM."""
    return rf"{title}(?s:.*?)concurrent@2 \|(?:{CELL}){{{skipped}}}\s*{NUMBER}"


def row_of(title, skipped):
    """Pattern of a cell in the row of a table of inference-perf."""
    return rf"{title}(?s:.*?)│     0 │(?:[^│]*│){{{skipped}}}\s*{NUMBER}"


def metric(name, statistic):
    """Pattern of a statistic in the table of AIPerf."""
    skipped = {"avg": 0, "p50": 8, "p95": 11, "p99": 12}[statistic]
    return rf"(?m)^{re.escape(name)},(?:[^,]*,){{{skipped}}}{NUMBER}"


def both(allowed, end_to_end):
    """Lines that vLLM's and SGLang's clients print alike."""
    lines = {
        "concurrency": line(allowed),
        "completed": line("Successful requests"),
        "duration_s": line("Benchmark duration (s)"),
        "request_throughput": line("Request throughput (req/s)"),
        "throughput_tps": line("Output token throughput (tok/s)"),
    }
    for ours, theirs in {"ttft": "TTFT", "itl": "ITL", "e2e": end_to_end}.items():
        for ends, printed in {"p50": "Median", "p90": "P90", "p95": "P95", "p99": "P99"}.items():
            lines[f"{ours}_{ends}_s"] = line(f"{printed} {theirs} (ms)")
    return lines


AIPERF = {
    "completed": r"Request Count,([\d.]+)",
    "duration_s": r"Benchmark Duration \(sec\),([\d.]+)",
    "throughput_tps": r"(?m)^Output Token Throughput \(tokens/sec\),([\d.]+)",
    "input_tokens": metric("Input Sequence Length (tokens)", "avg"),
    "output_tokens": metric("Output Sequence Length (tokens)", "avg"),
    "ttft_p50_s": metric("Time to First Token (ms)", "p50"),
    "itl_p95_s": metric("Inter Token Latency (ms)", "p95"),
    "e2e_p99_s": metric("Request Latency (ms)", "p99"),
}
OF_A_GPU = AIPERF | {"gpu_power_w": r"Usage \(W\),([\d.]+)"}
OF_ONE = AIPERF | {
    "gpu_power_w": r"Total GPU Power \(1 GPU\) \(W\),([\d.]+)",
    "gpu_energy_j": r"Total GPU Energy \(1 GPU\) \(J\),([\d.]+)",
}
LATENCIES, SERVER = "Request Latency Statistics", "Server Throughput Statistics"
SPEED, WAIT = "Throughput and Goodput", "Request & Token Latency"
SAID = {
    "vllm/real.json": ("vllm/real.txt", both("Maximum request concurrency", "E2EL")),
    "sglang/real.jsonl": ("sglang/real.txt", both("Max request concurrency", "E2E Latency")),
    "guidellm/real.json": (
        "guidellm/real.txt",
        {
            "input_tokens": after("Request Token Statistics", 0),
            "output_tokens": after("Request Token Statistics", 2),
            "e2e_p50_seconds": after(LATENCIES, 1),
            "e2e_p95_seconds": after(LATENCIES, 2),
            "ttft_p50_s": after(LATENCIES, 4),
            "ttft_p95_s": after(LATENCIES, 5),
            "itl_p50_s": after(LATENCIES, 10),
            "itl_p95_s": after(LATENCIES, 11),
            "concurrency": after(SERVER, 0),
            "request_throughput": after(SERVER, 2),
            "throughput_tps": after(SERVER, 4),
        },
    ),
    "inference-perf/real.json": (
        "inference-perf/real.txt",
        {
            "request_throughput": row_of(SPEED, 3),
            "throughput_tps": row_of(SPEED, 5),
            "e2e_p50_s": row_of(WAIT, 1),
            "e2e_p90_s": row_of(WAIT, 2),
            "ttft_p50_s": row_of(WAIT, 4),
            "ttft_p90_s": row_of(WAIT, 5),
            "itl_p50_s": row_of(WAIT, 7),
            "itl_p90_s": row_of(WAIT, 8),
            "input_tokens": row_of("Token Length", 0),
            "output_tokens": row_of("Token Length", 3),
            "completed": row_of("Request Error Summary", 0),
        },
    ),
    "aiperf/0.8.0.json": ("aiperf/0.8.0.csv", OF_A_GPU),
    "aiperf/0.9.0.json": ("aiperf/0.9.0.csv", OF_A_GPU),
    "aiperf/0.10.0.json": ("aiperf/0.10.0.csv", OF_ONE),
    "aiperf/0.11.0.json": ("aiperf/0.11.0.csv", OF_ONE),
    "aiperf/0.12.0.json": (
        "aiperf/0.12.0.csv",
        AIPERF
        | {
            "gpu_power_w": r"Total GPU Power \(W\),([\d.]+)",
            "gpu_energy_j": r"Total GPU Energy \(J\),([\d.]+)",
        },
    ),
}


def check_said(row, text, patterns):
    """Check that the numbers of a row, rounded as the client prints them, are the client's own."""
    for name, pattern in patterns.items():
        column = name.replace("_seconds", "_s")
        printed = re.search(pattern, text)[1]
        milli = name != "duration_s" and name.endswith("_s")
        read = 1000 * row[column] if milli else row[column]
        decimals = len(printed.partition(".")[2])
        assert f"{read:.{decimals}f}" == printed, name

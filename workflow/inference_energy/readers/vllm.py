"""vLLM: `vllm bench serve --save-result`, one JSON object, or several with --append-result.

Keys as written by vllm/benchmarks/serve.py. What --metadata adds under the name of a fact
(gpu=..., n_gpus=...) is taken as that fact.
"""

import re

from inference_energy.readers.client_totals import check_sent, mark_failed, read_totals
from inference_energy.readers.common import Record, Run

CLIENT = "vllm"
LATENCY_NAMES = {"ttft": "ttft", "itl": "itl", "e2e": "e2el"}
WHOLE = re.compile(r"[0-9]{1,9}")
WHOLE_NUMBERS = ("n_gpus", "tensor_parallel", "pipeline_parallel")
METADATA = {
    "gpu": "gpu",
    "n_gpus": "n_gpus",
    "tensor_parallel": "tensor_parallel",
    "tensor_parallel_size": "tensor_parallel",
    "pipeline_parallel": "pipeline_parallel",
    "pipeline_parallel_size": "pipeline_parallel",
}


def recognise(record: Record) -> bool:
    """Whether a JSON object is a result of vLLM's client."""
    return {"model_id", "output_throughput", "completed"} <= record.keys() and "hw" not in record


def read(run: Run) -> None:
    """Read one result of vLLM's client into `run`."""
    run.put("model", run.raw["model_id"])
    read_totals(run, LATENCY_NAMES)
    mark_failed(run, _failed(run))
    for key, column in METADATA.items():
        value = run.raw.get(key)
        if isinstance(value, str) and column in WHOLE_NUMBERS:
            value = _whole(run, key, value)
        run.put(column, value)
    if "precision" in run.raw:
        run.put_precision(run.raw["precision"])


def _failed(run: Run) -> float | None:
    failed, sent = run.number("failed"), run.number("num_prompts")
    completed = run.row.get("completed")
    if isinstance(sent, int) and isinstance(completed, int):
        # Clients of 2025 and earlier have no "failed"; what was sent and did not succeed failed.
        failed = max(sent - completed, 0) if failed is None else failed
        check_sent(run, completed, failed, sent)
    return failed


def _whole(run: Run, key: str, text: str) -> int | None:
    if WHOLE.fullmatch(text):
        return int(text)
    run.refuse(
        f'metadata "{key}" is "{text[:40]}"; a whole number is allowed; state it in the facts'
    )
    return None

"""SGLang: bench_serving, JSON lines, one object per run; also older files without server_info.

Keys as written by python/sglang/bench_serving.py.
"""

from inference_energy.readers.client_totals import mark_failed, read_totals
from inference_energy.readers.common import Record, Run

CLIENT = "sglang"
LATENCY_NAMES = {"ttft": "ttft", "itl": "itl", "e2e": "e2e_latency"}
OWN_KEYS = {"total_output_tokens_retokenized", "median_e2e_latency_ms", "dataset_name"}


def recognise(record: Record) -> bool:
    """Whether a JSON object is a result of SGLang's client."""
    return (
        {"output_throughput", "completed", "duration"} <= record.keys()
        and bool(OWN_KEYS & record.keys())
        and "model_id" not in record
    )


def read(run: Run) -> None:
    """Read one result of SGLang's client into `run`."""
    read_totals(run, LATENCY_NAMES)
    errors = run.raw.get("errors")
    if isinstance(errors, list):
        mark_failed(run, sum(bool(error) for error in errors))
    # random_output_len is written for every data set; it is the length asked for, of each
    # request, only for random ones whose range is closed.
    dataset = run.raw.get("dataset_name")
    random = isinstance(dataset, str) and dataset.startswith("random")
    if random and run.raw.get("random_range_ratio") == 1:
        run.asked_output = run.number("random_output_len")
    server = run.raw.get("server_info")
    if isinstance(server, dict):
        _read_server(run, server)


def _read_server(run: Run, server: Record) -> None:
    run.put("model", server.get("served_model_name") or server.get("model_path"))
    run.put_version(server.get("version"))
    run.put_precision(server.get("quantization") or server.get("dtype"))
    tensor, pipeline = (
        run.checked(f"server_info.{key}", server.get(key)) for key in ("tp_size", "pp_size")
    )
    run.put("tensor_parallel", tensor)
    run.put("pipeline_parallel", pipeline)
    copies = run.checked("server_info.dp_size", server.get("dp_size"))
    if tensor is not None and pipeline is not None and copies is not None:
        # With data-parallel attention the copies share the GPUs of the tensor-parallel group.
        copies = 1 if server.get("enable_dp_attention") else copies
        run.put("n_gpus", tensor * pipeline * copies)

"""Files of every client, what each needs besides, and bad ones."""

import json

import pytest
from inference_energy.errors import InputError
from inference_energy.readers import detect_and_read
from inference_energy.readers.common import Run, parse_json
from repository import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "benchmarks"
NODE = {"gpu": "H100-SXM-80GB", "n_gpus": 8, "tensor_parallel": 8, "precision": "FP8"}
ALONE = {**NODE, "n_gpus": 1, "tensor_parallel": 1}
PAIR = {**NODE, "n_gpus": 2, "tensor_parallel": 2}
MLPERF = {**NODE, "model": "Llama 2 70B", "gpu": "H200-SXM-141GB"}
# File, client, facts that it needs.
FILES = [
    ("aiperf/cpu.json", "aiperf", NODE),
    ("aiperf/dcgm.json", "aiperf", PAIR),
    ("aiperf/0.8.0.json", "aiperf", ALONE),
    ("aiperf/0.9.0.json", "aiperf", ALONE),
    ("aiperf/0.10.0.json", "aiperf", ALONE),
    ("aiperf/0.11.0.json", "aiperf", ALONE),
    ("aiperf/0.12.0.json", "aiperf", ALONE),
    ("genai-perf/profile_export_genai_perf.json", "genai-perf", NODE),
    ("vllm/single.json", "vllm", NODE),
    ("vllm/appended.json", "vllm", NODE),
    ("vllm/detailed.json", "vllm", NODE),
    ("vllm/older.json", "vllm", NODE),
    ("vllm/real.json", "vllm", NODE),
    ("sglang/real.jsonl", "sglang", {**NODE, "model": "m"}),
    ("sglang/runs.jsonl", "sglang", {"gpu": "H200-SXM-141GB"}),
    # eight H100 would hold the weights in 0.976 of their memory
    ("sglang/older.jsonl", "sglang", {**NODE, "model": "DeepSeek-R1", "gpu": "H200-SXM-141GB"}),
    ("guidellm/benchmarks.json", "guidellm", {**NODE, "model": "m"}),
    ("guidellm/real.json", "guidellm", {**NODE, "model": "m"}),
    ("inference-perf/real.json", "inference-perf", {**NODE, "model": "m"}),
    ("inference-perf/real_stage.json", "inference-perf", {**NODE, "model": "m"}),
    (
        "inference-perf/summary_lifecycle_metrics.json",
        "inference-perf",
        {**NODE, "model": "m", "pipeline_parallel": 1},
    ),
    ("mlenergy/task.json", "mlenergy", {}),
    ("inferencex/agg_single.json", "inferencex", {}),
    ("inferencex/agg_disaggregated.json", "inferencex", {}),
    ("mlperf/offline", "mlperf", MLPERF),
    ("mlperf/server", "mlperf", MLPERF),
    ("project/throughput.csv", "project", {}),
]


def load(name):
    """Raw keys of a JSON fixture of one object."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def put(folder, record, name="run.json"):
    """Write a file for the readers; text as it is, anything else as JSON."""
    path = folder / name
    path.write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
    return path


def refusal(path, facts=None):
    """Message with which a file is refused."""
    with pytest.raises(InputError) as caught:
        detect_and_read(path, facts)
    return str(caught.value)


def recognised(reader):
    """Folders of the JSON fixtures that a reader takes for its client's."""
    taken = set()
    for name, _, _ in FILES:
        if ".json" in name:
            text = (FIXTURES / name).read_text(encoding="utf-8")
            if all(map(reader.recognise, parse_json(name, text))):
                taken.add(name.partition("/")[0])
    return taken


def read_alone(reader, raw):
    """What a reader makes of a client's own keys: the row, its marks, and reasons to refuse."""
    run = Run("run.json", reader.CLIENT, raw=raw)
    reader.read(run)
    return run


def with_value(record, path, value):
    """Copy of a record in which a path of keys, joined by points, leads to a value."""
    key, _, rest = path.partition(".")
    return record | {key: with_value(record.get(key) or {}, rest, value) if rest else value}

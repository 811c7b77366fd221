"""Deployment files and benchmark runs that the tests make up."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.deployments import files
from inference_energy.errors import InputError
from repository import METHOD_FILES, read, read_schema

WHERE = "mine.yaml"
GPU = "H100-SXM-80GB"
HOST = {"distribution": "fixed", "value": 2.0, "unit": "kW", "source": "a meter"}
SCHEMAS = {name: read_schema(name) for name in ("method", "deployment", "facts")}
HARDWARE = {name: read(f"data/{name}.csv", name) for name in ("models", "gpus")}
VENDOR = read("data/throughput/trtllm.csv", "throughput")


def quantity(value, unit):
    """A quantity of a method file."""
    return {"value": value, "unit": unit, "source": "a test"}


def own(extends="oviedo2026", keys=None, **section):
    """Content of a deployment file."""
    needed = {
        "model": "M",
        "benchmarks": "runs.json",
        "gpus_per_node": quantity(8, "GPUs"),
        "traffic": {
            "queries_per_day": quantity(1000, "queries/day"),
            "long_share": quantity(0.25, "1"),
        },
        "electricity_price": quantity(0.1, "EUR/kWh"),
        "grid_intensity": quantity(400, "gCO2e/kWh"),
    }
    return {"extends": extends, "deployment": needed | section} | (keys or {})


def resolved(*args, **kwargs):
    """A deployment file, merged and checked."""
    return files.resolve(own(*args, **kwargs), "mine", WHERE, METHOD_FILES, SCHEMAS)


def bench(rows, **columns):
    """Benchmark table of runs (input tokens, output tokens, throughput)."""
    frame = pd.DataFrame(rows, columns=["input_tokens", "output_tokens", "throughput_tps"])
    common = {
        "model": "M",
        "gpu": GPU,
        "n_gpus": 8,
        "tensor_parallel": 8,
        "pipeline_parallel": 1,
        "precision": "FP8",
        "concurrency": 64.0,
        "gpu_power_w": np.nan,
        "node_power_w": np.nan,
        "energy_per_output_token_j": np.nan,
        "power_boundary": None,
        "status": "ok",
        "source_id": "own",
        "source_file": "runs.json",
        "sha256": "0" * 64,
    }
    frame = frame.assign(**(common | columns), run=range(1, len(frame) + 1))
    return frame.astype({"input_tokens": float, "output_tokens": float, "throughput_tps": float})


def refusal(call, *args, **kwargs):
    """Message with which a call is refused."""
    with pytest.raises(InputError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


FIXED = {
    "pue": {"distribution": "fixed", "value": 1.5, "unit": "1", "source": "a test"},
}
LADDER = [(500, 300, 4000), (500, 600, 3600), (500, 1200, 3000), (500, 4500, 1500)]

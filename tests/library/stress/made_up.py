"""Requests, meters and energies of a made-up stress test."""

import numpy as np
import pandas as pd
from inference_energy.stress import plan as stress_plan
from inference_energy.stress.power import (
    SAMPLE_COLUMNS,
)
from repository import read_yaml

NOON = 1_800_000_000.0
DEFAULTS = read_yaml("config/stress.yaml")
NODE = DEFAULTS | {"endpoint": "http://127.0.0.1:1/v1", "model": "m"}
CANARY = "sk-canary-91b4"
SMALL = {
    "output_tokens": [300, 4500],
    "concurrency": [2],
    "repetitions": 1,
    "window": 120,
    "power": "nvml",
    "gpus": 2,
    "facts": {"gpu": "H100-SXM-80GB", "n_gpus": 2, "tensor_parallel": 2, "precision": "FP8"},
}


def record(start, ttft, gap, tokens, phase="profiling", error=None, **metrics):
    """One line of profile_export.jsonl, as AIPerf 0.13 writes it; times in s."""
    latency = ttft + gap * (tokens - 1)
    values = {
        "time_to_first_token": 1e3 * ttft,
        "inter_token_latency": 1e3 * gap,
        "request_latency": 1e3 * latency,
        "input_sequence_length": 500,
        "output_sequence_length": tokens,
        "inter_chunk_latency": [1e3 * gap] * (tokens - 1),
    } | metrics
    line = {
        "metadata": {
            "request_start_ns": round((NOON + start) * 1e9),
            "request_end_ns": round((NOON + start + latency) * 1e9),
            "benchmark_phase": phase,
            "was_cancelled": False,
        },
        "metrics": {name: {"value": value} for name, value in values.items()},
    }
    if error:
        line |= {"metrics": {}, "error": error}
    return line


def closed_loop(concurrency, rounds, ttft=0.5, gap=0.01, tokens=101, **changes):
    """Requests of a client that keeps `concurrency` in flight, one round after another."""
    latency = ttft + gap * (tokens - 1)
    return stress_plan.requests_of(
        record(latency * number + 0.01 * lane, ttft, gap, tokens, **changes)
        for number in range(rounds)
        for lane in range(concurrency)
    )


def samples(times, power=None, energy=None, meter="gpu 0", utilisation=np.nan):
    frame = pd.DataFrame({"time_s": np.asarray(times, float), "meter": meter})
    # no real meter reads the same twice for long; one that does is stale
    noise = 1 + 1e-8 * (np.arange(len(frame)) % 2)
    frame["power_w"] = np.nan if power is None else power * noise
    frame["energy_j"] = np.nan if energy is None else energy
    frame["utilisation"] = utilisation
    return frame.reindex(columns=SAMPLE_COLUMNS)


def kinds(findings):
    return [(finding.kind, finding.refuses) for finding in findings]


def energies(long):
    rows = [
        ("gpu", 8, length, repetition, value * (1 + 0.01 * repetition))
        for length, value in ((300, 0.3), (1200, 1.1), (4500, long))
        for repetition in (-1, 0, 1)
    ]
    return pd.DataFrame(
        rows, columns=["scope", "concurrency", "output_tokens", "repetition", "energy_wh"]
    )


def read(folder, name):
    """Table of a finished test."""
    return pd.read_csv(folder / f"{name}.csv")

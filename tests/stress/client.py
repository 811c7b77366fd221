"""Stands in for AIPerf where the runner alone is tested: writes its files at once.

``client.py profile --config FILE ...`` reads the run's configuration and writes what AIPerf 0.13
would, for a server of constant speed: requests one after the other on a clock of its own, that
stands in the file ``clock`` beside the cells, and telemetry of two GPUs once a second. Behaviour is
set by ``behaviour.json`` beside the cells: ``fails``, ``hangs``, ``grows``, ``errors``, ``breaks``
and ``unwatched`` name cells, ``grows`` those in which it takes half a GB and hangs, ``breaks``
those whose first answer breaks off half way, the last those without telemetry, ``idle`` the GPUs
that no request reaches, ``refresh`` [s] the time for which a GPU repeats its reading, ``wavers``
whether the last digit changes all the same, ``hosts`` the nodes of two GPUs each.
"""

import json
import sys
import time
from pathlib import Path

import yaml

TOKEN, PREFILL = 0.01, 0.2
IDLE_W, LOAD_W = 100.0, 400.0
BEFORE, AFTER = 20.0, 5.0
HALF_A_GB = 500_000_000


def main(path):
    """Run one cell."""
    config = yaml.safe_load(Path(path).read_text())["benchmark"]
    folder = Path(config["artifacts"]["dir"])
    behaviour = read(folder.parent / "behaviour.json", {})
    if folder.name in behaviour.get("hangs", []):
        time.sleep(600)
    if folder.name in behaviour.get("grows", []):
        held = b"x" * HALF_A_GB
        time.sleep(600)
        sys.exit(f"{len(held)} bytes were let pass")
    if folder.name in behaviour.get("fails", []):
        sys.exit("the server closed the connection")
    start = read(folder.parent / "clock", 1_800_000_000.0)
    phase = config["phases"][-1]
    tokens = config["dataset"]["prompts"]["osl"]
    latency = PREFILL + TOKEN * (tokens - 1)
    rounds = max(1, round(phase.get("duration", 0) / latency))
    concurrency, begun = phase["concurrency"], start + BEFORE
    lines = [
        record(begun + latency * number + 0.001 * lane, tokens, latency, behaviour.get("echo"))
        for number in range(rounds)
        for lane in range(concurrency)
    ]
    if folder.name in behaviour.get("errors", []):
        lines = [line | {"error": {"code": 503, "type": "HTTPError"}} for line in lines]
    if folder.name in behaviour.get("breaks", []):
        lines[0] = record(begun, tokens // 2, latency / 2, behaviour.get("echo"))
    end = begun + rounds * latency
    write(folder / "profile_export.jsonl", lines)
    idle = behaviour.get("idle", [])
    moments = [start + second for second in range(round(end - start + AFTER))]
    refresh = behaviour.get("refresh")
    if folder.name not in behaviour.get("unwatched", []):
        write(
            folder / "gpu_telemetry_export.jsonl",
            [
                sample(t, gpu, begun <= read < end and gpu not in idle, digits, host)
                for t in moments
                for host in behaviour.get("hosts", ["node"])
                for read in [t - t % refresh if refresh else t]
                for digits in [t if behaviour.get("wavers") else read]
                for gpu in range(2)
            ],
        )
    (folder.parent / "clock").write_text(str(end + AFTER))
    summary = {"aiperf_version": "0.13.0", "was_cancelled": False}
    (folder / "profile_export_aiperf.json").write_text(json.dumps(summary))


def read(path, default):
    """JSON of a file, or the default where there is none."""
    return json.loads(path.read_text()) if path.exists() else default


def write(path, lines):
    """Write JSON lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def record(start, tokens, latency, echo):
    """One request."""
    metrics = {
        "time_to_first_token": 1e3 * PREFILL,
        "inter_token_latency": 1e3 * TOKEN,
        "request_latency": 1e3 * latency,
        "input_sequence_length": 500,
        "output_sequence_length": tokens,
        "inter_chunk_latency": [1e3 * TOKEN] * (tokens - 1),
    }
    return {
        "metadata": {
            "request_start_ns": round(start * 1e9),
            "request_end_ns": round((start + latency) * 1e9),
            "benchmark_phase": "profiling",
            "was_cancelled": False,
            "headers": echo,
        },
        "metrics": {name: {"value": value} for name, value in metrics.items()},
    }


def sample(moment, gpu, loaded, digits=0.0, host="node"):
    """Telemetry of one GPU of a host at a moment, with last digits of another."""
    power = (LOAD_W if loaded else IDLE_W) + 0.01 * (digits % 7)
    return {
        "timestamp_ns": round(moment * 1e9),
        "gpu_index": gpu,
        "hostname": host,
        "platform": "nvidia",
        "telemetry_source_url": "pynvml://localhost",
        "telemetry_data": {
            "nvidia_power_usage": power,
            "nvidia_gpu_utilization": 95.0 if loaded else 0.0,
            "nvidia_memory_used": 70.0,
        },
    }


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--config") + 1])

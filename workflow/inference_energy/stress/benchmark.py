"""The stress test as a benchmark: its steady windows in the table that deployments read."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from inference_energy.energy.equation import energy_of_each
from inference_energy.method.boundary import Meter
from inference_energy.stress.plan import Cell
from inference_energy.stress.records import client_version
from inference_energy.tables import load_schema

FACTS = ("gpu", "n_gpus", "tensor_parallel", "pipeline_parallel", "precision")
MARKED = ("errors", "not steady", "hidden tokens")
"""Kinds of remark that make a run one to doubt."""


LATENCIES = {"ttft": "ttft", "itl": "itl", "latency": "e2e"}


def benchmark_table(
    cells: pd.DataFrame,
    power: pd.DataFrame,
    findings: pd.DataFrame,
    settings: Mapping[str, Any],
    folder: Path,
) -> pd.DataFrame:
    """Rows of the benchmark table, one a measured cell, over its steady window.

    Parameters
    ----------
    cells, power, findings : DataFrame
        The tables stress_cells, stress_power and stress_findings.
    settings : dict
        As in config/stress.yaml; facts that are not stated there are left out.
    folder : Path
        Of the test, with AIPerf's records of every cell.

    Returns
    -------
    DataFrame
        Columns of benchmark.schema.yaml that are known.
    """
    facts = settings["facts"]
    rows = []
    used = cells[cells["status"] == "measured"]
    for number, cell in enumerate(used.to_dict("records"), start=1):
        row = {
            "model": facts.get("model", settings["model"]),
            "input_tokens": cell["input_tokens"],
            "output_tokens": cell["delivered_tokens"],
            "concurrency": float(cell["concurrency"]),
            "throughput_tps": cell["throughput_tps"],
            "duration_s": cell["window_s"],
            "source_id": settings["name"] or settings["model"],
            "client": "aiperf",
            "client_version": client_version(folder / cell["cell"]),
            "source_file": cell["cell"],
            "run": number,
            "sha256": _checksum(folder / cell["cell"] / "profile_export.jsonl"),
            "status": _status(findings[findings["cell"].isin([cell["cell"], "all"])]),
        }
        row |= _requests(cell) | {name: facts[name] for name in FACTS if name in facts}
        row |= {
            f"{theirs}_p{percent}_s": cell[f"{ours}_p{percent}_s"]
            for ours, theirs in LATENCIES.items()
            for percent in (50, 90, 99)
        }
        rows.append(row | _power(power[power["cell"] == cell["cell"]], cell))
    frame = pd.DataFrame(rows)
    return frame[[name for name in load_schema("benchmark")["properties"] if name in frame]]


def _requests(cell: Cell) -> dict[str, int]:
    """Requests of a cell's window: those that its tokens make, and as large a share that failed.

    A count of those that end in it would leave out most of what is in flight at its end.
    """
    sent, failed = cell["requests"], cell["failed"]
    queries = cell["window_tokens"] / cell["delivered_tokens"]
    return {"completed": round(queries), "failed": math.ceil(queries * failed / (sent - failed))}


def _power(rows: pd.DataFrame, cell: Cell) -> dict[str, Any]:
    """Power and energy of a cell, of the node where it was measured."""
    by_scope = rows.dropna(subset=["energy_j"]).set_index("scope")
    row, boundary = {}, None
    if "gpu" in by_scope.index:
        row["gpu_power_w"] = by_scope.loc["gpu", "power_w"]
        row["gpu_energy_j"] = by_scope.loc["gpu", "energy_j"]
        boundary = "gpu"
    if "node" in by_scope.index:
        row["node_power_w"] = by_scope.loc["node", "power_w"]
        boundary = "node"
    if boundary:
        query = by_scope.loc[boundary, "energy_wh"]
        row["energy_per_output_token_j"] = energy_of_each(query, cell["delivered_tokens"])
        row["power_boundary"] = Meter.NODE if boundary == "node" else Meter.ACCELERATOR
    return row


def _status(findings: pd.DataFrame) -> str:
    marks = [
        f"{'' if kind in MARKED else 'power: '}{message}".replace(";", ",")
        for kind, message in zip(findings["kind"], findings["message"], strict=True)
        if kind in MARKED or kind == "shared"
    ]
    return f"marked: {'; '.join(marks)}" if marks else "ok"


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

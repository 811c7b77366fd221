"""CSV of this project: the benchmark table, or the throughput table."""

import csv
import math

import pandas as pd

from inference_energy.documents import Schema
from inference_energy.laws.rows import copy_gpus
from inference_energy.project import AnyPath
from inference_energy.readers.common import Run, first_line
from inference_energy.readers.consistency import NODE_GPUS
from inference_energy.tables import load_schema, read_marked, refuse

CLIENT = "project"
FACTS = ("model", "gpu", "n_gpus", "tensor_parallel", "precision")


def recognise(text: str) -> str | None:
    """Name of the table that a CSV text is meant to be, or None; its reader tells what is wrong."""
    try:
        header = set(next(csv.reader([first_line(text)]), []))
    except csv.Error:
        return None
    if len({"model", "gpu", "throughput_tps"} & header) < 2:
        return None
    return "benchmark" if {"n_gpus", "status"} & header else "throughput"


def _open(schema: Schema) -> Schema:
    """Schema in which facts may be missing: they are asked for by name, and may be stated."""
    open_columns = {
        name: column | {"enum": [*column["enum"], None]}
        if "enum" in column
        else column | {"type": [column["type"], "null"]}
        for name, column in schema["properties"].items()
        if name in FACTS and name in schema["required"]
    }
    return schema | {
        "required": [name for name in schema["required"] if name not in open_columns],
        "properties": schema["properties"] | open_columns,
    }


def _gpus(rows: pd.DataFrame) -> list[int | None]:
    """GPUs of each row of a throughput table; none where its nodes are more than its copy fills."""
    gpus = copy_gpus(rows)
    told = gpus.notna() & (gpus > (rows["nodes"].fillna(1) - 1) * NODE_GPUS)
    return [int(each) if known else None for each, known in zip(gpus, told, strict=True)]


def read(path: AnyPath, table: str) -> list[Run]:
    """Read a throughput or benchmark table as runs.

    Parameters
    ----------
    path : str or path-like
        CSV file.
    table : str
        throughput or benchmark.

    Returns
    -------
    list of Run
        One per row. A benchmark table keeps the file, checksum and marks of its rows.
    """
    columns = load_schema("benchmark")["properties"]
    runs: list[Run] = []
    frame, lines, _, problems = read_marked(path, _open(load_schema(table)))
    refuse(problems)
    gpus = _gpus(frame) if table == "throughput" else []
    for number, record in zip(lines, frame.astype(object).to_dict("records"), strict=True):
        run = Run(f"{path}, line {number}", CLIENT)
        run.row = {
            str(name): value
            for name, value in record.items()
            if name in columns and not pd.isna(value)
        }
        marks = run.row.pop("status", "ok").removeprefix("marked: ")
        run.marks = [] if marks == "ok" else marks.split("; ")
        if table == "throughput":
            run.put("n_gpus", gpus[len(runs)])
        # the client may count those in flight at the ends of its window in one number alone
        run.edges = run.row.get("concurrency", 0.0) / run.row.get("completed", math.inf)
        runs.append(run)
    return runs

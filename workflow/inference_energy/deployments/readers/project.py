"""CSV of this project: the benchmark table, or the throughput table."""

import csv

import pandas as pd

from inference_energy.deployments.readers.common import Run
from inference_energy.tables import load_schema, read_table

CLIENT = "project"


def recognise(text):
    """Name of the table that a CSV text is meant to be, or None; its reader tells what is wrong."""
    header = set(next(csv.reader(text.splitlines()[:1]), []))
    if len({"model", "gpu", "throughput_tps"} & header) < 2:
        return None
    return "benchmark" if {"n_gpus", "status"} & header else "throughput"


def read(path, table):
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
    runs = []
    records = read_table(path, table).astype(object).to_dict("records")
    for number, record in enumerate(records, start=2):
        run = Run(f"{path}, row {number}", CLIENT)
        run.row = {
            name: value for name, value in record.items() if name in columns and not pd.isna(value)
        }
        marks = run.row.pop("status", "ok").removeprefix("marked: ")
        run.marks = [] if marks == "ok" else marks.split("; ")
        if table == "throughput":
            group = run.row["tensor_parallel"] * run.row.get("pipeline_parallel", 1)
            run.put("n_gpus", group)
        runs.append(run)
    return runs

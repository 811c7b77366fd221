"""Write what a kit brought back into the committed tables of the project's own stress tests.

``tables.py NAME SOURCE_ID FOLDER...``: folders of tests that one server was asked for, unpacked;
their rows replace those of test NAME in data/measured/own_node.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "workflow"))

from inference_energy.stress.plan import requests_of  # noqa: E402
from inference_energy.stress.records import is_request, read_lines  # noqa: E402
from inference_energy.tables import load_schema, read_table, write_table  # noqa: E402

OUT = PROJECT / "data/measured/own_node"
MIB = 2**20 / 1e9
"""GB in a MiB."""

APART = 5.0
"""Between requests, and so long after and before them, a GPU is idle [s]."""

FIGURES = 6
"""Significant figures of what is computed here."""

LEAST_LOGGED = 0.9
"""Share of a window's seconds that nvidia-smi's log, one reading a second, must hold."""

SERVER = ["model", "gpu", "n_gpus", "tensor_parallel", "precision", "engine"]

SMI = {
    "timestamp": "time",
    " power.draw.instant [W]": "power_w",
    " utilization.gpu [%]": "utilisation",
    " memory.used [MiB]": "memory_gb",
    " clocks.current.sm [MHz]": "clock_mhz",
}


def main(name, source_id, *folders):
    """Replace the rows of a test."""
    if not folders:
        sys.exit("no folder is given: tables.py NAME SOURCE_ID FOLDER...")
    if source_id not in set(read_table(PROJECT / "data/sources.csv", "sources")["source_id"]):
        sys.exit(
            f"SOURCE_ID is {source_id}; allowed is a source_id of data/sources.csv: add it there"
        )
    found = [read_test(Path(folder)) for folder in folders]
    servers = pd.concat([rows[SERVER] for rows, _ in found]).drop_duplicates()
    if len(servers) > 1:
        several = " and ".join(", ".join(map(str, row)) for row in servers.to_numpy())
        sys.exit(f"the folders are of {several}; allowed is one server: give each a NAME")
    told = {"test": name, "source_id": source_id}
    for table, schema, frames in zip(
        ("cells", "timeline"),
        ("own_node", "own_node_timeline"),
        zip(*found, strict=True),
        strict=True,
    ):
        path = OUT / f"{table}.csv"
        known = read_table(path, schema)
        columns = load_schema(schema)["properties"]
        new = pd.concat(frames, ignore_index=True).assign(**told)[list(columns)]
        rows = pd.concat([known[known["test"] != name], new], ignore_index=True)
        write_table(rows, path, schema)


def read_test(folder):
    """Rows of a test; a folder that does not hold all of it is refused in one message."""
    try:
        return one_test(folder)
    except OSError as error:
        sys.exit(f"{error.filename}: cannot be read ({error.strerror}): unpack all parts")


def read_csv(path):
    """Read a table of a test."""
    try:
        return pd.read_csv(path)
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        sys.exit(f"{path}: {str(error).strip()}: unpack all parts again")


def one_test(folder):
    """Rows of the cells of a test, and of its course by nvidia-smi's log."""
    stated = json.loads((folder / "stated.json").read_text(encoding="utf-8"))
    cells, power, findings, benchmark = (
        read_csv(folder / f"{table}.csv") for table in ("cells", "power", "findings", "benchmark")
    )
    logs = sorted(folder.glob("nvidia-smi-*.csv"))
    if not logs:
        sys.exit(f"{folder}: no log of nvidia-smi (nvidia-smi-*.csv): unpack all parts")
    log = pd.concat(map(read_log, logs), ignore_index=True)
    for cell in cells["cell"]:
        if not (folder / cell / "profile_export.jsonl").exists():
            sys.exit(f"{folder}: no list of requests of {cell}: unpack requests-* too")
    requests = all_requests(folder)
    log["requests"] = in_flight(log["at_s"], requests)
    keys = ["cell", "output_tokens", "concurrency", "repetition"]
    rows = cells.merge(power.drop(columns="scope"), on=keys, validate="1:1")
    inside = [within(log, start, length) for start, length in zip(*windows(rows), strict=True)]
    for cell, part, length in zip(rows["cell"], inside, rows["window_s"], strict=True):
        if len(part) < LEAST_LOGGED * length:
            told = f"nvidia-smi's log holds {len(part)} of the {length:.0f} s of {cell}"
            sys.exit(f"{folder}: {told}: its window is not measured beside it")
    facts = stated["facts"]
    rows = rows.assign(
        **{key: facts[key] for key in SERVER},
        engine_version=engine_version(facts["engine"]),
        client="AIPerf",
        client_version=benchmark["client_version"].iloc[0],
        log_energy_j=[
            rounded(part["power_w"].mean() * length)
            for part, length in zip(inside, rows["window_s"], strict=True)
        ],
        clock_mhz=[rounded(part["clock_mhz"].mean()) for part in inside],
        idle_power_w=rows["idle_w"].fillna(rounded(idle(log, requests))),
        remark=[remark_of(findings, cell) for cell in rows["cell"]],
    )
    course = log.assign(scope="gpu", time=log["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return rows, course.drop_duplicates("time")


def rounded(value):
    """Round to the figures that the tables hold."""
    return float(f"{value:.{FIGURES}g}")


def windows(cells):
    """Starts [s] and lengths [s] of the windows of cells."""
    start = pd.to_datetime(cells["window_start"]).map(pd.Timestamp.timestamp)
    return start, cells["window_s"]


def within(log, start, length):
    """Readings of a log within a window [s]."""
    return log[(log["at_s"] >= start) & (log["at_s"] < start + length)]


def read_log(path):
    """Readings of nvidia-smi's log of one GPU in UTC, in this project's units."""
    whole = read_csv(path)
    gpus = sorted(whole[" index"].dropna().astype(int).unique())
    if len(gpus) > 1:
        told = ", ".join(map(str, gpus))
        sys.exit(f"{path}: GPUs {told}; allowed is one, as power is not added up here")
    raw = whole[list(SMI)].rename(columns=SMI)
    try:
        time = pd.to_datetime(raw.pop("time"), utc=True)
        numbers = raw.map(lambda told: float(told.split()[0]))
    except (AttributeError, ValueError) as error:
        sys.exit(f"{path}: a reading is cut off or is no number ({error}): take its line out")
    numbers["utilisation"] /= 100
    numbers["memory_gb"] = (numbers["memory_gb"] * MIB).map(rounded)
    return numbers.assign(time=time, at_s=time.map(pd.Timestamp.timestamp))


def all_requests(folder):
    """Requests of all cells and pilots of a test, finished or not."""
    records = [
        record
        for path in sorted(folder.glob("*/profile_export.jsonl"))
        for record in read_lines(path, is_request)[0]
    ]
    return pd.concat([requests_of(records, phase) for phase in ("warmup", "profiling")])


def in_flight(times, requests):
    """How many requests are in flight at each time [s]."""
    begun = np.searchsorted(np.sort(requests["start_s"]), times, side="right")
    ended = np.searchsorted(np.sort(requests["end_s"]), times, side="right")
    return begun - ended


def idle(log, requests):
    """Power [W] far from every request: the median, as what loads the model may still end."""
    near = [
        in_flight(log["at_s"] + shift, requests) > 0
        for shift in np.arange(-APART, APART + 0.5, 0.5)
    ]
    return log.loc[~np.any(near, axis=0), "power_w"].median()


def engine_version(engine):
    """Version of an engine, from the packages that it was run with."""
    lock = (PROJECT / f"envs/gpu/{engine.lower()}.lock").read_text(encoding="utf-8")
    return next(
        line.split("==")[1].split()[0]
        for line in lock.splitlines()
        if line.startswith(f"{engine.lower()}==")
    )


def remark_of(findings, cell):
    """What the test remarked of a cell alone."""
    own = findings[findings["cell"] == cell]
    return (
        "; ".join(
            f"{kind}: {message}" for kind, message in zip(own["kind"], own["message"], strict=True)
        )
        or None
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

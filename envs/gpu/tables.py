"""Write what a kit brought back into the committed tables of the project's own stress tests.

``tables.py NAME SOURCE_ID FOLDER...``: folders of tests that one server was asked for, unpacked;
their rows replace those of test NAME in data/measured/own_node.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "workflow"))

from inference_energy.errors import InputError  # noqa: E402
from inference_energy.stress.plan import requests_of  # noqa: E402
from inference_energy.stress.records import is_request, read_lines  # noqa: E402
from inference_energy.tables import load_schema, read_table, spelling, write_table  # noqa: E402

OUT = PROJECT / "data/measured/own_node"
MIB = 2**20 / 1e9
"""GB in a MiB."""

APART = 5.0
"""Between requests, and so long after and before them, a GPU is idle [s]."""

FIGURES = 6
"""Significant figures of what is computed here."""

LEAST_LOGGED = 0.9
"""Share of a window's seconds that nvidia-smi's log, one reading a second, must hold."""

SHOWN = 200
"""Letters of an error that are shown."""

SERVER = ["model", "gpu", "n_gpus", "tensor_parallel", "precision", "engine"]

SMI = {
    "timestamp": "time",
    " power.draw.instant [W]": "power_w",
    " utilization.gpu [%]": "utilisation",
    " memory.used [MiB]": "memory_gb",
    " clocks.current.sm [MHz]": "clock_mhz",
}

UNITS = {"power_w": "W", "utilisation": "%", "memory_gb": "MiB", "clock_mhz": "MHz"}
"""Of the readings of the log, by this project's names."""


def main(name, source_id, *folders):
    """Replace the rows of a test."""
    if not folders:
        sys.exit("no folder is given: tables.py NAME SOURCE_ID FOLDER...")
    if source_id not in set(read_table(PROJECT / "data/sources.csv", "sources")["source_id"]):
        sys.exit(
            f"SOURCE_ID is {source_id}; allowed is a source_id of data/sources.csv: add it there"
        )
    found = [read_test(Path(folder)) for folder in folders]
    if empty := [
        str(folder) for folder, (rows, _) in zip(folders, found, strict=True) if rows.empty
    ]:
        sys.exit(f"{', '.join(empty)}: no cell with its power: unpack all parts again")
    servers = pd.concat([rows[SERVER] for rows, _ in found]).drop_duplicates()
    if len(servers) > 1:
        several = " and ".join(", ".join(map(str, row)) for row in servers.to_numpy())
        sys.exit(f"the folders are of {several}; allowed is one server: give each a NAME")
    told = {"test": name, "source_id": source_id}
    made = {}
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
        made[path] = (rows, schema)
    write(made)


def write(made):
    """Write all of the tables, or none where one of them is refused."""
    before = {path: path.read_bytes() for path in made}
    try:
        for path, (rows, schema) in made.items():
            write_table(rows, path, schema)
    except InputError as error:
        for path, data in before.items():
            path.write_bytes(data)
        sys.exit("; ".join(error.problems))


def read_test(folder):
    """Rows of a test; a folder that does not hold all of it is refused in one message."""
    try:
        return one_test(folder)
    except OSError as error:
        sys.exit(f"{error.filename}: cannot be read ({error.strerror}): unpack all parts")
    # the last where something is no JSON, no UTF-8, no time, or there twice
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:SHOWN]
        sys.exit(f"{folder}: a file of it is damaged ({told}): unpack all parts again")


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
    if lost := sorted({*cells["cell"]} ^ {*rows["cell"]}):
        sys.exit(f"{folder}: no power of {', '.join(lost)}: unpack all parts again")
    if rows.empty:
        sys.exit(f"{folder}: no cell with its power: unpack all parts again")
    inside = [within(log, start, length) for start, length in zip(*windows(rows), strict=True)]
    for cell, part, length in zip(rows["cell"], inside, rows["window_s"], strict=True):
        if len(part) < LEAST_LOGGED * length:
            told = f"nvidia-smi's log holds {len(part)} of the {length:.0f} s of {cell}"
            sys.exit(f"{folder}: {told}: its window is not measured beside it")
    facts = stated["facts"]
    check_facts(folder / "stated.json", facts)
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


def check_facts(path, facts):
    """Refuse facts of another server than the one whose one GPU was logged."""
    if facts["n_gpus"] != 1:
        sys.exit(f"{path}: n_gpus is {facts['n_gpus']}; allowed is 1: the log is of one GPU")
    for key in ("model", "gpu", "engine"):
        if facts[key] != spelling(facts[key]):
            wanted = f'allowed is the spelling of tables, "{spelling(facts[key])}"'
            sys.exit(f"{path}: {key} is {facts[key]!a}; {wanted}")


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
        numbers = pd.DataFrame({name: raw[name].map(reading(UNITS[name])) for name in raw})
    except (AttributeError, ValueError) as error:
        sys.exit(f"{path}: a reading is cut off or is no number ({error}): take its line out")
    numbers["utilisation"] /= 100
    numbers["memory_gb"] = (numbers["memory_gb"] * MIB).map(rounded)
    return numbers.assign(time=time, at_s=time.map(pd.Timestamp.timestamp))


def reading(unit):
    """What reads a finite number, in this unit where it states one."""

    def read(told):
        number, *said = told.split()
        if said not in ([], [unit]) or not math.isfinite(float(number)):
            raise ValueError(f"{told.strip()!r} is no number of {unit}")
        return float(number)

    return read


def all_requests(folder):
    """Requests of all cells and pilots of a test, finished or not."""
    records = []
    for path in sorted(folder.glob("*/profile_export.jsonl")):
        whole, damaged = read_lines(path, is_request)
        if damaged or not whole:
            told = f"{damaged} of {damaged + len(whole)} lines are damaged"
            sys.exit(f"{path}: {told}: unpack all parts again")
        records += whole
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
    locks = {path.stem: path for path in (PROJECT / "envs/gpu").glob("*.lock")}
    name = engine.lower()
    lines = locks[name].read_text(encoding="utf-8").splitlines() if name in locks else []
    versions = [line.split("==")[1].split()[0] for line in lines if line.startswith(f"{name}==")]
    if not versions:
        sys.exit(f"engine is {engine!a}; allowed is one of envs/gpu: correct facts of stated.json")
    return versions[0]


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

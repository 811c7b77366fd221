"""Measure request logs of rising size against DuckDB's bare scan and group; write requests.md.

A log is Parquet files of ten million rows, or JSON lines of a million, each drawn by itself: of
copies of one file, a group by time and tenant, or by three lengths, which nearly every row has to
itself, would find most of its groups there already.
Each size is read by `snakemake requests` on two cores, and by DuckDB alone, on two threads,
grouping the same columns. One size is then read again in parts, here and, where SLURM and
.venv-slurm are installed, on a SLURM of one node: what a job costs.

What was measured is kept in requests.json, as it is after every row, and the page is written from
it: the logs of ``LOGS`` and the sizes of ``REQUESTS`` are measured anew, the others stay.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cluster.one_node import one_node
from inference_energy.requests.files import folder_name
from inference_energy.tables import write_text
from inference_energy.units import GIGA, MICROSECONDS_PER_DAY
from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "benchmarks" / "requests.json"
FILE_ROWS = {"parquet": 10_000_000, "jsonl": 1_000_000}
SIZES = [int(float(size)) for size in os.environ.get("REQUESTS", "1e7 1e8 1e9").split()]
MODELS = ["Llama 3.1 405B", "Llama 3.1 70B", "DeepSeek-R1", "Mixtral 8x22B", "ours"]
COLUMNS = {
    "lengths and model": "model, input_tokens, output_tokens",
    "the same, time and tenant": (
        "epoch_us(start) // 3600000000 AS hour, tenant, model, input_tokens, output_tokens"
    ),
    "a month, 20 models, 10,000 tenants, cached tokens": (
        "epoch_us(start) // 3600000000 AS hour, tenant, model, input_tokens, cached_tokens,"
        " output_tokens"
    ),
    "a month, 20 models, ends and ids": (
        "epoch_us(start) // 3600000000 AS hour, model, input_tokens, output_tokens,"
        ' max("end"), max(id)'
    ),
    "varied input, cached tokens": "model, input_tokens, cached_tokens, output_tokens",
    "the same, JSON lines": "model, input_tokens, cached_tokens, output_tokens",
}
"""Columns of the logs, as DuckDB alone groups them."""

JSON, MANY = "the same, JSON lines", "a month, 20 models, 10,000 tenants, cached tokens"
ENDS = "a month, 20 models, ends and ids"
NAMED = {"the same, time and tenant": (1, 5, 100), MANY: (30, 20, 10_000), ENDS: (30, 20, 0)}
"""Days, models and tenants of the logs that have times."""

TOKEN_US = 20_000
"""Time of an answer per token, in the log that has ends. [us]"""

TYPES = {"model": "VARCHAR"} | dict.fromkeys(
    ("input_tokens", "cached_tokens", "output_tokens"), "BIGINT"
)
"""Columns of the log of JSON lines, and their types, as DuckDB alone is told them."""

READERS = {
    "parquet": lambda folder: f"read_parquet('{folder}/log/*.parquet')",
    "jsonl": lambda folder: f"read_ndjson('{folder}/log/*.jsonl', columns={TYPES})",
}
"""How DuckDB alone reads the files of a folder."""

LARGEST = {
    "lengths and model": 10**9,
    "the same, time and tenant": 10**8,
    MANY: 10**7,
    ENDS: 10**7,
    "varied input, cached tokens": 10**9,
    JSON: 10**7,
    "a day": 10**9,
}
"""Rows up to which each log is measured."""

BARE = 10**8
"""Rows up to which DuckDB alone groups what nearly every row has to itself: a billion would take
more memory than there is, and spill to disk."""

SECTIONS = {
    "Lengths, and time and tenant": (
        "lengths and model",
        "the same, time and tenant",
        MANY,
    ),
    "Load and duplicates": (ENDS,),
    "Cached tokens, and JSON lines": ("varied input, cached tokens", JSON),
}
DAY, PARTED, START = "a day", "parts", "one request"
LOGS = os.environ.get("LOGS", ";".join([START, *COLUMNS, DAY, PARTED])).split(";")
"""What is measured; the page's other rows stay."""

SPLIT = 10**8
"""Rows up to which a log is read again in parts."""

PARTS = 8
"""Parts in which a log is read again."""

SLURM = ROOT / ".venv-slurm" / "bin" / "python"
ON_SLURM = ["--profile", "workflow/profiles/slurm", "--slurm-status-command", "squeue"]


def kind(log):
    """Ending of a log's files."""
    return "jsonl" if log == JSON else "parquet"


def draw(path, log, number):
    """Write a file by its number: exponential answers to 500 tokens, or both lengths log-normal.

    Of every second request with cached tokens any part of the input is.
    """
    random, n = np.random.default_rng(number), FILE_ROWS[kind(log)]
    days, models, tenants = NAMED.get(log, (0, len(MODELS), 0))
    names = [*MODELS, *(f"ours {number}" for number in range(len(MODELS), models))]
    columns = {"model": pa.DictionaryArray.from_arrays(random.integers(0, models, n), names)}
    if log == "lengths and model":
        columns["input_tokens"] = np.full(n, 500, np.int32)
        lengths = random.exponential(300 / np.log(2), n)
    else:
        columns["input_tokens"] = random.lognormal(7, 1, n).astype(np.int32)
        lengths = random.lognormal(5.3, 0.9, n)
    if days:
        start = np.sort(random.integers(0, days * MICROSECONDS_PER_DAY, n))
        columns["start"] = pa.array(start, pa.timestamp("us"))
    if tenants:
        names = [f"tenant {number}" for number in range(tenants)]
        columns["tenant"] = pa.DictionaryArray.from_arrays(random.integers(0, tenants, n), names)
    if "cached_tokens" in COLUMNS[log]:
        hit = random.integers(0, 2, n) * random.random(n)
        columns["cached_tokens"] = (columns["input_tokens"] * hit).astype(np.int32)
    columns["output_tokens"] = np.rint(lengths).astype(np.int32)
    if log == ENDS:
        lasted = TOKEN_US * columns["output_tokens"].astype(np.int64)
        columns["end"] = pa.array(start + lasted, pa.timestamp("us"))
        columns["id"] = pa.array(random.integers(0, 2**63, n)).cast(pa.string())
    rows = pa.table(columns)
    if kind(log) == "parquet":
        pq.write_table(rows, path)
    else:
        duckdb.sql(f"COPY (FROM rows) TO '{path}' (FORMAT json)")


def session_memory(session):
    """Memory of all processes of a session. [bytes]"""
    total = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                total += int((folder / "statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * os.sysconf("SC_PAGE_SIZE")


def measured(command, **options):
    """Wall time [s], processor time [s] and largest memory [bytes] of a command."""
    before, start = os.times(), time.perf_counter()
    with tempfile.TemporaryFile() as screen:
        process = subprocess.Popen(
            command, stdout=screen, stderr=screen, start_new_session=True, **options
        )
        memory = 0
        while process.poll() is None:
            memory = max(memory, session_memory(process.pid))
            time.sleep(0.2)
        if process.returncode:
            screen.seek(0)
            sys.exit(screen.read().decode()[-5000:])
    after = os.times()
    processor = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return time.perf_counter() - start, processor, memory


def bare(folder, log):
    """Group a log's columns by DuckDB alone; a process of its own, so that its memory is its own.

    It may take as much memory as it asks for: held to 1.5 GB, it ends in an error at 1e8 rows that
    are nearly all groups of their own.
    """
    sql = (
        "SET threads=2; SET preserve_insertion_order=false;"
        f" SET temp_directory='{folder}/spill';"
        f" SELECT count(*), sum(n) FROM (SELECT {COLUMNS[log]}, count(*) AS n"
        f" FROM {READERS[kind(log)](folder)} GROUP BY ALL)"
    )
    return measured([sys.executable, "-c", f"import duckdb; duckdb.sql({sql!r}).fetchall()"])


def requests(log, *options, python=sys.executable):
    """Read a log as a user would, on a copy of nothing: into build/requests of the repository."""
    folder = ROOT / "build" / "requests" / folder_name(log)
    shutil.rmtree(folder, ignore_errors=True)
    command = [python, "-m", "snakemake", "requests", *(options or ("--cores", "2")), "--config"]
    found = measured([*command, f"log={log}", "method=oviedo2026"], cwd=ROOT)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def rounded(found):
    """Time [s], processor time [s] and memory [GB] of a run, to the digits that are kept."""
    time, processor, memory = found
    return {
        "time": round(time),
        "processor": round(processor, 1),
        "memory": round(memory / GIGA, 2),
    }


def row(log, size, busy, own, alone=None):
    """What is kept of a log of one size."""
    found = {"log": log, "rows": size, "busy": busy, "duckdb": duckdb.__version__}
    found |= {"own": rounded(own), "alone": None, "ratio": None}
    if alone:
        found |= {"alone": rounded(alone), "ratio": round(own[1] / alone[1], 2)}
    return found


def busy():
    """Processes that want a core now."""
    return round(os.getloadavg()[0])


def keep(found):
    """Keep what was measured of a log of one size, in place of what was before."""
    known = json.loads(MEASURED.read_text(encoding="utf-8"))
    asked = found["log"], found["rows"]
    others = [one for one in known["rows"] if (one["log"], one["rows"]) != asked]
    write(known | {"rows": [*others, found]})
    print(found, flush=True)


def write(measured):
    """Write what was measured, and the page."""
    write_text(MEASURED, json.dumps(measured, indent=1) + "\n")
    write_text(ROOT / "benchmarks" / "requests.md", page(measured))


def page(measured):
    """Write the page by requests.md.jinja, of what is in requests.json."""
    lines = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    template = (ROOT / "benchmarks" / "requests.md.jinja").read_text(encoding="utf-8")
    made = Environment(undefined=StrictUndefined, **lines).from_string(template)
    rows = sorted(measured["rows"], key=lambda one: one["rows"])
    of = {log: [one for one in rows if one["log"] == log] for log in [START, *COLUMNS]}
    return made.render(
        start=next(iter(of[START]), None),
        aims={"rows": 10**9, "seconds": 90, "gigabytes": 2, "ratio": 2},
        sections={
            title: [one for log in logs for one in of[log]] for title, logs in SECTIONS.items()
        },
        days=[one for one in rows if one["log"].startswith("generate:")],
        split=measured["split"],
    )


def sizes(log):
    """Rows at which a log is measured."""
    found = [size for size in SIZES if size <= LARGEST[log]]
    # of JSON lines fewer are as large
    return [10**6, *found] if log == JSON else found


@contextmanager
def drawn(log):
    """Give a function that brings a log on disk to so many rows and says where it is."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        files = Path(folder) / "log"
        files.mkdir()

        def grown(size):
            for number in range(len(list(files.iterdir())), size // FILE_ROWS[kind(log)]):
                draw(files / f"{number:04}.{kind(log)}", log, number)
            return files

        yield grown


def measure(log):
    """Measure a log of every size."""
    with drawn(log) as grown:
        for size in sizes(log):
            files, before = grown(size), busy()
            own = requests(files)
            grouped = log == "lengths and model" or size <= BARE
            keep(row(log, size, before, own, bare(files.parent, log) if grouped else None))


def measure_start():
    """Measure a log of one request."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "log.csv")
        file.write_text("input_tokens,output_tokens\n500,300\n", encoding="utf-8")
        keep(row(START, 1, busy(), requests(file)))


def measure_parts():
    """Measure one log as a whole, in parts, and in parts on SLURM."""
    log, split = "lengths and model", ("--set-scatter", f"requests={PARTS}")
    size = max(size for size in SIZES if size <= SPLIT)
    with drawn(log) as grown:
        files = grown(size)
        found = {
            ("two cores", 1): requests(files),
            ("two cores", PARTS): requests(files, "--cores", "2", *split),
        }
        if SLURM.exists() and shutil.which("slurmctld"):
            # SLURM's daemons look into its folder as others
            files.parent.chmod(0o755)
            with one_node(files.parent / "slurm"):
                found["SLURM of one node of two cores", PARTS] = requests(
                    files, *ON_SLURM, *split, python=SLURM
                )
    runs = [
        {"where": where, "parts": count} | rounded(one) for (where, count), one in found.items()
    ]
    for one in runs:
        # of a job that SLURM runs the time is not this process's
        one["processor"] = None if "SLURM" in one["where"] else one["processor"]
    known = json.loads(MEASURED.read_text(encoding="utf-8"))
    write(known | {"split": {"rows": size, "runs": runs}})
    print(runs, flush=True)


def measure_day():
    """Measure a generated day."""
    command = [sys.executable, "-m", "snakemake", "requests", "--cores", "2", "--config"]
    size = sizes(DAY)[-1]
    name = f"generate:oviedo2026:{size}"
    shutil.rmtree(ROOT / "build" / "requests" / f"oviedo2026-{size}", ignore_errors=True)
    before = busy()
    keep(row(name, size, before, measured([*command, f"log={name}"], cwd=ROOT)))


def main():
    """Measure and write."""
    of = {START: measure_start, DAY: measure_day, PARTED: measure_parts}
    for log in LOGS:
        of[log]() if log in of else measure(log)


if __name__ == "__main__":
    main()

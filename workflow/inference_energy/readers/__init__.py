"""Read what benchmark clients write into one table, with what was measured of power and energy.

A file's format is told from its content, never from its name. Units become those of the table
here, once. What a client does not write (GPU, precision, parallelism) is stated in a facts file.
"""

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from inference_energy.errors import InputError
from inference_energy.project import AnyPath, is_plain, path_problems
from inference_energy.readers import (
    aiperf,
    guidellm,
    inference_perf,
    inferencex,
    mlenergy,
    mlperf,
    project,
    sglang,
    vllm,
)
from inference_energy.readers.common import (
    Facts,
    Record,
    Run,
    check_facts,
    first_line,
    parse_json,
    read_bytes,
    read_facts,
    sha256,
    to_table,
)
from inference_energy.tables import decode, spelling

__all__ = ["detect", "detect_and_read", "read_facts"]

JSON_READERS = (aiperf, guidellm, inference_perf, mlenergy, inferencex, sglang, vllm)
KNOWN = (
    "a result of vLLM bench serve, SGLang bench_serving, AIPerf, GenAI-Perf, GuideLLM, "
    "inference-perf, ML.ENERGY or InferenceX, a folder of MLPerf logs, or a CSV in the throughput "
    "or benchmark schema"
)


def detect(path: AnyPath) -> str:
    """Tell the format of a benchmark file from its content.

    Parameters
    ----------
    path : str or path-like
        File, or folder of MLPerf logs.

    Returns
    -------
    str
        vllm, sglang, aiperf, genai-perf, guidellm, inference-perf, mlenergy, inferencex, mlperf or
        project.

    Raises
    ------
    InputError
        A file that cannot be read, or of no known format.
    """
    _refuse_unnamed(path)
    return _detect(Path(path))[0]


def detect_and_read(path: AnyPath, facts: Facts | None = None) -> pd.DataFrame:
    """Read a benchmark file of any known format into the benchmark table.

    Parameters
    ----------
    path : str or path-like
        File, or folder of MLPerf logs.
    facts : dict, optional
        Facts as in facts.schema.yaml, instead of those in the files beside `path`.

    Returns
    -------
    pandas.DataFrame
        Benchmark table (benchmark.schema.yaml), one run per row, in the order of the file.

    Raises
    ------
    InputError
        One message with every problem: file, key, value, what is allowed, the remedy; and each
        fact that is still missing, by name.
    """
    path = Path(path)
    _refuse_unnamed(path)
    if facts is None:
        facts = read_facts(path)
    else:
        check_facts(facts)
    client, content, data = _detect(path)
    if client == mlperf.CLIENT:
        runs = mlperf.read(path, facts)
    elif client == project.CLIENT:
        runs = project.read(path, content)
    else:
        runs = _read_records(path, content)
    source = (path.parent if path.is_file() and client == mlperf.CLIENT else path).resolve()
    digest = sha256(data)
    for number, run in enumerate(runs, start=1):
        run.row.setdefault("source_file", source.name)
        run.row.setdefault("source_id", spelling(source.stem))
        run.row.setdefault("run", number)
        run.row.setdefault("sha256", digest)
    return to_table(path, runs, facts)


def _refuse_unnamed(path: AnyPath) -> None:
    """Refuse a path that messages, and the column of file names, cannot hold."""
    if not is_plain(path):
        raise InputError(path_problems(path, "benchmark file"))


def _detect(path: Path) -> tuple[str, Any, bytes]:
    """Client, what its reader needs (objects or table name), and the bytes of the file."""
    if os.path.isdir(path):
        if mlperf.recognise(path):
            return mlperf.CLIENT, None, b""
        raise InputError(
            f"{path}: is a folder without an MLPerf summary log; known is {KNOWN}; "
            "name the result file itself"
        )
    data = read_bytes(path)
    text = decode(path, data)
    if first_line(text)[:1] in ("{", "["):
        records = parse_json(path, text)
        readers = _readers(path, records)
        reader = readers[0]
        client = reader.client(records[0]) if reader is aiperf else reader.CLIENT
        return client, list(zip(readers, records, strict=True)), data
    if mlperf.recognise(path):
        return mlperf.CLIENT, None, data
    table = project.recognise(text)
    if table is None:
        start = first_line(text)[:60]
        raise InputError(
            f'{path}: begins with "{start}", which is no known format; known is {KNOWN}; '
            "give the client's own result file"
        )
    return project.CLIENT, table, data


def _readers(path: AnyPath, records: list[Record]) -> list[ModuleType]:
    readers: list[ModuleType] = []
    problems = []
    for index, record in enumerate(records, start=1):
        reader = next((reader for reader in JSON_READERS if reader.recognise(record)), None)
        if reader is not None:
            readers.append(reader)
        else:
            keys = ", ".join(list(record)[:8]) or "none"
            problems.append(
                f"{path}, object {index}: is of no known format, its keys are {keys}; "
                f"known is {KNOWN}; give the client's own result file"
            )
    if not records:
        problems.append(f"{path}: holds no run; known is {KNOWN}; run the benchmark again")
    if problems:
        raise InputError(problems)
    return readers


def _read_records(path: AnyPath, content: Any) -> list[Run]:
    runs = []
    for index, (reader, record) in enumerate(content, start=1):
        where = str(path) if len(content) == 1 else f"{path}, object {index}"
        if reader in (mlenergy, guidellm):
            found = reader.split(where, record)
        else:
            client = reader.client(record) if reader is aiperf else reader.CLIENT
            found = [Run(where, client, raw=record)]
        for run in found:
            if not run.problems:
                reader.read(run)
        runs += found
    return runs

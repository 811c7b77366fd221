"""What the readers share: reading files, the facts beside them, and the row that a run becomes."""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pandas as pd

from inference_energy import documents, tables
from inference_energy.documents import Schema
from inference_energy.energy.equation import token_energy
from inference_energy.errors import InputError
from inference_energy.method.boundary import Meter
from inference_energy.project import AnyPath
from inference_energy.readers.consistency import PERCENTILES as PERCENTILES
from inference_energy.readers.consistency import check_renamed, check_run

GPU_ENERGY = ("gpu_power_w", "gpu_energy_j", "energy_per_output_token_j")

EMPTIED = ", left empty"
"""How a mark ends whose numbers are gone: what stands there was stated beside the file."""

OF_GPUS = tuple(
    f"power: {name}" for name in ("energy counter", "avg_total_gpu_power_w", *GPU_ENERGY)
)
"""How marks begin that doubt the power of the GPUs, and say nothing of the node's."""

# No model, GPU or engine has a longer name.
LONGEST_NAME = 300

# A mean length or a reported throughput may differ this much (relative) from what it should be.
TOLERANCE = 0.02

# The facts may rename what a client named in its own way; a measured or configured number has to
# agree. In the project's own tables they only fill empty cells, except in rows that state a client.
RENAMED = {"model", "gpu", "source_id", "client_version"}
NOT_COLUMNS = {"requested_output_tokens", "meter_clock_offset_s"}
INPUT_LENGTH_UNKNOWN = {"mlenergy", "mlperf", "project"}

BLANKS, FIRST_LINE = re.compile(r"\s*"), re.compile(r"\S[^\r\n]*|$")

PRECISIONS = {
    "fp4": "FP4",
    "nvfp4": "FP4",
    "mxfp4": "FP4",
    "fp8": "FP8",
    "fp16": "FP16",
    "float16": "FP16",
    "half": "FP16",
    "bf16": "BF16",
    "bfloat16": "BF16",
    "int8": "INT8",
    "int4": "INT4",
    "awq": "INT4",
}

NARROW = {"FP4", "FP8", "INT8", "INT4"}
"""What a model is stored in is not widened when it is served."""


Record = dict[str, Any]
"""Object of a JSON file, as its client wrote it."""

Facts = Mapping[str, Any]
"""What is stated beside a file, by name, as in facts.schema.yaml."""


@dataclass
class Run:
    """One benchmark run on its way from a client's keys to a row of the benchmark table.

    Attributes
    ----------
    where : str
        File and place in it, as error messages name it.
    client : str
        Client that wrote the file, as in the benchmark schema.
    raw : dict
        The client's own keys.
    row : dict
        Columns of the benchmark table that are known, in its units.
    marks, problems : list of str
        Reasons to doubt the run; reasons to refuse the file.
    asked_output : float or None
        Output tokens that each request asked for [tokens].
    asked_spread : float
        Standard deviation of the lengths asked for [tokens].
    output_range : tuple of float or None
        Shortest and longest output [tokens].
    metered_gpus : int or None
        GPUs that the energy columns cover, where the client tells.
    edges : float
        Share of the requests that its rates may count in part: those in flight at the ends of
        the measured window. [1]
    spreads : dict of str to dict
        Mean, standard deviation, shortest and longest of each time (ttft, itl, e2e) that the file
        tells, which no column holds [s].
    held_as : dict of str to str
        By column, names of the file that tables have, where the facts call them by one that none
        has: the run is held to what these are.
    """

    where: str
    client: str
    raw: Record = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    asked_output: float | None = None
    asked_spread: float = 0.0
    output_range: tuple[float, float] | None = None
    metered_gpus: int | None = None
    edges: float = 0.0
    spreads: dict[str, dict[str, float]] = field(default_factory=dict)
    held_as: dict[str, str] = field(default_factory=dict)

    def refuse(self, reason: str) -> None:
        """Add a reason to refuse the file."""
        self.problems.append(f"{self.where}: {reason}")

    def number(
        self, key: str, remedy: str = "correct the file or run the client again"
    ) -> int | float | None:
        """Non-negative number under `key`; None if it is absent, null or not finite."""
        return self.checked(key, self.raw.get(key), remedy)

    def checked(
        self, key: str, value: Any, remedy: str = "correct the file or run the client again"
    ) -> int | float | None:
        """Return `value` if it is a non-negative number, None if it is null or not finite."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            self.refuse(f'"{key}" is {shown(value)}; a number of at least 0 is allowed; {remedy}')
            return None
        if tables.LARGEST < value < math.inf:
            self.refuse(
                f'"{key}" is {shown(value)}; a number of at most {tables.LARGEST} is allowed; '
                f"{remedy}"
            )
            return None
        return value if math.isfinite(value) else None

    def needed(self, key: str) -> int | float | None:
        """Return the number under `key`; its absence is a reason to refuse the file."""
        known = len(self.problems)
        value = self.number(key)
        if value is None and len(self.problems) == known:
            said = "missing" if self.raw.get(key) is None else shown(self.raw[key])
            self.refuse(f'"{key}" is {said}; it is needed; run the client again and keep its file')
        return value

    def put(self, column: str, value: Any, factor: float = 1.0) -> None:
        """Set a column to `value` times `factor`, the conversion to the table's unit."""
        if value is not None:
            self.row[column] = value if factor == 1 else value * factor

    def put_spread(self, time: str, factor: float = 1.0, **ends: float | None) -> None:
        """Keep the mean, deviation, shortest and longest of a time, those told, times a factor."""
        told = {name: value * factor for name, value in ends.items() if value is not None}
        self.spreads[time] = told

    def put_energy(self, column: str, value: float | None, factor: float = 1.0) -> None:
        """Set a power or energy; zero means that nothing was measured, so it stays empty."""
        if value:
            self.put(column, value, factor)

    def drop_energy(self, reason: str) -> None:
        """Empty the columns of power and energy because they do not cover what they should."""
        for column in GPU_ENERGY:
            self.row.pop(column, None)
        self.marks.append(f"power: {reason}{EMPTIED}")

    def put_version(self, version: object) -> None:
        """Set the client's version, if the file says one: blanks alone are an empty cell later."""
        if version is not None and str(version).strip():
            self.put("client_version", version)

    def put_precision(self, name: object) -> None:
        """Set the precision from a client's name for it, if it is a known one."""
        self.put("precision", _said_precision(name))


def _said_precision(name: object) -> str | None:
    """Precision that the words of a name say, as `w8a8_fp8`; None if none do, or several."""
    words = re.findall(r"[a-z0-9]+", str(name).lower())
    said = {PRECISIONS[word] for word in words if word in PRECISIONS}
    return said.pop() if len(said) == 1 else None


def shown(value: Any, limit: int = 60) -> str:
    """Write a value of a file for a message: as JSON, cut if it is long."""
    try:
        text = json.dumps(value, default=str)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= limit else f"{text[:limit]}..."


def read_bytes(path: AnyPath) -> bytes:
    """Read a file that holds something, or say why it cannot be read."""
    data = tables.read_bytes(path)
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise InputError(f"{path}: is empty; a benchmark client's result is needed; run it again")
    return data


def _finite(text: str) -> float:
    """Number of a JSON document.

    What overflows would pass for a client's sign of no value, what underflows for zero.
    """
    value = documents.json_number(text)
    if math.isinf(value):
        raise InputError(f"holds the number {shown(text)}; allowed are at most {tables.LARGEST}")
    return value


def _whole(text: str) -> int:
    """Whole number of a JSON document."""
    if len(text) > documents.MOST_DIGITS:
        raise InputError(
            f"holds a number of {len(text)} digits; allowed are at most {tables.LARGEST}"
        )
    return int(text)


def parse_json(path: AnyPath, text: str) -> list[Record]:
    """Parse the objects of a JSON file: one, a list of them, or several one after the other.

    Returns
    -------
    list of dict
        The objects in the order of the file.

    Raises
    ------
    InputError
        JSON that is cut off or wrong, with its line, or values that are not objects.
    """
    tables.refuse_crowded(path, text)
    decoder = json.JSONDecoder(
        object_pairs_hook=documents.json_object, parse_float=_finite, parse_int=_whole
    )
    records: list[Record] = []
    position = 0
    while (position := _next(text, position)) < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            rest = text[error.pos :].strip()
            why = "it is cut off there" if not rest else error.msg
            raise InputError(
                f"{path}, line {error.lineno}, column {error.colno}: is not complete JSON ({why}); "
                f"{len(records)} whole objects stand before it; copy the file again, or remove "
                "the run that was interrupted"
            ) from None
        except RecursionError:
            raise InputError(
                f"{path}: is nested deeper than any client's result; give the client's own result "
                "file"
            ) from None
        except InputError as error:
            raise InputError(f"{path}: {error}; correct the file") from None
        records += value if isinstance(value, list) else [value]
    for index, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise InputError(
                f"{path}, value {index}: is {shown(record)}; a JSON object is needed; "
                "give the client's own result file"
            )
    return records


def keys_of(value: Any) -> Record:
    """Keys of an object inside a JSON record, none where a damaged file holds something else."""
    return value if isinstance(value, dict) else {}


def _next(text: str, position: int) -> int:
    blanks = BLANKS.match(text, position)
    return blanks.end() if blanks else position


def first_line(text: str) -> str:
    """First line of a text that holds more than blanks, without looking at the others."""
    found = FIRST_LINE.search(text)
    return found[0] if found else ""


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def facts_files(path: AnyPath) -> list[Path]:
    """Places where the facts of `path` may stand; what a later one says goes first."""
    path = Path(path)
    if os.path.isdir(path):
        return [path.parent / "facts.yaml", path / "facts.yaml"]
    names = ["facts.yaml", f"{path.stem}.facts.yaml", f"{path.name}.facts.yaml"]
    return [path.with_name(name) for name in dict.fromkeys(names)]


def read_facts(path: AnyPath) -> dict[str, Any]:
    """Facts stated beside a benchmark file or folder.

    Parameters
    ----------
    path : str or path-like
        Benchmark file. Read are facts.yaml in its folder, <stem>.facts.yaml and
        <name>.facts.yaml, of which the later ones go first. For a folder: facts.yaml in it and
        in the folder above.

    Returns
    -------
    dict
        Facts by name, as in facts.schema.yaml; empty if there is no such file.

    Raises
    ------
    InputError
        Facts that are not YAML, unknown ones, or values that are not allowed.
    """
    facts: dict[str, Any] = {}
    problems: list[str] = []
    for file in facts_files(path):
        # not the path's own exists(), which raises where a name is too long; a link to nothing is
        # there, and refused by who reads it
        if not os.path.lexists(file):
            continue
        found = documents.read(file)
        problems += _fact_problems(file, found)
        facts |= found if isinstance(found, dict) else {}
    if problems:
        raise InputError(problems)
    return facts


def check_facts(facts: Any, where: AnyPath = "facts") -> None:
    """Raise InputError unless `facts` is a mapping that facts.schema.yaml allows."""
    problems = _fact_problems(where, facts)
    if problems:
        raise InputError(problems)


@cache
def _fact_columns() -> Schema:
    return documents.read_schema("facts")["properties"]


def _allows(column: Schema, value: Any) -> bool:
    """Whether a column may hold a value; none may what JSON cannot, such as a date."""
    try:
        return jsonschema_rs.Draft202012Validator(column).is_valid(value)
    except ValueError:
        return False


def _fact_problems(where: AnyPath, facts: Any) -> list[str]:
    allowed = _fact_columns()
    if not isinstance(facts, dict):
        return [f"{where}: is {shown(facts)}; a mapping with {', '.join(allowed)} is allowed"]
    problems = []
    for name, value in facts.items():
        if name not in allowed:
            problems.append(
                f'{where}, key "{name}": unknown; allowed are {", ".join(allowed)}; '
                "correct or remove it"
            )
        elif not _allows(allowed[name], value):
            problems.append(
                f'{where}, key "{name}": value {shown(value)}; allowed is '
                f"{tables.allowed(allowed[name])}{tables.reason(allowed[name])}; correct it"
            )
    return problems


def to_table(path: AnyPath, runs: list[Run], facts: Facts) -> pd.DataFrame:
    """Complete runs with the facts and put them into a table.

    Parameters
    ----------
    path : str or path-like
        Benchmark file, for messages.
    runs : list of Run
        Runs as a reader left them.
    facts : dict
        Facts as in facts.schema.yaml.

    Returns
    -------
    pandas.DataFrame
        Benchmark table, one run per row in the order of the file.

    Raises
    ------
    InputError
        All problems of all runs, and every fact that is still missing, by name.
    """
    schema = tables.load_schema("benchmark")
    valid = {
        name: jsonschema_rs.Draft202012Validator(column).is_valid
        for name, column in schema["properties"].items()
    }
    missing: dict[str, list[Run]] = {}
    for run in runs:
        _check_meter(run, facts)
        named = run.row.get("model")
        _add_facts(run, facts)
        # before anything is computed with them: a client's file may hold a list for a number
        refused = _refused(run, schema, valid)
        run.problems += refused
        if refused:
            continue
        _derive(run)
        for name in [] if run.problems else _missing(run):
            missing.setdefault(name, []).append(run)
        _check_lengths(run, facts)
        if not run.problems:
            check_run(run)
            _check_precision(run, named)
        _finish(run)
        run.problems += _refused(run, schema, valid)
    problems = [_ask(path, name, lacking, runs) for name, lacking in missing.items()]
    problems += [problem for run in runs for problem in run.problems]
    tables.refuse(problems)
    return _frame([run.row for run in runs], schema)


def _add_facts(run: Run, facts: Facts) -> None:
    of_project = run.row.get("client", run.client) == "project"
    for name, stated in facts.items():
        if name in NOT_COLUMNS:
            continue
        found = run.row.get(name)
        if found is None or (name in RENAMED and not of_project):
            check_renamed(run, name, found, stated)
            run.row[name] = stated
            continue
        if of_project:
            continue
        slack = TOLERANCE * stated if name in ("input_tokens", "output_tokens") else 0
        is_number = isinstance(stated, int | float) and isinstance(found, int | float)
        same = abs(found - stated) <= slack if is_number else found == stated
        if not same:
            run.refuse(
                f"{name} is {found} in the file but {stated} in the facts; they have to agree; "
                f"correct the fact or remove it"
            )


def _derive(run: Run) -> None:
    """Fill in the one of GPU count and pipeline stages that leaves no choice."""
    values = run.row
    gpus, tensor = values.get("n_gpus"), values.get("tensor_parallel")
    if values.get("pipeline_parallel") is None and gpus is not None and gpus == tensor:
        values["pipeline_parallel"] = 1
    group = (tensor or 1) * (values.get("pipeline_parallel") or 1)
    if gpus is not None and group > gpus:
        run.refuse(
            f"tensor_parallel x pipeline_parallel is {group} but n_gpus is {gpus}; a copy of the "
            "model cannot take more GPUs than there are; correct the facts"
        )


def _missing(run: Run) -> list[str]:
    names = ["model", "gpu", "n_gpus", "tensor_parallel", "precision", "output_tokens"]
    if run.client not in INPUT_LENGTH_UNKNOWN:
        names.append("input_tokens")
    values = run.row
    known = values.get("n_gpus") is not None and values.get("tensor_parallel") is not None
    if known and run.client != "project":
        names.append("pipeline_parallel")
    if run.client == "project":
        names.remove("output_tokens")
    return [name for name in names if values.get(name) is None]


def _ask(path: AnyPath, name: str, lacking: list[Run], runs: list[Run]) -> str:
    column = _fact_columns()[name]
    count = "" if len(lacking) == len(runs) else f" ({len(lacking)} of {len(runs)} runs)"
    return (
        f"{path}: {name} is neither in the file nor in its facts{count}; needed is "
        f"{tables.allowed(column)} ({column['description'].rstrip('.')}); add the line "
        f"'{name}: ...' to {facts_files(path)[1]}"
    )


def _check_lengths(run: Run, facts: Facts) -> None:
    asked = facts.get("requested_output_tokens") or run.asked_output
    mean = run.row.get("output_tokens")
    if asked is None or mean is None:
        return
    spread = run.asked_spread if asked == run.asked_output else 0.0
    completed = max(run.row.get("completed") or 1, 1)
    slack = TOLERANCE * asked + 3 * spread / math.sqrt(completed)
    if abs(mean - asked) > slack:
        run.marks.append(f"mean output length {mean:.6g} tokens where {asked:.6g} were asked for")
    if run.output_range is not None and spread == 0:
        low, high = run.output_range
        if low != high:
            run.marks.append(
                f"output lengths from {low:.6g} to {high:.6g} tokens where {asked:.6g} were "
                "asked for"
            )


def _check_precision(run: Run, named: object) -> None:
    """The precision against what the model is called, in the file and in the facts."""
    stated = run.row.get("precision")
    said = {_said_precision(name) for name in (named, run.row.get("model"))}
    for other in sorted((NARROW & said) - {stated}):
        text = f"precision {stated} where the name of the model says {other}"
        if text not in run.marks:
            run.marks.append(text)


def _check_meter(run: Run, facts: Facts) -> None:
    """Empty what the file tells of other GPUs than served; a stated power may take its place."""
    gpus, metered = run.row.get("n_gpus") or facts.get("n_gpus"), run.metered_gpus
    if metered is not None and gpus is not None and metered != gpus:
        run.drop_energy(f"telemetry covers {metered} GPUs but {gpus} served the run")


def _finish(run: Run) -> None:
    values = run.row
    if values.get("power_boundary") is None:
        _bound(run)
    values["client"] = values.get("client") or run.client
    values["status"] = f"marked: {'; '.join(run.marks)}" if run.marks else "ok"


def _bound(run: Run) -> None:
    """Say what the energy per token covers; beside the node's power it is the node's.

    A table's energy is not touched: it is the node's where it agrees with the node's power.
    """
    values = run.row
    node, energy = values.get("node_power_w"), values.get("energy_per_output_token_j")
    throughput = values.get("throughput_tps")
    if node is None:
        if any(values.get(name) is not None for name in GPU_ENERGY):
            values["power_boundary"] = Meter.ACCELERATOR
        return
    values["power_boundary"] = Meter.NODE
    if energy is None or not throughput:
        return
    whole = token_energy(node, throughput)
    if run.client != "project":
        values["energy_per_output_token_j"] = whole
    elif abs(energy - whole) > TOLERANCE * max(energy, whole):
        values["power_boundary"] = Meter.ACCELERATOR


def doubts_power(mark: str, boundary: Meter) -> bool:
    """Whether a mark of a run doubts the power that stands in its row at a boundary.

    Parameters
    ----------
    mark : str
        One reason of the column ``status``.
    boundary : Meter
        NODE for the node's power, ACCELERATOR for that of the GPUs.
    """
    if not mark.startswith("power") or mark.endswith(EMPTIED):
        return False
    return boundary != Meter.NODE or not mark.startswith(OF_GPUS)


def _refused(run: Run, schema: Schema, valid: Mapping[str, Callable[[Any], bool]]) -> list[str]:
    """Refuse values that the table does not allow; absent ones are asked for elsewhere."""
    problems = []
    for name, column in schema["properties"].items():
        value = run.row.get(name)
        large = isinstance(value, float) and not abs(value) <= tables.LARGEST
        if large or (value is not None and not valid[name](value)):
            problems.append(
                f"{run.where}: {name} is {shown(value)}; allowed is {tables.allowed(column)}"
                f"{tables.reason(column)}; correct the file or leave the run out"
            )
        elif "x-name" in column and isinstance(value, str) and (wrong := _misspelt(value)):
            problems.append(f"{run.where}: {name} is {wrong}, or state {name} in the facts")
        elif isinstance(value, str) and not tables.holds_text(value, column):
            remedy = "rename the file" if name == "source_file" else f"state {name} in the facts"
            problems.append(
                f"{run.where}: {name} is {shown(value)}; allowed is one line of text that shows,"
                f" without blanks around it; {remedy}"
            )
    return problems


def _misspelt(name: str) -> str:
    """What is wrong with a name, with the remedy; nothing if it is in the spelling of tables."""
    plain = tables.spelling(name[: LONGEST_NAME + 1])
    if not plain:
        return "empty; allowed are names; name it in the file"
    if len(name) > LONGEST_NAME:
        return f"{shown(name)}; allowed are at most {LONGEST_NAME} letters; shorten it"
    if name != plain:
        return (
            f"{shown(name)}, with letters that are invisible or only look like others; write it as"
            f' "{plain}"'
        )
    return ""


def _frame(rows: list[dict[str, Any]], schema: Schema) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: tables.make_column([row.get(name) for row in rows], column)
            for name, column in schema["properties"].items()
        }
    )

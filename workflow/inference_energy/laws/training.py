"""The committed rows that the law with load is fitted to, and a user's rows that it predicts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.errors import InputError
from inference_energy.laws.at_load import AS_MANY_AS_FIT, STEADY, AtLoadFit, describe, keys
from inference_energy.laws.engines import engine_name
from inference_energy.laws.hardware import (
    FASTEST,
    FULLEST,
    LONGEST,
    PEAK,
    SLOWEST,
    against_hardware,
    at_a_reading,
    find_gpu,
    find_model,
    listed_name,
    longest_context,
    over_context,
)
from inference_energy.laws.rows import copy_gpus
from inference_energy.laws.serving import layout
from inference_energy.tables import AnyPath, name_rows, read_bytes, read_marked, refuse

LoadFit = AtLoadFit
"""Fit of the law that knows load: other rooms name it here, so that it can be another one."""

THROUGHPUT_TABLES = (
    "data/throughput/at_load.csv",
    "data/throughput/trtllm.csv",
)
"""Tables of schema ``throughput`` that the law with load is fitted to; they state the layout."""

NEEDED = ("gpu", "tensor_parallel", "precision", "throughput_tps")
"""Columns of a throughput table by which a file of another kind is told."""

START = 4096
"""Bytes of a file that tell its kind."""

STEADY_TABLE = "data/measured/mlenergy_v3.csv"
"""Table of schema ``mlenergy`` that it is fitted to besides."""

STEADY_ENGINE = ("vLLM", "0.11.1")
"""Serving software of all runs of that table, as data/sources.csv says."""

STEADY_INPUT = 300.0
"""Input of the runs of that table, which it does not state: a question with its choices, or the
first turn of a chat. [tokens]"""

PAGE, PAGE_ENGINE = r"^trtllm-v?(\d[\w.]*)$", "TensorRT-LLM"
"""Name of a source that is the vendor's performance page of one version, as in data/sources.csv,
with the version, and the engine. The page states the requests of a run by its lengths."""

COUNTED_TWICE = "aiconfigurator"
"""Beginning of the names of sources that count a GPU once for each way in which experts or tensors
are parted: of n GPUs, tensor x attention data parallel is n^2, as their rows that name it show."""

LAYOUT_AS_GIVEN = ("tensor_parallel", "attention_data_parallel", "expert_parallel")
"""Columns of a user's layouts that may be read as something else than they say."""

AS_GIVEN = ("model", "gpu", *LAYOUT_AS_GIVEN)
"""The same of a user's table."""

SAME = [
    "network",
    "gpu",
    "tensor_parallel",
    "attention_data_parallel",
    "expert_parallel",
    "precision",
    "engine",
    "engine_version",
    "input_tokens",
    "output_tokens",
    "concurrency",
    "protocol",
]
"""Columns by which a measurement that is published more than once, by two sources or one, is told,
with three digits of its throughput."""

DIGITS = "{:.3g}".format
"""Writes a throughput with these digits."""


def steady_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of a table of schema ``mlenergy`` as rows of schema ``throughput``, with ``protocol``.

    Their experts are spread over all GPUs, or their tensors are; the attention of either is
    tensor-parallel. A task makes a source version: its prompts have a length of their own.
    """
    engine, version = STEADY_ENGINE
    columns = ["gpu", "precision", "expert_parallel", "output_tokens", "concurrency"]
    return runs[[*columns, "throughput_tps", "source_id"]].assign(
        model=runs["model_id"],
        tensor_parallel=runs["gpus"],
        engine=engine,
        engine_version=version,
        input_tokens=STEADY_INPUT,
        source_version=runs["task"],
        protocol=STEADY,
    )


def training_rows(
    tables: Iterable[pd.DataFrame], steady: pd.DataFrame, hardware: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Rows that the law with load is fitted to.

    Rows without both lengths are left out, and those of low confidence, whose layout is a guess; a
    measurement that is published more than once counts once.

    Parameters
    ----------
    tables : iterable of DataFrame
        THROUGHPUT_TABLES, schema ``throughput``.
    steady : DataFrame
        STEADY_TABLE, schema ``mlenergy``.
    hardware : mapping of str to DataFrame
        Tables ``models`` and ``gpus``.

    Returns
    -------
    DataFrame
        After ``at_load.describe``.
    """
    rows = pd.concat([*tables, steady_rows(steady)], ignore_index=True)
    keep = rows[["input_tokens", "output_tokens"]].notna().all(axis=1)
    rows = describe(rows[keep & rows["confidence"].ne("low")], **hardware)
    digits = rows["throughput_tps"].map(DIGITS)
    return rows[~rows[SAME].assign(digits=digits).duplicated()].reset_index(drop=True)


def fit_committed(
    tables: Iterable[pd.DataFrame], steady: pd.DataFrame, hardware: Mapping[str, pd.DataFrame]
) -> AtLoadFit:
    """Fit the law with load to the ``training_rows``; takes about half a second."""
    return AtLoadFit.fit(training_rows(tables, steady, hardware))


def _of_another_kind(path: AnyPath) -> str:
    """What to say of a file that is no throughput table, and the key that takes it; empty if not.

    A table with one column of those that are needed is one that lacks others.
    """
    with suppress(InputError):
        start = read_bytes(path)[:START].decode(errors="replace").lstrip("\ufeff \t\r\n")
        header = set(re.findall(r"\w+", start.partition("\n")[0]))
        if not start or header & set(NEEDED):
            return ""
        if str(path).endswith((".yaml", ".yml")):
            remedy = (
                "a deployment's file goes to snakemake deployments --config deployments=FILE, and"
                " a method's to snakemake requests or whatif --config method=NAME"
            )
        elif start[:1] in ("{", "["):
            remedy = (
                "a file of a benchmark client goes under deployment.benchmarks of a deployment's"
                " file, and a log of requests to snakemake requests --config log=FILE"
            )
        else:
            remedy = (
                "a log of requests goes to snakemake requests --config log=FILE, and a file of a"
                " benchmark client under deployment.benchmarks of a deployment's file"
            )
        return f"is no throughput table, which has the columns {', '.join(NEEDED)}; {remedy}"
    return ""


def read_throughput(
    path: AnyPath, hardware: Mapping[str, pd.DataFrame], training: pd.DataFrame
) -> pd.DataFrame:
    """Read a throughput table, whose rows of known lengths the law with load can predict.

    Parameters
    ----------
    path : str or path-like
        Table of schema ``throughput``. Without a concurrency as many requests count as fit; an
        empty part of the layout counts as one.
    hardware : mapping of str to DataFrame
        Tables ``models`` and ``gpus``; models go by their names and aliases.
    training : DataFrame
        ``training_rows``, for what they show to be possible.

    Returns
    -------
    DataFrame
        The rows but those of :func:`left_out`, in the table's order, after
        ``at_load.describe``; ``line``, the number of each in the file; models and GPUs as their
        tables name them, layouts of COUNTED_TWICE as they are, and on all nodes a copy that one of
        them does not hold; in columns such as ``gpu_as_given``, AS_GIVEN as the table has them.

    Raises
    ------
    InputError
        One message with all problems: file, rows, column, value, what is allowed, the remedy.
    """
    if of_another := _of_another_kind(path):
        raise InputError(f"{path}: {of_another}")
    rows, numbers, sound, wrong = read_marked(path, "throughput")
    told = rows[rows[list(FIND)].notna().all(axis=1)]
    problems = list(_unknown(told, numbers, hardware))
    # what else may be wrong is asked of the rows whose cells are right
    rows, numbers = rows[sound].reset_index(drop=True), numbers[sound]
    lacking = _lacking_length(rows)
    before, lengths = len(problems), list(_without_length(rows, numbers))
    rows, numbers = rows[~lacking].reset_index(drop=True), numbers[~lacking]
    known = _known(rows, "model", hardware) & _known(rows, "gpu", hardware)
    named = {
        column: rows[column].map({n: listed_name(column, n, hardware) for n in set(rows[column])})
        for column in FIND
    }
    given = {f"{name}_as_given": rows[name] for name in AS_GIVEN}
    rows = _counted_once(rows.assign(line=numbers, **named, **given))
    described = rows[known].reset_index(drop=True)
    if known.any():
        described = _on_all_nodes(described, hardware)
        problems += _impossible(described, numbers[known], hardware["gpus"], training)
        problems += _too_few_nodes(described, numbers[known])
        problems += _uneven(described, numbers[known], hardware["models"])
        problems += _implausible(described, numbers[known], hardware)
    if wrong or problems or lacking.all():
        # with what else is to be mended
        problems[before:before] = lengths
    refuse([*wrong, *(f"{path}, {problem}" for problem in problems)])
    return described


FIND = {"model": find_model, "gpu": find_gpu}
"""How a model or GPU of a row is found in its table, by column; the tables are called so too."""


LEAST_SQUARED = 2
"""GPUs up to which n^2 of them may as well be what is meant: 4, the experts of two on each pair."""


def _counted_once(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with layouts of n^2 GPUs as they are, on n, but those of several nodes or stages.

    Several nodes that n GPUs need, and that cannot hold n^2, say that n are meant.

    They are written as n^2 x 1 with the experts over n, as 1 x n^2 with them over n, or as n x n
    with them over n, as SGLang and TensorRT-LLM call 1 x n, none of which an engine runs; or, of
    sources of COUNTED_TWICE, as n x n with the experts over n^2: tensor x attention data parallel.
    """
    count, copies, spread = layout(rows)
    tensor, once = rows["tensor_parallel"].to_numpy(float), np.sqrt(count)
    square = copies == tensor
    flags = square & (spread == tensor)
    no_engine = flags | (copies == 1) | (tensor == 1)
    no_engine &= (spread == once) & (once > LEAST_SQUARED)
    theirs = square & (spread == count)
    theirs &= rows["source_id"].str.startswith(COUNTED_TWICE).to_numpy(bool)
    sizes, nodes = _node_sizes(rows).to_numpy(float), rows["nodes"].to_numpy(float, na_value=1)
    meant = (nodes == 1) | ((nodes == np.ceil(once / sizes)) & (nodes * sizes < count))
    meant &= (rows["pipeline_parallel"].fillna(1) == 1).to_numpy(bool)
    once = np.where((no_engine | theirs) & meant, once, 0).astype(int)
    counted = {}
    for name in LAYOUT_AS_GIVEN:
        read = pd.Series(once, rows.index)
        if name == "tensor_parallel":
            read = read.mask(flags, 1)
        elif name == "attention_data_parallel":
            read = read.mask(theirs, 1)
        counted[name] = rows[name].mask((once > 0) & rows[name].gt(1), read)
    return rows.assign(**counted)


def counted_once(rows: pd.DataFrame) -> NDArray:
    """Whether each row of ``read_throughput`` is read as on fewer GPUs than its table says."""
    fewer = [(rows[name] < rows[f"{name}_as_given"]).fillna(False) for name in LAYOUT_AS_GIVEN]
    return np.any(np.array(fewer, bool), axis=0)


def _on_all_nodes(rows: pd.DataFrame, hardware: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows after ``at_load.describe``, those whose weights no single node holds on all theirs.

    Such a row counts the GPUs of one of its nodes: the others hold the rest of the copy.
    """
    described = describe(rows, **hardware)
    nodes, tensor = rows["nodes"].fillna(1), rows["tensor_parallel"]
    several = (nodes > 1) & (copy_gpus(rows) == tensor) & (tensor == _node_sizes(rows))
    several &= described["filled"] > 1
    if not several.any():
        return described
    return describe(rows.assign(tensor_parallel=tensor.mask(several, tensor * nodes)), **hardware)


def over_nodes(rows: pd.DataFrame) -> NDArray:
    """Whether each row of ``read_throughput`` is read as on all its nodes, not on one."""
    more = rows["tensor_parallel"] > rows["tensor_parallel_as_given"]
    return more.to_numpy(bool)


def _known(rows: pd.DataFrame, column: str, hardware: Mapping[str, pd.DataFrame]) -> NDArray:
    """Whether the table of a column has the row's value."""
    table = hardware[f"{column}s"]
    found = {value: FIND[column](pd.Series({column: value}), table) for value in set(rows[column])}
    return rows[column].map(lambda value: bool(found[value]["known"])).to_numpy(bool)


def _unknown(
    rows: pd.DataFrame, numbers: NDArray, hardware: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """Say which models and GPUs of the rows are not known, a sentence each."""
    models, gpus = hardware["models"], hardware["gpus"]
    spellings = {
        "model": [*models["model"], *models["aliases"].dropna().str.split("; ").explode()],
        "gpu": list(gpus["gpu"]),
    }
    allowed = {
        "model": "names and aliases of data/models.csv",
        "gpu": "names of data/gpus.csv: " + ", ".join(gpus["gpu"]),
    }
    for column in FIND:
        for value, alike in rows[~_known(rows, column, hardware)].groupby(column, sort=False):
            near = [n for n in spellings[column] if n.lower().startswith(str(value).lower())]
            near = near[:2] or get_close_matches(str(value), spellings[column], n=1)
            remedy = f"did you mean {' or '.join(near)}? else " if near else ""
            yield (
                f'{name_rows(numbers[alike.index])}, column "{column}": value "{value}";'
                f" allowed are {allowed[column]}; {remedy}add a row for it there"
            )


LENGTHS = ("input_tokens", "output_tokens")


def _lacking_length(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a row states a length too few to be predicted."""
    return np.asarray(rows[list(LENGTHS)].isna().any(axis=1), bool)


def left_out(path: AnyPath) -> list[str]:
    """Say which rows of a table of schema ``throughput`` are not predicted, and why.

    They lack a length, which others of the table state. One sentence a column.
    """
    rows, numbers, _, _ = read_marked(path, "throughput")
    return [
        f'{name_rows(lines)}, column "{column}": value "": left out, as a throughput is predicted'
        " for given lengths; fill the cells to have it predicted"
        for column, lines in _without(rows, numbers)
    ]


def _without(rows: pd.DataFrame, numbers: NDArray) -> Iterator[tuple[str, NDArray]]:
    """Columns of lengths that are not always known, and the numbers of the rows that lack them."""
    for column in LENGTHS:
        empty = rows[column].isna().to_numpy()
        if empty.any():
            yield column, numbers[empty]


def _without_length(rows: pd.DataFrame, numbers: NDArray) -> Iterator[str]:
    """Say which lengths of the rows are not known, a sentence each."""
    for column, lines in _without(rows, numbers):
        yield (
            f'{name_rows(lines)}, column "{column}": value ""; allowed is a number'
            " above 0 [tokens]; a throughput is predicted for given lengths: fill the cells or"
            " remove the rows"
        )


def _impossible(
    rows: pd.DataFrame, numbers: NDArray, gpus: pd.DataFrame, training: pd.DataFrame
) -> Iterator[str]:
    """Say which formats and layouts of the rows their GPUs cannot have, a sentence each."""
    without = gpus.loc[gpus["dense_tflops_4bit"].isna(), "gpu"]
    shown = training[training["gpu"].isin(without) & training["precision"].eq("FP4")]
    impossible = rows["gpu"].isin(without) & rows["precision"].eq("FP4")
    impossible &= ~rows["network"].isin(shown["network"])
    for (gpu, model), alike in rows[impossible].groupby(["gpu", "model"], sort=False):
        yield (
            f'{name_rows(numbers[alike.index])}, column "precision": value "FP4"; allowed on'
            f" {gpu}, which does not compute in 4 bit, are FP8, FP16, BF16, INT8 and INT4, and FP4"
            f" of models measured so (not {model}); state the format of the weights as served"
        )
    count, _, spread = layout(rows)
    for over in {float(n) for n in spread[spread > count]}:
        many = (spread == over) & (spread > count)
        yield (
            f'{name_rows(numbers[many])}, column "expert_parallel": value "{over:g}"; allowed is at'
            " most the GPUs of the copy, tensor_parallel x pipeline_parallel x"
            " attention_data_parallel; correct the layout"
        )
    full = rows["filled"].to_numpy() > 1
    for (model, gpu, precision), alike in rows[full].groupby(
        ["model", "gpu", "precision"], sort=False
    ):
        fewest = count[alike.index].min()
        yield (
            f'{name_rows(numbers[alike.index])}, column "tensor_parallel": value'
            f' "{alike["tensor_parallel_as_given"].iloc[0]}"; {model} in {precision} does not fit'
            f" the memory of {fewest:g} x {gpu}; allowed are as many GPUs as hold the weights;"
            " correct the layout or the format"
        )


NODE_GPUS = 8
"""GPUs of a node. Of a copy on more, sources add up those of prefill and decode."""

LARGEST_NODE = {"A100-SXM-40GB": 16, "GB200": 72, "GB300": 72}
"""GPUs of the largest node or rack on sale where it has more than NODE_GPUS, by GPU."""


def _node_sizes(rows: pd.DataFrame) -> pd.Series:
    """GPUs that a node of each row has at most."""
    return rows["gpu"].map(LARGEST_NODE).fillna(NODE_GPUS)


def _too_few_nodes(rows: pd.DataFrame, numbers: NDArray) -> Iterator[str]:
    """Say which copies need more GPUs than the nodes that are stated have, a sentence each.

    Without nodes a copy takes as many as it needs.
    """
    sizes = _node_sizes(rows)
    count, stated = copy_gpus(rows), rows["nodes"].astype(float)
    over = count > stated * sizes
    keys = [rows.loc[over, "gpu"], rows.loc[over, "nodes"], count[over].rename("needed")]
    for (gpu, nodes, _), alike in rows[over].groupby(keys, sort=False):
        size, needed = int(sizes[alike.index[0]]), int(count[alike.index[0]])
        yield (
            f'{name_rows(numbers[alike.index])}, column "nodes": value "{nodes}"; allowed are at'
            f" least {-(-needed // size)} of at most {size} x {gpu} for the {needed} GPUs of the"
            " copy, tensor_parallel x pipeline_parallel x attention_data_parallel; correct the"
            " layout or the nodes, or leave the cell empty"
        )


def _uneven(rows: pd.DataFrame, numbers: NDArray, models: pd.DataFrame) -> Iterator[str]:
    """Say which layouts on a node part a model as no engine does, a sentence each."""
    tensor = rows["tensor_parallel"].astype(int)
    for (model, _), alike in rows[(tensor <= NODE_GPUS) & ~parts_heads(rows, models)].groupby(
        ["model", "tensor_parallel"], sort=False
    ):
        found = find_model(alike.iloc[0], models)
        heads, kept = int(found["attention_heads"]), int(found["kv_heads"])
        some = alike.iloc[[0] * NODE_GPUS].assign(tensor_parallel=range(1, NODE_GPUS + 1))
        allowed = some.loc[parts_heads(some, models), "tensor_parallel"]
        yield (
            f'{name_rows(numbers[alike.index])}, column "tensor_parallel": value'
            f' "{alike["tensor_parallel"].iloc[0]}"; allowed are'
            f" {', '.join(map(str, allowed))}: engines part the {heads} attention heads of {model}"
            f" and its {kept} of keys and values evenly; correct the layout"
        )
    count, _, spread = layout(rows)
    stages = rows["pipeline_parallel"].astype(float).fillna(1.0)
    for (model,), alike in rows[stages > rows["layers"]].groupby(["model"], sort=False):
        yield (
            f'{name_rows(numbers[alike.index])}, column "pipeline_parallel": value'
            f' "{stages[alike.index[0]]:g}"; allowed are at most the {alike["layers"].iloc[0]:g}'
            f" layers of {model}; correct the layout"
        )
    uneven = (count <= NODE_GPUS) & (spread < count) & (count % spread != 0)
    for gpus, over in sorted(set(zip(count[uneven], spread[uneven], strict=True))):
        alike = uneven & (count == gpus) & (spread == over)
        allowed = [n for n in range(1, int(gpus) + 1) if gpus % n == 0]
        yield (
            f'{name_rows(numbers[alike])}, column "expert_parallel": value "{over:g}"; allowed are'
            f" {', '.join(map(str, allowed))}, which part the {gpus:g} GPUs of the copy evenly;"
            " correct the layout"
        )


def parts_heads(rows: pd.DataFrame, models: pd.DataFrame) -> NDArray:
    """Whether the GPUs of each row's tensor_parallel get as many heads each as the others.

    Those with a cache are parted, or copied where there are more GPUs.

    Parameters
    ----------
    rows : DataFrame
        Columns model, a name or alias of ``models``, and tensor_parallel.
    models : DataFrame
        Table of schema ``models``.
    """
    found = {name: find_model(pd.Series({"model": name}), models) for name in set(rows["model"])}
    gpus = rows["tensor_parallel"].to_numpy(int)
    heads, kept = (
        np.array([int(found[name][column]) for name in rows["model"]])
        for column in ("attention_heads", "kv_heads")
    )
    of_cache = (kept % gpus == 0) | (gpus % kept == 0)
    return np.asarray((heads % gpus == 0) & of_cache)


def _implausible(
    rows: pd.DataFrame, numbers: NDArray, hardware: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """Say which throughputs of the rows their GPUs cannot reach, or fall short of, a sentence."""
    held = against_hardware(rows, **hardware)
    for wrong, reason in (
        (
            held["peak"] > PEAK,
            f"at most {PEAK:g} times what the datasheets of their GPUs allow for the matrix"
            " products of input and output",
        ),
        (
            held["slow"] < SLOWEST,
            f"at least {SLOWEST:g} of what one request alone gets, for which the GPUs read every"
            " weight for every token",
        ),
    ):
        if wrong.any():
            stated = rows.loc[wrong, "throughput_tps"].iloc[0]
            yield (
                f'{name_rows(numbers[wrong])}, column "throughput_tps": value "{stated:g}"; allowed'
                f" is {reason}; compare it, the lengths and the GPUs with their source"
            )
    fast = (held["fast"] > FASTEST) & ~(held["peak"] > PEAK)
    if fast.any():
        stated, of = rows[fast].iloc[0], held[fast].iloc[0]
        most = FASTEST * of["at_once"] / of["reading"]
        yield (
            f'{name_rows(numbers[fast])}, column "throughput_tps": value'
            f' "{stated["throughput_tps"]:g}"; allowed are at most {most:.6g} tokens/s,'
            f" {FASTEST:g} {at_a_reading(of['at_once'], of['reading'])}; compare it, concurrency,"
            " precision and the GPUs with their source"
        )
    kept = rows["input_tokens"] + rows["output_tokens"]
    over = rows[kept > FULLEST * rows["cache_tokens"]]
    for (model, gpu), alike in over.groupby(["model", "gpu"], sort=False):
        stated = alike["input_tokens"].iloc[0], alike["output_tokens"].iloc[0]
        column = "input_tokens" if stated[0] >= stated[1] else "output_tokens"
        room, count = alike["cache_tokens"].iloc[0], copy_gpus(alike).iloc[0]
        yield (
            f'{name_rows(numbers[alike.index])}, column "{column}": value "{max(stated):g}";'
            f" allowed are at most {FULLEST:g} times {room:.0f} tokens of input and output, which"
            f" the cache of {count:g} x {gpu} holds beside the weights of {model}; correct the"
            " lengths, the layout or the format"
        )
    long = rows[over_context(rows, hardware["models"]) > LONGEST]
    for (model,), alike in long.groupby(["model"], sort=False):
        stated = alike["input_tokens"].iloc[0], alike["output_tokens"].iloc[0]
        context = longest_context(str(model), hardware["models"])
        column = "input_tokens" if stated[0] >= stated[1] else "output_tokens"
        yield (
            f'{name_rows(numbers[alike.index])}, column "{column}": value "{max(stated):g}";'
            f" allowed are at most {LONGEST:g} times the context of {model}, {context:g} tokens of"
            " input and output; compare the lengths and the model with their source"
        )


def as_published(rows: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """Fill in what the vendor's pages say of all their rows, where rows of them do not state it.

    Parameters
    ----------
    rows, training : DataFrame
        After ``at_load.describe``; the vendor's are finite runs whose source is PAGE.

    Returns
    -------
    DataFrame
        The rows; of the vendor's, ``engine`` and ``engine_version`` are those of the source; of all
        that give its engine as many requests as fit, ``requests`` are those of the training's run
        of nearest lengths.
    """
    version = rows["source_id"].str.extract(PAGE, expand=False)
    finite = rows["protocol"].eq(AS_MANY_AS_FIT)
    page = finite & version.notna()
    filled = _filled(rows, "engine", pd.Series(PAGE_ENGINE, rows.index), page)
    filled = _filled(filled, "engine_version", version, page)
    engine = filled["engine"].map(engine_name, na_action="ignore")
    alike = finite & engine.eq(PAGE_ENGINE)
    return _filled(filled, "requests", _requests(rows, training), alike)


def _filled(rows: pd.DataFrame, column: str, values: pd.Series, where: pd.Series) -> pd.DataFrame:
    """The rows with the values in the empty cells of a column, which need not be there."""
    given = rows[column] if column in rows else pd.Series(None, rows.index, object)
    return rows.assign(**{column: given.where(given.notna() | ~where, values)})


def _requests(rows: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """Requests of the finite run of the training whose lengths are nearest to each row's."""
    runs = training[training["requests"].notna()]
    lengths = ["input_tokens", "output_tokens"]
    logs, known = (np.log(table[lengths].to_numpy()) for table in (rows, runs))
    away = np.abs(logs[:, None] - known).sum(axis=2)
    return pd.Series(runs["requests"].to_numpy()[away.argmin(axis=1)], rows.index)


def committed(rows: pd.DataFrame, training: pd.DataFrame) -> NDArray:
    """Whether each row, after ``at_load.describe``, is one that the law was fitted to."""
    columns = [*(name for name in SAME if name != "protocol"), "digits"]
    own, known = (
        keys(table.assign(digits=table["throughput_tps"].map(DIGITS)), columns)
        for table in (rows, training)
    )
    return own.isin(known)


NEVER_MEASURED = {
    "model": ["network"],
    "GPU": ["gpu"],
    "format": ["precision", "gpu"],
    "engine": ["engine"],
    "all at once": ["engine", "protocol"],
    "pipeline": ["pipeline_parallel"],
}
"""What of a row may be in none that the law is fitted to, and the columns that tell. An engine that
was measured may not have been with as many requests as fit, all at once."""

NEVER_AT_ONCE = {"model": ["network"], "format": ["precision", "gpu"]}
"""What was measured, but not with as many requests as fit, and the columns that tell."""

RANGES = {
    "GPUs": "copy_gpus",
    "load": "concurrency",
    "input": "input_tokens",
    "output": "output_tokens",
}
"""What of a row may lie beyond those of its model, or of all if its model is new, by column;
``copy_gpus`` are those of a copy of the model."""


def beyond(rows: pd.DataFrame, training: pd.DataFrame, models: pd.DataFrame) -> pd.Series:
    """Say of every row what in it is extrapolated: nobody measured it.

    Parameters
    ----------
    rows, training : DataFrame
        After ``at_load.describe``; the rows that are predicted, and those of the fit.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    Series of str
        Names of NEVER_MEASURED and RANGES, as in "GPU; load"; "context" where a request is longer
        than what the model's publisher states; and "layout" where the GPUs part a model as no
        engine does, or experts that it does not have; empty where all was measured.
    """
    found: dict[str, NDArray] = {
        name: ~keys(rows, columns).isin(keys(training, columns))
        for name, columns in NEVER_MEASURED.items()
    }
    found["all at once"] &= ~found["engine"]
    finite = [table["protocol"].eq(AS_MANY_AS_FIT).to_numpy() for table in (rows, training)]
    for name, columns in NEVER_AT_ONCE.items():
        known = keys(rows, columns).isin(keys(training[finite[1]], columns))
        found["all at once"] |= finite[0] & ~known & ~found[name] & ~found["engine"]
    rows, training = (table.assign(copy_gpus=copy_gpus(table)) for table in (rows, training))
    network = rows["network"].where(~found["model"])
    for name, column in RANGES.items():
        if column not in rows:
            continue
        ends = training.groupby("network")[column].agg(["min", "max"]).reindex(network)
        low = ends["min"].fillna(training[column].min()).to_numpy()
        high = ends["max"].fillna(training[column].max()).to_numpy()
        value = rows[column].to_numpy(float)
        if column == "concurrency" and "requests" in rows:
            # a run never serves more at once than it has; empty: without end
            value = np.fmin(value, rows["requests"].to_numpy(float, na_value=np.nan))
        found[name] = (value < low) | (value > high)
    found["context"] = over_context(rows, models).to_numpy(float) > 1
    count, copies, spread = layout(rows)
    dense = rows["mixture"].to_numpy(float) == 0
    found["layout"] = ~parts_heads(rows, models) | (count % spread != 0)
    found["layout"] |= dense & ((copies > 1) | (spread > 1))
    table = pd.DataFrame(found, rows.index)
    return table.apply(lambda row: "; ".join(table.columns[row]), axis=1)

"""A method against the tables that it is built from: what matches nothing, what cannot be."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.documents import near
from inference_energy.errors import InputError
from inference_energy.laws.at_load import throughput_before_fit
from inference_energy.laws.hardware import (
    BY_BATCH,
    DRAWN_ALIKE,
    FASTEST,
    FULLEST,
    HELD,
    LONGEST,
    MOST_MEASURED,
    MOST_TOKENS,
    PEAK,
    SLOWEST,
    USUAL_FASTEST,
    USUAL_FULLEST,
    USUAL_HELD,
    USUAL_LONGEST,
    USUAL_PEAK,
    USUAL_SLOWEST,
    against_hardware,
    at_a_reading,
    bare_name,
    find_gpu,
    find_model,
    goes_by,
    links_that_lack,
    listed_name,
    longest_context,
    over_context,
    unlinked,
    weights_held,
)
from inference_energy.laws.rows import copy_gpus, usable_rows
from inference_energy.laws.training import LARGEST_NODE
from inference_energy.method import build, datasheets
from inference_energy.method.files import method_path
from inference_energy.method.lengths import MOST_BEYOND, EmpiricalLengths
from inference_energy.method.setup import Regime
from inference_energy.tables import load_schema
from inference_energy.text import counted
from inference_energy.units import W_PER_KW

POWER, USUAL_POWER = (0.2, 6.0), (0.8, 3.0)
"""Node power over the thermal design power of its GPUs [1]. DGX H100: 10.2 kW over 5.6 kW; limited
GPUs take less, and a small model's row counts a part of the node. Where a method says how many GPUs
a node has, they are its own."""
NODE_GPUS = 8
"""GPUs of a node of servers, for models that need fewer."""
USUAL_APART = 10.0
"""Times that the throughput of a row, over what its hardware should give, may be off the median of
its peers [1]. Of the committed methods no row is more than 5.6 times off, and of 1,200 choices at
random among all rows of data/throughput none more than 7.9: a point two digits off tells on each.
"""
USUAL_MEDIAN = 5.0
"""Times that the median of rows of a model and GPU may be off what their hardware should give [1].
In the tables of data/throughput it is 0.25 (two rows of DeepSeek-R1 on H200) to 2.5 times that. Of
one factor on all rows, as of GPUs for nodes of eight, no row tells beside the others."""
USUAL_MEDIAN_OF_ALL = 3.0
"""Times that the median of LEAST_PEERS and more of these medians may be off [1]. Of any of those of
data/throughput it is 0.68 to 2.2 times what the hardware should give."""
USUAL_INPUT = 2.0
"""Times that the input stated beside a trace's answers may be off the trace's mean input [1]: both
are of the same requests. The committed methods state the mean."""
WIDEST = 8
"""GPUs of a copy of a model up to which it is known what they should give: no row of
data/throughput whose layout is sure has more. Of wider copies, as over a rack, the attention is
served apart from the experts in ways that no file tells: what was measured of 12 GB200 is 2.3 times
what one tensor-parallel group should give, of 64 it is 8.8 times."""
LEAST_PEERS = 3
"""Rows, itself among them, whose median a row is held against: of two either may be wrong."""
PEERS = {
    ("model", "gpu", "n_gpus", "precision"): "{model} on {n_gpus:g} x {gpu} in {precision}",
    ("model", "gpu", "precision"): "{model} on {gpu} in {precision}",
    ("model", "guessed"): "{model}",
    ("guessed",): "all models known as well",
}
"""What a row and its peers have in common, the nearest peers first, and how they are called."""
BOTH_KNOWN = " "
"""Of a row whose model and GPU are known: no name of one that is not, twice."""
SLIP = 0.9
"""How alike a name and a known one are that may be meant: one letter of ten is another. [1]"""
SHOWN = 3
NAMED = ("model", "gpu", "source_id")
"""Columns whose names tell rows apart."""
NO_DIFFERENCE = re.compile(r"^.*/|[\s_\u0300-\u036f-]+")
"""A publisher before the name, blanks, dashes and accents, in which two names do not differ."""

CHOICES = {"precision": "precision", "exclude_confidence": "confidence"}
"""Keys of a method's benchmarks that choose rows by words, and the columns that have them."""
CHOOSING = CHOICES | {
    "models": "model",
    "gpus": "gpu",
    "sources": "source_id",
    "exclude_sources": "source_id",
}
"""All keys that choose rows, and their columns."""
LISTED = 8
"""Values of a column that a message lists."""


@dataclass(frozen=True)
class Hardware:
    """What benchmark rows are held against.

    Parameters
    ----------
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    """

    models: pd.DataFrame
    gpus: pd.DataFrame


@dataclass(frozen=True)
class Tables(Hardware):
    """What methods are held against.

    Parameters
    ----------
    sources, nodes, node_power : DataFrame
        Tables of these schemas.
    """

    sources: pd.DataFrame
    nodes: pd.DataFrame
    node_power: pd.DataFrame


KNOWN = tuple(field.name for field in fields(Tables))
"""Names of these tables."""


def held_against(
    method: Mapping[str, Any],
    table: pd.DataFrame,
    tables: Tables,
    traces: Mapping[str, ArrayLike] | None = None,
    lengths: pd.DataFrame | None = None,
) -> tuple[list[str], list[str]]:
    """Hold a method against its benchmark rows, and both against what hardware can do.

    Parameters
    ----------
    method : dict
        Resolved and checked method.
    table : DataFrame
        All rows of its throughput tables.
    tables : Tables
        What is known of models, GPUs, sources and nodes.
    traces : mapping of str to array_like, optional
        Quantiles of output tokens of each trace at evenly spaced levels; without them, queries of
        traces are not held against contexts. [tokens]
    lengths : DataFrame, optional
        Table of schema ``request_lengths``; without it, what a method says of a trace is not held
        against the trace.

    Returns
    -------
    problems, warnings : list of str
        What cannot be, and what is possible but unusual, one sentence each.
    """
    problems: list[str] = []
    warnings: list[str] = []
    for found in (
        _spellings(method, table, tables.models),
        _names(method, table, tables),
        _choices(method, table),
        _weights(method, table, tables),
        _rows(method, table, tables),
        _lengths(method, table, tables, traces),
        _traced(method, lengths),
        _powers(method, table, tables),
        _node_size(method, table, tables),
        datasheets.held(tables.gpus, tables.nodes, tables.node_power),
        datasheets.unusual_rows("models", datasheets.MODELS, tables.models),
    ):
        for is_problem, sentence in found:
            (problems if is_problem else warnings).append(sentence)
    return problems, warnings


def _names(
    method: Mapping[str, Any], table: pd.DataFrame, tables: Tables
) -> Iterator[tuple[bool, str]]:
    """Names that match no row of the tables."""
    benchmarks, path = method["benchmarks"], _named(method)
    aliases = tables.models["aliases"].dropna().str.split("; ").explode()
    usual = {*tables.models["model"]}
    models = {*usual, *aliases}
    kept = {"models": "model", "gpus": "gpu", "sources": "source_id"}
    stated: list[tuple[str, Iterable[str], str, set[str]]] = [
        (f"benchmarks.{key}", benchmarks.get(key, []), column, set())
        for key, column in kept.items()
    ]
    excluded, powered = (
        benchmarks.get("exclude_sources", []),
        method["node_power"].get("models", {}),
    )
    stated += [
        ("benchmarks.exclude_sources", excluded, "source_id", set(tables.sources["source_id"])),
        ("node_power.models", powered, "model", models),
    ]
    for key, names, column, known in stated:
        there = sorted(set(table[column]))
        for name in names:
            if name in there:
                continue
            where = f"{method_path(method['id'])}: key {key}: value {name}"
            # another name of a model that has rows means them. The model's usual name may have come
            # from the method that is extended, and cannot be taken out where rows name it otherwise
            others = {*there} - ({*names} if name in usual else set()) if column == "model" else ()
            meant = _same_models(name, sorted(others), tables.models)
            nearest = f"; did you mean {meant[0]}?" if meant else near(name, there)
            if name in known and not meant:
                yield (
                    False,
                    f"{where}: unusual; no row of {path} has it, so that it changes nothing",
                )
            else:
                yield (
                    True,
                    f"{where}: no row of {path} has it in column {column}; allowed are its names;"
                    f" correct the name or take it out{nearest}",
                )


def _choices(method: Mapping[str, Any], table: pd.DataFrame) -> Iterator[tuple[bool, str]]:
    """Choices among rows by format or confidence that match none, and those that leave none."""
    benchmarks, path = method["benchmarks"], _named(method)
    where = f"{method_path(method['id'])}: key benchmarks"
    for key, column in CHOICES.items():
        there = list(map(str, pd.unique(table[column].dropna())))
        for value in benchmarks.get(key, []):
            if value not in there:
                yield (
                    True,
                    f"{where}.{key}: value {value}: no row of {path} has it in column {column};"
                    f" allowed are {', '.join(sorted(there))}; correct it or take it out",
                )
    if not len(usable_rows(table, benchmarks)):
        stated = [f"{key} {', '.join(benchmarks[key])}" for key in CHOOSING if key in benchmarks]
        columns = dict.fromkeys(CHOOSING.values())
        has = [f"{column} {_listed(table[column])}" for column in columns]
        yield (
            True,
            f"{where}: {'; '.join(stated)}: together they leave no row with both lengths of {path},"
            f" whose rows have {'; '.join(has)}; allowed is what leaves one; take a choice out, or"
            " name another table",
        )


def _listed(column: pd.Series) -> str:
    """Values of a column, the first of very many."""
    names = sorted(map(str, pd.unique(column.dropna())))
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _same_models(name: str, others: Iterable[str], models: pd.DataFrame) -> list[str]:
    """Those of other names under which data/models.csv has the same model."""
    same = goes_by(models, name)
    return [other for other in others if (same & goes_by(models, other)).any()]


def _spellings(
    method: Mapping[str, Any], table: pd.DataFrame, models: pd.DataFrame
) -> Iterator[tuple[bool, str]]:
    """Names spelt in two ways, and two names of one model, which part its rows."""
    where = f"{method_path(method['id'])}: key benchmarks.table: {_named(method)}: column"
    for column in NAMED:
        counts = table[column].value_counts()
        alike = counts.groupby(counts.index.map(_folded))
        for usual, *others in (list(names.index) for _, names in alike):
            for name in others:
                yield (
                    True,
                    f"{where} {column}: value {name}: {usual} in another spelling, so that its rows"
                    " would count apart; allowed is one spelling; write it as the other rows do",
                )
    counts = table["model"].value_counts()
    for name, nearest in _slips(counts, models):
        yield (
            False,
            f"{where} model: value {name}: unusual; data/models.csv lacks it, and its rows count as"
            f" those of a model of their own; did you mean {nearest}?",
        )
    names = pd.Series(counts.groupby(counts.index.map(_folded)).idxmax().tolist())
    for _, same in names.groupby([_entry(name, models) for name in names]):
        if len(same) > 1:
            yield (
                False,
                f"{where} model: values {' and '.join(same)}: unusual; are names of one model,"
                " whose rows count as those of two models",
            )


def _slips(counts: pd.Series, models: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Names that no known model has, each with one that it may be a slip of.

    ``counts`` are the rows of each name. A slip is taken for one of a name with more rows.
    """
    listed = models["aliases"].dropna().str.split("; ").explode()
    known = {_folded(name): name for name in [*counts.index[::-1], *listed, *models["model"]]}
    for name, count in counts.items():
        if goes_by(models, str(name)).any():
            continue
        others = [
            key
            for key, other in known.items()
            if counts.get(other, math.inf) > count or goes_by(models, other).any()
        ]
        found = get_close_matches(_folded(str(name)), others, n=1, cutoff=SLIP)
        yield from ((str(name), known[key]) for key in found)


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.casefold()).replace(",", ".").translate(DRAWN_ALIKE)
    return NO_DIFFERENCE.sub("", plain)


def _entry(name: str, models: pd.DataFrame) -> str:
    """What names of one model share: its name in data/models.csv, else what its own begins with."""
    known = models["model"][goes_by(models, name)]
    return str(known.iloc[0]) if len(known) else bare_name(name)


def _weights(
    method: Mapping[str, Any], table: pd.DataFrame, tables: Tables
) -> Iterator[tuple[bool, str]]:
    """Rows whose GPUs do not hold the weights, also of models that a law only learns from."""
    benchmarks = method["benchmarks"]
    if "gpus_per_node" in method["throughput_law"]:
        benchmarks = {k: v for k, v in benchmarks.items() if k not in ("models", "gpus")}
    rows = usable_rows(table, benchmarks)
    if rows.empty:
        return
    count = copy_gpus(rows) * rows["nodes"].astype(float).fillna(1.0)
    found = weights_held(rows, count, tables.models, tables.gpus)
    held = found["held"]
    unknown = _unknown(rows, tables)
    known = ~rows["model"].isin(unknown["model"]) & ~rows["gpu"].isin(unknown["gpu"])
    # one row of a kind says it
    first = ~rows.assign(count=count).duplicated(["model", "gpu", "precision", "count"])
    what = pd.Series(
        [
            f"times the memory of its {gpus:g} GPUs for the weights alone ({params:g} billion in"
            f" {precision}, params_total_b of {place}, and {memory:g} GB, memory_gb of {gpu} in"
            " data/gpus.csv)"
            for gpus, params, precision, place, memory, gpu in zip(
                count,
                found["params_total_b"],
                rows["precision"],
                (rows["model"] + " in data/models.csv").where(found["listed"], "the row"),
                found["memory_gb"],
                rows["gpu"],
                strict=True,
            )
        ],
        rows.index,
        dtype=object,
    )
    remedy = (
        f"allowed is at most {HELD:g}; correct params_total_b or memory_gb, or in the row"
        " precision, tensor_parallel and nodes"
    )
    where = f"{method_path(method['id'])}: key benchmarks.table: {_named(method)}"
    is_problem = (held > HELD) & known
    is_unusual = (held > USUAL_HELD) & ~is_problem
    yield from _told(rows, held, is_problem & first, where, (what, remedy), True)
    yield from _told(rows, held, is_unusual & first, where, (what, remedy), False)


def _rows(
    method: Mapping[str, Any], table: pd.DataFrame, tables: Tables
) -> Iterator[tuple[bool, str]]:
    """What cannot be, and what is unusual, of the rows of a method."""
    where = f"{method_path(method['id'])}: key benchmarks.table: {_named(method)}"
    rows = usable_rows(table, method["benchmarks"])
    yield from rows_held_against(rows, tables, where)
    largest = max(LARGEST_NODE.values())
    share = copy_gpus(rows) / (largest * rows["nodes"].astype(float).fillna(1.0))
    many = (
        "times the GPUs of the largest node or rack on sale for one copy, tensor_parallel x"
        " pipeline_parallel x attention_data_parallel",
        f"allowed are at most {largest} on each of its nodes, which are one where none are stated;"
        " correct the layout, or state nodes",
    )
    yield from _told(rows, share, share > 1, where, many, True)


def rows_held_against(
    rows: pd.DataFrame, tables: Hardware, where: str
) -> Iterator[tuple[bool, str]]:
    """Find rows faster than GPUs compute, slower than they read, longer than they or models hold.

    And those far from others of their model and hardware.

    Parameters
    ----------
    rows : DataFrame
        Rows of schema ``throughput``, with both lengths; of those with ``line`` it is told.
    tables : Hardware
        What is known of models and GPUs.
    where : str
        Their table, for messages.

    Yields
    ------
    (bool, str)
        Whether it cannot be (or is only unusual), and a sentence.
    """
    yield from ((True, f"{where}: {told}") for told in links_that_lack(rows, tables.gpus))
    rows = rows[~unlinked(rows, tables.gpus)]
    if rows.empty:
        return
    held = against_hardware(rows, tables.models, tables.gpus)
    peak, slow, fast, full, batch = held.peak, held.slow, held.fast, held.full, held.batch
    long = over_context(rows, tables.models)
    unknown = _unknown(rows, tables)
    known = ~rows["model"].isin(unknown["model"]) & ~rows["gpu"].isin(unknown["gpu"])
    lengths = (
        "compare the columns input_tokens and output_tokens with their source; they are of one"
        " request"
    )
    peak_reason = (
        "times what the datasheets of its GPUs allow for the matrix products of input and output",
        f"allowed is at most {PEAK:g}; compare the columns input_tokens, output_tokens and"
        " throughput_tps with their source; of a cached input state what was computed",
    )
    slow_reason = (
        "of what one request alone gets, for which the GPUs read every weight for every token",
        f"allowed is at least {SLOWEST:g}; compare the column throughput_tps with its source; it is"
        " that of all requests together",
    )
    fast_reason = (
        pd.Series(map(at_a_reading, held["at_once"], held["reading"]), rows.index),
        f"allowed is at most {FASTEST:g}, more than speculation gives; compare the columns"
        " throughput_tps, concurrency, precision and tensor_parallel with their source",
    )
    read = [at_a_reading(*of, BY_BATCH) for of in zip(held["at_once"], held["step"], strict=True)]
    # the remedy is that of what cannot be, which some texts and speculation are not
    batch_reason = (pd.Series(read, rows.index, dtype=object), "")
    full_reason = (
        "times the tokens of a request for whose cache the GPUs have room beside the weights",
        f"allowed is at most {FULLEST:g}; {lengths}",
    )
    long_reason = (
        "times the longest context of the model (context_tokens of data/models.csv)",
        f"allowed is at most {LONGEST:g}; {lengths}",
    )
    per_gpu = rows["throughput_tps"] / copy_gpus(rows)
    any_reason = (
        f"times the tokens/s per GPU of the fastest of all measured runs, {MOST_MEASURED:.6g} of"
        " GPT-OSS 20B on a B200",
        f"allowed is at most {MOST_TOKENS / MOST_MEASURED:.3g}; correct throughput_tps or"
        " tensor_parallel, and add the model to data/models.csv, or the GPU to data/gpus.csv",
    )
    of_any, refused = per_gpu / MOST_MEASURED, ~known & (per_gpu > MOST_TOKENS)
    yield from _told(rows, of_any, refused, where, any_reason, True)
    told = refused.copy()
    for ratio, is_problem, is_unusual, reason in (
        (peak, peak > PEAK, peak > USUAL_PEAK, peak_reason),
        (slow, slow < SLOWEST, slow < USUAL_SLOWEST, slow_reason),
        # of a throughput that is beyond both, the first says enough
        (
            fast,
            (fast > FASTEST) & ~(peak > PEAK),
            (fast > USUAL_FASTEST) & ~(peak > USUAL_PEAK),
            fast_reason,
        ),
        (
            batch,
            pd.Series(False, rows.index),
            (batch > USUAL_FASTEST) & ~(fast > USUAL_FASTEST) & ~(peak > USUAL_PEAK),
            batch_reason,
        ),
        (full, full > FULLEST, full > USUAL_FULLEST, full_reason),
        (long, long > LONGEST, long > USUAL_LONGEST, long_reason),
    ):
        yield from _told(rows, ratio, is_problem & known, where, reason, True)
        is_unusual &= ~(is_problem & known) & ~refused
        yield from _told(rows, ratio, is_unusual, where, reason, False)
        told |= is_problem | is_unusual
    faster = ~known & (per_gpu > MOST_MEASURED) & ~told
    yield from _told(rows, of_any, faster, where, any_reason, False)
    told |= faster
    found = against_peers(rows, tables)
    for sentence in _apart(rows, found, ~told, where):
        yield False, sentence
    # rows that are told say what they are; the others may be off alike
    for sentence in off_alike(found[~told & ~_far(found)], where):
        yield False, sentence
    for column, names in unknown.items():
        if names:
            yield (
                False,
                f"{where}: unusual; data/{column}s.csv lacks {', '.join(names)}, so that rows of it"
                " are held against the nearest known, and refused beyond"
                f" {MOST_TOKENS:.7g} tokens/s per GPU alone",
            )


def unusual_rows(table: pd.DataFrame, tables: Hardware, where: str) -> list[str]:
    """Tell what is possible but unusual of a table that no method chooses rows of.

    Parameters
    ----------
    table : DataFrame
        Rows of schema ``throughput``, as of ``rows_held_against``; those without both lengths are
        left out.
    tables : Hardware
        What is known of models and GPUs.
    where : str
        The table, for messages.

    Returns
    -------
    list of str
        One sentence each.

    Raises
    ------
    InputError
        All that cannot be.
    """
    # what a law has added to the rows is found out again
    own = [*load_schema("throughput")["properties"], "line"]
    rows = table[table.columns.intersection(own)].dropna(subset=["input_tokens", "output_tokens"])
    found = list(rows_held_against(rows, tables, where))
    if problems := [sentence for is_problem, sentence in found if is_problem]:
        raise InputError(problems)
    return [sentence for _, sentence in found]


def _lengths(
    method: Mapping[str, Any],
    table: pd.DataFrame,
    tables: Tables,
    traces: Mapping[str, ArrayLike] | None,
) -> Iterator[tuple[bool, str]]:
    """Queries that are longer than the context of a model that answers them."""
    models = pd.unique(usable_rows(table, method["benchmarks"])["model"])
    contexts = {model: longest_context(model, tables.models) for model in models}
    known = {model: context for model, context in contexts.items() if not math.isnan(context)}
    if not known:
        return
    model, context = min(known.items(), key=lambda item: item[1])
    remedy = "shorten them, or leave the model out of benchmarks.models"
    where = method_path(method["id"])
    # those of a trace that is not given are not known
    stated = {
        name: regime
        for name, regime in method["regimes"].items()
        if traces is not None or "trace" not in regime["output_tokens"]
    }
    try:
        built = build.regimes({**method, "regimes": stated}, traces or {}, where)
    except InputError as error:
        yield from ((True, problem) for problem in error.problems)
        return
    yield from beyond_context(built, model, context, where, remedy)


def beyond_context(
    regimes: Mapping[str, Regime], model: str, context: float, where: str, remedy: str
) -> Iterator[tuple[bool, str]]:
    """Find queries that are longer than the context of the model that answers them.

    Parameters
    ----------
    regimes : dict of str to Regime
        Kinds of queries.
    model : str
        Its name, for messages.
    context : float
        Longest that it can be used with; of NaN nothing is said. [tokens]
    where, remedy : str
        File that states the regimes, and what can be done.

    Yields
    ------
    (bool, str)
        Whether it cannot be (or is only unusual), and a sentence.
    """
    if math.isnan(context):
        return
    for name, regime in regimes.items():
        asked, answered = regime.input_tokens, regime.output_tokens
        tokens = {"output_tokens": answered.median_occurring(), "input_tokens": asked}
        key, longest = max(tokens.items(), key=lambda item: item[1])
        ratio = sum(tokens.values()) / context
        of_model = f"the longest context of {model}, {context:g} tokens (context_tokens of"
        of_model += " data/models.csv)"
        sentence = (
            f"{where}: key regimes.{name}.{key}: value {longest:g}: {{}}"
            f"input and median output are {ratio:.3g} times {of_model}"
        )
        # what was observed was within a context; the tail of another family is but assumed
        observed = isinstance(answered, EmpiricalLengths)
        share = answered.share_above(context - asked) if observed else 0.0
        if ratio > LONGEST:
            yield True, f"{sentence.format('')}; allowed is at most {LONGEST:g} times; {remedy}"
        elif ratio > USUAL_LONGEST:
            yield False, sentence.format("unusual; ")
        elif share > MOST_BEYOND:
            yield (
                False,
                f"{where}: key regimes.{name}.output_tokens: unusual; {share:.2g} of the queries"
                f" are longer with their input than {of_model}; usual is at most {MOST_BEYOND:g}",
            )


def _traced(method: Mapping[str, Any], lengths: pd.DataFrame | None) -> Iterator[tuple[bool, str]]:
    """Traces that contradict the input that the method states beside them."""
    if lengths is None:
        return
    named = {
        name: (regime["output_tokens"]["trace"], float(regime["input_tokens"]["value"]))
        for name, regime in method["regimes"].items()
        if "trace" in regime["output_tokens"]
    }
    table = "data/request_lengths.csv"
    for name, (trace, asked) in named.items():
        own = lengths[lengths["trace"] == trace].sort_values("quantile")
        if own.empty:
            continue
        mean = {
            column: float(np.trapezoid(own[column].astype(float), own["quantile"].astype(float)))
            for column in ("input_tokens", "output_tokens")
        }
        if _times_off(asked, mean["input_tokens"]) <= USUAL_INPUT:
            continue
        is_exchanged = _times_off(asked, mean["output_tokens"]) <= USUAL_INPUT
        yield (
            False,
            f"{method_path(method['id'])}: key regimes.{name}.input_tokens: value {asked:g}:"
            f" unusual; the mean input of the requests of {trace}, whose answers the regime has, is"
            f" {mean['input_tokens']:.4g} tokens in {table}, and usual is at most {USUAL_INPUT:g}"
            " times more or less"
            + (
                f"; the mean of its output_tokens is {mean['output_tokens']:.4g}, so that"
                " input_tokens and output_tokens may be exchanged there"
                if is_exchanged
                else ""
            ),
        )


def _times_off(one: float, other: float) -> float:
    """How many times the larger of two numbers is the smaller. [1]"""
    least, most = sorted((one, other))
    return most / least if least > 0 else math.inf


def _told(
    rows: pd.DataFrame,
    ratio: pd.Series,
    chosen: pd.Series,
    where: str,
    reason: tuple[str | pd.Series, str],
    is_problem: bool,
) -> Iterator[tuple[bool, str]]:
    """Sentences about the first rows chosen, and how many there are besides."""
    what, remedy = reason

    def said(index: Any) -> str:
        words = what if isinstance(what, str) else what[index]
        sentence = f"{ratio[index]:.3g} {words}"
        return f"{sentence}; {remedy}" if is_problem else f"unusual; {sentence}"

    for sentence in _first(rows, chosen, where, said):
        yield is_problem, sentence


def _first(
    rows: pd.DataFrame, chosen: pd.Series, where: str, said: Callable[[Any], str]
) -> Iterator[str]:
    """What is said of the first rows chosen, by their index, and how many there are besides."""
    gpus = copy_gpus(rows)
    for index in rows.index[chosen][:SHOWN]:
        row = rows.loc[index]
        load = row["concurrency"]
        at_once = "" if pd.isna(load) else f", {load:g} at once"
        place = f"{where}, line {row['line']}" if "line" in row else where
        yield (
            f"{place}: {row['model']} on {gpus[index]:g} x {row['gpu']},"
            f" {row['input_tokens']:g}/{row['output_tokens']:g} tokens{at_once}: throughput_tps"
            f" {row['throughput_tps']:g}: {said(index)}"
        )
    if chosen.sum() > SHOWN:
        yield f"{where}: {chosen.sum() - SHOWN} more rows like these"


def against_peers(rows: pd.DataFrame, tables: Hardware) -> pd.DataFrame:
    """Hold rows against those of the same model and hardware, or the nearest that are enough.

    Parameters
    ----------
    rows : DataFrame
        Rows of schema ``throughput``, with both lengths.
    tables : Hardware
        What is known of models and GPUs.

    Returns
    -------
    DataFrame
        ``share``, throughput over what the hardware should give at the row's lengths and load [1];
        ``apart``, that over the median of the row and its peers [1], NaN without enough of them;
        the columns that PEERS names; and ``near``, the place in PEERS of those that were found.
    """
    share = rows["throughput_tps"] / throughput_before_fit(rows, tables.models, tables.gpus)
    unknown = _unknown(rows, tables)
    # what a model or a GPU should give of which nothing is known is off by one factor for all
    model, gpu = (rows[name].where(rows[name].isin(unknown[name]), "") for name in unknown)
    found = rows.assign(
        share=share, n_gpus=copy_gpus(rows), guessed=model + " " + gpu, apart=np.nan, near=0
    )
    log_share = np.log(share)
    for place, columns in enumerate(PEERS):
        groups = log_share.groupby([found[column] for column in columns])
        enough = (groups.transform("size") >= LEAST_PEERS) & found["apart"].isna()
        found.loc[enough, "apart"] = np.exp(log_share - groups.transform("median"))[enough]
        found.loc[enough, "near"] = place
    return found


def _apart(
    rows: pd.DataFrame, found: pd.DataFrame, candidates: pd.Series, where: str
) -> Iterator[str]:
    """Sentences about those of the candidates that are far from their peers."""

    def said(index: Any) -> str:
        row = found.loc[index]
        columns, called = list(PEERS.items())[row["near"]]
        others = found["share"][found[[*columns]].eq(row[[*columns]]).all(axis=1)].drop(index)
        cited = [row[column] for column in ("source_id", "locator") if pd.notna(row[column])]
        return (
            f"unusual; {row['share']:.3g} times what its hardware should give, where the"
            f" {len(others)} other rows of {called.format(**row)} have"
            f" {others.min():.3g} to {others.max():.3g} times; usual is at most {USUAL_APART:g}"
            " times off the median; compare the columns throughput_tps, input_tokens,"
            f" output_tokens and concurrency with {', '.join(cited)}"
        )

    yield from _first(rows, candidates & _far(found), where, said)


def _far(found: pd.DataFrame) -> pd.Series:
    """Whether rows are farther from their peers than is usual."""
    return np.abs(np.log(found["apart"])) > math.log(USUAL_APART)


def off_alike(found: pd.DataFrame, where: str) -> Iterator[str]:
    """Find models on GPUs of which all rows are as far off what the hardware should give.

    Parameters
    ----------
    found : DataFrame
        Rows of :func:`against_peers`; those of which model or GPU is a guess, and of more GPUs than
        WIDEST, are left out.
    where : str
        Their table, for messages.

    Yields
    ------
    str
        A sentence each, and one about all of them if they are enough.
    """
    known = found[found["guessed"].eq(BOTH_KNOWN) & (found["n_gpus"] <= WIDEST)]
    medians = []
    usual = (
        "; it is that of all GPUs of a copy of the model, in output tokens per second: compare its"
        " unit, its GPUs and its model with "
    )

    def said(median: float, most: float) -> str:
        return (
            f"in the median {median:.3g} times what such hardware gives; usual is {1 / most:.3g}"
            f" to {most:g} times{usual}"
        )

    for (model, gpu), own in known.groupby(["model", "gpu"], sort=False):
        median = math.exp(np.log(own["share"]).median())
        medians.append(median)
        if not 1 / USUAL_MEDIAN <= median <= USUAL_MEDIAN:
            yield (
                f"{where}: {model} on {gpu}: unusual; throughput_tps of its"
                f" {counted(len(own), 'row', 'rows')} is {said(median, USUAL_MEDIAN)}"
                f"{', '.join(own['source_id'].unique())}"
            )
    if len(medians) < LEAST_PEERS:
        return
    median = math.exp(np.median(np.log(medians)))
    if not 1 / USUAL_MEDIAN_OF_ALL <= median <= USUAL_MEDIAN_OF_ALL:
        yield (
            f"{where}: all {len(medians)} models and GPUs: unusual; throughput_tps is"
            f" {said(median, USUAL_MEDIAN_OF_ALL)}{', '.join(known['source_id'].unique())}"
        )


def _powers(
    method: Mapping[str, Any], table: pd.DataFrame, tables: Tables
) -> Iterator[tuple[bool, str]]:
    """Node powers that the GPUs behind a model's rows cannot make up."""
    rows = usable_rows(table, method["benchmarks"])
    gpus = copy_gpus(rows) * rows["nodes"].astype(float).fillna(1.0)
    for model in pd.unique(rows["model"]):
        own = rows[rows["model"] == model]
        watts = [
            float(find_gpu(row, tables.gpus)["tdp_w"])
            for _, row in own.drop_duplicates("gpu").iterrows()
        ]
        size = method["throughput_law"].get("gpus_per_node")
        most = size or max(NODE_GPUS, float(gpus[own.index].max()))
        least = size or float(gpus[own.index].min())
        power, high, low = build.node_power(method, model), most * max(watts), least * min(watts)
        sentence = (
            f"{method_path(method['id'])}: key node_power: value {power:g} kW for {model}:"
            " {}its GPUs' thermal design power is "
            + " to ".join(dict.fromkeys(f"{watt / W_PER_KW:g}" for watt in (low, high)))
            + " kW (data/gpus.csv)"
        )
        ratios = W_PER_KW * power / low, W_PER_KW * power / high
        if ratios[0] < POWER[0] or ratios[1] > POWER[1]:
            yield (
                True,
                sentence.format("")
                + f"; allowed is {POWER[0]:g} to {POWER[1]:g} times that; state the power of one"
                " node in kW",
            )
        elif ratios[0] < USUAL_POWER[0] or ratios[1] > USUAL_POWER[1]:
            yield False, sentence.format("unusual; ")


def _node_size(
    method: Mapping[str, Any], table: pd.DataFrame, tables: Tables
) -> Iterator[tuple[bool, str]]:
    """GPUs of a node that are not those of its GPUs' nodes, or of which rows need several."""
    size, rows = (
        method["throughput_law"].get("gpus_per_node"),
        usable_rows(table, method["benchmarks"]),
    )
    if size is None or rows.empty:
        return
    serving = method.get("serving", {}).get("nodes", {}).get("kinds")
    named = [kind.rsplit(" ", 1)[0] for kind in serving] if serving else pd.unique(rows["gpu"])
    hardware = {"gpus": tables.gpus}
    gpus = list(dict.fromkeys(listed_name("gpu", name, hardware) for name in named))
    needed = copy_gpus(rows).groupby(rows["model"]).min()
    where = f"{method_path(method['id'])}: key throughput_law.gpus_per_node: value {size}: unusual;"
    for sentence in datasheets.no_node(size, gpus, float(needed.max())):
        yield False, f"{where} {sentence}"
    for name in ("nodes", "node_power"):
        known = getattr(tables, name)
        own = known[known["gpu"].isin(gpus)]
        if len(own) and not own["gpus"].eq(size).any():
            of = ", ".join(f"{row['gpus']} x {row['gpu']}" for _, row in own.iterrows())
            yield False, f"{where} data/{name}.csv has nodes of {of}"


def _unknown(rows: pd.DataFrame, tables: Hardware) -> dict[str, list[str]]:
    """Models and GPUs of the rows whose size and rates neither the tables nor the rows tell."""

    def is_unknown(row: pd.Series) -> bool:
        return not find_model(row, tables.models)["known"] and pd.isna(row["params_total_b"])

    once = {column: rows.drop_duplicates(column) for column in ("model", "gpu")}
    return {
        "model": [row["model"] for _, row in once["model"].iterrows() if is_unknown(row)],
        "gpu": [
            row["gpu"]
            for _, row in once["gpu"].iterrows()
            if not find_gpu(row, tables.gpus)["known"]
        ],
    }


def _named(method: Mapping[str, Any]) -> str:
    paths = method["benchmarks"]["table"]
    return paths if isinstance(paths, str) else ", ".join(paths)

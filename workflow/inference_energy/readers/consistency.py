"""A run checked against itself: what its file says twice has to agree, and to be possible.

What disagrees marks the run, by name and with both numbers; what no hardware can do is refused.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inference_energy.readers.common import Run

import math
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pandas as pd

from inference_energy.energy.equation import steady_power, token_energy
from inference_energy.laws.hardware import (
    FASTEST,
    HELD,
    LONGEST,
    MOST_MEASURED,
    MOST_TOKENS,
    PEAK,
    SLOWEST,
    USUAL_FASTEST,
    USUAL_HELD,
    at_a_reading,
    bare_name,
    drawn_like,
    find_gpu,
    find_model,
    goes_by,
    gpu_named,
    longest_context,
    most_at_once,
    numbers_in_name,
    serving_times,
    shares,
    weights_held,
)
from inference_energy.method.boundary import Meter
from inference_energy.project import provided
from inference_energy.tables import load_schema, read_table
from inference_energy.units import PERCENT, joules, mean_power

GPUS, MODELS = "data/gpus.csv", "data/models.csv"
MEASURED = "data/measured/mlenergy_v3.csv"
"""Runs that measured models in formats that their GPUs do not compute in."""
PERCENTILES = ("p50", "p90", "p95", "p99")
TOLERANCE = 0.02
"""Two statements of one quantity may differ by this much (relative)."""

ABOVE_TDP = 1.1
"""Mean board power over TDP: the power limit holds the mean to TDP, meters read to some percent."""

BELOW_TDP = 0.02
"""Mean board power over TDP: idle, it is a tenth; far less is a power in kilowatts."""

IDLE = {"gpu_power_w": 0.15, "node_power_w": 0.25}
"""Mean power over the TDP of all GPUs: what serves takes more. The least of data/measured is 0.29
at the boards; nodes take 0.33 or more at the wall before a run. [1]"""

MOST_USUAL, NODE_GPUS = 3.0, 8
"""Mean power at the wall over TDP, usually at most, of nodes of so many GPUs: DGX take 1.8."""

SIZES = ["params_total_b", "params_active_b"]
"""Columns of models that tell their size. [billions]"""

HARDWARE = {
    "model": (MODELS, goes_by, [*SIZES, "layers", "hidden_size"]),
    "gpu": (GPUS, gpu_named, ["gpu"]),
}
"""Columns of names that tables have, those that go by a name, and what is the same of one thing."""

OF_A_SIZE = 1.5
"""Parameters in the name of a model over those that it has: names round, and of experts they count
shared parameters several times (8x7B has 47). [1]"""

SLOW = 0.01
"""Throughput over that of one request alone: less are thousands of tokens typed for tokens. [1]"""

SLOW_AT_LOAD, USUAL_SLOW_AT_LOAD = 5e-4, 0.01
"""Throughput over what GPUs give the requests at once that read every weight for each of their
tokens and compute its matrix products and those of its input [1]. The least of the 2464 rows of
data/throughput that state a concurrency is 0.03 (Llama 3.1 8B on eight H200, 512 at once), and of
most 0.1 to 1: a third of the least tells, and a sixtieth, which leaves room for servers that queue
and clients that pause, is a throughput some digits off."""

LEAST_WATTS = 1.0
"""No one accelerator draws less [W]; for those that data/gpus.csv does not list."""

MOST_WATTS = 5_000.0
"""No one accelerator draws more [W]; for those that data/gpus.csv does not list."""

HOST_WATTS = 3_000.0
"""Wall power beside the GPUs, of one GPU: a whole server that holds a single one. [W]"""

LEAST_HOST = 0.01
"""Power of a node outside its GPUs over their thermal design power, at least [1]: that of CPUs,
memory, fans and the losses of power supplies. Of eight H100 they draw 0.16 and more."""

IN_FLIGHT = (1 / 6, 2.0)
"""Request rate x median time over the concurrency: a median is at most twice the mean, and far
fewer at once means that a rate or the length of the run was the limit. [1]"""

MOST_IN_FLIGHT = 1.1
"""Request rate x mean time over the concurrency: no more are in flight, but a rate by the lengths
that were asked for is off by as much as these are. [1]"""

LENGTHS_APART = 2.0
"""Standard deviation of output lengths over their mean, taken for the most [1]: that of
data/measured/output_lengths.csv is 1.4 or less. The mean over requests of time per token x tokens
is less than the product of both means by this times the deviation of the first at most
(Cauchy-Schwarz), as where short answers wait longest for each token."""

GAP = (0.02, 50.0)
"""Median time between tokens over its mean: a client that takes tokens in bursts has a median far
below the mean, and load that varies one above it, but what is a thousandth or a thousandfold of it
is in another unit. [1]"""

MOST_LENGTH = 10_000_000.0
"""Tokens of the longest context that a model has been offered with. [tokens]"""

MOST_GPUS = 10_000
"""GPUs of one run: the bound of tensor_parallel in a throughput table too. [GPUs]"""

MOST_SPLIT = {"tensor_parallel": 576, "pipeline_parallel": 128}
"""Usually at most: GPUs of the largest switch that is announced (NVL576), which share a layer; and
stages, of which a model has no more than its layers, 126 of Llama 3.1 405B. [GPUs]"""


def check_run(run: "Run") -> None:
    """Mark or refuse a run whose numbers contradict each other or cannot be.

    Parameters
    ----------
    run : Run
        With the columns of its file and its facts; its marks, problems and energies change.
    """
    _check_names(run)
    stated = {column: run.row[column] for column in run.held_as}
    run.row |= run.held_as
    _check_gpus(run)
    _check_format(run)
    _check_weights(run)
    _check_speed(run)
    _check_power(run)
    _check_energy(run)
    _check_times(run)
    _check_spreads(run)
    _check_gaps(run)
    _check_rates(run)
    _check_in_flight(run)
    run.row |= stated


def agree(
    run: "Run",
    what: str,
    stated: float | None,
    expected: float | None,
    formula: str,
    unit: str,
    slack: float = 0.0,
) -> None:
    """Mark a run unless a stated number is what its file's other numbers give.

    Parameters
    ----------
    run : Run
        Run to mark.
    what : str
        Name of the number; with the prefix ``power: `` the run is doubted for its energy only.
    stated, expected : float or None
        The number, and what it should be; one that is missing is not checked.
    formula, unit : str
        How it should come about, and its unit.
    slack : float
        Relative difference that is allowed beside `TOLERANCE`.
    """
    if not stated or not expected:
        return
    if abs(stated - expected) > (TOLERANCE + slack) * max(stated, expected):
        _mark(run, what, f"{what} {stated:.6g} {unit} where {formula} is {expected:.6g}")


def check_mean(
    run: "Run", name: str, mean: float | None, low: float | None, high: float | None
) -> None:
    """Mark a run whose mean length is shorter than the shortest or longer than the longest.

    Parameters
    ----------
    run : Run
        Run to mark.
    name : str
        Key of the lengths in the file.
    mean, low, high : float or None
        Of the lengths of its requests [tokens]; an end that is missing is not checked.
    """
    for end, length, sign in (("shortest", low, 1), ("longest", high, -1)):
        if mean is not None and length is not None and sign * (length - mean) > TOLERANCE * mean:
            text = f"{name}: mean of {mean:.6g} tokens where the {end} has {length:.6g}"
            run.marks.append(text)


@cache
def _table(path: str, schema: str) -> pd.DataFrame:
    return read_table(path, schema)


@cache
def _thermal_design_power(path: str, gpu: str) -> float | None:
    """TDP of a GPU in whichever spelling [W]; none where it is not known."""
    table = _table(path, "gpus")
    found = table.loc[gpu_named(table, gpu), "tdp_w"]
    return float(found.iloc[0]) if len(found) else None


@cache
def _serving_times(
    models: str, gpus: str, model: str, gpu: str, count: float, precision: str
) -> tuple[float, float, float, float] | None:
    """Least times [s] to compute a token, to read all weights and to read those of one token, and
    tokens that fit into the cache; none where the model or the GPU is unknown.
    """
    row = pd.Series({"model": model, "gpu": gpu, "precision": precision, "tensor_parallel": count})
    tables = _table(models, "models"), _table(gpus, "gpus")
    if not (find_model(row, tables[0])["known"] and find_gpu(row, tables[1])["known"]):
        return None
    times = serving_times(row, *tables)
    active, kept = shares(row.to_frame().T, tables[0]).iloc[0]
    weights = times["weights"]
    return times["compute"], weights, weights * active, times["cache"] / kept


def _mark(run: "Run", name: str, text: str) -> None:
    """Add a mark; a table that is read again already holds it."""
    if not any(mark.startswith(name) for mark in run.marks):
        run.marks.append(text)


@cache
def _names(path: str, column: str) -> list[str]:
    """Names of a table of hardware, those that models go by as well."""
    table = _table(path, f"{column}s")
    others = table["aliases"].dropna().str.split("; ").explode() if "aliases" in table else ()
    return [*others, *table[column]]


def _check_names(run: "Run") -> None:
    """Names that look like those of the tables, whose bounds would not be held against them."""
    for column, path in (("model", MODELS), ("gpu", GPUS)):
        name = run.row.get(column)
        listed = drawn_like(name, _names(provided(path), column)) if name else None
        if listed:
            run.refuse(
                f"{column} is {name}, which only looks like {listed} of {path}; allowed is that "
                f"name, or another one; write it so, or state {column} in the facts"
            )


def check_renamed(run: "Run", column: str, found: object, stated: str) -> None:
    """Refuse a model or GPU that the facts call by the name of another; mark one of another size.

    A server may call its model as it likes; what is of the tables by both names has to be the same,
    and what is by the file's alone is held to that.

    Parameters
    ----------
    run : Run
        Run to refuse or to mark.
    column : str
        Column that the facts rename.
    found, stated : object, str
        Its name in the file, if it has one, and in the facts.
    """
    if column not in HARDWARE or not isinstance(found, str):
        return
    path, name, what = HARDWARE[column]
    table = _table(provided(path), f"{column}s")
    own, other = (table[name(table, each)] for each in (found, stated))
    # models of one network are the same to the hardware
    if len(own) and len(other) and not (own[what].iloc[0] == other[what].iloc[0]).all():
        run.refuse(
            f"{column} is {found} in the file, which is {own[column].iloc[0]} of {path}, but"
            f" {stated} in the facts, which is {other[column].iloc[0]}; allowed is one of them;"
            " correct the fact, or the name in the file, or give the file of that run"
        )
    elif len(own) and other.empty:
        run.held_as[column] = found
    elif column == "model" and own.empty:
        sizes = numbers_in_name(stated) if other.empty else tuple(other[SIZES].iloc[0])
        apart = [max(said / size, size / said) for said in numbers_in_name(found) for size in sizes]
        # of a name without a number it is NaN, which is not apart
        if min(apart) > OF_A_SIZE:
            _mark(run, "model", f"model {stated} where the file names {found}")


def _check_gpus(run: "Run") -> None:
    for name in ("n_gpus", "tensor_parallel", "pipeline_parallel"):
        if (run.row.get(name) or 0) > MOST_GPUS:
            run.refuse(
                f"{name} is {run.row[name]}; allowed are at most {MOST_GPUS}, as one run is served"
                " by one to some hundred GPUs; correct the file or the facts"
            )
    for name, most in MOST_SPLIT.items():
        stated = run.row.get(name) or 0
        if stated > most:
            _mark(run, name, f"{name} {stated:.6g} where models are split over at most {most}")


@cache
def _held(models: str, gpus: str, model: str, gpu: str, count: float, precision: str) -> float:
    """Weights of a model over all memory of its GPUs [1]; NaN where either is unknown."""
    row = pd.Series({"model": model, "gpu": gpu, "precision": precision})
    tables = _table(models, "models"), _table(gpus, "gpus")
    if not (find_model(row, tables[0])["known"] and find_gpu(row, tables[1])["known"]):
        return math.nan
    return float(weights_held(row.to_frame().T, pd.Series([count]), *tables)["held"].iloc[0])


@cache
def _computes_in_four_bit(gpus: str, measured: str, model: str, gpu: str) -> bool:
    """Whether a GPU does, or is not known, or someone measured the model so."""
    known = _table(gpus, "gpus")
    rows = known[gpu_named(known, gpu)]
    if rows.empty or rows["dense_tflops_4bit"].notna().any():
        return True
    runs = _table(measured, "mlenergy")
    so = runs[runs["precision"].eq("FP4") & runs["gpu"].isin(rows["gpu"])]
    return bare_name(model) in set(so["model_id"].map(bare_name))


def _check_format(run: "Run") -> None:
    """FP4 on GPUs that do not compute in 4 bit, as laws refuse it of rows to be predicted."""
    model, gpu, precision = (run.row.get(name) for name in ("model", "gpu", "precision"))
    if precision != "FP4" or not (model and gpu):
        return
    if not _computes_in_four_bit(provided(GPUS), provided(MEASURED), model, gpu):
        _mark(
            run,
            "precision FP4 on",
            f"precision FP4 on {gpu}, which does not compute in 4 bit ({GPUS}), and no run of"
            f" {model} measured so is known ({MEASURED}); correct precision or gpu",
        )


def _check_weights(run: "Run") -> None:
    """Weights of the model against the memory of all GPUs, as experts may lie on any of them."""
    of = [run.row.get(name) for name in ("model", "gpu", "n_gpus", "precision")]
    if None in of or 0 in of:
        return
    model, gpu, gpus, precision = of
    held = _held(provided(MODELS), provided(GPUS), *of)
    if held > HELD:
        run.refuse(
            f"n_gpus is {gpus:.6g}; the weights of {model} in {precision} ({MODELS}) are"
            f" {held:.3g} times the memory of {gpus:.6g} x {gpu} ({GPUS}); allowed is at most"
            f" {HELD:g}; correct the file, n_gpus, tensor_parallel, gpu, model or precision"
        )
    elif held > USUAL_HELD:
        _mark(
            run,
            "n_gpus",
            f"n_gpus {gpus:.6g} where the weights of {model} in {precision} fill {held:.3g} of the"
            f" memory of {gpus:.6g} x {gpu}",
        )


def _check_speed(run: "Run") -> None:
    values = run.row
    for name in ("input_tokens", "output_tokens"):
        if 0 < (values.get(name) or 0) < 1:
            run.refuse(
                f"{name} is {values[name]:.6g}; allowed is at least 1, as a request has a token or"
                " more; correct the file"
            )
    lengths = {name: values.get(name) or 0 for name in ("input_tokens", "output_tokens")}
    if run.output_range is not None:
        lengths["output_tokens of the longest request"] = run.output_range[1]
    for name, length in lengths.items():
        if length > MOST_LENGTH:
            run.refuse(
                f"{name} is {length:.6g}; allowed are at most {MOST_LENGTH:.6g}, the longest "
                "context of a model; correct the file"
            )
    _check_context(run)
    throughput, gpus = values.get("throughput_tps"), values.get("n_gpus")
    if throughput and gpus and throughput > MOST_TOKENS * gpus:
        run.refuse(
            f"throughput_tps is {throughput:.6g} tokens/s with {gpus} GPUs; allowed are at most "
            f"{MOST_TOKENS:.6g} tokens/s per GPU; correct the file or n_gpus"
        )
    elif throughput:
        _check_datasheets(run, throughput)


@cache
def _context(models: str, model: str) -> float:
    """Tokens of the longest context of a model, NaN where it is not known."""
    return longest_context(model, _table(models, "models"))


def _check_context(run: "Run") -> None:
    """Tokens of a request against the context of its model."""
    values = run.row
    model, *lengths = (values.get(name) for name in ("model", "input_tokens", "output_tokens"))
    tokens = sum(length or 0 for length in lengths)
    context = _context(provided(MODELS), model) if model else math.nan
    if tokens > LONGEST * context:
        run.refuse(
            f"input_tokens and output_tokens are {tokens:.6g} tokens; allowed are at most"
            f" {LONGEST:g} times the context of {model}, {context:.6g} tokens ({MODELS}); correct"
            " the file or model"
        )
    elif tokens > context:
        told = " + ".join(f"{length or 0:.6g}" for length in lengths)
        _mark(run, "tokens", f"tokens {told} where the context of {model} is {context:.6g}")


def _check_datasheets(run: "Run", throughput: float) -> None:
    """Throughput against the matrix products and the weights of its model on its GPUs."""
    values = run.row
    of = [values.get(name) for name in ("model", "gpu", "n_gpus", "precision")]
    times = None if None in of else _serving_times(provided(MODELS), provided(GPUS), *of)
    if times is None:
        gpus = values.get("n_gpus")
        if gpus and throughput > MOST_MEASURED * gpus:
            _mark(
                run,
                "throughput_tps",
                f"throughput_tps {throughput:.6g} tokens/s where the fastest run of any model and"
                f" GPU has {MOST_MEASURED * gpus:.6g}, and {MODELS} or {GPUS} lacks this one",
            )
        return
    model, gpu, gpus, _ = of
    compute, weights, reading, cache = times
    computed, read = throughput * compute, throughput * weights
    stated = f"throughput_tps is {throughput:.6g} tokens/s of {model}, {{:.3g}}"
    remedy = "correct the file, n_gpus, gpu, model or precision"
    if computed > PEAK:
        run.refuse(
            f"{stated.format(computed)} times what the datasheets of {gpus} x {gpu} allow for the "
            f"matrix products of its output; allowed is at most {PEAK:g}; {remedy}"
        )
    elif read < SLOWEST:
        run.refuse(
            f"{stated.format(read)} of what one request alone gets on {gpus} x {gpu}; allowed is "
            f"at least {SLOWEST:g}; {remedy}"
        )
    elif read < SLOW:
        _mark(
            run,
            "throughput_tps",
            f"throughput_tps {throughput:.6g} tokens/s where one request alone gets "
            f"{throughput / read:.3g} on {gpus} x {gpu}",
        )
    else:
        _check_slow_at_load(run, throughput, times)
    inputs, outputs = values.get("input_tokens"), values.get("output_tokens")
    if computed <= PEAK:
        _check_reading(run, throughput, reading, cache)
    if inputs and outputs and PEAK / (1 + inputs / outputs) < computed <= PEAK:
        most = PEAK / (1 + inputs / outputs) * throughput / computed
        _mark(
            run,
            "throughput_tps",
            f"throughput_tps {throughput:.6g} tokens/s where {gpus} x {gpu} compute no more than "
            f"{most:.6g} with all of the input",
        )


def _check_slow_at_load(
    run: "Run", throughput: float, times: tuple[float, float, float, float]
) -> None:
    """Throughput against what as many requests get as are served at once, by the least times."""
    stated, inputs, outputs, rate, time = (
        run.row.get(name)
        for name in (
            "concurrency",
            "input_tokens",
            "output_tokens",
            "request_throughput",
            "e2e_p50_s",
        )
    )
    if not stated:
        return
    compute, weights, _, cache = times
    at_once = stated
    if inputs and outputs:
        # the others wait
        at_once = min(at_once, float(most_at_once(cache, inputs, outputs)))
        compute *= 1 + inputs / outputs
    if not rate and outputs:
        rate = throughput / outputs
    if rate and time:
        # a rate that is lower than the server's leaves fewer in flight
        at_once = min(at_once, rate * time)
    at_once = max(at_once, 1.0)
    share = throughput * (weights / at_once + compute)
    of = f"{run.row['n_gpus']} x {run.row['gpu']}"
    if share < SLOW_AT_LOAD:
        run.refuse(
            f"throughput_tps is {throughput:.6g} tokens/s of {run.row['model']}, {share:.3g} of"
            f" what {of} give {at_once:.6g} requests at once; allowed is at least"
            f" {SLOW_AT_LOAD:g}; correct the file, concurrency, n_gpus, gpu, model or precision"
        )
    elif share < USUAL_SLOW_AT_LOAD:
        _mark(
            run,
            "throughput_tps",
            f"throughput_tps {throughput:.6g} tokens/s where {of} give {at_once:.6g} requests at"
            f" once {throughput / share:.4g}",
        )


def _check_reading(run: "Run", throughput: float, reading: float, cache: float) -> None:
    """Throughput against what requests get while the active weights are read [s] once; without a
    concurrency against as many as fit into the cache [tokens].
    """
    inputs, outputs, stated = (
        run.row.get(name) for name in ("input_tokens", "output_tokens", "concurrency")
    )
    at_once = stated
    if not stated and inputs and outputs:
        at_once = float(most_at_once(cache, inputs, outputs))
    if not at_once:
        return
    tokens = throughput * reading / at_once
    of = f"{run.row['n_gpus']} x {run.row['gpu']}"
    if tokens > FASTEST:
        run.refuse(
            f"throughput_tps is {throughput:.6g} tokens/s of {run.row['model']} on {of},"
            f" {tokens:.3g} {at_a_reading(at_once, reading)}; allowed is at most {FASTEST:g}, more"
            " than speculation gives; correct the file, concurrency, n_gpus, gpu, model or"
            " precision"
        )
    # more may fit where requests share an input
    elif stated and tokens > USUAL_FASTEST:
        most = USUAL_FASTEST * at_once / reading
        _mark(
            run,
            "throughput_tps",
            f"throughput_tps {throughput:.6g} tokens/s where {of} give {at_once:.6g} requests at"
            f" once no more than {most:.6g} without speculation",
        )


def _check_power(run: "Run") -> None:
    """Power of the GPUs and of the node against what the GPUs can draw."""
    gpu, gpus = run.row.get("gpu"), run.row.get("n_gpus")
    if not gpus:
        return
    limit = _thermal_design_power(provided(GPUS), str(gpu)) if gpu else None
    least, most, why = (
        (LEAST_WATTS, MOST_WATTS, "one accelerator draws")
        if limit is None
        else (
            BELOW_TDP * limit,
            ABOVE_TDP * limit,
            f"a {gpu} draws (TDP {limit:.6g} W in {GPUS})",
        )
    )
    unlisted = ""
    if limit is None and gpu:
        columns = ", ".join(load_schema("gpus")["required"])
        unlisted = (
            f", or, if a {gpu} draws that, add its row to {GPUS} ({columns}; link_gb_s is empty of"
            " a chip that is used alone), by whose tdp_w its power is held then"
        )
    allowed = {"gpu_power_w": most * gpus, "node_power_w": (most + HOST_WATTS) * gpus}
    for name, told, value in _powers(run):
        bound = allowed[name]
        if least * gpus <= value <= bound:
            if limit is not None:
                _check_usual(run, name, told, value, limit)
            continue
        limits = f"at most {bound:.6g} W"
        hint = ""
        if value < bound:
            unit = "kilowatts" if told == name else "kilojoules"
            limits, hint = f"at least {least * gpus:.6g} W", f"; it looks like {unit}"
        run.refuse(
            f"{told} is {value:.6g} W, {value / gpus:.6g} W for each of {gpus} GPUs; allowed are "
            f"{limits}, by what {why}{hint}; correct the unit, n_gpus or gpu{unlisted}"
        )
    _check_host(run, limit)


def _check_host(run: "Run", limit: float | None) -> None:
    """What the wall gives beyond the GPUs, whose TDP may be known [W], as a node's other parts."""
    unbounded = run.row.get("power_boundary") is None
    told = {
        name: (what, value)
        for name, what, value in _powers(run)
        # an energy that no one says the boundary of may be of either
        if not (unbounded and what.startswith("energy"))
    }
    if not {"gpu_power_w", "node_power_w"} <= told.keys():
        return
    (what, board), (of_node, node) = told["gpu_power_w"], told["node_power_w"]
    least = LEAST_HOST * (run.row["n_gpus"] * limit if limit else board)
    if node - board < least:
        more = "less" if node < board else "more"
        run.refuse(
            f"{what} is {board:.6g} W and {of_node} {node:.6g} W, {abs(node - board):.6g} W {more};"
            f" allowed are at least {board + least:.6g} W at the node, whose CPUs, memory, fans and"
            f" power supplies draw at least {LEAST_HOST:g} times the rated power of its GPUs beside"
            " them; correct one of them, or leave node_power_w out where it was measured at the"
            " GPUs"
        )


def _powers(run: "Run") -> Iterator[tuple[str, str, float]]:
    """Powers of a run [W], by their column and what a message calls them: stated ones, and those
    of an energy per token or of the whole run beside which none is.
    """
    values = run.row
    for name in ("gpu_power_w", "node_power_w"):
        if values.get(name):
            yield name, name, values[name]
    energy, throughput = values.get("energy_per_output_token_j"), values.get("throughput_tps")
    name = "node_power_w" if _energy_of_node(run) else "gpu_power_w"
    if energy and throughput and not values.get(name):
        told = "energy_per_output_token_j x throughput_tps"
        yield name, told, float(steady_power(energy, throughput))
    energy, time = values.get("gpu_energy_j"), _time(run)
    if energy and time and not values.get("gpu_power_w"):
        yield "gpu_power_w", "gpu_energy_j / duration", float(mean_power(energy, time))


def _time(run: "Run") -> float | None:
    """Time that a run took [s]: as stated, or by its requests and their rate."""
    time, completed, rate = (
        run.row.get(name) for name in ("duration_s", "completed", "request_throughput")
    )
    return time or (completed / rate if completed and rate else None)


def _energy_of_node(run: "Run") -> bool:
    return run.row.get("power_boundary") == Meter.NODE


def _check_usual(run: "Run", name: str, told: str, value: float, limit: float) -> None:
    """Mark power that GPUs of a TDP [W] do not take while they serve."""
    gpus = run.row["n_gpus"]
    share = value / (gpus * limit)
    of = f"{gpus} x {run.row['gpu']}"
    mark = f"power: {told.partition(' ')[0]}"
    if share < IDLE[name]:
        least = IDLE[name] * gpus * limit
        text = f"power: {told} {value:.6g} W where {of} take {least:.6g} or more while they serve"
        _mark(run, mark, text)
    elif name == "node_power_w" and gpus >= NODE_GPUS and share > MOST_USUAL:
        most = MOST_USUAL * gpus * limit
        _mark(run, mark, f"power: {told} {value:.6g} W where nodes of {of} take {most:.6g} or less")


def _check_energy(run: "Run") -> None:
    """Energy of the GPUs over the window and per output token against their power."""
    values = run.row
    power, energy, throughput = (
        values.get(name) for name in ("gpu_power_w", "gpu_energy_j", "throughput_tps")
    )
    time = _time(run)
    if power and time:
        agree(run, "power: gpu_energy_j", energy, joules(power, time), "power x time", "J")
    elif energy and time:
        power = float(mean_power(energy, time))
    # MLPerf's comes from the node's power
    if run.client == "mlperf" or not throughput:
        return
    stated = values.get("energy_per_output_token_j")
    if run.client == "project":
        node = values.get("node_power_w")
        # without a boundary it is the node's where it agrees with the node's power
        of_node = stated and node and _close(stated, token_energy(node, throughput))
        unbounded = values.get("power_boundary") is None
        power = node if _energy_of_node(run) or (unbounded and of_node) else power
    if not power:
        return
    expected = token_energy(power, throughput)
    formula = "power / throughput"
    agree(run, "power: energy_per_output_token_j", stated, expected, formula, "J")


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(one, other)


def _check_times(run: "Run") -> None:
    """Percentiles of a time in their order, and times that hold others."""
    values = run.row
    rising = [[f"{time}_{percent}_s" for percent in PERCENTILES] for time in ("ttft", "itl", "e2e")]
    rising += [[f"ttft_{percent}_s", f"e2e_{percent}_s"] for percent in PERCENTILES]
    # one gap in a hundred is not longer than nearly all requests; no time is longer than the run
    within = [["itl_p99_s", "e2e_p99_s"]]
    within += [
        [f"{time}_s", "duration_s"] for time in ("e2e_p50", "ttft_p99", "itl_p99", "e2e_p99")
    ]
    for names in [*rising, *within]:
        known = [name for name in names if values.get(name) is not None]
        for low, high in pairwise(known):
            if values[low] > values[high] * (1 + TOLERANCE):
                told, other = (low, high) if names in within else (high, low)
                text = f"{told} {values[told]:.6g} s where {other} is {values[other]:.6g} s"
                _mark(run, told, text)


def _check_spreads(run: "Run") -> None:
    """Percentiles of a time between its ends, and its mean as large as they make it at least."""
    for time, told in run.spreads.items():
        mean, deviation, least, most = (
            told.get(name) for name in ("mean", "deviation", "least", "most")
        )
        inside = {f"{time}_{p}_s": run.row.get(f"{time}_{p}_s") for p in PERCENTILES}
        # a hundredth of the requests take the 99th percentile or longer, half of them the median
        for percent, (name, value) in zip(PERCENTILES, inside.items(), strict=True):
            share = 1 - float(percent[1:]) / PERCENT
            if mean and value and value * share > mean * (1 + TOLERANCE):
                _mark(run, name, f"{name} {value:.6g} s where the mean is {mean:.6g} s")
            # Cantelli: no quantile is further from the mean. It holds for those interpolated
            # between two of n values too, and the deviation of a sample (n - 1) is the larger
            if mean and deviation is not None and value is not None:
                odds = (1 - share) / share if value > mean else share / (1 - share)
                apart = abs(mean - value) - TOLERANCE * max(mean, value)
                if apart > deviation * math.sqrt(odds) * (1 + TOLERANCE):
                    _mark(
                        run,
                        name,
                        f"{name} {value:.6g} s where the mean is {mean:.6g} s, with a standard"
                        f" deviation of {deviation:.6g} s",
                    )
        for name, value in ({f"mean of {time}_s": mean} | inside).items():
            if value is None:
                continue
            if least is not None and least > value * (1 + TOLERANCE):
                _mark(run, name, f"{name} {value:.6g} s where the shortest is {least:.6g} s")
            if most is not None and value > most * (1 + TOLERANCE):
                _mark(run, name, f"{name} {value:.6g} s where the longest is {most:.6g} s")


def _check_gaps(run: "Run") -> None:
    """Median time between tokens against the time of the tokens after the first."""
    values = run.row
    gap, first, last, tokens, concurrency, throughput = (
        values.get(name)
        for name in (
            "itl_p50_s",
            "ttft_p50_s",
            "e2e_p50_s",
            "output_tokens",
            "concurrency",
            "throughput_tps",
        )
    )
    if not gap:
        return
    if first is not None and last is not None and tokens:
        mean, formula = (last - first) / tokens, "time after the first token / output length"
    elif concurrency and throughput:
        mean, formula = concurrency / throughput, "concurrency / throughput"
    else:
        return
    if not GAP[0] * mean <= gap <= GAP[1] * mean:
        _mark(run, "itl_p50_s", f"itl_p50_s {gap:.6g} s where {formula} is {mean:.6g} s")


def check_inputs(
    run: "Run", inputs: float | None, both: float | None, names: tuple[str, str]
) -> None:
    """Input tokens per second against rate x length, and both kinds against their sum.

    Parameters
    ----------
    run : Run
        With its request rate, mean lengths and throughput.
    inputs, both : float or None
        Input tokens, and those of input and output, per second. [tokens/s]
    names : tuple of str
        Their keys in the file.
    """
    rate, length, outputs = (
        run.row.get(name) for name in ("request_throughput", "input_tokens", "throughput_tps")
    )
    if rate and length:
        formula = "request rate x input length"
        agree(run, names[0], inputs, rate * length, formula, "tokens/s", run.edges)
    if inputs and outputs:
        agree(run, names[1], both, inputs + outputs, "input + output", "tokens/s")


def _check_rates(run: "Run") -> None:
    """Rate x length against throughput, requests over time against their rate."""
    values = run.row
    rate, length = values.get("request_throughput"), values.get("output_tokens")
    if rate and length:
        agree(
            run,
            "throughput_tps",
            values.get("throughput_tps"),
            rate * length,
            "request rate x output length",
            "tokens/s",
            run.edges,
        )
    completed, time = values.get("completed"), values.get("duration_s")
    if completed and time:
        agree(
            run,
            "request_throughput",
            rate,
            completed / time,
            "completed requests / duration",
            "requests/s",
            run.edges,
        )


def _check_in_flight(run: "Run") -> None:
    """Requests in flight, by their rate and time, against the concurrency."""
    values = run.row
    concurrency, time, rate, tokens, throughput = (
        values.get(name)
        for name in (
            "concurrency",
            "e2e_p50_s",
            "request_throughput",
            "output_tokens",
            "throughput_tps",
        )
    )
    if not rate and tokens and throughput:
        rate = throughput / tokens
    if not concurrency or not rate:
        return
    mean, told = _mean_time(run)
    if mean and rate * mean > (MOST_IN_FLIGHT + run.edges) * concurrency:
        text = f"concurrency {concurrency:.6g} where request rate x {told} is {rate * mean:.6g}"
        _mark(run, "concurrency", text)
    fewest, most = IN_FLIGHT
    longest = None if time else _most_time(run)
    if longest and rate * longest < fewest * concurrency:
        _mark(
            run,
            "concurrency",
            f"concurrency {concurrency:.6g} where request rate x most mean time by TTFT and TPOT is"
            f" {rate * longest:.6g}",
        )
    if not time:
        return
    in_flight = rate * time
    if not fewest * concurrency <= in_flight <= most * concurrency:
        _mark(
            run,
            "concurrency",
            f"concurrency {concurrency:.6g} where request rate x median time is {in_flight:.6g}",
        )


def _most_time(run: "Run") -> float | None:
    """Mean time of a request that its times to and per token, and their deviation, make it at most
    [s]; none where one of them is not known.
    """
    first, token = (run.spreads.get(time, {}) for time in ("ttft", "tpot"))
    tokens, mean, deviation = (
        run.row.get("output_tokens"),
        token.get("mean"),
        token.get("deviation"),
    )
    if not tokens or mean is None or deviation is None or first.get("mean") is None:
        return None
    return first["mean"] + (mean + LENGTHS_APART * deviation) * max(tokens - 1, 0.0)


def _mean_time(run: "Run") -> tuple[float | None, str]:
    """Mean time of a request [s], or what its times to and per token make it at least, and its
    name; none where the median of the whole stands alone or nothing is known.

    Time per output token (TPOT) counts tokens, time between tokens (ITL) steps, of which each
    yields several under speculation.
    """
    first, token, whole = (run.spreads.get(time, {}) for time in ("ttft", "tpot", "e2e"))
    if whole.get("mean"):
        return whole["mean"], "mean time"
    further = max((run.row.get("output_tokens") or 0.0) - 1, 0.0)
    if token.get("mean"):
        deviation = token.get("deviation")
        if deviation is None:
            least, told = (first.get("mean", 0.0) + token["mean"] * further) / IN_FLIGHT[1], "half "
        else:
            per_token = max(token["mean"] - LENGTHS_APART * deviation, 0.0)
            least, told = first.get("mean", 0.0) + per_token * further, "least "
        return least, f"{told}mean time by TTFT and TPOT"
    gap = run.row.get("itl_p50_s")
    if not gap or run.row.get("e2e_p50_s"):
        return None, ""
    # of each the median is at most twice the mean
    least = ((run.row.get("ttft_p50_s") or 0.0) + gap * further) / IN_FLIGHT[1]
    return least, "half the time by median TTFT and ITL without speculation"

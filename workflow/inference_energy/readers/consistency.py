"""A run checked against itself: what its file says twice has to agree, and to be possible.

What disagrees marks the run, by name and with both numbers; what no hardware can do is refused.
"""

from functools import cache

from inference_energy.energy.equation import token_energy
from inference_energy.project import provided
from inference_energy.tables import read_table

GPUS = "data/gpus.csv"
TOLERANCE = 0.02
"""Two statements of one quantity may differ by this much (relative)."""

ABOVE_TDP = 1.1
"""Mean board power over TDP: the power limit holds the mean to TDP, meters read to some percent."""

MOST_WATTS = 5_000.0
"""No one accelerator draws more [W]; for those that data/gpus.csv does not list."""

HOST_WATTS = 3_000.0
"""Wall power beside the GPUs, of one GPU: a whole server that holds a single one. [W]"""

MOST_LENGTH = 10_000_000.0
"""Tokens of the longest context that a model has been offered with. [tokens]"""

MOST_TOKENS = 1_000_000.0
"""Output tokens per second of one GPU: 100 times what a published benchmark reached."""


def check_run(run):
    """Mark or refuse a run whose numbers contradict each other or cannot be.

    Parameters
    ----------
    run : Run
        With the columns of its file and its facts; its marks, problems and energies change.
    """
    _check_speed(run)
    _check_power(run)
    _check_energy(run)
    if run.client != "project":
        _check_rates(run)


def agree(run, what, stated, expected, formula, unit, slack=0.0):
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


@cache
def _thermal_design_powers(path):
    table = read_table(path, "gpus")
    return dict(zip(table["gpu"], table["tdp_w"], strict=True))


def _mark(run, name, text):
    """Add a mark; a table that is read again already holds it."""
    if not any(mark.startswith(name) for mark in run.marks):
        run.marks.append(text)


def _check_speed(run):
    values = run.row
    for name in ("input_tokens", "output_tokens"):
        if (values.get(name) or 0) > MOST_LENGTH:
            run.refuse(
                f"{name} is {values[name]:.6g}; allowed are at most {MOST_LENGTH:.6g}, the longest "
                "context of a model; correct the file"
            )
    throughput, gpus = values.get("throughput_tps"), values.get("n_gpus")
    if throughput and gpus and throughput > MOST_TOKENS * gpus:
        run.refuse(
            f"throughput_tps is {throughput:.6g} tokens/s with {gpus} GPUs; allowed are at most "
            f"{MOST_TOKENS:.6g} tokens/s per GPU; correct the file or n_gpus"
        )


def _check_power(run):
    """Power of the GPUs and of the node against what the GPUs can draw."""
    values = run.row
    gpu, gpus = values.get("gpu"), values.get("n_gpus")
    board, node = values.get("gpu_power_w"), values.get("node_power_w")
    if not gpus:
        return
    limit = _thermal_design_powers(provided(GPUS)).get(gpu)
    most, why = (
        (MOST_WATTS, "one accelerator draws")
        if limit is None
        else (
            ABOVE_TDP * limit,
            f"a {gpu} draws (TDP {limit:.6g} W in {GPUS})",
        )
    )
    allowed = {"gpu_power_w": most * gpus, "node_power_w": (most + HOST_WATTS) * gpus}
    for name, bound in allowed.items():
        value = values.get(name)
        if value and value > bound:
            run.refuse(
                f"{name} is {value:.6g} W, {value / gpus:.6g} W for each of {gpus} GPUs; allowed "
                f"are at most {bound:.6g} W, by what {why}; correct the unit, n_gpus or gpu"
            )
    if board and node and board > node * (1 + TOLERANCE):
        run.refuse(
            f"gpu_power_w is {board:.6g} W but node_power_w only {node:.6g} W; a node draws at "
            "least what its GPUs draw; correct one of them"
        )


def _check_energy(run):
    """Energy of the GPUs over the window and per output token against their power."""
    values = run.row
    power, time, throughput = (
        values.get(name) for name in ("gpu_power_w", "duration_s", "throughput_tps")
    )
    if power and time:
        energy = values.get("gpu_energy_j")
        agree(run, "power: gpu_energy_j", energy, power * time, "power x time", "J")
    # a table may state the energy of the node; MLPerf's comes from the node's power
    if run.client in ("project", "mlperf") or not power or not throughput:
        return
    stated, expected = values.get("energy_per_output_token_j"), token_energy(power, throughput)
    formula = "power / throughput"
    agree(run, "power: energy_per_output_token_j", stated, expected, formula, "J")


def _check_rates(run):
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

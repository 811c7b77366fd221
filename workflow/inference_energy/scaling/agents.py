"""Energy of a task that an agent solves in many steps."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.energy import exact
from inference_energy.energy.equation import node_energy
from inference_energy.errors import InputError
from inference_energy.laws.base import Array, Law
from inference_energy.laws.hardware import LONGEST, longest_context
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import ServedModel, Setup, extrapolates
from inference_energy.power.node import node_power
from inference_energy.scaling.settings import observed_steps
from inference_energy.text import yes
from inference_energy.units import W_PER_KW


@dataclass(frozen=True)
class Task:
    """What an agent does for one answer.

    Parameters
    ----------
    name : str
        Name.
    steps : int
        Calls of the model.
    first_input, step_input, step_output : float
        Input of the first step, what each later step adds, output of each step. [tokens]
    cached_share : float
        Share of what was read or written before that is found in the cache. [1]
    pause : float
        Time that tools take between two steps. [s]
    """

    name: str
    steps: int
    first_input: float
    step_input: float
    step_output: float
    cached_share: float
    pause: float

    @property
    def longest(self) -> float:
        """Input and output of the last step. [tokens]"""
        return float(self.contexts[-1] + self.step_output)

    @property
    def contexts(self) -> Array:
        """Input tokens of every step, which carries everything before it. [tokens]"""
        return self.first_input + np.arange(self.steps, dtype=float) * (
            self.step_input + self.step_output
        )

    def cached(self, prefix_caching: bool) -> Array:
        """Input tokens of every step that need not be computed again. [tokens]"""
        if not prefix_caching:
            return np.zeros(self.steps)
        earlier = self.contexts - self.step_input
        earlier[0] = 0
        return self.cached_share * earlier


def observed_task(name: str, totals: Mapping[str, Any], first_input: float, pause: float) -> Task:
    """Return the task of a trace's means: steps, context growth, output and cached share.

    The context grows evenly, so that its mean over the steps is the trace's mean input.

    Parameters
    ----------
    name : str
        Name.
    totals : dict
        ``sessions``, ``steps``, ``input_tokens``, ``cached_tokens``, ``output_tokens`` of all.
    first_input, pause : float
        As in :class:`Task`. [tokens, s]

    Raises
    ------
    InputError
        If the first input is so long that the context would have to shrink.
    """
    steps = observed_steps(totals)
    output = totals["output_tokens"] / totals["steps"]
    mean_input = totals["input_tokens"] / totals["steps"]
    growth = 2 * (mean_input - first_input) / (steps - 1) if steps > 1 else np.inf
    if growth <= output:
        raise InputError(
            f"config/scaling.yaml: key agents.tasks: value first_input_tokens = {first_input:g} of"
            f" {name}: allowed is less than the trace's mean input, {mean_input:g}, by more than"
            " half of what the outputs add; lower it"
        )
    # cached tokens are a share of what earlier steps have left, which is all but the new input
    earlier = (steps - 1) * (first_input + growth * steps / 2 - (growth - output))
    cached = totals["cached_tokens"] / totals["steps"] * steps
    share = min(cached / earlier, 1.0)
    return Task(name, steps, first_input, growth - output, output, share, pause)


def tasks(config: Mapping[str, Any]) -> list[Task]:
    """Build the tasks of the section ``agents`` of config/scaling.yaml."""
    found = []
    for task in config["tasks"]:
        name, first, pause = task["name"], task["first_input_tokens"], task["pause"]
        if task.get("observed"):
            found.append(observed_task(name, config["observed"], first, pause))
        else:
            inputs = task["step_input_tokens"], task["step_output_tokens"], task["cached_share"]
            found.append(Task(name, task["steps"], first, *inputs, pause))
    return found


def step_seconds(
    law: Law,
    context: ArrayLike,
    cached: ArrayLike,
    output: float,
    input_tokens_per_output_token: float | None = None,
) -> Array:
    """Node time of one step of an agent.

    Parameters
    ----------
    law : Law
        Throughput law of the node.
    context, cached : array_like
        Input tokens of the step, and those of them that are cached. [tokens]
    output : float
        Output tokens of the step. [tokens]
    input_tokens_per_output_token : float, optional
        Computed input tokens that are charged like one output token. [1]

    Returns
    -------
    ndarray
        [s]
    """
    seconds = law.seconds(context, output, cached)
    if input_tokens_per_output_token is not None:
        computed = np.asarray(context, float) - np.asarray(cached, float)
        seconds = seconds * (1 + computed / input_tokens_per_output_token / output)
    return seconds


def task_energies(
    setup: Setup,
    model: ServedModel,
    task: Task,
    prefix_caching: bool,
    samples: Sequence[int] = (1,),
) -> list[tuple[LogNormal, float]]:
    """Energy and time of one task, for each number of samples.

    Samples share the first input where prefixes are cached; the law's error is the same in all
    steps.

    Returns
    -------
    list of (LogNormal, float)
        Energy [Wh] and node time [s].
    """
    ratio = setup.input_tokens_per_output_token
    context, cached, output = task.contexts, task.cached(prefix_caching), task.step_output
    first = step_seconds(model.law, context, cached, output, ratio)
    again = first.copy()
    if prefix_caching and max(samples) > 1:
        # only what the first step finds in the cache is another
        shared = task.cached_share * (context[:1] - 1)
        again[:1] = step_seconds(model.law, context[:1], shared, output, ratio)
    error = float(np.broadcast_to(model.error(context, output), first.shape) @ first / first.sum())
    found = []
    for count in samples:
        total = first.sum() + (count - 1) * again.sum()
        energy = exact.time_energy(setup, model, total, count * task.steps * output / total, error)
        found.append((energy, total))
    return found


def too_long(
    setup: Setup, method: str, config: Mapping[str, Any], models: pd.DataFrame
) -> dict[str, str]:
    """Tasks that a model of a method's blend cannot hold, which are left out of its table.

    What is longer than a context, and not more than servers stretch it to, is extrapolated in the
    table.

    Parameters
    ----------
    setup : Setup
        The method.
    method : str
        Its name, for the sentences.
    config : dict
        Section ``agents`` of config/scaling.yaml.
    models : DataFrame
        Table of schema ``models``.

    Returns
    -------
    dict of str to str
        Tasks longer than LONGEST contexts, each with a sentence that says so.

    Raises
    ------
    InputError
        If tasks are longer than any model's context: whoever is in the blend, none was asked them.
    """
    longest = models.nlargest(1, "context_tokens").iloc[0]
    most = float(longest["context_tokens"])
    absurd = [
        f"{_last_step(task)} longer than the longest context of any model, {most:.6g} tokens of"
        f" {longest['model']} (context_tokens of data/models.csv), which is the most that is"
        " allowed; lower the steps or tokens, of what was observed those of agents.observed"
        for task in tasks(config)
        if task.longest > most
    ]
    if absurd:
        raise InputError(absurd)
    _, members = exact.regime_energy(setup, setup.regimes["traditional"])
    contexts = {name: longest_context(name, models) for name in members}
    known = {name: context for name, context in contexts.items() if not np.isnan(context)}
    if not known:
        return {}
    model, context = min(known.items(), key=lambda item: item[1])
    return {
        task.name: f"{_last_step(task)} {task.longest / context:.3g} times the longest context of"
        f" {model}, {context:g} tokens (context_tokens of data/models.csv), in the blend of"
        f" {method}; servers stretch it up to {LONGEST:g} times, so that the task is left out of"
        f" results/{method}/agents.csv"
        for task in tasks(config)
        if task.longest > LONGEST * context
    }


def _last_step(task: Task) -> str:
    return (
        f"config/scaling.yaml: key agents.tasks: name {task.name}: value {task.longest:.6g}: input"
        " and output of the last step are"
    )


def check_idle_power(config: Mapping[str, Any], nodes: pd.DataFrame) -> None:
    """Hold the power of a node that serves nothing against what nodes draw around their GPUs.

    Parameters
    ----------
    config : dict
        Section ``agents`` of config/scaling.yaml.
    nodes : DataFrame
        Table of schema ``nodes``.

    Raises
    ------
    InputError
        If it is less than any node draws without its GPUs, or more than the supplies of any give.
    """
    stated = config["idle_power"]["value"]
    around = {node["node"]: float(node_power(0.0, node)) / W_PER_KW for _, node in nodes.iterrows()}
    least = min(around, key=lambda name: around[name])
    largest = nodes.nlargest(1, "psu_w").iloc[0]
    most = float(largest["psu_w"]) / W_PER_KW
    if not around[least] <= stated <= most:
        raise InputError(
            f"config/scaling.yaml: key agents.idle_power.value: value {stated:g} kW; allowed is"
            f" {around[least]:.4g}, what {least} draws without its GPUs by data/nodes.csv, to"
            f" {most:.4g}, what the power supplies of {largest['node']} give; state the power of a"
            " whole node in kW"
        )


def agents(setup: Setup, config: Mapping[str, Any], left_out: Collection[str] = ()) -> pd.DataFrame:
    """Energy of every task with every model, with and without prefix caching and samples.

    Parameters
    ----------
    setup : Setup
        The method.
    config : dict
        Section ``agents`` of config/scaling.yaml.
    left_out : collection of str
        Tasks that are not asked, from :func:`too_long`.

    Returns
    -------
    DataFrame
        Columns of the agents table.
    """
    base, _ = exact.regime_energy(setup, setup.regimes["traditional"])
    streams, held = config["streams"]["value"], config["held"]["value"]
    idle_power = config["idle_power"]["value"]
    lines = []
    for task in tasks(config):
        if task.name in left_out:
            continue
        pauses = task.pause * (task.steps - 1)
        for model in setup.models:
            beyond = extrapolates(model, task.contexts, task.step_output)
            for caching in (False, True):
                computed = (task.contexts - task.cached(caching)).sum()
                answers = [int(count) for count in config["samples"]["values"]]
                energies = task_energies(setup, model, task, caching, answers)
                for samples, (energy, seconds) in zip(answers, energies, strict=True):
                    decoding = seconds / samples * streams
                    holding = held * pauses * samples / streams
                    values = {
                        "steps": (task.steps, "steps"),
                        "output tokens": (samples * task.steps * task.step_output, "tokens"),
                        "input tokens": (samples * task.contexts.sum(), "tokens"),
                        "computed input tokens": (
                            samples * computed
                            - caching * (samples - 1) * task.cached_share * (task.contexts[0] - 1),
                            "tokens",
                        ),
                        "longest context": (task.longest, "tokens"),
                        "energy p5": (energy.quantile(0.05), "Wh"),
                        "energy p50": (energy.quantile(0.5), "Wh"),
                        "energy p95": (energy.quantile(0.95), "Wh"),
                        "energy over a traditional query": (
                            energy.quantile(0.5) / base[model.name].quantile(0.5),
                            "1",
                        ),
                        "energy of pauses": (
                            node_energy(holding, idle_power, boundary=np.exp(setup.pue.mu)),
                            "Wh",
                        ),
                        "idle share": (pauses / (pauses + decoding), "1"),
                    }
                    where = (task.name, model.name, yes(caching), samples, yes(beyond))
                    lines += [(*where, quantity, *cell) for quantity, cell in values.items()]
    columns = ["task", "model", "prefix_caching", "samples", "extrapolated"]
    return pd.DataFrame(lines, columns=[*columns, "quantity", "value", "unit"])

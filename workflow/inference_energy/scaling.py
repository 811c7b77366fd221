"""What test-time scaling costs: energy against length, agents, crossing points, and demand.

Everything follows from the exact distributions of a method; nothing is sampled.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from inference_energy import analytic
from inference_energy.energy import SECONDS_TO_WH_PER_KW
from inference_energy.errors import InputError
from inference_energy.estimate import TRIMMED, UNTRIMMED
from inference_energy.exact import Mixture
from inference_energy.laws import Additive, outside, shape_terms
from inference_energy.methods import Regime
from inference_energy.throughput import LogLinear

LEVELS = {"p5": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99}
"""Percentiles and their levels."""


@dataclass(frozen=True)
class FixedLength:
    """Output tokens of a query that always has the same number of them.

    Parameters
    ----------
    tokens : float
        Output tokens. [tokens]
    """

    tokens: float

    @property
    def support(self):
        """The length and its probability, two arrays of one."""
        return np.array([float(self.tokens)]), np.ones(1)

    def nodes(self, breaks=(), width=None):
        """Return the support: one length needs no quadrature."""
        return self.support


def fixed_regime(input_tokens, output_tokens):
    """Return the regime of queries that all have these lengths [tokens]."""
    return Regime("fixed", FixedLength(float(output_tokens)), float(input_tokens))


def extrapolates(model, input_tokens, output_tokens):
    """Whether any of the lengths [tokens] is outside those that a model's law was fitted to."""
    return bool(np.any(outside(model.domain, input_tokens, output_tokens)))


def _yes(flag):
    return "yes" if flag else "no"


def energy_by_length(setup, output_tokens):
    """Energy of a query of a given length, for every model and the untrimmed blend.

    Parameters
    ----------
    setup : Setup
        The method. Queries have the input tokens of its traditional regime.
    output_tokens : sequence of float
        Output tokens. [tokens]

    Returns
    -------
    DataFrame
        Columns of the scaling table: p5, p50, mean, p95 over the uncertain factors [Wh] and
        throughput [tokens/s].
    """
    input_tokens = setup.regimes["traditional"].input_tokens
    _, members = analytic.regime_energy(setup, setup.regimes["long"])
    lines = []
    for length in output_tokens:
        regime = fixed_regime(input_tokens, length)
        energies = {m.name: analytic.model_energy(setup, regime, m) for m in setup.models}
        beyond = {m.name: extrapolates(m, input_tokens, length) for m in setup.models}
        energies[UNTRIMMED] = analytic.blend_energy(setup, energies, members, trim=False)
        beyond[UNTRIMMED] = any(beyond[name] for name in members)
        values = {
            (subject, name): (energy.quantile(LEVELS[name]), "Wh")
            for subject, energy in energies.items()
            for name in ("p5", "p50", "p95")
        }
        values |= {(subject, "mean"): (e.mean(), "Wh") for subject, e in energies.items()}
        values |= {
            (m.name, "throughput"): (float(m.law.predict(input_tokens, length)), "tokens/s")
            for m in setup.models
        }
        lines += [
            {
                "subject": subject,
                "input_tokens": input_tokens,
                "output_tokens": length,
                "extrapolated": _yes(beyond[subject]),
                "statistic": statistic,
                "value": value,
                "unit": unit,
            }
            for (subject, statistic), (value, unit) in values.items()
        ]
    return pd.DataFrame(lines)


def lengthened(tokens, factor):
    """Distribution of output tokens that are ``factor`` times those of ``tokens``, unrounded.

    Parameters
    ----------
    tokens : OutputTokens
        Distribution.
    factor : float
        Positive number. [1]
    """
    minimum = int(factor * tokens.minimum)
    if tokens.family == "empirical":
        longer = tuple(factor * t for t in tokens.parameters)
    else:
        median, *shape = tokens.parameters
        longer = (factor * median, *shape)
    return replace(tokens, parameters=longer, minimum=minimum)


def uncapped(setup):
    """Return the method with log-linear laws that may exceed the largest measured throughput."""

    def free(model):
        law = model.law
        return (
            replace(model, law=replace(law, peak=np.inf)) if isinstance(law, LogLinear) else model
        )

    return replace(setup, models=tuple(free(model) for model in setup.models))


def _statistics(energy):
    values = {name: energy.quantile(level) for name, level in LEVELS.items()}
    values["mean"] = energy.mean()
    return values


def _regime_statistics(setup, regime):
    models, members = analytic.regime_energy(setup, regime)
    energies = models | {
        TRIMMED: analytic.blend_energy(setup, models, members),
        UNTRIMMED: analytic.blend_energy(setup, models, members, trim=False),
    }
    return {subject: _statistics(energy) for subject, energy in energies.items()}


def _token_statistics(regime):
    lengths, weights = regime.output_tokens.support
    values = {name: float(regime.output_tokens.quantile(level)) for name, level in LEVELS.items()}
    values["mean"] = float(weights @ lengths)
    return values


def cost_of_length(setup, factor):
    """What longer answers cost at each statistic, and where the ratio comes from.

    ``energy ratio = tokens ratio x throughput factor x cap factor``: the ratio of the same
    statistic of the output tokens; what the throughput law makes of it without its cap; and what
    the cap adds, which is the ratio over the one that the uncapped laws give. The trimmed blend is
    cut in energy, its tokens are not.

    Parameters
    ----------
    setup : Setup
        The method.
    factor : float
        Output tokens of traditional queries are lengthened by it, besides the long regime. [1]

    Returns
    -------
    DataFrame
        Columns of the test_time table.
    """
    base = setup.regimes["traditional"]
    longer = replace(base, output_tokens=lengthened(base.output_tokens, factor))
    free = uncapped(setup)
    base_energy, base_free = _regime_statistics(setup, base), _regime_statistics(free, base)
    base_tokens = _token_statistics(base)
    lines = []
    for name, regime in {"long": setup.regimes["long"], f"{factor:g} times": longer}.items():
        energy, without_cap = _regime_statistics(setup, regime), _regime_statistics(free, regime)
        tokens = _token_statistics(regime)
        for subject, statistics in energy.items():
            before = base_energy[subject]
            for statistic, value in statistics.items():
                ratio = value / before[statistic]
                free_ratio = without_cap[subject][statistic] / base_free[subject][statistic]
                tokens_ratio = tokens[statistic] / base_tokens[statistic]
                quantities = {
                    "energy traditional": (before[statistic], "Wh"),
                    "energy compared": (value, "Wh"),
                    "energy ratio": (ratio, "1"),
                    "tokens ratio": (tokens_ratio, "1"),
                    "throughput factor": (free_ratio / tokens_ratio, "1"),
                    "cap factor": (ratio / free_ratio, "1"),
                }
                lines += [
                    (name, subject, statistic, quantity, *cell)
                    for quantity, cell in quantities.items()
                ]
            skew = {
                "energy traditional": before["mean"] / before["p50"],
                "energy compared": statistics["mean"] / statistics["p50"],
            }
            lines += [(name, subject, "mean over median", q, v, "1") for q, v in skew.items()]
    columns = ["compared", "subject", "statistic", "quantity", "value", "unit"]
    return pd.DataFrame(lines, columns=columns)


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
    def contexts(self):
        """Input tokens of every step, which carries everything before it. [tokens]"""
        return self.first_input + np.arange(self.steps) * (self.step_input + self.step_output)

    def cached(self, prefix_caching):
        """Input tokens of every step that need not be computed again. [tokens]"""
        if not prefix_caching:
            return np.zeros(self.steps)
        earlier = self.contexts - self.step_input
        earlier[0] = 0
        return self.cached_share * earlier


def observed_task(name, totals, first_input, pause):
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
    steps = round(totals["steps"] / totals["sessions"])
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


def tasks(config):
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


def step_seconds(law, context, cached, output, input_tokens_per_output_token=None):
    """Node time of one step of an agent.

    An additive law tells the parts apart: computed input and its attention,
    ``q (context^2 - cached^2)``, are charged for what is not cached, while the cache that is
    reserved and read is that of the whole context. Other laws do not, so that cached input costs
    nothing: a lower bound.

    Parameters
    ----------
    law : object
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
    context, cached = np.broadcast_arrays(np.asarray(context, float), cached)
    computed = context - cached
    if isinstance(law, Additive):
        terms = shape_terms(context, output)
        terms[..., 1] = computed / output
        terms[..., 2] = (context**2 - cached**2) / output
        seconds = output * (terms @ law.coefficients)
    else:
        seconds = output / law.predict(computed, output)
    if input_tokens_per_output_token is not None:
        seconds = seconds * (1 + computed / input_tokens_per_output_token / output)
    return seconds


@dataclass(frozen=True)
class _MeanThroughput:
    """Law of a node whose time is known: the mean throughput, and its error."""

    throughput: float
    error: float

    def predict(self, input_tokens, output_tokens):
        """Return the mean throughput [tokens/s] at any lengths."""
        return np.full(np.shape(output_tokens), self.throughput)

    def sigma(self, input_tokens, output_tokens):
        """Return the error of ln throughput [1] at any lengths."""
        return np.full(np.shape(output_tokens), self.error)

    def kinks(self, input_tokens):
        """Return no kinks."""
        return ()


def energy_of_seconds(setup, model, seconds, output_tokens, error=0.0):
    """Distribution of the energy [Wh] of so much node time [s] that made so many tokens."""
    law = _MeanThroughput(output_tokens / seconds, error)
    served = replace(model, law=law)
    charged = replace(setup, input_tokens_per_output_token=None)
    return analytic.model_energy(charged, fixed_regime(0, output_tokens), served)


def task_energy(setup, model, task, prefix_caching, samples=1):
    """Energy and time of one task.

    Samples share the first input where prefixes are cached; the law's error is the same in all
    steps.

    Returns
    -------
    Mixture, float
        Energy [Wh] and node time [s].
    """
    ratio = setup.input_tokens_per_output_token
    context, cached, output = task.contexts, task.cached(prefix_caching), task.step_output
    first = step_seconds(model.law, context, cached, output, ratio)
    total = first.sum()
    if samples > 1:
        shared = cached.copy()
        if prefix_caching:
            shared[0] = task.cached_share * (context[0] - 1)
        total += (samples - 1) * step_seconds(model.law, context, shared, output, ratio).sum()
    error = float(np.broadcast_to(model.error(context, output), first.shape) @ first / first.sum())
    tokens = samples * task.steps * output
    return energy_of_seconds(setup, model, total, tokens, error), total


def agents(setup, config):
    """Energy of every task with every model, with and without prefix caching and samples.

    Parameters
    ----------
    setup : Setup
        The method.
    config : dict
        Section ``agents`` of config/scaling.yaml.

    Returns
    -------
    DataFrame
        Columns of the agents table.
    """
    base, _ = analytic.regime_energy(setup, setup.regimes["traditional"])
    streams, held = config["streams"]["value"], config["held"]["value"]
    lines = []
    for task in tasks(config):
        pauses = task.pause * (task.steps - 1)
        for model in setup.models:
            beyond = extrapolates(model, task.contexts, task.step_output)
            for caching in (False, True):
                computed = (task.contexts - task.cached(caching)).sum()
                for samples in map(int, config["samples"]["values"]):
                    energy, seconds = task_energy(setup, model, task, caching, samples)
                    decoding = seconds / samples * streams
                    holding = held * pauses * samples / streams * np.exp(setup.pue.mu)
                    values = {
                        "steps": (task.steps, "steps"),
                        "output tokens": (samples * task.steps * task.step_output, "tokens"),
                        "input tokens": (samples * task.contexts.sum(), "tokens"),
                        "computed input tokens": (
                            samples * computed
                            - caching * (samples - 1) * task.cached_share * (task.contexts[0] - 1),
                            "tokens",
                        ),
                        "longest context": (task.contexts[-1] + task.step_output, "tokens"),
                        "energy p5": (energy.quantile(0.05), "Wh"),
                        "energy p50": (energy.quantile(0.5), "Wh"),
                        "energy p95": (energy.quantile(0.95), "Wh"),
                        "energy over a traditional query": (
                            energy.quantile(0.5) / base[model.name].quantile(0.5),
                            "1",
                        ),
                        "energy of pauses": (
                            config["idle_power"]["value"] * holding * SECONDS_TO_WH_PER_KW,
                            "Wh",
                        ),
                        "idle share": (pauses / (pauses + decoding), "1"),
                    }
                    where = (task.name, model.name, _yes(caching), samples, _yes(beyond))
                    lines += [(*where, quantity, *cell) for quantity, cell in values.items()]
    columns = ["task", "model", "prefix_caching", "samples", "extrapolated"]
    return pd.DataFrame(lines, columns=[*columns, "quantity", "value", "unit"])


def doubling(traditional, long):
    """Long queries that double the energy of a fleet of traditional ones.

    Parameters
    ----------
    traditional, long : float
        Energy of a query. [Wh]

    Returns
    -------
    dict of str to float
        ``added``: long queries per traditional query that add as much energy;
        ``replaced``: share of queries that, turned long, add as much (above 1: none do). [1]
    """
    ratio = traditional / long
    return {"added": ratio, "replaced": ratio / (1 - ratio) if ratio < 1 else np.inf}


def intervention(traditional, long, share):
    """Savings that keep a fleet with a share of long queries at the baseline of none.

    Parameters
    ----------
    traditional, long : float
        Energy of a query. [Wh]
    share : float
        Share of long queries. [1]

    Returns
    -------
    dict of str to float
        Factors by which energy must fall: ``all`` queries, or the ``long`` ones alone, which does
        not depend on the share. [1]
    """
    return {"all": 1 + share * (long / traditional - 1), "long": long / traditional}


def fleet_over_start(years, growth, efficiency, rebound):
    """Energy of a fleet over that at the start.

    ``((1 + growth) efficiency^(rebound - 1))^years``: each saving of ``efficiency`` raises demand
    by ``efficiency^rebound``.

    Parameters
    ----------
    years, growth, efficiency, rebound : array_like
        Years, growth of demand that efficiency does not cause [1/a], factor by which a query's
        energy falls [1/a], share of each saving (in logarithms) that is used for more queries [1].
    """
    return ((1 + np.asarray(growth)) * np.power(efficiency, rebound - 1.0)) ** np.asarray(years)


def break_even_rebound(growth, efficiency):
    """Rebound at which growth and efficiency cancel; below zero, growth alone is too fast. [1]"""
    return 1 - np.log1p(growth) / np.log(efficiency)


def crossing(setup, config):
    """Points at which long queries, interventions, growth and efficiency cross.

    Parameters
    ----------
    setup : Setup
        The method.
    config : dict
        Section ``crossing`` of config/scaling.yaml.

    Returns
    -------
    DataFrame
        Columns of the crossing table. Energies of a query include the fleet's overhead.
    """
    fleet, energy, improved = setup.fleet, {}, {}
    for regime in setup.regimes.values():
        models, members = analytic.regime_energy(setup, regime)
        pool = analytic.blend_energy(setup, models, members, trim=False)
        better = pool.divided_by(fleet.improvement[regime.name])
        for basis, of in {"mean": Mixture.mean, "median": lambda e: e.quantile(0.5)}.items():
            overhead = fleet.overhead[regime.name]
            energy[basis, regime.name] = of(pool) * overhead
            improved[basis, regime.name] = of(better) * overhead
    lines = []

    def add(analysis, basis, quantity, value, unit, **where):
        line = dict.fromkeys(("long_share", "years", "growth", "efficiency", "rebound"), np.nan)
        line |= where | {"analysis": analysis, "basis": basis}
        lines.append(line | {"quantity": quantity, "value": value, "unit": unit})

    gwh = fleet.queries_per_day * 1e-9
    for basis in ("mean", "median"):
        pair = energy[basis, "traditional"], energy[basis, "long"]
        better = improved[basis, "traditional"], improved[basis, "long"]
        double = doubling(*pair)
        added = double["added"] * fleet.queries_per_day
        add("doubling", basis, "added long queries", added, "queries/day")
        if double["replaced"] <= 1:
            add("doubling", basis, "long share by replacement", double["replaced"], "1")
        for share in [0, *config["long_shares"]["values"]]:
            at = {"long_share": share}
            weights = np.array([1 - share, share])
            add("intervention", basis, "fleet", weights @ pair * gwh, "GWh/day", **at)
            value = weights @ better * gwh
            add("intervention", basis, "fleet improved", value, "GWh/day", **at)
            if share > 0:
                need = intervention(*pair, share)
                add("intervention", basis, "needed on all queries", need["all"], "1", **at)
                add("intervention", basis, "needed on long queries", need["long"], "1", **at)
    weights = np.array([1 - fleet.long_share, fleet.long_share])
    start = weights @ [energy["mean", "traditional"], energy["mean", "long"]] * gwh
    mix = {"long_share": fleet.long_share}
    for growth in config["demand_growth"]["values"]:
        for efficiency in config["efficiency"]["values"]:
            at = mix | {"growth": growth, "efficiency": efficiency}
            if efficiency > 1:
                even = break_even_rebound(growth, efficiency)
                add("growth", "mean", "break-even rebound", even, "1", **at)
            for rebound in config["rebound"]["values"]:
                at["rebound"] = rebound
                rate = np.log(fleet_over_start(1, growth, efficiency, rebound))
                if rate > 0:
                    add("growth", "mean", "doubling time", np.log(2) / rate, "a", **at)
                for years in [0, *config["years"]["values"]]:
                    value = start * fleet_over_start(years, growth, efficiency, rebound)
                    add("growth", "mean", "fleet", value, "GWh/day", years=years, **at)
    return pd.DataFrame(lines)

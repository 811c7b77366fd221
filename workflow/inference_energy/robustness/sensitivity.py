"""How much the results depend on each continuous input: Sobol indices, tornado, needed values."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from SALib.analyze import sobol as analyze_sobol
from SALib.sample import sobol as sample_sobol
from scipy.optimize import brentq

from inference_energy.documents import Schema, schema_problems
from inference_energy.energy import exact
from inference_energy.energy.equation import Array
from inference_energy.energy.fleet import fleet
from inference_energy.errors import InputError
from inference_energy.laws.varied import Varied, input_change
from inference_energy.method.distributions import Z95, LogNormal
from inference_energy.method.lengths import LEAST_ABOVE, RoundedLengths
from inference_energy.method.setup import Coupling, Setup
from inference_energy.robustness.files import SENSITIVITY as WHERE
from inference_energy.robustness.files import range_problems
from inference_energy.robustness.gridded import on_grid

MEDIANS = {"median traditional": "traditional", "median long": "long"}
TOTALS = {"fleet mixed": "baseline", "fleet mixed improved": "improved"}
OUTPUTS = dict.fromkeys(MEDIANS, "Wh") | dict.fromkeys(TOTALS, "GWh/day")
"""Results whose sensitivity is asked for, and their units."""


def _median_and_ratio(factor: LogNormal) -> tuple[float, float]:
    """Median of a log-normal factor [its unit], and its P95 over P5 [1]."""
    return np.exp(factor.mu), np.exp(2 * Z95 * factor.sigma)


def _scaled(factor: LogNormal, ratio: float) -> LogNormal:
    return replace(factor, mu=factor.mu + np.log(ratio))


def _scale_power(setup: Setup, ratio: float) -> Setup:
    models = tuple(replace(m, node_power=m.node_power * ratio) for m in setup.models)
    return replace(setup, models=models)


def _vary_laws(setup: Setup, **change: Any) -> Setup:
    models = (replace(m, law=Varied.of(m.law, **change)) for m in setup.models)
    return replace(setup, models=tuple(models))


def _with_regime(setup: Setup, name: str, **change: Any) -> Setup:
    regime = replace(setup.regimes[name], **change)
    return replace(setup, regimes={**setup.regimes, name: regime})


def _with_median(setup: Setup, name: str, median: float) -> Setup:
    tokens = setup.regimes[name].output_tokens
    return _with_regime(setup, name, output_tokens=tokens.with_median(median))


def _with_input(setup: Setup, tokens: float) -> Setup:
    for name in setup.regimes:
        setup = _with_regime(setup, name, input_tokens=tokens)
    return setup


def _utilisation(setup: Setup) -> LogNormal:
    """Power utilisation of a method that :func:`check_base` lets vary it."""
    assert isinstance(setup.power_utilisation, LogNormal)
    return setup.power_utilisation


def _with_spread(setup: Setup, ratio: float) -> Setup:
    spread = LogNormal(_utilisation(setup).mu, float(np.log(ratio) / (2 * Z95)))
    return replace(setup, power_utilisation=spread)


def _load(setup: Setup) -> float:
    """Geometric mean of the loads of a method's first model, NaN if it knows none. [requests]"""
    law = setup.models[0].law
    return float(np.exp(law.split()[0] @ np.log([way.load for way in law.shares()])))


def _around(setup: Setup, load: float) -> Setup:
    """A method whose loads have another geometric mean [requests]; as it is if that is NaN."""
    if not np.isfinite(load):
        return setup
    models = (replace(m, law=m.law.around(load)) for m in setup.models)
    return replace(setup, models=tuple(models))


def _with_fleet(setup: Setup, **change: Any) -> Setup:
    return replace(setup, fleet=replace(setup.fleet, **change))


# what each input is in a Setup: how to read its value and how to set it
INPUTS = {
    "node_power": (
        lambda s: s.models[0].node_power,
        lambda s, v: _scale_power(s, v / s.models[0].node_power),
    ),
    "power_utilisation_median": (
        lambda s: _median_and_ratio(s.power_utilisation)[0],
        lambda s, v: replace(
            s, power_utilisation=replace(s.power_utilisation, mu=float(np.log(v)))
        ),
    ),
    "power_utilisation_spread": (
        lambda s: _median_and_ratio(s.power_utilisation)[1],
        _with_spread,
    ),
    "pue_median": (
        lambda s: _median_and_ratio(s.pue)[0],
        lambda s, v: replace(s, pue=replace(s.pue, mu=float(np.log(v)))),
    ),
    "output_tokens_traditional": (
        lambda s: s.regimes["traditional"].output_tokens.median_length(),
        lambda s, v: _with_median(s, "traditional", v),
    ),
    "output_tokens_long": (
        lambda s: s.regimes["long"].output_tokens.median_length(),
        lambda s, v: _with_median(s, "long", v),
    ),
    "input_tokens": (lambda s: s.regimes["traditional"].input_tokens, _with_input),
    "throughput": (lambda s: 1.0, lambda s, v: _vary_laws(s, factor=v)),
    "input_exponent": (lambda s: 0.0, lambda s, v: _vary_laws(s, input_exponent=v)),
    "output_exponent": (lambda s: 0.0, lambda s, v: _vary_laws(s, output_exponent=v)),
    "load": (_load, _around),
    "long_share": (lambda s: s.fleet.long_share, lambda s, v: _with_fleet(s, long_share=v)),
    "overhead": (
        lambda s: s.fleet.overhead["traditional"],
        lambda s, v: _with_fleet(
            s,
            overhead={
                name: o * v / s.fleet.overhead["traditional"]
                for name, o in s.fleet.overhead.items()
            },
        ),
    ),
    "improvement": (
        lambda s: _median_and_ratio(s.fleet.improvement["traditional"])[0],
        lambda s, v: _with_fleet(
            s,
            improvement={
                name: _scaled(f, v / _median_and_ratio(s.fleet.improvement["traditional"])[0])
                for name, f in s.fleet.improvement.items()
            },
        ),
    ),
}


OF_FLEET = ("long_share", "overhead", "improvement")
"""Inputs that change no query's energy."""

OF_REGIME = {"output_tokens_traditional": "traditional", "output_tokens_long": "long"}
"""Inputs that change the energy of the queries of one regime alone."""

SCALING = {"node_power": 1, "power_utilisation_median": 1, "pue_median": 1, "throughput": -1}
"""Inputs that the energy of every query is proportional to a power of; throughput is none where the
power utilisation follows it."""

OF_UTILISATION = ("power_utilisation_median", "power_utilisation_spread")


def check_inputs(config: Mapping[str, Any], schema: Schema) -> None:
    """Check the inputs and their ranges.

    Raises
    ------
    InputError
        Listing every problem: unknown inputs, low >= high, a range beyond what is allowed.
    """
    problems = schema_problems(config, schema, WHERE) + range_problems(config["inputs"])
    if problems:
        raise InputError(problems)


def _reach(setup: Setup) -> tuple[float, float]:
    """Loads between which every model is served: the largest least and the least largest."""
    loads = [[way.load for way in model.law.shares()] for model in setup.models]
    return max(map(min, loads)), min(map(max, loads))


def known_inputs(setup: Setup, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Ranges of the inputs that a method has: all of them, without load where its law knows none.

    Parameters
    ----------
    setup : Setup
        The method.
    inputs : dict
        Ranges of the inputs.
    """
    loaded = all(model.law.knows_load for model in setup.models)
    return {name: stated for name, stated in inputs.items() if name != "load" or loaded}


def check_base(setup: Setup, inputs: Mapping[str, Any]) -> None:
    """Check that the inputs can be varied from their values in a method.

    Parameters
    ----------
    setup : Setup
        The method.
    inputs : dict
        Ranges of the inputs, checked, from :func:`known_inputs`.

    Raises
    ------
    InputError
        Listing every problem: a value beyond what is allowed, a power utilisation without
        percentiles, a load that the method does not have, a median at which next to no query is as
        long as the method's shortest.
    """
    problems = []
    coupled, (least, most) = isinstance(setup.power_utilisation, Coupling), _reach(setup)
    for name, entry in inputs.items():
        where, (bottom, top) = f"{WHERE}: key inputs.{name}", entry["allowed"]
        if coupled and name in OF_UTILISATION:
            problems.append(
                f"{where}: the power utilisation of the base method follows the throughput, it has"
                " no percentiles; allowed is a base whose power_utilisation is a factor; leave the"
                " input out or name another base"
            )
        elif name == "load" and not least < most:
            problems.append(
                f"{where}: the base method serves at one load, {least:g} requests, which cannot"
                " vary; allowed is a base of several; leave the input out or name another base"
            )
        elif name == "load" and not (least < bottom and top < most):
            problems.append(
                f"{where}.allowed: value {bottom:g} to {top:g}: allowed are loads above"
                f" {least:g} and below {most:g} requests, between those that the base method serves"
                " at; narrow it"
            )
        elif not bottom <= (value := float(INPUTS[name][0](setup))) <= top:
            problems.append(
                f"{where}.allowed: value {bottom:g} to {top:g}: allowed is a range that holds the"
                f" base method's value, {value:g}; widen it"
            )
        elif name in OF_REGIME and not (share := _long_enough(setup, name, bottom)) >= LEAST_ABOVE:
            problems.append(
                f"{where}.allowed: value {bottom:g} to {top:g}: at a median of {bottom:g} tokens"
                f" {share:.2g} of the base method's queries are as long as its minimum; allowed are"
                f" medians at which {LEAST_ABOVE:g} of them are; narrow it"
            )
    if problems:
        raise InputError(problems)


def _long_enough(setup: Setup, name: str, median: float) -> float:
    """Share of the lengths of an input's regime that reach their minimum, at another median. [1]"""
    regime = OF_REGIME[name]
    tokens = _with_median(setup, regime, median).regimes[regime].output_tokens
    return tokens.reach if isinstance(tokens, RoundedLengths) else 1.0


def base_values(setup: Setup, inputs: Iterable[str]) -> dict[str, float]:
    """Values of the inputs in a method, as a dict."""
    return {name: float(INPUTS[name][0](setup)) for name in inputs}


def apply(setup: Setup, values: Mapping[str, float]) -> Setup:
    """Set inputs of a method.

    Parameters
    ----------
    setup : Setup
        The method.
    values : dict of str to float
        Input to value.
    """
    for name, value in values.items():
        setup = INPUTS[name][1](setup, value)
    return setup


def quick(setup: Setup, inputs: Mapping[str, Any]) -> Setup:
    """A method that answers quickly at all values that its inputs are allowed.

    Parameters
    ----------
    setup : Setup
        The method.
    inputs : dict
        Ranges of the inputs, checked.

    Returns
    -------
    Setup
        Laws of many ways on a grid, :mod:`robustness.gridded`; the others as they are.
    """
    if all(len(model.law.split()[0]) == 1 for model in setup.models):
        return setup
    ends = [
        apply(setup, {name: float(end)})
        for name in {"input_tokens", *OF_REGIME} & inputs.keys()
        for end in inputs[name]["allowed"]
    ]
    regimes = [regime for each in [setup, *ends] for regime in each.regimes.values()]
    asked = [regime.input_tokens for regime in regimes]
    longest = max(regime.output_tokens.support[0][-1] for regime in regimes)
    return on_grid(setup, (min(asked), max(asked)), (0.0, longest))


def _of_regime(setup: Setup, name: str) -> tuple[float, float]:
    """Median of the blend, and mean of the queries that the fleet has, of one regime. [Wh]"""
    regime = setup.regimes[name]
    if setup.blend.takes_all(len(setup.models)):
        models = {m.name: exact.model_energy(setup, regime, m) for m in setup.models}
        members = dict.fromkeys(models, 1 / len(models))
    else:
        models, members = exact.regime_energy(setup, regime)
    median = exact.blend_energy(setup, models, members).quantile(0.5)
    return median, exact.blend_energy(setup, models, members, trim=False).mean()


def results(
    setup: Setup,
    outputs: Sequence[str] = tuple(OUTPUTS),
    known: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, float]:
    """Results of a method by the exact engine, as a dict of the ``outputs`` asked for.

    Parameters
    ----------
    setup : Setup
        The method.
    outputs : tuple of str
        Of OUTPUTS.
    known : dict of str to pair of float, optional
        Median and mean of regimes, where they are known already. [Wh]
    """
    asked = [n for n in setup.regimes if any(MEDIANS.get(o, n) == n for o in outputs)]
    found = known or {name: _of_regime(setup, name) for name in asked}
    totals = {}
    if any(output in TOTALS for output in outputs):
        totals = fleet(setup.fleet, {name: mean for name, (_, mean) in found.items()})
    return {
        output: found[MEDIANS[output]][0]
        if output in MEDIANS
        else float(totals["mixed", TOTALS[output]])
        for output in outputs
    }


def _many_results(
    setup: Setup, names: Sequence[str], rows: Iterable[Iterable[float]]
) -> list[list[float]]:
    """Results of many samples, of which many differ in what a regime follows from alone."""
    of_regimes, answers = {}, []
    base = base_values(setup, names)
    scaling = _scaling(setup)
    fixed = set(scaling) & set(names)
    if "throughput" in scaling:
        # at one input length it is a factor of the throughput
        fixed |= {"input_exponent"} & set(names)
    moving = {
        regime: [n for n in names if _moves(n, regime) and n not in fixed]
        for regime in setup.regimes
    }
    for row in rows:
        values, known = dict(zip(names, map(float, row), strict=True)), {}
        varied = apply(setup, values | {n: base[n] for n in fixed})
        scale = np.prod([(values[n] / base[n]) ** scaling[n] for n in names if n in scaling])
        for regime, inputs in moving.items():
            key = (regime, *(values[n] for n in inputs))
            if key not in of_regimes:
                of_regimes[key] = _of_regime(varied, regime)
            exponent = values["input_exponent"] if "input_exponent" in fixed else 0.0
            change = input_change(varied.regimes[regime].input_tokens, exponent)
            median, mean = of_regimes[key]
            known[regime] = float(median * scale / change), float(mean * scale / change)
        answers.append(list(results(varied, known=known).values()))
    return answers


def _scaling(setup: Setup) -> dict[str, int]:
    """Inputs that change all energies by one factor, and the power of them that it is."""
    scaling = SCALING if setup.boundary.with_pue else SCALING | {"pue_median": 0}
    if isinstance(setup.power_utilisation, Coupling):
        return {name: power for name, power in scaling.items() if name != "throughput"}
    return scaling


def _moves(name: str, regime: str) -> bool:
    """Whether an input moves the energy of a regime's queries."""
    return name not in OF_FLEET and OF_REGIME.get(name, regime) == regime


def indices(
    names: Sequence[str],
    bounds: Sequence[tuple[float, float]],
    evaluate: Callable[[Array], ArrayLike],
    outputs: Sequence[str],
    n: int,
    seed: int,
    logarithmic: Collection[str] = (),
) -> pd.DataFrame:
    """Sobol indices by Saltelli's scheme, with bootstrapped 95 % confidence intervals (SALib).

    Parameters
    ----------
    names : list of str
        Inputs.
    bounds : list of pair of float
        Range of each.
    evaluate : callable
        Takes values, shape (m, inputs), gives results, shape (m, outputs).
    outputs : list of str
        Names of the results.
    n : int
        Base samples, a power of two; n (inputs + 2) evaluations are made.
    seed : int
        Seed of the scrambled sequence and of the bootstrap.
    logarithmic : collection of str
        Inputs that are uniform in their logarithm.

    Returns
    -------
    DataFrame
        output, input, index (first, total), value, low, high. [1]
    """
    log = np.isin(names, list(logarithmic))
    limits = np.array(bounds, float)
    limits[log] = np.log(limits[log])
    problem = {"num_vars": len(names), "names": list(names), "bounds": limits.tolist()}
    values = sample_sobol.sample(problem, n, calc_second_order=False, seed=seed)
    values[:, log] = np.exp(values[:, log])
    answers = np.asarray(evaluate(values))
    lines = []
    for output, column in zip(outputs, answers.T, strict=True):
        if np.ptp(column) == 0:
            found = {key: np.zeros(len(names)) for key in ("S1", "S1_conf", "ST", "ST_conf")}
        else:
            found = analyze_sobol.analyze(problem, column, calc_second_order=False, seed=seed)
        for index, key in (("first", "S1"), ("total", "ST")):
            for name, value, width in zip(names, found[key], found[f"{key}_conf"], strict=True):
                lines.append((output, name, index, value, value - width, value + width))
    return pd.DataFrame(lines, columns=["output", "input", "index", "value", "low", "high"])


def sobol_indices(setup: Setup, config: Mapping[str, Any], workers: int = 1) -> pd.DataFrame:
    """Sobol indices of the OUTPUTS over the configured ranges; columns as of :func:`indices`."""
    inputs = config["inputs"]
    names = list(inputs)

    def evaluate(values: Array) -> ArrayLike:
        if workers == 1:
            return _many_results(setup, names, values)
        with ProcessPoolExecutor(workers) as pool:
            parts = np.array_split(values, 8 * workers)
            tasks = [pool.submit(_many_results, setup, names, part) for part in parts]
            return np.concatenate([task.result() for task in tasks])

    return indices(
        names,
        [(inputs[name]["low"], inputs[name]["high"]) for name in names],
        evaluate,
        list(OUTPUTS),
        config["samples"],
        config["seed"],
        [name for name in names if inputs[name].get("logarithmic", False)],
    )


def tornado(setup: Setup, inputs: Mapping[str, Any]) -> pd.DataFrame:
    """Results with one input at the ends of its range and all others as in the method.

    Returns
    -------
    DataFrame
        output, input, end (low, base, high), setting, value, unit, ratio (to the base).
    """
    base, values = results(setup), base_values(setup, inputs)
    lines = []
    for name, entry in inputs.items():
        ends = {"low": entry["low"], "base": values[name], "high": entry["high"]}
        for end, setting in ends.items():
            for output, value in results(apply(setup, {name: setting})).items():
                ratio = value / base[output]
                lines.append((output, name, end, setting, value, OUTPUTS[output], ratio))
    columns = ["output", "input", "end", "setting", "value", "unit", "ratio"]
    return pd.DataFrame(lines, columns=columns)


def needed_value(
    function: Callable[[float], float],
    base: float,
    allowed: Sequence[float],
    target: float,
    points: int = 25,
) -> float:
    """Value nearest to ``base`` at which a function reaches a target, within what is allowed.

    Parameters
    ----------
    function : callable
        Of one number.
    base : float
        Where the search starts, to either side.
    allowed : pair of float
        Smallest and largest value.
    target : float
        Sought value of the function.
    points : int
        Values tried on each side, closer together near the base.

    Returns
    -------
    float
        NaN if there is none.
    """
    found = []
    positive = allowed[0] > 0
    space = np.geomspace if positive else np.linspace
    for end in allowed:
        inner = base
        difference = function(inner) - target
        for outer in space(base, end, points)[1:]:
            new = function(outer) - target
            if difference * new <= 0 and difference != new:
                low, high = sorted((inner, outer))
                root = brentq(lambda v: function(v) - target, low, high, rtol=1e-10)
                found.append(root)
                break
            inner, difference = outer, new
    distance = [abs(np.log(v / base)) if positive else abs(v - base) for v in found]
    return found[int(np.argmin(distance))] if found else np.nan


def _needed(
    setup: Setup,
    name: str,
    entry: Mapping[str, Any],
    output: str,
    goal: float,
    factors: Sequence[float],
) -> Sequence[float] | Array:
    """Values of an input that change a median, now ``goal``, by factors; NaN where none does."""
    base, allowed = base_values(setup, [name])[name], entry["allowed"]
    if power := _scaling(setup).get(name):
        needed = base * np.array(factors) ** (1 / power)
        return np.where((allowed[0] <= needed) & (needed <= allowed[1]), needed, np.nan)

    @cache
    def changed(value: float) -> float:
        return results(apply(setup, {name: value}), (output,))[output]

    if not _moves(name, MEDIANS[output]) or all(
        changed(end) == goal for end in (entry["low"], entry["high"])
    ):
        return [np.nan] * len(factors)
    return [needed_value(changed, base, allowed, factor * goal) for factor in factors]


def needed_values(
    setup: Setup, inputs: Mapping[str, Any], factors: Sequence[float] = (0.5, 2.0)
) -> pd.DataFrame:
    """Value that each input needs, alone, to change each median by a factor.

    Returns
    -------
    DataFrame
        output, input, factor, base, needed (empty: cannot), lowest, highest (allowed), note
        (``cannot`` or empty), unit.
    """
    lines = []
    values, goal = base_values(setup, inputs), results(setup)
    for name, entry in inputs.items():
        limits, unit = entry["allowed"], entry["unit"]
        for output in MEDIANS:
            for factor, needed in zip(
                factors, _needed(setup, name, entry, output, goal[output], factors), strict=True
            ):
                note = "cannot" if np.isnan(needed) else None
                lines.append((output, name, factor, values[name], needed, *limits, note, unit))
    columns = ["output", "input", "factor", "base", "needed", "lowest", "highest", "note", "unit"]
    return pd.DataFrame(lines, columns=columns)

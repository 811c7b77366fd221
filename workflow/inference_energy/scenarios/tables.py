"""Energy of queries of fixed lengths: by name, and over one input or two."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.laws.base import Law
from inference_energy.laws.hardware import LONGEST, USUAL_LONGEST, longest_context
from inference_energy.laws.registry import LAWS
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Coupling, Setup, extrapolates, fixed_regime
from inference_energy.scaling.footprint import facts_by_name
from inference_energy.tables import load_schema
from inference_energy.text import yes
from inference_energy.units import WH_PER_KWH

LEVELS = {"p5": 0.05, "p50": 0.5, "p95": 0.95}
"""Percentiles and their levels."""

MEAN = "mean"

LENGTHS = ("input_tokens", "output_tokens")

LOAD = "load"


def members(setup: Setup) -> dict[str, float]:
    """Models of the blend of a method's traditional queries and their shares, for every length."""
    return exact.regime_energy(setup, setup.regimes["traditional"])[1]


def statistics(
    setup: Setup, shares: Mapping[str, float], lengths: Mapping[str, Any]
) -> dict[str, float]:
    """Energy of queries of fixed lengths, pooled over the blend's models, none left out.

    Parameters
    ----------
    setup : Setup
        The method.
    shares : dict of str to float
        As from :func:`members`.
    lengths : dict of str to float
        ``input_tokens`` and ``output_tokens``. [tokens]

    Returns
    -------
    dict of str to float
        p5, p50, p95 and mean. [Wh]
    """
    regime = fixed_regime(*(lengths[name] for name in LENGTHS))
    energies = {
        model.name: exact.model_energy(setup, regime, model)
        for model in setup.models
        if model.name in shares
    }
    blend = exact.blend_energy(setup, energies, shares, trim=False)
    values = {name: float(blend.quantile(level)) for name, level in LEVELS.items()}
    return values | {MEAN: float(blend.mean())}


def is_beyond(
    setup: Setup,
    shares: Collection[str],
    lengths: Mapping[str, Any],
    load: float | None = None,
) -> bool:
    """Whether a model of the blend was not measured at such lengths or such a load.

    Parameters
    ----------
    setup, shares, lengths
        As for :func:`statistics`.
    load : float, optional
        Of the node, if it is stated. [requests]

    Returns
    -------
    bool
        Whether a law was not fitted to the lengths, or the load is not between those of the
        method's nodes, beyond which a node's power is held.
    """
    served = [model for model in setup.models if model.name in shares]
    return any(
        extrapolates(model, *(lengths[name] for name in LENGTHS))
        or (load is not None and _is_outside(model.law, load))
        for model in served
    )


def _is_outside(law: Law, load: float) -> bool:
    """Whether a load is not between those that the power of every kind of node is known at."""
    kinds: dict[tuple[str, str], list[float]] = {}
    for way in law.shares():
        if not np.isnan(way.load):
            kinds.setdefault((way.node, way.engine), []).append(way.load)
    return any(not min(loads) <= load <= max(loads) for loads in kinds.values())


def changed(setup: Setup, values: Mapping[str, float]) -> Setup:
    """Setup with inputs that are known instead.

    Parameters
    ----------
    setup : Setup
        The method.
    values : dict of str to float
        ``power_utilisation`` [1], ``pue`` [1], ``node_power`` [kW] and ``load`` of the node
        [requests], those that are stated; others are passed over.

    Raises
    ------
    InputError
        If a utilisation is stated where the throughput gives it.
    """
    if "power_utilisation" in values and isinstance(setup.power_utilisation, Coupling):
        raise InputError(
            "config/scenarios.yaml: key maps: input power_utilisation: the method gives it by its"
            " throughput; allowed are the other inputs; remove the map or the method"
        )
    fixed: dict[str, Any] = {
        name: LogNormal.fixed(values[name])
        for name in ("power_utilisation", "pue")
        if name in values
    }
    models = setup.models
    if "node_power" in values:
        models = tuple(replace(model, node_power=values["node_power"]) for model in models)
    if LOAD in values:
        models = tuple(replace(model, law=model.law.at(values[LOAD])) for model in models)
    return replace(setup, models=models, **fixed)


def knows(setup: Setup, inputs: Collection[str]) -> bool:
    """Whether a method has all the inputs [names] of a map: only some laws know load."""
    return LOAD not in inputs or all(model.law.knows_load for model in setup.models)


def grids(settings: Mapping[str, Any], facility: pd.DataFrame) -> dict[str, float]:
    """Carbon of electricity of every grid that is named, by its name for readers. [g/kWh]

    Parameters
    ----------
    settings : dict
        Content of config/scenarios.yaml.
    facility : DataFrame
        Table of schema ``facility``.

    Raises
    ------
    InputError
        If a fact is unknown, or two grids have one name.
    """
    named = settings.get("grids", [])
    facts = facts_by_name(facility, named, "g/kWh", "config/scenarios.yaml: key grids")
    subjects = facility.set_index("fact")["subject"]
    known = [(subjects[fact], value) for fact, value in zip(named, facts, strict=True)]
    known += [(grid["name"], grid["value"]) for grid in settings.get("own_grids", [])]
    names = [name for name, _ in known]
    twice = sorted({name for name in names if names.count(name) > 1} | set(names) & {*LEVELS, MEAN})
    if twice:
        raise InputError(
            f"config/scenarios.yaml: key own_grids: value {name}: is the name of another grid or of"
            " a statistic; allowed is any other name; rename it"
            for name in twice
        )
    return dict(known)


def tasks(
    setups: Mapping[str, Setup], settings: Mapping[str, Any], facility: pd.DataFrame
) -> pd.DataFrame:
    """Energy of every task by every method, and what every grid emits for it.

    Parameters
    ----------
    setups : dict of str to Setup
        Methods.
    settings : dict
        Content of config/scenarios.yaml.
    facility : DataFrame
        Table of schema ``facility``.

    Returns
    -------
    DataFrame
        Table of schema ``scenarios_tasks``.
    """
    intensities, lines = grids(settings, facility), []
    for method, setup in setups.items():
        shares = members(setup)
        for task in settings["tasks"]:
            values = statistics(setup, shares, task)
            carbon = {grid: values["p50"] / WH_PER_KWH * per for grid, per in intensities.items()}
            beyond = is_beyond(setup, shares, task)
            what = {
                "method": method,
                "task": task["name"],
                **{name: task[name] for name in LENGTHS},
                "extrapolated": yes(beyond),
            }
            for unit, of in (("Wh", values), ("g", carbon)):
                lines += [what | {"statistic": s, "value": v, "unit": unit} for s, v in of.items()]
    return pd.DataFrame(lines, columns=[*load_schema("scenarios_tasks")["properties"]])


def over_context(
    setups: Mapping[str, Setup], settings: Mapping[str, Any], models: pd.DataFrame
) -> list[str]:
    """Sentences on queries that are longer than a model of a method's blend can hold.

    Parameters
    ----------
    setups, settings
        As for :func:`tasks`.
    models : DataFrame
        Table of schema ``models``.

    Raises
    ------
    InputError
        If a query is longer than LONGEST contexts.
    """
    problems, unusual = [], []
    for method, setup in setups.items():
        contexts = {name: longest_context(name, models) for name in members(setup)}
        known = {name: context for name, context in contexts.items() if not math.isnan(context)}
        if not known:
            continue
        model, context = min(known.items(), key=lambda item: item[1])
        for where, tokens in _longest(settings):
            ratio = tokens / context
            sentence = (
                f"config/scenarios.yaml: {where}: value {tokens:g}: {{}}input and output are"
                f" {ratio:.3g} times the longest context of {model}, {context:g} tokens"
                f" (context_tokens of data/models.csv), in the blend of {method}"
            )
            if ratio > LONGEST:
                problems.append(
                    f"{sentence.format('')}; allowed is at most {LONGEST:g} times; shorten them,"
                    " or leave the method out of methods"
                )
            elif ratio > USUAL_LONGEST:
                unusual.append(sentence.format("unusual; "))
    if problems:
        raise InputError(problems)
    return unusual


def _longest(settings: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Every task and map, and the tokens of its longest query."""
    for task in settings["tasks"]:
        yield f"key tasks: name {task['name']}", sum(task[name] for name in LENGTHS)
    for each in settings["maps"]:
        most = dict(each)
        for axis in (each[name] for name in ("x", "y") if name in each):
            most[axis["input"]] = max(axis["values"])
        yield f"key maps: name {each['name']}", sum(most[name] for name in LENGTHS)


def inputs_of(each: Mapping[str, Any]) -> list[str]:
    """Inputs of a map. [names]"""
    return [each[axis]["input"] for axis in ("x", "y") if axis in each]


def maps(setups: Mapping[str, Setup], settings: Mapping[str, Any]) -> pd.DataFrame:
    """Energy over the inputs of every map by every method that has them.

    Parameters
    ----------
    setups, settings
        As for :func:`tasks`.

    Returns
    -------
    DataFrame
        Table of schema ``scenarios_maps``.

    Raises
    ------
    InputError
        If no method has the inputs of a map.
    """
    lines = []
    knowing = ", ".join(name for name, kind in LAWS.items() if kind.knows_load)
    nobody = [
        f"config/scenarios.yaml: key maps: value {each['name']}: no method has a law that knows"
        f" load; allowed are maps over other inputs, and methods of the law {knowing}; change"
        " either"
        for each in settings["maps"]
        if not any(knows(setup, inputs_of(each)) for setup in setups.values())
    ]
    if nobody:
        raise InputError(nobody)
    for method, setup in setups.items():
        shares = members(setup)
        for each in settings["maps"]:
            x, y = each["x"], each.get("y", {"input": None, "values": [None]})
            if not knows(setup, inputs_of(each)):
                continue
            for at_x in x["values"]:
                for at_y in y["values"]:
                    stated = {x["input"]: at_x} | ({y["input"]: at_y} if y["input"] else {})
                    lengths = {name: stated.get(name, each[name]) for name in LENGTHS}
                    values = statistics(changed(setup, stated), shares, lengths)
                    beyond = is_beyond(setup, shares, lengths, stated.get(LOAD))
                    what = {
                        "map": each["name"],
                        "method": method,
                        "x_input": x["input"],
                        "x": at_x,
                        "y_input": y["input"],
                        "y": at_y,
                        "extrapolated": yes(beyond),
                        "unit": "Wh",
                    }
                    lines += [what | {"statistic": s, "value": v} for s, v in values.items()]
    return pd.DataFrame(lines, columns=[*load_schema("scenarios_maps")["properties"]])

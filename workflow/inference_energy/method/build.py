"""From a resolved method and its benchmark rows to the engines' objects."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from inference_energy.errors import InputError, UnansweredError
from inference_energy.laws.fitting import Hardware, Served, fit_laws, unsuitable_rows
from inference_energy.laws.hardware import find_model
from inference_energy.method.distributions import LogNormal
from inference_energy.method.files import ChargedTwiceError, charge_problems, method_path
from inference_energy.method.lengths import FAMILIES, OutputTokens
from inference_energy.method.materials import tables_of
from inference_energy.method.serving import fit_serving, node_power
from inference_energy.method.setup import (
    Blend,
    Coupling,
    Fleet,
    MonteCarlo,
    Regime,
    ServedModel,
    Setup,
)

LEAST_ANSWERING = 5
"""Queries of a model that a blend keeps and that answer, without which a draw may have none."""


def power_utilisation(quantity: Mapping[str, Any], z: float) -> LogNormal | Coupling:
    """Build the power utilisation from its section of the method file."""
    if quantity["distribution"] == "coupled":
        return Coupling(quantity["intercept"], quantity["slope"])
    return factor(quantity, z)


def utilisation_of(
    method: Mapping[str, Any], laws: Mapping[str, Served], z: float
) -> LogNormal | Coupling:
    """Build a method's power utilisation; that of its laws, where it says that it is by load."""
    known = next(iter(laws.values())).utilisation
    if method["power_utilisation"]["distribution"] == "by-load" and known is not None:
        return LogNormal(*known)
    return power_utilisation(method["power_utilisation"], z)


def factor(quantity: Mapping[str, Any], z: float) -> LogNormal:
    """Build a factor from its section of the method file."""
    if quantity["distribution"] == "fixed":
        return LogNormal.fixed(quantity["value"])
    return LogNormal.from_percentiles(quantity["p5"], quantity["p95"], z)


def output_tokens(quantity: Mapping[str, Any], traces: Mapping[str, ArrayLike]) -> OutputTokens:
    """Build the distribution of output tokens from its section of the method file.

    Raises
    ------
    InputError
        If an empirical distribution names a trace that is not in ``traces``.
    """
    return FAMILIES[quantity["distribution"]].of(quantity, traces)


def regimes(
    method: Mapping[str, Any], traces: Mapping[str, ArrayLike], where: str
) -> dict[str, Regime]:
    """Build the kinds of queries of a method, by name; ``where`` names its file in messages.

    Raises
    ------
    InputError
        Listing what is wrong with the lengths of a trace.
    """
    built, problems = {}, []
    for name, regime in method["regimes"].items():
        try:
            tokens = output_tokens(regime["output_tokens"], traces)
        except InputError as error:
            of = f"{where}: key regimes.{name}."
            problems += [of + problem.removeprefix("key ") for problem in error.problems]
            continue
        built[name] = Regime(name, tokens, float(regime["input_tokens"]["value"]))
    if problems:
        raise InputError(problems)
    return built


def blend(quantity: Mapping[str, Any]) -> Blend:
    """Build the blend from its section of the method file."""
    return Blend(
        quantity["models"],
        tuple(map(tuple, quantity["trim"])),
        quantity.get("ranked_by", "median"),
        quantity["shares"],
    )


def parameters(
    table: pd.DataFrame, laws: Iterable[str], hardware: Hardware | None = None
) -> dict[str, float]:
    """Parameters of models, by name. [billions]

    As the throughput table states them, else as the table of models does, if ``hardware`` has it;
    NaN where neither knows.
    """
    stated: dict[Any, float] = {}
    if "params_total_b" in table:
        stated = table.groupby("model")["params_total_b"].first().to_dict()
    answer = {name: float(stated.get(name, np.nan)) for name in laws}
    if hardware is None:
        return answer
    for name in [name for name, value in answer.items() if np.isnan(value)]:
        found = find_model(pd.Series({"model": name}), hardware["models"])
        answer[name] = float(found["params_total_b"]) if found["known"] else np.nan
    return answer


def check_parameters(
    blend: Blend, models: Iterable[ServedModel], method: Mapping[str, Any]
) -> None:
    """Refuse a blend by parameters of models whose parameters are not known.

    Raises
    ------
    InputError
        Naming the models.
    """
    missing = sorted(model.name for model in models if np.isnan(model.parameters))
    if blend.by_parameters and missing:
        raise InputError(
            f"{', '.join(tables_of(method))}: column params_total_b: empty for"
            f" {', '.join(missing)}; allowed are positive numbers, as"
            f" config/methods/{method['id']}.yaml makes the blend by parameters; fill it in, or add"
            " the models to data/models.csv"
        )


def check_answers(setup: Setup, method: Mapping[str, Any]) -> None:
    """Refuse a blend that keeps next to no query that answers, and so needs energy.

    Parameters
    ----------
    setup : Setup
        What the method becomes.
    method : dict
        Resolved and checked method.

    Raises
    ------
    UnansweredError
        Listing the kinds of queries, of whose energy there would be no distribution to draw.
    """
    problems = []
    for name, regime in setup.regimes.items():
        lengths, weights = regime.output_tokens.support
        # a law that charges input charges it to the tokens of an answer
        charged = setup.input_tokens_per_output_token is not None
        if lengths[0] > 0 or (charged and regime.input_tokens > 0):
            continue
        lower, upper = setup.blend.levels
        answering = (upper - max(lower, float(weights[0]))) * setup.monte_carlo.samples
        if answering < LEAST_ANSWERING:
            problems.append(
                f"{method_path(method['id'])}: key blend.trim: value"
                f" {[list(pair) for pair in setup.blend.trim]}: of the {name} queries of a model"
                f" that are kept {max(answering, 0):.3g} have any output and need energy; allowed"
                f" is at least {LEAST_ANSWERING}; state regimes.{name}.output_tokens.minimum: 1, or"
                " raise the levels"
            )
    if problems:
        raise UnansweredError(problems)


def _misspelt(names: Iterable[str], models: Iterable[str]) -> dict[str, str]:
    """Names that are a model's but for case and punctuation, and the model's spelling."""

    def bare(name: str) -> str:
        return "".join(c for c in name.casefold() if c.isalnum())

    known = dict.fromkeys(models)
    spelling = {bare(model): model for model in known}
    wrong = {name: spelling.get(bare(name), name) for name in names}
    return {name: model for name, model in wrong.items() if name not in known and name != model}


def fit_suitable(
    method: Mapping[str, Any], table: pd.DataFrame, hardware: Hardware | None = None
) -> dict[str, Served]:
    """Fit the throughput laws of a method, as ``fit_laws``, to rows that suit them.

    Raises
    ------
    InputError
        If the rows of a model do not suit the law.
    """
    if "serving" in method:
        return fit_serving(method, table, hardware or {})
    laws = fit_laws(method, table, hardware)
    problems = list(unsuitable_rows(method["throughput_law"], laws))
    if problems:
        raise InputError(f"config/methods/{method['id']}.yaml: {problem}" for problem in problems)
    return laws


def _refuse_contradictions(method: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Refuse models that the table spells in another way, and input that is charged twice."""
    misspelt = _misspelt(method["node_power"].get("models", {}), table["model"])
    if misspelt:
        raise InputError(
            f"config/methods/{method['id']}.yaml: key node_power.models: value {own}: not a model"
            f" of {', '.join(tables_of(method))}; did you mean {model}?"
            for own, model in misspelt.items()
        )
    twice = charge_problems(method, f"config/methods/{method['id']}.yaml")
    if twice:
        raise ChargedTwiceError(twice)


def _models(
    method: Mapping[str, Any], laws: Mapping[str, Served], sizes: Mapping[str, float]
) -> tuple[ServedModel, ...]:
    """Models on their nodes; sizes are their parameters. [billions]"""
    uncertain = method["throughput_law"].get("error") == "included"
    return tuple(
        ServedModel(
            name,
            served.law,
            node_power(method, name),
            float(served.rows["throughput_tps"].max() * served.replicas),
            uncertain,
            sizes[name],
        )
        for name, served in laws.items()
    )


def pathways(section: Mapping[str, Any], z: float) -> dict[str, LogNormal]:
    """Build what divides the energy, by the name of the pathway, from the section of the file."""
    return {name: factor(section[name], z) for name in ("hardware", "model", "serving")}


def fleet(section: Mapping[str, Any], z: float) -> Fleet:
    """Build the queries of a day from the section of the method file."""
    return Fleet(
        float(section["queries_per_day"]["value"]),
        float(section["long_share"]["value"]),
        {name: float(np.prod(each["factors"])) for name, each in section["overhead"].items()},
        {name: factor(each, z) for name, each in section["improvement"].items()},
    )


def build(
    method: Mapping[str, Any],
    table: pd.DataFrame,
    traces: Mapping[str, ArrayLike] | None = None,
    hardware: Hardware | None = None,
    laws: Mapping[str, Served] | None = None,
) -> Setup:
    """Fit the throughput laws and turn a resolved method into a :class:`Setup`.

    Parameters
    ----------
    method : dict
        Resolved and checked method.
    table : DataFrame
        Throughput table that it names.
    traces : dict of str to array, optional
        Quantiles of output tokens of each trace at evenly spaced levels.
    hardware : mapping of str to DataFrame, optional
        Tables that the law needs, by name.
    laws : dict, optional
        What :func:`fit_suitable` gives, where it is known already.

    Raises
    ------
    InputError
        If the benchmark table leaves fewer models than the blend needs, has rows that do not suit
        the law, or spells a model of node_power in another way, or if the blend keeps next to no
        query that needs energy.
    """
    _refuse_contradictions(method, table)
    laws = fit_suitable(method, table, hardware) if laws is None else laws
    if len(laws) < method["blend"]["models"]:
        law = method["throughput_law"]
        needed = [
            f"throughput_law.{key} = {law[key]}"
            for key in ("minimum_rows", "fallback_minimum_rows")
            if key in law
        ]
        asked = f" ({' and '.join(needed)} say how many a model needs)" if needed else ""
        lower = ", lower these" if needed else ""
        raise UnansweredError(
            f"config/methods/{method['id']}.yaml: key benchmarks: {len(laws)} models"
            f" have enough usable rows{asked} in {', '.join(tables_of(method))}; allowed is"
            f" at least blend.models = {method['blend']['models']}; add rows{lower} or lower"
            " blend.models"
        )
    draw, charge = method["monte_carlo"], method["input_charge"]
    z = draw["normal_quantile_95"]
    setup = Setup(
        models=_models(method, laws, parameters(table, laws, hardware)),
        power_utilisation=utilisation_of(method, laws, z),
        pue=factor(method["pue"], z),
        regimes=regimes(method, traces or {}, method_path(method["id"])),
        input_tokens_per_output_token=charge["input_tokens_per_output_token"]["value"],
        blend=blend(method["blend"]),
        pathways=pathways(method["pathways"], z),
        fleet=fleet(method["fleet"], z),
        monte_carlo=MonteCarlo(
            draw["seed"], draw["samples"], draw["bootstrap"], draw["published_tokens"]
        ),
    )
    check_parameters(setup.blend, setup.models, method)
    check_answers(setup, method)
    return setup

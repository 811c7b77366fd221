"""Every defensible combination of the method's choices (a multiverse) and what they decide.

A specification takes one option of every choice; all combinations are computed by the exact
engine. Work is shared: choices of power utilisation and PUE keep a model's tokens and throughput,
node power shifts ln E, and the blend only combines the models' distributions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.documents import collecting
from inference_energy.energy.equation import Array
from inference_energy.energy.exact import blend_energy, model_energy, regime_energy
from inference_energy.energy.fleet import fleet
from inference_energy.energy.mixtures import Mixture
from inference_energy.errors import InputError
from inference_energy.laws.fitting import Served
from inference_energy.method.build import (
    blend,
    build,
    check_parameters,
    factor,
    fit_suitable,
    node_power,
    utilisation_of,
)
from inference_energy.method.distributions import LogNormal
from inference_energy.method.files import merge
from inference_energy.method.materials import Materials
from inference_energy.method.setup import TRIMMED, Blend, Regime, ServedModel, Setup
from inference_energy.robustness.choices import (
    QUARTILES,
    STAGES,
    WHERE,
    Method,
    Multiverse,
    energy_key,
)
from inference_energy.robustness.tabulated import Blends, Tables

Outcomes = dict[tuple[str, str, str], Array]
"""Results by subject, statistic and pathway."""

FITTED = ("benchmarks", "throughput_law", "serving")
"""Sections of a method that its laws are fitted from, and that say how its models are served."""


def outcomes(multiverse: Multiverse, materials: Materials, workers: int = 1) -> dict[str, Array]:
    """Results of every specification.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    materials : Materials
        Tables that the methods are built from.
    workers : int
        Processes.

    Returns
    -------
    dict of str to ndarray
        As from :func:`gathered`.
    """
    return gathered(multiverse, [part_outcomes(multiverse, materials, 1, 1, workers)])


def part_outcomes(
    multiverse: Multiverse, materials: Materials, part: int, parts: int, workers: int = 1
) -> dict[str, Array]:
    """Results of one part of the specifications: of its share of the choices of tokens.

    Parameters
    ----------
    multiverse, materials, workers : Multiverse, Materials, int
        As for :func:`outcomes`.
    part, parts : int
        Which of how many parts, from 1.

    Returns
    -------
    dict of str to ndarray, shape (combinations of tokens, of the rest)
        By selector, as claims write it; NaN where a model has no rows.
    """
    computed = [o for o in multiverse.combinations("tokens") if not multiverse.refuses(o)]
    own = computed[len(computed) * (part - 1) // parts : len(computed) * part // parts]
    known = _fitted(multiverse, own, materials)
    _known.clear()
    tasks = [
        (multiverse, options, materials, laws) for options, laws in zip(own, known, strict=True)
    ]
    if workers == 1:
        found = [_token_outcomes(*task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers) as pool:
            # neighbours share output tokens, whose quadrature a process keeps
            chunk = max(1, -(-len(tasks) // (8 * workers)))
            found = list(pool.map(_token_outcomes, *zip(*tasks, strict=True), chunksize=chunk))
    return _stacked(found, _of_rest(multiverse))


def _of_rest(multiverse: Multiverse) -> int:
    """Number of combinations of all choices but those of the tokens."""
    return int(np.prod(multiverse.shape)) // len(multiverse.combinations("tokens"))


def _stacked(found: Sequence[Mapping[str, Array | float]], rest: int) -> dict[str, Array]:
    """Results by key, one row each; NaN in rows that lack the key."""
    missing = np.full(rest, np.nan)
    keys = dict.fromkeys(key for one in found for key in one)
    return {
        key: np.stack([np.broadcast_to(one.get(key, missing), rest) for one in found])
        for key in keys
    }


def gathered(multiverse: Multiverse, parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Results of every specification from those of its parts, the same however many they are.

    Parameters
    ----------
    multiverse : Multiverse
        The choices.
    parts : list of dict
        As from :func:`part_outcomes`, all in order.

    Returns
    -------
    dict of str to ndarray
        Selector, as claims write it, to an array with one axis per choice; NaN where the options
        contradict each other, or a model has no rows.
    """
    rows = [{k: v[i] for k, v in one.items()} for one in parts for i in range(_count(one))]
    found = iter(rows)
    combinations = multiverse.combinations("tokens")
    rows = [{} if multiverse.refuses(options) else next(found) for options in combinations]
    names = list(multiverse.choices)
    staged = [n for stage in ("tokens", *STAGES) for n in names if multiverse.stage(n) == stage]
    sizes = dict(zip(names, multiverse.shape, strict=True))
    answer = {}
    for key, values in _stacked(rows, _of_rest(multiverse)).items():
        values = values.reshape([sizes[name] for name in staged])
        values = np.transpose(values, [staged.index(name) for name in names])
        answer[key] = np.where(multiverse.allowed, values, np.nan)
    return answer


def _count(part: Mapping[str, Array]) -> int:
    """Combinations of tokens in a part."""
    return len(next(iter(part.values()), ()))


def stress_cases(
    multiverse: Multiverse, cases: Mapping[str, Any], materials: Materials
) -> pd.DataFrame:
    """Quartiles of the blend under changes that are none of the choices, one at a time.

    Parameters
    ----------
    multiverse : Multiverse
        Gives the base method.
    cases : dict
        Key ``stress_cases`` of config/multiverse.yaml.
    materials : Materials
        Tables that the methods are built from.

    Returns
    -------
    DataFrame
        case, label, regime, statistic (p25, p50, p75), value, unit, ratio (to the base).
    """

    def quartiles(method: Method) -> dict[tuple[str, str], float]:
        setup = build(method, **materials(method))
        answer: dict[tuple[str, str], float] = {}
        for name, regime in setup.regimes.items():
            energy = blend_energy(setup, *regime_energy(setup, regime))
            answer |= {(name, s): energy.quantile(level) for s, level in QUARTILES.items()}
        return answer

    base = quartiles(multiverse.base)
    return pd.DataFrame(
        [
            {
                "case": name,
                "label": case["label"],
                "regime": regime,
                "statistic": statistic,
                "value": value,
                "unit": "Wh",
                "ratio": value / base[regime, statistic],
            }
            for name, case in cases.items()
            for (regime, statistic), value in quartiles(
                merge(multiverse.base, case["override"])
            ).items()
        ],
        columns=["case", "label", "regime", "statistic", "value", "unit", "ratio"],
    )


@contextmanager
def _naming(options: Mapping[str, str]) -> Iterator[None]:
    """Name the options in the problems of what they make."""
    try:
        yield
    except InputError as error:
        chosen = ", ".join(f"{choice} = {option}" for choice, option in options.items())
        where = f"{WHERE}: {chosen}" if chosen else WHERE
        raise InputError([f"{where}: {problem}" for problem in error.problems]) from None


def _fitted(
    multiverse: Multiverse, combinations: Sequence[Mapping[str, str]], materials: Materials
) -> list[dict[str, Served]]:
    """Laws of each combination of the tokens stage; few of them differ in what is fitted."""
    decide = [name for name in multiverse.choices if multiverse.touched(name) & set(FITTED)]
    fitted: dict[str, dict[str, Served]] = {}
    keys: list[str] = []
    problems: list[str] = []
    for options in combinations:
        method = multiverse._apply(options)
        keys.append(json.dumps([method.get(section) for section in FITTED]))
        if keys[-1] in fitted:
            continue
        fitted[keys[-1]] = {}
        with collecting(problems), _naming({name: options[name] for name in decide}):
            fitted[keys[-1]] = _fit(method, materials)
    if problems:
        # what is wrong with the base is told once, not of every option
        _fit(multiverse.base, materials)
        raise InputError(problems)
    return [fitted[key] for key in keys]


def _fit(method: Method, materials: Materials) -> dict[str, Served]:
    given = materials(method)
    return fit_suitable(method, given["table"], given.get("hardware"))


def _check_spread(setup: Setup) -> None:
    """Refuse a specification in which all queries of a length have the same energy."""
    spread = [getattr(factor, "sigma", 0) for factor in (setup.power_utilisation, setup.pue)]
    if not any(spread) and not all(model.uncertain for model in setup.models):
        raise InputError(
            "neither power utilisation nor PUE has a range, nor does the error of the law count:"
            " allowed are specifications with a spread of the energy at every length; give one of"
            " them a range"
        )


def _token_outcomes(
    multiverse: Multiverse,
    options: Mapping[str, str],
    materials: Materials,
    laws: dict[str, Served],
) -> dict[str, Array | float]:
    """Results for one combination of the tokens stage; arrays over factors, power and blend."""
    method = multiverse._apply(options)
    with _naming(options):
        setup = build(method, **materials(method), laws=laws)
    z = method["monte_carlo"]["normal_quantile_95"]
    setups = []
    for combination, varied in multiverse._varied("factors", method):
        utilisation = utilisation_of(varied, laws, z)
        pue = factor(varied["pue"], z)
        setups.append(replace(setup, power_utilisation=utilisation, pue=pue))
        with _naming(combination):
            _check_spread(setups[-1])
    powers = np.array(
        [
            [node_power(varied, m.name) for m in setup.models]
            for _, varied in multiverse._varied("power", method)
        ]
    )
    blends = []
    for combination, varied in multiverse._varied("blend", method):
        blends.append(blend(varied["blend"]))
        with _naming(combination):
            check_parameters(blends[-1], setup.models, method)
    answer: dict[str, Array | float] = {}
    pools: dict[str, Array] = {}
    for name, regime in setup.regimes.items():
        found, pools[name] = _regime_outcomes(setups, regime, powers, blends)
        tokens = regime.output_tokens
        stated = method["regimes"][name]["output_tokens"].get("median", tokens.quantile(0.5))
        found[f"setting[regimes.{name}.output_tokens.median]"] = float(stated)
        for statistic, level in QUARTILES.items():
            key = f"output_tokens[regime={name}; statistic={statistic}]"
            found[key] = float(tokens.quantile(level))
        answer |= found
    for (scenario, pathway), energy in fleet(setup.fleet, pools).items():
        answer[f"fleet[scenario={scenario}; pathway={pathway}; statistic=p50]"] = energy
    return answer


def _regime_outcomes(
    setups: Sequence[Setup], regime: Regime, powers: Array, blends: Sequence[Blend]
) -> tuple[dict[str, Any], Array]:
    """Results of one regime, arrays over (factors, power, blend) flat; and the pools' means."""
    models = setups[0].models
    mixtures = [
        [model_energy(setup, regime, replace(model, node_power=1.0)) for model in models]
        for setup in setups
    ]
    asked = _digest(setups[0], mixtures, powers, blends)
    if asked not in _known:
        _known[asked] = _mixed_outcomes(setups[0], mixtures, powers, blends)
    answer, pool = _known[asked]
    selectors = {energy_key(regime.name, *key): value.ravel() for key, value in answer.items()}
    return selectors, pool.ravel()


_known: dict[bytes, tuple[Outcomes, Array]] = {}
"""What came of mixtures. A trace gives both regimes the same, and a law that does not see the input
all inputs."""


def _digest(
    setup: Setup, mixtures: Sequence[Sequence[Mixture]], powers: Array, blends: Sequence[Blend]
) -> bytes:
    """What tells all that outcomes follow from, from other such, as a digest."""
    models = [(model.name, model.parameters) for model in setup.models]
    digest = sha256(repr((models, setup.pathways, blends, powers.shape)).encode())
    digest.update(powers.tobytes())
    for mixture in (mixture for row in mixtures for mixture in row):
        digest.update(f"{len(mixture.locations)} {mixture.zero_mass!r} ".encode())
        for numbers in (mixture.locations, mixture.weights, mixture.sigmas):
            digest.update(np.ascontiguousarray(numbers).data)
    return digest.digest()


def _mixed_outcomes(
    setup: Setup, mixtures: Sequence[Sequence[Mixture]], powers: Array, blends: Sequence[Blend]
) -> tuple[Outcomes, Array]:
    """Results by (subject, statistic, pathway), arrays over factors, power, blend; pools' means."""
    # tables of one batch have as many cells as its narrowest distribution needs
    scale = [round(float(np.log2(row[0].sigmas[0]))) for row in mixtures]
    size = (len(mixtures), len(powers), len(blends))
    answer: Outcomes = {}
    pool = np.empty(size)
    for batch in (np.flatnonzero(np.equal(scale, s)) for s in sorted(set(scale))):
        rows = [mixtures[int(i)] for i in batch]
        found, pool[batch] = _batch_outcomes(setup, rows, setup.models, powers, blends)
        for key, values in found.items():
            answer.setdefault(key, np.empty(size))[batch] = values
    return answer, pool


def _batch_outcomes(
    setup: Setup,
    mixtures: Sequence[Sequence[Mixture]],
    models: Sequence[ServedModel],
    powers: Array,
    blends: Sequence[Blend],
) -> tuple[Outcomes, Array]:
    """Results by (subject, statistic, pathway), arrays over factors, power, blend; pools' means."""
    n = len(models)
    size = (len(mixtures), len(powers), len(blends))
    tables = Tables.of([mixture for row in mixtures for mixture in row])
    levels = np.array(list(QUARTILES.values()))
    unit = np.exp(tables.quantiles(levels)).reshape(len(mixtures), n, len(levels))
    means = np.array([[mixture.mean() for mixture in row] for row in mixtures])
    of_models = unit[:, None] * powers[:, :, None]
    answer = {
        (model.name, statistic, "baseline"): np.broadcast_to(of_models[:, :, m, q, None], size)
        for m, model in enumerate(models)
        for q, statistic in enumerate(QUARTILES)
    }
    count = max(b.models for b in blends)
    places = np.zeros((*size, count), dtype=int)
    shares = np.zeros((*size, count))
    parameters = np.array([model.parameters for model in models])
    medians = of_models[..., list(QUARTILES).index("p50")]
    for i, option in enumerate(blends):
        found = option.members(medians, parameters)
        places[:, :, i, : option.models], shares[:, :, i, : option.models] = found
    factors = np.arange(size[0])[:, None, None, None]
    power = powers[np.arange(size[1])[None, :, None, None], places]
    pool = (shares * power * means[factors, places]).sum(-1)
    trims = np.array([option.levels for option in blends])
    lower, upper = (np.broadcast_to(trims[:, i], size).ravel() for i in (0, 1))
    member, shift, share = (
        a.reshape(-1, count) for a in (factors * n + places, np.log(power), shares)
    )
    made = Blends(tables, member, shift, share, lower, upper)
    quantiles = made.quantiles(levels)
    for q, statistic in enumerate(QUARTILES):
        answer[TRIMMED, statistic, "baseline"] = quantiles[:, q].reshape(size)
    median = answer[TRIMMED, "p50", "baseline"]
    ratios = _lever_ratios(made, median.ravel(), setup.pathways)
    for i, pathway in enumerate([*setup.pathways, "combined"]):
        answer[TRIMMED, "p50", pathway] = median / ratios[:, i].reshape(size)
    return answer, pool


def _lever_ratios(made: Blends, medians: Array, pathways: Mapping[str, LogNormal]) -> Array:
    """Median of E over median of E / M, per blend and lever; blends that differ in scale share."""
    levers = [*pathways.values(), reduce(LogNormal.__mul__, pathways.values())]
    held = made.share > 0
    first = np.argmax(held, axis=1)[:, None]
    base = np.take_along_axis(made.shift, first, 1)
    member = np.where(held, made.member, np.take_along_axis(made.member, first, 1))
    shift = np.where(held, made.shift - base, 0.0)
    kinds = np.column_stack([member, shift.round(9), made.share, made.lower, made.upper])
    _, kept, kind = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
    few = replace(
        made,
        member=member[kept],
        shift=shift[kept],
        share=made.share[kept],
        lower=made.lower[kept],
        upper=made.upper[kept],
    )
    scaled = medians[kept] / np.exp(base[kept, 0])
    spread = [lever.sigma > 0 for lever in levers]
    ratios = np.exp(np.tile([lever.mu for lever in levers], (len(kept), 1)))
    if any(spread):
        uncertain = [lever for lever in levers if lever.sigma > 0]
        ratios[:, spread] = scaled[:, None] / few.medians_divided_by(uncertain, scaled)
    return ratios[kind.ravel()]

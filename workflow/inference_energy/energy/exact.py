"""Build the exact energy distributions of a method: models, blend, pathways, fleet."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce

import numpy as np

from inference_energy.energy.equation import (
    Array,
    charged_tokens,
    coupled_utilisation,
    node_energy,
    node_seconds,
    query_energy,
)
from inference_energy.energy.fleet import daily
from inference_energy.energy.mixtures import Energy, Mixture, TrimmedBlend
from inference_energy.method.distributions import Z95, LogNormal
from inference_energy.method.setup import Charging, Coupling, Regime, ServedModel, Setup
from inference_energy.rounding import cut
from inference_energy.units import PERCENT

FULL_SUPPORT_BELOW = 0.01
"""With less spread than this [1] panels would hold few lengths each: every length is used."""

PANEL_PER_SIGMA, WIDEST_PANEL = 2.0, 0.5
"""Panels of the quadrature over ln L: width per spread of the factors, and largest width. [1]"""

SOME_LENGTHS = 7
"""Lengths at which the law's error is looked at for how narrow panels must be. [1]"""

FINE_PANEL, STEP_PANEL = 0.1, 0.01
"""Widths of the panels that stand for every length of a model with many ways; narrow ones where
nothing spreads the energy of a length, and every node is a step (a thousandth apart). [1]"""


def uncertain_factor(setup: Charging) -> LogNormal:
    """Product of the factors of Eq. 1 that the lengths of a query do not give, a LogNormal. [1]"""
    counted = setup.boundary.over_node(setup.pue)
    utilisation = setup.power_utilisation
    return counted if isinstance(utilisation, Coupling) else counted * utilisation


def known_utilisation(
    setup: Charging, model: ServedModel, throughput: float | Array
) -> float | Array:
    """Power utilisation where the throughput gives it, else one: it is then uncertain. [1]"""
    utilisation = setup.power_utilisation
    if not isinstance(utilisation, Coupling):
        return 1.0
    return coupled_utilisation(throughput, model.peak, utilisation.intercept, utilisation.slope)


def _length_energies(
    setup: Charging, regime: Regime, model: ServedModel
) -> tuple[np.ndarray, np.ndarray, np.ndarray, LogNormal, np.ndarray]:
    """Output lengths, their weights, energy with all factors one [Wh], factor, error of the law."""
    factor = uncertain_factor(setup)
    if factor.sigma < FULL_SUPPORT_BELOW:
        known = _law_error(regime, model) < FULL_SUPPORT_BELOW
        lengths, weights = _all_lengths(regime, model, STEP_PANEL if known else FINE_PANEL)
    else:
        kinks = model.law.kinks(regime.input_tokens)
        spread = np.hypot(factor.sigma, _least_error(setup, regime, model))
        width = min(PANEL_PER_SIGMA * float(spread), WIDEST_PANEL)
        lengths, weights = regime.output_tokens.nodes(kinks, width)
    charged = charged_tokens(lengths, regime.input_tokens, setup.input_tokens_per_output_token)
    throughput, errors, powers = model.by_way(regime.input_tokens, lengths)
    utilisation = known_utilisation(setup, model, throughput)
    energies = query_energy(charged, throughput, powers, utilisation)
    shares, _ = model.law.split()
    return (
        np.tile(lengths, len(shares)),
        np.outer(shares, weights).ravel(),
        np.ravel(energies),
        factor,
        errors.ravel(),
    )


def _least_error(setup: Charging, regime: Regime, model: ServedModel) -> float:
    """Spread that the law's error adds at every length. [1]"""
    # a coupling has a kink at the largest throughput, which only narrow panels meet
    coupled = isinstance(setup.power_utilisation, Coupling)
    return 0.0 if coupled else _law_error(regime, model)


def _law_error(regime: Regime, model: ServedModel) -> float:
    """Least error of the law, if it counts. [1]"""
    if not model.uncertain:
        return 0.0
    lengths, _ = regime.output_tokens.support
    some = np.geomspace(max(lengths[0], 1.0), max(lengths[-1], 1.0), SOME_LENGTHS)
    return float(np.min(model.by_way(regime.input_tokens, some)[1]))


def model_energy(setup: Charging, regime: Regime, model: ServedModel) -> Mixture:
    """Distribution of a model's energy per query.

    Returns
    -------
    Mixture
        [Wh]
    """
    _, weights, energy, factor, error = _length_energies(setup, regime, model)
    return Mixture.of_energies(energy, weights, factor, error)


def energy_per_output_token(setup: Charging, regime: Regime, model: ServedModel) -> Mixture:
    """Distribution, over the queries that have an answer, of their energy per output token.

    Returns
    -------
    Mixture
        [Wh/token]
    """
    lengths, weights, energy, factor, error = _length_energies(setup, regime, model)
    some = lengths > 0
    share = weights[some] / weights[some].sum()
    return Mixture.of_energies(energy[some] / lengths[some], share, factor, error[some])


def time_energy(
    setup: Charging, model: ServedModel, seconds: float, throughput: float, error: float = 0.0
) -> LogNormal:
    """Energy of so much time of a model's node, a LogNormal.

    Parameters
    ----------
    setup : Setup
        The method.
    model : ServedModel
        The model on its node.
    seconds, throughput : float
        Time of the node, and its mean throughput meanwhile. [s, tokens/s]
    error : float
        Standard deviation of ln time. [1]

    Returns
    -------
    LogNormal
        [Wh]
    """
    utilisation = float(known_utilisation(setup, model, throughput))
    energy = node_energy(seconds, model.node_power, utilisation)
    return LogNormal.fixed(energy) * uncertain_factor(setup) * LogNormal(0.0, error)


def fixed_energy(
    setup: Charging, model: ServedModel, input_tokens: float, output_tokens: float
) -> LogNormal:
    """Energy of queries that all have these lengths [tokens], a LogNormal. [Wh]"""
    throughput = float(model.law.predict(input_tokens, output_tokens))
    charged = charged_tokens(output_tokens, input_tokens, setup.input_tokens_per_output_token)
    error = float(np.max(model.error(input_tokens, output_tokens)))
    seconds = node_seconds(float(charged), throughput)
    return time_energy(setup, model, seconds, throughput, error)


# every table of a method begins with it, one regime after the other
@lru_cache(maxsize=2)
def regime_energy(setup: Setup, regime: Regime) -> tuple[dict[str, Mixture], dict[str, float]]:
    """Distributions of every model, and the blend's models, largest median first.

    Returns
    -------
    models, members : dict of str to Mixture [Wh], dict of str to float
        Every model; share of each of the blend's models. [1]
    """
    models = {model.name: model_energy(setup, regime, model) for model in setup.models}
    names = list(models)
    places, shares = setup.blend.members(
        [energy.quantile(0.5) for energy in models.values()],
        [model.parameters for model in setup.models],
    )
    return models, {names[i]: float(share) for i, share in zip(places, shares, strict=True)}


def blend_energy(
    setup: Setup, models: Mapping[str, Mixture], members: Mapping[str, float], trim: bool = True
) -> Mixture | TrimmedBlend:
    """Distribution of the frontier blend: trimmed as the method says, or pooled untrimmed."""
    parts, shares = tuple(models[name] for name in members), tuple(members.values())
    lower, upper = setup.blend.levels
    if trim and (lower, upper) != (0.0, 1.0):
        return TrimmedBlend(parts, lower, upper, shares)
    return Mixture.pooled(parts, shares)


def with_pathways(setup: Setup, blend: Mixture | TrimmedBlend) -> dict[str, Energy]:
    """Distributions of the blend under each pathway and all of them, as a dict."""
    combined = reduce(LogNormal.__mul__, setup.pathways.values())
    multipliers = {**setup.pathways, "combined": combined}
    return {"baseline": blend} | {k: blend.divided_by(m) for k, m in multipliers.items()}


def fleet_energy(setup: Setup, regime: Regime) -> dict[str, dict[str, float]]:
    """Energy of a day's independent queries, baseline and improved.

    The total of so many queries is normal about its mean, which is exact; the percentiles are
    those of that normal (arXiv:2509.20241v2, figure 3, without bootstrap).

    Returns
    -------
    dict of str to dict
        pathway to statistic (mean, p5, p50, p95) [GWh/day].
    """
    models, members = regime_energy(setup, regime)
    pool = blend_energy(setup, models, members, trim=False)
    improved = pool.divided_by(setup.fleet.improvement[regime.name])
    answer = {}
    for pathway, energy in {"baseline": pool, "improved": improved}.items():
        mean, std = (
            daily(setup.fleet, regime.name, of_one) for of_one in (energy.mean(), energy.std())
        )
        std /= np.sqrt(setup.fleet.queries_per_day)
        answer[pathway] = {
            "mean": mean,
            "p5": mean - Z95 * std,
            "p50": mean,
            "p95": mean + Z95 * std,
        }
    return answer


def fleets_energies(setups: Sequence[Setup]) -> list[dict[str, dict[str, dict[str, float]]]]:
    """Of every setup and all its regimes, by name, what :func:`fleet_energy` gives."""
    return [
        {name: fleet_energy(setup, regime) for name, regime in setup.regimes.items()}
        for setup in setups
    ]


def throughput_statistics(regime: Regime, model: ServedModel) -> dict[str, float]:
    """Mean, std and percentiles of a model's throughput over the query lengths. [tokens/s]"""
    lengths, weights = _all_lengths(regime, model)
    speeds, _ = model.law.by_way(regime.input_tokens, lengths)
    shares, _ = model.law.split()
    return _weighted(speeds.ravel(), np.outer(shares, weights).ravel())


def _all_lengths(
    regime: Regime, model: ServedModel, width: float = FINE_PANEL
) -> tuple[np.ndarray, np.ndarray]:
    """Every output length and its weight; of a model with many ways, lengths that stand for them.

    Long queries have 1e5 lengths, and a hundred ways would need as many evaluations of each.
    """
    if len(model.law.shares()) == 1:
        return regime.output_tokens.support
    return regime.output_tokens.nodes(model.law.kinks(regime.input_tokens), width)


def token_statistics(regime: Regime) -> dict[str, float]:
    """Mean, std and percentiles of the output tokens. [tokens]"""
    return _weighted(*regime.output_tokens.support)


def _weighted(values: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    order = np.argsort(values, kind="stable")
    # nodes of a quadrature have a few negative weights, and a search wants sums that rise
    cumulative = np.maximum.accumulate(np.cumsum(weights[order]))
    mean = float(weights @ values)
    std = float(cut(np.sqrt(weights @ (values - mean) ** 2), mean))
    statistics = {"mean": mean, "std": std}
    for p in (5, 25, 50, 75, 95):
        place = np.searchsorted(cumulative, p / PERCENT - 1e-15)
        statistics[f"p{p}"] = float(values[order[place]])
    return statistics


def extrapolation(regime: Regime, model: ServedModel) -> dict[str, float]:
    """How far the queries of a regime lie beyond the lengths that a model's law has seen.

    Returns
    -------
    dict of str to float
        ``queries``: share of the queries with a length outside the range; ``node time``: their
        share of the node time; ``held``: total node time if the throughput outside were the one at
        the nearest lengths inside, over the law's. [1]
    """
    lengths, weights = _all_lengths(regime, model)
    wanted = {"input_tokens": np.full(len(lengths), regime.input_tokens), "output_tokens": lengths}
    nearest = {name: np.clip(wanted[name], *model.domain[name]) for name in wanted}
    outside = np.any([wanted[name] != nearest[name] for name in wanted], axis=0)
    time = node_seconds(weights * lengths, model.law.predict(**wanted))
    held = node_seconds(weights * lengths, model.law.predict(**nearest))

    def share(of: np.ndarray) -> float:
        # of all and of none exactly so: weights add up to one but for rounding
        beyond = of[outside].sum()
        return float(beyond / (beyond + of[~outside].sum()))

    return {
        "queries": share(weights),
        "node time": share(time),
        "held": float(held.sum() / time.sum()),
    }

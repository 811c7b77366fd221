"""The released code's seeded Monte Carlo, draw for draw (engine ``published``).

Every draw comes from NumPy's legacy generator in the released order, so that the numbers equal
the released ones and not only their distribution (arXiv:2509.20241v2, released analysis code).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from inference_energy.energy.equation import (
    Array,
    charged_tokens,
    coupled_utilisation,
    query_energy,
)
from inference_energy.energy.fleet import daily
from inference_energy.laws.base import joined
from inference_energy.method.setup import Coupling, Regime, ServedModel, Setup
from inference_energy.rounding import cut
from inference_energy.units import PERCENT

PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class Samples:
    """Draws of one regime, each a dict of model name to array of shape (n,).

    Parameters
    ----------
    tokens, throughput, energy : dict
        Output tokens [tokens], throughput [tokens/s] and energy [Wh] per query.
    blend : dict of str to float
        The models of the frontier blend, largest median first, and their shares. [1]
    """

    tokens: dict[str, np.ndarray]
    throughput: dict[str, np.ndarray]
    energy: dict[str, np.ndarray]
    blend: dict[str, float]


def generator(setup: Setup) -> np.random.RandomState:
    """Return the legacy generator that the released code seeds."""
    return np.random.RandomState(setup.monte_carlo.seed)


def simulate(setup: Setup, regime: Regime, random: np.random.RandomState) -> Samples:
    """Draw tokens, power utilisation and PUE of every model in turn, and their energies.

    Parameters
    ----------
    setup : Setup
        The method.
    regime : Regime
        Kind of query.
    random : numpy.random.RandomState
        Stream; advanced by the draws.

    Returns
    -------
    Samples
    """
    n = setup.monte_carlo.samples
    counted_per_node = setup.boundary.over_node(setup.pue)
    tokens, throughput, energy = {}, {}, {}
    for model in setup.models:
        lengths = regime.output_tokens.sample(random, n)
        speed, error, power = _ways(model, regime, lengths, random)
        if isinstance(setup.power_utilisation, Coupling):
            coupling = setup.power_utilisation
            utilisation = coupled_utilisation(speed, model.peak, coupling.intercept, coupling.slope)
        else:
            utilisation = setup.power_utilisation.sample(random, n)
        charged = charged_tokens(lengths, regime.input_tokens, setup.input_tokens_per_output_token)
        counted = counted_per_node.sample(random, n)
        if np.any(error):
            speed = speed * random.lognormal(0.0, error)
        tokens[model.name] = lengths
        throughput[model.name] = speed
        energy[model.name] = query_energy(charged, speed, power, utilisation, counted)
    names = list(energy)
    places, shares = setup.blend.members(
        [np.median(sample) for sample in energy.values()],
        [model.parameters for model in setup.models],
    )
    blend = {names[i]: float(share) for i, share in zip(places, shares, strict=True)}
    return Samples(tokens, throughput, energy, blend)


# every table of a method begins with it, one regime after the other
@lru_cache(maxsize=2)
def _first_draw(setup: Setup, regime: Regime) -> tuple[Samples, Any]:
    random = generator(setup)
    return simulate(setup, regime, random), random.get_state(legacy=False)


def first_draw(setup: Setup, regime: Regime) -> tuple[Samples, np.random.RandomState]:
    """Samples of a stream that begins with them, not to be changed, and what is left of it."""
    samples, state = _first_draw(setup, regime)
    random = generator(setup)
    random.set_state(state)
    return samples, random


def _ways(
    model: ServedModel, regime: Regime, lengths: np.ndarray, random: np.random.RandomState
) -> tuple[Array, float | Array, float | Array]:
    """Throughput [tokens/s], its error [1] and maximum power of the node [kW] of every query.

    A model that is served in one way draws nothing, as in the released code.
    """
    ways = model.law.shares()
    if len(ways) == 1:
        model = replace(model, law=model.law.released())
        (speed,), (error,), power = model.by_way(regime.input_tokens, lengths)
        return speed, error, float(power.item())
    place = random.choice(len(ways), len(lengths), p=[way.weight for way in ways])
    laws = joined([way.law for way in ways])
    speed, error = laws.rates_of(place, regime.input_tokens, lengths)
    if not model.uncertain:
        error = np.zeros(len(lengths))
    return speed, error, np.array([way.power for way in ways])[place] * model.node_power


def trimmed(sample: np.ndarray, pairs: Iterable[tuple[float, float]]) -> np.ndarray:
    """Keep a sample between two percentiles, one pair of levels after the other, bounds kept."""
    for lower, upper in pairs:
        low, high = np.percentile(sample, [PERCENT * lower, PERCENT * upper])
        sample = sample[(sample >= low) & (sample <= high)]
    return sample


def frontier_blend(samples: Samples, pairs: Iterable[tuple[float, float]]) -> np.ndarray:
    """Concatenate the blend's models, each trimmed; shape (m,). [Wh]

    The model of the largest share gives all its samples, another the first ones in proportion.
    """
    largest = max(samples.blend.values())
    parts = []
    for name, share in samples.blend.items():
        kept = trimmed(samples.energy[name], pairs)
        parts.append(kept[: round(len(kept) * share / largest)])
    return np.concatenate(parts)


def with_pathways(
    setup: Setup, blend: np.ndarray, random: np.random.RandomState
) -> dict[str, np.ndarray]:
    """Divide a blend by one multiplier per sample, per pathway and by all of them.

    Parameters
    ----------
    setup : Setup
        The method.
    blend : ndarray, shape (m,)
        Energy of the blend's samples. [Wh]
    random : numpy.random.RandomState
        Stream that the model draws left behind; hardware, model and serving are drawn in turn.

    Returns
    -------
    dict of str to ndarray
        baseline, hardware, model, serving and combined. [Wh]
    """
    drawn = {name: factor.sample(random, len(blend)) for name, factor in setup.pathways.items()}
    energies = {"baseline": blend} | {name: blend / drawn[name] for name in drawn}
    energies["combined"] = blend / np.prod(list(drawn.values()), axis=0)
    return energies


def describe(sample: np.ndarray) -> dict[str, float]:
    """n, mean, std (ddof 0) and percentiles (linear) of a sample, as a dict."""
    percentiles = np.percentile(sample, PERCENTILES)
    return {
        "n": len(sample),
        "mean": float(np.mean(sample)),
        "std": float(cut(np.std(sample), np.mean(sample))),
    } | {f"p{p}": float(v) for p, v in zip(PERCENTILES, percentiles, strict=True)}


def fleets_energies(setups: Sequence[Setup]) -> list[dict[str, dict[str, dict[str, float]]]]:
    """Energy of a day's queries, baseline and improved (arXiv:2509.20241v2, figure 3).

    The pool is the blend's untrimmed samples. Its bootstrap resamples are scaled to the fleet.
    Those of several setups are drawn together.

    Returns
    -------
    list of dict of str to dict of str to dict
        Of every setup regime to pathway to percentile (p5, p50, p95) [GWh/day].
    """
    pools: dict[tuple[int, str, str], Array] = {}
    for i, setup in enumerate(setups):
        for name, regime in setup.regimes.items():
            samples, _ = first_draw(setup, regime)
            pool = frontier_blend(samples, ())
            random = generator(setup)
            # the released code draws lengths for a figure here, which moves the stream
            random.exponential(size=setup.monte_carlo.samples)
            multiplier = setup.fleet.improvement[name].sample(random, len(pool))
            pools[i, name, "baseline"] = pool
            pools[i, name, "improved"] = pool / multiplier
    found: list[dict[str, dict[str, dict[str, float]]]] = [{} for _ in setups]
    for (i, name, pathway), means in _resampled(setups, pools).items():
        levels = np.percentile(daily(setups[i].fleet, name, means), (5, 50, 95))
        percentiles = {f"p{p}": float(v) for p, v in zip((5, 50, 95), levels, strict=True)}
        found[i].setdefault(name, {})[pathway] = percentiles
    return found


def _resampled(
    setups: Sequence[Setup], pools: Mapping[tuple[int, str, str], Array]
) -> dict[tuple[int, str, str], Array]:
    """Means of resamples; the released code seeds anew, so that all have the same places."""
    alike: dict[tuple[int, int, int], list[tuple[int, str, str]]] = {}
    for key, pool in pools.items():
        draws = setups[key[0]].monte_carlo
        alike.setdefault((draws.seed, draws.bootstrap, len(pool)), []).append(key)
    means = {key: np.empty(setups[key[0]].monte_carlo.bootstrap) for key in pools}
    for (seed, bootstrap, n), keys in alike.items():
        random = np.random.RandomState(seed)
        for i in range(bootstrap):
            # as choice draws them
            places = random.randint(0, n, n)
            for key in keys:
                means[key][i] = pools[key].take(places).sum() / n
    return means

"""What test-time scaling costs: energy against length, agents, crossing points, and demand.

Everything follows from the exact distributions of a method; nothing is sampled.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from inference_energy.energy import exact
from inference_energy.energy.mixtures import Energy
from inference_energy.method.setup import (
    TRIMMED,
    UNTRIMMED,
    Regime,
    Setup,
    extrapolates,
    fixed_regime,
)
from inference_energy.rounding import ratio
from inference_energy.text import yes

LEVELS = {"p5": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99}
"""Percentiles and their levels."""


def energy_by_length(setup: Setup, output_tokens: Iterable[float]) -> pd.DataFrame:
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
    _, members = exact.regime_energy(setup, setup.regimes["long"])
    lines = []
    for length in output_tokens:
        regime = fixed_regime(input_tokens, length)
        of_models = {m.name: exact.model_energy(setup, regime, m) for m in setup.models}
        beyond = {m.name: extrapolates(m, input_tokens, length) for m in setup.models}
        pool = exact.blend_energy(setup, of_models, members, trim=False)
        energies: dict[str, Energy] = {**of_models, UNTRIMMED: pool}
        beyond[UNTRIMMED] = any(beyond[name] for name in members)
        values = {
            (subject, name): (energy.quantile(LEVELS[name]), "Wh")
            for subject, energy in energies.items()
            for name in ("p5", "p50", "p95")
        }
        values |= {(subject, "mean"): (e.mean(), "Wh") for subject, e in energies.items()}
        values |= {
            (m.name, "throughput"): (float(m.throughput(input_tokens, length)), "tokens/s")
            for m in setup.models
        }
        lines += [
            {
                "subject": subject,
                "input_tokens": input_tokens,
                "output_tokens": length,
                "extrapolated": yes(beyond[subject]),
                "statistic": statistic,
                "value": value,
                "unit": unit,
            }
            for (subject, statistic), (value, unit) in values.items()
        ]
    return pd.DataFrame(lines)


def uncapped(setup: Setup) -> Setup:
    """Return the method with laws that may exceed the largest measured throughput."""
    models = (replace(model, law=model.law.uncapped()) for model in setup.models)
    return replace(setup, models=tuple(models))


def _statistics(energy: Energy) -> dict[str, float]:
    values = {name: energy.quantile(level) for name, level in LEVELS.items()}
    values["mean"] = energy.mean()
    return values


def _regime_statistics(setup: Setup, regime: Regime) -> dict[str, dict[str, float]]:
    models, members = exact.regime_energy(setup, regime)
    energies = models | {
        TRIMMED: exact.blend_energy(setup, models, members),
        UNTRIMMED: exact.blend_energy(setup, models, members, trim=False),
    }
    return {subject: _statistics(energy) for subject, energy in energies.items()}


def _token_statistics(regime: Regime) -> dict[str, float]:
    lengths, weights = regime.output_tokens.support
    values = {name: float(regime.output_tokens.quantile(level)) for name, level in LEVELS.items()}
    values["mean"] = float(weights @ lengths)
    return values


def cost_of_length(setup: Setup, factor: float) -> pd.DataFrame:
    """What longer answers cost at each statistic, and where the ratio comes from.

    ``energy ratio = tokens ratio x throughput factor x cap factor``: the ratio of the same
    statistic of the output tokens; what the throughput law makes of it without its cap; and what
    the cap adds, which is the ratio over the one that the uncapped laws give. The trimmed blend is
    cut in energy, its tokens are not. Where the shortest queries have no tokens, and so need no
    energy, there is no ratio, and no line of it.

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
    longer = replace(base, output_tokens=base.output_tokens.scaled(factor))
    without = uncapped(setup)
    base_energy, base_free = _regime_statistics(setup, base), _regime_statistics(without, base)
    base_tokens = _token_statistics(base)
    lines = []
    for name, regime in {"long": setup.regimes["long"], f"{factor:g} times": longer}.items():
        energy = _regime_statistics(setup, regime)
        without_cap = _regime_statistics(without, regime)
        tokens = _token_statistics(regime)
        for subject, statistics in energy.items():
            before = base_energy[subject]
            for statistic, value in statistics.items():
                growth = ratio(value, before[statistic])
                free = ratio(without_cap[subject][statistic], base_free[subject][statistic])
                of_tokens = ratio(tokens[statistic], base_tokens[statistic])
                quantities = {
                    "energy traditional": (before[statistic], "Wh"),
                    "energy compared": (value, "Wh"),
                    "energy ratio": (growth, "1"),
                    "tokens ratio": (of_tokens, "1"),
                    "throughput factor": (ratio(free, of_tokens), "1"),
                    "cap factor": (ratio(growth, free), "1"),
                }
                lines += [
                    (name, subject, statistic, quantity, *cell)
                    for quantity, cell in quantities.items()
                ]
            skew = {
                "energy traditional": ratio(before["mean"], before["p50"]),
                "energy compared": ratio(statistics["mean"], statistics["p50"]),
            }
            lines += [(name, subject, "mean over median", q, v, "1") for q, v in skew.items()]
    columns = ["compared", "subject", "statistic", "quantity", "value", "unit"]
    return pd.DataFrame(lines, columns=columns).dropna(subset="value", ignore_index=True)

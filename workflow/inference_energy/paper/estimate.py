"""The method's results as tidy tables, from either engine.

Every function returns a DataFrame in the columns of the result tables: one number per line.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.energy import exact, monte_carlo
from inference_energy.energy.fleet import mix
from inference_energy.energy.mixtures import Energy
from inference_energy.energy.monte_carlo import Samples
from inference_energy.laws.registry import LAWS
from inference_energy.method.setup import TRIMMED, UNTRIMMED, Coupling, Regime, Setup
from inference_energy.rounding import largest_first, significant

Answers = dict[tuple[str, str], dict[str, float]]
"""Statistics by subject and pathway."""

Line = dict[str, Any]
"""Line of a result table."""

QUOTED_DIGITS = 4
"""Significant digits of a member's median: smaller changes are no line of a diff."""

NARROWEST = 1.01
"""Ratio of the ends of a histogram or density from which on its steps differ in six digits. [1]"""


WIDEST = 100.0
"""Standard deviation over the mean of the energies that a method may give [1]: beyond it the mean
is that of a few of ten thousand queries, and no draw of as many shows it."""


def throughput_laws(setup: Setup) -> pd.DataFrame:
    """Coefficients of each model's law: model, law, term, value, unit."""
    return pd.DataFrame(
        [
            (model.name, model.law.name, term, value, unit)
            for model in setup.models
            for term, value, unit in model.law.terms()
        ],
        columns=["model", "law", "term", "value", "unit"],
    )


def _lines(statistics: Mapping[str, float], unit: str, **where: str) -> list[Line]:
    """One line per statistic; the number of samples has its own unit."""
    return [
        where | {"statistic": name, "value": value, "unit": "queries" if name == "n" else unit}
        for name, value in statistics.items()
    ]


def _published_energy(setup: Setup, samples: Samples, random: np.random.RandomState) -> Answers:
    blend = monte_carlo.frontier_blend(samples, setup.blend.trim)
    answers = {(name, "baseline"): energy for name, energy in samples.energy.items()}
    pathways = monte_carlo.with_pathways(setup, blend, random)
    answers |= {(TRIMMED, pathway): energy for pathway, energy in pathways.items()}
    answers[UNTRIMMED, "baseline"] = monte_carlo.frontier_blend(samples, ())
    return {key: monte_carlo.describe(energy) for key, energy in answers.items()}


def _exact_energy(setup: Setup, regime: Regime) -> Answers:
    models, members = exact.regime_energy(setup, regime)
    answers: dict[tuple[str, str], Energy] = {
        (name, "baseline"): energy for name, energy in models.items()
    }
    for subject, trim in ((TRIMMED, True), (UNTRIMMED, False)):
        blend = exact.blend_energy(setup, models, members, trim)
        pathways = exact.with_pathways(setup, blend)
        answers |= {(subject, pathway): energy for pathway, energy in pathways.items()}
    return {key: energy.describe() for key, energy in answers.items()}


def _energy_lines(answers: Answers, engine: str, regime: Regime, **where: str) -> list[Line]:
    return [
        line
        for (subject, pathway), statistics in answers.items()
        for line in _lines(
            statistics,
            "Wh",
            **where,
            engine=engine,
            regime=regime.name,
            subject=subject,
            pathway=pathway,
        )
    ]


def energy_per_query(setup: Setup, engines: Collection[str]) -> pd.DataFrame:
    """Energy per query of every model and of the blend under every pathway. [Wh]"""
    lines = []
    for regime in setup.regimes.values():
        if "published" in engines:
            answers = _published_energy(setup, *monte_carlo.first_draw(setup, regime))
            lines += _energy_lines(answers, "published", regime)
        if "exact" in engines:
            lines += _energy_lines(_exact_energy(setup, regime), "exact", regime)
    return pd.DataFrame(lines)


def spread_problems(energies: pd.DataFrame, where: str) -> Iterator[str]:
    """Problem of each regime that has an energy of which the spread is beyond all meaning.

    Parameters
    ----------
    energies : DataFrame
        From :func:`energy_per_query`.
    where : str
        File that states the method.
    """
    keys = ["engine", "regime", "subject", "pathway"]
    wide = energies.pivot_table(index=keys, columns="statistic", values="value").reset_index()
    wide = wide[wide["std"] > WIDEST * wide["mean"]]
    wide = wide.assign(means=wide["std"] / wide["mean"]).sort_values("means", ascending=False)
    for of in wide.drop_duplicates("regime").to_dict("records"):
        yield (
            f"{where}: key regimes.{of['regime']}: value {of['std']:.3g} Wh: the standard deviation"
            f" of the energy of {of['subject']} ({of['pathway']}) is {of['means']:.3g} times its"
            f" mean; allowed is at most {WIDEST:g} times, as beyond it a few of ten thousand"
            " queries make up the mean; narrow the output tokens, or what multiplies the energy"
        )


def blend(setup: Setup) -> pd.DataFrame:
    """Every model's place in the frontier blend, from the exact engine.

    Returns
    -------
    DataFrame
        regime, model, place (1 is the largest median), median [Wh], parameters [billions],
        ranked_by (median | parameters), share (0 if the model is not in the blend) [1].
    """
    lines = []
    for regime in setup.regimes.values():
        models, members = exact.regime_energy(setup, regime)
        medians = {name: energy.quantile(0.5) for name, energy in models.items()}
        parameters = {model.name: model.parameters for model in setup.models}
        order = largest_first(medians)
        lines += [
            {
                "regime": regime.name,
                "model": name,
                "place": place,
                "median": medians[name],
                "parameters": parameters[name],
                "ranked_by": setup.blend.ranked_by,
                "share": members.get(name, 0.0),
            }
            for place, name in enumerate(order, start=1)
        ]
    return pd.DataFrame(lines)


def members(places: pd.DataFrame) -> pd.DataFrame:
    """Models that are in the blend of a regime, one line each, so that an edit moves few lines.

    Parameters
    ----------
    places : DataFrame
        From :func:`blend`.

    Returns
    -------
    DataFrame
        model, parameters [billions], ranked_by (median | parameters); by regime the median to
        QUOTED_DIGITS [Wh] and the share (0 if the model is not in that blend) [1], such as
        traditional_median.
    """
    inside = places[places["model"].isin(places.loc[places["share"] > 0, "model"])]
    inside = inside.assign(median=significant(inside["median"], QUOTED_DIGITS))
    wide = inside.pivot_table(index="model", columns="regime", values=["median", "share"])
    wide.columns = [f"{regime}_{column}" for column, regime in list[Any](wide.columns)]
    known = inside.drop_duplicates("model").set_index("model")[["parameters", "ranked_by"]]
    return known.join(wide).reset_index()


def throughput(setup: Setup, engines: Collection[str]) -> pd.DataFrame:
    """Throughput of every model over the queries' lengths. [tokens/s]"""
    lines = []
    for regime in setup.regimes.values():
        answers = {}
        if "published" in engines:
            samples, _ = monte_carlo.first_draw(setup, regime)
            answers["published"] = {
                name: monte_carlo.describe(speed) for name, speed in samples.throughput.items()
            }
        if "exact" in engines:
            answers["exact"] = {
                model.name: exact.throughput_statistics(regime, model) for model in setup.models
            }
        for engine, models in answers.items():
            for name, statistics in models.items():
                lines += _lines(
                    statistics, "tokens/s", engine=engine, regime=regime.name, model=name
                )
    return pd.DataFrame(lines)


def extrapolation(setup: Setup) -> pd.DataFrame:
    """How much of each regime lies beyond the lengths that the laws have seen: shares. [1]"""
    return pd.DataFrame(
        [
            {"regime": regime.name, "model": model.name, "statistic": name, "value": value}
            | {"unit": "1"}
            for regime in setup.regimes.values()
            for model in setup.models
            for name, value in exact.extrapolation(regime, model).items()
        ]
    )


def output_tokens(setup: Setup, engines: Collection[str]) -> pd.DataFrame:
    """Output tokens of a query. [tokens]

    The released code draws them anew for each model; the paper prints the first model's or the
    last one's, which the method file names and the ``published`` engine follows.
    """
    lines = []
    for regime in setup.regimes.values():
        if "published" in engines:
            samples, _ = monte_carlo.first_draw(setup, regime)
            draws = list(samples.tokens.values())
            place = {"first": 0, "last": -1}[setup.monte_carlo.published_tokens[regime.name]]
            statistics = monte_carlo.describe(draws[place])
            lines += _lines(statistics, "tokens", engine="published", regime=regime.name)
        if "exact" in engines:
            statistics = exact.token_statistics(regime)
            lines += _lines(statistics, "tokens", engine="exact", regime=regime.name)
    return pd.DataFrame(lines)


def fleet(setup: Setup, engines: Collection[str]) -> pd.DataFrame:
    """Energy of a day's queries: all traditional, all long, and mixed. [GWh/day]"""
    tables = [
        with_mixed(fleets_of_one_kind([setup], [engine])[0], setup.fleet.long_share)
        for engine in ("published", "exact")
        if engine in engines
    ]
    return pd.concat([pd.DataFrame(), *tables], ignore_index=True)


def fleets_of_one_kind(setups: Sequence[Setup], engines: Collection[str]) -> list[pd.DataFrame]:
    """Energy of a day's queries of each setup, all of one kind. [GWh/day]"""
    lines: list[list[Line]] = [[] for _ in setups]
    for engine, module in (("published", monte_carlo), ("exact", exact)):
        if engine not in engines:
            continue
        for of_setup, scenarios in zip(lines, module.fleets_energies(setups), strict=True):
            for scenario, pathways in scenarios.items():
                for pathway, statistics in pathways.items():
                    where = {"engine": engine, "scenario": scenario, "pathway": pathway}
                    of_setup += _lines(statistics, "GWh/day", **where)
    return [pd.DataFrame(of_setup) for of_setup in lines]


def with_mixed(days: pd.DataFrame, long_share: float) -> pd.DataFrame:
    """Add the energy of a day of both kinds of queries: each statistic mixed (``fleet.mix``).

    Parameters
    ----------
    days : DataFrame
        From :func:`fleets_of_one_kind`, of both kinds.
    long_share : float
        Share of long queries. [1]
    """
    traditional, long = (
        days[days["scenario"] == kind].reset_index(drop=True) for kind in ("traditional", "long")
    )
    value = mix(long_share, traditional["value"].to_numpy(), long["value"].to_numpy())
    mixed = traditional.assign(scenario="mixed", value=value)
    return pd.concat([days, mixed], ignore_index=True)


def sensitivity(
    setup: Setup, sensitivities: Mapping[str, Any], engines: Collection[str]
) -> pd.DataFrame:
    """Energy per query at other input lengths, and with power utilisation tied to throughput.

    Longer inputs are charged as the section says, or by the law where it charges input itself.

    Parameters
    ----------
    setup : Setup
        The method.
    sensitivities : dict
        The method's section of that name.
    engines : list of str
        published, exact.

    Returns
    -------
    DataFrame
        Columns of the sensitivity table. [Wh]
    """
    lines = []
    by_input = sensitivities["input_tokens"]
    coupling = sensitivities["power_utilisation_coupling"]
    coupled = replace(setup, power_utilisation=Coupling(coupling["intercept"], coupling["slope"]))
    by_law = any(LAWS[model.law.name].charges_input for model in setup.models)
    charge = None if by_law else by_input["input_tokens_per_output_token"]
    charged = replace(setup, input_tokens_per_output_token=charge)
    for regime in setup.regimes.values():
        # the released code runs the input lengths one after another on one stream
        random = monte_carlo.generator(setup)
        settings = [
            ("input_tokens", f"{length:g}", charged, replace(regime, input_tokens=float(length)))
            for length in by_input["lengths"]
        ]
        formula = f"{coupling['intercept']:g} + {coupling['slope']:g} TPS/TPS_max"
        settings.append(("power_utilisation_coupling", formula, coupled, regime))
        for analysis, setting, varied, changed in settings:
            where = {"analysis": analysis, "setting": setting}
            if "published" in engines:
                stream = random if analysis == "input_tokens" else monte_carlo.generator(setup)
                samples = monte_carlo.simulate(varied, changed, stream)
                answers = _published_energy(varied, samples, stream)
                lines += _energy_lines(answers, "published", changed, **where)
            if "exact" in engines:
                lines += _energy_lines(_exact_energy(varied, changed), "exact", changed, **where)
    return pd.DataFrame(lines)


def densities(setup: Setup, points: int = 161) -> pd.DataFrame:
    """Exact density of ln E between P5 and P95, for drawing violins.

    Where a twentieth of the queries or more needs no energy, P5 and P95 are those of the others;
    where they are nearly the same, the ends are a little apart from them.

    Returns
    -------
    DataFrame
        regime, subject, pathway, energy_wh [Wh], density [1 per unit of ln Wh].
    """
    frames = []
    for regime in setup.regimes.values():
        models, members = exact.regime_energy(setup, regime)
        blend = exact.blend_energy(setup, models, members)
        subjects: dict[tuple[str, str], Energy] = {
            (name, "baseline"): energy for name, energy in models.items()
        }
        subjects |= {
            (TRIMMED, pathway): energy
            for pathway, energy in exact.with_pathways(setup, blend).items()
        }
        for (subject, pathway), energy in subjects.items():
            low, high = _widened(*_drawn_range(energy))
            edges = np.geomspace(low, high, points)
            # where the distribution function is flat, it falls by rounding
            share = np.maximum(np.diff([energy.cdf(e) for e in edges]), 0)
            frames.append(
                pd.DataFrame(
                    {
                        "regime": regime.name,
                        "subject": subject,
                        "pathway": pathway,
                        "energy_wh": np.sqrt(edges[:-1] * edges[1:]),
                        "density": share / np.diff(np.log(edges)),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def _drawn_range(energy: Energy) -> tuple[float, float]:
    """P5 and P95 [Wh]; where a twentieth of the queries needs no energy, those of the others."""
    zero = energy.zero_mass
    levels = (0.05, 0.95) if zero < 0.05 else (zero + 0.05 * (1 - zero), zero + 0.95 * (1 - zero))
    return energy.quantile(levels[0]), energy.quantile(levels[1])


def _widened(low: float, high: float) -> tuple[float, float]:
    """Ends of what is drawn: those of a range too narrow for a table a little apart from it."""
    return (low / NARROWEST, high * NARROWEST) if high < NARROWEST * low else (low, high)


def histograms(setup: Setup, bins: int = 40) -> pd.DataFrame:
    """Histograms of the published engine's samples, for the supplement's figures.

    Returns
    -------
    DataFrame
        quantity (output tokens | energy), regime, series (model or pathway), lower, upper, unit,
        count. Energies have bins of equal width in ln E that hold P0.5 to P99.5.
    """
    frames = []
    for regime in setup.regimes.values():
        samples, random = monte_carlo.first_draw(setup, regime)
        blend = monte_carlo.frontier_blend(samples, setup.blend.trim)
        drawn = list(samples.tokens.items())
        place = {"first": 0, "last": -1}[setup.monte_carlo.published_tokens[regime.name]]
        model, tokens = drawn[place]
        series: list[tuple[str, str, np.ndarray, str, Callable[..., np.ndarray]]]
        series = [("output tokens", model, tokens, "tokens", np.linspace)]
        series += [
            ("energy", pathway, energy, "Wh", np.geomspace)
            for pathway, energy in monte_carlo.with_pathways(setup, blend, random).items()
        ]
        for quantity, name, sample, unit, space in series:
            low, high = _widened(*np.percentile(sample[sample > 0], (0.5, 99.5)))
            edges = space(low, high, bins + 1)
            counts, _ = np.histogram(sample, edges)
            frames.append(
                pd.DataFrame(
                    {
                        "quantity": quantity,
                        "regime": regime.name,
                        "series": name,
                        "lower": edges[:-1],
                        "upper": edges[1:],
                        "unit": unit,
                        "count": counts,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)

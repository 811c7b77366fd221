"""The counter-signal: what would have to be true for one problem to need a claimed energy.

A problem is answered by chains of output tokens in parallel, perhaps replicated, on nodes that
deliver a share of their full throughput, with overhead for what is not counted:

    E = chains replicas overhead / utilisation x PUE P_node PU L / (3.6 TPS(L))              (1)

which is Eq. 1 of arXiv:2509.20241 for one chain times a product. Any factor of the product follows
from the others by division, the length of a chain by root finding.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy

from inference_energy.energy import exact
from inference_energy.energy.equation import node_energy, tokens_for
from inference_energy.energy.fleet import mix
from inference_energy.errors import InputError
from inference_energy.laws.hardware import LONGEST, longest_context
from inference_energy.method.setup import UNTRIMMED, Setup, extrapolates, fixed_regime
from inference_energy.units import (
    MILLI,
    SECONDS_PER_MINUTE,
    WH_PER_KWH,
)

Ends = tuple[float, float]
"""Lower and upper end of a claim. [Wh]"""

Line = tuple[str, float, str, str, str | None, float, str]
"""Line of the counter_signal table but for its basis."""

LONGEST_CHAIN = 1e12
"""Chains beyond this number of output tokens are not looked for. [tokens]"""


def problem_energy(
    chain_energy: float,
    chains: float = 1,
    replicas: float = 1,
    utilisation: float = 1,
    overhead: float = 1,
) -> float:
    """Energy of a problem, equation (1).

    Parameters
    ----------
    chain_energy : array_like
        Energy of one chain at full throughput. [Wh]
    chains, replicas, overhead : array_like
        Chains in parallel, times that all is done, energy over what is counted. [1]
    utilisation : array_like
        Share of the full throughput that the node delivers at the same power. [1]
    """
    return chain_energy * chains * replicas * overhead / utilisation


def needed_factor(energy: float, chain_energy: float) -> float:
    """Product ``chains x replicas x overhead / utilisation`` that gives the energy [Wh]. [1]"""
    return energy / chain_energy


def chain_length(energy: float, energy_of: Callable[[float], float]) -> float:
    """Output tokens of the one chain that needs an energy.

    Parameters
    ----------
    energy : float
        Energy. [Wh]
    energy_of : callable
        Energy [Wh] of a number of output tokens, increasing.

    Returns
    -------
    float
        [tokens]; infinity if a chain of ``LONGEST_CHAIN`` needs less.
    """
    if energy_of(LONGEST_CHAIN) < energy:
        return np.inf
    found = scipy.optimize.brentq(
        lambda u: np.log(energy_of(np.exp(u)) / energy), 0, np.log(LONGEST_CHAIN), xtol=1e-12
    )
    return float(np.exp(found))


def claimed_energy(estimates: pd.DataFrame, name: str) -> tuple[Ends, str]:
    """Lower and upper end of a claim [Wh] and how it was verified.

    Raises
    ------
    InputError
        If the table has no such claim with both ends.
    """
    rows = estimates[estimates["id"] == name]
    if rows.empty or rows[["low_wh", "high_wh"]].isna().any(axis=None):
        raise InputError(
            f"config/scaling.yaml: key counter_signal.estimate: value {name}: allowed is an id of"
            " data/published/estimates.csv with low_wh and high_wh; correct it"
        )
    row = rows.iloc[0]
    return (float(row["low_wh"]), float(row["high_wh"])), row["verification"]


def per_unit(counts: pd.DataFrame) -> pd.DataFrame:
    """Published counts with ``tokens`` and ``calls`` of one unit, and ``call_tokens`` of a call."""
    return counts.assign(
        tokens=counts["total_tokens"] / counts["units"],
        calls=counts["total_calls"].astype(float) / counts["units"],
        call_tokens=counts["total_tokens"] / counts["total_calls"].astype(float),
    )


class _Chains:
    """Energy of one chain of a model, or of the untrimmed blend, of a method."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.input_tokens = setup.regimes["traditional"].input_tokens
        _, self.members = exact.regime_energy(setup, setup.regimes["long"])
        self.models = [m for m in setup.models if m.name in self.members]

    def energy(self, subject: str, tokens: float) -> float:
        """Median energy [Wh] of a chain of output tokens."""
        regime = fixed_regime(self.input_tokens, tokens)
        chosen = [m for m in self.models if subject in (m.name, UNTRIMMED)]
        energies = {m.name: exact.model_energy(self.setup, regime, m) for m in chosen}
        members = self.members if subject == UNTRIMMED else {subject: 1.0}
        pool = exact.blend_energy(self.setup, energies, members, trim=False)
        return pool.quantile(0.5)

    def beyond(self, subject: str, tokens: float) -> str:
        """Whether the law of the subject, or of any model of the blend, extrapolates."""
        chosen = [m for m in self.models if subject in (m.name, UNTRIMMED)]
        return "yes" if any(extrapolates(m, self.input_tokens, tokens) for m in chosen) else "no"


def check_counts(counts: pd.DataFrame, models: pd.DataFrame) -> None:
    """Hold the tokens of a call against the context of the model that was called, if it is known.

    Parameters
    ----------
    counts : DataFrame
        Table of schema ``token_counts``, whose subjects begin with the model and a comma.
    models : DataFrame
        Table of schema ``models``.

    Raises
    ------
    InputError
        If calls have more tokens in the mean than LONGEST contexts.
    """
    problems = []
    for row in counts.to_dict("records"):
        model = row["subject"].partition(",")[0]
        total, calls = row["total_tokens"], row["total_calls"]
        tokens = total / calls
        context = longest_context(model, models)
        if tokens > LONGEST * context:
            problems.append(
                f'data/published/token_counts.csv, id {row["id"]}: columns "total_tokens",'
                f' "total_calls": values {total:.9g}, {calls}: {tokens:.6g}'
                f" tokens a call are {tokens / context:.3g} times the context of {model},"
                f" {context:g} tokens (context_tokens of data/models.csv); allowed is at most"
                f" {LONGEST:g} times, as far as servers stretch it; correct them, or the model"
                " that subject begins with"
            )
    if problems:
        raise InputError(problems)


def counter_signal(
    setup: Setup,
    name: str,
    config: Mapping[str, Any],
    claim: Ends,
    counts: pd.DataFrame,
    rates: pd.Series,
) -> pd.DataFrame:
    """Combinations that give a claimed energy with one method.

    Parameters
    ----------
    setup : Setup
        The method.
    name : str
        Its name.
    config : dict
        Section ``counter_signal`` of config/scaling.yaml.
    claim : tuple of float
        Lower and upper end of the claim. [Wh]
    counts : DataFrame
        Table of schema ``token_counts``. Only output tokens are charged for its calls, not the
        context that the steps of a session read.
    rates : Series
        min, median and max output tokens per second of one chain, :func:`decode_rates`.

    Returns
    -------
    DataFrame
        Columns of the counter_signal table.
    """
    minutes = config["wall_minutes"]["value"]
    chains = _Chains(setup)
    seen = min(m.domain["output_tokens"][1] for m in chains.models)
    longest = "longest output that the laws have seen"
    lines: list[Line] = [(UNTRIMMED, np.nan, longest, "-", None, seen, "tokens")]
    for subject in (*(m.name for m in chains.models), UNTRIMMED):
        lines += _single_chain(chains, subject, claim)
        lines += _many_chains(chains, subject, claim, config)
        lines += _chains_for_a_time(chains, subject, claim, rates, minutes)
        lines += _published_counts(chains, subject, claim, counts)
    lines += _dedicated_nodes(chains, claim, config["chain_tokens"]["values"][0], minutes)
    lines += _among_other_queries(setup, claim, config["query_shares"]["values"])
    finite = [(name, *line) for line in lines if np.isfinite(line[5])]
    return pd.DataFrame(finite, columns=COLUMNS)


def _single_chain(chains: _Chains, subject: str, claim: Ends) -> Iterator[Line]:
    """Lines of the length of one chain that needs the claimed energy."""
    for energy in claim:
        length = chain_length(energy, lambda n: chains.energy(subject, n))
        beyond = chains.beyond(subject, length)
        yield subject, energy, "tokens of a single chain", "all else 1", beyond, length, "tokens"


def _many_chains(
    chains: _Chains, subject: str, claim: Ends, config: Mapping[str, Any]
) -> Iterator[Line]:
    """Lines of how many chains of some length need it, or what else one would have to carry."""
    overhead = "replication and overhead over utilisation"
    for tokens in config["chain_tokens"]["values"]:
        one, beyond = chains.energy(subject, tokens), chains.beyond(subject, tokens)
        for energy in claim:
            factor = needed_factor(energy, one)
            for utilisation in config["utilisation"]["values"]:
                setting, many = f"utilisation {utilisation:g}", factor * utilisation
                setting = f"{tokens:g} tokens each, {setting}"
                yield subject, energy, "chains in parallel", setting, beyond, many, "chains"
            yield subject, energy, overhead, f"one chain of {tokens:g} tokens", beyond, factor, "1"


def _chains_for_a_time(
    chains: _Chains, subject: str, claim: Ends, rates: pd.Series, minutes: float
) -> Iterator[Line]:
    """Lines of chains that run for the claimed time at published rates [tokens/s]."""
    for statistic, rate in rates.items():
        tokens = rate * minutes * SECONDS_PER_MINUTE
        one, beyond = chains.energy(subject, tokens), chains.beyond(subject, tokens)
        setting = f"{statistic} decode rate for {minutes:g} min"
        yield subject, np.nan, "energy of a chain", setting, beyond, one, "Wh"
        for energy in claim:
            many = needed_factor(energy, one)
            yield subject, energy, "chains in parallel", setting, beyond, many, "chains"


def _published_counts(
    chains: _Chains, subject: str, claim: Ends, counts: pd.DataFrame
) -> Iterator[Line]:
    """Lines of the energy at published token counts."""
    factor = "factor to the claim from a published count"
    rows: Iterator[Any] = per_unit(counts).itertuples()
    for row in rows:
        value = problem_energy(chains.energy(subject, row.call_tokens), row.calls)
        beyond = chains.beyond(subject, row.call_tokens)
        yield subject, np.nan, "energy at a published count", row.id, beyond, value, "Wh"
        for energy in claim:
            yield subject, energy, factor, row.id, beyond, energy / value, "1"


def _dedicated_nodes(chains: _Chains, claim: Ends, tokens: float, minutes: float) -> Iterator[Line]:
    """Lines of nodes that do nothing else: their power, utilised and with PUE, over the time."""
    for model in chains.models:
        speed = float(model.throughput(chains.input_tokens, tokens))
        per_second = float(exact.time_energy(chains.setup, model, 1.0, speed).quantile(0.5))
        dedicated = per_second * minutes * SECONDS_PER_MINUTE
        for energy in claim:
            nodes = energy / dedicated
            yield model.name, energy, "dedicated nodes", f"{minutes:g} min", None, nodes, "nodes"
        share = per_second / node_energy(1.0, model.node_power)
        yield model.name, np.nan, "power and overhead over maximum", "median", None, share, "1"


def _among_other_queries(setup: Setup, claim: Ends, shares: Iterable[float]) -> Iterator[Line]:
    """Lines of the median query beside the claim, and with a share of such problems [1]."""
    base = {}
    for name, regime in setup.regimes.items():
        base[name] = exact.blend_energy(setup, *exact.regime_energy(setup, regime), trim=False)
        median = base[name].quantile(0.5)
        yield UNTRIMMED, np.nan, "median without such problems", name, None, median, "Wh"
        for energy in claim:
            yield UNTRIMMED, energy, "claim over the median", name, None, energy / median, "1"
    pool = base["traditional"]
    for share in shares:
        setting, median = f"share {share:g} of the queries", pool.quantile(0.5 / (1 - share))
        for energy in claim:
            mean = mix(share, pool.mean(), energy)
            yield UNTRIMMED, energy, "median with such problems", setting, None, median, "Wh"
            yield UNTRIMMED, energy, "mean with such problems", setting, None, mean, "Wh"


COLUMNS = [
    "basis",
    "subject",
    "energy_wh",
    "quantity",
    "setting",
    "extrapolated",
    "value",
    "unit",
]


def decode_rates(measured: pd.DataFrame, smallest: float) -> pd.Series:
    """Output tokens per second of one request, of models of a size, over all configurations.

    Parameters
    ----------
    measured : DataFrame
        Table of schema ``mlenergy``.
    smallest : float
        Parameters from which a model counts. [billions]

    Returns
    -------
    Series
        min, median, max. [tokens/s]
    """
    large = measured[measured["params_total_b"] >= smallest]
    return (1 / (large["inter_token_latency_ms"] * MILLI)).agg(["min", "median", "max"])


def measured_signal(
    measured: pd.DataFrame, config: Mapping[str, Any], claim: Ends, counts: pd.DataFrame
) -> pd.DataFrame:
    """What measurements of accelerators say: rates, tokens in the wall time, tokens for the claim.

    Parameters
    ----------
    measured : DataFrame
        Table of schema ``mlenergy``.
    config, claim, counts
        As in :func:`counter_signal`.

    Returns
    -------
    DataFrame
        Columns of the counter_signal table, basis ``measured``.
    """
    minutes = config["wall_minutes"]["value"]
    smallest = config["large_model"]["value"]
    large = measured[measured["params_total_b"] >= smallest]
    all_models = f"models of at least {smallest:g} B"
    lines: list[tuple[Any, ...]] = []
    for statistic, rate in decode_rates(measured, smallest).items():
        tokens = rate * minutes * SECONDS_PER_MINUTE
        where = ("measured", all_models, np.nan)
        lines += [
            (*where, "decode rate of a chain", statistic, None, rate, "tokens/s"),
            (*where, f"tokens of a chain in {minutes:g} min", statistic, None, tokens, "tokens"),
        ]
    long = large[large["task"] == "gpqa"]
    for model, rows in long.groupby("model_id"):
        ends = {"best": rows["energy_per_token_j"].min(), "worst": rows["energy_per_token_j"].max()}
        ratio = ends["worst"] / ends["best"]
        lines.append(("measured", model, np.nan, "worst over best", "load", None, ratio, "1"))
        for setting, joule in ends.items():
            start = ("measured", model)
            lines.append((*start, np.nan, "energy per token", setting, None, joule, "J/token"))
            for energy in claim:
                tokens = tokens_for(energy, joule)
                quantity = "tokens of all chains, accelerators only"
                lines.append((*start, energy, quantity, setting, None, tokens, "tokens"))
    published: Iterator[Any] = per_unit(counts).itertuples()
    for row in published:
        where = ("published", row.subject, np.nan)
        lines += [
            (*where, "tokens", row.id, None, row.tokens, "tokens"),
            (*where, "tokens of a call", row.id, None, row.call_tokens, "tokens"),
            (*where, "calls", row.id, None, row.calls, "calls"),
        ]
    return pd.DataFrame(lines, columns=COLUMNS)


def claimed_water(claim: Ends, facility: pd.DataFrame) -> pd.DataFrame:
    """Litres that the claimed energy means, by boundary, from the smallest to the largest report.

    Parameters
    ----------
    claim : tuple of float
        Lower and upper end of the claim, taken as facility energy. [Wh]
    facility : DataFrame
        Table of schema ``facility``.

    Returns
    -------
    DataFrame
        Columns of the counter_signal table, basis ``published``.
    """
    pue = facility.loc[facility["quantity"] == "PUE", "value"].median()
    lines = []
    for quantity, divisor in (("on-site water", pue), ("generation water", 1.0)):
        values = facility.loc[facility["quantity"] == quantity, "value"]
        for setting, value in {"smallest": values.min(), "largest": values.max()}.items():
            for energy in claim:
                litres = energy / divisor * value / WH_PER_KWH
                where = ("published", "facility facts", energy, quantity)
                lines.append((*where, f"{setting} report", None, litres, "L"))
    return pd.DataFrame(lines, columns=COLUMNS)

"""Numbers that the pages quote, from the tables of the run."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.claims.judge import (
    AS_DRAWN,
    CAVEAT,
    HOLDS,
    VERDICTS,
    counts,
    deciding,
)
from inference_energy.energy.equation import facility_energy, node_energy, node_seconds
from inference_energy.laws.base import Law
from inference_energy.laws.registry import LAWS
from inference_energy.method.distributions import LogNormal
from inference_energy.method.serving import on_node
from inference_energy.method.setup import TRIMMED, UNTRIMMED, Blend, Coupling, ServedModel, Setup

Days = dict[Hashable, dict[Hashable, float]]
"""Energy of a day by scenario and pathway. [GWh/day]"""

QUARTILES = ["p25", "p50", "p75"]

RANGE = "range"
"""Setting of water and carbon over the world's range, not at one place."""


def energies(table: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Median and quartiles of a method's queries.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``energy_per_query``.

    Returns
    -------
    dict of str to dict of str to dict
        Regime, then ``published`` (the blend as released), ``exact`` (without sampling) and
        ``untrimmed`` (without sampling, every query kept), then statistic. [Wh]
    """
    wanted = {
        "published": ("published", TRIMMED),
        "exact": ("exact", TRIMMED),
        "untrimmed": ("exact", UNTRIMMED),
    }
    rows = table[table["pathway"] == "baseline"].set_index(
        ["regime", "engine", "subject", "statistic"]
    )["value"]
    return {
        regime: {
            name: {statistic: rows[regime, *where, statistic] for statistic in QUARTILES}
            for name, where in wanted.items()
        }
        for regime in ("traditional", "long")
    }


def fleet(table: pd.DataFrame, engine: str = "exact") -> Days:
    """A day's energy by scenario and pathway: without sampling, or as drawn. [GWh/day]"""
    rows = table[(table["engine"] == engine) & (table["statistic"] == "p50")]
    return {
        scenario: of.set_index("pathway")["value"].to_dict()
        for scenario, of in rows.groupby("scenario")
    }


def length_ratio(table: pd.DataFrame, longer: str) -> float:
    """How many times the median energy of a blend's query rises with its output tokens.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``test_time``.
    longer : str
        Queries that are compared, such as ``15 times``.
    """
    rows = table[
        (table["compared"] == longer)
        & (table["subject"] == TRIMMED)
        & (table["statistic"] == "p50")
        & (table["quantity"] == "energy ratio")
    ]
    return float(rows["value"].iloc[0])


def law_errors(table: pd.DataFrame) -> dict[Hashable, float]:
    """Mean absolute error of each law on shapes that it has not seen, smallest first. [%]"""
    rows = table[
        (table["split"] == "leave-one-shape-out")
        & (table["region"] == "all")
        & (table["statistic"] == "mean_absolute_error")
    ]
    return rows.sort_values("value").set_index("law")["value"].to_dict()


def laws(errors: pd.DataFrame) -> list[dict[str, Any]]:
    """Every law of the registry in its order: what it says, and its error.

    Parameters
    ----------
    errors : DataFrame
        Table of schema ``law_errors``.

    Returns
    -------
    list of dict
        ``name``, ``words``, ``knows_load``, and ``error`` as of :func:`law_errors`. [%]
    """
    error = law_errors(errors)
    return [
        {
            "name": name,
            "words": kind.words,
            "knows_load": kind.knows_load,
            "error": error[name],
        }
        for name, kind in LAWS.items()
    ]


def load_ratios(table: pd.DataFrame) -> dict[Hashable, dict[str, float]]:
    """Energy per token at the smallest batch, and at one request, over the best one, by GPU.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``concurrency``.

    Returns
    -------
    dict of str to dict
        ``least``, ``median``, ``most`` as measured, ``alone`` at one request by the law, in the
        median [1], and ``count`` of models and tasks.
    """
    return {
        gpu: {
            "least": rows["ratio"].min(),
            "median": rows["ratio"].median(),
            "most": rows["ratio"].max(),
            "alone": rows["ratio_from_one"].median(),
            "count": len(rows),
        }
        for gpu, rows in table.groupby("gpu")
    }


def verdicts(table: pd.DataFrame) -> dict[str, Any]:
    """How many claims there are and how many hold, and what became of all of them, in words."""
    lines = deciding(table)
    return {
        "claims": len(lines),
        "holding": int(lines["verdict"].isin(HOLDS).sum()),
        "told": told(counts(table)),
    }


def told(tally: Mapping[str, int]) -> str:
    """Counts of verdicts in words, those that hold together; the parts add up to all claims.

    Parameters
    ----------
    tally : dict of str to int
        Claims by verdict, those that there are.

    Returns
    -------
    str
        Parts in the order of :data:`.VERDICTS`.
    """
    holding = sum(tally.get(name, 0) for name in HOLDS)
    parts = {"reproduced": holding} | {n: tally.get(n, 0) for n in VERDICTS if n not in HOLDS}
    words = {name: f"{n} {'is' if n == 1 else 'are'} {name}" for name, n in parts.items() if n}
    hows = {AS_DRAWN: "as the seeded draw alone", CAVEAT: "with a caveat"}
    some = {how: n for verdict, how in hows.items() if (n := tally.get(verdict, 0))}
    if some:
        counted = [how if n == holding else f"{n} of them {how}" for how, n in some.items()]
        words["reproduced"] += f" ({', '.join(counted)})"
    return ", ".join(words.values())


def changes(findings: pd.DataFrame, names: Sequence[str]) -> dict[str, float]:
    """How many times a finding changes the typical query.

    Parameters
    ----------
    findings : DataFrame
        Table of schema ``findings``.
    names : sequence of str
        Findings.

    Returns
    -------
    dict of str to float
        [1]; of those that were computed.
    """
    rows = findings[
        (findings["quantity"] == "traditional median") & (findings["engine"] == "exact")
    ]
    factors = (rows["after"] / rows["before"]).set_axis(rows["finding"])
    return {name: float(factors[name]) for name in names if name in factors}


def input_charged(sensitivity: pd.DataFrame) -> float:
    """How many times a traditional query costs with the longest charged input, not the shortest.

    Parameters
    ----------
    sensitivity : DataFrame
        Table of schema ``sensitivity``.

    Returns
    -------
    float
        Of the blend's medians, as Figure S3 shows them. [1]
    """
    rows = sensitivity[
        (sensitivity["engine"] == "published")
        & (sensitivity["analysis"] == "input_tokens")
        & (sensitivity["subject"] == TRIMMED)
        & (sensitivity["regime"] == "traditional")
        & (sensitivity["pathway"] == "baseline")
        & (sensitivity["statistic"] == "p50")
    ]
    medians = rows.set_index(rows["setting"].astype(float))["value"].sort_index()
    return float(medians.iloc[-1] / medians.iloc[0])


def long_share_of_energy(days: Days, share: float) -> float:
    """Share of a mixed day's energy that its long queries take. [1]

    Parameters
    ----------
    days : dict
        As from :func:`fleet`.
    share : float
        Share of the queries that are long. [1]
    """
    return share * days["long"]["baseline"] / days["mixed"]["baseline"]


def kept(blend: Blend) -> float:
    """Share of each model's queries that trimming keeps. [1]"""
    lower, upper = blend.levels
    return upper - lower


def parts(
    setup: Setup, model: ServedModel, input_tokens: float, output_tokens: float
) -> dict[str, float]:
    """Steps from the tokens of one query to its energy at the facility.

    Parameters
    ----------
    setup : Setup
        The method.
    model : ServedModel
        The model on its node.
    input_tokens, output_tokens : float
        Lengths. [tokens]

    Returns
    -------
    dict of str to float
        ``throughput`` [tokens/s], ``seconds`` [s], ``power`` [kW], ``utilisation`` [1], ``node``
        [Wh], ``pue`` [1], ``energy`` [Wh]; of log-normal factors the medians.
    """
    throughput = float(model.law.predict(input_tokens, output_tokens))
    seconds = node_seconds(output_tokens, throughput)
    utilisation, pue = _median(setup.power_utilisation), _median(setup.pue)
    node = node_energy(seconds, model.node_power, utilisation)
    return {
        "throughput": throughput,
        "seconds": seconds,
        "power": model.node_power,
        "utilisation": utilisation,
        "node": node,
        "pue": pue,
        "energy": facility_energy(node, pue),
    }


def _median(factor: LogNormal | Coupling) -> float:
    """Median of a log-normal factor. [1]"""
    assert isinstance(factor, LogNormal)  # the pages quote methods that have no coupling
    return float(np.exp(factor.mu))


def cache_factor(
    law: Law, input_tokens: float, cached_tokens: float, output_tokens: float
) -> float:
    """How many times less node time a query takes whose input is in the cache. [1]"""
    fresh, cached = (
        float(law.seconds(input_tokens, output_tokens, found)) for found in (0, cached_tokens)
    )
    return fresh / cached


def hardware_factor(
    law: Law, nodes: Sequence[str], input_tokens: float, output_tokens: float
) -> float | None:
    """How many times less energy a query takes on the second kind of node than on the first. [1]

    None for a model that one of them does not serve.

    Parameters
    ----------
    law : Law
        Ways in which the model is served; their times are at the power of each node.
    nodes : tuple of str
        Two kinds of nodes that some of the ways are on.
    input_tokens, output_tokens : float
        Lengths. [tokens]
    """
    if not set(nodes) <= {way.node for way in law.shares()}:
        return None
    of_node = (on_node(law, node) for node in nodes)
    before, after = (float(each.seconds(input_tokens, output_tokens)) for each in of_node)
    return before / after


def drawn_when_full(setup: Setup, node: str) -> list[float]:
    """Share of its maximum power that a kind of node draws with as many requests as fit.

    Parameters
    ----------
    setup : Setup
        Method whose laws know load.
    node : str
        GPU and format of the weights, as in the laws' shares.

    Returns
    -------
    list of float
        Of every model and engine. [1]
    """
    used = _median(setup.power_utilisation)
    full = [way for model in setup.models for way in model.law.at(np.inf).shares()]
    return [used * way.power for way in full if way.node == node]


def metered_at_best(shares: pd.DataFrame, node: str) -> dict[str, float]:
    """Range of the share of its maximum power [1] that a node was metered at, as ``over_models``.

    Parameters
    ----------
    shares : DataFrame
        Table of schema ``power_shares``, of which the best runs count.
    node : str
        GPU and format of the weights, of which the GPU counts.
    """
    own = shares["gpu"].eq(node.partition(" ")[0]) & shares["best"].eq("yes")
    return over_models(shares.loc[own, "share"])


def over_models(factors: Iterable[float | None]) -> dict[str, float]:
    """Range of a factor over the models that have it.

    Parameters
    ----------
    factors : iterable of float or None
        One of each model. [1]

    Returns
    -------
    dict of str to float
        ``count`` of models and, unless that is none, ``least`` and ``most`` [1].
    """
    found = [factor for factor in factors if factor is not None]
    ends = {"least": min(found), "most": max(found)} if found else {}
    return ends | {"count": len(found)}


EXAMPLE = "Llama 3.1 405B"
"""Model of the query that the pages go through."""

HARDWARE = "H100-SXM-80GB FP8", "B200 FP4"
"""Kinds of nodes that are compared."""

CACHED_INPUT, CACHED_SHARE = 5000.0, 0.9
"""Input of the query that a cache is shown with, and the share found in it. [tokens, 1]"""


def gather(
    methods: Mapping[str, Mapping[str, Any]],
    setups: Mapping[str, Setup],
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    shared: Mapping[str, pd.DataFrame],
    longer: float,
) -> dict[str, Any]:
    """Collect everything that the templates of the pages put in.

    Parameters
    ----------
    methods, setups, tables : dict of str to object
        ``oviedo2026`` and ``revised``: resolved method, Setup, and tables by name.
    shared : dict of str to DataFrame
        Tables ``errors``, ``concurrency``, ``power_shares`` and ``findings``.
    longer : float
        How many times the output tokens of compared queries are. [1]

    Returns
    -------
    dict
        Values of the templates, all as computed.
    """
    paper, setup = methods["oviedo2026"], setups["oviedo2026"]
    model = next(each for each in setup.models if each.name == EXAMPLE)
    lengths = {
        "input": paper["regimes"]["traditional"]["input_tokens"]["value"],
        "output": paper["regimes"]["traditional"]["output_tokens"]["median"],
    }
    drawn = {name: fleet(of["fleet"], "published") for name, of in tables.items()}
    served = [each.law for each in setups["revised"].models]
    long_output = paper["regimes"]["long"]["output_tokens"]["median"]
    of_cache = {
        name: over_models(
            cache_factor(law, CACHED_INPUT, CACHED_SHARE * CACHED_INPUT, output) for law in served
        )
        for name, output in (("short", lengths["output"]), ("long", long_output))
    }
    share = paper["fleet"]["long_share"]["value"]
    return {
        "paper": paper,
        "revised": methods["revised"],
        "drawn_revised": _median(setups["revised"].power_utilisation),
        "busy": {
            "node": HARDWARE[0],
            **over_models(drawn_when_full(setups["revised"], HARDWARE[0])),
            "metered": metered_at_best(shared["power_shares"], HARDWARE[0]),
        },
        "example": {"model": EXAMPLE, **lengths},
        "parts": parts(setup, model, lengths["input"], lengths["output"]),
        "energy": energies(tables["oviedo2026"]["energy_per_query"]),
        "energy_revised": energies(tables["revised"]["energy_per_query"]),
        "days": fleet(tables["oviedo2026"]["fleet"]),
        "drawn": drawn["oviedo2026"],
        "days_revised": drawn["revised"],
        "long_share_of_energy": long_share_of_energy(drawn["oviedo2026"], share),
        "verdicts": verdicts(tables["oviedo2026"]["claims"]),
        "kept": kept(setup.blend),
        "laws": laws(shared["errors"]),
        "loads": load_ratios(shared["concurrency"]),
        "changes": changes(shared["findings"], ["input-5000", "pue-text-and-code"]),
        "input_charged": input_charged(tables["oviedo2026"]["sensitivity"]),
        "longer": longer,
        "ratio": length_ratio(tables["oviedo2026"]["test_time"], f"{longer:g} times"),
        "ratio_revised": length_ratio(tables["revised"]["test_time"], f"{longer:g} times"),
        "cache": {
            "input": CACHED_INPUT,
            "share": CACHED_SHARE,
            "long_output": long_output,
            **of_cache,
        },
        "hardware": {
            "before": HARDWARE[0],
            "after": HARDWARE[1],
            **over_models(hardware_factor(law, HARDWARE, *lengths.values()) for law in served),
        },
        "footprint": per_query(tables["oviedo2026"]["footprint"]),
        "places": between_places(tables["oviedo2026"]["footprint"]),
    }


def _typical(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of a traditional query of the blend, none left out."""
    return table[
        (table["per"] == "query")
        & (table["regime"] == "traditional")
        & (table["subject"] == UNTRIMMED)
    ]


def per_query(table: pd.DataFrame) -> dict[Hashable, dict[Hashable, float]]:
    """Water and carbon of a traditional query of the blend over the world's range.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``footprint``.

    Returns
    -------
    dict of str to dict of str to float
        Boundary, then statistic, of all queries. [unit of the table]
    """
    rows = _typical(table)
    rows = rows[rows["setting"] == RANGE]
    return {
        name: of.set_index("statistic")["value"].to_dict() for name, of in rows.groupby("boundary")
    }


def between_places(table: pd.DataFrame) -> dict[Hashable, float]:
    """How many times more water and carbon the same query takes at the last place than the first.

    Parameters
    ----------
    table : DataFrame
        Table of schema ``footprint``.

    Returns
    -------
    dict of str to float
        Boundary, then the largest median over the smallest of its settings. [1]
    """
    rows = _typical(table)
    rows = rows[(rows["setting"] != RANGE) & (rows["statistic"] == "p50")]
    medians = rows.groupby("boundary")["value"]
    return (medians.max() / medians.min()).to_dict()

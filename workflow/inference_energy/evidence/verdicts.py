"""All tables of public evidence for one method, and verdicts on the paper's statements."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

# scipy.stats takes as long to import as pandas, and most jobs that import this do not call it
import scipy

from inference_energy.errors import InputError
from inference_energy.evidence import coverage as evidence_coverage
from inference_energy.evidence import decomposition, lengths
from inference_energy.evidence import estimates as evidence_estimates
from inference_energy.evidence.boundaries import conversion
from inference_energy.evidence.coverage import (
    COUNTED,
    EVERYTHING,
    NOT_TESTABLE,
    PAPERS_LIST,
    QUERIES,
)
from inference_energy.evidence.estimates import ABSTRACT, LIKE, PAPER
from inference_energy.evidence.law import LoadLaws
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Coupling, Setup
from inference_energy.text import FEW, are_few, percent

Tables = Mapping[str, pd.DataFrame]
"""Tables by the name of their schema."""

Line = dict[str, Any]
"""Line of the table of verdicts."""

INTERVAL = 0.9
"""Level of the interval of a share. [1]"""

NEARLY_ALL, MOSTLY = 0.9, 0.5
"""Shares of the figures from which a statement about them holds, or holds in part. [1]"""


def degree(share: float, n: int) -> str:
    """Verdict on a statement about all ``n`` figures of a group, of which ``share`` [1] comply."""
    if are_few(n):
        return NOT_TESTABLE
    if share >= NEARLY_ALL:
        return "holds"
    return "holds in part" if share >= MOSTLY else "does not hold"


def how_judged(nominal: Mapping[str, float]) -> dict[str, str]:
    """How the lines of :func:`verdicts` are judged, in sentences.

    Parameters
    ----------
    nominal : dict of str to float
        Shares that the ranges ``iqr`` and ``p5_p95`` should hold. [1]

    Returns
    -------
    dict of str to str
        ``share``: the rule of every line, but for the questions that have one of their own.
    """
    return {
        "share": (
            f"A statement holds if at least {percent(NEARLY_ALL)} of the figures comply, in part if"
            f" at least {percent(MOSTLY)} do; fewer than {FEW} figures do not test it."
        ),
        "concurrency": (
            "A sweep that was measured from more than one request on shows less than the whole"
            " effect of load: where its figures do not make the statement hold, they do not test"
            " it."
        ),
        "consistency": (
            "Estimates are consistent with measurements where the shares that their ranges should"
            f" hold, {percent(nominal['iqr'])} of the figures between P25 and P75 and"
            f" {percent(nominal['p5_p95'])} between P5 and P95, lie in the 90 % interval of those"
            " that they do hold; in part where one of the two does: a range may hold too much as"
            " well as too little."
        ),
    }


def weigh(
    setup: Setup,
    data: Tables,
    settings: Mapping[str, Any],
    laws: LoadLaws,
    unseen: Mapping[str, Setup] | None = None,
) -> dict[str, pd.DataFrame]:
    """Set a method beside public estimates and measurements.

    Parameters
    ----------
    setup : Setup
        The method; its power utilisation is a distribution of its own.
    data : dict of str to DataFrame
        Tables by schema name: estimates, mlenergy, wall_power, nodes, output_lengths,
        request_lengths, concurrency, blackwell.
    settings : dict
        Checked content of config/evidence.yaml.
    laws : LoadLaws
        Throughput and power with load.
    unseen : dict of str to Setup, optional
        From ``load.unseen``.

    Returns
    -------
    dict of str to DataFrame
        Tables by schema name, verdicts among them.

    Raises
    ------
    InputError
        If the method's power utilisation follows the throughput.
    """
    utilisation = setup.power_utilisation
    if isinstance(utilisation, Coupling):
        raise InputError(
            "power_utilisation.distribution: value coupled: what nodes draw at the wall is held"
            " against a range of its own; allowed is a method whose power utilisation is a factor;"
            " state one, or take the method off the list of methods in config/config.yaml"
        )
    estimates, runs, wall_power = data["estimates"], data["mlenergy"], data["wall_power"]
    hardware = {"gpus": laws.gpus, "nodes": data["nodes"], "wall_power": wall_power}
    convert = conversion(settings, hardware)
    band = (settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"])
    maximum = {gpu: power["value"] for gpu, power in settings["maximum_node_power"].items()}
    curves = lengths.quantile_curves(data["request_lengths"], data["output_lengths"])
    own = evidence_estimates.own_queries(setup, convert)
    ratios = evidence_estimates.overestimates(setup, own, estimates, convert, band)
    predicted = evidence_coverage.predictions(
        setup, own, estimates, runs, convert, unseen, settings["medians"]["estimates"]
    )
    tables = {
        "overestimates": ratios,
        "overestimate_shares": evidence_estimates.shares(ratios),
        "not_comparable": evidence_estimates.not_comparable(setup, estimates),
        "breakdown": evidence_estimates.breakdown(own, settings["provider_breakdown"]),
        "decomposition": decomposition.decompose(
            setup, own, estimates, laws, convert, settings["reasoning_tokens"]["models"]
        ),
        "predicted": predicted,
        "coverage": evidence_coverage.coverage(predicted, settings["nominal_coverage"]),
        "wall_utilisation": evidence_coverage.wall_utilisation(wall_power, maximum, utilisation),
        "length_effects": lengths.compare(setup, curves),
        "length_quantiles": lengths.shown(setup, curves),
    }
    judged = tables | {name: data[name] for name in ("concurrency", "blackwell")}
    return tables | {"evidence_verdicts": verdicts(judged, settings, utilisation)}


def by_source(complies: pd.Series, sources: pd.Series) -> tuple[float, float, float]:
    """Share of the sources that comply, and its interval.

    Figures of one source are one witness: each source counts as the share of its figures that
    comply, and the interval is Jeffreys's for as many trials as there are sources.

    Parameters
    ----------
    complies : Series of bool
        By figure.
    sources : Series
        Source of every figure.

    Returns
    -------
    tuple of float
        Share and both ends of its interval. [1]
    """
    own = complies.groupby(sources).mean()
    hits, misses = own.sum() + 0.5, (1 - own).sum() + 0.5
    ends = (1 - INTERVAL) / 2, (1 + INTERVAL) / 2
    low, high = (float(scipy.stats.beta.ppf(end, hits, misses)) for end in ends)
    return float(own.mean()), low, high


def _line(
    question: str,
    group: str,
    statement: str,
    complies: pd.Series,
    values: pd.Series,
    what: str,
    table: str,
    sources: pd.Series,
    verdict: str | None = None,
) -> Line:
    share = float(complies.mean())
    of_sources, least, most = by_source(complies, sources)
    return {
        "question": question,
        "group": group,
        "statement": statement,
        "n": len(values),
        "sources": sources.nunique(),
        "share": share,
        "share_of_sources": of_sources,
        "share_of_sources_p5": least,
        "share_of_sources_p95": most,
        "low": values.min(),
        "middle": values.median(),
        "high": values.max(),
        "what": what,
        "verdict": verdict or degree(share, len(values)),
        "table": table,
    }


def verdicts(tables: Tables, settings: Mapping[str, Any], utilisation: LogNormal) -> pd.DataFrame:
    """Judge the paper's statements.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Tables by schema name: overestimates, concurrency, predicted, coverage, wall_utilisation,
        blackwell, length_effects.
    settings : dict
        Content of config/evidence.yaml.
    utilisation : LogNormal
        The method's power utilisation. [1]

    Returns
    -------
    DataFrame
        Columns of schema ``evidence_verdicts``.
    """
    lines = [
        *_overestimates(tables["overestimates"], settings["overestimate_band"]),
        *_concurrency(tables["concurrency"], settings["overestimate_band"]),
        *_consistency(tables["predicted"], tables["coverage"]),
        *_blackwell(tables["blackwell"], settings["blackwell_band"]),
        *_lengths(tables["length_effects"]),
    ]
    wall = tables["wall_utilisation"]["power_utilisation"]
    p5, p95 = utilisation.quantile(0.05), utilisation.quantile(0.95)
    statement = f"a node that serves draws {p5:.2g}-{p95:.2g} of its maximum power"
    lines.append(
        _line(
            "power utilisation",
            "MLPerf, whole nodes at the wall",
            statement,
            (wall >= p5) & (wall <= p95),
            wall,
            "power utilisation",
            "wall_utilisation",
            tables["wall_utilisation"]["source_id"],
        )
    )
    return pd.DataFrame(lines)


def _overestimates(table: pd.DataFrame, band: Mapping[str, float]) -> list[Line]:
    statement = f"public estimates overstate {band['lower']:g}-{band['upper']:g} times"
    counted = table[table["counted"] == "yes"]
    not_shown = counted["production_scale"].fillna("unknown") != "yes"
    inside = counted["inside_benchmarks"] == "yes"
    groups = {
        f"{PAPER}: its three figures": counted["reading"] == PAPER,
        f"{ABSTRACT}: not at production scale": (counted["reading"] == ABSTRACT) & not_shown,
        f"{LIKE}: not at production scale": (counted["reading"] == LIKE) & not_shown,
        f"{LIKE}: not at production scale, inside the benchmarks": (counted["reading"] == LIKE)
        & not_shown
        & inside,
    }
    return [
        _line(
            "overestimates",
            group,
            statement,
            counted.loc[chosen, "place"] == "inside",
            counted.loc[chosen, "ratio"],
            "estimate over method",
            "overestimates",
            counted.loc[chosen, "source_id"],
        )
        for group, chosen in groups.items()
        if chosen.any()
    ]


def _concurrency(table: pd.DataFrame, band: Mapping[str, float]) -> list[Line]:
    """Sweeps as measured, which bound the whole effect from below, and from one sequence on."""
    smallest = round(table["smallest_batch"].min())
    lines = []
    for end in ("lower", "upper"):
        for gpu, sweeps in table.groupby("gpu"):
            falls = f"energy falls {band[end]:g} times"
            reached = sweeps["ratio"] >= band[end]
            shown = degree(float(reached.mean()), len(reached))
            lines.append(
                _line(
                    "concurrency",
                    f"ML.ENERGY, {gpu}, measured from {smallest}, {band[end]:g} times",
                    f"from one sequence to the best load alone, {falls}",
                    reached,
                    sweeps["ratio"],
                    f"energy per token, {smallest} sequences over best",
                    "concurrency",
                    sweeps["source_id"],
                    shown if shown == "holds" else NOT_TESTABLE,
                )
            )
            lines.append(
                _line(
                    "concurrency",
                    f"ML.ENERGY, {gpu}, by the law from 1, {band[end]:g} times",
                    f"from one sequence to the best load alone, {falls}",
                    sweeps["ratio_from_one"] >= band[end],
                    sweeps["ratio_from_one"],
                    "energy per token, one sequence over best",
                    "concurrency",
                    sweeps["source_id"],
                )
            )
    return lines


def _consistency(predicted: pd.DataFrame, coverage: pd.DataFrame) -> list[Line]:
    lines = []
    for group in (PAPERS_LIST, EVERYTHING):
        for basis in (QUERIES, LIKE):
            rows = coverage[(coverage["set"] == group) & (coverage["basis"] == basis)]
            if rows.empty:
                continue
            total = rows[rows["model"] == "all"].iloc[0]
            figures = predicted[predicted["basis"] == basis]
            member = figures["set"].isin(COUNTED if group == EVERYTHING else [group])
            figures = figures[member & (figures["counted"] == "yes")]
            lines.append(
                _line(
                    "consistency",
                    f"{group}, {basis}",
                    "estimates are consistent with production-scale measurements",
                    figures["inside_p5_p95"] == "yes",
                    figures["counterpart_over_measured"],
                    "predicted over measured",
                    "predicted",
                    figures["source_id"],
                    total["verdict"],
                )
            )
    return lines


def _blackwell(table: pd.DataFrame, band: Mapping[str, float]) -> list[Line]:
    statement = f"Blackwell has {band['lower']:g}-{band['upper']:g} times the throughput of H100"
    names = {True: "ML.ENERGY, each GPU at its best, per GPU", False: "vendor tables, FP4 over FP8"}
    measured = table["energy_ratio"].notna()
    return [
        _line(
            "blackwell",
            names[is_measured],
            statement,
            pairs["throughput_ratio"].between(band["lower"], band["upper"]),
            pairs["throughput_ratio"],
            "throughput, B200 over H100",
            "blackwell",
            pairs["source_id"],
        )
        for is_measured, pairs in table.groupby(measured)
    ]


def _lengths(table: pd.DataFrame) -> list[Line]:
    kinds = {"traditional": ("trace", "chat"), "long": ("gpqa",)}
    names = {"trace": "traces of services", "chat": "ML.ENERGY chat", "gpqa": "ML.ENERGY GPQA"}
    return [
        _line(
            "output lengths",
            f"{names[kind]}, {regime}",
            "with observed output lengths the median stays in the interquartile range",
            series["inside_iqr"] == "yes",
            series["median_energy_ratio"],
            "median energy over the method's own",
            "length_effects",
            series["source_id"],
        )
        for regime, chosen in kinds.items()
        for kind in chosen
        for series in [table[(table["regime"] == regime) & (table["kind"] == kind)]]
        if len(series)
    ]

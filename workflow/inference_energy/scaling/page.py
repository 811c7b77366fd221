"""Numbers for the pages on test-time scaling, water and the counter-signal, picked from tables."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from inference_energy.laws.hardware import LONGEST
from inference_energy.method.setup import TRIMMED, UNTRIMMED
from inference_energy.scaling.agents import Task
from inference_energy.templates import render

STATISTICS = ["p5", "p50", "mean", "p95", "p99"]


def scaling_page(
    test_time: Mapping[str, pd.DataFrame],
    crossing: Mapping[str, pd.DataFrame],
    agents: Mapping[str, pd.DataFrame],
    footprint: Mapping[str, pd.DataFrame],
    checks: pd.DataFrame,
    unusual: Sequence[str] = (),
    tasks: Sequence[Task] = (),
) -> str:
    """Test-time scaling, agents, crossing points, water and carbon of all methods, in Markdown.

    Parameters
    ----------
    test_time, crossing, agents, footprint : dict of str to DataFrame
        Method to the table of that name.
    checks : DataFrame
        Table water_checks.
    unusual : sequence of str
        What is unusual of facilities and grids.
    tasks : sequence of Task
        What agents were asked; a table lacks those that a model of the blend cannot hold.

    Returns
    -------
    str
    """
    first = next(iter(test_time.values()))
    factor = next(name for name in first["compared"].unique() if name != "long")
    doubling = {"analysis": "doubling", "basis": "mean"}
    growth = next(iter(crossing.values()))
    growth = _pick(growth, analysis="growth", quantity="break-even rebound")
    return render(
        "scaling/scaling.md.jinja",
        factor=factor,
        cost=_cost(test_time),
        skew=_skew(test_time, factor),
        doubling={name: _by("quantity", t, **doubling) for name, t in crossing.items()},
        needs={name: _needs(table) for name, table in crossing.items()},
        growth=growth.to_dict("records"),
        agents=_agents(agents),
        left_out=[
            (name, task.name, task.longest)
            for name, table in agents.items()
            for task in tasks
            if task.name not in set(table["task"])
        ],
        stretched=LONGEST,
        water=_water(footprint),
        checks=checks.fillna({"note": ""}).to_dict("records"),
        unusual=unusual,
    )


def counter_signal_page(
    table: pd.DataFrame,
    claim: tuple[float, float],
    verification: str,
    counts: pd.DataFrame,
    config: Mapping[str, Any],
) -> str:
    """The counter-signal in plain words, in Markdown.

    Parameters
    ----------
    table : DataFrame
        Table counter_signal.
    claim : tuple of float
        Lower and upper end of the claim. [Wh]
    verification : str
        How the claim was verified, as the estimates table says.
    counts : DataFrame
        Table of schema ``token_counts``.
    config : dict
        Section ``counter_signal`` of config/scaling.yaml.

    Returns
    -------
    str
    """
    minutes = config["wall_minutes"]["value"]
    blends = {
        name: table[(table["basis"] == name) & (table["subject"] == UNTRIMMED)]
        for name in table["basis"].unique()
        if name not in ("measured", "published")
    }
    measured = _pick(table, basis="measured")
    water = _pick(table, subject="facility facts")
    return render(
        "scaling/counter_signal.md.jinja",
        claim=claim,
        verification=verification,
        wall_minutes=minutes,
        large_model=config["large_model"]["value"],
        rate=_by("setting", measured, quantity="decode rate of a chain"),
        made=_by("setting", measured, quantity=f"tokens of a chain in {minutes:g} min"),
        chains=_chains(table, blends, minutes),
        counted=_counted(blends, counts),
        mixed=_mixed(blends, config["query_shares"]["values"]),
        water=[(name, _ends(water, quantity=name)) for name in water["quantity"].unique()],
    )


def _pick(table: pd.DataFrame, **where: object) -> pd.DataFrame:
    """Rows where columns have these values."""
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def _by(column: str, table: pd.DataFrame, **where: object) -> dict[Any, float]:
    """Values of the rows where columns have these values, by another column."""
    return dict(_pick(table, **where).set_index(column)["value"])


def _ends(table: pd.DataFrame, **where: object) -> tuple[float, float]:
    """Least and largest value of the rows where columns have these values."""
    values = _pick(table, **where)["value"]
    return values.min(), values.max()


def _cost(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, str, dict[Any, float]]]:
    """Method, statistic, and by quantity what a long query costs over a traditional one."""
    where = {"compared": "long", "subject": UNTRIMMED}
    return [
        (name, statistic, _by("quantity", table, **where, statistic=statistic))
        for name, table in tables.items()
        for statistic in STATISTICS
    ]


def _skew(
    tables: Mapping[str, pd.DataFrame], factor: str
) -> list[tuple[str, dict[Any, float], dict[Any, float]]]:
    """Method, mean over median of traditional and long queries, and ratios by statistic."""
    long = {"compared": "long", "subject": UNTRIMMED, "statistic": "mean over median"}
    longer = {"compared": factor, "subject": UNTRIMMED, "quantity": "energy ratio"}
    return [
        (name, _by("quantity", table, **long), _by("statistic", table, **longer))
        for name, table in tables.items()
    ]


def _needs(table: pd.DataFrame) -> dict[str, Any]:
    """What a method needs to stay at its baseline, by share of long queries."""
    mean = _pick(table, analysis="intervention", basis="mean").sort_values("long_share")
    on_all = _by("long_share", mean, quantity="needed on all queries")
    improved = _by("long_share", mean, quantity="fleet improved")
    base = _by("long_share", mean, quantity="fleet")[0.0]
    on_long = _pick(mean, quantity="needed on long queries")["value"].iloc[0]
    held = [share for share in on_all if improved[share] <= base]
    return {"baseline": base, "on_all": on_all, "on_long": on_long, "held": held}


def _agents(tables: Mapping[str, pd.DataFrame]) -> list[tuple[Any, ...]]:
    """Method, task, caching; energy and ratio, least and most over models; any extrapolates."""
    rows = []
    for name, table in tables.items():
        single = _pick(table, samples=1)
        for task, caching in product(table["task"].unique(), ("yes", "no")):
            part = _pick(single, task=task, prefix_caching=caching)
            energy = _ends(part, quantity="energy p50")
            ratio = _ends(part, quantity="energy over a traditional query")
            beyond = (part["extrapolated"] == "yes").any()
            rows.append((name, task, caching, energy, ratio, beyond))
    return rows


def _water(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, str, dict[Any, float]]]:
    """Method, regime, and by boundary the median water or carbon of a query."""
    where = {"setting": "range", "per": "query", "subject": TRIMMED, "statistic": "p50"}
    return [
        (name, regime, _by("boundary", table, **where, regime=regime))
        for name, table in tables.items()
        for regime in ("traditional", "long")
    ]


def _claim(blend: pd.DataFrame, **where: object) -> tuple[float, float]:
    """Values of a blend at the lower and the upper end of the claim."""
    values = _pick(blend, **where).sort_values("energy_wh")["value"]
    return values.iloc[0], values.iloc[-1]


def _chains(
    table: pd.DataFrame, blends: Mapping[str, pd.DataFrame], minutes: float
) -> list[tuple[Any, ...]]:
    """Method; tokens of one chain, chains of the median rate, and nodes that give the claim."""
    parallel = {"quantity": "chains in parallel"}
    parallel["setting"] = f"median decode rate for {minutes:g} min"
    return [
        (
            name,
            _claim(blend, quantity="tokens of a single chain"),
            _claim(blend, **parallel),
            _ends(table, basis=name, quantity="dedicated nodes"),
        )
        for name, blend in blends.items()
    ]


def _counted(blends: Mapping[str, pd.DataFrame], counts: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Method, subject of a published token count, its energy, factor from it to the claim."""
    rows = []
    for name, blend in blends.items():
        for count in counts.itertuples():
            at = _pick(blend, setting=count.id)
            energy = _pick(at, quantity="energy at a published count").iloc[0]
            factor = _claim(at, quantity="factor to the claim from a published count")
            rows.append((name, count.subject, energy, factor))
    return rows


def _mixed(blends: Mapping[str, pd.DataFrame], shares: Sequence[float]) -> list[tuple[Any, ...]]:
    """Method, share, and median and mean of all queries if that share were such problems."""
    rows = []
    for (name, blend), share in product(blends.items(), shares):
        at = _pick(blend, setting=f"share {share:g} of the queries")
        ends = (
            _claim(at, quantity=f"{middle} with such problems") for middle in ("median", "mean")
        )
        rows.append((name, share, *ends))
    return rows

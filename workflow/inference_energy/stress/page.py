"""Numbers for the stress test's report, picked from its tables."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from inference_energy.energy.equation import energy_of_each
from inference_energy.templates import render

KEYS = ["scope", "concurrency", "output_tokens"]
TEMPLATE = "stress/report.md.jinja"
STATE = ["power_w", "idle_w", "utilisation", "memory_gb", "clock_mhz"]


def report(
    settings: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], known: Mapping[str, Any]
) -> str:
    """Write the report of a stress test, finished or not.

    Parameters
    ----------
    settings : dict
        As in config/stress.yaml.
    tables : dict of str to DataFrame
        The tables cells, power, energy, ratio, findings, impact, parts and predicted, and
        forecasts, the predicted ratios.
    known : dict
        power_sources, names of those that were asked, empty when none was found; reason, why the
        laws predict nothing, empty where they do; versions, those of AIPerf.

    Returns
    -------
    str
        Markdown; its figures are energy.svg, latency.svg and timeline.svg beside it.
    """
    cells, power, energy = tables["cells"], tables["power"], tables["energy"]
    used = cells[cells["status"] == "measured"]
    lengths = cells.groupby("output_tokens")
    return render(
        TEMPLATE,
        settings=settings,
        power_sources=known["power_sources"],
        reason=known["reason"],
        versions=known["versions"],
        times=_times(used),
        cells=len(cells),
        used=len(used),
        measured=list(dict.fromkeys(energy["scope"])),
        energy=_energy(energy, power),
        ratios=tables["ratio"].to_dict("records"),
        forecasts=_forecasts(tables["forecasts"]),
        ends=_ends(energy),
        unused=_unused(cells),
        impact=_impact(tables["impact"]),
        parts=tables["parts"].to_dict("records"),
        predicted=_told(tables["predicted"], sorted(set(cells["concurrency"]))),
        power=_records(power.groupby(KEYS)[STATE].mean()),
        performance=_records(used.groupby(KEYS[1:]).mean(numeric_only=True)),
        delivered=_records(
            lengths.agg(
                mean=("delivered_tokens", "mean"),
                low=("delivered_tokens_min", "min"),
                high=("delivered_tokens_max", "max"),
            )
        ),
        findings=tables["findings"].to_dict("records"),
    )


def _times(used: pd.DataFrame) -> list[str]:
    """When the first window began and the last one ended (UTC); nothing without a window."""
    if used.empty:
        return []
    begun = pd.to_datetime(used["window_start"])
    ended = begun + pd.to_timedelta(used["window_s"], unit="s")
    return [f"{time:%Y-%m-%d %H:%M}" for time in (begun.min(), ended.max())]


def _energy(table: pd.DataFrame, power: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Mean, bounds and count of each cell that has an energy, with what it is without idling."""
    wide = table.pivot_table(index=KEYS, columns="statistic", values="value", dropna=False)
    wide = wide.reindex(columns=["mean", "low", "high", "n"]).dropna(subset=["mean"])
    above_idle = power.groupby(KEYS)["energy_above_idle_wh"].mean()
    # a frame without rows would take those of a series
    wide["above_idle"] = above_idle.reindex(wide.index)
    wide = wide.reset_index()
    wide["per_joule"] = 1 / energy_of_each(wide["mean"], wide["output_tokens"])
    return wide.to_dict("records")


def _ends(table: pd.DataFrame) -> dict[Hashable, tuple[float, float]]:
    """Energy of the shortest and the longest query of each scope and concurrency."""
    means = table[table["statistic"] == "mean"]
    ends: dict[Hashable, tuple[float, float]] = {}
    for keys, group in means.groupby(KEYS[:2]):
        values = group.sort_values("output_tokens")["value"]
        ends[keys] = values.iloc[0], values.iloc[-1]
    return ends


def _unused(cells: pd.DataFrame) -> list[tuple[Any, list[int]]]:
    """Lengths that were run at a concurrency and have no cell that is used."""
    used = cells["status"].eq("measured").groupby([cells[key] for key in KEYS[1:]]).any()
    lost = used.index[~used].to_frame(index=False)
    return [(load, list(group)) for load, group in lost.groupby(KEYS[1])[KEYS[2]]]


def _forecasts(table: pd.DataFrame) -> dict[tuple[str, int], dict[str, float]]:
    """Predicted ratios of each scope and concurrency, by prediction."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    lines: Iterator[Any] = table.itertuples()
    for line in lines:
        found.setdefault((line.scope, line.concurrency), {})[line.prediction] = line.ratio
    return found


def _told(table: pd.DataFrame, loads: Sequence[int]) -> list[dict[Hashable, Any]]:
    """Predictions of the loads that were run, those that were measured or say what was not."""
    return table[table["concurrency"].isin(loads)].to_dict("records")


def _impact(table: pd.DataFrame) -> dict[str, Any]:
    """Quantities of each boundary of a query, and the unit of each."""
    if table.empty:
        return {"quantities": {}, "rows": []}
    order = ["concurrency", "output_tokens", "scope", "basis"]
    wide = table.pivot_table(index=order, columns="quantity", values="value")
    units = dict(zip(table["quantity"], table["unit"], strict=True))
    return {"quantities": units, "rows": _records(wide)}


def _records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return table.reset_index().to_dict("records")

"""A deployment: a model on its operator's own nodes, answered from their benchmark runs."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.deployments.build import Deployment
from inference_energy.deployments.files import UNUSUAL
from inference_energy.deployments.power import ServingPower
from inference_energy.energy.equation import node_seconds
from inference_energy.energy.exact import (
    energy_per_output_token,
    extrapolation,
    model_energy,
    token_statistics,
)
from inference_energy.energy.mixtures import Mixture
from inference_energy.errors import InputError
from inference_energy.method.boundary import Meter
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import fixed_regime
from inference_energy.tables import LARGEST
from inference_energy.units import G_PER_KG, MEGA, PERCENT, SECONDS_PER_DAY, WH_PER_KWH

Fact = tuple[str, str, str, str]
"""A fact, its value, its basis and its source."""

NO_FACTS: Mapping[str, str] = MappingProxyType({})

LENGTHS = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 5000.0, 10000.0, 30000.0, 100000.0)
"""Output lengths of the predicted energies. [tokens]"""


def energy_per_query(
    deployment: Deployment, reference: pd.DataFrame, reference_name: str
) -> pd.DataFrame:
    """Energy per query of the deployment, and the paper's frontier blend beside it. [Wh]

    Parameters
    ----------
    deployment : Deployment
        As from ``build``.
    reference : DataFrame
        Table ``energy_per_query`` of the method to compare with.
    reference_name : str
        Its name.

    Returns
    -------
    DataFrame
        Columns of the energy_per_query table.
    """
    lines = []
    for name, regime in deployment.regimes.items():
        answer = model_energy(deployment, regime, deployment.model).describe()
        where = {"engine": "exact", "regime": name, "subject": deployment.model.name}
        lines += [
            where | {"pathway": "baseline", "statistic": k, "value": v, "unit": "Wh"}
            for k, v in answer.items()
        ]
    blend = reference[
        (reference["subject"] == "frontier blend")
        & (reference["pathway"] == "baseline")
        & (reference["engine"] == "published")
        & (reference["unit"] == "Wh")
    ]
    blend = blend.assign(subject=f"frontier blend, {reference_name}")
    return pd.concat([pd.DataFrame(lines), blend], ignore_index=True)


def energy_by_length(deployment: Deployment) -> pd.DataFrame:
    """Median energy of queries of fixed output lengths, for a measurement to be held against.

    Returns
    -------
    DataFrame
        Columns of the schema ``energy_by_length``. [Wh]
    """
    regime = deployment.regimes["traditional"]
    energies = [
        model_energy(deployment, fixed_regime(regime.input_tokens, length), deployment.model)
        for length in LENGTHS
    ]
    return pd.DataFrame(
        {
            "input_tokens": regime.input_tokens,
            "output_tokens": LENGTHS,
            "energy_wh": [energy.quantile(0.5) for energy in energies],
        }
    )


def energy_per_million_tokens(deployment: Deployment) -> pd.DataFrame:
    """Energy per million output tokens, over the queries and over all of them together. [kWh]

    Returns
    -------
    DataFrame
        regime, statistic, value, unit; ``overall`` is mean energy over mean output tokens.
    """
    lines = []
    scale = MEGA / WH_PER_KWH
    for name, regime in deployment.regimes.items():
        energy = energy_per_output_token(deployment, regime, deployment.model)
        total = model_energy(deployment, regime, deployment.model).mean()
        answer = {"overall": total / regime.output_tokens.mean_and_std()[0] * scale}
        answer |= {f"p{p}": energy.quantile(p / PERCENT) * scale for p in (5, 25, 50, 75, 95)}
        lines += [(name, statistic, value, "kWh") for statistic, value in answer.items()]
    return pd.DataFrame(lines, columns=["regime", "statistic", "value", "unit"])


def _mean_query(energy: Mixture) -> tuple[float, float]:
    """Mean of the log-normals' medians [Wh], and their sigma weighted by energy, of a Mixture."""
    middle = np.exp(energy.locations) * energy.weights
    return float(middle.sum()), float(middle @ energy.sigmas / middle.sum())


def per_day(deployment: Deployment, where: str = "the deployment") -> pd.DataFrame:
    """Queries, nodes, energy, cost and carbon of a day at the stated traffic.

    A day's queries have one power, PUE and error of the law in common that are not known; P5 and
    P95 are those of that common factor. The spread over query lengths averages out.

    Parameters
    ----------
    deployment : Deployment
        As from ``build``.
    where : str
        The deployment file, for messages.

    Returns
    -------
    DataFrame
        quantity, regime, statistic, value, unit.

    Raises
    ------
    InputError
        If a day has more of something than a table can hold.
    """
    section = deployment.section
    per_day, share = (section["traffic"][k]["value"] for k in ("queries_per_day", "long_share"))
    price, intensity = section["electricity_price"], section["grid_intensity"]
    units = {
        "energy": ("kWh/day", 1.0),
        "cost": (f"{price['unit'].split('/')[0]}/day", price["value"]),
        "carbon": (f"kg{intensity['unit'].split('/')[0][1:]}/day", intensity["value"] / G_PER_KG),
    }
    counts = {"traditional": per_day * (1 - share), "long": per_day * share}
    lines, means, middles, sigmas, totals = (
        [],
        {},
        {},
        {},
        dict.fromkeys(("queries", "output tokens", "nodes"), 0.0),
    )
    nodes = float(deployment.shapes["n_gpus"].iloc[0]) / section["gpus_per_node"]["value"]
    for name, count in counts.items():
        regime = deployment.regimes[name]
        energy = model_energy(deployment, regime, deployment.model)
        middle, sigmas[name] = _mean_query(energy)
        means[name], middles[name] = (e * count / WH_PER_KWH for e in (energy.mean(), middle))
        lengths, weights = regime.output_tokens.support
        throughput = deployment.model.throughput(regime.input_tokens, lengths)
        seconds = weights @ node_seconds(lengths, throughput)
        counted = {
            "queries": (count, "queries/day"),
            "output tokens": (count * regime.output_tokens.mean_and_std()[0], "tokens/day"),
            "nodes": (count * float(seconds) * nodes / SECONDS_PER_DAY, "nodes"),
        }
        for quantity, (value, unit) in counted.items():
            lines.append((quantity, name, "mean", value, unit))
            totals[quantity] += value
    lines += [
        (quantity, "all", "mean", value, counted[quantity][1]) for quantity, value in totals.items()
    ]
    total = sum(middles.values())
    sigmas["all"] = sum(sigmas[name] * middles[name] for name in counts) / total
    means["all"], middles["all"] = sum(means.values()), total
    for quantity, (unit, factor) in units.items():
        for name in means:
            common = LogNormal(0.0, sigmas[name])
            answer = {"mean": means[name]}
            answer |= {
                p: middles[name] * common.quantile(q) for p, q in (("p5", 0.05), ("p95", 0.95))
            }
            lines += [(quantity, name, k, float(v * factor), unit) for k, v in answer.items()]
    quantity, _, _, value, unit = max(lines, key=lambda line: line[3])
    if value > LARGEST:
        most = per_day * LARGEST / value
        raise InputError(
            f"{where}: key deployment.traffic.queries_per_day.value: value {per_day:g}: makes"
            f" {value:.3g} {unit} of {quantity}; allowed are numbers up to 2^53, beyond which"
            f" neighbours cannot be told apart; state at most {most:.3g}"
        )
    return pd.DataFrame(lines, columns=["quantity", "regime", "statistic", "value", "unit"])


def limits(deployment: Deployment) -> pd.DataFrame:
    """What was measured, and how far the queries lie beyond it.

    Returns
    -------
    DataFrame
        regime, quantity, value, unit.
    """
    used = deployment.runs[deployment.runs["use"] == "yes"]
    measured = [
        ("runs in the files", len(deployment.runs), "runs"),
        ("runs used", len(used), "runs"),
        ("shapes", len(deployment.shapes), "shapes"),
        ("concurrency", used["concurrency"].iloc[0], "requests"),
    ]
    for column, name in (("input_tokens", "input tokens"), ("output_tokens", "output tokens")):
        measured += [
            (f"{name}, smallest", used[column].min(), "tokens"),
            (f"{name}, largest", used[column].max(), "tokens"),
        ]
    lines = [("measured", *line) for line in measured]
    longest = used["output_tokens"].max()
    for name, regime in deployment.regimes.items():
        tokens = token_statistics(regime)
        beyond = extrapolation(regime, deployment.model)
        over = tokens["p95"] / longest
        lines += [(name, f"output tokens, {p}", tokens[p], "tokens") for p in ("p5", "p50", "p95")]
        lines += [
            (name, "input tokens", regime.input_tokens, "tokens"),
            (name, "p95 of output tokens over the longest measured", over, "1"),
            (name, "queries outside the measured lengths", beyond["queries"], "1"),
            (name, "node time outside the measured lengths", beyond["node time"], "1"),
            (name, "node time if held at the nearest measured length", beyond["held"], "1"),
        ]
    return pd.DataFrame(lines, columns=["regime", "quantity", "value", "unit"])


def assumptions(
    method: Mapping[str, Any],
    stated: Collection[str],
    deployment: Deployment,
    facts: Mapping[str, str] = NO_FACTS,
) -> pd.DataFrame:
    """Every fact behind the answer, and whether it was measured, stated, inherited or assumed.

    Parameters
    ----------
    method : dict
        Resolved deployment.
    stated : list of str
        Keys that the deployment file itself states.
    deployment : Deployment
        As from ``build``.
    facts : dict of str to str
        Where each fact of the benchmarks is stated, as from ``stated_facts``.

    Returns
    -------
    DataFrame
        fact, value, basis, source.
    """
    section, law = method["deployment"], method["throughput_law"]
    used = deployment.runs[deployment.runs["use"] == "yes"]
    files = ", ".join(sorted(set(used["source_file"])))
    first = used.iloc[0]
    configuration = f"{first['n_gpus']} x {first['gpu']}, {first['precision']}"
    basis = {key: "stated" if key in stated else "inherited" for key in method}
    lines = [
        ("configuration", configuration, *_basis(("gpu", "n_gpus", "precision"), facts, files)),
        ("throughput law", deployment.model.law.name, basis["throughput_law"], law["source"]),
        _told("PUE", method["pue"], basis["pue"]),
        *_power_facts(method, basis, deployment.power, facts, files),
    ]
    lines += [
        _told(f"{key.replace('_', ' ')}, {name}", regime[key], basis["regimes"])
        for name, regime in method["regimes"].items()
        for key in ("output_tokens", "input_tokens")
    ]
    keys = ("concurrency", "gpus_per_node", "electricity_price", "grid_intensity")
    own = {key: section[key] for key in keys if key in section} | section["traffic"]
    lines += [
        _told(key.replace("_", " ").replace("gpus", "GPUs"), quantity, "stated")
        for key, quantity in own.items()
    ]
    if used["input_tokens"].isna().all():
        text = "not known: the throughput is held at the measured one"
        lines.append(("input tokens of the benchmark", text, "assumed", files))
    text = "none: nodes serve at the measured load, and idle hours are not charged"
    lines.append(("idle nodes", text, "assumed", "benchmarks run at full load"))
    lines += [(fact, value, "assumed", source) for fact, value, source in deployment.assumed]
    # one key can be unusual in several ways, each told once
    for warning in dict.fromkeys([*method.get("warnings", []), *deployment.unusual]):
        where, _, told = warning.partition(": key ")
        key, _, what = told.partition(": ")
        lines.append((f"{UNUSUAL}{key}", what, "stated", where))
    return pd.DataFrame(lines, columns=["fact", "value", "basis", "source"])


def _basis(names: Iterable[str], facts: Mapping[str, str], files: str) -> tuple[str, str]:
    """Basis and source of what the benchmark files tell, unless one of its names is stated."""
    places = sorted({facts[name] for name in names if name in facts})
    return ("stated", ", ".join(places)) if places else ("measured", files)


def _power_facts(
    method: Mapping[str, Any],
    basis: Mapping[str, str],
    power: ServingPower,
    facts: Mapping[str, str],
    files: str,
) -> list[Fact]:
    """Facts behind the power, by where it was measured."""
    section = method["deployment"]
    if power.boundary == Meter.NODE:
        value = f"{np.exp(power.factor.mu):.4g} kW"
        of_node = [("node power", value, *_basis(("node_power_w",), facts, files))]
        return of_node + _unused_host(section, "the node was measured")
    if power.boundary == Meter.ACCELERATOR:
        host = section["host_power"]
        return [
            (
                "accelerator power",
                f"{power.accelerators:.4g} kW",
                *_basis(("gpu_power_w",), facts, files),
            ),
            ("host power", f"{_quantity(host)} per node", "stated", host["source"]),
        ]
    node = method["node_power"]
    return [
        *_unused_host(section, "no power of the accelerators counts"),
        _told(
            "node power",
            node.get("models", {}).get(section["model"], node["default"]),
            basis["node_power"],
        ),
        _told("power utilisation", method["power_utilisation"], basis["power_utilisation"]),
    ]


def _unused_host(section: Mapping[str, Any], reason: str) -> list[Fact]:
    """The stated host power, if it is, where nothing is charged by it."""
    if "host_power" not in section:
        return []
    host = section["host_power"]
    told = f"{_quantity(host)} per node, not used, as {reason}"
    return [("host power", told, "stated", host["source"])]


def _told(fact: str, quantity: Mapping[str, Any], basis: str) -> Fact:
    return fact, _quantity(quantity), basis, quantity["source"]


def _quantity(quantity: Mapping[str, Any]) -> str:
    """A quantity of a method file in words."""
    unit = "" if quantity["unit"] == "1" else f" {quantity['unit']}"
    if quantity.get("value") is not None:
        return f"{quantity['value']:,.10g}{unit}"
    kind = quantity["distribution"]
    if "p5" in quantity:
        return f"{quantity['p5']:,.10g} to {quantity['p95']:,.10g}{unit} (P5 to P95)"
    numbers = [f"{k} {v:,.10g}" for k, v in quantity.items() if isinstance(v, int | float)]
    named = [quantity["trace"]] if "trace" in quantity else []
    return f"{kind}, {', '.join(numbers + named)}{unit}"

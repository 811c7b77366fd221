"""A deployment: a model on its operator's own nodes, answered from their benchmark runs."""

from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from inference_energy import methods
from inference_energy.analytic import (
    energy_per_output_token,
    extrapolation,
    model_energy,
    token_statistics,
)
from inference_energy.distributions import Z95, LogNormal
from inference_energy.errors import InputError
from inference_energy.hardware import (
    USABLE_MEMORY,
    WEIGHT_BYTES,
    add_serving_times,
    find_gpu,
    find_model,
)
from inference_energy.laws import Hierarchical
from inference_energy.scaling import fixed_regime
from inference_energy.serving import LAWS
from inference_energy.throughput import LogLinear, Peak, usable_rows

SAME_SHAPE = 0.05
"""Mean lengths that differ by less [1] are one shape: repetitions do not hit a length exactly."""

LENGTHS = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 5000.0, 10000.0, 30000.0, 100000.0)
"""Output lengths of the predicted energies. [tokens]"""

SELECTORS = ("gpu", "precision", "n_gpus", "tensor_parallel")
"""Keys of the section that choose one configuration, and the columns that make one."""

W_PER_KW = 1000.0
WH_PER_KWH = 1000.0
G_PER_KG = 1000.0
SECONDS_PER_DAY = 86400.0
MILLION = 1e6


def resolve(own, name, where, files, schemas):
    """Merge a deployment file with the method that it extends, and check all of it.

    Parameters
    ----------
    own : dict
        Content of the file.
    name : str
        Its name without ending.
    where : str
        The file, for messages.
    files : dict of str to dict
        Method files by name.
    schemas : dict of str to dict
        JSON Schemas ``method``, ``deployment`` and ``facts``.

    Returns
    -------
    dict
        Resolved method with the section ``deployment``.

    Raises
    ------
    InputError
        Listing every problem.
    """
    if not isinstance(own, dict):
        raise InputError(f"{where}: holds no keys; extends and deployment are needed; add them")
    allowed = ", ".join(sorted(files))
    if "extends" not in own:
        raise InputError(
            f"{where}: missing key extends; allowed are {allowed}; state the method to start from"
        )
    if name in files:
        raise InputError(
            f"{where}: value {name}: is the name of a method; allowed is any other; rename the file"
        )
    section = own.get("deployment")
    if not isinstance(section, dict):
        raise InputError(f"{where}: missing key deployment; see docs/deployments.md; state it")
    stated = {key: value for key, value in own.items() if key != "deployment"}
    method = methods.resolve(name, files | {name: stated}, where=where)
    problems = methods.schema_problems({"deployment": section}, _wrapped(schemas), where)
    problems += methods.range_problems({"deployment": section}, where)
    try:
        methods.check(method, schemas["method"], name, where)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    return method | {"deployment": section}


def _wrapped(schemas):
    """Schema of {deployment: section}, so that messages name keys as the file does."""
    section = dict(schemas["deployment"])
    definitions = section.pop("$defs")
    properties = section["properties"] | {"facts": schemas["facts"]}
    return {
        "properties": {"deployment": section | {"properties": properties}},
        "$defs": definitions,
    }


def select_runs(runs, section, where):
    """Say of every run whether it counts: one model, one configuration, one concurrency.

    Parameters
    ----------
    runs : DataFrame
        Benchmark table of all files.
    section : dict
        Section ``deployment``.
    where : str
        The deployment file, for messages.

    Returns
    -------
    DataFrame
        ``runs`` with the column ``use``: yes, or why not.

    Raises
    ------
    InputError
        If no run is left, or runs of several configurations or concurrencies.
    """
    use = pd.Series("yes", runs.index)
    use[runs["model"] != section["model"]] = "other model"
    if not (use == "yes").any():
        names = sorted(set(runs["model"]))
        near = get_close_matches(section["model"], names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"{where}: key deployment.model: value {section['model']}: is in none of the benchmark"
            f" files; allowed are {', '.join(names)}; correct the name, or state the model as a"
            f" fact of the files{hint}"
        )
    for key in (key for key in SELECTORS if key in section):
        open_runs = use == "yes"
        use[open_runs & (runs[key] != section[key])] = "other configuration"
        if not (use == "yes").any():
            raise InputError(
                f"{where}: key deployment.{key}: value {section[key]}: no such run of"
                f" {section['model']}; allowed are {_listed(runs.loc[open_runs, key])};"
                " correct the value"
            )
    configurations = runs.loc[use == "yes", list(SELECTORS)].drop_duplicates()
    if len(configurations) > 1:
        several = [key for key in SELECTORS if len(set(configurations[key])) > 1]
        values = [f"{key} ({_listed(configurations[key])})" for key in several]
        raise InputError(
            f"{where}: section deployment: the runs of {section['model']} differ in"
            f" {', '.join(values)}; allowed is one configuration; state {' and '.join(several)}"
        )
    _select_concurrency(runs, use, section, where)
    if not section.get("accept_marked", False):
        marked = runs["status"].map(
            lambda status: any(not m.startswith("power") for m in marks(status))
        )
        chosen = use == "yes"
        if (marked | ~chosen).all():
            reasons = sorted(set(runs.loc[chosen, "status"]))
            raise InputError(
                f"{where}: section deployment: every run that fits is {'; '.join(reasons)};"
                " allowed are runs that went well; repeat them, or state accept_marked: true"
            )
        use[chosen & marked] = "marked"
    return runs.assign(use=use)


def _select_concurrency(runs, use, section, where):
    open_runs = use == "yes"
    found = runs.loc[open_runs, "concurrency"]
    if "concurrency" in section:
        asked = section["concurrency"]["value"]
        use[open_runs & (runs["concurrency"] != asked)] = "other concurrency"
        if not (use == "yes").any():
            raise InputError(
                f"{where}: key deployment.concurrency: value {asked:g}: no run at it; allowed are"
                f" {_listed(found)}; correct the value, or measure there"
            )
    elif len(found.drop_duplicates()) > 1:
        raise InputError(
            f"{where}: section deployment: the runs were made at several concurrencies"
            f" ({_listed(found)}); allowed is one; state concurrency, the one that you operate"
        )


def _listed(values):
    values = sorted(set(values.dropna())) + (["not known"] if values.isna().any() else [])
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def marks(status):
    """Reasons that a run's status states, as a list."""
    return [] if status == "ok" else status.removeprefix("marked: ").split("; ")


def distinct_shapes(runs):
    """Average runs of the same lengths.

    Parameters
    ----------
    runs : DataFrame
        Runs of one configuration and concurrency.

    Returns
    -------
    DataFrame
        One row per shape, with the mean lengths and the throughput that the runs have together
        (tokens over time: the harmonic mean); other columns as in its first run. Lengths that
        differ by less than SAME_SHAPE are the same.
    """
    lengths = runs[["input_tokens", "output_tokens"]].to_numpy(float)
    first, number = [], []
    for own in lengths:
        close = [np.allclose(own, other, rtol=SAME_SHAPE, equal_nan=True) for other in first]
        number.append(close.index(True) if any(close) else len(first))
        if not any(close):
            first.append(own)
    rows = []
    for _, alike in runs.groupby(np.array(number)):
        row = alike.iloc[0].copy()
        row[["input_tokens", "output_tokens"]] = alike[["input_tokens", "output_tokens"]].mean()
        row["throughput_tps"] = 1 / (1 / alike["throughput_tps"]).mean()
        rows.append(row)
    return pd.DataFrame(rows).astype(runs.dtypes)


def fit_log_linear(runs):
    """Fit the paper's law; a length that does not vary gets the exponent zero.

    As ``LogLinear.fit`` where both lengths vary; a ladder of output lengths at one input length
    says nothing about the input.
    """
    logs = np.log(runs[["input_tokens", "output_tokens"]].to_numpy(float))
    target = np.log(runs["throughput_tps"].to_numpy(float))
    varies = np.ptp(logs, axis=0) > SAME_SHAPE
    centred = (logs - logs.mean(axis=0)) * varies
    exponents = np.linalg.lstsq(centred, target - target.mean(), rcond=None)[0]
    intercept = target.mean() - logs.mean(axis=0) @ exponents
    peak = float(runs["throughput_tps"].max())
    return LogLinear(float(intercept), *map(float, exponents), peak, len(runs))


def fit_law(runs, settings, background=None, hardware=None):
    """Choose and fit the law that so many measured shapes allow.

    Parameters
    ----------
    runs : DataFrame
        Runs of one configuration and concurrency.
    settings : dict
        The method's section ``throughput_law``. ``hierarchical`` starts from the vendor table and
        learns from every run; other laws need their minimum of shapes, else the fallback's, else
        the largest throughput of a shape stands for all lengths.
    background : DataFrame, optional
        Rows that the hierarchical law starts from, schema ``throughput``.
    hardware : tuple of DataFrame, optional
        Tables of schemas ``models`` and ``gpus``.

    Returns
    -------
    law : object
        Throughput of all GPUs of the runs.
    basis : str
        How it came about, one sentence.
    """
    lengths = runs[["input_tokens", "output_tokens"]].notna()
    known = runs[lengths.all(axis=1)]
    if known.empty:
        unknown = " and ".join(
            name.replace("_tokens", "") for name in lengths if not lengths[name].all()
        )
        return Peak.fit(distinct_shapes(runs)), (
            f"The benchmark files do not tell the {unknown} length: the throughput is held at the"
            " measured one, whatever the lengths."
        )
    shapes = distinct_shapes(known)
    count = f"{len(shapes)} measured shape{'' if len(shapes) == 1 else 's'}"
    if settings["name"] == "hierarchical":
        return _condition(known, background, hardware), (
            f"The vendor's table, conditioned on {count} of this configuration (hierarchical law)."
        )
    fits = {kind: fit for kind, (fit, _) in LAWS.items()} | {"log-linear": fit_log_linear}
    for key, minimum in (("name", "minimum_rows"), ("fallback", "fallback_minimum_rows")):
        kind = settings[key]
        if len(shapes) >= max(settings[minimum], LAWS[kind][1]) and kind != "peak":
            return fits[kind](known), f"The {kind} law, fitted to {count}."
    return Peak.fit(shapes), (
        f"The largest throughput of {count}, whatever the lengths: too few for a law of lengths."
    )


def _condition(runs, background, hardware):
    """Throughput of all copies of the model from the law of one copy."""
    row = runs.iloc[0]
    stages = row["pipeline_parallel"] if pd.notna(row["pipeline_parallel"]) else 1
    copies = row["n_gpus"] // (row["tensor_parallel"] * stages)
    weights = find_model(row, hardware[0])["params_total_b"] * WEIGHT_BYTES[row["precision"]]
    memory = USABLE_MEMORY * find_gpu(row, hardware[1])["memory_gb"] * row["n_gpus"] / copies
    tensor_parallel = row["tensor_parallel"]
    if weights > memory:
        # experts are spread over GPUs that tensor_parallel does not count
        tensor_parallel, copies = row["n_gpus"] // stages, 1
    one = runs.assign(
        tensor_parallel=int(tensor_parallel),
        concurrency=runs["concurrency"] / copies,
        throughput_tps=runs["throughput_tps"] / copies,
    )
    pooled = Hierarchical.fit(add_serving_times(background, *hardware))
    law = pooled.condition(add_serving_times(one, *hardware))
    return replace(law, coefficients=law.coefficients / float(copies))


@dataclass(frozen=True)
class Power:
    """Power of all nodes that serve the runs.

    Parameters
    ----------
    factor : LogNormal
        Power. [kW]
    boundary : str
        node, accelerator, or not measured.
    accelerators : float
        Measured power of the accelerators, where they alone were measured. [kW]
    """

    factor: object
    boundary: str
    accelerators: float = np.nan


def measured_power(runs, section, where, z=Z95):
    """Power of the nodes from what was measured, or None.

    Measured at the node it counts as it is. Measured at the accelerators, the host power of as
    many nodes as the GPUs fill is added. The spread over the runs is that of the factor; a sum of
    accelerator and host power is the log-normal with its P5 and P95.

    Parameters
    ----------
    runs : DataFrame
        Runs that count.
    section : dict
        Section ``deployment``.
    where : str
        The deployment file, for messages.
    z : float
        95th percentile of the standard normal.

    Raises
    ------
    InputError
        If only accelerators were measured and no host power is stated.
    """
    good = runs[runs["status"].map(lambda s: not any(m.startswith("power") for m in marks(s)))]
    node = good["node_power_w"].dropna() / W_PER_KW
    if len(node):
        return Power(LogNormal(float(np.log(node).mean()), float(np.log(node).std(ddof=0))), "node")
    accelerators = run_accelerator_power(good).dropna()
    if accelerators.empty:
        return None
    if "host_power" not in section:
        raise InputError(
            f"{where}: missing key deployment.host_power: power was measured at the accelerators"
            " only; allowed is the power of a node outside them in kW, with its source; state it"
        )
    nodes = float(runs["n_gpus"].iloc[0]) / section["gpus_per_node"]["value"]
    own = float(np.exp(np.log(accelerators).mean()))
    host = methods.factor(section["host_power"], z)
    total = LogNormal.fixed(own + np.exp(host.mu) * nodes)
    if host.sigma > 0:
        low, high = (own + np.exp(host.mu + side * z * host.sigma) * nodes for side in (-1, 1))
        total = LogNormal.from_percentiles(low, high, z)
    spread = float(np.log(accelerators).std(ddof=0)) * own / np.exp(total.mu)
    return Power(total * LogNormal(0.0, spread), "accelerator", own)


def run_accelerator_power(runs):
    """Power of all accelerators of each run [kW], from their energy per token if not given."""
    per_token = runs["energy_per_output_token_j"].where(runs["power_boundary"] == "accelerator")
    return runs["gpu_power_w"].fillna(per_token * runs["throughput_tps"]) / W_PER_KW


@dataclass(frozen=True)
class Deployment:
    """What an answer needs; the engines take it for a Setup of one model.

    ``power_utilisation`` is the method's; where power was measured it is that power in kW, and the
    ``node_power`` of the model is one. ``assumed`` are facts (name, value, source) that the law
    had to assume. Lengths in ``model.domain`` that the files do not tell reach from 0 to infinity.
    """

    model: object
    power_utilisation: object
    pue: object
    regimes: dict
    input_tokens_per_output_token: float | None
    runs: pd.DataFrame
    shapes: pd.DataFrame
    basis: str
    power: Power
    section: dict
    assumed: tuple = ()

    @property
    def models(self):
        """The one model, as the tables of a method expect it."""
        return (self.model,)


def build(method, runs, where, traces=None, background=None, hardware=None):
    """Turn a resolved deployment and its benchmark runs into a :class:`Deployment`.

    Parameters
    ----------
    method : dict
        As from ``resolve``.
    runs : DataFrame
        Benchmark table of all its files.
    where : str
        The deployment file, for messages.
    traces : dict of str to array, optional
        Quantiles of output tokens of each trace.
    background : DataFrame, optional
        The method's own throughput table, for the hierarchical law.
    hardware : tuple of DataFrame, optional
        Tables of schemas ``models`` and ``gpus``, for the hierarchical law.

    Raises
    ------
    InputError
        If runs or facts are missing.
    """
    section, z = method["deployment"], method["monte_carlo"]["normal_quantile_95"]
    runs = select_runs(runs, section, where)
    used = runs[runs["use"] == "yes"]
    shapes = distinct_shapes(used)
    if method["throughput_law"]["name"] == "hierarchical":
        kept = ("precision", "sources", "exclude_sources", "exclude_confidence")
        limits = {k: v for k, v in method["benchmarks"].items() if k in kept}
        background = usable_rows(background, limits)
    law, basis = fit_law(used, method["throughput_law"], background, hardware)
    power = measured_power(used, section, where, z)
    utilisation, node_power = power and power.factor, 1.0
    if power is None:
        utilisation = methods.factor(method["power_utilisation"], z)
        by_model, default = method["node_power"].get("models", {}), method["node_power"]["default"]
        nodes = float(used["n_gpus"].iloc[0]) / section["gpus_per_node"]["value"]
        node_power = float(by_model.get(section["model"], default)["value"]) * nodes
        factor = utilisation if isinstance(utilisation, LogNormal) else LogNormal.fixed(1.0)
        power = Power(factor * LogNormal.fixed(node_power), "not measured")
    domain = {}
    for name in ("input_tokens", "output_tokens"):
        known = used[name].dropna()
        domain[name] = (known.min(), known.max()) if len(known) else (0.0, np.inf)
    uncertain = method["throughput_law"].get("error") == "included" and hasattr(law, "sigma")
    peak = float(shapes["throughput_tps"].max())
    return Deployment(
        model=methods.ServedModel(section["model"], law, node_power, peak, uncertain, domain),
        power_utilisation=utilisation,
        pue=methods.factor(method["pue"], z),
        regimes={
            name: methods.Regime(
                name,
                methods.output_tokens(regime["output_tokens"], traces or {}),
                float(regime["input_tokens"]["value"]),
            )
            for name, regime in method["regimes"].items()
        },
        input_tokens_per_output_token=(
            method["input_charge"]["input_tokens_per_output_token"]["value"]
        ),
        runs=_charge(runs, power, used.index, methods.factor(method["pue"], z), section),
        shapes=shapes,
        basis=basis,
        power=power,
        section=section,
        assumed=_unknown_hardware(used.iloc[0], *hardware) if background is not None else (),
    )


def _unknown_hardware(run, models, gpus):
    """What the hierarchical law takes for a model or GPU that the tables do not describe."""
    known = {"architecture": find_model(run, models), "data of the GPU": find_gpu(run, gpus)}
    return tuple(
        (fact, f"that of the nearest known to {run[column]}", f"data/{table}.csv")
        for (fact, row), column, table in zip(
            known.items(), ("model", "gpu"), ("models", "gpus"), strict=True
        )
        if not row["known"]
    )


def _charge(runs, power, used, pue, section):
    """Add power [kW] and energy of a query [Wh] to the runs of the configuration chosen."""
    same = runs["use"].isin(["yes", "other concurrency", "marked"])
    accelerators = run_accelerator_power(runs)
    outside = float(np.exp(power.factor.mu)) - power.accelerators
    charged = {
        "node": runs["node_power_w"] / W_PER_KW,
        "accelerator": accelerators + outside,
        "not measured": pd.Series(float(np.exp(power.factor.mu)), runs.index),
    }[power.boundary].where(same)
    pue = float(np.exp(pue.mu))
    hours = runs["output_tokens"] / runs["throughput_tps"] / 3600
    energy = charged * WH_PER_KWH * hours * pue
    return runs.assign(power_kw=charged, pue=pue, energy_wh=energy)


def energy_per_query(deployment, reference, reference_name):
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


def energy_by_length(deployment):
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


def energy_per_million_tokens(deployment):
    """Energy per million output tokens, over the queries and over all of them together. [kWh]

    Returns
    -------
    DataFrame
        regime, statistic, value, unit; ``overall`` is mean energy over mean output tokens.
    """
    lines = []
    scale = MILLION / WH_PER_KWH
    for name, regime in deployment.regimes.items():
        energy = energy_per_output_token(deployment, regime, deployment.model)
        total = model_energy(deployment, regime, deployment.model).mean()
        answer = {"overall": total / regime.output_tokens.mean_and_std()[0] * scale}
        answer |= {f"p{p}": energy.quantile(p / 100) * scale for p in (5, 25, 50, 75, 95)}
        lines += [(name, statistic, value, "kWh") for statistic, value in answer.items()]
    return pd.DataFrame(lines, columns=["regime", "statistic", "value", "unit"])


def _mean_query(energy):
    """Mean of the log-normals' medians [Wh], and their sigma weighted by energy, of a Mixture."""
    middle = np.exp(energy.locations) * energy.weights
    return float(middle.sum()), float(middle @ energy.sigmas / middle.sum())


def per_day(deployment):
    """Queries, nodes, energy, cost and carbon of a day at the stated traffic.

    A day's queries have one power, PUE and error of the law in common that are not known; P5 and
    P95 are those of that common factor. The spread over query lengths averages out.

    Returns
    -------
    DataFrame
        quantity, regime, statistic, value, unit.
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
        seconds = weights @ (lengths / deployment.model.law.predict(regime.input_tokens, lengths))
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
    return pd.DataFrame(lines, columns=["quantity", "regime", "statistic", "value", "unit"])


def limits(deployment):
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
    for name, regime in deployment.regimes.items():
        tokens = token_statistics(regime)
        beyond = extrapolation(regime, deployment.model)
        lines += [(name, f"output tokens, {p}", tokens[p], "tokens") for p in ("p5", "p50", "p95")]
        lines += [
            (name, "input tokens", regime.input_tokens, "tokens"),
            (
                name,
                "p95 of output tokens over the longest measured",
                _over(tokens["p95"], used),
                "1",
            ),
            (name, "queries outside the measured lengths", beyond["queries"], "1"),
            (name, "node time outside the measured lengths", beyond["node time"], "1"),
            (name, "node time if held at the nearest measured length", beyond["held"], "1"),
        ]
    return pd.DataFrame(lines, columns=["regime", "quantity", "value", "unit"])


def _over(length, used):
    return length / used["output_tokens"].max()


def assumptions(method, stated, deployment):
    """Every fact behind the answer, and whether it was measured, stated, inherited or assumed.

    Parameters
    ----------
    method : dict
        Resolved deployment.
    stated : list of str
        Keys that the deployment file itself states.
    deployment : Deployment
        As from ``build``.

    Returns
    -------
    DataFrame
        fact, value, basis, source.
    """
    section = method["deployment"]
    used = deployment.runs[deployment.runs["use"] == "yes"]
    files = ", ".join(sorted(set(used["source_file"])))
    first = used.iloc[0]

    def basis(key):
        return "stated" if key in stated else "inherited"

    lines = [
        (
            "configuration",
            f"{first['n_gpus']} x {first['gpu']}, {first['precision']}",
            "measured",
            files,
        ),
        (
            "throughput law",
            deployment.model.law.name,
            basis("throughput_law"),
            method["throughput_law"]["source"],
        ),
        ("PUE", _quantity(method["pue"]), basis("pue"), method["pue"]["source"]),
    ]
    if deployment.power.boundary == "not measured":
        node = method["node_power"]
        node = node.get("models", {}).get(section["model"], node["default"])
        lines.append(("node power", _quantity(node), basis("node_power"), node["source"]))
        share = method["power_utilisation"]
        lines.append(
            ("power utilisation", _quantity(share), basis("power_utilisation"), share["source"])
        )
    elif deployment.power.boundary == "node":
        lines.append(
            ("node power", f"{np.exp(deployment.power.factor.mu):.4g} kW", "measured", files)
        )
    else:
        own = f"{deployment.power.accelerators:.4g} kW"
        lines.append(("accelerator power", own, "measured", files))
        host = section["host_power"]
        lines.append(("host power", f"{_quantity(host)} per node", "stated", host["source"]))
    for name, regime in method["regimes"].items():
        for key in ("output_tokens", "input_tokens"):
            text = f"{key.replace('_', ' ')}, {name}"
            lines.append((text, _quantity(regime[key]), basis("regimes"), regime[key]["source"]))
    for key in ("concurrency", "gpus_per_node", "electricity_price", "grid_intensity"):
        if key in section:
            name = key.replace("_", " ").replace("gpus", "GPUs")
            lines.append((name, _quantity(section[key]), "stated", section[key]["source"]))
    for key, quantity in section["traffic"].items():
        lines.append((key.replace("_", " "), _quantity(quantity), "stated", quantity["source"]))
    if used["input_tokens"].isna().all():
        text = "not known: the throughput is held at the measured one"
        lines.append(("input tokens of the benchmark", text, "assumed", files))
    text = "none: nodes serve at the measured load, and idle hours are not charged"
    lines.append(("idle nodes", text, "assumed", "benchmarks run at full load"))
    lines += [(fact, value, "assumed", source) for fact, value, source in deployment.assumed]
    return pd.DataFrame(lines, columns=["fact", "value", "basis", "source"])


def _quantity(quantity):
    """A quantity of a method file in words."""
    unit = "" if quantity["unit"] == "1" else f" {quantity['unit']}"
    if quantity.get("value") is not None:
        return f"{quantity['value']:,.10g}{unit}"
    kind = quantity["distribution"]
    if "p5" in quantity:
        return f"{quantity['p5']:g} to {quantity['p95']:g}{unit} (P5 to P95)"
    numbers = [
        f"{k} {quantity[k]:g}"
        for k in ("median", "sigma", "shape", "intercept", "slope")
        if k in quantity
    ]
    named = [quantity["trace"]] if "trace" in quantity else []
    return f"{kind}, {', '.join(numbers + named)}{unit}"

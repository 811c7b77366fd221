"""From a deployment and its runs to the engines' objects."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from inference_energy.deployments.law import fit_law, one_copy
from inference_energy.deployments.power import (
    USUAL_HOST,
    ServingPower,
    is_doubted,
    measured_power,
    run_accelerator_power,
    run_node_power,
    unlike_powers,
    unusual_hosts,
    unusual_power,
)
from inference_energy.deployments.runs import (
    distinct_shapes,
    marks,
    named,
    select_runs,
    unusual_choice,
)
from inference_energy.documents import near
from inference_energy.energy.equation import query_energy
from inference_energy.energy.exact import extrapolation
from inference_energy.errors import InputError
from inference_energy.laws.base import Law
from inference_energy.laws.fitting import Hardware
from inference_energy.laws.hardware import (
    BY_BATCH,
    USUAL_FASTEST,
    against_hardware,
    at_a_reading,
    fastest_request,
    find_gpu,
    find_model,
    goes_by,
    gpu_named,
    listed_name,
    longest_context,
)
from inference_energy.laws.registry import LAWS
from inference_energy.laws.rows import SAME_SHAPE, length_range, usable_rows
from inference_energy.method import build as method_build
from inference_energy.method import datasheets, setup
from inference_energy.method.boundary import FACILITY, Boundary, Meter
from inference_energy.method.distributions import LogNormal
from inference_energy.method.plausible import (
    USUAL_APART,
    against_peers,
    beyond_context,
    off_alike,
)
from inference_energy.method.plausible import Hardware as Known
from inference_energy.readers.consistency import LEAST_HOST
from inference_energy.tables import load_schema
from inference_energy.units import W_PER_KW

USUAL_RISE = 1.1
"""Throughput at a longer input over that at a shorter one, usually at most [1]: it takes more time
to compute and more memory to keep, and runs that are repeated differ by some per cent."""

RISE = (
    f"usual is at most {USUAL_RISE:g} times, as a longer input is more to compute and to keep;"
    " compare the input lengths of the runs with their throughput"
)
"""What to say of it."""

MOST_TIME = 100.0
"""Node time of a regime's queries over that at the nearest measured lengths, and the inverse of the
least [1]: tokens of short or long answers are some times as slow, where loads are alike."""

USUAL_REACH = 10.0
"""Length of a query over the nearest measured one, and the reverse, usually at most [1]: a law says
little beyond, as the time of a token is that of its output where the input is short, and of the
input where that is ten times as long."""

RATED = (0.3, 6.0)
"""Maximum power of a node over the thermal design power of its GPUs [1]: an H100 of 700 W can be
limited to 200 W, and a server draws some times what its one small GPU does."""

HOST = (LEAST_HOST, 10.0)
"""Power of a node outside its GPUs over their thermal design power [1]: some 0.4 of eight H100, and
up to four times that of one small GPU in a server of its own."""


@dataclass(frozen=True)
class Deployment:
    """What an answer needs; the engines take it for a Setup of one model.

    ``power_utilisation`` is the method's; where power was measured it is that power in kW, and the
    ``node_power`` of the model is one. ``assumed`` are facts (name, value, source) that the law
    had to assume; ``unlisted`` are the model and the GPU that no table has (column, name, which may
    be meant), and ``unusual`` sentences on lengths of queries, GPUs of a node and runs. Lengths in
    ``model.domain`` that the files do not tell reach from 0 to infinity. ``fastest`` are output
    tokens a second that the GPUs of the runs give one request at most, infinite if not known.
    """

    model: setup.ServedModel
    power_utilisation: LogNormal | setup.Coupling
    pue: LogNormal
    regimes: Mapping[str, setup.Regime]
    input_tokens_per_output_token: float | None
    runs: pd.DataFrame
    shapes: pd.DataFrame
    basis: str
    power: ServingPower
    section: Mapping[str, Any]
    assumed: tuple[tuple[str, str, str], ...] = ()
    unlisted: tuple[tuple[str, str, str], ...] = ()
    unusual: tuple[str, ...] = ()
    fastest: float = math.inf
    boundary: Boundary = FACILITY

    @property
    def models(self) -> tuple[setup.ServedModel]:
        """The one model, as the tables of a method expect it."""
        return (self.model,)


def build(
    method: Mapping[str, Any],
    runs: pd.DataFrame,
    where: str,
    traces: Mapping[str, tuple[float, ...]] | None = None,
    background: pd.DataFrame | None = None,
    hardware: Hardware | None = None,
) -> Deployment:
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
        The method's own throughput table, for a law of many configurations.
    hardware : mapping of str to DataFrame, optional
        Tables that the law needs, by name; ``models`` and ``gpus`` for a law of many
        configurations.

    Raises
    ------
    InputError
        If runs or facts are missing.
    """
    section, z = method["deployment"], method["monte_carlo"]["normal_quantile_95"]
    runs = select_runs(runs, section, where)
    used = runs[runs["use"] == "yes"]
    if hardware is not None:
        # tables and the rows behind a law know a GPU by one name
        used = used.assign(gpu=[listed_name("gpu", name, hardware) for name in used["gpu"]])
    node = section, used.iloc[0], hardware, where
    shapes = distinct_shapes(used)
    kind = LAWS[method["throughput_law"]["name"]]
    if kind.pooled and background is not None:
        kept = ("precision", "sources", "exclude_sources", "exclude_confidence")
        limits = {k: v for k, v in method["benchmarks"].items() if k in kept}
        background = usable_rows(background, limits)
    law, basis = fit_law(used, method["throughput_law"], background, hardware)
    power = measured_power(used, section, where, z)
    unusual_host: tuple[str, ...] = ()
    utilisation: LogNormal | setup.Coupling
    if power is not None:
        if power.boundary == Meter.ACCELERATOR:
            host = float(np.exp(method_build.factor(section["host_power"], z).mu))
            _check_of_gpus("deployment.host_power", host, HOST, *node)
            unusual_host = _unusual_host(*node)
        utilisation, node_power = power.factor, 1.0
    else:
        _check_power(method, used, where)
        utilisation = method_build.power_utilisation(method["power_utilisation"], z)
        by_model, default = method["node_power"].get("models", {}), method["node_power"]["default"]
        nodes = float(used["n_gpus"].iloc[0]) / section["gpus_per_node"]["value"]
        rated = float(by_model.get(section["model"], default)["value"])
        _check_of_gpus("node_power", rated, RATED, *node)
        node_power = rated * nodes
        if "host_power" in section:
            host = float(np.exp(method_build.factor(section["host_power"], z).mu))
            unusual_host = (
                f"{where}: key deployment.host_power: unusual; {host:.4g} kW are stated and not"
                " used, as no run has a power of its accelerators that counts; charged are the"
                f" method's {rated:.4g} kW of a node times its utilisation; state gpu_power_w [W]"
                " of the runs, or take it out",
            )
        factor = utilisation if isinstance(utilisation, LogNormal) else LogNormal.fixed(1.0)
        power = ServingPower(
            factor * LogNormal.fixed(node_power), Meter.NONE, doubted=is_doubted(used)
        )
    # a law is a dataclass, which a protocol cannot say
    law = replace(law, domain=length_range(used))  # type: ignore[type-var]
    uncertain = method["throughput_law"].get("error") == "included"
    peak = float(shapes["throughput_tps"].max())
    pue = method_build.factor(method["pue"], z)
    regimes = method_build.regimes(method, traces or {}, where)
    deployment = Deployment(
        model=setup.ServedModel(section["model"], law, node_power, peak, uncertain),
        power_utilisation=utilisation,
        pue=pue,
        regimes=regimes,
        input_tokens_per_output_token=(
            method["input_charge"]["input_tokens_per_output_token"]["value"]
        ),
        runs=_charge(runs, power, pue),
        shapes=shapes,
        basis=basis,
        power=power,
        section=section,
        assumed=_unknown_hardware(used.iloc[0], hardware or {}) if kind.pooled else (),
        unlisted=_unlisted(used.iloc[0], hardware or {}),
        fastest=_fastest(used.iloc[0], hardware or {}),
        unusual=(
            *_unusual_lengths(regimes, section["model"], hardware or {}, where),
            *_unusual_reach(regimes, law, where),
            *_unusual_nodes(section["gpus_per_node"]["value"], used.iloc[0], hardware, where),
            *unusual_choice(runs, where),
            *_unusual_runs(used, hardware or {}, where),
            *(_rising_runs(shapes, where) or _rising_law(law, used, where)),
            *unusual_host,
            *(() if hardware is None else unusual_power(used, hardware["gpus"], where)),
            *(() if hardware is None else unusual_hosts(used, section, hardware, where, z)),
            *unlike_powers(used, section, where),
        ),
    )
    _check_reach(deployment, where)
    return deployment


def _check_reach(deployment: Deployment, where: str) -> None:
    """Refuse a law that a few measurements lead beyond what any node does."""
    law, problems = deployment.model.law, []
    for name, regime in deployment.regimes.items():
        times = 1 / np.float64(extrapolation(regime, deployment.model)["held"])
        if 1 / MOST_TIME <= times <= MOST_TIME:
            continue
        low, high = deployment.model.domain["output_tokens"]
        problems.append(
            f"{where}: the {law.name} law of these runs gives the queries of regime {name}"
            f" {times:.3g} times the node time that the nearest measured lengths take; allowed are"
            f" {1 / MOST_TIME:g} to {MOST_TIME:g} times; measure beyond {low:g} to {high:g} output"
            " tokens, or state throughput_law with name: peak, which knows no lengths"
        )
    if problems:
        raise InputError(problems)


def _check_power(method: Mapping[str, Any], runs: pd.DataFrame, where: str) -> None:
    """Refuse a method whose power follows the load of a law that these runs do not have."""
    if method["power_utilisation"]["distribution"] != "by-load":
        return
    reasons = [m for status in runs["status"] for m in marks(status) if m.startswith("power")]
    why = f" ({reasons[0]})" if reasons else ""
    known, way = (
        "not known",
        "measured power, as gpu_power_w or node_power_w in deployment.facts [W]",
    )
    if is_doubted(runs):
        known = "doubted"
        way = "power that nobody doubts, accept_marked: true, which takes it all the same"
    raise InputError(
        f"{where}: the power of these runs is {known}{why}, and this method takes it from the load"
        f" of its own law: allowed is {way}, or power_utilisation with a distribution other than"
        " by-load; state one of them"
    )


def _check_of_gpus(
    key: str,
    power: float,
    allowed: tuple[float, float],
    section: Mapping[str, Any],
    run: pd.Series,
    hardware: Hardware | None,
    where: str,
) -> None:
    """Refuse a power of a node [kW] that is no such part or multiple of its GPUs' own."""
    gpu, count = run["gpu"], section["gpus_per_node"]["value"]
    design = _design_power(section, run, hardware)
    low, high = allowed
    if not math.isnan(design) and not low * design <= power <= high * design:
        raise InputError(
            f"{where}: key {key}: value {power:g} kW for a node of {count:g} x {gpu}, whose"
            f" thermal design power is {design:g} kW (data/gpus.csv): allowed is {low:g} to"
            f" {high:g} times that; state {key} of such a node, or correct"
            " deployment.gpus_per_node"
        )


def _design_power(section: Mapping[str, Any], run: pd.Series, hardware: Hardware | None) -> float:
    """Thermal design power of all GPUs of a node [kW]; NaN where that of its GPU is not known."""
    known = {} if hardware is None else hardware["gpus"].set_index("gpu")["tdp_w"].to_dict()
    watts = float(known.get(run["gpu"], math.nan))
    return float(section["gpus_per_node"]["value"]) * watts / W_PER_KW


def _unusual_host(
    section: Mapping[str, Any], run: pd.Series, hardware: Hardware | None, where: str
) -> tuple[str, ...]:
    """Tell each end of a power outside the GPUs that is unusual beside what these may draw."""
    design, (low, high) = _design_power(section, run, hardware), USUAL_HOST
    count, stated = section["gpus_per_node"]["value"], section["host_power"]
    return tuple(
        f"{where}: key deployment.host_power.{key}: value {stated[key]:g}: unusual;"
        f" {stated[key] / design:.3g} times the thermal design power of a node of {count:g} x"
        f" {run['gpu']}, {design:g} kW (data/gpus.csv); usual is {low:g} to {high:g} times"
        for key in ("value", "p5", "p95")
        if stated.get(key) is not None
        and not math.isnan(design)
        and not low <= stated[key] / design <= high
    )


def _unknown_hardware(run: pd.Series, hardware: Hardware) -> tuple[tuple[str, str, str], ...]:
    """What a law takes for a model or GPU that the tables do not describe."""
    known = {
        "architecture": find_model(run, hardware["models"]),
        "data of the GPU": find_gpu(run, hardware["gpus"]),
    }
    return tuple(
        (fact, f"that of the nearest known to {run[column]}", f"data/{table}.csv")
        for (fact, row), column, table in zip(
            known.items(), ("model", "gpu"), ("models", "gpus"), strict=True
        )
        if not row["known"]
    )


def _unlisted(run: pd.Series, hardware: Hardware) -> tuple[tuple[str, str, str], ...]:
    """Names of a run that no table has, so that no data of their own were held against it."""
    found = {"model": goes_by, "gpu": gpu_named}
    tables = {column: hardware[f"{column}s"] for column in found if f"{column}s" in hardware}
    return tuple(
        (column, run[column], near(run[column], table[column]))
        for column, table in tables.items()
        if not found[column](table, run[column]).any()
    )


def _fastest(run: pd.Series, hardware: Hardware) -> float:
    """Output tokens a second that the GPUs of a run give one request at most."""
    if not {"models", "gpus"} <= set(hardware):
        return math.inf
    return fastest_request(run, hardware["models"], hardware["gpus"])


def _unusual_lengths(
    regimes: Mapping[str, setup.Regime], model: str, hardware: Hardware, where: str
) -> tuple[str, ...]:
    """Refuse queries far beyond the model's context, and tell those that are beyond it."""
    if "models" not in hardware:
        return ()
    context = longest_context(model, hardware["models"])
    told = list(beyond_context(regimes, model, context, where, "shorten them"))
    problems = [sentence for is_problem, sentence in told if is_problem]
    if problems:
        raise InputError(problems)
    return tuple(sentence for _, sentence in told)


def _unusual_reach(regimes: Mapping[str, setup.Regime], law: Law, where: str) -> Iterator[str]:
    """Tell queries that are far from all measured lengths, where the files tell both lengths."""
    low, high = law.domain["input_tokens"]
    if (low, high) == (0.0, math.inf):
        # the answer says that they do not tell the input
        return
    for name, regime in regimes.items():
        far = {}
        tokens = {
            "input_tokens": regime.input_tokens,
            "output_tokens": regime.output_tokens.median_occurring(),
        }
        for key, wanted in tokens.items():
            nearest = float(np.clip(wanted, *law.domain[key]))
            # a query without input has none to be far from
            least, most = sorted((max(wanted, 1.0), max(nearest, 1.0)))
            far[key] = most / least, nearest
        key, (times, nearest) = max(far.items(), key=lambda item: item[1])
        if times > USUAL_REACH:
            yield (
                f"{where}: key regimes.{name}.{key}: value {tokens[key]:g}: unusual; is"
                f" {times:.3g} times from the nearest measured, {nearest:g}; usual is at most"
                f" {USUAL_REACH:g} times; the energy of these queries is what the {law.name} law"
                " makes of other lengths; measure runs of such"
            )


def _unusual_nodes(
    size: int, run: pd.Series, hardware: Hardware | None, where: str
) -> tuple[str, ...]:
    """Tell nodes that are none of the run's GPUs, if they are known."""
    if hardware is None or not gpu_named(hardware["gpus"], run["gpu"]).any():
        return ()
    place = f"{where}: key deployment.gpus_per_node: value {size}: unusual;"
    told = datasheets.no_node(size, [run["gpu"]], float(run["n_gpus"]))
    return tuple(f"{place} {sentence}" for sentence in told)


def _unusual_runs(used: pd.DataFrame, hardware: Hardware, where: str) -> tuple[str, ...]:
    """Tell throughput far off the other runs', or of all runs, over what their GPUs should give."""
    rows = used.dropna(subset=["input_tokens", "output_tokens"])
    if rows.empty or not {"models", "gpus"} <= set(hardware):
        return ()
    # what a benchmark table has no column for is one, or nothing
    columns = dict.fromkeys([*rows, *load_schema("throughput")["properties"]])
    known = Known(hardware["models"], hardware["gpus"])
    one, _ = one_copy(rows.reindex(columns=list(columns)), hardware)
    found = against_peers(one, known)
    far = np.abs(np.log(found["apart"])) > np.log(USUAL_APART)
    alike = off_alike(found[~far], f"{where}: key deployment.benchmarks")
    of_runs = (
        f"{where}: key deployment.benchmarks: value {row['source_file']}: unusual; run {row['run']}"
        f" with {row['input_tokens']:g}/{row['output_tokens']:g} tokens has throughput_tps"
        f" {rows.loc[index, 'throughput_tps']:g}, {row['share']:.3g} times what its hardware should"
        f" give, which is {row['apart']:.3g} times the median; usual is at most {USUAL_APART:g}"
        " times off"
        for index, row in found[far].iterrows()
    )
    return *of_runs, *alike, *_beyond_reading(rows, one, hardware, where)


def _beyond_reading(
    rows: pd.DataFrame, one: pd.DataFrame, hardware: Hardware, where: str
) -> Iterator[str]:
    """Tell runs of which a request gets more than a token while what a step uses is read."""
    held = against_hardware(one, hardware["models"], hardware["gpus"])
    # more than fit may be served at once where requests share an input; what is beyond the active
    # weights is marked by the reader
    beyond = (held["batch"] > USUAL_FASTEST) & (held["fast"] <= USUAL_FASTEST)
    for index in held.index[beyond & one["concurrency"].notna()]:
        row, of = rows.loc[index], held.loc[index]
        yield (
            f"{where}: key deployment.benchmarks: value {row['source_file']}: unusual; run"
            f" {row['run']} has throughput_tps {row['throughput_tps']:g}, {of['batch']:.3g}"
            f" {at_a_reading(of['at_once'], of['step'], BY_BATCH)}; usual is at most"
            f" {USUAL_FASTEST:g}, beyond which is speculation, or requests that agree on few"
            " experts; compare concurrency, precision and n_gpus with the run"
        )


def _rising_runs(shapes: pd.DataFrame, where: str) -> tuple[str, ...]:
    """Tell the runs of one output of which the one with the longer input is faster by most."""
    known = shapes.dropna(subset=["input_tokens", "output_tokens"]).sort_values("input_tokens")
    tokens, speeds = known["output_tokens"].to_numpy(), known["throughput_tps"].to_numpy()
    most, pair = USUAL_RISE, (0, 0)
    for place in range(1, len(known)):
        alike = np.isclose(tokens[:place], tokens[place], rtol=SAME_SHAPE)
        slowest = int(np.where(alike, speeds[:place], np.inf).argmin())
        if alike.any() and speeds[place] > most * speeds[slowest]:
            most, pair = speeds[place] / speeds[slowest], (slowest, place)
    if pair == (0, 0):
        return ()
    (_, short), (_, long) = known.iloc[list(pair)].iterrows()
    one, other = named(known.iloc[list(pair)])
    return (
        f"{where}: key deployment.benchmarks: unusual; {other} with {long['input_tokens']:.6g}"
        f" input tokens has throughput_tps {long['throughput_tps']:.4g}, {most:.3g} times that of"
        f" {one} with {short['input_tokens']:.6g} and as many output tokens,"
        f" {short['throughput_tps']:.4g}; {RISE}",
    )


def _rising_law(law: Law, used: pd.DataFrame, where: str) -> tuple[str, ...]:
    """Tell throughput that rises with the input, at the middle output, over the measured inputs."""
    least, most = used["input_tokens"].min(), used["input_tokens"].max()
    middle = used["output_tokens"].median()
    if math.isnan(least) or math.isnan(middle):
        return ()
    slow, fast = (float(law.predict(tokens, middle)) for tokens in (least, most))
    if fast <= USUAL_RISE * slow:
        return ()
    return (
        f"{where}: key deployment.benchmarks: unusual; the {law.name} law of these runs gives"
        f" {slow:.4g} tokens/s at {least:.6g} input and {middle:.6g} output tokens, and"
        f" {fast:.4g}, {fast / slow:.3g} times as many, at {most:.6g} input tokens; {RISE}",
    )


def _charge(runs: pd.DataFrame, power: ServingPower, pue: LogNormal) -> pd.DataFrame:
    """Add power [kW] and energy of a query [Wh] to the runs of the configuration chosen."""
    same = runs["use"].isin(["yes", "other concurrency", "marked"])
    accelerators = run_accelerator_power(runs)
    outside = float(np.exp(power.factor.mu)) - power.accelerators
    charged = {
        Meter.NODE: run_node_power(runs),
        Meter.ACCELERATOR: accelerators + outside,
        Meter.NONE: pd.Series(float(np.exp(power.factor.mu)), runs.index),
    }[power.boundary].where(same)
    factor = float(np.exp(pue.mu))
    energy = query_energy(runs["output_tokens"], runs["throughput_tps"], charged, 1.0, factor)
    return runs.assign(power_kw=charged, pue=factor, energy_wh=energy)

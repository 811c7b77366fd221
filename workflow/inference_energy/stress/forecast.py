"""What the laws predict for the endpoint of a stress test, at its loads and lengths."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from inference_energy.energy.equation import energy_of_tokens, token_energy
from inference_energy.energy.exact import model_energy
from inference_energy.errors import InputError
from inference_energy.laws.at_load import describe
from inference_energy.laws.engines import engine_name
from inference_energy.laws.fitting import Hardware
from inference_energy.laws.hardware import USABLE_MEMORY, find_model
from inference_energy.laws.training import LoadFit
from inference_energy.method.build import build
from inference_energy.method.distributions import NORMAL_95
from inference_energy.method.serving import FILTERS
from inference_energy.method.setup import fixed_regime
from inference_energy.power.node import find_node, node_power
from inference_energy.power.utilisation import add_utilisation
from inference_energy.power.ways import GpuPower, fit_gpu_power

COLUMNS = [
    *("scope", "concurrency", "output_tokens", "prediction"),
    *("predicted", "low", "high", "input_wh"),
]
NEEDED = ("gpu", "n_gpus", "precision")
"""Facts without which nothing is predicted."""

LAW = "law with load"
LEVELS = (0.05, 0.5, 0.95)


class Forecast(NamedTuple):
    """What is known of an endpoint before it is measured.

    Parameters
    ----------
    table : DataFrame
        `COLUMNS`; predicted is the median, low and high are P5 and P95, input_wh is what the
        prediction spends on the input, where it tells. At the meter, without PUE. [Wh]
    reason : str
        Why a prediction is missing, for the report; empty where none is.
    node : Series or None
        Row of schema ``nodes`` around the GPUs; None where the GPU is not known.
    gpus : int
        GPUs of the endpoint.
    tdp_w : float
        Of one of them; NaN where the GPU is not known. [W]
    """

    table: pd.DataFrame
    reason: str
    node: pd.Series | None = None
    gpus: int = 0
    tdp_w: float = np.nan


NOTHING = Forecast(pd.DataFrame(columns=COLUMNS), "none was asked for")


def forecast(
    settings: Mapping[str, Any],
    training: pd.DataFrame,
    hardware: Hardware,
    methods: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> Forecast:
    """Predict energies of the endpoint, at the meter: without PUE.

    Parameters
    ----------
    settings : dict
        As in config/stress.yaml, with ``lengths``; of its facts those of NEEDED.
    training : DataFrame
        Rows that the law with load is fitted to.
    hardware : dict of str to DataFrame
        As for ``power.ways``.
    methods : dict of str to (dict, dict)
        Resolved methods with a load, and the arguments of ``build``, by name.

    Returns
    -------
    Forecast
    """
    facts = {"model": settings["model"]} | settings["facts"]
    if "engine" in facts:
        facts["engine"] = engine_name(facts["engine"])
    node = _node(facts, hardware)
    problem = _problem(facts, hardware)
    if problem:
        return Forecast(NOTHING.table, problem, *node)
    rows = endpoint_rows(facts, settings, hardware)
    if (rows["filled"] >= USABLE_MEMORY).any():
        full = f"{facts['model']} in {facts['precision']} does not fit {facts['n_gpus']} GPUs"
        return Forecast(NOTHING.table, full, *node)
    reason = _engine_problem(facts, training)
    parts = [of_law(rows, facts, LoadFit.fit(training), fit_gpu_power(hardware), hardware)]
    try:
        known = {} if reason else methods
        parts += [of_method(name, *method, facts, settings) for name, method in known.items()]
    except InputError as error:
        reason = str(error)
    return Forecast(pd.concat(parts, ignore_index=True), reason, *node)


def _node(facts: Mapping[str, Any], hardware: Hardware) -> tuple[pd.Series | None, int, float]:
    """Node around an endpoint's GPUs, their number and TDP [W], as far as they are known."""
    gpus = hardware["gpus"].set_index("gpu")["tdp_w"]
    if facts.get("gpu") not in gpus.index:
        return None, 0, np.nan
    rated = float(gpus[facts["gpu"]])
    if "n_gpus" not in facts:
        return None, 0, rated
    return find_node(facts["gpu"], hardware["nodes"], hardware["gpus"]), facts["n_gpus"], rated


def _problem(facts: Mapping[str, Any], hardware: Hardware) -> str:
    """Why the tables cannot describe an endpoint, all reasons at once; empty where they can."""
    missing = [name for name in NEEDED if name not in facts]
    problems = [f"facts do not state {', '.join(missing)}"] if missing else []
    if not find_model(pd.Series(facts), hardware["models"])["known"]:
        problems.append(
            f"model {facts['model']} is not in data/models.csv; facts may state its name there"
        )
    if "gpu" in facts and facts["gpu"] not in set(hardware["gpus"]["gpu"]):
        problems.append(f"gpu {facts['gpu']} is not in data/gpus.csv")
    return "; ".join(problems)


def _engine_problem(facts: Mapping[str, Any], training: pd.DataFrame) -> str:
    """Why no method can tell the endpoint's engine; empty where one can, or none is stated."""
    known = sorted({engine_name(name) for name in training["engine"].dropna()})
    if facts.get("engine") in (None, *known):
        return ""
    return f"facts.engine is {facts['engine']}; no engine of that name but {', '.join(known)}"


def endpoint_rows(
    facts: Mapping[str, Any], settings: Mapping[str, Any], hardware: Hardware
) -> pd.DataFrame:
    """The endpoint as rows of schema ``throughput``, one a concurrency and length.

    Parameters
    ----------
    facts : dict
        With those of NEEDED; without tensor_parallel one copy is on all GPUs.
    settings, hardware
        As for :func:`forecast`.

    Returns
    -------
    DataFrame
        After ``at_load.describe``; concurrency is that of one of the ``copies`` of the model.
    """
    pairs = [(c, n) for c in settings["concurrency"] for n in settings["lengths"]]
    rows = pd.DataFrame(pairs, columns=["asked", "output_tokens"])
    stages = facts.get("pipeline_parallel", 1)
    tensor_parallel = facts.get("tensor_parallel", facts["n_gpus"] // stages)
    copies = facts["n_gpus"] / (tensor_parallel * stages)
    rows = rows.assign(
        model=facts["model"],
        gpu=facts["gpu"],
        precision=facts["precision"],
        tensor_parallel=tensor_parallel,
        pipeline_parallel=stages,
        attention_data_parallel=1,
        expert_parallel=1,
        engine=facts.get("engine"),
        engine_version=None,
        source_id="",
        source_version="",
        input_tokens=float(settings["input_tokens"]),
        concurrency=rows["asked"] / copies,
        copies=copies,
        throughput_tps=np.nan,
    )
    return describe(rows, hardware["models"], hardware["gpus"])


def of_law(
    rows: pd.DataFrame, facts: Mapping[str, Any], fit: LoadFit, power: GpuPower, hardware: Hardware
) -> pd.DataFrame:
    """Energies by the laws of throughput and of power, of the GPUs and of their part of the node.

    Parameters
    ----------
    rows : DataFrame
        From :func:`endpoint_rows`.
    facts : dict
        gpu and n_gpus of them.
    fit, power : LoadFit, GpuPower
        Fitted laws.
    hardware : dict of str to DataFrame
        Tables models, gpus and nodes.

    Returns
    -------
    DataFrame
        `COLUMNS`; P5 and P95 from the errors of both laws, taken as independent.
    """
    laws = fit.laws_of(rows)
    copies, count = rows["copies"].to_numpy(), facts["n_gpus"]
    lengths = rows[["input_tokens", "output_tokens"]].to_numpy(float)
    laws = [
        law.at(concurrency).scaled(n)
        for law, concurrency, n in zip(laws, rows["concurrency"], copies, strict=True)
    ]
    throughput = np.array([float(law.predict(*of)) for law, of in zip(laws, lengths, strict=True)])
    sigma = np.array([float(law.sigma(*of)) for law, of in zip(laws, lengths, strict=True)])
    batch = np.array([float(law.batch(*of)) for law, of in zip(laws, lengths, strict=True)])
    # of a pipeline each stage has a part of it at once
    batch = np.maximum(batch / rows["pipeline_parallel"].to_numpy(float), np.minimum(batch, 1.0))
    loaded = rows.assign(
        gpus=count,
        attention_copies=copies,
        batch=batch * copies,
        throughput_tps=throughput,
        task="",
    )
    drawn = power.predict(add_utilisation(loaded, hardware["models"], hardware["gpus"]))
    watts = drawn[["p5_w", "gpu_power_w", "p95_w"]].to_numpy(float)
    around = find_node(facts["gpu"], hardware["nodes"], hardware["gpus"])
    seconds = np.array(
        [law.parts(of[0], 0.0, of[1]) for law, of in zip(laws, lengths, strict=True)]
    )
    of_input = seconds[:, 0] / seconds.sum(axis=1)
    parts = []
    for scope, at in (("gpu", watts * count), ("node", node_power(watts, around, count))):
        middle = energy_of_tokens(token_energy(at[:, 1], throughput), lengths[:, 1])
        away = np.hypot(np.log(at / at[:, 1:2]) / NORMAL_95, sigma[:, None]) * NORMAL_95
        parts.append(
            pd.DataFrame(
                {
                    "scope": scope,
                    "concurrency": rows["asked"],
                    "output_tokens": rows["output_tokens"],
                    "prediction": LAW,
                    "predicted": middle,
                    "low": middle * np.exp(-away[:, 0]),
                    "high": middle * np.exp(away[:, 2]),
                    "input_wh": middle * of_input,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def of_method(
    name: str,
    method: Mapping[str, Any],
    materials: Mapping[str, Any],
    facts: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Energies of the node by a method with a load, told the endpoint's model, GPUs and load.

    The method chooses the layout, and the engine where none is stated.

    Parameters
    ----------
    name : str
        Of the method.
    method, materials : dict
        Resolved, and the arguments of ``build``.
    facts, settings
        As for :func:`endpoint_rows`.

    Returns
    -------
    DataFrame
        `COLUMNS`, scope node.
    """
    found = []
    for concurrency in settings["concurrency"]:
        setup = build(told(method, facts, settings, concurrency), **materials)
        for length in settings["lengths"]:
            regime = fixed_regime(settings["input_tokens"], length)
            energy = model_energy(setup, regime, setup.models[0])
            low, middle, high = (energy.quantile(level) for level in LEVELS)
            found.append(("node", concurrency, length, name, middle, low, high, np.nan))
    return pd.DataFrame(found, columns=COLUMNS)


def told(
    method: Mapping[str, Any],
    facts: Mapping[str, Any],
    settings: Mapping[str, Any],
    concurrency: float,
) -> dict[str, Any]:
    """A method that knows the endpoint: its model, GPUs, format, load and lengths; without PUE."""
    changed = deepcopy(dict(method))
    lengths = settings["lengths"]
    section = changed["benchmarks"]
    changed["benchmarks"] = {k: v for k, v in section.items() if k in (*FILTERS, "table")}
    changed["benchmarks"] |= {"models": [facts["model"]], "precision": [facts["precision"]]}
    changed["blend"] = {"models": 1, "trim": [], "shares": "equal"}
    changed["throughput_law"] |= {
        "gpus_per_node": facts["n_gpus"],
        "reference": {
            "input_tokens": settings["input_tokens"],
            "output_tokens": float(np.sqrt(min(lengths) * max(lengths))),
        },
    }
    changed["serving"]["nodes"] = {"kinds": {f"{facts['gpu']} {facts['precision']}": 1.0}}
    if "engine" in facts:
        changed["serving"]["engines"] = {"kinds": {facts["engine"]: 1.0}}
    changed["serving"]["load"] = {"distribution": "fixed", "value": concurrency}
    changed["pue"] = {"distribution": "fixed", "value": 1.0}
    return changed

"""Methodologies as files: inheritance, validation, and the objects the engines work with."""

from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from jsonschema_rs import validator_for

from inference_energy.distributions import LogNormal, OutputTokens
from inference_energy.errors import InputError
from inference_energy.serving import fit_configurations, fit_models
from inference_energy.throughput import usable_rows

WHOLE = ("value", "distribution", "name", "factors", "trim")
"""A mapping with one of these keys is one quantity: a child replaces it whole, never in part."""


def merge(parent, child):
    """Return ``parent`` with what ``child`` states; quantities are replaced whole."""
    merged = deepcopy(parent)
    for key, value in child.items():
        inherited = merged.get(key)
        whole = isinstance(value, dict) and any(k in value for k in WHOLE)
        if isinstance(value, dict) and isinstance(inherited, dict) and not whole:
            merged[key] = merge(inherited, value)
        else:
            merged[key] = deepcopy(value)
    return merged


def method_path(name):
    """Where a method's file stands in the repository."""
    return f"config/methods/{name}.yaml"


def resolve(name, files, where=None):
    """Merge a method file with its parents.

    Parameters
    ----------
    name : str
        Method to resolve.
    files : dict of str to dict
        All method files, by name (file name without ending).
    where : str, optional
        File of ``name``, if it is not among the methods.

    Returns
    -------
    dict
        Without ``extends``. What a method is (``id``, ``title``, ``kind``) is not inherited: a
        file that does not say otherwise is a user's method.

    Raises
    ------
    InputError
        If a method or parent is unknown, or ``extends`` goes in a circle.
    """
    own, chain = name, []
    places = {name: where} if where else {}
    while name is not None:
        if name in chain:
            circle = " -> ".join([*chain[chain.index(name) :], name])
            raise InputError(
                f"{places.get(chain[-1], method_path(chain[-1]))}: key extends: value {name}: goes"
                f" in a circle"
                f" ({circle}); allowed is a method that does not extend this one; remove one link"
            )
        if name not in files:
            file = places.get(chain[-1], method_path(chain[-1])) if chain else None
            key = f"{file}: key extends" if file else "key methods"
            near = get_close_matches(name, files, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(
                f"{key}: value {name}: unknown method; allowed are {', '.join(sorted(files))}"
                f"; correct the name or add {method_path(name)}{hint}"
            )
        chain.append(name)
        name = files[name].get("extends")
    resolved = {}
    for step in reversed(chain):
        resolved = merge(resolved, {k: v for k, v in files[step].items() if k != "extends"})
    identity = {"id": own, "title": own, "kind": "user"}
    return resolved | {k: files[own].get(k, default) for k, default in identity.items()}


def check(method, schema, name, where=None):
    """Check a resolved method.

    Parameters
    ----------
    method : dict
        Resolved method.
    schema : dict
        JSON Schema of a resolved method.
    name : str
        File name without its ending, which ``id`` must equal.
    where : str, optional
        File, if it is not among the methods.

    Raises
    ------
    InputError
        Listing every problem with key, value, what is allowed and the remedy.
    """
    where = where or method_path(name)
    problems = schema_problems(method, schema, where)
    if method["id"] != name:
        problems.append(
            f"{where}: key id: value {method['id']!r}: allowed is the file's name, {name!r};"
            " correct it or leave it out"
        )
    problems += range_problems(method, where)
    trims = method["blend"].get("trim", []) if isinstance(method.get("blend"), dict) else []
    for pair in trims if isinstance(trims, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and not pair[0] < pair[1]:
            problems.append(
                f"{where}: key blend.trim: value {pair}: allowed is lower < upper; swap the levels"
            )
    if problems:
        raise InputError(problems)


def range_problems(tree, where):
    """Problems of quantities whose 5th percentile is not below their 95th, one sentence each."""
    problems = []
    for path, quantity in walk_quantities(tree):
        p5, p95 = quantity.get("p5"), quantity.get("p95")
        numbers = all(isinstance(p, int | float) for p in (p5, p95))
        if numbers and p5 >= p95:
            problems.append(
                f"{where}: key {path}: value p5 = {p5:g}, p95 = {p95:g}: allowed is p5 < p95;"
                " swap them, or use distribution: fixed for a single value"
            )
    return problems


def schema_problems(instance, schema, where):
    """Problems of a YAML document against a JSON Schema, one sentence each."""
    problems = []
    for error in validator_for(schema).iter_errors(instance):
        path = ".".join(str(p) for p in error.instance_path) or "(top)"
        problems.append(f"{where}: key {path}: {_remedy(error, instance)}")
    return problems


def _remedy(error, instance):
    value = instance
    for step in error.instance_path:
        value = value[step]
    kind = error.kind.name
    if kind == "additionalProperties":
        return f"unknown key {', '.join(error.kind.unexpected)}; remove it or correct its spelling"
    if kind == "required":
        return f"missing key {error.kind.property}; state it"
    if kind == "falseSchema":
        return f"value {value!r}: not allowed with this distribution; remove it"
    return f"value {value!r}: {error.message}; correct the value"


def walk_quantities(tree, path=""):
    """Yield (dotted path, mapping) of every quantity of a method."""
    if not isinstance(tree, dict):
        return
    if any(k in tree for k in (*WHOLE, "source")):
        yield path, tree
    for key, value in tree.items():
        yield from walk_quantities(value, f"{path}.{key}" if path else key)


@dataclass(frozen=True)
class Coupling:
    """Power utilisation that follows the throughput: intercept + slope TPS / TPS_max. [1]"""

    intercept: float
    slope: float


@dataclass(frozen=True)
class ServedModel:
    """A model on its node: law, maximum node power [kW], largest benchmark [tokens/s].

    ``uncertain`` says whether the law's own error is a factor of the energy; ``domain`` is the
    range of the lengths that the law has seen [tokens].
    """

    name: str
    law: object
    node_power: float
    peak: float
    uncertain: bool = False
    domain: dict | None = None

    def error(self, input_tokens, output_tokens):
        """Standard deviation of ln throughput that counts, at the lengths. [1]"""
        if not self.uncertain:
            return 0.0
        return self.law.sigma(input_tokens, output_tokens)


@dataclass(frozen=True)
class Regime:
    """A kind of query: its output-token distribution and its input tokens."""

    name: str
    output_tokens: OutputTokens
    input_tokens: float


@dataclass(frozen=True)
class Blend:
    """How the frontier blend is made: the largest medians, each kept between two quantiles."""

    models: int
    trim: tuple

    @property
    def levels(self):
        """Lower and upper quantile level that successive trimming leaves of each model."""
        lower, upper = 0.0, 1.0
        for low, high in self.trim:
            lower, upper = lower + low * (upper - lower), lower + high * (upper - lower)
        return lower, upper


@dataclass(frozen=True)
class Fleet:
    """Queries a day and what is added to (overhead) and saved from (improvement) their energy."""

    queries_per_day: float
    long_share: float
    overhead: dict
    improvement: dict


@dataclass(frozen=True)
class MonteCarlo:
    """Seed, samples per model and bootstrap resamples of the released code."""

    seed: int
    samples: int
    bootstrap: int
    published_tokens: dict


@dataclass(frozen=True)
class Setup:
    """Everything that an engine needs of a method and its benchmark rows."""

    models: tuple
    power_utilisation: object
    pue: LogNormal
    regimes: dict
    input_tokens_per_output_token: float | None
    blend: Blend
    pathways: dict
    fleet: Fleet
    monte_carlo: MonteCarlo


def factor(quantity, z):
    """Build a factor from its section of the method file."""
    if quantity["distribution"] == "coupled":
        return Coupling(quantity["intercept"], quantity["slope"])
    if quantity["distribution"] == "fixed":
        return LogNormal.fixed(quantity["value"])
    return LogNormal.from_percentiles(quantity["p5"], quantity["p95"], z)


def output_tokens(quantity, traces):
    """Build the distribution of output tokens from its section of the method file.

    Raises
    ------
    InputError
        If an empirical distribution names a trace that is not in ``traces``.
    """
    family = quantity["distribution"]
    if family == "exponential":
        return OutputTokens(family, (quantity["median"],))
    if family == "log-normal":
        return OutputTokens(family, (quantity["median"], quantity["sigma"]))
    if family == "gamma":
        return OutputTokens(family, (quantity["median"], quantity["shape"]))
    if quantity["trace"] not in traces:
        raise InputError(
            f"key output_tokens.trace: value {quantity['trace']}: unknown trace;"
            f" allowed are {', '.join(sorted(traces)) or 'none, as no trace table was given'}"
        )
    return OutputTokens(family, tuple(traces[quantity["trace"]]))


def build(method, table, traces=None, hardware=None):
    """Fit the throughput laws and turn a resolved method into a :class:`Setup`.

    Parameters
    ----------
    method : dict
        Resolved and checked method.
    table : DataFrame
        Throughput table that it names.
    traces : dict of str to array, optional
        Quantiles of output tokens of each trace at evenly spaced levels.
    hardware : tuple of DataFrame, optional
        Tables of schemas ``models`` and ``gpus``, which the hierarchical law needs.

    Raises
    ------
    InputError
        If the benchmark table leaves fewer models than the blend needs.
    """
    rows = usable_rows(table, method["benchmarks"])
    law = method["throughput_law"]
    if law["name"] == "hierarchical":
        wider = {k: v for k, v in method["benchmarks"].items() if k not in ("models", "gpus")}
        background = usable_rows(table, wider)
        reference = (law["reference"]["input_tokens"], law["reference"]["output_tokens"])
        laws = fit_configurations(rows, background, *hardware, law["gpus_per_node"], reference)
    else:
        laws = fit_models(rows, law)
    if len(laws) < method["blend"]["models"]:
        raise InputError(
            f"config/methods/{method['id']}.yaml: key benchmarks: {len(laws)} models have enough"
            f" usable rows in {method['benchmarks']['table']}; allowed is at least blend.models ="
            f" {method['blend']['models']}; add rows or lower blend.models"
        )
    z = method["monte_carlo"]["normal_quantile_95"]
    power = method["node_power"]
    return Setup(
        models=tuple(
            ServedModel(
                name,
                served.law,
                float(power.get("models", {}).get(name, power["default"])["value"]),
                float(served.rows["throughput_tps"].max() * served.replicas),
                law.get("error", "ignored") == "included",
                served.domain,
            )
            for name, served in laws.items()
        ),
        power_utilisation=factor(method["power_utilisation"], z),
        pue=factor(method["pue"], z),
        regimes={
            name: Regime(
                name,
                output_tokens(regime["output_tokens"], traces or {}),
                float(regime["input_tokens"]["value"]),
            )
            for name, regime in method["regimes"].items()
        },
        input_tokens_per_output_token=(
            method["input_charge"]["input_tokens_per_output_token"]["value"]
        ),
        blend=Blend(method["blend"]["models"], tuple(map(tuple, method["blend"]["trim"]))),
        pathways={
            name: factor(method["pathways"][name], z) for name in ("hardware", "model", "serving")
        },
        fleet=Fleet(
            float(method["fleet"]["queries_per_day"]["value"]),
            float(method["fleet"]["long_share"]["value"]),
            {r: float(np.prod(q["factors"])) for r, q in method["fleet"]["overhead"].items()},
            {r: factor(q, z) for r, q in method["fleet"]["improvement"].items()},
        ),
        monte_carlo=MonteCarlo(
            method["monte_carlo"]["seed"],
            method["monte_carlo"]["samples"],
            method["monte_carlo"]["bootstrap"],
            method["monte_carlo"]["published_tokens"],
        ),
    )

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


def resolve(name, files, asked_by="key methods", where=None):
    """Merge a method file with its parents.

    Parameters
    ----------
    name : str
        Method to resolve.
    files : dict of str to dict
        All method files, by name (file name without ending).
    asked_by : str
        Key that names the method, for the message.
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
        if not isinstance(name, str) or name not in files:
            file = places.get(chain[-1], method_path(chain[-1])) if chain else None
            key = f"{file}: key extends" if file else asked_by
            near = get_close_matches(str(name), files, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(
                f"{key}: value {name}: unknown method; allowed are {', '.join(sorted(files))}"
                f"; correct the name or add {method_path(name)}{hint}"
            )
        if not isinstance(files[name], dict):
            raise InputError(
                f"config/methods/{name}.yaml: value {files[name]!r}: allowed are keys with values;"
                " state the method's keys, or extends: and a method"
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
        numbers = isinstance(pair, list) and all(isinstance(p, int | float) for p in pair)
        if numbers and len(pair) == 2 and not pair[0] < pair[1]:
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
    if kind == "enum":
        allowed = ", ".join(map(str, error.kind.options))
        return f"value {value!r}: allowed are {allowed}; correct the value"
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
    """A model on its node.

    Parameters
    ----------
    name : str
        Model.
    law : object
        Throughput law.
    node_power : float
        Maximum power of the node. [kW]
    peak : float
        Largest benchmark. [tokens/s]
    uncertain : bool
        Whether the law's own error is a factor of the energy.
    domain : dict, optional
        Range of the lengths that the law has seen. [tokens]
    parameters : float
        Total parameters; NaN if the benchmark table does not say. [billions]
    """

    name: str
    law: object
    node_power: float
    peak: float
    uncertain: bool = False
    domain: dict | None = None
    parameters: float = float("nan")

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
    """How the frontier blend is made.

    Parameters
    ----------
    models : int
        How many models.
    trim : tuple of pairs
        Quantile levels between which each model is kept, one pair after the other.
    ranked_by : {"median", "parameters"}
        Which models: those of the largest median energies, or the largest models.
    shares : {"equal", "parameters", "median model"}
        Share of each model: equal; as its parameters; or all to the model in the middle of the
        models' median energies (half to each of the two in the middle).
    """

    models: int
    trim: tuple
    ranked_by: str = "median"
    shares: str = "equal"

    @property
    def levels(self):
        """Lower and upper quantile level that successive trimming leaves of each model."""
        lower, upper = 0.0, 1.0
        for low, high in self.trim:
            lower, upper = lower + low * (upper - lower), lower + high * (upper - lower)
        return lower, upper

    def members(self, medians, parameters):
        """Models of the blend, largest median first, and their shares.

        Parameters
        ----------
        medians : ndarray, shape (..., n)
            Median energy of each model. [Wh]
        parameters : ndarray, shape (n,)
            Parameters of each model. [billions]

        Returns
        -------
        places, shares : ndarray, shape (..., models)
            Places along the last axis of ``medians``; shares add up to one. [1]
        """
        medians = np.asarray(medians)
        rank = medians
        if self.ranked_by == "parameters":
            rank = np.broadcast_to(np.asarray(parameters, float), medians.shape)
        kept = np.argsort(-rank, axis=-1, kind="stable")[..., : self.models]
        largest_first = np.argsort(-np.take_along_axis(medians, kept, -1), axis=-1, kind="stable")
        places = np.take_along_axis(kept, largest_first, -1)
        shares = np.ones(places.shape)
        if self.shares == "parameters":
            shares = np.asarray(parameters, float)[places]
        elif self.shares == "median model":
            count = places.shape[-1]
            shares = np.broadcast_to(
                np.isin(np.arange(count), [(count - 1) // 2, count // 2]).astype(float),
                places.shape,
            )
        return places, shares / shares.sum(axis=-1, keepdims=True)


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
    minimum = quantity.get("minimum", 0)
    if family == "exponential":
        return OutputTokens(family, (quantity["median"],), minimum)
    if family == "log-normal":
        return OutputTokens(family, (quantity["median"], quantity["sigma"]), minimum)
    if family == "gamma":
        return OutputTokens(family, (quantity["median"], quantity["shape"]), minimum)
    if quantity["trace"] not in traces:
        raise InputError(
            f"key output_tokens.trace: value {quantity['trace']}: unknown trace;"
            f" allowed are {', '.join(sorted(traces)) or 'none, as no trace table was given'}"
        )
    lengths = np.asarray(traces[quantity["trace"]], float)
    if "median" in quantity:
        lengths = lengths * (quantity["median"] / np.median(lengths))
    return OutputTokens(family, tuple(lengths.tolist()), minimum)


def node_power(method, model):
    """Maximum power of a model's node. [kW]"""
    power = method["node_power"]
    return float(power.get("models", {}).get(model, power["default"])["value"])


def blend(quantity):
    """Build the blend from its section of the method file."""
    return Blend(
        quantity["models"],
        tuple(map(tuple, quantity["trim"])),
        quantity.get("ranked_by", "median"),
        quantity["shares"],
    )


def _check_parameters(table, laws, method):
    known = table.dropna(subset=["params_total_b"]) if "params_total_b" in table else table[:0]
    missing = sorted(set(laws) - set(known["model"]))
    if missing:
        raise InputError(
            f"{method['benchmarks']['table']}: column params_total_b: empty for"
            f" {', '.join(missing)}; allowed are positive numbers, as"
            f" config/methods/{method['id']}.yaml makes the blend by parameters; fill it in"
        )


def _misspelt(names, models):
    """Names that are a model's but for case and punctuation, and the model's spelling."""

    def bare(name):
        return "".join(c for c in name.casefold() if c.isalnum())

    spelling = {bare(model): model for model in models}
    wrong = {name: spelling.get(bare(name), name) for name in names}
    return {
        name: model for name, model in wrong.items() if name not in set(models) and name != model
    }


def fit_laws(method, table, hardware=None):
    """Fit the throughput laws of a method: model to law; parameters as for :func:`build`."""
    rows = usable_rows(table, method["benchmarks"])
    law = method["throughput_law"]
    if law["name"] != "hierarchical":
        return fit_models(rows, law)
    wider = {k: v for k, v in method["benchmarks"].items() if k not in ("models", "gpus")}
    background = usable_rows(table, wider)
    reference = (law["reference"]["input_tokens"], law["reference"]["output_tokens"])
    return fit_configurations(rows, background, *hardware, law["gpus_per_node"], reference)


def build(method, table, traces=None, hardware=None, laws=None):
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
    laws : dict, optional
        What :func:`fit_laws` gives, where it is known already.

    Raises
    ------
    InputError
        If the benchmark table leaves fewer models than the blend needs, or spells a model of
        node_power in another way.
    """
    misspelt = _misspelt(method["node_power"].get("models", {}), table["model"])
    if misspelt:
        raise InputError(
            f"config/methods/{method['id']}.yaml: key node_power.models: value {own}: not a model"
            f" of {method['benchmarks']['table']}; did you mean {model}?"
            for own, model in misspelt.items()
        )
    law = method["throughput_law"]
    laws = fit_laws(method, table, hardware) if laws is None else laws
    if len(laws) < method["blend"]["models"]:
        raise InputError(
            f"config/methods/{method['id']}.yaml: key benchmarks: {len(laws)} models"
            f" have enough usable rows in {method['benchmarks']['table']}; allowed is at least"
            f" blend.models = {method['blend']['models']}; add rows or lower blend.models"
        )
    if "parameters" in (method["blend"]["shares"], method["blend"].get("ranked_by")):
        _check_parameters(table, laws, method)
    parameters = (
        table.groupby("model")["params_total_b"].first() if "params_total_b" in table else {}
    )
    z = method["monte_carlo"]["normal_quantile_95"]
    return Setup(
        models=tuple(
            ServedModel(
                name,
                served.law,
                node_power(method, name),
                float(served.rows["throughput_tps"].max() * served.replicas),
                law.get("error", "ignored") == "included",
                served.domain,
                float(parameters.get(name, np.nan)),
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
        blend=blend(method["blend"]),
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

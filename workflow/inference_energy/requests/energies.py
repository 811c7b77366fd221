"""Energy of counted requests, by the exact engine's equation and without sampling.

PUE, power utilisation and the law's error are not known, but they are the same for all requests of
a log: a total's spread is theirs and does not average out over requests.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Protocol, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from inference_energy.documents import near
from inference_energy.energy.equation import charged_tokens, node_energy, node_seconds
from inference_energy.energy.exact import known_utilisation, regime_energy, uncertain_factor
from inference_energy.energy.mixtures import Mixture
from inference_energy.errors import InputError
from inference_energy.laws.base import LENGTH_FLOOR, Array
from inference_energy.laws.hardware import bare_name, other_names
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import Charging, ServedModel, Setup
from inference_energy.requests.counts import (
    COARSE_BITS,
    COARSE_STEPS,
    FINE_BITS,
    MOMENTS,
    OFFSETS,
)

PARTS = ("prefill", "cached", "decode")
"""Parts of a request's energy, those of ``Law.parts``."""

QUANTILES = {"p5": 0.05, "p50": 0.5, "p95": 0.95}

COLUMNS = ["weight", "energy", *PARTS, "error", "seconds", "extrapolated"]

BLEND = "frontier blend"
"""What models that a method does not know are charged as."""

STEPS_PER_LOG = 1000
"""Steps of ln E into which requests are put for percentiles; within one their mean counts."""

STEPS_OF_ERROR = 64
"""Steps of a law's error that such requests are put into beside."""

LENGTHS = ("input", "cached", "output")

STEP = ["step", "step_of_error"]

FEW_WAYS = 8
"""Ways to serve a model that are asked for every cell of lengths; a method can have hundreds."""

WAYS_BITS = (5, 4, 6)
"""Significant binary digits of the lengths that more ways are asked for; what the width hides is
below 4e-5 of the energy."""


Columns = dict[str, Array]
"""Columns of a table, by name."""

Power = tuple[float, float | Array]
"""Power of a node [kW], and its utilisation where the throughput gives it [1]."""

Ways = list[tuple[float, ServedModel]]
"""Shares [1], and models each by one way to be served."""


class Models(Charging, Protocol):
    """What charges requests: the factors of a method or a deployment, and its models."""

    @property
    def models(self) -> tuple[ServedModel, ...]:
        """Its models."""


@dataclass(frozen=True)
class Serving:
    """What serves a log: models by name, and which of them, with what share, a log's model is.

    Parameters
    ----------
    setup : Setup or Deployment
        Models and factors.
    default : dict of str to float
        Shares of the models for requests whose model is not known here. [1]
    default_name : str
        What they are together.
    names : dict of str to str
        Models of the setup by the names that the log has for them.
    load : mapping of str to float
        Requests in flight on a copy of each of the log's models, infinite for as many as fit; one
        without is at the load that its law was built for.
    aliases : mapping of str to str
        Models of the setup by other names of theirs.
    """

    setup: Models
    default: Mapping[str, float]
    default_name: str
    names: Mapping[str, str]
    load: Mapping[str | None, float] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_method(
        cls, setup: Setup, names: Mapping[str, str], known: pd.DataFrame | None = None
    ) -> Self:
        """Serve by a method; unknown models are the frontier blend of traditional queries.

        Parameters
        ----------
        setup : Setup
            The method's models and factors.
        names : dict of str to str
            Models of the method by the names that a format gives them.
        known : DataFrame, optional
            Table of schema ``models``, whose aliases name the method's models too.

        Raises
        ------
        InputError
            Listing the names that are given for no model of the method.
        """
        models = [model.name for model in setup.models]
        problems = [
            f"key format: key models.{name}: value {stated}: is no model of the method; allowed"
            f" are {', '.join(models)}; correct it, or take it out where the method's frontier"
            f" blend is meant{near(stated, models)}"
            for name, stated in names.items()
            if stated not in models
        ]
        if problems:
            raise InputError(problems)
        _, members = regime_energy(setup, setup.regimes["traditional"])
        aliases = {} if known is None else _aliases(known, models)
        return cls(setup, members, BLEND, names, aliases=aliases)

    @classmethod
    def of_deployment(cls, deployment: Models) -> Self:
        """Serve by a deployment, whose one model is every model of the log."""
        name = deployment.models[0].name
        return cls(deployment, {name: 1.0}, name, {})

    @property
    def factor(self) -> LogNormal:
        """Product of the uncertain factors that all requests have in common, a LogNormal. [1]"""
        return uncertain_factor(self.setup)

    def at(self, load: Mapping[str | None, float]) -> Self:
        """Serve at another load, as in ``load``."""
        return replace(self, load=load)

    def knows_load(self, name: str | None) -> bool:
        """Whether the laws that a log's model is charged by know the load."""
        laws = {model.name: model.law for model in self.setup.models}
        return all(laws[member].knows_load for member in self.members(name)[0])

    def copies(self, name: str | None) -> str | None:
        """Whose copies answer a log's model: a model's that is known here, else its own."""
        members, together = self.members(name)
        return together if len(members) == 1 else name

    def members(self, name: str | None) -> tuple[Mapping[str, float], str]:
        """Models and shares that a log's model is charged as, and their name together."""
        model = None if name is None else self.names.get(name) or self._own(name)
        return ({model: 1.0}, model) if model else (self.default, self.default_name)

    def _own(self, name: str) -> str | None:
        """Model of this name; unless one has it as it is, without publisher, format and edition."""
        for key in (_bare, bare_name):
            known = {key(alias): model for alias, model in self.aliases.items()}
            known |= {key(model.name): model.name for model in self.setup.models}
            # a name without a Latin letter or digit has an empty key
            if key(name) and key(name) in known:
                return known[key(name)]
        return None


def _aliases(known: pd.DataFrame, models: Sequence[str]) -> dict[str, str]:
    """Those of ``models`` by the names that the table has for each; what is of two is of none."""
    owners: dict[str, set[str]] = {}
    for model in models:
        for alias in other_names(known, model):
            owners.setdefault(alias, set()).add(model)
    return {alias: of.pop() for alias, of in owners.items() if len(of) == 1}


def _bare(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def energies(
    serving: Serving, lengths: pd.DataFrame, bits: Sequence[int] | None = WAYS_BITS
) -> pd.DataFrame:
    """Energy of requests of given lengths, before the factors that all have in common.

    Parameters
    ----------
    serving : Serving
        What serves them.
    lengths : DataFrame
        model, n, and input, cached and output: sums of the tokens of n requests; in the table of
        the whole log how far these are from their cells, too, ``counts.MOMENTS``.
    bits : tuple of int, optional
        Significant binary digits of the lengths that more than ``FEW_WAYS`` are asked for; none:
        they are asked for every row.

    Returns
    -------
    DataFrame
        Per row of ``lengths``, with its index: weight (requests), energy and its parts of one
        request [Wh] and node seconds, both the mean over the models and the ways of serving them
        that it is charged as; error of ln throughput that gives their mean energy [1];
        extrapolated, the share of the energy whose law has not seen such lengths [1].
    """
    tables = [pd.DataFrame(columns=COLUMNS, dtype=float)]
    for name, rows in _charged_alike(serving, lengths):
        ways, means, n = _ways(serving, name), _points(rows), rows["n"].to_numpy(float)
        count = len(means[0]) // len(n)
        if bits is None or len(ways) <= FEW_WAYS:
            found = _together(serving.setup, ways, *means)
        else:
            cell, of_cells = _grouped(means, np.tile(n, count), bits)
            found = _spread(_together(serving.setup, ways, *of_cells), cell, of_cells, means)
        found = _pooled(found, count) | {"weight": n}
        tables.append(pd.DataFrame(found, index=rows.index)[COLUMNS])
    return pd.concat(tables[1:] or tables).reindex(lengths.index)


def rounded(lengths: Array, bits: int) -> Array:
    """Round to ``bits`` significant binary digits, as the counting does (``counts.cell``)."""
    spread = float(2 ** (53 - bits) + 1)
    return lengths * spread - (lengths * spread - lengths)


def coarse(fine: Array, cached: ArrayLike = False) -> NDArray[np.int64]:
    """Numbers of the coarse cells that fine ones lie in, as the counting gives them.

    ``cached``: whether there is cached input, of all or each of them.
    """
    steps = np.where(cached, COARSE_STEPS[True], COARSE_STEPS[False])
    return np.floor(steps * np.log2(2 * rounded(fine, COARSE_BITS) + 1)).astype(np.int64)


def _points(rows: pd.DataFrame) -> list[Array]:
    """Lengths, as ``LENGTHS``, of requests that stand for rows: so many times all rows. [tokens]

    The mean lengths; where it is known how far requests are off their cells, one standard deviation
    above and below them, of either length: such a mean is that of the energy to third order.
    """
    n = rows["n"].to_numpy(float)
    total, cached, output = (rows[column].to_numpy(float) / n for column in LENGTHS)
    shifts = {"input": [0.0], "output": [0.0]}
    for name in FINE_BITS if MOMENTS[0] in rows else ():
        first, second = (rows[f"{name}_offset{of}"].to_numpy() / n for of in ("", "_square"))
        step = np.maximum(rows[f"{name}_cell"].to_numpy(), 1) / OFFSETS
        spread = step * np.sqrt(np.maximum(second - first**2, 0.0))
        if spread.any():
            shifts[name] = [spread, -spread]
    pairs = list(product(shifts["input"], shifts["output"]))
    computed = [np.maximum(total - cached + shift, 0.0) for shift, _ in pairs]
    answers = [np.maximum(output + shift, 0.0) for _, shift in pairs]
    cached = np.tile(cached, len(pairs))
    return [np.concatenate(computed) + cached, cached, np.concatenate(answers)]


def _pooled(found: Columns, count: int) -> Columns:
    """Mean over the points of each row, ``count`` of them, by column."""
    energy = found["energy"]
    sums = found | {"expected": energy * np.exp(found["error"] ** 2 / 2)}
    sums |= {"extrapolated": energy * found["extrapolated"]}
    return _ratios({k: values.reshape(count, -1).mean(0) for k, values in sums.items()})


def _ratios(sums: Columns) -> Columns:
    """Columns of sums of energy: error that gives the expected one, share that is extrapolated."""
    energy, some = sums["energy"], sums["energy"] > 0
    ratio = np.divide(sums.pop("expected"), energy, out=np.ones_like(energy), where=some)
    beyond = np.divide(sums["extrapolated"], energy, out=np.zeros_like(energy), where=some)
    return sums | {"error": np.sqrt(2 * np.log(np.maximum(ratio, 1.0))), "extrapolated": beyond}


def _charged_alike(
    serving: Serving, lengths: pd.DataFrame
) -> Iterator[tuple[str | None, pd.DataFrame]]:
    """Rows of the log's models that are charged as the same, and one of their names."""
    names = {name: name if isinstance(name, str) else None for name in lengths["model"].unique()}
    alike: dict[tuple[str, float | None], tuple[str | None, list[Any]]] = {}
    for model, name in names.items():
        key = serving.members(name)[1], serving.load.get(name)
        alike.setdefault(key, (name, []))[1].append(model)
    for name, models in alike.values():
        yield name, lengths[lengths["model"].isin(models)]


def _ways(serving: Serving, name: str | None) -> Ways:
    """Shares [1] and models by their one way to be served, of what a log's model is charged as."""
    models = {model.name: model for model in serving.setup.models}
    found = []
    for member, share in serving.members(name)[0].items():
        model = _at(models[member], serving.load.get(name))
        for way in model.law.shares():
            one = replace(model, law=way.law, node_power=model.node_power * way.power)
            found.append((share * way.weight, one))
    return found


def _at(model: ServedModel, load: float | None) -> ServedModel:
    """Model at a load, if there is one and its law knows it."""
    if load is None or not model.law.knows_load:
        return model
    return replace(model, law=model.law.at(load))


def _grouped(
    means: Sequence[Array], n: Array, bits: Sequence[int]
) -> tuple[NDArray[np.int64], list[Array]]:
    """Wider cells that lengths lie in, for which many laws can be asked: one per row, and means."""
    keys = [rounded(*pair) for pair in zip(means, bits, strict=True)]
    _, cell = np.unique(np.stack(keys), axis=1, return_inverse=True)
    cell = cell.ravel()
    weight = np.bincount(cell, n)
    return cell, [np.bincount(cell, n * mean) / weight for mean in means]


def _spread(
    found: Columns, cell: NDArray[np.int64], of_cells: Sequence[Array], means: Sequence[Array]
) -> Columns:
    """What rows of cells take: each part of the energy in proportion to the tokens it is for."""
    tokens = [by_part(*lengths) for lengths in (means, of_cells)]
    rows = {name: values[cell] for name, values in found.items()}
    for part, own, mean in zip(PARTS, *tokens, strict=True):
        mean = mean[cell]
        rows[part] *= np.divide(own, mean, out=np.ones_like(own), where=mean > 0)
    energy = sum((rows[part] for part in PARTS), np.zeros(len(cell)))
    before = rows["energy"]
    rows["seconds"] *= np.divide(energy, before, out=np.ones_like(energy), where=before > 0)
    return rows | {"energy": energy}


def by_part(input_tokens: Array, cached: Array, output: Array) -> tuple[Array, Array, Array]:
    """Tokens that each of ``PARTS`` is for."""
    return input_tokens - cached, cached, output


def _together(setup: Models, ways: Ways, *means: Array) -> Columns:
    """Mean over ways, each with its share of the requests, by column."""
    names = ("energy", "seconds", *PARTS, "expected", "extrapolated")
    sums = dict.fromkeys(names, np.zeros(len(means[0])))
    for share, model in ways:
        one, power = _of_way(setup, model, *means)
        one |= _parts(setup, model, one["seconds"], power, *means)
        one["expected"] = one["energy"] * np.exp(one["error"] ** 2 / 2)
        one["extrapolated"] = one["energy"] * model.law.extrapolates(*means[::2])
        sums = {name: value + share * one[name] for name, value in sums.items()}
    return _ratios(sums)


def _of_way(
    setup: Models, model: ServedModel, input_tokens: Array, cached: Array, output: Array
) -> tuple[Columns, Power]:
    """Energy [Wh] and node seconds of requests, and error of ln throughput [1]; power [kW, 1]."""
    answer = np.maximum(output, LENGTH_FLOOR)
    seconds = np.array(model.law.seconds(input_tokens, answer, cached))
    throughput = answer / seconds
    ratio = setup.input_tokens_per_output_token
    if ratio is not None:
        charged = charged_tokens(answer, input_tokens - cached, ratio)
        seconds = node_seconds(charged, throughput)
    elif (none := output < LENGTH_FLOOR).any():
        shorter = (length[none] for length in (input_tokens, output, cached))
        seconds[none] = model.law.seconds(*shorter)
    power = model.node_power, known_utilisation(setup, model, throughput)
    found = {
        "energy": node_energy(seconds, *power),
        "seconds": seconds,
        "error": np.broadcast_to(model.error(input_tokens, output), output.shape),
    }
    return found, power


def _parts(
    setup: Models,
    model: ServedModel,
    seconds: Array,
    power: Power,
    input_tokens: Array,
    cached: Array,
    output: Array,
) -> Columns:
    """Energy of one way's requests by what it is for. [Wh]"""
    parts = dict(zip(PARTS, model.law.parts(input_tokens, cached, output), strict=True))
    if setup.input_tokens_per_output_token is not None:
        parts["prefill"] = parts["prefill"] + seconds - sum(parts.values())
    return {part: node_energy(time, *power) for part, time in parts.items()}


def total(factor: LogNormal, table: pd.DataFrame, column: str = "energy") -> dict[str, float]:
    """Energy of all requests of a table together.

    Factors and error are common to all requests; the error is that of the mean request, weighted
    by energy.

    Parameters
    ----------
    factor : LogNormal
        Product of the uncertain factors. [1]
    table : DataFrame
        As from ``energies``.
    column : str
        Energy, or one of its parts.

    Returns
    -------
    dict
        mean, p5, p50, p95. [Wh]
    """
    sums = {name: float(values.sum()) for name, values in summed(table, column).items()}
    return {name: float(value) for name, value in of_sums(factor, **sums).items()}


def summed(table: pd.DataFrame, column: str = "energy") -> Columns:
    """What is added up of the rows of a table for a total, by name, in the table's order. [Wh]"""
    weight, energy, error = (table[name].to_numpy(float) for name in ("weight", column, "error"))
    middle = weight * energy
    return {"middle": middle, "error": middle * error, "mean": middle * np.exp(error**2 / 2)}


def of_sums(
    factor: LogNormal, middle: Array | float, error: Array | float, mean: Array | float
) -> dict[str, NDArray[np.floating] | float]:
    """Mean and quantiles of a total, or of several, by name; sums as of ``summed``. [Wh]"""
    spread = np.divide(error, middle, out=np.zeros_like(middle), where=np.greater(middle, 0))
    # quantiles are of each spread by itself
    shared = LogNormal(factor.mu, cast(float, np.hypot(factor.sigma, spread)))
    found: dict[str, NDArray[np.floating] | float] = {"mean": mean * factor.moment(1)}
    return found | {name: middle * shared.quantile(level) for name, level in QUANTILES.items()}


def steps(serving: Serving, lengths: pd.DataFrame) -> pd.DataFrame:
    """Requests by energy, in steps of ln E: the distribution over requests, factors apart.

    A request is charged as several models, or is served in several ways, each with its share.

    Parameters
    ----------
    serving : Serving
        What serves them.
    lengths : DataFrame
        As for ``energies``.

    Returns
    -------
    DataFrame
        Rising energy of one request [Wh], weight (requests) and error [1]; zero energy first.
    """
    found = [pd.DataFrame(columns=[*STEP, "weight", "log", "error"], dtype=float)]
    for name, rows in _charged_alike(serving, lengths):
        ways, means, n = _ways(serving, name), _points(rows), rows["n"].to_numpy(float)
        count = len(means[0]) // len(n)
        n = np.tile(n / count, count)
        if len(ways) > FEW_WAYS:
            cell, means = _grouped(means, n, WAYS_BITS)
            n = np.bincount(cell, n)
        for share, model in ways:
            one, _ = _of_way(serving.setup, model, *means)
            found.append(_steps(one, n * share))
    sums = pd.concat(found[1:] or found).groupby(STEP).sum().reset_index()
    middle = np.where(np.isinf(sums["step"]), 0.0, np.exp(sums["log"] / sums["weight"]))
    error = sums["error"] / sums["weight"]
    table = pd.DataFrame({"energy": middle, "weight": sums["weight"], "error": error})
    return table.sort_values("energy", kind="stable", ignore_index=True)


def _steps(one: Columns, weight: NDArray[np.floating]) -> pd.DataFrame:
    """Sums over the requests of each step of ln E and of the error, of one way."""
    log = np.log(one["energy"], out=np.full_like(weight, -np.inf), where=one["energy"] > 0)
    steps_of = np.floor(log * STEPS_PER_LOG), np.floor(one["error"] * STEPS_OF_ERROR)
    sums = dict(zip(STEP, steps_of, strict=True)) | {"weight": weight}
    sums |= {"log": weight * np.where(np.isinf(log), 0.0, log), "error": weight * one["error"]}
    return pd.DataFrame(sums).groupby(STEP).sum().reset_index()


def distribution(factor: LogNormal, found: pd.DataFrame) -> Mixture:
    """Distribution of the energy of a request: over requests, factors and error, a Mixture. [Wh]

    Parameters
    ----------
    factor : LogNormal
        Product of the uncertain factors. [1]
    found : DataFrame
        As from ``steps``.
    """
    weights = (found["weight"] / found["weight"].sum()).to_numpy()
    return Mixture.of_energies(
        found["energy"].to_numpy(), weights, factor, found["error"].to_numpy()
    )

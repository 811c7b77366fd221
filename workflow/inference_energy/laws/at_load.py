"""Throughput as a function of lengths and load: ``laws.serving`` with factors that are fitted.

The node time of a query is a sum of parts that follow from the model's architecture, the GPU's peak
rates, the layout and the batch (equation (1) of ``laws.serving``), each times a factor. A factor is
shared by all configurations, times deviations of the engine under a protocol, its version as a
source runs it, the GPU, the format on that GPU and in that engine, the model, the model on that
engine, its deployment there in whatever version, the model on that version as a source runs it, and
the configuration itself, whose time also drifts along the lengths (equation (1) of ``laws.mixed``).
A group that no row of the fit is of is drawn, so that the law of an unseen model, GPU or engine has
the spread of such groups as part of its error, and that of a configuration at lengths far from the
measured ones the spread of such drifts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from inference_energy.laws import mixed
from inference_energy.laws.base import LENGTH_FLOOR, Array, Domain, Joined, Law, Parts
from inference_energy.laws.engines import engine_name
from inference_energy.laws.rows import CONFIGURATION as OF_A_RUN
from inference_energy.laws.rows import configuration_number, length_range, load_of
from inference_energy.laws.serving import (
    HIDDEN,
    PARTS,
    SECONDS,
    TRAITS,
    add_traits,
    part_seconds,
    served_batch,
)

DEVIATIONS: dict[str, tuple[str, ...]] = {
    "all": tuple(PARTS),
    "prefill": tuple(name for name in PARTS if name.startswith("prefill")),
    "step": tuple(name for name in PARTS if name.startswith("step")),
    "host": ("token", "token_hidden"),
    "token": ("link", "compute", "narrow"),
    "weights": ("weights", "weights_4bit", "experts", "experts_4bit"),
}
"""Parts that each deviation moves."""

DEPLOYMENT = (
    "network",
    "engine",
    "protocol",
    "gpu",
    "tensor_parallel",
    "pipeline_parallel",
    "attention_data_parallel",
    "expert_parallel",
    "precision",
)
"""Columns that make a deployment, in whatever version of the engine and by whomever it is run."""

LEVELS: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "stack": (
        ("engine", "protocol"),
        {"all": 0.1, "prefill": 0.3, "step": 0.5, "host": 0.7, "token": 0.3, "weights": 0.2},
    ),
    "version": (
        ("engine", "recipe"),
        {"all": 0.1, "prefill": 0.15, "step": 0.15, "host": 0.2, "token": 0.2},
    ),
    "edition": (("engine", "edition"), {"all": 0.03, "prefill": 0.03}),
    "gpu": (("gpu",), {"all": 0.05, "prefill": 0.1, "step": 0.1}),
    "format": (("precision", "gpu"), {"all": 0.07, "weights": 0.15, "prefill": 0.25}),
    "kernels": (("engine", "precision"), {"all": 0.07, "step": 0.2, "weights": 0.1}),
    "model": (("network",), {"all": 0.075, "prefill": 0.15, "step": 0.11, "weights": 0.11}),
    "served": (
        ("network", "engine"),
        {"all": 0.075, "prefill": 0.11, "step": 0.09, "host": 0.11, "token": 0.11},
    ),
    "deployed": (DEPLOYMENT, {"all": 0.05, "prefill": 0.07}),
    "release": (
        ("network", "engine", "recipe"),
        {"all": 0.1, "prefill": 0.15, "step": 0.1, "host": 0.15, "token": 0.15},
    ),
}
"""Columns that make the groups of each level, and the standard deviations of ln their deviations
before the fit, which draws them to what the groups show (``mixed.SPREAD_GROUPS``). Two sources run
one version with flags of their own that no table states, such as speculative decoding: of the same
model on the same GPUs they are up to 2.1 times apart. Finite runs are made by the vendor's one
recipe for all versions: of the same model, GPUs and lengths two of them differ by 6 % (root mean
square). So a version as a source runs it makes a ``recipe`` of its own at a load, and of finite
runs an ``edition`` of one recipe (``_level_keys``)."""

OWN = {"all": 0.06, "prefill": 0.13, "step": 0.1, "host": 0.2, "token": 0.2, "weights": 0.1}
"""The same of a configuration's own deviations."""

ALONG = {"input": 0.05, "output": 0.05}
"""Standard deviations of a configuration's slopes along ``_along``, before the fit. [1]"""

AT_A_LOAD_ALONE = ("gpu", "format", "kernels")
"""Levels of which a finite run is as uncertain as if its format on its GPU had not been measured,
where it was at a load alone. Of those in FP4 that are left out 4 of 11 would else be in their 90 %
interval."""

ODD = "served"
"""First of LEVELS whose groups may be odd: a version or a GPU that is slow with one model is put
down to how that model is served there, not to all models on it."""

RUN = ("engine_version", "source_id")
"""Columns that tell how an engine was run."""

NEAR, SHORT = 1000.0, 100.0
"""Lengths from which slopes are counted, and below which lengths do not differ much. [tokens]"""

CONFIGURATION = [*(column for column in OF_A_RUN if column != "concurrency"), "protocol"]
"""Columns that make a configuration, at whatever load, as far as a table has them."""

UPDATES = 8
"""Gauss-Newton steps by which rows measured of a configuration move its law."""

_TRAITS_OF = itemgetter(*TRAITS)

AS_MANY_AS_FIT, AT_A_LOAD, STEADY = "as many as fit", "at a load", "steady"
"""How a throughput was measured: a finite run of requests that are all given at once, a load that a
client keeps up, or the steady part of such a run alone."""


@dataclass(frozen=True)
class AtLoad(Law):
    """Equation (1) of ``laws.serving`` for one configuration, at a load.

    Parameters
    ----------
    traits : mapping of str to float
        What the configuration implies, ``serving.TRAITS``.
    log_factors : ndarray
        Logarithms of the factors, by part.
    slopes : ndarray
        Change of ln time along ln input and ln output, about NEAR. [1]
    covariance : ndarray
        Covariance of log_factors and, after them, slopes.
    scatter : float
        Standard deviation of ln throughput of a measurement from the law.
    n_rows : int
        Rows of the configuration that the law has seen.
    domain : Domain
        Lengths that the fit has seen of the model, or of any if it has seen none. [tokens]
    concurrency, requests : array_like
        Requests that one copy of the model is given at once, and in the whole run; infinite for as
        many as fit and for a run without end. They broadcast with the lengths.
    copies : float
        Copies of the model whose throughput is added up.
    """

    traits: Mapping[str, float]
    log_factors: Array
    slopes: Array
    covariance: Array
    scatter: float
    n_rows: int
    domain: Domain
    concurrency: ArrayLike = np.inf
    requests: ArrayLike = np.inf
    copies: float = 1.0
    name: str = "at-load"

    @property
    def knows_load(self) -> bool:
        """Whether ``at`` changes anything: it does."""
        return True

    def at(self, concurrency: ArrayLike, requests: ArrayLike = np.inf) -> Self:
        """The same configuration at another load of one copy, in a run of ``requests``."""
        return replace(self, concurrency=concurrency, requests=requests)

    def batch(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Requests that one copy serves at once, at the lengths [tokens]."""
        return served_batch(
            self.traits, input_tokens, output_tokens, self.concurrency, self.requests
        )

    def _time_of(
        self, input_tokens: ArrayLike, output_tokens: ArrayLike, cached_tokens: ArrayLike
    ) -> tuple[Array, Array]:
        """Logarithm of the time of a query without drift, and every part's share of it."""
        n_out = np.maximum(output_tokens, LENGTH_FLOOR)
        at_peak = part_seconds(
            self.traits, input_tokens, n_out, cached_tokens, self.concurrency, self.requests
        )
        return mixed.time_of(at_peak * np.exp(self.log_factors), HIDDEN)

    def _log_time(
        self,
        input_tokens: ArrayLike,
        output_tokens: ArrayLike,
        cached_tokens: ArrayLike = 0.0,
    ) -> tuple[Array, Array]:
        """Logarithm of the time of a query, and its change with log_factors and slopes."""
        log_time, share = self._time_of(input_tokens, output_tokens, cached_tokens)
        along = _along(np.subtract(input_tokens, cached_tokens), output_tokens)
        drift = (along * self.slopes).sum(axis=-1)
        along = np.broadcast_to(along, (*share.shape[:-1], along.shape[-1]))
        return log_time + drift, np.concatenate([share, along], axis=-1)

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] at the lengths [tokens], broadcast together."""
        log_time, _ = self._log_time(input_tokens, output_tokens)
        return self.copies * np.maximum(output_tokens, LENGTH_FLOOR) * np.exp(-log_time)

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput: of the factors, of groups unseen, and scatter."""
        _, change = self._log_time(input_tokens, output_tokens)
        return self._spread(change)

    def _spread(self, change: Array) -> Array:
        """Standard deviation of the ln that changes so with log_factors and slopes. [1]"""
        variance = ((change @ self.covariance) * change).sum(axis=-1)
        return np.sqrt(variance + self.scatter**2)

    @classmethod
    def joined(cls, laws: Sequence[Law]) -> "ManyAtLoad":
        """Several of them, which are one law whose numbers have an axis of laws."""
        many = cast(Sequence[AtLoad], laws)
        traits = np.ascontiguousarray(np.array([_TRAITS_OF(law.traits) for law in many]).T)
        numbers: dict[str, Any] = {
            name: np.array([getattr(law, name) for law in many])
            for name in (*NUMBERS, "covariance")
        }
        named = dict(zip(TRAITS, traits, strict=True))
        return ManyAtLoad(replace(many[0], traits=named, **numbers))

    def parts(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Parts:
        """As of any law; here cached input adds attention to it, and reading with every token."""
        seconds = self._split_seconds(input_tokens, cached_tokens, output_tokens).sum(axis=-1)
        return Parts(*np.moveaxis(seconds, -1, 0))

    def parts_sigma(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Parts:
        """Standard deviation of ln of every time of :meth:`parts`; lengths as there. [1]"""
        seconds = self._split_seconds(input_tokens, cached_tokens, output_tokens)
        total = seconds.sum(axis=-1, keepdims=True)
        share = seconds / np.where(total > 0, total, 1.0)
        # what is hidden and what is not shorten each other's share of the time
        of_all = seconds.sum(axis=-2, keepdims=True)
        of_all = of_all / of_all.sum(axis=-1, keepdims=True)
        within = np.zeros_like(of_all)
        for kind in (HIDDEN, ~HIDDEN):
            whole = (of_all * kind).sum(axis=-1, keepdims=True)
            own = (share * kind).sum(axis=-1, keepdims=True)
            within = within + own * (of_all * kind / np.where(whole > 0, whole, 1.0))
        share = np.where(total > 0, share + within - of_all, 0.0)
        along = _along(np.subtract(input_tokens, cached_tokens), output_tokens)[..., None, :]
        along = np.broadcast_to(along, (*share.shape[:-1], along.shape[-1]))
        change = np.concatenate([share, along], axis=-1)
        return Parts(*np.moveaxis(self._spread(change), -1, 0))

    def _split_seconds(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Array:
        """Time of every part that is prefill, cached and decode; shape of the rest, 3, PARTS."""
        n_in, kept, n_out = (
            np.asarray(x, float) for x in (input_tokens, cached_tokens, output_tokens)
        )
        drift = (_along(n_in - kept, n_out) * self.slopes).sum(axis=-1, keepdims=True)
        log_time, share = self._time_of(n_in, n_out, kept)
        times = share * np.exp(log_time[..., None] + drift)
        times = times / np.asarray(self.copies)[..., None]
        context = np.maximum(n_in + np.maximum(n_out, LENGTH_FLOOR) / 2, LENGTH_FLOOR)
        # (L_in - L_k) L_k of the (L_in^2 - L_k^2) / 2 pairs of tokens are with a cached one
        of_cached = {
            "prefill_attention": 2 * kept / np.maximum(n_in + kept, LENGTH_FLOOR),
            "prefill_selected": 2 * kept / np.maximum(n_in + kept, LENGTH_FLOOR),
            "cache": kept / context,
            "cache_latent": kept / context,
        }
        shape = np.broadcast_shapes(kept.shape, context.shape)
        cached = np.stack(
            [np.broadcast_to(of_cached.get(name, 0.0), shape) for name in PARTS], axis=-1
        )
        prefill = np.array([name in DEVIATIONS["prefill"] for name in PARTS])
        split = (prefill * (1 - cached), cached, ~prefill * (1 - cached))
        return np.stack(split, axis=-2) * times[..., None, :]

    def seconds(
        self,
        input_tokens: ArrayLike,
        output_tokens: ArrayLike,
        cached_tokens: ArrayLike = 0.0,
    ) -> Array:
        """Node time [s] of a query; cached input is not computed, but it is read."""
        log_time, _ = self._log_time(input_tokens, output_tokens, cached_tokens)
        return np.exp(log_time) / self.copies

    def scaled(self, factor: float) -> Self:
        """Law of ``factor`` [1] times the throughput, at the same load of each copy."""
        return replace(self, copies=self.copies * factor)

    def closed_form(self) -> dict[str, Any]:
        """All of the law but its load: traits, ln of factors, slopes, upper half of covariance.

        An infinite trait is None.
        """
        rows, columns = _upper(len(self.covariance))
        traits = self.traits.items()
        return {
            "kind": self.name,
            "traits": {name: value if np.isfinite(value) else None for name, value in traits},
            "factors": self.log_factors.tolist(),
            "slopes": self.slopes.tolist(),
            "covariance": self.covariance[rows, columns].tolist(),
            "scatter": self.scatter,
            "copies": self.copies,
        }

    def terms(self) -> list[tuple[str, float, str]]:
        """Factors of the parts, load and scatter as (term, value, unit)."""
        units = {name: "s" if name.startswith(SECONDS) else "1" for name in PARTS}
        factors = zip(PARTS, np.exp(self.log_factors), strict=True)
        slopes = zip(ALONG, self.slopes, strict=True)
        load = [] if np.isinf(self.concurrency).all() else [self.concurrency]
        return [
            *((f"factor_{name}", float(value), units[name]) for name, value in factors),
            *((f"slope_{name}", float(value), "1") for name, value in slopes),
            *(("concurrency", float(np.max(value)), "requests") for value in load),
            ("scatter", self.scatter, "ln(tokens/s)"),
            ("copies", self.copies, "1"),
            ("n_rows", self.n_rows, "rows"),
        ]


NUMBERS = ("log_factors", "slopes", "scatter", "concurrency", "requests", "copies")
"""Fields of AtLoad that its answers follow from, besides its traits and covariance."""


@dataclass(frozen=True)
class ManyAtLoad(Joined):
    """Several laws with load, which answer at once.

    Parameters
    ----------
    one : AtLoad
        The law whose traits, covariance and NUMBERS have an axis of laws before their own.
    """

    one: AtLoad

    def _each(self, change: Callable[[Array], Array]) -> AtLoad:
        """The law with its traits and NUMBERS changed in one way."""
        numbers: dict[str, Any] = {name: change(getattr(self.one, name)) for name in NUMBERS}
        traits: dict[str, Any] = {
            name: change(np.asarray(trait)) for name, trait in self.one.traits.items()
        }
        return replace(self.one, traits=traits, **numbers)

    def _before(self, *lengths: ArrayLike) -> AtLoad:
        """The law whose axis of laws comes before those of the lengths."""
        axes = tuple(1 for _ in np.broadcast_shapes(*map(np.shape, lengths)))
        return self._each(lambda a: a.reshape(a.shape[:1] + axes + a.shape[1:]))

    def at(self, concurrency: Array) -> Self:
        """As of any laws."""
        return replace(self, one=self.one.at(concurrency, np.full(len(concurrency), np.inf)))

    def rates(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """As of any laws."""
        one = self._before(input_tokens, output_tokens)
        log_time, change = one._log_time(input_tokens, output_tokens)
        flat = change.reshape(len(change), -1, change.shape[-1])
        variance = ((flat @ self.one.covariance) * flat).sum(axis=-1).reshape(log_time.shape)
        rate = one.copies * np.maximum(output_tokens, LENGTH_FLOOR)
        return rate * np.exp(-log_time), np.sqrt(variance + one.scatter**2)

    def rates_of(
        self, place: NDArray[np.int64], input_tokens: float, output_tokens: Array
    ) -> tuple[Array, Array]:
        """As of any laws."""
        one = self._each(lambda a: a[place])
        log_time, change = one._log_time(input_tokens, output_tokens)
        variance = np.empty(len(place))
        for k in np.unique(place):
            own = change[place == k]
            variance[place == k] = ((own @ self.one.covariance[k]) * own).sum(axis=-1)
        rate = one.copies * np.maximum(output_tokens, LENGTH_FLOOR)
        return rate * np.exp(-log_time), np.sqrt(variance + one.scatter**2)

    def seconds(
        self, input_tokens: ArrayLike, output_tokens: ArrayLike, cached_tokens: ArrayLike
    ) -> Array:
        """As of any laws."""
        one = self._before(input_tokens, output_tokens, cached_tokens)
        return one.seconds(input_tokens, output_tokens, cached_tokens)

    def parts(
        self, input_tokens: float, cached_tokens: float, output_tokens: float
    ) -> tuple[Array, Array]:
        """As of any laws."""
        lengths = (input_tokens, cached_tokens, output_tokens)
        # every law's scatter is that of its three times
        spread = replace(self.one, scatter=cast(Any, self.one.scatter)[:, None])
        found = self.one.parts(*lengths), spread.parts_sigma(*lengths)
        seconds, sigma = (np.stack(of_kind, axis=-1) for of_kind in found)
        return seconds, sigma


@lru_cache(maxsize=4)
def _upper(size: int) -> tuple[mixed.Integers, mixed.Integers]:
    """Rows and columns of the upper half of a square matrix, and its diagonal."""
    return np.triu_indices(size)


def _along(input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
    """Covariates of the slopes ALONG, after the lengths' shape; computed input [tokens], output."""
    n_out = np.maximum(output_tokens, LENGTH_FLOOR)
    lengths = np.stack(np.broadcast_arrays(input_tokens, n_out), axis=-1)
    return np.log((lengths + SHORT) / (NEAR + SHORT))


def describe(rows: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame) -> pd.DataFrame:
    """Append what the law must know of every row: ``serving.add_traits``, and ``protocol``.

    A protocol that the rows state already is kept; else rows with a concurrency count as measured
    at a load, the others as given as many requests as fit.
    """
    described = add_traits(rows, models, gpus)
    loaded = np.isfinite(load_of(rows)[0])
    known = rows["protocol"] if "protocol" in rows else pd.Series(None, rows.index, object)
    implied = np.where(loaded, AT_A_LOAD, AS_MANY_AS_FIT)
    return described.assign(protocol=known.where(known.notna(), implied))


LAYOUT = (
    "nodes",
    "tensor_parallel",
    "pipeline_parallel",
    "attention_data_parallel",
    "expert_parallel",
)
"""Columns of which an empty cell means one."""


def _text(cell: Any, column: str) -> str:
    """A cell, the same text for the same thing; one or nothing where it is empty."""
    if pd.isna(cell):
        return "1" if column in LAYOUT else ""
    text = str(cell).removesuffix(".0")
    if column == "engine":
        return engine_name(text)
    return text.removeprefix("v") if column == "engine_version" else text


def _texts(rows: pd.DataFrame, column: str) -> list[str]:
    """``_text`` of all cells of a column, which need not be there."""
    cells = rows[column].tolist() if column in rows else [None] * len(rows)
    spelt = {cell: _text(cell, column) for cell in set(cells)}
    return [spelt[cell] for cell in cells]


def keys(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Index:
    """One text per row of what it has in the columns, the same for the same thing."""
    return _joined([_texts(rows, column) for column in columns])


def _joined(texts: Sequence[Sequence[str]]) -> pd.Index:
    return pd.Index(["|".join(row) for row in zip(*texts, strict=True)], dtype=object)


def _level_keys(rows: pd.DataFrame) -> list[pd.Index]:
    """Group of every row at every level."""
    levels = [columns for columns, _ in LEVELS.values()]
    told = {column for columns in levels for column in columns}
    texts = {column: _texts(rows, column) for column in told}
    finite = rows["protocol"].eq(AS_MANY_AS_FIT).to_numpy()
    recipe, edition = (keys(rows, columns).to_numpy() for columns in (RUN, RUN[:1]))
    texts["recipe"] = np.where(finite, "", recipe).tolist()
    texts["edition"] = np.where(finite, edition, "").tolist()
    return [_joined([texts[column] for column in columns]) for columns in levels]


def _times_at_peak(rows: pd.DataFrame) -> Array:
    """Parts of an output token's time at peak rates, rows by parts. [s]"""
    n_in, n_out = (rows[name].to_numpy(float) for name in ("input_tokens", "output_tokens"))
    traits = {name: rows[name].to_numpy(float) for name in TRAITS}
    return part_seconds(traits, n_in, n_out, 0.0, *load_of(rows)) / n_out[:, None]


def throughput_before_fit(rows: pd.DataFrame, models: pd.DataFrame, gpus: pd.DataFrame) -> Array:
    """Throughput that rows should have for all that is known before any is measured. [tokens/s]

    Every factor is at the median of its prior (``serving.PARTS``), so that no row moves it.

    Parameters
    ----------
    rows : DataFrame
        Table of schema ``throughput``, with both lengths; its throughput does not matter.
    models, gpus : DataFrame
        Tables of schemas ``models`` and ``gpus``.
    """
    factors = np.array([median for median, _ in PARTS.values()])
    at_peak = _times_at_peak(describe(rows, models, gpus))
    return np.exp(-mixed.time_of(at_peak * factors, HIDDEN)[0])


def _along_rows(rows: pd.DataFrame) -> Array:
    return _along(rows["input_tokens"].to_numpy(float), rows["output_tokens"].to_numpy(float))


def _structure(scale: float) -> mixed.Structure:
    names = list(DEVIATIONS)

    def deviations(spread: Mapping[str, float]) -> tuple[Any, Any]:
        numbers = np.array([names.index(name) for name in spread])
        return numbers, scale * np.array(list(spread.values()))

    return mixed.Structure(
        median=np.log([median for median, _ in PARTS.values()]),
        spread=np.array([spread for _, spread in PARTS.values()]),
        moves=np.array([[part in DEVIATIONS[d] for d in names] for part in PARTS], float),
        levels=tuple(deviations(spread) for _, spread in LEVELS.values()),
        own=deviations(OWN),
        along=scale * np.array(list(ALONG.values())),
        hidden=HIDDEN,
        normal=list(LEVELS).index(ODD),
    )


@dataclass(frozen=True)
class AtLoadFit:
    """The law with load, fitted to any number of configurations at once.

    Parameters
    ----------
    rows : DataFrame
        Rows of the fit, after ``serving.add_traits``.
    found : Mixed
        Factors and deviations.
    groups : tuple of Index
        Groups of each level.
    own : Index
        Configurations.
    protocols : Index
        Protocols, each with a scatter of its own.
    """

    rows: pd.DataFrame
    found: mixed.Mixed
    groups: tuple[pd.Index, ...]
    own: pd.Index
    protocols: pd.Index

    @classmethod
    def fit(cls, rows: pd.DataFrame) -> Self:
        """Fit to rows of schema ``throughput`` with both lengths, after ``serving.add_traits``."""
        return cls.fits(rows, (1.0,))[0]

    @classmethod
    def fits(cls, rows: pd.DataFrame, scales: Sequence[float]) -> list[Self]:
        """Fit to rows as for ``fit`` several times, to ask how much prior spreads matter.

        Parameters
        ----------
        rows : DataFrame
            The rows.
        scales : sequence of float
            Factors on the standard deviations of LEVELS, OWN and ALONG, one a fit. All but the
            first fit start from that. [1]
        """
        of_own = keys(rows, CONFIGURATION)
        number, own = pd.factorize(of_own)
        first = rows[~of_own.duplicated()]
        levels, protocol = _level_keys(first), keys(first, ["protocol"])
        groups = tuple(level.unique() for level in levels)
        places = np.stack([g.get_indexer(k) for g, k in zip(groups, levels, strict=True)], axis=1)
        kind = protocol.unique().get_indexer(protocol)[number]
        at_peak, log_time = _times_at_peak(rows), -np.log(rows["throughput_tps"].to_numpy(float))
        stand = mixed.Rows(_structure(1.0), places[number], number, _along_rows(rows))
        found: list[mixed.Mixed] = []
        for scale in scales:
            scaled = replace(stand, structure=_structure(scale))
            start = found[0].state if found else None
            found.append(mixed.fit(at_peak, log_time, scaled, kind, start=start))
        return [cls(rows, one, groups, own, protocol.unique()) for one in found]

    @cached_property
    def domain(self) -> Domain:
        """Lengths of all rows. [tokens]"""
        return length_range(self.rows)

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """Lengths of the rows of each network. [tokens]"""
        by_network = self.rows.groupby("network")[list(self.domain)]
        least, largest = (ends.to_dict("index") for ends in (by_network.min(), by_network.max()))
        return {
            str(name): {column: (low[column], largest[name][column]) for column in self.domain}
            for name, low in least.items()
        }

    @cached_property
    def laws(self) -> list[AtLoad]:
        """Laws of the configurations, each at its load, in order of first appearance."""
        number = pd.Series(configuration_number(self.rows))
        counts = number.value_counts()
        first = self.rows[~number.duplicated().to_numpy()]
        laws = self.laws_of(first)
        return [
            replace(law, n_rows=int(counts[k]))
            for law, k in zip(laws, number.unique(), strict=True)
        ]

    @cached_property
    def _asked(self) -> dict[str, AtLoad]:
        """Laws of configurations at a load, of which nothing is known besides the fit."""
        return {}

    def condition(self, rows: pd.DataFrame) -> AtLoad:
        """Law of a configuration, from what the fit knows of it and the rows measured of it.

        Parameters
        ----------
        rows : DataFrame
            One or more rows of one configuration, as for ``fit``, and not of the fit; only those
            with throughput_tps count as measured.
        """
        first = rows.iloc[:1]
        (asked,) = keys(first, [*CONFIGURATION, "concurrency"])
        # cross-validation asks for one configuration with one row of it known after the other
        law = self._asked.get(asked) or self._asked.setdefault(asked, self.laws_of(first)[0])
        known = rows[rows["throughput_tps"].notna()]
        if not len(known):
            return law
        log_time = -np.log(known["throughput_tps"].to_numpy(float))
        values, covariance = _update(law, _times_at_peak(known), _along_rows(known), log_time)
        factors, slopes = np.split(values, [len(PARTS)])
        return replace(
            law, log_factors=factors, slopes=slopes, covariance=covariance, n_rows=len(known)
        )

    def predict(self, rows: pd.DataFrame) -> tuple[Array, Array]:
        """Throughput [tokens/s] of rows as for ``fit``, and standard deviation of its logarithm."""
        number, means, covariances, scatter = self._factors(rows)
        factors, slopes = np.split(means[number], [len(PARTS)], axis=1)
        log_time, share = mixed.time_of(_times_at_peak(rows) * np.exp(factors), HIDDEN)
        along = _along_rows(rows)
        log_time = log_time + (along * slopes).sum(axis=1)
        change = np.concatenate([share, along], axis=1)
        half = (change[:, None] @ covariances[number])[:, 0]
        variance = (half * change).sum(axis=1)
        return np.exp(-log_time), np.sqrt(variance + scatter[number] ** 2)

    def _factors(self, rows: pd.DataFrame) -> tuple[Any, Array, Array, Array]:
        """Number of every row's configuration, and what is known of the configurations."""
        of_own = keys(rows, CONFIGURATION)
        (number, own), first = pd.factorize(of_own), rows[~of_own.duplicated()]
        levels = zip(self.groups, _level_keys(first), strict=True)
        groups = np.stack([g.get_indexer(k) for g, k in levels], axis=1)
        of_fit = self.own.get_indexer(own)
        # many layouts that were not measured have all their groups in common
        as_measured, of = np.unique(np.column_stack([groups, of_fit]), axis=0, return_inverse=True)
        alike = [self.found.of(place[:-1], int(place[-1])) for place in as_measured]
        known = [alike[k] for k in of]
        drawn = groups.copy()
        drawn[:, [list(LEVELS).index(level) for level in AT_A_LOAD_ALONE]] = -1
        for place in np.flatnonzero(self.unlike_finite(first, ["precision", "gpu"])):
            _, covariance = self.found.of(drawn[place], int(of_fit[place]))
            known[place] = known[place][0], covariance
        kind = self.protocols.get_indexer(keys(first, ["protocol"]))
        scatter = np.where(kind < 0, self.found.scatter.max(), self.found.scatter[kind])
        scatter = scatter * np.sqrt(mixed.TAIL / (mixed.TAIL - 2))
        means, covariances = (np.array(each) for each in zip(*known, strict=True))
        return number, means, covariances, scatter

    def unlike_finite(self, rows: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
        """Whether rows are finite runs, as none of the fit is that has the same in the columns."""
        finite = [table["protocol"].eq(AS_MANY_AS_FIT) for table in (rows, self.rows)]
        known = keys(self.rows[finite[1]], columns)
        return np.asarray(finite[0] & ~keys(rows, columns).isin(known), bool)

    def laws_of(self, rows: pd.DataFrame) -> list[AtLoad]:
        """Law of the configuration of each row, measured or not, at the row's load.

        Its domain is that of the rows of its network, as what other models were measured at says
        nothing of its lengths; of all rows if none is of it.
        """
        number, means, covariances, scatter = self._factors(rows)
        traits_of = [dict(zip(TRAITS, row, strict=True)) for row in rows[TRAITS].to_numpy(float)]
        domains = [self.domains.get(name, self.domain) for name in rows["network"]]
        of_rows = zip(traits_of, load_of(rows)[0], number, domains, strict=True)
        return [
            AtLoad(
                traits=traits,
                log_factors=means[k][: len(PARTS)],
                slopes=means[k][len(PARTS) :],
                covariance=covariances[k],
                scatter=float(scatter[k]),
                n_rows=0,
                domain=domain,
                concurrency=float(concurrency),
            )
            for traits, concurrency, k, domain in of_rows
        ]


def _update(law: AtLoad, at_peak: Array, along: Array, log_time: Array) -> tuple[Array, Array]:
    """Mean and covariance of factors and slopes of a law once rows of it are measured."""
    prior = np.linalg.inv(law.covariance)
    centre = np.concatenate([law.log_factors, law.slopes])
    values = centre
    for _ in range(UPDATES):
        log_fit, share = mixed.time_of(at_peak * np.exp(values[: len(PARTS)]), HIDDEN)
        change = np.concatenate([share, along], axis=1)
        error = log_fit + along @ values[len(PARTS) :] - log_time
        weighted = change.T / law.scatter**2
        covariance: Array = np.linalg.inv(prior + weighted @ change)
        values = values - covariance @ (weighted @ error + prior @ (values - centre))
    return values, covariance

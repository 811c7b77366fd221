"""The objects that the engines work with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from inference_energy.laws.base import Array, Domain, Law
from inference_energy.method.boundary import FACILITY, Boundary
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import FixedLength, OutputTokens
from inference_energy.rounding import ranking


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
    law : Law
        Throughput law.
    node_power : float
        Maximum power of the node. [kW]
    peak : float
        Largest benchmark. [tokens/s]
    uncertain : bool
        Whether the law's own error is a factor of the energy.
    parameters : float
        Total parameters; NaN if the benchmark table does not say. [billions]
    """

    name: str
    law: Law
    node_power: float
    peak: float
    uncertain: bool = False
    parameters: float = float("nan")

    @property
    def domain(self) -> Domain:
        """Range of the lengths that the law has seen. [tokens]"""
        return self.law.domain

    def throughput(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Output tokens per second of the node at the lengths [tokens]. [tokens/s]"""
        return self.law.predict(input_tokens, output_tokens)

    def error(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array | float:
        """Standard deviation of ln throughput that counts, at the lengths. [1]"""
        return self.law.sigma(input_tokens, output_tokens) if self.uncertain else 0.0

    def by_way(
        self, input_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> tuple[Array, Array, Array]:
        """Throughput [tokens/s], its error that counts [1] and power [kW] of every way to serve.

        Ways come first, before the axes of the lengths; powers are to be broadcast with them.
        """
        speeds, errors = self.law.by_way(input_tokens, output_tokens)
        powers = self.node_power * self.law.split()[1]
        powers = np.expand_dims(powers, tuple(range(1, speeds.ndim)))
        return speeds, errors if self.uncertain else np.zeros_like(speeds), powers


@dataclass(frozen=True, eq=False)
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
    trim: tuple[tuple[float, float], ...]
    ranked_by: str = "median"
    shares: str = "equal"

    @property
    def by_parameters(self) -> bool:
        """Whether it takes the number of parameters of the models."""
        return "parameters" in (self.ranked_by, self.shares)

    @property
    def levels(self) -> tuple[float, float]:
        """Lower and upper quantile level that successive trimming leaves of each model."""
        lower, upper = 0.0, 1.0
        for low, high in self.trim:
            lower, upper = lower + low * (upper - lower), lower + high * (upper - lower)
        return lower, upper

    def takes_all(self, count: int) -> bool:
        """Whether it takes so many models in equal shares, whatever their energies."""
        return self.models >= count and self.shares == "equal"

    def members(self, medians: ArrayLike, parameters: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
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
        medians = ranking(medians)
        rank = medians
        if self.ranked_by == "parameters":
            rank = np.broadcast_to(parameters, medians.shape)
        kept = np.argsort(-rank, axis=-1, kind="stable")[..., : self.models]
        largest_first = np.argsort(-np.take_along_axis(medians, kept, -1), axis=-1, kind="stable")
        places = np.take_along_axis(kept, largest_first, -1)
        shares = np.ones(places.shape)
        if self.shares == "parameters":
            shares = np.asarray(parameters)[places]
        elif self.shares == "median model":
            count = places.shape[-1]
            middle = np.isin(np.arange(count), [(count - 1) // 2, count // 2])
            shares = np.broadcast_to(middle, places.shape)
        return places, shares / shares.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Fleet:
    """Queries a day and what is added to (overhead) and saved from (improvement) their energy."""

    queries_per_day: float
    long_share: float
    overhead: Mapping[str, float]
    improvement: Mapping[str, LogNormal]


@dataclass(frozen=True)
class MonteCarlo:
    """Seed, samples per model and bootstrap resamples of the released code."""

    seed: int
    samples: int
    bootstrap: int
    published_tokens: Mapping[str, str]


class Charging(Protocol):
    """What turns the node time of a query into energy; a method has it, and a deployment."""

    @property
    def power_utilisation(self) -> LogNormal | Coupling:
        """Share of the node's power that is drawn. [1]"""

    @property
    def pue(self) -> LogNormal:
        """Facility energy over IT energy. [1]"""

    @property
    def boundary(self) -> Boundary:
        """Where the energy is counted."""

    @property
    def input_tokens_per_output_token(self) -> float | None:
        """Input tokens that are charged as one output token; none: input is not charged. [1]"""


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that an engine needs of a method and its benchmark rows.

    ``boundary`` is where its energies are counted; that of a method file is the facility.
    """

    models: tuple[ServedModel, ...]
    power_utilisation: LogNormal | Coupling
    pue: LogNormal
    regimes: Mapping[str, Regime]
    input_tokens_per_output_token: float | None
    blend: Blend
    pathways: Mapping[str, LogNormal]
    fleet: Fleet
    monte_carlo: MonteCarlo
    boundary: Boundary = FACILITY


TRIMMED = "frontier blend"


UNTRIMMED = "frontier blend untrimmed"


def fixed_regime(input_tokens: float, output_tokens: float) -> Regime:
    """Return the regime of queries that all have these lengths [tokens]."""
    return Regime("fixed", FixedLength(float(output_tokens)), float(input_tokens))


def extrapolates(model: ServedModel, input_tokens: ArrayLike, output_tokens: ArrayLike) -> bool:
    """Whether any of the lengths [tokens] is outside those that a model's law was fitted to."""
    return bool(np.any(model.law.extrapolates(input_tokens, output_tokens)))

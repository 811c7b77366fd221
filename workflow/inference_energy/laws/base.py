"""What a throughput law is, and what a fit of one gives."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

Domain = dict[str, tuple[float, float]]
"""Smallest and largest input_tokens and output_tokens. [tokens]"""

LENGTH_FLOOR = 1.0
"""Shorter lengths have the throughput of this one: an answer of no tokens is possible, and what it
is charged must not grow beyond bounds. [tokens]"""


def everywhere() -> Domain:
    """Domain of a law that holds at all lengths."""
    return {"input_tokens": (0.0, np.inf), "output_tokens": (0.0, np.inf)}


def at_lengths(value: float, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
    """One value in the broadcast shape of the lengths."""
    return np.full(np.broadcast_shapes(np.shape(input_tokens), np.shape(output_tokens)), value)


class Share(NamedTuple):
    """Queries of a model that are served in one way.

    Parameters
    ----------
    weight : float
        Their share of the model's queries. [1]
    power : float
        Power of the node that serves them, over what its model states. [1]
    law : Law
        Throughput of that node.
    node, engine : str
        Its GPUs with the format of the weights, and the serving software.
    load : float
        Requests that the node is given at once; NaN where the law does not know load.
    copies : float
        Copies of the model on the node, which the load is spread over.
    accelerators : float
        Power of the node's accelerators, over what the model states of the node; NaN where no law
        of power says it. [1]
    beyond : float
        Standard deviation of the logarithm of that power which the node's does not have. [1]
    """

    weight: float
    power: float
    law: "Law"
    node: str = ""
    engine: str = ""
    load: float = np.nan
    copies: float = 1.0
    accelerators: float = np.nan
    beyond: float = 0.0


class Parts(NamedTuple):
    """Node time of a query by what it is spent on. [s]"""

    prefill: Array
    cached: Array
    decode: Array


class Law(Protocol):
    """Output tokens per second of a node, as a function of a query's lengths.

    Lengths [tokens] broadcast together. A law is a frozen dataclass that subclasses this one.

    Attributes
    ----------
    name : str
        Key of the registry.
    domain : Domain
        Lengths that the law was fitted to.
    n_rows : int
        Rows of the configuration that the law has seen.
    """

    name: str
    domain: Domain
    n_rows: int

    @abstractmethod
    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] at the lengths [tokens]."""
        raise NotImplementedError

    @abstractmethod
    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput [1] of a new measurement at the lengths [tokens]."""
        raise NotImplementedError

    @abstractmethod
    def terms(self) -> list[tuple[str, float, str]]:
        """Coefficients as (term, value, unit)."""
        raise NotImplementedError

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """Law of ``factor`` [1] times the throughput at all lengths."""
        raise NotImplementedError

    def kinks(self, input_tokens: float) -> tuple[float, ...]:
        """Output lengths [tokens] at which the law has a kink; none if it is smooth."""
        return ()

    def shares(self) -> tuple[Share, ...]:
        """Ways in which the model is served, one unless a law pools several."""
        return (Share(1.0, 1.0, self),)

    def split(self) -> tuple[Array, Array]:
        """Weight and relative power of every one of the shares. [1]"""
        ways = self.shares()
        return np.array([way.weight for way in ways]), np.array([way.power for way in ways])

    @classmethod
    def joined(cls, laws: Sequence["Law"]) -> "Joined":
        """Several laws of this class.

        A class that can answer for all of them at once saves most of the time.
        """
        return OneByOne(laws)

    def by_way(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """Throughput [tokens/s] and its error [1] of every one of the shares, which come first."""
        return joined([way.law for way in self.shares()]).rates(input_tokens, output_tokens)

    def closed_form(self) -> dict[str, Any] | None:
        """Kind and coefficients, if a page can compute the law from them; none if it cannot."""
        return None

    def released(self) -> Self:
        """Law as the paper's released code has it; itself unless that differs."""
        return self

    def uncapped(self) -> Self:
        """Law that may exceed the largest throughput measured; itself if nothing caps it."""
        return self

    @property
    def knows_load(self) -> bool:
        """Whether ``at`` changes anything."""
        return False

    def at(self, concurrency: ArrayLike, requests: ArrayLike = np.inf) -> Self:
        """Law of the same configuration at a load; itself if it does not know load.

        Parameters
        ----------
        concurrency : array_like
            Requests that a copy of the model is given at once; infinite for as many as fit.
        requests : array_like
            Requests of the whole run; infinite for one without end.
        """
        return self

    @property
    def knows_accelerators(self) -> bool:
        """Whether every share says what the accelerators of its node draw."""
        return False

    def of_accelerators(self) -> Self:
        """Law whose shares have the power of their accelerators alone; itself if it knows none."""
        return self

    def around(self, load: float) -> Self:
        """Law of a model whose loads have this geometric mean; itself if it does not know load.

        Parameters
        ----------
        load : float
            Between the smallest and the largest load of the shares. [requests on a node]
        """
        return self

    def seconds(
        self,
        input_tokens: ArrayLike,
        output_tokens: ArrayLike,
        cached_tokens: ArrayLike = 0.0,
    ) -> Array:
        """Node time of a query, some of whose input is found in the cache.

        A law that cannot tell the parts of the time apart takes cached input for free, which is a
        lower bound.

        Parameters
        ----------
        input_tokens, output_tokens : array_like
            Lengths of the query. [tokens]
        cached_tokens : array_like
            Input tokens that need not be computed again. [tokens]

        Returns
        -------
        ndarray
            [s]
        """
        computed = np.subtract(input_tokens, cached_tokens)
        return np.divide(output_tokens, self.predict(computed, output_tokens))

    def parts(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Parts:
        """Node time of a query by what it is spent on, as differences of ``seconds``.

        Parameters
        ----------
        input_tokens, cached_tokens, output_tokens : array_like
            Lengths; cached tokens are part of the input. [tokens]

        Returns
        -------
        Parts
            ``prefill``: what computing the input that is not cached adds, and what every prefill
            takes, if the law tells that; ``cached``: what the cached input adds, by being attended
            to and read; ``decode``: the rest. They add up to ``seconds``. [s]
        """
        whole = self.seconds(input_tokens, output_tokens, cached_tokens)
        computed = np.subtract(input_tokens, cached_tokens)
        without_cached = self.seconds(computed, output_tokens)
        cached = np.clip(whole - without_cached, 0.0, whole)
        prefill = without_cached - self.seconds(computed, output_tokens, computed)
        prefill = np.clip(prefill, 0.0, whole - cached)
        return Parts(prefill, cached, whole - cached - prefill)

    def parts_sigma(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Parts:
        """Standard deviation of ln of every time of :meth:`parts`. [1]

        A law that cannot tell the errors of the parts apart gives each that of the whole, as if all
        were off by one factor.

        Parameters
        ----------
        input_tokens, cached_tokens, output_tokens : array_like
            Lengths as for :meth:`parts`. [tokens]
        """
        computed = np.subtract(input_tokens, cached_tokens)
        error = self.sigma(computed, output_tokens)
        shape = np.broadcast_shapes(np.shape(computed), np.shape(output_tokens))
        whole = np.broadcast_to(error, shape)
        return Parts(whole, whole, whole)

    def extrapolates(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> NDArray[np.bool_]:
        """Whether either of the lengths [tokens] lies outside the domain."""
        lengths = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        beyond = [
            (np.asarray(length) < self.domain[name][0])
            | (np.asarray(length) > self.domain[name][1])
            for name, length in lengths.items()
        ]
        return np.logical_or(*beyond)


class Fit(Protocol):
    """A law fitted to a table of configurations."""

    @property
    def laws(self) -> Sequence[Law | None]:
        """Laws of the configurations, in order of first appearance; none of too few rows."""

    def condition(self, rows: pd.DataFrame) -> Law | None:
        """Law of a configuration that was not in the fit; none if too little is known of it.

        Parameters
        ----------
        rows : DataFrame
            Rows of one configuration; only those with throughput_tps count as measured.
        """


class LoadedFit(Fit, Protocol):
    """A fit whose laws know load: it has one for every configuration that rows describe."""

    def laws_of(self, rows: pd.DataFrame) -> Sequence[Law]:
        """Law of the configuration of each row, measured or not, at the row's load."""


class Joined(Protocol):
    """Several laws that are asked the same; their axis comes first in every answer."""

    @abstractmethod
    def at(self, concurrency: Array) -> Self:
        """The laws at a load each, shape (laws,). [requests that a copy is given at once]"""
        raise NotImplementedError

    @abstractmethod
    def rates(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """Throughput [tokens/s] and its error [1] at the lengths [tokens]."""
        raise NotImplementedError

    @abstractmethod
    def rates_of(
        self, place: NDArray[np.int64], input_tokens: float, output_tokens: Array
    ) -> tuple[Array, Array]:
        """Throughput [tokens/s] and its error [1] of queries that one of the laws serves each.

        Parameters
        ----------
        place : ndarray of int, shape (n,)
            Place of every query's law.
        input_tokens, output_tokens : float; ndarray, shape (n,)
            Lengths. [tokens]
        """
        raise NotImplementedError

    @abstractmethod
    def seconds(
        self, input_tokens: ArrayLike, output_tokens: ArrayLike, cached_tokens: ArrayLike
    ) -> Array:
        """Node time [s] of a query as of :meth:`Law.seconds`."""
        raise NotImplementedError

    @abstractmethod
    def parts(
        self, input_tokens: float, cached_tokens: float, output_tokens: float
    ) -> tuple[Array, Array]:
        """Times of :meth:`Law.parts` [s] and their errors [1], shape (laws, 3)."""
        raise NotImplementedError


@dataclass(frozen=True)
class OneByOne(Joined):
    """Several laws, asked one after the other.

    Parameters
    ----------
    laws : sequence of Law
    """

    laws: Sequence[Law]

    def at(self, concurrency: Array) -> Self:
        """As of any laws."""
        loaded = [law.at(load) for law, load in zip(self.laws, concurrency, strict=True)]
        return replace(self, laws=loaded)

    def rates(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """As of any laws."""
        shape = np.broadcast_shapes(np.shape(input_tokens), np.shape(output_tokens))
        speeds = [law.predict(input_tokens, output_tokens) for law in self.laws]
        errors = [law.sigma(input_tokens, output_tokens) for law in self.laws]
        return np.array(speeds), np.array([np.broadcast_to(error, shape) for error in errors])

    def rates_of(
        self, place: NDArray[np.int64], input_tokens: float, output_tokens: Array
    ) -> tuple[Array, Array]:
        """As of any laws."""
        speed, error = np.empty(len(place)), np.empty(len(place))
        for k, law in enumerate(self.laws):
            own = place == k
            (speed[own],), (error[own],) = law.by_way(input_tokens, output_tokens[own])
        return speed, error

    def seconds(
        self, input_tokens: ArrayLike, output_tokens: ArrayLike, cached_tokens: ArrayLike
    ) -> Array:
        """As of any laws."""
        times = [law.seconds(input_tokens, output_tokens, cached_tokens) for law in self.laws]
        return np.array(times)

    def parts(
        self, input_tokens: float, cached_tokens: float, output_tokens: float
    ) -> tuple[Array, Array]:
        """As of any laws."""
        lengths = (input_tokens, cached_tokens, output_tokens)
        found = [(law.parts(*lengths), law.parts_sigma(*lengths)) for law in self.laws]
        seconds, sigma = np.moveaxis(np.array(found, float), 1, 0)
        return seconds, sigma


def joined(laws: Sequence[Law]) -> Joined:
    """Several laws, which answer at once if they are of one class that can."""
    kinds = {type(law) for law in laws}
    kind = kinds.pop() if len(kinds) == 1 else Law
    return kind.joined(laws)


def shapes_and_throughput(rows: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Input tokens, output tokens [tokens] and throughput [tokens/s] of the rows."""
    columns = ("input_tokens", "output_tokens", "throughput_tps")
    n_in, n_out, tps = (rows[column].to_numpy(float) for column in columns)
    return n_in, n_out, tps


def left_out_sigma(
    fit: Callable[[Array, Array, Array], Law], minimum_rows: int, rows: pd.DataFrame
) -> float:
    """Root mean square of ln(predicted/actual), every row predicted from the others.

    Parameters
    ----------
    fit : callable
        Makes a law from input tokens, output tokens and throughput of rows.
    minimum_rows : int
        Rows that it needs.
    rows : DataFrame
        Rows of one configuration. With no row to spare the fit's own residuals are used, which
        are zero where the law goes through every row.

    Returns
    -------
    float
        [ln(tokens/s)]
    """
    n_in, n_out, tps = shapes_and_throughput(rows)
    spare = len(rows) > minimum_rows
    errors = []
    for i in range(len(rows)):
        used = np.arange(len(rows)) != i if spare else slice(None)
        law = fit(n_in[used], n_out[used], tps[used])
        errors.append(np.log(law.predict(n_in[i], n_out[i]) / tps[i]))
    return float(np.sqrt(np.mean(np.square(errors))))

"""Output tokens of a query: one class per family of lengths, and the registry of families.

A new family is a class that gives its distribution before rounding and a line of ``FAMILIES``; its
fields are named as the keys of the method file.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

# its parts are loaded where they are first used: every run reads this module before it plans
import scipy
from numpy.typing import ArrayLike, NDArray

from inference_energy.documents import near
from inference_energy.errors import InputError
from inference_energy.method import quadrature

Floats = NDArray[np.floating[Any]]

TAIL = 1e-14
"""Share of the queries beyond the longest length that is counted. [1]"""

REDRAWN_FROM = 0.5
"""Share of the lengths that reach the minimum from which the others are drawn again [1]: the
released code's way, which takes ever more rounds the fewer they are."""

MOST_CUT = 0.2
"""Share of a log-t's lengths that its maximum may cut, before the others move to keep the median
[1]: from a quarter on there may be no log-t of that median, as its lower tail is heavy too."""

CONTEXT = 1e7
"""Largest context of a model on sale: Llama 4 Scout. [tokens]"""

MOST_BEYOND = 1e-3
"""Share of the queries that may be longer than it. [1]"""

LEAST_ABOVE = 1e-6
"""Share of the queries that has to reach the minimum: fewer are no distribution to speak of. [1]"""


NEAREST = 1e-6
"""Part of the median that a maximum is above it at least [1]: of less, rounding decides what is
left between them."""

RISE = 1e-9
"""np.interp needs rising lengths: ties of a trace get a rise far below one token. [tokens]"""


class OutputTokens(ABC):
    """Whole numbers of output tokens that a query can have. [tokens]"""

    @abstractmethod
    def median_length(self) -> float:
        """Median of the length before rounding. [tokens]"""

    @abstractmethod
    def median_occurring(self) -> float:
        """Median of the lengths before rounding that reach the minimum. [tokens]"""

    @abstractmethod
    def share_above(self, length: float) -> float:
        """Share of the queries that occur, longer than ``length`` [tokens]. [1]"""

    @property
    @abstractmethod
    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Lengths that can occur and their probabilities, two arrays of shape (n,)."""

    @abstractmethod
    def nodes(
        self, breaks: Iterable[float] = (), width: float = 0.125
    ) -> tuple[np.ndarray, np.ndarray]:
        """Quadrature of any smooth function of ln L: lengths and weights, shape (m,), m << n.

        Parameters
        ----------
        breaks : iterable of float
            Lengths at which the function has a kink (a capped throughput). [tokens]
        width : float
            Width in ln L over which the function must be smooth. [1]
        """

    @abstractmethod
    def sample(self, generator: np.random.RandomState, n: int) -> np.ndarray:
        """Draw ``n`` whole numbers of tokens."""

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """Lengths that are all ``factor`` times as long before rounding."""

    @abstractmethod
    def with_median(self, median: float) -> Self:
        """Lengths of the same shape around another median [tokens]."""

    def quantile(self, level: ArrayLike) -> Floats:
        """Smallest number of tokens whose distribution function reaches ``level``."""
        lengths, weights = self.support
        place = np.searchsorted(np.cumsum(weights), np.asarray(level) - 1e-15)
        # the weights' sum may miss one by a rounding error
        return lengths[np.minimum(place, len(lengths) - 1)]

    def mean_and_std(self) -> tuple[float, float]:
        """Mean and standard deviation of the rounded length. [tokens]"""
        lengths, weights = self.support
        mean = float(weights @ lengths)
        return mean, float(np.sqrt(weights @ (lengths - mean) ** 2))


@dataclass(frozen=True)
class FixedLength(OutputTokens):
    """All queries have the same number of output tokens.

    Parameters
    ----------
    tokens : float
        Output tokens. [tokens]
    """

    tokens: float

    def median_length(self) -> float:
        """Return the length. [tokens]"""
        return self.tokens

    def median_occurring(self) -> float:
        """Return the length. [tokens]"""
        return self.tokens

    def share_above(self, length: float) -> float:
        """Return all or none. [1]"""
        return float(self.tokens > length)

    @property
    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """The length and its probability, two arrays of one."""
        return np.array([float(self.tokens)]), np.ones(1)

    def nodes(
        self, breaks: Iterable[float] = (), width: float = 0.125
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the support: one length needs no quadrature."""
        return self.support

    def sample(self, generator: np.random.RandomState, n: int) -> np.ndarray:
        """Return the length ``n`` times; nothing is drawn."""
        return np.full(n, float(self.tokens))

    def scaled(self, factor: float) -> Self:
        """Return the length times a factor [1]."""
        return replace(self, tokens=factor * self.tokens)

    def with_median(self, median: float) -> Self:
        """Return another length [tokens]."""
        return replace(self, tokens=median)


@dataclass(frozen=True)
class RoundedLengths(OutputTokens):
    """A continuous length, rounded half to even.

    Parameters
    ----------
    minimum : int
        Shorter queries do not occur: the distribution is that of the others. [tokens]
    """

    _: KW_ONLY
    minimum: int = 0

    @classmethod
    def of(cls, quantity: Mapping[str, Any], traces: Mapping[str, ArrayLike]) -> Self:
        """Build from a section of the method file, whose keys are the fields.

        Parameters
        ----------
        quantity : mapping
            The section.
        traces : mapping of str to array_like
            Quantiles of output tokens of each trace at evenly spaced levels. [tokens]

        Raises
        ------
        InputError
            If the section names a trace that is not in ``traces``.
        """
        names = [field.name for field in fields(cls)]
        return cls(**{name: quantity[name] for name in names if name in quantity})

    def problems(self) -> Iterator[str]:
        """What its values cannot be together, each from the key on, one sentence each."""
        yield from ()

    @abstractmethod
    def cdf(self, length: ArrayLike) -> Floats:
        """Distribution function of the length before rounding, at ``length`` [tokens]."""

    @abstractmethod
    def survival(self, length: ArrayLike) -> Floats:
        """Share of the queries that are longer than ``length`` [tokens] before rounding."""

    @abstractmethod
    def exceeded_by(self, share: ArrayLike) -> Floats:
        """Length before rounding that a share [1] of the queries exceeds. [tokens]"""

    @property
    def reach(self) -> float:
        """Share of the lengths that reach the minimum. [1]"""
        return float(self.survival(self.minimum - 0.5))

    @property
    def beyond_context(self) -> float:
        """Share of the queries that no model's context holds. [1]"""
        return self.share_above(CONTEXT)

    def share_above(self, length: float) -> float:
        """Share of the queries that occur, longer than ``length`` [tokens]. [1]"""
        reach = self.reach
        return min(1.0, float(self.survival(length)) / reach) if reach > 0 else 0.0

    @property
    def longest(self) -> float:
        """Length before rounding that next to no query exceeds. [tokens]"""
        return float(self.exceeded_by(TAIL))

    def median_length(self) -> float:
        """Median of the length before rounding, longer than the minimum or not. [tokens]"""
        return float(self.exceeded_by(0.5))

    def median_occurring(self) -> float:
        """Median of the lengths before rounding that reach the minimum. [tokens]"""
        reach = self.reach
        return self.median_length() if reach >= 1 else float(self.exceeded_by(0.5 * reach))

    def _minimum_times(self, factor: float) -> int:
        """Minimum of lengths that are ``factor`` times as long: of the same queries. [tokens]"""
        # lengths from half a token below it on are rounded to it, and are scaled too
        return max(int(factor * (self.minimum - 0.5) + 0.5), 0)

    def with_median(self, median: float) -> Self:
        """Return scaled lengths with another median [tokens], and the same minimum."""
        return replace(self.scaled(median / self.median_length()), minimum=self.minimum)

    @property
    def support(self) -> tuple[np.ndarray, np.ndarray]:
        """Lengths that can occur and their probabilities, :func:`quadrature.support`."""
        return quadrature.support(self)

    def nodes(
        self, breaks: Iterable[float] = (), width: float = 0.125
    ) -> tuple[np.ndarray, np.ndarray]:
        """Quadrature of any smooth function of ln L, :func:`quadrature.nodes`."""
        finite = tuple(sorted(float(b) for b in breaks if np.isfinite(b)))
        return quadrature.nodes(self, finite, width)

    def sample(self, generator: np.random.RandomState, n: int) -> np.ndarray:
        """Draw ``n`` whole numbers of tokens.

        Those below the minimum are drawn again, as the released code does, where at most half of
        them are; else the lengths are drawn from those that reach it.
        """
        reach = self.reach
        if reach < REDRAWN_FROM:
            lengths = self.exceeded_by(reach * (1 - generator.random_sample(n)))
            return np.maximum(np.round(lengths), float(self.minimum))
        lengths = np.round(self._draw(generator, n))
        while (short := lengths < self.minimum).any():
            lengths[short] = np.round(self._draw(generator, int(short.sum())))
        return lengths

    def _draw(self, generator: np.random.RandomState, n: int) -> np.ndarray:
        return self.exceeded_by(1 - generator.random_sample(n))


@dataclass(frozen=True)
class _ByMedian(RoundedLengths):
    """A family whose lengths are those of one shape, scaled to a median."""

    median: float

    def median_length(self) -> float:
        return self.median

    def scaled(self, factor: float) -> Self:
        return replace(self, median=factor * self.median, minimum=self._minimum_times(factor))

    def with_median(self, median: float) -> Self:
        return replace(self, median=median)


@dataclass(frozen=True)
class ExponentialLengths(_ByMedian):
    """The paper's lengths: exponential.

    Parameters
    ----------
    median : float
        [tokens]
    """

    @property
    def _mean(self) -> float:
        return self.median / np.log(2)

    def cdf(self, length: ArrayLike) -> Floats:
        """``1 - exp(-L / mean)``."""
        return -np.expm1(-np.maximum(length, 0) / self._mean)

    def survival(self, length: ArrayLike) -> Floats:
        """``exp(-L / mean)``."""
        return np.exp(-np.maximum(length, 0) / self._mean)

    def exceeded_by(self, share: ArrayLike) -> Floats:
        """``-mean ln share``."""
        return -self._mean * np.log(share)

    def _draw(self, generator: np.random.RandomState, n: int) -> np.ndarray:
        # consumes the generator exactly as the released code does
        return generator.exponential(self._mean, n)


@dataclass(frozen=True)
class LogNormalLengths(_ByMedian):
    """Log-normal lengths.

    Parameters
    ----------
    median : float
        [tokens]
    sigma : float
        Standard deviation of the logarithm. [1]
    """

    sigma: float

    def _normal(self, length: ArrayLike) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(length, 0) / self.median) / self.sigma

    def cdf(self, length: ArrayLike) -> Floats:
        """Normal in ln L."""
        return scipy.special.ndtr(self._normal(length))

    def survival(self, length: ArrayLike) -> Floats:
        """Normal in ln L."""
        return scipy.special.ndtr(-self._normal(length))

    def exceeded_by(self, share: ArrayLike) -> Floats:
        """Normal quantile in ln L."""
        return self.median * np.exp(-self.sigma * scipy.special.ndtri(np.asarray(share, float)))


@dataclass(frozen=True)
class GammaLengths(_ByMedian):
    """Gamma lengths.

    Parameters
    ----------
    median : float
        [tokens]
    shape : float
        Shape; one is an exponential. [1]
    """

    shape: float

    @cached_property
    def _scale(self) -> float:
        return self.median / float(scipy.special.gammaincinv(self.shape, 0.5))

    def cdf(self, length: ArrayLike) -> Floats:
        """Regularised lower incomplete gamma function."""
        return scipy.special.gammainc(self.shape, np.maximum(length, 0) / self._scale)

    def survival(self, length: ArrayLike) -> Floats:
        """Regularised upper incomplete gamma function."""
        return scipy.special.gammaincc(self.shape, np.maximum(length, 0) / self._scale)

    def exceeded_by(self, share: ArrayLike) -> Floats:
        """Inverse of the regularised upper incomplete gamma function."""
        return self._scale * scipy.special.gammainccinv(self.shape, np.asarray(share, float))


@dataclass(frozen=True)
class UniformLengths(RoundedLengths):
    """Uniform lengths.

    They are so before rounding: an end that is a whole number is half as frequent as the numbers
    between.

    Parameters
    ----------
    shortest, maximum : float
        Ends. [tokens]
    """

    shortest: float
    maximum: float

    def problems(self) -> Iterator[str]:
        """Yield a problem if the ends are not in order."""
        if not self.shortest < self.maximum:
            yield (
                f"maximum: value {self.maximum:g}: allowed is above shortest, which is"
                f" {self.shortest:g}; raise it or lower shortest"
            )
        elif self.shortest + self.maximum < 2:
            yield (
                f"maximum: value {self.maximum:g}: allowed is at least {2 - self.shortest:g}, for a"
                " median of at least one token; raise it"
            )

    @property
    def _width(self) -> float:
        return self.maximum - self.shortest

    def cdf(self, length: ArrayLike) -> Floats:
        """Rises evenly between the ends."""
        return np.clip((np.asarray(length, float) - self.shortest) / self._width, 0, 1)

    def survival(self, length: ArrayLike) -> Floats:
        """Falls evenly between the ends."""
        return np.clip((self.maximum - np.asarray(length, float)) / self._width, 0, 1)

    def exceeded_by(self, share: ArrayLike) -> Floats:
        """``maximum - share (maximum - shortest)``."""
        return self.maximum - np.asarray(share, float) * self._width

    def scaled(self, factor: float) -> Self:
        """Return lengths with both ends times a factor [1]."""
        return replace(
            self,
            shortest=factor * self.shortest,
            maximum=factor * self.maximum,
            minimum=self._minimum_times(factor),
        )


@dataclass(frozen=True)
class _UpTo(_ByMedian):
    """A family with a tail too heavy to be summed, truncated at a largest length.

    The median is that of the truncated lengths. Scaled lengths have a scaled largest one.
    """

    maximum: float

    def scaled(self, factor: float) -> Self:
        return replace(super().scaled(factor), maximum=factor * self.maximum)

    def with_median(self, median: float) -> Self:
        return replace(self.scaled(median / self.median), median=median, minimum=self.minimum)

    def problems(self) -> Iterator[str]:
        if not self.median * (1 + NEAREST) < self.maximum:
            yield (
                f"maximum: value {self.maximum:g}: allowed is above the median, which is"
                f" {self.median:g}; raise it or lower the median"
            )


@dataclass(frozen=True)
class ParetoLengths(_UpTo):
    """Pareto lengths, truncated at the maximum: no query is longer, and none is put there instead.

    With the share ``q = (maximum / median)**-a`` and an exponent a the shortest length is
    ``median (2 - q)**(-1/a)``, so that the median is that of the truncated lengths.

    Parameters
    ----------
    median : float
        [tokens]
    maximum : float
        Largest length. [tokens]
    exponent : float
        Power of the length with which the share of longer queries falls, were there no maximum. [1]
    """

    exponent: float

    @property
    def _cut(self) -> float:
        """Power of the largest length, over that of the median. [1]"""
        return float((self.maximum / self.median) ** -self.exponent)

    def _power(self, length: ArrayLike) -> Floats:
        """Power of the length, over that of the median, between those of the ends. [1]"""
        with np.errstate(divide="ignore"):
            power = (np.maximum(length, 0) / self.median) ** -self.exponent
        return np.clip(power, self._cut, 2 - self._cut)

    def cdf(self, length: ArrayLike) -> Floats:
        """``(2 - q - (L / median)**-a) / (2 - 2 q)``."""
        return (2 - self._cut - self._power(length)) / (2 - 2 * self._cut)

    def survival(self, length: ArrayLike) -> Floats:
        """``((L / median)**-a - q) / (2 - 2 q)``."""
        return (self._power(length) - self._cut) / (2 - 2 * self._cut)

    def exceeded_by(self, share: ArrayLike) -> Floats:
        """``median (q + share (2 - 2 q))**(-1/a)``."""
        power = self._cut + np.asarray(share, float) * (2 - 2 * self._cut)
        return self.median * power ** (-1 / self.exponent)


@dataclass(frozen=True)
class LogTLengths(_UpTo):
    """Lengths whose logarithm is Student's t, truncated at the maximum: no query is longer.

    Answers of next to no tokens are as frequent as the t is heavy below, unless a minimum leaves
    them out.

    Parameters
    ----------
    median : float
        [tokens]
    maximum : float
        Largest length. [tokens]
    sigma : float
        Scale of the logarithm. [1]
    degrees_of_freedom : float
        Of Student's t; the fewer, the heavier the tails. [1]
    """

    sigma: float
    degrees_of_freedom: float

    def problems(self) -> Iterator[str]:
        """Yield a problem if the maximum is so near that no log-t may have the median."""
        least = self.sigma * -float(scipy.special.stdtrit(self.degrees_of_freedom, MOST_CUT))
        if np.log(self.maximum / self.median) < least:
            yield (
                f"maximum: value {self.maximum:g}: allowed is at least"
                f" {np.ceil(self.median * np.exp(least)):g}, which a share of {MOST_CUT:g} of the"
                " queries of this median would exceed without it; raise it, or lower the median or"
                " sigma"
            )

    @property
    def _reach(self) -> float:
        """From the median to the largest length, in scales of the logarithm. [1]"""
        return float(np.log(self.maximum / self.median)) / self.sigma

    @cached_property
    def _median_t(self) -> float:
        """Student's t at the median: its distribution function is half of that at the maximum."""

        def excess(t: float) -> float:
            return float(self._below(t + self._reach) - 2 * self._below(t))

        return float(scipy.optimize.brentq(excess, -self._reach, 0, xtol=1e-15))

    def _below(self, t: ArrayLike) -> Floats:
        return scipy.special.stdtr(self.degrees_of_freedom, np.asarray(t, float))

    @property
    def _kept(self) -> float:
        """Share that the truncation leaves. [1]"""
        return float(self._below(self._median_t + self._reach))

    @property
    def _cut(self) -> float:
        """Share that the truncation leaves out. [1]"""
        return float(self._below(-self._median_t - self._reach))

    def _t(self, length: ArrayLike) -> Floats:
        with np.errstate(divide="ignore"):
            log = np.log(np.clip(length, 0, self.maximum) / self.median)
        return self._median_t + log / self.sigma

    def cdf(self, length: ArrayLike) -> Floats:
        """Student's t in ln L, over its share below the maximum."""
        return self._below(self._t(length)) / self._kept

    def survival(self, length: ArrayLike) -> Floats:
        """Student's t in ln L from above, without its share beyond the maximum."""
        return np.maximum(self._below(-self._t(length)) - self._cut, 0) / self._kept

    def exceeded_by(self, share: ArrayLike) -> Floats:
        """Quantile of Student's t in ln L."""
        beyond = np.minimum(self._cut + np.asarray(share, float) * self._kept, 1)
        t = -scipy.special.stdtrit(self.degrees_of_freedom, beyond)
        return np.minimum(self.median * np.exp(self.sigma * (t - self._median_t)), self.maximum)


@dataclass(frozen=True)
class EmpiricalLengths(RoundedLengths):
    """Observed lengths, linear between their quantiles.

    Parameters
    ----------
    quantiles : tuple of float
        At evenly spaced levels from 0 to 1. [tokens]
    """

    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, quantity: Mapping[str, Any], traces: Mapping[str, ArrayLike]) -> Self:
        """Build from a section of the method file that names a trace."""
        if quantity["trace"] not in traces:
            raise InputError(
                f"key output_tokens.trace: value {quantity['trace']}: unknown trace;"
                f" allowed are {', '.join(sorted(traces)) or 'none, as no trace table was given'};"
                f" correct the name{near(quantity['trace'], sorted(traces))}"
            )
        quantiles = np.asarray(traces[quantity["trace"]], float)
        observed = cls(tuple(quantiles.tolist()), minimum=quantity.get("minimum", 0))
        observed = observed.with_median(quantity["median"]) if "median" in quantity else observed
        beyond = observed.beyond_context
        if not beyond <= MOST_BEYOND:
            raise InputError(
                f"key output_tokens.median: value {observed.median_length():g}: {beyond:.2g} of the"
                f" queries are then longer than {CONTEXT:g} tokens; allowed is at most"
                f" {MOST_BEYOND:g}, as that is the largest context of a model on sale; lower it"
            )
        if not observed.reach >= LEAST_ABOVE:
            raise InputError(
                f"key output_tokens.minimum: value {observed.minimum}: no query of the trace"
                f" {quantity['trace']} is so long; allowed is at most {observed.longest:.0f}; lower"
                " it"
            )
        return observed

    def median_length(self) -> float:
        """Median of the quantiles. [tokens]"""
        return float(np.median(self.quantiles))

    @cached_property
    def _curve(self) -> tuple[np.ndarray, np.ndarray]:
        rising = np.maximum.accumulate(np.asarray(self.quantiles, float))
        return rising + np.arange(len(rising)) * RISE, np.linspace(0, 1, len(rising))

    @property
    def longest(self) -> float:
        """The last quantile. [tokens]"""
        return float(self._curve[0][-1])

    def cdf(self, length: ArrayLike) -> Floats:
        """Level, linear between the quantiles."""
        return np.interp(np.asarray(length, float), *self._curve, left=0.0, right=1.0)

    def survival(self, length: ArrayLike) -> Floats:
        """Level from above, linear between the quantiles."""
        return 1 - self.cdf(length)

    def exceeded_by(self, share: ArrayLike) -> Floats:
        """Quantile at one minus the share."""
        return np.interp(1 - np.asarray(share, float), *self._curve[::-1])

    def _draw(self, generator: np.random.RandomState, n: int) -> np.ndarray:
        return np.interp(generator.random_sample(n), *self._curve[::-1])

    def scaled(self, factor: float) -> Self:
        """Return lengths with every quantile times a factor [1]."""
        quantiles = tuple(factor * quantile for quantile in self.quantiles)
        return replace(self, quantiles=quantiles, minimum=self._minimum_times(factor))


FAMILIES: dict[str, type[RoundedLengths]] = {
    "exponential": ExponentialLengths,
    "log-normal": LogNormalLengths,
    "gamma": GammaLengths,
    "uniform": UniformLengths,
    "pareto": ParetoLengths,
    "log-t": LogTLengths,
    "empirical": EmpiricalLengths,
}
"""Name of a family in the method file, and its class."""

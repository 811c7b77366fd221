"""A model that is served in several ways: at several loads, on several nodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from inference_energy.laws.base import Array, Domain, Law, Share


@dataclass(frozen=True)
class Pooled(Law):
    """Queries of which shares are served by nodes of different laws and powers.

    As a law of one node it is the log-normal that has the mean and the spread of the shares:

    ``ln TPS = sum_i w_i ln(TPS_i / p_i)``, with w the weights and p the relative powers.

    So a time that it gives is one at the power of a node whose p is one, and times power it is
    energy. Engines that can tell queries apart ask for the shares instead, and need no such
    approximation.

    Parameters
    ----------
    name, domain, n_rows : str, Domain, int
        Those of the shares' laws; rows of the share that has the most.
    ways : tuple of Share
        Their weights add up to one.
    """

    name: str
    domain: Domain
    n_rows: int
    ways: tuple[Share, ...]

    @classmethod
    def of(cls, ways: Sequence[Share]) -> Self:
        """Pool shares, whose weights [1] are brought to add up to one.

        Raises
        ------
        ValueError
            Without a share that has weight.
        """
        total = sum(way.weight for way in ways)
        if not total > 0:
            raise ValueError("no share has weight")
        kept = tuple(way._replace(weight=way.weight / total) for way in ways if way.weight)
        law = kept[0].law
        return cls(law.name, law.domain, max(way.law.n_rows for way in kept), kept)

    def shares(self) -> tuple[Share, ...]:
        """Ways in which queries are served."""
        return self.ways

    def _log_speeds(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """ln(TPS/p) of every way [ln(tokens/s)], along a new first axis."""
        return np.array(
            [np.log(way.law.predict(input_tokens, output_tokens) / way.power) for way in self.ways]
        )

    @property
    def _weights(self) -> Array:
        return np.array([way.weight for way in self.ways])

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] at the lengths [tokens], per relative power."""
        logs = self._log_speeds(input_tokens, output_tokens)
        return np.exp(np.tensordot(self._weights, logs, axes=1))

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput [1]: within the shares, and between them."""
        logs = self._log_speeds(input_tokens, output_tokens)
        away = logs - np.tensordot(self._weights, logs, axes=1)
        within = np.array(
            [
                np.broadcast_to(way.law.sigma(input_tokens, output_tokens), away.shape[1:])
                for way in self.ways
            ]
        )
        return np.sqrt(np.tensordot(self._weights, within**2 + away**2, axes=1))

    def seconds(
        self,
        input_tokens: ArrayLike,
        output_tokens: ArrayLike,
        cached_tokens: ArrayLike = 0.0,
    ) -> Array:
        """Node time [s] of a query at a relative power of one."""
        logs = np.array(
            [
                np.log(way.power * way.law.seconds(input_tokens, output_tokens, cached_tokens))
                for way in self.ways
            ]
        )
        return np.exp(np.tensordot(self._weights, logs, axes=1))

    def kinks(self, input_tokens: float) -> tuple[float, ...]:
        """Output lengths [tokens] at which any of the laws has a kink."""
        return tuple(sorted({kink for way in self.ways for kink in way.law.kinks(input_tokens)}))

    def uncapped(self) -> Self:
        """Ways whose laws may exceed the largest throughput measured."""
        return self._with(lambda law: law.uncapped())

    def scaled(self, factor: float) -> Self:
        """Ways of ``factor`` [1] times the throughput."""
        return self._with(lambda law: law.scaled(factor))

    def _with(self, change: Callable[[Law], Law]) -> Self:
        return replace(self, ways=tuple(way._replace(law=change(way.law)) for way in self.ways))

    def terms(self) -> list[tuple[str, float, str]]:
        """Weight and relative power of every way as (term, value, unit)."""
        return [
            line
            for way in self.ways
            for line in (
                (f"share of {way.label}", way.weight, "1"),
                (f"relative power of {way.label}", way.power, "1"),
            )
        ]

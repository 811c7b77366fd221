"""A throughput law that is off another one, to ask what an error of it would change."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from inference_energy.laws.base import LENGTH_FLOOR, Array, Domain, Law, Parts, Share

PIVOT = {"input_tokens": 500.0, "output_tokens": 2000.0}
"""Shape at which a changed exponent leaves the throughput as it is: one that all sources of the
paper's table have benchmarked. [tokens]"""


def input_change(input_tokens: ArrayLike, exponent: float) -> Array:
    """Factor ``(L_in/500)^a`` that a changed exponent is at input lengths [tokens]. [1]"""
    return (np.maximum(input_tokens, LENGTH_FLOOR) / PIVOT["input_tokens"]) ** exponent


@dataclass(frozen=True)
class Varied(Law):
    """A factor and a power of the lengths off another law.

    ``TPS = factor (L_in/500)^a (L_out/2000)^b TPS_0``

    Parameters
    ----------
    law : Law
        Throughput law TPS_0.
    name, domain, n_rows : str, Domain, int
        Those of the law.
    factor, input_exponent, output_exponent : float
        Factor and changes a, b of the exponents. [1]
    """

    law: Law
    name: str
    domain: Domain
    n_rows: int
    factor: float = 1.0
    input_exponent: float = 0.0
    output_exponent: float = 0.0

    @classmethod
    def of(cls, law: Law, **change: Any) -> "Varied":
        """Vary a law, or vary one that is varied already in a further way."""
        if isinstance(law, Varied):
            return replace(law, **change)
        return cls(law, law.name, law.domain, law.n_rows, **change)

    def _change(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        n_out = np.maximum(output_tokens, LENGTH_FLOOR) / PIVOT["output_tokens"]
        of_input = input_change(input_tokens, self.input_exponent)
        return self.factor * of_input * n_out**self.output_exponent

    def by_way(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """Throughput [tokens/s] and its error [1] of every way of the law, times the change."""
        speeds, errors = self.law.by_way(input_tokens, output_tokens)
        return self._change(input_tokens, output_tokens) * speeds, errors

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] at the lengths [tokens], broadcast together."""
        change = self._change(input_tokens, output_tokens)
        return change * self.law.predict(input_tokens, output_tokens)

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput: that of the law, as the change is known."""
        return self.law.sigma(input_tokens, output_tokens)

    def seconds(
        self,
        input_tokens: ArrayLike,
        output_tokens: ArrayLike,
        cached_tokens: ArrayLike = 0.0,
    ) -> Array:
        """Node time [s] of a query: that of the law, over the change at the whole query."""
        change = self._change(input_tokens, output_tokens)
        return self.law.seconds(input_tokens, output_tokens, cached_tokens) / change

    def parts(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Parts:
        """Node time [s] of a query by what it is spent on: that of the law, all over the change."""
        change = self._change(input_tokens, output_tokens)
        parts = self.law.parts(input_tokens, cached_tokens, output_tokens)
        return Parts(*(part / change for part in parts))

    def parts_sigma(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Parts:
        """Standard deviation of ln of every part: that of the law, as the change is known."""
        return self.law.parts_sigma(input_tokens, cached_tokens, output_tokens)

    def kinks(self, input_tokens: float) -> tuple[float, ...]:
        """Output lengths [tokens] at which the law has a kink."""
        return self.law.kinks(input_tokens)

    def shares(self) -> tuple[Share, ...]:
        """Ways in which the model is served, each off by the same."""
        return tuple(
            way._replace(law=replace(self, law=way.law, n_rows=way.law.n_rows))
            for way in self.law.shares()
        )

    def split(self) -> tuple[Array, Array]:
        """Weight and relative power of every way of the law."""
        return self.law.split()

    def uncapped(self) -> Self:
        """Law that may exceed the largest throughput measured."""
        return replace(self, law=self.law.uncapped())

    @property
    def knows_load(self) -> bool:
        """Whether the law does."""
        return self.law.knows_load

    def at(self, concurrency: ArrayLike, requests: ArrayLike = np.inf) -> Self:
        """Law at another load, off by the same; itself if the law does not know load."""
        law = self.law.at(concurrency, requests)
        return self if law is self.law else replace(self, law=law)

    def around(self, load: float) -> Self:
        """Law of loads with another geometric mean, off by the same."""
        return replace(self, law=self.law.around(load))

    def scaled(self, factor: float) -> Self:
        """Law of ``factor`` [1] times the throughput."""
        return replace(self, factor=self.factor * factor)

    def terms(self) -> list[tuple[str, float, str]]:
        """Coefficients of the law, and the changes, as (term, value, unit)."""
        changes = ("factor", "input_exponent", "output_exponent")
        return [
            *self.law.terms(),
            *((f"change_{name}", float(getattr(self, name)), "1") for name in changes),
        ]

"""A model that is served in several ways: at several loads, on several nodes."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

# scipy.optimize takes long to import, and only a tilt needs it
import scipy
from numpy.typing import ArrayLike

from inference_energy.laws.base import Array, Domain, Joined, Law, Parts, Share, joined

STEEPEST = 100.0
"""Largest power of the load that weights are tilted by: all of it is at one end then. [1]"""

KEPT, MOST_LENGTHS = 8, 10_000
"""Answers that are kept, and lengths up to which one is: beyond, they take too much memory."""


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

    @cached_property
    def _joined(self) -> Joined:
        return joined([way.law for way in self.ways])

    @cached_property
    def _kept(self) -> dict[tuple, tuple[Array, Array]]:
        return {}

    def by_way(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """As of any law; engines ask for the same lengths again, under other factors."""
        lengths = np.asarray(output_tokens, float)
        if np.ndim(input_tokens) or lengths.size > MOST_LENGTHS:
            return self._joined.rates(input_tokens, output_tokens)
        key = float(np.asarray(input_tokens)), lengths.shape, lengths.tobytes()
        if key not in self._kept:
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = self._joined.rates(input_tokens, output_tokens)
            for array in self._kept[key]:
                array.setflags(write=False)
        return self._kept[key]

    def _by_power(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """ln(TPS/p) of every way [ln(tokens/s)] and its error [1], along a new first axis."""
        speeds, errors = self.by_way(input_tokens, output_tokens)
        power = np.array([way.power for way in self.ways])
        return np.log((speeds.T / power).T), errors

    @property
    def _weights(self) -> Array:
        return np.array([way.weight for way in self.ways])

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] at the lengths [tokens], per relative power."""
        logs, _ = self._by_power(input_tokens, output_tokens)
        return np.exp(np.tensordot(self._weights, logs, axes=1))

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Standard deviation of ln throughput [1]: within the shares, and between them."""
        logs, within = self._by_power(input_tokens, output_tokens)
        away = logs - np.tensordot(self._weights, logs, axes=1)
        return np.sqrt(np.tensordot(self._weights, within**2 + away**2, axes=1))

    def seconds(
        self,
        input_tokens: ArrayLike,
        output_tokens: ArrayLike,
        cached_tokens: ArrayLike = 0.0,
    ) -> Array:
        """Node time [s] of a query at a relative power of one."""
        power = np.array([way.power for way in self.ways])
        times = (self._joined.seconds(input_tokens, output_tokens, cached_tokens).T * power).T
        # no answer takes no time by a law of the lengths alone
        with np.errstate(divide="ignore"):
            return np.exp(np.tensordot(self._weights, np.log(times), axes=1))

    def parts(
        self, input_tokens: ArrayLike, cached_tokens: ArrayLike, output_tokens: ArrayLike
    ) -> Parts:
        """As of any law; each part has the mean of the shares that it has of the ways' times."""
        shares = np.zeros(())
        for way in self.ways:
            parts = np.array(way.law.parts(input_tokens, cached_tokens, output_tokens))
            whole = parts.sum(axis=0)
            of_way = np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)
            shares = shares + way.weight * of_way
        return Parts(*(shares * self.seconds(input_tokens, output_tokens, cached_tokens)))

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

    @property
    def knows_load(self) -> bool:
        """Whether every way's law does."""
        return all(way.law.knows_load for way in self.ways)

    def at(self, concurrency: ArrayLike, requests: ArrayLike = np.inf) -> Self:
        """Every kind of node at one load, in the layout that it has at the nearest one.

        Parameters
        ----------
        concurrency : float
            Requests that a node is given at once; infinite for as many as fit. Its power is
            interpolated between the loads of its ways, in logarithms, and held beyond them.
        requests : float
            Requests of the whole run.
        """
        if not self.knows_load:
            return self
        load, found = float(np.asarray(concurrency)), []
        kinds = dict.fromkeys((way.node, way.engine) for way in self.ways)
        for kind in kinds:
            own = sorted(
                (way for way in self.ways if (way.node, way.engine) == kind),
                key=lambda way: way.load,
            )
            # as many as fit are as near to every load as to any other
            within = np.clip(load, own[0].load, own[-1].load)
            away = np.log([way.load for way in own]) - np.log(within)
            near = own[int(np.abs(away).argmin())]
            drawn = np.log([(way.power, way.accelerators) for way in own]).T
            power, accelerators = (float(np.exp(np.interp(0.0, away, logs))) for logs in drawn)
            found.append(
                near._replace(
                    weight=sum(way.weight for way in own),
                    power=power,
                    law=near.law.at(load / near.copies, requests),
                    load=load,
                    accelerators=accelerators,
                )
            )
        return replace(self, ways=tuple(found))

    @property
    def knows_accelerators(self) -> bool:
        """Whether every way says what the accelerators draw."""
        return not any(np.isnan(way.accelerators) for way in self.ways)

    def of_accelerators(self) -> Self:
        """The same ways with the power of their accelerators alone."""
        ways = tuple(way._replace(power=way.accelerators) for way in self.ways)
        return replace(self, ways=ways)

    def around(self, load: float) -> Self:
        """The same ways with other weights, so that their loads have this geometric mean.

        The weights are tilted, ``w_i load_i^a``, which moves a log-normal load and keeps its
        spread.

        Raises
        ------
        ValueError
            If the load is not between the smallest and the largest of the ways.
        """
        if not self.knows_load:
            return self
        away = np.log([way.load for way in self.ways]) - np.log(load)
        if not away.min() < 0 < away.max():
            raise ValueError(f"load {load:g} is not between those of the ways")

        def tilted(power: float) -> Array:
            logs = np.log(self._weights) + power * away
            weights = np.exp(logs - logs.max())
            return weights / weights.sum()

        power = scipy.optimize.brentq(lambda a: float(tilted(a) @ away), -STEEPEST, STEEPEST)
        weights = tilted(power).tolist()
        ways = zip(self.ways, weights, strict=True)
        return replace(self, ways=tuple(way._replace(weight=weight) for way, weight in ways))

    def on(self, nodes: Container[str]) -> "Pooled | None":
        """Only the ways on these kinds of nodes; none if there are none."""
        own = [way for way in self.ways if way.node in nodes]
        return replace(Pooled.of(own), n_rows=self.n_rows) if own else None

    def terms(self) -> list[tuple[str, float, str]]:
        """Weight of every kind of node and engine, and the mean of its relative power."""
        lines = []
        for kind in dict.fromkeys((way.node, way.engine) for way in self.ways):
            own = [way for way in self.ways if (way.node, way.engine) == kind]
            name = ", ".join(filter(None, kind))
            lines.append((f"share of {name}", float(sum(way.weight for way in own)), "1"))
            mean = sum(way.weight * np.log(way.power) for way in own) / lines[-1][1]
            lines.append((f"relative power of {name}", float(np.exp(mean)), "1"))
        return lines

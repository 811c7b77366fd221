"""A law that is worked out once on a grid of lengths, for thousands of answers between them.

A method that knows load serves a model in a hundred ways, and most of the time of an answer goes
into their throughput at every length. Between the points of the grid ln throughput and its error
are cubic splines of the logarithms of the lengths, which moves a median by less than 1e-5 and a
mean by less than 1e-4.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline, make_interp_spline

from inference_energy.laws.base import LENGTH_FLOOR, Array, Domain, Law, Share
from inference_energy.method.setup import Setup

DEGREE = 3
STEP = 0.25
"""Distance of the grid's lengths, in their logarithm. [1]"""


@dataclass(frozen=True, eq=False)
class Gridded(Law):
    """What a law says at lengths of a grid, and in between.

    Parameters
    ----------
    law : Law
        The law that was asked.
    name, domain, n_rows : str, Domain, int
        Those of the law.
    of_input : BSpline
        Of ln input tokens; its values are the coefficients of the spline of ln output tokens, of
        ln throughput and of error, shape (outputs, 2, ways).
    knots : ndarray
        Of the spline of ln output tokens.
    """

    law: Law
    name: str
    domain: Domain
    n_rows: int
    of_input: BSpline
    knots: Array

    @classmethod
    def of(
        cls, law: Law, input_tokens: tuple[float, float], output_tokens: tuple[float, float]
    ) -> Self:
        """Ask a law on a grid between a lowest and a highest length of either kind [tokens]."""
        inputs, outputs = (_grid(*ends) for ends in (input_tokens, output_tokens))
        speeds, errors = law.by_way(np.exp(inputs)[:, None], np.exp(outputs))
        values = np.moveaxis(np.stack([np.log(speeds), errors]), (0, 1), (2, 3))
        of_output = make_interp_spline(outputs, values, DEGREE, axis=1)
        of_input = make_interp_spline(inputs, np.moveaxis(of_output.c, 0, 1), DEGREE)
        return cls(law, law.name, law.domain, law.n_rows, of_input, of_output.t)

    def by_way(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> tuple[Array, Array]:
        """Throughput [tokens/s] and its error [1] of every way, between the grid's lengths."""
        at_input = self.of_input(np.log(max(float(np.asarray(input_tokens)), LENGTH_FLOOR)))
        lengths = np.log(np.maximum(output_tokens, LENGTH_FLOOR))
        answers = BSpline(self.knots, at_input, DEGREE)(lengths)
        logs, errors = np.moveaxis(answers, (-2, -1), (0, 1))
        return np.exp(logs), errors

    def predict(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Throughput [tokens/s] by the law itself."""
        return self.law.predict(input_tokens, output_tokens)

    def sigma(self, input_tokens: ArrayLike, output_tokens: ArrayLike) -> Array:
        """Error [1] by the law itself."""
        return self.law.sigma(input_tokens, output_tokens)

    def terms(self) -> list[tuple[str, float, str]]:
        """Coefficients of the law."""
        return self.law.terms()

    def scaled(self, factor: float) -> Self:
        """The law, scaled, on the same grid."""
        logs = self.of_input.c.copy()
        logs[:, :, 0] += np.log(factor)
        of_input = BSpline(self.of_input.t, logs, DEGREE)
        return replace(self, law=self.law.scaled(factor), of_input=of_input)

    def around(self, load: float) -> Self:
        """The law with other weights of its ways; the grid is of the ways and stays."""
        return replace(self, law=self.law.around(load))

    def shares(self) -> tuple[Share, ...]:
        """Ways in which the model is served."""
        return self.law.shares()

    @cached_property
    def _split(self) -> tuple[Array, Array]:
        return self.law.split()

    def split(self) -> tuple[Array, Array]:
        """Weight and relative power of every way."""
        return self._split


def _grid(lowest: float, highest: float) -> Array:
    """Logarithms of lengths, about STEP apart."""
    first, last = np.log(np.maximum([lowest, highest], LENGTH_FLOOR))
    steps = max(int(np.ceil((last - first) / STEP)), DEGREE)
    return np.linspace(first, max(last, first + DEGREE * STEP), steps + 1)


def on_grid(
    setup: Setup, input_tokens: tuple[float, float], output_tokens: tuple[float, float]
) -> Setup:
    """A method whose laws of many smooth ways are on a grid, the others as they are.

    Parameters
    ----------
    setup : Setup
        The method.
    input_tokens, output_tokens : pair of float
        Shortest and longest length that will be asked for. [tokens]
    """

    def gridded(law: Law) -> Law:
        kinks = (kink for length in input_tokens for kink in law.kinks(length))
        if len(law.split()[0]) == 1 or any(np.isfinite(kink) for kink in kinks):
            return law
        return Gridded.of(law, input_tokens, output_tokens)

    models = tuple(replace(model, law=gridded(model.law)) for model in setup.models)
    return replace(setup, models=models)

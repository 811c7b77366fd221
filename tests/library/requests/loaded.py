"""A throughput law that knows the load."""

from dataclasses import dataclass, replace

import numpy as np
from inference_energy.laws.peak import Peak

FULL = 64.0
"""Requests in flight that fill a copy."""


@dataclass(frozen=True)
class Loaded(Peak):
    """A peak that so many requests in flight reach in part."""

    concurrency: float = FULL
    knows_load = True

    def at(self, concurrency):
        """The same at another load."""
        return replace(self, concurrency=concurrency)

    def predict(self, input_tokens, output_tokens):
        """Throughput in proportion to the load, up to the peak."""
        share = np.minimum(self.concurrency, FULL) / FULL
        return super().predict(input_tokens, output_tokens) * share


def with_load(setup):
    """Setup whose first model's law alone knows the load."""
    first, *others = setup.models
    return replace(setup, models=(replace(first, law=Loaded(1000.0, 1)), *others))

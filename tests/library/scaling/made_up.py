"""A method with any laws and the paper's factors."""

from dataclasses import replace

import numpy as np
from inference_energy.laws.additive import Additive
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import ExponentialLengths
from inference_energy.method.setup import (
    Blend,
    Fleet,
    MonteCarlo,
    Regime,
    ServedModel,
    Setup,
)

DOMAIN = {"input_tokens": (100.0, 5000.0), "output_tokens": (100.0, 2000.0)}
UTILISATION = LogNormal.from_percentiles(0.4, 0.9)
PUE = LogNormal.from_percentiles(1.05, 1.6)
ADDITIVE = Additive(np.array([1e-4, 2e-5, 1e-9, 3e-8, 5e-8]), 5, DOMAIN)


def make_setup(*laws):
    """A method with one model per law and the paper's factors."""
    models = tuple(
        ServedModel(f"model {i}", replace(law, domain=DOMAIN), 10.0, 1000.0)
        for i, law in enumerate(laws)
    )
    return Setup(
        models=models,
        power_utilisation=UTILISATION,
        pue=PUE,
        regimes={
            name: Regime(name, ExponentialLengths(median), 500.0)
            for name, median in {"traditional": 300, "long": 5000}.items()
        },
        input_tokens_per_output_token=None,
        blend=Blend(len(models), ((0.05, 0.95), (0.1, 0.9))),
        pathways={},
        fleet=Fleet(
            1e9,
            0.1,
            {"traditional": 1.3, "long": 1.2},
            {name: LogNormal.from_percentiles(1.5, 3.5) for name in ("traditional", "long")},
        ),
        monte_carlo=MonteCarlo(42, 100, 10, {}),
    )

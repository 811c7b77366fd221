"""A method whose energies follow by hand: throughputs that no length changes, powers of 3.6 kW.

A second of a node is then one Wh, and a query of L tokens at L tokens/s needs PUE x utilisation Wh.
"""

from dataclasses import replace

from inference_energy.laws.peak import Peak
from inference_energy.method.distributions import LogNormal
from inference_energy.method.lengths import FixedLength, UniformLengths
from inference_energy.method.setup import Blend, Fleet, MonteCarlo, Regime, ServedModel, Setup

UTILISATION, PUE, TOKENS, INPUT = 0.5, 1.2, 300.0, 1000.0
A_SECOND = UTILISATION * PUE
"""Energy of a second of the node. [Wh]"""

VARIED = UniformLengths(0.0, 4.0)
"""None to four tokens, at 1/8, 1/4, 1/4, 1/4 and 1/8 of the queries."""


def served(name, tps, parameters=float("nan"), **changes):
    """A model of one throughput [tokens/s] on a node of 3.6 kW."""
    model = ServedModel(name, Peak(float(tps), 1), 3.6, float(tps), False, parameters)
    return replace(model, **changes)


def regime(tokens=TOKENS, name="traditional"):
    """Queries of so many output tokens, or of a distribution of them."""
    lengths = FixedLength(tokens) if isinstance(tokens, float) else tokens
    return Regime(name, lengths, INPUT)


def by_hand(**changes):
    """The method: a, b and c need 3, 1.5 and 6 seconds of their node for 300 tokens."""
    setup = Setup(
        models=(served("a", 100, 70.0), served("b", 200, 400.0), served("c", 50, 8.0)),
        power_utilisation=LogNormal.fixed(UTILISATION),
        pue=LogNormal.fixed(PUE),
        regimes={name: regime(name=name) for name in ("traditional", "long")},
        input_tokens_per_output_token=None,
        blend=Blend(2, ((0.1, 0.9),)),
        pathways={"hardware": LogNormal.fixed(2.0), "model": LogNormal.fixed(5.0)},
        fleet=Fleet(
            1e8,
            0.1,
            {"traditional": 1.1, "long": 1.5},
            {"traditional": LogNormal.fixed(4.0), "long": LogNormal.fixed(10.0)},
        ),
        monte_carlo=MonteCarlo(7, 40, 30, {}),
    )
    return replace(setup, **changes)

"""A day of a method's own queries, one by one, as a log.

Query ``i`` takes its random numbers from place ``i`` of a counter-based generator (Philox, Salmon
et al. 2011, doi:10.1145/2063384.2063405), so that it is the same whatever is drawn before it, in
whatever order and by however many processes.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from inference_energy.errors import InputError
from inference_energy.tables import NUMBER
from inference_energy.units import MICROSECONDS_PER_DAY

UNIT_ROWS = 2**20
"""Queries that are drawn at once."""

SEED = 20250924
"""Key of the generator: the day of the paper's first version."""

GUIDE = 2**16
"""Steps of the table that shortens the search for a length."""

STATED = {"start", "model", "input", "output"}
"""Columns of a requests view that are drawn."""


@dataclass(frozen=True)
class Inverse:
    """Whole numbers of tokens from uniform random numbers, exactly by their distribution."""

    lengths: np.ndarray
    cumulative: np.ndarray
    guide: np.ndarray

    @classmethod
    def of(cls, output_tokens):
        """Tabulate a distribution that has a support."""
        lengths, weights = output_tokens.support
        cumulative = np.cumsum(weights)
        cumulative /= cumulative[-1]
        guide = np.searchsorted(cumulative, np.arange(GUIDE) / GUIDE, side="right")
        return cls(np.rint(lengths).astype(np.int64), cumulative, guide.astype(np.int32))

    def __call__(self, uniform):
        """Lengths [tokens] of uniform numbers in [0, 1)."""
        place = self.guide[(uniform * GUIDE).astype(np.int32)]
        beyond = np.flatnonzero(self.cumulative[place] <= uniform)
        place[beyond] = np.searchsorted(self.cumulative, uniform[beyond], side="right")
        return self.lengths[place]


@dataclass(frozen=True)
class Day:
    """A day of queries: the blend's models by their shares, regimes by the fleet's.

    Parameters
    ----------
    count : int
        Queries.
    models, shares : list of str, list of float
        Models and their shares. [1]
    long_share : float
        Share of queries of the regime ``long``. [1]
    inputs, inverses : dict
        Input tokens and distribution of the output tokens by regime. [tokens]
    """

    count: int
    models: list
    shares: list
    long_share: float
    inputs: dict
    inverses: dict = field(repr=False)

    @classmethod
    def of(cls, setup, members, count):
        """Take the day from a method.

        Parameters
        ----------
        setup : Setup
            The method.
        members : dict of str to float
            Models of the blend and their shares. [1]
        count : int
            Queries.
        """
        regimes = {name: setup.regimes[name] for name in ("traditional", "long")}
        return cls(
            count,
            list(members),
            list(members.values()),
            setup.fleet.long_share,
            {name: round(regime.input_tokens) for name, regime in regimes.items()},
            {name: Inverse.of(regime.output_tokens) for name, regime in regimes.items()},
        )

    def units(self):
        """Ranges of queries (first, last), the same ones however they are then shared out."""
        starts = range(0, self.count, UNIT_ROWS)
        return [(first, min(first + UNIT_ROWS, self.count) - 1) for first in starts]

    def draw(self, first, last):
        """Queries ``first`` to ``last``, a pyarrow Table of ``STATED`` and ``row``."""
        n = last - first + 1
        raw = np.random.Philox(key=SEED, counter=first).random_raw(4 * n).reshape(n, 4)
        uniform, kind, time = ((raw[:, k] >> np.uint64(11)) * 2.0**-53 for k in range(3))
        long = kind < self.long_share
        # what is left of the number that chose the regime is uniform again
        of_regime = np.where(
            long, kind / self.long_share, (kind - self.long_share) / (1 - self.long_share)
        )
        output = self.inverses["traditional"](uniform)
        output[long] = self.inverses["long"](uniform[long])
        model = np.searchsorted(np.cumsum(self.shares)[:-1], of_regime, side="right")
        start = (time * MICROSECONDS_PER_DAY).astype(np.int64)
        inputs = np.where(long, self.inputs["long"], self.inputs["traditional"])
        return pa.table(
            {
                "start": start,
                "model": pa.DictionaryArray.from_arrays(model.astype(np.int8), self.models),
                "input": inputs,
                "output": output,
                "row": np.arange(first, last + 1),
            }
        )

    def view(self, connection, unit):
        """Make the view ``requests`` of a unit of the day; return the columns it has."""
        connection.register("drawn", self.draw(*unit))
        absent = "NULL::BIGINT AS finish, NULL::VARCHAR AS tenant, NULL::VARCHAR AS id"
        zeros = "NULL::BIGINT AS cached, NULL::BIGINT AS reasoning, FALSE AS elsewhere"
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW requests AS"
            " SELECT start, model::VARCHAR AS model, input, output, row,"
            f" {absent}, {zeros} FROM drawn"
        )
        return STATED


def parse(log):
    """Method and count of ``generate:METHOD:COUNT``, or None if a log is no such thing.

    Raises
    ------
    InputError
        If the count is no positive whole number.
    """
    if not str(log).startswith("generate:"):
        return None
    _, method, *counts = str(log).split(":")
    stated = ":".join(counts)
    number = float(stated) if NUMBER.fullmatch(stated) else 0.0
    if not 1 <= number <= 1e13 or number != int(number):
        raise InputError(
            f"key log: value {log}: allowed is generate:METHOD:COUNT with a whole number of queries"
            " such as 1e9; correct the count"
        )
    return method, int(number)

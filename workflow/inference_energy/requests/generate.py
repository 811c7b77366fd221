"""A day of a method's own queries, one by one, as a log.

Query ``i`` takes its random numbers from place ``i`` of a counter-based generator (Philox, Salmon
et al. 2011, doi:10.1145/2063384.2063405), so that it is the same whatever is drawn before it, in
whatever order and by however many processes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from inference_energy.errors import InputError
from inference_energy.laws.base import Array
from inference_energy.method.lengths import OutputTokens
from inference_energy.method.setup import Setup
from inference_energy.requests.counts import FINE_BITS, OFFSETS
from inference_energy.requests.energies import coarse, rounded
from inference_energy.tables import NUMBER
from inference_energy.units import MICROSECONDS_PER_DAY, MICROSECONDS_PER_HOUR

UNIT_ROWS = 2**20
"""Queries that are counted at once."""

CHUNK = 2**16
"""Queries that are drawn at once, so few that they stay near the processor."""

SEED = 20250924
"""Key of the generator: the day of the paper's first version."""

GUIDE = 2**16
"""Steps of the table that shortens the search for a length."""

HOURS = MICROSECONDS_PER_DAY // MICROSECONDS_PER_HOUR

STATED = {"start", "model", "input", "output"}
"""Columns of a requests view that are drawn."""


@dataclass(frozen=True)
class Inverse:
    """Whole numbers of tokens from uniform random numbers, exactly by their distribution."""

    lengths: np.ndarray
    cumulative: np.ndarray
    guide: np.ndarray

    @classmethod
    def of(cls, output_tokens: OutputTokens) -> Self:
        """Tabulate a distribution that has a support."""
        lengths, weights = output_tokens.support
        cumulative = np.cumsum(weights)
        cumulative /= cumulative[-1]
        guide = np.searchsorted(cumulative, np.arange(GUIDE) / GUIDE, side="right")
        return cls(np.rint(lengths).astype(np.int64), cumulative, guide.astype(np.int32))

    def __call__(self, uniform: NDArray[np.floating]) -> NDArray[np.int64]:
        """Lengths [tokens] of uniform numbers in [0, 1)."""
        place = self.guide[(uniform * GUIDE).astype(np.int32)]
        beyond = np.flatnonzero(self.cumulative[place] <= uniform)
        place[beyond] = np.searchsorted(self.cumulative, uniform[beyond], side="right")
        return self.lengths[place]

    def reaching(self, least: float) -> float:
        """Least uniform number of at least so many tokens; 1 if there is none. [tokens]"""
        place = np.searchsorted(self.lengths, least)
        return float(self.cumulative[place - 1]) if place else 0.0


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
    models: list[str]
    shares: list[float]
    long_share: float
    inputs: Mapping[str, int]
    inverses: Mapping[str, Inverse] = field(repr=False)

    @classmethod
    def of(cls, setup: Setup, members: Mapping[str, float], count: int) -> Self:
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

    def units(self) -> list[tuple[int, int]]:
        """Ranges of queries (first, last), the same ones however they are then shared out."""
        return _ranges(0, self.count, UNIT_ROWS)

    def _drawn(
        self, first: int, last: int, least: float = 0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of the queries of at least ``least`` output tokens, and by each what it is.

        Returns
        -------
        row, model, long, output, start : ndarray
            Models by their number; whether a query is of the regime ``long``. [1, 1, 1, tokens, us]
        """
        generator = np.random.Generator(np.random.Philox(key=SEED, counter=first))
        drawn = generator.random((last - first + 1, 4))
        row = np.arange(len(drawn))
        if least > 0:
            # longer answers are of larger numbers, by which the others are left out unseen
            reached = {name: one.reaching(least) for name, one in self.inverses.items()}
            long = drawn[:, 1] < self.long_share
            row = np.flatnonzero(
                drawn[:, 0] >= np.where(long, reached["long"], reached["traditional"])
            )
            drawn = drawn[row]
        uniform, kind, moment = np.ascontiguousarray(drawn[:, :3].T)
        long = kind < self.long_share
        output = self.inverses["traditional"](uniform)
        at = np.flatnonzero(long)
        output[at] = self.inverses["long"](uniform[at])
        # what is left of the number that chose the regime is uniform again
        of_regime = np.where(
            long, kind / self.long_share, (kind - self.long_share) / (1 - self.long_share)
        )
        edges = np.cumsum(self.shares)[:-1]
        model = sum((of_regime >= edge for edge in edges), np.zeros(len(row), np.int8))
        start = (moment * MICROSECONDS_PER_DAY).astype(np.int64)
        return first + row, model, long, output, start

    def draw(self, first: int, last: int, least: float = 0) -> pa.Table:
        """Queries ``first`` to ``last``, a pyarrow Table of ``STATED`` and ``row``.

        Those with fewer than ``least`` output tokens are left out. [tokens]
        """
        chunks = [self._drawn(*chunk, least) for chunk in _ranges(first, last + 1, CHUNK)]
        row, model, long, output, start = map(np.concatenate, zip(*chunks, strict=True))
        return pa.table(
            {
                "start": start,
                "model": pa.DictionaryArray.from_arrays(model.astype(np.int8), self.models),
                "input": np.where(long, self.inputs["long"], self.inputs["traditional"]),
                "output": output,
                "row": row,
            }
        )

    def tally(
        self,
        units: Sequence[tuple[int, int]],
        say: Callable[[int], object] = lambda *_: None,
        long_from: float | None = None,
    ) -> dict[str, pd.DataFrame]:
        """Count queries by their lengths, as ``counts.add_counts`` does of the same rows.

        Parameters
        ----------
        units : list of tuple
            Ranges of queries.
        say : callable
            Told after each unit: which one it was.
        long_from : float, optional
            As for ``counts.count_unit``. [tokens]

        Returns
        -------
        dict of str to DataFrame
            Tables ``lengths`` and ``hours``, as in ``counts.TABLES``; rows can be of one cell.
        """
        size = 1 + max(int(inverse.lengths.max()) for inverse in self.inverses.values())
        fine = _output_cells(np.arange(size, dtype=float), long_from)
        cells = coarse(fine)
        kinds, width = 2 * len(self.models), int(cells.max()) + 1
        by_length = np.zeros(kinds * size, np.int64)
        by_hour, tokens = (np.zeros(HOURS * kinds * width, np.int64) for _ in range(2))
        for number, unit in enumerate(units, 1):
            for chunk in _ranges(unit[0], unit[1] + 1, CHUNK):
                _, model, long, output, start = self._drawn(*chunk)
                kind = 2 * model.astype(np.int64) + long
                np.add.at(by_length, kind * size + output, 1)
                place = (start // MICROSECONDS_PER_HOUR * kinds + kind) * width + cells[output]
                np.add.at(by_hour, place, 1)
                # exact: the weights of a chunk add up to less than 2**53
                tokens += np.bincount(place, output, len(tokens)).astype(np.int64)
            say(number)
        place = np.flatnonzero(by_length)
        kind, output = np.divmod(place, size)
        lengths = self._table(kind, by_length[place], by_length[place] * output)
        n = lengths["n"]
        for name, each in {"input": lengths["input_cell"], "output": output}.items():
            at = fine[each] if name == "output" else rounded(each.astype(float), FINE_BITS[name])
            offset = np.rint((each - at) * (OFFSETS / np.maximum(at, 1))).astype(np.int64)
            lengths |= {f"{name}_cell": at.astype(np.int64), f"{name}_offset": n * offset}
            lengths[f"{name}_offset_square"] = n * offset**2
        place = np.flatnonzero(by_hour)
        kind, cell = np.divmod(place, width)
        hours = self._table(kind % kinds, by_hour[place], tokens[place])
        hours |= {"hour": kind // kinds, "output_cell": cell}
        hours["input_cell"] = coarse(rounded(hours["input_cell"].astype(float), FINE_BITS["input"]))
        return {"lengths": pd.DataFrame(lengths), "hours": pd.DataFrame(hours)}

    def _table(
        self, kind: NDArray[np.int64], n: NDArray[np.int64], output: NDArray[np.int64]
    ) -> dict[str, Any]:
        """Columns of both tables of ``tally`` alike; the cell of the input is its length."""
        inputs = np.array([self.inputs["traditional"], self.inputs["long"]])[kind % 2]
        return {
            "model": np.array(self.models)[kind // 2],
            "input_cell": inputs,
            "cached_cell": 0,
            "n": n,
            "input": n * inputs,
            "cached": 0,
            "output": output,
            "reasoning": 0,
        }

    def view(
        self, connection: duckdb.DuckDBPyConnection, unit: tuple[int, int], least: float
    ) -> set[str]:
        """Make the view ``requests`` of a unit of the day; return the columns it has.

        Queries of fewer than ``least`` output tokens are left out. [tokens]
        """
        connection.register("drawn", self.draw(*unit, least))
        absent = "NULL::BIGINT AS finish, NULL::VARCHAR AS tenant, NULL::VARCHAR AS id"
        absent += ", NULL::VARCHAR AS session"
        zeros = "NULL::BIGINT AS cached, NULL::BIGINT AS reasoning, FALSE AS elsewhere"
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW requests AS"
            " SELECT start, model::VARCHAR AS model, input, output, row,"
            f" {absent}, {zeros} FROM drawn"
        )
        return STATED


def _ranges(first: int, end: int, step: int) -> list[tuple[int, int]]:
    """Ranges (first, last) of ``step`` numbers each, the last one of what is left."""
    return [(one, min(one + step, end) - 1) for one in range(first, end, step)]


def _output_cells(lengths: Array, long_from: float | None) -> Array:
    """Cells of answers, those of long ones apart, as the counting gives them. [tokens]"""
    cells = rounded(lengths, FINE_BITS["output"])
    if long_from is None:
        return cells
    edge = np.ceil(long_from)
    return np.where(lengths >= long_from, np.maximum(cells, edge), np.minimum(cells, edge - 1))


def parse(log: object) -> tuple[str, int] | None:
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

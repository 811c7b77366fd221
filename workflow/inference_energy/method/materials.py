"""What methods are built from: tables, by the names that scripts and ``build`` know them by."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from inference_energy.laws.registry import LAWS, named_laws, needed_tables, serving_tables
from inference_energy.project import provided

TRACES = "data/request_lengths.csv"

MODELS = "data/models.csv"
"""Says how large a model is, and what it is made of, where the rows of its throughput do not."""

SERVING = "serving_"
"""Before the names of tables in a rule's inputs that say how models are served."""

MEASURED = {
    "inferencex": "data/measured/inferencex_power.csv",
    "mlenergy": "data/measured/mlenergy_v3.csv",
    "wall_power": "data/measured/mlperf_wall_power.csv",
}
"""Tables that laws need and that are not data/<name>.csv."""

MaterialsOf = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives a resolved method its materials, the keyword arguments of ``build``."""


def tables_of(method: Mapping[str, Any]) -> list[str]:
    """Paths of the throughput tables of a resolved method."""
    paths = method["benchmarks"]["table"]
    return [provided(path) for path in ([paths] if isinstance(paths, str) else paths)]


def tables_under(document: object) -> set[str]:
    """Paths of the throughput tables that a document's overrides of a method name."""
    if not isinstance(document, Mapping):
        return set()
    own = document.get("benchmarks")
    named = set(tables_of(document)) if isinstance(own, Mapping) and "table" in own else set()
    return named.union(*(tables_under(value) for value in document.values()))


def law_tables(names: Iterable[str]) -> dict[str, str]:
    """Paths of the tables that throughput laws need, by the names that scripts know them by."""
    return {name: provided(f"data/{name}.csv") for name in needed_tables(names)}


def serving_inputs(names: Iterable[str]) -> dict[str, str]:
    """Paths of the tables that methods need besides that state how their models are served.

    A rule may use the same tables under names of its own.
    """
    return {
        SERVING + name: provided(MEASURED.get(name, f"data/{name}.csv"))
        for name in serving_tables(names)
    }


def inputs_of(method: Mapping[str, Any]) -> dict[str, Any]:
    """Tables that a resolved method is built from, by the names that scripts know them by."""
    inputs: dict[str, Any] = {"throughput_tables": tables_of(method), "models": provided(MODELS)}
    if any("trace" in regime["output_tokens"] for regime in method["regimes"].values()):
        inputs["traces"] = provided(TRACES)
    laws = named_laws(method["throughput_law"])
    return inputs | law_tables(laws) | (serving_inputs(laws) if "serving" in method else {})


def inputs_of_any(methods: Iterable[Mapping[str, Any]], more: Iterable[str] = ()) -> dict[str, Any]:
    """Tables that methods, mixtures of them, and what overrides make of them, are built from.

    Parameters
    ----------
    methods : iterable of dict
        Resolved methods.
    more : iterable of str
        Further throughput tables.
    """
    tables = {path for method in methods for path in tables_of(method)} | set(more)
    inputs = {"throughput_tables": sorted(tables), "traces": provided(TRACES)}
    return inputs | law_tables(LAWS) | serving_inputs(LAWS)


@dataclass(frozen=True)
class Materials:
    """Gives a method the tables that it is built from.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Throughput tables by path.
    shared : mapping
        What every method is given besides, as keyword arguments of ``build``.
    """

    tables: Mapping[str, pd.DataFrame]
    shared: Mapping[str, Any]

    @cached_property
    def _joined(self) -> dict[tuple[str, ...], pd.DataFrame]:
        return {}

    def _table(self, path: str) -> pd.DataFrame:
        """Table of a path; of a bucket's file Snakemake's copy, whose path only ends in it."""
        if path in self.tables:
            return self.tables[path]
        return self.tables[next((own for own in self.tables if own.endswith(f"/{path}")), path)]

    def __call__(self, method: Mapping[str, Any]) -> dict[str, Any]:
        """Keyword arguments of ``build`` for a resolved method; rows of several tables once."""
        paths = tuple(tables_of(method))
        if paths not in self._joined:
            table = pd.concat([self._table(path) for path in paths])
            self._joined[paths] = table.drop_duplicates(ignore_index=True)
        return {"table": self._joined[paths]} | dict(self.shared)

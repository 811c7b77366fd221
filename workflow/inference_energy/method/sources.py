"""Tables that methods are built from."""

from collections.abc import Iterable, Mapping
from typing import Any

from inference_energy.project import provided

TRACES = "data/request_lengths.csv"
HARDWARE = {"models": "data/models.csv", "gpus": "data/gpus.csv"}


def tables_of(method: Mapping[str, Any]) -> list[str]:
    """Paths of the throughput tables of a resolved method."""
    paths = method["benchmarks"]["table"]
    return [provided(path) for path in ([paths] if isinstance(paths, str) else paths)]


def inputs_of(method: Mapping[str, Any]) -> dict[str, Any]:
    """Tables that a resolved method is built from, by the names that scripts know them by."""
    inputs = {"benchmarks": tables_of(method)}
    if any("trace" in regime["output_tokens"] for regime in method["regimes"].values()):
        inputs["traces"] = provided(TRACES)
    if method["throughput_law"]["name"] == "hierarchical":
        inputs |= {name: provided(path) for name, path in HARDWARE.items()}
    return inputs


def inputs_of_any(methods: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tables that methods, mixtures of them, and what findings make of them, are built from."""
    tables = {path for method in methods for path in tables_of(method)}
    shared = HARDWARE | {"traces": TRACES}
    return {"benchmarks": sorted(tables)} | {name: provided(path) for name, path in shared.items()}

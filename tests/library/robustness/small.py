"""A few options of every choice of the project."""

from copy import deepcopy

from inference_energy.laws.registry import needed_tables
from inference_energy.method.sources import Sources, tables_of
from inference_energy.robustness.choices import Multiverse
from repository import METHODS, read, read_schema, read_yaml

CONFIG = read_yaml("config/multiverse.yaml")
SCHEMAS = [read_schema(name) for name in ("multiverse", "method")]
BASE, MANY = METHODS[CONFIG["base"]], METHODS["full-load"]
TRACES = read("data/request_lengths.csv", "request_lengths").sort_values("quantile")
SOURCES = Sources(
    {path: read(path, "throughput") for path in sorted({*tables_of(BASE), *tables_of(MANY)})},
    {
        "traces": {name: tuple(rows["output_tokens"]) for name, rows in TRACES.groupby("trace")},
        "hardware": {name: read(f"data/{name}.csv", name) for name in needed_tables()},
    },
)
FEW = {
    "node_power": ["v2", "one-node"],
    "power_utilisation": ["range", "coupled"],
    "pue": ["code", "reported"],
    "output_tokens": ["exponential", "azure-conversation"],
    "throughput_law": ["log-linear", "additive"],
    "trim": ["twice", "none"],
    "ranking": ["median", "parameters"],
    "shares": ["equal", "parameters", "median-model"],
}


REFUSED = {"when": {"pue": "reported", "power_utilisation": ["coupled"]}, "because": "a test"}


def small():
    """Configuration with a few options of every choice."""
    config = deepcopy(CONFIG)
    config["choices"] = {
        name: config["choices"][name]
        | {"options": {o: config["choices"][name]["options"][o] for o in options}}
        for name, options in FEW.items()
    }
    config["refused"] = [REFUSED]
    return config


def checked(config, base=BASE):
    """Multiverse of a configuration."""
    return Multiverse.of(config, base, *SCHEMAS)

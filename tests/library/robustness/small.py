"""A few options of every choice of the project."""

from copy import deepcopy

from inference_energy.robustness.choices import Multiverse
from repository import METHODS, materials, read_schema, read_yaml

CONFIG = read_yaml("config/multiverse.yaml")
SCHEMAS = [read_schema(name) for name in ("multiverse", "method")]
BASE, MANY = METHODS[CONFIG["base"]], METHODS["full-load"]
MATERIALS = materials([BASE, MANY])
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
    config |= {"refused": [REFUSED], "left_out": []}
    return config


def checked(config, base=BASE):
    """Multiverse of a configuration."""
    return Multiverse.of(config, base, *SCHEMAS)

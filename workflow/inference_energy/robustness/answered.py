"""What of a multiverse the tables cannot answer, as where a model's rows were taken out."""

import json
from collections.abc import Mapping
from itertools import product
from math import inf
from typing import Any

from inference_energy.errors import InputError
from inference_energy.method.build import fit_suitable
from inference_energy.method.files import merge
from inference_energy.method.materials import MaterialsOf
from inference_energy.robustness.multiverse import FITTED


def without_unanswered(
    config: dict[str, Any], base: dict[str, Any], materials: MaterialsOf
) -> dict[str, Any]:
    """Refuse options, and leave out stress cases, that leave the blend too few models.

    Parameters
    ----------
    config : dict
        config/multiverse.yaml, as from ``files.on_base``.
    base : dict
        Resolved method.
    materials : callable
        Resolved method to what it is built from.

    Returns
    -------
    dict
        As ``config``: with a rule more under ``refused`` for every option, or combination of
        options, and under ``left_out`` for every stress case. None if the base has too few itself,
        which is told of the base.
    """
    known: dict[str, float] = {}

    def because(*overrides: Mapping[str, Any]) -> str | None:
        method: dict[str, Any] = base
        for override in overrides:
            method = merge(method, override)
        needed, key = method["blend"]["models"], json.dumps([method.get(s) for s in FITTED])
        if key not in known:
            known[key] = _with_laws(method, materials)
        if known[key] >= needed:
            return None
        return f"its rows give {known[key]:g} models a law, of which the blend needs {needed}"

    if because():
        return config
    stated = {
        name: {option: said.get("override", {}) for option, said in choice["options"].items()}
        for name, choice in config["choices"].items()
    }
    decide = [
        n for n, of in stated.items() if any({*FITTED, "blend"} & o.keys() for o in of.values())
    ]
    alone: list[dict[str, Any]] = [
        {"when": {name: option}, "because": why}
        for name in decide
        for option, override in stated[name].items()
        if (why := because(override))
    ]
    refused = {(name, option) for rule in alone for name, option in rule["when"].items()}
    together = [
        {"when": dict(places), "because": why}
        for places in product(
            *([(n, o) for o in stated[n] if (n, o) not in refused] for n in decide)
        )
        if (why := because(*(stated[name][option] for name, option in places)))
    ]
    cases = {
        name: because(case["override"]) for name, case in config.get("stress_cases", {}).items()
    }
    return config | {
        "refused": [*config["refused"], *alone, *together],
        "stress_cases": {n: case for n, case in config["stress_cases"].items() if not cases[n]},
        "left_out": [
            *config["left_out"],
            *(
                {"titles": [f"the stress case “{config['stress_cases'][name]['label']}”"]}
                | {"because": why}
                for name, why in cases.items()
                if why
            ),
        ],
    }


def _with_laws(method: dict[str, Any], materials: MaterialsOf) -> float:
    """Number of models with a law; what cannot be fitted at all is told by those that ask it."""
    given = materials(method)
    try:
        return len(fit_suitable(method, given["table"], given.get("hardware")))
    except InputError:
        return inf

"""What the schemas of config/multiverse.yaml and config/sensitivity.yaml cannot say of them."""

from collections.abc import Mapping
from typing import Any

from inference_energy.documents import (
    Schema,
    apart,
    collecting,
    near,
    read_schema,
    schema_problems,
    with_defaults,
)
from inference_energy.laws.registry import LAWS, named_laws
from inference_energy.method.files import check, merge, method_path

MULTIVERSE = "config/multiverse.yaml"
SENSITIVITY = "config/sensitivity.yaml"
PROPERTIES = {
    "serving": lambda base: "serving" in base,
    "no_serving": lambda base: "serving" not in base,
    "charges_input": lambda base: any(
        LAWS[law].charges_input for law in named_laws(base["throughput_law"])
    ),
    "each_configuration": lambda base: "gpus_per_node" in base["throughput_law"],
}
"""What of a base leaves choices and stress cases out, as ``left_out`` names it."""
BOUNDED = {
    "node_power": ("power", "properties", "value"),
    "power_utilisation_median": ("utilisation",),
    "pue_median": ("pue",),
    "output_tokens_traditional": ("length",),
    "output_tokens_long": ("length",),
    "input_tokens": ("length",),
    "throughput": ("multiplier",),
    "load": ("in_flight",),
    "long_share": ("share", "properties", "value"),
    "overhead": ("multiplier",),
    "improvement": ("multiplier",),
}
"""Inputs of the sensitivity, and the quantity of a method whose bounds and unit they have."""


def on_base(config: dict[str, Any], base: dict[str, Any], method_schema: Schema) -> dict[str, Any]:
    """The choices and stress cases that a base can take, and the option that it takes itself.

    Parameters
    ----------
    config : dict
        config/multiverse.yaml, right by its schema.
    base : dict
        Resolved method.
    method_schema : dict
        JSON Schema of a resolved method.

    Returns
    -------
    dict
        As the file. Every choice has a key ``of_base``: its first option that leaves the base as
        it is, which overrides nothing then; where there is none, one that is named after the base
        stands first. ``left_out`` has only the rules that leave something out, each with the
        ``titles`` of it.
    """
    rules = [r for r in config.get("left_out", []) if PROPERTIES[r["base"]](base)]
    out = {key: {n for r in rules for n in r.get(key, [])} for key in ("choices", "stress_cases")}
    choices = {
        name: _with_own(choice, base, method_schema)
        for name, choice in config["choices"].items()
        if name not in out["choices"]
    }
    return config | {
        "choices": choices,
        "stress_cases": {
            name: case
            for name, case in config.get("stress_cases", {}).items()
            if name not in out["stress_cases"]
        },
        "refused": [
            rule for rule in config.get("refused", []) if not out["choices"] & set(rule["when"])
        ],
        "earlier": [was for was in config.get("earlier", []) if was["base"] == base["id"]],
        "left_out": [rule | {"titles": _titles(rule, config)} for rule in rules],
    }


def _titles(rule: Mapping[str, Any], config: dict[str, Any]) -> list[str]:
    """What a rule leaves out, as readers know it."""
    choices = [config["choices"][name]["title"].lower() for name in rule.get("choices", [])]
    cases = [config["stress_cases"][name]["label"] for name in rule.get("stress_cases", [])]
    return choices + [f"the stress case “{label}”" for label in cases]


def _with_own(choice: dict[str, Any], base: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """A choice with the option that the base takes."""
    bare = _bare(with_defaults(base, schema, schema))
    for name, option in choice["options"].items():
        changed = merge(base, option.get("override", {}))
        if _bare(with_defaults(changed, schema, schema)) == bare:
            own = {key: value for key, value in option.items() if key != "override"}
            return choice | {"of_base": name, "options": choice["options"] | {name: own}}
    own = {"label": f"As {base['id']}", "source": method_path(base["id"])}
    return choice | {"of_base": base["id"], "options": {base["id"]: own} | choice["options"]}


def _bare(tree: Any) -> Any:
    """What a method says without where it has it from."""
    if not isinstance(tree, dict):
        return tree
    return {key: _bare(value) for key, value in tree.items() if key != "source"}


def option_problems(
    choices: Mapping[str, Any], base: dict[str, Any], method_schema: Schema
) -> list[str]:
    """Problems of the options of a method's choices.

    Parameters
    ----------
    choices : dict
        Key ``choices`` of what :func:`on_base` gives.
    base : dict
        Resolved method whose choices they are.
    method_schema : dict
        JSON Schema of a resolved method.

    Returns
    -------
    list of str
        Options that as a method's settings would be refused, one sentence each.
    """
    problems = []
    if not choices:
        problems.append(
            f"{MULTIVERSE}: key choices: none is left of those that {base['id']} can take; allowed"
            " is one or more; add a choice of what it states"
        )
    for name, choice in choices.items():
        options = choice["options"]
        if "serving" in base and any(
            "node_power" in o.get("override", {}) for o in options.values()
        ):
            problems.append(
                f"{MULTIVERSE}: key choices.{name}: value node_power: {base['id']} takes the power"
                " that its nodes draw at the load, which no rated power changes; allowed are"
                " choices of other settings; choose nodes (serving.nodes), or name the choice under"
                " left_out"
            )
        for option, stated in options.items():
            override = stated.get("override", {})
            changed = merge(base, override)
            wrong: list[str] = []
            with collecting(wrong):
                check(changed, method_schema, base["id"], stated=override)
            where = f"{MULTIVERSE}: key choices.{name}.options.{option}.override"
            problems += [p.replace(method_path(base["id"]), where, 1) for p in wrong]
    return problems


def unused_problems(
    config: dict[str, Any], base: dict[str, Any], method_schema: Schema
) -> list[str]:
    """Problems of the overrides that a base has no use for, which it cannot be merged with.

    Parameters
    ----------
    config : dict
        config/multiverse.yaml, right by its schema.
    base : dict
        Resolved method.
    method_schema : dict
        JSON Schema of a resolved method.

    Returns
    -------
    list of str
        Keys and values that no method can state, one sentence each; names that tables define are
        told by a base that has the tables.
    """
    used, schema, problems = on_base(config, base, method_schema), apart(method_schema), []
    unused = {
        f"choices.{name}.options.{option}": stated
        for name, choice in config["choices"].items()
        if name not in used["choices"]
        for option, stated in choice["options"].items()
    }
    unused |= {
        f"stress_cases.{name}": case
        for name, case in config.get("stress_cases", {}).items()
        if name not in used["stress_cases"]
    }
    for key, stated in unused.items():
        where = f"{MULTIVERSE}: key {key}.override"
        problems += schema_problems(stated.get("override", {}), schema, where)
    return problems


def left_out_problems(config: dict[str, Any]) -> list[str]:
    """Problems of the names of what is left out; the file is right by its schema."""
    problems = []
    for place, rule in enumerate(config.get("left_out", []), start=1):
        for key in ("choices", "stress_cases"):
            known = config.get(key, {})
            problems += [
                f"{MULTIVERSE}: key left_out, rule {place}: value {name}: none of the {key};"
                f" allowed are {', '.join(known)}; correct the name or drop it{near(name, known)}"
                for name in rule.get(key, [])
                if name not in known
            ]
    return problems


def rule_problems(config: dict[str, Any], base: dict[str, Any], method_schema: Schema) -> list[str]:
    """Problems of the combinations that are refused, and of the stress cases.

    Parameters
    ----------
    config : dict
        What :func:`on_base` gives.
    base : dict
        Resolved method.
    method_schema : dict
        JSON Schema of a resolved method.
    """
    problems, choices = [], config["choices"]
    for place, rule in enumerate(config.get("refused", []), start=1):
        where = f"{MULTIVERSE}: key refused, rule {place}"
        for choice, options in rule["when"].items():
            known = choices.get(choice, {}).get("options", {})
            problems += [
                f"{where}: value {choice} = {option}: unknown; allowed are options of"
                f" {', '.join(choices)}; correct the name or drop the rule"
                for option in named_options(options)
                if option not in known
            ]
        stated = {name: named_options(options) for name, options in rule["when"].items()}
        if not problems and all(choices[n]["of_base"] in o for n, o in stated.items()):
            problems.append(
                f"{where}: refuses {base['id']} itself; allowed are combinations that the base does"
                " not have; correct the rule"
            )
    for name, case in config.get("stress_cases", {}).items():
        wrong: list[str] = []
        with collecting(wrong):
            changed = merge(base, case["override"])
            check(changed, method_schema, base["id"], stated=case["override"])
        where = f"{MULTIVERSE}: key stress_cases.{name}.override"
        problems += [p.replace(method_path(base["id"]), where, 1) for p in wrong]
    return problems


def named_options(options: str | list[str]) -> list[str]:
    """Options that a rule states, one or several, as a list."""
    return [options] if isinstance(options, str) else options


def range_problems(inputs: Mapping[str, Any]) -> list[str]:
    """Problems of the ranges of the inputs, key ``inputs`` of config/sensitivity.yaml.

    Only of those that are stated in full: what else is wrong, the schema says.
    """
    problems = schema_problems({"inputs": inputs}, _bounds(), SENSITIVITY)
    if {"node_power", "power_utilisation_median"} <= inputs.keys():
        problems.append(
            f"{SENSITIVITY}: key inputs.node_power: stands beside power_utilisation_median: a"
            " measured share belongs to the maximum that it was taken of, and says nothing of"
            " another; allowed is one of the two; leave one out"
        )
    for name, entry in inputs.items():
        numbers = [entry.get("low"), entry.get("high"), *entry.get("allowed", [])]
        if len(numbers) != 4 or not all(isinstance(number, int | float) for number in numbers):
            continue
        low, high, bottom, top = numbers
        if not bottom <= low < high <= top:
            problems.append(
                f"{SENSITIVITY}: key inputs.{name}: value low = {low:g}, high = {high:g}, allowed"
                f" = {bottom:g} to {top:g}: allowed is lowest <= low < high <= highest; correct"
                " the range"
            )
    return problems


def _bounds() -> Schema:
    """JSON Schema of the inputs' numbers and units, from that of a method's quantities."""
    kinds, inputs = read_schema("method")["$defs"], {}
    for name, path in BOUNDED.items():
        node = kinds
        for step in path:
            node = node[step]
        number = {key: value for key, value in node.items() if key != "x-usual"}
        inputs[name] = {
            "properties": {
                "unit": {"const": node["unit"]},
                "low": number,
                "high": number,
                "allowed": {"items": number},
            }
        }
    return {"properties": {"inputs": {"properties": inputs}}}

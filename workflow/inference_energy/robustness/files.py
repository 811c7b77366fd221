"""What the schemas of config/multiverse.yaml and config/sensitivity.yaml cannot say of them."""

from inference_energy.documents import collecting, near, read_schema, schema_problems
from inference_energy.method.files import check, merge, method_path

MULTIVERSE = "config/multiverse.yaml"
SENSITIVITY = "config/sensitivity.yaml"
BOUNDED = {
    "node_power": ("power", "properties", "value"),
    "power_utilisation_median": ("utilisation",),
    "pue_median": ("pue",),
    "output_tokens_traditional": ("length",),
    "output_tokens_long": ("length",),
    "input_tokens": ("length",),
    "throughput": ("multiplier",),
    "long_share": ("share", "properties", "value"),
    "overhead": ("multiplier",),
    "improvement": ("multiplier",),
}
"""Inputs of the sensitivity, and the quantity of a method whose bounds and unit they have."""


def option_problems(choices, base, method_schema):
    """Problems of the options of a method's choices.

    Parameters
    ----------
    choices : dict
        Key ``choices`` of config/multiverse.yaml, right by its schema.
    base : dict
        Resolved method whose choices they are.
    method_schema : dict
        JSON Schema of a resolved method.

    Returns
    -------
    list of str
        Published options that do not exist or change the method, and options that as a method's
        settings would be refused, one sentence each.
    """
    problems = []
    for name, choice in choices.items():
        published, options = choice["published"], choice["options"]
        if "serving" in base and any(
            "node_power" in o.get("override", {}) for o in options.values()
        ):
            problems.append(
                f"{MULTIVERSE}: key choices.{name}: value node_power: {base['id']} takes the power"
                " that its nodes draw at the load, which no rated power changes; allowed are"
                " choices of other settings; choose nodes (serving.nodes) or leave the choice out"
            )
        if published not in options:
            problems.append(
                f"{MULTIVERSE}: key choices.{name}.published: value {published}: unknown option;"
                f" allowed are {', '.join(options)}; correct the name or add the"
                f" option{near(published, options)}"
            )
        for option, stated in options.items():
            override = stated.get("override", {})
            changed, wrong = merge(base, override), []
            with collecting(wrong):
                check(changed, method_schema, base["id"], stated=override)
            where = f"{MULTIVERSE}: key choices.{name}.options.{option}.override"
            problems += [p.replace(method_path(base["id"]), where, 1) for p in wrong]
            if option == published and changed != base:
                problems.append(
                    f"{where}: the published options change {base['id']}; allowed is none; name as"
                    " published the option that the base takes"
                )
    return problems


def rule_problems(config, base, method_schema):
    """Problems of the combinations that are refused, and of the stress cases.

    Parameters
    ----------
    config : dict
        config/multiverse.yaml, right by its schema.
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
        if not problems and all(choices[n]["published"] in o for n, o in stated.items()):
            problems.append(
                f"{where}: refuses {base['id']} itself; allowed are combinations that the base does"
                " not have; correct the rule"
            )
    for name, case in config.get("stress_cases", {}).items():
        wrong = []
        with collecting(wrong):
            changed = merge(base, case["override"])
            check(changed, method_schema, base["id"], stated=case["override"])
        where = f"{MULTIVERSE}: key stress_cases.{name}.override"
        problems += [p.replace(method_path(base["id"]), where, 1) for p in wrong]
    return problems


def named_options(options):
    """Options that a rule states, one or several, as a list."""
    return [options] if isinstance(options, str) else options


def range_problems(inputs):
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


def _bounds():
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

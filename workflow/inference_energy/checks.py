"""Problems of YAML documents against their schemas."""

from jsonschema_rs import validator_for


def schema_problems(instance, schema, where):
    """Problems of a YAML document against a JSON Schema, one sentence each."""
    problems = []
    for error in validator_for(schema).iter_errors(instance):
        path = ".".join(str(p) for p in error.instance_path) or "(top)"
        problems.append(f"{where}: key {path}: {_remedy(error, instance)}")
    return problems


def _remedy(error, instance):
    value = instance
    for step in error.instance_path:
        value = value[step]
    kind = error.kind.name
    if kind == "additionalProperties":
        return f"unknown key {', '.join(error.kind.unexpected)}; remove it or correct its spelling"
    if kind == "required":
        return f"missing key {error.kind.property}; state it"
    if kind == "enum":
        allowed = ", ".join(map(str, error.kind.options))
        return f"value {value!r}: allowed are {allowed}; correct the value"
    if kind == "falseSchema":
        return f"value {value!r}: not allowed with this distribution; remove it"
    return f"value {value!r}: {error.message}; correct the value"

"""Schemas refuse what they do not know."""

import pytest
from repository import ROOT, read_yaml


def objects(schema, path="schema"):
    """Every schema of a mapping inside a JSON Schema, with where it is."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" or ("properties" in schema and "type" in schema):
            yield path, schema
        for key, value in schema.items():
            yield from objects(value, f"{path}.{key}")
    elif isinstance(schema, list):
        for place, value in enumerate(schema):
            yield from objects(value, f"{path}[{place}]")


# What a method file would state is checked where it is merged into a method; the settings of the
# stress test have their own schema, and its extra inputs belong to the endpoint.
FREE = {"context", "override", "stress", "extra_inputs"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "workflow" / "schemas").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_no_schema_lets_a_misspelt_key_pass(path):
    found = dict(objects(read_yaml(path)))
    assert found
    for place, schema in found.items():
        if place.rpartition(".")[2] in FREE:
            continue
        # a mapping by name (of models) states what its values are instead
        assert schema.get("additionalProperties") is False or isinstance(
            schema.get("additionalProperties"), dict
        ), place

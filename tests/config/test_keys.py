"""Every key of config/ is described in its schema, and config/README.md is current."""

import pytest
from inference_energy.documents import read, resolved
from inference_energy.keys import key_tables
from inference_energy.robustness.sensitivity import INPUTS
from inference_energy.tables import describe_tables
from inference_energy.templates import render
from repository import ROOT, read_yaml

SCHEMAS = {
    path.name.removesuffix(".schema.yaml"): read_yaml(path)
    for path in sorted((ROOT / "workflow/schemas").glob("*.schema.yaml"))
}
PAGE = (ROOT / "config/README.md").read_text(encoding="utf-8")
STRESS = read_yaml("config/stress.yaml")
KEYWORDS = {
    *("$schema", "$defs", "$ref", "title", "description", "default", "unit", "x-file", "type"),
    *("additionalProperties", "allOf", "anyOf", "const", "contains", "dependentRequired", "else"),
    *("enum", "exclusiveMaximum", "exclusiveMinimum", "if", "items", "maxItems", "maximum"),
    *("minItems", "minLength", "minProperties", "minimum", "not", "oneOf", "pattern"),
    *("dependentSchemas", "properties", "propertyNames", "required", "then", "uniqueItems"),
    *("x-besides", "x-names", "x-null", "x-patterns", "x-reason", "x-remedy", "x-usual", "x-words"),
}
SINGLE = ("additionalProperties", "contains", "else", "if", "items", "propertyNames", "then")


def nodes(node, path=()):
    """Every part of a schema that is a schema itself, with its path."""
    if not isinstance(node, dict):
        return
    yield path, node
    for keyword in ("properties", "$defs", "x-file"):
        for name, child in node.get(keyword, {}).items():
            yield from nodes(child, (*path, name))
    for keyword in SINGLE:
        yield from nodes(node.get(keyword), (*path, keyword))
    for keyword in ("allOf", "anyOf", "oneOf"):
        for child in node.get(keyword, []):
            yield from nodes(child, (*path, keyword))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_says_nothing_that_is_no_keyword(name):
    """An unquoted comma in a description would make a key of its second half."""
    for path, node in nodes(SCHEMAS[name]):
        assert set(node) <= KEYWORDS, path


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_has_a_description(name):
    for path, node in nodes(SCHEMAS[name]):
        if {"if", "then", "else"} & set(path):
            continue
        for key, child in (node.get("properties", {}) | node.get("x-file", {})).items():
            assert resolved(child, SCHEMAS[name])["description"].strip(), (*path, key)
            assert len(resolved(child, SCHEMAS[name])["description"]) > 5, (*path, key)


def test_every_file_of_config_has_a_schema():
    files = {path.stem for path in (ROOT / "config").glob("*.yaml")}
    assert files | {"method", "deployment", "facts"} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_tables_of_the_page_are_current(name):
    """If not: make readme."""
    block = PAGE.partition(f"<!-- begin: {name} -->\n")[2].partition(f"\n<!-- end: {name} -->")[0]
    assert block == key_tables(SCHEMAS[name], {"stress": STRESS}.get(name))


def test_the_columns_of_the_expected_verdicts_are_current():
    (table,) = describe_tables(["expected_verdicts"])
    assert render("tables/table.md.jinja", table=table).strip() in PAGE


def stated_keys(schema):
    """Names of all keys that a schema has."""
    return {key for _, node in nodes(schema) for key in (*node.get("properties", {}),)}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_stands_in_its_table(name):
    table = key_tables(SCHEMAS[name])
    named = {part.strip("`").rpartition(".")[2] for part in table.replace(",", " ").split()}
    assert stated_keys(SCHEMAS[name]) - named == set()


def test_the_file_of_the_stress_test_states_every_key():
    assert set(STRESS) == set(SCHEMAS["stress"]["properties"])
    assert read(ROOT / "config/stress.yaml") == STRESS


def test_the_inputs_of_the_sensitivity_are_those_that_can_be_varied():
    assert set(SCHEMAS["sensitivity"]["properties"]["inputs"]["properties"]) == set(INPUTS)


def test_the_configuration_holds_no_keys_of_the_stress_test():
    assert not set(SCHEMAS["config"]["properties"]) & set(SCHEMAS["stress"]["properties"])


@pytest.mark.parametrize("name", ["evidence", "footprint", "multiverse", "requests", "scaling"])
def test_every_number_has_an_upper_bound(name):
    """Numbers that nothing else is held against."""
    ends = {"maximum", "exclusiveMaximum", "enum", "const"}
    assert [
        path
        for path, node in nodes(SCHEMAS[name])
        if {"number", "integer"} & {*([node["type"]] if isinstance(node.get("type"), str) else [])}
        and not ends & node.keys()
    ] == []

"""The data package is a valid one and describes the files that are there."""

import csv
import json
import tomllib

import jsonschema_rs
import pytest
from inference_energy.reuse.checksums import read_sums
from inference_energy.reuse.package import (
    columns_to_be,
    field,
    pattern_of,
    resource,
    schema_of,
)
from processes import git
from repository import ROOT

PACKAGE = json.loads((ROOT / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES = {each["path"]: each for each in PACKAGE["resources"]}
PROFILE = ROOT / "tests" / "fixtures" / "profiles" / "datapackage.json"


def test_it_is_what_the_published_profile_asks_for():
    profile = json.loads(PROFILE.read_text(encoding="utf-8"))
    errors = jsonschema_rs.validator_for(profile).iter_errors(PACKAGE)
    assert [error.message for error in errors] == []


def test_every_file_of_data_is_in_it_with_its_checksum():
    sums = {f"data/{name}": f"sha256:{digest}" for name, digest in read_sums(ROOT / "data").items()}
    assert {path: of["hash"] for path, of in RESOURCES.items() if "hash" in of} == sums
    for path in sums:
        assert RESOURCES[path]["bytes"] == (ROOT / path).stat().st_size


def test_every_committed_table_of_data_and_results_is_in_it_and_no_other():
    tables = git(ROOT, "ls-files", "-z", "data/*.csv", "results/*.csv")
    assert sorted(RESOURCES) == sorted(tables.rstrip("\0").split("\0"))


def test_columns_are_those_of_the_files():
    for path, of in RESOURCES.items():
        with open(ROOT / path, encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        assert [column["name"] for column in of["schema"]["fields"]] == header


def test_names_are_there_once_and_the_version_is_the_projects():
    names = [each["name"] for each in PACKAGE["resources"]]
    assert len(names) == len(set(names)) == len(RESOURCES)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert PACKAGE["version"] == project["version"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (
            {"type": "number", "exclusiveMinimum": 0, "unit": "kW"},
            {"exclusiveMinimum": 0, "required": True},
        ),
        ({"type": ["string", "null"]}, None),
        ({"enum": ["a", "b", None]}, {"enum": ["a", "b"]}),
        ({"type": "integer", "minimum": 1}, {"minimum": 1, "required": True}),
        ({"type": "string", "pattern": "^a$"}, {"pattern": "^a$", "required": True}),
        ({"type": "string", "pattern": "^a."}, {"pattern": "^a..*", "required": True}),
        ({"type": "string", "pattern": "b"}, {"pattern": ".*b.*", "required": True}),
    ],
)
def test_a_column_keeps_its_type_unit_and_bounds(column, expected):
    found = field("x", column | {"description": "A\n  column."})
    assert found.get("constraints") == expected
    assert found.get("unit") == column.get("unit")
    assert found["description"] == "A column."


def test_a_title_names_the_files_of_methods_and_no_others():
    pattern = pattern_of("<method>/claims.csv", ["a", "b.c"])
    assert pattern.fullmatch("a/claims.csv") and pattern.fullmatch("b.c/claims.csv")
    assert not pattern.fullmatch("audit/claims.csv") and not pattern.fullmatch("bxc/claims.csv")
    assert pattern_of("comparison/<base>..<head>.csv", []).fullmatch("comparison/a..b.csv")


def test_a_table_has_one_schema():
    titles = {"one": "<method>/x.csv, audit/x.csv", "two": "<method>/y.csv"}
    assert schema_of("audit/x.csv", titles, ["m"]) == "one"
    with pytest.raises(KeyError, match="0 schemas"):
        schema_of("audit/y.csv", titles, ["m"])


def test_optional_columns_may_be_absent():
    found = resource("data/gpus.csv", "gpus", ["gpu", "memory_gb"])
    assert [each["name"] for each in found["schema"]["fields"]] == ["gpu", "memory_gb"]


@pytest.mark.parametrize(
    "name",
    ["load_predictions", "load_scores", "multiverse_claims", "specification_curve", "tornado"],
)
def test_a_table_that_the_audit_is_making_is_described_as_it_will_be(name):
    # its jobs take their tables away first, and the package waits for none of them
    path = next(path for path in RESOURCES if path.endswith(f"/{name}.csv"))
    expected = [column["name"] for column in RESOURCES[path]["schema"]["fields"]]
    assert columns_to_be(name) == expected

"""What the files of the audit may not say."""

from copy import deepcopy

import pytest
from inference_energy.robustness.files import (
    PROPERTIES,
    on_base,
    option_problems,
    range_problems,
    unused_problems,
)
from library.robustness.small import BASE, CONFIG, SCHEMAS
from repository import METHODS, read_multiverse


def test_the_projects_options_and_ranges_are_right():
    assert option_problems(on_base(CONFIG, BASE, SCHEMAS[1])["choices"], BASE, SCHEMAS[1]) == []


def test_the_schema_names_the_properties_of_a_base_that_leave_something_out():
    rule = SCHEMAS[0]["properties"]["left_out"]["items"]["properties"]["base"]
    assert rule["enum"] == list(PROPERTIES)


def test_an_option_says_where_its_numbers_are_from_and_may_differ_from_the_base_in_that():
    config = deepcopy(CONFIG)
    stated = config["choices"]["pue"]["options"]["code"]
    stated["override"]["pue"]["source"] = "elsewhere"
    found = on_base(config, BASE, SCHEMAS[1])["choices"]["pue"]
    assert found["of_base"] == "code"
    assert "override" not in found["options"]["code"]
    stated["override"]["pue"]["p95"] = 1.61
    assert on_base(config, BASE, SCHEMAS[1])["choices"]["pue"]["of_base"] == "oviedo2026"


def test_what_a_base_has_no_use_for_is_left_out_with_what_names_it():
    found = read_multiverse("revised")
    assert set(found["choices"]).isdisjoint({"node_power", "throughput_law", "input_charge"})
    assert list(found["stress_cases"]) == ["azure-code"]
    assert found["refused"] == found["earlier"] == []
    assert found["left_out"][0]["titles"] == [
        "node power",
        "power utilisation",
        "the stress case “8.4 / 10.5 kW at every moment (measured)”",
    ]
    assert found["choices"]["output_tokens"]["of_base"] == "revised"
    assert found["choices"]["pue"]["of_base"] == "reported"


def test_load_is_a_choice_of_bases_that_state_how_they_serve_and_of_no_others():
    load = read_multiverse("revised")["choices"]["load"]
    assert list(load["options"]) == ["revised", "8", "64", "256", "best"]
    assert load["of_base"] == "revised"
    found = read_multiverse()
    assert "load" not in found["choices"]
    assert [rule["titles"] for rule in found["left_out"]] == [["load"]]


@pytest.mark.parametrize("base", METHODS)
def test_what_the_project_leaves_out_is_right(base):
    """Also half a quantity: what it lacks is told by the base that it is merged into."""
    assert unused_problems(CONFIG, METHODS[base], SCHEMAS[1]) == []
    half = deepcopy(CONFIG)
    half["choices"]["load"]["options"]["8"]["override"] = {"serving": {"load": {"value": 9}}}
    assert unused_problems(half, METHODS[base], SCHEMAS[1]) == []


@pytest.mark.parametrize(
    ("path", "change", "words"),
    [
        ("choices.load.options.8", {"serving": {"load": {"valu": 9}}}, "did you mean value?"),
        ("choices.load.options.8", {"serving": {"load": {"value": "9"}}}, "value '9'"),
        ("stress_cases.measured-power", {"node_powr": {}}, "did you mean node_power?"),
    ],
)
def test_what_is_wrong_in_what_the_base_leaves_out_is_told(path, change, words):
    config = deepcopy(CONFIG)
    stated = config
    for key in path.split("."):
        stated = stated[key]
    stated["override"] = change
    base = BASE if "load" in path else METHODS["revised"]
    (problem,) = unused_problems(config, base, SCHEMAS[1])
    assert problem.startswith(f"config/multiverse.yaml: key {path}.override: key ")
    assert words in problem


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.4), (-1, 0.5), (0.5, 2), (0.5, 0.5)])
def test_a_range_outside_what_is_allowed_is_named(low, high):
    (problem,) = range_problems({"x": {"low": low, "high": high, "allowed": [0, 1]}})
    assert problem.startswith("config/sensitivity.yaml: key inputs.x: value low")
    assert range_problems({"x": {"low": 0.4, "high": 0.9, "allowed": [0, 1]}}) == []

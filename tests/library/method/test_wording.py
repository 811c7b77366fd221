"""Settings in words."""

import pytest
from inference_energy.method.wording import (
    DEFAULTS,
    change_text,
    differing_keys,
    quantity_text,
    words,
)
from repository import read_yaml

NEAR = [
    ({"value": 500}, {"value": 500.000001}, "500", "500.000001"),
    ({"factors": [1.1, 1.2]}, {"factors": [1.1, 1.20000001]}, "1.1 x 1.2", "1.1 x 1.20000001"),
    (
        {"kinds": {"a": 0.4, "b": 1}},
        {"kinds": {"a": 0.40000001, "b": 1}},
        "a 0.4, b 1",
        "a 0.40000001, b 1",
    ),
    (
        {"trim": [[0.05, 0.95]], "models": 3},
        {"trim": [[0.05, 0.95000000001]], "models": 3},
        "0.05 to 0.95",
        "0.05 to 0.95000000001",
    ),
    (
        {"distribution": "log-normal", "p5": 0.4, "p95": 0.9},
        {"distribution": "log-normal", "p5": 0.4, "p95": 0.900000001},
        "0.400-0.900000000",
        "0.400-0.900000001",
    ),
]


@pytest.mark.parametrize(("old", "new", "before", "after"), NEAR)
def test_values_that_differ_are_written_in_digits_that_do(old, new, before, after):
    assert change_text("setting", old, new)[1:] == (before, after)


RANGE = {"distribution": "log-normal", "p5": 0.401, "p95": 0.912, "unit": "1", "source": "one"}
FIXED = {"distribution": "fixed", "value": 0.6, "unit": "1", "source": "another"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("pue", "PUE"),
        ("node_power.default", "node power"),
        ("regimes.long.input_tokens", "long input tokens"),
        ("pue + power_utilisation", "PUE + power utilisation"),
        ("node_power.models.Llama_3.1 70B", "node power models Llama_3.1 70B"),
        ("benchmarks.exclude_sources", "benchmark rows exclude sources"),
        ("benchmarks + blend.trim", "benchmark rows + blend trim"),
    ],
)
def test_a_path_is_said_in_words(path, said):
    assert words(path) == said


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ({}, "none"),
        (FIXED, "0.6"),
        (RANGE, "0.401-0.912"),
        ({"factors": [1.1, 1.2]}, "1.1 x 1.2"),
        ({"kinds": {"vLLM": 1.0}, "unit": "1"}, "vLLM 1"),
        ({"trim": [[0.05, 0.95]], "shares": "equal"}, "trim 0.05 to 0.95, shares equal"),
        ({"trim": [], "precision": ["FP4", "FP8"]}, "trim none, precision FP4, FP8"),
        ({"trim": [[0, 0.5], [0.1, 1]]}, "trim 0 to 0.5, 0.1 to 1"),
        ({"kinds": {"vLLM": 1.0, "SGLang": 3.0}}, "vLLM 1, SGLang 3"),
        ({"law": {"n_rows": 0.1234567, "unit": "1"}}, "law n rows 0.123457"),
        ({"distribution": "log-normal", "median": 300}, "log-normal, median 300"),
        ({"value": None}, "none"),
    ],
)
def test_a_quantity_is_said_in_words(quantity, said):
    assert quantity_text(quantity, {}) == said


def test_only_keys_that_differ_are_said_and_lacking_ones_if_there_are_no_others():
    other = {"models": 5, "shares": "equal", "extra": 2}
    assert quantity_text({"models": 3, "shares": "equal"}, other) == "models 3"
    assert quantity_text({"models": 5, "shares": "equal"}, other) == "extra none"


def test_a_range_is_said_in_as_many_digits_as_tell_both_its_ends_from_the_other():
    other = RANGE | {"p5": 0.40103, "p95": 0.91203}
    assert quantity_text(RANGE, other) == "0.40100-0.91200"


LAW = {"name": "peak", "minimum_rows": 3}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # one number, one range, and one that a side lacks are said whole
        (FIXED, FIXED | {"value": 0.7}, ("it", "0.6", "0.7")),
        ({"factors": [1, 2]}, {"factors": [1, 3]}, ("it", "1 x 2", "1 x 3")),
        (RANGE, RANGE | {"p95": 0.95}, ("it", "0.401-0.912", "0.401-0.950")),
        (LAW, {}, ("it", "peak, minimum rows 3", "none")),
        ({}, {"models": 3}, ("it", "none", "models 3")),
        # of more that changed all keys, and what is said by itself
        (LAW, LAW | {"name": "additive"}, ("it", "peak", "additive")),
        (
            LAW | {"fallback": "peak"},
            {"name": "peak", "minimum_rows": 4, "fallback": "additive"},
            ("it", "minimum rows 3, fallback peak", "minimum rows 4, fallback additive"),
        ),
        (LAW, LAW | {"minimum_rows": 4}, ("it minimum rows", "3", "4")),
    ],
)
def test_a_change_is_said_of_the_whole_or_of_its_one_key(old, new, said):
    assert change_text("it", old, new) == said


def test_a_change_names_the_one_key_that_changed():
    assert differing_keys(RANGE, RANGE | {"source": "two", "unit": "2"}) == []
    assert change_text("power utilisation", RANGE, FIXED) == (
        "power utilisation",
        "0.401-0.912",
        "0.6",
    )
    old, new = {"models": 3, "shares": "equal"}, {"models": 5, "shares": "equal"}
    assert change_text("blend", old, new) == ("blend models", "3", "5")


def _defaults(node):
    """Keys of a quantity in the schema to their defaults."""
    found = {}
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        default = child.get("default") if isinstance(child, dict) else None
        # node_power has a quantity of that name
        if default is not None and not isinstance(default, dict):
            found[key] = default
        if isinstance(child, dict | list):
            found |= _defaults(child)
    return found


def test_a_key_that_is_left_out_is_said_as_what_it_then_is():
    schema = read_yaml("workflow/schemas/method.schema.yaml")
    # the kind of a method is no key of a quantity
    assert _defaults(schema) == DEFAULTS | {"kind": "user"}
    blend = {"models": 3, "trim": [], "source": "one"}
    ranked = blend | {"ranked_by": "parameters"}
    assert change_text("blend", blend, ranked) == ("blend ranked by", "median", "parameters")
    assert differing_keys(blend, blend | {"ranked_by": "median"}) == []
    law = {"name": "peak", "minimum_rows": 3}
    other = {"name": "at-load", "error": "included"}
    assert quantity_text(law, other) == "peak, minimum rows 3, error ignored"


def test_what_chooses_among_rows_leaves_all_where_it_is_not_stated():
    rows = {"table": "data/throughput/oviedo.csv"}
    for key in ("models", "gpus", "sources", "precision"):
        name, *told = change_text("benchmark rows", rows, rows | {key: ["a", "b"]})
        assert (name, told) == (f"benchmark rows {key}", ["all", "a, b"])
    assert change_text("benchmark rows", rows, rows | {"exclude_sources": ["a"]})[1:] == (
        "none",
        "a",
    )

"""What differs between two methods."""

from copy import deepcopy

from inference_energy.comparison.attribution import attribution
from inference_energy.comparison.medians import ExactMedians
from inference_energy.method.differences import (
    choices,
    differences,
    differing,
    plain_differences,
    with_settings,
)
from library.comparison.methods import V2, paper
from repository import METHODS


def test_two_percentiles_of_a_quantity_are_one_setting():
    head = deepcopy(V2)
    head["pue"] |= {"p5": 1.1, "p95": 1.3}
    assert differing(V2, head) == {"pue": [("pue",)]}
    lines = differences(V2, head)
    assert lines["path"].tolist() == ["pue.p5", "pue.p95"]
    assert lines["base"].tolist() == ["1.05", "1.6"]
    assert lines["unit"].tolist() == ["1", "1"]


def test_sources_order_of_names_and_defaults_are_no_difference():
    head = deepcopy(V2)
    head["pue"]["source"] = "elsewhere"
    base = deepcopy(V2)
    base["benchmarks"]["precision"] = ["FP8", "FP4"]
    head["benchmarks"]["precision"] = ["FP4", "FP8"]
    head["blend"]["ranked_by"] = "median"
    assert differing(base, head) == {}
    assert attribution(V2, V2, ExactMedians(paper))[0].empty


def test_a_quantity_that_only_one_method_states_comes_and_goes():
    head = deepcopy(V2)
    head["node_power"]["models"] = {}
    (path,) = differing(V2, head)["node_power"]
    assert with_settings(V2, head, [path])["node_power"] == head["node_power"]
    assert with_settings(head, V2, [path])["node_power"] == V2["node_power"]
    assert differences(V2, head)["head"].isna().all()


def test_several_choices_of_a_section_are_apart_and_one_is_the_section():
    head = deepcopy(V2)
    head["blend"] |= {"models": 4, "source": "elsewhere"}
    assert choices(V2, head) == differing(V2, head) == {"blend": [("blend",)]}
    head["blend"]["trim"] = []
    assert choices(V2, head) == {"blend": [("blend", "models"), ("blend", "trim")]}
    # what is left out is as its default, and names are in any order
    head["blend"]["ranked_by"] = "median"
    head["benchmarks"]["precision"] = V2["benchmarks"]["precision"][::-1]
    head["benchmarks"] |= {"gpus": ["B200"], "sources": ["a"]}
    assert choices(V2, head) == {
        "benchmarks": [("benchmarks", "gpus"), ("benchmarks", "sources")],
        "blend": [("blend", "models"), ("blend", "trim")],
    }
    assert with_settings(V2, head, [("blend", "trim")])["blend"] == V2["blend"] | {"trim": []}
    mixed = with_settings(V2, head, [path for of in choices(V2, head).values() for path in of])
    assert differing(mixed, head) == {}
    del head["blend"]
    assert choices(V2, head)["blend"] == [("blend",)]


def test_all_settings_of_the_head_make_its_method_also_where_it_lacks_a_section():
    revised = METHODS["revised"]
    for base, head in ((revised, V2), (V2, revised)):
        paths = [path for of in differing(base, head).values() for path in of]
        mixed = with_settings(base, head, paths)
        assert ("serving" in mixed) == ("serving" in head)
        assert differing(mixed, head) == {}


def test_every_value_that_differs_is_a_line_with_both_sources():
    base = {
        "id": "a",
        "pue": {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "old"},
        "blend": {"trim": [[0, 0.5]], "nested": {"on": True}, "source": "old"},
        "node_power": {"default": {"value": 10, "unit": "kW", "source": "plate"}},
        "rows": {"table": ["b", "a"], "source": "own"},
    }
    head = {
        "id": "b",
        "pue": {"distribution": "log-normal", "p5": 1.1, "unit": "share", "source": "new"},
        "blend": {"trim": [], "nested": {"on": False}, "source": "new"},
        "node_power": {"models": {"A": {"value": 9, "unit": "W"}}},
        "rows": {"table": ["a", "b"], "source": "another"},
    }
    found = differences(base, head)
    columns = ["setting", "path", "base", "head", "unit", "base_source", "head_source"]
    assert list(found.columns) == columns
    assert found.to_numpy().tolist() == [
        ["pue", "pue.distribution", "fixed", "log-normal", "share", "old", "new"],
        ["pue", "pue.value", "1.2", None, "share", "old", "new"],
        ["pue", "pue.p5", None, "1.1", "share", "old", "new"],
        ["blend", "blend.trim", "[[0, 0.5]]", "[]", None, "old", "new"],
        ["blend", "blend.nested.on", "true", "false", None, "old", "new"],
        ["node_power", "node_power.default.value", "10", None, "kW", "plate", None],
        ["node_power", "node_power.models.A.value", None, "9", "W", None, None],
    ]
    assert list(differences(base, base).columns) == columns


def test_a_section_with_a_source_is_one_setting_whatever_it_nests():
    base = {"law": {"reference": {"input_tokens": 1, "unit": "tokens"}, "source": "a"}}
    head = {"law": {"reference": {"input_tokens": 2, "unit": "tokens"}, "source": "a"}}
    assert differing(base, head) == {"law": [("law",)]}
    assert differences(base, head)["path"].tolist() == ["law.reference.input_tokens"]
    # keys of one name in two places are two
    both = {"law": {"a": {"of": 1}, "b": {"of": 2}, "c": 3, "source": "a"}}
    other = {"law": {"a": {"of": 2}, "b": {"of": 2}, "c": 3, "source": "a"}}
    assert differences(both, other)["path"].tolist() == ["law.a.of"]


def test_what_neither_method_states_is_not_stated_afterwards():
    base = {"node_power": {"models": {"A": {"value": 9}}, "default": {"value": 10}}}
    head = {"node_power": {"default": {"value": 10}}}
    path = ("node_power", "models", "A")
    assert with_settings(base, head, [path]) == head
    assert with_settings(head, head, [path]) == head


def test_values_that_are_alike_in_six_digits_are_told_in_all():
    head = deepcopy(V2)
    head["pue"]["p5"] = 1.0500000001
    assert differences(V2, head)[["base", "head"]].to_numpy().tolist() == [["1.05", "1.0500000001"]]


def test_what_is_no_quantity_differs_but_for_the_name_of_the_file():
    assert plain_differences(V2, V2 | {"id": "mine"}) == {}
    head = V2 | {"id": "mine", "title": "Mine", "claims": "v1"}
    assert plain_differences(V2, head) == {
        "title": (V2["title"], "Mine"),
        "claims": (V2["claims"], "v1"),
    }

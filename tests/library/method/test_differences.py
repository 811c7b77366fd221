"""What differs between two methods."""

from copy import deepcopy

from inference_energy.comparison.attribution import attribution
from inference_energy.comparison.medians import ExactMedians
from inference_energy.method.differences import differences, differing, with_settings
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


def test_all_settings_of_the_head_make_its_method_also_where_it_lacks_a_section():
    revised = METHODS["revised"]
    for base, head in ((revised, V2), (V2, revised)):
        paths = [path for of in differing(base, head).values() for path in of]
        mixed = with_settings(base, head, paths)
        assert ("serving" in mixed) == ("serving" in head)
        assert differing(mixed, head) == {}

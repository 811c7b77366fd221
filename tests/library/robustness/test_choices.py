"""Choices and their options: each is a valid method, what is wrong is named."""

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.laws.registry import LAWS
from inference_energy.method.files import merge
from inference_energy.robustness import choices
from library.robustness.small import CONFIG, checked, small
from repository import METHODS


def test_every_option_of_the_project_is_a_valid_method():
    assert np.prod(checked(CONFIG).shape) >= 20_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pue": "cod"}, ["value cod", "unknown option", "did you mean code?"]),
        ({"pu": "code"}, ["value pu", "unknown choice", "did you mean pue?"]),
    ],
)
def test_an_unknown_choice_or_option_is_named(options, words):
    with pytest.raises(InputError) as error:
        checked(small()).method(options)
    assert all(word in str(error.value) for word in words)


def test_all_wrong_options_are_reported_together():
    config = small()
    config["choices"]["trim"]["options"]["none"]["override"]["blend"]["trim"] = [[0.9, 0.1]]
    config["choices"]["node_power"]["options"]["one-node"]["override"] = {"nodepower": 1}
    with pytest.raises(InputError) as error:
        checked(config)
    for word in ("trim.options.none", "lower < upper", "nodepower"):
        assert word in str(error.value)


def test_the_option_of_the_base_is_the_one_that_leaves_it_as_it_is():
    assert checked(CONFIG).of_base == {
        "node_power": "v2",
        "power_utilisation": "range",
        "pue": "code",
        "output_tokens": "exponential",
        "input_tokens": "500",
        "input_charge": "law",
        "throughput_law": "log-linear",
        "benchmarks": "fp8",
        "trim": "twice",
        "ranking": "median",
        "shares": "equal",
    }
    assert checked(CONFIG, METHODS["oviedo2025"]).of_base["node_power"] == "v1"


def test_a_choice_without_an_option_of_the_base_gets_one():
    config = small()
    del config["choices"]["trim"]["options"]["twice"]
    trim = checked(config).choices["trim"]
    assert list(trim["options"]) == ["oviedo2026", "none"]
    assert trim["of_base"] == "oviedo2026"
    assert trim["options"]["oviedo2026"] == {
        "label": "As oviedo2026",
        "source": "config/methods/oviedo2026.yaml",
    }


@pytest.mark.parametrize("base", METHODS)
def test_every_method_can_be_the_base_of_the_projects_choices(base):
    check_base_of_choices(METHODS[base])


def test_a_law_of_its_own_for_each_configuration_leaves_out_those_of_a_node():
    base = METHODS["full-load"]
    law = base["throughput_law"] | {"name": "additive"}
    check_base_of_choices(merge(base, {"throughput_law": law}))


def test_a_fallback_that_charges_input_leaves_out_another_charge():
    base = METHODS["oviedo2026"]
    law = base["throughput_law"] | {"fallback": "additive", "fallback_minimum_rows": 3}
    multiverse = checked(CONFIG, merge(base, {"throughput_law": law}))
    assert "input_charge" not in multiverse.choices


def check_base_of_choices(method):
    multiverse = checked(CONFIG | {"base": method["id"]}, method)
    assert multiverse.method() == method
    left = set(CONFIG["choices"]) - set(multiverse.choices)
    law = LAWS[method["throughput_law"]["name"]]
    assert ("node_power" in left) == ("serving" in method)
    assert ("throughput_law" in left) == ("gpus_per_node" in method["throughput_law"])
    assert ("input_charge" in left) == law.charges_input
    assert np.prod(multiverse.shape) > 500


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"choices": ["node_pwer"]}, "node_pwer: none of the choices"),
        ({"stress_cases": ["azure"]}, "did you mean azure-code?"),
        ({}, "allowed is choices, or stress_cases"),
        ({"base": "servng", "choices": ["pue"]}, "did you mean serving?"),
    ],
)
def test_a_rule_that_leaves_out_what_is_not_there_is_named(rule, word):
    rule = {"base": "serving", "because": "a test"} | rule
    with pytest.raises(InputError) as error:
        checked(small() | {"left_out": [rule]})
    assert "left_out" in str(error.value) and word in str(error.value)


def test_a_base_that_no_choice_fits_is_refused():
    rule = {"base": "each_configuration", "choices": ["throughput_law"], "because": "a test"}
    config = small() | {"left_out": [rule], "refused": []}
    config["choices"] = {"throughput_law": config["choices"]["throughput_law"]}
    assert checked(config).shape == (2,)
    with pytest.raises(InputError, match="none is left of those that revised can take"):
        checked(config, METHODS["revised"])


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"pue": "codes", "trim": "none"}, ["rule 1", "pue = codes: unknown"]),
        ({"pu": "code", "trim": "none"}, ["rule 1", "pu = code: unknown"]),
        ({"pue": "code", "trim": ["twice", "none"]}, ["rule 1", "refuses oviedo2026 itself"]),
        ({"pue": "code"}, ["refused", "when"]),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(when, words):
    with pytest.raises(InputError) as error:
        checked(small() | {"refused": [{"when": when, "because": "a test"}]})
    assert all(word in str(error.value) for word in words)


def test_a_wrong_stress_case_is_named():
    config = small()
    config["stress_cases"]["tensorrt-llm"]["override"] = {"benchmarcs": {}}
    with pytest.raises(InputError, match=r"key stress_cases.tensorrt-llm.override: .*benchmarcs"):
        checked(config)


def test_what_is_refused_by_a_rule_is_refused_wherever_it_stands():
    multiverse = checked(small())
    table = multiverse.specifications()
    both = (table["pue"] == "reported") & (table["power_utilisation"] == "coupled")
    np.testing.assert_array_equal(multiverse.allowed.ravel(), ~both)
    assert multiverse.refuses({"pue": "reported", "power_utilisation": "coupled"})
    assert not multiverse.refuses({"pue": "reported"})
    assert multiverse.allowed[multiverse.place]


def test_the_project_refuses_what_contradicts_itself():
    multiverse = checked(CONFIG)
    assert multiverse.refuses({"throughput_law": "additive", "input_charge": "thirtieth"})
    assert "azure-code" not in multiverse.choices["output_tokens"]["options"]
    assert "tensorrt-llm" not in multiverse.choices["benchmarks"]["options"]


def test_a_power_that_was_drawn_is_no_rated_power_of_which_shares_are_taken():
    case = CONFIG["stress_cases"]["measured-power"]["override"]
    drawn = case["node_power"]["default"]["value"]
    assert case["power_utilisation"]["value"] == 1
    for option in CONFIG["choices"]["node_power"]["options"].values():
        rated = option.get("override", {}).get("node_power", {}).get("default", {})
        assert rated.get("value") != drawn


def test_a_measured_share_stands_with_the_maximum_that_it_was_taken_of():
    multiverse = checked(CONFIG)
    for share in ("measured-inference", "measured-training"):
        for power in ("v1", "listed"):
            assert multiverse.refuses({"node_power": power, "power_utilisation": share})
        assert not multiverse.refuses({"node_power": "v2", "power_utilisation": share})
    # the paper's first version takes the shares of the second
    assert not multiverse.refuses({"node_power": "v1", "power_utilisation": "range"})


def test_choices_that_rules_link_are_one_factor():
    config = small()
    names = list(config["choices"])
    multiverse = checked(config)
    pair = ["power_utilisation", "pue"]
    others = [[name] for name in names if name not in pair]
    assert sorted(multiverse.factors) == sorted([pair, *others])
    again = {"when": {"trim": "none", "pue": "reported"}, "because": "a test"}
    three = checked(config | {"refused": [*config["refused"], again]}).factors
    assert ["power_utilisation", "pue", "trim"] in three
    assert sorted(name for factor in three for name in factor) == sorted(names)


def test_the_factorial_holds_every_allowed_specification_once():
    multiverse = checked(small())
    numbered = np.arange(multiverse.allowed.size).reshape(multiverse.shape)
    full = multiverse.factorial(numbered)
    assert full.ndim == len(multiverse.factors)
    np.testing.assert_array_equal(np.sort(full.ravel()), numbered[multiverse.allowed])
    # along an axis only its own choices differ
    axis = multiverse.factors.index(["trim"])
    lines = np.moveaxis(full, axis, 0).reshape(full.shape[axis], -1)
    table = multiverse.specifications().drop(columns="trim")
    first, second = (table.iloc[line].reset_index(drop=True) for line in lines)
    assert first.equals(second)


def test_stages_share_out_all_combinations():
    multiverse = checked(small())
    counts = [len(multiverse.combinations(stage)) for stage in (*choices.STAGES, "tokens")]
    assert min(counts) > 1
    assert np.prod(counts) == np.prod(multiverse.shape) == len(multiverse.specifications())


def test_the_base_stands_at_its_place_among_the_specifications():
    multiverse = checked(small())
    number = np.ravel_multi_index(multiverse.place, multiverse.shape)
    assert dict(multiverse.specifications().iloc[number]) == multiverse.of_base

"""The multiverse: against the exact engine one by one, and its decomposition on known answers."""

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy.claims import judge
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.method.build import build
from inference_energy.method.files import merge
from inference_energy.robustness import choices as robustness_choices
from inference_energy.robustness import multiverse
from inference_energy.robustness.choices import headline
from inference_energy.robustness.tabulated import LEVER_ACCURACY
from library.robustness.small import BASE, CONFIG, MANY, MATERIALS, checked, small
from repository import METHODS, materials


@pytest.fixture(scope="module")
def computed():
    choices = checked(small())
    return choices, multiverse.outcomes(choices, MATERIALS)


@pytest.mark.parametrize("parts", [1, 2, 7, 40])
def test_parts_that_were_written_gather_to_the_same_bytes(computed, parts, tmp_path):
    choices, whole = computed
    for part in range(1, parts + 1):
        found = multiverse.part_outcomes(choices, MATERIALS, part, parts)
        np.savez(tmp_path / f"{part}.npz", **found)
    read = [dict(np.load(tmp_path / f"{part}.npz")) for part in range(1, parts + 1)]
    answer = multiverse.gathered(choices, read)
    assert list(answer) == list(whole)
    for key, values in whole.items():
        assert answer[key].tobytes() == values.tobytes()


def law(name, **settings):
    """An option that takes another law."""
    override = {"throughput_law": {"name": name, "source": "a test"} | settings}
    return {"label": name, "source": "a test", "override": override}


NODE = {key: MANY["throughput_law"][key] for key in ("gpus_per_node", "reference")}
AS_BASE = {"label": "as the base", "source": "a test"}
MANY_LAWS = {
    "hierarchical": AS_BASE,
    "certain": law("hierarchical", **NODE),
    "additive": law("additive", error="included", **NODE),
    "log-linear": law("log-linear", **NODE),
    "peak": law("peak", **NODE),
}


def small_many(laws=MANY_LAWS):
    """Choices of a method of many configurations, with every law that there is."""
    choices = {
        name: {"title": name, "options": {"base": AS_BASE} | others}
        for name, others in {
            "power_utilisation": {
                option: CONFIG["choices"]["power_utilisation"]["options"][option]
                for option in ("coupled", "measured-training")
            },
            "shares": {"median": CONFIG["choices"]["shares"]["options"]["median-model"]},
            "table": {
                "one": {
                    **AS_BASE,
                    "override": {"benchmarks": {"table": "data/throughput/trtllm.csv"}},
                }
            },
        }.items()
    }
    choices["law"] = {"title": "law", "options": laws}
    return {"base": "full-load", "claims": "v2", "choices": choices}


@pytest.fixture(scope="module")
def many():
    choices = checked(small_many(), MANY)
    return choices, multiverse.outcomes(choices, MATERIALS)


def check_against_the_exact_engine(choices, found, count):
    """Compare some specifications with what the exact engine makes of their method."""
    table = choices.specifications()
    allowed = np.flatnonzero(choices.allowed)
    sample = np.random.default_rng(0).choice(allowed, count, replace=False)
    for i in sample:
        method = choices.method(dict(table.iloc[i]))
        setup = build(method, **MATERIALS(method))
        for name, regime in setup.regimes.items():
            models, members = exact.regime_energy(setup, regime)
            blend = exact.blend_energy(setup, models, members)
            for statistic, level in robustness_choices.QUARTILES.items():
                value = found[headline(name, statistic)].ravel()[i]
                assert value == pytest.approx(blend.quantile(level), rel=1e-7)
            for pathway, energy in exact.with_pathways(setup, blend).items():
                key = robustness_choices.energy_key(name, multiverse.TRIMMED, "p50", pathway)
                # the accuracy that tabulated.LEVER_ACCURACY states
                value = found[key].ravel()[i]
                assert value == pytest.approx(energy.quantile(0.5), rel=LEVER_ACCURACY)
            for pathway, energy in exact.fleet_energy(setup, regime).items():
                key = f"fleet[scenario={name}; pathway={pathway}; statistic=p50]"
                assert found[key].ravel()[i] == pytest.approx(energy["p50"], rel=1e-9)


def test_specifications_equal_the_exact_engine(computed):
    check_against_the_exact_engine(*computed, 12)


def test_specifications_of_every_law_equal_the_exact_engine(many):
    choices, found = many
    check_against_the_exact_engine(choices, found, 12)
    medians = found[headline("traditional")]
    of_laws = np.moveaxis(medians, list(choices.choices).index("law"), 0)
    assert len(np.unique(of_laws.reshape(len(MANY_LAWS), -1)[:, 0])) == len(MANY_LAWS)


def test_what_is_refused_has_no_result(computed):
    choices, found = computed
    assert 0 < choices.allowed.sum() < choices.allowed.size
    for values in (found[headline(regime)] for regime in ("traditional", "long")):
        np.testing.assert_array_equal(~np.isnan(values), choices.allowed)


def test_a_second_charge_for_input_is_refused_by_a_rule_or_by_name():
    names = ("input_charge", "throughput_law")
    choices = {name: CONFIG["choices"][name] for name in names}
    config = CONFIG | {"choices": choices, "left_out": []}
    (rule,) = [rule for rule in config["refused"] if set(rule["when"]) == set(names)]
    found = multiverse.outcomes(checked(config | {"refused": [rule]}), MATERIALS)
    assert np.isnan(found[headline("long")]).sum() == 1
    with pytest.raises(InputError, match=r"additive.*: the input would be charged twice"):
        multiverse.outcomes(checked(config | {"refused": []}), MATERIALS)


def test_a_stress_case_stands_beside_its_base():
    choices = checked(small())
    cases = {"azure-code": CONFIG["stress_cases"]["azure-code"]}
    table = multiverse.stress_cases(choices, cases, MATERIALS)
    assert len(table) == 6
    median = table[table["statistic"] == "p50"].set_index("regime")
    setup = build(BASE, **MATERIALS(BASE))
    regime = setup.regimes["long"]
    base = exact.blend_energy(setup, *exact.regime_energy(setup, regime)).quantile(0.5)
    assert median.loc["long", "value"] / median.loc["long", "ratio"] == pytest.approx(base)
    # answers of 13 tokens instead of 300
    assert median.loc["traditional", "ratio"] < 0.2
    assert multiverse.stress_cases(choices, {}, MATERIALS).empty


def test_an_option_may_name_another_table(many):
    choices, found = many
    axes = [list(choices.choices).index(name) for name in ("table", "law")]
    medians = np.moveaxis(found[headline("long")], axes, [0, 1])
    # the base's law learns from every table, a law of one configuration only from its rows
    assert (medians[0, 0] != medians[1, 0]).all()


def test_the_specification_of_the_base_is_the_base_method(computed):
    choices, found = computed
    assert choices.method() == BASE
    setup = build(BASE, **MATERIALS(BASE))
    regime = setup.regimes["traditional"]
    blend = exact.blend_energy(setup, *exact.regime_energy(setup, regime))
    value = found[headline("traditional")][choices.place]
    assert value == pytest.approx(blend.quantile(0.5), rel=1e-7)


def test_two_processes_give_what_one_gives(computed):
    choices, found = computed
    again = multiverse.outcomes(choices, MATERIALS, workers=2)
    assert set(again) == set(found)
    for key, values in found.items():
        np.testing.assert_array_equal(values, again[key])


@given(
    st.sampled_from(["equal", "within", "at most"]),
    st.integers(0, 3),
    st.floats(0.001, 100, allow_nan=False),
)
def test_many_claims_hold_as_one_does(relation, decimals, computed):
    claim = {"relation": relation, "decimals": decimals, "value": 1.5, "upper": 20.0}
    assert judge.holds_in(claim, np.array([computed]))[0] == judge.holds(claim, computed)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (law("additive", minimum_rows=3, fallback="peak", fallback_minimum_rows=2), ["1, 2, 4"]),
        (law("hierarchical", minimum_rows=3, fallback="peak"), ["missing keys gpus_per_node"]),
        (
            {**AS_BASE, "override": {"throughput_law": {"fallback": "peak"}}},
            ["fallback", "the other keys"],
        ),
        (law("quadratic", **NODE), ["value 'quadratic'", "log-linear"]),
        (law("peak", error="included", **NODE), ["throughput_law.error", "none to tell its error"]),
    ],
)
def test_an_option_that_makes_no_sense_under_a_law_is_named(option, words):
    with pytest.raises(InputError) as error:
        choices = checked(small_many({"hierarchical": AS_BASE, "other": option}), MANY)
        multiverse.outcomes(choices, MATERIALS)
    for problem in error.value.problems:
        assert problem.startswith("config/multiverse.yaml: ")
        assert "law" in problem and "other" in problem
    assert all(word in str(error.value) for word in words)


def test_rows_that_a_base_cannot_be_fitted_to_are_told_once_and_of_the_base():
    config = small()
    config["choices"]["throughput_law"] = CONFIG["choices"]["throughput_law"]
    mixed = BASE | {"benchmarks": MANY["benchmarks"]}
    with pytest.raises(InputError) as error:
        multiverse.outcomes(checked(config, mixed), MATERIALS)
    (problem,) = error.value.problems
    assert problem.startswith(
        "config/methods/oviedo2026.yaml: key throughput_law: value log-linear: the rows of"
    )


def test_a_specification_without_any_spread_is_named():
    config = small()
    fixed = {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"}
    config["choices"]["pue"]["options"]["none"] = {**AS_BASE, "override": {"pue": fixed}}
    with pytest.raises(InputError, match="power_utilisation = coupled, pue = none: neither"):
        multiverse.outcomes(checked(config), MATERIALS)


def option(override=None):
    """An option, the base's own unless it overrides something."""
    return {"label": "x", "source": "a test"} | ({"override": override} if override else {})


def test_load_is_a_choice_of_a_method_that_knows_it():
    revised = METHODS["revised"]
    load = {"distribution": "fixed", "value": 64, "unit": "requests", "source": "a test"}
    pue = {"distribution": "fixed", "value": 2.0, "unit": "1", "source": "a test"}
    overrides = {"load": {"serving": {"load": load}}, "pue": {"pue": pue}}
    choices = {
        name: {"title": name, "options": {"base": option(), "other": option(o)}}
        for name, o in overrides.items()
    }
    config = {"base": "revised", "claims": CONFIG["claims"], "choices": choices}
    of = materials([revised])
    found = multiverse.outcomes(checked(config, revised), of)[headline("traditional")]
    changed = merge(revised, overrides["load"] | overrides["pue"])
    setup = build(changed, **of(changed))
    energy = exact.blend_energy(setup, *exact.regime_energy(setup, setup.regimes["traditional"]))
    assert found[1, 1] == pytest.approx(energy.quantile(0.5), rel=1e-6)
    assert found[0, 1] > 1.5 * found[0, 0]


def test_rated_power_is_no_choice_of_a_method_that_measures_it():
    choices = {"node_power": CONFIG["choices"]["node_power"]}
    with pytest.raises(InputError, match=r"choose nodes \(serving\.nodes\)"):
        checked(
            {"base": "revised", "claims": CONFIG["claims"], "choices": choices}, METHODS["revised"]
        )


def test_the_projects_choices_are_computed_on_a_method_that_knows_load():
    few = deepcopy(CONFIG["choices"])
    for name, choice in few.items():
        kept = 2 if name in ("ranking", "shares") else 1
        choice["options"] = dict(list(choice["options"].items())[:kept])
    choices = checked(CONFIG | {"base": "revised", "choices": few}, METHODS["revised"])
    names = ["pue", "output_tokens", "input_tokens", "trim", "ranking", "shares", "load"]
    assert list(choices.choices) == names
    of = materials([METHODS["revised"]])
    found = multiverse.outcomes(choices, of)[headline("traditional")]
    assert found.shape == (2, 2, 2, 2, 2, 2, 2)
    assert np.isfinite(found).all()
    taken = {"pue": "code", "trim": "twice", "shares": "parameters", "load": "8"}
    method = choices.method(taken)
    setup = build(method, **of(method))
    energy = exact.blend_energy(setup, *exact.regime_energy(setup, setup.regimes["traditional"]))
    place = tuple(
        list(choice["options"]).index(taken.get(name, choice["of_base"]))
        for name, choice in choices.choices.items()
    )
    assert found[place] == pytest.approx(energy.quantile(0.5), rel=1e-6)

"""Sensitivity to the continuous inputs: known indices, known needed values, clear errors."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.laws.registry import needed_tables
from inference_energy.method.build import build
from inference_energy.method.files import resolve
from inference_energy.method.lengths import ExponentialLengths, FixedLength
from inference_energy.method.materials import Materials, tables_of
from inference_energy.method.setup import Blend, Coupling
from inference_energy.power.node import find_node, node_power
from inference_energy.robustness import sensitivity
from inference_energy.robustness.gridded import Gridded
from inference_energy.tables import read_table
from inference_energy.units import W_PER_KW
from library.laws.examples import MADE_OF_OTHERS

ROOT = Path(__file__).parents[3]


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


CONFIG = read_yaml("config/sensitivity.yaml")
SCHEMA = read_yaml("workflow/schemas/sensitivity.schema.yaml")
INPUTS = {name: stated for name, stated in CONFIG["inputs"].items() if name != "load"}
POWER = {
    "title": "Node power",
    "unit": "kW",
    "low": 10.2,
    "high": 11.3,
    "allowed": [1, 100],
    "source": "a test",
}


FILES = {p.stem: read_yaml(p) for p in (ROOT / "config/methods").glob("*.yaml")}


@pytest.fixture(scope="module", params=[CONFIG["base"], "full-load"])
def setup(request):
    method = resolve(request.param, FILES)
    tables = {path: read_table(ROOT / path, "throughput") for path in tables_of(method)}
    traces = read_table(ROOT / "data/request_lengths.csv", "request_lengths")
    shared = {
        "traces": {name: tuple(own["output_tokens"]) for name, own in traces.groupby("trace")},
        "hardware": {name: read_table(ROOT / f"data/{name}.csv", name) for name in needed_tables()},
    }
    return build(method, **Materials(tables, shared)(method))


def test_indices_of_a_product_of_factors():
    # c_i = var / mean^2 of a factor; the product has the relative variance prod(1 + c_i) - 1, of
    # which c_i is the first-order part and c_i prod_{j != i}(1 + c_j) the total
    bounds = [(1.0, 3.0), (2.0, 3.0), (0.5, 4.0)]
    low, high = np.transpose(bounds)
    c = (high - low) ** 2 / 12 / ((high + low) / 2) ** 2
    variance = np.prod(1 + c) - 1
    expected = {"first": c / variance, "total": c * np.prod(1 + c) / (1 + c) / variance}
    found = sensitivity.indices(
        ["a", "b", "c"], bounds, lambda x: x.prod(axis=1, keepdims=True), ["y"], 4096, seed=1
    )
    for index, values in expected.items():
        mine = found[found["index"] == index]
        np.testing.assert_allclose(mine["value"], values, atol=0.02)
        assert (mine["low"] < mine["value"]).all() and (mine["value"] < mine["high"]).all()


def test_a_logarithmic_input_is_uniform_in_its_logarithm():
    seen = []

    def evaluate(x):
        seen.append(x)
        return np.log(x)[:, :1]

    found = sensitivity.indices(["a", "b"], [(1, 100), (1, 2)], evaluate, ["y"], 256, 1, ["a"])
    assert np.median(seen[0][:, 0]) == pytest.approx(10, rel=0.05)
    assert found.set_index(["input", "index"]).loc[("b", "total"), "value"] == pytest.approx(0)


def test_a_constant_has_no_indices():
    found = sensitivity.indices(["a"], [(0, 1)], lambda x: np.ones((len(x), 1)), ["y"], 16, seed=1)
    assert not found["value"].any()


def test_setting_an_input_to_its_base_changes_nothing(setup):
    base = sensitivity.results(setup)
    values = sensitivity.base_values(setup, sensitivity.INPUTS)
    assert sensitivity.results(sensitivity.apply(setup, values)) == pytest.approx(base, rel=1e-9)


@pytest.mark.parametrize("name", ["node_power", "power_utilisation_median", "pue_median"])
def test_energy_is_proportional_to_power_utilisation_and_pue(setup, name):
    base, value = sensitivity.results(setup), sensitivity.base_values(setup, [name])[name]
    for output, energy in sensitivity.results(
        sensitivity.apply(setup, {name: 1.2 * value})
    ).items():
        assert energy == pytest.approx(1.2 * base[output], rel=1e-9)


def test_energy_is_inverse_to_throughput(setup):
    base = sensitivity.results(setup)
    for output, energy in sensitivity.results(
        sensitivity.apply(setup, {"throughput": 2.0})
    ).items():
        assert energy == pytest.approx(base[output] / 2, rel=1e-9)


def test_needed_values_do_what_they_say(setup):
    names = ["pue_median", "output_tokens_traditional", "overhead"]
    inputs = {"node_power": POWER} | {name: CONFIG["inputs"][name] for name in names}
    table = sensitivity.needed_values(setup, inputs)
    needed = table[table["output"] == "median traditional"].set_index(["input", "factor"])["needed"]
    node_power = sensitivity.base_values(setup, ["node_power"])["node_power"]
    assert needed["node_power", 2.0] == pytest.approx(2 * node_power)
    assert np.isnan(needed["pue_median", 0.5])
    assert np.isnan(needed["overhead", 2.0])
    twice = needed["output_tokens_traditional", 2.0]
    changed = sensitivity.apply(setup, {"output_tokens_traditional": twice})
    goal = 2 * sensitivity.results(setup)["median traditional"]
    assert sensitivity.results(changed)["median traditional"] == pytest.approx(goal, rel=1e-6)


def test_the_nearest_of_two_values_is_found():
    assert sensitivity.needed_value(lambda v: v**2, 1.0, (-10, 10), 4.0) == pytest.approx(2.0)
    assert np.isnan(sensitivity.needed_value(lambda v: 1.0, 1.0, (0.1, 10), 2.0))


def test_indices_are_the_same_in_one_process_and_in_two(setup):
    config = deepcopy(CONFIG)
    config["samples"] = 16
    config["inputs"] = {name: config["inputs"][name] for name in ("pue_median", "throughput")}
    one, two = (sensitivity.sobol_indices(setup, config, workers) for workers in (1, 2))
    assert one.equals(two)


def test_samples_share_a_regime_only_where_none_of_its_inputs_differs(setup):
    inputs = INPUTS | {"node_power": POWER}
    base = sensitivity.base_values(setup, inputs)
    rows = [list(base.values())] + [
        [entry["high"] if name == other else value for other, value in base.items()]
        for name, entry in inputs.items()
    ]
    rows.append([entry["high"] for entry in inputs.values()])
    alone = [
        list(
            sensitivity.results(
                sensitivity.apply(setup, dict(zip(base, row, strict=True)))
            ).values()
        )
        for row in rows
    ]
    np.testing.assert_allclose(
        sensitivity._many_results(setup, list(base), rows), alone, rtol=1e-12
    )


def test_throughput_scales_no_energy_where_the_power_follows_it(setup):
    coupled = replace(setup, power_utilisation=Coupling(0.24, 0.56))
    names, row = ["throughput", "pue_median", "input_exponent"], [1.3, 1.4, 0.1]
    alone = sensitivity.results(
        sensitivity.apply(coupled, dict(zip(names, row, strict=True))), tuple(sensitivity.MEDIANS)
    )
    found = sensitivity._many_results(coupled, names, [row])[0]
    np.testing.assert_allclose(found[:2], list(alone.values()), rtol=1e-12)


@pytest.fixture(scope="module")
def loaded(paper):
    """Two models that are served in three ways each, and the blend of all of them."""
    models = tuple(
        replace(model, law=MADE_OF_OTHERS["pooled, knows load"].scaled(factor), uncertain=True)
        for model, factor in zip(paper.models, (0.7, 1.0), strict=False)
    )
    return replace(paper, models=models, blend=Blend(2, ()))


def test_a_method_of_many_ways_answers_quickly_what_it_answers(loaded):
    inputs = INPUTS
    quick = sensitivity.quick(loaded, inputs)
    assert all(isinstance(model.law, Gridded) for model in quick.models)
    for end in ("low", "high"):
        values = {name: entry[end] for name, entry in inputs.items()}
        slow, fast = (
            sensitivity.results(sensitivity.apply(each, values)) for each in (loaded, quick)
        )
        assert fast == pytest.approx(slow, rel=2e-5)


def test_every_analysis_runs_on_a_method_of_many_ways(loaded):
    names = ["throughput", "long_share"]
    config = CONFIG | {"inputs": {n: CONFIG["inputs"][n] for n in names}, "samples": 8}
    quick = sensitivity.quick(loaded, config["inputs"])
    indices = sensitivity.sobol_indices(quick, config).set_index(["output", "input", "index"])
    assert indices.loc[("median long", "throughput", "total"), "value"] > 0
    assert indices.loc[("median long", "long_share", "total"), "value"] == 0
    needed = sensitivity.needed_values(quick, config["inputs"])
    needed = needed.set_index(["output", "input", "factor"])
    assert needed.loc[("median long", "throughput", 2.0), "needed"] == pytest.approx(0.5)
    ratios = sensitivity.tornado(quick, config["inputs"]).set_index(["output", "input", "end"])
    ratio = ratios.loc[("median long", "throughput", "low"), "ratio"]
    assert ratio == pytest.approx(1 / config["inputs"]["throughput"]["low"])


def test_a_blend_of_all_models_needs_no_ranking(loaded):
    regime = loaded.regimes["traditional"]
    models, members = exact.regime_energy(loaded, regime)
    pooled = exact.blend_energy(loaded, models, members)
    median, mean = sensitivity._of_regime(loaded, "traditional")
    assert (median, mean) == pytest.approx((pooled.quantile(0.5), pooled.mean()), rel=1e-9)


def test_every_input_has_a_tornado(setup):
    table = sensitivity.tornado(setup, INPUTS)
    assert set(table["input"]) == set(INPUTS)
    assert (table["value"] > 0).all()
    base = table[table["end"] == "base"]
    np.testing.assert_allclose(base["ratio"], 1, rtol=1e-9)


def test_the_project_s_ranges_are_valid(setup):
    sensitivity.check_inputs(CONFIG, SCHEMA)
    sensitivity.check_base(setup, INPUTS)


def test_inputs_that_the_base_does_not_have_are_named(setup):
    coupled = replace(setup, power_utilisation=Coupling(0.24, 0.56))
    inputs = deepcopy(INPUTS)
    inputs["long_share"]["allowed"] = [0.2, 1]
    with pytest.raises(InputError) as error:
        sensitivity.check_base(coupled, inputs)
    first, second, third = error.value.problems
    assert "power_utilisation_median" in first and "follows the throughput" in first
    assert "power_utilisation_spread" in second
    assert "long_share.allowed: value 0.2 to 1" in third and "0.1; widen it" in third


def test_medians_at_which_no_query_is_as_long_as_the_least_are_refused(setup):
    """By hand, of an exponential: 2^(-49.5 / median) is a millionth at a median of 2.48."""
    regime = setup.regimes["traditional"]
    least = replace(regime, output_tokens=ExponentialLengths(300.0, minimum=50))
    limited = replace(setup, regimes=setup.regimes | {"traditional": least})
    entry = CONFIG["inputs"]["output_tokens_traditional"]

    def inputs(bottom):
        return {"output_tokens_traditional": entry | {"allowed": [bottom, 100000]}}

    with pytest.raises(InputError) as error:
        sensitivity.check_base(limited, inputs(2.48))
    assert error.value.problems == [
        "config/sensitivity.yaml: key inputs.output_tokens_traditional.allowed: value 2.48 to"
        " 100000: at a median of 2.48 tokens 9.8e-07 of the base method's queries are as long as"
        " its minimum; allowed are medians at which 1e-06 of them are; narrow it"
    ]
    sensitivity.check_base(limited, inputs(2.49))
    lowest = sensitivity.apply(limited, {"output_tokens_traditional": 2.49})
    assert sensitivity.results(lowest)["median traditional"] > 0
    fixed = replace(regime, output_tokens=FixedLength(300))
    sensitivity.check_base(
        replace(setup, regimes=setup.regimes | {"traditional": fixed}), inputs(1)
    )


LOAD = {"title": "Load", "unit": "requests", "low": 16, "high": 48, "source": "a test"}


def test_load_is_an_input_of_a_method_that_serves_at_loads(setup):
    law = MADE_OF_OTHERS["pooled, knows load"]
    serving = replace(setup, models=tuple(replace(m, law=law) for m in setup.models))
    inputs = {"load": LOAD | {"allowed": [9, 60]}}
    sensitivity.check_inputs(CONFIG | {"inputs": inputs}, SCHEMA)
    sensitivity.check_base(serving, inputs)
    value = sensitivity.base_values(serving, inputs)["load"]
    assert value == pytest.approx((8 * 64 * 32**2) ** 0.25)
    few, same, many = (
        sensitivity.results(sensitivity.apply(serving, {"load": v})) for v in (10, value, 50)
    )
    assert same == pytest.approx(sensitivity.results(serving), rel=1e-9)
    gridded = sensitivity.apply(sensitivity.quick(serving, inputs), {"load": 10})
    assert sensitivity.results(gridded) == pytest.approx(few, rel=1e-4)
    assert few["median traditional"] > same["median traditional"] > many["median traditional"]
    bounds = "allowed are loads above 8 and below 64 requests, between those that the base method"
    for beyond in ([8, 60], [9, 64]):
        with pytest.raises(InputError, match=f"allowed: value {beyond[0]} to .*: {bounds}"):
            sensitivity.check_base(serving, {"load": LOAD | {"allowed": beyond}})
    alone = replace(law, ways=law.ways[:1])
    at_one = replace(setup, models=tuple(replace(m, law=alone) for m in setup.models))
    with pytest.raises(InputError, match=r"serves at one load, .*; leave the input out or"):
        sensitivity.check_base(at_one, inputs)
    both = inputs | {"pue_median": CONFIG["inputs"]["pue_median"]}
    assert sensitivity.known_inputs(serving, both) == both
    if not all(model.law.knows_load for model in setup.models):
        assert list(sensitivity.known_inputs(setup, both)) == ["pue_median"]


def test_all_wrong_ranges_are_reported_together():
    config = deepcopy(CONFIG)
    config["inputs"]["nod_power"] = POWER
    config["inputs"]["pue_median"]["low"] = 0.9
    with pytest.raises(InputError) as error:
        sensitivity.check_inputs(config, SCHEMA)
    assert "nod_power" in str(error.value) and "inputs.pue_median" in str(error.value)


def test_a_share_and_the_power_that_it_is_a_share_of_do_not_vary_together():
    config = deepcopy(CONFIG)
    config["inputs"]["node_power"] = POWER
    with pytest.raises(InputError, match="node_power: stands beside power_utilisation_median"):
        sensitivity.check_inputs(config, SCHEMA)
    del config["inputs"]["power_utilisation_median"]
    sensitivity.check_inputs(config, SCHEMA)


def test_another_median_keeps_that_short_queries_do_not_occur(setup):
    regime = setup.regimes["long"]
    some = replace(regime, output_tokens=replace(regime.output_tokens, minimum=5))
    changed = sensitivity.apply(
        replace(setup, regimes=setup.regimes | {"long": some}), {"output_tokens_long": 400.0}
    )
    assert changed.regimes["long"].output_tokens.support[0][0] == 5
    assert sensitivity.base_values(changed, ["output_tokens_long"]) == {"output_tokens_long": 400}


def test_the_least_power_drawn_is_the_one_that_its_source_says_was_measured():
    runs = read_table(ROOT / "data/measured/mlenergy_v3.csv", "mlenergy")
    tables = [read_table(ROOT / f"data/{name}.csv", name) for name in ("nodes", "gpus")]
    nodes = runs.query(
        "gpu == 'H100-SXM-80GB' and gpus == 8 and task == 'chat' and concurrency_limit == 8"
        " and params_total_b > 200"
    )
    rated = FILES[CONFIG["base"]]["node_power"]["default"]["value"] * W_PER_KW
    power = nodes["accelerator_power_w"] / nodes["gpus"]
    drawn = node_power(power, find_node("H100-SXM-80GB", *tables)) / rated
    stated = CONFIG["inputs"]["power_utilisation_median"]
    assert len(drawn) == 4
    assert round(np.median(drawn), 2) == stated["low"]
    assert f"the least is {min(drawn):.2f} and the largest {max(drawn):.2f}" in stated["source"]

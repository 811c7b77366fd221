"""Medians of mixtures of two methods: the same as one by one, with little work."""

import numpy as np
import pytest
from inference_energy.comparison import medians as comparison_medians
from inference_energy.comparison.medians import LEVERS, ExactMedians, Texts, fitted_from
from inference_energy.energy.exact import blend_energy, fleet_energy, regime_energy, with_pathways
from inference_energy.energy.mixtures import Mixture
from inference_energy.errors import InputError
from inference_energy.laws.fitting import fit_laws
from inference_energy.method import build as method_build
from inference_energy.method.build import build
from inference_energy.method.differences import differing, with_settings
from inference_energy.method.files import merge
from library.comparison.methods import PAPER, V1, V2, paper
from repository import METHODS, materials

CHANGES = {
    "node_power": V1["node_power"],
    "pue": {"distribution": "fixed", "value": 1.2, "unit": "1", "source": "a test"},
    "blend": V2["blend"] | {"models": 2, "trim": []},
    "regimes": {"long": {"input_tokens": {"value": 900, "unit": "tokens", "source": "a test"}}},
    "throughput_law": V2["throughput_law"] | {"name": "additive"},
    "power_utilisation": {
        "distribution": "coupled",
        "intercept": 0.24,
        "slope": 0.56,
        "unit": "1",
        "source": "a test",
    },
}


def one_by_one(method, given=None):
    """Medians of a method that is built for itself."""
    setup = build(method, **(given or paper(method)))
    return {
        f"{name} median": blend_energy(setup, *regime_energy(setup, regime)).quantile(0.5)
        for name, regime in setup.regimes.items()
    }


def test_every_mixture_has_the_median_that_it_has_alone():
    """In whatever order they are asked for."""
    head = merge(V2, CHANGES)
    settings = differing(V2, head)
    assert set(settings) == set(CHANGES)
    mixed = [V2, *(with_settings(V2, head, paths) for paths in settings.values()), head]
    alone = [one_by_one(method) for method in mixed]
    for order in (1, -1):
        medians = ExactMedians(paper)
        for method, expected in zip(mixed[::order], alone[::order], strict=True):
            assert medians(method) == pytest.approx(expected, rel=1e-9)


def test_the_energy_of_a_day_is_that_which_each_mixture_has_alone():
    scale = {"queries_per_day": {"value": 2e9}, "overhead": {"long": {"factors": [1.5]}}}
    head = merge(V2, CHANGES | {"fleet": scale})
    settings = differing(V2, head)
    totals = ExactMedians(paper, days=True)
    for method in (V2, *(with_settings(V2, head, paths) for paths in settings.values()), head):
        setup = build(method, **paper(method))
        for name, regime in setup.regimes.items():
            alone = fleet_energy(setup, regime)["baseline"]["p50"]
            assert totals(method)[f"{name} day"] == pytest.approx(alone, rel=1e-9)
    assert not [name for name in ExactMedians(paper)(V2) if name.endswith("day")]


def test_quartiles_levers_and_improved_days_are_those_which_each_mixture_has_alone():
    lever = {"distribution": "log-normal", "p5": 1.5, "p95": 3, "unit": "1", "source": "a test"}
    pathways = {"serving": lever, "hardware": lever | {"p5": 1.2}}
    more = {"pathways": pathways, "fleet": {"improvement": {"long": lever}}}
    head = merge(V2, {"pue": CHANGES["pue"], "blend": CHANGES["blend"]} | more)
    settings = differing(V2, head)
    asked = ExactMedians(paper, days=True, quartiles=True, levers=LEVERS)
    for method in (V2, *(with_settings(V2, head, paths) for paths in settings.values()), head):
        setup = build(method, **paper(method))
        told = asked(method)
        for name, regime in setup.regimes.items():
            blend = blend_energy(setup, *regime_energy(setup, regime))
            levels = {"lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75}
            for statistic, level in levels.items():
                assert told[f"{name} {statistic}"] == pytest.approx(blend.quantile(level), rel=1e-9)
            divided = with_pathways(setup, blend)
            del divided["baseline"]
            assert tuple(divided) == LEVERS
            for pathway, energy in divided.items():
                expected = blend.quantile(0.5) / energy.quantile(0.5)
                assert told[f"{name} lever, {pathway}"] == pytest.approx(expected, rel=1e-9)
            alone = fleet_energy(setup, regime)["improved"]["p50"]
            assert told[f"{name} improved day"] == pytest.approx(alone, rel=1e-9)
    one = ExactMedians(paper, ["long"], levers=["combined"])(V2)
    assert set(one) == {"long median", "long lever, combined"}
    assert set(ExactMedians(paper)(V2)) == {"traditional median", "long median"}


def test_a_charge_of_input_a_blend_by_size_and_a_light_node_count_in_a_mixture():
    charge = {"value": 30, "unit": "1", "source": "a test"}
    dearest = max(build(V2, **paper(V2)).models, key=lambda model: model.node_power).name
    light = {"models": {dearest: {"value": 0.5, "unit": "kW", "source": "a test"}}}
    changed = [
        V2,
        merge(V2, {"input_charge": {"input_tokens_per_output_token": charge}}),
        merge(V2, {"blend": {"ranked_by": "parameters", "models": 2}}),
        merge(V2, {"node_power": light}),
    ]
    given = materials(changed)
    medians = ExactMedians(given)
    found = [medians(method) for method in changed]
    assert len({answer["traditional median"] for answer in found}) == len(changed)
    for method, answer in zip(changed, found, strict=True):
        assert answer == pytest.approx(one_by_one(method, given(method)), rel=1e-9)


def test_lengths_of_a_trace_are_those_of_the_state_of_the_data():
    traced = {"distribution": "empirical", "trace": "t", "unit": "tokens", "source": "a test"}
    now = merge(V2, {"regimes": {"long": {"output_tokens": traced}}})
    now["regimes"]["long"]["output_tokens"] = traced
    then = now | {"data": {"value": "HEAD"}}
    lengths = np.linspace(100, 900, 101)

    def given(method):
        return {"table": PAPER, "traces": {"t": tuple(lengths * (3 if "data" in method else 1))}}

    medians = ExactMedians(given, ["long"])
    for method in (now, then):
        alone = one_by_one(method, given(method))["long median"]
        assert medians(method)["long median"] == pytest.approx(alone, rel=1e-9)
    assert medians(then)["long median"] > 2 * medians(now)["long median"]


def test_what_does_not_change_is_not_computed_again(monkeypatch):
    asked, made = [], comparison_medians.model_energy

    def counted(setup, regime, model):
        asked.append(regime.name)
        return made(setup, regime, model)

    monkeypatch.setattr(comparison_medians, "model_energy", counted)
    medians = ExactMedians(paper)
    models = len(build(V2, **paper(V2)).models)
    medians(V2)
    assert asked.count("long") == asked.count("traditional") == models
    for name in ("node_power", "blend"):
        medians(merge(V2, {name: CHANGES[name]}))
    assert len(asked) == 2 * models
    medians(merge(V2, {"regimes": CHANGES["regimes"]}))
    assert asked.count("long") == 2 * models
    assert asked.count("traditional") == models


def test_laws_that_are_known_are_not_fitted(monkeypatch):
    medians, alone = ExactMedians(paper), one_by_one(V2)
    for module in (comparison_medians, method_build):
        monkeypatch.setattr(module, "fit_suitable", None)
    medians.take(V2, fit_laws(V2, **paper(V2)))
    assert medians(V2) == pytest.approx(alone, rel=1e-9)


def test_neither_a_source_nor_the_order_of_keys_makes_another_law():
    law = dict(reversed(V2["throughput_law"].items())) | {"source": "another"}
    medians = ExactMedians(lambda method: pytest.fail("asked for again"))
    medians.take(V2, {})
    assert medians._laws(V2 | {"throughput_law": law}) == {}


def test_a_mixture_that_cannot_be_built_is_refused():
    additive = {"throughput_law": CHANGES["throughput_law"]}
    charge = {"value": 30, "unit": "1", "source": "a test"}
    twice = additive | {"input_charge": {"input_tokens_per_output_token": charge}}
    with pytest.raises(InputError, match="charged twice"):
        ExactMedians(paper)(merge(V2, twice))


def test_a_law_is_not_fitted_to_rows_that_its_method_could_not_have():
    """The paper's law and rows of several layouts: no energy of a mixture stands for either."""
    full = METHODS["full-load"]
    mixed = with_settings(V2, full, differing(V2, full)["benchmarks"])
    with pytest.raises(InputError, match="are no rows of one node"):
        ExactMedians(materials([V2, full]))(mixed)


def test_only_what_is_asked_for_is_computed(monkeypatch):
    monkeypatch.setattr(Mixture, "mean", None)
    medians = ExactMedians(paper)(V2)
    assert list(medians) == ["traditional median", "long median"]
    assert ExactMedians(paper, ["long"])(V2) == {"long median": medians["long median"]}


def test_what_a_method_is_built_from_is_asked_once_for_each_table_and_each_state_of_the_data():
    asked = []

    def materials_of(method):
        asked.append(method)
        return {"table": PAPER}

    medians = ExactMedians(materials_of, ["long"])
    other = V2 | {"benchmarks": V2["benchmarks"] | {"table": "other.csv"}}
    before = V2 | {"data": {"value": "HEAD"}}
    for method in (V2, V1, other, before, V2, other, before):
        assert medians._given(method)["table"] is PAPER
    assert asked == [V2, other, before]
    assert medians(V2).keys() == {"long median"}
    assert asked == [V2, other, before]


def test_the_text_of_settings_is_that_of_all_that_are_alike_but_for_sources():
    text = Texts()
    blend = {"models": 3, "trim": [[0.05, 0.95]], "source": "the paper"}
    alike = {"trim": [[0.05, 0.95]], "source": "elsewhere", "models": 3}
    assert text({"blend": blend, "pue": None}) == text({"pue": None, "blend": alike})
    others = [3.5, "3", True, None, [3], {"models": 3}]
    texts = {text({"models": value}) for value in [3, *others]}
    assert len(texts) == 1 + len(others)
    read = []

    class Noted(dict):
        def __getitem__(self, key):
            read.append(key)
            return super().__getitem__(key)

    quantity = Noted(value=3)
    assert text(quantity) in text({"settings": quantity})
    assert read == ["value"], "the text of a quantity is made once"
    # numbers of objects that are gone are those of new ones
    assert len({text({"n": {"value": i}}) for i in range(1000)}) == 1000


def test_the_laws_of_a_method_that_is_served_follow_from_its_nodes_and_its_engine(monkeypatch):
    revised = METHODS["revised"]
    apart = [
        revised | {"node_power": V2["node_power"] | {"default": {"value": 9, "unit": "kW"}}},
        revised | {"monte_carlo": revised["monte_carlo"] | {"seed": 7}},
        revised | {"serving": {}},
    ]
    for other in apart:
        assert fitted_from(other) != fitted_from(revised)
    elsewhere = {"source": "elsewhere"}
    assert fitted_from(V2 | {"benchmarks": V2["benchmarks"] | elsewhere}) == fitted_from(V2)
    # of a method that is not served the node's power is a factor, and the engine draws it
    for name in ("node_power", "monte_carlo"):
        assert fitted_from(V2 | {name: {}}) == fitted_from(V2)
    given = {"table": PAPER, "hardware": "nodes"}
    monkeypatch.setattr(comparison_medians, "fit_suitable", lambda *of: of)
    assert ExactMedians(lambda _: given)._laws(revised) == (revised, PAPER, "nodes")

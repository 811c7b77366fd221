"""What the spread of the energies comes from, on answers known in closed form."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from inference_energy.energy import exact
from inference_energy.energy.exact import blend_energy, regime_energy
from inference_energy.laws.base import Share
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.method.distributions import LogNormal
from inference_energy.method.setup import fixed_regime
from inference_energy.robustness import uncertainty

DOMAIN = {"input_tokens": (0.0, np.inf), "output_tokens": (0.0, np.inf)}
LENGTHS = fixed_regime(500.0, 300.0)


def way(speed, weight=1.0, power=1.0, **where):
    return Share(weight, power, Peak(speed, 3, DOMAIN, 0.2), **where)


@pytest.fixture
def setup(paper):
    """One model, of which half of the queries see a load that is e times as fast."""
    law = Pooled.of([way(100.0, load=1.0), way(100.0 * np.e, load=2.0)])
    model = replace(paper.models[0], law=law, uncertain=True)
    return replace(
        paper, models=(model,), power_utilisation=LogNormal(-0.5, 0.3), pue=LogNormal(0.2, 0.1)
    )


def parts_of(setup, regime=LENGTHS):
    members = {model.name: 1 / len(setup.models) for model in setup.models}
    found = uncertainty.variance_parts(setup, regime, members).set_index("source")
    assert list(found.index) == list(uncertainty.SOURCES)
    assert found["share"].sum() == pytest.approx(1)
    return found["variance"]


def test_two_loads_a_factor_e_apart_have_a_variance_of_a_quarter(setup):
    parts = parts_of(setup)
    assert parts["load"] == pytest.approx(0.25)
    assert parts["law"] == pytest.approx(0.2**2)
    assert parts["power"] == pytest.approx(0.3**2)
    assert parts["PUE"] == pytest.approx(0.1**2)
    others = parts.drop(["load", "law", "power", "PUE"])
    assert others.to_numpy() == pytest.approx(0, abs=1e-12)


def test_models_nodes_and_engines_are_told_apart(setup):
    ways = [
        way(100.0, node=node, engine=engine, power=power)
        for node, power in (("a", 1.0), ("b", np.e**2))
        for engine in ("x", "y")
    ]
    ways = [w._replace(law=w.law.scaled(np.e if w.engine == "y" else 1.0)) for w in ways]
    first = replace(setup.models[0], law=Pooled.of(ways))
    second = replace(first, name="other", node_power=first.node_power * np.e**4)
    parts = parts_of(replace(setup, models=(first, second)))
    # a uniform choice between two values a distance d apart has the variance d^2/4
    assert parts["model"] == pytest.approx(4.0)
    assert parts["node"] == pytest.approx(1.0)
    assert parts["engine"] == pytest.approx(0.25)
    assert parts["load"] == pytest.approx(0, abs=1e-12)


def test_the_parts_add_up_to_the_variance_of_the_blend(paper):
    for regime in paper.regimes.values():
        models, members = regime_energy(paper, regime)
        parts = uncertainty.variance_parts(paper, regime, members)
        pool = blend_energy(paper, models, members, trim=False)
        levels = np.linspace(0.0005, 0.9995, 1000)
        some = levels > pool.zero_mass + 0.001
        logs = np.log([pool.quantile(level) for level in levels[some]])
        # the tails beyond the levels are missing
        assert parts["variance"].sum() == pytest.approx(np.var(logs), rel=0.06)


def test_the_input_lengths_of_a_trace_are_means_of_equal_parts_of_its_queries():
    levels = np.linspace(0, 1, 201)
    found = uncertainty.input_lengths(levels, 1000 * levels, 500.0)
    assert found == pytest.approx(np.arange(25.0, 1000, 50))
    # those of a method that states another mean are as much longer
    assert uncertainty.input_lengths(levels, 1000 * levels, 50.0) == pytest.approx(found / 10)


class ReadsInput(Peak):
    """Slower, the longer the input."""

    def predict(self, input_tokens, output_tokens):
        return super().predict(input_tokens, output_tokens) / np.asarray(input_tokens, float)


def test_the_spread_of_the_input_is_part_of_that_of_the_energy(setup):
    ways = [Share(1.0, 1.0, ReadsInput(100.0, 3, DOMAIN, 0.2), load=1.0)]
    model = replace(setup.models[0], law=Pooled.of(ways))
    one, members = replace(setup, models=(model,)), {model.name: 1.0}
    inputs = np.array([1.0, np.e**2])
    parts = uncertainty.variance_parts(one, LENGTHS, members, inputs).set_index("source")
    assert parts.loc["input tokens", "variance"] == pytest.approx(1.0)
    assert parts.loc[["load", "output tokens", "together"], "variance"].to_numpy() == (
        pytest.approx(0, abs=1e-12)
    )
    alone = [exact.model_energy(one, fixed_regime(x, 300.0), model).mean() for x in inputs]
    kinds = {model.name: "moe"}
    energies = uncertainty.model_energies(one, LENGTHS, members, inputs)
    found = uncertainty.by_class(energies, members, kinds)
    assert found["mean"].to_numpy() == pytest.approx(np.mean(alone))


def test_as_few_as_halve_the_spread_are_named_the_largest_first():
    parts = pd.DataFrame({"source": uncertainty.SOURCES, "share": 0.0}).set_index("source")
    parts.loc[["load", "model", "law", "together"], "share"] = [0.5, 0.25, 0.15, 0.1]
    assert uncertainty.needed_to_halve(parts.reset_index()) == ["load", "model"]
    parts.loc[["load", "model", "law", "together"], "share"] = [0.9, 0.1, 0.0, 0.0]
    assert uncertainty.needed_to_halve(parts.reset_index()) == ["load"]


@pytest.mark.filterwarnings("error")
def test_what_has_no_spread_is_told_nothing_that_would_halve_it(setup):
    model = setup.models[0]
    ways = [Share(1.0, 1.0, Peak(100.0, 3, DOMAIN, 0.0), load=1.0)] * 3
    known = replace(
        setup,
        models=(replace(model, law=Pooled.of(ways)),),
        power_utilisation=LogNormal(-0.5, 0.0),
        pue=LogNormal(0.2, 0.0),
    )
    members = {model.name: 1.0}
    parts = uncertainty.variance_parts(known, LENGTHS, members).assign(regime="traditional")
    assert parts[["variance", "share"]].to_numpy() == pytest.approx(0, abs=0)
    assert uncertainty.needed_to_halve(parts) == []
    classes = uncertainty.by_class(
        uncertainty.model_energies(known, LENGTHS, members), members, {model.name: "moe"}
    ).assign(regime="traditional")
    beyond = pd.DataFrame({"regime": ["traditional"], "statistic": ["queries"], "value": [0.0]})
    text = uncertainty.page("mine", parts, classes, beyond)
    assert "There is no spread that knowledge could halve." in text and "would go" not in text
    # of a law that is known, loads apart are what is not
    ways = [Share(1.0, 1.0, Peak(speed, 3, DOMAIN, 0.0), load=speed) for speed in (1.0, 9.0)]
    spread = replace(known, models=(replace(model, law=Pooled.of(ways)),))
    parts = uncertainty.variance_parts(spread, LENGTHS, members)
    assert uncertainty.needed_to_halve(parts) == ["load"]


def test_classes_are_pooled_by_the_shares_of_their_models(setup):
    model = setup.models[0]
    slow = replace(model, name="slow", law=Peak(1.0, 3, DOMAIN, 0.2))
    both = replace(setup, models=(model, slow))
    members = {model.name: 0.25, "slow": 0.75}
    kinds = {model.name: "dense", "slow": "moe"}
    energies = uncertainty.model_energies(both, LENGTHS, members)
    found = uncertainty.by_class(energies, members, kinds).set_index("architecture")
    assert found["models"].to_dict() == {"all": 2, "dense": 1, "moe": 1}
    alone = exact.model_energy(both, LENGTHS, slow)
    assert found.loc["moe", "p50"] == pytest.approx(alone.quantile(0.5))
    one = uncertainty.by_class(energies, members, dict.fromkeys(members, "moe"))
    pool = 0.25 * exact.model_energy(both, LENGTHS, model).mean() + 0.75 * alone.mean()
    assert one["mean"].to_numpy() == pytest.approx(pool)
    assert found.loc["all", "mean"] == pytest.approx(pool)


def test_models_without_a_share_are_of_no_class_and_no_part(setup):
    """As where the whole blend is the model in the middle of the medians."""
    model = setup.models[0]
    slow = replace(model, name="slow", law=Peak(1.0, 3, DOMAIN, 0.2))
    both = replace(setup, models=(slow, model))
    members = {"slow": 0.0, model.name: 1.0}
    energies = uncertainty.model_energies(both, LENGTHS, members)
    found = uncertainty.by_class(energies, members, {"slow": "dense", model.name: "moe"})
    assert found.set_index("architecture")["models"].to_dict() == {"all": 1, "moe": 1}
    parts = uncertainty.variance_parts(both, LENGTHS, members)
    alone = uncertainty.variance_parts(both, LENGTHS, {model.name: 1.0})
    pd.testing.assert_frame_equal(parts, alone)


def test_the_page_says_the_range_and_what_would_halve_it(setup):
    members = {setup.models[0].name: 1.0}
    parts = uncertainty.variance_parts(setup, LENGTHS, members).assign(regime="traditional")
    kinds = {setup.models[0].name: "dense"}
    energies = uncertainty.model_energies(setup, LENGTHS, members)
    classes = uncertainty.by_class(energies, members, kinds).assign(regime="traditional")
    beyond = pd.DataFrame({"regime": ["traditional"], "statistic": ["queries"], "value": [0.25]})
    text = uncertainty.page("mine", parts, classes, beyond)
    assert "# What `mine` does not know" in text
    assert "Every query has the mean input." in text
    told = {"traditional": "chats"}
    traced = uncertainty.page("mine", parts, classes, beyond, told)
    assert "Inputs are as long as those of the trace chats, whatever the output." in traced
    assert "Half of that spread would go if one knew the load and the power" in text
    assert "25 % of a model's queries, at most," in text
    # as the domain of a law is left on both sides (test_base.py)
    assert "that its throughput law has seen of that model: shorter or longer" in text
    assert " Wh, a factor of " in text
    # the shortest answers may have no tokens, and need nothing
    text = uncertainty.page("mine", parts, classes.assign(p5=0.0), beyond)
    assert "(P5 to P95: 0 to " in text and "a factor of" not in text

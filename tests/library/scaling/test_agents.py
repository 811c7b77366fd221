"""Agents: steps, caches, samples, and tasks that were observed."""

import numpy as np
import pytest
from inference_energy.energy import exact
from inference_energy.errors import InputError
from inference_energy.laws.log_linear import LogLinear
from inference_energy.laws.peak import Peak
from inference_energy.method import setup as method_setup
from inference_energy.method.build import build
from inference_energy.scaling import agents
from library.scaling.made_up import ADDITIVE, make_setup
from repository import METHODS, materials, read, read_yaml


@pytest.mark.parametrize("law", [LogLinear(7.0, -0.3, 0.2, 4000.0, 4), Peak(900.0, 2), ADDITIVE])
def test_a_step_without_cache_is_a_query(law):
    seconds = agents.step_seconds(law, 1000.0, 0.0, 300.0)
    assert seconds == pytest.approx(300 / law.predict(1000.0, 300.0), rel=1e-12)


@pytest.mark.parametrize("law", [LogLinear(7.0, -0.3, 0.2, 4000.0, 4), ADDITIVE])
def test_cached_input_never_costs_more(law):
    cached = np.linspace(0, 9000, 10)
    seconds = agents.step_seconds(law, 10_000.0, cached, 300.0)
    assert (np.diff(seconds) <= 0).all()


def test_the_cache_of_an_additive_law_saves_computing_not_reading():
    full, none = agents.step_seconds(ADDITIVE, 8000.0, np.array([8000.0, 0.0]), 200.0)
    d, p, q, r, c = ADDITIVE.coefficients
    assert none - full == pytest.approx(p * 8000 + q * 8000**2, rel=1e-12)
    assert full == pytest.approx(200 * (d + r * 8200 + c * 8100), rel=1e-12)


def test_one_step_of_an_agent_is_a_query(flat):
    task = agents.Task("one", 1, 500.0, 1.0, 200.0, 1.0, 0.0)
    for model in make_setup(ADDITIVE, Peak(1000.0, 1)).models:
        ((energy, _),) = agents.task_energies(flat, model, task, prefix_caching=True)
        query = exact.model_energy(flat, method_setup.fixed_regime(500, 200), model)
        assert energy.quantile(0.5) == pytest.approx(query.quantile(0.5), rel=1e-9)


def test_samples_multiply_without_cache_and_share_the_prompt_with_it(flat):
    task = agents.Task("several", 3, 5000.0, 100.0, 200.0, 1.0, 0.0)
    model = make_setup(ADDITIVE).models[0]
    one, eight = (
        energy.moment(1) for energy, _ in agents.task_energies(flat, model, task, False, [1, 8])
    )
    assert eight == pytest.approx(8 * one)
    shared, eight = (
        energy.moment(1) for energy, _ in agents.task_energies(flat, model, task, True, [1, 8])
    )
    assert shared < eight < 8 * shared


def test_context_grows_by_what_is_added_and_written():
    task = agents.Task("grows", 4, 1000.0, 200.0, 50.0, 1.0, 0.0)
    np.testing.assert_allclose(task.contexts, [1000, 1250, 1500, 1750])
    # all but the new input of each step is in the cache
    np.testing.assert_allclose(task.contexts - task.cached(True), [1000, 200, 200, 200])
    assert not task.cached(False).any()


def test_an_observed_task_has_the_means_of_its_trace():
    totals = {
        "sessions": 10,
        "steps": 500,
        "input_tokens": 500 * 40_000,
        "cached_tokens": 500 * 36_000,
        "output_tokens": 500 * 400,
    }
    task = agents.observed_task("trace", totals, 10_000, 5.0)
    assert task.steps == 50
    assert task.contexts.mean() == pytest.approx(40_000)
    assert task.cached(True).mean() == pytest.approx(36_000)
    assert task.step_output == 400


def test_a_trace_with_a_shorter_mean_than_the_first_input_is_refused():
    totals = {
        "sessions": 1,
        "steps": 10,
        "input_tokens": 1e5,
        "cached_tokens": 0,
        "output_tokens": 1e3,
    }
    with pytest.raises(InputError, match="first_input_tokens = 20000"):
        agents.observed_task("trace", totals, 20_000, 0.0)


OWN = {
    "tasks": [
        {
            "name": "answer",
            "steps": 11,
            "first_input_tokens": 1000,
            "step_input_tokens": 500,
            "step_output_tokens": 200,
            "cached_share": 1,
            "pause": 0,
        }
    ]
}


def contexts(tokens):
    """What is known of models, with one context for those of a made-up method."""
    models = read("data/models.csv", "models").head(2)
    return models.assign(model=["model 0", "model 1"], aliases=None, context_tokens=tokens)


def test_a_task_beyond_four_contexts_of_a_blend_is_left_out_and_told(flat):
    # 1000 + 10 x 700 tokens in, 200 out
    assert agents.too_long(flat, "flat", OWN, contexts([2050, 8200])) == {}
    left_out = agents.too_long(flat, "flat", OWN, contexts([2049, 8200]))
    told = left_out["answer"]
    assert "config/scaling.yaml: key agents.tasks: name answer: value 8200: input" in told
    assert "4 times the longest context of model 0, 2049 tokens" in told
    assert "in the blend of flat" in told
    assert told.endswith("the task is left out of results/flat/agents.csv")


def test_a_task_that_is_left_out_is_in_no_line(flat):
    own = read_yaml("config/scaling.yaml")["agents"]
    names = [task["name"] for task in own["tasks"]]
    table = agents.agents(flat, own, names[-1:])
    assert table["task"].unique().tolist() == names[:-1]
    every = agents.agents(flat, own)
    assert table.equals(every[every["task"] != names[-1]])
    none = agents.agents(flat, own, names)
    assert none.empty and none.columns.tolist() == every.columns.tolist()


def test_a_task_beyond_every_known_context_is_refused_whoever_is_in_the_blend(flat):
    assert len(agents.too_long(flat, "flat", OWN, contexts([10.0, 8200]))) == 1
    for longest in (8199, 2050):
        with pytest.raises(InputError) as error:
            agents.too_long(flat, "flat", OWN, contexts([np.nan, longest]))
        (told,) = error.value.problems
        assert told.startswith("config/scaling.yaml: key agents.tasks: name answer: value 8200: ")
        assert f"longer than the longest context of any model, {longest} tokens of model 1" in told


def test_a_blend_that_holds_a_model_of_a_short_context_leaves_the_shipped_tasks_as_they_are():
    """A fifth model of the paper's blend has a quarter of the observed session's context."""
    method = METHODS["oviedo2026"] | {"blend": METHODS["oviedo2026"]["blend"] | {"models": 5}}
    setup = build(method, **materials([method])(method))
    own, models = read_yaml("config/scaling.yaml")["agents"], read("data/models.csv", "models")
    assert list(agents.too_long(setup, "five", own, models)) == ["coding session as observed"]


def test_a_model_of_no_known_context_says_nothing(flat):
    assert agents.too_long(flat, "flat", OWN, contexts([np.nan, 8200])) == {}


@pytest.mark.parametrize("value", [0.25, 1.72, 15.8, 2500])
def test_an_idle_node_draws_what_is_around_its_gpus_and_no_more_than_is_supplied(value):
    nodes, own = read("data/nodes.csv", "nodes"), read_yaml("config/scaling.yaml")["agents"]
    agents.check_idle_power(own, nodes)
    own["idle_power"]["value"] = value
    with pytest.raises(InputError, match=r"key agents.idle_power.value") as error:
        agents.check_idle_power(own, nodes)
    assert f"value {value:g} kW; allowed is 1.729, what HGX H200 draws" in str(error.value)
    assert "to 15.75, what the power supplies of HGX B200 give" in str(error.value)

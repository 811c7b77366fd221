"""Totals of a trace that contradict each other are refused, and more steps than are computed."""

import pytest
from inference_energy import config
from inference_energy.scaling.settings import MOST_STEPS, agent_problems, observed_steps
from repository import ROOT, read_yaml

PATH = "config/scaling.yaml"


@pytest.fixture
def own():
    """The project's own settings, to be changed."""
    return read_yaml(PATH)


def test_the_projects_own_are_right(own):
    assert agent_problems(own, PATH) == []
    assert observed_steps(own["agents"]["observed"]) == 84


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("cached_tokens", 55e9, "at most input_tokens, 54900000000, as what was found"),
        ("sessions", 400_000, "at most steps, 357161, as a session has a step or more"),
    ],
)
def test_a_part_is_not_more_than_the_whole(own, part, value, words):
    own["agents"]["observed"][part] = value
    (told,) = agent_problems(own, PATH)
    assert told.startswith(f"{PATH}: key agents.observed.{part}: value {value:.15g};")
    assert words in told


def test_as_many_steps_as_are_computed_are_allowed_and_no_more(own):
    tools, research, _ = own["agents"]["tasks"]
    tools["steps"] = MOST_STEPS - research["steps"] - 84
    assert agent_problems(own, PATH) == []
    tools["steps"] += 1
    (told,) = agent_problems(own, PATH)
    assert f"key agents.tasks: name {tools['name']}: value {tools['steps']} steps" in told
    assert f"have {MOST_STEPS + 1} together; allowed is at most {MOST_STEPS}" in told


def test_steps_that_were_observed_count_too(own):
    own["agents"]["observed"]["sessions"] = 1
    (told,) = agent_problems(own, PATH)
    assert "name coding session as observed: value 357161 steps" in told
    assert "correct steps or sessions" in told


def test_the_configuration_tells_them_before_anything_runs(own, monkeypatch):
    monkeypatch.chdir(ROOT)
    own["agents"]["tasks"][0]["steps"] = MOST_STEPS
    whole = config.read
    monkeypatch.setattr(config, "read", lambda p: own if str(p).endswith(PATH) else whole(p))
    documents, problems = config.read_documents()
    assert documents["scaling"] == {}
    assert len(problems["scaling"]) == 1

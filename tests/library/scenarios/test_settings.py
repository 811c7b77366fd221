"""What the settings of the scenarios say twice is refused, with the name."""

import pytest
from inference_energy import config
from inference_energy.scenarios.settings import repeated_problems
from repository import ROOT, read_yaml

PATH = "config/scenarios.yaml"


@pytest.fixture
def own():
    """The project's own settings, to be changed."""
    return read_yaml(PATH)


def test_the_projects_own_say_nothing_twice(own):
    assert repeated_problems(own, PATH) == []


@pytest.mark.parametrize("key", ["tasks", "maps"])
def test_a_name_of_two_is_refused(own, key):
    own[key][2]["name"] = own[key][0]["name"]
    (told,) = repeated_problems(own, PATH)
    assert told.startswith(f"{PATH}: key {key}: name {own[key][0]['name']}: several")


def test_a_map_of_one_input_on_both_axes_is_refused(own):
    own["maps"][0]["x"]["input"] = own["maps"][0]["y"]["input"]
    (told,) = repeated_problems(own, PATH)
    assert f"{PATH}: key maps: name lengths: keys x.input and y.input: value output_tokens" in told


@pytest.mark.parametrize("axis", ["x", "y"])
def test_values_that_the_table_writes_alike_are_refused(own, axis):
    own["maps"][0][axis]["values"] = [50, 100, 100.00000001, 100.001]
    (told,) = repeated_problems(own, PATH)
    assert (
        f"name lengths: key {axis}.values: values 100, 100.00000001: are 100 in the six digits"
        in told
    )


def test_all_problems_of_the_file_are_told_at_once(own):
    own["maps"][3]["x"]["values"] = [1000000, 1000001, 1000002.5]
    own["tasks"][1]["name"] = own["tasks"][0]["name"]
    assert len(repeated_problems(own, PATH)) == 2


def test_the_configuration_tells_them_before_anything_runs(own, monkeypatch):
    monkeypatch.chdir(ROOT)
    own["tasks"][1]["name"] = own["tasks"][0]["name"]
    whole = config.read
    monkeypatch.setattr(config, "read", lambda p: own if str(p).endswith(PATH) else whole(p))
    documents, problems = config.read_documents()
    assert documents["scenarios"] == {}
    assert len(problems["scenarios"]) == 1

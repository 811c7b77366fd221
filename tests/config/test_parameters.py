"""The parameters of scaling and footprint are checked, and name only facts that are there."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from inference_energy.documents import schema_problems
from inference_energy.scaling.counter_signal import claimed_energy
from inference_energy.scaling.footprint import FOOTPRINTS, facts_by_name
from inference_energy.tables import read_table

ROOT = Path(__file__).parents[2]


def parameters(name):
    """Parameters of a file of config/ and their schema."""
    config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    schema = yaml.safe_load((ROOT / f"workflow/schemas/{name}.schema.yaml").read_text())
    return config, schema


@pytest.mark.parametrize("name", ["scaling", "footprint"])
def test_the_parameters_obey_their_schema_and_others_do_not(name):
    config, schema = parameters(name)
    assert schema_problems(config, schema, name) == []
    for section in config:
        misspelt = deepcopy(config)
        misspelt[f"{section}x"] = misspelt.pop(section)
        assert len(schema_problems(misspelt, schema, name)) == 2


def test_an_observed_task_states_no_steps_of_its_own():
    config, schema = parameters("scaling")
    observed = next(task for task in config["agents"]["tasks"] if task.get("observed"))
    observed["steps"] = 5
    (problem,) = schema_problems(config, schema, "scaling")
    assert "agents.tasks" in problem


def test_every_fact_that_the_footprint_names_is_sourced():
    config, _ = parameters("footprint")
    facility = read_table(ROOT / "data/facility.csv", "facility")
    sources = set(read_table(ROOT / "data/sources.csv", "sources")["source_id"])
    for key in FOOTPRINTS:
        names = [*config[key]["range"], *config[key]["settings"]]
        assert len(facts_by_name(facility, names, config[key]["unit"])) == len(names)
    counts = read_table(ROOT / "data/published/token_counts.csv", "token_counts")
    assert set(facility["source_id"]) | set(counts["source_id"]) <= sources


def test_the_claim_of_the_counter_signal_is_marked_as_not_found():
    config, _ = parameters("scaling")
    estimates = read_table(ROOT / "data/published/estimates.csv", "estimates")
    claim, verification = claimed_energy(estimates, config["counter_signal"]["estimate"])
    assert claim[0] < claim[1]
    assert verification == "not found"

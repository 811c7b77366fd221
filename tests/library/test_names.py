"""Names that are held against the tables that define them."""

import pytest
from inference_energy import project
from inference_energy.documents import read_schema
from inference_energy.names import name_problems
from repository import ROOT, read_yaml

DOCUMENTS = ("findings", "evidence", "scaling", "footprint", "scenarios")


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_names_of_the_project_are_there(name):
    assert name_problems(read_yaml(f"config/{name}.yaml"), read_schema(name), name) == []


def misspelt(name, *steps):
    """The one problem of a document of which a name is misspelt."""
    content = read_yaml(f"config/{name}.yaml")
    part = content
    for step in steps[:-1]:
        part = part[step]
    part[steps[-1]] = part[steps[-1]][:-2] + part[steps[-1]][-1]
    (problem,) = name_problems(content, read_schema(name), f"config/{name}.yaml")
    return problem


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        (("findings", 1, "claims", 0), "p25-traditional"),
        (("evidence", "capped_node", "benchmark"), "llama2-70b-99.9"),
        (("evidence", "capped_node", "system"), "H200-SXM-141GBx8_TRT_MaxQ"),
        (("evidence", "production", "like"), "H100-SXM-80GB"),
        (("scaling", "counter_signal", "estimate"), "erdos_0.6_6.3kWh"),
        (("scaling", "counter_signal", "panels", 0), "oviedo2026"),
        (("footprint", "on_site_water", "range", 0), "aws-wue-2025"),
        (("footprint", "checks", "google", "wue", "fact"), "google-wue-2024"),
        (("scenarios", "methods", 1), "revised"),
        (("scenarios", "grids", 0), "ember-norway-2023"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(place, meant):
    problem = misspelt(*place)
    assert f"key {'.'.join(map(str, place[1:]))}: value" in problem
    assert problem.endswith(f"did you mean {meant}?")


def test_what_cannot_be_read_is_told_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    schema = {"properties": {"gpu": {"x-names": "data/gpus.csv#gpu"}}}
    assert name_problems({"gpu": "X"}, schema, "f.yaml") == []
    (tmp_path / "data").mkdir()
    (tmp_path / "data/gpus.csv").write_bytes(b"other\n\xff\n")
    assert name_problems({"gpu": "X"}, schema, "f.yaml") == []
    (tmp_path / "data/gpus.csv").write_text("gpu\nH100\n")
    (problem,) = name_problems({"gpu": "H10"}, schema, "f.yaml")
    assert problem == (
        "f.yaml: key gpu: value H10: no such name; allowed are the gpus of data/gpus.csv; correct"
        " it; did you mean H100?"
    )

"""The files by which the project is cited say the same."""

import json
import tomllib

import pytest
import yaml
from repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
ZENODO = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
CODEMETA = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", [CITATION, ZENODO, CODEMETA])
def test_the_version_and_the_keywords_are_the_projects(file):
    assert file["version"] == PROJECT["version"]
    assert file["keywords"] == CITATION["keywords"]


def test_the_date_is_the_same_everywhere():
    date = str(CITATION["date-released"])
    assert ZENODO["publication_date"] == CODEMETA["datePublished"] == date


def test_title_authors_and_licence_agree():
    assert ZENODO["title"] == CITATION["title"]
    assert CITATION["title"].startswith(f"{PROJECT['name']}: ")
    assert CODEMETA["name"] == PROJECT["name"]
    names = [author["name"] for author in CITATION["authors"]]
    assert [author["name"] for author in ZENODO["creators"]] == names
    assert [author["name"] for author in CODEMETA["author"]] == names
    assert CITATION["license"] == ZENODO["license"] == PROJECT["license"]
    assert CODEMETA["license"].endswith(f"/{PROJECT['license']}")
    assert CODEMETA["description"] == PROJECT["description"]


def test_the_paper_is_named_in_all_of_them():
    dois = {article["doi"] for article in CITATION["references"]}
    papers = {each["identifier"] for each in CODEMETA["referencePublication"]}
    assert papers == {f"https://doi.org/{doi}" for doi in dois}
    assert {each["identifier"] for each in ZENODO["related_identifiers"]} == {
        doi.replace("10.48550/arXiv.", "arXiv:") for doi in dois
    }


def test_the_citation_is_of_the_form_it_states():
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(CITATION)


def test_the_crate_describes_files_that_are_there():
    graph = json.loads((ROOT / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    root, run = entities["./"], entities["#run"]
    assert all((ROOT / part["@id"]).exists() for part in root["hasPart"])
    assert root["datePublished"] == str(CITATION["date-released"])
    assert entities[root["mainEntity"]["@id"]]["version"] == PROJECT["version"]
    assert run["instrument"] == root["mainEntity"]
    named = {part["@id"] for part in (*run["object"], *run["result"], run["agent"])}
    assert named <= set(entities)
    assert {profile["@id"] for profile in root["conformsTo"]} <= set(entities)

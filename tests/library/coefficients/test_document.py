"""The coefficients as JSON."""

import json
import tomllib

from inference_energy.coefficients.document import SCHEMA_VERSION, document
from repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEXT = (ROOT / "results" / "coefficients.json").read_text(encoding="utf-8")


def test_the_committed_document_is_that_of_the_committed_table(table):
    assert document(table, PROJECT) == TEXT


def test_the_document_has_every_number_of_the_table(table):
    entries = json.loads(TEXT)["coefficients"]
    assert len(entries) == len(table)
    for entry, row in zip(entries, table.itertuples(), strict=True):
        assert (entry["model"], entry["load"]) == (row.model, row.load)
        assert entry["output"] == {
            "median": row.output_wh,
            "p5": row.output_p5_wh,
            "p95": row.output_p95_wh,
        }
        assert entry["cached"]["median"] == row.cached_wh
        assert entry["input"]["p95"] == row.input_p95_wh


def test_the_document_says_what_it_is():
    head = json.loads(TEXT)
    assert head["schema_version"] == SCHEMA_VERSION
    assert head["version"] == PROJECT["version"]
    assert head["licence"] == PROJECT["license"]
    assert "without PUE" in head["boundary"]
    assert set(head["tiers"]) == {"A", "B", "C"}

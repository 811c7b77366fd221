"""The coefficients as JSON."""

import json
import tomllib

import jsonschema_rs
import numpy as np
import pytest
from inference_energy.coefficients.agents import mean_call
from inference_energy.coefficients.document import SCHEMA, SCHEMA_VERSION, document, schema
from inference_energy.tables import load_schema
from repository import ROOT, read

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEXT = (ROOT / "results" / "coefficients.json").read_text(encoding="utf-8")


def test_the_committed_document_is_that_of_the_committed_table(table):
    call = mean_call(read("data/agent_tokens.csv", "agent_tokens"))
    assert document(table, PROJECT, call) == TEXT


def test_the_document_has_every_number_of_the_table(table):
    head = json.loads(TEXT)
    entries = head["coefficients"]
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
        assert entry["requests"] == row.requests
        for use in head["factor_lengths"]:
            (held,) = {entry["factor"][use]} - {None} or {np.nan}
            np.testing.assert_equal(held, getattr(row, f"{use}_factor"))


def test_the_document_says_what_it_is():
    head = json.loads(TEXT)
    assert head["schema_version"] == SCHEMA_VERSION
    assert head["version"] == PROJECT["version"]
    assert head["licence"] == PROJECT["license"]
    assert "without PUE" in head["boundary"]
    assert set(head["tiers"]) == {"A", "B", "C"}


def test_the_committed_schema_is_that_of_the_table_and_the_document_keeps_it():
    text = (ROOT / "results" / SCHEMA).read_text(encoding="utf-8")
    assert schema(load_schema("coefficients")) == text
    assert json.loads(TEXT)["$schema"] == SCHEMA
    jsonschema_rs.Draft202012Validator(json.loads(text)).validate(json.loads(TEXT))


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.update(schema_version="2.0"),
        lambda head: head["coefficients"][0].pop("tier"),
        lambda head: head["coefficients"][0].update(load="many"),
        lambda head: head["coefficients"][-1]["output"].update(p5=-1),
    ],
)
def test_the_schema_refuses_what_a_reader_could_not_use(change):
    spoilt = json.loads(TEXT)
    change(spoilt)
    text = (ROOT / "results" / SCHEMA).read_text(encoding="utf-8")
    assert not jsonschema_rs.Draft202012Validator(json.loads(text)).is_valid(spoilt)

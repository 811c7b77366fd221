"""Predictions of the laws for an endpoint."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.laws.training import THROUGHPUT_TABLES, training_rows
from inference_energy.stress.forecast import LAW, forecast, told
from repository import hardware_tables, read, read_yaml

FACTS = {"gpu": "H100-SXM-80GB", "n_gpus": 2, "tensor_parallel": 2, "precision": "FP8"}
SETTINGS = {
    "model": "meta-llama/Llama-3.1-70B-Instruct",
    "facts": FACTS,
    "input_tokens": 500,
    "lengths": [300, 4500],
    "concurrency": [1, 64],
}
METHOD = read_yaml("results/revised/method.yaml")


@pytest.fixture(scope="module")
def predict():
    """Predict for settings that are SETTINGS but for some facts and keys."""
    hardware = hardware_tables()
    throughput = [read(path, "throughput") for path in THROUGHPUT_TABLES]
    known = {name: hardware[name] for name in ("models", "gpus")}
    training = training_rows(throughput, hardware["mlenergy"], known)
    traces = {METHOD["regimes"]["traditional"]["output_tokens"]["trace"]: (100.0, 200.0)}
    table = pd.concat(throughput, ignore_index=True).drop_duplicates(ignore_index=True)
    materials = {"table": table, "hardware": hardware, "traces": traces}

    def predicted(facts=None, **changes):
        stated = {name: value for name, value in (FACTS | (facts or {})).items() if value}
        settings = SETTINGS | {"facts": stated} | changes
        return forecast(settings, training, hardware, {"revised": (METHOD, materials)})

    return predicted


def test_law_and_method_agree_on_a_node_that_both_know(predict):
    found = predict()
    assert found.reason == "" and (found.gpus, found.tdp_w) == (2, 700)
    table = found.table
    assert (table["low"] < table["predicted"]).all() and (table["predicted"] < table["high"]).all()
    wide = table.pivot_table(
        index=["concurrency", "output_tokens"], columns=["prediction", "scope"], values="predicted"
    )
    law = wide[LAW]
    # a node takes more than its GPUs, and the same laws are behind both
    assert (law["node"] > 1.2 * law["gpu"]).all()
    assert (law["node"] / wide["revised"]["node"]).between(0.7, 1.4).all()
    alone, together = law.loc[1, "gpu"], law.loc[64, "gpu"]
    assert (together < 0.2 * alone).all()
    assert 8 < alone[4500] / alone[300] < 16
    of_input = table[table["prediction"] == LAW].eval("input_wh / predicted")
    assert of_input.between(0.001, 0.5).all()


@pytest.mark.parametrize(
    ("facts", "changes", "reason"),
    [
        ({"gpu": "Abacus"}, {}, "gpu Abacus is not in data/gpus.csv"),
        ({}, {"model": "mine"}, "model mine is not in data/models.csv"),
        (
            {"gpu": "Abacus"},
            {"model": "mine"},
            "model mine is not in data/models.csv; facts may state its name there; gpu Abacus is",
        ),
        ({"n_gpus": None, "precision": None}, {}, "facts do not state n_gpus, precision"),
        ({"n_gpus": 1, "tensor_parallel": 1, "precision": "BF16"}, {}, "does not fit 1 GPUs"),
    ],
)
def test_what_cannot_be_predicted_has_a_reason(predict, facts, changes, reason):
    found = predict(facts, **changes)
    assert found.table.empty and reason in found.reason


def test_the_tdp_needs_the_gpu_alone(predict):
    assert predict({"n_gpus": None, "precision": None}).tdp_w == 700
    assert np.isnan(predict({"gpu": "H2000"}).tdp_w)


def test_engine_that_the_method_does_not_know_leaves_the_law(predict):
    found = predict({"engine": "abacus"}, concurrency=[8])
    assert set(found.table["prediction"]) == {LAW}
    assert "facts.engine is abacus; no engine of that name but " in found.reason


def test_engine_may_be_written_in_any_case(predict):
    found = predict({"engine": "vllm"}, concurrency=[8])
    assert found.reason == ""
    assert len(set(found.table["prediction"])) == 2


def test_method_is_told_the_endpoint_and_leaves_the_pue_out():
    changed = told(METHOD, {"model": "m"} | FACTS, SETTINGS, 64)
    assert changed["serving"]["load"]["value"] == 64
    assert changed["pue"]["value"] == 1 and changed["benchmarks"]["models"] == ["m"]
    assert METHOD["pue"]["distribution"] == "log-normal"

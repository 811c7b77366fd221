"""Layouts of models on nodes."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.laws.at_load import AtLoadFit
from inference_energy.laws.training import training_rows
from inference_energy.power import ways
from inference_energy.power.node import find_node, node_power
from repository import hardware_tables, read

KINDS = pd.DataFrame(
    {
        "model": ["DeepSeek-R1", "Llama 3.1 70B"],
        "gpu": "H200-SXM-141GB",
        "precision": "FP8",
        "engine": "vLLM",
    }
)


@pytest.fixture(scope="module")
def hardware():
    return hardware_tables()


@pytest.fixture(scope="module")
def fit(hardware):
    table = read("data/throughput/at_load.csv", "throughput")
    return AtLoadFit.fit(training_rows([table], hardware["mlenergy"], hardware_of_laws(hardware)))


def hardware_of_laws(hardware):
    return {name: hardware[name] for name in ("models", "gpus")}


def test_layouts_fill_the_node_with_whole_copies():
    rows = ways.layouts(8)
    gpus = rows["tensor_parallel"] * rows["attention_data_parallel"]
    assert (8 % gpus == 0).all() and not rows.duplicated().any()
    assert set(gpus) == {1, 2, 4, 8}
    assert (rows["expert_parallel"] <= gpus).all()


def test_only_layouts_that_hold_the_weights_are_left(hardware):
    rows = ways.fitting(KINDS, 8, (1000, 300), hardware)
    gpus = rows["tensor_parallel"] * rows["attention_data_parallel"]
    assert set(gpus[rows["model"] == "DeepSeek-R1"]) == {8}
    assert set(gpus[rows["model"] == "Llama 3.1 70B"]) == {1, 2, 4, 8}
    assert (rows["copies"] * gpus == 8).all()


def test_more_load_is_never_slower_and_serves_as_many_as_are_given(hardware, fit):
    rows = ways.fitting(KINDS, 8, (1000, 300), hardware)
    best = ways.best_layouts(fit, rows, [1, 8, 64, np.inf])
    for _, own in best.groupby("kind"):
        assert own["speed"].is_monotonic_increasing
        assert (own["batch"] <= own["load"]).all()
    assert len(best) == 2 * 4
    # the layout is the best of all at its load
    at = [
        law.at(64 / n).scaled(n) for law, n in zip(fit.laws_of(rows), rows["copies"], strict=True)
    ]
    speed = pd.Series([float(law.predict(1000, 300)) for law in at])
    chosen = best[best["load"] == 64].set_index("kind")["speed"]
    assert chosen.to_dict() == pytest.approx(speed.groupby(rows["kind"]).max().to_dict())


def test_the_node_draws_between_idle_and_rated(hardware, fit):
    rows = ways.fitting(KINDS, 8, (1000, 300), hardware)
    best = ways.best_layouts(fit, rows, [1, 64, np.inf])
    power = ways.node_kw(ways.fit_gpu_power(hardware), best, 8, hardware, (5, 95))
    around = find_node("H200-SXM-141GB", hardware["nodes"], hardware["gpus"])
    idle, rated = (float(node_power(watts, around)) / 1000 for watts in (0.0, 700.0))
    assert (power["p5_kw"] <= power["node_kw"]).all()
    assert (power["node_kw"] <= power["p95_kw"]).all()
    assert power.min(axis=None) > idle
    assert power.max(axis=None) <= rated

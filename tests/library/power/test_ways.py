"""Layouts of models on nodes."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from inference_energy.laws.additive import Additive
from inference_energy.laws.at_load import AT_A_LOAD, AtLoadFit
from inference_energy.laws.serving import served_batch
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


def test_the_law_of_gpu_power_is_fitted_to_the_runs_that_are_given(hardware, monkeypatch):
    monkeypatch.setattr(ways.GpuPower, "fit", lambda runs, idle: runs)
    given = ways.measured_runs(hardware).head(1)
    assert ways.fit_gpu_power(hardware, given) is given


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
    assert (power["gpu_kw"] < power["node_kw"]).all() and (power["gpu_kw"] > 0).all()
    assert (power["gpu_p5_kw"] <= power["gpu_kw"]).all()
    assert (power["gpu_kw"] <= power["gpu_p95_kw"]).all()
    power = power[["node_kw", "p5_kw", "p95_kw"]]
    assert power.min(axis=None) > idle
    assert power.max(axis=None) <= rated


@pytest.mark.parametrize(
    ("gpus", "sizes"), [(8, [1, 2, 4, 8]), (6, [1, 2]), (12, [1, 2, 4]), (1, [1]), (7, [1])]
)
def test_every_power_of_two_that_divides_the_node_is_a_layout_of_three_kinds(gpus, sizes):
    """Tensors alone, experts spread as well, and attention of its own on every GPU."""
    expected = [(size, 1, 1) for size in sizes]
    expected += [(size, 1, size) for size in sizes[1:]] + [(1, size, size) for size in sizes[1:]]
    assert [tuple(row) for row in ways.layouts(gpus).to_numpy()] == expected


def test_layouts_are_rows_without_a_throughput_of_no_source(monkeypatch):
    """Of those that memory decides on, a copy that takes all of it has no room to serve."""
    asked = {}

    def describe(rows, models, gpus):
        asked["rows"], asked["tables"] = rows, (models, gpus)
        return rows.assign(filled=[0.5, 1.0, 0.9, 1.1, 0.99, 1.0, 0.1, 2.0])

    monkeypatch.setattr(ways, "describe", describe)
    kinds = KINDS.assign(share=[0.25, 0.75]).set_index(pd.Index([5, 3]))
    rows = ways.fitting(kinds, 2, (1000, 300), {"models": "m", "gpus": "g", "nodes": "n"})
    assert asked["tables"] == ("m", "g")
    assert rows.index.tolist() == [0, 1, 2, 3] and "index" not in rows
    assert rows["filled"].tolist() == [0.5, 0.9, 0.99, 0.1]
    assert rows["kind"].tolist() == [5, 5, 3, 3]
    assert rows["copies"].tolist() == [2, 1, 2, 1]
    assert rows["share"].tolist() == [0.25, 0.25, 0.75, 0.75]
    alike = {"source_id": "", "source_version": "", "protocol": AT_A_LOAD}
    for column, value in (alike | {"input_tokens": 1000.0, "output_tokens": 300.0}).items():
        assert rows[column].tolist() == [value] * 4
    assert rows[["throughput_tps", "engine_version"]].isna().all(axis=None)
    assert rows["throughput_tps"].dtype == float


class Loaded(Additive):
    """Faster at larger loads."""

    def at(self, concurrency, requests=np.inf):
        return self.scaled(np.log1p(concurrency))


class MadeUpFit:
    def laws_of(self, rows):
        seconds = np.random.default_rng(0).uniform(1, 9, (len(rows), 5))
        return [Loaded(own * [1e-3, 1e-5, 0, 0, 1e-6], 3) for own in seconds]


@pytest.mark.parametrize("lengths", [None, [(100, 900), (9000, 20)]])
def test_the_best_layout_is_the_fastest_at_its_load_and_its_lengths(lengths):
    """Row by row: a copy is given its part of the load, and the node is as fast as its copies."""
    rows = pd.DataFrame(
        {
            "kind": [4, 4, 4, 2, 2, 2],
            "copies": [1, 2, 4, 1, 2, 4],
            "cache_tokens": [9000, 4000, 1000, 90_000, 40_000, 10_000],
            "input_tokens": [1000, 1000, 1000, 500, 500, 500],
            "output_tokens": [300, 300, 300, 300, 300, 300],
        }
    )
    found = ways.best_layouts(MadeUpFit(), rows, [8, 64], lengths)
    laws, line = MadeUpFit().laws_of(rows), 0
    for load, pair in product([8, 64], lengths or [None]):
        for kind in (2, 4):
            nodes = {}
            for k, row in rows[rows["kind"] == kind].iterrows():
                n_in, n_out = pair or (row["input_tokens"], row["output_tokens"])
                node = laws[k].at(load / row["copies"]).scaled(row["copies"])
                batch = served_batch(
                    {"cache_tokens": float(row["cache_tokens"])}, n_in, n_out, load / row["copies"]
                )
                speed = float(node.predict(n_in, n_out))
                nodes[speed] = (n_in, n_out, row["copies"], row["copies"] * batch, node)
            own, speed = found.loc[line], max(nodes)
            n_in, n_out, copies, batch, node = nodes[speed]
            assert (own["kind"], own["load"], own["copies"]) == (kind, load, copies)
            assert (own["input_tokens"], own["output_tokens"]) == (n_in, n_out)
            assert (own["speed"], own["batch"]) == pytest.approx((speed, float(batch)))
            np.testing.assert_allclose(own["law"].coefficients, node.coefficients)
            line += 1
    assert len(found) == line and found["load"].dtype == float
    one = ways.best_layouts(MadeUpFit(), rows, 8, lengths)
    pd.testing.assert_frame_equal(one.drop(columns="law"), found[: line // 2].drop(columns="law"))


def test_the_power_of_every_way_is_that_of_its_node_by_hand(monkeypatch, hardware):
    """The law of GPU power is made up: what it is asked, and twice that at the 95th percentile."""
    asked = {}

    class Law:
        def predict(self, rows):
            asked["rows"] = rows
            power = rows["batch"] * 10
            return pd.DataFrame({"p95_w": 2 * power, "p5_w": power / 2, "gpu_power_w": power})

    def add_utilisation(rows, models, gpus):
        asked["tables"] = models is hardware["models"], gpus is hardware["gpus"]
        return rows

    monkeypatch.setattr(ways, "add_utilisation", add_utilisation)
    table = pd.DataFrame(
        {
            "model": "m",
            "gpu": ["B200", "H200-SXM-141GB", "B200"],
            "precision": "FP8",
            "batch": [20.0, 30.0, 40.0],
            "input_tokens": 1000.0,
            "output_tokens": 300.0,
            "copies": [2.0, 1.0, 4.0],
            "attention_data_parallel": [1, 8, 2],
            "speed": [100.0, 200.0, 300.0],
        },
        index=[9, 4, 6],
    )
    found = ways.node_kw(Law(), table, 4, hardware, (5, 95))
    assert asked["tables"] == (True, True)
    rows = asked["rows"]
    assert rows["gpus"].tolist() == [4, 4, 4] and rows["task"].tolist() == ["", "", ""]
    assert rows["attention_copies"].tolist() == [2, 8, 8]
    assert rows["throughput_tps"].tolist() == [100, 200, 300]
    pd.testing.assert_frame_equal(rows[["batch", "gpu"]], table[["batch", "gpu"]])
    names = ["node_kw", "p5_kw", "p95_kw"]
    assert list(found.columns) == [*names, "gpu_kw", "gpu_p5_kw", "gpu_p95_kw"]
    assert list(found.index) == [9, 4, 6]
    assert set(found.dtypes) == {np.dtype(float)}
    for (_, way), (_, own) in zip(table.iterrows(), found.iterrows(), strict=True):
        around = find_node(way["gpu"], hardware["nodes"], hardware["gpus"])
        watts = 10 * way["batch"] * np.array([1, 0.5, 2])
        expected = [*node_power(watts, around, 4), *(4 * watts)]
        np.testing.assert_allclose(own, np.divide(expected, 1000))

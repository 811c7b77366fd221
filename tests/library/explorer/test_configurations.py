"""Which nodes a method can say something about."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.explorer.configurations import (
    MIXED,
    as_table,
    configurations,
    kinds_of,
    lines_of,
)
from inference_energy.laws.base import Share
from inference_energy.laws.fitting import Served
from inference_energy.laws.peak import Peak
from inference_energy.laws.pooled import Pooled
from inference_energy.method.build import build, fit_suitable
from inference_energy.method.materials import tables_of
from inference_energy.tables import read_table, write_table
from repository import METHODS, PAPER_TABLE, read

HARDWARE = {name: read(f"data/{name}.csv", name) for name in ("models", "gpus")}
NODES = read("data/node_power.csv", "node_power")
AT_LOAD = read("data/throughput/at_load.csv", "throughput")
LENGTHS = 700, 400


def table_of(method):
    tables = [read(path, "throughput") for path in tables_of(method)]
    return pd.concat(tables, ignore_index=True).drop_duplicates(ignore_index=True)


@pytest.fixture(scope="module")
def many():
    method = METHODS["full-load"]
    return configurations(method, table_of(method), HARDWARE, NODES, AT_LOAD, {})


def traces():
    rows = read("data/request_lengths.csv", "request_lengths").sort_values("quantile")
    return {name: tuple(of["output_tokens"]) for name, of in rows.groupby("trace")}


def test_the_papers_method_knows_one_node_of_each_model_the_one_it_charges(paper):
    method, table = METHODS["oviedo2026"], read(PAPER_TABLE, "throughput")
    served = fit_suitable(method, table)
    found = configurations(method, table, {}, NODES, AT_LOAD, served)
    assert {each.model for each in found} == {model.name for model in paper.models}
    assert len(found) == len(paper.models)
    assert all(np.isnan(each.load) for each in found)
    of = {each.model: each for each in found}
    for model in paper.models:
        assert of[model.name].node_power == model.node_power
        assert of[model.name].law.predict(*LENGTHS) == model.law.predict(*LENGTHS)


def test_a_law_of_many_configurations_holds_the_nodes_that_the_method_charges(many):
    method = METHODS["full-load"]
    setup = build(method, table_of(method), traces(), HARDWARE)
    for model in setup.models:
        own = [each for each in many if each.law.terms() == model.law.terms()]
        assert [each.model for each in own] == [model.name]
        assert own[0].node_power == model.node_power


def test_it_knows_other_formats_and_loads_with_the_power_of_their_nodes(many):
    found = {each.key: each for each in many}
    full = found[next(key for key in found if key[:3] == ("Llama 3.1 405B", "B200", "FP4"))]
    assert np.isnan(full.load)
    assert full.node_power == NODES.set_index("gpu")["power_kw"]["B200"]
    loads = [key[3] for key in found if key[:3] == ("Llama 3.1 70B", "H200-SXM-141GB", "FP8")]
    loads = [load for load in loads if not np.isnan(load)]
    assert loads == sorted(loads)
    speeds = [found["Llama 3.1 70B", "H200-SXM-141GB", "FP8", load].law for load in loads]
    assert np.all(np.diff([law.predict(1000, 1000) for law in speeds]) > 0)


def test_a_load_is_that_of_the_whole_node():
    rows = AT_LOAD[
        (AT_LOAD["model"] == "Llama 3.1 70B")
        & (AT_LOAD["gpu"] == "B200")
        & (AT_LOAD["precision"] == "FP8")
        & (AT_LOAD["tensor_parallel"] == 2)
        & (AT_LOAD["concurrency"] == 16)
    ]
    method = METHODS["full-load"]
    found = configurations(method, table_of(method), HARDWARE, NODES, rows, {})
    (loaded,) = [each for each in found if not np.isnan(each.load)]
    assert loaded.load == 64
    measured = rows[rows["input_tokens"].eq(1024) & rows["output_tokens"].eq(1024)]
    predicted = loaded.law.predict(1024, 1024)
    assert predicted == pytest.approx(4 * measured["throughput_tps"].mean(), rel=0.3)


@pytest.mark.parametrize("column", ["pipeline_parallel", "attention_data_parallel"])
def test_gpus_of_a_copy_at_a_load_are_those_of_its_stages_and_copies(column):
    """Stages of a pipeline did not count: a node held twice the copies that fit."""
    own = {"model": "Llama 3.1 70B", "gpu": "B200", "precision": "FP8", "tensor_parallel": 2}
    chosen = (AT_LOAD[list(own)] == pd.Series(own)).all(axis=1) & AT_LOAD["concurrency"].eq(16)
    rows = AT_LOAD[chosen].assign(**{column: 2})
    method = METHODS["full-load"]
    found = configurations(method, table_of(method), HARDWARE, NODES, rows, {})
    (loaded,) = [each for each in found if not np.isnan(each.load)]
    assert loaded.load == 16 * 2


def test_a_load_whose_shapes_do_not_determine_a_law_is_left_out():
    method = METHODS["full-load"]
    rows = AT_LOAD[AT_LOAD["model"] == "Llama 3.1 70B"]
    one_shape = rows[rows["input_tokens"].eq(1024) & rows["output_tokens"].eq(1024)]
    found = configurations(method, table_of(method), HARDWARE, NODES, one_shape, {})
    assert all(np.isnan(each.load) for each in found)


def test_a_method_that_says_how_it_serves_knows_all_its_nodes_and_each_of_them():
    nodes = ["H100-SXM-80GB FP8", "B200 FP4"]
    pool = Pooled.of([Share(1.0, 1.0, Peak(100.0, 2), node) for node in nodes])
    rows = pd.DataFrame({"gpu": ["B200", "B200"], "precision": ["FP4", "FP8"]})
    served = {"Llama 3.1 405B": Served(pool, rows)}
    found = configurations(METHODS["revised"], rows, {}, NODES, AT_LOAD, served)
    of = {each.key[1:3]: each for each in found}
    assert set(of) == {(MIXED, MIXED), ("H100-SXM-80GB", "FP8"), ("B200", "FP4")}
    assert of[MIXED, MIXED].law is pool
    assert [way.node for way in of["B200", "FP4"].law.shares()] == ["B200 FP4"]
    assert len(of["B200", "FP4"].rows) == 1 and len(of["H100-SXM-80GB", "FP8"].rows) == 0


def test_models_and_nodes_that_are_not_the_methods_stand_beside_its_own():
    own, other = (
        Pooled.of([Share(1.0, 1.0, Peak(speed, 2), "B200 FP4")]) for speed in (100.0, 50.0)
    )
    rows = pd.DataFrame({"gpu": ["B200"], "precision": ["FP4"]})
    served = {"Llama 3.1 405B": Served(own, rows)}
    elsewhere = {
        ("Llama 3.1 405B", "B200", "FP4"): Served(other, rows),
        ("Llama 3.1 8B", "B200", "FP4"): Served(other, rows[:0]),
    }
    found = configurations(METHODS["revised"], rows, {}, NODES, AT_LOAD, served, elsewhere)
    of = {each.key[:3]: each for each in found}
    assert list(of) == [
        ("Llama 3.1 405B", "B200", "FP4"),
        ("Llama 3.1 405B", MIXED, MIXED),
        ("Llama 3.1 8B", "B200", "FP4"),
    ]
    assert of["Llama 3.1 405B", "B200", "FP4"].law is not other
    assert of["Llama 3.1 8B", "B200", "FP4"].node_power == 10.2


def test_kinds_are_those_of_the_coefficients_each_once():
    table = pd.DataFrame(
        {
            "model": ["a", "a", "a", "b"],
            "gpu": "B200",
            "format": ["FP4", "FP4", "FP8", "FP8"],
            "tier": ["A", "A", "B", "C"],
        }
    )
    found = kinds_of(table)
    kinds = [["a", "B200", "FP4"], ["a", "B200", "FP8"], ["b", "B200", "FP8"]]
    assert found.to_numpy().tolist() == kinds


def test_the_table_says_where_each_configuration_stands(many, tmp_path):
    path = tmp_path / "configurations.csv"
    write_table(as_table({"full-load": many}), path, "configurations")
    table = read_table(path, "configurations")
    lines = path.read_text(encoding="utf-8").splitlines()
    places = lines_of(table)
    assert len(places) == len(many)
    for each in many:
        first, last = places["full-load", *each.key[:3], float(np.nan_to_num(each.load))]
        assert last - first + 1 == len(each.law.terms()) + 1
        assert all(
            f"full-load,{each.model},{each.gpu}," in line for line in lines[first - 1 : last]
        )

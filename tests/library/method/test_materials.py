"""Tables that methods are built from."""

import pandas as pd
import pytest
from inference_energy.method.materials import (
    Materials,
    inputs_of,
    inputs_of_any,
    tables_of,
    tables_under,
)
from repository import METHODS, PAPER_TABLE


def test_a_method_needs_its_tables_and_what_its_law_and_lengths_need():
    # how large a model is tells the table of models, whatever the law, where the rows do not
    assert inputs_of(METHODS["oviedo2026"]) == {
        "throughput_tables": [PAPER_TABLE],
        "models": "data/models.csv",
    }
    revised = inputs_of(METHODS["revised"])
    assert revised == {
        "throughput_tables": tables_of(METHODS["revised"]),
        "traces": "data/request_lengths.csv",
        "models": "data/models.csv",
        "gpus": "data/gpus.csv",
        "serving_nodes": "data/nodes.csv",
        "serving_mlenergy": "data/measured/mlenergy_v3.csv",
        "serving_inferencex": "data/measured/inferencex_power.csv",
        "serving_wall_power": "data/measured/mlperf_wall_power.csv",
    }


def test_mixtures_need_the_tables_of_all():
    both = inputs_of_any([METHODS["oviedo2026"], METHODS["revised"]], ["mine.csv"])
    assert set(both["throughput_tables"]) == {
        *tables_of(METHODS["revised"]),
        PAPER_TABLE,
        "mine.csv",
    }
    assert both == inputs_of(METHODS["revised"]) | {"throughput_tables": both["throughput_tables"]}
    unserved = {key: value for key, value in METHODS["revised"].items() if key != "serving"}
    assert set(inputs_of(unserved)) == {"throughput_tables", "traces", "models", "gpus"}


def test_tables_of_overrides_are_found_at_any_depth():
    document = {"a": {"override": {"benchmarks": {"table": ["x.csv", "y.csv"]}}}, "b": 3}
    assert {path.rpartition("/")[2] for path in tables_under(document)} == {"x.csv", "y.csv"}


@pytest.mark.parametrize("table", ["a.csv", ["a.csv", "b.csv"]])
def test_rows_of_several_tables_come_once(table):
    tables = {"a.csv": pd.DataFrame({"x": [1, 2]}), "b.csv": pd.DataFrame({"x": [2, 3]})}
    given = Materials({**tables}, {"traces": {}})({"benchmarks": {"table": table}})
    expected = [1, 2] if table == "a.csv" else [1, 2, 3]
    assert given["table"]["x"].to_dict() == dict(enumerate(expected))
    assert given["traces"] == {}


def test_copies_of_a_buckets_tables_are_known_by_what_their_paths_end_in():
    tables = {n: pd.DataFrame({"x": [n]}) for n in ("copy/data/b.csv", "copy/data/a.csv", "a.csv")}
    for named, found in {"data/a.csv": "copy/data/a.csv", "a.csv": "a.csv"}.items():
        given = Materials(tables, {})({"benchmarks": {"table": named}})
        assert given["table"]["x"].tolist() == [found]
    with pytest.raises(KeyError, match=r"^'b\.csv'$"):
        Materials({"ab.csv": tables["a.csv"]}, {})({"benchmarks": {"table": "b.csv"}})

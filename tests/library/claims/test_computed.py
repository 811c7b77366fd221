"""Results that findings can ask for."""

import pandas as pd
import pytest
from inference_energy.claims.computed import (
    benchmark_lines,
    exact_results,
    law_ratios,
    listed_powers,
)
from inference_energy.method.build import build
from repository import METHODS, PAPER_TABLE, read

METHOD = METHODS["oviedo2026"]
PAPER = read(PAPER_TABLE, "throughput")


def test_the_law_is_held_against_every_row_of_a_model_it_knows():
    setup = build(METHOD, PAPER)
    rows = PAPER[PAPER["precision"] == "FP8"]
    ratios = law_ratios(setup, pd.concat([rows, rows.assign(model="unknown")]))
    assert len(ratios) == len(rows)
    exact = ratios[ratios["model"] == "DeepSeek-R1"]["value"]
    # three coefficients through three rows: nothing is missed
    assert exact.tolist() == pytest.approx([1, 1, 1])
    columns = ["model", "gpu", "tensor_parallel", "precision", "input_tokens", "output_tokens"]
    assert ratios.columns.tolist() == [*columns, "source_id", "measured", "predicted", "value"]
    assert ratios.index.tolist() == list(range(len(rows)))


def test_lines_of_tables_are_text_but_for_their_throughput():
    rows = PAPER.iloc[:2].assign(nodes=[pd.NA, 2], engine=["vLLM", "SGLang"])
    lines = benchmark_lines({"mine": rows, "other": PAPER.iloc[2:3]})
    assert lines["table"].tolist() == ["mine", "mine", "other"]
    assert lines["value"].tolist() == PAPER["throughput_tps"].iloc[:3].tolist()
    assert lines["serving_engine"].tolist()[:2] == ["vLLM", "SGLang"]
    assert lines["nodes"].tolist()[:2] == ["", "2"]
    # the engine of a line is the one that computed it, and what no row states is no key
    assert PAPER["pipeline_parallel"].isna().all()
    assert not {"engine", "pipeline_parallel"} & set(lines.columns)


def test_listed_powers_are_those_of_the_lines_that_have_one():
    lines = pd.DataFrame({"value": [1.0, 2.0], "listed_node_power_kw": ["10.2", ""]})
    (power,) = listed_powers(lines).itertuples(index=False)
    assert power.value == 10.2
    assert listed_powers(lines[["value"]]).empty


def test_selectors_can_ask_for_benchmarks_and_predictions():
    found = exact_results(METHOD, {"table": PAPER}, {}, {"vendor": PAPER})
    benchmark = found.tables["benchmark"]
    assert set(benchmark["table"]) == {"paper", "vendor"}
    assert benchmark[benchmark["row"] == "7"]["value"].tolist() == [3661.85, 3661.85]
    ratio, prediction = (found.tables[name]["value"] for name in ("law_ratio", "law_prediction"))
    measured = found.tables["law_ratio"]["measured"].astype(float)
    assert (prediction / measured).to_numpy() == pytest.approx(ratio.to_numpy(), rel=1e-5)
    assert set(found.tables["law_ratio"]["table"]) == {"paper", "vendor"}
    listed = found.tables["listed_power"]
    assert listed["value"].tolist() == 2 * PAPER["listed_node_power_kw"].dropna().tolist()


def test_results_of_a_method_that_was_not_run_are_those_of_the_exact_engine():
    published = {"estimate": {"iea": 1.7}}
    found = exact_results(METHOD, {"table": PAPER}, published)
    assert found.method == METHOD and found.published == published
    laws = found.tables.pop("throughput_laws")
    assert set(laws["model"]) == set(PAPER["model"]) & set(laws["model"]) and len(laws)
    assert set(found.tables) == {"energy_per_query", "output_tokens", "fleet"}
    for name, table in found.tables.items():
        own = read(f"results/oviedo2026/{name}.csv", name)
        own = own[own["engine"] == "exact"]
        assert set(table["engine"]) == {"exact"}
        assert table["value"].sum() == pytest.approx(own["value"].sum(), rel=1e-4), name

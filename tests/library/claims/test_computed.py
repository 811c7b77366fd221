"""Results that findings can ask for."""

import pandas as pd
import pytest
from inference_energy.claims.computed import exact_results, law_ratios
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


def test_selectors_can_ask_for_benchmarks_and_predictions():
    found = exact_results(METHOD, {"table": PAPER}, {}, {"vendor": PAPER})
    benchmark = found.tables["benchmark"]
    assert set(benchmark["table"]) == {"paper", "vendor"}
    assert benchmark[benchmark["row"] == "7"]["value"].tolist() == [3661.85, 3661.85]
    ratio, prediction = (found.tables[name]["value"] for name in ("law_ratio", "law_prediction"))
    measured = found.tables["law_ratio"]["measured"].astype(float)
    assert (prediction / measured).to_numpy() == pytest.approx(ratio.to_numpy(), rel=1e-5)

"""The page of the throughput laws says what the table of errors holds."""

from pathlib import Path

import pandas as pd
import pytest
from inference_energy.laws.page import laws_page, predicted_page
from inference_energy.laws.training import LAYOUT_AS_GIVEN
from inference_energy.tables import read_table

VALIDATION = Path(__file__).resolve().parents[3] / "results" / "validation"


def errors(law, **regions):
    """Return the errors of a law: mean by region, then P90 and bias."""
    means = [(region, "mean_absolute_error", value) for region, value in regions.items()]
    lines = [*means, ("all", "p90_absolute_error", 20.0), ("all", "bias", -0.06)]
    return pd.DataFrame(lines, columns=["region", "statistic", "value"]).assign(
        split="leave-one-out", law=law, n=7
    )


def test_the_committed_page_has_the_numbers_of_the_table():
    table = read_table(VALIDATION / "law_errors.csv", "law_errors")
    page = laws_page(table, "data/throughput/trtllm.csv").splitlines()
    committed = (VALIDATION / "throughput_laws.md").read_text(encoding="utf-8").splitlines()
    assert page[:6] == committed[:6]
    assert sorted(page[6:]) == sorted(committed[6:])


@pytest.mark.parametrize(("n", "p90"), [(4, "–"), (5, "20.0")])
def test_of_few_predictions_there_is_no_p90(n, p90):
    page = laws_page(errors("a", all=1.0).assign(n=n), "table.csv")
    assert page.endswith(f"| leave-one-out | a | {n} | 1.0 | {p90} | -0.1 |\n")


@pytest.mark.parametrize(("n", "p90"), [(4, "–"), (5, "x 1.50")])
def test_of_few_predicted_rows_there_is_no_p90(n, p90):
    row = {"measured": 100.0, "predicted": 150.0, "sigma": 0.2, "beyond": "", "committed": "no"}
    row |= {"engine": "vLLM", "class": "dense", "model": "m"}
    row |= {f"{name}{given}": 1 for name in LAYOUT_AS_GIVEN for given in ("", "_as_given")}
    page = predicted_page(pd.DataFrame([row] * n), "table.csv")
    (line,) = (line for line in page.splitlines() if line.startswith("| all |"))
    assert line.startswith(f"| all | {n} | x 1.500 | {p90} | 1.50 | 50.0 |")


def test_rows_that_are_read_as_on_all_their_nodes_are_counted():
    row = {"measured": 100.0, "predicted": 150.0, "sigma": 0.2, "beyond": "", "committed": "no"}
    row |= {"engine": "vLLM", "class": "dense", "model": "m"}
    row |= {f"{name}{given}": 8 for name in LAYOUT_AS_GIVEN for given in ("", "_as_given")}
    told = "Copies that no node of theirs holds are read as on the GPUs of all the nodes"
    assert told not in predicted_page(pd.DataFrame([row, row]), "a.csv")
    page = predicted_page(pd.DataFrame([row | {"tensor_parallel": 16}, row]), "a.csv")
    assert f"{told} that are stated, 1 of 2 rows:" in page


def test_what_is_unusual_in_the_table_stands_at_the_end():
    table = read_table(VALIDATION / "law_errors.csv", "law_errors")
    page = laws_page(table, "a.csv")
    told = "\n\n## What is unusual\n\n- a.csv: slow \\| row\n- a.csv: 2 more\n"
    unusual = ["a.csv: slow | row", "a.csv: 2 more"]
    assert laws_page(table, "a.csv", unusual=unusual) == page.rstrip("\n") + told
    row = {"measured": 100.0, "predicted": 150.0, "sigma": 0.2, "beyond": "", "committed": "no"}
    row |= {"engine": "vLLM", "class": "dense", "model": "m"}
    row |= {f"{name}{given}": 1 for name in LAYOUT_AS_GIVEN for given in ("", "_as_given")}
    page = predicted_page(pd.DataFrame([row]), "a.csv")
    assert predicted_page(pd.DataFrame([row]), "a.csv", unusual) == page.rstrip("\n") + told


def test_every_law_is_a_row_and_every_shape_a_column():
    table = pd.concat([errors("b", all=10.0, long=5.0), errors("a", all=1.0, balanced=2.5)])
    page = laws_page(table, "my|table.csv")
    assert page.startswith("# Throughput laws on my\\|table.csv\n")
    assert page.endswith(
        "| left out | law | predictions | mean error % | P90 % | bias % | balanced % | long % |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| leave-one-out | b | 7 | 10.0 | 20.0 | -0.1 |  | 5.0 |\n"
        "| leave-one-out | a | 7 | 1.0 | 20.0 | -0.1 | 2.5 |  |\n"
    )

"""The rows behind a coefficient."""

import csv

import pandas as pd
import pytest
from inference_energy.coefficients.rows import add_tiers, lines, rows_behind
from inference_energy.coefficients.table import networks
from inference_energy.laws.training import THROUGHPUT_TABLES, training_rows
from repository import ROOT, read


@pytest.fixture(scope="module")
def behind():
    return read("results/coefficients_rows.csv", "coefficients_rows")


def expand(text):
    found = []
    for part in text.split("; "):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def test_the_located_rows_are_those_of_the_fit(hardware, known, rows):
    tables = [read(path, "throughput") for path in THROUGHPUT_TABLES]
    fitted = training_rows(tables, hardware["mlenergy"], known)
    columns = ["network", "gpu", "precision", "throughput_tps", "concurrency", "source_id"]
    pd.testing.assert_frame_equal(rows[columns], fitted[columns], check_dtype=False)


def test_a_line_of_a_file_holds_the_throughput(rows):
    for path, own in rows.groupby("table"):
        with open(ROOT / path, encoding="utf-8", newline="") as file:
            cells = list(csv.DictReader(file))
        found = [float(cells[line - 2]["throughput_tps"]) for line in own["line"]]
        assert found == own["throughput_tps"].tolist()


def test_the_tier_says_how_near_the_measurements_are():
    measured = pd.DataFrame(
        {"network": ["a", "a", "b"], "gpu": ["H100", "H100", "B200"], "precision": "FP8"}
    )
    kinds = pd.DataFrame(
        {
            "network": ["a", "a", "a", "c"],
            "gpu": ["H100", "B200", "H100", "H100"],
            "precision": ["FP8", "FP8", "BF16", "FP8"],
        }
    )
    found = add_tiers(kinds, measured)
    assert found["tier"].tolist() == ["A", "B", "B", "C"]
    assert found["n_rows"].tolist() == [2, 2, 2, 0]


def test_lines_are_written_as_ranges_and_none_is_lost(behind, rows):
    assert lines([9, 2, 4, 3, 8, 12]) == "2-4; 8-9; 12"
    assert [len(expand(text)) for text in behind["lines"]] == behind["n_rows"].tolist()


def test_every_row_of_a_model_is_behind_it(known, rows, behind):
    named = networks(**known)
    again = rows_behind(named, rows)
    assert len(again) == len(behind)
    own = rows[rows["network"] == named["Llama 3.3 70B"]]
    assert behind.loc[behind["model"] == "Llama 3.3 70B", "n_rows"].sum() == len(own)


def test_the_table_counts_the_rows_that_the_second_table_names(table, behind):
    total = behind.groupby("model")["n_rows"].sum()
    same = behind.groupby(["model", "gpu", "format"])["n_rows"].sum()
    for row in table.drop_duplicates(["model", "gpu", "format"]).itertuples():
        here = same.get((row.model, row.gpu, row.format), 0)
        anywhere = total.get(row.model, 0)
        assert row.n_rows == {"A": here, "B": anywhere, "C": 0}[row.tier]
        assert {"A": here > 0, "B": here == 0 < anywhere, "C": anywhere == 0}[row.tier]

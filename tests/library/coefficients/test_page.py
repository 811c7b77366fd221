"""Page of the coefficients."""

import csv

from inference_energy.coefficients.page import page
from repository import ROOT

TEXT = (ROOT / "docs" / "coefficients.md").read_text(encoding="utf-8")


def test_the_committed_page_is_that_of_the_committed_tables(table):
    assert page(table) == TEXT


def test_the_example_follows_from_the_table_as_a_reader_would_compute_it():
    with open(ROOT / "results" / "coefficients.csv", encoding="utf-8", newline="") as file:
        (row,) = [
            row
            for row in csv.DictReader(file)
            if (row["model"], row["gpu"], row["format"], row["load"])
            == ("Llama 3.1 70B", "H100-SXM-80GB", "FP8", "64")
        ]
    energy = sum(
        float(row[f"{kind}_wh"]) * tokens
        for kind, tokens in {"input": 1200, "cached": 800, "output": 400}.items()
    )
    assert f"**{1.2 * energy / 1e6:.3f} Wh**" in TEXT
    assert f"tier {row['tier']}, {row['n_rows']} rows" in TEXT

"""The page of public evidence says what its tables say."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from inference_energy.evidence.page import page
from inference_energy.tables import read_table

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "results" / "validation"
REPORTED = "oviedo2026"


@pytest.fixture
def given():
    """Arguments of the page as the workflow makes them."""
    paths = [*(FOLDER / REPORTED).glob("*.csv"), FOLDER / "concurrency.csv"]
    paths.append(FOLDER / "blackwell.csv")
    return {
        "verdicts": {
            name: read_table(FOLDER / name / "evidence_verdicts.csv", "evidence_verdicts")
            for name in ("oviedo2025", "oviedo2026", "revised")
        },
        "tables": {path.stem: read_table(path, path.stem) for path in paths},
        "estimates": read_table(ROOT / "data/published/estimates.csv", "estimates"),
        "settings": yaml.safe_load((ROOT / "config/evidence.yaml").read_text(encoding="utf-8")),
        "reported": REPORTED,
    }


def test_the_committed_page_is_that_of_the_committed_tables(given):
    assert page(**given) == (ROOT / "docs/evidence.md").read_text(encoding="utf-8")


def test_a_method_without_a_verdict_has_an_empty_cell(given):
    first = given["verdicts"]["revised"]
    given["verdicts"]["revised"] = first[first["question"] != "blackwell"]
    rows = page(**given).partition("throughput of H100?\n\n|")[2].splitlines()
    assert rows[2].endswith("| does not hold | does not hold |  |")


def test_statements_without_evidence_are_left_out(given):
    for name, table in given["verdicts"].items():
        given["verdicts"][name] = table[table["question"] != "blackwell"]
    text = page(**given)
    assert "Has Blackwell" not in text
    assert text.count("### ") == 6


def test_what_was_not_measured_stays_empty_and_data_cannot_break_a_table(given):
    given["tables"]["blackwell"]["energy_ratio"] = np.nan
    given["tables"]["coverage"]["set"] = "a|b<i>"
    text = page(**given)
    assert "| mlenergy-v3 | 104 | 0.307 | 1.35 | 2.08 |  |" in text
    rows = [row for row in text.splitlines() if row.startswith(r"| a\|b\<i\> |")]
    assert len(rows) == len(given["tables"]["coverage"])
    assert {row.replace(r"\|", "").count("|") for row in rows} == {9}


def test_lengths_are_shown_beside_the_regime_that_they_belong_to(given):
    rows = page(**given).partition("## Output lengths")[2].splitlines()
    shown = {tuple(row.split(" | ")[:2]) for row in rows if row.startswith(("| trad", "| long"))}
    assert shown == {("| traditional", "trace"), ("| traditional", "chat"), ("| long", "gpqa")}

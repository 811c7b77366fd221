"""`snakemake laws --config benchmarks=PATH`: a user's table is predicted, or refused in words."""

from pathlib import Path

import pandas as pd
import pytest
from inference_energy.tables import read_table
from processes import snakemake
from repository import copy_to

FOLDER = Path("build", "laws", "mine")
PAGES = ("predicted.csv", "predicted.md", "throughput_laws.md", "law_errors.csv")
ROW = {
    "model": "llama-3.1-70b",
    "gpu": "h100",
    "tensor_parallel": 8,
    "precision": "FP8",
    "input_tokens": 1000,
    "output_tokens": 500,
    "throughput_tps": 1500,
    "source_id": "mine",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_to(tmp_path_factory.mktemp("project"))


def ask(project, change, target="laws"):
    """Run the rule on one row; return code and everything on the screen."""
    pd.DataFrame([ROW | change]).to_csv(project / "mine.csv", index=False)
    done = snakemake(project, target, "--config", "benchmarks=mine.csv")
    return done.returncode, done.stdout


def test_nothing_is_left_of_an_earlier_table_once_one_of_its_name_is_refused(project):
    (project / FOLDER).mkdir(parents=True)
    for name in PAGES:
        (project / FOLDER / name).write_text("of an earlier table\n", encoding="utf-8")
    code, text = ask(project, {"tensor_parallel": 3})
    assert code != 0
    assert 'mine.csv, line 2, column "tensor_parallel": value "3"; allowed are 1, 2, 4, 8' in text
    assert "Traceback" not in text
    assert list((project / FOLDER).glob("*")) == []


def test_a_row_without_the_columns_that_may_be_missing_is_predicted(project):
    code, text = ask(project, {}, str(FOLDER / "predicted.csv"))
    assert code == 0, text
    (row,) = read_table(project / FOLDER / "predicted.csv", "load_predictions").to_dict("records")
    assert row["p5"] < row["predicted"] < row["p95"]
    assert row["beyond"] == "engine"

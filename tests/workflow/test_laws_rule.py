"""`snakemake laws --config benchmarks=PATH`: a user's table is predicted, or refused in words."""

import os
import re
import signal
from pathlib import Path

import pandas as pd
import pytest
from inference_energy import stopping
from inference_energy.tables import read_table
from processes import git, interrupted, snakemake
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


def ask(project, *changes, target="laws"):
    """Run the rule on ROW, changed in turn; return code and everything on the screen."""
    pd.DataFrame([ROW | change for change in changes]).to_csv(project / "mine.csv", index=False)
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
    code, text = ask(project, {}, target=str(FOLDER / "predicted.csv"))
    assert code == 0, text
    (row,) = read_table(project / FOLDER / "predicted.csv", "load_predictions").to_dict("records")
    assert row["p5"] < row["predicted"] < row["p95"]
    assert row["beyond"] == "engine"


def test_of_one_row_the_prediction_is_said_and_that_nothing_could_be_left_out(project):
    code, text = ask(project, {})
    assert code == 0, text
    predicted = (project / FOLDER / "predicted.md").read_text(encoding="utf-8")
    assert "| model Llama 3.1 70B | 1 |" in predicted
    page = (project / FOLDER / "throughput_laws.md").read_text(encoding="utf-8")
    for answer in (text, page):
        assert "Nothing was left out: " in answer
        assert "| left out |" not in answer
    assert read_table(project / FOLDER / "law_errors.csv", "law_errors").empty


def test_a_row_far_from_others_of_its_model_and_hardware_is_told_and_kept(project):
    """As of a method with that table; the page of predictions said nothing of it."""
    lengths = [{"input_tokens": tokens} for tokens in (500, 1000, 2000, 3000)]
    slow = {"throughput_tps": 7.5, "locator": "figure 5", "concurrency": 1}
    code, text = ask(project, *lengths, slow, target=str(FOLDER / "predicted.md"))
    assert code == 0, text
    page = (project / FOLDER / "predicted.md").read_text(encoding="utf-8")
    told = "- mine.csv, line 6: Llama 3.1 70B on 8 x H100-SXM-80GB, 1000/500 tokens"
    for answer in (text, page):
        assert "## What is unusual" in answer and told in answer
    assert "What is unusual" not in ask(project, *lengths, target=str(FOLDER / "predicted.md"))[1]


def test_a_row_without_a_length_is_left_out_and_told(project):
    """As of the paper's own table, of which three rows of 25 state no input."""
    lengths = [{"input_tokens": tokens} for tokens in (500, None, 2000)]
    code, text = ask(project, *lengths)
    assert code == 0, text
    told = 'ine 3, column "input_tokens": value "": left out, as a throughput is predicted'
    pages = (project / FOLDER / f"{name}.md" for name in ("predicted", "throughput_laws"))
    for answer in (text, *(page.read_text(encoding="utf-8") for page in pages)):
        assert told in answer
    predicted = read_table(project / FOLDER / "predicted.csv", "load_predictions")
    assert list(predicted["input_tokens"]) == [500, 2000]


def test_another_table_of_the_name_is_predicted_though_it_is_older(project):
    """Such as one that is unpacked over it: its time is that of its content."""
    for tokens, name in ((500, "first"), (700, "second")):
        table = pd.DataFrame([ROW | {"output_tokens": tokens, "locator": name}])
        table.to_csv(project / "mine.csv", index=False)
        os.utime(project / "mine.csv", (0, 0))
        config = ("--config", "benchmarks=mine.csv")
        done = snakemake(project, str(FOLDER / "predicted.csv"), *config)
        assert done.returncode == 0, done.stdout
        predicted = read_table(project / FOLDER / "predicted.csv", "load_predictions")
        assert list(predicted["locator"]) == [name]


def test_measurements_that_differ_beyond_the_digits_of_the_answer_are_both_predicted(project):
    again = [{"throughput_tps": 1283.5558840015733}, {"throughput_tps": 1283.560124478069}]
    lengths = [{"input_tokens": 128, "output_tokens": tokens} for tokens in (128, 1024)]
    code, text = ask(project, *(length | change for length in lengths for change in again))
    assert code == 0, text
    predicted = read_table(project / FOLDER / "predicted.csv", "load_predictions")
    assert list(predicted["line"]) == [2, 3, 4, 5]


def test_names_of_one_model_gpu_and_engine_count_as_one(project):
    """Else a model is predicted from itself, under its other name, where it is left out."""
    names = [
        {"model": "llama-3.1-70b", "gpu": "h100", "engine": "vllm"},
        {"model": "meta-llama/Llama-3.1-70B-Instruct", "gpu": "H100-SXM-80GB", "engine": "vLLM"},
    ]
    lengths = [{"output_tokens": tokens} for tokens in (500, 900)]
    code, text = ask(project, *(name | length for name in names for length in lengths))
    assert code == 0, text
    errors = read_table(project / FOLDER / "law_errors.csv", "law_errors")
    assert set(errors["split"]) == {"leave-one-shape-out"}
    assert "| model Llama 3.1 70B | 4 |" in text
    predicted = read_table(project / FOLDER / "predicted.csv", "load_predictions")
    for column in ("model", "gpu", "engine"):
        assert list(predicted[column].unique()) == [name[column] for name in names]


@pytest.mark.parametrize("alone", [False, True])
def test_where_it_is_stopped_while_it_imports_it_says_so_without_a_traceback(project, alone):
    """A run of few steps ended in that of pandas, as a job imports it before it can be quiet."""
    code, said = interrupted(project, signal.SIGINT, alone, "[1 of", "laws", "--force")
    assert code
    assert "Traceback" not in said and "Failed" not in said
    steps = int(re.search(r"\[1 of (\d+)", said)[1])
    # on a busy machine the step may have ended before the signal came
    assert said.splitlines()[-1] in [stopping.words(n, steps, "--force") for n in (0, 1)]
    assert git(project, "status", "--porcelain", "--untracked-files=no", "data", "config") == ""

"""Requests of more tokens than their model can hold are told, and far beyond it refused."""

import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import contexts
from inference_energy.requests.contexts import ANY
from inference_energy.requests.formats import LogColumns
from inference_energy.requests.log import Log
from repository import read, read_yaml

HEADER = "model,input_tokens,output_tokens"
PLAIN = read_yaml("config/requests.yaml")["formats"]["plain"]
R1, SCOUT = 163_840, 10_485_760
"""Contexts of DeepSeek-R1, and of Llama 4 Scout, the largest of data/models.csv. [tokens]"""


@pytest.fixture(scope="module")
def models():
    """data/models.csv."""
    return read("data/models.csv", "models")


def log(path, *rows, header=HEADER):
    """Write a table of these rows."""
    path.write_text("\n".join([header, *rows, ""]))
    return path


def over(tables):
    """Rows of the kind, and the numbers of its examples."""
    kinds, found = tables["kinds"].set_index("kind")["n"], tables["examples"]
    return kinds.get("over context", 0), sorted(found[found["kind"] == "over context"]["row"])


@pytest.mark.parametrize("name", ["DeepSeek-R1", " deepseek-ai/DeepSeek-R1 ", "dsr1", "ours"])
def test_a_request_longer_than_its_context_is_told_and_counts(tmp_path, count, models, name):
    rows = [f"{name},{R1 - 100},{100 + n}" for n in range(3)]
    form = PLAIN | {"models": {"ours": "DeepSeek-R1"}}
    tables = count(log(tmp_path / "log.csv", *rows), form=form, models=models)
    assert over(tables) == (2, [1, 2]) and tables["lengths"]["n"].sum() == 3


def test_rows_of_no_known_model_are_held_against_the_largest_context(tmp_path, count, models):
    half = SCOUT // 2
    rows = [f"{name},{half},{half + n}" for name in ("ours", "") for n in range(2)]
    assert over(count(log(tmp_path / "log.csv", *rows), models=models)) == (2, [1, 3])


def test_a_row_of_no_known_model_can_be_refused_too(tmp_path, count, models, monkeypatch):
    monkeypatch.setattr(contexts, "LONGEST", 1.5)
    path = log(tmp_path / "log.csv", f"ours,{3 * SCOUT // 4},{3 * SCOUT // 4 + 1}")
    with pytest.raises(InputError, match=f"1.5 times the longest context of {ANY}, {SCOUT} tok"):
        count(path, models=models)


def test_far_beyond_its_context_a_log_is_refused_by_row_and_values(tmp_path, count, models):
    rows = [f"DeepSeek-R1,{tokens},0" for tokens in (100, 4 * R1, 4 * R1 + 1, *[10**6] * 5)]
    path = log(tmp_path / "log.csv", *rows)
    with pytest.raises(InputError) as refused:
        count(path, models=models)
    first, *others = refused.value.problems
    assert first == (
        f"{path}, row 4: columns of input and output tokens: values 655361 and 0, read of"
        " input_tokens as input and output_tokens as output tokens: together are 4"
        " times the longest context of DeepSeek-R1, 163840 tokens (context_tokens of"
        " data/models.csv); allowed is at most 4 times; write tokens of each request alone: not in"
        " another unit, nor what a counter has added up so far, of which each row is the difference"
        " to the one before; or name the columns of the tokens by another format (format=NAME or a"
        " file of your own)"
    )
    assert len(others) == 2 and "row 5" in others[0]
    assert over(count(log(tmp_path / "few.csv", *rows[:2]), models=models)) == (1, [1])


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (
            "prompt",
            "prompt as input and answer as output tokens, by the format ours.yaml: ",
        ),
        ({"first": ["tokens", "prompt"]}, "read of prompt as input and answer"),
        (["usage", "prompt"], "read of usage.prompt as input and answer"),
        ({"first": [{"attribute": "a.b"}, "usage"]}, "read of usage as input and answer"),
    ],
)
def test_a_refusal_names_the_format_and_which_columns_it_took(models, column, words):
    known = LogColumns({"prompt": "BIGINT", "usage": "JSON", "answer": "BIGINT"})
    form = {"source": "", "time": "s", "columns": {"input": column, "output": "answer"}}
    read = contexts.read_as(Log((), "csv", form, "ours.yaml"), known)
    assert words in f"read of {read}: together"


def test_of_a_row_of_many_requests_the_mean_is_held(tmp_path, count, models):
    rows = pd.DataFrame({"n": [100, 100], "prompt": [100 * R1, 100 * R1 + 1], "answer": [0, 100]})
    rows.assign(model="DeepSeek-R1").to_parquet(tmp_path / "log.parquet")
    columns = {"model": "model", "requests": "n", "input": "prompt", "output": "answer"}
    form = {"source": "", "time": "s", "columns": columns}
    tables = count(tmp_path / "log.parquet", form=form, models=models)
    assert over(tables) == (1, [1])


def test_rows_that_do_not_count_are_held_against_nothing(tmp_path, count, models):
    path = log(tmp_path / "log.csv", f"DeepSeek-R1,{10**8},1", "DeepSeek-R1,100,100")
    assert over(count(path, models=models)) == (0, [])


def test_rows_of_no_known_model_are_held_against_the_deployments(tmp_path, count, models):
    path = log(tmp_path / "log.csv", f"ours,{2 * R1},9", f",{2 * R1},7", f"DeepSeek-R1,{R1},9")
    path.write_text(path.read_text() + "ours,100,100\n")
    lengths = count(path, models=models)["lengths"]

    def over_served(model, **names):
        form = PLAIN | {"models": names}
        return contexts.over_served(lengths, model, Log((str(path),), "csv", form), models)

    assert over_served("DeepSeek-R1") == 2
    assert over_served("DeepSeek-R1", ours="DeepSeek-R1") == 1
    assert over_served("Llama 4 Scout") == over_served("a model of our own") == 0


def test_far_beyond_the_deployments_context_a_log_is_refused(tmp_path, count, models):
    path = log(tmp_path / "log.csv", f",{5 * R1},7", f",{6 * R1},8", ",100,100")
    lengths = count(path, models=models)["lengths"]
    with pytest.raises(InputError) as refused:
        contexts.over_served(lengths, "DeepSeek-R1", Log((str(path),), "csv", PLAIN, "a"), models)
    (told,) = refused.value.problems
    assert f"2 requests of no known model, the longest of {6 * R1} and 8 tokens, read of" in told
    assert "read of input_tokens as input and output_tokens as output tokens, by the format" in told
    assert "more than 4 times the context of the deployment's model DeepSeek-R1, 163840" in told
    assert "allowed is at most 4 times" in told
    # the counts name the rows of what no model at all can hold
    beyond = log(tmp_path / "beyond.csv", f",{SCOUT},7")
    lengths = count(beyond, models=models)["lengths"]
    own = Log((str(beyond),), "csv", PLAIN)
    assert contexts.over_served(lengths, "DeepSeek-R1", own, models) == 0

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.peers.score import FURTHEST, check_answers, load_range, long_form, scores
from repository import read

ROWS = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "architecture": ["dense", "moe", "moe"],
        "source_id": ["x", "x", "y"],
        "concurrency": [4.2, 16, 300],
        "throughput_tps": [100.0, 200, 400],
        "energy_per_token_j": [1.0, np.nan, np.nan],
    }
)


def made(values, **variant):
    """Predicted throughput of the runs, in long form."""
    table = pd.DataFrame({"id": list(values), "throughput_tps": list(values.values())})
    return long_form(table.assign(energy_per_token_j=np.nan), **variant)


@pytest.fixture
def scored():
    parts = [
        made({"a": 50, "b": 200, "c": 800}, predictor="p", told="everything", left_out="nothing"),
        made({"a": 100, "b": 1000}, predictor="law", told="everything", left_out="model"),
        made({"a": 900}, predictor="method", told="everything", left_out="nothing"),
        made({"b": 900}, predictor="method", told="lengths", left_out="nothing"),
        made({"a": 10, "c": 10}, predictor="p", told="nothing", left_out="nothing"),
    ]
    return scores(ROWS, pd.concat(parts), ["method"])


def line(scored, **where):
    """The one line of a table that has these values."""
    found = scored
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_factor_counts_both_ways_and_bias_does_not(scored):
    found = line(scored, predictor="p", told="everything", rows="answered", by="all")
    assert found["n"] == 3
    assert found["median_factor"] == pytest.approx(2)
    assert found["bias"] == pytest.approx(1)
    assert found["within_two"] == 1


def test_a_line_is_that_of_its_runs_by_hand(scored):
    keys = ["quantity", "rows", "by", "part", "predictor", "told", "left_out"]
    assert list(scored) == [*keys, "n", "median_factor", "p90_factor", "within_two", "bias"]
    assert dict(line(scored, predictor="law", rows="answered", by="all")) == {
        "quantity": "throughput",
        "rows": "answered",
        "by": "all",
        "part": "all",
        "predictor": "law",
        "told": "everything",
        "left_out": "model",
        "n": 2,
        # one is as measured, the other five times that
        "median_factor": pytest.approx(5**0.5),
        "p90_factor": pytest.approx(5**0.9),
        "within_two": 0.5,
        "bias": pytest.approx(5**0.5),
    }
    low = line(scored, predictor="p", told="nothing", rows="answered", by="source", part="y")
    assert (low["n"], low["median_factor"], low["within_two"]) == (1, pytest.approx(40), 0)
    assert low["bias"] == pytest.approx(1 / 40)


def test_predictions_are_one_line_for_each_run_and_quantity():
    table = pd.DataFrame(
        {"id": ["a", "b"], "throughput_tps": [5, None], "energy_per_token_j": ["2", 3]}
    )
    found = long_form(table, predictor="p", told="nothing")
    assert found.to_dict("list") == {
        "id": ["a", "b", "a"],
        "quantity": ["energy_per_token_j", "energy_per_token_j", "throughput_tps"],
        "predicted": [2.0, 3.0, 5.0],
        "predictor": ["p"] * 3,
        "told": ["nothing"] * 3,
    }


def test_predictors_are_scored_in_the_order_of_their_predictions(scored):
    found = scored[(scored["rows"] == "answered") & (scored["by"] == "all")]
    told = [("p", "everything"), ("law", "everything"), ("method", "everything")]
    told += [("method", "lengths"), ("p", "nothing")]
    assert list(zip(found["predictor"], found["told"], strict=True)) == told


def test_quantities_are_scored_in_the_order_of_their_predictions():
    asked = {"predictor": "p", "told": "everything", "left_out": "nothing"}
    table = pd.DataFrame({"id": ["a"], "throughput_tps": [np.nan], "energy_per_token_j": [3.0]})
    parts = [made({"a": 50}, **asked), long_form(table, **asked)]
    found = scores(ROWS, pd.concat(parts), [])
    assert list(dict.fromkeys(found["quantity"])) == ["throughput", "energy per token"]
    assert set(found.loc[found["quantity"] == "energy per token", "bias"].round(9)) == {3.0}


def test_shared_runs_are_those_that_all_told_answer(scored):
    found = scored[(scored["rows"] == "shared") & (scored["by"] == "all")]
    counts = found.set_index(["predictor", "told"])["n"].to_dict()
    # the method and what was asked as shipped do not decide which runs are shared
    assert counts == {
        ("p", "everything"): 2,
        ("law", "everything"): 2,
        ("method", "everything"): 1,
        ("method", "lengths"): 1,
        ("p", "nothing"): 1,
    }
    found = scored[(scored["rows"] == "shared with the methods") & (scored["by"] == "all")]
    assert set(found["n"]) == {1}


def test_parts_are_of_class_load_and_source(scored):
    parts = scored[(scored["predictor"] == "p") & (scored["rows"] == "answered")]
    parts = parts[parts["told"] == "everything"].groupby("by")["part"].agg(set)
    assert parts["class"] == {"dense", "moe"}
    assert parts["load"] == {"1-4", "5-16", "above 256"}
    assert parts["source"] == {"x", "y"}


def test_ranges_of_load_have_their_upper_ends():
    found = load_range(pd.Series([1, 4, 5, 64, 64.6, 256, 257]))
    assert list(found) == ["1-4", "1-4", "5-16", "17-64", "65-256", "65-256", "above 256"]


def test_what_was_not_measured_is_not_scored():
    table = pd.DataFrame({"id": ["b"], "throughput_tps": [1.0], "energy_per_token_j": [1.0]})
    predictions = long_form(table, predictor="p", told="everything", left_out="nothing")
    assert set(scores(ROWS, predictions, [])["quantity"]) == {"throughput"}


@pytest.fixture(scope="module")
def answers():
    """data/published/peers.csv."""
    return read("data/published/peers.csv", "peer_answers")


def test_the_answers_that_are_there_are_no_further_off_than_any(runs, answers):
    check_answers(runs, answers, "peers.csv")


@pytest.mark.parametrize("column", ["throughput_tps", "energy_per_token_j"])
@pytest.mark.parametrize("factor", [1e-3, 1e3, 60, 3600, 1 / 8])
def test_answers_in_another_unit_are_refused(runs, answers, column, factor):
    if (column, factor) == ("energy_per_token_j", 1 / 8):
        factor = 1 / 60
    with pytest.raises(InputError, match=f'column "{column}": value .* was measured; allowed are'):
        check_answers(runs, answers.assign(**{column: answers[column] * factor}), "peers.csv")


def test_an_answer_that_is_too_far_off_is_told_by_its_run():
    answers = pd.DataFrame({"id": ["a", "b", "c", "d"], "predictor": "p", "told": "nothing"})
    of = [100 * FURTHEST, 200 / FURTHEST - 0.1, 400 * FURTHEST + 1, 1e9]
    answers = answers.assign(throughput_tps=of, energy_per_token_j=[1 / FURTHEST, 9, 9, 9])
    with pytest.raises(InputError) as refused:
        check_answers(ROWS, answers, "t.csv")
    assert refused.value.problems == [
        't.csv, id b, p told nothing, column "throughput_tps": value 3.9 where 200 was measured;'
        " allowed are answers 50 times off at most, as none of the packages is further off than 37"
        " times; 1 more rows are so; correct the unit"
    ]

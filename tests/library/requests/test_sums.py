"""Rows that are computed over others are refused, and requests that look a little so are not."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import sums

HEADER = "start,model,tenant,id,input_tokens,output_tokens"
ROWS = [f"2025-01-01 10:00:0{n},m,t,{n},{100 * n},{10 * n + 1}" for n in range(1, 4)]


def log(path, *rows, header=HEADER):
    """Write a table of these rows."""
    path.write_text("\n".join([header, *rows, ""]))
    return path


@pytest.mark.parametrize(
    "last",
    [
        "Total,,,,600,63",
        ",,,,600,63",
        "2025-01-02,m,t,,600,63",
        "2025-01-02,m,Grand total,9,600,63",
        ",TOTAL,,,1,2",
        ",,Sum:,,1,2",
        ",,,** all **,1,2",
        ",average,,,200,21",
    ],
)
def test_a_row_of_sums_is_refused(tmp_path, count, last):
    with pytest.raises(InputError) as told:
        count(log(tmp_path / "log.csv", *ROWS, last))
    (problem,) = told.value.problems
    assert problem.startswith(f"{tmp_path}/log.csv, row 5: column")
    assert problem.endswith("take the row out")
    assert "value" in problem


@pytest.mark.parametrize(
    "last",
    [
        # told as any request is
        "2025-01-02,m,t,9,600,63",
        # of another sum
        "soon,,,,600,64",
        ",,,,1,2",
        # a customer's name, and a word within a name
        "2025-01-02,m,Total,9,1,2",
        ",summary,total-energies,a1,600,64",
    ],
)
def test_a_request_is_none(tmp_path, count, last):
    assert count(log(tmp_path / "log.csv", *ROWS, last))["lengths"]["n"].sum() == 4


@pytest.mark.parametrize("place", [0, 1, 2])
def test_sums_stand_anywhere_and_in_a_log_of_tokens_alone(tmp_path, count, place):
    rows = ["5,7", "6,8"]
    rows.insert(place, "11,15")
    path = log(tmp_path / "log.csv", *rows, header="input_tokens,output_tokens")
    with pytest.raises(InputError, match=rf"row {place + 2}: .* 11 and 15 are the sums"):
        count(path)


def test_two_requests_that_are_alike_are_no_sum(tmp_path, count):
    for rows in (["5,7", "5,7"], ["5,7", "0,0", "5,7"], ["5,7", "5,7", "10,14", "10,14"]):
        path = log(tmp_path / "log.csv", *rows, header="input_tokens,output_tokens")
        assert count(path)["lengths"]["n"].sum() == len(rows)


def test_the_sum_of_one_request_has_a_name(tmp_path, count):
    with pytest.raises(InputError, match="row 3"):
        count(log(tmp_path / "log.csv", ROWS[0], "2025-01-01,m,total,,100,11"))


def test_sums_beyond_any_context_are_told_as_absurd(tmp_path, count, kinds):
    path = log(tmp_path / "log.csv", *ROWS, ",m,t,8,9999999,5", ",,,,10000599,68")
    assert kinds(count(path))["absurd"] == 1


def test_sums_of_usage_are_refused(tmp_path, count):
    header = "start_time,model,input_tokens,output_tokens,num_model_requests"
    rows = ["1735689600,m,90000000,500,10", "1735689700,m,80000000,700,20", ",,170000000,1200,30"]
    with pytest.raises(InputError, match="row 4"):
        count(log(tmp_path / "log.csv", *rows, header=header))


def test_several_rows_are_told_at_once_and_of_many_some(tmp_path, count):
    rows = [f",total,,{n},1,{n}" for n in range(5)]
    with pytest.raises(InputError) as told:
        count(log(tmp_path / "log.csv", *ROWS, *rows))
    assert len(told.value.problems) == sums.MOST_TOLD


def test_rows_of_other_kinds_are_counted_from_one(tmp_path, count):
    rows = pd.DataFrame({"id": ["a", "b", "total"], "input_tokens": 1, "output_tokens": 2})
    rows.to_json(tmp_path / "log.jsonl", orient="records", lines=True)
    rows.to_parquet(tmp_path / "log.parquet")
    for name in ("log.jsonl", "log.parquet"):
        with pytest.raises(InputError, match=rf"{name}, row 3: column id: value 'total'"):
            count(tmp_path / name)


def with_subtotals(rows, every, name):
    """Rows of input and output tokens, each so many followed by their sum under a name."""
    written = []
    for first in range(0, len(rows), every):
        some = rows[first : first + every]
        written += [f"2025-01-01,m,t,,{one},{two}" for one, two in some]
        written.append(f"{name},{sum(one for one, _ in some)},{sum(two for _, two in some)}")
    return written


@pytest.mark.parametrize("name", [",,,", ",Zwischensumme,,", "2025-01-01,m,t,"])
def test_sums_of_the_rows_above_are_refused_whatever_their_names(tmp_path, count, name):
    rows = [(100 + 7 * n % 13, 10 + n) for n in range(12)]
    with pytest.raises(InputError) as told:
        count(log(tmp_path / "log.csv", *with_subtotals(rows, 4, name)))
    problems = told.value.problems
    assert [problem.split(":")[0].split()[-1] for problem in problems] == ["6", "11", "16"]
    assert all("are the sums of the rows above since the last such row" in one for one in problems)


def test_one_sum_of_some_rows_above_and_small_ones_are_requests(tmp_path, count):
    rows = [(5, 7), (6, 8), (9, 1), (20, 16), (3, 4), (4, 5), (7, 9), (1, 1)]
    path = log(tmp_path / "log.csv", *[f"2025-01-01,m,t,,{one},{two}" for one, two in rows])
    assert count(path)["lengths"]["n"].sum() == len(rows)
    path = log(tmp_path / "same.csv", *["2025-01-01,m,t,,0,0"] * 9)
    assert count(path)["lengths"]["n"].sum() == 9


def test_random_requests_of_a_few_tokens_are_no_sums(tmp_path, count):
    random = np.random.default_rng(3)
    for number in range(20):
        rows = [f"{one},{two}" for one, two in random.integers(1, 9, (200, 2))]
        path = log(tmp_path / f"{number}.csv", *rows, header="input_tokens,output_tokens")
        assert count(path)["lengths"]["n"].sum() == len(rows)

"""Tokens of a counter are told from those of requests, and requests are never taken for one."""

import json

import numpy as np
import pandas as pd
import pytest
from inference_energy.requests import answers
from inference_energy.requests.counters import is_counter, of_counters
from inference_energy.requests.counts import RUNNING_TOTAL

N = 400


@pytest.fixture
def told(tmp_path, count):
    """Rows of a log that are told to be of a counter, and the numbers of the first, from 1."""

    def counted(rows, name="log.parquet", parts=1, keep=False):
        path = tmp_path / name
        if path.suffix == ".parquet":
            rows.to_parquet(path)
        elif not keep:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows.to_dict("records")))
        tables = count(tmp_path / name.split("/")[0], parts)
        kinds = answers.kinds(tables["kinds"], tables["rises"])
        files = sorted(set(tables["examples"]["file"]))
        examples = answers.examples(tables["examples"], files, kinds)
        own = examples[examples["kind"] == RUNNING_TOTAL]["row"]
        return kinds.set_index("kind").loc[RUNNING_TOTAL, "rows"], own.tolist()

    return counted


@pytest.fixture
def lengths():
    """Requests by themselves, one after the other."""
    random = np.random.default_rng(5)
    start = pd.to_datetime("2025-01-01") + pd.to_timedelta(60 * np.arange(N), "s")
    tokens = {name: random.lognormal(5, 1, N).astype(int) + 1 for name in ("in", "out")}
    return pd.DataFrame(
        {"start": start, "input_tokens": tokens["in"], "output_tokens": tokens["out"]}
    )


def totals(rows, key=None):
    """The rows with the output tokens of a counter, of all or of each of ``key``."""
    by = rows.groupby(key)["output_tokens"] if key else rows["output_tokens"]
    return rows.assign(output_tokens=by.cumsum())


def test_requests_by_themselves_are_of_no_counter(told, lengths):
    assert told(lengths) == (0, [])
    # a conversation has all before as its input
    assert told(lengths.assign(input_tokens=lengths["input_tokens"].cumsum())) == (0, [])
    assert told(lengths.assign(output_tokens=300)) == (0, [])
    assert told(lengths[:1]) == (0, [])


def test_a_counter_of_the_whole_log_is_told_with_its_first_rows(told, lengths):
    assert told(totals(lengths)) == (N - 1, [2, 3, 4])
    assert told(totals(lengths).drop(columns="start")) == (N - 1, [2, 3, 4])
    assert told(totals(lengths).drop(columns="start"), "log.jsonl") == (N - 1, [2, 3, 4])
    assert told(totals(lengths[:11])) == (10, [2, 3, 4])
    assert told(totals(lengths[:10])) == (0, [])


def test_rows_follow_each_other_by_their_times(told, lengths):
    mixed = totals(lengths).sample(frac=1, random_state=3)
    assert told(mixed)[0] == N - 1
    assert told(mixed.drop(columns="start")) == (0, [])
    # sorted by length, which the times tell
    assert told(lengths.sort_values("output_tokens")) == (0, [])


@pytest.mark.parametrize("key", ["session", "tenant", "model"])
def test_counters_within_sessions_tenants_or_models_are_told(told, lengths, key):
    mixed = lengths.assign(**{key: [f"one {n % 40}" for n in range(N)]})
    assert told(mixed) == (0, [])
    assert told(totals(mixed, key))[0] == N - 40
    assert told(totals(mixed, key).rename(columns={"session": "conversation_id"}))[0] == N - 40


def test_sessions_that_follow_each_other_are_told_without_their_names(told, lengths):
    after = lengths.assign(own=np.arange(N) // 10)
    assert told(totals(after, "own").drop(columns="own"))[0] >= N - 40
    short = lengths.assign(own=np.arange(N) // 2)
    assert told(totals(short, "own").drop(columns="own")) == (0, [])


def test_answers_to_one_prompt_that_end_in_order_are_of_no_counter(told, lengths):
    """Of 3,200 answers, eight to a prompt, 2,591 were said to be above the row before."""
    again = lengths.assign(
        start=lengths["start"].to_numpy()[np.arange(N) // 8 * 8],
        input_tokens=lengths["input_tokens"].to_numpy()[np.arange(N) // 8 * 8],
    )
    again["end"] = again["start"] + pd.to_timedelta(0.01 * again["output_tokens"], "s")
    assert told(again) == (0, [])
    # of other inputs the order of ends is one of rows
    assert told(again.assign(input_tokens=lengths["input_tokens"]))[0] > 0


def test_many_rows_that_are_sorted_are_of_no_counter(told, lengths):
    rows = lengths.drop(columns="start").sort_values("output_tokens")
    assert told(pd.concat([rows] * 2).sort_values("output_tokens")) == (0, [])


def test_a_log_in_many_files_is_told_whatever_its_parts(told, lengths, tmp_path):
    (tmp_path / "log").mkdir()
    rows = totals(lengths)
    for n in range(50):
        rows[8 * n : 8 * n + 8].to_parquet(tmp_path / "log" / f"{n:02}.parquet")
    last = rows[:0]
    found = {parts: told(last, "log/none.parquet", parts) for parts in (1, 3)}
    assert found[1] == found[3] == (7 * 50, [])


def test_what_a_counter_is_by_hand():
    # 10 of 10 rise: 5 above the mean, and one deviation is sqrt(12 / 12)
    assert is_counter(10, 0, 10, 1) and not is_counter(9, 0, 9, 1)
    # sessions of two: n / 2 above the mean, and one deviation is sqrt(3 n / 12)
    assert is_counter(25, 0, 25, 25) and not is_counter(24, 0, 24, 24)
    assert is_counter(80, 20, 40, 1) and not is_counter(79, 21, 79, 1)
    assert not is_counter(80, 20, 39, 1)
    assert not is_counter(0, 0, 0, 0)
    assert of_counters({"model": (10, 0, 10, 1), "log": (99, 0, 99, 1)}) == 10
    assert of_counters({"session": (5, 5, 5, 1), "log": (99, 0, 99, 1)}) == 99
    assert of_counters({"log": (1, 1, 1, 1)}) == 0

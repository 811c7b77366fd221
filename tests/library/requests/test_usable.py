"""A log of which too much cannot be read is refused, and what is lost of it is told."""

import json

import numpy as np
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import usable
from inference_energy.requests.counts import RATES

TIMED = "start,end,input_tokens,output_tokens"
GOOD = "2026-03-01T00:00:00.403Z,2026-03-01T00:00:07.053Z,100,300"


@pytest.fixture
def counted(tmp_path, count):
    """Count a table of these rows; return what is refused of it, and its rows by kind."""

    def found(*rows, header=TIMED, name="log.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows, ""] if header else rows))
        tables = count(path)
        kinds = usable.rows_of(tables["kinds"])
        asked = tables["kinds"], tables["examples"], lambda file, of: of
        told = []
        for refuse in (usable.refuse_lost, usable.refuse_untimed):
            try:
                refuse(*asked)
                told.append([])
            except InputError as error:
                told.append(error.problems)
        return *told, kinds

    return found


@pytest.mark.parametrize("parts", [1, 2])
def test_requests_that_are_faster_than_a_rate_are_counted_by_hand(tmp_path, count, parts):
    """Of 100, 200, 400, 800 and 10^6 output tokens in a second, and of 400 in ten."""
    folder = tmp_path / "log"
    folder.mkdir()
    for number, (output, took) in enumerate(
        [(100, 1), (200, 1), (400, 1), (800, 1), (1_000_000, 1), (400, 10), (30, 1)]
    ):
        row = f"2026-03-01T00:00:{number:02}.5Z,2026-03-01T00:00:{number + took:02}.5Z,9,{output}"
        (folder / f"{number}.csv").write_text(f"{TIMED}\n{row}\n")
    kinds = count(folder, parts)["kinds"]
    found = {rate: usable.faster_than(kinds, rate) for rate in (16, 99, 150, 399, 405, 5000, 2e6)}
    # those below 64 are not counted, nor those that are in one step with slower ones
    assert found == {16: 5, 99: 4, 150: 4, 399: 2, 405: 2, 5000: 1, 2e6: 0}
    assert usable.faster_than(kinds, np.inf) == 0


def test_rates_are_not_told_of_rows_that_have_none(counted, tmp_path, count):
    *_, kinds = counted(GOOD, ",2026-03-01,9,9", "2026-03-01,2026-03-01,9,9", "2026-03-01,,9,9")
    assert not any(kind.startswith(RATES) for kind in kinds)
    (tmp_path / "many.csv").write_text(f"{TIMED},requests\n2026-03-01,2026-03-02,9,9999,1\n")
    assert not count(tmp_path / "many.csv")["kinds"]["kind"].str.startswith(RATES).any()


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (
            "01.03.2026 00:00:00,01.03.2026 00:00:07",
            "column start: value '01.03.2026 00:00:00': is no time (unreadable time: 2 of 11 rows)",
        ),
        ("2026-03-01,46082.0001", "column finish: value '46082.0001': is no time"),
        (
            "2026-03-01T00:00:07.053Z,2026-03-01T00:00:00.403Z",
            "column finish: value 2026-03-01T00:00:00.403Z: is before the start",
        ),
        (
            "2026-03-01T00:00:00.403Z,2026-03-01T00:00:00.403Z",
            "column finish: value 2026-03-01T00:00:00.403Z: is the start, though there are output",
        ),
        ("2026-03-01,2026-03-03", "column finish: value 2026-03-03T00:00:00.000Z: is more than a"),
        (",2026-03-01", "column start: value '': is missing (no time: 2 of 11 rows)"),
        ("2026-03-01,", "column finish: value '': is missing (no end: 2 of 11 rows)"),
    ],
)
def test_a_load_that_lacks_more_than_a_tenth_is_refused(tmp_path, counted, times, words):
    bad = f"{times},100,300"
    lost, (first, *others), kinds = counted(*[GOOD] * 9, bad, bad)
    assert not lost and not others
    assert first.startswith(f"{tmp_path}/log.csv, row 11: {words}")
    assert "; allowed are dates and times as" in first and "load=32" in first
    assert usable.untimed(kinds, True)[0] == kinds["not in the load"] == 2
    assert counted(*[GOOD] * 9, bad)[1] == []


def test_a_log_in_which_no_request_has_a_time_is_one_without(counted):
    for times in (",", ",2026-03-01", "2026-03-01,"):
        lost, load, kinds = counted(*[f"{times},100,300"] * 3)
        assert not lost and not load
        assert usable.untimed(kinds, True)[0] == 3 and usable.untimed(kinds, False) == (0, {})


def test_rows_that_do_not_count_lack_no_load(counted):
    lost, load, kinds = counted(GOOD, *[",,,"] * 3)
    assert not lost and not load and "not in the load" in kinds and not kinds["not in the load"]


def test_answers_of_no_tokens_and_whole_seconds_can_take_no_time(counted):
    same = "2026-03-01T00:00:00{0}Z,2026-03-01T00:00:00{0}Z,100,{1}"
    assert counted(same.format(".403", 0), same.format("", 300))[1] == []
    assert counted(same.format(".403", 1))[1] != []


@pytest.mark.parametrize("value", ["1,234", "1.234", "1\u202f234", "many", "inf"])
def test_more_than_a_tenth_of_unreadable_tokens_is_refused(tmp_path, counted, value):
    rows = [f"100,{n}" for n in range(1, 10)]
    bad = f'"{value}",5'
    (first, *others), _, kinds = counted(*rows, bad, bad, header="input_tokens,output_tokens")
    assert not others
    assert first.startswith(f"{tmp_path}/log.csv, row 11: column input: value ")
    assert "is no whole number (unreadable tokens: 2 of 11 rows); allowed are whole" in first
    assert usable.lost(kinds) == (2, {"no tokens": 2})
    assert counted(*rows, bad, header="input_tokens,output_tokens")[0] == []


def test_every_kind_of_wrong_rows_is_told_at_once(counted):
    rows = ["5,6", "-7,8", "7,1e9", "x,8", "only one cell", "5,6"]
    problems, *_ = counted(*rows, header="input_tokens,output_tokens")
    assert [": column " in line for line in problems] == [False, True, True, True]
    assert "column input: value 'x'" in problems[1]
    assert "column input: value -7: is below zero" in problems[2]
    assert "column output: value 1000000000: is more than any context" in problems[3]


def test_failed_requests_and_repeats_are_no_reason_to_refuse(counted):
    lost, _, kinds = counted("5,6", ",", ",", header="input_tokens,output_tokens")
    assert not lost and usable.lost(kinds) == (2, {"no tokens": 2})
    assert usable.all_rows(kinds) == 3


def test_rows_of_several_kinds_are_lost_once(counted):
    _, _, kinds = counted("5,6", "-1,", "-1,1e9", header="input_tokens,output_tokens")
    assert usable.lost(kinds)[0] == 2


def test_a_number_is_missing_where_json_has_none(counted):
    lines = [json.dumps({"input_tokens": one, "output_tokens": 5}) for one in (None, "", "NULL", 5)]
    lost, _, kinds = counted(*lines, header="", name="log.jsonl")
    assert not lost and kinds["no tokens"] == 3 and not kinds["unreadable tokens"]


@pytest.mark.parametrize(
    ("zone", "hours"), [("-05:00", 5), ("+05:30", -5.5), ("Z", 0), ("+00:15", 0)]
)
def test_ends_in_another_time_zone_are_told(tmp_path, count, zone, hours):
    rows = [f"2026-03-01T10:00:0{n}Z,2026-03-01T10:01:0{n}{zone},100,300" for n in range(9)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join([TIMED, *rows, ""]))
    tables = count(path)
    assert usable.zone_hours(tables["kinds"]) == hours
    if hours < 0:
        with pytest.raises(InputError, match=r"most ends are 5\.5 hours too early, as of another"):
            usable.refuse_untimed(tables["kinds"], tables["examples"], lambda file, of: of)


def test_ends_that_are_off_by_other_times_are_of_no_zone(tmp_path, count):
    rows = [f"2026-03-01T10:00:00Z,2026-03-01T1{n}:01:00Z,100,300" for n in range(2, 8)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join([TIMED, *rows, ""]))
    tables = count(path)
    assert usable.rows_of(tables["kinds"])["too slow"] == 6
    assert usable.zone_hours(tables["kinds"]) == 0


def lengths_of(tmp_path, count, asked, answered):
    rows = [f"{one},{other}" for one, other in zip(asked, answered, strict=True)]
    (tmp_path / "log.csv").write_text("\n".join(["input_tokens,output_tokens", *rows, ""]))
    return count(tmp_path / "log.csv")["lengths"]


@pytest.mark.parametrize(
    ("asked", "answered", "is_told"),
    [
        # a log of totals was charged 28.7 kWh for 0.79 without a word
        (lambda asked, answer: (asked, asked + answer), None, True),
        (lambda asked, answer: (asked, answer), None, False),
        # reasoning is longer than what is asked, whatever that is
        (lambda asked, answer: (asked, 9000 + 20 * answer), None, False),
        (lambda asked, answer: (answer, asked), None, False),
        # of a benchmark output is as long as input, or twice as long for few lengths
        (lambda asked, answer: (asked, asked), None, False),
        (lambda asked, answer: (asked // 500 * 500 + 500,) * 2, 2, False),
    ],
)
def test_outputs_that_hold_the_inputs_are_told(tmp_path, count, asked, answered, is_told):
    draw = np.random.default_rng(1)
    found = asked(draw.integers(1000, 4000, 300), draw.integers(50, 300, 300))
    lengths = lengths_of(tmp_path, count, found[0], found[1] * (answered or 1))
    assert usable.holding_input(lengths) == (300 if is_told else 0)


@pytest.mark.parametrize(("more", "told"), [(5, 95), (6, 0)])
def test_one_in_twenty_may_have_less_output_than_input(tmp_path, count, more, told):
    draw = np.random.default_rng(2)
    asked = draw.integers(1000, 4000, 100)
    answered = asked + draw.integers(200, 300, 100)
    answered[:more] = asked[:more] // 2
    assert usable.holding_input(lengths_of(tmp_path, count, asked, answered)) == told

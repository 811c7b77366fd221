"""Requests that a log holds more than once."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import counts
from inference_energy.requests.counts import EXAMPLES
from inference_energy.requests.duplicates import count_duplicates, write_surplus
from inference_energy.requests.log import connect, open_log, units

ROWS = [
    ("2025-01-01 10:00:00", "a", 100, 10),
    ("2025-01-01 10:00:01", "b", 200, 20),
    ("2025-01-01 09:00:00", "a", 300, 30),
    ("2025-01-01 10:00:00", "a", 100, 10),
    ("2025-01-01 10:00:03", "", 500, 50),
    ("2025-01-01 10:00:03", "", 500, 50),
    ("2025-01-01 10:00:04", "c", -1, 50),
    ("2025-01-01 10:00:05", "c", 700, 70),
]


@pytest.fixture
def surplus(tmp_path, settings):
    """Tables of what is there too often, of rows in some order and in two files."""

    def found(rows):
        folder = tmp_path / f"log-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        names = ["start", "id", "input_tokens", "output_tokens", "reasoning_tokens"][: len(rows[0])]
        for name, own in (("x", rows[:3]), ("y", rows[3:])):
            pd.DataFrame(own, columns=names).to_csv(folder / f"{name}.csv", index=False)
        log = open_log(folder, settings["formats"])
        connection = connect(folder=tmp_path)
        counts.create_tables(connection)
        parts = units(log, connection)
        count_duplicates(connection, log, parts, settings["longest"]["value"], tmp_path)
        counts.sum_tables(connection)
        names = [*counts.TABLES, "examples"]
        return {n: connection.execute(f"FROM {n} ORDER BY ALL").df() for n in names}

    return found


def test_of_equal_lengths_and_starts_one_row_of_an_id_counts(surplus):
    tables = surplus(ROWS)
    (row,) = tables["lengths"].to_dict("records")
    assert (row["n"], row["input"], row["output"]) == (1, 100, 10)
    assert tables["hours"]["n"].sum() == 1
    assert kinds(tables) == {"duplicate": 1, "earlier state": 0, "shared id": 1}


def kinds(tables):
    """Rows by kind."""
    return dict(zip(tables["kinds"]["kind"], tables["kinds"]["n"], strict=True))


@pytest.mark.parametrize("later", [1, 60, 3600])
def test_requests_of_equal_lengths_at_other_times_are_no_duplicates(surplus, later):
    """Of 6,000 requests of 40 customers 480 counted: 45.4 Wh of 566."""
    first = pd.Timestamp("2025-01-01 10:00:00.5")
    times = [first + pd.Timedelta(n * later, "s") for n in range(6)]
    tables = surplus([(str(time), f"c{n % 2}", 500, 300) for n, time in enumerate(times)])
    assert tables["lengths"].empty
    assert kinds(tables) == {"duplicate": 0, "earlier state": 0, "shared id": 4}
    # an export twice
    twice = [(str(time), f"c{n % 2}", 500, 300) for n, time in enumerate(times)] * 2
    assert kinds(surplus(twice)) == {"duplicate": 6, "earlier state": 0, "shared id": 4}


def test_hops_and_rounded_times_of_one_id_are_duplicates(surplus):
    """Where a gateway logs a request at two places, or one of two exports writes whole seconds."""
    day = "2025-01-01 "
    rows = [(f"{day}10:59:59.999", "a", 100, 10), (f"{day}11:00:00.003", "a", 100, 10)]
    rows += [(f"{day}10:00:00", "b", 9, 9), (f"{day}10:00:00.998", "b", 9, 9)]
    tables = surplus(rows)
    assert kinds(tables) == {"duplicate": 2, "earlier state": 0, "shared id": 0}
    # the earliest counts
    assert tables["hours"]["hour"].nunique() == 2
    first, later = sorted(set(tables["hours"]["hour"]))
    assert later - first == 1
    # a second and more apart are two requests, and so are two of an id that comes again
    apart = [(f"{day}10:00:00", "b", 9, 9), (f"{day}10:00:01", "b", 9, 9)]
    assert kinds(surplus(apart))["duplicate"] == 0
    again = [*rows[:2], (f"{day}12:00:00", "a", 7, 8)]
    assert kinds(surplus(again)) == {"duplicate": 0, "earlier state": 0, "shared id": 2}


def test_without_times_an_id_and_lengths_tell_a_duplicate(surplus):
    assert kinds(surplus([("", "a", 100, 10)] * 3))["duplicate"] == 2
    some = [("", "a", 100, 10), ("2025-01-01 10:00:00", "a", 100, 10)]
    assert kinds(surplus(some))["duplicate"] == 1


def test_a_request_that_is_sent_again_counts_twice(surplus):
    """Which of the two failed the log does not say."""
    rows = [("2025-01-01 10:00:00", "a", 100, 10), ("2025-01-01 10:00:30", "a", 100, 10)]
    assert kinds(surplus(rows)) == {"duplicate": 0, "earlier state": 0, "shared id": 1}


@pytest.mark.parametrize("one", ["1.77236E+18", "1,77236E+18", "2E+18", "1.77236e+18"])
def test_ids_that_a_spreadsheet_rounded_are_not_used(surplus, one):
    """Of 3,000 requests 205 counted, without a word of the ids."""
    rows = [("", one, 100, 10)] * 5 + [("", "a", 7, 8)] * 2
    tables = surplus(rows)
    expected = {"rounded id": 5, "duplicate": 1, "earlier state": 0, "shared id": 0}
    assert kinds(tables) == expected
    assert (tables["examples"]["kind"] == "rounded id").sum() == 2 * EXAMPLES - 1
    # alone
    assert kinds(surplus(rows[:5]))["rounded id"] == 5


@pytest.mark.parametrize("one", ["1e18", "12E+18", "a1.7E+18", "1.7E+18-3", "1723600000000000000"])
def test_other_ids_are_compared(surplus, one):
    assert kinds(surplus([("", one, 100, 10)] * 5))["duplicate"] == 4


START = "2025-01-01 10:00:00"


def answers_to_a_prompt(count=8, prompts=40):
    """Rows of several answers to each of many prompts."""
    random = np.random.default_rng(2)
    return [
        (f"2025-01-01 10:{p:02}:00", f"r{p}", 100 + p, int(output))
        for p in range(prompts)
        for output in random.choice(2000, count, replace=False)
    ]


def test_answers_to_one_prompt_are_no_states(surplus, tmp_path):
    """Of 3,200 answers, eight to a prompt, 400 counted, as if each were a stream of states."""
    rows = answers_to_a_prompt()
    for some in (rows, rows[::-1], answers_to_a_prompt(2)):
        with pytest.raises(InputError, match="several answers to one prompt") as refused:
            surplus(some)
        (told,) = refused.value.problems
        assert "x.csv, row " in told or "y.csv, row " in told
        assert "take the column of ids out" in told


def test_states_are_read_from_the_first_or_the_last(surplus):
    rows = [(f"{START[:-2]}{n:02}", f"r{n}", 100, k) for n in range(9) for k in (1, 7, 300)]
    for some in (rows, rows[::-1], rows * 2):
        assert kinds(surplus(some))["earlier state"] == 18


def test_a_few_states_in_no_order_are_no_reason_to_refuse(surplus):
    rows = [(START, f"s{n}", 100, 5) for n in range(20)]
    rows += [(START, "a", 100, 1), (START, "a", 100, 7), (START, "b", 100, 7), (START, "b", 100, 1)]
    assert kinds(surplus(rows))["earlier state"] == 2


def test_requests_of_a_session_are_no_duplicates(surplus):
    rows = [(f"2025-01-01 10:00:{n:02}", f"s{n % 3}", 100 + n, 10 + n) for n in range(30)]
    tables = surplus(rows)
    assert tables["lengths"].empty
    assert kinds(tables) == {"duplicate": 0, "earlier state": 0, "shared id": 27}


def test_rows_that_do_not_count_are_the_same_as_none(count, settings, tmp_path):
    # a duplicate, an earlier state, and a request under two ids
    own = ["a,100,10", "a,100,10", "b,200,1", "b,200,20", "c,300,30", "d,300,30"]
    rows = [f"2025-01-01 10:00:00,2025-01-01 10:00:02.5,{row}" for row in own]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["start,end,id,input_tokens,output_tokens", *rows, ""]))
    log, connection = open_log(path, settings["formats"]), connect(folder=tmp_path)
    counts.create_tables(connection)
    of_all = units(log, connection)
    count_duplicates(connection, log, of_all, settings["longest"]["value"], tmp_path)
    taken = connection.execute("FROM alike").df()
    found = pd.concat([count(path)["alike"], taken.assign(n=-taken["n"])])
    connection.register("found", found)
    connection.execute("DELETE FROM alike; DELETE FROM kinds; INSERT INTO alike FROM found")
    counts.count_alike(connection)
    same = connection.execute("FROM kinds WHERE n > 0").fetchall()
    assert same == [(counts.SAME, 1)]


def test_of_a_stream_the_last_row_counts(surplus):
    tables = surplus([(START, "a", 100, 1), (START, "a", 100, 7), (START, "a", 100, 300)])
    assert tables["lengths"][["n", "output"]].sum().tolist() == [2, 8]
    assert kinds(tables) == {"duplicate": 0, "earlier state": 2, "shared id": 0}
    twice = [(START, "a", 100, n) for n in (1, 300)] * 2
    assert kinds(surplus(twice)) == {"duplicate": 2, "earlier state": 1, "shared id": 0}


@pytest.mark.parametrize("rows", [ROWS, [(*ROWS[0], reasoning) for reasoning in range(8)]])
def test_the_order_of_rows_and_files_does_not_matter(surplus, rows):
    first, last = surplus(rows), surplus(rows[::-1])
    for name in counts.TABLES:
        pd.testing.assert_frame_equal(first[name], last[name])


def test_of_equal_rows_the_first_counts_whatever_the_threads(tmp_path, settings):
    """Rows come in any order where several threads read them, as in files joined twice."""
    rows = pd.DataFrame({"id": [f"r{i}" for i in range(30_000)], "input_tokens": 1})
    for name in ("x", "y"):
        rows.assign(output_tokens=1).to_parquet(tmp_path / f"{name}.parquet", row_group_size=2048)
    log, connection = open_log(tmp_path, settings["formats"]), connect(threads=4, folder=tmp_path)
    counts.create_tables(connection)
    longest = settings["longest"]["value"]
    count_duplicates(connection, log, units(log, connection), longest, tmp_path)
    write_surplus(connection, tmp_path / "surplus")
    found = connection.execute(f"FROM read_parquet('{tmp_path / 'surplus'}')").df()
    assert found["file"].unique().tolist() == [(tmp_path / "y.parquet").as_posix()]
    assert found["row"].tolist() == list(range(len(rows)))


def test_without_repeated_ids_nothing_is_too_often(surplus):
    tables = surplus(ROWS[:2])
    assert tables["lengths"].empty
    assert kinds(tables) == {"duplicate": 0, "earlier state": 0, "shared id": 0}


def test_cells_whose_requests_are_all_repeats_are_gone(surplus, count, tmp_path):
    """The other row of the id has another length than the one that counts, or another hour."""
    rows = [("2025-01-01 11:00:00.1", "a", 100, 10), ("2025-01-01 10:00:00", "b", 7, 1)]
    rows += [("2025-01-01 10:59:59.9", "a", 100, 10), ("2025-01-01 10:00:00", "b", 7, 3)]
    found = surplus(rows)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    connection = connect(folder=tmp_path)
    counts.create_tables(connection)
    for tables, sign in ((count(folder), 1), (found, -1)):
        for name in ("lengths", "hours"):
            path = tmp_path / f"{name}.parquet"
            tables[name].to_parquet(path)
            counts.read_tables(connection, {name: [path]}, sign)
    counts.sum_tables(connection)
    for name in ("lengths", "hours"):
        found = connection.execute(f"SELECT n, output FROM {name} ORDER BY ALL").fetchall()
        assert found == [(1, 3), (1, 10)]
    assert connection.execute("SELECT count(DISTINCT hour) FROM hours").fetchall() == [(1,)]


@pytest.mark.parametrize("less", [1, 0])
def test_a_view_of_written_counts_is_without_the_repeats(tmp_path, less):
    """Groups can be as many as requests: they are not read into memory."""
    connection = connect(folder=tmp_path)
    counts.create_tables(connection)
    columns = "hour, model, input_cell, cached_cell, output_cell, n, input, cached, output"
    connection.execute(f"INSERT INTO hours ({columns}) VALUES (7, 'a', 1, 0, 2, 3, 4, 5, 6)")
    counts.write_tables(connection, {"hours": tmp_path / "hours.parquet"})
    files = [tmp_path / "hours.parquet"]
    counts.view_table(connection, "hours", files * 3, files * less)
    (found,) = connection.execute("SELECT sum(n), sum(input), sum(output) FROM hours").fetchall()
    assert found == tuple((3 - less) * of_one for of_one in (3, 4, 6))

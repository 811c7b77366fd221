"""Requests that a log holds more than once."""

import pandas as pd
import pytest
from inference_energy.requests import counts
from inference_energy.requests.duplicates import count_duplicates, write_surplus
from inference_energy.requests.log import connect, open_log, units

ROWS = [
    ("2025-01-01 10:00:00", "a", 100, 10),
    ("2025-01-01 10:00:01", "b", 200, 20),
    ("2025-01-01 09:00:00", "a", 300, 30),
    ("2025-01-01 10:00:02", "a", 100, 10),
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
        return {n: connection.execute(f"FROM {n} ORDER BY ALL").df() for n in counts.TABLES}

    return found


def test_of_equal_lengths_the_earliest_row_of_an_id_counts(surplus):
    tables = surplus(ROWS)
    (row,) = tables["lengths"].to_dict("records")
    assert (row["n"], row["input"], row["output"]) == (1, 100, 10)
    assert tables["hours"]["n"].sum() == 1
    assert kinds(tables) == {"duplicate": 1, "earlier state": 0, "shared id": 1}


def kinds(tables):
    """Rows by kind."""
    return dict(zip(tables["kinds"]["kind"], tables["kinds"]["n"], strict=True))


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
    start = "2025-01-01 10:00:00"
    tables = surplus([(start, "a", 100, 1), (start, "a", 100, 7), (start, "a", 100, 300)])
    assert tables["lengths"][["n", "output"]].sum().tolist() == [2, 8]
    assert kinds(tables) == {"duplicate": 0, "earlier state": 2, "shared id": 0}
    twice = [(start, "a", 100, n) for n in (1, 300)] * 2
    assert kinds(surplus(twice)) == {"duplicate": 2, "earlier state": 1, "shared id": 0}


@pytest.mark.parametrize("rows", [ROWS, [(*ROWS[0], reasoning) for reasoning in range(8)]])
def test_the_order_of_rows_and_files_does_not_matter(surplus, rows):
    first, last = surplus(rows), surplus(rows[::-1])
    for name in first:
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
    rows = [("2025-01-01 12:00:00", "a", 100, 10), ("2025-01-01 10:00:00", "b", 7, 1)]
    rows += [("2025-01-01 10:00:00", "a", 100, 10), ("2025-01-01 10:00:00", "b", 7, 3)]
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

"""Counts: what counts, what is told, and that parts add up."""

import json

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inference_energy.errors import InputError
from inference_energy.requests import counts
from inference_energy.requests import log as requests_log
from inference_energy.requests.counts import (
    FINE_BITS,
    KINDS,
    NOT_COUNTED,
    OFFSETS,
    WIDE_BITS,
    cell,
)
from inference_energy.requests.formats import NOTHING

HEADER = "start,end,tenant,input_tokens,cached_tokens,output_tokens\n"


def write(path, *rows):
    """Write a log of the project's own columns."""
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


@pytest.mark.parametrize("place", [0.3, 0.001])
def test_damage_within_a_file_is_told_by_its_name(tmp_path, count, place):
    """In the rows of a column, and in what stands before them."""
    path = tmp_path / "log.parquet"
    rows = pd.DataFrame({"input_tokens": np.arange(50_000), "output_tokens": 1})
    rows.to_parquet(path)
    content = bytearray(path.read_bytes())
    first = int(len(content) * place)
    content[first : first + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^{path}: .*; write the file anew or leave it out$"):
        count(path)


def test_rows_that_are_not_as_they_should_be_are_counted_by_kind(tmp_path, count, kinds):
    path = write(
        tmp_path / "log.csv",
        "2025-01-01 10:00:00,2025-01-01 10:00:05,a,100,0,10",
        "2025-01-01 10:00:01,2025-01-01 10:00:05,a,,20,10",
        "2025-01-01 10:00:02,2025-01-01 10:00:05,a,many,0,10",
        "2025-01-01 10:00:03,2025-01-01 10:00:05,a,-5,0,10",
        "2025-01-01 10:00:04,2025-01-01 10:00:05,a,100,0,20000000",
        "2025-01-01 10:00:05,2025-01-01 10:00:06,a,100,300,10",
        "2025-01-01 10:00:06,2025-01-01 10:00:07,a,100,0,0",
        "soon,2025-01-01 10:00:07,a,100,0,10",
        "2025-01-01 10:00:08,2025-01-01 09:00:00,a,100,0,10",
        "2025-01-01 09:00:00,2025-01-01 10:00:08,a,100,0,10",
        "only one cell",
    )
    tables = count(path)
    assert kinds(tables) == {
        "rows": 10,
        "no tokens": 2,
        "unreadable tokens": 1,
        "negative": 1,
        "absurd": 1,
        "cached above input": 1,
        "no output": 1,
        "no time": 1,
        "unreadable time": 1,
        "ends before start": 1,
        "not in the load": 2,
        "too slow": 1,
        "out of order": 1,
        "unreadable": 1,
    }
    assert set(kinds(tables)) - {"rows"} <= set(KINDS)
    lengths = tables["lengths"]
    assert lengths["n"].sum() == 6
    assert (lengths["input"].sum(), lengths["cached"].sum(), lengths["output"].sum()) == (
        600,
        100,
        50,
    )
    assert tables["hours"]["n"].sum() == 5
    examples = tables["examples"].set_index("kind")["row"]
    assert (examples["negative"], examples["absurd"]) == (3, 4)
    assert (examples["no output"], examples["unreadable"]) == (6, 10)
    assert set(examples.index) == set(kinds(tables)) - {"rows"}


@pytest.mark.parametrize("value", ["many", "1.5", "inf", "{}"])
@pytest.mark.parametrize("name", ["cached", "reasoning"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_optional_tokens_that_are_no_number_are_told(tmp_path, count, kinds, value, name, ending):
    """They would be taken for none in silence, and cached input be charged as computed."""
    path = tmp_path / f"log.{ending}"
    rows = [{"input_tokens": 10, "output_tokens": 20, f"{name}_tokens": v} for v in (value, 5, "")]
    if ending == "csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tables = count(path)
    assert kinds(tables) == {"rows": 3, "no number": 1}
    assert (tables["lengths"]["n"].sum(), tables["lengths"][name].sum()) == (3, 5)
    assert tables["examples"]["row"].tolist() == [0]
    assert tables["examples"]["cached"].dropna().tolist() in ([], [0])


@pytest.mark.parametrize("name", ["input", "output", "cached", "reasoning"])
def test_yes_and_no_are_no_numbers_of_tokens(tmp_path, count, kinds, name):
    """DuckDB would take yes for one token."""
    rows = {f"{column}_tokens": [5, 5] for column in ("input", "output", "cached", "reasoning")}
    pd.DataFrame(rows | {f"{name}_tokens": [True, False]}).to_parquet(tmp_path / "log.parquet")
    told = ["no tokens", "unreadable tokens"] if name in ("input", "output") else ["no number"]
    assert kinds(count(tmp_path / "log.parquet")) == {"rows": 2} | dict.fromkeys(told, 2)


def test_missing_optional_tokens_of_a_column_of_floats_are_no_kind(tmp_path, count, kinds):
    """Pandas writes whole numbers with gaps so."""
    rows = {"input_tokens": [10, 10], "output_tokens": [1, 2], "cached_tokens": [np.nan, 5.0]}
    pd.DataFrame(rows).to_parquet(tmp_path / "log.parquet")
    assert kinds(count(tmp_path / "log.parquet")) == {"rows": 2}


def test_a_clean_log_has_only_rows(tmp_path, count, kinds):
    path = write(tmp_path / "log.csv", "2025-01-01 10:00:00,2025-01-01 10:00:05,a,100,0,10")
    assert kinds(count(path)) == {"rows": 1}


def test_what_is_told_of_rows_does_not_depend_on_threads(tmp_path, count):
    """Rows come in any order where several threads read them."""
    n = 100_000
    times = pd.date_range("2025-01-01", periods=n, freq="s")
    rows = {"start": times, "id": np.arange(n), "input_tokens": 1, "output_tokens": 0}
    pd.DataFrame(rows).to_parquet(tmp_path / "log.parquet", row_group_size=2048)
    first, last = (round(time.timestamp() * 1e6) for time in times[[0, -1]])
    for _ in range(10):
        tables = count(tmp_path / "log.parquet", threads=4)
        assert tables["examples"]["row"].tolist() == [0, 1, 2]
        ends = tables["units"][["first_start", "last_start"]]
        assert ends.to_numpy().tolist() == [[first, last]]


@pytest.fixture
def parquet(tmp_path, monkeypatch):
    """Two Parquet files of 1,000 rows each, read in units of 300."""
    monkeypatch.setattr(requests_log, "UNIT_ROWS", 300)
    random = np.random.default_rng(1)
    folder = tmp_path / "log"
    folder.mkdir()
    for name in ("a", "b"):
        start = pd.to_datetime("2025-01-01") + pd.to_timedelta(random.uniform(0, 7200, 1000), "s")
        frame = pd.DataFrame(
            {
                "start": start,
                "end": start + pd.to_timedelta(random.exponential(20, 1000), "s"),
                "model": random.choice(["x", "y", None], 1000),
                "tenant": random.choice(["one", "two"], 1000),
                "input_tokens": random.lognormal(6, 1.5, 1000).astype(int),
                "cached_tokens": random.integers(0, 100, 1000),
                "output_tokens": random.lognormal(5, 1, 1000).astype(int) - 5,
            }
        )
        frame.to_parquet(folder / f"{name}.parquet")
    return folder


def test_parts_add_up_to_the_whole(parquet, count):
    whole = count(parquet)
    for parts in (2, 11):
        gathered = count(parquet, parts)
        for name in whole:
            pd.testing.assert_frame_equal(whole[name], gathered[name])


def test_large_tables_are_added_up_between_units(parquet, count, monkeypatch):
    whole, sums, add = count(parquet), [], counts.sum_tables
    monkeypatch.setattr(counts, "MOST_ROWS", 100)
    monkeypatch.setattr(counts, "sum_tables", lambda *c: (sums.append(1), add(*c)))
    gathered = count(parquet)
    # each file has four units, of which the first is over a limit that then doubles
    assert 3 < len(sums) < 8
    for name in whole:
        pd.testing.assert_frame_equal(whole[name], gathered[name])


@pytest.mark.parametrize(
    ("models", "tenants", "once"),
    [
        (["a", "b"], ["x", None], True),
        (["a", "a "], ["x", "y"], False),
        (["a", "b"], ["x", "\tx"], False),
        (["NULL", None], ["x", "y"], False),
    ],
)
def test_a_unit_is_added_up_only_where_names_are_alike(
    tmp_path, settings, monkeypatch, models, tenants, once
):
    """Of ten million groups it would take as long as all counting."""
    rows = [(m, t, 5, 6, "2025-01-01 10:00:00") for m in models for t in tenants for _ in "12"]
    names = ["model", "tenant", "input_tokens", "output_tokens", "start"]
    pd.DataFrame(rows, columns=names).to_parquet(tmp_path / "log.parquet")
    log = requests_log.open_log(tmp_path, settings["formats"])
    connection = requests_log.connect(folder=tmp_path)
    counts.create_tables(connection)
    summed, add = [], counts.sum_tables
    monkeypatch.setattr(counts, "sum_tables", lambda c, n: (summed.extend(n), add(c, n)))
    longest = settings["longest"]["value"]
    units = requests_log.units(log, connection)
    counts.count_units(connection, log, units, longest, tmp_path)
    assert set(counts.TABLES) - set(summed) == (set(counts.ONCE) if once else set())
    for name in counts.ONCE:
        keys = ", ".join(counts.TABLES[name][0])
        sql = f"SELECT count(*), count(DISTINCT ({keys})), sum(n) FROM {name}"
        rows, groups, requests = connection.execute(sql).fetchall()[0]
        assert (rows, requests) == (groups, 8), name


def test_counts_agree_with_the_rows(parquet, count):
    rows = duckdb.sql(f"FROM read_parquet('{parquet}/*.parquet')").df()
    rows = rows[rows["output_tokens"] >= 0]
    cached = np.minimum(rows["cached_tokens"], rows["input_tokens"])
    tables = count(parquet, 3)
    for name in ("lengths", "hours", "tenants"):
        table = tables[name]
        assert table["n"].sum() == len(rows)
        assert table["input"].sum() == rows["input_tokens"].sum()
        assert table["cached"].sum() == cached.sum()
        assert table["output"].sum() == rows["output_tokens"].sum()
    by_tenant = tables["tenants"].groupby("tenant")["output"].sum()
    expected = rows.groupby("tenant")["output_tokens"].sum()
    assert by_tenant.to_dict() == expected.to_dict()


@pytest.mark.parametrize("named", [{}, {"tenant": "one"}])
def test_cached_input_does_not_make_a_group_of_every_request(count, tmp_path, named):
    """Three lengths of an octave each: at 6 digits nearly all would be groups."""
    random, n = np.random.default_rng(5), 20_000
    # what is computed of the input, what is cached, and the answer
    most = {"input_tokens": 1024, "cached_tokens": 512, "output_tokens": 256}
    lengths = {name: random.integers(own, 2 * own, n) for name, own in most.items()}
    lengths["input_tokens"] += lengths["cached_tokens"]
    # and of some requests nothing is cached
    lengths["cached_tokens"][::10] = 0
    frame = pd.DataFrame(lengths | {"start": pd.Timestamp("2025-01-01")} | named)
    frame.to_parquet(tmp_path / "log.parquet")
    tables = count(tmp_path / "log.parquet")
    wide = tables["lengths"].query("cached_cell > 0")
    assert len(wide) <= (4 + 1) * (2 + 1) * (8 + 1)
    assert wide["n"].sum() == (lengths["cached_tokens"] > 0).sum()
    # of a group it is only told whether any input is cached
    assert len(tables["hours"].query("cached_cell > 0")) <= 4**2
    for name in most:
        assert tables["lengths"][name.removesuffix("_tokens")].sum() == lengths[name].sum()


def test_what_is_counted_of_a_unit_is_told(parquet, tmp_path, settings):
    log = requests_log.open_log(parquet, settings["formats"])
    connection, told = requests_log.connect(folder=tmp_path), []
    counts.create_tables(connection)
    units = requests_log.units(log, connection)

    def say(*now):
        told.append(now)

    counts.count_units(connection, log, units[:1], 10**7, tmp_path, say=say)
    steps = ("rows", "lengths", "tenants", "hours", "load")
    assert told == [*((0, step) for step in steps), (1,)]


@pytest.mark.parametrize("name", ["hours", "tenants"])
def test_names_are_the_same_by_their_places_and_as_texts(count, tmp_path, monkeypatch, name):
    """Sorted as texts, ten million groups by tenant took as long as all else of an answer."""
    names = ["b", "a", None, "Z", "\u00e4", "a b", "10", "9"]
    rows = {"model": names, "tenant": names[::-1], "start": "2025-01-01", "input_tokens": 5}
    pd.DataFrame(rows | {"output_tokens": 6}).to_parquet(tmp_path / "log.parquet")
    by_place = count(tmp_path / "log.parquet")[name]
    monkeypatch.setattr(counts, "MOST_PLACED", 0)
    by_text = count(tmp_path / "log.parquet")[name]
    for key in filter(by_text.columns.__contains__, counts.NAMES):
        by_place[key], by_text[key] = (one[key].fillna("") for one in (by_place, by_text))
    pd.testing.assert_frame_equal(by_place, by_text)
    if name == "tenants":
        assert by_place["tenant"].tolist() == ["10", "9", "Z", "a", "a b", "b", "\u00e4", ""]


@pytest.mark.parametrize("name", ["lengths", "tenants"])
def test_few_names_are_counted_as_many_are(count, tmp_path, monkeypatch, name):
    """Few are looked for in a list, many in an enumeration."""
    names = ["b", "a", None, "Z", "\u00e4", " a", "a'b", "a\0b"]
    rows = {"model": names, "tenant": names[::-1], "input_tokens": 5, "output_tokens": 6}
    pd.DataFrame(rows).to_parquet(tmp_path / "log.parquet")
    found = []
    for few in (len(names), 0):
        monkeypatch.setattr(counts, "FEW_NAMES", few)
        found.append(count(tmp_path / "log.parquet")[name])
    pd.testing.assert_frame_equal(*found)
    assert set(found[0]["model"].dropna()) == {"b", "a", "Z", "\u00e4", "a'b", "a\0b"}


@pytest.mark.parametrize("name", ["hours", "lengths"])
def test_rows_are_counted_alike_with_tenants_and_without(parquet, count, tmp_path, name):
    """Rows with tenants are grouped in numbers, others as they are."""
    for path in parquet.iterdir():
        rows = pd.read_parquet(path).drop(columns="tenant")
        rows.to_parquet(tmp_path / f"without-{path.name}")
        without = count(tmp_path / f"without-{path.name}")[name]
        pd.testing.assert_frame_equal(without, count(path)[name])


@pytest.mark.parametrize("reasoning", [False, True])
def test_rows_of_the_same_lengths_are_counted_at_once_or_not(
    parquet, count, tmp_path, monkeypatch, reasoning
):
    rows = pd.read_parquet(parquet / "a.parquet").drop(columns="tenant")
    rows = pd.concat([rows, rows.head(300)])
    if reasoning:
        rows["reasoning_tokens"] = np.arange(len(rows))
    rows.to_parquet(tmp_path / "log.parquet")
    found = []
    for alike in (0, 10**9):
        monkeypatch.setattr(counts, "ALIKE", alike)
        found.append(count(tmp_path / "log.parquet")["lengths"])
    pd.testing.assert_frame_equal(*found)
    assert found[0]["reasoning"].any() == reasoning


def test_how_far_lengths_are_off_their_cells_is_summed(parquet, count, settings):
    rows = duckdb.sql(f"FROM read_parquet('{parquet}/*.parquet')").df()
    rows = rows[rows["output_tokens"] >= 0]
    cached = np.minimum(rows["cached_tokens"], rows["input_tokens"]).to_numpy()
    lengths = {"input": rows["input_tokens"] - cached, "output": rows["output_tokens"]}
    table = count(parquet)["lengths"]
    for name, length in lengths.items():
        bits = np.where(cached > 0, WIDE_BITS[name], FINE_BITS[name])
        step = 2.0 ** np.maximum(np.floor(np.log2(np.maximum(length, 1))) - bits + 1, 0)
        at = np.rint(length / step) * step
        if name == "output":
            edge = settings["long_from"]["value"]
            at = np.where(length >= edge, np.maximum(at, edge), np.minimum(at, edge - 1))
        offset = np.rint((length - at) * (OFFSETS / np.maximum(at, 1)))
        assert 0 < (offset**2).sum() == table[f"{name}_offset_square"].sum()
        assert offset.sum() == table[f"{name}_offset"].sum()


def test_out_of_order_does_not_depend_on_units(parquet, count, kinds, monkeypatch):
    of_small = kinds(count(parquet, 4))
    monkeypatch.setattr(requests_log, "UNIT_ROWS", 10**6)
    assert kinds(count(parquet)) == of_small


def test_a_cell_is_a_length_rounded_to_so_many_binary_digits():
    lengths = np.arange(100000)
    frame = pd.DataFrame({"length": lengths})
    for bits in (3, 8):
        sql = f"SELECT {cell('length', bits)} AS cell FROM frame ORDER BY length"
        cells = duckdb.sql(sql).df()["cell"].to_numpy()
        exact = lengths < 2**bits
        assert (cells[exact] == lengths[exact]).all()
        assert (np.abs(cells - lengths) <= lengths / 2**bits).all()
        scale = 2.0 ** np.maximum(np.floor(np.log2(np.maximum(cells, 1))) - bits + 1, 0)
        assert (cells % scale == 0).all()
    assert frame["length"].iloc[-1] == 99999


def test_a_row_of_several_requests_counts_as_so_many(tmp_path, count):
    path = tmp_path / "log.csv"
    path.write_text(
        "start_time,model,project_id,num_model_requests,input_tokens,output_tokens\n"
        "1740823200,m,p,4,48,80\n1740823200,m,p,0,10,10\n"
    )
    lengths = count(path)["lengths"]
    (row,) = lengths.to_dict("records")
    assert (row["n"], row["input"], row["output"]) == (4, 48, 80)
    assert (row["input_cell"], row["output_cell"]) == (12, 20)


def test_times_that_are_none_and_requests_of_days_are_told_and_in_no_load(tmp_path, count, kinds):
    path = write(
        tmp_path / "log.csv",
        "2025-01-01 10:00:00,2025-01-01 10:00:05,a,100,0,10",
        "-5000-01-01,infinity,a,100,0,10",
        "0001-01-01,9999-12-31,a,100,0,10",
        "2025-01-01 10:00:00,9999-12-31,a,100,0,10",
        "2025-01-01 10:00:00,2025-01-02 10:00:00.000001,a,100,0,10",
    )
    tables = count(path)
    told = {"no time": 2, "no end": 1, "unreadable time": 2, "too long": 2, "not in the load": 4}
    assert kinds(tables) == {"rows": 5} | told
    assert tables["lengths"]["n"].sum() == 5 and tables["hours"]["n"].sum() == 3
    assert tables["flight"]["change"].abs().sum() == 0


def test_a_request_whose_end_is_missing_is_told(tmp_path, count, kinds):
    path = write(
        tmp_path / "log.csv",
        "2025-01-01 10:00:00,,a,100,0,10",
        "2025-01-01 10:00:00,2025-01-01 10:01:00,a,100,0,10",
    )
    tables = count(path)
    assert kinds(tables) == {"rows": 2, "no end": 1, "not in the load": 1}
    assert tables["flight"]["change"].abs().sum() == 2


def test_keys_that_come_late_count(tmp_path, count, kinds):
    """Objects leave out what they do not have; where it comes too late for a table, it is told."""
    early = '{"input_tokens": 5, "output_tokens": 6}\n'
    late = '{"input_tokens": 5, "output_tokens": 6, "model": "m", "cached_tokens": 4}\n'
    path = tmp_path / "log.jsonl"
    path.write_text(early * 200 + late + late.replace("}", ', "tenant": "t"}'))
    tables = count(path)
    assert tables["lengths"].groupby("model", dropna=False)["n"].sum().to_dict()["m"] == 2
    assert tables["lengths"]["cached"].sum() == 8
    assert tables["tenants"]["n"].sum() == 202
    assert kinds(tables) == {"rows": 202}
    assert kinds(count(path, known={"input", "output"})) == {"rows": 202, "late key": 1}


USAGE = "start_time,model,input_tokens,output_tokens,num_model_requests\n"


def test_usage_without_requests_or_with_too_many_is_told(tmp_path, count, kinds):
    rows = ["1000,500,10", "1000,500,0", "1000,500,-3", "1000,500,", "70,50,9"]
    rows += [f"{9 * 10**18},{9 * 10**18},{9 * 10**15}"] * 3
    text = USAGE + "".join(f"1735689600,m,{row}\n" for row in rows)
    (tmp_path / "log.csv").write_text(text)
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 8, "no requests": 2, "absurd": 3}
    assert tables["lengths"]["n"].sum() == 10 + 1 + 9


def test_rows_of_fewer_tokens_than_requests_do_not_count(tmp_path, count, kinds):
    """As where the headers of requests and of output are swapped: nobody reads or writes a part of
    a token. Failed requests have no output, and are told as such.
    """
    rows = ["5000000,10000,3000000", "2,50,3", "3,3,3", "50,0,3", "0,50,3", "1,1,"]
    text = USAGE + "".join(f"1735689600,m,{row}\n" for row in rows)
    (tmp_path / "log.csv").write_text(text)
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 6, "part of a token": 2, "no input": 1, "no output": 3}
    assert tables["lengths"]["n"].sum() == 3 + 3 + 3 + 1
    rows = tables["examples"].query("kind == 'part of a token'")["row"]
    assert sorted(rows) == [0, 1]


def test_rows_add_up_where_some_are_of_several_kinds_that_do_not_count(tmp_path, count, kinds):
    path = write(
        tmp_path / "log.csv",
        "2025-01-01 10:00:00,2025-01-01 10:00:05,a,100,0,10",
        "2025-01-01 10:00:01,2025-01-01 10:00:05,a,-1,0,",
        "2025-01-01 10:00:02,2025-01-01 10:00:05,a,-1,0,20000000",
        "2025-01-01 10:00:03,2025-01-01 10:00:05,a,,-1,20000000",
        "2025-01-01 10:00:04,2025-01-01 10:00:05,a,-1,0,10",
    )
    tables = count(path)
    found = kinds(tables)
    assert found["several"] == 1 + 1 + 2
    dropped = sum(found.get(kind, 0) for kind in NOT_COUNTED) - found["several"]
    assert found["rows"] - dropped == tables["lengths"]["n"].sum() == 1
    examples = tables["examples"]
    assert examples.loc[examples["kind"] == "several", "row"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ["input", "cached", "output", "reasoning"])
def test_the_least_whole_number_is_negative(tmp_path, count, kinds, name):
    """What NumPy makes of a gap that is cast to whole numbers."""
    rows = pd.DataFrame({f"{n}_tokens": [9, 8] for n in ("input", "cached", "output", "reasoning")})
    rows[f"{name}_tokens"] = np.array([9, -(2**63)])
    rows.to_parquet(tmp_path / "log.parquet")
    tables = count(tmp_path / "log.parquet")
    assert kinds(tables) == {"rows": 2, "negative": 1}
    assert tables["lengths"]["n"].sum() == 1


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("lost", [1000, 3000])
def test_all_lines_after_an_open_quote_are_told(tmp_path, count, kinds, lost, end):
    """More of them than the reader of tables tells, too."""
    rows = ["5,6,a", "", f'5,6,"{end}{end}two{end}lines{end}"', "5,6,a", '5,6,"b']
    text = end.join(["input_tokens,output_tokens,model", *rows, *["5,6,c"] * lost, "", ""])
    (tmp_path / "log.csv").write_bytes(text.encode())
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 3, "unreadable": lost + 1}
    # the line below the header is row 0, and a cell of many lines has as many
    assert tables["examples"]["row"].tolist() == [8]


@pytest.mark.parametrize("ends", [("\n", "\r\n"), ("\r\n", "\n"), ("\n", "\r")])
@pytest.mark.parametrize("cell", ["ours", '"two\nlines"', '"two\r\nlines"'])
def test_lines_of_a_table_can_end_in_several_ways(tmp_path, count, kinds, ends, cell):
    """As of who joins files, or writes prompts of many lines by Python's csv."""
    lines = ["input_tokens,output_tokens,model", f"5,6,{cell}", "5,6", "7,8,x", ""]
    one, other = (end.join(lines) for end in ends)
    text = one + other.partition(ends[1])[2]
    for name, content in {"one": other, "both": text}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.csv").write_bytes(content.encode())
    assert kinds(count(tmp_path / "one")) == {"rows": 2, "unreadable": 1}
    tables = count(tmp_path / "both")
    assert kinds(tables) == {"rows": 4, "unreadable": 2}
    assert tables["lengths"][["input", "output"]].sum().tolist() == [24, 28]


def test_blanks_around_names_do_not_count(tmp_path, count):
    text = "input_tokens,output_tokens,model,tenant\n5,6, ours\t,a\n5,6,ours, a\u00a0\n5,6, ,\n"
    (tmp_path / "log.csv").write_text(text)
    tables = count(tmp_path / "log.csv")
    assert tables["lengths"]["model"].fillna("").tolist() == ["ours", ""]
    assert tables["tenants"]["tenant"].fillna("").tolist() == ["a", ""]


ELSEWHERE = {
    "litellm": (
        {"prompt_tokens": 100, "completion_tokens": 10, "request_id": "1", "startTime": ""},
        ("cache_hit", ["None", "True", "False"]),
    ),
    "opentelemetry": (
        {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10},
        ("gen_ai.operation.name", ["chat", "invoke_agent", "text_completion"]),
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_rows_that_no_model_answered_do_not_count(tmp_path, count, kinds, name):
    row, (column, values) = ELSEWHERE[name]
    pd.DataFrame([row | {column: value} for value in values]).to_csv(tmp_path / "log.csv")
    tables = count(tmp_path / "log.csv")
    assert kinds(tables)["answered elsewhere"] == 1
    assert tables["lengths"]["n"].sum() == 2


def test_a_bucket_of_a_usage_export_without_usage_has_no_requests(tmp_path, count, kinds):
    (tmp_path / "log.csv").write_text(
        "start_time,end_time,num_model_requests,input_tokens,output_tokens\n"
        "1761523200,1761523260,3.0,4212,1673\n"
        "1761523260,1761523320,,,\n"
        "1761523320,1761523380,,70,\n"
    )
    assert kinds(count(tmp_path / "log.csv")) == {"rows": 3, "no requests": 1, "no tokens": 1}


def test_examples_of_no_output_are_of_rows_that_count(tmp_path, count, kinds):
    """A bucket without requests has no output either, and is told as the one alone."""
    (tmp_path / "log.csv").write_text(f"{USAGE}1735689600,m,0,0,0\n1735689600,m,5,0,1\n")
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 2, "no requests": 1, "no output": 1}
    rows = tables["examples"][["kind", "row"]].to_numpy().tolist()
    assert sorted(rows) == [["no output", 1], ["no requests", 0]]


def test_pages_of_another_service_are_told_and_not_dropped(tmp_path, count, kinds):
    usage = '{"input_tokens": 100, "output_tokens": 50, "num_model_requests": 5}'
    other = '{"prompt_tokens": 100, "completion_tokens": 50}'
    (tmp_path / "0.json").write_text(
        f'{{"data": [{{"start_time": 1761523200, "results": [{usage}]}}]}}'
    )
    (tmp_path / "1.json").write_text(f'{{"data": [{other}, {other}]}}')
    assert kinds(count(tmp_path)) == {"rows": 1, "unreadable": 2}


@pytest.mark.parametrize("cell", ["n/a", "None", "-", "null", "1 234", "NaN", "inf", "1e400"])
def test_cells_that_are_no_numbers_lose_no_row_of_a_table(tmp_path, count, kinds, cell):
    rows = [f"100,10,{cell}", "100,10,5", f"{cell},10,5", f"100,{cell},5"]
    text = "\n".join(["input_tokens,output_tokens,reasoning_tokens", *rows, ""])
    (tmp_path / "log.csv").write_text(text)
    tables = count(tmp_path / "log.csv")
    told = {} if cell in NOTHING else {"no number": 1, "unreadable tokens": 2}
    assert kinds(tables) == {"rows": 4, "no tokens": 2} | told
    assert (tables["lengths"]["n"].sum(), tables["lengths"]["reasoning"].sum()) == (2, 5)


@pytest.mark.parametrize("cell", ["1e300", str(2**64), str(2**63), str(-(2**64))])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_numbers_beyond_whole_ones_are_absurd_or_negative(tmp_path, count, kinds, cell, kind):
    rows = [(cell, "10"), ("100", cell), ("100", "10")]
    path, names = tmp_path / f"log.{kind}", ("input_tokens", "output_tokens")
    if kind == "jsonl":
        lines = [f'{{"{names[0]}": {one}, "{names[1]}": {two}}}' for one, two in rows]
        path.write_text("\n".join(lines))
    elif kind == "csv":
        path.write_text("\n".join(map(",".join, [names, *rows])))
    else:
        pd.DataFrame([tuple(map(float, row)) for row in rows], columns=names).to_parquet(path)
    tables = count(path)
    told = "negative" if cell.startswith("-") else "absurd"
    assert kinds(tables) == {"rows": 3, told: 2}
    assert tables["lengths"]["n"].sum() == 1


@pytest.mark.parametrize("first", [0, 2_000])
def test_a_line_of_json_that_is_no_object_is_told(first, tmp_path, count, kinds):
    """A list, a number or a text has no columns, as the first line or after many; {} lacks some."""
    request, other = '{"input_tokens": 5, "output_tokens": 6}\n', '[]\n5\n"x"\nnull\n[1, 2]\n'
    (tmp_path / "log.jsonl").write_text(first * request + other + request + "{}\n")
    tables = count(tmp_path / "log.jsonl")
    assert kinds(tables) == {"rows": first + 2, "unreadable": 5, "no tokens": 1}
    rows = tables["examples"].query("kind == 'unreadable'")["row"]
    assert rows.tolist() == [first, first + 1, first + 2]


def test_a_request_with_a_key_twice_is_told(tmp_path, count, kinds):
    twice = '{"input_tokens": 5, "output_tokens": 6, "input_tokens": 500}'
    within = '{"input_tokens": 5, "output_tokens": 6, "input": {"a": 1, "a": 2}}'
    (tmp_path / "log.jsonl").write_text(f"{twice}\n{within}\n")
    tables = count(tmp_path / "log.jsonl")
    assert kinds(tables) == {"rows": 1, "unreadable": 1}
    assert tables["examples"]["row"].tolist() == [0]


@pytest.mark.parametrize("word", ["\\N", "NULL", "null", "None", "nan", "<NA>", " NaN "])
def test_what_is_written_for_nothing_is_no_name(tmp_path, count, kinds, word):
    text = "input_tokens,output_tokens,model,tenant,id\n"
    text += f"5,6,{word},{word},{word.strip()}\n" * 2 + "5,6,ours,a,x\n"
    (tmp_path / "log.csv").write_text(text)
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 3}
    assert tables["lengths"]["model"].fillna("").tolist() == ["ours", ""]
    assert tables["tenants"]["tenant"].fillna("").tolist() == ["a", ""]


def test_reasoning_above_output_is_told_and_taken_as_all_of_it(tmp_path, count, kinds):
    rows = ["100,10,9000000000000000000"] * 2 + ["100,10,11", "100,10,10", "100,10,"]
    text = "\n".join(["input_tokens,output_tokens,reasoning_tokens", *rows, ""])
    (tmp_path / "log.csv").write_text(text)
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 5, "reasoning above output": 3}
    assert tables["lengths"]["reasoning"].sum() == 40


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_total_tokens_that_contradict_their_row_are_told(tmp_path, count, kinds, ending):
    """As where a service counts reasoning tokens beside the output, not in it."""
    totals = ["15", "16", "", "many", "15.5"] if ending != "parquet" else [15, 16, None, -1, 10**18]
    rows = [{"input_tokens": 10, "output_tokens": 5, "total_tokens": value} for value in totals]
    path = tmp_path / f"log.{ending}"
    if ending == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        getattr(pd.DataFrame(rows), f"to_{ending}")(path, index=False)
    tables = count(path)
    assert kinds(tables) == {"rows": 5, "other total": 3}
    assert tables["examples"]["row"].tolist() == [1, 3, 4]
    assert tables["lengths"][["n", "input", "output"]].sum().tolist() == [5, 50, 25]


@pytest.mark.parametrize("total", ["Total tokens", "total_tokens"])
def test_formats_know_their_total_tokens(tmp_path, count, kinds, total):
    burst = {"Timestamp": 1, "Model": "m", "Request tokens": 10, "Response tokens": 5}
    litellm = {"startTime": "2025-01-01", "model": "m", "prompt_tokens": 10, "completion_tokens": 5}
    row = burst if total == "Total tokens" else litellm
    pd.DataFrame([row | {total: 10**7}]).to_csv(tmp_path / "log.csv", index=False)
    assert kinds(count(tmp_path / "log.csv")) == {"rows": 1, "other total": 1}


def test_the_largest_numbers_are_held_against_their_total(tmp_path, count, kinds):
    rows = pd.DataFrame({name: ["1e300"] for name in ("input_tokens", "output_tokens")})
    rows.assign(total_tokens="-1e300").to_csv(tmp_path / "log.csv", index=False)
    assert kinds(count(tmp_path / "log.csv")) == {"rows": 1, "absurd": 1, "other total": 1}


def test_usage_of_more_tokens_than_there_are_is_absurd(tmp_path, count, kinds):
    rows = [f"1735689600,m,{99 * 10**14},{99 * 10**14},{10**9}"] * 1000 + ["1735689600,m,9,9,9"]
    (tmp_path / "log.csv").write_text(USAGE + "\n".join([*rows, ""]))
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 1001, "absurd": 1000}
    assert tables["lengths"]["n"].sum() == 9


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (1, r"log.parquet: Conversion Error: .*; correct the value"),
        (2, "more than 9.2e\\+18 tokens"),
    ],
)
def test_more_tokens_than_a_whole_number_holds_are_refused(tmp_path, count, cells, words):
    """Neither a cell of lengths nor what is added up from cells may turn over in silence."""
    columns = (
        f"10000000000000 AS input_tokens, 1000000000 AS output_tokens, i % {cells} AS start_time"
    )
    columns += f", 1000000000 - i % {cells} * 500000000 AS num_model_requests"
    sql = f"SELECT {columns} FROM range(1000000) t(i)"
    duckdb.sql(f"COPY ({sql}) TO '{tmp_path}/log.parquet'")
    with pytest.raises(InputError, match=words):
        count(tmp_path / "log.parquet")


@pytest.mark.parametrize("requests", ["2.5", "many"])
def test_a_number_of_requests_that_is_none_is_told(tmp_path, count, kinds, requests):
    (tmp_path / "log.csv").write_text(f"{USAGE}1735689600,m,90,9,{requests}\n1735689600,m,90,9,\n")
    tables = count(tmp_path / "log.csv")
    assert kinds(tables) == {"rows": 2, "no requests": 1}
    assert tables["lengths"]["n"].sum() == 1


def test_dates_beyond_all_times_are_no_time(tmp_path, count, kinds):
    days = "(DATE '1970-01-01' + i::INTEGER) AS start"
    sql = (
        f"SELECT {days}, 5 AS input_tokens, 6 AS output_tokens FROM (VALUES (9), (2147483646)) t(i)"
    )
    duckdb.sql(f"COPY ({sql}) TO '{tmp_path}/log.parquet'")
    told = {"no time": 1, "unreadable time": 1}
    assert kinds(count(tmp_path / "log.parquet")) == {"rows": 2} | told


def test_times_that_a_file_cannot_give_are_one_error(tmp_path, count):
    start = pa.array([5, 2**62], pa.timestamp("ms"))
    table = pa.table({"start": start, "input_tokens": [5, 5], "output_tokens": [6, 6]})
    pq.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(InputError, match=r"log.parquet: .*Could not convert Timestamp.*; correct"):
        count(tmp_path / "log.parquet")


def test_a_column_of_the_readers_own_name_is_refused(tmp_path, count):
    sql = "SELECT 5 AS input_tokens, 6 AS output_tokens, 1 AS File_row_number"
    duckdb.sql(f"COPY ({sql}) TO '{tmp_path}/log.parquet'")
    with pytest.raises(InputError, match=r"column File_row_number: .*; rename"):
        count(tmp_path / "log.parquet")


def test_requests_without_input_are_told(tmp_path, count, kinds):
    path = tmp_path / "log.csv"
    path.write_text("input_tokens,output_tokens\n0,5\n3,5\n0,0\n")
    found = count(path)
    assert kinds(found) == {"rows": 3, "no input": 2, "no output": 1}
    assert found["lengths"]["n"].sum() == 3


@pytest.mark.parametrize(
    ("said", "meant", "told"),
    [
        ("s", "s", {}),
        ("ms", "ms", {}),
        ("ms", "s", {"too fast": 3, "early 1970": 3}),
        ("s", "ms", {"no time": 3, "no end": 3, "unreadable time": 3, "not in the load": 3}),
    ],
)
def test_times_in_another_unit_than_the_format_says_are_told(
    tmp_path, count, kinds, said, meant, told
):
    times = 1 if meant == "s" else 1000
    rows = [f"{(1.7e9 + n) * times:.0f},{(1.7e9 + n + 20) * times:.0f},100,300" for n in range(3)]
    (tmp_path / "log.csv").write_text("\n".join(["from,to,input,output", *rows, ""]))
    columns = {"start": "from", "end": "to", "input": "input", "output": "output"}
    form = {"source": "", "time": said, "columns": columns}
    found = kinds(count(tmp_path / "log.csv", form=form))
    assert {kind: n for kind, n in found.items() if kind != "rows"} == told


@pytest.mark.parametrize(
    ("unit", "lasted", "told"),
    [
        ("s", 20, {}),
        ("ms", 20_000, {}),
        ("ms", 20, {"too fast": 1}),
        ("s", 20_000, {"too slow": 1}),
        # the bounds themselves: 400 and 5,000 tokens a second, and 400 of both in 400 seconds
        ("ms", 750, {}),
        ("ms", 749, {"faster than measured": 1}),
        ("ms", 60, {"faster than measured": 1}),
        ("ms", 59, {"too fast": 1}),
        ("s", 400, {}),
        ("s", 401, {"too slow": 1}),
        ("s", 0, {}),
    ],
)
def test_durations_in_another_unit_than_the_format_says_are_told(
    tmp_path, count, kinds, unit, lasted, told
):
    (tmp_path / "log.csv").write_text(f"at,took,input,output\n2025-01-01,{lasted},100,300\n")
    columns = {"start": "at", "duration": "took", "input": "input", "output": "output"}
    form = {"source": "", "time": "text", "duration_unit": unit, "columns": columns}
    found = kinds(count(tmp_path / "log.csv", form=form))
    assert {kind: n for kind, n in found.items() if kind != "rows"} == told


def test_rows_that_are_the_same_in_all_cells_are_told_whatever_their_files(tmp_path, count, kinds):
    folder = tmp_path / "log"
    folder.mkdir()
    rows = [f"2025-01-01 10:00:00.{n:03},2025-01-01 10:00:05,a,{100 + n},0,10" for n in range(50)]
    write(folder / "day.csv", *rows)
    write(folder / "hour.csv", rows[10], *rows[10:20])
    for parts in (1, 2):
        tables = count(folder, parts)
        assert kinds(tables) == {"rows": 61, "same in all cells": 11}
        assert tables["lengths"]["n"].sum() == 61
    # of a part of the bins of time all is told, or nothing
    found = {kinds(count(folder, one_in=8)).get("same in all cells", 0)}
    assert found <= {0, 8 * 11}


def test_rows_that_differ_in_their_ids_alone_are_told(tmp_path, count, kinds):
    """A gateway that logged every request under two ids was charged twice without a word."""
    folder = tmp_path / "log"
    folder.mkdir()
    names = "start,end,model,input_tokens,output_tokens,id"
    rows = [
        f"2025-01-01 10:00:00,2025-01-01 10:00:05.{n:03},a,{100 + n},10,r{n}" for n in range(1, 51)
    ]
    for hop in (0, 1):
        lines = [names, *(f"{row}-{hop}" for row in rows), ""]
        (folder / f"{hop}.csv").write_text("\n".join(lines))
    for parts in (1, 2):
        assert kinds(count(folder, parts)) == {"rows": 100, "same in all cells": 50}


@pytest.mark.parametrize("other", ["b,100,0,10", "a,100,1,10", "a,100,0,11", "a,101,0,10"])
def test_rows_that_differ_in_a_cell_are_not_the_same(tmp_path, count, kinds, other):
    times = "2025-01-01 10:00:00.5,2025-01-01 10:00:05"
    path = write(tmp_path / "log.csv", f"{times},a,100,0,10", f"{times},{other}")
    assert kinds(count(path)) == {"rows": 2}


def test_whole_seconds_and_ids_tell_nothing_of_the_same_rows(tmp_path, count, kinds):
    path = write(
        tmp_path / "log.csv", *["2025-01-01 10:00:00,2025-01-01 10:00:05.5,a,100,0,10"] * 2
    )
    assert kinds(count(path)) == {"rows": 2}
    rows = [{"id": n, "start": "2025-01-01 10:00:00.5"} for n in (1, 2)]
    rows = [row | {"input_tokens": 5, "output_tokens": 6} for row in rows]
    pd.DataFrame(rows).to_parquet(tmp_path / "log.parquet")
    assert kinds(count(tmp_path / "log.parquet")) == {"rows": 2}

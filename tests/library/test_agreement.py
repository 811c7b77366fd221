"""What the cells of a row say of each other: a number in another unit is seen by its neighbours."""

import re

import numpy as np
import pandas as pd
import pytest
from inference_energy.agreement import PRODUCT, broken, unusual
from inference_energy.errors import InputError
from inference_energy.requests.counts import MOST_RATE
from inference_energy.tables import load_schema, read_table, row_problems, schema_names
from repository import ROOT

LISTED = re.findall(
    r'\("(data/\S+)", "(\w+)"\)', (ROOT / "workflow" / "rules" / "tables.smk").read_text()
)
NUMBER = {"type": ["number", "null"]}


def numeric(schema):
    columns = load_schema(schema)["properties"]
    return {
        name: column
        for name, column in columns.items()
        if {"number", "integer"} & {*np.atleast_1d(column.get("type", "string"))}
    }


def refused_with(tmp_path, table, schema, row, column, factor):
    """Problems of a table in which one cell is multiplied."""
    frame = pd.read_csv(ROOT / table, dtype=str, keep_default_na=False)
    frame.loc[row, column] = f"{float(frame.loc[row, column]) * factor:.9f}".rstrip("0").rstrip(".")
    frame.to_csv(tmp_path / "t.csv", index=False)
    try:
        read_table(tmp_path / "t.csv", schema)
    except InputError as error:
        return error.problems
    return []


def test_what_may_be_at_most_another_column_may_be_as_much_or_empty():
    schema = {"properties": {"a": NUMBER | {"x-at-most": "b"}, "b": NUMBER}}
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan, 3.0], "b": [1.0, 3.0, 1.0, np.nan]})
    assert row_problems("t.csv", frame, np.arange(2, 6), schema) == []
    (problem,) = row_problems("t.csv", frame.add([0.5, 0]), np.arange(2, 6), schema)
    assert problem == (
        't.csv, line 2, column "a": value 1.5; allowed is at most b, 1; correct one of them'
    )


def test_a_column_is_filled_where_another_says_so_and_nowhere_else():
    schema = {
        "properties": {
            "kind": {"type": "string"},
            "end": NUMBER | {"x-filled-where": {"kind": ["range", "band"]}},
        }
    }
    frame = pd.DataFrame({"kind": ["range", "band", "one", "one"], "end": [1.0, 2.0, np.nan, 3.0]})
    (problem,) = row_problems("t.csv", frame, np.arange(2, 6), schema)
    assert problem == (
        't.csv, line 5, column "end": is filled; allowed is that where kind is range or band, and'
        " nowhere else; empty the cell, or correct kind"
    )
    frame["end"] = [np.nan, 2.0, np.nan, np.nan]
    (problem,) = row_problems("t.csv", frame, np.arange(2, 6), schema)
    assert problem.startswith('t.csv, line 2, column "end": is empty; a number is needed where')
    assert problem.endswith("kind is range or band; fill the cell, or correct kind")


def test_a_number_has_at_most_the_decimals_that_another_column_states():
    schema = {"properties": {"value": NUMBER | {"x-decimals": "places"}, "places": NUMBER}}
    values = [0.34, 0.345, 0.3, 12.0, 12.5, 1e-7, np.nan, 0.1]
    frame = pd.DataFrame({"value": values, "places": [2, 2, 2, 0, 0, 6, 1, np.nan]})
    found = row_problems("t.csv", frame, np.arange(2, 10), schema)
    assert [re.match(r"t.csv, line (\d+), ", problem)[1] for problem in found] == ["3", "6", "7"]
    assert found[0].endswith(
        'column "value": value 0.345; allowed are at most the 2 decimals that places states;'
        " correct one of them"
    )


@pytest.mark.parametrize(
    "stated",
    [
        {"relation": "within"},
        {"relation": "within", "upper": "10.5"},
        {"upper": "10.7"},
        {"relation": "at most", "upper": "10.7"},
        {"value": "10.65"},
        {"relation": "within", "upper": "10.75"},
    ],
)
def test_a_claim_that_no_number_could_hold_is_refused(tmp_path, stated):
    frame = pd.read_csv(ROOT / "data/published/claims.csv", dtype=str, keep_default_na=False)
    row = frame.index[(frame["relation"] == "equal") & (frame["decimals"] == "1")][0]
    frame.loc[row, ["value", "upper"]] = ["10.6", ""]
    for column, value in stated.items():
        frame.loc[row, column] = value
    frame.to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(InputError, match=f"line {row + 2}, column"):
        read_table(tmp_path / "claims.csv", "claims_published")


def test_bounds_by_another_column_hold_for_its_value_alone():
    limits = {"minimum": 1, "maximum": 3, "x-reason": "it is so"}
    schema = {
        "properties": {
            "value": NUMBER | {"x-by": {"quantity": {"PUE": limits}}},
            "quantity": {"type": "string"},
        }
    }
    frame = pd.DataFrame(
        {
            "value": [1.0, 3.0, 3.01, 0.99, 115.0, np.nan],
            "quantity": ["PUE", "PUE", "PUE", "PUE", "water", "PUE"],
        }
    )
    assert row_problems("t.csv", frame, np.arange(2, 8), schema) == [
        f't.csv, line {line}, column "value": value {value}; allowed is 1 to 3 where quantity is'
        " PUE, as it is so; correct the value or remove the row"
        for line, value in ((4, "3.01"), (5, "0.99"))
    ]
    # a row that does not say what its number is of is told as such, and held to no other's bounds
    unnamed = frame.assign(quantity=pd.array([None] * 6, dtype="string"))
    assert row_problems("t.csv", unnamed, np.arange(2, 8), schema) == []


def test_a_product_is_held_where_all_its_numbers_are_known():
    rule = {
        "powers": {"power": -1, "rate": 1, "energy": 1},
        "minimum": 0.9,
        "maximum": 1.1,
        "x-reason": "power is rate times energy",
    }
    schema = {"x-agree": [rule], "properties": dict.fromkeys(rule["powers"], NUMBER)}
    frame = pd.DataFrame(
        {
            "power": [10.0, 10.0, 10.0, np.nan, 10.0],
            "rate": [5.0, 5.0, 5.0, 5.0, 5.5],
            "energy": [2.0, 2000.0, 0.002, 2.0, 2.0],
        }
    )
    first, second = row_problems("t.csv", frame, np.arange(2, 7), schema)
    assert first == (
        't.csv, line 3, columns "power", "rate", "energy": values 10, 5, 2000 make rate x energy /'
        " power 1000; allowed is 0.9 to 1.1, as power is rate times energy; correct the one that"
        " is wrong"
    )
    assert second.startswith("t.csv, line 4")


def test_a_product_of_some_rows_has_powers_and_bounds_of_its_own():
    rule = {
        "powers": {"weights": 1, "layers": -1, "width": -2},
        "where": {"kind": ["a", "b"]},
        "minimum": 4,
        "maximum": 40,
        "x-reason": "it is so",
    }
    schema = {
        "x-agree": [rule],
        "properties": {
            **dict.fromkeys(rule["powers"], NUMBER),
            "kind": {"enum": ["a", "b", "c", None]},
        },
    }
    frame = pd.DataFrame(
        {
            "weights": [80.0, 800.0, 800.0, 800.0, 8.0],
            "layers": [2.0] * 5,
            "width": [2.0] * 5,
            "kind": ["a", "b", "c", None, "a"],
        }
    )
    first, second = row_problems("t.csv", frame, np.arange(2, 7), schema)
    assert first == (
        't.csv, line 3, columns "weights", "layers", "width": values 800, 2, 2 make weights /'
        " layers / width^2 100; allowed is 4 to 40 where kind is b, as it is so; correct the one"
        " that is wrong"
    )
    assert second.startswith("t.csv, line 6") and "where kind is a" in second


def test_a_product_is_of_the_rows_that_have_all_of_several_values():
    rule = {
        "powers": {"a": 1},
        "where": {"kind": ["x"], "way": ["y", "z"]},
        "minimum": 1,
        "maximum": 2,
        "x-reason": "it is so",
    }
    words = {"type": "string"}
    schema = {"x-agree": [rule], "properties": {"a": NUMBER, "kind": words, "way": words}}
    frame = pd.DataFrame({"a": [3.0] * 4, "kind": [*"xxvx"], "way": [*"yvyz"]})
    assert row_problems("t.csv", frame, np.arange(2, 6), schema) == [
        f't.csv, line {line}, columns "a": values 3 make a 3; allowed is 1 to 2 where kind is x'
        f" where way is {way}, as it is so; correct the one that is wrong"
        for line, way in ((2, "y"), (5, "z"))
    ]


def test_products_of_rows_are_told_of_every_source_in_their_order():
    rules = [
        {"powers": {"a": 1, "b": -1}, "minimum": 1, "maximum": 2, "x-reason": "one"},
        {"powers": {"b": 1}, "minimum": 1, "maximum": 2, "x-reason": "two"},
    ]
    schema = {
        "x-rows": {"by": "source", "name": "what", "value": "value", "rules": rules},
        "properties": {"what": {}, "value": NUMBER, "source": {}},
    }
    # a bound itself is allowed
    frame = pd.DataFrame(
        {
            "what": ["b", "a", "b", "a", "b", "a"],
            "value": [1.0, 3.0, 2.0, 4.0, 2.5, 2.0],
            "source": ["z", "z", "m", "m", "a", "a"],
        }
    )
    assert row_problems("t.csv", frame, np.arange(2, 8), schema) == [
        't.csv, line 3, column "value": values 3, 1 of source z make a / b 3; allowed is 1 to 2, as'
        " one; correct the one that is wrong",
        't.csv, line 7, column "value": values 2, 2.5 of source a make a / b 0.8; allowed is 1 to'
        " 2, as one; correct the one that is wrong",
        't.csv, line 6, column "value": values 2.5 of source a make b 2.5; allowed is 1 to 2, as'
        " two; correct the one that is wrong",
    ]


def along(**columns):
    """Problems of a table whose lengths rise along the even levels of each series."""
    schema = {
        "properties": {
            "series": {"type": "string"},
            "level": NUMBER | {"x-even": "series"},
            "length": NUMBER | {"x-rises": ["series", "level"]},
        }
    }
    frame = pd.DataFrame(columns)
    return row_problems("t.csv", frame, np.arange(2, len(frame) + 2), schema)


def test_levels_of_a_series_are_even_steps_from_zero_to_one():
    rising = [1.0, 2.0, 2.0, 4.0]
    series = ["a", "a", "b", "b"]
    assert along(series=series, level=[0.0, 1.0, 1.0, 0.0], length=[1.0, 2.0, 4.0, 2.0]) == []
    thirds = [0.0, 0.3333, 0.6667, 1.0]
    assert along(series=["a"] * 4, level=thirds, length=rising) == []
    # a level may be off by a twentieth of a step
    assert along(series=["a"] * 2, level=[0.05, 1.0], length=[1.0, 2.0]) == []
    (off,) = along(series=["a"] * 2, level=[0.051, 1.0], length=[1.0, 2.0])
    assert off.startswith('t.csv, line 2, column "level": value 0.051; allowed is 0, as the 2 rows')
    # which is shorter the more levels there are
    for level, refused in ((0.524, 0), (0.526, 1)):
        three = along(series=["a"] * 3, level=[0.0, level, 1.0], length=[1.0, 2.0, 3.0])
        assert len(three) == refused
    # a cell that is no number is told as such
    assert along(series=["a"] * 4, level=[0.0, np.nan, 0.6, 1.0], length=rising) == []
    uneven = along(series=["b", *["a"] * 3], level=[0.0, 0.0, 0.9, 1.0], length=rising)
    told = "correct it, or state the rows that are missing"
    assert uneven == [
        't.csv, line 2, column "level": value 0; allowed are 2 or more even steps from 0 to 1 for'
        f" series b, which has 1; {told}",
        't.csv, line 4, column "level": value 0.9; allowed is 0.5, as the 3 rows of series a are'
        f" even steps from 0 to 1; {told}",
    ]


def test_lengths_of_a_series_never_fall_along_its_levels():
    fallen = along(
        series=["a", "b", "a", "b", "a"],
        level=[1.0, 0.0, 0.0, 1.0, 0.5],
        length=[3.0, 9.0, 2.0, np.nan, 4.0],
    )
    assert fallen == [
        't.csv, line 2, column "length": value 3; allowed is at least 4, which series a has at'
        " level 0.5, as it never falls; correct one of them"
    ]


def test_a_trace_is_refused_whose_levels_or_lengths_are_not_what_a_method_reads(tmp_path):
    table = (ROOT / "data" / "request_lengths.csv").read_text()
    (row,) = re.findall(r"^azure-2023-conv,\d+,0\.5,.*\n", table, re.MULTILINE)
    changed = tmp_path / "t.csv"
    for text, words in (
        (table.replace(row, ""), "as the 200 rows of trace azure-2023-conv are even steps"),
        (table.replace(row, re.sub(r",\d+,azure", ",2000,azure", row)), "is at least 2000, which"),
    ):
        changed.write_text(text)
        with pytest.raises(InputError, match=re.escape(words)):
            read_table(changed, "request_lengths")


def test_a_number_of_a_series_is_the_same_in_all_its_rows():
    schema = {"properties": {"series": {"type": "string"}, "n": NUMBER | {"x-same": "series"}}}
    frame = pd.DataFrame({"series": [*"abaabb"], "n": [7, 4, 5, 7, np.nan, 4]})
    problems = row_problems("t.csv", frame, np.arange(2, 8), schema)
    assert problems == [
        't.csv, line 4, column "n": value 5; allowed is 7, which most rows of series a have, as it'
        " is one number; correct it, or give each number a series of its own"
    ]
    assert row_problems("t.csv", frame.drop(2), np.arange(2, 7), schema) == []
    # a cell that names no series is told as such
    for series in ([None] * 6, ["a", None, None, "b", None, None]):
        unnamed = frame.assign(series=pd.Series(series, dtype=object))
        assert row_problems("t.csv", unnamed, np.arange(2, 8), schema) == []
    # of a series without a number there is nothing to tell
    empty = frame.assign(n=[7.0, np.nan, 7.0, 7.0, np.nan, np.nan])
    assert row_problems("t.csv", empty, np.arange(2, 8), schema) == []
    # of numbers as frequent as each other the least is taken for the right one
    for numbers in ([8, 9], [9, 8]):
        even = pd.DataFrame({"series": ["a", "a"], "n": numbers})
        (problem,) = row_problems("t.csv", even, np.arange(2, 4), schema)
        assert problem.partition(": ")[2].startswith("value 9; allowed is 8, which most")


def test_series_are_told_in_the_order_of_the_file():
    schema = {"properties": {"series": {"type": "string"}, "n": NUMBER | {"x-same": "series"}}}
    frame = pd.DataFrame({"series": [*"bbbaaa"], "n": [1, 1, 2, 3, 3, 4]})
    told = row_problems("t.csv", frame, np.arange(2, 8), schema)
    assert [re.search(r"series (\w) ", problem)[1] for problem in told] == ["b", "a"]
    fallen = along(series=[*"bbaa"], level=[0.0, 1.0, 0.0, 1.0], length=[2.0, 1.0, 4.0, 3.0])
    assert [re.search(r"which series (\w) has", problem)[1] for problem in fallen] == ["b", "a"]


def test_a_column_exchanged_for_the_requests_of_a_trace_is_refused(tmp_path):
    frame = pd.read_csv(ROOT / "data" / "request_lengths.csv", dtype=str)
    for other in ("input_tokens", "output_tokens"):
        names = {"n_requests": other, other: "n_requests"}
        frame.rename(columns=names).to_csv(tmp_path / "t.csv", index=False)
        with pytest.raises(InputError, match=r'"n_requests": value .* as it is one number'):
            read_table(tmp_path / "t.csv", "request_lengths")


STATING = {
    "x-states": {"by": "where", "forms": [r"in (?P<a>\d+), out (?P<b>\d+)$", r"(?P<a>\d+)x"]},
    "properties": {"a": NUMBER, "b": NUMBER, "where": {"type": ["string", "null"]}},
}


def test_what_a_row_says_of_its_numbers_is_what_they_are():
    where = ["table 7, in 5, out 9", "5x9", None, "in 5, out 9", "in 5, out 9 s", "in 5, out 9"]
    frame = pd.DataFrame({"a": [5.0] * 6, "b": [9.0] * 6, "where": where})
    assert row_problems("t.csv", frame, np.arange(2, 8), STATING) == []
    exchanged = frame.rename(columns={"a": "b", "b": "a"})
    exchanged.loc[5, "a"] = np.nan
    assert row_problems("t.csv", exchanged, np.arange(2, 8), STATING) == [
        f't.csv, line {line}, column "{name}": value {value}; allowed is {other}, which column'
        f" where says ({said}); correct the one that is wrong"
        for line, name, value, other, said in (
            (2, "a", 9, 5, "in 5, out 9"),
            (3, "a", 9, 5, "5x"),
            (5, "a", 9, 5, "in 5, out 9"),
            (2, "b", 5, 9, "in 5, out 9"),
            (5, "b", 5, 9, "in 5, out 9"),
            (7, "b", 5, 9, "in 5, out 9"),
        )
    ]


def test_a_product_that_a_row_says_is_that_of_its_columns_an_empty_one_being_one():
    schema = STATING | {"x-states": {"by": "where", "forms": [r"on (?P<a_x_b>\d+)$"]}}
    frame = pd.DataFrame({"a": [2.0, 8.0, 8.0], "b": [4.0, np.nan, 8.0], "where": ["on 8"] * 3})
    assert row_problems("t.csv", frame, np.arange(2, 5), schema) == [
        't.csv, line 4, columns "a" x "b": value 64; allowed is 8, which column where says (on 8);'
        " correct the one that is wrong"
    ]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("tensor_parallel", r'columns "tensor_parallel" x "attention_data_parallel": value 8'),
        ("attention_data_parallel", r'x "attention_data_parallel": value 8; allowed is 4'),
        ("expert_parallel", r'column "expert_parallel": value 2; allowed is 1'),
    ],
)
def test_a_layout_of_which_the_locator_says_otherwise_is_refused(column, told, tmp_path):
    """Ten times the copies of the attention in data/throughput/at_load.csv made 0.87 Wh of 0.23."""
    frame = pd.read_csv(ROOT / "data/throughput/at_load.csv", dtype=str)
    frame = frame[frame["locator"].str.contains("_tp4_ep1_", regex=False)]
    frame[column] = [str(2 * int(number)) for number in frame[column]]
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=told):
        read_table(tmp_path / "t.csv", "throughput")


@pytest.mark.parametrize("table", ["at_load", "deepseek_r1", "oviedo", "trtllm"])
def test_lengths_exchanged_are_refused_where_the_locator_has_them(table, tmp_path):
    frame = pd.read_csv(ROOT / "data" / "throughput" / f"{table}.csv", dtype=str)
    names = {"input_tokens": "output_tokens", "output_tokens": "input_tokens"}
    frame.rename(columns=names).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=r'"output_tokens": value .* which column locator says'):
        read_table(tmp_path / "t.csv", "throughput")


def test_many_rows_that_break_one_rule_are_told_once():
    schema = {"properties": {"a": NUMBER | {"x-at-most": "b"}, "b": NUMBER}}
    frame = pd.DataFrame({"a": np.full(9, 2.0), "b": np.full(9, 1.0)})
    problems = row_problems("t.csv", frame, np.arange(2, 11), schema)
    assert len(problems) == 6
    assert problems[-1] == 't.csv, column "a": 4 more rows that break the same rule'


@pytest.mark.parametrize("schema", schema_names())
def test_rules_are_about_columns_of_their_table(schema):
    spec = load_schema(schema)
    columns = spec["properties"]
    for column in columns.values():
        named = {column.get(f"x-{rule}") for rule in ("at-most", "decimals", "even", "same")}
        assert named <= {None, *columns}
        for other, values in column.get("x-filled-where", {}).items():
            assert {*values} < {*columns[other]["enum"]} and "null" in column["type"]
        assert {*column.get("x-rises", [])} <= {*columns}
        for other, bounds in column.get("x-by", {}).items():
            assert set(bounds) == {value for value in columns[other]["enum"] if value is not None}
            assert all(
                set(b) - {"x-usual"} == {"minimum", "maximum", "x-reason"} for b in bounds.values()
            )
            inner = [(b, b["x-usual"]) for b in bounds.values() if "x-usual" in b]
            assert all(b["minimum"] <= u["minimum"] for b, u in inner)
            assert all(u["maximum"] <= b["maximum"] for b, u in inner)
            assert all(column["minimum"] <= b["minimum"] for b in bounds.values())
            assert all(b["maximum"] <= column["maximum"] for b in bounds.values())
    for rule in spec.get("x-agree", []):
        bounds = {"minimum", "maximum", "x-reason"}
        assert set(rule) - {"where", "x-usual", "x-or"} == {"powers"} | bounds
        for other in rule.get("x-or", []):
            assert set(other) == {"of"} | bounds and {*other["of"]} < {*columns}
            for name, limits in other["of"].items():
                assert limits["minimum"] < limits["maximum"] <= columns[name]["maximum"]
        usual = rule.get("x-usual", rule)
        assert rule["minimum"] <= usual["minimum"] < usual["maximum"] <= rule["maximum"]
        for name, values in rule.get("where", {}).items():
            # of a column that any value may be in, a table of data/ has each
            listed = [
                read_table(ROOT / table, schema)[name] for table, of in LISTED if of == schema
            ]
            assert {*values} < {*columns[name].get("enum", pd.concat([*listed, pd.Series()]))}
        # no divisor may be zero
        assert all(
            columns[name].get("exclusiveMinimum", columns[name].get("minimum", -1) - 1e-9) >= 0
            for name, power in rule["powers"].items()
            if power < 0
        )
        assert set(rule["powers"].values()) <= {-2, -1, 1}
    for rule in spec.get("x-sums", []):
        assert set(rule) == {"terms", "to", "minimum", "maximum", "x-reason"}
        assert rule["minimum"] < 1 < rule["maximum"] and len(rule["terms"]) > 1
        for name, power in [pair for each in [*rule["terms"], rule["to"]] for pair in each.items()]:
            assert power in (-1, 1) and columns[name]["minimum"] > 0
    states = spec.get("x-states", {"forms": []})
    for form in map(re.compile, states["forms"]):
        named = {name for group in form.groupindex for name in group.split(PRODUCT)}
        assert states["by"] in columns and named <= {*numeric(schema)}
    rows = spec.get("x-rows", {"rules": []})
    for rule in rows["rules"]:
        assert {rows["by"], rows["name"], rows["value"]} <= {*columns}
        assert columns[rows["value"]]["minimum"] > 0
        assert set(rule) == {"powers", "minimum", "maximum", "x-reason"}
        assert set(rule["powers"].values()) <= {-1, 1}


@pytest.mark.parametrize("name", ["GB10", "WSE-3"])
def test_a_chip_used_alone_needs_no_link_and_none_is_not_a_zero(tmp_path, name):
    """The link of a GPU to others was needed of chips that have none."""
    frame = pd.read_csv(ROOT / "data/gpus.csv").astype({"memory_gb": float, "tdp_w": float})
    *before, _, watts = ACCELERATORS[name]
    frame.loc[len(frame)] = [name, *before, np.nan, watts, "datasheet", "no"]
    frame = frame.sort_values("gpu")
    frame.to_csv(tmp_path / "t.csv", index=False)
    typed = read_table(tmp_path / "t.csv", "gpus")
    assert typed.loc[typed["gpu"] == name, "link_gb_s"].isna().all()
    frame.fillna({"link_gb_s": 0}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="the cell of a chip without one is empty"):
        read_table(tmp_path / "t.csv", "gpus")


@pytest.mark.parametrize(("table", "schema"), LISTED, ids=[table for table, _ in LISTED])
def test_every_number_of_data_has_two_bounds_and_a_reason(table, schema):
    header = (ROOT / table).read_text(encoding="utf-8").partition("\n")[0].split(",")
    for name, column in numeric(schema).items():
        if name in header:
            assert {"minimum", "exclusiveMinimum"} & set(column), name
            assert {"maximum", "x-reason"} <= set(column), name


@pytest.mark.parametrize(
    ("table", "schema", "columns"),
    [
        (
            "data/measured/mlenergy_v3.csv",
            "mlenergy",
            [
                *("throughput_tps", "accelerator_power_w", "energy_per_token_j", "concurrency"),
                *("energy_per_request_j", "output_tokens", "inter_token_latency_ms"),
            ],
        ),
        (
            "data/measured/mlperf_wall_power.csv",
            "wall_power",
            ["throughput_tps", "wall_power_w", "wall_energy_per_token_j"],
        ),
        (
            "data/measured/inferencex_power.csv",
            "inferencex",
            [
                *("energy_per_query_j", "energy_per_output_token_j", "energy_per_input_token_j"),
                *("accelerator_power_w", "output_tokens"),
            ],
        ),
        (
            "data/throughput/at_load.csv",
            "throughput",
            ["throughput_tps", "time_per_output_token_s", "concurrency"],
        ),
        ("data/nodes.csv", "nodes", ["fan_full_load_w", "psu_efficiency_50"]),
    ],
)
def test_a_number_a_thousand_times_off_is_refused(tmp_path, table, schema, columns):
    for column in columns:
        for factor in (1e3, 1e-3):
            problems = refused_with(tmp_path, table, schema, 7 % 2, column, factor)
            assert any("line 3, column" in told and f'"{column}"' in told for told in problems), (
                column,
                factor,
            )


@pytest.mark.parametrize(
    ("table", "schema", "columns"),
    [
        (
            "data/gpus.csv",
            "gpus",
            [
                *("bandwidth_tb_s", "dense_tflops_16bit", "dense_tflops_8bit", "dense_tflops_4bit"),
                *("tdp_w", "memory_gb"),
            ],
        ),
        (
            "data/models.csv",
            "models",
            ["params_active_b", "layers", "hidden_size", "kv_bytes_per_token_8bit"],
        ),
        ("data/nodes.csv", "nodes", ["gpus", "psu_w"]),
        ("data/node_power.csv", "node_power", ["gpus", "power_kw"]),
        (
            "data/measured/own_node/cells.csv",
            "own_node",
            [
                *("energy_j", "log_energy_j", "power_w", "throughput_tps", "window_s"),
                *("window_tokens", "output_tokens", "delivered_tokens", "delivered_tokens_max"),
                *("concurrency", "latency_p50_s", "ttft_p50_s"),
            ],
        ),
    ],
)
def test_a_number_ten_times_off_is_refused_in_every_row(tmp_path, table, schema, columns):
    frame = pd.read_csv(ROOT / table)
    for column in columns:
        for row in np.flatnonzero(frame[column].notna()):
            for factor in (10, 0.1):
                problems = refused_with(tmp_path, table, schema, row, column, factor)
                assert any(f"line {row + 2}, column" in told for told in problems), (column, row)


@pytest.mark.parametrize(
    ("table", "schema", "columns"),
    [
        ("data/measured/mlperf_throughput.csv", "mlperf", ["accelerators", "output_tokens"]),
        ("data/measured/mlperf_wall_power.csv", "wall_power", ["gpus"]),
        (
            "data/mlperf_benchmarks.csv",
            "mlperf_benchmarks",
            ["gpus", "input_tokens", "output_tokens"],
        ),
    ],
)
def test_a_number_of_mlperf_a_hundred_times_off_is_refused(tmp_path, table, schema, columns):
    frame = pd.read_csv(ROOT / table)
    for column in columns:
        rows = np.flatnonzero(frame[column] > 0)
        for row in rows[:: max(len(rows) // 20, 1)]:
            problems = refused_with(tmp_path, table, schema, row, column, 100)
            assert any(f"line {row + 2}, column" in told for told in problems), (column, row)


def test_a_link_ten_times_as_fast_is_refused_in_every_row(tmp_path):
    for row in range(len(pd.read_csv(ROOT / "data/gpus.csv"))):
        (problem,) = refused_with(tmp_path, "data/gpus.csv", "gpus", row, "link_gb_s", 10)
        assert "allowed is 5 to 300, as links carry" in problem or "of at most 10000" in problem


@pytest.mark.parametrize(("kind", "factors"), [("gqa", (2, 0.5)), ("mla", (8, 0.125))])
def test_a_cache_is_held_to_the_layers_and_heads_that_keep_it(tmp_path, kind, factors):
    frame = pd.read_csv(ROOT / "data/models.csv")
    for row in np.flatnonzero(frame["attention"] == kind):
        for factor in factors:
            problems = refused_with(
                tmp_path, "data/models.csv", "models", row, "kv_bytes_per_token_16bit", factor
            )
            assert any(f"where attention is {kind}" in told for told in problems), row


@pytest.mark.parametrize(
    ("row", "factor", "words"),
    [
        ("aws-pue-2024", 100, "value 115; allowed is 1 to 3 where quantity is PUE"),
        ("aws-pue-2024", 0.1, "value 0.115; allowed is 1 to 3 where quantity is PUE"),
        ("google-wue-2024", 10, "value 11.5; allowed is 0 to 9 where quantity is on-site water"),
        ("lbnl-generation-us", 0.01, "allowed is 0.05 to 100 where quantity is generation water"),
        (
            "ember-norway-2023",
            0.1,
            "make value 3; allowed is 10 to 1300 where boundary is life cyc",
        ),
        ("eia-us-2023", 0.001, "allowed is 1 to 1300 where boundary is generation only, as grids"),
        ("ember-world-2023", 0.1, "make value 48.1; allowed is 200 to 800 where subject is World"),
        ("egrid-us-2023", 0.1, "allowed is 200 to 800 where subject is US average (eGRID)"),
        ("ember-india-2023", 0.1, "make value 71.3; allowed is 400 to 1100 where subject is India"),
        ("ember-germany-2023", 0.1, "allowed is 150 to 700 where subject is Germany"),
        ("ember-france-2023", 10, "make value 560; allowed is 10 to 200 where subject is France"),
        ("ember-india-2023", 1000, 'value "713000"; allowed is a number of at least 0 and of at'),
    ],
)
def test_a_fact_of_a_facility_is_held_to_what_it_is_of(tmp_path, row, factor, words):
    facts = pd.read_csv(ROOT / "data/facility.csv")["fact"].tolist()
    problems = refused_with(
        tmp_path, "data/facility.csv", "facility", facts.index(row), "value", factor
    )
    # a grid may break the bounds of all grids and those of its own
    assert all(f"line {facts.index(row) + 2}," in problem for problem in problems)
    assert [words in problem for problem in problems].count(True) == 1


@pytest.mark.parametrize(
    ("row", "factor", "words"),
    [
        ("microsoft-wue-fy25", 10, "unusual; value 2.7; usual is 0.01 to 2.2"),
        ("lbnl-generation-us", 0.1, "usual is 0.5 to 20 where quantity is generation water"),
        ("ember-norway-2023", 0.5, "usual is 20 to 900 where boundary is life cycle"),
        ("eia-us-2023", 1, None),
    ],
)
def test_an_unusual_fact_of_a_facility_is_told(row, factor, words):
    facts = read_table(ROOT / "data/facility.csv", "facility")
    facts.loc[facts["fact"] == row, "value"] *= factor
    schema = load_schema("facility")
    assert not any(places.size for _, places, _ in broken(facts, schema))
    told = [sentence for _, _, sentences in unusual(facts, schema) for sentence in sentences]
    assert len(told) == (words is not None)
    assert all(words in sentence for sentence in told)


def test_a_product_of_rows_is_held_where_a_source_has_all_of_them():
    rule = {
        "powers": {"share": -1, "part": 1, "whole": -1},
        "minimum": 0.99,
        "maximum": 1.01,
        "x-reason": "it is so",
    }
    schema = {
        "x-rows": {"by": "source", "name": "what", "value": "value", "rules": [rule]},
        "properties": {"what": {}, "value": NUMBER, "source": {}},
    }
    frame = pd.DataFrame(
        {
            "what": ["part", "share", "whole", "part", "whole", "share", "part", "whole", "share"],
            "value": [3.0, 0.5, 6.0, 3.0, 6.0, 50.0, np.nan, 6.0, 0.5],
            "source": ["a", "a", "a", "b", "b", "b", "c", "c", "c"],
        }
    )
    (problem,) = row_problems("t.csv", frame, np.arange(2, 11), schema)
    assert problem == (
        't.csv, line 7, column "value": values 50, 3, 6 of source b make part / share / whole 0.01;'
        " allowed is 0.99 to 1.01, as it is so; correct the one that is wrong"
    )


@pytest.mark.parametrize(
    ("schema", "free"),
    [
        ("agent_tokens", {"uncached_prompt_tokens_per_call", "sessions", "user_turns"}),
        ("production_load", {"context_per_output_token", "gpus_per_node", "cached_input_tokens"}),
    ],
)
def test_a_count_is_held_to_what_follows_from_it(tmp_path, schema, free):
    table = f"data/{schema}.csv"
    quantities = pd.read_csv(ROOT / table)["quantity"].tolist()
    one_way = {"input_tokens": (0.1, 0.001), "nodes_peak": (0.1, 0.001)}
    for quantity in {*quantities} - free:
        for factor in one_way.get(quantity, (10, 0.1, 1000, 0.001)):
            problems = refused_with(
                tmp_path, table, schema, quantities.index(quantity), "value", factor
            )
            assert problems, (quantity, factor)


def test_an_estimate_in_another_unit_than_its_tokens_allow_is_refused(tmp_path):
    frame = pd.read_csv(ROOT / "data/published/estimates.csv")
    row = (frame["value_wh"] / frame["output_tokens"]).idxmax()
    (problem,) = refused_with(
        tmp_path, "data/published/estimates.csv", "estimates", row, "value_wh", 1000
    )
    assert "value_wh / output_tokens" in problem


def test_what_breaks_no_rule_is_told_with_no_row():
    frame = read_table(ROOT / "data/facility.csv", "facility")
    found = [places.size for _, places, _ in broken(frame, load_schema("facility"))]
    assert found == [0] * 10


@pytest.mark.parametrize(
    ("column", "factor", "kind", "words"),
    [
        ("params_total_b", 1.1, "dense", "a token uses all parameters of a dense model"),
        ("params_total_b", 6, "moe", "its experts' share of all parameters at least"),
        ("params_total_b", 0.05, "moe", "three matrices some hundred to some ten thousand wide"),
        ("experts_active", 16, "moe", "its experts' share of all parameters at least"),
        ("attention_heads", 30, "moe", "together about as wide as its input"),
        ("head_dim", 30, "dense", "together about as wide as its input"),
        ("head_dim", 1 / 32, "dense", "together about as wide as its input"),
    ],
)
def test_parameters_of_a_model_are_held_to_its_shape(tmp_path, column, factor, kind, words):
    frame = pd.read_csv(ROOT / "data/models.csv")
    for row in np.flatnonzero(frame["architecture"] == kind):
        problems = refused_with(tmp_path, "data/models.csv", "models", row, column, factor)
        # fewer than the active ones, or more active experts than there are, are told before
        found = [told for told in problems if words in told or "is at most " in told]
        assert found, frame["model"][row]


def test_a_mixture_uses_some_of_its_experts(tmp_path):
    frame = pd.read_csv(ROOT / "data/models.csv").set_index("model")
    row = frame.index.get_loc("DeepSeek-R1")
    table = ("data/models.csv", "models", row)
    (problem,) = refused_with(tmp_path, *table, "params_total_b", 1300 / 671)
    assert "values 37, 256, 1300, 8 make" in problem
    problems = refused_with(tmp_path, *table, "experts_active", 32)
    assert any("a token uses some of the experts, not all" in told for told in problems)


def test_what_is_possible_but_unusual_is_told():
    rule = {
        "powers": {"watts": 1, "rate": -1},
        "minimum": 1,
        "maximum": 10,
        "x-reason": "it is so",
        "x-usual": {"minimum": 2, "maximum": 4},
    }
    schema = {"x-agree": [rule], "properties": dict.fromkeys(rule["powers"], NUMBER)}
    frame = pd.DataFrame({"watts": [2.0, 4.0, 1.9, 4.1, np.nan], "rate": [1.0] * 5})
    ((columns, places, sentences),) = unusual(frame, schema)
    assert (columns, places.tolist()) == ('columns "watts", "rate"', [2, 3])
    assert sentences[1] == (
        "unusual; values 4.1, 1 make watts / rate 4.1; usual is 2 to 4, as it is so"
    )
    assert row_problems("t.csv", frame, np.arange(2, 7), schema) == []
    del rule["x-usual"]
    assert list(unusual(frame, schema)) == []


def test_other_bounds_hold_for_machines_of_another_kind_alone():
    rule = {
        "powers": {"watts": 1, "rate": -1},
        "minimum": 1,
        "maximum": 10,
        "x-reason": "it is so",
        "x-usual": {"minimum": 2, "maximum": 4},
        "x-or": [
            {
                "of": {"rate": {"minimum": 50, "maximum": 100}},
                "minimum": 0.1,
                "maximum": 0.2,
                "x-reason": "chips are",
            }
        ],
    }
    schema = {"x-agree": [rule], "properties": dict.fromkeys(rule["powers"], NUMBER)}
    frame = pd.DataFrame({"watts": [3.0, 10.0, 12.0, 4.9, 8.0], "rate": [1.0, 50, 100, 49, 50]})
    assert row_problems("t.csv", frame.iloc[[0, 1, 2, 4]], np.arange(2, 6), schema) == []
    (problem,) = row_problems("t.csv", frame, np.arange(2, 7), schema)
    assert problem == (
        't.csv, line 5, columns "watts", "rate": values 4.9, 49 make watts / rate 0.1; allowed is 1'
        " to 10, as it is so, or 0.1 to 0.2 where rate is 50 to 100, as chips are; correct the one"
        " that is wrong"
    )
    beyond = frame.assign(watts=[3.0, 10.2, 12.0, 50, 8.0])
    assert len(row_problems("t.csv", beyond, np.arange(2, 7), schema)) == 1
    ((_, places, sentences),) = unusual(frame, schema)
    assert places.tolist() == [1, 2, 3, 4]
    assert sentences[0].endswith("make watts / rate 0.2; usual is 2 to 4, as it is so")


ACCELERATORS = {
    # as the makers' datasheets have them: GB, TB/s, TFLOP/s at 16, 8 and 4 bit, GB/s to others, W
    "H20": (96, 4.0, 148, 296, None, 450, 400),
    "GB10": (128, 0.273, 125, 250, 500, 25, 140),
    "L4": (24, 0.3, 121, 242, None, 32, 72),
    "T4": (16, 0.32, 65, 130, None, 16, 70),
    "V100": (32, 0.9, 125, None, None, 150, 300),
    "Rubin": (288, 22, 4000, 17500, 35000, 1800, 2300),
    "Gaudi 3": (128, 3.7, 1835, 1835, None, 600, 900),
    "TPU v5e": (16, 0.819, 197, 394, None, 200, 200),
    "Trainium2": (96, 2.9, 667, 1299, None, 640, 500),
    "W7900": (48, 0.864, 123, 123, None, 32, 295),
    "Ryzen AI Max": (128, 0.256, 59, 59, None, 8, 120),
    "M3 Ultra": (512, 0.819, 57, None, None, 10, 270),
    "Groq LPU": (0.23, 80, 188, 750, None, 330, 215),
    "WSE-3": (44, 21000, 125000, None, None, 150, 23000),
}
RARE = {"H20", "GB10", "M3 Ultra", "Ryzen AI Max", "Groq LPU", "WSE-3"}


@pytest.mark.parametrize("name", ACCELERATORS)
def test_accelerators_on_sale_are_accepted_and_what_is_rare_is_unusual(tmp_path, name):
    """A row of the H20 was refused: 37 multiplications a byte, where 40 were the least."""
    frame = pd.read_csv(ROOT / "data/gpus.csv").astype({"memory_gb": float, "tdp_w": float})
    frame.loc[len(frame)] = [name, *ACCELERATORS[name], "datasheet", "no"]
    frame.sort_values("gpu").to_csv(tmp_path / "t.csv", index=False)
    typed = read_table(tmp_path / "t.csv", "gpus")
    places = {typed["gpu"][row] for _, of, _ in unusual(typed, load_schema("gpus")) for row in of}
    assert places <= {name}
    assert places or name not in RARE


@pytest.mark.parametrize(("table", "schema"), LISTED, ids=[table for table, _ in LISTED])
def test_no_row_of_data_is_unusual(table, schema):
    typed = read_table(ROOT / table, schema)
    assert [told for *_, told in unusual(typed, load_schema(schema)) if told] == []


@pytest.mark.parametrize(
    ("gpu", "column", "value"),
    [
        ("H100-SXM-80GB", "tdp_w", 2100),
        ("MI300X", "tdp_w", 2100),
        ("GB200", "tdp_w", 3600),
        ("B200", "memory_gb", 60),
        ("MI355X", "memory_gb", 96),
        ("H200-SXM-141GB", "bandwidth_tb_s", 12),
        ("B300", "dense_tflops_16bit", 5000),
        ("GB200", "dense_tflops_8bit", 10000),
        ("B200", "dense_tflops_4bit", 18000),
        ("H100-NVL-94GB", "link_gb_s", 1200),
    ],
)
def test_a_number_that_no_datasheet_has_is_unusual(gpu, column, value):
    typed = read_table(ROOT / "data/gpus.csv", "gpus")
    row = np.flatnonzero(typed["gpu"] == gpu)
    typed.loc[row, column] = value
    found = [
        (columns, places) for columns, places, told in unusual(typed, load_schema("gpus")) if told
    ]
    assert found
    assert all(f'"{column}"' in columns and places.tolist() == [*row] for columns, places in found)


@pytest.mark.parametrize("factor", [1 / 8, 9])
def test_the_gpus_of_a_node_in_production_are_held_against_what_it_gives(tmp_path, factor):
    table = ("data/production_load.csv", "production_load")
    frame = pd.read_csv(ROOT / table[0])
    (row,) = np.flatnonzero(frame["quantity"] == "gpus_per_node")
    (problem,) = refused_with(tmp_path, *table, row, "value", factor)
    assert "throughput_per_node / gpus_per_node" in problem
    assert "allowed is 150 to 6000, as a GPU gives some hundred" in problem


@pytest.mark.parametrize("column", ["index_tokens", "index_width"])
@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_an_index_in_thousands_is_refused(tmp_path, column, factor):
    """Tokens and widths of an index were let pass up to a thousand times of what they are."""
    frame = pd.read_csv(ROOT / "data/models.csv")
    for row in frame.index[frame[column].notna()]:
        problems = refused_with(tmp_path, "data/models.csv", "models", row, column, factor)
        assert any(f'column "{column}"' in problem for problem in problems)


def test_milliseconds_to_the_first_token_typed_as_seconds_are_refused(tmp_path):
    problems = refused_with(
        tmp_path, "data/throughput/at_load.csv", "throughput", 1, "time_to_first_token_s", 1e3
    )
    (told,) = [told for told in problems if "line 3, column" in told]
    assert "time_to_first_token_s" in told and "Little's law" in told


def test_meters_of_the_projects_own_cells_differ_by_what_is_usual():
    cells = pd.read_csv(ROOT / "data/measured/own_node/cells.csv")
    away = cells["log_energy_j"] / cells["energy_j"]
    (rule,) = (
        rule
        for rule in load_schema("own_node")["x-agree"]
        if [*rule["powers"]] == ["log_energy_j", "energy_j"]
    )
    usual = rule["x-usual"]
    assert usual["minimum"] < away.min() < away.max() < usual["maximum"]


@pytest.mark.parametrize("column", ["n_gpus", "tensor_parallel", "input_tokens"])
def test_cells_of_a_test_have_one_endpoint_and_one_input(tmp_path, column):
    """All but the first cell's were passed over."""
    table = ("data/measured/own_node/cells.csv", "own_node")
    problems = refused_with(tmp_path, *table, 1, column, 10)
    assert any(f'line 3, column "{column}"' in told and "of test h200" in told for told in problems)


@pytest.mark.parametrize("kinds", [("gqa", "sliding", "pruned", "hybrid"), ("mla", "sparse")])
def test_heads_ten_times_as_many_are_refused_or_told(tmp_path, kinds):
    """Ten times the heads of Llama 3.1 70B passed, up to twenty times its width."""
    frame = pd.read_csv(ROOT / "data/models.csv")
    typed = read_table(ROOT / "data/models.csv", "models")
    for row in np.flatnonzero(frame["attention"].isin(kinds)):
        for factor in (10, 0.1):
            if refused_with(tmp_path, "data/models.csv", "models", row, "attention_heads", factor):
                continue
            heads = round(factor * typed.loc[row, "attention_heads"])
            other = typed.assign(
                attention_heads=typed["attention_heads"].mask(typed.index == row, heads)
            )
            found = [
                (columns, p) for columns, p, told in unusual(other, load_schema("models")) if told
            ]
            ((columns, places),) = found
            assert '"attention_heads"' in columns and places.tolist() == [row]


@pytest.mark.parametrize(
    ("model", "column", "value", "words"),
    [
        ("GLM-5", "context_tokens", 2047, "value 2048; allowed is at most context_tokens, 2047"),
        ("GPT-OSS 120B", "context_share", 0.02, "make context_share x layers 0.72; allowed is"),
        ("GPT-OSS 120B", "context_share", "", "is empty; a number is needed where attention is sl"),
        ("Llama 3.1 8B", "context_share", 0.5, "is filled; allowed is that where attention is sli"),
    ],
)
def test_what_a_model_keeps_of_a_context_is_refused_where_it_cannot_be(
    tmp_path, model, column, value, words
):
    frame = pd.read_csv(ROOT / "data/models.csv", dtype=str, keep_default_na=False)
    frame.loc[frame["model"] == model, column] = str(value)
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as error:
        read_table(tmp_path / "t.csv", "models")
    (problem,) = error.value.problems
    assert words in problem


@pytest.mark.parametrize(
    ("model", "column", "value"),
    [
        ("GLM-5", "index_tokens", 200),
        ("DeepSeek-V3.2", "index_tokens", 20480),
        ("GLM-5", "index_width", 409),
        ("GPT-OSS 120B", "context_share", 0.05),
        ("Gemma 3 27B", "context_share", 1),
        ("Llama 3.1 8B", "attention_heads", 16),
    ],
)
def test_what_no_known_model_has_is_unusual(model, column, value):
    typed = read_table(ROOT / "data/models.csv", "models")
    row = np.flatnonzero(typed["model"] == model)
    typed.loc[row, column] = value
    found = [(columns, p) for columns, p, told in unusual(typed, load_schema("models")) if told]
    ((columns, places),) = found
    assert f'"{column}"' in columns and places.tolist() == [*row]


@pytest.mark.parametrize("row", [0, 4])
def test_more_tokens_than_a_call_can_give_are_refused(tmp_path, row):
    """A hundred times those of DeepSeek-R1 on GPQA, 1,128,700 in one call, passed."""
    table = ("data/published/token_counts.csv", "token_counts", row)
    # of a row with a wall time they are too fast as well
    problem, *_ = refused_with(tmp_path, *table, "total_tokens", 100)
    assert 'columns "total_tokens", "total_calls"' in problem and "allowed is 1 to 1e+06" in problem
    assert refused_with(tmp_path, *table, "total_tokens", 10) == []


@pytest.mark.parametrize("row", [0, 1])
def test_calls_that_end_faster_than_any_server_answers_are_refused(tmp_path, row):
    """A thousandth of 13.8 minutes, 67,000 tokens a second of one call, passed."""
    table = ("data/published/token_counts.csv", "token_counts", row)
    (problem,) = refused_with(tmp_path, *table, "wall_minutes", 0.001)
    assert '"total_tokens", "total_calls", "wall_minutes"' in problem
    assert f"allowed is 1 to {MOST_RATE * 60:g}" in problem
    assert refused_with(tmp_path, *table, "wall_minutes", 0.5) == []


def test_sums_of_products_are_held_to_another_product():
    rule = {
        "terms": [{"a": 1, "b": 1}, {"c": -1}],
        "to": {"d": 1},
        "minimum": 0.9,
        "maximum": 1.1,
        "x-reason": "they are all",
    }
    schema = {"x-sums": [rule], "properties": dict.fromkeys("abcd", NUMBER)}
    frame = pd.DataFrame({"a": [2.0, 2, 2, 2], "b": 3.0, "c": [0.5, 0.5, 0.5, np.nan], "d": 8.0})
    assert row_problems("t.csv", frame, np.arange(2, 6), schema) == []
    (problem,) = row_problems("t.csv", frame.assign(d=[8.0, 8.8, 16, 99]), np.arange(2, 6), schema)
    assert problem == (
        't.csv, line 4, columns "a", "b", "c", "d": values 2, 3, 0.5, 16 make a x b + 1 / c over d'
        " 0.5; allowed is 0.9 to 1.1, as they are all; correct the one that is wrong"
    )
    shares = schema | {"x-sums": [rule | {"terms": [{"a": -1}, {"c": 1}], "to": {}}]}
    (problem,) = row_problems("t.csv", frame.assign(c=[0.5, 0.5, 5, 0.5]), np.arange(2, 6), shares)
    assert "values 2, 5 make 1 / a + c 5.5; allowed is 0.9 to 1.1" in problem


UNITS = (1e-3, 1e3, 60, 3600, 1 / 8)
"""Thousandths and thousands, minutes and hours for seconds, and one of eight GPUs for all."""


@pytest.mark.parametrize("factor", UNITS)
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("data/published/references.csv", ["value"]),
        (
            "data/published/estimates.csv",
            [
                *("value_wh", "low_wh", "high_wh", "input_tokens", "output_tokens"),
                *("concurrency", "accelerator_power_w"),
            ],
        ),
        ("data/published/claims.csv", ["value", "upper"]),
        ("data/mlperf_benchmarks.csv", ["gpus", "input_tokens", "output_tokens"]),
        ("data/request_lengths.csv", ["output_tokens"]),
        (
            "data/measured/mlperf_throughput.csv",
            ["accelerators", "nodes", "output_tokens", "throughput_tps"],
        ),
        (
            "data/measured/inferencex_power.csv",
            [
                *("gpus", "prefill_gpus", "decode_gpus", "concurrency", "accelerator_power_w"),
                *("prefill_power_w", "decode_power_w", "energy_per_total_token_j"),
                *("energy_per_query_j", "energy_per_input_token_j", "energy_per_output_token_j"),
                *("prefill_energy_per_input_token_j", "decode_energy_per_output_token_j"),
            ],
        ),
    ],
)
def test_a_column_in_another_unit_is_refused(tmp_path, table, columns, factor):
    schema = dict(LISTED)[table]
    frame = pd.read_csv(ROOT / table, dtype=str, keep_default_na=False)
    for name in columns:
        number = frame[name].replace("", None).astype(float) * factor
        if load_schema(schema)["properties"][name]["type"] in ("integer", ["integer", "null"]):
            number = number.round()
        written = number.map("{:.12g}".format).where(number.notna(), "")
        frame.assign(**{name: written}).to_csv(tmp_path / "t.csv", index=False)
        with pytest.raises(InputError, match=name):
            read_table(tmp_path / "t.csv", schema)


@pytest.mark.parametrize("factor", UNITS)
@pytest.mark.parametrize(
    "column",
    [
        *("prefill_gpus", "decode_gpus", "prefill_power_w", "decode_power_w"),
        *("energy_per_total_token_j", "prefill_energy_per_input_token_j"),
        "decode_energy_per_output_token_j",
    ],
)
def test_a_cell_that_is_the_sum_of_others_is_refused_in_another_unit(tmp_path, column, factor):
    frame = pd.read_csv(ROOT / "data/measured/inferencex_power.csv")
    for row in np.flatnonzero(frame[column].notna()):
        table = ("data/measured/inferencex_power.csv", "inferencex", row)
        assert refused_with(tmp_path, *table, column, factor), row


@pytest.mark.parametrize("factor", UNITS)
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("data/published/references.csv", ["value"]),
        ("data/mlperf_benchmarks.csv", ["input_tokens", "output_tokens"]),
    ],
)
def test_a_cell_of_few_rows_is_refused_in_another_unit(tmp_path, table, columns, factor):
    for column in columns:
        for row in range(len(pd.read_csv(ROOT / table))):
            assert refused_with(tmp_path, table, dict(LISTED)[table], row, column, factor), row

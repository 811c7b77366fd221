"""Bad tables are refused with one message that says where, what and how to put it right."""

import csv
import errno
import os

import jsonschema_rs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_energy import tables
from inference_energy.errors import InputError
from inference_energy.tables import (
    describe_tables,
    format_number,
    load_schema,
    read_table,
    schema_names,
    write_table,
    write_text,
)
from inference_energy.templates import render
from repository import ROOT

HEADER = "model,gpu,tensor_parallel,precision,input_tokens,output_tokens,throughput_tps,source_id"
ROW = "Llama 3.1 70B,H100-SXM-80GB,8,FP8,128,2048,17463.99,vendor"


@pytest.fixture
def table(tmp_path):
    """Write lines (text or bytes) to a file and return its path."""

    def write(*lines, newline="\n"):
        path = tmp_path / "table.csv"
        lines = [line if isinstance(line, bytes) else line.encode() for line in lines]
        path.write_bytes(newline.encode().join(lines) + newline.encode())
        return path

    return write


def cell(column, value):
    """The good row with one other cell."""
    cells = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
    return ",".join((cells | {column: value}).values())


def problems_of(path, schema="throughput"):
    with pytest.raises(InputError) as caught:
        read_table(path, schema)
    assert all(problem.startswith(str(path)) for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (
            "throughput_tps",
            "-3.5",
            ['"-3.5"', "a number of at least 0.001 and of at most 100000000 [tokens/s]"],
        ),
        ("throughput_tps", "0", ['"0"', "of at least 0.001"]),
        ("throughput_tps", "1e-300", ["of at least 0.001", "a token in minutes"]),
        ("throughput_tps", "", ['""', "of at least 0.001", "fill the cell"]),
        ("throughput_tps", '"14,686.01"', ['"14,686.01"', "without thousands separators"]),
        ("throughput_tps", '"1,234"', ['"1,234"', "without thousands separators"]),
        ("throughput_tps", "14 686", ['"14 686"', "without thousands separators"]),
        ("throughput_tps", '"14686,01"', ['"14686,01"', "decimal point"]),
        ("throughput_tps", "500 tokens/s", ["a number", "plain number", "without unit"]),
        ("throughput_tps", "inf", ["finite number"]),
        ("throughput_tps", "1e999", ["a number of at least 0.001"]),
        ("throughput_tps", " 5", ['" 5"', "blanks"]),
        ("input_tokens", "short", ['"short"', "a number above 0", "[tokens], or empty"]),
        ("input_tokens", "NaN", ['"NaN"', "leave the cell empty"]),
        ("output_tokens", "n/a", ['"n/a"', "leave the cell empty"]),
        ("tensor_parallel", "7.5", ['"7.5"', "an integer of at least 1"]),
        ("tensor_parallel", "1e300", ['"1e300"', "an integer"]),
        ("precision", "fp8", ['"fp8"', "one of FP4, FP8", 'did you mean "FP8"']),
        ("precision", "octal", ['"octal"', "one of FP4, FP8"]),
        ("model", "", ['""', "allowed is text", "fill the cell"]),
        ("input_tokens", "20000000", ["of at most 10000000", "largest context"]),
        ("model", "\u200b\u200d", ["\\u200b", "write something that shows"]),
        ("model", "Llama\u200b 3.1 70B", ["\\u200b", 'write it as "Llama 3.1 70B"']),
        *(
            ("model", f"Llama{sign} 3.1 70B", ['write it as "Llama 3.1 70B"'])
            for sign in (" ", "\u034f", "\u115f", "\u2800", "\u3164", "\ufe0f", "\U000e0101")
        ),
        ("gpu", "H100\xa0SXM", ["\\xa0", 'write it as "H100 SXM"']),
        ("model", "Ｌlama", ['write it as "Llama"']),
        ("model", "Llama \u0663.1 70B", ['write it as "Llama 3.1 70B"']),
        ("model", "Nem\u0585tr\u0585n", ['write it as "Nemotron"']),
        ("model", "Ll\u0430ma 3.1", ['write it as "Llama 3.1"', "looks like others"]),
        ("gpu", "H\u0399\u039f\u039fx", ['write it as "HIOOx"']),
        # all letters of another alphabet, each drawn like a Latin one
        ("model", "\u041e\u0420\u0422-30", ['write it as "OPT-30"', "looks like others"]),
        ("model", "\u041e\u0420\u0422\u2013\u0663\u0660", ['write it as "OPT-30"']),
        ("model", "\u039f\u03a1\u03a4", ['write it as "OPT"']),
        ("gpu", "\u041d100", ['write it as "H100"']),
        ("gpu", "\u13bb100-SXM", ['write it as "H100-SXM"']),
        ("gpu", "\ua4e7100 SXM", ['write it as "H100 SXM"']),
        *(
            ("gpu", f"H100{dash}SXM", ['write it as "H100-SXM"', "looks like others"])
            for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u02d7\u058a\ufe63\uff0d"
        ),
        ("source_id", "mlenergy\u2013v2", ['write it as "mlenergy-v2"']),
        ("model", "Llama\U0001d159 3.1", ['write it as "Llama 3.1"']),
        ("throughput_tps", "1e9", ["of at most 100000000", "a rack of 72 GPUs"]),
        ("tensor_parallel", "10001", ["of at most 10000"]),
        ("source_id", "vendor ", ['"vendor "', "blanks"]),
    ],
)
def test_a_bad_cell_is_named_with_row_column_allowed_and_remedy(table, column, value, words):
    (problem,) = problems_of(table(HEADER, ROW, cell(column, value)))
    assert f'line 3, column "{column}": value ' in problem
    for word in words:
        assert word in problem


def test_a_number_that_underflows_is_no_zero(table):
    schema = {
        "required": ["x"],
        "properties": {"x": {"type": "number", "minimum": 0}},
        "x-key": [],
    }
    zeros = read_table(table("x", "0e-400", "-0.00E-999", ".0"), schema)
    assert zeros["x"].tolist() == [0, 0, 0]
    for text in ("1e-400", f"0.{'0' * 30}1E-400", "-2.5e-999"):
        (problem,) = problems_of(table("x", "1", text), schema)
        assert problem.endswith(
            f'line 3, column "x": value "{text}"; allowed is a number of at least 0; write 0, or a'
            " number that is at least 5e-324 away from it"
        )


def test_a_name_in_an_alphabet_of_its_own_stays_as_it_is(table):
    names = [
        "\u0421\u0430\u0439\u0433\u0430 7",
        "\u039c\u03b5\u03bb\u03c4\u03ad\u03bc\u03b9",
        "\u6587\u5fc3",
    ]
    frame = read_table(table(HEADER, *(cell("model", name) for name in names)), "throughput")
    assert frame["model"].tolist() == names


@pytest.mark.parametrize(
    ("path", "change", "words"),
    [
        ("gpus", {"tdp_w": 0.7}, ["at least 10", "in kW"]),
        ("gpus", {"memory_gb": 81_920}, ["at most 2000", "in MB"]),
        ("gpus", {"bandwidth_tb_s": 3350}, ["tdp_w / bandwidth_tb_s", "allowed is 50 to 1000"]),
        ("gpus", {"dense_tflops_16bit": 989_500}, ["at most 200000", "in GFLOP/s"]),
        ("models", {"params_total_b": 4.05e11}, ["at most 100000", "in millions"]),
        (
            "models",
            {"params_active_b": 150, "params_total_b": 149},
            ['column "params_active_b": value 150', "at most params_total_b, 149", "correct one"],
        ),
        ("models", {"kv_heads": 129}, ["at most attention_heads, 128"]),
        ("models", {"experts_active": 257}, ["at most experts, 256"]),
        ("models", {"kv_bytes_per_token_8bit": 70_273}, ["kv_bytes_per_token_16bit, 70272"]),
        ("models", {"layers": 10**6}, ["at most 10000"]),
    ],
)
def test_what_no_gpu_and_no_model_has_is_refused(tmp_path, path, change, words):
    frame = pd.read_csv(ROOT / f"data/{path}.csv", dtype=str, keep_default_na=False)
    row = frame.index[frame.iloc[:, 0].isin(["DeepSeek-R1", "H100-SXM-80GB"])][0]
    for column, value in change.items():
        frame.loc[row, column] = f"{value:g}" if value < 1e6 else f"{value:.0f}"
    frame.to_csv(tmp_path / "t.csv", index=False)
    problems = problems_of(tmp_path / "t.csv", path)
    assert all(f"line {row + 2}" in problem for problem in problems)
    # what a row says of itself may tell the same slip again
    (problem,) = [problem for problem in problems if words[0] in problem]
    assert [word for word in words if word not in problem] == []


@pytest.mark.parametrize(
    ("path", "schema", "column", "factor", "words"),
    [
        ("node_power", "node_power", "power_kw", 1e3, ["at most 1000 [kW]", "stated in W"]),
        ("node_power", "node_power", "power_kw", 1e-3, ["at least 0.1"]),
        ("nodes", "nodes", "fixed_w", 1e-3, ["at least 10", "in kW"]),
        ("nodes", "nodes", "psu_w", 1e-3, ["at least 100", "in kW"]),
        ("nodes", "nodes", "psu_efficiency_50", 0.01, ["at least 0.3", "0.95 for 95 %"]),
        ("request_lengths", "request_lengths", "output_tokens", 1e7, ["at most 10000000"]),
        ("measured/mlenergy_v3", "mlenergy", "accelerator_power_w", 1e3, ["at most 100000"]),
        ("measured/mlenergy_v3", "mlenergy", "accelerator_power_w", 1e-3, ["at least 10"]),
        ("measured/inferencex_power", "inferencex", "accelerator_power_w", 1e3, ["most 5000"]),
        ("measured/inferencex_power", "inferencex", "prefill_power_w", 1e-3, ["at least 10"]),
        ("measured/mlperf_wall_power", "wall_power", "wall_power_w", 1e3, ["at most 200000"]),
        ("measured/mlperf_wall_power", "wall_power", "idle_power_w", 1e-3, ["at least 100"]),
    ],
)
def test_a_measured_number_in_another_unit_is_refused(
    tmp_path, path, schema, column, factor, words
):
    frame = pd.read_csv(ROOT / f"data/{path}.csv", dtype=str, keep_default_na=False)
    frame.loc[0, column] = f"{float(frame.loc[0, column]) * factor:.12g}"
    frame.to_csv(tmp_path / "t.csv", index=False)
    (problem,) = problems_of(tmp_path / "t.csv", schema)
    assert f'line 2, column "{column}"' in problem
    assert [word for word in words if word not in problem] == []


def test_a_choice_that_may_be_empty_says_so(table):
    (problem,) = problems_of(table(HEADER + ",architecture", ROW + ",sparse"))
    assert "allowed is one of dense, moe, or empty" in problem


def test_all_problems_come_in_one_message(table):
    path = table(HEADER, cell("throughput_tps", "-1"), cell("precision", "FP-8"), ROW, ROW, "a,b")
    text = "\n".join(problems_of(path))
    for part in (
        "line 2, column",
        "line 3, column",
        "lines 4, 5: the same row again",
        "line 6: has 2",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([b""], ["is empty"]),
        ([HEADER], ["header but no rows", "add at least one row"]),
        ([HEADER, ROW, ROW + ",1"], ["line 3: has 9 cells, the header has 8"]),
        ([HEADER, cell("throughput_tps", "14,686.01")], ["line 2", "without thousands separators"]),
        ([HEADER, ROW, "", ROW], ["lines 2, 4: the same row again", "keep one"]),
        ([HEADER, ROW, ROW.replace("17463.99", "17463.990")], ["lines 2, 3: the same row again"]),
        ([HEADER + ",model", ROW + ",x"], ['column "model": appears 2 times']),
        ([HEADER + ",consurrency", ROW + ",1"], ["unknown", 'did you mean "concurrency"']),
        ([HEADER + ",concurrency", ROW + ",1e-9"], ['"1e-9"', "at least 0.01", "is not in use"]),
        ([HEADER + ",", ROW + ","], ['column "": unknown', "remove the column"]),
        ([HEADER.replace(",", ";"), ROW.replace(",", ";")], ["separated by ';'", "commas"]),
        ([HEADER, b"Mod\xe9le"], ["line 2: byte 0xe9 is not UTF-8", "save the file as CSV UTF-8"]),
        ([HEADER, b"Mo\0del"], ["line 2: holds a NUL byte"]),
        ([HEADER, ROW, cell("model", '"two\nlines"')], ["line 3", "line breaks"]),
        ([HEADER, ROW, '"' + ROW], ["line 3: is not CSV", "quotes"]),
    ],
)
def test_a_broken_file_is_named_with_its_remedy(table, lines, words):
    (problem,) = problems_of(table(*lines))
    for word in words:
        assert word in problem


def test_a_table_without_rows_is_refused_when_it_is_written_unless_its_schema_allows_it(tmp_path):
    for name in schema_names():
        spec, path = load_schema(name), tmp_path / f"{name}.csv"
        none = pd.DataFrame(columns=[*spec["properties"]])
        if "x-empty" in spec:
            write_table(none, path, name)
            assert len(read_table(path, name)) == 0
            continue
        with pytest.raises(InputError) as caught:
            write_table(none, path, name)
        assert not path.exists()
        none.to_csv(path, index=False)
        assert problems_of(path, name) == caught.value.problems


def test_every_missing_column_is_named(table):
    missing = [f'column "{name}": missing' for name in HEADER.split(",")[1:]]
    found = problems_of(table("model", "Llama 3.1 70B"))
    assert len(found) == len(missing)
    assert all(part in problem for part, problem in zip(missing, found, strict=True))


def test_columns_by_the_names_that_others_give_them_are_told(table):
    found = problems_of(table("Model,GPU,TP,Precision,ISL,OSL,tok/s,Place", "m,g,1,FP8,1,1,1,s"))
    found = [problem.partition("line 1, ")[2] for problem in found]
    theirs, ours = ("Model", "GPU", "TP", "Precision", "ISL", "OSL"), HEADER.split(",")
    renamed, rest = found[: len(theirs)], found[len(theirs) :]
    assert renamed == [
        f'column "{name}": unknown; did you mean "{column}"?'
        for name, column in zip(theirs, ours[: len(theirs)], strict=True)
    ]
    assert rest[0].startswith('column "tok/s": unknown; allowed are row, model, params_total_b, ')
    assert rest[0].endswith(", note; remove the column")
    assert rest[1] == 'column "Place": unknown; allowed are the same; remove the column'
    # what a remedy above names is not missing
    required = ", ".join(ours)
    assert rest[2:] == [
        f'column "throughput_tps": missing; required are {required}; add the column',
        'column "source_id": missing; required are the same; add the column',
    ]


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    (problem,) = problems_of(tmp_path / "nowhere.csv")
    assert "no such file" in problem
    (problem,) = problems_of(tmp_path)
    assert "is no file" in problem


def test_a_column_full_of_bad_cells_does_not_hide_the_next(table):
    rows = [f"m,g,1,FP8,1,1,{-n},s" for n in range(1, 100)]
    text = "\n".join(problems_of(table(HEADER, *rows, cell("source_id", ""))))
    assert 'column "throughput_tps": 94 more refused values' in text
    assert 'line 101, column "source_id"' in text


def test_a_long_list_is_cut_and_says_how_much_is_left(table):
    extra = "".join(f",extra{n}" for n in range(30))
    with pytest.raises(InputError) as caught:
        read_table(table(HEADER + extra, ROW + ",1" * 30), "throughput")
    shown, last = caught.value.problems[:-1], caught.value.problems[-1]
    assert len(shown) == tables.PROBLEMS_SHOWN
    assert last == f"... and {30 - len(shown)} more problems"


def test_a_header_of_many_columns_is_refused_at_once(table, monkeypatch):
    """8,000 of them took 37 s, as a remedy was sought for each: no more are than are shown."""
    asked, nearest = [], tables._nearest

    def near(word, choices):
        asked.append(word)
        return nearest(word, choices)

    monkeypatch.setattr(tables, "_nearest", near)
    extra = "".join(f",extra{n}" for n in range(100_000))
    with pytest.raises(InputError) as caught:
        read_table(table(HEADER + extra, ROW + ",1" * 100_000), "throughput")
    assert asked == [f"extra{n}" for n in range(tables.PROBLEMS_SHOWN)]
    assert caught.value.problems[-1].endswith(" more problems")


def test_byte_order_mark_crlf_and_blank_lines_change_nothing(table):
    plain = read_table(table(HEADER, ROW), "throughput")
    odd = read_table(table("\ufeff" + HEADER, "", ROW, "", newline="\r\n"), "throughput")
    pd.testing.assert_frame_equal(plain, odd)


def test_a_table_that_may_have_no_rows_says_so_and_comes_back(tmp_path):
    columns = load_schema("stress_cases")["properties"]
    write_table(pd.DataFrame(columns=list(columns)), tmp_path / "none.csv", "stress_cases")
    read = read_table(tmp_path / "none.csv", "stress_cases")
    assert read.empty and list(read.columns) == list(columns)


@pytest.mark.parametrize("newline", ["\n\r", "\r", "\r\r\n"])
def test_no_line_end_loses_a_row(table, newline):
    other = cell("model", "Llama 3.1 8B")
    plain = read_table(table(HEADER, ROW, other), "throughput")
    odd = read_table(table(HEADER, ROW, other, newline=newline), "throughput")
    pd.testing.assert_frame_equal(plain, odd)


@pytest.mark.parametrize("before", ["\r", "\n\r", "\r\n\n", "\n"])
def test_blank_lines_before_the_header_lose_no_row(table, before):
    plain = read_table(table(HEADER, ROW), "throughput")
    pd.testing.assert_frame_equal(plain, read_table(table(before + HEADER, ROW), "throughput"))


def test_a_column_that_stands_twice_does_not_hide_a_bad_cell(table):
    found = problems_of(table(HEADER + ",model", cell("precision", "FP9") + ",x"))
    assert len(found) == 2
    assert 'column "precision": value "FP9"' in found[1]


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=12)


@given(model=TEXTS, note=TEXTS, tokens=st.floats(), rate=st.floats(), nodes=st.integers())
def test_what_is_not_refused_in_writing_is_read_again_as_it_was(
    tmp_path_factory, model, note, tokens, rate, nodes
):
    path = tmp_path_factory.mktemp("written") / "table.csv"
    cells = [(model, "g", 1, "FP8", tokens, 5.0, rate, "s", nodes, note)]
    columns = [*HEADER.split(","), "nodes", "note"]
    try:
        write_table(pd.DataFrame(cells, columns=columns, dtype=object), path, "throughput")
    except InputError:
        assert not path.exists()
        return
    (row,) = read_table(path, "throughput").to_dict("records")
    assert (row["model"], row["note"] or "") == (model, note)
    assert row["nodes"] == nodes
    for read, stated in ((row["input_tokens"], tokens), (row["throughput_tps"], rate)):
        assert format_number(read) == format_number(stated)


@pytest.mark.parametrize(
    "text", ["a\nb", "a\rb", "a\0b", "a\ud800b", "a" * 131_073, "=" + "a" * 131_071]
)
def test_a_cell_that_cannot_be_read_again_is_not_written(tmp_path, text):
    frame = read_table(ROOT / "data" / "throughput" / "oviedo.csv", "throughput")
    with pytest.raises(InputError, match="one line of text"):
        write_table(
            frame.assign(note=pd.Series(text, frame.index, object)),
            tmp_path / "table.csv",
            "throughput",
        )
    assert not list(tmp_path.iterdir())


def test_cells_of_a_row_that_cannot_all_be_right_are_not_written(tmp_path):
    frame = read_table(ROOT / "data" / "throughput" / "oviedo.csv", "throughput")
    with pytest.raises(InputError, match="allowed is at most params_total_b"):
        write_table(frame.assign(params_active_b=900.0), tmp_path / "table.csv", "throughput")
    assert not list(tmp_path.iterdir())


def test_types_and_empty_cells(table):
    row = read_table(table(HEADER, cell("input_tokens", "")), "throughput").iloc[0]
    assert np.isnan(row.input_tokens)
    assert row.output_tokens == 2048.0
    assert row.nodes is pd.NA
    assert row.note is None
    frame = read_table(table(HEADER, ROW), "throughput")
    assert list(frame) == list(load_schema("throughput")["properties"])
    kinds = frame.dtypes
    assert (kinds.model, kinds.nodes, kinds.throughput_tps) == (object, pd.Int64Dtype(), float)


def test_a_million_rows_are_read_and_the_bad_one_is_found(table):
    rows = [f"m,g,1,FP8,{n % 5000 + 1},{n // 5000 + 1},9.5,s" for n in range(1_000_000)]
    rows[765_432] = "m,g,1,FP8,1,1,many,s"
    (problem,) = problems_of(table(HEADER, *rows))
    assert 'line 765434, column "throughput_tps": value "many"' in problem


@pytest.mark.parametrize("name", schema_names())
def test_each_schema_is_valid_closed_and_described(name):
    schema = load_schema(name)
    jsonschema_rs.meta.validate(schema)
    assert schema["additionalProperties"] is False
    assert {*schema["required"], *schema["x-key"], *schema["x-sort"]} <= set(schema["properties"])
    assert all(column["description"] for column in schema["properties"].values())


def test_the_documentation_names_every_column():
    text = render("tables/tables.md.jinja", tables=describe_tables())
    alone = "Of a user's table alone."
    told = {line.split("`")[1] for line in text.splitlines() if line.endswith(f" {alone} |")}
    assert told == {"line", "locator", "committed", "beyond"}
    for name in schema_names():
        schema = load_schema(name)
        assert f"## `{schema['title']}`\n" in text
        assert all(f"| `{column}` |" in text for column in schema["properties"])


def test_what_a_schema_says_cannot_break_its_table():
    column = {"name": "c", "allowed": "text like ^(a|b)$", "unit": None, "meaning": "<b>|"}
    column["is_users"] = False
    table = {"title": "t", "anchor": "t", "description": "d", "key": ["c", "d"]}
    table["columns"] = [column]
    page = render("tables/tables.md.jinja", tables=[table])
    assert "One row per `c`, `d`.\n" in page
    assert page.endswith("| `c` | text like ^(a\\|b)\\$ |  | \\<b\\>\\| |\n")


FLEET = pd.DataFrame(
    {
        "engine": ["exact", "published", "published"],
        "scenario": ["long", "mixed", "traditional"],
        "pathway": "baseline",
        "statistic": ["p50", "p5", "p95"],
        "value": [8.0, 1.23456789, 0.7],
        "unit": "GWh/day",
    }
)


def test_a_table_is_written_sorted_rounded_and_in_the_schemas_order(tmp_path):
    path = tmp_path / "results" / "fleet.csv"
    write_table(FLEET[FLEET.columns[::-1]], path, "fleet")
    assert path.read_bytes().decode().split("\n") == [
        "engine,scenario,pathway,statistic,value,unit",
        "published,traditional,baseline,p95,0.7,GWh/day",
        "published,mixed,baseline,p5,1.23457,GWh/day",
        "exact,long,baseline,p50,8,GWh/day",
        "",
    ]


def test_order_of_the_rows_does_not_show(tmp_path):
    write_table(FLEET, tmp_path / "a.csv", "fleet")
    write_table(FLEET.sample(frac=1, random_state=1), tmp_path / "b.csv", "fleet")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_what_is_written_is_read_again(tmp_path, table):
    frame = read_table(table(HEADER, ROW, cell("input_tokens", "")), "throughput")
    frame["throughput_tps"] = 1234.5
    write_table(frame, tmp_path / "again.csv", "throughput")
    again = read_table(tmp_path / "again.csv", "throughput")
    pd.testing.assert_frame_equal(again, frame)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (FLEET.assign(colour="red"), 'column "colour": unknown'),
        (FLEET.drop(columns="unit"), 'column "unit": missing'),
        (FLEET.assign(unit="kWh"), 'value "kWh"; allowed is one of GWh/day'),
        (FLEET.assign(value=np.nan), 'column "value": value ""'),
        (FLEET.assign(value=np.inf), 'column "value": value "inf"'),
        (pd.concat([FLEET, FLEET]), "the same row again"),
    ],
)
def test_a_bad_frame_is_refused_and_the_old_file_stays(tmp_path, frame, words):
    path = tmp_path / "fleet.csv"
    path.write_text("old")
    with pytest.raises(InputError, match=words):
        write_table(frame, path, "fleet")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_failure_midway_leaves_the_old_file_alone(tmp_path, monkeypatch, failure):
    path = tmp_path / "fleet.csv"
    path.write_text("old")

    def fail(source, target):
        assert source.read_text().count("\n") == len(FLEET) + 1
        raise failure

    monkeypatch.setattr(tables.os, "replace", fail)
    with pytest.raises(failure):
        write_table(FLEET, path, "fleet")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_is_removed(tmp_path):
    left = tmp_path / ".fleet.csv.0123.partial"
    left.write_text("half a ta")
    write_text(tmp_path / "fleet.csv", "whole\n")
    # it may be another run's, still at work
    assert left.exists()
    os.utime(left, (0, 0))
    write_text(tmp_path / "fleet.csv", "whole\n")
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.csv"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_a_full_disk_is_told_and_the_old_file_kept(code, tmp_path, monkeypatch):
    path = tmp_path / "fleet.csv"
    write_text(path, "old\n")

    def fail(source, target):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(tables.os, "replace", fail)
    with pytest.raises(InputError) as caught:
        write_text(path, "new\n")
    assert f"{path}: cannot be written ({os.strerror(code)}): make room" in str(caught.value)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_two_that_write_one_file_do_not_take_each_others_parts(tmp_path, monkeypatch):
    parts = []
    replace = os.replace

    def note(source, target):
        parts.append(source)
        if len(parts) == 1:
            write_text(target, "of the other\n")
        replace(source, target)

    monkeypatch.setattr(tables.os, "replace", note)
    write_text(tmp_path / "fleet.csv", "whole\n")
    assert len(set(parts)) == 2
    assert (tmp_path / "fleet.csv").read_text() == "whole\n"
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.csv"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.3123456789, "0.312346"),
        (1e9, "1000000000"),
        (1234567.8, "1234570"),
        (30000, "30000"),
        (999999.7, "1000000"),
        (-0.0, "0"),
        (0.0000123456789, "0.0000123457"),
        (1.5e-12, "1.5e-12"),
        (None, ""),
        (float("nan"), ""),
        (pd.NA, ""),
    ],
)
def test_numbers_have_six_significant_digits(number, text):
    assert format_number(number) == text


NUMBERS = ["+1", "-0.5", "-1"]
TEXTS = ["=1+1", "@sum(a1)", "'=1", "''-1", "=cmd|' /C calc'!A0", "a=1", "'a", "-"]
FORMULAS = [*TEXTS, *NUMBERS]


def test_text_that_a_spreadsheet_would_run_is_guarded_and_read_back_equal(tmp_path, table):
    frame = read_table(table(HEADER, *[cell("source_id", "x")] * 1), "throughput")
    frame = pd.concat([frame] * len(FORMULAS), ignore_index=True).assign(source_id=FORMULAS)
    write_table(frame, tmp_path / "written.csv", "throughput")
    cells = pd.read_csv(tmp_path / "written.csv", dtype=str)
    assert cells["source_id"][cells["source_id"].str.match(r"[=+@-].")].tolist() == NUMBERS
    assert {"'=1+1", "''=1", "a=1", "'a"} <= set(cells["source_id"])
    again = read_table(tmp_path / "written.csv", "throughput")
    assert sorted(again["source_id"]) == sorted(FORMULAS)


@pytest.mark.parametrize("text", ["＝1+1", "＠a", "＋a", "－a", "\t=1"])
def test_other_forms_of_a_formula_are_guarded_too(text):
    assert tables.guarded(text) == f"'{text}"
    assert tables.guarded(-1.5) == -1.5


def test_only_free_text_is_guarded():
    holds_text = tables._is_free_text(load_schema("throughput"))
    assert holds_text("model") and holds_text("source_id")
    assert not any(map(holds_text, ["input_tokens", "tensor_parallel", "precision", "unknown"]))


@pytest.mark.parametrize("path", sorted((ROOT / "results").rglob("*.csv")), ids=lambda p: p.name)
def test_no_committed_table_holds_a_formula(path):
    """Or needs a guard: what is committed reads back as it stands."""
    with open(path, encoding="utf-8", newline="") as file:
        cells = [text for row in csv.reader(file) for text in row]
    assert not [text for text in cells if tables._is_formula(text)]


@pytest.mark.parametrize("row", ["\n", ",,,,,,,,,\n"])
def test_a_table_of_millions_of_cells_is_refused_before_it_fills_the_memory(tmp_path, row):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + row * (10_000_000 // len(row) + 1))
    with pytest.raises(InputError, match="more than the 10000000 that are allowed"):
        read_table(path, "throughput")


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("agent_tokens", {"source_id"}),
        ("estimates", {"id", "author", "subject", "model", "hardware", "source_id"}),
        ("expected_verdicts", {"method", "claim"}),
        ("facility", {"source_id"}),
        ("gpus", {"gpu"}),
        ("inferencex", {"model", "gpu", "engine", "source_id"}),
        ("mlenergy", {"model_id", "model", "source_id"}),
        ("mlperf", {"submitter", "system", "accelerator", "benchmark", "source_id"}),
        ("mlperf_benchmarks", {"benchmark", "model", "source_id"}),
        ("models", {"model", "aliases"}),
        ("node_power", {"gpu", "source_id"}),
        ("nodes", {"node", "gpu", "source_id"}),
        ("output_lengths", {"model_id", "source_id"}),
        ("own_node", {"test", "model", "gpu", "engine", "client", "cell", "source_id"}),
        ("own_node_timeline", {"test"}),
        ("peer_answers", {"id"}),
        ("production_load", {"source_id"}),
        ("references", {"quantity", "source_id"}),
        ("request_lengths", {"trace", "source_id"}),
        ("sources", {"source_id"}),
        ("throughput", {"model", "gpu", "engine", "source_id"}),
        ("token_counts", {"id", "source_id"}),
        ("wall_power", {"submitter", "system", "benchmark", "source_id"}),
    ],
)
def test_names_of_every_table_of_data_are_in_one_spelling(schema, names):
    columns = load_schema(schema)["properties"]
    assert names == {name for name, column in columns.items() if column.get("x-name")}
    assert not any(tables.holds_text("H100\u2013SXM", columns[name]) for name in names)

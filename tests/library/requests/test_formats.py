"""Every format of config/requests.yaml, on rows written as its source describes them."""

import json

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from inference_energy.documents import schema_problems
from inference_energy.errors import InputError
from inference_energy.requests.counts import counted_view
from inference_energy.requests.formats import LogColumns, format_problems, select
from inference_energy.requests.log import columns_of_any, connect, open_log, requests_view, units
from library.requests.conftest import LONGEST
from repository import ROOT, read_schema

LITELLM = {
    "request_id": "chatcmpl-1",
    "startTime": "2025-03-01T10:00:00.000Z",
    "endTime": "2025-03-01T10:00:04.500Z",
    "model": "Llama 3.1 70B",
    "model_group": "chat",
    "team_id": "team",
    "prompt_tokens": 120,
    "completion_tokens": 30,
    "cache_hit": "False",
    "metadata": {
        "additional_usage_values": {
            "prompt_tokens_details": {"cached_tokens": 100},
            "completion_tokens_details": {"reasoning_tokens": 20},
        }
    },
}
SPAN = {
    "spanId": "a1",
    "startTimeUnixNano": "1740823200000000000",
    "endTimeUnixNano": "1740823204500000000",
    "attributes": [
        {"key": "gen_ai.request.model", "value": {"stringValue": "Llama 3.1 70B"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "120"}},
        {"key": "gen_ai.usage.cache_read.input_tokens", "value": {"intValue": "100"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "30"}},
    ],
}
FLAT_SPAN = {
    "span_id": "a1",
    "start_time": "2025-03-01T10:00:00Z",
    "end_time": "2025-03-01T10:00:04.5Z",
    "gen_ai.request.model": "Llama 3.1 70B",
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.cache_read.input_tokens": 100,
    "gen_ai.usage.output_tokens": 30,
}
NESTED_SPAN = {
    "name": "chat",
    "context": {"trace_id": "0x1", "span_id": "a1"},
    "start_time": "2025-03-01T10:00:00.000000Z",
    "end_time": "2025-03-01T10:00:04.500000Z",
    "attributes": {name: value for name, value in FLAT_SPAN.items() if name.startswith("gen_ai")},
}
BUCKET = {"input_tokens": 120, "input_cached_tokens": 100, "output_tokens": 30}
TEN = 1_740_823_200_000_000
END = TEN + 4_500_000
FILES = {
    "plain": (
        "log.csv",
        "start,end,model,tenant,id,input_tokens,cached_tokens,output_tokens,reasoning_tokens\n"
        "2025-03-01 10:00:00,2025-03-01 10:00:04.5,Llama 3.1 70B,acme,1,120,100,30,20\n",
        {"start": TEN, "finish": END, "tenant": "acme", "cached": 100, "reasoning": 20},
    ),
    "azure": (
        "log.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2025-03-01 10:00:00.0000000,120,30\n",
        {"start": TEN},
    ),
    "burstgpt": (
        "log.csv",
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,"
        "Log Type\n"
        "36000,7,4.5,ChatGPT,120,30,150,Conversation log\n",
        {"start": 36_000_000_000, "finish": 36_004_500_000, "model": "ChatGPT"},
    ),
    "mooncake": (
        "log.jsonl",
        '{"timestamp": 27482, "input_length": 120, "output_length": 30, "hash_ids": [46, 47]}\n',
        {"start": 27_482_000},
    ),
    "litellm": (
        "log.jsonl",
        json.dumps(LITELLM) + "\n",
        {"start": TEN, "finish": END, "tenant": "team", "cached": 100, "reasoning": 20}
        | {"model": "Llama 3.1 70B", "id": "chatcmpl-1"},
    ),
    "litellm-api": (
        "log.json",
        json.dumps({"data": [LITELLM], "total": 1, "page": 1, "page_size": 50}, indent=1),
        {"start": TEN, "finish": END, "tenant": "team", "cached": 100, "reasoning": 20}
        | {"model": "Llama 3.1 70B", "id": "chatcmpl-1"},
    ),
    "opentelemetry": (
        "log.jsonl",
        json.dumps(FLAT_SPAN) + "\n",
        {"start": TEN, "finish": END, "cached": 100, "model": "Llama 3.1 70B", "id": "a1"},
    ),
    "opentelemetry-spans": (
        "log.json",
        json.dumps(NESTED_SPAN, indent=4) + "\n",
        {"start": TEN, "finish": END, "cached": 100, "model": "Llama 3.1 70B", "id": "a1"},
    ),
    "otlp": (
        "log.jsonl",
        json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [SPAN]}]}]}) + "\n",
        {"start": TEN, "finish": END, "cached": 100, "model": "Llama 3.1 70B", "id": "a1"},
    ),
    "openai-usage": (
        "log.csv",
        "start_time,end_time,project_id,num_model_requests,user_id,api_key_id,model,input_tokens,"
        "output_tokens,input_cached_tokens\n1740823200,1740909600,p,2,u,k,gpt-x,120,30,100\n",
        {"start": TEN, "tenant": "p", "cached": 100, "requests": 2},
    ),
    "openai-usage-api": (
        "log.json",
        json.dumps(
            {
                "object": "page",
                "data": [
                    {
                        "start_time": 1740823200,
                        "results": [BUCKET | {"num_model_requests": 2, "project_id": "p"}],
                    }
                ],
            },
            indent=1,
        ),
        {"start": TEN, "tenant": "p", "cached": 100, "requests": 2},
    ),
}


def read(path, settings, folder):
    """Rows of a log in the columns of a requests view, and its format's name."""
    log = open_log(path, settings["formats"])
    connection = connect(folder=folder)
    (unit,) = units(log, connection)
    requests_view(log, unit, connection, folder)
    rows = connection.execute("FROM requests").df().to_dict("records")
    names = [name for name, form in settings["formats"].items() if form is log.form]
    return rows, names[0]


def test_every_format_is_tried(settings):
    assert set(FILES) == set(settings["formats"])


@pytest.mark.parametrize("name", FILES)
def test_a_format_is_found_by_its_columns_and_read(name, settings, tmp_path):
    file, text, expected = FILES[name]
    (tmp_path / file).write_text(text)
    (row,), found = read(tmp_path / file, settings, tmp_path)
    assert found == name
    assert {key: row[key] for key in expected} == expected
    assert (row["input"], row["output"], row["elsewhere"]) == (120, 30, False)


@pytest.mark.parametrize("name", ["litellm-api", "openai-usage-api"])
def test_a_page_is_known_by_what_its_lists_hold_after_pages_without_rows(name, settings, tmp_path):
    text = '{"data": []}\n' + json.dumps(json.loads(FILES[name][1])) + "\n"
    (tmp_path / "log.jsonl").write_text(text)
    (row,), found = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert (found, row["input"], row["output"]) == (name, 120, 30)


@pytest.mark.parametrize("name", ["azure", "litellm", "litellm-api", "otlp", "openai-usage-api"])
@pytest.mark.parametrize(
    ("ending", "compression"), [("gz", "gzip"), ("GZ", "gzip"), ("zst", "zstd")]
)
def test_a_compressed_log_reads_the_same(name, ending, compression, settings, tmp_path):
    file, text, _ = FILES[name]
    (tmp_path / file).write_text(text)
    plain, _ = read(tmp_path / file, settings, tmp_path)
    with pa.output_stream(f"{tmp_path / file}.{ending}", compression) as stream:
        stream.write(text.encode())
    assert str(read(f"{tmp_path / file}.{ending}", settings, tmp_path)[0]) == str(plain)


def test_parquet_reads_as_csv_does(settings, tmp_path):
    (tmp_path / "log.csv").write_text(FILES["plain"][1])
    source, target = tmp_path / "log.csv", tmp_path / "log.parquet"
    duckdb.sql(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet)")
    rows = [read(path, settings, tmp_path)[0] for path in (source, target)]
    assert str(rows[0]) == str(rows[1])


def test_a_row_that_the_proxys_cache_answered_is_marked(settings, tmp_path):
    hit = LITELLM | {"cache_hit": "True", "request_id": "2"}
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, (LITELLM, hit))))
    rows, _ = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert [row["elsewhere"] for row in rows] == [False, True]


def test_an_offset_of_a_time_counts(settings, tmp_path):
    text = FILES["azure"][1].replace("10:00:00.0000000", "12:00:00+02:00")
    (tmp_path / "log.csv").write_text(text)
    assert read(tmp_path / "log.csv", settings, tmp_path)[0][0]["start"] == TEN


@pytest.mark.parametrize(
    ("start", "unit", "lasted"),
    [
        ("2025-03-01T10:00:00Z", "ms", 4500),
        ("1740823200", "s", 4.5),
        ("1740823200000", "us", 4.5e6),
    ],
)
def test_a_duration_has_a_unit_of_its_own(tmp_path, start, unit, lasted):
    """Gateways write a moment and the milliseconds that it took."""
    (tmp_path / "log.csv").write_text(f"at,took,in,out\n{start},{lasted},120,30\n")
    columns = {"start": "at", "duration": "took", "input": "in", "output": "out"}
    form = {"source": "a test", "time": "text", "duration_unit": unit, "columns": columns}
    log = open_log(tmp_path / "log.csv", {}, form)
    connection = connect(folder=tmp_path)
    requests_view(log, units(log, connection)[0], connection, tmp_path)
    assert connection.execute("SELECT start, finish FROM requests").fetchall() == [(TEN, END)]


@pytest.mark.parametrize("between", [";", "\t", "|"])
def test_a_table_is_read_whatever_is_between_its_columns(settings, tmp_path, between):
    text = FILES["azure"][1].replace(",", between)
    (tmp_path / "log.csv").write_text(text)
    (row,), name = read(tmp_path / "log.csv", settings, tmp_path)
    assert (name, row["start"], row["input"], row["output"]) == ("azure", TEN, 120, 30)


def test_case_and_blanks_of_a_tables_header_do_not_matter(settings, tmp_path):
    (tmp_path / "log.csv").write_text("\ufeffStart, MODEL , Input_Tokens,output_tokens\n,m,5,6\n")
    (row,), name = read(tmp_path / "log.csv", settings, tmp_path)
    assert (name, row["model"], row["input"], row["output"]) == ("plain", "m", 5, 6)
    duckdb.sql(f"COPY (SELECT 5 AS INPUT_tokens, 6 AS Output_Tokens) TO '{tmp_path}/log.parquet'")
    (row,), name = read(tmp_path / "log.parquet", settings, tmp_path)
    assert (name, row["input"], row["output"]) == ("plain", 5, 6)


@pytest.mark.parametrize(
    ("start", "known"),
    [
        ("1740823200", True),
        ("1740823200.0", True),
        ("1740823200000", True),
        ("1740823200000000", True),
        ("1740823200000000000", True),
        ("2025-03-01T05:00:00-05:00", True),
        ("20250301100000", False),
        ("2025", False),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_number_is_a_time_if_it_is_one_of_this_century(settings, tmp_path, start, known, kind):
    path = tmp_path / f"log.{kind}"
    start = f"'{start}'" if "-" in start else start
    sql = f"COPY (SELECT {start} AS start, 5 AS input_tokens, 6 AS output_tokens) TO '{path}'"
    duckdb.sql(f"{sql} (FORMAT {kind})")
    ((row,), _) = read(path, settings, tmp_path)
    assert row["start"] == TEN if known else pd.isna(row["start"])


@pytest.mark.parametrize(
    ("cell", "tokens"),
    [
        ("5", 5),
        ("5.0", 5),
        ("1.5e1", 15),
        # thousand two hundred thirty-four as some write it
        ("1.234", None),
        # one, or a thousand
        ("1.000", None),
        ("1.0000", 1),
        ('"1,234"', None),
        ("5.5", None),
        ("1e-300", None),
        ("0x10", None),
    ],
)
def test_only_whole_numbers_are_tokens(settings, tmp_path, cell, tokens):
    rows = ["start,input_tokens,output_tokens", f"2025-01-01 00:00:00,{cell},7"]
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n")
    (found,), _ = read(tmp_path / "log.csv", settings, tmp_path)
    assert found["output"] == 7
    assert found["input"] == tokens or (tokens is None and pd.isna(found["input"]))


TINY = ["1e-400", "-2.5E-0400", f"0.{'0' * 330}1", "10e-999"]
"""Numbers that are not zero, and that a double has as zero."""


@pytest.mark.parametrize("cell", [*TINY, "0", "0.0", "0e-400", "-0.0", f"0.{'0' * 330}"])
@pytest.mark.parametrize(
    "kind", ["csv", "lines", "one object", "hive", "lists", "inside", "attributes"]
)
def test_a_number_that_underflows_is_none(settings, tmp_path, cell, kind):
    """It was taken for no tokens, as DuckDB has it."""
    path, tokens = tmp_path / "log.jsonl", f'"input_tokens": {cell}, "output_tokens": 7'
    said = f'"note": "a \\"input_tokens\\": 1e-500 of others", "rate": 1e-600, {tokens}'
    if kind == "csv":
        path = tmp_path / "log.csv"
        path.write_text(f"input_tokens,output_tokens\n{cell},7\n")
    elif kind == "lines":
        path.write_text(f"{{{said}}}\n")
    elif kind == "one object":
        path = tmp_path / "log.json"
        path.write_text(f"[\n{{{said}}}\n]")
    elif kind == "hive":
        path = tmp_path / "log"
        (path / "model=m").mkdir(parents=True)
        (path / "model=m" / "a.jsonl").write_text(f"{{{said}}}\n")
    form = None
    if kind == "lists":
        path.write_text(f'{{"data": [{{{said}}}]}}\n')
        form = settings["formats"]["plain"] | {"unnest": ["data"]}
    elif kind == "inside":
        path.write_text(f'{{"usage": {{{said}}}}}\n')
        columns = {name: ["usage", f"{name}_tokens"] for name in ("input", "output")}
        form = {"source": "x", "time": "text", "columns": columns}
    elif kind == "attributes":
        values = {"a": f'"doubleValue": {cell}', "b": '"intValue": 7'}
        stated = ", ".join(f'{{"key": "{key}", "value": {{{v}}}}}' for key, v in values.items())
        path.write_text(f'{{"attributes": [{stated}]}}\n')
        columns = {"input": {"attribute": "a"}, "output": {"attribute": "b"}}
        form = {"source": "x", "time": "text", "columns": columns}
    log = open_log(path, settings["formats"], form)
    connection = connect(folder=tmp_path)
    requests_view(log, units(log, connection)[0], connection, tmp_path)
    found = connection.execute("SELECT input, output FROM requests").fetchall()
    assert found == [(None if cell in TINY else 0, 7)]


def test_columns_that_are_not_there_are_named(settings):
    with pytest.raises(InputError, match=r"'ContextTokens' for input tokens.*it has a, b"):
        select(LogColumns({"a": "BIGINT", "b": "BIGINT"}), settings["formats"]["azure"])


def test_a_throughput_table_is_no_log(settings):
    """Each of its rows counted as a request."""
    with pytest.raises(InputError) as told:
        open_log(ROOT / "data/throughput/at_load.csv", settings["formats"])
    assert "at_load.csv: has the column throughput_tps, and so is a throughput table" in str(
        told.value
    )
    assert "say benchmarks=FILE of snakemake laws instead" in str(told.value)


def test_a_name_cannot_become_sql(tmp_path, settings):
    name = 'in"put; DROP'
    (tmp_path / "log.csv").write_text('"in""put; DROP",out\n7,3\n')
    form = {"source": "x", "time": "text", "columns": {"input": name, "output": "out"}}
    log = open_log(tmp_path / "log.csv", settings["formats"], form)
    connection = connect(folder=tmp_path)
    requests_view(log, units(log, connection)[0], connection, tmp_path)
    assert connection.execute("SELECT input, output FROM requests").fetchall() == [(7, 3)]


def test_the_schema_refuses_a_misspelt_key(settings):
    schema = read_schema("requests")
    assert schema_problems(settings, schema, "x") == []
    form = settings["formats"]["azure"] | {"colums": {}}
    bad = settings | {"formats": {"azure": form}}
    assert "unknown key colums" in schema_problems(bad, schema, "x")[0]


def test_metadata_in_a_text_are_read(settings, tmp_path):
    row = LITELLM | {"metadata": json.dumps(LITELLM["metadata"])}
    rows = [row, row | {"metadata": "{broken"}, LITELLM]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found, _ = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert [row["cached"] for row in found if pd.notna(row["cached"])] == [100, 100]
    assert [row["reasoning"] for row in found if pd.notna(row["reasoning"])] == [20, 20]


@pytest.mark.parametrize("hit", ["TRUE", "true", "1", 1, True, "t"])
def test_a_hit_of_the_cache_is_known_however_it_is_written(settings, tmp_path, hit):
    (tmp_path / "log.jsonl").write_text(json.dumps(LITELLM | {"cache_hit": hit}))
    (found,), _ = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert found["elsewhere"]


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens_details": None, "cache_read_input_tokens": 90}, 90),
        ({"prompt_tokens_details": {"cached_tokens": 80}, "cache_read_input_tokens": 80}, 80),
        ({"prompt_tokens_details": {"text_tokens": 20}}, None),
    ],
)
def test_what_a_proxy_found_in_a_cache_is_where_its_provider_says_it(
    settings, tmp_path, usage, cached
):
    row = LITELLM | {"metadata": {"additional_usage_values": usage}}
    (tmp_path / "log.jsonl").write_text(json.dumps(row) + "\n")
    (found,), _ = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert found["cached"] == cached or (cached is None and pd.isna(found["cached"]))


def test_the_usage_of_a_batch_is_in_its_usage_object(settings, tmp_path):
    usage = LITELLM["metadata"]["additional_usage_values"]
    both = {"additional_usage_values": usage, "usage_object": {}}
    rows = [LITELLM | {"metadata": metadata} for metadata in ({"usage_object": usage}, both)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found, _ = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert [(row["cached"], row["reasoning"]) for row in found] == [(100, 20)] * 2


def test_spans_of_older_conventions_are_read(settings, tmp_path):
    old = {"start_time": "2024-09-01T00:00:00Z", "gen_ai.request.model": "m"}
    old |= {"gen_ai.usage.prompt_tokens": 120, "gen_ai.usage.completion_tokens": 30}
    (tmp_path / "log.jsonl").write_text(json.dumps(old) + "\n")
    (found,), name = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert (name, found["input"], found["output"]) == ("opentelemetry", 120, 30)


def test_names_of_cached_and_reasoning_tokens_before_the_conventions_are_read(settings, tmp_path):
    row = {name: value for name, value in FLAT_SPAN.items() if "cache_read" not in name}
    row |= {"gen_ai.usage.cache_read_input_tokens": 100, "gen_ai.usage.reasoning_tokens": 7}
    (tmp_path / "log.jsonl").write_text(json.dumps(row) + "\n")
    (found,), _ = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert (found["cached"], found["reasoning"]) == (100, 7)


def test_columns_of_their_own_go_before_those_inside_of_one(settings, tmp_path):
    row = {"input_tokens": 120, "output_tokens": 30, "attributes": {"region": "x"}}
    (tmp_path / "log.jsonl").write_text(json.dumps(row) + "\n")
    (found,), name = read(tmp_path / "log.jsonl", settings, tmp_path)
    assert (name, found["input"], found["output"]) == ("plain", 120, 30)


def test_attributes_in_a_map_are_read(settings, tmp_path):
    names = [*NESTED_SPAN["attributes"]]
    values = [str(value) for value in NESTED_SPAN["attributes"].values()]
    attributes = f"MAP({names}, {values}) AS attributes"
    sql = f"SELECT {attributes}, TIMESTAMP '2025-03-01 10:00' AS start_time"
    duckdb.sql(f"COPY ({sql}) TO '{tmp_path / 'log.parquet'}' (FORMAT parquet)")
    (found,), name = read(tmp_path / "log.parquet", settings, tmp_path)
    assert (name, found["input"], found["cached"]) == ("opentelemetry-spans", 120, 100)


@pytest.mark.parametrize(("model", "named"), [("", "chat"), (None, "chat"), ("other", "other")])
def test_a_row_of_litellm_is_of_the_model_that_answered(model, named, tmp_path, count):
    """A group is what was asked for, and can lead to several models."""
    (tmp_path / "log.jsonl").write_text(json.dumps(LITELLM | {"model": model}))
    assert count(tmp_path / "log.jsonl")["lengths"]["model"].tolist() == [named]


@pytest.mark.parametrize("row", [LITELLM, NESTED_SPAN], ids=["litellm", "opentelemetry-spans"])
def test_what_is_inside_of_columns_takes_little_memory(settings, tmp_path, row):
    """As of objects that Parquet has as structs, of which JSON is made."""
    (tmp_path / "row.json").write_text(json.dumps(row))
    rows = f"read_json('{tmp_path / 'row.json'}'), range(10_000)"
    duckdb.sql(f"COPY (FROM {rows}) TO '{tmp_path / 'log.parquet'}' (FORMAT parquet)")
    log = open_log(tmp_path / "log.parquet", settings["formats"])
    connection = connect(100, folder=tmp_path)
    stated, *_ = requests_view(log, units(log, connection)[0], connection, tmp_path)
    connection.execute(counted_view(LONGEST, stated))
    (found,) = connection.execute("SELECT count(*), count(DISTINCT id) FROM counted").fetchall()
    assert found == (10_000, 1)


@pytest.mark.parametrize("name", FILES)
def test_a_log_of_every_format_has_its_columns_before_it_is_read(name, settings, tmp_path):
    file, content, expected = FILES[name]
    (tmp_path / file).write_text(content)
    found = columns_of_any(open_log(tmp_path / file, settings["formats"]))
    assert {"input", "output"} | expected.keys() <= found


@pytest.mark.parametrize(
    "broken",
    [
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"spanId"',
        '{"resourceSpans": {"scopeSpans": []}}',
        '{"resourceSpans": [{"scopeSpans": {"spans": []}}]}',
        '{"resourceSpans": [5]}',
        '{"resourceSpans": [{"instrumentationLibrarySpans": [{"spans": []}]}]}',
        json.dumps(SPAN),
        "5",
    ],
)
def test_a_line_without_its_lists_is_told(settings, tmp_path, broken):
    good = FILES["otlp"][1].strip()
    nothing = '{"resourceSpans": [{"scopeSpans": []}, {}, {"scopeSpans": null}]}'
    (tmp_path / "log.jsonl").write_text("\n".join([good, broken, nothing, "", good, ""]))
    log = open_log(tmp_path / "log.jsonl", settings["formats"])
    connection = connect(folder=tmp_path)
    _, unreadable, first = requests_view(log, units(log, connection)[0], connection, tmp_path)
    assert (unreadable, first) == (1, [1])
    found = connection.execute("SELECT input, row FROM requests").fetchall()
    assert found == [(120, 0), (120, 2)]


def test_long_lines_take_little_memory(settings, tmp_path):
    """LiteLLM logs prompts and answers where it is told to."""
    line = json.dumps(LITELLM | {"messages": "x" * 50_000}) + "\n"
    twice = '{"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens": 2}\n'
    (tmp_path / "log.jsonl").write_text(line * 1000 + twice + "{\n" + line)
    log = open_log(tmp_path / "log.jsonl", settings["formats"])
    connection = connect(250, folder=tmp_path)
    _, *unreadable = requests_view(log, units(log, connection)[0], connection, tmp_path)
    assert unreadable == [2, [1000, 1001]]
    found = connection.execute("SELECT count(*), sum(input), sum(cached) FROM requests").fetchall()
    assert found == [(1001, 120 * 1001, 100 * 1001)]


def test_long_lines_of_nested_formats_take_little_memory(settings, tmp_path):
    """Collectors write thousands of spans in a line."""
    words = {"key": "gen_ai.prompt", "value": {"stringValue": "x" * 1000}}
    span = SPAN | {"attributes": [words, *SPAN["attributes"]]}
    line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span] * 1000}]}]}) + "\n"
    (tmp_path / "log.jsonl").write_text(line * 20)
    log = open_log(tmp_path / "log.jsonl", settings["formats"])
    connection = connect(400, folder=tmp_path)
    requests_view(log, units(log, connection)[0], connection, tmp_path)
    (found,) = connection.execute(
        "SELECT sum(input), sum(cached), sum(n) FROM (SELECT input, cached, 1 AS n FROM requests)"
    ).fetchall()
    assert found == (120 * 20_000, 100 * 20_000, 20_000)


USAGE = {"input": ["usage", "in"], "output": ["usage", "out"]}


@pytest.mark.parametrize(
    ("time", "columns", "words"),
    [
        ("ms", {"start": "s", "duration": "d", "cached": "c"}, []),
        ("text", {"start": "s", "end": "e", "tenant": "s", "id": "s"}, []),
        # a duration in the unit of a text ended in a traceback
        ("text", {"start": "s", "duration": "d"}, ["key columns.duration: value d", "s, ms, us"]),
        (
            "text",
            {"start": "s", "duration": "d"},
            ["state the unit of the duration as duration_unit"],
        ),
        ("s", {"start": "s", "end": "s"}, ["keys columns.start and columns.end: value s: stands"]),
        # all input was free
        ("s", {"cached": ["usage", "in"]}, ["keys columns.input and columns.cached"]),
        ("s", {"output": {"first": ["a", ["usage", "in"]]}}, ["columns.input and columns.output"]),
        (
            "s",
            {"reasoning": {"first": ["b", "a"]}, "cached": {"first": ["a", "c"]}},
            ["columns.cached and columns.reasoning: value a: stands in both"],
        ),
    ],
)
def test_a_format_that_means_one_column_twice_or_no_unit_is_told(time, columns, words):
    form = {"source": "a test", "time": time, "columns": USAGE | columns}
    schema = {"$ref": "#/$defs/format", "$defs": read_schema("requests")["$defs"]}
    assert schema_problems(form, schema, "mine") == []
    problems = format_problems(form, "mine.yaml")
    assert len(problems) == (1 if words else 0)
    if "duration" in columns:
        assert format_problems(form | {"duration_unit": "ms"}, "mine.yaml") == []
    assert [word for word in words if word not in problems[0]] == []

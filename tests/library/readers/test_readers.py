"""A file's format is told from its content; bad files are refused."""

import os
import shutil
from functools import reduce

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_energy.errors import InputError
from inference_energy.readers import detect, detect_and_read
from inference_energy.readers.common import parse_json
from inference_energy.tables import load_schema, read_table, write_table
from library.readers.files import FILES, FIXTURES, NODE, PAIR, put, refusal


@pytest.mark.parametrize(("name", "client", "facts"), FILES)
def test_every_format_is_told_from_its_content(tmp_path, name, client, facts):
    source = FIXTURES / name
    if source.is_dir():
        copy = shutil.copytree(source, tmp_path / "anything.csv")
        for number, file in enumerate(sorted(copy.iterdir())):
            file.rename(copy / f"{number}.txt")
    else:
        copy = shutil.copy(source, tmp_path / "anything.xyz")
    assert detect(copy) == client
    frame = detect_and_read(copy, facts)
    assert set(frame["client"]) == {client}


@pytest.mark.parametrize(("name", "client", "facts"), FILES)
def test_table_holds_its_schema_and_survives_a_round_trip(tmp_path, name, client, facts):
    frame = detect_and_read(FIXTURES / name, facts)
    assert list(frame.columns) == list(load_schema("benchmark")["properties"])
    write_table(frame, tmp_path / "once.csv", "benchmark")
    again = detect_and_read(tmp_path / "once.csv")
    write_table(again, tmp_path / "twice.csv", "benchmark")
    assert (tmp_path / "once.csv").read_text() == (tmp_path / "twice.csv").read_text()
    assert set(again["client"]) == {client}
    expected = read_table(tmp_path / "once.csv", "benchmark")
    pd.testing.assert_frame_equal(again, expected, check_dtype=True)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hello there", 'begins with "hello there", which is no known format'),
        (b"a,b\n1,2\n", "no known format"),
        (b"\xff\xfe{\x00", "is not UTF-8"),
        (b"[]", "holds no run"),
        (b"[1]", "value 1: is 1; a JSON object is needed"),
        (b'{"a": 1}', "object 1: is of no known format, its keys are a"),
        (b"{}", "its keys are none"),
    ],
)
def test_files_that_are_no_benchmark_are_refused(tmp_path, data, expected):
    path = tmp_path / "file.json"
    path.write_bytes(data)
    message = refusal(path, NODE)
    assert expected in message
    assert str(path) in message


def test_a_missing_file_and_a_folder_of_something_else_are_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.json")
    assert "is a folder without an MLPerf summary" in refusal(tmp_path)


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff"), "a\nb"])
@pytest.mark.parametrize("file", ["vllm/single.json", "project/throughput.csv"])
def test_a_file_whose_name_no_table_can_hold_is_refused(tmp_path, name, file):
    copy = shutil.copy(FIXTURES / file, tmp_path / name)
    for read in (detect, detect_and_read):
        with pytest.raises(InputError, match="rename the file") as refused:
            read(copy)
        assert str(refused.value).isprintable()


def places(value, path=()):
    """Paths of all values inside a JSON value; of a list only its first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for key, item in inside:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_but_never_fails_otherwise(data, tmp_path_factory):
    files = [(name, facts) for name, _, facts in FILES if name.endswith("json")]
    name, facts = data.draw(st.sampled_from(files))
    raw = parse_json(name, (FIXTURES / name).read_text(encoding="utf-8"))
    *folder, key = data.draw(st.sampled_from(list(places(raw))))
    junk = st.sampled_from([None, "x", -1, 0, 1.5, True, [], {}, ["a"], {"a": 1}, 1e999])
    reduce(lambda value, step: value[step], folder, raw)[key] = data.draw(junk)
    try:
        frame = detect_and_read(put(tmp_path_factory.getbasetemp(), raw, "damaged.json"), facts)
    except InputError as refused:
        assert "damaged.json" in str(refused)
    else:
        assert (frame["throughput_tps"] > 0).all()


def test_power_may_be_stated_beside_any_clients_file():
    facts = {**NODE, "node_power_w": 9500}
    row = detect_and_read(FIXTURES / "vllm/single.json", facts).iloc[0]
    assert (row["node_power_w"], row["power_boundary"]) == (9500, "node")
    facts = {**NODE, "gpu_power_w": 5200}
    row = detect_and_read(FIXTURES / "vllm/single.json", facts).iloc[0]
    assert (row["gpu_power_w"], row["power_boundary"]) == (5200, "accelerator")


def test_energy_beside_a_stated_node_power_is_that_of_the_node():
    facts = {"node_power_w": 9000.0}
    row = detect_and_read(FIXTURES / "inferencex/agg_single.json", facts).iloc[0]
    assert (row["power_boundary"], row["gpu_power_w"]) == ("node", 4400)
    assert row["energy_per_output_token_j"] == 9000 / 2000


def test_stated_power_takes_the_place_of_that_of_too_few_gpus():
    facts = {**PAIR, "gpu": "H100-SXM-80GB", "gpu_power_w": 700.0}
    row = detect_and_read(FIXTURES / "aiperf/0.12.0.json", facts).iloc[0]
    assert (row["gpu_power_w"], row["power_boundary"]) == (700, "accelerator")
    assert pd.isna(row["energy_per_output_token_j"])

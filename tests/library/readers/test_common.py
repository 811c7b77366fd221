"""Facts, numbers and JSON that every reader shares."""

import json

import pandas as pd
import pytest
from inference_energy.readers import detect_and_read
from inference_energy.readers.common import read_facts
from library.readers.files import FIXTURES, NODE, load, put, refusal


def test_facts_come_from_the_folder_and_the_file_which_goes_first(tmp_path):
    path = put(tmp_path, load("vllm/single.json"), "one.json")
    put(tmp_path, "gpu: B200\nn_gpus: 8\ntensor_parallel: 8\nprecision: FP8\n", "facts.yaml")
    put(tmp_path, "\ufeffprecision: FP4\nmodel: Llama 3.1 70B\n", "one.facts.yaml")
    put(tmp_path, "precision: INT8\n", "other.facts.yaml")
    assert read_facts(path)["precision"] == "FP4"
    row = detect_and_read(path).iloc[0]
    assert (row["gpu"], row["precision"], row["model"]) == ("B200", "FP4", "Llama 3.1 70B")
    assert row["source_id"] == "one"


def test_all_missing_facts_are_asked_for_at_once_by_name():
    path = FIXTURES / "vllm/appended.json"
    message = refusal(path)
    for name in ("gpu", "n_gpus", "tensor_parallel", "precision"):
        assert f"'{name}: ...' to {path.with_name('appended.facts.yaml')}" in message
    assert message.count("\n") == 3


def test_stages_are_asked_for_only_if_the_gpus_leave_a_choice():
    path = FIXTURES / "vllm/single.json"
    message = refusal(path, {**NODE, "tensor_parallel": 4})
    assert "pipeline_parallel is neither" in message
    assert message.count("\n") == 0
    row = detect_and_read(path, {**NODE, "tensor_parallel": 4, "pipeline_parallel": 1}).iloc[0]
    assert (row["n_gpus"], row["tensor_parallel"]) == (8, 4)


def test_a_model_on_more_gpus_than_there_are_is_refused():
    message = refusal(FIXTURES / "vllm/single.json", {**NODE, "n_gpus": 4, "pipeline_parallel": 1})
    assert "tensor_parallel x pipeline_parallel is 8 but n_gpus is 4" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n_gpu: 8", 'key "n_gpu": unknown'),
        ("n_gpus: eight", 'key "n_gpus": value "eight"; allowed is an integer of at least 1'),
        ("n_gpus: true", 'key "n_gpus": value true'),
        ("precision: fp8", "allowed is one of FP4, FP8"),
        ("- gpu", "a mapping with model, gpu"),
        ("gpu: [", "not YAML"),
    ],
)
def test_bad_facts_are_refused(tmp_path, text, expected):
    path = put(tmp_path, load("vllm/single.json"))
    put(tmp_path, text, "run.facts.yaml")
    message = refusal(path)
    assert expected in message
    assert "run.facts.yaml" in message


def test_a_byte_order_mark_does_not_matter(tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(b"\xef\xbb\xbf" + (FIXTURES / "vllm/single.json").read_bytes())
    plain = detect_and_read(FIXTURES / "vllm/single.json", NODE)
    marked = detect_and_read(path, NODE)
    same = plain.columns.difference(["source_file", "source_id", "sha256"])
    pd.testing.assert_frame_equal(plain[same], marked[same])


def test_cut_off_json_tells_the_line_and_what_was_whole(tmp_path):
    text = (FIXTURES / "vllm/appended.json").read_text()
    message = refusal(put(tmp_path, text[:-200]), NODE)
    assert "line 3" in message
    assert "2 whole objects stand before it" in message


@pytest.mark.parametrize("value", ["fast", -1, True, [1]])
def test_values_that_are_no_numbers_are_named(tmp_path, value):
    message = refusal(put(tmp_path, load("vllm/single.json") | {"duration": value}), NODE)
    assert f'"duration" is {json.dumps(value)}' in message
    assert message.count("\n") == 0

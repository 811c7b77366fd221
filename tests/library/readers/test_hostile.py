"""What damages a benchmark's file or its facts is told in a sentence, never a traceback."""

import json
import tracemalloc

import pandas as pd
import pytest
from inference_energy import readers
from inference_energy.errors import InputError
from library.readers.files import FIXTURES, NODE, load, put, refusal

DEEP = 100_000
SURROGATE = "\\ud800"


def told(message, name):
    assert name in message
    assert "Traceback" not in message
    assert len(message) < 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu: 2026-01-31", "is a date"),
        ("gpu: !!set {a, b}", "is a set"),
        ("gpu: !!binary aGVsbG8=", "is a bytes"),
        ("gpu: &a [*a]", "anchors stand for themselves"),
        (f'model: "{SURROGATE}"', "surrogate|not YAML"),
        (f'"{SURROGATE}": 8', "surrogate|not YAML"),
        ("gpu: " + "[" * DEEP, "nested deeper"),
        ("n_gpus: " + "9" * 400, "n_gpus"),
        ("n_gpus: " + "9" * 5000, "cannot be read|digits"),
        ("n_gpus: 8\nn_gpus: 4", "stands there twice"),
        ("n_gpus: .inf", "finite"),
        ("? [a, b]\n: 8", "no text|not YAML"),
        ("\ufeff", "is empty"),
        ("", "is empty"),
        ("gpu: \x00", "not YAML"),
    ],
)
def test_facts_that_are_no_facts(tmp_path, text, expected):
    path = put(tmp_path, load("vllm/single.json"))
    put(tmp_path, text, "run.facts.yaml")
    message = refusal(path)
    told(message, "run.facts.yaml")
    assert any(word in message for word in expected.split("|"))


def test_facts_that_are_a_folder(tmp_path):
    path = put(tmp_path, load("vllm/single.json"))
    (tmp_path / "facts.yaml").mkdir()
    assert "facts.yaml: is no file" in refusal(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * DEEP, "nested deeper"),
        ('{"a":' * DEEP, "nested deeper"),
        ('{"duration": ' + "9" * 5000 + "}", "holds a number of 5000 digits; allowed"),
        ("\ufeff", "is empty"),
        ("\ufeff\n", "is empty"),
        ("\n", "is empty"),
        ('"model","gpu",' + "x" * 131_073, "no known format"),
        ("x" * 131_073, "no known format"),
        ("\x00model,gpu,throughput_tps", "NUL|no known format"),
        ('{"duration": 1, "duration": 2}', '"duration" stands there twice'),
        ('{"duration": NaN', "not complete JSON"),
    ],
)
def test_files_that_are_no_benchmark(tmp_path, text, expected):
    message = refusal(put(tmp_path, text), NODE)
    told(message, "run.json")
    assert any(word in message for word in expected.split("|"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Llama\u200b 3.1 70B", ['write it as "Llama 3.1 70B"', "state model"]),
        ("Ll\u0430ma 3.1 70B", ['write it as "Llama 3.1 70B"']),
        ("\uff2clama 3.1 70B", ['write it as "Llama 3.1 70B"']),
        ("Llama 3.1 7\u039fB", ['write it as "Llama 3.1 7OB"']),
        ("a\nb", ['write it as "ab"']),
        ("a\0b", ['write it as "ab"']),
        ("", ["is empty", "state model"]),
        (" \u200b ", ["is empty"]),
        ("x" * 200_000, ["at most 300 letters"]),
    ],
)
def test_names_that_look_like_others_are_refused(tmp_path, name, words):
    message = refusal(put(tmp_path, load("vllm/single.json") | {"model_id": name}), NODE)
    told(message, "run.json: model is")
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize("gpu", ["H100-SXM-80G\u0412", "H100-SXM-\uff18\uff10GB"])
def test_a_gpu_in_letters_that_look_like_others_is_refused(tmp_path, gpu):
    message = refusal(put(tmp_path, load("vllm/single.json")), NODE | {"gpu": gpu})
    assert 'write it as "H100-SXM-80GB"' in message


@pytest.mark.parametrize("count", ["9" * 5000, "\u0668", "-1", "1e3", ""])
def test_counts_of_metadata_that_are_no_whole_numbers(tmp_path, count):
    facts = {name: value for name, value in NODE.items() if name != "n_gpus"}
    message = refusal(put(tmp_path, load("vllm/single.json") | {"n_gpus": count}), facts)
    told(message, 'metadata "n_gpus" is "')


@pytest.mark.parametrize("key", ["duration", "completed", "output_throughput", "p99_ttft_ms"])
@pytest.mark.parametrize("value", [10**399, 1e300])
def test_numbers_beyond_any_measurement(tmp_path, key, value):
    message = refusal(put(tmp_path, load("vllm/single.json") | {key: value}), NODE)
    told(message, key)
    assert "of at most" in message


@pytest.mark.parametrize("key", ["total_output_tokens", "output_lens", "num_prompts"])
def test_numbers_beyond_any_measurement_in_what_only_checks(tmp_path, key):
    raw = load("vllm/detailed.json")
    raw[key] = [10**399] * 6 if key == "output_lens" else 10**399
    told(refusal(put(tmp_path, raw), NODE), "run.json")


@pytest.mark.parametrize("value", [[], [8], {"a": 1}])
@pytest.mark.parametrize("key", ["gpu", "n_gpus", "tensor_parallel", "pipeline_parallel"])
def test_lists_and_objects_for_a_value(tmp_path, key, value):
    path = put(tmp_path, load("vllm/single.json") | {key: value})
    for facts in (NODE, {name: fact for name, fact in NODE.items() if name != key}):
        if key == "gpu" and "gpu" in facts:
            continue
        told(refusal(path, facts), f"{key} is ")


@pytest.mark.parametrize("value", [[], {"a": 1}])
def test_lists_and_objects_for_a_gpu_of_the_leaderboard(tmp_path, value):
    task = load("mlenergy/task.json")
    task["configurations"][0]["gpu_model"] = value
    told(refusal(put(tmp_path, task), {}), "gpu is ")


def test_a_key_that_stands_twice_among_many_is_found_at_once(tmp_path):
    text = "{" + "".join(f'"k{n}":1,' for n in range(100_000)) + '"z":1,"z":2}'
    assert '"z" stands there twice' in refusal(put(tmp_path, text))


def test_only_the_first_line_of_a_table_is_looked_at_to_know_it(tmp_path):
    path = put(tmp_path, "\n \nfirst line\n" + "ab\n" * 2_000_000)
    tracemalloc.start()
    message = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 'begins with "first line"' in message
    assert peak < 5 * path.stat().st_size


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a\0b", "holds a line end, a control character"),
        ("x" * 5_000, "cannot be read"),
        ("x" * 300 + "/run.json", "cannot be read"),
    ],
)
def test_paths_that_no_file_can_have(path, words):
    with pytest.raises(InputError, match=words):
        readers.detect_and_read(path)


def test_text_that_no_table_can_hold(tmp_path):
    text = json.dumps(load("vllm/single.json") | {"model_id": "SWAP"})
    told(refusal(put(tmp_path, text.replace("SWAP", SURROGATE)), NODE), "surrogate")


def test_a_table_with_a_blank_first_line(tmp_path):
    path = FIXTURES / "project/throughput.csv"
    again = readers.detect_and_read(put(tmp_path, "\n" + path.read_text(), "throughput.csv"))
    found = readers.detect_and_read(path)
    pd.testing.assert_frame_equal(again.drop(columns="sha256"), found.drop(columns="sha256"))


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_devices_are_no_files(path):
    with pytest.raises(InputError, match="is no file"):
        readers.detect_and_read(path, NODE)


def test_files_too_large_to_be_a_result(tmp_path):
    path = tmp_path / "run.json"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    assert "run.json: is 1.09951e+12 bytes" in refusal(path, NODE)


def test_more_values_than_a_result_has(tmp_path):
    assert "more than" in refusal(put(tmp_path, "[" + "[]," * 3_000_000 + "[]]"), NODE)


MLPERF = {**NODE, "model": "Llama 2 70B"}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("mlperf_log_detail.txt", ':::MLLOG [1, "power_begin"]'),
        ("mlperf_log_detail.txt", ':::MLLOG "power_begin"'),
        ("mlperf_log_detail.txt", ':::MLLOG {"key": "power_begin", "value": "99-99-2024 1:2:3.4"}'),
        ("mlperf_log_detail.txt", ':::MLLOG {"key": ["power_begin"], "value": 1}'),
        ("mlperf_log_detail.txt", ":::MLLOG " + "[" * DEEP + '"power_begin"'),
        ("mlperf_log_detail.txt", ':::MLLOG {"key": "power_begin", "value": ' + "9" * 5000 + "}"),
        ("spl.txt", "Time,07-31-2024 02:42:41.000,Watts,inf"),
        ("spl.txt", "Time,07-31-2024 02:42:41.000,Watts,nan"),
        ("spl.txt", "Time,07-31-2024 02:42:41.000,Watts,many"),
        ("spl.txt", "Time,99-99-9999 02:42:41.000,Watts,1"),
        ("spl.txt", "Time,07-31-2024 02:42:41.000,Watts,1e300"),
        ("mlperf_log_summary.txt", "Tokens per second: inf"),
        ("mlperf_log_summary.txt", "Tokens per second: 1e300"),
        ("mlperf_log_summary.txt", "Samples per second: 1e-300"),
    ],
)
def test_damaged_lines_of_mlperf(tmp_path, file, line):
    folder = tmp_path / "offline"
    folder.mkdir()
    for source in (FIXTURES / "mlperf/offline").iterdir():
        text = source.read_text(encoding="utf-8")
        if source.name == file:
            # of the summary the first line of a name counts, of the detail log the last
            title = text[:120] if file.endswith("summary.txt") else ""
            text = "\n".join([title, line, text, line])
        (folder / source.name).write_text(text, encoding="utf-8")
    told(refusal(folder, MLPERF), "offline")


def test_a_folder_among_the_logs_of_mlperf(tmp_path):
    folder = tmp_path / "offline"
    folder.mkdir()
    for source in (FIXTURES / "mlperf/offline").iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    (folder / "a.txt").mkdir()
    assert len(readers.detect_and_read(folder, MLPERF)) == 1

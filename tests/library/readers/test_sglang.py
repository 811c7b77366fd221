"""Files of SGLang's client."""

import json

import pytest
from inference_energy.errors import InputError
from inference_energy.readers import detect_and_read, sglang
from library.readers.files import FIXTURES, NODE, load, put, read_alone, recognised


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(sglang) == {"sglang"}


def test_sglang_reads_the_server_and_shares_gpus_between_attention_copies():
    frame = detect_and_read(FIXTURES / "sglang/runs.jsonl", {"gpu": "H200-SXM-141GB"})
    assert list(frame["concurrency"]) == [64, 128]
    row = frame.iloc[0]
    assert (row["n_gpus"], row["tensor_parallel"], row["pipeline_parallel"]) == (8, 8, 1)
    assert (row["precision"], row["client_version"]) == ("FP8", "0.5.23")
    assert row["model"] == "deepseek-ai/DeepSeek-R1"
    assert row["e2e_p95_s"] == pytest.approx(39.65)


def test_sglang_copies_without_shared_attention_take_their_own_gpus(tmp_path):
    raw = json.loads((FIXTURES / "sglang/runs.jsonl").read_text().splitlines()[0])
    raw["server_info"] |= {"enable_dp_attention": False, "tp_size": 2, "dp_size": 4}
    row = detect_and_read(put(tmp_path, raw), {"gpu": "B200"}).iloc[0]
    assert (row["n_gpus"], row["tensor_parallel"]) == (8, 2)


@pytest.mark.parametrize("size", [8000, 10**12])
def test_sglang_sizes_whose_product_no_run_has_are_refused(tmp_path, size):
    raw = json.loads((FIXTURES / "sglang/runs.jsonl").read_text().splitlines()[0])
    raw["server_info"] |= {"served_model_name": "m", "tp_size": size, "pp_size": size}
    with pytest.raises(InputError, match=f"n_gpus is {size**2}; allowed are at most 10000"):
        detect_and_read(put(tmp_path, raw), {"gpu": "B200"})


@pytest.mark.parametrize(
    ("dataset", "ratio", "marked"),
    [
        ("random", 1.0, True),
        ("random-ids", 1.0, True),
        ("random", 0.5, False),
        ("sharegpt", 1.0, False),
    ],
)
def test_sglang_length_asked_for_counts_only_for_fixed_random_prompts(
    tmp_path, dataset, ratio, marked
):
    raw = load("sglang/older.jsonl") | {"dataset_name": dataset, "random_range_ratio": ratio}
    raw["random_output_len"] = 2000
    status = detect_and_read(put(tmp_path, raw), {**NODE, "model": "m"}).iloc[0]["status"]
    assert ("where 2000 were asked for" in status) is marked


RUN = {"duration": 10.0, "completed": 20, "output_throughput": 600.0, "total_output_tokens": 6000}
SERVER = {
    "served_model_name": "m",
    "model_path": "path/m",
    "version": "0.5",
    "quantization": "fp8",
    "dtype": "bfloat16",
    "tp_size": 2,
    "pp_size": 3,
    "dp_size": 4,
    "enable_dp_attention": False,
}


def served(**changes):
    """Row of a run whose server says so."""
    return read_alone(sglang, RUN | {"server_info": SERVER | changes}).row


def test_the_server_tells_model_version_format_and_layout():
    row = served()
    of_server = ("model", "client_version", "precision", "tensor_parallel", "pipeline_parallel")
    assert [row[name] for name in of_server] == ["m", "0.5", "FP8", 2, 3]
    assert row["n_gpus"] == 24
    assert served(served_model_name=None)["model"] == "path/m"
    assert served(quantization=None)["precision"] == "BF16"
    assert served(enable_dp_attention=True)["n_gpus"] == 6
    for missing in ("tp_size", "pp_size", "dp_size"):
        assert "n_gpus" not in served(**{missing: None})
    for key in ("tp_size", "pp_size", "dp_size"):
        problems = read_alone(sglang, RUN | {"server_info": {key: -1}}).problems
        assert problems[0].startswith(f'run.json: "server_info.{key}" is -1; a number of at least')
    assert "model" not in read_alone(sglang, RUN | {"server_info": "m"}).row


def test_errors_are_counted_where_they_are_listed():
    assert read_alone(sglang, RUN | {"errors": ["", "a", "b"]}).marks == ["2 requests failed"]
    assert read_alone(sglang, RUN | {"errors": ["", ""]}).row["failed"] == 0
    assert "failed" not in read_alone(sglang, RUN | {"errors": "a"}).row


@pytest.mark.parametrize(
    ("record", "is_one"),
    [
        (RUN | {"dataset_name": "random"}, True),
        (RUN | {"median_e2e_latency_ms": 5}, True),
        (RUN | {"total_output_tokens_retokenized": 5}, True),
        (RUN, False),
        (RUN | {"dataset_name": "random", "model_id": "m"}, False),
        ({"dataset_name": "random", "completed": 5, "duration": 1}, False),
    ],
)
def test_its_keys_tell_it_from_other_clients(record, is_one):
    assert sglang.recognise(record) is is_one

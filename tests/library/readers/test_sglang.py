"""Files of SGLang's client."""

import json

import pytest
from inference_energy.readers import detect_and_read, sglang
from library.readers.files import FIXTURES, NODE, load, put, recognised


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

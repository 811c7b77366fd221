"""Files of ML.ENERGY."""

import numpy as np
import pytest
from inference_energy.readers import detect_and_read, mlenergy
from library.readers.files import FIXTURES, load, put, read_alone, recognised


def test_its_own_files_are_recognised_and_no_others():
    assert recognised(mlenergy) == {"mlenergy"}


def test_mlenergy_power_over_throughput_is_energy_and_input_stays_empty():
    frame = detect_and_read(FIXTURES / "mlenergy/task.json")
    energy = frame["gpu_power_w"] / frame["throughput_tps"]
    np.testing.assert_allclose(energy, frame["energy_per_output_token_j"], rtol=1e-4)
    assert frame["input_tokens"].isna().all()
    assert list(frame["gpu"]) == ["B200", "H100-SXM-80GB"]
    assert list(frame["precision"]) == ["BF16", "BF16"]
    assert list(frame["n_gpus"]) == [1, 8]
    assert list(frame["pipeline_parallel"]) == [1, 1], "experts account for the eight GPUs"


def test_mlenergy_energy_of_another_run_is_marked(tmp_path):
    raw = load("mlenergy/task.json")
    raw["configurations"][1]["energy_per_token_joules"] *= 2
    frame = detect_and_read(put(tmp_path, raw))
    assert frame["status"][0] == "ok"
    assert "power: energy_per_output_token_j" in frame["status"][1]


CONFIGURATION = {
    "model_id": "a/m",
    "gpu_model": "H100",
    "weight_precision": "fp8",
    "num_gpus": 8,
    "tensor_parallel": 2,
    "data_parallel": 4,
    "expert_parallel": 1,
    "max_num_seqs": 64,
    "avg_output_len": 300.0,
    "output_throughput_tokens_per_sec": 1000.0,
    "avg_power_watts": 4000.0,
    "energy_per_token_joules": 4.0,
    "median_itl_ms": 10.0,
    "p90_itl_ms": 20.0,
    "p95_itl_ms": 30.0,
    "p99_itl_ms": 40.0,
}


def test_every_key_is_a_column_in_its_unit():
    run = read_alone(mlenergy, CONFIGURATION)
    assert run.row == {
        "model": "a/m",
        "gpu": "H100-SXM-80GB",
        "precision": "FP8",
        "n_gpus": 8,
        "tensor_parallel": 2,
        "pipeline_parallel": 1,
        "concurrency": 64,
        "output_tokens": 300,
        "throughput_tps": 1000,
        "gpu_power_w": 4000,
        "energy_per_output_token_j": 4,
        "itl_p50_s": 0.01,
        "itl_p90_s": 0.02,
        "itl_p95_s": 0.03,
        "itl_p99_s": 0.04,
    }
    assert (run.marks, run.problems) == ([], [])
    assert read_alone(mlenergy, CONFIGURATION | {"gpu_model": "X1"}).row["gpu"] == "X1"


def test_joules_of_a_request_are_held_against_those_of_its_tokens():
    told = "power: energy_per_request_joules 1300 J where energy per token x mean length is 1200"
    for joules, marks in ((1200.0, []), (1300.0, [told])):
        stated = CONFIGURATION | {"energy_per_request_joules": joules}
        assert read_alone(mlenergy, stated).marks == marks
        for lacking in ("energy_per_token_joules", "avg_output_len"):
            assert read_alone(mlenergy, stated | {lacking: None}).marks == []


def test_the_most_sequences_at_once_are_held_against_the_mean_batch():
    for batch, marked in ((32.0, False), (31.9, True), (65.2, False), (65.4, True)):
        stated = CONFIGURATION | {"avg_batch_size": batch}
        marks = [f"concurrency 64 where avg_batch_size is {batch:g}"] if marked else []
        assert read_alone(mlenergy, stated).marks == marks
        assert read_alone(mlenergy, stated | {"max_num_seqs": None}).marks == []


def test_one_stage_where_copies_and_experts_account_for_every_gpu():
    for copies, experts, known in (
        (4, 1, True),
        (2, 2, True),
        (None, 4, True),
        (2, 1, False),
        (2, None, False),
    ):
        layout = {"data_parallel": copies, "expert_parallel": experts}
        row = read_alone(mlenergy, CONFIGURATION | layout).row
        assert ("pipeline_parallel" in row) is known
    assert "pipeline_parallel" in read_alone(mlenergy, CONFIGURATION | {"expert_parallel": 8}).row


@pytest.mark.parametrize(
    "key",
    ["num_gpus", "tensor_parallel", "avg_output_len", "output_throughput_tokens_per_sec"],
)
def test_what_cannot_be_missing_is_named(key):
    run = read_alone(mlenergy, CONFIGURATION | {key: None})
    assert [problem.split(";")[0] for problem in run.problems] == [f'run.json: "{key}" is missing']


def test_runs_are_named_by_their_place_in_the_task():
    runs = mlenergy.split("t.json", {"configurations": [CONFIGURATION, "x"]})
    assert [run.where for run in runs] == [f"t.json, configuration {n}" for n in (1, 2)]
    assert (runs[0].raw, runs[0].problems, runs[0].client) == (CONFIGURATION, [], "mlenergy")
    assert runs[1].problems == [
        "t.json, configuration 2: is not an object; download the task file again"
    ]
    for record in ({"task": "t"}, {"configurations": []}, {"task": "t", "configurations": {}}):
        assert mlenergy.recognise(record) is False

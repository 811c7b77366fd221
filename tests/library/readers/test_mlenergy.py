"""Files of ML.ENERGY."""

import numpy as np
from inference_energy.readers import detect_and_read, mlenergy
from library.readers.files import FIXTURES, load, put, recognised


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
    assert frame["status"][1].startswith("marked: power: energy_per_output_token_j")

"""Energy per token with power and throughput both predicted."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.evidence.token_energy import energy_per_token, left_out
from inference_energy.laws.training import training_rows
from inference_energy.power import measured
from inference_energy.power.scores import SPLITS, laws_without
from inference_energy.power.utilisation import add_utilisation
from repository import read

LOAD = {
    "model": "Llama 3.1 70B",
    "gpu": "H100-SXM-80GB",
    "gpus": 4,
    "attention_copies": 1,
    "precision": "FP8",
    "batch": 64.0,
    "input_tokens": 500.0,
    "output_tokens": 300.0,
    "task": "chat",
}


@pytest.fixture
def predicted(laws):
    def predict(throughput, log_sd):
        known = pd.DataFrame([LOAD]), [throughput], [log_sd], laws.models, laws.gpus
        return energy_per_token(laws.power, *known).iloc[0]

    return predict


def test_energy_is_power_over_throughput(predicted, laws):
    row = pd.DataFrame([LOAD | {"throughput_tps": 1000.0}])
    power = laws.power.predict(add_utilisation(row, laws.models, laws.gpus))["gpu_power_w"].item()
    assert predicted(1000.0, 0.0)["predicted_j"] == pytest.approx(4 * power / 1000)


def test_an_error_of_throughput_reaches_energy_in_part(predicted):
    """The share that power does not take up by rising with throughput."""
    step = 1e-3
    change = np.log(
        predicted(1000 * (1 + step), 0.0)["predicted_j"] / predicted(1000.0, 0.0)["predicted_j"]
    )
    share = -change / np.log1p(step)
    assert 0.5 < share < 1
    alone, both = predicted(1000.0, 0.0)["log_sd"], predicted(1000.0, 0.4)["log_sd"]
    assert both == pytest.approx(np.hypot(alone, share * 0.4), rel=0.01)


def test_quantiles_are_those_of_the_spread(predicted):
    found = predicted(1000.0, 0.2)
    assert np.log(found["p95_j"] / found["predicted_j"]) == pytest.approx(
        1.645 * found["log_sd"], rel=1e-3
    )
    assert found["p5_j"] < found["p25_j"] < found["predicted_j"] < found["p75_j"] < found["p95_j"]


def test_every_split_is_scored():
    scores = read("results/validation/power_scores.csv", "power_scores")
    own = scores[scores["quantity"] == "energy, throughput predicted"]
    assert set(own["left_out"]) == set(SPLITS)
    assert (own.loc[own["architecture"] == "all", "n"] == 515).all()


def test_neither_law_sees_a_model_of_the_same_architecture(laws):
    twins = ["meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"]
    runs = read("data/measured/mlenergy_v3.csv", "mlenergy")
    others = ["Qwen/Qwen3-8B", "nvidia/NVIDIA-Nemotron-Nano-9B-v2", "openai/gpt-oss-20b"]
    steady = runs[runs["model_id"].isin([*twins, *others])].reset_index(drop=True)
    inferencex = read("data/measured/inferencex_power.csv", "inferencex")
    rows = add_utilisation(measured.rows(steady, inferencex), laws.models, laws.gpus)
    without = laws_without(rows, 0.13)
    vendor = read("data/throughput/trtllm.csv", "throughput").tail(20)
    hardware = {"models": laws.models, "gpus": laws.gpus}

    def of_first(factor):
        twin = steady["model_id"] == twins[1]
        throughput = steady["throughput_tps"].where(~twin, factor * steady["throughput_tps"])
        training = training_rows([vendor], steady.assign(throughput_tps=throughput), hardware)
        found = left_out(rows, without, steady, training, laws.models, laws.gpus)
        own = steady["row"][steady["model_id"] == twins[0]]
        return found[found["left_out"].eq("model") & found["run"].isin(own)]["predicted_j"]

    assert len(of_first(1.0))
    np.testing.assert_array_equal(of_first(1.0), of_first(0.5))

"""Energy per token by the laws of throughput and power."""

import pandas as pd
import pytest
from inference_energy.evidence import law


def test_energy_falls_with_the_load(laws):
    rows = [law.row("Llama 3.1 405B", "H100-SXM-80GB", 8, "FP8", n, 300, 300) for n in (1, 8, 64)]
    energy = laws.energy(pd.DataFrame(rows))["predicted_j"]
    assert energy.is_monotonic_decreasing
    assert energy[0] > 10 * energy[2]


def test_known_runs_are_met(laws, runs):
    some = runs[runs["model"] == "Llama 3.1 405B"]
    found = laws.energy(law.of_runs(some))["predicted_j"].to_numpy()
    assert abs(pd.Series(found / some["energy_per_token_j"].to_numpy()).median() - 1) < 0.2


def test_more_gpus_than_a_node_are_parted_in_a_pipeline():
    row = law.row("Llama 3.1 405B", "H100-SXM-80GB", 16, "BF16", 1)
    assert row["tensor_parallel"] == 8 and row["pipeline_parallel"] == 2


def test_a_gpu_of_a_pipeline_reads_its_weights_for_every_part_of_the_batch(laws, monkeypatch):
    given = []
    monkeypatch.setattr(law, "energy_per_token", lambda power, loads, *rest: given.append(loads))
    for gpus in (8, 16):
        rows = [law.row("Llama 3.1 8B", "H100-SXM-80GB", gpus, "FP8", n) for n in (1, 64)]
        laws.energy(pd.DataFrame(rows))
    one, two = (loads["batch"].to_numpy() for loads in given)
    assert two[0] == pytest.approx(1, rel=1e-3)
    assert two[1] == pytest.approx(one[1] / 2, rel=1e-3)


def test_a_gpu_like_another_differs_only_as_stated(laws):
    row = law.row("Llama 3.1 70B", "H800", 4, "FP8", 64, 300, 300)
    twin = laws.with_gpu("H800", "H100-SXM-80GB").law_of(row)
    slower = laws.with_gpu("H800", "H100-SXM-80GB", link_gb_s=200.0).law_of(row)
    own = laws.law_of(row | {"gpu": "H100-SXM-80GB"})
    assert twin.traits == own.traits
    assert slower.traits["link_s"] == pytest.approx(450 / 200 * own.traits["link_s"])


def test_a_row_is_one_of_a_table_of_throughput_by_hand():
    assert law.row("m", "B200", 12, "FP4", 3.0, 100, output_tokens=7, engine="vLLM") == {
        "model": "m",
        "gpu": "B200",
        "precision": "FP4",
        "tensor_parallel": 6,
        "pipeline_parallel": 2,
        "attention_data_parallel": 1,
        "expert_parallel": 1,
        "engine": "vLLM",
        "engine_version": "",
        "source_id": "",
        "source_version": "",
        "protocol": "at a load",
        "input_tokens": 100.0,
        "output_tokens": 7.0,
        "concurrency": 3.0,
    }
    plain = law.row("m", "B200", 8, "FP4", 1.0)
    assert (plain["tensor_parallel"], plain["pipeline_parallel"], plain["engine"]) == (8, 1, "")
    assert plain["input_tokens"] == plain["output_tokens"] == 300.0


def test_a_node_is_told_to_the_law_of_power_by_hand(laws, monkeypatch):
    """Attention in two copies of four GPUs each; rows of any index."""
    given = {}

    def energy_per_token(power, loads, throughput, log_sd, models, gpus):
        given.update(loads=loads, throughput=throughput, tables=(power, models, gpus))
        given["log_sd"] = log_sd

    monkeypatch.setattr(law, "energy_per_token", energy_per_token)
    row = law.row("DeepSeek-R1", "B200", 4, "FP8", 16.0, 300, 300, "vLLM")
    row |= {"attention_data_parallel": 2, "expert_parallel": 8}
    laws.energy(pd.DataFrame([row], index=[7]))
    loads = given["loads"]
    assert loads.index.tolist() == [0]
    assert (loads["gpus"].item(), loads["attention_copies"].item()) == (8, 2)
    assert (loads["task"].item(), loads["batch"].item()) == ("", pytest.approx(16, rel=1e-2))
    assert given["tables"] == (laws.power, laws.models, laws.gpus)
    throughput, log_sd = laws.throughput.predict(loads)
    assert given["throughput"] == pytest.approx(throughput)
    assert given["log_sd"] == pytest.approx(log_sd)


def test_a_gpu_like_another_is_added_behind_those_that_are_known(laws):
    twin = laws.with_gpu("H800", "H100-SXM-80GB", link_gb_s=200.0).gpus
    assert twin.index.tolist() == list(range(len(laws.gpus) + 1))
    first, last = laws.gpus.set_index("gpu").loc["H100-SXM-80GB"], twin.set_index("gpu").iloc[-1]
    assert twin["gpu"].iloc[-1] == "H800"
    assert {
        name for name in first.index if pd.notna(first[name]) and first[name] != last[name]
    } == {"link_gb_s"}

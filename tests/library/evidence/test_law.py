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

"""Energy per token against the requests at once, as measured."""

import pytest
from inference_energy.evidence import concurrency


def test_concurrency_costs_nothing_at_the_best_and_is_not_extrapolated(runs, band):
    at = [
        concurrency.concurrency_factor(runs, "Llama 3.1 405B", "FP8", n)[0]
        for n in (1, 8, 64, 256, 1e6)
    ]
    assert at == sorted(at, reverse=True)
    assert at[-1] == pytest.approx(1)
    smallest = concurrency.summarise(runs, band, 1.1).set_index(["model_id", "gpu"])
    measured = smallest.loc[("meta-llama/Llama-3.1-405B-Instruct-FP8", "H100-SXM-80GB"), "ratio"]
    assert at[0] == pytest.approx(measured)
    assert concurrency.concurrency_factor(runs, "Mixtral 8x22B", "FP8", 8)[0] is None


def test_a_concurrency_summary_is_of_one_deployment_and_its_best(runs, band):
    table = concurrency.summarise(runs, band, 1.1)
    lowest = runs.groupby(concurrency.SUBJECT)["energy_per_token_j"].min()
    best = table.set_index(concurrency.SUBJECT)["energy_best_j"]
    assert best.sort_index().to_numpy() == pytest.approx(lowest.sort_index().to_numpy())
    assert (table["near_best_batch"] <= table["best_batch"]).all()
    reached = table["ratio"] >= band[0]
    assert (reached == (table["explained_lower"] >= 1)).all()


def test_precision_ratios_compare_the_same_load(runs):
    key = {"task": "chat", "gpu": "B200", "concurrency_limit": 8.0}
    same = runs[(runs["task"] == "chat") & (runs["gpu"] == "B200")]
    same = same[(same["concurrency_limit"] == 8) & same["model_id"].str.contains("405B")]
    energy = same.groupby("precision")["energy_per_token_j"].min()
    table = concurrency.precision_ratios(runs).set_index(["family", *key])["ratio"]
    name = "meta-llama/Llama-3.1-405B-Instruct"
    assert table[(name, *key.values())] == pytest.approx(energy["BF16"] / energy["FP8"])

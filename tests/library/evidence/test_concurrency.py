"""Energy per token against the requests at once, as measured."""

import pandas as pd
import pytest
from inference_energy.evidence import concurrency
from repository import read


def test_a_concurrency_summary_is_of_one_deployment_and_its_best(runs, band):
    table = concurrency.summarise(runs, band, 1.1)
    lowest = runs.groupby(concurrency.SUBJECT)["energy_per_token_j"].min()
    best = table.set_index(concurrency.SUBJECT)["energy_best_j"]
    assert best.sort_index().to_numpy() == pytest.approx(lowest.sort_index().to_numpy())
    assert (table["near_best_batch"] <= table["best_batch"]).all()
    reached = table["ratio"] >= band[0]
    assert (reached == (table["explained_lower"] >= 1)).all()


def test_one_sequence_costs_more_than_any_sweep_shows(runs, laws, band):
    table = concurrency.from_one(concurrency.summarise(runs, band, 1.1), runs, laws)
    assert (table["ratio_from_one"] > table["ratio"]).all()
    assert (table["ratio_from_one_p5"] < table["ratio_from_one"]).all()
    assert (table["ratio_from_one"] < table["ratio_from_one_p95"]).all()


def test_the_first_batch_of_a_sweep_is_met_exactly(runs, laws, band):
    summary = concurrency.summarise(runs, band, 1.1)
    alone = concurrency.from_one(summary, runs.assign(concurrency=1.0), laws)
    assert alone["ratio_from_one"].to_numpy() == pytest.approx(summary["ratio"].to_numpy())


def sweep(loads, energies, **others):
    """Runs of one deployment at rising loads, the highest first."""
    run = {"task": "chat", "model_id": "org/m", "model": "m", "precision": "FP8", "gpu": "B200"}
    run |= {"gpus": 4, "tensor_parallel": 4, "expert_parallel": 1, "source_id": "a"} | others
    runs = [
        run | {"concurrency": load, "energy_per_token_j": energy}
        for load, energy in zip(loads, energies, strict=True)
    ]
    return pd.DataFrame(runs[::-1])


def test_a_sweep_by_hand():
    """The best is at 64, a tenth more is near it; another layout never takes less."""
    own = sweep([8, 32, 64, 128], [8.0, 2.2, 2.0, 2.1])
    wide = sweep([8, 64], [9.0, 2.5], gpus=8, tensor_parallel=8)
    other = sweep([16.0], [5.0], gpu="H100-SXM-80GB", model=None)
    runs = pd.concat([wide, own, other], ignore_index=True)
    best = concurrency.best_deployments(runs)
    assert best["concurrency"].tolist() == [8, 32, 64, 128, 16]
    first, second = concurrency.summarise(runs, (2.0, 8.0), 1.1).to_dict("records")
    assert first == {
        **dict(zip(concurrency.DEPLOYMENT, ["chat", "org/m", "FP8", "B200", 4, 4, 1], strict=True)),
        "model": "m",
        "source_id": "a",
        "runs": 4,
        "smallest_batch": 8,
        "energy_smallest_batch_j": 8.0,
        "best_batch": 64,
        "energy_best_j": 2.0,
        "ratio": 4.0,
        "near_best_batch": 32,
        "explained_lower": pytest.approx(2.0),
        "explained_upper": pytest.approx(2 / 3),
    }
    assert (second["gpu"], second["runs"], second["ratio"]) == ("H100-SXM-80GB", 1, 1.0)
    assert second["explained_lower"] == 0


def test_one_sequence_is_that_of_the_law_over_what_it_says_of_the_smallest_batch():
    """Made-up laws: 40 J over the load, and half and twice that at the ends of the interval."""

    class Laws:
        def energy(self, rows):
            own = 40 / rows["concurrency"].astype(float)
            return pd.DataFrame({"predicted_j": own, "p5_j": own / 2, "p95_j": own * 2})

    runs = read("data/measured/mlenergy_v3.csv", "mlenergy").head(12)
    summary = concurrency.summarise(runs, (2.0, 8.0), 1.1)
    found = concurrency.from_one(summary, runs, Laws())
    expected = summary["ratio"] * summary["smallest_batch"]
    assert found["ratio_from_one"].to_numpy() == pytest.approx(expected.to_numpy())
    assert found["ratio_from_one_p5"].to_numpy() == pytest.approx(expected.to_numpy() / 2)
    assert found["ratio_from_one_p95"].to_numpy() == pytest.approx(expected.to_numpy() * 2)
    assert list(found)[: len(summary.columns)] == list(summary)

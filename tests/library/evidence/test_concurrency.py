"""Energy per token against the requests at once, as measured."""

import pytest
from inference_energy.evidence import concurrency


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
